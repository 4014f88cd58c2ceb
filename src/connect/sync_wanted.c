#include "base/reader.h"
#include "connect/entering.h"
#include "connect/sync_internal.h"

#define ASKED_MAX 65536 /* bytes of the fact that remembers who was asked */

uint64_t payloads_start(const struct log_info *log)
{
    if (log->role == LOG_OWN || log->mode == MODE_FULL)
        return 0;
    if (log->mode == MODE_RECENT)
        return log->size > log->recent ? log->size - log->recent : 0;
    return log->size;
}

/*
 * First wanted payload from the mode's start on. Where all are kept, none below the first wanted one is ever wanted
 * again, so that the next search begins there and a log of millions is not looked through for each new entry. Unless a
 * command, which may be another process, had older ones dropped meanwhile: then payloads_from is not 0 until all have
 * been asked for again.
 */
static int wanted_first(struct sync *sync, const struct log_info *log, uint64_t *ret, struct err *err)
{
    struct log_slot *slot = (size_t)log->number < sync->slot_count ? &sync->slots[log->number] : NULL;
    uint64_t start = payloads_start(log);
    if (slot && (start > 0 || log->payloads_from > 0))
        slot->wanted_from = 0; /* what is below is wanted again once all is to be kept */
    bool has_hint = slot && start == 0 && slot->wanted_from <= log->size;
    int code = payload_next_wanted(sync->store, log->number, has_hint ? slot->wanted_from : start, ret, err);
    if (code == 0 && has_hint)
        slot->wanted_from = *ret;
    return code;
}

void payloads_asked_name(const struct log_info *log, char out[PAYLOADS_ASKED_NAME_MAX])
{
    snprintf(out, PAYLOADS_ASKED_NAME_MAX, "asked.%s", log->hex);
}

/* That fact has a line "PEER SIZE" for each peer that was asked for all and did not have all. */
static uint64_t asked_line(struct span facts, int64_t peer, struct buf *others)
{
    uint64_t found = 0;
    struct reader reader;
    reader_init(&reader, facts);
    while (!reader_end(&reader)) {
        struct span line = reader_line(&reader, 64);
        uint64_t number, size;
        size_t space = span_find(line, ' ');
        if (!span_u64(span_sub(line, 0, space), INT64_MAX, &number) ||
            !span_u64(span_sub(line, space + 1, line.len), LOG_SIZE_MAX, &size))
            continue;
        if (number == (uint64_t)peer)
            found = size;
        else if (others)
            buf_fmt(others, "%llu %llu\n", (unsigned long long)number, (unsigned long long)size);
    }
    return found;
}

static int asked_load(struct sync *sync, const struct log_info *log, struct buf *out, struct err *err)
{
    char name[PAYLOADS_ASKED_NAME_MAX];
    struct err missing = {0};
    payloads_asked_name(log, name);
    int code = store_get(sync->store, name, out, &missing);
    return code == 0 || code == ERR_NOTFOUND ? 0 : err_set(err, code, "%s", missing.text);
}

int payloads_wanted(struct sync *sync, int64_t peer, const struct log_info *log, bool again, uint64_t *ret_from,
                    struct err *err)
{
    struct policy_verdict verdict;
    bool refused = false;
    if (payloads_start(log) >= log->size || !peer_quota_holds(sync, log, 1))
        return 0;
    int code = entering_refuses(sync->store, log, &refused, &verdict, err);
    if (code < 0 || refused) /* whatever it says, policy takes none of it */
        return code;
    code = wanted_first(sync, log, ret_from, err);
    if (code < 0 || *ret_from >= log->size)
        return code;
    if (again)
        return 1;
    struct buf facts;
    buf_init(&facts, ASKED_MAX);
    code = asked_load(sync, log, &facts, err);
    uint64_t asked = code == 0 ? asked_line(buf_view(&facts), peer, NULL) : 0;
    buf_done(&facts);
    if (code == 0 && asked > *ret_from)
        code = payload_next_wanted(sync->store, log->number, asked, ret_from, err);
    return code < 0 ? code : *ret_from < log->size;
}

bool payloads_lacking(struct sync *sync, const struct log_info *log)
{
    struct err err = {0};
    uint64_t from;
    int code = payloads_wanted(sync, 0, log, true, &from, &err);
    if (code < 0)
        sync_fatal(sync, &err);
    return code > 0;
}

int payloads_asked(struct sync *sync, int64_t peer, int64_t number, uint64_t size, struct err *err)
{
    struct log_info log;
    uint64_t lacking = 0, start;
    int code = store_log(sync->store, number, &log, err);
    if (code < 0)
        return code;
    start = payloads_start(&log);
    if (log.payloads_from > start) { /* the other way it moves when what is older has been dropped */
        log.payloads_from = start;
        code = store_log_update(sync->store, &log, err);
    }
    if (code == 0)
        code = wanted_first(sync, &log, &lacking, err);
    if (code < 0 || lacking >= log.size)
        return code;
    struct buf facts, now;
    char name[PAYLOADS_ASKED_NAME_MAX];
    buf_init(&facts, ASKED_MAX);
    buf_init(&now, ASKED_MAX);
    code = asked_load(sync, &log, &facts, err);
    if (code == 0) {
        asked_line(buf_view(&facts), peer, &now);
        buf_fmt(&now, "%lld %llu\n", (long long)peer, (unsigned long long)size);
        payloads_asked_name(&log, name);
        code = now.failed ? 0 : store_put(sync->store, name, buf_view(&now), err);
    }
    buf_done(&facts);
    buf_done(&now);
    return code;
}

#include "connect/healing.h"

#include <stdlib.h>

#include "connect/sync_internal.h"
#include "connect/verify.h"

/* ---- looking ---- */

struct looking {
    struct store *store;
    struct healing *healing;
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
    uint64_t done, total;
};

static bool is_stored(const struct log_info *log)
{
    return log->role != LOG_LISTED && log->size > 0;
}

static int add_up(void *ctx, const struct log_info *log, struct err *err)
{
    struct looking *looking = ctx;
    (void)err;
    looking->total += is_stored(log) ? log->bytes : 0;
    return 0;
}

static int keep(struct healing *healing, const struct healing_log *log, struct err *err)
{
    if (healing->count == healing->cap) {
        size_t cap = healing->cap ? 2 * healing->cap : 8;
        struct healing_log *logs = realloc(healing->logs, cap * sizeof(*logs));
        if (!logs)
            return err_memory(err);
        healing->logs = logs;
        healing->cap = cap;
    }
    healing->logs[healing->count++] = *log;
    return 0;
}

static int look_at(void *ctx, const struct log_info *log, struct err *err)
{
    struct looking *looking = ctx;
    struct healing_log found = {.log = *log};
    if (!is_stored(log))
        return 0;
    looking->healing->looked_at++;
    int code = log_damage_find(looking->store, log->number, &found.damage, err);
    if (code == 0 && (found.damage.tree[0] || found.damage.cut || found.damage.slots || found.damage.contents))
        code = keep(looking->healing, &found, err);
    looking->done += log->bytes;
    if (looking->progress)
        looking->progress(looking->ctx, looking->done, looking->total);
    return code;
}

/* ---- who has it ---- */

#define FOUND 1

static int ask(void *ctx, const struct peer *peer, struct err *err)
{
    struct healing_log *wanted = ctx;
    struct verify_options plain = {0};
    struct verify_result result;
    struct err not_there = {0};
    char url[PEER_URL_MAX + 96];
    (void)err;
    snprintf(url, sizeof(url), "%s/logs/%s", peer->url, wanted->log.hex);
    if (verify_url(NULL, url, &plain, &result, &not_there) < 0 || result.size < wanted->log.size)
        return 0;
    snprintf(wanted->mirror, sizeof(wanted->mirror), "%s", peer->url);
    return FOUND;
}

int healing_find(struct store *store, void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                 struct healing *ret, struct err *err)
{
    struct looking looking = {.store = store, .healing = ret, .progress = progress, .ctx = ctx};
    *ret = (struct healing){0};
    int code = store_logs(store, add_up, &looking, err);
    if (code == 0)
        code = store_logs(store, look_at, &looking, err);
    for (size_t i = 0; i < ret->count && code == 0; i++)
        if (ret->logs[i].damage.tree[0] && ret->logs[i].log.role != LOG_LOCAL)
            code = peer_each(store, ask, &ret->logs[i], err) < 0 ? err->code : 0;
    return code;
}

void healing_free(struct healing *healing)
{
    free(healing->logs);
    *healing = (struct healing){0};
}

/* ---- mending ---- */

static int mend(struct store *store, const struct healing_log *log, struct err *err)
{
    struct log_damage mended;
    if (!log->damage.tree[0])
        return log_mend(store, log->log.number, &mended, err);
    return log_begin_anew(store, log->log.number, err);
}

int healing_mend(struct store *store, const struct healing *healing, struct err *err)
{
    int code = 0;
    for (size_t i = 0; i < healing->count && code == 0; i++) {
        code = mend(store, &healing->logs[i], err);
        if (code == 0)
            code = sync_ask_anew(store, &healing->logs[i].log, err);
    }
    return code;
}

int healing_lacking(struct store *store, const struct log_info *log, uint64_t *ret, struct err *err)
{
    uint64_t at = payloads_start(log);
    int code = 0;
    for (*ret = 0; code == 0 && at < log->size; at++) {
        code = payload_next_wanted(store, log->number, at, &at, err);
        *ret += code == 0 && at < log->size;
    }
    return code;
}

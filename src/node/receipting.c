#include "node/receipting.h"

#include <stdio.h>

#include "connect/startcheck.h"
#include "index/news.h"
#include "state/author.h"

static bool is_ours(int code)
{
    return code == ERR_IO || code == ERR_MEMORY;
}

/* Another number whenever something was folded, or is for others than before: else there is nothing to look through. */
static int find_state(struct store *store, struct index *index, uint64_t *ret, struct err *err)
{
    int64_t first = 0, end = 0;
    const struct view view = {.store = store, .index = index};
    int rc = news_range(index, &first, &end, err);
    *ret = (uint64_t)end ^ view_audience_mark(&view, (struct span){0}) * UINT64_C(0x9e3779b97f4a7c15);
    return rc;
}

static struct receipting_seen *seen_of(struct receipting *r, const char *origin)
{
    uint64_t member = (uint64_t)index_hash(0, span_str(origin));
    size_t at = 0;
    while (at + 1 < RECEIPT_MEMBERS_MAX && r->seen[at].member != 0 && r->seen[at].member != member)
        at++;
    if (r->seen[at].member != member)
        r->seen[at] = (struct receipting_seen){.member = member};
    return &r->seen[at];
}

/* What cannot be confirmed now is still to be confirmed at the member's next time. */
static int confirm(struct receipting *r, struct store *store, struct index *index, const char *origin, int64_t now_ms,
                   struct err *err)
{
    struct log_info log;
    struct receipts_done done = {.more = true};
    struct receipting_seen *seen = seen_of(r, origin);
    uint64_t state = 0;
    struct err failed = {0};
    char line[sizeof(r->told)] = "";
    int rc = find_state(store, index, &state, &failed);
    if (rc == 0 && state == seen->state)
        return 0;
    if (rc == 0)
        rc = store_log_by_origin(store, span_str(origin), &log, &failed);
    if (rc == 0 && log.role == LOG_OWN)
        rc = receipts_send(store, index, &log, now_ms, false, &done, &failed);
    if (rc == 0 && !done.more)
        seen->state = state;
    if (is_ours(rc)) {
        *err = failed;
        return err_in(err, "receipts");
    }
    if (rc < 0) {
        snprintf(line, sizeof(line), "receipts of %s: %s", origin, failed.text);
        if (strcmp(line, r->told) != 0)
            r->tell(r->ctx, line);
        memcpy(r->told, line, sizeof(line));
    }
    return 0;
}

int receipting_look(struct receipting *r, struct store *store, struct index *index, int64_t now_ms, bool is_new,
                    struct err *err)
{
    struct receipt_switch due[RECEIPT_MEMBERS_MAX];
    size_t count = 0;
    int rc = receipt_switches(store, due, &count, err);
    bool may_sign = rc == 0 && count > 0 && start_check_noted(store);
    count = 0;
    if (may_sign)
        rc = receipt_due(store, now_ms, due, &count, err);
    if (may_sign)
        author_allow(store);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = confirm(r, store, index, due[i].origin, now_ms, err);
    return rc == 0 && is_new ? receipts_tell(store, index, now_ms, err) : rc;
}

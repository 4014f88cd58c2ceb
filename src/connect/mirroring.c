#include "connect/mirroring.h"

#include <stdlib.h>

#include "connect/sync_internal.h"
#include "index/judge.h"

int mirroring_ask(struct store *store, const struct log_info *log, struct policy_verdict *ret, struct err *err)
{
    struct judge judge;
    struct judge_case about = {.question = POLICY_MIRROR, .log = log};
    *ret = (struct policy_verdict){.act = POLICY_OPEN};
    if (log->followed || log->role == LOG_OWN || log->role == LOG_LOCAL)
        return 0;
    int rc = judge_open(&judge, store, 0, err);
    return rc < 0 || !judge.decides[POLICY_MIRROR] ? rc : judge_decide(&judge, &about, ret, err);
}

bool mirroring_mode(const struct policy_verdict *verdict, struct log_info *log)
{
    enum log_mode mode = verdict->act == POLICY_FULL     ? MODE_FULL
                         : verdict->act == POLICY_RECENT ? MODE_RECENT
                         : verdict->act == POLICY_HEADS  ? MODE_HEADS
                                                         : log->mode;
    uint64_t recent = verdict->act == POLICY_RECENT ? verdict->recent : log->recent;
    bool changed = mode != log->mode || recent != log->recent;
    log->mode = mode;
    log->recent = recent;
    return changed;
}

struct changes {
    struct store *store;
    struct log_info *logs;
    size_t count, cap;
};

static int note_change(void *ctx, const struct log_info *log, struct err *err)
{
    struct changes *c = ctx;
    struct policy_verdict verdict;
    struct log_info now = *log;
    if (log->role != LOG_MIRROR && log->role != LOG_MOVED)
        return 0;
    int rc = mirroring_ask(c->store, log, &verdict, err);
    if (rc < 0 || !mirroring_mode(&verdict, &now))
        return rc;
    if (c->count == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 16;
        struct log_info *grown = reallocarray(c->logs, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        c->logs = grown;
        c->cap = cap;
    }
    c->logs[c->count++] = now;
    return 0;
}

/* The row as it is by now, with another mode: what it lacks is asked for, what is too much goes. */
static int change(struct store *store, const struct log_info *wanted, struct err *err)
{
    struct log_info log;
    int rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    rc = store_log(store, wanted->number, &log, err);
    if (rc == 0 && !log.followed) {
        log.mode = wanted->mode;
        log.recent = wanted->recent;
        rc = store_log_update(store, &log, err);
        if (rc == 0)
            rc = sync_want_again(store, &log, err);
    }
    if (rc == 0)
        rc = store_commit(store, err);
    else
        store_rollback(store);
    return rc < 0 ? rc : payload_drop_before(store, log.number, payloads_start(&log), err);
}

/* Logs that were left out may be wanted now: a running node looks at what peers have announced. */
static int look_again(struct store *store, struct err *err)
{
    int rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    rc = sync_look_again(store, err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return rc;
}

int mirroring_follow_policy(struct store *store, struct err *err)
{
    struct changes changes = {.store = store};
    int rc = store_logs(store, note_change, &changes, err);
    for (size_t i = 0; i < changes.count && rc == 0; i++)
        rc = change(store, &changes.logs[i], err);
    free(changes.logs);
    return rc < 0 ? rc : look_again(store, err);
}

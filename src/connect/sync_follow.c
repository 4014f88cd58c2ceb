#include "connect/sync_internal.h"

static int count_one(void *ctx, int64_t peer, uint64_t size, struct err *err)
{
    (void)peer;
    (void)size;
    (void)err;
    ++*(size_t *)ctx;
    return 0;
}

static int cursor_forget(void *ctx, const struct peer *peer, struct err *err)
{
    struct peer all = *peer;
    all.cursor[0] = '\0';
    return peer_update(ctx, &all, err);
}

/* Peers were asked for what was wanted then; now other payloads may be. */
static int asked_forget(struct store *store, const struct log_info *log, struct err *err)
{
    char name[PAYLOADS_ASKED_NAME_MAX];
    payloads_asked_name(log, name);
    return store_put(store, name, SPAN_LIT(""), err);
}

#define FOLLOWS "follows" /* fact: a number */

int sync_follows(struct store *store, uint64_t *ret, struct err *err)
{
    struct buf fact;
    struct err missing = {0};
    buf_init(&fact, 32);
    int code = store_get(store, FOLLOWS, &fact, &missing);
    *ret = 0;
    if (code == 0)
        span_u64(buf_view(&fact), UINT64_MAX, ret);
    buf_done(&fact);
    return code == 0 || code == ERR_NOTFOUND ? 0 : err_set(err, code, "%s", missing.text);
}

/* A running node looks at this number, and then at what peers have announced already. */
static int follows_count(struct store *store, struct err *err)
{
    char text[32];
    uint64_t count;
    int code = sync_follows(store, &count, err);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)count + 1);
    return code < 0 ? code : store_put(store, FOLLOWS, span_str(text), err);
}

int sync_look_again(struct store *store, struct err *err)
{
    int code = peer_each(store, cursor_forget, store, err);
    return code < 0 ? code : follows_count(store, err);
}

int sync_want_again(struct store *store, struct log_info *log, struct err *err)
{
    if (log->payloads_from == 0) { /* until all have been asked for again nobody trusts that those below were */
        log->payloads_from = 1;
        int code = store_log_update(store, log, err);
        if (code < 0)
            return code;
    }
    int code = asked_forget(store, log, err);
    return code < 0 ? code : follows_count(store, err);
}

static int follow_known(struct store *store, struct log_info *log, enum log_mode mode, uint64_t recent, struct err *err)
{
    if (log->role == LOG_OWN || log->role == LOG_LOCAL)
        return err_set(err, ERR_STATE, "%s lives on this node: there is nothing to follow", log->origin);
    if (log->role == LOG_LISTED)
        log->role = LOG_MIRROR;
    log->followed = true;
    log->mode = mode;
    log->recent = recent;
    int code = store_log_update(store, log, err);
    return code < 0 ? code : asked_forget(store, log, err);
}

static int follow(struct store *store, struct span origin, enum log_mode mode, uint64_t recent, int64_t *ret,
                  struct err *err)
{
    struct log_info log = {0};
    struct err missing = {0};
    size_t announced = 0;
    int code = store_log_by_origin(store, origin, &log, &missing);
    if (code < 0 && code != ERR_NOTFOUND)
        return err_set(err, code, "%s", missing.text);
    if (code == ERR_NOTFOUND) {
        struct log_new make = {.origin = origin, .role = LOG_MIRROR, .mode = mode, .recent = recent, .followed = true};
        code = store_log_create(store, &make, &log.number, err);
    } else {
        code = follow_known(store, &log, mode, recent, err);
    }
    if (code == 0)
        code = peer_log_each(store, log.number, count_one, &announced, err);
    if (code == 0)
        code = follows_count(store, err);
    if (code == 0 && announced == 0) /* whoever has it told us before we cared, and is asked for everything again */
        code = peer_each(store, cursor_forget, store, err);
    *ret = log.number;
    return code;
}

/* Less may be kept than before. */
static int drop_old(struct store *store, int64_t number, struct err *err)
{
    struct log_info log;
    int code = store_log(store, number, &log, err);
    return code < 0 ? code : payload_drop_before(store, number, payloads_start(&log), err);
}

int sync_ask_anew(struct store *store, const struct log_info *log, struct err *err)
{
    int code = store_begin(store, err);
    if (code < 0)
        return code;
    code = asked_forget(store, log, err);
    if (code == 0)
        code = peer_each(store, cursor_forget, store, err);
    if (code == 0)
        return store_commit(store, err);
    store_rollback(store);
    return code;
}

int sync_follow(struct store *store, struct span origin, enum log_mode mode, uint64_t recent, struct err *err)
{
    if (!origin_valid(origin))
        return err_set(err, ERR_SYNTAX, "not an origin: expected NAME/ and 52 characters of its fingerprint");
    int64_t number;
    int code = store_begin(store, err);
    if (code < 0)
        return code;
    code = follow(store, origin, mode, recent, &number, err);
    if (code < 0) {
        store_rollback(store);
        return code;
    }
    code = store_commit(store, err);
    return code < 0 ? code : drop_old(store, number, err);
}

struct forgive {
    int64_t number;
    struct peer row;
    bool is_found;
};

static int forgive_find(void *ctx, const struct peer *peer, struct err *err)
{
    struct forgive *forgive = ctx;
    (void)err;
    if (peer->number == forgive->number) {
        forgive->row = *peer;
        forgive->is_found = true;
    }
    return 0;
}

int sync_forgive(struct store *store, int64_t peer, struct err *err)
{
    struct forgive forgive = {.number = peer};
    int code = peer_each(store, forgive_find, &forgive, err);
    if (code < 0)
        return code;
    if (!forgive.is_found)
        return err_set(err, ERR_NOTFOUND, "no such peer");
    forgive.row.set_aside = false;
    forgive.row.failures = 0;
    forgive.row.retry_ms = 0;
    forgive.row.reason[0] = '\0';
    return peer_update(store, &forgive.row, err);
}

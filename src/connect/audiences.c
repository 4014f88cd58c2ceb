#include "connect/audiences.h"

#include "connect/entering.h"
#include "connect/sync_internal.h"
#include "index/view.h"

#define MARK_ALL "audience.all" /* facts: the index's marks when it was looked at last */
#define MARK_OWN "audience.own"

static int mark_get(struct store *store, const char *name, uint64_t *ret, struct err *err)
{
    struct buf fact;
    struct err missing = {0};
    buf_init(&fact, 32);
    int rc = store_get(store, name, &fact, &missing);
    *ret = 0;
    if (rc == 0)
        (void)span_u64(buf_view(&fact), UINT64_MAX, ret);
    buf_done(&fact);
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", missing.text);
}

static int mark_put(struct store *store, const char *name, uint64_t mark, struct err *err)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)mark);
    return store_put(store, name, span_str(text), err);
}

/* ---- whom others are told of ---- */

struct telling {
    const struct view *view;
    bool again;
};

static int tell_group(void *ctx, struct span group, struct err *err)
{
    const struct telling *telling = ctx;
    return reach_mark(telling->view->store, group, view_audience_mark(telling->view, group), telling->again, err);
}

/* ---- what is asked for again ---- */

struct own {
    const struct view *view;
    uint64_t mark;
};

static int mark_member(void *ctx, const struct log_info *log, struct err *err)
{
    struct own *own = ctx;
    (void)err;
    if (log->role == LOG_OWN)
        own->mark = own->mark * 31 + view_membership_mark(own->view, span_str(log->origin));
    return 0;
}

static int want_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct log_info all = *log;
    if (log->size == 0 || (log->role != LOG_MIRROR && log->role != LOG_MOVED))
        return 0;
    return sync_want_again(ctx, &all, err);
}

static int want_own(const struct view *view, struct err *err)
{
    struct own own = {view, 1};
    uint64_t before;
    int rc = mark_get(view->store, MARK_OWN, &before, err);
    if (rc == 0)
        rc = store_logs(view->store, mark_member, &own, err);
    if (rc < 0 || own.mark == before)
        return rc;
    rc = store_logs(view->store, want_log, view->store, err);
    return rc == 0 ? mark_put(view->store, MARK_OWN, own.mark, err) : rc;
}

int audiences_tend(struct store *store, struct index *index, bool again, struct err *err)
{
    struct view view = {.store = store, .index = index, .viewer = {.class = VIEWER_OPERATOR}};
    struct telling telling = {&view, again};
    const struct span all = {0};
    uint64_t before, now = view_audience_mark(&view, all);
    int rc = mark_get(store, MARK_ALL, &before, err);
    if (rc < 0 || (now == before && !again))
        return rc;
    if (now != before) /* before the mark is written: cut off in between it is done again */
        rc = entering_follow_groups(store, err);
    if (rc == 0)
        rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    rc = reach_groups(store, tell_group, &telling, err);
    if (rc == 0)
        rc = reach_mark(store, SPAN_LIT(REACH_COMMUNITY), now, again, err);
    if (rc == 0)
        rc = want_own(&view, err);
    if (rc == 0)
        rc = mark_put(store, MARK_ALL, now, err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return rc;
}

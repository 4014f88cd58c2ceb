#include "connect/succession.h"

#include <stdio.h>
#include <stdlib.h>

#include "connect/sync_internal.h"
#include "state/notices.h"

#define MEMBER_ARENA_MAX (1u << 20)

/* The profile of entry 0; one that is out of form says nothing. */
static int first_profile(struct store *store, int64_t number, struct arena *arena, struct profile *ret, struct err *err)
{
    struct buf entry;
    struct record record;
    struct err ignored;
    buf_init(&entry, ENTRY_MAX);
    int code = store_read_entry(store, number, 0, &entry, err);
    if (code == 0 && (record_parse(buf_view(&entry), arena, &record, &ignored) < 0 || record.hold ||
                      profile_parse(&record, ret, &ignored) < 0))
        ret->has_succeeds = false;
    buf_done(&entry);
    return code;
}

static int judge(struct store *store, const struct profile *profile, struct arena *arena, enum succession *ret,
                 struct log_info *ret_old, struct err *err)
{
    struct log_info old;
    struct member member;
    struct err missing = {0}, why;
    *ret = SUCCESSION_UNKNOWN;
    int code = store_log_by_origin(store, span_str(profile->succeeds_origin), &old, &missing);
    if (code == ERR_NOTFOUND || (code == 0 && old.size == 0))
        return 0;
    if (code < 0)
        return err_set(err, code, "%s", missing.text);
    code = store_member_before(store, old.number, old.frozen_from, arena, &member, err);
    if (code < 0)
        return code;
    *ret = succeeds_verify(profile, &member, &why) == 0 ? SUCCESSION_TRUE : SUCCESSION_FALSE;
    *ret_old = old;
    return 0;
}

int succession_of(struct store *store, int64_t number, enum succession *ret, struct log_info *ret_old, struct err *err)
{
    struct arena arena;
    struct log_info log;
    struct profile *profile = calloc(1, sizeof(*profile));
    if (!profile)
        return err_memory(err);
    arena_init(&arena, MEMBER_ARENA_MAX);
    *ret = SUCCESSION_NONE;
    int code = store_log(store, number, &log, err);
    if (code == 0 && log.size > 0)
        code = first_profile(store, number, &arena, profile, err);
    if (code == 0 && profile->has_succeeds)
        code = judge(store, profile, &arena, ret, ret_old, err);
    arena_done(&arena);
    free(profile);
    return code;
}

/* The fact "succeeded.HEX" of the old log names the one that was adopted. */
static int is_first(struct store *store, const struct log_info *old, bool *ret, struct err *err)
{
    char name[80];
    struct buf heir;
    struct err missing = {0};
    snprintf(name, sizeof(name), "succeeded.%s", old->hex);
    buf_init(&heir, ORIGIN_MAX);
    int code = store_get(store, name, &heir, &missing);
    buf_done(&heir);
    *ret = code == ERR_NOTFOUND;
    return code == 0 || code == ERR_NOTFOUND ? 0 : err_set(err, code, "%s", missing.text);
}

static int adopt(struct store *store, struct log_info *log, const struct log_info *old, struct err *err)
{
    char name[80];
    snprintf(name, sizeof(name), "succeeded.%s", old->hex);
    log->followed = true;
    log->mode = old->mode;
    log->recent = old->recent;
    struct notice notice = {
        .what = NOTICE_LOG_CONTINUED, .time_ms = sync_now_ms(), .origin = log->origin, .values = {old->origin}};
    int code = store_log_update(store, log, err);
    if (code == 0)
        code = store_put(store, name, span_str(log->origin), err);
    return code < 0 ? code : notice_add(store, &notice, err);
}

int succession_adopt(struct store *store, int64_t number, bool *ret_adopted, struct err *err)
{
    struct log_info log, old;
    enum succession succession;
    bool may = false;
    *ret_adopted = false;
    int code = succession_of(store, number, &succession, &old, err);
    if (code < 0 || succession != SUCCESSION_TRUE || old.role != LOG_MIRROR || !old.followed)
        return code;
    code = store_begin(store, err);
    if (code < 0)
        return code;
    code = store_log(store, number, &log, err);
    if (code == 0 && log.role == LOG_MIRROR && !log.followed)
        code = is_first(store, &old, &may, err);
    if (code == 0 && may)
        code = adopt(store, &log, &old, err);
    if (code < 0) {
        store_rollback(store);
        return code;
    }
    *ret_adopted = may;
    return store_commit(store, err);
}

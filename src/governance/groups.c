/* Groups: as they stand, and who is in one. */
#include "governance/cessions.h"
#include "governance/fold.h"

int governance_groups(const struct view *view,
                      int (*each)(void *ctx, const struct governance_group *group, struct err *err), void *ctx,
                      struct err *err)
{
    sqlite3_stmt *query = index_statement(
        view->index,
        "SELECT origin, name, ref, time_ms, members, ended FROM governance_group AS g WHERE ref = (SELECT max(ref) FROM"
        " governance_group WHERE origin = g.origin AND name = g.name) ORDER BY origin, name",
        err);
    int rc = query ? 0 : err->code;
    while (query && (rc = index_step(view->index, query, err)) > 0) {
        struct governance_group group = {.origin = (const char *)sqlite3_column_text(query, 0),
                                         .name = (const char *)sqlite3_column_text(query, 1),
                                         .ref = sqlite3_column_int64(query, 2),
                                         .time_ms = sqlite3_column_int64(query, 3),
                                         .count = (uint64_t)sqlite3_column_int64(query, 4),
                                         .ended = sqlite3_column_int(query, 5) != 0};
        if (view_sees_ref(view, group.ref) && (rc = each(ctx, &group, err)) != 0)
            break;
    }
    if (query)
        sqlite3_reset(query);
    return rc;
}

int governance_group_members(const struct view *view, int64_t ref,
                             int (*each)(void *ctx, const char *origin, struct err *err), void *ctx, struct err *err)
{
    if (!view_sees_ref(view, ref))
        return err_set(err, ERR_NOTFOUND, "no such group");
    sqlite3_stmt *query =
        governance_sql(view->index, "SELECT origin FROM governance_group_member WHERE ref = ?1 ORDER BY origin",
                       SQL_VALUES(SQL_I(ref)), err);
    int rc = query ? 0 : err->code;
    while (query && (rc = index_step(view->index, query, err)) > 0)
        if ((rc = each(ctx, (const char *)sqlite3_column_text(query, 0), err)) != 0)
            break;
    if (query)
        sqlite3_reset(query);
    return rc;
}

/* ---- who is in one ---- */

int64_t governance_number(struct index *index, const char *sql, const struct sql_value *values, int64_t fallback)
{
    struct err ignored = {0};
    sqlite3_stmt *query = governance_sql(index, sql, values, &ignored);
    if (!query)
        return fallback;
    int64_t number = index_step(index, query, &ignored) > 0 ? sqlite3_column_int64(query, 0) : fallback;
    sqlite3_reset(query);
    return number;
}

/*
 * A group ends with its owner: when its log is frozen (who speaks for it now is not known), and when it left its
 * communities and belongs to none: whoever trusted the list trusted it as one of them.
 */
static enum group_state owner_state(const struct view *view, struct span owner)
{
    struct log_info log;
    struct err absent = {0};
    if (store_log_by_origin(view->store, owner, &log, &absent) != 0)
        return GROUP_UNKNOWN;
    if (log.standing == STANDING_FROZEN)
        return GROUP_OWNER_FROZEN;
    int64_t left =
        governance_number(view->index,
                          "SELECT EXISTS(SELECT 1 FROM governance_word AS w WHERE origin = ?1 AND type = ?2 AND ref ="
                          " (SELECT max(ref) FROM governance_word WHERE origin = ?1 AND community = w.community))"
                          " AND NOT EXISTS(SELECT 1 FROM governance_belongs WHERE origin = ?1 AND belongs = 1)",
                          SQL_VALUES(SQL_T(owner), SQL_I(STATEMENT_LEAVE)), 1);
    return left == 0 ? GROUP_STANDS : GROUP_OWNER_LEFT;
}

bool governance_owner_stands(const struct view *view, struct span owner)
{
    return owner_state(view, owner) == GROUP_STANDS;
}

/* ---- lists, of a log and name: a group's, or of whom the log admits to another's (then the name is its address) ---- */

int64_t governance_list_then(const struct view *view, struct span owner, struct span name, int64_t time_ms)
{
    return governance_number(view->index,
                             "SELECT ref FROM governance_group WHERE origin = ?1 AND name = ?2 AND time_ms <= ?3"
                             " ORDER BY ref DESC LIMIT 1",
                             SQL_VALUES(SQL_T(owner), SQL_T(name), SQL_I(time_ms)), -1);
}

bool governance_list_has(const struct view *view, int64_t list, struct span member)
{
    return list >= 0 &&
           governance_number(view->index, "SELECT 1 FROM governance_group_member WHERE ref = ?1 AND origin = ?2",
                             SQL_VALUES(SQL_I(list), SQL_T(member)), 0) == 1;
}

/* Since when a member is in a group without a break: the first list behind the last one (?3: its time at most) without it. */
#define SINCE(member)                                                                                                  \
    "coalesce((SELECT time_ms FROM governance_group WHERE origin = ?1 AND name = ?2 AND ref > (SELECT max(ref) FROM"   \
    " governance_group AS g WHERE origin = ?1 AND name = ?2 AND time_ms <= ?3 AND NOT EXISTS (SELECT 1 FROM"           \
    " governance_group_member AS k WHERE k.ref = g.ref AND k.origin = " member                                         \
    ")) ORDER BY ref LIMIT 1), -9223372036854775808)"

int64_t governance_list_since(const struct view *view, struct span owner, struct span name, struct span member,
                              int64_t time_ms)
{
    return governance_number(view->index, "SELECT " SINCE("?4"),
                             SQL_VALUES(SQL_T(owner), SQL_T(name), SQL_I(time_ms), SQL_T(member)), INT64_MAX);
}

int governance_list_each(const struct view *view, struct span owner, struct span name, int64_t time_ms,
                         int (*each)(void *ctx, struct span member, int64_t since_ms, struct err *err), void *ctx,
                         struct err *err)
{
    int64_t list = governance_list_then(view, owner, name, time_ms);
    if (list < 0)
        return 0;
    sqlite3_stmt *query = governance_sql(
        view->index, "SELECT m.origin, " SINCE("m.origin") " FROM governance_group_member AS m WHERE m.ref = ?4",
        SQL_VALUES(SQL_T(owner), SQL_T(name), SQL_I(time_ms), SQL_I(list)), err);
    int rc = query ? 0 : err->code;
    while (query && rc == 0 && (rc = index_step(view->index, query, err)) > 0)
        rc = each(ctx, span_str((const char *)sqlite3_column_text(query, 0)), sqlite3_column_int64(query, 1), err);
    if (query)
        sqlite3_reset(query);
    return rc;
}

/* ---- who is in a group: whom its list names, and whom they admit to whom that is ceded ---- */

int64_t governance_group_record(const struct view *view, struct span group, int64_t time_ms)
{
    struct span owner, name;
    if (!view->index || !group_address(group, &owner, &name) || !governance_owner_stands(view, owner))
        return -1;
    return governance_list_then(view, owner, name, time_ms);
}

/* A group that has ended has nobody in it, whoever was to admit to it. */
static bool has_ended(const struct view *view, int64_t list)
{
    return governance_number(view->index, "SELECT ended FROM governance_group WHERE ref = ?1", SQL_VALUES(SQL_I(list)),
                             1) != 0;
}

int governance_each_in_group(const struct view *view, struct span group, int64_t time_ms,
                             int (*each)(void *ctx, struct span member, int64_t since_ms, struct err *err), void *ctx,
                             struct err *err)
{
    struct span owner, name;
    int64_t list = governance_group_record(view, group, time_ms);
    if (list < 0 || !group_address(group, &owner, &name))
        return 0;
    int rc = governance_list_each(view, owner, name, time_ms, each, ctx, err);
    return rc == 0 && !has_ended(view, list) ? cessions_each_admitted(view, owner, name, time_ms, each, ctx, err) : rc;
}

/* Since the first list of the last run of lists with this member in them; from ever if no list is without it. */
static bool in_since(const struct view *view, struct span group, struct span member, int64_t time_ms,
                     int64_t *ret_since_ms)
{
    struct span owner, name;
    int64_t list = governance_group_record(view, group, time_ms), admitted_ms;
    if (list < 0 || !group_address(group, &owner, &name))
        return false;
    bool listed = governance_list_has(view, list, member);
    if (listed)
        *ret_since_ms = governance_list_since(view, owner, name, member, time_ms);
    bool has_all = listed && *ret_since_ms == INT64_MIN; /* a cession adds nothing */
    bool admitted =
        !has_all && cessions_admit(view, owner, name, member, time_ms, &admitted_ms) && !has_ended(view, list);
    if (admitted && (!listed || admitted_ms < *ret_since_ms))
        *ret_since_ms = admitted_ms;
    return listed || admitted;
}

bool governance_in_group(const struct view *view, struct span group, struct span member, int64_t time_ms)
{
    int64_t since_ms;
    return in_since(view, group, member, time_ms, &since_ms);
}

/* What the author granted while it was in goes further back. */
bool governance_in_group_since(const struct view *view, struct span author, struct span group, struct span member,
                               int64_t time_ms, int64_t *ret_since_ms)
{
    int64_t since;
    if (!in_since(view, group, member, time_ms, &since))
        return false;
    int64_t granted = governance_number(view->index,
                                        "SELECT coalesce(min(since_ms), 9223372036854775807) FROM governance_grant"
                                        " WHERE word = ?1 AND origin = ?2 AND time_ms >= ?3",
                                        SQL_VALUES(SQL_T(group), SQL_T(author), SQL_I(since)), INT64_MAX);
    *ret_since_ms = granted < since ? granted : since;
    return true;
}

/* ---- has any answer changed? ---- */

static uint64_t mix(uint64_t mark, uint64_t number)
{
    mark = (mark ^ number) * UINT64_C(0x9e3779b97f4a7c15);
    return mark ^ mark >> 29;
}

/* The refs of all lists and grants, whose sum and number another record changes. */
static uint64_t mark_all(const struct view *view)
{
    static const char *const sums[] = {
        "SELECT count(*) * 1000003 + coalesce(sum(ref % 1000000007), 0) FROM governance_group",
        "SELECT count(*) * 1000003 + coalesce(sum(ref % 1000000007), 0) FROM governance_grant",
        "SELECT count(*) * 1000003 + coalesce(sum(ref % 1000000007), 0) FROM governance_word",
        "SELECT count(*) * 1000003 + coalesce(sum(number), 0) FROM governance_community",
        "SELECT count(*) FROM governance_belongs WHERE belongs = 1",
        "SELECT count(*) * 1000003 + coalesce(sum(ref % 1000000007), 0) FROM governance_cession WHERE power = 'admit'",
        "SELECT count(*) * 1000003 + coalesce(sum(ref % 1000000007), 0) FROM governance_cession_end",
    };
    uint64_t mark = 0;
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
        mark = mix(mark, (uint64_t)governance_number(view->index, sums[i], SQL_VALUES({0}), 0));
    return mark;
}

uint64_t governance_audience_mark(const struct view *view, struct span group)
{
    struct span owner, name;
    if (!view->index)
        return 0;
    if (group.len == 0)
        return mark_all(view);
    if (!group_address(group, &owner, &name))
        return 0;
    int64_t lists =
        governance_number(view->index,
                          "SELECT count(*) * 1000003 + coalesce(sum(ref % 1000000007), 0) FROM governance_group"
                          " WHERE origin = ?1 AND name = ?2",
                          SQL_VALUES(SQL_T(owner), SQL_T(name)), 0);
    int64_t grants =
        governance_number(view->index,
                          "SELECT count(*) * 1000003 + coalesce(sum(ref % 1000000007), 0) FROM governance_grant"
                          " WHERE word = ?1",
                          SQL_VALUES(SQL_T(group)), 0);
    uint64_t ceded = (uint64_t)cessions_mark(view, owner, name);
    return mix(mix(mix(1 + governance_owner_stands(view, owner), (uint64_t)lists), (uint64_t)grants), ceded);
}

/* Of a list: a group's own, or the one that it admits to. */
#define ADDRESS "iif(instr(g.name, '#'), g.name, g.origin || '#' || g.name)"

uint64_t governance_membership_mark(const struct view *view, struct span member)
{
    if (!view->index)
        return 0;
    int64_t lists = governance_number(
        view->index,
        "SELECT count(*) * 1000003 + coalesce(sum(g.ref % 1000000007), 0) FROM governance_group_member AS m"
        " JOIN governance_group AS g ON g.ref = m.ref WHERE m.origin = ?1",
        SQL_VALUES(SQL_T(member)), 0);
    int64_t grants = governance_number(
        view->index,
        "SELECT count(*) * 1000003 + coalesce(sum(ref % 1000000007), 0) FROM governance_grant WHERE word IN"
        " (SELECT " ADDRESS " FROM governance_group_member AS m JOIN governance_group AS g ON g.ref = m.ref"
        " WHERE m.origin = ?1)",
        SQL_VALUES(SQL_T(member)), 0);
    int64_t ceded = governance_number(
        view->index,
        "SELECT count(*) * 1000003 + coalesce(sum(c.ref % 1000000007), 0) + coalesce(sum((SELECT count(*) FROM"
        " governance_cession_end AS e WHERE " CESSION_ENDS
        ")), 0) FROM governance_cession AS c WHERE c.power = 'admit' AND"
        " c.origin || '#' || c.scope IN (SELECT " ADDRESS " FROM governance_group_member AS m JOIN governance_group AS"
        " g ON g.ref = m.ref WHERE m.origin = ?1)",
        SQL_VALUES(SQL_T(member)), 0);
    int64_t fellows =
        governance_number(view->index,
                          "SELECT count(*) + coalesce(sum(c.number * 1000003), 0) FROM governance_belongs AS x"
                          " JOIN governance_belongs AS y ON y.community = x.community AND y.belongs = 1"
                          " JOIN governance_community AS c ON c.community = x.community"
                          " WHERE x.origin = ?1 AND x.belongs = 1",
                          SQL_VALUES(SQL_T(member)), 0);
    return mix(mix(mix(mix(1, (uint64_t)lists), (uint64_t)grants), (uint64_t)fellows), (uint64_t)ceded);
}

/* Of its last record: 0 it has ended, 1 nobody is in it, 2 somebody is, -1 there is none. */
static int64_t last_said(const struct view *view, struct span owner, struct span name)
{
    return governance_number(view->index,
                             "SELECT CASE WHEN ended THEN 0 WHEN members = 0 THEN 1 ELSE 2 END FROM governance_group"
                             " WHERE ref = (SELECT max(ref) FROM governance_group WHERE origin = ?1 AND name = ?2)",
                             SQL_VALUES(SQL_T(owner), SQL_T(name)), -1);
}

enum group_state governance_group_state(const struct view *view, struct span group)
{
    static const enum group_state said[] = {GROUP_ENDED, GROUP_EMPTY, GROUP_STANDS};
    struct span owner, name;
    if (!view->index || !group_address(group, &owner, &name))
        return GROUP_UNKNOWN;
    int64_t last = last_said(view, owner, name);
    if (last < 0)
        return GROUP_UNKNOWN;
    enum group_state state = owner_state(view, owner);
    return state == GROUP_STANDS ? said[last] : state;
}

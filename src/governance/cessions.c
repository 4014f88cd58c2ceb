#include "governance/cessions.h"

#include <stdio.h>

#include "governance/fold.h"

#define TEXT_ARENA_MAX (1u << 20) /* bytes: a record as parsed */
#define LISTERS_MAX 32            /* who admits to one group: the first to whom it was ceded */

/* ---- fold ---- */

int cessions_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct cession said;
    int rc = cession_parse(record->record, record->arena, &said, err);
    if (rc < 0)
        return rc;
    if (said.revokes && said.index >= record->index)
        return err_set(err, ERR_SYNTAX, "revokes what is not said yet");
    if (said.revokes)
        return governance_run(fold->index,
                              "INSERT OR REPLACE INTO governance_cession_end(ref, origin, at, time_ms, because) "
                              "VALUES(?1, ?2, ?3, ?4, ?5)",
                              SQL_VALUES(SQL_I(record->ref), SQL_T(span_str(record->origin)), SQL_I(said.index),
                                         SQL_I(record->record->time_ms), SQL_T(span_str(said.about))),
                              err);
    return governance_run(fold->index,
                          "INSERT OR REPLACE INTO governance_cession(ref, origin, power, grantee, scope, from_ms,"
                          " until_ms, text) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                          SQL_VALUES(SQL_I(record->ref), SQL_T(span_str(record->origin)), SQL_T(span_str(said.word)),
                                     SQL_T(span_str(said.to)), SQL_T(span_str(said.group)),
                                     SQL_I(said.from_ms ? said.from_ms : record->record->time_ms), SQL_I(said.until_ms),
                                     SQL_B(record->text)),
                          err);
}

/* ---- as they stand ---- */

const char *cession_state_word(enum cession_state state)
{
    static const char *const words[] = {
        [CESSION_HOLDS] = "active",    [CESSION_COMING] = "coming",   [CESSION_EXPIRED] = "expired",
        [CESSION_REVOKED] = "revoked", [CESSION_STRANGE] = "unknown", [CESSION_EMPTY] = "empty"};
    return words[state];
}

/* Does who cedes have the power? Of a log with two histories nobody knows who speaks. */
static bool is_empty(const struct view *view, const struct governance_cession *c)
{
    char group[CESSION_TO_MAX + 1], host[ORIGIN_MAX + 1];
    struct log_info log;
    struct err unknown = {0};
    if (store_log_by_origin(view->store, span_str(c->origin), &log, &unknown) != 0 || log.standing == STANDING_FROZEN)
        return true;
    if (c->said.power == POWER_MODERATE)
        return view_host_of(view, span_str(c->origin), host, &unknown) < 0 || host[0] != '\0';
    snprintf(group, sizeof(group), "%s#%s", c->origin, c->said.group);
    enum group_state state = governance_group_state(view, span_str(group));
    return state != GROUP_STANDS && state != GROUP_EMPTY;
}

static enum cession_state state_of(const struct view *view, const struct governance_cession *c, int64_t time_ms)
{
    return c->said.power == POWER_UNKNOWN ? CESSION_STRANGE
           : c->revoked                   ? CESSION_REVOKED
           : time_ms >= c->until_ms       ? CESSION_EXPIRED
           : is_empty(view, c)            ? CESSION_EMPTY
           : time_ms < c->from_ms         ? CESSION_COMING
                                          : CESSION_HOLDS;
}

#define COLUMNS                                                                                                        \
    "SELECT c.ref, c.origin, c.from_ms, c.until_ms, c.text, e.because, e.time_ms, e.ref IS NOT NULL FROM"              \
    " governance_cession AS c LEFT JOIN governance_cession_end AS e ON e.ref = (SELECT min(ref) FROM"                  \
    " governance_cession_end AS e WHERE " CESSION_ENDS ")"

/* The row at which the query stands. */
static int read_row(const struct view *view, sqlite3_stmt *query, int64_t time_ms, struct arena *arena,
                    struct governance_cession *out, struct err *err)
{
    struct record record;
    const char *because = (const char *)sqlite3_column_text(query, 5);
    struct span text =
        arena_copy(arena, span_of(sqlite3_column_blob(query, 4), (size_t)sqlite3_column_bytes(query, 4)));
    *out =
        (struct governance_cession){.ref = sqlite3_column_int64(query, 0),
                                    .origin = arena_strz(arena, span_str((const char *)sqlite3_column_text(query, 1))),
                                    .from_ms = sqlite3_column_int64(query, 2),
                                    .until_ms = sqlite3_column_int64(query, 3),
                                    .because = arena_strz(arena, span_str(because ? because : "")),
                                    .revoked_ms = sqlite3_column_int64(query, 6),
                                    .revoked = sqlite3_column_int(query, 7) != 0};
    if (!text.data || !out->origin || !out->because)
        return err_memory(err);
    int rc = record_parse(text, arena, &record, err);
    if (rc == 0)
        rc = cession_parse(&record, arena, &out->said, err);
    if (rc == 0)
        out->state = state_of(view, out, time_ms);
    return rc;
}

/* All rows of a query that has COLUMNS; NULL: it could not be made. */
static int give_all(const struct view *view, sqlite3_stmt *query, int64_t time_ms,
                    int (*each)(void *ctx, const struct governance_cession *cession, struct err *err), void *ctx,
                    struct err *err)
{
    struct arena arena;
    int rc = query ? 0 : err->code;
    arena_init(&arena, TEXT_ARENA_MAX);
    while (query && rc == 0 && (rc = index_step(view->index, query, err)) > 0) {
        struct governance_cession one;
        arena_clear(&arena);
        rc = read_row(view, query, time_ms, &arena, &one, err);
        if (rc == 0)
            rc = each(ctx, &one, err);
    }
    arena_done(&arena);
    if (query)
        sqlite3_reset(query);
    return rc;
}

int cessions_each(const struct view *view, int64_t number, int64_t time_ms,
                  int (*each)(void *ctx, const struct governance_cession *cession, struct err *err), void *ctx,
                  struct err *err)
{
    sqlite3_stmt *query = governance_sql(
        view->index, COLUMNS " WHERE c.ref >= ?1 AND c.ref < ?2 ORDER BY c.origin, c.ref",
        SQL_VALUES(SQL_I(RECORD_REF(number, 0)), SQL_I(number ? RECORD_REF(number + 1, 0) : INT64_MAX)), err);
    return give_all(view, query, time_ms, each, ctx, err);
}

int cessions_each_newest(const struct view *view, unsigned newest, int64_t time_ms,
                         int (*each)(void *ctx, const struct governance_cession *cession, struct err *err), void *ctx,
                         struct err *err)
{
    sqlite3_stmt *query =
        governance_sql(view->index,
                       COLUMNS " WHERE c.ref IN (SELECT ref FROM (SELECT ref, row_number() OVER (PARTITION"
                               " BY origin ORDER BY ref DESC) AS n FROM governance_cession) WHERE n <= ?1)"
                               " ORDER BY c.origin, c.ref",
                       SQL_VALUES(SQL_I(newest)), err);
    return give_all(view, query, time_ms, each, ctx, err);
}

uint64_t cessions_count(const struct view *view)
{
    return (uint64_t)governance_number(view->index, "SELECT count(*) FROM governance_cession", SQL_VALUES({0}), 0);
}

int cessions_find(const struct view *view, int64_t ref, int64_t time_ms, struct arena *arena,
                  struct governance_cession *ret, struct err *err)
{
    sqlite3_stmt *query = governance_sql(view->index, COLUMNS " WHERE c.ref = ?1", SQL_VALUES(SQL_I(ref)), err);
    if (!query)
        return err->code;
    int rc = index_step(view->index, query, err);
    rc = rc == 0  ? err_set(err, ERR_NOTFOUND, "no cession")
         : rc > 0 ? read_row(view, query, time_ms, arena, ret, err)
                  : rc;
    sqlite3_reset(query);
    return rc;
}

/* ---- whom it names ---- */

/* The list itself: whoever is admitted to a group by a ceded power does not get others' powers by it. */
static int64_t own_list(const struct view *view, struct span group, int64_t time_ms)
{
    struct span owner, name;
    if (!group_address(group, &owner, &name) || !view_is_folded(view, owner))
        return -1;
    return governance_group_record(view, group, time_ms);
}

bool cession_is_for(const struct view *view, const struct cession *cession, const char *origin, int64_t time_ms)
{
    if (!strchr(cession->to, '#'))
        return strcmp(cession->to, origin) == 0;
    return governance_list_has(view, own_list(view, span_str(cession->to), time_ms), span_str(origin));
}

/* ---- to admit ---- */

struct lister {
    char origin[CESSION_TO_MAX + 1]; /* or a group's address, until its members are looked up */
    int64_t from_ms;
};

static size_t find_delegates(const struct view *view, struct span owner, struct span name, int64_t time_ms,
                             struct lister out[LISTERS_MAX])
{
    struct err ignored = {0};
    size_t count = 0;
    sqlite3_stmt *query = governance_sql(
        view->index,
        "SELECT grantee, from_ms FROM governance_cession AS c WHERE origin = ?1 AND power = 'admit' AND scope = ?2"
        " AND ref >= coalesce((SELECT ref FROM governance_cession WHERE origin = ?1 AND power = 'admit' AND scope = ?2"
        " ORDER BY ref DESC LIMIT 1 OFFSET ?4), 0)"
        " AND from_ms <= ?3 AND until_ms > ?3 AND NOT EXISTS(SELECT 1 FROM governance_cession_end AS e "
        "WHERE " CESSION_ENDS ") ORDER BY ref",
        SQL_VALUES(SQL_T(owner), SQL_T(name), SQL_I(time_ms), SQL_I(CESSIONS_COUNTING - 1)), &ignored);
    while (query && count < LISTERS_MAX && index_step(view->index, query, &ignored) > 0) {
        out[count].from_ms = sqlite3_column_int64(query, 1);
        snprintf(out[count++].origin, sizeof(out[0].origin), "%s", (const char *)sqlite3_column_text(query, 0));
    }
    if (query)
        sqlite3_reset(query);
    return count;
}

/* Those of a group who admit to the group with this address. */
static void add_listers(const struct view *view, const struct lister *group, struct span address, int64_t time_ms,
                        struct lister out[LISTERS_MAX], size_t *count)
{
    struct err ignored = {0};
    int64_t list = own_list(view, span_str(group->origin), time_ms);
    sqlite3_stmt *query =
        list < 0 ? NULL
                 : governance_sql(view->index,
                                  "SELECT DISTINCT g.origin FROM governance_group AS g JOIN governance_group_member AS"
                                  " m ON m.ref = ?1 AND m.origin = g.origin WHERE g.name = ?2 ORDER BY g.origin",
                                  SQL_VALUES(SQL_I(list), SQL_T(address)), &ignored);
    while (query && *count < LISTERS_MAX && index_step(view->index, query, &ignored) > 0) {
        out[*count].from_ms = group->from_ms;
        snprintf(out[(*count)++].origin, sizeof(out[0].origin), "%s", (const char *)sqlite3_column_text(query, 0));
    }
    if (query)
        sqlite3_reset(query);
}

/* Whose lists count beside the owner's. */
static size_t find_listers(const struct view *view, struct span owner, struct span name, struct span address,
                           int64_t time_ms, struct lister out[LISTERS_MAX])
{
    struct lister delegates[LISTERS_MAX];
    size_t count = 0, kept = 0, delegate_count = find_delegates(view, owner, name, time_ms, delegates);
    for (size_t i = 0; i < delegate_count && count < LISTERS_MAX; i++) {
        if (strchr(delegates[i].origin, '#'))
            add_listers(view, &delegates[i], address, time_ms, out, &count);
        else
            out[count++] = delegates[i];
    }
    for (size_t i = 0; i < count; i++) {
        struct span origin = span_str(out[i].origin);
        if (governance_owner_stands(view, origin) && view_is_folded(view, origin))
            out[kept++] = out[i];
    }
    return kept;
}

static struct span address_of(struct span owner, struct span name, char out[CESSION_TO_MAX + 1])
{
    int len = snprintf(out, CESSION_TO_MAX + 1, "%.*s#%.*s", SPAN_ARGS(owner), SPAN_ARGS(name));
    return len > 0 && len <= CESSION_TO_MAX ? span_of(out, (size_t)len) : (struct span){0};
}

/* Nobody was admitted before the first list and the cession, though all lists name him. */
static int64_t least_since(const struct view *view, const struct lister *lister, struct span address)
{
    int64_t first = governance_number(
        view->index, "SELECT time_ms FROM governance_group WHERE origin = ?1 AND name = ?2 ORDER BY ref LIMIT 1",
        SQL_VALUES(SQL_T(span_str(lister->origin)), SQL_T(address)), INT64_MAX);
    return first > lister->from_ms ? first : lister->from_ms;
}

bool cessions_admit(const struct view *view, struct span owner, struct span name, struct span member, int64_t time_ms,
                    int64_t *ret_since_ms)
{
    struct lister listers[LISTERS_MAX];
    char text[CESSION_TO_MAX + 1];
    struct span address = address_of(owner, name, text);
    size_t count = find_listers(view, owner, name, address, time_ms, listers);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        struct span lister = span_str(listers[i].origin);
        if (!governance_list_has(view, governance_list_then(view, lister, address, time_ms), member))
            continue;
        int64_t since_ms = governance_list_since(view, lister, address, member, time_ms);
        int64_t least_ms = least_since(view, &listers[i], address);
        since_ms = since_ms > least_ms ? since_ms : least_ms;
        *ret_since_ms = found && *ret_since_ms < since_ms ? *ret_since_ms : since_ms;
        found = true;
    }
    return found;
}

struct admitting {
    int64_t least_ms;
    int (*each)(void *ctx, struct span member, int64_t since_ms, struct err *err);
    void *ctx;
};

static int give(void *ctx, struct span member, int64_t since_ms, struct err *err)
{
    const struct admitting *a = ctx;
    return a->each(a->ctx, member, since_ms > a->least_ms ? since_ms : a->least_ms, err);
}

int cessions_each_admitted(const struct view *view, struct span owner, struct span name, int64_t time_ms,
                           int (*each)(void *ctx, struct span member, int64_t since_ms, struct err *err), void *ctx,
                           struct err *err)
{
    struct lister listers[LISTERS_MAX];
    char text[CESSION_TO_MAX + 1];
    struct span address = address_of(owner, name, text);
    size_t count = find_listers(view, owner, name, address, time_ms, listers);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct admitting a = {.least_ms = least_since(view, &listers[i], address), .each = each, .ctx = ctx};
        rc = governance_list_each(view, span_str(listers[i].origin), address, time_ms, give, &a, err);
    }
    return rc;
}

int64_t cessions_mark(const struct view *view, struct span owner, struct span name)
{
    char text[CESSION_TO_MAX + 1];
    return governance_number(
        view->index,
        "SELECT (SELECT count(*) * 1000003 + coalesce(sum(ref % 1000000007), 0) FROM governance_cession WHERE power ="
        " 'admit' AND origin = ?1 AND scope = ?2) + (SELECT count(*) FROM governance_cession_end AS e JOIN"
        " governance_cession AS c ON " CESSION_ENDS " WHERE c.power = 'admit' AND c.origin = ?1 AND c.scope = ?2) +"
        " (SELECT count(*) * 1000003 + coalesce(sum(ref % 1000000007), 0) FROM governance_group WHERE name = ?3)",
        SQL_VALUES(SQL_T(owner), SQL_T(name), SQL_T(address_of(owner, name, text))), 0);
}

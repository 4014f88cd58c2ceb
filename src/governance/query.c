/* Questions about communities. Constitutional records stand in logs in full, and of local logs none is folded. */
#include "governance/fold.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/sha256.h"
#include "base/utf8.h"

#define HASH_BEGINNING_MIN 8 /* hex digits that people type at least */

int governance_communities(const struct view *view, uint64_t first, uint64_t max,
                           int (*each)(void *ctx, const struct governance_summary *one, struct err *err), void *ctx,
                           struct err *err)
{
    sqlite3_stmt *query = governance_sql(
        view->index,
        "SELECT community, name, number, (SELECT count(*) FROM governance_belongs WHERE community = c.community),"
        " (SELECT count(*) FROM governance_belongs WHERE community = c.community AND belongs = 1) FROM (SELECT"
        " community, name, number FROM governance_community ORDER BY name, community LIMIT ?2 OFFSET ?1) AS c"
        " ORDER BY name, community",
        SQL_VALUES(SQL_I(first), SQL_I(max)), err);
    int rc = query ? 0 : err->code;
    while (query && (rc = index_step(view->index, query, err)) > 0) {
        struct governance_summary one = {.name = (const char *)sqlite3_column_text(query, 1),
                                         .number = (uint64_t)sqlite3_column_int64(query, 2),
                                         .members = (uint64_t)sqlite3_column_int64(query, 3),
                                         .belonging = (uint64_t)sqlite3_column_int64(query, 4)};
        memcpy(one.hash, sqlite3_column_blob(query, 0), 32);
        if ((rc = each(ctx, &one, err)) != 0)
            break;
    }
    if (query)
        sqlite3_reset(query);
    return rc;
}

uint64_t governance_community_count(const struct view *view)
{
    struct err ignored = {0};
    sqlite3_stmt *query = index_statement(view->index, "SELECT count(*) FROM governance_community", &ignored);
    uint64_t count =
        query && index_step(view->index, query, &ignored) > 0 ? (uint64_t)sqlite3_column_int64(query, 0) : 0;
    if (query)
        sqlite3_reset(query);
    return count;
}

/* Hashes in the first column of a query, at most `max`. */
static int take_hashes(struct index *index, sqlite3_stmt *query, size_t max, uint8_t (*ret)[32], size_t *ret_count,
                       struct err *err)
{
    int rc = query ? 0 : err->code;
    *ret_count = 0;
    while (query && *ret_count < max && (rc = index_step(index, query, err)) > 0)
        memcpy(ret[(*ret_count)++], sqlite3_column_blob(query, 0), 32);
    if (query)
        sqlite3_reset(query);
    return rc < 0 ? rc : 0;
}

int governance_foundings(const struct view *view, size_t max, uint8_t (*ret)[32], size_t *ret_count, struct err *err)
{
    sqlite3_stmt *query = index_statement(view->index,
                                          "SELECT DISTINCT hash FROM governance_roster WHERE parent = x'' AND hash NOT"
                                          " IN (SELECT community FROM governance_community) ORDER BY hash",
                                          err);
    return take_hashes(view->index, query, max, ret, ret_count, err);
}

/* ---- what people type ---- */

/* The hashes that begin so: an upper bound for the comparison of blobs. False: no beginning of a hash. */
static bool hash_range(struct span text, uint8_t from[32], uint8_t to[32])
{
    char low[65], high[65];
    if (text.len < HASH_BEGINNING_MIN || text.len > 64)
        return false;
    memset(low, '0', 64);
    memset(high, 'f', 64);
    memcpy(low, text.data, text.len);
    memcpy(high, text.data, text.len);
    return hex_decode(span_of(low, 64), from, 32) && hex_decode(span_of(high, 64), to, 32);
}

/* The one hash that the query found, of `what`. */
static int only_one(struct index *index, sqlite3_stmt *query, const char *what, struct span text, uint8_t ret[32],
                    struct err *err)
{
    uint8_t found[2][32];
    char shown[300];
    size_t count;
    int rc = take_hashes(index, query, 2, found, &count, err);
    if (rc < 0)
        return rc;
    text_escape_into(shown, sizeof(shown), text);
    if (count == 0)
        return err_set(err, ERR_NOTFOUND, "%s: no such %s here; `tongzhou community list` shows them", shown, what);
    if (count > 1)
        return err_set(err, ERR_USAGE, "%s: more than one %s fits, say more of its hash: `tongzhou community list`",
                       shown, what);
    memcpy(ret, found[0], 32);
    return 0;
}

int governance_find(const struct view *view, struct span text, uint8_t ret[32], struct err *err)
{
    uint8_t from[32], to[32];
    if (hash_range(text, from, to))
        return only_one(view->index,
                        governance_sql(view->index,
                                       "SELECT DISTINCT hash FROM governance_roster WHERE hash BETWEEN ?1 AND ?2 AND"
                                       " parent = x''",
                                       SQL_VALUES(SQL_H(from), SQL_H(to)), err),
                        "community", text, ret, err);
    return only_one(view->index,
                    governance_sql(view->index, "SELECT community FROM governance_community WHERE name = ?1",
                                   SQL_VALUES(SQL_T(text)), err),
                    "community", text, ret, err);
}

int governance_only(const struct view *view, const char *origin, uint8_t ret[32], struct err *err)
{
    uint8_t found[2][32];
    size_t count;
    int rc = take_hashes(view->index,
                         governance_sql(view->index,
                                        "SELECT community FROM governance_belongs INDEXED BY governance_belongs_by"
                                        " WHERE origin = ?1 AND belongs = 1",
                                        SQL_VALUES(SQL_T(span_str(origin))), err),
                         2, found, &count, err);
    if (rc < 0)
        return rc;
    if (count != 1)
        return err_set(err, count == 0 ? ERR_NOTFOUND : ERR_USAGE,
                       count == 0 ? "we belong to no community: say which one; `tongzhou community list` shows them"
                                  : "we belong to several communities: say which one");
    memcpy(ret, found[0], 32);
    return 0;
}

/* Up the chain of parents, as far as the texts are here. */
static int community_of_version(const struct view *view, const uint8_t version[32], uint8_t ret[32], struct err *err)
{
    memcpy(ret, version, 32);
    for (unsigned i = 0; i <= ROSTER_VERSIONS_MAX; i++) {
        sqlite3_stmt *query = governance_sql(
            view->index, "SELECT parent FROM governance_roster WHERE hash = ?1 LIMIT 1", SQL_VALUES(SQL_H(ret)), err);
        if (!query)
            return err->code;
        int rc = index_step(view->index, query, err);
        bool first = rc > 0 && sqlite3_column_bytes(query, 0) == 0;
        if (rc > 0 && !first)
            memcpy(ret, sqlite3_column_blob(query, 0), 32);
        sqlite3_reset(query);
        if (rc < 0 || first)
            return rc < 0 ? rc : 0;
        if (rc == 0)
            break;
    }
    return err_set(err, ERR_NOTFOUND, "the version's parents are not all here");
}

int governance_find_version(const struct view *view, struct span text, uint8_t ret[32], uint8_t ret_community[32],
                            struct err *err)
{
    uint8_t from[32], to[32];
    char shown[300];
    if (!hash_range(text, from, to))
        return err_set(err, ERR_USAGE,
                       "%s: a roster version is named by its hash, or 8 or more of its first hex digits",
                       text_escape_into(shown, sizeof(shown), text));
    int rc =
        only_one(view->index,
                 governance_sql(view->index, "SELECT DISTINCT hash FROM governance_roster WHERE hash BETWEEN ?1 AND ?2",
                                SQL_VALUES(SQL_H(from), SQL_H(to)), err),
                 "roster version", text, ret, err);
    return rc == 0 ? community_of_version(view, ret, ret_community, err) : rc;
}

/* ---- what members say ---- */

int governance_words(const struct view *view, const uint8_t community[32],
                     int (*each)(void *ctx, const struct governance_word *word, struct err *err), void *ctx,
                     struct err *err)
{
    sqlite3_stmt *query = governance_sql(
        view->index,
        "SELECT origin, message, time_ms, type FROM governance_word AS w WHERE community = ?1 AND ref ="
        " (SELECT max(ref) FROM governance_word WHERE community = ?1 AND origin = w.origin) ORDER BY origin",
        SQL_VALUES(SQL_H(community)), err);
    int rc = query ? 0 : err->code;
    while (query && (rc = index_step(view->index, query, err)) > 0) {
        struct governance_word word = {.origin = (const char *)sqlite3_column_text(query, 0),
                                       .message = (const char *)sqlite3_column_text(query, 1),
                                       .time_ms = sqlite3_column_int64(query, 2),
                                       .left = sqlite3_column_int(query, 3) == STATEMENT_LEAVE};
        if (sqlite3_column_int(query, 3) != STATEMENT_ENDORSE && (rc = each(ctx, &word, err)) != 0)
            break;
    }
    if (query)
        sqlite3_reset(query);
    return rc;
}

int governance_sponsors(const struct view *view, const uint8_t community[32], const char *subject,
                        int (*each)(void *ctx, const char *origin, struct err *err), void *ctx, struct err *err)
{
    sqlite3_stmt *query =
        governance_sql(view->index,
                       "SELECT DISTINCT origin FROM governance_sponsor WHERE community = ?1 AND subject = ?2"
                       " ORDER BY origin",
                       SQL_VALUES(SQL_H(community), SQL_T(span_str(subject))), err);
    int rc = query ? 0 : err->code;
    while (query && (rc = index_step(view->index, query, err)) > 0)
        if ((rc = each(ctx, (const char *)sqlite3_column_text(query, 0), err)) != 0)
            break;
    if (query)
        sqlite3_reset(query);
    return rc;
}

static int walk_endorsements(struct index *index, sqlite3_stmt *query,
                             int (*each)(void *ctx, const struct governance_endorsement *one, struct err *err),
                             void *ctx, struct err *err)
{
    int rc = query ? 0 : err->code;
    while (query && (rc = index_step(index, query, err)) > 0) {
        struct governance_endorsement one = {.origin = (const char *)sqlite3_column_text(query, 0),
                                             .index = RECORD_REF_INDEX(sqlite3_column_int64(query, 2)),
                                             .effect = sqlite3_column_int(query, 3) != 0};
        memcpy(one.roster, sqlite3_column_blob(query, 1), 32);
        if ((rc = each(ctx, &one, err)) != 0)
            break;
    }
    if (query)
        sqlite3_reset(query);
    return rc;
}

int governance_endorsements(const struct view *view, const uint8_t *parent, const char *origin,
                            int (*each)(void *ctx, const struct governance_endorsement *one, struct err *err),
                            void *ctx, struct err *err)
{
    return walk_endorsements(
        view->index,
        governance_sql(
            view->index,
            "SELECT origin, roster, ref, effect FROM governance_endorse WHERE origin = ?1 AND parent = ?2 ORDER BY ref",
            SQL_VALUES(SQL_T(span_str(origin)), SQL_B(span_of(parent, parent ? 32 : 0))), err),
        each, ctx, err);
}

int governance_idle(const struct view *view, const uint8_t community[32], size_t max,
                    int (*each)(void *ctx, const struct governance_endorsement *one, struct err *err), void *ctx,
                    struct err *err)
{
    return walk_endorsements(
        view->index,
        governance_sql(view->index,
                       "SELECT origin, roster, ref, 0 FROM governance_endorse WHERE effect = 0 AND"
                       " parent IN (SELECT hash FROM governance_version WHERE community = ?1)"
                       " AND origin IN (SELECT origin FROM governance_belongs WHERE community = ?1)"
                       " ORDER BY origin, ref LIMIT ?2",
                       SQL_VALUES(SQL_H(community), SQL_I(max)), err),
        each, ctx, err);
}

int governance_unspoken(const struct view *view, const char *origin, size_t max, uint8_t (*ret)[32], size_t *ret_count,
                        struct err *err)
{
    return take_hashes(
        view->index,
        governance_sql(view->index,
                       "SELECT b.community FROM governance_belongs AS b INDEXED BY governance_belongs_by"
                       " JOIN governance_poll AS p ON p.community = b.community AND p.parent <> x''"
                       " WHERE b.origin = ?1 AND b.belongs = 1 AND b.operator = '' AND NOT EXISTS (SELECT"
                       " 1 FROM governance_endorse AS e WHERE e.origin = ?1 AND e.parent = p.parent)"
                       " ORDER BY b.community",
                       SQL_VALUES(SQL_T(span_str(origin))), err),
        max, ret, ret_count, err);
}

int governance_proposed(const struct view *view, const struct community *community, size_t max, uint8_t (*ret)[32],
                        size_t *ret_count, struct err *err)
{
    *ret_count = 0;
    for (size_t i = 0; i < community->member_count && *ret_count < max; i++) {
        size_t more = 0;
        sqlite3_stmt *query = governance_sql(
            view->index,
            "SELECT DISTINCT hash FROM governance_roster AS r WHERE parent = ?1 AND origin = ?2 AND NOT EXISTS"
            " (SELECT 1 FROM governance_endorse WHERE parent = ?1 AND effect = 1 AND roster = r.hash) ORDER BY hash",
            SQL_VALUES(SQL_H(community->tip), SQL_T(span_str(community->members[i].origin))), err);
        int rc = take_hashes(view->index, query, max - *ret_count, ret + *ret_count, &more, err);
        if (rc < 0)
            return rc;
        *ret_count += more;
    }
    return 0;
}

int governance_weight(const struct view *view, const uint8_t community[32], uint64_t *ret_bytes, struct err *err)
{
    sqlite3_stmt *query =
        governance_sql(view->index,
                       "SELECT coalesce(sum(length(text)), 0) FROM governance_roster WHERE hash IN (SELECT hash FROM "
                       "governance_version"
                       " WHERE community = ?1) OR parent IN (SELECT hash FROM governance_version WHERE community = ?1)",
                       SQL_VALUES(SQL_H(community)), err);
    if (!query)
        return err->code;
    int rc = index_step(view->index, query, err);
    *ret_bytes = rc > 0 ? (uint64_t)sqlite3_column_int64(query, 0) : 0;
    sqlite3_reset(query);
    return rc < 0 ? rc : 0;
}

/* ---- the cut ---- */

int governance_cut(const struct view *view, const struct community *community, uint8_t ret[32], struct err *err)
{
    struct sha256 hash;
    struct buf line;
    int rc = 0;
    buf_init(&line, 512);
    sha256_init(&hash);
    sha256_add(&hash, SPAN_LIT("tongzhou/1 cut\n"));
    for (size_t i = 0; rc == 0 && i < community->member_count; i++) {
        struct log_info log;
        struct err absent;
        const char *origin = community->members[i].origin;
        if (store_log_by_origin(view->store, span_str(origin), &log, &absent) != 0 || log.size == 0)
            continue;
        buf_clear(&line);
        buf_fmt(&line, "%s %llu ", origin, (unsigned long long)log.size);
        buf_hex(&line, log.root.b, sizeof(log.root.b));
        buf_byte(&line, '\n');
        sha256_add(&hash, buf_view(&line));
        rc = buf_check(&line, "cut", err);
    }
    buf_done(&line);
    sha256_end(&hash, ret);
    return rc;
}

/* ---- what lower modules ask ---- */

/* Does the query have a row? No database that fails makes anybody a member. */
static bool has_row(struct index *index, const char *sql, const struct sql_value *values)
{
    struct err ignored = {0};
    sqlite3_stmt *query = governance_sql(index, sql, values, &ignored);
    if (!query)
        return false;
    int rc = index_step(index, query, &ignored);
    sqlite3_reset(query);
    return rc > 0;
}

bool governance_same_community(const struct view *view, struct span a, struct span b)
{
    return view->index &&
           has_row(view->index,
                   "SELECT 1 FROM governance_belongs AS x INDEXED BY governance_belongs_by CROSS JOIN"
                   " governance_belongs AS y INDEXED BY governance_belongs_by ON x.community = y.community"
                   " WHERE x.origin = ?1 AND x.belongs = 1 AND y.origin = ?2 AND y.belongs = 1 LIMIT 1",
                   SQL_VALUES(SQL_T(a), SQL_T(b)));
}

int governance_each_of_community(const struct view *view, struct span member,
                                 int (*each)(void *ctx, struct span other, struct err *err), void *ctx, struct err *err)
{
    if (!view->index)
        return 0;
    return governance_each_text(view->index,
                                "SELECT y.origin FROM governance_belongs AS x INDEXED BY governance_belongs_by CROSS"
                                " JOIN governance_belongs AS y INDEXED BY governance_belongs_in ON x.community ="
                                " y.community WHERE x.origin = ?1 AND x.belongs = 1 AND y.belongs = 1",
                                SQL_VALUES(SQL_T(member)), each, ctx, err);
}

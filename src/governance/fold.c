#include "governance/fold.h"

#include <stdlib.h>

#include "base/sha256.h"
#include "governance/cessions.h"
#include "governance/drafts.h"
#include "governance/tally.h"

/* ---- SQL in a line ---- */

sqlite3_stmt *governance_sql(struct index *index, const char *sql, const struct sql_value *values, struct err *err)
{
    sqlite3_stmt *statement = index_statement(index, sql, err);
    for (int i = 0; statement && values[i].type != SQL_END; i++) {
        const struct sql_value *value = &values[i];
        const void *bytes = value->bytes.len > 0 ? (const void *)value->bytes.data : "";
        if (value->type == SQL_INT)
            sqlite3_bind_int64(statement, i + 1, value->number);
        else if (value->type == SQL_TEXT)
            sqlite3_bind_text64(statement, i + 1, bytes, value->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
        else
            sqlite3_bind_blob64(statement, i + 1, bytes, value->bytes.len, SQLITE_STATIC);
    }
    return statement;
}

int governance_run(struct index *index, const char *sql, const struct sql_value *values, struct err *err)
{
    sqlite3_stmt *statement = governance_sql(index, sql, values, err);
    return statement ? index_run(index, statement, err) : err->code;
}

int governance_each_text(struct index *index, const char *sql, const struct sql_value *values,
                         int (*each)(void *ctx, struct span text, struct err *err), void *ctx, struct err *err)
{
    sqlite3_stmt *query = governance_sql(index, sql, values, err);
    int rc = query ? 0 : err->code;
    while (query && rc == 0 && (rc = index_step(index, query, err)) > 0)
        rc = each(ctx, span_str((const char *)sqlite3_column_text(query, 0)), err);
    if (query)
        sqlite3_reset(query);
    return rc;
}

/* ---- which communities have to be looked at ---- */

struct dirty_community {
    uint8_t hash[32];
    bool anew; /* something is gone that its rows may rest on: from version 1 */
};

struct dirty {
    struct dirty_community *community;
    size_t count, cap;
    bool all;
};

static struct dirty *dirty_of(struct fold *fold)
{
    void **slot = fold_state(fold, &governance_capability);
    if (!*slot)
        *slot = arena_alloc(fold->arena, sizeof(struct dirty));
    return *slot;
}

static int dirty_add(struct fold *fold, const uint8_t community[32], bool anew, struct err *err)
{
    struct dirty *dirty = dirty_of(fold);
    if (!dirty)
        return err_memory(err);
    for (size_t i = 0; i < dirty->count; i++)
        if (memcmp(dirty->community[i].hash, community, 32) == 0) {
            dirty->community[i].anew |= anew;
            return 0;
        }
    if (dirty->count == dirty->cap) {
        size_t cap = dirty->cap ? 2 * dirty->cap : 8;
        struct dirty_community *grown = arena_array(fold->arena, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        if (dirty->count > 0)
            memcpy(grown, dirty->community, dirty->count * sizeof(*grown));
        dirty->community = grown;
        dirty->cap = cap;
    }
    struct dirty_community *added = &dirty->community[dirty->count++];
    memcpy(added->hash, community, 32);
    added->anew = anew;
    return 0;
}

/* Those in the first column. */
static int dirty_rows(struct fold *fold, const char *sql, struct sql_value of, bool anew, struct err *err)
{
    sqlite3_stmt *query = governance_sql(fold->index, sql, SQL_VALUES(of), err);
    int rc = query ? 0 : err->code;
    while (query && (rc = index_step(fold->index, query, err)) > 0)
        if ((rc = dirty_add(fold, sqlite3_column_blob(query, 0), anew, err)) < 0)
            break;
    if (query)
        sqlite3_reset(query);
    return rc;
}

static int dirty_wanted(struct fold *fold, const uint8_t hash[32], struct err *err)
{
    return dirty_rows(fold, "SELECT community FROM governance_wants WHERE hash = ?1", SQL_H(hash), false, err);
}

/* Is there such a row? 1, 0, or negative. */
static int any_row(struct fold *fold, const char *sql, const struct sql_value *values, struct err *err)
{
    sqlite3_stmt *query = governance_sql(fold->index, sql, values, err);
    if (!query)
        return err->code;
    int rc = index_step(fold->index, query, err);
    sqlite3_reset(query);
    return rc;
}

/* ---- one record ---- */

static int apply_charter(struct fold *fold, const struct fold_record *record, struct err *err)
{
    uint8_t hash[32];
    sha256_once(record->text, hash);
    int rc =
        governance_run(fold->index, "INSERT OR REPLACE INTO governance_charter(ref, hash, text) VALUES(?1, ?2, ?3)",
                       SQL_VALUES(SQL_I(record->ref), SQL_H(hash), SQL_B(record->text)), err);
    return rc == 0 ? dirty_wanted(fold, hash, err) : rc;
}

static int apply_roster(struct fold *fold, const struct fold_record *record, struct err *err)
{
    uint8_t hash[32];
    struct roster_version version;
    int rc = roster_parse(record->record, record->arena, &version, err);
    if (rc < 0)
        return rc;
    sha256_once(record->text, hash);
    int known = any_row(fold, "SELECT 1 FROM governance_roster WHERE hash = ?1", SQL_VALUES(SQL_H(hash)), err);
    if (known < 0)
        return known;
    rc = governance_run(fold->index,
                        "INSERT OR REPLACE INTO governance_roster(ref, origin, hash, parent, text)"
                        " VALUES(?1, ?2, ?3, ?4, ?5)",
                        SQL_VALUES(SQL_I(record->ref), SQL_T(span_str(record->origin)), SQL_H(hash),
                                   SQL_B(span_of(version.parent, version.has_parent ? 32 : 0)), SQL_B(record->text)),
                        err);
    if (rc < 0 || known)
        return rc; /* the same text in another log says nothing new */
    rc = dirty_wanted(fold, hash, err);
    return rc == 0 && !version.has_parent ? dirty_add(fold, hash, false, err) : rc;
}

/*
 * Entries of a log are folded in order: what stands before this one is known. How many endorsements under this parent, and
 * whether one of them is of the same version.
 */
static int earlier(struct fold *fold, const struct fold_record *record, const struct statement *said, uint64_t *ret,
                   bool *ret_again, struct err *err)
{
    sqlite3_stmt *query = governance_sql(
        fold->index,
        "SELECT count(*), coalesce(sum(roster = ?5), 0) FROM (SELECT roster FROM governance_endorse WHERE origin = ?1"
        " AND parent = ?2 AND ref < ?3 ORDER BY ref LIMIT ?4)",
        SQL_VALUES(SQL_T(span_str(record->origin)), SQL_B(span_of(said->parent, said->has_parent ? 32 : 0)),
                   SQL_I(record->ref), SQL_I(COMMUNITY_FOUNDINGS_MAX), SQL_H(said->target)),
        err);
    if (!query)
        return err->code;
    int rc = index_step(fold->index, query, err);
    *ret = rc > 0 ? (uint64_t)sqlite3_column_int64(query, 0) : 0;
    *ret_again = rc > 0 && sqlite3_column_int(query, 1) > 0;
    sqlite3_reset(query);
    return rc < 0 ? rc : 0;
}

/* A log's entries are folded in order: this is its last word on that community, until a later one comes. */
static int add_word(struct fold *fold, const struct fold_record *record, const struct statement *said, struct err *err)
{
    int64_t time_ms = record->record->has_time ? record->record->time_ms : 0;
    int rc = governance_run(fold->index,
                            "INSERT OR REPLACE INTO governance_word(ref, origin, community, type, time_ms, message)"
                            " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                            SQL_VALUES(SQL_I(record->ref), SQL_T(span_str(record->origin)), SQL_H(said->target),
                                       SQL_I(said->type), SQL_I(time_ms), SQL_T(span_str(said->message))),
                            err);
    if (rc < 0)
        return rc;
    return governance_run(
        fold->index, "UPDATE governance_belongs SET belongs = ?1 WHERE origin = ?2 AND community = ?3",
        SQL_VALUES(SQL_I(said->type != STATEMENT_LEAVE), SQL_T(span_str(record->origin)), SQL_H(said->target)), err);
}

static int count_voice(struct fold *fold, const struct fold_record *record, const struct statement *said, bool again,
                       struct err *err)
{
    struct span origin = span_str(record->origin);
    uint8_t community[32];
    memcpy(community, said->target, 32);
    int rc = said->has_parent ? tally_child(fold->index, said->parent, said->target, origin, community, err)
                              : tally_founding(fold->index, said->target, origin, again, err);
    return rc > 0 ? dirty_add(fold, community, false, err) : rc;
}

static int apply_endorse(struct fold *fold, const struct fold_record *record, const struct statement *said,
                         struct err *err)
{
    uint64_t before;
    bool again;
    int rc = earlier(fold, record, said, &before, &again, err);
    if (rc < 0)
        return rc;
    bool effect = before < (said->has_parent ? 1 : COMMUNITY_FOUNDINGS_MAX);
    rc = governance_run(fold->index,
                        "INSERT OR IGNORE INTO governance_endorse(ref, origin, roster, parent, effect)"
                        " VALUES(?1, ?2, ?3, ?4, ?5)",
                        SQL_VALUES(SQL_I(record->ref), SQL_T(span_str(record->origin)), SQL_H(said->target),
                                   SQL_B(span_of(said->parent, said->has_parent ? 32 : 0)), SQL_I(effect)),
                        err);
    if (rc == 0 && effect && sqlite3_changes(fold->db) > 0)
        rc = count_voice(fold, record, said, again, err);
    return rc == 0 && !said->has_parent ? add_word(fold, record, said, err) : rc;
}

static int apply_statement(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct statement said;
    int rc = statement_parse(record->record, &said, err);
    if (rc < 0)
        return rc;
    if (said.type == STATEMENT_ENDORSE)
        return apply_endorse(fold, record, &said, err);
    if (said.type != STATEMENT_SPONSOR)
        return add_word(fold, record, &said, err);
    return governance_run(fold->index,
                          "INSERT OR REPLACE INTO governance_sponsor(ref, origin, community, subject, message)"
                          " VALUES(?1, ?2, ?3, ?4, ?5)",
                          SQL_VALUES(SQL_I(record->ref), SQL_T(span_str(record->origin)), SQL_H(said.target),
                                     SQL_T(span_str(said.origin)), SQL_T(span_str(said.message))),
                          err);
}

static int apply_group(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct group group;
    int rc = group_parse(record->record, record->arena, &group, err);
    if (rc < 0)
        return rc;
    struct span owner, name;
    if (group_address(span_str(group.name), &owner, &name) && span_is(owner, record->origin))
        return err_set(err, ERR_SYNTAX, "a group of its author's own, by its address: who is in it its own list says");
    rc = governance_run(fold->index,
                        "INSERT OR REPLACE INTO governance_group(ref, origin, name, time_ms, ended, members)"
                        " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                        SQL_VALUES(SQL_I(record->ref), SQL_T(span_str(record->origin)), SQL_T(span_str(group.name)),
                                   SQL_I(record->record->time_ms), SQL_I(group.ended), SQL_I(group.count)),
                        err);
    for (size_t i = 0; rc == 0 && i < group.count; i++)
        rc = governance_run(fold->index, "INSERT OR REPLACE INTO governance_group_member(ref, origin) VALUES(?1, ?2)",
                            SQL_VALUES(SQL_I(record->ref), SQL_T(span_str(group.members[i]))), err);
    return rc;
}

static int apply_grant(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct grant grant;
    int rc = grant_parse(record->record, &grant, err);
    if (rc < 0)
        return rc;
    return governance_run(fold->index,
                          "INSERT OR REPLACE INTO governance_grant(ref, origin, word, since_ms, time_ms)"
                          " VALUES(?1, ?2, ?3, ?4, ?5)",
                          SQL_VALUES(SQL_I(record->ref), SQL_T(span_str(record->origin)), SQL_T(span_str(grant.group)),
                                     SQL_I(grant.has_since ? grant.since_ms : INT64_MIN),
                                     SQL_I(record->record->time_ms)),
                          err);
}

int governance_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    bool grant = span_is(record->record->kind, GRANT_KIND), list = span_is(record->record->kind, LIST_KIND);
    bool group = grant || span_is(record->record->kind, GROUP_KIND);
    if ((group || list) == record->is_inline)
        return err_set(err, ERR_SYNTAX,
                       group || list ? "a content record that stands in the log itself"
                                     : "a constitutional record that does not stand in the log itself");
    /* A local log is never served: what it says nobody else can count. */
    if (record->role == LOG_LOCAL && !group && !list)
        return err_set(err, ERR_REFUSED, "said in a local log");
    if (group)
        return grant ? apply_grant(fold, record, err) : apply_group(fold, record, err);
    if (list)
        return drafts_apply(fold, record, err);
    if (span_is(record->record->kind, CESSION_KIND))
        return cessions_apply(fold, record, err);
    if (span_is(record->record->kind, CHARTER_KIND))
        return apply_charter(fold, record, err);
    if (span_is(record->record->kind, ROSTER_KIND))
        return apply_roster(fold, record, err);
    return apply_statement(fold, record, err);
}

/* ---- forgetting ---- */

/* What rests on a text that nobody states any more: a version in force, one that enough endorse, a community itself. */
static int lost_roster(struct fold *fold, const uint8_t hash[32], struct err *err)
{
    int rc = dirty_add(fold, hash, true, err);
    if (rc == 0)
        rc = dirty_rows(fold, "SELECT community FROM governance_version WHERE hash = ?1", SQL_H(hash), true, err);
    return rc == 0 ? dirty_rows(fold,
                                "SELECT p.community FROM governance_poll AS p JOIN governance_tally AS t ON t.community"
                                " = p.community AND t.roster = ?1 WHERE p.parent IN"
                                " (SELECT parent FROM governance_roster WHERE hash = ?1)",
                                SQL_H(hash), false, err)
                   : rc;
}

/* The first column is the hash of what the record at ref states, and of nothing that another one states: 1. */
static int only_here(struct fold *fold, const char *sql, int64_t ref, uint8_t ret[32], struct err *err)
{
    sqlite3_stmt *query = governance_sql(fold->index, sql, SQL_VALUES(SQL_I(ref)), err);
    if (!query)
        return err->code;
    int rc = index_step(fold->index, query, err);
    if (rc > 0)
        memcpy(ret, sqlite3_column_blob(query, 0), 32);
    sqlite3_reset(query);
    return rc;
}

static int forget_texts(struct fold *fold, int64_t ref, struct err *err)
{
    uint8_t hash[32];
    int rc = only_here(fold,
                       "SELECT hash FROM governance_roster AS r WHERE ref = ?1 AND NOT EXISTS"
                       " (SELECT 1 FROM governance_roster WHERE hash = r.hash AND ref <> ?1)",
                       ref, hash, err);
    if (rc > 0)
        rc = lost_roster(fold, hash, err);
    if (rc == 0)
        rc = only_here(fold,
                       "SELECT hash FROM governance_charter AS c WHERE ref = ?1 AND NOT EXISTS"
                       " (SELECT 1 FROM governance_charter WHERE hash = c.hash AND ref <> ?1)",
                       ref, hash, err);
    if (rc <= 0)
        return rc;
    /* Any version may have had it. */
    struct dirty *dirty = dirty_of(fold);
    if (!dirty)
        return err_memory(err);
    dirty->all = true;
    return 0;
}

static int forget_endorsement(struct fold *fold, int64_t ref, struct err *err)
{
    int rc = dirty_rows(fold, "SELECT roster FROM governance_endorse WHERE ref = ?1 AND parent = x'' AND effect = 1",
                        SQL_I(ref), true, err);
    return rc == 0 ? dirty_rows(fold,
                                "SELECT v.community FROM governance_endorse AS e JOIN governance_version AS v ON v.hash"
                                " = e.parent WHERE e.ref = ?1 AND e.effect = 1",
                                SQL_I(ref), true, err)
                   : rc;
}

/* Its last word on that community is the one before. */
static int forget_word(struct fold *fold, int64_t ref, struct err *err)
{
    return governance_run(
        fold->index,
        "UPDATE governance_belongs SET belongs = coalesce((SELECT type <> ?2 FROM governance_word WHERE origin ="
        " governance_belongs.origin AND community = governance_belongs.community AND ref <> ?1 ORDER BY ref DESC LIMIT"
        " 1), 0) WHERE (origin, community) IN (SELECT origin, community FROM governance_word WHERE ref = ?1)",
        SQL_VALUES(SQL_I(ref), SQL_I(STATEMENT_LEAVE)), err);
}

int governance_forget(struct fold *fold, int64_t ref, struct err *err)
{
    static const char *const deletes[] = {
        "DELETE FROM governance_group WHERE ref = ?1",       "DELETE FROM governance_group_member WHERE ref = ?1",
        "DELETE FROM governance_list WHERE ref = ?1",        "DELETE FROM governance_grant WHERE ref = ?1",
        "DELETE FROM governance_charter WHERE ref = ?1",     "DELETE FROM governance_roster WHERE ref = ?1",
        "DELETE FROM governance_endorse WHERE ref = ?1",     "DELETE FROM governance_word WHERE ref = ?1",
        "DELETE FROM governance_sponsor WHERE ref = ?1",     "DELETE FROM governance_cession WHERE ref = ?1",
        "DELETE FROM governance_cession_end WHERE ref = ?1",
    };
    int rc = forget_texts(fold, ref, err);
    if (rc == 0)
        rc = forget_endorsement(fold, ref, err);
    if (rc == 0)
        rc = forget_word(fold, ref, err);
    for (size_t i = 0; rc == 0 && i < sizeof(deletes) / sizeof(deletes[0]); i++)
        rc = governance_run(fold->index, deletes[i], SQL_VALUES(SQL_I(ref)), err);
    return rc;
}

/* ---- what holds ---- */

int governance_flush(struct fold *fold, struct err *err)
{
    struct dirty *dirty = *fold_state(fold, &governance_capability);
    int rc = 0;
    if (!dirty)
        return 0;
    if (dirty->all)
        rc = governance_refold_all(fold->index, err);
    for (size_t i = 0; rc == 0 && !dirty->all && i < dirty->count; i++)
        rc = governance_refold(fold->index, dirty->community[i].hash, dirty->community[i].anew, err);
    dirty->count = 0;
    dirty->all = false;
    return rc;
}

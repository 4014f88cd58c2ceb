/* What community_follow makes of the records, kept as rows: lower modules ask it for every record that they show. */
#include <stdlib.h>

#include "governance/fold.h"

/* ---- where the rows stand ---- */

static int load_members(struct index *index, const uint8_t community[32], struct arena *arena,
                        struct community_stand *out, struct err *err)
{
    sqlite3_stmt *query = governance_sql(
        index,
        "SELECT origin, operator, class, since, (SELECT count(*) FROM governance_belongs WHERE community = ?1)"
        " FROM governance_belongs WHERE community = ?1 ORDER BY origin",
        SQL_VALUES(SQL_H(community)), err);
    int rc = query ? 0 : err->code;
    size_t count = 0;
    while (query && (rc = index_step(index, query, err)) > 0) {
        if (!out->members) {
            count = (size_t)sqlite3_column_int64(query, 4);
            out->members = arena_array(arena, count, sizeof(*out->members));
        }
        const char *operator=(const char *) sqlite3_column_text(query, 1);
        struct community_member *member = out->members ? &out->members[out->member_count] : NULL;
        if (member)
            member->origin = arena_strz(arena, span_str((const char *)sqlite3_column_text(query, 0)));
        if (!member || !member->origin) {
            rc = err_memory(err);
            break;
        }
        member->operator= operator[0] == '\0' ? member->origin : arena_strz(arena, span_str(operator));
        member->class = (enum member_class)sqlite3_column_int(query, 2);
        member->since = (uint64_t)sqlite3_column_int64(query, 3);
        out->member_count++;
        if (!member->operator) {
            rc = err_memory(err);
            break;
        }
    }
    if (query)
        sqlite3_reset(query);
    return rc;
}

/* 1: the community is founded, and *out is its version in force; 0: it is not. */
static int load(struct index *index, const uint8_t community[32], struct arena *arena, struct community_stand *out,
                struct err *err)
{
    sqlite3_stmt *query =
        governance_sql(index, "SELECT number, tip, charter FROM governance_community WHERE community = ?1",
                       SQL_VALUES(SQL_H(community)), err);
    if (!query)
        return err->code;
    int rc = index_step(index, query, err);
    if (rc > 0) {
        out->number = (uint64_t)sqlite3_column_int64(query, 0);
        memcpy(out->tip, sqlite3_column_blob(query, 1), 32);
        memcpy(out->charter, sqlite3_column_blob(query, 2), 32);
    }
    sqlite3_reset(query);
    if (rc <= 0)
        return rc;
    rc = load_members(index, community, arena, out, err);
    return rc < 0 ? rc : 1;
}

/* ---- rows ---- */

/*
 * A text that is not here is waited for where it could decide something: the child of the version in force that enough
 * endorse, its charter, and a version 1 that anybody endorses.
 */
static int add_wanted(struct index *index, const struct community *community, const struct community_version *version,
                      struct err *err)
{
    if (memcmp(version->wanted, community->hash, 32) != 0)
        return governance_run(index, "INSERT OR IGNORE INTO governance_wants(hash, community) VALUES(?1, ?2)",
                              SQL_VALUES(SQL_H(version->wanted), SQL_H(community->hash)), err);
    return governance_run(index,
                          "INSERT OR IGNORE INTO governance_wants(hash, community) SELECT ?1, ?1 WHERE EXISTS (SELECT 1"
                          " FROM governance_endorse WHERE parent = x'' AND effect = 1 AND roster = ?1)",
                          SQL_VALUES(SQL_H(community->hash)), err);
}

static int add_version(struct index *index, const struct community *community, const struct community_version *version,
                       struct err *err)
{
    if (version->state == VERSION_IN_FORCE)
        return governance_run(index, "INSERT OR REPLACE INTO governance_version(hash, community) VALUES(?1, ?2)",
                              SQL_VALUES(SQL_H(version->hash), SQL_H(community->hash)), err);
    int rc = 0;
    if (version->state == VERSION_UNKNOWN)
        rc = add_wanted(index, community, version, err);
    if (rc == 0 && version->endorser_count > 0)
        rc = governance_run(index, "INSERT INTO governance_tally(community, roster, voices) VALUES(?1, ?2, ?3)",
                            SQL_VALUES(SQL_H(community->hash), SQL_H(version->hash), SQL_I(version->endorser_count)),
                            err);
    return rc;
}

static bool is_operator(const struct community_member *member)
{
    return strcmp(member->origin, member->operator) == 0;
}

static int add_voter(struct index *index, const struct community *community, const char *origin, struct err *err)
{
    return governance_run(index, "INSERT OR IGNORE INTO governance_voter(community, origin) VALUES(?1, ?2)",
                          SQL_VALUES(SQL_H(community->hash), SQL_T(span_str(origin))), err);
}

static int drop_voter(struct index *index, const struct community *community, const char *origin, struct err *err)
{
    return governance_run(index, "DELETE FROM governance_voter WHERE community = ?1 AND origin = ?2",
                          SQL_VALUES(SQL_H(community->hash), SQL_T(span_str(origin))), err);
}

static int drop_member(struct index *index, const struct community *community, const struct community_member *member,
                       struct err *err)
{
    int rc = governance_run(index, "DELETE FROM governance_belongs WHERE origin = ?1 AND community = ?2",
                            SQL_VALUES(SQL_T(span_str(member->origin)), SQL_H(community->hash)), err);
    return rc == 0 && is_operator(member) ? drop_voter(index, community, member->origin, err) : rc;
}

static int put_member(struct index *index, const struct community *community, struct community_member *member,
                      struct err *err)
{
    struct community_source source = governance_source(index);
    bool operates = is_operator(member);
    int rc = source.word(source.ctx, community->hash, member->origin, &member->word, err);
    if (rc == 0)
        rc = governance_run(
            index,
            "INSERT OR REPLACE INTO governance_belongs(origin, community, belongs, operator, class, since)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            SQL_VALUES(SQL_T(span_str(member->origin)), SQL_H(community->hash), SQL_I(community_belongs(member)),
                       SQL_T(span_str(operates ? "" : member->operator)), SQL_I(member->class), SQL_I(member->since)),
            err);
    if (rc < 0)
        return rc;
    return operates ? add_voter(index, community, member->origin, err)
                    : drop_voter(index, community, member->origin, err);
}

/* Both ascend. A line that a version changed bears that version's number. */
static int put_members(struct index *index, const struct community_stand *before, struct community *after,
                       struct err *err)
{
    size_t a = 0, b = 0;
    int rc = 0;
    while (rc == 0 && (a < after->member_count || b < before->member_count)) {
        int order = a == after->member_count    ? 1
                    : b == before->member_count ? -1
                                                : strcmp(after->members[a].origin, before->members[b].origin);
        if (order > 0)
            rc = drop_member(index, after, &before->members[b], err);
        else if (order < 0 || after->members[a].since != before->members[b].since)
            rc = put_member(index, after, &after->members[a], err);
        a += order <= 0;
        b += order >= 0;
    }
    return rc;
}

/* Before the founding those whom version 1 lists have a voice, and belong to nothing yet. */
static int put_founders(struct index *index, const struct community *community, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < community->operator_count; i++)
        rc = add_voter(index, community, community->operators[i], err);
    return rc;
}

static int put_community(struct index *index, const struct community *community, struct err *err)
{
    return governance_run(index,
                          "INSERT OR REPLACE INTO governance_community(community, name, number, tip, charter)"
                          " VALUES(?1, ?2, ?3, ?4, ?5)",
                          SQL_VALUES(SQL_H(community->hash), SQL_T(span_str(community->charter->name)),
                                     SQL_I(community->number), SQL_H(community->tip), SQL_H(community->charter_hash)),
                          err);
}

static int put_poll(struct index *index, const struct community *community, struct err *err)
{
    if (!community->charter || community->number == ROSTER_VERSIONS_MAX)
        return 0; /* there is nothing that endorsements could decide */
    struct span parent = span_of(community->tip, community->founded ? 32 : 0);
    return governance_run(index, "INSERT INTO governance_poll(community, parent, needed) VALUES(?1, ?2, ?3)",
                          SQL_VALUES(SQL_H(community->hash), SQL_B(parent), SQL_I(community->needed)), err);
}

static int put_rows(struct index *index, const struct community_stand *before, struct community *after, struct err *err)
{
    int rc = put_poll(index, after, err);
    for (size_t i = 0; rc == 0 && i < after->version_count; i++)
        rc = add_version(index, after, &after->versions[i], err);
    if (rc < 0 || !after->founded)
        return rc < 0 ? rc : put_founders(index, after, err);
    rc = put_members(index, before, after, err);
    return rc == 0 ? put_community(index, after, err) : rc;
}

/* ---- one community ---- */

static int drop(struct index *index, const char *const *deletes, size_t count, const uint8_t community[32],
                struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = governance_run(index, deletes[i], SQL_VALUES(SQL_H(community)), err);
    return rc;
}

int governance_refold(struct index *index, const uint8_t community[32], bool anew, struct err *err)
{
    static const char *const open[] = {"DELETE FROM governance_wants WHERE community = ?1",
                                       "DELETE FROM governance_tally WHERE community = ?1",
                                       "DELETE FROM governance_poll WHERE community = ?1"};
    static const char *const kept[] = {
        "DELETE FROM governance_version WHERE community = ?1", "DELETE FROM governance_belongs WHERE community = ?1",
        "DELETE FROM governance_voter WHERE community = ?1", "DELETE FROM governance_community WHERE community = ?1"};
    struct community_source source = governance_source(index);
    struct community_stand before = {0};
    struct community after;
    struct arena arena;
    arena_init(&arena, GOVERNANCE_ARENA_MAX);
    int founded = anew ? 0 : load(index, community, &arena, &before, err);
    int rc = founded < 0 ? founded : drop(index, open, sizeof(open) / sizeof(open[0]), community, err);
    if (rc == 0 && !founded)
        rc = drop(index, kept, sizeof(kept) / sizeof(kept[0]), community, err);
    if (rc == 0)
        rc = community_follow(&source, community, founded ? &before : NULL, &arena, &after, err);
    if (rc == 0)
        rc = put_rows(index, &before, &after, err);
    arena_done(&arena);
    return rc;
}

/* ---- all ---- */

/* Communities of which there can be rows: those whose version 1 somebody states, or endorses. */
static int collect(struct index *index, uint8_t (**ret)[32], size_t *ret_count, struct err *err)
{
    size_t cap = 0;
    sqlite3_stmt *query = index_statement(index,
                                          "SELECT roster FROM governance_endorse WHERE parent = x'' AND effect = 1"
                                          " UNION SELECT hash FROM governance_roster WHERE parent = x''",
                                          err);
    int rc = query ? 0 : err->code;
    while (query && (rc = index_step(index, query, err)) > 0) {
        if (*ret_count == cap) {
            cap = cap ? 2 * cap : 64;
            uint8_t(*grown)[32] = realloc(*ret, cap * 32);
            if (!grown) {
                rc = err_memory(err);
                break;
            }
            *ret = grown;
        }
        memcpy((*ret)[(*ret_count)++], sqlite3_column_blob(query, 0), 32);
    }
    if (query)
        sqlite3_reset(query);
    return rc;
}

int governance_refold_all(struct index *index, struct err *err)
{
    static const char *const deletes[] = {"DELETE FROM governance_version", "DELETE FROM governance_belongs",
                                          "DELETE FROM governance_wants",   "DELETE FROM governance_community",
                                          "DELETE FROM governance_voter",   "DELETE FROM governance_tally",
                                          "DELETE FROM governance_poll"};
    uint8_t(*all)[32] = NULL;
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(deletes) / sizeof(deletes[0]); i++)
        rc = governance_run(index, deletes[i], SQL_VALUES({0}), err);
    if (rc == 0)
        rc = collect(index, &all, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = governance_refold(index, all[i], true, err);
    free(all);
    return rc;
}

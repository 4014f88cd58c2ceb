/* What community_walk makes of the records, kept as rows: lower modules ask it for every record that they show. */
#include <stdlib.h>

#include "governance/fold.h"

/* A text that is not here is waited for where it could decide something: beside the version in force, or at the founding. */
static int add_version(struct index *index, const struct community *community, const struct community_version *version,
                       struct err *err)
{
    bool decides = !community->founded || version->number > community->number;
    if (version->state == VERSION_UNKNOWN && decides)
        return governance_run(index, "INSERT OR IGNORE INTO governance_wants(hash, community) VALUES(?1, ?2)",
                              SQL_VALUES(SQL_H(version->wanted), SQL_H(community->hash)), err);
    if (version->state != VERSION_IN_FORCE)
        return 0;
    return governance_run(index, "INSERT OR REPLACE INTO governance_version(hash, community) VALUES(?1, ?2)",
                          SQL_VALUES(SQL_H(version->hash), SQL_H(community->hash)), err);
}

static int add_rows(struct index *index, const struct community *community, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < community->version_count; i++)
        rc = add_version(index, community, &community->versions[i], err);
    for (size_t i = 0; rc == 0 && community->founded && i < community->member_count; i++)
        rc = governance_run(index,
                            "INSERT OR REPLACE INTO governance_belongs(origin, community, belongs) VALUES(?1, ?2, ?3)",
                            SQL_VALUES(SQL_T(span_str(community->members[i].origin)), SQL_H(community->hash),
                                       SQL_I(community_belongs(&community->members[i]))),
                            err);
    if (rc < 0 || !community->founded)
        return rc;
    return governance_run(index,
                          "INSERT OR REPLACE INTO governance_community(community, name, number, tip)"
                          " VALUES(?1, ?2, ?3, ?4)",
                          SQL_VALUES(SQL_H(community->hash), SQL_T(span_str(community->charter->name)),
                                     SQL_I(community->number), SQL_H(community->tip)),
                          err);
}

int governance_refold(struct index *index, const uint8_t community[32], struct err *err)
{
    static const char *const deletes[] = {
        "DELETE FROM governance_version WHERE community = ?1", "DELETE FROM governance_belongs WHERE community = ?1",
        "DELETE FROM governance_wants WHERE community = ?1", "DELETE FROM governance_community WHERE community = ?1"};
    struct community_source source = governance_source(index);
    struct community walked;
    struct arena arena;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(deletes) / sizeof(deletes[0]); i++)
        rc = governance_run(index, deletes[i], SQL_VALUES(SQL_H(community)), err);
    arena_init(&arena, GOVERNANCE_ARENA_MAX);
    if (rc == 0)
        rc = community_walk(&source, community, &arena, &walked, err);
    if (rc == 0)
        rc = add_rows(index, &walked, err);
    arena_done(&arena);
    return rc;
}

/* Communities of which there can be rows: those that somebody's endorsement founds, and those that had some. */
static int collect(struct index *index, uint8_t (**ret)[32], size_t *ret_count, struct err *err)
{
    size_t cap = 0;
    sqlite3_stmt *query = index_statement(
        index,
        "SELECT roster FROM governance_endorse WHERE parent = x'' AND effect UNION SELECT community FROM"
        " governance_version UNION SELECT community FROM governance_wants UNION SELECT community FROM"
        " governance_community UNION SELECT community FROM governance_belongs",
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
    uint8_t(*all)[32] = NULL;
    size_t count = 0;
    int rc = collect(index, &all, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = governance_refold(index, all[i], err);
    free(all);
    return rc;
}

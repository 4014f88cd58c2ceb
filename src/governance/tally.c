#include "governance/tally.h"

/* 1 a row, its first column in *ret; 0 none. */
static int one_number(struct index *index, sqlite3_stmt *query, uint64_t *ret, struct err *err)
{
    if (!query)
        return err->code;
    int rc = index_step(index, query, err);
    if (rc > 0)
        *ret = (uint64_t)sqlite3_column_int64(query, 0);
    sqlite3_reset(query);
    return rc;
}

/* 1: with this voice it has as many as it takes. */
static int add_voice(struct index *index, const uint8_t community[32], const uint8_t roster[32], struct span origin,
                     uint64_t needed, struct err *err)
{
    uint64_t number = 0;
    int rc = one_number(index,
                        governance_sql(index, "SELECT 1 FROM governance_voter WHERE community = ?1 AND origin = ?2",
                                       SQL_VALUES(SQL_H(community), SQL_T(origin)), err),
                        &number, err);
    if (rc <= 0)
        return rc;
    rc = one_number(index,
                    governance_sql(index,
                                   "INSERT INTO governance_tally(community, roster, voices) VALUES(?1, ?2, 1)"
                                   " ON CONFLICT DO UPDATE SET voices = voices + 1 RETURNING voices",
                                   SQL_VALUES(SQL_H(community), SQL_H(roster)), err),
                    &number, err);
    return rc < 0 ? rc : number == needed;
}

int tally_child(struct index *index, const uint8_t parent[32], const uint8_t roster[32], struct span origin,
                uint8_t ret_community[32], struct err *err)
{
    uint64_t needed = 0;
    sqlite3_stmt *query = governance_sql(index, "SELECT community, needed FROM governance_poll WHERE parent = ?1",
                                         SQL_VALUES(SQL_H(parent)), err);
    if (!query)
        return err->code;
    int rc = index_step(index, query, err);
    if (rc > 0) {
        memcpy(ret_community, sqlite3_column_blob(query, 0), 32);
        needed = (uint64_t)sqlite3_column_int64(query, 1);
    }
    sqlite3_reset(query);
    return rc <= 0 ? rc : add_voice(index, ret_community, roster, origin, needed, err);
}

int tally_founding(struct index *index, const uint8_t roster[32], struct span origin, bool again, struct err *err)
{
    uint64_t needed = 0;
    int rc =
        one_number(index,
                   governance_sql(index, "SELECT needed FROM governance_poll WHERE community = ?1 AND parent = x''",
                                  SQL_VALUES(SQL_H(roster)), err),
                   &needed, err);
    if (rc != 0)
        return rc < 0 ? rc : again ? 0 : add_voice(index, roster, roster, origin, needed, err);
    /* Founded, against the rules, or its charter is not here: one voice more changes nothing. Or it is not here itself. */
    return governance_run(index,
                          "INSERT OR IGNORE INTO governance_wants(hash, community) SELECT ?1, ?1 WHERE NOT EXISTS"
                          " (SELECT 1 FROM governance_roster WHERE hash = ?1)",
                          SQL_VALUES(SQL_H(roster)), err);
}

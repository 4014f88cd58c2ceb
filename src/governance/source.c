/* The records in an index, as community_walk asks for them. */
#include "governance/fold.h"

int governance_text(struct index *index, const char *kind, const uint8_t hash[32], struct arena *arena,
                    struct span *ret_text, const char **ret_origin, struct err *err)
{
    bool charter = strcmp(kind, CHARTER_KIND) == 0;
    sqlite3_stmt *query =
        governance_sql(index,
                       charter ? "SELECT text, '' FROM governance_charter WHERE hash = ?1 LIMIT 1"
                               : "SELECT text, origin FROM governance_roster WHERE hash = ?1 ORDER BY origin LIMIT 1",
                       SQL_VALUES(SQL_H(hash)), err);
    if (!query)
        return err->code;
    int rc = index_step(index, query, err);
    if (rc > 0) {
        *ret_text = arena_copy(arena, span_of(sqlite3_column_blob(query, 0), (size_t)sqlite3_column_bytes(query, 0)));
        if (ret_origin)
            *ret_origin = arena_strz(arena, span_str((const char *)sqlite3_column_text(query, 1)));
        rc = ret_text->data && (!ret_origin || *ret_origin) ? 1 : err_memory(err);
    }
    sqlite3_reset(query);
    return rc == 0 ? err_set(err, ERR_NOTFOUND, "no %s with this hash is here", kind) : rc < 0 ? rc : 0;
}

/* It was parsed before it came into the table. */
static int load(struct index *index, const char *kind, const uint8_t hash[32], struct arena *arena, struct record *ret,
                struct err *err)
{
    struct span text;
    int rc = governance_text(index, kind, hash, arena, &text, NULL, err);
    return rc == 0 ? record_parse(text, arena, ret, err) : rc;
}

static int get_version(void *ctx, const uint8_t hash[32], struct arena *arena, struct roster_version *ret,
                       struct err *err)
{
    struct record record;
    int rc = load(ctx, ROSTER_KIND, hash, arena, &record, err);
    return rc == 0 ? roster_parse(&record, arena, ret, err) : rc;
}

static int get_charter(void *ctx, const uint8_t hash[32], struct arena *arena, struct charter *ret, struct err *err)
{
    struct record record;
    int rc = load(ctx, CHARTER_KIND, hash, arena, &record, err);
    return rc == 0 ? charter_parse(&record, arena, ret, err) : rc;
}

static int get_endorsements(void *ctx, const uint8_t community[32], const uint8_t *parent,
                            int (*each)(void *each_ctx, const uint8_t roster[32], const char *origin, struct err *err),
                            void *each_ctx, struct err *err)
{
    sqlite3_stmt *query =
        parent ? governance_sql(ctx, "SELECT roster, origin FROM governance_endorse WHERE parent = ?1 AND effect = 1",
                                SQL_VALUES(SQL_H(parent)), err)
               : governance_sql(ctx,
                                "SELECT roster, origin FROM governance_endorse WHERE parent = x'' AND effect = 1 AND"
                                " roster = ?1",
                                SQL_VALUES(SQL_H(community)), err);
    int rc = query ? 0 : err->code;
    while (query && (rc = index_step(ctx, query, err)) > 0)
        if ((rc = each(each_ctx, sqlite3_column_blob(query, 0), (const char *)sqlite3_column_text(query, 1), err)) < 0)
            break;
    if (query)
        sqlite3_reset(query);
    return rc;
}

static int get_word(void *ctx, const uint8_t community[32], const char *origin, enum community_word *ret,
                    struct err *err)
{
    sqlite3_stmt *query = governance_sql(
        ctx, "SELECT type FROM governance_word WHERE community = ?1 AND origin = ?2 ORDER BY ref DESC LIMIT 1",
        SQL_VALUES(SQL_H(community), SQL_T(span_str(origin))), err);
    if (!query)
        return err->code;
    int rc = index_step(ctx, query, err);
    *ret = rc <= 0 ? WORD_NONE : sqlite3_column_int(query, 0) == STATEMENT_LEAVE ? WORD_LEFT : WORD_IN;
    sqlite3_reset(query);
    return rc < 0 ? rc : 0;
}

struct community_source governance_source(struct index *index)
{
    return (struct community_source){.ctx = index,
                                     .version = get_version,
                                     .charter = get_charter,
                                     .endorsements = get_endorsements,
                                     .word = get_word};
}

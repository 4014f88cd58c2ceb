/* Folders made by earlier builds of the same format. */
#include "base/codec.h"
#include "base/sha256.h"
#include "state/internal.h"

#define FACT "schema"
#define MARK_BYTES 16

/* Of the schema that this build knows. */
static void mark_make(char out[2 * MARK_BYTES + 1])
{
    uint8_t hash[SHA256_SIZE];
    sha256_once(span_str(schema_text), hash);
    hex_encode(hash, MARK_BYTES, out);
}

int schema_note(struct store *store, struct err *err)
{
    char mark[2 * MARK_BYTES + 1];
    mark_make(mark);
    return db_run(store, err, "INSERT OR REPLACE INTO fact(name, value) VALUES('" FACT "', ?)", "t", span_str(mark));
}

static int is_known(struct store *store, bool *ret, struct err *err)
{
    char mark[2 * MARK_BYTES + 1];
    int64_t count = 0;
    mark_make(mark);
    int rc = db_int(store, &count, err, "SELECT count(*) FROM fact WHERE name = '" FACT "' AND value = ?", "t",
                    span_str(mark));
    *ret = count > 0;
    return rc;
}

/* A table or an index as this build makes it. */
struct part {
    const char *name, *sql;
    bool is_table;
};

static int drop_old(struct store *store, const struct part *part, struct err *err)
{
    char sql[256];
    int64_t rows = 0;
    int rc = 0;
    if (part->is_table) {
        snprintf(sql, sizeof sql, "SELECT EXISTS(SELECT 1 FROM %s)", part->name);
        rc = db_int(store, &rows, err, sql, "");
    }
    if (!rc && rows > 0)
        return err_set(err, ERR_STATE,
                       "%s/state.db: an earlier build made this folder, and its table %s has rows that this one cannot "
                       "read: go on with that build, or make a new node",
                       store->dir, part->name);
    snprintf(sql, sizeof sql, "DROP %s %s", part->is_table ? "TABLE" : "INDEX", part->name);
    return rc ? rc : db_exec(store, sql, err);
}

static int follow_part(struct store *store, const struct part *part, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT sql FROM sqlite_schema WHERE name = ?", "s", part->name);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    bool is_there = rc > 0, is_same = is_there && span_is(db_span(stmt, 0), part->sql);
    db_end(stmt);
    if (rc < 0 || is_same)
        return rc < 0 ? rc : 0;
    rc = is_there ? drop_old(store, part, err) : 0;
    return rc ? rc : db_exec(store, part->sql, err);
}

/* All parts, as SQLite writes them down: tables, each in front of its indexes. */
static int follow_all(struct store *store, sqlite3 *made, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = 0;
    if (sqlite3_prepare_v2(made,
                           "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY rowid",
                           -1, &stmt, NULL) != SQLITE_OK)
        return err_set(err, ERR_STATE, "state.db: schema: %s", sqlite3_errmsg(made));
    while (!rc && sqlite3_step(stmt) == SQLITE_ROW) {
        struct part part = {.name = (const char *)sqlite3_column_text(stmt, 1),
                            .sql = (const char *)sqlite3_column_text(stmt, 2),
                            .is_table = strcmp((const char *)sqlite3_column_text(stmt, 0), "table") == 0};
        rc = follow_part(store, &part, err);
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int follow(struct store *store, struct err *err)
{
    sqlite3 *made = NULL;
    int rc = 0;
    if (sqlite3_open(":memory:", &made) != SQLITE_OK || sqlite3_exec(made, schema_text, NULL, NULL, NULL) != SQLITE_OK)
        rc = err_set(err, ERR_STATE, "state.db: schema: %s", made ? sqlite3_errmsg(made) : "no memory");
    if (!rc)
        rc = follow_all(store, made, err);
    if (!rc)
        rc = schema_note(store, err);
    sqlite3_close(made);
    return rc;
}

int schema_follow(struct store *store, struct err *err)
{
    bool known = false;
    int rc = is_known(store, &known, err);
    if (rc || known)
        return rc;
    rc = store_begin(store, err);
    if (!rc)
        rc = is_known(store, &known, err); /* another process may have done it meanwhile */
    if (!rc && !known)
        rc = follow(store, err);
    return store_end(store, true, rc, err);
}

#include "state/internal.h"

#include <stdarg.h>

int db_fail(struct store *store, int rc, struct err *err)
{
    const char *text = store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return err_memory(err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_STATE, "%s/state.db: another process is writing", store->dir);
    case SQLITE_CONSTRAINT:
        return err_set(err, ERR_EXISTS, "%s/state.db: %s", store->dir, text);
    default:
        err_set(err, ERR_IO, "%s/state.db: %s", store->dir, text);
        return store->writing ? store_poison(store, err) : ERR_IO;
    }
}

/* A place in the cache for a new statement: a free one, or that of a statement at rest. */
static struct statement *statement_place(struct store *store)
{
    if (store->statement_count < STATEMENTS_MAX)
        return &store->statements[store->statement_count++];
    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        struct statement *s = &store->statements[store->statement_turn++ % STATEMENTS_MAX];
        if (s->stmt && !sqlite3_stmt_busy(s->stmt)) {
            sqlite3_finalize(s->stmt);
            s->stmt = NULL;
            return s;
        }
    }
    return NULL;
}

static sqlite3_stmt *statement_get(struct store *store, const char *sql, struct err *err)
{
    for (size_t i = 0; i < store->statement_count; i++) {
        struct statement *s = &store->statements[i];
        if (s->sql == sql && s->stmt && !sqlite3_stmt_busy(s->stmt))
            return s->stmt;
    }
    struct statement *s = statement_place(store);
    if (!s) {
        err_set(err, ERR_LIMIT, "%s/state.db: more than %d statements under way", store->dir, STATEMENTS_MAX);
        return NULL;
    }
    s->sql = sql;
    int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL);
    if (rc != SQLITE_OK) {
        s->stmt = NULL;
        s->sql = NULL;
        db_fail(store, rc, err);
        return NULL;
    }
    return s->stmt;
}

static sqlite3_stmt *query_list(struct store *store, struct err *err, const char *sql, const char *types, va_list list)
{
    sqlite3_stmt *stmt = statement_get(store, sql, err);
    if (!stmt)
        return NULL;
    int rc = SQLITE_OK;
    for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
        if (types[i] == 'i') {
            rc = sqlite3_bind_int64(stmt, i + 1, va_arg(list, int64_t));
        } else if (types[i] == 's') {
            rc = sqlite3_bind_text(stmt, i + 1, va_arg(list, const char *), -1, SQLITE_STATIC);
        } else {
            struct span value = va_arg(list, struct span);
            if (types[i] == 't')
                rc = sqlite3_bind_text64(stmt, i + 1, value.data ? (const char *)value.data : "", value.len,
                                         SQLITE_STATIC, SQLITE_UTF8);
            else
                rc = sqlite3_bind_blob64(stmt, i + 1, value.data, value.len, SQLITE_STATIC);
        }
    }
    if (rc != SQLITE_OK) {
        db_fail(store, rc, err);
        db_end(stmt);
        return NULL;
    }
    return stmt;
}

sqlite3_stmt *db_query(struct store *store, struct err *err, const char *sql, const char *types, ...)
{
    va_list list;
    va_start(list, types);
    sqlite3_stmt *stmt = query_list(store, err, sql, types, list);
    va_end(list);
    return stmt;
}

int db_step(struct store *store, sqlite3_stmt *stmt, struct err *err)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    return db_fail(store, rc, err);
}

void db_end(sqlite3_stmt *stmt)
{
    if (!stmt) /* it could not be prepared: whoever asked has the error */
        return;
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

int db_run(struct store *store, struct err *err, const char *sql, const char *types, ...)
{
    va_list list;
    va_start(list, types);
    sqlite3_stmt *stmt = query_list(store, err, sql, types, list);
    va_end(list);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    db_end(stmt);
    return rc > 0 ? 0 : rc;
}

int db_snapshot(struct store *store, bool *ret_own, struct err *err)
{
    *ret_own = false;
    if (!sqlite3_get_autocommit(store->db))
        return 0;
    int rc = db_run(store, err, "BEGIN", "");
    *ret_own = rc == 0;
    return rc;
}

void db_snapshot_end(struct store *store)
{
    struct err ignored; /* nothing was written, so there is nothing that could fail to be kept */
    db_run(store, &ignored, "COMMIT", "");
}

int db_int(struct store *store, int64_t *ret, struct err *err, const char *sql, const char *types, ...)
{
    va_list list;
    va_start(list, types);
    sqlite3_stmt *stmt = query_list(store, err, sql, types, list);
    va_end(list);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        *ret = sqlite3_column_int64(stmt, 0);
    db_end(stmt);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "not found");
    return rc < 0 ? rc : 0;
}

int db_exec(struct store *store, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : db_fail(store, rc, err);
}

struct span db_span(sqlite3_stmt *stmt, int column)
{
    const void *data = sqlite3_column_blob(stmt, column);
    return span_of(data, (size_t)sqlite3_column_bytes(stmt, column));
}

void db_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);
    snprintf(out, size, "%s", text ? (const char *)text : "");
}

void db_close(struct store *store)
{
    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_finalize(store->statements[i].stmt);
    store->statement_count = 0;
    if (store->db)
        sqlite3_close(store->db);
    store->db = NULL;
}

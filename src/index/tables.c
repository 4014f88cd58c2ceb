/* The core's small tables: words, cursors, runs of missing payloads. */
#include "index/internal.h"

static int bind_span(sqlite3_stmt *statement, int at, struct span text)
{
    return sqlite3_bind_text64(statement, at, text.len > 0 ? (const char *)text.data : "", text.len, SQLITE_STATIC,
                               SQLITE_UTF8);
}

/* ---- words ---- */

int index_word_find(struct index *index, struct span text, int64_t *ret, struct err *err)
{
    sqlite3_stmt *statement = index_statement(index, "SELECT number FROM word WHERE text = ?1", err);
    if (!statement)
        return err->code;
    bind_span(statement, 1, text);
    int rc = index_step(index, statement, err);
    *ret = rc > 0 ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

int index_word(struct index *index, struct span text, int64_t *ret, struct err *err)
{
    if (text.len == 0) {
        *ret = 0;
        return 0;
    }
    int rc = index_word_find(index, text, ret, err);
    if (rc < 0 || *ret > 0)
        return rc;
    sqlite3_stmt *statement = index_statement(index, "INSERT INTO word(text) VALUES(?1)", err);
    if (!statement)
        return err->code;
    bind_span(statement, 1, text);
    if ((rc = index_run(index, statement, err)) == 0)
        *ret = sqlite3_last_insert_rowid(index->db);
    return rc;
}

/* ---- cursors ---- */

int cursor_get(struct index *index, int64_t number, struct cursor *ret, struct err *err)
{
    sqlite3_stmt *statement =
        index_statement(index, "SELECT entries, payloads, arrived FROM cursor WHERE log = ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, number);
    int rc = index_step(index, statement, err);
    *ret = (struct cursor){0};
    if (rc > 0) {
        ret->entries = (uint64_t)sqlite3_column_int64(statement, 0);
        ret->payloads = (uint64_t)sqlite3_column_int64(statement, 1);
        ret->arrived = (uint64_t)sqlite3_column_int64(statement, 2);
    }
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

int cursor_put(struct index *index, int64_t number, const struct cursor *cursor, struct err *err)
{
    sqlite3_stmt *statement = index_statement(
        index, "INSERT OR REPLACE INTO cursor(log, entries, payloads, arrived) VALUES(?1, ?2, ?3, ?4)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, (int64_t)cursor->entries);
    sqlite3_bind_int64(statement, 3, (int64_t)cursor->payloads);
    sqlite3_bind_int64(statement, 4, (int64_t)cursor->arrived);
    return index_run(index, statement, err);
}

/* ---- runs of missing payloads ---- */

static int run_put(struct index *index, int64_t number, uint64_t first, uint64_t last, struct err *err)
{
    sqlite3_stmt *statement =
        index_statement(index, "INSERT OR REPLACE INTO missing(log, first, last) VALUES(?1, ?2, ?3)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, (int64_t)first);
    sqlite3_bind_int64(statement, 3, (int64_t)last);
    return index_run(index, statement, err);
}

static int run_drop(struct index *index, int64_t number, uint64_t first, struct err *err)
{
    sqlite3_stmt *statement = index_statement(index, "DELETE FROM missing WHERE log = ?1 AND first = ?2", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, (int64_t)first);
    return index_run(index, statement, err);
}

/* The last run that begins at or before `at`. */
static int run_before(struct index *index, int64_t number, uint64_t at, struct missing_run *ret, struct err *err)
{
    sqlite3_stmt *statement = index_statement(
        index, "SELECT first, last FROM missing WHERE log = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, (int64_t)at);
    int rc = index_step(index, statement, err);
    if (rc > 0)
        *ret = (struct missing_run){(uint64_t)sqlite3_column_int64(statement, 0),
                                    (uint64_t)sqlite3_column_int64(statement, 1)};
    sqlite3_reset(statement);
    return rc;
}

int missing_append(struct index *index, int64_t number, uint64_t first, uint64_t last, struct err *err)
{
    struct missing_run before = {0};
    int rc = first > 0 ? run_before(index, number, first - 1, &before, err) : 0;
    if (rc < 0)
        return rc;
    if (rc > 0 && before.last + 1 == first)
        first = before.first;
    return run_put(index, number, first, last, err);
}

int missing_next(struct index *index, int64_t number, uint64_t from, struct missing_run *ret, struct err *err)
{
    int rc = run_before(index, number, from, ret, err);
    if (rc < 0 || (rc > 0 && ret->last >= from))
        return rc;
    sqlite3_stmt *statement = index_statement(
        index, "SELECT first, last FROM missing WHERE log = ?1 AND first > ?2 ORDER BY first LIMIT 1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, (int64_t)from);
    rc = index_step(index, statement, err);
    if (rc > 0)
        *ret = (struct missing_run){(uint64_t)sqlite3_column_int64(statement, 0),
                                    (uint64_t)sqlite3_column_int64(statement, 1)};
    sqlite3_reset(statement);
    return rc;
}

int missing_remove(struct index *index, int64_t number, const struct missing_run *run, uint64_t first, uint64_t last,
                   struct err *err)
{
    int rc = run_drop(index, number, run->first, err);
    if (rc == 0 && first > run->first)
        rc = run_put(index, number, run->first, first - 1, err);
    if (rc == 0 && last < run->last)
        rc = run_put(index, number, last + 1, run->last, err);
    return rc;
}

int missing_insert(struct index *index, int64_t number, uint64_t at, struct err *err)
{
    struct missing_run run = {0};
    int rc = run_before(index, number, at, &run, err);
    if (rc < 0 || (rc > 0 && run.last >= at))
        return rc < 0 ? rc : 0;
    return run_put(index, number, at, at, err);
}

int missing_cut(struct index *index, int64_t number, uint64_t from, struct err *err)
{
    struct missing_run run = {0};
    int rc = missing_next(index, number, from, &run, err);
    if (rc > 0 && run.first < from)
        rc = run_put(index, number, run.first, from - 1, err);
    if (rc < 0)
        return rc;
    sqlite3_stmt *statement = index_statement(index, "DELETE FROM missing WHERE log = ?1 AND first >= ?2", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, (int64_t)from);
    return index_run(index, statement, err);
}

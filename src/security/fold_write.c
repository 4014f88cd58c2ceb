/* The end of a batch: what was collected goes into the tables, sorted by primary key. */
#include "security/fold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH_LEN_MAX 4096

static int cmp_number(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int cmp_object(const void *x, const void *y)
{
    const struct object_row *a = x, *b = y;
    return a->id_hash != b->id_hash ? cmp_number(a->id_hash, b->id_hash) : cmp_number(a->ref, b->ref);
}

static int cmp_ioc(const void *x, const void *y)
{
    const struct ioc_row *a = x, *b = y;
    if (a->type != b->type)
        return a->type - b->type;
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    int order = span_cmp(a->value, b->value);
    return order != 0 ? order : cmp_number(a->ref, b->ref);
}

static int cmp_label(const void *x, const void *y)
{
    const struct label_row *a = x, *b = y;
    int order = span_cmp(a->label, b->label);
    return order != 0 ? order : cmp_number(a->ref, b->ref);
}

static void sort_rows(struct rows *rows, int (*cmp)(const void *, const void *))
{
    if (rows->count > 1)
        qsort(rows->data, rows->count, rows->size, cmp);
}

static void bind_text(sqlite3_stmt *statement, int at, struct span text)
{
    sqlite3_bind_text64(statement, at, (const char *)text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

/* ---- forgetting ---- */

static int forget_rows(struct fold *fold, const char *sql, const struct buf *refs, struct err *err)
{
    sqlite3_stmt *statement = index_statement(fold->index, sql, err);
    if (!statement)
        return err->code;
    bind_text(statement, 1, buf_view(refs));
    return index_run(fold->index, statement, err);
}

/*
 * One pass over each table a batch, however many records are forgotten: an index from refs to rows would cost every
 * record a microsecond so that the rare erasure is quicker (0.3 s a million rows).
 */
static int forget_all(struct fold *fold, struct rows *forgotten, struct err *err)
{
    static const char *const statements[] = {
        "DELETE FROM security_object WHERE ref IN (SELECT value FROM json_each(?1))",
        "DELETE FROM security_ioc WHERE ref IN (SELECT value FROM json_each(?1))",
        "DELETE FROM security_label WHERE ref IN (SELECT value FROM json_each(?1))",
        "DELETE FROM security_text WHERE rowid IN (SELECT value FROM json_each(?1))",
        "DELETE FROM security_text_held WHERE rowid IN (SELECT value FROM json_each(?1))",
    };
    if (forgotten->count == 0)
        return 0;
    struct buf refs;
    buf_init(&refs, forgotten->count * 24 + 16);
    const int64_t *ref = forgotten->data;
    for (size_t i = 0; i < forgotten->count; i++)
        buf_fmt(&refs, "%c%lld", i == 0 ? '[' : ',', (long long)ref[i]);
    buf_byte(&refs, ']');
    int rc = buf_check(&refs, "refs", err);
    for (size_t i = 0; rc == 0 && i < sizeof(statements) / sizeof(statements[0]); i++)
        rc = forget_rows(fold, statements[i], &refs, err);
    buf_done(&refs);
    return rc;
}

/* ---- writing ---- */

/* A statement is bound and run once a row: all its parameters are set each time. */

static int write_objects(struct fold *fold, struct rows *rows, struct err *err)
{
    sort_rows(rows, cmp_object);
    sqlite3_stmt *statement =
        index_statement(fold->index,
                        "INSERT INTO security_object(id_hash, ref, version_ms, type, revoked, valid_until_ms, "
                        "body_hash, shown) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                        err);
    const struct object_row *row = rows->data;
    int rc = statement ? 0 : err->code;
    for (size_t i = 0; rc == 0 && i < rows->count; i++, row++) {
        sqlite3_bind_int64(statement, 1, row->id_hash);
        sqlite3_bind_int64(statement, 2, row->ref);
        sqlite3_bind_int64(statement, 3, row->version_ms);
        sqlite3_bind_int(statement, 4, row->type);
        sqlite3_bind_int(statement, 5, row->revoked);
        if (row->has_valid_until)
            sqlite3_bind_int64(statement, 6, row->valid_until_ms);
        else
            sqlite3_bind_null(statement, 6);
        sqlite3_bind_int64(statement, 7, row->body_hash);
        sqlite3_bind_int(statement, 8, row->shown);
        rc = index_run(fold->index, statement, err);
    }
    return rc;
}

/* A pattern may give a value twice. */
static int write_iocs(struct fold *fold, struct rows *rows, struct err *err)
{
    sort_rows(rows, cmp_ioc);
    sqlite3_stmt *statement = index_statement(
        fold->index, "INSERT OR IGNORE INTO security_ioc(type, value, ref, shown) VALUES(?1, ?2, ?3, ?4)", err);
    const struct ioc_row *row = rows->data;
    int rc = statement ? 0 : err->code;
    for (size_t i = 0; rc == 0 && i < rows->count; i++, row++) {
        sqlite3_bind_int(statement, 1, row->type);
        bind_text(statement, 2, row->value);
        sqlite3_bind_int64(statement, 3, row->ref);
        sqlite3_bind_int(statement, 4, row->shown);
        rc = index_run(fold->index, statement, err);
    }
    return rc;
}

static int write_labels(struct fold *fold, struct rows *rows, struct err *err)
{
    sort_rows(rows, cmp_label);
    sqlite3_stmt *statement =
        index_statement(fold->index, "INSERT OR IGNORE INTO security_label(label, ref) VALUES(?1, ?2)", err);
    const struct label_row *row = rows->data;
    int rc = statement ? 0 : err->code;
    for (size_t i = 0; rc == 0 && i < rows->count; i++, row++) {
        bind_text(statement, 1, row->label);
        sqlite3_bind_int64(statement, 2, row->ref);
        rc = index_run(fold->index, statement, err);
    }
    return rc;
}

static int write_texts(struct fold *fold, struct rows *rows, struct err *err)
{
    const struct text_row *row = rows->data;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < rows->count; i++, row++) {
        const char *sql = row->shown ? "INSERT INTO security_text(rowid, ref, name, words) VALUES(?1, ?1, ?2, ?3)"
                                     : "INSERT INTO security_text_held(rowid, ref, name, words) VALUES(?1, ?1, ?2, ?3)";
        sqlite3_stmt *statement = index_statement(fold->index, sql, err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, row->ref);
        bind_text(statement, 2, row->name);
        bind_text(statement, 3, row->words);
        rc = index_run(fold->index, statement, err);
    }
    return rc;
}

int security_write(struct fold *fold, struct security_fold *state, struct err *err)
{
    int64_t counter;
    bool changed = state->forgotten.count > 0 || state->objects.count > 0;
    int rc = forget_all(fold, &state->forgotten, err);
    if (rc == 0)
        rc = write_objects(fold, &state->objects, err);
    if (rc == 0)
        rc = write_iocs(fold, &state->iocs, err);
    if (rc == 0)
        rc = write_labels(fold, &state->labels, err);
    if (rc == 0)
        rc = write_texts(fold, &state->texts, err);
    if (rc == 0 && changed)
        rc = index_counter(fold->index, INDICATOR_COUNTER, 1, &counter, err);
    state->forgotten.count = state->objects.count = state->iocs.count = 0;
    state->labels.count = state->texts.count = 0;
    return rc;
}

/* ---- erased text ---- */

/* FTS5 of SQLite 3.40 keeps deleted words in its segments until they are merged; the compiled set holds values. */
int security_scrub(struct index *index, struct err *err)
{
    static const char *const statements[] = {
        "INSERT INTO security_text(security_text) VALUES('optimize')",
        "INSERT INTO security_text_held(security_text_held) VALUES('optimize')",
    };
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        sqlite3_stmt *statement = index_statement(index, statements[i], err);
        int rc = statement ? index_run(index, statement, err) : err->code;
        if (rc < 0)
            return rc;
    }
    char path[PATH_LEN_MAX];
    snprintf(path, sizeof(path), "%s/sweep.set", index_dir(index));
    if (unlink(path) < 0 && errno != ENOENT)
        return err_sys(err, "delete %s", path);
    return 0;
}

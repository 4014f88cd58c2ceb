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
 * record a microsecond so that the rare erasure is quicker (0.2 s a million rows).
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

/*
 * Rows go in sixteen at a time while there are as many: 0.59 s a million against 0.82 s one by one, since a statement's
 * beginning and end cost as much as finding a row's place.
 */
#define FOUR(row) row "," row "," row "," row
#define SIXTEEN(row) FOUR(row) "," FOUR(row) "," FOUR(row) "," FOUR(row)
#define MANY 16

/* How rows of a table are written. `bind` sets all of a row's parameters, which begin at number `at`. */
struct writing {
    const char *one, *many;
    int parameters;
    void (*bind)(sqlite3_stmt *statement, int at, const void *row);
};

static int write_rows(struct fold *fold, const struct rows *rows, const struct writing *writing, struct err *err)
{
    sqlite3_stmt *one = index_statement(fold->index, writing->one, err);
    sqlite3_stmt *many = one ? index_statement(fold->index, writing->many, err) : NULL;
    if (!many)
        return err->code;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < rows->count;) {
        size_t count = rows->count - i >= MANY ? MANY : 1;
        sqlite3_stmt *statement = count == MANY ? many : one;
        for (size_t k = 0; k < count; k++, i++)
            writing->bind(statement, 1 + (int)k * writing->parameters, (const char *)rows->data + i * rows->size);
        rc = index_run(fold->index, statement, err);
    }
    return rc;
}

static void bind_object(sqlite3_stmt *statement, int at, const void *data)
{
    const struct object_row *row = data;
    sqlite3_bind_int64(statement, at, row->id_hash);
    sqlite3_bind_int64(statement, at + 1, row->ref);
    sqlite3_bind_int64(statement, at + 2, row->version_ms);
    sqlite3_bind_int(statement, at + 3, row->type);
    sqlite3_bind_int(statement, at + 4, row->revoked);
    if (row->has_valid_until)
        sqlite3_bind_int64(statement, at + 5, row->valid_until_ms);
    else
        sqlite3_bind_null(statement, at + 5);
    sqlite3_bind_int64(statement, at + 6, row->body_hash);
    sqlite3_bind_int(statement, at + 7, row->shown);
    if (row->has_score)
        sqlite3_bind_int(statement, at + 8, row->score);
    else
        sqlite3_bind_null(statement, at + 8);
}

static void bind_ioc(sqlite3_stmt *statement, int at, const void *data)
{
    const struct ioc_row *row = data;
    sqlite3_bind_int(statement, at, row->type);
    bind_text(statement, at + 1, row->value);
    sqlite3_bind_int64(statement, at + 2, row->ref);
    sqlite3_bind_int(statement, at + 3, row->shown);
}

static void bind_label(sqlite3_stmt *statement, int at, const void *data)
{
    const struct label_row *row = data;
    bind_text(statement, at, row->label);
    sqlite3_bind_int64(statement, at + 1, row->ref);
}

#define INSERT_OBJECT                                                                                                  \
    "INSERT INTO security_object(id_hash, ref, version_ms, type, revoked, valid_until_ms, body_hash, shown, score) "   \
    "VALUES"
#define OBJECT_ROW "(?,?,?,?,?,?,?,?,?)"
/* A pattern may give a value twice, an object may repeat a label. */
#define INSERT_IOC "INSERT OR IGNORE INTO security_ioc(type, value, ref, shown) VALUES"
#define IOC_ROW "(?,?,?,?)"
#define INSERT_LABEL "INSERT OR IGNORE INTO security_label(label, ref) VALUES"
#define LABEL_ROW "(?,?)"

static const struct writing object_writing = {INSERT_OBJECT OBJECT_ROW, INSERT_OBJECT SIXTEEN(OBJECT_ROW), 9,
                                              bind_object},
                            ioc_writing = {INSERT_IOC IOC_ROW, INSERT_IOC SIXTEEN(IOC_ROW), 4, bind_ioc},
                            label_writing = {INSERT_LABEL LABEL_ROW, INSERT_LABEL SIXTEEN(LABEL_ROW), 2, bind_label};

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
    sort_rows(&state->objects, cmp_object);
    sort_rows(&state->iocs, cmp_ioc);
    sort_rows(&state->labels, cmp_label);
    if (rc == 0)
        rc = write_rows(fold, &state->objects, &object_writing, err);
    if (rc == 0)
        rc = write_rows(fold, &state->iocs, &ioc_writing, err);
    if (rc == 0)
        rc = write_rows(fold, &state->labels, &label_writing, err);
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

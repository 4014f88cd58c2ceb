/* A small capability for tests: `test/text` records, a row each; bodies that begin with "bad" it refuses. */
#ifndef TONGZHOU_TESTS_INDEX_WORDS_H
#define TONGZHOU_TESTS_INDEX_WORDS_H

#include "index/view.h"
#include "state/node.h"

static const struct kind words_kinds[] = {{.name = "test/text"}};
static const char *const words_tables[] = {"test_text", NULL};
static unsigned words_flushes, words_scrubs;

static int words_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct span body = record->record->body;
    if (span_starts(body, SPAN_LIT("bad")))
        return err_set(err, ERR_SYNTAX, "bad");
    sqlite3_stmt *statement = index_statement(fold->index, "INSERT INTO test_text(ref, body) VALUES(?1, ?2)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, record->ref);
    sqlite3_bind_text64(statement, 2, (const char *)body.data, body.len, SQLITE_STATIC, SQLITE_UTF8);
    return index_run(fold->index, statement, err);
}

static int words_forget(struct fold *fold, int64_t ref, struct err *err)
{
    sqlite3_stmt *statement = index_statement(fold->index, "DELETE FROM test_text WHERE ref = ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, ref);
    return index_run(fold->index, statement, err);
}

static int words_flush(struct fold *fold, struct err *err)
{
    (void)fold;
    (void)err;
    words_flushes++;
    return 0;
}

static int words_scrub(struct index *index, struct err *err)
{
    (void)index;
    (void)err;
    words_scrubs++;
    return 0;
}

static void words_title(const struct record *record, struct arena *arena, struct buf *out)
{
    (void)arena;
    buf_str(out, "text: ");
    buf_span(out, span_sub(record->body, 0, 20));
}

static const struct capability words_capability = {
    .name = "test",
    .kinds = words_kinds,
    .kind_count = 1,
    .schema = "CREATE TABLE IF NOT EXISTS test_text(ref INTEGER PRIMARY KEY, body TEXT NOT NULL);",
    .tables = words_tables,
    .apply = words_apply,
    .forget = words_forget,
    .flush = words_flush,
    .scrub = words_scrub,
    .title = words_title,
};

const struct capability *const capabilities[] = {&words_capability, NULL};

static inline int64_t sql_number(struct index *index, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(index_db(index), sql, -1, &statement, NULL), SQLITE_OK);
    int64_t number = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return number;
}

static inline struct index *index_of(const struct node *node)
{
    struct index *index = NULL;
    good(index_open(node->dir, &index, &err));
    return index;
}

static inline uint64_t update(struct index *index, struct store *store)
{
    uint64_t folded;
    good(index_update(index, store, 0, &folded, &err));
    return folded;
}

#endif

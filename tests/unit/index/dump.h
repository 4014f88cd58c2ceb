/* The tables of an index as text that does not depend on this node: origins for numbers, lines sorted. */
#ifndef TONGZHOU_TESTS_INDEX_DUMP_H
#define TONGZHOU_TESTS_INDEX_DUMP_H

#include "index/index.h"
#include "state/node.h"

struct dump_lines {
    char **line;
    size_t count, cap;
};

static inline void dump_value(FILE *out, struct store *store, sqlite3_stmt *statement, int column)
{
    const char *name = sqlite3_column_name(statement, column);
    if (strncmp(name, "arrival_", 8) == 0)
        return;
    fprintf(out, " %s=", name);
    if (strcmp(name, "ref") == 0) {
        struct log_info log;
        int64_t ref = sqlite3_column_int64(statement, column);
        good(store_log(store, RECORD_REF_LOG(ref), &log, &err));
        fprintf(out, "%s/%llu", log.origin, (unsigned long long)RECORD_REF_INDEX(ref));
    } else if (sqlite3_column_type(statement, column) == SQLITE_NULL) {
        fprintf(out, "NULL");
    } else {
        fprintf(out, "%s", (const char *)sqlite3_column_text(statement, column));
    }
}

static inline void dump_query(struct dump_lines *lines, struct index *index, struct store *store, const char *table,
                              const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(index_db(index), sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        char *line = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&line, &len);
        assert_non_null(out);
        fprintf(out, "%s:", table);
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            dump_value(out, store, statement, i);
        fprintf(out, "\n");
        fclose(out);
        if (lines->count == lines->cap) {
            lines->cap = lines->cap ? 2 * lines->cap : 256;
            lines->line = realloc(lines->line, lines->cap * sizeof(*lines->line));
            assert_non_null(lines->line);
        }
        lines->line[lines->count++] = line;
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

static inline int dump_cmp(const void *x, const void *y)
{
    const char *const *a = x, *const *b = y;
    return strcmp(*a, *b);
}

/* The core's record table and every table of every capability. The caller frees. */
static inline char *dump_index(struct index *index, struct store *store)
{
    struct dump_lines lines = {0};
    dump_query(&lines, index, store, "record",
               "SELECT ref, (SELECT text FROM word WHERE number = kind) AS kind, time_ms, tlp, "
               "(SELECT text FROM word WHERE number = lang) AS lang, (SELECT text FROM word WHERE number = type) AS "
               "type, bytes, is_inline, shown, folded FROM record");
    for (size_t i = 0; capabilities[i]; i++) {
        for (size_t k = 0; capabilities[i]->tables[k]; k++) {
            char sql[128];
            snprintf(sql, sizeof(sql), "SELECT * FROM %s", capabilities[i]->tables[k]);
            dump_query(&lines, index, store, capabilities[i]->tables[k], sql);
        }
    }
    if (lines.count > 0)
        qsort(lines.line, lines.count, sizeof(*lines.line), dump_cmp);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    for (size_t i = 0; i < lines.count; i++) {
        fputs(lines.line[i], out);
        free(lines.line[i]);
    }
    fclose(out);
    free(lines.line);
    return text;
}

static inline void dump_equal(struct index *a, struct store *store_a, struct index *b, struct store *store_b)
{
    char *left = dump_index(a, store_a), *right = dump_index(b, store_b);
    if (strcmp(left, right) != 0)
        fail_msg("tables differ:\n%s---\n%s", left, right);
    free(left);
    free(right);
}

#endif

#include "index/news.h"

#include <stdio.h>

#include "index/internal.h"

#define COUNTER "news"
#define KEY_A "news-key-a"
#define KEY_B "news-key-b"

#define RUN_MAX (NEWS_MAX / 16) /* records after which a run is not made longer */

static int add_run(struct index *index, int64_t number, int64_t ref, int64_t count, struct err *err)
{
    sqlite3_stmt *statement = index_statement(index, "INSERT INTO news(number, ref, count) VALUES(?1, ?2, ?3)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, ref);
    sqlite3_bind_int64(statement, 3, count);
    return index_run(index, statement, err);
}

/* The last run goes on with these. */
static int extend_run(struct index *index, int64_t number, int64_t count, struct err *err)
{
    sqlite3_stmt *statement = index_statement(index, "UPDATE news SET count = count + ?2 WHERE number = ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, count);
    return index_run(index, statement, err);
}

struct news_run {
    int64_t number, ref, count;
};

/* The run that holds `number`, or the last one before it: 1, or 0. */
static int run_at(struct index *index, int64_t number, struct news_run *ret, struct err *err)
{
    sqlite3_stmt *statement = index_statement(
        index, "SELECT number, ref, count FROM news WHERE number <= ?1 ORDER BY number DESC LIMIT 1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, number);
    int rc = index_step(index, statement, err);
    if (rc > 0)
        *ret = (struct news_run){sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1),
                                 sqlite3_column_int64(statement, 2)};
    sqlite3_reset(statement);
    return rc;
}

static int prune(struct index *index, int64_t end, struct err *err)
{
    sqlite3_stmt *statement = index_statement(index, "DELETE FROM news WHERE number <= ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, end - NEWS_MAX - RUN_MAX); /* so it ends before the last NEWS_MAX */
    return index_run(index, statement, err);
}

static int make_key(struct index *index, struct err *err)
{
    int64_t value;
    int rc = index_counter(index, KEY_A, 0, &value, err);
    if (rc == 0 && value == 0)
        rc = index_counter(index, KEY_A, 1, &value, err);
    if (rc == 0)
        rc = index_counter(index, KEY_B, 0, &value, err);
    return rc == 0 && value == 0 ? index_counter(index, KEY_B, 1, &value, err) : rc;
}

int news_add(struct index *index, const int64_t *refs, size_t count, struct err *err)
{
    struct news_run last = {0};
    int64_t begin;
    int rc = index_counter(index, COUNTER, 0, &begin, err);
    if (rc == 0 && begin == 0 && (rc = make_key(index, err)) == 0)
        rc = index_counter(index, COUNTER, 1, &begin, err); /* somewhere */
    if (rc == 0)
        rc = run_at(index, begin, &last, err);
    for (size_t i = 0; rc >= 0 && i < count;) {
        size_t n = 1;
        while (i + n < count && refs[i + n] == refs[i] + (int64_t)n)
            n++;
        if (last.count > 0 && last.number + last.count == begin && last.ref + last.count == refs[i] &&
            last.count + (int64_t)n <= RUN_MAX) {
            rc = extend_run(index, last.number, (int64_t)n, err);
            last.count += (int64_t)n;
        } else {
            last = (struct news_run){begin, refs[i], (int64_t)n};
            rc = add_run(index, begin, refs[i], (int64_t)n, err);
        }
        begin += (int64_t)n;
        i += n;
    }
    if (rc >= 0)
        rc = index_counter(index, COUNTER, (int64_t)count, &begin, err);
    return rc < 0 ? rc : prune(index, begin, err);
}

int news_range(struct index *index, int64_t *ret_first, int64_t *ret_end, struct err *err)
{
    int rc = index_counter(index, COUNTER, 0, ret_end, err);
    sqlite3_stmt *statement = rc < 0 ? NULL : index_statement(index, "SELECT min(number) FROM news", err);
    if (!statement)
        return err->code;
    rc = index_step(index, statement, err);
    *ret_first =
        rc > 0 && sqlite3_column_type(statement, 0) == SQLITE_INTEGER ? sqlite3_column_int64(statement, 0) : *ret_end;
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

int news_read(struct index *index, int64_t number, int64_t *ret_refs, size_t max, size_t *ret_count, struct err *err)
{
    struct news_run run;
    int rc = 0;
    *ret_count = 0;
    while (*ret_count < max && (rc = run_at(index, number, &run, err)) > 0 && number < run.number + run.count)
        for (; *ret_count < max && number < run.number + run.count; number++)
            ret_refs[(*ret_count)++] = run.ref + (number - run.number);
    return rc < 0 ? rc : 0;
}

int news_about(struct index *index, int64_t ref, struct news_about *ret, struct err *err)
{
    sqlite3_stmt *statement = index_statement(
        index, "SELECT text, tlp, time_ms FROM record LEFT JOIN word ON word.number = kind WHERE ref = ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, ref);
    int rc = index_step(index, statement, err);
    if (rc > 0) {
        const char *kind = (const char *)sqlite3_column_text(statement, 0);
        snprintf(ret->kind, sizeof(ret->kind), "%s", kind ? kind : "");
        ret->tlp = (enum tlp)sqlite3_column_int(statement, 1);
        ret->time_ms = sqlite3_column_int64(statement, 2);
    }
    sqlite3_reset(statement);
    return rc;
}

int news_key(struct index *index, uint8_t ret[SCRAMBLE_KEY], struct err *err)
{
    int64_t halves[2];
    int rc = index_counter(index, KEY_A, 0, &halves[0], err);
    if (rc == 0)
        rc = index_counter(index, KEY_B, 0, &halves[1], err);
    if (rc == 0 && (halves[0] == 0 || halves[1] == 0))
        return err_set(err, ERR_NOTFOUND, "nothing was folded yet");
    memcpy(ret, halves, SCRAMBLE_KEY);
    return rc;
}

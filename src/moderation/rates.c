#include <stdio.h>
#include <stdlib.h>

#include "moderation/moderation.h"

#define LANGUAGES_MAX 1000 /* that are told apart; anybody may make up languages */
#define LANGUAGES_MORE "…" /* what all others count for */

struct row {
    int64_t log;
    char name[ORIGIN_MAX + 1];
    struct rate rate;
};

struct rates {
    const struct view *view;
    bool by_language, inside;
    struct row *rows;
    size_t count, cap;
};

static int row_of(struct rates *r, int64_t log, const char *lang, struct row **ret, struct err *err)
{
    for (size_t i = r->count; i > 0; i--) { /* what comes is sorted: the last is nearly always the one */
        struct row *row = &r->rows[i - 1];
        if (r->by_language ? strcmp(row->name, lang) == 0 : row->log == log) {
            *ret = row;
            return 0;
        }
    }
    if (r->by_language && r->count >= LANGUAGES_MAX && strcmp(lang, LANGUAGES_MORE) != 0)
        return row_of(r, log, LANGUAGES_MORE, ret, err);
    if (r->count == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 64;
        struct row *grown = reallocarray(r->rows, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        r->rows = grown;
        r->cap = cap;
    }
    struct row *row = &r->rows[r->count++];
    *row = (struct row){.log = log};
    snprintf(row->name, sizeof(row->name), "%s", r->by_language ? lang : "");
    *ret = row;
    return 0;
}

/* ---- what was decided ---- */

static int add_verdicts(void *ctx, const struct verdict_sum *sum, struct err *err)
{
    struct rates *r = ctx;
    struct row *row;
    uint64_t count = r->inside ? sum->count : sum->clear;
    int rc = count > 0 ? row_of(r, sum->log, sum->lang, &row, err) : 0;
    if (rc < 0 || count == 0)
        return rc;
    if (sum->act == POLICY_HOLD)
        row->rate.held += count;
    else if (sum->by_person)
        row->rate.by_person += count;
    else
        row->rate.by_rule += count;
    return 0;
}

/* ---- what is here ---- */

static int add_here(struct rates *r, int64_t log, const char *lang, uint64_t count, struct err *err)
{
    struct row *row;
    struct log_info info;
    struct err none = {0};
    int rc = view_log_by_number(r->view, log, &info, &none);
    if (rc < 0)
        return rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", none.text);
    if (info.role == LOG_OWN || info.role == LOG_LOCAL) /* nobody decides about what lives here */
        return 0;
    rc = row_of(r, log, lang, &row, err);
    if (rc == 0)
        row->rate.here += count;
    return rc;
}

static int read_here(struct rates *r, struct err *err)
{
    static const char origins[] = "SELECT ref >> 40, '', count(*), sum(shown) FROM record WHERE is_inline = 0"
                                  " GROUP BY 1";
    static const char languages[] = "SELECT ref >> 40, coalesce(w.text, ''), count(*), sum(shown) FROM record r"
                                    " LEFT JOIN word w ON w.number = r.lang WHERE is_inline = 0 GROUP BY 1, 2";
    sqlite3_stmt *statement = index_statement(r->view->index, r->by_language ? languages : origins, err);
    if (!statement)
        return err->code;
    int rc;
    while ((rc = index_step(r->view->index, statement, err)) > 0) {
        uint64_t count = (uint64_t)sqlite3_column_int64(statement, r->inside ? 2 : 3);
        char lang[MEMBER_WORD_MAX + 1];
        snprintf(lang, sizeof(lang), "%s", (const char *)sqlite3_column_text(statement, 1));
        rc = count > 0 ? add_here(r, sqlite3_column_int64(statement, 0), lang, count, err) : 0;
        if (rc < 0)
            break;
    }
    sqlite3_reset(statement);
    return rc;
}

/* ---- telling ---- */

/* Names of logs that the viewer may know of; others go. */
static int name_origins(struct rates *r, struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct log_info log;
        struct err none = {0};
        int rc = view_log_by_number(r->view, r->rows[i].log, &log, &none);
        if (rc < 0 && rc != ERR_NOTFOUND)
            return err_set(err, rc, "%s", none.text);
        if (rc < 0)
            continue;
        r->rows[kept] = r->rows[i];
        snprintf(r->rows[kept].name, sizeof(r->rows[kept].name), "%s", log.origin);
        kept++;
    }
    r->count = kept;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

int rates_each(const struct view *view, bool by_language,
               int (*each)(void *ctx, const struct rate *rate, struct err *err), void *ctx, struct err *err)
{
    struct rates r = {.view = view, .by_language = by_language, .inside = view_is_of_operator(view)};
    int rc = verdict_sums(view->store, add_verdicts, &r, err);
    if (rc == 0)
        rc = read_here(&r, err);
    if (rc == 0 && !by_language)
        rc = name_origins(&r, err);
    if (rc == 0 && r.count > 1)
        qsort(r.rows, r.count, sizeof(*r.rows), by_name);
    for (size_t i = 0; i < r.count && rc == 0; i++) {
        r.rows[i].rate.name = r.rows[i].name;
        rc = each(ctx, &r.rows[i].rate, err);
    }
    free(r.rows);
    return rc;
}

unsigned rate_refused(const struct rate *rate)
{
    uint64_t refused = rate->by_rule + rate->by_person, all = rate->here + rate->held + refused;
    return all > 0 ? (unsigned)(refused * 1000 / all) : 0;
}

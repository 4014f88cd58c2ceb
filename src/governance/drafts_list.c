/* All lists that are offered or adopted; and one by its name. */
#include <stdio.h>
#include <stdlib.h>

#include "base/sha256.h"
#include "base/utf8.h"
#include "governance/drafts.h"
#include "governance/fold.h"

/* A line, and what the viewer must not learn of: it only keeps what is adopted from counting as withdrawn. */
struct row {
    struct draft_line line;
    bool unseen;
};

struct listing {
    const struct view *view;
    struct row *rows;
    size_t count, cap;
    uint64_t hidden;
};

static int add_row(struct listing *all, const struct draft_line *line, bool unseen, struct err *err)
{
    if (all->count == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 64;
        struct row *rows = reallocarray(all->rows, cap, sizeof(*rows));
        if (!rows)
            return err_memory(err);
        all->rows = rows;
        all->cap = cap;
    }
    all->rows[all->count++] = (struct row){*line, unseen};
    return 0;
}

/* ---- what logs offer ---- */

/* The next name behind this one, of this source or one behind it: 1, or 0 at the end. By the index, whatever one source has said. */
static int next_address(const struct view *view, struct list_address *io, struct err *err)
{
    sqlite3_stmt *query = governance_sql(view->index,
                                         "SELECT origin, name FROM governance_list WHERE (origin, name) > (?1, ?2)"
                                         " ORDER BY origin, name LIMIT 1",
                                         SQL_VALUES(SQL_T(span_str(io->source)), SQL_T(span_str(io->name))), err);
    if (!query)
        return err->code;
    int rc = index_step(view->index, query, err);
    if (rc > 0) {
        struct list_address next = {0};
        snprintf(next.source, sizeof(next.source), "%s", (const char *)sqlite3_column_text(query, 0));
        snprintf(next.name, sizeof(next.name), "%s", (const char *)sqlite3_column_text(query, 1));
        *io = next;
    }
    sqlite3_reset(query);
    return rc;
}

static int add_newest(struct listing *all, const struct list_address *address, struct err *err)
{
    struct draft_line line;
    int rc = drafts_newest(all->view, address, &line, err);
    return rc < 0 ? rc : add_row(all, &line, !view_sees_ref(all->view, line.ref), err);
}

static int add_published(struct listing *all, struct err *err)
{
    struct list_address at = {0};
    char source[LIST_SOURCE_MAX + 1] = "";
    unsigned of_one = 0;
    int rc;
    while ((rc = next_address(all->view, &at, err)) > 0) {
        of_one = strcmp(source, at.source) == 0 ? of_one + 1 : 1;
        memcpy(source, at.source, sizeof(source));
        if (of_one > DRAFTS_OF_ONE || all->count >= DRAFTS_MAX) {
            all->hidden++;
            memcpy(at.name, "~", 2); /* behind all its names */
        } else if ((rc = add_newest(all, &at, err)) < 0) {
            break;
        }
    }
    return rc;
}

/* ---- files ---- */

static int add_file(void *ctx, const char *name, struct span body, int64_t time_ms, struct err *err)
{
    struct draft_line line = {.address.source = LIST_FILE_SOURCE, .time_ms = time_ms};
    struct arena arena;
    struct list list;
    arena_init(&arena, 4 * LIST_BODY_MAX);
    int rc = list_parse_body(body, &arena, &list, err);
    line.items = rc == 0 ? list.count : 0;
    arena_done(&arena);
    snprintf(line.address.name, sizeof(line.address.name), "%s", name);
    sha256_once(body, line.version);
    return rc == 0 ? add_row(ctx, &line, false, err) : rc;
}

/* ---- what is adopted ---- */

static int by_address(const void *x, const void *y)
{
    const struct list_address *a = &((const struct row *)x)->line.address, *b = &((const struct row *)y)->line.address;
    int order = strcmp(a->source, b->source);
    return order ? order : strcmp(a->name, b->name);
}

/* One that stands not among the lines: left out above, or offered no more. */
static int add_unlisted(struct listing *all, const struct list_word *word, uint64_t items, struct err *err)
{
    struct list_word last;
    struct err none = {0};
    struct draft_line line = {.address = word->address, .adopted = items};
    if (strcmp(word->address.source, LIST_FILE_SOURCE) != 0) {
        int rc = add_newest(all, &word->address, &none);
        if (rc == 0)
            all->rows[all->count - 1].line.adopted = items;
        if (rc != ERR_NOTFOUND)
            return rc < 0 ? err_set(err, rc, "%s", none.text) : 0;
    }
    int rc = lists_word(all->view->store, &word->address, &last, err);
    if (rc == 0)
        rc = drafts_gone(all->view, last.ref, &line.state, err);
    return rc < 0 ? rc : add_row(all, &line, false, err);
}

struct adopting {
    struct listing *all;
    size_t sorted; /* so many rows are sorted */
};

static int add_adopted(void *ctx, const struct list_word *word, uint64_t items, struct err *err)
{
    struct adopting *adopting = ctx;
    struct row wanted = {.line.address = word->address};
    struct row *found = adopting->sorted > 0
                            ? bsearch(&wanted, adopting->all->rows, adopting->sorted, sizeof(wanted), by_address)
                            : NULL;
    if (!found)
        return add_unlisted(adopting->all, word, items, err);
    found->line.adopted = items;
    return 0;
}

/* ---- all ---- */

static bool is_own(const struct view *view, const char *source)
{
    struct log_info log;
    struct err absent = {0};
    return store_log_by_origin(view->store, span_str(source), &log, &absent) == 0 &&
           (log.role == LOG_OWN || log.role == LOG_LOCAL);
}

/* Has somebody spoken about the version that is offered? */
static int complete(const struct view *view, struct draft_line *line, struct err *err)
{
    struct list_word word;
    struct err none = {0};
    int rc = lists_word(view->store, &line->address, &word, &none);
    line->spoken = rc == 0 && memcmp(word.version, line->version, 32) == 0;
    line->own = is_own(view, line->address.source);
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", none.text);
}

static void sort(struct listing *all)
{
    if (all->count > 1)
        qsort(all->rows, all->count, sizeof(*all->rows), by_address);
}

int drafts_list(const struct view *view, int (*each)(void *ctx, const struct draft_line *line, struct err *err),
                void *ctx, uint64_t *ret_hidden, struct err *err)
{
    struct listing all = {.view = view};
    int rc = add_published(&all, err);
    if (rc == 0)
        rc = lists_files(view->store, NULL, add_file, &all, err);
    sort(&all);
    struct adopting adopting = {&all, all.count};
    if (rc == 0)
        rc = lists_adopted(view->store, add_adopted, &adopting, err);
    sort(&all);
    for (size_t i = 0; i < all.count && rc == 0; i++) {
        if (all.rows[i].unseen)
            continue;
        rc = complete(view, &all.rows[i].line, err);
        if (rc == 0)
            rc = each(ctx, &all.rows[i].line, err);
    }
    *ret_hidden = all.hidden;
    free(all.rows);
    return rc;
}

/* ---- by name ---- */

struct named {
    struct span name;
    struct list_address *found;
    size_t count;
};

static int match(void *ctx, const struct draft_line *line, struct err *err)
{
    struct named *named = ctx;
    (void)err;
    if (span_is(named->name, line->address.name)) {
        *named->found = line->address;
        named->count++;
    }
    return 0;
}

int drafts_find(const struct view *view, struct span text, struct list_address *ret, struct err *err)
{
    struct named named = {.name = text, .found = ret};
    uint64_t hidden;
    char shown[300];
    if (list_address_parse(text, ret))
        return 0;
    int rc = drafts_list(view, match, &named, &hidden, err);
    if (rc < 0)
        return rc;
    text_escape_into(shown, sizeof(shown), text);
    if (named.count == 0)
        return err_set(err, ERR_NOTFOUND, "%s: no such list here; `tongzhou list drafts --all` shows them", shown);
    if (named.count > 1)
        return err_set(err, ERR_USAGE, "%s: several have a list of that name: say whose, as ORIGIN#%s", shown, shown);
    return 0;
}

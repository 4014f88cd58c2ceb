/* Search as one types. */
#include "security/query.h"

#include <stdio.h>

#define SEARCH_TEXT_MAX 512 /* bytes of a question */
#define SEARCH_WORDS_MAX 16 /* words of it that are looked for in texts */
#define VALUE_CHOICES 64    /* records about one value among which its row is chosen */
#define VALUE_REPORTERS 16  /* rows of one value; its own page has all */
#define LABEL_CHOICES 16    /* labels that begin with what was typed */

/* What is on the result list already. */
struct shown_value {
    enum ioc_type type;
    struct span value;
};

struct search {
    struct asker asker;
    size_t max, given;
    int (*each)(void *ctx, const struct intel_row *row, struct err *err);
    void *ctx;
    struct shown_value values[SEARCH_RESULTS_MAX];
    size_t value_count;
    int64_t refs[SEARCH_RESULTS_MAX];
    size_t ref_count;
    struct span typed, lower; /* without spaces around; ASCII letters in lower case, dots no longer defanged */
};

static bool is_full(const struct search *s)
{
    return s->given >= s->max;
}

static bool ref_is_shown(const struct search *s, int64_t ref)
{
    for (size_t i = 0; i < s->ref_count; i++)
        if (s->refs[i] == ref)
            return true;
    return false;
}

static bool value_is_shown(const struct search *s, enum ioc_type type, struct span value)
{
    for (size_t i = 0; i < s->value_count; i++)
        if (s->values[i].type == type && span_eq(s->values[i].value, value))
            return true;
    return false;
}

static int give(struct search *s, const struct intel_row *row, struct err *err)
{
    if (s->ref_count < SEARCH_RESULTS_MAX)
        s->refs[s->ref_count++] = row->ref;
    if (row->ioc_type != IOC_NONE && s->value_count < SEARCH_RESULTS_MAX) {
        struct span value = arena_copy(&s->asker.arena, span_str(row->value));
        if (!value.data)
            return err_memory(err);
        s->values[s->value_count++] = (struct shown_value){row->ioc_type, value};
    }
    s->given++;
    return s->each(s->ctx, row, err);
}

/* ---- values ---- */

/* A reporter whose row for the present value was given? */
static bool origin_is_given(const struct found_list *given, const char *origin)
{
    for (size_t i = 0; i < given->count; i++)
        if (strcmp(given->items[i].origin, origin) == 0)
            return true;
    return false;
}

/* Of each reporter the first report, in canonical order: those that still hold, or all if none does. */
static int give_value(struct search *s, enum ioc_type type, struct span value, struct err *err)
{
    if (is_full(s) || value.len == 0 || value_is_shown(s, type, value))
        return 0;
    struct found_list list = {0};
    struct found reporters[VALUE_REPORTERS];
    struct found_list given = {.items = reporters};
    int rc = asker_value(&s->asker, type, value, VALUE_CHOICES, &list, err);
    for (int pass = 0; rc == 0 && pass < 2 && given.count == 0; pass++) {
        for (size_t i = 0; rc == 0 && i < list.count && given.count < VALUE_REPORTERS && !is_full(s); i++) {
            struct intel_row row;
            if (origin_is_given(&given, list.items[i].origin))
                continue;
            if ((rc = asker_row(&s->asker, &list.items[i], type, value, &row, err)) <= 0)
                continue;
            bool wanted = row.current || pass > 0;
            rc = wanted ? give(s, &row, err) : 0;
            if (wanted)
                reporters[given.count++] = list.items[i];
        }
    }
    return rc;
}

static int give_domains_above(struct search *s, struct span name, struct err *err)
{
    int rc = 0;
    for (size_t dot = span_find(name, '.'); rc == 0 && dot < name.len; dot = span_find(name, '.')) {
        name = span_sub(name, dot + 1, name.len);
        if (span_find(name, '.') < name.len)
            rc = give_value(s, IOC_DOMAIN, name, err);
    }
    return rc;
}

/* The networks that hold an address, longest prefix first. */
static int give_networks(struct search *s, enum ioc_type type, struct span address, struct err *err)
{
    struct buf network;
    buf_init(&network, SWEEP_TOKEN_MAX);
    int rc = 0;
    for (int bits = type == IOC_IPV4 ? 31 : 127; rc == 0 && bits >= 8; bits--) {
        char text[96];
        enum ioc_type found;
        struct err ignored;
        int len = snprintf(text, sizeof(text), "%.*s/%d", SPAN_ARGS(address), bits);
        if (ioc_canonical(type, span_of(text, (size_t)len), &network, &found, &ignored) == 0)
            rc = give_value(s, type, buf_view(&network), err);
    }
    buf_done(&network);
    return rc;
}

/* What the question is, taken as one value, and what stands above it. */
static int search_exact(struct search *s, struct err *err)
{
    struct buf value;
    enum ioc_type type;
    struct err ignored;
    buf_init(&value, SWEEP_TOKEN_MAX);
    int rc = 0;
    if (ioc_canonical(IOC_NONE, s->typed, &value, &type, &ignored) == 0) {
        struct span v = buf_view(&value);
        rc = give_value(s, type, v, err);
        if (rc == 0 && type == IOC_DOMAIN)
            rc = give_domains_above(s, v, err);
        if (rc == 0 && (type == IOC_IPV4 || type == IOC_IPV6) && span_find(v, '/') == v.len)
            rc = give_networks(s, type, v, err);
        if (rc == 0 && type == IOC_URL) {
            struct span host = span_sub(v, 0, span_find(v, '/'));
            host = span_sub(host, 0, span_find(host, ':'));
            if ((rc = give_value(s, IOC_DOMAIN, host, err)) == 0 && (rc = give_domains_above(s, host, err)) == 0)
                rc = give_value(s, IOC_IPV4, host, err);
        }
    }
    buf_done(&value);
    return rc;
}

/* The next value of a type that begins with the prefix: 1, or 0 at the end. */
static int next_value(struct search *s, enum ioc_type type, struct span prefix, struct span after, struct buf *out,
                      struct err *err)
{
    struct index *index = s->asker.view->index;
    sqlite3_stmt *statement = index_statement(
        index, "SELECT value FROM security_ioc WHERE type = ?1 AND value > ?2 ORDER BY value LIMIT 1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int(statement, 1, (int)type);
    sqlite3_bind_text64(statement, 2, (const char *)after.data, after.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    int rc = index_step(index, statement, err);
    if (rc > 0) {
        struct span value = span_of(sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
        rc = span_starts(value, prefix);
        buf_clear(out);
        buf_span(out, value);
    }
    sqlite3_reset(statement);
    return rc < 0 ? rc : buf_check(out, "value", err) < 0 ? err->code : rc;
}

/* Values that nobody may see are passed over, but not without end. */
#define PREFIX_STEPS (4 * (size_t)SEARCH_RESULTS_MAX)

static int search_prefix_type(struct search *s, enum ioc_type type, struct err *err)
{
    struct buf value;
    buf_init(&value, 2 * (size_t)SWEEP_TOKEN_MAX);
    buf_span(&value, s->lower);
    int rc = give_value(s, type, s->lower, err);
    for (size_t step = 0; rc == 0 && step < PREFIX_STEPS && !is_full(s); step++) {
        struct span after = arena_copy(&s->asker.arena, buf_view(&value));
        if (!after.data)
            rc = err_memory(err);
        else if ((rc = next_value(s, type, s->lower, after, &value, err)) <= 0)
            break;
        else
            rc = give_value(s, type, buf_view(&value), err);
    }
    buf_done(&value);
    return rc;
}

static int search_prefix(struct search *s, struct err *err)
{
    int rc = 0;
    if (s->lower.len < 2 || span_find(s->lower, ' ') < s->lower.len)
        return 0;
    for (int type = IOC_NONE + 1; rc == 0 && type < IOC_TYPES && !is_full(s); type++)
        rc = search_prefix_type(s, (enum ioc_type)type, err);
    return rc;
}

/* ---- objects ---- */

static int give_list(struct search *s, struct found_list *list, struct err *err)
{
    int rc = 0;
    found_sort(list);
    for (size_t i = 0; rc == 0 && i < list->count && !is_full(s); i++) {
        struct intel_row row;
        if (ref_is_shown(s, list->items[i].ref))
            continue;
        if ((rc = asker_row(&s->asker, &list->items[i], IOC_NONE, (struct span){0}, &row, err)) <= 0)
            continue;
        bool shown = row.ioc_type != IOC_NONE && value_is_shown(s, row.ioc_type, span_str(row.value));
        rc = shown || row.superseded ? 0 : give(s, &row, err);
    }
    return rc;
}

/* Run a statement of refs; those that the viewer sees are added until there are enough. */
static int collect(struct search *s, sqlite3_stmt *statement, struct found_list *list, struct err *err)
{
    struct index *index = s->asker.view->index;
    int rc;
    while ((rc = index_step(index, statement, err)) > 0) {
        int64_t ref = sqlite3_column_int64(statement, 0);
        if (!ref_is_shown(s, ref) && (rc = asker_add(&s->asker, list, ref, err)) < 0)
            break;
        if (list->count >= s->max - s->given)
            break;
    }
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

static int search_id(struct search *s, struct err *err)
{
    if (span_search(s->typed, SPAN_LIT("--")) == s->typed.len)
        return 0;
    struct found_list list = {0};
    sqlite3_stmt *statement = index_statement(
        s->asker.view->index, "SELECT ref FROM security_object WHERE id_hash = ?1 ORDER BY version_ms DESC, ref", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, index_hash(HASH_STIX_ID, s->typed));
    int rc = collect(s, statement, &list, err);
    return rc < 0 ? rc : give_list(s, &list, err);
}

/* Labels that begin with what was typed, and for each the records that carry it. */
static int search_label(struct search *s, struct err *err)
{
    struct index *index = s->asker.view->index;
    struct buf label;
    buf_init(&label, SEARCH_TEXT_MAX);
    buf_span(&label, s->lower);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < LABEL_CHOICES && !is_full(s) && s->lower.len > 1; i++) {
        struct found_list list = {0};
        sqlite3_stmt *statement = index_statement(
            index, "SELECT label FROM security_label WHERE label >= ?1 AND label > ?2 ORDER BY label LIMIT 1", err);
        if (!statement)
            break;
        sqlite3_bind_text64(statement, 1, (const char *)s->lower.data, s->lower.len, SQLITE_STATIC, SQLITE_UTF8);
        sqlite3_bind_text(statement, 2, i == 0 ? "" : buf_cstr(&label), -1, SQLITE_TRANSIENT);
        if ((rc = index_step(index, statement, err)) <= 0)
            break;
        struct span next = span_of(sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
        bool fits = span_starts(next, s->lower);
        buf_clear(&label);
        buf_span(&label, next);
        sqlite3_reset(statement);
        rc = 0;
        if (!fits || !(statement = index_statement(index, "SELECT ref FROM security_label WHERE label = ?1", err)))
            break;
        sqlite3_bind_text(statement, 1, buf_cstr(&label), -1, SQLITE_TRANSIENT);
        if ((rc = collect(s, statement, &list, err)) == 0)
            rc = give_list(s, &list, err);
    }
    buf_done(&label);
    return rc;
}

/* ---- words ---- */

/*
 * Each word as a quoted phrase, so that nothing in it is syntax; characters that stand alone in the index become a
 * phrase of their own tokens. The last word may be unfinished.
 */
static void fts_query(struct span text, struct buf *out)
{
    struct buf word;
    size_t words = 0, pos = 0;
    buf_init(&word, 8 * (size_t)SEARCH_TEXT_MAX);
    while (pos < text.len && words < SEARCH_WORDS_MAX) {
        size_t start = pos;
        while (pos < text.len && text.data[pos] > ' ')
            pos++;
        if (pos > start) {
            buf_clear(&word);
            security_split_text(span_sub(text, start, pos - start), &word);
            buf_str(out, words++ > 0 ? " \"" : "\"");
            for (size_t i = 0; i < word.len; i++) {
                if (word.data[i] == '"')
                    buf_byte(out, '"');
                buf_byte(out, word.data[i]);
            }
            buf_byte(out, '"');
        }
        pos++;
    }
    if (words > 0)
        buf_byte(out, '*');
    buf_done(&word);
}

/* Words of what is held back are ranked for the operator alone: ranks tell of words in what a user may not see. */
static const char held_ranked[] = "SELECT ref FROM security_text_held WHERE security_text_held MATCH ?1 "
                                  "ORDER BY bm25(security_text_held, 0, 10, 1), rowid LIMIT ?2";
static const char held_newest[] =
    "SELECT ref FROM security_text_held WHERE security_text_held MATCH ?1 AND"
    " ((SELECT tlp FROM record WHERE record.ref = security_text_held.rowid) BETWEEN ?3 AND ?4"
    " OR EXISTS(SELECT 1 FROM person WHERE name = ?5 AND person.ref = security_text_held.rowid))"
    " ORDER BY rowid DESC LIMIT ?2";

static int search_table(struct search *s, const char *sql, const char *query, struct found_list *list, struct err *err)
{
    struct view_held held = view_held(s->asker.view);
    sqlite3_stmt *statement = index_statement(s->asker.view->index, sql, err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, query, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 2, 2 * SEARCH_RESULTS_MAX);
    if (sql == held_newest) {
        sqlite3_bind_int(statement, 3, held.least);
        sqlite3_bind_int(statement, 4, held.most);
        sqlite3_bind_text(statement, 5, (const char *)held.person.data, (int)held.person.len, SQLITE_TRANSIENT);
    }
    return collect(s, statement, list, err);
}

static int search_words(struct search *s, struct err *err)
{
    struct buf query;
    struct found_list list = {0};
    buf_init(&query, 32 * (size_t)SEARCH_TEXT_MAX);
    if (s->typed.len > 1) /* a single letter is everywhere */
        fts_query(s->typed, &query);
    int rc = query.len > 0 ? search_table(s,
                                          "SELECT ref FROM security_text WHERE security_text MATCH ?1 "
                                          "ORDER BY bm25(security_text, 0, 10, 1), rowid LIMIT ?2",
                                          buf_cstr(&query), &list, err)
                           : 0;
    if (rc == 0 && query.len > 0 && view_is_inside(s->asker.view))
        rc = search_table(s, s->asker.view->viewer.class == VIEWER_OPERATOR ? held_ranked : held_newest,
                          buf_cstr(&query), &list, err);
    buf_done(&query);
    return rc < 0 ? rc : give_list(s, &list, err);
}

/* ---- all ---- */

static struct span trim(struct span text)
{
    size_t begin = 0, end = text.data ? text.len : 0;
    while (begin < end && text.data[begin] <= ' ')
        begin++;
    while (end > begin && text.data[end - 1] <= ' ')
        end--;
    return span_sub(text, begin, end - begin);
}

/* Lower case, "[.]" as a dot, no scheme: what values look like. */
static void lower_text(struct span text, struct buf *out)
{
    size_t scheme = span_search(text, SPAN_LIT("://"));
    if (scheme < text.len && scheme <= 8)
        text = span_sub(text, scheme + 3, text.len);
    for (size_t i = 0; text.data && i < text.len; i++) {
        uint8_t c = text.data[i];
        if (span_is(span_sub(text, i, 3), "[.]")) {
            c = '.';
            i += 2;
        }
        buf_byte(out, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
}

static int search(struct search *s, struct err *err)
{
    int rc = search_exact(s, err);
    if (rc == 0)
        rc = search_id(s, err);
    if (rc == 0)
        rc = search_prefix(s, err);
    if (rc == 0 && !is_full(s))
        rc = search_label(s, err);
    if (rc == 0 && !is_full(s))
        rc = search_words(s, err);
    return rc;
}

int intel_search(const struct view *view, struct span text, size_t max,
                 int (*each)(void *ctx, const struct intel_row *row, struct err *err), void *ctx, bool *ret_passed_over,
                 struct err *err)
{
    struct search s = {.max = max < SEARCH_RESULTS_MAX ? max : SEARCH_RESULTS_MAX, .each = each, .ctx = ctx};
    struct buf lower;
    buf_init(&lower, SEARCH_TEXT_MAX);
    int rc = asker_init(&s.asker, view, err);
    s.typed = trim(span_sub(text, 0, SEARCH_TEXT_MAX));
    lower_text(s.typed, &lower);
    s.lower = buf_view(&lower);
    if (rc == 0 && s.typed.len > 0 && !is_full(&s))
        rc = search(&s, err);
    buf_done(&lower);
    *ret_passed_over = s.asker.passed_over;
    asker_done(&s.asker);
    return rc;
}

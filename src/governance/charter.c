#include "governance/charter.h"

#include "record/body.h"

static const struct charter_article principles[] = {
    {"Respect for sovereignty",
     "Each member decides by its own rules what leaves its node, what enters and what takes effect there. Nobody is "
     "bound "
     "by what it did not ratify. Members are equal whatever their size or class: one operator, one voice.",
     "concentration"},
    {"Peace and security",
     "Members do not build their security on the insecurity of others. They warn one another, recall what proved "
     "wrong, "
     "state evidence and confidence where they accuse, and show the reply as prominently.",
     "shared vulnerability"},
    {"Open cooperation",
     "What can be open is open. Members relay one another's words, answer calls or say why not, and help those that "
     "have "
     "less to take part.",
     "inclusion gap"},
    {"Good order",
     "What the community holds in common is computed by each member from signed records. Decisions, refusals and "
     "exclusions carry their reasons. Responsibility follows power.",
     "burden for power"},
};

void charter_default(const char *name, struct charter *out)
{
    memset(out, 0, sizeof(*out));
    out->name = name;
    out->article_count = sizeof(principles) / sizeof(principles[0]);
    memcpy(out->articles, principles, sizeof(principles));
    out->endorsements = 1;
    out->sponsors = 2;
    out->notice_days = 30;
}

/* ---- reading ---- */

static int read_line(const json_t *object, const char *key, enum body_need need, size_t max, struct arena *arena,
                     const char **ret, struct err *err)
{
    char line[CHARTER_LINE_MAX + 1];
    int rc = body_text(object, key, need, max, line, err);
    *ret = NULL;
    if (rc < 0 || line[0] == '\0')
        return rc;
    *ret = arena_strz(arena, span_str(line));
    return *ret ? 0 : err_memory(err);
}

/* Several lines: control characters other than the newline are refused. */
static int read_text(const json_t *object, struct arena *arena, const char **ret, struct err *err)
{
    const json_t *value = json_object_get(object, "text");
    if (!json_is_string(value))
        return err_set(err, ERR_SYNTAX, "body: \"text\" is missing or no string");
    struct span text = span_of(json_string_value(value), json_string_length(value));
    if (text.len == 0 || text.len > CHARTER_TEXT_MAX)
        return err_set(err, ERR_LIMIT, "body: \"text\" of %zu bytes, 1 to %d allowed", text.len, CHARTER_TEXT_MAX);
    for (struct span rest = text; rest.len > 0;) {
        size_t end = span_find(rest, '\n');
        struct span line = span_trim(span_sub(rest, 0, end));
        if (line.len > 0 && !record_value_valid(line))
            return err_set(err, ERR_SYNTAX, "body: \"text\" has control characters");
        rest = span_sub(rest, end + 1, rest.len);
    }
    *ret = arena_strz(arena, text);
    return *ret ? 0 : err_memory(err);
}

static int read_article(const json_t *object, struct arena *arena, struct charter_article *out, struct err *err)
{
    if (!json_is_object(object))
        return err_set(err, ERR_SYNTAX, "body: an article is no object");
    int rc = read_line(object, "title", BODY_REQUIRED, CHARTER_LINE_MAX, arena, &out->title, err);
    if (rc == 0)
        rc = read_text(object, arena, &out->text, err);
    if (rc == 0)
        rc = read_line(object, "measure", BODY_OPTIONAL, CHARTER_LINE_MAX, arena, &out->measure, err);
    return rc;
}

static int read_articles(const json_t *object, struct arena *arena, struct charter *out, struct err *err)
{
    const json_t *list = json_object_get(object, "articles");
    size_t count = json_array_size(list);
    if (!json_is_array(list))
        return err_set(err, ERR_SYNTAX, "body: \"articles\" is missing or no array");
    if (count == 0 || count > CHARTER_ARTICLES_MAX)
        return err_set(err, ERR_LIMIT, "body: \"articles\" has %zu items, 1 to %d allowed", count,
                       CHARTER_ARTICLES_MAX);
    for (size_t i = 0; i < count; i++)
        if (read_article(json_array_get(list, i), arena, &out->articles[i], err) < 0)
            return err_in(err, "article %zu", i + 1);
    out->article_count = count;
    return 0;
}

static int read_charter(const json_t *object, struct arena *arena, struct charter *out, struct err *err)
{
    memset(out, 0, sizeof(*out));
    int rc = read_line(object, "name", BODY_REQUIRED, CHARTER_NAME_MAX, arena, &out->name, err);
    if (rc == 0)
        rc = read_articles(object, arena, out, err);
    if (rc == 0)
        rc = body_u64(object, "endorsements", CHARTER_ENDORSEMENTS_MAX, &out->endorsements, err);
    if (rc == 0)
        rc = body_u64(object, "sponsors", CHARTER_SPONSORS_MAX, &out->sponsors, err);
    if (rc == 0)
        rc = body_u64(object, "notice_days", CHARTER_NOTICE_DAYS_MAX, &out->notice_days, err);
    return rc;
}

int charter_parse(const struct record *record, struct arena *arena, struct charter *out, struct err *err)
{
    if (!span_is(record->kind, CHARTER_KIND))
        return err_set(err, ERR_SYNTAX, "the record is no " CHARTER_KIND);
    json_t *object = body_load(record, err);
    if (!object)
        return err_in(err, "charter");
    int rc = read_charter(object, arena, out, err);
    json_decref(object);
    return rc < 0 ? err_in(err, "charter") : 0;
}

int charter_parse_body(struct span body, struct arena *arena, struct charter *out, struct err *err)
{
    struct record record = {.kind = SPAN_LIT(CHARTER_KIND), .body = body};
    return charter_parse(&record, arena, out, err);
}

/* ---- writing ---- */

static json_t *article_object(const struct charter_article *article)
{
    json_t *object = json_object();
    body_put_text(&object, "title", article->title);
    body_put_text(&object, "text", article->text);
    if (article->measure)
        body_put_text(&object, "measure", article->measure);
    return object;
}

static json_t *charter_object(const struct charter *charter)
{
    json_t *object = json_object(), *articles = json_array();
    for (size_t i = 0; i < charter->article_count && articles; i++)
        if (json_array_append_new(articles, article_object(&charter->articles[i])) != 0) {
            json_decref(articles);
            articles = NULL;
        }
    body_put_text(&object, "name", charter->name);
    body_put(&object, "articles", articles);
    body_put(&object, "endorsements", json_integer((json_int_t)charter->endorsements));
    body_put(&object, "sponsors", json_integer((json_int_t)charter->sponsors));
    body_put(&object, "notice_days", json_integer((json_int_t)charter->notice_days));
    return object;
}

/* What may stand in a charter has one judge: charter_parse. */
static int check_written(struct span text, struct err *err)
{
    struct arena arena;
    struct record record;
    struct charter *charter;
    arena_init(&arena, 1u << 20);
    int rc = record_parse(text, &arena, &record, err);
    if (rc == 0 && !(charter = arena_alloc(&arena, sizeof(*charter))))
        rc = err_memory(err);
    if (rc == 0)
        rc = charter_parse(&record, &arena, charter, err);
    arena_done(&arena);
    return rc;
}

int charter_write(const struct charter *charter, int64_t time_ms, struct buf *out_record, struct err *err)
{
    size_t start = out_record->len;
    json_t *object = charter_object(charter);
    int rc = body_write(CHARTER_KIND, time_ms, object, out_record, err);
    json_decref(object);
    if (rc == 0 && (rc = check_written(span_sub(buf_view(out_record), start, out_record->len), err)) < 0)
        buf_cut(out_record, start);
    return rc;
}

#include "policy/cession.h"

#include <stdio.h>

#include "base/when.h"
#include "record/body.h"

static const char *const powers[POWER_UNKNOWN] = {[POWER_MODERATE] = "moderate", [POWER_ADMIT] = "admit"};

const char *cession_power_word(enum cession_power power)
{
    return powers[power];
}

enum cession_power cession_power_find(struct span word)
{
    for (unsigned i = 0; i < POWER_UNKNOWN; i++)
        if (span_is(word, powers[i]))
            return (enum cession_power)i;
    return POWER_UNKNOWN;
}

/* ---- words ---- */

static bool word_valid(struct span word)
{
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c != '-' || i == 0 || i + 1 == word.len))
            return false;
    }
    return word.len > 0 && word.len <= CESSION_WORD_MAX;
}

bool cession_kind_valid(struct span kind)
{
    size_t slash = span_find(kind, '/');
    struct span name = span_sub(kind, slash + 1, kind.len);
    return slash < kind.len && kind.len <= CESSION_WORD_MAX && word_valid(span_sub(kind, 0, slash)) &&
           (span_is(name, "*") || word_valid(name));
}

/* A member, or a group. */
static bool to_valid(struct span to)
{
    size_t at = span_find(to, '#');
    return origin_valid(span_sub(to, 0, at)) && (at == to.len || word_valid(span_sub(to, at + 1, to.len)));
}

/* ---- reading ---- */

static int read_words(const json_t *object, const char *key, bool (*valid)(struct span), struct arena *arena,
                      const char **ret, size_t *ret_count, struct err *err)
{
    const json_t *list = json_object_get(object, key);
    size_t count = json_array_size(list);
    if (list && !json_is_array(list))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is no array", key);
    if (list && (count == 0 || count > CESSION_SCOPE_MAX))
        return err_set(err, ERR_LIMIT, "body: \"%s\" has %zu items, 1 to %d allowed", key, count, CESSION_SCOPE_MAX);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        struct span text =
            json_is_string(item) ? span_of(json_string_value(item), json_string_length(item)) : (struct span){0};
        if (!valid(text))
            return err_set(err, ERR_SYNTAX, "body: \"%s\" item %zu has another form", key, i);
        if (!(ret[i] = arena_strz(arena, text)))
            return err_memory(err);
    }
    *ret_count = count;
    return 0;
}

static int read_time(const json_t *object, const char *key, enum body_need need, int64_t *ret, struct err *err)
{
    char text[WHEN_TEXT_LEN + 1];
    int rc = body_text(object, key, need, WHEN_TEXT_LEN, text, err);
    if (rc < 0 || text[0] == '\0')
        return rc;
    return when_parse(span_str(text), ret) && *ret > 0 ? 0 : err_set(err, ERR_SYNTAX, "body: \"%s\" is no time", key);
}

/* Of a power that is not known the scope is not known either. */
static int read_scope(const json_t *object, struct arena *arena, struct cession *out, struct err *err)
{
    if (out->power == POWER_UNKNOWN)
        return 0;
    int rc = read_words(object, "kinds", cession_kind_valid, arena, out->kinds, &out->kind_count, err);
    if (rc == 0)
        rc = read_words(object, "members", to_valid, arena, out->members, &out->member_count, err);
    if (rc == 0)
        rc = body_text(object, "group", BODY_OPTIONAL, CESSION_WORD_MAX, out->group, err);
    if (rc < 0)
        return rc;
    bool scoped = out->kind_count + out->member_count > 0, admits = out->power == POWER_ADMIT;
    if (admits != (out->group[0] != '\0') || (admits && scoped))
        return err_set(err, ERR_SYNTAX, "body: %s",
                       admits ? "admit has a group, and no other scope" : "moderate has no group");
    return !admits || word_valid(span_str(out->group)) ? 0 : err_set(err, ERR_SYNTAX, "body: \"group\" is no name");
}

static int read_given(const json_t *object, struct arena *arena, struct cession *out, struct err *err)
{
    int rc = body_text(object, "power", BODY_REQUIRED, CESSION_WORD_MAX, out->word, err);
    if (rc == 0 && !word_valid(span_str(out->word)))
        rc = err_set(err, ERR_SYNTAX, "body: \"power\" is no word");
    out->power = cession_power_find(span_str(out->word));
    if (rc == 0)
        rc = body_text(object, "to", BODY_REQUIRED, CESSION_TO_MAX, out->to, err);
    if (rc == 0 && !to_valid(span_str(out->to)))
        rc = err_set(err, ERR_SYNTAX, "body: \"to\" is neither an origin nor a group");
    if (rc == 0)
        rc = read_time(object, "from", BODY_OPTIONAL, &out->from_ms, err);
    if (rc == 0)
        rc = read_time(object, "until", BODY_REQUIRED, &out->until_ms, err);
    if (rc == 0)
        rc = read_scope(object, arena, out, err);
    return rc == 0 ? body_text(object, "about", BODY_OPTIONAL, CESSION_LINE_MAX, out->about, err) : rc;
}

static int read_cession(const json_t *object, struct arena *arena, struct cession *out, struct err *err)
{
    out->revokes = json_object_get(object, "revokes") != NULL;
    if (!out->revokes)
        return read_given(object, arena, out, err);
    if (json_object_get(object, "power"))
        return err_set(err, ERR_SYNTAX, "body: both gives and revokes");
    int rc = body_u64(object, "revokes", UINT32_MAX, &out->index, err);
    return rc == 0 ? body_text(object, "because", BODY_OPTIONAL, CESSION_LINE_MAX, out->about, err) : rc;
}

/* Who has a power for a time before it was given could have decided with it by words that are older than the gift. */
static int check_times(const struct record *record, const struct cession *c, struct err *err)
{
    if (!record->has_time)
        return err_set(err, ERR_SYNTAX, "no time line");
    if (c->revokes)
        return 0;
    int64_t from_ms = c->from_ms ? c->from_ms : record->time_ms;
    if (from_ms < record->time_ms)
        return err_set(err, ERR_SYNTAX, "body: begins before the record's time");
    if (c->until_ms <= from_ms || c->until_ms - from_ms > CESSION_LONGEST_MS)
        return err_set(err, ERR_SYNTAX, "body: ends before it begins, or more than ten years later");
    return 0;
}

int cession_parse(const struct record *record, struct arena *arena, struct cession *out, struct err *err)
{
    memset(out, 0, sizeof(*out));
    if (!span_is(record->kind, CESSION_KIND))
        return err_set(err, ERR_SYNTAX, "the record is no " CESSION_KIND);
    json_t *object = body_load(record, err);
    int rc = object ? read_cession(object, arena, out, err) : err->code;
    json_decref(object);
    if (rc == 0)
        rc = check_times(record, out, err);
    return rc < 0 ? err_in(err, "cession") : 0;
}

/* ---- writing ---- */

static void put_words(json_t **object, const char *key, const char *const *words, size_t count)
{
    json_t *list = count > 0 ? json_array() : NULL;
    for (size_t i = 0; i < count && list; i++)
        if (json_array_append_new(list, json_string(words[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    if (count > 0)
        body_put(object, key, list);
}

static void put_time(json_t **object, const char *key, int64_t time_ms)
{
    char text[WHEN_TEXT_LEN + 1];
    when_format(time_ms, text);
    if (time_ms)
        body_put_text(object, key, text);
}

static json_t *cession_object(const struct cession *c)
{
    json_t *object = json_object();
    if (c->revokes) {
        body_put(&object, "revokes", json_integer((json_int_t)c->index));
    } else {
        body_put_text(&object, "power", powers[c->power]);
        body_put_text(&object, "to", c->to);
        put_time(&object, "from", c->from_ms);
        put_time(&object, "until", c->until_ms);
        put_words(&object, "kinds", c->kinds, c->kind_count);
        put_words(&object, "members", c->members, c->member_count);
        if (c->group[0])
            body_put_text(&object, "group", c->group);
    }
    if (c->about[0])
        body_put_text(&object, c->revokes ? "because" : "about", c->about);
    return object;
}

/* What may stand in one has one judge: cession_parse. */
static int check_written(struct span text, struct err *err)
{
    struct arena arena;
    struct record record;
    struct cession cession;
    arena_init(&arena, 1u << 20);
    int rc = record_parse(text, &arena, &record, err);
    if (rc == 0)
        rc = cession_parse(&record, &arena, &cession, err);
    arena_done(&arena);
    return rc;
}

int cession_write(const struct cession *cession, int64_t time_ms, struct buf *out_record, struct err *err)
{
    size_t start = out_record->len;
    if (!cession->revokes && cession->power >= POWER_UNKNOWN)
        return err_set(err, ERR_SYNTAX, "cession: the power is neither moderate nor admit");
    json_t *object = cession_object(cession);
    int rc = body_write(CESSION_KIND, time_ms, object, out_record, err);
    json_decref(object);
    if (rc == 0 && (rc = check_written(span_sub(buf_view(out_record), start, out_record->len), err)) < 0)
        buf_cut(out_record, start);
    return rc;
}

/* ---- scope ---- */

static bool kind_fits(const char *pattern, struct span kind)
{
    size_t len = strlen(pattern);
    return pattern[len - 1] == '*' ? kind.len >= len && span_starts(kind, span_of(pattern, len - 1))
                                   : span_is(kind, pattern);
}

static bool member_fits(const char *pattern, const struct cession_case *about)
{
    return strchr(pattern, '#') ? about->in_group(about->ctx, span_str(pattern)) : span_is(about->author, pattern);
}

bool cession_covers(const struct cession *c, const struct cession_case *about)
{
    bool kind = c->kind_count == 0, member = c->member_count == 0;
    for (size_t i = 0; i < c->kind_count && !kind; i++)
        kind = kind_fits(c->kinds[i], about->kind);
    for (size_t i = 0; i < c->member_count && kind && !member; i++)
        member = member_fits(c->members[i], about);
    return kind && member;
}

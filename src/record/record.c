#include "record/record.h"

#include "base/utf8.h"
#include "base/when.h"

#include <stdio.h>

#define MAGIC "tongzhou/"
#define FIRST_LINE "tongzhou/1 "
#define KIND_MAX 64
#define KIND_MIN 3
#define LANG_MAX 35
#define SHOWN_MAX 96 /* bytes of a peer's text inside an error */

/* ---- TLP ---- */

static const char *const tlp_words[] = {NULL, "clear", "green", "amber", "amber+strict", "red"};
#define TLP_COUNT (sizeof(tlp_words) / sizeof(tlp_words[0]))

const char *tlp_word(enum tlp tlp)
{
    return (size_t)tlp < TLP_COUNT ? tlp_words[tlp] : NULL;
}

/* Of ASCII alone: strcasecmp would follow the locale, and Turkish has another small I. */
static bool same_word(struct span word, const char *known)
{
    if (word.len != strlen(known))
        return false;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.data[i];
        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != (uint8_t)known[i])
            return false;
    }
    return true;
}

enum tlp tlp_parse(struct span word)
{
    if (word.len > 4 && same_word(span_sub(word, 0, 4), "tlp:"))
        word = span_sub(word, 4, word.len);
    for (size_t i = TLP_CLEAR; i < TLP_COUNT; i++)
        if (same_word(word, tlp_words[i]))
            return (enum tlp)i;
    return word.len > 0 && same_word(word, "white") ? TLP_CLEAR : TLP_NONE;
}

static enum tlp tlp_exact(struct span word)
{
    for (size_t i = TLP_CLEAR; i < TLP_COUNT; i++)
        if (span_is(word, tlp_words[i]))
            return (enum tlp)i;
    return TLP_NONE;
}

/* ---- forms of single values ---- */

static bool lower_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool letter_or_digit(uint8_t c)
{
    return lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

bool record_kind_valid(struct span kind)
{
    if (span_is(kind, "seal"))
        return true;
    if (kind.len < KIND_MIN || kind.len > KIND_MAX)
        return false;
    size_t slash = span_find(kind, '/');
    if (slash == 0 || slash + 1 >= kind.len)
        return false;
    for (size_t i = 0; i < kind.len; i++)
        if (i != slash && !lower_or_digit(kind.data[i]) && kind.data[i] != '-')
            return false;
    return true;
}

bool record_value_valid(struct span value)
{
    if (value.len == 0 || value.data[0] == ' ' || value.data[value.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (c < 0x20 || c == 0x7f)
            return false;
        /* C1 controls, U+0080 to U+009F, are C2 80 to C2 9F. */
        if (c == 0xc2 && i + 1 < value.len && value.data[i + 1] < 0xa0)
            return false;
    }
    return utf8_valid(value);
}

/* [a-z][a-z0-9-]*, with one leading '!' or without. */
static bool name_valid(struct span name)
{
    if (name.len > 0 && name.data[0] == '!')
        name = span_sub(name, 1, name.len);
    if (name.len == 0 || name.data[0] < 'a' || name.data[0] > 'z')
        return false;
    for (size_t i = 1; i < name.len; i++)
        if (!lower_or_digit(name.data[i]) && name.data[i] != '-')
            return false;
    return true;
}

static bool word_valid(struct span value)
{
    return record_value_valid(value) && span_find(value, ' ') == value.len;
}

static bool lang_valid(struct span value)
{
    if (value.len < 2 || value.len > LANG_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (!letter_or_digit(value.data[i]) && value.data[i] != '-')
            return false;
    return value.data[0] != '-' && value.data[value.len - 1] != '-';
}

/* A token character of RFC 9110 section 5.6.2. */
static bool token_char(uint8_t c)
{
    return letter_or_digit(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* "token/token", then nothing or parameters behind ';' that we do not take apart. */
static bool media_type_valid(struct span value)
{
    if (!record_value_valid(value))
        return false;
    struct span essence = span_sub(value, 0, span_find(value, ';'));
    size_t slash = span_find(essence, '/');
    if (slash == 0 || slash + 1 >= essence.len)
        return false;
    for (size_t i = 0; i < essence.len; i++)
        if (i != slash && !token_char(essence.data[i]))
            return false;
    return true;
}

static bool time_valid(struct span value)
{
    int64_t ms;
    return when_parse(value, &ms);
}

/* ---- the known names, in their order ---- */

enum rank { RANK_TIME, RANK_TLP, RANK_TO, RANK_REF, RANK_LANG, RANK_TYPE, RANK_OTHER };

static const struct known {
    const char *name;
    bool (*valid)(struct span value);
    const char *form;
    bool repeats;
} known_names[RANK_OTHER] = {
    [RANK_TIME] = {"time", time_valid, "an instant like 2026-11-22T11:14:26.123Z", false},
    [RANK_TLP] = {"tlp", word_valid, "a word", false},
    [RANK_TO] = {"to", word_valid, "an origin or a group's word without spaces", true},
    [RANK_REF] = {"ref", word_valid, "ORIGIN/INDEX or a URI without spaces", true},
    [RANK_LANG] = {"lang", lang_valid, "a language tag of 2 to 35 letters, digits and '-'", false},
    [RANK_TYPE] = {"type", media_type_valid, "a media type", false},
};

static enum rank rank_of(struct span name)
{
    for (size_t i = 0; i < RANK_OTHER; i++)
        if (span_is(name, known_names[i].name))
            return (enum rank)i;
    return RANK_OTHER;
}

/* ---- parsing ---- */

static int line_err(struct err *err, int code, size_t line, const char *what, struct span found)
{
    char shown[SHOWN_MAX + 8];
    struct span cut = span_sub(found, 0, SHOWN_MAX / 4);
    return err_set(err, code, "header line %zu: %s, found \"%s\"%s", line, what,
                   text_escape_into(shown, sizeof(shown), cut), cut.len < found.len ? "…" : "");
}

/* Length of the header with its empty line, and the number of lines behind the first. */
static int measure_header(struct span text, size_t *ret_len, size_t *ret_lines, struct err *err)
{
    size_t pos = 0;
    for (size_t line = 1;; line++) {
        struct span rest = span_sub(text, pos, text.len);
        struct span window = span_sub(rest, 0, RECORD_LINE_MAX + 1);
        size_t len = span_find(window, '\n');
        if (len == window.len) {
            if (rest.len > RECORD_LINE_MAX)
                return err_set(err, ERR_LIMIT, "header line %zu: longer than %d bytes", line, RECORD_LINE_MAX);
            return err_set(err, ERR_SYNTAX, "header line %zu: the text ends without an empty line behind the header",
                           line);
        }
        if (len == 0 && line > 1) {
            *ret_len = pos + 1;
            *ret_lines = line - 2;
            return 0;
        }
        pos += len + 1;
        if (pos > RECORD_HEADER_MAX)
            return err_set(err, ERR_LIMIT, "header line %zu: header longer than %d bytes", line, RECORD_HEADER_MAX);
        if (line - 1 > RECORD_LINES_MAX)
            return err_set(err, ERR_LIMIT, "header line %zu: more than %d header lines", line, RECORD_LINES_MAX);
    }
}

static int parse_first_line(struct span line, struct span *ret_kind, struct err *err)
{
    if (!span_starts(line, SPAN_LIT(FIRST_LINE))) {
        size_t digits = sizeof(MAGIC) - 1;
        while (digits < line.len && line.data[digits] >= '0' && line.data[digits] <= '9')
            digits++;
        struct span version = span_sub(line, sizeof(MAGIC) - 1, digits - (sizeof(MAGIC) - 1));
        if (span_starts(line, SPAN_LIT(MAGIC)) && version.len > 0 && !span_is(version, "1"))
            return line_err(err, ERR_SYNTAX, 1, "a record of another version, this program reads version 1", line);
        return line_err(err, ERR_SYNTAX, 1, "expected \"tongzhou/1 KIND\"", line);
    }
    *ret_kind = span_sub(line, sizeof(FIRST_LINE) - 1, line.len);
    if (!record_kind_valid(*ret_kind))
        return line_err(err, ERR_SYNTAX, 1, "expected a kind like capability/name of 3 to 64 bytes [a-z0-9-]",
                        *ret_kind);
    return 0;
}

static int split_line(struct span line, size_t number, struct record_line *out, struct err *err)
{
    size_t space = span_find(line, ' ');
    out->name = span_sub(line, 0, space);
    out->value = span_sub(line, space + 1, line.len);
    if (!name_valid(out->name))
        return line_err(err, ERR_SYNTAX, number, "expected a name [a-z][a-z0-9-]*", out->name);
    if (!record_value_valid(out->value))
        return line_err(err, ERR_SYNTAX, number,
                        "expected a value of UTF-8 without control characters and spaces at its ends", out->value);
    enum rank rank = rank_of(out->name);
    if (rank != RANK_OTHER && !known_names[rank].valid(out->value)) {
        char what[128];
        snprintf(what, sizeof(what), "%s: expected %s", known_names[rank].name, known_names[rank].form);
        return line_err(err, ERR_SYNTAX, number, what, out->value);
    }
    return 0;
}

/* Order and uniqueness of line `at` against all before it. */
static int check_order(const struct record_line *lines, size_t at, struct err *err)
{
    if (at == 0)
        return 0;
    const struct record_line *line = &lines[at], *last = &lines[at - 1];
    enum rank rank = rank_of(line->name), before = rank_of(last->name);
    size_t number = at + 2;
    if (rank < before)
        return line_err(err, ERR_SYNTAX, number, "out of order (time, tlp, to, ref, lang, type, then others)",
                        line->name);
    if (rank > before)
        return 0;
    if (rank == RANK_OTHER) {
        int cmp = span_cmp(last->name, line->name);
        if (cmp > 0 || (cmp == 0 && span_cmp(last->value, line->value) >= 0))
            return line_err(err, ERR_SYNTAX, number, "not ascending by name and value, or repeated", line->name);
        return 0;
    }
    if (!known_names[rank].repeats)
        return line_err(err, ERR_SYNTAX, number, "repeated", line->name);
    for (size_t i = at; i-- > 0 && rank_of(lines[i].name) == rank;)
        if (span_eq(lines[i].value, line->value))
            return line_err(err, ERR_SYNTAX, number, "repeated value", line->value);
    return 0;
}

static void take_line(const struct record_line *line, struct record *out, struct span *to, struct span *ref)
{
    switch (rank_of(line->name)) {
    case RANK_TIME:
        out->has_time = when_parse(line->value, &out->time_ms);
        break;
    case RANK_TLP:
        out->tlp = tlp_exact(line->value);
        out->hold = out->hold || out->tlp == TLP_NONE;
        break;
    case RANK_TO:
        to[out->to_count++] = line->value;
        break;
    case RANK_REF:
        ref[out->ref_count++] = line->value;
        break;
    case RANK_LANG:
        out->lang = line->value;
        break;
    case RANK_TYPE:
        out->type = line->value;
        break;
    case RANK_OTHER:
        out->hold = out->hold || line->name.data[0] == '!';
        break;
    }
}

static int parse_lines(struct span header, size_t count, struct arena *arena, struct record *out, struct err *err)
{
    struct record_line *lines = arena_array(arena, count, sizeof(*lines));
    struct span *words = arena_array(arena, count, sizeof(*words));
    if (!lines || !words)
        return err_memory(err);
    size_t to_lines = 0, pos = span_find(header, '\n') + 1;
    for (size_t i = 0; i < count; i++) {
        struct span rest = span_sub(header, pos, header.len);
        struct span line = span_sub(rest, 0, span_find(rest, '\n'));
        pos += line.len + 1;
        int rc = split_line(line, i + 2, &lines[i], err);
        if (rc == 0)
            rc = check_order(lines, i, err);
        if (rc < 0)
            return rc;
        to_lines += span_is(lines[i].name, "to");
    }
    /* One array holds both: `to` values first, `ref` values behind them. */
    for (size_t i = 0; i < count; i++)
        take_line(&lines[i], out, words, words + to_lines);
    out->to = words;
    out->ref = words + to_lines;
    out->lines = lines;
    out->line_count = count;
    return 0;
}

int record_parse(struct span text, struct arena *arena, struct record *out, struct err *err)
{
    struct record record = {0};
    if (text.len > PAYLOAD_MAX)
        return err_set(err, ERR_LIMIT, "record: %zu bytes, limit %u", text.len, PAYLOAD_MAX);
    /* The first line first: a record of another version may have other rules behind it. */
    struct span first = span_sub(text, 0, RECORD_LINE_MAX + 1);
    size_t end = span_find(first, '\n'), header_len = 0, count = 0;
    int rc = end < first.len ? parse_first_line(span_sub(first, 0, end), &record.kind, err) : 0;
    if (rc == 0)
        rc = measure_header(text, &header_len, &count, err);
    struct span header = span_sub(text, 0, header_len);
    if (rc == 0 && count > 0)
        rc = parse_lines(header, count, arena, &record, err);
    if (rc < 0)
        return rc;
    record.body = span_sub(text, header_len, text.len);
    *out = record;
    return 0;
}

/* ---- writing ---- */

static int draft_err(struct err *err, const char *what, struct span found)
{
    char shown[SHOWN_MAX + 8];
    return err_set(err, ERR_SYNTAX, "record: %s, found \"%s\"", what,
                   text_escape_into(shown, sizeof(shown), span_sub(found, 0, SHOWN_MAX / 4)));
}

static int add_known(struct buf *out, enum rank rank, struct span value, struct err *err)
{
    const struct known *known = &known_names[rank];
    if (!known->valid(value)) {
        char what[128];
        snprintf(what, sizeof(what), "%s: expected %s", known->name, known->form);
        return draft_err(err, what, value);
    }
    buf_str(out, known->name);
    buf_byte(out, ' ');
    buf_span(out, value);
    buf_byte(out, '\n');
    return 0;
}

static int add_words(struct buf *out, enum rank rank, const struct span *words, size_t count, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = add_known(out, rank, words[i], err);
    return rc;
}

static int add_extra(struct buf *out, const struct record_draft *draft, struct err *err)
{
    for (size_t i = 0; i < draft->extra_count; i++) {
        const struct record_line *line = &draft->extra[i];
        if (!name_valid(line->name) || rank_of(line->name) != RANK_OTHER)
            return draft_err(err, "expected another name [a-z][a-z0-9-]* than the known ones", line->name);
        if (!record_value_valid(line->value))
            return draft_err(err, "expected a value without control characters and spaces at its ends", line->value);
        buf_span(out, line->name);
        buf_byte(out, ' ');
        buf_span(out, line->value);
        buf_byte(out, '\n');
    }
    return 0;
}

static int add_header(struct buf *out, const struct record_draft *draft, struct err *err)
{
    if (!record_kind_valid(span_str(draft->kind)))
        return draft_err(err, "expected a kind like capability/name of 3 to 64 bytes [a-z0-9-]", span_str(draft->kind));
    if (draft->time_ms < 0 || draft->time_ms > WHEN_MAX_MS)
        return err_set(err, ERR_SYNTAX, "record: time %lld ms is outside of years 1970 to 9999",
                       (long long)draft->time_ms);
    char when[WHEN_TEXT_LEN + 1];
    when_format(draft->time_ms, when);
    buf_str(out, FIRST_LINE);
    buf_str(out, draft->kind);
    buf_byte(out, '\n');
    int rc = add_known(out, RANK_TIME, span_str(when), err);
    if (rc == 0 && draft->tlp != TLP_NONE)
        rc = add_known(out, RANK_TLP, span_str(tlp_word(draft->tlp)), err);
    if (rc == 0)
        rc = add_words(out, RANK_TO, draft->to, draft->to_count, err);
    if (rc == 0)
        rc = add_words(out, RANK_REF, draft->ref, draft->ref_count, err);
    if (rc == 0 && draft->lang.len > 0)
        rc = add_known(out, RANK_LANG, draft->lang, err);
    if (rc == 0 && draft->type.len > 0)
        rc = add_known(out, RANK_TYPE, draft->type, err);
    return rc == 0 ? add_extra(out, draft, err) : rc;
}

/* Lengths, order and repetitions have one judge: the parser. */
static int check_written(struct span text, struct err *err)
{
    struct arena arena;
    struct record record;
    arena_init(&arena, 64u << 10);
    int rc = record_parse(text, &arena, &record, err);
    arena_done(&arena);
    return rc;
}

int record_write(const struct record_draft *draft, struct buf *out, struct err *err)
{
    size_t start = out->len;
    int rc = buf_check(out, "record", err);
    if (rc < 0)
        return rc;
    rc = add_header(out, draft, err);
    if (rc == 0) {
        buf_byte(out, '\n');
        buf_span(out, draft->body);
        rc = buf_check(out, "record", err);
    }
    if (rc == 0)
        rc = check_written(span_sub(buf_view(out), start, out->len), err);
    if (rc < 0 && out->len > start)
        buf_cut(out, start);
    return rc;
}

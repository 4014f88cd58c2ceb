#include "http/target.h"

#include "base/limits.h"
#include "base/utf8.h"

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool needs_decoding(struct span text, bool in_query)
{
    return span_find(text, '%') < text.len || (in_query && span_find(text, '+') < text.len);
}

static int check_text(struct span text, struct err *err)
{
    if (!utf8_valid(text))
        return err_set(err, ERR_SYNTAX, "not valid UTF-8");
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F)
            return err_set(err, ERR_SYNTAX, "byte %zu is the control character 0x%02x", i, byte);
    }
    return 0;
}

int http_decode(struct span text, bool in_query, struct arena *arena, struct span *ret, struct err *err)
{
    struct span plain = text;
    if (needs_decoding(text, in_query)) {
        uint8_t *out = arena_alloc(arena, text.len);
        if (!out)
            return err_memory(err);
        size_t len = 0;
        for (size_t i = 0; i < text.len; i++) {
            if (text.data[i] != '%') {
                out[len++] = in_query && text.data[i] == '+' ? ' ' : text.data[i];
                continue;
            }
            int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return err_set(err, ERR_SYNTAX, "byte %zu: '%%' without two hexadecimal digits", i);
            out[len++] = (uint8_t)(high << 4 | low);
            i += 2;
        }
        plain = span_of(out, len);
    }
    int rc = check_text(plain, err);
    if (rc == 0)
        *ret = plain;
    return rc;
}

static int parse_param(struct span text, struct arena *arena, struct http_param *out, struct err *err)
{
    size_t equals = span_find(text, '=');
    int rc = http_decode(span_sub(text, 0, equals), true, arena, &out->name, err);
    if (rc < 0)
        return err_in(err, "parameter name");
    rc = http_decode(span_sub(text, equals + 1, text.len), true, arena, &out->value, err);
    return rc < 0 ? err_in(err, "parameter value") : 0;
}

int http_params_parse(struct span text, struct arena *arena, struct http_param *out, size_t *ret_count, struct err *err)
{
    size_t count = 0;
    for (size_t pos = 0; pos < text.len;) {
        size_t len = span_find(span_sub(text, pos, text.len), '&');
        struct span piece = span_sub(text, pos, len);
        pos += len + 1;
        if (piece.len == 0)
            continue;
        if (count == HTTP_PARAMS_MAX)
            return err_set(err, ERR_LIMIT, "more than %d parameters", HTTP_PARAMS_MAX);
        int rc = parse_param(piece, arena, &out[count], err);
        if (rc < 0)
            return rc;
        count++;
    }
    *ret_count = count;
    return 0;
}

int http_target_parse(struct span target, struct arena *arena, struct http_request *out, struct err *err)
{
    if (target.len > HTTP_URL_MAX)
        return err_set(err, ERR_LIMIT, "the address has %zu bytes, %d are allowed", target.len, HTTP_URL_MAX);
    if (target.len == 0 || target.data[0] != '/')
        return err_set(err, ERR_SYNTAX, "the address must begin with '/'");
    size_t question = span_find(target, '?');
    out->path = span_sub(target, 0, question);
    for (size_t i = 0; i < out->path.len; i++) {
        if (out->path.data[i] <= 0x20 || out->path.data[i] >= 0x7F)
            return err_set(err, ERR_SYNTAX, "byte %zu of the path is not allowed unencoded", i);
    }
    return http_params_parse(span_sub(target, question + 1, target.len), arena, out->query, &out->query_count, err);
}

/* The segment at *pos without its slashes; *pos moves to the slash behind it. False at the end. */
static bool next_segment(struct span path, size_t *pos, struct span *ret)
{
    if (*pos >= path.len || path.data[*pos] != '/')
        return false;
    struct span rest = span_sub(path, *pos + 1, path.len);
    *ret = span_sub(rest, 0, span_find(rest, '/'));
    *pos += 1 + ret->len;
    return true;
}

static bool is_variable(struct span segment)
{
    return segment.len >= 2 && segment.data[0] == '{' && segment.data[segment.len - 1] == '}';
}

/* Raw parts only, nothing decoded: most patterns that are tried do not fit. */
static bool match_raw(struct span pattern, struct span path, struct span *parts, size_t *ret_count, size_t *ret_literal)
{
    size_t at = 0, pos = 0, count = 0, literal = 0;
    struct span want, found;
    while (next_segment(pattern, &at, &want)) {
        size_t before = pos;
        if (!next_segment(path, &pos, &found))
            return false;
        if (!is_variable(want)) {
            if (!span_eq(want, found))
                return false;
            literal += 1 + want.len;
            continue;
        }
        if (span_is(want, "{rest}")) {
            found = span_sub(path, before + 1, path.len);
            pos = path.len;
        }
        if (found.len == 0)
            return false;
        parts[count++] = found;
    }
    *ret_count = count;
    *ret_literal = literal;
    return at == pattern.len && pos == path.len;
}

int http_pattern_match(const char *pattern, struct span path, struct arena *arena, struct http_request *out,
                       size_t *ret_literal, struct err *err)
{
    struct span parts[sizeof(out->part) / sizeof(out->part[0])];
    size_t count;
    if (!match_raw(span_str(pattern), path, parts, &count, ret_literal))
        return 0;
    for (size_t i = 0; i < count; i++) {
        int rc = http_decode(parts[i], false, arena, &out->part[i], err);
        if (rc < 0)
            return err_in(err, "path");
    }
    out->part_count = count;
    return 1;
}

struct span http_query(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++) {
        if (span_is(request->query[i].name, name))
            return request->query[i].value;
    }
    return SPAN_LIT("");
}

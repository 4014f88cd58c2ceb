#include "base/json.h"

#include "base/limits.h"
#include "base/utf8.h"

/*
 * jansson recurses into what is nested, so the depth is checked first, on the text: outside of strings every
 * opening bracket is a level. In malformed text the count may be off; jansson refuses that anyway.
 */
static int check_depth(struct span text, struct err *err)
{
    size_t depth = 0;
    bool inside = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"')
            inside = !inside;
        else if (inside && c == '\\')
            i++;
        else if (!inside && (c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX)
            return err_set(err, ERR_LIMIT, "JSON: byte %zu: nested deeper than %d levels", i, JSON_DEPTH_MAX);
        else if (!inside && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return 0;
}

json_t *json_small_load(struct span text, struct err *err)
{
    if (text.len > JSON_SMALL_MAX) {
        err_set(err, ERR_LIMIT, "JSON: %zu bytes, limit %u", text.len, JSON_SMALL_MAX);
        return NULL;
    }
    /* jansson passes over a NUL behind a number or literal. */
    size_t nul = span_find(text, '\0');
    if (nul != text.len) {
        err_set(err, ERR_SYNTAX, "JSON: byte %zu: NUL", nul);
        return NULL;
    }
    if (check_depth(text, err) < 0)
        return NULL;
    json_error_t reason = {.line = 0};
    /* Without the memory to begin, jansson leaves no code: then it is this one. */
    reason.text[JSON_ERROR_TEXT_LENGTH - 1] = (char)json_error_out_of_memory;
    const char *data = text.len ? (const char *)text.data : "";
    json_t *value = json_loadb(data, text.len, JSON_REJECT_DUPLICATES, &reason);
    if (value)
        return value;
    if (json_error_code(&reason) == json_error_out_of_memory) {
        err_memory(err);
        return NULL;
    }
    /* jansson quotes what it could not read. */
    char shown[4 * JSON_ERROR_TEXT_LENGTH];
    text_escape_into(shown, sizeof(shown), span_str(reason.text));
    err_set(err, ERR_SYNTAX, "JSON: byte %d: %s", reason.position, shown);
    return NULL;
}

static int dump_into(const char *data, size_t len, void *ctx)
{
    struct buf *out = ctx;
    buf_add(out, data, len);
    return out->failed ? -1 : 0;
}

int json_small_dump(const json_t *value, struct buf *out, struct err *err)
{
    if (json_dump_callback(value, dump_into, out, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) == 0)
        return 0;
    if (buf_check(out, "JSON", err) < 0)
        return err->code;
    return err_set(err, ERR_SYNTAX, "JSON: a value that has no text");
}

int json_small_string(const json_t *object, const char *key, const char *fallback, const char **ret, struct err *err)
{
    json_t *value = json_object_get(object, key);
    if (value && !json_is_string(value))
        return err_set(err, ERR_SYNTAX, "JSON: \"%s\" is no string", key);
    *ret = value ? json_string_value(value) : fallback;
    return 0;
}

static void add_escaped(struct buf *out, uint8_t c)
{
    switch (c) {
    case '"':
        buf_str(out, "\\\"");
        break;
    case '\\':
        buf_str(out, "\\\\");
        break;
    case '\n':
        buf_str(out, "\\n");
        break;
    case '\r':
        buf_str(out, "\\r");
        break;
    case '\t':
        buf_str(out, "\\t");
        break;
    default:
        buf_fmt(out, "\\u%04x", c);
    }
}

void buf_json_string(struct buf *out, struct span text)
{
    buf_byte(out, '"');
    size_t plain = 0; /* where the bytes begin that go out as they are */
    for (size_t pos = 0, at = 0; pos < text.len; at = pos) {
        uint8_t c = text.data[at];
        bool malformed = utf8_next(text, &pos) == 0xFFFD && pos == at + 1;
        if (!malformed && c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(out, text.data + plain, at - plain);
        plain = pos;
        if (malformed)
            buf_str(out, "\xEF\xBF\xBD");
        else
            add_escaped(out, c);
    }
    buf_add(out, text.data ? text.data + plain : NULL, text.len - plain);
    buf_byte(out, '"');
}

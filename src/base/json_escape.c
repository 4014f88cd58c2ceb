#include "base/json_impl.h"

/* Value of a hexadecimal digit of either case, or -1. */
static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number in "\uXXXX" at `at`, or -1 if that is not there. */
static int32_t unit_at(struct span raw, size_t at)
{
    if (raw.len - at < 6 || raw.data[at] != '\\' || raw.data[at + 1] != 'u')
        return -1;
    int32_t unit = 0;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_digit(raw.data[at + i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool is_high(int32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(int32_t unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* Length of the escape at `at`, where a backslash stands; 0 if it is malformed. */
static size_t escape_len(struct span raw, size_t at)
{
    if (raw.len - at < 2)
        return 0;
    uint8_t kind = raw.data[at + 1];
    if (kind != 'u')
        return kind != '\0' && strchr("\"\\/bfnrt", kind) ? 2 : 0;
    int32_t unit = unit_at(raw, at);
    if (unit < 0 || is_low(unit))
        return 0;
    if (!is_high(unit))
        return 6;
    return raw.len - at >= 12 && is_low(unit_at(raw, at + 6)) ? 12 : 0;
}

size_t json_bad_escape(struct span raw)
{
    for (size_t at = 0;;) {
        at += span_find(span_sub(raw, at, SIZE_MAX), '\\');
        if (at == raw.len)
            return at;
        size_t len = escape_len(raw, at);
        if (len == 0)
            return at;
        at += len;
    }
}

static size_t put_utf8(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3F));
    out[0] = (uint8_t)(lead[len] | code);
    return len;
}

static uint8_t short_escape(uint8_t kind)
{
    switch (kind) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return kind; /* quote, backslash, slash */
    }
}

size_t json_unescape(struct span raw, uint8_t *out)
{
    size_t at = 0, len = 0;
    while (at < raw.len) {
        size_t plain = span_find(span_sub(raw, at, SIZE_MAX), '\\');
        memcpy(out + len, raw.data + at, plain);
        len += plain;
        at += plain;
        if (at == raw.len)
            break;
        int32_t unit = unit_at(raw, at);
        if (unit < 0) {
            out[len++] = short_escape(raw.data[at + 1]);
            at += 2;
        } else if (is_high(unit)) {
            uint32_t low = (uint32_t)unit_at(raw, at + 6) & 0x3FF;
            len += put_utf8(0x10000 + (((uint32_t)unit & 0x3FF) << 10 | low), out + len);
            at += 12;
        } else {
            len += put_utf8((uint32_t)unit, out + len);
            at += 6;
        }
    }
    return len;
}

#include "sweep/url.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int url_hex_pair(struct span text, size_t pos)
{
    if (pos >= text.len || text.len - pos < 2)
        return -1;
    int high = hex_digit(text.data[pos]), low = hex_digit(text.data[pos + 1]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_unreserved(int c)
{
    int folded = c | 0x20;
    return (folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

static size_t escape(int value, uint8_t out[3])
{
    static const char digits[] = "0123456789ABCDEF";
    out[0] = '%';
    out[1] = (uint8_t)digits[value >> 4];
    out[2] = (uint8_t)digits[value & 15];
    return 3;
}

/* Bytes that RFC 3986 does not allow, or only as part of an escape; control characters are refused before. */
static const bool escaped_bytes[256] = {
    [' '] = true, ['"'] = true, ['<'] = true, ['>'] = true, ['\\'] = true,        ['^'] = true,
    ['`'] = true, ['{'] = true, ['|'] = true, ['}'] = true, [128 ... 255] = true,
};

size_t url_unit(struct span text, size_t pos, uint8_t out[3], size_t *ret_len)
{
    uint8_t c = text.data[pos];
    if (c < 0x20 || c == 0x7f)
        return 0;
    if (c == '%') {
        int value = url_hex_pair(text, pos + 1);
        if (value >= 0 && is_unreserved(value)) {
            out[0] = (uint8_t)value;
            *ret_len = 1;
        } else {
            *ret_len = escape(value < 0 ? '%' : value, out);
        }
        return value < 0 ? 1 : 3;
    }
    if (escaped_bytes[c]) {
        *ret_len = escape(c, out);
        return 1;
    }
    out[0] = c;
    *ret_len = 1;
    return 1;
}

size_t url_path_at(struct span canonical)
{
    return span_find(canonical, '/');
}

struct span url_host(struct span canonical)
{
    size_t end = url_path_at(canonical);
    if (canonical.len && canonical.data[0] == '[')
        return span_sub(canonical, 0, span_find(canonical, ']') + 1);
    size_t colon = span_find(span_sub(canonical, 0, end), ':');
    return span_sub(canonical, 0, colon);
}

#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>

#include "base/json_impl.h"

#define REPLACEMENT 0xFFFDu
#define PIECE_MAX 16 /* bytes: the longest escape is \u{10FFFF} */
#define ELLIPSIS "\xE2\x80\xA6"

bool utf8_valid(struct span text)
{
    return text.len == 0 || simd_utf8_valid((const char *)text.data, text.len);
}

bool utf16_marked(struct span text)
{
    return span_starts(text, SPAN_LIT("\xff\xfe")) || span_starts(text, SPAN_LIT("\xfe\xff"));
}

/* Length of the well-formed sequence at `in` and its code point, or 0 (Unicode, table 3-7). */
static size_t decode(const uint8_t *in, size_t left, uint32_t *code)
{
    uint8_t lead = in[0];
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    size_t len = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || left < len)
        return 0;
    /* The second byte's range is narrower behind some leads: overlong forms, surrogates, above U+10FFFF. */
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (in[1] < low || in[1] > high)
        return 0;
    uint32_t value = (lead & (0xFFu >> (len + 1))) << 6 | (in[1] & 0x3Fu);
    for (size_t i = 2; i < len; i++) {
        if ((in[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (in[i] & 0x3Fu);
    }
    *code = value;
    return len;
}

uint32_t utf8_next(struct span text, size_t *pos)
{
    assert(*pos < text.len);
    uint32_t code;
    size_t len = decode(text.data + *pos, text.len - *pos, &code);
    *pos += len ? len : 1;
    return len ? code : REPLACEMENT;
}

/* Characters that would move, hide or reorder what stands around them on a terminal. */
static bool is_harmful(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/* What stands for the character at *pos, which is passed; its length. */
static size_t next_piece(struct span text, size_t *pos, char piece[PIECE_MAX])
{
    const uint8_t *in = text.data + *pos;
    uint32_t code = 0;
    size_t len = decode(in, text.len - *pos, &code);
    *pos += len ? len : 1;
    if (len > 0 && !is_harmful(code)) {
        memcpy(piece, in, len);
        return len;
    }
    bool is_byte = len == 0 || code < 0x80;
    int written = snprintf(piece, PIECE_MAX, is_byte ? "\\x%02X" : "\\u{%04X}", is_byte ? in[0] : code);
    return (size_t)written;
}

void text_escape(struct buf *out, struct span text, size_t max)
{
    for (size_t pos = 0; pos < text.len;) {
        char piece[PIECE_MAX];
        size_t after = pos, len = next_piece(text, &after, piece);
        if (after > max) {
            buf_str(out, ELLIPSIS);
            return;
        }
        buf_add(out, piece, len);
        pos = after;
    }
}

char *text_escape_into(char *out, size_t size, struct span text)
{
    assert(size > 0);
    const size_t mark = sizeof(ELLIPSIS) - 1;
    size_t len = 0, cut = 0; /* `cut`: the last place where the ellipsis still fits */
    for (size_t pos = 0; pos < text.len;) {
        char piece[PIECE_MAX];
        size_t piece_len = next_piece(text, &pos, piece);
        if (len + piece_len >= size) {
            len = cut;
            if (cut + mark < size) {
                memcpy(out + cut, ELLIPSIS, mark);
                len += mark;
            }
            break;
        }
        memcpy(out + len, piece, piece_len);
        len += piece_len;
        if (len + mark < size)
            cut = len;
    }
    out[len] = '\0';
    return out;
}

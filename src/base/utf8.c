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

/*
 * Characters that would move, hide or reorder what stands around them, or that nobody sees, so that two names look the same and
 * are not. The joiners U+200C and U+200D and variation selectors stay: scripts and emoji are written with them.
 */
static bool is_harmful(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } harmful[] = {
        {0x00, 0x1F},     {0x7F, 0x9F},       {0xAD, 0xAD},       {0x034F, 0x034F},   {0x061C, 0x061C},
        {0x115F, 0x1160}, {0x17B4, 0x17B5},   {0x180E, 0x180E},   {0x200B, 0x200B},   {0x200E, 0x200F},
        {0x2028, 0x202E}, {0x2060, 0x206F},   {0x3164, 0x3164},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
        {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    };
    if (code > 0x1F && code < 0x7F)
        return false;
    for (size_t i = 0; i < sizeof(harmful) / sizeof(harmful[0]) && code >= harmful[i].first; i++)
        if (code <= harmful[i].last)
            return true;
    return false;
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

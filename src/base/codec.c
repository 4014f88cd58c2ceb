#include "base/codec.h"

static const char HEX[] = "0123456789abcdef";
static const char BASE32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(const void *data, size_t len, char *out)
{
    const uint8_t *in = data;
    for (size_t i = 0; i < len; i++) {
        *out++ = HEX[in[i] >> 4];
        *out++ = HEX[in[i] & 15];
    }
    *out = '\0';
}

void base32_encode(const void *data, size_t len, char *out)
{
    const uint8_t *in = data;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | in[i]) & 0xFFFF;
        for (have += 8; have >= 5; have -= 5)
            *out++ = BASE32[bits >> (have - 5) & 31];
    }
    if (have > 0)
        *out++ = BASE32[bits << (5 - have) & 31];
    *out = '\0';
}

void base64_encode(const void *data, size_t len, char *out)
{
    const uint8_t *in = data;
    for (; len >= 3; in += 3, len -= 3) {
        uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *out++ = BASE64[bits >> 18];
        *out++ = BASE64[bits >> 12 & 63];
        *out++ = BASE64[bits >> 6 & 63];
        *out++ = BASE64[bits & 63];
    }
    if (len > 0) {
        uint32_t bits = (uint32_t)in[0] << 16 | (len == 2 ? (uint32_t)in[1] << 8 : 0);
        *out++ = BASE64[bits >> 18];
        *out++ = BASE64[bits >> 12 & 63];
        *out++ = len == 2 ? BASE64[bits >> 6 & 63] : '=';
        *out++ = '=';
    }
    *out = '\0';
}

/* One more than the value of a digit; 0: no digit. Seals are decoded by the million, and random digits defeat branches. */
static const uint8_t HEX_PLUS[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

/* The value of a character, or -1. */
static int base32_value(uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool hex_decode(struct span text, void *out, size_t len)
{
    if (len > SIZE_MAX / 2 || text.len != HEX_LEN(len))
        return false;
    uint8_t *to = out;
    unsigned wrong = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned high = HEX_PLUS[text.data[2 * i]], low = HEX_PLUS[text.data[2 * i + 1]];
        wrong |= (high == 0) | (low == 0);
        to[i] = (uint8_t)((high - 1) << 4 | ((low - 1) & 15));
    }
    return !wrong;
}

bool base32_decode(struct span text, void *out, size_t len)
{
    if (len > SIZE_MAX / 16 || text.len != BASE32_LEN(len))
        return false;
    uint8_t *to = out;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = base32_value(text.data[i]);
        if (value < 0)
            return false;
        bits = (bits << 5 | (uint32_t)value) & 0xFFF;
        have += 5;
        if (have >= 8) {
            have -= 8;
            *to++ = (uint8_t)(bits >> have);
        }
    }
    return (bits & ((1u << have) - 1)) == 0;
}

/* One group of four characters with `pad` of them "="; 3 - pad bytes. */
static bool base64_group(const uint8_t *in, unsigned pad, uint8_t *out)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < 4; i++) {
        int value = i < 4 - pad ? base64_value(in[i]) : 0;
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    if (pad > 0 && (bits & ((1u << (8 * pad)) - 1)) != 0)
        return false;
    for (unsigned i = 0; i < 3 - pad; i++)
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    return true;
}

/* Padding characters at the end of text that is a multiple of four long. */
static unsigned base64_pad(struct span text)
{
    if (text.len == 0 || text.data[text.len - 1] != '=')
        return 0;
    return text.data[text.len - 2] == '=' ? 2 : 1;
}

/* `out` may be NULL: then the form alone is checked. */
static bool base64_groups(struct span text, uint8_t *out)
{
    unsigned pad = base64_pad(text);
    for (size_t i = 0; i < text.len; i += 4) {
        uint8_t bytes[3];
        unsigned here = i + 4 == text.len ? pad : 0;
        if (!base64_group(text.data + i, here, bytes))
            return false;
        if (out)
            memcpy(out + i / 4 * 3, bytes, 3 - here);
    }
    return true;
}

bool base64_check(struct span text, size_t *ret_len)
{
    if (text.len % 4 != 0 || !base64_groups(text, NULL))
        return false;
    *ret_len = text.len / 4 * 3 - base64_pad(text);
    return true;
}

bool base64_decode_any(struct span text, size_t max, uint8_t *out, size_t *ret_len)
{
    if (text.len % 4 != 0)
        return false;
    size_t len = text.len / 4 * 3 - base64_pad(text);
    if (len > max || !base64_groups(text, out))
        return false;
    *ret_len = len;
    return true;
}

bool base64_decode(struct span text, void *out, size_t len)
{
    size_t got;
    return text.len == BASE64_LEN(len) && base64_decode_any(text, len, out, &got) && got == len;
}

void buf_hex(struct buf *buf, const void *data, size_t len)
{
    const uint8_t *in = data;
    uint8_t *room = buf_room(buf, HEX_LEN(len));
    for (size_t i = 0; room && i < len; i++) {
        *room++ = (uint8_t)HEX[in[i] >> 4];
        *room++ = (uint8_t)HEX[in[i] & 15];
    }
}

void buf_base64(struct buf *buf, const void *data, size_t len)
{
    /* The encoder's NUL falls on the byte that a buffer always keeps behind its content. */
    char *room = (char *)buf_room(buf, BASE64_LEN(len));
    if (room)
        base64_encode(data, len, room);
}

#include "record/member.h"

#include "base/codec.h"
#include "base/sha256.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>

#define HASH_CHARS BASE32_LEN(TLOG_HASH_SIZE)
#define SHORT_CHARS 4

_Static_assert(ORIGIN_MAX == ORIGIN_NAME_MAX + 1 + 52, "an origin's longest form");

static bool nfc(struct span text)
{
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t len =
        utf8proc_map(text.data, (utf8proc_ssize_t)text.len, &composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    bool same = len >= 0 && span_eq(text, span_of(composed, (size_t)len));
    free(composed);
    return same;
}

static bool name_mark(uint32_t point)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)point);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC;
}

static bool name_character(uint32_t point)
{
    if (point < 0x80)
        return (point >= 'a' && point <= 'z') || (point >= '0' && point <= '9') || point == '.' || point == '-';
    switch (utf8proc_category((utf8proc_int32_t)point)) {
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
        return true;
    default:
        return name_mark(point);
    }
}

static bool separator(uint8_t c)
{
    return c == '.' || c == '-';
}

bool member_name_valid(struct span name)
{
    if (name.len == 0 || name.len > ORIGIN_NAME_MAX || !utf8_valid(name))
        return false;
    if (separator(name.data[0]) || separator(name.data[name.len - 1]) || span_search(name, SPAN_LIT("..")) < name.len)
        return false;
    bool ascii = true; /* which is NFC */
    for (size_t pos = 0; pos < name.len;) {
        bool first = pos == 0;
        uint32_t point = utf8_next(name, &pos);
        ascii &= point < 0x80;
        if (!name_character(point) || (first && name_mark(point)))
            return false;
    }
    return ascii || nfc(name);
}

int origin_make(struct span name, struct span entry0, char *out, struct err *err)
{
    if (!member_name_valid(name)) {
        char shown[ORIGIN_NAME_MAX];
        return err_set(err, ERR_SYNTAX,
                       "name \"%s\": expected 1 to %d bytes of lower-case letters, digits, '.' and '-' between them",
                       text_escape_into(shown, sizeof(shown), name), ORIGIN_NAME_MAX);
    }
    if (entry0.len > ENTRY0_MAX)
        return err_set(err, ERR_LIMIT, "entry 0 has %zu bytes, limit %d", entry0.len, ENTRY0_MAX);
    struct tlog_hash leaf;
    tlog_leaf_hash(entry0, &leaf);
    memcpy(out, name.data, name.len);
    out[name.len] = '/';
    base32_encode(leaf.b, sizeof(leaf.b), out + name.len + 1);
    return 0;
}

bool origin_valid(struct span origin)
{
    uint8_t hash[TLOG_HASH_SIZE];
    if (origin.len < 1 + 1 + HASH_CHARS || origin.len > ORIGIN_MAX)
        return false;
    size_t slash = origin.len - HASH_CHARS - 1;
    return origin.data[slash] == '/' && base32_decode(span_sub(origin, slash + 1, HASH_CHARS), hash, sizeof(hash)) &&
           member_name_valid(span_sub(origin, 0, slash));
}

void origin_hash(struct span origin, uint8_t out[32])
{
    sha256_once(origin, out);
}

void origin_short(struct span origin, char *out)
{
    if (!origin_valid(origin)) {
        text_escape_into(out, ORIGIN_MAX + 1, origin);
        return;
    }
    size_t keep = origin.len - HASH_CHARS + SHORT_CHARS;
    memcpy(out, origin.data, keep);
    memcpy(out + keep, "…", sizeof("…"));
}

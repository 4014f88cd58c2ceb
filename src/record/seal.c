#include "record/seal.h"

#include "base/codec.h"
#include "base/reader.h"
#include "base/sha256.h"

#include <assert.h>

#define SEAL_HEAD "tongzhou/1 seal\n"
#define SEAL_NAME "sha256 "
#define HASH_AT (sizeof(SEAL_HEAD) - 1 + sizeof(SEAL_NAME) - 1)

_Static_assert(HASH_AT + 2 * SHA256_SIZE + 2 == SEAL_ENTRY_LEN, "a seal's length");

void seal_hash(struct span origin, const uint8_t salt[SEAL_SALT], struct span payload, uint8_t out[32])
{
    const uint8_t length[2] = {(uint8_t)(origin.len >> 8), (uint8_t)origin.len};
    struct sha256 ctx;
    sha256_init(&ctx);
    sha256_add(&ctx, SPAN_LIT(SEAL_HEAD));
    sha256_add(&ctx, span_of(length, sizeof(length)));
    sha256_add(&ctx, origin);
    sha256_add(&ctx, span_of(salt, SEAL_SALT));
    sha256_add(&ctx, payload);
    sha256_end(&ctx, out);
}

void seal_write(const uint8_t hash[32], uint8_t out[SEAL_ENTRY_LEN])
{
    char hex[HEX_LEN(SHA256_SIZE) + 1];
    hex_encode(hash, SHA256_SIZE, hex);
    memcpy(out, SEAL_HEAD SEAL_NAME, HASH_AT);
    memcpy(out + HASH_AT, hex, HEX_LEN(SHA256_SIZE));
    memcpy(out + HASH_AT + HEX_LEN(SHA256_SIZE), "\n\n", 2);
}

bool seal_parse(struct span entry, uint8_t ret_hash[32])
{
    return entry.len == SEAL_ENTRY_LEN && span_starts(entry, SPAN_LIT(SEAL_HEAD SEAL_NAME)) &&
           memcmp(entry.data + SEAL_ENTRY_LEN - 2, "\n\n", 2) == 0 &&
           hex_decode(span_sub(entry, HASH_AT, HEX_LEN(SHA256_SIZE)), ret_hash, SHA256_SIZE);
}

int seal_check(struct span origin, struct span entry, struct span salt, struct span payload, struct err *err)
{
    uint8_t sealed[SHA256_SIZE], found[SHA256_SIZE];
    if (!seal_parse(entry, sealed))
        return err_set(err, ERR_SYNTAX, "the entry is no seal");
    if (salt.len != SEAL_SALT)
        return err_set(err, ERR_VERIFY, "seal: salt of %zu bytes, expected %d", salt.len, SEAL_SALT);
    seal_hash(origin, salt.data, payload, found);
    if (memcmp(sealed, found, SHA256_SIZE) != 0)
        return err_set(err, ERR_VERIFY, "seal: payload and salt do not have the hash that the entry commits to");
    return 0;
}

void payload_add(struct buf *out, struct span salt, struct span payload)
{
    assert(salt.len == SEAL_SALT && payload.len <= PAYLOAD_MAX);
    buf_u32(out, (uint32_t)(salt.len + payload.len));
    buf_span(out, salt);
    buf_span(out, payload);
}

void payload_add_hole(struct buf *out)
{
    buf_u32(out, 0);
}

int payload_next(struct payload_reader *reader, struct payload_item *ret, struct err *err)
{
    if (reader->pos >= reader->bundle.len)
        return 0;
    struct reader r;
    reader_init(&r, span_sub(reader->bundle, reader->pos, reader->bundle.len));
    uint32_t len = reader_u32(&r);
    if (!r.failed && len > SEAL_SALT + PAYLOAD_MAX)
        return err_set(err, ERR_LIMIT, "payload bundle: byte %zu: an item of %u bytes, limit %u", reader->pos, len,
                       SEAL_SALT + PAYLOAD_MAX);
    if (!r.failed && len > 0 && len < SEAL_SALT)
        return err_set(err, ERR_SYNTAX, "payload bundle: byte %zu: an item of %u bytes, shorter than its salt of %d",
                       reader->pos, len, SEAL_SALT);
    struct span item = reader_bytes(&r, len);
    if (r.failed)
        return err_set(err, ERR_SYNTAX, "payload bundle: byte %zu: an item of %u bytes, but only %zu are left",
                       reader->pos, len, reader->bundle.len - reader->pos);
    ret->hole = len == 0;
    ret->salt = span_sub(item, 0, len == 0 ? 0 : SEAL_SALT);
    ret->payload = span_sub(item, ret->salt.len, item.len);
    ret->raw = span_sub(reader->bundle, reader->pos, sizeof(uint32_t) + len);
    reader->pos += sizeof(uint32_t) + len;
    return 1;
}

/* Deterministic ids: UUID version 5 (RFC 9562 section 5.5). */
#include "security/intel.h"

#include <stdio.h>

#include "base/codec.h"

/* Deprecated in OpenSSL 3, not removed; what a version 5 UUID needs is no secure hash. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#define UUID_SIZE 16

/* RFC 9562 section 6.6: the namespace of URLs. */
static const uint8_t url_namespace[UUID_SIZE] = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                                 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

/* The name comes in up to three parts. */
static void uuid5(const uint8_t space[UUID_SIZE], struct span a, struct span b, struct span c, uint8_t out[UUID_SIZE])
{
    SHA_CTX ctx;
    uint8_t hash[SHA_DIGEST_LENGTH];
    SHA1_Init(&ctx);
    SHA1_Update(&ctx, space, UUID_SIZE);
    SHA1_Update(&ctx, a.data, a.len);
    SHA1_Update(&ctx, b.data, b.len);
    SHA1_Update(&ctx, c.data, c.len);
    SHA1_Final(hash, &ctx);
    memcpy(out, hash, UUID_SIZE);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x50);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

static void uuid_format(const uint8_t uuid[UUID_SIZE], char out[37])
{
    char hex[HEX_LEN(UUID_SIZE) + 1];
    hex_encode(uuid, UUID_SIZE, hex);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

void stix_indicator_id(struct span origin, enum ioc_type type, struct span value, char out[STIX_ID_MAX])
{
    uint8_t space[UUID_SIZE], uuid[UUID_SIZE];
    char text[37];
    uuid5(url_namespace, origin, SPAN_LIT(""), SPAN_LIT(""), space);
    uuid5(space, span_str(ioc_type_word(type)), SPAN_LIT(":"), value, uuid);
    uuid_format(uuid, text);
    snprintf(out, STIX_ID_MAX, "indicator--%s", text);
}

void stix_bundle_id(const uint8_t content_hash[32], char out[STIX_ID_MAX])
{
    uint8_t space[UUID_SIZE], uuid[UUID_SIZE];
    char text[37];
    uuid5(url_namespace, SPAN_LIT("tongzhou/1 bundle"), SPAN_LIT(""), SPAN_LIT(""), space);
    uuid5(space, span_of(content_hash, 32), SPAN_LIT(""), SPAN_LIT(""), uuid);
    uuid_format(uuid, text);
    snprintf(out, STIX_ID_MAX, "bundle--%s", text);
}

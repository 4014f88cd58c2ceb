#include "security/read_uuid.h"

/* Deprecated in OpenSSL 3, not removed; a version 5 UUID needs no secure hash. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

void uuid5(const uint8_t space[16], struct span name, char out[UUID_TEXT + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[SHA_DIGEST_LENGTH];
    SHA_CTX ctx;
    SHA1_Init(&ctx);
    SHA1_Update(&ctx, space, 16);
    SHA1_Update(&ctx, name.data, name.len);
    SHA1_Final(hash, &ctx);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x50);
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[hash[i] >> 4];
        *out++ = digits[hash[i] & 15];
    }
    *out = 0;
}

bool uuid_valid(struct span text)
{
    if (text.len != UUID_TEXT)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i] | 0x20;
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text.data[i] != '-' : !((c >= '0' && c <= '9' && text.data[i] <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

void uuid_lower(struct span text, char out[UUID_TEXT + 1])
{
    for (size_t i = 0; i < UUID_TEXT; i++)
        out[i] = (char)(text.data[i] >= 'A' && text.data[i] <= 'F' ? text.data[i] | 0x20 : text.data[i]);
    out[UUID_TEXT] = 0;
}

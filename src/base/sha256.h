/* SHA-256 by libcrypto, which uses the processor's SHA instructions. */
#ifndef TONGZHOU_BASE_SHA256_H
#define TONGZHOU_BASE_SHA256_H

#include "base/span.h"

#define SHA256_SIZE 32

struct sha256 {
    uint64_t opaque[16]; /* room for libcrypto's SHA256_CTX, checked where it is used */
};

void sha256_init(struct sha256 *ctx);
void sha256_add(struct sha256 *ctx, struct span data);
void sha256_end(struct sha256 *ctx, uint8_t out[SHA256_SIZE]);

void sha256_once(struct span data, uint8_t out[SHA256_SIZE]);

#endif

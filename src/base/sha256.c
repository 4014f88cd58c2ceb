#include "base/sha256.h"

/*
 * The EVP interface allocates and looks up an algorithm a call, which costs more than hashing a 64-byte node;
 * a Merkle tree is made of those. The functions below are deprecated, not removed, in OpenSSL 3.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "struct sha256 must hold libcrypto's context");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct sha256), "struct sha256 must be aligned for it");

/* Only libcrypto looks into the context. */
static SHA256_CTX *inner(struct sha256 *ctx)
{
    void *opaque = ctx;
    return opaque;
}

void sha256_init(struct sha256 *ctx)
{
    SHA256_Init(inner(ctx));
}

void sha256_add(struct sha256 *ctx, struct span data)
{
    if (data.len > 0)
        SHA256_Update(inner(ctx), data.data, data.len);
}

void sha256_end(struct sha256 *ctx, uint8_t out[SHA256_SIZE])
{
    SHA256_Final(out, inner(ctx));
}

void sha256_once(struct span data, uint8_t out[SHA256_SIZE])
{
    struct sha256 ctx;
    sha256_init(&ctx);
    sha256_add(&ctx, data);
    sha256_end(&ctx, out);
}

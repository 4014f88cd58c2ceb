#include "base/random.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint8_t hash_key[crypto_shorthash_KEYBYTES];

static void start(void)
{
    /* Nothing that needs randomness may go on without it. */
    if (sodium_init() < 0) {
        fputs("libsodium does not start: no source of random bytes\n", stderr);
        abort();
    }
    randombytes_buf(hash_key, sizeof(hash_key));
}

void random_bytes(void *out, size_t len)
{
    pthread_once(&once, start);
    randombytes_buf(out, len);
}

uint64_t random_hash(struct span data)
{
    pthread_once(&once, start);
    uint8_t out[crypto_shorthash_BYTES];
    crypto_shorthash(out, data.data ? data.data : out, data.len, hash_key);
    uint64_t hash;
    _Static_assert(sizeof(hash) == sizeof(out), "a 64-bit hash");
    memcpy(&hash, out, sizeof(hash));
    return hash;
}

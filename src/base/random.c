#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define LARGE 4096 /* bytes: from here on the kernel is asked for all at once */

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

/* libsodium asks the kernel for 256 bytes at a time: for the salts of a large batch that was 3 % of an import. */
static size_t random_large(uint8_t *out, size_t len)
{
    size_t done = 0;
    while (len - done > LARGE) {
        ssize_t n = getrandom(out + done, len - done, 0);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    return done;
}

void random_bytes(void *out, size_t len)
{
    pthread_once(&once, start);
    size_t done = random_large(out, len);
    randombytes_buf((uint8_t *)out + done, len - done);
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

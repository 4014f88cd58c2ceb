#include "tlog/note.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert(ED25519_PUBLIC == crypto_sign_PUBLICKEYBYTES, "libsodium's size");
_Static_assert(ED25519_SEED == crypto_sign_SEEDBYTES, "libsodium's size");
_Static_assert(ED25519_SIG == crypto_sign_BYTES, "libsodium's size");

/* libsodium asks to be initialised before anything else; doing so twice is harmless. */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
    if (sodium_init() < 0) {
        fputs("libsodium does not start\n", stderr);
        abort();
    }
}

void ed25519_keypair(const uint8_t seed[ED25519_SEED], uint8_t public_key[ED25519_PUBLIC])
{
    pthread_once(&once, start);
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(public_key, secret, seed);
    sodium_memzero(secret, sizeof(secret));
}

void ed25519_sign(struct span message, const uint8_t seed[ED25519_SEED], uint8_t sig[ED25519_SIG])
{
    pthread_once(&once, start);
    uint8_t secret[crypto_sign_SECRETKEYBYTES], public_key[ED25519_PUBLIC];
    crypto_sign_seed_keypair(public_key, secret, seed);
    crypto_sign_detached(sig, NULL, message.data, message.len, secret);
    sodium_memzero(secret, sizeof(secret));
}

bool ed25519_verify(struct span message, const uint8_t public_key[ED25519_PUBLIC], const uint8_t sig[ED25519_SIG])
{
    pthread_once(&once, start);
    return crypto_sign_verify_detached(sig, message.data, message.len, public_key) == 0;
}

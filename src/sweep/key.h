/*
 * Keys: the 64-bit hashes under which a set files its indicators. Part of the sweep.
 *
 * A name's key is built from the right, label by label, so that one walk over a name in a log yields the keys of
 * all names above it. The seed comes from the set's content: who knows a set cannot foresee the keys of the next one.
 */
#ifndef TONGZHOU_SWEEP_KEY_H
#define TONGZHOU_SWEEP_KEY_H

#include <endian.h>

#include "sweep/address.h"

#define KEY_PAD 8          /* readable bytes that key_bytes() needs behind what it hashes */
#define KEY_LEVELS_MAX 128 /* labels in a name of 253 bytes */

/* The two halves of the 128-bit product, folded: one multiplication mixes all bits. */
static inline uint64_t key_mix(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t middle = ah * bl + (al * bl >> 32);
    uint64_t other = al * bh + (uint32_t)middle;
    return (a * b) ^ (ah * bh + (middle >> 32) + (other >> 32));
#endif
}

static inline uint64_t key_load(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return le64toh(word);
}

/* Odd constants without structure: the first digits of the square roots of 2, 3, 5 and 7 behind the point. */
#define KEY_A UINT64_C(0x6a09e667f3bcc909)
#define KEY_B UINT64_C(0xbb67ae8584caa73b)
#define KEY_C UINT64_C(0x3c6ef372fe94f82b)
#define KEY_D UINT64_C(0xa54ff53a5f1d36f1)

/* Hash `len` bytes on top of `seed`. */
static inline uint64_t key_bytes(uint64_t seed, const uint8_t *p, size_t len)
{
    if (len <= 8) {
        uint64_t word = len ? key_load(p) & UINT64_MAX >> (64 - 8 * len) : 0;
        return key_mix(seed ^ word, KEY_A + (len << 1));
    }
    while (len > 16) {
        seed = key_mix(seed ^ key_load(p), KEY_B ^ key_load(p + 8));
        p += 16;
        len -= 16;
    }
    if (len <= 8)
        return key_mix(seed ^ (key_load(p) & UINT64_MAX >> (64 - 8 * len)), KEY_D + (len << 1));
    return key_mix(seed ^ key_load(p), (KEY_C + (len << 1)) ^ key_load(p + len - 8));
}

/* Each type has a seed of its own. */
static inline uint64_t key_seed(uint64_t seed, unsigned type)
{
    return seed + type * KEY_D;
}

static inline uint64_t key_ipv4(uint64_t type_seed, uint32_t address, unsigned bits)
{
    return key_mix(type_seed ^ ((uint64_t)address << 8 | bits), KEY_B);
}

/* On top of the address's own key. */
static inline uint64_t key_port(uint64_t ipv4_key, unsigned port)
{
    return key_mix(ipv4_key ^ port, KEY_C);
}

static inline uint64_t key_ipv6(uint64_t type_seed, struct ipv6 address, unsigned bits)
{
    return key_mix(key_mix(type_seed ^ address.high, KEY_A) ^ address.low, KEY_B + (bits << 1));
}

/* Byte by byte, so that every beginning of a URL has its key: finish with key_roll_end(). */
static inline uint64_t key_roll(uint64_t state, uint8_t byte)
{
    return (state ^ byte) * UINT64_C(0x100000001b3);
}

static inline uint64_t key_roll_end(uint64_t state)
{
    return key_mix(state, KEY_D);
}

/*
 * The keys of a name and of those above it, from its last two labels to the whole: levels[n - 1] is the name's own.
 * Needs KEY_PAD readable bytes behind the name. Returns n, or 0 for a single label, an empty one, or too many.
 */
size_t key_domain(uint64_t type_seed, const uint8_t *name, size_t len, uint64_t levels[KEY_LEVELS_MAX]);

#endif

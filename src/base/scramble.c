#include "base/scramble.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define HALF_BITS 31
#define HALF_MASK ((UINT64_C(1) << HALF_BITS) - 1)
#define ROUNDS 4

static uint64_t half_of(const uint8_t key[SCRAMBLE_KEY], struct span who, unsigned turn, uint64_t half)
{
    uint8_t text[5 + SCRAMBLE_WHO_MAX] = {(uint8_t)turn, (uint8_t)half, (uint8_t)(half >> 8), (uint8_t)(half >> 16),
                                          (uint8_t)(half >> 24)};
    uint8_t hash[crypto_shorthash_BYTES];
    size_t len = who.len < SCRAMBLE_WHO_MAX ? who.len : SCRAMBLE_WHO_MAX;
    if (len > 0)
        memcpy(text + 5, who.data, len);
    crypto_shorthash(hash, text, 5 + len, key);
    uint64_t value = 0;
    memcpy(&value, hash, sizeof(value));
    return value & HALF_MASK;
}

uint64_t scramble_hide(const uint8_t key[SCRAMBLE_KEY], struct span who, uint64_t number)
{
    assert(number < SCRAMBLE_LIMIT);
    uint64_t left = number >> HALF_BITS, right = number & HALF_MASK;
    for (unsigned turn = 0; turn < ROUNDS; turn++) {
        uint64_t next = left ^ half_of(key, who, turn, right);
        left = right;
        right = next;
    }
    return left << HALF_BITS | right;
}

uint64_t scramble_show(const uint8_t key[SCRAMBLE_KEY], struct span who, uint64_t hidden)
{
    assert(hidden < SCRAMBLE_LIMIT);
    uint64_t left = hidden >> HALF_BITS, right = hidden & HALF_MASK;
    for (unsigned turn = ROUNDS; turn-- > 0;) {
        uint64_t before = right ^ half_of(key, who, turn, left);
        right = left;
        left = before;
    }
    return left << HALF_BITS | right;
}

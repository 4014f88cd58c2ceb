/*
 * Numbers that are shown without telling what they count: a permutation of 0..2^62-1 under a key, another for each who it is
 * shown to. A four-round Feistel network over SipHash (Luby and Rackoff, 1988). It hides; it does not authenticate.
 */
#ifndef TONGZHOU_BASE_SCRAMBLE_H
#define TONGZHOU_BASE_SCRAMBLE_H

#include "base/span.h"

#define SCRAMBLE_KEY 16
#define SCRAMBLE_WHO_MAX 512 /* bytes that count */
#define SCRAMBLE_LIMIT (UINT64_C(1) << 62)

/* `number` is below SCRAMBLE_LIMIT, and so is the result; scramble_show is the way back. */
uint64_t scramble_hide(const uint8_t key[SCRAMBLE_KEY], struct span who, uint64_t number);
uint64_t scramble_show(const uint8_t key[SCRAMBLE_KEY], struct span who, uint64_t hidden);

#endif

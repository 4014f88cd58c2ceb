/* Random bytes from the kernel by libsodium, and the keyed hash for tables that hostile input fills. */
#ifndef TONGZHOU_BASE_RANDOM_H
#define TONGZHOU_BASE_RANDOM_H

#include "base/span.h"

void random_bytes(void *out, size_t len);

/* SipHash-2-4 under a key drawn once a process: for hash tables in memory, never stored. */
uint64_t random_hash(struct span data);

#endif

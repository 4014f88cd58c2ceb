/*
 * A map in memory from 64-bit hashes to 64-bit values: what was seen in this run. Keys come from random_hash or from
 * SHA-256, so nobody can make them collide in one slot.
 */
#ifndef TONGZHOU_SECURITY_IMPORT_MAP_H
#define TONGZHOU_SECURITY_IMPORT_MAP_H

#include "base/err.h"
#include "base/span.h"

struct import_map {
    struct import_slot *slots;
    size_t count, cap, max;
};

/* `max` entries at most. */
void import_map_init(struct import_map *map, size_t max);
void import_map_done(struct import_map *map);

/* The value of a key, to read or change; NULL if it is not there. Valid until the next addition. */
uint64_t *import_map_find(const struct import_map *map, uint64_t key);

/* Add or change. ERR_LIMIT, ERR_MEMORY. */
int import_map_put(struct import_map *map, uint64_t key, uint64_t value, struct err *err);

/* All entries in any order; `each` may change values. */
int import_map_each(struct import_map *map, int (*each)(void *ctx, uint64_t key, uint64_t *value, struct err *err),
                    void *ctx, struct err *err);

#endif

#include "security/import_map.h"

#include <stdlib.h>

/* Open addressing, linear probing; the low bits of the key choose the slot. Key 0 is an empty slot. */
struct import_slot {
    uint64_t key, value;
};

#define CAP_MIN 1024

void import_map_init(struct import_map *map, size_t max)
{
    *map = (struct import_map){.max = max};
}

void import_map_done(struct import_map *map)
{
    free(map->slots);
    *map = (struct import_map){0};
}

static struct import_slot *slot_of(const struct import_map *map, uint64_t key)
{
    size_t at = (size_t)key & (map->cap - 1);
    while (map->slots[at].key != 0 && map->slots[at].key != key)
        at = (at + 1) & (map->cap - 1);
    return &map->slots[at];
}

static uint64_t fix_key(uint64_t key)
{
    return key ? key : 1;
}

uint64_t *import_map_find(const struct import_map *map, uint64_t key)
{
    if (map->cap == 0)
        return NULL;
    struct import_slot *slot = slot_of(map, fix_key(key));
    return slot->key ? &slot->value : NULL;
}

static int grow(struct import_map *map, struct err *err)
{
    struct import_map larger = {.cap = map->cap ? 2 * map->cap : CAP_MIN, .max = map->max, .count = map->count};
    larger.slots = calloc(larger.cap, sizeof(*larger.slots));
    if (!larger.slots)
        return err_memory(err);
    for (size_t i = 0; i < map->cap; i++)
        if (map->slots[i].key)
            *slot_of(&larger, map->slots[i].key) = map->slots[i];
    free(map->slots);
    *map = larger;
    return 0;
}

int import_map_put(struct import_map *map, uint64_t key, uint64_t value, struct err *err)
{
    uint64_t *present = import_map_find(map, key);
    if (present) {
        *present = value;
        return 0;
    }
    if (map->count >= map->max)
        return err_set(err, ERR_LIMIT, "more than %zu things in one run", map->max);
    /* At most three quarters full. */
    int rc = 4 * (map->count + 1) > 3 * map->cap ? grow(map, err) : 0;
    if (rc < 0)
        return rc;
    *slot_of(map, fix_key(key)) = (struct import_slot){fix_key(key), value};
    map->count++;
    return 0;
}

int import_map_each(struct import_map *map, int (*each)(void *ctx, uint64_t key, uint64_t *value, struct err *err),
                    void *ctx, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < map->cap && rc == 0; i++)
        if (map->slots[i].key)
            rc = each(ctx, map->slots[i].key, &map->slots[i].value, err);
    return rc;
}

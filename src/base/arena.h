/* An arena: many small allocations, one free. Parse results live in their caller's arena. */
#ifndef TONGZHOU_BASE_ARENA_H
#define TONGZHOU_BASE_ARENA_H

#include "base/span.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used_bytes, max_bytes;
};

void arena_init(struct arena *arena, size_t max_bytes);
void arena_done(struct arena *arena);
void arena_clear(struct arena *arena); /* forget everything, keep one block */

/* Zeroed, aligned for any object; NULL when the maximum or memory is exhausted. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size); /* overflow-safe */
char *arena_strz(struct arena *arena, struct span text);           /* NUL-terminated copy */
struct span arena_copy(struct arena *arena, struct span text);     /* .data NULL on failure */

#endif

#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define ARENA_FIRST 4096       /* bytes of the first block: one small document */
#define ARENA_BLOCK (1u << 20) /* bytes up to which blocks double */

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *arena, size_t max_bytes)
{
    *arena = (struct arena){.max_bytes = max_bytes};
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_done(struct arena *arena)
{
    free_blocks(arena->blocks);
    arena->blocks = NULL;
    arena->used_bytes = 0;
}

void arena_clear(struct arena *arena)
{
    if (!arena->blocks)
        return;
    free_blocks(arena->blocks->next);
    arena->blocks->next = NULL;
    arena->blocks->used = 0;
    arena->used_bytes = 0;
}

static struct arena_block *add_block(struct arena *arena, size_t need)
{
    struct arena_block *top = arena->blocks;
    size_t size = top ? top->size : ARENA_FIRST / 2;
    size = size < ARENA_BLOCK ? 2 * size : ARENA_BLOCK;
    if (size < need)
        size = need;
    if (size > SIZE_MAX - sizeof(struct arena_block))
        return NULL;
    struct arena_block *block = malloc(sizeof(struct arena_block) + size);
    if (!block)
        return NULL;
    block->size = size;
    block->used = 0;
    block->next = top;
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    size_t need = size ? size : 1;
    if (need > SIZE_MAX - align)
        return NULL;
    need = (need + align - 1) / align * align;
    if (need > arena->max_bytes || arena->used_bytes > arena->max_bytes - need)
        return NULL;
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < need)
        block = add_block(arena, need);
    if (!block)
        return NULL;
    void *at = block->data + block->used;
    block->used += need;
    arena->used_bytes += need;
    return memset(at, 0, need);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    return arena_alloc(arena, total);
}

char *arena_strz(struct arena *arena, struct span text)
{
    if (text.len == SIZE_MAX)
        return NULL;
    char *copy = arena_alloc(arena, text.len + 1);
    if (copy && text.len > 0)
        memcpy(copy, text.data, text.len);
    return copy;
}

struct span arena_copy(struct arena *arena, struct span text)
{
    uint8_t *copy = arena_alloc(arena, text.len);
    if (!copy)
        return (struct span){0};
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    return span_of(copy, text.len);
}

#include "connect/listing.h"

#include <stdlib.h>

#include "base/random.h"
#include "connect/heads.h"

#define CAP_FIRST 1024

struct listed {
    uint64_t key;  /* of the hash: two logs that share it only look like one log met again */
    uint64_t size; /* the largest announced; 0: free */
};

static struct listed *slot_of(const struct listing *listing, uint64_t key)
{
    size_t at = (size_t)((key * listing->factor) >> 32) & (listing->cap - 1);
    while (listing->table[at].size != 0 && listing->table[at].key != key)
        at = (at + 1) & (listing->cap - 1);
    return &listing->table[at];
}

static int grow(struct listing *listing, struct err *err)
{
    struct listing grown = *listing;
    if (grown.cap == 0) {
        random_bytes(&grown.factor, sizeof(grown.factor));
        grown.factor |= 1;
    }
    grown.cap = grown.cap ? grown.cap * 2 : CAP_FIRST;
    grown.table = calloc(grown.cap, sizeof(*grown.table));
    if (!grown.table)
        return err_memory(err);
    for (size_t i = 0; i < listing->cap; i++)
        if (listing->table[i].size != 0)
            *slot_of(&grown, listing->table[i].key) = listing->table[i];
    free(listing->table);
    *listing = grown;
    return 0;
}

/* 1 if the line says something that this walk has not heard, else 0. */
static int line_take(struct listing *listing, const struct heads_line *line, struct err *err)
{
    uint64_t key;
    int code = 2 * (listing->count + 1) > listing->cap ? grow(listing, err) : 0;
    if (code < 0)
        return code;
    memcpy(&key, line->hash, sizeof(key));
    struct listed *slot = slot_of(listing, key);
    if (line->size <= slot->size)
        return 0;
    listing->count += slot->size == 0;
    *slot = (struct listed){key, line->size};
    return 1;
}

int listing_page(struct listing *listing, struct span answer, struct err *err)
{
    struct heads_reader reader;
    struct heads_line line;
    bool is_fresh = false;
    int code;
    heads_reader_init(&reader, answer);
    while ((code = heads_next(&reader, &line, err)) > 0) {
        code = line_take(listing, &line, err);
        if (code < 0)
            return code;
        is_fresh |= code > 0;
    }
    if (code < 0)
        return code;
    listing->fresh += is_fresh;
    listing->stale += !is_fresh;
    if (listing->stale > listing->fresh)
        return err_set(err, ERR_VERIFY, "heads: says there is more and gives nothing new");
    return listing->fresh + listing->stale < LISTING_PAGES_MAX && listing->count < LISTING_LOGS_MAX;
}

void listing_done(struct listing *listing)
{
    free(listing->table);
    *listing = (struct listing){0};
}

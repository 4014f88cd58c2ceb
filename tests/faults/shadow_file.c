#include "shadow_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void *grow(void *list, size_t *cap, size_t count, size_t size)
{
    if (count < *cap)
        return list;
    *cap = *cap ? 2 * *cap : 16;
    list = realloc(list, *cap * size);
    assert(list);
    return list;
}

/* ---- contents ---- */

void changes_forget(struct inode *inode)
{
    for (size_t i = 0; i < inode->count; i++)
        free(inode->changes[i].bytes);
    inode->count = 0;
}

static void bytes_length(struct bytes *bytes, size_t len)
{
    if (len > bytes->cap) {
        size_t cap = len + len / 2 + 4096;
        bytes->at = realloc(bytes->at, cap);
        assert(bytes->at);
        bytes->cap = cap;
    }
    if (len > bytes->len)
        memset(bytes->at + bytes->len, 0, len - bytes->len);
    bytes->len = len;
}

void bytes_set(struct bytes *bytes, const uint8_t *from, size_t len)
{
    bytes_length(bytes, len);
    if (len)
        memcpy(bytes->at, from, len);
}

void change_apply(struct bytes *bytes, const struct change *change)
{
    size_t len = change->len;
    if (change->kind == TAPE_LENGTH) {
        bytes_length(bytes, change->offset);
    } else if (change->kind == TAPE_WRITE) {
        if (change->offset + len > bytes->len)
            bytes_length(bytes, change->offset + len);
        memcpy(bytes->at + change->offset, change->bytes, len);
    } else if (change->offset < bytes->len) {
        len = change->offset + len > bytes->len ? bytes->len - change->offset : len;
        memset(bytes->at + change->offset, 0, len);
    }
}

void changes_apply(struct inode *inode)
{
    for (size_t i = 0; i < inode->count; i++)
        change_apply(&inode->synced_bytes, &inode->changes[i]);
    changes_forget(inode);
}

/* ---- what of it a power cut, or a failed sync, leaves ---- */

enum temper draw_temper(uint64_t *rng)
{
    return (enum temper)rng_below(rng, 4);
}

/* Of changes [0, count) those below the result have arrived. */
static size_t draw_moment(struct cut *cut, enum temper temper, size_t prefix, size_t count)
{
    switch (temper) {
    case ALL:
        return count;
    case NONE:
        return 0;
    case PREFIX:
        return prefix;
    default:
        return rng_one_in(cut->rng, 3) ? rng_below(cut->rng, count + 1) : rng_one_in(cut->rng, 2) ? 0 : count;
    }
}

/* The part of a change that lies in [from, to) of the file. */
static void sector_apply(uint8_t *sector, uint64_t from, uint64_t to, const struct change *change, int torn)
{
    uint64_t begin = change->offset > from ? change->offset : from, end = to;
    if (change->kind != TAPE_LENGTH && change->offset + change->len < end)
        end = change->offset + change->len;
    if (begin >= end)
        return;
    uint64_t middle = begin + (end - begin) / 2;
    if (torn == 1)
        end = middle;
    if (torn == 2)
        begin = middle;
    if (change->kind == TAPE_WRITE)
        memcpy(sector + (begin - from), change->bytes + (begin - change->offset), end - begin);
    else
        memset(sector + (begin - from), 0, end - begin);
}

static void cut_sector(struct cut *cut, struct inode *inode, enum temper temper, size_t prefix, uint64_t from,
                       uint64_t written, uint8_t *whole)
{
    uint64_t to = from + cut->sector;
    size_t moment = draw_moment(cut, temper, prefix, inode->count);
    uint8_t *sector = whole + from;
    if (from >= written)
        return;
    for (size_t i = 0; i < moment; i++)
        sector_apply(sector, from, to, &inode->changes[i], 0);
    bool torn = cut->torn && moment < inode->count && temper == ANY && rng_one_in(cut->rng, 4);
    if (torn)
        sector_apply(sector, from, to, &inode->changes[moment], 1 + (int)rng_below(cut->rng, 2));
}

/* The longest that the file ever was since it was synced. */
static uint64_t longest(const struct inode *inode)
{
    uint64_t most = inode->synced_bytes.len;
    for (size_t i = 0; i < inode->count; i++) {
        const struct change *c = &inode->changes[i];
        uint64_t end = c->kind == TAPE_LENGTH ? c->offset : c->kind == TAPE_WRITE ? c->offset + c->len : 0;
        most = end > most ? end : most;
    }
    return most;
}

static uint64_t length_at(const struct inode *inode, size_t moment)
{
    uint64_t len = inode->synced_bytes.len;
    for (size_t i = 0; i < moment; i++) {
        const struct change *c = &inode->changes[i];
        if (c->kind == TAPE_LENGTH)
            len = c->offset;
        else if (c->kind == TAPE_WRITE && c->offset + c->len > len)
            len = c->offset + c->len;
    }
    return len;
}

void cut_file(struct cut *cut, struct inode *inode, uint64_t length)
{
    if (inode->count == 0)
        return;
    struct bytes *synced = &inode->synced_bytes;
    enum temper temper = draw_temper(cut->rng);
    size_t prefix = rng_below(cut->rng, inode->count + 1);
    uint64_t most = longest(inode), room = (most / cut->sector + 1) * cut->sector;
    uint8_t *whole = calloc(1, room);
    assert(whole);
    if (cut->garbage)
        for (uint64_t i = synced->len; i < room; i++)
            whole[i] = (uint8_t)(rng_next(cut->rng) | 1);
    if (synced->len)
        memcpy(whole, synced->at, synced->len);
    for (uint64_t from = 0; from < room; from += cut->sector)
        cut_sector(cut, inode, temper, prefix, from, most, whole);
    if (length == UINT64_MAX)
        length = length_at(inode, draw_moment(cut, temper, prefix, inode->count));
    changes_forget(inode);
    bytes_set(synced, whole, length);
    free(whole);
}

struct cut draw_cut(uint64_t *rng)
{
    return (struct cut){.rng = rng,
                        .sector = rng_one_in(rng, 2) ? 512 : 4096,
                        .torn = rng_one_in(rng, 2),
                        .garbage = rng_one_in(rng, 3)};
}

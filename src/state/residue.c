#include "state/residue.h"

#include <sodium.h>
#include <stdlib.h>

/*
 * Pieces of 32 bytes at every 32nd byte: whatever stretch of 63 bytes is left contains one. A bitmap over a hash of a
 * piece's first 8 bytes says for nearly every position of a page in a nanosecond or two that no piece begins there.
 */
#define PIECE 32u
#define ITEM_LOOK 4096u
#define BITMAP_BITS 20
#define SCAN_BYTES (1u << 20)

struct residue {
    uint8_t (*pieces)[PIECE];
    size_t count, cap;
    bool unknown;
    uint64_t bitmap[(1u << BITMAP_BITS) / 64];
};

struct residue *residue_new(void)
{
    return calloc(1, sizeof(struct residue));
}

void residue_free(struct residue *residue)
{
    if (!residue)
        return;
    if (residue->pieces)
        sodium_memzero(residue->pieces, residue->cap * PIECE);
    free(residue->pieces);
    free(residue);
}

void residue_unknown(struct residue *residue)
{
    residue->unknown = true;
}

bool residue_is_unknown(const struct residue *residue)
{
    return residue->unknown;
}

static uint32_t piece_hash(const uint8_t *at)
{
    uint64_t first;
    memcpy(&first, at, sizeof first);
    return (uint32_t)((first * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - BITMAP_BITS));
}

/* Zeros and other runs of one byte tell nothing. */
static bool piece_plain(const uint8_t *piece)
{
    for (size_t i = 1; i < PIECE; i++)
        if (piece[i] != piece[0])
            return false;
    return true;
}

int residue_add(struct residue *residue, struct span item, struct err *err)
{
    if (!item.data)
        return 0;
    item = span_sub(item, 0, ITEM_LOOK);
    for (size_t at = 0; at + PIECE <= item.len; at += PIECE) {
        if (piece_plain(item.data + at))
            continue;
        if (residue->count == residue->cap) {
            size_t cap = residue->cap ? 2 * residue->cap : 128;
            uint8_t(*pieces)[PIECE] = malloc(cap * PIECE);
            if (!pieces)
                return err_memory(err);
            if (residue->pieces) {
                memcpy(pieces, residue->pieces, residue->count * PIECE);
                sodium_memzero(residue->pieces, residue->cap * PIECE);
            }
            free(residue->pieces);
            residue->pieces = pieces;
            residue->cap = cap;
        }
        memcpy(residue->pieces[residue->count++], item.data + at, PIECE);
        uint32_t hash = piece_hash(item.data + at);
        residue->bitmap[hash / 64] |= UINT64_C(1) << (hash % 64);
    }
    return 0;
}

static bool residue_in(const struct residue *residue, const uint8_t *from, const uint8_t *to)
{
    for (; to - from >= (ptrdiff_t)PIECE; from++) {
        uint32_t hash = piece_hash(from);
        if (!(residue->bitmap[hash / 64] >> (hash % 64) & 1))
            continue;
        for (size_t i = 0; i < residue->count; i++)
            if (memcmp(residue->pieces[i], from, PIECE) == 0)
                return true;
    }
    return false;
}

/* A page's unused space: SQLite file format, section 1.6, "B-tree Pages". Only table leaves hold rows. */
static bool page_has(const struct residue *residue, const uint8_t *page, size_t page_size, bool first)
{
    const uint8_t *head = first ? page + 100 : page;
    if (head[0] != 0x0d)
        return false;
    size_t cells = (size_t)head[3] << 8 | head[4], content = (size_t)head[5] << 8 | head[6];
    const uint8_t *from = head + 8 + 2 * cells, *to = page + (content ? content : 65536);
    if (to > page + page_size)
        to = page + page_size;
    return from < to && residue_in(residue, from, to);
}

int residue_scan(const struct residue *residue, sqlite3 *db, bool *ret_found, struct err *err)
{
    *ret_found = false;
    if (residue->count == 0)
        return 0;
    /* By SQLite's own descriptor: closing another one would drop the locks that this process holds on the file. */
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file || !file->pMethods ||
        file->pMethods->xFileSize(file, &size) != SQLITE_OK)
        return err_set(err, ERR_IO, "state.db: cannot be read for what erased payloads left");
    uint8_t head[18];
    if (size < 512 || file->pMethods->xRead(file, head, sizeof head, 0) != SQLITE_OK)
        return err_set(err, ERR_IO, "state.db: its first page cannot be read");
    size_t page_size = (size_t)head[16] << 8 | head[17];
    if (page_size == 1)
        page_size = 65536;
    if (page_size < 512)
        return err_set(err, ERR_IO, "state.db: page size of %zu bytes", page_size);
    uint8_t *bytes = malloc(SCAN_BYTES);
    if (!bytes)
        return err_memory(err);
    int rc = 0;
    for (sqlite3_int64 at = 0; at < size && !*ret_found && !rc;) {
        size_t part = size - at < (sqlite3_int64)SCAN_BYTES ? (size_t)(size - at) : SCAN_BYTES;
        if (file->pMethods->xRead(file, bytes, (int)part, at) != SQLITE_OK)
            rc = err_set(err, ERR_IO, "state.db: cannot be read at byte %lld", (long long)at);
        for (size_t page = 0; page + page_size <= part && !rc && !*ret_found; page += page_size)
            *ret_found = page_has(residue, bytes + page, page_size, at == 0 && page == 0);
        at += (sqlite3_int64)part;
    }
    free(bytes);
    return rc;
}

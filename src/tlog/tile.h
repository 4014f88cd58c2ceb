/* C2SP tlog-tiles v0.1.0: names of tiles and entry bundles, which of them a tree has, and what is in a bundle. */
#ifndef TONGZHOU_TLOG_TILE_H
#define TONGZHOU_TLOG_TILE_H

#include "base/buf.h"
#include "tlog/merkle.h"

#define TILE_LEVEL_MAX 63
#define TILE_LEVEL_ENTRIES (-1) /* tile/entries/... */
#define TILE_PATH_MAX 96        /* characters of a tile's path with its NUL */

struct tile {
    int level;      /* 0..63, or TILE_LEVEL_ENTRIES */
    uint64_t index; /* N */
    unsigned width; /* 1..256; 256 is a full tile, written without .p/ */
};

/* "tile/L/N[.p/W]" */
void tile_path(const struct tile *tile, char out[TILE_PATH_MAX]);

/* Exactly what tile_path writes, and nothing else (no leading zeros, no .p/256): false otherwise. */
bool tile_parse(struct span path, struct tile *out);

/* Width of tile (level, index) in a tree of `size`, 0 if it has none. Bundles: level TILE_LEVEL_ENTRIES. */
unsigned tile_width(int level, uint64_t index, uint64_t size);

/* Hashes (entries for TILE_LEVEL_ENTRIES) that a tree of `size` has at `level`: ⌊size / 256^level⌋. */
uint64_t tile_level_count(int level, uint64_t size);

/* Append u16 length and entry. ERR_LIMIT unless 1..ENTRY_MAX bytes. */
int bundle_add(struct buf *bundle, struct span entry, struct err *err);

/* Cursor over a bundle's entries: 1 and *ret_entry, 0 at the end, or ERR_SYNTAX for a length that lies. */
struct bundle_reader {
    struct span bundle;
    size_t pos;
};
int bundle_next(struct bundle_reader *reader, struct span *ret_entry, struct err *err);

#endif

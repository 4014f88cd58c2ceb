/* fuzz: tlog */
#include "tlog/tile.h"

#include <assert.h>

/* Entries read from a bundle build the same bundle; a tile's path that parses is the one that is written. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    struct tile tile;
    if (tile_parse(text, &tile)) {
        char path[TILE_PATH_MAX];
        tile_path(&tile, path);
        assert(span_is(text, path));
        assert(tile.width >= 1 && tile.width <= TILE_WIDTH);
        assert(tile_width(tile.level, tile.index, 0) == 0);
        (void)tile_width(tile.level, tile.index, UINT64_MAX);
    }

    struct bundle_reader reader = {text, 0};
    struct err err;
    struct span entry;
    struct buf again;
    buf_init(&again, size);
    int result;
    bool empty_entries = false;
    while ((result = bundle_next(&reader, &entry, &err)) == 1) {
        assert(entry.len <= ENTRY_MAX);
        empty_entries |= entry.len == 0;
        if (entry.len > 0) {
            int added = bundle_add(&again, entry, &err);
            assert(added == 0);
        }
    }
    assert(result == 0 || err.code == ERR_SYNTAX);
    if (result == 0 && !empty_entries)
        assert(span_eq(buf_view(&again), text));
    buf_done(&again);
    return 0;
}

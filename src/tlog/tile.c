#include "tlog/tile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define TILE_WIDTH_BITS 8

void tile_path(const struct tile *tile, char out[TILE_PATH_MAX])
{
    assert(tile->level >= TILE_LEVEL_ENTRIES && tile->level <= TILE_LEVEL_MAX);
    assert(tile->width >= 1 && tile->width <= TILE_WIDTH);
    /* Groups of three digits, from the last to the first. */
    unsigned groups[7];
    size_t count = 0;
    uint64_t index = tile->index;
    do {
        groups[count++] = (unsigned)(index % 1000);
        index /= 1000;
    } while (index > 0);

    int len = tile->level == TILE_LEVEL_ENTRIES ? snprintf(out, TILE_PATH_MAX, "tile/entries")
                                                : snprintf(out, TILE_PATH_MAX, "tile/%d", tile->level);
    while (count-- > 0)
        len += snprintf(out + len, TILE_PATH_MAX - (size_t)len, "/%s%03u", count > 0 ? "x" : "", groups[count]);
    if (tile->width < TILE_WIDTH)
        snprintf(out + len, TILE_PATH_MAX - (size_t)len, ".p/%u", tile->width);
}

/* The part of *rest up to the next slash, or all of it. */
static struct span next_part(struct span *rest)
{
    struct span part = span_sub(*rest, 0, span_find(*rest, '/'));
    *rest = span_sub(*rest, part.len + 1, SIZE_MAX);
    return part;
}

/* A number in any notation that has one: tile_parse compares the notation afterwards. */
static bool read_number(struct span digits, uint64_t *value)
{
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(*value, (uint64_t)10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(digits.data[i] - '0'), value))
            return false;
    }
    return digits.len > 0;
}

bool tile_parse(struct span path, struct tile *out)
{
    if (path.len >= TILE_PATH_MAX || memchr(path.data ? (const void *)path.data : "", '\0', path.len))
        return false;
    struct span rest = path;
    uint64_t level = 0, width = TILE_WIDTH;
    struct tile tile = {0};
    if (!span_is(next_part(&rest), "tile"))
        return false;
    struct span part = next_part(&rest);
    if (span_is(part, "entries"))
        tile.level = TILE_LEVEL_ENTRIES;
    else if (part.len <= 2 && read_number(part, &level) && level <= TILE_LEVEL_MAX)
        tile.level = (int)level;
    else
        return false;

    do {
        part = next_part(&rest);
        if (part.len == 4 && part.data[0] == 'x')
            part = span_sub(part, 1, 3);
        if (part.len == 5 && part.data[3] == '.' && part.data[4] == 'p') {
            width = 0;
            if (!read_number(rest, &width) || width > TILE_WIDTH)
                return false;
            part.len = 3;
            rest.len = 0;
        }
        if (part.len != 3 || !read_number(part, &tile.index))
            return false;
    } while (rest.len > 0);
    tile.width = (unsigned)width;
    if (tile.width < 1)
        return false;

    /* Each tile has one name. */
    char exact[TILE_PATH_MAX];
    tile_path(&tile, exact);
    if (!span_is(path, exact))
        return false;
    *out = tile;
    return true;
}

uint64_t tile_level_count(int level, uint64_t size)
{
    if (level == TILE_LEVEL_ENTRIES)
        return size;
    unsigned shift = (unsigned)level * TILE_WIDTH_BITS;
    return shift < 64 ? size >> shift : 0;
}

unsigned tile_width(int level, uint64_t index, uint64_t size)
{
    uint64_t count = tile_level_count(level, size), full = count / TILE_WIDTH;
    if (index < full)
        return TILE_WIDTH;
    return index == full ? (unsigned)(count % TILE_WIDTH) : 0;
}

int bundle_add(struct buf *bundle, struct span entry, struct err *err)
{
    if (entry.len < 1 || entry.len > ENTRY_MAX)
        return err_set(err, ERR_LIMIT, "entry: %zu bytes, allowed 1 to %d", entry.len, ENTRY_MAX);
    buf_u16(bundle, (uint16_t)entry.len);
    buf_span(bundle, entry);
    return buf_check(bundle, "entry bundle", err);
}

int bundle_next(struct bundle_reader *reader, struct span *ret_entry, struct err *err)
{
    size_t left = reader->bundle.len - reader->pos;
    if (left == 0)
        return 0;
    if (left < 2)
        return err_set(err, ERR_SYNTAX, "entry bundle: byte %zu: expected a length of two bytes", reader->pos);
    const uint8_t *at = reader->bundle.data + reader->pos;
    size_t len = (size_t)at[0] << 8 | at[1];
    if (len > left - 2)
        return err_set(err, ERR_SYNTAX, "entry bundle: byte %zu: entry of %zu bytes, %zu are left", reader->pos, len,
                       left - 2);
    *ret_entry = span_of(at + 2, len);
    reader->pos += 2 + len;
    return 1;
}

#include "state/internal.h"

#include <assert.h>
#include <fcntl.h>

void tile_root(struct tlog_hash *hashes, struct tlog_hash *ret)
{
    for (size_t width = TILE_WIDTH; width > 1; width /= 2)
        for (size_t i = 0; i < width / 2; i++)
            tlog_node_hash(&hashes[2 * i], &hashes[2 * i + 1], &hashes[i]);
    *ret = hashes[0];
}

/* 1: they were there. 0: none is, they have moved to the files. */
static int read_leaves(struct hash_source *source, uint64_t first, size_t count, struct tlog_hash *out, struct err *err)
{
    sqlite3_stmt *stmt = db_query(source->store, err, "SELECT leaf FROM tail WHERE ref >= ? AND ref < ? ORDER BY ref",
                                  "ii", RECORD_REF(source->number, first), RECORD_REF(source->number, first + count));
    if (!stmt)
        return err->code;
    size_t got = 0;
    int rc;
    while ((rc = db_step(source->store, stmt, err)) == 1 && got < count) {
        struct span leaf = db_span(stmt, 0);
        if (leaf.len != TLOG_HASH_SIZE)
            break;
        memcpy(out[got++].b, leaf.data, TLOG_HASH_SIZE);
    }
    db_end(stmt);
    if (rc < 0)
        return rc;
    if (got != 0 && got != count)
        return err_set(err, ERR_IO, "log %lld: %zu of %zu leaf hashes are in state.db", (long long)source->number, got,
                       count);
    return got == count;
}

static int source_read(void *ctx, unsigned level, uint64_t first, size_t count, struct tlog_hash *out, struct err *err)
{
    struct hash_source *source = ctx;
    if (level >= FILE_LEVELS)
        return err_set(err, ERR_LIMIT, "tile level %u, at most %d here", level, FILE_LEVELS - 1);
    struct log_row row;
    int rc = row_load(source->store, source->number, &row, err);
    while (!rc && count > 0) {
        size_t part = count;
        if (level == 0 && first < source->full && source->full - first < part)
            part = (size_t)(source->full - first);
        if (level == 0 && first >= source->full) {
            /* At most one tile at a time, for tiles move from rows to files as a whole. */
            if (TILE_WIDTH - first % TILE_WIDTH < part)
                part = TILE_WIDTH - first % TILE_WIDTH;
            rc = read_leaves(source, first, part, out, err);
        }
        if (rc == 0)
            rc = file_read(source->store, &row, FILE_HASHES + (int)level, out, part * TLOG_HASH_SIZE,
                           first * TLOG_HASH_SIZE, err);
        if (rc > 0)
            rc = 0;
        out += part;
        first += part;
        count -= part;
    }
    return rc;
}

int row_source(struct store *store, const struct log_row *row, struct tlog_source *ret, struct err *err)
{
    (void)err;
    store->source = (struct hash_source){store, row->info.number, row_full(row)};
    *ret = (struct tlog_source){source_read, &store->source};
    return 0;
}

int row_leaf(struct store *store, const struct log_row *row, uint64_t index, struct tlog_hash *ret, struct err *err)
{
    /* Not the handle's own source: that one may be another log's now. */
    struct hash_source source = {store, row->info.number, row_full(row)};
    return source_read(&source, 0, index, 1, ret, err);
}

int row_root(struct store *store, const struct log_row *row, uint64_t size, struct tlog_hash *ret, struct err *err)
{
    struct tlog_source source;
    int rc = row_source(store, row, &source, err);
    return rc ? rc : tlog_root(&source, size, ret, err);
}

int store_source(struct store *store, int64_t number, struct tlog_source *ret, struct err *err)
{
    struct log_row row;
    int rc = row_load(store, number, &row, err);
    return rc ? rc : row_source(store, &row, ret, err);
}

int store_staged_root(struct store *store, int64_t number, uint64_t *ret_size, struct tlog_hash *ret_root,
                      struct err *err)
{
    struct log_row row;
    int rc = row_load(store, number, &row, err);
    if (!rc)
        rc = row_root(store, &row, row.info.staged, ret_root, err);
    if (!rc)
        *ret_size = row.info.staged;
    return rc;
}

/* The byte length of the first `width` entries of bundle n. */
static int bundle_prefix(struct store *store, const struct log_row *row, uint64_t n, unsigned width, uint64_t len,
                         size_t *ret, struct err *err)
{
    *ret = (size_t)len;
    if (width == TILE_WIDTH)
        return 0;
    struct buf part;
    buf_init(&part, BUNDLE_MAX);
    int rc = entries_read(store, row, n * TILE_WIDTH, width, row->info.size, &part, err);
    if (!rc)
        *ret = part.len;
    buf_done(&part);
    return rc;
}

/* Where it stands; the descriptor is the cache's. */
static int tile_place(struct store *store, const struct log_row *row, const struct tile *tile, struct tile_bytes *ret,
                      int *ret_fd, struct err *err)
{
    uint64_t first = tile->index * TILE_WIDTH, end = 0;
    bool in_files = tile->level > 0 || first + tile->width <= row_full(row);
    int kind = FILE_ENTRIES, rc = 0;
    if (tile->width < 1 || tile->width > tile_width(tile->level, tile->index, row->info.size) || !in_files ||
        tile->level >= FILE_LEVELS)
        return err_set(err, ERR_NOTFOUND, "log %s: tile not in a file", row->info.origin);
    if (tile->level == TILE_LEVEL_ENTRIES) {
        rc = bundle_range(store, row, tile->index, &ret->offset, &end, err);
        if (!rc)
            rc = bundle_prefix(store, row, tile->index, tile->width, end - ret->offset, &ret->len, err);
    } else {
        kind = FILE_HASHES + tile->level;
        ret->offset = first * TLOG_HASH_SIZE;
        ret->len = (size_t)tile->width * TLOG_HASH_SIZE;
    }
    return rc ? rc : file_get(store, row, kind, false, ret_fd, err);
}

int store_tile_file(struct store *store, const struct log_info *log, const struct tile *tile, struct tile_bytes *ret,
                    struct err *err)
{
    struct log_row row = {.info = *log};
    int fd;
    ret->fd = -1;
    int rc = tile_place(store, &row, tile, ret, &fd, err);
    if (rc)
        return rc;
    if (ret->len > TILE_COPY_MAX) {
        ret->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        return ret->fd < 0 ? err_sys(err, "duplicate a descriptor") : 0;
    }
    uint8_t *to = buf_room(ret->out, ret->len);
    return to ? disk_pread(fd, to, ret->len, ret->offset, log->origin, err) : buf_check(ret->out, "tile", err);
}

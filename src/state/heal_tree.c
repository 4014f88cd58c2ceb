/* Is all of a log's tree as it was? Every entry hashed, every stored hash compared. */
#include "state/internal.h"

/* The hashes of full bundle `n` and the one above them, against its entries. */
static int bundle_check(struct store *store, const struct log_row *row, uint64_t n, struct buf *bundle, struct err *err)
{
    struct tlog_hash stored[TILE_WIDTH], leaf, above, root;
    struct span entry;
    buf_clear(bundle);
    int rc = entries_read(store, row, n * TILE_WIDTH, TILE_WIDTH, row->info.staged, bundle, err);
    if (!rc)
        rc = file_read(store, row, FILE_HASHES, stored, sizeof stored, n * sizeof stored, err);
    if (!rc)
        rc = file_read(store, row, FILE_HASHES + 1, &above, sizeof above, n * sizeof above, err);
    struct bundle_reader reader = {buf_view(bundle), 0};
    for (size_t i = 0; i < TILE_WIDTH && !rc; i++) {
        rc = bundle_next(&reader, &entry, err) == 1 ? 0 : ERR_IO;
        if (!rc)
            tlog_leaf_hash(entry, &leaf);
        if (rc || !tlog_hash_eq(&leaf, &stored[i]))
            return err_set(err, ERR_IO, "entry %llu does not have its hash", (unsigned long long)(n * TILE_WIDTH + i));
    }
    if (rc)
        return rc;
    tile_root(stored, &root);
    return tlog_hash_eq(&root, &above)
               ? 0
               : err_set(err, ERR_IO, "bundle %llu does not have its hash", (unsigned long long)n);
}

/* Every stored hash above the bundles, against those below it. */
static int levels_check(struct store *store, const struct log_row *row, struct err *err)
{
    struct tlog_hash below[TILE_WIDTH], above, root;
    int rc = 0;
    uint64_t count = row_full(row) / TILE_WIDTH / TILE_WIDTH;
    for (int level = 1; level + 1 < FILE_LEVELS && count > 0 && !rc; level++, count /= TILE_WIDTH) {
        for (uint64_t i = 0; i < count && !rc; i++) {
            rc = file_read(store, row, FILE_HASHES + level, below, sizeof below, i * sizeof below, err);
            if (!rc)
                rc = file_read(store, row, FILE_HASHES + level + 1, &above, sizeof above, i * sizeof above, err);
            tile_root(below, &root);
            if (!rc && !tlog_hash_eq(&root, &above))
                rc = err_set(err, ERR_IO, "hash %llu of level %d is another one", (unsigned long long)i, level + 1);
        }
    }
    return rc;
}

/* Entries that stand in state.db. */
static int tail_check(struct store *store, const struct log_row *row, struct buf *entry, struct err *err)
{
    int rc = 0;
    for (uint64_t i = row_full(row); i < row->info.staged && !rc; i++) {
        buf_clear(entry);
        rc = entry_read(store, row, i, row->info.staged, entry, err);
    }
    return rc;
}

int tree_check(struct store *store, const struct log_row *row, struct err *err)
{
    struct buf bundle;
    uint64_t begin, end = 0, bundles = row_full(row) / TILE_WIDTH;
    buf_init(&bundle, BUNDLE_MAX);
    int rc = 0;
    for (uint64_t n = 0; n < bundles && !rc; n++)
        rc = bundle_check(store, row, n, &bundle, err);
    if (!rc && bundles > 0)
        rc = bundle_range(store, row, bundles - 1, &begin, &end, err);
    if (!rc && end != row->entries_end)
        rc = err_set(err, ERR_IO, "its last bundle ends at byte %llu, by state.db at %llu", (unsigned long long)end,
                     (unsigned long long)row->entries_end);
    if (!rc)
        rc = levels_check(store, row, err);
    if (!rc)
        rc = tail_check(store, row, &bundle, err);
    if (!rc)
        rc = row_check_root(store, row, err);
    buf_done(&bundle);
    return rc;
}

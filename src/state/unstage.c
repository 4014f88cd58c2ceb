#include "state/internal.h"

/* Rows of the tail from `from` on go, with everything that is known of these entries. */
static int drop_rows(struct store *store, struct log_row *row, uint64_t from, struct err *err)
{
    static const char *const statements[] = {
        "DELETE FROM tail WHERE ref >= ? AND ref < ?",        "DELETE FROM tail_payload WHERE ref >= ? AND ref < ?",
        "DELETE FROM slot WHERE ref >= ? AND ref < ?",        "DELETE FROM constitution WHERE ref >= ? AND ref < ?",
        "DELETE FROM erase_queue WHERE ref >= ? AND ref < ?",
    };
    int64_t first = RECORD_REF(row->info.number, from), end = RECORD_REF(row->info.number + 1, 0), bytes = 0;
    int rc = db_int(store, &bytes, err,
                    "SELECT coalesce(sum(length(t.entry) + 2 + coalesce(length(p.item) + 4, 0)), 0) FROM tail t"
                    " LEFT JOIN tail_payload p ON p.ref = t.ref WHERE t.ref >= ? AND t.ref < ?",
                    "ii", first, end);
    for (size_t i = 0; i < sizeof statements / sizeof *statements && !rc; i++)
        rc = db_run(store, err, statements[i], "ii", first, end);
    row->info.bytes -= (uint64_t)bytes;
    return rc;
}

/* What is held in payloads of entries [from, staged) no longer counts. */
static int drop_payloads(struct store *store, struct log_row *row, uint64_t from, struct err *err)
{
    uint64_t slots[TILE_WIDTH];
    for (uint64_t at = from; at < row->info.staged;) {
        size_t count = row->info.staged - at < TILE_WIDTH ? (size_t)(row->info.staged - at) : TILE_WIDTH;
        int rc = slots_read(store, row->info.number, at, count, slots, err);
        for (size_t i = 0; i < count && !rc; i++) {
            size_t len;
            if (!(SLOT_FLAGS(slots[i]) & SLOT_HELD))
                continue;
            row->info.payloads -= SLOT_COUNTS(slots[i]);
            if (SLOT_PLACE(slots[i])) {
                rc = item_length(store, row, at + i, SLOT_PLACE(slots[i]), &len, err);
                row->info.bytes -= rc ? 0 : 4 + len;
            }
        }
        if (rc)
            return rc;
        at += count;
    }
    return 0;
}

/* The head's part of a bundle that had been filled up becomes the tail again. */
static int restore_tail(struct store *store, struct log_row *row, struct err *err)
{
    uint64_t first = row->info.size & ~(uint64_t)(TILE_WIDTH - 1), slots[TILE_WIDTH];
    size_t count = row->info.size % TILE_WIDTH;
    struct tlog_hash leaves[TILE_WIDTH];
    struct buf part;
    buf_init(&part, BUNDLE_MAX);
    int rc = entries_read(store, row, first, count, row->info.size, &part, err);
    if (!rc)
        rc = slots_read(store, row->info.number, first, count, slots, err);
    if (!rc)
        rc = file_read(store, row, FILE_HASHES, leaves, count * TLOG_HASH_SIZE, first * TLOG_HASH_SIZE, err);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM slot WHERE ref >= ? AND ref < ?", "ii",
                    RECORD_REF(row->info.number, first), RECORD_REF(row->info.number, row->info.size));
    struct bundle_reader reader = {buf_view(&part), 0};
    for (size_t i = 0; i < count && !rc; i++) {
        struct span entry;
        if (bundle_next(&reader, &entry, err) != 1)
            rc = err_set(err, ERR_IO, "log %s: bundle %llu is damaged", row->info.origin,
                         (unsigned long long)(first / TILE_WIDTH));
        if (!rc)
            rc = db_run(store, err, "INSERT INTO tail(ref, slot, leaf, entry) VALUES(?, ?, ?, ?)", "iibb",
                        RECORD_REF(row->info.number, first + i), (int64_t)slots[i],
                        span_of(leaves[i].b, TLOG_HASH_SIZE), entry);
        if (!rc)
            row->info.bytes += entry.len + 2;
    }
    buf_done(&part);
    return rc;
}

int store_unstage(struct store *store, int64_t number, struct err *err)
{
    struct log_row row;
    int rc = store_writable(store, err);
    if (!rc)
        rc = row_load(store, number, &row, err);
    if (rc || row.info.staged == row.info.size)
        return rc;
    uint64_t size = row.info.size, head_full = size & ~(uint64_t)(TILE_WIDTH - 1), full = row_full(&row);
    struct touched *touched = store_touch(store, &row, err);
    if (!touched)
        return err->code;
    rc = drop_payloads(store, &row, size, err);
    if (!rc)
        rc = drop_rows(store, &row, size, err);
    if (!rc && full > head_full) {
        uint64_t begin, end, before = row.entries_end;
        rc = bundle_range(store, &row, head_full / TILE_WIDTH, &begin, &end, err);
        if (!rc)
            rc = restore_tail(store, &row, err);
        row.entries_end = begin;
        row.info.bytes -= before - begin;
        /* The files keep the bytes, which the committed state may still need, until they are overwritten. */
        touched->unstaged = true;
    }
    row.info.staged = size;
    return rc ? rc : row_save(store, &row, err);
}

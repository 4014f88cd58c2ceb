#include "state/internal.h"

static int bundle_damage(const struct log_row *row, uint64_t n, const char *what, struct err *err)
{
    return err_set(err, ERR_IO,
                   "log %s: bundle %llu: %s; a damaged log is fetched again from its mirrors by `tongzhou sync`",
                   row->info.origin, (unsigned long long)n, what);
}

int bundle_range(struct store *store, const struct log_row *row, uint64_t n, uint64_t *ret_begin, uint64_t *ret_end,
                 struct err *err)
{
    uint8_t ends[16] = {0};
    int rc = n == 0 ? file_read(store, row, FILE_BUNDLES, ends + 8, 8, 0, err)
                    : file_read(store, row, FILE_BUNDLES, ends, 16, 8 * (n - 1), err);
    if (rc)
        return rc;
    *ret_begin = be64_load(ends);
    *ret_end = be64_load(ends + 8);
    if (*ret_end <= *ret_begin || *ret_end - *ret_begin > BUNDLE_MAX)
        return bundle_damage(row, n, "its range is damaged", err);
    return 0;
}

/* Whole bundles [n, n + bundles) as they stand. */
static int read_run(struct store *store, const struct log_row *row, uint64_t n, uint64_t bundles, struct buf *out,
                    struct err *err)
{
    uint64_t begin, end, unused;
    int rc = bundle_range(store, row, n, &begin, &end, err);
    if (!rc && bundles > 1)
        rc = bundle_range(store, row, n + bundles - 1, &unused, &end, err);
    if (rc)
        return rc;
    if (end <= begin)
        return bundle_damage(row, n, "its range is damaged", err);
    size_t before = out->len;
    uint8_t *to = buf_room(out, (size_t)(end - begin));
    if (!to)
        return buf_check(out, "entries", err);
    rc = file_read(store, row, FILE_ENTRIES, to, (size_t)(end - begin), begin, err);
    if (rc)
        buf_cut(out, before);
    return rc;
}

/* Entries [from, from + count) of bundle n. */
static int read_part(struct store *store, const struct log_row *row, uint64_t n, size_t from, size_t count,
                     struct buf *out, struct err *err)
{
    struct buf *whole = &store->scratch;
    buf_clear(whole);
    int rc = read_run(store, row, n, 1, whole, err);
    if (rc)
        return rc;
    struct bundle_reader reader = {buf_view(whole), 0};
    struct span entry;
    size_t begin = 0;
    for (size_t i = 0; i < from + count; i++) {
        if (i == from)
            begin = reader.pos;
        if (bundle_next(&reader, &entry, err) != 1)
            return bundle_damage(row, n, "it holds fewer entries than it should", err);
    }
    buf_add(out, whole->data + begin, reader.pos - begin);
    return buf_check(out, "entries", err);
}

/* 1: they were there. 0: none is, they have moved to the files. */
static int read_tail(struct store *store, const struct log_row *row, uint64_t first, size_t count, struct buf *out,
                     struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT entry FROM tail WHERE ref >= ? AND ref < ? ORDER BY ref", "ii",
                                  RECORD_REF(row->info.number, first), RECORD_REF(row->info.number, first + count));
    if (!stmt)
        return err->code;
    size_t got = 0;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        struct span entry = db_span(stmt, 0);
        rc = bundle_add(out, entry, err);
        if (rc)
            break;
        got++;
    }
    db_end(stmt);
    if (rc < 0)
        return rc;
    if (got != 0 && got != count)
        return err_set(err, ERR_IO, "log %s: %zu of %zu entries from %llu on are in state.db", row->info.origin, got,
                       count, (unsigned long long)first);
    return got == count;
}

int entries_read(struct store *store, const struct log_row *row, uint64_t first, size_t count, uint64_t limit,
                 struct buf *out, struct err *err)
{
    if (first > limit || count > limit - first)
        return err_set(err, ERR_NOTFOUND, "log %s has %llu entries, none at %llu", row->info.origin,
                       (unsigned long long)limit, (unsigned long long)(first > limit ? first : limit));
    uint64_t full = row_full(row);
    while (count > 0) {
        uint64_t n = first / TILE_WIDTH;
        size_t from = first % TILE_WIDTH, done = TILE_WIDTH - from < count ? TILE_WIDTH - from : count;
        int rc = 0;
        if (first >= full) {
            rc = read_tail(store, row, first, done, out, err);
            if (rc < 0)
                return rc;
        }
        /* Below `full`, or moved to the files since the row was read. */
        if (rc == 0 && done == TILE_WIDTH) {
            uint64_t bundles = first < full ? (count < full - first ? count : full - first) / TILE_WIDTH : 1;
            done = (size_t)bundles * TILE_WIDTH;
            rc = read_run(store, row, n, bundles, out, err);
        } else if (rc == 0) {
            rc = read_part(store, row, n, from, done, out, err);
        }
        if (rc < 0)
            return rc;
        first += done;
        count -= done;
    }
    return 0;
}

int entry_read(struct store *store, const struct log_row *row, uint64_t index, uint64_t limit, struct buf *out,
               struct err *err)
{
    size_t before = out->len;
    int rc = entries_read(store, row, index, 1, limit, out, err);
    if (rc)
        return rc;
    memmove(out->data + before, out->data + before + 2, out->len - before - 2);
    buf_cut(out, out->len - 2);
    struct tlog_hash leaf, found;
    rc = row_leaf(store, row, index, &leaf, err);
    tlog_leaf_hash(span_of(out->data + before, out->len - before), &found);
    if (!rc && !tlog_hash_eq(&leaf, &found))
        rc = err_set(err, ERR_IO,
                     "log %s: entry %llu does not hash to its leaf; a damaged log is fetched again from its mirrors by "
                     "`tongzhou sync`",
                     row->info.origin, (unsigned long long)index);
    if (rc)
        buf_cut(out, before);
    return rc;
}

int store_read_entries(struct store *store, int64_t number, uint64_t first, size_t count, struct buf *out,
                       struct err *err)
{
    struct log_row row;
    int rc = row_load(store, number, &row, err);
    return rc ? rc : entries_read(store, &row, first, count, row.info.size, out, err);
}

int store_read_entry(struct store *store, int64_t number, uint64_t index, struct buf *out, struct err *err)
{
    struct log_row row;
    int rc = row_load(store, number, &row, err);
    return rc ? rc : entry_read(store, &row, index, row.info.size, out, err);
}

#include "state/internal.h"

/* One batch on its way into the files of one log. */
struct append {
    struct store *store;
    struct log_row *row;
    struct stream data, slots, entries, bundles, leaves, nodes;
    struct tlog_hash tile[TILE_WIDTH]; /* leaf hashes of the bundle being filled */
    uint64_t index;                    /* of the next entry that goes to the files */
};

static int check_entries(const struct log_row *row, const struct store_entry *entries, size_t count, struct err *err)
{
    if (count > LOG_SIZE_MAX - row->info.staged)
        return err_set(err, ERR_LIMIT, "log %s: more than 2^40 entries", row->info.origin);
    for (size_t i = 0; i < count; i++) {
        const struct store_entry *e = &entries[i];
        unsigned long long index = row->info.staged + i;
        if (e->entry.len < 1 || e->entry.len > ENTRY_MAX)
            return err_set(err, ERR_LIMIT, "log %s: entry %llu: %zu bytes, 1..%d allowed", row->info.origin, index,
                           e->entry.len, ENTRY_MAX);
        if (e->payload.data && (e->salt.len != SEAL_SALT || e->payload.len > PAYLOAD_MAX))
            return err_set(err, ERR_LIMIT, "log %s: payload of entry %llu: %zu bytes, at most %u allowed",
                           row->info.origin, index, e->payload.len, PAYLOAD_MAX);
        if (e->payload.data && e->entry.len != SEAL_ENTRY_LEN)
            return err_set(err, ERR_SYNTAX, "log %s: entry %llu is no seal and has a payload", row->info.origin, index);
    }
    return 0;
}

/* Constitutional entries are few and asked for often: their indices stand in a table of their own. */
static int note_constitution(struct store *store, const struct log_row *row, uint64_t index, struct span entry,
                             struct err *err)
{
    if (entry_classify(entry) != ENTRY_INLINE)
        return 0;
    enum constitution_sort sort = member_entry_matters(entry)                   ? CONSTITUTION_KEYS
                                  : span_is(entry_kind(entry), "connect/erase") ? CONSTITUTION_ERASE
                                                                                : CONSTITUTION_OTHER;
    return db_run(store, err, "INSERT OR REPLACE INTO constitution(ref, sort) VALUES(?, ?)", "ii",
                  RECORD_REF(row->info.number, index), (int64_t)sort);
}

static unsigned entry_flags(const struct store_entry *e)
{
    uint8_t hash[32];
    if (!seal_parse(e->entry, hash))
        return SLOT_INLINE;
    return e->payload.data ? SLOT_HELD | (e->clear ? SLOT_CLEAR : 0) : 0;
}

/* The hashes above a tile that is full now, as far up as they are complete. */
static int append_levels(struct append *a, struct err *err)
{
    uint64_t n = a->index / TILE_WIDTH; /* hashes that level 1 has now */
    for (int level = 2; level < FILE_LEVELS && n % TILE_WIDTH == 0; level++, n /= TILE_WIDTH) {
        struct tlog_hash tile[TILE_WIDTH], root;
        uint64_t first = n - TILE_WIDTH;
        int below = FILE_HASHES + level - 1, rc = level == 2 ? stream_end(&a->nodes, err) : 0;
        if (!rc)
            rc = file_read(a->store, a->row, below, tile, sizeof tile, first * TLOG_HASH_SIZE, err);
        if (rc)
            return rc;
        tile_root(tile, &root);
        rc = file_write(a->store, a->row, below + 1, span_of(root.b, sizeof root.b),
                        first / TILE_WIDTH * TLOG_HASH_SIZE, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int append_tile(struct append *a, struct err *err)
{
    struct tlog_hash root;
    uint8_t end[8];
    tile_root(a->tile, &root);
    a->row->entries_end = a->entries.offset;
    be64_store(end, a->row->entries_end);
    int rc = stream_add(&a->bundles, span_of(end, sizeof end), err);
    if (!rc)
        rc = stream_add(&a->nodes, span_of(root.b, sizeof root.b), err);
    if (!rc)
        rc = append_levels(a, err);
    return rc;
}

static int append_entry(struct append *a, struct span entry, const struct tlog_hash *leaf, uint64_t slot,
                        struct err *err)
{
    uint8_t len[2] = {(uint8_t)(entry.len >> 8), (uint8_t)entry.len}, bytes[8];
    be64_store(bytes, slot_to_file(slot));
    a->tile[a->index % TILE_WIDTH] = *leaf;
    int rc = stream_add(&a->entries, span_of(len, sizeof len), err);
    if (!rc)
        rc = stream_add(&a->entries, entry, err);
    if (!rc)
        rc = stream_add(&a->leaves, span_of(leaf->b, sizeof leaf->b), err);
    if (!rc)
        rc = stream_add(&a->slots, span_of(bytes, sizeof bytes), err);
    a->index++;
    if (!rc && a->index % TILE_WIDTH == 0)
        rc = append_tile(a, err);
    return rc;
}

/* Rows of the tail go to the files, small payloads to `data`; the rows are dropped. */
static int append_rows(struct append *a, struct err *err)
{
    int64_t number = a->row->info.number, from = RECORD_REF(number, a->index), to = RECORD_REF(number + 1, 0);
    sqlite3_stmt *stmt = db_query(a->store, err,
                                  "SELECT t.slot, t.leaf, t.entry, p.item FROM tail t LEFT JOIN tail_payload p"
                                  " ON p.ref = t.ref WHERE t.ref >= ? AND t.ref < ? ORDER BY t.ref",
                                  "ii", from, to);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(a->store, stmt, err)) == 1) {
        uint64_t slot = (uint64_t)sqlite3_column_int64(stmt, 0), place;
        struct span leaf = db_span(stmt, 1), entry = db_span(stmt, 2), item = db_span(stmt, 3);
        struct tlog_hash hash;
        rc = 0;
        if (leaf.len != TLOG_HASH_SIZE || entry.len < 1)
            rc = err_set(err, ERR_IO, "log %s: its tail in state.db is damaged", a->row->info.origin);
        else
            memcpy(hash.b, leaf.data, TLOG_HASH_SIZE);
        if (!rc && item.len >= SEAL_SALT) {
            rc = item_append(&a->data, a->index, span_sub(item, 0, SEAL_SALT), span_sub(item, SEAL_SALT, item.len),
                             &place, err);
            slot |= place;
        }
        if (!rc)
            rc = append_entry(a, entry, &hash, slot, err);
        if (rc)
            break;
    }
    db_end(stmt);
    if (!rc)
        rc = db_run(a->store, err, "DELETE FROM tail WHERE ref >= ? AND ref < ?", "ii", from, to);
    if (!rc)
        rc = db_run(a->store, err, "DELETE FROM tail_payload WHERE ref >= ? AND ref < ?", "ii", from, to);
    return rc;
}

static void account(struct log_row *row, const struct store_entry *e)
{
    row->info.bytes += e->entry.len + 2;
    if (e->payload.data) {
        row->info.bytes += 4 + SEAL_SALT + e->payload.len;
        row->info.payloads++;
    }
}

static int append_new(struct append *a, const struct store_entry *entries, size_t count, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        const struct store_entry *e = &entries[i];
        struct tlog_hash leaf;
        uint64_t place = 0;
        unsigned flags = entry_flags(e);
        tlog_leaf_hash(e->entry, &leaf);
        if (flags & SLOT_HELD)
            rc = item_append(&a->data, a->index, e->salt, e->payload, &place, err);
        else if (flags & SLOT_INLINE)
            rc = note_constitution(a->store, a->row, a->index, e->entry, err);
        if (!rc && e->payload.data && !e->clear)
            rc = reach_add(a->store, a->row, a->index, e->payload, err);
        if (!rc)
            rc = append_entry(a, e->entry, &leaf, SLOT_MAKE(flags, place), err);
        account(a->row, e);
    }
    return rc;
}

/* The tail and the next `count` entries fill whole bundles: they go to the files. */
static int append_bundles(struct store *store, struct log_row *row, const struct store_entry *entries, size_t count,
                          struct err *err)
{
    struct append a = {.store = store, .row = row, .index = row_full(row)};
    struct touched *touched = store_touch(store, row, err);
    if (!touched)
        return err->code;
    if (touched->unstaged)
        return err_set(err, ERR_STATE, "log %s: entries thrown away in this transaction, commit it first",
                       row->info.origin);
    touched->has_data = true;
    stream_begin(&a.data, store, row, FILE_DATA, row->payload_end);
    stream_begin(&a.slots, store, row, FILE_SLOTS, 8 * a.index);
    stream_begin(&a.entries, store, row, FILE_ENTRIES, row->entries_end);
    stream_begin(&a.bundles, store, row, FILE_BUNDLES, 8 * (a.index / TILE_WIDTH));
    stream_begin(&a.leaves, store, row, FILE_HASHES, TLOG_HASH_SIZE * a.index);
    stream_begin(&a.nodes, store, row, FILE_HASHES + 1, TLOG_HASH_SIZE * (a.index / TILE_WIDTH));
    int rc = append_rows(&a, err);
    if (!rc)
        rc = append_new(&a, entries, count, err);
    if (!rc && a.index % TILE_WIDTH != 0)
        rc = err_set(err, ERR_IO, "log %s: part of its tail is missing in state.db", row->info.origin);
    struct stream *const streams[6] = {&a.data, &a.slots, &a.entries, &a.bundles, &a.leaves, &a.nodes};
    for (size_t i = 0; i < 6 && !rc; i++)
        rc = stream_end(streams[i], err);
    row->payload_end = a.data.offset;
    row->info.staged = a.index;
    return rc;
}

/* A payload too large for a row of the tail stands in `data` from the start. */
static int tail_payload_large(struct store *store, struct log_row *row, const struct store_entry *e,
                              uint64_t *ret_place, struct err *err)
{
    struct touched *touched = store_touch(store, row, err);
    if (!touched)
        return err->code;
    touched->has_data = true;
    struct stream data;
    stream_begin(&data, store, row, FILE_DATA, row->payload_end);
    int rc = item_append(&data, row->info.staged, e->salt, e->payload, ret_place, err);
    if (!rc)
        rc = stream_end(&data, err);
    row->payload_end = data.offset;
    return rc;
}

int tail_payload_put(struct store *store, int64_t ref, struct span salt, struct span payload, struct err *err)
{
    buf_clear(&store->scratch);
    buf_span(&store->scratch, salt);
    buf_span(&store->scratch, payload);
    int rc = buf_check(&store->scratch, "payload", err);
    if (!rc)
        rc = db_run(store, err, "INSERT OR REPLACE INTO tail_payload(ref, item) VALUES(?, ?)", "ib", ref,
                    buf_view(&store->scratch));
    return rc;
}

static int append_tail(struct store *store, struct log_row *row, const struct store_entry *e, struct err *err)
{
    struct tlog_hash leaf;
    unsigned flags = entry_flags(e);
    uint64_t place = 0;
    int64_t ref = RECORD_REF(row->info.number, row->info.staged);
    int rc = 0;
    tlog_leaf_hash(e->entry, &leaf);
    if (flags & SLOT_INLINE)
        rc = note_constitution(store, row, row->info.staged, e->entry, err);
    else if ((flags & SLOT_HELD) && e->payload.len > PAYLOAD_TAIL_MAX)
        rc = tail_payload_large(store, row, e, &place, err);
    else if (flags & SLOT_HELD)
        rc = tail_payload_put(store, ref, e->salt, e->payload, err);
    if (!rc && e->payload.data && !e->clear)
        rc = reach_add(store, row, row->info.staged, e->payload, err);
    if (!rc)
        rc = db_run(store, err, "INSERT INTO tail(ref, slot, leaf, entry) VALUES(?, ?, ?, ?)", "iibb", ref,
                    (int64_t)SLOT_MAKE(flags, place), span_of(leaf.b, sizeof leaf.b), e->entry);
    account(row, e);
    row->info.staged++;
    return rc;
}

int store_add(struct store *store, int64_t number, const struct store_entry *entries, size_t count, struct err *err)
{
    struct log_row row;
    int rc = store_writable(store, err);
    if (!rc)
        rc = row_load(store, number, &row, err);
    if (!rc)
        rc = check_entries(&row, entries, count, err);
    if (rc)
        return rc;
    size_t tail = row.info.staged % TILE_WIDTH;
    if (tail + count >= TILE_WIDTH) {
        size_t whole = (tail + count) / TILE_WIDTH * TILE_WIDTH - tail;
        rc = append_bundles(store, &row, entries, whole, err);
        entries += whole;
        count -= whole;
    }
    while (!rc && count-- > 0)
        rc = append_tail(store, &row, entries++, err);
    return rc ? rc : row_save(store, &row, err);
}

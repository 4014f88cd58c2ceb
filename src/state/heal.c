#include "state/heal.h"

#include <stdlib.h>

#include "record/record.h"
#include "record/seal.h"
#include "state/internal.h"

/* ---- the tree ---- */

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

static int tree_check(struct store *store, const struct log_row *row, struct err *err)
{
    struct buf bundle;
    buf_init(&bundle, BUNDLE_MAX);
    int rc = 0;
    for (uint64_t n = 0; n < row_full(row) / TILE_WIDTH && !rc; n++)
        rc = bundle_check(store, row, n, &bundle, err);
    if (!rc)
        rc = levels_check(store, row, err);
    if (!rc)
        rc = tail_check(store, row, &bundle, err);
    if (!rc)
        rc = row_check_root(store, row, err);
    buf_done(&bundle);
    return rc;
}

/* ---- slots and contents ---- */

struct extent {
    uint64_t begin, end; /* of a good item in `data` */
};

struct mending {
    struct store *store;
    struct log_row row;
    bool mend;
    struct log_damage *damage;
    uint64_t held, held_bytes; /* good contents */
    struct buf item, entry;
    struct arena arena;
    struct extent *extents;
    size_t count, cap;
};

static int extent_add(struct mending *m, uint64_t place, size_t len, struct err *err)
{
    if (m->count == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 1024;
        struct extent *extents = realloc(m->extents, cap * sizeof *extents);
        if (!extents)
            return err_memory(err);
        m->extents = extents;
        m->cap = cap;
    }
    m->extents[m->count++] = (struct extent){place - ITEM_INDEX, place + 4 + len};
    return 0;
}

/* Is m->item (u32 length, salt, payload) what entry `index` has sealed? *ret_clear: it is for everybody. */
static int item_fits(struct mending *m, uint64_t index, bool *ret, bool *ret_clear, struct err *err)
{
    struct err misfit;
    struct record record;
    struct payload_item item;
    struct payload_reader reader = {buf_view(&m->item), 0};
    *ret = false;
    buf_clear(&m->entry);
    int rc = entry_read(m->store, &m->row, index, m->row.info.staged, &m->entry, err);
    if (rc || payload_next(&reader, &item, &misfit) != 1 || item.hole)
        return rc;
    *ret = seal_check(span_str(m->row.info.origin), buf_view(&m->entry), item.salt, item.payload, &misfit) == 0;
    arena_clear(&m->arena);
    *ret_clear = *ret && record_parse(item.payload, &m->arena, &record, &misfit) == 0 && record.tlp == TLP_CLEAR;
    return 0;
}

static bool all_zero(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i])
            return false;
    return true;
}

/* Salt and payload of what may be an item at `at` of `data`, into m->item; false: it is none of entry `index`'s. */
static bool item_at(struct mending *m, uint64_t index, uint64_t at)
{
    struct err none;
    size_t len;
    buf_clear(&m->item);
    if (item_length(m->store, &m->row, index, at + ITEM_INDEX, &len, &none) != 0)
        return false;
    buf_u32(&m->item, (uint32_t)len);
    uint8_t *to = buf_room(&m->item, len);
    return to && file_read(m->store, &m->row, FILE_DATA, to, len, at + ITEM_HEAD, &none) == 0;
}

/* The next place from `at` on where eight bytes say `index`; payload_end if there is none. */
static int place_find(struct mending *m, uint64_t index, uint64_t at, uint64_t *ret, struct err *err)
{
    uint8_t piece[65536];
    int rc = 0;
    for (; at + ITEM_HEAD <= m->row.payload_end && !rc;) {
        uint64_t left = m->row.payload_end - at;
        size_t len = left < sizeof piece ? (size_t)left : sizeof piece;
        rc = file_read(m->store, &m->row, FILE_DATA, piece, len, at, err);
        for (size_t i = 0; i + 8 <= len && !rc; i += 8, at += 8) {
            if (be64_load(piece + i) == index) {
                *ret = at;
                return 0;
            }
        }
        if (len < 8)
            break;
    }
    *ret = m->row.payload_end;
    return rc;
}

/* A slot that a disk has changed, from what the entry and `data` say; 0, nothing known, if they say nothing. */
static int slot_guess(struct mending *m, uint64_t index, uint64_t *ret, struct err *err)
{
    uint64_t at = 0;
    bool fits = false, clear = false;
    uint8_t hash[32];
    *ret = 0;
    buf_clear(&m->entry);
    int rc = entry_read(m->store, &m->row, index, m->row.info.staged, &m->entry, err);
    if (!rc && !seal_parse(buf_view(&m->entry), hash)) {
        *ret = SLOT_MAKE(SLOT_INLINE, 0);
        return 0;
    }
    while (!rc && (rc = place_find(m, index, at, &at, err)) == 0 && at < m->row.payload_end) {
        if (item_at(m, index, at)) {
            rc = item_fits(m, index, &fits, &clear, err);
            if (!rc && fits)
                *ret = SLOT_MAKE(SLOT_HELD | (clear ? SLOT_CLEAR : 0), at + ITEM_INDEX);
            else if (!rc && all_zero(span_sub(buf_view(&m->item), 4, m->item.len)))
                *ret = SLOT_MAKE(SLOT_ERASED, 0);
            if (rc || *ret)
                return rc;
        }
        at += 8;
    }
    return rc;
}

/* Content that is not what was sealed: as if it had never come. */
static int content_forget(struct mending *m, uint64_t index, struct err *err)
{
    m->damage->contents++;
    if (!m->mend)
        return 0;
    int rc =
        db_run(m->store, err, "DELETE FROM tail_payload WHERE ref = ?", "i", RECORD_REF(m->row.info.number, index));
    return rc ? rc : slot_write(m->store, &m->row, index, 0, err);
}

static int content_look(struct mending *m, uint64_t index, uint64_t slot, struct err *err)
{
    bool fits = false, clear = false;
    struct err damaged;
    unsigned flags;
    buf_clear(&m->item);
    int rc = payload_read(m->store, m->row.info.number, index, &m->item, &flags, &damaged);
    if (rc && rc != ERR_NOTFOUND) {
        *err = damaged;
        return rc;
    }
    if (!rc)
        rc = item_fits(m, index, &fits, &clear, err);
    else
        rc = 0;
    if (!rc && !fits)
        return content_forget(m, index, err);
    m->held++;
    m->held_bytes += m->item.len;
    if (!rc && SLOT_PLACE(slot))
        rc = extent_add(m, SLOT_PLACE(slot), m->item.len - 4, err);
    return rc;
}

static int slots_mend(struct mending *m, uint64_t first, size_t count, struct err *err)
{
    uint64_t slots[TILE_WIDTH];
    bool bad[TILE_WIDTH];
    int rc = slots_look(m->store, &m->row, first, count, slots, bad, err);
    for (size_t i = 0; i < count && !rc; i++) {
        uint64_t index = first + i;
        m->damage->slots += bad[i];
        if (bad[i]) {
            rc = slot_guess(m, index, &slots[i], err);
            if (!rc && m->mend)
                rc = slot_write(m->store, &m->row, index, slots[i], err);
            if (!rc && !m->mend) /* what payload_read would refuse */
                continue;
        }
        if (!rc && SLOT_FLAGS(slots[i]) & SLOT_HELD && !(SLOT_FLAGS(slots[i]) & SLOT_ERASED))
            rc = content_look(m, index, slots[i], err);
    }
    return rc;
}

static int cmp_extent(const void *x, const void *y)
{
    const struct extent *a = x, *b = y;
    return (a->begin > b->begin) - (a->begin < b->begin);
}

/* What no slot names any more: an erasure that comes later would not find it. */
static int rest_zero(struct mending *m, struct err *err)
{
    uint64_t at = 0;
    int rc = 0;
    if (m->count > 1)
        qsort(m->extents, m->count, sizeof *m->extents, cmp_extent);
    for (size_t i = 0; i <= m->count && !rc; i++) {
        uint64_t to = i < m->count ? m->extents[i].begin : m->row.payload_end;
        if (to > at)
            rc = file_zero(m->store, &m->row, FILE_DATA, at, to - at, err);
        at = i < m->count && m->extents[i].end > at ? m->extents[i].end : at;
    }
    return rc;
}

static int contents_walk(struct mending *m, struct err *err)
{
    int rc = 0;
    for (uint64_t first = 0; first < m->row.info.staged && !rc; first += TILE_WIDTH) {
        uint64_t left = m->row.info.staged - first;
        rc = slots_mend(m, first, left < TILE_WIDTH ? (size_t)left : TILE_WIDTH, err);
    }
    return rc;
}

/* How much of it is here now. */
static int account(struct mending *m, struct err *err)
{
    int64_t number = m->row.info.number, tail;
    int rc =
        db_int(m->store, &tail, err, "SELECT coalesce(sum(length(entry) + 2), 0) FROM tail WHERE ref >= ? AND ref < ?",
               "ii", RECORD_REF(number, 0), RECORD_REF(number + 1, 0));
    if (rc)
        return rc;
    m->row.info.payloads = m->held;
    m->row.info.bytes = m->row.entries_end + (uint64_t)tail + m->held_bytes;
    return row_save(m->store, &m->row, err);
}

static int mending_run(struct mending *m, int64_t number, struct err *err)
{
    buf_init(&m->item, PAYLOAD_MAX + 64);
    buf_init(&m->entry, ENTRY_MAX);
    arena_init(&m->arena, PAYLOAD_MAX);
    int rc = row_load(m->store, number, &m->row, err);
    if (!rc)
        rc = contents_walk(m, err);
    bool found = m->damage->slots > 0 || m->damage->contents > 0;
    if (!rc && m->mend && found)
        rc = rest_zero(m, err);
    if (!rc && m->mend && found)
        rc = account(m, err);
    arena_done(&m->arena);
    buf_done(&m->item);
    buf_done(&m->entry);
    free(m->extents);
    return rc;
}

int log_damage_find(struct store *store, int64_t number, struct log_damage *ret, struct err *err)
{
    struct mending m = {.store = store, .damage = ret};
    struct log_row row;
    struct err tree;
    *ret = (struct log_damage){0};
    int rc = row_load(store, number, &row, err);
    if (rc)
        return rc;
    int held = tree_check(store, &row, &tree);
    if (held == ERR_MEMORY) {
        *err = tree;
        return held;
    }
    if (held)
        snprintf(ret->tree, sizeof ret->tree, "%s", tree.text);
    return held ? 0 : mending_run(&m, number, err);
}

int log_mend(struct store *store, int64_t number, struct log_damage *ret, struct err *err)
{
    struct mending m = {.store = store, .mend = true, .damage = ret};
    *ret = (struct log_damage){0};
    int rc = store_begin(store, err);
    return rc ? rc : store_end(store, true, mending_run(&m, number, err), err);
}

int log_begin_anew(struct store *store, int64_t number, struct err *err)
{
    struct log_row row;
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = row_load(store, number, &row, err);
    if (!rc)
        rc = log_empty(store, &row, err);
    return store_end(store, true, rc, err);
}

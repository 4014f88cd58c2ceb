#include "state/heal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "policy/policy.h"
#include "record/record.h"
#include "record/seal.h"
#include "state/internal.h"

struct extent {
    uint64_t begin, end; /* of a good item in `data` */
};

struct candidate {
    uint64_t index, at; /* whose item may begin where */
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
    struct candidate *candidates;
    size_t candidate_count, candidate_cap;
    bool has_candidates;
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

static int cmp_candidate(const void *x, const void *y)
{
    const struct candidate *a = x, *b = y;
    if (a->index != b->index)
        return a->index < b->index ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

static int candidate_add(struct mending *m, uint64_t index, uint64_t at, struct err *err)
{
    if (m->candidate_count == m->candidate_cap) {
        size_t cap = m->candidate_cap ? 2 * m->candidate_cap : 1024;
        struct candidate *candidates = realloc(m->candidates, cap * sizeof *candidates);
        if (!candidates)
            return err_memory(err);
        m->candidates = candidates;
        m->candidate_cap = cap;
    }
    m->candidates[m->candidate_count++] = (struct candidate){index, at};
    return 0;
}

/* Every place of `data` where what stands there may be the head of an item: looked for once, at the first bad slot. */
static int candidates_find(struct mending *m, struct err *err)
{
    uint8_t piece[65536 + 8];
    int rc = 0;
    for (uint64_t at = 0; at + ITEM_HEAD <= m->row.payload_end && !rc; at += 65536) {
        uint64_t left = m->row.payload_end - at;
        size_t len = left < sizeof piece ? (size_t)left : sizeof piece;
        rc = file_read(m->store, &m->row, FILE_DATA, piece, len, at, err);
        for (size_t i = 0; i < 65536 && i + ITEM_HEAD <= len && !rc; i += 8) {
            uint64_t index = be64_load(piece + i), item = be64_load(piece + i + 4) & 0xffffffff;
            if (index < m->row.info.staged && item >= SEAL_SALT && item <= SEAL_SALT + PAYLOAD_MAX &&
                item <= left - i - ITEM_HEAD)
                rc = candidate_add(m, index, at + i, err);
        }
    }
    if (m->candidate_count > 1)
        qsort(m->candidates, m->candidate_count, sizeof *m->candidates, cmp_candidate);
    m->has_candidates = rc == 0;
    return rc;
}

/* The first of those that say `index`. */
static size_t candidate_first(const struct mending *m, uint64_t index)
{
    size_t low = 0, high = m->candidate_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->candidates[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What policy held goes on waiting. */
static int slot_made_again(struct mending *m, uint64_t index, bool clear, uint64_t place, uint64_t *ret,
                           struct err *err)
{
    int64_t waits = 0;
    int rc = db_int(m->store, &waits, err, "SELECT count(*) FROM verdict WHERE ref = ? AND act = ?", "ii",
                    RECORD_REF(m->row.info.number, index), (int64_t)POLICY_HOLD);
    *ret = SLOT_MAKE(SLOT_HELD | (waits ? SLOT_WAITING : clear ? SLOT_CLEAR : 0), place);
    return rc;
}

/* A slot that a disk has changed, from what the entry and `data` say; 0, nothing known, if they say nothing. */
static int slot_guess(struct mending *m, uint64_t index, uint64_t *ret, struct err *err)
{
    bool fits = false, clear = false;
    uint8_t hash[32];
    *ret = 0;
    buf_clear(&m->entry);
    int rc = entry_read(m->store, &m->row, index, m->row.info.staged, &m->entry, err);
    if (!rc && !seal_parse(buf_view(&m->entry), hash)) {
        *ret = SLOT_MAKE(SLOT_INLINE, 0);
        return 0;
    }
    if (!rc && !m->has_candidates)
        rc = candidates_find(m, err);
    for (size_t i = candidate_first(m, index); !rc && i < m->candidate_count && m->candidates[i].index == index; i++) {
        uint64_t at = m->candidates[i].at;
        if (!item_at(m, index, at))
            continue;
        rc = item_fits(m, index, &fits, &clear, err);
        if (!rc && fits)
            rc = slot_made_again(m, index, clear, at + ITEM_INDEX, ret, err);
        else if (!rc && !*ret && all_zero(span_sub(buf_view(&m->item), 4, m->item.len)))
            *ret = SLOT_MAKE(SLOT_ERASED, 0);
        if (fits)
            break;
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
    m->held += SLOT_COUNTS(slot);
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
        if (bad[i] && !m->mend) /* what payload_read would refuse */
            continue;
        if (bad[i]) {
            rc = slot_guess(m, index, &slots[i], err);
            if (!rc)
                rc = slot_write(m->store, &m->row, index, slots[i], err);
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

/* What is too short is filled up with zeros: neither a slot nor an item. */
static int lengths_mend(struct mending *m, struct err *err)
{
    int rc = 0;
    for (int kind = FILE_DATA; kind <= FILE_SLOTS && !rc; kind++) {
        char path[PATH_MAX];
        struct stat st = {0};
        uint64_t due = file_due(&m->row, kind);
        file_path(m->store, m->row.info.hex, kind, path);
        if (stat(path, &st) != 0 && errno != ENOENT)
            return err_sys(err, "%s", path);
        uint64_t here = (uint64_t)st.st_size;
        if (here >= due)
            continue;
        m->damage->cut = true;
        if (m->mend)
            rc = file_zero(m->store, &m->row, kind, here, due - here, err);
    }
    return rc;
}

static int mending_run(struct mending *m, int64_t number, struct err *err)
{
    buf_init(&m->item, PAYLOAD_MAX + 64);
    buf_init(&m->entry, ENTRY_MAX);
    arena_init(&m->arena, PAYLOAD_MAX);
    int rc = row_load(m->store, number, &m->row, err);
    if (!rc)
        rc = lengths_mend(m, err);
    if (!rc && (m->mend || !m->damage->cut))
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
    free(m->candidates);
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

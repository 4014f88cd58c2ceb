#include "state/payload.h"

#include "record/seal.h"
#include "state/internal.h"

/* Times that a reader tries again because what it reads moves under it: each time means a commit in between. */
#define READ_TRIES 16

int slot_of(struct store *store, int64_t number, uint64_t index, uint64_t limit, uint64_t *ret, struct err *err)
{
    if (index >= limit)
        return err_set(err, ERR_NOTFOUND, "log %lld has %llu entries, none at %llu", (long long)number,
                       (unsigned long long)limit, (unsigned long long)index);
    return slots_read(store, number, index, 1, ret, err);
}

/* Room for an item of `len` bytes of salt and payload behind its length. */
static uint8_t *item_room(struct buf *out, size_t len)
{
    buf_u32(out, (uint32_t)len);
    return buf_room(out, len);
}

static int not_held(const struct log_row *row, uint64_t index, struct err *err)
{
    return err_set(err, ERR_NOTFOUND, "log %s: payload of entry %llu is not held here", row->info.origin,
                   (unsigned long long)index);
}

/* A payload that stands in a row of the tail; ERR_NOTFOUND when it is there no more. */
static int read_row(struct store *store, const struct log_row *row, uint64_t index, struct buf *out, struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err, "SELECT item FROM tail_payload WHERE ref = ?", "i", RECORD_REF(row->info.number, index));
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1) {
        struct span item = db_span(stmt, 0);
        uint8_t *to = item_room(out, item.len);
        if (to && item.len)
            memcpy(to, item.data, item.len);
    }
    db_end(stmt);
    if (rc == 0)
        return not_held(row, index, err);
    return rc < 0 ? rc : buf_check(out, "payload", err);
}

/*
 * Items stand in the order of their entries, mostly: reading a bundle's worth is a few large reads, which a window
 * over `data` turns the many small ones into.
 */
#define WINDOW_LAST 4096 /* bytes read of the last item: most are shorter */
struct window {
    struct buf *bytes;
    uint64_t begin, last; /* place of the last item that is wanted */
};

static int window_fill(struct store *store, const struct log_row *row, struct window *window, uint64_t at,
                       struct err *err)
{
    uint64_t left = row->payload_end - at, wanted = window->last > at ? window->last - at + WINDOW_LAST : WINDOW_LAST;
    size_t len = left < PAYLOAD_WINDOW_MAX ? (size_t)left : PAYLOAD_WINDOW_MAX;
    if (wanted < len)
        len = (size_t)wanted;
    buf_clear(window->bytes);
    window->begin = at;
    uint8_t *to = buf_room(window->bytes, len);
    int rc = to ? file_read(store, row, FILE_DATA, to, len, at, err) : buf_check(window->bytes, "window", err);
    if (rc)
        buf_clear(window->bytes);
    return rc;
}

static bool window_has(const struct window *window, uint64_t at, size_t len)
{
    return at >= window->begin && at + len <= window->begin + window->bytes->len;
}

static int read_item(struct store *store, const struct log_row *row, uint64_t index, uint64_t place,
                     struct window *window, struct buf *out, struct err *err)
{
    if (place < ITEM_INDEX || place + 4 > row->payload_end)
        return not_held(row, index, err);
    uint64_t at = place - ITEM_INDEX;
    int rc = 0;
    if (!window_has(window, at, ITEM_HEAD))
        rc = window_fill(store, row, window, at, err);
    if (rc)
        return rc;
    const uint8_t *head = window->bytes->data + (at - window->begin);
    size_t len = (size_t)(be64_load(head + 4) & 0xffffffff);
    if (be64_load(head) != index || len < SEAL_SALT || len > SEAL_SALT + PAYLOAD_MAX ||
        place + 4 + len > row->payload_end)
        return not_held(row, index, err);
    uint8_t *to = item_room(out, len);
    if (!to)
        return buf_check(out, "payload", err);
    if (window_has(window, place + 4, len)) {
        memcpy(to, window->bytes->data + (place + 4 - window->begin), len);
        return 0;
    }
    return file_read(store, row, FILE_DATA, to, len, place + 4, err);
}

static int read_held(struct store *store, const struct log_row *row, uint64_t index, uint64_t slot,
                     struct window *window, struct buf *out, struct err *err)
{
    if (SLOT_PLACE(slot) == 0)
        return read_row(store, row, index, out, err);
    return read_item(store, row, index, SLOT_PLACE(slot), window, out, err);
}

/* Salt and the first `max` bytes, under a length that says so. */
static int read_head(struct store *store, const struct log_row *row, uint64_t index, uint64_t slot, size_t max,
                     struct buf *out, struct err *err)
{
    size_t len = 0;
    if (SLOT_PLACE(slot) == 0) /* those in rows are short */
        return read_row(store, row, index, out, err);
    int rc = item_length(store, row, index, SLOT_PLACE(slot), &len, err);
    if (rc)
        return rc;
    if (len > SEAL_SALT + max)
        len = SEAL_SALT + max;
    uint8_t *to = item_room(out, len);
    return to ? file_read(store, row, FILE_DATA, to, len, SLOT_PLACE(slot) + 4, err) : buf_check(out, "payload", err);
}

int payload_read(struct store *store, int64_t number, uint64_t index, struct buf *out, unsigned *ret_flags,
                 struct err *err)
{
    return payload_read_head(store, number, index, PAYLOAD_MAX, out, ret_flags, err);
}

int payload_read_head(struct store *store, int64_t number, uint64_t index, size_t max, struct buf *out,
                      unsigned *ret_flags, struct err *err)
{
    struct log_row row;
    uint64_t slot = 0, again;
    size_t before = out->len;
    int rc = 0;
    for (int i = 0; i < READ_TRIES; i++) {
        rc = row_load(store, number, &row, err);
        if (!rc)
            rc = slot_of(store, number, index, row.info.staged, &slot, err);
        /* Again, for the item may have been appended since: what the slot says is below this payload_end. */
        if (!rc)
            rc = row_load(store, number, &row, err);
        if (rc)
            return rc;
        if (ret_flags)
            *ret_flags = SLOT_FLAGS(slot);
        if (!(SLOT_FLAGS(slot) & SLOT_HELD) || SLOT_FLAGS(slot) & SLOT_ERASED)
            return not_held(&row, index, err);
        rc = read_head(store, &row, index, slot, max, out, err);
        if (rc && rc != ERR_NOTFOUND)
            break;
        int rc_again = slot_of(store, number, index, row.info.staged, &again, err);
        if (rc_again)
            rc = rc_again;
        else if (again == slot)
            return rc;
        buf_cut(out, before);
    }
    buf_cut(out, before);
    return rc ? rc
              : err_set(err, ERR_STATE, "log %s: entry %llu changes all the time", row.info.origin,
                        (unsigned long long)index);
}

int payload_flags(struct store *store, int64_t number, uint64_t index, unsigned *ret_flags, struct err *err)
{
    struct log_row row;
    uint64_t slot;
    int rc = row_load(store, number, &row, err);
    if (!rc)
        rc = slot_of(store, number, index, row.info.staged, &slot, err);
    if (!rc)
        *ret_flags = SLOT_FLAGS(slot);
    return rc;
}

/* Whom a bundle is read for. */
struct reading {
    bool clear_only;
    const struct payload_choice *choice; /* NULL: nobody is asked */
    struct window window;
};

static bool shown(const struct reading *reading, uint64_t slot)
{
    unsigned flags = SLOT_FLAGS(slot);
    return (flags & SLOT_HELD) && !(flags & (SLOT_ERASED | SLOT_WAITING)) &&
           (!reading->clear_only || (flags & SLOT_CLEAR));
}

/* The item that begins at `before` in `out` becomes a hole unless it is for whom it is read. */
static int choose(const struct reading *reading, uint64_t index, uint64_t slot, size_t before, struct buf *out,
                  struct err *err)
{
    bool admitted = true;
    if (SLOT_FLAGS(slot) & SLOT_CLEAR)
        return 0;
    struct span payload = span_sub(buf_view(out), before + 4 + SEAL_SALT, out->len);
    int rc = reading->choice->admits(reading->choice->ctx, index, payload, &admitted, err);
    if (!rc && !admitted) {
        buf_cut(out, before);
        payload_add_hole(out);
    }
    return rc;
}

/* One pass over at most a bundle's worth of entries; *ret_count is how many went in before `max`. */
static int read_pass(struct store *store, const struct log_row *row, uint64_t first, const uint64_t *slots,
                     size_t count, struct reading *reading, struct buf *out, size_t *ret_count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t before = out->len;
        if (shown(reading, slots[i])) {
            int rc = read_held(store, row, first + i, slots[i], &reading->window, out, err);
            if (!rc && reading->choice)
                rc = choose(reading, first + i, slots[i], before, out, err);
            if (rc)
                return rc;
        } else {
            payload_add_hole(out);
        }
        if (out->len > PAYLOAD_BUNDLE_MAX && before > 0) {
            buf_cut(out, before);
            *ret_count = i;
            return 0;
        }
    }
    *ret_count = count;
    return buf_check(out, "payloads", err);
}

static uint64_t last_place(const uint64_t *slots, size_t count)
{
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++)
        last = SLOT_PLACE(slots[i]) > last ? SLOT_PLACE(slots[i]) : last;
    return last;
}

/* Slots and row as of one moment: within one transaction, since beginning one costs as much as what is read in it. */
static int look(struct store *store, int64_t number, uint64_t first, size_t count, uint64_t *ret_slots,
                struct log_row *ret_row, struct err *err)
{
    bool own = false;
    int rc = db_snapshot(store, &own, err);
    if (!rc)
        rc = slots_read(store, number, first, count, ret_slots, err);
    if (!rc)
        rc = row_load(store, number, ret_row, err);
    if (own)
        db_snapshot_end(store);
    return rc;
}

/* Up to a bundle's worth, read until no slot changed meanwhile. */
static int read_some(struct store *store, int64_t number, uint64_t first, size_t count, struct reading *reading,
                     struct buf *out, size_t *ret_count, struct err *err)
{
    uint64_t slots[TILE_WIDTH], again[TILE_WIDTH];
    size_t before = out->len;
    for (int i = 0; i < READ_TRIES; i++) {
        struct log_row row, row_again;
        struct err pass_err;
        int rc = look(store, number, first, count, slots, &row, err);
        if (rc)
            return rc;
        reading->window.last = last_place(slots, count);
        int pass = read_pass(store, &row, first, slots, count, reading, out, ret_count, &pass_err);
        rc = look(store, number, first, count, again, &row_again, err);
        if (rc)
            return rc;
        /* A slot of the file may be younger than the row, and its item beyond the end that the row knows. */
        bool is_behind = pass == ERR_NOTFOUND && row_again.payload_end != row.payload_end;
        if (!is_behind && memcmp(slots, again, count * sizeof *slots) == 0) {
            if (pass)
                *err = pass_err;
            return pass;
        }
        buf_cut(out, before);
        buf_clear(reading->window.bytes);
    }
    return err_set(err, ERR_STATE, "log %lld: entries from %llu on change all the time", (long long)number,
                   (unsigned long long)first);
}

static int read_all(struct store *store, int64_t number, uint64_t first, size_t count, struct reading *reading,
                    struct buf *out, size_t *ret_count, struct err *err)
{
    struct log_row row;
    int rc = row_load(store, number, &row, err);
    if (rc)
        return rc;
    if (first > row.info.size || count > row.info.size - first)
        return err_set(err, ERR_NOTFOUND, "log %s has %llu entries", row.info.origin,
                       (unsigned long long)row.info.size);
    reading->window.bytes = &store->window;
    buf_clear(reading->window.bytes);
    size_t done = 0;
    while (!rc && done < count) {
        size_t part = count - done < TILE_WIDTH ? count - done : TILE_WIDTH, got = 0;
        rc = read_some(store, number, first + done, part, reading, out, &got, err);
        done += got;
        if (got < part)
            break;
    }
    if (!rc)
        *ret_count = done;
    return rc;
}

int payload_read_bundle(struct store *store, int64_t number, uint64_t first, size_t count, bool clear_only,
                        struct buf *out, size_t *ret_count, struct err *err)
{
    struct reading reading = {.clear_only = clear_only};
    return read_all(store, number, first, count, &reading, out, ret_count, err);
}

int payload_read_chosen(struct store *store, int64_t number, uint64_t first, size_t count,
                        const struct payload_choice *choice, struct buf *out, size_t *ret_count, struct err *err)
{
    struct reading reading = {.choice = choice};
    return read_all(store, number, first, count, &reading, out, ret_count, err);
}

static int next_wanted(struct store *store, int64_t number, uint64_t from, uint64_t *ret_index, struct err *err)
{
    struct log_row row;
    uint64_t slots[SLOTS_AT_ONCE];
    int rc = row_load(store, number, &row, err);
    while (!rc && from < row.info.size) {
        uint64_t left = row.info.size - from;
        size_t count = left < SLOTS_AT_ONCE ? (size_t)left : SLOTS_AT_ONCE;
        rc = slots_look(store, &row, from, count, slots, NULL, err);
        for (size_t i = 0; i < count && !rc; i++) {
            if (!(SLOT_FLAGS(slots[i]) & (SLOT_HELD | SLOT_ERASED | SLOT_REFUSED | SLOT_INLINE))) {
                *ret_index = from + i;
                return 0;
            }
        }
        from += count;
    }
    if (!rc)
        *ret_index = row.info.size;
    return rc;
}

int payload_next_wanted(struct store *store, int64_t number, uint64_t from, uint64_t *ret_index, struct err *err)
{
    bool own; /* one read transaction for all, not two for every few slots */
    int rc = db_snapshot(store, &own, err);
    if (rc)
        return rc;
    rc = next_wanted(store, number, from, ret_index, err);
    if (own)
        db_snapshot_end(store);
    return rc;
}

/* Payloads that come after their entries. */
#include "state/internal.h"

/* What the items of one bundle share. */
struct arrival {
    struct store *store;
    struct log_row *row;
    struct stream data;
    uint64_t first; /* of the entries looked at */
    size_t count;
    uint64_t slots[TILE_WIDTH];
    struct span entries[TILE_WIDTH]; /* in `bundle` */
    struct buf bundle;
    size_t kept;
};

/* Look at the bundle of `index` up to entry `last`, both below the size. */
static int arrival_look(struct arrival *a, uint64_t index, uint64_t last, struct err *err)
{
    uint64_t end = (index / TILE_WIDTH + 1) * TILE_WIDTH;
    a->first = index;
    a->count = (size_t)((last < end ? last + 1 : end) - index);
    buf_clear(&a->bundle);
    int rc = slots_read(a->store, a->row->info.number, a->first, a->count, a->slots, err);
    if (!rc)
        rc = entries_read(a->store, a->row, a->first, a->count, a->row->info.size, &a->bundle, err);
    struct bundle_reader reader = {buf_view(&a->bundle), 0};
    for (size_t i = 0; i < a->count && !rc; i++)
        rc = bundle_next(&reader, &a->entries[i], err) < 0 ? ERR_SYNTAX : 0;
    return rc;
}

static int check_item(const struct arrival *a, const struct payload_new *item, struct err *err)
{
    if (item->salt.len != SEAL_SALT || item->payload.len > PAYLOAD_MAX)
        return err_set(err, ERR_LIMIT, "%zu bytes, at most %u allowed", item->payload.len, PAYLOAD_MAX);
    return seal_check(span_str(a->row->info.origin), a->entries[item->index - a->first], item->salt, item->payload,
                      err);
}

/* Behind payload_end, or as a row beside the tail's. */
static int keep_item(struct arrival *a, const struct payload_new *item, struct err *err)
{
    uint64_t place = 0;
    int rc;
    if (item->index >= row_full(a->row) && item->payload.len <= PAYLOAD_TAIL_MAX)
        rc = tail_payload_put(a->store, RECORD_REF(a->row->info.number, item->index), item->salt, item->payload, err);
    else
        rc = item_append(&a->data, item->index, item->salt, item->payload, &place, err);
    unsigned flags = SLOT_HELD | (item->waiting ? SLOT_WAITING : item->clear ? SLOT_CLEAR : 0);
    uint64_t slot = SLOT_MAKE(flags, place);
    if (!rc)
        rc = slot_write(a->store, a->row, item->index, slot, err);
    a->slots[item->index - a->first] = slot;
    a->row->info.bytes += 4 + SEAL_SALT + item->payload.len;
    a->row->info.payloads += !item->waiting;
    a->row->info.arrived += !item->waiting;
    a->kept++;
    if (item->clear && !item->waiting)
        row_bump(a->store, a->row);
    else if (!rc && !item->waiting)
        rc = reach_add(a->store, a->row, item->index, item->payload, err);
    return rc;
}

static int put_one(struct arrival *a, const struct payload_new *item, uint64_t last, struct err *err)
{
    int rc = 0;
    if (item->index >= a->row->info.size)
        return err_set(err, ERR_NOTFOUND, "log %s has %llu entries, none at %llu", a->row->info.origin,
                       (unsigned long long)a->row->info.size, (unsigned long long)item->index);
    if (a->count == 0 || item->index < a->first || item->index >= a->first + a->count)
        rc = arrival_look(a, item->index, last, err);
    if (rc || SLOT_FLAGS(a->slots[item->index - a->first]) & (SLOT_HELD | SLOT_ERASED))
        return rc;
    rc = check_item(a, item, err);
    if (!rc)
        rc = keep_item(a, item, err);
    return rc ? err_in(err, "log %s: payload of entry %llu", a->row->info.origin, (unsigned long long)item->index) : 0;
}

int payload_put_many(struct store *store, int64_t number, const struct payload_new *items, size_t count,
                     size_t *ret_kept, struct err *err)
{
    struct log_row row;
    struct arrival a = {.store = store, .row = &row};
    int rc = store_writable(store, err);
    if (!rc)
        rc = row_load(store, number, &row, err);
    if (rc || count == 0)
        return rc;
    struct touched *touched = store_touch(store, &row, err);
    if (!touched)
        return err->code;
    touched->has_data = true;
    buf_init(&a.bundle, BUNDLE_MAX);
    stream_begin(&a.data, store, &row, FILE_DATA, row.payload_end);
    uint64_t last = items[count - 1].index < row.info.size ? items[count - 1].index : row.info.size - 1;
    for (size_t i = 0; i < count && !rc; i++)
        rc = put_one(&a, &items[i], last < items[i].index ? items[i].index : last, err);
    if (!rc)
        rc = stream_end(&a.data, err);
    row.payload_end = a.data.offset;
    buf_done(&a.bundle);
    if (!rc && a.kept > 0)
        rc = row_save(store, &row, err);
    if (!rc)
        *ret_kept = a.kept;
    return rc;
}

int payload_put(struct store *store, int64_t number, uint64_t index, struct span salt, struct span payload, bool clear,
                struct err *err)
{
    struct payload_new item = {index, salt, payload, clear, false};
    size_t kept;
    return payload_put_many(store, number, &item, 1, &kept, err);
}

int payload_refuse(struct store *store, int64_t number, uint64_t index, struct err *err)
{
    struct log_row row;
    uint64_t slot = 0;
    int rc = store_writable(store, err);
    if (!rc)
        rc = row_load(store, number, &row, err);
    if (!rc)
        rc = slot_of(store, number, index, row.info.size, &slot, err);
    if (rc || SLOT_FLAGS(slot) & (SLOT_HELD | SLOT_ERASED | SLOT_REFUSED))
        return rc;
    return slot_write(store, &row, index, slot | SLOT_MAKE(SLOT_REFUSED, 0), err);
}

/* Row and slot of one entry of a log that is about to be written. */
static int slot_begin(struct store *store, int64_t number, uint64_t index, struct log_row *row, uint64_t *ret_slot,
                      struct err *err)
{
    int rc = store_writable(store, err);
    if (!rc)
        rc = row_load(store, number, row, err);
    return rc ? rc : slot_of(store, number, index, row->info.size, ret_slot, err);
}

int payload_forgive(struct store *store, int64_t number, uint64_t index, struct err *err)
{
    struct log_row row;
    uint64_t slot = 0;
    int rc = slot_begin(store, number, index, &row, &slot, err);
    if (rc || !(SLOT_FLAGS(slot) & SLOT_REFUSED))
        return rc;
    return slot_write(store, &row, index, slot & ~SLOT_MAKE(SLOT_REFUSED, 0), err);
}

int payload_release(struct store *store, int64_t number, uint64_t index, bool clear, struct err *err)
{
    struct log_row row;
    uint64_t slot = 0;
    int rc = slot_begin(store, number, index, &row, &slot, err);
    if (!rc && !(SLOT_FLAGS(slot) & SLOT_WAITING))
        rc = err_set(err, ERR_NOTFOUND, "log %s: entry %llu does not wait", row.info.origin, (unsigned long long)index);
    if (!rc)
        rc = slot_write(store, &row, index, (slot & ~SLOT_MAKE(SLOT_WAITING, 0)) | SLOT_MAKE(clear ? SLOT_CLEAR : 0, 0),
                        err);
    if (rc)
        return rc;
    row.info.payloads++;
    row.info.arrived++;
    if (clear)
        row_bump(store, &row);
    else
        rc = reach_one(store, &row, index, err);
    return rc ? rc : row_save(store, &row, err);
}

int payload_await(struct store *store, int64_t number, uint64_t index, struct err *err)
{
    struct log_row row;
    uint64_t slot = 0;
    int rc = slot_begin(store, number, index, &row, &slot, err);
    if (!rc && !SLOT_COUNTS(slot))
        rc = err_set(err, ERR_NOTFOUND, "log %s: payload of entry %llu is not held here", row.info.origin,
                     (unsigned long long)index);
    if (!rc)
        rc = slot_write(store, &row, index, (slot & ~SLOT_MAKE(SLOT_CLEAR, 0)) | SLOT_MAKE(SLOT_WAITING, 0), err);
    if (rc)
        return rc;
    row.info.payloads--;
    if (SLOT_FLAGS(slot) & SLOT_CLEAR)
        row_bump(store, &row);
    else
        rc = reach_again(store, &row, index / TILE_WIDTH, err);
    return rc ? rc : row_save(store, &row, err);
}

/* Payloads that a mirror does not keep any longer. */
#include "state/internal.h"

#include <stdlib.h>

#define DROP_BATCH 4096 /* slots that share a commit */

#define BLOCK 4096 /* bytes: what file systems give out */

/* A payload in `data` that was given up: the item of entry `index` at `place`, `len` bytes of salt and payload. */
struct dropped {
    uint64_t index, place;
    size_t len;
};

/* Bytes of salt and payload of what a slot says is held. */
static int held_length(struct store *store, const struct log_row *row, uint64_t index, uint64_t slot, size_t *ret,
                       struct err *err)
{
    int64_t len;
    if (SLOT_PLACE(slot))
        return item_length(store, row, index, SLOT_PLACE(slot), ret, err);
    int rc = db_int(store, &len, err, "SELECT length(item) FROM tail_payload WHERE ref = ?", "i",
                    RECORD_REF(row->info.number, index));
    *ret = rc ? 0 : (size_t)len;
    return rc;
}

/* Should the process end in between, whoever goes on overwrites it as if it were to be erased. */
static int drop_note(struct store *store, int64_t ref, uint64_t place, size_t len, struct err *err)
{
    if (place == 0)
        return store_put(store, FACT_TAIL_DROPPED, SPAN_LIT("1"), err);
    return db_run(store, err, "INSERT OR REPLACE INTO erasing(ref, at, length) VALUES(?, ?, ?)", "iii", ref,
                  (int64_t)(place + 4), (int64_t)len);
}

static int drop_one(struct store *store, struct log_row *row, uint64_t index, uint64_t slot, struct dropped *ret,
                    struct err *err)
{
    int64_t ref = RECORD_REF(row->info.number, index);
    struct err damaged;
    size_t len = 0;
    int rc = held_length(store, row, index, slot, &len, &damaged);
    if (rc && rc != ERR_NOTFOUND) { /* one that cannot be found any more takes no room either */
        *err = damaged;
        return rc;
    }
    *ret = (struct dropped){index, rc ? 0 : SLOT_PLACE(slot), len};
    row->info.bytes -= rc ? 0 : 4 + len;
    row->info.payloads -= SLOT_COUNTS(slot);
    rc = rc ? 0 : drop_note(store, ref, ret->place, len, err);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM tail_payload WHERE ref = ?", "i", ref);
    return rc ? rc
              : slot_write(store, row, index, SLOT_MAKE(SLOT_FLAGS(slot) & ~(SLOT_HELD | SLOT_CLEAR | SLOT_WAITING), 0),
                           err);
}

/* Within a transaction: the slots of entries [first, end), at most DROP_BATCH. */
static int drop_slots(struct store *store, struct log_row *row, uint64_t first, uint64_t end, struct dropped *list,
                      size_t *ret_count, struct err *err)
{
    uint64_t slots[TILE_WIDTH];
    int rc = 0;
    *ret_count = 0;
    while (!rc && first < end) {
        size_t count = TILE_WIDTH - first % TILE_WIDTH;
        if (end - first < count)
            count = (size_t)(end - first);
        rc = slots_read(store, row->info.number, first, count, slots, err);
        for (size_t i = 0; i < count && !rc; i++) {
            struct dropped *next = &list[*ret_count];
            if ((SLOT_FLAGS(slots[i]) & (SLOT_HELD | SLOT_ERASED)) != SLOT_HELD)
                continue;
            rc = drop_one(store, row, first + i, slots[i], next, err);
            *ret_count += !rc && next->place;
        }
        first += count;
    }
    return rc;
}

/* Bytes of `data` to be freed. */
struct run {
    uint64_t begin, end;
};

/*
 * Only whole blocks are freed. What stands between the block's beginning and the run, if it is all zeros, was dropped
 * before: so what goes item by item gives its blocks back, too.
 */
static int run_free(struct store *store, const struct log_row *row, struct run *run, struct err *err)
{
    char path[PATH_MAX];
    uint8_t before[BLOCK];
    size_t len = (size_t)(run->begin % BLOCK), i = 0;
    bool freed = true;
    int fd, rc = file_read(store, row, FILE_DATA, before, len, run->begin - len, err);
    while (i < len && before[i] == 0)
        i++;
    if (i == len)
        run->begin -= len;
    if (!rc)
        rc = file_get(store, row, FILE_DATA, true, &fd, err);
    file_path(store, row->info.hex, FILE_DATA, path);
    if (!rc && run->end > run->begin)
        rc = disk_punch(fd, run->begin, run->end - run->begin, path, &freed, err);
    if (!rc && !freed)
        rc = file_zero(store, row, FILE_DATA, run->begin, run->end - run->begin, err);
    *run = (struct run){0, 0};
    return rc;
}

/*
 * Their room goes back to the file system. What came again meanwhile stands elsewhere; should the log have been emptied
 * and filled anew, what stands there is no more what was dropped, and stays.
 */
static int drop_bytes(struct store *store, const struct log_row *row, const struct dropped *list, size_t count,
                      struct err *err)
{
    struct run run = {0, 0};
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        uint64_t slot, begin = list[i].place - ITEM_INDEX;
        size_t len;
        struct err moved;
        rc = slots_read(store, row->info.number, list[i].index, 1, &slot, err);
        if (rc || ((SLOT_FLAGS(slot) & SLOT_HELD) && SLOT_PLACE(slot) == list[i].place) ||
            item_length(store, row, list[i].index, list[i].place, &len, &moved) != 0 || len != list[i].len)
            continue;
        if (begin != run.end && run.end > run.begin)
            rc = run_free(store, row, &run, err);
        if (run.end == run.begin)
            run.begin = begin;
        run.end = begin + ((ITEM_HEAD + len + 7) & ~(uint64_t)7);
    }
    if (!rc && run.end > run.begin)
        rc = run_free(store, row, &run, err);
    return rc;
}

static int drop_done(struct store *store, int64_t number, const struct dropped *list, size_t count, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++)
        rc = db_run(store, err, "DELETE FROM erasing WHERE ref = ?", "i", RECORD_REF(number, list[i].index));
    return rc;
}

static int drop_batch(struct store *store, int64_t number, uint64_t end, struct dropped *list, struct err *err)
{
    struct log_row row = {0};
    size_t count = 0;
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = row_load(store, number, &row, err);
    uint64_t first = row.info.payloads_from, last = end - first < DROP_BATCH ? end : first + DROP_BATCH;
    if (!rc && first < end)
        rc = drop_slots(store, &row, first, last, list, &count, err);
    if (!rc)
        rc = row_save(store, &row, err);
    if (!rc && first < end) {
        row.info.payloads_from = last;
        rc = store_log_update(store, &row.info, err);
    }
    if (!rc && first < end)
        rc = reach_drop(store, number, last, err);
    rc = store_end(store, true, rc, err);
    if (rc || count == 0)
        return rc;
    /* After the commit only: until then the slots still say that it is held. */
    rc = store_begin(store, err);
    if (!rc)
        rc = row_load(store, number, &row, err);
    if (!rc)
        rc = drop_bytes(store, &row, list, count, err);
    if (!rc)
        rc = drop_done(store, number, list, count, err);
    return store_end(store, true, rc, err);
}

int payload_drop_before(struct store *store, int64_t number, uint64_t index, struct err *err)
{
    struct log_row row;
    struct dropped *list = NULL;
    int rc = row_load(store, number, &row, err);
    if (!rc && index > row.info.size)
        index = row.info.size;
    if (!rc && row.info.payloads_from < index && !(list = calloc(DROP_BATCH, sizeof *list)))
        rc = err_memory(err);
    store->in_erase = true; /* no commit in between takes what is noted in `erasing` for an erasure to be completed */
    while (!rc && row.info.payloads_from < index) {
        rc = drop_batch(store, number, index, list, err);
        if (!rc)
            rc = row_load(store, number, &row, err);
    }
    store->in_erase = false;
    free(list);
    return rc;
}

#include "state/internal.h"

#include <sodium.h>
#include <stdlib.h>

#include "state/mirror.h"
#include "state/notices.h"
#include "state/residue.h"
#include "state/wal.h"

#define ERASE_BATCH 1024   /* erasures that share their commits */
#define ERASE_WAIT_MS 5000 /* for readers that keep the WAL */
#define ERASE_ROUNDS 4     /* rewriting once is enough; more only if others write meanwhile */

/* ---- step 1: nobody fetches or serves it any more ---- */

/* How long the payload is, and its first bytes for residue.c. A damaged one has no length and nothing to look for. */
static int look_at(struct store *store, int64_t ref, struct residue *residue, size_t *ret_len, struct err *err)
{
    struct buf item;
    struct err damaged;
    buf_init(&item, PAYLOAD_MAX + 64);
    int rc = payload_read(store, RECORD_REF_LOG(ref), RECORD_REF_INDEX(ref), &item, NULL, &damaged);
    *ret_len = item.len;
    if (!rc)
        rc = residue_add(residue, span_sub(buf_view(&item), 4, item.len), err);
    else if (rc != ERR_NOTFOUND)
        *err = damaged;
    else
        rc = 0;
    if (item.data)
        sodium_memzero(item.data, item.cap);
    buf_done(&item);
    return rc;
}

/*
 * Nothing is held that we know of. A mirror may have dropped it all the same, or begun to keep it: the row in `erasing`
 * has what stands behind the end of `data` cut, and the WAL emptied.
 */
static int mark_unheld(struct store *store, int64_t ref, struct residue *residue, struct err *err)
{
    int64_t dropped = 0;
    int rc = db_int(store, &dropped, err, "SELECT count(*) FROM fact WHERE name = ?", "s", FACT_TAIL_DROPPED);
    if (!rc && dropped)
        residue_unknown(residue);
    return rc ? rc : db_run(store, err, "INSERT OR IGNORE INTO erasing(ref, at, length) VALUES(?, 0, 0)", "i", ref);
}

/* `flag`: SLOT_ERASED, or SLOT_REFUSED, which a person or another policy may take back. */
static int erase_mark(struct store *store, int64_t ref, unsigned flag, struct residue *residue, struct err *err)
{
    struct log_row row;
    uint64_t slot = 0, index = RECORD_REF_INDEX(ref);
    int rc = row_load(store, RECORD_REF_LOG(ref), &row, err);
    if (!rc && index >= row.info.size)
        rc = err_set(err, ERR_NOTFOUND, "log %s has %llu entries, none at %llu", row.info.origin,
                     (unsigned long long)row.info.size, (unsigned long long)index);
    if (!rc)
        rc = slots_read(store, row.info.number, index, 1, &slot, err);
    bool is_done = flag == SLOT_REFUSED && (SLOT_FLAGS(slot) & (SLOT_REFUSED | SLOT_HELD)) == SLOT_REFUSED;
    if (rc || is_done || SLOT_FLAGS(slot) & (SLOT_ERASED | SLOT_INLINE)) /* only seals can be withdrawn */
        return rc;
    if (!(SLOT_FLAGS(slot) & SLOT_HELD)) {
        rc = mark_unheld(store, ref, residue, err);
    } else {
        size_t len;
        uint64_t place = SLOT_PLACE(slot);
        rc = look_at(store, ref, residue, &len, err);
        bool in_file = place && len > 0;
        if (!rc)
            rc = db_run(store, err, "INSERT OR REPLACE INTO erasing(ref, at, length) VALUES(?, ?, ?)", "iii", ref,
                        (int64_t)(in_file ? place + 4 : 0), (int64_t)(in_file ? len - 4 : 0));
        if (!rc)
            rc = db_run(store, err, "DELETE FROM tail_payload WHERE ref = ?", "i", ref);
        row.info.payloads -= SLOT_COUNTS(slot);
        row.info.bytes -= len;
    }
    if (!rc)
        rc = slot_write(store, &row, index, SLOT_MAKE(flag, 0), err);
    bool is_restricted = (SLOT_FLAGS(slot) & (SLOT_HELD | SLOT_CLEAR)) == SLOT_HELD; /* or waits */
    if (!rc && is_restricted)
        rc = reach_again(store, &row, index / TILE_WIDTH, err);
    if (!rc && flag == SLOT_ERASED) /* whatever policy said of it, its author's word ends that */
        rc = db_run(store, err, "DELETE FROM verdict WHERE ref = ?", "i", ref);
    if (!rc && flag == SLOT_REFUSED && !is_restricted)
        row_bump(store, &row); /* no word in the log tells whoever follows it */
    return rc ? rc : row_save(store, &row, err);
}

/* ---- step 2: the bytes ---- */

static int overwrite(struct store *store, const struct log_row *row, uint64_t at, uint64_t length, struct err *err)
{
    int rc = file_zero(store, row, FILE_DATA, at, length, err);
    /* An attempt that was given up may have left a copy behind the end. */
    return rc ? rc : file_cut(store, row, FILE_DATA, row->payload_end, err);
}

struct erasing {
    int64_t ref;
    uint64_t at, length;
};

/* Within a transaction: what is to be finished, overwritten in the files; synced by the commit. */
static int overwrite_all(struct store *store, struct erasing *list, size_t *ret_count, struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err, "SELECT ref, at, length FROM erasing ORDER BY ref LIMIT ?", "i", (int64_t)ERASE_BATCH);
    if (!stmt)
        return err->code;
    int rc = 1;
    size_t count = 0;
    while (count < ERASE_BATCH && (rc = db_step(store, stmt, err)) == 1)
        list[count++] = (struct erasing){sqlite3_column_int64(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1),
                                         (uint64_t)sqlite3_column_int64(stmt, 2)};
    db_end(stmt);
    rc = rc < 0 ? rc : 0;
    for (size_t i = 0; i < count && !rc; i++) {
        struct log_row row;
        rc = row_load(store, RECORD_REF_LOG(list[i].ref), &row, err);
        if (!rc)
            rc = overwrite(store, &row, list[i].at, list[i].length, err);
    }
    *ret_count = count;
    return rc;
}

/* Everything of the WAL into state.db, and the WAL to zero bytes. */
static int wal_empty(struct store *store, int wait_ms, struct err *err)
{
    if (disk_step("checkpoint"))
        return err_sys(err, "checkpoint %s/state.db", store->dir);
    int rc = wal_truncate(store->db, wait_ms, STORE_BUSY_MS);
    if (rc == SQLITE_OK)
        return 0;
    if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
        return err_set(err, ERR_STATE,
                       "%s/state.db: somebody reads it all the time; the erasure is completed by the next write",
                       store->dir);
    return db_fail(store, rc, err);
}

/* The table's rows into fresh pages; those that they leave are zeroed by secure_delete as a whole. */
static int rewrite_payloads(struct store *store, struct err *err)
{
    static const char *const steps[] = {
        "DELETE FROM tail_spare",   "INSERT INTO tail_spare SELECT ref, item FROM tail_payload ORDER BY ref",
        "DELETE FROM tail_payload", "INSERT INTO tail_payload SELECT ref, item FROM tail_spare ORDER BY ref",
        "DELETE FROM tail_spare",
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !rc; i++)
        rc = db_run(store, err, steps[i], "");
    return rc;
}

/* ---- step 3: done ---- */

static int forget(struct store *store, const struct erasing *list, size_t count, bool rewritten, struct err *err)
{
    int rc = rewritten ? db_run(store, err, "DELETE FROM fact WHERE name = ?", "s", FACT_TAIL_DROPPED) : 0;
    for (size_t i = 0; i < count && !rc; i++)
        rc = db_run(store, err, "DELETE FROM erasing WHERE ref = ?", "i", list[i].ref);
    return rc;
}

/* Until state.db is clean; `residue` NULL: unknown what to look for, so the rows are rewritten once. */
static int clean_database(struct store *store, const struct residue *residue, const struct erasing *list, size_t count,
                          int wait_ms, struct err *err)
{
    bool dirty = residue == NULL;
    for (int round = 0; round < ERASE_ROUNDS; round++) {
        int rc = wal_empty(store, wait_ms, err);
        if (!rc)
            rc = store_begin(store, err);
        if (rc)
            return rc;
        if (residue)
            rc = residue_scan(residue, store->db, &dirty, err);
        bool last = !rc && !dirty;
        if (last)
            rc = forget(store, list, count, residue == NULL, err);
        else if (!rc)
            rc = rewrite_payloads(store, err);
        rc = store_end(store, true, rc, err);
        if (rc || last)
            return rc;
        dirty = false;
    }
    return err_set(err, ERR_STATE, "%s/state.db: others write all the time; the erasure is completed later",
                   store->dir);
}

static int erase_finish(struct store *store, const struct residue *residue, int wait_ms, struct err *err)
{
    struct erasing *list = calloc(ERASE_BATCH, sizeof *list);
    if (!list)
        return err_memory(err);
    size_t count = 0;
    int rc = 0;
    do {
        rc = store_begin(store, err);
        if (!rc)
            rc = store_end(store, true, overwrite_all(store, list, &count, err), err);
        if (!rc && count > 0)
            rc = clean_database(store, residue, list, count, wait_ms, err);
    } while (!rc && count == ERASE_BATCH);
    free(list);
    return rc;
}

int erase_pending(struct store *store, bool *ret, struct err *err)
{
    int64_t any = 0;
    int rc = db_int(store, &any, err, "SELECT count(*) FROM (SELECT 1 FROM erasing LIMIT 1)", "");
    if (!rc)
        *ret = any != 0;
    return rc;
}

int erase_resume(struct store *store, int wait_ms, struct err *err)
{
    if (store->in_erase)
        return 0;
    store->in_erase = true;
    /* Looking first whether readers are in the way keeps a commit that cannot finish the work cheap. */
    int rc = wait_ms == 0 ? wal_empty(store, 0, err) : 0;
    if (!rc)
        rc = erase_finish(store, NULL, wait_ms, err);
    store->in_erase = false;
    return rc;
}

/* Steps 1 to 3 for what `mark` marks. */
static int erase_run(struct store *store, int (*mark)(struct store *, void *, struct residue *, struct err *),
                     void *ctx, struct err *err)
{
    struct residue *residue = residue_new();
    if (!residue)
        return err_memory(err);
    store->in_erase = true;
    int rc = store_begin(store, err);
    bool before = store->erasing;
    if (!rc)
        rc = store_end(store, true, mark(store, ctx, residue, err), err);
    /* With others' erasures to finish too, what to look for is not known in full. */
    if (!rc)
        rc = erase_finish(store, before || residue_is_unknown(residue) ? NULL : residue, ERASE_WAIT_MS, err);
    store->in_erase = false;
    residue_free(residue);
    return rc;
}

static int mark_one(struct store *store, void *ctx, struct residue *residue, struct err *err)
{
    return erase_mark(store, *(const int64_t *)ctx, SLOT_ERASED, residue, err);
}

int payload_erase(struct store *store, int64_t number, uint64_t index, struct err *err)
{
    if (index >= LOG_SIZE_MAX)
        return err_set(err, ERR_NOTFOUND, "log %lld has no entry %llu", (long long)number, (unsigned long long)index);
    int64_t ref = RECORD_REF(number, index);
    return erase_run(store, mark_one, &ref, err);
}

static int mark_refused(struct store *store, void *ctx, struct residue *residue, struct err *err)
{
    const struct payload_away *away = ctx;
    int rc = 0;
    for (size_t i = 0; i < away->count && !rc; i++)
        rc = erase_mark(store, away->refs[i], SLOT_REFUSED, residue, err);
    return !rc && away->with ? away->with(away->ctx, err) : rc;
}

int payload_turn_away(struct store *store, const struct payload_away *away, struct err *err)
{
    struct payload_away all = *away;
    if (away->count > ERASE_BATCH)
        return err_set(err, ERR_LIMIT, "%zu contents at once, at most %d allowed", away->count, ERASE_BATCH);
    return erase_run(store, mark_refused, &all, err);
}

int payload_erase_later(struct store *store, int64_t number, uint64_t index, struct err *err)
{
    int rc = store_writable(store, err);
    return rc ? rc
              : db_run(store, err, "INSERT OR IGNORE INTO erase_queue(ref) VALUES(?)", "i", RECORD_REF(number, index));
}

/* ---- what logs themselves withdraw ---- */

static int queue_one(struct store *store, const struct log_row *row, uint64_t index, struct span entry, struct err *err)
{
    struct arena arena;
    struct record record;
    struct err without;
    uint64_t target;
    arena_init(&arena, 1u << 17);
    bool valid = record_parse(entry, &arena, &record, &without) == 0 && !record.hold &&
                 erase_parse(&record, &target, &without) == 0 && target < index;
    arena_done(&arena);
    if (!valid)
        return 0; /* without effect, like any constitutional record out of form */
    return db_run(store, err, "INSERT OR IGNORE INTO erase_queue(ref) VALUES(?)", "i",
                  RECORD_REF(row->info.number, target));
}

int erase_queue(struct store *store, const struct log_row *row, uint64_t first, uint64_t end, struct err *err)
{
    if (end > row->info.frozen_from)
        end = row->info.frozen_from;
    struct buf entry;
    buf_init(&entry, ENTRY_MAX + 2);
    int rc = 0;
    int64_t next = RECORD_REF(row->info.number, first);
    while (!rc && first < end) {
        struct err none;
        if (db_int(store, &next, &none,
                   "SELECT ref FROM constitution WHERE ref >= ? AND ref < ? AND sort = ?"
                   " ORDER BY ref LIMIT 1",
                   "iii", RECORD_REF(row->info.number, first), RECORD_REF(row->info.number, end),
                   (int64_t)CONSTITUTION_ERASE) != 0)
            break;
        uint64_t index = RECORD_REF_INDEX(next);
        buf_clear(&entry);
        rc = entry_read(store, row, index, end, &entry, err);
        if (!rc)
            rc = queue_one(store, row, index, buf_view(&entry), err);
        first = index + 1;
    }
    buf_done(&entry);
    return rc;
}

/* Readers may have seen it: they are told, unless it was ours or never here. */
static int tell_erased(struct store *store, int64_t ref, struct err *err)
{
    struct log_row row;
    uint64_t slot = 0;
    int rc = row_load(store, RECORD_REF_LOG(ref), &row, err);
    if (!rc)
        rc = slot_of(store, RECORD_REF_LOG(ref), RECORD_REF_INDEX(ref), UINT64_MAX, &slot, err);
    if (rc || row.info.role == LOG_OWN || row.info.role == LOG_LOCAL || !SLOT_COUNTS(slot))
        return rc;
    struct notice notice = {.what = NOTICE_CONTENT_ERASED, .time_ms = now_ms(), .ref = ref, .origin = row.info.origin};
    return notice_add(store, &notice, err);
}

static int mark_queued(struct store *store, void *ctx, struct residue *residue, struct err *err)
{
    size_t *count = ctx;
    int64_t refs[ERASE_BATCH];
    sqlite3_stmt *stmt =
        db_query(store, err, "SELECT ref FROM erase_queue ORDER BY ref LIMIT ?", "i", (int64_t)ERASE_BATCH);
    if (!stmt)
        return err->code;
    int rc = 1;
    *count = 0;
    while (*count < ERASE_BATCH && (rc = db_step(store, stmt, err)) == 1)
        refs[(*count)++] = sqlite3_column_int64(stmt, 0);
    db_end(stmt);
    rc = rc < 0 ? rc : 0;
    for (size_t i = 0; i < *count && !rc; i++) {
        rc = tell_erased(store, refs[i], err);
        if (!rc)
            rc = erase_mark(store, refs[i], SLOT_ERASED, residue, err);
        if (!rc)
            rc = db_run(store, err, "DELETE FROM erase_queue WHERE ref = ?", "i", refs[i]);
    }
    return rc;
}

int mirror_erase_queued(struct store *store, size_t *ret, struct err *err)
{
    *ret = 0;
    size_t count = ERASE_BATCH;
    int rc = 0;
    int64_t any = 0;
    while (!rc && count == ERASE_BATCH) {
        rc = db_int(store, &any, err, "SELECT count(*) FROM (SELECT 1 FROM erase_queue LIMIT 1)", "");
        if (rc || !any)
            break;
        rc = erase_run(store, mark_queued, &count, err);
        *ret += rc ? 0 : count;
    }
    return rc;
}

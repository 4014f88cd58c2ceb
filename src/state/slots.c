#include "state/internal.h"

#define SLOT_CHECK_SHIFT 56

/* Of the lower seven bytes. Never 0 for zeros: where a file has a hole, or was cut and is longer again, there is no slot. */
static uint64_t slot_sum(uint64_t slot)
{
    uint64_t sum = slot & (((uint64_t)1 << SLOT_CHECK_SHIFT) - 1);
    sum ^= sum >> 32;
    sum ^= sum >> 16;
    sum ^= sum >> 8;
    return (sum & 0xff) ^ 0xa5;
}

uint64_t slot_to_file(uint64_t slot)
{
    return slot | slot_sum(slot) << SLOT_CHECK_SHIFT;
}

bool slot_from_file(uint64_t word, uint64_t *ret)
{
    *ret = word & (((uint64_t)1 << SLOT_CHECK_SHIFT) - 1);
    return slot_sum(word) == word >> SLOT_CHECK_SHIFT;
}

/* Slots of the tail; entries that have moved to files meanwhile keep `*ret_got` short. */
static int slots_tail(struct store *store, int64_t number, uint64_t first, size_t count, uint64_t *out, size_t *ret_got,
                      struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT slot FROM tail WHERE ref >= ? AND ref < ? ORDER BY ref", "ii",
                                  RECORD_REF(number, first), RECORD_REF(number, first + count));
    if (!stmt)
        return err->code;
    int rc;
    *ret_got = 0;
    while ((rc = db_step(store, stmt, err)) == 1 && *ret_got < count)
        out[(*ret_got)++] = (uint64_t)sqlite3_column_int64(stmt, 0);
    db_end(stmt);
    return rc < 0 ? rc : 0;
}

/* What table `slot` says goes above the file's. */
static int slots_late(struct store *store, int64_t number, uint64_t first, size_t count, uint64_t *out, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT ref, slot FROM slot WHERE ref >= ? AND ref < ? ORDER BY ref",
                                  "ii", RECORD_REF(number, first), RECORD_REF(number, first + count));
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1)
        out[RECORD_REF_INDEX(sqlite3_column_int64(stmt, 0)) - first] = (uint64_t)sqlite3_column_int64(stmt, 1);
    db_end(stmt);
    return rc;
}

/*
 * A row of `slot` that is moved to the file between our two looks is missed by the first only: the file was written
 * and synced before the commit that dropped the row. So rows first, file second, rows on top.
 */
static int slots_file(struct store *store, const struct log_row *row, uint64_t first, size_t count, uint64_t *out,
                      bool *ret_bad, struct err *err)
{
    uint8_t bytes[8 * SLOTS_AT_ONCE];
    uint64_t late[SLOTS_AT_ONCE];
    int rc = 0;
    while (!rc && count > 0) {
        size_t part = count < SLOTS_AT_ONCE ? count : SLOTS_AT_ONCE;
        memset(late, 0xff, part * sizeof *late);
        rc = slots_late(store, row->info.number, first, part, late, err);
        if (!rc)
            rc = file_read(store, row, FILE_SLOTS, bytes, 8 * part, 8 * first, err);
        for (size_t i = 0; !rc && i < part; i++, out++) {
            bool good = late[i] != UINT64_MAX || slot_from_file(be64_load(bytes + 8 * i), out);
            if (late[i] != UINT64_MAX)
                *out = late[i];
            if (!good && !ret_bad)
                rc = err_set(err, ERR_IO, "log %s: what `slots` says of entry %llu was changed by a disk; " HEAL,
                             row->info.origin, (unsigned long long)(first + i));
            else if (ret_bad)
                *ret_bad++ = !good;
            if (!good)
                *out = 0;
        }
        first += part;
        count -= part;
    }
    return rc;
}

int slots_look(struct store *store, const struct log_row *row, uint64_t first, size_t count, uint64_t *out,
               bool *ret_bad, struct err *err)
{
    uint64_t full = row_full(row);
    size_t in_file = first >= full ? 0 : full - first < count ? (size_t)(full - first) : count, got = 0;
    int rc = 0;
    if (ret_bad)
        memset(ret_bad, 0, count * sizeof *ret_bad);
    if (in_file > 0)
        rc = slots_file(store, row, first, in_file, out, ret_bad, err);
    if (!rc && in_file < count)
        rc = slots_tail(store, row->info.number, first + in_file, count - in_file, out + in_file, &got, err);
    if (!rc && in_file + got < count) {
        if (got > 0)
            return err_set(err, ERR_IO, "log %s: part of its tail is missing in state.db", row->info.origin);
        /* Moved to files since the row was read. */
        rc = slots_file(store, row, first + in_file, count - in_file, out + in_file, ret_bad ? ret_bad + in_file : NULL,
                        err);
    }
    return rc;
}

int slots_read(struct store *store, int64_t number, uint64_t first, size_t count, uint64_t *out, struct err *err)
{
    struct log_row row;
    int rc = row_load(store, number, &row, err);
    return rc ? rc : slots_look(store, &row, first, count, out, NULL, err);
}

int slot_write(struct store *store, const struct log_row *row, uint64_t index, uint64_t slot, struct err *err)
{
    int64_t ref = RECORD_REF(row->info.number, index);
    if (index >= row_full(row))
        return db_run(store, err, "UPDATE tail SET slot = ? WHERE ref = ?", "ii", (int64_t)slot, ref);
    if (store->late_slots < UINT_MAX)
        store->late_slots++;
    return db_run(store, err, "INSERT OR REPLACE INTO slot(ref, slot) VALUES(?, ?)", "ii", ref, (int64_t)slot);
}

int slots_settle(struct store *store, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT ref, slot FROM slot ORDER BY ref", "");
    if (!stmt)
        return err->code;
    int rc;
    struct log_row row = {0};
    struct stream stream = {0};
    while ((rc = db_step(store, stmt, err)) == 1) {
        int64_t ref = sqlite3_column_int64(stmt, 0);
        uint64_t at = 8 * RECORD_REF_INDEX(ref);
        bool other = RECORD_REF_LOG(ref) != row.info.number;
        rc = 0;
        if (row.info.number && (other || at != stream.offset))
            rc = stream_end(&stream, err);
        if (!rc && other)
            rc = row_load(store, RECORD_REF_LOG(ref), &row, err);
        if (!rc && (other || at != stream.offset))
            stream_begin(&stream, store, &row, FILE_SLOTS, at);
        uint8_t bytes[8];
        be64_store(bytes, slot_to_file((uint64_t)sqlite3_column_int64(stmt, 1)));
        if (!rc)
            rc = stream_add(&stream, span_of(bytes, sizeof bytes), err);
        if (rc)
            break;
    }
    db_end(stmt);
    if (!rc && row.info.number)
        rc = stream_end(&stream, err);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM slot", "");
    if (!rc)
        store->late_slots = 0;
    return rc;
}

int item_append(struct stream *stream, uint64_t index, struct span salt, struct span payload, uint64_t *ret_slot,
                struct err *err)
{
    static const uint8_t zeros[8];
    size_t len = salt.len + payload.len;
    uint64_t place = stream->offset + ITEM_INDEX;
    if (place + len + 16 > SLOT_PLACE_MASK)
        return err_set(err, ERR_LIMIT, "payloads of log %s: more than 2^48 bytes", stream->row->info.origin);
    uint8_t head[ITEM_HEAD];
    be64_store(head, index);
    for (int i = 0; i < 4; i++)
        head[ITEM_INDEX + i] = (uint8_t)(len >> (24 - 8 * i));
    int rc = stream_add(stream, span_of(head, sizeof head), err);
    if (!rc)
        rc = stream_add(stream, salt, err);
    if (!rc)
        rc = stream_add(stream, payload, err);
    if (!rc)
        rc = stream_add(stream, span_of(zeros, (8 - (ITEM_HEAD + len) % 8) % 8), err);
    *ret_slot = place;
    return rc;
}

int item_length(struct store *store, const struct log_row *row, uint64_t index, uint64_t place, size_t *ret,
                struct err *err)
{
    uint8_t head[ITEM_HEAD];
    if (place < ITEM_INDEX || place + 4 > row->payload_end)
        return err_set(err, ERR_NOTFOUND, "log %s: payload of entry %llu is not where its slot says", row->info.origin,
                       (unsigned long long)index);
    int rc = file_read(store, row, FILE_DATA, head, sizeof head, place - ITEM_INDEX, err);
    if (rc)
        return rc;
    size_t len = (size_t)(be64_load(head + 4) & 0xffffffff);
    if (be64_load(head) != index || len < SEAL_SALT || len > SEAL_SALT + PAYLOAD_MAX ||
        place + 4 + len > row->payload_end)
        return err_set(err, ERR_NOTFOUND, "log %s: payload of entry %llu is not where its slot says", row->info.origin,
                       (unsigned long long)index);
    *ret = len;
    return 0;
}

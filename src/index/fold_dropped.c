/* Content that a mirror keeps no longer (`recent`, `heads`): its rows go, so that the tables are those of a rebuilt index. */
#include "index/fold_record.h"

#define LOOK_RECORDS 256 /* rows read at a time */
#define DROP_RECORDS 8192

/* Indices of content records from *from on, ascending; *from moves behind them. */
static int next_content(struct folder *f, uint64_t *from, uint64_t out[LOOK_RECORDS], size_t *ret_count,
                        struct err *err)
{
    sqlite3_stmt *statement = index_statement(
        f->index, "SELECT ref FROM record WHERE ref >= ?1 AND ref < ?2 AND NOT is_inline ORDER BY ref LIMIT ?3", err);
    *ret_count = 0;
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, RECORD_REF(f->log.number, *from));
    sqlite3_bind_int64(statement, 2, RECORD_REF(f->log.number + 1, 0));
    sqlite3_bind_int(statement, 3, LOOK_RECORDS);
    int rc;
    while ((rc = index_step(f->index, statement, err)) > 0)
        out[(*ret_count)++] = RECORD_REF_INDEX(sqlite3_column_int64(statement, 0));
    if (*ret_count > 0)
        *from = out[*ret_count - 1] + 1;
    return rc;
}

static int drop_one(struct folder *f, uint64_t at, size_t *dropped, struct err *err)
{
    unsigned flags = 0;
    int rc = payload_flags(f->store, f->log.number, at, &flags, err);
    if (rc < 0 || (flags & (SLOT_HELD | SLOT_ERASED | SLOT_WAITING)) == SLOT_HELD)
        return rc;
    ++*dropped;
    f->batch_records++;
    rc = folder_let_go(f, at, err);
    int64_t forgotten; /* what was turned away is to leave unused parts of the file, too; what was dropped need not */
    return rc == 0 && flags & SLOT_REFUSED ? index_counter(f->index, INDEX_FORGOTTEN, 1, &forgotten, err) : rc;
}

int folder_drop(struct folder *f, bool *ret_more, struct err *err)
{
    uint64_t from = 0, at[LOOK_RECORDS];
    size_t count = 0, dropped = 0;
    int rc = folder_flush(f, err);
    do {
        if (rc == 0)
            rc = next_content(f, &from, at, &count, err);
        for (size_t i = 0; rc == 0 && i < count && f->cursor.payloads > f->log.payloads; i++)
            rc = drop_one(f, at[i], &dropped, err);
    } while (rc == 0 && count > 0 && dropped < DROP_RECORDS && f->cursor.payloads > f->log.payloads);
    *ret_more = rc == 0 && dropped > 0 && f->cursor.payloads > f->log.payloads;
    return rc;
}

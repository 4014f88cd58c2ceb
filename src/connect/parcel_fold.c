/* Parcels in the index: that they are here, and until when. What is in them is not the index's to say. */
#include "connect/parcels.h"

int parcel_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct parcel parcel;
    int rc = parcel_parse(record->record, &parcel, err);
    if (rc)
        return rc;
    sqlite3_stmt *insert = index_statement(
        fold->index,
        "INSERT OR REPLACE INTO connect_parcel(ref, expires_ms, arrival_keys, arrival_state) VALUES(?1, ?2, 0, 0)",
        err);
    if (!insert)
        return err->code;
    sqlite3_bind_int64(insert, 1, record->ref);
    sqlite3_bind_int64(insert, 2, parcel.expires_ms);
    return index_run(fold->index, insert, err);
}

int parcel_forget(struct fold *fold, int64_t ref, struct err *err)
{
    static const char *const deletes[] = {"DELETE FROM connect_parcel WHERE ref = ?1",
                                          "DELETE FROM connect_parcel_item WHERE arrival_parcel = ?1"};
    int rc = 0;
    for (size_t i = 0; !rc && i < 2; i++) {
        sqlite3_stmt *statement = index_statement(fold->index, deletes[i], err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, ref);
        rc = index_run(fold->index, statement, err);
    }
    return rc;
}

int parcels_carrying(struct index *index, int64_t number, uint64_t entry, struct buf *out, struct err *err)
{
    sqlite3_stmt *select =
        index_statement(index,
                        "SELECT arrival_parcel FROM connect_parcel_item WHERE arrival_item = ?1 UNION "
                        "SELECT ref FROM connect_parcel WHERE ref > ?1 AND ref < ?2 AND arrival_state <> ?3 ORDER BY 1",
                        err);
    if (!select)
        return err->code;
    sqlite3_bind_int64(select, 1, RECORD_REF(number, entry));
    sqlite3_bind_int64(select, 2, RECORD_REF(number + 1, 0));
    sqlite3_bind_int(select, 3, PARCEL_OPENED);
    int rc;
    while ((rc = index_step(index, select, err)) > 0) {
        uint64_t at = RECORD_REF_INDEX(sqlite3_column_int64(select, 0));
        buf_add(out, &at, sizeof at);
    }
    return rc ? rc : buf_check(out, "parcels", err);
}

int parcels_each(const struct view *view, int (*each)(void *ctx, const struct parcel_row *row, struct err *err),
                 void *ctx, struct err *err)
{
    sqlite3_stmt *select =
        index_statement(view->index, "SELECT ref, expires_ms, arrival_state FROM connect_parcel ORDER BY ref", err);
    if (!select)
        return err->code;
    int rc;
    while ((rc = index_step(view->index, select, err)) > 0) {
        int64_t ref = sqlite3_column_int64(select, 0);
        struct log_info log;
        if (!view_sees_ref(view, ref))
            continue;
        if ((rc = store_log(view->store, RECORD_REF_LOG(ref), &log, err)) == 0) {
            struct parcel_row row = {log.origin, RECORD_REF_INDEX(ref), sqlite3_column_int64(select, 1),
                                     (enum parcel_state)sqlite3_column_int(select, 2)};
            rc = each(ctx, &row, err);
        }
        if (rc)
            break;
    }
    sqlite3_reset(select);
    return rc;
}

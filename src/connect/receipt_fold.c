/* Receipts in the index: what each says, before anybody asks whether it is true. */
#include "connect/receipts.h"

#define HASH_RECEIPT 'r' /* of origins, beside others' uses of index_hash */

static int64_t author_hash(struct span origin)
{
    return index_hash(HASH_RECEIPT, origin);
}

static int add_receipt(struct fold *fold, int64_t ref, struct span author, struct err *err)
{
    sqlite3_stmt *insert =
        index_statement(fold->index,
                        "INSERT OR REPLACE INTO connect_receipt(ref, of, arrival_number) VALUES(?1, ?2,"
                        " 1 + (SELECT ifnull(max(arrival_number), 0) FROM connect_receipt))",
                        err);
    if (!insert)
        return err->code;
    sqlite3_bind_int64(insert, 1, ref);
    sqlite3_bind_text(insert, 2, (const char *)author.data, (int)author.len, SQLITE_TRANSIENT);
    return index_run(fold->index, insert, err);
}

static int add_item(struct fold *fold, int64_t ref, int64_t of, const struct receipt_item *item, struct err *err)
{
    sqlite3_stmt *insert = index_statement(
        fold->index, "INSERT OR REPLACE INTO connect_receipt_item(of, at, ref, proof) VALUES(?1, ?2, ?3, ?4)", err);
    if (!insert)
        return err->code;
    sqlite3_bind_int64(insert, 1, of);
    sqlite3_bind_int64(insert, 2, (int64_t)item->index);
    sqlite3_bind_int64(insert, 3, ref);
    sqlite3_bind_blob(insert, 4, item->proof, RECEIPT_PROOF, SQLITE_TRANSIENT);
    return index_run(fold->index, insert, err);
}

int receipt_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct receipt receipt;
    int rc = receipt_parse(record->record, record->arena, &receipt, err);
    if (rc == 0 && span_is(receipt.author, record->origin))
        rc = err_set(err, ERR_SYNTAX, "confirms one's own contents");
    if (rc == 0)
        rc = add_receipt(fold, record->ref, receipt.author, err);
    for (size_t i = 0; rc == 0 && i < receipt.count; i++)
        rc = add_item(fold, record->ref, author_hash(receipt.author), &receipt.items[i], err);
    return rc;
}

int receipt_forget(struct fold *fold, int64_t ref, struct err *err)
{
    static const char *const deletes[] = {"DELETE FROM connect_receipt_item WHERE ref = ?1",
                                          "DELETE FROM connect_receipt WHERE ref = ?1"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        sqlite3_stmt *statement = index_statement(fold->index, deletes[i], err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, ref);
        rc = index_run(fold->index, statement, err);
    }
    return rc;
}

int receipt_is_said(struct index *index, int64_t number, struct span author, uint64_t at, bool *ret, struct err *err)
{
    sqlite3_stmt *select = index_statement(
        index, "SELECT 1 FROM connect_receipt_item WHERE of = ?1 AND at = ?2 AND ref >= ?3 AND ref < ?4 LIMIT 1", err);
    if (!select)
        return err->code;
    sqlite3_bind_int64(select, 1, author_hash(author));
    sqlite3_bind_int64(select, 2, (int64_t)at);
    sqlite3_bind_int64(select, 3, RECORD_REF(number, 0));
    sqlite3_bind_int64(select, 4, RECORD_REF(number + 1, 0));
    int rc = index_step(index, select, err);
    sqlite3_reset(select);
    *ret = rc > 0;
    return rc < 0 ? rc : 0;
}

int receipt_next_said(struct index *index, struct span author, uint64_t at, int64_t from, struct receipt_said *ret,
                      struct err *err)
{
    sqlite3_stmt *select = index_statement(
        index,
        "SELECT ref, proof FROM connect_receipt_item WHERE of = ?1 AND at = ?2 AND ref >= ?3 ORDER BY ref LIMIT 1",
        err);
    if (!select)
        return err->code;
    sqlite3_bind_int64(select, 1, author_hash(author));
    sqlite3_bind_int64(select, 2, (int64_t)at);
    sqlite3_bind_int64(select, 3, from);
    int rc = index_step(index, select, err);
    if (rc > 0 && sqlite3_column_bytes(select, 1) == RECEIPT_PROOF) {
        ret->ref = sqlite3_column_int64(select, 0);
        memcpy(ret->proof, sqlite3_column_blob(select, 1), RECEIPT_PROOF);
    }
    sqlite3_reset(select);
    return rc;
}

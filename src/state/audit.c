/* The trail: who signed in or tried to, and what was changed about users. */
#include "state/internal.h"
#include "state/users.h"

/* Numbers only grow, and what goes is always the oldest. */
static int trim(struct store *store, struct err *err)
{
    static const int64_t most[] = {AUDIT_MAX, AUDIT_FAILED_MAX};
    int rc = 0;
    for (int failed = 0; failed < 2 && !rc; failed++)
        rc = db_run(store, err,
                    "DELETE FROM audit WHERE failed = ?1 AND number <= (SELECT number FROM audit WHERE failed = ?1"
                    " ORDER BY number DESC LIMIT 1 OFFSET ?2)",
                    "ii", (int64_t)failed, most[failed]);
    return rc;
}

int audit_add(struct store *store, const struct audit_entry *entry, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    bool failed = strcmp(entry->what, AUDIT_SIGN_IN) == 0 && strcmp(entry->result, AUDIT_DONE) != 0;
    rc = db_run(store, err, "INSERT INTO audit(time_ms, who, address, what, result, failed) VALUES(?, ?, ?, ?, ?, ?)",
                "issssi", entry->time_ms, entry->who, entry->address, entry->what, entry->result, (int64_t)failed);
    if (!rc && sqlite3_last_insert_rowid(store->db) % AUDIT_TRIM == 0)
        rc = trim(store, err);
    return store_end(store, own, rc, err);
}

int audit_each(struct store *store, int64_t since_ms,
               int (*each)(void *ctx, const struct audit_entry *entry, struct err *err), void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = db_query(
        store, err, "SELECT time_ms, who, address, what, result FROM audit WHERE time_ms >= ? ORDER BY time_ms, number",
        "i", since_ms);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        struct audit_entry entry = {.time_ms = sqlite3_column_int64(stmt, 0),
                                    .who = (const char *)sqlite3_column_text(stmt, 1),
                                    .address = (const char *)sqlite3_column_text(stmt, 2),
                                    .what = (const char *)sqlite3_column_text(stmt, 3),
                                    .result = (const char *)sqlite3_column_text(stmt, 4)};
        if (!entry.who || !entry.address || !entry.what || !entry.result) {
            rc = err_memory(err);
            break;
        }
        rc = each(ctx, &entry, err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

int audit_knows(struct store *store, struct span who, const char *address, bool *ret, struct err *err)
{
    int64_t known = 0;
    int rc = db_int(store, &known, err,
                    "SELECT EXISTS(SELECT 1 FROM audit WHERE who = ? AND what = '" AUDIT_SIGN_IN
                    "' AND result = '" AUDIT_DONE "' AND address = ?)",
                    "ts", who, address);
    *ret = known != 0;
    return rc;
}

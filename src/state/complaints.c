#include "state/complaints.h"

#include "state/internal.h"

#define WAITS "NOT EXISTS(SELECT 1 FROM complaint_answer a WHERE a.source = -complaint.number)"

static int insert(struct store *store, struct visitor_complaint *c, struct err *err)
{
    int rc =
        db_run(store, err, "INSERT INTO complaint(ref, why, ground, who, contact, time_ms) VALUES(?, ?, ?, ?, ?, ?)",
               "issssi", c->ref, c->why, c->ground, c->who, c->contact, c->time_ms);
    if (!rc)
        c->number = sqlite3_last_insert_rowid(store->db);
    return rc;
}

/* Room for one more: what is answered goes, the oldest first. */
static int make_room(struct store *store, const struct visitor_complaint *c, struct err *err)
{
    int64_t all = 0, about = 0;
    int rc = db_run(store, err,
                    "DELETE FROM complaint WHERE number IN (SELECT number FROM complaint WHERE NOT " WAITS
                    " ORDER BY number LIMIT max(0, (SELECT count(*) FROM complaint) - ?))",
                    "i", (int64_t)COMPLAINTS_MAX - 1);
    if (!rc)
        rc = db_run(store, err,
                    "DELETE FROM complaint_answer WHERE source < 0 AND -source NOT IN (SELECT number FROM complaint)",
                    "");
    if (!rc)
        rc = db_int(store, &all, err, "SELECT count(*) FROM complaint", "");
    if (!rc)
        rc = db_int(store, &about, err, "SELECT count(*) FROM complaint WHERE ref = ? AND " WAITS, "i", c->ref);
    if (!rc && about >= COMPLAINTS_RECORD_MAX)
        return err_set(err, ERR_LIMIT, "%lld objections against this record wait for an answer already",
                       (long long)about);
    if (!rc && all >= COMPLAINTS_MAX)
        return err_set(err, ERR_LIMIT, "%lld objections wait for an answer already", (long long)all);
    return rc;
}

int complaint_add(struct store *store, struct visitor_complaint *c, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : 0;
    if (rc)
        return rc;
    rc = make_room(store, c, err);
    if (!rc)
        rc = insert(store, c, err);
    return store_end(store, own, rc, err);
}

static void read_row(sqlite3_stmt *stmt, struct visitor_complaint *ret)
{
    *ret = (struct visitor_complaint){.number = sqlite3_column_int64(stmt, 0),
                                      .ref = sqlite3_column_int64(stmt, 1),
                                      .time_ms = sqlite3_column_int64(stmt, 6)};
    db_text(stmt, 2, ret->why, sizeof ret->why);
    db_text(stmt, 3, ret->ground, sizeof ret->ground);
    db_text(stmt, 4, ret->who, sizeof ret->who);
    db_text(stmt, 5, ret->contact, sizeof ret->contact);
}

#define COLUMNS "number, ref, why, ground, who, contact, time_ms"

int complaint_find(struct store *store, int64_t number, struct visitor_complaint *ret, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT " COLUMNS " FROM complaint WHERE number = ?", "i", number);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        read_row(stmt, ret);
    db_end(stmt);
    return rc == 1 ? 0 : rc == 0 ? err_set(err, ERR_NOTFOUND, "no objection %lld", (long long)number) : rc;
}

int complaint_each(struct store *store, int64_t ref, int64_t after, size_t max,
                   int (*each)(void *ctx, const struct visitor_complaint *complaint, struct err *err), void *ctx,
                   struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT " COLUMNS " FROM complaint WHERE number > ? AND (? = 0 OR ref = ?) AND " WAITS
                                  " ORDER BY number LIMIT ?",
                                  "iiii", after, ref, ref, (int64_t)max);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        struct visitor_complaint complaint;
        read_row(stmt, &complaint);
        if ((rc = each(ctx, &complaint, err)) < 0)
            break;
    }
    db_end(stmt);
    return rc;
}

int complaint_answer(struct store *store, int64_t source, int64_t *ret_decision, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT decision FROM complaint_answer WHERE source = ?", "i", source);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        *ret_decision = sqlite3_column_int64(stmt, 0);
    db_end(stmt);
    return rc == 1 ? 0 : rc == 0 ? err_set(err, ERR_NOTFOUND, "nobody has answered it") : rc;
}

int complaint_set_answer(struct store *store, int64_t source, int64_t decision, struct err *err)
{
    int rc = store_writable(store, err);
    return rc ? rc
              : db_run(store, err, "INSERT OR REPLACE INTO complaint_answer(source, decision) VALUES(?, ?)", "ii",
                       source, decision);
}

#include "state/peers.h"

#include "state/internal.h"

#include "base/utf8.h"

#define FEED_COLUMNS                                                                                                   \
    "SELECT number, url, format, log, tlp, every_s, due_ms, fetched_ms, etag, modified, failures, reason, items,"      \
    " vanished FROM feed "

static void feed_read(sqlite3_stmt *stmt, struct feed *feed)
{
    memset(feed, 0, sizeof *feed);
    feed->number = sqlite3_column_int64(stmt, 0);
    db_text(stmt, 1, feed->url, sizeof feed->url);
    db_text(stmt, 2, feed->format, sizeof feed->format);
    feed->log_number = sqlite3_column_int64(stmt, 3);
    feed->tlp = (unsigned)sqlite3_column_int(stmt, 4);
    feed->every_s = sqlite3_column_int64(stmt, 5);
    feed->due_ms = sqlite3_column_int64(stmt, 6);
    feed->fetched_ms = sqlite3_column_int64(stmt, 7);
    db_text(stmt, 8, feed->etag, sizeof feed->etag);
    db_text(stmt, 9, feed->modified, sizeof feed->modified);
    feed->failures = (unsigned)sqlite3_column_int(stmt, 10);
    db_text(stmt, 11, feed->reason, sizeof feed->reason);
    feed->items = (uint64_t)sqlite3_column_int64(stmt, 12);
    feed->vanished = (uint64_t)sqlite3_column_int64(stmt, 13);
}

int feed_add(struct store *store, const struct feed *feed, int64_t *ret_number, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    int64_t there = 0;
    rc = db_int(store, &there, err, "SELECT count(*) FROM feed WHERE url = ?", "s", feed->url);
    if (!rc && there)
        rc = err_set(err, ERR_EXISTS, "%s is a feed already", feed->url);
    if (!rc)
        rc = db_run(store, err,
                    "INSERT INTO feed(url, format, log, tlp, every_s, due_ms, fetched_ms, etag, modified, failures,"
                    " reason, items, vanished) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    "ssiiiiissisii", feed->url, feed->format, feed->log_number, (int64_t)feed->tlp, feed->every_s,
                    feed->due_ms, feed->fetched_ms, feed->etag, feed->modified, (int64_t)feed->failures, feed->reason,
                    (int64_t)feed->items, (int64_t)feed->vanished);
    int64_t number = sqlite3_last_insert_rowid(store->db);
    rc = store_end(store, own, rc, err);
    if (!rc)
        *ret_number = number;
    return rc;
}

int feed_find(struct store *store, struct span url, struct feed *ret, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, FEED_COLUMNS "WHERE url = ?", "t", url);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        feed_read(stmt, ret);
    db_end(stmt);
    if (rc == 0) {
        char shown[1024];
        return err_set(err, ERR_NOTFOUND, "no feed %s: `tongzhou feed list` shows them",
                       text_escape_into(shown, sizeof shown, url));
    }
    return rc < 0 ? rc : 0;
}

int feed_update(struct store *store, const struct feed *feed, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err,
                "UPDATE feed SET url = ?, format = ?, log = ?, tlp = ?, every_s = ?, due_ms = ?, fetched_ms = ?,"
                " etag = ?, modified = ?, failures = ?, reason = ?, items = ?, vanished = ? WHERE number = ?",
                "ssiiiiissisiii", feed->url, feed->format, feed->log_number, (int64_t)feed->tlp, feed->every_s,
                feed->due_ms, feed->fetched_ms, feed->etag, feed->modified, (int64_t)feed->failures, feed->reason,
                (int64_t)feed->items, (int64_t)feed->vanished, feed->number);
    if (!rc && sqlite3_changes(store->db) == 0)
        rc = err_set(err, ERR_NOTFOUND, "no feed with number %lld", (long long)feed->number);
    return store_end(store, own, rc, err);
}

int feed_remove(struct store *store, int64_t number, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "DELETE FROM feed_item WHERE feed = ?", "i", number);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM feed WHERE number = ?", "i", number);
    if (!rc && sqlite3_changes(store->db) == 0)
        rc = err_set(err, ERR_NOTFOUND, "no feed with number %lld", (long long)number);
    return store_end(store, own, rc, err);
}

int feed_each(struct store *store, int (*each)(void *ctx, const struct feed *feed, struct err *err), void *ctx,
              struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, FEED_COLUMNS "ORDER BY number", "");
    if (!stmt)
        return err->code;
    int rc;
    struct feed feed;
    while ((rc = db_step(store, stmt, err)) == 1) {
        feed_read(stmt, &feed);
        rc = each(ctx, &feed, err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

/* ---- items ---- */

int feed_item_put(struct store *store, int64_t feed, int64_t hash, int64_t ref, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc =
        db_run(store, err, "INSERT OR REPLACE INTO feed_item(feed, hash, ref) VALUES(?, ?, ?)", "iii", feed, hash, ref);
    return store_end(store, own, rc, err);
}

int feed_item_get(struct store *store, int64_t feed, int64_t hash, int64_t *ret_ref, struct err *err)
{
    return db_int(store, ret_ref, err, "SELECT ref FROM feed_item WHERE feed = ? AND hash = ?", "ii", feed, hash);
}

int feed_item_drop(struct store *store, int64_t feed, int64_t hash, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "DELETE FROM feed_item WHERE feed = ? AND hash = ?", "ii", feed, hash);
    return store_end(store, own, rc, err);
}

int feed_item_each(struct store *store, int64_t feed,
                   int (*each)(void *ctx, int64_t hash, int64_t ref, struct err *err), void *ctx, struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err, "SELECT hash, ref FROM feed_item WHERE feed = ? ORDER BY hash", "i", feed);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        rc = each(ctx, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

#include "state/names.h"

#include "state/internal.h"

const char *name_method_word(enum name_method method)
{
    return method == NAME_DNS ? "dns" : method == NAME_HTTPS ? "https" : "claimed";
}

int name_check_put(struct store *store, const struct name_check *check, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "INSERT OR REPLACE INTO name_check(origin, method, checked_ms, detail) VALUES(?, ?, ?, ?)",
                "siis", check->origin, (int64_t)check->method, check->checked_ms, check->detail);
    return store_end(store, own, rc, err);
}

int name_check_get(struct store *store, const char *origin, struct name_check *ret, struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err, "SELECT origin, method, checked_ms, detail FROM name_check WHERE origin = ?", "s", origin);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1) {
        memset(ret, 0, sizeof(*ret));
        db_text(stmt, 0, ret->origin, sizeof(ret->origin));
        ret->method = (enum name_method)sqlite3_column_int(stmt, 1);
        ret->checked_ms = sqlite3_column_int64(stmt, 2);
        db_text(stmt, 3, ret->detail, sizeof(ret->detail));
    }
    db_end(stmt);
    return rc == 0 ? err_set(err, ERR_NOTFOUND, "the name of %s was never looked up", origin) : rc < 0 ? rc : 0;
}

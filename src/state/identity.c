/* Users' identities at a provider that signs people in. */
#include "base/utf8.h"
#include "state/internal.h"
#include "state/users.h"

static bool is_plain(struct span text, size_t max)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    return text.len > 0 && text.len <= max && utf8_valid(text);
}

static int insert(struct store *store, int64_t user, struct span issuer, struct span subject, struct err *err)
{
    int64_t there = 0, count = 0;
    int rc = db_int(store, &there, err, "SELECT count(*) FROM identity WHERE issuer = ? AND subject = ?", "tt", issuer,
                    subject);
    if (!rc)
        rc = db_int(store, &count, err, "SELECT count(*) FROM identity WHERE user = ?", "i", user);
    if (rc)
        return rc;
    if (there)
        return err_set(err, ERR_EXISTS, "this identity is a user's already");
    if (count >= IDENTITIES_MAX)
        return err_set(err, ERR_LIMIT, "%d identities of one user are allowed", IDENTITIES_MAX);
    return db_run(store, err, "INSERT INTO identity(issuer, subject, user) VALUES(?, ?, ?)", "tti", issuer, subject,
                  user);
}

int identity_bind(struct store *store, int64_t user, struct span issuer, struct span subject, struct err *err)
{
    if (!is_plain(issuer, IDENTITY_ISSUER_MAX) || !is_plain(subject, IDENTITY_SUBJECT_MAX))
        return err_set(err, ERR_SYNTAX,
                       "an identity is an issuer of 1 to %d bytes and a subject of 1 to %d, of plain text",
                       IDENTITY_ISSUER_MAX, IDENTITY_SUBJECT_MAX);
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    return rc ? rc : store_end(store, own, insert(store, user, issuer, subject, err), err);
}

int identity_find(struct store *store, struct span issuer, struct span subject, struct user *ret, struct err *err)
{
    char name[USER_NAME_MAX + 1] = "";
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT u.name FROM identity i JOIN user u ON u.number = i.user WHERE i.issuer = ?"
                                  " AND i.subject = ? AND NOT u.locked",
                                  "tt", issuer, subject);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        db_text(stmt, 0, name, sizeof name);
    db_end(stmt);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "nobody here has this identity");
    return rc < 0 ? rc : user_find(store, span_str(name), ret, err);
}

int identity_unbind(struct store *store, int64_t user, unsigned *ret_count, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "DELETE FROM identity WHERE user = ?", "i", user);
    *ret_count = rc ? 0 : (unsigned)sqlite3_changes(store->db);
    if (!rc) /* what was begun by one of them ends, too */
        rc = db_run(store, err, "DELETE FROM session WHERE user = ?", "i", user);
    return store_end(store, own, rc, err);
}

int identity_each(struct store *store, int64_t user,
                  int (*each)(void *ctx, const char *issuer, const char *subject, struct err *err), void *ctx,
                  struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err, "SELECT issuer, subject FROM identity WHERE user = ? ORDER BY issuer, subject", "i", user);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        const char *issuer = (const char *)sqlite3_column_text(stmt, 0);
        const char *subject = (const char *)sqlite3_column_text(stmt, 1);
        rc = issuer && subject ? each(ctx, issuer, subject, err) : err_memory(err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

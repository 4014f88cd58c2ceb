#include "state/users.h"

#include <sodium.h>

#include "base/utf8.h"
#include "record/audience.h"
#include "state/internal.h"
#include "state/password.h"
#include "state/totp.h"

bool user_name_valid(struct span name)
{
    return audience_person_name_valid(name);
}

/* ---- rows ---- */

#define USER_COLUMNS                                                                                                   \
    "SELECT number, name, role, totp IS NOT NULL, made_ms, locked, " USER_MEMBER ", member <> '' FROM user "

static void user_read(sqlite3_stmt *stmt, struct user *user)
{
    *user = (struct user){0};
    user->number = sqlite3_column_int64(stmt, 0);
    db_text(stmt, 1, user->name, sizeof user->name);
    int role = sqlite3_column_int(stmt, 2);
    user->role = role > ROLE_NONE && role < ROLES ? (enum role)role : ROLE_NONE;
    user->has_totp = sqlite3_column_int(stmt, 3) != 0;
    user->made_ms = sqlite3_column_int64(stmt, 4);
    user->locked = sqlite3_column_int(stmt, 5) != 0;
    db_text(stmt, 6, user->member, sizeof user->member);
    user->is_guest = sqlite3_column_int(stmt, 7) != 0;
}

int user_find(struct store *store, struct span name, struct user *ret, struct err *err)
{
    char shown[256];
    sqlite3_stmt *stmt = db_query(store, err, USER_COLUMNS "WHERE name = ?", "t", name);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        user_read(stmt, ret);
    db_end(stmt);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "no user \"%s\" here: `tongzhou user list` shows them",
                       text_escape_into(shown, sizeof shown, span_sub(name, 0, USER_NAME_MAX)));
    return rc < 0 ? rc : 0;
}

int user_each(struct store *store, int (*each)(void *ctx, const struct user *user, struct err *err), void *ctx,
              struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, USER_COLUMNS "ORDER BY name", "");
    if (!stmt)
        return err->code;
    struct user user;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        user_read(stmt, &user);
        rc = each(ctx, &user, err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

static int user_insert(struct store *store, struct span name, enum role role, const char *hash, int64_t now_ms,
                       struct err *err)
{
    int64_t count = 0, there = 0;
    int rc = db_int(store, &count, err, "SELECT count(*) FROM user", "");
    if (!rc)
        rc = db_int(store, &there, err, "SELECT count(*) FROM user WHERE name = ?", "t", name);
    if (rc)
        return rc;
    if (there)
        return err_set(err, ERR_EXISTS, "there is a user %.*s already", SPAN_ARGS(name));
    if (count >= USERS_MAX)
        return err_set(err, ERR_LIMIT, "%lld users, %d allowed", (long long)count, USERS_MAX);
    return db_run(store, err, "INSERT INTO user(name, role, hash, made_ms) VALUES(?, ?, ?, ?)", "tisi", name,
                  (int64_t)role, hash, now_ms);
}

int user_add(struct store *store, struct span name, enum role role, struct span password, int64_t now_ms,
             struct user *ret, struct err *err)
{
    char hash[PASSWORD_HASH_MAX];
    if (!user_name_valid(name))
        return err_set(err, ERR_SYNTAX,
                       "a user's name is 1 to %d of a-z, 0-9 and . _ - @, and begins with a letter or digit",
                       USER_NAME_MAX);
    int rc = password_hash(password, hash, err); /* before the lock is held */
    if (rc)
        return rc;
    bool own = !store->writing;
    rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = store_end(store, own, user_insert(store, name, role, hash, now_ms, err), err);
    return rc ? rc : user_find(store, name, ret, err);
}

/* One change of a user's row and, with `ends`, the end of its sessions. */
static int user_change(struct store *store, int64_t number, int rc, bool ends, struct err *err)
{
    if (!rc && sqlite3_changes(store->db) == 0)
        rc = err_set(err, ERR_NOTFOUND, "no user with number %lld", (long long)number);
    if (!rc && ends)
        rc = db_run(store, err, "DELETE FROM session WHERE user = ?", "i", number);
    return rc;
}

int user_remove(struct store *store, int64_t number, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "DELETE FROM token WHERE user = ?", "i", number);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM identity WHERE user = ?", "i", number);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM notice_seen WHERE reader = ?", "i", number);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM notice_upto WHERE reader = ?", "i", number);
    if (!rc) /* or whoever gets the name next would be told to somebody else's address */
        rc =
            db_run(store, err, "DELETE FROM teller WHERE user = (SELECT name FROM user WHERE number = ?)", "i", number);
    if (!rc)
        rc =
            user_change(store, number, db_run(store, err, "DELETE FROM user WHERE number = ?", "i", number), true, err);
    return store_end(store, own, rc, err);
}

int user_set_role(struct store *store, int64_t number, enum role role, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "UPDATE user SET role = ? WHERE number = ?", "ii", (int64_t)role, number);
    return store_end(store, own, user_change(store, number, rc, false, err), err);
}

int user_set_member(struct store *store, int64_t number, struct span member, struct err *err)
{
    struct log_info log;
    bool own = !store->writing;
    int rc = store_log_by_origin(store, member, &log, err);
    if (!rc && log.role != LOG_OWN)
        rc = err_set(err, ERR_REFUSED, "%s does not live on this node", log.origin);
    if (!rc)
        rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "UPDATE user SET member = ? WHERE number = ?", "si", log.is_operator ? "" : log.origin,
                number);
    return store_end(store, own, user_change(store, number, rc, true, err), err);
}

int user_set_password(struct store *store, int64_t number, struct span password, struct err *err)
{
    char hash[PASSWORD_HASH_MAX];
    int rc = password_hash(password, hash, err);
    if (rc)
        return rc;
    bool own = !store->writing;
    rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "UPDATE user SET hash = ? WHERE number = ?", "si", hash, number);
    return store_end(store, own, user_change(store, number, rc, true, err), err);
}

int user_set_locked(struct store *store, int64_t number, bool locked, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "UPDATE user SET locked = ? WHERE number = ?", "ii", (int64_t)locked, number);
    return store_end(store, own, user_change(store, number, rc, locked, err), err);
}

int user_set_totp(struct store *store, int64_t number, struct span secret, struct err *err)
{
    struct span value = secret.len > 0 ? secret : (struct span){0};
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "UPDATE user SET totp = ?, totp_new = NULL, totp_step = 0 WHERE number = ?", "bi", value,
                number);
    return store_end(store, own, user_change(store, number, rc, true, err), err);
}

int user_offer_totp(struct store *store, int64_t number, struct span secret, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "UPDATE user SET totp_new = ? WHERE number = ?", "bi", secret, number);
    return store_end(store, own, user_change(store, number, rc, false, err), err);
}

static int offered(struct store *store, int64_t number, uint8_t out[TOTP_SECRET], bool *ret, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT totp_new FROM user WHERE number = ?", "i", number);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    struct span secret = rc == 1 ? db_span(stmt, 0) : SPAN_LIT("");
    *ret = secret.len == TOTP_SECRET;
    if (*ret)
        memcpy(out, secret.data, secret.len);
    db_end(stmt);
    return rc < 0 ? rc : 0;
}

static int take(struct store *store, int64_t number, struct span code, struct span session, int64_t now_ms, bool *ret,
                struct err *err)
{
    uint8_t secret[TOTP_SECRET];
    bool is_offered = false;
    int rc = offered(store, number, secret, &is_offered, err);
    uint64_t step = !rc && is_offered ? totp_check(span_of(secret, sizeof secret), code, now_ms, 0) : 0;
    sodium_memzero(secret, sizeof secret);
    *ret = step > 0;
    if (rc || step == 0)
        return rc;
    rc = db_run(store, err, "UPDATE user SET totp = totp_new, totp_new = NULL, totp_step = ? WHERE number = ?", "ii",
                (int64_t)step, number);
    return rc ? rc : session_end_others(store, number, session, err);
}

int user_take_totp(struct store *store, int64_t number, struct span code, struct span session, int64_t now_ms,
                   bool *ret, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    return rc ? rc : store_end(store, own, take(store, number, code, session, now_ms, ret, err), err);
}

/* ---- who is it? ---- */

struct secrets {
    char hash[PASSWORD_HASH_MAX];
    uint8_t totp[TOTP_SECRET];
    size_t totp_len;
    uint64_t used_step;
};

/* *ret_found: is there such a user? */
static int secrets_read(struct store *store, struct span name, struct secrets *secrets, bool *ret_found,
                        struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT hash, totp, totp_step FROM user WHERE name = ?", "t", name);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    *ret_found = rc == 1;
    if (rc == 1) {
        db_text(stmt, 0, secrets->hash, sizeof secrets->hash);
        struct span totp = db_span(stmt, 1);
        if (totp.len > sizeof secrets->totp)
            rc = err_set(err, ERR_IO, "state.db: secret of %zu bytes, %d expected", totp.len, TOTP_SECRET);
        else if (totp.len > 0)
            memcpy(secrets->totp, totp.data, secrets->totp_len = totp.len);
        secrets->used_step = (uint64_t)sqlite3_column_int64(stmt, 2);
    }
    db_end(stmt);
    return rc < 0 ? rc : 0;
}

/* Two sign-ins with one code may come at once: only the first of them finds its step unused. */
static int code_take(struct store *store, int64_t number, uint64_t step, bool *ret, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "UPDATE user SET totp_step = ?1 WHERE number = ?2 AND totp_step < ?1", "ii", (int64_t)step,
                number);
    *ret = !rc && sqlite3_changes(store->db) == 1;
    return store_end(store, own, rc, err);
}

static int code_verify(struct store *store, const struct user *user, const struct secrets *secrets, struct span code,
                       int64_t now_ms, bool *ret, struct err *err)
{
    *ret = secrets->totp_len == 0;
    if (*ret)
        return 0;
    uint64_t step = totp_check(span_of(secrets->totp, secrets->totp_len), code, now_ms, secrets->used_step);
    return step == 0 ? 0 : code_take(store, user->number, step, ret, err);
}

int user_verify(struct store *store, struct span name, struct span password, struct span code, int64_t now_ms,
                enum user_verdict *ret, struct user *ret_user, struct err *err)
{
    struct secrets secrets = {0};
    struct user user = {0};
    bool found = false, fits = false, code_fits = false;
    int rc = secrets_read(store, name, &secrets, &found, err);
    if (!rc && found)
        rc = user_find(store, name, &user, err);
    if (!rc)
        rc = password_check(found ? secrets.hash : NULL, password, &fits, err);
    /* Only who knows the password can use a code up. */
    if (!rc && fits && !user.locked)
        rc = code_verify(store, &user, &secrets, code, now_ms, &code_fits, err);
    sodium_memzero(&secrets, sizeof secrets);
    if (rc)
        return rc;
    *ret = !found        ? USER_UNKNOWN
           : !fits       ? USER_PASSWORD
           : user.locked ? USER_LOCKED
           : !code_fits  ? USER_CODE
                         : USER_GOOD;
    *ret_user = user;
    return 0;
}

const char *user_verdict_word(enum user_verdict verdict)
{
    static const char *const words[] = {[USER_GOOD] = AUDIT_DONE,
                                        [USER_UNKNOWN] = "no such user",
                                        [USER_LOCKED] = "locked",
                                        [USER_PASSWORD] = "wrong password",
                                        [USER_CODE] = "wrong code"};
    return words[verdict];
}

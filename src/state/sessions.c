/* Sessions of people and tokens of programs: random texts of which only hashes are kept. */
#include <sodium.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/random.h"
#include "base/sha256.h"
#include "record/record.h"
#include "state/internal.h"
#include "state/users.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* 256 random bits need no slow hash: nobody guesses them. */
void session_hash(struct span token, uint8_t ret[32])
{
    sha256_once(token, ret);
}

static void draw(char out[SESSION_TEXT + 1])
{
    uint8_t random[32];
    random_bytes(random, sizeof random);
    base32_encode(random, sizeof random, out);
    sodium_memzero(random, sizeof random);
}

/* As it may stand in the database: what could not be one of ours is not looked up. */
static bool is_token(struct span token)
{
    uint8_t bytes[32];
    return token.len == SESSION_TEXT && base32_decode(token, bytes, sizeof bytes);
}

/* ---- sessions ---- */

static int session_insert(struct store *store, int64_t user, const char *address, int64_t now_ms, struct span hash,
                          struct err *err)
{
    int rc = db_run(store, err, "DELETE FROM session WHERE expires_ms <= ? OR seen_ms <= ?", "ii", now_ms,
                    now_ms - SESSION_IDLE_MS);
    if (!rc)
        rc = db_run(store, err,
                    "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE user = ? ORDER BY made_ms DESC,"
                    " hash LIMIT -1 OFFSET ?)",
                    "ii", user, (int64_t)SESSIONS_MAX - 1);
    if (!rc)
        rc = db_run(store, err,
                    "INSERT INTO session(hash, user, address, made_ms, seen_ms, expires_ms) VALUES(?, ?, ?, ?, ?, ?)",
                    "bisiii", hash, user, address, now_ms, now_ms, now_ms + SESSION_LIFE_MS);
    return rc;
}

int session_begin(struct store *store, int64_t user, const char *address, int64_t now_ms,
                  char ret_token[SESSION_TEXT + 1], struct err *err)
{
    uint8_t hash[32];
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    draw(ret_token);
    session_hash(span_str(ret_token), hash);
    rc = session_insert(store, user, address, now_ms, span_of(hash, sizeof hash), err);
    return store_end(store, own, rc, err);
}

/* What a row of `user` joined to a session or token says. */
static void joined_read(sqlite3_stmt *stmt, struct user *user)
{
    *user = (struct user){0};
    user->number = sqlite3_column_int64(stmt, 0);
    db_text(stmt, 1, user->name, sizeof user->name);
    int role = sqlite3_column_int(stmt, 2);
    user->role = role > ROLE_NONE && role < ROLES ? (enum role)role : ROLE_NONE;
    user->has_totp = sqlite3_column_int(stmt, 3) != 0;
    user->made_ms = sqlite3_column_int64(stmt, 4);
    db_text(stmt, 5, user->member, sizeof user->member);
    user->is_guest = sqlite3_column_int(stmt, 6) != 0;
}

#define JOINED_COLUMNS "u.number, u.name, u.role, u.totp IS NOT NULL, u.made_ms, " USER_MEMBER ", member <> '', "

int session_touch(struct store *store, struct span token, int64_t now_ms, struct err *err)
{
    uint8_t hash[32];
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    session_hash(token, hash);
    rc = db_run(store, err, "UPDATE session SET seen_ms = max(seen_ms, ?) WHERE hash = ?", "ib", now_ms,
                span_of(hash, sizeof hash));
    return store_end(store, own, rc, err);
}

int session_find(struct store *store, struct span token, int64_t now_ms, struct user *ret, bool *ret_due,
                 struct err *err)
{
    uint8_t bytes[32];
    if (!is_token(token))
        return err_set(err, ERR_NOTFOUND, "no such session");
    session_hash(token, bytes);
    struct span hash = span_of(bytes, sizeof bytes);
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT " JOINED_COLUMNS "s.seen_ms FROM session s JOIN user u ON u.number = s.user"
                                  " WHERE s.hash = ? AND s.expires_ms > ? AND s.seen_ms > ? AND NOT u.locked",
                                  "bii", hash, now_ms, now_ms - SESSION_IDLE_MS);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1) {
        joined_read(stmt, ret);
        *ret_due = now_ms - sqlite3_column_int64(stmt, 7) >= SESSION_TOUCH_MS;
    }
    db_end(stmt);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "no such session");
    return rc < 0 ? rc : 0;
}

int session_end(struct store *store, struct span token, struct err *err)
{
    uint8_t hash[32];
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    session_hash(token, hash);
    rc = db_run(store, err, "DELETE FROM session WHERE hash = ?", "b", span_of(hash, sizeof hash));
    return store_end(store, own, rc, err);
}

int session_end_others(struct store *store, int64_t user, struct span token, struct err *err)
{
    uint8_t hash[32];
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    session_hash(token, hash);
    rc = db_run(store, err, "DELETE FROM session WHERE user = ? AND hash <> ?", "ib", user, span_of(hash, sizeof hash));
    return store_end(store, own, rc, err);
}

int session_each(struct store *store, int64_t user, int64_t now_ms,
                 int (*each)(void *ctx, const struct session_info *session, struct err *err), void *ctx,
                 struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT hash, address, made_ms, seen_ms, expires_ms FROM session WHERE user = ? AND"
                                  " expires_ms > ? AND seen_ms > ? ORDER BY made_ms DESC, hash",
                                  "iii", user, now_ms, now_ms - SESSION_IDLE_MS);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        struct session_info session = {.made_ms = sqlite3_column_int64(stmt, 2),
                                       .seen_ms = sqlite3_column_int64(stmt, 3),
                                       .expires_ms = sqlite3_column_int64(stmt, 4)};
        struct span hash = db_span(stmt, 0);
        if (hash.len == sizeof session.hash)
            memcpy(session.hash, hash.data, hash.len);
        db_text(stmt, 1, session.address, sizeof session.address);
        rc = each(ctx, &session, err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

/* ---- tokens ---- */

static int token_insert(struct store *store, const struct user *user, const struct token_info *token, struct span hash,
                        struct err *err)
{
    int64_t count = 0, there = 0;
    int rc = db_int(store, &count, err, "SELECT count(*) FROM token WHERE user = ?", "i", user->number);
    if (!rc)
        rc = db_int(store, &there, err, "SELECT count(*) FROM token WHERE user = ? AND name = ?", "is", user->number,
                    token->name);
    if (rc)
        return rc;
    if (there)
        return err_set(err, ERR_EXISTS, "%s has a token of this name already", user->name);
    if (count >= TOKENS_MAX)
        return err_set(err, ERR_LIMIT, "%s has %lld tokens, %d allowed", user->name, (long long)count, TOKENS_MAX);
    return db_run(
        store, err,
        "INSERT INTO token(hash, user, name, scopes, made_ms, expires_ms, used_ms) VALUES(?, ?, ?, ?, ?, ?, 0)",
        "bisiii", hash, user->number, token->name, (int64_t)token->scopes, token->made_ms, token->expires_ms);
}

/* A scope that gives nothing under this role would be a promise that is not kept. */
static bool scope_is_of_use(enum role role, unsigned scope)
{
    for (int action = ACTION_NONE; action < ACTIONS; action++)
        if (role_may(role, scope, (enum role_action)action))
            return true;
    return false;
}

static int token_check(const struct user *user, struct span name, unsigned scopes, int64_t life_ms, struct err *err)
{
    if (!record_value_valid(name) || name.len > TOKEN_NAME_MAX)
        return err_set(err, ERR_SYNTAX, "a token's name is 1 to %d bytes of text on one line", TOKEN_NAME_MAX);
    if (life_ms <= 0 || life_ms > TOKEN_LIFE_MAX_DAYS * DAY_MS)
        return err_set(err, ERR_LIMIT, "a token lives from now on for at most %d days", TOKEN_LIFE_MAX_DAYS);
    for (unsigned scope = 1; scope <= SCOPES_ALL; scope <<= 1)
        if ((scopes & scope) != 0 && !scope_is_of_use(user->role, scope)) {
            char word[SCOPES_TEXT_MAX];
            scopes_format(scope, word);
            return err_set(err, ERR_REFUSED, "%s is a %s: a token for \"%s\" would be good for nothing", user->name,
                           role_word(user->role), word);
        }
    return scopes == 0 ? err_set(err, ERR_SYNTAX, "a token is for one thing at least") : 0;
}

int token_add(struct store *store, const struct user *user, struct span name, unsigned scopes, int64_t expires_ms,
              int64_t now_ms, char ret_token[TOKEN_TEXT + 1], struct err *err)
{
    uint8_t hash[32];
    struct token_info token = {.scopes = scopes, .made_ms = now_ms, .expires_ms = expires_ms};
    int rc = token_check(user, name, scopes, expires_ms - now_ms, err);
    if (rc)
        return rc;
    bool own = !store->writing;
    rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    memcpy(token.name, name.data, name.len);
    memcpy(ret_token, TOKEN_PREFIX, sizeof(TOKEN_PREFIX) - 1);
    draw(ret_token + sizeof(TOKEN_PREFIX) - 1);
    session_hash(span_str(ret_token), hash);
    rc = token_insert(store, user, &token, span_of(hash, sizeof hash), err);
    return store_end(store, own, rc, err);
}

int token_touch(struct store *store, struct span token, int64_t now_ms, struct err *err)
{
    uint8_t hash[32];
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    session_hash(token, hash);
    rc = db_run(store, err, "UPDATE token SET used_ms = max(used_ms, ?) WHERE hash = ?", "ib", now_ms,
                span_of(hash, sizeof hash));
    return store_end(store, own, rc, err);
}

int token_find(struct store *store, struct span token, int64_t now_ms, struct user *ret, unsigned *ret_scopes,
               bool *ret_due, struct err *err)
{
    static const size_t prefix = sizeof(TOKEN_PREFIX) - 1;
    uint8_t bytes[32];
    if (!span_starts(token, SPAN_LIT(TOKEN_PREFIX)) || !is_token(span_sub(token, prefix, token.len)))
        return err_set(err, ERR_NOTFOUND, "no such token");
    session_hash(token, bytes);
    struct span hash = span_of(bytes, sizeof bytes);
    sqlite3_stmt *stmt =
        db_query(store, err,
                 "SELECT " JOINED_COLUMNS "t.scopes, t.used_ms FROM token t JOIN user u ON u.number = t.user"
                 " WHERE t.hash = ? AND t.expires_ms > ? AND NOT u.locked",
                 "bi", hash, now_ms);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1) {
        joined_read(stmt, ret);
        *ret_scopes = (unsigned)sqlite3_column_int(stmt, 7) & SCOPES_ALL;
        *ret_due = now_ms - sqlite3_column_int64(stmt, 8) >= SESSION_TOUCH_MS;
    }
    db_end(stmt);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "no such token");
    return rc < 0 ? rc : 0;
}

int token_remove(struct store *store, int64_t user, struct span name, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "DELETE FROM token WHERE user = ? AND name = ?", "it", user, name);
    if (!rc && sqlite3_changes(store->db) == 0)
        rc = err_set(err, ERR_NOTFOUND, "no token of this name: `tongzhou token list` shows them");
    return store_end(store, own, rc, err);
}

int token_each(struct store *store, int64_t user,
               int (*each)(void *ctx, const struct token_info *token, struct err *err), void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT t.name, u.name, t.scopes, t.made_ms, t.expires_ms, t.used_ms FROM token t"
                                  " JOIN user u ON u.number = t.user WHERE ?1 = 0 OR t.user = ?1 ORDER BY u.name,"
                                  " t.name",
                                  "i", user);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        struct token_info token = {.scopes = (unsigned)sqlite3_column_int(stmt, 2) & SCOPES_ALL,
                                   .made_ms = sqlite3_column_int64(stmt, 3),
                                   .expires_ms = sqlite3_column_int64(stmt, 4),
                                   .used_ms = sqlite3_column_int64(stmt, 5)};
        db_text(stmt, 0, token.name, sizeof token.name);
        db_text(stmt, 1, token.user, sizeof token.user);
        rc = each(ctx, &token, err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

#include "state/tellers.h"

#include "base/codec.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "state/internal.h"
#include "state/users.h"

static const char *const kind_words[TELLER_KINDS] = {"hook", "mail", "syslog"};

const char *teller_kind_word(enum teller_kind kind)
{
    return kind_words[kind];
}

void teller_shown(const struct teller *t, char out[TELLER_SHOWN_MAX])
{
    struct span target = span_str(t->target), rest = {0};
    size_t authority = span_search(target, SPAN_LIT("://"));
    size_t end = target.len;
    if (t->kind == TELLER_HOOK && authority < target.len) {
        rest = span_sub(target, authority + 3, target.len);
        end = authority + 3 + strcspn((const char *)rest.data, "/?");
    }
    const char *more = end + 1 < target.len ? "/..." : "";
    snprintf(out, TELLER_SHOWN_MAX, "%.*s%s", (int)(end < TELLER_SHOWN_MAX - 5 ? end : TELLER_SHOWN_MAX - 5), t->target,
             more);
}

/* ---- rows ---- */

static int insert(struct store *store, const struct teller *t, struct span ca, struct err *err)
{
    uint8_t key[sizeof t->key];
    random_bytes(key, sizeof key);
    return db_run(
        store, err,
        "INSERT INTO teller(kind, target, role, topics, user, lang, full, inside, every_s, ca, key, last, due_ms,"
        " done_ms, failures, reason, sent, missed) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " (SELECT coalesce(max(number), 0) FROM notice), ?, 0, 0, '', 0, 0)",
        "isiissiiibbi", (int64_t)t->kind, t->target, (int64_t)t->role, (int64_t)t->topics, t->user, t->lang,
        (int64_t)t->full, (int64_t)t->inside, t->every_s, ca, span_of(key, sizeof key), t->due_ms);
}

int teller_add(struct store *store, const struct teller *t, struct span ca, int64_t *ret_number, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    int64_t there = 0, all = 0;
    rc = db_int(store, &there, err, "SELECT count(*) FROM teller WHERE kind = ? AND target = ?", "is", (int64_t)t->kind,
                t->target);
    if (!rc)
        rc = db_int(store, &all, err, "SELECT count(*) FROM teller", "");
    if (!rc && there)
        rc = err_set(err, ERR_EXISTS, "%s is told already: remove it first", t->target);
    if (!rc && all >= TELLERS_MAX)
        rc = err_set(err, ERR_LIMIT, "%d are told already, no more are", TELLERS_MAX);
    if (!rc)
        rc = insert(store, t, ca.data ? ca : SPAN_LIT(""), err);
    int64_t number = sqlite3_last_insert_rowid(store->db);
    rc = store_end(store, own, rc, err);
    if (!rc)
        *ret_number = number;
    return rc;
}

int teller_remove(struct store *store, int64_t number, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "DELETE FROM teller WHERE number = ?", "i", number);
    if (!rc && sqlite3_changes(store->db) == 0)
        rc = err_set(err, ERR_NOTFOUND, "nobody is told under the number %lld", (long long)number);
    return store_end(store, own, rc, err);
}

#define COLUMNS                                                                                                        \
    "SELECT number, kind, target, role, topics, user, lang, full, inside, every_s, last, due_ms, done_ms, failures,"   \
    " reason, sent, missed, key FROM teller "

static void read_row(sqlite3_stmt *stmt, struct teller *t)
{
    *t = (struct teller){.number = sqlite3_column_int64(stmt, 0),
                         .kind = (enum teller_kind)sqlite3_column_int(stmt, 1),
                         .role = (enum role)sqlite3_column_int(stmt, 3),
                         .topics = (unsigned)sqlite3_column_int64(stmt, 4),
                         .full = sqlite3_column_int(stmt, 7) != 0,
                         .inside = sqlite3_column_int(stmt, 8) != 0,
                         .every_s = sqlite3_column_int64(stmt, 9),
                         .last = sqlite3_column_int64(stmt, 10),
                         .due_ms = sqlite3_column_int64(stmt, 11),
                         .done_ms = sqlite3_column_int64(stmt, 12),
                         .failures = (unsigned)sqlite3_column_int64(stmt, 13),
                         .sent = (uint64_t)sqlite3_column_int64(stmt, 15),
                         .missed = (uint64_t)sqlite3_column_int64(stmt, 16)};
    struct span key = db_span(stmt, 17);
    db_text(stmt, 2, t->target, sizeof t->target);
    db_text(stmt, 5, t->user, sizeof t->user);
    db_text(stmt, 6, t->lang, sizeof t->lang);
    db_text(stmt, 14, t->reason, sizeof t->reason);
    if (key.len == sizeof t->key)
        memcpy(t->key, key.data, sizeof t->key);
}

int teller_find(struct store *store, struct span text, struct teller *ret, struct err *err)
{
    uint64_t number = 0;
    char shown[TELLER_SHOWN_MAX];
    (void)span_u64(text, INT64_MAX, &number);
    sqlite3_stmt *stmt =
        db_query(store, err, COLUMNS "WHERE number = ? OR target = ? LIMIT 1", "it", (int64_t)number, text);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        read_row(stmt, ret);
    db_end(stmt);
    if (rc < 0)
        return rc;
    return rc == 1 ? 0
                   : err_set(err, ERR_NOTFOUND, "%s is not told: `tongzhou tell list` shows who is",
                             text_escape_into(shown, sizeof shown, text));
}

int teller_each(struct store *store, int (*each)(void *ctx, const struct teller *teller, struct err *err), void *ctx,
                struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, COLUMNS "ORDER BY number", "");
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        struct teller teller;
        read_row(stmt, &teller);
        if ((unsigned)teller.kind < TELLER_KINDS) /* others are of a newer program */
            rc = each(ctx, &teller, err);
        if (rc < 0)
            break;
    }
    db_end(stmt);
    return rc;
}

/* A text or blob of one row, appended. ERR_NOTFOUND. */
static int read_bytes(struct store *store, sqlite3_stmt *stmt, int column, struct buf *out, struct err *err)
{
    int rc = db_step(store, stmt, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "no such row");
    buf_span(out, db_span(stmt, column));
    return buf_check(out, "certificates", err);
}

int teller_ca(struct store *store, int64_t number, struct buf *out, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT ca FROM teller WHERE number = ?", "i", number);
    if (!stmt)
        return err->code;
    int rc = read_bytes(store, stmt, 0, out, err);
    db_end(stmt);
    return rc;
}

/* ---- what it is told ---- */

int teller_query(struct store *store, const struct teller *t, struct notice_query *ret, struct err *err)
{
    struct user user;
    struct err unknown = {0};
    *ret = (struct notice_query){.role = t->role, .topics = t->topics, .after = t->last, .oldest_first = true};
    if (!t->user[0])
        return 1;
    int rc = user_find(store, span_str(t->user), &user, &unknown);
    if (rc < 0 && rc != ERR_NOTFOUND)
        return err_set(err, rc, "%s", unknown.text);
    if (rc == ERR_NOTFOUND || user.locked || user.is_guest)
        return 0;
    ret->role = user.role;
    ret->reader = user.number;
    ret->unread = true;
    return 1;
}

int teller_waiting(struct store *store, const struct teller *t, uint64_t *ret, struct err *err)
{
    struct notice_query query;
    *ret = 0;
    int rc = teller_query(store, t, &query, err);
    return rc > 0 ? notice_count(store, &query, ret, err) : rc;
}

int teller_id(struct store *store, const struct teller *t, int64_t notice, char out[TELLER_ID + 1], struct err *err)
{
    uint8_t hash[32];
    char generation[17], number[24];
    int64_t seq;
    struct sha256 sha;
    int rc = store_seq(store, &seq, generation, err); /* after a restore numbers are given out a second time */
    if (rc < 0)
        return rc;
    snprintf(number, sizeof number, " %lld", (long long)notice);
    sha256_init(&sha);
    sha256_add(&sha, span_of(t->key, sizeof t->key));
    sha256_add(&sha, span_str(generation));
    sha256_add(&sha, span_str(number));
    sha256_end(&sha, hash);
    hex_encode(hash, TELLER_ID / 2, out);
    return 0;
}

/* ---- how it fares ---- */

int teller_done(struct store *store, const struct teller_taken *taken, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err,
                "UPDATE teller SET last = max(last, ?), sent = sent + ?, due_ms = ?, done_ms = ?, failures = 0,"
                " reason = '' WHERE number = ?",
                "iiiii", taken->last, (int64_t)taken->sent, taken->due_ms, taken->now_ms, taken->number);
    return store_end(store, own, rc, err);
}

static int note_failure(struct store *store, struct teller *t, const char *reason, int64_t now_ms, int64_t wait_ms,
                        struct err *err)
{
    char shown[TELLER_SHOWN_MAX];
    unsigned doublings = t->failures < 16 ? t->failures : 16;
    int64_t delay = TELLER_BACKOFF_MS << doublings;
    delay = delay > wait_ms ? delay : wait_ms;
    delay = delay < TELLER_BACKOFF_MAX_MS ? delay : TELLER_BACKOFF_MAX_MS;
    text_escape_into(t->reason, sizeof t->reason, span_str(reason));
    int rc = db_run(store, err, "UPDATE teller SET failures = failures + 1, reason = ?, due_ms = ? WHERE number = ?",
                    "sii", t->reason, now_ms + delay, t->number);
    if (rc || t->failures + 1 != TELLER_FAILS)
        return rc;
    teller_shown(t, shown);
    struct notice notice = {.what = NOTICE_TELLER_FAILS, .time_ms = now_ms, .values = {shown, t->reason}};
    return notice_add(store, &notice, err);
}

int teller_failed(struct store *store, int64_t number, const char *reason, int64_t now_ms, int64_t wait_ms,
                  struct err *err)
{
    struct teller teller;
    struct err gone = {0};
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = teller_find(store, span_str(text), &teller, &gone);
    if (rc == 0)
        rc = note_failure(store, &teller, reason, now_ms, wait_ms, err);
    else
        rc = rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", gone.text);
    return store_end(store, own, rc, err);
}

int teller_wait(struct store *store, int64_t number, int64_t due_ms, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "UPDATE teller SET due_ms = ? WHERE number = ?", "ii", due_ms, number);
    return store_end(store, own, rc, err);
}

int tellers_miss(struct store *store, int64_t notice, struct err *err)
{
    return db_run(store, err,
                  "UPDATE teller SET missed = missed + 1 WHERE EXISTS(SELECT 1 FROM notice WHERE notice.number = ?1"
                  " AND teller.last < ?1 AND (teller.topics = 0 OR (teller.topics >> notice.topic) & 1)"
                  " AND notice.role <= coalesce((SELECT user.role FROM user WHERE user.name = teller.user"
                  " AND user.locked = 0), teller.role))",
                  "i", notice);
}

/* ---- the mail server ---- */

int mail_server_set(struct store *store, const struct mail_server *server, struct span ca, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(
        store, err,
        "INSERT OR REPLACE INTO mail_server(id, url, sender, user, plain, inside, ca) VALUES(1, ?, ?, ?, ?, ?, ?)",
        "sssiib", server->url, server->from, server->user, (int64_t)server->plain, (int64_t)server->inside,
        ca.data ? ca : SPAN_LIT(""));
    return store_end(store, own, rc, err);
}

int mail_server_get(struct store *store, struct mail_server *ret, struct buf *ca, struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err, "SELECT url, sender, user, plain, inside, ca FROM mail_server WHERE id = 1", "");
    if (!stmt)
        return err->code;
    *ret = (struct mail_server){0};
    int rc = read_bytes(store, stmt, 5, ca, err);
    if (!rc) {
        db_text(stmt, 0, ret->url, sizeof ret->url);
        db_text(stmt, 1, ret->from, sizeof ret->from);
        db_text(stmt, 2, ret->user, sizeof ret->user);
        ret->plain = sqlite3_column_int(stmt, 3) != 0;
        ret->inside = sqlite3_column_int(stmt, 4) != 0;
    }
    db_end(stmt);
    return rc == ERR_NOTFOUND ? err_set(err, rc, "no mail server is known: `tongzhou tell mail` says which") : rc;
}

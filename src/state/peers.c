#include "state/peers.h"

#include "state/internal.h"

#include "base/utf8.h"

/* ---- addresses ---- */

static bool host_valid(struct span host)
{
    if (host.len == 0 || host.len > 253)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && c != '.' && c != '-' && c != '_')
            return false;
    }
    return true;
}

/* "[" IPv6 "]": what is inside is for the resolver to judge, not its characters. */
static bool host6_valid(struct span host)
{
    if (host.len < 4 || host.len > 47)
        return false;
    for (size_t i = 1; i + 1 < host.len; i++)
        if (!strchr("0123456789abcdefABCDEF:.", host.data[i]) || !host.data[i])
            return false;
    return true;
}

static bool authority_valid(struct span authority)
{
    size_t end;
    if (authority.len > 0 && authority.data[0] == '[') {
        size_t close = span_find(authority, ']');
        if (close == authority.len)
            return false;
        end = close + 1;
        if (!host6_valid(span_sub(authority, 0, end)))
            return false;
    } else {
        end = span_find(authority, ':');
        if (!host_valid(span_sub(authority, 0, end)))
            return false;
    }
    uint64_t port = 0;
    if (end == authority.len)
        return true;
    return authority.data[end] == ':' && span_u64(span_sub(authority, end + 1, authority.len), 65535, &port) &&
           port > 0;
}

/* `more`: characters that are allowed besides those of a path. */
static bool path_valid(struct span path, const char *more)
{
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.data[i];
        if (c <= ' ' || c >= 0x7f || (strchr("\"#<>?\\^`{|}", c) && !strchr(more, c)))
            return false;
    }
    return true;
}

/* Without a query the trailing slash goes, too. */
static int url_canonical(struct span text, bool query, char out[PEER_URL_MAX + 1], struct err *err)
{
    char shown[256];
    struct span url = span_trim(text), scheme = SPAN_LIT("http://");
    text_escape_into(shown, sizeof shown, span_sub(url, 0, 60));
    while (!query && url.len > 0 && url.data[url.len - 1] == '/')
        url.len--;
    if (url.len > PEER_URL_MAX)
        return err_set(err, ERR_USAGE, "%s...: address of %zu bytes, %d allowed", shown, url.len, PEER_URL_MAX);
    if (span_starts(url, SPAN_LIT("https://")))
        scheme = SPAN_LIT("https://");
    else if (!span_starts(url, scheme))
        return err_set(err, ERR_USAGE, "%s: an address begins with http:// or https://", shown);
    struct span rest = span_sub(url, scheme.len, url.len);
    size_t slash = span_find(rest, '/'), mark = span_find(rest, '?');
    size_t end = query && mark < slash ? mark : slash;
    struct span authority = span_sub(rest, 0, end), path = span_sub(rest, end, rest.len);
    if (span_find(authority, '@') < authority.len)
        return err_set(err, ERR_USAGE, "%s: an address carries no user name", shown);
    if (!authority_valid(authority))
        return err_set(err, ERR_USAGE, "%s: HOST or HOST:PORT expected behind %.*s", shown, SPAN_ARGS(scheme));
    if (!path_valid(path, query ? "?" : ""))
        return err_set(err, ERR_USAGE, "%s: an address has no %sfragment and no spaces", shown,
                       query ? "" : "query, no ");
    snprintf(out, PEER_URL_MAX + 1, "%.*s", SPAN_ARGS(url));
    for (size_t i = 0; i < scheme.len + authority.len; i++)
        if (out[i] >= 'A' && out[i] <= 'Z')
            out[i] = (char)(out[i] - 'A' + 'a');
    return 0;
}

int peer_url_canonical(struct span text, char out[PEER_URL_MAX + 1], struct err *err)
{
    return url_canonical(text, false, out, err);
}

int feed_url_canonical(struct span text, char out[PEER_URL_MAX + 1], struct err *err)
{
    return url_canonical(text, true, out, err);
}

/* ---- peers ---- */

#define PEER_COLUMNS                                                                                                   \
    "SELECT number, url, origin, cursor, added_ms, tried_ms, reached_ms, retry_ms, failures, set_aside, reason,"       \
    " quota_logs, quota_bytes, bytes_in, requests FROM peer "

static void peer_read(sqlite3_stmt *stmt, struct peer *peer)
{
    memset(peer, 0, sizeof *peer);
    peer->number = sqlite3_column_int64(stmt, 0);
    db_text(stmt, 1, peer->url, sizeof peer->url);
    db_text(stmt, 2, peer->origin, sizeof peer->origin);
    db_text(stmt, 3, peer->cursor, sizeof peer->cursor);
    peer->added_ms = sqlite3_column_int64(stmt, 4);
    peer->tried_ms = sqlite3_column_int64(stmt, 5);
    peer->reached_ms = sqlite3_column_int64(stmt, 6);
    peer->retry_ms = sqlite3_column_int64(stmt, 7);
    peer->failures = (unsigned)sqlite3_column_int(stmt, 8);
    peer->set_aside = sqlite3_column_int(stmt, 9) != 0;
    db_text(stmt, 10, peer->reason, sizeof peer->reason);
    peer->quota_logs = (uint64_t)sqlite3_column_int64(stmt, 11);
    peer->quota_bytes = (uint64_t)sqlite3_column_int64(stmt, 12);
    peer->bytes_in = (uint64_t)sqlite3_column_int64(stmt, 13);
    peer->requests = (uint64_t)sqlite3_column_int64(stmt, 14);
}

int peer_add(struct store *store, const struct peer *peer, int64_t *ret_number, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    int64_t there = 0;
    rc = db_int(store, &there, err, "SELECT count(*) FROM peer WHERE url = ?", "s", peer->url);
    if (!rc && there)
        rc = err_set(err, ERR_EXISTS, "%s is a peer already", peer->url);
    if (!rc)
        rc = db_run(store, err,
                    "INSERT INTO peer(url, origin, cursor, added_ms, tried_ms, reached_ms, retry_ms, failures,"
                    " set_aside, reason, quota_logs, quota_bytes, bytes_in, requests)"
                    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    "sssiiiiiisiiii", peer->url, peer->origin, peer->cursor, peer->added_ms, peer->tried_ms,
                    peer->reached_ms, peer->retry_ms, (int64_t)peer->failures, (int64_t)peer->set_aside, peer->reason,
                    (int64_t)peer->quota_logs, (int64_t)peer->quota_bytes, (int64_t)peer->bytes_in,
                    (int64_t)peer->requests);
    int64_t number = sqlite3_last_insert_rowid(store->db);
    rc = store_end(store, own, rc, err);
    if (!rc)
        *ret_number = number;
    return rc;
}

#define CANDIDATES_MAX 4 /* addresses named if a name fits several peers */

/* How many peers the statement finds, the last of them, and their addresses. */
static int peers_found(struct store *store, sqlite3_stmt *stmt, struct peer *ret, struct buf *list, struct err *err)
{
    int rc, count = 0;
    if (!stmt)
        return err->code;
    while ((rc = db_step(store, stmt, err)) == 1) {
        peer_read(stmt, ret);
        buf_fmt(list, "%s%s", count ? ", " : "", count < CANDIDATES_MAX ? ret->url : "...");
        count++;
    }
    db_end(stmt);
    return rc < 0 ? rc : count;
}

/* Those whose operator's origin is `text`, or begins with it as lists show it: NAME, NAME/beginning, with the ellipsis. */
static int peers_named(struct store *store, struct span text, struct peer *ret, struct buf *list, struct err *err)
{
    struct span ellipsis = SPAN_LIT("\u2026");
    struct buf from, to;
    if (text.len > ellipsis.len && span_eq(span_sub(text, text.len - ellipsis.len, ellipsis.len), ellipsis))
        text.len -= ellipsis.len;
    buf_init(&from, ORIGIN_MAX + 8);
    buf_init(&to, ORIGIN_MAX + 8);
    buf_span(&from, text);
    if (span_find(text, '/') == text.len)
        buf_byte(&from, '/');
    buf_span(&to, buf_view(&from));
    buf_byte(&to, 0xff); /* no origin has this byte: behind all that begin with `from` */
    int count =
        text.len == 0 || to.failed
            ? 0
            : peers_found(store,
                          db_query(store, err, PEER_COLUMNS "WHERE origin >= ? AND origin < ? ORDER BY number LIMIT 5",
                                   "tt", buf_view(&from), buf_view(&to)),
                          ret, list, err);
    buf_done(&from);
    buf_done(&to);
    return count;
}

int peer_find(struct store *store, struct span text, struct peer *ret, struct err *err)
{
    char url[PEER_URL_MAX + 1], shown[1024];
    struct err no_url;
    struct buf list;
    buf_init(&list, 8192);
    int count = peer_url_canonical(text, url, &no_url) == 0
                    ? peers_found(store, db_query(store, err, PEER_COLUMNS "WHERE url = ?", "t", span_str(url)), ret,
                                  &list, err)
                    : peers_named(store, text, ret, &list, err);
    text_escape_into(shown, sizeof shown, text);
    int rc = count < 0 ? count : 0;
    if (count == 0)
        rc = err_set(err, ERR_NOTFOUND, "no peer \"%s\": `tongzhou peer list` shows them", shown);
    else if (count > 1)
        rc = err_set(err, ERR_USAGE, "\"%s\" may be any of: %s: give its address", shown, buf_cstr(&list));
    buf_done(&list);
    return rc;
}

int peer_update(struct store *store, const struct peer *peer, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err,
                "UPDATE peer SET url = ?, origin = ?, cursor = ?, added_ms = ?, tried_ms = ?, reached_ms = ?,"
                " retry_ms = ?, failures = ?, set_aside = ?, reason = ?, quota_logs = ?, quota_bytes = ?,"
                " bytes_in = ?, requests = ? WHERE number = ?",
                "sssiiiiiisiiiii", peer->url, peer->origin, peer->cursor, peer->added_ms, peer->tried_ms,
                peer->reached_ms, peer->retry_ms, (int64_t)peer->failures, (int64_t)peer->set_aside, peer->reason,
                (int64_t)peer->quota_logs, (int64_t)peer->quota_bytes, (int64_t)peer->bytes_in, (int64_t)peer->requests,
                peer->number);
    if (!rc && sqlite3_changes(store->db) == 0)
        rc = err_set(err, ERR_NOTFOUND, "no peer with number %lld", (long long)peer->number);
    return store_end(store, own, rc, err);
}

int peer_remove(struct store *store, int64_t number, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "DELETE FROM peer_log WHERE peer = ?", "i", number);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM peer WHERE number = ?", "i", number);
    if (!rc && sqlite3_changes(store->db) == 0)
        rc = err_set(err, ERR_NOTFOUND, "no peer with number %lld", (long long)number);
    return store_end(store, own, rc, err);
}

int peer_each(struct store *store, int (*each)(void *ctx, const struct peer *peer, struct err *err), void *ctx,
              struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, PEER_COLUMNS "ORDER BY number", "");
    if (!stmt)
        return err->code;
    int rc;
    struct peer peer;
    while ((rc = db_step(store, stmt, err)) == 1) {
        peer_read(stmt, &peer);
        rc = each(ctx, &peer, err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

/* ---- who has which log ---- */

int peer_log_seen(struct store *store, int64_t peer, int64_t log_number, uint64_t size, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    /* A peer that was removed meanwhile has nothing. */
    rc = db_run(store, err,
                "INSERT OR REPLACE INTO peer_log(log, peer, size) SELECT ?1, ?2, ?3 WHERE EXISTS"
                " (SELECT 1 FROM peer WHERE number = ?2)",
                "iii", log_number, peer, (int64_t)(size > INT64_MAX ? INT64_MAX : size));
    return store_end(store, own, rc, err);
}

int peer_log_each(struct store *store, int64_t log_number,
                  int (*each)(void *ctx, int64_t peer, uint64_t size, struct err *err), void *ctx, struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err,
                 "SELECT l.peer, l.size FROM peer_log l JOIN peer p ON p.number = l.peer WHERE l.log = ?"
                 " AND p.set_aside = 0 ORDER BY l.size DESC, l.peer",
                 "i", log_number);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        rc = each(ctx, sqlite3_column_int64(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1), err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

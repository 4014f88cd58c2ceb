#include "state/internal.h"

#include <assert.h>

#include "base/codec.h"
#include "base/utf8.h"

#define LOG_COLUMNS                                                                                                    \
    "SELECT number, origin, hash, role, mode, recent, is_operator, followed, standing, frozen_from, size, staged,"     \
    " root, head_ms, bytes, payloads, payloads_from, peer, seq, entries_end, payload_end, arrived FROM log "

static void row_read(sqlite3_stmt *stmt, struct log_row *row)
{
    struct log_info *info = &row->info;
    memset(row, 0, sizeof *row);
    info->number = sqlite3_column_int64(stmt, 0);
    struct span origin = db_span(stmt, 1), hash = db_span(stmt, 2), root = db_span(stmt, 12);
    snprintf(info->origin, sizeof info->origin, "%.*s", SPAN_ARGS(origin));
    if (hash.len == sizeof info->hash)
        memcpy(info->hash, hash.data, hash.len);
    hex_encode(info->hash, sizeof info->hash, info->hex);
    info->role = (enum log_role)sqlite3_column_int(stmt, 3);
    info->mode = (enum log_mode)sqlite3_column_int(stmt, 4);
    info->recent = (uint64_t)sqlite3_column_int64(stmt, 5);
    info->is_operator = sqlite3_column_int(stmt, 6) != 0;
    info->followed = sqlite3_column_int(stmt, 7) != 0;
    info->standing = (enum log_standing)sqlite3_column_int(stmt, 8);
    info->frozen_from =
        sqlite3_column_type(stmt, 9) == SQLITE_NULL ? UINT64_MAX : (uint64_t)sqlite3_column_int64(stmt, 9);
    info->size = (uint64_t)sqlite3_column_int64(stmt, 10);
    info->staged = (uint64_t)sqlite3_column_int64(stmt, 11);
    if (root.len == sizeof info->root)
        memcpy(info->root.b, root.data, root.len);
    info->head_ms = sqlite3_column_int64(stmt, 13);
    info->bytes = (uint64_t)sqlite3_column_int64(stmt, 14);
    info->payloads = (uint64_t)sqlite3_column_int64(stmt, 15);
    info->payloads_from = (uint64_t)sqlite3_column_int64(stmt, 16);
    info->peer = sqlite3_column_int64(stmt, 17);
    info->seq = sqlite3_column_int64(stmt, 18);
    row->entries_end = (uint64_t)sqlite3_column_int64(stmt, 19);
    row->payload_end = (uint64_t)sqlite3_column_int64(stmt, 20);
    info->arrived = (uint64_t)sqlite3_column_int64(stmt, 21);
}

/* The one row of `stmt`, which may be NULL. 1, 0 without a row, or negative. */
static int row_one(struct store *store, sqlite3_stmt *stmt, struct log_row *ret, struct err *err)
{
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        row_read(stmt, ret);
    db_end(stmt);
    return rc;
}

int row_load(struct store *store, int64_t number, struct log_row *ret, struct err *err)
{
    int rc = row_one(store, db_query(store, err, LOG_COLUMNS "WHERE number = ?", "i", number), ret, err);
    if (rc == 1)
        return 0;
    return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "no log with number %lld here", (long long)number);
}

int row_save(struct store *store, const struct log_row *row, struct err *err)
{
    const struct log_info *info = &row->info;
    return db_run(store, err,
                  "UPDATE log SET size = ?, staged = ?, root = ?, head_ms = ?, bytes = ?, payloads = ?, seq = ?,"
                  " entries_end = ?, payload_end = ?, arrived = ?, touched = 1 WHERE number = ?",
                  "iibiiiiiiii", (int64_t)info->size, (int64_t)info->staged, span_of(info->root.b, TLOG_HASH_SIZE),
                  info->head_ms, (int64_t)info->bytes, (int64_t)info->payloads, info->seq, (int64_t)row->entries_end,
                  (int64_t)row->payload_end, (int64_t)info->arrived, info->number);
}

void row_bump(struct store *store, struct log_row *row)
{
    if (row->info.seq > store->seq_begun)
        return;
    row->info.seq = ++store->seq;
    store->seq_changed = true;
}

int store_log(struct store *store, int64_t number, struct log_info *ret, struct err *err)
{
    struct log_row row;
    int rc = row_load(store, number, &row, err);
    if (!rc)
        *ret = row.info;
    return rc;
}

int store_log_by_origin(struct store *store, struct span origin, struct log_info *ret, struct err *err)
{
    struct log_row row;
    int rc = row_one(store, db_query(store, err, LOG_COLUMNS "WHERE origin = ?", "t", origin), &row, err);
    if (rc == 0) {
        char shown[4 * ORIGIN_MAX];
        return err_set(err, ERR_NOTFOUND, "no log of %s here", text_escape_into(shown, sizeof shown, origin));
    }
    if (rc == 1)
        *ret = row.info;
    return rc < 0 ? rc : 0;
}

int store_log_by_hash(struct store *store, const uint8_t hash[32], struct log_info *ret, struct err *err)
{
    struct log_row row;
    int rc = row_one(store, db_query(store, err, LOG_COLUMNS "WHERE hash = ?", "b", span_of(hash, 32)), &row, err);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "no log with this origin hash here");
    if (rc == 1)
        *ret = row.info;
    return rc < 0 ? rc : 0;
}

#define CANDIDATES_MAX 8

/* Logs whose origin begins with `from` and has not left it at `to`; candidates' short forms go to `list`. */
static int find_between(struct store *store, struct span from, struct span to, struct log_row *ret, struct buf *list,
                        struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err, LOG_COLUMNS "WHERE origin >= ? AND origin < ? ORDER BY origin LIMIT 9", "tt", from, to);
    if (!stmt)
        return err->code;
    int rc, count = 0;
    while ((rc = db_step(store, stmt, err)) == 1) {
        row_read(stmt, ret);
        char shown[ORIGIN_MAX + 1];
        origin_short(span_str(ret->info.origin), shown);
        buf_fmt(list, "%s%s", count ? ", " : "", count < CANDIDATES_MAX ? shown : "...");
        count++;
    }
    db_end(stmt);
    return rc < 0 ? rc : count;
}

int store_log_find(struct store *store, struct span text, struct log_info *ret, struct err *err)
{
    char shown[4 * ORIGIN_MAX];
    text_escape_into(shown, sizeof shown, text);
    struct span ellipsis = SPAN_LIT("\u2026");
    if (text.len > ellipsis.len && span_eq(span_sub(text, text.len - ellipsis.len, ellipsis.len), ellipsis))
        text.len -= ellipsis.len;
    struct buf from, to, list;
    buf_init(&from, ORIGIN_MAX + 8);
    buf_init(&to, ORIGIN_MAX + 8);
    buf_init(&list, 8192);
    buf_span(&from, text);
    if (span_find(text, '/') == text.len)
        buf_byte(&from, '/');
    buf_span(&to, buf_view(&from));
    int rc = text.len == 0 || from.failed
                 ? err_set(err, ERR_NOTFOUND, "no member \"%s\" here: `tongzhou members` lists them", shown)
                 : 0;
    if (rc)
        goto out;
    /* No origin has a byte 0xff, so this is behind all that begin with `from`. */
    buf_byte(&to, 0xff);
    struct log_row row = {0};
    rc = find_between(store, buf_view(&from), buf_view(&to), &row, &list, err);
    if (rc == 1)
        *ret = row.info;
    if (rc == 0)
        rc = err_set(err, ERR_NOTFOUND, "no member \"%s\" here: `tongzhou members` lists them", shown);
    else if (rc > 1)
        rc = err_set(err, ERR_USAGE, "\"%s\" may be any of: %s", shown, buf_cstr(&list));
    else if (rc == 1)
        rc = 0;
out:
    buf_done(&from);
    buf_done(&to);
    buf_done(&list);
    return rc;
}

int store_operator(struct store *store, struct log_info *ret, struct err *err)
{
    struct log_row row;
    int rc = row_one(store, db_query(store, err, LOG_COLUMNS "WHERE is_operator = 1", ""), &row, err);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "%s: no member lives here yet: run `tongzhou init`", store->dir);
    if (rc == 1)
        *ret = row.info;
    return rc < 0 ? rc : 0;
}

static int rows_each(struct store *store, sqlite3_stmt *stmt,
                     int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx, struct err *err)
{
    if (!stmt)
        return err->code;
    int rc;
    struct log_row row;
    while ((rc = db_step(store, stmt, err)) == 1) {
        row_read(stmt, &row);
        rc = each(ctx, &row.info, err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

int store_logs(struct store *store, int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx,
               struct err *err)
{
    return rows_each(store, db_query(store, err, LOG_COLUMNS "ORDER BY number", ""), each, ctx, err);
}

int store_heads(struct store *store, int64_t since, size_t max,
                int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx, struct err *err)
{
    return rows_each(store,
                     db_query(store, err, LOG_COLUMNS "WHERE seq > ? ORDER BY seq LIMIT ?", "ii", since, (int64_t)max),
                     each, ctx, err);
}

int store_log_create(struct store *store, const struct log_new *log, int64_t *ret_number, struct err *err)
{
    int rc = store_writable(store, err);
    if (rc)
        return rc;
    char shown[4 * ORIGIN_MAX];
    text_escape_into(shown, sizeof shown, log->origin);
    if (!origin_valid(log->origin))
        return err_set(err, ERR_SYNTAX, "\"%s\" is no origin: NAME/ and 52 characters expected", shown);
    struct log_info there;
    struct err probe;
    rc = store_log_by_origin(store, log->origin, &there, &probe);
    if (rc == 0)
        return err_set(err, ERR_EXISTS, "log %s is here already", shown);
    if (rc == ERR_NOTFOUND && log->is_operator) {
        rc = store_operator(store, &there, &probe);
        if (rc == 0)
            return err_set(err, ERR_EXISTS, "%s is the operator here already", there.origin);
    }
    if (rc != ERR_NOTFOUND) {
        *err = probe;
        return rc;
    }
    uint8_t hash[32];
    struct tlog_hash root;
    origin_hash(log->origin, hash);
    tlog_empty_root(&root);
    rc = db_run(store, err,
                "INSERT INTO log(origin, hash, role, mode, recent, is_operator, followed, peer, root)"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                "tbiiiiiib", log->origin, span_of(hash, sizeof hash), (int64_t)log->role, (int64_t)log->mode,
                (int64_t)log->recent, (int64_t)log->is_operator, (int64_t)log->followed, log->peer,
                span_of(root.b, sizeof root.b));
    if (rc)
        return err_in(err, "log %s", shown);
    int64_t number = sqlite3_last_insert_rowid(store->db);
    if (number >= LOG_NUMBER_MAX)
        return err_set(err, ERR_LIMIT, "log %s: this node has %d logs, no more fit", shown, LOG_NUMBER_MAX - 1);
    *ret_number = number;
    return 0;
}

int store_log_update(struct store *store, const struct log_info *log, struct err *err)
{
    int rc = store_writable(store, err);
    struct log_row row = {0};
    if (!rc)
        rc = row_load(store, log->number, &row, err);
    if (rc)
        return rc;
    if (row.info.standing != log->standing || row.info.frozen_from != log->frozen_from)
        row_bump(store, &row);
    rc =
        db_run(store, err,
               "UPDATE log SET role = ?, mode = ?, recent = ?, followed = ?, standing = ?, frozen_from = nullif(?, -1),"
               " peer = ?, payloads_from = ?, seq = ? WHERE number = ?",
               "iiiiiiiiii", (int64_t)log->role, (int64_t)log->mode, (int64_t)log->recent, (int64_t)log->followed,
               (int64_t)log->standing, (int64_t)log->frozen_from, log->peer, (int64_t)log->payloads_from, row.info.seq,
               log->number);
    return rc;
}

int store_announce(struct store *store, int64_t number, struct err *err)
{
    struct log_row row;
    int rc = store_writable(store, err);
    if (!rc)
        rc = row_load(store, number, &row, err);
    if (rc)
        return rc;
    row_bump(store, &row);
    return row_save(store, &row, err);
}

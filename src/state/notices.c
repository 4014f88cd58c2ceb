#include "state/notices.h"

#include "base/utf8.h"
#include "state/internal.h"
#include "state/tellers.h"

#define FACT_DROPPED "notices-dropped"

static int number_of(const char *word)
{
    for (int i = 0; i < NOTICE_WHATS; i++)
        if (strcmp(word, notice_words((enum notice_what)i)->word) == 0)
            return i;
    return -1;
}

/* ---- adding ---- */

/* What a new one has to be compared with. */
struct told {
    int64_t number, first_ms, news_ms;
    uint64_t count, news_count;
};

/* One as it is stored. */
struct stored {
    const struct notice_words *words;
    const struct notice *notice;
    const char *origin;
    char values[NOTICE_VALUES][NOTICE_VALUE_MAX + 1];
    uint64_t count;
};

/* The line of the same about the same, if it is about this day: 1, or 0. */
static int find_told(struct store *store, const struct stored *s, struct told *ret, struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err,
                 "SELECT number, first_ms, news_ms, count, news_count FROM notice WHERE what = ? AND origin = ?"
                 " AND (? = 0 OR value = ?) ORDER BY number DESC LIMIT 1",
                 "ssis", s->words->word, s->origin, (int64_t)s->words->by_value, s->values[0]);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        *ret = (struct told){.number = sqlite3_column_int64(stmt, 0),
                             .first_ms = sqlite3_column_int64(stmt, 1),
                             .news_ms = sqlite3_column_int64(stmt, 2),
                             .count = (uint64_t)sqlite3_column_int64(stmt, 3),
                             .news_count = (uint64_t)sqlite3_column_int64(stmt, 4)};
    db_end(stmt);
    return rc == 1 ? s->notice->time_ms - ret->first_ms < NOTICE_MERGE_MS : rc;
}

static int remove_row(struct store *store, int64_t number, struct err *err)
{
    int rc = db_run(store, err, "DELETE FROM notice WHERE number = ?", "i", number);
    return rc ? rc : db_run(store, err, "DELETE FROM notice_seen WHERE number = ?", "i", number);
}

/* Numbers only grow, so a line that is news again gets one that nobody has seen. */
static int insert_row(struct store *store, const struct stored *s, int64_t first_ms, uint64_t count, struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO notice(what, topic, role, first_ms, time_ms, news_ms, count, news_count, ref, origin,"
                  " value, more, seen) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                  "siiiiiiiisss", s->words->word, (int64_t)s->words->topic, (int64_t)s->words->role, first_ms,
                  s->notice->time_ms, s->notice->time_ms, (int64_t)count, (int64_t)count, s->notice->ref, s->origin,
                  s->values[0], s->values[1]);
}

static int update_row(struct store *store, const struct stored *s, int64_t number, uint64_t count, struct err *err)
{
    return db_run(store, err, "UPDATE notice SET time_ms = ?, count = ?, ref = ?, value = ?, more = ? WHERE number = ?",
                  "iiissi", s->notice->time_ms, (int64_t)count, s->notice->ref, s->values[0], s->values[1], number);
}

/* What goes when a topic has too many: what somebody has read, then the oldest. */
static int drop_one(struct store *store, enum notice_topic topic, struct err *err)
{
    int64_t rows = 0, number = 0, seen = 0;
    int rc = db_int(store, &rows, err, "SELECT count(*) FROM notice WHERE topic = ?", "i", (int64_t)topic);
    if (rc || rows <= NOTICES_TOPIC_MAX)
        return rc;
    rc = db_int(store, &number, err, "SELECT number FROM notice WHERE topic = ? ORDER BY seen DESC, number LIMIT 1",
                "i", (int64_t)topic);
    if (!rc)
        rc = db_int(store, &seen, err, "SELECT seen FROM notice WHERE number = ?", "i", number);
    if (!rc)
        rc = tellers_miss(store, number, err);
    if (!rc)
        rc = remove_row(store, number, err);
    if (rc || seen)
        return rc;
    uint64_t dropped = 0;
    char text[24];
    rc = notice_dropped(store, &dropped, err);
    snprintf(text, sizeof text, "%llu", (unsigned long long)dropped + 1);
    return rc ? rc : store_put(store, FACT_DROPPED, span_str(text), err);
}

static int add(struct store *store, const struct stored *s, struct err *err)
{
    struct told told = {0};
    int rc = find_told(store, s, &told, err);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        rc = insert_row(store, s, s->notice->time_ms, s->count, err);
        return rc ? rc : drop_one(store, s->words->topic, err);
    }
    uint64_t count = told.count + s->count;
    if (count < 2 * told.news_count && s->notice->time_ms - told.news_ms < NOTICE_NEWS_MS)
        return update_row(store, s, told.number, count, err);
    rc = remove_row(store, told.number, err);
    return rc ? rc : insert_row(store, s, told.first_ms, count, err);
}

int notice_add(struct store *store, const struct notice *notice, struct err *err)
{
    struct stored s = {.words = notice_words(notice->what),
                       .notice = notice,
                       .origin = notice->origin ? notice->origin : "",
                       .count = notice->count ? notice->count : 1};
    for (size_t i = 0; i < NOTICE_VALUES; i++)
        if (notice->values[i])
            text_escape_into(s.values[i], sizeof s.values[i], span_str(notice->values[i]));
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    return store_end(store, own, add(store, &s, err), err);
}

/* ---- reading ---- */

#define SEEN                                                                                                           \
    "(number <= coalesce((SELECT upto FROM notice_upto WHERE reader = ?1), 0)"                                         \
    " OR EXISTS(SELECT 1 FROM notice_seen WHERE notice_seen.number = notice.number AND reader = ?1))"
#define WANTED "role <= ?2 AND (?3 >> topic) & 1 AND (?4 = 0 OR NOT " SEEN ")"
#define COLUMNS                                                                                                        \
    "SELECT what, first_ms, time_ms, count, ref, origin, value, more, number, " SEEN " FROM notice WHERE " WANTED
#define MORE " AND number > ?5 AND (?6 = 0 OR number < ?6) AND time_ms >= ?7 ORDER BY number "

static const char newest_first[] = COLUMNS MORE "DESC LIMIT ?8";
static const char oldest_first[] = COLUMNS MORE "LIMIT ?8";

static int64_t topics_of(const struct notice_query *query)
{
    return query->topics ? query->topics : NOTICE_TOPICS_ALL;
}

static int read_row(sqlite3_stmt *stmt, struct notice *ret, struct err *err)
{
    const char *word = (const char *)sqlite3_column_text(stmt, 0);
    *ret = (struct notice){
        .first_ms = sqlite3_column_int64(stmt, 1),
        .time_ms = sqlite3_column_int64(stmt, 2),
        .count = (uint64_t)sqlite3_column_int64(stmt, 3),
        .ref = sqlite3_column_int64(stmt, 4),
        .origin = (const char *)sqlite3_column_text(stmt, 5),
        .values = {(const char *)sqlite3_column_text(stmt, 6), (const char *)sqlite3_column_text(stmt, 7)},
        .number = sqlite3_column_int64(stmt, 8),
        .is_read = sqlite3_column_int(stmt, 9) != 0};
    if (!word || !ret->origin || !ret->values[0] || !ret->values[1])
        return err_memory(err);
    int what = number_of(word);
    ret->what = (enum notice_what)what;
    return what >= 0;
}

int notice_each(struct store *store, const struct notice_query *query,
                int (*each)(void *ctx, const struct notice *notice, struct err *err), void *ctx, struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err, query->oldest_first ? oldest_first : newest_first, "iiiiiiii", query->reader,
                 (int64_t)query->role, topics_of(query), (int64_t)query->unread, query->after, query->before,
                 query->since_ms, query->max ? (int64_t)query->max : INT64_MAX);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        struct notice notice;
        rc = read_row(stmt, &notice, err);
        if (rc == 1) /* 0: of a newer program, which this one does not know */
            rc = each(ctx, &notice, err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

int notice_count(struct store *store, const struct notice_query *query, uint64_t *ret, struct err *err)
{
    int64_t count = 0;
    int rc = db_int(store, &count, err,
                    "SELECT count(*) FROM notice WHERE " WANTED
                    " AND number > ?5 AND (?6 = 0 OR number < ?6) AND time_ms >= ?7",
                    "iiiiiii", query->reader, (int64_t)query->role, topics_of(query), (int64_t)query->unread,
                    query->after, query->before, query->since_ms);
    *ret = (uint64_t)count;
    return rc;
}

int notice_unread(struct store *store, int64_t reader, enum role role, uint64_t *ret, struct err *err)
{
    int64_t count = 0;
    int rc =
        db_int(store, &count, err,
               "SELECT count(*) FROM notice WHERE number > coalesce((SELECT upto FROM notice_upto WHERE reader = ?1),"
               " 0) AND role <= ?2 AND NOT EXISTS(SELECT 1 FROM notice_seen WHERE notice_seen.number = notice.number"
               " AND reader = ?1)",
               "ii", reader, (int64_t)role);
    *ret = (uint64_t)count;
    return rc;
}

int notice_latest(struct store *store, enum notice_topic topic, const char *value, struct notice_brief *ret,
                  struct err *err)
{
    char escaped[NOTICE_VALUE_MAX + 1];
    sqlite3_stmt *stmt = db_query(
        store, err, "SELECT what, time_ms, more FROM notice WHERE topic = ? AND value = ? ORDER BY number DESC LIMIT 1",
        "is", (int64_t)topic, text_escape_into(escaped, sizeof escaped, span_str(value)));
    if (!stmt)
        return err->code;
    char word[64];
    int rc = db_step(store, stmt, err), what = -1;
    if (rc == 1) {
        db_text(stmt, 0, word, sizeof word);
        what = number_of(word);
        *ret = (struct notice_brief){.what = (enum notice_what)what, .time_ms = sqlite3_column_int64(stmt, 1)};
        db_text(stmt, 2, ret->more, sizeof ret->more);
    }
    db_end(stmt);
    return rc < 0 ? rc : what >= 0 ? 0 : err_set(err, ERR_NOTFOUND, "no such notice");
}

int notice_last(struct store *store, int64_t *ret, struct err *err)
{
    return db_int(store, ret, err, "SELECT coalesce(max(number), 0) FROM notice", "");
}

int notice_dropped(struct store *store, uint64_t *ret, struct err *err)
{
    int64_t count = 0;
    int rc =
        db_int(store, &count, err,
               "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM fact WHERE name = '" FACT_DROPPED "'), 0)", "");
    *ret = (uint64_t)count;
    return rc;
}

/* ---- having read ---- */

int notice_read(struct store *store, int64_t reader, enum role role, int64_t number, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    rc = db_run(store, err, "UPDATE notice SET seen = 1 WHERE number = ? AND role <= ?", "ii", number, (int64_t)role);
    if (!rc && sqlite3_changes(store->db) > 0)
        rc = db_run(store, err, "INSERT OR IGNORE INTO notice_seen(reader, number) VALUES(?, ?)", "ii", reader, number);
    return store_end(store, own, rc, err);
}

int notice_read_all(struct store *store, int64_t reader, enum role role, int64_t number, struct err *err)
{
    bool own = !store->writing;
    int rc = own ? store_begin(store, err) : store_writable(store, err);
    if (rc)
        return rc;
    int64_t last = 0; /* what comes later nobody has read, whatever number a form says */
    rc = notice_last(store, &last, err);
    number = number < last ? number : last;
    if (!rc)
        rc = db_run(store, err,
                    "INSERT INTO notice_upto(reader, upto) VALUES(?, ?)"
                    " ON CONFLICT(reader) DO UPDATE SET upto = max(upto, excluded.upto)",
                    "ii", reader, number);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM notice_seen WHERE reader = ? AND number <= ?", "ii", reader, number);
    if (!rc)
        rc = db_run(store, err, "UPDATE notice SET seen = 1 WHERE number <= ? AND seen = 0 AND role <= ?", "ii", number,
                    (int64_t)role);
    return store_end(store, own, rc, err);
}

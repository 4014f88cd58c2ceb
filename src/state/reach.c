#include "state/reach.h"

#include "base/sha256.h"
#include "state/internal.h"

#define REACH_ARENA_MAX (1u << 20) /* bytes: header lines of one record */

/* ---- writing ---- */

/* A number for each log that got something: whoever is told of some of many in one commit can go on behind them. */
static int reach_counted(struct store *store, int64_t number, struct err *err)
{
    if (store->reached && store->reached_log == number)
        return 0;
    store->reached_log = number;
    int rc = db_run(store, err, "UPDATE node SET reached = reached + 1", "");
    return rc ? rc : db_int(store, &store->reached, err, "SELECT reached FROM node", "");
}

static int reach_word(struct store *store, const struct log_row *row, uint64_t bundle, struct span word,
                      struct err *err)
{
    int rc = reach_counted(store, row->info.number, err);
    if (!rc)
        rc = db_run(store, err, "INSERT OR IGNORE INTO reader(text, is_group) VALUES(?, ?)", "ti", word,
                    (int64_t)audience_is_group(word));
    if (!rc)
        rc = db_run(store, err,
                    "INSERT OR REPLACE INTO reach(word, log, bundle, came)"
                    " SELECT word, ?, ?, ? FROM reader WHERE text = ?",
                    "iiit", row->info.number, (int64_t)bundle, store->reached, word);
    return rc;
}

/* The member on whose node the named one lives by its own word: what is for the guest comes to its node. */
static int reach_host(struct store *store, const struct log_row *row, uint64_t bundle, struct span guest,
                      struct err *err)
{
    struct log_info log;
    struct member member;
    struct arena arena;
    struct err unknown;
    if (store_log_by_origin(store, guest, &log, &unknown) != 0 || log.size == 0)
        return 0;
    arena_init(&arena, MEMBER_ARENA_MAX);
    int rc = 0;
    if (store_member(store, log.number, &arena, &member, &unknown) == 0 && member.profile.host[0])
        rc = reach_word(store, row, bundle, span_str(member.profile.host), err);
    arena_done(&arena);
    return rc;
}

static int reach_record(struct store *store, const struct log_row *row, uint64_t bundle, const struct record *record,
                        struct err *err)
{
    /* Its author may have it back, whoever else may see it. */
    int rc = reach_word(store, row, bundle, span_str(row->info.origin), err);
    if (!rc && record->tlp == TLP_GREEN)
        rc = reach_word(store, row, bundle, SPAN_LIT(REACH_COMMUNITY), err);
    for (size_t i = 0; record->tlp == TLP_RED && i < record->to_count && !rc; i++)
        if (audience_is_person(record->to[i]))
            rc = reach_word(store, row, bundle, audience_person_origin(record->to[i]), err);
    if (record->tlp != TLP_GREEN && record->tlp != TLP_AMBER && record->tlp != TLP_AMBER_STRICT)
        return rc;
    for (size_t i = 0; i < record->to_count && !rc; i++) {
        rc = reach_word(store, row, bundle, record->to[i], err);
        if (!rc && !audience_is_group(record->to[i]))
            rc = reach_host(store, row, bundle, record->to[i], err);
    }
    return rc;
}

/* What the words come from: equal for the records of a batch, mostly. */
static void audience_hash(const struct record *record, uint8_t out[32])
{
    struct sha256 sha;
    uint8_t tlp = (uint8_t)record->tlp;
    sha256_init(&sha);
    sha256_add(&sha, span_of(&tlp, 1));
    for (size_t i = 0; i < record->to_count; i++) {
        sha256_add(&sha, record->to[i]);
        sha256_add(&sha, SPAN_LIT("\n"));
    }
    sha256_end(&sha, out);
}

int reach_add(struct store *store, const struct log_row *row, uint64_t index, struct span payload, struct err *err)
{
    struct reach_last last = {.number = row->info.number, .bundle = index / TILE_WIDTH};
    struct record record;
    struct arena arena;
    struct err unread;
    if (row->info.role == LOG_LOCAL) /* for nobody, whatever it says */
        return 0;
    arena_init(&arena, REACH_ARENA_MAX);
    int rc = record_parse(payload, &arena, &record, &unread);
    if (rc == ERR_MEMORY) {
        *err = unread;
    } else if (rc) {
        rc = 0; /* nothing tells whom it is for */
    } else {
        audience_hash(&record, last.hash);
        if (memcmp(&last, &store->reach_last, sizeof last) != 0)
            rc = reach_record(store, row, last.bundle, &record, err);
        store->reach_last = last;
    }
    arena_done(&arena);
    return rc;
}

static int reach_orphans(struct store *store, struct err *err)
{
    return db_run(store, err,
                  "DELETE FROM reader WHERE NOT EXISTS (SELECT 1 FROM reach WHERE reach.word = reader.word)", "");
}

/* One that is held, of which only the header matters. A damaged one reaches nobody. */
static int reach_held(struct store *store, const struct log_row *row, uint64_t index, struct buf *item, struct err *err)
{
    struct err damaged;
    buf_clear(item);
    int rc = payload_read_head(store, row->info.number, index, PAYLOAD_TAIL_MAX, item, NULL, &damaged);
    if (rc == ERR_MEMORY) {
        *err = damaged;
        return rc;
    }
    return rc ? 0 : reach_add(store, row, index, span_sub(buf_view(item), 4 + SEAL_SALT, item->len), err);
}

int reach_one(struct store *store, const struct log_row *row, uint64_t index, struct err *err)
{
    struct buf item;
    buf_init(&item, PAYLOAD_TAIL_MAX + SEAL_SALT + 64);
    int rc = reach_held(store, row, index, &item, err);
    buf_done(&item);
    return rc;
}

int reach_again(struct store *store, const struct log_row *row, uint64_t bundle, struct err *err)
{
    uint64_t slots[TILE_WIDTH], first = bundle * TILE_WIDTH;
    uint64_t left = row->info.size > first ? row->info.size - first : 0;
    size_t count = left < TILE_WIDTH ? (size_t)left : TILE_WIDTH;
    struct buf item;
    buf_init(&item, PAYLOAD_TAIL_MAX + SEAL_SALT + 64);
    store->reach_last.number = 0;
    int rc = reach_counted(store, row->info.number, err);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM reach WHERE log = ? AND bundle = ?", "ii", row->info.number,
                    (int64_t)bundle);
    if (!rc && count > 0)
        rc = slots_read(store, row->info.number, first, count, slots, err);
    for (size_t i = 0; i < count && !rc; i++)
        if ((SLOT_FLAGS(slots[i]) & (SLOT_HELD | SLOT_CLEAR | SLOT_ERASED | SLOT_WAITING)) == SLOT_HELD)
            rc = reach_held(store, row, first + i, &item, err);
    buf_done(&item);
    return rc ? rc : reach_orphans(store, err);
}

int reach_drop(struct store *store, int64_t number, uint64_t index, struct err *err)
{
    store->reach_last.number = 0;
    int rc = db_run(store, err, "DELETE FROM reach WHERE log = ? AND bundle < ?", "ii", number,
                    (int64_t)(index / TILE_WIDTH));
    return rc ? rc : reach_orphans(store, err);
}

/* Log by log, as if something had come to each. */
static int reach_again_in(struct store *store, int64_t word, struct err *err)
{
    int64_t log = 0;
    for (;;) {
        int rc = db_int(store, &log, err, "SELECT coalesce(min(log), 0) FROM reach WHERE word = ? AND log > ?", "ii",
                        word, log);
        if (rc || log == 0)
            return rc;
        rc = reach_counted(store, log, err);
        if (!rc)
            rc = db_run(store, err, "UPDATE reach SET came = ? WHERE word = ? AND log = ?", "iii", store->reached, word,
                        log);
        if (rc)
            return rc;
    }
}

int reach_mark(struct store *store, struct span word, uint64_t mark, bool again, struct err *err)
{
    int64_t id = 0, before = (int64_t)mark;
    sqlite3_stmt *stmt = db_query(store, err, "SELECT word, mark FROM reader WHERE text = ?", "t", word);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1) {
        id = sqlite3_column_int64(stmt, 0);
        before = sqlite3_column_int64(stmt, 1);
    }
    db_end(stmt);
    if (rc <= 0 || (before == (int64_t)mark && !again))
        return rc < 0 ? rc : 0;
    rc = reach_again_in(store, id, err);
    return rc ? rc : db_run(store, err, "UPDATE reader SET mark = ? WHERE word = ?", "ii", (int64_t)mark, id);
}

/* ---- asking ---- */

int reach_find(struct store *store, struct span word, struct reach *reach, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT word FROM reader WHERE text = ?", "t", word);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1 && reach->count < REACH_WORDS_MAX)
        reach->word[reach->count++] = sqlite3_column_int64(stmt, 0);
    db_end(stmt);
    return rc < 0 ? rc : 0;
}

/* One row at a time: `each` may ask the store, too. */
static int each_group(struct store *store, const char *sql, const int64_t where[3],
                      int (*each)(void *ctx, struct span group, struct err *err), void *ctx, struct err *err)
{
    int64_t last = 0;
    for (;;) {
        sqlite3_stmt *stmt = where ? db_query(store, err, sql, "iiii", last, where[0], where[1], where[2])
                                   : db_query(store, err, sql, "i", last);
        char text[RECORD_LINE_MAX + 1] = "";
        if (!stmt)
            return err->code;
        int rc = db_step(store, stmt, err);
        if (rc == 1) {
            last = sqlite3_column_int64(stmt, 0);
            db_text(stmt, 1, text, sizeof text);
        }
        db_end(stmt);
        if (rc <= 0)
            return rc;
        rc = each(ctx, span_str(text), err);
        if (rc)
            return rc;
    }
}

int reach_groups(struct store *store, int (*each)(void *ctx, struct span group, struct err *err), void *ctx,
                 struct err *err)
{
    return each_group(store, "SELECT word, text FROM reader WHERE is_group = 1 AND word > ? ORDER BY word LIMIT 1",
                      NULL, each, ctx, err);
}

int reach_groups_in(struct store *store, int64_t number, uint64_t first, size_t count,
                    int (*each)(void *ctx, struct span group, struct err *err), void *ctx, struct err *err)
{
    if (count == 0)
        return 0;
    const int64_t where[3] = {number, (int64_t)(first / TILE_WIDTH), (int64_t)((first + count - 1) / TILE_WIDTH)};
    return each_group(
        store,
        "SELECT word, text FROM reader WHERE is_group = 1 AND word > ?1 AND word IN (SELECT word FROM reach"
        " WHERE log = ?2 AND bundle BETWEEN ?3 AND ?4) ORDER BY word LIMIT 1",
        where, each, ctx, err);
}

int reach_is_in(struct store *store, const struct reach *reach, int64_t number, uint64_t first, size_t count, bool *ret,
                struct err *err)
{
    *ret = false;
    for (size_t i = 0; i < reach->count && count > 0 && !*ret; i++) {
        int64_t found = 0;
        int rc =
            db_int(store, &found, err,
                   "SELECT EXISTS(SELECT 1 FROM reach WHERE word = ? AND log = ? AND bundle BETWEEN ? AND ?)", "iiii",
                   reach->word[i], number, (int64_t)(first / TILE_WIDTH), (int64_t)((first + count - 1) / TILE_WIDTH));
        if (rc)
            return rc;
        *ret = found != 0;
    }
    return 0;
}

int reach_came(struct store *store, const struct reach *reach, int64_t number, int64_t reached, bool *ret,
               struct err *err)
{
    *ret = false;
    for (size_t i = 0; i < reach->count && !*ret; i++) {
        int64_t found = 0;
        int rc =
            db_int(store, &found, err, "SELECT EXISTS(SELECT 1 FROM reach WHERE word = ? AND log = ? AND came > ?)",
                   "iii", reach->word[i], number, reached);
        if (rc)
            return rc;
        *ret = found != 0;
    }
    return 0;
}

int reach_count(struct store *store, int64_t *ret, struct err *err)
{
    return db_int(store, ret, err, "SELECT reached FROM node", "");
}

/* The words as a JSON array, which SQLite takes for a table. */
static void words_text(const struct reach *reach, char out[REACH_WORDS_MAX * 21 + 3])
{
    size_t len = 0;
    out[len++] = '[';
    for (size_t i = 0; i < reach->count; i++)
        len += (size_t)snprintf(out + len, 22, "%s%lld", i ? "," : "", (long long)reach->word[i]);
    out[len++] = ']';
    out[len] = '\0';
}

/* A page of numbers first: `each` may ask the store, too. */
#define HEADS_PART 256
struct came {
    int64_t number, came;
};

static int heads_part(struct store *store, const char *words, const struct came *last, struct came *out,
                      size_t *ret_count, struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err,
                 "SELECT log, max(came) AS last FROM reach WHERE word IN (SELECT value FROM json_each(?1)) GROUP BY log"
                 " HAVING (last, log) > (?2, ?3) ORDER BY last, log LIMIT ?4",
                 "siii", words, last->came, last->number, (int64_t)HEADS_PART);
    if (!stmt)
        return err->code;
    int rc;
    size_t count = 0;
    while ((rc = db_step(store, stmt, err)) == 1 && count < HEADS_PART)
        out[count++] = (struct came){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)};
    db_end(stmt);
    *ret_count = count;
    return rc < 0 ? rc : 0;
}

int reach_heads(struct store *store, const struct reach *reach, int64_t since, int64_t reached, size_t max,
                int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx, struct reach_told *ret,
                struct err *err)
{
    char words[REACH_WORDS_MAX * 21 + 3];
    struct came part[HEADS_PART], last = {.number = INT64_MAX, .came = reached};
    size_t count = HEADS_PART, given = 0;
    int rc = 0;
    words_text(reach, words);
    while (!rc && count == HEADS_PART && given < max) {
        rc = heads_part(store, words, &last, part, &count, err);
        for (size_t i = 0; i < count && !rc && given < max; i++) {
            struct log_info log;
            last = part[i];
            rc = store_log(store, part[i].number, &log, err);
            if (rc || log.seq > since || log.size == 0)
                continue;
            rc = each(ctx, &log, err);
            given++;
        }
    }
    if (rc)
        return rc;
    ret->is_cut = given == max && max > 0;
    ret->reached = last.came; /* each log has a number of its own */
    return 0;
}

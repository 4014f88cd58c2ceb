/* Items become records: refused, known already, or added. */
#include <stdio.h>

#include "base/random.h"
#include "base/utf8.h"
#include "security/fold.h"
#include "security/import_impl.h"

#define PROGRESS_EVERY 4096 /* items */

/* ---- known already? ---- */

enum known {
    KNOWN_NOT,
    KNOWN_SAME,
    KNOWN_OLDER,
    KNOWN_WITHDRAWN,
    KNOWN_NARROWER, /* said to a narrower circle only than is asked now */
    KNOWN_CONFLICT
};

/* Twice in this run? */
static int seen_before(struct import_run *run, const struct import_item *item, enum known *ret, struct err *err)
{
    uint64_t key =
        random_hash(item->id) ^ (item->has_modified ? (uint64_t)item->modified_ms * UINT64_C(0x9E3779B97F4A7C15) : 0);
    /* What we made may differ in its notes; it is the same if it says the same value. */
    uint64_t bytes = item->generated ? random_hash(item->value) : (uint64_t)security_body_hash(item->object);
    const uint64_t *present = import_map_find(&run->seen, key);
    *ret = !present ? KNOWN_NOT : *present == bytes ? KNOWN_SAME : KNOWN_CONFLICT;
    return present ? 0 : import_map_put(&run->seen, key, bytes, err);
}

static enum known judge(struct import_run *run, const struct import_item *item, sqlite3_stmt *row)
{
    int64_t version_ms = sqlite3_column_int64(row, 1), held = sqlite3_column_int64(row, 2);
    bool withdrawn = sqlite3_column_int(row, 3) || (sqlite3_column_type(row, 4) != SQLITE_NULL &&
                                                    sqlite3_column_int64(row, 4) <= run->options->now_ms);
    if (item->has_modified && item->modified_ms > version_ms)
        return KNOWN_OLDER;
    if (item->generated)
        return withdrawn ? KNOWN_WITHDRAWN : KNOWN_SAME;
    bool older = item->has_modified && item->modified_ms < version_ms;
    return older || held == security_body_hash(item->object) ? KNOWN_SAME : KNOWN_CONFLICT;
}

/*
 * What this run added itself is in `seen`, and counts as known only there: how far it is folded already depends on the
 * machine, and the same file must give the same records on any.
 */
static int64_t known_end(const struct import_run *run)
{
    return RECORD_REF(run->options->number, run->log.size);
}

/* Which records say the same as this item: all of its id that we made, or those with its bytes; not older ones. */
static const char *const widest_sql =
    "SELECT min(record.tlp) FROM security_object JOIN record USING (ref) WHERE id_hash = ?1 AND ref >= ?2 AND "
    "ref < ?3 AND version_ms >= ?4 AND (?5 OR body_hash = ?6)";

/* What is known already: is it said as widely as is asked now? */
static int known_widely(struct import_run *run, const struct import_item *item, enum known *ret, struct err *err)
{
    int64_t number = run->options->number;
    sqlite3_stmt *row = index_statement(run->index, widest_sql, err);
    if (!row)
        return err->code;
    sqlite3_bind_int64(row, 1, index_hash(HASH_STIX_ID, item->id));
    sqlite3_bind_int64(row, 2, RECORD_REF(number, 0));
    sqlite3_bind_int64(row, 3, known_end(run));
    sqlite3_bind_int64(row, 4, item->has_modified ? item->modified_ms : INT64_MIN);
    sqlite3_bind_int(row, 5, item->generated);
    sqlite3_bind_int64(row, 6, security_body_hash(item->object));
    int rc = index_step(run->index, row, err);
    if (rc > 0 && sqlite3_column_type(row, 0) != SQLITE_NULL &&
        sqlite3_column_int64(row, 0) > (int64_t)run->options->tlp)
        *ret = KNOWN_NARROWER;
    sqlite3_reset(row);
    return rc < 0 ? rc : 0;
}

/*
 * In the log? As intel_by_id, with what became of it. All look-ups of a run share one read transaction: a lock for each
 * of a million costs more than the look-ups (measured: a quarter of all time).
 */
static int known_in_log(struct import_run *run, const struct import_item *item, int64_t *ret_ref, enum known *ret,
                        struct err *err)
{
    int64_t number = run->options->number;
    *ret = KNOWN_NOT;
    if (run->empty_log)
        return 0;
    if (!run->reading) {
        if (sqlite3_exec(index_db(run->index), "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
            return err_set(err, ERR_IO, "index: %s", sqlite3_errmsg(index_db(run->index)));
        run->reading = true;
    }
    sqlite3_stmt *row = index_statement(
        run->index,
        "SELECT ref, version_ms, body_hash, revoked, valid_until_ms, (SELECT tlp FROM record WHERE record.ref = "
        "security_object.ref) FROM security_object WHERE id_hash = ?1 AND ref >= ?2 AND ref < ?3 ORDER BY version_ms "
        "DESC, ref DESC LIMIT 1",
        err);
    if (!row)
        return err->code;
    sqlite3_bind_int64(row, 1, index_hash(HASH_STIX_ID, item->id));
    sqlite3_bind_int64(row, 2, RECORD_REF(number, 0));
    sqlite3_bind_int64(row, 3, known_end(run));
    int rc = index_step(run->index, row, err);
    bool narrower = false;
    if (rc > 0) {
        narrower = run->options->tlp != TLP_NONE && sqlite3_column_int64(row, 5) > (int64_t)run->options->tlp;
        *ret_ref = sqlite3_column_int64(row, 0);
        *ret = judge(run, item, row);
    }
    sqlite3_reset(row);
    if (rc > 0 && narrower && *ret == KNOWN_SAME)
        rc = known_widely(run, item, ret, err);
    if (rc >= 0 && *ret == KNOWN_SAME && run->options->to_count > 0) {
        bool told = true;
        rc = run_told(run, *ret_ref, &told, err);
        *ret = told ? KNOWN_SAME : KNOWN_NARROWER;
    }
    return rc < 0 ? rc : 0;
}

void run_end_reading(struct import_run *run)
{
    if (run->reading)
        sqlite3_exec(index_db(run->index), "COMMIT", NULL, NULL, NULL);
    run->reading = false;
}

/* ---- items ---- */

static int refuse(struct import_run *run, const struct import_item *item, const char *what, const char *why,
                  struct err *err)
{
    char reason[ERR_TEXT_MAX], shown[160];
    run->result->refused++;
    snprintf(reason, sizeof(reason), "%s: %s", text_escape_into(shown, sizeof(shown), item->id), why);
    return run_report(run, what, item->line, item->offset, reason, err);
}

static int refuse_narrow(struct import_run *run, const struct import_item *item, struct err *err)
{
    char why[ERR_TEXT_MAX];
    char asked[16];
    snprintf(asked, sizeof(asked), "%s", tlp_word(run->options->tlp));
    for (char *c = asked; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    snprintf(why, sizeof(why), "marked narrower than TLP:%s: %s", asked,
             item->marking_why ? item->marking_why : "its own marking");
    return refuse(run, item, "refused", why, err);
}

/* Only what we made from single values is followed through a feed: a foreign object is its author's to withdraw. */
static bool follows_feed(const struct import_run *run, const struct import_item *item)
{
    return run->options->feed && item->generated && span_is(item->type, "indicator");
}

/*
 * The log says it already. If a feed made that record, this feed holds it up as well; if a person did, no feed may
 * mark it as vanished later.
 */
static int share_record(struct import_run *run, int64_t key, int64_t ref, struct err *err)
{
    bool held;
    int rc = run_held_elsewhere(run, key, &held, err);
    return rc == 0 && held ? run_note(run, key, ref, err) : rc;
}

static int add_item(struct import_run *run, const struct import_item *item, struct span object, int64_t feed_key,
                    bool update, struct err *err)
{
    enum tlp tlp = run->options->tlp == TLP_NONE ? item->marking : run->options->tlp;
    int rc = run_add(run, object, tlp, feed_key, false, err);
    run->result->added += rc == 0;
    run->result->updated += rc == 0 && update;
    return rc;
}

/*
 * It is back, or was revoked and is reported again: a new version of the old object, whose `created` stays. What a
 * narrower circle was told is not passed on: then a version of what is reported now.
 */
static int add_again(struct import_run *run, const struct import_item *item, int64_t ref, int64_t feed_key,
                     struct err *err)
{
    struct span object;
    enum tlp tlp;
    struct err why;
    int rc = run_read_back(run, ref, &object, &tlp, &why);
    if (rc == 0)
        rc = run_revise(run, run->options->tlp != TLP_NONE && tlp > run->options->tlp ? item->object : object, false,
                        &why);
    if (rc == 0)
        return add_item(run, item, buf_view(&run->revised), feed_key, true, err);
    if (rc == ERR_IO || rc == ERR_MEMORY) {
        *err = why;
        return rc;
    }
    run->result->duplicates++;
    return 0;
}

/* What the feed's memory says of it, before the index is asked. */
static int take_feed_item(struct import_run *run, const struct import_item *item, int64_t key, bool *ret_done,
                          struct err *err)
{
    uint64_t *at_last_fetch = import_map_find(&run->feed, (uint64_t)key);
    int64_t ref = at_last_fetch ? (int64_t)*at_last_fetch : 0;
    *ret_done = true;
    if (!at_last_fetch) {
        *ret_done = false;
        return import_map_put(&run->feed, (uint64_t)key, 0, err);
    }
    *at_last_fetch = 0;
    if (ref < 0)
        return add_again(run, item, -ref, key, err);
    *ret_done = ref > 0 && !item->has_modified;
    run->result->duplicates += *ret_done;
    return 0;
}

static int take_known(struct import_run *run, const struct import_item *item, enum known known, int64_t ref,
                      int64_t feed_key, struct err *err)
{
    switch (known) {
    case KNOWN_NOT:
    case KNOWN_OLDER:
    case KNOWN_NARROWER:
        return add_item(run, item, item->object, feed_key, known != KNOWN_NOT, err);
    case KNOWN_WITHDRAWN:
        return add_again(run, item, ref, feed_key, err);
    case KNOWN_SAME:
        run->result->duplicates++;
        return feed_key ? share_record(run, feed_key, ref, err) : 0;
    case KNOWN_CONFLICT:
        break;
    }
    return refuse(run, item, "conflict", "the log holds another object under this id and version", err);
}

int run_item(void *ctx, const struct import_item *item, struct err *err)
{
    struct import_run *run = ctx;
    enum known known;
    int64_t ref = 0, feed_key = 0;
    bool done = false;
    if (++run->result->items - run->last_progress >= PROGRESS_EVERY && run->options->progress) {
        run->last_progress = run->result->items;
        run->options->progress(run->options->ctx, run->result->bytes, run->result->added);
    }
    if (run->options->tlp != TLP_NONE && item->marking > run->options->tlp)
        return refuse_narrow(run, item, err);
    int rc = seen_before(run, item, &known, err);
    if (rc < 0)
        return rc;
    if (known == KNOWN_SAME) {
        run->result->duplicates++;
        return 0;
    }
    if (known == KNOWN_CONFLICT)
        return refuse(run, item, "conflict", "the same file holds another object under this id and version", err);
    if (follows_feed(run, item)) {
        feed_key = index_hash(HASH_STIX_ID, item->id);
        rc = take_feed_item(run, item, feed_key, &done, err);
    }
    if (rc == 0 && !done)
        rc = known_in_log(run, item, &ref, &known, err);
    return rc < 0 || done ? rc : take_known(run, item, known, ref, feed_key, err);
}

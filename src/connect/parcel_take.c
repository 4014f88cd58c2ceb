/* Receiving parcels: what is encrypted to members that live here is kept as if it had come by itself. */
#include "connect/parcels.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "connect/entering.h"
#include "connect/sync_internal.h"
#include "record/audience.h"
#include "state/decrypt.h"
#include "state/mirror.h"

#define RECORD_ARENA_MAX (1u << 20)     /* bytes: header lines of one record */
#define CLOCK_SKEW_MS INT64_C(86400000) /* an author's clock may be ahead of ours */
#define TELL_ITEMS_MAX 8                /* lines about one parcel */

static void counts_sum(struct parcel_counts *sum, const struct parcel_counts *more)
{
    sum->opened += more->opened;
    sum->kept += more->kept;
    sum->refused += more->refused;
    sum->expired += more->expired;
}

/* ---- one parcel ---- */

/* A parcel that is being looked at, and what is kept of it. */
struct taking {
    struct store *store;
    struct index *index;
    const struct parcel_options *options;
    const struct decrypter *decrypter;
    struct view view;
    struct log_info log;
    uint64_t index_of_parcel;
    struct arena arena;
    struct buf item, plain, entry, words;
    char (*members)[ORIGIN_MAX + 1]; /* that live here */
    size_t member_count;
    uint64_t audience; /* which was asked last, with the answer; of this parcel's log */
    bool has_audience, is_for_us;
    struct payload_new *keep;
    size_t keep_count;
    uint64_t *listed; /* of an opened one of our own: which entries are in it */
    size_t listed_count;
    enum parcel_state state;
    bool was_opened;  /* before, with other keys or under another policy */
    bool turned_away; /* policy has not let something of it in, or it was for a group of which nobody here is */
    int64_t judged;   /* the keys, and by what it is judged what may come in */
    struct parcel_counts counts;
    size_t told;
};

static bool is_ours(int code)
{
    return code == ERR_IO || code == ERR_MEMORY || code == ERR_STATE;
}

static void tell(struct taking *t, const char *what)
{
    char line[ERR_TEXT_MAX + 2 * ORIGIN_MAX];
    if (!t->options->tell || t->told++ >= TELL_ITEMS_MAX)
        return;
    snprintf(line, sizeof line, "parcel %s/%llu: %s", t->log.origin, (unsigned long long)t->index_of_parcel, what);
    t->options->tell(t->options->ctx, line);
}

/* Which records are for the same: a batch is said to one audience, and asking for each is dear where many live. */
static uint64_t audience_hash(struct buf *words, const struct record *record)
{
    buf_clear(words);
    buf_byte(words, (uint8_t)record->tlp);
    for (size_t i = 0; i < record->to_count; i++) {
        buf_span(words, record->to[i]);
        buf_byte(words, '\n');
        if (audience_is_group(record->to[i])) /* who came into it later is another */
            buf_add(words, &record->time_ms, sizeof(record->time_ms));
    }
    return random_hash(buf_view(words));
}

/* Is it for a member that lives here? */
static int find_reader(struct taking *t, const struct record *record, bool *ret, struct err *err)
{
    uint64_t hash = audience_hash(&t->words, record);
    int rc = 0;
    if (t->has_audience && hash == t->audience) {
        *ret = t->is_for_us;
        return 0;
    }
    *ret = false;
    for (size_t i = 0; i < t->member_count && !rc && !*ret; i++) {
        enum audience_verdict verdict;
        rc = view_audience(&t->view, span_str(t->members[i]), t->options->now_ms, span_str(t->log.origin), record,
                           &verdict, err);
        *ret = rc == 0 && audience_is_in(verdict);
    }
    t->has_audience = rc == 0;
    t->audience = hash;
    t->is_for_us = *ret;
    return rc;
}

/*
 * May this content be kept? ERR_VERIFY, ERR_SYNTAX, ERR_REFUSED with the reason, which tells nothing of what it says.
 * *ret_keep false without an error: it is here already, or this log's mode does not keep it.
 */
static int item_judge(struct taking *t, const struct parcel_item *item, bool *ret_keep, struct err *err)
{
    unsigned flags = 0;
    struct record record;
    struct err unread = {0};
    bool is_for_us = false;
    *ret_keep = false;
    int rc = payload_flags(t->store, t->log.number, item->index, &flags, err);
    if (rc)
        return rc;
    if (flags & SLOT_ERASED)
        return err_set(err, ERR_REFUSED, "was withdrawn");
    t->turned_away |= (flags & SLOT_REFUSED) != 0;
    if (flags & (SLOT_HELD | SLOT_REFUSED) || item->index < payloads_start(&t->log))
        return 0;
    buf_clear(&t->entry);
    rc = store_read_entry(t->store, t->log.number, item->index, &t->entry, err);
    if (!rc)
        rc = seal_check(span_str(t->log.origin), buf_view(&t->entry), item->salt, item->payload, err);
    if (rc)
        return rc;
    arena_clear(&t->arena);
    if (record_parse(item->payload, &t->arena, &record, &unread) != 0) /* whose words would quote it */
        return unread.code == ERR_MEMORY ? err_memory(err) : err_set(err, ERR_SYNTAX, "is no record");
    if (record.tlp == TLP_CLEAR)
        return err_set(err, ERR_REFUSED, "is for everybody: a parcel is for what is not");
    rc = find_reader(t, &record, &is_for_us, err);
    for (size_t i = 0; i < record.to_count && !is_for_us; i++)
        t->turned_away |= audience_is_group(record.to[i]); /* its list may still be to come */
    if (!rc && !is_for_us)
        rc = err_set(err, ERR_REFUSED, "does not name a member that lives here");
    *ret_keep = !rc;
    return rc;
}

static int take_item(struct taking *t, const struct parcel_item *item, struct err *err)
{
    bool keep;
    char text[ERR_TEXT_MAX + 64];
    struct err refused = {0};
    int rc = item_judge(t, item, &keep, &refused);
    if (is_ours(rc)) {
        *err = refused;
        return rc;
    }
    if (t->log.role == LOG_OWN) /* to be withdrawn with it */
        t->listed[t->listed_count++] = item->index;
    if (keep)
        t->keep[t->keep_count++] = (struct payload_new){item->index, item->salt, item->payload, false, false};
    if (rc && !t->was_opened) {
        t->counts.refused++;
        snprintf(text, sizeof text, "entry %llu refused: %s", (unsigned long long)item->index, refused.text);
        tell(t, text);
    }
    return 0;
}

static int take_contents(struct taking *t, struct err *err)
{
    struct parcel_reader reader;
    struct parcel_item item;
    struct err wrong = {0};
    int more = 1;
    int rc = parcel_open(buf_view(&t->plain), span_str(t->log.origin), t->index_of_parcel, &reader, &wrong);
    while (rc == 0 && more > 0) {
        more = parcel_next(&reader, &item, &wrong);
        if (more > 0 && (rc = take_item(t, &item, err)) != 0)
            return rc;
    }
    if (rc == 0 && more == 0) {
        t->state = PARCEL_OPENED;
        t->counts.opened += !t->was_opened;
        return 0;
    }
    /* Nothing of one that is out of form. */
    t->state = PARCEL_REFUSED;
    t->keep_count = t->listed_count = 0;
    t->counts.refused++;
    tell(t, wrong.text);
    return 0;
}

/* Its text out of the store, decrypted. */
static int decrypt(struct taking *t, struct err *err)
{
    struct record record;
    struct parcel parcel;
    struct err closed = {0};
    buf_clear(&t->item);
    arena_clear(&t->arena);
    int rc = payload_read(t->store, t->log.number, t->index_of_parcel, &t->item, NULL, &closed);
    if (!rc)
        rc = record_parse(span_sub(buf_view(&t->item), 4 + SEAL_SALT, SIZE_MAX), &t->arena, &record, &closed);
    if (!rc)
        rc = parcel_parse(&record, &parcel, &closed);
    if (!rc)
        rc = decrypter_age(t->decrypter, parcel.age, &t->plain, &closed);
    if (is_ours(rc)) {
        *err = closed;
        return rc;
    }
    t->state = rc == ERR_NOTFOUND ? PARCEL_NOT_OURS : PARCEL_REFUSED;
    if (rc && rc != ERR_NOTFOUND) {
        t->counts.refused++;
        tell(t, closed.text);
    }
    return rc ? 0 : take_contents(t, err);
}

/* Policy is asked as about all that comes: what it turns away is not kept. */
static int ask_policy(struct taking *t, struct err *err)
{
    struct entering entering;
    size_t count = 0;
    int rc = entering_begin(&entering, t->store, t->options->now_ms, err);
    for (size_t i = 0; i < t->keep_count && !rc; i++) {
        struct payload_new item = t->keep[i];
        struct record record;
        bool is_in = false;
        arena_clear(&t->arena);
        rc = record_parse(item.payload, &t->arena, &record, err);
        if (!rc)
            rc = entering_judge(&entering, &t->log, &record, &item, &is_in, err);
        t->turned_away |= !is_in;
        if (is_in)
            t->keep[count++] = item;
    }
    t->keep_count = count;
    return rc;
}

/* What is kept, durable before the parcel counts as tried. */
static int keep(struct taking *t, struct err *err)
{
    size_t kept = 0;
    if (t->keep_count == 0 && t->counts.opened == 0 && t->counts.refused == 0)
        return 0;
    int rc = store_begin(t->store, err);
    if (rc)
        return rc;
    rc = ask_policy(t, err);
    if (!rc)
        rc = payload_put_many(t->store, t->log.number, t->keep, t->keep_count, &kept, err);
    t->counts.kept = kept;
    if (!rc)
        rc = parcel_counts_add(t->store, &t->counts, err);
    if (!rc)
        return store_commit(t->store, err);
    store_rollback(t->store);
    return rc;
}

static int mark_tried(struct taking *t, int64_t ref, struct err *err)
{
    sqlite3_stmt *update = index_statement(
        t->index, "UPDATE connect_parcel SET arrival_keys = ?2, arrival_state = ?3 WHERE ref = ?1", err);
    if (!update)
        return err->code;
    sqlite3_bind_int64(update, 1, ref);
    sqlite3_bind_int64(update, 2, t->turned_away ? t->judged : decrypter_mark(t->decrypter));
    sqlite3_bind_int(update, 3, (int)t->state);
    return index_run(t->index, update, err);
}

/* That the parcel at `ref`, if the index still knows it, carries this entry. */
static int list_item(struct taking *t, int64_t ref, uint64_t entry, struct err *err)
{
    sqlite3_stmt *insert = index_statement(t->index,
                                           "INSERT OR IGNORE INTO connect_parcel_item(arrival_item, arrival_parcel) "
                                           "SELECT ?1, ref FROM connect_parcel WHERE ref = ?2",
                                           err);
    if (!insert)
        return err->code;
    sqlite3_bind_int64(insert, 1, RECORD_REF(t->log.number, entry));
    sqlite3_bind_int64(insert, 2, ref);
    return index_run(t->index, insert, err);
}

static int index_says(struct index *index, const char *sql, struct err *err)
{
    sqlite3 *db = index_db(index);
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : err_set(err, ERR_IO, "index: %s: %s", sql, sqlite3_errmsg(db));
}

/* The index remembers what came of it, and what was in it. */
static int remember(struct taking *t, struct err *err)
{
    int64_t ref = RECORD_REF(t->log.number, t->index_of_parcel);
    int rc = index_says(t->index, "BEGIN IMMEDIATE", err);
    if (rc)
        return rc;
    rc = mark_tried(t, ref, err);
    for (size_t i = 0; i < t->listed_count && !rc; i++)
        rc = list_item(t, ref, t->listed[i], err);
    struct err undone;
    if (rc)
        (void)index_says(t->index, "ROLLBACK", &undone);
    return rc ? rc : index_says(t->index, "COMMIT", err);
}

static int add_member(void *ctx, const struct log_info *log, struct err *err)
{
    struct taking *t = ctx;
    if (log->role != LOG_OWN)
        return 0;
    void *grown = realloc(t->members, (t->member_count + 1) * sizeof *t->members);
    if (!grown)
        return err_memory(err);
    t->members = grown;
    snprintf(t->members[t->member_count++], sizeof *t->members, "%s", log->origin);
    return 0;
}

static int taking_init(struct taking *t, struct err *err)
{
    arena_init(&t->arena, RECORD_ARENA_MAX);
    buf_init(&t->item, PAYLOAD_MAX + 64);
    buf_init(&t->plain, PAYLOAD_MAX);
    buf_init(&t->entry, ENTRY_MAX);
    buf_init(&t->words, 2 * RECORD_HEADER_MAX);
    t->keep = calloc(PARCEL_ITEMS_MAX, sizeof *t->keep);
    t->listed = calloc(PARCEL_ITEMS_MAX, sizeof *t->listed);
    if (!t->keep || !t->listed)
        return err_memory(err);
    int rc = store_logs(t->store, add_member, t, err);
    return rc ? rc
              : view_open(t->store, t->index, (struct viewer){.class = VIEWER_OPERATOR}, OUTLET_CLI_LOG, &t->view, err);
}

static void taking_done(struct taking *t)
{
    if (t->plain.data)
        sodium_memzero(t->plain.data, t->plain.cap);
    arena_done(&t->arena);
    buf_done(&t->item);
    buf_done(&t->plain);
    buf_done(&t->entry);
    buf_done(&t->words);
    free(t->members);
    free(t->keep);
    free(t->listed);
}

static int take_one(struct taking *t, int64_t ref, struct err *err)
{
    t->index_of_parcel = RECORD_REF_INDEX(ref);
    t->keep_count = t->listed_count = t->told = 0;
    t->turned_away = false;
    t->counts = (struct parcel_counts){0};
    t->has_audience = false;
    buf_clear(&t->plain);
    int rc = store_log(t->store, RECORD_REF_LOG(ref), &t->log, err);
    if (!rc)
        rc = decrypt(t, err);
    if (!rc)
        rc = keep(t, err);
    if (!rc)
        rc = remember(t, err);
    return rc ? err_in(err, "parcel %s/%llu", t->log.origin, (unsigned long long)t->index_of_parcel) : 0;
}

/* ---- those that wait ---- */

/* One that was not tried with these keys, behind `after`, or of which another policy turned something away: 1, or 0. */
static int next_untried(struct taking *t, int64_t after, int64_t *ret, struct err *err)
{
    sqlite3_stmt *select =
        index_statement(t->index,
                        "SELECT ref, arrival_state, arrival_keys FROM connect_parcel WHERE ref > ?1 AND "
                        "arrival_keys NOT IN (?2, ?5) AND expires_ms > ?3"
                        " AND expires_ms <= ?4 ORDER BY ref LIMIT 1",
                        err);
    if (!select)
        return err->code;
    sqlite3_bind_int64(select, 1, after);
    sqlite3_bind_int64(select, 2, decrypter_mark(t->decrypter));
    sqlite3_bind_int64(select, 3, t->options->now_ms);
    sqlite3_bind_int64(select, 4, t->options->now_ms + PARCEL_LIFE_MAX_MS + CLOCK_SKEW_MS);
    sqlite3_bind_int64(select, 5, t->judged);
    int rc = index_step(t->index, select, err);
    if (rc > 0) {
        *ret = sqlite3_column_int64(select, 0);
        t->was_opened = sqlite3_column_int(select, 1) == PARCEL_OPENED && sqlite3_column_int64(select, 2) != 0;
    }
    sqlite3_reset(select);
    return rc;
}

/* What turned something away may let it in once the policy, or a person's word, is another: then it is tried again. */
static int find_judged(struct taking *t, struct err *err)
{
    uint64_t judged = 0;
    int rc = entering_judged_by(t->store, &judged, err);
    struct span all = {0};
    judged = (judged ^ view_audience_mark(&(struct view){.store = t->store, .index = t->index}, all)) *
             UINT64_C(0x9e3779b97f4a7c15);
    t->judged = (int64_t)((uint64_t)decrypter_mark(t->decrypter) ^ judged);
    return rc;
}

static int take_all(struct store *store, struct index *index, const struct parcel_options *options,
                    const struct decrypter *decrypter, struct parcel_counts *done, struct err *err)
{
    struct taking t = {.store = store, .index = index, .options = options, .decrypter = decrypter};
    int64_t ref = 0;
    bool begun = false;
    int rc = find_judged(&t, err);
    for (size_t i = 0; !rc && (options->max == 0 || i < options->max); i++) {
        int found = next_untried(&t, ref, &ref, err);
        if (found <= 0) {
            rc = found;
            break;
        }
        if (!begun)
            rc = taking_init(&t, err);
        begun = true;
        if (!rc)
            rc = take_one(&t, ref, err);
        done->looked_at++;
        counts_sum(done, &t.counts);
    }
    if (begun)
        taking_done(&t);
    return rc;
}

int parcels_tend(struct store *store, struct index *index, const struct parcel_options *options,
                 struct parcel_counts *ret_done, struct err *err)
{
    struct decrypter *decrypter;
    *ret_done = (struct parcel_counts){0};
    int rc = parcels_expire(store, index, options->now_ms, &ret_done->expired, err);
    if (rc)
        return rc;
    sqlite3_stmt *any = index_statement(index, "SELECT 1 FROM connect_parcel LIMIT 1", err);
    if (!any)
        return err->code;
    rc = index_step(index, any, err);
    sqlite3_reset(any);
    if (rc <= 0) /* whoever gets none reads no key */
        return rc;
    rc = decrypter_open(store, &decrypter, err);
    if (rc)
        return rc;
    rc = take_all(store, index, options, decrypter, ret_done, err);
    decrypter_close(decrypter);
    return rc;
}

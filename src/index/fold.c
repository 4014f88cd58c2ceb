/* Following the store: which logs have something new, and folding it in batches. */
#include "index/index.h"

#include <stdlib.h>

#include "index/fold_record.h"
#include "index/internal.h"

/*
 * A batch is one commit: long enough that its sorted rows share pages (a million indicators took 7.2 s of processor
 * time in batches of 131,072, 10.1 s in batches of 16,384), short enough that another process waits a second or two
 * for its turn. Keys are spread over the whole tables, so a batch writes nearly all their pages once they are large: it
 * grows with what is folded already, to BATCH_GROWN records (170 MB of memory).
 */
#define BATCH_RECORDS 131072
#define BATCH_GROWN (8 * BATCH_RECORDS)
#define BATCH_PART 4             /* of what is folded already: a batch is about that part of it */
#define BATCH_BYTES (512u << 20) /* of records */
#define CHUNK_ENTRIES 1024       /* read from the store at a time */

struct log_numbers {
    int64_t *number;
    size_t count, cap;
};

static int begin_batch(struct folder *f, struct err *err)
{
    if (f->in_batch)
        return 0;
    int rc = index_begin(f->index, err);
    if (rc < 0)
        return rc;
    f->in_batch = true;
    f->batch_records = f->batch_bytes = 0;
    folder_reset(f);
    return 0;
}

static int end_batch(struct folder *f, struct err *err)
{
    if (!f->in_batch)
        return 0;
    int rc = folder_flush(f, err);
    if (rc == 0) {
        f->in_batch = false;
        rc = index_commit(f->index, err);
    }
    folder_reset(f);
    return rc;
}

static bool batch_is_full(const struct folder *f)
{
    return f->batch_records >= f->batch_max || f->batch_bytes >= BATCH_BYTES;
}

static bool may_go_on(const struct folder *f)
{
    return f->max == 0 || f->looked < f->max;
}

static size_t chunk_size(const struct folder *f, uint64_t left)
{
    uint64_t n = left < CHUNK_ENTRIES ? left : CHUNK_ENTRIES;
    if (f->max > 0 && f->max - f->looked < n)
        n = f->max - f->looked;
    return (size_t)n;
}

/* ---- payloads as the store gives them ---- */

/* Payload items of entries [first, first + count), read in as many steps as their sizes need. */
struct payload_window {
    uint64_t next, end; /* entries not read yet */
    struct payload_reader reader;
    size_t have;
};

static int window_next(struct folder *f, struct payload_window *window, struct payload_item *ret, struct err *err)
{
    int rc;
    if (window->have == 0) {
        buf_clear(&f->payloads);
        rc = payload_read_bundle(f->store, f->log.number, window->next, (size_t)(window->end - window->next), false,
                                 &f->payloads, &window->have, err);
        if (rc < 0)
            return rc;
        if (window->have == 0)
            return err_set(err, ERR_IO, "entry %llu: the store gave no payloads", (unsigned long long)window->next);
        window->next += window->have;
        window->reader = (struct payload_reader){.bundle = buf_view(&f->payloads)};
    }
    window->have--;
    if ((rc = payload_next(&window->reader, ret, err)) == 0)
        return err_set(err, ERR_IO, "the store gave fewer payloads than it said");
    return rc < 0 ? rc : 0;
}

/* ---- entries that are new ---- */

/* The present run of entries without payload, written when it ends. */
struct run {
    uint64_t first, count;
};

static int run_end(struct folder *f, struct run *run, struct err *err)
{
    if (run->count == 0)
        return 0;
    uint64_t last = run->first + run->count - 1;
    run->count = 0;
    return missing_append(f->index, f->log.number, run->first, last, err);
}

/* What a disk has changed is as good as not held: `verify` names it. */
static bool fits_seal(const struct folder *f, struct span entry, const struct payload_item *item)
{
    struct err damaged;
    return seal_check(span_str(f->log.origin), entry, item->salt, item->payload, &damaged) == 0;
}

static int fold_entry(struct folder *f, uint64_t at, struct span entry, const struct payload_item *item,
                      struct run *run, struct err *err)
{
    enum entry_class class = entry_classify(entry);
    if (class == ENTRY_SEAL && (item->hole || !fits_seal(f, entry, item))) {
        if (run->count == 0)
            run->first = at;
        run->count++;
        return 0;
    }
    int rc = run_end(f, run, err);
    if (rc < 0)
        return rc;
    if (class != ENTRY_SEAL)
        return folder_take(f, at, class, entry, err);
    f->cursor.payloads++;
    return folder_take(f, at, class, item->payload, err);
}

/* Entries [cursor, cursor + count). */
static int fold_chunk(struct folder *f, size_t count, struct err *err)
{
    uint64_t first = f->cursor.entries;
    buf_clear(&f->entries);
    int rc = store_read_entries(f->store, f->log.number, first, count, &f->entries, err);
    struct bundle_reader reader = {.bundle = buf_view(&f->entries)};
    struct payload_window window = {.next = first, .end = first + count};
    struct run run = {0};
    for (uint64_t at = first; rc == 0 && at < first + count; at++) {
        struct span entry = {0};
        struct payload_item item = {.hole = true};
        if ((rc = bundle_next(&reader, &entry, err)) <= 0)
            return rc < 0 ? rc : err_set(err, ERR_IO, "the store gave fewer entries than asked for");
        if ((rc = window_next(f, &window, &item, err)) == 0)
            rc = fold_entry(f, at, entry, &item, &run, err);
        if (rc < 0)
            err_in(err, "entry %llu", (unsigned long long)at);
    }
    if (rc == 0)
        rc = run_end(f, &run, err);
    if (rc == 0) {
        f->cursor.entries += count;
        f->looked += count;
        f->batch_records += count;
    }
    return rc;
}

/* ---- payloads that came late ---- */

static int late_one(struct folder *f, struct missing_run *rest, uint64_t at, struct span text, struct err *err)
{
    bool erased = false;
    int rc = missing_remove(f->index, f->log.number, rest, at, at, err);
    rest->first = at + 1;
    if (rc == 0 && (rc = folder_is_erased(f, at, &erased, err)) == 0 && !erased)
        rc = folder_take(f, at, ENTRY_SEAL, text, err);
    f->cursor.payloads += rc == 0 && !erased;
    if (rc == 0) {
        f->batch_records++;
        f->looked++;
    }
    return rc;
}

/* The entry at `at` of [first, first + count): all of them are read when the first is asked for, since mostly none is. */
static int late_entry(struct folder *f, struct bundle_reader *reader, uint64_t *next, uint64_t at, uint64_t end,
                      struct span *ret, struct err *err)
{
    int rc = 0;
    if (!reader->bundle.data) {
        buf_clear(&f->entries);
        rc = store_read_entries(f->store, f->log.number, at, (size_t)(end - at), &f->entries, err);
        *reader = (struct bundle_reader){.bundle = buf_view(&f->entries)};
        *next = at;
    }
    for (; rc == 0 && *next <= at; ++*next)
        if ((rc = bundle_next(reader, ret, err)) == 0)
            return err_set(err, ERR_IO, "the store gave fewer entries than asked for");
        else if (rc > 0)
            rc = 0;
    return rc;
}

static int fold_late(struct folder *f, const struct missing_run *run, uint64_t first, size_t count, struct err *err)
{
    struct payload_window window = {.next = first, .end = first + count};
    struct missing_run rest = *run;
    struct bundle_reader reader = {0};
    uint64_t next = first;
    int rc = 0;
    for (uint64_t at = first; rc == 0 && at < first + count; at++) {
        struct span entry;
        struct payload_item item;
        rc = window_next(f, &window, &item, err);
        if (rc == 0 && item.hole)
            continue;
        if (rc == 0)
            rc = late_entry(f, &reader, &next, at, first + count, &entry, err);
        if (rc == 0 && fits_seal(f, entry, &item))
            rc = late_one(f, &rest, at, item.payload, err);
        if (rc < 0)
            err_in(err, "entry %llu", (unsigned long long)at);
    }
    return rc;
}

/* Look through the missing ones from *from on, a chunk a call; *from is UINT64_MAX when all have been looked at. */
static int scan_missing(struct folder *f, uint64_t *from, struct err *err)
{
    struct missing_run run = {0};
    int rc = missing_next(f->index, f->log.number, *from, &run, err);
    if (rc <= 0) {
        *from = UINT64_MAX;
        return rc;
    }
    uint64_t first = run.first > *from ? run.first : *from;
    uint64_t left = run.last - first + 1;
    size_t count = left < CHUNK_ENTRIES ? (size_t)left : CHUNK_ENTRIES;
    *from = first + count;
    return fold_late(f, &run, first, count, err);
}

/* ---- one log ---- */

static int load_log(struct folder *f, int64_t number, struct err *err)
{
    int rc = store_log(f->store, number, &f->log, err);
    return rc < 0 ? rc : cursor_get(f->index, number, &f->cursor, err);
}

static int next_batch(struct folder *f, int64_t number, struct err *err)
{
    int rc = batch_is_full(f) ? end_batch(f, err) : 0;
    if (rc == 0 && !f->in_batch && (rc = begin_batch(f, err)) == 0)
        rc = load_log(f, number, err); /* another process may have folded meanwhile */
    return rc;
}

/* More was taken in than the store holds now, when all that it has was looked at. */
static int drop_what_went(struct folder *f, int64_t number, struct err *err)
{
    bool more = f->cursor.payloads > f->log.payloads;
    int rc = 0;
    while (rc == 0 && more) {
        rc = folder_drop(f, &more, err);
        if (rc == 0 && (rc = cursor_put(f->index, number, &f->cursor, err)) == 0)
            rc = next_batch(f, number, err);
    }
    return rc;
}

static int fold_log(struct folder *f, int64_t number, struct err *err)
{
    int rc = begin_batch(f, err);
    if (rc == 0)
        rc = load_log(f, number, err);
    while (rc == 0 && f->cursor.entries > fold_end(&f->log)) {
        rc = folder_cut(f, fold_end(&f->log), err);
        if (rc == 0 && (rc = cursor_put(f->index, number, &f->cursor, err)) == 0)
            rc = next_batch(f, number, err);
    }
    while (rc == 0 && f->cursor.entries < fold_end(&f->log) && may_go_on(f)) {
        rc = fold_chunk(f, chunk_size(f, fold_end(&f->log) - f->cursor.entries), err);
        if (rc == 0 && (rc = cursor_put(f->index, number, &f->cursor, err)) == 0)
            rc = next_batch(f, number, err);
    }
    uint64_t arrived = f->log.arrived, from = 0;
    if (rc < 0 || f->cursor.entries < fold_end(&f->log))
        return rc;
    if (f->cursor.arrived == arrived)
        return drop_what_went(f, number, err);
    while (rc == 0 && from < UINT64_MAX && may_go_on(f)) {
        rc = scan_missing(f, &from, err);
        if (rc == 0 && (rc = cursor_put(f->index, number, &f->cursor, err)) == 0)
            rc = next_batch(f, number, err);
    }
    if (rc < 0 || from < UINT64_MAX)
        return rc;
    f->cursor.arrived = arrived;
    rc = cursor_put(f->index, number, &f->cursor, err);
    return rc < 0 ? rc : drop_what_went(f, number, err);
}

/* ---- all logs ---- */

struct changed {
    struct index *index;
    struct log_numbers *list;
    uint64_t behind, folded;
};

static int add_number(struct log_numbers *list, int64_t number, struct err *err)
{
    if (list->count == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 64;
        int64_t *grown = realloc(list->number, cap * sizeof(*grown));
        if (!grown)
            return err_memory(err);
        list->number = grown;
        list->cap = cap;
    }
    list->number[list->count++] = number;
    return 0;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* By comparing sizes and arrivals, not by seq: a payload that is not CLEAR arrives without a new seq. */
static int look_at_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct changed *changed = ctx;
    struct cursor cursor;
    int rc = cursor_get(changed->index, log->number, &cursor, err);
    if (rc < 0)
        return rc;
    uint64_t entries = distance(fold_end(log), cursor.entries);
    changed->folded += cursor.entries;
    if (cursor_is_at(&cursor, log, fold_end(log)) && cursor.payloads <= log->payloads)
        return 0;
    changed->behind += entries > 0 ? entries : cursor.arrived < log->arrived ? log->arrived - cursor.arrived : 1;
    return changed->list ? add_number(changed->list, log->number, err) : 0;
}

int index_behind(struct index *index, struct store *store, uint64_t *ret, struct err *err)
{
    struct changed changed = {.index = index};
    int rc = store_logs(store, look_at_log, &changed, err);
    *ret = changed.behind;
    return rc;
}

/* The store's generation as a number: a restored store may give other logs the numbers that the index knows. */
static int store_generation(struct store *store, int64_t *ret, struct err *err)
{
    char text[17];
    int64_t seq;
    int rc = store_seq(store, &seq, text, err);
    *ret = rc == 0 ? (int64_t)(strtoull(text, NULL, 16) >> 1) : 0;
    return rc;
}

static int known_generation(struct index *index, int64_t *ret, struct err *err)
{
    return index_counter(index, "generation", 0, ret, err);
}

static int set_generation(struct index *index, int64_t generation, struct err *err)
{
    sqlite3_stmt *statement =
        index_statement(index, "INSERT OR REPLACE INTO meta(name, value) VALUES('generation', ?1)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, generation);
    return index_run(index, statement, err);
}

/* Rows of another generation of the store mean nothing. */
static int follow_generation(struct index *index, struct store *store, struct err *err)
{
    int64_t generation = 0, known = 0;
    int rc = store_generation(store, &generation, err);
    if (rc == 0)
        rc = known_generation(index, &known, err);
    if (rc < 0 || known == generation)
        return rc;
    if ((rc = index_spill(index, true, err)) < 0 || (rc = index_begin(index, err)) < 0)
        return rc;
    rc = known_generation(index, &known, err);
    if (rc == 0 && known != generation) {
        rc = index_empty(index, err);
        if (rc == 0)
            rc = set_generation(index, generation, err);
    }
    if (rc < 0) {
        index_rollback(index);
        return rc;
    }
    rc = index_commit(index, err);
    return rc < 0 ? rc : index_spill(index, false, err);
}

static uint64_t batch_size(uint64_t folded)
{
    uint64_t part = folded / BATCH_PART;
    return part < BATCH_RECORDS ? BATCH_RECORDS : part > BATCH_GROWN ? BATCH_GROWN : part;
}

int index_update(struct index *index, struct store *store, uint64_t max_records, uint64_t *ret_folded, struct err *err)
{
    struct log_numbers list = {0};
    struct changed changed = {.index = index, .list = &list};
    struct folder folder;
    folder_init(&folder, index, store, max_records);
    int rc = index_refresh(index, err);
    if (rc == 0)
        rc = follow_generation(index, store, err);
    if (rc == 0)
        rc = store_logs(store, look_at_log, &changed, err);
    folder.batch_max = batch_size(changed.folded);
    if (max_records == INDEX_ONE_BATCH)
        folder.max = folder.batch_max;
    for (size_t i = 0; rc == 0 && i < list.count && may_go_on(&folder); i++)
        if ((rc = fold_log(&folder, list.number[i], err)) < 0)
            err_in(err, "fold log %s", folder.log.origin);
    if (rc == 0)
        rc = end_batch(&folder, err);
    if (rc < 0)
        index_rollback(index);
    if (ret_folded)
        *ret_folded = folder.looked;
    folder_done(&folder);
    free(list.number);
    return rc;
}

int index_restart(struct index *index, struct err *err)
{
    struct err first;
    int rc = index_refresh(index, &first);
    if (rc == 0 && (rc = index_spill(index, true, &first)) == 0 && (rc = index_begin(index, &first)) == 0) {
        if ((rc = index_empty(index, &first)) == 0)
            rc = index_commit(index, &first);
        else
            index_rollback(index);
    }
    if (rc == 0)
        rc = index_spill(index, false, &first);
    if (rc == ERR_IO)
        rc = index_replace(index, &first);
    if (rc < 0)
        *err = first;
    return rc < 0 ? rc : 0;
}

int index_rebuild(struct index *index, struct store *store, struct err *err)
{
    int rc = index_restart(index, err);
    return rc < 0 ? rc : index_update(index, store, 0, NULL, err);
}

int index_forget(struct index *index, int64_t ref, struct err *err)
{
    struct folder folder;
    folder_init(&folder, index, NULL, 0);
    folder.log.number = RECORD_REF_LOG(ref);
    int rc = begin_batch(&folder, err);
    if (rc == 0)
        rc = cursor_get(index, folder.log.number, &folder.cursor, err);
    if (rc == 0)
        rc = folder_forget(&folder, RECORD_REF_INDEX(ref), err);
    if (rc == 0)
        rc = cursor_put(index, folder.log.number, &folder.cursor, err);
    if (rc == 0)
        rc = end_batch(&folder, err);
    if (rc < 0)
        index_rollback(index);
    folder_done(&folder);
    return rc;
}

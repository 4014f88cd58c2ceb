/* One run: its memory, its batches of records, and what its feed held. */
#include <stdlib.h>

#include "base/utf8.h"
#include "security/import_impl.h"

/* ---- begin and end ---- */

static int load_feed_item(void *ctx, int64_t hash, int64_t ref, struct err *err)
{
    struct import_run *run = ctx;
    return import_map_put(&run->feed, (uint64_t)hash, (uint64_t)ref, err);
}

static int load_other_feed(void *ctx, const struct feed *feed, struct err *err)
{
    struct import_run *run = ctx;
    (void)err;
    if (feed->log_number == run->options->number && feed->number != run->options->feed &&
        run->other_count < IMPORT_OTHER_FEEDS_MAX)
        run->others[run->other_count++] = feed->number;
    return 0;
}

static int load_feeds(struct import_run *run, struct err *err)
{
    if (run->options->feed == 0)
        return 0;
    int rc = feed_item_each(run->store, run->options->feed, load_feed_item, run, err);
    return rc == 0 ? feed_each(run->store, load_other_feed, run, err) : rc;
}

int run_begin(struct import_run *run, struct err *err)
{
    int rc = 0;
    if (run->options->dry_run && run->options->number == 0)
        run->log = (struct log_info){.role = LOG_LOCAL, .origin = "local"};
    else
        rc = store_log(run->store, run->options->number, &run->log, err);
    if (rc < 0)
        return rc;
    if (run->options->tlp == TLP_NONE && run->log.role != LOG_LOCAL)
        return err_set(err, ERR_USAGE, "a TLP must be given: only a local log keeps each object's own marking");
    run->empty_log = run->log.size <= 1;
    run->result->first_index = UINT64_MAX;
    import_map_init(&run->seen, IMPORT_SEEN_MAX);
    import_map_init(&run->feed, IMPORT_SEEN_MAX);
    buf_init(&run->batch.text, IMPORT_BATCH_BYTES + (size_t)PAYLOAD_MAX);
    for (size_t i = 0; i <= TLP_RED; i++)
        buf_init(&run->heads[i], RECORD_HEADER_MAX);
    buf_init(&run->old, 2 * (size_t)PAYLOAD_MAX);
    buf_init(&run->revised, PAYLOAD_MAX);
    arena_init(&run->arena, 2 * (size_t)PAYLOAD_MAX);
    run->batch.items = calloc(IMPORT_BATCH_RECORDS, sizeof(*run->batch.items));
    run->batch.spans = calloc(IMPORT_BATCH_RECORDS, sizeof(*run->batch.spans));
    run->notes = calloc(IMPORT_BATCH_RECORDS, sizeof(*run->notes));
    run->scanner = json_scanner_new();
    if (!run->batch.items || !run->batch.spans || !run->notes || !run->scanner)
        return err_memory(err);
    return load_feeds(run, err);
}

void run_done(struct import_run *run)
{
    run_end_reading(run);
    import_map_done(&run->seen);
    import_map_done(&run->feed);
    buf_done(&run->batch.text);
    for (size_t i = 0; i <= TLP_RED; i++)
        buf_done(&run->heads[i]);
    buf_done(&run->old);
    buf_done(&run->revised);
    arena_done(&run->arena);
    free(run->batch.items);
    free(run->batch.spans);
    free(run->notes);
    json_scanner_free(run->scanner);
}

/* ---- the batch ---- */

/*
 * What the feed holds, and which records say so. Should this be lost in a crash, the records count as somebody else's:
 * they stay and are not marked when the feed drops them.
 */
static int remember_feed(struct import_run *run, uint64_t first, struct err *err)
{
    const struct import_options *options = run->options;
    int rc = store_begin(run->store, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < run->batch.count && rc == 0; i++) {
        const struct batch_item *item = &run->batch.items[i];
        int64_t ref = RECORD_REF(options->number, first + i);
        if (item->feed_key)
            rc = feed_item_put(run->store, options->feed, item->feed_key, item->vanished ? -ref : ref, err);
    }
    for (size_t i = 0; i < run->note_count && rc == 0; i++)
        rc = run->notes[i].ref ? feed_item_put(run->store, options->feed, run->notes[i].key, run->notes[i].ref, err)
                               : feed_item_drop(run->store, options->feed, run->notes[i].key, err);
    if (rc < 0) {
        store_rollback(run->store);
        return rc;
    }
    run->note_count = 0;
    return store_commit(run->store, err);
}

/* A batch that could not be written was counted as it was filled: the result names what is in the log only. */
static void count_committed(struct import_run *run, bool written)
{
    struct import_result *result = run->result;
    if (written) {
        run->committed = (struct committed){result->added, result->updated, result->vanished};
        return;
    }
    result->added = run->committed.added;
    result->updated = run->committed.updated;
    result->vanished = run->committed.vanished;
}

/*
 * From the second batch on: a small import is over before a thread would have begun. Where there can be none, the import
 * folds at its end as it would have without: what is in the log is in the log.
 */
static void fold_beside(struct import_run *run)
{
    struct err ignored;
    if (run->follow)
        index_follow_wake(run->follow);
    else if (run->options->fold_beside && run->result->first_index != UINT64_MAX)
        index_follow_start(store_dir(run->store), &run->follow, &ignored);
}

int run_flush(struct import_run *run, struct err *err)
{
    struct batch *batch = &run->batch;
    uint64_t first = 0;
    int rc = 0;
    /* A read transaction that lives as long as the run keeps the index's WAL from being taken back: it grew to 1 GB while a
     * node folded the same folder. */
    run_end_reading(run);
    if (run->options->dry_run) {
        count_committed(run, true);
        goto out;
    }
    for (size_t i = 0; i < batch->count; i++)
        batch->spans[i] =
            (struct author_item){.text = span_of(batch->text.data + batch->items[i].at, batch->items[i].len),
                                 .clear = batch->items[i].clear};
    if (batch->count)
        rc = author_append(run->store, run->options->number, batch->spans, batch->count, run->options->now_ms, &first,
                           err);
    if (rc == 0 && batch->count)
        fold_beside(run);
    count_committed(run, rc == 0);
    if (rc == 0 && batch->count && run->result->first_index == UINT64_MAX)
        run->result->first_index = first;
    if (rc == 0 && run->options->feed && (batch->count || run->note_count))
        rc = remember_feed(run, first, err);
    if (rc == 0 && run->options->written && batch->count)
        rc = run->options->written(run->options->ctx, first, batch->count, err);
out:
    buf_clear(&batch->text);
    batch->count = 0;
    run->note_count = 0;
    return rc;
}

/* The record's header is the same for all of one TLP: written once. */
static int head_of(struct import_run *run, enum tlp tlp, struct span *ret, struct err *err)
{
    struct buf *head = &run->heads[tlp];
    if (head->len == 0) {
        struct record_draft draft = {.kind = STIX_KIND,
                                     .time_ms = run->options->now_ms,
                                     .tlp = tlp,
                                     .to = run->options->to,
                                     .to_count = run->options->to_count,
                                     .type = SPAN_LIT(STIX_TYPE)};
        int rc = record_write(&draft, head, err);
        if (rc < 0)
            return rc;
    }
    *ret = buf_view(head);
    return 0;
}

int run_add(struct import_run *run, struct span object, enum tlp tlp, int64_t feed_key, bool vanished, struct err *err)
{
    struct batch *batch = &run->batch;
    struct span head;
    int rc = head_of(run, tlp, &head, err);
    if (rc == 0 && (batch->count == IMPORT_BATCH_RECORDS || batch->text.len >= IMPORT_BATCH_BYTES))
        rc = run_flush(run, err);
    if (rc < 0)
        return rc;
    size_t at = batch->text.len;
    if (!run->options->dry_run) {
        buf_span(&batch->text, head);
        buf_span(&batch->text, object);
        rc = buf_check(&batch->text, "batch", err);
        if (rc < 0)
            return rc;
    }
    batch->items[batch->count++] = (struct batch_item){
        .at = at, .len = batch->text.len - at, .clear = tlp == TLP_CLEAR, .feed_key = feed_key, .vanished = vanished};
    return 0;
}

/* ---- the feed's memory ---- */

int run_note(struct import_run *run, int64_t key, int64_t ref, struct err *err)
{
    int rc = run->note_count == IMPORT_BATCH_RECORDS ? run_flush(run, err) : 0;
    if (rc == 0)
        run->notes[run->note_count++] = (struct feed_note){key, ref};
    return rc;
}

int run_held_elsewhere(struct import_run *run, int64_t key, bool *ret, struct err *err)
{
    struct err why;
    *ret = false;
    for (size_t i = 0; i < run->other_count && !*ret; i++) {
        int64_t ref = 0;
        int rc = feed_item_get(run->store, run->others[i], key, &ref, &why);
        if (rc < 0 && rc != ERR_NOTFOUND) {
            *err = why;
            return rc;
        }
        *ret = rc == 0 && ref > 0;
    }
    return 0;
}

/* ---- complaints ---- */

int run_report(struct import_run *run, const char *what, uint64_t line, uint64_t offset, const char *reason,
               struct err *err)
{
    int rc =
        run->options->report ? run->options->report(run->options->ctx, what, run->member, line, offset, reason) : 0;
    return rc < 0 ? err_set(err, rc, "the import was ended by its caller") : 0;
}

int run_bad(void *ctx, uint64_t line, uint64_t offset, const char *reason, struct err *err)
{
    struct import_run *run = ctx;
    run->result->bad++;
    return run_report(run, "bad", line, offset, reason, err);
}

/* ---- patience ---- */

int run_go_on(struct import_run *run, size_t count, struct err *err)
{
    const struct import_options *options = run->options;
    char shown[256];
    run->text += count;
    int rc = options->go_on ? options->go_on(options->ctx, err) : 0;
    if (rc == 0 && options->text_max && run->text > options->text_max)
        rc = err_set(err, ERR_LIMIT, "more than %llu bytes of text come out of it: that is the limit",
                     (unsigned long long)options->text_max);
    if (rc < 0 && run->member.len)
        err_in(err, "%s", text_escape_into(shown, sizeof(shown), run->member));
    return rc;
}

/* ---- earlier records ---- */

static int read_earlier(struct import_run *run, int64_t ref, struct record *ret, struct err *err)
{
    buf_clear(&run->old);
    arena_clear(&run->arena);
    int rc = payload_read(run->store, RECORD_REF_LOG(ref), RECORD_REF_INDEX(ref), &run->old, NULL, err);
    if (rc < 0)
        return rc;
    return record_parse(span_sub(buf_view(&run->old), 4 + SEAL_SALT, SIZE_MAX), &run->arena, ret, err);
}

int run_read_back(struct import_run *run, int64_t ref, struct span *ret_object, enum tlp *ret_tlp, struct err *err)
{
    struct record record;
    int rc = read_earlier(run, ref, &record, err);
    if (rc < 0)
        return rc;
    *ret_object = record.body;
    *ret_tlp = record.tlp;
    return 0;
}

static bool names(const struct record *record, struct span to)
{
    for (size_t i = 0; i < record->to_count; i++)
        if (span_eq(record->to[i], to))
            return true;
    return false;
}

int run_told(struct import_run *run, int64_t ref, bool *ret, struct err *err)
{
    struct record record;
    struct err gone;
    int rc = read_earlier(run, ref, &record, &gone);
    if (rc == ERR_IO || rc == ERR_MEMORY)
        return err_set(err, rc, "%s", gone.text);
    *ret = rc == 0;
    for (size_t i = 0; *ret && record.tlp != TLP_CLEAR && i < run->options->to_count; i++)
        *ret = names(&record, run->options->to[i]);
    return 0;
}

int run_marking(void *ctx, struct span id, enum tlp *ret, struct err *err)
{
    struct import_run *run = ctx;
    struct stix_object object = {0};
    const struct json_tree *tree;
    struct span bytes;
    enum tlp tlp;
    int64_t ref, modified_ms;
    uint8_t hash[8];
    if (run->empty_log)
        return err_set(err, ERR_NOTFOUND, "nothing is in this log yet");
    int rc = intel_by_id(run->index, run->options->number, id, &ref, &modified_ms, hash, err);
    if (rc == 0 && RECORD_REF_INDEX(ref) >= run->log.size)
        rc = err_set(err, ERR_NOTFOUND, "added by this run: whether it is folded yet must not decide");
    if (rc == 0)
        rc = run_read_back(run, ref, &bytes, &tlp, err);
    if (rc == 0)
        rc = json_scan(run->scanner, bytes, &tree, err);
    if (rc == 0)
        rc = stix_read(tree, &run->arena, &object, err);
    if (rc < 0)
        return rc == ERR_MEMORY || rc == ERR_IO ? rc : ERR_NOTFOUND;
    if (object.marking_tlp == TLP_NONE && !object.is_statement)
        return err_set(err, ERR_NOTFOUND, "no TLP and no statement");
    *ret = object.marking_tlp;
    return 0;
}

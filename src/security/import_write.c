/* Items become records: refused, known already, or added in batches. */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "security/import_impl.h"

#define PROGRESS_EVERY 4096 /* items */

/* ---- begin and end ---- */

static int load_feed_item(void *ctx, int64_t hash, int64_t ref, struct err *err)
{
    struct import_run *run = ctx;
    return import_map_put(&run->feed, (uint64_t)hash, (uint64_t)ref, err);
}

int run_begin(struct import_run *run, struct err *err)
{
    int rc = store_log(run->store, run->options->number, &run->log, err);
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
    return run->options->feed ? feed_item_each(run->store, run->options->feed, load_feed_item, run, err) : 0;
}

void run_done(struct import_run *run)
{
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

/* What the feed holds, and which records say so. Should this be lost, the next fetch finds the records by their ids. */
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
        rc = feed_item_put(run->store, options->feed, run->notes[i].key, run->notes[i].ref, err);
    if (rc < 0) {
        store_rollback(run->store);
        return rc;
    }
    run->note_count = 0;
    return store_commit(run->store, err);
}

int run_flush(struct import_run *run, struct err *err)
{
    struct batch *batch = &run->batch;
    uint64_t first = 0;
    int rc = 0;
    if (run->options->dry_run)
        goto out;
    for (size_t i = 0; i < batch->count; i++)
        batch->spans[i] =
            (struct author_item){.text = span_of(batch->text.data + batch->items[i].at, batch->items[i].len),
                                 .clear = batch->items[i].clear};
    if (batch->count)
        rc = author_append(run->store, run->options->number, batch->spans, batch->count, run->options->now_ms, &first,
                           err);
    if (rc == 0 && batch->count && run->result->first_index == UINT64_MAX)
        run->result->first_index = first;
    if (rc == 0 && run->options->feed && (batch->count || run->note_count))
        rc = remember_feed(run, first, err);
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
        struct record_draft draft = {
            .kind = STIX_KIND, .time_ms = run->options->now_ms, .tlp = tlp, .type = SPAN_LIT(STIX_TYPE)};
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

/* ---- earlier records ---- */

int run_read_back(struct import_run *run, int64_t ref, struct span *ret_object, enum tlp *ret_tlp, struct err *err)
{
    struct record record;
    buf_clear(&run->old);
    arena_clear(&run->arena);
    int rc = payload_read(run->store, RECORD_REF_LOG(ref), RECORD_REF_INDEX(ref), &run->old, NULL, err);
    if (rc < 0)
        return rc;
    struct span text = span_sub(buf_view(&run->old), 4 + SEAL_SALT, SIZE_MAX);
    rc = record_parse(text, &run->arena, &record, err);
    if (rc < 0)
        return rc;
    *ret_object = record.body;
    *ret_tlp = record.tlp;
    return 0;
}

int run_marking(void *ctx, struct span id, enum tlp *ret, struct err *err)
{
    struct import_run *run = ctx;
    struct stix_object object;
    const struct json_tree *tree;
    struct span bytes;
    enum tlp tlp;
    int64_t ref, modified_ms;
    uint8_t hash[8];
    if (run->empty_log)
        return err_set(err, ERR_NOTFOUND, "nothing is in this log yet");
    int rc = intel_by_id(run->index, run->options->number, id, &ref, &modified_ms, hash, err);
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

/* ---- known already? ---- */

enum known { KNOWN_NOT, KNOWN_SAME, KNOWN_OLDER, KNOWN_WITHDRAWN, KNOWN_CONFLICT };

static uint64_t first_eight(struct span bytes)
{
    uint8_t hash[SHA256_SIZE];
    uint64_t value;
    sha256_once(bytes, hash);
    memcpy(&value, hash, sizeof(value));
    return value;
}

/* Twice in this run? */
static int seen_before(struct import_run *run, const struct import_item *item, enum known *ret, struct err *err)
{
    uint64_t key =
        random_hash(item->id) ^ (item->has_modified ? (uint64_t)item->modified_ms * UINT64_C(0x9E3779B97F4A7C15) : 0);
    uint64_t bytes = item->generated ? 0 : first_eight(item->object);
    const uint64_t *present = import_map_find(&run->seen, key);
    *ret = !present ? KNOWN_NOT : *present == bytes ? KNOWN_SAME : KNOWN_CONFLICT;
    return present ? 0 : import_map_put(&run->seen, key, bytes, err);
}

/* What we made from this value before: still said, or withdrawn since? */
static int judge_generated(struct import_run *run, int64_t ref, enum known *ret, struct err *err)
{
    struct span object;
    enum tlp tlp;
    bool withdrawn;
    struct err why;
    int rc = run_read_back(run, ref, &object, &tlp, &why);
    *ret = KNOWN_SAME;
    if (rc == ERR_NOTFOUND) /* erased: its author took it back, and a list does not overrule that */
        return 0;
    if (rc == 0)
        rc = run_withdrawn(run, object, &withdrawn, &why);
    if (rc < 0)
        *err = why;
    else if (withdrawn)
        *ret = KNOWN_WITHDRAWN;
    return rc;
}

/* In the log? */
static int known_in_log(struct import_run *run, const struct import_item *item, int64_t *ret_ref, enum known *ret,
                        struct err *err)
{
    int64_t modified_ms;
    uint8_t hash[8], mine[8];
    struct err why;
    *ret = KNOWN_NOT;
    if (run->empty_log)
        return 0;
    int rc = intel_by_id(run->index, run->options->number, item->id, ret_ref, &modified_ms, hash, &why);
    if (rc == ERR_NOTFOUND)
        return 0;
    if (rc < 0) {
        *err = why;
        return rc;
    }
    if (item->has_modified && item->modified_ms > modified_ms) {
        *ret = KNOWN_OLDER;
        return 0;
    }
    if (item->generated)
        return judge_generated(run, *ret_ref, ret, err);
    uint64_t bytes = first_eight(item->object);
    memcpy(mine, &bytes, sizeof(mine));
    bool older = item->has_modified && item->modified_ms < modified_ms;
    *ret = older || memcmp(hash, mine, sizeof(mine)) == 0 ? KNOWN_SAME : KNOWN_CONFLICT;
    return 0;
}

/* ---- items ---- */

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

static int note_feed(struct import_run *run, int64_t key, int64_t ref, struct err *err)
{
    int rc = run->note_count == IMPORT_BATCH_RECORDS ? run_flush(run, err) : 0;
    if (rc == 0)
        run->notes[run->note_count++] = (struct feed_note){key, ref};
    return rc;
}

static int add_item(struct import_run *run, const struct import_item *item, struct span object, int64_t feed_key,
                    bool update, struct err *err)
{
    enum tlp tlp = run->options->tlp == TLP_NONE ? item->marking : run->options->tlp;
    run->result->added++;
    run->result->updated += update;
    return run_add(run, object, tlp, feed_key, false, err);
}

/* It is back, or was revoked and is reported again: a new version of the old object, whose `created` stays. */
static int add_again(struct import_run *run, const struct import_item *item, int64_t ref, int64_t feed_key,
                     struct err *err)
{
    struct span object;
    enum tlp tlp;
    struct err why;
    int rc = run_read_back(run, ref, &object, &tlp, &why);
    if (rc == 0)
        rc = run_revise(run, object, false, &why);
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
        return add_item(run, item, item->object, feed_key, known == KNOWN_OLDER, err);
    case KNOWN_WITHDRAWN:
        return add_again(run, item, ref, feed_key, err);
    case KNOWN_SAME:
        run->result->duplicates++;
        return feed_key ? note_feed(run, feed_key, ref, err) : 0;
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
        feed_key = (int64_t)first_eight(item->id);
        rc = take_feed_item(run, item, feed_key, &done, err);
    }
    if (rc == 0 && !done)
        rc = known_in_log(run, item, &ref, &known, err);
    return rc < 0 || done ? rc : take_known(run, item, known, ref, feed_key, err);
}

#include "connect/verify.h"

#include <stdio.h>
#include <stdlib.h>

#include "connect/verify_tree.h"

/* ---- a log in this store ---- */

struct checking {
    struct store *store;
    struct log_info log;
    struct verify_result *result;
    struct verify_tree tree;
    struct buf bytes, payloads;
};

/* Payloads of the bundle whose entries are in c->bytes, against their seals. */
static int check_payloads(struct checking *c, uint64_t first, size_t count, struct err *err)
{
    struct bundle_reader entries = {.bundle = buf_view(&c->bytes)};
    struct payload_reader items = {0};
    struct payload_item item;
    struct span entry;
    size_t covered = 0;
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        if (covered == 0) {
            buf_clear(&c->payloads);
            rc = payload_read_bundle(c->store, c->log.number, first + i, count - i, false, &c->payloads, &covered, err);
            items = (struct payload_reader){.bundle = buf_view(&c->payloads)};
        }
        if (rc || bundle_next(&entries, &entry, err) < 0 || payload_next(&items, &item, err) < 0)
            return err->code;
        covered--;
        if (item.hole)
            continue;
        rc = seal_check(span_str(c->log.origin), entry, item.salt, item.payload, err);
        if (rc)
            err_in(err, "payload of entry %llu", (unsigned long long)(first + i));
        c->result->payloads++;
    }
    return rc;
}

static int check_bundle(struct checking *c, uint64_t first, size_t count, struct err *err)
{
    struct span entry;
    struct bundle_reader reader;
    uint64_t index = first;
    int rc, more = 0;
    buf_clear(&c->bytes);
    rc = store_read_entries(c->store, c->log.number, first, count, &c->bytes, err);
    reader = (struct bundle_reader){.bundle = buf_view(&c->bytes)};
    for (; !rc && (more = bundle_next(&reader, &entry, err)) > 0; index++)
        rc = verify_tree_add(&c->tree, entry, err);
    if (!rc && more < 0)
        rc = more;
    if (!rc && index != first + count)
        rc = err_set(err, ERR_VERIFY, "bundle at entry %llu holds %llu entries, %zu expected",
                     (unsigned long long)first, (unsigned long long)(index - first), count);
    return rc ? rc : check_payloads(c, first, count, err);
}

/* Every hash that is stored, at every level, against what the entries say. */
static int check_hashes(struct checking *c, struct err *err)
{
    struct tlog_source source;
    struct tlog_hash stored[TILE_WIDTH];
    int rc = store_source(c->store, c->log.number, &source, err);
    for (int level = 0; !rc && tile_level_count(level, c->log.size) > 0; level++) {
        uint64_t count = tile_level_count(level, c->log.size);
        for (uint64_t at = 0; !rc && at < count; at += TILE_WIDTH) {
            size_t width = count - at < TILE_WIDTH ? (size_t)(count - at) : TILE_WIDTH;
            rc = source.read(source.ctx, (unsigned)level, at, width, stored, err);
            if (!rc)
                rc = verify_tree_compare(&c->tree, level, at, stored, width, err);
            c->result->hashes += width;
        }
    }
    return rc;
}

/* The head first: it says which size is checked. The log may grow meanwhile. */
static int take_head(struct checking *c, struct buf *head, struct err *err)
{
    struct note note;
    struct checkpoint checkpoint;
    int rc = store_checkpoint(c->store, c->log.number, head, err);
    if (!rc)
        rc = note_parse(buf_view(head), &note, err);
    if (!rc)
        rc = checkpoint_parse(note.text, &checkpoint, err);
    if (!rc)
        rc = store_log(c->store, c->log.number, &c->log, err);
    if (!rc && checkpoint.size > c->log.size)
        rc = err_set(err, ERR_VERIFY, "the checkpoint covers %llu entries, %llu are here",
                     (unsigned long long)checkpoint.size, (unsigned long long)c->log.size);
    if (!rc)
        c->result->size = c->log.size = checkpoint.size;
    return rc;
}

int verify_log(struct store *store, const struct log_info *log, const struct verify_options *options,
               struct verify_result *ret, struct err *err)
{
    struct checking c = {.store = store, .log = *log, .result = ret};
    struct buf head;
    *ret = (struct verify_result){0};
    snprintf(ret->origin, sizeof(ret->origin), "%s", log->origin);
    buf_init(&c.bytes, BUNDLE_MAX);
    buf_init(&c.payloads, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 65536);
    buf_init(&head, NOTE_MAX);
    int rc = verify_tree_init(&c.tree, span_str(log->origin), err);
    if (!rc)
        rc = take_head(&c, &head, err);
    for (uint64_t at = 0; !rc && at < c.log.size; at += TILE_WIDTH) {
        rc = check_bundle(&c, at, c.log.size - at < TILE_WIDTH ? (size_t)(c.log.size - at) : TILE_WIDTH, err);
        if (options->progress)
            options->progress(options->ctx, at, c.log.size);
    }
    if (!rc)
        rc = check_hashes(&c, err);
    if (!rc)
        rc = verify_tree_head(&c.tree, store, buf_view(&head), ret, err);
    ret->entries = c.tree.size;
    verify_tree_done(&c.tree);
    buf_done(&c.bytes);
    buf_done(&c.payloads);
    buf_done(&head);
    return rc ? err_in(err, "%s", log->origin) : 0;
}

/* ---- a proof that travels as a file ---- */

/* Signed, but of another tree than ours: then both cannot be true. */
static int check_root(struct store *store, const struct log_info *log, const struct checkpoint *checkpoint,
                      struct err *err)
{
    struct tlog_source source;
    struct tlog_hash root;
    int rc = store_source(store, log->number, &source, err);
    if (!rc)
        rc = tlog_root(&source, checkpoint->size, &root, err);
    if (!rc && !tlog_hash_eq(&root, &checkpoint->root))
        rc = err_set(err, ERR_FORK, "%s: its checkpoint of size %llu is signed, but contradicts the log that we hold",
                     log->origin, (unsigned long long)checkpoint->size);
    return rc;
}

int verify_proof(struct store *store, struct span proof, struct span entry, struct verify_result *ret,
                 uint64_t *ret_index, struct err *err)
{
    struct tlog_proof path;
    struct span text;
    struct note note;
    struct checkpoint checkpoint;
    struct log_info log;
    struct member member;
    struct tlog_hash leaf;
    struct arena arena;
    *ret = (struct verify_result){0};
    arena_init(&arena, 16u << 20);
    int rc = proof_file_parse(proof, ret_index, &path, &text, err);
    if (!rc)
        rc = note_parse(text, &note, err);
    if (!rc)
        rc = checkpoint_parse(note.text, &checkpoint, err);
    if (!rc)
        rc = store_log_by_origin(store, checkpoint.origin, &log, err);
    if (!rc && log.size < checkpoint.size)
        rc = err_set(err, ERR_NOTFOUND,
                     "%s: this node holds %llu entries, the proof speaks of %llu: run `tongzhou sync` first",
                     log.origin, (unsigned long long)log.size, (unsigned long long)checkpoint.size);
    if (!rc)
        rc = store_member(store, log.number, &arena, &member, err);
    if (!rc)
        rc = member_verify_checkpoint(&member, &note, &checkpoint, err);
    tlog_leaf_hash(entry, &leaf);
    if (!rc)
        rc = tlog_verify_inclusion(*ret_index, checkpoint.size, &leaf, &path, &checkpoint.root, err);
    if (!rc)
        rc = check_root(store, &log, &checkpoint, err);
    if (!rc) {
        snprintf(ret->origin, sizeof(ret->origin), "%s", log.origin);
        ret->size = checkpoint.size;
        ret->entries = 1;
        ret->keys = (unsigned)member.key_count;
    }
    arena_done(&arena);
    return rc;
}

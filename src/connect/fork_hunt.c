#include "connect/fork_hunt.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"
#include "connect/fork_remote.h"
#include "state/author.h"
#include "state/mirror.h"
#include "tlog/checkpoint.h"

#define HUNT_ARENA_MAX (16u << 20) /* bytes: ROTATIONS_MAX entries of ENTRY_MAX would be as much; real ones are 1 kB */
#define UNTOLD "forks.untold"      /* fact: u32 length ‖ record, of proofs that wait to be signed for */
#define UNTOLD_MAX 65536

/* ---- the first leaf that differs ---- */

/* First i of [from, to) at this level where the two differ, or `to`. */
static int compare(const struct tlog_source *a, const struct tlog_source *b, unsigned level, uint64_t from, uint64_t to,
                   uint64_t *ret, struct err *err)
{
    struct tlog_hash ours[TILE_WIDTH], theirs[TILE_WIDTH];
    while (from < to) {
        size_t n = (size_t)(TILE_WIDTH - from % TILE_WIDTH);
        if (n > to - from)
            n = (size_t)(to - from);
        int code = a->read(a->ctx, level, from, n, ours, err);
        if (code == 0)
            code = b->read(b->ctx, level, from, n, theirs, err);
        if (code < 0)
            return code;
        for (size_t i = 0; i < n; i++)
            if (!tlog_hash_eq(&ours[i], &theirs[i])) {
                *ret = from + i;
                return 0;
            }
        from += n;
    }
    *ret = to;
    return 0;
}

/* Descend from the top: 1 and *ret, 0 if the first `limit` leaves agree. */
static int first_difference(const struct tlog_source *a, const struct tlog_source *b, uint64_t limit, uint64_t *ret,
                            struct err *err)
{
    unsigned level = 0;
    uint64_t from = 0, at;
    while (level < 7 && limit >> (8 * (level + 1)) > 0)
        level++;
    for (bool is_below = false;; level--) {
        uint64_t to = limit >> (8 * level);
        int code = compare(a, b, level, from, to, &at, err);
        if (code < 0)
            return code;
        if (at == to && level == 0)
            return is_below ? err_set(err, ERR_VERIFY, "the peer's tiles contradict each other") : 0;
        if (level == 0)
            break;
        if (at < to) { /* somewhere below this hash */
            is_below = true;
            limit = (at + 1) << (8 * level);
        }
        from = at * TILE_WIDTH;
    }
    *ret = at;
    return 1;
}

/* ---- the proof ---- */

struct branch {
    struct buf note; /* with the log's own signatures only */
    struct note parsed;
    struct checkpoint checkpoint;
    struct tlog_source source;
};

/* Keep the text and the signature lines of the log's keys. */
static int branch_read(struct branch *branch, struct span note, const struct member *member, struct err *err)
{
    struct note all;
    int code = note_parse(note, &all, err);
    if (code < 0)
        return code;
    buf_span(&branch->note, all.text);
    buf_byte(&branch->note, '\n');
    for (size_t i = 0; i < all.sig_count; i++)
        for (size_t k = 0; k < member->key_count; k++) {
            struct note_key key;
            code = note_key_make(&key, span_str(member->origin), NOTE_ED25519, member->keys[k].public_key, err);
            if (code < 0)
                return code;
            if (key.id == all.sigs[i].id && span_is(all.sigs[i].name, key.name)) {
                buf_span(&branch->note, all.sigs[i].line);
                break;
            }
        }
    code = buf_check(&branch->note, "checkpoint", err);
    if (code == 0)
        code = note_parse(buf_view(&branch->note), &branch->parsed, err);
    return code < 0 ? code : checkpoint_parse(branch->parsed.text, &branch->checkpoint, err);
}

struct chain {
    const struct span *entries;
    const uint64_t *indices;
    size_t count;
    struct member member;
};

/* Entry 0 and the rotations in front of `limit`, as our branch has them; in front of the fork both have the same. */
static int chain_make(struct store *store, int64_t number, const struct member *ours, uint64_t limit,
                      struct arena *arena, struct chain *out, struct err *err)
{
    struct span *entries = arena_array(arena, ours->key_count, sizeof(*entries));
    uint64_t *indices = arena_array(arena, ours->key_count, sizeof(*indices));
    struct buf entry;
    int code = entries && indices ? 0 : err_memory(err);
    out->count = 0;
    buf_init(&entry, ENTRY_MAX);
    for (size_t i = 0; code == 0 && i < ours->key_count; i++) {
        uint64_t index = i == 0 ? 0 : ours->keys[i].from_size - 1;
        if (i > 0 && index >= limit)
            break;
        buf_clear(&entry);
        code = store_read_entry(store, number, index, &entry, err);
        entries[i] = arena_copy(arena, buf_view(&entry));
        indices[i] = index;
        if (code == 0)
            code = i == 0 ? member_begin(span_str(ours->origin), entries[0], arena, &out->member, err)
                          : member_apply(&out->member, index, entries[i], arena, err);
        out->count++;
    }
    buf_done(&entry);
    out->entries = entries;
    out->indices = indices;
    return code;
}

static int prove_branch(const struct branch *branch, const struct chain *chain, const uint64_t *index,
                        struct arena *arena, struct fork_branch *out, struct err *err)
{
    uint64_t size = branch->checkpoint.size;
    struct tlog_proof *proofs = arena_array(arena, chain->count, sizeof(*proofs));
    int code = proofs ? 0 : err_memory(err);
    for (size_t i = 0; code == 0 && i < chain->count; i++)
        code = tlog_prove_inclusion(&branch->source, chain->indices[i], size, &proofs[i], err);
    out->checkpoint = buf_view(&branch->note);
    out->proofs = proofs;
    if (code < 0 || !index)
        return code;
    code = branch->source.read(branch->source.ctx, 0, *index, 1, &out->leaf, err);
    return code < 0 ? code : tlog_prove_inclusion(&branch->source, *index, size, &out->leaf_proof, err);
}

/* Parse and check what we wrote, as everybody else will. */
static int prove_check(struct span text, const struct member *member, struct arena *arena, struct err *err)
{
    struct record record;
    struct fork_proof proof = {0};
    enum fork_verdict verdict;
    int code = record_parse(text, arena, &record, err);
    if (code == 0)
        code = fork_parse(&record, arena, &proof, err);
    if (code == 0)
        code = fork_verify(&proof, &verdict, err);
    return code < 0 ? code : fork_stands(&proof, member, err);
}

struct prey {
    struct store *store;
    const struct log_info *log;
    const struct fork_hunt *hunt;
    const struct member *member;
    struct branch a, b;
    struct arena *arena;
};

/* index NULL: two checkpoints only. */
static int prove(struct prey *prey, const uint64_t *index, struct buf *out, struct err *err)
{
    struct fork_proof proof = {.has_index = index != NULL, .index = index ? *index : 0};
    struct chain chain;
    struct err unsigned_ = {0};
    uint64_t limit =
        prey->a.checkpoint.size < prey->b.checkpoint.size ? prey->a.checkpoint.size : prey->b.checkpoint.size;
    int code =
        chain_make(prey->store, prey->log->number, prey->member, index ? *index : limit, prey->arena, &chain, err);
    if (code < 0)
        return code;
    if (member_verify_checkpoint(&chain.member, &prey->a.parsed, &prey->a.checkpoint, &unsigned_) < 0 ||
        member_verify_checkpoint(&chain.member, &prey->b.parsed, &prey->b.checkpoint, &unsigned_) < 0)
        return err_set(err, ERR_REFUSED, "the branches are not signed by one key in force: %s", unsigned_.text);
    memcpy(proof.origin, prey->log->origin, sizeof(proof.origin));
    proof.entries = chain.entries;
    proof.entry_indices = chain.indices;
    proof.entry_count = chain.count;
    code = prove_branch(&prey->a, &chain, index, prey->arena, &proof.a, err);
    if (code == 0)
        code = prove_branch(&prey->b, &chain, index, prey->arena, &proof.b, err);
    if (code == 0 && fork_write(&proof, prey->hunt->now_ms, out, &unsigned_) < 0)
        code = err_set(err, ERR_REFUSED, "%s", unsigned_.text); /* too many rotations for one record */
    return code < 0 ? code : prove_check(buf_view(out), prey->member, prey->arena, err);
}

/* ---- what follows from it ---- */

static int untold_add(struct store *store, struct span record, struct err *err)
{
    struct buf all;
    struct err missing = {0};
    buf_init(&all, UNTOLD_MAX);
    store_get(store, UNTOLD, &all, &missing);
    buf_u32(&all, (uint32_t)record.len);
    buf_span(&all, record);
    int code = all.failed ? 0 : store_begin(store, err); /* no room: others will find the fork, too */
    if (code == 0 && !all.failed) {
        code = store_put(store, UNTOLD, buf_view(&all), err);
        if (code == 0)
            code = store_commit(store, err);
        else
            store_rollback(store);
    }
    buf_done(&all);
    return code;
}

static int find_sound(void *ctx, const struct log_info *log, struct err *err)
{
    (void)err;
    if (log->role != LOG_OWN || log->standing != STANDING_GOOD)
        return 0;
    *(struct log_info *)ctx = *log;
    return 1;
}

/* In the operator's log, or, when it is the forked one itself, in one that lives here and may still sign. */
static int tell(struct store *store, const struct author_item *items, size_t count, int64_t now_ms, struct err *err)
{
    struct log_info own;
    uint64_t first;
    int code = store_operator(store, &own, err);
    if (code == 0 && own.standing != STANDING_GOOD)
        code = store_logs(store, find_sound, &own, err);
    return code < 0 ? code : author_append(store, own.number, items, count, now_ms, &first, err);
}

int fork_tell_untold(struct store *store, int64_t now_ms, struct err *err)
{
    struct buf all;
    struct author_item items[64];
    struct err reason = {0};
    size_t count = 0;
    buf_init(&all, UNTOLD_MAX);
    int code = store_get(store, UNTOLD, &all, &reason);
    if (code < 0 || all.len == 0) {
        buf_done(&all);
        return code == 0 || code == ERR_NOTFOUND ? 0 : err_set(err, code, "%s", reason.text);
    }
    struct reader reader;
    reader_init(&reader, buf_view(&all));
    while (!reader_end(&reader) && count < 64)
        items[count++] = (struct author_item){reader_bytes(&reader, reader_u32(&reader)), true};
    code = reader.failed ? 0 : tell(store, items, count, now_ms, &reason);
    buf_done(&all);
    if (code == ERR_IO || code == ERR_MEMORY)
        return err_set(err, code, "%s", reason.text);
    if (code < 0) /* not now: our own log is frozen, or not there */
        return 0;
    code = store_begin(store, err);
    if (code == 0)
        code = store_put(store, UNTOLD, SPAN_LIT(""), err);
    return code < 0 ? code : store_commit(store, err);
}

static int remember(struct prey *prey, struct fork_found *found, struct err *err)
{
    struct store *store = prey->store;
    struct err untold = {0};
    struct span text = buf_view(&found->record);
    struct log_info before, after;
    bool freezes = found->outcome == FORK_PROVEN;
    int code = store_begin(store, err);
    if (code < 0)
        return code;
    code = store_log(store, prey->log->number, &before, err);
    if (code == 0)
        code = mirror_fork(store, prey->log->number, freezes, found->index, text, err);
    if (code == 0)
        code = store_log(store, prey->log->number, &after, err);
    if (code < 0) {
        store_rollback(store);
        return code;
    }
    found->is_new = after.standing != before.standing || after.frozen_from != before.frozen_from;
    code = store_commit(store, err);
    if (code < 0 || text.len == 0 || !found->is_new) /* what is known is not told again and again */
        return code;
    struct author_item item = {text, true};
    code = prey->hunt->may_sign ? tell(store, &item, 1, prey->hunt->now_ms, &untold)
                                : err_set(&untold, ERR_STATE, "the start check has not passed");
    found->told = code == 0;
    if (code == ERR_IO || code == ERR_MEMORY)
        return err_set(err, code, "%s", untold.text);
    return code == 0 ? 0 : untold_add(store, text, err);
}

static int hunt_down(struct prey *prey, struct fork_found *ret, struct err *err)
{
    uint64_t a = prey->a.checkpoint.size, b = prey->b.checkpoint.size;
    bool is_same_size = a == b;
    if (is_same_size && tlog_hash_eq(&prey->a.checkpoint.root, &prey->b.checkpoint.root)) {
        ret->outcome = FORK_NONE;
        return 0;
    }
    int code = first_difference(&prey->a.source, &prey->b.source, a < b ? a : b, &ret->index, err);
    if (code > 0) {
        ret->outcome = FORK_PROVEN;
        code = prove(prey, &ret->index, &ret->record, err);
    } else if (code == 0 && !is_same_size) {
        ret->outcome = FORK_NONE;
        return 0;
    } else if (fork_hunt_stopped(prey->hunt)) {
        return code; /* what the tiles would have shown is looked for next time */
    } else if (is_same_size && code != ERR_IO && code != ERR_MEMORY) {
        struct err no_proof = {0};
        ret->outcome = FORK_SUSPECT;
        code = prove(prey, NULL, &ret->record, &no_proof);
        if (code == ERR_IO || code == ERR_MEMORY || code == ERR_REFUSED)
            return err_set(err, code, "%s", no_proof.text);
        if (code < 0) /* no tiles at all: both checkpoints are in our hands, but nobody else could check them */
            buf_clear(&ret->record);
        code = 0;
    }
    return code < 0 ? code : remember(prey, ret, err);
}

static int prey_load(struct prey *prey, struct member *member, struct err *err)
{
    struct buf ours;
    int code = store_member(prey->store, prey->log->number, prey->arena, member, err);
    if (code < 0)
        return code;
    prey->member = member;
    buf_init(&ours, NOTE_MAX);
    code = store_checkpoint(prey->store, prey->log->number, &ours, err);
    if (code == 0)
        code = branch_read(&prey->a, buf_view(&ours), member, err);
    buf_done(&ours);
    if (code == 0)
        code = branch_read(&prey->b, prey->hunt->note, member, err);
    return code < 0 ? code : store_source(prey->store, prey->log->number, &prey->a.source, err);
}

int fork_hunt(struct store *store, struct fetcher *fetcher, int64_t number, const struct fork_hunt *hunt,
              struct fork_found *ret, struct err *err)
{
    struct log_info log;
    struct member member;
    struct arena arena;
    struct prey prey = {.store = store, .log = &log, .hunt = hunt, .arena = &arena};
    struct fork_remote *remote = NULL;
    *ret = (struct fork_found){0};
    buf_init(&ret->record, INLINE_MAX);
    buf_init(&prey.a.note, NOTE_MAX);
    buf_init(&prey.b.note, NOTE_MAX);
    arena_init(&arena, HUNT_ARENA_MAX);
    int code = store_log(store, number, &log, err);
    if (code == 0 && log.size == 0)
        code = err_set(err, ERR_STATE, "log %s: nothing of it is here", log.origin);
    if (code == 0)
        code = prey_load(&prey, &member, err);
    if (code == 0 && hunt->source)
        prey.b.source = *hunt->source;
    else if (code == 0)
        code = fork_remote_new(fetcher, hunt, log.hex, prey.b.checkpoint.size, &remote, &prey.b.source, err);
    if (code == 0)
        code = hunt_down(&prey, ret, err);
    fork_remote_free(remote);
    buf_done(&prey.a.note);
    buf_done(&prey.b.note);
    arena_done(&arena);
    return code;
}

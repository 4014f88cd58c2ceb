#include "connect/pack_internal.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/utf8.h"
#include "connect/fork_hunt.h"
#include "connect/sync_internal.h"

int unpacking_begin(struct unpacking *u, struct err *err)
{
    if (u->open)
        return 0;
    int rc = store_begin(u->store, err);
    u->open = rc == 0;
    u->open_bytes = 0;
    u->open_payloads = 0;
    return rc;
}

int unpacking_commit(struct unpacking *u, struct err *err)
{
    if (!u->open)
        return 0;
    u->open = false;
    return store_commit(u->store, err);
}

static void rollback(struct unpacking *u)
{
    if (!u->open)
        return;
    store_rollback(u->store);
    u->result->payloads -= u->open_payloads;
    u->open = false;
}

/* What earlier transactions staged of a log that is turned away goes again. */
static int unstage(struct unpacking *u, struct err *err)
{
    int rc = unpacking_begin(u, err);
    if (!rc)
        rc = store_unstage(u->store, u->number, err);
    return rc ? rc : unpacking_commit(u, err);
}

/* What is wrong with one log turns that log away; only a disk that fails or memory that lacks ends the whole. */
static int refuse(struct unpacking *u, struct err *err)
{
    if (sync_error_is_ours(err->code))
        return err->code;
    rollback(u);
    u->refused = true;
    u->result->refused++;
    if (u->options->report)
        u->options->report(u->options->ctx, u->origin[0] ? u->origin : u->hex, err->text);
    *err = (struct err){0};
    return u->staged && !u->finished ? unstage(u, err) : 0;
}

void unpacking_done(struct unpacking *u)
{
    rollback(u);
    keys_wipe(&u->keys);
    buf_done(&u->note);
    if (u->branch)
        verify_tree_done(u->branch);
    free(u->branch);
}

/* ---- the head ---- */

/* As after a pull: the cosignatures that came along, ours, and forks that its new entries prove. */
static int follow_up(struct unpacking *u, struct err *err)
{
    struct log_info log;
    struct err without = {0};
    size_t collected = 0, forks = 0;
    int rc = unpacking_begin(u, err);
    if (rc)
        return rc;
    int part = mirror_collect(u->store, u->number, buf_view(&u->note), &collected, &without);
    if (!sync_error_is_ours(part)) /* a cosignature that does not hold: its maker's business, not the log's */
        part = 0;
    u->result->collected += collected;
    if (!part)
        part = store_log(u->store, u->number, &log, &without);
    if (!part && u->advance && log.role != LOG_OWN && log.standing == STANDING_GOOD)
        part = mirror_cosign(u->store, u->number, (uint64_t)u->options->now_s, &without);
    if (sync_error_is_ours(part))
        return err_set(err, part, "%s", without.text);
    rc = unpacking_commit(u, err);
    if (!rc && u->advance)
        rc = fork_scan(u->store, u->number, u->held, &forks, err);
    u->result->forks += forks;
    return rc;
}

static int make_head(struct unpacking *u, struct err *err)
{
    struct log_info log;
    int rc = unpacking_begin(u, err);
    if (!rc)
        rc = store_log(u->store, u->number, &log, err);
    if (rc)
        return rc;
    if (u->next != u->checkpoint.size)
        return err_set(err, ERR_SYNTAX, "ends after entry %llu, its checkpoint covers %llu",
                       (unsigned long long)u->next, (unsigned long long)u->checkpoint.size);
    if (log.staged != u->next)
        return err_set(err, ERR_STATE, "another program fetches this log at this moment: unpack again");
    rc = mirror_finish(u->store, u->number, buf_view(&u->note), err);
    return rc ? rc : unpacking_commit(u, err);
}

int unpacking_finish(struct unpacking *u, struct err *err)
{
    if (u->refused || u->finished || u->last < PACK_CHECKPOINT)
        return 0;
    if (u->branch) {
        branch_judge(u, err);
        return refuse(u, err);
    }
    int rc = u->advance ? make_head(u, err) : 0;
    if (rc)
        return refuse(u, err);
    u->finished = true;
    u->result->logs += u->advance;
    u->result->entries += u->checkpoint.size - u->held;
    u->result->behind += !u->advance;
    return follow_up(u, err);
}

/* ---- keys ---- */

/* Does this seed make the log key in force? */
static bool is_in_force(const uint8_t seed[32], const struct member *member)
{
    uint8_t public_key[32];
    ed25519_keypair(seed, public_key);
    return memcmp(public_key, member->profile.log_key, 32) == 0;
}

static int become_own(struct unpacking *u, struct log_info *log, struct err *err)
{
    /* First the keys: a log without them could not be signed, keys without a log are only untidy. */
    int rc = keys_save(store_dir(u->store), &u->keys, err);
    if (!rc)
        rc = unpacking_begin(u, err);
    log->role = LOG_OWN;
    log->mode = MODE_FULL;
    if (!rc)
        rc = store_log_update(u->store, log, err);
    return rc ? rc : unpacking_commit(u, err);
}

/* Keys arrive with a log that verified: from now on it is ours, if they are the keys that count. */
static int adopt(struct unpacking *u, struct err *err)
{
    struct log_info log;
    struct member member;
    struct arena arena;
    arena_init(&arena, 1u << 20);
    int rc = store_log(u->store, u->number, &log, err);
    if (!rc)
        rc = store_member(u->store, u->number, &arena, &member, err);
    bool same_key = !rc && (is_in_force(u->keys.log_seed, &member) ||
                            (u->keys.has_next && is_in_force(u->keys.next_seed, &member)));
    arena_done(&arena);
    if (!rc && log.is_operator)
        rc = err_set(err, ERR_EXISTS, "is this node's own operator");
    else if (!rc && log.role != LOG_OWN && !same_key)
        rc =
            err_set(err, ERR_VERIFY,
                    "the log key that came along is not the one in force: the member has changed it since, most likely "
                    "because it lives elsewhere by now");
    else if (!rc && log.role != LOG_OWN)
        rc = become_own(u, &log, err);
    if (rc)
        return refuse(u, err);
    if (u->options->arrived)
        u->options->arrived(u->options->ctx, u->number, same_key);
    return 0;
}

int unpack_end(struct unpacking *u, struct err *err)
{
    int rc = unpacking_finish(u, err);
    if (!rc)
        rc = unpacking_commit(u, err);
    if (!rc && u->hex[0] && !u->refused && !u->finished) {
        err_set(err, ERR_SYNTAX, "its checkpoint is missing");
        rc = refuse(u, err);
    }
    if (!rc && u->has_keys && !u->refused)
        rc = adopt(u, err);
    keys_wipe(&u->keys);
    if (u->branch)
        verify_tree_done(u->branch);
    free(u->branch);
    u->branch = NULL;
    u->has_keys = u->advance = u->finished = u->refused = u->staged = false;
    u->last = PACK_NONE;
    u->number = 0;
    u->hex[0] = u->origin[0] = '\0';
    return rc;
}

/* ---- files ---- */

static int take_origin(struct unpacking *u, struct span bytes, struct err *err)
{
    uint8_t hash[32];
    char hex[65], shown[256];
    struct span origin = span_sub(bytes, 0, span_find(bytes, '\n'));
    if (!origin_valid(origin) || origin.len + 1 != bytes.len)
        return err_set(err, ERR_SYNTAX, "%s is no origin", text_escape_into(shown, sizeof(shown), origin));
    origin_hash(origin, hash);
    hex_encode(hash, 32, hex);
    if (strcmp(hex, u->hex) != 0)
        return err_set(err, ERR_VERIFY, "%.*s stands under the hash of another origin", SPAN_ARGS(origin));
    memcpy(u->origin, origin.data, origin.len);
    u->origin[origin.len] = '\0';
    return 0;
}

static int take_keys(struct unpacking *u, struct span bytes, struct err *err)
{
    if (!u->options->luggage)
        return err_set(err, ERR_REFUSED,
                       "holds secret keys: it is a member's luggage; take it in with `tongzhou member move`");
    int rc = keys_parse(bytes, &u->keys, err);
    if (!rc && strcmp(u->keys.origin, u->origin) != 0)
        rc = err_set(err, ERR_VERIFY, "the keys are those of %s", u->keys.origin);
    u->has_keys = rc == 0;
    return rc;
}

/* The log's row, made or promoted: who unpacks asks for what is in the pack, so no quota applies. */
static int find_or_make_log(struct unpacking *u, struct log_info *log, struct err *err)
{
    struct err missing = {0};
    int rc = store_log_by_origin(u->store, span_str(u->origin), log, &missing);
    if (rc == 0 && log->role == LOG_LOCAL)
        return err_set(err, ERR_REFUSED, "is this node's local log, which never travels");
    if (rc == 0 && log->role == LOG_LISTED) {
        log->role = LOG_MIRROR;
        log->followed = true;
        return store_log_update(u->store, log, err);
    }
    if (rc == 0)
        return 0;
    if (rc != ERR_NOTFOUND)
        return err_set(err, rc, "%s", missing.text);
    struct log_new made = {.origin = span_str(u->origin), .role = LOG_MIRROR, .mode = MODE_FULL, .followed = true};
    rc = store_log_create(u->store, &made, &u->number, err);
    return rc ? rc : store_log(u->store, u->number, log, err);
}

/* Something staged by a pull that came to no end would stand in front of what comes now. */
static int clear_staged(struct unpacking *u, struct log_info *log, struct err *err)
{
    if (log->staged == log->size)
        return 0;
    int rc = store_unstage(u->store, log->number, err);
    if (!rc)
        rc = unpacking_commit(u, err);
    if (!rc)
        rc = unpacking_begin(u, err);
    return rc ? rc : store_log(u->store, log->number, log, err);
}

static int take_checkpoint(struct unpacking *u, struct span bytes, struct err *err)
{
    struct log_info log;
    struct note note;
    enum mirror_result result = MIRROR_BEHIND;
    buf_clear(&u->note);
    buf_span(&u->note, bytes);
    int rc = buf_check(&u->note, "checkpoint", err);
    if (!rc)
        rc = unpacking_begin(u, err);
    if (!rc)
        rc = find_or_make_log(u, &log, err);
    if (!rc && !log_goes_on(&log))
        rc = err_set(err, ERR_STATE, "is frozen: a fork of it was proven, and nothing behind the fork is taken in");
    if (!rc)
        rc = mirror_judge(u->store, &log, bytes, &result, err);
    if (!rc)
        rc = note_parse(buf_view(&u->note), &note, err);
    if (!rc)
        rc = checkpoint_parse(note.text, &u->checkpoint, err);
    if (!rc && u->checkpoint.size == 0)
        rc = err_set(err, ERR_SYNTAX, "its checkpoint covers no entry");
    if (!rc)
        rc = clear_staged(u, &log, err);
    if (rc)
        return rc;
    u->number = log.number;
    u->held = log.size < u->checkpoint.size ? log.size : u->checkpoint.size;
    u->next = 0;
    u->advance = result == MIRROR_ADVANCE;
    if (u->held > 0) /* what we have is compared first: nobody need wait for that */
        rc = unpacking_commit(u, err);
    return !rc && (result == MIRROR_FORK_SAME || result == MIRROR_FORK_OLD) ? branch_begin(u, 0, err) : rc;
}

/* First of the bundle's entries whose hash is not ours, or `held`: that far both are known to be the same. */
static int compare(struct unpacking *u, const struct tlog_hash *theirs, size_t count, uint64_t *ret, struct err *err)
{
    struct tlog_hash ours[TILE_WIDTH];
    struct tlog_source source;
    size_t shared = u->held > u->next ? (size_t)(u->held - u->next < count ? u->held - u->next : count) : 0, i = 0;
    int rc = shared ? store_source(u->store, u->number, &source, err) : 0;
    if (!rc && shared)
        rc = source.read(source.ctx, 0, u->next, shared, ours, err);
    while (!rc && i < shared && tlog_hash_eq(&ours[i], &theirs[i]))
        i++;
    *ret = i < shared ? u->next + i : UINT64_MAX;
    return rc;
}

/* The entries behind what we have. */
static int stage(struct unpacking *u, struct span bundle, size_t count, struct err *err)
{
    struct bundle_reader reader = {.bundle = bundle};
    struct span entry;
    struct log_info log;
    uint64_t skip = u->held > u->next ? u->held - u->next : 0, staged;
    if (skip >= count)
        return 0;
    int rc = unpacking_begin(u, err);
    if (!rc)
        rc = store_log(u->store, u->number, &log, err);
    if (!rc && log.staged != u->next + skip)
        rc = err_set(err, ERR_STATE, "another program fetches this log at this moment: unpack again");
    for (uint64_t i = 0; !rc && i < skip; i++)
        rc = bundle_next(&reader, &entry, err) < 0 ? err->code : 0;
    if (!rc)
        rc = mirror_stage(u->store, u->number, span_sub(bundle, reader.pos, SIZE_MAX), &staged, err);
    if (rc)
        return rc;
    u->open_bytes += bundle.len;
    return 0;
}

static int take_bundle(struct unpacking *u, const struct tile *tile, struct span bytes, struct err *err)
{
    struct bundle_reader reader = {.bundle = bytes};
    struct tlog_hash hashes[TILE_WIDTH];
    struct span entry;
    uint64_t differs;
    size_t count = 0;
    int more;
    if (!u->advance && !u->branch)
        return 0;
    if (u->next != tile->index * TILE_WIDTH || tile->width != tile_width(tile->level, tile->index, u->checkpoint.size))
        return err_set(err, ERR_SYNTAX, "bundle %llu of %u entries where entry %llu of %llu is next",
                       (unsigned long long)tile->index, tile->width, (unsigned long long)u->next,
                       (unsigned long long)u->checkpoint.size);
    while ((more = bundle_next(&reader, &entry, err)) > 0 && count < tile->width)
        tlog_leaf_hash(entry, &hashes[count++]);
    if (more != 0 || count != tile->width)
        return more < 0 ? more
                        : err_set(err, ERR_SYNTAX, "bundle %llu does not hold the %u entries that its name says",
                                  (unsigned long long)tile->index, tile->width);
    int rc = u->branch ? 0 : compare(u, hashes, count, &differs, err);
    if (!rc && !u->branch && differs != UINT64_MAX)
        rc = branch_begin(u, u->next, err);
    for (size_t i = 0; u->branch && !rc && i < count; i++)
        rc = verify_tree_hash(u->branch, &hashes[i], err);
    if (!u->branch && !rc)
        rc = stage(u, bytes, count, err);
    u->next += rc ? 0 : count;
    if (rc || u->open_bytes < UNPACK_COMMIT_BYTES)
        return rc;
    u->staged = true;
    return unpacking_commit(u, err);
}

/* ---- one file after the other ---- */

static int take_part(struct unpacking *u, const struct pack_name *name, struct span bytes, struct err *err)
{
    static const char *const words[] = {"", "origin", "keys", "checkpoint", "entries", "payloads"};
    bool many = name->part == PACK_BUNDLE || name->part == PACK_PAYLOADS;
    if (name->part < u->last || (name->part == u->last && !many))
        return err_set(err, ERR_SYNTAX, "its %s stands behind its %s", words[name->part], words[u->last]);
    if (name->part > PACK_ORIGIN && u->last == PACK_NONE)
        return err_set(err, ERR_SYNTAX, "does not begin with its origin");
    if (many && u->last < PACK_CHECKPOINT)
        return err_set(err, ERR_SYNTAX, "its checkpoint is missing");
    u->last = name->part;
    switch (name->part) {
    case PACK_ORIGIN:
        return take_origin(u, bytes, err);
    case PACK_KEYS:
        return take_keys(u, bytes, err);
    case PACK_CHECKPOINT:
        return take_checkpoint(u, bytes, err);
    case PACK_BUNDLE:
        return take_bundle(u, &name->tile, bytes, err);
    case PACK_PAYLOADS:
        return unpack_payloads(u, name->first, bytes, err);
    case PACK_NONE:
        break;
    }
    return 0;
}

int unpack_file(struct unpacking *u, const struct pack_name *name, struct span bytes, struct err *err)
{
    if (strcmp(name->hex, u->hex) != 0) {
        int rc = unpack_end(u, err);
        if (rc)
            return rc;
        memcpy(u->hex, name->hex, sizeof(u->hex));
    }
    if (u->refused)
        return 0;
    return take_part(u, name, bytes, err) ? refuse(u, err) : 0;
}

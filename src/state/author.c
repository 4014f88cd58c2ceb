#include "state/author.h"

#include "state/internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "base/sha256.h"
#include "state/mirror.h"

#define AUTHOR_ARENA_MAX (1u << 17) /* bytes for one record's header */

void author_allow(struct store *store)
{
    store->allowed = true;
}

int author_head(struct store *store, const struct log_row *row, const struct note_signer *const *signers, size_t count,
                struct err *err)
{
    struct buf note;
    struct tlog_hash root;
    uint64_t size;
    buf_init(&note, NOTE_MAX);
    int rc = store_staged_root(store, row->info.number, &size, &root, err);
    if (!rc)
        rc = checkpoint_sign(span_str(row->info.origin), size, &root, signers, count, &note, err);
    if (!rc)
        rc = store_set_head(store, row->info.number, buf_view(&note), err);
    buf_done(&note);
    return rc;
}

/* ---- a new log ---- */

/* Keys and recovery hash into the profile, and the old log's blessing if it continues one. */
static int profile_complete(const struct author_new *make, const struct keys *keys, struct profile *profile,
                            struct err *err)
{
    uint8_t public_key[32], old_seed[32];
    int rc = 0;
    keys_publish(keys, profile);
    if (make->recovery_path)
        rc = recovery_create(make->recovery_path, span_str(profile->name), public_key, err);
    else
        random_bytes(public_key, sizeof public_key); /* nobody has its secret half */
    if (rc)
        return rc;
    sha256_once(span_of(public_key, sizeof public_key), profile->recovery_hash);
    profile->has_succeeds = make->succeeds.len > 0;
    if (!profile->has_succeeds)
        return 0;
    if (!origin_valid(make->succeeds) || !make->old_recovery_path)
        return err_set(err, ERR_USAGE, "to continue a log, its whole origin and its recovery key are needed");
    memcpy(profile->succeeds_origin, make->succeeds.data, make->succeeds.len);
    profile->succeeds_origin[make->succeeds.len] = 0;
    struct buf text;
    buf_init(&text, 1024);
    rc = recovery_load(make->old_recovery_path, old_seed, err);
    if (!rc) {
        succeeds_text(make->succeeds, span_str(profile->name), profile->log_key, &text);
        rc = buf_check(&text, "succession", err);
    }
    if (!rc) {
        ed25519_keypair(old_seed, profile->succeeds_recovery_key);
        ed25519_sign(buf_view(&text), old_seed, profile->succeeds_signature);
    }
    sodium_memzero(old_seed, sizeof old_seed);
    buf_done(&text);
    return rc;
}

/* With the old log here, a recovery key that is not its own is noticed at once. */
static int succession_check(struct store *store, const struct author_new *make, const struct profile *profile,
                            struct err *err)
{
    struct log_info old;
    struct err unknown;
    if (!profile->has_succeeds || store_log_by_origin(store, make->succeeds, &old, &unknown) != 0 || old.size == 0)
        return 0;
    struct arena arena;
    struct member member;
    arena_init(&arena, MEMBER_ARENA_MAX);
    int rc = store_member(store, old.number, &arena, &member, err);
    if (!rc)
        rc = succeeds_verify(profile, &member, err);
    arena_done(&arena);
    return rc;
}

/*
 * May the new log be the operator's? Yes on a new node, and after one's own log that may never be signed again: then
 * *ret_retired is the number of that one, 0 otherwise.
 */
static int operator_check(struct store *store, const struct author_new *make, int64_t *ret_retired, struct err *err)
{
    struct log_info old;
    struct err none;
    *ret_retired = 0;
    if (!make->is_operator)
        return 0;
    int rc = store_operator(store, &old, &none);
    if (rc == ERR_NOTFOUND)
        return 0;
    if (rc) {
        *err = none;
        return rc;
    }
    if (!span_is(make->succeeds, old.origin))
        return err_set(err, ERR_EXISTS, "%s is the operator here already", old.origin);
    if (old.standing == STANDING_GOOD)
        return err_set(err, ERR_EXISTS,
                       "%s is the operator here already, and neither frozen nor suspended: if others have proof of a "
                       "fork, fetch it with `tongzhou sync`",
                       old.origin);
    *ret_retired = old.number;
    return 0;
}

/*
 * `retired`: the log that was the operator's until now, 0: none. *ret_surely_none: no commit was tried, so that the log is
 * not there. After one that failed it may be.
 */
static int create_log(struct store *store, const struct author_new *make, int64_t retired, const struct keys *keys,
                      struct span entry0, struct log_info *ret, bool *ret_surely_none, struct err *err)
{
    struct note_signer signer = {0};
    const struct note_signer *signers[] = {&signer};
    struct log_row row;
    int64_t number;
    struct log_new log = {.origin = span_str(keys->origin),
                          .role = make->role,
                          .mode = MODE_FULL,
                          .is_operator = make->is_operator,
                          .followed = true};
    struct store_entry entry = {.entry = entry0};
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    if (retired)
        rc = db_run(store, err, "UPDATE log SET is_operator = 0 WHERE number = ?", "i", retired);
    if (!rc)
        rc = store_log_create(store, &log, &number, err);
    if (!rc)
        rc = store_add(store, number, &entry, 1, err);
    if (!rc)
        rc = row_load(store, number, &row, err);
    if (!rc)
        rc = note_signer_make(&signer, span_str(keys->origin), NOTE_ED25519, keys->log_seed, err);
    if (!rc)
        rc = author_head(store, &row, signers, 1, err);
    note_signer_wipe(&signer);
    *ret_surely_none = rc != 0;
    rc = store_end(store, true, rc, err);
    return rc ? rc : store_log(store, number, ret, err);
}

int author_create(struct store *store, const struct author_new *make, struct log_info *ret, struct err *err)
{
    if (make->role != LOG_OWN && make->role != LOG_LOCAL)
        return err_set(err, ERR_USAGE, "only own and local logs are made here");
    if (make->role == LOG_OWN && !make->recovery_path)
        return err_set(err, ERR_USAGE, "say where the recovery key of %s goes", make->profile.name);
    struct err none;
    int64_t retired;
    int rc = operator_check(store, make, &retired, err);
    if (rc)
        return rc;
    struct keys keys;
    struct profile profile = make->profile;
    struct buf entry0;
    buf_init(&entry0, INLINE_MAX);
    keys_make(&keys);
    bool recovery_there = make->recovery_path && access(make->recovery_path, F_OK) == 0, saved = false,
         surely_none = true;
    rc = profile_complete(make, &keys, &profile, err);
    if (!rc)
        rc = succession_check(store, make, &profile, err);
    if (!rc)
        rc = profile_write(&profile, make->time_ms, &entry0, err);
    if (!rc)
        rc = origin_make(span_str(profile.name), buf_view(&entry0), keys.origin, err);
    /* Keys first: a log without keys would be lost, keys without a log are only untidy. */
    if (!rc)
        rc = keys_save(store->dir, &keys, err);
    saved = !rc;
    if (!rc)
        rc = create_log(store, make, retired, &keys, buf_view(&entry0), ret, &surely_none, err);
    if (rc && surely_none && make->recovery_path && !recovery_there)
        unlink(make->recovery_path);
    if (rc && surely_none && saved)
        keys_remove(store->dir, span_str(keys.origin), &none);
    keys_wipe(&keys);
    buf_done(&entry0);
    return rc;
}

/* ---- who may sign ---- */

int author_check(const struct store *store, const struct log_row *row, struct err *err)
{
    if (row->info.role != LOG_OWN && row->info.role != LOG_LOCAL)
        return err_set(err, ERR_STATE, "%s is not a log of this node", row->info.origin);
    if (row->info.standing == STANDING_FROZEN)
        return err_set(err, ERR_STATE,
                       "%s is frozen: two versions of it were signed; go on in a new log with `tongzhou init "
                       "--succeeds %s --recovery FILE`",
                       row->info.origin, row->info.origin);
    if (row->info.standing == STANDING_SUSPENDED)
        return err_set(err, ERR_STATE,
                       "%s is suspended: two checkpoints of one size were signed; if it does not clear up, go on in a "
                       "new log with `tongzhou init --succeeds %s --recovery FILE`",
                       row->info.origin, row->info.origin);
    /* Nobody is shown a local log: two versions of it harm no one. */
    if (!store->allowed && row->info.role != LOG_LOCAL)
        return err_set(err, ERR_STATE,
                       "%s: nothing is signed before a peer has confirmed how long our logs are: run `tongzhou sync`, "
                       "or give --alone if this node has no peers",
                       row->info.origin);
    if (row->info.size == 0)
        return err_set(err, ERR_STATE, "%s is empty here: fetch it back from a mirror with `tongzhou sync`",
                       row->info.origin);
    if (row->info.staged != row->info.size)
        return err_set(err, ERR_STATE, "%s is being fetched back from a mirror: run `tongzhou sync` to complete it",
                       row->info.origin);
    return 0;
}

bool keys_published(const struct keys *keys, const struct member *member)
{
    const struct profile *profile = &member->profile;
    struct profile ours;
    keys_publish(keys, &ours);
    return memcmp(ours.cosigner_key, profile->cosigner_key, 32) == 0 &&
           memcmp(ours.request_key, profile->request_key, 32) == 0 &&
           memcmp(ours.encryption_key, profile->encryption_key, 32) == 0;
}

int keys_others_in_force(struct store *store, const struct member *member, struct keys *keys, struct err *err)
{
    if (!keys->has_others_next || keys_published(keys, member))
        return 0;
    struct keys next = *keys;
    keys_promote_others(&next);
    int rc = 0;
    if (keys_published(&next, member)) {
        *keys = next;
        rc = keys_save(store->dir, keys, err);
    }
    keys_wipe(&next);
    return rc;
}

int keys_in_force(struct store *store, const struct member *member, struct keys *keys, struct err *err)
{
    uint8_t public_key[32];
    int rc = keys_others_in_force(store, member, keys, err);
    ed25519_keypair(keys->log_seed, public_key);
    if (rc || memcmp(public_key, member->profile.log_key, 32) == 0)
        return rc;
    if (keys->has_next) {
        ed25519_keypair(keys->next_seed, public_key);
        if (memcmp(public_key, member->profile.log_key, 32) == 0) {
            keys_promote_log(keys);
            return keys_save(store->dir, keys, err);
        }
    }
    return err_set(err, ERR_STATE,
                   "the key file of %s does not hold the log key in force; with the recovery key, `tongzhou rotate "
                   "--recovery FILE` makes a new one",
                   member->origin);
}

/* ---- appending ---- */

/* Memory of one batch: entries and salts, and a seal for each that needs one. */
struct batch {
    struct store_entry *entries;
    uint8_t (*seals)[SEAL_ENTRY_LEN];
    uint8_t (*salts)[SEAL_SALT];
};

static void batch_done(struct batch *batch)
{
    free(batch->entries);
    free(batch->seals);
    free(batch->salts);
}

static int batch_init(struct batch *batch, size_t count, struct err *err)
{
    batch->entries = calloc(count, sizeof *batch->entries);
    batch->seals = calloc(count, sizeof *batch->seals);
    batch->salts = calloc(count, sizeof *batch->salts);
    if (batch->entries && batch->seals && batch->salts)
        return 0;
    batch_done(batch);
    return err_memory(err);
}

/* Inline records take effect by being in the log: what would be without effect is refused here. */
static int item_inline(const struct record *record, struct span text, uint64_t index, struct member *member,
                       struct arena *arena, struct store_entry *out, struct err *err)
{
    uint64_t target;
    if (text.len > INLINE_MAX)
        return err_set(err, ERR_LIMIT, "%zu bytes, %d allowed in the log itself", text.len, INLINE_MAX);
    if (span_is(record->kind, "connect/rotate"))
        return err_set(err, ERR_USAGE, "keys are rotated by `tongzhou rotate`");
    int rc = kind_check(record, err);
    if (!rc && span_is(record->kind, "connect/erase")) {
        rc = erase_parse(record, &target, err);
        if (!rc && target >= index)
            rc = err_set(err, ERR_SYNTAX, "withdraws entry %llu, which is not before it", (unsigned long long)target);
    }
    if (!rc)
        rc = member_apply(member, index, text, arena, err);
    *out = (struct store_entry){.entry = text};
    return rc;
}

static int item_prepare(const struct author_item *item, uint64_t index, struct member *member, struct arena *arena,
                        struct arena *scratch, struct batch *batch, size_t i, struct err *err)
{
    struct record record;
    struct store_entry *out = &batch->entries[i];
    uint8_t hash[32];
    arena_clear(scratch);
    if (item->text.len > PAYLOAD_MAX)
        return err_set(err, ERR_LIMIT, "%zu bytes, %u allowed", item->text.len, PAYLOAD_MAX);
    int rc = record_parse(item->text, scratch, &record, err);
    if (rc)
        return rc;
    if (span_is(record.kind, "seal"))
        return err_set(err, ERR_SYNTAX, "a seal is made of a record, it is none");
    if (kind_constitutional(record.kind))
        return item_inline(&record, item->text, index, member, arena, out, err);
    seal_hash(span_str(member->origin), batch->salts[i], item->text, hash);
    seal_write(hash, batch->seals[i]);
    *out = (struct store_entry){span_of(batch->seals[i], SEAL_ENTRY_LEN), span_of(batch->salts[i], SEAL_SALT),
                                item->text, item->clear};
    return 0;
}

static int prepare_all(const struct log_row *row, const struct author_item *items, size_t count, struct member *member,
                       struct arena *arena, struct batch *batch, struct err *err)
{
    struct arena scratch;
    arena_init(&scratch, AUTHOR_ARENA_MAX);
    random_bytes(batch->salts, count * sizeof *batch->salts); /* a system call for each was 3 % of an import */
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        rc = item_prepare(&items[i], row->info.size + i, member, arena, &scratch, batch, i, err);
        if (rc)
            err_in(err, "record %zu of %zu", i + 1, count);
    }
    arena_done(&scratch);
    return rc;
}

static int append(struct store *store, struct log_row *row, const struct author_item *items, size_t count,
                  struct batch *batch, struct err *err)
{
    struct keys keys = {0};
    struct note_signer signer = {0};
    const struct note_signer *signers[] = {&signer};
    struct member member;
    struct arena arena;
    arena_init(&arena, MEMBER_ARENA_MAX);
    int rc = row_member(store, row, row->info.size, &arena, &member, err);
    if (!rc)
        rc = keys_load(store->dir, span_str(row->info.origin), &keys, err);
    if (!rc)
        rc = keys_in_force(store, &member, &keys, err);
    if (!rc)
        rc = prepare_all(row, items, count, &member, &arena, batch, err);
    if (!rc)
        rc = note_signer_make(&signer, span_str(row->info.origin), NOTE_ED25519, keys.log_seed, err);
    if (!rc)
        rc = store_add(store, row->info.number, batch->entries, count, err);
    if (!rc)
        rc = author_head(store, row, signers, 1, err);
    note_signer_wipe(&signer);
    keys_wipe(&keys);
    arena_done(&arena);
    return rc;
}

int author_append(struct store *store, int64_t number, const struct author_item *items, size_t count, int64_t time_ms,
                  uint64_t *ret_first, struct err *err)
{
    (void)time_ms; /* records carry their own time */
    if (count == 0)
        return err_set(err, ERR_USAGE, "nothing to append");
    struct batch batch;
    struct log_row row;
    int rc = batch_init(&batch, count, err);
    if (rc)
        return rc;
    rc = store_begin(store, err);
    if (!rc) {
        rc = row_load(store, number, &row, err);
        if (!rc)
            rc = author_check(store, &row, err);
        if (!rc)
            rc = append(store, &row, items, count, &batch, err);
        rc = store_end(store, true, rc, err);
    }
    batch_done(&batch);
    if (!rc)
        *ret_first = row.info.size;
    return rc;
}

/* Is there anything that may be withdrawn? */
static int erase_check(struct store *store, const struct log_info *log, uint64_t index, struct err *err)
{
    unsigned flags = 0;
    if (index >= log->size)
        return err_set(err, ERR_NOTFOUND, "log %s has %llu entries, none at %llu", log->origin,
                       (unsigned long long)log->size, (unsigned long long)index);
    int rc = payload_flags(store, log->number, index, &flags, err);
    if (!rc && (flags & SLOT_INLINE))
        rc = err_set(err, ERR_REFUSED, "entry %llu stands in the log itself, which cannot be taken back",
                     (unsigned long long)index);
    return rc;
}

/* One record after the other into `text`, which the items borrow from once all are there. */
static int erase_items(const uint64_t *indices, size_t count, int64_t time_ms, struct buf *text,
                       struct author_item *items, struct err *err)
{
    size_t at = 0;
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        rc = erase_write(indices[i], time_ms, text, err);
        items[i].text.len = text->len - at;
        at = text->len;
    }
    at = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        items[i].text.data = text->data + at;
        at += items[i].text.len;
    }
    return rc;
}

int author_erase_all(struct store *store, int64_t number, const uint64_t *indices, size_t count, int64_t time_ms,
                     struct err *err)
{
    struct buf text;
    struct log_info log;
    uint64_t first;
    size_t erased;
    struct author_item *items = calloc(count ? count : 1, sizeof *items);
    if (!items)
        return err_memory(err);
    buf_init(&text, count * INLINE_MAX);
    int rc = store_log(store, number, &log, err);
    for (size_t i = 0; i < count && !rc; i++)
        rc = erase_check(store, &log, indices[i], err);
    if (!rc)
        rc = erase_items(indices, count, time_ms, &text, items, err);
    /* The entries' commit queues the erasures, so that a crash in between does not lose them. */
    if (!rc)
        rc = author_append(store, number, items, count, time_ms, &first, err);
    if (!rc)
        rc = mirror_erase_queued(store, &erased, err);
    buf_done(&text);
    free(items);
    return rc;
}

int author_erase(struct store *store, int64_t number, uint64_t index, int64_t time_ms, struct err *err)
{
    return author_erase_all(store, number, &index, 1, time_ms, err);
}

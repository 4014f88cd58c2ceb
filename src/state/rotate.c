#include "state/author.h"

#include "state/internal.h"

#include <sodium.h>
#include <unistd.h>

#include "base/random.h"
#include "base/sha256.h"

/* Secrets of one rotation, wiped together. */
struct rotating {
    struct keys keys;
    uint8_t recovery_seed[32];
    struct note_signer old_signer, new_signer;
};

static int check_recovery(const struct member *member, const uint8_t seed[32], struct err *err)
{
    uint8_t public_key[32], hash[32];
    ed25519_keypair(seed, public_key);
    sha256_once(span_of(public_key, sizeof public_key), hash);
    if (memcmp(hash, member->profile.recovery_hash, 32) != 0)
        return err_set(err, ERR_VERIFY, "this is not the recovery key of %s that is in force", member->origin);
    return 0;
}

/* The key that blesses the new one: the recovery key, or the log key of the key file. */
static int old_key(const struct member *member, const char *recovery_path, struct rotating *r, struct err *err)
{
    uint8_t public_key[32];
    const uint8_t *seed = r->keys.log_seed;
    int rc = 0;
    if (recovery_path) {
        seed = r->recovery_seed;
        rc = recovery_load(recovery_path, r->recovery_seed, err);
        if (!rc)
            rc = check_recovery(member, seed, err);
    } else {
        ed25519_keypair(r->keys.log_seed, public_key);
        if (memcmp(public_key, member->profile.log_key, 32) != 0) {
            /* An earlier rotation was committed and the key file not brought up to it. */
            seed = r->keys.next_seed;
            ed25519_keypair(seed, public_key);
            if (!r->keys.has_next || memcmp(public_key, member->profile.log_key, 32) != 0)
                rc = err_set(err, ERR_STATE, "the key file of %s does not hold the log key in force; use the recovery "
                                             "key",
                             member->origin);
            if (!rc)
                memcpy(r->keys.log_seed, r->keys.next_seed, 32);
        }
    }
    if (!rc)
        rc = note_signer_make(&r->old_signer, span_str(member->origin), NOTE_ED25519,
                              recovery_path ? r->recovery_seed : r->keys.log_seed, err);
    return rc;
}

/* Entry and head with both signatures, within the transaction. */
static int rotate_entry(struct store *store, const struct log_row *row, const struct member *member, bool recovery,
                        const uint8_t next_hash[32], int64_t time_ms, struct rotating *r, struct err *err)
{
    struct rotation rotation = {.index = row->info.size,
                                .new_seed = r->keys.next_seed,
                                .old_seed = recovery ? NULL : r->keys.log_seed,
                                .recovery_seed = recovery ? r->recovery_seed : NULL};
    const struct note_signer *signers[] = {&r->old_signer, &r->new_signer};
    struct span origin = span_str(row->info.origin);
    struct buf record, note;
    struct tlog_hash root;
    uint64_t size;
    memcpy(rotation.old_key, member->profile.log_key, 32);
    memcpy(rotation.next_recovery_hash, next_hash, 32);
    buf_init(&record, INLINE_MAX);
    buf_init(&note, NOTE_MAX);
    int rc = rotate_write(origin, &rotation, time_ms, &record, err);
    struct store_entry entry = {.entry = buf_view(&record)};
    if (!rc)
        rc = store_add(store, row->info.number, &entry, 1, err);
    if (!rc)
        rc = store_staged_root(store, row->info.number, &size, &root, err);
    if (!rc)
        rc = checkpoint_sign(origin, size, &root, signers, 2, &note, err);
    if (!rc)
        rc = store_set_head(store, row->info.number, buf_view(&note), err);
    buf_done(&record);
    buf_done(&note);
    return rc;
}

/* The next key is durable in the key file before anything is signed with it. */
static int rotate(struct store *store, const struct log_row *row, const char *recovery_path,
                  const uint8_t next_hash[32], int64_t time_ms, struct rotating *r, struct err *err)
{
    struct member member;
    struct arena arena;
    struct span origin = span_str(row->info.origin);
    arena_init(&arena, MEMBER_ARENA_MAX);
    int rc = row_member(store, row, row->info.size, &arena, &member, err);
    if (!rc)
        rc = keys_load(store->dir, origin, &r->keys, err);
    if (!rc)
        rc = old_key(&member, recovery_path, r, err);
    if (!rc) {
        random_bytes(r->keys.next_seed, 32);
        r->keys.has_next = true;
        rc = note_signer_make(&r->new_signer, origin, NOTE_ED25519, r->keys.next_seed, err);
    }
    if (!rc)
        rc = keys_save(store->dir, &r->keys, err);
    if (!rc)
        rc = rotate_entry(store, row, &member, recovery_path != NULL, next_hash, time_ms, r, err);
    arena_done(&arena);
    return rc;
}

int author_rotate(struct store *store, int64_t number, const char *recovery_path, const char *next_recovery_path,
                  int64_t time_ms, struct err *err)
{
    struct rotating r = {0};
    struct log_row row;
    uint8_t next_public[32], next_hash[32];
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    bool made = false;
    rc = row_load(store, number, &row, err);
    if (!rc)
        rc = author_check(store, &row, err);
    if (!rc && !next_recovery_path)
        rc = err_set(err, ERR_USAGE, "say where the next recovery key of %s goes", row.info.origin);
    if (!rc) {
        rc = recovery_create(next_recovery_path, span_str(row.info.origin), next_public, err);
        made = !rc;
    }
    if (!rc) {
        sha256_once(span_of(next_public, sizeof next_public), next_hash);
        rc = rotate(store, &row, recovery_path, next_hash, time_ms, &r, err);
    }
    if (!rc) {
        rc = store_commit(store, err);
        /* Now in doubt: the commit may have reached the disk, and then the next recovery key is in force. */
        made = false;
    }
    if (rc)
        store_rollback(store);
    if (rc && made)
        unlink(next_recovery_path);
    if (!rc) {
        memcpy(r.keys.log_seed, r.keys.next_seed, 32);
        sodium_memzero(r.keys.next_seed, 32);
        r.keys.has_next = false;
        rc = keys_save(store->dir, &r.keys, err);
    }
    sodium_memzero(&r, sizeof r);
    return rc;
}

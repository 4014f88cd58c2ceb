#include "state/author.h"

#include "state/internal.h"

#include <sodium.h>
#include <unistd.h>

#include "base/random.h"
#include "base/sha256.h"

/* One rotation. Its secrets are wiped together. */
struct rotating {
    const char *recovery_path; /* NULL: the log key in force signs */
    int64_t time_ms;
    uint8_t next_hash[32]; /* of the next recovery key; without recovery_path of the one in force */
    struct keys keys;
    uint8_t recovery_seed[32];
    struct note_signer old_signer, new_signer;
    bool renew; /* the other keys, too: those of the profile are not ours */
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
static int old_key(struct store *store, const struct member *member, struct rotating *r, struct err *err)
{
    int rc;
    if (r->recovery_path) {
        rc = recovery_load(r->recovery_path, r->recovery_seed, err);
        if (!rc)
            rc = check_recovery(member, r->recovery_seed, err);
    } else {
        rc = keys_in_force(store, member, &r->keys, err);
    }
    if (!rc)
        rc = note_signer_make(&r->old_signer, span_str(member->origin), NOTE_ED25519,
                              r->recovery_path ? r->recovery_seed : r->keys.log_seed, err);
    return rc;
}

/* Entry and head with both signatures, within the transaction. A rotation without effect would lose the log key. */
static int rotate_entry(struct store *store, const struct log_row *row, struct member *member, struct arena *arena,
                        struct rotating *r, struct err *err)
{
    struct rotation rotation = {.index = row->info.size,
                                .new_seed = r->keys.next_seed,
                                .old_seed = r->recovery_path ? NULL : r->keys.log_seed,
                                .recovery_seed = r->recovery_path ? r->recovery_seed : NULL};
    const struct note_signer *signers[] = {&r->old_signer, &r->new_signer};
    struct buf record;
    memcpy(rotation.old_key, member->profile.log_key, 32);
    memcpy(rotation.next_recovery_hash, r->next_hash, 32);
    buf_init(&record, INLINE_MAX);
    int rc = rotate_write(span_str(row->info.origin), &rotation, r->time_ms, &record, err);
    struct store_entry entry = {.entry = buf_view(&record)};
    if (!rc)
        rc = member_apply(member, row->info.size, entry.entry, arena, err);
    if (!rc)
        rc = store_add(store, row->info.number, &entry, 1, err);
    if (!rc)
        rc = author_head(store, row, signers, 2, err);
    buf_done(&record);
    return rc;
}

/* The key file; one that is lost is made anew if the recovery key is at hand, and the profile names its keys later. */
static int rotate_keys(struct store *store, const struct member *member, struct rotating *r, struct err *err)
{
    struct err lost;
    struct span origin = span_str(member->origin);
    int rc = keys_load(store->dir, origin, &r->keys, &lost);
    if (rc == ERR_NOTFOUND && r->recovery_path) {
        keys_make(&r->keys);
        memcpy(r->keys.origin, origin.data, origin.len);
        rc = 0;
    }
    if (rc) {
        *err = lost;
        return rc;
    }
    rc = keys_others_in_force(store, member, &r->keys, err);
    r->renew = r->recovery_path && !keys_published(&r->keys, member);
    return rc;
}

/* The next key is durable in the key file before anything is signed with it. */
static int rotate(struct store *store, const struct log_row *row, struct rotating *r, struct err *err)
{
    struct member member;
    struct arena arena;
    arena_init(&arena, MEMBER_ARENA_MAX);
    int rc = row_member(store, row, row->info.size, &arena, &member, err);
    if (!rc)
        rc = rotate_keys(store, &member, r, err);
    if (!rc)
        rc = old_key(store, &member, r, err);
    if (!rc) {
        if (!r->recovery_path)
            memcpy(r->next_hash, member.profile.recovery_hash, 32);
        random_bytes(r->keys.next_seed, 32);
        r->keys.has_next = true;
        rc = note_signer_make(&r->new_signer, span_str(member.origin), NOTE_ED25519, r->keys.next_seed, err);
    }
    if (!rc)
        rc = keys_save(store->dir, &r->keys, err);
    if (!rc)
        rc = rotate_entry(store, row, &member, &arena, r, err);
    arena_done(&arena);
    return rc;
}

/* The next recovery key, if the one in force is there to name it. */
static int next_recovery(const struct log_row *row, const char *path, struct rotating *r, bool *ret_made,
                         struct err *err)
{
    uint8_t public_key[32];
    if (!path)
        return 0;
    int rc = recovery_create(path, span_str(row->info.origin), public_key, err);
    *ret_made = !rc;
    if (!rc)
        sha256_once(span_of(public_key, sizeof public_key), r->next_hash);
    return rc;
}

int author_rotate(struct store *store, int64_t number, const char *recovery_path, const char *next_recovery_path,
                  int64_t time_ms, struct err *err)
{
    struct rotating r = {.recovery_path = recovery_path, .time_ms = time_ms};
    struct log_row row;
    bool made = false;
    if (recovery_path && !next_recovery_path)
        return err_set(err, ERR_USAGE, "say where the next recovery key goes");
    if (next_recovery_path && !recovery_path)
        return err_set(err, ERR_USAGE, "only the recovery key names the next recovery key, and it is not given");
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = row_load(store, number, &row, err);
    if (!rc)
        rc = author_check(store, &row, err);
    if (!rc)
        rc = next_recovery(&row, next_recovery_path, &r, &made, err);
    if (!rc)
        rc = rotate(store, &row, &r, err);
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
        keys_promote_log(&r.keys);
        rc = keys_save(store->dir, &r.keys, err);
    }
    bool renew = r.renew;
    sodium_memzero(&r, sizeof r);
    return rc || !renew ? rc : author_new_profile(store, number, SPAN_LIT(""), time_ms, err);
}

/* ---- the other keys ---- */

/* New ones beside those in force, durable in the key file before a profile names them. */
static int next_others(struct store *store, struct keys *keys, struct profile *profile, struct err *err)
{
    struct keys named;
    keys_make(&named);
    memcpy(keys->cosigner_next, named.cosigner_seed, 32);
    memcpy(keys->request_next, named.request_seed, 32);
    memcpy(keys->encryption_next, named.encryption_seed, 32);
    keys->has_others_next = true;
    named = *keys;
    keys_promote_others(&named);
    keys_publish(&named, profile);
    keys_wipe(&named);
    return keys_save(store->dir, keys, err);
}

/* Within the transaction: the profile that names new keys, signed with the log key; the keys go to *keys. */
static int profile_entry(struct store *store, const struct log_row *row, struct span host, int64_t time_ms,
                         struct keys *keys, struct err *err)
{
    struct note_signer signer = {0};
    const struct note_signer *signers[] = {&signer};
    struct member member;
    struct arena arena;
    struct buf record;
    arena_init(&arena, MEMBER_ARENA_MAX);
    buf_init(&record, INLINE_MAX);
    int rc = row_member(store, row, row->info.size, &arena, &member, err);
    if (!rc)
        rc = keys_load(store->dir, span_str(row->info.origin), keys, err);
    if (!rc)
        rc = keys_in_force(store, &member, keys, err);
    if (!rc)
        rc = next_others(store, keys, &member.profile, err);
    if (rc)
        goto out;
    if (host.len > 0)
        snprintf(member.profile.host, sizeof member.profile.host, "%.*s", SPAN_ARGS(host));
    rc = profile_write(&member.profile, time_ms, &record, err);
    struct store_entry entry = {.entry = buf_view(&record)};
    if (!rc)
        rc = store_add(store, row->info.number, &entry, 1, err);
    if (!rc)
        rc = note_signer_make(&signer, span_str(row->info.origin), NOTE_ED25519, keys->log_seed, err);
    if (!rc)
        rc = author_head(store, row, signers, 1, err);
out:
    note_signer_wipe(&signer);
    buf_done(&record);
    arena_done(&arena);
    return rc;
}

int author_new_profile(struct store *store, int64_t number, struct span host, int64_t time_ms, struct err *err)
{
    struct keys keys = {0};
    struct log_row row;
    if (host.len > ORIGIN_MAX)
        return err_set(err, ERR_LIMIT, "host of %zu bytes, %d allowed", host.len, ORIGIN_MAX);
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = row_load(store, number, &row, err);
    if (!rc)
        rc = author_check(store, &row, err);
    if (!rc)
        rc = profile_entry(store, &row, host, time_ms, &keys, err);
    rc = store_end(store, true, rc, err);
    if (!rc) {
        keys_promote_others(&keys);
        rc = keys_save(store->dir, &keys, err);
    }
    keys_wipe(&keys);
    return rc;
}

#include "record/member.h"

#include "base/codec.h"
#include "base/sha256.h"
#include "record/body.h"
#include "record/kind.h"
#include "record/rotate.h"

#include <assert.h>

#define PARSE_ARENA_MAX (64u << 10) /* bytes: header lines of one record */
#define TEXT_MAX 1024

bool member_entry_matters(struct span entry)
{
    struct span kind = entry_kind(entry);
    return span_is(kind, "connect/profile") || span_is(kind, "connect/rotate");
}

static int parse_foldable(struct span entry, struct arena *arena, struct record *out, struct err *err)
{
    int rc = record_parse(entry, arena, out, err);
    if (rc == 0 && out->hold)
        rc = err_set(err, ERR_SYNTAX, "record: a header line asks not to be folded by readers that do not know it");
    return rc;
}

static int add_key(struct member *member, const struct log_key *key, struct arena *arena, struct err *err)
{
    if (member->key_count == member->key_cap) {
        size_t cap = member->key_cap ? member->key_cap * 2 : 2;
        struct log_key *keys = arena_array(arena, cap, sizeof(*keys));
        if (!keys)
            return err_memory(err);
        if (member->key_count > 0)
            memcpy(keys, member->keys, member->key_count * sizeof(*keys));
        member->keys = keys;
        member->key_cap = cap;
    }
    member->keys[member->key_count++] = *key;
    return 0;
}

/* ---- entry 0 ---- */

static int read_first(struct span entry0, struct profile *out, struct err *err)
{
    struct arena arena;
    struct record record;
    arena_init(&arena, PARSE_ARENA_MAX);
    int rc = parse_foldable(entry0, &arena, &record, err);
    if (rc == 0)
        rc = profile_parse(&record, out, err);
    if (rc == 0 && (bytes_zero(out->log_key, 32) || bytes_zero(out->recovery_hash, 32)))
        rc = err_set(err, ERR_SYNTAX, "profile: \"log_key\" or \"recovery_hash\" is missing");
    arena_done(&arena);
    return rc < 0 ? err_in(err, "entry 0") : 0;
}

int member_begin(struct span origin, struct span entry0, struct arena *arena, struct member *out, struct err *err)
{
    char made[ORIGIN_MAX + 1];
    struct member member = {.seen = 1};
    if (!origin_valid(origin))
        return err_set(err, ERR_SYNTAX, "an origin is NAME/ and %zu characters of base32", BASE32_LEN(TLOG_HASH_SIZE));
    struct span name = span_sub(origin, 0, span_find(origin, '/'));
    int rc = origin_make(name, entry0, made, err);
    if (rc < 0)
        return rc;
    if (!span_is(origin, made))
        return err_set(err, ERR_VERIFY, "entry 0 does not fit the origin: by its hash the origin would be %s", made);
    rc = read_first(entry0, &member.profile, err);
    if (rc < 0)
        return rc;
    if (!span_is(name, member.profile.name))
        return err_set(err, ERR_VERIFY, "entry 0 does not fit the origin: its profile is that of %s",
                       member.profile.name);
    memcpy(member.origin, made, sizeof(made));
    struct log_key key = {.from_size = 0};
    memcpy(key.public_key, member.profile.log_key, 32);
    rc = add_key(&member, &key, arena, err);
    if (rc == 0)
        *out = member;
    return rc;
}

/* ---- later entries ---- */

static int apply_profile(struct member *member, uint64_t index, const struct record *record, struct err *err)
{
    struct profile next;
    const struct profile *now = &member->profile;
    int rc = profile_parse(record, &next, err);
    if (rc < 0)
        return rc;
    if (strcmp(next.name, now->name) != 0)
        return err_set(err, ERR_VERIFY, "profile: a name never changes");
    if (!bytes_zero(next.log_key, 32) && memcmp(next.log_key, now->log_key, 32) != 0)
        return err_set(err, ERR_VERIFY, "profile: log_key is not the key in force, which only a rotation changes");
    if (!bytes_zero(next.recovery_hash, 32) && memcmp(next.recovery_hash, now->recovery_hash, 32) != 0)
        return err_set(err, ERR_VERIFY, "profile: recovery_hash is not the one in force");
    for (size_t i = 0; i < member->key_count; i++)
        if (memcmp(next.cosigner_key, member->keys[i].public_key, 32) == 0 ||
            memcmp(next.request_key, member->keys[i].public_key, 32) == 0)
            return err_set(err, ERR_VERIFY, "profile: cosigner_key or request_key is a key of the log");
    memcpy(next.log_key, now->log_key, 32);
    memcpy(next.recovery_hash, now->recovery_hash, 32);
    next.has_succeeds = now->has_succeeds;
    memcpy(next.succeeds_origin, now->succeeds_origin, sizeof(next.succeeds_origin));
    memcpy(next.succeeds_recovery_key, now->succeeds_recovery_key, 32);
    memcpy(next.succeeds_signature, now->succeeds_signature, 64);
    member->profile = next;
    member->profile_index = index;
    return 0;
}

/*
 * A rotation depends on entry 0 and earlier rotations alone, never on later profiles: so a fork proof, which
 * carries just those, judges it as a reader of the whole log does.
 */
static int apply_rotation(struct member *member, uint64_t index, const struct record *record, size_t entry_len,
                          struct arena *arena, struct err *err)
{
    struct rotate_body body;
    if (entry_len > ROTATE_MAX)
        return err_set(err, ERR_LIMIT, "rotation: %zu bytes, limit %d", entry_len, ROTATE_MAX);
    int rc = rotate_parse(record, &body, err);
    if (rc < 0)
        return rc;
    if (member->key_count > ROTATIONS_MAX)
        return err_set(err, ERR_LIMIT, "rotation: more than %d in one log", ROTATIONS_MAX);
    rc = rotate_verify(&body, span_str(member->origin), index, member->profile.log_key, member->profile.recovery_hash,
                       err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < member->key_count; i++)
        if (memcmp(member->keys[i].public_key, body.new_key, 32) == 0)
            return err_set(err, ERR_VERIFY, "rotation: new_key has been a key of this log before");
    struct log_key key = {.from_size = index + 1, .by_recovery = body.by_recovery};
    memcpy(key.public_key, body.new_key, 32);
    memcpy(key.cosigned_by, body.by_recovery ? body.recovery_key : body.old_key, 32);
    rc = add_key(member, &key, arena, err);
    if (rc < 0)
        return rc;
    memcpy(member->profile.log_key, body.new_key, 32);
    memcpy(member->profile.recovery_hash, body.next_recovery_hash, 32);
    return 0;
}

int member_apply(struct member *member, uint64_t index, struct span entry, struct arena *arena, struct err *err)
{
    assert(index >= member->seen);
    int rc = 0;
    if (member_entry_matters(entry)) {
        struct arena scratch;
        struct record record;
        arena_init(&scratch, PARSE_ARENA_MAX);
        rc = parse_foldable(entry, &scratch, &record, err);
        if (rc == 0 && span_is(record.kind, "connect/profile"))
            rc = apply_profile(member, index, &record, err);
        else if (rc == 0)
            rc = apply_rotation(member, index, &record, entry.len, arena, err);
        arena_done(&scratch);
    }
    if (rc < 0)
        return err_in(err, "entry %llu", (unsigned long long)index);
    member->seen = index + 1;
    return 0;
}

/* ---- keys ---- */

const struct log_key *member_key_at(const struct member *member, uint64_t size)
{
    size_t i = member->key_count;
    while (i > 1 && member->keys[i - 1].from_size > size)
        i--;
    return &member->keys[i - 1];
}

int member_cosigner(const struct member *member, struct note_key *out, struct err *err)
{
    return note_key_make(out, span_str(member->origin), NOTE_COSIGNATURE, member->profile.cosigner_key, err);
}

static int signed_by(const struct member *member, const struct note *note, const uint8_t key[32], struct err *err)
{
    struct note_key verifier;
    int rc = note_key_make(&verifier, span_str(member->origin), NOTE_ED25519, key, err);
    return rc < 0 ? rc : note_verify(note, &verifier, NULL, err);
}

/* Why the key in force did not sign: the reader should learn whether another key of this log did. */
static int explain_missing(const struct member *member, const struct note *note, uint64_t size,
                           const struct log_key *in_force, struct err *err)
{
    for (size_t i = 0; i < member->key_count; i++) {
        const struct log_key *key = &member->keys[i];
        struct err ignored;
        if (key == in_force || signed_by(member, note, key->public_key, &ignored) != 1)
            continue;
        if (key > in_force)
            return err_set(err, ERR_VERIFY, "checkpoint of size %llu: signed by a key in force only from size %llu on",
                           (unsigned long long)size, (unsigned long long)key->from_size);
        return err_set(err, ERR_VERIFY, "checkpoint of size %llu: signed by a retired key (retired by entry %llu)",
                       (unsigned long long)size, (unsigned long long)(key[1].from_size - 1));
    }
    return err_set(err, ERR_VERIFY, "checkpoint of size %llu: no signature by the log's key", (unsigned long long)size);
}

int member_verify_checkpoint(const struct member *member, const struct note *note, const struct checkpoint *checkpoint,
                             struct err *err)
{
    if (!span_is(checkpoint->origin, member->origin))
        return err_set(err, ERR_VERIFY, "checkpoint: not of %s", member->origin);
    if (checkpoint->size == 0)
        return err_set(err, ERR_VERIFY, "checkpoint of size 0: a log begins with its profile");
    const struct log_key *key = member_key_at(member, checkpoint->size);
    int rc = signed_by(member, note, key->public_key, err);
    if (rc < 0)
        return err_in(err, "checkpoint of size %llu", (unsigned long long)checkpoint->size);
    if (rc == 0)
        return explain_missing(member, note, checkpoint->size, key, err);
    if (key == member->keys || key->from_size != checkpoint->size)
        return 0;
    rc = signed_by(member, note, key->cosigned_by, err);
    if (rc < 0)
        return err_in(err, "checkpoint of size %llu", (unsigned long long)checkpoint->size);
    if (rc == 0)
        return err_set(err, ERR_VERIFY, "checkpoint of size %llu: ends with a rotation, but the %s key has not signed",
                       (unsigned long long)checkpoint->size, key->by_recovery ? "recovery" : "old log");
    return 0;
}

/* ---- succession ---- */

void succeeds_text(struct span old_origin, struct span new_name, const uint8_t new_log_key[32], struct buf *out)
{
    buf_str(out, "tongzhou/1 succeeds\n");
    buf_span(out, old_origin);
    buf_byte(out, '\n');
    buf_span(out, new_name);
    buf_byte(out, '\n');
    buf_base64(out, new_log_key, 32);
    buf_byte(out, '\n');
}

int succeeds_verify(const struct profile *new_profile, const struct member *old_member, struct err *err)
{
    uint8_t hash[32];
    if (!new_profile->has_succeeds || strcmp(new_profile->succeeds_origin, old_member->origin) != 0)
        return err_set(err, ERR_VERIFY, "succession: the new profile does not name %s", old_member->origin);
    sha256_once(span_of(new_profile->succeeds_recovery_key, 32), hash);
    if (memcmp(hash, old_member->profile.recovery_hash, 32) != 0)
        return err_set(err, ERR_VERIFY, "succession: recovery_key does not have the old log's recovery hash");
    struct buf text;
    buf_init(&text, TEXT_MAX);
    succeeds_text(span_str(old_member->origin), span_str(new_profile->name), new_profile->log_key, &text);
    int rc = buf_check(&text, "succession", err);
    if (rc == 0 &&
        !ed25519_verify(buf_view(&text), new_profile->succeeds_recovery_key, new_profile->succeeds_signature))
        rc = err_set(err, ERR_VERIFY, "succession: the signature is not by the old log's recovery key");
    buf_done(&text);
    return rc;
}

/*
 * Members: profile, self-certifying origin, the keys and how they change. A `struct member` is a fold over the
 * constitutional entries of one log; it is pure: same entries, same member.
 *
 * Bodies are JSON objects (jansson, strict). PROTOCOL.md, "Members".
 *
 * connect/profile {"name","class","jurisdiction"?,"sectors"?[],"languages"?[],"contact"?,
 *   "log_key","cosigner_key","request_key","encryption_key" (base64 of 32 bytes),"recovery_hash" (hex SHA-256 of
 *   the recovery public key),"endpoints"?[],"host"?,
 *   "succeeds"?{"origin","recovery_key","signature"}}
 *   In entry 0 log_key and recovery_hash are binding; in later profiles they must be absent or equal to what is in
 *   force (the log key changes by rotation only). "name" never changes. "succeeds" counts in entry 0 only. The log,
 *   cosigner and request keys must differ: a cosignature does not cover its signer's name.
 *   succeeds.signature: Ed25519 by the old log's recovery key over
 *   "tongzhou/1 succeeds\nOLD-ORIGIN\nNEW-NAME\nBASE64(new log key)\n".
 *
 * connect/rotate {"old_key","new_key","signed_by":"log"|"recovery","recovery_key"? (present with "recovery"),
 *   "next_recovery_hash","old_signature","new_signature"}
 *   Both signatures over "tongzhou/1 rotate\nORIGIN\nINDEX\nBASE64(old)\nBASE64(new)\nNEXT-RECOVERY-HASH-HEX\n";
 *   old_signature by the old log key or the recovery key. The checkpoint of size INDEX + 1 carries the signatures
 *   of both keys (old or recovery; new), under the origin as name.
 *   Only the recovery key names another recovery key; signed by "log", next_recovery_hash repeats the one in force.
 *   So who steals the log key, which is online, does not get the power of the recovery key, which is not.
 *
 * connect/erase: body "INDEX\n": the payload of that earlier entry of this log is withdrawn.
 */
#ifndef TONGZHOU_RECORD_MEMBER_H
#define TONGZHOU_RECORD_MEMBER_H

#include "record/record.h"
#include "tlog/checkpoint.h"

enum member_class { CLASS_INTERGOVERNMENTAL, CLASS_STATE, CLASS_PRIVATE, CLASS_CIVIL, CLASS_UNKNOWN };
const char *member_class_word(enum member_class class);
enum member_class member_class_parse(struct span word);

#define MEMBER_LIST_MAX 16  /* sectors, languages, endpoints */
#define MEMBER_WORD_MAX 256 /* bytes of one of their items, and of jurisdiction and contact */
#define ENTRY0_MAX 8192     /* bytes of entry 0: a fork proof, which repeats it in base64, must fit INLINE_MAX */
#define ROTATE_MAX 1024     /* bytes of a rotation's entry that takes effect: for the same reason */

struct member_list {
    unsigned count;
    char item[MEMBER_LIST_MAX][MEMBER_WORD_MAX + 1];
};

/* What a profile says. */
struct profile {
    char name[ORIGIN_NAME_MAX + 1];
    enum member_class class;
    char jurisdiction[MEMBER_WORD_MAX + 1], contact[MEMBER_WORD_MAX + 1], host[ORIGIN_MAX + 1];
    struct member_list sectors, languages, endpoints;
    uint8_t log_key[32], recovery_hash[32]; /* all zero: absent (allowed in later profiles only) */
    uint8_t cosigner_key[32], request_key[32], encryption_key[32];
    bool has_succeeds;
    char succeeds_origin[ORIGIN_MAX + 1];
    uint8_t succeeds_recovery_key[32], succeeds_signature[64];
};

/* What profile_write writes, profile_parse accepts. */
int profile_write(const struct profile *profile, int64_t time_ms, struct buf *out_record, struct err *err);
int profile_parse(const struct record *record, struct profile *out, struct err *err);

/*
 * NAME: 1..ORIGIN_NAME_MAX bytes of [a-z0-9.-] and, beyond ASCII, letters that are not upper case, marks and decimal
 * digits, in NFC. Neither '.' nor '-' at its ends, no "..", no mark at its beginning.
 */
bool member_name_valid(struct span name);

/* NAME/H for entry 0. `out` has ORIGIN_MAX + 1 bytes. ERR_SYNTAX the name; ERR_LIMIT above ENTRY0_MAX. */
int origin_make(struct span name, struct span entry0, char *out, struct err *err);

/* Form only: NAME '/' 52 characters of base32. */
bool origin_valid(struct span origin);

/* SHA-256 of the origin: the directory name and /logs/HEX of a log. */
void origin_hash(struct span origin, uint8_t out[32]);

/* "cert.example.org/k5xq…" for people. `out` has ORIGIN_MAX + 1 bytes. */
void origin_short(struct span origin, char *out);

/* One key of the log and from which size its checkpoints must carry it. */
struct log_key {
    uint64_t from_size; /* first checkpoint size that this key signs: 0 for entry 0's, INDEX + 1 after a rotation */
    uint8_t public_key[32];
    bool by_recovery;        /* came by a rotation that the recovery key signed */
    uint8_t cosigned_by[32]; /* the other key whose signature the checkpoint at from_size must carry too */
};

struct member {
    char origin[ORIGIN_MAX + 1];
    struct profile profile; /* latest valid, but log_key and recovery_hash are those in force, succeeds entry 0's */
    uint64_t profile_index;
    struct log_key *keys; /* in an arena of the caller's: key_count ≥ 1 */
    size_t key_count, key_cap;
    uint64_t seen; /* entries folded so far have indices < seen */
};

/*
 * Begin with entry 0, checked against the origin (hash, name, form).
 * Errors: ERR_VERIFY "entry 0 does not fit the origin", ERR_SYNTAX.
 */
int member_begin(struct span origin, struct span entry0, struct arena *arena, struct member *out, struct err *err);

/*
 * Fold a later constitutional entry; entries may be skipped (seals, others), never repeated.
 * 0: folded, or of a kind that says nothing of keys. ERR_VERIFY/ERR_SYNTAX: an invalid rotation or profile; the
 * member is unchanged and the entry is without effect (never fatal to the log: everyone ignores it alike).
 */
int member_apply(struct member *member, uint64_t index, struct span entry, struct arena *arena, struct err *err);

/* Does this entry, by its first line, matter to member_apply? (profile or rotate) */
bool member_entry_matters(struct span entry);

/*
 * Is this checkpoint of `member` signed as its size demands? The member must have been folded at least to
 * checkpoint->size entries: key in force at that size, and at a key's from_size both signatures.
 * Errors: ERR_VERIFY missing or failed signature (a retired key is named as such).
 */
int member_verify_checkpoint(const struct member *member, const struct note *note, const struct checkpoint *checkpoint,
                             struct err *err);

/* The key in force at checkpoint size `size` (≥ 1). */
const struct log_key *member_key_at(const struct member *member, uint64_t size);

/* The verifier key of the member's cosignatures: name = origin, type 0x04, key = profile's cosigner_key. */
int member_cosigner(const struct member *member, struct note_key *out, struct err *err);

/* Texts that get signed, appended to `out`. */
void rotate_text(struct span origin, uint64_t index, const uint8_t old_key[32], const uint8_t new_key[32],
                 const uint8_t next_recovery_hash[32], struct buf *out);
void succeeds_text(struct span old_origin, struct span new_name, const uint8_t new_log_key[32], struct buf *out);

struct rotation {
    uint64_t index;
    uint8_t old_key[32];
    const uint8_t *new_seed;        /* 32 bytes */
    const uint8_t *old_seed;        /* the old log key's, or NULL */
    const uint8_t *recovery_seed;   /* used when old_seed is NULL */
    uint8_t next_recovery_hash[32]; /* with old_seed the one in force: else the rotation will be without effect */
};

/* The record's text of a rotation, signed. ERR_USAGE: a seed that does not belong to old_key. */
int rotate_write(struct span origin, const struct rotation *rotation, int64_t time_ms, struct buf *out_record,
                 struct err *err);

/*
 * Valid succession: new profile's `succeeds` verifies against the old member's recovery hash in force.
 * `new_profile` is the one in entry 0 of the new log (after a rotation there, member.profile.log_key is another).
 */
int succeeds_verify(const struct profile *new_profile, const struct member *old_member, struct err *err);

/* connect/erase. */
int erase_write(uint64_t index, int64_t time_ms, struct buf *out_record, struct err *err);
int erase_parse(const struct record *record, uint64_t *ret_index, struct err *err);

#endif

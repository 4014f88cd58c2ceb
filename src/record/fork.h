/*
 * Fork proofs: `connect/fork`, a constitutional record that any node can check without having seen either branch.
 *
 * Body (JSON): {"origin", "entries":[base64 entry 0, rotations up to the key...], "entry_indices":[0, ...],
 *   "a":{"checkpoint": note text with the log's signature(s) only, "proofs":[[base64...] one inclusion proof per entry
 *        of "entries", in this branch]},
 *   "b":{...},
 *   "index"?: i, "leaf_a","leaf_b": base64 leaf hashes, "proof_a","proof_b": inclusion proofs [base64...]}
 *
 * With "index": a proof of a fork at i: freezes from the smallest proven index. Without: two checkpoints of one
 * size with different roots: suspends, removes nothing. Both checkpoints must be signed by one log key that no
 * rotation in the proof retires before the smaller of the two sizes.
 */
#ifndef TONGZHOU_RECORD_FORK_H
#define TONGZHOU_RECORD_FORK_H

#include "record/member.h"

struct fork_branch {
    struct span checkpoint;          /* signed note */
    const struct tlog_proof *proofs; /* inclusion of each of `entries` in this branch */
    struct tlog_hash leaf;           /* with has_index */
    struct tlog_proof leaf_proof;
};

struct fork_proof {
    char origin[ORIGIN_MAX + 1];
    const struct span *entries;    /* entry 0 and the rotations up to the signing key */
    const uint64_t *entry_indices; /* ascending, [0] = 0 */
    size_t entry_count;
    struct fork_branch a, b;
    bool has_index;
    uint64_t index;
};

/*
 * Of both checkpoints only the signatures under the origin's name are written. ERR_LIMIT: longer than INLINE_MAX.
 */
int fork_write(const struct fork_proof *proof, int64_t time_ms, struct buf *out_record, struct err *err);

/* Parse; spans and arrays live in the arena. ERR_SYNTAX, ERR_LIMIT. */
int fork_parse(const struct record *record, struct arena *arena, struct fork_proof *out, struct err *err);

enum fork_verdict { FORK_FREEZES, FORK_SUSPENDS };

/*
 * Check everything that the proof itself can show. ERR_VERIFY: proves nothing (with the reason).
 * Not enough to act on: see fork_stands.
 */
int fork_verify(const struct fork_proof *proof, enum fork_verdict *ret, struct err *err);

/*
 * A proof made with a retired key is reported and never freezes, and only what a reader knows of the member can
 * tell: whoever holds a retired key can leave its retirement out of two branches of his own. 0: nothing in
 * `known`, folded over the reader's copy of the log, retires a key that the verified proof relies on.
 * ERR_VERIFY: something does (with the entry), or `known` is another member.
 */
int fork_stands(const struct fork_proof *proof, const struct member *known, struct err *err);

#endif

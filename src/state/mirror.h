/*
 * Taking over what a peer or a pack says of somebody's log. Nothing is believed: entry 0 must fit the origin, entries
 * must hash to the root, the root must be signed by the key in force. Only then it becomes our head, durably, and
 * only then we cosign.
 */
#ifndef TONGZHOU_STATE_MIRROR_H
#define TONGZHOU_STATE_MIRROR_H

#include "state/keys.h"

enum mirror_result {
    MIRROR_BEHIND,    /* the checkpoint is of our size or smaller and consistent: nothing to do */
    MIRROR_ADVANCE,   /* larger: fetch entries from log_info.staged on */
    MIRROR_FORK_SAME, /* signed by the log, same size, other root */
    MIRROR_FORK_OLD,  /* signed by the log, smaller, and our root at that size differs */
};

/*
 * Look at a checkpoint that a peer serves for a log here. Verifies what can be verified now: form, origin, the signature
 * by a key that we know. A signature by a key that we do not know yet is accepted only as MIRROR_ADVANCE (a
 * rotation may be among the entries to come; mirror_finish decides).
 * Errors: ERR_SYNTAX, ERR_VERIFY (a forged or retired signature), ERR_LIMIT.
 */
int mirror_judge(struct store *store, const struct log_info *log, struct span note, enum mirror_result *ret,
                 struct err *err);

/*
 * Stage entries [log.staged, ...) given in bundle form, within the caller's transaction. With staged == 0 the first
 * entry must fit the origin (ERR_VERIFY).
 *   ret_count  entries staged
 */
int mirror_stage(struct store *store, int64_t number, struct span bundle, uint64_t *ret_count, struct err *err);

/*
 * Everything up to the checkpoint's size is staged: recompute the root, fold the keys, verify the signatures, make it
 * the head; erasures (connect/erase) among the new entries are queued. Within the caller's transaction.
 * Errors: ERR_VERIFY with what did not hold; the caller unstages, and hunts for a fork if the signature was good.
 */
int mirror_finish(struct store *store, int64_t number, struct span note, struct err *err);

/*
 * After the commit that made the head durable: sign it with the operator's cosigner key and keep that line. Begins and
 * commits its own transaction unless one is open. Nothing is signed as long as the log is shorter than it was when it was
 * emptied to be healed: what was cosigned then could be contradicted.
 */
int mirror_cosign(struct store *store, int64_t number, uint64_t now_s, struct err *err);

/*
 * Collect cosignatures from a note that a peer serves for exactly our head: lines by members whose profiles we
 * hold, verified; others are ignored. Within the caller's transaction.
 */
int mirror_collect(struct store *store, int64_t number, struct span note, size_t *ret_new, struct err *err);

/* Carry out erasures that entries of mirrored logs ask for; own transactions. Returns how many by *ret. */
int mirror_erase_queued(struct store *store, size_t *ret, struct err *err);

/*
 * A verified fork proof: remember it and freeze (smallest index wins) or suspend. Within the caller's transaction.
 * Idempotent. `record_text` may be empty: two checkpoints are known, and no proof for others could be made of them.
 */
int mirror_fork(struct store *store, int64_t number, bool freezes, uint64_t index, struct span record_text,
                struct err *err);

/* The record that proves the fork of a log that is frozen or suspended, appended; ERR_NOTFOUND without one. */
int mirror_fork_proof(struct store *store, int64_t number, struct buf *out, struct err *err);

/*
 * Heal one's own log: a peer served a verified, longer version of it, consistent with ours: entries are staged and
 * finished like a mirror's (role stays LOG_OWN). Same calls; mirror_finish accepts own logs when the key fits.
 */

#endif

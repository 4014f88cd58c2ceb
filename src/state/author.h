/*
 * Writing one's own logs: the only place that seals and signs. Every function is one transaction of its own and is
 * durable on return.
 *
 * Before the first signature of a process the start check must have passed (connect/startcheck.h calls author_allow);
 * until then appending fails with ERR_STATE and says what to do. Most forks are accidents: restored backups, cloned
 * disks. A local log needs no check: it is never served, so nobody could see two versions of it.
 */
#ifndef TONGZHOU_STATE_AUTHOR_H
#define TONGZHOU_STATE_AUTHOR_H

#include "state/keys.h"

/* The start check passed (or --alone, or the node has no peers). A handle's own flag. */
void author_allow(struct store *store);

struct author_new {
    struct profile profile; /* keys and recovery hash are filled in here */
    int64_t time_ms;
    enum log_role role;            /* LOG_OWN or LOG_LOCAL */
    bool is_operator;              /* the node's own member; where there is one already see author_create */
    const char *recovery_path;     /* where the new recovery key is written; NULL for LOG_LOCAL: none is kept */
    struct span succeeds;          /* old origin, .len 0: none */
    const char *old_recovery_path; /* needed with succeeds */
};

/*
 * Make keys, entry 0 and the first signed checkpoint. With is_operator on a node that has an operator: only if the new
 * log succeeds the operator's, and that one is frozen or suspended; it keeps its role, and ceases to be the operator's
 * in the same transaction. Errors: ERR_EXISTS an operator, a log or a recovery file is there already; ERR_VERIFY not
 * the recovery key of the old log; ERR_USAGE what is missing; ERR_IO.
 */
int author_create(struct store *store, const struct author_new *make, struct log_info *ret, struct err *err);

struct author_item {
    struct span text; /* a whole record; constitutional kinds stand inline, all others are sealed with a fresh salt */
    bool clear;       /* TLP:CLEAR */
};

/*
 * Append 1..n records as one batch: payloads, entries, hashes, signed checkpoint, one commit.
 *   ret_first  index of the first
 * Errors: ERR_LIMIT a length; ERR_SYNTAX a record out of form; ERR_STATE frozen, suspended, not checked, no keys;
 * ERR_IO fatal.
 */
int author_append(struct store *store, int64_t number, const struct author_item *items, size_t count, int64_t time_ms,
                  uint64_t *ret_first, struct err *err);

/*
 * Rotate the log key: a connect/rotate entry and the checkpoint with both signatures, new key in the key file.
 *   recovery_path       sign with the recovery key in this file; NULL: with the old log key
 *   next_recovery_path  with recovery_path: the next recovery key is made here; NULL without it: the log key cannot
 *                       name another recovery key, so the one in force stays
 * With recovery_path the other keys are replaced, too, if the profile names some that the key file does not hold: the
 * file was lost, or whoever stole the log key said so.
 * Errors: ERR_USAGE one path without the other; ERR_VERIFY not the recovery key in force; ERR_LIMIT ROTATIONS_MAX;
 * ERR_STATE, ERR_IO as author_append.
 */
int author_rotate(struct store *store, int64_t number, const char *recovery_path, const char *next_recovery_path,
                  int64_t time_ms, struct err *err);

/*
 * New cosigner, request and encryption keys, and `host` (may be empty: unchanged), by a later profile: what a member does
 * that moved. The key file holds them before the profile names them.
 */
int author_new_profile(struct store *store, int64_t number, struct span host, int64_t time_ms, struct err *err);

/*
 * Sign what a request is signed over (record/http_sig.h) by the request key of a member that lives here. No log is signed,
 * so this needs no start check. ERR_STATE not its node; ERR_NOTFOUND no keys.
 */
int author_sign_request(struct store *store, int64_t number, struct span text, uint8_t ret_sig[ED25519_SIG],
                        struct err *err);

/* Withdraw a payload: append connect/erase, then payload_erase. The record must be one's own and a seal. */
int author_erase(struct store *store, int64_t number, uint64_t index, int64_t time_ms, struct err *err);

/* The same for several of one log, which are withdrawn all together or not at all. */
int author_erase_all(struct store *store, int64_t number, const uint64_t *indices, size_t count, int64_t time_ms,
                     struct err *err);

#endif

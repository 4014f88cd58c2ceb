/*
 * Payloads on disk. `data` holds items: u64 index ‖ u32 length ‖ salt ‖ payload, 8-byte aligned; the index in
 * front detects a slot that points at something else. `slots` holds a u64 an entry: flags in the upper 16 bits,
 * offset + 8 of its item in the lower 48, 0 for "nothing known". Slots of the tail are a column of its rows, as
 * are salts and payloads up to PAYLOAD_TAIL_MAX.
 *
 * Erasure, in steps, each safe to repeat: (1) commit: slot flag ERASED (never fetched again) and a row in
 * `erasing`; (2) overwrite salt and payload with zeros in `data`, sync; rows of the tail are overwritten by
 * secure_delete, the WAL is truncated; (3) commit: the row of `erasing` goes. A reader that began before (1)
 * reads the slot again after the payload and drops what it read if the slot changed.
 */
#ifndef TONGZHOU_STATE_PAYLOAD_H
#define TONGZHOU_STATE_PAYLOAD_H

#include "state/store.h"

#define SLOT_HELD 1u    /* salt and payload are here */
#define SLOT_CLEAR 2u   /* TLP:CLEAR: may be served to anybody */
#define SLOT_ERASED 4u  /* withdrawn by its author or by this node: never fetch again */
#define SLOT_REFUSED 8u /* arrived and turned away (fits no seal form we accept, policy): do not fetch again */
#define SLOT_INLINE 16u /* the entry is no seal: there is no payload */
/*
 * With SLOT_HELD, and never with SLOT_CLEAR: it is here, and policy holds it until a person or a changed policy releases it.
 * It is neither folded nor shown nor served, in bundles it is a hole, and it does not count among the payloads held.
 */
#define SLOT_WAITING 32u

/*
 * Read one: salt and payload appended to `out` as one payload item (u32 length ‖ salt ‖ payload).
 *   ret_flags  SLOT_* of the entry, also when nothing is held; may be NULL
 * ERR_NOTFOUND when not held. The seal is not checked here: it was when the payload was stored.
 */
int payload_read(struct store *store, int64_t number, uint64_t index, struct buf *out, unsigned *ret_flags,
                 struct err *err);

/*
 * The same, but of a payload longer than `max` bytes only its beginning: whoever looks through many for what their headers
 * say does not wait for what their authors have put behind. A part cannot be checked against a seal.
 *   max  bytes of payload, PAYLOAD_TAIL_MAX at least
 */
int payload_read_head(struct store *store, int64_t number, uint64_t index, size_t max, struct buf *out,
                      unsigned *ret_flags, struct err *err);

/* Only the flags. */
int payload_flags(struct store *store, int64_t number, uint64_t index, unsigned *ret_flags, struct err *err);

/*
 * Append payload items for entries [first, first + count): a hole for those not held, those that wait and, with
 * `clear_only`, those not CLEAR. Stops in front of an item that would make `out` longer than PAYLOAD_BUNDLE_MAX (at least one goes in).
 *   ret_count  entries covered
 */
int payload_read_bundle(struct store *store, int64_t number, uint64_t first, size_t count, bool clear_only,
                        struct buf *out, size_t *ret_count, struct err *err);

/*
 * The same for somebody who may see some of those that are not CLEAR: each of them is read and `admits` asked.
 *   payload  its text, for the call
 */
struct payload_choice {
    int (*admits)(void *ctx, uint64_t index, struct span payload, bool *ret, struct err *err);
    void *ctx;
};
int payload_read_chosen(struct store *store, int64_t number, uint64_t first, size_t count,
                        const struct payload_choice *choice, struct buf *out, size_t *ret_count, struct err *err);

/*
 * Within a transaction: keep a payload that arrived after its entry. Checks the seal (ERR_VERIFY). No-op if held or
 * erased. Gives the log a new seq if it is CLEAR.
 */
int payload_put(struct store *store, int64_t number, uint64_t index, struct span salt, struct span payload, bool clear,
                struct err *err);

struct payload_new {
    uint64_t index;
    struct span salt, payload; /* borrowed */
    bool clear;
    bool waiting; /* policy holds it: whatever `clear` says, it is not served */
};

/*
 * The same for many of one log, ascending by index: several times faster than one by one, for whatever they share is
 * looked up once a bundle. After an error the caller rolls back.
 *   ret_kept  how many were new
 */
int payload_put_many(struct store *store, int64_t number, const struct payload_new *items, size_t count,
                     size_t *ret_kept, struct err *err);

/* Within a transaction: remember not to ask for it again. */
int payload_refuse(struct store *store, int64_t number, uint64_t index, struct err *err);

/* Within a transaction: it may be asked for again. No-op unless it was refused. */
int payload_forgive(struct store *store, int64_t number, uint64_t index, struct err *err);

/* Within a transaction: what waits counts as held from now on, as if it had just arrived. ERR_NOTFOUND: it does not wait. */
int payload_release(struct store *store, int64_t number, uint64_t index, bool clear, struct err *err);

/* Within a transaction: what is held waits from now on. ERR_NOTFOUND: not held. */
int payload_await(struct store *store, int64_t number, uint64_t index, struct err *err);

/*
 * Held, waiting or not here: these are refused, and what is here of them goes as payload_erase says, except that they may
 * come back. Erased ones stay erased.
 *   count  at most 1,024
 *   with   what is written in the same commit: why; may be NULL
 */
struct payload_away {
    const int64_t *refs;
    size_t count;
    int (*with)(void *ctx, struct err *err);
    void *ctx;
};
int payload_turn_away(struct store *store, const struct payload_away *away, struct err *err);

/*
 * Begins and commits transactions of its own: after success no file below DIR/payloads and no page of state.db holds
 * the payload or its salt, be it held or dropped before. An entry that is no seal stays as it is. The index and the
 * sweep set forget by their own means (index.h).
 */
int payload_erase(struct store *store, int64_t number, uint64_t index, struct err *err);

/*
 * Within a transaction: mirror_erase_queued, called behind its commit, is to erase it, too. So many share their commits, and
 * a crash in between does not lose it.
 */
int payload_erase_later(struct store *store, int64_t number, uint64_t index, struct err *err);

/*
 * Keep no payload of entries below `index` any longer: what is held there is forgotten (erased ones stay erased, and
 * any may be fetched again), its bytes in the files become zeros, which take no room where the file system can, and
 * payloads_from moves. Begins and commits transactions of its own. If the process ends in between, the next open writes
 * the zeros.
 */
int payload_drop_before(struct store *store, int64_t number, uint64_t index, struct err *err);

/* Lowest index ≥ from whose payload is neither held, erased, refused nor inline, below size; size if none. */
int payload_next_wanted(struct store *store, int64_t number, uint64_t from, uint64_t *ret_index, struct err *err);

#endif

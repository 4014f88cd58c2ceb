/*
 * Hunting forks: a peer shows a checkpoint that the log's own key has signed and that contradicts ours. The peer's
 * tiles lead to the first leaf in which the branches differ; two inclusion proofs make it a record that any node
 * can check without having seen either branch. Everything that a peer sends here is verified by that proof or worthless.
 */
#ifndef TONGZHOU_CONNECT_FORK_HUNT_H
#define TONGZHOU_CONNECT_FORK_HUNT_H

#include <stdatomic.h>

#include "record/fork.h"
#include "state/store.h"

struct fetcher;

struct fork_hunt {
    const char *url;                  /* of the peer that holds the other branch, */
    const struct tlog_source *source; /* or its hashes themselves; NULL: the tiles at url */
    struct span note;                 /* its checkpoint, signed by the log */
    bool may_sign;                    /* tell the community: append connect/fork to the operator's own log */
    int64_t now_ms;
    unsigned low_speed_bps, low_speed_s, connect_timeout_ms; /* as in fetch.h; 0: usual */
    const atomic_bool *stop;                                 /* give up soon after this becomes true; may be NULL */
};

enum fork_outcome {
    FORK_NONE,    /* the peer's tiles agree with ours: no fork, it only served wrong entries */
    FORK_PROVEN,  /* two leaves at one index: frozen */
    FORK_SUSPECT, /* no tiles to be had, two roots at one size: suspended */
};

struct fork_found {
    enum fork_outcome outcome;
    uint64_t index;    /* FORK_PROVEN */
    bool is_new;       /* nobody here knew as much before */
    bool told;         /* the record stands in our own log */
    struct buf record; /* the record's text; always to be freed by the caller */
};

/*
 * Blocking; own transactions. `fetcher` is the calling thread's.
 * Errors: ERR_VERIFY the two cannot be brought to a proof (a retired key, tiles that do not hash to the root); ERR_NET and
 * others: the peer could not be asked.
 */
int fork_hunt(struct store *store, struct fetcher *fetcher, int64_t number, const struct fork_hunt *hunt,
              struct fork_found *ret, struct err *err);

/* Proofs that could not be signed for when they were found (the start check had not passed, our own log was frozen):
 * append them to the operator's log now, if that can be. */
int fork_tell_untold(struct store *store, int64_t now_ms, struct err *err);

/*
 * Fork records among entries [from, size) of a log, or of any other log than the one accused: those that verify are
 * remembered and freeze or suspend. An accused log that nobody mirrors here is listed, so that it is frozen when it
 * comes. Own transactions.
 *   ret_forks  proofs that held
 */
int fork_scan(struct store *store, int64_t number, uint64_t from, size_t *ret_forks, struct err *err);

#endif

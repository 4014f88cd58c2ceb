/*
 * Healing what a disk has changed: found by reading and hashing everything, and fetched again from whoever has it. A log
 * whose tree does not hold is begun anew, and that only once a peer has shown a whole copy of it.
 */
#ifndef TONGZHOU_CONNECT_HEALING_H
#define TONGZHOU_CONNECT_HEALING_H

#include "state/heal.h"
#include "state/peers.h"

/* A damaged log. */
struct healing_log {
    struct log_info log;
    struct log_damage damage;
    char mirror[PEER_URL_MAX +
                1]; /* the peer with a whole copy; looked for if the tree does not hold, "" if there is none */
};

struct healing {
    struct healing_log *logs;
    size_t count, cap, looked_at;
};

/*
 * Look at every log, ask peers, change nothing: `store` may be open for reading only.
 *   progress  bytes of logs looked at, and of all; may be NULL
 */
int healing_find(struct store *store, void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                 struct healing *ret, struct err *err);
void healing_free(struct healing *healing);

/* With the node opened for healing (store_options.heal): mend, and arrange for the next round to fetch what lacks. */
int healing_mend(struct store *store, const struct healing *healing, struct err *err);

/* Contents that this node keeps of the log, by its mode, and has not got. */
int healing_lacking(struct store *store, const struct log_info *log, uint64_t *ret, struct err *err);

#endif

/*
 * Succession: a member whose log was lost or forked goes on in a new log, entry 0 of which names the old one and is signed
 * by the old log's recovery key as it was in force in front of the fork. Without that signature anybody could have
 * written it: then only a person may take the one for the other. Source: PROTOCOL.md, "Members".
 *
 * Whether it holds is worked out from both logs whenever somebody asks: either may arrive first, and a fork that is
 * proven later can change which recovery key counts.
 */
#ifndef TONGZHOU_CONNECT_SUCCESSION_H
#define TONGZHOU_CONNECT_SUCCESSION_H

#include "state/store.h"

enum succession {
    SUCCESSION_NONE,    /* the log names no other */
    SUCCESSION_UNKNOWN, /* it does, but that one is not here */
    SUCCESSION_FALSE,   /* the old log's recovery key did not sign for it */
    SUCCESSION_TRUE,
};

/* What the log says in entry 0, and whether it is so. *ret_old: the old log, set with FALSE and TRUE. */
int succession_of(struct store *store, int64_t number, enum succession *ret, struct log_info *ret_old, struct err *err);

/*
 * The log's beginning has arrived. If it truly goes on for a member that is followed, it is followed from now on as the
 * old one is. Only the first one is: else who forked could make us mirror any number of logs beyond every quota.
 * Own transaction. ERR_STATE: another writer was in the way.
 */
int succession_adopt(struct store *store, int64_t number, bool *ret_adopted, struct err *err);

#endif

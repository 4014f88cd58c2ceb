/*
 * connect: members, their keys, what they withdrew, who forked. The tables serve pages and search; nothing that has to be
 * right without the index (freezing, erasing) reads them.
 *
 *   connect_member    a member as its log says now: one row a log, keyed by the ref of its entry 0
 *   connect_identity  valid profiles and rotations, from which that row is made again when a later one is forgotten
 *   connect_rotation  key changes
 *   connect_erase     withdrawals
 *   connect_fork      proofs that held, in whichever log they stand
 *   connect_parcel, connect_parcel_item  contents for few that travel encrypted: parcels.h
 */
#ifndef TONGZHOU_CONNECT_CAPABILITY_H
#define TONGZHOU_CONNECT_CAPABILITY_H

#include "index/index.h"

extern const struct capability connect_capability;

/* identity.c: fold a profile or rotation; forget one. */
int identity_apply(struct fold *fold, const struct fold_record *record, struct err *err);
int identity_forget(struct fold *fold, int64_t ref, struct err *err);

#endif

/*
 * What a disk has changed in the files of a log, and mending it: a slot is made again from `data`, content that does not
 * fit its seal is forgotten so that it is fetched again, and a log whose tree does not hold is emptied to be mirrored
 * anew. Everything is read and hashed: seconds for a million records.
 */
#ifndef TONGZHOU_STATE_HEAL_H
#define TONGZHOU_STATE_HEAL_H

#include "state/store.h"

struct log_damage {
    char tree[ERR_TEXT_MAX];  /* why the tree does not hold; "": it does, and slots and contents were looked at */
    bool cut;                 /* `data` or `slots` is too short: counted by log_mend only, which fills it up */
    uint64_t slots, contents; /* changed ones */
};

/* Reads only. A disk that gives an error, not other bytes, is no damage but ERR_IO. */
int log_damage_find(struct store *store, int64_t number, struct log_damage *ret, struct err *err);

/*
 * A transaction of its own, with nobody else having the node open (store_options.heal). Slots and contents are mended;
 * the tree is not looked at. What `data` holds and no slot names any more becomes zeros, for an erasure would not find it.
 *   ret  what was found and mended
 */
int log_mend(struct store *store, int64_t number, struct log_damage *ret, struct err *err);

/* A transaction of its own: the log is as if nothing of it had ever been here, to be fetched from whoever has it. */
int log_begin_anew(struct store *store, int64_t number, struct err *err);

#endif

/* Receipts while the node runs: members whose time has come confirm, and people are told of receipts that came. */
#ifndef TONGZHOU_NODE_RECEIPTING_H
#define TONGZHOU_NODE_RECEIPTING_H

#include "connect/receipts.h"

struct receipting {
    void (*tell)(void *ctx, const char *line);
    void *ctx;
    /* Of each member, by a hash of its name: what was here when all that was for it was confirmed. Zeros: nobody yet. */
    struct receipting_seen {
        uint64_t member, state;
    } seen[RECEIPT_MEMBERS_MAX];
    char told[ERR_TEXT_MAX + ORIGIN_MAX + 32]; /* last: the same every second would fill a disk */
};

/*
 * Behind each folding, and about once a second.
 *   is_new  something was folded since the last call
 * A member whose log signs nothing is told of and keeps no other from it. Errors: ERR_IO, ERR_MEMORY.
 */
int receipting_look(struct receipting *receipting, struct store *store, struct index *index, int64_t now_ms,
                    bool is_new, struct err *err);

#endif

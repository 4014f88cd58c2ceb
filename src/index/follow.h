/*
 * A thread that folds while its maker goes on appending to the same folder. A million imported indicators are folded in
 * about the time that writing them takes, and both need a core: beside each other they end sooner. It opens handles of
 * its own, shares nothing with its maker but a flag and a counter, and commits as index_update does.
 */
#ifndef TONGZHOU_INDEX_FOLLOW_H
#define TONGZHOU_INDEX_FOLLOW_H

#include "base/err.h"

struct index_follow;

/* Folds what is there now, then waits. `dir`: a node's folder that is open elsewhere in this process, too. */
int index_follow_start(const char *dir, struct index_follow **ret, struct err *err);

/* Something was committed. */
void index_follow_wake(struct index_follow *follow);

/*
 * End the thread behind the batch that it is in, and free it; NULL is allowed. What is left the next index_update folds.
 * The error is the first that the thread met, and not worth more than a repetition by one's own handle.
 */
int index_follow_end(struct index_follow *follow, struct err *err);

#endif

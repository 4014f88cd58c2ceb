/*
 * Decisions of those to whom this node's operator has ceded the power to moderate (governance/cessions.h): what they publish as
 * policy/decision takes effect here, as a person's would, and stands in the same table, with the cession by which it counts.
 *
 * One takes effect if, as it is looked at, the cession holds and is for its author, and if it was said within its time and by
 * its own time is not still to come. Both are asked: a decision that names a time before the end says nothing of when it was
 * made, so one that comes behind the end does nothing. About contents of its author's own, or of members that live here, none
 * does anything. What a person here has decided goes above all of them; of theirs the last one counts.
 *
 * What took effect stays when the cession ends, until somebody decides otherwise.
 */
#ifndef TONGZHOU_MODERATION_CEDED_H
#define TONGZHOU_MODERATION_CEDED_H

#include "index/view.h"

/* In one round: each refusal removes something from the disk for good, and whoever waits for this is to wait for seconds. */
#define CEDED_AT_ONCE 128

/*
 * Let what is new take effect. Behind each folding, and now and then, for times pass. Commits of its own; can be repeated.
 *   ret_count  so many did: what they change is to be folded; CEDED_AT_ONCE: there may be more
 */
int ceded_follow(struct store *store, struct index *index, int64_t now_ms, uint64_t *ret_count, struct err *err);

#endif

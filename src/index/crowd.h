/*
 * One content and many members: what a view knows of its audience, asked once instead of once for each of them. Groups are
 * rows of bits, as the author's community and the hosts of those who are named; looking a member up costs one probe.
 *
 * It answers as view_audience does, from the same sources: a test holds the two together.
 */
#ifndef TONGZHOU_INDEX_CROWD_H
#define TONGZHOU_INDEX_CROWD_H

#include "index/view.h"

struct crowd;

/*
 * For what `author` says in this record, at that time; `view`, `author` and `record` have to live on. Free with crowd_free,
 * NULL too. *ret is NULL if it cannot be asked for many at once (too many names; somebody knows groups only one by one): then
 * members are asked about one by one.
 */
int crowd_new(const struct view *view, int64_t time_ms, struct span author, const struct record *record,
              struct crowd **ret, struct err *err);
void crowd_free(struct crowd *crowd);

/* In which words of `to` that are groups is the member? A bit each, from the first. */
uint64_t crowd_groups(const struct crowd *crowd, struct span member);

/* As view_audience. */
enum audience_verdict crowd_audience(const struct crowd *crowd, struct span member);

#endif

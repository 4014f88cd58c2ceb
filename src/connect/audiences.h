/*
 * Who is in which group or community has changed, as the index now says: then those to whom older contents may go are told of
 * them again, and what a member living here may have by now is asked for again. So nothing is lost though a group's list came
 * behind what was said to it, and what an author grants to newcomers reaches them. Where rules look at groups, everybody is told
 * of all logs again: a rule may let go what nobody asked for since.
 */
#ifndef TONGZHOU_CONNECT_AUDIENCES_H
#define TONGZHOU_CONNECT_AUDIENCES_H

#include "index/index.h"

/*
 * Behind each folding. Own transaction, if anything has changed; can be repeated.
 *   again  tell all groups and communities again: at a start, and when some were given less meanwhile (view_was_behind)
 */
int audiences_tend(struct store *store, struct index *index, bool again, struct err *err);

#endif

/*
 * Groups and those who are in them: a node keeps what is for a group only if it knows that somebody who lives there is in
 * it, and it knows that from the group's own record. One that policy keeps that record from may leave what is for it.
 */
#ifndef TONGZHOU_CONNECT_PREVIEW_GROUP_H
#define TONGZHOU_CONNECT_PREVIEW_GROUP_H

#include "index/view.h"

struct preview_groups;

/* The groups of `author` that the record names; in the arena. `view` is of somebody of this node. */
int preview_groups_find(const struct view *view, const struct log_info *author, const struct record *named,
                        int64_t time_ms, struct arena *arena, struct preview_groups **ret, struct err *err);

/*
 * Does this member's view get the record of any of these groups? Of groups of others it is not known here: then yes.
 *   in  the words of `to` that are groups it is in (crowd_groups)
 */
int preview_groups_known(const struct preview_groups *groups, const struct view *member, uint64_t in, bool *ret,
                         struct err *err);

#endif

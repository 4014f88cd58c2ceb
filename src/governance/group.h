/*
 * A named list of members, published by its owner: kind governance/group, a content kind. The body:
 *
 *   {"name":WORD,"members":[O,...],"ended"?:true}
 *
 * A later record of the same log replaces an earlier one of that name. No members: nobody. In a `to` line a group is
 * ORIGIN#WORD. With a name of that form, another member's group, it is a list of whom the author admits to that one, which
 * counts while that is ceded to it (cessions.h), and is for everybody to read. No clock, no database. PROTOCOL.md, "Communities".
 */
#ifndef TONGZHOU_GOVERNANCE_GROUP_H
#define TONGZHOU_GOVERNANCE_GROUP_H

#include "record/member.h"

#define GROUP_KIND "governance/group"
#define GROUP_NAME_MAX 64       /* bytes of a-z 0-9 - */
#define GROUP_MEMBERS_MAX 10000 /* origins */
#define GROUP_ADDRESS_MAX (ORIGIN_MAX + 1 + GROUP_NAME_MAX)

struct group {
    char name[GROUP_ADDRESS_MAX + 1];
    const char **members; /* in the arena, ascending, none twice */
    size_t count;
    bool ended;
};

bool group_name_valid(struct span name);

/* Of whom it is a list: whom its author admits to a group of somebody else's? */
static inline bool group_admits(const char *name)
{
    return strchr(name, '#') != NULL;
}

/* ORIGIN#WORD into its parts; false if it is no such thing. */
bool group_address(struct span text, struct span *ret_origin, struct span *ret_name);

int group_parse(const struct record *record, struct arena *arena, struct group *out, struct err *err);

/* The record's text, appended; TLP as given. Sorts the members in place. ERR_SYNTAX a name or origin; one twice; a list
 * of whom it admits that is not TLP:CLEAR. */
int group_write(struct group *group, enum tlp tlp, int64_t time_ms, struct buf *out_record, struct err *err);

#endif

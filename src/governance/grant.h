/*
 * What a member said to a group before others came into it is given to them, too, by its author alone: kind
 * governance/grant, a content kind. The body:
 *
 *   {"group":ORIGIN#WORD,"since"?:TIME}
 *
 * All that its log said to this group from `since` (absent: ever) to the record's own time is also for who is in the group at
 * that time. No clock, no database. PROTOCOL.md, "Communities and groups".
 */
#ifndef TONGZHOU_GOVERNANCE_GRANT_H
#define TONGZHOU_GOVERNANCE_GRANT_H

#include "governance/group.h"

#define GRANT_KIND "governance/grant"
#define GRANT_GROUP_MAX (ORIGIN_MAX + 1 + GROUP_NAME_MAX) /* bytes */

struct grant {
    char group[GRANT_GROUP_MAX + 1];
    bool has_since;
    int64_t since_ms;
};

int grant_parse(const struct record *record, struct grant *out, struct err *err);

/* The record's text, appended: TLP:AMBER+STRICT, to the group itself. ERR_SYNTAX no group's address. */
int grant_write(const struct grant *grant, int64_t time_ms, struct buf *out_record, struct err *err);

#endif

/*
 * What a member says about communities in its own log, each constitutional:
 *
 *   governance/endorse  {"roster":HEX,"parent"?:HEX}           consent to a roster version; parent absent: to a version 1
 *   governance/join     {"community":HEX,"message"?:LINE}      asks to be added
 *   governance/sponsor  {"community":HEX,"origin":O,"message"?:LINE}  vouches for one that asks
 *   governance/leave    {"community":HEX,"message"?:LINE}      belongs to it no more
 *
 * No clock, no database. PROTOCOL.md, "Communities".
 */
#ifndef TONGZHOU_GOVERNANCE_STATEMENT_H
#define TONGZHOU_GOVERNANCE_STATEMENT_H

#include "record/member.h"

#define ENDORSE_KIND "governance/endorse"
#define JOIN_KIND "governance/join"
#define SPONSOR_KIND "governance/sponsor"
#define LEAVE_KIND "governance/leave"
#define STATEMENT_MESSAGE_MAX 512 /* bytes */

enum statement_type { STATEMENT_ENDORSE, STATEMENT_JOIN, STATEMENT_SPONSOR, STATEMENT_LEAVE };

struct statement {
    enum statement_type type;
    uint8_t target[32]; /* the roster version, or the community */
    bool has_parent;    /* STATEMENT_ENDORSE */
    uint8_t parent[32];
    char origin[ORIGIN_MAX + 1];             /* STATEMENT_SPONSOR */
    char message[STATEMENT_MESSAGE_MAX + 1]; /* "" none */
};

/* Its kind by name: false if it is none of the four. */
bool statement_type_of(struct span kind, enum statement_type *ret);

int statement_parse(const struct record *record, struct statement *out, struct err *err);
int statement_write(const struct statement *statement, int64_t time_ms, struct buf *out_record, struct err *err);

#endif

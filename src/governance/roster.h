/*
 * One version of the list of a community's members: kind governance/roster, constitutional. The body:
 *
 *   {"version":N,"charter":HEX,"parent"?:HEX,"refounds"?:HEX,
 *    "additions":[{"origin":O,"operator":O,"class":WORD,"sponsors"?:[O,...]},...],
 *    "removals"?:[{"origin":O,"reason":"left"|"excluded","because"?:LINE},...]}
 *
 * Additions and removals ascend by origin, no origin twice and none in both. Version 1 has no parent, no removals, no
 * sponsors, and may name the version that it re-founds; every later one has a parent. A version is named by the SHA-256
 * of its record's text; a community by that of its version 1. No clock, no database. PROTOCOL.md, "Communities".
 */
#ifndef TONGZHOU_GOVERNANCE_ROSTER_H
#define TONGZHOU_GOVERNANCE_ROSTER_H

#include "record/member.h"

#define ROSTER_KIND "governance/roster"
#define ROSTER_CHANGES_MAX 256   /* additions, and removals, of one version */
#define ROSTER_VERSIONS_MAX 1024 /* of one community: one a week is twenty years; then it is founded anew */
#define ROSTER_SPONSORS_MAX 16
#define ROSTER_BECAUSE_MAX 512 /* bytes */

struct roster_addition {
    const char *origin, *operator;
    enum member_class class;
    const char *sponsors[ROSTER_SPONSORS_MAX];
    size_t sponsor_count;
};

struct roster_removal {
    const char *origin;
    bool excluded;       /* by the others; else it left */
    const char *because; /* NULL: nothing said */
};

struct roster_version {
    uint64_t version; /* from 1 */
    uint8_t charter[32];
    bool has_parent, has_refounds;
    uint8_t parent[32], refounds[32];
    struct roster_addition *additions; /* in the arena */
    struct roster_removal *removals;
    size_t addition_count, removal_count;
};

/* Strings and arrays live in the arena. ERR_SYNTAX, ERR_LIMIT: what, found, allowed. */
int roster_parse(const struct record *record, struct arena *arena, struct roster_version *out, struct err *err);

/* The record's text, appended; what it writes, roster_parse accepts. Sorts additions, sponsors and removals in place. */
int roster_write(struct roster_version *version, int64_t time_ms, struct buf *out_record, struct err *err);

#endif

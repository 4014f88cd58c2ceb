/*
 * A power that a member hands to another member, or to a group, for a scope and a time, and takes back when it likes: kind
 * governance/cession, constitutional: what a member does not decide itself, everybody may know. The body:
 *
 *   {"power":"moderate","to":TO,"from"?:TIME,"until":TIME,"kinds"?:[KIND,...],"members"?:[O or O#NAME,...],"about"?:LINE}
 *   {"power":"admit","to":TO,"from"?:TIME,"until":TIME,"group":NAME,"about"?:LINE}
 *   {"revokes":INDEX,"because"?:LINE}
 *
 * TO is an origin, or ORIGIN#NAME, a group. `from` absent: from the record's own time on; never before it. INDEX is of the same
 * log, so nobody revokes what somebody else has given. No clock, no database. PROTOCOL.md, "Cessions".
 */
#ifndef TONGZHOU_POLICY_CESSION_H
#define TONGZHOU_POLICY_CESSION_H

#include "record/member.h"

#define CESSION_KIND "governance/cession"
#define CESSION_SCOPE_MAX 32 /* kinds, and members */
#define CESSION_TO_MAX (ORIGIN_MAX + 65)
#define CESSION_WORD_MAX 64                           /* bytes of a power, kind or group's name */
#define CESSION_LINE_MAX 256                          /* bytes of about and because */
#define CESSION_LONGEST_MS (INT64_C(3653) * 86400000) /* ten years: what is ceded for ever is not lent */

enum cession_power {
    POWER_MODERATE, /* its published decisions about contents of others take effect on the node of who cedes, as a person's */
    POWER_ADMIT,  /* whom it admits to a group of who cedes is in it */
    POWER_UNKNOWN /* read and shown, never written, without effect */
};

struct cession {
    bool revokes;
    uint64_t index; /* of the cession that is revoked */
    enum cession_power power;
    char word[CESSION_WORD_MAX + 1]; /* the power's */
    char to[CESSION_TO_MAX + 1];
    int64_t from_ms, until_ms; /* from_ms 0: not stated */
    const char *kinds[CESSION_SCOPE_MAX], *members[CESSION_SCOPE_MAX];
    size_t kind_count, member_count;
    char group[CESSION_WORD_MAX + 1];
    char about[CESSION_LINE_MAX + 1]; /* of a revocation: because */
};

/* POWER_UNKNOWN: none of that name. */
enum cession_power cession_power_find(struct span word);
const char *cession_power_word(enum cession_power power); /* not of POWER_UNKNOWN */

/* CAPABILITY/NAME, or CAPABILITY and a star for all of its. */
bool cession_kind_valid(struct span kind);

/* Strings live in the arena. ERR_SYNTAX, ERR_LIMIT: what, found, allowed. */
int cession_parse(const struct record *record, struct arena *arena, struct cession *out, struct err *err);

/* The record's text, appended; what it writes, cession_parse accepts. ERR_SYNTAX also for a power that is not known. */
int cession_write(const struct cession *cession, int64_t time_ms, struct buf *out_record, struct err *err);

/* What a decision is about. */
struct cession_case {
    struct span kind, author;                       /* kind.len 0: not known: no scope with kinds has it */
    bool (*in_group)(void *ctx, struct span group); /* is the author in it? */
    void *ctx;
};

/* Is it within the scope of this power to moderate? The time is asked besides. */
bool cession_covers(const struct cession *cession, const struct cession_case *about);

#endif

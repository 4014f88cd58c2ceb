/*
 * What waits for a roster version: who asks to join and who vouches for it, who left and until when notice runs; and
 * whether a version that somebody proposes says the truth about that. The clock is the caller's: the fold needs none, but
 * whoever endorses judges by its own.
 */
#ifndef TONGZHOU_GOVERNANCE_DESK_H
#define TONGZHOU_GOVERNANCE_DESK_H

#include "governance/governance.h"

#define DESK_MAX 1000 /* requests, and departures, that are looked at */

struct desk_request {
    const char *origin, *message, *operator;
    enum member_class class;
    int64_t time_ms;
    const char *sponsors[ROSTER_SPONSORS_MAX]; /* members that vouch; one an operator first */
    size_t sponsor_count;
    uint64_t voices, needed; /* different operators among them; how many the charter asks for */
    bool known;              /* its log is here: operator and class are its profile's */
    bool operator_listed;    /* its operator is a member, or itself */
};

struct desk_departure {
    const char *origin, *message;
    int64_t time_ms, until_ms; /* it left; notice runs until */
    bool due;
};

struct desk {
    struct desk_request *requests;
    struct desk_departure *departures;
    size_t request_count, departure_count;
};

/* Could it be added by a version now? */
static inline bool desk_ready(const struct desk_request *request)
{
    return request->known && request->operator_listed && request->voices >= request->needed;
}

int desk_read(const struct view *view, const struct community *community, int64_t now_ms, struct arena *arena,
              struct desk *ret, struct err *err);

/* Operator and class of a member by its profile. ERR_NOTFOUND: its log is not here. Strings in the arena. */
int desk_profile(const struct view *view, const char *origin, struct arena *arena, const char **ret_operator,
                 enum member_class *ret_class, struct err *err);

/*
 * Is what a child of the tip says borne out by the members' own logs: those it adds have asked, their sponsors have
 * vouched, operators and classes are those of the profiles, those that "left" have left and notice is over?
 * ERR_VERIFY names what is not.
 */
int desk_check(const struct view *view, const struct community *community, const struct roster_version *version,
               int64_t now_ms, struct arena *arena, struct err *err);

#endif

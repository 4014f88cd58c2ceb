/*
 * Powers that members have ceded (policy/cession.h), as folded: governance_cession, a row a cession, and
 * governance_cession_end, a row a revocation. A cession is in the log of whoever cedes, and so is its end: every node that has
 * the log knows both.
 *
 * To admit has its effect here: whom a list of the delegate admits is in the group, on every node that has the logs, for as
 * long as the cession holds. To moderate has its effect in moderation/ceded.h, on the node of whoever cedes alone.
 *
 * What was ceded cannot be ceded on: a delegate cedes powers of its own, and a group that is a delegate is whom its own list
 * names, without those whom somebody admits to it.
 */
#ifndef TONGZHOU_GOVERNANCE_CESSIONS_H
#define TONGZHOU_GOVERNANCE_CESSIONS_H

#include "governance/governance.h"
#include "policy/cession.h"

/* To admit to one group: only so many count, the last ones, held or not. Whoever says thousands slows down no question. */
#define CESSIONS_COUNTING 256

enum cession_state {
    CESSION_HOLDS,
    CESSION_COMING, /* its time has not begun */
    CESSION_EXPIRED,
    CESSION_REVOKED,
    CESSION_STRANGE, /* a power that this version does not know */
    CESSION_EMPTY /* who cedes has no such power: a guest does not moderate a node, nobody admits to what is no group of its own */
};

struct governance_cession {
    int64_t ref;
    const char *origin; /* who cedes */
    struct cession said;
    int64_t from_ms, until_ms;
    bool revoked;
    int64_t revoked_ms;  /* by the time of the revocation */
    const char *because; /* of the revocation, "" none */
    enum cession_state state;
};
const char *cession_state_word(enum cession_state state);

/* All, or those of one log (0: all), by origin, oldest first, as they stand then. What `each` gets is valid for the call. */
int cessions_each(const struct view *view, int64_t number, int64_t time_ms,
                  int (*each)(void *ctx, const struct governance_cession *cession, struct err *err), void *ctx,
                  struct err *err);

/* The same of all logs, at most so many of each, the last that it has said: thousands of one log cost little. */
int cessions_each_newest(const struct view *view, unsigned newest, int64_t time_ms,
                         int (*each)(void *ctx, const struct governance_cession *cession, struct err *err), void *ctx,
                         struct err *err);
uint64_t cessions_count(const struct view *view); /* all */

/* One by its ref. Strings in the arena. ERR_NOTFOUND. */
int cessions_find(const struct view *view, int64_t ref, int64_t time_ms, struct arena *arena,
                  struct governance_cession *ret, struct err *err);

/* Is this member the one to whom it is ceded, or then on the list of that group? */
bool cession_is_for(const struct view *view, const struct cession *cession, const char *origin, int64_t time_ms);

/*
 * Is `member` in this group, for all that its own list says, by somebody to whom admitting to it is ceded then? And since when:
 * not before the cession, nor before the delegate's list.
 */
bool cessions_admit(const struct view *view, struct span owner, struct span name, struct span member, int64_t time_ms,
                    int64_t *ret_since_ms);

/* The same, all of them; one may come more than once. */
int cessions_each_admitted(const struct view *view, struct span owner, struct span name, int64_t time_ms,
                           int (*each)(void *ctx, struct span member, int64_t since_ms, struct err *err), void *ctx,
                           struct err *err);

/* Another number when any of that may be answered otherwise for this group. */
int64_t cessions_mark(const struct view *view, struct span owner, struct span name);

/* SQL: e, of governance_cession_end, ends the cession c: it is in the same log, and names its index. */
#define CESSION_ENDS "e.origin = c.origin AND e.at = (c.ref & 1099511627775)"

/* ---- their part of the fold ---- */

int cessions_apply(struct fold *fold, const struct fold_record *record, struct err *err);

#endif

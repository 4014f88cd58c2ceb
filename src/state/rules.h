/*
 * The policy in force, and what it has decided: tables policy_version, verdict, decision and policy_count of state.db.
 *
 * In force is the last row of policy_version; without one, the built-in policy. DIR/policy.conf comes into force when
 * rules_adopt finds it changed and free of errors: one commit, which all threads and processes see with their next look. So
 * reloading is atomic, and a file with errors changes nothing; what is wrong with it is kept for `status`.
 *
 * A verdict other than "accept" about a content leaves a row in `verdict`: held or refused, by which line of which
 * version, when. What a person decides stands in `decision`, is never changed, and goes above all rules; so does what another
 * member decides to whom that was ceded (moderation/ceded.h), but what a person here decides goes above that.
 */
#ifndef TONGZHOU_STATE_RULES_H
#define TONGZHOU_STATE_RULES_H

#include "policy/policy.h"
#include "state/store.h"

/* ---- versions ---- */

struct rules_version {
    int64_t number; /* 0: the built-in policy, never replaced so far */
    char version[POLICY_VERSION_LEN + 1];
    int64_t since_ms;
};

/*
 * The policy in force, compiled; valid until this handle has seen it change twice. Cheap while it has not changed.
 *   ret_version  may be NULL
 */
int rules_policy(struct store *store, const struct policy **ret, struct rules_version *ret_version, struct err *err);

/*
 * Look at DIR/policy.conf and put it into force if it is another text than what is. A file that is gone brings the
 * built-in policy back. Begins and commits a transaction if there is something to write.
 *   errors       of the file, for ERR_SYNTAX; may be NULL
 *   ret_changed  another version is in force
 * ERR_SYNTAX, ERR_LIMIT, ERR_REFUSED: the file cannot come into force: the old one stays, and rules_trouble says so.
 */
int rules_adopt(struct store *store, int64_t now_ms, struct policy_errors *errors, bool *ret_changed, struct err *err);

/*
 * Other lists are adopted (state/lists.h): the same file with them comes into force, whatever stands in DIR/policy.conf by now.
 * Within a transaction. ERR_SYNTAX, ERR_LIMIT: it cannot be, and nothing has changed.
 */
int rules_renew(struct store *store, int64_t now_ms, struct err *err);

/* What is wrong with the file, appended; nothing if all is well. */
int rules_trouble(struct store *store, struct buf *out, struct err *err);

/* The text of a version that was in force (0: the built-in policy), appended; `out` NULL: only which. ERR_NOTFOUND. */
int rules_text(struct store *store, int64_t number, struct buf *out, struct rules_version *ret, struct err *err);

/* The newest `max` versions, newest first. */
int rules_versions(struct store *store, size_t max,
                   int (*each)(void *ctx, const struct rules_version *version, struct err *err), void *ctx,
                   struct err *err);

/* Has what the version in force says been applied to what waits and what was refused? Within a transaction: it has. */
int rules_applied(struct store *store, bool *ret, struct err *err);
int rules_set_applied(struct store *store, int64_t number, struct err *err);

/* ---- members ---- */

/* Who is in a group is known to a higher module (index/judge.h). One for each handle; it is done with when that is closed. */
struct rules_groups {
    bool (*in_group)(void *ctx, struct store *store, struct span group, struct span member);
    void (*done)(void *ctx);
    void *ctx;
};
/* After rules_policy has succeeded on this handle. */
void rules_set_groups(struct store *store, const struct rules_groups *groups);
/* NULL: nobody was set. */
const struct rules_groups *rules_groups(const struct store *store);

/*
 * The row of bits of the member whose log this is, by its latest profile here. Cached: a log that has not grown is looked
 * up without reading, unless the policy looks at groups. ERR_STATE if it does, and nobody knows of them.
 */
int rules_author(struct store *store, const struct policy *policy, const struct log_info *log, struct policy_bits *ret,
                 struct err *err);

/* The same of whoever looks; one whose log is not here is known by the origin alone. */
int rules_viewer(struct store *store, const struct policy *policy, struct span origin, struct policy_bits *ret,
                 struct err *err);
/* For many, one after the other: a handle keeps their rows. */
int rules_viewer_log(struct store *store, const struct policy *policy, const struct log_info *log,
                     struct policy_bits *ret, struct err *err);

/* ---- verdicts about contents ---- */

#define VERDICT_KIND_MAX 64
#define VERDICT_LANG_MAX 35 /* as RFC 5646 asks for */

struct verdict {
    int64_t ref;
    enum policy_act act; /* POLICY_HOLD, POLICY_REFUSE */
    unsigned line;       /* 0: no rule, but a person or what the format asks for */
    int64_t version;     /* rules_version.number */
    char reason[POLICY_REASON_MAX + 1];
    int64_t time_ms;
    /* What is known of the content itself, for lists and rates: it may be gone. "", TLP_NONE: not known. */
    char kind[VERDICT_KIND_MAX + 1], lang[VERDICT_LANG_MAX + 1];
    enum tlp tlp;
};

/* Within a transaction. What was known of the content stays known when the new row says nothing of it. */
int verdict_put(struct store *store, const struct verdict *verdict, struct err *err);
int verdict_remove(struct store *store, int64_t ref, struct err *err);                    /* within a transaction */
int verdict_find(struct store *store, int64_t ref, struct verdict *ret, struct err *err); /* ERR_NOTFOUND "" */

/* The refs of all with this act above `after`, ascending, at most `max`. */
int verdict_refs(struct store *store, enum policy_act act, int64_t after, int64_t *out, size_t max, size_t *ret_count,
                 struct err *err);

int verdict_count(struct store *store, enum policy_act act, uint64_t *ret, struct err *err);

/* Verdicts in numbers: how many of one log, language and act, by rule or by a person, and of all of them, how many are CLEAR. */
struct verdict_sum {
    int64_t log;
    const char *lang; /* "": not stated, or not known */
    enum policy_act act;
    bool by_person;
    uint64_t count, clear;
};
int verdict_sums(struct store *store, int (*each)(void *ctx, const struct verdict_sum *sum, struct err *err), void *ctx,
                 struct err *err);

/* Add what is refused by each line of this version, since then, to `io`, of lines 0 .. count - 1. */
int verdict_lines(struct store *store, int64_t version, int64_t since_ms, uint64_t *io, size_t count, struct err *err);

/* ---- what persons decided ---- */

#define DECISION_WHO_MAX 128
#define DECISION_REASON_MAX 1024

struct decision {
    int64_t number, ref;
    enum policy_act act; /* POLICY_YES: released; POLICY_REFUSE */
    char who[DECISION_WHO_MAX + 1], reason[DECISION_REASON_MAX + 1];
    int64_t time_ms;
    int64_t published; /* ref of the record that tells it, 0: none */
    int64_t cession;   /* ref of the cession by which another member decided; 0: a person here did */
};

/* Within a transaction; sets number. ERR_STATE: by a cession, and a person here has decided about it. */
int decision_put(struct store *store, struct decision *decision, struct err *err);
int decision_find(struct store *store, int64_t ref, struct decision *ret, struct err *err); /* the last; ERR_NOTFOUND */
int decision_any(struct store *store, bool *ret, struct err *err);                          /* is there one at all? */
int decision_count(struct store *store, uint64_t *ret, struct err *err);                    /* ever */
int decision_by_cession(struct store *store, int64_t cession, uint64_t *ret, struct err *err); /* that stand */
int decision_set_published(struct store *store, int64_t number, int64_t ref,
                           struct err *err); /* within a transaction */

/* ---- what members have brought in ---- */

/* Within a transaction. Hours are those of the clock, in UTC; a day is this hour and the 23 before. */
int rules_count(struct store *store, int64_t log, int64_t now_ms, uint64_t records, uint64_t bytes, struct err *err);
int rules_counts(struct store *store, int64_t log, int64_t now_ms, struct policy_counts *ret, struct err *err);

#endif

/*
 * Contents on their way in: what a person has decided, else what the policy in force says, and what follows. Pulling and
 * unpacking ask here before anything is kept; commands and a changed policy change here what was decided.
 *
 *   accepted  kept, folded, served
 *   held      kept as SLOT_WAITING; a row in `verdict`
 *   refused   not kept, SLOT_REFUSED: not asked for again; a row in `verdict`
 *
 * When the policy changes, what waits is judged again, and what was refused may be asked for again and is judged when it
 * comes. What was accepted stays, unless entering_review is told to look at it, too. Whatever a person decided stays.
 */
#ifndef TONGZHOU_CONNECT_ENTERING_H
#define TONGZHOU_CONNECT_ENTERING_H

#include "index/judge.h"
#include "state/payload.h"

/* ---- as contents arrive ---- */

struct entering {
    struct judge judge;
    bool has_decisions, has_verdicts, counts;
};

/* Within the transaction that will keep them. */
int entering_begin(struct entering *entering, struct store *store, int64_t now_ms, struct err *err);

/*
 * One content of a log that is not ours, its seal not checked yet. Writes the row of its verdict.
 *   io        what payload_put_many is to be given; `waiting` is set here
 *   ret_keep  it is to be kept; else it has been marked as refused, after its seal was checked
 */
int entering_judge(struct entering *entering, const struct log_info *log, const struct record *record,
                   struct payload_new *io, bool *ret_keep, struct err *err);

/* The same for what is no record: nothing tells whom it is for. Its seal is checked here. */
int entering_no_record(struct entering *entering, const struct log_info *log, const struct payload_new *item,
                       struct err *err);

/* The row of a verdict; within a transaction it is put. `record`: NULL if it is not here, or none. */
void entering_verdict(const struct judge *judge, int64_t ref, const struct record *record,
                      const struct policy_verdict *said, struct verdict *ret);
int entering_put_verdict(const struct judge *judge, int64_t ref, const struct record *record,
                         const struct policy_verdict *said, struct err *err);

/* By what is judged what may come in: another number whenever the policy, or a person's decision, may be another. */
int entering_judged_by(struct store *store, uint64_t *ret, struct err *err);

/* Is nothing at all accepted of this log's contents, so that none need be fetched? Also its verdict. */
int entering_refuses(struct store *store, const struct log_info *log, bool *ret, struct policy_verdict *ret_verdict,
                     struct err *err);

/* ---- afterwards ---- */

struct entering_report {
    uint64_t looked, released, held, refused, asked_again;
};

/*
 * Has the policy changed since what waits and what was refused was judged? Then judge it again. Commits in parts; safe to be
 * broken off and called again, beside others doing the same.
 */
int entering_follow_policy(struct store *store, int64_t now_ms, struct entering_report *report, struct err *err);

/* Others are in groups now: what leaves by rules that look at groups may be more than before. Own transaction. */
int entering_follow_groups(struct store *store, struct err *err);

/* Judge what was accepted, too: all contents of others that are held. `dry`: only count. */
int entering_review(struct store *store, int64_t now_ms, bool dry, struct entering_report *report, struct err *err);

/*
 * A person decides about one content. Released: what waits is folded and served from now on; what was refused is asked for
 * again. Refused: what is here of it goes.
 *   decision  ref, act (POLICY_YES or POLICY_REFUSE), who, reason, time_ms, if need be the rest; its number is set here
 * What lives here can be kept in spite of a complaint, which changes nothing; it is taken back by erasing it.
 * ERR_STATE: our own log, no content, erased.
 */
int entering_decide(struct store *store, struct decision *decision, struct err *err);

#endif

/*
 * What the policy in force says of a record: facts out of logs, profiles and contents, put to the rules (policy/policy.h).
 * The rules of persons, the effects, and the rows of verdicts are the callers' (connect/entering.h).
 */
#ifndef TONGZHOU_INDEX_JUDGE_H
#define TONGZHOU_INDEX_JUDGE_H

#include "index/capability.h"
#include "state/rules.h"

struct judge {
    struct store *store;
    const struct policy *policy;
    struct rules_version version;
    int64_t now_ms;
    bool decides[POLICY_QUESTIONS], scores[POLICY_QUESTIONS]; /* as policy_decides, policy_looks_at_score */
};

/*
 * With the policy in force on this handle now. Nothing to close; open one a transaction, or a request. Rules that look at
 * groups ask the index of the same folder, which is opened once a handle and closed with it.
 */
int judge_open(struct judge *judge, struct store *store, int64_t now_ms, struct err *err);

/* With another one: for trying it. */
int judge_open_with(struct judge *judge, struct store *store, const struct policy *policy, int64_t now_ms,
                    struct err *err);

/*
 * What is known of a content for this question.
 *   bytes  of its text
 */
void judge_known(const struct judge *judge, enum policy_question question, const struct record *record, size_t bytes,
                 struct policy_known *ret);

/* The whole: what do the rules say of this record of this log? `viewer` as policy_decide. */
struct judge_case {
    enum policy_question question;
    const struct log_info *log;
    const struct record *record; /* NULL: not known yet */
    size_t bytes;                /* of its text */
    const struct policy_bits *viewer;
    const struct policy_counts *counts;
};
int judge_decide(const struct judge *judge, const struct judge_case *about, struct policy_verdict *ret,
                 struct err *err);

/* The same for many viewers: what does not depend on them is looked up once. `about->viewer` is ignored. */
struct judge_ready {
    enum policy_question question;
    const struct policy_counts *counts;
    struct policy_bits author;
    struct policy_known known;
};
int judge_prepare(const struct judge *judge, const struct judge_case *about, struct judge_ready *ret, struct err *err);
void judge_decide_for(const struct judge *judge, const struct judge_ready *ready, const struct policy_bits *viewer,
                      struct policy_verdict *ret);

#endif

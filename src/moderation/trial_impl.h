/* What the parts of a trial share; private to them. */
#ifndef TONGZHOU_MODERATION_TRIAL_IMPL_H
#define TONGZHOU_MODERATION_TRIAL_IMPL_H

#include "index/judge.h"
#include "moderation/trial.h"

/* Members of whom no rule of either policy tells one from the other. */
struct trial_crowd {
    struct policy_bits now, then;
    size_t first, count; /* in `members` */
};

struct viewer_row {
    char *origin;
    struct policy_bits now, then;
};

struct trying {
    const struct view *view;
    struct trial *out;
    int64_t since_ms;
    uint64_t contents_max, asked;
    struct judge now, then; /* the policy in force; the one that is tried */
    struct policy_bits public_now, public_then;
    struct viewer_row *members;
    size_t member_count, member_cap;
    struct trial_crowd *crowds;
    size_t crowd_count;
    struct arena arena;
    int64_t counts_log; /* whose counters these are */
    struct policy_counts counts;
    bool has_decisions;
    uint64_t *stamp, serial; /* by line: the content for which it counted last */
};

struct content {
    const struct log_info *log;
    const struct record *record;
    size_t bytes;
    bool waits, is_decided; /* by a person, so that no rule is asked whether it comes in */
};

/* ---- trial_tally.c ---- */

/* One more of this change by what `change` says; of this author and in this language. */
int tally_add(struct trial *t, const struct trial_tally *change, struct err *err);
int tally_add_content(struct trial *t, struct trial_tally *change, const struct log_info *log, struct span lang,
                      struct err *err);
void tally_sort(struct trial *t);

/* ---- trial.c ---- */

/* What one of the two policies says of it; to `looker`, if it is asked whether it leaves. */
int trial_ask(const struct judge *judge, const struct policy_bits *looker, const struct policy_counts *counts,
              enum policy_question question, const struct content *content, struct policy_verdict *ret,
              struct err *err);
/* A content counts once for a line, whoever looks. */
void trial_match(struct trying *t, unsigned line);

/* ---- trial_members.c: who could look, and what it is for them ---- */

int trial_members_load(struct trying *t, struct err *err);
int trial_members_ask(struct trying *t, const struct content *content, bool *ret_changed, struct err *err);
void trial_members_free(struct trying *t);

#endif

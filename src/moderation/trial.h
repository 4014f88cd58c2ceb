/*
 * What another policy would have decided about the records of the last days: nothing is changed. Told is each decision that
 * would be another, with how many contents it is about, of whom, in which languages, and who would get them or no longer.
 */
#ifndef TONGZHOU_MODERATION_TRIAL_H
#define TONGZHOU_MODERATION_TRIAL_H

#include "index/view.h"

enum trial_by { TRIAL_BY_AUTHOR, TRIAL_BY_LANGUAGE, TRIAL_BY_VIEWER };

/* So many contents of one author, in one language, or for one member, would be decided otherwise. */
struct trial_tally {
    enum policy_question question;
    enum policy_act from, to;
    bool to_members; /* of `share`: with members that it is for; else with the public */
    enum trial_by by;
    char what[ORIGIN_MAX + 1];
    uint64_t count;
};

struct trial {
    struct trial_tally *tallies; /* sorted: by change, then authors, languages, viewers, each the most first */
    size_t tally_count;
    uint64_t looked, changed;
    uint64_t cut;      /* that could not be told apart any more */
    uint64_t unasked;  /* contents about which members were not asked: it would have taken too long */
    bool is_partial;   /* there were more contents than `contents_max` */
    uint64_t *matched; /* by line of the tried file: contents, or logs, about which it decided; NULL if not asked for */
    size_t line_count;
};

struct trial_options {
    const struct policy *policy;
    int64_t since_ms, now_ms;
    uint64_t contents_max; /* 0: all */
    bool counts_matches;   /* fill `matched` */
};

/* `view`: of somebody of this node; what it does not see is not looked at, but for what waits. */
int trial_run(const struct view *view, const struct trial_options *options, struct trial *ret, struct err *err);
void trial_free(struct trial *trial);

/* Do both belong to one line? */
bool trial_same_change(const struct trial_tally *a, const struct trial_tally *b);

/* "held", "shared with the public": a source text. */
const char *trial_act_words(const struct trial_tally *tally, enum policy_act act);

#endif

/*
 * moderation: what persons decide about contents, what others object to, and what came of it. Over index.db
 *
 *   moderation_said   a row a record of policy/notice, policy/counter, policy/decision: what it is about
 *
 * and over state.db (state/rules.h, state/complaints.h). The rules themselves are src/policy; what they do to contents is
 * connect/entering.h.
 */
#ifndef TONGZHOU_MODERATION_MODERATION_H
#define TONGZHOU_MODERATION_MODERATION_H

#include "index/view.h"
#include "moderation/complaint.h"

extern const struct capability moderation_capability;

/* ---- queue.c: what waits for an answer ---- */

struct open_complaint {
    int64_t source;     /* ref of the record that says it; of a visitor's, minus its number */
    int64_t subject;    /* ref of what it is about */
    const char *origin; /* who says it; NULL: a visitor */
    const char *subject_origin;
    const struct complaint *said;
    int64_t time_ms;
    enum tlp tlp; /* of the record; TLP_NONE: a visitor's */
};

#define QUEUE_AUTHOR_MAX 200 /* of one member: a flood hides nobody else */

/*
 * Those about `subject`, or 0: all. Visitors' first, then members', each author's last word about a record, the newest first. What is about
 * a record that is not here, is withdrawn, or that the viewer may not read, is left out.
 */
int queue_each(const struct view *view, int64_t subject,
               int (*each)(void *ctx, const struct open_complaint *one, struct err *err), void *ctx, struct err *err);

/* Decisions that members have published about a record, the newest first: at most `max` refs that the viewer may read. */
int queue_statements(const struct view *view, const char *origin, uint64_t index, int64_t *out, size_t max,
                     size_t *ret_count, struct err *err);

/* ---- deciding.c: a person decides, answers what waits, and says so ---- */

struct deciding {
    struct decision decision; /* ref, act, who, reason, time_ms; ceded.c: published, cession; its number is set */
    enum tlp publish;         /* TLP_NONE: it is not published; from amber on to the author of what it is about */
    const char *facts;        /* NULL: the reason */
    const char *ground;       /* the law, if `is_illegal`, else which term: "policy" */
    bool is_illegal;
    const char *territory, *redress; /* NULL: everywhere; the operator's contact */
};

struct deciding_done {
    size_t answered;
    int64_t published; /* ref of the record; 0: none */
};

/* "--reason: ...", or NULL: the words fit into a record. */
const char *deciding_fault(const struct deciding *deciding);

/*
 *   view   of whoever decides: says which objections it answers
 *   store  writes; may sign if it is to be published
 * ERR_STATE as entering_decide.
 */
int deciding_do(const struct view *view, struct store *store, struct deciding *deciding, struct deciding_done *ret,
                struct err *err);

/* ---- rates.c: what was refused, of how much, by origin or language ---- */

struct rate {
    const char *name; /* an origin, or a language; "": not stated */
    uint64_t here, held, by_rule, by_person;
};

/*
 * Each origin, or language, of whose contents any is here or was decided about, by name. The public is told of what is
 * TLP:CLEAR alone.
 */
int rates_each(const struct view *view, bool by_language,
               int (*each)(void *ctx, const struct rate *rate, struct err *err), void *ctx, struct err *err);

/* Refused of all that came, in per mille. */
unsigned rate_refused(const struct rate *rate);

#endif

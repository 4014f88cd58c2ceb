/*
 * Bodies of what is said about others' contents: notices that something is illegal or infringes a right (as the Digital
 * Services Act, article 16, asks for), counter-notices of authors, and the reasons that a node gives for its decisions
 * (article 17). Pure: bytes in, bytes out.
 */
#ifndef TONGZHOU_MODERATION_COMPLAINT_H
#define TONGZHOU_MODERATION_COMPLAINT_H

#include "policy/policy.h"
#include "record/member.h"
#include "state/complaints.h"

#define NOTICE_KIND "policy/notice"
#define COUNTER_KIND "policy/counter"
#define DECISION_KIND "policy/decision"

#define SUBJECT_MAX (ORIGIN_MAX + 24) /* bytes of ORIGIN/INDEX */

/* "ORIGIN/INDEX", the exact address of a record. */
bool subject_parse(struct span text, char origin[ORIGIN_MAX + 1], uint64_t *ret_index);

/* ---- notice and counter-notice ---- */

struct complaint {
    bool is_counter;
    char origin[ORIGIN_MAX + 1]; /* of the record that it is about, */
    uint64_t index;
    char why[COMPLAINT_WHY_MAX + 1];
    char ground[COMPLAINT_WORD_MAX + 1]; /* the law, or whose right; "" not stated */
    char who[COMPLAINT_WORD_MAX + 1], contact[COMPLAINT_WORD_MAX + 1];
};

/*
 * A record of one of both kinds. ERR_SYNTAX also without the statement of good faith: nobody has to act upon such a notice.
 */
int complaint_parse(const struct record *record, struct complaint *ret, struct err *err);

/* Its text; checked as complaint_parse does. `good_faith` is stated. */
struct complaint_draft {
    const struct complaint *complaint;
    int64_t time_ms;
    enum tlp tlp;
    const struct span *to;
    size_t to_count;
};
int complaint_write(const struct complaint_draft *draft, struct buf *out, struct err *err);

/* ---- statement of reasons ---- */

#define STATEMENT_TEXT_MAX 1024 /* bytes of facts, ground, redress */
#define STATEMENT_NOTICES_MAX 64

struct reasons {
    char origin[ORIGIN_MAX + 1]; /* of the record that was decided about, */
    uint64_t index;
    bool is_refused;       /* else it was let in, or kept */
    const char *scope;     /* on whose node */
    const char *territory; /* NULL: wherever the node is reached from */
    int64_t from_ms;       /* until another decision */
    const char *facts, *ground;
    bool is_illegal; /* `ground` is a law; else the node's own terms */
    /* The rule that had found it, if one had. */
    unsigned line;
    const char *version;
    struct span rule;
    /* What it answers: ORIGIN/INDEX of notices that everybody may read, and how many others: nobody is named by them. */
    const char *notices[STATEMENT_NOTICES_MAX];
    size_t notice_count, unnamed_count;
    const char *redress; /* NULL: not stated */
};

/* The body of a record of DECISION_KIND, appended. */
int reasons_write(const struct reasons *reasons, struct buf *out, struct err *err);

/* What others' tables keep of one. ERR_SYNTAX. */
struct reasons_brief {
    char origin[ORIGIN_MAX + 1];
    uint64_t index;
    bool is_refused;
    char facts[STATEMENT_TEXT_MAX + 1];
};
int reasons_parse(const struct record *record, struct reasons_brief *ret, struct err *err);

#endif

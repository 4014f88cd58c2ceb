/*
 * Saying something under one's own name, whoever asks for it, the command line or a page: for whom, what contradicts itself,
 * whom a typed name means, and the append.
 */
#ifndef TONGZHOU_CONNECT_PUBLISHING_H
#define TONGZHOU_CONNECT_PUBLISHING_H

#include "index/view.h"

#define AUDIENCE_TO_MAX 64 /* members, groups or persons that can be named at once */

struct named_audience {
    enum tlp tlp;
    char text[AUDIENCE_TO_MAX][RECORD_LINE_MAX + 1];
    struct span to[AUDIENCE_TO_MAX];
    size_t count;
};

enum publishing_fault {
    PUBLISHING_RIGHT,
    PUBLISHING_TOO_MANY,
    PUBLISHING_KEPT_AND_NAMED,
    PUBLISHING_CLEAR_KEPT,
    PUBLISHING_CLEAR_NAMED,
    PUBLISHING_RED_MEMBERS,
    PUBLISHING_PERSONS_NOT_RED,
    PUBLISHING_NOBODY,
};

/* How many are named as they were typed, and how many of them are persons. */
struct publishing_count {
    size_t all, persons;
};

/* Is it "MEMBER PERSON", or ORIGIN/PERSON, that was typed? */
bool publishing_is_person(struct span typed);

/* Do marking and audience fit each other? Not for what goes into a local log, which goes nowhere. */
enum publishing_fault publishing_check(enum tlp tlp, struct publishing_count named, bool keep);

/* Content kinds alone: those that stand in the log in full have ways of their own. */
bool publishing_kind_valid(struct span kind);

/*
 * Add whom a person typed, as a whole origin, group or person. "NAME: why not": who is not known here, a local log unless
 * `may_be_local`, nothing of whose log is here, named twice.
 */
int publishing_name(const struct view *view, struct span typed, bool may_be_local, struct named_audience *audience,
                    struct err *err);

/* ERR_REFUSED if it names the author alone; if it is for the author's communities, and there are none, or it is to be kept. */
int publishing_check_names(const struct view *view, const struct named_audience *audience, bool keep,
                           const struct log_info *author, struct err *err);

/*
 * May one say this body with this marking? A marking inside of it is honoured whichever way it goes out; what its kind demands
 * has to be there. `store` may be NULL: what the node's own settings allow is asked later.
 */
struct publishing_body {
    struct span kind, body;
    enum tlp tlp;
    int64_t now_ms;
};
int publishing_check_body(struct store *store, const struct publishing_body *said, struct err *err);

/* Append a record's text, signed and durable; errors as author_append. */
int publishing_append(struct store *store, const struct log_info *log, enum tlp tlp, struct span text, int64_t now_ms,
                      uint64_t *ret_index, struct err *err);

#endif

/*
 * Before something is said: who will get it, by which path and rule; who will not, and why; what it does to others; and what
 * contradicts itself, so that it is not said at all.
 *
 * A preview decides nothing by itself: each member is put to the function that decides what is served (view_gives), parcels are
 * checked by what sends them, and whether a member is heard by what hears it. It tells what holds now: who joins a community
 * tomorrow gets it tomorrow.
 */
#ifndef TONGZHOU_CONNECT_PREVIEW_H
#define TONGZHOU_CONNECT_PREVIEW_H

#include "index/view.h"

/* What comes of it for one member. */
enum preview_fate {
    PREVIEW_GETS,
    PREVIEW_NOT_MEANT, /* not in its audience */
    PREVIEW_KEPT,      /* it is, but policy keeps it here */
    PREVIEW_UNHEARD,   /* it is, but its requests are not believed (view_hearing) */
};

enum preview_path {
    PATH_HERE = 1,   /* the member lives on this node */
    PATH_OPEN = 2,   /* everybody may have it, from whoever has it */
    PATH_SIGNED = 4, /* its node asks, signed */
    PATH_PARCEL = 8, /* encrypted to it, over any relay */
    PATH_ONWARD =
        16 /* not from here, but those who get it may hand it on: the content itself says that it may have it */
};

struct preview_member {
    const char *origin;
    enum preview_fate fate;
    unsigned paths; /* of enum preview_path */
    enum audience_verdict audience;
    unsigned line; /* of the rule that decided; 0: none was asked, or none matched */
    bool is_here;
    bool doubt; /* it is meant as one of a group, and policy keeps from it the record that says who is in it */
    enum view_hearing hearing;
};

/* Why it may not be said. */
enum preview_fault {
    PREVIEW_RIGHT,
    PREVIEW_NOBODY,       /* nobody is in its audience */
    PREVIEW_POLICY_KEEPS, /* of those who are, policy lets none have it */
    PREVIEW_ALL_UNHEARD,  /* of those who are, none is heard */
    PREVIEW_PARCEL_KEPT,  /* a parcel goes to all whom it names or to none, and policy keeps it from one of them */
    PREVIEW_CLEAR_KEPT,   /* for everybody, and policy lets nobody have it */
};

/* What it does to others, besides the members themselves. */
enum preview_effect {
    EFFECT_RELAYS, /* all see that something was said */
    EFFECT_PARCEL, /* relays carry a parcel that they cannot read */
    EFFECT_ONWARD, /* those who get it may pass it on, as its marking says */
    EFFECT_HOST,   /* the node of a named member's host has it: `other` lives with `origin` */
    EFFECT_NODE,   /* likewise, but the host is not meant: it only keeps it for `other` */
    EFFECT_HERE,   /* users of this node may read it */
    EFFECT_OPEN,   /* policy keeps from some what everybody gets who does not say who he is */
    EFFECT_GROUP,  /* a named group is another's: who does not have that log cannot know that it is meant */
    EFFECT_AGE,    /* rules look at its age: tomorrow it may be others */
    EFFECT_KEPT,   /* some whom policy keeps it from may get it from others */
    EFFECTS
};

struct preview_line {
    enum preview_effect effect;
    const char *origin, *other; /* NULL: about nobody in particular */
};

#define PREVIEW_JSON_MAX (256u << 20) /* bytes: 300 a member of half a million */
#define PREVIEW_LINES_MAX (EFFECTS + RECORD_LINES_MAX)

struct preview_draft {
    const struct view *view; /* of somebody of this node, with an index */
    const struct log_info *author;
    struct span text; /* the record, as it would be said */
    bool keep;        /* for nobody, on purpose */
    bool parcel;      /* also as a parcel to those whom it names */
    int64_t now_ms;
};

struct preview {
    const struct log_info *author;
    struct record record;
    size_t bytes;
    char version[POLICY_VERSION_LEN + 1];
    const struct policy *policy; /* for policy_rule_at; valid as rules_policy says */
    struct view_answer everybody;
    struct preview_member *members; /* but its author; by origin */
    size_t count, gets, kept, unheard;
    unsigned *rules; /* lines of the rules that decided about anybody, ascending, each once */
    size_t rule_count;
    enum preview_fault fault;
    struct preview_line lines[PREVIEW_LINES_MAX];
    size_t line_count;
};

/* All of it lives in the arena; `draft` has to live on. Errors as the store's, and of a text that is no record. */
int preview_make(const struct preview_draft *draft, struct arena *arena, struct preview *ret, struct err *err);

/* What is wrong and what to do, in English (source texts for pages); NULL for PREVIEW_RIGHT. */
const char *preview_fault_words(enum preview_fault fault);

/* "its node asks for it, signed": how a member gets it; the directest way, a source text. */
const char *preview_path_words(unsigned paths);

/* Why this member does or does not get it, but for the rule: a source text. */
const char *preview_why(const struct preview_member *member);

/* One effect, {1} and {2} for origin and other: a source text. */
const char *preview_effect_words(const struct preview *preview, enum preview_effect effect);

/* The whole as JSON, appended. */
int preview_json(const struct preview *preview, struct buf *out, struct err *err);

#endif

/*
 * Lists of others (policy/list.h) as they are offered, and what adopting would change here. Over the index: governance_list, a
 * row a record of kind policy/list; and over state.db, where what was adopted stands (state/lists.h).
 *
 * A draft is a version that nobody here has spoken about yet. It says what it would add, and what it takes back. It changes
 * nothing by itself: neither what it adds nor what it takes back.
 */
#ifndef TONGZHOU_GOVERNANCE_DRAFTS_H
#define TONGZHOU_GOVERNANCE_DRAFTS_H

#include "governance/governance.h"
#include "state/lists.h"

#define DRAFTS_OF_ONE 32 /* lists of one source that are shown: whoever publishes thousands hides nobody else's */

#define DRAFTS_MAX 8192 /* and of all sources together; what is adopted comes besides */

/* What became of it at its source. */
enum draft_state {
    DRAFT_OFFERED,
    DRAFT_WITHDRAWN, /* its record was erased: a retraction of all, which waits like any other */
    DRAFT_ABSENT,    /* its record is not kept here any more (mirror recent, a rule): it says nothing new */
};

struct draft_line {
    struct list_address address;
    enum draft_state state;
    int64_t ref, time_ms; /* 0: from a file, or not offered */
    uint8_t version[32];  /* as in struct draft */
    uint64_t items;       /* that it offers */
    uint64_t adopted;     /* so many are adopted here */
    bool spoken;          /* a person here spoke about this very version */
    bool own;             /* by a member that lives here */
};

/*
 * All lists that are offered or adopted, by source and name, but for those whose newest version is not for this viewer.
 *   ret_hidden  so many sources, or files, have more that were left out
 */
int drafts_list(const struct view *view, int (*each)(void *ctx, const struct draft_line *line, struct err *err),
                void *ctx, uint64_t *ret_hidden, struct err *err);

/* Does it wait for a person's word? */
static inline bool draft_waits(const struct draft_line *line)
{
    return !line->spoken && !line->own && line->state != DRAFT_ABSENT && (line->items > 0 || line->adopted > 0);
}

struct draft {
    struct list_address address;
    enum draft_state state;
    int64_t ref, time_ms;
    uint8_t version[32]; /* SHA-256 of the body; zeros: not offered */
    struct list list;
    struct list_item *adopted;
    size_t adopted_count;
    struct list_change *changes;
    size_t change_count, removal_count;
    bool has_word;
    struct list_word word; /* the last one here */
};

/* The newest version of a list that its log offers: address, ref, time, version, items. ERR_NOTFOUND. */
int drafts_newest(const struct view *view, const struct list_address *address, struct draft_line *ret, struct err *err);

/* What became of a list that is not offered: was the record of that ref erased? */
int drafts_gone(const struct view *view, int64_t ref, enum draft_state *ret, struct err *err);

/*
 * One list, with all that it says; one that is not offered proposes to remove what is adopted of it. In the arena.
 * ERR_NOTFOUND: neither offered nor adopted, or not for this viewer.
 */
int drafts_read(const struct view *view, const struct list_address *address, struct arena *arena, struct draft *ret,
                struct err *err);

/* SOURCE#NAME, or a name that one list alone has. ERR_NOTFOUND, ERR_USAGE several have it. */
int drafts_find(const struct view *view, struct span text, struct list_address *ret, struct err *err);

/*
 * A person adopts: all changes, or those of them that `wanted` names (NULL: all). What was not wanted counts as declined.
 *   store  writes
 *   word   set, who, reason, time_ms are given; the rest is set here
 * Errors as lists_say: nobody else has spoken about the list since it was read.
 */
int drafts_adopt(struct store *store, const struct draft *draft,
                 bool (*wanted)(void *ctx, const struct list_change *change), void *ctx, struct list_word *word,
                 struct arena *arena, struct err *err);
int drafts_decline(struct store *store, const struct draft *draft, struct list_word *word, struct err *err);

/* Is it still what the person saw: this version (hex, or its beginning), and nobody has spoken since? ERR_STATE, ERR_USAGE. */
#define DRAFT_SEEN_MIN 12 /* hex digits of a version */
int drafts_check_seen(const struct draft *draft, struct span version, struct err *err);

/* ---- its part of the fold ---- */

int drafts_apply(struct fold *fold, const struct fold_record *record, struct err *err);

#endif

/*
 * A capability: its record kinds, its tables, one `apply` (record → tables), its routes and its pages, in one struct,
 * listed once in node/capabilities.c. Knowing one is knowing all; adding one is a new folder and one line.
 *
 * `apply` commutes across members: the tables after folding the same logs are the same in any interleaving,
 * columns named arrival_* aside. "First reported by" goes by canonical order (time, origin, index) at query time.
 */
#ifndef TONGZHOU_INDEX_CAPABILITY_H
#define TONGZHOU_INDEX_CAPABILITY_H

#include <sqlite3.h>

#include "record/kind.h"
#include "state/store.h"

struct route; /* http/route.h */
struct page;  /* http/page.h */
struct view;  /* index/view.h, as the next */
struct view_record;
struct fold;  /* index/index.h: one transaction of folding */
struct index; /* index/index.h */

/* A record as it reaches `apply`: constitutional from its entry, content from its payload. */
struct fold_record {
    int64_t number; /* of the log */
    const char *origin;
    enum log_role role;
    uint64_t index;
    int64_t ref; /* RECORD_REF(number, index) */
    bool is_inline;
    bool shown;       /* the public may see it: no local log, inline or TLP:CLEAR */
    struct span text; /* the whole record */
    const struct record *record;
    struct arena *arena; /* for the call */
};

enum group_state {
    GROUP_UNKNOWN, /* nobody published it, as far as is known here */
    GROUP_STANDS,
    GROUP_ENDED,
    GROUP_EMPTY,
    GROUP_OWNER_LEFT,   /* its communities, and belongs to none */
    GROUP_OWNER_FROZEN, /* its log is forked */
};

struct capability {
    const char *name; /* the folder's */
    const struct kind *kinds;
    size_t kind_count;
    const char *schema;        /* SQL: CREATE TABLE IF NOT EXISTS ...; tables' names begin with the capability's */
    const char *const *tables; /* their names, NULL at the end: for the interleaving test and rebuild */
    /*
     * Fold one record of one of `kinds`; the kind's own check has passed. ERR_SYNTAX, ERR_LIMIT, ERR_VERIFY...: the
     * record is kept and shown raw, not folded, and nothing of it may stand in the tables. ERR_IO and ERR_MEMORY end
     * the batch. May only collect what to write in fold_state(), for `flush`.
     */
    int (*apply)(struct fold *fold, const struct fold_record *record, struct err *err);
    /*
     * Forget what the record at ref contributed: its payload is erased, or its log is frozen before it. What `apply`
     * collected of it has been flushed before. May be put off to `flush`, but is done there before rows are added.
     */
    int (*forget)(struct fold *fold, int64_t ref, struct err *err);
    /* May be NULL: called at the end of a batch, before its commit, and whenever collected rows have to be written. */
    int (*flush)(struct fold *fold, struct err *err);
    /* May be NULL: the batch is over, committed or not: free what fold_state() holds beside the arena. */
    void (*discard)(struct fold *fold);
    /* May be NULL: erased text must leave the file itself (full text: 'optimize') and what is kept beside the index. */
    int (*scrub)(struct index *index, struct err *err);
    /* May be NULL: append one line that tells people what a record of one of `kinds` is about; nothing: none. */
    void (*title)(const struct record *record, struct arena *arena, struct buf *out);
    /* May be NULL: the same on a page, in its language, for a link's text. False: nothing was written. */
    bool (*page_title)(struct page *page, const struct view *view, const struct record *record);
    /* May be NULL: what there is to know about any record beside what it says, on its page; nothing for most. */
    int (*page_about)(struct page *page, const struct view *view, const struct view_record *record, struct err *err);
    /* May be NULL: are both members of one community, by a roster in force? Without any that knows the answer is no. */
    bool (*same_community)(const struct view *view, struct span a, struct span b);
    /* May be NULL: is `member` in the group ORIGIN#NAME at that time? Likewise. */
    bool (*in_group)(const struct view *view, struct span group, struct span member, int64_t time_ms);
    /* The same for all who are in it then, with since when what is said to it is for them (as in_group_since, but for what was
     * granted); and all who are of a community of this member's, itself too. */
    int (*each_in_group)(const struct view *view, struct span group, int64_t time_ms,
                         int (*each)(void *ctx, struct span member, int64_t since_ms, struct err *err), void *ctx,
                         struct err *err);
    int (*each_of_community)(const struct view *view, struct span member,
                             int (*each)(void *ctx, struct span other, struct err *err), void *ctx, struct err *err);
    /* May be NULL: is the group ORIGIN#NAME published, and anybody in it, now? Likewise. */
    enum group_state (*group_state)(const struct view *view, struct span group);
    /* May be NULL: the ref of the record that says who is in the group then; negative: there is none. */
    int64_t (*group_record)(const struct view *view, struct span group, int64_t time_ms);
    /*
     * May be NULL: is `member` in the group at that time, and since when is what `author` says to it for this member? Said
     * before *ret_since_ms it is not: the member was not in it then, and the author has not granted it since.
     */
    bool (*in_group_since)(const struct view *view, struct span author, struct span group, struct span member,
                           int64_t time_ms, int64_t *ret_since_ms);
    /*
     * May be NULL: a number that is another one when it may be answered otherwise who is in this group; with no group
     * (.len 0) who is in any, and who is of whose community.
     */
    uint64_t (*audience_mark)(const struct view *view, struct span group);
    /* May be NULL: the same for all groups and communities that `member` is in. */
    uint64_t (*membership_mark)(const struct view *view, struct span member);
    /* May be NULL: how certain its author says that this record of one of `kinds` is, 0..100; UINT64_MAX: not said. */
    uint64_t (*score)(const struct record *record);
    /*
     * May be NULL: may somebody here say this body of one of `kinds`, with this marking and at this time? What is in it may
     * be narrower, or lack what its kind demands. `store` is NULL before the node is opened.
     */
    int (*may_say)(struct store *store, const struct record *record, struct err *err);
    /* May be NULL: figures for the node's own people, appended to /metrics. */
    int (*figures)(const struct view *view, int64_t now_ms, struct buf *out, struct err *err);
    const struct route *routes;
    size_t route_count;
    const struct route *page_routes; /* for people; those above are for programs */
    size_t page_route_count;
};

/* All of them, NULL at the end. Defined in node/capabilities.c (tests of lower modules define their own). */
extern const struct capability *const capabilities[];

/* The capability and the kind of it by name; NULL if none takes it. */
const struct capability *capability_of(struct span kind, const struct kind **ret_kind);

#endif

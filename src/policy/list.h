/*
 * What a member advises others to do about members, records and values: kind policy/list, a content kind. The body:
 *
 *   {"name":WORD,"advice":"block"|"label"|"recommend","about"?:LINE,
 *    "items":[{"member":M,"reason"?:LINE} | {"record":"ORIGIN/INDEX","label":WORD,"reason"?:LINE} | {"value":LINE,"reason"?:LINE}],
 *    "retracted"?:[the same],"ended"?:true}
 *
 * A later record of the same log replaces an earlier one of that name. It orders nobody: elsewhere it is a draft until a
 * person adopts it, and what its author takes back is one, too. M is an origin, or a name that any member may have. Items are
 * told apart by what they are about, and for records by the label. No clock, no database. PROTOCOL.md, "Lists".
 */
#ifndef TONGZHOU_POLICY_LIST_H
#define TONGZHOU_POLICY_LIST_H

#include "record/member.h"

#define LIST_KIND "policy/list"
#define LIST_NAME_MAX 64         /* bytes */
#define LIST_ITEMS_MAX 10000     /* and as many that are retracted */
#define LIST_SUBJECT_MAX 1024    /* bytes of what an item is about */
#define LIST_LABEL_MAX 64        /* bytes of a-z 0-9 - */
#define LIST_REASON_MAX 256      /* bytes */
#define LIST_BODY_MAX (4u << 20) /* bytes: what json_small_load reads */

enum list_advice { LIST_BLOCK, LIST_LABEL, LIST_RECOMMEND };
enum list_item_type { LIST_MEMBER, LIST_RECORD, LIST_VALUE };

struct list_item {
    enum list_item_type type;
    const char *subject;
    const char *label;  /* LIST_RECORD; else "" */
    const char *reason; /* "" none */
};

struct list {
    char name[LIST_NAME_MAX + 1];
    enum list_advice advice;
    char about[LIST_REASON_MAX + 1]; /* "" none */
    struct list_item *items;         /* ascending, none twice */
    size_t count;
    struct list_item *retracted; /* what stood in it once, and why no more; ascending, none among the items */
    size_t retracted_count;
    bool ended; /* and then without items */
};

const char *list_advice_word(enum list_advice advice);
bool list_advice_parse(struct span word, enum list_advice *ret);
const char *list_item_word(enum list_item_type type); /* "member", "record", "value" */
bool list_item_parse(struct span word, enum list_item_type *ret);

/* By type, subject and label. */
int list_item_cmp(const struct list_item *a, const struct list_item *b);

/* May this stand in a list? ERR_SYNTAX, ERR_LIMIT: what, found, allowed. */
int list_item_check(const struct list_item *item, struct err *err);

/* Sort, and leave out what stands there twice: the number that stays. */
size_t list_items_sort(struct list_item *items, size_t count);

/* Strings live in the arena. */
int list_parse(const struct record *record, struct arena *arena, struct list *out, struct err *err);
int list_parse_body(struct span body, struct arena *arena, struct list *out, struct err *err);

/* The body, appended, without a line end. Sorts items and retractions. What it writes, list_parse accepts. */
int list_write_body(struct list *list, struct buf *out, struct err *err);

/* The record's text, appended. `how`: time, marking and audience. */
int list_write(struct list *list, const struct record_draft *how, struct buf *out_record, struct err *err);

/* ---- what a version changes for somebody who has adopted some of it ---- */

struct list_change {
    bool removes;          /* what was adopted stands in it no more */
    struct list_item item; /* of a removal: the reason is that of the retraction, "" if none was given */
};

/* `adopted` ascends. Both ascend in the answer: additions and removals mixed. In the arena. */
int list_changes(const struct list_item *adopted, size_t adopted_count, const struct list *offered, struct arena *arena,
                 struct list_change **ret, size_t *ret_count, struct err *err);

/* ---- files of others (list_file.c) ---- */

struct list_import {
    size_t skipped;     /* lines that are no items: masked domains, severity "noop", what is no name */
    unsigned first_bad; /* line of the first, 0: none */
};

/*
 * A file as people have it: a body as above; a CSV file with a column "domain" (and "severity", "public_comment"), as
 * Mastodon exports its domain blocks; or an item a line, a reason behind the first space, comments behind #.
 *   type  of what stands a line; LIST_MEMBER or LIST_VALUE
 * name, advice and about of `out` are those of the body, or left as they are. ERR_SYNTAX nothing in it is an item.
 */
int list_read_file(struct span text, enum list_item_type type, struct arena *arena, struct list *out,
                   struct list_import *ret, struct err *err);

#endif

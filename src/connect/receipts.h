/*
 * Receipts (record/receipt.h) between nodes: confirming to authors what has arrived, and what authors see of it.
 *
 *   connect_receipt       a row a receipt here: whose contents it confirms. arrival_number: in which order they came
 *   connect_receipt_item  by (hash of the author's origin, index, ref of the receipt): what it says of one content
 *
 * What a member has confirmed stands in its own log, and nowhere else: that is what is looked up before it confirms more, so a
 * crash, another process or an index made again costs at most a receipt twice, which says nothing new. Confirmed is what is
 * folded here, so nothing that policy holds, and what is for this very member, so nothing that it only carries; no receipt ever
 * is, whoever wrote it, so there are no receipts for receipts.
 *
 * A log is public, and an entry in it right behind an author's would tell everybody who was in the audience. So receipts are off
 * until a member switches them on, and then written at times of the clock that do not depend on what arrived when.
 */
#ifndef TONGZHOU_CONNECT_RECEIPTS_H
#define TONGZHOU_CONNECT_RECEIPTS_H

#include "index/view.h"
#include "record/receipt.h"

/* ---- the index (receipt_fold.c) ---- */

int receipt_apply(struct fold *fold, const struct fold_record *record, struct err *err);
int receipt_forget(struct fold *fold, int64_t ref, struct err *err);

/* Has this log (its number) confirmed that content already? */
int receipt_is_said(struct index *index, int64_t number, struct span author, uint64_t at, bool *ret, struct err *err);

/* What somebody says of a content, by ref from `from` on: 1, or 0 if that is all. */
struct receipt_said {
    int64_t ref;
    uint8_t proof[RECEIPT_PROOF];
};
int receipt_next_said(struct index *index, struct span author, uint64_t at, int64_t from, struct receipt_said *ret,
                      struct err *err);

/* ---- the switch (receipt_switch.c) ---- */

#define RECEIPT_MEMBERS_MAX 256 /* that live here and confirm */
#define RECEIPT_EACH_DEFAULT_S                                                                                         \
    INT64_C(3600) /* so often: a receipt tells nobody when something came but within an hour */
#define RECEIPT_EACH_MAX_S INT64_C(2592000) /* 30 days */

struct receipt_switch {
    char origin[ORIGIN_MAX + 1];
    int64_t each_s; /* how often */
    int64_t slot;   /* of its times, the last at which it was looked */
};

/* Those that are on, in one array of RECEIPT_MEMBERS_MAX. */
int receipt_switches(struct store *store, struct receipt_switch *out, size_t *ret_count, struct err *err);

/* On from its next time on, or off (each_s 0). Own transaction. ERR_LIMIT, ERR_REFUSED no log of this node's. */
int receipt_turn(struct store *store, const struct log_info *log, int64_t each_s, int64_t now_ms, struct err *err);

/* Which of its times it is: each member's begin elsewhere. */
int64_t receipt_slot(const struct receipt_switch *one, int64_t now_ms);

/* Whose time has come: its slots are written down, so that it comes once. Own transaction, if there are any. */
int receipt_due(struct store *store, int64_t now_ms, struct receipt_switch *out, size_t *ret_count, struct err *err);

/* ---- confirming (receipt_send.c) ---- */

#define RECEIPTS_AT_ONCE 16 /* a member and call: the rest at its next time */

struct receipts_done {
    size_t receipts, contents;
    size_t kept; /* contents that are not confirmed, since policy would keep the receipt from their author; */
    char kept_from[ORIGIN_MAX + 1]; /* the last of those */
    unsigned kept_line;             /* of the rule that does; 0: no rule shares it */
    bool more;                      /* would be left for the next time */
};

/*
 * Confirm to all authors what has arrived for this member and is not confirmed: as few receipts as hold it. The index is to
 * be updated before; it is updated here in between. The store may sign. `dry`: only count.
 */
int receipts_send(struct store *store, struct index *index, const struct log_info *member, int64_t now_ms, bool dry,
                  struct receipts_done *ret, struct err *err);

/* ---- what an author sees (receipt_read.c) ---- */

enum receipt_state {
    RECEIPT_NONE,    /* it is for this member, which has said nothing */
    RECEIPT_GOOD,    /* confirmed, with a proof that holds */
    RECEIPT_OUTSIDE, /* the same, by a member for which it was not */
    RECEIPT_WRONG,   /* confirmed, by whoever cannot have had it */
    RECEIPT_UNKNOWN, /* confirmed; the content is withdrawn, so nobody can tell any more */
};

struct receipt_line {
    const char *origin;
    enum receipt_state state;
    enum audience_verdict audience; /* AUDIENCE_UNMARKED with RECEIPT_UNKNOWN */
    int64_t time_ms, ref;           /* of the receipt; 0 with RECEIPT_NONE */
};

struct receipt_lines {
    const struct receipt_line *lines; /* by origin */
    size_t count, expected, good;     /* expected: members for which it is; good: those of them that have confirmed */
};

/* May this viewer know who has confirmed a content of this log? Its author's own people. */
bool receipts_visible(const struct view *view, const struct log_info *log);

/* The newest content for few of this log in front of `ref`, receipts aside: 1, or 0 if there is none. */
int receipts_next(const struct view *view, const struct log_info *log, int64_t before, int64_t *ret, struct err *err);

/* Everybody for whom this content is, and everybody who says to have it; all in the arena. */
int receipts_of(const struct view *view, const struct view_record *record, int64_t now_ms, struct arena *arena,
                struct receipt_lines *ret, struct err *err);

/* Appended: {"record":"ORIGIN/INDEX","expected":2,"confirmed":1,"members":[{"member":"...","state":"confirmed",...}]} */
void receipts_json(const struct view_record *record, const struct receipt_lines *lines, struct buf *out);

/* "confirmed", "confirmed-outside", "not-valid", "unchecked", "waiting". */
const char *receipt_state_word(enum receipt_state state);

/* ---- telling people (receipt_news.c) ---- */

/* Notices about receipts that came since the last call; some at a time. */
int receipts_tell(struct store *store, struct index *index, int64_t now_ms, struct err *err);

#endif

/*
 * Parcels (record/parcel.h) between nodes: sending restricted contents as a public one, opening what is encrypted to
 * members that live here, forgetting what has expired.
 *
 *   connect_parcel       a row a parcel here. arrival_keys: with which keys it was tried last (state/decrypt.h), 0: not yet;
 *                        arrival_state: what came of it, enum parcel_state
 *   connect_parcel_item  what stands in those that this node can open: which parcels are to be withdrawn with a content
 *
 * A parcel is tried once for each set of keys; one of which policy turned something away, also whenever the policy or a person's
 * decision is another: arrival_keys tells both. If the process ends in between it is tried again: contents that are held are
 * passed over, and so are those that were erased.
 */
#ifndef TONGZHOU_CONNECT_PARCELS_H
#define TONGZHOU_CONNECT_PARCELS_H

#include "index/view.h"
#include "record/parcel.h"

enum parcel_state {
    PARCEL_UNTRIED,
    PARCEL_OPENED,
    PARCEL_NOT_OURS, /* for none of our keys */
    PARCEL_REFUSED,  /* altered, or no parcel's contents */
};

/* ---- the index (parcel_fold.c) ---- */

int parcel_apply(struct fold *fold, const struct fold_record *record, struct err *err);
int parcel_forget(struct fold *fold, int64_t ref, struct err *err);

/* ---- receiving (parcel_take.c) ---- */

/* Ever, on this node. */
struct parcel_counts {
    uint64_t opened;    /* parcels */
    uint64_t kept;      /* contents out of them that were not here */
    uint64_t refused;   /* contents that do not fit, and parcels that were altered */
    uint64_t expired;   /* parcels whose bytes this node forgot */
    uint64_t looked_at; /* by one call */
};

struct parcel_options {
    int64_t now_ms;
    size_t max; /* parcels looked at in one call; 0: all that wait */
    /* A line about what was refused, never of its content; may be NULL. */
    void (*tell)(void *ctx, const char *line);
    void *ctx;
};

/*
 * Open what the index knows of and was not tried with the keys that are here now, keep what is for members that live here,
 * and erase expired parcels. Own transactions; the index is to be updated before, and after if anything was kept.
 *   ret_done  what this call did
 * Errors: ERR_IO, ERR_MEMORY; ERR_REFUSED a key file that others may read.
 */
int parcels_tend(struct store *store, struct index *index, const struct parcel_options *options,
                 struct parcel_counts *ret_done, struct err *err);

/* ---- forgetting, and counting (parcel_expire.c) ---- */

int parcel_counts_get(struct store *store, struct parcel_counts *ret, struct err *err);
/* Within a transaction. */
int parcel_counts_add(struct store *store, const struct parcel_counts *more, struct err *err);

/* Erase those that are over, as parcels_tend does first; *ret_count grows by how many. */
int parcels_expire(struct store *store, struct index *index, int64_t now_ms, uint64_t *ret_count, struct err *err);

/* ---- sending (parcel_send.c) ---- */

struct parcel_range {
    uint64_t first, count;
};

struct parcel_order {
    int64_t number; /* of one's own log */
    const struct span
        *to; /* origins and groups; the author's own key is added, so that it can read its log from others */
    size_t to_count;
    int64_t time_ms, expires_ms;
    const struct parcel_range *ranges; /* ascending; entries that are no seals, or not held, are refused */
    size_t range_count;
};

struct parcel_sent {
    size_t parcels, items, recipients;
    uint64_t first, last; /* indices of the parcels, with parcels > 0 */
};

/* May it be sent? All that parcels_send checks before anything is appended; `view` is the operator's. */
int parcels_check(const struct view *view, const struct parcel_order *order, struct parcel_sent *ret, struct err *err);

/*
 * Append as few parcels as hold these contents. ERR_NOTFOUND a recipient whose profile, or an entry whose content is not
 * here; ERR_REFUSED a content that is for everybody or not for one of the recipients; ERR_LIMIT too many recipients, a
 * content that no parcel holds; as author_append.
 */
int parcels_send(const struct view *view, const struct parcel_order *order, struct parcel_sent *ret, struct err *err);

/* What is here, by log and index. */
struct parcel_row {
    const char *origin;
    uint64_t index;
    int64_t expires_ms;
    enum parcel_state state;
};
int parcels_each(const struct view *view, int (*each)(void *ctx, const struct parcel_row *row, struct err *err),
                 void *ctx, struct err *err);

/*
 * Parcels of the same own log that carry this entry, or may: what cannot be opened here any more counts as carrying all in
 * front of it. Appended to `out` as uint64_t, ascending.
 */
int parcels_carrying(struct index *index, int64_t number, uint64_t entry, struct buf *out, struct err *err);

#endif

/*
 * What visitors of this node's pages object to, and what was answered: tables complaint and complaint_answer of state.db.
 * What members object to are records in their logs (moderation/complaint.h); only the answer to them stands here.
 *
 * A stranger can fill neither the disk nor the desk: so many are kept, so many about one record wait at a time, and those
 * that are answered go first.
 */
#ifndef TONGZHOU_STATE_COMPLAINTS_H
#define TONGZHOU_STATE_COMPLAINTS_H

#include "state/store.h"

#define COMPLAINTS_MAX 2000     /* rows: some 10 MB at most */
#define COMPLAINTS_RECORD_MAX 5 /* that wait about one record */
#define COMPLAINT_WHY_MAX 2048  /* bytes, one line */
#define COMPLAINT_WORD_MAX 256  /* bytes of a name, an address, a law */

struct visitor_complaint {
    int64_t number, ref; /* ref: what it is about */
    char why[COMPLAINT_WHY_MAX + 1], ground[COMPLAINT_WORD_MAX + 1], who[COMPLAINT_WORD_MAX + 1],
        contact[COMPLAINT_WORD_MAX + 1];
    int64_t time_ms;
};

/*
 * In a transaction of its own; sets the number. ERR_LIMIT: too many wait, about this record or in all.
 */
int complaint_add(struct store *store, struct visitor_complaint *complaint, struct err *err);

int complaint_find(struct store *store, int64_t number, struct visitor_complaint *ret, struct err *err);

/* Those that wait, the oldest first, with a number above `after`; about one record, or ref 0: all. At most `max`. */
int complaint_each(struct store *store, int64_t ref, int64_t after, size_t max,
                   int (*each)(void *ctx, const struct visitor_complaint *complaint, struct err *err), void *ctx,
                   struct err *err);

/* Which decision answered it? `source`: a record's ref, or minus a visitor's number. ERR_NOTFOUND: none yet. */
int complaint_answer(struct store *store, int64_t source, int64_t *ret_decision, struct err *err);

/* Within a transaction. */
int complaint_set_answer(struct store *store, int64_t source, int64_t decision, struct err *err);

#endif

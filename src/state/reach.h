/*
 * Where restricted contents are for whom: for each word of an audience (an origin, also for persons of it, a group, the
 * author's community) the bundles in which contents for it are held. It chooses what is looked at for a member, and tells
 * when something came for it; who may see a content is decided by the content itself (record/audience.h), each time.
 *
 * A member's request looks up its own words only, and reads no content of a bundle in which none of them stands: what it
 * costs does not depend on what is held for others. (In a bundle that holds something for it, others' are read, too; see
 * ARCHITECTURE.md, "Outlets".) Rows of a bundle are made again when a content of it is erased.
 *
 * They are counted apart from the seq of logs: what is said to the public must not tell that something came for few.
 */
#ifndef TONGZHOU_STATE_REACH_H
#define TONGZHOU_STATE_REACH_H

#include "record/audience.h"
#include "state/store.h"

#define REACH_COMMUNITY "#community" /* the word for TLP:GREEN: no origin has its form, and no group */
#define REACH_WORDS_MAX 1024         /* that count for one member: itself, its community, groups it is in */

/* The words that reach one member, found once and looked for often. */
struct reach {
    int64_t word[REACH_WORDS_MAX];
    size_t count;
};

/* Add this word if anything is held for it; beyond REACH_WORDS_MAX nothing is added. */
int reach_find(struct store *store, struct span word, struct reach *reach, struct err *err);

/* Every group for which something is held. */
int reach_groups(struct store *store, int (*each)(void *ctx, struct span group, struct err *err), void *ctx,
                 struct err *err);

/* Every group for which something is held of entries [first, first + count) of this log. */
int reach_groups_in(struct store *store, int64_t number, uint64_t first, size_t count,
                    int (*each)(void *ctx, struct span group, struct err *err), void *ctx, struct err *err);

/* Is anything for these words held of entries [first, first + count)? */
int reach_is_in(struct store *store, const struct reach *reach, int64_t number, uint64_t first, size_t count, bool *ret,
                struct err *err);

/*
 * Who is reached by this word may be others by now: if `mark` is not the one of last time, or `again`, all that is held for it counts as
 * having come now, so that whoever it reaches is told again. Within a transaction.
 */
int reach_mark(struct store *store, struct span word, uint64_t mark, bool again, struct err *err);

/* How often, ever, something restricted came or was said here. */
int reach_count(struct store *store, int64_t *ret, struct err *err);

/* Did anything for these words come to this log after `reached`? */
int reach_came(struct store *store, const struct reach *reach, int64_t number, int64_t reached, bool *ret,
               struct err *err);

/*
 * Logs for which something for these words came after `reached`, by when it came, at most `max`; not those whose seq is above
 * `since`, which everybody is told of.
 */
struct reach_told {
    int64_t
        reached; /* where to go on: behind the last that came for these words. What came for others does not move it */
    bool is_cut; /* there is more */
};
int reach_heads(struct store *store, const struct reach *reach, int64_t since, int64_t reached, size_t max,
                int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx, struct reach_told *ret,
                struct err *err);

#endif

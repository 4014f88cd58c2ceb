/*
 * One walk through the pages of a peer's GET /heads, from the first that says `more` to the first that says `next`.
 *
 * A server can say `more` with a fresh cursor for ever. An honest one lists each log once, and again only when it changed
 * meanwhile, or from the beginning when it does not know our cursor any more: so a page is fresh if it names a log that
 * this walk has not met, or has met at a smaller size, and no walk of an honest server has more stale pages than fresh
 * ones. Whoever keeps to that can still name new logs for ever; so a walk ends at a number of pages and of logs, the
 * cursor stays, and the next walk goes on from there.
 */
#ifndef TONGZHOU_CONNECT_LISTING_H
#define TONGZHOU_CONNECT_LISTING_H

#include "base/err.h"
#include "base/span.h"

#define LISTING_PAGES_MAX 1000
#define LISTING_LOGS_MAX 1000000 /* 100 full pages; the table of them takes 32 MiB */

struct listed;

struct listing {
    struct listed *table;
    size_t count, cap; /* cap: a power of two, or 0 */
    uint64_t factor;   /* drawn for this walk: a peer cannot choose logs that collide in the table */
    unsigned fresh, stale;
};

/*
 * Take a well-formed page that ends with `more`. `listing` is zeroed, or has taken the pages before.
 * 1: go on; 0: enough for this walk; ERR_VERIFY: the peer goes round in circles; ERR_MEMORY.
 */
int listing_page(struct listing *listing, struct span answer, struct err *err);

/* The walk is over; `listing` is ready for another one. */
void listing_done(struct listing *listing);

#endif

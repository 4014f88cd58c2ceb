/* --parcel and --expires of `publish` and `import`: what is said to few travels encrypted over nodes that are not meant, too. */
#ifndef TONGZHOU_CLI_PARCEL_H
#define TONGZHOU_CLI_PARCEL_H

#include "cli/audience.h"
#include "connect/parcels.h"

struct parcel_wish {
    bool wanted;
    int64_t life_ms;
    struct parcel_range *ranges; /* what was said, ascending; on the heap */
    size_t range_count, range_cap;
};

/* Before anything is opened: do the options fit each other? EXIT_USAGE, with the reason, or 0. */
int parcel_options_check(struct invocation *inv, struct parcel_wish *ret);

/* Before anything is said: can it be encrypted to all of them? 0 also if no parcel is wanted. */
int parcel_prepare(struct invocation *inv, struct session *session, const struct parcel_wish *wish,
                   const struct named_audience *audience, const struct log_info *author);

/* These entries are in the log and durable. */
int parcel_note(struct parcel_wish *wish, uint64_t first, uint64_t count, struct err *err);

/* Append the parcels of what was noted, and tell of them. */
int parcel_finish(struct invocation *inv, struct session *session, struct parcel_wish *wish,
                  const struct named_audience *audience, const struct log_info *author);

void parcel_wish_done(struct parcel_wish *wish);

/* --expires, or 30 days: false after having said what is wrong. */
bool parcel_life(struct invocation *inv, int64_t *ret_ms);

/* "1 content for 2 members as a parcel, until 2026-12-28: cert.example.org/k5xq…/17" */
void parcel_print(FILE *out, const struct parcel_sent *sent, const struct log_info *author, int64_t expires_ms);

#endif

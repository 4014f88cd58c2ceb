/* For a fork hunt: the tiles of the peer that holds the other branch, as a source of hashes. */
#ifndef TONGZHOU_CONNECT_FORK_REMOTE_H
#define TONGZHOU_CONNECT_FORK_REMOTE_H

#include "connect/fork_hunt.h"
#include "tlog/merkle.h"

struct fork_remote;

/*
 * Log `hex` of `size` entries at hunt->url. Each hash asked of *ret_source may be a request, which blocks; the last tiles
 * are kept. Nothing is believed: the hashes are whatever the peer says.
 *   fetcher, hunt  borrowed until fork_remote_free
 */
int fork_remote_new(struct fetcher *fetcher, const struct fork_hunt *hunt, const char *hex, uint64_t size,
                    struct fork_remote **ret, struct tlog_source *ret_source, struct err *err);
void fork_remote_free(struct fork_remote *remote); /* may be NULL */

/* Has somebody asked the hunt to end? */
bool fork_hunt_stopped(const struct fork_hunt *hunt);

#endif

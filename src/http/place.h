/*
 * Where a follower of /events is (events.c), as it is told: hex digits that say nothing. Both numbers are scrambled under a key
 * as old as the index, by who is told and by a number drawn for each stream: so neither from two places of one stream nor from
 * those of two streams does anybody learn whether anything came for others in between. Private to the server.
 */
#ifndef TONGZHOU_HTTP_PLACE_H
#define TONGZHOU_HTTP_PLACE_H

#include "base/scramble.h"

#define PLACE_LEN 48 /* hex digits: the stream's number, record, notice */

struct place {
    uint64_t stream;         /* drawn at random */
    uint64_t record, notice; /* below SCRAMBLE_LIMIT */
};

void place_write(const uint8_t key[SCRAMBLE_KEY], struct span who, const struct place *place, char out[PLACE_LEN + 1]);

/* False: not in this form. One of another key, or told somebody else, gives numbers out of the blue. */
bool place_read(const uint8_t key[SCRAMBLE_KEY], struct span who, struct span text, struct place *ret);

#endif

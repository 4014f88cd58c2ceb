/* Instants: milliseconds since 1970-01-01T00:00:00Z without leap seconds, in an int64_t named *_ms. */
#ifndef TONGZHOU_BASE_WHEN_H
#define TONGZHOU_BASE_WHEN_H

#include "base/span.h"

#define WHEN_TEXT_LEN 24                     /* 2026-11-22T11:14:26.123Z */
#define WHEN_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* Writes exactly WHEN_TEXT_LEN characters and a NUL; `ms` must be in 0..WHEN_MAX_MS. */
void when_format(int64_t ms, char out[WHEN_TEXT_LEN + 1]);

/* Exactly the form above (the one that records use). */
bool when_parse(struct span text, int64_t *ret_ms);

/*
 * RFC 3339 as others write it: 0 to 9 fractional digits (cut to milliseconds), Z or an offset, `T` or space.
 * A date alone means its midnight UTC; second 60 counts as the second behind it. Only instants in 0..WHEN_MAX_MS.
 */
bool when_parse_loose(struct span text, int64_t *ret_ms);

#endif

/* The part of a URL behind its host, byte by byte, in one form for indicators and logs. Part of the sweep. */
#ifndef TONGZHOU_SWEEP_URL_H
#define TONGZHOU_SWEEP_URL_H

#include "base/span.h"

/*
 * Bring the unit at `pos` (one byte, or one %XX) into its canonical form (RFC 3986 section 6.2.2): escapes of
 * unreserved characters decoded, other escapes in upper case, bytes that a URL cannot hold escaped.
 *   out      receives 1 or 3 bytes, *ret_len says which
 * Returns how many bytes of `text` the unit has, or 0 for a control character.
 */
size_t url_unit(struct span text, size_t pos, uint8_t out[3], size_t *ret_len);

/* Two hex digits at `pos` as a value, or -1. */
int url_hex_pair(struct span text, size_t pos);

/* Where the path begins in a canonical URL ("host/…", "host:port/…", "[v6]/…"), and the host alone. */
size_t url_path_at(struct span canonical);
struct span url_host(struct span canonical);

#endif

/*
 * The header fields of a request as libmicrohttpd hands them over, and whether everybody between a client and us must read
 * them as we do: what proxies and servers read differently is how a request is smuggled past one of them.
 */
#ifndef TONGZHOU_HTTP_FIELDS_H
#define TONGZHOU_HTTP_FIELDS_H

#include <microhttpd.h>

#include "base/span.h"

/* The first of this name, or an empty span. */
struct span fields_first(struct MHD_Connection *connection, const char *name);
unsigned fields_count(struct MHD_Connection *connection, const char *name);

/*
 * Every name is a token (RFC 9110 section 5.6.2; RFC 9112 section 5.1: no white space before the colon), and no value holds
 * a control character but tabs (section 5.5), as where a line ended in CR alone.
 */
bool fields_are_plain(struct MHD_Connection *connection);

/* RFC 9112 sections 6.1 and 6.3: who sees two lengths, a coding that we do not undo, or one in HTTP/1.0, may end the body
 * elsewhere than we. False: so it is. */
bool fields_end_body(struct MHD_Connection *connection, const char *version, uint64_t *ret_bytes, bool *ret_chunked);

#endif

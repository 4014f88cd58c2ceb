/* The request target "/path?name=value&...": bounded, percent-decoded, valid UTF-8. Pure. */
#ifndef TONGZHOU_HTTP_TARGET_H
#define TONGZHOU_HTTP_TARGET_H

#include "http/route.h"

/*
 * Decode %XX (and, in a query, '+' as a space). The result is valid UTF-8 without control characters other than tab, LF
 * and CR; borrowed from `text` if there was nothing to decode.
 * Errors: ERR_SYNTAX what stands where; ERR_MEMORY.
 */
int http_decode(struct span text, bool in_query, struct arena *arena, struct span *ret, struct err *err);

/*
 * Path and query parameters of a target as it stands in the request line (origin form, RFC 9112 section 3.2.1).
 *   out  path, query[] and query_count are set; spans in the arena or borrowed
 * Errors: ERR_LIMIT above HTTP_URL_MAX bytes or HTTP_PARAMS_MAX parameters; ERR_SYNTAX; ERR_MEMORY.
 */
int http_target_parse(struct span target, struct arena *arena, struct http_request *out, struct err *err);

/* Parameters of "name=value&..." (a query, or a form's body) into out[HTTP_PARAMS_MAX]; errors as above. */
int http_params_parse(struct span text, struct arena *arena, struct http_param *out, size_t *ret_count,
                      struct err *err);

/*
 * Does a path fit a pattern? "{name}" takes one segment, "{rest}" (last only) one segment or more. On 1 the parts are
 * decoded into out->part[].
 * 1 fits, 0 does not; ERR_SYNTAX it fits but a part cannot be decoded; ERR_MEMORY.
 *   ret_literal  bytes of the pattern outside of {…}: of two patterns that fit, the more literal one is meant
 */
int http_pattern_match(const char *pattern, struct span path, struct arena *arena, struct http_request *out,
                       size_t *ret_literal, struct err *err);

#endif

/* What single request headers say: ranges, entity tags, hosts, media types, languages. Pure; any bytes are harmless. */
#ifndef TONGZHOU_HTTP_HEADER_H
#define TONGZHOU_HTTP_HEADER_H

#include "base/span.h"

/* The same word, whatever the case of its letters. */
bool http_same_word(struct span a, const char *b);

enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_PART, HTTP_RANGE_UNSATISFIABLE };

/*
 * RFC 9110 section 14.2: "bytes=A-B", "bytes=A-", "bytes=-N" of something `size` bytes long. Malformed headers and lists of
 * ranges are ignored (HTTP_RANGE_NONE), as the standard lets us.
 */
enum http_range http_range_parse(struct span range, uint64_t size, uint64_t *ret_from, uint64_t *ret_len);

/* Weak comparison of If-None-Match with one strong tag (quotes included). "*" matches. */
bool http_etag_listed(struct span if_none_match, const char *etag);

/* Host header that can only mean this machine itself: localhost, 127.x.x.x, [::1], each with or without a port. */
bool http_host_is_loopback(struct span host);

/*
 * May this request change or compute something here? Browsers tell where it comes from; programs that tell nothing are
 * no browsers and carry nobody's session along.
 *   origin, site   Origin and Sec-Fetch-Site headers, .len 0 if absent
 */
bool http_same_origin(struct span host, struct span origin, struct span site);

/* Does the client ask for HTML by name? Browsers do, programs do not. */
bool http_accepts_html(struct span accept);

/* Seconds of "Prefer: wait=N" (RFC 7240), at most `max`; 0 without. */
unsigned http_prefer_wait(struct span prefer, unsigned max);

/* One cookie's value, or an empty span. */
struct span http_cookie(struct span cookie, const char *name);

/* ---- languages of the pages ---- */

extern const char *const http_languages[]; /* BCP 47 tags, the first is the fallback; NULL at the end */

/* The page language that a tag means ("zh", "zh-CN", "zh-TW", "en-GB"), nearest by RFC 4647 lookup; NULL if none. */
const char *http_language_for(struct span tag);

/* By ?lang=, else by cookie, else by Accept-Language, else the fallback. */
const char *http_language_choose(struct span query, struct span cookie, struct span accept_language,
                                 bool *ret_explicit);

#endif

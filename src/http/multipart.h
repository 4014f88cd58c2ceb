/* multipart/form-data (RFC 7578) in memory: what a form with a file sends. Pure; nothing is copied. */
#ifndef TONGZHOU_HTTP_MULTIPART_H
#define TONGZHOU_HTTP_MULTIPART_H

#include "base/err.h"
#include "base/span.h"

#define HTTP_BOUNDARY_MAX 70      /* bytes; RFC 2046 section 5.1.1 */
#define HTTP_PART_HEADER_MAX 4096 /* bytes of one part's headers */

struct http_multipart {
    struct span body;
    size_t pos;
    char delimiter[HTTP_BOUNDARY_MAX + 5]; /* CR LF "--" boundary NUL */
    size_t delimiter_len;
};

struct http_form_part {
    struct span name, filename; /* as sent between the quotes; filename.data NULL without one */
    struct span content;
};

bool http_is_multipart(struct span content_type);

/* ERR_SYNTAX: another content type, no boundary in it, or a body that does not begin with it. */
int http_multipart_init(struct http_multipart *reader, struct span content_type, struct span body, struct err *err);

/* 1 and *ret, 0 behind the last part, ERR_SYNTAX (also for a body that ends before its closing boundary), ERR_LIMIT. */
int http_multipart_next(struct http_multipart *reader, struct http_form_part *ret, struct err *err);

#endif

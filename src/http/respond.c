#include "http/respond.h"

#include <stdio.h>
#include <unistd.h>

#include "http/header.h"
#include "http/page.h"

#define RETRY_S 5         /* seconds after which 503 may be different */
#define PROBLEM_MAX 65536 /* bytes of an answer that says what went wrong */

/* Pages load nothing from elsewhere, are framed by nobody, and their scripts are ours. */
#define CSP_PAGE                                                                                                       \
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "               \
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
/* RFC 9421 section 5: what a request has to be signed over to be heard as a member's. */
#define ACCEPT_SIGNATURE                                                                                               \
    "tongzhou=(\"@method\" \"@authority\" \"@path\" \"@query\" \"tongzhou-to\");created;expires;nonce;keyid;"          \
    "alg=\"ed25519\";tag=\"tongzhou\""
#define CSP_DATA "default-src 'none'; style-src 'self'; frame-ancestors 'none'; sandbox"

void respond_drop(struct http_reply *reply)
{
    buf_done(&reply->body);
    if (reply->fd >= 0)
        close(reply->fd);
    reply->fd = -1;
}

static size_t full_length(const struct http_reply *reply)
{
    return reply->fd >= 0 ? reply->fd_len : reply->body.len;
}

/* Cut the reply to the range that was asked for: 206, or 416. The client has a part of something else: all of it. */
static void apply_range(const struct http_request *request, struct http_reply *reply, char *content_range, size_t size)
{
    uint64_t from, len, all = full_length(reply);
    enum http_range range = http_range_parse(request->range, all, &from, &len);
    bool outdated = request->if_range.len > 0 && !span_is(request->if_range, reply->etag);
    if (range == HTTP_RANGE_NONE || outdated)
        return;
    if (range == HTTP_RANGE_UNSATISFIABLE) { /* not with the headers of the bytes: a cache would keep it for a year */
        respond_drop(reply);
        buf_init(&reply->body, PROBLEM_MAX);
        (void)http_problem(request, reply, MHD_HTTP_RANGE_NOT_SATISFIABLE, TR_MARK("Not understood"),
                           TR_MARK("There are no such bytes at this address."));
        snprintf(content_range, size, "bytes */%llu", (unsigned long long)all);
        return;
    }
    reply->status = MHD_HTTP_PARTIAL_CONTENT;
    snprintf(content_range, size, "bytes %llu-%llu/%llu", (unsigned long long)from,
             (unsigned long long)(from + len - 1), (unsigned long long)all);
    if (reply->fd >= 0) {
        reply->fd_offset += from;
        reply->fd_len = (size_t)len;
    } else {
        memmove(reply->body.data, reply->body.data + from, (size_t)len);
        buf_cut(&reply->body, (size_t)len);
    }
}

/* The content changes hands: libmicrohttpd frees the bytes, or closes the file. */
static struct MHD_Response *make_response(struct http_reply *reply)
{
    struct MHD_Response *response;
    if (reply->fd >= 0) {
        response = MHD_create_response_from_fd_at_offset64(reply->fd_len, reply->fd, reply->fd_offset);
        if (response)
            reply->fd = -1;
    } else if (reply->body.len > 0) {
        response = MHD_create_response_from_buffer(reply->body.len, reply->body.data, MHD_RESPMEM_MUST_FREE);
        if (response)
            reply->body.data = NULL;
    } else {
        static char nothing[] = "";
        response = MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    }
    respond_drop(reply);
    return response;
}

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    if (value && value[0] != '\0')
        (void)MHD_add_response_header(response, name, value);
}

static void add_headers(struct MHD_Response *response, const struct http_request *request,
                        const struct http_reply *reply, const char *content_range)
{
    bool is_page = reply->content_type && strncmp(reply->content_type, "text/html", 9) == 0;
    add(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, reply->cache_control);
    add(response, MHD_HTTP_HEADER_ETAG, reply->etag);
    add(response, MHD_HTTP_HEADER_LOCATION, reply->location);
    add(response, "Refresh", reply->refresh);
    add(response, MHD_HTTP_HEADER_VARY, reply->vary);
    add(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    add(response, MHD_HTTP_HEADER_CONTENT_LANGUAGE, reply->language);
    add(response, "Content-Disposition", reply->disposition);
    add(response, MHD_HTTP_HEADER_CONTENT_RANGE, content_range);
    if (reply->allow_range)
        add(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    if (reply->status == MHD_HTTP_UNAUTHORIZED && !reply->is_signing)
        add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"");
    if (reply->status == MHD_HTTP_UNAUTHORIZED && reply->is_signing) {
        add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Signature");
        add(response, "Accept-Signature", ACCEPT_SIGNATURE);
        if (reply->sign_again)
            add(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    }
    if (reply->status == MHD_HTTP_SERVICE_UNAVAILABLE || reply->status == MHD_HTTP_TOO_MANY_REQUESTS) {
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%u", reply->retry_s > 0 ? reply->retry_s : RETRY_S);
        add(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    for (size_t i = 0; i < HTTP_COOKIES_MAX; i++)
        add(response, MHD_HTTP_HEADER_SET_COOKIE, reply->set_cookies[i]);
    add(response, "Content-Security-Policy", is_page ? CSP_PAGE : CSP_DATA);
    if (reply->is_last)
        add(response, MHD_HTTP_HEADER_CONNECTION, "close");
    add(response, "X-Content-Type-Options", "nosniff");
    add(response, "X-Frame-Options", "DENY"); /* for browsers that do not know frame-ancestors */
    add(response, "Referrer-Policy", "no-referrer");
    /* Other sites' pages do not get to embed what a node on their reader's machine or network serves. */
    add(response, "Cross-Origin-Resource-Policy", "same-origin");
    if (is_page)
        add(response, "Cross-Origin-Opener-Policy", "same-origin");
    if (reply
            ->is_secure) /* nobody on the line leads a reader back to plain HTTP, and to a form for passwords there (RFC 6797) */
        add(response, "Strict-Transport-Security", "max-age=15552000");
    if (reply->keep_language) {
        char cookie[96];
        snprintf(cookie, sizeof(cookie), "lang=%s; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly%s", request->lang,
                 reply->is_secure ? "; Secure" : "");
        add(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    }
}

enum MHD_Result respond(struct MHD_Connection *connection, const struct http_request *request, struct http_reply *reply,
                        uint64_t *ret_bytes)
{
    char content_range[80] = "";
    if (reply->status == 0)
        reply->status = MHD_HTTP_OK;
    if (reply->status == MHD_HTTP_OK && http_etag_listed(request->if_none_match, reply->etag)) {
        respond_drop(reply);
        reply->status = MHD_HTTP_NOT_MODIFIED;
        reply->content_type = NULL;
    } else if (reply->status == MHD_HTTP_OK && reply->allow_range) {
        apply_range(request, reply, content_range, sizeof(content_range));
    }
    *ret_bytes = full_length(reply);
    struct MHD_Response *response = make_response(reply);
    if (!response)
        return MHD_NO;
    add_headers(response, request, reply, content_range);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result respond_stream(struct MHD_Connection *connection, const struct http_request *request,
                               struct http_reply *reply, struct MHD_Response *response)
{
    respond_drop(reply);
    add_headers(response, request, reply, "");
    add(response, "X-Accel-Buffering", "no"); /* nginx would keep events back until it has a block full */
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

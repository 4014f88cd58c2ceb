/*
 * Routes: method and path pattern to handler. Handlers get a parsed, bounded request and a view already opened for its
 * viewer; they fill a reply. No handler touches libmicrohttpd.
 */
#ifndef TONGZHOU_HTTP_ROUTE_H
#define TONGZHOU_HTTP_ROUTE_H

#include "index/view.h"

enum http_method { HTTP_GET = 1, HTTP_POST = 2 }; /* HEAD is answered as GET without a body */

#define HTTP_PARAMS_MAX 32
#define HTTP_COOKIES_MAX 2 /* set by one reply, besides the language */

struct http_visitor; /* http/visitor.h */

struct http_param {
    struct span name, value; /* percent-decoded, valid UTF-8 */
};

struct http_request {
    enum http_method method;
    struct span path;    /* as sent, without the query */
    struct span part[8]; /* what the pattern's {…} matched, percent-decoded; the last may be "{rest}" */
    size_t part_count;
    struct http_param query[HTTP_PARAMS_MAX];
    size_t query_count;
    struct span body; /* HTTP_POST */
    struct span content_type;
    struct span range, if_range, if_none_match, prefer, accept_language, accept, cookie, last_event_id;
    const char *lang;    /* chosen for pages: "en", "zh-Hans" */
    bool lang_explicit;  /* by ?lang= */
    bool waited;         /* its time to wait is over */
    struct arena *arena; /* for the request */
    int64_t now_ms;
    struct http_visitor *visitor; /* who is signed in, if anybody can be; NULL: nobody can */
};

/*
 * An answer that goes on and on. `more` is called again and again, by any of the server's threads, one at a time, with a view
 * opened anew: it appends what is new, or nothing; 1: there may be more at once. A failure ends the stream.
 */
struct http_stream {
    void *ctx; /* until `done` */
    int (*more)(void *ctx, const struct view *view, struct buf *out, struct err *err);
    void (*done)(void *ctx);
};

struct http_reply {
    int status;                /* 200 unless set */
    struct http_stream stream; /* instead of a body; .more NULL: none */
    const char *content_type;
    const char *cache_control;
    char etag[72];        /* with quotes, "" none */
    const char *location; /* for redirects, in the arena */
    struct buf body;      /* initialised, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 1 MiB at most */
    /* Instead of body: a part of a file, sent with sendfile; the server closes fd. */
    int fd; /* -1 none */
    uint64_t fd_offset;
    size_t fd_len;
    const char *refresh; /* Refresh: where a page goes on by itself */
    bool allow_range;    /* a single byte range of body or file is honoured */
    const char *vary;
    const char *language;                      /* Content-Language of a page */
    const char *disposition;                   /* Content-Disposition */
    const char *allow;                         /* Allow, with 405 */
    bool is_signing;                           /* 401 is about a member's signature, not about a token */
    unsigned retry_s;                          /* Retry-After, with 429 and 503; 0: its default */
    const char *set_cookies[HTTP_COOKIES_MAX]; /* in the arena; NULL: none */
    bool is_last;                              /* the connection ends with it */
    bool sign_again;                           /* with 401: the same, signed anew in a second, may be heard */
    bool is_secure;                            /* the server's own TLS, or a trusted proxy's */
    bool keep_language;                        /* remember request->lang in a cookie: the reader chose it */
    /* Long polling: hold this request until store_seq passes `wait_seq`, or what came for few `wait_reached` (INT64_MAX: it
     * is not told), then call the handler again; with request->waited true when `wait_s` seconds went by. */
    int64_t wait_seq, wait_reached;
    unsigned wait_s;
};

typedef int (*http_handler)(const struct view *view, const struct http_request *request, struct http_reply *reply,
                            struct err *err);

/*
 * A handler fills the reply and returns 0. An error is answered by its code (ERR_NOTFOUND 404, ERR_USAGE and ERR_SYNTAX
 * 400, ERR_LIMIT 413, ERR_REFUSED 403, ERR_STATE 503, others 500) without its text, which may name files: a handler
 * that has something to say to the client calls http_problem.
 */
/* Fields stand as people read them. NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct route {
    enum http_method method;
    const char *pattern; /* "/record/{origin}/{index}", "/logs/{hash}/{rest}" */
    enum outlet outlet;
    http_handler handler;
    const char *what; /* one line for the list of routes and ARCHITECTURE.md */
};

/* Query parameter, or an empty span. */
struct span http_query(const struct http_request *request, const char *name);

/* RFC 9457: sets status, application/problem+json (or a page when the client asks for HTML). `title` and `detail` are
 * texts of ours in English, translated on pages; detail may be NULL. Returns 0. */
int http_problem(const struct http_request *request, struct http_reply *reply, int status, const char *title,
                 const char *detail);

#endif

/* The HTTP server: libmicrohttpd with a pool of epoll threads, routing, limits, long polling. No capability's logic. */
#ifndef TONGZHOU_HTTP_SERVER_H
#define TONGZHOU_HTTP_SERVER_H

#include "http/route.h"

struct http_server;
struct oidc;

struct http_options {
    const char *const *endpoints; /* where others reach it (URLs), beside what profiles say: for signed requests */
    size_t endpoint_count;
    const char *dir;                           /* each pool thread opens its own store and index */
    const char *listen;                        /* "127.0.0.1:8080", "[::1]:0"; port 0: any free one */
    unsigned threads;                          /* 0: one a core, 2 to 4 */
    unsigned connections;                      /* 0: 512 */
    const char *tls_cert, *tls_key;            /* PEM files; NULL: plain HTTP */
    struct oidc *oidc;                         /* connect/oidc.h: a provider that signs people in; NULL: none */
    const char *oidc_name;                     /* as people are told */
    bool insecure_sign_in;                     /* people may sign in whoever can read along */
    const char *trust_proxy;                   /* HEADER@ADDRESS of a proxy that says who it is; NULL: none */
    unsigned request_ms;                       /* for a request's line and headers; 0: 30,000 */
    void (*tell)(void *ctx, const char *line); /* a line for the log, from any thread; may be NULL */
    void *tell_ctx;
    /* The socket listens, the certificate is read, and no thread exists yet: the moment to give up rights. May be NULL. */
    int (*listening)(void *ctx, struct err *err);
    void *listening_ctx;
};

int http_server_start(const struct http_options *options, struct http_server **ret, struct err *err);
void http_server_stop(struct http_server *server);

/* Read the files of tls_cert and tls_key again; connections go on. After an error the old certificate stays. */
int http_server_reload(struct http_server *server, struct err *err);

/* "http://127.0.0.1:43211" */
const char *http_server_url(const struct http_server *server);

/* Something changed in the store: wake requests that wait. Callable from any thread. */
void http_server_wake(struct http_server *server);

/* Something new may stand in the index or the inbox: streams look. Callable from any thread. */
void http_server_tell(struct http_server *server);

struct http_counters {
    uint64_t requests, bytes_out, refused, waiting;
    uint64_t signed_requests; /* by members */
    uint64_t signed_refused;  /* in all */
    uint64_t sign_in_failures;
    int64_t certificate_ends_ms; /* 0: no TLS */
};
/* Refused signed requests of one reason; false: `number` is beyond the last. */
bool http_server_refused(const struct http_server *server, size_t number, const char **ret_reason, uint64_t *ret_count);
void http_server_counters(const struct http_server *server, struct http_counters *ret);

#endif

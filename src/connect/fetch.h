/*
 * The HTTP client: many requests at once, GET or POST, over one libcurl multi handle, in one thread. Everything that a server can
 * send is bounded: header bytes, body bytes, the slowest speed, the time to connect. Nothing is decoded (identity
 * encoding is asked for and anything else refused), no redirect is followed unless asked for, no proxy is taken from
 * the environment (a node dials exactly what its operator configured), only http and https are spoken.
 */
#ifndef TONGZHOU_CONNECT_FETCH_H
#define TONGZHOU_CONNECT_FETCH_H

#include "base/buf.h"
#include "base/limits.h"
#include "connect/public.h"

#define FETCH_HEADERS_MAX 65536       /* bytes of an answer's header */
#define FETCH_CONNECTIONS_PER_HOST 10 /* a long poll, eight pulls, one to spare */
#define FETCH_CONNECTIONS_MAX 160     /* of one fetcher: sync keeps below 200 descriptors */
#define FETCH_REDIRECTS_MAX 5

struct fetcher;
struct fetch; /* one request under way */

struct fetch_reply {
    int code; /* 0: an answer came, see status; or an errcode with err.text */
    struct err err;
    int status; /* HTTP */
    char etag[256], last_modified[64], content_type[128], content_range[128];
    unsigned retry_after_s;       /* 0: not said */
    bool is_slow;                 /* ERR_NET because it stalled: what has come of a 200 or 206 is in `body` */
    int64_t heard_ms;             /* monotonic: when anything of it came last; 0: nothing did */
    struct buf body;              /* of a 200 or 206 without sink; `done` may take it over (then buf_init it again) */
    uint64_t bytes_in, bytes_out; /* headers and bodies */
    int64_t took_ms;
    enum address_reach reach; /* of the address that answered */
};

struct fetch_request {
    const char *url;                                        /* http:// or https://, copied */
    size_t body_max;                                        /* bytes; more is ERR_LIMIT */
    const char *if_none_match, *if_modified_since, *accept; /* NULL: none */
    const char *signature_input, *signature, *signed_to; /* of a signed request (record/http_sig.h); NULL: it is none */
    const char *post_type;                               /* of `post`, which is sent along: a POST; NULL: a GET */
    struct span post;
    const char *content_digest; /* of `post` (RFC 9530), or NULL */
    const char *authorization;  /* NULL: none */
    struct span ca;             /* certificates in PEM that are trusted instead of this machine's; .len 0: those */
    bool has_range;             /* bytes from `range_from`, up to and with `range_to` (0: the end) */
    uint64_t range_from, range_to;
    unsigned wait_s;                     /* "Prefer: wait=N"; 0: none. The low speed limit waits as much longer */
    unsigned connect_timeout_ms;         /* 0: PEER_CONNECT_TIMEOUT_MS */
    unsigned low_speed_bps, low_speed_s; /* 0: PEER_LOW_SPEED_BPS, PEER_LOW_SPEED_S */
    unsigned total_ms;                   /* 0: no limit but the slowest speed */
    /* Dial no address that is nearer than this, whatever name it has: the name is somebody else's. 0: any */
    enum address_reach reach;
    bool redirects_same_host; /* follow to the same host (http may become https) */
    int64_t *heard_ms;        /* set to the monotonic time whenever anything of the answer comes; NULL: not wanted */
    /* Takes the pieces of a 200's body instead of reply.body; non-zero ends the request with that error. */
    int (*sink)(void *ctx, struct span piece, struct err *err);
    /* Called once from fetcher_run, unless cancelled. May start and cancel others. Not for fetch_once. */
    void (*done)(void *ctx, struct fetch_reply *reply);
    void *ctx;
};

/* Make libcurl ready; once a process, whoever comes first. For those who use it beside this file. */
int fetch_ready(struct err *err);

int fetcher_new(struct fetcher **ret, struct err *err);
void fetcher_free(struct fetcher *fetcher); /* requests under way are dropped without a call of done */

/* Start a request. The struct and its strings are copied. */
int fetch_start(struct fetcher *fetcher, const struct fetch_request *request, struct fetch **ret, struct err *err);

/* Forget a request under way; `done` is not called. */
void fetch_cancel(struct fetch *fetch);

/* End a request under way as if the connection had broken now: what has come is in *ret. `done` is not called. */
void fetch_break(struct fetch *fetch, struct fetch_reply *ret);

/* Bytes of the answer's body so far. */
uint64_t fetch_came(const struct fetch *fetch);

size_t fetcher_active(const struct fetcher *fetcher);

/* Move data and call `done` of what has ended, waiting up to timeout_ms for something to happen. */
int fetcher_run(struct fetcher *fetcher, unsigned timeout_ms, struct err *err);

/* End the waiting of fetcher_run. From any thread. */
void fetcher_wake(struct fetcher *fetcher);

/*
 * One request, blocking. *ret is always to be given to fetch_reply_done.
 * Returns ret->code and its text; HTTP statuses are the caller's to judge.
 */
int fetch_once(const struct fetch_request *request, struct fetch_reply *ret, struct err *err);
void fetch_reply_done(struct fetch_reply *reply);

#endif

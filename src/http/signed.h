/*
 * Requests that a member has signed (RFC 9421; PROTOCOL.md, "Signed requests"): who asks, or why it is not believed. Only
 * looked at where a request has a Signature-Input header, and before anything else is: an answer that refuses one says
 * nothing of what is here.
 */
#ifndef TONGZHOU_HTTP_SIGNED_H
#define TONGZHOU_HTTP_SIGNED_H

#include "record/http_sig.h"
#include "state/store.h"

#define SIGNED_WINDOW_S 300 /* seconds that a clock may be off, and that a request is good for at most */

enum signed_outcome {
    SIGNED_BY_MEMBER,
    SIGNED_BY_NOBODY, /* no signature with our tag: the public */
    /* From here on it is refused. */
    SIGNED_MALFORMED, /* the headers, or what they cover */
    SIGNED_UNKNOWN,   /* no such member here */
    SIGNED_MISMATCH,  /* altered, or by another key, a retired one among them */
    SIGNED_EXPIRED,   /* or from too far in the future */
    SIGNED_RESTARTED, /* from before this process began */
    SIGNED_REPLAYED,
    SIGNED_MISDIRECTED, /* meant for another node */
    SIGNED_SUSPENDED,   /* its log is forked */
    SIGNED_TOO_MANY,    /* requests of this member that have not expired */
    SIGNED_FAILED,      /* our own fault */
    SIGNED_OUTCOMES
};

struct signed_request {
    struct http_sig_message message;                        /* .scheme and .authority are found here */
    struct span input, signature, host, content_digest, to; /* headers; to: Tongzhou-To */
    struct span body;
    int fd; /* of the connection: at which address are we reached? */
    bool loopback;
    int64_t now_ms;
};

struct signed_state;
/* `dir` is the node's folder: a process that ends and begins again takes no request that one before it may have taken. */
int signed_new(const char *dir, int64_t now_ms, struct signed_state **ret, struct err *err);
/* This node is reached there, too. ERR_USAGE no http:// or https:// address; ERR_LIMIT. Before the first request. */
int signed_endpoint(struct signed_state *state, const char *url, struct err *err);
/* Is this Host header one of the names that this node is reached by, given or in the profiles of those who live here? */
bool signed_is_named(struct signed_state *state, struct store *store, struct span host, int64_t now_ms);
void signed_free(struct signed_state *state);

/*
 * Who signed it? `store` is the calling thread's.
 *   ret_origin  ORIGIN_MAX + 1 bytes: with SIGNED_BY_MEMBER who did; else perhaps whom it says to be by, for the log alone
 */
enum signed_outcome signed_check(struct signed_state *state, struct store *store, const struct signed_request *request,
                                 char *ret_origin);

/* One word, for counters and the log; "member" and "public" for those that are not refused. */
const char *signed_word(enum signed_outcome outcome);

/* HTTP status, title and detail of an answer that refuses it. */
int signed_status(enum signed_outcome outcome, const char **ret_title, const char **ret_detail);

#endif

/*
 * Who is signed in, of the requests that no member signed: a person by a session's cookie or a trusted proxy's header, or a
 * program by a token. What a request's headers say is taken apart here (pure); state/users.h knows whom it means.
 */
#ifndef TONGZHOU_HTTP_VISITOR_H
#define TONGZHOU_HTTP_VISITOR_H

#include "http/attempts.h"
#include "http/route.h"
#include "record/audience.h"
#include "state/users.h"

#define HTTP_FORM_MAX (16u << 10) /* bytes of a form without a file: names, words, choices */
#define FORM_TOKEN "csrf"         /* the field that every form of a signed-in person carries */
#define HEADER_NAME_MAX 64

enum visitor_how { VISITOR_NOBODY, VISITOR_SESSION, VISITOR_TOKEN, VISITOR_PROXY };

struct http_visitor {
    enum visitor_how how;
    bool is_offered; /* may anybody sign in over this connection? */
    bool is_secure;  /* it is encrypted up to the browser */
    struct user user;
    uint64_t unread;             /* lines of its inbox, on pages */
    char person[PERSON_MAX + 1]; /* as contents for named persons name this user */
    unsigned scopes;
    char address[ADDRESS_MAX];      /* the browser's, as far as known */
    char session[SESSION_TEXT + 1]; /* what the cookie said; "" none */
    char form[SESSION_TEXT + 1];    /* what a form has to carry along; "": none can be sent */
    struct signing *signing;
};

struct oidc; /* connect/oidc.h */
struct tls;

/* The server's part of it; made once. */
struct signing_options {
    const char *dir;       /* the node's folder; borrowed */
    bool is_offered;       /* to everybody who reaches the server: loopback, TLS, or said explicitly */
    bool is_tls;           /* the server's own */
    const char *trust;     /* HEADER@ADDRESS of a proxy that says who it is; NULL: none */
    struct tls *tls;       /* the server\'s, for those who look after it; NULL: none; borrowed */
    struct oidc *oidc;     /* a provider at which people may sign in, too; borrowed; NULL: none */
    const char *oidc_name; /* what people are told that it is; borrowed */
    void (*tell)(void *ctx, const char *line); /* for the log; may be NULL */
    void *tell_ctx;
};

struct signing;
/* ERR_USAGE: `trust` does not have its form. */
int signing_new(const struct signing_options *options, struct signing **ret, struct err *err);
void signing_free(struct signing *signing);
struct attempts *signing_attempts(struct signing *signing);
const struct signing_options *signing_settings(const struct signing *signing);
struct oidc *signing_oidc(const struct signing *signing);
const char *signing_oidc_name(const struct signing *signing); /* NULL: there is none */

/*
 * The server's handles only read. For what signing in writes there are two that write, each for one thread at a time:
 *   SIGNING_PASSWORD  one password at a time is looked at, for each takes ARGON2_MEMORY and a core. ERR_STATE: somebody
 *                     else's is; who comes then is asked to come again. A server has two threads at least, so others are
 *                     answered meanwhile.
 *   SIGNING_QUICK     all else, a commit each; waits for its turn
 * Give back what was taken; after a failure (`rc` negative) the handle is opened anew.
 */
enum signing_use { SIGNING_PASSWORD, SIGNING_QUICK, SIGNING_USES };
int signing_take(struct signing *signing, enum signing_use use, struct store **ret, struct err *err);
void signing_give(struct signing *signing, enum signing_use use, int rc);

/* A request's headers; each .len 0 without. */
struct visitor_headers {
    const char *address; /* of the connection's other end */
    struct span cookie, authorization, forwarded_for, forwarded_proto;
    unsigned authorizations; /* how many such lines */
    struct span proxy_user;  /* the header that the proxy sets */
    unsigned proxy_users;
};

/* "Remote-User", to be looked up among the headers; NULL: no proxy is trusted. */
const char *signing_proxy_header(const struct signing *signing);

/*
 * 0: *ret is filled, with VISITOR_NOBODY where nobody is signed in. ERR_SYNTAX headers that contradict one another;
 * ERR_VERIFY a token that is none here; others as the store's.
 */
int visitor_find(struct signing *signing, struct store *store, const struct visitor_headers *headers, int64_t now_ms,
                 struct http_visitor *ret, struct err *err);

/* May this request's visitor do that? NULL, nobody: no. */
bool visitor_may(const struct http_visitor *visitor, enum role_action action);

/* Does the form carry the token of whoever sends it? Compared in the same time whatever it is. */
bool visitor_form_fits(const struct http_request *request);

/* A field of a form, of either encoding, without decoding errors: else an empty span. The first of its name. */
struct span http_form_value(const struct http_request *request, const char *name);
bool http_is_form(struct span content_type); /* application/x-www-form-urlencoded */

/* "Bearer TOKEN" (RFC 6750 section 2.1), or an empty span. */
struct span http_bearer(struct span authorization);

/* The last of X-Forwarded-For, which the proxy itself has written, if it is an IP address: the rest anybody can say. */
bool http_forwarded(struct span forwarded_for, char out[ADDRESS_MAX]);

/* A path of this server, for going on after signing in: "/..." that no browser takes for another host's. */
bool http_path_is_ours(struct span path);

/* Set-Cookie for a session (token "": it ends), and for the form of people who have none yet; in the arena. */
const char *visitor_cookie(const struct http_visitor *visitor, struct arena *arena, const char *token);
const char *visitor_form_cookie(struct http_visitor *visitor, struct arena *arena);

/* What a browser keeps while its user signs in at a provider ("": no more); it comes along on the way back from there, which a
 * cookie of SameSite=Strict would not. */
const char *visitor_flow_cookie(const struct http_visitor *visitor, struct arena *arena, const char *value);
struct span visitor_flow(const struct http_request *request);

#endif

/* Signing in at a provider: on to it, and back. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "base/utf8.h"
#include "connect/oidc.h"
#include "connect/pages.h"
#include "http/account.h"
#include "http/watch.h"

#define ADDRESS_TEXT_MAX (8u << 10) /* bytes */

/* NULL: the reply says that there is none. */
static struct oidc *provider_of(const struct http_request *request, struct http_reply *reply)
{
    if (!account_is_offered(request, reply))
        return NULL;
    struct oidc *oidc = signing_oidc(request->visitor->signing);
    if (!oidc)
        (void)http_problem(request, reply, 404, TR_MARK("Not found"), TR_MARK("There is nothing at this address."));
    return oidc;
}

static int unavailable(const struct http_request *request, struct http_reply *reply)
{
    int rc = http_problem(request, reply, 503, TR_MARK("Not now"),
                          TR_MARK("Where people of this node sign in does not answer. Please try again in a moment, "
                                  "or use a password."));
    reply->retry_s = 5;
    return rc;
}

int page_oidc(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct oidc *oidc = provider_of(request, reply);
    struct oidc_flow flow;
    char cookie[OIDC_COOKIE_MAX];
    struct buf address;
    (void)view;
    if (!oidc)
        return 0;
    oidc_flow_begin(oidc, http_query(request, "next"), request->now_ms, &flow, cookie);
    buf_init(&address, ADDRESS_TEXT_MAX);
    int rc = oidc_address(oidc, &flow, request->now_ms, &address, err);
    if (rc == 0) {
        reply->set_cookies[0] = visitor_flow_cookie(request->visitor, request->arena, cookie);
        rc = account_go(request, reply, buf_cstr(&address));
    } else if (rc != ERR_MEMORY) {
        rc = unavailable(request, reply);
    }
    buf_done(&address);
    sodium_memzero(&flow, sizeof(flow));
    return rc;
}

/* ---- back ---- */

struct coming {
    struct oidc *oidc;
    const struct http_request *request;
    struct http_reply *reply;
    struct attempt attempt;
    char subject[IDENTITY_SUBJECT_MAX + 1]; /* "": not known */
    struct user user;                       /* .number 0: nobody here */
    bool may_return;                        /* the sign-in stays in the browser */
};

/* What they ask for here is told to them: whoever runs the node needs it to let them in. */
static int write_stranger(struct coming *coming, struct err *err)
{
    struct page page;
    page_begin(&page, coming->request, coming->reply, "", TR_MARK("No account here"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("No account here"));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_say(&page, TR_MARK("You are signed in over there, but no account of this node is yours. Give this to whoever "
                            "runs it:"));
    page_raw(&page, "</p>\n<p><code>");
    page_bdi(&page, span_str(coming->subject));
    page_raw(&page, "</code></p>\n");
    int rc = page_end(&page, err);
    coming->reply->status = 403;
    coming->reply->cache_control = "no-store";
    return rc;
}

/*
 * Not a redirect: a browser would take that for a step of the provider's and leave the new session's cookie, which is
 * SameSite=Strict, at home.
 */
static int write_welcome(struct coming *coming, const char *next, struct err *err)
{
    struct page page;
    char refresh[OIDC_NEXT_MAX + 32];
    if (!http_path_is_ours(span_str(next)))
        next = "/";
    snprintf(refresh, sizeof(refresh), "0; url=%s", next);
    coming->reply->refresh = arena_strz(coming->request->arena, span_str(refresh));
    page_begin(&page, coming->request, coming->reply, "", TR_MARK("Signed in"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Signed in"));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_bdi(&page, span_str(coming->user.name));
    page_raw(&page, "</p>\n<p><a href=\"");
    page_esc(&page, span_str(next));
    page_raw(&page, "\">");
    page_say(&page, TR_MARK("Go on"));
    page_raw(&page, "</a></p>\n");
    int rc = page_end(&page, err);
    coming->reply->cache_control = "no-store";
    return rc;
}

static int note_failure(struct coming *coming, struct store *store, const char *why, struct err *err)
{
    char result[2 * IDENTITY_SUBJECT_MAX + 64], shown[2 * IDENTITY_SUBJECT_MAX];
    snprintf(result, sizeof(result), "%s%s", why, text_escape_into(shown, sizeof(shown), span_str(coming->subject)));
    attempts_failed(signing_attempts(coming->request->visitor->signing), &coming->attempt);
    return account_note(store, coming->request, "", AUDIT_SIGN_IN, result, err);
}

static int settle(struct coming *coming, struct store *store, struct err *err)
{
    int rc = identity_find(store, span_str(oidc_issuer(coming->oidc)), span_str(coming->subject), &coming->user, err);
    if (rc == ERR_NOTFOUND) {
        coming->user = (struct user){0};
        return note_failure(coming, store, "nobody here is ", err);
    }
    return rc < 0 ? rc : account_let_in(store, coming->request, coming->reply, &coming->user, err);
}

static int with_store(struct coming *coming, int (*what)(struct coming *coming, struct store *store, struct err *err),
                      struct err *err)
{
    struct signing *signing = coming->request->visitor->signing;
    struct store *store = NULL;
    int rc = signing_take(signing, SIGNING_QUICK, &store, err);
    if (rc < 0)
        return rc;
    rc = what(coming, store, err);
    signing_give(signing, SIGNING_QUICK, rc);
    return rc;
}

static int note_refusal(struct coming *coming, struct store *store, struct err *err)
{
    return note_failure(coming, store, "refused: the provider's answer", err);
}

static int turn_away(struct coming *coming, struct err *err)
{
    int rc = with_store(coming, note_refusal, err);
    return rc < 0 ? rc
                  : http_problem(coming->request, coming->reply, 403, TR_MARK("Not signed in"),
                                 TR_MARK("What came back is not right, or not of this sign-in, or came too late. "
                                         "Please begin again."));
}

/* Everything that can be said about what came back without asking anybody. */
static int check_return(struct coming *coming, struct oidc_flow *flow, struct err *err)
{
    const struct http_request *request = coming->request;
    struct span state = http_query(request, "state");
    int rc = oidc_flow_read(coming->oidc, visitor_flow(request), request->now_ms, flow, err);
    if (rc < 0)
        return rc;
    if (state.len != strlen(flow->state) || sodium_memcmp(state.data, flow->state, state.len) != 0)
        return err_set(err, ERR_VERIFY, "the state is another's");
    if (http_query(request, "code").len == 0)
        return err_set(err, ERR_VERIFY, "the provider signed nobody in");
    return 0;
}

static int come_back(struct coming *coming, struct oidc_flow *flow, struct err *err)
{
    const struct http_request *request = coming->request;
    struct err wrong = {0};
    int64_t wait_ms = attempts_wait_ms(signing_attempts(request->visitor->signing), &coming->attempt);
    if (wait_ms > 0) {
        int rc = http_problem(request, coming->reply, 429, TR_MARK("Too many attempts"),
                              TR_MARK("Too many attempts went wrong. Please wait a while, then try again."));
        coming->reply->retry_s = (unsigned)((wait_ms + 999) / 1000);
        return rc;
    }
    int rc = check_return(coming, flow, &wrong);
    if (rc == 0)
        rc = oidc_exchange(coming->oidc, flow, http_query(request, "code"), http_query(request, "iss"), request->now_ms,
                           coming->subject, &wrong);
    if (rc == ERR_STATE) { /* it may come again, as often as anybody may try */
        attempts_failed(signing_attempts(request->visitor->signing), &coming->attempt);
        coming->may_return = true;
        return unavailable(request, coming->reply);
    }
    if (rc < 0)
        return turn_away(coming, err);
    rc = with_store(coming, settle, err);
    if (rc < 0)
        return rc;
    return coming->user.number ? write_welcome(coming, flow->next, err) : write_stranger(coming, err);
}

int page_oidc_back(const struct view *view, const struct http_request *request, struct http_reply *reply,
                   struct err *err)
{
    struct coming coming = {.oidc = provider_of(request, reply), .request = request, .reply = reply};
    struct oidc_flow flow = {0};
    (void)view;
    if (!coming.oidc)
        return 0;
    /* Known: each address counts for itself, for there is no name to guess. */
    coming.attempt = (struct attempt){.address = request->visitor->address, .is_known = true, .now_ms = watch_now_ms()};
    int rc = come_back(&coming, &flow, err);
    if (rc == 0 && !coming.may_return) /* behind a session's, which is the first */
        reply->set_cookies[HTTP_COOKIES_MAX - 1] = visitor_flow_cookie(request->visitor, request->arena, "");
    sodium_memzero(&flow, sizeof(flow));
    return rc;
}

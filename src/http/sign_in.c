/* Signing in and out. Whatever is wrong with what was typed, the answer is the same and takes the same. */
#include <stdio.h>

#include "http/account.h"
#include "http/watch.h"
#include "state/notices.h"

#define BUSY_S 1 /* seconds after which somebody else's password has been looked at */

bool account_may(const struct http_request *request, struct http_reply *reply, enum role_action action)
{
    const struct http_visitor *visitor = request->visitor;
    if (visitor_may(visitor, action))
        return true;
    if (visitor && visitor->is_offered && visitor->how == VISITOR_NOBODY && request->method == HTTP_GET) {
        char path[160];
        bool fits = request->path.len < 128 && http_path_is_ours(request->path);
        snprintf(path, sizeof(path), "/sign-in%s%.*s", fits ? "?next=" : "", fits ? (int)request->path.len : 0,
                 (const char *)request->path.data);
        (void)account_go(request, reply, path);
        return false;
    }
    (void)http_problem(request, reply, 403, TR_MARK("Not allowed"),
                       visitor && visitor->how != VISITOR_NOBODY
                           ? TR_MARK("What you signed in as may not do this. Whoever runs this node can change that.")
                           : TR_MARK("This needs somebody who is signed in."));
    return false;
}

int account_go(const struct http_request *request, struct http_reply *reply, const char *path)
{
    reply->status = 303;
    reply->cache_control = "no-store";
    reply->location = arena_strz(request->arena, span_str(path));
    return 0;
}

int account_note(struct store *store, const struct http_request *request, const char *who, const char *what,
                 const char *result, struct err *err)
{
    struct audit_entry entry = {request->now_ms, who, request->visitor->address, what, result};
    return audit_add(store, &entry, err);
}

/* ---- the form ---- */

static void write_field(struct page *page, const char *name, const char *label, const char *attributes)
{
    page_fmt(page, "<p><label for=\"%s\">", name);
    page_say(page, label);
    page_fmt(page, "</label> <input id=\"%s\" name=\"%s\" %s></p>\n", name, name, attributes);
}

static void write_elsewhere(struct page *page, struct span next)
{
    const char *name = signing_oidc_name(page->request->visitor->signing);
    if (!name)
        return;
    page_raw(page, "<p><a href=\"/sign-in/oidc");
    if (http_path_is_ours(next)) {
        page_raw(page, "?next=");
        page_url(page, next);
    }
    page_raw(page, "\">");
    page_sayf(page, TR(page, "Sign in at {1}"), SAY(say_text(span_str(name))));
    page_raw(page, "</a></p>\n");
}

/* `wrong`: what was sent before, a source text; NULL: nothing was. */
static int write_form(const struct http_request *request, struct http_reply *reply, struct span next, const char *wrong,
                      struct err *err)
{
    struct page page;
    if (!request->visitor->form[0]) /* one that is there serves for further pages, too */
        reply->set_cookies[0] = visitor_form_cookie(request->visitor, request->arena);
    page_begin(&page, request, reply, "", TR_MARK("Sign in"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Sign in"));
    page_raw(&page, "</h1>\n");
    if (wrong) {
        page_raw(&page, "<p class=\"alert bad\" role=\"alert\">");
        page_say(&page, wrong);
        page_raw(&page, "</p>\n");
    }
    page_raw(&page, "<form class=\"fields\" method=\"post\" action=\"/sign-in\">\n");
    page_form_token(&page);
    if (http_path_is_ours(next)) {
        page_raw(&page, "<input type=\"hidden\" name=\"next\" value=\"");
        page_esc(&page, next);
        page_raw(&page, "\">\n");
    }
    write_field(&page, "name", TR_MARK("User name"),
                "type=\"text\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required");
    write_field(&page, "password", TR_MARK("Password"), "type=\"password\" autocomplete=\"current-password\" required");
    write_field(&page, "code", TR_MARK("One-time code, if you use one"),
                "type=\"text\" inputmode=\"numeric\" autocomplete=\"one-time-code\" maxlength=\"6\"");
    page_raw(&page, "<p><button type=\"submit\">");
    page_say(&page, TR_MARK("Sign in"));
    page_raw(&page, "</button></p>\n</form>\n");
    write_elsewhere(&page, next);
    page_raw(&page, "<p class=\"quiet\">");
    page_say(&page, TR_MARK("Accounts are made by whoever runs this node."));
    page_raw(&page, "</p>\n");
    int rc = page_end(&page, err);
    reply->cache_control = "no-store";
    return rc;
}

bool account_is_offered(const struct http_request *request, struct http_reply *reply)
{
    if (request->visitor && request->visitor->is_offered)
        return true;
    (void)http_problem(request, reply, 403, TR_MARK("Not offered here"),
                       TR_MARK("Others could read a password on this connection. Use an address that begins with "
                               "https, or ask whoever runs this node."));
    return false;
}

int page_sign_in(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    (void)view;
    if (!account_is_offered(request, reply))
        return 0;
    if (request->visitor->how == VISITOR_SESSION || request->visitor->how == VISITOR_PROXY)
        return account_go(request, reply, "/account");
    return write_form(request, reply, http_query(request, "next"), NULL, err);
}

/* ---- what was sent ---- */

struct asking {
    struct store *store; /* writes */
    const struct http_request *request;
    struct http_reply *reply;
    struct span name;
    struct attempt attempt;
    account_then then;
};

static int too_often(const struct asking *asking, int64_t wait_ms)
{
    int rc = http_problem(asking->request, asking->reply, 429, TR_MARK("Too many attempts"),
                          TR_MARK("Too many attempts went wrong. Please wait a while, then try again."));
    asking->reply->retry_s = (unsigned)((wait_ms + 999) / 1000);
    return rc;
}

int account_let_in(struct store *store, const struct http_request *request, struct http_reply *reply,
                   const struct user *user, struct err *err)
{
    struct http_visitor *visitor = request->visitor;
    char token[SESSION_TEXT + 1];
    int rc = visitor->session[0] ? session_end(store, span_str(visitor->session), err) : 0;
    if (rc == 0)
        rc = session_begin(store, user->number, visitor->address, request->now_ms, token, err);
    if (rc == 0)
        rc = account_note(store, request, user->name, AUDIT_SIGN_IN, AUDIT_DONE, err);
    if (rc == 0)
        reply->set_cookies[0] = visitor_cookie(visitor, request->arena, token);
    return rc;
}

/* The name stands in the trail only if there is such a user: people type passwords into the wrong field. */
static int note_failure(struct asking *asking, const struct user *user, enum user_verdict verdict, struct err *err)
{
    asking->attempt.is_code = verdict == USER_CODE;
    struct attempts *attempts = signing_attempts(asking->request->visitor->signing);
    attempts_failed(attempts, &asking->attempt);
    int rc = account_note(asking->store, asking->request, user->name, AUDIT_SIGN_IN, user_verdict_word(verdict), err);
    struct notice notice = {.what = NOTICE_SIGN_IN_FAILS,
                            .time_ms = asking->request->now_ms,
                            .values = {asking->request->visitor->address}};
    if (rc == 0 && attempts_wait_ms(attempts, &asking->attempt) > 0) /* so often that it has to wait now */
        rc = notice_add(asking->store, &notice, err);
    return rc;
}

/* By whoever has the one handle for passwords: so a crowd cannot try together what each alone may not. */
static int look(struct asking *asking, struct err *err)
{
    const struct http_request *request = asking->request;
    struct http_visitor *visitor = request->visitor;
    enum user_verdict verdict = USER_UNKNOWN;
    struct user user;
    asking->attempt = (struct attempt){.address = visitor->address, .name = asking->name, .now_ms = watch_now_ms()};
    int rc = audit_knows(asking->store, asking->name, visitor->address, &asking->attempt.is_known, err);
    if (rc < 0)
        return rc;
    int64_t wait_ms = attempts_wait_ms(signing_attempts(visitor->signing), &asking->attempt);
    if (wait_ms > 0)
        return too_often(asking, wait_ms);
    rc = user_verify(asking->store, asking->name, http_form_value(request, "password"),
                     http_form_value(request, "code"), request->now_ms, &verdict, &user, err);
    if (rc == 0 && verdict != USER_GOOD)
        rc = note_failure(asking, &user, verdict, err);
    return rc < 0 ? rc : asking->then(asking->store, request, asking->reply, verdict == USER_GOOD ? &user : NULL, err);
}

int account_ask(const struct http_request *request, struct http_reply *reply, struct span name, account_then then,
                struct err *err)
{
    struct asking asking = {.request = request, .reply = reply, .name = name, .then = then};
    struct signing *signing = request->visitor->signing;
    int rc = signing_take(signing, SIGNING_PASSWORD, &asking.store, err);
    if (rc == ERR_STATE) {
        rc = http_problem(request, reply, 503, TR_MARK("Not now"), TR_MARK("Please try again in a moment."));
        reply->retry_s = BUSY_S;
    }
    if (rc < 0 || !asking.store)
        return rc;
    rc = look(&asking, err);
    signing_give(signing, SIGNING_PASSWORD, rc);
    return rc;
}

static int let_in(struct store *store, const struct http_request *request, struct http_reply *reply,
                  const struct user *user, struct err *err)
{
    struct span next = http_form_value(request, "next");
    if (!user) {
        reply->status = 403;
        return write_form(request, reply, next,
                          TR_MARK("This is not right. Name, password and, if you use one, a fresh code are needed."),
                          err);
    }
    int rc = account_let_in(store, request, reply, user, err);
    if (rc < 0)
        return rc;
    const char *path = http_path_is_ours(next) ? arena_strz(request->arena, next) : "/";
    return path ? account_go(request, reply, path) : err_memory(err);
}

int page_sign_in_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err)
{
    if (!account_is_offered(request, reply))
        return 0;
    if (!visitor_form_fits(request))
        return http_problem(request, reply, 403, TR_MARK("Not allowed"),
                            TR_MARK("This form is too old, or not ours. Please go back, load the page again and send "
                                    "it once more."));
    (void)view;
    return account_ask(request, reply, http_form_value(request, "name"), let_in, err);
}

/* ---- and out ---- */

int account_write(const struct http_request *request, account_change change, struct err *err)
{
    struct store *store = NULL;
    struct signing *signing = request->visitor->signing;
    int rc = signing_take(signing, SIGNING_QUICK, &store, err);
    if (rc < 0)
        return rc;
    rc = change(store, request, err);
    signing_give(signing, SIGNING_QUICK, rc);
    return rc;
}

static int sign_out(struct store *store, const struct http_request *request, struct err *err)
{
    const struct http_visitor *visitor = request->visitor;
    int rc = session_end(store, span_str(visitor->session), err);
    return rc < 0 ? rc : account_note(store, request, visitor->user.name, "sign-out", AUDIT_DONE, err);
}

int page_sign_out(const struct view *view, const struct http_request *request, struct http_reply *reply,
                  struct err *err)
{
    struct http_visitor *visitor = request->visitor;
    (void)view;
    if (!visitor || visitor->how != VISITOR_SESSION)
        return account_go(request, reply, "/");
    int rc = account_write(request, sign_out, err);
    if (rc < 0)
        return rc;
    reply->set_cookies[0] = visitor_cookie(visitor, request->arena, "");
    return account_go(request, reply, "/");
}

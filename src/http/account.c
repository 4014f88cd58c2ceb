/* What is a person's own: who, since when and from where signed in, which tokens; and ending any of it. */
#include "http/account.h"
#include "http/events.h"

#include <inttypes.h>

#include "base/codec.h"

const char *account_role_words(const struct page *page, enum role role)
{
    static const char *const words[ROLES] = {"", TR_MARK("reader"), TR_MARK("analyst"), TR_MARK("publisher"),
                                             TR_MARK("administrator")};
    return role == ROLE_NONE ? "" : page_text(page, words[role]);
}

bool account_is_person(const struct http_request *request, struct http_reply *reply)
{
    const struct http_visitor *visitor = request->visitor;
    if (visitor && visitor->how != VISITOR_NOBODY && visitor->how != VISITOR_TOKEN)
        return true;
    if (visitor && visitor->is_offered && visitor->how == VISITOR_NOBODY && request->method == HTTP_GET)
        (void)account_go(request, reply, "/sign-in?next=/account");
    else
        (void)http_problem(request, reply, 403, TR_MARK("Not allowed"),
                           TR_MARK("This needs somebody who is signed in."));
    return false;
}

/* ---- sessions ---- */

struct listed {
    struct page *page;
    uint8_t own[32];
    size_t count;
};

static const char *const session_headings[] = {TR_MARK("From"), TR_MARK("Signed in"), TR_MARK("Last seen")};

static int write_session(void *ctx, const struct session_info *session, struct err *err)
{
    struct listed *listed = ctx;
    struct page *page = listed->page;
    (void)err;
    if (listed->count++ == 0)
        page_table(page, session_headings, 3);
    page_table_row(page);
    page_esc(page, span_str(session->address));
    if (memcmp(session->hash, listed->own, sizeof(listed->own)) == 0) {
        page_raw(page, " <strong>");
        page_say(page, TR_MARK("(this one)"));
        page_raw(page, "</strong>");
    }
    page_table_cell(page, session_headings[1]);
    page_time(page, session->made_ms);
    page_table_cell(page, session_headings[2]);
    page_ago(page, session->seen_ms);
    page_table_row_end(page);
    return 0;
}

void account_button(struct page *page, const char *action, const char *name, struct span value, const char *words)
{
    page_fmt(page, "<form method=\"post\" action=\"%s\">", action);
    page_form_token(page);
    if (name) {
        page_fmt(page, "<input type=\"hidden\" name=\"%s\" value=\"", name);
        page_esc(page, value);
        page_raw(page, "\">");
    }
    page_raw(page, "<button type=\"submit\">");
    page_say(page, words);
    page_raw(page, "</button></form>\n");
}

static int write_sessions(struct page *page, const struct view *view, struct err *err)
{
    const struct http_visitor *visitor = page->request->visitor;
    struct listed listed = {.page = page};
    if (visitor->how != VISITOR_SESSION)
        return 0; /* the proxy's sessions are its own */
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("Where you are signed in"));
    page_raw(page, "</h2>\n");
    session_hash(span_str(visitor->session), listed.own);
    int rc = session_each(view->store, visitor->user.number, page->request->now_ms, write_session, &listed, err);
    if (rc < 0)
        return rc;
    if (listed.count > 0)
        page_table_end(page);
    page_raw(page, "<div class=\"line\">");
    if (listed.count > 1)
        account_button(page, "/account/sessions", NULL, SPAN_LIT(""), TR_MARK("Sign out everywhere else"));
    account_button(page, "/sign-out", NULL, SPAN_LIT(""), TR_MARK("Sign out"));
    page_raw(page, "</div></section>\n");
    return 0;
}

/* ---- tokens ---- */

static const char *const token_headings[] = {TR_MARK("Token"), TR_MARK("For"), TR_MARK("Until"), TR_MARK("Last used"),
                                             TR_MARK("Action")};

static int write_token(void *ctx, const struct token_info *token, struct err *err)
{
    struct listed *listed = ctx;
    struct page *page = listed->page;
    char scopes[SCOPES_TEXT_MAX];
    (void)err;
    if (listed->count++ == 0)
        page_table(page, token_headings, 5);
    scopes_format(token->scopes, scopes);
    page_table_row(page);
    page_bdi(page, span_str(token->name));
    page_table_cell(page, token_headings[1]);
    page_fmt(page, "<span lang=\"en\">%s</span>", scopes);
    page_table_cell(page, token_headings[2]);
    page_time(page, token->expires_ms);
    page_table_cell(page, token_headings[3]);
    if (token->used_ms > 0)
        page_ago(page, token->used_ms);
    else
        page_say(page, TR_MARK("never"));
    page_table_cell(page, token_headings[4]);
    account_button(page, "/account/tokens", "remove", span_str(token->name), TR_MARK("Revoke"));
    page_table_row_end(page);
    return 0;
}

static int write_tokens(struct page *page, const struct view *view, struct err *err)
{
    struct listed listed = {.page = page};
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("Tokens for programs"));
    page_raw(page, "</h2>\n");
    int rc = token_each(view->store, page->request->visitor->user.number, write_token, &listed, err);
    if (rc < 0)
        return rc;
    if (listed.count > 0) {
        page_table_end(page);
    } else {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("You have none. Whoever runs this node can make one."));
        page_raw(page, "</p>\n");
    }
    page_raw(page, "</section>\n");
    return 0;
}

static int page_account(const struct view *view, const struct http_request *request, struct http_reply *reply,
                        struct err *err)
{
    struct page page;
    if (!account_is_person(request, reply))
        return 0;
    const struct user *user = &request->visitor->user;
    page_begin(&page, request, reply, "", TR_MARK("Your account"));
    page_raw(&page, "<h1>");
    page_bdi(&page, span_str(user->name));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_sayf(&page, TR(&page, "You are signed in as {1}."),
              SAY(say_text(span_str(account_role_words(&page, user->role)))));
    page_raw(&page, " ");
    page_say(&page, user->has_totp ? TR_MARK("Signing in asks for a one-time code.")
                                   : TR_MARK("Signing in does not ask for a one-time code yet."));
    if (request->visitor->how == VISITOR_SESSION) {
        page_raw(&page, " <a href=\"/account/codes\">");
        page_say(&page, user->has_totp ? TR_MARK("Set them up anew") : TR_MARK("Set them up"));
        page_raw(&page, "</a>");
    }
    page_raw(&page, "</p>\n");
    if (visitor_may(request->visitor, ACTION_USERS)) {
        page_raw(&page, "<p><a href=\"/administration\">");
        page_say(&page, TR_MARK("Administration"));
        page_raw(&page, "</a></p>\n");
    }
    int rc = write_sessions(&page, view, err);
    if (rc == 0)
        rc = write_tokens(&page, view, err);
    return rc < 0 ? rc : page_end(&page, err);
}

/* ---- ending it ---- */

static int end_others(struct store *store, const struct http_request *request, struct err *err)
{
    const struct http_visitor *visitor = request->visitor;
    int rc = session_end_others(store, visitor->user.number, span_str(visitor->session), err);
    return rc < 0 ? rc : account_note(store, request, visitor->user.name, "sign-out elsewhere", AUDIT_DONE, err);
}

static int end_sessions(const struct view *view, const struct http_request *request, struct http_reply *reply,
                        struct err *err)
{
    (void)view;
    if (!account_is_person(request, reply))
        return 0;
    int rc = account_write(request, end_others, err);
    return rc < 0 ? rc : account_go(request, reply, "/account");
}

static int remove_token(struct store *store, const struct http_request *request, struct err *err)
{
    const struct http_visitor *visitor = request->visitor;
    int rc = token_remove(store, visitor->user.number, http_form_value(request, "remove"), err);
    return rc < 0 ? rc : account_note(store, request, visitor->user.name, "token remove", AUDIT_DONE, err);
}

static int revoke_token(const struct view *view, const struct http_request *request, struct http_reply *reply,
                        struct err *err)
{
    (void)view;
    if (!account_is_person(request, reply))
        return 0;
    int rc = account_write(request, remove_token, err);
    return rc < 0 ? rc : account_go(request, reply, "/account");
}

const struct route account_routes[] = {
    {HTTP_GET, "/sign-in", OUTLET_HTTP_PAGES, page_sign_in, "signing in"},
    {HTTP_POST, "/sign-in", OUTLET_HTTP_PAGES, page_sign_in_post, "name, password, code"},
    {HTTP_POST, "/sign-out", OUTLET_HTTP_PAGES, page_sign_out, "the end of a session"},
    {HTTP_GET, "/account", OUTLET_HTTP_PAGES, page_account, "one's own sessions and tokens"},
    {HTTP_GET, "/account/codes", OUTLET_HTTP_PAGES, page_codes, "setting up one-time codes"},
    {HTTP_POST, "/account/codes", OUTLET_HTTP_PAGES, page_codes_post, "password, then a first code"},
    {HTTP_POST, "/account/sessions", OUTLET_HTTP_PAGES, end_sessions, "ends one's other sessions"},
    {HTTP_POST, "/account/tokens", OUTLET_HTTP_PAGES, revoke_token, "revokes one of one's tokens"},
    {HTTP_GET, "/events", OUTLET_HTTP_EVENTS, route_events, "what is new, as it comes"},
    {HTTP_GET, "/inbox", OUTLET_HTTP_PAGES, page_inbox, "what one is told"},
    {HTTP_POST, "/inbox", OUTLET_HTTP_PAGES, page_inbox_post, "marks it as read"},
    {HTTP_GET, "/administration", OUTLET_HTTP_PAGES, page_administration,
     "how the node stands, for those who look after it"},
    {HTTP_GET, "/users", OUTLET_HTTP_PAGES, page_users, "who may sign in, and tokens"},
    {HTTP_POST, "/users", OUTLET_HTTP_PAGES, page_users_post, "locks and unlocks a user, revokes a token"},
};
const size_t account_route_count = sizeof(account_routes) / sizeof(account_routes[0]);

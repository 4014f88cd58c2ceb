/* For administrators: who may sign in, tokens, and what happened of late. */
#include <stdio.h>

#include "http/account.h"

#define TRAIL_MS (INT64_C(7) * 24 * 3600 * 1000) /* so far back */
#define TRAIL_SHOWN 200                          /* entries, the newest */

static const char *const user_headings[] = {TR_MARK("User name"), TR_MARK("Role"), TR_MARK("Member"),
                                            TR_MARK("One-time codes"), TR_MARK("Action")};
#define USER_HEADINGS (sizeof(user_headings) / sizeof(user_headings[0]))
static const char *const trail_headings[] = {TR_MARK("When"), TR_MARK("Who"), TR_MARK("From"), TR_MARK("What"),
                                             TR_MARK("Result")};

static int write_user(void *ctx, const struct user *user, struct err *err)
{
    struct page *page = ctx;
    (void)err;
    page_table_row(page);
    page_bdi(page, span_str(user->name));
    page_table_cell(page, user_headings[1]);
    page_esc(page, span_str(account_role_words(page, user->role)));
    page_table_cell(page, user_headings[2]);
    page_sayf(page, "{1}", SAY(say_origin(span_str(user->member))));
    page_table_cell(page, user_headings[3]);
    page_say(page, user->has_totp ? TR_MARK("yes") : TR_MARK("no"));
    page_table_cell(page, user_headings[4]);
    account_button(page, "/users", user->locked ? "unlock" : "lock", span_str(user->name),
                   user->locked ? TR_MARK("Let in again") : TR_MARK("Lock"));
    page_table_row_end(page);
    return 0;
}

/* ---- for whom something waits ---- */

#define WAITING_SHOWN 100

struct waited {
    struct page *page;
    size_t count;
};

static int write_waiting(void *ctx, struct span person, struct err *err)
{
    struct waited *waited = ctx;
    struct page *page = waited->page;
    char name[RECORD_LINE_MAX + 1];
    (void)err;
    if (waited->count++ == 0) {
        page_raw(page, "<section><h2>");
        page_say(page, TR_MARK("For whom something waits"));
        page_raw(page, "</h2>\n<p>");
        page_say(page,
                 TR_MARK("Something that is TLP:RED came for these persons, and they have no account here. Nobody "
                         "sees it before somebody signs in under the name."));
        page_raw(page, "</p>\n<ul>");
    }
    audience_short(person, name);
    page_raw(page, "<li>");
    page_bdi(page, span_str(name));
    page_raw(page, "</li>\n");
    return 0;
}

static int write_waited(struct page *page, const struct view *view, struct err *err)
{
    struct waited waited = {.page = page};
    int rc = view_persons_waiting(view, WAITING_SHOWN, write_waiting, &waited, err);
    if (waited.count > 0)
        page_raw(page, "</ul></section>\n");
    return rc;
}

/* ---- the trail ---- */

/* The newest of a walk that gives the oldest first. */
struct trail {
    struct arena *arena;
    struct audit_entry entries[TRAIL_SHOWN];
    size_t seen;
};

static int keep_entry(void *ctx, const struct audit_entry *entry, struct err *err)
{
    struct trail *trail = ctx;
    struct audit_entry *kept = &trail->entries[trail->seen++ % TRAIL_SHOWN];
    *kept = *entry;
    kept->who = arena_strz(trail->arena, span_str(entry->who));
    kept->address = arena_strz(trail->arena, span_str(entry->address));
    kept->what = arena_strz(trail->arena, span_str(entry->what));
    kept->result = arena_strz(trail->arena, span_str(entry->result));
    return kept->who && kept->address && kept->what && kept->result ? 0 : err_memory(err);
}

static void write_entry(struct page *page, const struct audit_entry *entry)
{
    page_table_row(page);
    page_time(page, entry->time_ms);
    page_table_cell(page, trail_headings[1]);
    page_bdi(page, span_str(entry->who[0] ? entry->who : "–"));
    page_table_cell(page, trail_headings[2]);
    page_bdi(page, span_str(entry->address));
    page_table_cell(page, trail_headings[3]);
    page_raw(page, "<span lang=\"en\">");
    page_bdi(page, span_str(entry->what));
    page_raw(page, "</span>");
    page_table_cell(page, trail_headings[4]);
    page_raw(page, "<span lang=\"en\">");
    page_bdi(page, span_str(entry->result));
    page_raw(page, "</span>");
    page_table_row_end(page);
}

int account_write_trail(struct page *page, const struct view *view, struct err *err)
{
    struct trail *trail = arena_alloc(page->request->arena, sizeof(*trail));
    if (!trail)
        return err_memory(err);
    trail->arena = page->request->arena;
    int rc = audit_each(view->store, page->request->now_ms - TRAIL_MS, keep_entry, trail, err);
    if (rc < 0)
        return rc;
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("What happened in the last seven days"));
    page_raw(page, "</h2>\n");
    page_table(page, trail_headings, 5);
    size_t count = trail->seen < TRAIL_SHOWN ? trail->seen : TRAIL_SHOWN;
    for (size_t i = 1; i <= count; i++)
        write_entry(page, &trail->entries[(trail->seen - i) % TRAIL_SHOWN]);
    page_table_end(page);
    page_raw(page, "</section>\n");
    return 0;
}

/* ---- their tokens ---- */

static const char *const token_headings[] = {TR_MARK("Token"), TR_MARK("User name"), TR_MARK("For"),
                                             TR_MARK("Until"), TR_MARK("Last used"), TR_MARK("Action")};

struct listed {
    struct page *page;
    size_t count;
};

static int write_token(void *ctx, const struct token_info *token, struct err *err)
{
    struct listed *listed = ctx;
    struct page *page = listed->page;
    char scopes[SCOPES_TEXT_MAX];
    (void)err;
    if (listed->count++ == 0)
        page_table(page, token_headings, 6);
    scopes_format(token->scopes, scopes);
    page_table_row(page);
    page_bdi(page, span_str(token->name));
    page_table_cell(page, token_headings[1]);
    page_bdi(page, span_str(token->user));
    page_table_cell(page, token_headings[2]);
    page_fmt(page, "<span lang=\"en\">%s</span>", scopes);
    page_table_cell(page, token_headings[3]);
    page_time(page, token->expires_ms);
    page_table_cell(page, token_headings[4]);
    if (token->used_ms > 0)
        page_ago(page, token->used_ms);
    else
        page_say(page, TR_MARK("never"));
    page_table_cell(page, token_headings[5]);
    page_raw(page, "<form method=\"post\" action=\"/users\">");
    page_form_token(page);
    page_raw(page, "<input type=\"hidden\" name=\"of\" value=\"");
    page_esc(page, span_str(token->user));
    page_raw(page, "\"><input type=\"hidden\" name=\"revoke\" value=\"");
    page_esc(page, span_str(token->name));
    page_raw(page, "\"><button type=\"submit\">");
    page_say(page, TR_MARK("Revoke"));
    page_raw(page, "</button></form>\n");
    page_table_row_end(page);
    return 0;
}

static int write_tokens(struct page *page, const struct view *view, struct err *err)
{
    struct listed listed = {.page = page};
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("Tokens for programs"));
    page_raw(page, "</h2>\n");
    int rc = token_each(view->store, 0, write_token, &listed, err);
    if (listed.count > 0) {
        page_table_end(page);
    } else {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("There are none."));
        page_raw(page, "</p>\n");
    }
    page_raw(page, "</section>\n");
    return rc;
}

int page_users(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    if (!account_may(request, reply, ACTION_USERS))
        return 0;
    page_begin(&page, request, reply, "", TR_MARK("Users"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Users"));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_say(&page, TR_MARK("Users are made and removed on the node's machine: tongzhou user add"));
    page_raw(&page, "</p>\n");
    page_table(&page, user_headings, USER_HEADINGS);
    int rc = user_each(view->store, write_user, &page, err);
    page_table_end(&page);
    if (rc == 0)
        rc = write_waited(&page, view, err);
    if (rc == 0)
        rc = write_tokens(&page, view, err);
    return rc < 0 ? rc : page_end(&page, err);
}

static int change_lock(struct store *store, const struct http_request *request, struct err *err)
{
    struct user user;
    struct span name = http_form_value(request, "lock");
    bool lock = name.len > 0;
    int rc = user_find(store, lock ? name : http_form_value(request, "unlock"), &user, err);
    if (rc == 0)
        rc = user_set_locked(store, user.number, lock, err);
    if (rc < 0)
        return rc;
    char result[USER_NAME_MAX + 8]; /* the account is whom it was done to */
    snprintf(result, sizeof(result), "by %s", request->visitor->user.name);
    return account_note(store, request, user.name, lock ? "user lock" : "user unlock", result, err);
}

static int revoke(struct store *store, const struct http_request *request, struct err *err)
{
    struct user user;
    char result[USER_NAME_MAX + 8];
    int rc = user_find(store, http_form_value(request, "of"), &user, err);
    if (rc == 0)
        rc = token_remove(store, user.number, http_form_value(request, "revoke"), err);
    if (rc < 0)
        return rc;
    snprintf(result, sizeof(result), "by %s", request->visitor->user.name);
    return account_note(store, request, user.name, "token remove", result, err);
}

int page_users_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                    struct err *err)
{
    (void)view;
    if (!account_may(request, reply, ACTION_USERS))
        return 0;
    if (span_is(http_form_value(request, "lock"),
                request->visitor->user.name)) /* by a slip, and who would unlock it? */
        return http_problem(request, reply, 409, TR_MARK("Not allowed"),
                            TR_MARK("Nobody keeps out themselves. Another administrator can do that."));
    bool revokes = http_form_value(request, "revoke").len > 0;
    int rc = account_write(request, revokes ? revoke : change_lock, err);
    return rc < 0 ? rc : account_go(request, reply, "/users");
}

/* Pages of people who sign in: in, out, and what is theirs. */
#ifndef TONGZHOU_HTTP_ACCOUNT_H
#define TONGZHOU_HTTP_ACCOUNT_H

#include "http/page.h"
#include "http/visitor.h"

/*
 * True: this visitor may do that. False: the reply says what is missing, or leads to the sign-in page and back.
 */
bool account_may(const struct http_request *request, struct http_reply *reply, enum role_action action);

/* 303 to a path of ours; the form that was sent is not sent again by loading the page again. */
int account_go(const struct http_request *request, struct http_reply *reply, const char *path);

/* A line of the trail. */
int account_note(struct store *store, const struct http_request *request, const char *who, const char *what,
                 const char *result, struct err *err);

/*
 * Signed in: a new session, whatever the browser brought along, so that nobody can have put one there before; its cookie is
 * the reply's first.
 */
int account_let_in(struct store *store, const struct http_request *request, struct http_reply *reply,
                   const struct user *user, struct err *err);

/*
 * Is what was sent in `password` and `code` this user's? Within the limits of attempts, and failures stand in the trail;
 * then `then` is called, with NULL if it is not, to fill the reply. Where too many tried, the reply says so.
 */
typedef int (*account_then)(struct store *store, const struct http_request *request, struct http_reply *reply,
                            const struct user *user, struct err *err);
int account_ask(const struct http_request *request, struct http_reply *reply, struct span name, account_then then,
                struct err *err);

/* May anybody sign in here? False: the reply says why not. */
bool account_is_offered(const struct http_request *request, struct http_reply *reply);

/* A change that this visitor asks for, by a handle that writes. */
typedef int (*account_change)(struct store *store, const struct http_request *request, struct err *err);
int account_write(const struct http_request *request, account_change change, struct err *err);

/* "reader" in the page's language. */
const char *account_role_words(const struct page *page, enum role role);

/* A form of one button, with one hidden field unless `name` is NULL; `words` is a source text. */
void account_button(struct page *page, const char *action, const char *name, struct span value, const char *words);

int page_inbox(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_inbox_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                    struct err *err);
/* What happened of late: who signed in or tried to, and what was changed about users. */
int account_write_trail(struct page *page, const struct view *view, struct err *err);

int page_administration(const struct view *view, const struct http_request *request, struct http_reply *reply,
                        struct err *err);
/* One-time codes, set up by whom they are for. */
int page_codes(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_codes_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                    struct err *err);

/* Somebody is signed in, as a person. False: the reply says so. */
bool account_is_person(const struct http_request *request, struct http_reply *reply);

int page_users(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_users_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                    struct err *err);
int page_sign_in(const struct view *view, const struct http_request *request, struct http_reply *reply,
                 struct err *err);
int page_sign_in_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err);
int page_sign_out(const struct view *view, const struct http_request *request, struct http_reply *reply,
                  struct err *err);

extern const struct route account_routes[];
extern const size_t account_route_count;

#endif

/* The pages about policy: the file in sentences, its trial, what waits, what was refused, objections, rates. */
#ifndef TONGZHOU_MODERATION_PAGES_H
#define TONGZHOU_MODERATION_PAGES_H

#include "connect/pages.h"
#include "http/account.h"
#include "moderation/moderation.h"

#define MODERATION_PAGE_ROUTES 16
extern const struct route moderation_page_routes[MODERATION_PAGE_ROUTES];

/* A record in a line of the page's language. */
bool moderation_page_title(struct page *page, const struct view *view, const struct record *record);

/* ---- pieces ---- */

/* The heading of one of the policy's pages, and links to the others that this visitor may open. */
void page_policy_begin(struct page *page, const struct http_request *request, struct http_reply *reply,
                       const char *title);

/* As account_may: whoever decides also reads, which a token may be without. */
bool page_may_decide(const struct http_request *request, struct http_reply *reply);

/* "line 3 of 0123456789ab", or "no rule". */
void page_rule_place(struct page *page, const struct view *view, const struct verdict *verdict);

/* A paragraph. */
void page_say_p(struct page *page, const char *class, const char *english);

/* `PREFIX/NAME/HASH/INDEX`, for an attribute. */
void page_record_path(struct page *page, const char *prefix, const char *origin, uint64_t index);

/* The record that parts 0 to 2 of the path name. ERR_NOTFOUND also for what is none. */
int page_find_subject(const struct view *view, const struct http_request *request, struct arena *arena,
                      struct view_record *ret, struct err *err);

/* One field of a form, with what was typed before. */
struct page_field {
    const char *name, *label, *about; /* about: a hint, or NULL */
    size_t max;
    bool is_area, is_needed;
};
void page_field(struct page *page, const struct page_field *field, struct span value);

struct list_address;
/* Where a list of others has its page, for an attribute. */
void page_list_path(struct page *page, const struct list_address *address);

/* A form's field as one line: ends of lines and blanks become one blank. NULL: longer than `max`, or no text. "" if empty. */
const char *page_one_line(const struct http_request *request, const char *name, size_t max);

/* ---- handlers ---- */

int page_policy(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_rates(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_held(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_refused(const struct view *view, const struct http_request *request, struct http_reply *reply,
                 struct err *err);
int page_objections(const struct view *view, const struct http_request *request, struct http_reply *reply,
                    struct err *err);
int page_decide(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_decide_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err);
int page_try(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_try_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                  struct err *err);
int page_lists(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_list(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_list_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                   struct err *err);
int page_object(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_object_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err);

#endif

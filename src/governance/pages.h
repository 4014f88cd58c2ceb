/* The Community pages: which there are; one's roster, versions, what is open, charter. */
#ifndef TONGZHOU_GOVERNANCE_PAGES_H
#define TONGZHOU_GOVERNANCE_PAGES_H

#include "connect/pages.h"
#include "governance/desk.h"

#define GOVERNANCE_PAGE_ROUTES 3
extern const struct route governance_page_routes[GOVERNANCE_PAGE_ROUTES];

/* A record in a line of the page's language. */
bool governance_page_title(struct page *page, const struct view *view, const struct record *record);

/* ---- page_roster.c: pieces of one community's page ---- */

/* Where the page of this community stands; the first digits as text of a link. */
void page_community_link(struct page *page, const uint8_t community[32], struct span text);

/* The first 12 digits. */
void page_hash(struct page *page, const uint8_t hash[32]);

/* Members from `first` on, at most `max`. */
void page_roster(struct page *page, const struct view *view, const struct community *community, size_t first,
                 size_t max);
void page_classes(struct page *page, const struct community *community);
void page_versions(struct page *page, const struct community *community);
void page_waiting(struct page *page, const struct community *community, const struct desk *waiting);
void page_charter(struct page *page, const struct charter *charter);

/* ---- page_cessions.c: nothing, if no power is ceded ---- */

int page_cessions(struct page *page, const struct view *view, struct err *err);

/* ---- handlers ---- */

int page_communities(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err);
int page_community(const struct view *view, const struct http_request *request, struct http_reply *reply,
                   struct err *err);
int page_community_home(const struct view *view, const struct http_request *request, struct http_reply *reply,
                        struct err *err);

#endif

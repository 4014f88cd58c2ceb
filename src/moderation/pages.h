/* The pages about policy: the file in sentences, its trial, what waits, what was refused, objections, rates. */
#ifndef TONGZHOU_MODERATION_PAGES_H
#define TONGZHOU_MODERATION_PAGES_H

#include "connect/pages.h"
#include "moderation/moderation.h"

#define MODERATION_PAGE_ROUTES 1
extern const struct route moderation_page_routes[MODERATION_PAGE_ROUTES];

/* A record in a line of the page's language. */
bool moderation_page_title(struct page *page, const struct view *view, const struct record *record);

#endif

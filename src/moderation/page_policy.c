#include "moderation/pages.h"
bool moderation_page_title(struct page *page, const struct view *view, const struct record *record)
{
    (void)page;
    (void)view;
    (void)record;
    return false;
}
const struct route moderation_page_routes[1] = {{0}};

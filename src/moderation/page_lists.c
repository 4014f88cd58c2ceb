/* Lists of others: which wait for a person's word, and of which something is adopted. */
#include "governance/drafts.h"
#include "moderation/pages.h"

#define SHOWN 200

static const char *const headings[] = {TR_MARK("List"), TR_MARK("Since"), TR_MARK("It says"), TR_MARK("Adopted here")};

struct listing {
    struct page *page;
    bool waiting; /* those that wait; else of what is adopted */
    size_t count;
};

void page_list_path(struct page *page, const struct list_address *address)
{
    if (strcmp(address->source, LIST_FILE_SOURCE) == 0)
        page_raw(page, "/policy/lists/file");
    else
        page_origin_path(page, "/policy/lists", span_str(address->source));
    page_fmt(page, "/%s", address->name);
}

static void write_says(struct page *page, const struct draft_line *line)
{
    if (line->state == DRAFT_WITHDRAWN)
        page_say(page, TR_MARK("withdrawn by its source"));
    else if (line->state == DRAFT_ABSENT)
        page_say(page, TR_MARK("its record is not kept here any more"));
    else
        page_sayf(page, TRN(page, line->items, "{1} item", "{1} items"), SAY(say_number(line->items)));
}

static int write_line(void *ctx, const struct draft_line *line, struct err *err)
{
    struct listing *listing = ctx;
    struct page *page = listing->page;
    (void)err;
    if ((listing->waiting ? !draft_waits(line) : line->adopted == 0) || listing->count++ >= SHOWN)
        return 0;
    if (listing->count == 1)
        page_table(page, headings, 4);
    page_table_row(page);
    page_raw(page, "<a href=\"");
    page_list_path(page, &line->address);
    page_raw(page, "\">");
    page_esc(page, span_str(line->address.name));
    page_raw(page, "</a> <span class=\"about\">");
    if (strcmp(line->address.source, LIST_FILE_SOURCE) == 0)
        page_say(page, TR_MARK("a file"));
    else
        page_origin_link(page, span_str(line->address.source));
    page_raw(page, "</span>");
    page_table_cell(page, headings[1]);
    if (line->state == DRAFT_OFFERED)
        page_time(page, line->time_ms);
    page_table_cell(page, headings[2]);
    write_says(page, line);
    page_table_cell(page, headings[3]);
    page_number(page, line->adopted);
    page_table_row_end(page);
    return 0;
}

static int write_lists(struct page *page, const struct view *view, bool waiting, struct err *err)
{
    struct listing listing = {.page = page, .waiting = waiting};
    uint64_t hidden = 0;
    page_raw(page, "<section><h2>");
    page_say(page, waiting ? TR_MARK("Drafts") : TR_MARK("Adopted"));
    page_raw(page, "</h2>\n");
    int rc = drafts_list(view, write_line, &listing, &hidden, err);
    if (listing.count > 0)
        page_table_end(page);
    else
        page_say_p(page, "quiet", waiting ? TR_MARK("No draft waits.") : TR_MARK("Nothing is adopted from any list."));
    if (listing.count > SHOWN) {
        page_raw(page, "<p class=\"quiet\">");
        page_sayf(page, TR(page, "and {1} more"), SAY(say_number(listing.count - SHOWN)));
        page_raw(page, "</p>\n");
    }
    if (waiting && hidden > 0) {
        page_raw(page, "<p class=\"quiet\">");
        page_sayf(page, TR(page, "Sources with more lists than are shown: {1}"), SAY(say_number(hidden)));
        page_raw(page, "</p>\n");
    }
    page_raw(page, "</section>\n");
    return rc;
}

int page_lists(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    if (!page_may_decide(request, reply))
        return 0;
    page_policy_begin(&page, request, reply, TR_MARK("Lists of others"));
    page_say_p(
        &page, "lead",
        TR_MARK("What others advise to block, to label or to use. A list orders nobody: neither what it adds nor "
                "what it takes back has any effect here before a person adopts it."));
    int rc = write_lists(&page, view, true, err);
    if (rc == 0)
        rc = write_lists(&page, view, false, err);
    return rc < 0 ? rc : page_end(&page, err);
}

/* Members: everybody whose log is here. */
#include "connect/pages.h"

#include <inttypes.h>

#define MEMBERS_SHOWN 100 /* a page: each needs its profile read from its log */

static int count_cosignature(void *ctx, struct span name, uint32_t key_id, uint64_t time, struct span line,
                             struct err *err)
{
    (void)name;
    (void)key_id;
    (void)time;
    (void)line;
    (void)err;
    ++*(size_t *)ctx;
    return 0;
}

static void write_standing(struct page *page, const struct log_info *log)
{
    if (log->standing == STANDING_FROZEN) {
        page_raw(page, "<span class=\"state bad\">");
        page_say(page, TR_MARK("frozen"));
    } else if (log->standing == STANDING_SUSPENDED) {
        page_raw(page, "<span class=\"state warn\">");
        page_say(page, TR_MARK("suspended"));
    } else {
        page_raw(page, "<span class=\"state good\">");
        page_say(page, TR_MARK("good"));
    }
    page_raw(page, "</span>");
}

static void write_languages(struct page *page, const struct member_list *languages)
{
    for (unsigned i = 0; i < languages->count; i++) {
        page_raw(page, i > 0 ? ", " : "");
        page_bdi(page, span_str(languages->item[i]));
    }
}

static const char *const headings[] = {TR_MARK("Member"),    TR_MARK("Who"),        TR_MARK("Country or area"),
                                       TR_MARK("Languages"), TR_MARK("Records"),    TR_MARK("Standing"),
                                       TR_MARK("Last news"), TR_MARK("Cosigned by")};
#define COLUMNS (sizeof(headings) / sizeof(headings[0]))

/* A log of which nothing has arrived yet has no profile to show. */
static void write_profile_cells(struct page *page, const struct member *member)
{
    page_table_cell(page, headings[1]);
    if (member)
        page_esc(page, span_str(page_class_words(page, member->profile.class)));
    page_table_cell(page, headings[2]);
    if (member)
        page_bdi(page, span_str(member->profile.jurisdiction));
    page_table_cell(page, headings[3]);
    if (member)
        write_languages(page, &member->profile.languages);
}

static int write_member(struct page *page, const struct view *view, const struct log_info *log, struct err *err)
{
    struct member member = {0};
    size_t cosignatures = 0;
    int rc = log->size > 0 ? store_member(view->store, log->number, page->request->arena, &member, err) : 0;
    if (rc == 0)
        rc = store_cosignatures(view->store, log->number, count_cosignature, &cosignatures, err);
    if (rc < 0)
        return rc;
    page_table_row(page);
    page_origin_link(page, span_str(log->origin));
    if (log->is_operator) {
        page_raw(page, " <span class=\"quiet\">");
        page_say(page, TR_MARK("(this node)"));
        page_raw(page, "</span>");
    }
    write_profile_cells(page, log->size > 0 ? &member : NULL);
    page_table_cell(page, headings[4]);
    page_number(page, log->size);
    page_table_cell(page, headings[5]);
    write_standing(page, log);
    page_table_cell(page, headings[6]);
    if (log->head_ms > 0)
        page_ago(page, log->head_ms);
    page_table_cell(page, headings[7]);
    page_number(page, cosignatures);
    page_table_row_end(page);
    return 0;
}

static void write_page_links(struct page *page, uint64_t number, uint64_t last)
{
    if (last == 0)
        return;
    page_raw(page, "<nav class=\"pages\"><ul>");
    if (number > 0) {
        page_fmt(page, "<li><a rel=\"prev\" href=\"/members?page=%" PRIu64 "\">", (number - 1));
        page_say(page, TR_MARK("Back"));
        page_raw(page, "</a></li>");
    }
    if (number < last) {
        page_fmt(page, "<li><a rel=\"next\" href=\"/members?page=%" PRIu64 "\">", (number + 1));
        page_say(page, TR_MARK("More"));
        page_raw(page, "</a></li>");
    }
    page_raw(page, "</ul></nav>\n");
}

int page_members(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    struct log_info *logs;
    size_t count;
    int rc = page_collect_logs(view, request, &logs, &count, err);
    if (rc < 0)
        return rc;
    uint64_t last = count > 0 ? (count - 1) / MEMBERS_SHOWN : 0, number = 0;
    if (!span_u64(http_query(request, "page"), last, &number))
        number = 0;
    page_begin(&page, request, reply, "members", TR_MARK("Members"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Members"));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_sayf(&page,
              TRN(&page, count, "One organisation is known here. It speaks for itself, in its own signed log.",
                  "{1} organisations are known here. Each speaks for itself, in its own signed log."),
              SAY(say_number(count)));
    page_raw(&page, "</p>\n");
    page_table(&page, headings, COLUMNS);
    for (size_t i = (size_t)number * MEMBERS_SHOWN; rc == 0 && i < count && i < (size_t)(number + 1) * MEMBERS_SHOWN;
         i++)
        rc = write_member(&page, view, &logs[i], err);
    page_table_end(&page);
    write_page_links(&page, number, last);
    return rc == 0 ? page_end(&page, err) : rc;
}

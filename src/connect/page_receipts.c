/* On a record's page, and for programs: who has confirmed it. For its author's people alone. */
#include "connect/pages.h"
#include "connect/receipts.h"

/* A content for few, of a member whose people look. */
static bool has_receipts(const struct view *view, const struct view_record *record)
{
    return receipts_visible(view, &record->log) && record->entry_class == ENTRY_SEAL &&
           (record->erased || (record->has_text && record->parsed && record->record.tlp > TLP_CLEAR &&
                               !span_is(record->record.kind, RECEIPT_KIND)));
}

static const char *state_words(const struct page *page, enum receipt_state state)
{
    switch (state) {
    case RECEIPT_NONE:
        break;
    case RECEIPT_GOOD:
        return TR(page, "confirmed");
    case RECEIPT_OUTSIDE:
        return TR(page, "has it, though it was not for it");
    case RECEIPT_WRONG:
        return TR(page, "says to have it, and its proof is not valid");
    case RECEIPT_UNKNOWN:
        return TR(page, "had confirmed; it was withdrawn since, so the proof cannot be checked any more");
    }
    return TR(page, "has not confirmed");
}

static void write_line(struct page *page, const struct receipt_line *line, const char *const *headings)
{
    page_table_row(page);
    page_table_cell(page, headings[0]);
    page_origin_link(page, span_str(line->origin));
    page_table_cell(page, headings[1]);
    page_raw(page, line->state == RECEIPT_GOOD                                      ? "<span class=\"state good\">"
                   : line->state == RECEIPT_OUTSIDE || line->state == RECEIPT_WRONG ? "<span class=\"state bad\">"
                                                                                    : "<span class=\"state quiet\">");
    page_esc(page, span_str(state_words(page, line->state)));
    page_raw(page, "</span>");
    page_table_cell(page, headings[2]);
    if (line->ref != 0)
        page_time(page, line->time_ms);
    page_table_row_end(page);
}

int page_receipts(struct page *page, const struct view *view, const struct view_record *record, struct err *err)
{
    static const char *const headings[] = {TR_MARK("Member"), TR_MARK("Receipt"), TR_MARK("When")};
    struct receipt_lines lines;
    if (!has_receipts(view, record))
        return 0;
    int rc = receipts_of(view, record, page->request->now_ms, page->request->arena, &lines, err);
    if (rc < 0 || lines.count == 0)
        return rc;
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("Who has confirmed it"));
    page_raw(page, "</h2>\n<p>");
    page_sayf(page,
              TRN(page, lines.expected, "{2} of {1} member for whom it is.", "{2} of {1} members for whom it is."),
              SAY(say_number(lines.expected), say_number(lines.good)));
    page_raw(page, "</p>\n");
    page_table(page, headings, 3);
    for (size_t i = 0; i < lines.count; i++)
        write_line(page, &lines.lines[i], headings);
    page_table_end(page);
    page_raw(page, "</section>\n");
    return 0;
}

int page_record_receipts(const struct view *view, const struct http_request *request, struct http_reply *reply,
                         struct err *err)
{
    struct view_record record;
    struct receipt_lines lines;
    int rc = page_find_record(view, request, &record, err);
    if (rc == 0 && !has_receipts(view, &record))
        rc = err_set(err, ERR_NOTFOUND, "no receipts for whoever asks");
    if (rc == 0)
        rc = receipts_of(view, &record, request->now_ms, request->arena, &lines, err);
    if (rc < 0)
        return rc;
    reply->content_type = "application/json";
    reply->cache_control = "private, no-store";
    receipts_json(&record, &lines, &reply->body);
    return buf_check(&reply->body, "receipts", err);
}

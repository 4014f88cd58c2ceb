/* Intelligence: one box that asks everything, and what there is when nothing is asked. */
#include "security/pages.h"

#define REPORTERS_SHOWN 3 /* of a value, by name; the others as a number */

void page_search_form(struct page *page, struct span text)
{
    page_raw(page,
             "<form class=\"search\" role=\"search\" method=\"get\" action=\"/intelligence\">\n<label for=\"q\">");
    page_say(page, TR_MARK("Look for an address, a domain, a hash, a name"));
    page_raw(page, "</label>\n<div class=\"line\"><input type=\"search\" id=\"q\" name=\"q\" maxlength=\"512\" "
                   "autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\" dir=\"auto\" value=\"");
    page_esc(page, text);
    page_raw(page, "\"> <button type=\"submit\">");
    page_say(page, TR_MARK("Search"));
    page_raw(page, "</button></div>\n</form>\n");
}

/* ---- results ---- */

static bool same_value(const struct intel_row *a, const struct intel_row *b)
{
    return a->ioc_type == b->ioc_type && strcmp(a->value, b->value) == 0;
}

static bool is_first_of_value(const struct intel_rows *rows, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (same_value(&rows->rows[k], &rows->rows[i]))
            return false;
    }
    return true;
}

/* Has row i's reporter not been named for this value by a row before it? */
static bool is_new_reporter(const struct intel_rows *rows, size_t first, size_t i)
{
    for (size_t k = first; k < i; k++) {
        if (same_value(&rows->rows[k], &rows->rows[i]) && strcmp(rows->rows[k].origin, rows->rows[i].origin) == 0)
            return false;
    }
    return true;
}

static void write_reporters(struct page *page, const struct intel_rows *rows, size_t first)
{
    size_t named = 0, others = 0;
    for (size_t i = first; i < rows->count; i++) {
        if (!same_value(&rows->rows[i], &rows->rows[first]) || !is_new_reporter(rows, first, i))
            continue;
        if (named == REPORTERS_SHOWN) {
            others++;
            continue;
        }
        page_raw(page, named++ == 0 ? " · " : ", ");
        page_origin_link(page, span_str(rows->rows[i].origin));
    }
    if (others > 0) {
        page_raw(page, " ");
        page_sayf(page, TRN(page, others, "and one more", "and {1} more"), SAY(say_number(others)));
    }
}

static void write_ended(struct page *page)
{
    page_raw(page, " · <span class=\"state quiet\">");
    page_say(page, TR_MARK("no longer current"));
    page_raw(page, "</span>");
}

static size_t write_values(struct page *page, const struct intel_rows *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct intel_row *row = &rows->rows[i];
        if (row->ioc_type == IOC_NONE || !is_first_of_value(rows, i))
            continue;
        if (count++ == 0) {
            page_raw(page, "<section><h2>");
            page_say(page, TR_MARK("Values"));
            page_raw(page, "</h2>\n<ul class=\"records\">\n");
        }
        page_raw(page, "<li><span class=\"title\">");
        page_value_link(page, row->ioc_type, span_str(row->value));
        page_raw(page, "</span> <span class=\"about\">");
        page_esc(page, span_str(page_ioc_words(page, row->ioc_type)));
        write_reporters(page, rows, i);
        if (!row->current)
            write_ended(page);
        page_raw(page, "</span></li>\n");
    }
    page_raw(page, count > 0 ? "</ul></section>\n" : "");
    return count;
}

/* The link to an object. Relationships have no name of their own. */
static void write_object_link(struct page *page, const struct view *view, const struct intel_row *row)
{
    struct view_record record;
    struct err ignored;
    struct page_aside aside;
    page_raw(page, "<a href=\"/intelligence/object/");
    page_url(page, span_str(row->stix_id));
    page_raw(page, "\">");
    page_aside_begin(&aside, page);
    bool said = strcmp(row->stix_type, "relationship") == 0 &&
                view_record_brief(view, row->ref, &aside.arena, &record, &ignored) == 0 && record.parsed &&
                page_object_name(&aside.page, view, &record.record, false);
    page_aside_end(&aside);
    if (!said)
        page_brief(page, span_str(row->name[0] != '\0' ? row->name : row->stix_id));
    page_raw(page, "</a>");
}

static size_t write_objects(struct page *page, const struct view *view, const struct intel_rows *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct intel_row *row = &rows->rows[i];
        if (row->ioc_type != IOC_NONE)
            continue;
        if (count++ == 0) {
            page_raw(page, "<section><h2>");
            page_say(page, TR_MARK("Objects"));
            page_raw(page, "</h2>\n<ul class=\"records\">\n");
        }
        page_raw(page, "<li><span class=\"title\">");
        write_object_link(page, view, row);
        page_raw(page, "</span> <span class=\"about\">");
        page_stix_type(page, span_str(row->stix_type));
        page_raw(page, " · ");
        page_origin_link(page, span_str(row->origin));
        if (!row->current)
            write_ended(page);
        page_raw(page, "</span></li>\n");
    }
    page_raw(page, count > 0 ? "</ul></section>\n" : "");
    return count;
}

void page_passed_over(struct page *page, bool passed_over)
{
    if (!passed_over)
        return;
    page_raw(page, "<p class=\"quiet\">");
    page_say(page, TR_MARK("Some records are missing here: they are too long to be read all in one answer."));
    page_raw(page, "</p>\n");
}

static int write_results(struct page *page, const struct view *view, struct span text, struct err *err)
{
    struct intel_rows rows = {.arena = page->request->arena, .max = SEARCH_RESULTS_MAX};
    bool passed_over = false;
    int rc = intel_search(view, text, SEARCH_RESULTS_MAX, intel_rows_keep, &rows, &passed_over, err);
    if (rc < 0)
        return rc;
    page_raw(page, "<p class=\"found\">");
    if (rows.count == 0)
        page_sayf(page, TR(page, "Nothing here speaks of {1}."), SAY(say_text(text)));
    else if (rows.count == SEARCH_RESULTS_MAX)
        page_sayf(page, TR(page, "The best {1} results are shown; write more to see fewer."),
                  SAY(say_number(rows.count)));
    else
        page_sayf(page, TRN(page, rows.count, "One result.", "{1} results."), SAY(say_number(rows.count)));
    page_raw(page, "</p>\n");
    page_passed_over(page, passed_over);
    (void)write_values(page, &rows);
    (void)write_objects(page, view, &rows);
    return 0;
}

/* ---- what there is ---- */

static int write_overview(struct page *page, const struct view *view, struct err *err)
{
    struct intel_counts counts;
    int rc = intel_counts(view, &counts, err);
    if (rc < 0)
        return rc;
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("What is here"));
    page_raw(page, "</h2>\n<p>");
    if (counts.objects == 0) {
        page_say(page, TR_MARK("Nothing yet. On this machine, run: tongzhou import --tlp clear FILE"));
        page_raw(page, "</p></section>\n");
        return 0;
    }
    page_sayf(page, TR(page, "{1} objects, {2} of them indicators, with {3} different values:"),
              SAY(say_number(counts.objects), say_number(counts.indicators), say_number(counts.values)));
    page_raw(page, "</p>\n<dl class=\"facts\">\n");
    for (unsigned type = IOC_NONE + 1; type < IOC_TYPES; type++) {
        if (counts.by_type[type] == 0)
            continue;
        page_fact(page, page_ioc_words(page, (enum ioc_type)type));
        page_number(page, counts.by_type[type]);
        page_fact_end(page);
    }
    page_raw(page, "</dl></section>\n");
    return 0;
}

static struct span asked(const struct http_request *request)
{
    return span_trim(http_query(request, "q"));
}

int page_intelligence(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err)
{
    struct page page;
    struct span text = asked(request);
    page_begin(&page, request, reply, "intelligence", TR_MARK("Intelligence"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Intelligence"));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_say(&page,
             TR_MARK("What the members know of attacks and of those behind them. Everything says who reported it."));
    page_raw(&page, "</p>\n");
    page_raw(&page, "<p class=\"quiet\"><a href=\"/intelligence/vulnerabilities\">");
    page_say(&page, TR_MARK("Vulnerabilities"));
    page_raw(&page, "</a></p>\n");
    page_search_form(&page, text);
    page_raw(&page,
             "<div id=\"results\" data-source=\"/intelligence/results\" role=\"status\" aria-live=\"polite\">\n");
    int rc = text.len > 0 ? write_results(&page, view, text, err) : write_overview(&page, view, err);
    if (rc < 0)
        return rc;
    page_raw(&page, "</div>\n");
    page_sweep_form(&page);
    return page_end(&page, err);
}

int page_intelligence_results(const struct view *view, const struct http_request *request, struct http_reply *reply,
                              struct err *err)
{
    struct page page;
    struct span text = asked(request);
    page_fragment(&page, request, reply);
    int rc = text.len > 0 ? write_results(&page, view, text, err) : write_overview(&page, view, err);
    return rc < 0 ? rc : page_end_fragment(&page, err);
}

int page_intelligence_home(const struct view *view, const struct http_request *request, struct http_reply *reply,
                           struct err *err)
{
    struct page page;
    struct intel_counts counts;
    int rc = intel_counts(view, &counts, err);
    if (rc < 0)
        return rc;
    page_fragment(&page, request, reply);
    page_count(&page, counts.values, TRN(&page, counts.values, "reported value", "reported values"), "/intelligence");
    return page_end_fragment(&page, err);
}

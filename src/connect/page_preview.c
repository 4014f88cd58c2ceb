/* A preview on a page: whom it reaches, how and by which rule; whom not; what it does to others. */
#include "connect/publish_form.h"
#include "http/page.h"

#define SHOWN_MAX 200 /* members of each table: of more only how many */

static const char *const headings[] = {TR_MARK("Member"), TR_MARK("Why"), TR_MARK("Path"), TR_MARK("Rule")};

static void write_rule(struct page *page, const struct preview *preview, unsigned line)
{
    struct policy_verdict rule;
    if (line == 0 || !policy_rule_at(preview->policy, line, &rule))
        return;
    page_sayf(page, TR(page, "line {1}"), SAY(say_number(line)));
    page_raw(page, ": <code dir=\"ltr\">");
    page_esc(page, span_sub(rule.rule, 0, 300));
    page_raw(page, "</code>");
}

static void write_member(struct page *page, const struct preview *preview, const struct preview_member *member)
{
    page_table_row(page);
    page_origin_link(page, span_str(member->origin));
    page_table_cell(page, headings[1]);
    page_say(page, preview_why(member));
    page_table_cell(page, headings[2]);
    if (member->paths)
        page_say(page, preview_path_words(member->paths));
    page_table_cell(page, headings[3]);
    write_rule(page, preview, member->line);
    page_table_row_end(page);
}

static bool is_listed(const struct preview_member *member, bool gets)
{
    return gets ? member->fate == PREVIEW_GETS : member->fate == PREVIEW_KEPT || member->fate == PREVIEW_UNHEARD;
}

static void write_members(struct page *page, const struct preview *preview, bool gets)
{
    size_t shown = 0, more = 0;
    for (size_t i = 0; i < preview->count; i++) {
        if (!is_listed(&preview->members[i], gets))
            continue;
        if (shown == SHOWN_MAX) {
            more++;
            continue;
        }
        if (shown++ == 0)
            page_table(page, headings, 4);
        write_member(page, preview, &preview->members[i]);
    }
    if (shown > 0)
        page_table_end(page);
    if (more > 0) {
        page_raw(page, "<p>");
        page_sayf(page, TR(page, "and {1} more"), SAY(say_number(more)));
        page_raw(page, "</p>\n");
    }
}

static void write_heading(struct page *page, const char *words)
{
    page_raw(page, "<h3>");
    page_say(page, words);
    page_raw(page, "</h3>\n<p>");
}

static void write_gets(struct page *page, const struct preview *preview)
{
    write_heading(page, TR_MARK("Who gets it"));
    if (preview->record.tlp == TLP_CLEAR && preview->everybody.is_given) {
        page_say(page, TR_MARK("Everybody who asks for it."));
        page_raw(page, " ");
    }
    page_sayf(
        page,
        TRN(page, preview->gets, "{1} of the members that are known here.", "{1} of the members that are known here."),
        SAY(say_number(preview->gets)));
    page_raw(page, "</p>\n");
    write_members(page, preview, true);
}

static void write_others(struct page *page, const struct preview *preview)
{
    size_t not_meant = preview->count - preview->gets - preview->kept - preview->unheard;
    write_heading(page, TR_MARK("Who does not"));
    page_sayf(page, TRN(page, not_meant, "{1} member that it is not for.", "{1} members that it is not for."),
              SAY(say_number(not_meant)));
    page_raw(page, "</p>\n");
    write_members(page, preview, false);
}

static void write_effects(struct page *page, const struct preview *preview)
{
    if (preview->line_count == 0)
        return;
    page_raw(page, "<h3>");
    page_say(page, TR_MARK("What it does to others"));
    page_raw(page, "</h3>\n<ul>\n");
    for (size_t i = 0; i < preview->line_count; i++) {
        const struct preview_line *line = &preview->lines[i];
        page_raw(page, "<li>");
        page_sayf(page, page_text(page, preview_effect_words(preview, line->effect)),
                  SAY(say_origin(span_str(line->origin ? line->origin : "")),
                      line->effect == EFFECT_GROUP ? say_text(span_str(line->other))
                                                   : say_origin(span_str(line->other ? line->other : ""))));
        page_raw(page, "</li>\n");
    }
    page_raw(page, "</ul>\n");
}

void page_preview(struct page *page, const struct preview *preview)
{
    page_raw(page, "<h2>");
    page_say(page, TR_MARK("Preview"));
    page_raw(page, "</h2>\n<p class=\"quiet\">");
    page_sayf(page, TR(page, "As everything stands now, under policy {1}."), SAY(say_text(span_str(preview->version))));
    page_raw(page, "</p>\n");
    write_gets(page, preview);
    write_others(page, preview);
    write_effects(page, preview);
}

/* Which powers members have ceded, to whom, for what and how long: a part of the page of communities. */
#include <inttypes.h>
#include <stdio.h>

#include "governance/cessions.h"
#include "governance/pages.h"

#define SHOWN 300       /* cessions */
#define SHOWN_OF_ONE 20 /* of one member, the last ones: whoever cedes thousands hides nobody else's */

static const char *const headings[] = {TR_MARK("Who cedes"), TR_MARK("To whom"), TR_MARK("What"), TR_MARK("State")};

struct listing {
    struct page *page;
    uint64_t shown;
};

/* A member, or a group as MEMBER #NAME. */
static void write_address(struct page *page, const char *address)
{
    struct span origin, name;
    if (!group_address(span_str(address), &origin, &name)) {
        page_origin_link(page, span_str(address));
        return;
    }
    page_origin_link(page, origin);
    page_raw(page, " #");
    page_esc(page, name);
}

static void write_power(struct page *page, const struct cession *said)
{
    switch (said->power) {
    case POWER_MODERATE:
        page_say(page, said->kind_count + said->member_count == 0
                           ? TR_MARK("to decide about contents of others")
                           : TR_MARK("to decide about some contents of others:"));
        break;
    case POWER_ADMIT:
        page_sayf(page, TR(page, "to admit to the group {1}"), SAY(say_text(span_str(said->group))));
        break;
    case POWER_UNKNOWN:
        page_sayf(page, TR(page, "a power that this version does not know: {1}"), SAY(say_text(span_str(said->word))));
        break;
    }
    for (size_t i = 0; i < said->kind_count; i++) {
        page_raw(page, i ? ", " : " ");
        page_raw(page, "<code>");
        page_esc(page, span_str(said->kinds[i]));
        page_raw(page, "</code>");
    }
    for (size_t i = 0; i < said->member_count; i++) {
        page_raw(page, i ? ", " : said->kind_count ? " · " : " ");
        write_address(page, said->members[i]);
    }
    if (said->about[0]) {
        page_raw(page, "<br><span class=\"quiet\">");
        page_bdi(page, span_str(said->about));
        page_raw(page, "</span>");
    }
}

static void write_state(struct page *page, const struct governance_cession *c)
{
    switch (c->state) {
    case CESSION_HOLDS:
        page_sayf(page, TR(page, "active until {1}"), SAY(say_time(c->until_ms)));
        break;
    case CESSION_COMING:
        page_sayf(page, TR(page, "from {1} to {2}"), SAY(say_time(c->from_ms), say_time(c->until_ms)));
        break;
    case CESSION_EXPIRED:
        page_sayf(page, TR(page, "expired {1}"), SAY(say_time(c->until_ms)));
        break;
    case CESSION_REVOKED:
        page_sayf(page, TR(page, "revoked {1}"), SAY(say_time(c->revoked_ms)));
        page_raw(page, c->because[0] ? ": " : "");
        page_bdi(page, span_str(c->because));
        break;
    case CESSION_STRANGE:
    case CESSION_EMPTY:
        page_say(page, c->state == CESSION_STRANGE ? TR_MARK("without effect")
                                                   : TR_MARK("without effect: who cedes it does not have it"));
        break;
    }
}

static int write_cession(void *ctx, const struct governance_cession *c, struct err *err)
{
    struct listing *l = ctx;
    struct page *page = l->page;
    char index[24];
    (void)err;
    if (l->shown == SHOWN)
        return 0;
    if (l->shown++ == 0)
        page_table(page, headings, sizeof(headings) / sizeof(headings[0]));
    page_table_row(page);
    page_origin_link(page, span_str(c->origin));
    snprintf(index, sizeof(index), "/%" PRIu64, RECORD_REF_INDEX(c->ref));
    page_record_link(page, span_str(c->origin), RECORD_REF_INDEX(c->ref), span_str(index));
    page_table_cell(page, headings[1]);
    write_address(page, c->said.to);
    page_table_cell(page, headings[2]);
    write_power(page, &c->said);
    page_table_cell(page, headings[3]);
    write_state(page, c);
    page_table_row_end(page);
    return 0;
}

int page_cessions(struct page *page, const struct view *view, struct err *err)
{
    struct listing l = {.page = page};
    size_t before = page->out->len;
    page_raw(page, "<h2>");
    page_say(page, TR_MARK("Ceded powers"));
    page_raw(page, "</h2>\n<p>");
    page_say(page,
             TR_MARK("What a member lets another one decide in its place, for a time and until it takes that back."));
    page_raw(page, "</p>\n");
    int rc = cessions_each_newest(view, SHOWN_OF_ONE, page->request->now_ms, write_cession, &l, err);
    if (l.shown == 0) {
        buf_cut(page->out, before);
        return rc;
    }
    page_table_end(page);
    uint64_t all = cessions_count(view), hidden = all > l.shown ? all - l.shown : 0;
    if (hidden > 0) {
        page_raw(page, "<p class=\"quiet\">");
        page_sayf(page, TRN(page, hidden, "{1} more is not shown.", "{1} more are not shown."),
                  SAY(say_number(hidden)));
        page_raw(page, "</p>\n");
    }
    return rc;
}

/* Pieces of a community's page. */
#include <inttypes.h>

#include "base/codec.h"
#include "governance/pages.h"

#define NAMES_SHOWN 24         /* origins in a sentence; the rest is a number */
#define VERSIONS_SHOWN 64      /* the last ones, and whatever hangs on them */
#define PROFILE_MAX (1u << 20) /* bytes: a member as it is folded */

void page_hash(struct page *page, const uint8_t hash[32])
{
    char hex[65];
    hex_encode(hash, 32, hex);
    page_raw(page, "<code dir=\"ltr\">");
    page_esc(page, span_of(hex, 12));
    page_raw(page, "</code>");
}

void page_community_link(struct page *page, const uint8_t community[32], struct span text)
{
    char hex[65];
    hex_encode(community, 32, hex);
    page_fmt(page, "<a href=\"/community/%s\">", hex);
    page_bdi(page, text);
    page_raw(page, "</a>");
}

static void write_origins(struct page *page, const char *const *origins, size_t count)
{
    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++) {
        page_raw(page, i > 0 ? ", " : "");
        page_origin_link(page, span_str(origins[i]));
    }
    if (count > NAMES_SHOWN) {
        page_raw(page, " ");
        page_sayf(page, TR(page, "and {1} more"), SAY(say_number(count - NAMES_SHOWN)));
    }
    if (count == 0)
        page_say(page, TR_MARK("nobody"));
}

/* ---- members ---- */

static const char *const headings[] = {TR_MARK("Member"),  TR_MARK("Who"),        TR_MARK("Country or area"),
                                       TR_MARK("Sectors"), TR_MARK("Languages"),  TR_MARK("Name"),
                                       TR_MARK("Belongs"), TR_MARK("Operated by")};
#define COLUMNS (sizeof(headings) / sizeof(headings[0]))

static void write_list(struct page *page, const char *heading, const struct member_list *list)
{
    page_table_cell(page, heading);
    for (unsigned i = 0; list && i < list->count; i++) {
        page_raw(page, i > 0 ? ", " : "");
        page_bdi(page, span_str(list->item[i]));
    }
}

static void write_word(struct page *page, enum community_word word)
{
    page_table_cell(page, headings[6]);
    page_raw(page, word == WORD_IN     ? "<span class=\"state good\">"
                   : word == WORD_LEFT ? "<span class=\"state warn\">"
                                       : "<span class=\"state quiet\">");
    page_say(page, word == WORD_IN     ? TR_MARK("yes")
                   : word == WORD_LEFT ? TR_MARK("has left")
                                       : TR_MARK("has not said so"));
    page_raw(page, "</span>");
}

static void write_member(struct page *page, const struct view *view, const struct community_member *line)
{
    struct log_info log;
    struct err absent = {0};
    struct member member;
    struct arena arena;
    arena_init(&arena, PROFILE_MAX);
    bool known = view_log_find(view, span_str(line->origin), &log, &absent) == 0 && log.size > 0 &&
                 store_member(view->store, log.number, &arena, &member, &absent) == 0;
    page_table_row(page);
    page_origin_link(page, span_str(line->origin));
    if (known && log.standing == STANDING_FROZEN) {
        page_raw(page, " <span class=\"state bad\">");
        page_say(page, TR_MARK("frozen"));
        page_raw(page, "</span>");
    }
    page_table_cell(page, headings[1]);
    page_esc(page, span_str(page_class_words(page, line->class)));
    page_table_cell(page, headings[2]);
    if (known)
        page_bdi(page, span_str(member.profile.jurisdiction));
    write_list(page, headings[3], known ? &member.profile.sectors : NULL);
    write_list(page, headings[4], known ? &member.profile.languages : NULL);
    page_table_cell(page, headings[5]);
    page_name_state(page, view, line->origin);
    write_word(page, line->word);
    page_table_cell(page, headings[7]);
    if (strcmp(line->operator, line->origin) == 0)
        page_say(page, TR_MARK("itself"));
    else
        page_origin_link(page, span_str(line->operator));
    page_table_row_end(page);
    arena_done(&arena);
}

void page_roster(struct page *page, const struct view *view, const struct community *community, size_t first,
                 size_t max)
{
    page_table(page, headings, COLUMNS);
    for (size_t i = first; i < community->member_count && i - first < max; i++)
        write_member(page, view, &community->members[i]);
    page_table_end(page);
}

/* How many of each class; nobody is ranked. */
void page_classes(struct page *page, const struct community *community)
{
    uint64_t count[CLASS_UNKNOWN + 1] = {0};
    for (size_t i = 0; i < community->member_count; i++)
        count[community->members[i].class]++;
    bool any = false;
    for (enum member_class class = CLASS_INTERGOVERNMENTAL; class <= CLASS_UNKNOWN; class ++) {
        if (count[class] == 0)
            continue;
        page_raw(page, any ? " · " : "");
        page_esc(page, span_str(page_class_words(page, class)));
        page_raw(page, " ");
        page_number(page, count[class]);
        any = true;
    }
}

/* ---- versions ---- */

static const char *state_words(const struct page *page, enum version_state state)
{
    switch (state) {
    case VERSION_IN_FORCE:
        return TR(page, "in force");
    case VERSION_OPEN:
        return TR(page, "open");
    case VERSION_OVERTAKEN:
        return TR(page, "overtaken");
    case VERSION_INVALID:
        return TR(page, "against the rules");
    case VERSION_UNKNOWN:
        break;
    }
    return TR(page, "its text is not here");
}

static void write_version(struct page *page, const struct community *community, const struct community_version *version)
{
    bool good = version->state == VERSION_IN_FORCE, open = version->state == VERSION_OPEN;
    page_fmt(page, "<li><span class=\"state %s\">", good ? "good" : open ? "warn" : "quiet");
    page_esc(page, span_str(state_words(page, version->state)));
    page_raw(page, "</span> ");
    page_sayf(page, TR(page, "Version {1}"), SAY(say_number(version->number)));
    page_raw(page, " ");
    page_hash(page, version->hash);
    page_raw(page, " <span class=\"about\">");
    page_sayf(page, TR(page, "endorsed by {1} of the {2} that it needs: "),
              SAY(say_number(version->endorser_count), say_number(version->needed)));
    write_origins(page, version->endorsers, version->endorser_count);
    if (open && community->silent_count > 0) {
        page_raw(page, ". ");
        page_sayf(page, TR(page, "{1} more of these would bring it into force: "),
                  SAY(say_number(version->needed - version->endorser_count)));
        write_origins(page, community->silent, community->silent_count);
    }
    if (version->state == VERSION_INVALID && version->why) {
        page_raw(page, ". <bdi>");
        page_esc(page, span_str(version->why));
        page_raw(page, "</bdi>");
    }
    page_raw(page, "</span></li>\n");
}

void page_versions(struct page *page, const struct community *community)
{
    size_t shown = 0;
    page_raw(page, "<ul class=\"plain\">\n");
    for (size_t i = community->version_count; i-- > 0 && shown < VERSIONS_SHOWN; shown++)
        write_version(page, community, &community->versions[i]);
    if (shown < community->version_count) {
        page_raw(page, "<li class=\"quiet\">");
        page_sayf(page, TR(page, "and {1} more"), SAY(say_number(community->version_count - shown)));
        page_raw(page, "</li>\n");
    }
    page_raw(page, "</ul>\n");
}

/* ---- who waits ---- */

static void write_request(struct page *page, const struct desk_request *request)
{
    page_raw(page, "<li>");
    page_sayf(page, TR(page, "{1} asked to join, {2}."),
              SAY(say_origin(span_str(request->origin)), say_ago(request->time_ms)));
    page_raw(page, " <span class=\"about\">");
    page_sayf(page, TR(page, "{1} of the {2} operators that the charter asks for vouch for it: "),
              SAY(say_number(request->voices), say_number(request->needed)));
    write_origins(page, request->sponsors, request->sponsor_count);
    page_raw(page, "</span>");
    if (request->message[0] != '\0') {
        page_raw(page, "<br><q>");
        page_bdi(page, span_str(request->message));
        page_raw(page, "</q>");
    }
    page_raw(page, "</li>\n");
}

static void write_departure(struct page *page, const struct desk_departure *departure)
{
    page_raw(page, "<li>");
    page_sayf(page, TR(page, "{1} left, {2}."),
              SAY(say_origin(span_str(departure->origin)), say_ago(departure->time_ms)));
    page_raw(page, " <span class=\"about\">");
    if (departure->due)
        page_say(page, TR_MARK("Its notice is over; the next version can take it off the roster."));
    else
        page_sayf(page, TR(page, "Its notice runs until {1}."), SAY(say_time(departure->until_ms)));
    page_raw(page, "</span></li>\n");
}

void page_waiting(struct page *page, const struct community *community, const struct desk *waiting)
{
    if (community->stuck) {
        page_raw(page, "<div class=\"alert warn\" role=\"note\"><h2>");
        page_say(page, TR_MARK("Stuck"));
        page_raw(page, "</h2><p>");
        page_say(page,
                 TR_MARK("So many operators chose different versions that none can come into force any more. A "
                         "member can found the community anew; each of the others then ratifies that for itself."));
        page_raw(page, "</p></div>\n");
    }
    if (waiting->request_count + waiting->departure_count == 0) {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("Nobody waits to be added or taken off."));
        page_raw(page, "</p>\n");
        return;
    }
    page_raw(page, "<ul class=\"plain\">\n");
    for (size_t i = 0; i < waiting->request_count; i++)
        write_request(page, &waiting->requests[i]);
    for (size_t i = 0; i < waiting->departure_count; i++)
        write_departure(page, &waiting->departures[i]);
    page_raw(page, "</ul>\n");
}

/* ---- charter ---- */

void page_charter(struct page *page, const struct charter *charter)
{
    page_raw(page, "<ol>\n");
    for (size_t i = 0; i < charter->article_count; i++) {
        const struct charter_article *article = &charter->articles[i];
        page_raw(page, "<li><strong>");
        page_bdi(page, span_str(article->title));
        page_raw(page, "</strong><br>");
        page_raw(page, "<bdi>");
        page_pre(page, span_str(article->text)); /* its lines are one paragraph */
        page_raw(page, "</bdi>");
        if (article->measure) {
            page_raw(page, " <span class=\"about\">");
            page_sayf(page, TR(page, "Measured by: {1}"), SAY(say_text(span_str(article->measure))));
            page_raw(page, "</span>");
        }
        page_raw(page, "</li>\n");
    }
    page_raw(page, "</ol>\n<p>");
    page_sayf(page,
              TR(page, "Endorsements of a version at least: {1}, and never fewer than the quorum. Operators who vouch "
                       "for whoever joins: {2}. Days from leaving to being taken off the roster: {3}."),
              SAY(say_number(charter->endorsements), say_number(charter->sponsors), say_number(charter->notice_days)));
    page_raw(page, "</p>\n");
}

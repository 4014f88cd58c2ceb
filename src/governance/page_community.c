/* Community: which communities there are, and one of them. */
#include <inttypes.h>

#include "base/codec.h"
#include "governance/pages.h"

#define COMMUNITIES_SHOWN 100      /* a page: anybody can found one */
#define MEMBERS_SHOWN 100          /* a page: each needs its profile read from its log */
#define IDLE_SHOWN 32              /* endorsements without effect */
#define FOUNDINGS_SHOWN 32         /* anybody can state one */
#define PAGE_WEIGHT_MAX (4u << 20) /* bytes of texts that a page reads; 16,380 members in 2.8 MB took 0.23 s */

static int walk(const struct view *view, const uint8_t hash[32], struct arena *arena, struct community *ret,
                struct err *err)
{
    struct community_source source = governance_source(view->index);
    return community_walk(&source, hash, arena, ret, err);
}

/* Back and More; `part`: what stands behind /community in the address. */
static void write_page_links(struct page *page, const char *part, uint64_t number, uint64_t last)
{
    if (last == 0)
        return;
    page_raw(page, "<nav class=\"pages\"><ul>");
    if (number > 0) {
        page_fmt(page, "<li><a rel=\"prev\" href=\"/community%s?page=%" PRIu64 "\">", part, number - 1);
        page_say(page, TR_MARK("Back"));
        page_raw(page, "</a></li>");
    }
    if (number < last) {
        page_fmt(page, "<li><a rel=\"next\" href=\"/community%s?page=%" PRIu64 "\">", part, number + 1);
        page_say(page, TR_MARK("More"));
        page_raw(page, "</a></li>");
    }
    page_raw(page, "</ul></nav>\n");
}

/* Which page is asked for, of so many things. */
static uint64_t page_asked(const struct http_request *request, uint64_t count, uint64_t shown, uint64_t *ret_last)
{
    uint64_t number;
    *ret_last = count > 0 ? (count - 1) / shown : 0;
    return span_u64(http_query(request, "page"), *ret_last, &number) ? number : 0;
}

/* ---- all ---- */

static int write_summary(void *ctx, const struct governance_summary *one, struct err *err)
{
    struct page *page = ctx;
    (void)err;
    page_raw(page, "<li><span class=\"title\">");
    page_community_link(page, one->hash, span_str(one->name));
    page_raw(page, "</span> <span class=\"about\">");
    page_hash(page, one->hash);
    page_raw(page, " · ");
    page_sayf(page, TR(page, "version {1} of its roster, {2} listed, {3} belong"),
              SAY(say_number(one->number), say_number(one->members), say_number(one->belonging)));
    page_raw(page, "</span></li>\n");
    return 0;
}

static int write_founding(struct page *page, const struct view *view, const uint8_t hash[32], struct err *err)
{
    struct community now;
    struct arena arena;
    arena_init(&arena, GOVERNANCE_ARENA_MAX);
    int rc = walk(view, hash, &arena, &now, err);
    if (rc == 0) {
        page_raw(page, "<li><span class=\"title\">");
        page_community_link(page, hash, span_str(now.charter ? now.charter->name : "?"));
        page_raw(page, "</span> <span class=\"about\">");
        page_hash(page, hash);
        page_raw(page, " · ");
        page_sayf(page, TR(page, "not founded yet: endorsed by {1} of the {2} that it needs"),
                  SAY(say_number(now.versions[0].endorser_count), say_number(now.versions[0].needed)));
        page_raw(page, "</span></li>\n");
    }
    arena_done(&arena);
    return rc;
}

int page_communities(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err)
{
    struct page page;
    uint8_t foundings[FOUNDINGS_SHOWN][32];
    size_t count = 0;
    page_begin(&page, request, reply, "community", TR_MARK("Communities"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Communities"));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_say(&page,
             TR_MARK("A community is a charter and a roster. Nobody keeps the roster: each node computes it from what "
                     "the members have signed."));
    page_raw(&page, "</p>\n<ul class=\"records\">\n");
    size_t before = page.out->len;
    uint64_t last, number = page_asked(request, governance_community_count(view), COMMUNITIES_SHOWN, &last);
    int rc = governance_communities(view, number * COMMUNITIES_SHOWN, COMMUNITIES_SHOWN, write_summary, &page, err);
    if (rc == 0 && number == last)
        rc = governance_foundings(view, FOUNDINGS_SHOWN, foundings, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = write_founding(&page, view, foundings[i], err);
    bool none = page.out->len == before;
    page_raw(&page, "</ul>\n");
    write_page_links(&page, "", number, last);
    if (none) {
        page_raw(&page, "<p class=\"quiet\">");
        page_say(&page, TR_MARK("None is known here yet. On this node's machine, run: tongzhou community found NAME"));
        page_raw(&page, "</p>\n");
    }
    if (rc == 0)
        rc = page_cessions(&page, view, err);
    return rc == 0 ? page_end(&page, err) : rc;
}

/* ---- one ---- */

static void write_head(struct page *page, const struct community *now)
{
    size_t belonging = 0;
    for (size_t i = 0; i < now->member_count; i++)
        belonging += community_belongs(&now->members[i]);
    page_raw(page, "<h1>");
    page_bdi(page, span_str(now->charter->name));
    page_raw(page, "</h1>\n<p class=\"lead\">");
    if (now->founded)
        page_sayf(page,
                  TR(page, "Version {1} of the roster is in force. Listed: {2}. Of these {3} have said themselves that "
                           "they belong."),
                  SAY(say_number(now->number), say_number(now->member_count), say_number(belonging)));
    else
        page_say(page, TR_MARK("Not founded yet: not enough of those whom its first version lists have endorsed it."));
    page_raw(page, "</p>\n");
}

static int write_facts(struct page *page, const struct view *view, const struct community *now, struct err *err)
{
    uint8_t digest[32], cut[32];
    char hex[65];
    int rc = governance_cut(view, now, cut, err);
    if (rc < 0)
        return rc;
    community_digest(now, digest);
    page_raw(page, "<dl class=\"facts\">\n");
    page_fact(page, TR(page, "Community"));
    hex_encode(now->hash, 32, hex);
    page_fingerprint(page, span_of(hex, 64));
    page_fact_end(page);
    page_fact(page, TR(page, "Members"));
    page_classes(page, now);
    page_fact_end(page);
    page_fact(page, TR(page, "A version is in force by"));
    page_sayf(page, TR(page, "{1} of {2} operators"), SAY(say_number(now->needed), say_number(now->operator_count)));
    page_fact_end(page);
    page_fact(page, TR(page, "To compare with others"));
    page_say(page, TR_MARK("roster"));
    page_raw(page, " ");
    page_hash(page, digest);
    page_raw(page, " · ");
    page_say(page, TR_MARK("logs read so far"));
    page_raw(page, " ");
    page_hash(page, cut);
    page_fact_end(page);
    if (now->has_refounds) {
        page_fact(page, TR(page, "Founded anew, leaving version"));
        page_hash(page, now->refounds);
        page_fact_end(page);
    }
    page_raw(page, "</dl>\n");
    return 0;
}

static void write_heading(struct page *page, const char *text)
{
    page_raw(page, "<h2>");
    page_say(page, text);
    page_raw(page, "</h2>\n");
}

static int write_idle(void *ctx, const struct governance_endorsement *one, struct err *err)
{
    struct page *page = ctx;
    (void)err;
    page_raw(page, "<li>");
    page_sayf(page, TR(page, "{1} later endorsed another version, too: without effect, since its first word counts."),
              SAY(say_origin(span_str(one->origin))));
    page_raw(page, " ");
    page_hash(page, one->roster);
    page_raw(page, "</li>\n");
    return 0;
}

/* What shows that somebody wavered, or tried. */
static int write_without_effect(struct page *page, const struct view *view, const struct community *now,
                                struct err *err)
{
    size_t before = page->out->len;
    page_raw(page, "<ul class=\"plain\">\n");
    size_t empty = page->out->len;
    int rc = governance_idle(view, now->hash, IDLE_SHOWN, write_idle, page, err);
    if (page->out->len == empty)
        buf_cut(page->out, before);
    else
        page_raw(page, "</ul>\n");
    return rc;
}

static int write_community(struct page *page, const struct view *view, const struct community *now, struct arena *arena,
                           struct err *err)
{
    struct desk waiting;
    char part[66] = "/";
    uint64_t last, number = page_asked(page->request, now->member_count, MEMBERS_SHOWN, &last);
    hex_encode(now->hash, 32, part + 1);
    write_head(page, now);
    int rc = write_facts(page, view, now, err);
    if (rc == 0)
        rc = desk_read(view, now, page->request->now_ms, arena, &waiting, err);
    if (rc < 0)
        return rc;
    write_heading(page, TR_MARK("Roster"));
    page_roster(page, view, now, (size_t)number * MEMBERS_SHOWN, MEMBERS_SHOWN);
    write_page_links(page, part, number, last);
    write_heading(page, TR_MARK("What is open"));
    page_waiting(page, now, &waiting);
    write_heading(page, TR_MARK("Versions of the roster"));
    page_versions(page, now);
    rc = write_without_effect(page, view, now, err);
    write_heading(page, TR_MARK("Charter"));
    page_charter(page, now->charter);
    return rc;
}

static int too_large(const struct http_request *request, struct http_reply *reply)
{
    return http_problem(request, reply, 503, TR_MARK("Too large for a page"),
                        TR_MARK("On this node's machine, run: tongzhou community show"));
}

int page_community(const struct view *view, const struct http_request *request, struct http_reply *reply,
                   struct err *err)
{
    struct page page;
    struct community now;
    struct arena arena;
    uint8_t hash[32];
    uint64_t bytes;
    if (request->part[0].len != 64 || !hex_decode(request->part[0], hash, 32))
        return err_set(err, ERR_NOTFOUND, "no hash of a community");
    int rc = governance_weight(view, hash, &bytes, err);
    if (rc < 0)
        return rc;
    if (bytes > PAGE_WEIGHT_MAX)
        return too_large(request, reply);
    arena_init(&arena, GOVERNANCE_ARENA_MAX);
    rc = walk(view, hash, &arena, &now, err);
    if (rc == 0 && !now.charter)
        rc = err_set(err, ERR_NOTFOUND, "no such community here");
    if (rc == 0) {
        page_begin(&page, request, reply, "community", now.charter->name);
        rc = write_community(&page, view, &now, &arena, err);
    }
    if (rc == 0)
        rc = page_end(&page, err);
    arena_done(&arena);
    return rc;
}

/* ---- Home ---- */

int page_community_home(const struct view *view, const struct http_request *request, struct http_reply *reply,
                        struct err *err)
{
    struct page page;
    uint64_t count = governance_community_count(view);
    page_fragment(&page, request, reply);
    if (count > 0)
        page_count(&page, count, TRN(&page, count, "community", "communities"), "/community");
    return page_end_fragment(&page, err);
}

const struct route governance_page_routes[GOVERNANCE_PAGE_ROUTES] = {
    {HTTP_GET, "/community", OUTLET_HTTP_PAGES, page_communities, "all communities"},
    {HTTP_GET, "/community/{hash}", OUTLET_HTTP_PAGES, page_community,
     "a community: roster, versions, what is open, charter"},
    {HTTP_GET, "/home/governance", OUTLET_HTTP_PAGES, page_community_home, "communities, for Home"},
};

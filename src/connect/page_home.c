/* Home: who we are, is everybody in touch, what is new. */
#include "connect/pages.h"

#include <stdio.h>

#include "state/peers.h"

#define NEWEST 400    /* records looked at for "What is new" */
#define RUN_SHOWN 3   /* of records of one member and kind in a row */
#define KIND_MAX 64   /* bytes of a kind's name */
#define LOGS_SHOWN 25 /* of the mirrored logs; those that are behind come first */
/* A peer reached within this is in touch: several rounds of long polling. */
#define RECENTLY_MS (INT64_C(15) * 60 * 1000)

/* ---- who we are ---- */

static int write_operator(struct page *page, const struct view *view, const struct log_info *log, struct err *err)
{
    struct member member;
    int rc = store_member(view->store, log->number, page->request->arena, &member, err);
    if (rc < 0)
        return rc;
    struct span origin = span_str(log->origin);
    size_t slash = span_find(origin, '/');
    page_raw(page, "<h1>");
    page_bdi(page, span_str(member.profile.name));
    page_raw(page, "</h1>\n<p class=\"lead\">");
    page_sayf(page,
              TR(page, "This node belongs to {1}. It keeps a signed record of what it says, and carries and checks the "
                       "records of the others."),
              SAY(say_text(span_str(member.profile.name))));
    page_raw(page, "</p>\n<dl class=\"facts\">\n");
    page_fact(page, TR(page, "Who"));
    page_esc(page, span_str(page_class_words(page, member.profile.class)));
    if (member.profile.jurisdiction[0] != '\0') {
        page_raw(page, " · ");
        page_bdi(page, span_str(member.profile.jurisdiction));
    }
    page_raw(page, " · <a href=\"");
    page_origin_path(page, "/members", origin);
    page_raw(page, "\">");
    page_say(page, TR_MARK("profile and keys"));
    page_raw(page, "</a>");
    page_fact_end(page);
    page_fact(page, TR(page, "Fingerprint"));
    page_fingerprint(page, span_sub(origin, slash + 1, origin.len));
    page_fact_end(page);
    page_raw(page, "</dl>\n");
    return 0;
}

static void write_nobody(struct page *page)
{
    page_raw(page, "<h1>Tongzhou <span lang=\"zh-Hans\">同舟</span></h1>\n<p class=\"lead\">");
    page_say(page, TR_MARK("This node has no member of its own yet. On its machine, run: tongzhou init"));
    page_raw(page, "</p>\n");
}

/* ---- counts: ours, then what each capability has to say ---- */

static int write_panels(struct page *page, const struct view *view, struct err *err)
{
    static const char prefix[] = "/home/";
    for (size_t i = 0; capabilities[i]; i++) {
        for (size_t k = 0; k < capabilities[i]->page_route_count; k++) {
            const struct route *route = &capabilities[i]->page_routes[k];
            if (strncmp(route->pattern, prefix, sizeof(prefix) - 1) != 0)
                continue;
            int rc = route->handler(view, page->request, page->reply, err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static int write_counts(struct page *page, const struct view *view, const struct log_info *logs, size_t count,
                        struct err *err)
{
    uint64_t records = 0;
    for (size_t i = 0; i < count; i++)
        records += logs[i].size;
    page_raw(page, "<ul class=\"counts\">\n");
    page_count(page, count, TRN(page, count, "member", "members"), "/members");
    page_count(page, records, TRN(page, records, "record", "records"), "#new");
    int rc = write_panels(page, view, err);
    page_raw(page, "</ul>\n");
    return rc;
}

/* ---- is everybody in touch ---- */

struct touch {
    struct page *page;
    size_t peers, in_touch;
    struct arena *arena;
    struct peer *list;
    size_t cap;
};

static bool is_in_touch(const struct http_request *request, const struct peer *peer)
{
    return !peer->set_aside && peer->failures == 0 && peer->reached_ms > 0 &&
           request->now_ms - peer->reached_ms < RECENTLY_MS;
}

static int collect_peer(void *ctx, const struct peer *peer, struct err *err)
{
    struct touch *touch = ctx;
    if (touch->peers == touch->cap) {
        size_t cap = touch->cap ? touch->cap * 2 : 16;
        struct peer *list = arena_array(touch->arena, cap, sizeof(*list));
        if (!list)
            return err_memory(err);
        if (touch->peers > 0)
            memcpy(list, touch->list, touch->peers * sizeof(*list));
        touch->list = list;
        touch->cap = cap;
    }
    touch->list[touch->peers++] = *peer;
    touch->in_touch += is_in_touch(touch->page->request, peer);
    return 0;
}

static void write_reason(struct page *page, const struct peer *peer)
{
    if (peer->reason[0] == '\0')
        return;
    page_raw(page, "<details><summary>");
    page_say(page, TR_MARK("What happened exactly"));
    page_raw(page, "</summary><p lang=\"en\">");
    page_bdi(page, span_str(peer->reason));
    page_raw(page, "</p></details>");
}

static void write_peer_state(struct page *page, const struct peer *peer)
{
    const char *sign = "good";
    const char *words = TR_MARK("in touch");
    if (peer->set_aside) {
        sign = "bad";
        words = TR_MARK("set aside: it sent something that does not hold. We go on with the others until somebody here "
                        "takes it back.");
    } else if (peer->failures > 0) {
        sign = "warn";
        words = TR_MARK("cannot be reached at the moment; we keep trying");
    } else if (peer->reached_ms == 0) {
        sign = "quiet";
        words = TR_MARK("not tried yet");
    } else if (!is_in_touch(page->request, peer)) {
        sign = "warn";
        words = TR_MARK("nothing heard for a while");
    }
    page_fmt(page, "<span class=\"state %s\">", sign);
    page_say(page, words);
    page_raw(page, "</span>");
    write_reason(page, peer);
}

static const char *const peer_headings[] = {TR_MARK("Neighbour"), TR_MARK("Last reached"), TR_MARK("How it is")};

static void write_peer(struct page *page, const struct peer *peer)
{
    page_table_row(page);
    if (peer->origin[0] != '\0')
        page_origin_link(page, span_str(peer->origin));
    else
        page_bdi(page, span_str(peer->url));
    page_table_cell(page, peer_headings[1]);
    if (peer->reached_ms > 0)
        page_ago(page, peer->reached_ms);
    else
        page_say(page, TR_MARK("never"));
    page_table_cell(page, peer_headings[2]);
    write_peer_state(page, peer);
    page_table_row_end(page);
}

static int write_peers(struct page *page, const struct view *view, struct err *err)
{
    struct touch touch = {.page = page, .arena = page->request->arena};
    int rc = peer_each(view->store, collect_peer, &touch, err);
    if (rc < 0)
        return rc;
    page_raw(page, "<p>");
    if (touch.peers == 0)
        page_say(page, TR_MARK("This node has no neighbours yet. On its machine, run: tongzhou peer add ADDRESS"));
    else if (touch.in_touch == touch.peers)
        page_sayf(page, TRN(page, touch.peers, "Yes, our one neighbour is.", "Yes, all {1} neighbours are."),
                  SAY(say_number(touch.peers)));
    else
        page_sayf(page, TR(page, "{1} of {2} neighbours are in touch."),
                  SAY(say_number(touch.in_touch), say_number(touch.peers)));
    page_raw(page, "</p>\n");
    if (touch.peers == 0)
        return 0;
    page_table(page, peer_headings, 3);
    for (size_t i = 0; i < touch.peers; i++)
        write_peer(page, &touch.list[i]);
    page_table_end(page);
    return 0;
}

/* ---- mirrored logs ---- */

static int largest_seen(void *ctx, int64_t peer, uint64_t size, struct err *err)
{
    (void)peer;
    (void)err;
    uint64_t *largest = ctx;
    if (size > *largest)
        *largest = size;
    return 0;
}

static const char *const mirror_headings[] = {TR_MARK("Member"), TR_MARK("Records here"), TR_MARK("Last news"),
                                              TR_MARK("How it is")};

static void write_mirror(struct page *page, const struct log_info *log, uint64_t behind)
{
    page_table_row(page);
    page_origin_link(page, span_str(log->origin));
    page_table_cell(page, mirror_headings[1]);
    page_number(page, log->size);
    page_table_cell(page, mirror_headings[2]);
    if (log->head_ms > 0)
        page_ago(page, log->head_ms);
    page_table_cell(page, mirror_headings[3]);
    if (log->standing == STANDING_FROZEN)
        page_raw(page, "<span class=\"state bad\">");
    else if (log->standing == STANDING_SUSPENDED || behind > 0)
        page_raw(page, "<span class=\"state warn\">");
    else
        page_raw(page, "<span class=\"state good\">");
    if (log->standing == STANDING_FROZEN)
        page_say(page, TR_MARK("frozen: it told two different histories"));
    else if (log->standing == STANDING_SUSPENDED)
        page_say(page, TR_MARK("suspended: two histories were seen"));
    else if (behind > 0)
        page_sayf(page, TRN(page, behind, "{1} record still to come", "{1} records still to come"),
                  SAY(say_number(behind)));
    else
        page_say(page, TR_MARK("complete"));
    page_raw(page, "</span>");
    page_table_row_end(page);
}

static int write_mirrors(struct page *page, const struct view *view, const struct log_info *logs, size_t count,
                         struct err *err)
{
    uint64_t *behind = arena_array(page->request->arena, count, sizeof(*behind));
    size_t mirrors = 0, shown = 0;
    if (!behind)
        return err_memory(err);
    for (size_t i = 0; i < count; i++) {
        uint64_t largest = 0;
        int rc = peer_log_each(view->store, logs[i].number, largest_seen, &largest, err);
        if (rc < 0)
            return rc;
        behind[i] = largest > logs[i].size ? largest - logs[i].size : 0;
        mirrors += logs[i].role != LOG_OWN;
    }
    if (mirrors == 0)
        return 0;
    page_raw(page, "<h3>");
    page_say(page, TR_MARK("What we carry for others"));
    page_raw(page, "</h3>\n");
    page_table(page, mirror_headings, 4);
    for (int round = 0; round < 2; round++) { /* those that need somebody's eye first */
        for (size_t i = 0; i < count && shown < LOGS_SHOWN; i++) {
            bool odd = behind[i] > 0 || logs[i].standing != STANDING_GOOD;
            if (logs[i].role == LOG_OWN || odd != (round == 0))
                continue;
            write_mirror(page, &logs[i], behind[i]);
            shown++;
        }
    }
    page_table_end(page);
    if (shown < mirrors) {
        page_raw(page, "<p><a href=\"/members\">");
        page_sayf(page, TR(page, "All {1} members"), SAY(say_number(count)));
        page_raw(page, "</a></p>\n");
    }
    return 0;
}

/* ---- what is new ---- */

struct newest {
    struct page *page;
    const struct view *view;
    size_t count, run; /* rows so far; those of one member and kind in a row */
    char origin[ORIGIN_MAX + 1], kind[KIND_MAX + 1];
};

/* An import brings thousands at once; they must not hide what the others say. */
static void end_run(struct newest *newest)
{
    struct page *page = newest->page;
    if (newest->run <= RUN_SHOWN)
        return;
    page_raw(page, "<li class=\"about\">");
    uint64_t more = newest->run - RUN_SHOWN;
    if (newest->count < NEWEST)
        page_sayf(page, TRN(page, more, "and one more of this kind by {2}", "and {1} more of this kind by {2}"),
                  SAY(say_number(more), say_origin(span_str(newest->origin))));
    else
        page_sayf(page, TR(page, "and many more of this kind by {1}"), SAY(say_origin(span_str(newest->origin))));
    page_raw(page, "</li>\n");
}

static int write_new_row(void *ctx, const struct view_row *row, struct err *err)
{
    (void)err;
    struct newest *newest = ctx;
    const char *kind = row->kind ? row->kind : "";
    if (newest->count == 0)
        page_raw(newest->page, "<ul class=\"records\">\n");
    if (strcmp(newest->origin, row->origin) != 0 || strcmp(newest->kind, kind) != 0) {
        end_run(newest);
        newest->run = 0;
        snprintf(newest->origin, sizeof(newest->origin), "%s", row->origin);
        snprintf(newest->kind, sizeof(newest->kind), "%s", kind);
    }
    newest->count++;
    if (newest->run++ < RUN_SHOWN)
        page_row(newest->page, newest->view, row, false);
    return 0;
}

static int write_newest(struct page *page, const struct view *view, struct err *err)
{
    struct newest newest = {.page = page, .view = view};
    struct view_query query = {.limit = NEWEST, .kind = SPAN_LIT("")};
    page_raw(page, "<section aria-labelledby=\"new\"><h2 id=\"new\">");
    page_say(page, TR_MARK("What is new"));
    page_raw(page, "</h2>\n");
    int rc = view_list(view, &query, write_new_row, &newest, err);
    if (newest.count > 0) {
        end_run(&newest);
        page_raw(page, "</ul>\n");
    } else {
        page_raw(page, "<p>");
        page_say(page, TR_MARK("Nothing yet. On this machine, run: tongzhou import --tlp clear FILE"));
        page_raw(page, "</p>\n");
    }
    page_raw(page, "</section>\n");
    return rc;
}

int page_home(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    struct log_info *logs;
    size_t count;
    int rc = page_collect_logs(view, request, &logs, &count, err);
    if (rc < 0)
        return rc;
    page_begin(&page, request, reply, "home", TR_MARK("Home"));
    if (count > 0 && logs[0].is_operator)
        rc = write_operator(&page, view, &logs[0], err);
    else
        write_nobody(&page);
    if (rc == 0)
        rc = write_counts(&page, view, logs, count, err);
    if (rc < 0)
        return rc;
    page_raw(&page, "<section aria-labelledby=\"touch\"><h2 id=\"touch\">");
    page_say(&page, TR_MARK("Is everybody in touch?"));
    page_raw(&page, "</h2>\n");
    rc = write_peers(&page, view, err);
    if (rc == 0)
        rc = write_mirrors(&page, view, logs, count, err);
    page_raw(&page, "</section>\n");
    if (rc == 0)
        rc = write_newest(&page, view, err);
    return rc == 0 ? page_end(&page, err) : rc;
}

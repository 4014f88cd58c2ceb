/* How much is refused, of whom: for everybody, of what is TLP:CLEAR. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "moderation/pages.h"

#define KEPT_MS INT64_C(60000) /* counting looks at every record: strangers cause it once a minute */
#define RATES_SHOWN 500

static const char *const headings[] = {TR_MARK("Of whom"), TR_MARK("Refused"),  TR_MARK("Here"),
                                       TR_MARK("Waiting"), TR_MARK("By rules"), TR_MARK("By persons")};

struct kept_rate {
    char name[ORIGIN_MAX + 1];
    struct rate rate;
};

/* What the public is told of one folder, as counted last. */
static struct {
    pthread_mutex_t lock;
    char dir[512];
    int64_t time_ms;
    struct kept_rate *rates;
    size_t count;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct gathering {
    struct kept_rate *rates;
    size_t count, cap;
};

static int gather(void *ctx, const struct rate *rate, struct err *err)
{
    struct gathering *g = ctx;
    if (g->count == RATES_SHOWN)
        return 0;
    if (g->count == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : 32;
        struct kept_rate *grown = reallocarray(g->rates, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        g->rates = grown;
        g->cap = cap;
    }
    struct kept_rate *row = &g->rates[g->count++];
    row->rate = *rate;
    snprintf(row->name, sizeof(row->name), "%s", rate->name);
    return 0;
}

static void write_rate(struct page *page, const struct kept_rate *row, bool by_language)
{
    unsigned refused = rate_refused(&row->rate);
    page_table_row(page);
    if (!by_language)
        page_origin_link(page, span_str(row->name));
    else if (row->name[0])
        page_bdi(page, span_str(row->name));
    else
        page_say(page, TR_MARK("not stated"));
    page_table_cell(page, headings[1]);
    page_fmt(page, "%u.%u %%", refused / 10, refused % 10);
    page_table_cell(page, headings[2]);
    page_number(page, row->rate.here);
    page_table_cell(page, headings[3]);
    page_number(page, row->rate.held);
    page_table_cell(page, headings[4]);
    page_number(page, row->rate.by_rule);
    page_table_cell(page, headings[5]);
    page_number(page, row->rate.by_person);
    page_table_row_end(page);
}

static void write_table(struct page *page, const struct kept_rate *rates, size_t count, bool by_language)
{
    page_raw(page, "<section><h2>");
    page_say(page, by_language ? TR_MARK("By language") : TR_MARK("By member"));
    page_raw(page, "</h2>\n");
    if (count == 0)
        page_say_p(page, "quiet", TR_MARK("Nothing of others has come so far."));
    else
        page_table(page, headings, 6);
    for (size_t i = 0; i < count; i++)
        write_rate(page, &rates[i], by_language);
    if (count > 0)
        page_table_end(page);
    page_raw(page, "</section>\n");
}

static int write_public(struct page *page, const struct view *view, struct err *err)
{
    int rc = 0;
    int64_t now_ms = page->request->now_ms;
    pthread_mutex_lock(&kept.lock);
    bool same = strcmp(kept.dir, store_dir(view->store)) == 0;
    if (!same || now_ms < kept.time_ms || now_ms - kept.time_ms > KEPT_MS) {
        struct gathering g = {0};
        rc = rates_each(view, false, gather, &g, err);
        free(kept.rates);
        kept.rates = g.rates;
        kept.count = rc == 0 ? g.count : 0;
        kept.time_ms = rc == 0 ? now_ms : 0;
        snprintf(kept.dir, sizeof(kept.dir), "%s", store_dir(view->store));
    }
    if (rc == 0)
        write_table(page, kept.rates, kept.count, false);
    pthread_mutex_unlock(&kept.lock);
    return rc;
}

static int write_inside(struct page *page, const struct view *view, bool by_language, struct err *err)
{
    struct gathering g = {0};
    int rc = rates_each(view, by_language, gather, &g, err);
    if (rc == 0)
        write_table(page, g.rates, g.count, by_language);
    free(g.rates);
    return rc;
}

int page_rates(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    page_policy_begin(&page, request, reply, TR_MARK("How much is refused"));
    page_say_p(&page, "lead",
               TR_MARK("Of what came from others: how much this node has turned away, by its rules or by a person's "
                       "decision. What is never fetched is not counted."));
    int rc;
    if (view_is_of_operator(view)) {
        rc = write_inside(&page, view, false, err);
        if (rc == 0)
            rc = write_inside(&page, view, true, err);
    } else {
        rc = write_public(&page, view, err);
    }
    return rc < 0 ? rc : page_end(&page, err);
}

#include "connect/pages.h"

#include <stdlib.h>

static const struct {
    const char *kind, *words;
} kind_words[] = {
    {"security/stix", TR_MARK("threat intelligence")}, {"connect/profile", TR_MARK("a member's profile")},
    {"connect/rotate", TR_MARK("a change of keys")},   {"connect/erase", TR_MARK("a withdrawal")},
    {"connect/fork", TR_MARK("proof of a split log")}, {"connect/parcel", TR_MARK("an encrypted parcel")},
};

void page_kind(struct page *page, struct span kind)
{
    for (size_t i = 0; i < sizeof(kind_words) / sizeof(kind_words[0]); i++) {
        if (span_is(kind, kind_words[i].kind)) {
            page_say(page, kind_words[i].words);
            return;
        }
    }
    if (kind.len == 0) {
        page_say(page, TR_MARK("a sealed record"));
        return;
    }
    page_raw(page, "<code>");
    page_esc(page, kind);
    page_raw(page, "</code>");
}

void page_tlp(struct page *page, enum tlp tlp)
{
    static const char *const names[] = {
        [TLP_CLEAR] = "TLP:CLEAR", [TLP_GREEN] = "TLP:GREEN",
        [TLP_AMBER] = "TLP:AMBER", [TLP_AMBER_STRICT] = "TLP:AMBER+STRICT",
        [TLP_RED] = "TLP:RED",
    };
    if (tlp != TLP_NONE)
        page_fmt(page, "<span class=\"tlp\" lang=\"en\">%s</span>", names[tlp]);
}

const char *page_class_words(const struct page *page, enum member_class class)
{
    switch (class) {
    case CLASS_INTERGOVERNMENTAL:
        return TR(page, "international body");
    case CLASS_STATE:
        return TR(page, "public authority");
    case CLASS_PRIVATE:
        return TR(page, "company");
    case CLASS_CIVIL:
        return TR(page, "civil society");
    case CLASS_UNKNOWN:
        break;
    }
    return TR(page, "not stated");
}

void page_row(struct page *page, const struct view_row *row, bool of_one)
{
    uint64_t index = RECORD_REF_INDEX(row->ref);
    struct span title = row->title && row->has_text ? span_str(row->title) : SPAN_LIT("");
    page_raw(page, "<li><span class=\"title\">");
    page_record_link(page, span_str(row->origin), index, title);
    page_raw(page, "</span> <span class=\"about\">");
    page_kind(page, span_str(row->kind ? row->kind : ""));
    if (!of_one) {
        page_raw(page, " · ");
        page_origin_link(page, span_str(row->origin));
    }
    if (row->time_ms > 0) {
        page_raw(page, " · ");
        page_ago(page, row->time_ms);
    }
    page_raw(page, "</span></li>\n");
}

void page_fingerprint(struct page *page, struct span text)
{
    page_raw(page, "<code class=\"fingerprint\" dir=\"ltr\">");
    for (size_t at = 0; at < text.len; at += 4) {
        page_raw(page, "<span>");
        page_esc(page, span_sub(text, at, 4));
        page_raw(page, "</span>");
    }
    page_raw(page, "</code>");
}

void page_fact(struct page *page, const char *label)
{
    page_raw(page, "<div><dt>");
    page_esc(page, span_str(label));
    page_raw(page, "</dt><dd>");
}

void page_fact_end(struct page *page)
{
    page_raw(page, "</dd></div>\n");
}

int page_find_log(const struct view *view, const struct http_request *request, struct log_info *ret, struct err *err)
{
    struct span name = request->part[0], hash = request->part[1];
    if (name.len > ORIGIN_NAME_MAX || hash.len != ORIGIN_MAX - ORIGIN_NAME_MAX - 1)
        return err_set(err, ERR_NOTFOUND, "not an origin");
    char origin[ORIGIN_MAX + 1];
    memcpy(origin, name.data, name.len);
    origin[name.len] = '/';
    memcpy(origin + name.len + 1, hash.data, hash.len);
    struct span whole = span_of(origin, name.len + 1 + hash.len);
    if (!origin_valid(whole))
        return err_set(err, ERR_NOTFOUND, "not an origin");
    int rc = view_log_find(view, whole, ret, err);
    if (rc == ERR_USAGE || rc == ERR_NOTFOUND || (rc == 0 && !span_is(whole, ret->origin)))
        return err_set(err, ERR_NOTFOUND, "no such log");
    return rc;
}

struct collection {
    struct arena *arena;
    struct log_info *logs;
    size_t count, cap;
};

static int collect_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct collection *all = ctx;
    if (all->count == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 64;
        struct log_info *logs = arena_array(all->arena, cap, sizeof(*logs));
        if (!logs)
            return err_memory(err);
        if (all->count > 0)
            memcpy(logs, all->logs, all->count * sizeof(*logs));
        all->logs = logs;
        all->cap = cap;
    }
    all->logs[all->count++] = *log;
    return 0;
}

static int compare_logs(const void *a, const void *b)
{
    const struct log_info *left = a, *right = b;
    if (left->is_operator != right->is_operator)
        return left->is_operator ? -1 : 1;
    return strcmp(left->origin, right->origin);
}

int page_collect_logs(const struct view *view, const struct http_request *request, struct log_info **ret,
                      size_t *ret_count, struct err *err)
{
    struct collection all = {.arena = request->arena};
    int rc = view_logs(view, collect_log, &all, err);
    if (rc < 0)
        return rc;
    if (all.count > 0)
        qsort(all.logs, all.count, sizeof(*all.logs), compare_logs);
    *ret = all.logs;
    *ret_count = all.count;
    return 0;
}

const struct route connect_page_routes[CONNECT_PAGE_ROUTES] = {
    {HTTP_GET, "/", OUTLET_HTTP_PAGES, page_home, "Home: who we are, is everybody in touch, what is new"},
    {HTTP_GET, "/members", OUTLET_HTTP_PAGES, page_members, "all members"},
    {HTTP_GET, "/members/{name}/{hash}", OUTLET_HTTP_PAGES, page_member, "a member"},
    {HTTP_GET, "/record/{name}/{hash}/{index}", OUTLET_HTTP_PAGES, page_record, "a record"},
    {HTTP_GET, "/record/{name}/{hash}/{index}/raw", OUTLET_HTTP_PAGES, page_record_raw, "a record's exact bytes"},
    {HTTP_GET, "/record/{name}/{hash}/{index}/entry", OUTLET_HTTP_PAGES, page_record_entry,
     "the bytes of its entry in the log"},
    {HTTP_GET, "/record/{name}/{hash}/{index}/proof", OUTLET_HTTP_PAGES, page_record_proof,
     "its inclusion proof (tlog-proof)"},
};
const size_t connect_page_route_count = sizeof(connect_page_routes) / sizeof(connect_page_routes[0]);

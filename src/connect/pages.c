#include "connect/pages.h"

#include <inttypes.h>
#include <stdlib.h>

#include "record/fork.h"
#include "record/parcel.h"
#include "record/receipt.h"
#include "record/rotate.h"
#include "state/names.h"

static const struct {
    const char *kind, *words;
} kind_words[] = {
    {"security/stix", TR_MARK("threat intelligence")},
    {"security/vulnerability", TR_MARK("a vulnerability")},
    {"connect/profile", TR_MARK("a member's profile")},
    {"connect/rotate", TR_MARK("a change of keys")},
    {"connect/erase", TR_MARK("a withdrawal")},
    {"connect/fork", TR_MARK("proof of a split log")},
    {"connect/parcel", TR_MARK("an encrypted parcel")},
    {"connect/receipt", TR_MARK("a receipt")},
    {"governance/charter", TR_MARK("a charter")},
    {"governance/roster", TR_MARK("a roster")},
    {"governance/endorse", TR_MARK("an endorsement")},
    {"governance/join", TR_MARK("a request to join")},
    {"governance/sponsor", TR_MARK("a word for a newcomer")},
    {"governance/leave", TR_MARK("a departure")},
    {"governance/group", TR_MARK("a group of members")},
};

void page_kind(struct page *page, struct span kind)
{
    for (size_t i = 0; i < sizeof(kind_words) / sizeof(kind_words[0]); i++) {
        if (span_is(kind, kind_words[i].kind)) {
            page_say(page, kind_words[i].words);
            return;
        }
    }
    if (kind.len == 0 || span_is(kind, "seal")) {
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
    static const char *const colours[] = {
        [TLP_CLEAR] = "",   [TLP_GREEN] = " green", [TLP_AMBER] = " amber", [TLP_AMBER_STRICT] = " amber",
        [TLP_RED] = " red",
    };
    if (tlp != TLP_NONE)
        page_fmt(page, "<span class=\"tlp%s\" lang=\"en\">%s</span>", colours[tlp], names[tlp]);
}

void page_audience(struct page *page, enum tlp tlp, const struct span *to, size_t count)
{
    if (tlp == TLP_NONE || tlp == TLP_CLEAR)
        return;
    page_raw(page, " ");
    page_tlp(page, tlp);
    page_raw(page, " ");
    char name[RECORD_LINE_MAX + 1];
    struct page_slot first = {0};
    if (count > 0) {
        audience_short(to[0], name);
        first = origin_valid(to[0]) ? say_origin(to[0]) : say_text(span_str(name));
    }
    if (count > 1)
        page_sayf(page, TR(page, "for {1} and {2} more"), SAY(first, say_number(count - 1)));
    else if (count == 1)
        page_sayf(page, TR(page, "for {1}"), SAY(first));
    else if (tlp == TLP_GREEN)
        page_say(page, TR_MARK("for its author's community"));
    else
        page_say(page, TR_MARK("for nobody but its author"));
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

void page_name_state(struct page *page, const struct view *view, const char *origin)
{
    struct name_check check;
    struct err absent = {0};
    if (name_check_get(view->store, origin, &check, &absent) < 0 || check.method == NAME_NOWHERE) {
        page_raw(page, "<span class=\"state quiet\">");
        page_say(page, TR_MARK("claimed"));
        page_raw(page, "</span>");
        return;
    }
    page_raw(page, "<span class=\"state good\">");
    page_sayf(page,
              check.method == NAME_DNS ? TR(page, "verified by DNS, {1}") : TR(page, "verified by its website, {1}"),
              SAY(say_ago(check.checked_ms)));
    page_raw(page, "</span>");
}

#define ASIDE_ARENA_MAX (64u << 20) /* bytes: one payload and its tree */
#define BRIEF_MAX 200               /* bytes of a title or name in a list */

void page_aside_begin(struct page_aside *aside, const struct page *page)
{
    arena_init(&aside->arena, ASIDE_ARENA_MAX);
    aside->request = *page->request;
    aside->request.arena = &aside->arena;
    aside->page = *page;
    aside->page.request = &aside->request;
}

void page_aside_end(struct page_aside *aside)
{
    arena_done(&aside->arena);
}

void page_brief(struct page *page, struct span text)
{
    size_t shown = text.len < BRIEF_MAX ? text.len : BRIEF_MAX;
    while (shown > 0 && shown < text.len && (text.data[shown] & 0xC0) == 0x80)
        shown--; /* not in the middle of a character */
    page_raw(page, "<bdi>");
    page_esc(page, span_sub(text, 0, shown));
    page_raw(page, shown < text.len ? "…</bdi>" : "</bdi>");
}

bool connect_page_title(struct page *page, const struct view *view, const struct record *record)
{
    struct err ignored = {0};
    struct profile profile;
    struct rotate_body rotation;
    struct fork_proof proof;
    struct parcel parcel;
    struct receipt receipt;
    uint64_t target;
    (void)view;
    if (span_is(record->kind, "connect/profile") && profile_parse(record, &profile, &ignored) == 0)
        page_bdi(page, span_str(profile.name));
    else if (span_is(record->kind, "connect/rotate") && rotate_parse(record, &rotation, &ignored) == 0)
        page_say(page, rotation.by_recovery ? TR_MARK("New log key, by the recovery key") : TR_MARK("New log key"));
    else if (span_is(record->kind, "connect/erase") && erase_parse(record, &target, &ignored) == 0)
        page_sayf(page, TR(page, "Content of record {1} withdrawn"), SAY(say_number(target)));
    else if (span_is(record->kind, "connect/fork") && fork_parse(record, page->request->arena, &proof, &ignored) == 0)
        page_sayf(page, TR(page, "{1} told two histories"),
                  SAY(say_text(span_of(proof.origin, strcspn(proof.origin, "/")))));
    else if (span_is(record->kind, PARCEL_KIND) && parcel_parse(record, &parcel, &ignored) == 0)
        page_sayf(page, TR(page, "For few, encrypted, until {1}"), SAY(say_time(parcel.expires_ms)));
    else if (span_is(record->kind, RECEIPT_KIND) &&
             receipt_parse(record, page->request->arena, &receipt, &ignored) == 0)
        page_sayf(
            page, TRN(page, receipt.count, "{1} content of {2} has arrived", "{1} contents of {2} have arrived"),
            SAY(say_number(receipt.count), say_text(span_sub(receipt.author, 0, span_find(receipt.author, '/')))));
    else
        return false;
    return true;
}

bool page_title(struct page *page, const struct view *view, const struct record *record)
{
    const struct capability *capability = capability_of(record->kind, NULL);
    return capability && capability->page_title && capability->page_title(page, view, record);
}

static void write_row_title(struct page *page, const struct view *view, const struct view_row *row)
{
    struct view_record record;
    struct err ignored;
    struct page_aside aside;
    page_aside_begin(&aside, page);
    bool said = row->has_text && view_record_brief(view, row->ref, &aside.arena, &record, &ignored) == 0 &&
                record.parsed && !record.cut && page_title(&aside.page, view, &record.record);
    page_aside_end(&aside);
    if (said)
        return;
    if (row->has_text && row->title && row->title[0] != '\0')
        page_brief(page, span_str(row->title));
    else
        page_sayf(page, TR(page, "record {1}"), SAY(say_number(RECORD_REF_INDEX(row->ref))));
}

void page_row(struct page *page, const struct view *view, const struct view_row *row, bool of_one)
{
    page_raw(page, "<li><span class=\"title\"><a href=\"");
    page_origin_path(page, "/record", span_str(row->origin));
    page_fmt(page, "/%" PRIu64 "\">", RECORD_REF_INDEX(row->ref));
    write_row_title(page, view, row);
    page_raw(page, "</a></span> <span class=\"about\">");
    page_kind(page, span_str(row->kind ? row->kind : ""));
    if (!of_one) {
        page_raw(page, " · ");
        page_origin_link(page, span_str(row->origin));
    }
    if (row->time_ms > 0) {
        page_raw(page, " · ");
        page_ago(page, row->time_ms);
    }
    if (row->has_text)
        page_audience(page, row->tlp, row->to, row->to_count);
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
    {HTTP_GET, "/record/{name}/{hash}/{index}/labels", OUTLET_HTTP_PAGES, page_record_labels,
     "labels adopted from lists, as JSON"},
    {HTTP_GET, "/record/{name}/{hash}/{index}/receipts", OUTLET_HTTP_PAGES, page_record_receipts,
     "who has confirmed it, as JSON, for its author's people"},
    {HTTP_GET, "/publish", OUTLET_HTTP_PAGES, page_publish, "a form to say something"},
    {HTTP_POST, "/publish", OUTLET_PREVIEW, page_publish_post, "who would get it; then says it"},
    {HTTP_POST, "/publish/preview", OUTLET_PREVIEW, page_publish_preview, "who would get it, for the form's script"},
    {HTTP_POST, "/api/preview", OUTLET_PREVIEW, route_preview, "who would get it, as JSON"},
    {HTTP_GET, "/sign-in/oidc", OUTLET_HTTP_PAGES, page_oidc, "on to the provider that signs people in"},
    {HTTP_GET, "/sign-in/oidc/back", OUTLET_HTTP_PAGES, page_oidc_back, "and back from it"},
};
const size_t connect_page_route_count = sizeof(connect_page_routes) / sizeof(connect_page_routes[0]);

/* The frame: head, navigation, footer; links that every page makes. */
#include "http/page.h"

#include <inttypes.h>

#include "http/assets.h"
#include "http/header.h"
#include "http/visitor.h"
#include "record/member.h"

/* A section of the navigation; a later capability adds its line. */
static const struct section {
    const char *name, *path, *label;
} sections[] = {
    {"home", "/", TR_MARK("Home")},
    {"members", "/members", TR_MARK("Members")},
    {"intelligence", "/intelligence", TR_MARK("Intelligence")},
    {"community", "/community", TR_MARK("Community")},
    {"policy", "/policy", TR_MARK("Policy")},
};

static const struct {
    const char *tag, *name;
} language_names[] = {{"en", "English"}, {"zh-Hans", "简体中文"}};

static void open_page(struct page *page, const struct http_request *request, struct http_reply *reply)
{
    *page = (struct page){.request = request, .reply = reply, .out = &reply->body, .lang = request->lang};
    reply->content_type = "text/html; charset=utf-8";
    reply->cache_control = "private, no-cache";
    reply->vary = "Accept-Language, Cookie";
    reply->language = request->lang;
}

/* Who is signed in, or where that is done, and back to this page. */
static void write_visitor(struct page *page)
{
    const struct http_request *request = page->request;
    const struct http_visitor *visitor = request->visitor;
    if (!visitor || !visitor->is_offered || visitor->how == VISITOR_TOKEN)
        return;
    page_raw(page, "<p class=\"who\">");
    if (visitor_may(visitor, ACTION_PUBLISH)) {
        page_raw(page, "<a href=\"/publish\">");
        page_say(page, TR_MARK("Publish"));
        page_raw(page, "</a> · ");
    }
    if (visitor_may(visitor, ACTION_INBOX)) {
        page_raw(page, "<a href=\"/inbox\">");
        page_say(page, TR_MARK("Inbox"));
        if (visitor->unread > 0)
            page_fmt(page, " <strong>%" PRIu64 "</strong>", visitor->unread);
        page_raw(page, "</a> · ");
    }
    if (visitor_may(visitor, ACTION_USERS)) {
        page_raw(page, "<a href=\"/administration\">");
        page_say(page, TR_MARK("Administration"));
        page_raw(page, "</a> · ");
    }
    if (visitor->how != VISITOR_NOBODY) {
        page_raw(page, "<a href=\"/account\">");
        page_bdi(page, span_str(visitor->user.name));
        page_raw(page, "</a>");
    } else {
        page_raw(page, "<a href=\"/sign-in");
        if (request->method == HTTP_GET && http_path_is_ours(request->path) && !span_is(request->path, "/sign-in")) {
            page_raw(page, "?next=");
            page_url(page, request->path);
        }
        page_raw(page, "\">");
        page_say(page, TR_MARK("Sign in"));
        page_raw(page, "</a>");
    }
    page_raw(page, "</p>");
}

void page_form_token(struct page *page)
{
    const struct http_visitor *visitor = page->request->visitor;
    if (visitor && visitor->form[0])
        page_fmt(page, "<input type=\"hidden\" name=\"" FORM_TOKEN "\" value=\"%s\">", visitor->form);
}

static void write_navigation(struct page *page, const char *section)
{
    page_raw(page, "<header class=\"top\"><a class=\"brand\" href=\"/\"><img src=\"");
    page_raw(page, asset_url("icon.svg"));
    page_raw(page,
             "\" alt=\"\" width=\"32\" height=\"32\"> <span>Tongzhou <span lang=\"zh-Hans\">同舟</span></span></a>"
             "<nav aria-label=\"");
    page_say(page, TR_MARK("Main"));
    page_raw(page, "\"><ul>");
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        page_fmt(page, "<li><a href=\"%s\"%s>", sections[i].path,
                 strcmp(section, sections[i].name) == 0 ? " aria-current=\"page\"" : "");
        page_say(page, sections[i].label);
        page_raw(page, "</a></li>");
    }
    page_raw(page, "</ul></nav>");
    write_visitor(page);
    page_raw(page, "</header>\n");
}

void page_begin(struct page *page, const struct http_request *request, struct http_reply *reply, const char *section,
                const char *title)
{
    open_page(page, request, reply);
    reply->keep_language = request->lang_explicit;
    page_fmt(page, "<!DOCTYPE html>\n<html lang=\"%s\" dir=\"ltr\">\n<head>\n<meta charset=\"utf-8\">\n", page->lang);
    page_raw(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    page_say(page, title);
    page_raw(page, " · Tongzhou</title>\n");
    page_fmt(page, "<link rel=\"stylesheet\" href=\"%s\">\n", asset_url("style.css"));
    page_fmt(page, "<link rel=\"icon\" type=\"image/svg+xml\" href=\"%s\">\n", asset_url("icon.svg"));
    page_fmt(page, "<script src=\"%s\" defer></script>\n</head>\n<body>\n", asset_url("app.js"));
    page_raw(page, "<a class=\"skip\" href=\"#main\">");
    page_say(page, TR_MARK("Skip to the content"));
    page_raw(page, "</a>\n");
    write_navigation(page, section);
    page_raw(page, "<main id=\"main\">\n");
}

/* This address again with another ?lang=. What a form sent cannot be asked for again by a link. */
static void write_language_link(struct page *page, const char *tag, const char *name)
{
    const struct http_request *request = page->request;
    page_raw(page, "<a href=\"");
    page_esc(page, request->method == HTTP_GET ? request->path : SPAN_LIT("/"));
    page_raw(page, "?");
    for (size_t i = 0; request->method == HTTP_GET && i < request->query_count; i++) {
        if (span_is(request->query[i].name, "lang"))
            continue;
        page_url(page, request->query[i].name);
        page_raw(page, "=");
        page_url(page, request->query[i].value);
        page_raw(page, "&amp;");
    }
    page_fmt(page, "lang=%s\" lang=\"%s\" hreflang=\"%s\"%s>%s</a>", tag, tag, tag,
             strcmp(tag, page->lang) == 0 ? " aria-current=\"true\"" : "", name);
}

int page_end(struct page *page, struct err *err)
{
    page_raw(page, "</main>\n<footer><p>");
    page_say(page, TR_MARK("People in the same boat help one another across."));
    page_raw(page, " <span lang=\"en\">Tongzhou " TONGZHOU_VERSION "</span></p><nav aria-label=\"");
    page_say(page, TR_MARK("Language"));
    page_raw(page, "\"><ul>");
    for (size_t i = 0; i < sizeof(language_names) / sizeof(language_names[0]); i++) {
        page_raw(page, "<li>");
        write_language_link(page, language_names[i].tag, language_names[i].name);
        page_raw(page, "</li>");
    }
    page_raw(page, "</ul></nav></footer>\n</body>\n</html>\n");
    return buf_check(page->out, "page", err);
}

void page_fragment(struct page *page, const struct http_request *request, struct http_reply *reply)
{
    open_page(page, request, reply);
}

int page_end_fragment(struct page *page, struct err *err)
{
    return buf_check(page->out, "page", err);
}

/* ---- links ---- */

void page_origin_path(struct page *page, const char *prefix, struct span origin)
{
    size_t slash = span_find(origin, '/');
    page_raw(page, prefix);
    page_raw(page, "/");
    page_url(page, span_sub(origin, 0, slash));
    page_raw(page, "/");
    page_url(page, span_sub(origin, slash + 1, origin.len));
}

void page_origin_link(struct page *page, struct span origin)
{
    if (!origin_valid(origin)) {
        page_bdi(page, origin);
        return;
    }
    char brief[ORIGIN_MAX + 1];
    origin_short(origin, brief);
    page_raw(page, "<a href=\"");
    page_origin_path(page, "/members", origin);
    page_raw(page, "\">");
    page_bdi(page, span_str(brief));
    page_raw(page, "</a>");
}

void page_record_link(struct page *page, struct span origin, uint64_t index, struct span text)
{
    page_raw(page, "<a href=\"");
    page_origin_path(page, "/record", origin);
    page_fmt(page, "/%" PRIu64 "\">", index);
    if (text.len > 0)
        page_bdi(page, text);
    else
        page_sayf(page, TR(page, "record {1}"), SAY(say_number(index)));
    page_raw(page, "</a>");
}

void page_count(struct page *page, uint64_t number, const char *words, const char *path)
{
    page_fmt(page, "<li><a href=\"%s\"><strong>", path);
    page_number(page, number);
    page_raw(page, "</strong> <span>");
    page_esc(page, span_str(words));
    page_raw(page, "</span></a></li>\n");
}

/* ---- tables ---- */

/* The roles say again what the elements are: some browsers forget it when the style sheet lays a row out as a block. */
void page_table(struct page *page, const char *const *headings, size_t count)
{
    page_raw(page, "<table class=\"list\" role=\"table\">\n<thead role=\"rowgroup\"><tr role=\"row\">");
    for (size_t i = 0; i < count; i++) {
        page_raw(page, "<th scope=\"col\" role=\"columnheader\">");
        page_say(page, headings[i]);
        page_raw(page, "</th>");
    }
    page_raw(page, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
}

void page_table_row(struct page *page)
{
    page_raw(page, "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">");
    page->cell_end = "</th>";
}

void page_table_cell(struct page *page, const char *heading)
{
    page_raw(page, page->cell_end);
    page->cell_end = "</td>";
    page_raw(page, "<td role=\"cell\" data-label=\"");
    page_say(page, heading);
    page_raw(page, "\">");
}

void page_table_row_end(struct page *page)
{
    page_raw(page, page->cell_end);
    page_raw(page, "</tr>\n");
}

void page_table_end(struct page *page)
{
    page_raw(page, "</tbody></table>\n");
}

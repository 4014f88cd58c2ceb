/* Answers that say what went wrong: RFC 9457 for programs, a page for people. */
#include "http/page.h"

#include "base/json.h"
#include "http/header.h"

static void write_json(struct http_reply *reply, int status, const char *title, const char *detail)
{
    reply->content_type = "application/problem+json";
    buf_str(&reply->body, "{\"type\":\"about:blank\",\"title\":");
    buf_json_string(&reply->body, span_str(title));
    buf_fmt(&reply->body, ",\"status\":%d", status);
    if (detail) {
        buf_str(&reply->body, ",\"detail\":");
        buf_json_string(&reply->body, span_str(detail));
    }
    buf_str(&reply->body, "}\n");
}

static void write_page(const struct http_request *request, struct http_reply *reply, int status, const char *title,
                       const char *detail)
{
    struct page page;
    struct err err;
    page_begin(&page, request, reply, "", title);
    page_raw(&page, "<h1>");
    page_say(&page, title);
    page_raw(&page, "</h1>\n");
    if (detail) {
        page_raw(&page, "<p>");
        page_say(&page, detail);
        page_raw(&page, "</p>\n");
    }
    page_fmt(&page, "<p class=\"quiet\">HTTP %d</p>\n<p><a href=\"/\">", status);
    page_say(&page, TR_MARK("Back to the start"));
    page_raw(&page, "</a></p>\n");
    if (page_end(&page, &err) < 0)
        buf_clear(&reply->body);
}

int http_problem(const struct http_request *request, struct http_reply *reply, int status, const char *title,
                 const char *detail)
{
    buf_clear(&reply->body);
    reply->status = status;
    reply->cache_control = "no-store";
    reply->etag[0] = '\0';
    reply->allow_range = false;
    reply->wait_s = 0;
    reply->language = reply->disposition = reply->allow = reply->location = NULL;
    reply->vary = "Accept";
    if (request->lang && http_accepts_html(request->accept))
        write_page(request, reply, status, title, detail);
    else
        write_json(reply, status, title, detail);
    reply->cache_control = "no-store";
    return 0;
}

/* Publishing on a page: the same questions and answers as `tongzhou publish`. */
#include "connect/pages.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "connect/publishing.h"
#include "connect/startcheck.h"
#include "http/account.h"
#include "state/author.h"

/* What was typed; in the request's arena or body. */
struct typed {
    struct span kind, tlp, to, lang, type, body;
    bool keep;
};

static struct typed read_typed(const struct http_request *request)
{
    return (struct typed){.kind = span_trim(http_form_value(request, "kind")),
                          .tlp = http_form_value(request, "tlp"),
                          .to = http_form_value(request, "to"),
                          .lang = span_trim(http_form_value(request, "lang")),
                          .type = span_trim(http_form_value(request, "type")),
                          .body = http_form_value(request, "body"),
                          .keep = http_form_value(request, "keep").len > 0};
}

/* ---- the form ---- */

static void write_input(struct page *page, const char *name, const char *label, struct span value, bool is_needed)
{
    page_fmt(page, "<p><label for=\"%s\">", name);
    page_say(page, label);
    page_fmt(page, "</label> <input type=\"text\" id=\"%s\" name=\"%s\" value=\"", name, name);
    page_esc(page, value);
    page_raw(page, is_needed ? "\" required></p>\n" : "\"></p>\n");
}

static void write_markings(struct page *page, struct span chosen)
{
    page_raw(page, "<p><label for=\"tlp\">");
    page_say(page, TR_MARK("Marking (TLP)"));
    page_raw(page, "</label> <select id=\"tlp\" name=\"tlp\" required><option value=\"\">");
    page_say(page, TR_MARK("Please choose"));
    page_raw(page, "</option>");
    for (int tlp = TLP_CLEAR; tlp <= TLP_RED; tlp++) {
        const char *word = tlp_word((enum tlp)tlp);
        page_fmt(page, "<option lang=\"en\"%s>%s</option>", span_is(chosen, word) ? " selected" : "", word);
    }
    page_raw(page, "</select></p>\n");
}

static void write_area(struct page *page, const char *name, const char *label, struct span value, const char *more)
{
    page_fmt(page, "<p><label for=\"%s\">", name);
    page_say(page, label);
    page_fmt(page, "</label> <textarea id=\"%s\" name=\"%s\" dir=\"auto\" %s>\n", name, name, more);
    page_pre(page, value);
    page_raw(page, "</textarea></p>\n");
}

static void write_form(struct page *page, const struct typed *typed)
{
    page_raw(page, "<form class=\"fields\" method=\"post\" action=\"/publish\" enctype=\"multipart/form-data\">\n");
    page_form_token(page);
    write_input(page, "kind", TR_MARK("Kind"), typed->kind, true);
    write_markings(page, typed->tlp);
    write_area(page, "to", TR_MARK("For whom: members or groups, one a line"), typed->to, "rows=\"3\"");
    page_fmt(page, "<p><input type=\"checkbox\" id=\"keep\" name=\"keep\" value=\"1\"%s> <label for=\"keep\">",
             typed->keep ? " checked" : "");
    page_say(page, TR_MARK("For nobody else: its content stays on this node"));
    page_raw(page, "</label></p>\n");
    write_input(page, "lang", TR_MARK("Language, as en or zh-Hans"), typed->lang, false);
    write_input(page, "type", TR_MARK("Media type"), typed->type, false);
    write_area(page, "body", TR_MARK("What it says"), typed->body, "rows=\"12\" required");
    page_raw(page, "<p><button type=\"submit\">");
    page_say(page, TR_MARK("Publish"));
    page_raw(page, "</button></p>\n</form>\n");
}

/* `wrong`: a source text, or NULL; `detail`: what a check said of it, or NULL. */
static int write_page(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      const struct typed *typed, const char *wrong, const char *detail, struct err *err)
{
    struct page page;
    struct log_info log;
    int rc = store_operator(view->store, &log, err);
    if (rc < 0)
        return rc;
    page_begin(&page, request, reply, "", TR_MARK("Publish"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Publish"));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_sayf(&page, TR(&page, "What is said stands in the log of {1} for ever; its content can be taken back."),
              SAY(say_origin(span_str(log.origin))));
    page_raw(&page, "</p>\n");
    if (wrong) {
        page_raw(&page, "<p class=\"alert bad\" role=\"alert\">");
        if (detail)
            page_sayf(&page, page_text(&page, wrong), SAY(say_text(span_str(detail))));
        else
            page_say(&page, wrong);
        page_raw(&page, "</p>\n");
        reply->status = 400;
    }
    write_form(&page, typed);
    return page_end(&page, err);
}

int page_publish(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct typed typed = {.type = SPAN_LIT("text/plain"), .lang = span_str(request->lang)};
    if (!account_may(request, reply, ACTION_PUBLISH))
        return 0;
    return write_page(view, request, reply, &typed, NULL, NULL, err);
}

/* ---- what was sent ---- */

static size_t count_lines(struct span text)
{
    size_t count = 0;
    while (text.len > 0) {
        size_t end = span_find(text, '\n');
        count += span_trim(span_sub(text, 0, end)).len > 0;
        text = span_sub(text, end + 1, text.len);
    }
    return count;
}

/* A source text, or NULL. */
static const char *fault_of(const struct typed *typed, enum tlp tlp)
{
    if (!publishing_kind_valid(typed->kind))
        return TR_MARK("The kind has to be capability/name, lower-case letters, digits and hyphens, and one that is "
                       "not in the log in full.");
    if (tlp == TLP_NONE)
        return TR_MARK("A marking is needed: nothing has a default audience.");
    switch (publishing_check(tlp, count_lines(typed->to), typed->keep)) {
    case PUBLISHING_RIGHT:
        break;
    case PUBLISHING_TOO_MANY:
        return TR_MARK("Too many names: a group names more.");
    case PUBLISHING_KEPT_AND_NAMED:
        return TR_MARK("What is kept here goes to nobody: leave the names out.");
    case PUBLISHING_CLEAR_KEPT:
    case PUBLISHING_CLEAR_NAMED:
        return TR_MARK("TLP:CLEAR is for everybody: leave the names out, and do not keep it here.");
    case PUBLISHING_RED_NAMED:
        return TR_MARK(
            "TLP:RED is for named persons, and no member is a person: keep it here, or choose amber+strict.");
    case PUBLISHING_NOBODY:
        return TR_MARK("This would be for nobody: name members, or keep it here.");
    }
    return NULL;
}

static int read_names(const struct view *view, struct span text, struct named_audience *audience, struct err *err)
{
    int rc = 0;
    while (rc == 0 && text.len > 0) {
        size_t end = span_find(text, '\n');
        struct span name = span_trim(span_sub(text, 0, end));
        if (name.len > 0)
            rc = publishing_name(view, name, false, audience, err);
        text = span_sub(text, end + 1, text.len);
    }
    return rc;
}

/* Browsers end the lines of a form with CR LF, whatever was typed. */
static int write_body(struct span typed, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < typed.len; i++)
        if (typed.data[i] != '\r' || i + 1 == typed.len || typed.data[i + 1] != '\n')
            buf_byte(out, typed.data[i]);
    return buf_check(out, "body", err);
}

/* Everything that can be wrong with it, before anything is signed. */
static int write_text(const struct view *view, const struct http_request *request, const struct log_info *log,
                      const struct typed *typed, enum tlp tlp, struct buf *text, struct err *err)
{
    struct named_audience *audience = arena_alloc(request->arena, sizeof(*audience));
    const char *kind = arena_strz(request->arena, typed->kind);
    struct buf body;
    if (!audience || !kind)
        return err_memory(err);
    audience->tlp = tlp;
    buf_init(&body, PAYLOAD_MAX - RECORD_HEADER_MAX);
    int rc = read_names(view, typed->to, audience, err);
    if (rc == 0)
        rc = publishing_check_names(view, audience, typed->keep, log, err);
    if (rc == 0)
        rc = write_body(typed->body, &body, err);
    if (rc == 0)
        rc = publishing_check_body(typed->kind, tlp, buf_view(&body), err);
    struct record_draft draft = {.kind = kind,
                                 .time_ms = request->now_ms,
                                 .tlp = tlp,
                                 .lang = typed->lang,
                                 .type = typed->type,
                                 .to = audience->to,
                                 .to_count = audience->count,
                                 .body = buf_view(&body)};
    if (rc == 0)
        rc = record_write(&draft, text, err);
    buf_done(&body);
    return rc;
}

/* Signing needs a handle that may: the check at the start must have passed in this node (connect/startcheck.h). */
static int append(const struct http_request *request, const struct log_info *log, enum tlp tlp, struct span text,
                  uint64_t *ret_index, struct err *err)
{
    struct signing *signing = request->visitor->signing;
    struct store *store = NULL;
    int rc = signing_take(signing, SIGNING_QUICK, &store, err);
    if (rc < 0)
        return rc;
    if (start_check_noted(store))
        author_allow(store);
    rc = publishing_append(store, log, tlp, text, request->now_ms, ret_index, err);
    if (rc == 0) {
        char result[32];
        snprintf(result, sizeof(result), "record %" PRIu64, *ret_index);
        rc = account_note(store, request, request->visitor->user.name, "publish", result, err);
    }
    signing_give(signing, SIGNING_QUICK, rc);
    return rc;
}

static int go_to_record(const struct http_request *request, struct http_reply *reply, const struct log_info *log,
                        uint64_t index)
{
    char path[ORIGIN_MAX + 64];
    snprintf(path, sizeof(path), "/record/%s/%" PRIu64, log->origin, index);
    return account_go(request, reply, path);
}

static int publish(const struct view *view, const struct http_request *request, struct http_reply *reply,
                   const struct typed *typed, enum tlp tlp, struct err *err)
{
    struct log_info log;
    struct buf text;
    struct err wrong = {0};
    uint64_t index = 0;
    int rc = store_operator(view->store, &log, err);
    if (rc < 0)
        return rc;
    buf_init(&text, PAYLOAD_MAX);
    rc = write_text(view, request, &log, typed, tlp, &text, &wrong);
    if (rc == ERR_IO || rc == ERR_MEMORY)
        *err = wrong;
    else if (rc < 0)
        rc = write_page(view, request, reply, typed, TR_MARK("This cannot be said so: {1}"), wrong.text, err);
    else if ((rc = append(request, &log, tlp, buf_view(&text), &index, err)) == 0)
        rc = go_to_record(request, reply, &log, index);
    else if (rc == ERR_STATE && !start_check_noted(view->store))
        rc = http_problem(
            request, reply, 503, TR_MARK("Not now"),
            TR_MARK("Nothing is signed by this node yet: it asks its peers first how far its own logs are. "
                    "Please try again in a moment."));
    buf_done(&text);
    return rc;
}

int page_publish_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err)
{
    if (!account_may(request, reply, ACTION_PUBLISH))
        return 0;
    struct typed typed = read_typed(request);
    enum tlp tlp = tlp_parse(typed.tlp);
    const char *fault = fault_of(&typed, tlp);
    return fault ? write_page(view, request, reply, &typed, fault, NULL, err)
                 : publish(view, request, reply, &typed, tlp, err);
}

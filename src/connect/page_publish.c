/* Publishing on a page: the same questions and answers as `tongzhou publish`. */
#include "connect/pages.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "connect/publish_form.h"
#include "connect/startcheck.h"
#include "http/account.h"
#include "state/author.h"

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

/* What came of the preview: what is wrong, or who gets it and the button that says it. */
static void write_outcome(struct page *page, const struct publish_draft *draft, bool is_other)
{
    if (draft->wrong) {
        page_raw(page, "<p class=\"alert bad\" role=\"alert\">");
        page_sayf(page, page_text(page, draft->wrong), SAY(say_text(span_str(draft->detail))));
        page_raw(page, "</p>\n");
    } else if (is_other) {
        page_raw(page, "<p class=\"alert\" role=\"alert\">");
        page_say(page, TR_MARK("Nothing was said yet: this is not what was previewed. Look at it once more."));
        page_raw(page, "</p>\n");
    }
    if (draft->has_preview)
        page_preview(page, &draft->preview);
    if (draft->wrong)
        return;
    page_fmt(page, "<p><input type=\"hidden\" name=\"seen\" value=\"%s\">", draft->seen);
    page_raw(page, "<button type=\"submit\" name=\"step\" value=\"publish\">");
    page_say(page, TR_MARK("Publish"));
    page_raw(page, "</button></p>\n");
}

static void write_form(struct page *page, const struct publish_form *typed, const struct publish_draft *draft)
{
    page_raw(page, "<form class=\"fields\" method=\"post\" action=\"/publish\" enctype=\"multipart/form-data\">\n");
    page_form_token(page);
    write_input(page, "kind", TR_MARK("Kind: culture/note is a note, security/stix a STIX object"), typed->kind, true);
    write_markings(page, typed->tlp);
    write_area(
        page, "to",
        TR_MARK(
            "For whom: members or groups, one a line; with red, members and a person of each: cert.example.org li.wei"),
        typed->to, "rows=\"3\"");
    page_fmt(page, "<p><input type=\"checkbox\" id=\"keep\" name=\"keep\" value=\"1\"%s> <label for=\"keep\">",
             typed->keep ? " checked" : "");
    page_say(page, TR_MARK("For nobody else: its content stays on this node"));
    page_raw(page, "</label></p>\n");
    write_input(page, "lang", TR_MARK("Language, as en or zh-Hans"), typed->lang, false);
    write_input(page, "type", TR_MARK("Media type"), typed->type, false);
    write_area(page, "body", TR_MARK("What it says"), typed->body, "rows=\"12\" required");
    page_raw(page, "<p><button type=\"submit\" name=\"step\" value=\"preview\">");
    page_say(page, TR_MARK("Preview"));
    page_raw(page, "</button></p>\n<section id=\"preview\" data-source=\"/publish/preview\" aria-live=\"polite\">\n");
    if (draft)
        write_outcome(page, draft, typed->seen.len > 0);
    page_raw(page, "</section>\n</form>\n");
}

static int write_page(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      const struct publish_form *typed, const struct publish_draft *draft, struct err *err)
{
    struct page page;
    struct log_info log;
    int rc = publish_author(view, request, &log, err);
    if (rc < 0)
        return rc;
    page_begin(&page, request, reply, "", TR_MARK("Publish"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Publish"));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_sayf(&page, TR(&page, "What is said stands in the log of {1} for ever; its content can be taken back."),
              SAY(say_origin(span_str(log.origin))));
    page_raw(&page, "</p>\n");
    write_form(&page, typed, draft);
    if (draft && draft->wrong)
        reply->status = 400;
    return page_end(&page, err);
}

int page_publish(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct publish_form typed = {
        .kind = SPAN_LIT("culture/note"), .type = SPAN_LIT("text/plain"), .lang = span_str(request->lang)};
    if (!account_may(request, reply, ACTION_PUBLISH))
        return 0;
    return write_page(view, request, reply, &typed, NULL, err);
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

static int say(const struct view *view, const struct http_request *request, struct http_reply *reply,
               const struct publish_draft *draft, struct err *err)
{
    uint64_t index = 0;
    int rc = append(request, &draft->log, draft->preview.record.tlp, buf_view(&draft->text), &index, err);
    if (rc == 0)
        return go_to_record(request, reply, &draft->log, index);
    if (rc == ERR_STATE && !start_check_noted(view->store))
        rc = http_problem(
            request, reply, 503, TR_MARK("Not now"),
            TR_MARK("Nothing is signed by this node yet: it asks its peers first how far its own logs are. "
                    "Please try again in a moment."));
    return rc;
}

/* A person has seen the preview of exactly this; a program asks for one where it wants one (POST /api/preview). */
static bool is_meant(const struct http_request *request, const struct publish_form *typed,
                     const struct publish_draft *draft)
{
    if (request->visitor->how == VISITOR_TOKEN)
        return true;
    return span_is(http_form_value(request, "step"), "publish") && span_is(typed->seen, draft->seen);
}

int page_publish_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err)
{
    struct publish_draft draft;
    if (!account_may(request, reply, ACTION_PUBLISH))
        return 0;
    struct publish_form typed = publish_form_read(request);
    if (!span_is(http_form_value(request, "step"), "publish"))
        typed.seen = (struct span){0};
    int rc = publish_draft_make(view, request, &typed, &draft, err);
    if (rc == 0 && !draft.wrong && is_meant(request, &typed, &draft))
        rc = say(view, request, reply, &draft, err);
    else if (rc == 0)
        rc = write_page(view, request, reply, &typed, &draft, err);
    publish_draft_done(&draft);
    return rc;
}

/* What the form's script shows while one types. */
int page_publish_preview(const struct view *view, const struct http_request *request, struct http_reply *reply,
                         struct err *err)
{
    struct page page;
    struct publish_draft draft;
    if (!account_may(request, reply, ACTION_PUBLISH))
        return 0;
    struct publish_form typed = publish_form_read(request);
    int rc = publish_draft_make(view, request, &typed, &draft, err);
    if (rc == 0) {
        page_fragment(&page, request, reply);
        write_outcome(&page, &draft, false);
        rc = page_end_fragment(&page, err);
    }
    publish_draft_done(&draft);
    return rc;
}

/* The same for programs. What contradicts itself is an answer, too. */
int route_preview(const struct view *view, const struct http_request *request, struct http_reply *reply,
                  struct err *err)
{
    struct publish_draft draft;
    if (!account_may(request, reply, ACTION_PUBLISH))
        return 0;
    struct publish_form typed = publish_form_read(request);
    int rc = publish_draft_make(view, request, &typed, &draft, err);
    if (rc == 0 && draft.has_preview) {
        rc = preview_json(&draft.preview, &reply->body, err);
    } else if (rc == 0) {
        buf_str(&reply->body, "{\"blocked\":true,\"contradiction\":");
        buf_json_string(&reply->body, span_str(draft.detail[0] ? draft.detail : draft.wrong));
        buf_str(&reply->body, "}\n");
        rc = buf_check(&reply->body, "preview", err);
    }
    reply->content_type = "application/json";
    publish_draft_done(&draft);
    return rc;
}

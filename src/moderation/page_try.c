/* A trial: another policy is pasted, and what it would have decided about the last week's records is told. */
#include <stdlib.h>

#include "moderation/pages.h"
#include "moderation/trial.h"

#define WEEK_MS (INT64_C(7) * 24 * 3600 * 1000)
#define LOOKED_MAX 50000 /* contents: half a second */
#define NAMED_MAX 10
#define WARNINGS_MAX 50

/* ---- the form ---- */

static int write_form(struct page *page, const struct view *view, struct span typed, struct err *err)
{
    const struct policy *policy;
    int rc = rules_policy(view->store, &policy, NULL, err);
    if (rc < 0)
        return rc;
    page_raw(page, "<form class=\"fields\" method=\"post\" action=\"/policy/try\" enctype=\"multipart/form-data\">\n");
    page_form_token(page);
    page_raw(page, "<p><label for=\"text\">");
    page_say(page, TR_MARK("The rules to try"));
    page_raw(page, "</label> <textarea id=\"text\" name=\"text\" rows=\"16\" spellcheck=\"false\" required>\n");
    page_pre(page, typed.len > 0 ? typed : policy_file_part(policy_text(policy)));
    page_raw(page, "</textarea></p>\n<p><button type=\"submit\">");
    page_say(page, TR_MARK("Try them"));
    page_raw(page, "</button></p>\n</form>\n");
    return 0;
}

static void begin(struct page *page, const struct http_request *request, struct http_reply *reply)
{
    page_policy_begin(page, request, reply, TR_MARK("Trial"));
    page_say_p(page, "lead",
               TR_MARK("What would other rules have decided about the records of the last seven days? Nothing is "
                       "changed. Rules come into force on the node's machine, in the file policy.conf."));
}

int page_try(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    if (!page_may_decide(request, reply))
        return 0;
    begin(&page, request, reply);
    int rc = write_form(&page, view, SPAN_LIT(""), err);
    return rc < 0 ? rc : page_end(&page, err);
}

/* ---- what came of it ---- */

static void write_errors(struct page *page, const struct policy_errors *errors)
{
    page_raw(page, "<section role=\"alert\" class=\"alert bad\"><h2>");
    page_say(page, TR_MARK("These rules have errors"));
    page_raw(page, "</h2>\n<ul>\n");
    for (size_t i = 0; i < errors->count; i++) {
        const struct policy_error *e = &errors->item[i];
        page_raw(page, "<li>");
        page_sayf(page, TR(page, "line {1}, character {2}: {3}"),
                  SAY(say_number(e->line), say_number(e->column), say_text(span_str(e->text))));
        page_raw(page, "</li>\n");
    }
    if (errors->more) {
        page_raw(page, "<li>");
        page_say(page, TR_MARK("and more"));
        page_raw(page, "</li>\n");
    }
    page_raw(page, "</ul></section>\n");
}

/* Authors, languages or members: the largest ones by name. The number of all of them. */
static size_t write_who(struct page *page, const struct trial_tally *first, size_t count, enum trial_by by,
                        const char *label)
{
    size_t all = 0;
    while (all < count && first[all].by == by)
        all++;
    if (all == 0)
        return 0;
    page_raw(page, "<br><span class=\"about\">");
    page_say(page, label);
    for (size_t i = 0; i < all && i < NAMED_MAX; i++) {
        page_raw(page, i > 0 ? ", " : " ");
        if (by == TRIAL_BY_LANGUAGE)
            page_bdi(page, span_str(first[i].what));
        else
            page_origin_link(page, span_str(first[i].what));
        page_raw(page, "\xc2\xa0");
        page_number(page, first[i].count);
    }
    if (all > NAMED_MAX) {
        page_raw(page, " ");
        page_sayf(page, TR(page, "and {1} more"), SAY(say_number(all - NAMED_MAX)));
    }
    page_raw(page, "</span>");
    return all;
}

static void write_change(struct page *page, const struct trial_tally *first, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count && first[i].by == TRIAL_BY_AUTHOR; i++)
        total += first[i].count;
    page_raw(page, "<li>");
    page_sayf(page, TR(page, "{1}: now {2}, then {3}"),
              SAY(say_number(total), say_text(span_str(page_text(page, trial_act_words(first, first->from)))),
                  say_text(span_str(page_text(page, trial_act_words(first, first->to))))));
    size_t at = write_who(page, first, count, TRIAL_BY_AUTHOR, TR_MARK("Of:"));
    at += write_who(page, first + at, count - at, TRIAL_BY_LANGUAGE, TR_MARK("Languages:"));
    write_who(page, first + at, count - at, TRIAL_BY_VIEWER, TR_MARK("Members affected:"));
    page_raw(page, "</li>\n");
}

static void write_trial(struct page *page, const struct trial *t)
{
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("What would be another decision"));
    page_raw(page, "</h2>\n<p>");
    page_sayf(page, TR(page, "Contents looked at: {1}; decided otherwise: {2}"),
              SAY(say_number(t->looked), say_number(t->changed)));
    page_raw(page, "</p>\n");
    if (t->tally_count > 0)
        page_raw(page, "<ul>\n");
    for (size_t i = 0, end; i < t->tally_count; i = end) {
        for (end = i + 1; end < t->tally_count && trial_same_change(&t->tallies[i], &t->tallies[end]);)
            end++;
        write_change(page, &t->tallies[i], end - i);
    }
    if (t->tally_count > 0)
        page_raw(page, "</ul>\n");
    if (t->cut > 0 || t->unasked > 0 || t->is_partial)
        page_say_p(page, "quiet", TR_MARK("Not everything was looked at; `tongzhou policy try` does."));
    page_raw(page, "</section>\n");
}

struct warnings {
    struct page *page;
    size_t count;
};

static void write_warning(void *ctx, unsigned line, const char *text)
{
    struct warnings *w = ctx;
    struct page *page = w->page;
    if (w->count++ >= WARNINGS_MAX)
        return;
    page_raw(page, "<li>");
    page_sayf(page, TR(page, "line {1}: {2}"), SAY(say_number(line), say_text(span_str(text))));
    page_raw(page, "</li>\n");
}

/* What the rules say of themselves; who is known here is asked at the command line only. */
static void write_warnings(struct page *page, const struct policy *policy)
{
    struct warnings w = {.page = page};
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("Warnings"));
    page_raw(page, "</h2>\n<ul lang=\"en\">\n");
    policy_warn(policy, NULL, 0, view_knows_groups(), write_warning, &w);
    if (w.count == 0) {
        page_fmt(page, "<li lang=\"%s\">", page->lang);
        page_say(page, TR_MARK("none"));
        page_raw(page, "</li>\n");
    }
    page_raw(page, "</ul></section>\n");
}

static int try_policy(struct page *page, const struct view *view, const struct policy *policy, struct err *err)
{
    struct trial trial;
    int64_t now_ms = page->request->now_ms;
    struct trial_options options = {
        .policy = policy, .since_ms = now_ms - WEEK_MS, .now_ms = now_ms, .contents_max = LOOKED_MAX};
    int rc = trial_run(view, &options, &trial, err);
    if (rc == 0) {
        write_trial(page, &trial);
        write_warnings(page, policy);
    }
    trial_free(&trial);
    return rc;
}

/* What would come into force with this file: with the lists that are adopted here behind it. */
static int parse_with_lists(const struct view *view, struct span typed, struct policy **ret,
                            struct policy_errors *errors, struct err *err)
{
    struct buf text;
    buf_init(&text, POLICY_TEXT_MAX);
    buf_span(&text, policy_file_part(typed));
    int rc = lists_sets(view->store, &text, err);
    if (rc == 0)
        rc = policy_parse(buf_view(&text), ret, errors, err);
    buf_done(&text);
    return rc;
}

int page_try_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                  struct err *err)
{
    struct page page;
    struct policy *policy = NULL;
    struct span typed = http_form_value(request, "text");
    struct err wrong = {0};
    if (!page_may_decide(request, reply))
        return 0;
    struct policy_errors *errors = arena_alloc(request->arena, sizeof(*errors));
    if (!errors)
        return err_memory(err);
    begin(&page, request, reply);
    int rc = parse_with_lists(view, typed, &policy, errors, &wrong);
    if (rc == ERR_SYNTAX) {
        reply->status = 400;
        write_errors(&page, errors);
        rc = 0;
    } else if (rc == 0) {
        rc = try_policy(&page, view, policy, err);
    } else {
        *err = wrong;
    }
    policy_free(policy);
    if (rc == 0)
        rc = write_form(&page, view, typed, err);
    return rc < 0 ? rc : page_end(&page, err);
}

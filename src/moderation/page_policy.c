/* Policy: the file in sentences, what each rule matched of late, and where to go on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "moderation/pages.h"
#include "moderation/trial.h"

#define WEEK_MS (INT64_C(7) * 24 * 3600 * 1000)
#define LOOKED_MAX 20000 /* contents: a fifth of a second */
#define EXPLAINED_MAX ((size_t)4 << 20)

/* ---- pieces ---- */

void page_say_p(struct page *page, const char *class, const char *english)
{
    page_fmt(page, class ? "<p class=\"%s\">" : "<p>", class);
    page_say(page, english);
    page_raw(page, "</p>\n");
}

void page_record_path(struct page *page, const char *prefix, const char *origin, uint64_t index)
{
    page_origin_path(page, prefix, span_str(origin));
    page_fmt(page, "/%" PRIu64, index);
}

static const struct {
    const char *path, *label;
    enum role_action action; /* ACTION_NONE: everybody may open it */
} links[] = {
    {"/policy", TR_MARK("Rules"), ACTION_NONE},
    {"/policy/held", TR_MARK("What waits"), ACTION_DECIDE},
    {"/policy/refused", TR_MARK("What was refused"), ACTION_DECIDE},
    {"/policy/objections", TR_MARK("Objections"), ACTION_DECIDE},
    {"/policy/lists", TR_MARK("Lists"), ACTION_DECIDE},
    {"/policy/try", TR_MARK("Trial"), ACTION_DECIDE},
    {"/policy/rates", TR_MARK("How much is refused"), ACTION_NONE},
};

void page_policy_begin(struct page *page, const struct http_request *request, struct http_reply *reply,
                       const char *title)
{
    page_begin(page, request, reply, "policy", title);
    reply->cache_control = "private, no-store";
    page_raw(page, "<h1>");
    page_say(page, title);
    page_raw(page, "</h1>\n<nav class=\"pages\" aria-label=\"");
    page_say(page, TR_MARK("Policy"));
    page_raw(page, "\"><ul>");
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (links[i].action != ACTION_NONE && !visitor_may(request->visitor, links[i].action))
            continue;
        page_fmt(page, "<li><a href=\"%s\"%s>", links[i].path,
                 span_is(request->path, links[i].path) ? " aria-current=\"page\"" : "");
        page_say(page, links[i].label);
        page_raw(page, "</a></li>");
    }
    page_raw(page, "</ul></nav>\n");
}

bool page_may_decide(const struct http_request *request, struct http_reply *reply)
{
    return account_may(request, reply, ACTION_DECIDE) && account_may(request, reply, ACTION_READ);
}

void page_rule_place(struct page *page, const struct view *view, const struct verdict *verdict)
{
    struct rules_version version = {0};
    struct err unknown;
    if (verdict->line == 0) {
        page_say(page, TR_MARK("no rule"));
        return;
    }
    (void)rules_text(view->store, verdict->version, NULL, &version, &unknown);
    page_sayf(page, TR(page, "line {1} of {2}"), SAY(say_number(verdict->line), say_text(span_str(version.version))));
}

int page_find_subject(const struct view *view, const struct http_request *request, struct arena *arena,
                      struct view_record *ret, struct err *err)
{
    struct log_info log;
    uint64_t index;
    int rc = page_find_log(view, request, &log, err);
    if (rc < 0)
        return rc;
    if (request->part_count < 3 || !span_u64(request->part[2], LOG_SIZE_MAX - 1, &index))
        return err_set(err, ERR_NOTFOUND, "no such record");
    return view_record(view, &log, index, arena, ret, err);
}

void page_field(struct page *page, const struct page_field *field, struct span value)
{
    page_fmt(page, "<p><label for=\"%s\">", field->name);
    page_say(page, field->label);
    page_raw(page, "</label> ");
    page_fmt(page, field->is_area ? "<textarea rows=\"4\" " : "<input type=\"text\" ");
    page_fmt(page, "id=\"%s\" name=\"%s\" dir=\"auto\" maxlength=\"%zu\"%s", field->name, field->name, field->max,
             field->is_needed ? " required" : "");
    if (field->about)
        page_fmt(page, " aria-describedby=\"%s-about\"", field->name);
    if (field->is_area) {
        page_raw(page, ">\n");
        page_pre(page, value);
        page_raw(page, "</textarea>");
    } else {
        page_raw(page, " value=\"");
        page_esc(page, value);
        page_raw(page, "\">");
    }
    if (field->about) {
        page_fmt(page, " <span class=\"quiet\" id=\"%s-about\">", field->name);
        page_say(page, field->about);
        page_raw(page, "</span>");
    }
    page_raw(page, "</p>\n");
}

const char *page_one_line(const struct http_request *request, const char *name, size_t max)
{
    struct span typed = span_trim(http_form_value(request, name));
    char *out = arena_alloc(request->arena, typed.len + 1);
    size_t len = 0;
    if (!out)
        return NULL;
    for (size_t i = 0; i < typed.len; i++) {
        bool blank = typed.data[i] == '\r' || typed.data[i] == '\n' || typed.data[i] == '\t' || typed.data[i] == ' ';
        if (!blank)
            out[len++] = (char)typed.data[i];
        else if (len > 0 && out[len - 1] != ' ')
            out[len++] = ' ';
    }
    out[len] = '\0';
    return len <= max && (len == 0 || record_value_valid(span_of(out, len))) ? out : NULL;
}

/* ---- the rules ---- */

static const char *const headings[] = {TR_MARK("Line"), TR_MARK("Question"), TR_MARK("Rule"), TR_MARK("What it says"),
                                       TR_MARK("Matched in seven days")};

static const char *question_words(struct span word)
{
    static const struct {
        const char *word, *label;
    } words[] = {{"mirror", TR_MARK("what is mirrored")},
                 {"accept", TR_MARK("what comes in")},
                 {"share", TR_MARK("what goes out")},
                 {"enforce", TR_MARK("what takes effect")}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (span_is(word, words[i].word))
            return words[i].label;
    return "";
}

/* "line 4: accept: a content from ... is held". */
static void write_rule(struct page *page, const struct policy *policy, const struct trial *trial, struct span text)
{
    uint64_t line = 0;
    struct policy_verdict rule;
    size_t colon = span_find(text, ':');
    struct span rest = span_trim(span_sub(text, colon + 1, text.len));
    size_t second = span_find(rest, ':');
    if (!span_u64(span_sub(text, 5, colon > 5 ? colon - 5 : 0), UINT32_MAX, &line) ||
        !policy_rule_at(policy, (unsigned)line, &rule))
        return;
    page_table_row(page);
    page_number(page, line);
    page_table_cell(page, headings[1]);
    page_say(page, question_words(span_sub(rest, 0, second)));
    page_table_cell(page, headings[2]);
    page_raw(page, "<code dir=\"auto\">");
    page_esc(page, rule.rule);
    page_raw(page, "</code>");
    page_table_cell(page, headings[3]);
    page_raw(page, "<span lang=\"en\">");
    page_bdi(page, span_trim(span_sub(rest, second + 1, rest.len)));
    page_raw(page, "</span>");
    page_table_cell(page, headings[4]);
    page_number(page, line < trial->line_count ? trial->matched[line] : 0);
    page_table_row_end(page);
}

static int write_rules(struct page *page, const struct policy *policy, const struct trial *trial, struct err *err)
{
    struct buf text;
    buf_init(&text, EXPLAINED_MAX);
    policy_explain(policy, &text);
    int rc = buf_check(&text, "explanation", err);
    page_table(page, headings, 5);
    for (struct span left = buf_view(&text); rc == 0 && left.len > 0;) {
        size_t end = span_find(left, '\n');
        write_rule(page, policy, trial, span_sub(left, 0, end));
        left = span_sub(left, end + 1, left.len);
    }
    page_table_end(page);
    buf_done(&text);
    return rc;
}

static int write_trouble(struct page *page, const struct view *view, struct err *err)
{
    struct buf trouble;
    buf_init(&trouble, 65536);
    int rc = rules_trouble(view->store, &trouble, err);
    if (rc == 0 && trouble.len > 0) {
        page_raw(page, "<p class=\"alert bad\" role=\"alert\">");
        page_sayf(page, TR(page, "The file cannot come into force, and this version stays: {1}"),
                  SAY(say_text(buf_view(&trouble))));
        page_raw(page, "</p>\n");
    }
    buf_done(&trouble);
    return rc;
}

static int write_policy(struct page *page, const struct view *view, struct err *err)
{
    const struct policy *policy;
    struct rules_version version;
    struct trial trial = {0};
    int64_t now_ms = page->request->now_ms;
    int rc = rules_policy(view->store, &policy, &version, err);
    if (rc < 0)
        return rc;
    struct trial_options options = {.policy = policy,
                                    .since_ms = now_ms - WEEK_MS,
                                    .now_ms = now_ms,
                                    .contents_max = LOOKED_MAX,
                                    .counts_matches = true};
    page_raw(page, "<p class=\"lead\">");
    if (version.number == 0)
        page_sayf(page, TR(page, "Version {1}, as built in: there is no file."),
                  SAY(say_text(span_str(version.version))));
    else
        page_sayf(page, TR(page, "Version {1}, in force since {2}."),
                  SAY(say_text(span_str(version.version)), say_time(version.since_ms)));
    page_raw(page, "</p>\n");
    page_say_p(page, NULL, TR_MARK("Of the rules about a question the first that matches decides."));
    rc = write_trouble(page, view, err);
    if (rc == 0)
        rc = trial_run(view, &options, &trial, err);
    if (rc == 0)
        rc = verdict_lines(view->store, version.number, options.since_ms, trial.matched, trial.line_count, err);
    if (rc == 0)
        rc = write_rules(page, policy, &trial, err);
    if (rc == 0 && trial.is_partial) {
        page_raw(page, "<p class=\"quiet\">");
        page_sayf(page, TR(page, "Only {1} contents were looked at; there are more."), SAY(say_number(trial.looked)));
        page_raw(page, "</p>\n");
    }
    trial_free(&trial);
    return rc;
}

/* Rules name partners, so they are for the operator's people; others are told how to object. */
int page_policy(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    int rc = 0;
    page_policy_begin(&page, request, reply, TR_MARK("Policy"));
    if (visitor_may(request->visitor, ACTION_READ) && !request->visitor->user.is_guest) {
        rc = write_policy(&page, view, err);
    } else {
        page_say_p(
            &page, "lead",
            TR_MARK("This node decides by rules of its own what it takes in, shows and passes on. Whoever runs it "
                    "can read them here after signing in."));
        page_say_p(
            &page, NULL,
            TR_MARK("Whoever thinks that a record is illegal or infringes a right can object: each record's page "
                    "has a link for it. A person decides, and says why."));
    }
    return rc < 0 ? rc : page_end(&page, err);
}

/* ---- titles ---- */

bool moderation_page_title(struct page *page, const struct view *view, const struct record *record)
{
    struct complaint complaint;
    struct reasons_brief reasons;
    struct err ignored = {0};
    char subject[SUBJECT_MAX + 1];
    bool is_decision = span_is(record->kind, DECISION_KIND);
    (void)view;
    if (is_decision ? reasons_parse(record, &reasons, &ignored) < 0 : complaint_parse(record, &complaint, &ignored) < 0)
        return false;
    const char *origin = is_decision ? reasons.origin : complaint.origin;
    snprintf(subject, sizeof(subject), "%.*s/%" PRIu64, (int)strcspn(origin, "/"), origin,
             is_decision ? reasons.index : complaint.index);
    const char *words = is_decision            ? (reasons.is_refused ? TR_MARK("Refused: {1}") : TR_MARK("Let in: {1}"))
                        : complaint.is_counter ? TR_MARK("Answer to an objection against {1}")
                                               : TR_MARK("Objection to {1}");
    page_sayf(page, page_text(page, words), SAY(say_text(span_str(subject))));
    return true;
}

const struct route moderation_page_routes[MODERATION_PAGE_ROUTES] = {
    {HTTP_GET, "/policy", OUTLET_HTTP_PAGES, page_policy, "the node's rules in sentences"},
    {HTTP_GET, "/policy/rates", OUTLET_HTTP_PAGES, page_rates, "how much is refused, of whom"},
    {HTTP_GET, "/policy/held", OUTLET_HTTP_DECIDE, page_held, "what waits for a person"},
    {HTTP_GET, "/policy/refused", OUTLET_HTTP_DECIDE, page_refused, "what was turned away"},
    {HTTP_GET, "/policy/objections", OUTLET_HTTP_DECIDE, page_objections, "objections that wait for an answer"},
    {HTTP_GET, "/policy/decide/{name}/{hash}/{index}", OUTLET_HTTP_DECIDE, page_decide, "a record, and what to decide"},
    {HTTP_POST, "/policy/decide/{name}/{hash}/{index}", OUTLET_HTTP_DECIDE, page_decide_post, "decides"},
    {HTTP_GET, "/policy/lists", OUTLET_HTTP_DECIDE, page_lists, "lists of others: drafts, and what is adopted"},
    {HTTP_GET, "/policy/lists/file/{list}", OUTLET_HTTP_DECIDE, page_list, "a list that came from a file"},
    {HTTP_POST, "/policy/lists/file/{list}", OUTLET_HTTP_DECIDE, page_list_post, "adopts or declines it"},
    {HTTP_GET, "/policy/lists/{name}/{hash}/{list}", OUTLET_HTTP_DECIDE, page_list, "a member's list"},
    {HTTP_POST, "/policy/lists/{name}/{hash}/{list}", OUTLET_HTTP_DECIDE, page_list_post, "adopts or declines it"},
    {HTTP_GET, "/policy/try", OUTLET_HTTP_DECIDE, page_try, "a form for another policy"},
    {HTTP_POST, "/policy/try", OUTLET_HTTP_DECIDE, page_try_post, "what it would have decided"},
    {HTTP_GET, "/policy/object/{name}/{hash}/{index}", OUTLET_HTTP_PAGES, page_object, "a form to object to a record"},
    {HTTP_POST, "/policy/object/{name}/{hash}/{index}", OUTLET_HTTP_PAGES, page_object_post, "objects"},
};

/* For whoever decides: what waits, what was refused, who objects; and one record, with what can be decided about it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/utf8.h"
#include "connect/entering.h"
#include "connect/mirroring.h"
#include "connect/startcheck.h"
#include "moderation/pages.h"
#include "state/author.h"

#define SHOWN 200        /* of a list */
#define BODY_SHOWN 65536 /* bytes */

static const char *const headings[] = {TR_MARK("Record"), TR_MARK("Kind"), TR_MARK("Since"), TR_MARK("By which rule"),
                                       TR_MARK("Why")};

static void write_decide_link(struct page *page, const char *origin, uint64_t index)
{
    char short_name[ORIGIN_MAX + 1];
    origin_short(span_str(origin), short_name);
    page_raw(page, "<a href=\"");
    page_record_path(page, "/policy/decide", origin, index);
    page_raw(page, "\"><bdi>");
    page_esc(page, span_str(short_name));
    page_fmt(page, "/%" PRIu64 "</bdi></a>", index);
}

/* ---- what waits, what was refused ---- */

static int write_verdict(struct page *page, const struct view *view, int64_t ref, struct err *err)
{
    struct log_info log;
    struct verdict verdict;
    int rc = store_log(view->store, RECORD_REF_LOG(ref), &log, err);
    if (rc == 0)
        rc = verdict_find(view->store, ref, &verdict, err);
    if (rc < 0)
        return rc;
    page_table_row(page);
    write_decide_link(page, log.origin, RECORD_REF_INDEX(ref));
    page_table_cell(page, headings[1]);
    page_kind(page, span_str(verdict.kind));
    page_table_cell(page, headings[2]);
    page_time(page, verdict.time_ms);
    page_table_cell(page, headings[3]);
    page_rule_place(page, view, &verdict);
    page_table_cell(page, headings[4]);
    page_bdi(page, span_str(verdict.reason));
    page_table_row_end(page);
    return 0;
}

/* Those above `after`; a link leads on. */
static int write_verdicts(struct page *page, const struct view *view, enum policy_act act, const char *path,
                          struct err *err)
{
    int64_t refs[SHOWN];
    uint64_t after = 0, all = 0;
    size_t count = 0;
    struct span from = http_query(page->request, "after");
    if (from.len > 0 && !span_u64(from, INT64_MAX, &after))
        return err_set(err, ERR_USAGE, "after: no number");
    int rc = verdict_count(view->store, act, &all, err);
    if (rc == 0)
        rc = verdict_refs(view->store, act, from.len > 0 ? (int64_t)after : INT64_MIN, refs, SHOWN, &count, err);
    if (rc < 0)
        return rc;
    page_raw(page, "<p>");
    page_sayf(page, TRN(page, all, "{1} record", "{1} records"), SAY(say_number(all)));
    page_raw(page, "</p>\n");
    if (count > 0)
        page_table(page, headings, 5);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = write_verdict(page, view, refs[i], err);
    if (count > 0)
        page_table_end(page);
    if (count == SHOWN) {
        page_fmt(page, "<p><a href=\"%s?after=%" PRId64 "\">", path, refs[count - 1]);
        page_say(page, TR_MARK("More of them"));
        page_raw(page, "</a></p>\n");
    }
    return rc;
}

int page_held(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    if (!page_may_decide(request, reply))
        return 0;
    page_policy_begin(&page, request, reply, TR_MARK("What waits"));
    page_say_p(&page, "lead",
               TR_MARK("These are here, and neither shown nor passed on until a person decides or the rules change."));
    int rc = write_verdicts(&page, view, POLICY_HOLD, "/policy/held", err);
    return rc < 0 ? rc : page_end(&page, err);
}

struct logs_refused {
    struct page *page;
    const struct view *view;
    size_t count;
};

/* Logs of which nothing is even fetched. */
static int write_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct logs_refused *l = ctx;
    struct page *page = l->page;
    struct policy_verdict said;
    bool refused = false;
    int rc = mirroring_ask(l->view->store, log, &said, err);
    bool left = rc == 0 && said.act == POLICY_LEAVE;
    if (rc == 0 && !left && log->role != LOG_LISTED)
        rc = entering_refuses(l->view->store, log, &refused, &said, err);
    if (rc < 0 || (!left && !refused) || l->count++ >= SHOWN)
        return rc;
    page_raw(page, l->count == 1 ? "<ul class=\"plain\">\n<li>" : "<li>");
    page_origin_link(page, span_str(log->origin));
    page_raw(page, ": ");
    page_say(page, left ? TR_MARK("its log is not pulled") : TR_MARK("none of its contents is fetched"));
    page_raw(page, ", ");
    page_sayf(page, TR(page, "line {1}: {2}"), SAY(say_number(said.line), say_text(said.reason)));
    page_raw(page, "</li>\n");
    return 0;
}

int page_refused(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    struct logs_refused logs = {.page = &page, .view = view};
    if (!page_may_decide(request, reply))
        return 0;
    page_policy_begin(&page, request, reply, TR_MARK("What was refused"));
    page_say_p(&page, "lead",
               TR_MARK("These are not here, and not asked for again, by a rule or by a person's decision."));
    int rc = write_verdicts(&page, view, POLICY_REFUSE, "/policy/refused", err);
    page_raw(&page, "<section><h2>");
    page_say(&page, TR_MARK("Whose contents are not fetched at all"));
    page_raw(&page, "</h2>\n");
    if (rc == 0)
        rc = store_logs(view->store, write_log, &logs, err);
    if (logs.count > 0)
        page_raw(&page, "</ul>");
    else
        page_say_p(&page, "quiet", TR_MARK("Nobody's."));
    page_raw(&page, "</section>\n");
    return rc < 0 ? rc : page_end(&page, err);
}

/* ---- objections ---- */

struct objections {
    struct page *page;
    size_t count;
    bool of_one; /* all are about one record */
};

static void write_word(struct page *page, const char *label, const char *text)
{
    if (!text[0])
        return;
    page_raw(page, " · ");
    page_sayf(page, page_text(page, label), SAY(say_text(span_str(text))));
}

static int write_objection(void *ctx, const struct open_complaint *one, struct err *err)
{
    struct objections *o = ctx;
    struct page *page = o->page;
    (void)err;
    if (o->count++ >= SHOWN)
        return 0;
    page_raw(page, o->count == 1 ? "<ul class=\"plain\">\n<li>" : "<li>");
    if (!o->of_one) {
        write_decide_link(page, one->subject_origin, RECORD_REF_INDEX(one->subject));
        page_raw(page, ": ");
    }
    page_bdi(page, span_str(one->said->why));
    page_raw(page, " <span class=\"about\">");
    if (!one->origin)
        page_say(page, TR_MARK("a visitor"));
    else if (one->said->is_counter)
        page_sayf(page, TR(page, "its author, {1}"), SAY(say_origin(span_str(one->origin))));
    else
        page_origin_link(page, span_str(one->origin));
    page_raw(page, " · ");
    page_ago(page, one->time_ms);
    write_word(page, TR_MARK("ground: {1}"), one->said->ground);
    write_word(page, TR_MARK("name: {1}"), one->said->who);
    write_word(page, TR_MARK("contact: {1}"), one->said->contact);
    page_raw(page, "</span></li>\n");
    return 0;
}

static int write_objections(struct page *page, const struct view *view, int64_t subject, struct err *err)
{
    struct objections o = {.page = page, .of_one = subject != 0};
    int rc = queue_each(view, subject, write_objection, &o, err);
    if (o.count > 0)
        page_raw(page, "</ul>");
    else
        page_say_p(page, "quiet", TR_MARK("Nobody objects."));
    if (o.count > SHOWN) {
        page_raw(page, "<p class=\"quiet\">");
        page_sayf(page, TR(page, "and {1} more"), SAY(say_number(o.count - SHOWN)));
        page_raw(page, "</p>\n");
    }
    return rc;
}

int page_objections(const struct view *view, const struct http_request *request, struct http_reply *reply,
                    struct err *err)
{
    struct page page;
    if (!page_may_decide(request, reply))
        return 0;
    page_policy_begin(&page, request, reply, TR_MARK("Objections"));
    page_say_p(&page, "lead",
               TR_MARK("Members and visitors who think that a record is illegal or infringes a right, and authors who "
                       "answer. A decision about the record answers all of them."));
    int rc = write_objections(&page, view, 0, err);
    return rc < 0 ? rc : page_end(&page, err);
}

/* ---- one record ---- */

/* By whose word another member decided here. */
static void write_cession(struct page *page, const struct view *view, const struct decision *decision)
{
    struct log_info given, said;
    struct err gone = {0};
    if (!decision->cession || store_log(view->store, RECORD_REF_LOG(decision->cession), &given, &gone) < 0 ||
        store_log(view->store, RECORD_REF_LOG(decision->published), &said, &gone) < 0)
        return;
    page_raw(page, "<p><a href=\"");
    page_record_path(page, "/record", said.origin, RECORD_REF_INDEX(decision->published));
    page_raw(page, "\">");
    page_say(page, TR_MARK("What was decided"));
    page_raw(page, "</a> · <a href=\"");
    page_record_path(page, "/record", given.origin, RECORD_REF_INDEX(decision->cession));
    page_raw(page, "\">");
    page_say(page, TR_MARK("The cession by which that takes effect here"));
    page_raw(page, "</a></p>\n");
}

/* What decided so far: the rule with its text as it was, or a person. */
static int write_why(struct page *page, const struct view *view, int64_t ref, struct err *err)
{
    struct verdict verdict;
    struct decision decision;
    struct err none = {0};
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("Why it is as it is"));
    page_raw(page, "</h2>\n<p>");
    if (verdict_find(view->store, ref, &verdict, &none) == 0) {
        page_say(page, verdict.act == POLICY_HOLD ? TR_MARK("It waits") : TR_MARK("It was refused"));
        page_raw(page, ", ");
        page_time(page, verdict.time_ms);
        page_raw(page, ", ");
        page_rule_place(page, view, &verdict);
        page_raw(page, verdict.reason[0] ? ": " : "");
        page_bdi(page, span_str(verdict.reason));
    } else {
        page_say(page, TR_MARK("No rule keeps it from coming in."));
    }
    page_raw(page, "</p>\n");
    int rc = decision_find(view->store, ref, &decision, &none);
    if (rc == 0) {
        page_raw(page, "<p>");
        page_sayf(page, decision.act == POLICY_YES ? TR(page, "{1} let it in, {2}.") : TR(page, "{1} refused it, {2}."),
                  SAY(say_text(span_str(decision.who)), say_time(decision.time_ms)));
        page_raw(page, " ");
        page_bdi(page, span_str(decision.reason));
        page_raw(page, "</p>\n");
        write_cession(page, view, &decision);
    }
    page_raw(page, "</section>\n");
    return rc < 0 && rc != ERR_NOTFOUND ? err_set(err, rc, "%s", none.text) : 0;
}

static void write_text(struct page *page, const struct view_record *record)
{
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("What it says"));
    page_raw(page, "</h2>\n");
    if (!record->has_text || !record->parsed) {
        page_say_p(page, "quiet", TR_MARK("Its content is not here, or not for you."));
    } else if (!utf8_valid(record->record.body)) {
        page_raw(page, "<p>");
        page_sayf(page, TR(page, "Its content is not text: {1}."), SAY(say_bytes(record->record.body.len)));
        page_raw(page, "</p>\n");
    } else {
        struct span body = record->record.body;
        size_t shown = body.len < BODY_SHOWN ? body.len : BODY_SHOWN;
        while (shown > 0 && shown < body.len && (body.data[shown] & 0xC0) == 0x80)
            shown--; /* not in the middle of a character */
        page_raw(page, "<p>");
        page_kind(page, record->record.kind);
        page_raw(page, " ");
        page_tlp(page, record->record.tlp);
        page_raw(page, "</p>\n<pre class=\"body\" dir=\"auto\" tabindex=\"0\"");
        page_lang(page, record->record.lang);
        page_raw(page, ">");
        page_pre(page, span_sub(body, 0, shown));
        page_raw(page, shown < body.len ? "\n…</pre>\n" : "</pre>\n");
    }
    page_raw(page, "</section>\n");
}

static const struct page_field reason_field = {
    "reason", TR_MARK("Reason"), TR_MARK("Whoever asks why is told. Needed to refuse."), POLICY_REASON_MAX, false,
    false};
static const struct page_field more_fields[] = {
    {"facts", TR_MARK("Facts and circumstances"), NULL, STATEMENT_TEXT_MAX, true, false},
    {"ground", TR_MARK("Which law, or which term of the charter or policy"), NULL, STATEMENT_TEXT_MAX, false, false},
    {"territory", TR_MARK("Where that law holds"), NULL, STATEMENT_TEXT_MAX, false, false},
};

static void write_publish(struct page *page, struct span chosen)
{
    static const struct {
        const char *value, *label;
    } choices[] = {{"", TR_MARK("not at all")},
                   {"clear", TR_MARK("for everybody")},
                   {"green", TR_MARK("for our community")},
                   {"amber", TR_MARK("for its author")}};
    page_raw(page, "<p><label for=\"publish\">");
    page_say(page, TR_MARK("Publish the decision"));
    page_raw(page, "</label> <select id=\"publish\" name=\"publish\">");
    for (size_t i = 0; i < 4; i++) {
        page_fmt(page, "<option value=\"%s\"%s>", choices[i].value,
                 span_is(chosen, choices[i].value) ? " selected" : "");
        page_say(page, choices[i].label);
        page_raw(page, "</option>");
    }
    page_raw(page, "</select></p>\n");
}

/* The number of the last decision about a record, 0: none. */
static int last_decision(struct store *store, int64_t ref, int64_t *ret, struct err *err)
{
    struct decision decision;
    struct err none = {0};
    int rc = decision_find(store, ref, &decision, &none);
    *ret = rc == 0 ? decision.number : 0;
    return rc < 0 && rc != ERR_NOTFOUND ? err_set(err, rc, "%s", none.text) : 0;
}

static int write_form(struct page *page, const struct view *view, const struct view_record *record, struct err *err)
{
    int64_t after = 0;
    int rc = last_decision(view->store, record->ref, &after, err);
    if (rc < 0)
        return rc;
    const struct http_request *request = page->request;
    bool is_ours = record->log.role == LOG_OWN || record->log.role == LOG_LOCAL;
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("Decide"));
    page_raw(page, "</h2>\n<form class=\"fields\" method=\"post\" action=\"");
    page_record_path(page, "/policy/decide", record->log.origin, record->index);
    page_raw(page, "\">\n");
    page_form_token(page);
    page_fmt(page, "<input type=\"hidden\" name=\"after\" value=\"%" PRId64 "\">\n", after);
    page_field(page, &reason_field, http_form_value(request, "reason"));
    write_publish(page, http_form_value(request, "publish"));
    page_raw(page, "<details><summary>");
    page_say(page, TR_MARK("More for a published decision"));
    page_raw(page, "</summary>\n");
    for (size_t i = 0; i < 3; i++)
        page_field(page, &more_fields[i], http_form_value(request, more_fields[i].name));
    page_fmt(page, "<p><input type=\"checkbox\" id=\"law\" name=\"law\" value=\"1\"%s> <label for=\"law\">",
             http_form_value(request, "law").len > 0 ? " checked" : "");
    page_say(page, TR_MARK("The ground is a law: the content is illegal"));
    page_raw(page, "</label></p>\n</details>\n<p><button type=\"submit\" name=\"act\" value=\"release\">");
    page_say(page, is_ours ? TR_MARK("Keep it") : TR_MARK("Let it in"));
    page_raw(page, "</button>");
    if (!is_ours) {
        page_raw(page, " <button type=\"submit\" name=\"act\" value=\"refuse\">");
        page_say(page, TR_MARK("Refuse it"));
        page_raw(page, "</button>");
    }
    page_raw(page, "</p>\n</form>\n");
    if (is_ours)
        page_say_p(page, "quiet", TR_MARK("It lives here: to take it back is up to its author (tongzhou erase)."));
    page_raw(page, "</section>\n");
    return 0;
}

/* `wrong`: a source text with one slot for `detail`, or NULL. */
static int write_page(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      const struct view_record *record, const char *wrong, const char *detail, struct err *err)
{
    struct page page;
    page_policy_begin(&page, request, reply, TR_MARK("Decide"));
    page_raw(&page, "<p class=\"lead\">");
    page_sayf(&page, TR(&page, "Record {1} of {2}"),
              SAY(say_number(record->index), say_origin(span_str(record->log.origin))));
    page_raw(&page, " · <a href=\"");
    page_record_path(&page, "/record", record->log.origin, record->index);
    page_raw(&page, "\">");
    page_say(&page, TR_MARK("its page"));
    page_raw(&page, "</a></p>\n");
    if (wrong) {
        page_raw(&page, "<p class=\"alert bad\" role=\"alert\">");
        page_sayf(&page, page_text(&page, wrong), SAY(say_text(span_str(detail))));
        page_raw(&page, "</p>\n");
        reply->status = 400;
    }
    int rc = write_why(&page, view, record->ref, err);
    if (rc < 0)
        return rc;
    page_raw(&page, "<section><h2>");
    page_say(&page, TR_MARK("Objections"));
    page_raw(&page, "</h2>\n");
    rc = write_objections(&page, view, record->ref, err);
    page_raw(&page, "</section>\n");
    if (rc < 0)
        return rc;
    write_text(&page, record);
    rc = write_form(&page, view, record, err);
    return rc < 0 ? rc : page_end(&page, err);
}

static int find(const struct view *view, const struct http_request *request, struct http_reply *reply,
                struct view_record *ret, bool *ret_found, struct err *err)
{
    int rc = page_find_subject(view, request, request->arena, ret, err);
    *ret_found = rc == 0;
    if (rc == ERR_NOTFOUND)
        return http_problem(request, reply, 404, TR_MARK("Not found"), TR_MARK("There is no such record here."));
    return rc;
}

int page_decide(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct view_record record;
    bool found = false;
    if (!page_may_decide(request, reply))
        return 0;
    int rc = find(view, request, reply, &record, &found, err);
    return rc < 0 || !found ? rc : write_page(view, request, reply, &record, NULL, NULL, err);
}

/* ---- what was sent ---- */

/* NULL, or a source text. */
static const char *read_form(const struct http_request *request, struct deciding *d)
{
    struct span publish = http_form_value(request, "publish"), act = http_form_value(request, "act");
    const char *reason = page_one_line(request, "reason", POLICY_REASON_MAX),
               *facts = page_one_line(request, "facts", STATEMENT_TEXT_MAX),
               *ground = page_one_line(request, "ground", STATEMENT_TEXT_MAX),
               *territory = page_one_line(request, "territory", STATEMENT_TEXT_MAX);
    if (!reason || !facts || !ground || !territory)
        return TR_MARK("A text is too long, or holds characters that are no text.");
    bool refuses = span_is(act, "refuse");
    if (!refuses && !span_is(act, "release"))
        return TR_MARK("Please choose what to decide.");
    if (refuses && !reason[0])
        return TR_MARK("A refusal needs a reason: whoever asks why is told.");
    d->decision.act = refuses ? POLICY_REFUSE : POLICY_YES;
    d->decision.time_ms = request->now_ms;
    snprintf(d->decision.reason, sizeof(d->decision.reason), "%s", reason);
    snprintf(d->decision.who, sizeof(d->decision.who), "%.120s", request->visitor->user.name);
    d->publish = publish.len > 0 ? tlp_parse(publish) : TLP_NONE;
    d->facts = facts[0] ? facts : NULL;
    d->ground = ground[0] ? ground : NULL;
    d->is_illegal = ground[0] && http_form_value(request, "law").len > 0;
    d->territory = territory[0] ? territory : NULL;
    if ((publish.len > 0 && d->publish == TLP_NONE) || deciding_fault(d))
        return TR_MARK("Something in this form does not have the form it should have.");
    return NULL;
}

/* Nobody overrules what he has not seen: `after` of the form is what had been decided when it was shown. */
static int check_seen(struct store *store, const struct http_request *request, int64_t ref, bool *ret_stale,
                      struct err *err)
{
    struct span after = http_form_value(request, "after");
    uint64_t seen = 0;
    int64_t last = 0;
    int rc = last_decision(store, ref, &last, err);
    *ret_stale = after.len > 0 && (!span_u64(after, INT64_MAX, &seen) || seen != (uint64_t)last);
    return rc;
}

/* Signing needs a handle that may, and the check at the start must have passed in this node. */
static int decide(const struct view *view, const struct http_request *request, struct deciding *d, bool *ret_stale,
                  struct err *err)
{
    struct signing *signing = request->visitor->signing;
    struct store *store = NULL;
    struct deciding_done done;
    char result[64];
    int rc = signing_take(signing, SIGNING_QUICK, &store, err);
    if (rc < 0)
        return rc;
    rc = check_seen(store, request, d->decision.ref, ret_stale, err);
    if (rc < 0 || *ret_stale) {
        signing_give(signing, SIGNING_QUICK, rc);
        return rc;
    }
    if (start_check_noted(store))
        author_allow(store);
    rc = deciding_do(view, store, d, &done, err);
    snprintf(result, sizeof(result), "%s, log %" PRId64 " entry %" PRIu64,
             d->decision.act == POLICY_REFUSE ? "refused" : "released", RECORD_REF_LOG(d->decision.ref),
             RECORD_REF_INDEX(d->decision.ref));
    if (rc == 0)
        rc = account_note(store, request, request->visitor->user.name, "decide", result, err);
    signing_give(signing, SIGNING_QUICK, rc);
    return rc;
}

int page_decide_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err)
{
    struct view_record record;
    struct deciding d = {0};
    struct err wrong = {0};
    bool found = false, stale = false;
    if (!page_may_decide(request, reply))
        return 0;
    int rc = find(view, request, reply, &record, &found, err);
    if (rc < 0 || !found)
        return rc;
    const char *fault = read_form(request, &d);
    if (fault)
        return write_page(view, request, reply, &record, fault, "", err);
    if (d.publish != TLP_NONE && !start_check_noted(view->store))
        return http_problem(
            request, reply, 503, TR_MARK("Not now"),
            TR_MARK("Nothing is signed by this node yet: it asks its peers first how far its own logs are. "
                    "Please try again in a moment."));
    d.decision.ref = record.ref;
    rc = decide(view, request, &d, &stale, &wrong);
    if (rc == 0 && stale)
        return write_page(view, request, reply, &record,
                          TR_MARK("Somebody has decided about this record meanwhile. Please look at it again."), "",
                          err);
    if (rc == ERR_STATE)
        return write_page(view, request, reply, &record, TR_MARK("This cannot be decided: {1}"), wrong.text, err);
    if (rc < 0)
        *err = wrong;
    return rc < 0 ? rc : account_go(request, reply, "/policy/held");
}

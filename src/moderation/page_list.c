/* One list of others: what adopting it would change here, who decided before, and a form for a person's word. */
#include <inttypes.h>
#include <stdio.h>

#include "base/codec.h"
#include "governance/drafts.h"
#include "http/multipart.h"
#include "moderation/pages.h"

#define CHANGES_SHOWN 200     /* a page: each has a box */
#define WORDS_SHOWN 50        /* the last */
#define ARENA_MAX (64u << 20) /* bytes: a list of LIST_BODY_MAX, what is adopted, and the changes */

struct showing {
    const struct http_request *request;
    struct draft draft;
    uint64_t from; /* the first change that is shown */
    bool *chosen;  /* by change; NULL: nothing was sent */
    size_t chosen_count;
    const char *wrong, *detail; /* a source text with a slot, or NULL */
};

/* ---- what it says ---- */

static void write_item(struct page *page, const struct list_item *item)
{
    static const char *const types[] = {[LIST_MEMBER] = TR_MARK("member {1}"),
                                        [LIST_RECORD] = TR_MARK("record {1}"),
                                        [LIST_VALUE] = TR_MARK("value {1}")};
    page_sayf(page, page_text(page, types[item->type]), SAY(say_text(span_str(item->subject))));
    if (item->label[0]) {
        page_raw(page, ", ");
        page_sayf(page, TR(page, "label {1}"), SAY(say_text(span_str(item->label))));
    }
    if (item->reason[0]) {
        page_raw(page, ": ");
        page_bdi(page, span_str(item->reason));
    }
}

static void write_changes(struct page *page, const struct showing *s)
{
    const struct draft *draft = &s->draft;
    for (size_t i = (size_t)s->from; i < draft->change_count && i < s->from + CHANGES_SHOWN; i++) {
        const struct list_change *change = &draft->changes[i];
        page_fmt(page, "<li><input type=\"checkbox\" id=\"c%zu\" name=\"c%zu\" value=\"1\"%s> <label for=\"c%zu\">", i,
                 i, s->chosen && s->chosen[i] ? " checked" : "", i);
        page_say(page, change->removes ? TR_MARK("Remove") : TR_MARK("Add"));
        page_raw(page, " ");
        write_item(page, &change->item);
        page_raw(page, "</label></li>\n");
    }
}

static void write_more(struct page *page, const struct showing *s)
{
    uint64_t next = s->from + CHANGES_SHOWN;
    if (next >= s->draft.change_count)
        return;
    page_raw(page, "<p><a href=\"");
    page_list_path(page, &s->draft.address);
    page_fmt(page, "?from=%" PRIu64 "\">", next);
    page_sayf(page, TR(page, "and {1} more"), SAY(say_number(s->draft.change_count - next)));
    page_raw(page, "</a></p>\n");
}

static void write_offer(struct page *page, const struct draft *draft)
{
    static const char *const advices[] = {[LIST_BLOCK] = TR_MARK("It advises to block."),
                                          [LIST_LABEL] = TR_MARK("It advises to label."),
                                          [LIST_RECOMMEND] = TR_MARK("It recommends.")};
    page_raw(page, "<p class=\"lead\">");
    page_list_name(page, &draft->address);
    if (draft->ref > 0) {
        page_raw(page, " · ");
        page_record_link(page, span_str(draft->address.source), RECORD_REF_INDEX(draft->ref),
                         span_str(page_text(page, TR_MARK("its record"))));
    }
    if (draft->state == DRAFT_OFFERED) {
        page_raw(page, " · ");
        page_time(page, draft->time_ms);
    }
    page_raw(page, "</p>\n");
    if (draft->state == DRAFT_WITHDRAWN)
        page_say_p(
            page, "alert warn",
            TR_MARK("Its source has withdrawn this list. What is adopted of it stays until a person lets go of it."));
    else if (draft->state == DRAFT_ABSENT)
        page_say_p(page, "alert",
                   TR_MARK("The record of this list is not kept here any more. What is adopted of it stays."));
    else
        page_say_p(page, NULL, draft->list.ended ? TR_MARK("This list has ended.") : advices[draft->list.advice]);
    if (draft->state == DRAFT_OFFERED && draft->adopted_count > 0 && draft->word.advice != draft->list.advice)
        page_say_p(page, "alert warn", TR_MARK("It advised something else when somebody here spoke about it last."));
    if (draft->list.about[0]) {
        page_raw(page, "<p>");
        page_bdi(page, span_str(draft->list.about));
        page_raw(page, "</p>\n");
    }
}

/* ---- what rules do with it ---- */

struct naming {
    struct page *page;
    size_t count;
};

static void write_rule(void *ctx, unsigned line, struct span text)
{
    struct naming *naming = ctx;
    page_raw(naming->page, naming->count++ == 0 ? "<ul class=\"plain\">\n<li>" : "<li>");
    page_sayf(naming->page, TR(naming->page, "line {1}"), SAY(say_number(line)));
    page_raw(naming->page, ": <code dir=\"auto\">");
    page_esc(naming->page, text);
    page_raw(naming->page, "</code></li>\n");
}

static const char *set_of(const struct draft *draft)
{
    return draft->has_word ? draft->word.set : draft->address.name;
}

static int write_effect(struct page *page, const struct view *view, const struct draft *draft, struct err *err)
{
    const struct policy *policy;
    struct naming naming = {.page = page};
    char set[LIST_NAME_MAX + 8];
    int rc = rules_policy(view->store, &policy, NULL, err);
    if (rc < 0)
        return rc;
    snprintf(set, sizeof(set), POLICY_LIST_PREFIX "%s", set_of(draft));
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("What adopting does"));
    page_raw(page, "</h2>\n<p>");
    page_sayf(page,
              TR(page,
                 "Members come into the set @{1}, which does nothing until a rule names it. Labels are shown with "
                 "their records. Values are for other programs (tongzhou list print --values)."),
              SAY(say_text(span_str(set))));
    page_raw(page, "</p>\n");
    policy_naming(policy, set, write_rule, &naming);
    if (naming.count > 0)
        page_raw(page, "</ul>\n");
    else
        page_say_p(page, "quiet", TR_MARK("No rule names that set."));
    page_raw(page, "</section>\n");
    return 0;
}

/* ---- a person's word ---- */

static const struct page_field reason_field = {"reason",
                                               TR_MARK("Reason"),
                                               TR_MARK("It stays with the decision: whoever asks why is told."),
                                               DECISION_REASON_MAX,
                                               false,
                                               true};
static const struct page_field set_field = {
    "set", TR_MARK("As the set"), TR_MARK("a to z, 0 to 9 and -"), LIST_NAME_MAX, false, false};

static void write_button(struct page *page, const char *act, const char *words)
{
    page_fmt(page, " <button type=\"submit\" name=\"act\" value=\"%s\">", act);
    page_say(page, words);
    page_raw(page, "</button>");
}

static void write_form(struct page *page, const struct showing *s)
{
    const struct draft *draft = &s->draft;
    struct span set = http_form_value(s->request, "set");
    char version[65];
    hex_encode(draft->version, 32, version);
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("What it would change"));
    page_raw(page, "</h2>\n");
    if (draft->change_count == 0)
        page_say_p(page, "quiet", TR_MARK("It would change nothing here."));
    page_raw(page, "<form class=\"fields\" method=\"post\" enctype=\"multipart/form-data\" action=\"");
    page_list_path(page, &draft->address);
    page_fmt(page, "?from=%" PRIu64 "\">\n", s->from);
    page_form_token(page);
    page_fmt(
        page,
        "<input type=\"hidden\" name=\"version\" value=\"%s\"><input type=\"hidden\" name=\"after\" value=\"%" PRId64
        "\">\n",
        version, draft->has_word ? draft->word.number : 0);
    page_raw(page, "<ul class=\"plain\">\n");
    write_changes(page, s);
    page_raw(page, "</ul>\n");
    write_more(page, s);
    page_field(page, &reason_field, http_form_value(s->request, "reason"));
    page_field(page, &set_field, set.len > 0 ? set : span_str(set_of(draft)));
    page_raw(page, "<p>");
    if (draft->change_count > 0) {
        write_button(page, "all", TR_MARK("Adopt all changes"));
        write_button(page, "chosen", TR_MARK("Adopt those that are ticked"));
    } else {
        write_button(page, "all", TR_MARK("Adopt this version"));
    }
    write_button(page, "decline", TR_MARK("Leave it as it is"));
    page_raw(page, "</p>\n</form>\n</section>\n");
}

/* ---- who decided before ---- */

struct history {
    struct page *page;
    size_t skip, count;
};

static int count_word(void *ctx, const struct list_word *word, struct err *err)
{
    (void)word, (void)err;
    ++*(size_t *)ctx;
    return 0;
}

static int write_word(void *ctx, const struct list_word *word, struct err *err)
{
    struct history *history = ctx;
    struct page *page = history->page;
    (void)err;
    if (history->count++ < history->skip)
        return 0;
    page_raw(page, "<li>");
    page_sayf(page,
              word->act == LIST_ADOPTED ? TR(page, "adopted by {1}, {2}, as @list:{3}: {4} added, {5} removed")
                                        : TR(page, "left alone by {1}, {2}"),
              SAY(say_text(span_str(word->who)), say_time(word->time_ms), say_text(span_str(word->set)),
                  say_number(word->added), say_number(word->removed)));
    page_raw(page, ": ");
    page_bdi(page, span_str(word->reason));
    page_raw(page, "</li>\n");
    return 0;
}

static int write_history(struct page *page, const struct view *view, const struct draft *draft, struct err *err)
{
    size_t all = 0;
    struct history history = {.page = page};
    if (!draft->has_word)
        return 0;
    int rc = lists_words(view->store, &draft->address, count_word, &all, err);
    history.skip = all > WORDS_SHOWN ? all - WORDS_SHOWN : 0;
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("Who decided about it"));
    page_raw(page, "</h2>\n<ul class=\"plain\">\n");
    if (rc == 0)
        rc = lists_words(view->store, &draft->address, write_word, &history, err);
    page_raw(page, "</ul></section>\n");
    return rc;
}

/* ---- the page ---- */

static int write_page(const struct view *view, const struct showing *s, struct http_reply *reply, struct err *err)
{
    struct page page;
    page_policy_begin(&page, s->request, reply, TR_MARK("A list of others"));
    if (s->wrong) {
        page_raw(&page, "<p class=\"alert bad\" role=\"alert\">");
        page_sayf(&page, page_text(&page, s->wrong), SAY(say_text(span_str(s->detail))));
        page_raw(&page, "</p>\n");
        reply->status = 400;
    }
    write_offer(&page, &s->draft);
    write_form(&page, s);
    int rc = write_effect(&page, view, &s->draft, err);
    if (rc == 0)
        rc = write_history(&page, view, &s->draft, err);
    return rc < 0 ? rc : page_end(&page, err);
}

/* The list that the path names. */
static bool read_address(const struct http_request *request, struct list_address *ret)
{
    char text[LIST_SOURCE_MAX + LIST_NAME_MAX + 4];
    bool is_file = request->part_count == 1;
    int len = is_file ? snprintf(text, sizeof(text), LIST_FILE_SOURCE "#%.*s", SPAN_ARGS(request->part[0]))
                      : snprintf(text, sizeof(text), "%.*s/%.*s#%.*s", SPAN_ARGS(request->part[0]),
                                 SPAN_ARGS(request->part[1]), SPAN_ARGS(request->part[2]));
    return len > 0 && (size_t)len < sizeof(text) && list_address_parse(span_of(text, (size_t)len), ret);
}

/* 1: it is there; 0: the reply says that it is not. */
static int find(const struct view *view, struct showing *s, struct arena *arena, struct http_reply *reply,
                struct err *err)
{
    struct list_address address;
    struct err unread = {0};
    struct span from = http_query(s->request, "from");
    if (from.len > 0 && !span_u64(from, LIST_ITEMS_MAX * 2, &s->from))
        return err_set(err, ERR_USAGE, "from: no number");
    int rc = read_address(s->request, &address) ? drafts_read(view, &address, arena, &s->draft, &unread) : ERR_NOTFOUND;
    if (rc == ERR_NOTFOUND)
        return http_problem(s->request, reply, 404, TR_MARK("Not found"), TR_MARK("There is no such list here."));
    return rc < 0 ? err_set(err, rc, "%s", unread.text) : 1;
}

int page_list(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct showing s = {.request = request};
    struct arena arena;
    if (!page_may_decide(request, reply))
        return 0;
    arena_init(&arena, ARENA_MAX);
    int rc = find(view, &s, &arena, reply, err);
    if (rc > 0)
        rc = write_page(view, &s, reply, err);
    arena_done(&arena);
    return rc;
}

/* ---- what was sent ---- */

/* Which boxes are ticked: "c" and the number of a change each. All in one pass, as there may be hundreds. */
static int read_chosen(struct showing *s, struct arena *arena, struct err *err)
{
    struct http_multipart form;
    struct http_form_part part;
    struct err ignored;
    uint64_t at;
    s->chosen = arena_array(arena, s->draft.change_count + 1, sizeof(*s->chosen));
    if (!s->chosen)
        return err_memory(err);
    memset(s->chosen, 0, (s->draft.change_count + 1) * sizeof(*s->chosen));
    if (http_multipart_init(&form, s->request->content_type, s->request->body, &ignored) < 0)
        return 0;
    while (http_multipart_next(&form, &part, &ignored) == 1)
        if (span_starts(part.name, SPAN_LIT("c")) && s->draft.change_count > 0 &&
            span_u64(span_sub(part.name, 1, part.name.len), s->draft.change_count - 1, &at)) {
            s->chosen[at] = true;
            s->chosen_count++;
        }
    return 0;
}

static bool is_chosen(void *ctx, const struct list_change *change)
{
    const struct showing *s = ctx;
    return s->chosen[change - s->draft.changes];
}

/* What the form says; NULL, or a source text. */
static const char *read_form(const struct showing *s, struct list_word *word)
{
    const struct http_request *request = s->request;
    struct span act = http_form_value(request, "act"), set = span_trim(http_form_value(request, "set"));
    const char *reason = page_one_line(request, "reason", DECISION_REASON_MAX);
    uint64_t after;
    if (!reason)
        return TR_MARK("A text is too long, or holds characters that are no text.");
    if (!reason[0])
        return TR_MARK("A reason is needed: whoever asks why is told.");
    if (!span_is(act, "all") && !span_is(act, "chosen") && !span_is(act, "decline"))
        return TR_MARK("Please choose what to decide.");
    if (span_is(act, "chosen") && s->chosen_count == 0)
        return TR_MARK("Nothing is ticked.");
    if (!span_is(act, "decline") && !policy_set_name_valid(set))
        return TR_MARK("A set has a to z, 0 to 9 and -, and begins with a letter.");
    if (!span_u64(http_form_value(request, "after"), INT64_MAX, &after))
        return TR_MARK("Something in this form does not have the form it should have.");
    if (after != (uint64_t)(s->draft.has_word ? s->draft.word.number : 0))
        return TR_MARK("Somebody has decided about this list meanwhile. Please look at it again.");
    snprintf(word->reason, sizeof(word->reason), "%s", reason);
    snprintf(word->set, sizeof(word->set), "%.*s", SPAN_ARGS(set));
    snprintf(word->who, sizeof(word->who), "%.120s", request->visitor->user.name);
    word->time_ms = request->now_ms;
    return NULL;
}

static int say(struct showing *s, struct list_word *word, struct arena *arena, struct err *err)
{
    struct signing *signing = s->request->visitor->signing;
    struct store *store = NULL;
    struct span act = http_form_value(s->request, "act");
    bool declines = span_is(act, "decline");
    char result[LIST_SOURCE_MAX + LIST_NAME_MAX + 160];
    int rc = signing_take(signing, SIGNING_QUICK, &store, err);
    if (rc < 0)
        return rc;
    if (declines)
        rc = drafts_decline(store, &s->draft, word, err);
    else
        rc = drafts_adopt(store, &s->draft, span_is(act, "chosen") ? is_chosen : NULL, s, word, arena, err);
    snprintf(result, sizeof(result), "%s %s#%s%s%s", declines ? "declined" : "adopted", word->address.source,
             word->address.name, declines ? "" : " as @list:", declines ? "" : word->set);
    if (rc == 0)
        rc = account_note(store, s->request, s->request->visitor->user.name, "list", result, err);
    signing_give(signing, SIGNING_QUICK, rc);
    return rc;
}

/* Said, or the page again with what is wrong. */
static int decide(const struct view *view, struct showing *s, struct arena *arena, struct http_reply *reply,
                  struct err *err)
{
    struct list_word word = {0};
    struct err wrong = {0};
    s->detail = "";
    if (drafts_check_seen(&s->draft, http_form_value(s->request, "version"), &wrong) < 0)
        s->wrong = TR_MARK("The list is another one by now. Please look at it again.");
    else
        s->wrong = read_form(s, &word);
    if (s->wrong)
        return write_page(view, s, reply, err);
    int rc = say(s, &word, arena, &wrong);
    if (rc == ERR_STATE || rc == ERR_SYNTAX || rc == ERR_LIMIT) {
        s->wrong = TR_MARK("This cannot be decided: {1}");
        s->detail = wrong.text;
        return write_page(view, s, reply, err);
    }
    return rc < 0 ? err_set(err, rc, "%s", wrong.text) : account_go(s->request, reply, "/policy/lists");
}

int page_list_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                   struct err *err)
{
    struct showing s = {.request = request};
    struct arena arena;
    if (!page_may_decide(request, reply))
        return 0;
    arena_init(&arena, ARENA_MAX);
    int rc = find(view, &s, &arena, reply, err);
    if (rc > 0 && read_chosen(&s, &arena, err) < 0)
        rc = err->code;
    if (rc > 0)
        rc = decide(view, &s, &arena, reply, err);
    arena_done(&arena);
    return rc;
}

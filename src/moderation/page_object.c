/* A visitor objects to a record: the form, and what was sent. Bounded by address, by record, and in all. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "http/attempts.h"
#include "moderation/pages.h"
#include "state/notices.h"

static const struct page_field fields[] = {
    {"why", TR_MARK("What is wrong with it, and why"), TR_MARK("So that a person can judge without asking back."),
     COMPLAINT_WHY_MAX, true, true},
    {"ground", TR_MARK("Which law it breaks, or whose right"), NULL, COMPLAINT_WORD_MAX, false, false},
    {"who", TR_MARK("Your name"), NULL, COMPLAINT_WORD_MAX, false, false},
    {"contact", TR_MARK("Where an answer reaches you"), TR_MARK("An e-mail address, for instance."), COMPLAINT_WORD_MAX,
     false, false},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* ---- how often ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct attempts *attempts; /* NULL: no memory; then the bounds of the table hold alone */

static void make_attempts(void)
{
    attempts = attempts_new();
}

/* Milliseconds to wait; if none, it counts. */
static int64_t count_attempt(const struct http_request *request, const char *subject)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct attempt attempt = {.address = request->visitor->address,
                              .name = span_str(subject),
                              .now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000};
    pthread_once(&once, make_attempts);
    if (!attempts)
        return 0;
    int64_t wait_ms = attempts_wait_ms(attempts, &attempt);
    if (wait_ms == 0)
        attempts_failed(attempts, &attempt);
    return wait_ms;
}

/* ---- the form ---- */

static void write_form(struct page *page, const struct view_record *record)
{
    page_raw(page, "<form class=\"fields\" method=\"post\" action=\"");
    page_record_path(page, "/policy/object", record->log.origin, record->index);
    page_raw(page, "\">\n");
    page_form_token(page);
    for (size_t i = 0; i < FIELDS; i++)
        page_field(page, &fields[i], http_form_value(page->request, fields[i].name));
    page_raw(page,
             "<p><input type=\"checkbox\" id=\"faith\" name=\"faith\" value=\"1\" required> <label for=\"faith\">");
    page_say(page, TR_MARK("I believe in good faith that all of this is accurate and complete."));
    page_raw(page, "</label></p>\n<p><button type=\"submit\">");
    page_say(page, TR_MARK("Object"));
    page_raw(page, "</button></p>\n</form>\n");
}

static int write_page(const struct http_request *request, struct http_reply *reply, const struct view_record *record,
                      const char *wrong, struct err *err)
{
    struct page page;
    page_begin(&page, request, reply, "policy", TR_MARK("Object to a record"));
    reply->cache_control = "private, no-store";
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Object to a record"));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_sayf(&page, TR(&page, "Record {1} of {2}"),
              SAY(say_number(record->index), say_origin(span_str(record->log.origin))));
    page_raw(&page, "</p>\n");
    page_say_p(&page, NULL,
               TR_MARK("If you think that this record is illegal or infringes a right, say so here. Who runs this node "
                       "reads it and decides whether the node goes on showing the record; its author and other nodes "
                       "are not bound by that. What you write is not published."));
    if (wrong) {
        page_raw(&page, "<p class=\"alert bad\" role=\"alert\">");
        page_say(&page, wrong);
        page_raw(&page, "</p>\n");
    }
    write_form(&page, record);
    return page_end(&page, err);
}

/* Only what can be read can be objected to: nothing is told of what is for others. */
static int find(const struct view *view, const struct http_request *request, struct http_reply *reply,
                struct view_record *ret, bool *ret_found, struct err *err)
{
    int rc = page_find_subject(view, request, request->arena, ret, err);
    *ret_found = rc == 0 && ret->has_text && ret->entry_class == ENTRY_SEAL;
    if (rc == ERR_NOTFOUND || (rc == 0 && !*ret_found))
        return http_problem(request, reply, 404, TR_MARK("Not found"),
                            TR_MARK("There is no such record here, or nothing of it that you can read."));
    return rc;
}

int page_object(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct view_record record;
    bool found = false;
    int rc = find(view, request, reply, &record, &found, err);
    return rc < 0 || !found ? rc : write_page(request, reply, &record, NULL, err);
}

/* ---- what was sent ---- */

static bool read_word(const struct http_request *request, const char *name, size_t max, char *out)
{
    const char *word = page_one_line(request, name, max);
    if (word)
        memcpy(out, word, strlen(word) + 1);
    return word != NULL;
}

/* NULL, or a source text. */
static const char *read_form(const struct http_request *request, struct visitor_complaint *c)
{
    if (!read_word(request, "why", COMPLAINT_WHY_MAX, c->why) ||
        !read_word(request, "ground", COMPLAINT_WORD_MAX, c->ground) ||
        !read_word(request, "who", COMPLAINT_WORD_MAX, c->who) ||
        !read_word(request, "contact", COMPLAINT_WORD_MAX, c->contact))
        return TR_MARK("A text is too long, or holds characters that are no text.");
    if (!c->why[0])
        return TR_MARK("Please say what is wrong with it.");
    if (http_form_value(request, "faith").len == 0)
        return TR_MARK("Please state that you believe it in good faith.");
    return NULL;
}

static int put(const struct http_request *request, struct visitor_complaint *c, const char *origin, struct err *err)
{
    struct store *store = NULL;
    struct notice notice = {
        .what = NOTICE_CONTENT_OBJECTED, .time_ms = request->now_ms, .ref = c->ref, .origin = origin};
    int rc = signing_take(request->visitor->signing, SIGNING_QUICK, &store, err);
    if (rc < 0)
        return rc;
    rc = complaint_add(store, c, err);
    if (rc == 0)
        rc = notice_add(store, &notice, err);
    signing_give(request->visitor->signing, SIGNING_QUICK, rc == ERR_LIMIT ? 0 : rc);
    return rc;
}

static int write_thanks(const struct http_request *request, struct http_reply *reply, const struct view_record *record,
                        const struct visitor_complaint *c, struct err *err)
{
    struct page page;
    page_begin(&page, request, reply, "policy", TR_MARK("Object to a record"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Your objection is noted"));
    page_raw(&page, "</h1>\n<p>");
    page_sayf(&page, TR(&page, "It has the number {1}, and waits for a person to decide."),
              SAY(say_number((uint64_t)c->number)));
    page_raw(&page, "</p>\n<p><a href=\"");
    page_record_path(&page, "/record", record->log.origin, record->index);
    page_raw(&page, "\">");
    page_say(&page, TR_MARK("Back to the record"));
    page_raw(&page, "</a></p>\n");
    return page_end(&page, err);
}

int page_object_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err)
{
    struct view_record record;
    struct err full = {0};
    char subject[SUBJECT_MAX + 1];
    bool found = false;
    int rc = find(view, request, reply, &record, &found, err);
    if (rc < 0 || !found)
        return rc;
    if (!request->visitor)
        return http_problem(request, reply, 403, TR_MARK("Not allowed"), TR_MARK("Nothing can be sent to this node."));
    struct visitor_complaint c = {.ref = record.ref, .time_ms = request->now_ms};
    const char *wrong = read_form(request, &c);
    if (wrong) {
        reply->status = 400;
        return write_page(request, reply, &record, wrong, err);
    }
    snprintf(subject, sizeof(subject), "%s/%" PRIu64, record.log.origin, record.index);
    int64_t wait_ms = count_attempt(request, subject);
    if (wait_ms > 0) {
        reply->retry_s = (unsigned)(wait_ms / 1000) + 1;
        return http_problem(request, reply, 429, TR_MARK("Too many objections"),
                            TR_MARK("Many have come from your address, or about this record. Please wait a while."));
    }
    rc = put(request, &c, record.log.origin, &full);
    if (rc == ERR_LIMIT)
        return http_problem(request, reply, 503, TR_MARK("Too many objections"),
                            TR_MARK("As many as this node keeps wait for an answer already. Please come back later."));
    if (rc < 0)
        *err = full;
    return rc < 0 ? rc : write_thanks(request, reply, &record, &c, err);
}

/* A record: what was said, by whom, and how anybody can check that. */
#include "connect/pages.h"

#include <inttypes.h>

#include "base/codec.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "http/visitor.h"

#define BODY_SHOWN ((size_t)256 * 1024) /* bytes of a body on the page; the rest is a link away */

int page_find_record(const struct view *view, const struct http_request *request, struct view_record *ret,
                     struct err *err)
{
    struct log_info log;
    uint64_t index;
    int rc = page_find_log(view, request, &log, err);
    if (rc < 0)
        return rc;
    if (!span_u64(request->part[2], LOG_SIZE_MAX, &index))
        return err_set(err, ERR_NOTFOUND, "not an index");
    return view_record(view, &log, index, request->arena, ret, err);
}

static int not_found(const struct http_request *request, struct http_reply *reply)
{
    return http_problem(request, reply, 404, TR_MARK("Not found"), TR_MARK("There is no such record here."));
}

static void record_path(struct page *page, const struct view_record *record, const char *what)
{
    page_origin_path(page, "/record", span_str(record->log.origin));
    page_fmt(page, "/%" PRIu64 "%s", record->index, what);
}

static void write_link(struct page *page, const struct view_record *record, const char *what, const char *words)
{
    page_raw(page, "<a href=\"");
    record_path(page, record, what);
    page_raw(page, "\">");
    page_say(page, words);
    page_raw(page, "</a>");
}

/* ---- what stands above the body ---- */

static void write_heading(struct page *page, const struct view *view, const struct view_record *record)
{
    page_raw(page, "<h1>");
    if (!record->parsed || !page_title(page, view, &record->record))
        page_sayf(page, TR(page, "Record {1}"), SAY(say_number(record->index)));
    page_raw(page, "</h1>\n<p class=\"lead\">");
    page_sayf(page, TR(page, "Record {1} of {2}"),
              SAY(say_number(record->index), say_origin(span_str(record->log.origin))));
    page_raw(page, " · ");
    page_kind(page, record->parsed ? record->record.kind : SPAN_LIT(""));
    if (record->parsed && record->record.has_time) {
        page_raw(page, " · ");
        page_time(page, record->record.time_ms);
    }
    if (record->parsed) {
        if (record->record.tlp == TLP_CLEAR) {
            page_raw(page, " ");
            page_tlp(page, TLP_CLEAR);
        }
        page_audience(page, record->record.tlp, record->record.to, record->record.to_count);
    }
    page_raw(page, "</p>\n");
}

static void write_header_lines(struct page *page, const struct record *record)
{
    page_raw(page, "<dl class=\"facts header\">\n<div><dt>");
    page_say(page, TR_MARK("kind"));
    page_raw(page, "</dt><dd><code>");
    page_esc(page, record->kind);
    page_raw(page, "</code></dd></div>\n");
    for (size_t i = 0; i < record->line_count; i++) {
        page_raw(page, "<div><dt lang=\"en\">");
        page_bdi(page, record->lines[i].name);
        page_raw(page, "</dt><dd>");
        page_bdi(page, record->lines[i].value);
        page_raw(page, "</dd></div>\n");
    }
    page_raw(page, "</dl>\n");
}

static void write_hold(struct page *page)
{
    page_raw(page, "<p class=\"alert warn\" role=\"note\">");
    page_say(page,
             TR_MARK("This record demands something that this version does not know. So it is kept and shown, but "
                     "nothing follows from it here."));
    page_raw(page, "</p>\n");
}

/* ---- the body ---- */

static void write_plain(struct page *page, struct span body, struct span lang)
{
    size_t shown = body.len < BODY_SHOWN ? body.len : BODY_SHOWN;
    while (shown > 0 && shown < body.len && (body.data[shown] & 0xC0) == 0x80)
        shown--; /* not in the middle of a character */
    page_raw(page, "<pre class=\"body\" dir=\"auto\" tabindex=\"0\"");
    page_lang(page, lang);
    page_raw(page, ">");
    page_pre(page, span_sub(body, 0, shown));
    page_raw(page, shown < body.len ? "\n…</pre>\n" : "</pre>\n");
    if (shown < body.len) {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("This is only the beginning; the rest is in the exact bytes."));
        page_raw(page, "</p>\n");
    }
}

static void write_body(struct page *page, struct span body, struct span lang)
{
    if (body.len == 0) {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("It says nothing more."));
        page_raw(page, "</p>\n");
        return;
    }
    if (page_json(page, body, BODY_SHOWN))
        return;
    if (utf8_valid(body)) {
        write_plain(page, body, lang);
        return;
    }
    page_raw(page, "<p>");
    page_sayf(page, TR(page, "Its content is not text: {1}."), SAY(say_bytes(body.len)));
    page_raw(page, "</p>\n");
}

static void write_hole(struct page *page)
{
    page_raw(page, "<p class=\"alert\" role=\"note\">");
    page_say(page,
             TR_MARK("The content of this record is not here, or it is not for you: it may be meant for others, may "
                     "have been taken back, or has not arrived yet. Its place in the log is certain all the same; "
                     "below is the seal that stands for it."));
    page_raw(page, "</p>\n");
}

static void write_content(struct page *page, const struct view_record *record)
{
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("What it says"));
    page_raw(page, "</h2>\n");
    if (!record->has_text) {
        write_hole(page);
        write_plain(page, record->entry, SPAN_LIT(""));
    } else if (!record->parsed) {
        page_raw(page, "<p class=\"alert warn\" role=\"note\">");
        page_say(page, TR_MARK("This does not have the form of a record. It is carried and shown as it is."));
        page_raw(page, "</p>\n");
        write_body(page, record->text, SPAN_LIT(""));
    } else {
        if (record->record.hold)
            write_hold(page);
        write_header_lines(page, &record->record);
        write_body(page, record->record.body, record->record.lang);
    }
    if (record->has_text) {
        page_raw(page, "<p>");
        write_link(page, record, "/raw", TR_MARK("Exact bytes"));
        page_raw(page, "</p>\n");
    }
    page_raw(page, "</section>\n");
}

/* Whoever reads it can object, and whoever decides decide (the pages of src/moderation). */
static void write_policy_links(struct page *page, const struct view_record *record)
{
    bool decides = visitor_may(page->request->visitor, ACTION_DECIDE) && record->entry_class == ENTRY_SEAL;
    bool objects = record->has_text && record->entry_class == ENTRY_SEAL && record->log.role != LOG_LOCAL;
    if (!decides && !objects)
        return;
    page_raw(page, "<p class=\"quiet\"><a href=\"");
    page_origin_path(page, decides ? "/policy/decide" : "/policy/object", span_str(record->log.origin));
    page_fmt(page, "/%" PRIu64 "\">", record->index);
    page_say(page, decides ? TR_MARK("Decide about this record") : TR_MARK("Object to this record"));
    page_raw(page, "</a></p>\n");
}

/* Whoever may adopt it is led to what that would change. */
static void write_list_link(struct page *page, const struct view_record *record)
{
    struct list list;
    struct err ignored = {0};
    if (!record->has_text || !record->parsed || !visitor_may(page->request->visitor, ACTION_DECIDE) ||
        list_parse(&record->record, page->request->arena, &list, &ignored) < 0)
        return;
    page_raw(page, "<p class=\"quiet\"><a href=\"");
    page_origin_path(page, "/policy/lists", span_str(record->log.origin));
    page_fmt(page, "/%s\">", list.name);
    page_say(page, TR_MARK("What adopting this list would change"));
    page_raw(page, "</a></p>\n");
}

/* ---- how to check it ---- */

struct cosigners {
    struct page *page;
    size_t count;
};

static int write_cosigner(void *ctx, struct span name, uint32_t key_id, uint64_t time, struct span line,
                          struct err *err)
{
    (void)key_id;
    (void)line;
    (void)err;
    struct cosigners *cosigners = ctx;
    struct page *page = cosigners->page;
    page_raw(page, cosigners->count++ == 0 ? "<ul class=\"plain\">\n<li>" : "<li>");
    page_origin_link(page, name);
    page_raw(page, " · ");
    page_time(page, time < INT64_MAX / 1000 ? (int64_t)time * 1000 : INT64_MAX);
    page_raw(page, "</li>\n");
    return 0;
}

/* Hashes stand in a proof file one a line, between the index and the empty line. */
static uint64_t count_steps(struct span proof)
{
    size_t end = span_search(proof, SPAN_LIT("\n\n"));
    uint64_t lines = 1;
    for (size_t i = 0; i < end; i++)
        lines += proof.data[i] == '\n';
    return lines > 2 ? lines - 2 : 0;
}

static void write_salt(struct page *page, struct span salt)
{
    page_raw(page, "<p>");
    page_say(page, TR_MARK("The log holds only a seal of this content. The seal opens with this salt:"));
    page_raw(page, " <code class=\"long\">");
    for (size_t i = 0; i < salt.len; i++)
        page_fmt(page, "%02x", salt.data[i]);
    page_raw(page, "</code></p>\n");
}

static int write_proof(struct page *page, const struct view *view, const struct view_record *record, struct err *err)
{
    struct buf proof;
    buf_init(&proof, (size_t)2 * NOTE_MAX);
    int rc = view_proof(view, &record->log, record->index, &proof, err);
    if (rc < 0) {
        buf_done(&proof);
        return rc;
    }
    uint64_t steps = count_steps(buf_view(&proof));
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("How to check it"));
    page_raw(page, "</h2>\n<p>");
    page_sayf(
        page,
        TRN(page, steps,
            "This record stands in the signed log of its member. {1} step leads from it to the signature; any tlog "
            "program can walk it.",
            "This record stands in the signed log of its member. {1} steps lead from it to the signature; any tlog "
            "program can walk them."),
        SAY(say_number(steps)));
    page_raw(page, "</p>\n<p>");
    write_link(page, record, "/proof", TR_MARK("Proof"));
    page_raw(page, " · ");
    write_link(page, record, "/entry", TR_MARK("Entry in the log"));
    page_raw(page, "</p>\n");
    if (record->has_text && record->salt.len > 0)
        write_salt(page, record->salt);
    page_raw(page, "<details><summary>");
    page_say(page, TR_MARK("Show the proof"));
    page_raw(page, "</summary><pre dir=\"ltr\" tabindex=\"0\">");
    page_pre(page, buf_view(&proof));
    page_raw(page, "</pre></details>\n<h3>");
    page_say(page, TR_MARK("Who has checked this log"));
    page_raw(page, "</h3>\n");
    struct cosigners cosigners = {.page = page};
    rc = store_cosignatures(view->store, record->log.number, write_cosigner, &cosigners, err);
    if (cosigners.count > 0) {
        page_raw(page, "</ul>");
    } else {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("Nobody yet for its newest state."));
        page_raw(page, "</p>");
    }
    page_raw(page, "</section>\n");
    buf_done(&proof);
    return rc;
}

static void write_neighbours(struct page *page, const struct view_record *record)
{
    page_raw(page, "<nav class=\"pages\"><ul>");
    if (record->index > 0) {
        page_raw(page, "<li><a rel=\"prev\" href=\"");
        page_origin_path(page, "/record", span_str(record->log.origin));
        page_fmt(page, "/%" PRIu64 "\">", (record->index - 1));
        page_say(page, TR_MARK("Record before"));
        page_raw(page, "</a></li>");
    }
    if (record->index + 1 < record->log.size) {
        page_raw(page, "<li><a rel=\"next\" href=\"");
        page_origin_path(page, "/record", span_str(record->log.origin));
        page_fmt(page, "/%" PRIu64 "\">", (record->index + 1));
        page_say(page, TR_MARK("Record after"));
        page_raw(page, "</a></li>");
    }
    page_raw(page, "</ul></nav>\n");
}

int page_record(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    struct view_record record;
    int rc = page_find_record(view, request, &record, err);
    if (rc == ERR_NOTFOUND)
        return not_found(request, reply);
    if (rc < 0)
        return rc;
    page_begin(&page, request, reply, "", TR_MARK("Record"));
    write_heading(&page, view, &record);
    if (record.log.standing == STANDING_FROZEN && record.index >= record.log.frozen_from) {
        page_raw(&page, "<p class=\"alert bad\" role=\"note\">");
        page_say(&page,
                 TR_MARK("This log is frozen before this record: it told two histories. The record is shown, but "
                         "nothing follows from it."));
        page_raw(&page, "</p>\n");
    }
    rc = page_labels(&page, view, &record, err);
    write_content(&page, &record);
    write_policy_links(&page, &record);
    write_list_link(&page, &record);
    for (size_t i = 0; rc == 0 && capabilities[i]; i++)
        if (capabilities[i]->page_about)
            rc = capabilities[i]->page_about(&page, view, &record, err);
    if (rc == 0)
        rc = write_proof(&page, view, &record, err);
    if (rc < 0)
        return rc;
    write_neighbours(&page, &record);
    return page_end(&page, err);
}

/* ---- bytes for programs ---- */

static int send_bytes(struct span bytes, struct http_reply *reply)
{
    /* Text of others never becomes markup of ours: the type says so, and browsers are told not to guess. */
    reply->content_type = utf8_valid(bytes) ? "text/plain; charset=utf-8" : "application/octet-stream";
    reply->cache_control = "no-cache"; /* it may be taken back */
    uint8_t hash[SHA256_SIZE];
    sha256_once(bytes, hash);
    reply->etag[0] = '"';
    hex_encode(hash, sizeof(hash), reply->etag + 1);
    memcpy(reply->etag + 1 + HEX_LEN(sizeof(hash)), "\"", 2);
    reply->allow_range = true;
    buf_span(&reply->body, bytes);
    return 0;
}

int page_record_raw(const struct view *view, const struct http_request *request, struct http_reply *reply,
                    struct err *err)
{
    struct view_record record;
    int rc = page_find_record(view, request, &record, err);
    if (rc == ERR_NOTFOUND)
        return not_found(request, reply);
    if (rc == 0 && !record.has_text)
        return http_problem(request, reply, 404, TR_MARK("Not found"),
                            TR_MARK("The content of this record is not here, or it is not for you."));
    return rc < 0 ? rc : send_bytes(record.text, reply);
}

int page_record_labels(const struct view *view, const struct http_request *request, struct http_reply *reply,
                       struct err *err)
{
    struct view_record record;
    int rc = page_find_record(view, request, &record, err);
    if (rc == ERR_NOTFOUND || (rc == 0 && !record.has_text))
        return not_found(request, reply);
    reply->content_type = "application/json";
    reply->cache_control = "private, no-cache"; /* persons here are told more */
    return rc < 0 ? rc : labels_json(view, &record, &reply->body, err);
}

int page_record_entry(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err)
{
    struct view_record record;
    int rc = page_find_record(view, request, &record, err);
    if (rc == ERR_NOTFOUND)
        return not_found(request, reply);
    return rc < 0 ? rc : send_bytes(record.entry, reply);
}

int page_record_proof(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err)
{
    struct view_record record;
    int rc = page_find_record(view, request, &record, err);
    if (rc == ERR_NOTFOUND)
        return not_found(request, reply);
    if (rc < 0)
        return rc;
    reply->content_type = "text/plain; charset=utf-8";
    reply->cache_control = "no-cache";
    return view_proof(view, &record.log, record.index, &reply->body, err);
}

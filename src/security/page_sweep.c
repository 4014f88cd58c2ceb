/*
 * Sweeping a file that somebody drops on the page. What is sent stands in memory for the time of the request and nowhere
 * else. A hit is shown only with a reporter that the viewer may see.
 */
#include "security/pages.h"

#include <time.h>

#include "base/utf8.h"
#include "http/multipart.h"

#define HITS_SHOWN 500
#define HITS_LOOKED_AT 200000 /* hits whose reporters are asked for, at most: a hostile file is not worth more */
#define CONTEXT_BYTES 160     /* of a line around what was found */
#define REPORTERS_SHOWN 3
#define ROWS_PER_HIT 6      /* looked at for their reporters: one member may have said it twice */
#define VERDICT_SLOTS 65536 /* power of two: values whose visibility is remembered during one sweep */

void page_sweep_form(struct page *page)
{
    page_raw(page, "<section aria-labelledby=\"sweep\"><h2 id=\"sweep\">");
    page_say(page, TR_MARK("Look through your own log"));
    page_raw(page, "</h2>\n<form class=\"sweep\" id=\"sweep-form\" method=\"post\" action=\"/sweep\" "
                   "enctype=\"multipart/form-data\">\n");
    page_form_token(page);
    page_raw(page, "<p>");
    page_say(page, TR_MARK("Give a log file of yours, and see whether anything in it has been reported. It is looked "
                           "through on this node, then forgotten: nothing of it is kept or passed on."));
    page_raw(page, "</p>\n<div class=\"drop\"><label for=\"file\">");
    page_say(page, TR_MARK("File (plain text, at most 64 MiB)"));
    page_raw(page, "<span class=\"hint\" hidden>");
    page_say(page, TR_MARK(", or drop it here"));
    page_raw(page, "</span></label> <div class=\"line\"><input type=\"file\" id=\"file\" name=\"file\" required> "
                   "<button type=\"submit\">");
    page_say(page, TR_MARK("Look through it"));
    page_raw(page, "</button></div></div>\n</form></section>\n");
}

/* ---- one hit ---- */

struct told_value {
    const uint8_t *value; /* of the set: one value has one address there */
    bool visible;
};

struct sweeping {
    struct page *page;
    const struct view *view;
    struct told_value *verdicts;
    size_t verdict_count;
    uint64_t visible_hits, looked_at;
    bool cut;
};

static struct told_value *find_verdict(struct sweeping *sweeping, const uint8_t *value)
{
    size_t slot = ((uintptr_t)value * UINT64_C(0x9E3779B97F4A7C15)) >> 48; /* 16 bits: VERDICT_SLOTS */
    while (sweeping->verdicts[slot].value && sweeping->verdicts[slot].value != value)
        slot = (slot + 1) % VERDICT_SLOTS;
    return &sweeping->verdicts[slot];
}

static void write_line(struct page *page, const struct sweep_hit *hit)
{
    size_t from = hit->at > CONTEXT_BYTES ? hit->at - CONTEXT_BYTES : 0;
    size_t to =
        hit->text.len - (hit->at + hit->len) > CONTEXT_BYTES ? hit->at + hit->len + CONTEXT_BYTES : hit->text.len;
    while (from > 0 && from < hit->at && (hit->text.data[from] & 0xC0) == 0x80)
        from++; /* not in the middle of a character */
    while (to < hit->text.len && to > hit->at + hit->len && (hit->text.data[to] & 0xC0) == 0x80)
        to--;
    page_raw(page, from > 0 ? "<code class=\"log\" dir=\"ltr\">…" : "<code class=\"log\" dir=\"ltr\">");
    page_esc(page, span_sub(hit->text, from, hit->at - from));
    page_raw(page, "<mark>");
    page_esc(page, span_sub(hit->text, hit->at, hit->len));
    page_raw(page, "</mark>");
    page_esc(page, span_sub(hit->text, hit->at + hit->len, to - (hit->at + hit->len)));
    page_raw(page, to < hit->text.len ? "…</code>" : "</code>");
}

static void write_hit(struct sweeping *sweeping, const struct sweep_hit *hit, const struct intel_rows *rows,
                      size_t count)
{
    struct page *page = sweeping->page;
    page_raw(page, "<li><p class=\"about\">");
    page_sayf(page, TR(page, "Line {1}:"), SAY(say_number(hit->line)));
    page_raw(page, " ");
    page_value_link(page, hit->ioc->type, hit->ioc->value);
    page_raw(page, " · ");
    page_esc(page, span_str(page_ioc_words(page, hit->ioc->type)));
    size_t named = 0;
    for (size_t i = 0; i < rows->count && named < REPORTERS_SHOWN; i++) {
        bool repeated = false;
        for (size_t k = 0; k < i; k++)
            repeated = repeated || strcmp(rows->rows[k].origin, rows->rows[i].origin) == 0;
        if (repeated)
            continue;
        page_raw(page, named++ == 0 ? " · " : ", ");
        page_origin_link(page, span_str(rows->rows[i].origin));
    }
    if (count > rows->count)
        page_raw(page, ", …");
    page_raw(page, "</p>");
    write_line(page, hit);
    page_raw(page, "</li>\n");
}

static int on_hit(void *ctx, const struct sweep_hit *hit, struct err *err)
{
    struct sweeping *sweeping = ctx;
    struct told_value *verdict = find_verdict(sweeping, hit->ioc->value.data);
    bool shown = sweeping->visible_hits < HITS_SHOWN;
    if (verdict->value && (!verdict->visible || !shown)) {
        sweeping->visible_hits += verdict->visible;
        return 0;
    }
    if (sweeping->looked_at++ >= HITS_LOOKED_AT) {
        sweeping->cut = true;
        return 0;
    }
    struct intel_rows rows = {.arena = sweeping->page->request->arena, .max = ROWS_PER_HIT};
    size_t count = 0;
    int rc = intel_hit_rows(sweeping->view, hit, ROWS_PER_HIT, intel_rows_keep, &rows, &count, err);
    if (rc < 0)
        return rc;
    if (!verdict->value && sweeping->verdict_count < VERDICT_SLOTS / 2) {
        *verdict = (struct told_value){hit->ioc->value.data, count > 0};
        sweeping->verdict_count++;
    }
    if (count == 0)
        return 0;
    if (shown)
        write_hit(sweeping, hit, &rows, count);
    sweeping->visible_hits++;
    return 0;
}

/* ---- the whole file ---- */

static void write_summary(struct sweeping *sweeping, const struct sweep_stats *stats, int64_t took_ms)
{
    struct page *page = sweeping->page;
    uint64_t hits = sweeping->visible_hits;
    page_raw(page, "<p class=\"found\"><strong>");
    if (hits == 0)
        page_say(page, TR_MARK("Nothing in it has been reported by anybody here."));
    else
        page_sayf(page, TRN(page, hits, "One place needs a look.", "{1} places need a look."), SAY(say_number(hits)));
    page_raw(page, "</strong> ");
    page_sayf(page,
              TRN(page, stats->lines, "One line ({2}) was looked through.", "{1} lines ({2}) were looked through."),
              SAY(say_number(stats->lines), say_bytes(stats->bytes)));
    page_raw(page, " <span class=\"quiet\">");
    page_number(page, took_ms > 0 ? (uint64_t)took_ms : 1);
    page_raw(page, "\xC2\xA0ms</span></p>\n");
    if (hits > HITS_SHOWN || sweeping->cut) {
        page_raw(page, "<p class=\"alert\" role=\"note\">");
        page_sayf(page, TR(page, "The first {1} are shown. The command 'tongzhou sweep FILE' shows all of them."),
                  SAY(say_number(HITS_SHOWN)));
        page_raw(page, "</p>\n");
    }
}

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int run_sweep(struct sweeping *sweeping, const struct intel_set *set, struct span text, struct err *err)
{
    struct page *page = sweeping->page;
    struct buf hits, *body = page->out;
    int64_t began_ms = clock_ms();
    struct sweep *sweep = sweep_new(intel_set_sweep(set), on_hit, sweeping);
    if (!sweep)
        return err_memory(err);
    buf_init(&hits, body->max);
    page->out = &hits; /* the summary comes first, but is known last */
    int rc = sweep_feed(sweep, text, err);
    if (rc == 0)
        rc = sweep_end(sweep, err);
    page->out = body;
    if (rc == 0)
        rc = buf_check(&hits, "hits", err);
    if (rc == 0) {
        write_summary(sweeping, sweep_stats(sweep), clock_ms() - began_ms);
        page_raw(page, "<ol class=\"hits\">\n");
        buf_span(page->out, buf_view(&hits));
        page_raw(page, "</ol>\n");
    }
    buf_done(&hits);
    sweep_free(sweep);
    return rc;
}

static int sweep_text(struct sweeping *sweeping, struct span text, struct err *err)
{
    const struct view *view = sweeping->view;
    const struct http_request *request = sweeping->page->request;
    struct intel_set *set;
    sweeping->verdicts = arena_array(request->arena, VERDICT_SLOTS, sizeof(*sweeping->verdicts));
    if (!sweeping->verdicts)
        return err_memory(err);
    struct intel_set_options options = {.store = view->store, .now_ms = request->now_ms};
    int rc = intel_set_open(view->index, &options, &set, err);
    if (rc < 0)
        return rc;
    rc = run_sweep(sweeping, set, text, err);
    intel_set_close(set);
    return rc;
}

/* gzip, zstd, xz, zip, bzip2 by their first bytes. */
static bool is_compressed(struct span text)
{
    return span_starts(text, SPAN_LIT("\x1f\x8b")) || span_starts(text, SPAN_LIT("\x28\xb5\x2f\xfd")) ||
           span_starts(text, SPAN_LIT("\xfd"
                                      "7zXZ")) ||
           span_starts(text, SPAN_LIT("PK\x03\x04")) || span_starts(text, SPAN_LIT("BZh"));
}

/* What was sent: a form's file, or the body itself. */
static int find_text(const struct http_request *request, struct span *ret_text, struct span *ret_name, struct err *err)
{
    *ret_text = request->body;
    *ret_name = SPAN_LIT("");
    if (!http_is_multipart(request->content_type))
        return 0;
    struct http_multipart form;
    struct http_form_part part;
    int rc = http_multipart_init(&form, request->content_type, request->body, err);
    while (rc == 0 && (rc = http_multipart_next(&form, &part, err)) == 1) {
        if (!span_is(part.name, "file")) {
            rc = 0;
            continue;
        }
        *ret_text = part.content;
        *ret_name = part.filename.data ? part.filename : SPAN_LIT("");
        return 0;
    }
    return rc < 0 ? rc : err_set(err, ERR_SYNTAX, "form: no file in it");
}

int page_sweep(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    struct span text, name;
    if (find_text(request, &text, &name, err) < 0 || text.len == 0)
        return http_problem(
            request, reply, 400, TR_MARK("No file"),
            TR_MARK("No file came with the form, or an empty one. Please choose a file and try again."));
    if (is_compressed(text))
        return http_problem(
            request, reply, 415, TR_MARK("Compressed"),
            TR_MARK("This file is compressed. Please unpack it first; the command 'tongzhou sweep FILE' "
                    "reads it as it is."));
    if (utf16_marked(text))
        return http_problem(request, reply, 415, TR_MARK("UTF-16"),
                            TR_MARK("This file is in UTF-16, as Windows may write text. Please save it as UTF-8 and "
                                    "send it again."));
    page_begin(&page, request, reply, "intelligence", TR_MARK("What was found"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("What was found"));
    page_raw(&page, "</h1>\n");
    if (name.len > 0 && utf8_valid(name)) {
        page_raw(&page, "<p class=\"lead\">");
        page_bdi(&page, name);
        page_raw(&page, "</p>\n");
    }
    struct sweeping sweeping = {.page = &page, .view = view};
    int rc = sweep_text(&sweeping, text, err);
    if (rc < 0)
        return rc;
    page_raw(&page, "<p><a href=\"/intelligence\">");
    page_say(&page, TR_MARK("Look through another file"));
    page_raw(&page, "</a></p>\n");
    return page_end(&page, err);
}

/* A member: what it says of itself, its keys, who vouches for its log, its newest records. */
#include "connect/pages.h"

#include <inttypes.h>

#include "base/codec.h"
#include "connect/succession.h"

#define RECORDS_SHOWN 50

static void write_alert(struct page *page, const struct log_info *log)
{
    if (log->standing == STANDING_GOOD)
        return;
    bool frozen = log->standing == STANDING_FROZEN;
    page_fmt(page, "<div class=\"alert %s\" role=\"note\"><h2>", frozen ? "bad" : "warn");
    page_say(page, frozen ? TR_MARK("This log is frozen") : TR_MARK("This log is suspended"));
    page_raw(page, "</h2><p>");
    if (frozen)
        page_sayf(page,
                  TR(page,
                     "It told two different histories, and there is proof of it. Everything before record {1} still "
                     "counts; what comes from there on does not. The member can go on in a new log that follows "
                     "this one."),
                  SAY(say_number(log->frozen_from)));
    else
        page_say(page, TR_MARK("Two signed versions of it were seen that do not fit together. Nothing was taken away; "
                               "nothing new is taken in until it is clear which one is true."));
    page_raw(page, "</p></div>\n");
}

static void write_list(struct page *page, const char *label, const struct member_list *list)
{
    if (list->count == 0)
        return;
    page_fact(page, label);
    for (unsigned i = 0; i < list->count; i++) {
        page_raw(page, i > 0 ? ", " : "");
        page_bdi(page, span_str(list->item[i]));
    }
    page_fact_end(page);
}

static void write_text(struct page *page, const char *label, const char *text)
{
    if (text[0] == '\0')
        return;
    page_fact(page, label);
    page_bdi(page, span_str(text));
    page_fact_end(page);
}

/* ---- which log goes on for which ---- */

#define SUCCESSORS_SHOWN 8 /* anybody can say that its log follows another one */

static void write_succession_state(struct page *page, enum succession succession)
{
    page_raw(page, succession == SUCCESSION_TRUE    ? " <span class=\"state good\">"
                   : succession == SUCCESSION_FALSE ? " <span class=\"state bad\">"
                                                    : " <span class=\"state quiet\">");
    if (succession == SUCCESSION_TRUE)
        page_say(page, TR_MARK("proven: the old log's recovery key signed for it"));
    else if (succession == SUCCESSION_FALSE)
        page_say(page, TR_MARK("not proven: the old log's recovery key did not sign for it"));
    else
        page_say(page, TR_MARK("cannot be checked here: this node does not have the old log"));
    page_raw(page, "</span>");
}

static int write_predecessor(struct page *page, const struct view *view, const struct log_info *log,
                             const struct profile *profile, struct err *err)
{
    enum succession succession;
    struct log_info old;
    if (!profile->has_succeeds)
        return 0;
    int rc = succession_of(view->store, log->number, &succession, &old, err);
    if (rc < 0)
        return rc;
    if (succession > SUCCESSION_UNKNOWN && !view_sees_log(view, &old))
        succession = SUCCESSION_UNKNOWN;
    page_fact(page, TR(page, "Continues the log"));
    page_origin_link(page, span_str(profile->succeeds_origin));
    write_succession_state(page, succession);
    page_fact_end(page);
    return 0;
}

/* Origins of logs that name this one, in the request's arena. */
static int find_successors(struct page *page, const struct view *view, const struct log_info *log,
                           struct span found[SUCCESSORS_SHOWN], size_t *ret_count, struct err *err)
{
    int rc;
    *ret_count = 0;
    sqlite3_stmt *query =
        index_statement(view->index, "SELECT origin FROM connect_member WHERE succeeds = ?1 ORDER BY ref", err);
    if (!query)
        return err->code;
    sqlite3_bind_text(query, 1, log->origin, -1, SQLITE_STATIC);
    while ((rc = index_step(view->index, query, err)) > 0 && *ret_count < SUCCESSORS_SHOWN) {
        struct span origin = span_of(sqlite3_column_text(query, 0), (size_t)sqlite3_column_bytes(query, 0));
        found[(*ret_count)++] = arena_copy(page->request->arena, origin);
    }
    sqlite3_reset(query);
    return rc < 0 ? rc : 0;
}

static int write_successors(struct page *page, const struct view *view, const struct log_info *log, struct err *err)
{
    struct span found[SUCCESSORS_SHOWN];
    size_t count = 0;
    int rc = view->index ? find_successors(page, view, log, found, &count, err) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct log_info next, old;
        enum succession succession = SUCCESSION_NONE;
        struct err ignored;
        if (!found[i].data || view_log_find(view, found[i], &next, &ignored) < 0)
            continue;
        rc = succession_of(view->store, next.number, &succession, &old, err);
        if (rc < 0 || succession == SUCCESSION_NONE)
            continue;
        page_fact(page, TR(page, "Is continued by"));
        page_origin_link(page, span_str(next.origin));
        write_succession_state(page, succession);
        page_fact_end(page);
    }
    return rc;
}

static void write_profile(struct page *page, const struct view *view, const struct log_info *log,
                          const struct profile *profile)
{
    struct span origin = span_str(log->origin);
    page_raw(page, "<dl class=\"facts\">\n");
    page_fact(page, TR(page, "Name"));
    page_name_state(page, view, log->origin);
    page_fact_end(page);
    page_fact(page, TR(page, "Who"));
    page_esc(page, span_str(page_class_words(page, profile->class)));
    page_fact_end(page);
    write_text(page, TR(page, "Country or area"), profile->jurisdiction);
    write_list(page, TR(page, "Sectors"), &profile->sectors);
    write_list(page, TR(page, "Languages"), &profile->languages);
    write_text(page, TR(page, "Contact"), profile->contact);
    write_list(page, TR(page, "Addresses it gives"), &profile->endpoints);
    if (profile->host[0] != '\0') {
        page_fact(page, TR(page, "Lives on the node of"));
        page_origin_link(page, span_str(profile->host));
        page_fact_end(page);
    }
    page_fact(page, TR(page, "Fingerprint"));
    page_fingerprint(page, span_sub(origin, span_find(origin, '/') + 1, origin.len));
    page_fact_end(page);
    page_fact(page, TR(page, "Whole name"));
    page_raw(page, "<code class=\"long\">");
    page_esc(page, origin);
    page_raw(page, "</code>");
    page_fact_end(page);
}

static void write_holding(struct page *page, const struct log_info *log)
{
    static const char *const modes[] = {
        [MODE_FULL] = TR_MARK("everything"),
        [MODE_RECENT] = TR_MARK("the log, and the newest contents"),
        [MODE_HEADS] = TR_MARK("the log without contents"),
    };
    page_fact(page, TR(page, "Records"));
    page_number(page, log->size);
    page_fact_end(page);
    page_fact(page, TR(page, "What this node keeps"));
    if (log->role == LOG_OWN)
        page_say(page, TR_MARK("everything: the member lives here"));
    else if (log->mode >= MODE_FULL && log->mode <= MODE_HEADS)
        page_say(page, modes[log->mode]);
    page_fact_end(page); /* not how many bytes: what is not for everybody counts among them */
    if (log->head_ms > 0) {
        page_fact(page, TR(page, "Last news"));
        page_time(page, log->head_ms);
        page_fact_end(page);
    }
    page_raw(page, "</dl>\n");
}

/* ---- keys ---- */

static void write_key(struct page *page, struct span origin, uint8_t type, const uint8_t public_key[32])
{
    struct note_key key;
    struct err err;
    char vkey[VKEY_MAX + 1];
    if (note_key_make(&key, origin, type, public_key, &err) < 0)
        return;
    note_vkey_format(&key, vkey);
    page_raw(page, "<code class=\"long\">");
    page_esc(page, span_str(vkey));
    page_raw(page, "</code>");
}

static void write_keys(struct page *page, const struct member *member)
{
    struct span origin = span_str(member->origin);
    page_raw(page, "<details><summary>");
    page_say(page, TR_MARK("Keys"));
    page_raw(page, "</summary>\n<dl class=\"facts\">\n");
    for (size_t i = member->key_count; i-- > 0;) {
        bool in_force = i + 1 == member->key_count;
        page_fact(page, in_force ? TR(page, "Signs its log") : TR(page, "Signed its log before"));
        write_key(page, origin, NOTE_ED25519, member->keys[i].public_key);
        if (i > 0) {
            page_raw(page, "<br><span class=\"quiet\">");
            page_sayf(page, TR(page, "since record {1}"), SAY(say_number(member->keys[i].from_size - 1)));
            if (member->keys[i].by_recovery) {
                page_raw(page, " · ");
                page_say(page, TR_MARK("changed with the recovery key"));
            }
            page_raw(page, "</span>");
        }
        page_fact_end(page);
    }
    page_fact(page, TR(page, "Vouches for others' logs"));
    write_key(page, origin, NOTE_COSIGNATURE, member->profile.cosigner_key);
    page_fact_end(page);
    char hex[HEX_LEN(32) + 1];
    hex_encode(member->profile.recovery_hash, 32, hex);
    page_fact(page, TR(page, "Recovery key (its hash)"));
    page_raw(page, "<code class=\"long\">");
    page_esc(page, span_str(hex));
    page_raw(page, "</code>");
    page_fact_end(page);
    page_raw(page, "</dl></details>\n");
}

/* ---- the head of the log and who vouches for it ---- */

struct cosigners {
    struct page *page;
    size_t count;
};

static int write_cosignature(void *ctx, struct span name, uint32_t key_id, uint64_t time, struct span line,
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

static int write_head(struct page *page, const struct view *view, const struct log_info *log, struct err *err)
{
    struct buf note;
    buf_init(&note, NOTE_MAX);
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("Who has checked this log"));
    page_raw(page, "</h2>\n<p>");
    page_say(page, TR_MARK("These members hold the same log as we do and signed for it."));
    page_raw(page, "</p>\n");
    struct cosigners cosigners = {.page = page};
    int rc = store_cosignatures(view->store, log->number, write_cosignature, &cosigners, err);
    if (rc == 0 && cosigners.count > 0)
        page_raw(page, "</ul>\n");
    else if (rc == 0) {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("Nobody yet for its newest state."));
        page_raw(page, "</p>\n");
    }
    if (rc == 0)
        rc = view_checkpoint(view, log, &note, err);
    if (rc == 0) {
        page_raw(page, "<details><summary>");
        page_say(page, TR_MARK("The signed state of the log (checkpoint)"));
        page_raw(page, "</summary><pre dir=\"ltr\" tabindex=\"0\">");
        page_pre(page, buf_view(&note));
        page_raw(page, "</pre></details>\n");
    }
    page_raw(page, "</section>\n");
    buf_done(&note);
    return rc;
}

/* ---- its records ---- */

struct rows {
    struct page *page;
    const struct view *view;
    size_t count;
    uint64_t lowest;
};

static int write_row(void *ctx, const struct view_row *row, struct err *err)
{
    (void)err;
    struct rows *rows = ctx;
    if (rows->count++ == 0)
        page_raw(rows->page, "<ul class=\"records\">\n");
    rows->lowest = RECORD_REF_INDEX(row->ref);
    page_row(rows->page, rows->view, row, true);
    return 0;
}

static int write_records(struct page *page, const struct view *view, const struct log_info *log, struct err *err)
{
    uint64_t before = 0;
    if (!span_u64(http_query(page->request, "before"), LOG_SIZE_MAX, &before))
        before = 0;
    struct view_query query = {.number = log->number, .kind = SPAN_LIT(""), .limit = RECORDS_SHOWN, .before = before};
    struct rows rows = {.page = page, .view = view};
    page_raw(page, "<section><h2 id=\"records\">");
    page_say(page, TR_MARK("Its records, newest first"));
    page_raw(page, "</h2>\n");
    int rc = view_list(view, &query, write_row, &rows, err);
    if (rc < 0)
        return rc;
    page_raw(page, rows.count > 0 ? "</ul>\n" : "");
    page_raw(page, "<nav class=\"pages\"><ul>");
    if (before > 0) {
        page_raw(page, "<li><a href=\"");
        page_origin_path(page, "/members", span_str(log->origin));
        page_raw(page, "#records\">");
        page_say(page, TR_MARK("Newest"));
        page_raw(page, "</a></li>");
    }
    if (rows.count == RECORDS_SHOWN && rows.lowest > 0) {
        page_raw(page, "<li><a rel=\"next\" href=\"");
        page_origin_path(page, "/members", span_str(log->origin));
        page_fmt(page, "?before=%" PRIu64 "#records\">", rows.lowest);
        page_say(page, TR_MARK("Older"));
        page_raw(page, "</a></li>");
    }
    page_raw(page, "</ul></nav></section>\n");
    return 0;
}

int page_member(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    struct log_info log;
    struct member member;
    int rc = page_find_log(view, request, &log, err);
    if (rc == ERR_NOTFOUND || (rc == 0 && log.size == 0))
        return http_problem(request, reply, 404, TR_MARK("Not found"), TR_MARK("This node does not know this member."));
    if (rc == 0)
        rc = store_member(view->store, log.number, request->arena, &member, err);
    if (rc < 0)
        return rc;
    const char *name = arena_strz(request->arena, span_str(member.profile.name));
    page_begin(&page, request, reply, "members", name ? name : "");
    page_raw(&page, "<h1>");
    page_bdi(&page, span_str(member.profile.name));
    page_raw(&page, "</h1>\n");
    write_alert(&page, &log);
    write_profile(&page, view, &log, &member.profile);
    rc = write_predecessor(&page, view, &log, &member.profile, err);
    if (rc == 0)
        rc = write_successors(&page, view, &log, err);
    if (rc < 0)
        return rc;
    write_holding(&page, &log);
    rc = write_head(&page, view, &log, err);
    if (rc < 0)
        return rc;
    write_keys(&page, &member);
    rc = write_records(&page, view, &log, err);
    return rc < 0 ? rc : page_end(&page, err);
}

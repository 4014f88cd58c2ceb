/* What an author sees: for whom a content is, who of them has confirmed it, and whose word cannot be true. */
#include <stdlib.h>

#include "base/when.h"
#include "connect/receipts.h"
#include "index/crowd.h"
#include "index/news.h"

#define TRIES_MAX 16 /* receipts of one member about one content that are looked at: the first true one counts */

bool receipts_visible(const struct view *view, const struct log_info *log)
{
    return view_is_inside(view) && log->role == LOG_OWN &&
           (view_is_of_operator(view) || log->number == view->guest_log);
}

int receipts_next(const struct view *view, const struct log_info *log, int64_t before, int64_t *ret, struct err *err)
{
    sqlite3_stmt *select = index_statement(view->index,
                                           "SELECT ref FROM record WHERE ref >= ?1 AND ref < ?2 AND shown = 0 AND"
                                           " is_inline = 0 AND tlp > ?3 AND kind <> ifnull((SELECT number FROM word"
                                           " WHERE text = '" RECEIPT_KIND "'), -1) ORDER BY ref DESC LIMIT 1",
                                           err);
    if (!select)
        return err->code;
    sqlite3_bind_int64(select, 1, RECORD_REF(log->number, 0));
    sqlite3_bind_int64(select, 2, before);
    sqlite3_bind_int(select, 3, TLP_CLEAR);
    int rc = index_step(view->index, select, err);
    if (rc > 0)
        *ret = sqlite3_column_int64(select, 0);
    sqlite3_reset(select);
    return rc;
}

struct reading {
    const struct view *view;
    const struct view_record *record;
    const struct crowd *crowd;
    int64_t now_ms;
    struct arena *arena;
    struct receipt_line *lines;
    size_t count, cap;
};

static struct receipt_line *add_line(struct reading *r, const char *origin)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 32;
        struct receipt_line *lines = arena_array(r->arena, cap, sizeof(*lines));
        if (!lines)
            return NULL;
        if (r->count > 0)
            memcpy(lines, r->lines, r->count * sizeof(*lines));
        r->lines = lines;
        r->cap = cap;
    }
    char *name = arena_strz(r->arena, span_str(origin));
    if (!name)
        return NULL;
    r->lines[r->count] = (struct receipt_line){.origin = name};
    return &r->lines[r->count++];
}

/* Is it for the member by its own name, and not as a host only? */
static bool is_expected(enum audience_verdict verdict)
{
    return verdict == AUDIENCE_COMMUNITY || verdict == AUDIENCE_NAMED || verdict == AUDIENCE_GROUP ||
           verdict == AUDIENCE_PERSON;
}

/* ---- who says to have it ---- */

/* What the log says of this content, by the first of its receipts that is true, or else the first. */
static int read_member(struct reading *r, const struct log_info *log, struct receipt_said said,
                       struct receipt_line *line, struct err *err)
{
    const struct view_record *record = r->record;
    struct span author = span_str(record->log.origin);
    uint8_t proof[RECEIPT_PROOF];
    int rc = 1;
    if (record->has_text)
        receipt_prove(span_str(log->origin), record->salt.data, record->text, proof);
    for (int i = 0; rc > 0 && i < TRIES_MAX && RECORD_REF_LOG(said.ref) == log->number; i++) {
        bool is_true = record->has_text && memcmp(proof, said.proof, RECEIPT_PROOF) == 0;
        if (view_sees_ref(r->view, said.ref) && (line->ref == 0 || is_true)) {
            line->ref = said.ref;
            line->state = is_true ? RECEIPT_GOOD : record->has_text ? RECEIPT_WRONG : RECEIPT_UNKNOWN;
        }
        if (is_true)
            break;
        rc = receipt_next_said(r->view->index, author, record->index, said.ref + 1, &said, err);
    }
    return rc < 0 ? rc : 0;
}

static int time_of(struct reading *r, struct receipt_line *line, struct err *err)
{
    struct news_about about = {0};
    int rc = news_about(r->view->index, line->ref, &about, err);
    line->time_ms = about.time_ms;
    return rc < 0 ? rc : 0;
}

static int read_said(struct reading *r, struct err *err)
{
    struct span author = span_str(r->record->log.origin);
    struct receipt_said said = {0};
    int64_t from = 0;
    int rc;
    while ((rc = receipt_next_said(r->view->index, author, r->record->index, from, &said, err)) > 0) {
        struct log_info log;
        struct receipt_line found = {0};
        from = RECORD_REF(RECORD_REF_LOG(said.ref) + 1, 0);
        if (store_log(r->view->store, RECORD_REF_LOG(said.ref), &log, err) < 0 ||
            read_member(r, &log, said, &found, err) < 0)
            return err->code;
        if (found.ref == 0)
            continue;
        struct receipt_line *line = add_line(r, log.origin);
        if (!line)
            return err_memory(err);
        line->state = found.state;
        line->ref = found.ref;
        if (time_of(r, line, err) < 0)
            return err->code;
    }
    return rc;
}

/* ---- for whom it is ---- */

static struct receipt_line *line_of(struct reading *r, const char *origin, size_t known)
{
    for (size_t i = 0; i < known; i++)
        if (strcmp(r->lines[i].origin, origin) == 0)
            return &r->lines[i];
    return NULL;
}

static int ask_audience(struct reading *r, const struct log_info *log, enum audience_verdict *ret, struct err *err)
{
    struct span author = span_str(r->record->log.origin), member = span_str(log->origin);
    if (!r->crowd)
        return view_audience(r->view, member, r->now_ms, author, &r->record->record, ret, err);
    *ret = crowd_audience(r->crowd, member);
    return 0;
}

struct audience_walk {
    struct reading *reading;
    size_t known; /* lines of those who have said something */
};

static int take_member(void *ctx, const struct log_info *log, struct err *err)
{
    struct audience_walk *walk = ctx;
    struct reading *r = walk->reading;
    enum audience_verdict verdict;
    if (log->role == LOG_LOCAL || log->number == r->record->log.number)
        return 0;
    int rc = ask_audience(r, log, &verdict, err);
    if (rc < 0)
        return rc;
    struct receipt_line *line = line_of(r, log->origin, walk->known);
    if (!line && is_expected(verdict) && !(line = add_line(r, log->origin)))
        return err_memory(err);
    if (!line)
        return 0;
    line->audience = verdict;
    if (line->state == RECEIPT_GOOD && !audience_is_in(verdict))
        line->state = RECEIPT_OUTSIDE;
    return 0;
}

static int read_audience(struct reading *r, struct err *err)
{
    struct crowd *crowd = NULL;
    struct audience_walk walk = {r, r->count};
    int rc = crowd_new(r->view, r->now_ms, span_str(r->record->log.origin), &r->record->record, &crowd, err);
    r->crowd = crowd;
    if (rc == 0)
        rc = view_logs(r->view, take_member, &walk, err);
    crowd_free(crowd);
    return rc;
}

/* ---- together ---- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(((const struct receipt_line *)a)->origin, ((const struct receipt_line *)b)->origin);
}

int receipts_of(const struct view *view, const struct view_record *record, int64_t now_ms, struct arena *arena,
                struct receipt_lines *ret, struct err *err)
{
    struct reading r = {.view = view, .record = record, .now_ms = now_ms, .arena = arena};
    *ret = (struct receipt_lines){0};
    int rc = read_said(&r, err);
    if (rc == 0 && record->has_text && record->parsed)
        rc = read_audience(&r, err);
    if (rc < 0 || r.count == 0)
        return rc;
    qsort(r.lines, r.count, sizeof(*r.lines), compare_lines);
    *ret = (struct receipt_lines){.lines = r.lines, .count = r.count};
    for (size_t i = 0; i < r.count; i++) {
        bool expected = is_expected(r.lines[i].audience);
        ret->expected += expected;
        ret->good += expected && r.lines[i].state == RECEIPT_GOOD;
    }
    return 0;
}

const char *receipt_state_word(enum receipt_state state)
{
    static const char *const words[] = {[RECEIPT_NONE] = "waiting",
                                        [RECEIPT_GOOD] = "confirmed",
                                        [RECEIPT_OUTSIDE] = "confirmed-outside",
                                        [RECEIPT_WRONG] = "not-valid",
                                        [RECEIPT_UNKNOWN] = "unchecked"};
    return words[state];
}

void receipts_json(const struct view_record *record, const struct receipt_lines *lines, struct buf *out)
{
    char time[WHEN_TEXT_LEN + 1];
    buf_fmt(out, "{\"record\":\"%s/%llu\",\"expected\":%zu,\"confirmed\":%zu,\"members\":[", record->log.origin,
            (unsigned long long)record->index, lines->expected, lines->good);
    for (size_t i = 0; i < lines->count; i++) {
        const struct receipt_line *line = &lines->lines[i];
        buf_fmt(out, "%s{\"member\":\"%s\",\"state\":\"%s\"", i > 0 ? "," : "", line->origin,
                receipt_state_word(line->state));
        if (line->ref != 0) {
            when_format(line->time_ms, time);
            buf_fmt(out, ",\"time\":\"%s\",\"receipt\":%llu", time, (unsigned long long)RECORD_REF_INDEX(line->ref));
        }
        buf_str(out, "}");
    }
    buf_str(out, "]}\n");
}

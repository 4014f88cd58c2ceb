#include <stdio.h>
#include <stdlib.h>

#include "moderation/moderation.h"

#define QUEUE_ARENA_MAX (4u << 20) /* bytes: one notice */

#define QUEUE_LOOKED_MAX 4096 /* of one member, the newest: whoever objects to a million records makes no page slow */

struct queue {
    const struct view *view;
    int (*each)(void *ctx, const struct open_complaint *one, struct err *err);
    void *ctx;
    struct arena arena;
    size_t given; /* of the log whose rows are being read */
};

/* Is the record here, not withdrawn, and for this viewer to know of? */
static int find_subject(const struct queue *q, int64_t ref, struct log_info *ret, bool *ret_here, struct err *err)
{
    struct err none = {0};
    unsigned flags = 0;
    *ret_here = false;
    int rc = view_log_by_number(q->view, RECORD_REF_LOG(ref), ret, &none);
    if (rc == 0 && RECORD_REF_INDEX(ref) < ret->size)
        rc = payload_flags(q->view->store, ret->number, RECORD_REF_INDEX(ref), &flags, &none);
    else if (rc == 0)
        return 0;
    *ret_here = rc == 0 && !(flags & (SLOT_ERASED | SLOT_INLINE));
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", none.text);
}

static int is_answered(const struct queue *q, int64_t source, bool *ret, struct err *err)
{
    int64_t decision;
    struct err none = {0};
    int rc = complaint_answer(q->view->store, source, &decision, &none);
    *ret = rc == 0;
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", none.text);
}

/* ---- visitors' ---- */

static int give_visitor(void *ctx, const struct visitor_complaint *v, struct err *err)
{
    struct queue *q = ctx;
    struct log_info log;
    bool here = false;
    int rc = find_subject(q, v->ref, &log, &here, err);
    if (rc < 0 || !here)
        return rc;
    struct complaint said = {.index = RECORD_REF_INDEX(v->ref)};
    snprintf(said.origin, sizeof(said.origin), "%s", log.origin);
    memcpy(said.why, v->why, sizeof(said.why));
    memcpy(said.ground, v->ground, sizeof(said.ground));
    memcpy(said.who, v->who, sizeof(said.who));
    memcpy(said.contact, v->contact, sizeof(said.contact));
    struct open_complaint one = {
        .source = -v->number, .subject = v->ref, .subject_origin = log.origin, .said = &said, .time_ms = v->time_ms};
    return q->each(q->ctx, &one, err);
}

/* ---- members' ---- */

/* The text says what it is about; the row only found it. */
static int give_member(struct queue *q, int64_t source, int64_t subject, const char *subject_origin, struct err *err)
{
    struct view_record record;
    struct complaint said;
    struct err unread = {0};
    arena_clear(&q->arena);
    int rc = view_record_brief(q->view, source, &q->arena, &record, &unread);
    if (rc == ERR_IO || rc == ERR_MEMORY)
        return err_set(err, rc, "%s", unread.text);
    if (rc < 0 || !record.parsed || record.cut || complaint_parse(&record.record, &said, &unread) < 0)
        return 0;
    struct open_complaint one = {.source = source,
                                 .subject = subject,
                                 .origin = record.log.origin,
                                 .subject_origin = subject_origin,
                                 .said = &said,
                                 .time_ms = record.record.time_ms,
                                 .tlp = record.record.tlp};
    q->given++;
    return q->each(q->ctx, &one, err);
}

struct row {
    int64_t source;
    uint64_t at;
    char subject[ORIGIN_MAX + 1];
};

static int look_at(struct queue *q, const struct row *row, struct err *err)
{
    struct log_info log;
    struct err none = {0};
    bool here = false, answered = false;
    int rc = store_log_by_origin(q->view->store, span_str(row->subject), &log, &none);
    if (rc == ERR_NOTFOUND)
        return 0;
    if (rc < 0)
        return err_set(err, rc, "%s", none.text);
    rc = is_answered(q, row->source, &answered, err);
    if (rc == 0 && !answered)
        rc = find_subject(q, RECORD_REF(log.number, row->at), &log, &here, err);
    return rc < 0 || !here ? rc : give_member(q, row->source, RECORD_REF(log.number, row->at), log.origin, err);
}

/* ---- which rows: by the indexes alone, however many there are ---- */

#define TYPES 2 /* SAID_NOTICE, SAID_COUNTER */
#define PAGE 256

/* The first column of the first row: 1, or 0 without any. */
static int first_ref(const struct queue *q, sqlite3_stmt *statement, int64_t *ret, struct err *err)
{
    if (!statement)
        return err->code;
    int rc = index_step(q->view->index, statement, err);
    rc = rc > 0 && sqlite3_column_type(statement, 0) == SQLITE_NULL ? 0 : rc;
    if (rc > 0)
        *ret = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return rc;
}

/* Has this author said anything later about the same record? */
static int is_replaced(const struct queue *q, int type, const struct row *row, bool *ret, struct err *err)
{
    int64_t later;
    sqlite3_stmt *statement = index_statement(q->view->index,
                                              "SELECT ref FROM moderation_said WHERE subject = ?1 AND at = ?2 AND"
                                              " type = ?3 AND ref > ?4 AND ref < ?5 LIMIT 1",
                                              err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, row->subject, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (int64_t)row->at);
    sqlite3_bind_int(statement, 3, type);
    sqlite3_bind_int64(statement, 4, row->source);
    sqlite3_bind_int64(statement, 5, RECORD_REF(RECORD_REF_LOG(row->source) + 1, 0));
    int rc = first_ref(q, statement, &later, err);
    *ret = rc > 0;
    return rc < 0 ? rc : 0;
}

/* Rows of one log below `before`, the newest first. */
static int read_rows(const struct queue *q, int type, int64_t log, int64_t before, struct row rows[PAGE],
                     size_t *ret_count, struct err *err)
{
    sqlite3_stmt *statement = index_statement(q->view->index,
                                              "SELECT ref, at, subject FROM moderation_said WHERE type = ?1 AND"
                                              " ref >= ?2 AND ref < ?3 ORDER BY ref DESC LIMIT 256",
                                              err);
    *ret_count = 0;
    if (!statement)
        return err->code;
    sqlite3_bind_int(statement, 1, type);
    sqlite3_bind_int64(statement, 2, RECORD_REF(log, 0));
    sqlite3_bind_int64(statement, 3, before);
    int rc;
    while ((rc = index_step(q->view->index, statement, err)) > 0) {
        struct row *row = &rows[(*ret_count)++];
        row->source = sqlite3_column_int64(statement, 0);
        row->at = (uint64_t)sqlite3_column_int64(statement, 1);
        snprintf(row->subject, sizeof(row->subject), "%s", (const char *)sqlite3_column_text(statement, 2));
    }
    sqlite3_reset(statement);
    return rc;
}

static int each_of_log(struct queue *q, int type, int64_t log, struct row *rows, struct err *err)
{
    int64_t before = RECORD_REF(log + 1, 0);
    size_t count = 0, looked = 0;
    int rc = 0;
    q->given = 0;
    do {
        rc = read_rows(q, type, log, before, rows, &count, err);
        for (size_t i = 0; i < count && rc == 0 && q->given < QUEUE_AUTHOR_MAX; i++) {
            bool replaced = false;
            rc = is_replaced(q, type, &rows[i], &replaced, err);
            if (rc == 0 && !replaced)
                rc = look_at(q, &rows[i], err);
            before = rows[i].source;
        }
        looked += count;
    } while (rc == 0 && count == PAGE && looked < QUEUE_LOOKED_MAX && q->given < QUEUE_AUTHOR_MAX);
    return rc;
}

static int each_member(struct queue *q, struct err *err)
{
    static const char next[] = "SELECT ref FROM moderation_said WHERE type = ?1 AND ref >= ?2 ORDER BY ref LIMIT 1";
    struct row *rows = malloc(PAGE * sizeof(*rows));
    int rc = rows ? 0 : err_memory(err);
    for (int type = 0; type < TYPES && rc == 0; type++) {
        int64_t ref = 0;
        for (;;) {
            sqlite3_stmt *statement = index_statement(q->view->index, next, err);
            if (statement) {
                sqlite3_bind_int(statement, 1, type);
                sqlite3_bind_int64(statement, 2, ref);
            }
            if ((rc = first_ref(q, statement, &ref, err)) <= 0 ||
                (rc = each_of_log(q, type, RECORD_REF_LOG(ref), rows, err)) < 0)
                break;
            ref = RECORD_REF(RECORD_REF_LOG(ref) + 1, 0);
        }
    }
    free(rows);
    return rc;
}

/* The last word of each log about one record: where its rows begin, and from there where they end. */
static int each_about(struct queue *q, const char *subject, uint64_t at, struct err *err)
{
    static const char *const ends[] = {"SELECT min(ref) FROM moderation_said WHERE subject = ?1 AND at = ?2 AND"
                                       " type = ?3 AND ref >= ?4",
                                       "SELECT max(ref) FROM moderation_said WHERE subject = ?1 AND at = ?2 AND"
                                       " type = ?3 AND ref < ?4"};
    struct row row = {.at = at};
    int rc = 0;
    snprintf(row.subject, sizeof(row.subject), "%s", subject);
    for (int type = 0; type < TYPES && rc >= 0; type++) {
        int64_t ref = 0;
        for (int end = 0;; end = !end) {
            sqlite3_stmt *statement = index_statement(q->view->index, ends[end], err);
            if (statement) {
                sqlite3_bind_text(statement, 1, row.subject, -1, SQLITE_STATIC);
                sqlite3_bind_int64(statement, 2, (int64_t)at);
                sqlite3_bind_int(statement, 3, type);
                sqlite3_bind_int64(statement, 4, ref);
            }
            if ((rc = first_ref(q, statement, &row.source, err)) <= 0)
                break;
            ref = RECORD_REF(RECORD_REF_LOG(row.source) + 1, 0);
            if (end && (rc = look_at(q, &row, err)) < 0)
                break;
        }
    }
    return rc < 0 ? rc : 0;
}

int queue_each(const struct view *view, int64_t subject,
               int (*each)(void *ctx, const struct open_complaint *one, struct err *err), void *ctx, struct err *err)
{
    struct queue q = {.view = view, .each = each, .ctx = ctx};
    struct log_info log = {0};
    int rc = subject ? store_log(view->store, RECORD_REF_LOG(subject), &log, err) : 0;
    if (rc < 0)
        return rc;
    arena_init(&q.arena, QUEUE_ARENA_MAX);
    if (view_is_of_operator(view)) /* visitors said it to whoever decides, not to the world */
        rc = complaint_each(view->store, subject, 0, COMPLAINTS_MAX, give_visitor, &q, err);
    if (rc == 0)
        rc = subject ? each_about(&q, log.origin, RECORD_REF_INDEX(subject), err) : each_member(&q, err);
    arena_done(&q.arena);
    return rc;
}

int queue_statements(const struct view *view, const char *origin, uint64_t index, int64_t *out, size_t max,
                     size_t *ret_count, struct err *err)
{
    sqlite3_stmt *statement = index_statement(view->index,
                                              "SELECT ref FROM moderation_said WHERE subject = ?1 AND at = ?2"
                                              " AND type = 2 ORDER BY ref DESC",
                                              err);
    *ret_count = 0;
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, origin, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, (int64_t)index);
    int rc = 1;
    while (*ret_count < max && (rc = index_step(view->index, statement, err)) > 0) {
        int64_t ref = sqlite3_column_int64(statement, 0);
        if (view_sees_ref(view, ref))
            out[(*ret_count)++] = ref;
    }
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

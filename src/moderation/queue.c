#include <stdio.h>
#include <stdlib.h>

#include "moderation/moderation.h"

#define QUEUE_ARENA_MAX (4u << 20) /* bytes: one notice */

struct queue {
    const struct view *view;
    int (*each)(void *ctx, const struct open_complaint *one, struct err *err);
    void *ctx;
    struct arena arena;
    int64_t author; /* the log whose rows are being read, and how many of it were given */
    size_t given;
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
    if (q->author != RECORD_REF_LOG(row->source)) {
        q->author = RECORD_REF_LOG(row->source);
        q->given = 0;
    }
    if (q->given >= QUEUE_AUTHOR_MAX)
        return 0;
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

#define PAGE 256

/* Groups above `after`, in their order: an author's last word about each record. */
static int read_rows(const struct queue *q, const char *subject, uint64_t at, int64_t after, struct row rows[PAGE],
                     size_t *ret_count, struct err *err)
{
    static const char all[] = "SELECT ref, at, subject FROM moderation_said s WHERE type < 2 AND ref > ?1"
                              " AND NOT EXISTS(SELECT 1 FROM moderation_said l WHERE l.subject = s.subject AND"
                              " l.at = s.at AND l.type = s.type AND l.ref > s.ref AND l.ref >> 40 = s.ref >> 40)"
                              " ORDER BY ref LIMIT 256";
    static const char one[] = "SELECT ref, at, subject FROM moderation_said s WHERE subject = ?2 AND at = ?3"
                              " AND type < 2 AND ref > ?1"
                              " AND NOT EXISTS(SELECT 1 FROM moderation_said l WHERE l.subject = s.subject AND"
                              " l.at = s.at AND l.type = s.type AND l.ref > s.ref AND l.ref >> 40 = s.ref >> 40)"
                              " ORDER BY ref LIMIT 256";
    sqlite3_stmt *statement = index_statement(q->view->index, subject ? one : all, err);
    *ret_count = 0;
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, after);
    if (subject) {
        sqlite3_bind_text(statement, 2, subject, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(statement, 3, (int64_t)at);
    }
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

static int each_member(struct queue *q, const char *subject, uint64_t at, struct err *err)
{
    struct row *rows = malloc(PAGE * sizeof(*rows));
    size_t count = 0;
    int64_t after = -1;
    int rc = 0;
    if (!rows)
        return err_memory(err);
    do {
        rc = read_rows(q, subject, at, after, rows, &count, err);
        for (size_t i = 0; i < count && rc == 0; i++)
            rc = look_at(q, &rows[i], err);
        after = count > 0 ? rows[count - 1].source : after;
    } while (rc == 0 && count == PAGE);
    free(rows);
    return rc;
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
        rc = each_member(&q, subject ? log.origin : NULL, RECORD_REF_INDEX(subject), err);
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

/* Views of records: one, and lists of them. */
#include "index/view.h"

#include "index/internal.h"

#define TITLE_MAX 160                       /* bytes of a title line */
#define ROW_ARENA_MAX (64 * VIEW_BRIEF_MAX) /* one record with what its parsers make of it */

/* ---- one record ---- */

static void parse_text(struct view_record *record, struct arena *arena)
{
    struct err ignored;
    record->parsed = record_parse(record->text, arena, &record->record, &ignored) == 0;
    if (!record->parsed)
        record->record = (struct record){0};
}

/* Does policy let it leave? Of a long text, of which only the beginning was read, the whole has to be looked at. */
static bool leaves(const struct view *view, const struct view_record *record)
{
    enum view_sharing sharing = view_sharing(view, &record->log);
    if (sharing != SHARING_SOME || !record->cut)
        return sharing == SHARING_ALL ||
               (sharing == SHARING_SOME && view_shares(view, &record->log, &record->record, record->text.len));
    struct arena arena;
    struct buf item;
    struct record whole;
    struct payload_item payload;
    struct err ignored;
    arena_init(&arena, 1u << 20);
    buf_init(&item, PAYLOAD_MAX + SEAL_SALT + 64);
    bool may = payload_read(view->store, record->log.number, record->index, &item, NULL, &ignored) == 0;
    struct payload_reader reader = {.bundle = buf_view(&item)};
    may = may && payload_next(&reader, &payload, &ignored) > 0 &&
          record_parse(payload.payload, &arena, &whole, &ignored) == 0 &&
          view_shares(view, &record->log, &whole, payload.payload.len);
    buf_done(&item);
    arena_done(&arena);
    return may;
}

/* Take the payload in if this viewer may see it. */
static int take_payload(const struct view *view, struct arena *arena, size_t max, struct span item,
                        struct view_record *record, struct err *err)
{
    struct payload_reader reader = {.bundle = item};
    struct payload_item payload;
    int rc = payload_next(&reader, &payload, err);
    if (rc <= 0 || payload.hole)
        return rc < 0 ? rc : 0;
    record->cut = payload.payload.len >= max && max < PAYLOAD_MAX;
    struct err damaged;
    if (!record->cut &&
        seal_check(span_str(record->log.origin), record->entry, payload.salt, payload.payload, &damaged) != 0)
        return err_set(err, ERR_IO, "log %s: payload of entry %llu does not fit its seal: a disk has changed it",
                       record->log.origin, (unsigned long long)record->index);
    record->salt = arena_copy(arena, payload.salt);
    record->text = arena_copy(arena, payload.payload);
    if (!record->salt.data || !record->text.data)
        return err_memory(err);
    record->has_text = true;
    parse_text(record, arena);
    bool admits = false;
    rc = view_admits_guest(view, span_str(record->log.origin), &record->record, &admits, err);
    if (rc < 0)
        return rc;
    if (!admits || !leaves(view, record)) {
        record->has_text = record->parsed = false;
        record->text = record->salt = (struct span){0};
        record->record = (struct record){0};
    }
    return 0;
}

static int read_payload(const struct view *view, struct arena *arena, size_t max, struct view_record *record,
                        struct err *err)
{
    struct buf item;
    struct err failed;
    buf_init(&item, PAYLOAD_MAX + SEAL_SALT + 64);
    unsigned flags = 0;
    int rc = payload_read_head(view->store, record->log.number, record->index, max, &item, &flags, &failed);
    bool is_public = !view_is_inside(view);
    record->erased = !is_public && (flags & SLOT_ERASED) != 0;
    bool decides = view->viewer.class == VIEWER_OPERATOR ||
                   (view->viewer.class == VIEWER_USER && view->outlet == OUTLET_HTTP_DECIDE);
    bool waits = (flags & SLOT_WAITING) != 0, is_hidden = waits && !decides;
    record->waiting = waits && !is_hidden;
    if (rc == ERR_NOTFOUND)
        rc = 0;
    else if (rc < 0)
        *err = failed;
    else if (!is_hidden && (!is_public || (flags & SLOT_CLEAR) != 0))
        rc = take_payload(view, arena, max, buf_view(&item), record, err);
    buf_done(&item);
    return rc;
}

static bool is_folded(const struct view *view, int64_t ref)
{
    struct err ignored;
    sqlite3_stmt *statement =
        view->index ? index_statement(view->index, "SELECT folded FROM record WHERE ref = ?1", &ignored) : NULL;
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, ref);
    bool folded = index_step(view->index, statement, &ignored) > 0 && sqlite3_column_int(statement, 0) != 0;
    sqlite3_reset(statement);
    return folded;
}

/* Of a content at most `max` bytes. */
static int record_read(const struct view *view, const struct log_info *log, uint64_t index, size_t max,
                       struct arena *arena, struct view_record *ret, struct err *err)
{
    if (!view_sees_log(view, log) || index >= log->size)
        return err_set(err, ERR_NOTFOUND, "entry %llu: no such entry here", (unsigned long long)index);
    struct buf entry;
    buf_init(&entry, ENTRY_MAX);
    *ret = (struct view_record){.log = *log, .index = index, .ref = RECORD_REF(log->number, index)};
    int rc = store_read_entry(view->store, log->number, index, &entry, err);
    if (rc == 0) {
        ret->entry = arena_copy(arena, buf_view(&entry));
        rc = ret->entry.data ? 0 : err_memory(err);
    }
    buf_done(&entry);
    if (rc < 0)
        return rc;
    ret->entry_class = entry_classify(ret->entry);
    if (ret->entry_class == ENTRY_SEAL) {
        rc = read_payload(view, arena, max, ret, err);
    } else {
        ret->has_text = true;
        ret->text = ret->entry;
        parse_text(ret, arena);
    }
    ret->folded = rc == 0 && ret->has_text && is_folded(view, ret->ref);
    return rc;
}

int view_record(const struct view *view, const struct log_info *log, uint64_t index, struct arena *arena,
                struct view_record *ret, struct err *err)
{
    return record_read(view, log, index, PAYLOAD_MAX, arena, ret, err);
}

int view_record_brief(const struct view *view, int64_t ref, struct arena *arena, struct view_record *ret,
                      struct err *err)
{
    struct log_info log;
    int rc = view_log_by_number(view, RECORD_REF_LOG(ref), &log, err);
    return rc < 0 ? rc : record_read(view, &log, RECORD_REF_INDEX(ref), VIEW_BRIEF_MAX, arena, ret, err);
}

int view_record_ref(const struct view *view, int64_t ref, struct arena *arena, struct view_record *ret, struct err *err)
{
    struct log_info log;
    int rc = view_log_by_number(view, RECORD_REF_LOG(ref), &log, err);
    return rc < 0 ? rc : view_record(view, &log, RECORD_REF_INDEX(ref), arena, ret, err);
}

/* ---- titles ---- */

/* The first line that says anything, cut at a character. */
static void first_line(struct span body, struct buf *out)
{
    size_t at = 0;
    while (at < body.len && body.data[at] <= ' ')
        at++;
    struct span line = span_sub(body, at, TITLE_MAX);
    line = span_sub(line, 0, span_find(line, '\n'));
    while (line.len > 0 && at + line.len < body.len && (body.data[at + line.len] & 0xc0) == 0x80)
        line.len--;
    buf_span(out, line);
}

static void make_title(const struct view_record *record, struct arena *arena, struct buf *out)
{
    buf_clear(out);
    if (!record->parsed)
        return;
    const struct capability *capability = capability_of(record->record.kind, NULL);
    if (capability && capability->title && !record->cut)
        capability->title(&record->record, arena, out);
    struct span type = record->record.type;
    if (out->len == 0 && !out->failed && (type.len == 0 || span_starts(type, SPAN_LIT("text/"))))
        first_line(record->record.body, out);
    if (out->len == 0 && !out->failed)
        buf_span(out, type);
}

/* ---- lists ---- */

struct lister {
    const struct view *view;
    const struct view_query *query;
    int (*each)(void *ctx, const struct view_row *row, struct err *err);
    void *ctx;
    struct arena arena;
    struct buf title;
    size_t given;
};

static bool wanted(const struct view_query *query, const struct view_record *record)
{
    if (query->kind.len > 0 && (!record->parsed || !span_eq(record->record.kind, query->kind)))
        return false;
    if (query->since_ms > 0 && record->has_text)
        return record->parsed && record->record.has_time && record->record.time_ms >= query->since_ms;
    return true;
}

static int give(struct lister *lister, const struct view_record *record, struct err *err)
{
    const struct record *r = &record->record;
    make_title(record, &lister->arena, &lister->title);
    struct span kind = record->parsed ? r->kind : entry_kind(record->entry);
    const char *kind_text = arena_strz(&lister->arena, kind);
    if (!kind_text)
        return err_memory(err);
    struct view_row row = {.ref = record->ref,
                           .time_ms = r->has_time ? r->time_ms : 0,
                           .origin = record->log.origin,
                           .kind = kind_text,
                           .tlp = r->tlp,
                           .to = r->to,
                           .to_count = r->to_count,
                           .has_text = record->has_text,
                           .title = buf_cstr(&lister->title)};
    lister->given++;
    return lister->each(lister->ctx, &row, err);
}

static int list_one(struct lister *lister, const struct log_info *log, uint64_t index, struct err *err)
{
    struct view_record record = {.index = index};
    arena_clear(&lister->arena);
    int rc = record_read(lister->view, log, index, VIEW_BRIEF_MAX, &lister->arena, &record, err);
    if (record.waiting) { /* for whoever decides about it, not among what is shown */
        record.has_text = record.parsed = false;
        record.record = (struct record){0};
    }
    if (rc < 0 || !wanted(lister->query, &record))
        return rc;
    return give(lister, &record, err);
}

/* One log, all kinds: entry by entry, seals included. */
static int list_log(struct lister *lister, const struct log_info *log, struct err *err)
{
    const struct view_query *query = lister->query;
    uint64_t at = query->before > 0 && query->before < log->size ? query->before : log->size;
    int rc = 0;
    while (rc == 0 && at > 0 && lister->given < query->limit)
        rc = list_one(lister, log, --at, err);
    return rc;
}

/* Refs of a list, a page at a time, so that no statement stays open while the caller works on its rows. */
#define LIST_PAGE 64
struct list_page {
    int64_t ref[LIST_PAGE], time_ms[LIST_PAGE], kind[LIST_PAGE];
    size_t count;
};

static int read_page(struct index *index, sqlite3_stmt *statement, struct list_page *page, struct err *err)
{
    int rc;
    page->count = 0;
    while ((rc = index_step(index, statement, err)) > 0) {
        page->ref[page->count] = sqlite3_column_int64(statement, 0);
        page->time_ms[page->count] = sqlite3_column_int64(statement, 1);
        page->kind[page->count++] = sqlite3_column_int64(statement, 2);
        if (page->count == LIST_PAGE)
            break;
    }
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

static int list_page(struct lister *lister, const struct list_page *page, struct err *err)
{
    for (size_t i = 0; i < page->count && lister->given < lister->query->limit; i++) {
        struct log_info log;
        int rc = 0;
        if (!view_sees_ref(lister->view, page->ref[i]))
            continue;
        if ((rc = view_log_by_number(lister->view, RECORD_REF_LOG(page->ref[i]), &log, err)) == 0)
            rc = list_one(lister, &log, RECORD_REF_INDEX(page->ref[i]), err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* One log, one kind: what the index has of it. */
static int list_log_kind(struct lister *lister, const struct log_info *log, int64_t kind, struct err *err)
{
    const struct view_query *query = lister->query;
    uint64_t before = query->before > 0 && query->before < log->size ? query->before : log->size;
    struct list_page page;
    do {
        sqlite3_stmt *statement =
            index_statement(lister->view->index,
                            "SELECT ref, time_ms, kind FROM record WHERE ref >= ?1 AND ref < ?2 AND kind = ?3 AND "
                            "time_ms >= ?4 ORDER BY ref DESC",
                            err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, RECORD_REF(log->number, 0));
        sqlite3_bind_int64(statement, 2, RECORD_REF(log->number, before));
        sqlite3_bind_int64(statement, 3, kind);
        sqlite3_bind_int64(statement, 4, query->since_ms);
        int rc = read_page(lister->view->index, statement, &page, err);
        if (rc == 0)
            rc = list_page(lister, &page, err);
        if (rc < 0)
            return rc;
        if (page.count > 0)
            before = RECORD_REF_INDEX(page.ref[page.count - 1]);
    } while (page.count == LIST_PAGE && lister->given < query->limit);
    return 0;
}

/*
 * All logs by time. The public's rows are one range of the index record_time; those of this node's own people are two that
 * SQLite merges. Rows of one time stand as the index has them, by kind and ref, so that a million records of one
 * millisecond need no sorting.
 */
#define BY_TIME(shown)                                                                                                 \
    "SELECT * FROM (SELECT ref, time_ms, kind FROM record WHERE shown = " shown                                        \
    " AND (time_ms, kind, ref) < (?1, ?2, ?3) AND time_ms >= ?4 AND (?5 < 0 OR kind = ?5)"                             \
    " ORDER BY time_ms DESC, kind DESC, ref DESC LIMIT ?6)"

static sqlite3_stmt *all_statement(const struct lister *lister, struct err *err)
{
    static const char *const shown = BY_TIME("1");
    static const char *const all = BY_TIME("1") " UNION ALL " BY_TIME("0") " ORDER BY 2 DESC, 3 DESC, 1 DESC LIMIT ?6";
    return index_statement(lister->view->index, view_is_inside(lister->view) ? all : shown, err);
}

static int list_all(struct lister *lister, int64_t kind, struct err *err)
{
    const struct view_query *query = lister->query;
    int64_t last[3] = {INT64_MAX, INT64_MAX, INT64_MAX};
    struct list_page page;
    do {
        sqlite3_stmt *statement = all_statement(lister, err);
        if (!statement)
            return err->code;
        for (int i = 0; i < 3; i++)
            sqlite3_bind_int64(statement, 1 + i, last[i]);
        sqlite3_bind_int64(statement, 4, query->since_ms);
        sqlite3_bind_int64(statement, 5, kind);
        sqlite3_bind_int64(statement, 6, LIST_PAGE);
        int rc = read_page(lister->view->index, statement, &page, err);
        if (rc == 0)
            rc = list_page(lister, &page, err);
        if (rc < 0)
            return rc;
        if (page.count > 0) {
            last[0] = page.time_ms[page.count - 1];
            last[1] = page.kind[page.count - 1];
            last[2] = page.ref[page.count - 1];
        }
    } while (page.count == LIST_PAGE && lister->given < query->limit);
    return 0;
}

static int list(struct lister *lister, struct err *err)
{
    const struct view_query *query = lister->query;
    int64_t kind = -1;
    int rc = 0;
    if (query->kind.len > 0 && lister->view->index) {
        rc = index_word_find(lister->view->index, query->kind, &kind, err);
        if (rc < 0 || kind < 0)
            return rc; /* no record has this kind */
    }
    if (query->number == 0)
        return lister->view->index ? list_all(lister, kind, err)
                                   : err_set(err, ERR_USAGE, "a list over all logs needs the index");
    struct log_info log;
    if ((rc = view_log_by_number(lister->view, query->number, &log, err)) < 0)
        return rc;
    return kind >= 0 ? list_log_kind(lister, &log, kind, err) : list_log(lister, &log, err);
}

int view_list(const struct view *view, const struct view_query *query,
              int (*each)(void *ctx, const struct view_row *row, struct err *err), void *ctx, struct err *err)
{
    struct lister lister = {.view = view, .query = query, .each = each, .ctx = ctx};
    arena_init(&lister.arena, ROW_ARENA_MAX);
    buf_init(&lister.title, ROW_ARENA_MAX);
    int rc = list(&lister, err);
    arena_done(&lister.arena);
    buf_done(&lister.title);
    return rc;
}

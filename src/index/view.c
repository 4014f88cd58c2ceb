#include "index/view.h"

#include "index/internal.h"
#include "tlog/checkpoint.h"

/* Public only, asks the store only, for members, for users who may do what. */
const struct outlet_info outlet_table[OUTLETS] = {
    [OUTLET_HTTP_LOGS] = {"http-logs", "logs to mirror: checkpoints, tiles, bundles, payloads", true, true, true,
                          ACTION_NONE},
    [OUTLET_HTTP_HEADS] = {"http-heads", "which logs changed", true, true, true, ACTION_NONE},
    [OUTLET_HTTP_EVENTS] = {"http-events", "what is new, as it comes", true, false, true, ACTION_READ},
    [OUTLET_HTTP_STATUS] = {"http-status", "health and counters", true, false, false, ACTION_METRICS},
    [OUTLET_HTTP_PAGES] = {"http-pages", "pages for people and their data", true, false, false, ACTION_READ},
    [OUTLET_HTTP_SEARCH] = {"http-search", "searching in what the pages show", true, false, false, ACTION_SEARCH},
    [OUTLET_HTTP_SWEEP] = {"http-sweep", "sweeping an uploaded file", true, false, false, ACTION_SWEEP},
    [OUTLET_HTTP_DECIDE] = {"http-decide", "what policy holds, for whoever decides", true, false, false, ACTION_DECIDE},
    [OUTLET_CLI_LOG] = {"cli-log", "log, show, members, status, verify", false, false, false, ACTION_NONE},
    [OUTLET_CLI_SWEEP] = {"cli-sweep", "sweep", false, false, false, ACTION_NONE},
    [OUTLET_EXPORT] = {"export", "lists of indicators for other programs", false, false, false, ACTION_NONE},
    [OUTLET_EXPORT_STATIC] = {"export-static", "a folder for a plain file server", true, false, false, ACTION_NONE},
    [OUTLET_PACK] = {"pack", "logs on a stick", true, false, false, ACTION_NONE},
    [OUTLET_LUGGAGE] = {"luggage", "a hosted member leaves with its log, contents and keys", false, false, false,
                        ACTION_NONE},
    [OUTLET_TELL] = {"tell", "notices told outside: hooks, mail, system logs", false, false, false, ACTION_NONE},
    [OUTLET_PREVIEW] = {"preview", "who would get what is not said yet", false, false, false, ACTION_PUBLISH},
};

bool outlet_admits(enum outlet outlet, const struct viewer *viewer)
{
    const struct outlet_info *info = &outlet_table[outlet];
    switch (viewer->class) {
    case VIEWER_PUBLIC:
        return true;
    case VIEWER_OPERATOR:
        return !info->public_only;
    case VIEWER_MEMBER:
        return info->members;
    case VIEWER_USER:
        return (!viewer->guest || role_guests_may(info->users)) && role_may(viewer->role, viewer->scopes, info->users);
    }
    return false;
}

int view_open(struct store *store, struct index *index, struct viewer viewer, enum outlet outlet, struct view *ret,
              struct err *err)
{
    static const char *const why[] = {[VIEWER_PUBLIC] = "not for the public",
                                      [VIEWER_OPERATOR] = "what leaves here is what the public may see",
                                      [VIEWER_MEMBER] = "a member sees here what the public sees",
                                      [VIEWER_USER] = "this user sees here what the public sees"};
    if (!outlet_admits(outlet, &viewer))
        return err_set(err, ERR_REFUSED, "%s: %s", outlet_table[outlet].name, why[viewer.class]);
    if (outlet_table[outlet].store_only && viewer.class != VIEWER_MEMBER)
        index = NULL;
    int rc = index ? index_refresh(index, err) : 0;
    if (rc < 0)
        return rc;
    *ret = (struct view){.store = store, .index = index, .viewer = viewer, .outlet = outlet};
    if (viewer.class == VIEWER_USER && viewer.guest) {
        struct log_info log;
        rc = store_log_by_origin(store, span_str(viewer.guest), &log, err);
        ret->guest_log = rc < 0 ? 0 : log.number;
        return rc;
    }
    return viewer.class == VIEWER_MEMBER ? view_reach(ret, err) : 0;
}

/* ---- which logs ---- */

bool view_sees_log(const struct view *view, const struct log_info *log)
{
    if (view_is_inside(view) && !view->viewer.guest)
        return true;
    return log->role == LOG_OWN || log->role == LOG_MIRROR || log->role == LOG_MOVED;
}

struct log_filter {
    const struct view *view;
    int (*each)(void *ctx, const struct log_info *log, struct err *err);
    void *ctx;
    size_t seen, given, max;
    int64_t last;
};

static int filter_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct log_filter *filter = ctx;
    return view_sees_log(filter->view, log) ? filter->each(filter->ctx, log, err) : 0;
}

int view_logs(const struct view *view, int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx,
              struct err *err)
{
    struct log_filter filter = {.view = view, .each = each, .ctx = ctx};
    return store_logs(view->store, filter_log, &filter, err);
}

static int filter_head(void *ctx, const struct log_info *log, struct err *err)
{
    struct log_filter *filter = ctx;
    if (filter->given == filter->max)
        return 0;
    filter->seen++;
    filter->last = log->seq;
    if (!view_sees_log(filter->view, log) || log->size == 0)
        return 0;
    filter->given++;
    return filter->each(filter->ctx, log, err);
}

int view_heads(const struct view *view, int64_t since, size_t max,
               int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx, int64_t *ret_next,
               struct err *err)
{
    struct log_filter filter = {.view = view, .each = each, .ctx = ctx, .max = max, .last = since};
    /* Pages of the store until enough are visible: what is not visible must not end the walk. */
    while (filter.given < max) {
        filter.seen = 0;
        int rc = store_heads(view->store, filter.last, max, filter_head, &filter, err);
        if (rc < 0)
            return rc;
        if (filter.seen < max)
            break;
    }
    *ret_next = filter.last;
    return 0;
}

static int hide_log(const struct view *view, const struct log_info *log, int rc, struct err *err)
{
    if (rc == 0 && !view_sees_log(view, log))
        return err_set(err, ERR_NOTFOUND, "no such log here");
    return rc;
}

int view_log_by_number(const struct view *view, int64_t number, struct log_info *ret, struct err *err)
{
    return hide_log(view, ret, store_log(view->store, number, ret, err), err);
}

int view_log_by_hash(const struct view *view, const uint8_t hash[32], struct log_info *ret, struct err *err)
{
    return hide_log(view, ret, store_log_by_hash(view->store, hash, ret, err), err);
}

int view_log_find(const struct view *view, struct span text, struct log_info *ret, struct err *err)
{
    int rc = store_log_find(view->store, text, ret, err);
    /* The candidates that the store lists may hold names that this viewer must not learn. */
    if (rc == ERR_USAGE && !view_is_inside(view))
        return err_set(err, ERR_NOTFOUND, "no log by exactly this name here");
    return hide_log(view, ret, rc, err);
}

/* ---- bytes of logs ---- */

int view_checkpoint(const struct view *view, const struct log_info *log, struct buf *out, struct err *err)
{
    return store_checkpoint(view->store, log->number, out, err);
}

static int view_hashes(const struct view *view, const struct log_info *log, const struct tile *tile, struct buf *out,
                       struct err *err)
{
    struct tlog_source source;
    struct tlog_hash hashes[TILE_WIDTH];
    int rc = store_source(view->store, log->number, &source, err);
    if (rc == 0)
        rc = source.read(source.ctx, (unsigned)tile->level, tile->index * TILE_WIDTH, tile->width, hashes, err);
    if (rc == 0)
        buf_add(out, hashes, (size_t)tile->width * TLOG_HASH_SIZE);
    return rc < 0 ? rc : buf_check(out, "tile", err);
}

int view_tile(const struct view *view, const struct log_info *log, const struct tile *tile, struct buf *out,
              struct err *err)
{
    uint64_t have = tile_level_count(tile->level, log->size);
    if (tile->width == 0 || tile->width > TILE_WIDTH || tile->index >= have / TILE_WIDTH + 1 ||
        tile->index * TILE_WIDTH + tile->width > have)
        return err_set(err, ERR_NOTFOUND, "the log has not reached this tile");
    if (tile->level == TILE_LEVEL_ENTRIES)
        return store_read_entries(view->store, log->number, tile->index * TILE_WIDTH, tile->width, out, err);
    return view_hashes(view, log, tile, out, err);
}

int view_tile_file(const struct view *view, const struct log_info *log, const struct tile *tile, struct tile_bytes *ret,
                   struct err *err)
{
    uint64_t have = tile_level_count(tile->level, log->size);
    if (tile->index >= have / TILE_WIDTH + 1 || tile->index * TILE_WIDTH + tile->width > have)
        return err_set(err, ERR_NOTFOUND, "the log has not reached this tile");
    return store_tile_file(view->store, log, tile, ret, err);
}

int view_payloads(const struct view *view, const struct log_info *log, uint64_t first, size_t count, struct buf *out,
                  size_t *ret_count, struct err *err)
{
    if (first > log->size || count > log->size - first)
        return err_set(err, ERR_NOTFOUND, "the log has not reached these entries");
    size_t before = out->len;
    int rc = view->viewer.class == VIEWER_MEMBER
                 ? view_payloads_for(view, log, first, count, out, ret_count, err)
                 : payload_read_bundle(view->store, log->number, first, count, view->viewer.class != VIEWER_OPERATOR,
                                       out, ret_count, err);
    return rc < 0 ? rc : view_share_filter(view, log, before, out, err);
}

int view_proof(const struct view *view, const struct log_info *log, uint64_t index, struct buf *out_proof_file,
               struct err *err)
{
    struct buf note_text;
    buf_init(&note_text, NOTE_MAX);
    struct note note;
    struct checkpoint checkpoint;
    struct tlog_source source;
    struct tlog_proof proof;
    /* The size that the checkpoint states, not log->size: the head may have moved on since. */
    int rc = store_checkpoint(view->store, log->number, &note_text, err);
    if (rc == 0)
        rc = note_parse(buf_view(&note_text), &note, err);
    if (rc == 0)
        rc = checkpoint_parse(note.text, &checkpoint, err);
    if (rc == 0 && index >= checkpoint.size)
        rc = err_set(err, ERR_NOTFOUND, "entry %llu: the log has %llu entries", (unsigned long long)index,
                     (unsigned long long)checkpoint.size);
    if (rc == 0)
        rc = store_source(view->store, log->number, &source, err);
    if (rc == 0)
        rc = tlog_prove_inclusion(&source, index, checkpoint.size, &proof, err);
    if (rc == 0)
        rc = proof_file_write(index, &proof, buf_view(&note_text), out_proof_file, err);
    buf_done(&note_text);
    return rc;
}

/* ---- which records ---- */

/*
 * Have all entries and payloads been folded, and all that was erased forgotten? Erasing lowers the store's count of
 * payloads at once, the index's when it forgets. What a mirror dropped the index keeps: then the slots decide.
 */
static bool is_settled(const struct view *view, const struct log_info *log)
{
    struct cursor cursor;
    struct err ignored;
    return view->index && cursor_get(view->index, log->number, &cursor, &ignored) == 0 &&
           cursor_is_at(&cursor, log, log->size) && cursor.payloads == log->payloads;
}

static const struct view_log_seen *log_seen(const struct view *view, int64_t number)
{
    /* The cache is no part of what a view means, so looking at a const view may fill it. */
    union {
        const struct view *shown;
        struct view *cached;
    } both = {.shown = view};
    struct view_log_seen *slot = &both.cached->seen[(uint64_t)number % VIEW_LOGS_CACHED];
    if (slot->number == number)
        return slot;
    struct log_info log;
    struct err ignored;
    *slot = (struct view_log_seen){.number = number};
    if (number > 0 && store_log(view->store, number, &log, &ignored) == 0) {
        slot->visible = view_sees_log(view, &log);
        slot->settled = is_settled(view, &log);
        slot->sharing = view_sharing(view, &log);
    }
    return slot;
}

struct indexed {
    bool is_inline, shown;
    enum tlp tlp;
};

/* What the index knows of a record; false if nothing. */
static bool indexed_row(const struct view *view, int64_t ref, struct indexed *ret)
{
    struct err ignored;
    sqlite3_stmt *statement =
        index_statement(view->index, "SELECT is_inline, shown, tlp FROM record WHERE ref = ?1", &ignored);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, ref);
    if (index_step(view->index, statement, &ignored) <= 0)
        return false;
    ret->is_inline = sqlite3_column_int(statement, 0) != 0;
    ret->shown = sqlite3_column_int(statement, 1) != 0;
    ret->tlp = (enum tlp)sqlite3_column_int(statement, 2);
    sqlite3_reset(statement);
    return true;
}

/* By reading it: whether it is here, and what it says. */
static bool sees_text(const struct view *view, int64_t ref)
{
    struct arena arena;
    arena_init(&arena, 4 * (size_t)PAYLOAD_MAX);
    struct view_record record;
    struct err ignored;
    bool sees = view_record_ref(view, ref, &arena, &record, &ignored) == 0 && record.has_text;
    arena_done(&arena);
    return sees;
}

/* The index may lag behind an erasure; the slot never does. */
static bool slot_allows(const struct view *view, int64_t ref)
{
    unsigned flags = 0;
    struct err ignored;
    if (payload_flags(view->store, RECORD_REF_LOG(ref), RECORD_REF_INDEX(ref), &flags, &ignored) < 0)
        return false;
    unsigned wanted = view_is_inside(view) ? SLOT_HELD : SLOT_HELD | SLOT_CLEAR;
    return (flags & (wanted | SLOT_ERASED | SLOT_WAITING)) == wanted;
}

/* Something that the public does not see, and whose marking is in the index: may this viewer? */
static bool admits_held(const struct view *view, int64_t ref, enum tlp tlp)
{
    struct view_held held = view_held(view);
    struct err ignored;
    if ((int)tlp >= held.least && (int)tlp <= held.most)
        return true;
    if (view->viewer.guest && RECORD_REF_LOG(ref) == view->guest_log && tlp != TLP_RED)
        return true; /* what its member said itself */
    sqlite3_stmt *statement =
        tlp == TLP_RED && held.person.len > 0
            ? index_statement(view->index, "SELECT 1 FROM person WHERE name = ?1 AND ref = ?2", &ignored)
            : NULL;
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, (const char *)held.person.data, (int)held.person.len, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, ref);
    bool is_named = index_step(view->index, statement, &ignored) > 0;
    sqlite3_reset(statement);
    return is_named;
}

bool view_sees_ref(const struct view *view, int64_t ref)
{
    const struct view_log_seen *log = log_seen(view, RECORD_REF_LOG(ref));
    if (!log->visible)
        return false;
    if (!view->index)
        return sees_text(view, ref);
    struct indexed row;
    if (!indexed_row(view, ref, &row))
        return false;
    /* An inline record of a log that is hidden from the public is not `shown`, and bears no marking. */
    if (!row.shown && !(view_is_inside(view) && (row.is_inline || admits_held(view, ref, row.tlp))))
        return false;
    if (row.is_inline || log->sharing == SHARING_ALL)
        return row.is_inline || log->settled || slot_allows(view, ref);
    return log->sharing == SHARING_SOME && sees_text(view, ref);
}

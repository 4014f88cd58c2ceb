#include "index/fold_record.h"

#include "index/news.h"
#include "record/audience.h"
#include "record/member.h"

#define SCRATCH_MAX (256u << 20)  /* bytes: a record of 16 MiB and what its parsers make of it */
#define COLLECT_FULL (160u << 20) /* bytes collected after which they are written, in the midst of a batch, too */
#define COLLECT_MAX (512u << 20)  /* bytes: one record more may add its own size several times */
#define CUT_RECORDS 131072        /* forgotten in one batch: capabilities may go through whole tables once a batch */

void folder_init(struct folder *f, struct index *index, struct store *store, uint64_t max)
{
    *f = (struct folder){.index = index, .store = store, .max = max};
    arena_init(&f->batch, COLLECT_MAX);
    arena_init(&f->scratch, SCRATCH_MAX);
    buf_init(&f->entries, 4 * (size_t)BUNDLE_MAX);
    buf_init(&f->payloads, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 64);
    f->fold = (struct fold){.index = index, .db = index->db, .arena = &f->batch};
    f->pending_from = INT64_MAX;
}

void folder_done(struct folder *f)
{
    folder_reset(f);
    buf_done(&f->entries);
    buf_done(&f->payloads);
    arena_done(&f->batch);
    arena_done(&f->scratch);
}

void folder_reset(struct folder *f)
{
    for (size_t i = 0; capabilities[i]; i++)
        if (capabilities[i]->discard)
            capabilities[i]->discard(&f->fold);
    arena_clear(&f->batch);
    f->fold = (struct fold){.index = f->index, .db = f->index->db, .arena = &f->batch};
    memset(f->words, 0, sizeof(f->words));
    f->row_count = 0;
    f->pending = false;
    f->pending_from = INT64_MAX;
}

void **fold_state(struct fold *fold, const struct capability *capability)
{
    for (size_t i = 0; i < CAPABILITIES_MAX && capabilities[i]; i++)
        if (capabilities[i] == capability)
            return &fold->state[i];
    __builtin_trap(); /* a capability that is not listed cannot have been called */
}

/* ---- rows of `record` ---- */

static void bind_row(sqlite3_stmt *statement, int at, const struct record_row *row)
{
    sqlite3_bind_int64(statement, at, row->ref);
    sqlite3_bind_int64(statement, at + 1, row->kind);
    sqlite3_bind_int64(statement, at + 2, row->time_ms);
    sqlite3_bind_int(statement, at + 3, (int)row->tlp);
    sqlite3_bind_int64(statement, at + 4, row->lang);
    sqlite3_bind_int64(statement, at + 5, row->type);
    sqlite3_bind_int64(statement, at + 6, row->bytes);
    sqlite3_bind_int(statement, at + 7, row->is_inline);
    sqlite3_bind_int(statement, at + 8, row->shown);
    sqlite3_bind_int(statement, at + 9, row->folded);
}

#define INSERT_ROW "INSERT INTO record(ref, kind, time_ms, tlp, lang, type, bytes, is_inline, shown, folded) VALUES"
#define ROW "(?,?,?,?,?,?,?,?,?,?)"
#define FOUR_ROWS ROW "," ROW "," ROW "," ROW
#define ROW_PARAMETERS 10

/* Sixteen rows in one statement cost a quarter less than one by one. */
static int write_rows(struct folder *f, struct err *err)
{
    static const char *const one = INSERT_ROW ROW;
    static const char *const many = INSERT_ROW FOUR_ROWS "," FOUR_ROWS "," FOUR_ROWS "," FOUR_ROWS;
    size_t each = f->row_count == ROWS_AT_ONCE ? ROWS_AT_ONCE : 1;
    int rc = 0;
    int64_t refs[ROWS_AT_ONCE];
    for (size_t i = 0; i < f->row_count; i++)
        refs[i] = f->rows[i].ref;
    if (f->row_count > 0)
        rc = news_add(f->index, refs, f->row_count, err);
    for (size_t i = 0; rc == 0 && i < f->row_count;) {
        sqlite3_stmt *statement = index_statement(f->index, each > 1 ? many : one, err);
        if (!statement)
            return err->code;
        for (size_t k = 0; k < each; k++, i++)
            bind_row(statement, 1 + (int)k * ROW_PARAMETERS, &f->rows[i]);
        rc = index_run(f->index, statement, err);
    }
    f->row_count = 0;
    return rc;
}

int folder_flush(struct folder *f, struct err *err)
{
    int written = write_rows(f, err);
    if (written < 0)
        return written;
    for (size_t i = 0; capabilities[i]; i++) {
        if (!capabilities[i]->flush)
            continue;
        int rc = capabilities[i]->flush(&f->fold, err);
        if (rc < 0)
            return err_in(err, "%s", capabilities[i]->name);
    }
    f->pending = false;
    f->pending_from = INT64_MAX;
    return 0;
}

/* ---- forgetting ---- */

static int delete_row(struct folder *f, int64_t ref, bool *ret_known, bool *ret_inline, struct err *err)
{
    sqlite3_stmt *statement = index_statement(f->index, "DELETE FROM record WHERE ref = ?1 RETURNING is_inline", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, ref);
    int rc = index_step(f->index, statement, err);
    *ret_known = rc > 0;
    *ret_inline = rc > 0 && sqlite3_column_int(statement, 0) != 0;
    /* RETURNING gives its row after all changes; one more step ends the statement. */
    while (rc > 0)
        rc = index_step(f->index, statement, err);
    return rc;
}

/* Which persons a record named. */
static int delete_persons(struct folder *f, int64_t ref, struct err *err)
{
    sqlite3_stmt *statement = index_statement(f->index, "DELETE FROM person WHERE ref = ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, ref);
    return index_run(f->index, statement, err);
}

/* Rows of one record out of all tables; *ret_known: there were any. */
static int forget(struct folder *f, uint64_t at, bool *ret_known, struct err *err)
{
    int64_t ref = RECORD_REF(f->log.number, at);
    int rc = f->pending && ref >= f->pending_from ? folder_flush(f, err) : write_rows(f, err);
    bool is_inline = false;
    *ret_known = false;
    if (rc == 0)
        rc = delete_row(f, ref, ret_known, &is_inline, err);
    if (rc < 0 || !*ret_known)
        return rc;
    if (!is_inline && f->cursor.payloads > 0)
        f->cursor.payloads--;
    if (!is_inline)
        rc = delete_persons(f, ref, err);
    for (size_t i = 0; rc == 0 && capabilities[i]; i++) {
        rc = capabilities[i]->forget ? capabilities[i]->forget(&f->fold, ref, err) : 0;
        if (rc < 0)
            return err_in(err, "%s", capabilities[i]->name);
    }
    return rc;
}

int folder_forget(struct folder *f, uint64_t at, struct err *err)
{
    bool known;
    int64_t forgotten;
    int rc = forget(f, at, &known, err);
    /* In the same transaction: whoever runs next knows that text of it may still stand in unused parts of the file. */
    return rc == 0 && known ? index_counter(f->index, INDEX_FORGOTTEN, 1, &forgotten, err) : rc;
}

int folder_let_go(struct folder *f, uint64_t at, struct err *err)
{
    bool known;
    int rc = forget(f, at, &known, err);
    return rc == 0 && known ? missing_insert(f->index, f->log.number, at, err) : rc;
}

/* What entries from `from` on had erased is no longer erased by them: look for it again. */
static int forget_erasures(struct folder *f, uint64_t from, struct err *err)
{
    for (;;) {
        sqlite3_stmt *statement = index_statement(
            f->index, "SELECT ref FROM erased WHERE ref >= ?1 AND ref < ?2 AND by_index >= ?3 LIMIT 1", err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, RECORD_REF(f->log.number, 0));
        sqlite3_bind_int64(statement, 2, RECORD_REF(f->log.number + 1, 0));
        sqlite3_bind_int64(statement, 3, (int64_t)from);
        int rc = index_step(f->index, statement, err);
        if (rc <= 0)
            return rc;
        int64_t ref = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
        f->cursor.arrived = CURSOR_LOOK; /* it is perhaps held and was not taken in */
        if ((rc = missing_insert(f->index, f->log.number, RECORD_REF_INDEX(ref), err)) < 0)
            return rc;
        if (!(statement = index_statement(f->index, "DELETE FROM erased WHERE ref = ?1", err)))
            return err->code;
        sqlite3_bind_int64(statement, 1, ref);
        if ((rc = index_run(f->index, statement, err)) < 0)
            return rc;
    }
}

/* The last record at or behind `end`: 1, or 0 if there is none. */
static int last_record(struct folder *f, uint64_t end, uint64_t *ret, struct err *err)
{
    sqlite3_stmt *statement =
        index_statement(f->index, "SELECT ref FROM record WHERE ref >= ?1 AND ref < ?2 ORDER BY ref DESC LIMIT 1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, RECORD_REF(f->log.number, end));
    sqlite3_bind_int64(statement, 2, RECORD_REF(f->log.number + 1, 0));
    int rc = index_step(f->index, statement, err);
    if (rc > 0)
        *ret = RECORD_REF_INDEX(sqlite3_column_int64(statement, 0));
    sqlite3_reset(statement);
    return rc;
}

int folder_cut(struct folder *f, uint64_t end, struct err *err)
{
    int rc = write_rows(f, err);
    for (size_t i = 0; rc == 0 && i < CUT_RECORDS; i++) {
        uint64_t at = end;
        int found = last_record(f, end, &at, err);
        if (found < 0)
            return found;
        f->cursor.entries = at;
        if (found == 0)
            break;
        rc = folder_forget(f, at, err);
        f->batch_records++;
    }
    if (rc == 0)
        rc = missing_cut(f->index, f->log.number, f->cursor.entries, err);
    return rc < 0 ? rc : forget_erasures(f, f->cursor.entries, err);
}

/* ---- erasures ---- */

int folder_is_erased(struct folder *f, uint64_t at, bool *ret, struct err *err)
{
    sqlite3_stmt *statement = index_statement(f->index, "SELECT 1 FROM erased WHERE ref = ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, RECORD_REF(f->log.number, at));
    int rc = index_step(f->index, statement, err);
    *ret = rc > 0;
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

/* An inline record of this log was folded before its own index: only sealed content can be withdrawn. */
static int is_inline_record(struct folder *f, uint64_t at, bool *ret, struct err *err)
{
    int written = write_rows(f, err);
    if (written < 0)
        return written;
    sqlite3_stmt *statement = index_statement(f->index, "SELECT is_inline FROM record WHERE ref = ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, RECORD_REF(f->log.number, at));
    int rc = index_step(f->index, statement, err);
    *ret = rc > 0 && sqlite3_column_int(statement, 0) != 0;
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

static int take_erasure(struct folder *f, uint64_t at, const struct record *record, struct err *err)
{
    uint64_t target = 0;
    struct err ignored;
    bool is_inline = false;
    if (erase_parse(record, &target, &ignored) < 0 || target >= at)
        return 0; /* says nothing; everyone ignores it alike */
    int rc = is_inline_record(f, target, &is_inline, err);
    if (rc < 0 || is_inline)
        return rc;
    sqlite3_stmt *statement =
        index_statement(f->index, "INSERT INTO erased(ref, by_index) VALUES(?1, ?2) ON CONFLICT(ref) DO NOTHING", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, RECORD_REF(f->log.number, target));
    sqlite3_bind_int64(statement, 2, (int64_t)at);
    rc = index_run(f->index, statement, err);
    return rc < 0 ? rc : folder_forget(f, target, err);
}

/* ---- taking in ---- */

static int word_number(struct folder *f, struct span text, int64_t *ret, struct err *err)
{
    *ret = 0;
    if (text.len == 0)
        return 0;
    for (size_t i = 0; i < WORD_CACHE; i++) {
        if (span_eq(span_of(f->words[i].text, f->words[i].len), text)) {
            *ret = f->words[i].number;
            return 0;
        }
    }
    int rc = index_word(f->index, text, ret, err);
    if (rc == 0 && text.len <= WORD_CACHE_MAX) {
        struct cached_word *word = &f->words[f->next_word++ % WORD_CACHE];
        memcpy(word->text, text.data, text.len);
        word->len = text.len;
        word->number = *ret;
    }
    return rc;
}

/* Whom a content that is for persons names: pages, lists and searches ask for each of them. */
static int add_persons(struct folder *f, const struct record *record, const struct record_row *row, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < record->to_count; i++) {
        struct span name = record->to[i];
        if (!audience_is_person(name))
            continue;
        sqlite3_stmt *statement =
            index_statement(f->index, "INSERT OR IGNORE INTO person(name, ref) VALUES(?1, ?2)", err);
        if (!statement)
            return err->code;
        sqlite3_bind_text(statement, 1, (const char *)name.data, (int)name.len, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, row->ref);
        rc = index_run(f->index, statement, err);
    }
    return rc;
}

static int add_row(struct folder *f, const struct record *record, struct record_row *row, struct err *err)
{
    int rc = word_number(f, record->kind, &row->kind, err);
    if (rc == 0 && record->tlp == TLP_RED && !row->is_inline)
        rc = add_persons(f, record, row, err);
    if (rc == 0)
        rc = word_number(f, record->lang, &row->lang, err);
    if (rc == 0)
        rc = word_number(f, record->type, &row->type, err);
    row->time_ms = record->has_time ? record->time_ms : 0;
    row->tlp = record->tlp;
    if (rc == 0 && f->row_count == ROWS_AT_ONCE)
        rc = write_rows(f, err);
    if (rc == 0)
        f->rows[f->row_count++] = *row;
    return rc;
}

static bool ends_batch(int code)
{
    return code == ERR_IO || code == ERR_MEMORY || code == ERR_STATE;
}

/* Hand the record to its capability. A record that it refuses is kept and shown raw. */
static int apply(struct folder *f, const struct fold_record *record, bool *ret_folded, struct err *err)
{
    const struct kind *kind = NULL;
    const struct capability *capability = capability_of(record->record->kind, &kind);
    struct err refused;
    *ret_folded = false;
    if (!capability)
        return 0;
    if ((kind->check ? kind->check(record->record, &refused) : kind_check(record->record, &refused)) < 0)
        return 0;
    if (!f->pending || record->ref < f->pending_from)
        f->pending_from = record->ref;
    f->pending = true;
    int rc = capability->apply(&f->fold, record, &refused);
    if (ends_batch(rc)) {
        *err = refused;
        return err_in(err, "%s", capability->name);
    }
    *ret_folded = rc == 0;
    return 0;
}

int folder_take(struct folder *f, uint64_t at, enum entry_class class, struct span text, struct err *err)
{
    struct record record;
    struct err refused;
    arena_clear(&f->scratch);
    f->batch_bytes += text.len;
    bool parsed = record_parse(text, &f->scratch, &record, &refused) == 0;
    if (!parsed)
        record = (struct record){0};
    bool is_public = f->log.role != LOG_LOCAL && f->log.role != LOG_LISTED;
    struct record_row row = {
        .ref = RECORD_REF(f->log.number, at), .is_inline = class != ENTRY_SEAL, .bytes = (int64_t)text.len};
    row.shown = is_public && (row.is_inline || record.tlp == TLP_CLEAR);
    bool foldable = parsed && (class == ENTRY_SEAL ? payload_foldable(&record) : class == ENTRY_INLINE && !record.hold);
    int rc = 0;
    if (foldable) {
        struct fold_record taken = {.number = f->log.number,
                                    .origin = f->log.origin,
                                    .role = f->log.role,
                                    .index = at,
                                    .ref = row.ref,
                                    .is_inline = row.is_inline,
                                    .shown = row.shown,
                                    .text = text,
                                    .record = &record,
                                    .arena = &f->scratch};
        rc = apply(f, &taken, &row.folded, err);
        if (rc == 0 && row.is_inline && span_is(record.kind, "connect/erase"))
            rc = take_erasure(f, at, &record, err);
    }
    if (rc == 0)
        rc = add_row(f, &record, &row, err);
    if (rc == 0 && f->batch.used_bytes >= COLLECT_FULL && (rc = folder_flush(f, err)) == 0)
        folder_reset(f);
    return rc;
}

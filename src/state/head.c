#include "state/internal.h"

#include "base/utf8.h"

/* Text and the lines of the log's own keys: whatever else a peer's note carries is not kept. */
static int note_strip(const struct note *note, const struct member *member, uint64_t size, struct buf *out,
                      struct err *err)
{
    const struct log_key *key = member_key_at(member, size);
    const uint8_t *keys[2] = {key->public_key, key->from_size == size && size > 1 ? key->cosigned_by : NULL};
    buf_span(out, note->text);
    buf_byte(out, '\n');
    for (int k = 0; k < 2; k++) {
        struct note_key known;
        int rc = keys[k] ? note_key_make(&known, span_str(member->origin), NOTE_ED25519, keys[k], err) : 0;
        if (rc)
            return rc;
        for (size_t i = 0; keys[k] && i < note->sig_count; i++)
            if (note->sigs[i].id == known.id && span_is(note->sigs[i].name, known.name))
                buf_span(out, note->sigs[i].line);
    }
    return buf_check(out, "checkpoint", err);
}

static int head_check(struct store *store, const struct log_row *row, const struct note *note, struct arena *arena,
                      struct buf *out_note, struct tlog_hash *ret_root, struct err *err)
{
    struct checkpoint checkpoint;
    int rc = checkpoint_parse(note->text, &checkpoint, err);
    if (rc)
        return rc;
    if (!span_is(checkpoint.origin, row->info.origin)) {
        char shown[4 * ORIGIN_MAX];
        return err_set(err, ERR_VERIFY, "checkpoint of another log, %s",
                       text_escape_into(shown, sizeof shown, checkpoint.origin));
    }
    if (checkpoint.size != row->info.staged || checkpoint.size == 0)
        return err_set(err, ERR_VERIFY, "checkpoint of size %llu, %llu entries stored",
                       (unsigned long long)checkpoint.size, (unsigned long long)row->info.staged);
    rc = row_root(store, row, checkpoint.size, ret_root, err);
    if (rc)
        return rc;
    /* Before a peer is called a liar, and before anything of one's own is signed: is it our disk that lies? */
    bool same = tlog_hash_eq(ret_root, &checkpoint.root);
    if (!same || row->info.role == LOG_OWN || row->info.role == LOG_LOCAL)
        rc = row_check_root(store, row, err);
    if (rc)
        return rc;
    if (!same)
        return err_set(err, ERR_VERIFY, "the %llu entries do not hash to the checkpoint's root",
                       (unsigned long long)checkpoint.size);
    struct member member;
    rc = row_member(store, row, checkpoint.size, arena, &member, err);
    if (!rc)
        rc = member_verify_checkpoint(&member, note, &checkpoint, err);
    if (!rc)
        rc = note_strip(note, &member, checkpoint.size, out_note, err);
    return rc;
}

/* ---- a log that was emptied ---- */

static void remembered_name(const struct log_row *row, char out[80])
{
    snprintf(out, 80, "healed.%s", row->info.hex);
}

int head_remember(struct store *store, const struct log_row *row, struct err *err)
{
    char name[80];
    struct buf note;
    bool is_shorter = false;
    if ((row->info.role != LOG_MIRROR && row->info.role != LOG_MOVED) || row->info.size == 0)
        return 0;
    /* Emptied twice: the longer one counts. */
    int rc = head_is_shorter(store, row, &is_shorter, err);
    if (rc || is_shorter)
        return rc;
    buf_init(&note, NOTE_MAX);
    remembered_name(row, name);
    rc = store_checkpoint(store, row->info.number, &note, err);
    if (!rc)
        rc = store_put(store, name, buf_view(&note), err);
    buf_done(&note);
    return rc;
}

/* 1 and what was kept, 0 if nothing was. `text` holds what *ret borrows. */
static int head_remembered(struct store *store, const struct log_row *row, struct buf *text, struct checkpoint *ret,
                           struct err *err)
{
    char name[80];
    struct note note;
    struct err none;
    remembered_name(row, name);
    int rc = store_get(store, name, text, &none);
    if (rc == ERR_NOTFOUND)
        return 0;
    if (rc) {
        *err = none;
        return rc;
    }
    rc = note_parse(buf_view(text), &note, err);
    if (!rc)
        rc = checkpoint_parse(note.text, ret, err);
    return rc ? rc : 1;
}

int head_is_shorter(struct store *store, const struct log_row *row, bool *ret, struct err *err)
{
    struct buf text;
    struct checkpoint kept;
    buf_init(&text, NOTE_MAX);
    int rc = head_remembered(store, row, &text, &kept, err);
    *ret = rc == 1 && kept.size > row->info.size;
    buf_done(&text);
    return rc < 0 ? rc : 0;
}

/* What is staged must go on from what was held before; once it does, this is settled. */
static int head_holds_remembered(struct store *store, const struct log_row *row, struct err *err)
{
    struct buf text;
    struct checkpoint kept;
    struct tlog_hash root;
    char name[80];
    buf_init(&text, NOTE_MAX);
    int rc = head_remembered(store, row, &text, &kept, err);
    bool is_due = rc == 1 && kept.size <= row->info.staged;
    rc = is_due ? row_root(store, row, kept.size, &root, err) : rc < 0 ? rc : 0;
    if (!rc && is_due && !tlog_hash_eq(&root, &kept.root))
        rc = err_set(err, ERR_VERIFY,
                     "its first %llu entries are others than those that were held here, and cosigned, before it was "
                     "emptied to be healed",
                     (unsigned long long)kept.size);
    remembered_name(row, name);
    if (!rc && is_due)
        rc = db_run(store, err, "DELETE FROM fact WHERE name = ?", "s", name);
    buf_done(&text);
    return rc;
}

int store_set_head(struct store *store, int64_t number, struct span note_text, struct err *err)
{
    struct log_row row;
    struct note note;
    struct arena arena;
    struct buf kept;
    struct tlog_hash root;
    arena_init(&arena, MEMBER_ARENA_MAX);
    buf_init(&kept, NOTE_MAX);
    int rc = store_writable(store, err);
    if (!rc)
        rc = row_load(store, number, &row, err);
    if (rc)
        goto out;
    rc = note_parse(note_text, &note, err);
    if (!rc)
        rc = head_check(store, &row, &note, &arena, &kept, &root, err);
    if (!rc)
        rc = head_holds_remembered(store, &row, err);
    if (rc) {
        err_in(err, "log %s", row.info.origin);
        goto out;
    }
    uint64_t before = row.info.size;
    row.info.size = row.info.staged;
    row.info.root = root;
    row.info.head_ms = now_ms();
    row_bump(store, &row);
    rc = row_save(store, &row, err);
    if (!rc)
        rc = db_run(store, err, "UPDATE log SET note = ? WHERE number = ?", "bi", buf_view(&kept), number);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM cosignature WHERE log = ?", "i", number);
    if (!rc)
        rc = erase_queue(store, &row, before, row.info.size, err);
out:
    buf_done(&kept);
    arena_done(&arena);
    return rc;
}

int store_checkpoint(struct store *store, int64_t number, struct buf *out, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT note FROM log WHERE number = ?", "i", number);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    bool there = rc == 1 && sqlite3_column_type(stmt, 0) != SQLITE_NULL;
    if (there)
        buf_span(out, db_span(stmt, 0));
    db_end(stmt);
    if (rc < 0)
        return rc;
    if (!there)
        return err_set(err, ERR_NOTFOUND, "log %lld has no checkpoint yet", (long long)number);
    /* The operator's own first: it vouches for the copy that is served. */
    stmt = db_query(store, err, "SELECT line FROM cosignature WHERE log = ? ORDER BY own DESC, time, name LIMIT ?",
                    "ii", number, (int64_t)CHECKPOINT_COSIGS_MAX);
    if (!stmt)
        return err->code;
    while ((rc = db_step(store, stmt, err)) == 1)
        buf_span(out, db_span(stmt, 0));
    db_end(stmt);
    return rc < 0 ? rc : buf_check(out, "checkpoint", err);
}

int store_add_cosignature(struct store *store, int64_t number, const struct note_key *key, uint64_t time,
                          struct span line, struct err *err)
{
    int rc = store_writable(store, err);
    if (rc)
        return rc;
    int64_t own = 0;
    struct log_info operator_log;
    struct err none;
    if (store_operator(store, &operator_log, &none) == 0)
        own = strcmp(operator_log.origin, key->name) == 0;
    return db_run(store, err,
                  "INSERT OR REPLACE INTO cosignature(log, name, key_id, time, line, own) VALUES(?, ?, ?, ?, ?, ?)",
                  "isiibi", number, key->name, (int64_t)key->id, (int64_t)time, line, own);
}

int store_cosignatures(struct store *store, int64_t number,
                       int (*each)(void *ctx, struct span name, uint32_t key_id, uint64_t time, struct span line,
                                   struct err *err),
                       void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = db_query(
        store, err, "SELECT name, key_id, time, line FROM cosignature WHERE log = ? ORDER BY name", "i", number);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        rc = each(ctx, db_span(stmt, 0), (uint32_t)sqlite3_column_int64(stmt, 1),
                  (uint64_t)sqlite3_column_int64(stmt, 2), db_span(stmt, 3), err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

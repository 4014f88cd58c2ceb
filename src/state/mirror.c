#include "state/mirror.h"

#include "state/internal.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "state/notices.h"

/* 1: one of the log's keys signed, and which; 0: none that we know; ERR_VERIFY: a known key's line does not hold. */
static int signed_by_known(const struct member *member, const struct note *note, const struct log_key **ret,
                           struct err *err)
{
    for (size_t i = member->key_count; i-- > 0;) {
        struct note_key key;
        int rc = note_key_make(&key, span_str(member->origin), NOTE_ED25519, member->keys[i].public_key, err);
        if (!rc)
            rc = note_verify(note, &key, NULL, err);
        if (rc) {
            *ret = &member->keys[i];
            return rc;
        }
    }
    return 0;
}

static int judge_ahead(const struct member *member, const struct note *note, uint64_t size, struct err *err)
{
    const struct log_key *key = NULL;
    int rc = signed_by_known(member, note, &key, err);
    if (rc < 0)
        return rc;
    const struct log_key *now = &member->keys[member->key_count - 1];
    if (rc == 1 && key != now)
        return err_set(err, ERR_VERIFY, "checkpoint of size %llu: signed by a key retired at size %llu",
                       (unsigned long long)size, (unsigned long long)key[1].from_size);
    if (rc == 1)
        return 0;
    for (size_t i = 0; i < note->sig_count; i++)
        if (span_is(note->sigs[i].name, member->origin))
            return 0; /* perhaps a key that a rotation among the entries to come brings */
    return err_set(err, ERR_VERIFY, "checkpoint of size %llu: not signed in the log's name", (unsigned long long)size);
}

static int judge(struct store *store, const struct log_row *row, const struct note *note,
                 const struct checkpoint *checkpoint, struct arena *arena, enum mirror_result *ret, struct err *err)
{
    uint64_t size = row->info.size;
    struct tlog_hash root;
    if (size == 0 || checkpoint->size == 0) {
        *ret = checkpoint->size > 0 ? MIRROR_ADVANCE : MIRROR_BEHIND;
        return 0;
    }
    struct member member;
    int rc = row_member(store, row, size, arena, &member, err);
    if (rc)
        return rc;
    if (checkpoint->size > size) {
        rc = judge_ahead(&member, note, checkpoint->size, err);
        *ret = MIRROR_ADVANCE;
        return rc;
    }
    rc = member_verify_checkpoint(&member, note, checkpoint, err);
    if (!rc)
        rc = row_root(store, row, checkpoint->size, &root, err);
    if (rc)
        return rc;
    if (tlog_hash_eq(&root, &checkpoint->root))
        *ret = MIRROR_BEHIND;
    else
        *ret = checkpoint->size == size ? MIRROR_FORK_SAME : MIRROR_FORK_OLD;
    return 0;
}

int mirror_judge(struct store *store, const struct log_info *log, struct span note_text, enum mirror_result *ret,
                 struct err *err)
{
    struct note note = {0};
    struct checkpoint checkpoint = {0};
    struct log_row row;
    struct arena arena;
    arena_init(&arena, MEMBER_ARENA_MAX);
    int rc = row_load(store, log->number, &row, err);
    if (!rc)
        rc = note_parse(note_text, &note, err);
    if (!rc)
        rc = checkpoint_parse(note.text, &checkpoint, err);
    if (!rc && !span_is(checkpoint.origin, log->origin)) {
        char shown[4 * ORIGIN_MAX];
        rc = err_set(err, ERR_VERIFY, "checkpoint of another log, %s",
                     text_escape_into(shown, sizeof shown, checkpoint.origin));
    }
    if (!rc)
        rc = judge(store, &row, &note, &checkpoint, &arena, ret, err);
    arena_done(&arena);
    return rc ? err_in(err, "log %s", log->origin) : 0;
}

/* ---- staging ---- */

static int check_first(const struct log_row *row, struct span bundle, struct err *err)
{
    struct bundle_reader reader = {bundle, 0};
    struct span entry0;
    struct arena arena;
    struct member member;
    int rc = bundle_next(&reader, &entry0, err);
    if (rc <= 0)
        return rc;
    arena_init(&arena, MEMBER_ARENA_MAX);
    rc = member_begin(span_str(row->info.origin), entry0, &arena, &member, err);
    arena_done(&arena);
    return rc;
}

/* Every length looked at before anything is stored. */
static int check_bundle(struct span bundle, uint64_t *ret_count, struct err *err)
{
    struct bundle_reader reader = {bundle, 0};
    struct span entry;
    uint64_t count = 0;
    int rc;
    while ((rc = bundle_next(&reader, &entry, err)) == 1) {
        if (entry.len == 0)
            return err_set(err, ERR_SYNTAX, "entry %llu of the bundle is empty", (unsigned long long)count);
        count++;
    }
    *ret_count = count;
    return rc;
}

#define STAGE_ENTRIES 16384 /* entries handed on at once: 64 bundles */

static int stage_all(struct store *store, int64_t number, struct span bundle, uint64_t count, struct err *err)
{
    size_t room = count < STAGE_ENTRIES ? (size_t)count : STAGE_ENTRIES, got = 0;
    struct store_entry *entries = calloc(room, sizeof *entries);
    if (!entries)
        return err_memory(err);
    struct bundle_reader reader = {bundle, 0};
    int rc = 0;
    while (!rc && count > 0) {
        rc = bundle_next(&reader, &entries[got++].entry, err) == 1 ? 0 : ERR_SYNTAX;
        count--;
        if (!rc && (got == room || count == 0)) {
            rc = store_add(store, number, entries, got, err);
            got = 0;
        }
    }
    free(entries);
    return rc;
}

int mirror_stage(struct store *store, int64_t number, struct span bundle, uint64_t *ret_count, struct err *err)
{
    struct log_row row;
    uint64_t count = 0;
    int rc = store_writable(store, err);
    if (!rc)
        rc = row_load(store, number, &row, err);
    if (rc)
        return rc;
    if (row.info.role == LOG_LOCAL || row.info.role == LOG_LISTED)
        return err_set(err, ERR_STATE, "log %s: %s, not mirrored", row.info.origin,
                       row.info.role == LOG_LOCAL ? "a local log" : "beyond its peer's quota");
    rc = check_bundle(bundle, &count, err);
    if (!rc && count > LOG_SIZE_MAX - row.info.staged)
        rc = err_set(err, ERR_LIMIT, "more than 2^40 entries");
    if (!rc && row.info.staged == 0 && count > 0)
        rc = check_first(&row, bundle, err);
    if (!rc && count > 0)
        rc = stage_all(store, number, bundle, count, err);
    if (rc)
        return err_in(err, "log %s", row.info.origin);
    *ret_count = count;
    return 0;
}

int mirror_finish(struct store *store, int64_t number, struct span note, struct err *err)
{
    struct log_row row;
    int rc = store_writable(store, err);
    if (!rc)
        rc = row_load(store, number, &row, err);
    if (rc)
        return rc;
    if (row.info.role == LOG_LOCAL || row.info.role == LOG_LISTED)
        return err_set(err, ERR_STATE, "log %s: not a mirrored log", row.info.origin);
    return store_set_head(store, number, note, err);
}

/* ---- cosignatures ---- */

static int cosign(struct store *store, const struct log_row *row, const struct log_row *operator_row, uint64_t now_s,
                  struct err *err)
{
    struct keys keys = {0};
    struct note_signer signer = {0};
    struct note note = {0};
    struct arena arena;
    struct member member = {0};
    struct buf text, line;
    arena_init(&arena, MEMBER_ARENA_MAX);
    buf_init(&text, NOTE_MAX);
    buf_init(&line, 1024);
    struct span origin = span_str(operator_row->info.origin);
    int rc = keys_load(store->dir, origin, &keys, err);
    if (!rc)
        rc = row_member(store, operator_row, operator_row->info.size, &arena, &member, err);
    if (!rc)
        rc = keys_others_in_force(store, &member, &keys, err);
    if (!rc)
        rc = note_signer_make(&signer, origin, NOTE_COSIGNATURE, keys.cosigner_seed, err);
    if (!rc && memcmp(signer.key.public_key, member.profile.cosigner_key, 32) != 0)
        rc = err_set(err, ERR_STATE, "the cosigner key of %s is not the one in its profile", operator_row->info.origin);
    if (!rc)
        rc = store_checkpoint(store, row->info.number, &text, err);
    if (!rc)
        rc = note_parse(buf_view(&text), &note, err);
    if (!rc)
        rc = note_sign(note.text, &signer, now_s, &line, err);
    if (!rc)
        rc = store_add_cosignature(store, row->info.number, &signer.key, now_s, buf_view(&line), err);
    note_signer_wipe(&signer);
    keys_wipe(&keys);
    arena_done(&arena);
    buf_done(&text);
    buf_done(&line);
    return rc;
}

int mirror_cosign(struct store *store, int64_t number, uint64_t now_s, struct err *err)
{
    bool own_transaction = !store->writing;
    struct log_row row, operator_row;
    struct log_info operator_log;
    int rc = own_transaction ? store_begin(store, err) : 0;
    if (rc)
        return rc;
    rc = row_load(store, number, &row, err);
    if (!rc)
        rc = store_operator(store, &operator_log, err);
    if (!rc)
        rc = row_load(store, operator_log.number, &operator_row, err);
    if (!rc && row.info.role != LOG_OWN && row.info.role != LOG_MIRROR && row.info.role != LOG_MOVED)
        rc = err_set(err, ERR_STATE, "log %s: not served, so not cosigned", row.info.origin);
    if (!rc && row.info.standing != STANDING_GOOD)
        rc = err_set(err, ERR_STATE, "log %s: forked, so not cosigned", row.info.origin);
    bool is_shorter = false;
    if (!rc)
        rc = head_is_shorter(store, &row, &is_shorter, err);
    if (!rc && !is_shorter)
        rc = cosign(store, &row, &operator_row, now_s, err);
    return store_end(store, own_transaction, rc, err);
}

/* 1: a cosignature that is new here was kept. */
static int collect_line(struct store *store, int64_t number, const struct note *note, const struct note_sig *sig,
                        struct arena *arena, struct err *err)
{
    struct log_info info;
    struct log_row row;
    struct member member;
    struct note_key key = {0};
    struct err unknown;
    uint64_t time = 0;
    int64_t there = 0;
    if (!origin_valid(sig->name) || store_log_by_origin(store, sig->name, &info, &unknown) != 0 || info.size == 0 ||
        info.role == LOG_LOCAL)
        return 0;
    int rc = row_load(store, info.number, &row, err);
    if (!rc)
        rc = row_member(store, &row, row.info.size, arena, &member, err);
    if (!rc)
        rc = member_cosigner(&member, &key, err);
    if (rc || key.id != sig->id)
        return rc;
    rc = note_verify(note, &key, &time, err);
    if (rc <= 0)
        return rc;
    rc = db_int(store, &there, err, "SELECT count(*) FROM cosignature WHERE log = ? AND name = ? AND key_id = ?", "isi",
                number, key.name, (int64_t)key.id);
    if (!rc && !there)
        rc = store_add_cosignature(store, number, &key, time, sig->line, err);
    return rc ? rc : there == 0;
}

int mirror_collect(struct store *store, int64_t number, struct span note_text, size_t *ret_new, struct err *err)
{
    struct note note = {0}, head = {0};
    struct buf ours;
    struct arena arena;
    arena_init(&arena, MEMBER_ARENA_MAX);
    buf_init(&ours, NOTE_MAX);
    *ret_new = 0;
    int rc = store_writable(store, err);
    if (!rc)
        rc = note_parse(note_text, &note, err);
    if (!rc)
        rc = store_checkpoint(store, number, &ours, err);
    if (!rc)
        rc = note_parse(buf_view(&ours), &head, err);
    if (!rc && !span_eq(note.text, head.text))
        rc = err_set(err, ERR_STATE, "cosignatures of another head than ours");
    for (size_t i = 0; !rc && i < note.sig_count; i++) {
        arena_clear(&arena);
        rc = collect_line(store, number, &note, &note.sigs[i], &arena, err);
        if (rc == 1) {
            ++*ret_new;
            rc = 0;
        }
    }
    buf_done(&ours);
    arena_done(&arena);
    return rc;
}

/* ---- forks ---- */

int mirror_fork(struct store *store, int64_t number, bool freezes, uint64_t index, struct span record_text,
                struct err *err)
{
    struct log_info info;
    struct span record = record_text.len > 0 ? record_text : SPAN_LIT(""); /* no proof for others: not NULL in SQL */
    int rc = store_writable(store, err);
    if (!rc)
        rc = store_log(store, number, &info, err);
    if (rc)
        return rc;
    if (freezes ? info.frozen_from <= index : info.standing != STANDING_GOOD)
        return 0;
    rc = db_run(store, err, "INSERT OR REPLACE INTO fork(log, freezes, idx, record) VALUES(?, ?, ?, ?)", "iiib", number,
                (int64_t)freezes, (int64_t)index, record);
    if (rc)
        return rc;
    info.standing = freezes ? STANDING_FROZEN : STANDING_SUSPENDED;
    if (freezes)
        info.frozen_from = index;
    struct notice notice = {
        .what = freezes ? NOTICE_FORK_FOUND : NOTICE_LOG_SUSPENDED, .time_ms = now_ms(), .origin = info.origin};
    rc = store_log_update(store, &info, err);
    return rc ? rc : notice_add(store, &notice, err);
}

int mirror_fork_proof(struct store *store, int64_t number, struct buf *out, struct err *err)
{
    sqlite3_stmt *stmt = db_query(
        store, err, "SELECT record FROM fork WHERE log = ? AND length(record) > 0 ORDER BY freezes DESC LIMIT 1", "i",
        number);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        buf_span(out, db_span(stmt, 0));
    db_end(stmt);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "log %lld: no proof of a fork here", (long long)number);
    return rc < 0 ? rc : buf_check(out, "fork proof", err);
}

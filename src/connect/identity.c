#include <stdio.h>
#include <stdlib.h>

#include "connect/capability.h"
#include "record/member.h"

#define IDENTITY_ARENA_MAX (1u << 20)

enum identity_kind { IDENTITY_PROFILE, IDENTITY_ROTATION };

/* ---- replaying what is known of one log's keys ---- */

struct replay {
    struct fold *fold;
    struct arena arena;
    struct member member;
    char origin[ORIGIN_MAX + 1];
    bool has_member;
};

static int replay_one(struct replay *replay, int64_t ref, struct span text, struct err *err)
{
    if (!replay->has_member) {
        replay->has_member = true;
        return member_begin(span_str(replay->origin), text, &replay->arena, &replay->member, err);
    }
    return member_apply(&replay->member, RECORD_REF_INDEX(ref), text, &replay->arena, err);
}

/* Entry 0, the rotations and the newest profile make the same member as all of them would. */
static int replay_load(struct replay *replay, int64_t number, struct err *err)
{
    sqlite3_stmt *query = index_statement(
        replay->fold->index,
        "SELECT ref, text, origin FROM connect_identity WHERE ref >= ?1 AND ref < ?2 AND (kind = 1 OR ref = ?1 OR ref ="
        " (SELECT max(ref) FROM connect_identity WHERE ref >= ?1 AND ref < ?2 AND kind = 0)) ORDER BY ref",
        err);
    int code;
    if (!query)
        return err->code;
    sqlite3_bind_int64(query, 1, RECORD_REF(number, 0));
    sqlite3_bind_int64(query, 2, RECORD_REF(number + 1, 0));
    while ((code = index_step(replay->fold->index, query, err)) > 0) {
        int64_t ref = sqlite3_column_int64(query, 0);
        if (!replay->has_member)
            snprintf(replay->origin, sizeof(replay->origin), "%s", (const char *)sqlite3_column_text(query, 2));
        struct span text = span_of(sqlite3_column_blob(query, 1), (size_t)sqlite3_column_bytes(query, 1));
        code = replay_one(replay, ref, arena_copy(&replay->arena, text), err);
        if (code < 0)
            break;
    }
    sqlite3_reset(query);
    return code;
}

/* ---- the rows ---- */

static void bind_text(sqlite3_stmt *statement, int column, const char *text)
{
    sqlite3_bind_text(statement, column, text, -1, SQLITE_TRANSIENT);
}

static int member_write(struct fold *fold, int64_t number, const struct member *member, struct err *err)
{
    const struct profile *profile = &member->profile;
    sqlite3_stmt *insert = index_statement(fold->index,
                                           "INSERT OR REPLACE INTO connect_member(ref, origin, name, class, "
                                           "jurisdiction, contact, host, succeeds, log_key,"
                                           " profile, rotations) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                                           err);
    if (!insert)
        return err->code;
    sqlite3_bind_int64(insert, 1, RECORD_REF(number, 0));
    bind_text(insert, 2, member->origin);
    bind_text(insert, 3, profile->name);
    bind_text(insert, 4, member_class_word(profile->class));
    bind_text(insert, 5, profile->jurisdiction);
    bind_text(insert, 6, profile->contact);
    bind_text(insert, 7, profile->host);
    bind_text(insert, 8, profile->has_succeeds ? profile->succeeds_origin : "");
    sqlite3_bind_blob(insert, 9, profile->log_key, 32, SQLITE_TRANSIENT);
    sqlite3_bind_int64(insert, 10, (int64_t)member->profile_index);
    sqlite3_bind_int64(insert, 11, (int64_t)member->key_count - 1);
    return index_run(fold->index, insert, err);
}

static int identity_write(struct fold *fold, const struct fold_record *record, enum identity_kind kind, struct err *err)
{
    sqlite3_stmt *insert = index_statement(
        fold->index, "INSERT OR REPLACE INTO connect_identity(ref, kind, origin, text) VALUES(?1, ?2, ?3, ?4)", err);
    if (!insert)
        return err->code;
    sqlite3_bind_int64(insert, 1, record->ref);
    sqlite3_bind_int64(insert, 2, kind);
    bind_text(insert, 3, record->origin);
    sqlite3_bind_blob(insert, 4, record->text.data, (int)record->text.len, SQLITE_TRANSIENT);
    return index_run(fold->index, insert, err);
}

static int rotation_write(struct fold *fold, const struct fold_record *record, const struct member *member,
                          struct err *err)
{
    const struct log_key *now = &member->keys[member->key_count - 1], *old = now - 1;
    sqlite3_stmt *insert = index_statement(
        fold->index,
        "INSERT OR REPLACE INTO connect_rotation(ref, old_key, new_key, by_recovery) VALUES(?1, ?2, ?3, ?4)", err);
    if (!insert)
        return err->code;
    sqlite3_bind_int64(insert, 1, record->ref);
    sqlite3_bind_blob(insert, 2, old->public_key, 32, SQLITE_TRANSIENT);
    sqlite3_bind_blob(insert, 3, now->public_key, 32, SQLITE_TRANSIENT);
    sqlite3_bind_int64(insert, 4, now->by_recovery);
    return index_run(fold->index, insert, err);
}

/* ---- fold and forget ---- */

static int identity_fold(struct replay *replay, const struct fold_record *record, struct err *err)
{
    struct fold *fold = replay->fold;
    bool is_rotation = span_is(record->record->kind, "connect/rotate");
    int code = replay_load(replay, record->number, err);
    if (code == 0 && !replay->has_member && record->index != 0)
        code = err_set(err, ERR_VERIFY, "a log that does not begin with a profile");
    size_t keys_before = replay->member.key_count;
    if (code == 0)
        code = replay_one(replay, record->ref, record->text, err);
    if (code < 0)
        return code;
    code = identity_write(fold, record, is_rotation ? IDENTITY_ROTATION : IDENTITY_PROFILE, err);
    if (code == 0 && is_rotation && replay->member.key_count > keys_before)
        code = rotation_write(fold, record, &replay->member, err);
    return code < 0 ? code : member_write(fold, record->number, &replay->member, err);
}

int identity_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (!replay)
        return err_memory(err);
    replay->fold = fold;
    snprintf(replay->origin, sizeof(replay->origin), "%s", record->origin);
    arena_init(&replay->arena, IDENTITY_ARENA_MAX);
    int code = identity_fold(replay, record, err);
    arena_done(&replay->arena);
    free(replay);
    return code;
}

static int delete_ref(struct fold *fold, const char *sql, int64_t ref, struct err *err)
{
    sqlite3_stmt *statement = index_statement(fold->index, sql, err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, ref);
    return index_run(fold->index, statement, err);
}

int identity_forget(struct fold *fold, int64_t ref, struct err *err)
{
    int code = delete_ref(fold, "DELETE FROM connect_identity WHERE ref = ?1", ref, err);
    if (code < 0 || sqlite3_changes(fold->db) == 0)
        return code;
    code = delete_ref(fold, "DELETE FROM connect_rotation WHERE ref = ?1", ref, err);
    if (code < 0 || RECORD_REF_INDEX(ref) == 0)
        return code < 0 ? code : delete_ref(fold, "DELETE FROM connect_member WHERE ref = ?1", ref, err);
    struct replay *replay = calloc(1, sizeof(*replay));
    if (!replay)
        return err_memory(err);
    replay->fold = fold;
    arena_init(&replay->arena, IDENTITY_ARENA_MAX);
    code = replay_load(replay, RECORD_REF_LOG(ref), err);
    if (code == 0 && replay->has_member)
        code = member_write(fold, RECORD_REF_LOG(ref), &replay->member, err);
    arena_done(&replay->arena);
    free(replay);
    return code;
}

#include "connect/capability.h"

#include "base/when.h"
#include "connect/pages.h"
#include "connect/parcels.h"
#include "connect/receipts.h"
#include "connect/routes.h"
#include "record/fork.h"
#include "record/rotate.h"

/* As many as pages.c lists; a constant expression is needed here, and a test holds the two together. */
#define CONNECT_PAGE_ROUTES 15
#define FORK_ARENA_MAX (24u << 20) /* bytes: ROTATIONS_MAX proofs of 4 kB a branch, and the entries */

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS connect_member(ref INTEGER PRIMARY KEY, origin TEXT NOT NULL, name TEXT NOT NULL,"
    " class TEXT NOT NULL, jurisdiction TEXT NOT NULL, contact TEXT NOT NULL, host TEXT NOT NULL,"
    " succeeds TEXT NOT NULL, log_key BLOB NOT NULL, profile INTEGER NOT NULL, rotations INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS connect_identity(ref INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    " origin TEXT NOT NULL, text BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS connect_rotation(ref INTEGER PRIMARY KEY, old_key BLOB NOT NULL,"
    " new_key BLOB NOT NULL, by_recovery INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS connect_erase(ref INTEGER PRIMARY KEY, target INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS connect_fork(ref INTEGER PRIMARY KEY, accused TEXT NOT NULL,"
    " freezes INTEGER NOT NULL, at INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS connect_parcel(ref INTEGER PRIMARY KEY, expires_ms INTEGER NOT NULL,"
    " arrival_keys INTEGER NOT NULL, arrival_state INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS connect_parcel_due ON connect_parcel(expires_ms);"
    "CREATE TABLE IF NOT EXISTS connect_parcel_item(arrival_item INTEGER NOT NULL, arrival_parcel INTEGER NOT NULL,"
    " PRIMARY KEY(arrival_item, arrival_parcel)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS connect_parcel_in ON connect_parcel_item(arrival_parcel);"
    "CREATE TABLE IF NOT EXISTS connect_receipt(ref INTEGER PRIMARY KEY, of TEXT NOT NULL,"
    " arrival_number INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS connect_receipt_came ON connect_receipt(arrival_number);"
    "CREATE TABLE IF NOT EXISTS connect_receipt_item(of INTEGER NOT NULL, at INTEGER NOT NULL, ref INTEGER NOT NULL,"
    " proof BLOB NOT NULL, PRIMARY KEY(of, at, ref)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS connect_receipt_in ON connect_receipt_item(ref);";

static const char *const tables[] = {
    "connect_member", "connect_identity",    "connect_rotation", "connect_erase",        "connect_fork",
    "connect_parcel", "connect_parcel_item", "connect_receipt",  "connect_receipt_item", NULL};

/* ---- kinds: their checks are those that every node makes (record/kind.c) ---- */

static const struct kind kinds[] = {
    {.name = "connect/profile", .check = kind_check}, {.name = "connect/rotate", .check = kind_check},
    {.name = "connect/erase", .check = kind_check},   {.name = "connect/fork", .check = kind_check},
    {.name = PARCEL_KIND, .check = parcel_check},     {.name = RECEIPT_KIND},
};

/* ---- folding ---- */

static int erase_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    uint64_t target;
    int code = erase_parse(record->record, &target, err);
    if (code == 0 && target >= record->index)
        code =
            err_set(err, ERR_SYNTAX, "withdraws entry %llu, which is not in front of it", (unsigned long long)target);
    if (code < 0)
        return code;
    sqlite3_stmt *insert =
        index_statement(fold->index, "INSERT OR REPLACE INTO connect_erase(ref, target) VALUES(?1, ?2)", err);
    if (!insert)
        return err->code;
    sqlite3_bind_int64(insert, 1, record->ref);
    sqlite3_bind_int64(insert, 2, (int64_t)target);
    return index_run(fold->index, insert, err);
}

static int fork_write_row(struct fold *fold, const struct fold_record *record, const struct fork_proof *proof,
                          struct err *err)
{
    sqlite3_stmt *insert = index_statement(
        fold->index, "INSERT OR REPLACE INTO connect_fork(ref, accused, freezes, at) VALUES(?1, ?2, ?3, ?4)", err);
    if (!insert)
        return err->code;
    sqlite3_bind_int64(insert, 1, record->ref);
    sqlite3_bind_text(insert, 2, proof->origin, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(insert, 3, proof->has_index);
    sqlite3_bind_int64(insert, 4, proof->has_index ? (int64_t)proof->index : 0);
    return index_run(fold->index, insert, err);
}

/* That the proof holds was checked by the kind's own check. */
static int fork_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct arena arena;
    struct fork_proof proof;
    arena_init(&arena, FORK_ARENA_MAX);
    int code = fork_parse(record->record, &arena, &proof, err);
    if (code == 0)
        code = fork_write_row(fold, record, &proof, err);
    arena_done(&arena);
    return code;
}

static int connect_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct span kind = record->record->kind;
    if (span_is(kind, PARCEL_KIND))
        return parcel_apply(fold, record, err);
    if (span_is(kind, RECEIPT_KIND))
        return receipt_apply(fold, record, err);
    if (!record->is_inline)
        return err_set(err, ERR_SYNTAX, "a constitutional record that does not stand in the log itself");
    if (span_is(kind, "connect/erase"))
        return erase_apply(fold, record, err);
    if (span_is(kind, "connect/fork"))
        return fork_apply(fold, record, err);
    return identity_apply(fold, record, err);
}

static int connect_forget(struct fold *fold, int64_t ref, struct err *err)
{
    static const char *const deletes[] = {"DELETE FROM connect_erase WHERE ref = ?1",
                                          "DELETE FROM connect_fork WHERE ref = ?1"};
    int code = identity_forget(fold, ref, err);
    if (code == 0)
        code = parcel_forget(fold, ref, err);
    if (code == 0)
        code = receipt_forget(fold, ref, err);
    for (size_t i = 0; code == 0 && i < 2; i++) {
        sqlite3_stmt *statement = index_statement(fold->index, deletes[i], err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, ref);
        code = index_run(fold->index, statement, err);
    }
    return code;
}

/* ---- one line for people ---- */

static void connect_title(const struct record *record, struct arena *arena, struct buf *out)
{
    struct err ignored = {0};
    struct profile profile;
    struct rotate_body rotation;
    struct fork_proof proof;
    struct parcel parcel;
    struct receipt receipt;
    char when[WHEN_TEXT_LEN + 1];
    uint64_t target;
    if (span_is(record->kind, "connect/profile") && profile_parse(record, &profile, &ignored) == 0)
        buf_str(out, profile.name);
    else if (span_is(record->kind, "connect/rotate") && rotate_parse(record, &rotation, &ignored) == 0)
        buf_str(out, rotation.by_recovery ? "new log key, by the recovery key" : "new log key");
    else if (span_is(record->kind, "connect/erase") && erase_parse(record, &target, &ignored) == 0)
        buf_fmt(out, "content of entry %llu withdrawn", (unsigned long long)target);
    else if (span_is(record->kind, "connect/fork") && fork_parse(record, arena, &proof, &ignored) == 0)
        buf_fmt(out, "proof of a fork of %.*s", (int)strcspn(proof.origin, "/"), proof.origin);
    else if (span_is(record->kind, PARCEL_KIND) && parcel_parse(record, &parcel, &ignored) == 0) {
        when_format(parcel.expires_ms, when);
        buf_fmt(out, "contents for few, encrypted, until %.10s", when);
    } else if (span_is(record->kind, RECEIPT_KIND) && receipt_parse(record, arena, &receipt, &ignored) == 0) {
        buf_fmt(out, "%zu content%s of %.*s arrived", receipt.count, receipt.count == 1 ? "" : "s",
                (int)span_find(receipt.author, '/'), (const char *)receipt.author.data);
    }
}

const struct capability connect_capability = {
    .name = "connect",
    .kinds = kinds,
    .kind_count = sizeof(kinds) / sizeof(kinds[0]),
    .schema = schema,
    .tables = tables,
    .apply = connect_apply,
    .forget = connect_forget,
    .title = connect_title,
    .page_title = connect_page_title,
    .page_about = page_receipts,
    .routes = connect_routes,
    .route_count = CONNECT_ROUTES,
    .page_routes = connect_page_routes,
    .page_route_count = CONNECT_PAGE_ROUTES,
};

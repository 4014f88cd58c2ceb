#include "index/index.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/sha256.h"
#include "index/internal.h"
#include "state/clean.h"

#define PATH_LEN_MAX 4096

static const char *const core_schema =
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS word(number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS cursor(log INTEGER PRIMARY KEY, entries INTEGER NOT NULL, payloads INTEGER NOT NULL,"
    " arrived INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS missing(log INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " PRIMARY KEY(log, first)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS erased(ref INTEGER PRIMARY KEY, by_index INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS record(ref INTEGER PRIMARY KEY, kind INTEGER NOT NULL, time_ms INTEGER NOT NULL,"
    " tlp INTEGER NOT NULL, lang INTEGER NOT NULL, type INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " is_inline INTEGER NOT NULL, shown INTEGER NOT NULL, folded INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS record_time ON record(shown, time_ms, kind);"
    "CREATE TABLE IF NOT EXISTS news(number INTEGER PRIMARY KEY, ref INTEGER NOT NULL, count INTEGER NOT NULL);"
    /* Names as they stand, not as words, which stay when a record is erased. */
    "CREATE TABLE IF NOT EXISTS person(name TEXT NOT NULL, ref INTEGER NOT NULL, PRIMARY KEY(name, ref)) WITHOUT "
    "ROWID;"
    "CREATE INDEX IF NOT EXISTS person_ref ON person(ref);";

/*
 * secure_delete: erased text is overwritten where it stood. wal_autocheckpoint: 8,192 pages of 8 kB, one sync each
 * 64 MB. Larger pages make a batch of sorted rows touch fewer of them. cache_size: each thread has a handle of its own, and
 * all of them must fit a small machine; rebuilding a million records took no more processor time with 8 MB than with 64,
 * nor than with the file mapped, which made a node that somebody looked at weigh 180 MB.
 */
static const char *const settings = "PRAGMA page_size=8192;"
                                    "PRAGMA journal_mode=WAL;"
                                    "PRAGMA synchronous=NORMAL;"
                                    "PRAGMA secure_delete=ON;"
                                    "PRAGMA wal_autocheckpoint=8192;"
                                    "PRAGMA journal_size_limit=33554432;"
                                    "PRAGMA cache_size=-8192;"
                                    "PRAGMA temp_store=MEMORY;"
                                    "PRAGMA trusted_schema=OFF;";

int index_fail(struct index *index, const char *what, struct err *err)
{
    int code = index->db ? sqlite3_errcode(index->db) : SQLITE_NOMEM;
    const char *text = index->db ? sqlite3_errmsg(index->db) : "out of memory";
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return err_memory(err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_STATE, "%s/index.db: %s: another process is writing to it", index->dir, what);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(err, ERR_IO, "%s/index.db: %s: %s; `tongzhou rebuild` makes it again", index->dir, what, text);
    default:
        return err_set(err, ERR_IO, "%s/index.db: %s: %s", index->dir, what, text);
    }
}

int index_exec(struct index *index, const char *sql, const char *what, struct err *err)
{
    if (sqlite3_exec(index->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return index_fail(index, what, err);
    return 0;
}

int index_begin(struct index *index, struct err *err)
{
    return index_exec(index, "BEGIN IMMEDIATE", "begin", err);
}

int index_commit(struct index *index, struct err *err)
{
    if (sqlite3_exec(index->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    int rc = index_fail(index, "commit", err);
    index_rollback(index);
    return rc;
}

void index_rollback(struct index *index)
{
    if (index->db && !sqlite3_get_autocommit(index->db))
        sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- schema ---- */

/* A number that changes with any table of any capability, and with what folding makes of records. */
static int schema_version(void)
{
    struct sha256 ctx;
    uint8_t hash[SHA256_SIZE];
    sha256_init(&ctx);
    uint8_t format = INDEX_FORMAT;
    sha256_add(&ctx, span_of(&format, 1));
    sha256_add(&ctx, span_str(core_schema));
    for (size_t i = 0; capabilities[i]; i++)
        sha256_add(&ctx, span_str(capabilities[i]->schema));
    sha256_end(&ctx, hash);
    return (hash[0] & 0x7f) << 24 | hash[1] << 16 | hash[2] << 8 | hash[3];
}

static int read_version(struct index *index, int *ret, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(index->db, "PRAGMA user_version", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return rc == SQLITE_ROW ? 0 : index_fail(index, "read the version", err);
}

static int drop_one(struct index *index, const char *name, struct err *err)
{
    char *sql = sqlite3_mprintf("DROP TABLE IF EXISTS \"%w\"", name);
    if (!sql)
        return err_memory(err);
    int rc = index_exec(index, sql, "drop tables", err);
    sqlite3_free(sql);
    return rc;
}

/* One table at a time, since dropping a virtual one takes its shadow tables along; virtual ones come first. */
static int drop_all(struct index *index, struct err *err)
{
    static const char *const next = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' "
                                    "ORDER BY sql LIKE 'CREATE VIRTUAL%' DESC LIMIT 1";
    for (;;) {
        sqlite3_stmt *statement = NULL;
        char name[256] = "";
        int rc = sqlite3_prepare_v2(index->db, next, -1, &statement, NULL);
        if (rc == SQLITE_OK)
            rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW)
            snprintf(name, sizeof(name), "%s", (const char *)sqlite3_column_text(statement, 0));
        sqlite3_finalize(statement);
        if (rc == SQLITE_DONE)
            return 0;
        if (rc != SQLITE_ROW)
            return index_fail(index, "list tables", err);
        if ((rc = drop_one(index, name, err)) < 0)
            return rc;
    }
}

int index_spill(struct index *index, bool spill, struct err *err)
{
    return index_exec(index, spill ? "PRAGMA temp_store=FILE" : "PRAGMA temp_store=MEMORY", "choose where copies go",
                      err);
}

int index_empty(struct index *index, struct err *err)
{
    int rc = drop_all(index, err);
    if (rc == 0)
        rc = index_exec(index, core_schema, "make tables", err);
    for (size_t i = 0; rc == 0 && capabilities[i]; i++)
        if ((rc = index_exec(index, capabilities[i]->schema, "make tables", err)) < 0)
            err_in(err, "%s", capabilities[i]->name);
    char pragma[64];
    snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%d", schema_version());
    return rc < 0 ? rc : index_exec(index, pragma, "set the version", err);
}

static int ensure_schema(struct index *index, struct err *err)
{
    int found = 0, rc;
    if ((rc = read_version(index, &found, err)) < 0 || found == schema_version())
        return rc;
    if ((rc = index_spill(index, true, err)) < 0 || (rc = index_begin(index, err)) < 0)
        return rc;
    if ((rc = read_version(index, &found, err)) == 0 && found != schema_version())
        rc = index_empty(index, err);
    if (rc < 0) {
        index_rollback(index);
        return rc;
    }
    rc = index_commit(index, err);
    return rc < 0 ? rc : index_spill(index, false, err);
}

/* ---- open and close ---- */

static void close_database(struct index *index)
{
    for (size_t i = 0; i < STATEMENT_SLOTS; i++)
        sqlite3_finalize(index->statements[i].statement);
    memset(index->statements, 0, sizeof(index->statements));
    sqlite3_close(index->db);
    index->db = NULL;
}

static void database_path(const struct index *index, const char *suffix, char out[PATH_LEN_MAX])
{
    snprintf(out, PATH_LEN_MAX, "%s/index.db%s", index->dir, suffix);
}

static int open_database(struct index *index, struct err *err)
{
    char path[PATH_LEN_MAX];
    database_path(index, "", path);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    clean_memory();
    if (sqlite3_open_v2(path, &index->db, flags, NULL) != SQLITE_OK)
        return index_fail(index, "open", err);
    sqlite3_extended_result_codes(index->db, 1);
    sqlite3_busy_timeout(index->db, INDEX_BUSY_MS);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    int rc = index_exec(index, settings, "open", err);
    if (rc == 0)
        rc = ensure_schema(index, err);
    struct stat st;
    if (rc == 0 && stat(path, &st) < 0)
        rc = err_sys(err, "%s", path);
    if (rc == 0) {
        index->device = st.st_dev;
        index->inode = st.st_ino;
    }
    return rc;
}

/* SQLITE_ERROR, too: a header that is damaged in the right places is "unsupported file format". */
static bool is_damaged(const struct index *index)
{
    int code = index->db ? sqlite3_errcode(index->db) & 0xff : SQLITE_OK;
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR;
}

int index_replace(struct index *index, struct err *err)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    close_database(index);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char path[PATH_LEN_MAX];
        database_path(index, suffixes[i], path);
        if (unlink(path) < 0 && errno != ENOENT)
            return err_sys(err, "delete %s", path);
    }
    return open_database(index, err);
}

int index_open(const char *dir, struct index **ret, struct err *err)
{
    struct index *index = calloc(1, sizeof(*index));
    if (!index)
        return err_memory(err);
    index->dir = strdup(dir);
    if (!index->dir) {
        index_close(index);
        return err_memory(err);
    }
    struct err first;
    int rc = open_database(index, &first);
    if (rc < 0 && is_damaged(index))
        rc = index_replace(index, &first);
    if (rc < 0) {
        *err = first;
        index_close(index);
        return rc;
    }
    *ret = index;
    return 0;
}

void index_close(struct index *index)
{
    if (!index)
        return;
    close_database(index);
    free(index->dir);
    free(index);
}

sqlite3 *index_db(struct index *index)
{
    return index->db;
}

const char *index_dir(const struct index *index)
{
    return index->dir;
}

int index_refresh(struct index *index, struct err *err)
{
    char path[PATH_LEN_MAX];
    struct stat st;
    database_path(index, "", path);
    if (stat(path, &st) == 0 && st.st_dev == index->device && st.st_ino == index->inode)
        return 0;
    close_database(index);
    return open_database(index, err);
}

/* ---- statements ---- */

static struct statement_slot *statement_slot(struct index *index, const char *sql)
{
    size_t at = (size_t)(((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
    for (size_t i = 0; i < STATEMENT_SLOTS; i++) {
        struct statement_slot *slot = &index->statements[(at + i) % STATEMENT_SLOTS];
        if (!slot->sql || slot->sql == sql)
            return slot;
    }
    return NULL;
}

sqlite3_stmt *index_statement(struct index *index, const char *sql, struct err *err)
{
    struct statement_slot *slot = statement_slot(index, sql);
    if (!slot) {
        err_set(err, ERR_LIMIT, "index.db: more than %d different statements", STATEMENT_SLOTS);
        return NULL;
    }
    if (slot->sql) {
        sqlite3_reset(slot->statement);
        sqlite3_clear_bindings(slot->statement);
        return slot->statement;
    }
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(index->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
        index_fail(index, sql, err);
        return NULL;
    }
    *slot = (struct statement_slot){.sql = sql, .statement = statement};
    return statement;
}

int index_step(struct index *index, sqlite3_stmt *statement, struct err *err)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    int ret = rc == SQLITE_DONE ? 0 : index_fail(index, sqlite3_sql(statement), err);
    sqlite3_reset(statement);
    return ret;
}

int index_run(struct index *index, sqlite3_stmt *statement, struct err *err)
{
    int rc = index_step(index, statement, err);
    if (rc > 0)
        sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

/* ---- small things ---- */

int64_t index_hash(uint8_t type, struct span value)
{
    struct sha256 ctx;
    uint8_t hash[SHA256_SIZE];
    sha256_init(&ctx);
    sha256_add(&ctx, span_of(&type, 1));
    sha256_add(&ctx, value);
    sha256_end(&ctx, hash);
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | hash[i];
    int64_t ret;
    memcpy(&ret, &number, sizeof(ret));
    return ret;
}

int index_counter(struct index *index, const char *name, int64_t add, int64_t *ret, struct err *err)
{
    sqlite3_stmt *statement =
        add == 0 ? index_statement(index, "SELECT value FROM meta WHERE name = ?1", err)
                 : index_statement(index,
                                   "INSERT INTO meta(name, value) VALUES(?1, ?2) "
                                   "ON CONFLICT(name) DO UPDATE SET value = value + ?3 RETURNING value",
                                   err);
    if (!statement)
        return err->code;
    uint64_t start;
    random_bytes(&start, sizeof(start));
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    if (add != 0) {
        sqlite3_bind_int64(statement, 2, (int64_t)(start >> 2));
        sqlite3_bind_int64(statement, 3, add);
    }
    int rc = index_step(index, statement, err);
    *ret = rc > 0 ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

#include "state/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/random.h"
#include "state/internal.h"
#include "state/wal.h"

/* DIR/ + payloads/ + 64 + / + names must fit a path. */
#define DIR_MAX 3900

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int store_poison(struct store *store, struct err *err)
{
    if (!store->poisoned) {
        store->poisoned = true;
        snprintf(store->poison, sizeof store->poison, "%s", err->text);
    }
    err->code = ERR_IO;
    return ERR_IO;
}

int store_writable(struct store *store, struct err *err)
{
    if (store->poisoned)
        return err_set(err, ERR_IO, "%s: an earlier write failed, nothing more is written: %s", store->dir,
                       store->poison);
    if (!store->writing)
        return err_set(err, ERR_STATE, "%s: write outside of a transaction", store->dir);
    return 0;
}

const char *store_dir(const struct store *store)
{
    return store->dir;
}

sqlite3 *store_db(struct store *store)
{
    return store->db;
}

/* Make DIR and missing parents: a node that was acknowledged does not vanish with its folder's name. */
static int folders_make(const char *dir, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", dir);
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = 0;
        bool made = false;
        int rc = access(path, F_OK) == 0 ? 0 : disk_mkdir(path, &made, err);
        /* DIR itself in any case: a process that was killed may have made it. */
        if (!rc && (made || !slash))
            rc = disk_sync_parent(path, err);
        if (rc || !slash)
            return rc;
        *slash = '/';
    }
}

/*
 * DIR/lock tells whether somebody else has the node open: every writer holds it shared. Who gets it alone sees
 * whether the last one closed cleanly and recovers before anybody else comes in.
 */
static int lock_open(struct store *store, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.3900s/lock", store->dir);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        return err_sys(err, "open %s", path);
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        int64_t clean;
        int rc = db_int(store, &clean, err, "SELECT clean FROM node", "");
        if (!rc)
            rc = recover(store, clean != 0, err);
        if (rc || store->heal) /* whoever heals stays alone */
            return rc;
    } else if (store->heal) {
        return err_set(err, ERR_STATE, "%s: another process works on this node: end it first", store->dir);
    }
    while (flock(store->lock_fd, LOCK_SH) != 0)
        if (errno != EINTR)
            return err_sys(err, "lock %s", path);
    return 0;
}

int store_open(const char *dir, const struct store_options *options, struct store **ret, struct err *err)
{
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    if (len == 0 || len > DIR_MAX)
        return err_set(err, ERR_USAGE, "folder name of %zu bytes, 1..%d allowed", len, DIR_MAX);
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return err_memory(err);
    snprintf(store->dir, sizeof store->dir, "%.*s", (int)len, dir);
    store->lock_fd = -1;
    store->read_only = options->read_only;
    store->heal = options->heal;
    files_init(store);
    buf_init(&store->scratch, BUNDLE_MAX + PAYLOAD_MAX);
    buf_init(&store->window, PAYLOAD_WINDOW_MAX);
    int rc = 0;
    if (options->create)
        rc = folders_make(store->dir, err);
    if (!rc)
        rc = schema_open(store, options->create, err);
    if (!rc && !store->read_only)
        rc = lock_open(store, err);
    if (!rc && !store->read_only && !store->heal)
        rc = schema_follow(store, err);
    if (rc) {
        store_close(store);
        return rc;
    }
    store->opened = true;
    *ret = store;
    return 0;
}

/* The last writer out leaves the mark that spares the next one the recovery. */
static void lock_close(struct store *store)
{
    struct err ignored;
    if (store->opened && store->marked && !store->poisoned && flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        db_exec(store,
                "BEGIN IMMEDIATE; UPDATE log SET touched = 0 WHERE touched = 1; UPDATE node SET clean = 1; COMMIT",
                &ignored);
    }
    if (store->lock_fd >= 0)
        close(store->lock_fd);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->writing)
        store_rollback(store);
    lock_close(store);
    files_close(store);
    members_forget(store);
    rules_free(store->rules);
    buf_done(&store->scratch);
    buf_done(&store->window);
    db_close(store);
    free(store->touched);
    free(store);
}

struct touched *store_touch(struct store *store, const struct log_row *row, struct err *err)
{
    for (size_t i = store->touched_count; i-- > 0;)
        if (store->touched[i].number == row->info.number)
            return &store->touched[i];
    if (store->touched_count == store->touched_cap) {
        size_t cap = store->touched_cap ? 2 * store->touched_cap : 16;
        struct touched *touched = realloc(store->touched, cap * sizeof *touched);
        if (!touched) {
            err_memory(err);
            return NULL;
        }
        store->touched = touched;
        store->touched_cap = cap;
    }
    struct touched *t = &store->touched[store->touched_count++];
    *t = (struct touched){.number = row->info.number, .payload_end = row->payload_end};
    return t;
}

static int begin_immediate(struct store *store, struct err *err)
{
    int rc = db_run(store, err, "BEGIN IMMEDIATE", "");
    return rc == ERR_STATE ? err_set(err, ERR_STATE, "%s: another process has been writing for 60 s", store->dir) : rc;
}

/*
 * A commit that was written and is not shown (wal.h) relies on files that we are about to write over, and would be seen when
 * all processes are gone: another commit in its place makes it void first. (SQLite writes nothing for a row that stays as it is.)
 */
static int begin_after_unshown(struct store *store, struct err *err)
{
    int rc = begin_immediate(store, err);
    while (!rc && wal_has_unshown(store->db)) {
        rc = db_run(store, err, "INSERT OR REPLACE INTO fact(name, value) VALUES('void', randomblob(8))", "");
        if (!rc)
            rc = db_run(store, err, "COMMIT", "");
        if (!rc)
            rc = begin_immediate(store, err);
    }
    return rc;
}

/* Before its first write a handle leaves word, in a commit of its own, that from now on a crash needs recovery. */
static int begin_mark(struct store *store, struct err *err)
{
    int64_t clean;
    int rc = db_int(store, &clean, err, "SELECT clean FROM node", "");
    if (!rc && clean) {
        rc = db_run(store, err, "UPDATE node SET clean = 0", "");
        if (!rc)
            rc = db_run(store, err, "COMMIT", "");
        if (!rc)
            rc = begin_after_unshown(store, err);
    }
    if (rc)
        return rc;
    /* Rows that earlier processes left in `slot` do not pile up. */
    int64_t many;
    struct err ignored;
    if (db_int(store, &many, &ignored, "SELECT 1 FROM slot LIMIT 1 OFFSET 8192", "") == 0)
        store->late_slots = UINT_MAX;
    store->marked = true;
    return 0;
}

#define LATE_SLOTS_MAX 8192 /* rows: 8 ms to move them, 200 kB of state.db */

int store_begin(struct store *store, struct err *err)
{
    if (store->poisoned)
        return store_writable(store, err);
    if (store->read_only)
        return err_set(err, ERR_STATE, "%s: opened for reading only", store->dir);
    if (store->writing)
        return err_set(err, ERR_STATE, "%s: a transaction is open already", store->dir);
    int rc = begin_after_unshown(store, err);
    if (rc)
        return rc;
    if (!store->marked)
        rc = begin_mark(store, err);
    store->writing = true;
    store->seq_changed = false;
    store->reached = 0;
    store->reach_last.number = 0;
    store->touched_count = 0;
    if (!rc)
        rc = db_int(store, &store->seq, err, "SELECT seq FROM node", "");
    store->seq_begun = store->seq;
    if (!rc)
        rc = erase_pending(store, &store->erasing, err);
    if (!rc && store->late_slots > LATE_SLOTS_MAX)
        rc = slots_settle(store, err);
    if (rc)
        store_rollback(store);
    return rc;
}

int store_commit(struct store *store, struct err *err)
{
    int rc = store_writable(store, err);
    if (!rc)
        rc = files_sync(store, err);
    if (!rc && store->seq_changed)
        rc = db_run(store, err, "UPDATE node SET seq = ?", "i", store->seq);
    if (!rc && disk_step("commit"))
        rc = err_sys(err, "commit %s/state.db", store->dir);
    if (!rc)
        rc = db_run(store, err, "COMMIT", "");
    if (rc) {
        store_poison(store, err);
        store_rollback(store);
        return ERR_IO;
    }
    disk_step("committed");
    store->writing = false;
    if (store->erasing && !store->in_erase) {
        /* What could not be finished when it was asked for; readers may still be in the way. */
        struct err later;
        store->erasing = false;
        erase_resume(store, 0, &later);
    }
    return 0;
}

/* Payloads behind payload_end must not outlive the attempt: an erasure would not find them. */
static void rollback_files(struct store *store)
{
    for (size_t i = 0; i < store->touched_count && !store->poisoned; i++) {
        const struct touched *t = &store->touched[i];
        struct log_row row;
        struct err err;
        if (t->has_data && row_load(store, t->number, &row, &err) == 0)
            file_cut(store, &row, FILE_DATA, t->payload_end, &err);
    }
}

void store_rollback(struct store *store)
{
    if (!store->writing)
        return;
    rollback_files(store);
    members_forget(store);
    store->writing = false;
    store->touched_count = 0;
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

int store_end(struct store *store, bool own, int rc, struct err *err)
{
    if (!own)
        return rc;
    if (!rc)
        rc = store_commit(store, err);
    if (rc)
        store_rollback(store);
    return rc;
}

int store_seq(struct store *store, int64_t *ret_seq, char ret_generation[17], struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT seq, generation FROM node", "");
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1) {
        *ret_seq = store->writing ? store->seq : sqlite3_column_int64(stmt, 0);
        snprintf(ret_generation, 17, "%s", (const char *)sqlite3_column_text(stmt, 1));
    }
    db_end(stmt);
    return rc == 1 ? 0 : rc < 0 ? rc : err_set(err, ERR_IO, "%s/state.db: no row in node", store->dir);
}

int store_renew(struct store *store, struct err *err)
{
    uint8_t random[8];
    char generation[17];
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    random_bytes(random, sizeof random);
    hex_encode(random, sizeof random, generation);
    rc = db_run(store, err, "UPDATE node SET generation = ?", "s", generation);
    return store_end(store, true, rc, err);
}

#define FACT_MAX 65536

int store_get(struct store *store, const char *name, struct buf *out, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT value FROM fact WHERE name = ?", "s", name);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1)
        buf_span(out, db_span(stmt, 0));
    db_end(stmt);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "%s: nothing under the name %s", store->dir, name);
    return rc < 0 ? rc : buf_check(out, name, err);
}

int store_put(struct store *store, const char *name, struct span value, struct err *err)
{
    if (value.len > FACT_MAX)
        return err_set(err, ERR_LIMIT, "%s: %zu bytes, %d allowed", name, value.len, FACT_MAX);
    int rc = store_writable(store, err);
    struct span kept = value.data ? value : SPAN_LIT("");
    if (!rc)
        rc = db_run(store, err, "INSERT OR REPLACE INTO fact(name, value) VALUES(?, ?)", "sb", name, kept);
    return rc;
}

#include "state/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ERR_FORK if a file is too short; one that is too long is cut if `cut`. */
static int check_lengths(struct store *store, const struct log_row *row, bool cut, struct err *err)
{
    for (int kind = 0; kind < FILE_KINDS; kind++) {
        char path[PATH_MAX];
        struct stat st = {0};
        uint64_t due = file_due(row, kind);
        file_path(store, row->info.hex, kind, path);
        if (stat(path, &st) != 0 && errno != ENOENT)
            return err_sys(err, "%s", path);
        if ((uint64_t)st.st_size < due)
            return err_set(err, ERR_FORK, "log %s: %s has %lld bytes, its head needs %llu; " HEAL, row->info.origin,
                           path, (long long)st.st_size, (unsigned long long)due);
        if ((uint64_t)st.st_size > due && cut) {
            int rc = file_cut(store, row, kind, due, err);
            if (rc)
                return rc;
        }
    }
    return 0;
}

/* The last bundle in the files: are its entries those whose hashes the tree has? */
static int check_bundle(struct store *store, const struct log_row *row, struct err *err)
{
    uint64_t n = row_full(row) / TILE_WIDTH - 1, begin, end;
    struct tlog_hash stored[TILE_WIDTH], root, above;
    struct buf bundle;
    buf_init(&bundle, BUNDLE_MAX);
    int rc = bundle_range(store, row, n, &begin, &end, err);
    if (!rc && end != row->entries_end)
        rc = err_set(err, ERR_FORK, "log %s: its last bundle ends at byte %llu, by state.db at %llu; " HEAL,
                     row->info.origin, (unsigned long long)end, (unsigned long long)row->entries_end);
    if (!rc)
        rc = entries_read(store, row, n * TILE_WIDTH, TILE_WIDTH, row->info.staged, &bundle, err);
    if (!rc)
        rc = file_read(store, row, FILE_HASHES, stored, sizeof stored, n * sizeof stored, err);
    if (!rc)
        rc = file_read(store, row, FILE_HASHES + 1, &above, sizeof above, n * sizeof above, err);
    struct bundle_reader reader = {buf_view(&bundle), 0};
    bool same = true;
    for (size_t i = 0; !rc && i < TILE_WIDTH && same; i++) {
        struct span entry;
        struct tlog_hash leaf;
        struct err damaged;
        same = bundle_next(&reader, &entry, &damaged) == 1;
        if (same) {
            tlog_leaf_hash(entry, &leaf);
            same = tlog_hash_eq(&leaf, &stored[i]);
        }
    }
    if (!rc && same) {
        tile_root(stored, &root);
        same = tlog_hash_eq(&root, &above);
    }
    buf_done(&bundle);
    return rc || same ? rc
                      : err_set(err, ERR_FORK, "log %s: bundle %llu does not hash to its tree; " HEAL, row->info.origin,
                                (unsigned long long)n);
}

int row_check_root(struct store *store, const struct log_row *row, struct err *err)
{
    struct tlog_hash root;
    int rc = row->info.size > 0 ? row_root(store, row, row->info.size, &root, err) : 0;
    if (!rc && row->info.size > 0 && !tlog_hash_eq(&root, &row->info.root))
        rc = err_set(err, ERR_FORK, "log %s: its %llu entries do not hash to the root that was signed; " HEAL,
                     row->info.origin, (unsigned long long)row->info.size);
    return rc;
}

static int check_edge(struct store *store, const struct log_row *row, struct err *err)
{
    int rc = row->info.staged >= TILE_WIDTH ? check_bundle(store, row, err) : 0;
    return rc ? rc : row_check_root(store, row, err);
}

int log_empty(struct store *store, struct log_row *row, struct err *err)
{
    static const char *const statements[] = {
        "DELETE FROM tail WHERE ref >= ? AND ref < ?",
        "DELETE FROM tail_payload WHERE ref >= ? AND ref < ?",
        "DELETE FROM slot WHERE ref >= ? AND ref < ?",
        "DELETE FROM constitution WHERE ref >= ? AND ref < ?",
        "DELETE FROM erase_queue WHERE ref >= ? AND ref < ?",
        /* The WAL is still to be emptied; other payloads will stand at these places. */
        "UPDATE erasing SET at = 0, length = 0 WHERE ref >= ? AND ref < ?",
    };
    int64_t first = RECORD_REF(row->info.number, 0), end = RECORD_REF(row->info.number + 1, 0);
    int rc = head_remember(store, row, err);
    for (size_t i = 0; i < sizeof statements / sizeof *statements && !rc; i++)
        rc = db_run(store, err, statements[i], "ii", first, end);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM cosignature WHERE log = ?", "i", row->info.number);
    if (!rc)
        rc =
            db_run(store, err, "UPDATE log SET note = NULL, payloads_from = 0 WHERE number = ?", "i", row->info.number);
    row->info.size = row->info.staged = row->info.bytes = row->info.payloads = 0;
    row->entries_end = row->payload_end = 0;
    tlog_empty_root(&row->info.root);
    if (!rc)
        rc = row_save(store, row, err);
    if (!rc)
        rc = check_lengths(store, row, true, err);
    return rc;
}

static int recover_log(struct store *store, int64_t number, bool touched, struct err *err)
{
    struct log_row row;
    struct err damage;
    int rc = row_load(store, number, &row, err);
    if (rc)
        return rc;
    rc = check_lengths(store, &row, true, &damage);
    if (!rc && touched)
        rc = check_edge(store, &row, &damage);
    if (rc && store->heal && !store->poisoned)
        return 0; /* heal.c looks at it, and knows who has it */
    if (rc)
        *err = damage;
    return rc;
}

struct candidates {
    int64_t *numbers; /* negative: touched since the last clean end */
    size_t count, cap;
};

static int candidates_load(struct store *store, struct candidates *list, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT number, touched FROM log WHERE touched = 1 OR staged >= 256 OR"
                                  " payload_end > 0",
                                  "");
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        if (list->count == list->cap) {
            list->cap = list->cap ? 2 * list->cap : 64;
            int64_t *numbers = realloc(list->numbers, list->cap * sizeof *numbers);
            if (!numbers) {
                rc = err_memory(err);
                break;
            }
            list->numbers = numbers;
        }
        int64_t number = sqlite3_column_int64(stmt, 0);
        list->numbers[list->count++] = sqlite3_column_int(stmt, 1) ? -number : number;
    }
    db_end(stmt);
    return rc;
}

/* Nobody else has the node open. */
static int recover_all(struct store *store, struct err *err)
{
    struct candidates list = {0};
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = candidates_load(store, &list, err);
    for (size_t i = 0; i < list.count && !rc; i++)
        rc = recover_log(store, llabs(list.numbers[i]), list.numbers[i] < 0, err);
    free(list.numbers);
    if (!rc)
        rc = db_run(store, err, "UPDATE log SET touched = 0 WHERE touched = 1", "");
    return store_end(store, true, rc, err);
}

/* After a clean end only what would let us sign something wrong is looked at: our own logs' files. */
static int recover_own(struct store *store, struct err *err)
{
    sqlite3_stmt *stmt =
        db_query(store, err, "SELECT number FROM log WHERE role IN (1, 2) AND (staged >= 256 OR payload_end > 0)", "");
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        struct log_row row;
        rc = row_load(store, sqlite3_column_int64(stmt, 0), &row, err);
        if (!rc)
            rc = check_lengths(store, &row, false, err);
        if (rc)
            break;
    }
    db_end(stmt);
    return rc;
}

#define WAL_PIECE ((size_t)1 << 20)

/* The same bytes once more, so that they are written whatever the kernel believes to have written. */
static int rewrite(int fd, const char *path, struct err *err)
{
    uint64_t len = 0;
    uint8_t *piece = malloc(WAL_PIECE);
    int rc = piece ? disk_length(fd, path, &len, err) : err_memory(err);
    for (uint64_t at = 0; !rc && at < len; at += WAL_PIECE) {
        size_t part = len - at < WAL_PIECE ? (size_t)(len - at) : WAL_PIECE;
        rc = disk_pread(fd, piece, part, at, path, err);
        if (!rc)
            rc = disk_pwrite(fd, span_of(piece, part), at, path, err);
    }
    free(piece);
    return rc || len == 0 ? rc : disk_sync(fd, path, err);
}

/*
 * After a sync that failed the kernel takes pages for written that are on no disk. What it should have written looks whole as
 * long as the page cache lives: commits in the WAL, behind which whatever is committed next would be lost with them, or which
 * a checkpoint would copy to state.db half, with nothing to complete it from. So the WAL is written and synced again, and then
 * copied. After a clean end there is none.
 */
static int recover_wal(struct store *store, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.3900s/state.db-wal", store->dir);
    int fd, rc = 0;
    if (access(path, F_OK) == 0) {
        rc = disk_open(path, O_RDWR, &fd, NULL, err);
        if (rc)
            return rc;
        rc = rewrite(fd, path, err);
        close(fd);
    }
    if (rc)
        return rc;
    rc = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    /* Somebody who only reads is in the way: it is in state.db all the same, as far as he lets it. */
    return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED ? 0 : db_fail(store, rc, err);
}

int recover(struct store *store, bool clean, struct err *err)
{
    bool erasing = false;
    int rc = recover_wal(store, err); /* nothing to do after a clean end */
    if (!rc && clean && !store->heal)
        rc = recover_own(store, err);
    else if (!rc)
        rc = recover_all(store, err);
    if (!rc)
        rc = erase_pending(store, &erasing, err);
    if (rc || !erasing)
        return rc;
    /* Readers may be in the way still; then the next commit completes it. */
    struct err later;
    rc = erase_resume(store, 5000, &later);
    if (rc && rc != ERR_STATE)
        *err = later;
    return rc == ERR_STATE ? 0 : rc;
}

#include "connect/backup.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/when.h"
#include "connect/outfile.h"
#include "state/disk.h"

#define BACKUP_PIECE (1u << 20) /* bytes copied at once */

/* A file to be copied once the lock is given back, up to the length that it had under it. */
struct listed {
    char *name; /* within DIR */
    off_t size;
};

struct backing {
    struct archive *archive;
    const char *dir, *path;
    uint8_t *piece;
    struct listed *list;
    size_t count, cap;
    uint64_t done, total; /* bytes of the files listed */
    const struct backup_options *options;
    struct backup_result *result;
};

static int archive_failed(struct backing *b, struct err *err)
{
    errno = archive_errno(b->archive);
    return errno > 0 ? err_sys(err, "%s: write", b->path) : err_set(err, ERR_IO, "%s: write failed", b->path);
}

static int put_header(struct backing *b, const char *name, off_t size, struct err *err)
{
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        return err_memory(err);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    int rc = archive_write_header(b->archive, entry) == ARCHIVE_OK ? 0 : archive_failed(b, err);
    archive_entry_free(entry);
    b->result->files++;
    b->result->bytes += (uint64_t)size;
    return rc;
}

static int put_bytes(struct backing *b, const char *name, const void *bytes, size_t len, struct err *err)
{
    int rc = put_header(b, name, (off_t)len, err);
    if (!rc && archive_write_data(b->archive, bytes, len) != (la_ssize_t)len)
        rc = archive_failed(b, err);
    return rc;
}

static int put_fd(struct backing *b, int fd, const char *name, off_t size, struct err *err)
{
    int rc = put_header(b, name, size, err);
    for (off_t done = 0; !rc && done < size;) {
        off_t want = size - done < BACKUP_PIECE ? size - done : BACKUP_PIECE;
        ssize_t got = pread(fd, b->piece, (size_t)want, done);
        if (got < 0)
            rc = err_sys(err, "%s/%s: read", b->dir, name);
        else if (got == 0)
            rc = err_set(err, ERR_STATE, "%s/%s: became shorter while it was read: try again", b->dir, name);
        else if (archive_write_data(b->archive, b->piece, (size_t)got) != got)
            rc = archive_failed(b, err);
        done += got;
        b->done += got > 0 ? (uint64_t)got : 0;
        if (b->options->progress && b->total)
            b->options->progress(b->options->ctx, b->done, b->total);
    }
    return rc;
}

/* size -1: as long as it is. */
static int put_file(struct backing *b, const char *name, off_t size, struct err *err)
{
    struct stat st;
    char path[4700];
    snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_sys(err, "%s", path);
    int rc = fstat(fd, &st) == 0 ? 0 : err_sys(err, "%s", path);
    if (!rc)
        rc = put_fd(b, fd, name, size < 0 ? st.st_size : size, err);
    close(fd);
    return rc;
}

/* ---- under the writer's lock ---- */

static int list_add(struct backing *b, const char *name, off_t size, struct err *err)
{
    if (b->count == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : 256;
        struct listed *grown = realloc(b->list, cap * sizeof(*grown));
        if (!grown)
            return err_memory(err);
        b->list = grown;
        b->cap = cap;
    }
    struct listed *next = &b->list[b->count];
    next->name = strdup(name);
    next->size = size;
    if (!next->name)
        return err_memory(err);
    b->count++;
    b->total += (uint64_t)size;
    return 0;
}

/* What changes in place is copied now; what is only appended to (erasures aside) can wait. */
static int take_file(struct backing *b, const char *name, off_t size, struct err *err)
{
    const char *leaf = strrchr(name, '/');
    bool now = strncmp(name, "keys/", 5) == 0 || strcmp(leaf ? leaf + 1 : name, "slots") == 0;
    return now ? put_file(b, name, size, err) : list_add(b, name, size, err);
}

/* All files of DIR/SUB and `depth` folders below it. */
static int take_folder(struct backing *b, const char *sub, int depth, struct err *err)
{
    char whole[4700], name[512];
    snprintf(whole, sizeof(whole), "%s/%s", b->dir, sub);
    DIR *dir = opendir(whole);
    if (!dir)
        return errno == ENOENT ? 0 : err_sys(err, "%s", whole);
    int rc = 0;
    for (struct dirent *entry; !rc && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%.200s/%.255s", sub, entry->d_name);
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            rc = err_sys(err, "%s/%s", b->dir, name);
        else if (S_ISDIR(st.st_mode) && depth > 0)
            rc = take_folder(b, name, depth - 1, err);
        else if (S_ISREG(st.st_mode))
            rc = take_file(b, name, st.st_size, err);
    }
    closedir(dir);
    return rc;
}

/*
 * By a connection of its own: one that is writing cannot be copied from. The copy has lost its name, durably, before
 * anything is in it, so that neither a crash nor a power cut leaves a second state.db behind, which an erasure would
 * not reach.
 */
static int copy_state(struct backing *b, const char *aside, struct err *err)
{
    sqlite3 *copy = NULL, *state = NULL;
    char path[4700];
    snprintf(path, sizeof(path), "%s/state.db", b->dir);
    int rc = sqlite3_open_v2(aside, &copy, SQLITE_OPEN_READWRITE, NULL);
    unlink(aside);
    if (rc == SQLITE_OK && disk_sync_folder(b->dir, err)) {
        sqlite3_close(copy);
        return err->code;
    }
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(copy, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_open_v2(path, &state, SQLITE_OPEN_READWRITE, NULL);
    sqlite3_backup *backup = rc == SQLITE_OK ? sqlite3_backup_init(copy, "main", state, "main") : NULL;
    if (backup) {
        int step = sqlite3_backup_step(backup, -1);
        rc = sqlite3_backup_finish(backup);
        if (rc == SQLITE_OK && step != SQLITE_DONE)
            rc = step;
    } else if (rc == SQLITE_OK) {
        rc = sqlite3_errcode(copy);
    }
    sqlite3_close(state);
    sqlite3_close(copy);
    return rc == SQLITE_OK ? 0 : err_set(err, ERR_IO, "%s/state.db: cannot be copied: %s", b->dir, sqlite3_errstr(rc));
}

static int put_state(struct backing *b, struct err *err)
{
    char aside[4700];
    struct stat st;
    snprintf(aside, sizeof(aside), "%s/state.db.XXXXXX", b->dir);
    int fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "%s", aside);
    int rc = copy_state(b, aside, err);
    if (!rc && fstat(fd, &st) != 0)
        rc = err_sys(err, "%s", aside);
    if (!rc)
        rc = put_fd(b, fd, "state.db", st.st_size, err);
    close(fd);
    return rc;
}

static int take_instant(struct backing *b, struct err *err)
{
    static const char *const folders[] = {"logs", "payloads", "keys"};
    char policy[4700];
    struct stat st;
    int rc = put_state(b, err);
    for (size_t i = 0; i < 3 && !rc; i++)
        rc = take_folder(b, folders[i], 1, err);
    snprintf(policy, sizeof(policy), "%s/policy.conf", b->dir);
    if (!rc && stat(policy, &st) == 0)
        rc = put_file(b, "policy.conf", -1, err);
    return rc;
}

/* ---- all of it ---- */

static int put_all(struct backing *b, struct store *store, struct err *err)
{
    char text[128], time[WHEN_TEXT_LEN + 1];
    when_format(b->options->now_ms, time);
    int len = snprintf(text, sizeof(text), "{\"created\":\"%s\",\"format\":%d}\n", time, BACKUP_FORMAT);
    int rc = put_bytes(b, "backup.json", text, (size_t)len, err);
    *b->result = (struct backup_result){0}; /* what counts is the node */
    if (!rc)
        rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = take_instant(b, err);
    store_rollback(store); /* nothing was written; the lock is given back */
    b->done = 0;
    for (size_t i = 0; i < b->count && !rc; i++)
        rc = put_file(b, b->list[i].name, b->list[i].size, err);
    return rc;
}

static int open_archive(struct backing *b, int fd, struct err *err)
{
    b->archive = archive_write_new();
    if (!b->archive)
        return err_memory(err);
    if (archive_write_add_filter_zstd(b->archive) != ARCHIVE_OK ||
        archive_write_set_format_pax_restricted(b->archive) != ARCHIVE_OK ||
        archive_write_open_fd(b->archive, fd) != ARCHIVE_OK)
        return archive_failed(b, err);
    return 0;
}

int backup_write(struct store *store, const char *path, const struct backup_options *options, struct backup_result *ret,
                 struct err *err)
{
    struct backing b = {
        .dir = store_dir(store), .path = path, .options = options, .result = ret, .piece = malloc(BACKUP_PIECE)};
    struct outfile out = {.fd = -1};
    *ret = (struct backup_result){0};
    int rc = b.piece ? outfile_open(&out, path, 0600, err) : err_memory(err);
    if (!rc)
        rc = open_archive(&b, out.fd, err);
    if (!rc)
        rc = put_all(&b, store, err);
    if (!rc && archive_write_close(b.archive) != ARCHIVE_OK)
        rc = archive_failed(&b, err);
    if (b.archive)
        archive_write_free(b.archive);
    rc = outfile_close(&out, rc, err);
    for (size_t i = 0; i < b.count; i++)
        free(b.list[i].name);
    free(b.list);
    free(b.piece);
    return rc;
}

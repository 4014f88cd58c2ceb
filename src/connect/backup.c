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

#include "base/codec.h"
#include "base/random.h"
#include "base/when.h"

#define BACKUP_PIECE (1u << 20) /* bytes copied at once */

struct backing {
    struct archive *archive;
    const char *dir;
    uint8_t *piece;
    struct backup_result *result;
};

static int archive_failed(struct archive *archive, struct err *err)
{
    const char *why = archive_error_string(archive);
    return err_set(err, ERR_IO, "backup: %s", why ? why : "failed");
}

static int put_header(struct backing *b, const char *path, uint64_t size, struct err *err)
{
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        return err_memory(err);
    archive_entry_set_pathname(entry, path);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    int rc = archive_write_header(b->archive, entry) == ARCHIVE_OK ? 0 : archive_failed(b->archive, err);
    archive_entry_free(entry);
    b->result->files++;
    b->result->bytes += size;
    return rc;
}

/* A file as long as it is now: what is appended while we copy belongs to no state that we copied. */
static int put_file(struct backing *b, const char *from, const char *path, struct err *err)
{
    struct stat st;
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(err, "%s", from);
    int rc = fstat(fd, &st) == 0 ? 0 : err_sys(err, "%s", from);
    if (!rc)
        rc = put_header(b, path, (uint64_t)st.st_size, err);
    for (off_t done = 0; !rc && done < st.st_size;) {
        off_t want = st.st_size - done < BACKUP_PIECE ? st.st_size - done : BACKUP_PIECE;
        ssize_t got = pread(fd, b->piece, (size_t)want, done);
        if (got <= 0)
            rc = err_sys(err, "%s: read", from);
        else if (archive_write_data(b->archive, b->piece, (size_t)got) != got)
            rc = archive_failed(b->archive, err);
        done += got;
    }
    close(fd);
    return rc;
}

/* All files of DIR/SUB and one folder below it. */
static int put_folder(struct backing *b, const char *sub, int depth, struct err *err)
{
    char whole[4096], name[512];
    snprintf(whole, sizeof(whole), "%s/%s", b->dir, sub);
    DIR *dir = opendir(whole);
    if (!dir)
        return errno == ENOENT ? 0 : err_sys(err, "%s", whole);
    int rc = 0;
    for (struct dirent *entry; !rc && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        char from[4700];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%.200s/%.255s", sub, entry->d_name);
        snprintf(from, sizeof(from), "%s/%s", b->dir, name);
        if (lstat(from, &st) != 0)
            continue; /* gone since: a file that was renamed away belongs to no state that we copied */
        if (S_ISDIR(st.st_mode) && depth > 0)
            rc = put_folder(b, name, depth - 1, err);
        else if (S_ISREG(st.st_mode))
            rc = put_file(b, from, name, err);
    }
    closedir(dir);
    return rc;
}

/* state.db as of one instant, made by SQLite itself; the files that it speaks of are then at least as long. */
static int snapshot(struct store *store, const char *path, struct err *err)
{
    sqlite3 *copy = NULL;
    int rc = 0;
    if (sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        rc = err_set(err, ERR_IO, "%s: %s", path, copy ? sqlite3_errmsg(copy) : "cannot be made");
    sqlite3_backup *backup = rc ? NULL : sqlite3_backup_init(copy, "main", store_db(store), "main");
    if (!rc && !backup)
        rc = err_set(err, ERR_IO, "%s: %s", path, sqlite3_errmsg(copy));
    if (backup) {
        int step = sqlite3_backup_step(backup, -1);
        if (sqlite3_backup_finish(backup) != SQLITE_OK || step != SQLITE_DONE)
            rc = err_set(err, ERR_IO, "%s: %s", path, sqlite3_errmsg(copy));
    }
    sqlite3_close(copy);
    return rc;
}

static int put_all(struct backing *b, struct store *store, int64_t now_ms, struct err *err)
{
    char path[4096], text[128], time[WHEN_TEXT_LEN + 1];
    when_format(now_ms, time);
    int len = snprintf(text, sizeof(text), "{\"created\":\"%s\",\"format\":%d}\n", time, BACKUP_FORMAT);
    int rc = put_header(b, "backup.json", (uint64_t)len, err);
    if (!rc && archive_write_data(b->archive, text, (size_t)len) != len)
        rc = archive_failed(b->archive, err);
    snprintf(path, sizeof(path), "%s/state.db.backup", b->dir);
    unlink(path);
    if (!rc)
        rc = snapshot(store, path, err);
    if (!rc)
        rc = put_file(b, path, "state.db", err);
    unlink(path);
    static const char *const folders[] = {"logs", "payloads", "keys"};
    for (size_t i = 0; i < 3 && !rc; i++)
        rc = put_folder(b, folders[i], 1, err);
    if (!rc) {
        snprintf(path, sizeof(path), "%s/policy.conf", b->dir);
        rc = put_file(b, path, "policy.conf", err);
    }
    return rc;
}

int backup_write(struct store *store, const char *path, int64_t now_ms, struct backup_result *ret, struct err *err)
{
    struct backing b = {.dir = store_dir(store), .result = ret, .piece = malloc(BACKUP_PIECE)};
    char *aside = NULL;
    *ret = (struct backup_result){0};
    int rc = b.piece && asprintf(&aside, "%s.new", path) >= 0 ? 0 : err_memory(err);
    int fd = rc ? -1 : open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!rc && fd < 0)
        rc = err_sys(err, "%s", aside);
    b.archive = rc ? NULL : archive_write_new();
    if (!rc && (!b.archive || archive_write_add_filter_zstd(b.archive) != ARCHIVE_OK ||
                archive_write_set_format_pax_restricted(b.archive) != ARCHIVE_OK ||
                archive_write_open_fd(b.archive, fd) != ARCHIVE_OK))
        rc = b.archive ? archive_failed(b.archive, err) : err_memory(err);
    if (!rc)
        rc = put_all(&b, store, now_ms, err);
    if (!rc && archive_write_close(b.archive) != ARCHIVE_OK)
        rc = archive_failed(b.archive, err);
    if (b.archive)
        archive_write_free(b.archive);
    if (!rc && fsync(fd) != 0)
        rc = err_sys(err, "%s: sync", aside);
    if (fd >= 0)
        close(fd);
    if (!rc && rename(aside, path) != 0)
        rc = err_sys(err, "%s: rename", path);
    if (rc && aside)
        unlink(aside);
    free(b.piece);
    free(aside);
    return rc;
}

/* ---- restore ---- */

/* backup.json, state.db, policy.conf, or logs|payloads|keys/NAME[/NAME] of harmless names: nothing leaves the folder. */
static bool path_allowed(const char *path)
{
    if (strcmp(path, "backup.json") == 0 || strcmp(path, "state.db") == 0 || strcmp(path, "policy.conf") == 0)
        return true;
    if (strncmp(path, "logs/", 5) != 0 && strncmp(path, "payloads/", 9) != 0 && strncmp(path, "keys/", 5) != 0)
        return false;
    int slashes = 0;
    for (const char *at = path; *at; at++) {
        slashes += *at == '/';
        if (*at == '/' && (at[1] == '.' || at[1] == '/' || at[1] == '\0'))
            return false;
        if ((unsigned char)*at < '!' || (unsigned char)*at > '~')
            return false;
    }
    return slashes <= 2 && strlen(path) < 400;
}

static int take_file(struct archive *archive, struct archive_entry *entry, const char *dir, struct backup_result *ret,
                     struct err *err)
{
    char whole[4600];
    const char *path = archive_entry_pathname(entry);
    if (!path || archive_entry_filetype(entry) != AE_IFREG || !path_allowed(path))
        return err_set(err, ERR_SYNTAX, "holds a file that has no place in a backup");
    snprintf(whole, sizeof(whole), "%s/%s", dir, path);
    for (char *at = whole + strlen(dir) + 1; *at; at++)
        if (*at == '/') {
            *at = '\0';
            if (mkdir(whole, 0700) != 0 && errno != EEXIST)
                return err_sys(err, "%s", whole);
            *at = '/';
        }
    int fd = open(whole, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, "%s", whole);
    int rc = archive_read_data_into_fd(archive, fd) == ARCHIVE_OK
                 ? 0
                 : err_set(err, ERR_SYNTAX, "%s: cut short or damaged: %s", path, archive_error_string(archive));
    if (!rc && fsync(fd) != 0)
        rc = err_sys(err, "%s: sync", whole);
    off_t size = lseek(fd, 0, SEEK_END);
    close(fd);
    ret->files++;
    ret->bytes += size > 0 ? (uint64_t)size : 0;
    return rc;
}

static int take_all(struct archive *archive, const char *dir, struct backup_result *ret, struct err *err)
{
    struct archive_entry *entry;
    for (bool first = true;; first = false) {
        int rc = archive_read_next_header(archive, &entry);
        if (rc == ARCHIVE_EOF && !first)
            return 0;
        if (rc != ARCHIVE_OK)
            return err_set(err, ERR_SYNTAX, "cut short or damaged: %s",
                           archive_error_string(archive) ? archive_error_string(archive) : "empty");
        const char *path = archive_entry_pathname(entry);
        if (first && (!path || strcmp(path, "backup.json") != 0))
            return err_set(err, ERR_SYNTAX, "is no backup: it does not begin with backup.json");
        rc = take_file(archive, entry, dir, ret, err);
        if (rc)
            return rc;
    }
}

/* Peers' cursors into what this node was are void: it may have known more than the backup does. */
static int new_generation(const char *dir, struct err *err)
{
    struct store_options options = {0};
    struct store *store;
    int rc = store_open(dir, &options, &store, err);
    if (rc)
        return rc;
    rc = store_renew(store, err);
    store_close(store);
    return rc;
}

static void remove_tree(const char *dir)
{
    static const char *const folders[] = {"logs", "payloads", "keys"};
    char path[4096], sub[4400], file[4800];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
        DIR *top = opendir(path);
        for (struct dirent *entry; top && (entry = readdir(top)) != NULL;) {
            if (entry->d_name[0] == '.')
                continue;
            snprintf(sub, sizeof(sub), "%s/%s", path, entry->d_name);
            DIR *below = opendir(sub);
            for (struct dirent *leaf; below && (leaf = readdir(below)) != NULL;) {
                snprintf(file, sizeof(file), "%s/%s", sub, leaf->d_name);
                if (leaf->d_name[0] != '.')
                    unlink(file);
            }
            if (below)
                closedir(below);
            remove(sub);
        }
        if (top)
            closedir(top);
        rmdir(path);
    }
    static const char *const files[] = {"state.db", "state.db-wal", "state.db-shm", "backup.json", "policy.conf"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

int backup_restore(const char *path, const char *dir, struct backup_result *ret, struct err *err)
{
    *ret = (struct backup_result){0};
    if (access(path, R_OK) != 0)
        return err_sys(err, "%s", path);
    if (mkdir(dir, 0700) != 0 && (errno != EEXIST || rmdir(dir) != 0 || mkdir(dir, 0700) != 0))
        return err_set(err, ERR_EXISTS, "%s: must be a new or empty folder", dir);
    struct archive *archive = archive_read_new();
    if (!archive)
        return err_memory(err);
    archive_read_support_filter_zstd(archive);
    archive_read_support_format_tar(archive);
    int rc = archive_read_open_filename(archive, path, 1 << 18) == ARCHIVE_OK
                 ? take_all(archive, dir, ret, err)
                 : err_set(err, ERR_SYNTAX, "%s", archive_error_string(archive));
    archive_read_free(archive);
    if (!rc)
        rc = new_generation(dir, err);
    if (rc) {
        remove_tree(dir);
        return err_in(err, "%s", path);
    }
    char manifest[4096];
    snprintf(manifest, sizeof(manifest), "%s/backup.json", dir);
    unlink(manifest);
    return 0;
}

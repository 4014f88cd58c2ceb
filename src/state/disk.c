#include "state/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int (*disk_hook)(void *ctx, const char *operation);
static void *disk_hook_ctx;

void disk_set_hook(int (*hook)(void *ctx, const char *operation), void *ctx)
{
    disk_hook = hook;
    disk_hook_ctx = ctx;
}

int disk_step(const char *operation)
{
    if (!disk_hook)
        return 0;
    int failure = disk_hook(disk_hook_ctx, operation);
    if (failure)
        errno = failure;
    return failure;
}

/* A file that the state says is there and is not is damage, not a wrong name. */
static int disk_fail(struct err *err, const char *what, const char *path)
{
    int code = err_sys(err, "%s %s", what, path);
    if (code == ERR_NOTFOUND)
        err->code = code = ERR_IO;
    return code;
}

int disk_open(const char *path, int flags, int *ret_fd, bool *ret_made, struct err *err)
{
    if (ret_made)
        *ret_made = false;
    if (!(flags & O_CREAT)) {
        int fd = open(path, flags | O_CLOEXEC);
        if (fd < 0)
            return disk_fail(err, "open", path);
        *ret_fd = fd;
        return 0;
    }
    if (disk_step("open"))
        return disk_fail(err, "create", path);
    int fd = open(path, flags | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && ret_made)
        *ret_made = true;
    if (fd < 0 && errno == EEXIST && !(flags & O_EXCL))
        fd = open(path, (flags & ~O_CREAT) | O_CLOEXEC);
    if (fd < 0)
        return errno == EEXIST ? err_set(err, ERR_EXISTS, "%s is there already", path) : disk_fail(err, "create", path);
    *ret_fd = fd;
    return 0;
}

int disk_pwrite(int fd, struct span data, uint64_t offset, const char *path, struct err *err)
{
    if (disk_step("pwrite"))
        return disk_fail(err, "write", path);
    while (data.len > 0) {
        ssize_t n = pwrite(fd, data.data, data.len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (n == 0)
                errno = ENOSPC;
            return disk_fail(err, "write", path);
        }
        data = span_sub(data, (size_t)n, data.len);
        offset += (uint64_t)n;
    }
    return 0;
}

int disk_sync(int fd, const char *path, struct err *err)
{
    if (disk_step("sync") || fdatasync(fd) != 0)
        return disk_fail(err, "sync", path);
    return 0;
}

void disk_hurry(int fd)
{
    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int disk_sync_folder(const char *path, struct err *err)
{
    if (disk_step("folder"))
        return disk_fail(err, "sync folder", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return disk_fail(err, "open folder", path);
    /* EINVAL: a file system that does not know it. */
    int code = fsync(fd) != 0 && errno != EINVAL ? disk_fail(err, "sync folder", path) : 0;
    close(fd);
    return code;
}

int disk_sync_parent(const char *path, struct err *err)
{
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s", path) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "%s: path longer than %d bytes", path, PATH_MAX - 1);
    char *slash = strrchr(folder, '/');
    if (slash == folder)
        slash[1] = 0;
    else if (slash)
        *slash = 0;
    if (access(slash ? folder : ".", R_OK) != 0 && errno == EACCES)
        return 0;
    return disk_sync_folder(slash ? folder : ".", err);
}

int disk_truncate(int fd, uint64_t length, const char *path, struct err *err)
{
    if (disk_step("truncate") || ftruncate(fd, (off_t)length) != 0)
        return disk_fail(err, "cut", path);
    return 0;
}

int disk_punch(int fd, uint64_t offset, uint64_t len, const char *path, bool *ret_freed, struct err *err)
{
    *ret_freed = disk_step("punch") == 0 &&
                 fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len) == 0;
    if (*ret_freed || errno == EOPNOTSUPP || errno == ENOSYS)
        return 0;
    return disk_fail(err, "free room of", path);
}

int disk_rename(const char *from, const char *to, struct err *err)
{
    if (disk_step("rename") || rename(from, to) != 0)
        return disk_fail(err, "rename to", to);
    return 0;
}

int disk_unlink(const char *path, struct err *err)
{
    if (disk_step("unlink") || (unlink(path) != 0 && errno != ENOENT))
        return disk_fail(err, "remove", path);
    return 0;
}

int disk_mkdir(const char *path, bool *ret_made, struct err *err)
{
    if (ret_made)
        *ret_made = false;
    if (disk_step("mkdir"))
        return disk_fail(err, "make folder", path);
    if (mkdir(path, 0700) == 0) {
        if (ret_made)
            *ret_made = true;
        return 0;
    }
    return errno == EEXIST ? 0 : disk_fail(err, "make folder", path);
}

int disk_pread(int fd, void *out, size_t len, uint64_t offset, const char *path, struct err *err)
{
    uint8_t *to = out;
    while (len > 0) {
        ssize_t n = pread(fd, to, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return disk_fail(err, "read", path);
        if (n == 0)
            return err_set(err, ERR_IO, "%s ends at byte %llu, %zu more expected", path, (unsigned long long)offset,
                           len);
        to += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int disk_length(int fd, const char *path, uint64_t *ret, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return disk_fail(err, "look at", path);
    *ret = (uint64_t)st.st_size;
    return 0;
}

/* ---- small files in full ---- */

#define WIPED_MAX (1u << 20) /* bytes: no small file is larger */

/* Zeros over what a regular file holds that nobody shall read any more. */
static int wipe(int fd, const char *path, struct err *err)
{
    static const uint8_t zeros[4096];
    struct stat st;
    if (fstat(fd, &st) != 0)
        return disk_fail(err, "look at", path);
    uint64_t len = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    int rc = 0;
    for (uint64_t at = 0; rc == 0 && at < len && at < WIPED_MAX; at += sizeof zeros)
        rc =
            disk_pwrite(fd, span_of(zeros, len - at < sizeof zeros ? (size_t)(len - at) : sizeof zeros), at, path, err);
    return rc || len == 0 ? rc : disk_sync(fd, path, err);
}

/* What an interrupted attempt left may hold secrets: it is overwritten and goes. `but`: unless it is this very file. */
static int wipe_away(const char *path, const char *but, struct err *err)
{
    struct stat left, kept;
    if (lstat(path, &left) != 0)
        return errno == ENOENT ? 0 : disk_fail(err, "look at", path);
    bool is_kept = but && lstat(but, &kept) == 0 && kept.st_ino == left.st_ino && kept.st_dev == left.st_dev;
    if (S_ISREG(left.st_mode) && !is_kept) {
        int fd = -1, rc = disk_open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK, &fd, NULL, err);
        if (rc)
            return rc;
        rc = wipe(fd, path, err);
        close(fd);
        if (rc)
            return rc;
    }
    return disk_unlink(path, err);
}

static int beside(const char *folder, const char *name, const char *end, char out[PATH_MAX], struct err *err)
{
    if (snprintf(out, PATH_MAX, "%s/%s%s", folder, name, end) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "%s: path longer than %d bytes", folder, PATH_MAX - 1);
    return 0;
}

int disk_replace(const char *folder, const char *name, struct span data, struct err *err)
{
    char path[PATH_MAX], new[PATH_MAX];
    int fd, rc = beside(folder, name, "", path, err);
    if (!rc)
        rc = beside(folder, name, ".new", new, err);
    if (!rc)
        rc = wipe_away(new, NULL, err);
    if (!rc)
        rc = disk_open(new, O_WRONLY | O_CREAT | O_EXCL, &fd, NULL, err);
    if (rc)
        return rc;
    rc = disk_pwrite(fd, data, 0, new, err);
    if (!rc)
        rc = disk_sync(fd, new, err);
    close(fd);
    if (!rc)
        rc = disk_rename(new, path, err);
    if (!rc)
        rc = disk_sync_folder(folder, err);
    return rc;
}

/*
 * 1. The file gets a second name. 2. Another takes the first one. 3. What the second leads to is overwritten, and goes. Stopped
 * before 2, both names lead to the file, which stays as it is; before 3, the next call finds the old one by its second name.
 */
int disk_replace_secret(const char *folder, const char *name, struct span data, struct err *err)
{
    char path[PATH_MAX], old[PATH_MAX];
    int rc = beside(folder, name, "", path, err);
    if (!rc)
        rc = beside(folder, name, ".old", old, err);
    if (!rc)
        rc = wipe_away(old, path, err);
    if (rc)
        return rc;
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool is_linked = fd >= 0 && disk_step("link") == 0 && link(path, old) == 0; /* not every file system can */
    rc = disk_replace(folder, name, data, err);
    if (!rc && fd >= 0)
        rc = wipe(fd, path, err);
    if (fd >= 0)
        close(fd);
    if (is_linked && !rc)
        rc = disk_unlink(old, err);
    return rc || !is_linked ? rc : disk_sync_folder(folder, err);
}

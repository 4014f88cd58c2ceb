/* The header's inline wrappers would stand in the way of the names that are defined here. */
#undef _FORTIFY_SOURCE
#include "tape.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS 4096

static struct tape *tape;
static char tape_root[PATH_MAX];
static const char *urandom;
static uint64_t changes_left; /* 1: the next one is it */
static bool failed;
static enum tape_end tape_end_how;
static struct {
    bool inside;
    uint64_t ino;
} fds[FDS];

struct tape *tape_new(size_t size)
{
    struct tape *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED)
        return NULL;
    made->size = size - sizeof(*made);
    return made;
}

void tape_begin(struct tape *to, const char *root, uint64_t nth, enum tape_end end)
{
    tape = to;
    tape->used = tape->entries = 0;
    changes_left = nth;
    failed = false;
    tape_end_how = end;
    snprintf(tape_root, sizeof(tape_root), "%s", root);
}

void tape_urandom(const char *path)
{
    urandom = path;
}

static bool inside(const char *path)
{
    size_t len = strlen(tape_root);
    return tape && strncmp(path, tape_root, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool fd_inside(int fd)
{
    return tape && fd >= 0 && fd < FDS && fds[fd].inside;
}

/* Before a change: may end the process. True: it is to fail, with errno. */
static bool fails(int number)
{
    if (changes_left != 1)
        return false;
    if (tape_end_how == TAPE_STOP_BEFORE)
        _exit(TAPE_STOPPED);
    if (tape_end_how == TAPE_STOP_AFTER)
        return false;
    failed = true;
    if (tape_end_how == TAPE_FAIL_ONCE)
        changes_left = 0;
    errno = tape_end_how == TAPE_READ_ONLY ? EROFS : number;
    return true;
}

static void done(void)
{
    if (changes_left == 1 && tape_end_how == TAPE_STOP_AFTER)
        _exit(TAPE_STOPPED);
    if (changes_left > 1)
        changes_left--;
}

bool tape_failed(void)
{
    return failed;
}

static void put(enum tape_kind kind, uint64_t ino, uint64_t offset, const void *bytes, size_t len, const char *second)
{
    size_t more = second ? strlen(second) + 1 : 0, whole = sizeof(struct tape_entry) + ((len + more + 7) & ~(size_t)7);
    if (tape->size - tape->used < whole || len > UINT32_MAX - more) {
        static const char full[] = "the tape is full\n";
        syscall(SYS_write, 2, full, sizeof(full) - 1);
        abort();
    }
    struct tape_entry *entry = (void *)(tape->bytes + tape->used);
    *entry = (struct tape_entry){kind, (uint32_t)(kind == TAPE_ZERO ? 0 : len + more), ino, offset};
    if (kind == TAPE_ZERO) {
        entry->len = 8;
        uint64_t zeros = len;
        memcpy(entry->bytes, &zeros, sizeof(zeros));
        whole = sizeof(*entry) + 8;
    } else if (len > 0) {
        memcpy(entry->bytes, bytes, len);
        if (second)
            memcpy(entry->bytes + len, second, more);
    }
    tape->used += whole;
    tape->entries++;
}

static uint64_t ino_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* ---- opening and closing ---- */

static int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
    if (urandom && strcmp(path, "/dev/urandom") == 0)
        path = urandom;
    bool ours = inside(path), made = false;
    bool cuts = ours && flags & O_TRUNC;
    if (ours && flags & O_CREAT)
        made = faccessat(AT_FDCWD, path, F_OK, 0) != 0;
    bool writes = ours && (flags & O_ACCMODE) != O_RDONLY && tape_end_how == TAPE_READ_ONLY;
    if ((made || cuts || writes) && fails(ENOSPC))
        return -1;
    int fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
    if (fd < 0 || !ours)
        return fd;
    if (fd >= FDS)
        abort();
    fds[fd].inside = true;
    fds[fd].ino = ino_of(fd);
    if (made)
        put(TAPE_FILE, fds[fd].ino, 0, path, strlen(path) + 1, NULL);
    else if (cuts)
        put(TAPE_LENGTH, fds[fd].ino, 0, NULL, 0, NULL);
    if (made || cuts)
        done();
    return fd;
}

#define OPEN_MODE(flags, mode)                                                                                         \
    do {                                                                                                               \
        if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                         \
            va_list list;                                                                                              \
            va_start(list, flags);                                                                                     \
            mode = va_arg(list, mode_t);                                                                               \
            va_end(list);                                                                                              \
        }                                                                                                              \
    } while (0)

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    OPEN_MODE(flags, mode);
    return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    OPEN_MODE(flags, mode);
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int dirfd, const char *path, int flags, ...)
{
    mode_t mode = 0;
    OPEN_MODE(flags, mode);
    return open_at(dirfd, path, flags, mode);
}

int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags);
int __open64_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}

int mkostemp(char *template, int flags)
{
    static unsigned turn;
    char *end = template + strlen(template) - 6;
    for (;;) {
        char name[16];
        snprintf(name, sizeof(name), "%06u", turn++ % 1000000);
        memcpy(end, name, 6);
        int fd = open_at(AT_FDCWD, template, O_RDWR | O_CREAT | O_EXCL | flags, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
}

int close(int fd)
{
    if (fd >= 0 && fd < FDS)
        fds[fd].inside = false;
    return (int)syscall(SYS_close, fd);
}

/* ---- contents ---- */

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    bool ours = fd_inside(fd);
    if (ours && fails(ENOSPC))
        return -1;
    ssize_t n = syscall(SYS_pwrite64, fd, bytes, len, offset);
    if (ours && n > 0) {
        put(TAPE_WRITE, fds[fd].ino, (uint64_t)offset, bytes, (size_t)n, NULL);
        done();
    }
    return n;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
    return pwrite(fd, bytes, len, offset);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    bool ours = fd_inside(fd);
    off_t at = ours ? lseek(fd, 0, SEEK_CUR) : 0;
    if (ours && fails(ENOSPC))
        return -1;
    ssize_t n = syscall(SYS_write, fd, bytes, len);
    if (ours && n > 0) {
        put(TAPE_WRITE, fds[fd].ino, (uint64_t)at, bytes, (size_t)n, NULL);
        done();
    }
    return n;
}

int ftruncate(int fd, off_t length)
{
    bool ours = fd_inside(fd);
    if (ours && fails(EIO))
        return -1;
    int rc = (int)syscall(SYS_ftruncate, fd, length);
    if (ours && rc == 0) {
        put(TAPE_LENGTH, fds[fd].ino, (uint64_t)length, NULL, 0, NULL);
        done();
    }
    return rc;
}

int ftruncate64(int fd, off_t length)
{
    return ftruncate(fd, length);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
    bool ours = fd_inside(fd);
    if (ours && fails(EIO))
        return -1;
    int rc = (int)syscall(SYS_fallocate, fd, mode, offset, len);
    if (ours && rc == 0) {
        put(TAPE_ZERO, fds[fd].ino, (uint64_t)offset, NULL, (size_t)len, NULL);
        done();
    }
    return rc;
}

/* ---- syncing ---- */

int fsync(int fd)
{
    if (!fd_inside(fd))
        return 0;
    if (fails(EIO)) {
        put(TAPE_UNSYNC, fds[fd].ino, 0, NULL, 0, NULL);
        return -1;
    }
    put(TAPE_SYNC, fds[fd].ino, 0, NULL, 0, NULL);
    done();
    return 0;
}

int fdatasync(int fd)
{
    return fsync(fd);
}

int syncfs(int fd)
{
    if (!fd_inside(fd))
        return 0;
    if (fails(EIO))
        return -1;
    put(TAPE_SYNCFS, 0, 0, NULL, 0, NULL);
    done();
    return 0;
}

int sync_file_range(int fd, off_t offset, off_t len, unsigned flags)
{
    (void)fd, (void)offset, (void)len, (void)flags;
    return 0;
}

/* ---- names ---- */

int rename(const char *from, const char *to)
{
    bool ours = inside(from) || inside(to);
    if (ours && fails(EIO))
        return -1;
    int rc = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (ours && rc == 0) {
        put(TAPE_RENAME, 0, 0, from, strlen(from) + 1, to);
        done();
    }
    return rc;
}

int link(const char *from, const char *to)
{
    bool ours = inside(from) || inside(to);
    if (ours && fails(EIO))
        return -1;
    int rc = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (ours && rc == 0) {
        put(TAPE_LINK, 0, 0, from, strlen(from) + 1, to);
        done();
    }
    return rc;
}

static int remove_at(const char *path, int flags)
{
    bool ours = inside(path);
    if (ours && fails(EIO))
        return -1;
    int rc = (int)syscall(SYS_unlinkat, AT_FDCWD, path, flags);
    if (ours && rc == 0) {
        put(TAPE_REMOVE, 0, 0, path, strlen(path) + 1, NULL);
        done();
    }
    return rc;
}

int unlink(const char *path)
{
    return remove_at(path, 0);
}

int rmdir(const char *path)
{
    return remove_at(path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    int rc = remove_at(path, 0);
    return rc != 0 && errno == EISDIR ? remove_at(path, AT_REMOVEDIR) : rc;
}

int mkdir(const char *path, mode_t mode)
{
    bool ours = inside(path);
    if (ours && fails(EIO))
        return -1;
    int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    struct stat st;
    if (ours && rc == 0 && stat(path, &st) == 0) {
        put(TAPE_FOLDER, st.st_ino, 0, path, strlen(path) + 1, NULL);
        done();
    }
    return rc;
}

/* ---- time: the same in every run ---- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static long passed;
    if (!tape || clock != CLOCK_REALTIME)
        return (int)syscall(SYS_clock_gettime, clock, now);
    passed++;
    *now = (struct timespec){1795000000 + passed / 1000, passed % 1000 * 1000000};
    return 0;
}

#include "node/serving.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define PATH_BYTES 4096

int serving_begin(const char *dir, int *ret_fd, struct err *err)
{
    char path[PATH_BYTES], pid[32] = "";
    if ((size_t)snprintf(path, sizeof(path), "%s/serving", dir) >= sizeof(path))
        return err_set(err, ERR_LIMIT, "%s: folder name too long", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, "%s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int rc = errno != EWOULDBLOCK ? err_sys(err, "%s: lock", path) : 0;
        ssize_t len = pread(fd, pid, sizeof(pid) - 1, 0);
        close(fd);
        pid[len > 0 ? len : 0] = '\0';
        return rc ? rc
                  : err_set(
                        err, ERR_STATE,
                        "%s: a node runs on this folder already (process %.*s); every other command works beside it",
                        dir, (int)strspn(pid, "0123456789"), pid);
    }
    /* For people only: what counts is the lock. */
    int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
        int rc = err_sys(err, "%s: write", path);
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

bool serving_is(const char *dir)
{
    char path[PATH_BYTES];
    if ((size_t)snprintf(path, sizeof(path), "%s/serving", dir) >= sizeof(path))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* Shared: two who look at the same time do not take each other for a node. */
    bool is = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return is;
}

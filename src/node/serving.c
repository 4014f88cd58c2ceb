#include "node/serving.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

int serving_say(int fd, const char *note, struct err *err)
{
    char line[32 + SERVING_NOTE_MAX];
    int len = snprintf(line, sizeof(line), "%ld\n%.*s\n", (long)getpid(), SERVING_NOTE_MAX - 1, note);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, line, (size_t)len, 0) != len)
        return err_sys(err, "serving: write");
    return 0;
}

void serving_note(const char *dir, char out[SERVING_NOTE_MAX])
{
    char path[PATH_BYTES], text[32 + SERVING_NOTE_MAX];
    out[0] = '\0';
    if ((size_t)snprintf(path, sizeof(path), "%s/serving", dir) >= sizeof(path))
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
    if (fd >= 0)
        close(fd);
    text[len > 0 ? len : 0] = '\0';
    const char *note = strchr(text, '\n');
    if (note)
        snprintf(out, SERVING_NOTE_MAX, "%.*s", (int)strcspn(note + 1, "\n"), note + 1);
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

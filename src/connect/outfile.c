#include "connect/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/disk.h"

int outfile_open(struct outfile *out, const char *path, mode_t mode, struct err *err)
{
    struct stat st;
    *out = (struct outfile){.fd = -1};
    if (strcmp(path, "-") == 0)
        return err_set(err, ERR_USAGE, "-: cannot go to standard output: name a file");
    bool is_there = stat(path, &st) == 0;
    if (is_there && S_ISDIR(st.st_mode))
        return err_set(err, ERR_USAGE, "%s: is a folder; name a file in it", path);
    /* Renaming over /dev/null would take it from everybody. */
    if (is_there && !S_ISREG(st.st_mode))
        return err_set(err, ERR_USAGE, "%s: is a device or a pipe; name an ordinary file", path);
    out->path = is_there ? realpath(path, NULL) : strdup(path); /* what a link points to is replaced, not the link */
    if (!out->path || asprintf(&out->aside, "%s.XXXXXX", path) < 0) {
        out->aside = NULL;
        return err_memory(err);
    }
    out->fd = mkostemp(out->aside, O_CLOEXEC);
    if (out->fd < 0)
        return err_sys(err, "%s", path);
    return fchmod(out->fd, mode) == 0 ? 0 : err_sys(err, "%s", path);
}

int outfile_close(struct outfile *out, int rc, struct err *err)
{
    if (!rc && fsync(out->fd) != 0)
        rc = err_sys(err, "%s: sync", out->path);
    if (out->fd >= 0 && close(out->fd) != 0 && !rc)
        rc = err_sys(err, "%s: close", out->path);
    if (!rc && rename(out->aside, out->path) != 0)
        rc = err_sys(err, "%s", out->path);
    if (rc && out->fd >= 0)
        unlink(out->aside);
    if (!rc)
        rc = disk_sync_parent(out->path, err); /* the new name is as durable as the bytes */
    free(out->path);
    free(out->aside);
    *out = (struct outfile){.fd = -1};
    return rc;
}

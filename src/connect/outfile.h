/*
 * A file for others, whole or not at all: written beside its place under a name of its own, made durable, renamed.
 *
 *   struct outfile out;
 *   rc = outfile_open(&out, path, 0600, err);
 *   ... write to out.fd ...
 *   rc = outfile_close(&out, rc, err);
 */
#ifndef TONGZHOU_CONNECT_OUTFILE_H
#define TONGZHOU_CONNECT_OUTFILE_H

#include <sys/types.h>

#include "base/err.h"

struct outfile {
    char *path, *aside;
    int fd;
};

/* `mode` whatever the umask. ERR_USAGE the path is a folder, a device or a pipe; ERR_NOTFOUND its folder is missing;
 * ERR_IO. */
int outfile_open(struct outfile *out, const char *path, mode_t mode, struct err *err);

/* With `rc` 0 the file is in its place on return, and would be after a power cut; else nothing is left. Returns rc or the
 * error of doing so. Call it after outfile_open whether that went well or not. */
int outfile_close(struct outfile *out, int rc, struct err *err);

#endif

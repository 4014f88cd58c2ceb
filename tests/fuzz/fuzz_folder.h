/* A folder in memory for targets that need one: in TMPDIR, else in /dev/shm, else in /tmp. It goes with the process. */
#ifndef TONGZHOU_FUZZ_FOLDER_H
#define TONGZHOU_FUZZ_FOLDER_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/span.h"

static char fuzz_folder[PATH_MAX / 2];

static inline int fuzz_folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static inline int fuzz_folder_remove_inner(const char *path, const struct stat *st, int type, struct FTW *where)
{
    return where->level > 0 ? fuzz_folder_remove_one(path, st, type, where) : 0;
}

/* Everything in it. */
static inline void fuzz_folder_empty(void)
{
    nftw(fuzz_folder, fuzz_folder_remove_inner, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fuzz_folder_remove(void)
{
    nftw(fuzz_folder, fuzz_folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fuzz_folder_make(void)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || strlen(tmp) > 200)
        tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(fuzz_folder, sizeof(fuzz_folder), "%s/tz-fuzz-XXXXXX", tmp);
    if (!mkdtemp(fuzz_folder))
        abort();
    atexit(fuzz_folder_remove);
}

/* The path of something in it. */
static inline void fuzz_folder_path(const char *name, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%s", fuzz_folder, name);
}

/* A file of exactly these bytes; `mode` as chmod takes it. */
static inline void fuzz_folder_write(const char *path, struct span bytes, mode_t mode)
{
    FILE *file = fopen(path, "wb");
    if (!file || fchmod(fileno(file), mode) != 0 || fwrite(bytes.data, 1, bytes.len, file) != bytes.len ||
        fclose(file) != 0)
        abort();
}

#endif

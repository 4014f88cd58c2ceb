/*
 * What a process does to the files below one folder, recorded call by call: the program that links this takes the place
 * of the C library's open, pwrite, fsync, rename, ... for itself and for every shared library it uses, SQLite's and
 * libarchive's calls included. The calls are carried out, except syncs, which would only take time.
 *
 * The tape stands in memory shared with the parent, which reads it when the process has ended.
 */
#ifndef TONGZHOU_TESTS_FAULTS_TAPE_H
#define TONGZHOU_TESTS_FAULTS_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tape_kind {
    TAPE_FILE,   /* `path` is new: file `ino` */
    TAPE_FOLDER, /* `path` is new: folder `ino` */
    TAPE_WRITE,  /* bytes to file `ino` at `offset` */
    TAPE_ZERO,   /* `len` zeros there (a hole): no bytes follow */
    TAPE_LENGTH, /* file `ino` is `offset` bytes long now */
    TAPE_SYNC,   /* file or folder `ino` */
    TAPE_UNSYNC, /* its sync failed */
    TAPE_SYNCFS, /* everything */
    TAPE_RENAME, /* `path` to the second path, which follows */
    TAPE_LINK,   /* the second path, which follows, is `path` as well */
    TAPE_REMOVE, /* name `path` */
};

struct tape_entry {
    uint32_t kind, len; /* bytes that follow, padded to 8 */
    uint64_t ino, offset;
    uint8_t bytes[];
};

struct tape {
    size_t used, size, entries;
    uint8_t bytes[];
};

/*
 * What happens at the nth change from now on: the process ends, before or after it; the change fails, alone or with all that
 * follow (no room for what grows, EIO for the rest); or the disk can be written no more.
 */
enum tape_end { TAPE_STOP_BEFORE, TAPE_STOP_AFTER, TAPE_FAIL_ONCE, TAPE_FAIL, TAPE_READ_ONLY, TAPE_ENDS };

#define TAPE_STOPPED 7 /* exit status */

/* In memory shared with children. NULL: no memory. */
struct tape *tape_new(size_t size);

/* Begin to record changes below `root` (absolute). `end` is what happens at change `nth` (0: never). */
void tape_begin(struct tape *tape, const char *root, uint64_t nth, enum tape_end end);

/* Has a change failed since? */
bool tape_failed(void);

/* Where /dev/urandom is taken from; NULL: as it is. */
void tape_urandom(const char *path);

/* Path of the next entry's name(s), for reading. */
static inline const struct tape_entry *tape_next(const struct tape *tape, size_t *at)
{
    if (*at >= tape->used)
        return NULL;
    const struct tape_entry *entry = (const void *)(tape->bytes + *at);
    *at += sizeof(*entry) + ((entry->len + 7u) & ~(size_t)7);
    return entry;
}

#endif

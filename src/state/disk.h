/*
 * Every change that the store makes to a file passes through here, so that tests can stop the process or fail the
 * disk at each of them. Reads are here too, for they have to be complete or fail.
 */
#ifndef TONGZHOU_STATE_DISK_H
#define TONGZHOU_STATE_DISK_H

#include <sys/types.h>

#include "base/err.h"
#include "base/span.h"

/*
 * For tests: called with the operation's name before each change ("open", "pwrite", "sync", "folder", "truncate",
 * "punch", "rename", "link", "unlink", "mkdir", and "commit", "committed" around the commits of state.db). 0: go on; an errno: the
 * operation fails with it. NULL takes the hook away. Not for use while other threads are in the store.
 */
void disk_set_hook(int (*hook)(void *ctx, const char *operation), void *ctx);
int disk_step(const char *operation);

/* Close-on-exec. With O_CREAT the mode is 0600 and *ret_made tells whether the file is new; may be NULL. */
int disk_open(const char *path, int flags, int *ret_fd, bool *ret_made, struct err *err);

int disk_pwrite(int fd, struct span data, uint64_t offset, const char *path, struct err *err);
int disk_sync(int fd, const char *path, struct err *err); /* data and length: fdatasync */
void disk_hurry(int fd);                                  /* begins what disk_sync will wait for; promises nothing */
int disk_sync_folder(const char *path, struct err *err);
/* The folder that `path` stands in; one that may be written but not read stays unsynced. */
int disk_sync_parent(const char *path, struct err *err);
int disk_truncate(int fd, uint64_t length, const char *path, struct err *err);
/* Zeros that take no room; *ret_freed false: the file system cannot, and what stands there stays. */
int disk_punch(int fd, uint64_t offset, uint64_t len, const char *path, bool *ret_freed, struct err *err);
int disk_rename(const char *from, const char *to, struct err *err);
int disk_unlink(const char *path, struct err *err);                /* gone already is fine */
int disk_mkdir(const char *path, bool *ret_made, struct err *err); /* 0700; there already is fine */

/* Exactly `len` bytes; ERR_IO if the file ends before. */
int disk_pread(int fd, void *out, size_t len, uint64_t offset, const char *path, struct err *err);
int disk_length(int fd, const char *path, uint64_t *ret, struct err *err);

/* A small file in full: written beside as NAME.new, synced, renamed, folder synced; mode 0600. */
int disk_replace(const char *folder, const char *name, struct span data, struct err *err);
/* The same, and what stood there before is overwritten, even if this process is killed and another one comes back to it. */
int disk_replace_secret(const char *folder, const char *name, struct span data, struct err *err);

#endif

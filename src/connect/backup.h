/*
 * Backup and restore of a whole node: one .tar.zst with a consistent copy of state.db, the log and payload files and the
 * keys. It holds secrets: mode 0600, and to be kept like the machine itself.
 *
 *   backup.json                    {"created":"...","format":1}
 *   state.db                       as of one instant
 *   logs/..., payloads/..., keys/..., policy.conf
 *
 * A restored node may be behind what it once signed. It gets a new generation (peers' cursors into it are void), and
 * before its first signature the start check asks peers for its own logs and heals what is missing.
 */
#ifndef TONGZHOU_CONNECT_BACKUP_H
#define TONGZHOU_CONNECT_BACKUP_H

#include "state/store.h"

#define BACKUP_FORMAT 1

struct backup_result {
    uint64_t files, bytes;
    uint64_t contents; /* restore: payloads compared with their seals */
    uint64_t dropped;  /* restore: payloads that were erased while the backup was made, or damaged since */
};

struct backup_options {
    int64_t now_ms;
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* bytes; may be NULL */
    void *ctx;
};

/*
 * While the node runs: state.db, slots and keys are copied at one instant, which writers wait for; everything else is
 * only ever appended to, and copied up to the length that it had then. What is erased meanwhile arrives as zeros, which
 * restore notices by the seals.
 */
int backup_write(struct store *store, const char *path, const struct backup_options *options, struct backup_result *ret,
                 struct err *err);

/*
 * Make a node in `dir`, which must not exist or be empty. Until all of it is there and checked, `dir` holds no node.
 * Errors: ERR_EXISTS; ERR_SYNTAX not a backup, cut short or damaged (nothing is left behind then); ERR_STATE another
 * format; ERR_IO.
 */
int backup_restore(const char *path, const char *dir, const struct backup_options *options, struct backup_result *ret,
                   struct err *err);

#endif

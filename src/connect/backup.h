/*
 * Backup and restore of a whole node: one .tar.zst with a consistent copy of state.db, the log and payload files and the
 * keys. It holds secrets: mode 0600, and to be kept like the machine itself.
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
};

int backup_write(struct store *store, const char *path, int64_t now_ms, struct backup_result *ret, struct err *err);

/* `dir` must not hold a node. ERR_EXISTS; ERR_SYNTAX not a backup or cut short (nothing is left behind then). */
int backup_restore(const char *path, const char *dir, struct backup_result *ret, struct err *err);

#endif

/* Emptying the WAL of an SQLite database that other processes read, write and check-point as well. */
#ifndef TONGZHOU_STATE_WAL_H
#define TONGZHOU_STATE_WAL_H

#include <sqlite3.h>

/*
 * Everything of the WAL into the database file, and the WAL to zero bytes; `db` is in no transaction and no statement of
 * it is under way. Waits for readers, writers and other check-pointers until `wait_ms` from now, 0: not at all, and leaves
 * the busy timeout at `busy_ms`. Returns what SQLite says: SQLITE_OK, SQLITE_BUSY if somebody is still in the way.
 */
int wal_truncate(sqlite3 *db, int wait_ms, int busy_ms);

#endif

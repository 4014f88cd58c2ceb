/* The WAL of an SQLite database that other processes read, write and check-point as well. */
#ifndef TONGZHOU_STATE_WAL_H
#define TONGZHOU_STATE_WAL_H

#include <sqlite3.h>
#include <stdbool.h>

/*
 * Everything of the WAL into the database file, and the WAL to zero bytes; `db` is in no transaction and no statement of
 * it is under way. Waits for readers, writers and other check-pointers until `wait_ms` from now, 0: not at all, and leaves
 * the busy timeout at `busy_ms`. Returns what SQLite says: SQLITE_OK, SQLITE_BUSY if somebody is still in the way.
 */
int wal_truncate(sqlite3 *db, int wait_ms, int busy_ms);

/*
 * Within a write transaction that has written nothing yet: does a frame stand in the WAL behind what is shown, that fits there?
 * A writer writes its frames, syncs them and then shows them in the WAL's index (-shm). If it is killed in between, nobody sees
 * its commit as long as any process keeps that index, and everybody does once it is made again from the WAL. Any commit
 * writes over it and so makes it void. Source: "WAL-mode File Format" of SQLite, sections 2 and 4.
 */
bool wal_has_unshown(sqlite3 *db);

#endif

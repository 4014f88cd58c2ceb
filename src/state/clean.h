/* What this process freed must not come to stand in a file: SQLite writes some of its memory as it was given it. */
#ifndef TONGZHOU_STATE_CLEAN_H
#define TONGZHOU_STATE_CLEAN_H

/*
 * SQLite is given zeroed memory only, from now on; before the first database is opened, by whoever opens one. Seen with
 * SQLite 3.40: the index of a WAL whose first frame is torn (-shm) is a page that was allocated and never filled, so that
 * payloads, erased ones too, went from the heap to the disk.
 */
void clean_memory(void);

#endif

/*
 * The start check. Most forks are accidents: a restored backup or a cloned disk signs on from where it stands, and two
 * truths are out. So before the first signature, in any command, a node with peers asks all of them at once for the
 * largest checkpoint of its own logs. Found behind, it heals by mirroring its own log back; then, and when it is
 * found up to date, author_allow(). Nobody answers: ERR_STATE, and --alone overrides.
 *
 * A peer's 404 is an answer: it has nothing of ours. A forged checkpoint is not an answer.
 */
#ifndef TONGZHOU_CONNECT_STARTCHECK_H
#define TONGZHOU_CONNECT_STARTCHECK_H

#include "state/store.h"

/*
 * Check, heal, allow. Cheap without peers, without own logs, and while a node runs on this folder that has checked
 * already (start_check_note). Logs that are frozen or suspended are never signed again, so nothing is asked about them.
 *   alone  do not ask anybody
 * Errors: ERR_STATE no peer answered, or restored and no peer to ask; ERR_FORK a peer holds another branch of our own
 * log, signed with our key: nothing more may be signed there; others as they come.
 */
int start_check(struct store *store, bool alone, struct err *err);

/* The same, asked anew though a running node has checked: after a log has become our own that was not when it did. */
int start_check_now(struct store *store, bool alone, struct err *err);

/* From any thread: this process ends; a check that waits for its peers gives up (ERR_STATE), and so does each later one. */
void start_check_cancel(void);

/*
 * This store comes out of a backup and may be behind what it once signed: even without peers nothing is signed before one
 * has answered, or before --alone was given once.
 */
int start_check_restored(struct store *store, int64_t now_ms, struct err *err);

/*
 * This process has checked and goes on running: other commands on the same folder may rely on it while it lives. The fact
 * names the boot, the process, its start time and the identity of the file state.db, so that neither a restart nor a
 * copied folder inherits it.
 */
int start_check_note(struct store *store, struct err *err);

/* Does a process that noted it still run on this folder? */
bool start_check_noted(struct store *store);

#endif

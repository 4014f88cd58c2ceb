/*
 * What SQLite leaves behind of deleted rows. secure_delete zeroes freed pages and deleted cells, but a leaf page that
 * is rebuilt when cells move to a sibling keeps copies of them between its cell pointers and its cells (seen with
 * SQLite 3.40: 12 copies after 20,000 insertions and deletions). This looks there for pieces of an erased payload.
 */
#ifndef TONGZHOU_STATE_RESIDUE_H
#define TONGZHOU_STATE_RESIDUE_H

#include "base/span.h"
#include "state/store.h"

struct residue; /* pieces to look for */

struct residue *residue_new(void);          /* NULL: no memory */
void residue_free(struct residue *residue); /* wipes */

/* Salt and payload, as a row had them: the first page's worth is what a leaf page can have held. */
int residue_add(struct residue *residue, struct span item, struct err *err);

/* There is something to look for, but nobody knows its bytes. */
void residue_unknown(struct residue *residue);
bool residue_is_unknown(const struct residue *residue);

/* Within a transaction and after the WAL was truncated: does the unused space of any page of state.db hold a piece? */
int residue_scan(const struct residue *residue, sqlite3 *db, bool *ret_found, struct err *err);

#endif

/*
 * The index: DIR/index.db, a disposable fold of all logs into each capability's tables. It follows the store with
 * a cursor a log that is committed together with the rows, so it can stop anywhere and be deleted at any time.
 *
 * The core's own tables:
 *   record(ref PRIMARY KEY, kind, time_ms, tlp, lang, type, bytes, is_inline, shown, folded)  every entry whose text is
 *          known here; kind, lang and type are numbers of rows in word(number, text); `shown`: the public may see it
 *   cursor(log PRIMARY KEY, entries, payloads, arrived)  how far each log is folded, how many payloads were taken in and not
 *          forgotten since, and how many had ever come late when they were last looked for
 *   missing(log, first, last)                   runs of entries that were passed while their payload was not here
 *   news(number PRIMARY KEY, ref, count)        in which order records came (index/news.h)
 *   erased(ref PRIMARY KEY, by_index)           withdrawn by a folded connect/erase of the same log
 * A payload that arrives after its entry was passed is folded then; what the store drops is let go of.
 *
 * SQLite in WAL mode with synchronous=NORMAL: a power cut may take the last batches, cursor and rows alike, and
 * they are folded again; it does not damage the file. A damaged file is deleted and made again at open.
 */
#ifndef TONGZHOU_INDEX_INDEX_H
#define TONGZHOU_INDEX_INDEX_H

#include "index/capability.h"

/* Raise it when the same records fold to other rows: an index of another format is emptied and folded again. (A change
 * of the tables themselves is noticed without.) */
#define INDEX_FORMAT 1

struct index;

/* Open or make DIR/index.db; a database of another schema version is emptied, to be folded again. One thread. */
int index_open(const char *dir, struct index **ret, struct err *err);
void index_close(struct index *index);
sqlite3 *index_db(struct index *index);
const char *index_dir(const struct index *index);

/* Open it again if the file was deleted and made anew by another process; cheap otherwise. */
int index_refresh(struct index *index, struct err *err);

#define INDEX_ONE_BATCH UINT64_MAX /* as many records as go into one commit */

/*
 * Fold what is new, at most about `max_records` (0: all; INDEX_ONE_BATCH). Commits in batches, and at the end. Safe
 * beside other processes doing the same.
 *   ret_folded  records looked at; may be NULL
 */
int index_update(struct index *index, struct store *store, uint64_t max_records, uint64_t *ret_folded, struct err *err);

/* Empty all tables, so that everything is folded again; a file that SQLite calls damaged is deleted. */
int index_restart(struct index *index, struct err *err);

/* That, and fold everything. */
int index_rebuild(struct index *index, struct store *store, struct err *err);

/* Entries that the store has and the index has not looked at yet. */
int index_behind(struct index *index, struct store *store, uint64_t *ret, struct err *err);

/*
 * Forget one record whose payload this node erased without a word in the log (payload_erase by the operator). What the
 * log itself withdraws (connect/erase) index_update forgets. Own transaction. 0 also if nothing was known of it.
 */
int index_forget(struct index *index, int64_t ref, struct err *err);

/* Text erased: rows and full text gone from the file itself (FTS optimised, pages rewritten, WAL truncated). Call it
 * once after a round of erasures was folded. ERR_STATE if a reader of another process kept the WAL for too long. */
int index_scrub(struct index *index, struct err *err);

/* Was anything forgotten, by whatever process, since the file was last scrubbed? Stays true until a scrub succeeds. */
int index_scrub_due(struct index *index, bool *ret, struct err *err);

/* ---- for capabilities' apply ---- */

#define CAPABILITIES_MAX 16

struct fold {
    struct index *index;
    sqlite3 *db;
    struct arena *arena;           /* for what is collected; cleared when the batch ends, in whichever way */
    void *state[CAPABILITIES_MAX]; /* one a capability, in the order of capabilities[]; NULL at a batch's start */
};

/* The capability's own slot of `state`: NULL at first in each batch; what it points to lives in fold->arena. */
void **fold_state(struct fold *fold, const struct capability *capability);

/*
 * A prepared statement, cached by its text's address for the index's life; reset and unbound when handed out.
 * NULL and *err on failure. Whoever reads rows with it resets it afterwards (sqlite3_reset): a statement that is
 * left open keeps its snapshot.
 */
sqlite3_stmt *index_statement(struct index *index, const char *sql, struct err *err);

/* Step a statement that returns no rows, and reset it. */
int index_run(struct index *index, sqlite3_stmt *statement, struct err *err);

/* Step a statement that returns rows: 1 a row, 0 the end (and reset), negative: failed (and reset). */
int index_step(struct index *index, sqlite3_stmt *statement, struct err *err);

/* First 8 bytes of SHA-256 over (type byte ‖ value): the key of hashed columns, stable across nodes. */
int64_t index_hash(uint8_t type, struct span value);

/*
 * A counter in index.db that changes whenever indicators changed, to know that a compiled set is stale. It begins
 * with a random number, so that one of an index made again is not taken for the old one's.
 */
int index_counter(struct index *index, const char *name, int64_t add, int64_t *ret, struct err *err);

#endif

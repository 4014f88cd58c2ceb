/* What the files of src/index share. */
#ifndef TONGZHOU_INDEX_INTERNAL_H
#define TONGZHOU_INDEX_INTERNAL_H

#include <sys/types.h>

#include "index/index.h"

/* Slots of the statement cache: a power of two, several times the number of statements of all capabilities. */
#define STATEMENT_SLOTS 1024

#define INDEX_BUSY_MS 60000 /* another process's batch is a second or two */

struct statement_slot {
    const char *sql;
    sqlite3_stmt *statement;
};

struct index {
    char *dir;
    sqlite3 *db;
    dev_t device; /* of the open file, to notice that it was deleted and made again */
    ino_t inode;
    struct statement_slot statements[STATEMENT_SLOTS];
};

/* Several statements without parameters or rows. */
int index_exec(struct index *index, const char *sql, const char *what, struct err *err);

int index_begin(struct index *index, struct err *err);

/*
 * For what goes through the whole file in one statement: SQLite's copies of pages go to a file from here on, or again to
 * memory. Dropping the tables of ten million records took 1.8 GB of memory, rewriting the file as much as it is long.
 */
int index_spill(struct index *index, bool spill, struct err *err);
int index_commit(struct index *index, struct err *err);
void index_rollback(struct index *index);

/* Within a transaction: drop every table and make them again. */
int index_empty(struct index *index, struct err *err);

/* Delete the files and open new ones. */
int index_replace(struct index *index, struct err *err);

/* *err from the connection's last failure: WHAT: text. */
int index_fail(struct index *index, const char *what, struct err *err);

/* ---- words ---- */

/* Number of a word, made if new; 0 for an empty one. */
int index_word(struct index *index, struct span text, int64_t *ret, struct err *err);

/* Number of a word, or -1 if no record uses it. */
int index_word_find(struct index *index, struct span text, int64_t *ret, struct err *err);

/* ---- cursors ---- */

struct cursor {
    uint64_t entries;  /* looked at */
    uint64_t payloads; /* taken in, less those forgotten since */
    uint64_t arrived;  /* log_info.arrived when all missing ones were last looked for */
};

#define CURSOR_LOOK UINT64_MAX /* .arrived: look for the missing ones whatever the store says */

/* Is there nothing in the store that was not looked at? Payloads held cannot tell: as many may have come as went. */
static inline bool cursor_is_at(const struct cursor *cursor, const struct log_info *log, uint64_t end)
{
    return cursor->entries == end && cursor->arrived == log->arrived;
}

/* All zero for a log that was never looked at. */
int cursor_get(struct index *index, int64_t number, struct cursor *ret, struct err *err);
int cursor_put(struct index *index, int64_t number, const struct cursor *cursor, struct err *err);

/* Where folding of this log has to end: its size, or where it is frozen. */
static inline uint64_t fold_end(const struct log_info *log)
{
    return log->frozen_from < log->size ? log->frozen_from : log->size;
}

/* ---- runs of entries whose payload is not here ---- */

struct missing_run {
    uint64_t first, last;
};

/* Behind all that are known of this log. */
int missing_append(struct index *index, int64_t number, uint64_t first, uint64_t last, struct err *err);

/* The first run that ends at or behind `from`: 1, or 0 if there is none. */
int missing_next(struct index *index, int64_t number, uint64_t from, struct missing_run *ret, struct err *err);

/* Take [first, last] out of `run`, which missing_next gave. */
int missing_remove(struct index *index, int64_t number, const struct missing_run *run, uint64_t first, uint64_t last,
                   struct err *err);

/* Add one index anywhere; it may stand there already. */
int missing_insert(struct index *index, int64_t number, uint64_t at, struct err *err);

/* Drop everything from `from` on. */
int missing_cut(struct index *index, int64_t number, uint64_t from, struct err *err);

/* ---- members as viewers (view_audience.c) ---- */

struct view;

/* The words that reach the view's member. */
int view_reach(struct view *view, struct err *err);

/* As view_payloads, for a member. */
int view_payloads_for(const struct view *view, const struct log_info *log, uint64_t first, size_t count,
                      struct buf *out, size_t *ret_count, struct err *err);

/* ---- what policy lets leave (view_share.c) ---- */

/* Payload items from `begin` of `out` on: those that may not leave become holes. */
int view_share_filter(const struct view *view, const struct log_info *log, size_t begin, struct buf *out,
                      struct err *err);

/* Counters: records forgotten, and how many of them when the file was last scrubbed. */
#define INDEX_FORGOTTEN "forgotten"
#define INDEX_SCRUBBED "scrubbed"

#endif

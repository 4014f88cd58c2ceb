/* Folding and forgetting one record; private to index. */
#ifndef TONGZHOU_INDEX_FOLD_RECORD_H
#define TONGZHOU_INDEX_FOLD_RECORD_H

#include "index/internal.h"
#include "state/payload.h"

#define WORD_CACHE 8
#define WORD_CACHE_MAX 96 /* bytes: kinds have up to 64, media types about 40 */

struct cached_word {
    char text[WORD_CACHE_MAX];
    size_t len; /* 0: free */
    int64_t number;
};

/* A row of `record` on its way into the table. */
struct record_row {
    int64_t ref, kind, time_ms, lang, type, bytes;
    enum tlp tlp;
    bool is_inline, shown, folded;
};

#define ROWS_AT_ONCE 16

/* One call of index_update. */
struct folder {
    struct index *index;
    struct store *store;
    struct fold fold;
    struct arena batch, scratch;
    struct buf entries, payloads;
    bool in_batch;
    uint64_t batch_records, batch_bytes, batch_max;
    uint64_t looked, max; /* max 0: no limit */
    struct log_info log;  /* being folded */
    struct cursor cursor; /* of it */
    bool pending;         /* records were applied since the last flush */
    int64_t pending_from; /* lowest ref among them */
    struct record_row rows[ROWS_AT_ONCE];
    size_t row_count;
    struct cached_word words[WORD_CACHE];
    unsigned next_word;
};

void folder_init(struct folder *f, struct index *index, struct store *store, uint64_t max);
void folder_done(struct folder *f);

/* Forget what was collected and cached: it has been written, or never will be. */
void folder_reset(struct folder *f);

/* Write what was collected, here and by the capabilities. */
int folder_flush(struct folder *f, struct err *err);

/* Fold one record's text: an entry's, or (ENTRY_SEAL) a payload's. */
int folder_take(struct folder *f, uint64_t at, enum entry_class class, struct span text, struct err *err);

/* Forget what this log's record `at` contributed, if anything. */
int folder_forget(struct folder *f, uint64_t at, struct err *err);

/*
 * The same for content that is not kept any longer, though nobody withdrew it: it is folded again should it come back, and
 * its text need not leave unused parts of the file.
 */
int folder_let_go(struct folder *f, uint64_t at, struct err *err);

/* Let go of all content of this log that the store has dropped, oldest first, at most a batch; *ret_more: call again. */
int folder_drop(struct folder *f, bool *ret_more, struct err *err);

/* Forget from the end downward to `end`, at most a batch of records; the cursor follows. */
int folder_cut(struct folder *f, uint64_t end, struct err *err);

/* Withdrawn by a folded connect/erase? */
int folder_is_erased(struct folder *f, uint64_t at, bool *ret, struct err *err);

#endif

/* What the files of src/state share among themselves. Nobody else includes this. */
#ifndef TONGZHOU_STATE_INTERNAL_H
#define TONGZHOU_STATE_INTERNAL_H

#include <limits.h>
#include <stdio.h>

#include "state/disk.h"
#include "state/heal.h"
#include "state/payload.h"

static inline uint64_t be64_load(const uint8_t *p)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | p[i];
    return value;
}

static inline void be64_store(uint8_t *p, uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        p[i] = (uint8_t)value;
}

#define STORE_BUSY_MS 60000 /* the longest that one waits for the writer's lock */

/* ---- files of a log (files.c) ---- */

/* In the order in which they are synced. */
enum file_kind { FILE_DATA, FILE_SLOTS, FILE_ENTRIES, FILE_BUNDLES, FILE_HASHES };
#define FILE_LEVELS 6 /* tile levels 0..5: 256^5 entries are LOG_SIZE_MAX */
#define FILE_KINDS (FILE_HASHES + FILE_LEVELS)

struct file {
    int64_t number;
    int kind; /* FILE_HASHES + level for hashes */
    int fd;   /* -1: free */
    bool dirty, writable;
    uint64_t used;
};

/* A folder with new names in it. */
struct folder {
    struct folder *next;
    char path[];
};

struct log_row;

void files_init(struct store *store);
void files_close(struct store *store); /* unsynced data are forgotten: after commit, rollback or failure only */
void file_path(const struct store *store, const char *hex, int kind, char out[PATH_MAX]);

/* How long a file must be at the state that `row` tells. */
uint64_t file_due(const struct log_row *row, int kind);

/* A descriptor of the cache, valid until the next call here. With `write` folders and file are made if missing. */
int file_get(struct store *store, const struct log_row *row, int kind, bool write, int *ret_fd, struct err *err);
int file_read(struct store *store, const struct log_row *row, int kind, void *out, size_t len, uint64_t offset,
              struct err *err);
int file_write(struct store *store, const struct log_row *row, int kind, struct span data, uint64_t offset,
               struct err *err);
int file_zero(struct store *store, const struct log_row *row, int kind, uint64_t at, uint64_t length, struct err *err);
int file_cut(struct store *store, const struct log_row *row, int kind, uint64_t length, struct err *err);
int files_sync(struct store *store, struct err *err); /* everything written, then new folders' entries */

/* Sequential writing in large pieces. The buffer is the handle's own, one a file kind below STREAMS. */
#define STREAMS (FILE_HASHES + 2) /* levels above 1 are written hash by hash: one in 65,536 entries */
#define STREAM_PIECE ((size_t)1 << 20)
struct stream {
    struct store *store;
    const struct log_row *row;
    int kind;
    uint64_t offset; /* where the next byte goes, buffered ones included */
    struct buf *buf;
};
void stream_begin(struct stream *stream, struct store *store, const struct log_row *row, int kind, uint64_t offset);
int stream_add(struct stream *stream, struct span data, struct err *err);
int stream_end(struct stream *stream, struct err *err);

#define PAYLOAD_WINDOW_MAX (1u << 18) /* bytes of `data` that are read at once */

/* ---- statements (db.c) ---- */

#define STATEMENTS_MAX 192

struct statement {
    const char *sql;
    sqlite3_stmt *stmt;
};

/*
 * A prepared statement with its values bound: "i" int64_t, "t" span as text, "s" char * as text, "b" span as blob (a
 * .data of NULL: null). What spans and strings point to must live until db_end. NULL and *err on failure.
 */
sqlite3_stmt *db_query(struct store *store, struct err *err, const char *sql, const char *types, ...);
int db_step(struct store *store, sqlite3_stmt *stmt, struct err *err); /* 1 a row, 0 done, or negative */
void db_end(sqlite3_stmt *stmt);

/* The whole of a statement that gives no row. */
int db_run(struct store *store, struct err *err, const char *sql, const char *types, ...);

/* What is read until the end is as of one moment; *ret_own false: within a transaction already, nothing to end. */
int db_snapshot(struct store *store, bool *ret_own, struct err *err);
void db_snapshot_end(struct store *store);

/* One row of one integer; ERR_NOTFOUND "" without a row. */
int db_int(struct store *store, int64_t *ret, struct err *err, const char *sql, const char *types, ...);

int db_exec(struct store *store, const char *sql, struct err *err);   /* unprepared */
int db_fail(struct store *store, int rc, struct err *err);            /* SQLite's last error as ours */
struct span db_span(sqlite3_stmt *stmt, int column);                  /* blob or text, valid until the next step */
void db_text(sqlite3_stmt *stmt, int column, char *out, size_t size); /* cut to fit, NUL-terminated */
void db_close(struct store *store);

/* ---- the handle (store.c) ---- */

/* A log whose files this transaction has written, with the lengths that the committed state implies. */
struct touched {
    int64_t number;
    uint64_t payload_end;
    bool unstaged, has_data;
};

/* What reach_add wrote last in this transaction: a batch is for the same few. */
struct reach_last {
    int64_t number; /* 0: nothing */
    uint64_t bundle;
    uint8_t hash[32];
};

struct hash_source {
    struct store *store;
    int64_t number;
    uint64_t full; /* hashes of entries below stand in files */
};

struct store {
    char dir[PATH_MAX];
    sqlite3 *db;
    int lock_fd;
    bool opened, read_only, writing, poisoned, marked, allowed, heal;
    char poison[ERR_TEXT_MAX];
    struct statement statements[STATEMENTS_MAX];
    size_t statement_count, statement_turn;
    struct file files[STORE_FILES_MAX];
    uint64_t clock;
    struct folder *folders; /* to be synced at commit */
    struct touched *touched;
    size_t touched_count, touched_cap;
    int64_t seq, seq_begun;
    int64_t reached, reached_log; /* what came for few last in this transaction: its number, its log; 0: nothing */
    bool seq_changed;
    struct reach_last reach_last;
    bool erasing, in_erase;                       /* erasures wait for their end; are being carried out */
    unsigned late_slots;                          /* rows put into `slot` since they were last moved to files */
    struct buf streams[STREAMS], scratch, window; /* window: of payload_read_bundle */
    struct hash_source source;
    struct folded *folded; /* FOLDED_MAX of them, or NULL */
    struct rules *rules;   /* the policy in force as this handle knows it, or NULL */
};

/* Any write from here on fails with what *err says; returns the code. */
int store_poison(struct store *store, struct err *err);

/* ERR_STATE unless within a transaction, and the poison if there is one. */
int store_writable(struct store *store, struct err *err);

/* End what a call began: commit if `rc` is 0, else roll back. With `own` false the caller's transaction goes on. */
int store_end(struct store *store, bool own, int rc, struct err *err);

struct touched *store_touch(struct store *store, const struct log_row *row, struct err *err);

int64_t now_ms(void);

/* ---- schema (schema.c) ---- */

extern const char schema_text[];
int schema_open(struct store *store, bool create, struct err *err);

/* ---- schema_follow.c ---- */

/* Within a transaction: this build's tables are all there. */
int schema_note(struct store *store, struct err *err);

/*
 * Tables and indexes that a folder of an earlier build lacks are made; those that are others now and have no rows are made
 * anew. ERR_STATE if one with rows is another: nothing is changed then.
 */
int schema_follow(struct store *store, struct err *err);

/* ---- rows of `log` (logs.c) ---- */

struct log_row {
    struct log_info info;
    uint64_t entries_end; /* bytes of all full bundles */
    uint64_t payload_end; /* bytes of `data` in use */
};

int row_load(struct store *store, int64_t number, struct log_row *ret, struct err *err);

/* Everything that storing changes: size, staged, root, ends, bytes, payloads, seq, head_ms; marks the log touched. */
int row_save(struct store *store, const struct log_row *row, struct err *err);

/* The log's next seq: one a transaction is enough for everybody who reads later. */
void row_bump(struct store *store, struct log_row *row);

static inline uint64_t row_full(const struct log_row *row)
{
    return row->info.staged & ~(uint64_t)(TILE_WIDTH - 1);
}

/* ---- entries (entries.c) ---- */

/* As store_read_entries, up to `limit` instead of the size. */
int entries_read(struct store *store, const struct log_row *row, uint64_t first, size_t count, uint64_t limit,
                 struct buf *out, struct err *err);
/* The entry's bytes alone, compared with its leaf hash: ERR_IO if a disk has changed them. */
int entry_read(struct store *store, const struct log_row *row, uint64_t index, uint64_t limit, struct buf *out,
               struct err *err);

/* Where full bundle `n` stands in `entries`. */
int bundle_range(struct store *store, const struct log_row *row, uint64_t n, uint64_t *ret_begin, uint64_t *ret_end,
                 struct err *err);

/* ---- heads (head.c) ---- */

/* A mirrored log is about to be emptied: the checkpoint that this node vouched for stays, for what comes must hold it. */
int head_remember(struct store *store, const struct log_row *row, struct err *err);

/* Is the log still shorter than what head_remember kept? */
int head_is_shorter(struct store *store, const struct log_row *row, bool *ret, struct err *err);

/* ---- hashes (hashes.c) ---- */

/* The root of exactly TILE_WIDTH hashes; overwrites them. */
void tile_root(struct tlog_hash *hashes, struct tlog_hash *ret);
int row_source(struct store *store, const struct log_row *row, struct tlog_source *ret, struct err *err);
int row_root(struct store *store, const struct log_row *row, uint64_t size, struct tlog_hash *ret, struct err *err);

/* The leaf hash of one entry below `staged`. */
int row_leaf(struct store *store, const struct log_row *row, uint64_t index, struct tlog_hash *ret, struct err *err);

/* ---- slots (slots.c) ---- */

#define SLOT_FLAGS_SHIFT 48
#define SLOT_PLACE_MASK ((UINT64_C(1) << SLOT_FLAGS_SHIFT) - 1)
#define SLOT_MAKE(flags, place) ((uint64_t)(flags) << SLOT_FLAGS_SHIFT | (place))
#define SLOT_FLAGS(slot) ((unsigned)((slot) >> SLOT_FLAGS_SHIFT))
#define SLOT_PLACE(slot) ((slot)&SLOT_PLACE_MASK) /* 0 with SLOT_HELD: in `tail_payload` */
#define SLOT_COUNTS(slot) ((SLOT_FLAGS(slot) & (SLOT_HELD | SLOT_WAITING)) == SLOT_HELD) /* among log_info.payloads */
#define ITEM_INDEX 8               /* bytes of the index in front of an item */
#define ITEM_HEAD (ITEM_INDEX + 4) /* with the length */

/*
 * A slot as its file has it: the upper byte checks the others, for a slot that a disk has changed would hide a payload, or
 * show one that is not for everybody. Any one changed byte is noticed; a slot in the wrong place points at another's item.
 */
uint64_t slot_to_file(uint64_t slot);
bool slot_from_file(uint64_t word, uint64_t *ret);

#define SLOTS_AT_ONCE 4096 /* read from the file at a time: 32 kB */

/*
 * Slots of entries [first, first + count), all below `staged`, as this handle sees the state now. ERR_IO if a disk has
 * changed one; slots_look then says which in ret_bad, and gives 0 for them.
 */
int slots_read(struct store *store, int64_t number, uint64_t first, size_t count, uint64_t *out, struct err *err);
int slots_look(struct store *store, const struct log_row *row, uint64_t first, size_t count, uint64_t *out,
               bool *ret_bad, struct err *err);

/* One slot; ERR_NOTFOUND unless the index is below `limit`. (payload.c) */
int slot_of(struct store *store, int64_t number, uint64_t index, uint64_t limit, uint64_t *ret, struct err *err);
int slot_write(struct store *store, const struct log_row *row, uint64_t index, uint64_t slot, struct err *err);

/* Move what earlier transactions left in table `slot` to the files. */
int slots_settle(struct store *store, struct err *err);

/* Append one item to the stream of `data`; its slot (without flags) goes to *ret_slot. */
int item_append(struct stream *stream, uint64_t index, struct span salt, struct span payload, uint64_t *ret_slot,
                struct err *err);

/* Length of salt and payload of the item at `place`; ERR_NOTFOUND if what stands there is not entry `index`'s. */
int item_length(struct store *store, const struct log_row *row, uint64_t index, uint64_t place, size_t *ret,
                struct err *err);

/* ---- appending (append.c) ---- */

/* The small payload of a tail's entry. */
int tail_payload_put(struct store *store, int64_t ref, struct span salt, struct span payload, struct err *err);

/* ---- erasure (erase.c) ---- */

/*
 * The name of a fact: payloads in rows of tails were dropped, and since then the rows were not written anew. Copies of
 * them may stand in unused parts of state.db, and nobody knows what to look for any more.
 */
#define FACT_TAIL_DROPPED "tail-dropped"

/* Queue what connect/erase entries in [first, end) withdraw. */
int erase_queue(struct store *store, const struct log_row *row, uint64_t first, uint64_t end, struct err *err);
int erase_pending(struct store *store, bool *ret, struct err *err);

/* Finish erasures that were under way; `wait_ms` for readers that hold the WAL. ERR_STATE if they still do. */
int erase_resume(struct store *store, int wait_ms, struct err *err);

/* ---- users ---- */

/* Of a row of `user`: the origin of the member whose person it is. */
#define USER_MEMBER                                                                                                    \
    "CASE member WHEN '' THEN ifnull((SELECT origin FROM log WHERE is_operator = 1), '') ELSE member END"

/* ---- for whom (reach.c) ---- */

/* Within a transaction: this content of the log is held now, and is not for everybody. */
int reach_add(struct store *store, const struct log_row *row, uint64_t index, struct span payload, struct err *err);

/* The same, by reading it. */
int reach_one(struct store *store, const struct log_row *row, uint64_t index, struct err *err);

/* Within a transaction: a content of this bundle went, or waits; what is held of it still tells for whom. Counted as if
 * something had come, so that whoever follows the log sees it. */
int reach_again(struct store *store, const struct log_row *row, uint64_t bundle, struct err *err);

/* Within a transaction: no content of entries below `index` is held any more. */
int reach_drop(struct store *store, int64_t number, uint64_t index, struct err *err);

/* ---- members (members.c) ---- */

enum constitution_sort { CONSTITUTION_OTHER, CONSTITUTION_KEYS, CONSTITUTION_ERASE };

/* Folds kept from one call to the next; a rollback drops them, for one may be of entries that it took back. */
#define FOLDED_MAX 16
struct folded;
void members_forget(struct store *store);

/* The fold over entries below `limit`. */
int row_member(struct store *store, const struct log_row *row, uint64_t limit, struct arena *arena, struct member *ret,
               struct err *err);
#define MEMBER_ARENA_MAX (1u << 20) /* bytes for folding one member: ROTATIONS_MAX keys, grown by doubling */

/* ---- the policy in force (rules.c) ---- */

struct rules;
void rules_free(struct rules *rules);

/* ---- authors (author.c) ---- */

/* May this node sign for the log now? ERR_STATE says why not and what to do. */
int author_check(const struct store *store, const struct log_row *row, struct err *err);

/* What is staged becomes the head, signed by these. */
int author_head(struct store *store, const struct log_row *row, const struct note_signer *const *signers, size_t count,
                struct err *err);

/*
 * The key file against the fold: after a crash between the commit of a rotation and the key file's own change the
 * next key is the one in force, and becomes the log key now.
 */
struct keys;
int keys_in_force(struct store *store, const struct member *member, struct keys *keys, struct err *err);

/* Likewise for the other keys alone, after the commit of a profile that names new ones. */
int keys_others_in_force(struct store *store, const struct member *member, struct keys *keys, struct err *err);

/* Not so if the key file was lost, or if somebody who had the log key named keys of his own. */
bool keys_published(const struct keys *keys, const struct member *member);

/* ---- recovery (recover.c) ---- */

#define HEAL                                                                                                           \
    "the files do not fit state.db (a restored backup, a cloned or failing disk): put back a whole backup with "       \
    "`tongzhou restore`, or fetch what is damaged again from mirrors with `tongzhou sync --heal`"

int recover(struct store *store, bool clean, struct err *err);

/* As if nothing of the log had ever been here; the pull fetches it again. Who it is and how we treat it stays. */
int log_empty(struct store *store, struct log_row *row, struct err *err);

/* Entries, their hashes, all hashes above, the root. (heal_tree.c) */
int tree_check(struct store *store, const struct log_row *row, struct err *err);

/* Do the stored hashes give the head's root? ERR_FORK: a disk has changed them, and what is signed now would be a fork. */
int row_check_root(struct store *store, const struct log_row *row, struct err *err);

#endif

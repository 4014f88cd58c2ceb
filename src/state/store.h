/*
 * The store: everything that is true only here, in one folder DIR.
 *
 *   DIR/state.db       SQLite, WAL, synchronous=FULL, secure_delete: logs, heads, tails, cosignatures, peers, feeds
 *   DIR/logs/HEX/      entries (full bundles of 256 entries one after another), hashes.0, hashes.1, ...
 *                      (32 bytes a hash of tile level 0, 1, ...), bundles (u64 end offset in `entries` of each full bundle)
 *   DIR/payloads/HEX/  data (items one after another), slots (u64 an entry: where its item stands, and flags)
 *   DIR/keys/          see keys.h
 *   DIR/index.db, DIR/sweep.set: disposable
 *
 * HEX is the hash of the origin. Entries [0, staged & ~255) stand in files; the rest (the tail) and their small
 * payloads are rows of state.db, so a log of fewer than 256 entries has no file at all and a round over
 * thousands of small logs is one commit.
 *
 * `size` is what a signed checkpoint covers; `staged` ≥ size is what has been stored durably beyond it (a
 * mirror on a bad link keeps its progress). Readers see entries below `size` only.
 *
 * One writer: SQLite's write lock is the writer's lock, over threads and processes. Between store_begin and
 * store_commit this process is the writer; files are written at offsets that the committed state implies (never
 * at their end), synced before the commit, and so whatever a crash left behind them is overwritten or cut.
 * The commit of state.db is the acknowledgement. A failed write, sync or commit is fatal for the writer:
 * store_commit returns ERR_IO and every later write on this handle too.
 *
 * A struct store belongs to one thread. Open one a thread; it keeps at most STORE_FILES_MAX descriptors open.
 */
#ifndef TONGZHOU_STATE_STORE_H
#define TONGZHOU_STATE_STORE_H

#include <sqlite3.h>

#include "record/kind.h"
#include "record/member.h"
#include "record/seal.h"
#include "tlog/tile.h"

#define STORE_FORMAT 1           /* in state.db; an older program refuses a newer folder */
#define STORE_FILES_MAX 64       /* descriptors of log and payload files kept open by one handle */
#define LOG_NUMBER_MAX (1 << 23) /* a log's number fits 23 bits, so that number << 40 | index is a positive int64_t */

/* number << 40 | index: one integer for a record, used by the index and the sweep set. */
#define RECORD_REF(number, index) (((int64_t)(number) << 40) | (int64_t)(index))
#define RECORD_REF_LOG(ref) ((int64_t)(ref) >> 40)
#define RECORD_REF_INDEX(ref) ((uint64_t)(ref) & ((UINT64_C(1) << 40) - 1))

struct store;

struct store_options {
    bool create;    /* make DIR and an empty state.db if there is none; ERR_EXISTS never */
    bool read_only; /* no store_begin */
    bool heal; /* alone, ERR_STATE if somebody else has it open; logs that do not recover are no error: see heal.h */
};

/*
 * Open DIR. The first open after an unclean end recovers: cuts files behind the staged state, verifies each
 * touched log's right edge against its root, completes erasures that were under way.
 * Errors: ERR_NOTFOUND no node here ("run `tongzhou init`"); ERR_STATE newer format; ERR_FORK two roots at one
 * size or a file shorter than the head, with how to heal.
 */
int store_open(const char *dir, const struct store_options *options, struct store **ret, struct err *err);
void store_close(struct store *store);
const char *store_dir(const struct store *store);
sqlite3 *store_db(struct store *store); /* for the other files of src/state only */

/* ---- logs ---- */

enum log_role {
    LOG_OWN = 1,    /* we hold its keys: the operator's own or a hosted member's */
    LOG_LOCAL = 2,  /* we hold its keys; never served, never announced, never packed */
    LOG_MIRROR = 3, /* somebody else's */
    LOG_LISTED = 4, /* announced by a peer, exceeds its quota: known, not mirrored */
    LOG_MOVED = 5,  /* was own; its member left with its keys: now a mirror that we will not sign */
};
enum log_mode { MODE_FULL = 1, MODE_RECENT = 2, MODE_HEADS = 3 }; /* which payloads we keep */
enum log_standing { STANDING_GOOD = 0, STANDING_SUSPENDED = 1, STANDING_FROZEN = 2 };

struct log_info {
    int64_t number; /* 1.. : local, used in refs */
    char origin[ORIGIN_MAX + 1];
    uint8_t hash[32]; /* of the origin */
    char hex[65];
    enum log_role role;
    enum log_mode mode;
    uint64_t recent;  /* entries whose payloads MODE_RECENT keeps */
    bool is_operator; /* the node's own member: its cosigner key cosigns */
    bool followed;    /* asked for by a person, so no quota applies */
    enum log_standing standing;
    uint64_t frozen_from; /* rows from this index on are not folded; UINT64_MAX: none */
    uint64_t size, staged;
    struct tlog_hash root;  /* at size */
    int64_t head_ms;        /* when this node stored the head */
    uint64_t bytes;         /* entries and payloads on this node */
    uint64_t payloads;      /* payloads held */
    uint64_t arrived;       /* payloads that came after their entries, ever: it only grows */
    uint64_t payloads_from; /* lowest index from which the pull has asked for all payloads that it wanted */
    int64_t peer;           /* through which it came, 0: none */
    int64_t seq;            /* of its last change, see store_heads */
};

int store_log(struct store *store, int64_t number, struct log_info *ret, struct err *err); /* ERR_NOTFOUND */
int store_log_by_origin(struct store *store, struct span origin, struct log_info *ret, struct err *err);
int store_log_by_hash(struct store *store, const uint8_t hash[32], struct log_info *ret, struct err *err);

/*
 * By what a person typed: the whole origin, the short form's beginning ("cert.example.org/k5xq"), or a name that
 * only one log here has. ERR_NOTFOUND, or ERR_USAGE listing the candidates.
 */
int store_log_find(struct store *store, struct span text, struct log_info *ret, struct err *err);

/* The operator's log; ERR_NOTFOUND before init. */
int store_operator(struct store *store, struct log_info *ret, struct err *err);

/* All logs by number; `each` may not write. A non-zero result ends the walk and is returned. */
int store_logs(struct store *store, int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx,
               struct err *err);

/* Logs whose size, standing or held payloads changed after `since`, ascending by seq, at most `max` of them. */
int store_heads(struct store *store, int64_t since, size_t max,
                int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx, struct err *err);

/* The last seq given out, and the store's generation (16 hex digits; new after a restore). */
int store_seq(struct store *store, int64_t *ret_seq, char ret_generation[17], struct err *err);

/* After a restore: a new generation, and whatever vouched for the start check is forgotten. */
int store_renew(struct store *store, struct err *err);

/* ---- reading ---- */

/*
 * Append entries [first, first + count) in bundle form. They must be below `size`... of the state now committed.
 * ERR_NOTFOUND beyond it.
 */
int store_read_entries(struct store *store, int64_t number, uint64_t first, size_t count, struct buf *out,
                       struct err *err);

/* One entry's bytes appended to `out`. */
int store_read_entry(struct store *store, int64_t number, uint64_t index, struct buf *out, struct err *err);

/* Hashes for roots, proofs and tiles, valid while the store is open; one log at a time. `ctx` is the store's. */
int store_source(struct store *store, int64_t number, struct tlog_source *ret, struct err *err);

/*
 * Bytes of a tile or bundle that stand in a file. Up to TILE_COPY_MAX bytes are appended to `out`: a file costs a second
 * system call when it is sent, which is more than copying them. Larger ones are left for sendfile: `fd` is a duplicate
 * that the caller closes, -1 when the bytes are in `out`.
 *   log  as a store_* call gave it: nothing is looked up again, since what is below its size never changes
 * ERR_NOTFOUND if (part of) it is in the tail.
 */
#define TILE_COPY_MAX 65536
struct tile_bytes {
    struct buf *out;
    int fd;
    uint64_t offset;
    size_t len;
};
int store_tile_file(struct store *store, const struct log_info *log, const struct tile *tile, struct tile_bytes *ret,
                    struct err *err);

/* The signed checkpoint with the cosignatures collected for it, appended; at most CHECKPOINT_COSIGS_MAX of them. */
int store_checkpoint(struct store *store, int64_t number, struct buf *out, struct err *err);

/* The fold over profile and rotations up to `size`. */
int store_member(struct store *store, int64_t number, struct arena *arena, struct member *ret, struct err *err);

/* The same over entries in front of `limit` only: of a frozen log what came before the fork. */
int store_member_before(struct store *store, int64_t number, uint64_t limit, struct arena *arena, struct member *ret,
                        struct err *err);

/* Indices in [from, size) of constitutional entries, ascending, at most `max` of them. */
int store_constitution(struct store *store, int64_t number, uint64_t from, uint64_t *out, size_t max, size_t *ret_count,
                       struct err *err);

/* ---- payloads: see payload.h ---- */

/* ---- writing: between begin and commit ---- */

int store_begin(struct store *store, struct err *err); /* waits for the writer's lock up to 60 s, then ERR_STATE */
int store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);

struct log_new {
    struct span origin;
    enum log_role role;
    enum log_mode mode;
    uint64_t recent;
    bool is_operator, followed;
    int64_t peer;
};
int store_log_create(struct store *store, const struct log_new *log, int64_t *ret_number, struct err *err);

/* Change role, mode, recent, followed, standing, frozen_from, peer, payloads_from to what `log` says. */
int store_log_update(struct store *store, const struct log_info *log, struct err *err);

/* One entry to be stored, with what is known of its payload. */
struct store_entry {
    struct span entry;
    struct span salt, payload; /* .data NULL: none known */
    bool clear;                /* TLP:CLEAR: may be served to anybody */
};

/* Append behind `staged`. */
int store_add(struct store *store, int64_t number, const struct store_entry *entries, size_t count, struct err *err);

/* The root over all that is staged (size = staged). */
int store_staged_root(struct store *store, int64_t number, uint64_t *ret_size, struct tlog_hash *ret_root,
                      struct err *err);

/*
 * Make everything staged the head: `note` is a checkpoint of exactly that size and root, signed by the log (checked
 * here again: nothing else ever becomes a head). Old cosignatures go. Gives the log a new seq.
 */
int store_set_head(struct store *store, int64_t number, struct span note, struct err *err);

/* What others may see of it is another: the log gets a new seq. */
int store_announce(struct store *store, int64_t number, struct err *err);

/* Throw away what is staged beyond the head (a peer lied). */
int store_unstage(struct store *store, int64_t number, struct err *err);

/* Remember a cosignature line over the present head; the caller has verified it. No new seq. */
int store_add_cosignature(struct store *store, int64_t number, const struct note_key *key, uint64_t time,
                          struct span line, struct err *err);

/* Names and times of the cosignatures of the present head. */
int store_cosignatures(struct store *store, int64_t number,
                       int (*each)(void *ctx, struct span name, uint32_t key_id, uint64_t time, struct span line,
                                   struct err *err),
                       void *ctx, struct err *err);

/* Small facts of the node by name (text up to 64 kB); get: ERR_NOTFOUND. */
int store_get(struct store *store, const char *name, struct buf *out, struct err *err);
int store_put(struct store *store, const char *name, struct span value, struct err *err);

#endif

/*
 * What the files of packs share. Nobody else includes this.
 *
 *   pack_name.c     names in a pack, its manifest: pure parsing
 *   pack_write.c    making one
 *   pack_read.c     the archive, file after file
 *   pack_log.c      one log coming by: entries, head, keys
 *   pack_payload.c  its payloads
 *   pack_fork.c     a log that contradicts ours: is it a fork?
 */
#ifndef TONGZHOU_CONNECT_PACK_INTERNAL_H
#define TONGZHOU_CONNECT_PACK_INTERNAL_H

#include "connect/pack.h"
#include "connect/verify_tree.h"

#define UNPACK_COMMIT_BYTES (16u << 20) /* written in one transaction: others wait no longer than that takes */

/* In the order in which a log's files stand. Bundles and payload files come many times, the others once. */
enum pack_part { PACK_NONE, PACK_ORIGIN, PACK_KEYS, PACK_CHECKPOINT, PACK_BUNDLE, PACK_PAYLOADS };

struct pack_name {
    char hex[65]; /* which log */
    enum pack_part part;
    struct tile tile; /* PACK_BUNDLE */
    uint64_t first;   /* PACK_PAYLOADS: the first entry's index */
};

/* A file's name within a pack, pack.json aside. ERR_SYNTAX: it has no place there. */
int pack_name_parse(struct span path, struct pack_name *ret, struct err *err);

/* ERR_SYNTAX no manifest; ERR_STATE a format that this program does not read. */
int pack_manifest_parse(struct span bytes, struct err *err);

/* The log whose files are coming by. It is taken in as it arrives, and its head stands when its entries are complete. */
struct unpacking {
    struct store *store;
    const struct unpack_options *options;
    struct pack_result *result;
    char hex[65]; /* of the log at hand, "" none */
    char origin[ORIGIN_MAX + 1];
    enum pack_part last; /* part that came last */
    struct keys keys;
    bool has_keys;
    struct buf note;
    struct checkpoint checkpoint; /* .origin is not kept */
    int64_t number;
    uint64_t held;              /* entries that we had, below the checkpoint's size */
    uint64_t next;              /* entry that is to come */
    bool advance;               /* entries are to be staged */
    bool finished;              /* the head stands (or stood before): payloads may come */
    bool staged;                /* a transaction with entries of it was committed */
    bool refused;               /* the rest of this log is passed over */
    struct verify_tree *branch; /* it contradicts what we hold: its hashes; else NULL */
    bool open;                  /* a transaction is open, */
    size_t open_bytes;          /* so many bytes were written in it */
    uint64_t open_payloads;     /* and so many payloads */
};

void unpacking_done(struct unpacking *u);

/* One file. A log that is wrong is reported and passed over; only what ends the whole is returned. */
int unpack_file(struct unpacking *u, const struct pack_name *name, struct span bytes, struct err *err);

/* No more files of this log will come. */
int unpack_end(struct unpacking *u, struct err *err);

/* Transactions open when something is to be written and may stay open from file to file. */
int unpacking_begin(struct unpacking *u, struct err *err);
int unpacking_commit(struct unpacking *u, struct err *err);

/* All entries were given: make the head stand, durably, and cosign it. 0 also if the log was turned away. */
int unpacking_finish(struct unpacking *u, struct err *err);

/* ---- pack_payload.c ---- */

/* A file of payloads from entry `first` on: what is to be kept is put beside the log. */
int unpack_payloads(struct unpacking *u, uint64_t first, struct span bytes, struct err *err);

/* ---- pack_fork.c ---- */

/* Entry `index` is not the one that we hold: from here on only hashes are gathered, those of [0, index) are ours. */
int branch_begin(struct unpacking *u, uint64_t index, struct err *err);

/* All its entries were there: prove the fork, freeze the log. Never 0: what *err says is why the log is refused. */
int branch_judge(struct unpacking *u, struct err *err);

#endif

/* What the files of the import share: one run over one source. */
#ifndef TONGZHOU_SECURITY_IMPORT_IMPL_H
#define TONGZHOU_SECURITY_IMPORT_IMPL_H

#include "base/json.h"
#include "index/follow.h"
#include "security/import.h"
#include "security/import_map.h"
#include "state/payload.h"
#include "state/peers.h"

/*
 * Bounds against archives made to explode. Text packs 5 to 20 times; the whole Maltrail set has 3,114 members and
 * 58 MB.
 */
#define IMPORT_UNPACKED_MAX (UINT64_C(8) << 30) /* bytes of all members together */
#define IMPORT_MEMBERS_MAX 100000
#define IMPORT_RATIO_MAX 1000                  /* unpacked to packed, looked at beyond IMPORT_RATIO_FROM */
#define IMPORT_RATIO_FROM (UINT64_C(64) << 20) /* bytes unpacked */

#define IMPORT_HEAD_MAX 65536       /* bytes by which a format is recognised */
#define IMPORT_SEEN_MAX (64u << 20) /* things in one run: 1.5 GiB of memory at most */

/* Where a batch's record goes in the table of what the feed held. */
struct batch_item {
    size_t at, len;
    bool clear;
    int64_t feed_key; /* 0: not remembered */
    bool vanished;
};

/* What result counts of records, as of the last commit. */
struct committed {
    uint64_t added, updated, vanished;
};

/* Records on their way: one author_append, one commit. */
struct batch {
    struct buf text;
    struct batch_item *items;
    struct author_item *spans;
    size_t count;
};

/* A change of the feed's memory without a record: ref 0 forgets the key. */
struct feed_note {
    int64_t key, ref;
};

#define IMPORT_OTHER_FEEDS_MAX 256 /* into the same log; what further ones hold is not looked at */

struct import_run {
    struct store *store;
    struct index *index;
    const struct import_options *options;
    struct import_result *result;
    struct log_info log;
    const struct unpacked *unpacked; /* how to read the members of an archive */
    struct span member;              /* of the archive being read; empty otherwise */
    struct import_map seen;          /* random_hash(id, modified) → hash of the bytes */
    struct import_map feed; /* key → ref at the last fetch, negative: marked as vanished, 0: in this fetch, too */
    struct feed_note *notes;
    size_t note_count;
    int64_t others[IMPORT_OTHER_FEEDS_MAX]; /* feeds into the same log */
    size_t other_count;
    uint64_t text;   /* bytes so far of all that was read, unpacked */
    bool incomplete; /* the archive could not be unpacked to its end */
    bool reading;    /* a read transaction on the index is open */
    bool empty_log;  /* nothing can be known already */
    struct index_follow *follow;
    struct batch batch;
    struct committed committed;
    struct buf heads[TLP_RED + 1]; /* record headers up to the body, by TLP */
    struct buf old;                /* a payload read back */
    struct buf revised;
    struct arena arena;
    struct json_scanner *scanner;
    uint64_t last_progress;
};

/* ---- import_run.c ---- */

int run_begin(struct import_run *run, struct err *err);
void run_done(struct import_run *run);

/* Sink function for what cannot be read; ctx is the run. */
int run_bad(void *ctx, uint64_t line, uint64_t offset, const char *reason, struct err *err);

/* `count` more bytes of text were read, or nothing but time passed: is there to be more? Else an error's code. */
int run_go_on(struct import_run *run, size_t count, struct err *err);

/* Add a record with this STIX object as its body. */
int run_add(struct import_run *run, struct span object, enum tlp tlp, int64_t feed_key, bool vanished, struct err *err);

/* Change the feed's memory with the next batch. */
int run_note(struct import_run *run, int64_t key, int64_t ref, struct err *err);

/* Does another feed into this log hold it now? */
int run_held_elsewhere(struct import_run *run, int64_t key, bool *ret, struct err *err);

/* Write what waits in the batch. */
int run_flush(struct import_run *run, struct err *err);

/* import_source.marking: what the log says of a marking definition. */
int run_marking(void *ctx, struct span id, enum tlp *ret, struct err *err);

int run_report(struct import_run *run, const char *what, uint64_t line, uint64_t offset, const char *reason,
               struct err *err);

/* The STIX object of an earlier record, in run->old; its TLP by *ret_tlp. ERR_NOTFOUND if its payload is gone. */
int run_read_back(struct import_run *run, int64_t ref, struct span *ret_object, enum tlp *ret_tlp, struct err *err);

/* Was an earlier record for all whom this run names? */
int run_told(struct import_run *run, int64_t ref, bool *ret, struct err *err);

/* ---- import_format.c ---- */

/* Does trimmed text begin like JSON: an object, or an array of objects? Not "[Adblock Plus]" or "[::1]". */
bool import_looks_like_json(struct span text);

/* ---- import_item.c ---- */

/* Sink function for what was read; ctx is the run. */
int run_item(void *ctx, const struct import_item *item, struct err *err);

/* The look-ups in the index are over: before anything is folded. */
void run_end_reading(struct import_run *run);

/* ---- import_revise.c ---- */

#define VANISHED_LABEL "vanished-from-feed"

/*
 * A new version of an indicator of ours, in run->revised: same id, `modified` later than before. `vanished`: valid
 * until now and labelled so; else valid again.
 */
int run_revise(struct import_run *run, struct span object, bool vanished, struct err *err);

/* Mark what the feed no longer holds. */
int run_vanish(struct import_run *run, struct err *err);

/* ---- import_archive.c ---- */

/* Reads on: bytes, 0 at the end, negative errcode. */
typedef int64_t import_read(void *ctx, uint8_t *out, size_t max, struct err *err);

/* Do these first bytes belong to something that must be unpacked? */
bool import_is_packed(struct span head);

/*
 * Unpack `read` and call `file` for each member with a reader of its bytes; name is empty for a compressed single file.
 * What is wrong with the archive is reported as bad and ends it.
 */
int import_unpack(struct import_run *run, import_read *read, void *read_ctx,
                  int (*file)(struct import_run *run, struct span name, import_read *read, void *read_ctx,
                              struct err *err),
                  struct err *err);

#endif

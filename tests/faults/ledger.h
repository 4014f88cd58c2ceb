/*
 * What the node under test has acknowledged or shown. It stands in memory shared by parent and children, so it outlives
 * the processes that the harness ends.
 */
#ifndef TONGZHOU_TESTS_FAULTS_LEDGER_H
#define TONGZHOU_TESTS_FAULTS_LEDGER_H

#include "state/author.h"
#include "state/mirror.h"
#include "state/payload.h"

#define TOLD_ENTRIES 4096 /* a log of the harness: no more */
#define TOLD_LOGS 4
#define MARK_LEN 29 /* "MARK-" and 24 digits: in every payload, again and again */
#define TIME_MS INT64_C(1795000000000)

enum told_state {
    TOLD_NOTHING,  /* of a mirrored entry: may be held or not */
    TOLD_INLINE,   /* no payload */
    TOLD_HELD,     /* must be held */
    TOLD_ERASING,  /* its erasure was under way */
    TOLD_ERASED,   /* must be nowhere */
    TOLD_DROPPING, /* too old for a mirror of the newest: may be held or not */
    TOLD_DROPPED,  /* must not be held */
};

struct told_entry {
    enum told_state state;
    char mark[MARK_LEN + 1];
};

enum { LOG_FIRST, LOG_SECOND, LOG_HIDDEN, LOG_THEIRS };

struct told_log {
    char origin[ORIGIN_MAX + 1]; /* "": not made, or not known to be */
    int64_t number;
    uint64_t size; /* shown: it may not become smaller */
    bool shown[TOLD_ENTRIES + 1];
    struct tlog_hash roots[TOLD_ENTRIES + 1]; /* of the sizes shown */
    struct told_entry entries[TOLD_ENTRIES];
    unsigned recovery, recovery_tried; /* files safe/NAME.recovery.N: the one in force, the last that was begun */
    uint64_t staged;                   /* acknowledged beyond the head */
    bool lied;                         /* what is staged may be wrong */
};

struct told_backup {
    unsigned number;           /* 0: none; the file safe/backup.N */
    uint64_t sizes[TOLD_LOGS]; /* at least these */
    bool restored;             /* the folder restored.N is a whole node */
    bool tried;                /* was begun */
};

struct ledger {
    char root[128];
    bool made;                 /* `init` was acknowledged */
    unsigned attempts;         /* of it */
    uint64_t rng, step, theme; /* of the work */
    struct told_log logs[TOLD_LOGS];
    struct told_backup backup;
    uint64_t acknowledged, records, checked; /* operations; counts for the report */
    char doing[64];                          /* for the message of a failure */
    char broken[1024];                       /* what did not hold */
};

/* The harness's own failures and broken promises: says so in the ledger and ends the process. */
_Noreturn void broken(struct ledger *ledger, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define BROKEN 9 /* exit status */

/* A call failed: as it may once the disk has failed, and then the process gives up in good order. */
_Noreturn void must_failed(struct ledger *ledger, const char *call, const struct err *err);

/* A call that must succeed. */
#define must(ledger, call)                                                                                             \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        int must_rc = (call);                                                                                          \
        if (must_rc < 0)                                                                                               \
            must_failed(ledger, #call, &err);                                                                          \
    } while (0)

/* ---- another member's log, as peers serve it (source.c) ---- */

#define SOURCE_STAGES 10
struct source {
    char origin[ORIGIN_MAX + 1];
    uint64_t size, stages[SOURCE_STAGES];
    size_t notes_len[SOURCE_STAGES], ends[TOLD_ENTRIES + 1]; /* of entries in `entries` */
    uint8_t notes[SOURCE_STAGES][2048];
    size_t items_len;
    uint8_t entries[1 << 20], items[1 << 21]; /* in bundle form, and as payload items */
};

/* In a process of its own, for it uses a store below `folder`. */
void source_make(const char *folder, struct source *out);

/* ---- inspection (inspect.c) ---- */

/* Take note of what a log shows now: what is new is from now on acknowledged. */
void inspect_shown(struct ledger *ledger, struct store *store, int which);

/* Everything that was acknowledged or shown, after an end of any kind. */
void inspect(struct ledger *ledger, struct store *store);

/* No file below DIR holds what was erased. */
void inspect_erased(struct ledger *ledger);

/* The backup that was acknowledged becomes a node with all that it should hold. */
void inspect_restored(struct ledger *ledger, const char *dir);

/* ---- work (work.c) ---- */

/* Open the node, or make it if that was never acknowledged. */
struct store *work_open(struct ledger *ledger);

/* Some operations, drawn from the ledger's chance. */
void work_some(struct ledger *ledger, struct store **store, const struct source *source, unsigned operations);

void record_text(struct ledger *ledger, struct buf *out, size_t len);

#endif

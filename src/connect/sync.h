/*
 * Pulling from peers. Everything a peer says is verified before it counts (state/mirror.h), and bounded: lines, sizes,
 * bytes, time. A peer that lies is set aside with its reason until a person says otherwise; one that stalls or cannot
 * be reached is asked again later, ever more seldom, never given up. The others go on meanwhile: no peer can block
 * another.
 *
 * For each log, from a peer that announced more than we have: checkpoint, entries from where we are (the partial bundle
 * by range), one commit for as many logs as are ready, cosignature, then the payloads that the log's mode wants. If
 * that peer fails, the next that announced the log is asked.
 *
 * Which logs: our own (to heal, and to collect cosignatures), followed ones, and what a peer announces as long as it is
 * within its quota; beyond that a log is listed, not mirrored. Source: PROTOCOL.md, "Synchronising".
 */
#ifndef TONGZHOU_CONNECT_SYNC_H
#define TONGZHOU_CONNECT_SYNC_H

#include "state/peers.h"

#define SYNC_FAILURES_MAX 64 /* kept in a report; the count goes on */

struct sync_report;

struct sync_options {
    const char *only;    /* one peer, by address or origin, due or not; NULL: all that are not set aside */
    bool ignore_backoff; /* ask those too that failed a moment ago: a person waits for it */
    bool may_sign;       /* the start check passed: fork proofs go into our own log */
    enum log_mode mode;  /* of logs that peers announce; 0: MODE_FULL */
    uint64_t recent;     /* with MODE_RECENT */
    uint64_t bytes_max;  /* of one round; 0: no limit. What is left comes with the next */
    unsigned wait_s;     /* of long polls; 0: 30 */
    unsigned connect_timeout_ms, low_speed_bps, low_speed_s; /* as in fetch.h; 0: usual */
    /* Called after every commit that changed what we serve (wakes those who wait for /heads). May be NULL. */
    void (*changed)(void *ctx);
    /* Called about twice a second with what happened so far; may be NULL. */
    void (*progress)(void *ctx, const struct sync_report *report);
    void *ctx;
};

struct sync_failure {
    char url[PEER_URL_MAX + 1];
    bool set_aside;
    char reason[PEER_REASON_MAX + 1]; /* escaped */
};

struct sync_report {
    uint64_t peers, reached;          /* asked; answered */
    uint64_t logs, entries, payloads; /* whose head advanced; entries below those heads; payloads stored */
    uint64_t restricted;              /* of the payloads: for few */
    uint64_t bytes_in, bytes_out, requests;
    uint64_t collected; /* cosignatures of others, new */
    uint64_t cosigned;  /* by us */
    uint64_t listed;    /* new logs beyond a quota */
    uint64_t forks, healed, erased;
    uint64_t commits;
    size_t failure_count;
    struct sync_failure failures[SYNC_FAILURES_MAX];
};

/*
 * One round: ask every peer once, pull all it has, return when nothing is left to do. A peer's failure stands in
 * the report and is no error of the call.
 * Errors: ERR_NOTFOUND no such peer; ERR_IO the store failed.
 */
int sync_round(struct store *store, const struct sync_options *options, struct sync_report *report, struct err *err);

/* ---- the running node ---- */

struct syncer;

/* `store` belongs to the thread that will call syncer_run. */
int syncer_new(struct store *store, const struct sync_options *options, struct syncer **ret, struct err *err);
void syncer_free(struct syncer *syncer);

/* Pull until stopped: long polls at every peer. Peers that were added, removed or taken back are noticed within
 * seconds. Returns 0 after syncer_stop, or the store's failure. */
int syncer_run(struct syncer *syncer, struct err *err);

/* From any thread. */
void syncer_stop(struct syncer *syncer);
void syncer_wake(struct syncer *syncer); /* look at the list of peers now */

/* This process's totals, for /metrics; from any thread. */
void sync_totals(struct sync_report *ret);

/* ---- following ---- */

/*
 * Mirror this member from now on whoever announces it: the log is made or changed, no quota applies any more, and every
 * peer is asked for everything again so that it comes with the next round.
 * ERR_SYNTAX not an origin; ERR_STATE our own log.
 */
int sync_follow(struct store *store, struct span origin, enum log_mode mode, uint64_t recent, struct err *err);

/* A person takes a peer back that was set aside, or wants it to be asked now: failures and reason are forgotten. */
int sync_forgive(struct store *store, int64_t peer, struct err *err);

#endif

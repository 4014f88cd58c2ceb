/*
 * Feeds: sources that are fetched again and again. A fetch is conditional (ETag, Last-Modified), spooled to an unnamed
 * file in DIR, and only then imported as a file would be: a fetch that breaks off changes nothing. What we made from a
 * feed's values and what it no longer holds is marked by a new version (label "vanished-from-feed", valid_until); what
 * comes back gets a new version without the mark. Foreign STIX objects are their authors' to withdraw: left alone.
 */
#ifndef TONGZHOU_SECURITY_FEED_H
#define TONGZHOU_SECURITY_FEED_H

#include "security/import.h"
#include "state/peers.h"

/*
 * One feed must not keep the others waiting for long, nor the end of the node: bytes of one fetch, and of the text that
 * comes out of it (the whole Maltrail set is 58 MB unpacked); how long fetching may take (256 MiB at 1.2 Mbit/s), and
 * reading.
 */
#define FEED_BYTES_MAX (UINT64_C(256) << 20)
#define FEED_FETCH_MAX_MS (30u * 60 * 1000)
#define FEED_IMPORT_MAX_MS (INT64_C(10) * 60 * 1000)
#define FEED_EVERY_MIN_S 60                    /* more often is impolite to any server */
#define FEED_RETRY_MS (INT64_C(5) * 60 * 1000) /* after the first failure, doubled with each further one */
#define FEED_RETRY_MAX_MS (INT64_C(24) * 3600 * 1000)
#define FEED_LOOK_MAX (256u << 10) /* bytes of an answer that may be an error page: looked at before it is imported */
#define FEED_RUN_MAX 256           /* feeds in one round; the others are due in the next */

/* ---- how bytes come ---- */

struct feed_request {
    const char *url;
    const char *etag, *modified; /* "" : none; asks for changes only */
    uint64_t max_bytes;
    int (*sink)(void *ctx, struct span piece, struct err *err); /* non-zero ends the transfer */
    void *sink_ctx;
};

struct feed_answer {
    int status; /* HTTP: 200, 304, others are failures */
    char etag[256], modified[64];
};

/* 0: an answer came, complete. Errors: ERR_NET, ERR_LIMIT, ERR_SYNTAX, and those of the sink. */
struct feed_transport {
    int (*get)(void *ctx, const struct feed_request *request, struct feed_answer *ret, struct err *err);
    void *ctx;
};

/* Over connect/fetch: redirects on the same host only, no slower than a peer may be, at most FEED_BYTES_MAX. */
extern const struct feed_transport feed_http;

/* ---- fetching ---- */

enum feed_outcome {
    FEED_FETCHED,
    FEED_UNCHANGED,
    FEED_FAILED,
    FEED_STOPPED, /* in the middle, as asked: due as it was before; what was read is in the log */
};

struct feed_report {
    struct feed feed; /* as it stands afterwards: due_ms, failures, reason, items, vanished */
    enum feed_outcome outcome;
    struct import_result import; /* of FEED_FETCHED */
};

struct feed_options {
    const struct feed_transport *transport;
    int64_t now_ms;
    int64_t (*clock_ms)(void); /* monotonic: for FEED_IMPORT_MAX_MS */
    /* Is all to end soon? Asked between feeds, between pieces of what comes, of what is read; may be NULL. */
    bool (*stopped)(void *ctx);
    /* After each feed of feed_run_due; may be NULL. A negative result ends the round. */
    int (*done)(void *ctx, const struct feed_report *report, struct err *err);
    void *ctx;
};

/*
 * Fetch one feed now, due or not, and import what it holds into its log. The index is brought up to date first.
 * What goes wrong with one feed is no error (the source fails, its log is not here, must not be signed, needs a TLP):
 * it is in the report and in state.db (reason, failures, due_ms later and later).
 * A fetch that holds nothing readable where there was something before is a failure, too, and so is a small one with at
 * most half of what was there and as much that is wrong: an error page must not mark everything as vanished, nor become
 * an indicator itself. What cannot be read to its end (cut off, damaged, too much of it, too slow) is one as well: what
 * was read stays in the log, nothing is marked as vanished, and the next fetch passes quickly what is known already.
 * Errors: ERR_NOTFOUND no such feed; ERR_IO, ERR_MEMORY.
 */
int feed_run_one(struct store *store, struct index *index, int64_t number, const struct feed_options *options,
                 struct feed_report *ret, struct err *err);

/* All feeds that are due, one after another, until stopped. *ret_count of them were tried. */
int feed_run_due(struct store *store, struct index *index, const struct feed_options *options, size_t *ret_count,
                 struct err *err);

#endif

/* Peers and feeds: what this node talks to, in state.db. Each call is its own transaction unless one is open. */
#ifndef TONGZHOU_STATE_PEERS_H
#define TONGZHOU_STATE_PEERS_H

#include "state/store.h"

#define PEER_URL_MAX 512
#define PEER_REASON_MAX 512

struct peer {
    int64_t number;
    char url[PEER_URL_MAX + 1];                       /* http(s)://host[:port][/path], no trailing slash */
    char origin[ORIGIN_MAX + 1];                      /* its operator's, "" while unknown */
    char cursor[64];                                  /* of its /heads */
    int64_t added_ms, tried_ms, reached_ms, retry_ms; /* retry_ms: not before then */
    unsigned failures;                                /* in a row */
    bool set_aside;                                   /* lied: not asked again until a person says so */
    char reason[PEER_REASON_MAX + 1];                 /* of the last failure, escaped text */
    uint64_t quota_logs, quota_bytes;                 /* for what it announces and nobody asked for */
    uint64_t bytes_in, requests;                      /* since added */
};

int peer_add(struct store *store, const struct peer *peer, int64_t *ret_number,
             struct err *err); /* ERR_EXISTS by url */
/* By address, or by its operator's origin, name, or name and beginning of the fingerprint: ERR_USAGE if it fits several. */
int peer_find(struct store *store, struct span text, struct peer *ret, struct err *err);
int peer_update(struct store *store, const struct peer *peer, struct err *err);
int peer_remove(struct store *store, int64_t number, struct err *err);
int peer_each(struct store *store, int (*each)(void *ctx, const struct peer *peer, struct err *err), void *ctx,
              struct err *err);

/* "http://..." or "https://...", host and port checked, trailing slash removed; ERR_USAGE says what is wrong. */
int peer_url_canonical(struct span text, char out[PEER_URL_MAX + 1], struct err *err);

/* A log that a peer announced: who has it and at which size; for status and for choosing where to fetch. What a peer says
 * that was removed, or that is set aside, does not count. */
int peer_log_seen(struct store *store, int64_t peer, int64_t log_number, uint64_t size, struct err *err);
int peer_log_each(struct store *store, int64_t log_number,
                  int (*each)(void *ctx, int64_t peer, uint64_t size, struct err *err), void *ctx, struct err *err);

struct feed {
    int64_t number;
    char url[PEER_URL_MAX + 1];
    char format[32];    /* of security/import: "auto", "list", "stix", "misp", "maltrail" */
    int64_t log_number; /* where its records go: own or local log */
    unsigned tlp;       /* enum tlp */
    int64_t every_s, due_ms, fetched_ms;
    char etag[256], modified[64]; /* for conditional requests */
    unsigned failures;
    char reason[PEER_REASON_MAX + 1];
    uint64_t items, vanished; /* at the last fetch */
};

/* As peer_url_canonical, but the path stays as it is, and a query may follow. */
int feed_url_canonical(struct span text, char out[PEER_URL_MAX + 1], struct err *err);

int feed_add(struct store *store, const struct feed *feed, int64_t *ret_number, struct err *err);
int feed_find(struct store *store, struct span url, struct feed *ret, struct err *err);
int feed_update(struct store *store, const struct feed *feed, struct err *err);
int feed_remove(struct store *store, int64_t number, struct err *err);
int feed_each(struct store *store, int (*each)(void *ctx, const struct feed *feed, struct err *err), void *ctx,
              struct err *err);

/* What a feed held at its last fetch: 64-bit hashes of (type, value) and the record that says it. */
int feed_item_put(struct store *store, int64_t feed, int64_t hash, int64_t ref, struct err *err);
int feed_item_get(struct store *store, int64_t feed, int64_t hash, int64_t *ret_ref,
                  struct err *err); /* ERR_NOTFOUND */
int feed_item_drop(struct store *store, int64_t feed, int64_t hash, struct err *err);
int feed_item_each(struct store *store, int64_t feed,
                   int (*each)(void *ctx, int64_t hash, int64_t ref, struct err *err), void *ctx, struct err *err);

#endif

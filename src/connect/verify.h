/*
 * Verification from the ground up, believing nothing: every entry is hashed, every stored or served hash compared, the
 * root compared with the signed checkpoint, keys folded from entry 0, seals of payloads checked, cosignatures of known
 * members checked.
 */
#ifndef TONGZHOU_CONNECT_VERIFY_H
#define TONGZHOU_CONNECT_VERIFY_H

#include "index/view.h"

struct verify_result {
    char origin[ORIGIN_MAX + 1];
    uint64_t size, entries, hashes, payloads; /* checked */
    unsigned keys, cosignatures, cosigners_unknown;
};

struct verify_options {
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* entries; may be NULL */
    void *ctx;
};

/* A log in this store. ERR_VERIFY with what does not hold, and where. */
int verify_log(struct store *store, const struct log_info *log, const struct verify_options *options,
               struct verify_result *ret, struct err *err);

/*
 * A log over HTTP: `url` is .../logs/HEX. Every bundle, every tile of every level and every payload bundle is fetched
 * and checked. `store` may be NULL; with it, cosignatures of members known here are checked.
 */
int verify_url(struct store *store, const char *url, const struct verify_options *options, struct verify_result *ret,
               struct err *err);

/* The URLs of all logs that a node at `url` announces, through `each`. */
int verify_node_logs(const char *url, int (*each)(void *ctx, const char *log_url, const char *origin, struct err *err),
                     void *ctx, struct err *err);

/*
 * A tlog-proof file over `entry` (a log's entry: a seal, or an inline record). The log's keys come from the store when it
 * holds the log; otherwise ERR_NOTFOUND.
 */
int verify_proof(struct store *store, struct span proof, struct span entry, struct verify_result *ret,
                 uint64_t *ret_index, struct err *err);

#endif

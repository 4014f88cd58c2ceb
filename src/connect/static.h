/*
 * export-static: what the public may see, as a tree of files that any file server or object storage can serve:
 * node, heads, logs/HEX/{checkpoint, tile/..., payload/N}. A peer can be pointed at it. Written so that a reader
 * of the tree never sees a checkpoint before the tiles that it covers; run again, it writes what changed.
 *
 * A file server knows neither ?from= nor ?since=: a payload file is its whole bundle, holes included, and `heads` lists
 * everything. So each is at most as long as one answer of a node; what does not fit is counted.
 */
#ifndef TONGZHOU_CONNECT_STATIC_H
#define TONGZHOU_CONNECT_STATIC_H

#include "index/view.h"

struct static_result {
    uint64_t logs, files_written, files_kept, bytes;
    uint64_t payloads_left_out; /* behind the first PAYLOAD_BUNDLE_MAX bytes of their bundle */
    uint64_t logs_left_out;     /* behind the first HEADS_PAGE_MAX */
};

struct static_options {
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* bytes, the total a guess; may be NULL */
    void *ctx;
};

/* `view` is the public's. `dir` is made if missing. ERR_IO. */
int static_export(const struct view *view, const char *dir, const struct static_options *options,
                  struct static_result *ret, struct err *err);

#endif

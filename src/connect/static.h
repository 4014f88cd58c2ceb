/*
 * export-static: what the public may see, as a tree of files that any file server or object storage can serve:
 * node, heads, logs/HEX/{checkpoint, tile/..., payload/N}. A peer can be pointed at it. Written so that a reader
 * of the tree never sees a checkpoint before the tiles that it covers; run again, it writes what changed.
 */
#ifndef TONGZHOU_CONNECT_STATIC_H
#define TONGZHOU_CONNECT_STATIC_H

#include "index/view.h"

struct static_result {
    uint64_t logs, files_written, files_kept, bytes;
};

/* `view` is the public's. `dir` is made if missing. ERR_IO. */
int static_export(const struct view *view, const char *dir, struct static_result *ret, struct err *err);

#endif

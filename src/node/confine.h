/* What the running node can do no more, and whether it was told what it should still read. */
#ifndef TONGZHOU_NODE_CONFINE_H
#define TONGZHOU_NODE_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "node/node.h"

/* /etc/resolv.conf as it was when the sandbox was entered: rights are a file's, and a new file in its place has none. */
struct confined {
    uint64_t device, inode;
    bool told;
};

/* Enter the sandbox: DIR, and where the certificate is. ERR_STATE: required, and not offered. */
int confine(const struct node_options *options, struct confined *ret, struct err *err);

/* True once, when names of peers can no more be looked up because that file was replaced: only a restart helps. */
bool confined_is_stale(struct confined *confined);

#endif

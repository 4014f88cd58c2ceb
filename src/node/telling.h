/* What the thread of notices does in a look: who follows /events is told, whoever is outside, and what nobody tells is looked at. */
#ifndef TONGZHOU_NODE_TELLING_H
#define TONGZHOU_NODE_TELLING_H

#include "node/node.h"
#include "node/watching.h"

struct http_server;
struct tell_desk;

struct telling {
    struct watching watching; /* with its own handles */
    struct tell_desk *desk;
    int64_t last; /* notice */
    int64_t watched_ms;
};

/* To be closed in any case. */
int telling_open(struct telling *telling, const struct node_options *options, struct err *err);

/* `clock_ms` goes on whatever happens to the clock on the wall. */
int telling_look(struct telling *telling, struct http_server *server, int64_t now_ms, int64_t clock_ms,
                 struct err *err);

/* Returns `rc`, how it went until now, or what failed at the end. */
int telling_close(struct telling *telling, int64_t now_ms, int rc, struct err *err);

#endif

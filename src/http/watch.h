/*
 * One thread beside the server's pool, with two cares: requests that wait for a change of the store (made by this
 * process or another) are woken, and connections that take for ever to say what they want are ended.
 */
#ifndef TONGZHOU_HTTP_WATCH_H
#define TONGZHOU_HTTP_WATCH_H

#include <microhttpd.h>

#include "state/store.h"

#define WATCH_POLL_MS 200    /* between looks at the store while somebody waits: changes of other processes */
#define WATCH_BODY_MS 300000 /* for an upload: 64 MiB at 220 kB/s */

struct watch;

/* At most `waiting_max` requests wait; a request's line and headers may take `request_ms`. */
int watch_start(const char *dir, unsigned waiting_max, unsigned request_ms, struct watch **ret, struct err *err);
/* Wake everybody and let nobody wait any more. Then the daemon can be stopped, then watch_free. */
void watch_stop(struct watch *watch);
void watch_free(struct watch *watch);

/* Something changed: look now. Any thread. */
void watch_wake(struct watch *watch);

/* Something that streams tell may have come: records were folded, a notice was added. Any thread. */
void watch_tell(struct watch *watch);
uint64_t watch_news(struct watch *watch); /* how often */
#define WATCH_NEWS_NOW UINT64_MAX

/* ---- requests that wait ---- */

struct watch_waiter {
    struct MHD_Connection *connection;
    int64_t seq, reached; /* reached: INT64_MAX for who is not told of what came for few */
    bool is_stream;       /* waits for what `news` counts instead */
    uint64_t news;        /* watch_news before it looked; WATCH_NEWS_NOW: goes on as soon as others had their turn */
    int64_t until_ms;     /* of watch_now_ms */
    struct watch_waiter *next;
};

/* Suspend the connection until the store's seq passes `waiter->seq`, what came for few (state/reach.h) passes
 * `waiter->reached`, or `ms` went by; also when the watch stops. False: stopping, or enough wait already; answer at once. The waiter stays the caller's and must live until its connection goes on. */
bool watch_wait(struct watch *watch, struct watch_waiter *waiter, int64_t ms);
uint64_t watch_waiting(struct watch *watch);

/* ---- connections ---- */

struct watch_connection {
    int fd;
    int64_t until_ms; /* 0: may take its time */
    struct watch_connection *next, *previous;
};

struct watch_connection *watch_connected(struct watch *watch, int fd); /* NULL: no memory */
void watch_closed(struct watch *watch, struct watch_connection *connection);
/* From now on this connection has so long for what it is doing; 0: as long as it likes. */
void watch_limit(struct watch *watch, struct watch_connection *connection, unsigned ms);
/* The same with the time for a request's line and headers: for the next request on this connection. */
void watch_next_request(struct watch *watch, struct watch_connection *connection);

int64_t watch_now_ms(void); /* monotonic */

#endif

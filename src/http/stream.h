/*
 * Answers that go on and on (route.h, struct http_stream) over libmicrohttpd: written as fast as the client reads, at most
 * STREAM_ROOM ahead of it, and suspended in between, so that no thread belongs to a stream. Who it is for is looked at anew each
 * time. A stream ends after STREAM_LIFE_MS; its client comes again and says where it was. Private to the server.
 */
#ifndef TONGZHOU_HTTP_STREAM_H
#define TONGZHOU_HTTP_STREAM_H

#include <stdatomic.h>

#include "http/pool.h"
#include "http/route.h"
#include "http/watch.h"

#define STREAM_LIFE_MS 600000          /* then whoever it is proves it again */
#define STREAM_HEARTBEAT_MS 15000      /* of silence; half of what the server allows a connection */
#define STREAM_ROOM (256u << 10)       /* bytes that wait for the client */
#define STREAM_LINE ": still here\n\n" /* a comment, by the rules of text/event-stream */

struct stream_options {
    struct watch *watch;
    struct pool *pool;
    struct MHD_Connection *connection;
    struct http_stream source;
    /* A view for whoever asked, if it still is who it was: ERR_REFUSED ends the stream. */
    int (*look)(void *ctx, const struct pool_handle *handle, struct view *ret, struct err *err);
    void *ctx; /* outlives the response */
    atomic_uint_fast64_t *bytes_out;
};

/* Takes the source over. NULL: no memory, and the source is done with. */
struct MHD_Response *stream_response(const struct stream_options *options);

#endif

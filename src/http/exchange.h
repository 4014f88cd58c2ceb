/* One request and its answer, between libmicrohttpd and a handler. Private to the server. */
#ifndef TONGZHOU_HTTP_EXCHANGE_H
#define TONGZHOU_HTTP_EXCHANGE_H

#include <stdatomic.h>

#include "http/pool.h"
#include "http/server.h"
#include "http/signed.h"
#include "http/visitor.h"
#include "http/watch.h"

#define UPLOAD_LARGE (1u << 20) /* bytes from which an upload counts as a large one */
#define UPLOADS_LARGE_MAX 4     /* of them at a time: they stand in memory, HTTP_BODY_MAX each */

struct http_server {
    struct MHD_Daemon *daemon;
    struct pool *pool;
    struct watch *watch;
    bool loopback; /* bound to this machine itself: only names of this machine are answered */
    char url[128];
    atomic_uint_fast64_t requests, bytes_out, refused, outcomes[SIGNED_OUTCOMES];
    struct signed_state *signed_state;
    struct signing *signing;
    struct tls *tls;                           /* NULL: plain HTTP */
    void (*tell)(void *ctx, const char *line); /* may be NULL */
    void *tell_ctx;
    atomic_int_fast64_t told_ms, untold; /* lines about refused requests: not more than a disk bears */
    atomic_uint large_uploads;
    atomic_uint streams;  /* answers that go on and on; */
    unsigned streams_max; /* half of them may be the public's */
};

int64_t exchange_now_ms(void); /* of the world */

/* libmicrohttpd's callbacks, `cls` is the server. */
void *exchange_begin(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *upload, size_t *upload_len, void **state);
void exchange_completed(void *cls, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code);

#endif

#include "node/telling.h"

#include "http/server.h"
#include "index/index.h"
#include "state/notices.h"
#include "tell/tell.h"

#define WATCHING_EACH_MS 60000 /* between looks at what nobody tells */

int telling_open(struct telling *t, const struct node_options *options, struct err *err)
{
    struct store_options store = {0};
    *t = (struct telling){.watching = {.tls_cert = options->tls_cert}, .watched_ms = INT64_MIN / 2};
    int rc = store_open(options->dir, &store, &t->watching.store, err);
    if (!rc)
        rc = index_open(options->dir, &t->watching.index, err);
    return rc ? rc : tell_desk_new(&t->desk, err);
}

int telling_look(struct telling *t, struct http_server *server, int64_t now_ms, int64_t clock_ms, struct err *err)
{
    int64_t last = 0;
    int rc = notice_last(t->watching.store, &last, err);
    if (!rc && last != t->last) {
        t->last = last;
        http_server_tell(server);
    }
    if (!rc)
        rc = tell_round(t->desk, t->watching.store, now_ms, err);
    if (!rc && clock_ms - t->watched_ms >= WATCHING_EACH_MS) {
        t->watched_ms = clock_ms;
        t->watching.now_ms = now_ms;
        rc = watching_disk(&t->watching, err);
        if (!rc)
            rc = watching_look(&t->watching, err);
    }
    return rc;
}

int telling_close(struct telling *t, int64_t now_ms, int rc, struct err *err)
{
    struct err unsettled = {0};
    int settled = t->desk ? tell_desk_close(t->desk, t->watching.store, now_ms, &unsettled) : 0;
    if (t->watching.index)
        index_close(t->watching.index);
    if (t->watching.store)
        store_close(t->watching.store);
    if (!rc && settled)
        *err = unsettled;
    return rc ? rc : settled;
}

#include "http/stream.h"

#include <stdlib.h>

#define LOOKS_AT_ONCE 4 /* at things that turn out to be nothing for this viewer, before others have their turn */
#define BLOCK 4096      /* bytes a call */

struct stream {
    struct stream_options options;
    struct watch_waiter waiter;
    struct buf out;
    size_t sent; /* of out */
    int64_t ends_ms, spoke_ms;
};

/* What is new, appended. 1: there may be more at once. */
static int ask(struct stream *s, struct err *err)
{
    struct pool_handle *handle;
    struct view view;
    int rc = pool_take(s->options.pool, &handle, err);
    if (rc < 0)
        return rc;
    rc = s->options.look(s->options.ctx, handle, &view, err);
    if (rc == 0)
        rc = s->options.source.more(s->options.source.ctx, &view, &s->out, err);
    pool_give(s->options.pool, handle);
    return rc < 0 || s->out.failed ? -1 : rc;
}

/* Nothing is new: until something is, or the client has to hear that we are still here. False: it has to end. */
static bool wait_for_news(struct stream *s, uint64_t news)
{
    int64_t now_ms = watch_now_ms(), until_ms = s->spoke_ms + STREAM_HEARTBEAT_MS;
    s->waiter = (struct watch_waiter){.connection = s->options.connection, .is_stream = true, .news = news};
    return watch_wait(s->options.watch, &s->waiter, until_ms > now_ms ? until_ms - now_ms : 1);
}

static ssize_t give(struct stream *s, char *block, size_t max)
{
    size_t left = s->out.len - s->sent, n = left < max ? left : max;
    memcpy(block, s->out.data + s->sent, n);
    s->sent += n;
    s->spoke_ms = watch_now_ms();
    atomic_fetch_add(s->options.bytes_out, n);
    return (ssize_t)n;
}

/* libmicrohttpd's callback. Suspended behind its back when it returns 0: from then on the stream is the watch's. */
static ssize_t next_block(void *cls, uint64_t position, char *block, size_t max)
{
    struct stream *s = cls;
    struct err err;
    (void)position;
    int64_t now_ms = watch_now_ms();
    if (now_ms >= s->ends_ms) /* also of one who reads so slowly that there is always something left */
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (s->sent < s->out.len)
        return give(s, block, max);
    buf_clear(&s->out);
    s->sent = 0;
    uint64_t news = watch_news(s->options.watch);
    int rc = 1;
    for (int i = 0; rc == 1 && s->out.len == 0 && i < LOOKS_AT_ONCE; i++)
        rc = ask(s, &err);
    if (rc < 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (s->out.len == 0 && now_ms - s->spoke_ms >= STREAM_HEARTBEAT_MS)
        buf_str(&s->out, STREAM_LINE);
    if (s->out.len > 0)
        return give(s, block, max);
    return wait_for_news(s, rc == 1 ? WATCH_NEWS_NOW : news) ? 0 : MHD_CONTENT_READER_END_OF_STREAM;
}

static void stream_free(void *cls)
{
    struct stream *s = cls;
    s->options.source.done(s->options.source.ctx);
    buf_done(&s->out);
    free(s);
}

struct MHD_Response *stream_response(const struct stream_options *options)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s) {
        options->source.done(options->source.ctx);
        return NULL;
    }
    s->options = *options;
    buf_init(&s->out, STREAM_ROOM);
    s->spoke_ms = watch_now_ms();
    s->ends_ms = s->spoke_ms + STREAM_LIFE_MS;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, next_block, s, stream_free);
    if (!response)
        stream_free(s);
    return response;
}

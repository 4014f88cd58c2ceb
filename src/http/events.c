/*
 * GET /events: new records and notices as far as the viewer may see them, as Server-Sent Events (WHATWG HTML, section 9.2).
 *
 *     id: 48 hex digits          both places, scrambled (place.h): how much others get, or whether, is not theirs to know
 *     event: record | notice
 *     data: one line of JSON
 *
 * A client that comes again says the last id; it gets what came since, each at least once. Of an id that this index does not
 * know (it was made again, or too much came since) it gets all that is kept, and `event: gap` first.
 */
#include "http/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/random.h"
#include "base/when.h"
#include "http/place.h"
#include "index/news.h"
#include "state/notices.h"

#define LOOK_AT 256              /* records that are looked at in one go */
#define EVENTS_BYTES (64u << 10) /* after which the client has to read first */
#define WHO_MAX (ORIGIN_MAX + USER_NAME_MAX + 16)

struct events {
    int64_t record, notice; /* the next record; the last notice */
    uint64_t stream;        /* drawn for it: its ids are like no other's */
    bool is_begun, has_gap;
    char id[PLACE_LEN + 1]; /* where the client says it was; "": from now on */
    bool wants_records, wants_notices;
    unsigned topics;
    char kind[RECORD_LINE_MAX + 1]; /* "": all */
};

/* ---- places ---- */

static struct span who_of(const struct view *view, char out[WHO_MAX])
{
    const struct viewer *viewer = &view->viewer;
    int len = snprintf(out, WHO_MAX, "%d %s", (int)viewer->class,
                       viewer->class == VIEWER_MEMBER ? viewer->origin
                       : viewer->class == VIEWER_USER ? viewer->name
                                                      : "");
    return span_of(out, (size_t)len);
}

static void write_id(const struct view *view, const uint8_t key[SCRAMBLE_KEY], const struct events *e, struct buf *out)
{
    char who[WHO_MAX], id[PLACE_LEN + 1];
    struct place place = {e->stream, (uint64_t)e->record & (SCRAMBLE_LIMIT - 1),
                          (uint64_t)e->notice & (SCRAMBLE_LIMIT - 1)};
    place_write(key, who_of(view, who), &place, id);
    buf_fmt(out, "id: %s\n", id);
}

/* Where it was, if it was here: within what is kept. */
static bool read_id(const struct view *view, const uint8_t key[SCRAMBLE_KEY], int64_t first, int64_t end, int64_t last,
                    struct events *e)
{
    char who[WHO_MAX];
    struct place place;
    if (!place_read(key, who_of(view, who), span_str(e->id), &place))
        return false;
    e->record = (int64_t)place.record;
    e->notice = (int64_t)place.notice;
    return e->record >= first && e->record <= end && e->notice >= 0 && e->notice <= last;
}

static int begin(struct events *e, const struct view *view, const uint8_t key[SCRAMBLE_KEY], struct buf *out,
                 struct err *err)
{
    int64_t first, end, last;
    int rc = news_range(view->index, &first, &end, err);
    if (rc == 0)
        rc = notice_last(view->store, &last, err);
    if (rc < 0)
        return rc;
    bool is_known = e->id[0] && read_id(view, key, first, end, last, e);
    if (!is_known) {
        e->record = e->id[0] ? first : end;
        e->notice = e->id[0] ? 0 : last;
    }
    e->is_begun = true;
    random_bytes(&e->stream, sizeof(e->stream));
    buf_str(out, "retry: 3000\n");
    write_id(view, key, e, out); /* who is cut off before anything came goes on from here */
    if (e->id[0] && !is_known)
        buf_str(out, "event: gap\ndata: {\"gap\":\"what came before may be missing; all that is kept follows\"}\n");
    buf_byte(out, '\n');
    return 0;
}

/* ---- what came ---- */

static int write_record(struct events *e, const struct view *view, const uint8_t key[SCRAMBLE_KEY], int64_t ref,
                        struct buf *out, struct err *err)
{
    struct news_about about;
    struct log_info log;
    char time[WHEN_TEXT_LEN + 1];
    if (!view_sees_ref(view, ref))
        return 0;
    int rc = news_about(view->index, ref, &about, err);
    if (rc <= 0 || (e->kind[0] && strcmp(e->kind, about.kind) != 0)) /* 0: forgotten since */
        return rc < 0 ? rc : 0;
    rc = store_log(view->store, RECORD_REF_LOG(ref), &log, err);
    if (rc < 0)
        return rc;
    when_format(about.time_ms, time);
    write_id(view, key, e, out);
    buf_fmt(out, "event: record\ndata: {\"record\":\"%s/%" PRIu64 "\",\"kind\":", log.origin, RECORD_REF_INDEX(ref));
    buf_json_string(out, span_str(about.kind));
    buf_fmt(out, ",\"origin\":\"%s\"", log.origin);
    if (tlp_word(about.tlp)) /* what the protocol itself says bears none */
        buf_fmt(out, ",\"tlp\":\"%s\"", tlp_word(about.tlp));
    buf_fmt(out, ",\"time\":\"%s\"}\n\n", time);
    return 0;
}

static int write_records(struct events *e, const struct view *view, const uint8_t key[SCRAMBLE_KEY], struct buf *out,
                         struct err *err)
{
    int64_t first, end, refs[LOOK_AT];
    size_t count = 0, i = 0;
    int rc = news_range(view->index, &first, &end, err);
    if (rc < 0)
        return rc;
    if (e->record > end) { /* another index */
        e->record = first;
        e->has_gap = true;
    } else if (e->record < first) { /* the client reads more slowly than things come */
        e->record = first;
        e->has_gap = true;
    }
    if (e->has_gap)
        buf_str(out, "event: gap\ndata: {\"gap\":\"what came before may be missing\"}\n\n");
    e->has_gap = false;
    rc = news_read(view->index, e->record, refs, LOOK_AT, &count, err);
    for (; rc == 0 && i < count && out->len < EVENTS_BYTES; i++) {
        e->record++;
        rc = write_record(e, view, key, refs[i], out, err);
    }
    return rc < 0 ? rc : e->record < end;
}

struct telling {
    struct events *events;
    const struct view *view;
    const uint8_t *key;
    struct buf *out;
};

static int write_notice(void *ctx, const struct notice *notice, struct err *err)
{
    struct telling *telling = ctx;
    telling->events->notice = notice->number;
    write_id(telling->view, telling->key, telling->events, telling->out);
    buf_str(telling->out, "event: notice\ndata: ");
    int rc = notice_json(telling->view->store, notice, true, NULL, telling->out, err);
    buf_str(telling->out, "\n\n");
    return rc;
}

static int write_notices(struct events *e, const struct view *view, const uint8_t key[SCRAMBLE_KEY], struct buf *out,
                         struct err *err)
{
    struct telling telling = {e, view, key, out};
    struct notice_query query = {.role = view->viewer.guest ? ROLE_NONE : view->viewer.role,
                                 .topics = e->topics,
                                 .after = e->notice,
                                 .oldest_first = true,
                                 .max = 32};
    if (view->viewer.class != VIEWER_USER)
        return 0;
    return notice_each(view->store, &query, write_notice, &telling, err);
}

static int more(void *ctx, const struct view *view, struct buf *out, struct err *err)
{
    struct events *e = ctx;
    uint8_t key[SCRAMBLE_KEY] = {0};
    struct err none = {0};
    int rc = news_key(view->index, key, &none);
    if (rc < 0 && rc != ERR_NOTFOUND)
        return err_set(err, rc, "%s", none.text);
    rc = e->is_begun ? 0 : begin(e, view, key, out, err);
    if (rc == 0 && e->wants_notices)
        rc = write_notices(e, view, key, out, err);
    return rc == 0 && e->wants_records ? write_records(e, view, key, out, err) : rc;
}

/* ---- the request ---- */

static bool read_query(const struct http_request *request, struct events *e)
{
    struct span only = http_query(request, "only"), topic = http_query(request, "topic");
    struct span kind = http_query(request, "kind"), since = http_query(request, "since");
    struct span id = request->last_event_id.len > 0 ? request->last_event_id : since; /* a browser sends both */
    e->wants_records = !span_is(only, "notices");
    e->wants_notices = !span_is(only, "records");
    if (topic.len > 0 && (e->topics = notice_topics_parse(topic)) == 0)
        return false;
    if ((only.len > 0 && e->wants_records && e->wants_notices) || kind.len > RECORD_LINE_MAX || id.len >= sizeof(e->id))
        return false;
    memcpy(e->kind, kind.data ? kind.data : (const uint8_t *)"", kind.len);
    memcpy(e->id, id.data ? id.data : (const uint8_t *)"", id.len);
    return true;
}

int route_events(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    (void)view;
    struct events *e = calloc(1, sizeof(*e));
    if (!e)
        return err_memory(err);
    if (!read_query(request, e)) {
        free(e);
        return err_set(err, ERR_USAGE, "events: only=records or notices, topic, kind, since");
    }
    reply->content_type = "text/event-stream";
    reply->cache_control = "no-store";
    reply->stream = (struct http_stream){.ctx = e, .more = more, .done = free};
    return 0;
}

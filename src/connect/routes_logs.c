#include "connect/routes.h"

#include <stdio.h>

#include "base/codec.h"
#include "base/sha256.h"
#include "connect/heads.h"
#include "connect/naming.h"
#include "http/header.h"
#include "http/page.h"
#include "tlog/tile.h"

#define BUNDLE_NUMBER_MAX (LOG_SIZE_MAX / TILE_WIDTH)
#define BEHIND_WAIT_S 5 /* while the index reads who is in a group; then the answer is what is sure */

/* ---- /logs/{hash}/... ---- */

static int not_found(const struct http_request *request, struct http_reply *reply)
{
    return http_problem(request, reply, 404, TR_MARK("Not found"), TR_MARK("There is nothing at this address."));
}

static int bad_request(const struct http_request *request, struct http_reply *reply, const char *detail)
{
    return http_problem(request, reply, 400, TR_MARK("Not understood"), detail);
}

static int serve_checkpoint(const struct view *view, const struct log_info *log, struct http_reply *reply,
                            struct err *err)
{
    reply->content_type = "text/plain; charset=utf-8";
    reply->cache_control = "public, max-age=2";
    return view_checkpoint(view, log, &reply->body, err);
}

/* What is large and stands in a file leaves by sendfile. */
static int serve_tile(const struct view *view, const struct log_info *log, const struct tile *tile,
                      struct http_reply *reply, struct err *err)
{
    struct err in_tail = {0};
    struct tile_bytes bytes = {.out = &reply->body, .fd = -1};
    reply->content_type = "application/octet-stream";
    reply->cache_control = "public, max-age=31536000, immutable";
    reply->allow_range = true;
    int code = view_tile_file(view, log, tile, &bytes, &in_tail);
    if (code == ERR_NOTFOUND)
        return view_tile(view, log, tile, &reply->body, err);
    if (code < 0)
        return err_set(err, code, "%s", in_tail.text);
    reply->fd = bytes.fd;
    reply->fd_offset = bytes.offset;
    reply->fd_len = bytes.len;
    return 0;
}

/*
 * Which items are there says which bytes these are, since each is bound to the seal of its entry: hashing a bundle's 150 kB
 * took more time than everything else about it.
 */
static int etag_of(const struct log_info *log, uint64_t from, struct http_reply *reply, struct err *err)
{
    struct payload_reader reader = {.bundle = buf_view(&reply->body)};
    struct payload_item item;
    struct sha256 sha;
    char place[96];
    uint8_t hash[32], there[TILE_WIDTH];
    size_t count = 0;
    int more;
    while ((more = payload_next(&reader, &item, err)) > 0 && count < TILE_WIDTH)
        there[count++] = !item.hole;
    if (more < 0)
        return more;
    snprintf(place, sizeof(place), "%s %llu ", log->hex, (unsigned long long)from);
    sha256_init(&sha);
    sha256_add(&sha, span_str(place));
    sha256_add(&sha, span_of(there, count));
    sha256_end(&sha, hash);
    reply->etag[0] = '"';
    hex_encode(hash, 16, reply->etag + 1);
    memcpy(reply->etag + 33, "\"", 2);
    return 0;
}

static bool query_u64(const struct http_request *request, const char *name, uint64_t *value)
{
    struct span text = http_query(request, name);
    return text.len == 0 || span_u64(text, LOG_SIZE_MAX, value);
}

static int serve_payloads(const struct view *view, const struct log_info *log, uint64_t number,
                          const struct http_request *request, struct http_reply *reply, struct err *err)
{
    uint64_t first = number * TILE_WIDTH, from = first, to = first + TILE_WIDTH;
    size_t count;
    if (!query_u64(request, "from", &from) || !query_u64(request, "to", &to) || from < first || from >= to ||
        to > first + TILE_WIDTH)
        return bad_request(request, reply, TR_MARK("from and to are entries of this bundle, from below to"));
    if (from >= log->size)
        return not_found(request, reply);
    if (to > log->size)
        to = log->size;
    reply->content_type = "application/octet-stream";
    reply->cache_control = "no-cache";
    reply->vary = "Signature-Input";
    int code = reach_count(view->store, &reply->wait_reached, err); /* before looking: it may be folded meanwhile */
    if (code == 0)
        code = view_payloads(view, log, from, (size_t)(to - from), &reply->body, &count, err);
    if (code == 0 && view->is_behind && !request->waited) {
        /* As soon as it is folded all are told again (connect/audiences.h): that wakes it. */
        reply->wait_seq = INT64_MAX;
        reply->wait_s = BEHIND_WAIT_S;
        return 0;
    }
    if (code < 0 || view->viewer.class != VIEWER_PUBLIC) /* a tag would tell others what this viewer got */
        return code;
    return etag_of(log, from, reply, err);
}

static int route_log(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err)
{
    uint8_t hash[32];
    struct log_info log;
    struct tile tile;
    uint64_t number;
    struct span rest = request->part[1];
    if (!hex_decode(request->part[0], hash, 32))
        return not_found(request, reply);
    int code = view_log_by_hash(view, hash, &log, err);
    if (code == 0 && log.size == 0)
        return not_found(request, reply);
    if (code == 0 && span_is(rest, "checkpoint"))
        code = serve_checkpoint(view, &log, reply, err);
    else if (code == 0 && tile_parse(rest, &tile))
        code = serve_tile(view, &log, &tile, reply, err);
    else if (code == 0 && span_starts(rest, SPAN_LIT("payload/")) &&
             span_u64(span_sub(rest, 8, rest.len), BUNDLE_NUMBER_MAX, &number))
        code = serve_payloads(view, &log, number, request, reply, err);
    else if (code == 0)
        return not_found(request, reply);
    return code == ERR_NOTFOUND ? not_found(request, reply) : code;
}

/* ---- /heads ---- */

struct heads_writer {
    struct buf *out;
    size_t lines;
};

static int write_head(void *ctx, const struct log_info *log, struct err *err)
{
    struct heads_writer *writer = ctx;
    writer->lines++;
    heads_write_line(writer->out, log->hex, span_str(log->origin), log->size);
    return buf_check(writer->out, "heads", err);
}

struct heads_since {
    char generation[17]; /* of the store */
    int64_t seq, reached;
};

/* From where on: what the cursor says, if it is one of this life of the store. Another, or none: everything is told. */
static int read_since(const struct view *view, struct span cursor, struct heads_since *ret, struct err *err)
{
    char asked[17];
    bool is_member = view->viewer.class == VIEWER_MEMBER;
    int64_t now, since, hidden, came = 0;
    *ret = (struct heads_since){0};
    int code = store_seq(view->store, &now, ret->generation, err);
    if (code == 0 && is_member)
        code = reach_count(view->store, &came, err);
    if (code == 0 && heads_cursor_reached(&cursor, &hidden) && heads_cursor_parse(cursor, asked, &since) &&
        strcmp(asked, ret->generation) == 0 && since <= now) {
        int64_t reached = is_member && hidden > 0 ? heads_reached_show(view->viewer.origin, hidden) : 0;
        ret->seq = since;
        ret->reached = reached <= came ? reached : 0; /* more: it is not this process's */
    }
    return code;
}

static int route_heads(const struct view *view, const struct http_request *request, struct http_reply *reply,
                       struct err *err)
{
    struct heads_writer writer = {&reply->body, 0};
    struct heads_since since;
    struct span cursor = http_query(request, "since");
    bool is_member = view->viewer.class == VIEWER_MEMBER;
    int64_t next = 0, reached = 0;
    if (cursor.len > HEADS_CURSOR_MAX)
        return bad_request(request, reply, TR_MARK("since: not a cursor"));
    int code = read_since(view, cursor, &since, err);
    if (code == 0)
        code = view_heads(view, since.seq, HEADS_PAGE_MAX, write_head, &writer, &next, err);
    /* What came for this member to logs that did not change for all; on the last page, which has room for it. */
    size_t room = HEADS_PAGE_MAX - writer.lines;
    if (code == 0)
        code = view_heads_came(view, since.seq, since.reached, room, write_head, &writer, &reached, err);
    if (code < 0)
        return code;
    unsigned wait_s = http_prefer_wait(request->prefer, HTTP_WAIT_MAX_S);
    if (writer.lines == 0 && wait_s > 0 && !request->waited) {
        reply->wait_seq = next;
        /* Words of groups whose lists were not folded yet are missing: what is told again since then wakes it at once. */
        reply->wait_reached = is_member ? view->came : INT64_MAX;
        reply->wait_s = wait_s;
        return 0;
    }
    bool has_more = room == 0;
    if (is_member)
        heads_write_end_reached(&reply->body, has_more, since.generation, next,
                                heads_reached_hide(view->viewer.origin, reached));
    else
        heads_write_end(&reply->body, has_more, since.generation, next);
    reply->content_type = "text/plain; charset=utf-8";
    reply->cache_control = "no-store";
    return buf_check(&reply->body, "heads", err);
}

const struct route connect_routes[CONNECT_ROUTES] = {
    {HTTP_GET, "/logs/{hash}/{rest}", OUTLET_HTTP_LOGS, route_log,
     "one log: checkpoint, tile/L/N, tile/entries/N, payload/N?from=&to="},
    {HTTP_GET, "/heads", OUTLET_HTTP_HEADS, route_heads, "logs whose size or payloads changed since a cursor"},
    {HTTP_GET, "/node", OUTLET_HTTP_STATUS, route_node, "who runs this node, as JSON"},
    {HTTP_GET, NAMING_PATH, OUTLET_HTTP_STATUS, route_well_known, "whose names this website vouches for"},
    {HTTP_GET, "/healthz", OUTLET_HTTP_STATUS, route_health, "does the node answer"},
    {HTTP_GET, "/metrics", OUTLET_HTTP_STATUS, route_metrics, "figures for Prometheus"},
};

#include "connect/verify_tree.h"

#include <stdio.h>

#include "base/codec.h"
#include "connect/fetch.h"
#include "connect/heads.h"
#include "connect/listing.h"

#define URL_MAX 1024

/* One connection for all that is asked: over a long way the handshakes would take most of the time. */
struct asking {
    struct fetcher *fetcher;
    const char *base;
    struct fetch_reply reply;
    bool is_done;
};

static void take_reply(void *ctx, struct fetch_reply *reply)
{
    struct asking *asking = ctx;
    asking->reply = *reply;
    buf_init(&reply->body, 0);
    asking->is_done = true;
}

/* 0 and the body in `out`; ERR_NOTFOUND for a 404. */
static int get(struct asking *asking, const char *path, size_t max, struct buf *out, struct err *err)
{
    char url[URL_MAX];
    if ((size_t)snprintf(url, sizeof(url), "%s%s", asking->base, path) >= sizeof(url))
        return err_set(err, ERR_LIMIT, "%s: URL above %d bytes", asking->base, URL_MAX - 1);
    struct fetch_request request = {.url = url, .body_max = max, .done = take_reply, .ctx = asking};
    asking->reply = (struct fetch_reply){0};
    buf_init(&asking->reply.body, 0);
    asking->is_done = false;
    int rc = fetch_start(asking->fetcher, &request, NULL, err);
    while (!rc && !asking->is_done)
        rc = fetcher_run(asking->fetcher, 1000, err);
    const struct fetch_reply *reply = &asking->reply;
    if (!rc && reply->code < 0)
        rc = err_set(err, reply->code, "%s", reply->err.text);
    if (!rc && reply->status != 200)
        rc = err_set(err, reply->status == 404 ? ERR_NOTFOUND : ERR_NET, "HTTP status %d", reply->status);
    if (!rc) {
        buf_clear(out);
        buf_span(out, buf_view(&reply->body));
        rc = buf_check(out, "answer", err);
    }
    fetch_reply_done(&asking->reply);
    return rc ? err_in(err, "%s", path) : 0;
}

/*
 * A tile or bundle, or, where a partial one went when the log grew, the full one, which begins with the same bytes (C2SP
 * tlog-tiles, "Partial Tiles"). *ret_path is what was asked for last.
 */
static int get_tile(struct asking *asking, struct tile tile, char path[TILE_PATH_MAX + 2], struct buf *out,
                    struct err *err)
{
    struct err gone = {0};
    size_t max = tile.level == TILE_LEVEL_ENTRIES ? BUNDLE_MAX : (size_t)TILE_WIDTH * TLOG_HASH_SIZE;
    path[0] = '/';
    tile_path(&tile, path + 1);
    int rc = get(asking, path, max, out, &gone);
    if (rc == ERR_NOTFOUND && tile.width < TILE_WIDTH) {
        tile.width = TILE_WIDTH;
        tile_path(&tile, path + 1);
        return get(asking, path, max, out, err);
    }
    if (rc)
        *err = gone;
    return rc;
}

struct remote {
    struct asking asking;
    struct buf bytes, payloads;
    struct verify_tree tree;
    struct verify_result *result;
};

static int check_payloads(struct remote *r, uint64_t first, size_t count, struct err *err)
{
    char path[96];
    struct bundle_reader entries = {.bundle = buf_view(&r->bytes)};
    struct span entry;
    size_t done = 0;
    while (done < count) {
        snprintf(path, sizeof(path), "/payload/%llu?from=%llu&to=%llu", (unsigned long long)(first / TILE_WIDTH),
                 (unsigned long long)(first + done), (unsigned long long)(first + count));
        struct err missing = {0};
        int rc = get(&r->asking, path, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 64, &r->payloads, &missing);
        if (rc == ERR_NOTFOUND)
            return 0; /* serves none: as good as holes */
        if (rc) {
            *err = missing;
            return rc;
        }
        struct payload_reader reader = {.bundle = buf_view(&r->payloads)};
        struct payload_item item;
        size_t before = done;
        int more;
        while (done < count && (more = payload_next(&reader, &item, err)) != 0) {
            if (more < 0 || bundle_next(&entries, &entry, err) <= 0)
                return err->code ? err_in(err, "%s", path)
                                 : err_set(err, ERR_SYNTAX, "%s: more payloads than entries", path);
            if (!item.hole && seal_check(span_str(r->tree.origin), entry, item.salt, item.payload, err))
                return err_in(err, "payload of entry %llu", (unsigned long long)(first + done));
            r->result->payloads += !item.hole;
            done++;
        }
        if (done == before)
            return err_set(err, ERR_SYNTAX, "%s: an empty answer", path);
    }
    return 0;
}

static int check_bundle(struct remote *r, uint64_t n, uint64_t size, struct err *err)
{
    char path[TILE_PATH_MAX + 2];
    struct tile tile = {TILE_LEVEL_ENTRIES, n, tile_width(TILE_LEVEL_ENTRIES, n, size)};
    struct span entry;
    unsigned count = 0;
    int more = 1;
    int rc = get_tile(&r->asking, tile, path, &r->bytes, err);
    if (rc)
        return rc;
    struct bundle_reader reader = {.bundle = buf_view(&r->bytes)};
    while (!rc && count < tile.width && (more = bundle_next(&reader, &entry, err)) > 0) {
        rc = verify_tree_add(&r->tree, entry, err);
        count++;
    }
    if (!rc && more < 0)
        rc = more;
    if (!rc && count != tile.width)
        rc = err_set(err, ERR_VERIFY, "%u entries, %u expected", count, tile.width);
    return rc ? err_in(err, "%s", path) : check_payloads(r, n * TILE_WIDTH, tile.width, err);
}

static int check_tiles(struct remote *r, uint64_t size, struct err *err)
{
    struct tlog_hash hashes[TILE_WIDTH];
    for (int level = 0; tile_level_count(level, size) > 0; level++) {
        for (uint64_t n = 0; n * TILE_WIDTH < tile_level_count(level, size); n++) {
            char path[TILE_PATH_MAX + 2];
            struct tile tile = {level, n, tile_width(level, n, size)};
            int rc = get_tile(&r->asking, tile, path, &r->bytes, err);
            if (rc)
                return rc;
            size_t len = tile.width * sizeof(struct tlog_hash);
            if (r->bytes.len != len && r->bytes.len != sizeof(hashes))
                return err_set(err, ERR_SYNTAX, "%s: %zu bytes, %zu expected", path, r->bytes.len, len);
            memcpy(hashes, r->bytes.data, len);
            rc = verify_tree_compare(&r->tree, level, n * TILE_WIDTH, hashes, tile.width, err);
            if (rc)
                return err_in(err, "%s", path);
            r->result->hashes += tile.width;
        }
    }
    return 0;
}

static int check_remote(struct remote *r, struct store *store, const struct verify_options *options, struct err *err)
{
    struct note note;
    struct checkpoint checkpoint;
    struct buf head;
    buf_init(&head, NOTE_MAX);
    int rc = get(&r->asking, "/checkpoint", NOTE_MAX, &head, err);
    if (!rc)
        rc = note_parse(buf_view(&head), &note, err);
    if (!rc)
        rc = checkpoint_parse(note.text, &checkpoint, err);
    if (!rc)
        rc = verify_tree_init(&r->tree, checkpoint.origin, err);
    if (!rc) {
        snprintf(r->result->origin, sizeof(r->result->origin), "%s", r->tree.origin);
        r->result->size = checkpoint.size;
    }
    for (uint64_t n = 0; !rc && n * TILE_WIDTH < checkpoint.size; n++) {
        rc = check_bundle(r, n, checkpoint.size, err);
        if (options->progress)
            options->progress(options->ctx, n * TILE_WIDTH, checkpoint.size);
    }
    if (!rc)
        rc = check_tiles(r, checkpoint.size, err);
    if (!rc)
        rc = verify_tree_head(&r->tree, store, buf_view(&head), r->result, err);
    r->result->entries = r->tree.size;
    buf_done(&head);
    return rc;
}

int verify_url(struct store *store, const char *url, const struct verify_options *options, struct verify_result *ret,
               struct err *err)
{
    struct remote r = {.asking = {.base = url}, .result = ret};
    *ret = (struct verify_result){0};
    buf_init(&r.bytes, BUNDLE_MAX);
    buf_init(&r.payloads, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 64);
    int rc = fetcher_new(&r.asking.fetcher, err);
    if (!rc) {
        rc = check_remote(&r, store, options, err);
        fetcher_free(r.asking.fetcher);
    }
    verify_tree_done(&r.tree);
    buf_done(&r.bytes);
    buf_done(&r.payloads);
    return rc ? err_in(err, "%s", url) : 0;
}

/* Each log of one answer. */
static int page_each(const char *url, struct span answer, struct heads_reader *heads,
                     int (*each)(void *ctx, const char *log_url, const char *origin, struct err *err), void *ctx,
                     struct err *err)
{
    struct heads_line line;
    int more, rc = 0;
    heads_reader_init(heads, answer);
    while (!rc && (more = heads_next(heads, &line, err)) != 0) {
        char hex[65], log_url[URL_MAX], origin[ORIGIN_MAX + 1];
        if (more < 0)
            return more;
        hex_encode(line.hash, 32, hex);
        snprintf(log_url, sizeof(log_url), "%s/logs/%s", url, hex);
        snprintf(origin, sizeof(origin), "%.*s", SPAN_ARGS(line.origin));
        rc = each(ctx, log_url, origin, err);
    }
    return rc;
}

int verify_node_logs(const char *url, int (*each)(void *ctx, const char *log_url, const char *origin, struct err *err),
                     void *ctx, struct err *err)
{
    struct asking asking = {.base = url};
    struct buf answer;
    struct heads_reader heads;
    struct listing listing = {0};
    char path[HEADS_CURSOR_MAX + 32] = "/heads";
    int rc = fetcher_new(&asking.fetcher, err);
    if (rc)
        return rc;
    buf_init(&answer, HEADS_ANSWER_MAX);
    do {
        rc = get(&asking, path, HEADS_ANSWER_MAX, &answer, err);
        if (!rc)
            rc = page_each(url, buf_view(&answer), &heads, each, ctx, err);
        if (!rc && heads.more && (rc = listing_page(&listing, buf_view(&answer), err)) == 0)
            rc = err_set(err, ERR_LIMIT, "%s: announces more logs than can be listed at once", url);
        if (rc >= 0)
            snprintf(path, sizeof(path), "/heads?since=%.*s", SPAN_ARGS(heads.cursor));
    } while (rc > 0);
    listing_done(&listing);
    buf_done(&answer);
    fetcher_free(asking.fetcher);
    return rc;
}

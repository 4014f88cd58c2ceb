#include "connect/fork_remote.h"

#include <stdio.h>
#include <stdlib.h>

#include "connect/fetch.h"
#include "tlog/tile.h"

#define REMOTE_TILES 32 /* kept: a proof needs two a level */

struct remote_tile {
    int level;
    uint64_t index;
    unsigned width;
    struct tlog_hash hashes[TILE_WIDTH];
};

struct fork_remote {
    struct fetcher *fetcher;
    const struct fork_hunt *hunt;
    char hex[65];
    uint64_t size;
    struct remote_tile tiles[REMOTE_TILES];
    size_t count, turn;
    bool is_done;
    struct fetch_reply reply;
};

static void remote_done(void *ctx, struct fetch_reply *reply)
{
    struct fork_remote *remote = ctx;
    fetch_reply_done(&remote->reply);
    remote->reply = *reply;
    buf_init(&reply->body, 0);
    remote->is_done = true;
}

static int remote_get(struct fork_remote *remote, const struct tile *tile, struct err *err)
{
    const struct fork_hunt *hunt = remote->hunt;
    char url[1024], path[TILE_PATH_MAX];
    struct fetch *fetch;
    tile_path(tile, path);
    snprintf(url, sizeof(url), "%s/logs/%s/%s", hunt->url, remote->hex, path);
    struct fetch_request request = {.url = url,
                                    .body_max = (size_t)TILE_WIDTH * TLOG_HASH_SIZE,
                                    .low_speed_bps = hunt->low_speed_bps,
                                    .low_speed_s = hunt->low_speed_s,
                                    .connect_timeout_ms = hunt->connect_timeout_ms,
                                    .done = remote_done,
                                    .ctx = remote};
    remote->is_done = false;
    int code = fetch_start(remote->fetcher, &request, &fetch, err);
    while (code == 0 && !remote->is_done) {
        code = fetcher_run(remote->fetcher, 200, err);
        if (code == 0 && !remote->is_done && fork_hunt_stopped(hunt)) {
            fetch_cancel(fetch);
            return err_set(err, ERR_NET, "stopped");
        }
    }
    if (code == 0 && remote->reply.code < 0)
        code = err_set(err, remote->reply.code, "%s: %s", path, remote->reply.err.text);
    return code;
}

static int remote_load(struct fork_remote *remote, int level, uint64_t index, const struct remote_tile **ret,
                       struct err *err)
{
    for (size_t i = 0; i < remote->count; i++)
        if (remote->tiles[i].level == level && remote->tiles[i].index == index) {
            *ret = &remote->tiles[i];
            return 0;
        }
    unsigned width = tile_width(level, index, remote->size);
    struct tile tile = {.level = level, .index = index, .width = width};
    int code = remote_get(remote, &tile, err);
    if (code == 0 && remote->reply.status == 404 && width < TILE_WIDTH) {
        tile.width = TILE_WIDTH; /* the partial one went when the log grew */
        code = remote_get(remote, &tile, err);
    }
    if (code < 0)
        return code;
    if (remote->reply.status != 200)
        return err_set(err, ERR_NET, "tile of level %d: status %d", level, remote->reply.status);
    size_t len = remote->reply.body.len;
    if (len != (size_t)tile.width * TLOG_HASH_SIZE)
        return err_set(err, ERR_SYNTAX, "tile of level %d: %zu bytes, expected %u", level, len,
                       tile.width * TLOG_HASH_SIZE);
    struct remote_tile *slot =
        &remote->tiles[remote->count < REMOTE_TILES ? remote->count++ : remote->turn++ % REMOTE_TILES];
    slot->level = level;
    slot->index = index;
    slot->width = width;
    memcpy(slot->hashes, remote->reply.body.data, (size_t)width * TLOG_HASH_SIZE);
    *ret = slot;
    return 0;
}

static int remote_read(void *ctx, unsigned level, uint64_t first, size_t count, struct tlog_hash *out, struct err *err)
{
    while (count > 0) {
        const struct remote_tile *tile = NULL;
        int code = remote_load(ctx, (int)level, first / TILE_WIDTH, &tile, err);
        if (code < 0)
            return code;
        size_t at = (size_t)(first % TILE_WIDTH), n = tile->width > at ? tile->width - at : 0;
        if (n == 0)
            return err_set(err, ERR_USAGE, "hash %llu of level %u is beyond the tree", (unsigned long long)first,
                           level);
        if (n > count)
            n = count;
        memcpy(out, tile->hashes + at, n * sizeof(*out));
        out += n;
        first += n;
        count -= n;
    }
    return 0;
}

bool fork_hunt_stopped(const struct fork_hunt *hunt)
{
    return hunt->stop && atomic_load(hunt->stop);
}

int fork_remote_new(struct fetcher *fetcher, const struct fork_hunt *hunt, const char *hex, uint64_t size,
                    struct fork_remote **ret, struct tlog_source *ret_source, struct err *err)
{
    struct fork_remote *remote = calloc(1, sizeof(*remote));
    if (!remote)
        return err_memory(err);
    remote->fetcher = fetcher;
    remote->hunt = hunt;
    remote->size = size;
    snprintf(remote->hex, sizeof(remote->hex), "%s", hex);
    buf_init(&remote->reply.body, 0);
    *ret = remote;
    *ret_source = (struct tlog_source){remote_read, remote};
    return 0;
}

void fork_remote_free(struct fork_remote *remote)
{
    if (remote)
        fetch_reply_done(&remote->reply);
    free(remote);
}

#include "connect/static.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connect/heads.h"
#include "connect/peering.h"

#define STATIC_FILE_MAX (1u << 30) /* bytes of one payload bundle: 256 payloads of 4 MiB */

struct writing {
    const struct view *view;
    const char *dir;
    struct buf bytes, part, heads;
    struct static_result *result;
};

static int make_parents(char *path, struct err *err)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        int failed = mkdir(path, 0755) != 0 && errno != EEXIST;
        *at = '/';
        if (failed)
            return err_sys(err, "%s: make folder", path);
    }
    return 0;
}

static int write_all(int fd, struct span bytes)
{
    while (bytes.len) {
        ssize_t done = write(fd, bytes.data, bytes.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        bytes = span_sub(bytes, (size_t)done, SIZE_MAX);
    }
    return 0;
}

/* Aside, then renamed: a file server never shows half a file. World-readable: it is the public's. */
static int put_file(struct writing *w, const char *path, struct span bytes, struct err *err)
{
    char aside[4200], whole[4100];
    int rc = 0;
    if ((size_t)snprintf(whole, sizeof(whole), "%s/%s", w->dir, path) >= sizeof(whole))
        return err_set(err, ERR_LIMIT, "%s/%s: path above %zu bytes", w->dir, path, sizeof(whole) - 1);
    snprintf(aside, sizeof(aside), "%s.new", whole);
    rc = make_parents(whole, err);
    if (rc)
        return rc;
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_sys(err, "%s", aside);
    if (fchmod(fd, 0644) != 0 || write_all(fd, bytes) != 0 || fdatasync(fd) != 0)
        rc = err_sys(err, "%s: write", aside);
    close(fd);
    if (!rc && rename(aside, whole) != 0)
        rc = err_sys(err, "%s: rename", whole);
    if (rc)
        unlink(aside);
    w->result->files_written++;
    w->result->bytes += bytes.len;
    return rc;
}

/* Tiles never change: one that is there in full length needs no writing. */
static bool is_there(const struct writing *w, const char *path, size_t len)
{
    char whole[4100];
    struct stat st;
    snprintf(whole, sizeof(whole), "%s/%s", w->dir, path);
    return stat(whole, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == len;
}

static int put_tile(struct writing *w, const struct log_info *log, const struct tile *tile, struct err *err)
{
    char name[TILE_PATH_MAX], path[TILE_PATH_MAX + 80];
    tile_path(tile, name);
    snprintf(path, sizeof(path), "logs/%s/%s", log->hex, name);
    if (tile->level != TILE_LEVEL_ENTRIES && is_there(w, path, tile->width * (size_t)TLOG_HASH_SIZE)) {
        w->result->files_kept++;
        return 0;
    }
    buf_clear(&w->bytes);
    int rc = view_tile(w->view, log, tile, &w->bytes, err);
    if (!rc && is_there(w, path, w->bytes.len)) {
        w->result->files_kept++;
        return 0;
    }
    return rc ? rc : put_file(w, path, buf_view(&w->bytes), err);
}

static int put_level(struct writing *w, const struct log_info *log, int level, struct err *err)
{
    uint64_t count = tile_level_count(level, log->size);
    for (uint64_t n = 0; n * TILE_WIDTH < count; n++) {
        struct tile tile = {level, n, tile_width(level, n, log->size)};
        int rc = put_tile(w, log, &tile, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* A file server knows no ?from=: the whole bundle in one file, up to STATIC_FILE_MAX; behind that come holes. */
static int gather_payloads(struct writing *w, const struct log_info *log, uint64_t first, size_t count, struct err *err)
{
    buf_clear(&w->bytes);
    for (size_t done = 0; done < count;) {
        size_t covered;
        buf_clear(&w->part);
        int rc = view_payloads(w->view, log, first + done, count - done, &w->part, &covered, err);
        if (rc)
            return rc;
        if (w->bytes.len + w->part.len > STATIC_FILE_MAX)
            covered = 0;
        else
            buf_span(&w->bytes, buf_view(&w->part));
        if (covered == 0)
            for (; done < count; done++)
                payload_add_hole(&w->bytes);
        done += covered;
    }
    return buf_check(&w->bytes, "payload bundle", err);
}

static int put_payloads(struct writing *w, const struct log_info *log, struct err *err)
{
    for (uint64_t n = 0; n * TILE_WIDTH < log->size; n++) {
        char path[128];
        uint64_t first = n * TILE_WIDTH, left = log->size - first;
        snprintf(path, sizeof(path), "logs/%s/payload/%llu", log->hex, (unsigned long long)n);
        int rc = gather_payloads(w, log, first, left < TILE_WIDTH ? (size_t)left : TILE_WIDTH, err);
        /* Written each time, since an erasure changes it in place; holes alone are four bytes an entry. */
        if (!rc)
            rc = put_file(w, path, buf_view(&w->bytes), err);
        if (rc)
            return rc;
    }
    return 0;
}

static int put_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct writing *w = ctx;
    char path[128];
    if (log->size == 0 || log->role == LOG_LISTED)
        return 0;
    int rc = put_level(w, log, TILE_LEVEL_ENTRIES, err);
    for (int level = 0; !rc && level <= TILE_LEVEL_MAX && tile_level_count(level, log->size) > 0; level++)
        rc = put_level(w, log, level, err);
    if (!rc)
        rc = put_payloads(w, log, err);
    snprintf(path, sizeof(path), "logs/%s/checkpoint", log->hex);
    buf_clear(&w->bytes);
    if (!rc)
        rc = view_checkpoint(w->view, log, &w->bytes, err);
    if (!rc)
        rc = put_file(w, path, buf_view(&w->bytes), err);
    heads_write_line(&w->heads, log->hex, span_str(log->origin), log->size);
    w->result->logs++;
    return rc ? err_in(err, "%s", log->origin) : 0;
}

/* What GET /node and GET /heads say, as files. */
static int put_front(struct writing *w, struct err *err)
{
    struct log_info operator;
    char generation[17];
    int64_t seq;
    int rc = store_operator(w->view->store, &operator, err);
    if (!rc)
        rc = store_seq(w->view->store, &seq, generation, err);
    if (rc)
        return rc;
    heads_write_end(&w->heads, false, generation, seq);
    rc = put_file(w, "heads", buf_view(&w->heads), err);
    buf_clear(&w->bytes);
    if (!rc)
        rc = node_facts_write(span_str(operator.origin), &w->bytes, err);
    return rc ? rc : put_file(w, "node", buf_view(&w->bytes), err);
}

int static_export(const struct view *view, const char *dir, struct static_result *ret, struct err *err)
{
    struct writing w = {.view = view, .dir = dir, .result = ret};
    *ret = (struct static_result){0};
    buf_init(&w.bytes, STATIC_FILE_MAX + 4 * TILE_WIDTH);
    buf_init(&w.part, PAYLOAD_BUNDLE_MAX + (20u << 20));
    buf_init(&w.heads, 1u << 30);
    int rc = view_logs(view, put_log, &w, err);
    if (!rc)
        rc = put_front(&w, err);
    if (!rc)
        rc = buf_check(&w.heads, "heads", err);
    buf_done(&w.bytes);
    buf_done(&w.part);
    buf_done(&w.heads);
    return rc;
}

#include "connect/static.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connect/heads.h"
#include "connect/peering.h"

struct writing {
    const struct view *view;
    const char *dir;
    struct buf bytes, part, checkpoint, heads;
    struct static_result *result;
    const struct static_options *options;
    uint64_t done, total; /* bytes */
};

/* Folders that we make are the public's, too, whatever the umask. */
static int make_parents(char *path, struct err *err)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        bool made = mkdir(path, 0755) == 0;
        int rc =
            (!made && errno != EEXIST) || (made && chmod(path, 0755) != 0) ? err_sys(err, "%s: make folder", path) : 0;
        *at = '/';
        if (rc)
            return rc;
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

static bool is_same(const char *path, struct span bytes)
{
    uint8_t piece[65536];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool same = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == bytes.len;
    for (size_t at = 0; same && at < bytes.len;) {
        ssize_t got = read(fd, piece, sizeof(piece));
        same = got > 0 && (size_t)got <= bytes.len - at && memcmp(piece, bytes.data + at, (size_t)got) == 0;
        at += same ? (size_t)got : 0;
    }
    if (fd >= 0)
        close(fd);
    return same;
}

/*
 * Aside, then renamed: a file server never shows half a file. World-readable: it is the public's. What is the same already
 * is left alone, so that a tree is brought up to date, and sent on, at the cost of what changed.
 */
static int put_file(struct writing *w, const char *path, struct span bytes, struct err *err)
{
    char aside[4200], whole[4100];
    int rc = 0;
    if ((size_t)snprintf(whole, sizeof(whole), "%s/%s", w->dir, path) >= sizeof(whole))
        return err_set(err, ERR_LIMIT, "%s/%s: path above %zu bytes", w->dir, path, sizeof(whole) - 1);
    w->done += bytes.len;
    if (w->options->progress)
        w->options->progress(w->options->ctx, w->done, w->total);
    if (is_same(whole, bytes)) {
        w->result->files_kept++;
        return 0;
    }
    snprintf(aside, sizeof(aside), "%s.new", whole);
    rc = make_parents(whole, err);
    if (rc)
        return rc;
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_sys(err, "%s", aside);
    if (fchmod(fd, 0644) != 0 || write_all(fd, bytes) != 0)
        rc = err_sys(err, "%s: write", aside);
    if (close(fd) != 0 && !rc)
        rc = err_sys(err, "%s: close", aside);
    if (!rc && rename(aside, whole) != 0)
        rc = err_sys(err, "%s: rename", whole);
    if (rc)
        unlink(aside);
    w->result->files_written++;
    w->result->bytes += bytes.len;
    return rc;
}

/* Once for all: the tree can be written again at any time, so a power cut before costs nothing but that. */
static int sync_tree(const struct writing *w, struct err *err)
{
    int fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 && syncfs(fd) == 0 ? 0 : err_sys(err, "%s: sync", w->dir);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int put_tile(struct writing *w, const struct log_info *log, const struct tile *tile, struct err *err)
{
    char name[TILE_PATH_MAX], path[TILE_PATH_MAX + 80];
    tile_path(tile, name);
    snprintf(path, sizeof(path), "logs/%s/%s", log->hex, name);
    buf_clear(&w->bytes);
    int rc = view_tile(w->view, log, tile, &w->bytes, err);
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

/* Payloads that are to be seen among these. */
static int count_payloads(struct span bundle, uint64_t *ret, struct err *err)
{
    struct payload_reader reader = {.bundle = bundle};
    struct payload_item item;
    int more;
    while ((more = payload_next(&reader, &item, err)) > 0)
        *ret += !item.hole;
    return more;
}

/* The whole bundle in one file, as far as one answer goes; behind that come holes. */
static int gather_payloads(struct writing *w, const struct log_info *log, uint64_t first, size_t count, struct err *err)
{
    size_t done = 0;
    buf_clear(&w->bytes);
    int rc = view_payloads(w->view, log, first, count, &w->bytes, &done, err);
    for (size_t covered; !rc && done < count; done += covered) {
        buf_clear(&w->part);
        rc = view_payloads(w->view, log, first + done, count - done, &w->part, &covered, err);
        if (!rc)
            rc = count_payloads(buf_view(&w->part), &w->result->payloads_left_out, err);
        for (size_t i = 0; !rc && i < covered; i++)
            payload_add_hole(&w->bytes);
    }
    return rc ? rc : buf_check(&w->bytes, "payload bundle", err);
}

static int put_payloads(struct writing *w, const struct log_info *log, struct err *err)
{
    for (uint64_t n = 0; n * TILE_WIDTH < log->size; n++) {
        char path[128];
        uint64_t first = n * TILE_WIDTH, left = log->size - first;
        snprintf(path, sizeof(path), "logs/%s/payload/%llu", log->hex, (unsigned long long)n);
        int rc = gather_payloads(w, log, first, left < TILE_WIDTH ? (size_t)left : TILE_WIDTH, err);
        /* Made each time, since an erasure changes it in place. */
        if (!rc)
            rc = put_file(w, path, buf_view(&w->bytes), err);
        if (rc)
            return rc;
    }
    return 0;
}

/*
 * The signed checkpoint is read first and written last: it says which size goes out. The log may grow meanwhile, and a
 * checkpoint read later would cover tiles that are not in the tree.
 */
static int take_checkpoint(struct writing *w, struct log_info *log, struct err *err)
{
    struct note note;
    struct checkpoint checkpoint;
    buf_clear(&w->checkpoint);
    int rc = view_checkpoint(w->view, log, &w->checkpoint, err);
    if (!rc)
        rc = note_parse(buf_view(&w->checkpoint), &note, err);
    if (!rc)
        rc = checkpoint_parse(note.text, &checkpoint, err);
    if (!rc)
        log->size = checkpoint.size;
    return rc;
}

static int put_log(void *ctx, const struct log_info *now, struct err *err)
{
    struct writing *w = ctx;
    struct log_info log = *now;
    char path[128];
    if (log.size == 0 || log.role == LOG_LISTED)
        return 0;
    if (w->result->logs == HEADS_PAGE_MAX) {
        w->result->logs_left_out++;
        return 0;
    }
    int rc = take_checkpoint(w, &log, err);
    if (!rc)
        rc = put_level(w, &log, TILE_LEVEL_ENTRIES, err);
    for (int level = 0; !rc && level <= TILE_LEVEL_MAX && tile_level_count(level, log.size) > 0; level++)
        rc = put_level(w, &log, level, err);
    if (!rc)
        rc = put_payloads(w, &log, err);
    snprintf(path, sizeof(path), "logs/%s/checkpoint", log.hex);
    if (!rc)
        rc = put_file(w, path, buf_view(&w->checkpoint), err);
    heads_write_line(&w->heads, log.hex, span_str(log.origin), log.size);
    w->result->logs++;
    return rc ? err_in(err, "%s", log.origin) : 0;
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
    rc = buf_check(&w->heads, "heads", err);
    if (!rc)
        rc = put_file(w, "heads", buf_view(&w->heads), err);
    buf_clear(&w->bytes);
    if (!rc)
        rc = node_facts_write(span_str(operator.origin), &w->bytes, err);
    return rc ? rc : put_file(w, "node", buf_view(&w->bytes), err);
}

static int add_bytes(void *ctx, const struct log_info *log, struct err *err)
{
    (void)err;
    *(uint64_t *)ctx += log->bytes;
    return 0;
}

int static_export(const struct view *view, const char *dir, const struct static_options *options,
                  struct static_result *ret, struct err *err)
{
    struct writing w = {.view = view, .dir = dir, .options = options, .result = ret};
    *ret = (struct static_result){0};
    buf_init(&w.bytes, PAYLOAD_BUNDLE_MAX + (20u << 20));
    buf_init(&w.part, PAYLOAD_BUNDLE_MAX + (20u << 20));
    buf_init(&w.checkpoint, NOTE_MAX);
    buf_init(&w.heads, HEADS_ANSWER_MAX);
    int rc = view_logs(view, add_bytes, &w.total, err);
    if (!rc)
        rc = view_logs(view, put_log, &w, err);
    if (!rc)
        rc = put_front(&w, err);
    if (!rc)
        rc = sync_tree(&w, err);
    buf_done(&w.bytes);
    buf_done(&w.part);
    buf_done(&w.checkpoint);
    buf_done(&w.heads);
    return rc;
}

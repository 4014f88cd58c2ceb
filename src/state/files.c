#include "state/internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void files_init(struct store *store)
{
    for (size_t i = 0; i < STORE_FILES_MAX; i++)
        store->files[i].fd = -1;
    /* Twice the piece: an addition up to one piece long always fits before the flush. */
    for (size_t i = 0; i < STREAMS; i++)
        buf_init(&store->streams[i], 2 * STREAM_PIECE);
}

void file_path(const struct store *store, const char *hex, int kind, char out[PATH_MAX])
{
    static const char *const names[] = {"data", "slots", "entries", "bundles"};
    /* store_open has seen to it that DIR leaves room for the rest. */
    if (kind < 0)
        snprintf(out, PATH_MAX, "%.3900s/state.db", store->dir);
    else if (kind < FILE_HASHES)
        snprintf(out, PATH_MAX, "%.3900s/%s/%s/%s", store->dir, kind <= FILE_SLOTS ? "payloads" : "logs", hex,
                 names[kind]);
    else
        snprintf(out, PATH_MAX, "%.3900s/logs/%s/hashes.%d", store->dir, hex, kind - FILE_HASHES);
}

uint64_t file_due(const struct log_row *row, int kind)
{
    uint64_t full = row_full(row);
    switch (kind) {
    case FILE_DATA:
        return row->payload_end;
    case FILE_SLOTS:
        return 8 * full;
    case FILE_ENTRIES:
        return row->entries_end;
    case FILE_BUNDLES:
        return 8 * (full / TILE_WIDTH);
    default:
        return TLOG_HASH_SIZE * tile_level_count(kind - FILE_HASHES, full);
    }
}

static int folder_remember(struct store *store, const char *path, struct err *err)
{
    /* A folder met twice comes again soon; one missed here is only synced twice. */
    const struct folder *f = store->folders;
    for (int i = 0; f && i < 8; i++, f = f->next)
        if (strcmp(f->path, path) == 0)
            return 0;
    size_t len = strlen(path) + 1;
    struct folder *folder = malloc(sizeof *folder + len);
    if (!folder)
        return err_memory(err);
    memcpy(folder->path, path, len);
    folder->next = store->folders;
    store->folders = folder;
    return 0;
}

/* Sync them if `rc` is 0, forget them in any case. */
static int folders_end(struct store *store, int rc, struct err *err)
{
    while (store->folders) {
        struct folder *folder = store->folders;
        if (!rc)
            rc = disk_sync_folder(folder->path, err);
        store->folders = folder->next;
        free(folder);
    }
    return rc;
}

void files_close(struct store *store)
{
    for (size_t i = 0; i < STORE_FILES_MAX; i++) {
        if (store->files[i].fd >= 0)
            close(store->files[i].fd);
        store->files[i].fd = -1;
    }
    for (size_t i = 0; i < STREAMS; i++)
        buf_done(&store->streams[i]);
    struct err unused;
    folders_end(store, ERR_STATE, &unused);
}

/*
 * Folder DIR/logs/HEX or DIR/payloads/HEX. What is new gets synced at commit, and so do its parents; and so does what is
 * there already if no commit has relied on it yet: a process that was killed may have made it, and synced nothing.
 */
static int folder_make(struct store *store, const char *file, bool relied_on, struct err *err)
{
    char path[PATH_MAX], parent[PATH_MAX];
    snprintf(path, sizeof path, "%s", file);
    *strrchr(path, '/') = 0;
    snprintf(parent, sizeof parent, "%s", path);
    *strrchr(parent, '/') = 0;
    bool made;
    int rc = disk_mkdir(parent, &made, err);
    if (!rc && (made || !relied_on))
        rc = folder_remember(store, store->dir, err);
    if (!rc)
        rc = disk_mkdir(path, &made, err);
    if (!rc && (made || !relied_on))
        rc = folder_remember(store, parent, err);
    return rc;
}

static int file_create(struct store *store, const char *path, bool relied_on, int *ret_fd, struct err *err)
{
    bool made = false;
    int rc = folder_make(store, path, relied_on, err);
    if (!rc)
        rc = disk_open(path, O_RDWR | O_CREAT, ret_fd, &made, err);
    if (rc || (!made && relied_on))
        return rc;
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    rc = folder_remember(store, folder, err);
    if (rc)
        close(*ret_fd);
    return rc;
}

/* The place of the file used longest ago; what was written to it and not synced is synced first. */
static int file_evict(struct store *store, struct file **ret, struct err *err)
{
    struct file *oldest = &store->files[0];
    for (size_t i = 0; i < STORE_FILES_MAX; i++) {
        struct file *f = &store->files[i];
        if (f->fd < 0) {
            *ret = f;
            return 0;
        }
        if (f->used < oldest->used)
            oldest = f;
    }
    if (oldest->dirty) {
        int rc = disk_sync(oldest->fd, "a log's file", err);
        if (rc)
            return store_poison(store, err);
    }
    close(oldest->fd);
    oldest->fd = -1;
    *ret = oldest;
    return 0;
}

int file_get(struct store *store, const struct log_row *row, int kind, bool write, int *ret_fd, struct err *err)
{
    for (size_t i = 0; i < STORE_FILES_MAX; i++) {
        struct file *f = &store->files[i];
        if (f->fd >= 0 && f->number == row->info.number && f->kind == kind && (f->writable || !write)) {
            f->used = ++store->clock;
            f->dirty |= write;
            *ret_fd = f->fd;
            return 0;
        }
    }
    char path[PATH_MAX];
    file_path(store, row->info.hex, kind, path);
    struct file *place = NULL;
    int fd, rc = file_evict(store, &place, err);
    if (rc)
        return rc;
    if (write)
        rc = file_create(store, path, file_due(row, kind) > 0, &fd, err);
    else
        rc = disk_open(path, O_RDONLY, &fd, NULL, err);
    if (rc)
        return write ? store_poison(store, err) : rc;
    *place = (struct file){row->info.number, kind, fd, write, write, ++store->clock};
    *ret_fd = fd;
    return 0;
}

int file_read(struct store *store, const struct log_row *row, int kind, void *out, size_t len, uint64_t offset,
              struct err *err)
{
    if (len == 0)
        return 0;
    errno = 0;
    int fd, rc = file_get(store, row, kind, false, &fd, err);
    if (!rc) {
        char path[PATH_MAX];
        file_path(store, row->info.hex, kind, path);
        rc = disk_pread(fd, out, len, offset, path, err);
    }
    if (rc == ERR_IO && errno != EMFILE && errno != ENFILE) {
        char text[ERR_TEXT_MAX];
        snprintf(text, sizeof text, "%s", err->text);
        err_set(err, ERR_IO, "%s; a damaged log is fetched again from its mirrors by `tongzhou sync`", text);
    }
    return rc;
}

int file_write(struct store *store, const struct log_row *row, int kind, struct span data, uint64_t offset,
               struct err *err)
{
    if (data.len == 0)
        return 0;
    int fd, rc = file_get(store, row, kind, true, &fd, err);
    if (rc)
        return rc;
    char path[PATH_MAX];
    file_path(store, row->info.hex, kind, path);
    rc = disk_pwrite(fd, data, offset, path, err);
    return rc ? store_poison(store, err) : 0;
}

int file_zero(struct store *store, const struct log_row *row, int kind, uint64_t at, uint64_t length, struct err *err)
{
    static const uint8_t zeros[65536];
    int rc = 0;
    while (!rc && length > 0) {
        size_t part = length < sizeof zeros ? (size_t)length : sizeof zeros;
        rc = file_write(store, row, kind, span_of(zeros, part), at, err);
        at += part;
        length -= part;
    }
    return rc;
}

int file_cut(struct store *store, const struct log_row *row, int kind, uint64_t length, struct err *err)
{
    char path[PATH_MAX];
    file_path(store, row->info.hex, kind, path);
    if (access(path, F_OK) != 0)
        return 0;
    int fd, rc = file_get(store, row, kind, true, &fd, err);
    uint64_t now = 0;
    if (!rc)
        rc = disk_length(fd, path, &now, err);
    if (rc || now <= length)
        return rc;
    rc = disk_truncate(fd, length, path, err);
    return rc ? store_poison(store, err) : 0;
}

int files_sync(struct store *store, struct err *err)
{
    int rc = 0;
    /*
     * All of them on their way to the disk before waiting for the first, so that one journal commit serves most of
     * them: 256 records at once take 19 ms for 22 beside other work on ext4 (median of 60, mean of 6 runs).
     */
    for (size_t i = 0; i < STORE_FILES_MAX; i++)
        if (store->files[i].fd >= 0 && store->files[i].dirty)
            disk_hurry(store->files[i].fd);
    for (int kind = 0; kind < FILE_KINDS && !rc; kind++) {
        for (size_t i = 0; i < STORE_FILES_MAX && !rc; i++) {
            struct file *f = &store->files[i];
            if (f->fd < 0 || !f->dirty || f->kind != kind)
                continue;
            rc = disk_sync(f->fd, "a log's file", err);
            f->dirty = false;
        }
    }
    rc = folders_end(store, rc, err);
    return rc ? store_poison(store, err) : 0;
}

void stream_begin(struct stream *stream, struct store *store, const struct log_row *row, int kind, uint64_t offset)
{
    assert(kind < STREAMS);
    *stream = (struct stream){store, row, kind, offset, &store->streams[kind]};
    buf_clear(stream->buf);
}

int stream_end(struct stream *stream, struct err *err)
{
    struct span data = buf_view(stream->buf);
    int rc = file_write(stream->store, stream->row, stream->kind, data, stream->offset - data.len, err);
    buf_clear(stream->buf);
    return rc;
}

int stream_add(struct stream *stream, struct span data, struct err *err)
{
    if (stream->buf->len + data.len > STREAM_PIECE) {
        int rc = stream_end(stream, err);
        if (rc)
            return rc;
    }
    if (data.len > STREAM_PIECE) {
        int rc = file_write(stream->store, stream->row, stream->kind, data, stream->offset, err);
        stream->offset += data.len;
        return rc;
    }
    buf_span(stream->buf, data);
    stream->offset += data.len;
    return buf_check(stream->buf, "write buffer", err);
}

#include "connect/pack_internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "connect/outfile.h"

#define KEYS_TEXT_MAX 4096 /* bytes of a key file: six short lines */

struct packing {
    const char *path;
    const struct view *view;
    const struct pack_options *options;
    struct archive *archive;
    struct buf bytes; /* of the file being written */
    struct buf checkpoint;
    struct pack_result *result;
    int64_t *numbers;
    size_t count, cap;
    uint64_t total; /* bytes of these logs on this node: about what is written */
};

static int archive_failed(struct packing *packing, struct err *err)
{
    errno = archive_errno(packing->archive);
    return errno > 0 ? err_sys(err, "%s: write", packing->path)
                     : err_set(err, ERR_IO, "%s: write failed", packing->path);
}

static int put_file(struct packing *packing, const char *path, struct span bytes, struct err *err)
{
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        return err_memory(err);
    archive_entry_set_pathname(entry, path);
    archive_entry_set_size(entry, (la_int64_t)bytes.len);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_mtime(entry, (time_t)(packing->options->now_ms / 1000), 0);
    int rc = 0;
    if (archive_write_header(packing->archive, entry) != ARCHIVE_OK ||
        archive_write_data(packing->archive, bytes.data, bytes.len) != (la_ssize_t)bytes.len)
        rc = archive_failed(packing, err);
    archive_entry_free(entry);
    packing->result->bytes += bytes.len;
    if (packing->options->progress)
        packing->options->progress(packing->options->ctx, packing->result->bytes, packing->total);
    return rc;
}

static int put_entries(struct packing *packing, const struct log_info *log, struct err *err)
{
    for (uint64_t n = 0; n * TILE_WIDTH < log->size; n++) {
        char tile_name[TILE_PATH_MAX], path[TILE_PATH_MAX + 80];
        struct tile tile = {TILE_LEVEL_ENTRIES, n, tile_width(TILE_LEVEL_ENTRIES, n, log->size)};
        buf_clear(&packing->bytes);
        int rc = view_tile(packing->view, log, &tile, &packing->bytes, err);
        if (rc)
            return rc;
        tile_path(&tile, tile_name);
        snprintf(path, sizeof(path), "logs/%s/%s", log->hex, tile_name);
        rc = put_file(packing, path, buf_view(&packing->bytes), err);
        if (rc)
            return rc;
    }
    packing->result->entries += log->size;
    return 0;
}

/* Are there only holes? Then the file would say nothing. Counts the rest. */
static int count_payloads(struct span bundle, uint64_t *ret, struct err *err)
{
    struct payload_reader reader = {.bundle = bundle};
    struct payload_item item;
    int rc;
    *ret = 0;
    while ((rc = payload_next(&reader, &item, err)) > 0)
        *ret += !item.hole;
    return rc;
}

static int put_payloads(struct packing *packing, const struct log_info *log, struct err *err)
{
    uint64_t newest = packing->options->payloads_newest, first = log->size > newest ? log->size - newest : 0;
    while (first < log->size) {
        char path[128];
        size_t covered;
        uint64_t held, want = TILE_WIDTH - first % TILE_WIDTH;
        want = want < log->size - first ? want : log->size - first;
        buf_clear(&packing->bytes);
        int rc = view_payloads(packing->view, log, first, (size_t)want, &packing->bytes, &covered, err);
        if (!rc)
            rc = count_payloads(buf_view(&packing->bytes), &held, err);
        if (!rc && held) {
            snprintf(path, sizeof(path), "logs/%s/payload/%llu", log->hex, (unsigned long long)first);
            rc = put_file(packing, path, buf_view(&packing->bytes), err);
            packing->result->payloads += held;
        }
        if (rc)
            return rc;
        first += covered;
    }
    return 0;
}

static int put_keys(struct packing *packing, const struct log_info *log, struct err *err)
{
    struct keys keys;
    char path[128];
    int rc = keys_load(packing->options->keys_dir, span_str(log->origin), &keys, err);
    if (rc)
        return rc;
    /* In a buffer of its own that never grows, so that no copy is left behind. */
    struct buf text;
    buf_init(&text, KEYS_TEXT_MAX);
    buf_room(&text, KEYS_TEXT_MAX - 1);
    buf_clear(&text);
    keys_format(&keys, &text);
    keys_wipe(&keys);
    snprintf(path, sizeof(path), "logs/%s/keys", log->hex);
    rc = buf_check(&text, "keys", err);
    if (!rc)
        rc = put_file(packing, path, buf_view(&text), err);
    if (text.data)
        explicit_bzero(text.data, text.cap);
    buf_done(&text);
    return rc;
}

/*
 * The signed checkpoint first: it says which size is packed. The log may grow meanwhile, and a checkpoint read later would
 * cover entries that are not in the pack.
 */
static int take_checkpoint(struct packing *packing, struct log_info *log, struct err *err)
{
    struct note note;
    struct checkpoint checkpoint;
    buf_clear(&packing->checkpoint);
    int rc = view_checkpoint(packing->view, log, &packing->checkpoint, err);
    if (!rc)
        rc = note_parse(buf_view(&packing->checkpoint), &note, err);
    if (!rc)
        rc = checkpoint_parse(note.text, &checkpoint, err);
    if (!rc)
        log->size = checkpoint.size;
    return rc;
}

static int put_log(struct packing *packing, int64_t number, struct err *err)
{
    struct log_info log;
    char path[128];
    int rc = store_log(packing->view->store, number, &log, err);
    if (rc || log.size == 0)
        return rc;
    snprintf(path, sizeof(path), "logs/%s/origin", log.hex);
    buf_clear(&packing->bytes);
    buf_fmt(&packing->bytes, "%s\n", log.origin);
    rc = put_file(packing, path, buf_view(&packing->bytes), err);
    if (!rc && packing->options->keys_dir)
        rc = put_keys(packing, &log, err);
    if (!rc)
        rc = take_checkpoint(packing, &log, err);
    snprintf(path, sizeof(path), "logs/%s/checkpoint", log.hex);
    if (!rc)
        rc = put_file(packing, path, buf_view(&packing->checkpoint), err);
    if (!rc)
        rc = put_entries(packing, &log, err);
    if (!rc)
        rc = put_payloads(packing, &log, err);
    packing->result->logs++;
    return rc ? err_in(err, "%s", log.origin) : 0;
}

static int note_number(void *ctx, const struct log_info *log, struct err *err)
{
    struct packing *packing = ctx;
    if (log->size == 0)
        return 0;
    if (packing->count == packing->cap) {
        size_t cap = packing->cap ? 2 * packing->cap : 64;
        int64_t *grown = realloc(packing->numbers, cap * sizeof(*grown));
        if (!grown)
            return err_memory(err);
        packing->numbers = grown;
        packing->cap = cap;
    }
    packing->numbers[packing->count++] = log->number;
    packing->total += log->bytes;
    return 0;
}

/* The logs to pack. A view's walk may not be interrupted by other reads of the same log, hence first the list. */
static int choose(struct packing *packing, struct err *err)
{
    const struct pack_options *options = packing->options;
    if (!options->numbers)
        return view_logs(packing->view, note_number, packing, err);
    for (size_t i = 0; i < options->number_count; i++) {
        struct log_info log;
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again |= options->numbers[j] == options->numbers[i];
        if (again)
            continue;
        int rc = store_log(packing->view->store, options->numbers[i], &log, err);
        if (!rc && !view_sees_log(packing->view, &log))
            rc = err_set(err, ERR_REFUSED, "%s is local to this node: it is never packed", log.origin);
        if (!rc)
            rc = note_number(packing, &log, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int put_all(struct packing *packing, struct err *err)
{
    char time[WHEN_TEXT_LEN + 1];
    when_format(packing->options->now_ms, time);
    buf_fmt(&packing->bytes, "{\"created\":\"%s\",\"format\":%d,\"logs\":%zu}\n", time, PACK_FORMAT, packing->count);
    int rc = put_file(packing, "pack.json", buf_view(&packing->bytes), err);
    for (size_t i = 0; i < packing->count && !rc; i++)
        rc = put_log(packing, packing->numbers[i], err);
    return rc;
}

static int open_archive(struct packing *packing, int fd, struct err *err)
{
    packing->archive = archive_write_new();
    if (!packing->archive)
        return err_memory(err);
    if (archive_write_add_filter_zstd(packing->archive) != ARCHIVE_OK ||
        archive_write_set_format_pax_restricted(packing->archive) != ARCHIVE_OK ||
        archive_write_open_fd(packing->archive, fd) != ARCHIVE_OK)
        return archive_failed(packing, err);
    return 0;
}

int pack_write(const struct view *view, const char *path, const struct pack_options *options, struct pack_result *ret,
               struct err *err)
{
    struct packing packing = {.path = path, .view = view, .options = options, .result = ret};
    struct outfile out;
    *ret = (struct pack_result){0};
    buf_init(&packing.bytes, PACK_FILE_MAX);
    buf_init(&packing.checkpoint, NOTE_MAX);
    int rc = outfile_open(&out, path, 0600, err);
    if (!rc)
        rc = choose(&packing, err);
    if (!rc)
        rc = open_archive(&packing, out.fd, err);
    if (!rc)
        rc = put_all(&packing, err);
    if (!rc && archive_write_close(packing.archive) != ARCHIVE_OK)
        rc = archive_failed(&packing, err);
    if (packing.archive)
        archive_write_free(packing.archive);
    rc = outfile_close(&out, rc, err);
    buf_done(&packing.bytes);
    buf_done(&packing.checkpoint);
    free(packing.numbers);
    return rc;
}

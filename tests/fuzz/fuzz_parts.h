/* Files on their way into an archive: a list that an input can spoil, then the archive's bytes. */
#ifndef TONGZHOU_FUZZ_PARTS_H
#define TONGZHOU_FUZZ_PARTS_H

#include <archive.h>
#include <archive_entry.h>

#include "fuzz_made.h"

#define PARTS_MAX 64

struct part {
    char name[256];
    struct buf bytes;
};

struct parts {
    size_t count;
    struct part part[PARTS_MAX];
};

/* One more, to be filled; the last one again if there is no room. */
static inline struct buf *parts_add(struct parts *parts, const char *name)
{
    struct part *part = &parts->part[parts->count < PARTS_MAX ? parts->count++ : PARTS_MAX - 1];
    snprintf(part->name, sizeof(part->name), "%s", name);
    part->bytes.max = PAYLOAD_MAX;
    buf_clear(&part->bytes);
    return &part->bytes;
}

static inline void parts_swap(struct parts *parts, size_t a, size_t b)
{
    struct part kept = parts->part[a];
    parts->part[a] = parts->part[b];
    parts->part[b] = kept;
}

/* One change, drawn. The list is not empty, before or after. */
static inline void parts_spoil(struct parts *parts, struct draw *draw)
{
    size_t at = draw_below(draw, parts->count);
    char name[sizeof(parts->part[0].name)];
    struct part *part = &parts->part[at];
    struct span word;
    switch (draw_u8(draw) % 8) {
    case 0:
    case 1:
        draw_change(draw, part->bytes.data, part->bytes.len);
        break;
    case 2:
        buf_cut(&part->bytes, draw_below(draw, part->bytes.len + 1));
        break;
    case 3:
        buf_span(&part->bytes, draw_span(draw));
        break;
    case 4: /* gone */
        for (; parts->count > 1 && at + 1 < parts->count; at++)
            parts_swap(parts, at, at + 1);
        parts->count -= parts->count > 1;
        break;
    case 5: /* twice */
        if (parts->count == PARTS_MAX)
            break;
        memcpy(name, part->name, sizeof(name));
        buf_span(parts_add(parts, name), buf_view(&part->bytes));
        break;
    case 6:
        parts_swap(parts, at, draw_below(draw, parts->count));
        break;
    default:
        word = draw_span(draw);
        if (word.len > 0)
            snprintf(part->name, sizeof(part->name), "%.*s", SPAN_ARGS(word));
        else
            part->name[draw_below(draw, strlen(part->name) + 1)] ^= 1;
        break;
    }
}

static inline la_ssize_t parts_written(struct archive *archive, void *ctx, const void *bytes, size_t len)
{
    (void)archive;
    buf_add(ctx, bytes, len);
    return (la_ssize_t)len;
}

/* Their bytes, appended. What libarchive will not write (a name that is none) is left out. */
static inline void parts_write(const struct parts *parts, int format, int filter, struct buf *out)
{
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    made_check(archive && entry);
    made_check(archive_write_set_format(archive, format) == ARCHIVE_OK);
    made_check(archive_write_add_filter(archive, filter) == ARCHIVE_OK);
    if (filter != ARCHIVE_FILTER_NONE)
        made_check(archive_write_set_filter_option(archive, NULL, "compression-level", "1") == ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(archive, 1);
    made_check(archive_write_open(archive, out, NULL, parts_written, NULL) == ARCHIVE_OK);
    for (size_t i = 0; i < parts->count; i++) {
        const struct part *part = &parts->part[i];
        archive_entry_clear(entry);
        archive_entry_set_pathname(entry, part->name);
        archive_entry_set_size(entry, (la_int64_t)part->bytes.len);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0600);
        if (archive_write_header(archive, entry) == ARCHIVE_OK && part->bytes.len > 0)
            (void)archive_write_data(archive, part->bytes.data, part->bytes.len);
    }
    made_check(archive_write_close(archive) == ARCHIVE_OK);
    archive_write_free(archive);
    archive_entry_free(entry);
}

#endif

/* One import: a stream, perhaps packed, through a reader into the writer. */
#include "security/import.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "security/import_impl.h"

#define PIECE_MAX (256u << 10) /* bytes of one read */

/* A stream of which the first bytes were read already, to see what it is. */
struct peeked {
    import_read *read;
    void *read_ctx;
    uint64_t *counted; /* bytes read are added here; may be NULL */
    size_t at, len;
    uint8_t head[IMPORT_HEAD_MAX];
};

static int peek(struct peeked *peeked, struct err *err)
{
    while (peeked->len < sizeof(peeked->head)) {
        int64_t count =
            peeked->read(peeked->read_ctx, peeked->head + peeked->len, sizeof(peeked->head) - peeked->len, err);
        if (count < 0)
            return (int)count;
        if (count == 0)
            break;
        peeked->len += (size_t)count;
    }
    if (peeked->counted)
        *peeked->counted += peeked->len;
    return 0;
}

static int64_t peeked_read(void *ctx, uint8_t *out, size_t max, struct err *err)
{
    struct peeked *peeked = ctx;
    if (peeked->at < peeked->len) {
        size_t count = peeked->len - peeked->at < max ? peeked->len - peeked->at : max;
        memcpy(out, peeked->head + peeked->at, count);
        peeked->at += count;
        return (int64_t)count;
    }
    int64_t count = peeked->read(peeked->read_ctx, out, max, err);
    if (count > 0 && peeked->counted)
        *peeked->counted += (uint64_t)count;
    return count;
}

static struct import_reader *new_reader(struct import_run *run, enum import_format format, struct span name)
{
    struct import_source source = {
        .origin = span_str(run->log.origin),
        .now_ms = run->options->now_ms,
        .name = name,
        .marking = run_marking,
        .marking_ctx = run,
    };
    struct import_sink sink = {.item = run_item, .bad = run_bad, .ctx = run};
    return import_reader_new(format, &source, &sink);
}

static int pump(struct import_run *run, struct import_reader *reader, struct peeked *peeked, struct err *err)
{
    uint8_t *piece = malloc(PIECE_MAX);
    int64_t count = 1;
    int rc = piece ? 0 : err_memory(err);
    while (rc == 0 && count > 0) {
        count = peeked_read(peeked, piece, PIECE_MAX, err);
        rc = count < 0 ? (int)count : run_go_on(run, (size_t)count, err);
        if (rc == 0)
            rc = import_reader_feed(reader, span_of(piece, (size_t)count), err);
    }
    free(piece);
    if (rc == 0)
        rc = import_reader_end(reader, err);
    if (rc == 0 && run->options->feed && import_reader_cut(reader))
        rc = err_set(err, ERR_SYNTAX, "it ends in the middle: cut off?");
    return rc;
}

/* What cannot be read at all; NULL: it may be of this format. */
static const char *wrong_format(enum import_format format, struct span text)
{
    if (utf16_marked(text))
        return "is UTF-16: make it UTF-8 first, as with iconv -f utf-16 -t utf-8";
    if (text.len && text.data[0] == '<')
        return "looks like XML or HTML: stix, misp, list and maltrail are known";
    /* Line by line its values would be taken out of their context: those of a warning list are harmless. */
    if ((format == IMPORT_LIST || format == IMPORT_MALTRAIL) && import_looks_like_json(text))
        return "looks like JSON, not like a list: leave the format out, or say stix or misp";
    return NULL;
}

/* One file's bytes, not packed. */
static int read_plain(struct import_run *run, enum import_format format, struct span name, struct peeked *peeked,
                      struct err *err)
{
    struct span head = span_of(peeked->head, peeked->len);
    struct span trimmed = span_trim(span_sub(head, span_starts(head, SPAN_LIT("\xef\xbb\xbf")) ? 3 : 0, head.len));
    const char *wrong = wrong_format(format, trimmed);
    char shown[512];
    if (wrong)
        return run->member.len
                   ? run_bad(run, 0, 0, wrong, err)
                   : err_set(err, ERR_SYNTAX, "%s: %s", text_escape_into(shown, sizeof(shown), name), wrong);
    if (format == IMPORT_AUTO)
        format = import_guess(head, name);
    struct import_reader *reader = new_reader(run, format, name);
    int rc = reader ? pump(run, reader, peeked, err) : err_memory(err);
    import_reader_free(reader);
    return rc;
}

struct unpacked {
    enum import_format format;
    struct span name;
};

static int read_member(struct import_run *run, struct span member, import_read *read, void *read_ctx, struct err *err)
{
    const struct unpacked *unpacked = run->unpacked;
    struct peeked *peeked = calloc(1, sizeof(*peeked));
    if (!peeked)
        return err_memory(err);
    peeked->read = read;
    peeked->read_ctx = read_ctx;
    int rc = peek(peeked, err);
    if (rc == 0 && peeked->len)
        rc = read_plain(run, unpacked->format, member.len ? member : unpacked->name, peeked, err);
    free(peeked);
    return rc;
}

/* "list.txt" of "list.txt.gz". */
static struct span without_packing(struct span name)
{
    static const char *const ends[] = {".gz", ".xz", ".zst", ".bz2"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t len = strlen(ends[i]);
        if (name.len > len && span_is(span_sub(name, name.len - len, len), ends[i]))
            return span_sub(name, 0, name.len - len);
    }
    return name;
}

static int read_source(struct import_run *run, enum import_format format, struct span name, import_read *read,
                       void *read_ctx, struct err *err)
{
    struct peeked *peeked = calloc(1, sizeof(*peeked));
    if (!peeked)
        return err_memory(err);
    peeked->read = read;
    peeked->read_ctx = read_ctx;
    peeked->counted = &run->result->bytes;
    int rc = peek(peeked, err);
    if (rc == 0 && import_is_packed(span_of(peeked->head, peeked->len))) {
        struct unpacked unpacked = {format, without_packing(name)};
        run->unpacked = &unpacked;
        rc = import_unpack(run, peeked_read, peeked, read_member, err);
        run->unpacked = NULL;
    } else if (rc == 0) {
        rc = read_plain(run, format, name, peeked, err);
    }
    free(peeked);
    return rc;
}

int import_run(struct store *store, struct index *index, enum import_format format, struct span name,
               int64_t (*read)(void *ctx, uint8_t *out, size_t max, struct err *err), void *read_ctx,
               const struct import_options *options, struct import_result *ret, struct err *err)
{
    struct import_run run = {.store = store, .index = index, .options = options, .result = ret};
    struct err later;
    *ret = (struct import_result){0};
    int rc = run_begin(&run, err);
    if (rc == 0)
        rc = read_source(&run, format, name, read, read_ctx, err);
    /* What a feed held before and no longer holds; not if this fetch shows nothing at all. */
    if (rc == 0 && options->feed && !options->dry_run && ret->items > 0)
        rc = run_vanish(&run, err);
    /* What was read before a failure is good and goes in. */
    int flushed = run_flush(&run, rc < 0 ? &later : err);
    rc = rc < 0 ? rc : flushed;
    run_end_reading(&run);
    struct err unfollowed; /* what the thread could not fold, our own handle tries again and says */
    index_follow_end(run.follow, &unfollowed);
    if (!options->dry_run && ret->first_index != UINT64_MAX) {
        flushed = index_update(index, store, 0, NULL, rc < 0 ? &later : err);
        rc = rc < 0 ? rc : flushed;
    }
    run_done(&run);
    return rc;
}

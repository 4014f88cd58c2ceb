/* fuzz: security */
/*
 * A packed file handed to an import. First byte 0: the input is the file. Else an archive is made of files drawn from the
 * input, in one of the formats that we read: unspoilt it gives these files and nothing else, spoilt it ends.
 */
#include "fuzz_parts.h"
#include "security/import_impl.h"
#include "security/intel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct capability *const capabilities[] = {&security_capability, NULL};

#define GIVEN_MAX (1u << 20) /* bytes of all members: what unpacks to more is left there */

static struct parts parts;
static size_t expected;         /* the next of the parts to come */
static bool unspoilt, is_named; /* what comes has to be these; with their names */

/* The archive's bytes, a few at once. */
struct source {
    struct span rest;
    size_t piece;
};

static int64_t give(void *ctx, uint8_t *out, size_t max, struct err *err)
{
    struct source *source = ctx;
    struct span part = span_sub(source->rest, 0, source->piece < max ? source->piece : max);
    (void)err;
    if (part.len > 0)
        memcpy(out, part.data, part.len);
    source->rest = span_sub(source->rest, part.len, SIZE_MAX);
    return (int64_t)part.len;
}

static uint64_t taken;

static int take(struct import_run *run, struct span name, import_read *read, void *read_ctx, struct err *err)
{
    static uint8_t piece[4096];
    struct buf bytes;
    int64_t got;
    (void)run;
    buf_init(&bytes, GIVEN_MAX + sizeof(piece));
    while ((got = read(read_ctx, piece, sizeof(piece), err)) > 0 && (taken += (uint64_t)got) <= GIVEN_MAX)
        buf_add(&bytes, piece, (size_t)got);
    if (unspoilt) {
        made_check(got == 0 && expected < parts.count);
        made_check(span_eq(buf_view(&bytes), buf_view(&parts.part[expected].bytes)));
        made_check(!is_named || span_is(name, parts.part[expected].name));
        expected++;
    }
    buf_done(&bytes);
    if (got < 0)
        return (int)got;
    return got > 0 ? err_set(err, ERR_LIMIT, "enough") : 0;
}

static void unpack(struct span bytes, size_t piece)
{
    struct import_options options = {.dry_run = true};
    struct import_result result = {0};
    struct import_run run = {.options = &options, .result = &result};
    struct source source = {.rest = bytes, .piece = piece};
    struct err err = {0};
    taken = 0;
    int rc = import_unpack(&run, give, &source, take, &err);
    made_check(rc == 0 || rc == ERR_LIMIT);
    made_check(result.bad <= 1 && run.incomplete == (result.bad == 1));
    if (unspoilt)
        made_check(rc == 0 && result.bad == 0 && expected == parts.count);
}

/* Names of data, so that no member is passed over. */
static void draw_files(struct draw *draw, bool one)
{
    char name[32];
    parts.count = 0;
    do {
        snprintf(name, sizeof(name), "folder/list-%zu.txt", parts.count);
        struct buf *bytes = parts_add(&parts, name);
        if (one)
            buf_byte(bytes, 'x'); /* no archive in its turn */
        for (int repeat = 1 + draw_u8(draw) % 64; repeat > 0; repeat--) {
            struct draw same = *draw;
            buf_span(bytes, draw_span(&same));
            if (repeat == 1)
                *draw = same;
        }
    } while (!one && parts.count < 8 && draw_u8(draw) % 2);
}

static void make(struct draw *draw, struct buf *out)
{
    static const int filters[] = {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_BZIP2,
                                  ARCHIVE_FILTER_XZ};
    static const int formats[] = {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FORMAT_ZIP,
                                  ARCHIVE_FORMAT_RAW};
    int filter = filters[draw_u8(draw) % 5], format = formats[draw_u8(draw) % 4];
    is_named = format != ARCHIVE_FORMAT_RAW;
    draw_files(draw, !is_named);
    /* Bytes that are not packed are no archive. */
    parts_write(&parts, format, !is_named && filter == ARCHIVE_FILTER_NONE ? ARCHIVE_FILTER_GZIP : filter, out);
    unspoilt = draw->rest.len == 0;
    for (int i = 0; i < 16 && draw->rest.len > 0; i++) {
        if (draw_u8(draw) % 8 == 0)
            buf_cut(out, draw_below(draw, out->len + 1));
        else
            draw_change(draw, out->data, out->len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw draw = {span_of(data, size)};
    struct buf out;
    unsigned first = draw_u8(&draw);
    unspoilt = false;
    expected = 0;
    if (first == 0) {
        unpack(draw.rest, 4096);
        return 0;
    }
    buf_init(&out, 2 * GIVEN_MAX);
    make(&draw, &out);
    unpack(buf_view(&out), 1 + first * first);
    buf_done(&out);
    return 0;
}

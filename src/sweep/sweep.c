/* Lines: input in pieces of any size, hits with their place. */
#include "sweep/sweep.h"

#include <stdlib.h>

#include "sweep/token.h"

#define PIECE_BYTES 32768 /* scanned at once: it and its maps stay in the nearest caches */
#define REPORTED_MAX 16   /* indicators remembered of a line */

struct sweep {
    struct token_scan scan;
    int (*hit)(void *ctx, const struct sweep_hit *hit, struct err *err);
    void *ctx;
    struct sweep_stats stats;
    uint8_t *kept; /* the beginning of a line whose end has not come yet */
    size_t kept_len;
    uint64_t offset;        /* in the input, of the piece being scanned */
    uint64_t line_offset;   /* likewise, of the line with which it begins or goes on */
    uint64_t lines;         /* newlines before it */
    bool unfinished;        /* the last piece did not end with one */
    uint64_t counted_lines; /* newlines in the piece before `counted` */
    size_t counted;
    size_t line_start, line_end; /* of the line of the last hit in this piece; equal: none yet */
    uint64_t reported_line;      /* number of the line of the last hit; 0: none yet */
    size_t reported_count;       /* indicators reported of it, the last of them in `reported` */
    uint32_t reported[REPORTED_MAX];
};

/* Newlines before `at`, counting on from the last hit. */
static uint64_t lines_before(struct sweep *sweep, size_t at)
{
    const uint64_t *line = sweep->scan.map.line;
    if (at < sweep->counted) {
        sweep->counted = 0;
        sweep->counted_lines = 0;
    }
    size_t block = sweep->counted / 64;
    uint64_t bits = line[block] & UINT64_MAX << sweep->counted % 64;
    for (; block < at / 64; bits = line[++block])
        sweep->counted_lines += (uint64_t)__builtin_popcountll(bits);
    sweep->counted_lines += (uint64_t)__builtin_popcountll(bits & ((UINT64_C(1) << at % 64) - 1));
    sweep->counted = at;
    return sweep->counted_lines;
}

static void find_line(struct sweep *sweep, size_t at)
{
    struct span in = sweep->scan.in;
    if (at >= sweep->line_start && at < sweep->line_end)
        return;
    const uint8_t *before = memrchr(in.data, '\n', at);
    sweep->line_start = before ? (size_t)(before - in.data) + 1 : 0;
    sweep->line_end = at + span_find(span_sub(in, at, in.len), '\n');
}

/* Whether an indicator was reported of this line before; now it was. */
static bool seen(struct sweep *sweep, uint64_t line, uint32_t number)
{
    if (line != sweep->reported_line) {
        sweep->reported_line = line;
        sweep->reported_count = 0;
        sweep->stats.lines_hit++;
    }
    for (size_t i = 0; i < sweep->reported_count && i < REPORTED_MAX; i++)
        if (sweep->reported[i] == number)
            return true;
    sweep->reported[sweep->reported_count++ % REPORTED_MAX] = number;
    return false;
}

static int found(void *ctx, size_t at, size_t len, uint32_t number, struct err *err)
{
    struct sweep *sweep = ctx;
    struct sweep_ioc ioc;
    if (!set_entry(sweep->scan.set, number, &ioc))
        return 0; /* the set is damaged there */
    uint64_t line = sweep->lines + lines_before(sweep, at) + 1;
    if (seen(sweep, line, number))
        return 0;
    find_line(sweep, at);
    size_t end = sweep->line_end;
    if (end > sweep->line_start && sweep->scan.in.data[end - 1] == '\r')
        end--;
    struct sweep_hit hit = {.ioc = &ioc,
                            .line = line,
                            .offset = sweep->offset + sweep->line_start,
                            .before = sweep->line_start ? 0 : sweep->offset - sweep->line_offset,
                            .text = span_sub(sweep->scan.in, sweep->line_start, end - sweep->line_start),
                            .at = at - sweep->line_start,
                            .len = len};
    sweep->stats.hits++;
    return sweep->hit(sweep->ctx, &hit, err);
}

struct sweep *sweep_new(const struct sweep_set *set,
                        int (*hit)(void *ctx, const struct sweep_hit *hit, struct err *err), void *ctx)
{
    struct err ignored;
    struct sweep *sweep = calloc(1, sizeof(*sweep));
    if (!sweep)
        return NULL;
    sweep->kept = malloc(SWEEP_LINE_MAX);
    if (!sweep->kept || token_scan_init(&sweep->scan, set, SWEEP_LINE_MAX, &ignored)) {
        free(sweep->kept);
        free(sweep);
        return NULL;
    }
    sweep->scan.found = found;
    sweep->scan.ctx = sweep;
    sweep->hit = hit;
    sweep->ctx = ctx;
    return sweep;
}

void sweep_free(struct sweep *sweep)
{
    if (!sweep)
        return;
    token_scan_done(&sweep->scan);
    free(sweep->kept);
    free(sweep);
}

/* Scan a piece of whole lines, or one that is too long to be kept whole. */
static int scan_piece(struct sweep *sweep, struct span piece, struct err *err)
{
    sweep->counted = 0;
    sweep->counted_lines = 0;
    sweep->line_start = sweep->line_end = 0;
    if (!sweep->unfinished)
        sweep->line_offset = sweep->offset;
    int failed = token_scan_lines(&sweep->scan, piece, err);
    sweep->offset += piece.len;
    sweep->lines += sweep->scan.map.lines;
    sweep->unfinished = piece.data[piece.len - 1] != '\n';
    sweep->stats.lines = sweep->lines + sweep->unfinished;
    sweep->stats.tokens = sweep->scan.tokens;
    sweep->stats.lookups = sweep->scan.lookups;
    return failed;
}

/*
 * Where to cut a line that is too long to be kept whole: behind what no token holds, or else behind what stands between
 * them in lists, so that none is cut in two. The last token's worth of bytes is looked at.
 */
static size_t cut_len(const uint8_t *line)
{
    size_t least = SWEEP_LINE_MAX - SWEEP_TOKEN_MAX, listed = 0;
    for (size_t len = SWEEP_LINE_MAX; len > least; len--) {
        uint8_t c = line[len - 1];
        if (c <= ' ' || c == '"')
            return len;
        if (listed == 0 && (c == ',' || c == ';' || c == '|'))
            listed = len;
    }
    return listed ? listed : SWEEP_LINE_MAX;
}

/* How much of `bytes` to scan at once: whole lines; 0 if the line must be kept until its end comes. */
static size_t piece_len(struct span bytes)
{
    const uint8_t *newline = memrchr(bytes.data, '\n', bytes.len < PIECE_BYTES ? bytes.len : PIECE_BYTES);
    if (newline)
        return (size_t)(newline - bytes.data) + 1;
    if (bytes.len > PIECE_BYTES) {
        size_t most = bytes.len < SWEEP_LINE_MAX ? bytes.len : SWEEP_LINE_MAX;
        newline = memchr(bytes.data + PIECE_BYTES, '\n', most - PIECE_BYTES);
        if (newline)
            return (size_t)(newline - bytes.data) + 1;
    }
    return bytes.len < SWEEP_LINE_MAX ? 0 : cut_len(bytes.data);
}

/* Put together the line that began in an earlier call; how many bytes of `bytes` it took. */
static int finish_kept(struct sweep *sweep, struct span bytes, size_t *ret_taken, struct err *err)
{
    size_t room = SWEEP_LINE_MAX - sweep->kept_len, take = bytes.len < room ? bytes.len : room;
    const uint8_t *newline = memchr(bytes.data, '\n', take);
    if (newline)
        take = (size_t)(newline - bytes.data) + 1;
    memcpy(sweep->kept + sweep->kept_len, bytes.data, take);
    sweep->kept_len += take;
    *ret_taken = take;
    if (!newline && take < room)
        return 0;
    size_t len = newline ? sweep->kept_len : cut_len(sweep->kept);
    int failed = scan_piece(sweep, span_of(sweep->kept, len), err);
    sweep->kept_len -= len;
    memmove(sweep->kept, sweep->kept + len, sweep->kept_len);
    return failed;
}

int sweep_feed(struct sweep *sweep, struct span bytes, struct err *err)
{
    sweep->stats.bytes += bytes.len;
    while (bytes.len) {
        size_t len;
        int failed;
        if (sweep->kept_len) {
            failed = finish_kept(sweep, bytes, &len, err);
        } else {
            len = piece_len(bytes);
            if (len == 0) {
                memcpy(sweep->kept, bytes.data, bytes.len);
                sweep->kept_len = bytes.len;
                return 0;
            }
            failed = scan_piece(sweep, span_sub(bytes, 0, len), err);
        }
        if (failed)
            return failed;
        bytes = span_sub(bytes, len, bytes.len);
    }
    return 0;
}

int sweep_end(struct sweep *sweep, struct err *err)
{
    size_t len = sweep->kept_len;
    sweep->kept_len = 0;
    return len ? scan_piece(sweep, span_of(sweep->kept, len), err) : 0;
}

const struct sweep_stats *sweep_stats(const struct sweep *sweep)
{
    return &sweep->stats;
}

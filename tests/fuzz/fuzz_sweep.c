/* fuzz: sweep */
#include "sweep/sweep.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Indicators up to the first empty line, then a log: every hit is an indicator of the set and stands in its line, and
 * cutting the log into pieces changes nothing.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
    const struct sweep_set *set;
    struct buf hits;
};

static int keep(void *ctx, struct span bytes, struct err *err)
{
    (void)err;
    buf_span(ctx, bytes);
    return 0;
}

static int on_hit(void *ctx, const struct sweep_hit *hit, struct err *err)
{
    struct tally *tally = ctx;
    struct sweep_ioc ioc;
    (void)err;
    assert(hit->len > 0 && hit->at <= hit->text.len && hit->len <= hit->text.len - hit->at);
    assert(span_find(hit->text, '\n') == hit->text.len);
    bool found = sweep_set_find(tally->set, hit->ioc->type, hit->ioc->value, &ioc);
    assert(found && ioc.tags == hit->ioc->tags && ioc.tag_count == hit->ioc->tag_count);
    buf_fmt(&tally->hits, "%llu %llu %zu %zu %.*s\n", (unsigned long long)hit->line, (unsigned long long)hit->offset,
            hit->at, hit->len, SPAN_ARGS(hit->ioc->value));
    return 0;
}

static void run(struct tally *tally, struct span log, size_t piece)
{
    struct err err;
    struct sweep *sweep = sweep_new(tally->set, on_hit, tally);
    buf_init(&tally->hits, 16u << 20);
    if (!sweep)
        return;
    for (size_t pos = 0; pos < log.len; pos += piece) {
        int failed = sweep_feed(sweep, span_sub(log, pos, piece), &err);
        assert(failed == 0);
    }
    int failed = sweep_end(sweep, &err);
    assert(failed == 0);
    assert(sweep_stats(sweep)->bytes == log.len);
    sweep_free(sweep);
}

static void add_lines(struct sweep_builder *builder, struct span lines)
{
    struct buf value;
    struct err err;
    buf_init(&value, SWEEP_TOKEN_MAX);
    for (size_t pos = 0; pos < lines.len;) {
        struct span line = span_sub(lines, pos, span_find(span_sub(lines, pos, lines.len), '\n'));
        enum ioc_type type;
        if (ioc_canonical(IOC_NONE, line, &value, &type, &err) == 0) {
            int failed = sweep_builder_add(builder, type, buf_view(&value), pos, &err);
            assert(failed == 0);
        }
        pos += line.len + 1;
    }
    buf_done(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size);
    size_t middle = span_search(all, SPAN_LIT("\n\n"));
    struct span log = span_sub(all, middle + 2, size);
    struct sweep_builder *builder = sweep_builder_new(0);
    struct tally whole = {0}, cut = {0};
    struct sweep_set *set;
    struct buf bytes;
    struct err err;
    if (!builder)
        return 0;
    buf_init(&bytes, 64u << 20);
    add_lines(builder, span_sub(all, 0, middle));
    int failed = sweep_builder_write(builder, keep, &bytes, &err);
    assert(failed == 0);
    sweep_builder_free(builder);
    failed = sweep_set_open(buf_view(&bytes), &set, &err);
    assert(failed == 0);
    whole.set = cut.set = set;
    run(&whole, log, log.len + 1);
    run(&cut, log, 1 + size % 67);
    assert(span_eq(buf_view(&whole.hits), buf_view(&cut.hits)));
    buf_done(&whole.hits);
    buf_done(&cut.hits);
    sweep_set_close(set);
    buf_done(&bytes);
    return 0;
}

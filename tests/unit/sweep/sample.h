/* What the sweep's tests share: sets from lists, hits as text. */
#ifndef TONGZHOU_TESTS_SWEEP_SAMPLE_H
#define TONGZHOU_TESTS_SWEEP_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sweep/sweep.h"

struct sample_set {
    struct buf bytes;
    uint8_t *copy; /* exactly as long as the set, so that a sanitizer sees a read behind it */
    struct sweep_set *set;
};

static inline int sample_write(void *ctx, struct span bytes, struct err *err)
{
    (void)err;
    buf_span(ctx, bytes);
    return 0;
}

static inline struct sweep_set *sample_open(struct sample_set *sample, struct sweep_builder *builder)
{
    struct err err = {0};
    buf_init(&sample->bytes, 1u << 30);
    if (sweep_builder_write(builder, sample_write, &sample->bytes, &err))
        fail_msg("write: %s", err.text);
    sweep_builder_free(builder);
    sample->copy = aligned_alloc(64, sample->bytes.len);
    assert_non_null(sample->copy);
    memcpy(sample->copy, sample->bytes.data, sample->bytes.len);
    if (sweep_set_open(span_of(sample->copy, sample->bytes.len), &sample->set, &err))
        fail_msg("open: %s", err.text);
    return sample->set;
}

/* The list ends with NULL; the tag of an indicator is its place in the list. */
static inline struct sweep_set *sample_list(struct sample_set *sample, const char *const *list)
{
    struct sweep_builder *builder = sweep_builder_new(0);
    struct buf value;
    struct err err = {0};
    assert_non_null(builder);
    buf_init(&value, SWEEP_TOKEN_MAX);
    for (uint64_t i = 0; list[i]; i++) {
        enum ioc_type type;
        if (ioc_canonical(IOC_NONE, span_str(list[i]), &value, &type, &err) ||
            sweep_builder_add(builder, type, buf_view(&value), i, &err))
            fail_msg("%s: %s", list[i], err.text);
    }
    buf_done(&value);
    return sample_open(sample, builder);
}

static inline void sample_done(struct sample_set *sample)
{
    sweep_set_close(sample->set);
    buf_done(&sample->bytes);
    free(sample->copy);
}

/* Append "LINE AT TOKEN=VALUE\n". */
static inline int sample_hit(void *ctx, const struct sweep_hit *hit, struct err *err)
{
    (void)err;
    assert_true(hit->at + hit->len <= hit->text.len);
    buf_fmt(ctx, "%llu %zu %.*s=%.*s\n", (unsigned long long)hit->line, hit->at, (int)hit->len,
            (const char *)hit->text.data + hit->at, SPAN_ARGS(hit->ioc->value));
    return 0;
}

/* Sweep `text`, fed in pieces of `piece` bytes (0: at once). */
static inline void sample_sweep(const struct sweep_set *set, struct span text, size_t piece, struct buf *out)
{
    struct err err = {0};
    struct sweep *sweep = sweep_new(set, sample_hit, out);
    assert_non_null(sweep);
    if (piece == 0)
        piece = text.len + 1;
    for (size_t pos = 0; pos < text.len; pos += piece) {
        /* On the heap and exactly sized, as another caller's memory would be. */
        struct span part = span_sub(text, pos, piece);
        uint8_t *exact = malloc(part.len);
        assert_non_null(exact);
        memcpy(exact, part.data, part.len);
        assert_int_equal(sweep_feed(sweep, span_of(exact, part.len), &err), 0);
        free(exact);
    }
    assert_int_equal(sweep_end(sweep, &err), 0);
    assert_int_equal(sweep_stats(sweep)->bytes, text.len);
    sweep_free(sweep);
    assert_false(out->failed);
}

/* A generator of its own, so that a failure can be repeated: splitmix64. */
static inline uint64_t sample_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline size_t sample_below(uint64_t *state, size_t n)
{
    return (size_t)((sample_random(state) >> 32) * n >> 32);
}

#endif

/*
 * Numbers and bytes out of a fuzz input, front to back. Behind its end everything is zero and empty. One draw an
 * expression: in which order a compiler looks at the parts of one is its own choice.
 */
#ifndef TONGZHOU_FUZZ_DRAW_H
#define TONGZHOU_FUZZ_DRAW_H

#include "base/span.h"

struct draw {
    struct span rest;
};

static inline uint8_t draw_u8(struct draw *draw)
{
    uint8_t byte = draw->rest.len > 0 ? draw->rest.data[0] : 0;
    draw->rest = span_sub(draw->rest, 1, SIZE_MAX);
    return byte;
}

/* 0..bound - 1, of as many bytes as `bound` takes, which is at least 1. */
static inline uint64_t draw_below(struct draw *draw, uint64_t bound)
{
    uint64_t number = 0, left = bound - 1;
    do {
        number = number << 8 | draw_u8(draw);
        left >>= 8;
    } while (left > 0);
    return number % bound;
}

/* A length byte and so many bytes, as far as there are any. */
static inline struct span draw_span(struct draw *draw)
{
    size_t len = draw_u8(draw);
    struct span part = span_sub(draw->rest, 0, len);
    draw->rest = span_sub(draw->rest, part.len, SIZE_MAX);
    return part.len > 0 ? part : SPAN_LIT("");
}

/* One of the bytes becomes another. */
static inline void draw_change(struct draw *draw, uint8_t *bytes, size_t len)
{
    if (len == 0)
        return;
    size_t at = draw_below(draw, len);
    bytes[at] ^= (uint8_t)(1 + draw_below(draw, 255));
}

#endif

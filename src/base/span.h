/* Spans borrow bytes: a pointer and a length, never owned, never NUL-terminated by promise. */
#ifndef TONGZHOU_BASE_SPAN_H
#define TONGZHOU_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *data;
    size_t len;
};

/* For printf: "%.*s", SPAN_ARGS(span). Only for bytes known to be harmless text; see utf8.h for others. */
#define SPAN_ARGS(s) (int)(s).len, (const char *)(s).data

/* A span over a string literal. */
#define SPAN_LIT(literal) ((struct span){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct span span_of(const void *data, size_t len)
{
    return (struct span){(const uint8_t *)data, len};
}

static inline struct span span_str(const char *str)
{
    return (struct span){(const uint8_t *)str, strlen(str)};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool span_is(struct span a, const char *str)
{
    return span_eq(a, span_str(str));
}

static inline bool span_starts(struct span a, struct span prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.data, prefix.data, prefix.len) == 0);
}

/* The part from `from` on, at most `len` bytes; clipped to the span. */
static inline struct span span_sub(struct span a, size_t from, size_t len)
{
    if (from > a.len)
        from = a.len;
    if (len > a.len - from)
        len = a.len - from;
    return (struct span){a.data ? a.data + from : NULL, len};
}

/* Order by bytes, then by length: <0, 0, >0. */
int span_cmp(struct span a, struct span b);

/* Position of the first `byte`, or a.len. */
size_t span_find(struct span a, uint8_t byte);

/* Position of the first occurrence of `what` (not empty), or a.len. */
size_t span_search(struct span a, struct span what);

/* Without spaces, tabs, CR and LF at both ends. */
struct span span_trim(struct span a);

/* Unsigned decimal without sign or leading zeros, at most `max`; false if it is not exactly that. */
bool span_u64(struct span a, uint64_t max, uint64_t *ret);

#endif

/*
 * A growing byte buffer with a maximum and a sticky failure: writers add field after field and check once.
 */
#ifndef TONGZHOU_BASE_BUF_H
#define TONGZHOU_BASE_BUF_H

#include "base/err.h"
#include "base/span.h"

struct buf {
    uint8_t *data;
    size_t len, cap, max;
    int failed; /* 0, ERR_LIMIT or ERR_MEMORY; once set, additions do nothing */
};

/* Caller's storage; `max` bytes at most, allocated as needed. */
void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);

/* Forget the content and a failure, keep the memory. */
void buf_clear(struct buf *buf);

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_span(struct buf *buf, struct span span);
void buf_str(struct buf *buf, const char *str);
void buf_byte(struct buf *buf, uint8_t byte);
void buf_u16(struct buf *buf, uint16_t value); /* big-endian, as are the next two */
void buf_u32(struct buf *buf, uint32_t value);
void buf_u64(struct buf *buf, uint64_t value);
void buf_fmt(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for `len` more bytes, counted as added; NULL on failure. The caller fills all of them. */
uint8_t *buf_room(struct buf *buf, size_t len);

/* Cut back to `len`, which must not exceed the present length. */
void buf_cut(struct buf *buf, size_t len);

static inline struct span buf_view(const struct buf *buf)
{
    return (struct span){buf->data, buf->len};
}

/* NUL behind the content (not counted); "" after a failure. Valid until the next addition. */
const char *buf_cstr(struct buf *buf);

/* 0, or the sticky failure as an error: "WHAT: longer than MAX bytes" or out of memory. */
int buf_check(const struct buf *buf, const char *what, struct err *err);

#endif

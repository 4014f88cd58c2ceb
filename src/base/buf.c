#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 256 /* bytes of the first allocation: most texts fit without a second one */

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_done(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = 0;
}

/* Capacity for `len` more bytes and a NUL behind them. */
static bool reserve(struct buf *buf, size_t len)
{
    if (buf->failed)
        return false;
    if (len > buf->max || buf->len > buf->max - len) {
        buf->failed = ERR_LIMIT;
        return false;
    }
    size_t want;
    if (__builtin_add_overflow(buf->len + len, (size_t)1, &want)) {
        buf->failed = ERR_MEMORY;
        return false;
    }
    if (want <= buf->cap)
        return true;
    size_t cap = buf->cap ? buf->cap : BUF_FIRST;
    while (cap < want) {
        if (cap > SIZE_MAX / 2) {
            cap = want;
            break;
        }
        cap *= 2;
    }
    uint8_t *data = realloc(buf->data, cap);
    if (!data) {
        buf->failed = ERR_MEMORY;
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

uint8_t *buf_room(struct buf *buf, size_t len)
{
    if (!reserve(buf, len))
        return NULL;
    uint8_t *room = buf->data + buf->len;
    buf->len += len;
    return room;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    uint8_t *room = buf_room(buf, len);
    if (room && len > 0)
        memcpy(room, data, len);
}

void buf_span(struct buf *buf, struct span span)
{
    buf_add(buf, span.data, span.len);
}

void buf_str(struct buf *buf, const char *str)
{
    buf_add(buf, str, strlen(str));
}

void buf_byte(struct buf *buf, uint8_t byte)
{
    buf_add(buf, &byte, 1);
}

static void add_big_endian(struct buf *buf, uint64_t value, size_t bytes)
{
    uint8_t *room = buf_room(buf, bytes);
    for (size_t i = 0; room && i < bytes; i++)
        room[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

void buf_u16(struct buf *buf, uint16_t value)
{
    add_big_endian(buf, value, 2);
}

void buf_u32(struct buf *buf, uint32_t value)
{
    add_big_endian(buf, value, 4);
}

void buf_u64(struct buf *buf, uint64_t value)
{
    add_big_endian(buf, value, 8);
}

void buf_fmt(struct buf *buf, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    assert(wanted >= 0);
    size_t len = (size_t)wanted;
    if (len < sizeof(text)) {
        buf_add(buf, text, len);
        return;
    }
    /* Too long for the first try: again, straight into the buffer, which has a byte for the NUL. */
    char *room = (char *)buf_room(buf, len);
    if (!room)
        return;
    va_start(args, fmt);
    vsnprintf(room, len + 1, fmt, args);
    va_end(args);
}

void buf_cut(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len = len;
}

const char *buf_cstr(struct buf *buf)
{
    if (!reserve(buf, 0))
        return "";
    buf->data[buf->len] = '\0';
    return (const char *)buf->data;
}

int buf_check(const struct buf *buf, const char *what, struct err *err)
{
    if (buf->failed == ERR_LIMIT)
        return err_set(err, ERR_LIMIT, "%s: longer than %zu bytes", what, buf->max);
    if (buf->failed)
        return err_memory(err);
    return 0;
}

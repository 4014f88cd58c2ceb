#include "base/reader.h"

void reader_init(struct reader *r, struct span all)
{
    *r = (struct reader){.all = all};
}

size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : r->all.len - r->pos;
}

bool reader_end(const struct reader *r)
{
    return reader_left(r) == 0;
}

void reader_fail(struct reader *r, const char *expected)
{
    if (r->failed)
        return;
    r->failed = true;
    r->expected = expected;
}

static struct span take(struct reader *r, size_t len, const char *expected)
{
    if (r->failed || r->all.len - r->pos < len) {
        reader_fail(r, expected);
        return (struct span){0};
    }
    struct span taken = {r->all.data + r->pos, len};
    r->pos += len;
    return taken;
}

static uint64_t take_big_endian(struct reader *r, size_t bytes, const char *expected)
{
    struct span taken = take(r, bytes, expected);
    uint64_t value = 0;
    for (size_t i = 0; i < taken.len; i++)
        value = value << 8 | taken.data[i];
    return value;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)take_big_endian(r, 1, "a byte");
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)take_big_endian(r, 2, "a 16-bit number");
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)take_big_endian(r, 4, "a 32-bit number");
}

uint64_t reader_u64(struct reader *r)
{
    return take_big_endian(r, 8, "a 64-bit number");
}

struct span reader_bytes(struct reader *r, size_t len)
{
    return take(r, len, "more bytes");
}

struct span reader_line(struct reader *r, size_t max)
{
    if (r->failed)
        return (struct span){0};
    struct span rest = span_sub(r->all, r->pos, SIZE_MAX);
    size_t window = rest.len > max ? max + 1 : rest.len; /* `max` bytes and the newline */
    size_t len = span_find(span_sub(rest, 0, window), '\n');
    if (len == window) {
        reader_fail(r, window > max ? "a shorter line" : "a line with its newline");
        return (struct span){0};
    }
    r->pos += len + 1;
    return span_sub(rest, 0, len);
}

void reader_expect(struct reader *r, const char *literal)
{
    struct span want = span_str(literal);
    if (r->failed)
        return;
    if (span_starts(span_sub(r->all, r->pos, SIZE_MAX), want))
        r->pos += want.len;
    else
        reader_fail(r, literal);
}

struct span reader_rest(struct reader *r)
{
    return take(r, reader_left(r), "the rest");
}

int reader_check(const struct reader *r, const char *what, struct err *err)
{
    if (!r->failed)
        return 0;
    /* A literal may be a whole line: its newline does not belong into the message. */
    int len = (int)strcspn(r->expected, "\n");
    return err_set(err, ERR_SYNTAX, "%s: byte %zu: expected %.*s", what, r->pos, len ? len : 9,
                   len ? r->expected : "a newline");
}

int reader_finish(const struct reader *r, const char *what, struct err *err)
{
    if (reader_check(r, what, err) < 0)
        return err->code;
    if (r->pos != r->all.len)
        return err_set(err, ERR_SYNTAX, "%s: byte %zu: expected the end, found %zu more bytes", what, r->pos,
                       r->all.len - r->pos);
    return 0;
}

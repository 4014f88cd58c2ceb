#include "connect/heads.h"

#include "base/codec.h"
#include "base/random.h"
#include "base/scramble.h"

void heads_write_line(struct buf *out, const char *hex, struct span origin, uint64_t size)
{
    buf_str(out, hex);
    buf_byte(out, ' ');
    buf_span(out, origin);
    buf_fmt(out, " %llu\n", (unsigned long long)size);
}

void heads_write_end(struct buf *out, bool more, const char *generation, int64_t seq)
{
    buf_fmt(out, "%s %s-%lld\n", more ? "more" : "next", generation, (long long)seq);
}

void heads_write_end_reached(struct buf *out, bool more, const char *generation, int64_t seq, int64_t reached)
{
    buf_fmt(out, "%s %s-%lld-%lld\n", more ? "more" : "next", generation, (long long)seq, (long long)reached);
}

/* ---- what a member's cursor hides ---- */

/* A key of this process: the place of a process before it is one of somebody else's. */
static void key_of_process(uint8_t key[SCRAMBLE_KEY])
{
    uint64_t halves[] = {random_hash(SPAN_LIT("heads a")), random_hash(SPAN_LIT("heads b"))};
    _Static_assert(sizeof(halves) == SCRAMBLE_KEY, "two halves");
    memcpy(key, halves, sizeof(halves));
}

int64_t heads_reached_hide(const char *origin, int64_t reached)
{
    uint8_t key[SCRAMBLE_KEY];
    key_of_process(key);
    return (int64_t)scramble_hide(key, span_str(origin), (uint64_t)reached & (SCRAMBLE_LIMIT - 1));
}

int64_t heads_reached_show(const char *origin, int64_t hidden)
{
    uint8_t key[SCRAMBLE_KEY];
    key_of_process(key);
    return (int64_t)scramble_show(key, span_str(origin), (uint64_t)hidden & (SCRAMBLE_LIMIT - 1));
}

/* ---- reading ---- */

void heads_reader_init(struct heads_reader *reader, struct span answer)
{
    *reader = (struct heads_reader){0};
    reader_init(&reader->reader, answer);
}

static bool cursor_valid(struct span cursor)
{
    if (!cursor.data || cursor.len == 0 || cursor.len > HEADS_CURSOR_MAX)
        return false;
    for (size_t i = 0; i < cursor.len; i++) {
        uint8_t c = cursor.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-'))
            return false;
    }
    return true;
}

static int heads_end(struct heads_reader *reader, struct span line, struct err *err)
{
    reader->more = line.data[0] == 'm';
    reader->cursor = span_sub(line, 5, line.len);
    if (!cursor_valid(reader->cursor))
        return err_set(err, ERR_SYNTAX, "heads: last line: expected a cursor of 1 to %d characters of a-z, 0-9 and -",
                       HEADS_CURSOR_MAX);
    return reader_finish(&reader->reader, "heads", err);
}

static int heads_parse_line(size_t number, struct span line, struct heads_line *ret, struct err *err)
{
    if (line.len < 66 || line.data[64] != ' ' || !hex_decode(span_sub(line, 0, 64), ret->hash, 32))
        return err_set(err, ERR_SYNTAX, "heads line %zu: expected 64 hex digits and a space", number);
    struct span rest = span_sub(line, 65, line.len);
    size_t space = span_find(rest, ' ');
    ret->origin = span_sub(rest, 0, space);
    if (!origin_valid(ret->origin))
        return err_set(err, ERR_SYNTAX, "heads line %zu: expected an origin behind the hash", number);
    if (!span_u64(span_sub(rest, space + 1, rest.len), LOG_SIZE_MAX, &ret->size) || ret->size == 0)
        return err_set(err, ERR_SYNTAX, "heads line %zu: expected a size from 1 to 2^40", number);
    uint8_t hash[32];
    origin_hash(ret->origin, hash);
    if (memcmp(hash, ret->hash, 32) != 0)
        return err_set(err, ERR_SYNTAX, "heads line %zu: the hash is not the origin's", number);
    return 1;
}

int heads_next(struct heads_reader *reader, struct heads_line *ret, struct err *err)
{
    struct span line = reader_line(&reader->reader, HEADS_LINE_MAX + 1);
    int code = reader_check(&reader->reader, "heads", err);
    if (code < 0)
        return code;
    if (span_starts(line, SPAN_LIT("next ")) || span_starts(line, SPAN_LIT("more ")))
        return heads_end(reader, line, err);
    if (++reader->lines > HEADS_PAGE_MAX)
        return err_set(err, ERR_LIMIT, "heads: more than %d lines", HEADS_PAGE_MAX);
    return heads_parse_line(reader->lines, line, ret, err);
}

bool heads_cursor_parse(struct span cursor, char ret_generation[17], int64_t *ret_seq)
{
    uint64_t seq;
    uint8_t bytes[8];
    if (cursor.len < 18 || cursor.data[16] != '-' || !hex_decode(span_sub(cursor, 0, 16), bytes, 8) ||
        !span_u64(span_sub(cursor, 17, cursor.len), INT64_MAX, &seq))
        return false;
    memcpy(ret_generation, cursor.data, 16);
    ret_generation[16] = '\0';
    *ret_seq = (int64_t)seq;
    return true;
}

bool heads_cursor_reached(struct span *cursor, int64_t *ret_reached)
{
    struct span rest = span_sub(*cursor, 17, cursor->len);
    uint64_t reached = 0;
    size_t dash = span_find(rest, '-');
    *ret_reached = 0;
    if (dash == rest.len)
        return true;
    if (!span_u64(span_sub(rest, dash + 1, rest.len), INT64_MAX, &reached))
        return false;
    cursor->len = 17 + dash;
    *ret_reached = (int64_t)reached;
    return true;
}

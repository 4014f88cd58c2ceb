/* fuzz: connect */
#include <stdlib.h>

#include "base/codec.h"
#include "base/utf8.h"
#include "connect/heads.h"
#include "connect/peering.h"
#include "index/capability.h"

const struct capability *const capabilities[] = {NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read from /heads can be written again, and is then the same. */
static void try_heads(struct span all)
{
    struct heads_reader reader;
    struct heads_line line;
    struct err err;
    struct buf again;
    int code;
    buf_init(&again, all.len + 1);
    heads_reader_init(&reader, all);
    while ((code = heads_next(&reader, &line, &err)) > 0) {
        char hex[65];
        hex_encode(line.hash, 32, hex);
        heads_write_line(&again, hex, line.origin, line.size);
    }
    if (code == 0) {
        buf_str(&again, reader.more ? "more " : "next ");
        buf_span(&again, reader.cursor);
        buf_byte(&again, '\n');
        if (!span_eq(buf_view(&again), all))
            abort();
    }
    buf_done(&again);
}

/* The same with every line's hash put right, which no change of bytes would find. */
static void try_hashed(struct span all)
{
    struct buf fixed;
    buf_init(&fixed, all.len + 1);
    for (size_t at = 0; at < all.len;) {
        struct span line = span_sub(all, at, span_find(span_sub(all, at, all.len), '\n') + 1);
        struct span origin = span_sub(line, 65, line.len);
        origin.len = span_find(origin, ' ');
        size_t from = fixed.len;
        at += line.len;
        buf_span(&fixed, line);
        if (origin.len > 0) {
            uint8_t hash[32];
            char hex[65];
            origin_hash(origin, hash);
            hex_encode(hash, 32, hex);
            memcpy(fixed.data + from, hex, 64);
        }
    }
    try_heads(buf_view(&fixed));
    buf_done(&fixed);
}

/* What /node says of the operator it says again when it is written. */
static void try_node(struct span all)
{
    struct node_facts facts, again;
    struct err err;
    struct buf text;
    if (node_facts_parse(all, &facts, &err) != 0)
        return;
    buf_init(&text, NODE_FACTS_MAX);
    if (!utf8_valid(span_str(facts.version)) || node_facts_write(span_str(facts.origin), &text, &err) != 0 ||
        node_facts_parse(buf_view(&text), &again, &err) != 0 || strcmp(again.origin, facts.origin) != 0 ||
        strcmp(again.version, TONGZHOU_VERSION) != 0)
        abort();
    buf_done(&text);
}

/* A cursor of ours is what heads_write_end wrote. */
static void try_cursor(struct span cursor)
{
    char generation[17];
    int64_t seq, reached;
    struct buf again;
    struct span rest = cursor;
    if (heads_cursor_reached(&rest, &reached) && (rest.len > cursor.len || reached < 0))
        abort();
    if (!heads_cursor_parse(cursor, generation, &seq))
        return;
    buf_init(&again, 256);
    heads_write_end(&again, false, generation, seq);
    if (!span_eq(span_sub(buf_view(&again), 5, cursor.len), cursor) || again.len != 5 + cursor.len + 1)
        abort();
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size);
    try_heads(all);
    try_hashed(all);
    try_node(all);
    try_cursor(all);
    return 0;
}

/* fuzz: connect */
#include <stdlib.h>

#include "base/codec.h"
#include "connect/heads.h"
#include "connect/peering.h"
#include "index/capability.h"

const struct capability *const capabilities[] = {NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read from /heads can be written again, and is then the same; /node is read without harm. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size);
    struct heads_reader reader;
    struct heads_line line;
    struct node_facts facts;
    struct err err;
    struct buf again;
    int code;
    buf_init(&again, size + 1);
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
    node_facts_parse(all, &facts, &err);
    return 0;
}

/* fuzz: record */
#include "record/seal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A payload bundle from a peer: items lie end to end inside it, and say the same when written again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct payload_reader reader = {.bundle = span_of(data, size)};
    struct payload_item item;
    struct err err = {0};
    struct buf again;
    size_t at = 0;
    int rc;
    buf_init(&again, size + 1);
    while ((rc = payload_next(&reader, &item, &err)) == 1) {
        if (item.raw.data != data + at)
            abort();
        at += item.raw.len;
        if (item.hole)
            payload_add_hole(&again);
        else
            payload_add(&again, item.salt, item.payload);
    }
    if (!span_eq(buf_view(&again), span_of(data, at)) || (rc == 0 && at != size))
        abort();
    buf_done(&again);
    return 0;
}

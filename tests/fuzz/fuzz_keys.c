/* fuzz: state */
/* A key file as a member's luggage brings it: what is accepted comes out again as the same bytes. */
#include <stdlib.h>

#include "state/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keys keys;
    struct err err;
    if (keys_parse(span_of(data, size), &keys, &err) != 0)
        return 0;
    struct buf text;
    buf_init(&text, 1u << 16);
    keys_format(&keys, &text);
    if (!span_eq(buf_view(&text), span_of(data, size)))
        abort();
    buf_done(&text);
    return 0;
}

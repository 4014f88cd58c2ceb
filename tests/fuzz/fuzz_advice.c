/* fuzz: policy */
#include "policy/list.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses: a body, or a file of others. What is accepted is written and read to the same text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct arena arena;
    struct list list = {.name = "fuzz"}, again;
    struct list_import import;
    struct buf once, twice;
    if (size == 0)
        return 0;
    struct span text = span_of(data + 1, size - 1);
    arena_init(&arena, 128u << 20);
    buf_init(&once, LIST_BODY_MAX);
    buf_init(&twice, LIST_BODY_MAX);
    int rc = data[0] == '{'
                 ? list_parse_body(span_of(data, size), &arena, &list, &err)
                 : list_read_file(text, data[0] & 1 ? LIST_MEMBER : LIST_VALUE, &arena, &list, &import, &err);
    if (rc == 0) {
        if (list_write_body(&list, &once, &err) < 0 && err.code != ERR_LIMIT)
            abort();
        if (once.len > 0) {
            if (list_parse_body(buf_view(&once), &arena, &again, &err) < 0 ||
                list_write_body(&again, &twice, &err) < 0 || !span_eq(buf_view(&once), buf_view(&twice)))
                abort();
        }
    }
    buf_done(&once);
    buf_done(&twice);
    arena_done(&arena);
    return 0;
}

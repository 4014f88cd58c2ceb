/* fuzz: record */
#include "record/fork.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The body of a fork proof. What parses can be written (unless too long) and read again, and proves what it proved. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct record record = {.kind = SPAN_LIT("connect/fork"), .body = span_of(data, size)};
    struct fork_proof proof, again;
    struct err err = {0};
    struct buf text;
    enum fork_verdict verdict;
    arena_init(&arena, 16u << 20);
    buf_init(&text, INLINE_MAX);
    if (fork_parse(&record, &arena, &proof, &err) == 0) {
        int rc = fork_verify(&proof, &verdict, &err);
        if (fork_write(&proof, 0, &text, &err) == 0) {
            if (record_parse(buf_view(&text), &arena, &record, &err) < 0 ||
                fork_parse(&record, &arena, &again, &err) < 0 || (rc == 0 && fork_verify(&again, &verdict, &err) < 0))
                abort();
        }
    }
    buf_done(&text);
    arena_done(&arena);
    return 0;
}

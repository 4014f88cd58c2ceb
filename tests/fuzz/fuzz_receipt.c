/* fuzz: record */
/* A receipt as it comes, as a record and as a body: what is accepted is bounded, ascending, and written again to the same. */
#include <stdlib.h>

#include "record/member.h"
#include "record/receipt.h"

#define ORIGIN "a.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_record(const struct record *record, struct arena *arena)
{
    struct receipt once, twice;
    struct record again;
    struct buf text;
    struct err err;
    if (receipt_parse(record, arena, &once, &err) < 0)
        return;
    if (once.count < 1 || once.count > RECEIPT_ITEMS_MAX || !origin_valid(once.author))
        abort();
    for (size_t i = 1; i < once.count; i++)
        if (once.items[i].index <= once.items[i - 1].index)
            abort();
    buf_init(&text, PAYLOAD_MAX);
    if (receipt_write(&once, 1, &text, &err) < 0 || record_parse(buf_view(&text), arena, &again, &err) < 0 ||
        receipt_parse(&again, arena, &twice, &err) < 0 || twice.count != once.count ||
        memcmp(once.items, twice.items, once.count * sizeof(*once.items)) != 0)
        abort();
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct record record;
    struct err err;
    struct span to = SPAN_LIT(ORIGIN);
    arena_init(&arena, 16u << 20);
    if (record_parse(span_of(data, size), &arena, &record, &err) == 0)
        try_record(&record, &arena);
    record = (struct record){.kind = SPAN_LIT(RECEIPT_KIND),
                             .has_time = true,
                             .tlp = TLP_AMBER_STRICT,
                             .to = &to,
                             .to_count = 1,
                             .body = span_of(data, size)};
    try_record(&record, &arena);
    arena_done(&arena);
    return 0;
}

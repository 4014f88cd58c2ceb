/* fuzz: record */
/* A parcel's record as it comes, and its contents: what is read stands within them, ascending, and is written as it was. */
#include <stdlib.h>

#include "record/parcel.h"
#include "record/seal.h"

#define ORIGIN "a.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_record(struct span text)
{
    struct arena arena;
    struct record record;
    struct parcel parcel;
    struct err err;
    arena_init(&arena, 1u << 20);
    if (record_parse(text, &arena, &record, &err) == 0 && parcel_parse(&record, &parcel, &err) == 0 &&
        (parcel.age.len >= record.body.len || parcel.expires_ms <= record.time_ms))
        abort();
    arena_done(&arena);
}

static void try_contents(struct span plain)
{
    struct parcel_reader reader;
    struct parcel_item item;
    struct err err;
    struct buf again;
    int rc;
    buf_init(&again, 1u << 21);
    if (parcel_open(plain, SPAN_LIT(ORIGIN), 1000, &reader, &err) == 0) {
        parcel_begin(&again, SPAN_LIT(ORIGIN));
        while ((rc = parcel_next(&reader, &item, &err)) > 0) {
            if (item.index >= 1000 || item.salt.len != SEAL_SALT ||
                item.payload.data + item.payload.len > plain.data + plain.len)
                abort();
            parcel_add(&again, &item);
        }
        if (rc == 0 && !again.failed && !span_eq(buf_view(&again), plain))
            abort();
    }
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf contents;
    if (size > (1u << 20))
        return 0;
    try_record(span_of(data, size));
    try_contents(span_of(data, size));
    /* Items behind a beginning that holds. */
    buf_init(&contents, 1u << 21);
    parcel_begin(&contents, SPAN_LIT(ORIGIN));
    buf_add(&contents, data, size);
    try_contents(buf_view(&contents));
    buf_done(&contents);
    return 0;
}

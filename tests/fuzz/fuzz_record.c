/* fuzz: record */
#include "record/kind.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes: parse, classify, check. What parses must be written down as it was read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct record record;
    struct err err = {0};
    struct span text = span_of(data, size);
    arena_init(&arena, 1u << 20);
    enum entry_class class = entry_classify(text);
    if (record_parse(text, &arena, &record, &err) == 0) {
        size_t at = 0;
        for (size_t i = 0; i < record.line_count; i++) {
            struct record_line line = record.lines[i];
            if (!record_value_valid(line.value) || line.name.data < data + at)
                abort();
            at = (size_t)(line.value.data + line.value.len - data);
        }
        if (record.body.data < data + at || record.body.data + record.body.len != data + size)
            abort();
        if (class == ENTRY_INLINE && payload_foldable(&record))
            abort();
        (void)kind_check(&record, &err);
    } else if (err.code == 0 || err.text[0] == '\0') {
        abort();
    }
    arena_done(&arena);
    return 0;
}

/* fuzz: moderation */
#include <stdlib.h>

#include "moderation/moderation.h"

const struct capability *const capabilities[] = {&moderation_capability, NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A body of each kind: accepted or refused; a notice that is accepted is written again and read to the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {NOTICE_KIND, COUNTER_KIND};
    struct reasons_brief brief;
    struct err err = {0};
    struct record record = {.kind = SPAN_LIT(DECISION_KIND), .body = span_of(data, size)};
    (void)reasons_parse(&record, &brief, &err);
    for (size_t i = 0; i < 2; i++) {
        struct complaint once, twice;
        struct arena arena;
        struct buf text;
        record = (struct record){.kind = span_str(kinds[i]), .body = span_of(data, size)};
        if (complaint_parse(&record, &once, &err) < 0)
            continue;
        struct complaint_draft draft = {.complaint = &once, .time_ms = 1, .tlp = TLP_CLEAR};
        arena_init(&arena, 16u << 20);
        buf_init(&text, PAYLOAD_MAX);
        if (complaint_write(&draft, &text, &err) < 0 || record_parse(buf_view(&text), &arena, &record, &err) < 0 ||
            complaint_parse(&record, &twice, &err) < 0 || memcmp(&once, &twice, sizeof(once)) != 0)
            abort();
        buf_done(&text);
        arena_done(&arena);
    }
    return 0;
}

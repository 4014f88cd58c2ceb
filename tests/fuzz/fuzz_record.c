/* fuzz: record */
#include "record/kind.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool spans_same(const struct span *a, const struct span *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!span_eq(a[i], b[i]))
            return false;
    return true;
}

/*
 * Written from its parts it is the same text, byte for byte, but for what the writer always adds or never says: a time,
 * and no word for an audience that it does not know. What was written reads back.
 */
static void write_again(const struct record *record, struct span text)
{
    char kind[80];
    struct buf out;
    struct arena arena;
    struct record again;
    struct err err = {0};
    size_t known = 0;
    bool same = record->has_time;
    while (known < record->line_count) {
        struct span name = record->lines[known].name;
        if (!span_is(name, "time") && !span_is(name, "tlp") && !span_is(name, "to") && !span_is(name, "ref") &&
            !span_is(name, "lang") && !span_is(name, "type"))
            break;
        same = same && !(span_is(name, "tlp") && record->tlp == TLP_NONE);
        known++;
    }
    snprintf(kind, sizeof(kind), "%.*s", SPAN_ARGS(record->kind));
    struct record_draft draft = {.kind = kind,
                                 .time_ms = record->time_ms,
                                 .tlp = record->tlp,
                                 .lang = record->lang,
                                 .type = record->type,
                                 .to = record->to,
                                 .ref = record->ref,
                                 .to_count = record->to_count,
                                 .ref_count = record->ref_count,
                                 .extra = known < record->line_count ? &record->lines[known] : NULL,
                                 .extra_count = record->line_count - known,
                                 .body = record->body};
    buf_init(&out, PAYLOAD_MAX);
    arena_init(&arena, 1u << 20);
    int rc = record_write(&draft, &out, &err);
    if (rc < 0 && same)
        abort();
    if (rc == 0 && same && !span_eq(buf_view(&out), text))
        abort();
    if (rc == 0 &&
        (record_parse(buf_view(&out), &arena, &again, &err) < 0 || !span_eq(again.kind, record->kind) ||
         again.time_ms != record->time_ms || again.tlp != record->tlp || again.to_count != record->to_count ||
         again.ref_count != record->ref_count || !spans_same(again.to, record->to, record->to_count) ||
         !spans_same(again.ref, record->ref, record->ref_count) || !span_eq(again.body, record->body)))
        abort();
    arena_done(&arena);
    buf_done(&out);
}

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
        if (kind_check(&record, &err) < 0 && err.text[0] == '\0')
            abort();
        write_again(&record, text);
    } else if (err.code == 0 || err.text[0] == '\0') {
        abort();
    }
    arena_done(&arena);
    return 0;
}

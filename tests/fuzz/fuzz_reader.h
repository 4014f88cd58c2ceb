/*
 * What the fuzz targets of the import's readers share. The first byte says where the input is cut; a reader must say the
 * same for every cut, and everything that it makes must be a STIX object that we read ourselves.
 */
#ifndef TONGZHOU_FUZZ_READER_H
#define TONGZHOU_FUZZ_READER_H

#include <stdlib.h>

#include "base/json.h"
#include "security/import.h"

struct fuzz_read {
    uint64_t sum; /* over all that was said, in order */
    struct json_scanner *scanner;
    struct arena arena;
};

static void fuzz_mix(struct fuzz_read *read, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++)
        read->sum = (read->sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    read->sum = (read->sum ^ 0x1ff) * UINT64_C(0x100000001b3);
}

static int fuzz_no_value(void *ctx, enum ioc_type type, struct span value, struct err *err)
{
    (void)ctx;
    (void)type;
    (void)value;
    (void)err;
    return 0;
}

static void fuzz_check_generated(struct fuzz_read *read, const struct import_item *item)
{
    const struct json_tree *tree;
    struct stix_object object;
    struct err err;
    arena_clear(&read->arena);
    if (json_scan(read->scanner, item->object, &tree, &err) < 0 || stix_read(tree, &read->arena, &object, &err) < 0)
        abort();
    if (!span_eq(object.id, item->id))
        abort();
    if (object.pattern.data && stix_pattern_values(object.pattern, fuzz_no_value, NULL, &err) < 0)
        abort();
}

static int fuzz_item(void *ctx, const struct import_item *item, struct err *err)
{
    struct fuzz_read *read = ctx;
    uint64_t numbers[] = {item->line, item->offset, (uint64_t)item->marking, (uint64_t)item->ioc_type,
                          (uint64_t)item->modified_ms};
    (void)err;
    fuzz_mix(read, item->object.data, item->object.len);
    fuzz_mix(read, item->id.data, item->id.len);
    fuzz_mix(read, numbers, sizeof(numbers));
    if (item->generated)
        fuzz_check_generated(read, item);
    return 0;
}

static int fuzz_bad(void *ctx, uint64_t line, uint64_t offset, const char *reason, struct err *err)
{
    struct fuzz_read *read = ctx;
    uint64_t numbers[] = {line, offset};
    (void)err;
    fuzz_mix(read, numbers, sizeof(numbers));
    fuzz_mix(read, reason, strlen(reason));
    return 0;
}

static uint64_t fuzz_run(enum import_format format, struct span text, size_t cut)
{
    struct err err;
    struct fuzz_read read = {.sum = 1, .scanner = json_scanner_new()};
    struct import_source source = {.origin = SPAN_LIT("x.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                                   .now_ms = INT64_C(1795346066123),
                                   .name = SPAN_LIT("trails/malware/some_list.txt")};
    struct import_sink sink = {.item = fuzz_item, .bad = fuzz_bad, .ctx = &read};
    struct import_reader *reader = import_reader_new(format, &source, &sink);
    if (!reader || !read.scanner)
        abort();
    arena_init(&read.arena, 64u << 20);
    for (size_t at = 0; at < text.len; at += cut)
        if (import_reader_feed(reader, span_sub(text, at, cut), &err) < 0)
            abort();
    if (import_reader_end(reader, &err) < 0)
        abort();
    import_reader_free(reader);
    json_scanner_free(read.scanner);
    arena_done(&read.arena);
    return read.sum;
}

static int fuzz_reader(enum import_format format, const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct span text = span_of(data + 1, size - 1);
    if (fuzz_run(format, text, SIZE_MAX / 2) != fuzz_run(format, text, (size_t)data[0] + 1))
        abort();
    return 0;
}

#endif

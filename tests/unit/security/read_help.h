/* What the tests of the readers share: run a reader and keep what it says. */
#ifndef TONGZHOU_TEST_READ_HELP_H
#define TONGZHOU_TEST_READ_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "security/import.h"

#define TEST_ORIGIN "cert.example.org/k5xqaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TEST_NOW_MS INT64_C(1795346066123) /* 2026-11-22T11:14:26.123Z */

struct got_item {
    char *object, *id, *type, *value, *why;
    struct import_item item; /* its spans are gone; the strings above hold their bytes */
};

struct got_bad {
    uint64_t line, offset;
    char *reason;
};

struct got {
    struct got_item *items;
    struct got_bad *bads;
    size_t item_count, bad_count;
    struct buf dump; /* all of it as text, to compare runs */
};

static inline char *got_copy(struct span text)
{
    char *copy = malloc(text.len + 1);
    assert_non_null(copy);
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = 0;
    return copy;
}

static inline int got_on_item(void *ctx, const struct import_item *item, struct err *err)
{
    struct got *got = ctx;
    (void)err;
    got->items = realloc(got->items, (got->item_count + 1) * sizeof(*got->items));
    assert_non_null(got->items);
    got->items[got->item_count++] = (struct got_item){
        .object = got_copy(item->object),
        .id = got_copy(item->id),
        .type = got_copy(item->type),
        .value = got_copy(item->value),
        .why = got_copy(span_str(item->marking_why ? item->marking_why : "")),
        .item = *item,
    };
    buf_fmt(&got->dump, "item %d %d %lld tlp %d type %d line %llu offset %llu ", item->generated, item->has_modified,
            (long long)item->modified_ms, (int)item->marking, (int)item->ioc_type, (unsigned long long)item->line,
            (unsigned long long)item->offset);
    buf_span(&got->dump, item->object);
    buf_byte(&got->dump, '\n');
    return 0;
}

static inline int got_on_bad(void *ctx, uint64_t line, uint64_t offset, const char *reason, struct err *err)
{
    struct got *got = ctx;
    (void)err;
    got->bads = realloc(got->bads, (got->bad_count + 1) * sizeof(*got->bads));
    assert_non_null(got->bads);
    got->bads[got->bad_count++] = (struct got_bad){line, offset, got_copy(span_str(reason))};
    buf_fmt(&got->dump, "bad line %llu offset %llu %s\n", (unsigned long long)line, (unsigned long long)offset, reason);
    return 0;
}

static inline void got_done(struct got *got)
{
    for (size_t i = 0; i < got->item_count; i++) {
        free(got->items[i].object);
        free(got->items[i].id);
        free(got->items[i].type);
        free(got->items[i].value);
        free(got->items[i].why);
    }
    for (size_t i = 0; i < got->bad_count; i++)
        free(got->bads[i].reason);
    free(got->items);
    free(got->bads);
    buf_done(&got->dump);
    *got = (struct got){0};
}

/* Read `text` in pieces of `piece` bytes, the first one of `first` bytes (0: none). */
static inline void got_read(struct got *got, enum import_format format, const char *name, struct span text,
                            size_t first, size_t piece)
{
    struct err err = {0};
    struct import_source source = {.origin = SPAN_LIT(TEST_ORIGIN), .now_ms = TEST_NOW_MS, .name = span_str(name)};
    struct import_sink sink = {.item = got_on_item, .bad = got_on_bad, .ctx = got};
    *got = (struct got){0};
    buf_init(&got->dump, 256u << 20);
    struct import_reader *reader = import_reader_new(format, &source, &sink);
    assert_non_null(reader);
    for (size_t at = 0; at < text.len;) {
        size_t len = at == 0 && first ? first : piece;
        struct span part = span_sub(text, at, len);
        /* A copy of its own size, so that a sanitizer sees a read behind the piece. */
        uint8_t *copy = malloc(part.len);
        assert_non_null(copy);
        memcpy(copy, part.data, part.len);
        assert_int_equal(import_reader_feed(reader, span_of(copy, part.len), &err), 0);
        memset(copy, 0xa5, part.len);
        free(copy);
        at += part.len;
    }
    assert_int_equal(import_reader_end(reader, &err), 0);
    import_reader_free(reader);
}

static inline void got_text(struct got *got, enum import_format format, const char *name, const char *text)
{
    got_read(got, format, name, span_str(text), 0, SIZE_MAX);
}

/* The same items and complaints for every cut in two, and byte by byte. */
static inline void check_every_cut(enum import_format format, const char *name, struct span text)
{
    struct got whole, cut;
    got_read(&whole, format, name, text, 0, SIZE_MAX);
    for (size_t at = 1; at < text.len; at++) {
        got_read(&cut, format, name, text, at, SIZE_MAX);
        assert_string_equal(buf_cstr(&cut.dump), buf_cstr(&whole.dump));
        got_done(&cut);
    }
    for (size_t piece = 1; piece < 8; piece++) {
        got_read(&cut, format, name, text, 0, piece);
        assert_string_equal(buf_cstr(&cut.dump), buf_cstr(&whole.dump));
        got_done(&cut);
    }
    got_done(&whole);
}

/* Real data, where it is: $TONGZHOU_DATA, or beside the repository. NULL: the caller skips. The result is the caller's. */
static inline char *data_path(const char *name)
{
    const char *const folders[] = {getenv("TONGZHOU_DATA"), "../shared/data"};
    for (size_t i = 0; i < 2; i++) {
        char path[4096];
        if (!folders[i])
            continue;
        snprintf(path, sizeof(path), "%s/%s", folders[i], name);
        FILE *file = fopen(path, "rb");
        if (!file)
            continue;
        fclose(file);
        return got_copy(span_str(path));
    }
    return NULL;
}

static inline struct span file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long len = ftell(file);
    assert_true(len >= 0);
    rewind(file);
    uint8_t *data = malloc((size_t)len + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)len, file), (size_t)len);
    fclose(file);
    return span_of(data, (size_t)len);
}

/* A file of samples/, from the repository's root or wherever $TONGZHOU_SOURCE says that it is. */
static inline struct span sample_read(const char *name)
{
    char path[4096];
    const char *root = getenv("TONGZHOU_SOURCE");
    snprintf(path, sizeof(path), "%s/%s", root ? root : ".", name);
    return file_read(path);
}

/* A whole file of the data; skips the test if it is not there. data_free() it. */
static inline struct span data_read(const char *name)
{
    char *path = data_path(name);
    if (!path)
        skip();
    struct span data = file_read(path);
    free(path);
    return data;
}

static inline void data_free(struct span data)
{
    union {
        const void *in;
        void *out;
    } whole = {.in = data.data};
    free(whole.out);
}

/* Is it a well-formed object with this member? */
static inline void check_member(const char *object, const char *key, const char *value)
{
    struct err err = {0};
    json_t *json = json_small_load(span_str(object), &err);
    assert_non_null(json);
    const char *found = json_string_value(json_object_get(json, key));
    assert_non_null(found);
    assert_string_equal(found, value);
    json_decref(json);
}

#endif

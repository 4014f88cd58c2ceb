/* What the tests of import and feeds share: a node of its own in a fresh folder, and sources in memory. */
#ifndef TONGZHOU_TEST_IMPORT_HELP_H
#define TONGZHOU_TEST_IMPORT_HELP_H

#include <ftw.h>
#include <unistd.h>

#include "security/feed.h"
#include "security/intel.h"
#include "security/read_help.h"
#include "state/payload.h"

/* A STIX object, by its number, its `modified`, and what else it says. */
#define MODIFIED_1 "2016-05-12T08:17:27.000Z"
#define OBJECT(n, modified, more)                                                                                      \
    "{\"type\":\"campaign\",\"spec_version\":\"2.1\",\"id\":\"campaign--0c7b5b88-8ff7-4a4d-aa9d-feb398cd006" #n "\","  \
    "\"created\":\"2016-05-12T08:17:27.000Z\",\"modified\":\"" modified "\",\"name\":\"a\"" more "}"

struct node {
    char dir[256];
    struct store *store;
    struct index *index;
    struct log_info own, local;
};

static inline int node_remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void node_check(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%s", err->text);
}

static inline void node_log(struct node *node, const char *name, enum log_role role, struct log_info *ret)
{
    struct err err = {0};
    char recovery[300];
    struct author_new make = {
        .time_ms = TEST_NOW_MS, .role = role, .is_operator = role == LOG_OWN, .recovery_path = recovery};
    snprintf(make.profile.name, sizeof(make.profile.name), "%s", name);
    make.profile.class = CLASS_CIVIL;
    snprintf(recovery, sizeof(recovery), "%s/%s.recovery", node->dir, name);
    if (role == LOG_LOCAL)
        make.recovery_path = NULL;
    node_check(author_create(node->store, &make, ret, &err), &err);
}

static inline int node_setup(void **state)
{
    struct node *node = calloc(1, sizeof(*node));
    struct err err = {0};
    struct store_options options = {.create = true};
    const char *tmp = getenv("TMPDIR");
    assert_non_null(node);
    snprintf(node->dir, sizeof(node->dir), "%s/tongzhou-import.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(node->dir));
    node_check(store_open(node->dir, &options, &node->store, &err), &err);
    author_allow(node->store);
    node_log(node, "cert.example.org", LOG_OWN, &node->own);
    node_log(node, "local", LOG_LOCAL, &node->local);
    node_check(index_open(node->dir, &node->index, &err), &err);
    node_check(index_update(node->index, node->store, 0, NULL, &err), &err);
    *state = node;
    return 0;
}

static inline int node_teardown(void **state)
{
    struct node *node = *state;
    index_close(node->index);
    store_close(node->store);
    nftw(node->dir, node_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(node);
    return 0;
}

static inline uint64_t node_size(struct node *node, int64_t number)
{
    struct log_info log;
    struct err err = {0};
    node_check(store_log(node->store, number, &log, &err), &err);
    return log.size;
}

/* The record at an index: text in `out`, parsed into *record with the arena. */
static inline void node_record(struct node *node, int64_t number, uint64_t index, struct arena *arena, struct buf *out,
                               struct record *record)
{
    struct err err = {0};
    buf_clear(out);
    node_check(payload_read(node->store, number, index, out, NULL, &err), &err);
    node_check(record_parse(span_sub(buf_view(out), 4 + SEAL_SALT, SIZE_MAX), arena, record, &err), &err);
}

/* ---- sources ---- */

struct memory {
    struct span text;
    size_t at, piece;
    int fail_code; /* at the end, instead of an end */
};

static inline int64_t memory_read(void *ctx, uint8_t *out, size_t max, struct err *err)
{
    struct memory *memory = ctx;
    struct span part = span_sub(memory->text, memory->at, max < memory->piece ? max : memory->piece);
    if (part.len == 0 && memory->fail_code)
        return err_set(err, memory->fail_code, "the source failed");
    if (part.len)
        memcpy(out, part.data, part.len);
    memory->at += part.len;
    return (int64_t)part.len;
}

/* What was reported, a line each: "what line reason". */
struct told {
    struct buf text;
    size_t count;
};

static inline int told_report(void *ctx, const char *what, struct span source, uint64_t line, uint64_t offset,
                              const char *reason)
{
    struct told *told = ctx;
    (void)offset;
    buf_str(&told->text, what);
    buf_byte(&told->text, ' ');
    buf_span(&told->text, source);
    buf_fmt(&told->text, ":%llu %s\n", (unsigned long long)line, reason);
    told->count++;
    return 0;
}

struct import_call {
    enum import_format format;
    const char *name;
    struct span text;
    int64_t number;
    enum tlp tlp;
    bool dry_run, fold_beside;
    int64_t now_ms;
    int fail_code;
    uint64_t text_max;
};

/* One import_run; what was reported goes to `told` (may be NULL). */
static inline int node_import(struct node *node, const struct import_call *call, struct import_result *ret,
                              struct told *told, struct err *err)
{
    struct memory memory = {.text = call->text, .piece = 1000003, .fail_code = call->fail_code};
    struct import_options options = {
        .number = call->number,
        .tlp = call->tlp,
        .dry_run = call->dry_run,
        .fold_beside = call->fold_beside,
        .now_ms = call->now_ms ? call->now_ms : TEST_NOW_MS,
        .text_max = call->text_max,
        .report = told ? told_report : NULL,
        .ctx = told,
    };
    return import_run(node->store, node->index, call->format, span_str(call->name ? call->name : "test.txt"),
                      memory_read, &memory, &options, ret, err);
}

/* An import that must go well; `told` is made empty first, and may be NULL. Every item is counted once. */
static inline void run(struct node *node, const struct import_call *call, struct import_result *ret, struct told *told)
{
    struct err err = {0};
    if (told) {
        *told = (struct told){0};
        buf_init(&told->text, 1 << 20);
    }
    node_check(node_import(node, call, ret, told, &err), &err);
    assert_int_equal(ret->items, ret->added + ret->duplicates + ret->refused);
}

#endif

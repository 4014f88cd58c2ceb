/* Nodes in fresh folders for the tests of src/state. */
#ifndef TONGZHOU_TESTS_STATE_NODE_H
#define TONGZHOU_TESTS_STATE_NODE_H

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "state/author.h"
#include "state/disk.h"
#include "state/mirror.h"
#include "state/payload.h"
#include "state/peers.h"

#define TIME_MS INT64_C(1795000000000)

/* A call that must succeed; its message is shown if it does not. */
#define good(call)                                                                                                     \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        int good_rc = (call);                                                                                          \
        if (good_rc < 0)                                                                                               \
            fail_msg("%s: %s", #call, err.text);                                                                       \
    } while (0)

/* A call that must fail with this code and a message that contains this text. */
#define bad(call, wanted, text_part)                                                                                   \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        int bad_rc = (call);                                                                                           \
        if (bad_rc != (wanted) || !strstr(err.text, (text_part)))                                                      \
            fail_msg("%s: %d \"%s\", expected %d \"%s\"", #call, bad_rc, err.text, (int)(wanted), (text_part));        \
    } while (0)

struct node {
    char root[64], dir[80];
    struct store *store;
};

static inline void shell(const char *command)
{
    int rc = system(command);
    assert_int_equal(rc, 0);
}

static inline struct store *node_handle(const struct node *node)
{
    struct store *store = NULL;
    struct store_options options = {.create = true};
    good(store_open(node->dir, &options, &store, &err));
    return store;
}

static inline void node_start(struct node *node)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(node->root, sizeof node->root, "%s/tz-state-XXXXXX", tmp && strlen(tmp) < 30 ? tmp : "/tmp");
    assert_non_null(mkdtemp(node->root));
    snprintf(node->dir, sizeof node->dir, "%s/node", node->root);
    node->store = node_handle(node);
    author_allow(node->store);
}

static inline void node_again(struct node *node)
{
    store_close(node->store);
    node->store = node_handle(node);
    author_allow(node->store);
}

static inline void node_stop(struct node *node)
{
    char command[128];
    store_close(node->store);
    snprintf(command, sizeof command, "rm -rf %s", node->root);
    shell(command);
}

static inline const char *node_path(const struct node *node, const char *name)
{
    static char paths[4][192];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", node->root, name);
    return path;
}

static inline void node_member(struct node *node, const char *name, bool is_operator, struct log_info *ret)
{
    char recovery[64];
    snprintf(recovery, sizeof recovery, "%.40s.recovery", name);
    struct author_new make = {
        .time_ms = TIME_MS, .role = LOG_OWN, .is_operator = is_operator, .recovery_path = node_path(node, recovery)};
    snprintf(make.profile.name, sizeof make.profile.name, "%s", name);
    make.profile.class = CLASS_CIVIL;
    good(author_create(node->store, &make, ret, &err));
}

/* A content record with a body of `len` bytes that tells `tag`. */
static inline void record_make(struct buf *out, const char *tag, size_t len)
{
    struct buf body;
    buf_init(&body, PAYLOAD_MAX);
    buf_fmt(&body, "%s ", tag);
    while (body.len < len)
        buf_fmt(&body, "%zu.", body.len);
    struct record_draft draft = {.kind = "test/text", .time_ms = TIME_MS, .tlp = TLP_CLEAR, .body = buf_view(&body)};
    good(record_write(&draft, out, &err));
    buf_done(&body);
}

/* Append `count` content records in one batch, tagged "PREFIX-INDEX". */
static inline uint64_t append_many(struct store *store, int64_t number, const char *prefix, size_t count, size_t len,
                                   bool clear)
{
    struct author_item *items = calloc(count, sizeof *items);
    struct buf *texts = calloc(count, sizeof *texts);
    struct log_info info;
    uint64_t first = UINT64_MAX;
    assert_non_null(items);
    assert_non_null(texts);
    good(store_log(store, number, &info, &err));
    for (size_t i = 0; i < count; i++) {
        char tag[64];
        snprintf(tag, sizeof tag, "%s-%llu", prefix, (unsigned long long)(info.size + i));
        buf_init(&texts[i], PAYLOAD_MAX);
        record_make(&texts[i], tag, len);
        items[i] = (struct author_item){buf_view(&texts[i]), clear};
    }
    good(author_append(store, number, items, count, TIME_MS, &first, &err));
    for (size_t i = 0; i < count; i++)
        buf_done(&texts[i]);
    free(items);
    free(texts);
    return first;
}

/*
 * The checkpoint against the member, every entry and the tree hashes against the checkpoint. Others may be appending.
 */
static inline void log_verify(struct store *store, int64_t number)
{
    struct buf bundle, note_text;
    struct note note;
    struct checkpoint checkpoint;
    struct arena arena;
    struct member member;
    struct tlog_source source;
    struct tlog_edge edge;
    struct tlog_hash root;
    buf_init(&bundle, 256u << 20);
    buf_init(&note_text, NOTE_MAX);
    arena_init(&arena, 8u << 20);
    good(store_checkpoint(store, number, &note_text, &err));
    good(note_parse(buf_view(&note_text), &note, &err));
    good(checkpoint_parse(note.text, &checkpoint, &err));
    good(store_member(store, number, &arena, &member, &err));
    good(member_verify_checkpoint(&member, &note, &checkpoint, &err));
    good(store_read_entries(store, number, 0, (size_t)checkpoint.size, &bundle, &err));
    tlog_edge_init(&edge);
    struct bundle_reader reader = {buf_view(&bundle), 0};
    struct span entry;
    struct err reader_err;
    while (bundle_next(&reader, &entry, &reader_err) == 1) {
        struct tlog_hash leaf;
        tlog_leaf_hash(entry, &leaf);
        tlog_edge_append(&edge, &leaf);
    }
    assert_int_equal(edge.size, checkpoint.size);
    tlog_edge_root(&edge, &root);
    assert_memory_equal(root.b, checkpoint.root.b, 32);
    good(store_source(store, number, &source, &err));
    good(tlog_root(&source, checkpoint.size, &root, &err));
    assert_memory_equal(root.b, checkpoint.root.b, 32);
    arena_done(&arena);
    buf_done(&bundle);
    buf_done(&note_text);
}

/* The payload of an entry as text, NUL-terminated, or NULL when it is not held. The caller frees. */
static inline char *payload_text(struct store *store, int64_t number, uint64_t index)
{
    struct buf item;
    struct err err;
    buf_init(&item, PAYLOAD_MAX + 64);
    char *text = NULL;
    int rc = payload_read(store, number, index, &item, NULL, &err);
    if (rc == 0) {
        assert_true(item.len > 36);
        text = calloc(1, item.len);
        assert_non_null(text);
        memcpy(text, item.data + 36, item.len - 36);
    } else {
        assert_int_equal(rc, ERR_NOTFOUND);
    }
    buf_done(&item);
    return text;
}

static inline void payload_expect(struct store *store, int64_t number, uint64_t index, const char *prefix)
{
    char tag[64];
    snprintf(tag, sizeof tag, "\n\n%s-%llu ", prefix, (unsigned long long)index);
    char *text = payload_text(store, number, index);
    assert_non_null(text);
    if (!strstr(text, tag))
        fail_msg("payload %llu does not hold \"%s\"", (unsigned long long)index, tag + 2);
    free(text);
}

static const void *find_needle;
static size_t find_len, find_hits;

static inline int find_in_file(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)where;
    if (type != FTW_F || st->st_size == 0)
        return 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    char *bytes = malloc((size_t)st->st_size);
    assert_non_null(bytes);
    size_t len = fread(bytes, 1, (size_t)st->st_size, file);
    fclose(file);
    if (memmem(bytes, len, find_needle, find_len)) {
        print_message("# found in %s\n", path);
        find_hits++;
    }
    free(bytes);
    return 0;
}

/* How many files below the node's folder hold these bytes. Only while no handle of this process is open. */
static inline size_t files_with(const struct node *node, const void *needle, size_t len)
{
    find_needle = needle;
    find_len = len;
    find_hits = 0;
    assert_int_equal(nftw(node->dir, find_in_file, 16, FTW_PHYS), 0);
    return find_hits;
}

/* Stop the process, or fail the disk, at the nth change. */
static int steps_left, steps_errno, steps_taken;

static inline int step_hook(void *ctx, const char *operation)
{
    (void)ctx;
    (void)operation;
    steps_taken++;
    if (--steps_left != 0)
        return 0;
    if (steps_errno)
        return steps_errno;
    _exit(7);
}

#endif

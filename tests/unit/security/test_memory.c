/*
 * Memory ends at any allocation, ours and SQLite's: what was asked for is refused with a word and has left nothing half done,
 * or it is done; the node goes on.
 */
#include <errno.h>
#include <malloc.h>
#include <sys/wait.h>

#include "security/import_help.h"
#include "state/mirror.h"

const struct capability *const capabilities[] = {&security_capability, NULL};

/* ---- the allocator: fails at the nth call, alone or with all that follow ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

static unsigned long allocations_left; /* 0: all succeed */
static bool failed, for_good;

static bool fails(void)
{
    if (allocations_left == 0 || (allocations_left > 1 && --allocations_left >= 1))
        return false;
    failed = true;
    if (!for_good)
        allocations_left = 0;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

static void *db_malloc(int size)
{
    return __wrap_malloc((size_t)size);
}

static void *db_realloc(void *old, int size)
{
    return __wrap_realloc(old, (size_t)size);
}

static int db_size(void *memory)
{
    return (int)malloc_usable_size(memory);
}

static int db_round(int size)
{
    return (size + 7) & ~7;
}

static int db_init(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void db_shutdown(void *unused)
{
    (void)unused;
}

/* ---- what is done ---- */

struct node_folder {
    char dir[256];
};

/* Another member's log, to be mirrored. */
static struct {
    char origin[ORIGIN_MAX + 1];
    struct buf entries, note, items;
    uint64_t size;
} theirs;

static int do_append(struct node *node, struct err *err)
{
    struct record_draft draft = {
        .kind = "test/text", .time_ms = TEST_NOW_MS, .tlp = TLP_CLEAR, .body = SPAN_LIT("a note")};
    struct buf text;
    uint64_t first;
    buf_init(&text, PAYLOAD_MAX);
    int rc = record_write(&draft, &text, err);
    struct author_item items[300];
    for (size_t i = 0; i < 300; i++)
        items[i] = (struct author_item){buf_view(&text), true};
    if (!rc)
        rc = author_append(node->store, node->own.number, items, 300, TEST_NOW_MS, &first, err);
    buf_done(&text);
    return rc;
}

/* Whose values nobody has imported yet. */
static int do_import(struct node *node, struct err *err)
{
    struct import_result result;
    char text[64];
    snprintf(text, sizeof(text), "host%ld.example\nother%ld.example\n198.51.100.7\n", (long)getpid(), (long)getpid());
    struct import_call call = {
        .format = IMPORT_LIST, .text = span_str(text), .number = node->own.number, .tlp = TLP_CLEAR};
    return node_import(node, &call, &result, NULL, err);
}

static int do_import_stix(struct node *node, struct err *err)
{
    struct import_result result;
    struct import_call call = {
        .format = IMPORT_AUTO,
        .number = node->own.number,
        .tlp = TLP_CLEAR,
        .text = SPAN_LIT("{\"type\":\"bundle\",\"id\":\"bundle--2f6d1a0e-5c3b-4b7e-9a41-7d0c8e6b1f50\",\"objects\":["
                         "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--2f6d1a0e-5c3b-4b7e-9a41-"
                         "7d0c8e6b1f53\",\"created\":\"2026-11-01T08:00:00.000Z\",\"modified\":\"2026-11-01T08:00:00."
                         "000Z\",\"pattern\":\"[domain-name:value = 'evil.example']\",\"pattern_type\":\"stix\","
                         "\"valid_from\":\"2026-11-01T08:00:00Z\"}]}")};
    return node_import(node, &call, &result, NULL, err);
}

static int stage(struct node *node, int64_t number, const struct log_info *log, struct err *err)
{
    uint64_t count;
    if (log->size == theirs.size)
        return 0;
    int rc = store_begin(node->store, err);
    if (!rc)
        rc = mirror_stage(node->store, number, buf_view(&theirs.entries), &count, err);
    if (!rc)
        rc = mirror_finish(node->store, number, buf_view(&theirs.note), err);
    if (!rc)
        rc = store_commit(node->store, err);
    else
        store_rollback(node->store);
    return rc;
}

static int take_payloads(struct node *node, int64_t number, struct err *err)
{
    struct payload_reader reader = {buf_view(&theirs.items), 0};
    struct payload_item item;
    int rc = store_begin(node->store, err);
    if (rc)
        return rc;
    for (uint64_t i = 0; i < theirs.size && rc >= 0; i++) {
        rc = payload_next(&reader, &item, err);
        if (rc == 1 && !item.hole)
            rc = payload_put(node->store, number, i, item.salt, item.payload, true, err);
    }
    if (rc < 0) {
        store_rollback(node->store);
        return rc;
    }
    return store_commit(node->store, err);
}

/* As a round of pulling does it, and everything again from nothing each time. */
static int do_mirror(struct node *node, struct err *err)
{
    struct log_new new = {.origin = span_str(theirs.origin), .role = LOG_MIRROR, .mode = MODE_FULL};
    struct log_info log;
    int rc = store_log_by_origin(node->store, new.origin, &log, err);
    if (rc == ERR_NOTFOUND) {
        int64_t number;
        *err = (struct err){0};
        rc = store_begin(node->store, err);
        if (!rc && (rc = store_log_create(node->store, &new, &number, err)) != 0)
            store_rollback(node->store);
        if (!rc)
            rc = store_commit(node->store, err);
        if (!rc)
            rc = store_log(node->store, number, &log, err);
    }
    if (!rc)
        rc = stage(node, log.number, &log, err);
    if (!rc)
        rc = take_payloads(node, log.number, err);
    return rc ? rc : mirror_cosign(node->store, log.number, 1795000000, err);
}

static int count_hit(void *ctx, const struct sweep_hit *hit, struct err *err)
{
    (void)hit, (void)err;
    ++*(unsigned *)ctx;
    return 0;
}

static int do_sweep(struct node *node, struct err *err)
{
    struct intel_set *set;
    char path[300];
    unsigned hits = 0;
    snprintf(path, sizeof(path), "%s/sweep.set", node->dir);
    unlink(path);
    int rc = intel_set_open(node->index, &(struct intel_set_options){.now_ms = TEST_NOW_MS}, &set, err);
    if (rc)
        return rc;
    struct sweep *sweep = sweep_new(intel_set_sweep(set), count_hit, &hits);
    rc = sweep ? sweep_feed(sweep, SPAN_LIT("query swept.example\nquery not.example\n"), err) : err_memory(err);
    if (!rc)
        rc = sweep_end(sweep, err);
    sweep_free(sweep);
    intel_set_close(set);
    return rc ? rc : hits == 1 ? 0 : err_set(err, ERR_VERIFY, "wrong");
}

static int do_parse(struct node *node, struct err *err)
{
    struct arena arena;
    struct record record;
    (void)node;
    arena_init(&arena, 1u << 16);
    int rc = record_parse(SPAN_LIT("tongzhou/1 test/text\ntime 2026-11-22T11:14:26.123Z\ntlp clear\nx-one 1\n\nbody"),
                          &arena, &record, err);
    arena_done(&arena);
    return rc;
}

/* ---- at each allocation ---- */

enum { DONE = 0, REFUSED = 1, NO_WORD = 2, WRONG = 3 };

/* Everything of the process that does it, opening and closing included. */
static int one_life(const char *dir, int (*what)(struct node *, struct err *), unsigned long nth, bool all)
{
    struct node node = {.store = NULL};
    struct store_options options = {0};
    struct err err = {0};
    snprintf(node.dir, sizeof(node.dir), "%s", dir);
    failed = false;
    for_good = all;
    allocations_left = nth;
    int rc = store_open(dir, &options, &node.store, &err);
    if (!rc)
        author_allow(node.store);
    if (!rc)
        rc = store_operator(node.store, &node.own, &err);
    if (!rc)
        rc = index_open(dir, &node.index, &err);
    if (!rc)
        rc = index_update(node.index, node.store, 0, NULL, &err);
    if (!rc)
        rc = what(&node, &err);
    if (node.index)
        index_close(node.index);
    store_close(node.store);
    if (rc == ERR_VERIFY && strcmp(err.text, "wrong") == 0)
        return WRONG;
    return !rc ? DONE : err.text[0] ? REFUSED : NO_WORD;
}

static int in_child(const char *dir, int (*what)(struct node *, struct err *), unsigned long nth, bool all,
                    unsigned long *ret_allocations)
{
    int tell[2], status;
    assert_int_equal(pipe(tell), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int result = one_life(dir, what, nth, all);
        unsigned long used = nth - allocations_left;
        _exit(write(tell[1], &used, sizeof(used)) == sizeof(used) ? result : WRONG);
    }
    close(tell[1]);
    if (read(tell[0], ret_allocations, sizeof(*ret_allocations)) != sizeof(*ret_allocations))
        *ret_allocations = 0;
    close(tell[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The node as a whole is as good as before. */
static void still_whole(const char *dir)
{
    struct store_options options = {0};
    struct store *store;
    struct log_info log;
    struct tlog_source source;
    struct tlog_hash root;
    struct err err = {0};
    node_check(store_open(dir, &options, &store, &err), &err);
    node_check(store_operator(store, &log, &err), &err);
    node_check(store_source(store, log.number, &source, &err), &err);
    node_check(tlog_root(&source, log.size, &root, &err), &err);
    assert_memory_equal(root.b, log.root.b, 32);
    assert_int_equal(log.staged, log.size);
    store_close(store);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EVERY 10 /* a process each, which takes its time there */
#define SAMPLES 20
#else
#define EVERY 60    /* the first allocations: each of them */
#define SAMPLES 150 /* of the others */
#endif

static void at_each(struct node_folder *folder, const char *name, int (*what)(struct node *, struct err *))
{
    unsigned long all = 0, unused, refused = 0, done = 0, most = 1ul << 40;
    assert_int_equal(in_child(folder->dir, what, most, false, &all), DONE);
    assert_true(all > 0);
    unsigned long step = all > EVERY + SAMPLES ? (all - EVERY) / SAMPLES : 1;
    for (unsigned long nth = 1; nth <= all; nth += nth < EVERY ? 1 : step) {
        for (int both = 0; both < 2; both++) {
            int result = in_child(folder->dir, what, nth, both, &unused);
            if (result != DONE && result != REFUSED)
                fail_msg("%s, allocation %lu of %lu: ended with %d", name, nth, all, result);
            refused += result == REFUSED;
            done += result == DONE;
        }
        if (nth % 16 == 1)
            still_whole(folder->dir);
    }
    still_whole(folder->dir);
    assert_int_equal(in_child(folder->dir, what, most, false, &all), DONE);
    print_message("# %s: %lu allocations, failed at %lu: %lu refused, %lu done all the same\n", name, all,
                  refused + done, refused, done);
    assert_true(refused > 0);
}

#define AT_EACH(name)                                                                                                  \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        at_each(*state, #name, do_##name);                                                                             \
    }
AT_EACH(append)
AT_EACH(import)
AT_EACH(import_stix)
AT_EACH(mirror)
AT_EACH(sweep)

static void parse(void **state)
{
    (void)state;
    struct err err = {0};
    for_good = false;
    for (allocations_left = 1;; allocations_left++) {
        unsigned long nth = allocations_left;
        failed = false;
        int rc = do_parse(NULL, &err);
        bool had = failed;
        allocations_left = nth;
        if (!had) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, ERR_MEMORY);
    }
    assert_true(allocations_left > 1);
    allocations_left = 0;
}

/* ---- the nodes ---- */

static void take_theirs(struct node *node)
{
    struct err err = {0};
    struct log_info log;
    size_t covered;
    node_check(do_append(node, &err), &err);
    node_check(store_log(node->store, node->own.number, &log, &err), &err);
    buf_init(&theirs.entries, 1u << 22);
    buf_init(&theirs.note, NOTE_MAX);
    buf_init(&theirs.items, 1u << 22);
    memcpy(theirs.origin, log.origin, sizeof(theirs.origin));
    theirs.size = log.size;
    node_check(store_read_entries(node->store, log.number, 0, (size_t)log.size, &theirs.entries, &err), &err);
    node_check(store_checkpoint(node->store, log.number, &theirs.note, &err), &err);
    node_check(payload_read_bundle(node->store, log.number, 0, (size_t)log.size, true, &theirs.items, &covered, &err),
               &err);
    assert_int_equal(covered, log.size);
}

static int setup(void **state)
{
    static struct node_folder folder;
    struct node *node;
    struct import_result result;
    struct err err = {0};
    node_setup((void **)&node);
    take_theirs(node);
    node_teardown((void **)&node);
    node_setup((void **)&node);
    struct import_call call = {
        .format = IMPORT_LIST, .text = SPAN_LIT("swept.example\n"), .number = node->own.number, .tlp = TLP_CLEAR};
    node_check(node_import(node, &call, &result, NULL, &err), &err);
    snprintf(folder.dir, sizeof(folder.dir), "%s", node->dir);
    index_close(node->index);
    store_close(node->store);
    free(node);
    *state = &folder;
    return 0;
}

static int teardown(void **state)
{
    struct node_folder *folder = *state;
    nftw(folder->dir, node_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    buf_done(&theirs.entries);
    buf_done(&theirs.note);
    buf_done(&theirs.items);
    return 0;
}

int main(void)
{
    static sqlite3_mem_methods methods = {db_malloc, free, db_realloc, db_size, db_round, db_init, db_shutdown, NULL};
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse),       cmocka_unit_test(append), cmocka_unit_test(import),
        cmocka_unit_test(import_stix), cmocka_unit_test(mirror), cmocka_unit_test(sweep),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

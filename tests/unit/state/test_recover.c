/* Files that do not fit state.db: too long ones are cut, others are named with the way to heal. */
#include "state/heal.h"
#include "state/node.h"

#include "base/codec.h"

static struct node node;
static struct log_info info;

static int start(void **state)
{
    (void)state;
    node_start(&node);
    node_member(&node, "recover.example.org", true, &info);
    append_many(node.store, info.number, "r", 600, 80, true);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    node_stop(&node);
    return 0;
}

static const char *file_of(const char *folder, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s/%s/%s", node.dir, folder, info.hex, name);
    return path;
}

/* As after a crash: the handle's process ends without closing it. */
static void die(void)
{
    int wait_status;
    store_close(node.store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = node_handle(&node);
        author_allow(store);
        append_many(store, info.number, "r", 5, 80, true);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_int_equal(wait_status, 0);
    node.store = NULL;
}

static off_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void flip(const char *path, long at)
{
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    int c = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    fputc(c ^ 1, file);
    fclose(file);
}

static void open_refuses(int code, const char *text)
{
    struct store_options options = {0};
    struct store *store;
    bad(store_open(node.dir, &options, &store, &err), code, text);
}

static const char *const all[][2] = {{"payloads", "data"}, {"payloads", "slots"}, {"logs", "entries"},
                                     {"logs", "bundles"},  {"logs", "hashes.0"},  {"logs", "hashes.1"}};

static void too_long(void **state)
{
    (void)state;
    off_t before[6];
    die();
    for (int i = 0; i < 6; i++) {
        const char *path = file_of(all[i][0], all[i][1]);
        before[i] = size_of(path);
        FILE *file = fopen(path, "a");
        assert_non_null(file);
        fputs("what a crash left", file);
        fclose(file);
    }
    node.store = node_handle(&node);
    author_allow(node.store);
    for (int i = 0; i < 6; i++)
        assert_int_equal(size_of(file_of(all[i][0], all[i][1])), before[i]);
    log_verify(node.store, info.number);
    append_many(node.store, info.number, "r", 300, 80, true);
    log_verify(node.store, info.number);
}

static void too_short(void **state)
{
    (void)state;
    store_close(node.store);
    node.store = NULL;
    for (int i = 0; i < 6; i++) {
        const char *path = file_of(all[i][0], all[i][1]);
        char copy[300], command[700];
        snprintf(copy, sizeof copy, "%s/copy", node.root);
        snprintf(command, sizeof command, "cp %s %s", path, copy);
        shell(command);
        assert_int_equal(truncate(path, size_of(path) - 1), 0);
        open_refuses(ERR_FORK, "tongzhou sync");
        unlink(path);
        open_refuses(ERR_FORK, "tongzhou restore");
        snprintf(command, sizeof command, "cp %s %s", copy, path);
        shell(command);
    }
    node.store = node_handle(&node);
    log_verify(node.store, info.number);
}

/* A bit of the last bundle, of its hashes, of an inner hash: seen after an unclean end. */
static void right_edge(void **state)
{
    (void)state;
    die();
    flip(file_of("logs", "entries"), (long)size_of(file_of("logs", "entries")) - 5);
    open_refuses(ERR_FORK, "does not hash to its tree");
    flip(file_of("logs", "entries"), (long)size_of(file_of("logs", "entries")) - 5);
    flip(file_of("logs", "hashes.0"), (long)size_of(file_of("logs", "hashes.0")) - 5);
    open_refuses(ERR_FORK, "does not hash to its tree");
    flip(file_of("logs", "hashes.0"), (long)size_of(file_of("logs", "hashes.0")) - 5);
    flip(file_of("logs", "hashes.1"), 3);
    open_refuses(ERR_FORK, "do not hash to the root");
    flip(file_of("logs", "hashes.1"), 3);
    flip(file_of("logs", "bundles"), (long)size_of(file_of("logs", "bundles")) - 1);
    open_refuses(ERR_FORK, "last bundle ends");
    flip(file_of("logs", "bundles"), (long)size_of(file_of("logs", "bundles")) - 1);
    node.store = node_handle(&node);
    author_allow(node.store);
    log_verify(node.store, info.number);
}

/* While somebody has the node open nothing is recovered under his hands. */
static void others_open(void **state)
{
    (void)state;
    append_many(node.store, info.number, "r", 5, 80, true);
    FILE *file = fopen(file_of("logs", "entries"), "a");
    assert_non_null(file);
    fputs("written and not yet committed", file);
    fclose(file);
    off_t size = size_of(file_of("logs", "entries"));
    struct store *other = node_handle(&node);
    assert_int_equal(size_of(file_of("logs", "entries")), size);
    store_close(other);
    append_many(node.store, info.number, "r", 300, 80, true);
    log_verify(node.store, info.number);
}

/* A damaged log is emptied on request, and whole again after its mirror has given it back. */
static void healing(void **state)
{
    (void)state;
    struct buf bundle, note, text;
    struct log_info before, after;
    uint64_t count, first;
    buf_init(&bundle, 64u << 20);
    buf_init(&note, NOTE_MAX);
    buf_init(&text, PAYLOAD_MAX);
    good(store_log(node.store, info.number, &before, &err));
    good(store_read_entries(node.store, info.number, 0, (size_t)before.size, &bundle, &err));
    good(store_checkpoint(node.store, info.number, &note, &err));
    store_close(node.store);
    assert_int_equal(truncate(file_of("logs", "entries"), 100), 0);
    open_refuses(ERR_FORK, "tongzhou sync --heal");
    struct store_options options = {.heal = true};
    good(store_open(node.dir, &options, &node.store, &err));
    author_allow(node.store);
    good(store_log(node.store, info.number, &after, &err));
    assert_int_equal(after.size, before.size); /* nothing is thrown away for opening it */
    good(log_begin_anew(node.store, info.number, &err));
    good(store_log(node.store, info.number, &after, &err));
    assert_int_equal(after.size, 0);
    assert_int_equal(after.role, LOG_OWN);
    assert_int_equal(size_of(file_of("logs", "hashes.0")), 0);
    record_make(&text, "x", 10);
    struct author_item item = {buf_view(&text), true};
    bad(author_append(node.store, info.number, &item, 1, TIME_MS, &first, &err), ERR_STATE, "is empty here");
    good(store_begin(node.store, &err));
    good(mirror_stage(node.store, info.number, buf_view(&bundle), &count, &err));
    good(mirror_finish(node.store, info.number, buf_view(&note), &err));
    good(store_commit(node.store, &err));
    good(store_log(node.store, info.number, &after, &err));
    assert_int_equal(after.size, before.size);
    assert_memory_equal(after.root.b, before.root.b, 32);
    good(author_append(node.store, info.number, &item, 1, TIME_MS, &first, &err));
    node_again(&node);
    log_verify(node.store, info.number);
    buf_done(&bundle);
    buf_done(&note);
    buf_done(&text);
}

/* An erasure that waits for a reader does not strike what stands in its place after the log was emptied. */
static void healing_while_erasing(void **state)
{
    (void)state;
    struct buf bundle, note, item;
    struct log_info before;
    uint64_t count;
    sqlite3_stmt *reading;
    buf_init(&bundle, 64u << 20);
    buf_init(&note, NOTE_MAX);
    buf_init(&item, PAYLOAD_MAX + 64);
    good(store_log(node.store, info.number, &before, &err));
    good(store_read_entries(node.store, info.number, 0, (size_t)before.size, &bundle, &err));
    good(store_checkpoint(node.store, info.number, &note, &err));
    good(payload_read(node.store, info.number, 2, &item, NULL, &err));
    char pending[128];
    snprintf(pending, sizeof pending, "INSERT INTO erasing VALUES(%lld, 12, 300)",
             (long long)RECORD_REF(info.number, 1));
    assert_int_equal(sqlite3_exec(store_db(node.store), pending, NULL, NULL, NULL), SQLITE_OK);
    store_close(node.store);
    assert_int_equal(truncate(file_of("logs", "entries"), 100), 0);
    struct store *reader;
    struct store_options looks = {.read_only = true}, heals = {.heal = true};
    good(store_open(node.dir, &looks, &reader, &err));
    assert_int_equal(sqlite3_prepare_v2(store_db(reader), "SELECT * FROM node", -1, &reading, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(reading), SQLITE_ROW);
    good(store_open(node.dir, &heals, &node.store, &err));
    good(log_begin_anew(node.store, info.number, &err));
    good(store_begin(node.store, &err));
    good(mirror_stage(node.store, info.number, buf_view(&bundle), &count, &err));
    good(mirror_finish(node.store, info.number, buf_view(&note), &err));
    good(payload_put(node.store, info.number, 2, span_of(item.data + 4, SEAL_SALT),
                     span_of(item.data + 36, item.len - 36), true, &err));
    sqlite3_finalize(reading);
    store_close(reader);
    good(store_commit(node.store, &err));
    payload_expect(node.store, info.number, 2, "r");
    node_again(&node);
    payload_expect(node.store, info.number, 2, "r");
    buf_done(&bundle);
    buf_done(&note);
    buf_done(&item);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(too_long, start, stop),
        cmocka_unit_test_setup_teardown(too_short, start, stop),
        cmocka_unit_test_setup_teardown(right_edge, start, stop),
        cmocka_unit_test_setup_teardown(others_open, start, stop),
        cmocka_unit_test_setup_teardown(healing, start, stop),
        cmocka_unit_test_setup_teardown(healing_while_erasing, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "state/node.h"

#include <pthread.h>

#include "base/codec.h"
#include "state/internal.h"

static void opening(void **state)
{
    (void)state;
    struct node node;
    struct store *store;
    struct stat st;
    char path[256];
    struct store_options none = {0};
    node_start(&node);
    bad(store_open("/nowhere/at/all", &none, &store, &err), ERR_NOTFOUND, "tongzhou init");
    bad(store_open("", &none, &store, &err), ERR_USAGE, "folder name");
    assert_string_equal(store_dir(node.store), node.dir);
    assert_int_equal(stat(node.dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    struct log_info info;
    node_member(&node, "o.example.org", true, &info);
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", node.dir, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    store_close(node.store);
    snprintf(path, sizeof path, "%s///", node.dir);
    good(store_open(path, &none, &node.store, &err));
    assert_string_equal(store_dir(node.store), node.dir);
    node_stop(&node);
}

static void formats(void **state)
{
    (void)state;
    struct node node;
    struct store *store;
    struct store_options options = {.create = true};
    node_start(&node);
    assert_int_equal(sqlite3_exec(store_db(node.store), "PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
    bad(store_open(node.dir, &options, &store, &err), ERR_STATE, "newer tongzhou");
    assert_int_equal(
        sqlite3_exec(store_db(node.store), "PRAGMA user_version = 1; PRAGMA application_id = 5", NULL, NULL, NULL),
        SQLITE_OK);
    bad(store_open(node.dir, &options, &store, &err), ERR_STATE, "another program");
    assert_int_equal(sqlite3_exec(store_db(node.store), "PRAGMA user_version = 0", NULL, NULL, NULL), SQLITE_OK);
    bad(store_open(node.dir, &options, &store, &err), ERR_STATE, "not a state");
    store_close(node.store);
    char path[256];
    snprintf(path, sizeof path, "%s/state.db", node.dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is no database ", file);
    fclose(file);
    bad(store_open(node.dir, &options, &store, &err), ERR_IO, "not a database");
    node.store = NULL;
    node_stop(&node);
}

static size_t file_bytes(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(out, 1, size, file);
    fclose(file);
    return len;
}

/* The database of another program is refused as it is: not a byte of it changes, whether it says whose it is or not. */
static void strangers(void **state)
{
    (void)state;
    static const char *const theirs[] = {"PRAGMA user_version = 2; PRAGMA application_id = 1414481230",
                                         "PRAGMA user_version = 1; PRAGMA application_id = 5",
                                         "PRAGMA user_version = 3", "PRAGMA application_id = 5",
                                         "CREATE TABLE theirs(a)"};
    for (size_t i = 0; i < 10; i++) {
        struct node node;
        struct store *store;
        struct store_options options = {.create = i % 2};
        static char before[65536], after[65536];
        char path[256];
        sqlite3 *db;
        node_start(&node);
        store_close(node.store);
        node.store = NULL;
        snprintf(path, sizeof path, "%s/state.db", node.dir);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, theirs[i / 2], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        size_t len = file_bytes(path, before, sizeof before);
        assert_true(len > 0);
        bad(store_open(node.dir, &options, &store, &err), ERR_STATE, "/node");
        assert_int_equal(file_bytes(path, after, sizeof after), len);
        assert_memory_equal(before, after, len);
        node_stop(&node);
    }
}

static char steps_seen[256];

static int write_down(void *ctx, const char *operation)
{
    (void)ctx;
    if (strcmp(operation, "mkdir") == 0 || strcmp(operation, "folder") == 0)
        snprintf(steps_seen + strlen(steps_seen), sizeof steps_seen - strlen(steps_seen), "%s ", operation);
    return 0;
}

/* The names of new folders are durable before anything in them is acknowledged. */
static void new_folders(void **state)
{
    (void)state;
    struct node node;
    struct store *store;
    struct store_options options = {.create = true};
    char path[256];
    node_start(&node);
    snprintf(path, sizeof path, "%s/a/b", node.root);
    disk_set_hook(write_down, NULL);
    good(store_open(path, &options, &store, &err));
    disk_set_hook(NULL, NULL);
    assert_string_equal(steps_seen, "mkdir folder mkdir folder ");
    store_close(store);
    node_stop(&node);
}

/* A reader that stays makes the WAL grow; after it is gone the disk gets the room back. */
static void long_reader(void **state)
{
    (void)state;
    enum { LIMIT = 16 << 20 };
    struct node node;
    struct log_info info;
    struct stat st;
    sqlite3_stmt *reading;
    char path[256];
    node_start(&node);
    node_member(&node, "wal.example.org", true, &info);
    struct store *reader = node_handle(&node);
    snprintf(path, sizeof path, "%s/state.db-wal", node.dir);
    assert_int_equal(sqlite3_prepare_v2(store_db(reader), "SELECT * FROM node", -1, &reading, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(reading), SQLITE_ROW);
    for (st.st_size = 0; st.st_size < LIMIT + (4 << 20);) {
        append_many(node.store, info.number, "w", 100, 9000, true);
        assert_int_equal(stat(path, &st), 0);
    }
    sqlite3_finalize(reading);
    for (int i = 0; i < 3; i++)
        append_many(node.store, info.number, "w", 1, 100, true);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= LIMIT);
    log_verify(node.store, info.number);
    store_close(reader);
    node_stop(&node);
}

static void facts(void **state)
{
    (void)state;
    struct node node;
    struct buf out;
    static uint8_t large[65537];
    node_start(&node);
    buf_init(&out, 70000);
    bad(store_get(node.store, "x", &out, &err), ERR_NOTFOUND, "name x");
    bad(store_put(node.store, "x", SPAN_LIT("1"), &err), ERR_STATE, "outside");
    good(store_begin(node.store, &err));
    good(store_put(node.store, "x", SPAN_LIT("1"), &err));
    good(store_put(node.store, "x", SPAN_LIT("22"), &err));
    good(store_put(node.store, "empty", SPAN_LIT(""), &err));
    good(store_put(node.store, "large", span_of(large, 65536), &err));
    bad(store_put(node.store, "larger", span_of(large, 65537), &err), ERR_LIMIT, "65536 allowed");
    good(store_commit(node.store, &err));
    node_again(&node);
    good(store_get(node.store, "x", &out, &err));
    assert_true(span_is(buf_view(&out), "22"));
    good(store_get(node.store, "empty", &out, &err));
    assert_int_equal(out.len, 2);
    buf_clear(&out);
    good(store_get(node.store, "large", &out, &err));
    assert_int_equal(out.len, 65536);
    buf_done(&out);
    node_stop(&node);
}

static void origin_of(const char *name, unsigned fill, char out[ORIGIN_MAX + 1])
{
    uint8_t hash[32] = {(uint8_t)fill, (uint8_t)(fill >> 8), 1};
    char text[BASE32_LEN(32) + 1];
    base32_encode(hash, 32, text);
    snprintf(out, ORIGIN_MAX + 1, "%.100s/%s", name, text);
}

static void finding(void **state)
{
    (void)state;
    struct node node;
    struct log_info found;
    char origin[3][ORIGIN_MAX + 1], shown[ORIGIN_MAX + 1];
    int64_t number[3];
    node_start(&node);
    origin_of("twin.example.org", 1, origin[0]);
    origin_of("twin.example.org", 2, origin[1]);
    origin_of("twin.example", 3, origin[2]);
    good(store_begin(node.store, &err));
    for (int i = 0; i < 3; i++) {
        struct log_new log = {.origin = span_str(origin[i]), .role = LOG_MIRROR, .mode = MODE_FULL};
        good(store_log_create(node.store, &log, &number[i], &err));
        bad(store_log_create(node.store, &log, &number[i], &err), ERR_EXISTS, "here already");
    }
    struct log_new log = {.origin = SPAN_LIT("no origin"), .role = LOG_MIRROR, .mode = MODE_FULL};
    int64_t none;
    bad(store_log_create(node.store, &log, &none, &err), ERR_SYNTAX, "is no origin");
    good(store_commit(node.store, &err));
    for (int i = 0; i < 3; i++) {
        good(store_log_find(node.store, span_str(origin[i]), &found, &err));
        assert_int_equal(found.number, number[i]);
        origin_short(span_str(origin[i]), shown);
        good(store_log_find(node.store, span_str(shown), &found, &err));
        assert_int_equal(found.number, number[i]);
        good(store_log_by_hash(node.store, found.hash, &found, &err));
        assert_int_equal(found.number, number[i]);
        assert_int_equal(found.frozen_from, UINT64_MAX);
    }
    good(store_log_find(node.store, SPAN_LIT("twin.example"), &found, &err));
    assert_int_equal(found.number, number[2]);
    bad(store_log_find(node.store, SPAN_LIT("twin.example.org"), &found, &err), ERR_USAGE, "may be any of: twin");
    bad(store_log_find(node.store, SPAN_LIT("twin"), &found, &err), ERR_NOTFOUND, "no member \"twin\"");
    bad(store_log_find(node.store, SPAN_LIT(""), &found, &err), ERR_NOTFOUND, "no member");
    bad(store_log_find(node.store, SPAN_LIT("a\x1b[31m"), &found, &err), ERR_NOTFOUND, "a\\x1B");
    bad(store_log(node.store, 99, &found, &err), ERR_NOTFOUND, "99");
    bad(store_operator(node.store, &found, &err), ERR_NOTFOUND, "tongzhou init");
    good(store_begin(node.store, &err));
    good(store_log(node.store, number[1], &found, &err));
    found.role = LOG_LISTED;
    found.mode = MODE_RECENT;
    found.recent = 500;
    found.followed = true;
    found.peer = 9;
    found.payloads_from = 77;
    found.standing = STANDING_FROZEN;
    found.frozen_from = 5;
    good(store_log_update(node.store, &found, &err));
    good(store_commit(node.store, &err));
    struct log_info back;
    good(store_log(node.store, number[1], &back, &err));
    assert_true(back.seq > found.seq);
    found.seq = back.seq;
    assert_memory_equal(&found, &back, sizeof back);
    node_stop(&node);
}

struct walk {
    int64_t last;
    int count;
};

static int by_seq(void *ctx, const struct log_info *log, struct err *err)
{
    struct walk *walk = ctx;
    (void)err;
    assert_true(log->seq > walk->last);
    walk->last = log->seq;
    walk->count++;
    return 0;
}

static int stop_at_two(void *ctx, const struct log_info *log, struct err *err)
{
    (void)log;
    return ++*(int *)ctx == 2 ? err_set(err, ERR_USAGE, "enough") : 0;
}

static void heads(void **state)
{
    (void)state;
    struct node node;
    struct log_info info[4];
    struct walk walk = {0};
    int64_t seq, later;
    char generation[17], again[17];
    int count = 0;
    node_start(&node);
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "h%d.example.org", i);
        node_member(&node, name, i == 0, &info[i]);
    }
    good(store_seq(node.store, &seq, generation, &err));
    assert_int_equal(strlen(generation), 16);
    good(store_heads(node.store, 0, 100, by_seq, &walk, &err));
    assert_int_equal(walk.count, 4);
    assert_int_equal(walk.last, seq);
    append_many(node.store, info[1].number, "h", 1, 30, true);
    walk = (struct walk){seq, 0};
    good(store_heads(node.store, seq, 100, by_seq, &walk, &err));
    assert_int_equal(walk.count, 1);
    good(store_seq(node.store, &later, again, &err));
    assert_int_equal(walk.last, later);
    assert_string_equal(generation, again);
    walk = (struct walk){0};
    good(store_heads(node.store, 0, 3, by_seq, &walk, &err));
    assert_int_equal(walk.count, 3);
    bad(store_logs(node.store, stop_at_two, &count, &err), ERR_USAGE, "enough");
    assert_int_equal(count, 2);
    node_stop(&node);
}

/* Five thousand members with a profile each, mirrored in one commit: not a single file. */
static void small_logs(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "big.example.org", true, &info);
    struct keys keys;
    struct note_signer signer;
    const struct note_signer *signers[] = {&signer};
    struct buf entry, note;
    buf_init(&entry, INLINE_MAX);
    buf_init(&note, NOTE_MAX);
    keys_make(&keys);
    good(store_begin(node.store, &err));
    for (int i = 0; i < 5000; i++) {
        struct profile profile = {.class = CLASS_CIVIL};
        struct log_new log = {.role = LOG_MIRROR, .mode = MODE_FULL};
        struct store_entry one;
        struct tlog_hash root;
        char origin[ORIGIN_MAX + 1];
        int64_t number;
        uint64_t size;
        snprintf(profile.name, sizeof profile.name, "m%d.example.org", i);
        keys_publish(&keys, &profile);
        memset(profile.recovery_hash, 1, 32);
        buf_clear(&entry);
        buf_clear(&note);
        good(profile_write(&profile, TIME_MS, &entry, &err));
        good(origin_make(span_str(profile.name), buf_view(&entry), origin, &err));
        log.origin = span_str(origin);
        one = (struct store_entry){.entry = buf_view(&entry)};
        good(store_log_create(node.store, &log, &number, &err));
        good(store_add(node.store, number, &one, 1, &err));
        good(store_staged_root(node.store, number, &size, &root, &err));
        good(note_signer_make(&signer, log.origin, NOTE_ED25519, keys.log_seed, &err));
        good(checkpoint_sign(log.origin, size, &root, signers, 1, &note, &err));
        good(store_set_head(node.store, number, buf_view(&note), &err));
    }
    good(store_commit(node.store, &err));
    char path[256];
    snprintf(path, sizeof path, "%s/logs", node.dir);
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/payloads", node.dir);
    assert_int_not_equal(access(path, F_OK), 0);
    node_again(&node);
    log_verify(node.store, 4000);
    buf_done(&entry);
    buf_done(&note);
    node_stop(&node);
}

#define WRITER_ROUNDS 60
struct writer {
    const struct node *node;
    int64_t number;
    char prefix[4];
    pthread_t thread;
};

static void *write_on(void *arg)
{
    struct writer *writer = arg;
    struct store *store = node_handle(writer->node);
    author_allow(store);
    for (int i = 0; i < WRITER_ROUNDS; i++)
        append_many(store, writer->number, writer->prefix, (size_t)(i % 17 + 1), 40, true);
    store_close(store);
    return NULL;
}

/* Two threads with a handle each append at the same time, to logs of their own and to one they share. */
static void two_writers(void **state)
{
    (void)state;
    struct node node;
    struct log_info info[2];
    node_start(&node);
    node_member(&node, "one.example.org", true, &info[0]);
    node_member(&node, "two.example.org", false, &info[1]);
    struct writer writers[2] = {{&node, info[0].number, "a", 0}, {&node, info[1].number, "b", 0}};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
    uint64_t wanted = 1;
    for (int i = 0; i < WRITER_ROUNDS; i++)
        wanted += (uint64_t)(i % 17 + 1);
    for (int i = 0; i < 2; i++) {
        good(store_log(node.store, info[i].number, &info[i], &err));
        assert_int_equal(info[i].size, wanted);
        log_verify(node.store, info[i].number);
        for (uint64_t k = 1; k < wanted; k++)
            payload_expect(node.store, info[i].number, k, writers[i].prefix);
    }
    node_stop(&node);
}

/* Many more files than descriptors, written in one transaction. */
static void descriptors(void **state)
{
    (void)state;
    enum { LOGS = 30 };
    struct node node;
    struct log_info info[LOGS];
    static struct store_entry entries[300];
    node_start(&node);
    for (int i = 0; i < LOGS; i++) {
        char name[32];
        snprintf(name, sizeof name, "d%d.example.org", i);
        node_member(&node, name, i == 0, &info[i]);
    }
    good(store_begin(node.store, &err));
    for (int i = 0; i < LOGS; i++) {
        for (int k = 0; k < 300; k++)
            entries[k].entry = span_str(info[i].origin);
        good(store_add(node.store, info[i].number, entries, 300, &err));
    }
    good(store_commit(node.store, &err));
    node_again(&node);
    for (int i = 0; i < LOGS; i++) {
        uint64_t size;
        struct tlog_hash root, want, leaf;
        struct tlog_edge edge;
        struct buf first;
        buf_init(&first, ENTRY_MAX + 2);
        good(store_read_entry(node.store, info[i].number, 0, &first, &err));
        tlog_edge_init(&edge);
        tlog_leaf_hash(buf_view(&first), &leaf);
        tlog_edge_append(&edge, &leaf);
        tlog_leaf_hash(span_str(info[i].origin), &leaf);
        for (int k = 0; k < 300; k++)
            tlog_edge_append(&edge, &leaf);
        tlog_edge_root(&edge, &want);
        good(store_staged_root(node.store, info[i].number, &size, &root, &err));
        assert_int_equal(size, 301);
        assert_memory_equal(root.b, want.b, 32);
        buf_done(&first);
    }
    node_stop(&node);
}

static void sql(struct store *store, const char *text)
{
    char *why = NULL;
    if (sqlite3_exec(store->db, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", text, why);
}

static int64_t sql_int(struct store *store, const char *text)
{
    int64_t value = -1;
    good(db_int(store, &value, &err, text, ""));
    return value;
}

/* A folder of an earlier build: a table and an index are not there yet, two are others, of which one has rows. */
static void earlier_builds(void **state)
{
    (void)state;
    struct node node;
    node_start(&node);
    sql(node.store, "DROP TABLE teller; DROP INDEX log_seq; DROP TABLE list_word; CREATE TABLE list_word(x);"
                    "DROP INDEX complaint_ref; CREATE INDEX complaint_ref ON complaint(why);"
                    "UPDATE fact SET value = 'another' WHERE name = 'schema'");
    store_close(node.store);
    struct store_options look = {.read_only = true};
    good(store_open(node.dir, &look, &node.store, &err)); /* only looks */
    assert_int_equal(sql_int(node.store, "SELECT count(*) FROM sqlite_schema WHERE name = 'teller'"), 0);
    store_close(node.store);
    node.store = node_handle(&node);
    assert_int_equal(sql_int(node.store, "SELECT count(*) FROM sqlite_schema WHERE name IN ('teller', 'log_seq')"), 2);
    assert_int_equal(sql_int(node.store, "SELECT count(*) FROM pragma_table_info('list_word') WHERE name = 'advice'"),
                     1);
    assert_int_equal(sql_int(node.store, "SELECT count(*) FROM sqlite_schema WHERE name = 'list_word_of'"), 1);
    assert_int_equal(sql_int(node.store, "SELECT count(*) FROM sqlite_schema WHERE name = 'complaint_ref' AND sql LIKE "
                                         "'%(ref)%'"),
                     1);
    sql(node.store,
        "DROP TABLE teller; DROP TABLE list_word; CREATE TABLE list_word(x); INSERT INTO list_word VALUES(1);"
        "UPDATE fact SET value = 'another' WHERE name = 'schema'");
    store_close(node.store);
    struct store_options options = {0};
    bad(store_open(node.dir, &options, &node.store, &err), ERR_STATE, "its table list_word has rows");
    good(store_open(node.dir, &look, &node.store, &err)); /* and nothing has changed */
    assert_int_equal(sql_int(node.store, "SELECT count(*) FROM sqlite_schema WHERE name = 'teller'"), 0);
    node_stop(&node);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening),     cmocka_unit_test(formats),     cmocka_unit_test(strangers),
        cmocka_unit_test(long_reader), cmocka_unit_test(new_folders), cmocka_unit_test(facts),
        cmocka_unit_test(finding),     cmocka_unit_test(heads),       cmocka_unit_test(small_logs),
        cmocka_unit_test(descriptors), cmocka_unit_test(two_writers), cmocka_unit_test(earlier_builds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

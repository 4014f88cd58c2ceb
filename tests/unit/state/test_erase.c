/* After an erasure no file of the node holds the payload or its salt, wherever they stood; every proof stays. */
#include "state/node.h"

#include "state/residue.h"

struct secret {
    uint64_t index;
    char marker[48];
    uint8_t salt[SEAL_SALT];
};

/* A record with a marker of its own at both ends of its body. */
static void secret_append(struct store *store, int64_t number, size_t len, struct secret *out)
{
    static unsigned turn = 1;
    struct buf text, item;
    snprintf(out->marker, sizeof out->marker, "hush-%08x-%08x-hush", turn * 2654435761u, turn * 40503u);
    turn++;
    buf_init(&text, PAYLOAD_MAX);
    buf_init(&item, PAYLOAD_MAX + 64);
    record_make(&text, out->marker, len);
    buf_str(&text, out->marker);
    struct author_item one = {buf_view(&text), true};
    good(author_append(store, number, &one, 1, TIME_MS, &out->index, &err));
    good(payload_read(store, number, out->index, &item, NULL, &err));
    memcpy(out->salt, item.data + 4, SEAL_SALT);
    buf_done(&text);
    buf_done(&item);
}

/* While a handle is open; SQLite's locks on state.db must survive the look, so a child looks. */
static void nowhere(const struct node *node, const struct secret *secret)
{
    int wait_status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        size_t hits = files_with(node, secret->marker, strlen(secret->marker));
        hits += files_with(node, secret->salt, SEAL_SALT);
        _exit(hits ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_int_equal(wait_status, 0);
}

static void one(void **state)
{
    (void)state;
    static const size_t before[] = {0, 0, 0, 500}, after[] = {0, 10, 300, 20}, lens[] = {300, 5000, 300, 200000};
    for (size_t i = 0; i < 4; i++) {
        struct node node;
        struct log_info info, now;
        struct secret secret;
        unsigned flags;
        node_start(&node);
        node_member(&node, "erase.example.org", true, &info);
        if (before[i])
            append_many(node.store, info.number, "e", before[i], 100, true);
        secret_append(node.store, info.number, lens[i], &secret);
        if (after[i])
            append_many(node.store, info.number, "e", after[i], 100, true);
        good(store_log(node.store, info.number, &info, &err));
        good(author_erase(node.store, info.number, secret.index, TIME_MS, &err));
        nowhere(&node, &secret);
        assert_null(payload_text(node.store, info.number, secret.index));
        good(payload_flags(node.store, info.number, secret.index, &flags, &err));
        assert_int_equal(flags, SLOT_ERASED);
        good(store_log(node.store, info.number, &now, &err));
        assert_int_equal(now.size, info.size + 1);
        assert_int_equal(now.payloads, info.payloads - 1);
        log_verify(node.store, info.number);
        /* Never again, even if somebody brings it. */
        good(store_begin(node.store, &err));
        good(payload_put(node.store, info.number, secret.index, span_of(secret.salt, SEAL_SALT), SPAN_LIT("x"), true,
                         &err));
        good(store_commit(node.store, &err));
        assert_null(payload_text(node.store, info.number, secret.index));
        node_again(&node);
        good(payload_flags(node.store, info.number, secret.index, &flags, &err));
        assert_int_equal(flags, SLOT_ERASED);
        for (uint64_t k = 1; k < secret.index; k++)
            payload_expect(node.store, info.number, k, "e");
        for (uint64_t k = secret.index + 1; k <= secret.index + after[i]; k++)
            payload_expect(node.store, info.number, k, "e");
        node_stop(&node);
    }
}

static void refused(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "erase.example.org", true, &info);
    append_many(node.store, info.number, "e", 3, 100, true);
    bad(author_erase(node.store, info.number, 0, TIME_MS, &err), ERR_REFUSED, "cannot be taken back");
    bad(author_erase(node.store, info.number, 4, TIME_MS, &err), ERR_NOTFOUND, "none at 4");
    bad(payload_erase(node.store, info.number, 4, &err), ERR_NOTFOUND, "none at 4");
    bad(payload_erase(node.store, info.number, UINT64_MAX, &err), ERR_NOTFOUND, "no entry");
    good(store_log(node.store, info.number, &info, &err));
    assert_int_equal(info.size, 4);
    node_stop(&node);
}

/*
 * Rows of many tails come and go, so that SQLite moves them between pages; then some are erased, one after another.
 * secure_delete alone leaves copies here: residue.h.
 */
static void among_many(void **state)
{
    (void)state;
    enum { LOGS = 24, SECRETS = 60 };
    struct node node;
    struct log_info info;
    int64_t numbers[LOGS];
    static struct secret secrets[SECRETS];
    int64_t where[SECRETS];
    node_start(&node);
    for (int i = 0; i < LOGS; i++) {
        char name[32];
        snprintf(name, sizeof name, "m%d.example.org", i);
        node_member(&node, name, i == 0, &info);
        numbers[i] = info.number;
    }
    unsigned random = 12345;
    for (int i = 0; i < SECRETS; i++) {
        for (int k = 0; k < 12; k++) {
            random = random * 1664525 + 1013904223;
            append_many(node.store, numbers[(random >> 16) % LOGS], "m", (random >> 8) % 5 + 1,
                        200 + (random >> 20) % 1500, true);
        }
        random = random * 1664525 + 1013904223;
        where[i] = numbers[(random >> 16) % LOGS];
        secret_append(node.store, where[i], 200 + (random >> 20) % 1500, &secrets[i]);
    }
    for (int i = 0; i < SECRETS; i++) {
        good(author_erase(node.store, where[i], secrets[i].index, TIME_MS, &err));
        nowhere(&node, &secrets[i]);
    }
    for (int i = 0; i < LOGS; i++)
        log_verify(node.store, numbers[i]);
    node_stop(&node);
}

/* The search itself: a copy left in a page's unused space is found, a live row and other pages' bytes are not. */
static void residue(void **state)
{
    (void)state;
    sqlite3 *db;
    char path[] = "/tmp/tz-residue-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);"
                                  "INSERT INTO t VALUES(1, 'a live row with the text abcdefghijklmnopqrstuvwxyz0123')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    struct residue *residue = residue_new();
    bool found = true;
    assert_non_null(residue);
    good(residue_add(residue, span_str("a live row with the text abcdefghijklmnopqrstuvwxyz0123"), &err));
    good(residue_add(residue, span_str("0000000000000000000000000000000000000000000000000000000"), &err));
    good(residue_scan(residue, db, &found, &err));
    assert_false(found);
    sqlite3_close(db);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 4096 + 2000, SEEK_SET), 0);
    fputs("..... a live row with the text abcdefghijklmnopqr", file);
    fclose(file);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT * FROM t", NULL, NULL, NULL), SQLITE_OK);
    good(residue_scan(residue, db, &found, &err));
    assert_true(found);
    sqlite3_close(db);
    residue_free(residue);
    unlink(path);
}

/* The process ends, or the disk fails, at any step of an erasure: opening completes what had begun. */
static void interrupted(void **state)
{
    (void)state;
    for (int failure = 0; failure <= EIO; failure += EIO) {
        struct node node;
        struct log_info info;
        node_start(&node);
        node_member(&node, "erase.example.org", true, &info);
        append_many(node.store, info.number, "e", 300, 100, true);
        bool done = false;
        int completed = 0;
        for (int n = 1; !done && n < 200; n++) {
            struct secret secret;
            int wait_status;
            unsigned flags;
            secret_append(node.store, info.number, n % 2 ? 300 : 100000, &secret);
            store_close(node.store);
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                struct node mine = node;
                struct err err;
                mine.store = node_handle(&mine);
                author_allow(mine.store);
                steps_left = n;
                steps_errno = failure;
                disk_set_hook(step_hook, NULL);
                int rc = author_erase(mine.store, info.number, secret.index, TIME_MS, &err);
                _exit(rc ? 6 : steps_left <= 0 ? 5 : 0);
            }
            assert_int_equal(waitpid(child, &wait_status, 0), child);
            assert_true(WIFEXITED(wait_status));
            done = WEXITSTATUS(wait_status) == 0;
            node.store = node_handle(&node);
            author_allow(node.store);
            size_t erased;
            good(mirror_erase_queued(node.store, &erased, &err));
            good(payload_flags(node.store, info.number, secret.index, &flags, &err));
            if (flags & SLOT_ERASED) {
                nowhere(&node, &secret);
                completed++;
            } else {
                assert_false(done);
                assert_int_equal(flags, SLOT_HELD | SLOT_CLEAR);
                char *text = payload_text(node.store, info.number, secret.index);
                assert_non_null(text);
                assert_non_null(strstr(text, secret.marker));
                free(text);
            }
            log_verify(node.store, info.number);
        }
        assert_true(done);
        assert_true(completed > 5);
        node_stop(&node);
    }
}

/* Somebody keeps reading: the erasure says so, and the next commit after the reader is gone completes it. */
static void reader_in_the_way(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    struct secret secret;
    sqlite3_stmt *reading;
    node_start(&node);
    node_member(&node, "erase.example.org", true, &info);
    secret_append(node.store, info.number, 300, &secret);
    struct store *other = node_handle(&node);
    assert_int_equal(sqlite3_prepare_v2(store_db(other), "SELECT item FROM tail_payload", -1, &reading, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(reading), SQLITE_ROW);
    bad(author_erase(node.store, info.number, secret.index, TIME_MS, &err), ERR_STATE, "completed by the next write");
    assert_null(payload_text(node.store, info.number, secret.index));
    sqlite3_finalize(reading);
    store_close(other);
    append_many(node.store, info.number, "e", 1, 100, true);
    nowhere(&node, &secret);
    node_stop(&node);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one),     cmocka_unit_test(refused),     cmocka_unit_test(among_many),
        cmocka_unit_test(residue), cmocka_unit_test(interrupted), cmocka_unit_test(reader_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

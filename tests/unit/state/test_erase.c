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

/* Everything staged becomes the head, signed by its author. */
static void head_sign(const struct node *author, const struct log_info *log, struct store *store, int64_t number)
{
    struct keys keys;
    struct note_signer signer;
    const struct note_signer *signers[1] = {&signer};
    struct tlog_hash root;
    struct buf note;
    uint64_t size;
    buf_init(&note, NOTE_MAX);
    good(keys_load(author->dir, span_str(log->origin), &keys, &err));
    good(note_signer_make(&signer, span_str(log->origin), NOTE_ED25519, keys.log_seed, &err));
    good(store_staged_root(store, number, &size, &root, &err));
    good(checkpoint_sign(span_str(log->origin), size, &root, signers, 1, &note, &err));
    good(store_set_head(store, number, buf_view(&note), &err));
    buf_done(&note);
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

/* A file system that cannot give room back. */
static int no_punching(void *ctx, const char *operation)
{
    (void)ctx;
    return strcmp(operation, "punch") == 0 ? EOPNOTSUPP : 0;
}

/*
 * A payload that a mirror dropped is not held any more, but its bytes may stand where they stood: in the WAL, where the
 * file system gives no room back, or because the process ended in between. An erasure finds them all the same.
 */
static void dropped_before(void **state)
{
    (void)state;
    bool done = false;
    for (int n = 0; !done && n < 60; n++) {
        struct node node;
        struct log_info info;
        struct secret small, large;
        int wait_status;
        node_start(&node);
        node_member(&node, "erase.example.org", true, &info);
        secret_append(node.store, info.number, 100000, &large);
        append_many(node.store, info.number, "e", 3, 70000, true);
        secret_append(node.store, info.number, 300, &small);
        store_close(node.store);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct node mine = node;
            struct err err;
            mine.store = node_handle(&mine);
            author_allow(mine.store);
            steps_left = n;
            disk_set_hook(n == 0 ? no_punching : step_hook, NULL);
            _exit(payload_drop_before(mine.store, info.number, UINT64_MAX, &err) ? 6 : 0);
        }
        assert_int_equal(waitpid(child, &wait_status, 0), child);
        assert_true(wait_status == 0 || WEXITSTATUS(wait_status) == 7);
        done = n > 0 && wait_status == 0;
        node.store = node_handle(&node);
        author_allow(node.store);
        good(author_erase(node.store, info.number, small.index, TIME_MS, &err));
        nowhere(&node, &small);
        good(author_erase(node.store, info.number, large.index, TIME_MS, &err));
        nowhere(&node, &large);
        log_verify(node.store, info.number);
        node_stop(&node);
    }
    assert_true(done);
}

/* An attempt to keep it was cut off, while another process was at work and so nobody recovered; it counts as not held. */
static void cut_off_before(void **state)
{
    (void)state;
    struct node node, author;
    struct log_info info, copy;
    struct secret secret;
    struct buf bundle, note, item;
    uint64_t count;
    int wait_status;
    node_start(&author);
    node_start(&node);
    node_member(&author, "erase.example.org", true, &info);
    secret_append(author.store, info.number, 100000, &secret);
    buf_init(&bundle, 1u << 20);
    buf_init(&note, NOTE_MAX);
    buf_init(&item, PAYLOAD_MAX + 64);
    good(payload_read(author.store, info.number, secret.index, &item, NULL, &err));
    good(author_erase(author.store, info.number, secret.index, TIME_MS, &err));
    good(store_log(author.store, info.number, &info, &err));
    for (uint64_t size = 2; size <= 3; size++) {
        buf_clear(&bundle);
        good(store_read_entries(author.store, info.number, size - 2 ? 2 : 0, size - 2 ? 1 : 2, &bundle, &err));
        good(store_begin(node.store, &err));
        if (size == 2) {
            struct log_new make = {.origin = span_str(info.origin), .role = LOG_MIRROR, .mode = MODE_FULL};
            good(store_log_create(node.store, &make, &copy.number, &err));
            good(mirror_stage(node.store, copy.number, buf_view(&bundle), &count, &err));
            head_sign(&author, &info, node.store, copy.number);
            good(store_commit(node.store, &err));
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                struct store *other = node_handle(&node);
                good(store_begin(other, &err));
                good(payload_put(other, copy.number, secret.index, span_of(secret.salt, SEAL_SALT),
                                 span_of(item.data + 36, item.len - 36), true, &err));
                _exit(7);
            }
            assert_int_equal(waitpid(child, &wait_status, 0), child);
            assert_int_equal(WEXITSTATUS(wait_status), 7);
            assert_null(payload_text(node.store, copy.number, secret.index));
        } else {
            good(mirror_stage(node.store, copy.number, buf_view(&bundle), &count, &err));
            good(store_checkpoint(author.store, info.number, &note, &err));
            good(mirror_finish(node.store, copy.number, buf_view(&note), &err));
            good(store_commit(node.store, &err));
        }
    }
    size_t erased;
    good(mirror_erase_queued(node.store, &erased, &err));
    assert_int_equal(erased, 1);
    nowhere(&node, &secret);
    buf_done(&bundle);
    buf_done(&note);
    buf_done(&item);
    node_stop(&node);
    node_stop(&author);
}

/* What stands in the log itself cannot be withdrawn: such an erasure is without effect, the profile's own, too. */
static void inline_entries(void **state)
{
    (void)state;
    struct node node;
    struct log_info info, now;
    unsigned flags;
    size_t erased;
    uint64_t first;
    node_start(&node);
    node_member(&node, "erase.example.org", true, &info);
    append_many(node.store, info.number, "e", 300, 100, true);
    struct author_item items[] = {{.text = SPAN_LIT("tongzhou/1 connect/erase\n\n0\n")},
                                  {.text = SPAN_LIT("tongzhou/1 connect/erase\n\n301\n")}};
    good(author_append(node.store, info.number, items, 2, TIME_MS, &first, &err));
    good(store_log(node.store, info.number, &info, &err));
    good(mirror_erase_queued(node.store, &erased, &err));
    for (uint64_t i = 0; i < 302; i += 301) {
        good(payload_flags(node.store, info.number, i, &flags, &err));
        assert_int_equal(flags, SLOT_INLINE);
    }
    good(store_log(node.store, info.number, &now, &err));
    assert_int_equal(now.bytes, info.bytes);
    assert_int_equal(now.payloads, info.payloads);
    node_stop(&node);
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
        cmocka_unit_test(one),
        cmocka_unit_test(refused),
        cmocka_unit_test(among_many),
        cmocka_unit_test(residue),
        cmocka_unit_test(interrupted),
        cmocka_unit_test(reader_in_the_way),
        cmocka_unit_test(dropped_before),
        cmocka_unit_test(cut_off_before),
        cmocka_unit_test(inline_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

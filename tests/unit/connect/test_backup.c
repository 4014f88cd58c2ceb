/* A whole node in one file, and out of it again: consistent, complete, careful before it signs. */
#include "files.h"

#include "connect/backup.h"
#include "connect/startcheck.h"
#include "connect/verify.h"

static const struct backup_options at_now = {.now_ms = TIME_MS};

static struct backup_result saved(struct node *node, const char *path)
{
    struct backup_result result;
    good(backup_write(node->store, path, &at_now, &result, &err));
    return result;
}

/* The node that a backup makes, in ROOT/restored of the one given. */
static struct backup_result restored(const struct node *from, const char *path, struct node *to)
{
    struct backup_result result;
    *to = *from;
    to->server = NULL;
    snprintf(to->dir, sizeof(to->dir), "%.80s/restored", from->root);
    good(backup_restore(path, to->dir, &at_now, &result, &err));
    to->store = node_handle(to);
    good(store_operator(to->store, &to->own, &err));
    return result;
}

static void verify_all(struct node *node, uint64_t payloads)
{
    struct verify_options options = {0};
    struct verify_result result;
    good(verify_log(node->store, &node->own, &options, &result, &err));
    assert_int_equal(result.entries, node->own.size);
    assert_int_equal(result.payloads, payloads);
}

static int sign(struct node *node, struct err *failure)
{
    struct buf text;
    uint64_t index;
    buf_init(&text, 4096);
    struct record_draft draft = {.kind = KIND, .time_ms = TIME_MS, .tlp = TLP_CLEAR, .body = SPAN_LIT("signed")};
    good(record_write(&draft, &text, &err));
    struct author_item item = {buf_view(&text), true};
    int rc = author_append(node->store, node->own.number, &item, 1, TIME_MS, &index, failure);
    buf_done(&text);
    return rc;
}

static void test_round_trip(void **state)
{
    struct node a, r;
    struct stat st;
    char before[17], after[17];
    int64_t seq;
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "said", 700);
    uint64_t amber = say_in(&a, a.own.number, "for few", TLP_AMBER);
    uint64_t gone = node_say(&a, "regretted");
    good(author_erase(a.store, a.own.number, gone, TIME_MS, &err));
    node_refresh(&a);
    node_peer_url(&a, "http://127.0.0.1:9");
    struct backup_result wrote = saved(&a, scratch(&a, "backup"));
    assert_int_equal(stat(scratch(&a, "backup"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct backup_result read = restored(&a, scratch(&a, "backup"), &r);
    assert_int_equal(read.files, wrote.files);
    assert_int_equal(read.bytes, wrote.bytes);
    assert_int_equal(read.contents, 701);
    assert_int_equal(read.dropped, 0);
    assert_mirrored(&r, &a.own);
    verify_all(&r, 701);
    assert_true(has_payload(&r, a.own.origin, 700, "said 699"));
    assert_true(has_payload(&r, a.own.origin, amber, "for few"));
    assert_false(has_payload(&r, a.own.origin, gone, "regretted"));
    assert_int_equal(peer_of(&r, "http://127.0.0.1:9").number, 1);
    good(store_seq(a.store, &seq, before, &err));
    good(store_seq(r.store, &seq, after, &err));
    assert_string_not_equal(before, after);
    /* Nothing that belongs to the making of it stays behind. */
    assert_false(is_there(scratch(&a, "restored/restoring")));
    assert_false(is_there(scratch(&a, "restored/backup.json")));
    store_close(r.store);
    node_stop(&a);
}

/* Its keys are with it, but it signs only when somebody has said that it is up to date. */
static void test_signs_nothing_at_first(void **state)
{
    struct node a, b, r;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say(&a, "said");
    saved(&a, scratch(&a, "backup"));
    restored(&a, scratch(&a, "backup"), &r);
    bad(start_check(r.store, false, &err), ERR_STATE, "restored from a backup");
    bad(sign(&r, &err), ERR_STATE, "nothing is signed");
    node_serve(&b);
    node_peer(&r, &b);
    good(start_check(r.store, false, &err)); /* b has nothing of ours: an answer */
    good(sign(&r, &err));
    store_close(r.store);
    r.store = node_handle(&r);
    good(peer_remove(r.store, 1, &err)); /* once is enough */
    good(start_check(r.store, false, &err));
    good(sign(&r, &err));
    store_close(r.store);
    node_stop(&a);
    node_stop(&b);
}

static void test_alone_once(void **state)
{
    struct node a, r;
    (void)state;
    node_start(&a, "a.example");
    saved(&a, scratch(&a, "backup"));
    restored(&a, scratch(&a, "backup"), &r);
    bad(start_check_now(r.store, false, &err), ERR_STATE, "--alone once");
    good(start_check(r.store, true, &err));
    good(sign(&r, &err));
    store_close(r.store);
    r.store = node_handle(&r);
    good(start_check(r.store, false, &err));
    good(sign(&r, &err));
    store_close(r.store);
    node_stop(&a);
}

/* What was said after the backup comes back from a mirror before anything is signed. */
static void test_heals(void **state)
{
    struct node a, b, r;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say(&a, "before");
    saved(&a, scratch(&a, "backup"));
    node_say(&a, "after");
    uint64_t gone = 1;
    good(author_erase(a.store, a.own.number, gone, TIME_MS, &err));
    node_refresh(&a);
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    node_unserve(&a);
    node_serve(&b);
    restored(&a, scratch(&a, "backup"), &r);
    assert_true(has_payload(&r, a.own.origin, gone, "before"));
    node_peer(&r, &b);
    good(start_check(r.store, false, &err));
    node_refresh(&r);
    assert_mirrored(&r, &a.own);
    assert_false(has_payload(&r, a.own.origin, gone, "before")); /* erased again, as the log says */
    assert_true(has_payload(&r, a.own.origin, 2, "after"));
    good(sign(&r, &err));
    store_close(r.store);
    node_stop(&a);
    node_stop(&b);
}

/* Zeros where a payload was: it was erased while the backup was made. */
static void test_erased_meanwhile(void **state)
{
    struct node a, r;
    struct files files;
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "said", 300);
    saved(&a, scratch(&a, "backup"));
    files_load(scratch(&a, "backup"), &files);
    struct file *data = &files.file[files_find(&files, "/data")];
    uint8_t *at = memmem(data->data, data->len, "said 7\0", 6);
    assert_non_null(at);
    memset(at - 60, 0, 66);
    files_save(scratch(&a, "backup"), &files);
    struct backup_result result = restored(&a, scratch(&a, "backup"), &r);
    assert_int_equal(result.contents, 300);
    assert_int_equal(result.dropped, 1);
    assert_false(has_payload(&r, a.own.origin, 8, "said 7"));
    assert_true(has_payload(&r, a.own.origin, 9, "said 8"));
    verify_all(&r, 299);
    files_free(&files);
    store_close(r.store);
    node_stop(&a);
}

/* Files that were appended to after the instant of the backup do not come along. */
static void test_later_bytes_stay_out(void **state)
{
    struct node a, r;
    struct files files;
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "said", 300);
    saved(&a, scratch(&a, "backup"));
    files_load(scratch(&a, "backup"), &files);
    size_t at = files_find(&files, "/data");
    files.file[at].data = realloc(files.file[at].data, files.file[at].len + 5);
    assert_non_null(files.file[at].data);
    memcpy(files.file[at].data + files.file[at].len, "later", 5);
    files.file[at].len += 5;
    files_save(scratch(&a, "backup"), &files);
    restored(&a, scratch(&a, "backup"), &r);
    char command[512];
    snprintf(command, sizeof(command), "! grep -rqaF later '%s/payloads'", r.dir);
    shell(command); /* cut by the recovery that follows a restore */
    verify_all(&r, 300);
    files_free(&files);
    store_close(r.store);
    node_stop(&a);
}

/* ---- where to ---- */

static void test_folders(void **state)
{
    struct node a;
    struct backup_result result;
    char deep[160];
    (void)state;
    node_start(&a, "a.example");
    saved(&a, scratch(&a, "backup"));
    bad(backup_restore(scratch(&a, "backup"), a.dir, &at_now, &result, &err), ERR_EXISTS, "new or empty");
    bad(backup_restore(scratch(&a, "none"), scratch(&a, "x"), &at_now, &result, &err), ERR_NOTFOUND, "none");
    assert_false(is_there(scratch(&a, "x")));
    snprintf(deep, sizeof(deep), "%.80s/some/where/deep", a.root);
    good(backup_restore(scratch(&a, "backup"), deep, &at_now, &result, &err));
    assert_true(is_there(scratch(&a, "some/where/deep/state.db")));
    /* An empty folder will do, and so will one in which an attempt was cut off. */
    assert_int_equal(mkdir(scratch(&a, "empty"), 0700), 0);
    good(backup_restore(scratch(&a, "backup"), scratch(&a, "empty"), &at_now, &result, &err));
    assert_int_equal(mkdir(scratch(&a, "half"), 0700), 0);
    assert_int_equal(mkdir(scratch(&a, "half/restoring"), 0700), 0);
    assert_int_equal(mkdir(scratch(&a, "half/restoring/logs"), 0700), 0);
    good(backup_restore(scratch(&a, "backup"), scratch(&a, "half"), &at_now, &result, &err));
    assert_false(is_there(scratch(&a, "half/restoring")));
    bad(backup_write(a.store, a.dir, &at_now, &result, &err), ERR_USAGE, "is a folder");
    bad(backup_write(a.store, scratch(&a, "no/where"), &at_now, &result, &err), ERR_NOTFOUND, "no/where");
    node_stop(&a);
}

/* ---- nothing leaves the folder, nothing half is left ---- */

struct trick {
    const char *what, *name;
    int code;
    const char *reason;
};

static void test_tricks(void **state)
{
    static const struct trick tricks[] = {
        {"a path that climbs", "logs/../../escaped", ERR_SYNTAX, "no place in a backup"},
        {"one that hides it", "logs/x/../escaped", ERR_SYNTAX, "no place in a backup"},
        {"an absolute one", "/tmp/escaped", ERR_SYNTAX, "no place in a backup"},
        {"too deep", "logs/a/b/c", ERR_SYNTAX, "no place in a backup"},
        {"a blank", "logs/a b", ERR_SYNTAX, "no place in a backup"},
        {"an index", "index.db", ERR_SYNTAX, "no place in a backup"},
        {"a file as folder", "state.db/x", ERR_SYNTAX, "no place in a backup"},
        {"state.db twice", "state.db", ERR_SYNTAX, "twice"},
    };
    struct node a;
    struct backup_result result;
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "said", 300);
    saved(&a, scratch(&a, "backup"));
    for (size_t i = 0; i < sizeof(tricks) / sizeof(*tricks); i++) {
        struct files files;
        files_load(scratch(&a, "backup"), &files);
        files_insert(&files, files.count, tricks[i].name, "x", 1);
        files_save(scratch(&a, "forged"), &files);
        files_free(&files);
        print_message("# %s\n", tricks[i].what);
        bad(backup_restore(scratch(&a, "forged"), scratch(&a, "r"), &at_now, &result, &err), tricks[i].code,
            tricks[i].reason);
        assert_false(is_there(scratch(&a, "r")));
        assert_false(is_there(scratch(&a, "escaped")));
    }
    node_stop(&a);
}

static void forged(struct node *a, struct files *files, int code, const char *reason)
{
    struct backup_result result;
    files_save(scratch(a, "forged"), files);
    bad(backup_restore(scratch(a, "forged"), scratch(a, "r"), &at_now, &result, &err), code, reason);
    assert_false(is_there(scratch(a, "r")));
}

static void test_damaged(void **state)
{
    struct node a;
    struct files files;
    struct backup_result result;
    char command[512];
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "said", 300);
    saved(&a, scratch(&a, "backup"));
    snprintf(command, sizeof(command), "head -c 9000 '%s' >'%s'", scratch(&a, "backup"), scratch(&a, "cut"));
    shell(command);
    bad(backup_restore(scratch(&a, "cut"), scratch(&a, "r"), &at_now, &result, &err), ERR_SYNTAX, "cut");
    assert_false(is_there(scratch(&a, "r")));
    files_load(scratch(&a, "backup"), &files);
    size_t at = files_find(&files, "/entries");
    files.file[at].len -= 100;
    forged(&a, &files, ERR_FORK, "entries has");
    files.file[at].len += 100;
    at = files_find(&files, "state.db");
    files.file[at].data[0] ^= 1;
    forged(&a, &files, ERR_IO, "not a database");
    files_remove(&files, at);
    forged(&a, &files, ERR_SYNTAX, "holds no state.db");
    files_remove(&files, 0);
    forged(&a, &files, ERR_SYNTAX, "does not begin with backup.json");
    files_insert(&files, 0, "backup.json", "{\"format\":7}", 12);
    forged(&a, &files, ERR_STATE, "backup format 7");
    files.file[1].is_link = true;
    memcpy(files.file[0].data, "{\"format\":1}", 12);
    forged(&a, &files, ERR_SYNTAX, "no place in a backup");
    files_free(&files);
    node_stop(&a);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_signs_nothing_at_first),
        cmocka_unit_test(test_alone_once),       cmocka_unit_test(test_heals),
        cmocka_unit_test(test_erased_meanwhile), cmocka_unit_test(test_later_bytes_stay_out),
        cmocka_unit_test(test_folders),          cmocka_unit_test(test_tricks),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

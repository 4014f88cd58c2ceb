/* Believe nothing, hash everything: here, over HTTP, and for a proof that travels as a file. */
#include "files.h"
#include "raw.h"

#include "connect/static.h"
#include "connect/verify.h"
#include "index/view.h"

static struct verify_result verified(struct node *node, const char *origin)
{
    struct log_info log = log_of(node, origin);
    struct verify_options options = {0};
    struct verify_result result;
    good(verify_log(node->store, &log, &options, &result, &err));
    return result;
}

static void test_here(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "said", 600);
    good(author_rotate(a.store, a.own.number, NULL, NULL, TIME_MS, &err));
    node_refresh(&a);
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    struct verify_result result = verified(&b, a.own.origin);
    assert_int_equal(result.size, 602);
    assert_int_equal(result.entries, 602);
    assert_int_equal(result.hashes, 602 + 2);
    assert_int_equal(result.payloads, 600);
    assert_int_equal(result.keys, 2);
    assert_int_equal(result.cosignatures, 1);
    assert_int_equal(result.cosigners_unknown, 0);
    node_stop(&a);
    node_stop(&b);
}

/* One statement changes the stored log; it must not verify any more. */
static void damaged(struct node *node, const char *sql, int code, const char *reason)
{
    struct verify_options options = {0};
    struct verify_result result;
    struct log_info log = log_of(node, node->own.origin);
    assert_int_equal(sqlite3_exec(store_db(node->store), "SAVEPOINT before", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(store_db(node->store), sql, NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_changes(store_db(node->store)) > 0);
    bad(verify_log(node->store, &log, &options, &result, &err), code, reason);
    assert_int_equal(sqlite3_exec(store_db(node->store), "ROLLBACK TO before; RELEASE before", NULL, NULL, NULL),
                     SQLITE_OK);
}

static void test_damaged_here(void **state)
{
    struct node a;
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "said", 5);
    damaged(&a, "UPDATE tail SET entry = replace(entry, 'sha256', 'sha255') WHERE ref % 1099511627776 = 3", ERR_SYNTAX,
            "entry 3: the entry is no seal");
    damaged(&a, "UPDATE tail SET leaf = zeroblob(32) WHERE ref % 1099511627776 = 3", ERR_VERIFY, "level 0, hash 3");
    damaged(&a, "UPDATE tail_payload SET item = zeroblob(length(item)) WHERE ref % 1099511627776 = 2", ERR_VERIFY,
            "payload of entry 2");
    damaged(&a, "UPDATE log SET note = replace(note, '6', '7')", ERR_VERIFY, "");
    damaged(&a,
            "UPDATE tail SET entry = (SELECT entry FROM tail t WHERE t.ref % 1099511627776 = 1)"
            " WHERE ref % 1099511627776 = 0",
            ERR_VERIFY, "");
    verified(&a, a.own.origin);
    node_stop(&a);
}

/* ---- over HTTP ---- */

struct served {
    struct node node;
    struct file_server server;
    char url[256];
};

static void serve_tree(struct served *s, size_t records)
{
    struct view view;
    struct static_options options = {0};
    struct static_result result;
    node_start(&s->node, "a.example");
    node_say_many(&s->node, "said", records);
    good(view_open(s->node.store, NULL, (struct viewer){.class = VIEWER_PUBLIC}, OUTLET_EXPORT_STATIC, &view, &err));
    good(static_export(&view, scratch(&s->node, "tree"), &options, &result, &err));
    file_server_start(&s->server, scratch(&s->node, "tree"));
    snprintf(s->url, sizeof(s->url), "%s/logs/%s", s->server.url, s->node.own.hex);
}

static void serve_end(struct served *s)
{
    file_server_stop(&s->server);
    node_stop(&s->node);
}

static const char *leaf(const struct served *s, const char *name)
{
    static char paths[2][512];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, sizeof(paths[0]), "%s/tree/logs/%s/%s", s->node.root, s->node.own.hex, name);
    return path;
}

/* Flip one bit of a file, or cut it (at < 0). */
static void change(const char *path, long at)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    if (at < 0) {
        assert_int_equal(truncate(path, st.st_size + at), 0);
        return;
    }
    int fd = open(path, O_RDWR);
    uint8_t byte;
    assert_true(fd >= 0 && at < st.st_size);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void keep(const char *path)
{
    char command[1100];
    snprintf(command, sizeof(command), "cp '%s' '%s.kept'", path, path);
    shell(command);
}

static void put_back(const char *path)
{
    char command[1100];
    snprintf(command, sizeof(command), "mv '%s.kept' '%s'", path, path);
    shell(command);
}

struct tampering {
    const char *name;
    long at;
    int code;
    const char *reason;
};

static void test_over_http(void **state)
{
    static const struct tampering cases[] = {
        {"tile/entries/000", 2000, ERR_VERIFY, "payload of entry"},
        {"tile/entries/000", 1, ERR_VERIFY, "entry 0"},
        {"tile/entries/001.p/45", -1, ERR_SYNTAX, "tile/entries/001.p/45"},
        {"tile/0/000", 100, ERR_VERIFY, "level 0, hash 3"},
        {"tile/0/001.p/45", -32, ERR_SYNTAX, "tile/0/001.p/45"},
        {"tile/1/000.p/1", 0, ERR_VERIFY, "level 1, hash 0"},
        {"payload/0", 200, ERR_VERIFY, "payload of entry"},
        {"payload/1", -1, ERR_SYNTAX, "payload/1"},
        {"checkpoint", 3, ERR_VERIFY, ""},
        {"checkpoint", 80, ERR_VERIFY, ""},
        {"checkpoint", -3, ERR_SYNTAX, ""},
    };
    struct served s;
    struct verify_options options = {0};
    struct verify_result result;
    (void)state;
    serve_tree(&s, 300);
    good(verify_url(s.node.store, s.url, &options, &result, &err));
    assert_int_equal(result.entries, 301);
    assert_int_equal(result.hashes, 302);
    assert_int_equal(result.payloads, 300);
    assert_string_equal(result.origin, s.node.own.origin);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        print_message("# %s at %ld\n", cases[i].name, cases[i].at);
        keep(leaf(&s, cases[i].name));
        change(leaf(&s, cases[i].name), cases[i].at);
        struct err err = {0};
        int rc = verify_url(NULL, s.url, &options, &result, &err);
        if (rc >= 0 || !strstr(err.text, cases[i].reason))
            fail_msg("%d \"%s\", expected \"%s\"", rc, err.text, cases[i].reason);
        put_back(leaf(&s, cases[i].name));
    }
    good(verify_url(NULL, s.url, &options, &result, &err));
    serve_end(&s);
}

/* A partial tile may go when the full one is there; payloads need not be served at all. */
static void test_what_may_be_missing(void **state)
{
    struct served s;
    struct verify_options options = {0};
    struct verify_result result;
    char command[1600];
    (void)state;
    serve_tree(&s, 300);
    keep(leaf(&s, "checkpoint"));
    node_say_many(&s.node, "more", 300);
    struct view view;
    struct static_options static_options = {0};
    struct static_result exported;
    good(view_open(s.node.store, NULL, (struct viewer){.class = VIEWER_PUBLIC}, OUTLET_EXPORT_STATIC, &view, &err));
    good(static_export(&view, scratch(&s.node, "tree"), &static_options, &exported, &err));
    put_back(leaf(&s, "checkpoint")); /* as a reader sees it who was there a moment before */
    snprintf(command, sizeof(command), "rm -r '%s' '%s'", leaf(&s, "tile/entries/001.p"), leaf(&s, "tile/0/001.p"));
    shell(command);
    good(verify_url(NULL, s.url, &options, &result, &err));
    assert_int_equal(result.entries, 301);
    assert_int_equal(result.payloads, 300);
    snprintf(command, sizeof(command), "rm -r '%s'", leaf(&s, "payload"));
    shell(command);
    good(verify_url(NULL, s.url, &options, &result, &err));
    assert_int_equal(result.payloads, 0);
    snprintf(command, sizeof(command), "rm -r '%s'", leaf(&s, "tile/0/001"));
    shell(command);
    bad(verify_url(NULL, s.url, &options, &result, &err), ERR_NOTFOUND, "tile/0/001");
    serve_end(&s);
}

static int count_log(void *ctx, const char *log_url, const char *origin, struct err *err)
{
    (void)log_url;
    (void)origin;
    (void)err;
    ++*(unsigned *)ctx;
    return 0;
}

static void test_heads(void **state)
{
    struct served s;
    char command[1200];
    unsigned count = 0;
    (void)state;
    serve_tree(&s, 1);
    good(verify_node_logs(s.server.url, count_log, &count, &err));
    assert_int_equal(count, 1);
    snprintf(command, sizeof(command), "printf 'more 0123456789abcdef-1\\n' >'%s'", scratch(&s.node, "tree/heads"));
    shell(command);
    bad(verify_node_logs(s.server.url, count_log, &count, &err), ERR_VERIFY, "gives nothing new");
    serve_end(&s);
}

/* ---- proofs ---- */

static void proof_of(struct node *node, uint64_t index, struct buf *out)
{
    struct view view;
    buf_clear(out);
    good(view_open(node->store, NULL, (struct viewer){.class = VIEWER_PUBLIC}, OUTLET_HTTP_LOGS, &view, &err));
    good(view_proof(&view, &node->own, index, out, &err));
}

static void test_proof(void **state)
{
    struct node a, b;
    struct buf proof, entry, other;
    struct verify_result result;
    uint64_t index;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    buf_init(&proof, 1 << 20);
    buf_init(&entry, ENTRY_MAX);
    buf_init(&other, ENTRY_MAX);
    node_say_many(&a, "said", 300);
    proof_of(&a, 17, &proof);
    good(store_read_entry(a.store, a.own.number, 17, &entry, &err));
    good(store_read_entry(a.store, a.own.number, 18, &other, &err));
    good(verify_proof(a.store, buf_view(&proof), buf_view(&entry), &result, &index, &err));
    assert_int_equal(index, 17);
    assert_int_equal(result.size, 301);
    bad(verify_proof(a.store, buf_view(&proof), buf_view(&other), &result, &index, &err), ERR_VERIFY, "");
    bad(verify_proof(b.store, buf_view(&proof), buf_view(&entry), &result, &index, &err), ERR_NOTFOUND, "no log of");
    for (size_t at = 0; at < proof.len; at++) { /* no byte of it may be another */
        struct err err = {0};
        proof.data[at] ^= 1;
        if (verify_proof(a.store, buf_view(&proof), buf_view(&entry), &result, &index, &err) == 0)
            fail_msg("byte %zu of the proof changed, and it holds", at);
        proof.data[at] ^= 1;
    }
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    good(verify_proof(b.store, buf_view(&proof), buf_view(&entry), &result, &index, &err));
    node_say(&a, "more");
    proof_of(&a, 17, &proof);
    good(verify_proof(a.store, buf_view(&proof), buf_view(&entry), &result, &index, &err));
    bad(verify_proof(b.store, buf_view(&proof), buf_view(&entry), &result, &index, &err), ERR_NOTFOUND, "301 entries");
    buf_done(&proof);
    buf_done(&entry);
    buf_done(&other);
    node_stop(&a);
    node_stop(&b);
}

/* A proof in a branch that we do not have: signed, sound, and a contradiction. */
static void test_proof_of_a_fork(void **state)
{
    struct node a;
    struct buf proof, entry;
    struct verify_result result;
    uint64_t index;
    char command[512];
    (void)state;
    node_start(&a, "a.example");
    buf_init(&proof, 1 << 20);
    buf_init(&entry, ENTRY_MAX);
    node_say(&a, "said");
    store_close(a.store);
    snprintf(command, sizeof(command), "cp -r '%s' '%s'", a.dir, scratch(&a, "kept"));
    shell(command);
    a.store = node_handle(&a);
    author_allow(a.store);
    node_say(&a, "one");
    proof_of(&a, 1, &proof);
    good(store_read_entry(a.store, a.own.number, 1, &entry, &err));
    store_close(a.store);
    snprintf(command, sizeof(command), "rm -r '%s' && mv '%s' '%s'", a.dir, scratch(&a, "kept"), a.dir);
    shell(command);
    a.store = node_handle(&a);
    author_allow(a.store);
    node_say(&a, "two");
    bad(verify_proof(a.store, buf_view(&proof), buf_view(&entry), &result, &index, &err), ERR_FORK, "contradicts");
    buf_done(&proof);
    buf_done(&entry);
    node_stop(&a);
}

/* A node that always has more to list, under another cursor each time. */
static void test_endless_node(void **state)
{
    struct node a;
    char line[256];
    size_t count = 0;
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    snprintf(line, sizeof(line), "%s %s 1\n", a.own.hex, a.own.origin);
    struct raw_page *page = raw_bytes(raw, "/heads", RAW_MORE, line);
    raw_run(raw);
    bad(verify_node_logs(raw->url, count_log, &count, &err), ERR_VERIFY, "gives nothing new");
    assert_int_equal(atomic_load(&page->asked), 3);
    raw_stop(raw);
    node_stop(&a);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_here),
        cmocka_unit_test(test_damaged_here),
        cmocka_unit_test(test_over_http),
        cmocka_unit_test(test_what_may_be_missing),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_proof),
        cmocka_unit_test(test_proof_of_a_fork),
        cmocka_unit_test(test_endless_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

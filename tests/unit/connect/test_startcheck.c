/* Before the first signature: ask the peers how far our own logs go, heal, then sign. */
#include <sys/wait.h>

#include "raw.h"

#include "connect/startcheck.h"

/* DIR as it was, put back: a restored backup. */
static void keep_copy(struct node *node)
{
    char command[256];
    store_close(node->store);
    snprintf(command, sizeof(command), "cp -r '%s' '%s/backup'", node->dir, node->root);
    shell(command);
    node->store = node_handle(node);
    author_allow(node->store);
}

static void restore_copy(struct node *node)
{
    char command[512];
    store_close(node->store);
    snprintf(command, sizeof(command), "rm -rf '%s' && cp -r '%s/backup' '%s'", node->dir, node->root, node->dir);
    shell(command);
    node->store = node_handle(node);
    good(store_operator(node->store, &node->own, &err));
}

static bool may_sign(struct node *node)
{
    struct buf text;
    struct err refused = {0};
    uint64_t index;
    buf_init(&text, 4096);
    struct record_draft draft = {.kind = KIND, .time_ms = TIME_MS, .tlp = TLP_CLEAR, .body = SPAN_LIT("signed")};
    good(record_write(&draft, &text, &err));
    struct author_item item = {buf_view(&text), true};
    int code = author_append(node->store, node->own.number, &item, 1, TIME_MS, &index, &refused);
    buf_done(&text);
    return code == 0;
}

static void reopen(struct node *node)
{
    store_close(node->store);
    node->store = node_handle(node);
}

static void test_without_peers(void **state)
{
    struct node a;
    (void)state;
    node_start(&a, "a.example");
    reopen(&a);
    assert_false(may_sign(&a));
    good(start_check(a.store, false, &err));
    assert_true(may_sign(&a));
    node_stop(&a);
}

static void test_nobody_answers(void **state)
{
    struct node a;
    (void)state;
    node_start(&a, "a.example");
    node_peer_url(&a, "http://127.0.0.1:9");
    reopen(&a);
    bad(start_check(a.store, false, &err), ERR_STATE, "--alone");
    assert_false(may_sign(&a));
    good(start_check(a.store, true, &err));
    assert_true(may_sign(&a));
    node_stop(&a);
}

static void test_unknown_to_the_peer(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&b);
    node_peer(&a, &b);
    reopen(&a);
    good(start_check(a.store, false, &err)); /* its 404 is an answer */
    assert_true(may_sign(&a));
    node_stop(&b);
    node_stop(&a);
}

/* A stale backup catches up from a mirror before it signs, and nothing forks. */
static void test_heals_a_restored_copy(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "before", 300);
    node_serve(&a);
    node_peer(&b, &a);
    node_serve(&b);
    node_peer(&a, &b);
    keep_copy(&a);
    node_say_many(&a, "after", 700);
    node_sync_well(&b);
    struct log_info before = a.own;
    node_unserve(&a);
    restore_copy(&a);
    assert_true(a.own.size < before.size);
    good(start_check(a.store, false, &err));
    node_refresh(&a);
    assert_int_equal(a.own.size, before.size);
    assert_memory_equal(a.own.root.b, before.root.b, TLOG_HASH_SIZE);
    assert_int_equal(a.own.role, LOG_OWN);
    assert_true(has_payload(&a, a.own.origin, 1000, "after 699"));
    assert_true(may_sign(&a));
    node_serve(&a);
    node_refresh(&a);
    struct node c; /* who knew the old head sees an honest continuation */
    node_start(&c, "c.example");
    node_peer(&c, &b);
    node_sync_well(&c);
    assert_int_equal(log_of(&c, a.own.origin).size, before.size);
    node_peer(&c, &a);
    assert_int_equal(node_sync_well(&c)->forks, 0);
    assert_mirrored(&c, &a.own);
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

/* The mirror proves that we were further, but cannot give the entries: nothing is signed. */
static void test_does_not_sign_when_it_cannot_heal(void **state)
{
    struct node a, b;
    struct raw *raw = raw_start();
    struct buf note;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&b);
    keep_copy(&a);
    node_say(&a, "later");
    buf_init(&note, NOTE_MAX);
    good(store_checkpoint(a.store, a.own.number, &note, &err));
    raw_checkpoint(raw, &a.own, buf_view(&note));
    raw_run(raw);
    restore_copy(&a);
    node_peer_url(&a, raw->url);
    node_peer(&a, &b); /* knows nothing: that alone would be an answer */
    reopen(&a);
    bad(start_check(a.store, false, &err), ERR_STATE, "could not be fetched back");
    assert_false(may_sign(&a));
    buf_done(&note);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

/* A peer's invention of a longer version, which no key of ours signed, keeps nobody from signing. */
static void test_invented_checkpoint(void **state)
{
    struct node a, b;
    struct raw *raw = raw_start();
    struct buf note;
    struct note_signer signer;
    struct tlog_hash root = {{7}};
    uint8_t seed[32] = {1};
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&b);
    buf_init(&note, NOTE_MAX);
    good(note_signer_make(&signer, span_str(a.own.origin), NOTE_ED25519, seed, &err));
    const struct note_signer *signers[] = {&signer};
    good(checkpoint_sign(span_str(a.own.origin), 50, &root, signers, 1, &note, &err));
    raw_checkpoint(raw, &a.own, buf_view(&note));
    char path[200];
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/000.p/50", a.own.hex);
    raw_body(raw, path, SPAN_LIT("\0\5wrong"));
    raw_run(raw);
    node_peer_url(&a, raw->url);
    node_peer(&a, &b);
    reopen(&a);
    good(start_check(a.store, false, &err));
    assert_true(may_sign(&a));
    assert_true(peer_of(&a, raw->url).set_aside);
    buf_done(&note);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

/* Another branch of our own log, signed with our key, is with a peer: nothing more is signed. */
static void test_already_forked(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    keep_copy(&a);
    node_say_many(&a, "one truth", 3);
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    node_serve(&b);
    node_unserve(&a);
    restore_copy(&a);
    good(start_check(a.store, true, &err)); /* the mistake */
    say_in(&a, a.own.number, "another truth", TLP_CLEAR);
    node_peer(&a, &b);
    reopen(&a);
    struct err err = {0};
    int code = start_check(a.store, false, &err);
    assert_true(code == ERR_STATE || code == ERR_FORK);
    assert_false(may_sign(&a));
    node_stop(&b);
    node_stop(&a);
}

/* A command beside a running node relies on its check; a copied folder, or a dead node, lends nothing. */
static void test_relies_on_the_running_node(void **state)
{
    struct node a;
    (void)state;
    node_start(&a, "a.example");
    node_peer_url(&a, "http://127.0.0.1:9");
    int ready[2], quit[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(quit), 0);
    store_close(a.store);
    a.store = NULL;
    pid_t child = fork();
    if (child == 0) {
        struct err err = {0};
        struct store_options options = {0};
        struct store *store;
        int code = store_open(a.dir, &options, &store, &err);
        if (code == 0)
            code = start_check_note(store, &err);
        if (code == 0)
            store_close(store);
        ssize_t done = write(ready[1], code == 0 ? "y" : "n", 1);
        close(quit[1]);
        done += read(quit[0], &byte, 1);
        _exit(done >= 0 ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    a.store = node_handle(&a);
    good(start_check(a.store, false, &err));
    assert_true(may_sign(&a));
    keep_copy(&a);
    restore_copy(&a);
    bad(start_check(a.store, false, &err), ERR_STATE, "--alone");
    close(quit[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    node_stop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_peers),
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_unknown_to_the_peer),
        cmocka_unit_test(test_heals_a_restored_copy),
        cmocka_unit_test(test_does_not_sign_when_it_cannot_heal),
        cmocka_unit_test(test_invented_checkpoint),
        cmocka_unit_test(test_already_forked),
        cmocka_unit_test(test_relies_on_the_running_node),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The public logs as plain files, and a plain file server as a peer. */
#include "files.h"

#include "connect/static.h"
#include "connect/verify.h"
#include "index/view.h"

static struct static_result exported(struct node *node)
{
    struct view view;
    struct static_options options = {0};
    struct static_result result;
    good(view_open(node->store, NULL, (struct viewer){.class = VIEWER_PUBLIC}, OUTLET_EXPORT_STATIC, &view, &err));
    good(static_export(&view, scratch(node, "tree"), &options, &result, &err));
    return result;
}

static const char *leaf(const struct node *node, const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/tree/logs/%s/%s", node->root, node->own.hex, name);
    return path;
}

static int count_url(void *ctx, const char *log_url, const char *origin, struct err *err)
{
    struct verify_options options = {0};
    struct verify_result result;
    int rc = verify_url(NULL, log_url, &options, &result, err);
    assert_string_equal(result.origin, origin);
    ++*(unsigned *)ctx;
    return rc;
}

static void test_tree(void **state)
{
    struct node a;
    struct file_server server;
    struct stat st;
    unsigned logs = 0;
    (void)state;
    umask(077);
    node_start(&a, "a.example");
    node_say_many(&a, "said", 600);
    struct static_result result = exported(&a);
    assert_int_equal(result.logs, 1);
    assert_int_equal(result.files_kept, 0);
    /* bundles, two levels of tiles, payloads, checkpoint, heads, node */
    assert_int_equal(result.files_written, 3 + 4 + 3 + 3);
    static const char *const names[] = {"checkpoint", "tile/0/000",       "tile/0/002.p/89",      "tile/1/000.p/2",
                                        "payload/2",  "tile/entries/001", "tile/entries/002.p/89"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_int_equal(stat(leaf(&a, names[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0644); /* it is the public's, whatever our umask */
    }
    assert_int_equal(stat(leaf(&a, "tile/0"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    file_server_start(&server, scratch(&a, "tree"));
    good(verify_node_logs(server.url, count_url, &logs, &err));
    assert_int_equal(logs, 1);
    file_server_stop(&server);
    node_stop(&a);
}

/* Another byte than the one that stood there, whichever that was. */
static void bend_first_byte(const char *path)
{
    uint8_t byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    byte ^= 0x80;
    assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
    close(fd);
}

static void test_again(void **state)
{
    struct node a;
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "said", 300);
    exported(&a);
    struct static_result result = exported(&a);
    assert_int_equal(result.files_written, 0);
    assert_int_equal(result.bytes, 0);
    node_say(&a, "more");
    result = exported(&a);
    /* a bundle, a tile, its payloads, checkpoint, heads; of level 1 and the full ones everything stays */
    assert_int_equal(result.files_written, 5);
    assert_true(is_there(leaf(&a, "tile/0/001.p/45"))); /* partial ones of published sizes stay */
    /* An erasure reaches the tree when it is brought up to date. */
    uint64_t gone = node_say(&a, "regretted-word");
    exported(&a);
    char command[1024];
    snprintf(command, sizeof(command), "grep -rqaF regretted-word '%s'", scratch(&a, "tree"));
    shell(command);
    good(author_erase(a.store, a.own.number, gone, TIME_MS, &err));
    exported(&a);
    snprintf(command, sizeof(command), "! grep -rqaF regretted-word '%s'", scratch(&a, "tree"));
    shell(command);
    /* A file that was damaged is written again. */
    bend_first_byte(leaf(&a, "tile/0/000"));
    result = exported(&a);
    assert_int_equal(result.files_written, 1);
    node_stop(&a);
}

/* What is not public is not in the tree. */
static void test_what_leaves(void **state)
{
    struct node a;
    struct log_info local;
    char command[512];
    (void)state;
    node_start(&a, "a.example");
    say_in(&a, a.own.number, "amber-secret", TLP_AMBER);
    struct author_new make = {.time_ms = TIME_MS, .role = LOG_LOCAL};
    snprintf(make.profile.name, sizeof(make.profile.name), "local");
    make.profile.class = CLASS_UNKNOWN;
    good(author_create(a.store, &make, &local, &err));
    say_in(&a, local.number, "local-secret", TLP_CLEAR);
    assert_int_equal(exported(&a).logs, 1);
    snprintf(command, sizeof(command), "! grep -rqaE 'amber-secret|local-secret|%s' '%s'", local.hex,
             scratch(&a, "tree"));
    shell(command);
    node_stop(&a);
}

/* Bundles whose payloads exceed one answer are cut, and it is said. */
static void test_large_payloads(void **state)
{
    struct node a, b;
    struct file_server server;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    size_t len = 7u << 20;
    char *body = malloc(len + 1);
    assert_non_null(body);
    memset(body, 'x', len);
    body[len] = '\0';
    for (int i = 0; i < 6; i++)
        say_in(&a, a.own.number, body, TLP_CLEAR);
    node_refresh(&a);
    free(body);
    assert_int_equal(exported(&a).payloads_left_out, 2);
    file_server_start(&server, scratch(&a, "tree"));
    node_peer_url(&b, server.url);
    assert_int_equal(node_sync_well(&b)->payloads, 4);
    assert_mirrored(&b, &a.own);
    file_server_stop(&server);
    node_stop(&a);
    node_stop(&b);
}

/* It ignores ?from= and ?since=, and answers whole bundles: a mirror that is behind comes along all the same. */
static void test_as_peer(void **state)
{
    struct node a, b;
    struct file_server server;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "said", 300);
    exported(&a);
    file_server_start(&server, scratch(&a, "tree"));
    node_peer_url(&b, server.url);
    node_sync_well(&b);
    assert_mirrored(&b, &a.own);
    assert_true(has_payload(&b, a.own.origin, 300, "said 299"));
    for (int i = 0; i < 3; i++) { /* in the middle of a bundle, at its end, over it */
        node_say_many(&a, "more", i == 1 ? 256 - (size_t)(a.own.size % 256) : 5);
        exported(&a);
        node_sync_well(&b);
        assert_mirrored(&b, &a.own);
        assert_true(log_of(&b, a.own.origin).payloads == a.own.payloads);
    }
    assert_false(peer_of(&b, server.url).set_aside);
    file_server_stop(&server);
    node_stop(&a);
    node_stop(&b);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),           cmocka_unit_test(test_again),   cmocka_unit_test(test_what_leaves),
        cmocka_unit_test(test_large_payloads), cmocka_unit_test(test_as_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

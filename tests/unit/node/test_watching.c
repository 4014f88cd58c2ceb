#include <time.h>

#include "node/watching.h"
#include "state/node.h"
#include "state/notices.h"

static struct node node;
static struct watching w;

static int start(void **state)
{
    (void)state;
    struct log_info self;
    node_start(&node);
    node_member(&node, "me.example", true, &self);
    w = (struct watching){
        .store = node.store, .now_ms = TIME_MS, .disk_free = UINT64_C(1) << 40, .disk_all = UINT64_C(1) << 40};
    good(index_open(node.dir, &w.index, &err));
    good(index_update(w.index, node.store, 0, NULL, &err));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    index_close(w.index);
    node_stop(&node);
    return 0;
}

struct told {
    size_t rows;
    enum notice_what what;
    uint64_t count;
    char values[2][NOTICE_VALUE_MAX + 1];
};

static int keep(void *ctx, const struct notice *notice, struct err *err)
{
    struct told *told = ctx;
    (void)err;
    if (told->rows++ == 0) {
        told->what = notice->what;
        told->count = notice->count;
        for (size_t i = 0; i < 2; i++)
            snprintf(told->values[i], sizeof told->values[i], "%s", notice->values[i]);
    }
    return 0;
}

/* What people know after a look `later_ms` later: the newest line, and how many there are. */
static struct told look(int64_t later_ms)
{
    struct told told = {0};
    struct notice_query query = {.role = ROLE_ADMINISTRATOR};
    w.now_ms += later_ms;
    good(watching_look(&w, &err));
    good(notice_each(node.store, &query, keep, &told, &err));
    return told;
}

static void save(struct peer *peer)
{
    good(peer_update(node.store, peer, &err));
}

/* A peer that fails is told of after an hour, once; and once when it answers again, or has lied. */
static void peers(void **state)
{
    (void)state;
    struct peer peer = {.url = "http://peer.example", .added_ms = TIME_MS, .quota_logs = 1, .quota_bytes = 1};
    good(peer_add(node.store, &peer, &peer.number, &err));
    peer.failures = 5;
    peer.tried_ms = TIME_MS;
    snprintf(peer.reason, sizeof peer.reason, "no answer");
    save(&peer);
    assert_int_equal(look(WATCHING_PEER_MS - 1).rows, 0);
    struct told told = look(1);
    assert_int_equal(told.rows, 1);
    assert_int_equal(told.what, NOTICE_PEER_FAILS);
    assert_string_equal(told.values[0], "http://peer.example");
    assert_string_equal(told.values[1], "no answer");
    told = look(3 * NOTICE_MERGE_MS);
    assert_int_equal(told.rows, 1);
    assert_int_equal(told.count, 1);
    peer.failures = 0;
    peer.reached_ms = w.now_ms;
    save(&peer);
    told = look(1000);
    assert_int_equal(told.rows, 2);
    assert_int_equal(told.what, NOTICE_PEER_BACK);
    assert_int_equal(look(1000).rows, 2);
    peer.set_aside = true;
    save(&peer);
    assert_int_equal(look(0).what, NOTICE_PEER_ASIDE);
    assert_int_equal(look(NOTICE_MERGE_MS).rows, 3);
    /* One that was never away is not "back". */
    struct peer other = {.url = "http://b.example", .added_ms = TIME_MS, .reached_ms = w.now_ms, .quota_logs = 1};
    good(peer_add(node.store, &other, &other.number, &err));
    save(&other);
    assert_int_equal(look(1).rows, 3);
}

static void disk(void **state)
{
    (void)state;
    assert_int_equal(look(0).rows, 0);
    w.disk_all = UINT64_C(1) << 40;
    w.disk_free = WATCHING_DISK_BYTES; /* more than nothing to say about: a 1,024th of a large disk */
    assert_int_equal(look(0).rows, 0);
    w.disk_free--;
    assert_int_equal(look(0).what, NOTICE_DISK_FULL);
    assert_string_equal(look(1).values[1], "1073 MB");
    w.disk_all = 4 * w.disk_free; /* a quarter of a small one */
    assert_int_equal(look(2 * NOTICE_MERGE_MS).rows, 1);
    struct err err = {0};
    assert_int_equal(watching_disk(&w, &err), 0);
    assert_true(w.disk_free <= w.disk_all && w.disk_all > 0);
}

/* A certificate of openssl's: told 30 days before its end, a week later again, in the last days each day. */
static void certificate(void **state)
{
    (void)state;
    char path[160], command[600];
    int64_t now_ms = (int64_t)time(NULL) * 1000;
    snprintf(path, sizeof path, "%s/cert.pem", node.root);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ed25519 -nodes -keyout %s/key.pem -out %s -days 40 -subj /CN=me 2>/dev/null",
             node.root, path);
    shell(command);
    w.tls_cert = path;
    w.now_ms = now_ms;
    assert_int_equal(look(0).rows, 0);
    struct told told = look(INT64_C(11) * 86400000);
    assert_int_equal(told.rows, 1);
    assert_int_equal(told.what, NOTICE_CERTIFICATE_ENDS);
    assert_string_equal(told.values[0], path);
    assert_int_equal(look(INT64_C(6) * 86400000).rows, 1);
    assert_int_equal(look(INT64_C(1) * 86400000).rows, 2);
    assert_int_equal(look(INT64_C(20) * 86400000).rows, 3);
    assert_int_equal(look(INT64_C(1) * 86400000).rows, 4);
    w.tls_cert = "/nowhere";
    assert_int_equal(look(0).rows, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(peers, start, stop),
        cmocka_unit_test_setup_teardown(disk, start, stop),
        cmocka_unit_test_setup_teardown(certificate, start, stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

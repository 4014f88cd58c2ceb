/* The running node: long polls bring what is new within moments; peers come and go; it stops at once. */
#include "runner.h"

static void test_news_travel(void **state)
{
    struct node a, b, c;
    struct runner ra, rb, rc;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    node_serve(&a);
    node_serve(&b);
    node_peer(&a, &b);
    node_peer(&b, &a);
    node_peer(&c, &b);
    uint64_t index = node_say(&a, "first");
    runner_start(&ra, &a);
    runner_start(&rb, &b);
    runner_start(&rc, &c);
    struct wanted wanted = {&c, a.own.origin, "first", index};
    await(is_there, &wanted);
    int64_t begun = clock_ms();
    wanted.index = node_say(&a, "second");
    wanted.body = "second";
    http_server_wake(a.server);
    await(is_there, &wanted);
    print_message("# a record through a relay to the third node: %lld ms\n", (long long)(clock_ms() - begun));
    struct wanted cosigned = {&a, a.own.origin, NULL, 0};
    await(is_cosigned, &cosigned);
    runner_stop(&rc);
    runner_stop(&rb);
    runner_stop(&ra);
    struct sync_report totals;
    sync_totals(&totals);
    assert_true(totals.logs >= 4);
    assert_true(totals.collected >= 1);
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

/* A peer that is added while the node runs; and one that says nothing blocks nobody. */
static void test_peers_come(void **state)
{
    struct node a, b;
    struct runner rb;
    struct raw *raw = raw_start();
    (void)state;
    raw_bytes(raw, "/heads", RAW_SILENT, "");
    raw_run(raw);
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    uint64_t index = node_say(&a, "hello");
    node_peer_url(&b, raw->url);
    runner_start(&rb, &b);
    node_peer(&b, &a);
    syncer_wake(rb.syncer);
    struct wanted wanted = {&b, a.own.origin, "hello", index};
    await(is_there, &wanted);
    runner_stop(&rb);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

/* A plain file server answers at once and always the same: it is asked again after a pause, while the others go on. */
static void test_file_server_is_left_in_peace(void **state)
{
    struct node a, b;
    struct runner rb;
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    raw_heads(raw, &a.own, 0);
    raw_run(raw);
    node_peer(&b, &a);
    node_peer_url(&b, raw->url);
    int64_t begun = clock_ms();
    runner_start(&rb, &b);
    for (int i = 0; i < 20; i++) {
        struct wanted wanted = {&b, a.own.origin, "news", node_say(&a, "news")};
        http_server_wake(a.server);
        await(is_there, &wanted);
    }
    int64_t took = clock_ms() - begun;
    unsigned asked = atomic_load(&raw->pages[0].asked);
    print_message("# a file server's heads were asked for %u times in %lld ms\n", asked, (long long)took);
    assert_true(asked <= (unsigned)(took / 900) + 2);
    runner_stop(&rb);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

static bool was_reached(void *ctx)
{
    struct wanted *wanted = ctx;
    return peer_of(wanted->node, wanted->origin).reached_ms > 0;
}

/* A peer that is down is asked again, and what it has comes then; one that was removed is left. */
static void test_peers_go_and_return(void **state)
{
    struct node a, b;
    struct runner rb;
    char url[64], listen_at[64];
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    snprintf(url, sizeof(url), "%s", http_server_url(a.server));
    snprintf(listen_at, sizeof(listen_at), "%s", url + strlen("http://"));
    int64_t number = node_peer_url(&b, url);
    runner_start(&rb, &b);
    struct wanted wanted = {&b, url, NULL, 0};
    await(was_reached, &wanted);
    node_unserve(&a);
    uint64_t index = node_say(&a, "said while unreachable");
    struct http_options options = {.dir = a.dir, .listen = listen_at, .threads = 1};
    good(http_server_start(&options, &a.server, &err));
    struct wanted news = {&b, a.own.origin, "said while unreachable", index};
    await(is_there, &news);
    good(peer_remove(b.store, number, &err));
    syncer_wake(rb.syncer);
    runner_stop(&rb);
    node_stop(&b);
    node_stop(&a);
}

/* A hunt waits for tiles that never come: the node stops at once all the same. */
static void test_stops_while_hunting(void **state)
{
    struct node a, b;
    struct runner rb;
    struct keys keys;
    struct note_signer signer;
    struct tlog_hash root = {{7}};
    struct buf note;
    char path[128];
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    buf_init(&note, NOTE_MAX);
    good(keys_load(a.dir, span_str(a.own.origin), &keys, &err));
    good(note_signer_make(&signer, span_str(a.own.origin), NOTE_ED25519, keys.log_seed, &err));
    const struct note_signer *signers[] = {&signer};
    good(checkpoint_sign(span_str(a.own.origin), a.own.size, &root, signers, 1, &note, &err));
    keys_wipe(&keys);
    raw_heads(raw, &a.own, a.own.size);
    raw_checkpoint(raw, &a.own, buf_view(&note));
    snprintf(path, sizeof(path), "/logs/%s/tile/0/", a.own.hex);
    struct raw_page *page = raw_bytes(raw, path, RAW_SILENT, "");
    raw_run(raw);
    node_peer_url(&b, raw->url);
    runner_start(&rb, &b);
    poll_until(was_asked, page);
    runner_stop(&rb); /* looks at the time */
    assert_int_equal(log_of(&b, a.own.origin).standing, STANDING_GOOD);
    buf_done(&note);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

/* A command beside the node has seen a peer lie: that is not forgotten when the node writes down how its peers fare. */
static void test_set_aside_by_another(void **state)
{
    struct node a, b;
    struct runner rb;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    runner_start(&rb, &b);
    struct wanted wanted = {&b, http_server_url(a.server), NULL, 0};
    await(was_reached, &wanted);
    struct peer peer = peer_of(&b, http_server_url(a.server));
    peer.set_aside = true;
    peer.failures = 1;
    snprintf(peer.reason, sizeof(peer.reason), "it lied");
    good(peer_update(b.store, &peer, &err));
    runner_stop(&rb);
    peer = peer_of(&b, http_server_url(a.server));
    assert_true(peer.set_aside);
    assert_string_equal(peer.reason, "it lied");
    node_stop(&b);
    node_stop(&a);
}

/* What a person follows comes by itself, whether its peer listed it before or said nothing of it for long. */
static void test_follow_while_running(void **state)
{
    struct node a, b;
    struct log_info hosted;
    struct runner rb;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_member(&a, "hosted.example", false, &hosted);
    node_serve(&a);
    node_peer(&b, &a);
    struct peer peer = peer_of(&b, http_server_url(a.server));
    peer.quota_logs = 1;
    good(peer_update(b.store, &peer, &err));
    runner_start(&rb, &b);
    struct wanted wanted = {&b, a.own.origin, NULL, a.own.size};
    await(is_mirrored, &wanted);
    assert_int_equal(log_of(&b, hosted.origin).role, LOG_LISTED);
    good(sync_follow(b.store, span_str(hosted.origin), MODE_FULL, 0, &err));
    syncer_wake(rb.syncer);
    wanted = (struct wanted){&b, hosted.origin, NULL, hosted.size};
    await(is_mirrored, &wanted);
    runner_stop(&rb);
    node_stop(&b);
    node_stop(&a);
}

static void test_follow_what_nobody_tells(void **state)
{
    struct node a, b;
    struct runner rb;
    char generation[17];
    int64_t seq;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    good(store_seq(a.store, &seq, generation, &err));
    struct peer peer = peer_of(&b, http_server_url(a.server));
    snprintf(peer.cursor, sizeof(peer.cursor), "%s-%lld", generation, (long long)seq);
    good(peer_update(b.store, &peer, &err)); /* its lines were told long ago: the poll waits for others */
    runner_start(&rb, &b);
    poll_until(has_waiting, &a);
    good(sync_follow(b.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    syncer_wake(rb.syncer);
    int64_t begun = clock_ms();
    struct wanted wanted = {&b, a.own.origin, NULL, a.own.size};
    await(is_mirrored, &wanted);
    assert_true(clock_ms() - begun < 15000); /* not when that poll ends */
    runner_stop(&rb);
    node_stop(&b);
    node_stop(&a);
}

static bool was_answered(void *ctx)
{
    struct node *node = ctx;
    struct http_counters counters = {0};
    http_server_counters(node->server, &counters);
    return counters.requests > 0;
}

/* A command follows a member at the moment at which the node hears of it for the first time: both have their way. */
static void test_follow_meanwhile(void **state)
{
    struct node a, b;
    struct runner rb;
    int64_t log;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    good(store_begin(b.store, &err)); /* the command is busy */
    runner_start(&rb, &b);
    poll_until(was_answered, &a);
    poll(NULL, 0, 200); /* by now the node waits for the command with a line that tells of an unknown log */
    struct log_new make = {.origin = span_str(a.own.origin), .role = LOG_MIRROR, .mode = MODE_FULL, .followed = true};
    good(store_log_create(b.store, &make, &log, &err));
    good(store_commit(b.store, &err));
    struct wanted wanted = {&b, a.own.origin, NULL, a.own.size};
    await(is_mirrored, &wanted);
    assert_true(log_of(&b, a.own.origin).followed);
    runner_stop(&rb);
    node_stop(&b);
    node_stop(&a);
}

/* From all contents to none and back, while it runs: they come again. */
static void test_modes_while_running(void **state)
{
    struct node a, b;
    struct runner rb;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    uint64_t index = node_say(&a, "first");
    runner_start(&rb, &b);
    struct wanted wanted = {&b, a.own.origin, "first", index};
    await(is_there, &wanted);
    index = node_say(&a, "second"); /* all in front of it is known to be here */
    http_server_wake(a.server);
    struct wanted second = {&b, a.own.origin, "second", index};
    await(is_there, &second);
    good(sync_follow(b.store, span_str(a.own.origin), MODE_HEADS, 0, &err));
    assert_false(is_there(&wanted));
    good(sync_follow(b.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    syncer_wake(rb.syncer);
    await(is_there, &wanted);
    await(is_there, &second);
    runner_stop(&rb);
    node_stop(&b);
    node_stop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_news_travel),
        cmocka_unit_test(test_peers_come),
        cmocka_unit_test(test_file_server_is_left_in_peace),
        cmocka_unit_test(test_peers_go_and_return),
        cmocka_unit_test(test_stops_while_hunting),
        cmocka_unit_test(test_set_aside_by_another),
        cmocka_unit_test(test_follow_while_running),
        cmocka_unit_test(test_follow_what_nobody_tells),
        cmocka_unit_test(test_follow_meanwhile),
        cmocka_unit_test(test_modes_while_running),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

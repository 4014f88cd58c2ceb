/* Nodes pull from each other: everything arrives, verified, at the cost of what changed. */
#include "net.h"

#include <time.h>

static void test_mirrors_everything(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "note", 600);
    node_serve(&a);
    node_peer(&b, &a);
    struct sync_report *report = node_sync_well(&b);
    assert_int_equal(report->peers, 1);
    assert_int_equal(report->reached, 1);
    assert_int_equal(report->logs, 1);
    assert_int_equal(report->entries, a.own.size);
    assert_int_equal(report->payloads, 600);
    assert_int_equal(report->cosigned, 1);
    assert_mirrored(&b, &a.own);
    assert_true(has_payload(&b, a.own.origin, 1, "note 0"));
    assert_true(has_payload(&b, a.own.origin, 600, "note 599"));
    assert_int_equal(cosignatures(&b, a.own.origin), 1);
    assert_string_equal(peer_of(&b, http_server_url(a.server)).origin, a.own.origin);
    node_stop(&b);
    node_stop(&a);
}

static void test_one_new_record_costs_little(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "note", 5000);
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    node_say(&a, "the new one");
    struct sync_report *report = node_sync_well(&b);
    print_message("# one new record behind 5001: %llu requests, %llu bytes in, %llu bytes out, %llu commits\n",
                  (unsigned long long)report->requests, (unsigned long long)report->bytes_in,
                  (unsigned long long)report->bytes_out, (unsigned long long)report->commits);
    assert_mirrored(&b, &a.own);
    assert_true(has_payload(&b, a.own.origin, 5001, "the new one"));
    assert_true(report->requests <= 5);
    assert_true(report->bytes_in + report->bytes_out <= 8192);
    report = node_sync_well(&b);
    assert_int_equal(report->requests, 2); /* one signed, which a refuses: it does not know b; one as anybody asks */
    assert_int_equal(report->logs, 0);
    node_stop(&b);
    node_stop(&a);
}

static void test_relay_and_cosignatures(void **state)
{
    struct node a, b, c;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    node_say(&a, "hello");
    node_serve(&a);
    node_serve(&b);
    node_peer(&b, &a);
    node_peer(&a, &b);
    node_peer(&c, &b); /* c reaches only b */
    node_sync_well(&b);
    node_sync_well(&c);
    assert_mirrored(&c, &a.own);
    assert_mirrored(&c, &b.own);
    assert_true(has_payload(&c, a.own.origin, 1, "hello"));
    assert_int_equal(cosignatures(&c, a.own.origin), 2); /* c's own, and b's that it collected, knowing b's key */
    assert_int_equal(cosignatures(&a, a.own.origin), 0);
    struct sync_report *report = node_sync_well(&a); /* learns b's key here... */
    if (report->collected == 0) {
        say_in(&a, a.own.number, "more", TLP_CLEAR);
        node_sync_well(&b);
        report = node_sync_well(&a);
    }
    assert_int_equal(report->collected, 1);
    assert_int_equal(cosignatures(&a, a.own.origin), 1);
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

static void test_erasure_propagates(void **state)
{
    struct node a, b, c;
    char command[256];
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    uint64_t index = node_say(&a, "a secret that slipped out");
    node_serve(&a);
    node_serve(&b);
    node_peer(&b, &a);
    node_peer(&c, &b);
    node_sync_well(&b);
    node_sync_well(&c);
    assert_true(has_payload(&c, a.own.origin, index, "a secret that slipped out"));
    good(author_erase(a.store, a.own.number, index, TIME_MS, &err));
    node_refresh(&a);
    assert_int_equal(node_sync_well(&b)->erased, 1);
    assert_int_equal(node_sync_well(&c)->erased, 1);
    assert_mirrored(&c, &a.own);
    assert_false(has_payload(&c, a.own.origin, index, "a secret that slipped out"));
    node_unserve(&b);
    store_close(c.store);
    snprintf(command, sizeof(command), "! grep -rqa 'a secret that slipped out' '%s'", c.dir);
    shell(command);
    c.store = node_handle(&c);
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

static void test_modes(void **state)
{
    struct node a, b, c;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    node_say_many(&a, "note", 1000);
    node_serve(&a);
    node_peer(&b, &a);
    node_peer(&c, &a);
    struct sync_report *report = node_sync_with(&b, (struct sync_options){.mode = MODE_HEADS});
    assert_int_equal(report->failure_count, 0);
    assert_int_equal(report->payloads, 0);
    assert_mirrored(&b, &a.own);
    report = node_sync_with(&c, (struct sync_options){.mode = MODE_RECENT, .recent = 300});
    assert_int_equal(report->failure_count, 0);
    assert_int_equal(report->payloads, 300);
    assert_false(has_payload(&c, a.own.origin, 700, "note 699"));
    assert_true(has_payload(&c, a.own.origin, 701, "note 700"));
    assert_int_equal(log_of(&c, a.own.origin).payloads_from, 701);
    /* Asked for all now: the rest comes, without a new entry at the peer. */
    good(sync_follow(b.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    report = node_sync_well(&b);
    assert_int_equal(report->payloads, 1000);
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

/* The newest N stay: what grew old goes when more comes, and comes back when somebody wants all. */
static void test_recent_moves_on(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "note", 600);
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    assert_int_equal(log_of(&b, a.own.origin).payloads, 600);
    good(sync_follow(b.store, span_str(a.own.origin), MODE_RECENT, 300, &err));
    struct log_info log = log_of(&b, a.own.origin);
    assert_int_equal(log.payloads, 300);
    assert_int_equal(log.payloads_from, 301);
    assert_false(has_payload(&b, a.own.origin, 300, "note 299"));
    assert_true(has_payload(&b, a.own.origin, 301, "note 300"));
    node_say_many(&a, "more", 100);
    assert_int_equal(node_sync_well(&b)->payloads, 100);
    log = log_of(&b, a.own.origin);
    assert_int_equal(log.payloads, 300);
    assert_int_equal(log.payloads_from, 401);
    assert_false(has_payload(&b, a.own.origin, 400, "note 399"));
    assert_true(has_payload(&b, a.own.origin, 401, "note 400"));
    assert_true(has_payload(&b, a.own.origin, 700, "more 99"));
    assert_int_equal(node_sync_well(&b)->payloads, 0); /* what was dropped is not asked for */
    good(sync_follow(b.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    assert_int_equal(node_sync_well(&b)->payloads, 400);
    log = log_of(&b, a.own.origin);
    assert_int_equal(log.payloads, 700);
    assert_int_equal(log.payloads_from, 0);
    node_stop(&b);
    node_stop(&a);
}

/* One line of a peer tells of a new entry and of the content of an older one that it did not have: both are asked for. */
static void test_old_contents_with_new_entries(void **state)
{
    struct node a, b, c;
    (void)state;
    nodes_in_line(&a, &c, &b);
    uint64_t old = say_without_content(&a, &c, &b, "old");
    uint64_t new = node_say(&a, "new");
    good(sync_follow(c.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    node_sync_well(&c);
    node_sync_well(&b);
    assert_mirrored(&b, &a.own);
    assert_true(has_payload(&b, a.own.origin, new, "new"));
    assert_true(has_payload(&b, a.own.origin, old, "old"));
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

static void test_restricted_payloads_stay(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    say_in(&a, a.own.number, "for few", TLP_AMBER);
    node_say(&a, "for all");
    node_serve(&a);
    node_peer(&b, &a);
    struct sync_report *report = node_sync_well(&b);
    assert_int_equal(report->payloads, 1);
    assert_false(has_payload(&b, a.own.origin, 1, "for few"));
    assert_true(has_payload(&b, a.own.origin, 2, "for all"));
    assert_int_equal(node_sync_well(&b)->requests, 2); /* the hole is not asked for again at this head */
    node_say(&a, "one more");
    report = node_sync_well(&b);
    assert_int_equal(report->requests, 5);
    assert_true(has_payload(&b, a.own.origin, 3, "one more"));
    node_stop(&b);
    node_stop(&a);
}

static void test_quota_lists_the_rest(void **state)
{
    struct node a, b;
    struct log_info hosted[4];
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof(name), "hosted%d.example", i);
        node_member(&a, name, false, &hosted[i]);
    }
    node_serve(&a);
    node_peer(&b, &a);
    struct peer peer = peer_of(&b, http_server_url(a.server));
    peer.quota_logs = 2;
    good(peer_update(b.store, &peer, &err));
    struct sync_report *report = node_sync_well(&b);
    assert_int_equal(report->logs, 2);
    assert_int_equal(report->listed, 3);
    assert_int_equal(log_of(&b, hosted[3].origin).role, LOG_LISTED);
    assert_int_equal(log_of(&b, hosted[3].origin).size, 0);
    good(sync_follow(b.store, span_str(hosted[3].origin), MODE_FULL, 0, &err));
    assert_int_equal(node_sync_well(&b)->logs, 1);
    assert_mirrored(&b, &hosted[3]);
    bad(sync_follow(b.store, span_str(b.own.origin), MODE_FULL, 0, &err), ERR_STATE, "lives on this node");
    node_stop(&b);
    node_stop(&a);
}

static void test_byte_quota(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "note", 2000);
    node_serve(&a);
    node_peer(&b, &a);
    struct peer peer = peer_of(&b, http_server_url(a.server));
    peer.quota_bytes = 20000;
    good(peer_update(b.store, &peer, &err));
    struct sync_report *report = node_sync(&b);
    assert_int_equal(report->logs, 0);
    assert_true(report->failure_count > 0);
    assert_non_null(strstr(report->failures[0].reason, "quota"));
    assert_false(peer_of(&b, http_server_url(a.server)).set_aside);
    node_stop(&b);
    node_stop(&a);
}

static void quota_set(struct node *node, const char *url, uint64_t bytes)
{
    struct peer peer = peer_of(node, url);
    peer.quota_bytes = bytes;
    good(peer_update(node->store, &peer, &err));
}

/* Contents count, too: no more than what was under way exceeds the quota, and the rest comes when there is room. */
static void test_byte_quota_of_contents(void **state)
{
    struct node a, b;
    const char *long_one =
        "a content of a hundred bytes or so, of which there are so many that together they are more than "
        "may be";
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, long_one, 5000);
    node_serve(&a);
    node_peer(&b, &a);
    const char *url = http_server_url(a.server);
    node_sync_with(&b, (struct sync_options){.mode = MODE_HEADS});
    assert_mirrored(&b, &a.own);
    struct log_info log = log_of(&b, a.own.origin);
    uint64_t entries = log.bytes;
    log.mode = MODE_FULL;
    good(store_begin(b.store, &err));
    good(store_log_update(b.store, &log, &err));
    good(store_commit(b.store, &err));
    quota_set(&b, url, entries + 100000);
    for (int round = 0; round < 3; round++) {
        struct sync_report *report = node_sync(&b);
        assert_true(round > 0 || strstr(report->failures[0].reason, "quota"));
        log = log_of(&b, a.own.origin);
        assert_true(log.payloads > 0 && log.payloads <= 12 * TILE_WIDTH);
    }
    assert_false(peer_of(&b, url).set_aside);
    quota_set(&b, url, 100000000);
    node_sync_well(&b);
    assert_int_equal(log_of(&b, a.own.origin).payloads, 5000);
    node_stop(&b);
    node_stop(&a);
}

/* Nobody gets round a quota: not a round with another peer alone, nor the removal of the peer that brought the log. */
static void test_byte_quota_of_another(void **state)
{
    struct node a, b, relay;
    struct sync_report *report;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&relay, "relay.example");
    node_say_many(&a, "note", 100);
    node_serve(&a);
    node_serve(&relay);
    node_peer(&relay, &a);
    int64_t number = node_peer(&b, &a);
    node_sync_well(&relay);
    node_sync_well(&b);
    node_peer(&b, &relay);
    node_sync_well(&b);
    struct log_info before = log_of(&b, a.own.origin);
    quota_set(&b, http_server_url(a.server), before.bytes);
    quota_set(&b, http_server_url(relay.server), before.bytes);
    node_say_many(&a, "more", 2000);
    node_sync_well(&relay);
    report = node_sync_with(&b, (struct sync_options){.only = http_server_url(relay.server)});
    assert_int_equal(report->peers, 1);
    assert_int_equal(log_of(&b, a.own.origin).size, before.size);
    assert_int_equal(log_of(&b, a.own.origin).staged, before.size); /* what cannot be completed takes no room */
    good(peer_remove(b.store, number, &err));
    node_say(&a, "yet more");
    node_sync_well(&relay);
    node_sync(&b);
    assert_int_equal(log_of(&b, a.own.origin).size, before.size);
    quota_set(&b, http_server_url(relay.server), 100 * before.bytes);
    node_say(&a, "and more");
    node_sync_well(&relay);
    node_sync_well(&b);
    assert_mirrored(&b, &a.own);
    assert_int_equal(log_of(&b, a.own.origin).peer, peer_of(&b, http_server_url(relay.server)).number);
    node_stop(&relay);
    node_stop(&b);
    node_stop(&a);
}

/* Who announced a log first and used its quota up does not keep it from others, who have room for it. */
static void test_quota_of_the_next(void **state)
{
    struct node a, b, relay;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&relay, "relay.example");
    node_say_many(&a, "note", 100);
    node_serve(&a);
    node_serve(&relay);
    node_peer(&relay, &a);
    node_sync_well(&relay);
    int64_t first = node_peer(&b, &relay);
    node_sync_well(&b);
    assert_int_equal(log_of(&b, a.own.origin).peer, first);
    quota_set(&b, http_server_url(relay.server), 1);
    node_say_many(&a, "more", 100);
    int64_t second = node_peer(&b, &a);
    node_sync_well(&b);
    assert_mirrored(&b, &a.own);
    assert_int_equal(log_of(&b, a.own.origin).peer, second);
    node_stop(&relay);
    node_stop(&b);
    node_stop(&a);
}

static void test_follow_an_unknown_origin(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    struct peer peer = peer_of(&b, http_server_url(a.server));
    peer.quota_logs = 0;
    good(peer_update(b.store, &peer, &err));
    good(sync_follow(b.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    node_sync_well(&b);
    assert_mirrored(&b, &a.own);
    bad(sync_follow(b.store, span_str("nonsense"), MODE_FULL, 0, &err), ERR_SYNTAX, "not an origin");
    node_stop(&b);
    node_stop(&a);
}

static void test_rotated_log(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "before", 300);
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    good(author_rotate(a.store, a.own.number, NULL, NULL, TIME_MS, &err));
    node_say(&a, "after");
    node_sync_well(&b);
    assert_mirrored(&b, &a.own);
    struct node c; /* meets the log only after the rotation */
    node_start(&c, "c.example");
    node_peer(&c, &a);
    node_sync_well(&c);
    assert_mirrored(&c, &a.own);
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

static void test_many_small_logs_in_few_commits(void **state)
{
    struct node a, b;
    enum { LOGS = 300 };
    struct log_info *logs = calloc(LOGS, sizeof(*logs));
    (void)state;
    assert_non_null(logs);
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    for (int i = 0; i < LOGS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "m%d.example", i);
        node_member(&a, name, false, &logs[i]);
    }
    node_serve(&a);
    node_peer(&b, &a);
    struct sync_report *report = node_sync_well(&b);
    assert_int_equal(report->logs, LOGS + 1);
    for (int i = 0; i < LOGS; i++)
        say_in(&a, logs[i].number, "news", TLP_CLEAR);
    report = node_sync_well(&b);
    print_message("# %d logs with one new record each: %llu requests, %llu commits\n", LOGS,
                  (unsigned long long)report->requests, (unsigned long long)report->commits);
    assert_int_equal(report->logs, LOGS);
    assert_int_equal(report->payloads, LOGS);
    assert_true(report->requests <= 3 * LOGS + 2);
    assert_true(report->commits < LOGS / 2); /* 3 if the machine has nothing else to do */
    for (int i = 0; i < LOGS; i++)
        assert_true(has_payload(&b, logs[i].origin, 1, "news"));
    free(logs);
    node_stop(&b);
    node_stop(&a);
}

static void test_two_peers_share_and_replace(void **state)
{
    struct node a, b, c;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    node_say_many(&a, "note", 700);
    node_serve(&a);
    node_serve(&b);
    node_peer(&b, &a);
    node_peer(&c, &a);
    node_peer(&c, &b);
    node_sync_well(&b);
    struct sync_report *report = node_sync_well(&c);
    assert_int_equal(report->logs, 2);
    assert_mirrored(&c, &a.own);
    node_say(&a, "one more");
    node_sync_well(&b);
    node_unserve(&a); /* the author is gone, the other one has it */
    report = node_sync(&c);
    assert_int_equal(report->failure_count, 1);
    assert_false(report->failures[0].set_aside);
    assert_mirrored(&c, &a.own);
    assert_true(has_payload(&c, a.own.origin, 701, "one more"));
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

/* A peer that failed waits; not so if the clock was set back since, for then it would wait for years. */
static void test_clock_set_back(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    int64_t year_ms = INT64_C(365) * 24 * 3600 * 1000, now_ms = (int64_t)time(NULL) * 1000;
    struct peer peer = peer_of(&b, http_server_url(a.server));
    struct sync_options options = {.may_sign = true};
    struct sync_report report;
    peer.failures = 1;
    peer.tried_ms = now_ms;
    peer.retry_ms = now_ms + 1000000;
    good(store_begin(b.store, &err));
    good(peer_update(b.store, &peer, &err));
    good(store_commit(b.store, &err));
    good(sync_round(b.store, &options, &report, &err));
    assert_int_equal(report.peers, 0);
    peer.tried_ms = now_ms + 10 * year_ms;
    peer.retry_ms = peer.tried_ms + 1000000;
    good(store_begin(b.store, &err));
    good(peer_update(b.store, &peer, &err));
    good(store_commit(b.store, &err));
    good(sync_round(b.store, &options, &report, &err));
    assert_int_equal(report.reached, 1);
    assert_mirrored(&b, &a.own);
    node_stop(&b);
    node_stop(&a);
}

/* What was staged from a link that broke is not fetched again. */
static void test_resumes_where_it_stopped(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "a note long enough to count", 3000);
    node_serve(&a);
    node_peer(&b, &a);
    struct log_new make = {.origin = span_str(a.own.origin), .role = LOG_MIRROR, .mode = MODE_HEADS, .followed = true};
    struct buf part;
    int64_t number;
    uint64_t count;
    buf_init(&part, BUNDLE_MAX);
    good(store_begin(b.store, &err));
    good(store_log_create(b.store, &make, &number, &err));
    for (uint64_t at = 0; at < 2900; at += 100) {
        buf_clear(&part);
        good(store_read_entries(a.store, a.own.number, at, 100, &part, &err));
        good(mirror_stage(b.store, number, buf_view(&part), &count, &err));
    }
    good(store_commit(b.store, &err));
    buf_done(&part);
    struct sync_report *report = node_sync_well(&b);
    assert_mirrored(&b, &a.own);
    assert_true(report->bytes_in < 40000);
    node_stop(&b);
    node_stop(&a);
}

static void test_named_peer_only(void **state)
{
    struct node a, b;
    struct sync_report report;
    struct sync_options options = {.only = "http://nobody.example"};
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    node_peer_url(&b, "http://127.0.0.1:9");
    bad(sync_round(b.store, &options, &report, &err), ERR_NOTFOUND, "nobody.example");
    options.only = http_server_url(a.server);
    good(sync_round(b.store, &options, &report, &err));
    assert_int_equal(report.peers, 1);
    assert_int_equal(report.failure_count, 0);
    assert_mirrored(&b, &a.own);
    node_stop(&b);
    node_stop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mirrors_everything),
        cmocka_unit_test(test_one_new_record_costs_little),
        cmocka_unit_test(test_relay_and_cosignatures),
        cmocka_unit_test(test_erasure_propagates),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_recent_moves_on),
        cmocka_unit_test(test_old_contents_with_new_entries),
        cmocka_unit_test(test_restricted_payloads_stay),
        cmocka_unit_test(test_quota_lists_the_rest),
        cmocka_unit_test(test_byte_quota),
        cmocka_unit_test(test_byte_quota_of_contents),
        cmocka_unit_test(test_byte_quota_of_another),
        cmocka_unit_test(test_quota_of_the_next),
        cmocka_unit_test(test_follow_an_unknown_origin),
        cmocka_unit_test(test_rotated_log),
        cmocka_unit_test(test_many_small_logs_in_few_commits),
        cmocka_unit_test(test_two_peers_share_and_replace),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_resumes_where_it_stopped),
        cmocka_unit_test(test_named_peer_only),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

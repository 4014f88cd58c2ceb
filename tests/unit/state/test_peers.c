#include "state/node.h"

static struct node node;

static int start(void **state)
{
    (void)state;
    node_start(&node);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    node_stop(&node);
    return 0;
}

static void addresses(void **state)
{
    (void)state;
    static const char *const right[][2] = {
        {"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
        {"https://Peer.Example.ORG", "https://peer.example.org"},
        {"https://peer.example.org/a/B//", "https://peer.example.org/a/B"},
        {"http://[::1]:99", "http://[::1]:99"},
        {"http://[fe80::1]", "http://[fe80::1]"},
    };
    char out[PEER_URL_MAX + 1];
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        good(peer_url_canonical(span_str(right[i][0]), out, &err));
        assert_string_equal(out, right[i][1]);
    }
    static const char *const wrong[] = {
        "",           "peer.example.org", "ftp://x",         "http://",      "http:///",
        "http://a b", "http://a:0",       "http://a:70000",  "http://a:",    "http://user@a",
        "http://a?q", "http://a/#f",      "http://a/\\",     "http://[::1",  "http://[xyz]",
        "http://[]",  "http://a/\x01",    "http://\xc3\xa9", "http://a:80x", "http://[::1]80",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        bad(peer_url_canonical(span_str(wrong[i]), out, &err), ERR_USAGE, "");
    char long_url[700];
    snprintf(long_url, sizeof long_url, "http://a/%0600d", 1);
    bad(peer_url_canonical(span_str(long_url), out, &err), ERR_USAGE, "512 allowed");
    /* A feed's path may end in a slash, and a query may stand behind it. */
    static const char *const feeds[][2] = {
        {"https://A.example/feed/", "https://a.example/feed/"},
        {"http://a.example/get?kind=domain&x=1/2?", "http://a.example/get?kind=domain&x=1/2?"},
        {"http://A.example?x=a/b", "http://a.example?x=a/b"},
    };
    for (size_t i = 0; i < sizeof feeds / sizeof *feeds; i++) {
        good(feed_url_canonical(span_str(feeds[i][0]), out, &err));
        assert_string_equal(out, feeds[i][1]);
    }
    bad(feed_url_canonical(SPAN_LIT("http://a.example/x#y"), out, &err), ERR_USAGE, "no fragment");
    bad(feed_url_canonical(SPAN_LIT("http://u@a.example/x?y"), out, &err), ERR_USAGE, "user name");
}

static int count_peers(void *ctx, const struct peer *peer, struct err *err)
{
    (void)err;
    (void)peer;
    ++*(int *)ctx;
    return 0;
}

static int sum_sizes(void *ctx, int64_t peer, uint64_t size, struct err *err)
{
    (void)err;
    *(uint64_t *)ctx = *(uint64_t *)ctx * 1000 + (uint64_t)peer * 100 + size;
    return 0;
}

static void peers(void **state)
{
    (void)state;
    struct peer peer = {.url = "http://a.example", .added_ms = 5, .quota_logs = 7, .quota_bytes = 8}, back;
    int64_t one, two;
    int count = 0;
    good(peer_add(node.store, &peer, &one, &err));
    bad(peer_add(node.store, &peer, &two, &err), ERR_EXISTS, "peer already");
    strcpy(peer.url, "http://b.example");
    strcpy(peer.origin, "b.example/abc");
    good(peer_add(node.store, &peer, &two, &err));
    assert_int_not_equal(one, two);
    good(peer_find(node.store, SPAN_LIT("http://A.example/"), &back, &err));
    assert_int_equal(back.number, one);
    assert_int_equal(back.quota_logs, 7);
    good(peer_find(node.store, SPAN_LIT("b.example/abc"), &back, &err));
    assert_int_equal(back.number, two);
    bad(peer_find(node.store, SPAN_LIT(""), &back, &err), ERR_NOTFOUND, "no peer");
    static const char *const names[] = {"b.example", "b.example/a", "b.example/a\xe2\x80\xa6"};
    for (size_t i = 0; i < 3; i++) {
        good(peer_find(node.store, span_str(names[i]), &back, &err));
        assert_int_equal(back.number, two);
    }
    bad(peer_find(node.store, SPAN_LIT("b.exampl"), &back, &err), ERR_NOTFOUND, "peer list");
    int64_t three;
    strcpy(peer.url, "http://other.example");
    good(peer_add(node.store, &peer, &three, &err));
    bad(peer_find(node.store, SPAN_LIT("b.example"), &back, &err), ERR_USAGE, "http://other.example");
    good(peer_remove(node.store, three, &err));
    good(peer_find(node.store, SPAN_LIT("b.example/abc"), &back, &err));
    strcpy(back.cursor, "99-abc");
    strcpy(back.reason, "it lied \xe5\x90\x8c");
    back.set_aside = true;
    back.failures = 3;
    back.tried_ms = 1;
    back.reached_ms = 2;
    back.retry_ms = 3;
    back.bytes_in = UINT64_C(1) << 40;
    back.requests = 12;
    good(peer_update(node.store, &back, &err));
    struct peer again;
    good(peer_find(node.store, SPAN_LIT("http://b.example"), &again, &err));
    assert_memory_equal(&again, &back, sizeof back);
    good(peer_each(node.store, count_peers, &count, &err));
    assert_int_equal(count, 2);
    uint64_t sum = 0;
    good(peer_log_seen(node.store, one, 1, 10, &err));
    good(peer_log_seen(node.store, one, 1, 20, &err));
    good(peer_log_seen(node.store, two, 1, 30, &err));
    good(peer_log_seen(node.store, two, 2, 40, &err));
    good(peer_log_seen(node.store, two + 7, 1, 50, &err)); /* removed meanwhile */
    good(peer_log_each(node.store, 1, sum_sizes, &sum, &err));
    assert_int_equal(sum, (uint64_t)one * 100 + 20); /* two is set aside */
    back.set_aside = false;
    good(peer_update(node.store, &back, &err));
    sum = 0;
    good(peer_log_each(node.store, 1, sum_sizes, &sum, &err));
    assert_int_equal(sum, ((uint64_t)two * 100 + 30) * 1000 + (uint64_t)one * 100 + 20);
    good(peer_remove(node.store, two, &err));
    bad(peer_remove(node.store, two, &err), ERR_NOTFOUND, "no peer");
    bad(peer_update(node.store, &back, &err), ERR_NOTFOUND, "no peer");
    sum = 0;
    good(peer_log_each(node.store, 1, sum_sizes, &sum, &err));
    assert_int_equal(sum, (uint64_t)one * 100 + 20);
    /* Within somebody's transaction nothing is committed before that is. */
    good(store_begin(node.store, &err));
    good(peer_add(node.store, &again, &two, &err));
    store_rollback(node.store);
    count = 0;
    good(peer_each(node.store, count_peers, &count, &err));
    assert_int_equal(count, 1);
}

static int count_feeds(void *ctx, const struct feed *feed, struct err *err)
{
    (void)err;
    (void)feed;
    ++*(int *)ctx;
    return 0;
}

static int sum_items(void *ctx, int64_t hash, int64_t ref, struct err *err)
{
    (void)err;
    *(int64_t *)ctx += hash * 1000 + ref;
    return 0;
}

static void feeds(void **state)
{
    (void)state;
    struct feed feed = {.url = "https://f.example/list.txt",
                        .format = "auto",
                        .log_number = 4,
                        .tlp = 1,
                        .every_s = 3600,
                        .due_ms = 77};
    struct feed back, again;
    int64_t number, ref = 0, sum = 0;
    int count = 0;
    good(feed_add(node.store, &feed, &number, &err));
    bad(feed_add(node.store, &feed, &number, &err), ERR_EXISTS, "feed already");
    good(feed_find(node.store, SPAN_LIT("https://f.example/list.txt"), &back, &err));
    feed.number = number;
    assert_memory_equal(&feed, &back, sizeof back);
    bad(feed_find(node.store, SPAN_LIT("https://f.example/"), &back, &err), ERR_NOTFOUND, "no feed");
    strcpy(feed.etag, "\"abc\"");
    strcpy(feed.modified, "Sun, 22 Nov 2026 11:14:26 GMT");
    strcpy(feed.reason, "timed out");
    feed.failures = 2;
    feed.items = 5;
    feed.vanished = 6;
    feed.fetched_ms = 9;
    good(feed_update(node.store, &feed, &err));
    good(feed_find(node.store, span_str(feed.url), &again, &err));
    assert_memory_equal(&feed, &again, sizeof feed);
    good(store_begin(node.store, &err));
    for (int64_t i = 1; i <= 5; i++)
        good(feed_item_put(node.store, number, i, i * 10, &err));
    good(feed_item_put(node.store, number, 3, 33, &err));
    good(feed_item_drop(node.store, number, 5, &err));
    good(store_commit(node.store, &err));
    good(feed_item_get(node.store, number, 3, &ref, &err));
    assert_int_equal(ref, 33);
    bad(feed_item_get(node.store, number, 5, &ref, &err), ERR_NOTFOUND, "");
    good(feed_item_each(node.store, number, sum_items, &sum, &err));
    assert_int_equal(sum, 10000 + 10 + 20 + 33 + 40);
    good(feed_each(node.store, count_feeds, &count, &err));
    assert_int_equal(count, 1);
    good(feed_remove(node.store, number, &err));
    bad(feed_remove(node.store, number, &err), ERR_NOTFOUND, "no feed");
    bad(feed_item_get(node.store, number, 3, &ref, &err), ERR_NOTFOUND, "");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(peers),
        cmocka_unit_test(feeds),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

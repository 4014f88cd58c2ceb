/* What peers and monitoring are answered: paths, types, caching, and what is not to be seen. */
#include "raw.h"

#include "base/codec.h"
#include "connect/fetch.h"
#include "connect/heads.h"
#include "connect/pages.h"
#include "connect/peering.h"
#include "tlog/tile.h"

struct answer {
    struct fetch_reply reply;
    const char *text;
};

static struct answer get_with(struct node *node, struct fetch_request request, const char *path)
{
    struct answer answer;
    char url[512];
    snprintf(url, sizeof(url), "%s%s", http_server_url(node->server), path);
    request.url = url;
    request.body_max = 64u << 20;
    good(fetch_once(&request, &answer.reply, &err));
    answer.text = buf_cstr(&answer.reply.body);
    return answer;
}

static struct answer get(struct node *node, const char *path)
{
    return get_with(node, (struct fetch_request){0}, path);
}

static struct answer get_log(struct node *node, const struct log_info *log, const char *rest)
{
    char path[256];
    snprintf(path, sizeof(path), "/logs/%s/%s", log->hex, rest);
    return get(node, path);
}

static void expect_status(struct node *node, const char *path, int status)
{
    struct answer answer = get(node, path);
    if (answer.reply.status != status)
        fail_msg("%s: status %d, expected %d", path, answer.reply.status, status);
    fetch_reply_done(&answer.reply);
}

static void expect_log_status(struct node *node, const struct log_info *log, const char *rest, int status)
{
    char path[256];
    snprintf(path, sizeof(path), "/logs/%s/%s", log->hex, rest);
    expect_status(node, path, status);
}

static void test_log(void **state)
{
    struct node a;
    struct buf expected;
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "note", 700);
    node_serve(&a);
    buf_init(&expected, 64u << 20);

    struct answer answer = get_log(&a, &a.own, "checkpoint");
    good(store_checkpoint(a.store, a.own.number, &expected, &err));
    assert_int_equal(answer.reply.status, 200);
    assert_string_equal(answer.reply.content_type, "text/plain; charset=utf-8");
    assert_true(span_eq(buf_view(&answer.reply.body), buf_view(&expected)));
    fetch_reply_done(&answer.reply);

    static const struct {
        const char *path;
        uint64_t first, count;
    } bundles[] = {{"tile/entries/000", 0, 256},
                   {"tile/entries/001", 256, 256},
                   {"tile/entries/002.p/189", 512, 189},
                   {"tile/entries/002.p/7", 512, 7},
                   {"tile/entries/000.p/3", 0, 3}};
    for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
        buf_clear(&expected);
        good(store_read_entries(a.store, a.own.number, bundles[i].first, bundles[i].count, &expected, &err));
        answer = get_log(&a, &a.own, bundles[i].path);
        assert_int_equal(answer.reply.status, 200);
        assert_string_equal(answer.reply.content_type, "application/octet-stream");
        assert_true(span_eq(buf_view(&answer.reply.body), buf_view(&expected)));
        fetch_reply_done(&answer.reply);
    }
    answer = get_log(&a, &a.own, "tile/0/000");
    assert_int_equal(answer.reply.body.len, 8192);
    fetch_reply_done(&answer.reply);
    answer = get_log(&a, &a.own, "tile/1/000.p/2");
    assert_int_equal(answer.reply.body.len, 64);
    fetch_reply_done(&answer.reply);
    static const char *const absent[] = {"tile/0/003",
                                         "tile/0/002",
                                         "tile/entries/002.p/190",
                                         "tile/0/000.p/256",
                                         "tile/00/000",
                                         "tile/0/0",
                                         "tile/0/000.p/0",
                                         "tile/64/000",
                                         "tile/entries/x000/000",
                                         "payload/3",
                                         "payload/x",
                                         "nothing",
                                         "tile/1/000",
                                         ""};
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        expect_log_status(&a, &a.own, absent[i], 404);
    expect_status(&a, "/logs/0000000000000000000000000000000000000000000000000000000000000000/checkpoint", 404);
    expect_status(&a, "/logs/short/checkpoint", 404);
    buf_done(&expected);
    node_stop(&a);
}

static void test_range(void **state)
{
    struct node a;
    struct buf whole;
    char path[256];
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "note", 300);
    node_serve(&a);
    buf_init(&whole, BUNDLE_MAX);
    static const struct {
        const char *name;
        uint64_t first, count;
    } bundles[] = {{"000", 0, 256}, {"001.p/45", 256, 45}}; /* one of a file, one of the tail */
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&whole);
        good(store_read_entries(a.store, a.own.number, bundles[i].first, bundles[i].count, &whole, &err));
        snprintf(path, sizeof(path), "/logs/%s/tile/entries/%s", a.own.hex, bundles[i].name);
        struct answer answer = get_with(&a, (struct fetch_request){.has_range = true, .range_from = 100}, path);
        assert_int_equal(answer.reply.status, 206);
        assert_int_equal(strncmp(answer.reply.content_range, "bytes 100-", 10), 0);
        assert_true(span_eq(buf_view(&answer.reply.body), span_sub(buf_view(&whole), 100, whole.len)));
        fetch_reply_done(&answer.reply);
    }
    buf_done(&whole);
    node_stop(&a);
}

static void test_payloads(void **state)
{
    struct node a;
    (void)state;
    node_start(&a, "a.example");
    say_in(&a, a.own.number, "for few", TLP_AMBER);
    node_say(&a, "for all");
    node_serve(&a);
    struct answer answer = get_log(&a, &a.own, "payload/0");
    struct payload_reader reader = {buf_view(&answer.reply.body), 0};
    struct payload_item item;
    struct err err = {0};
    assert_int_equal(answer.reply.status, 200);
    assert_int_equal(payload_next(&reader, &item, &err), 1);
    assert_true(item.hole); /* inline */
    assert_int_equal(payload_next(&reader, &item, &err), 1);
    assert_true(item.hole); /* not for the public, and not told apart */
    assert_int_equal(payload_next(&reader, &item, &err), 1);
    assert_false(item.hole);
    assert_int_equal(payload_next(&reader, &item, &err), 0);
    assert_true(answer.reply.etag[0] == '"');
    char etag[256];
    snprintf(etag, sizeof(etag), "%s", answer.reply.etag);
    fetch_reply_done(&answer.reply);
    char path[256];
    snprintf(path, sizeof(path), "/logs/%s/payload/0", a.own.hex);
    answer = get_with(&a, (struct fetch_request){.if_none_match = etag}, path);
    assert_int_equal(answer.reply.status, 304);
    fetch_reply_done(&answer.reply);
    /* What is there changes the tag, and so does which entries were asked for. */
    answer = get_log(&a, &a.own, "payload/0?from=1");
    assert_string_not_equal(answer.reply.etag, etag);
    fetch_reply_done(&answer.reply);
    answer = get_log(&a, &a.own, "payload/0?from=2&to=3");
    reader = (struct payload_reader){buf_view(&answer.reply.body), 0};
    assert_int_equal(payload_next(&reader, &item, &err), 1);
    assert_false(item.hole);
    assert_int_equal(payload_next(&reader, &item, &err), 0);
    fetch_reply_done(&answer.reply);
    expect_log_status(&a, &a.own, "payload/0?from=2&to=2", 400);
    expect_log_status(&a, &a.own, "payload/0?from=2&to=257", 400);
    expect_log_status(&a, &a.own, "payload/0?from=-1", 400);
    expect_log_status(&a, &a.own, "payload/0?from=3", 404);
    assert_int_equal(author_erase(a.store, a.own.number, 2, TIME_MS, &err), 0);
    answer = get_with(&a, (struct fetch_request){.if_none_match = etag}, path);
    assert_int_equal(answer.reply.status, 200);
    assert_string_not_equal(answer.reply.etag, etag);
    fetch_reply_done(&answer.reply);
    node_stop(&a);
}

static void test_heads(void **state)
{
    struct node a;
    struct log_info local;
    struct heads_reader reader;
    struct heads_line line;
    struct err err = {0};
    char path[256];
    (void)state;
    node_start(&a, "a.example");
    struct author_new make = {.time_ms = TIME_MS, .role = LOG_LOCAL};
    snprintf(make.profile.name, sizeof(make.profile.name), "local");
    assert_int_equal(author_create(a.store, &make, &local, &err), 0);
    node_serve(&a);
    struct answer answer = get(&a, "/heads");
    heads_reader_init(&reader, buf_view(&answer.reply.body));
    assert_int_equal(heads_next(&reader, &line, &err), 1);
    assert_true(span_is(line.origin, a.own.origin));
    assert_int_equal(line.size, 1);
    assert_int_equal(heads_next(&reader, &line, &err), 0); /* the local log is nobody's business */
    assert_false(reader.more);
    snprintf(path, sizeof(path), "/heads?since=%.*s", SPAN_ARGS(reader.cursor));
    fetch_reply_done(&answer.reply);
    expect_log_status(&a, &local, "checkpoint", 404);

    answer = get(&a, path);
    heads_reader_init(&reader, buf_view(&answer.reply.body));
    assert_int_equal(heads_next(&reader, &line, &err), 0);
    fetch_reply_done(&answer.reply);
    node_say(&a, "news");
    answer = get(&a, path);
    heads_reader_init(&reader, buf_view(&answer.reply.body));
    assert_int_equal(heads_next(&reader, &line, &err), 1);
    assert_int_equal(line.size, 2);
    fetch_reply_done(&answer.reply);

    static const char *const foreign[] = {"/heads?since=0000000000000000-5", "/heads?since=rubbish"};
    for (size_t i = 0; i < 2; i++) { /* of another life of the store: everything is told again */
        answer = get(&a, foreign[i]);
        heads_reader_init(&reader, buf_view(&answer.reply.body));
        assert_int_equal(heads_next(&reader, &line, &err), 1);
        fetch_reply_done(&answer.reply);
    }
    node_stop(&a);
}

static void *say_soon(void *ctx)
{
    struct node *a = ctx;
    struct http_counters counters;
    do
        http_server_counters(a->server, &counters);
    while (counters.waiting == 0);
    struct node writer = *a;
    writer.store = node_handle(a);
    author_allow(writer.store);
    node_say(&writer, "news");
    http_server_wake(a->server);
    store_close(writer.store);
    return NULL;
}

/* A request that waits is answered when something changes, and with an empty page when nothing does. */
static void test_long_poll(void **state)
{
    struct node a;
    struct heads_reader reader;
    struct heads_line line;
    struct err err = {0};
    pthread_t thread;
    char path[256];
    (void)state;
    node_start(&a, "a.example");
    node_serve(&a);
    struct answer answer = get(&a, "/heads");
    heads_reader_init(&reader, buf_view(&answer.reply.body));
    while (heads_next(&reader, &line, &err) > 0)
        ;
    snprintf(path, sizeof(path), "/heads?since=%.*s", SPAN_ARGS(reader.cursor));
    fetch_reply_done(&answer.reply);
    answer = get_with(&a, (struct fetch_request){.wait_s = 1}, path);
    heads_reader_init(&reader, buf_view(&answer.reply.body));
    assert_int_equal(heads_next(&reader, &line, &err), 0);
    assert_true(answer.reply.took_ms >= 900);
    fetch_reply_done(&answer.reply);
    assert_int_equal(pthread_create(&thread, NULL, say_soon, &a), 0);
    answer = get_with(&a, (struct fetch_request){.wait_s = 30}, path);
    pthread_join(thread, NULL);
    heads_reader_init(&reader, buf_view(&answer.reply.body));
    assert_int_equal(heads_next(&reader, &line, &err), 1);
    assert_int_equal(line.size, 2);
    assert_true(answer.reply.took_ms < 15000);
    fetch_reply_done(&answer.reply);
    node_stop(&a);
}

static void test_status(void **state)
{
    struct node a;
    struct node_facts facts;
    (void)state;
    node_start(&a, "a.example");
    node_say(&a, "x");
    node_peer_url(&a, "http://127.0.0.1:9");
    node_serve(&a);
    struct answer answer = get(&a, "/node");
    assert_string_equal(answer.reply.content_type, "application/json");
    good(node_facts_parse(buf_view(&answer.reply.body), &facts, &err));
    assert_string_equal(facts.origin, a.own.origin);
    assert_string_equal(facts.version, TONGZHOU_VERSION);
    fetch_reply_done(&answer.reply);
    answer = get(&a, "/healthz");
    assert_int_equal(answer.reply.status, 200);
    assert_string_equal(answer.text, "ok\n");
    fetch_reply_done(&answer.reply);
    answer = get(&a, "/metrics");
    assert_non_null(strstr(answer.text, "\ntongzhou_logs 1\n"));
    assert_non_null(strstr(answer.text, "\ntongzhou_entries 2\n"));
    assert_non_null(strstr(answer.text, "\ntongzhou_peers 1\n"));
    assert_non_null(strstr(answer.text, "\ntongzhou_peers_reached 0\n"));
    assert_non_null(strstr(answer.text, "# TYPE tongzhou_sync_entries_total counter\n"));
    assert_null(strstr(answer.text, "\ntongzhou_payloads ")); /* would tell of what is not for everybody */
    assert_null(strstr(answer.text, "\ntongzhou_bytes "));
    fetch_reply_done(&answer.reply);
    node_stop(&a);
}

static void test_probe(void **state)
{
    struct node a;
    struct peering_found found;
    char url[128];
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "note", 300);
    node_serve(&a);
    snprintf(url, sizeof(url), "%s/", http_server_url(a.server));
    good(peering_probe(span_str(url), &found, &err));
    assert_string_equal(found.url, http_server_url(a.server));
    assert_string_equal(found.origin, a.own.origin);
    assert_string_equal(found.profile.name, "a.example");
    assert_int_equal(found.size, 301);
    assert_true(found.size_verified);
    assert_int_equal(found.logs, 1);
    assert_false(found.more_logs);
    assert_int_equal(strlen(found.fingerprint), 52 + 12);
    assert_memory_equal(found.fingerprint, strchr(a.own.origin, '/') + 1, 4);
    bad(peering_probe(SPAN_LIT("http://127.0.0.1:9"), &found, &err), ERR_NET, "127.0.0.1:9/node");
    bad(peering_probe(SPAN_LIT("ftp://x"), &found, &err), ERR_USAGE, "");
    struct raw *raw = raw_start();
    raw_body(raw, "/node", SPAN_LIT("{\"hello\":1}"));
    raw_run(raw);
    bad(peering_probe(span_str(raw->url), &found, &err), ERR_SYNTAX, "no Tongzhou node");
    raw_stop(raw);
    node_stop(&a);
}

/* Somebody serves another member's log under a made-up entry 0. */
static void test_probe_of_a_liar(void **state)
{
    struct node a;
    struct peering_found found;
    struct raw *raw = raw_start();
    struct buf bytes;
    char path[200];
    (void)state;
    node_start(&a, "a.example");
    buf_init(&bytes, NOTE_MAX);
    good(node_facts_write(span_str(a.own.origin), &bytes, &err));
    raw_body(raw, "/node", buf_view(&bytes));
    buf_clear(&bytes);
    good(store_checkpoint(a.store, a.own.number, &bytes, &err));
    raw_checkpoint(raw, &a.own, buf_view(&bytes));
    buf_clear(&bytes);
    good(store_read_entries(a.store, a.own.number, 0, 1, &bytes, &err));
    bytes.data[60] ^= 1;
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/000.p/1", a.own.hex);
    raw_body(raw, path, buf_view(&bytes));
    raw_run(raw);
    bad(peering_probe(span_str(raw->url), &found, &err), ERR_VERIFY, "entry 0");
    buf_done(&bytes);
    raw_stop(raw);
    node_stop(&a);
}

static void test_lists_agree(void **state)
{
    (void)state;
    assert_int_equal(connect_capability.page_route_count, connect_page_route_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log),   cmocka_unit_test(test_range),           cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_heads), cmocka_unit_test(test_long_poll),       cmocka_unit_test(test_status),
        cmocka_unit_test(test_probe), cmocka_unit_test(test_probe_of_a_liar), cmocka_unit_test(test_lists_agree),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Feeds: conditional fetches, what vanishes and comes back, sources that fail. No network: the transport is ours. */
#include "security/import_help.h"

const struct capability *const capabilities[] = {&security_capability, NULL};

#define URL "https://feeds.example.org/bad_hosts.txt"
#define VANISHED "vanished-from-feed"
#define HOUR_MS (INT64_C(3600) * 1000)

/* ---- a server in memory ---- */

struct server {
    const char *body, *etag, *modified;
    size_t body_len;  /* 0: a string */
    int status, code; /* code: the transfer fails behind the body */
    unsigned asked;
    char asked_etag[256], asked_modified[64];
};

static int server_get(void *ctx, const struct feed_request *request, struct feed_answer *ret, struct err *err)
{
    struct server *server = ctx;
    server->asked++;
    snprintf(server->asked_etag, sizeof(server->asked_etag), "%s", request->etag);
    snprintf(server->asked_modified, sizeof(server->asked_modified), "%s", request->modified);
    ret->status = server->status;
    if (server->etag && strcmp(server->etag, request->etag) == 0)
        ret->status = 304;
    struct span body = server->body_len ? span_of(server->body, server->body_len) : span_str(server->body);
    for (size_t at = 0; ret->status == 200 && at < body.len; at += 5) {
        int rc = request->sink(request->sink_ctx, span_sub(body, at, 5), err);
        if (rc < 0)
            return rc;
    }
    if (server->code)
        return err_set(err, server->code, "the connection\x07 broke");
    snprintf(ret->etag, sizeof(ret->etag), "%s", server->etag ? server->etag : "");
    snprintf(ret->modified, sizeof(ret->modified), "%s", server->modified ? server->modified : "");
    return 0;
}

/* ---- time, and the end of the node ---- */

static int64_t clock_now_ms, clock_step_ms; /* each look at the clock takes so long */

static int64_t test_clock_ms(void)
{
    clock_now_ms += clock_step_ms;
    return clock_now_ms;
}

/* Says yes from the question on that is counted down to. */
static unsigned questions;

static bool stop_counting(void *ctx)
{
    (void)ctx;
    questions -= questions > 0;
    return questions == 0;
}

/* ---- a feed ---- */

struct fixture {
    struct node *node;
    struct server server;
    int64_t number, now_ms;
    bool (*stopped)(void *ctx);
};

static int64_t add_feed(struct node *node, const char *url, const char *format, int64_t log, enum tlp tlp)
{
    struct err err = {0};
    int64_t number;
    struct feed feed = {.log_number = log, .tlp = (unsigned)tlp, .every_s = 3600, .due_ms = 0};
    snprintf(feed.url, sizeof(feed.url), "%s", url);
    snprintf(feed.format, sizeof(feed.format), "%s", format);
    node_check(feed_add(node->store, &feed, &number, &err), &err);
    return number;
}

static void start(struct fixture *fixture, struct node *node)
{
    *fixture = (struct fixture){.node = node, .now_ms = TEST_NOW_MS, .server = {.status = 200, .body = ""}};
    fixture->number = add_feed(node, URL, "list", node->own.number, TLP_CLEAR);
}

static void fetch(struct fixture *fixture, struct feed_report *ret)
{
    struct err err = {0};
    struct feed_transport transport = {.get = server_get, .ctx = &fixture->server};
    struct feed_options options = {
        .transport = &transport, .now_ms = fixture->now_ms, .clock_ms = test_clock_ms, .stopped = fixture->stopped};
    node_check(feed_run_one(fixture->node->store, fixture->node->index, fixture->number, &options, ret, &err), &err);
    fixture->now_ms += HOUR_MS;
}

/* The newest version of a domain's indicator as text; the caller frees. */
static char *newest(struct node *node, const char *domain, int64_t *ret_modified_ms)
{
    char id[STIX_ID_MAX];
    struct err err = {0};
    int64_t ref;
    uint8_t hash[8];
    struct arena arena;
    struct buf text;
    struct record record;
    stix_indicator_id(span_str(node->own.origin), IOC_DOMAIN, span_str(domain), id);
    node_check(intel_by_id(node->index, node->own.number, span_str(id), &ref, ret_modified_ms, hash, &err), &err);
    arena_init(&arena, 1 << 20);
    buf_init(&text, 1 << 20);
    node_record(node, node->own.number, RECORD_REF_INDEX(ref), &arena, &text, &record);
    char *copy = got_copy(record.body);
    arena_done(&arena);
    buf_done(&text);
    return copy;
}

static void check_state(struct node *node, const char *domain, bool vanished, int64_t modified_ms)
{
    int64_t found_ms;
    char *object = newest(node, domain, &found_ms);
    struct err err = {0};
    json_t *json = json_small_load(span_str(object), &err);
    assert_non_null(json);
    assert_int_equal(found_ms, modified_ms);
    assert_int_equal(json_object_get(json, "valid_until") != NULL, vanished);
    assert_int_equal(strstr(object, VANISHED) != NULL, vanished);
    assert_non_null(strstr(object, "bad hosts"));
    check_member(object, "created", "2026-11-22T11:14:26.123Z");
    json_decref(json);
    free(object);
}

/* ---- tests ---- */

static void check_vanish_and_return(void **state)
{
    struct fixture f;
    struct feed_report report;
    start(&f, *state);
    f.server.body = "a.com\nb.com\nc.com\n";
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FETCHED);
    assert_int_equal(report.import.added, 3);
    assert_int_equal(report.feed.items, 3);
    check_state(f.node, "b.com", false, TEST_NOW_MS);

    f.server.body = "a.com\nc.com\nd.com\n";
    fetch(&f, &report);
    assert_int_equal(report.import.added, 1);
    assert_int_equal(report.import.duplicates, 2);
    assert_int_equal(report.import.vanished, 1);
    check_state(f.node, "b.com", true, TEST_NOW_MS + HOUR_MS);
    check_state(f.node, "a.com", false, TEST_NOW_MS);

    /* Still gone: said once. */
    fetch(&f, &report);
    assert_int_equal(report.import.added, 0);
    assert_int_equal(report.import.vanished, 0);

    f.server.body = "a.com\nb.com\nc.com\n";
    fetch(&f, &report);
    assert_int_equal(report.import.added, 1);
    assert_int_equal(report.import.updated, 1);
    assert_int_equal(report.import.vanished, 1);
    check_state(f.node, "b.com", false, TEST_NOW_MS + 3 * HOUR_MS);

    /* And away again, and back: the cycle has no end. */
    f.server.body = "a.com\nc.com\n";
    fetch(&f, &report);
    assert_int_equal(report.import.vanished, 1);
    f.server.body = "a.com\nb.com\nc.com\n";
    fetch(&f, &report);
    assert_int_equal(report.import.updated, 1);
    assert_int_equal(report.import.vanished, 0);
    check_state(f.node, "b.com", false, f.now_ms - HOUR_MS);
    assert_int_equal(report.feed.items, 3);
    assert_int_equal(node_size(f.node, f.node->own.number), 1 + 3 + 2 + 2 + 1 + 1);
}

/* What a feed dropped and a file brings: a new version without the mark. */
static void check_file_brings_back(void **state)
{
    struct fixture f;
    struct feed_report report;
    struct import_result result;
    struct err err = {0};
    start(&f, *state);
    f.server.body = "a.com\nb.com\n";
    fetch(&f, &report);
    f.server.body = "a.com\n";
    fetch(&f, &report);
    struct import_call call = {
        .text = SPAN_LIT("b.com\n"), .number = f.node->own.number, .tlp = TLP_CLEAR, .now_ms = f.now_ms};
    node_check(node_import(f.node, &call, &result, NULL, &err), &err);
    assert_int_equal(result.updated, 1);
    check_state(f.node, "b.com", false, f.now_ms);
    node_check(node_import(f.node, &call, &result, NULL, &err), &err);
    assert_int_equal(result.duplicates, 1);
}

static void check_conditional(void **state)
{
    struct fixture f;
    struct feed_report report;
    start(&f, *state);
    f.server.body = "a.com\n";
    f.server.etag = "\"v1\"";
    f.server.modified = "Sun, 22 Nov 2026 11:14:26 GMT";
    fetch(&f, &report);
    assert_string_equal(f.server.asked_etag, "");
    fetch(&f, &report);
    assert_string_equal(f.server.asked_etag, "\"v1\"");
    assert_string_equal(f.server.asked_modified, "Sun, 22 Nov 2026 11:14:26 GMT");
    assert_int_equal(report.outcome, FEED_UNCHANGED);
    assert_int_equal(report.feed.items, 1);
    assert_int_equal(report.feed.due_ms, f.now_ms - HOUR_MS + HOUR_MS);
    f.server.etag = "\"v2\"";
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FETCHED);
    assert_int_equal(report.import.duplicates, 1);
}

static void check_failures(void **state)
{
    struct fixture f;
    struct feed_report report;
    start(&f, *state);
    f.server.body = "a.com\nb.com\n";
    f.server.etag = "\"v1\"";
    fetch(&f, &report);
    f.server.etag = "\"v2\"";
    uint64_t size = node_size(f.node, f.node->own.number);

    f.server.status = 503;
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FAILED);
    assert_string_equal(report.feed.reason, "the server answered 503");
    assert_int_equal(report.feed.failures, 1);
    assert_int_equal(report.feed.due_ms, f.now_ms - HOUR_MS + FEED_RETRY_MS);

    /* Half of it came: nothing of it counts. */
    f.server.status = 200;
    f.server.body = "a.com\n";
    f.server.code = ERR_NET;
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FAILED);
    assert_non_null(strstr(report.feed.reason, "\\x07"));
    assert_int_equal(report.feed.failures, 2);
    assert_int_equal(report.feed.due_ms, f.now_ms - HOUR_MS + 2 * FEED_RETRY_MS);

    /* An error page with status 200, and an empty answer: nothing vanishes. */
    f.server.code = 0;
    f.server.body = "<html><body>Sorry</body></html>";
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FAILED);
    f.server.body = "";
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FAILED);
    f.server.body = "Sorry, we are closed\n";
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FAILED);
    f.server.body = "\xef\xbb\xbf <html>\nc.com\n</html>\n";
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FAILED);
    /* One that names a site: which becomes no indicator either. */
    f.server.body = "Too many requests\nhttps://status.example/limits\n";
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FAILED);
    assert_string_equal(report.feed.reason, "1 wrong and 1 readable, where 2 were read before: an error page?");
    assert_int_equal(report.feed.failures, 7);
    assert_string_equal(report.feed.etag, "\"v1\"");
    assert_int_equal(node_size(f.node, f.node->own.number), size);
    for (int i = 0; i < 20; i++)
        fetch(&f, &report);
    assert_int_equal(report.feed.due_ms, f.now_ms - HOUR_MS + FEED_RETRY_MAX_MS);

    f.server.body = "a.com\nb.com\n";
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FETCHED);
    assert_int_equal(report.feed.failures, 0);
    assert_string_equal(report.feed.reason, "");
    assert_int_equal(report.import.duplicates, 2);
    /* A list with a wrong line is no error page. */
    f.server.etag = NULL;
    f.server.body = "a.com\nb.com\nno name\n";
    fetch(&f, &report);
    assert_int_equal(report.import.bad, 1);
    assert_int_equal(report.feed.failures, 0);
}

static const char misp_both[] = "{\"Event\":{\"uuid\":\"5ede96d1-41fc-4ee7-8a48-7a4a8064ab0b\",\"info\":\"bad "
                                "hosts\",\"timestamp\":\"1591646254\",\"Attribute\":["
                                "{\"uuid\":\"5ede974a-00d8-4bb1-a02e-7a498064ab01\",\"type\":\"domain\",\"value\":\"a."
                                "com\",\"to_ids\":true,\"timestamp\":\"1591646254\"},"
                                "{\"uuid\":\"5ede974a-00d8-4bb1-a02e-7a498064ab02\",\"type\":\"domain\",\"value\":\"b."
                                "com\",\"to_ids\":true,\"timestamp\":\"1591646254\"}]}}";
static const char misp_one[] = "{\"Event\":{\"uuid\":\"5ede96d1-41fc-4ee7-8a48-7a4a8064ab0b\",\"info\":\"bad "
                               "hosts\",\"timestamp\":\"1591646255\",\"Attribute\":["
                               "{\"uuid\":\"5ede974a-00d8-4bb1-a02e-7a498064ab01\",\"type\":\"domain\",\"value\":\"a."
                               "com\",\"to_ids\":true,\"timestamp\":\"1591646254\"}]}}";

/* Objects with a time of their own, of which an older version than our mark comes back. */
static void check_misp(void **state)
{
    struct fixture f;
    struct feed_report report;
    start(&f, *state);
    f.number = add_feed(f.node, "https://misp.example.org/x", "misp", f.node->own.number, TLP_CLEAR);
    f.server.body = misp_both;
    fetch(&f, &report);
    assert_int_equal(report.import.added, 3);
    fetch(&f, &report);
    assert_int_equal(report.import.duplicates, 3);
    f.server.body = misp_one;
    fetch(&f, &report);
    assert_int_equal(report.import.vanished, 1);
    assert_int_equal(report.import.updated, 1); /* the event */
    f.server.body = misp_both;
    fetch(&f, &report);
    assert_int_equal(report.import.updated, 1);
    int64_t ref, modified_ms;
    uint8_t hash[8];
    struct err err = {0};
    node_check(intel_by_id(f.node->index, f.node->own.number,
                           SPAN_LIT("indicator--5ede974a-00d8-4bb1-a02e-7a498064ab02"), &ref, &modified_ms, hash, &err),
               &err);
    assert_int_equal(modified_ms, f.now_ms - HOUR_MS);
}

static int count_done(void *ctx, const struct feed_report *report, struct err *err)
{
    unsigned *done = ctx;
    (void)err;
    *done += report->outcome == FEED_FETCHED;
    return 0;
}

static void check_due(void **state)
{
    struct fixture f;
    struct err err = {0};
    size_t count;
    unsigned done = 0;
    start(&f, *state);
    add_feed(f.node, "https://example.net/local", "auto", f.node->local.number, TLP_NONE);
    f.server.body = "a.com\n";
    struct feed_transport transport = {.get = server_get, .ctx = &f.server};
    struct feed_options options = {
        .transport = &transport, .now_ms = TEST_NOW_MS, .clock_ms = test_clock_ms, .done = count_done, .ctx = &done};
    node_check(feed_run_due(f.node->store, f.node->index, &options, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(done, 2);
    assert_int_equal(node_size(f.node, f.node->local.number), 2);
    options.now_ms += HOUR_MS - 1;
    node_check(feed_run_due(f.node->store, f.node->index, &options, &count, &err), &err);
    assert_int_equal(count, 0);
    options.now_ms++;
    node_check(feed_run_due(f.node->store, f.node->index, &options, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(f.server.asked, 4);
    /* The clock is set back by ten years: they do not wait so long. */
    options.now_ms -= 10 * 365 * 24 * HOUR_MS;
    node_check(feed_run_due(f.node->store, f.node->index, &options, &count, &err), &err);
    assert_int_equal(count, 2);
    node_check(feed_run_due(f.node->store, f.node->index, &options, &count, &err), &err);
    assert_int_equal(count, 0);
    /* And forward again. */
    options.now_ms += 10 * 365 * 24 * HOUR_MS;
    node_check(feed_run_due(f.node->store, f.node->index, &options, &count, &err), &err);
    assert_int_equal(count, 2);
}

static void check_errors(void **state)
{
    struct fixture f;
    struct feed_report report;
    struct err err = {0};
    start(&f, *state);
    struct feed_transport transport = {.get = server_get, .ctx = &f.server};
    struct feed_options options = {.transport = &transport, .now_ms = TEST_NOW_MS, .clock_ms = test_clock_ms};
    assert_int_equal(feed_run_one(f.node->store, f.node->index, 77, &options, &report, &err), ERR_NOTFOUND);
    int64_t number = add_feed(f.node, "https://example.net/x", "list", 99, TLP_CLEAR);
    f.server.body = "a.com\n";
    node_check(feed_run_one(f.node->store, f.node->index, number, &options, &report, &err), &err);
    assert_int_equal(report.outcome, FEED_FAILED);
    /* A feed without a TLP into a log that others read: its own trouble. */
    number = add_feed(f.node, "https://example.net/y", "list", f.node->own.number, TLP_NONE);
    node_check(feed_run_one(f.node->store, f.node->index, number, &options, &report, &err), &err);
    assert_int_equal(report.outcome, FEED_FAILED);
    assert_non_null(strstr(report.feed.reason, "TLP"));
}

/* Two feeds with one value: it is gone when the last of them has dropped it. */
static void check_two_feeds(void **state)
{
    struct fixture f;
    struct feed_report report;
    start(&f, *state);
    int64_t first = f.number,
            second = add_feed(f.node, "https://example.net/bad_hosts.txt", "list", f.node->own.number, TLP_CLEAR);
    f.server.body = "a.com\nb.com\n";
    fetch(&f, &report);
    f.number = second;
    fetch(&f, &report);
    assert_int_equal(report.import.duplicates, 2);
    f.number = first;
    f.server.body = "a.com\n";
    fetch(&f, &report);
    assert_int_equal(report.import.vanished, 0);
    check_state(f.node, "b.com", false, TEST_NOW_MS);
    f.number = second;
    fetch(&f, &report);
    assert_int_equal(report.import.vanished, 1);
    check_state(f.node, "b.com", true, f.now_ms - HOUR_MS);
    f.number = first;
    f.server.body = "a.com\nb.com\n";
    fetch(&f, &report);
    assert_int_equal(report.import.updated, 1);
    check_state(f.node, "b.com", false, f.now_ms - HOUR_MS);
}

/* What a person imported stays, whatever a feed drops. */
static void check_person_first(void **state)
{
    struct fixture f;
    struct feed_report report;
    struct import_result result;
    struct err err = {0};
    start(&f, *state);
    struct import_call call = {.text = SPAN_LIT("b.com\n"),
                               .name = "bad_hosts.txt",
                               .number = f.node->own.number,
                               .tlp = TLP_CLEAR,
                               .now_ms = TEST_NOW_MS};
    node_check(node_import(f.node, &call, &result, NULL, &err), &err);
    f.server.body = "a.com\nb.com\n";
    fetch(&f, &report);
    assert_int_equal(report.import.added, 1);
    assert_int_equal(report.import.duplicates, 1);
    f.server.body = "a.com\n";
    fetch(&f, &report);
    assert_int_equal(report.import.vanished, 0);
    check_state(f.node, "b.com", false, TEST_NOW_MS);
}

/* What ends too soon says nothing about what would have come: it fails, and nothing vanishes. */
static void check_cut_off(void **state)
{
    struct fixture f;
    struct feed_report report;
    start(&f, *state);
    f.number = add_feed(f.node, "https://misp.example.org/x", "misp", f.node->own.number, TLP_CLEAR);
    f.server.body = misp_both;
    fetch(&f, &report);
    char *cut = got_copy(span_sub(span_str(misp_one), 0, strlen(misp_one) - 1));
    char *list;
    assert_true(asprintf(&list, "[%s", misp_one) > 0);
    const char *const bodies[] = {cut, list};
    for (size_t i = 0; i < 2; i++) {
        f.server.body = bodies[i];
        fetch(&f, &report);
        assert_int_equal(report.outcome, FEED_FAILED);
        assert_non_null(strstr(report.feed.reason, "cut off?"));
        assert_int_equal(report.import.vanished, 0);
    }
    free(cut);
    free(list);
}

/* A gzip of "a.com" and "b.com" lines, its last bytes missing; and one whose data is another's. */
static void check_broken_packing(void **state)
{
    static const char packed[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x4b\xd4\x4b\xce\xcf\xe5\x4a\x02\x93"
                                 "\x00\xcb\x4e\x0f\x2b\x0c\x00\x00\x00";
    static char damaged[sizeof(packed)];
    struct fixture f;
    struct feed_report report;
    start(&f, *state);
    f.server.body = packed;
    f.server.body_len = sizeof(packed) - 1;
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FETCHED);
    assert_int_equal(report.import.added, 2);
    memcpy(damaged, packed, sizeof(packed));
    f.server.etag = "\"v2\"";
    f.server.body_len = 16;
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FAILED);
    assert_non_null(strstr(report.feed.reason, "cannot be unpacked any further"));
    f.server.body = damaged;
    f.server.body_len = sizeof(packed) - 1;
    damaged[10] = '\xff';
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FAILED);
    assert_int_equal(report.import.vanished, 0);
    assert_string_equal(report.feed.etag, "");
}

/* Reading takes too long: what was read stays, the rest is no success, and nothing vanishes. */
static void check_slow(void **state)
{
    struct fixture f;
    struct feed_report report;
    start(&f, *state);
    f.server.body = "a.com\nb.com\n";
    fetch(&f, &report);
    f.server.body = "a.com\nc.com\n";
    clock_step_ms = FEED_IMPORT_MAX_MS / 2; /* for the last piece, which is empty, there is no time left */
    fetch(&f, &report);
    clock_step_ms = 0;
    assert_int_equal(report.outcome, FEED_FAILED);
    assert_string_equal(report.feed.reason, "reading it takes longer than 10 minutes: that is the limit");
    assert_int_equal(report.import.vanished, 0);
    check_state(f.node, "b.com", false, TEST_NOW_MS);
    fetch(&f, &report);
    assert_int_equal(report.outcome, FEED_FETCHED);
    assert_int_equal(report.import.vanished, 1);
}

/* The node is to end: wherever that is seen, the feed is due as before and has not failed. */
static void check_stopped(void **state)
{
    struct fixture f;
    struct feed_report report;
    struct err err = {0};
    size_t count;
    start(&f, *state);
    f.server.body = "a.com\nb.com\n";
    f.stopped = stop_counting;
    for (unsigned until = 1; until < 6; until++) {
        questions = until;
        fetch(&f, &report);
        assert_int_equal(report.outcome, FEED_STOPPED);
        assert_int_equal(report.feed.due_ms, 0);
        assert_int_equal(report.feed.failures, 0);
        assert_string_equal(report.feed.reason, "");
    }
    add_feed(f.node, "https://example.net/local", "auto", f.node->local.number, TLP_NONE);
    struct feed_transport transport = {.get = server_get, .ctx = &f.server};
    struct feed_options options = {
        .transport = &transport, .now_ms = TEST_NOW_MS, .clock_ms = test_clock_ms, .stopped = stop_counting};
    f.server.asked = 0;
    questions = 1;
    node_check(feed_run_due(f.node->store, f.node->index, &options, &count, &err), &err);
    assert_int_equal(count, 0);
    questions = 3; /* before the first feed, and while it comes in */
    node_check(feed_run_due(f.node->store, f.node->index, &options, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_int_equal(f.server.asked, 1);
    options.stopped = NULL;
    node_check(feed_run_due(f.node->store, f.node->index, &options, &count, &err), &err);
    assert_int_equal(count, 2);
}

#define NODE_TEST(test) cmocka_unit_test_setup_teardown(test, node_setup, node_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NODE_TEST(check_vanish_and_return),
        NODE_TEST(check_file_brings_back),
        NODE_TEST(check_conditional),
        NODE_TEST(check_failures),
        NODE_TEST(check_misp),
        NODE_TEST(check_due),
        NODE_TEST(check_errors),
        NODE_TEST(check_two_feeds),
        NODE_TEST(check_person_first),
        NODE_TEST(check_cut_off),
        NODE_TEST(check_broken_packing),
        NODE_TEST(check_slow),
        NODE_TEST(check_stopped),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "http/server.h"

#include <assert.h>
#include <time.h>

#include "base/limits.h"
#include "http/node_impl.h"
#include "http/page.h"

/* ---- routes of a capability that exists in this test only ---- */

static int hello(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    (void)err;
    assert(view->viewer.class == VIEWER_PUBLIC && view->outlet == OUTLET_HTTP_PAGES);
    reply->content_type = "text/plain; charset=utf-8";
    snprintf(reply->etag, sizeof(reply->etag), "\"hello\"");
    reply->allow_range = true;
    buf_str(&reply->body, "hello ");
    buf_span(&reply->body, request->part[0]);
    return 0;
}

static int echo(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    (void)view;
    (void)err;
    reply->content_type = "text/plain";
    buf_fmt(&reply->body, "%zu:", request->body.len);
    buf_span(&reply->body, span_sub(request->body, 0, 100));
    return 0;
}

static int send_file(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err)
{
    (void)view;
    (void)request;
    char path[] = "/tmp/tongzhou-file-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    if (fd < 0 || write(fd, "0123456789abcdef", 16) != 16)
        return err_sys(err, "file");
    reply->content_type = "application/octet-stream";
    reply->cache_control = "public, max-age=31536000, immutable";
    reply->fd = fd;
    reply->fd_offset = 4;
    reply->fd_len = 10; /* 456789abcd */
    reply->allow_range = true;
    return 0;
}

static int wait_for_change(const struct view *view, const struct http_request *request, struct http_reply *reply,
                           struct err *err)
{
    char generation[17];
    uint64_t since = 0, seconds = 0;
    int64_t seq;
    int rc = store_seq(view->store, &seq, generation, err);
    if (rc < 0)
        return rc;
    reply->content_type = "text/plain";
    (void)span_u64(http_query(request, "since"), INT64_MAX, &since);
    (void)span_u64(http_query(request, "wait"), 60, &seconds);
    if (seq <= (int64_t)since && !request->waited) {
        reply->wait_seq = seq;
        reply->wait_s = (unsigned)seconds;
        if (seconds > 0)
            return 0;
    }
    buf_fmt(&reply->body, "%lld", (long long)seq);
    return 0;
}

static int fail_with(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err)
{
    (void)view;
    uint64_t code = 0;
    buf_str(&reply->body, "half an answer");
    (void)span_u64(request->part[0], 100, &code);
    return err_set(err, -(int)code, "/home/secret/path/state.db: broken");
}

static int page(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    (void)view;
    struct page page;
    page_begin(&page, request, reply, "members", "Members");
    page_bdi(&page, http_query(request, "q"));
    return page_end(&page, err);
}

static const struct route routes[] = {
    {HTTP_GET, "/hello/{name}", OUTLET_HTTP_PAGES, hello, "a greeting"},
    {HTTP_GET, "/hello/world", OUTLET_HTTP_PAGES, page, "more literal than the one before"},
    {HTTP_POST, "/echo", OUTLET_HTTP_SWEEP, echo, "what was sent"},
    {HTTP_GET, "/file", OUTLET_HTTP_LOGS, send_file, "a part of a file"},
    {HTTP_GET, "/wait", OUTLET_HTTP_HEADS, wait_for_change, "the seq, when it changed"},
    {HTTP_GET, "/fail/{code}", OUTLET_HTTP_LOGS, fail_with, "an error"},
};
static const struct route page_routes[] = {
    {HTTP_GET, "/page", OUTLET_HTTP_PAGES, page, "a page"},
};
static const struct capability test_capability = {
    .name = "test",
    .schema = "",
    .tables = (const char *const[]){NULL},
    .routes = routes,
    .route_count = sizeof(routes) / sizeof(routes[0]),
    .page_routes = page_routes,
    .page_route_count = sizeof(page_routes) / sizeof(page_routes[0]),
};
const struct capability *const capabilities[] = {&test_capability, NULL};

static struct node node;

static int setup(void **state)
{
    (void)state;
    node_start(&node, 64);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    node_stop(&node);
    return 0;
}

/* ---- answers ---- */

static void expect(const char *method, const char *target, const char *headers, const char *body, int status,
                   const char *content)
{
    struct answer answer;
    ask(&node, method, target, headers, body, &answer);
    if (answer.status != status)
        fail_msg("%s %s: status %d, expected %d", method, target, answer.status, status);
    if (content)
        assert_span(answer.body, content);
    answer_done(&answer);
}

static void routes_requests(void **state)
{
    (void)state;
    expect("GET", "/hello/you", "", NULL, 200, "hello you");
    expect("GET", "/hello/caf%C3%A9", "", NULL, 200, "hello café");
    expect("GET", "/hello/you?q=1", "", NULL, 200, "hello you");
    expect("GET", "/nothing", "", NULL, 404, NULL);
    expect("GET", "/hello/a/b", "", NULL, 404, NULL);
    expect("GET", "/hello/%zz", "", NULL, 400, NULL);
    expect("GET", "/hello/%00", "", NULL, 400, NULL);
    expect("GET", "/../../etc/passwd", "", NULL, 404, NULL);
    expect("PUT", "/hello/you", "", NULL, 405, NULL);
    expect("OPTIONS", "/nothing", "", NULL, 404, NULL);
    expect("POST", "/hello/you", "", "", 405, NULL);
    struct answer answer;
    ask(&node, "GET", "/echo", "", NULL, &answer);
    assert_int_equal(answer.status, 405);
    assert_span(answer_header(&answer, "Allow"), "POST");
    answer_done(&answer);
    ask(&node, "GET", "/hello/world", "", NULL, &answer);
    assert_span(answer_header(&answer, "Content-Type"), "text/html; charset=utf-8");
    answer_done(&answer);
}

static void answers_head(void **state)
{
    (void)state;
    struct answer answer;
    ask(&node, "HEAD", "/hello/you", "", NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_span(answer_header(&answer, "Content-Length"), "9");
    assert_int_equal(answer.body.len, 0);
    answer_done(&answer);
    ask(&node, "HEAD", "/file", "", NULL, &answer);
    assert_span(answer_header(&answer, "Content-Length"), "10");
    answer_done(&answer);
}

static void ranges(void **state)
{
    (void)state;
    expect("GET", "/file", "", NULL, 200, "456789abcd");
    expect("GET", "/file", "Range: bytes=2-4\r\n", NULL, 206, "678");
    expect("GET", "/file", "Range: bytes=8-\r\n", NULL, 206, "cd");
    expect("GET", "/file", "Range: bytes=10-\r\n", NULL, 416, NULL);
    expect("GET", "/file", "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n", NULL, 200, "456789abcd");
    expect("GET", "/hello/you", "Range: bytes=0-1\r\nIf-Range: \"hello\"\r\n", NULL, 206, "he");
    expect("GET", "/hello/you", "Range: bytes=-3\r\n", NULL, 206, "you");
    expect("GET", "/hello/you", "Range: bytes=0-1,3-4\r\n", NULL, 200, "hello you");
    struct answer answer;
    ask(&node, "GET", "/file", "Range: bytes=2-4\r\n", NULL, &answer);
    assert_span(answer_header(&answer, "Content-Range"), "bytes 2-4/10");
    answer_done(&answer);
    ask(&node, "GET", "/file", "Range: bytes=99-\r\n", NULL, &answer);
    assert_span(answer_header(&answer, "Content-Range"), "bytes */10");
    assert_span(answer_header(&answer, "Content-Type"), "application/problem+json");
    assert_span(answer_header(&answer, "Cache-Control"), "no-store");
    answer_done(&answer);
}

static void conditions(void **state)
{
    (void)state;
    expect("GET", "/hello/you", "If-None-Match: \"hello\"\r\n", NULL, 304, "");
    expect("GET", "/hello/you", "If-None-Match: \"x\", W/\"hello\"\r\n", NULL, 304, "");
    expect("GET", "/hello/you", "If-None-Match: \"x\"\r\n", NULL, 200, "hello you");
}

static void never_compresses(void **state)
{
    (void)state;
    struct answer answer;
    ask(&node, "GET", "/page", "Accept-Encoding: gzip, br\r\n", NULL, &answer);
    assert_span(answer_header(&answer, "Content-Encoding"), "");
    answer_done(&answer);
}

/* ---- errors ---- */

static void hides_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        int status;
    } cases[] = {{"/fail/1", 400}, {"/fail/2", 413}, {"/fail/3", 400},  {"/fail/5", 404},
                 {"/fail/7", 403}, {"/fail/9", 503}, {"/fail/10", 500}, {"/fail/11", 500}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer;
        ask(&node, "GET", cases[i].target, "", NULL, &answer);
        assert_int_equal(answer.status, cases[i].status);
        assert_span(answer_header(&answer, "Content-Type"), "application/problem+json");
        assert_int_equal(span_search(answer.body, SPAN_LIT("secret")), answer.body.len);
        assert_int_equal(span_search(answer.body, SPAN_LIT("half")), answer.body.len);
        answer_done(&answer);
        ask(&node, "GET", cases[i].target, "Accept: text/html\r\nAccept-Language: zh\r\n", NULL, &answer);
        assert_int_equal(answer.status, cases[i].status);
        assert_span(answer_header(&answer, "Content-Type"), "text/html; charset=utf-8");
        assert_true(span_search(answer.body, SPAN_LIT("<html lang=\"zh-Hans\"")) < answer.body.len);
        assert_int_equal(span_search(answer.body, SPAN_LIT("secret")), answer.body.len);
        answer_done(&answer);
    }
}

static void bounds_requests(void **state)
{
    (void)state;
    static char target[HTTP_URL_MAX + 100];
    memset(target, 'a', sizeof(target) - 1);
    memcpy(target, "/hello/", 7);
    target[HTTP_URL_MAX + 1] = '\0';
    expect("GET", target, "", NULL, 414, NULL);
    target[HTTP_URL_MAX] = '\0';
    expect("GET", target, "", NULL, 200, NULL);

    struct answer answer;
    static char headers[40000];
    memset(headers, 'x', sizeof(headers) - 1);
    memcpy(headers, "X: ", 3);
    memcpy(headers + sizeof(headers) - 3, "\r\n", 2);
    ask(&node, "GET", "/hello/you", headers, NULL, &answer);
    assert_true(answer.status == 431 || answer.status == 400 || answer.status == 0);
    answer_done(&answer);
}

static void speaks_http_only(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "GET /hello/you HTTP/1.1\r\n\r\n",                    /* no Host */
        "GET /hello/you HTTP/9.9\r\nHost: localhost\r\n\r\n", /* no such version */
        "hello\r\n\r\n",                                      /* no HTTP */
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5x\r\n\r\nhello",
        "GET /hello/you HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
        "GET /hello/you HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        ("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nhello\r\n0\r\n\r\n"),
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding:\r\n\r\nhello",
        ("POST /echo HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nhello\r\n0\r\n\r\n"),
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\nhello",
        "GET /hello/you HTTP/1.1\r\nHost: localhost\r\nX-A : b\r\n\r\n",
        "GET /hello/you HTTP/1.1\r\nHost: localhost\r\n X-A: b\r\n\r\n",
        "GET /hello/you HTTP/1.1\r\nHost: localhost\r\nX-A: b\rRemote-User: c\r\n\r\n",
        "GET /hello/you HTTP/1.1\r\nHost: localhost\r\nX-A: b\x7f\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct answer answer;
        int fd = client_connect(&node);
        client_send(fd, bad[i]);
        shutdown(fd, SHUT_WR);
        answer_read(fd, false, &answer);
        if (answer.status >= 200 && answer.status < 400)
            fail_msg("accepted: %s", bad[i]);
        answer_done(&answer);
        close(fd);
    }
    expect("GET", "/hello/you", "", NULL, 200, "hello you");
}

/* What chunks end differently for others: nothing behind such a request is taken for another one. */
static void nothing_follows_chunks(void **state)
{
    (void)state;
    struct answer answer;
    int fd = client_connect(&node);
    client_send(fd, "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\nhello\r\n"
                    "0\r\n\r\nGET /hello/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n");
    answer_read(fd, false, &answer);
    assert_int_equal(answer.status, 200);
    answer_done(&answer);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0); /* closed behind the first answer */
    close(fd);
}

/* And those of its endpoints, which a web server in front passes on. */
static void names_of_this_machine_only(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        int status;
    } cases[] = {{"localhost", 200},
                 {"127.0.0.1:1", 200},
                 {"[::1]:5", 200},
                 {"node.test:8443", 200}, /* an endpoint that it was given */
                 {"NODE.test:8443", 200},
                 {"node.test", 421},
                 {"x.node.test:8443", 421},
                 {"evil.test", 421},
                 {"localhost.evil.test", 421},
                 {"10.0.0.1", 421},
                 {"localhost:evil.test", 421},
                 {"[::1]:x", 421},
                 {"localhost:99999", 421}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char request[200];
        struct answer answer;
        snprintf(request, sizeof(request), "GET /hello/you HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                 cases[i].host);
        int fd = client_connect(&node);
        client_send(fd, request);
        answer_read(fd, false, &answer);
        assert_int_equal(answer.status, cases[i].status);
        answer_done(&answer);
        close(fd);
    }
}

/* ---- bodies ---- */

static void takes_bodies(void **state)
{
    (void)state;
    expect("POST", "/echo", "", "some text", 200, "9:some text");
    expect("POST", "/echo", "", "", 200, "0:");
    expect("POST", "/echo", "Origin: http://evil.test\r\n", "x", 403, NULL);
    expect("POST", "/echo", "Sec-Fetch-Site: cross-site\r\n", "x", 403, NULL);
    expect("POST", "/echo", "Sec-Fetch-Site: same-origin\r\n", "x", 200, "1:x");

    struct answer answer;
    int fd = client_connect(&node);
    client_send(fd, "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "4\r\nsome\r\n5\r\n text\r\n0\r\n\r\n");
    answer_read(fd, false, &answer);
    assert_span(answer.body, "9:some text");
    answer_done(&answer);
    close(fd);
}

static void refuses_long_bodies_unread(void **state)
{
    (void)state;
    struct answer answer;
    char request[200];
    snprintf(request, sizeof(request), "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %u\r\n\r\n",
             HTTP_BODY_MAX + 1);
    int fd = client_connect(&node);
    client_send(fd, request);
    answer_read(fd, false, &answer);
    assert_int_equal(answer.status, 413);
    answer_done(&answer);
    close(fd);
}

/* ---- many and slow clients ---- */

static void slow_clients_hold_nobody_up(void **state)
{
    (void)state;
    int slow[16];
    for (size_t i = 0; i < 16; i++) {
        slow[i] = client_connect(&node);
        client_send(slow[i], "GET /hello/you HTTP/1.1\r\nHost: loc");
    }
    expect("GET", "/hello/you", "", NULL, 200, "hello you");
    for (size_t i = 0; i < 16; i++) {
        struct answer answer;
        client_send(slow[i], "alhost\r\n\r\n");
        answer_read(slow[i], false, &answer);
        assert_span(answer.body, "hello you");
        answer_done(&answer);
        close(slow[i]);
    }
}

static void keeps_connections(void **state)
{
    (void)state;
    int fd = client_connect(&node);
    for (int i = 0; i < 3; i++) {
        struct answer answer;
        client_send(fd, "GET /hello/you HTTP/1.1\r\nHost: localhost\r\n\r\n");
        answer_read(fd, false, &answer);
        assert_span(answer.body, "hello you");
        answer_done(&answer);
    }
    close(fd);
}

/* A byte now and then keeps a connection alive for ever, unless somebody looks at the clock. */
static void ends_endless_requests(void **state)
{
    (void)state;
    struct http_options options = {.dir = node.dir, .listen = "127.0.0.1:0", .threads = 1, .request_ms = 200};
    struct node other = node;
    struct err err;
    struct answer answer;
    must(http_server_start(&options, &other.server, &err), &err);
    assert_int_equal(sscanf(http_server_url(other.server), "http://127.0.0.1:%d", &other.port), 1);
    int fd = client_connect(&other);
    client_send(fd, "GET /hello/you HTTP/1.1\r\nHost: localhost\r\nX: ");
    struct pollfd closed = {.fd = fd, .events = POLLRDHUP};
    int rounds = 0;
    while (poll(&closed, 1, 50) == 0 && rounds++ < 400)
        client_send(fd, "x");
    assert_true(rounds < 400);
    close(fd);
    ask(&other, "GET", "/hello/you", "", NULL, &answer);
    assert_int_equal(answer.status, 200);
    answer_done(&answer);
    http_server_stop(other.server);
}

/* ---- long polling ---- */

static int64_t current_seq(void)
{
    struct err err;
    char generation[17];
    int64_t seq = 0;
    must(store_seq(node.store, &seq, generation, &err), &err);
    return seq;
}

static int64_t elapsed_ms(const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

/* Until `count` requests wait; the server tells. */
static void until_waiting(uint64_t count)
{
    struct http_counters counters;
    do
        http_server_counters(node.server, &counters);
    while (counters.waiting != count);
}

static int begin_wait(unsigned seconds)
{
    char request[200];
    snprintf(request, sizeof(request),
             "GET /wait?since=%lld&wait=%u HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
             (long long)current_seq(), seconds);
    int fd = client_connect(&node);
    client_send(fd, request);
    return fd;
}

static void expect_seq(int fd, int64_t seq)
{
    char want[32];
    struct answer answer;
    snprintf(want, sizeof(want), "%lld", (long long)seq);
    answer_read(fd, false, &answer);
    assert_int_equal(answer.status, 200);
    assert_span(answer.body, want);
    answer_done(&answer);
    close(fd);
}

static void wakes_on_change(void **state)
{
    (void)state;
    int fd[20];
    for (size_t i = 0; i < 20; i++)
        fd[i] = begin_wait(60);
    until_waiting(20);
    expect("GET", "/hello/you", "", NULL, 200, "hello you"); /* those who wait hold no thread */
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    node_change(&node);
    http_server_wake(node.server);
    for (size_t i = 0; i < 20; i++)
        expect_seq(fd[i], current_seq());
    assert_true(elapsed_ms(&began) < 5000);
    until_waiting(0);
}

/* Nobody calls http_server_wake: as when another process wrote. */
static void notices_other_processes(void **state)
{
    (void)state;
    int fd = begin_wait(60);
    until_waiting(1);
    node_change(&node);
    expect_seq(fd, current_seq());
}

static void waits_no_longer_than_asked(void **state)
{
    (void)state;
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    int fd = begin_wait(1);
    expect_seq(fd, current_seq());
    assert_true(elapsed_ms(&began) >= 900);
}

static void stops_while_somebody_waits(void **state)
{
    (void)state;
    int fd = begin_wait(60);
    until_waiting(1);
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    http_server_stop(node.server);
    node.server = NULL;
    assert_true(elapsed_ms(&began) < 10000);
    close(fd);
}

/* ---- pages ---- */

static void frames_pages(void **state)
{
    (void)state;
    struct answer answer;
    ask(&node, "GET", "/page?q=%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AEx", "Accept-Language: zh-CN\r\n", NULL,
        &answer);
    assert_int_equal(answer.status, 200);
    assert_true(span_search(answer.body, SPAN_LIT("<html lang=\"zh-Hans\"")) < answer.body.len);
    assert_true(span_search(answer.body, SPAN_LIT("<bdi>&lt;script&gt;alert(1)&lt;/script&gt;\\u{202E}x</bdi>")) <
                answer.body.len);
    assert_int_equal(span_search(answer.body, SPAN_LIT("<script>alert")), answer.body.len);
    assert_true(span_search(answer_header(&answer, "Content-Security-Policy"), SPAN_LIT("frame-ancestors 'none'")) <
                answer_header(&answer, "Content-Security-Policy").len);
    assert_span(answer_header(&answer, "X-Content-Type-Options"), "nosniff");
    assert_span(answer_header(&answer, "Referrer-Policy"), "no-referrer");
    assert_span(answer_header(&answer, "Set-Cookie"), "");
    answer_done(&answer);

    ask(&node, "GET", "/page?lang=zh", "", NULL, &answer);
    assert_true(span_starts(answer_header(&answer, "Set-Cookie"), SPAN_LIT("lang=zh-Hans;")));
    answer_done(&answer);
    ask(&node, "GET", "/page", "Cookie: lang=zh-Hans\r\n", NULL, &answer);
    assert_true(span_search(answer.body, SPAN_LIT("<html lang=\"zh-Hans\"")) < answer.body.len);
    answer_done(&answer);
}

static void serves_assets(void **state)
{
    (void)state;
    struct answer answer;
    ask(&node, "GET", "/assets/style.css", "", NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_span(answer_header(&answer, "Content-Type"), "text/css; charset=utf-8");
    assert_span(answer_header(&answer, "Cache-Control"), "public, no-cache");
    struct span etag = answer_header(&answer, "ETag");
    assert_int_equal(etag.len, 18);
    char named[64], condition[64];
    snprintf(named, sizeof(named), "/assets/style.css?v=%.16s", (const char *)etag.data + 1);
    snprintf(condition, sizeof(condition), "If-None-Match: %.18s\r\n", (const char *)etag.data);
    answer_done(&answer);
    expect("GET", named, condition, NULL, 304, "");
    ask(&node, "GET", named, "", NULL, &answer);
    assert_span(answer_header(&answer, "Cache-Control"), "public, max-age=31536000, immutable");
    answer_done(&answer);
    expect("GET", "/assets/other.css", "", NULL, 404, NULL);
    expect("GET", "/assets/..%2Fstate.db", "", NULL, 404, NULL);
}

/* ---- where it listens ---- */

static void refuses_addresses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999",
                                      "::1:80", "[::1]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct http_options options = {.dir = node.dir, .listen = bad[i]};
        struct http_server *server;
        struct err err;
        assert_int_equal(http_server_start(&options, &server, &err), ERR_USAGE);
    }
    struct http_options taken = {.dir = node.dir, .listen = http_server_url(node.server) + strlen("http://")};
    struct http_server *server;
    struct err err;
    assert_int_equal(http_server_start(&taken, &server, &err), ERR_EXISTS);
    struct http_options nowhere = {.dir = "/nonexistent/folder", .listen = "127.0.0.1:0"};
    assert_true(http_server_start(&nowhere, &server, &err) < 0);
}

static void counts(void **state)
{
    (void)state;
    struct http_counters before, after;
    http_server_counters(node.server, &before);
    expect("GET", "/hello/you", "", NULL, 200, "hello you");
    expect("GET", "/nothing", "", NULL, 404, NULL);
    http_server_counters(node.server, &after);
    assert_int_equal(after.requests, before.requests + 2);
    assert_int_equal(after.refused, before.refused + 1);
    assert_true(after.bytes_out >= before.bytes_out + 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_requests),
        cmocka_unit_test(answers_head),
        cmocka_unit_test(ranges),
        cmocka_unit_test(conditions),
        cmocka_unit_test(never_compresses),
        cmocka_unit_test(hides_reasons),
        cmocka_unit_test(bounds_requests),
        cmocka_unit_test(speaks_http_only),
        cmocka_unit_test(names_of_this_machine_only),
        cmocka_unit_test(nothing_follows_chunks),
        cmocka_unit_test(takes_bodies),
        cmocka_unit_test(refuses_long_bodies_unread),
        cmocka_unit_test(slow_clients_hold_nobody_up),
        cmocka_unit_test(keeps_connections),
        cmocka_unit_test(ends_endless_requests),
        cmocka_unit_test(wakes_on_change),
        cmocka_unit_test(notices_other_processes),
        cmocka_unit_test(waits_no_longer_than_asked),
        cmocka_unit_test(frames_pages),
        cmocka_unit_test(serves_assets),
        cmocka_unit_test(refuses_addresses),
        cmocka_unit_test(counts),
        cmocka_unit_test(stops_while_somebody_waits),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, teardown);
}

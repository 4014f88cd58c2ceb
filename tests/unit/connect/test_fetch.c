/* The HTTP client: what servers may do to us, and what not. */
#include "raw.h"

#include "connect/fetch.h"

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n"

static int get(struct raw *raw, const char *path, struct fetch_request request, struct fetch_reply *reply,
               struct err *err)
{
    char url[256];
    snprintf(url, sizeof(url), "%s%s", raw->url, path);
    request.url = url;
    if (request.body_max == 0)
        request.body_max = 1000;
    request.low_speed_bps = 100;
    request.low_speed_s = 1;
    return fetch_once(&request, reply, err);
}

static void expect_failure(struct raw *raw, const char *path, int code, const char *part)
{
    struct fetch_reply reply;
    struct err err = {0};
    int got = get(raw, path, (struct fetch_request){0}, &reply, &err);
    if (got != code || !strstr(err.text, part))
        fail_msg("%s: %d \"%s\", expected %d \"%s\"", path, got, err.text, code, part);
    fetch_reply_done(&reply);
}

static void test_limits(void **state)
{
    struct raw *raw = raw_start();
    (void)state;
    raw_bytes(raw, "/endless", RAW_ENDLESS, OK "\r\n");
    raw_bytes(raw, "/promises", RAW_SILENT, "");
    raw_bytes(raw, "/drip", RAW_DRIP, OK "\r\n");
    raw_bytes(raw, "/large", RAW_WHOLE, OK "Content-Length: 5000\r\n\r\n");
    raw_bytes(raw, "/cut", RAW_CUT,
              OK "Content-Length: 900\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    raw_bytes(raw, "/half-header", RAW_WHOLE, "HTTP/1.1 200 OK\r\nContent-Ty");
    raw_bytes(raw, "/gzip", RAW_WHOLE, OK "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nxxxxx");
    raw_bytes(raw, "/headers", RAW_ENDLESS, OK "X: ");
    raw_bytes(raw, "/old", RAW_WHOLE, "hello, this is no HTTP");
    raw_bytes(raw, "/away", RAW_WHOLE,
              "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    raw_bytes(raw, "/file", RAW_WHOLE,
              "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    raw_run(raw);
    expect_failure(raw, "/endless", ERR_LIMIT, "longer than 1000 bytes");
    expect_failure(raw, "/promises", ERR_NET, "too slow");
    expect_failure(raw, "/drip", ERR_NET, "too slow");
    expect_failure(raw, "/large", ERR_NET, "");
    expect_failure(raw, "/cut", ERR_NET, "");
    expect_failure(raw, "/half-header", ERR_NET, "within the header");
    expect_failure(raw, "/gzip", ERR_REFUSED, "compressed");
    expect_failure(raw, "/old", ERR_NET, "");
    expect_failure(raw, "/away", ERR_REFUSED, "redirect to http://127.0.0.1:1/, which is not followed");
    expect_failure(raw, "/file", ERR_REFUSED, "redirect");
    struct fetch_reply reply;
    struct err err = {0};
    assert_true(get(raw, "/headers", (struct fetch_request){0}, &reply, &err) < 0);
    fetch_reply_done(&reply);
    raw_stop(raw);
}

static void test_same_host_redirect(void **state)
{
    struct raw *raw = raw_start();
    struct fetch_reply reply;
    struct err err = {0};
    (void)state;
    raw_bytes(raw, "/here", RAW_WHOLE,
              "HTTP/1.1 301 Moved\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    raw_bytes(raw, "/loop", RAW_WHOLE,
              "HTTP/1.1 301 Moved\r\nLocation: /loop\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    raw_body(raw, "/there", SPAN_LIT("found"));
    raw_run(raw);
    struct fetch_request request = {.redirects_same_host = true};
    assert_int_equal(get(raw, "/here", request, &reply, &err), 0);
    assert_true(span_is(buf_view(&reply.body), "found"));
    fetch_reply_done(&reply);
    assert_int_equal(get(raw, "/loop", request, &reply, &err), ERR_REFUSED);
    fetch_reply_done(&reply);
    raw_stop(raw);
}

static void test_conditional(void **state)
{
    struct raw *raw = raw_start();
    struct fetch_reply reply;
    struct err err = {0};
    (void)state;
    raw_bytes(raw, "/same", RAW_WHOLE, "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nConnection: close\r\n\r\n");
    raw_bytes(raw, "/busy", RAW_WHOLE,
              "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    raw_run(raw);
    struct fetch_request request = {.if_none_match = "\"v1\"", .accept = "text/plain"};
    assert_int_equal(get(raw, "/same", request, &reply, &err), 0);
    assert_int_equal(reply.status, 304);
    assert_string_equal(reply.etag, "\"v1\"");
    fetch_reply_done(&reply);
    assert_int_equal(get(raw, "/busy", (struct fetch_request){0}, &reply, &err), 0);
    assert_int_equal(reply.status, 503);
    assert_int_equal(reply.retry_after_s, 120);
    fetch_reply_done(&reply);
    raw_stop(raw);
}

static void test_addresses(void **state)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://x", "127.0.0.1", ""};
    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct fetch_request request = {.url = urls[i], .body_max = 10};
        struct fetch_reply reply;
        bad(fetch_once(&request, &reply, &err), ERR_USAGE, "http://");
        fetch_reply_done(&reply);
    }
}

static int sink(void *ctx, struct span piece, struct err *err)
{
    struct buf *out = ctx;
    buf_span(out, piece);
    return buf_check(out, "sink", err);
}

static void test_sink(void **state)
{
    struct raw *raw = raw_start();
    struct fetch_reply reply;
    struct err err = {0};
    struct buf out;
    (void)state;
    raw_body(raw, "/x", SPAN_LIT("0123456789"));
    raw_run(raw);
    buf_init(&out, 100);
    assert_int_equal(get(raw, "/x", (struct fetch_request){.sink = sink, .ctx = &out}, &reply, &err), 0);
    assert_true(span_is(buf_view(&out), "0123456789"));
    assert_int_equal(reply.body.len, 0);
    fetch_reply_done(&reply);
    buf_done(&out);
    buf_init(&out, 4);
    assert_int_equal(get(raw, "/x", (struct fetch_request){.sink = sink, .ctx = &out}, &reply, &err), ERR_LIMIT);
    fetch_reply_done(&reply);
    buf_done(&out);
    raw_stop(raw);
}

/* What a server was sent. */
struct heard {
    int listener;
    char text[1000];
};

static void *hear(void *ctx)
{
    static const char answer[] = OK "Content-Length: 5\r\n\r\nheard";
    struct heard *heard = ctx;
    int socket = accept(heard->listener, NULL, NULL);
    size_t len = 0;
    while (!strstr(heard->text, "\r\n\r\na=1&b=2")) {
        ssize_t got = recv(socket, heard->text + len, sizeof(heard->text) - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    (void)!write(socket, answer, sizeof(answer) - 1);
    close(socket);
    return NULL;
}

static void test_post(void **state)
{
    struct heard heard = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    pthread_t thread;
    char url[64];
    (void)state;
    assert_int_equal(bind(heard.listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(heard.listener, 1), 0);
    assert_int_equal(getsockname(heard.listener, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&thread, NULL, hear, &heard), 0);
    struct fetch_request request = {.url = url,
                                    .body_max = 100,
                                    .post_type = "application/x-www-form-urlencoded",
                                    .post = SPAN_LIT("a=1&b=2"),
                                    .authorization = "Basic eDp5"};
    struct fetch_reply reply;
    good(fetch_once(&request, &reply, &err));
    pthread_join(thread, NULL);
    assert_true(span_is(buf_view(&reply.body), "heard"));
    assert_true(strncmp(heard.text, "POST /x HTTP/1.1\r\n", 18) == 0);
    assert_non_null(strstr(heard.text, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(heard.text, "\r\nAuthorization: Basic eDp5\r\n"));
    assert_non_null(strstr(heard.text, "\r\n\r\na=1&b=2"));
    fetch_reply_done(&reply);
    close(heard.listener);
}

static void *wake_thread(void *ctx)
{
    fetcher_wake(ctx);
    return NULL;
}

static void never(void *ctx, struct fetch_reply *reply)
{
    (void)ctx;
    (void)reply;
    fail();
}

/* Waiting ends when somebody wakes; a request that was cancelled is never answered. */
static void test_wake_and_cancel(void **state)
{
    struct raw *raw = raw_start();
    struct fetcher *fetcher;
    struct fetch *fetch;
    pthread_t thread;
    char url[128];
    (void)state;
    raw_bytes(raw, "/silent", RAW_SILENT, "");
    raw_run(raw);
    snprintf(url, sizeof(url), "%s/silent", raw->url);
    good(fetcher_new(&fetcher, &err));
    struct fetch_request request = {.url = url, .body_max = 10, .done = never};
    good(fetch_start(fetcher, &request, &fetch, &err));
    assert_int_equal(pthread_create(&thread, NULL, wake_thread, fetcher), 0);
    good(fetcher_run(fetcher, 60000, &err));
    pthread_join(thread, NULL);
    assert_int_equal(fetcher_active(fetcher), 1);
    fetch_cancel(fetch);
    assert_int_equal(fetcher_active(fetcher), 0);
    good(fetch_start(fetcher, &request, &fetch, &err));
    fetcher_free(fetcher); /* with a request under way */
    raw_stop(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_same_host_redirect),
        cmocka_unit_test(test_conditional),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_post),
        cmocka_unit_test(test_sink),
        cmocka_unit_test(test_wake_and_cancel),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What headers say about who is there, and how often one may fail: nobody is let in by form, nobody is locked out for good. */
#include "http/visitor.h"

#include "http/node_impl.h"

const struct capability *const capabilities[] = {NULL};

static void bearers(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"Bearer tz_x", "tz_x"}, {"bearer  tz_x ", "tz_x"}, {"BEARER tz_x", "tz_x"}, {"Basic dXNlcg==", ""}, {"", ""},
        {"Bearer", ""},          {"Bearertz_x", ""},        {"Bearer ", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_span(http_bearer(span_str(cases[i][0])), cases[i][1]);
}

/* What a browser wrote stands in front; what the proxy wrote is last. */
static void forwarded(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"6.6.6.6, 192.0.2.1", "192.0.2.1"},
        {"x, 2001:DB8::0001", "2001:db8::1"},
        {"192.0.2.1, ", NULL},
        {"192.0.2.1:80", NULL},
        {"unknown", NULL},
        {"", NULL},
        {"192.0.2.01", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char out[ADDRESS_MAX] = "";
        bool is_there = http_forwarded(span_str(cases[i][0]), out);
        assert_int_equal(is_there, cases[i][1] != NULL);
        if (is_there)
            assert_string_equal(out, cases[i][1]);
    }
    char out[ADDRESS_MAX];
    assert_false(http_forwarded(span_of("192.0.2.1\0x", 11), out));
}

/* Where a sign-in goes on is on this server. */
static void paths(void **state)
{
    (void)state;
    static const char *const ours[] = {"/", "/account", "/record/n.example/aa/1", "/intelligence?q=x"};
    static const char *const others[] = {
        "",     "account",   "//evil.example", "/\\evil.example", "https://evil.example",
        "/a b", "/\r\nx: y", "/\"onload",      "/\xe2\x80\xae",   "javascript:alert(1)"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        assert_true(http_path_is_ours(span_str(ours[i])));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_false(http_path_is_ours(span_str(others[i])));
}

static void forms(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct http_request request = {.arena = &arena, .content_type = SPAN_LIT("application/x-www-form-urlencoded")};
    request.body = SPAN_LIT("name=li&csrf=a%20b&csrf=second");
    assert_span(http_form_value(&request, "csrf"), "a b");
    assert_span(http_form_value(&request, "none"), "");
    request.body = SPAN_LIT("csrf=%zz");
    assert_span(http_form_value(&request, "csrf"), "");
    request.content_type = SPAN_LIT("text/plain");
    request.body = SPAN_LIT("csrf=x");
    assert_span(http_form_value(&request, "csrf"), "");
    request.content_type = SPAN_LIT("multipart/form-data; boundary=B");
    request.body = SPAN_LIT("--B\r\nContent-Disposition: form-data; name=\"csrf\"; filename=\"f\"\r\n\r\nfile\r\n"
                            "--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nfield\r\n--B--\r\n");
    assert_span(http_form_value(&request, "csrf"), "field"); /* a file is no field */
    arena_done(&arena);
}

static void trust_is_read_strictly(void **state)
{
    (void)state;
    static const char *const right[] = {"Remote-User@127.0.0.1", "X-User@2001:db8::1"};
    static const char *const wrong[] = {"",        "@127.0.0.1", "Remote-User", "Remote-User@", "Remote-User@host",
                                        "A b@::1", "A:@::1",     "-A@::1",      "9@::1",        "A@127.0.0.1/8"};
    for (size_t i = 0; i < sizeof(right) / sizeof(*right) + sizeof(wrong) / sizeof(*wrong); i++) {
        bool is_right = i < sizeof(right) / sizeof(*right);
        struct signing_options options = {.dir = "/nowhere",
                                          .trust = is_right ? right[i] : wrong[i - sizeof(right) / sizeof(*right)]};
        struct signing *signing = NULL;
        struct err err = {0};
        assert_int_equal(signing_new(&options, &signing, &err), is_right ? 0 : ERR_USAGE);
        signing_free(signing);
    }
}

/* One password at a time, whoever asks, and nothing else waits for it. */
static void passwords_are_looked_at_one_by_one(void **state)
{
    (void)state;
    struct node node;
    struct err err = {0};
    struct signing *signing = NULL;
    struct store *first = NULL, *second = NULL, *quick = NULL;
    node_start(&node, 8);
    struct signing_options options = {.dir = node.dir};
    must(signing_new(&options, &signing, &err), &err);
    must(signing_take(signing, SIGNING_PASSWORD, &first, &err), &err);
    assert_int_equal(signing_take(signing, SIGNING_PASSWORD, &second, &err), ERR_STATE);
    assert_null(second);
    must(signing_take(signing, SIGNING_QUICK, &quick, &err), &err);
    signing_give(signing, SIGNING_QUICK, 0);
    signing_give(signing, SIGNING_PASSWORD, 0);
    must(signing_take(signing, SIGNING_PASSWORD, &second, &err), &err);
    assert_ptr_equal(first, second);
    signing_give(signing, SIGNING_PASSWORD, ERR_IO); /* a handle that failed is not used again */
    must(signing_take(signing, SIGNING_PASSWORD, &second, &err), &err);
    must(store_begin(second, &err), &err);
    store_rollback(second);
    signing_give(signing, SIGNING_PASSWORD, 0);
    signing_free(signing);
    node_stop(&node);
}

/* ---- attempts ---- */

static unsigned tries(struct attempts *attempts, const struct attempt *attempt)
{
    unsigned count = 0;
    while (count < 1000 && attempts_wait_ms(attempts, attempt) == 0) {
        attempts_failed(attempts, attempt);
        count++;
    }
    return count;
}

static void an_address_is_slowed_down(void **state)
{
    (void)state;
    struct attempts *attempts = attempts_new();
    struct attempt attempt = {.address = "192.0.2.1", .name = SPAN_LIT("a"), .now_ms = 1000000};
    assert_int_equal(tries(attempts, &attempt), ATTEMPTS_ADDRESS);
    /* Whatever the name; another address is free. */
    attempt.name = SPAN_LIT("b");
    int64_t wait_ms = attempts_wait_ms(attempts, &attempt);
    assert_true(wait_ms > 0 && wait_ms <= ATTEMPTS_ADDRESS_EACH_MS);
    attempt.address = "192.0.2.2";
    assert_int_equal(attempts_wait_ms(attempts, &attempt), 0);
    /* Who waits as long as it says may try once. */
    attempt.address = "192.0.2.1";
    attempt.now_ms += wait_ms;
    assert_int_equal(tries(attempts, &attempt), 1);
    attempt.now_ms += ATTEMPTS_ADDRESS * ATTEMPTS_ADDRESS_EACH_MS;
    assert_int_equal(tries(attempts, &attempt), ATTEMPTS_ADDRESS);
    attempts_free(attempts);
}

static void a_network_counts_as_one(void **state)
{
    (void)state;
    struct attempts *attempts = attempts_new();
    char address[64];
    unsigned passed = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(address, sizeof(address), "2001:db8::%x", i + 1);
        struct attempt attempt = {.address = address, .name = SPAN_LIT(""), .now_ms = 1000000};
        if (attempts_wait_ms(attempts, &attempt) > 0)
            continue;
        attempts_failed(attempts, &attempt);
        passed++;
    }
    assert_int_equal(passed, ATTEMPTS_ADDRESS);
    attempts_free(attempts);
}

/* Strangers from everywhere try one name: they are slowed down, its owner is not. */
static void nobody_is_locked_out(void **state)
{
    (void)state;
    struct attempts *attempts = attempts_new();
    char address[64];
    unsigned passed = 0;
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(address, sizeof(address), "10.0.%u.%u", i / 250, i % 250);
        struct attempt attempt = {.address = address, .name = SPAN_LIT("li.wei"), .now_ms = 1000000};
        if (attempts_wait_ms(attempts, &attempt) > 0)
            continue;
        attempts_failed(attempts, &attempt);
        passed++;
    }
    assert_true(passed >= ATTEMPTS_ACCOUNT && passed <= ATTEMPTS_ACCOUNT + 2);
    struct attempt owner = {.address = "192.0.2.1", .name = SPAN_LIT("li.wei"), .is_known = true, .now_ms = 1000000};
    assert_int_equal(attempts_wait_ms(attempts, &owner), 0);
    /* From a new address it has to wait its turn, which comes while the strangers stop for a minute at most. */
    owner.is_known = false;
    int64_t wait_ms = attempts_wait_ms(attempts, &owner);
    assert_true(wait_ms > 0 && wait_ms <= ATTEMPTS_ACCOUNT_EACH_MS);
    attempts_free(attempts);
}

/* Who knows the password has six digits left to guess: that is slower. */
static void codes_are_guessed_slowly(void **state)
{
    (void)state;
    struct attempts *attempts = attempts_new();
    char address[64];
    unsigned passed = 0;
    for (unsigned i = 0; i < 24 * 60; i++) { /* a day, a try a minute, each from another address */
        snprintf(address, sizeof(address), "10.0.%u.%u", i / 250, i % 250);
        struct attempt attempt = {
            .address = address, .name = SPAN_LIT("li.wei"), .is_code = true, .now_ms = 1000000 + i * INT64_C(60000)};
        if (attempts_wait_ms(attempts, &attempt) > 0)
            continue;
        attempts_failed(attempts, &attempt);
        passed++;
    }
    assert_in_range(passed, 300, 24 * 60 / ATTEMPTS_CODE + ATTEMPTS_ACCOUNT);
    attempts_free(attempts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bearers),
        cmocka_unit_test(forwarded),
        cmocka_unit_test(paths),
        cmocka_unit_test(forms),
        cmocka_unit_test(trust_is_read_strictly),
        cmocka_unit_test(passwords_are_looked_at_one_by_one),
        cmocka_unit_test(an_address_is_slowed_down),
        cmocka_unit_test(a_network_counts_as_one),
        cmocka_unit_test(nobody_is_locked_out),
        cmocka_unit_test(codes_are_guessed_slowly),
    };
    RUN_TESTS(tests);
}

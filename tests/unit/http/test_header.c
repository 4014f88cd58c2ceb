#include "http/header.h"

#include "http/check.h"

static void ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t size;
        enum http_range result;
        uint64_t from, len;
    } cases[] = {
        {"bytes=0-0", 10, HTTP_RANGE_PART, 0, 1},
        {"bytes=2-5", 10, HTTP_RANGE_PART, 2, 4},
        {"bytes=2-", 10, HTTP_RANGE_PART, 2, 8},
        {"bytes=2-99", 10, HTTP_RANGE_PART, 2, 8},
        {"bytes=-3", 10, HTTP_RANGE_PART, 7, 3},
        {"bytes=-99", 10, HTTP_RANGE_PART, 0, 10},
        {"bytes=10-", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-1", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=5-2", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=0-1,3-4", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=-", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=a-b", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=1", 10, HTTP_RANGE_NONE, 0, 0},
        {"items=0-1", 10, HTTP_RANGE_NONE, 0, 0},
        {"", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=18446744073709551616-", 10, HTTP_RANGE_NONE, 0, 0},
        {"bytes=0-18446744073709551615", 10, HTTP_RANGE_PART, 0, 10},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t from = 0, len = 0;
        assert_int_equal(http_range_parse(span_str(cases[i].text), cases[i].size, &from, &len), cases[i].result);
        if (cases[i].result == HTTP_RANGE_PART) {
            assert_int_equal(from, cases[i].from);
            assert_int_equal(len, cases[i].len);
        }
    }
}

static bool listed(const char *header, const char *etag)
{
    return http_etag_listed(span_str(header), etag);
}

static void entity_tags(void **state)
{
    (void)state;
    assert_true(listed("\"a\"", "\"a\""));
    assert_true(listed("W/\"a\"", "\"a\""));
    assert_true(listed("\"b\", \"a\"", "\"a\""));
    assert_true(listed("*", "\"a\""));
    assert_false(listed("\"b\"", "\"a\""));
    assert_false(listed("a", "\"a\""));
    assert_false(listed("", "\"a\""));
    assert_false(listed("*", "")); /* no tag, nothing to compare */
}

static void loopback_hosts(void **state)
{
    (void)state;
    static const char *const good[] = {"localhost",      "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8080",
                                       "127.12.34.56:1", "[::1]",        "[::1]:8080"};
    static const char *const bad[] = {"",
                                      "evil.example",
                                      "localhost.evil.example",
                                      "127.evil.example",
                                      "127.0.0.1.evil.example",
                                      "[::2]",
                                      "128.0.0.1",
                                      "::1",
                                      "127.0.0",
                                      "[::1].evil"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(http_host_is_loopback(span_str(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (http_host_is_loopback(span_str(bad[i])))
            fail_msg("%s passed for this machine", bad[i]);
    }
}

static bool same(const char *host, const char *origin, const char *site)
{
    return http_same_origin(span_str(host), span_str(origin), span_str(site));
}

static void origins(void **state)
{
    (void)state;
    assert_true(same("localhost:80", "", ""));
    assert_true(same("localhost:80", "http://localhost:80", ""));
    assert_true(same("localhost:80", "http://localhost:80", "same-origin"));
    assert_true(same("localhost:80", "", "none"));
    assert_false(same("localhost:80", "http://localhost:81", ""));
    assert_false(same("localhost:80", "http://evil.example", ""));
    assert_false(same("localhost:80", "null", ""));
    assert_false(same("", "http://", ""));
    assert_false(same("localhost:80", "http://localhost:80", "cross-site"));
    assert_false(same("localhost:80", "http://localhost:80", "same-site"));
}

static void accepts(void **state)
{
    (void)state;
    assert_true(http_accepts_html(SPAN_LIT("text/html,application/xhtml+xml,*/*;q=0.8")));
    assert_true(http_accepts_html(SPAN_LIT("application/json, text/html;q=0.5")));
    assert_false(http_accepts_html(SPAN_LIT("*/*")));
    assert_false(http_accepts_html(SPAN_LIT("application/json")));
    assert_false(http_accepts_html(SPAN_LIT("")));
    assert_int_equal(http_prefer_wait(SPAN_LIT("wait=30"), 60), 30);
    assert_int_equal(http_prefer_wait(SPAN_LIT("respond-async, wait=90"), 60), 60);
    assert_int_equal(http_prefer_wait(SPAN_LIT("wait=x"), 60), 0);
    assert_int_equal(http_prefer_wait(SPAN_LIT("wait"), 60), 0);
    assert_int_equal(http_prefer_wait(SPAN_LIT(""), 60), 0);
    assert_span(http_cookie(SPAN_LIT("a=b; lang=zh-Hans; c"), "lang"), "zh-Hans");
    assert_span(http_cookie(SPAN_LIT("xlang=zh"), "lang"), "");
}

static const char *choose(const char *query, const char *cookie, const char *accept, bool *is_explicit)
{
    return http_language_choose(span_str(query), span_str(cookie), span_str(accept), is_explicit);
}

static void languages(void **state)
{
    (void)state;
    static const struct {
        const char *query, *cookie, *accept, *language;
        bool is_explicit;
    } cases[] = {
        {"", "", "", "en", false},
        {"", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans", false},
        {"", "", "zh-TW", "zh-Hans", false},
        {"", "", "zh-Hant-HK", "zh-Hans", false},
        {"", "", "ZH", "zh-Hans", false},
        {"", "", "en-GB,zh;q=0.9", "en", false},
        {"", "", "en;q=0.1, zh;q=0.2", "zh-Hans", false},
        {"", "", "zh;q=0, en;q=0.1", "en", false},
        {"", "", "fr, zh;q=0.5", "zh-Hans", false},
        {"", "", "fr, *;q=0.5", "en", false},
        {"", "", "zhx", "en", false},
        {"", "", "zh;q=9", "en", false},
        {"", "", "zh;q=0.5555", "en", false},
        {"", "", ",,;q=,zh", "zh-Hans", false},
        {"", "lang=zh-Hans", "en", "zh-Hans", false},
        {"", "lang=xx", "zh", "zh-Hans", false},
        {"en", "lang=zh-Hans", "zh", "en", true},
        {"zh", "lang=en", "en", "zh-Hans", true},
        {"xx", "", "zh", "zh-Hans", false},
        {"\"><script>", "", "en", "en", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_explicit = false;
        const char *got = choose(cases[i].query, cases[i].cookie, cases[i].accept, &is_explicit);
        if (strcmp(got, cases[i].language) != 0 || is_explicit != cases[i].is_explicit)
            fail_msg("case %zu: %s", i, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),  cmocka_unit_test(entity_tags), cmocka_unit_test(loopback_hosts),
        cmocka_unit_test(origins), cmocka_unit_test(accepts),     cmocka_unit_test(languages),
    };
    RUN_TESTS(tests);
}

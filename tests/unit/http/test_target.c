#include "http/target.h"

#include "base/limits.h"
#include "http/check.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void decodes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool in_query;
        const char *plain; /* NULL: refused */
    } cases[] = {
        {"", false, ""},          {"abc", false, "abc"},     {"a+b", false, "a+b"},
        {"a+b", true, "a b"},     {"%2Fa%2f", false, "/a/"}, {"%E5%90%8C%E8%88%9F", true, "同舟"},
        {"100%25", true, "100%"}, {"%0A", true, "\n"},       {"%", true, NULL},
        {"%4", true, NULL},       {"%4G", true, NULL},       {"%%41", true, NULL},
        {"%00", true, NULL},      {"%1B", true, NULL},       {"%7f", true, NULL},
        {"%FF", true, NULL},      {"%C0%80", true, NULL},    {"%ED%A0%80", true, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span plain;
        struct err err;
        int rc = http_decode(span_str(cases[i].text), cases[i].in_query, &arena, &plain, &err);
        assert_int_equal(rc, cases[i].plain ? 0 : ERR_SYNTAX);
        if (cases[i].plain)
            assert_span(plain, cases[i].plain);
    }
}

static int parse(const char *target, struct http_request *request, struct err *err)
{
    *request = (struct http_request){.arena = &arena};
    return http_target_parse(span_str(target), &arena, request, err);
}

static void parses_queries(void **state)
{
    (void)state;
    struct http_request request;
    struct err err;
    assert_int_equal(parse("/intelligence?q=evil.example+x&lang=zh-Hans&&empty&q=second", &request, &err), 0);
    assert_span(request.path, "/intelligence");
    assert_int_equal(request.query_count, 4);
    assert_span(http_query(&request, "q"), "evil.example x");
    assert_span(http_query(&request, "lang"), "zh-Hans");
    assert_span(http_query(&request, "empty"), "");
    assert_span(http_query(&request, "none"), "");
    assert_int_equal(parse("/a?b=c=d?e", &request, &err), 0);
    assert_span(http_query(&request, "b"), "c=d?e");
}

static void refuses_targets(void **state)
{
    (void)state;
    struct http_request request;
    struct err err;
    assert_int_equal(parse("", &request, &err), ERR_SYNTAX);
    assert_int_equal(parse("*", &request, &err), ERR_SYNTAX);
    assert_int_equal(parse("http://localhost/", &request, &err), ERR_SYNTAX);
    assert_int_equal(parse("/\xE5\x90\x8C", &request, &err), ERR_SYNTAX);
    assert_int_equal(parse("/a b", &request, &err), ERR_SYNTAX);
    assert_int_equal(parse("/?q=%zz", &request, &err), ERR_SYNTAX);
}

static void bounds_targets(void **state)
{
    (void)state;
    static char target[HTTP_URL_MAX + 2];
    struct http_request request;
    struct err err;
    memset(target, 'a', HTTP_URL_MAX);
    target[0] = '/';
    assert_int_equal(parse(target, &request, &err), 0);
    target[HTTP_URL_MAX] = 'a';
    assert_int_equal(parse(target, &request, &err), ERR_LIMIT);

    char many[8 * HTTP_PARAMS_MAX] = "/?";
    for (int i = 0; i < HTTP_PARAMS_MAX; i++)
        strcat(many, "a=1&");
    assert_int_equal(parse(many, &request, &err), 0);
    assert_int_equal(request.query_count, HTTP_PARAMS_MAX);
    strcat(many, "b=2");
    assert_int_equal(parse(many, &request, &err), ERR_LIMIT);
}

static int match(const char *pattern, const char *path, struct http_request *request)
{
    struct err err;
    size_t literal;
    *request = (struct http_request){.arena = &arena};
    return http_pattern_match(pattern, span_str(path), &arena, request, &literal, &err);
}

static void matches_patterns(void **state)
{
    (void)state;
    struct http_request request;
    assert_int_equal(match("/", "/", &request), 1);
    assert_int_equal(match("/", "/a", &request), 0);
    assert_int_equal(match("/members", "/members", &request), 1);
    assert_int_equal(match("/members", "/members/", &request), 0);
    assert_int_equal(match("/members", "/member", &request), 0);
    assert_int_equal(match("/members/{name}/{hash}", "/members/caf%C3%A9/abc", &request), 1);
    assert_int_equal(request.part_count, 2);
    assert_span(request.part[0], "café");
    assert_span(request.part[1], "abc");
    assert_int_equal(match("/members/{name}/{hash}", "/members//abc", &request), 0);
    assert_int_equal(match("/members/{name}/{hash}", "/members/a", &request), 0);
    assert_int_equal(match("/members/{name}/{hash}", "/members/a/b/c", &request), 0);
    assert_int_equal(match("/logs/{hash}/{rest}", "/logs/00/tile/0/x001/000.p/5", &request), 1);
    assert_span(request.part[1], "tile/0/x001/000.p/5");
    assert_int_equal(match("/logs/{hash}/{rest}", "/logs/00/", &request), 0);
    assert_int_equal(match("/logs/{hash}/{rest}", "/logs/00", &request), 0);
    assert_int_equal(match("/a/{b}", "/a/%zz", &request), ERR_SYNTAX);
    assert_int_equal(match("/a/{b}", "/a/x%2Fy", &request), 1);
    assert_span(request.part[0], "x/y");
}

static void literal_length(void **state)
{
    (void)state;
    struct http_request request = {.arena = &arena};
    struct err err;
    size_t general, particular;
    struct span path = SPAN_LIT("/intelligence/value");
    assert_int_equal(http_pattern_match("/intelligence/{what}", path, &arena, &request, &general, &err), 1);
    assert_int_equal(http_pattern_match("/intelligence/value", path, &arena, &request, &particular, &err), 1);
    assert_true(particular > general);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(decodes, setup, teardown),
        cmocka_unit_test_setup_teardown(parses_queries, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_targets, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds_targets, setup, teardown),
        cmocka_unit_test_setup_teardown(matches_patterns, setup, teardown),
        cmocka_unit_test_setup_teardown(literal_length, setup, teardown),
    };
    RUN_TESTS(tests);
}

#include "http/page.h"

#include <stdio.h>

#include "http/check.h"

const struct capability *const capabilities[] = {NULL};

#define NOW_MS INT64_C(1795345200000) /* 2026-11-22T11:00:00Z */
#define ORIGIN "café.example/abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsq"

static struct arena arena;
static struct http_request request;
static struct http_reply reply;
static struct page page;

static void begin(const char *lang)
{
    buf_done(&reply.body);
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    request = (struct http_request){.method = HTTP_GET, .lang = lang, .arena = &arena, .now_ms = NOW_MS};
    request.path = SPAN_LIT("/members");
    reply = (struct http_reply){.fd = -1};
    buf_init(&reply.body, 1 << 20);
    page_fragment(&page, &request, &reply);
}

static int teardown(void **state)
{
    (void)state;
    buf_done(&reply.body);
    arena_done(&arena);
    return 0;
}

/* What was written since the last look. */
#define assert_written(want)                                                                                           \
    do {                                                                                                               \
        assert_string_equal(buf_cstr(&reply.body), want);                                                              \
        buf_clear(&reply.body);                                                                                        \
    } while (0)

static void escapes(void **state)
{
    (void)state;
    begin("en");
    page_esc(&page, SPAN_LIT("<a href=\"x\" title='y'>&amp;</a>"));
    assert_written("&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
    page_esc(&page, SPAN_LIT("a\nb\tc\x1b[31m\xE2\x80\xAE\xFF同舟"));
    assert_written("a\\x0Ab\\x09c\\x1B[31m\\u{202E}\\xFF同舟");
    page_pre(&page, SPAN_LIT("a\n\tb\r<"));
    assert_written("a\n\tb\\x0D&lt;");
    page_bdi(&page, SPAN_LIT("<>"));
    assert_written("<bdi>&lt;&gt;</bdi>");
    page_url(&page, SPAN_LIT("a b/c?d&e=é\"<~-._"));
    assert_written("a%20b%2Fc%3Fd%26e%3D%C3%A9%22%3C~-._");
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        const char *text;
    } cases[] = {{0, "0"},
                 {999, "999"},
                 {1000, "1,000"},
                 {1234567, "1,234,567"},
                 {UINT64_MAX, "18,446,744,073,709,551,615"}},
      sizes[] = {{0, "0 B"},         {999, "999 B"},           {1000, "1.0 kB"},       {1300000, "1.3 MB"},
                 {999999, "1.0 MB"}, {64000000000, "64.0 GB"}, {UINT64_MAX, "18.4 EB"}};
    begin("en");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        page_number(&page, cases[i].number);
        assert_written(cases[i].text);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        page_bytes(&page, sizes[i].number);
        char *plain = (char *)(uintptr_t)buf_cstr(&reply.body);
        char *space = strstr(plain, "\xC2\xA0"); /* a space that does not break */
        assert_non_null(space);
        memmove(space, space + 1, strlen(space));
        *space = ' ';
        assert_string_equal(plain, sizes[i].text);
        buf_clear(&reply.body);
    }
}

static void times(void **state)
{
    (void)state;
    begin("en");
    page_time(&page, NOW_MS + 866123);
    assert_written("<time datetime=\"2026-11-22T11:14:26.123Z\">22 Nov 2026, 11:14 UTC</time>");
    page_time(&page, -5);
    assert_written("<time datetime=\"1970-01-01T00:00:00.000Z\">1 Jan 1970, 00:00 UTC</time>");
    page_time(&page, INT64_MAX);
    assert_written("<time datetime=\"9999-12-31T23:59:59.999Z\">31 Dec 9999, 23:59 UTC</time>");
    begin("zh-Hans");
    page_time(&page, NOW_MS);
    assert_written("<time datetime=\"2026-11-22T11:00:00.000Z\">2026年11月22日 11:00 UTC</time>");
}

static void ago(const char *lang, int64_t before_ms, const char *words)
{
    begin(lang);
    page_ago(&page, NOW_MS - before_ms);
    const char *text = strchr(buf_cstr(&reply.body), '>');
    char want[80];
    snprintf(want, sizeof(want), ">%s</time>", words);
    assert_string_equal(text, want);
}

static void times_ago(void **state)
{
    (void)state;
    const int64_t minute = 60000, hour = 60 * minute;
    ago("en", 0, "just now");
    ago("en", -hour, "just now"); /* another clock is ahead */
    ago("en", minute, "1 minute ago");
    ago("en", 59 * minute, "59 minutes ago");
    ago("en", hour, "1 hour ago");
    ago("en", 47 * hour, "47 hours ago");
    ago("en", 48 * hour, "2 days ago");
    ago("zh-Hans", 0, "刚刚");
    ago("zh-Hans", minute, "1 分钟前");
    ago("zh-Hans", 100 * 24 * hour, "100 天前");
}

static void sentences(void **state)
{
    (void)state;
    begin("en");
    page_sayf(&page, "{2} before {1}, {1} again; {3} {x} {", SAY(say_number(1000), say_text(SPAN_LIT("<b>"))));
    assert_written("<bdi>&lt;b&gt;</bdi> before 1,000, 1,000 again; {3} {x} {");
    page_sayf(&page, "{1}", SAY(say_origin(SPAN_LIT(ORIGIN))));
    assert_written("<a href=\"/members/caf%C3%A9.example/abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsq\"><bdi>"
                   "café.example/abcd…</bdi></a>");
    page_sayf(&page, "{1}", SAY(say_origin(SPAN_LIT("\"><script>"))));
    assert_written("<bdi>&quot;&gt;&lt;script&gt;</bdi>");
    page_record_link(&page, SPAN_LIT(ORIGIN), 7, SPAN_LIT("a & b"));
    assert_written("<a href=\"/record/caf%C3%A9.example/abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsq/7\"><bdi>"
                   "a &amp; b</bdi></a>");
    assert_string_equal(TRN(&page, 1, "member", "members"), "member");
    assert_string_equal(TRN(&page, 0, "member", "members"), "members");
    page_say(&page, "Members");
    assert_written("Members");
    begin("zh-Hans");
    page_say(&page, "Members");
    assert_written("成员");
    assert_string_equal(TRN(&page, 5, "member", "members"), "个成员");
    assert_string_equal(TRN(&page, 5, "no such", "no such texts"), "no such texts");
}

static void languages_of_others(void **state)
{
    (void)state;
    begin("en");
    page_lang(&page, SPAN_LIT("zh-Hans"));
    assert_written(" lang=\"zh-Hans\"");
    page_lang(&page, SPAN_LIT("de-1996"));
    assert_written(" lang=\"de-1996\"");
    page_lang(&page, SPAN_LIT("x\" onload=\"y"));
    page_lang(&page, SPAN_LIT(""));
    page_lang(&page, SPAN_LIT("1-a"));
    page_lang(&page, SPAN_LIT("averylongtagthatnobodywoulduse-in-earnest"));
    assert_written("");
}

static void json(void **state)
{
    (void)state;
    begin("en");
    assert_true(page_json(&page, SPAN_LIT("{\"a\":[1,true,null],\"b\":{},\"c\":\"\\u540c\\u821f <\\u202e\"}"), 10000));
    assert_written(
        "<pre class=\"json\" dir=\"ltr\" tabindex=\"0\">{\n"
        "  <span class=\"json-key\">\"a\"</span>: [\n"
        "    <span class=\"json-other\">1</span>,\n"
        "    <span class=\"json-other\">true</span>,\n"
        "    <span class=\"json-other\">null</span>\n"
        "  ],\n"
        "  <span class=\"json-key\">\"b\"</span>: {},\n"
        "  <span class=\"json-key\">\"c\"</span>: <span class=\"json-string\">&quot;同舟 &lt;\\u{202E}&quot;</span>\n"
        "}</pre>\n");
    assert_false(page_json(&page, SPAN_LIT("{\"a\":1,\"a\":2}"), 10000));
    assert_false(page_json(&page, SPAN_LIT("no JSON"), 10000));
    assert_false(page_json(&page, SPAN_LIT(""), 10000));
    assert_written("");
    /* One string, or one name, that is longer than the page should be. */
    buf_clear(page.out);
    assert_true(page_json(&page, SPAN_LIT("{\"a\":\"0123456789012345678901234567890123456789\"}"), 60));
    assert_null(strstr(buf_cstr(page.out), "89012345678901234567890123456789"));
    assert_non_null(strstr(buf_cstr(page.out), "…</pre>"));
    buf_clear(page.out);
    assert_true(page_json(&page, SPAN_LIT("[1,2,3,4,5,6,7,8,9]"), 100));
    assert_non_null(strstr(buf_cstr(&reply.body), "\n…</pre>"));
    assert_null(strstr(buf_cstr(&reply.body), ">9<"));
}

/* A frame is whole, in the reader's language, and its links to other languages keep the question. */
static void frames(void **state)
{
    (void)state;
    struct err err;
    begin("zh-Hans");
    buf_clear(&reply.body);
    request.query[0] = (struct http_param){SPAN_LIT("q"), SPAN_LIT("a&\"b")};
    request.query[1] = (struct http_param){SPAN_LIT("lang"), SPAN_LIT("zh")};
    request.query_count = 2;
    request.lang_explicit = true;
    page_begin(&page, &request, &reply, "members", "Members");
    assert_int_equal(page_end(&page, &err), 0);
    const char *html = buf_cstr(&reply.body);
    assert_int_equal(strncmp(html, "<!DOCTYPE html>\n<html lang=\"zh-Hans\" dir=\"ltr\">", 47), 0);
    assert_non_null(strstr(html, "<title>成员 · Tongzhou</title>"));
    assert_non_null(strstr(html, "<a href=\"/members\" aria-current=\"page\">成员</a>"));
    assert_non_null(
        strstr(html, "<a href=\"/members?q=a%26%22b&amp;lang=en\" lang=\"en\" hreflang=\"en\">English</a>"));
    assert_non_null(strstr(html, "</html>\n"));
    assert_string_equal(reply.content_type, "text/html; charset=utf-8");
    assert_true(reply.keep_language);
}

/* Too much for the reply: an error, not half a page. */
static void bounded(void **state)
{
    (void)state;
    struct err err;
    begin("en");
    reply.body.max = 100;
    page_begin(&page, &request, &reply, "", "Members");
    assert_int_equal(page_end(&page, &err), ERR_LIMIT);
    begin("en");
    char words[700];
    memset(words, 'a', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    page_fmt(&page, "%s", words);
    assert_int_equal(page_end_fragment(&page, &err), ERR_LIMIT);
}

static void problem(const char *accept, const char *lang, const char *type, const char *part)
{
    begin(lang);
    request.accept = span_str(accept);
    buf_str(&reply.body, "half an answer");
    assert_int_equal(http_problem(&request, &reply, 404, "Not found", "There is nothing at this address."), 0);
    assert_int_equal(reply.status, 404);
    assert_string_equal(reply.content_type, type);
    assert_string_equal(reply.cache_control, "no-store");
    assert_non_null(strstr(buf_cstr(&reply.body), part));
    assert_null(strstr(buf_cstr(&reply.body), "half"));
}

static void problems(void **state)
{
    (void)state;
    problem("*/*", "en", "application/problem+json",
            "{\"type\":\"about:blank\",\"title\":\"Not found\",\"status\":404,"
            "\"detail\":\"There is nothing at this address.\"}");
    problem("text/html", "en", "text/html; charset=utf-8", "<h1>Not found</h1>");
    problem("text/html", "zh-Hans", "text/html; charset=utf-8", "<h1>没有找到</h1>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),   cmocka_unit_test(numbers),   cmocka_unit_test(times),
        cmocka_unit_test(times_ago), cmocka_unit_test(sentences), cmocka_unit_test(languages_of_others),
        cmocka_unit_test(json),      cmocka_unit_test(frames),    cmocka_unit_test(bounded),
        cmocka_unit_test(problems),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, teardown);
}

/* Lists: every way in which people keep them, and what is no list at all. */
#include "security/read_help.h"

static void check_value(const char *line, enum ioc_type type, const char *value, const char *pattern)
{
    struct got got;
    got_text(&got, IMPORT_LIST, "bad.txt", line);
    if (got.item_count != 1)
        fail_msg("%s: %zu items, %s", line, got.item_count, got.bad_count ? got.bads[0].reason : "nothing bad");
    assert_int_equal(got.bad_count, 0);
    assert_int_equal(got.items[0].item.ioc_type, type);
    assert_string_equal(got.items[0].value, value);
    assert_true(got.items[0].item.generated);
    check_member(got.items[0].object, "pattern", pattern);
    check_member(got.items[0].object, "name", value);
    got_done(&got);
}

static void check_nothing(const char *line)
{
    struct got got;
    got_text(&got, IMPORT_LIST, "bad.txt", line);
    assert_int_equal(got.item_count, 0);
    assert_int_equal(got.bad_count, 0);
    got_done(&got);
}

static void check_bad(const char *line)
{
    struct got got;
    got_text(&got, IMPORT_LIST, "bad.txt", line);
    assert_int_equal(got.item_count, 0);
    assert_int_equal(got.bad_count, 1);
    assert_int_equal(got.bads[0].line, 1);
    assert_true(strlen(got.bads[0].reason) > 5);
    got_done(&got);
}

static void test_types(void **state)
{
    (void)state;
    check_value("1.2.3.4", IOC_IPV4, "1.2.3.4", "[ipv4-addr:value = '1.2.3.4']");
    check_value("1.2.3.4/24", IOC_IPV4, "1.2.3.0/24", "[ipv4-addr:value ISSUBSET '1.2.3.0/24']");
    check_value("2001:DB8::1", IOC_IPV6, "2001:db8::1", "[ipv6-addr:value = '2001:db8::1']");
    check_value("2001:db8::/32", IOC_IPV6, "2001:db8::/32", "[ipv6-addr:value ISSUBSET '2001:db8::/32']");
    check_value("Evil.COM", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("https://evil.com/x?y=1#z", IOC_URL, "evil.com/x?y=1", "[url:value = 'https://evil.com/x?y=1']");
    check_value("evil.com/o'x", IOC_URL, "evil.com/o'x", "[url:value = 'http://evil.com/o\\'x']");
    check_value("d41d8cd98f00b204e9800998ecf8427e", IOC_MD5, "d41d8cd98f00b204e9800998ecf8427e",
                "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']");
    check_value("DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", IOC_SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                "[file:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']");
    check_value("Some.Body@Evil.com", IOC_EMAIL, "some.body@evil.com", "[email-addr:value = 'some.body@evil.com']");
    check_value("1.2.3.4:443", IOC_IPV4_PORT, "1.2.3.4:443",
                "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '1.2.3.4' AND "
                "network-traffic:dst_port = 443]");
}

static void test_notations(void **state)
{
    (void)state;
    check_value("hxxps://evil[.]com/a", IOC_URL, "evil.com/a", "[url:value = 'https://evil.com/a']");
    check_value("evil(.)com", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("||evil.com^$third-party", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("*.evil.com", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("0.0.0.0 evil.com", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("::1\tevil.com # sinkhole", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("evil.com,malware,2026-01-01", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("\"evil.com\",\"a, b\"", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("1.2.3.4;botnet", IOC_IPV4, "1.2.3.4", "[ipv4-addr:value = '1.2.3.4']");
    check_value("https://evil.com/a,b 2026-01-01 malware", IOC_URL, "evil.com/a,b",
                "[url:value = 'https://evil.com/a,b']");
    check_value("\"evil.com\" malware", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("evil.com // why", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("evil.com ; why", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("\xef\xbb\xbf"
                "evil.com\r\n",
                IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("  evil.com\t\n", IOC_DOMAIN, "evil.com", "[domain-name:value = 'evil.com']");
    check_value("b\xc3\xbc"
                "cher.example",
                IOC_DOMAIN, "xn--bcher-kva.example", "[domain-name:value = 'xn--bcher-kva.example']");
}

static void test_nothing(void **state)
{
    (void)state;
    const char *const lines[] = {"",
                                 "\n\n\r\n",
                                 "# evil.com",
                                 "// evil.com",
                                 "; evil.com",
                                 "! evil.com",
                                 "   # x",
                                 "[Adblock Plus 2.0]",
                                 "127.0.0.1 localhost",
                                 "::1 ip6-localhost ip6-loopback",
                                 "\xef\xbb\xbf# first"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        check_nothing(lines[i]);
}

static void test_bad(void **state)
{
    (void)state;
    const char *const lines[] = {
        "localhost",    "no value at all", "1.2.3.256", "evil..com",         "x",       "a b", "evil.com\x01",
        "evil\xff.com", "<html>",          "{\"a\":1}", "1.2.3.4 - 1.2.3.9", "http://", "-"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        check_bad(lines[i]);
}

static void test_several_names(void **state)
{
    (void)state;
    struct got got;
    got_text(&got, IMPORT_LIST, "hosts", "0.0.0.0 a.evil.com  b.evil.com localhost nodots # comment\n");
    assert_int_equal(got.item_count, 2);
    assert_int_equal(got.bad_count, 1);
    assert_string_equal(got.items[1].value, "b.evil.com");
    got_done(&got);
}

static void test_positions(void **state)
{
    (void)state;
    struct got got;
    got_text(&got, IMPORT_LIST, "bad.txt", "# one\nevil.com\n\nwrong\nlast.com");
    assert_int_equal(got.item_count, 2);
    assert_int_equal(got.items[0].item.line, 2);
    assert_int_equal(got.items[0].item.offset, 6);
    assert_int_equal(got.items[1].item.line, 5);
    assert_int_equal(got.items[1].item.offset, 22);
    assert_int_equal(got.bad_count, 1);
    assert_int_equal(got.bads[0].line, 4);
    assert_int_equal(got.bads[0].offset, 16);
    got_done(&got);
}

static void test_object(void **state)
{
    (void)state;
    struct got got;
    char id[STIX_ID_MAX];
    got_text(&got, IMPORT_LIST, "lists/my_list.txt", "evil.com # it's \"bad\"\\\n");
    assert_int_equal(got.item_count, 1);
    stix_indicator_id(SPAN_LIT(TEST_ORIGIN), IOC_DOMAIN, SPAN_LIT("evil.com"), id);
    assert_string_equal(got.items[0].id, id);
    const char *object = got.items[0].object;
    check_member(object, "id", id);
    check_member(object, "type", "indicator");
    check_member(object, "spec_version", "2.1");
    check_member(object, "created", "2026-11-22T11:14:26.123Z");
    check_member(object, "modified", "2026-11-22T11:14:26.123Z");
    check_member(object, "valid_from", "2026-11-22T11:14:26.123Z");
    check_member(object, "pattern_type", "stix");
    check_member(object, "description", "it's \"bad\"\\");
    assert_non_null(strstr(object, "\"labels\":[\"my list\"]"));
    assert_non_null(strstr(object, "\"indicator_types\":[\"malicious-activity\"]"));
    got_done(&got);
}

static void test_long_lines(void **state)
{
    (void)state;
    struct got got;
    size_t len = 3 * (size_t)IMPORT_LINE_MAX;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'a', len);
    memcpy(text, "one.com\n", 8);
    memcpy(text + len - 9, "\ntwo.com\n", 9);
    for (size_t piece = 1000; piece < 2 * len; piece *= 7) {
        got_read(&got, IMPORT_LIST, "bad.txt", span_of(text, len), 0, piece);
        assert_int_equal(got.item_count, 2);
        assert_string_equal(got.items[1].value, "two.com");
        assert_int_equal(got.items[1].item.line, 3);
        assert_int_equal(got.bad_count, 1);
        assert_int_equal(got.bads[0].line, 2);
        assert_int_equal(got.bads[0].offset, 8);
        assert_non_null(strstr(got.bads[0].reason, "65536"));
        got_done(&got);
    }
    free(text);
}

/* A comment of any length and any bytes does not cost the value. */
static void test_long_comment(void **state)
{
    (void)state;
    struct got got;
    struct buf text;
    buf_init(&text, IMPORT_LINE_MAX);
    buf_str(&text, "evil.com # ");
    while (text.len + 4 < IMPORT_LINE_MAX)
        buf_str(&text, text.len % 2 ? "\xc3\xa4" : "\"\\\"");
    got_read(&got, IMPORT_LIST, "bad.txt", buf_view(&text), 0, 1000);
    assert_int_equal(got.item_count, 1);
    assert_int_equal(got.bad_count, 0);
    check_member(got.items[0].object, "name", "evil.com");
    got_done(&got);
    buf_done(&text);
}

static void test_binary(void **state)
{
    (void)state;
    struct got got;
    static const char text[] = "one.com\n\0\0\0\n\x7f"
                               "ELF\x02\n\xff\xfe"
                               "o\ntwo.com";
    got_read(&got, IMPORT_LIST, "bad.bin", span_of(text, sizeof(text) - 1), 0, SIZE_MAX);
    assert_int_equal(got.item_count, 2);
    assert_int_equal(got.bad_count, 3);
    got_done(&got);
}

static void test_cuts(void **state)
{
    (void)state;
    check_every_cut(
        IMPORT_LIST, "bad.txt",
        span_str("\xef\xbb\xbf# c\r\nevil.com\r\n\n0.0.0.0 a.com b.com # x\r\nwrong\nhxxp://x[.]com/\xc3\xa4\n"
                 "b\xc3\xbc"
                 "cher.example\n\xff\n1.2.3.4:80,x\nend.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),  cmocka_unit_test(test_notations),     cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_bad),    cmocka_unit_test(test_several_names), cmocka_unit_test(test_positions),
        cmocka_unit_test(test_object), cmocka_unit_test(test_long_lines),    cmocka_unit_test(test_long_comment),
        cmocka_unit_test(test_binary), cmocka_unit_test(test_cuts),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Canonical forms: what is accepted, as what; what is refused, and why. */
#include "sample.h"

static const struct {
    const char *text;
    enum ioc_type wanted, type;
    const char *canonical;
} good[] = {
    {"1.2.3.4", IOC_NONE, IOC_IPV4, "1.2.3.4"},
    {" 1.2.3.4\t", IOC_NONE, IOC_IPV4, "1.2.3.4"},
    {"1[.]2[.]3[.]4", IOC_NONE, IOC_IPV4, "1.2.3.4"},
    {"1.2.3[.]4", IOC_IPV4, IOC_IPV4, "1.2.3.4"},
    {"1.2.3.4/24", IOC_NONE, IOC_IPV4, "1.2.3.0/24"},
    {"1.2.3.4/32", IOC_NONE, IOC_IPV4, "1.2.3.4"},
    {"255.255.255.255/8", IOC_NONE, IOC_IPV4, "255.0.0.0/8"},
    {"1.2.3.4:443", IOC_NONE, IOC_IPV4_PORT, "1.2.3.4:443"},
    {"1.2.3.4[:]8080", IOC_NONE, IOC_IPV4_PORT, "1.2.3.4:8080"},
    {"2001:DB8:0:0:0:0:0:1", IOC_NONE, IOC_IPV6, "2001:db8::1"},
    {"[2001:db8::1]", IOC_NONE, IOC_IPV6, "2001:db8::1"},
    {"2001:db8:0:1:1:1:1:1", IOC_NONE, IOC_IPV6, "2001:db8:0:1:1:1:1:1"},
    {"2001:0:0:1:0:0:0:1", IOC_NONE, IOC_IPV6, "2001:0:0:1::1"},
    {"2001:db8:0:0:1:0:0:1", IOC_NONE, IOC_IPV6, "2001:db8::1:0:0:1"},
    {"::", IOC_NONE, IOC_IPV6, "::"},
    {"::1", IOC_NONE, IOC_IPV6, "::1"},
    {"1::", IOC_NONE, IOC_IPV6, "1::"},
    {"1:2:3:4:5:6:7:8", IOC_NONE, IOC_IPV6, "1:2:3:4:5:6:7:8"},
    {"1:2:3:4:5:6:7::", IOC_NONE, IOC_IPV6, "1:2:3:4:5:6:7:0"},
    {"64:ff9b::192.0.2.33", IOC_NONE, IOC_IPV6, "64:ff9b::c000:221"},
    {"::ffff:192.0.2.1", IOC_NONE, IOC_IPV4, "192.0.2.1"},
    {"::ffff:c000:201", IOC_IPV6, IOC_IPV4, "192.0.2.1"},
    {"::ffff:192.0.2.9/120", IOC_NONE, IOC_IPV4, "192.0.2.0/24"},
    {"2001:db8:ffff::/33", IOC_NONE, IOC_IPV6, "2001:db8:8000::/33"},
    {"2001:db8::/128", IOC_NONE, IOC_IPV6, "2001:db8::"},
    {"2001:fff::/19", IOC_NONE, IOC_IPV6, "2001::/19"},
    {"::ffff:10.1.2.3/104", IOC_NONE, IOC_IPV4, "10.0.0.0/8"},
    {"[2001:DB8::7]:443", IOC_NONE, IOC_IPV6, "2001:db8::7"},
    {"[2001:db8::7]:4444", IOC_IPV6, IOC_IPV6, "2001:db8::7"},
    {"[2001:db8::7]:4444", IOC_URL, IOC_URL, "[2001:db8::7]:4444/"},
    {"[::ffff:192.0.2.1]:443", IOC_NONE, IOC_IPV4_PORT, "192.0.2.1:443"},
    {"http://0.0.0.0/zero", IOC_NONE, IOC_URL, "0.0.0.0/zero"},
    {"2001:db8:1:2:3::/65", IOC_NONE, IOC_IPV6, "2001:db8:1:2::/65"},
    {"Evil.COM", IOC_NONE, IOC_DOMAIN, "evil.com"},
    {"evil.com.", IOC_NONE, IOC_DOMAIN, "evil.com"},
    {"*.evil.com", IOC_NONE, IOC_DOMAIN, "evil.com"},
    {".evil.com", IOC_NONE, IOC_DOMAIN, "evil.com"},
    {"evil[.]com", IOC_NONE, IOC_DOMAIN, "evil.com"},
    {"evil(.)com", IOC_NONE, IOC_DOMAIN, "evil.com"},
    {"evil{.}com", IOC_NONE, IOC_DOMAIN, "evil.com"},
    {"evil[dot]com", IOC_NONE, IOC_DOMAIN, "evil.com"},
    {"_dmarc.evil.com", IOC_NONE, IOC_DOMAIN, "_dmarc.evil.com"},
    {"3com.5lorexin", IOC_NONE, IOC_DOMAIN, "3com.5lorexin"},
    {"M\xc3\xbcnchen.example", IOC_NONE, IOC_DOMAIN, "xn--mnchen-3ya.example"},
    {"xn--mnchen-3ya.example", IOC_NONE, IOC_DOMAIN, "xn--mnchen-3ya.example"},
    {"\xe4\xbe\x8b\xe5\xad\x90.\xe6\xb5\x8b\xe8\xaf\x95", IOC_NONE, IOC_DOMAIN, "xn--fsqu00a.xn--0zwm56d"},
    {"http://Evil.com", IOC_NONE, IOC_URL, "evil.com/"},
    {"http://evil.com/", IOC_NONE, IOC_URL, "evil.com/"},
    {"hxxp://evil[.]com/a", IOC_NONE, IOC_URL, "evil.com/a"},
    {"hXXps[://]evil[.]com[/]A", IOC_NONE, IOC_URL, "evil.com/A"},
    {"h**p://evil.com/a", IOC_NONE, IOC_URL, "evil.com/a"},
    {"hxxp.com", IOC_NONE, IOC_DOMAIN, "hxxp.com"},
    {"evil.com/path", IOC_NONE, IOC_URL, "evil.com/path"},
    {"evil.com", IOC_URL, IOC_URL, "evil.com/"},
    {"evil.com:8080", IOC_NONE, IOC_URL, "evil.com:8080/"},
    {"https://evil.com:443/x", IOC_NONE, IOC_URL, "evil.com/x"},
    {"evil.com:80/x", IOC_NONE, IOC_URL, "evil.com/x"},
    {"http://user:pw@evil.com/x#top", IOC_NONE, IOC_URL, "evil.com/x"},
    {"http://evil.com?a=b", IOC_NONE, IOC_URL, "evil.com/?a=b"},
    {"http://evil.com/a?", IOC_NONE, IOC_URL, "evil.com/a"},
    {"http://evil.com/%7euser/%2f%c3%a4", IOC_NONE, IOC_URL, "evil.com/~user/%2F%C3%A4"},
    {"http://evil.com/a b\xc3\xa4", IOC_NONE, IOC_URL, "evil.com/a%20b%C3%A4"},
    {"http://evil.com/100%", IOC_NONE, IOC_URL, "evil.com/100%25"},
    {"http://1.2.3.4:8080/x", IOC_NONE, IOC_URL, "1.2.3.4:8080/x"},
    {"1.2.3.4/x", IOC_NONE, IOC_URL, "1.2.3.4/x"},
    {"http://[2001:DB8::1]:81/x", IOC_NONE, IOC_URL, "[2001:db8::1]:81/x"},
    {"//evil.com/x", IOC_NONE, IOC_URL, "evil.com/x"},
    {"ftp://evil.com/user@x", IOC_NONE, IOC_URL, "evil.com/user@x"},
    {"/gate.php", IOC_NONE, IOC_URL_PATH, "/gate.php"},
    {"/%7Euser/x y", IOC_NONE, IOC_URL_PATH, "/~user/x%20y"},
    {"D41D8CD98F00B204E9800998ECF8427E", IOC_NONE, IOC_MD5, "d41d8cd98f00b204e9800998ecf8427e"},
    {"da39a3ee5e6b4b0d3255bfef95601890afd80709", IOC_NONE, IOC_SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", IOC_NONE, IOC_SHA256,
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"User@Evil.COM", IOC_NONE, IOC_EMAIL, "user@evil.com"},
    {"user[at]evil[.]com", IOC_NONE, IOC_EMAIL, "user@evil.com"},
    {"o'brien+x@evil.com", IOC_NONE, IOC_EMAIL, "o'brien+x@evil.com"},
};

static void test_good(void **state)
{
    (void)state;
    struct buf out;
    struct err err = {0};
    buf_init(&out, SWEEP_TOKEN_MAX);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        enum ioc_type type = IOC_NONE;
        if (ioc_canonical(good[i].wanted, span_str(good[i].text), &out, &type, &err))
            fail_msg("%s: %s", good[i].text, err.text);
        assert_string_equal(buf_cstr(&out), good[i].canonical);
        assert_int_equal(type, good[i].type);
        assert_int_equal(err.code, 0);
    }
    buf_done(&out);
}

/* A canonical value is its own canonical value, recognised as what it is. */
static void test_stable(void **state)
{
    (void)state;
    struct buf out;
    struct err err = {0};
    buf_init(&out, SWEEP_TOKEN_MAX);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        enum ioc_type type = IOC_NONE;
        assert_int_equal(ioc_canonical(IOC_NONE, span_str(good[i].canonical), &out, &type, &err), 0);
        assert_string_equal(buf_cstr(&out), good[i].canonical);
        assert_int_equal(type, good[i].type);
    }
    buf_done(&out);
}

static const struct {
    const char *text;
    enum ioc_type wanted;
    const char *why;
} bad[] = {
    {"", IOC_NONE, "empty"},
    {"   ", IOC_NONE, "empty"},
    {"com", IOC_NONE, "single label"},
    {"2001:db8::/129", IOC_NONE, "no IPv6 address, a prefix longer than 128"},
    {"fe80::1%eth0", IOC_NONE, "no IPv6 address"},
    {"1:2:3:4:5:6:7:8:9", IOC_NONE, "no IPv6 address"},
    {"localhost", IOC_NONE, "single label"},
    {"a..b", IOC_NONE, "empty label"},
    {"evil.com..", IOC_NONE, "empty label"},
    {"1.2.3", IOC_NONE, "number"},
    {"01.2.3.4", IOC_NONE, "number"},
    {"1.2.3.256", IOC_NONE, "number"},
    {"C91.196.152.28", IOC_NONE, "number"},
    {"evil .com", IOC_NONE, "character"},
    {"evil!.com", IOC_NONE, "character"},
    {"a234567890123456789012345678901234567890123456789012345678901234.com", IOC_NONE, "63 bytes"},
    {"0.0.0.0/0", IOC_NONE, "a network of /0 is too wide to be an indicator: /8 is the widest accepted"},
    {"0.0.0.0/0", IOC_IPV4, "a network of /0 is too wide"},
    {"0.0.0.0/1", IOC_NONE, "a network of /1 is too wide to be an indicator: /8 is the widest accepted"},
    {"10.0.0.0[/]7", IOC_IPV4, "a network of /7 is too wide"},
    {"::/0", IOC_NONE, "a network of /0 is too wide to be an indicator: /19 is the widest accepted"},
    {"2001::/18", IOC_NONE, "a network of /18 is too wide to be an indicator: /19 is the widest accepted"},
    {"[2000::/3]", IOC_IPV6, "a network of /3 is too wide"},
    {"::ffff:0.0.0.0/96", IOC_NONE, "a network of /0 is too wide to be an indicator: /8 is the widest accepted"},
    {"::ffff:0.0.0.0/97", IOC_IPV6, "a network of /1 is too wide"},
    {"1.2.3.4/33", IOC_IPV4, "prefix"},
    {"evil.com", IOC_IPV4, "ipv4"},
    {"::/0", IOC_IPV6, "ipv6"},
    {"1:2:3:4:5:6:7", IOC_IPV6, "ipv6"},
    {"1:2:3:4:5:6:7:8:9", IOC_IPV6, "ipv6"},
    {"1::2::3", IOC_IPV6, "ipv6"},
    {"1:2:3:4:5:6:7:8::", IOC_IPV6, "ipv6"},
    {"12345::", IOC_IPV6, "ipv6"},
    {"1:", IOC_IPV6, "ipv6"},
    {":1", IOC_IPV6, "ipv6"},
    {"2001:db8::/129", IOC_IPV6, "prefix"},
    {"[2001:db8::1]:99999/x", IOC_NONE, "port"},
    {"[2001:db8::1]:99999", IOC_NONE, "port"},
    {"[2001:db8::1]:0", IOC_IPV6, "port"},
    {"1.2.3.4:0", IOC_NONE, "port"},
    {"1.2.3.4:65536", IOC_NONE, "port"},
    {"54.246.146.207:22:50050", IOC_NONE, "port"},
    {"http://localhost/x", IOC_NONE, "single label"},
    {"http:///x", IOC_NONE, "empty label"},
    {"http://evil.com/\x01", IOC_NONE, "control"},
    {"http://[::1/x", IOC_NONE, "brackets"},
    {"/", IOC_NONE, "short"},
    {"x", IOC_URL_PATH, "begins with /"},
    {"d41d8cd98f00b204e9800998ecf8427", IOC_MD5, "md5"},
    {"d41d8cd98f00b204e9800998ecf8427g", IOC_MD5, "md5"},
    {"@evil.com", IOC_EMAIL, "before an @"},
    {"user@com", IOC_EMAIL, "single label"},
    {"a b@evil.com", IOC_EMAIL, "character"},
    {"\xff\xfe.com", IOC_DOMAIN, "IDNA"},
};

static void test_bad(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, SWEEP_TOKEN_MAX);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        enum ioc_type type;
        struct err err = {0};
        if (ioc_canonical(bad[i].wanted, span_str(bad[i].text), &out, &type, &err) != ERR_SYNTAX)
            fail_msg("%s was accepted", bad[i].text);
        if (!strstr(err.text, bad[i].why))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].text, err.text, bad[i].why);
    }
    buf_done(&out);
}

static void test_long(void **state)
{
    (void)state;
    char text[4096];
    struct buf out;
    struct err err = {0};
    enum ioc_type type;
    buf_init(&out, SWEEP_TOKEN_MAX);
    memset(text, 'a', sizeof(text));
    memcpy(text, "/", 1);
    assert_int_equal(ioc_canonical(IOC_NONE, span_of(text, SWEEP_TOKEN_MAX), &out, &type, &err), 0);
    assert_int_equal(ioc_canonical(IOC_NONE, span_of(text, SWEEP_TOKEN_MAX + 1), &out, &type, &err), ERR_SYNTAX);
    /* Escapes triple the length. */
    memset(text + 1, ' ', 1000);
    text[1001] = 'x';
    assert_int_equal(ioc_canonical(IOC_NONE, span_of(text, 1002), &out, &type, &err), ERR_SYNTAX);
    /* 253 bytes of name are the most. */
    for (size_t i = 0; i < 260; i++)
        text[i] = i % 2 ? '.' : 'a';
    assert_int_equal(ioc_canonical(IOC_NONE, span_of(text, 253), &out, &type, &err), 0);
    assert_int_equal(ioc_canonical(IOC_NONE, span_of(text, 255), &out, &type, &err), ERR_SYNTAX);
    buf_done(&out);
}

static void test_words(void **state)
{
    (void)state;
    for (int type = IOC_NONE + 1; type < IOC_TYPES; type++)
        assert_int_equal(ioc_type_parse(span_str(ioc_type_word((enum ioc_type)type))), type);
    assert_int_equal(ioc_type_parse(span_str("indicator")), IOC_NONE);
    assert_int_equal(ioc_type_parse(span_str("")), IOC_NONE);
    assert_string_equal(ioc_type_word(IOC_NONE), "none");
    assert_string_equal(ioc_type_word((enum ioc_type)99), "none");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good), cmocka_unit_test(test_stable), cmocka_unit_test(test_bad),
        cmocka_unit_test(test_long), cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

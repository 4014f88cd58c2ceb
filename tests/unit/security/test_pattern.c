/* STIX patterns: what is one, and which values alone make it match. */
#include "security/intel.h"

#include "security/intel_help.h"

struct values {
    char text[8192];
};

static int add_value(void *ctx, enum ioc_type type, struct span value, struct err *err)
{
    (void)err;
    struct values *values = ctx;
    size_t len = strlen(values->text);
    snprintf(values->text + len, sizeof(values->text) - len, "%s%s:%.*s", len > 0 ? " " : "", ioc_type_word(type),
             SPAN_ARGS(value));
    return 0;
}

static void expect(const char *pattern, const char *expected)
{
    struct values values = {.text = ""};
    struct err err = {0};
    int rc = stix_pattern_values(span_str(pattern), add_value, &values, &err);
    if (rc < 0)
        fail_msg("%s: %s", pattern, err.text);
    if (strcmp(values.text, expected) != 0)
        fail_msg("%s: gives \"%s\", expected \"%s\"", pattern, values.text, expected);
}

static void refuse(const char *pattern, const char *what)
{
    struct values values = {.text = ""};
    bad(stix_pattern_values(span_str(pattern), add_value, &values, &err), ERR_SYNTAX, what);
    assert_string_equal(values.text, "");
}

#define MD5 "79054025255fb1a26e4bc422aef54eb4"
#define SHA1 "0123456789abcdef0123456789abcdef01234567"
#define SHA256 "aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f"

static void gives_single_values(void **state)
{
    (void)state;
    expect("[domain-name:value = 'Evil.Example.COM']", "domain:evil.example.com");
    expect("[ipv4-addr:value = '198.51.100.1/32']", "ipv4:198.51.100.1");
    expect("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", "ipv4:198.51.100.0/24");
    expect("[ipv6-addr:value='2001:db8::1']", "ipv6:2001:db8::1");
    expect("[url:value = 'http://Example.com/Foo?a=1']", "url:example.com/Foo?a=1");
    expect("[email-addr:value == 'A@example.com']", "email:a@example.com");
    expect("[email-message:from_ref.value = 'a@example.com']", "email:a@example.com");
    expect("[file:hashes.MD5 = '" MD5 "']", "md5:" MD5);
    expect("[file:hashes.'SHA-1' = '" SHA1 "']", "sha1:" SHA1);
    expect("[file:hashes.SHA-256 = '" SHA256 "']", "sha256:" SHA256);
    expect("[file:hashes.'sha256' = '" SHA256 "']", "sha256:" SHA256);
    expect("[x509-certificate:hashes.'SHA-1' = '" SHA1 "']", "sha1:" SHA1);
    expect("[network-traffic:dst_ref.value = '203.0.113.33/32']", "ipv4:203.0.113.33");
    expect("[network-traffic:src_ref.value = 'example.com']", "domain:example.com");
    expect("[network-traffic:dst_ref.value ISSUBSET '2001:0db8:dead:beef:0000:0000:0000:0000/64']",
           "ipv6:2001:db8:dead:beef::/64");
    expect("[network-traffic:extensions.'http-request-ext'.request_value = '/gate.php?id=1']",
           "url-path:/gate.php?id=1");
    expect("[domain-name:value = 'it\\'s']", "");
}

static void joins_by_or(void **state)
{
    (void)state;
    expect("[url:value = 'http://a.com/f' OR url:value = 'http://b.com/g']", "url:a.com/f url:b.com/g");
    expect("[domain-name:value IN ('a.com', 'b.com','c.com')]", "domain:a.com domain:b.com domain:c.com");
    expect("[domain-name:value = 'a.com'] OR [file:hashes.MD5 = '" MD5 "']", "domain:a.com md5:" MD5);
    expect("([domain-name:value = 'a.com'] OR ([domain-name:value = 'b.com']))", "domain:a.com domain:b.com");
    expect("[(domain-name:value = 'a.com' OR (domain-name:value = 'b.com'))]", "domain:a.com domain:b.com");
    /* One branch alone makes it match, whatever the other needs. */
    expect("[domain-name:value = 'a.com' OR domain-name:value = 'b.com' AND file:name = 'x']", "domain:a.com");
    expect("[file:name = 'x' AND domain-name:value = 'b.com' OR domain-name:value = 'a.com']", "domain:a.com");
    expect("[domain-name:value = 'a.com'] AND [domain-name:value = 'b.com'] OR [domain-name:value = 'c.com']",
           "domain:c.com");
    expect("[domain-name:value = 'a.com'] OR [domain-name:value = 'b.com'] AND [domain-name:value = 'c.com']",
           "domain:a.com");
}

static void two_facts_are_no_indicator(void **state)
{
    (void)state;
    expect("[domain-name:value = 'a.com' AND domain-name:resolves_to_refs[*].value = '198.51.100.1/32']", "");
    expect("[file:hashes.'SHA-256' = '" SHA256 "' AND file:mime_type = 'application/x-pdf']", "");
    expect("[domain-name:value = 'a.com'] AND [domain-name:value = 'b.com']", "");
    expect("[domain-name:value = 'a.com'] FOLLOWEDBY [domain-name:value = 'b.com']", "");
    expect("[domain-name:value = 'a.com'] OR [domain-name:value = 'b.com'] FOLLOWEDBY [domain-name:value = 'c.com']",
           "");
    expect("[domain-name:value = 'a.com'] REPEATS 5 TIMES WITHIN 1800 SECONDS", "");
    expect("([domain-name:value = 'a.com'] OR [domain-name:value = 'b.com']) WITHIN 5.5 SECONDS", "");
    expect("[domain-name:value = 'a.com'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'", "");
    expect("[domain-name:value = 'a.com'] START '2016-01-01T00:00:00Z' STOP '2016-01-02T00:00:00Z'", "");
    expect("[domain-name:value NOT = 'a.com']", "");
    expect("[domain-name:value NOT IN ('a.com')]", "");
    expect("[ipv4-addr:value NOT ISSUBSET '10.0.0.0/8']", "");
    expect("[domain-name:value != 'a.com' OR domain-name:value <> 'b.com']", "");
    expect("[domain-name:value LIKE 'a%' OR domain-name:value MATCHES '^a']", "");
    expect("[ipv4-addr:value ISSUPERSET '198.51.100.1']", "");
    expect("[domain-name:value > 'a.com']", "");
    expect("[EXISTS domain-name:value]", "");
}

static void address_and_port_are_one(void **state)
{
    (void)state;
    const char *ours =
        "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1' AND "
        "network-traffic:dst_port = 443]";
    expect(ours, "ipv4-port:192.0.2.1:443");
    expect("[network-traffic:dst_port = 443 AND network-traffic:dst_ref.value = '192.0.2.1']",
           "ipv4-port:192.0.2.1:443");
    expect("[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.33/32']",
           "ipv4:203.0.113.33");
    expect("[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'example.com']",
           "domain:example.com");
    expect("[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value = '2001:db8::1']",
           "ipv6:2001:db8::1");
    /* Another end, a range, a name, two ports, a type that does not fit, a fourth condition: no single value. */
    expect("[network-traffic:src_port = 443 AND network-traffic:dst_ref.value = '192.0.2.1']", "");
    expect("[network-traffic:dst_port = 443 AND network-traffic:dst_ref.value ISSUBSET '192.0.2.0/24']", "");
    expect("[network-traffic:dst_port = 443 AND network-traffic:dst_ref.value = 'example.com']", "");
    expect("[network-traffic:dst_port = 1 AND network-traffic:dst_port = 2 AND network-traffic:dst_ref.value = "
           "'192.0.2.1']",
           "");
    expect("[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value = '192.0.2.1']", "");
    expect("[network-traffic:dst_port = 70000 AND network-traffic:dst_ref.value = '192.0.2.1']", "");
    expect("[network-traffic:dst_port = -1 AND network-traffic:dst_ref.value = '192.0.2.1']", "");
    expect("[network-traffic:dst_port != 443 AND network-traffic:dst_ref.value = '192.0.2.1']", "");
    expect("[network-traffic:dst_port = 443 AND network-traffic:dst_ref.value IN ('192.0.2.1', '192.0.2.2')]", "");
    expect("[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1' AND "
           "network-traffic:dst_port = 443 AND network-traffic:protocols[0] = 'tcp']",
           "");
    expect("[network-traffic:dst_ref.type = 'ipv4-addr']", "");
}

static void reads_the_grammar(void **state)
{
    (void)state;
    expect("[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]", "");
    expect("[file:magic_number_hex = h'ffd8' OR file:size >= +12 OR file:size <= -1.5 OR file:is_it = true]", "");
    expect("[file:created = t'2014-01-13T07:03:17Z' AND artifact:payload_bin = b'AAEC']", "");
    expect("[process:command_line MATCHES'^.+>-add$']", "");
    expect("[a:b[0].c[-1].'d e' IN ()]", "");
    expect(" [ /* any */ domain-name:value // name\n = 'a.com' ] ", "domain:a.com");
    expect("[domain-name:value = 'a\\\\b' OR url:value = 'http://a.com/it\\'s']", "url:a.com/it's");
    /* What is no value of its type is no indicator. */
    expect("[ipv4-addr:value = '300.1.1.1' OR file:hashes.MD5 = 'abc' OR domain-name:value = 'localhost']", "");
}

static void refuses_what_is_no_pattern(void **state)
{
    (void)state;
    refuse("", "found its end");
    refuse("domain-name:value = 'a.com'", "byte 0: expected [ or (");
    refuse("[domain-name:value = 'a.com'", "found its end");
    refuse("[domain-name:value = 'a.com", "byte 21: a string without end");
    refuse("[domain-name:value = 'a.com'] [domain-name:value = 'b.com']", "AND, OR, FOLLOWEDBY or the end");
    refuse("[domain-name:value = 'a.com'] OR", "found its end");
    refuse("[domain-name:value 'a.com']", "a comparison");
    refuse("[domain-name value = 'a.com']", "expected :");
    refuse("[domain-name:value = a.com]", "a literal");
    refuse("[domain-name:value IN ('a.com' 'b.com')]", ", or )");
    refuse("[domain-name:value IN 'a.com']", "expected (");
    refuse("[domain-name:value LIKE 5]", "a string");
    refuse("[a:b[x] = 1]", "* or a number");
    refuse("[a:b[1 = 1]", "expected ]");
    refuse("[a:b = 12x]", "a number out of form");
    refuse("[a:b = -]", "a number out of form");
    refuse("[a:b ! 1]", "means nothing here");
    refuse("[a:b = 1] WITHIN SECONDS", "a number");
    refuse("[a:b = 1] WITHIN 5 MINUTES", "SECONDS");
    refuse("[a:b = 1] REPEATS 2.5 TIMES", "a number");
    refuse("[a:b = 1] START 5", "t'...'");
    refuse("[a:b = /* 1]", "a comment without end");
    refuse("[a:b = '\xff']", "UTF-8");
    refuse("[a:b = 'x\\", "a string without end");
}

static void bounds_depth_and_count(void **state)
{
    (void)state;
    struct buf pattern;
    struct values values = {.text = ""};
    buf_init(&pattern, 8u << 20);
    for (int i = 0; i < 100000; i++)
        buf_byte(&pattern, '(');
    bad(stix_pattern_values(buf_view(&pattern), add_value, &values, &err), ERR_LIMIT, "more than 64");
    buf_clear(&pattern);
    buf_str(&pattern, "[domain-name:value IN ('a.com'");
    for (int i = 0; i < 70000; i++)
        buf_str(&pattern, ",'a.com'");
    buf_str(&pattern, ")]");
    bad(stix_pattern_values(buf_view(&pattern), add_value, &values, &err), ERR_LIMIT, "more than 65536 values");
    assert_string_equal(values.text, "");
    buf_done(&pattern);
}

/* Every example of the specification is a pattern, 2.0's included. In TONGZHOU_DATA or ../shared/data, else skipped. */
static void reads_the_specification_s_examples(void **state)
{
    (void)state;
    const char *data = getenv("TONGZHOU_DATA");
    char path[512], line[4096];
    snprintf(path, sizeof(path), "%s/stix/pattern-spec-examples.txt", data ? data : "../shared/data");
    FILE *file = fopen(path, "r");
    if (!file)
        skip();
    unsigned count = 0;
    while (fgets(line, sizeof(line), file)) {
        struct values values = {.text = ""};
        line[strcspn(line, "\n")] = 0;
        good(stix_pattern_values(span_str(line), add_value, &values, &err));
        count++;
    }
    fclose(file);
    assert_int_equal(count, 23);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_single_values),        cmocka_unit_test(joins_by_or),
        cmocka_unit_test(two_facts_are_no_indicator), cmocka_unit_test(address_and_port_are_one),
        cmocka_unit_test(reads_the_grammar),          cmocka_unit_test(refuses_what_is_no_pattern),
        cmocka_unit_test(bounds_depth_and_count),     cmocka_unit_test(reads_the_specification_s_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

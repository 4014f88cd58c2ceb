/* MISP events: what becomes of each attribute, whom it may reach, and Citizen Lab's own CSV as the judge. */
#include "security/read_help.h"

#define UUID(n) "5ede974a-00d8-4bb1-a02e-7a498064ab" n
#define ATTRIBUTE(n, type, value, more)                                                                                \
    "{\"uuid\":\"" UUID(n) "\",\"type\":\"" type "\",\"value\":\"" value "\",\"timestamp\":\"1591646254\"" more "}"
#define DETECT ",\"to_ids\":true"

static void read_event(struct got *got, const char *event_members, const char *attributes)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_fmt(&text,
            "{\"response\":[{\"Event\":{\"uuid\":\"" UUID(
                "00") "\",\"info\":\"Dark \\\"B\\\"\",\"date\":\"2020-06-08\","
                      "\"timestamp\":\"1591646254\",%s\"Orgc\":{\"name\":\"lab\"},\"Attribute\":[%s]}}]}",
            event_members, attributes);
    got_read(got, IMPORT_MISP, "misp.json", buf_view(&text), 0, SIZE_MAX);
    buf_done(&text);
}

static void check_indicator(const char *attribute, enum ioc_type type, const char *value, const char *pattern)
{
    struct got got;
    read_event(&got, "", attribute);
    if (got.item_count != 2 || got.bad_count)
        fail_msg("%s: %s", attribute, buf_cstr(&got.dump));
    assert_string_equal(got.items[0].id, "indicator--" UUID("01"));
    assert_string_equal(got.items[0].type, "indicator");
    assert_int_equal(got.items[0].item.ioc_type, type);
    if (type != IOC_NONE)
        assert_string_equal(got.items[0].value, value);
    check_member(got.items[0].object, "pattern", pattern);
    assert_true(got.items[0].item.generated);
    assert_int_equal(got.items[0].item.modified_ms, INT64_C(1591646254000));
    assert_string_equal(got.items[1].type, "grouping");
    assert_non_null(strstr(got.items[1].object, "\"object_refs\":[\"indicator--" UUID("01") "\"]"));
    got_done(&got);
}

static void test_types(void **state)
{
    (void)state;
    check_indicator(ATTRIBUTE("01", "domain", "Evil.com", DETECT), IOC_DOMAIN, "evil.com",
                    "[domain-name:value = 'evil.com']");
    check_indicator(ATTRIBUTE("01", "hostname", "www.evil.com", DETECT), IOC_DOMAIN, "www.evil.com",
                    "[domain-name:value = 'www.evil.com']");
    check_indicator(ATTRIBUTE("01", "ip-dst", "1.2.3.4", DETECT), IOC_IPV4, "1.2.3.4", "[ipv4-addr:value = '1.2.3.4']");
    check_indicator(ATTRIBUTE("01", "ip-src", "2001:db8::/32", DETECT), IOC_IPV6, "2001:db8::/32",
                    "[ipv6-addr:value ISSUBSET '2001:db8::/32']");
    check_indicator(ATTRIBUTE("01", "ip-dst|port", "1.2.3.4|443", DETECT), IOC_IPV4_PORT, "1.2.3.4:443",
                    "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '1.2.3.4' AND "
                    "network-traffic:dst_port = 443]");
    check_indicator(ATTRIBUTE("01", "ip-src|port", "2001:db8::1|443", DETECT), IOC_IPV6, "2001:db8::1",
                    "[ipv6-addr:value = '2001:db8::1']");
    check_indicator(ATTRIBUTE("01", "domain", "evil.com", ",\"to_ids\":\"true\""), IOC_DOMAIN, "evil.com",
                    "[domain-name:value = 'evil.com']");
    check_indicator(ATTRIBUTE("01", "domain|ip", "evil.com|1.2.3.4", DETECT), IOC_NONE, "",
                    "[domain-name:value = 'evil.com'] OR [ipv4-addr:value = '1.2.3.4']");
    check_indicator(ATTRIBUTE("01", "hostname|port", "evil.com|8080", DETECT), IOC_DOMAIN, "evil.com",
                    "[domain-name:value = 'evil.com']");
    check_indicator(ATTRIBUTE("01", "url", "https://evil.com/a?b=c", DETECT), IOC_URL, "evil.com/a?b=c",
                    "[url:value = 'https://evil.com/a?b=c']");
    check_indicator(ATTRIBUTE("01", "uri", "/gate.php?id=1", DETECT), IOC_URL_PATH, "/gate.php?id=1",
                    "[network-traffic:extensions.'http-request-ext'.request_value = '/gate.php?id=1']");
}

static void test_hashes(void **state)
{
    (void)state;
    check_indicator(ATTRIBUTE("01", "md5", "D41D8CD98F00B204E9800998ECF8427E", DETECT), IOC_MD5,
                    "d41d8cd98f00b204e9800998ecf8427e", "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']");
    check_indicator(ATTRIBUTE("01", "filename|sha1", "b.exe|da39a3ee5e6b4b0d3255bfef95601890afd80709", DETECT),
                    IOC_SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                    "[file:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']");
    check_indicator(ATTRIBUTE("01", "filename|md5", "a|b.exe|d41d8cd98f00b204e9800998ecf8427e", DETECT), IOC_MD5,
                    "d41d8cd98f00b204e9800998ecf8427e", "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']");
    check_indicator(ATTRIBUTE("01", "malware-sample", "b.exe|d41d8cd98f00b204e9800998ecf8427e", DETECT), IOC_MD5,
                    "d41d8cd98f00b204e9800998ecf8427e", "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']");
}

static void test_context(void **state)
{
    (void)state;
    struct got got;
    read_event(&got, "",
               ATTRIBUTE("01", "email-src", "a@evil.com", ",\"to_ids\":false") "," ATTRIBUTE(
                   "02", "link", "https://report.example/x",
                   ",\"to_ids\":false") "," ATTRIBUTE("03", "md5", "d41d8cd98f00b204e9800998ecf8427e",
                                                      ",\"to_ids\":\"0\"") "," ATTRIBUTE("04", "domain", "gone.com",
                                                                                         DETECT ",\"deleted\":true"));
    assert_int_equal(got.bad_count, 0);
    assert_int_equal(got.item_count, 3);
    assert_string_equal(got.items[0].type, "email-addr");
    check_member(got.items[0].object, "value", "a@evil.com");
    assert_string_equal(got.items[1].type, "file");
    assert_non_null(strstr(got.items[1].object, "\"hashes\":{\"MD5\":\"d41d8cd98f00b204e9800998ecf8427e\"}"));
    const char *grouping = got.items[2].object;
    check_member(grouping, "id", "grouping--" UUID("00"));
    check_member(grouping, "name", "Dark \"B\"");
    check_member(grouping, "description", "MISP event of lab");
    check_member(grouping, "created", "2020-06-08T00:00:00.000Z");
    check_member(grouping, "modified", "2020-06-08T19:57:34.000Z");
    assert_non_null(strstr(grouping, "https://report.example/x"));
    assert_non_null(strstr(grouping, got.items[0].id));
    assert_null(strstr(buf_cstr(&got.dump), "gone.com"));
    got_done(&got);
}

/* Identifiers of observables are what everybody computes (STIX 2.1 section 2.9); these by another implementation. */
static void test_observable_ids(void **state)
{
    (void)state;
    struct got got;
    read_event(&got, "",
               ATTRIBUTE("01", "domain", "evil.com", "") "," ATTRIBUTE("02", "ip-dst", "1.2.3.4", "") "," ATTRIBUTE(
                   "03", "sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ""));
    assert_int_equal(got.item_count, 4);
    assert_string_equal(got.items[0].id, "domain-name--5d7b159c-1821-5595-b1f7-2213ba2674e6");
    assert_string_equal(got.items[1].id, "ipv4-addr--0198f97b-e65d-5025-87e5-58bc39d4bdb4");
    assert_string_equal(got.items[2].id, "file--22f8ff52-8f62-5f03-a53a-6f50f54fd74c");
    got_done(&got);
}

static void check_marking(const char *event, const char *attribute, enum tlp tlp, const char *why)
{
    struct got got;
    char text[512];
    snprintf(text, sizeof(text), "{\"uuid\":\"" UUID("01") "\",\"type\":\"domain\",\"value\":\"evil.com\"" DETECT "%s}",
             attribute);
    read_event(&got, event, text);
    assert_true(got.item_count >= 1);
    if (got.items[0].item.marking != tlp || !strstr(got.items[0].why, why))
        fail_msg("%s %s: TLP %d, \"%s\"", event, attribute, (int)got.items[0].item.marking, got.items[0].why);
    got_done(&got);
}

static void test_markings(void **state)
{
    (void)state;
    check_marking("", "", TLP_NONE, "");
    check_marking("\"distribution\":\"3\",", ",\"distribution\":\"5\"", TLP_NONE, "");
    check_marking("\"distribution\":\"1\",", ",\"distribution\":\"5\"", TLP_AMBER,
                  "MISP distribution 1 (this community only)");
    check_marking("\"distribution\":\"1\",", ",\"distribution\":\"3\"", TLP_AMBER, "MISP distribution 1");
    check_marking("\"distribution\":\"3\",", ",\"distribution\":0", TLP_AMBER_STRICT, "your organisation only");
    check_marking("\"distribution\":2,", "", TLP_AMBER, "connected communities");
    check_marking("\"distribution\":4,\"sharing_group_id\":\"7\",", "", TLP_AMBER_STRICT, "sharing group");
    check_marking("\"distribution\":\"9\",", "", TLP_RED, "unknown");
    check_marking("\"distribution\":true,", "", TLP_RED, "unknown");
    check_marking("\"Tag\":[{\"name\":\"tlp:white\"}],", "", TLP_CLEAR, "tlp:white");
    check_marking("\"Tag\":[{\"name\":\"tlp:clear\"}],\"distribution\":\"1\",", "", TLP_AMBER, "distribution 1");
    check_marking("", ",\"Tag\":[{\"name\":\"x\"},{\"name\":\"TLP:RED\"}]", TLP_RED, "TLP:RED");
    check_marking("\"Tag\":[{\"name\":\"tlp:amber+strict\"}],", "", TLP_AMBER_STRICT, "tlp:amber+strict");
    check_marking("\"Tag\":[{\"name\":\"tlp:unclear\"}],", "", TLP_RED, "no TLP that we know");
    /* As older versions write them, and lists that are none. */
    check_marking("\"EventTag\":[{\"Tag\":{\"name\":\"tlp:amber\"}}],", "", TLP_AMBER, "tlp:amber");
    check_marking("", ",\"AttributeTag\":[{\"Tag\":{\"name\":\"tlp:red\"}}]", TLP_RED, "tlp:red");
    check_marking("\"Tag\":[\"tlp:green\"],", "", TLP_GREEN, "tlp:green");
    check_marking("\"Tag\":null,", ",\"Tag\":[]", TLP_NONE, "");
    check_marking("\"Tag\":{\"name\":\"tlp:red\"},", "", TLP_RED, "\"Tag\" is no list");
    check_marking("\"Tag\":[{\"name\":[\"tlp:red\"]}],", "", TLP_RED, "without a name");
}

/* An attribute narrower than its event does not show through the event. */
static void test_narrow_attribute(void **state)
{
    (void)state;
    struct got got;
    read_event(&got, "\"distribution\":\"3\",",
               ATTRIBUTE("01", "domain", "open.com", DETECT) "," ATTRIBUTE(
                   "02", "domain", "secret.com",
                   DETECT ",\"distribution\":\"0\"") "," ATTRIBUTE("03", "link", "https://secret.com/",
                                                                   ",\"distribution\":\"0\""));
    assert_int_equal(got.item_count, 3);
    assert_string_equal(got.items[2].type, "grouping");
    assert_int_equal(got.items[2].item.marking, TLP_NONE);
    assert_null(strstr(got.items[2].object, UUID("02")));
    assert_null(strstr(got.items[2].object, "secret"));
    got_done(&got);
}

static void test_objects(void **state)
{
    (void)state;
    struct got got;
    read_event(&got,
               "\"Object\":[{\"name\":\"file\",\"distribution\":\"0\",\"Attribute\":[" ATTRIBUTE(
                   "02", "md5", "d41d8cd98f00b204e9800998ecf8427e",
                   DETECT) "]},"
                           "{\"deleted\":true,\"Attribute\":[" ATTRIBUTE("03", "domain", "gone.com", DETECT) "]}],",
               ATTRIBUTE("01", "domain", "evil.com", DETECT));
    assert_int_equal(got.item_count, 3);
    assert_int_equal(got.items[1].item.ioc_type, IOC_MD5);
    assert_int_equal(got.items[1].item.marking, TLP_AMBER_STRICT);
    got_done(&got);
}

static void test_bad_values(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ATTRIBUTE("02", "domain", "not a name", DETECT),
        ATTRIBUTE("02", "ip-dst", "evil.com", DETECT),
        ATTRIBUTE("02", "domain", "1.2.3.4", DETECT),
        ATTRIBUTE("02", "md5", "da39a3ee5e6b4b0d3255bfef95601890afd80709", DETECT),
        ATTRIBUTE("02", "ip-dst|port", "1.2.3.4", DETECT),
        ATTRIBUTE("02", "ip-dst|port", "1.2.3.4|99999", DETECT),
        ATTRIBUTE("02", "filename|md5", "b.exe", DETECT),
        ATTRIBUTE("02", "yara", "rule x {}", DETECT),
        ATTRIBUTE("02", "domain", "", DETECT),
        "{\"type\":\"domain\",\"value\":\"evil.com\",\"to_ids\":true}",
        "{\"uuid\":\"nonsense\",\"type\":\"domain\",\"value\":\"evil.com\",\"to_ids\":true}",
        "{\"uuid\":\"" UUID("02") "\",\"to_ids\":true}",
        "{\"uuid\":\"" UUID("02") "\",\"type\":7,\"value\":{},\"to_ids\":true}",
        "7",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct got got;
        char text[1024];
        snprintf(text, sizeof(text), "%s,\n%s", ATTRIBUTE("01", "domain", "evil.com", DETECT), bad[i]);
        read_event(&got, "", text);
        if (got.item_count != 2 || got.bad_count != 1 || got.bads[0].line != 2)
            fail_msg("%s: %s", bad[i], buf_cstr(&got.dump));
        if (strstr(bad[i], UUID("02")))
            assert_non_null(strstr(got.bads[0].reason, UUID("02")));
        got_done(&got);
    }
}

static void check_counts(const char *text, size_t items, size_t bads)
{
    struct got got;
    got_text(&got, IMPORT_MISP, "misp.json", text);
    if (got.item_count != items || got.bad_count != bads)
        fail_msg("%s: %zu, %zu: %s", text, got.item_count, got.bad_count, buf_cstr(&got.dump));
    got_done(&got);
}

static void test_forms(void **state)
{
    (void)state;
#define EVENT(members)                                                                                                 \
    "{\"uuid\":\"" UUID("00") "\",\"info\":\"x\"," members                                                             \
                              "\"Attribute\":[" ATTRIBUTE("01", "domain", "evil.com", DETECT) "]}"
    check_counts("{\"Event\":" EVENT("") "}", 2, 0);
    check_counts("[{\"Event\":" EVENT("") "},{\"Event\":" EVENT("") "}]", 4, 0);
    check_counts("{\"response\":[{\"Event\":" EVENT("") "},{\"Event\":" EVENT("") "}]}", 4, 0);
    check_counts(EVENT(""), 2, 0);
    check_counts("{\"response\":[]}", 0, 0);
    check_counts("{\"response\":[{\"Event\":" EVENT("") "}", 2, 1);
    check_counts("{\"response\":[{\"Event\":" EVENT("") "},{\"Event\":{\"uuid\":", 2, 1);
    check_counts("{\"response\":[{\"Event\":{}},{\"Event\":" EVENT("") "}]}", 2, 1);
    check_counts("{\"Event\":" EVENT("\"info\":\"y\",") "}", 0, 1);
    check_counts("{\"Event\":7}", 0, 1);
    check_counts("{\"Event\":{\"uuid\":\"" UUID("00") "\",\"Attribute\":{},\"Object\":7,\"Tag\":\"x\"}}", 0, 1);
    check_counts("{\"a\":1}", 0, 1);
    check_counts("nothing", 0, 1);
    check_counts("", 0, 1);
}

static void test_cuts(void **state)
{
    (void)state;
    check_every_cut(
        IMPORT_MISP, "misp.json",
        span_str(
            "{\"response\":[{\"Event\":{\"uuid\":\"" UUID("00") "\",\"info\":\"}{\\\"\",\n\"Attribute\":[\n" ATTRIBUTE(
                "01", "domain|ip", "evil.com|1.2.3.4", DETECT) ",\n" ATTRIBUTE("02", "domain", "x",
                                                                               DETECT) "]}},\n{\"Event\":{]}"));
}

/* ---- Citizen Lab's events against its own CSV of the same indicators ---- */

static bool has_value(const struct got *got, const char *uuid, const char *value)
{
    for (size_t i = 0; i < got->item_count; i++) {
        const char *object = got->items[i].object;
        char quoted[512];
        snprintf(quoted, sizeof(quoted), "'%s'", value);
        if (strstr(got->items[i].id, uuid) && strstr(object, quoted))
            return true;
        snprintf(quoted, sizeof(quoted), "\"value\":\"%s\"", value);
        if (strcmp(got->items[i].type, "indicator") != 0 && strstr(object, quoted))
            return true;
    }
    return false;
}

static void check_against_csv(const char *json_path, const char *csv_path)
{
    struct got got;
    struct span json = data_read(json_path), csv = data_read(csv_path);
    got_read(&got, IMPORT_MISP, json_path, json, 0, 5000);
    assert_int_equal(got.bad_count, 0);
    size_t rows = 0, at = span_find(csv, '\n') + 1;
    while (at < csv.len) {
        struct span line = span_sub(csv, at, span_find(span_sub(csv, at, csv.len), '\n'));
        char uuid[64], event[32], category[64], type[64], value[256];
        char row[1024];
        snprintf(row, sizeof(row), "%.*s", SPAN_ARGS(line));
        assert_int_equal(sscanf(row, "%63[^,],%31[^,],%63[^,],%63[^,],\"%255[^\"]", uuid, event, category, type, value),
                         5);
        if (!has_value(&got, uuid, value))
            fail_msg("%s: not read", row);
        rows++;
        at += line.len + 1;
    }
    assert_true(rows > 100);
    for (size_t i = 0; i < got.item_count; i++) {
        assert_int_equal(got.items[i].item.marking, TLP_AMBER);
        assert_string_equal(got.items[i].why, "MISP distribution 1 (this community only)");
    }
    got_done(&got);
    data_free(json);
    data_free(csv);
}

static void test_citizenlab(void **state)
{
    (void)state;
    check_against_csv("citizenlab/202006_DarkBasin/misp.json", "citizenlab/202006_DarkBasin/iocs.csv");
    check_against_csv("citizenlab/201801_SpyingOnABudget/indicators.json",
                      "citizenlab/201801_SpyingOnABudget/indicators.csv");
}

/* The same values stand in the OpenIOC file, in attributes id of its items. */
static void test_openioc(void **state)
{
    (void)state;
    struct got got;
    struct span json = data_read("citizenlab/202006_DarkBasin/misp.json");
    struct span ioc = data_read("citizenlab/202006_DarkBasin/openioc.ioc");
    got_read(&got, IMPORT_MISP, "misp.json", json, 0, SIZE_MAX);
    size_t found = 0, contents = 0;
    const struct span begin = SPAN_LIT("<IndicatorItem id=\"");
    for (size_t at = 0; (at += span_search(span_sub(ioc, at, ioc.len), begin)) < ioc.len;) {
        struct span rest = span_sub(ioc, at + begin.len, ioc.len);
        size_t len = span_find(rest, '"');
        char value[256];
        snprintf(value, sizeof(value), "%.*s", SPAN_ARGS(span_sub(rest, 0, len)));
        contents++;
        found += has_value(&got, "", value);
        at += begin.len + len;
    }
    assert_true(contents > 400);
    assert_int_equal(found, contents);
    got_done(&got);
    data_free(json);
    data_free(ioc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),      cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_context),    cmocka_unit_test(test_observable_ids),
        cmocka_unit_test(test_markings),   cmocka_unit_test(test_narrow_attribute),
        cmocka_unit_test(test_objects),    cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_forms),      cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_citizenlab), cmocka_unit_test(test_openioc),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Reading one STIX object. */
#include "security/intel.h"

#include "security/intel_help.h"

#define UUID "aaaaaaaa-0000-4000-8000-000000000000"
#define TIMES "\"created\":\"2026-01-01T00:00:00Z\",\"modified\":\"2026-01-02T00:00:00.5Z\""
#define INDICATOR "\"type\":\"indicator\",\"id\":\"indicator--" UUID "\"," TIMES

static int read_object(const char *text, struct arena *arena, struct stix_object *out, struct err *err)
{
    static struct json_scanner *scanner;
    const struct json_tree *tree;
    if (!scanner)
        scanner = json_scanner_new();
    assert_non_null(scanner);
    if (!text) {
        json_scanner_free(scanner);
        scanner = NULL;
        return 0;
    }
    int rc = json_scan(scanner, span_str(text), &tree, err);
    return rc < 0 ? rc : stix_read(tree, arena, out, err);
}

static void reads_all_members(void **state)
{
    (void)state;
    struct arena arena;
    struct stix_object o;
    arena_init(&arena, 1u << 20);
    good(read_object(
        "{\"custom\":[1,{\"type\":3}]," INDICATOR ",\"name\":\"a\\u4e2d\\\"b\",\"description\":\"d\","
        "\"pattern\":\"[x:y = 'z']\",\"pattern_type\":\"stix\",\"revoked\":true,"
        "\"valid_until\":\"2026-02-01T00:00:00+08:00\",\"labels\":[\"one\",\"two\"],\"aliases\":[\"al\"],"
        "\"external_references\":[{\"source_name\":\"m\",\"external_id\":\"T0806\"},{\"source_name\":\"n\"}],"
        "\"object_marking_refs\":[\"marking-definition--1\"],"
        "\"granular_markings\":[{\"selectors\":[\"name\"],\"marking_ref\":\"marking-definition--2\"},"
        "{\"lang\":\"en\",\"selectors\":[\"name\"]}]}",
        &arena, &o, &err));
    assert_true(span_is(o.type, "indicator") && span_is(o.id, "indicator--" UUID));
    assert_true(span_is(o.name, "a\xe4\xb8\xad\"b") && span_is(o.description, "d"));
    assert_true(span_is(o.pattern, "[x:y = 'z']") && span_is(o.pattern_type, "stix"));
    assert_true(o.has_created && o.has_modified && o.revoked && o.has_valid_until);
    assert_int_equal(o.modified_ms - o.created_ms, 86400500);
    assert_int_equal(o.valid_until_ms, INT64_C(1769875200000));
    assert_int_equal(o.marking_count, 2);
    assert_true(span_is(o.markings[0], "marking-definition--1") && span_is(o.markings[1], "marking-definition--2"));
    assert_int_equal(o.label_count, 2);
    assert_true(span_is(o.labels[1], "two"));
    assert_true(o.alias_count == 1 && span_is(o.aliases[0], "al"));
    assert_true(o.external_id_count == 1 && span_is(o.external_ids[0], "T0806"));
    arena_done(&arena);
}

static void accepts_what_others_write(void **state)
{
    (void)state;
    static const char *const objects[] = {
        "{" INDICATOR ",\"pattern\":\"\"}",
        "{\"type\":\"domain-name\",\"id\":\"domain-name--" UUID "\",\"value\":\"a.com\"}",
        "{\"type\":\"x-my-own\",\"id\":\"x-my-own--" UUID "\"}",
        "{\"type\":\"marking-definition\",\"id\":\"marking-definition--" UUID
        "\",\"created\":\"2026-01-01T00:00:00Z\"}",
        "{\"id\":\"malware--AAAAAAAA-0000-4000-8000-000000000000\",\"type\":\"malware\"," TIMES "}",
        "{\"type\":\"relationship\",\"id\":\"relationship--" UUID "\"," TIMES
        ",\"relationship_type\":\"uses\",\"source_ref\":\"a\",\"target_ref\":\"b\"}",
    };
    struct arena arena;
    struct stix_object o;
    arena_init(&arena, 1u << 20);
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        good(read_object(objects[i], &arena, &o, &err));
    arena_done(&arena);
}

static void names_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *object, *what;
    } cases[] = {
        {"[]", "no object"},
        {"{}", "no \"type\""},
        {"{\"type\":3}", "type: is no string"},
        {"{\"type\":\"indicator\"}", "no \"id\""},
        {"{\"type\":\"In\",\"id\":\"In--" UUID "\"}", "type \"In\""},
        {"{\"type\":\"bundle\",\"id\":\"bundle--" UUID "\"}", "a bundle"},
        {"{\"type\":\"malware\",\"id\":\"tool--" UUID "\"}", "id \"tool--"},
        {"{\"type\":\"malware\",\"id\":\"malware-" UUID "\"}", "id \"malware-"},
        {"{\"type\":\"malware\",\"id\":\"malware--" UUID "0\"}", "a UUID"},
        {"{\"type\":\"malware\",\"id\":\"malware--aaaaaaaa-0000-4000-8000-00000000000g\"}", "a UUID"},
        {"{\"type\":\"malware\",\"id\":\"malware--" UUID "\"}", "no \"created\""},
        {"{\"type\":\"malware\",\"id\":\"malware--" UUID "\",\"created\":\"2026-01-01T00:00:00Z\"}", "no \"modified\""},
        {"{\"type\":\"malware\",\"id\":\"malware--" UUID "\",\"created\":\"yesterday\"}", "created: is no RFC 3339"},
        {"{" INDICATOR "}", "no \"pattern\""},
        {"{" INDICATOR ",\"pattern\":\"x\",\"revoked\":\"yes\"}", "revoked: is neither"},
        {"{" INDICATOR ",\"pattern\":\"x\",\"object_marking_refs\":\"marking-definition--1\"}", "no list"},
        {"{" INDICATOR ",\"pattern\":\"x\",\"object_marking_refs\":[[\"marking-definition--1\"]]}", "names no marking"},
        {"{" INDICATOR ",\"pattern\":\"x\",\"object_marking_refs\":[null]}", "names no marking"},
        {"{" INDICATOR ",\"pattern\":\"x\",\"granular_markings\":[\"marking-definition--1\"]}", "names no marking"},
        {"{" INDICATOR ",\"pattern\":\"x\",\"granular_markings\":[{\"marking_ref\":[\"marking-definition--1\"]}]}",
         "names no marking"},
        {"{" INDICATOR ",\"pattern\":\"x\",\"granular_markings\":[{\"lang\":\"en\",\"marking_ref\":1}]}",
         "names no marking"},
        {"{\"type\":\"relationship\",\"id\":\"relationship--" UUID "\"," TIMES
         ",\"relationship_type\":\"uses\",\"source_ref\":\"a\"}",
         "no \"target_ref\""},
    };
    struct arena arena;
    struct stix_object o;
    arena_init(&arena, 1u << 20);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        bad(read_object(cases[i].object, &arena, &o, &err), ERR_SYNTAX, cases[i].what);
    arena_done(&arena);
}

static void bounds_lists(void **state)
{
    (void)state;
    struct arena arena;
    struct stix_object o;
    struct buf text;
    arena_init(&arena, 1u << 20);
    buf_init(&text, 1u << 20);
    buf_str(&text, "{" INDICATOR ",\"pattern\":\"x\",\"object_marking_refs\":[");
    for (int i = 0; i < 5000; i++)
        buf_str(&text, i ? ",\"m\"" : "\"m\"");
    buf_str(&text, "]}");
    bad(read_object(buf_cstr(&text), &arena, &o, &err), ERR_LIMIT, "limit 4096");
    buf_done(&text);
    arena_done(&arena);
}

static void knows_tlp(void **state)
{
    (void)state;
    assert_int_equal(stix_predefined_tlp(SPAN_LIT("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9")),
                     TLP_CLEAR);
    assert_int_equal(stix_predefined_tlp(SPAN_LIT("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed")),
                     TLP_RED);
    assert_int_equal(stix_predefined_tlp(SPAN_LIT("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003")),
                     TLP_AMBER_STRICT);
    assert_int_equal(stix_predefined_tlp(SPAN_LIT("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ec")),
                     TLP_NONE);
#define MARKING                                                                                                        \
    "{\"type\":\"marking-definition\",\"id\":\"marking-definition--" UUID "\",\"created\":\"2026-01-01T00:00:00Z\","
    static const struct {
        const char *object;
        enum tlp tlp;
        bool statement;
    } cases[] = {
        {MARKING "\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"amber\"}}", TLP_AMBER, false},
        {MARKING "\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"white\"}}", TLP_CLEAR, false},
        {MARKING "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"(c)\"}}", TLP_NONE, true},
        {MARKING "\"extensions\":{\"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d\":"
                 "{\"extension_type\":\"property-extension\",\"tlp_2_0\":\"amber+strict\"}}}",
         TLP_AMBER_STRICT, false},
        {MARKING "\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"purple\"}}", TLP_NONE, false},
    };
    struct arena arena;
    struct stix_object o;
    arena_init(&arena, 1u << 20);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        good(read_object(cases[i].object, &arena, &o, &err));
        assert_int_equal(o.marking_tlp, cases[i].tlp);
        assert_int_equal(o.is_statement, cases[i].statement);
    }
    arena_done(&arena);
}

/* Made by Python's uuid module: uuid5(uuid5(NAMESPACE_URL, origin), "domain:evil.example.com"). */
static void ids_are_deterministic(void **state)
{
    (void)state;
    const struct span origin = SPAN_LIT("cert.example.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    char id[STIX_ID_MAX], other[STIX_ID_MAX];
    stix_indicator_id(origin, IOC_DOMAIN, SPAN_LIT("evil.example.com"), id);
    assert_string_equal(id, "indicator--8053a852-2acc-5434-b59c-bccc2381bbcd");
    stix_indicator_id(origin, IOC_IPV4_PORT, SPAN_LIT("192.0.2.1:443"), id);
    assert_string_equal(id, "indicator--a8f4aeb0-06da-59b6-826f-f0f78f3fab85");
    stix_bundle_id((const uint8_t[32]){1}, id);
    stix_bundle_id((const uint8_t[32]){2}, other);
    assert_int_equal(strncmp(id, "bundle--", 8), 0);
    assert_int_equal(strlen(id), 44);
    assert_int_equal(id[22], '5');
    assert_string_not_equal(id, other);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_members),   cmocka_unit_test(accepts_what_others_write),
        cmocka_unit_test(names_what_is_wrong), cmocka_unit_test(bounds_lists),
        cmocka_unit_test(knows_tlp),           cmocka_unit_test(ids_are_deterministic),

    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    struct err err;
    read_object(NULL, NULL, NULL, &err);
    return failed;
}

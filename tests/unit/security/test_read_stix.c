/* STIX: bytes that survive, markings that are honoured, and bundles that are broken in every way. */
#include "security/read_help.h"

#define UUID(n) "00000000-0000-4000-8000-00000000000" #n
#define TIMES "\"created\":\"2020-01-01T00:00:00.000Z\",\"modified\":\"2020-01-01T00:00:00.000Z\""
#define IDENTITY(n)                                                                                                    \
    "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--" UUID(n) "\"," TIMES ",\"name\":\"a\"}"
#define MARKED(n, marking)                                                                                             \
    "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--" UUID(                                        \
        n) "\"," TIMES ",\"name\":\"a\",\"object_marking_refs\":[\"" marking "\"]}"
#define CUSTOM "marking-definition--" UUID(9)
#define DEFINITION(what)                                                                                               \
    "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"" CUSTOM                                       \
    "\",\"created\":\"2020-01-01T00:00:00.000Z\"," what "}"
#define TLP1_CLEAR "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
#define TLP1_AMBER "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
#define TLP1_RED "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
#define TLP2_GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"

static void check_counts(const char *text, size_t items, size_t bads)
{
    struct got got;
    got_text(&got, IMPORT_STIX, "x.json", text);
    if (got.item_count != items || got.bad_count != bads)
        fail_msg("%zu items, %zu bad instead of %zu and %zu for %.200s: %s", got.item_count, got.bad_count, items, bads,
                 text, buf_cstr(&got.dump));
    got_done(&got);
}

static void test_forms(void **state)
{
    (void)state;
    check_counts("{\"type\":\"bundle\",\"id\":\"bundle--" UUID(0) "\",\"objects\":[" IDENTITY(1) "," IDENTITY(2) "]}",
                 2, 0);
    check_counts("{\"objects\":[" IDENTITY(1) "],\"id\":\"bundle--" UUID(0) "\",\"type\":\"bundle\"}", 1, 0);
    check_counts("{\"more\":false,\"objects\":[" IDENTITY(1) "]}", 1, 0);
    check_counts("[" IDENTITY(1) "," IDENTITY(2) "]", 2, 0);
    check_counts(IDENTITY(1), 1, 0);
    check_counts(IDENTITY(1) "\n" IDENTITY(2) "\r\n\n" IDENTITY(3) "\n", 3, 0);
    check_counts("{\"objects\":[" IDENTITY(1) "]}\n{\"objects\":[" IDENTITY(2) "]}", 2, 0);
    check_counts("[{\"type\":\"bundle\",\"objects\":[" IDENTITY(1) "]}," IDENTITY(2) "]", 2, 0);
    check_counts("\xef\xbb\xbf " IDENTITY(1), 1, 0);
    check_counts("{}", 0, 0);
    check_counts("{\"type\":\"bundle\",\"id\":\"bundle--" UUID(0) "\"}", 0, 0);
    check_counts("{\"type\":\"bundle\",\"objects\":[]}", 0, 0);
    check_counts("[]", 0, 0);
    check_counts("{\"type\":\"bundle\",\"objects\":{}}", 0, 1);
    check_counts("{\"type\":\"bundle\",\"objects\":null}", 0, 1);
    check_counts("{\"type\":\"bundle\",\"\\u006fbjects\":[" IDENTITY(1) "]}", 0, 1);
}

static void test_original_bytes(void **state)
{
    (void)state;
    static const char object[] = "{ \"type\" : \"identity\",\n\t\"id\":\"identity--" UUID(
        1) "\" ,\r\n \"name\":\"\\u00e4{[\\\"}]\",\n"
           "  \"x\" : [ {\"objects\":[1]} , 1e3, -0.0 ], " TIMES " }";
    struct got got;
    struct buf text;
    buf_init(&text, 4096);
    buf_fmt(&text, "{\"type\":\"bundle\",\n \"objects\" :  [\n %s ,%s\n]\n}", object, IDENTITY(2));
    got_read(&got, IMPORT_STIX, "x.json", buf_view(&text), 0, SIZE_MAX);
    assert_int_equal(got.item_count, 2);
    assert_int_equal(got.bad_count, 0);
    assert_string_equal(got.items[0].object, object);
    assert_string_equal(got.items[1].object, IDENTITY(2));
    assert_string_equal(got.items[0].id, "identity--" UUID(1));
    assert_string_equal(got.items[0].type, "identity");
    assert_int_equal(got.items[0].item.line, 3);
    assert_int_equal(got.items[0].item.offset, 35); /* 17 + 1 + 15 + 1 + 1 bytes in front */
    assert_false(got.items[0].item.generated);
    assert_true(got.items[0].item.has_modified);
    assert_int_equal(got.items[0].item.modified_ms, INT64_C(1577836800000));
    got_done(&got);
    buf_done(&text);
}

static void check_marking(const char *text, size_t which, enum tlp tlp, const char *why)
{
    struct got got;
    got_text(&got, IMPORT_STIX, "x.json", text);
    assert_true(got.item_count > which);
    for (size_t i = 0; i < got.item_count; i++) {
        if (strcmp(got.items[i].id, "identity--" UUID(1)) != 0)
            continue;
        if (got.items[i].item.marking != tlp || !strstr(got.items[i].why, why))
            fail_msg("marking %d, why \"%s\" for %s", (int)got.items[i].item.marking, got.items[i].why, text);
    }
    got_done(&got);
}

static void test_markings(void **state)
{
    (void)state;
    check_marking(IDENTITY(1), 0, TLP_NONE, "");
    check_marking(MARKED(1, TLP1_CLEAR), 0, TLP_CLEAR, "TLP:CLEAR by " TLP1_CLEAR);
    check_marking(MARKED(1, TLP2_GREEN), 0, TLP_GREEN, TLP2_GREEN);
    check_marking(MARKED(1, TLP1_CLEAR "\",\"" TLP1_RED), 0, TLP_RED, "TLP:RED by " TLP1_RED);
    check_marking(MARKED(1, TLP1_AMBER "\",\"" TLP1_CLEAR), 0, TLP_AMBER, TLP1_AMBER);
    /* Definitions in front of and behind what they mark. */
    check_marking(
        "[" DEFINITION("\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"amber\"}") "," MARKED(1, CUSTOM) "]", 1,
        TLP_AMBER, "TLP:AMBER by " CUSTOM);
    check_marking(
        "[" MARKED(1, CUSTOM) "," DEFINITION("\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"amber\"}") "]", 1,
        TLP_AMBER, CUSTOM);
    check_marking("[" MARKED(1, CUSTOM) "," DEFINITION(
                      "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"(c)\"}") "]",
                  1, TLP_NONE, "");
    check_marking("[" MARKED(1, CUSTOM) "," DEFINITION("\"definition_type\":\"iep\",\"definition\":{\"x\":\"y\"}") "]",
                  1, TLP_RED, "of a kind that we do not know");
    check_marking(MARKED(1, CUSTOM), 0, TLP_RED, "cannot be resolved");
    check_marking(MARKED(1, TLP1_CLEAR "\",\"" CUSTOM), 0, TLP_RED, CUSTOM " cannot be resolved");
    /* Both ways of a definition, in either order: the narrower counts. */
#define TLP2(word)                                                                                                     \
    "\"extensions\":{\"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d\":{\"tlp_2_0\":\"" word "\"}}"
    check_marking("[" DEFINITION("\"definition\":{\"tlp\":\"red\"}," TLP2("clear")) "," MARKED(1, CUSTOM) "]", 1,
                  TLP_RED, "TLP:RED by " CUSTOM);
    check_marking("[" DEFINITION(TLP2("red") ",\"definition\":{\"tlp\":\"white\"}") "," MARKED(1, CUSTOM) "]", 1,
                  TLP_RED, "TLP:RED by " CUSTOM);
    check_marking("[" DEFINITION("\"definition_type\":\"statement\"," TLP2("purple")) "," MARKED(1, CUSTOM) "]", 1,
                  TLP_RED, "of a kind that we do not know");
    /* A key is what it reads, however it is written. */
    check_marking("{\"type\":\"identity\",\"id\":\"identity--" UUID(1) "\"," TIMES
                                                                       ",\"object\\u005fmarking_refs\":[\"" TLP1_RED
                                                                       "\"]}",
                  0, TLP_RED, TLP1_RED);
    /* Granular markings count for the whole object. */
    check_marking("{\"type\":\"identity\",\"id\":\"identity--" UUID(1) "\"," TIMES
                                                                       ",\"name\":\"a\",\"granular_markings\":"
                                                                       "[{\"marking_ref\":\"" TLP1_RED
                                                                       "\",\"selectors\":[\"name\"]}]}",
                  0, TLP_RED, TLP1_RED);
}

static int know_marking(void *ctx, struct span id, enum tlp *ret, struct err *err)
{
    size_t *asked = ctx;
    ++*asked;
    if (!span_is(id, CUSTOM))
        return err_set(err, ERR_NOTFOUND, "unknown");
    *ret = TLP_GREEN;
    return 0;
}

static void test_marking_known_elsewhere(void **state)
{
    (void)state;
    static const char text[] = "[" MARKED(1, CUSTOM) "," MARKED(2, CUSTOM) "," MARKED(
        3, "marking-definition--" UUID(8)) "," MARKED(4, "marking-definition--" UUID(8)) "]";
    struct got got = {0};
    struct err err = {0};
    size_t asked = 0;
    struct import_source source = {.origin = SPAN_LIT(TEST_ORIGIN), .marking = know_marking, .marking_ctx = &asked};
    struct import_sink sink = {.item = got_on_item, .bad = got_on_bad, .ctx = &got};
    buf_init(&got.dump, 1 << 20);
    struct import_reader *reader = import_reader_new(IMPORT_STIX, &source, &sink);
    assert_int_equal(import_reader_feed(reader, span_str(text), &err), 0);
    assert_int_equal(import_reader_end(reader, &err), 0);
    import_reader_free(reader);
    assert_int_equal(got.item_count, 4);
    assert_int_equal(got.items[0].item.marking, TLP_GREEN);
    assert_int_equal(got.items[1].item.marking, TLP_GREEN);
    assert_int_equal(got.items[2].item.marking, TLP_RED);
    assert_int_equal(got.items[3].item.marking, TLP_RED);
    assert_int_equal(asked, 2);
    got_done(&got);
}

static void test_bad_objects(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"type\":\"identity\"," TIMES "}",
        "{\"id\":\"identity--" UUID(1) "\"," TIMES "}",
        "{\"type\":\"identity\",\"type\":\"identity\",\"id\":\"identity--" UUID(1) "\"," TIMES "}",
        "{\"type\":\"identity\",\"id\":\"identity--" UUID(1) "\",\"name\":\"\xff\"," TIMES "}",
        "{\"type\":\"identity\",\"id\":\"malware--" UUID(1) "\"," TIMES "}",
        "{\"type\":\"identity\",\"id\":\"identity--" UUID(1) "\",\"a\":]," TIMES "}",
        "{\"type\":\"identity\",\"id\":\"identity--" UUID(1) "\",\"a\":01," TIMES "}",
        "{\"type\":\"bundle\",\"id\":\"bundle--" UUID(1) "\",\"x\":{\"objects\":[]}}",
        "{}",
        "7",
        "null",
        "\"a{b\"",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct got got;
        struct buf text;
        buf_init(&text, 4096);
        buf_fmt(&text, "{\"type\":\"bundle\",\n\"objects\":[%s,\n%s,\n%s]}", IDENTITY(2), bad[i], IDENTITY(3));
        got_read(&got, IMPORT_STIX, "x.json", buf_view(&text), 0, SIZE_MAX);
        if (got.item_count != 2 || got.bad_count != 1 || got.bads[0].line != 3)
            fail_msg("%s: %zu items, %zu bad: %s", bad[i], got.item_count, got.bad_count, buf_cstr(&got.dump));
        got_done(&got);
        buf_done(&text);
    }
}

/* What is taken for STIX is called what it is. */
static void test_other_kinds(void **state)
{
    static const struct {
        const char *text, *name;
    } others[] = {
        {"{\"list\":[\"8.8.8.8\"],\"matching_attributes\":[\"ip-dst\"],\"name\":\"x\",\"version\":1}",
         "MISP warning list"},
        {"{\"list\":[\"com\"],\"type\":\"string\",\"version\":20}", "MISP warning list"},
        {"{\"document\":{\"category\":\"csaf_base\",\"csaf_version\":\"2.0\"}}", "CSAF advisory"},
        {"{\"document\":[],\"list\":7}", "no \"type\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct got got;
        got_text(&got, IMPORT_STIX, "x.json", others[i].text);
        assert_int_equal(got.item_count, 0);
        assert_int_equal(got.bad_count, 1);
        if (!strstr(got.bads[0].reason, others[i].name))
            fail_msg("%s: %s", others[i].text, got.bads[0].reason);
        got_done(&got);
    }
}

static void test_deep_nesting(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 64u << 20);
    buf_str(&text, "[{\"type\":\"identity\",\"x\":");
    for (int i = 0; i < 1000000; i++)
        buf_byte(&text, '[');
    for (int i = 0; i < 1000000; i++)
        buf_byte(&text, ']');
    buf_str(&text, "},");
    for (int i = 0; i < 100000; i++)
        buf_str(&text, "{\"x\":");
    buf_byte(&text, '1');
    for (int i = 0; i < 100000; i++)
        buf_byte(&text, '}');
    buf_str(&text, "," IDENTITY(1) "]");
    struct got got;
    got_read(&got, IMPORT_STIX, "x.json", buf_view(&text), 0, 10000);
    assert_int_equal(got.item_count, 1);
    assert_int_equal(got.bad_count, 2);
    got_done(&got);
    buf_done(&text);
}

static void test_broken_frames(void **state)
{
    (void)state;
    check_counts("{\"type\":\"bundle\",\"objects\":[" IDENTITY(1) "," IDENTITY(2), 2, 1);
    check_counts("{\"type\":\"bundle\",\"objects\":[" IDENTITY(1) ",{\"type\":\"identity\"", 1, 1);
    check_counts("{\"type\":\"bundle\",\"objects\":[" IDENTITY(1) "]", 1, 1);
    check_counts("{\"type\":\"bundle\",\"objects\":[" IDENTITY(1) "],\"objects\":[" IDENTITY(2) "]}", 2, 1);
    check_counts("{\"type\":\"bundle\",\"type\":\"bundle\",\"objects\":[" IDENTITY(1) "]}", 1, 1);
    check_counts("{\"type\":\"report\",\"objects\":[" IDENTITY(1) "]}", 1, 1);
    check_counts("{\"type\":\"bundle\",\"objects\":[" IDENTITY(1) IDENTITY(2) "]}", 2, 1);
    check_counts("{\"type\":\"bundle\",\"objects\":[" IDENTITY(1) ",]}", 1, 1);
    check_counts("{\"type\":\"bundle\",\"objects\":[," IDENTITY(1) "]}", 1, 1);
    check_counts("{\"type\":\"bundle\",\"objects\":[[" IDENTITY(1) "]]}", 1, 1);
    check_counts("{\"type\":\"bundle\",\"objects\":[" IDENTITY(1) "}," IDENTITY(2) "]}", 2, 1);
    check_counts("[" IDENTITY(1), 1, 1);
    check_counts(IDENTITY(1) "]", 1, 1);
    check_counts(IDENTITY(1) "," IDENTITY(2), 2, 1);
    check_counts("", 0, 1);
    check_counts(" \n ", 0, 1);
    check_counts("not JSON at all", 0, 1);
    check_counts("<xml/>", 0, 1);
    check_counts("garbage\n" IDENTITY(1) "\nmore\n" IDENTITY(2), 2, 2);
    check_counts("\"{\"", 0, 1);
    /* A string that is not closed ends with its line: the next objects are not swallowed. */
    check_counts("{\"objects\":[\n{\"type\":\"identity\n},\n" IDENTITY(1) "\n]}", 1, 1);
}

static void test_too_long(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 64u << 20);
    buf_str(&text, "[" IDENTITY(1) ",\n{\"type\":\"identity\",\"x\":\"");
    for (size_t i = 0; i < IMPORT_OBJECT_MAX; i++)
        buf_byte(&text, 'x');
    buf_str(&text, "\"},\n" IDENTITY(2) "]");
    struct got got;
    for (size_t piece = 65536; piece < 2 * text.len; piece *= 600) {
        got_read(&got, IMPORT_STIX, "x.json", buf_view(&text), 0, piece);
        assert_int_equal(got.item_count, 2);
        assert_int_equal(got.bad_count, 1);
        assert_int_equal(got.bads[0].line, 2);
        assert_non_null(strstr(got.bads[0].reason, "longer than"));
        got_done(&got);
    }
    buf_done(&text);
}

/* More objects than may wait for a definition: those beyond the bound count as narrow, and nothing is lost. */
static void test_waiting_bound(void **state)
{
    (void)state;
    enum { COUNT = 70 };
    struct buf text;
    struct got got;
    size_t narrow = 0, open = 0;
    buf_init(&text, 256u << 20);
    buf_byte(&text, '[');
    for (int i = 0; i < COUNT; i++) {
        buf_fmt(&text,
                "{\"type\":\"identity\",\"id\":\"identity--00000000-0000-4000-8000-0000000%05d\"," TIMES
                ",\"object_marking_refs\":[\"" CUSTOM "\"],\"name\":\"",
                i);
        for (int k = 0; k < 1 << 20; k += 16)
            buf_str(&text, "sixteen letters.");
        buf_str(&text, "\"},");
    }
    buf_str(&text, DEFINITION("\"definition_type\":\"statement\",\"definition\":{\"statement\":\"(c)\"}") "]");
    got_read(&got, IMPORT_STIX, "x.json", buf_view(&text), 0, 1 << 20);
    assert_int_equal(got.item_count, COUNT + 1);
    assert_int_equal(got.bad_count, 0);
    for (size_t i = 0; i < got.item_count; i++) {
        narrow += got.items[i].item.marking == TLP_RED;
        open += got.items[i].item.marking == TLP_NONE;
    }
    assert_true(narrow > 0 && narrow < 10);
    assert_int_equal(narrow + open, COUNT + 1);
    got_done(&got);
    buf_done(&text);
}

static void test_cuts(void **state)
{
    (void)state;
    check_every_cut(
        IMPORT_STIX, "x.json",
        span_str("\xef\xbb\xbf{\"type\":\"bundle\",\n\"objects\" : [ {\"type\":\"identity\",\"id\":\"identity--" UUID(
            1) "\"," TIMES
               ",\"name\":\"\\\"}{\\\\\"}\n,{\"a\":]}, 7 ," MARKED(
                   2, CUSTOM) "],\"x\":{\"objects\":[{}]}}\n"
                              "trash {\"objects\":[" DEFINITION(
                                  "\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"green\"}") ","));
}

static void test_attack(void **state)
{
    struct got got;
    (void)state;
    struct span text = data_read("attack/ics-attack.json");
    got_read(&got, IMPORT_STIX, "ics-attack.json", text, 0, 262144);
    assert_int_equal(got.item_count, 1826);
    assert_int_equal(got.bad_count, 0);
    for (size_t i = 0; i < got.item_count; i++) {
        assert_int_equal(got.items[i].item.marking, TLP_NONE);
        size_t len = strlen(got.items[i].object);
        assert_memory_equal(got.items[i].object, text.data + got.items[i].item.offset, len);
    }
    got_done(&got);
    data_free(text);
}

static void test_red_example(void **state)
{
    struct got got;
    (void)state;
    struct span text = data_read("stix/interop-objectmarking-test.json");
    got_read(&got, IMPORT_STIX, "x.json", text, 0, SIZE_MAX);
    assert_int_equal(got.item_count, 1);
    assert_int_equal(got.items[0].item.marking, TLP_RED);
    assert_non_null(strstr(got.items[0].why, "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5e"));
    got_done(&got);
    data_free(text);
}

static void test_oasis_examples(void **state)
{
    static const struct {
        const char *path;
        size_t objects;
    } examples[] = {
        {"stix/apt1.json", 76},
        {"stix/poisonivy.json", 155},
        {"stix/infrastructure.json", 10},
        {"stix/indicators-for-C2-with-COA.json", 8},
        {"stix/indicator-for-c2-ip-address.json", 1},
        {"stix/malicious-email-indicator-with-attachment.json", 6},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        struct got got;
        struct span text = data_read(examples[i].path);
        got_read(&got, IMPORT_STIX, examples[i].path, text, 0, 1000);
        if (got.item_count != examples[i].objects || got.bad_count)
            fail_msg("%s: %s", examples[i].path, buf_cstr(&got.dump));
        got_done(&got);
        data_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),        cmocka_unit_test(test_original_bytes),
        cmocka_unit_test(test_markings),     cmocka_unit_test(test_marking_known_elsewhere),
        cmocka_unit_test(test_bad_objects),  cmocka_unit_test(test_other_kinds),
        cmocka_unit_test(test_deep_nesting), cmocka_unit_test(test_broken_frames),
        cmocka_unit_test(test_too_long),     cmocka_unit_test(test_waiting_bound),
        cmocka_unit_test(test_cuts),         cmocka_unit_test(test_attack),
        cmocka_unit_test(test_red_example),  cmocka_unit_test(test_oasis_examples),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/json.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"

static struct json_scanner *scanner;

static int start(void **state)
{
    (void)state;
    scanner = json_scanner_new();
    return scanner ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    json_scanner_free(scanner);
    return 0;
}

static const struct json_tree *scan(struct span text)
{
    const struct json_tree *tree = NULL;
    struct err err = {0};
    if (json_scan(scanner, text, &tree, &err) < 0)
        fail_msg("%s", err.text);
    assert_ptr_equal(tree->text.data, text.data);
    return tree;
}

static void the_tree_of_an_object(void **state)
{
    (void)state;
    struct span text = SPAN_LIT(" { \"type\" : \"indicator\" , \"n\":-1.5e3,\"list\":[1, [] ,{}, null],"
                                "\"yes\":true,\"no\":false,\"\":\"\"}\n");
    const struct json_tree *tree = scan(text);
    assert_int_equal(tree->count, 11);
    assert_int_equal(tree->nodes[0].type, JSON_T_OBJECT);
    assert_int_equal(tree->nodes[0].next, 11);
    assert_span(json_raw(tree, 0), "{ \"type\" : \"indicator\" , \"n\":-1.5e3,\"list\":[1, [] ,{}, null],"
                                   "\"yes\":true,\"no\":false,\"\":\"\"}");
    assert_int_equal(json_get(tree, 0, "type"), 1);
    assert_span(json_raw(tree, 1), "indicator");
    assert_span(json_raw(tree, json_get(tree, 0, "n")), "-1.5e3");
    uint32_t list = json_get(tree, 0, "list");
    assert_int_equal(tree->nodes[list].type, JSON_T_ARRAY);
    assert_span(json_raw(tree, list), "[1, [] ,{}, null]");
    static const enum json_type types[] = {JSON_T_NUMBER, JSON_T_ARRAY, JSON_T_OBJECT, JSON_T_NULL};
    uint32_t child = json_first(tree, list);
    for (size_t i = 0; i < 4; i++, child = tree->nodes[child].next) {
        assert_int_equal(tree->nodes[child].type, types[i]);
        assert_int_equal(tree->nodes[child].key_len, 0);
        assert_int_equal(tree->nodes[child].key_at, 0);
    }
    assert_int_equal(child, tree->nodes[list].next);
    assert_int_equal(json_first(tree, list + 2), 0);
    assert_int_equal(tree->nodes[json_get(tree, 0, "yes")].type, JSON_T_TRUE);
    assert_int_equal(tree->nodes[json_get(tree, 0, "no")].type, JSON_T_FALSE);
    uint32_t empty = json_get(tree, 0, "");
    assert_int_equal(empty, 10);
    assert_int_equal(json_text(tree, empty, NULL).len, 0);
    assert_non_null(json_text(tree, empty, NULL).data);
    assert_int_equal(json_get(tree, 0, "typ"), 0);
    assert_int_equal(json_get(tree, list, "type"), 0);
    assert_int_equal(json_get(tree, 1, "type"), 0);
    assert_null(json_text(tree, 0, NULL).data);
    assert_null(json_text(tree, list, NULL).data);
}

static void strings_are_unescaped_on_demand(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1000);
    const struct json_tree *tree =
        scan(SPAN_LIT("[\"plain\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e9\\u540C\\uD83D\\uDEA2\\u0000z\","
                      "\"\xE5\x90\x8C\",{\"\\u0061b\":1,\"c\\n\":2}]"));
    struct span text = json_text(tree, 1, &arena);
    assert_span(text, "plain");
    assert_ptr_equal(text.data, tree->text.data + 2);
    assert_int_equal(arena.used_bytes, 0);
    assert_span(json_text(tree, 2, &arena), "\"\\/\b\f\n\r\t");
    text = json_text(tree, 3, &arena);
    assert_true(span_eq(text, SPAN_LIT("A\xC3\xA9\xE5\x90\x8C\xF0\x9F\x9A\xA2\0z")));
    assert_span(json_text(tree, 4, &arena), "\xE5\x90\x8C");
    assert_int_equal(json_get(tree, 5, "ab"), 6);
    assert_int_equal(json_get(tree, 5, "c\n"), 7);
    assert_int_equal(json_get(tree, 5, "c\\n"), 0);
    arena_done(&arena);
    arena_init(&arena, 1);
    assert_null(json_text(tree, 2, &arena).data);
    arena_done(&arena);
}

static void any_value_may_be_the_root(void **state)
{
    (void)state;
    static const char *const good[] = {"0",
                                       " -0 ",
                                       "1.0",
                                       "12e+5",
                                       "1E-2",
                                       "0.5e0",
                                       "true",
                                       "\tfalse\r\n",
                                       "null",
                                       "\"\"",
                                       "\"a\"",
                                       "[]",
                                       "{}",
                                       "[[]]",
                                       "123456789012345678901234567890",
                                       "1e999",
                                       "-1.0000000000000000000000000001"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_int_equal(scan(span_str(good[i]))->count, 1 + (i == 13));
}

static void what_rfc_8259_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "empty text"},
        {"  ", "no value"},
        {"tru", "byte 0: expected a value"},
        {"truee", "byte 0: expected a value"},
        {"True", "byte 0"},
        {"[nul]", "byte 1"},
        {"[null null]", "byte 6: expected , or ]"},
        {"01", "byte 0: malformed number"},
        {"-", "malformed number"},
        {"-01", "malformed number"},
        {"+1", "expected a value"},
        {".5", "expected a value"},
        {"1.", "malformed number"},
        {"1.2.3", "malformed number"},
        {"1e", "malformed number"},
        {"1e+", "malformed number"},
        {"1.e5", "malformed number"},
        {"0x10", "malformed number"},
        {"1a", "malformed number"},
        {"1\"a\"", "malformed number"},
        {"[1\x01]", "malformed number"},
        {"[1,\x0C 2]", "byte 3: expected a value"},
        {"NaN", "expected a value"},
        {"[-Infinity]", "malformed number"},
        {"'a'", "expected a value"},
        {"[1,]", "byte 3: expected a value"},
        {"[,1]", "byte 1: expected a value"},
        {"[1 2]", "byte 3: expected , or ]"},
        {"[1", "byte 2: the text ends inside a value"},
        {"[", "the text ends inside a value"},
        {"]", "expected a value"},
        {"[}", "expected a value"},
        {"[1}", "expected , or ]"},
        {"{\"a\":1]", "expected , or }"},
        {"{\"a\":1,}", "byte 7: expected a key"},
        {"{,}", "expected a key"},
        {"{1:2}", "expected a key"},
        {"{a:2}", "expected a key"},
        {"{\"a\"}", "byte 4: expected a colon"},
        {"{\"a\" 1}", "expected a colon"},
        {"{\"a\":}", "expected a value"},
        {"{\"a\"::1}", "expected a value"},
        {"{\"a\":1 \"b\":2}", "expected , or }"},
        {"{\"a\":1", "the text ends inside a value"},
        {"{\"a\":", "the text ends inside a value"},
        {"{\"a\"", "expected a colon"},
        {"{} {}", "byte 3: expected the end"},
        {"1 2", "byte 2: expected the end"},
        {"[]]", "byte 2: expected the end"},
        {"\"a\"b", "byte 3: expected the end"},
        {"\"a\"\"b\"", "byte 3: expected the end"},
        {"\"a", "byte 0: string without an end"},
        {"\"", "byte 0: string without an end"},
        {"\"a\\\"", "byte 0: string without an end"},
        {"[\"a\nb\"]", "byte 3: control character 0x0A"},
        {"\"\t\"", "control character 0x09"},
        {"\"\\x41\"", "byte 1: escape"},
        {"\"ab\\u12\"", "byte 3: escape"},
        {"\"\\u12G4\"", "byte 1: escape"},
        {"\"\\'\"", "byte 1: escape"},
        {"\"\\ud800\"", "byte 1: escape"},
        {"\"\\udc00\"", "byte 1: escape"},
        {"\"\\ud800\\u0041\"", "byte 1: escape"},
        {"\"\\ud800\\ud800\"", "byte 1: escape"},
        {"\"\\ud83d \\udea2\"", "byte 1: escape"},
        {"{\"\\z\":1}", "byte 2: escape"},
        {"\"\xFF\"", "byte 1: malformed UTF-8"},
        {"[\"\xED\xA0\x80\"]", "byte 2: malformed UTF-8"},
        {"\"\xC3\"", "byte 1: malformed UTF-8"},
        {"\xEF\xBB\xBF{}", "byte 0: expected a value"},
        {"/* no */ {}", "expected a value"},
        {"\\\"a\"", "byte 0: backslash"},
        {"[\"a\" \\\"b\"]", "byte 5"},
    };
    struct err err = {0};
    const struct json_tree *tree;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_fails(json_scan(scanner, span_str(bad[i].text), &tree, &err), &err, ERR_SYNTAX, bad[i].part);
    assert_fails(json_scan(scanner, SPAN_LIT("[1\0]"), &tree, &err), &err, ERR_SYNTAX, "byte 1: malformed number");
    assert_fails(json_scan(scanner, SPAN_LIT("1\0"), &tree, &err), &err, ERR_SYNTAX, "malformed number");
    assert_fails(json_scan(scanner, SPAN_LIT("{}\0"), &tree, &err), &err, ERR_SYNTAX, "byte 2: expected the end");
    assert_fails(json_scan(scanner, SPAN_LIT("\"a\0b\""), &tree, &err), &err, ERR_SYNTAX, "control character 0x00");
}

/* Blocks of 64 bytes are what simdjson looks at: each token at each place in such a block. */
static void tokens_at_every_offset(void **state)
{
    (void)state;
    static const char *const bad[] = {"tru",      "1.2.3",  "\"\\q\"",    "[1,]", "{\"a\":1,\"a\":2}",
                                      "\"\x01\"", "1\"a\"", "\"\\ud800\""};
    struct err err = {0};
    const struct json_tree *tree;
    char text[256];
    for (size_t indent = 0; indent < 140; indent++) {
        memset(text, ' ', sizeof(text));
        static const char good[] = "{\"key\\\\\":[true,-1.5e7,\"v\\\"\",null]}";
        memcpy(text + indent, good, sizeof(good) - 1);
        tree = scan(span_of(text, indent + sizeof(good) - 1));
        assert_int_equal(tree->count, 6);
        assert_span(json_raw(tree, 0), good);
        assert_span(json_raw(tree, 4), "v\\\"");
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
            memset(text, ' ', sizeof(text));
            memcpy(text + indent, bad[i], strlen(bad[i]));
            assert_int_equal(json_scan(scanner, span_of(text, indent + strlen(bad[i])), &tree, &err), ERR_SYNTAX);
            assert_int_equal(json_scan(scanner, span_of(text, sizeof(text)), &tree, &err), ERR_SYNTAX);
        }
    }
}

static void every_beginning_of_a_text_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,2.5e3,\"x\\u0041\\uD83D\\uDEA2\",true,{\"b\":null,\"\xE5\x90\x8C\":false}]}";
    struct err err = {0};
    const struct json_tree *tree;
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        /* On the heap and exactly as long, so that a sanitizer sees a read behind the end. */
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, text, len);
        assert_int_equal(json_scan(scanner, span_of(exact, len), &tree, &err), ERR_SYNTAX);
        free(exact);
    }
    assert_int_equal(scan(span_str(text))->count, 9);
}

static void duplicate_keys_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"{\"a\":1,\"a\":2}", "byte 8: this key stands twice"},
        {"{\"a\":1,\"\\u0061\":2}", "byte 8: this key stands twice"},
        {"{\"\\u0061\":1,\"b\":0,\"a\":2}", "stands twice"},
        {"{\"\":1,\"\":2}", "stands twice"},
        {"[{\"x\":{\"a\":{},\"b\":[],\"a\":0}}]", "stands twice"},
        {"{\"\\/\":1,\"/\":2}", "stands twice"},
        {"{\"\\uD83D\\uDEA2\":1,\"\xF0\x9F\x9A\xA2\":2}", "stands twice"},
    };
    struct err err = {0};
    const struct json_tree *tree;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_fails(json_scan(scanner, span_str(bad[i].text), &tree, &err), &err, ERR_SYNTAX, bad[i].part);
    /* The same key in other objects, or as a value, is none. */
    scan(SPAN_LIT("{\"a\":{\"a\":[{\"a\":1},{\"a\":1}]},\"b\":\"a\",\"A\":0,\"\\u0062b\":0}"));
}

/* Objects of 2 to 40 keys, so below and above the change of method, with each pair of keys made equal. */
static void duplicates_in_objects_of_all_sizes(void **state)
{
    (void)state;
    struct err err = {0};
    const struct json_tree *tree;
    struct buf buf;
    buf_init(&buf, 10000);
    for (unsigned count = 2; count <= 40; count += 3) {
        for (unsigned first = 0; first < count; first++) {
            for (unsigned second = first; second < count; second++) {
                buf_clear(&buf);
                for (unsigned i = 0; i < count; i++)
                    buf_fmt(&buf, "%s\"%s%u\":%u", i ? "," : "{", i == second ? "\\u006b" : "k",
                            i == second ? first : i, i);
                buf_byte(&buf, '}');
                int want = second == first ? 0 : ERR_SYNTAX;
                assert_int_equal(json_scan(scanner, buf_view(&buf), &tree, &err), want);
            }
        }
    }
    buf_done(&buf);
}

/* 200,000 keys in one object; with comparisons of all pairs this would take minutes. */
static void huge_objects_take_no_square_time(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 23);
    for (unsigned i = 0; i < 200000; i++)
        buf_fmt(&buf, "%s\"key%06u\":0", i ? "," : "{", i);
    size_t len = buf.len;
    buf_byte(&buf, '}');
    assert_int_equal(scan(buf_view(&buf))->count, 200001);
    buf_cut(&buf, len);
    buf_str(&buf, ",\"key\\u0031\\u00300000\":0}");
    struct err err = {0};
    const struct json_tree *tree;
    assert_fails(json_scan(scanner, buf_view(&buf), &tree, &err), &err, ERR_SYNTAX, "stands twice");
    buf_done(&buf);
}

static void nest(struct buf *buf, const char *opening, const char *inner, const char *closing, int depth)
{
    buf_clear(buf);
    for (int i = 0; i < depth; i++)
        buf_str(buf, opening);
    buf_str(buf, inner);
    for (int i = 0; i < depth; i++)
        buf_str(buf, closing);
}

static void depth_is_limited(void **state)
{
    (void)state;
    struct err err = {0};
    const struct json_tree *tree;
    struct buf buf;
    buf_init(&buf, 1 << 24);
    nest(&buf, "[", "1", "]", JSON_DEPTH_MAX);
    assert_int_equal(scan(buf_view(&buf))->count, JSON_DEPTH_MAX + 1);
    nest(&buf, "{\"a\":", "1", "}", JSON_DEPTH_MAX);
    assert_int_equal(scan(buf_view(&buf))->count, JSON_DEPTH_MAX + 1);
    nest(&buf, "[", "", "]", JSON_DEPTH_MAX + 1);
    assert_fails(json_scan(scanner, buf_view(&buf), &tree, &err), &err, ERR_LIMIT, "byte 64: nested deeper than 64");
    nest(&buf, "{\"a\":", "{}", "}", JSON_DEPTH_MAX);
    assert_fails(json_scan(scanner, buf_view(&buf), &tree, &err), &err, ERR_LIMIT, "nested deeper than 64");
    nest(&buf, "[", "", "", 1 << 23);
    assert_fails(json_scan(scanner, buf_view(&buf), &tree, &err), &err, ERR_LIMIT, "nested deeper than 64");
    buf_done(&buf);
}

/* An array of as many values as may be, then of one more. */
static void values_are_limited(void **state)
{
    (void)state;
    struct err err = {0};
    const struct json_tree *tree;
    size_t values = JSON_NODES_MAX - 1; /* the array is a value, too */
    char *text = malloc(2 * values + 4);
    assert_non_null(text);
    text[0] = '[';
    for (size_t i = 0; i <= values; i++)
        memcpy(text + 1 + 2 * i, "0,", 2);
    text[2 * values] = ']';
    assert_int_equal(scan(span_of(text, 2 * values + 1))->count, JSON_NODES_MAX);
    memcpy(text + 2 * values, ",0]", 3);
    assert_fails(json_scan(scanner, span_of(text, 2 * values + 3), &tree, &err), &err, ERR_LIMIT,
                 "more than 4194304 values");
    free(text);
}

static void too_long_a_text_is_refused_unread(void **state)
{
    (void)state;
    struct err err = {0};
    const struct json_tree *tree;
    struct span text = {(const uint8_t *)"1", (size_t)JSON_TEXT_MAX + 1};
    assert_fails(json_scan(scanner, text, &tree, &err), &err, ERR_LIMIT, "67108865 bytes, limit 67108864");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_of_an_object),
        cmocka_unit_test(strings_are_unescaped_on_demand),
        cmocka_unit_test(any_value_may_be_the_root),
        cmocka_unit_test(what_rfc_8259_refuses),
        cmocka_unit_test(tokens_at_every_offset),
        cmocka_unit_test(every_beginning_of_a_text_is_refused),
        cmocka_unit_test(duplicate_keys_are_refused),
        cmocka_unit_test(duplicates_in_objects_of_all_sizes),
        cmocka_unit_test(huge_objects_take_no_square_time),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(values_are_limited),
        cmocka_unit_test(too_long_a_text_is_refused_unread),
    };
    return cmocka_run_group_tests_name("base/json_scan", tests, start, stop);
}

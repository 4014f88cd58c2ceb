#include "base/json.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"

static void documents_are_read(void **state)
{
    (void)state;
    struct err err = {0};
    json_t *doc =
        json_small_load(SPAN_LIT("{\"name\":\"\xE5\x90\x8C\xE8\x88\x9F\",\"n\":3,\"list\":[true,null]}"), &err);
    assert_non_null(doc);
    const char *text = NULL;
    assert_int_equal(json_small_string(doc, "name", NULL, &text, &err), 0);
    assert_string_equal(text, "\xE5\x90\x8C\xE8\x88\x9F");
    assert_int_equal(json_small_string(doc, "absent", "else", &text, &err), 0);
    assert_string_equal(text, "else");
    assert_int_equal(json_small_string(doc, "absent", NULL, &text, &err), 0);
    assert_null(text);
    assert_fails(json_small_string(doc, "n", NULL, &text, &err), &err, ERR_SYNTAX, "\"n\" is no string");
    json_decref(doc);
}

static void what_is_not_strict_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1",
        "\"a\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "[1,]",
        "{} x",
        "[\"\xFF\"]",
        "[\"\\ud800\"]",
        "[\"a\\u0000b\"]",
        "[\"\x1b\"]",
        "[1e999]",
        "[01]",
        "{\"a\"}",
        "[tru]",
        "[NaN]",
        "\xEF\xBB\xBF[]",
        "{'a':1}",
        "[1] [2]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct err err = {0};
        assert_null(json_small_load(span_str(bad[i]), &err));
        assert_int_equal(err.code, ERR_SYNTAX);
        assert_non_null(strstr(err.text, "JSON: byte "));
    }
    struct err err = {0};
    assert_null(json_small_load((struct span){0}, &err));
    assert_int_equal(err.code, ERR_SYNTAX);
    assert_null(json_small_load(SPAN_LIT("[1]\0"), &err));
    assert_int_equal(err.code, ERR_SYNTAX);
    assert_null(json_small_load(SPAN_LIT("[80\0]"), &err));
    assert_string_equal(err.text, "JSON: byte 3: NUL");
}

static void errors_do_not_carry_control_characters(void **state)
{
    (void)state;
    struct err err = {0};
    assert_null(json_small_load(SPAN_LIT("[x\x1b[2Jhidden]"), &err));
    for (const char *c = err.text; *c; c++)
        assert_true((unsigned char)*c >= 0x20);
    assert_null(json_small_load(SPAN_LIT("[abc\xE2\x80\xAE]"), &err));
    assert_null(strstr(err.text, "\xE2\x80\xAE"));
}

static void nesting_and_length_are_limited(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf buf;
    buf_init(&buf, 2 << 20);
    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        buf_clear(&buf);
        for (int i = 0; i < depth; i++)
            buf_str(&buf, "[");
        buf_str(&buf, "\"[[[\\\"[[[\"");
        for (int i = 0; i < depth; i++)
            buf_str(&buf, "]");
        json_t *doc = json_small_load(buf_view(&buf), &err);
        assert_true((doc != NULL) == (depth == JSON_DEPTH_MAX));
        json_decref(doc);
    }
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "byte 64: nested deeper than 64 levels"));
    buf_clear(&buf);
    memset(buf_room(&buf, 1 << 20), '[', 1 << 20);
    assert_null(json_small_load(buf_view(&buf), &err));
    assert_int_equal(err.code, ERR_LIMIT);
    buf_done(&buf);

    struct span too_long = {(const uint8_t *)"[", (size_t)JSON_SMALL_MAX + 1};
    assert_null(json_small_load(too_long, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    assert_non_null(strstr(err.text, "4194305 bytes, limit 4194304"));
}

static void one_value_has_one_text(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf buf;
    buf_init(&buf, 40);
    json_t *doc =
        json_small_load(SPAN_LIT("{ \"b\" : [ 1 , \"\xC3\xA9\" ], \"a\" : { \"z\":null , \"y\":true } }"), &err);
    assert_non_null(doc);
    assert_int_equal(json_small_dump(doc, &buf, &err), 0);
    assert_span(buf_view(&buf), "{\"a\":{\"y\":true,\"z\":null},\"b\":[1,\"\xC3\xA9\"]}");
    assert_fails(json_small_dump(doc, &buf, &err), &err, ERR_LIMIT, "JSON: longer than 40 bytes");
    json_decref(doc);
    buf_clear(&buf);
    json_t *text = json_string("x");
    assert_int_equal(json_small_dump(text, &buf, &err), 0);
    assert_span(buf_view(&buf), "\"x\"");
    json_decref(text);
    buf_done(&buf);
}

static void literals_come_back(void **state)
{
    (void)state;
    struct buf buf;
    struct err err = {0};
    buf_init(&buf, 4096);
    buf_json_string(&buf, SPAN_LIT("a\"b\\c\n\r\t\x01\x1f/\x7f\xE5\x90\x8C"));
    assert_span(buf_view(&buf), "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f/\x7f\xE5\x90\x8C\"");
    buf_clear(&buf);
    buf_json_string(&buf, SPAN_LIT("x\xFF\xC3y\xED\xA0\x80"));
    assert_span(buf_view(&buf), "\"x\xEF\xBF\xBD\xEF\xBF\xBDy\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    buf_clear(&buf);
    buf_json_string(&buf, (struct span){0});
    assert_span(buf_view(&buf), "\"\"");

    /* Every byte but NUL, which jansson's strings do not hold. */
    char all[256];
    for (int i = 1; i < 128; i++)
        all[i - 1] = (char)i;
    buf_clear(&buf);
    buf_byte(&buf, '[');
    buf_json_string(&buf, span_of(all, 127));
    buf_byte(&buf, ']');
    json_t *doc = json_small_load(buf_view(&buf), &err);
    assert_non_null(doc);
    assert_true(span_eq(span_str(json_string_value(json_array_get(doc, 0))), span_of(all, 127)));
    json_decref(doc);
    buf_done(&buf);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read),
        cmocka_unit_test(what_is_not_strict_is_refused),
        cmocka_unit_test(errors_do_not_carry_control_characters),
        cmocka_unit_test(nesting_and_length_are_limited),
        cmocka_unit_test(one_value_has_one_text),
        cmocka_unit_test(literals_come_back),
    };
    return cmocka_run_group_tests_name("base/json_small", tests, NULL, NULL);
}

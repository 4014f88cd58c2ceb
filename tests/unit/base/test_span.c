#include "base/check.h"

static void comparing(void **state)
{
    (void)state;
    assert_true(span_cmp(SPAN_LIT("abc"), SPAN_LIT("abd")) < 0);
    assert_true(span_cmp(SPAN_LIT("abc"), SPAN_LIT("ab")) > 0);
    assert_true(span_cmp(SPAN_LIT("\xFF"), SPAN_LIT("a")) > 0);
    assert_true(span_cmp(SPAN_LIT(""), SPAN_LIT("a")) < 0);
    assert_int_equal(span_cmp((struct span){0}, SPAN_LIT("")), 0);
    assert_true(span_eq((struct span){0}, SPAN_LIT("")));
    assert_true(span_starts(SPAN_LIT("abc"), SPAN_LIT("ab")));
    assert_false(span_starts(SPAN_LIT("a"), SPAN_LIT("ab")));
}

static void finding(void **state)
{
    (void)state;
    assert_int_equal(span_find(SPAN_LIT("a\nb\n"), '\n'), 1);
    assert_int_equal(span_find(SPAN_LIT("ab"), '\n'), 2);
    assert_int_equal(span_find((struct span){0}, 'x'), 0);
    assert_int_equal(span_search(SPAN_LIT("aabaab"), SPAN_LIT("ab")), 1);
    assert_int_equal(span_search(SPAN_LIT("aab"), SPAN_LIT("abc")), 3);
    assert_int_equal(span_search((struct span){0}, SPAN_LIT("a")), 0);
}

static void parts_are_clipped(void **state)
{
    (void)state;
    assert_span(span_sub(SPAN_LIT("hello"), 1, 3), "ell");
    assert_span(span_sub(SPAN_LIT("hello"), 3, SIZE_MAX), "lo");
    assert_span(span_sub(SPAN_LIT("hello"), 9, 1), "");
    assert_int_equal(span_sub((struct span){0}, 1, 1).len, 0);
    assert_span(span_trim(SPAN_LIT(" \t a b\r\n")), "a b");
    assert_span(span_trim(SPAN_LIT(" \n")), "");
}

static void numbers_have_one_notation(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_true(span_u64(SPAN_LIT("0"), 10, &value));
    assert_int_equal(value, 0);
    assert_true(span_u64(SPAN_LIT("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_true(span_u64(SPAN_LIT("10"), 10, &value));
    static const char *const bad[] = {"",
                                      "00",
                                      "01",
                                      "+1",
                                      "-1",
                                      " 1",
                                      "1 ",
                                      "1a",
                                      "0x1",
                                      "18446744073709551616",
                                      "11",
                                      "99999999999999999999",
                                      "100000000000000000000"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        uint64_t max = strcmp(bad[i], "11") == 0 ? 10 : UINT64_MAX;
        value = 7;
        assert_false(span_u64(span_str(bad[i]), max, &value));
        assert_int_equal(value, 7);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),
        cmocka_unit_test(finding),
        cmocka_unit_test(parts_are_clipped),
        cmocka_unit_test(numbers_have_one_notation),
    };
    return cmocka_run_group_tests_name("base/span", tests, NULL, NULL);
}

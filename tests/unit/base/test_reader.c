#include "base/reader.h"

#include "base/check.h"

static void fields_in_order(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1,  2,  3,  4,   5,   6,   7,   8,    9,   10,  11, 12,
                                    13, 14, 15, 'l', 'i', 'n', 'e', '\n', 'a', 'b', 'c'};
    struct reader r;
    struct err err = {0};
    reader_init(&r, span_of(bytes, sizeof(bytes)));
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_u16(&r), 0x0203);
    assert_int_equal(reader_u32(&r), 0x04050607);
    assert_true(reader_u64(&r) == UINT64_C(0x08090A0B0C0D0E0F));
    assert_span(reader_line(&r, 4), "line");
    reader_expect(&r, "a");
    assert_int_equal(reader_left(&r), 2);
    assert_fails(reader_finish(&r, "frame", &err), &err, ERR_SYNTAX, "frame: byte 21: expected the end, found 2 more");
    assert_int_equal(reader_check(&r, "frame", &err), 0);
    assert_span(reader_bytes(&r, 1), "b");
    assert_span(reader_rest(&r), "c");
    assert_true(reader_end(&r));
    assert_int_equal(reader_finish(&r, "frame", &err), 0);
}

static void the_first_failure_sticks(void **state)
{
    (void)state;
    struct reader r;
    struct err err = {0};
    reader_init(&r, SPAN_LIT("abcdef"));
    reader_bytes(&r, 3);
    assert_int_equal(reader_u32(&r), 0);
    assert_int_equal(reader_u8(&r), 0);
    assert_int_equal(reader_line(&r, 10).len, 0);
    assert_int_equal(reader_rest(&r).len, 0);
    assert_int_equal(reader_bytes(&r, 0).len, 0);
    reader_expect(&r, "d");
    reader_fail(&r, "something else");
    assert_true(reader_end(&r));
    assert_int_equal(reader_left(&r), 0);
    assert_fails(reader_check(&r, "frame", &err), &err, ERR_SYNTAX, "frame: byte 3: expected a 32-bit number");
    assert_fails(reader_finish(&r, "frame", &err), &err, ERR_SYNTAX, "frame: byte 3: expected a 32-bit number");
}

static void lines_are_bounded(void **state)
{
    (void)state;
    struct reader r;
    struct err err = {0};
    reader_init(&r, SPAN_LIT("12345\n"));
    assert_span(reader_line(&r, 5), "12345");
    reader_init(&r, SPAN_LIT("123456\n"));
    reader_line(&r, 5);
    assert_fails(reader_check(&r, "x", &err), &err, ERR_SYNTAX, "byte 0: expected a shorter line");
    reader_init(&r, SPAN_LIT("1234"));
    reader_line(&r, 5);
    assert_fails(reader_check(&r, "x", &err), &err, ERR_SYNTAX, "expected a line with its newline");
    reader_init(&r, SPAN_LIT("\n"));
    assert_int_equal(reader_line(&r, 0).len, 0);
    assert_true(reader_end(&r) && !r.failed);
    reader_init(&r, SPAN_LIT("ab\n"));
    reader_line(&r, SIZE_MAX);
    assert_false(r.failed);
    reader_init(&r, (struct span){0});
    reader_line(&r, 5);
    assert_true(r.failed);
}

static void literals_are_named(void **state)
{
    (void)state;
    struct reader r;
    struct err err = {0};
    reader_init(&r, SPAN_LIT("index 5"));
    reader_expect(&r, "indices\n");
    assert_fails(reader_check(&r, "proof", &err), &err, ERR_SYNTAX, "proof: byte 0: expected indices");
    assert_null(strchr(err.text, '\n'));
    reader_init(&r, SPAN_LIT("x"));
    reader_expect(&r, "\n");
    assert_fails(reader_check(&r, "proof", &err), &err, ERR_SYNTAX, "proof: byte 0: expected a newline");
    reader_init(&r, SPAN_LIT("ab"));
    reader_u8(&r);
    reader_fail(&r, "an odd number");
    assert_fails(reader_check(&r, "proof", &err), &err, ERR_SYNTAX, "byte 1: expected an odd number");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_in_order),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(literals_are_named),
    };
    return cmocka_run_group_tests_name("base/reader", tests, NULL, NULL);
}

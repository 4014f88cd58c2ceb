#include "base/buf.h"

#include "base/check.h"

static void fields_follow_each_other(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    buf_str(&buf, "ab");
    buf_byte(&buf, 'c');
    buf_span(&buf, SPAN_LIT("de"));
    buf_span(&buf, (struct span){0});
    buf_u16(&buf, 0x0102);
    buf_u32(&buf, 0x03040506);
    buf_u64(&buf, UINT64_C(0x0708090A0B0C0D0E));
    static const uint8_t want[] = {'a', 'b', 'c', 'd', 'e', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    assert_int_equal(buf.len, sizeof(want));
    assert_memory_equal(buf.data, want, sizeof(want));
    buf_cut(&buf, 2);
    assert_span(buf_view(&buf), "ab");
    assert_string_equal(buf_cstr(&buf), "ab");
    struct err err = {0};
    assert_int_equal(buf_check(&buf, "text", &err), 0);
    buf_done(&buf);
    assert_null(buf.data);
}

static void formatted_text_of_any_length(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000);
    for (int width = 1; width < 1200; width += 17) {
        buf_clear(&buf);
        buf_fmt(&buf, "%*d|", width, 5);
        assert_int_equal(buf.len, width + 1);
        assert_int_equal(buf.data[buf.len - 1], '|');
        assert_int_equal(buf.data[buf.len - 2], '5');
    }
    buf_done(&buf);
}

static void the_maximum_holds_and_sticks(void **state)
{
    (void)state;
    struct buf buf;
    struct err err = {0};
    buf_init(&buf, 10);
    buf_str(&buf, "0123456789");
    assert_int_equal(buf_check(&buf, "name", &err), 0);
    assert_string_equal(buf_cstr(&buf), "0123456789");
    buf_byte(&buf, 'x');
    assert_fails(buf_check(&buf, "name", &err), &err, ERR_LIMIT, "name: longer than 10 bytes");
    buf_cut(&buf, 3);
    buf_byte(&buf, 'y');
    assert_int_equal(buf.len, 3);
    assert_null(buf_room(&buf, 1));
    assert_string_equal(buf_cstr(&buf), "");
    buf_clear(&buf);
    buf_str(&buf, "again");
    assert_int_equal(buf_check(&buf, "name", &err), 0);
    assert_span(buf_view(&buf), "again");
    buf_add(&buf, "", SIZE_MAX);
    assert_int_equal(buf.failed, ERR_LIMIT);
    buf_done(&buf);
}

static void formatted_text_beyond_the_maximum_adds_nothing(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 300);
    buf_fmt(&buf, "%301d", 1);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.failed, ERR_LIMIT);
    buf_done(&buf);
}

static void unlimited_sizes_fail_without_memory(void **state)
{
    (void)state;
    struct buf buf;
    struct err err = {0};
    buf_init(&buf, SIZE_MAX);
    buf_byte(&buf, 1);
    assert_null(buf_room(&buf, SIZE_MAX - 1));
    assert_fails(buf_check(&buf, "all", &err), &err, ERR_MEMORY, "out of memory");
    buf_done(&buf);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_follow_each_other),
        cmocka_unit_test(formatted_text_of_any_length),
        cmocka_unit_test(the_maximum_holds_and_sticks),
        cmocka_unit_test(formatted_text_beyond_the_maximum_adds_nothing),
        cmocka_unit_test(unlimited_sizes_fail_without_memory),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}

/* The lines of /heads: what is written is read, anything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/codec.h"
#include "connect/heads.h"
#include "index/capability.h"

const struct capability *const capabilities[] = {NULL};

#define ORIGIN "cert.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void origin_hex(const char *origin, char hex[65])
{
    uint8_t hash[32];
    origin_hash(span_str(origin), hash);
    hex_encode(hash, 32, hex);
}

static void test_round_trip(void **state)
{
    struct buf out;
    struct heads_reader reader;
    struct heads_line line;
    struct err err;
    char hex[65];
    (void)state;
    buf_init(&out, 4096);
    origin_hex(ORIGIN, hex);
    heads_write_line(&out, hex, SPAN_LIT(ORIGIN), 42);
    heads_write_line(&out, hex, SPAN_LIT(ORIGIN), LOG_SIZE_MAX);
    heads_write_end(&out, true, "0123456789abcdef", 77);
    heads_reader_init(&reader, buf_view(&out));
    assert_int_equal(heads_next(&reader, &line, &err), 1);
    assert_true(span_is(line.origin, ORIGIN));
    assert_int_equal(line.size, 42);
    assert_int_equal(heads_next(&reader, &line, &err), 1);
    assert_int_equal(line.size, LOG_SIZE_MAX);
    assert_int_equal(heads_next(&reader, &line, &err), 0);
    assert_true(reader.more);
    assert_true(span_is(reader.cursor, "0123456789abcdef-77"));
    char generation[17];
    int64_t seq;
    assert_true(heads_cursor_parse(reader.cursor, generation, &seq));
    assert_string_equal(generation, "0123456789abcdef");
    assert_int_equal(seq, 77);
    buf_done(&out);
}

/* All lines of `text`; the code with which it ends. */
static int read_all(struct span text, struct err *err)
{
    struct heads_reader reader;
    struct heads_line line;
    int code;
    heads_reader_init(&reader, text);
    do
        code = heads_next(&reader, &line, err);
    while (code > 0);
    return code;
}

static void test_garbage(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "next\n",
        "next \n",
        "next 0123456789abcdef-1", /* no newline */
        "next 0123456789abcdef-1\nmore\n",
        "next UPPER-1\n",
        "next 00000000000000000000000000000000000000000000000000000000000000000\n",
        "<html>\n",
        "0000000000000000000000000000000000000000000000000000000000000000 " ORIGIN " 1\nnext a-1\n",
        "HEX " ORIGIN " 0\nnext a-1\n",
        "HEX " ORIGIN " 01\nnext a-1\n",
        "HEX " ORIGIN " 1099511627777\nnext a-1\n",
        "HEX " ORIGIN " 1 \nnext a-1\n",
        "HEX " ORIGIN "\nnext a-1\n",
        "HEX nobody 1\nnext a-1\n",
        "HEX  1\nnext a-1\n",
        "HEX " ORIGIN " 1\n",
    };
    char hex[65];
    (void)state;
    origin_hex(ORIGIN, hex);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buf text;
        struct err err = {0};
        buf_init(&text, 4096);
        bool has_hex = strncmp(texts[i], "HEX", 3) == 0;
        if (has_hex)
            buf_str(&text, hex);
        buf_str(&text, texts[i] + (has_hex ? 3 : 0));
        if (read_all(buf_view(&text), &err) != ERR_SYNTAX)
            fail_msg("taken: %s", texts[i]);
        buf_done(&text);
    }
}

static void test_too_many_lines(void **state)
{
    struct buf text;
    struct err err = {0};
    char hex[65];
    (void)state;
    buf_init(&text, HEADS_ANSWER_MAX + 1024);
    origin_hex(ORIGIN, hex);
    for (int i = 0; i < HEADS_PAGE_MAX; i++)
        heads_write_line(&text, hex, SPAN_LIT(ORIGIN), 1);
    size_t len = text.len;
    heads_write_end(&text, false, "0123456789abcdef", 1);
    assert_int_equal(read_all(buf_view(&text), &err), 0);
    buf_cut(&text, len);
    heads_write_line(&text, hex, SPAN_LIT(ORIGIN), 1);
    heads_write_end(&text, false, "0123456789abcdef", 1);
    assert_int_equal(read_all(buf_view(&text), &err), ERR_LIMIT);
    buf_done(&text);
}

static void test_cursors(void **state)
{
    static const char *const bad[] = {"",
                                      "0123456789abcdef",
                                      "0123456789abcdef-",
                                      "0123456789abcdeg-1",
                                      "0123456789abcdef-9223372036854775808",
                                      "0123456789abcdef-01",
                                      "x-1"};
    char generation[17];
    int64_t seq;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(heads_cursor_parse(span_str(bad[i]), generation, &seq));
    assert_true(heads_cursor_parse(SPAN_LIT("0123456789abcdef-0"), generation, &seq));
}

static void test_members_cursors(void **state)
{
    struct buf end;
    struct heads_reader reader;
    struct heads_line line;
    struct err err = {0};
    char generation[17];
    int64_t seq = 0, reached = 0;
    (void)state;
    buf_init(&end, 256);
    heads_write_end_reached(&end, false, "0123456789abcdef", 77, 5);
    heads_reader_init(&reader, buf_view(&end));
    assert_int_equal(heads_next(&reader, &line, &err), 0);
    struct span cursor = reader.cursor;
    assert_true(heads_cursor_reached(&cursor, &reached) && heads_cursor_parse(cursor, generation, &seq));
    assert_true(seq == 77 && reached == 5);
    cursor = SPAN_LIT("0123456789abcdef-77"); /* the public's: none of what came for few was told */
    assert_true(heads_cursor_reached(&cursor, &reached) && reached == 0 && cursor.len == 19);
    cursor = SPAN_LIT("0123456789abcdef-77-");
    assert_false(heads_cursor_reached(&cursor, &reached));
    cursor = SPAN_LIT("0123456789abcdef-77-5-6");
    assert_false(heads_cursor_reached(&cursor, &reached));
    buf_done(&end);
}

/* A member cannot read out of its cursor how much came for others, nor use another's. */
static void test_members_cursors_hide(void **state)
{
    (void)state;
    int64_t last = 0;
    for (int64_t reached = 0; reached < 1000; reached++) {
        int64_t hidden = heads_reached_hide("a.example/x", reached);
        assert_true(hidden >= 0 && hidden < INT64_C(1) << 62);
        assert_int_equal(heads_reached_show("a.example/x", hidden), reached);
        assert_true(heads_reached_show("b.example/x", hidden) > 1000); /* out of 2^62 */
        assert_true(hidden > 1000000 && (last == 0 || labs(hidden - last) > 1000000));
        last = hidden;
    }
    int64_t most = (INT64_C(1) << 62) - 1;
    assert_int_equal(heads_reached_show("a.example/x", heads_reached_hide("a.example/x", most)), most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_too_many_lines),  cmocka_unit_test(test_cursors),
        cmocka_unit_test(test_members_cursors), cmocka_unit_test(test_members_cursors_hide),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

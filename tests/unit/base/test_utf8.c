#include "base/utf8.h"

#include <stdlib.h>

#include "base/check.h"

static size_t encode(uint32_t code, uint8_t out[4])
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xC0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xE0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}

/* All code points, those that do not exist (surrogates, above U+10FFFF) too. */
static void every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x120000; code++) {
        uint8_t bytes[4];
        size_t len = encode(code, bytes), pos = 0;
        struct span text = span_of(bytes, len);
        bool exists = code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
        if (utf8_valid(text) != exists || utf8_next(text, &pos) != (exists ? code : 0xFFFD) ||
            pos != (exists ? len : 1))
            fail_msg("U+%04X", code);
    }
}

/* Every sequence of two bytes, and of three behind a lead of three: decoder and vectorised check agree. */
static void the_two_checks_agree(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 0x110000; n++) {
        bool three = n >= 0x10000;
        uint8_t bytes[4] = {(uint8_t)(three ? 0xE0 + (n >> 16) - 1 : n >> 8), (uint8_t)(three ? n >> 8 : n), (uint8_t)n,
                            'x'};
        struct span text = span_of(bytes, three ? 3 : 2);
        bool valid = true;
        for (size_t pos = 0, at = 0; pos < text.len; at = pos) {
            if (utf8_next(text, &pos) == 0xFFFD && pos == at + 1)
                valid = false;
        }
        if (valid != utf8_valid(text))
            fail_msg("%02x %02x %02x", bytes[0], bytes[1], bytes[2]);
    }
}

static void a_bad_byte_anywhere_in_a_long_text(void **state)
{
    (void)state;
    uint8_t bytes[300];
    memset(bytes, 'a', sizeof(bytes));
    assert_true(utf8_valid(span_of(bytes, sizeof(bytes))));
    for (size_t at = 0; at < sizeof(bytes); at++) {
        bytes[at] = 0x80;
        assert_false(utf8_valid(span_of(bytes, sizeof(bytes))));
        bytes[at] = 0xC3;
        assert_false(utf8_valid(span_of(bytes, at + 1)));
        bytes[at] = 'a';
    }
    assert_true(utf8_valid((struct span){0}));
}

static void assert_escaped(struct span text, const char *want)
{
    struct buf buf;
    buf_init(&buf, 1000);
    text_escape(&buf, text, SIZE_MAX);
    assert_span(buf_view(&buf), want);
    buf_done(&buf);
    char into[200];
    assert_string_equal(text_escape_into(into, sizeof(into), text), want);
}

static void harmful_text_is_shown_escaped(void **state)
{
    (void)state;
    assert_escaped(SPAN_LIT("plain \xE5\x90\x8C\xE8\x88\x9F \\n \xF0\x9F\x9A\xA2"),
                   "plain \xE5\x90\x8C\xE8\x88\x9F \\n \xF0\x9F\x9A\xA2");
    assert_escaped(SPAN_LIT("a\x1b[2J\n\t\0b\x7f"), "a\\x1B[2J\\x0A\\x09\\x00b\\x7F");
    assert_escaped(SPAN_LIT("\xC2\x85\xC2\x9B"), "\\u{0085}\\u{009B}");
    assert_escaped(SPAN_LIT("\xE2\x80\xAE\xE2\x81\xA6\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C"),
                   "\\u{202E}\\u{2066}\\u{200E}\\u{200F}\\u{061C}");
    assert_escaped(SPAN_LIT("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA\xE2\x81\xA9"),
                   "\\u{2028}\\u{2029}\\u{202A}\\u{2069}");
    /* Zero width, soft hyphen, byte order mark, a filler that looks empty, a tag: two names that look the same are not. */
    assert_escaped(SPAN_LIT("a\xE2\x80\x8B"
                            "b\xC2\xAD"
                            "c\xEF\xBB\xBF"
                            "d\xE3\x85\xA4"
                            "e\xF3\xA0\x81\x81"
                            "f\xE2\x81\xA0"),
                   "a\\u{200B}b\\u{00AD}c\\u{FEFF}d\\u{3164}e\\u{E0041}f\\u{2060}");
    /* Persian and emoji need theirs. */
    assert_escaped(
        SPAN_LIT("\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xAE \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB "
                 "\xE2\x9D\xA4\xEF\xB8\x8F"),
        "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xAE \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB \xE2\x9D\xA4\xEF\xB8\x8F");
    assert_escaped(SPAN_LIT("\xFF\xC3(\xED\xA0\x80"), "\\xFF\\xC3(\\xED\\xA0\\x80");
    assert_escaped((struct span){0}, "");
}

static void long_text_is_cut(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    text_escape(&buf,
                SPAN_LIT("abc\xE5\x90\x8C"
                         "def"),
                5);
    assert_span(buf_view(&buf), "abc\xE2\x80\xA6");
    buf_clear(&buf);
    text_escape(&buf,
                SPAN_LIT("abc\xE5\x90\x8C"
                         "def"),
                6);
    assert_span(buf_view(&buf), "abc\xE5\x90\x8C\xE2\x80\xA6");
    buf_clear(&buf);
    text_escape(&buf, SPAN_LIT("abc"), 3);
    assert_span(buf_view(&buf), "abc");
    buf_done(&buf);
}

/* Whatever the room, the result is valid, ends in time, and is the text's beginning. */
static void any_room_is_enough_for_something(void **state)
{
    (void)state;
    struct span text = SPAN_LIT("ab\n\xE5\x90\x8C\xE2\x80\xAEyz\xF0\x9F\x9A\xA2!");
    const char *all = "ab\\x0A\xE5\x90\x8C\\u{202E}yz\xF0\x9F\x9A\xA2!";
    for (size_t size = 1; size < 40; size++) {
        char *out = malloc(size);
        assert_non_null(out);
        text_escape_into(out, size, text);
        size_t len = strlen(out);
        assert_true(len < size);
        assert_true(utf8_valid(span_of(out, len)));
        if (size > strlen(all)) {
            assert_string_equal(out, all);
        } else if (size > 3) {
            assert_string_equal(out + len - 3, "\xE2\x80\xA6");
            assert_memory_equal(out, all, len - 3);
        } else {
            assert_memory_equal(out, all, len);
        }
        free(out);
    }
}

static void test_utf16(void **state)
{
    (void)state;
    assert_true(utf16_marked(SPAN_LIT("\xff\xfe"
                                      "a")));
    assert_true(utf16_marked(SPAN_LIT("\xfe\xff")));
    assert_false(utf16_marked(SPAN_LIT("\xff")));
    assert_false(utf16_marked(SPAN_LIT("\xef\xbb\xbf")));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf16),
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(the_two_checks_agree),
        cmocka_unit_test(a_bad_byte_anywhere_in_a_long_text),
        cmocka_unit_test(harmful_text_is_shown_escaped),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(any_room_is_enough_for_something),
    };
    return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}

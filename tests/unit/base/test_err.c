#include "base/check.h"

#include <errno.h>
#include <stdlib.h>

static void set_gives_code_and_text(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(err_set(&err, ERR_LIMIT, "header %d bytes, limit %d", 5211, 4096), ERR_LIMIT);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_string_equal(err.text, "header 5211 bytes, limit 4096");
}

static void context_stands_in_front(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_SYNTAX, "no colon");
    assert_int_equal(err_in(&err, "entry %d", 4182), ERR_SYNTAX);
    assert_int_equal(err_in(&err, "log %s", "cert.example.org"), ERR_SYNTAX);
    assert_string_equal(err.text, "log cert.example.org: entry 4182: no colon");
}

static void an_error_may_quote_itself(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_NET, "stalled");
    err_set(&err, ERR_STATE, "peer set aside (%s)", err.text);
    assert_string_equal(err.text, "peer set aside (stalled)");
    err_in(&err, "%s", err.text);
    assert_string_equal(err.text, "peer set aside (stalled): peer set aside (stalled)");
}

static void errno_becomes_code_and_reason(void **state)
{
    (void)state;
    struct err err = {0};
    errno = ENOENT;
    assert_int_equal(err_sys(&err, "open %s", "x"), ERR_NOTFOUND);
    assert_string_equal(err.text, "open x: No such file or directory");
    assert_int_equal(errno, ENOENT);
    errno = ENOSPC;
    assert_int_equal(err_sys(&err, "write"), ERR_IO);
    errno = ENOMEM;
    assert_int_equal(err_sys(&err, "read"), ERR_MEMORY);
    assert_int_equal(err_memory(&err), ERR_MEMORY);
    assert_string_equal(err.text, "out of memory");
}

/* Texts around the limit, of characters of 1 to 4 bytes, whole or cut: never half a character. */
static void long_texts_are_cut_at_a_character(void **state)
{
    (void)state;
    static const char *const characters[] = {"x", "\xC3\xA9", "\xE8\x88\x9F", "\xF0\x9F\x9A\xA2"};
    for (size_t which = 0; which < 4; which++) {
        size_t width = which + 1;
        for (size_t lead = 0; lead < 8; lead++) {
            char text[2 * ERR_TEXT_MAX];
            size_t len = 0;
            while (len < lead)
                text[len++] = '.';
            while (len + width < sizeof(text)) {
                memcpy(text + len, characters[which], width);
                len += width;
            }
            text[len] = '\0';
            struct err err = {0};
            err_set(&err, ERR_IO, "%s", text);
            size_t got = strlen(err.text);
            assert_true(got < ERR_TEXT_MAX && got + 4 >= ERR_TEXT_MAX);
            assert_int_equal((got - lead) % width, 0);
            err_in(&err, "ab");
            got = strlen(err.text);
            assert_true(got < ERR_TEXT_MAX && got + 8 >= ERR_TEXT_MAX);
            assert_int_equal((got - lead - 4) % width, 0);
        }
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_gives_code_and_text),           cmocka_unit_test(context_stands_in_front),
        cmocka_unit_test(an_error_may_quote_itself),         cmocka_unit_test(errno_becomes_code_and_reason),
        cmocka_unit_test(long_texts_are_cut_at_a_character),
    };
    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}

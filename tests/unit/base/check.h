/* What all unit tests of base and tlog need: cmocka in the order it wants, and assertions over errors and spans. */
#ifndef TONGZHOU_TESTS_BASE_CHECK_H
#define TONGZHOU_TESTS_BASE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/span.h"

/* `expr` fails with `want`, and its text holds `part`. */
#define assert_fails(expr, err, want, part)                                                                            \
    do {                                                                                                               \
        (err)->code = 0;                                                                                               \
        (err)->text[0] = '\0';                                                                                         \
        assert_int_equal((expr), (want));                                                                              \
        assert_int_equal((err)->code, (want));                                                                         \
        if (!strstr((err)->text, (part)))                                                                              \
            fail_msg("\"%s\" is not in \"%s\"", (part), (err)->text);                                                  \
    } while (0)

#define assert_span(got, want)                                                                                         \
    do {                                                                                                               \
        struct span got_ = (got), want_ = span_str(want);                                                              \
        if (!span_eq(got_, want_))                                                                                     \
            fail_msg("found \"%.*s\", expected \"%s\"", SPAN_ARGS(got_), (want));                                      \
    } while (0)

#endif

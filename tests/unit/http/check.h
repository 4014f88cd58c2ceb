/* What every test of this module begins with. */
#ifndef TESTS_HTTP_CHECK_H
#define TESTS_HTTP_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

#define assert_span(got, want)                                                                                         \
    do {                                                                                                               \
        struct span got_ = (got);                                                                                      \
        const char *want_ = (want);                                                                                    \
        if (!span_is(got_, want_))                                                                                     \
            fail_msg("got \"%.*s\", expected \"%s\"", SPAN_ARGS(got_), want_);                                         \
    } while (0)

#define RUN_TESTS(tests)                                                                                               \
    cmocka_set_message_output(CM_OUTPUT_TAP);                                                                          \
    return cmocka_run_group_tests(tests, NULL, NULL)

#endif

#include "base/when.h"

#include <time.h>

#include "base/check.h"

static void known_instants(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } instants[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1792667666123, "2026-10-22T11:14:26.123Z"},
        {4107542399999, "2100-02-28T23:59:59.999Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
        {WHEN_MAX_MS, "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof(instants) / sizeof(*instants); i++) {
        char text[WHEN_TEXT_LEN + 1];
        int64_t ms = -1;
        when_format(instants[i].ms, text);
        assert_string_equal(text, instants[i].text);
        assert_true(when_parse(span_str(text), &ms));
        assert_true(ms == instants[i].ms);
        assert_true(when_parse_loose(span_str(text), &ms));
        assert_true(ms == instants[i].ms);
    }
}

/* Some instant of every tenth day of 8,000 years, against the C library's calendar. */
static void the_calendar_of_the_library(void **state)
{
    (void)state;
    for (int64_t ms = 12345; ms < WHEN_MAX_MS; ms += INT64_C(864012345)) {
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        char want[64], text[WHEN_TEXT_LEN + 1];
        assert_non_null(gmtime_r(&seconds, &tm));
        strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
        when_format(ms, text);
        assert_memory_equal(text, want, 19);
        int64_t back;
        assert_true(when_parse(span_str(text), &back));
        assert_true(back == ms);
    }
}

static void the_records_form_is_exact(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-11-22T11:14:26.123",
        "2026-11-22T11:14:26Z",
        "2026-11-22T11:14:26.12Z",
        "2026-11-22T11:14:26.1234Z",
        "2026-11-22t11:14:26.123Z",
        "2026-11-22 11:14:26.123Z",
        "2026-11-22T11:14:26.123z",
        "2026-11-22T11:14:26,123Z",
        "2026-13-22T11:14:26.123Z",
        "2026-00-22T11:14:26.123Z",
        "2026-11-31T11:14:26.123Z",
        "2026-11-00T11:14:26.123Z",
        "2026-02-29T11:14:26.123Z",
        "2100-02-29T11:14:26.123Z",
        "2026-11-22T24:00:00.000Z",
        "2026-11-22T11:60:26.123Z",
        "2026-11-22T11:14:60.123Z",
        "1969-12-31T23:59:59.999Z",
        "0000-01-01T00:00:00.000Z",
        "+026-11-22T11:14:26.123Z",
        "2026-11-22T11:14:26.123Z ",
        "2026-11-22T-1:14:26.123Z",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        int64_t ms = 42;
        assert_false(when_parse(span_str(bad[i]), &ms));
        assert_int_equal(ms, 42);
    }
    int64_t ms;
    assert_true(when_parse(SPAN_LIT("2024-02-29T11:14:26.123Z"), &ms));
    assert_false(when_parse(SPAN_LIT("2026-11-22T11:14:26.12\0Z"), &ms));
}

static void what_others_write(void **state)
{
    (void)state;
    static const struct {
        const char *text, *same;
    } good[] = {
        {"2026-11-22", "2026-11-22T00:00:00.000Z"},
        {"2026-11-22T11:14:26Z", "2026-11-22T11:14:26.000Z"},
        {"2026-11-22 11:14:26z", "2026-11-22T11:14:26.000Z"},
        {"2026-11-22t11:14:26.5Z", "2026-11-22T11:14:26.500Z"},
        {"2026-11-22T11:14:26.123456789Z", "2026-11-22T11:14:26.123Z"},
        {"2026-11-22T11:14:26.9999+08:00", "2026-11-22T03:14:26.999Z"},
        {"2026-11-22T23:14:26-05:30", "2026-11-23T04:44:26.000Z"},
        {"2026-12-31T23:59:60Z", "2027-01-01T00:00:00.000Z"},
        {"1970-01-01T08:00:00+08:00", "1970-01-01T00:00:00.000Z"},
        {"2026-11-22T11:14:26-00:00", "2026-11-22T11:14:26.000Z"},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        int64_t ms, want;
        assert_true(when_parse(span_str(good[i].same), &want));
        assert_true(when_parse_loose(span_str(good[i].text), &ms));
        assert_true(ms == want);
    }
    static const char *const bad[] = {
        "2026",
        "2026-11",
        "2026-11-22T",
        "2026-11-22T11:14Z",
        "2026-11-22T11:14:26",
        "2026-11-22T11:14:26.Z",
        "2026-11-22T11:14:26.1234567890Z",
        "2026-11-22T11:14:26+0800",
        "2026-11-22T11:14:26+24:00",
        "2026-11-22T11:14:26+08:60",
        "2026-11-22T11:14:61Z",
        "2026-11-22Z",
        "2026-11-22T11:14:26ZZ",
        "1969-12-31",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "22-11-2026",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        int64_t ms = 42;
        assert_false(when_parse_loose(span_str(bad[i]), &ms));
        assert_int_equal(ms, 42);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instants),
        cmocka_unit_test(the_calendar_of_the_library),
        cmocka_unit_test(the_records_form_is_exact),
        cmocka_unit_test(what_others_write),
    };
    return cmocka_run_group_tests_name("base/when", tests, NULL, NULL);
}

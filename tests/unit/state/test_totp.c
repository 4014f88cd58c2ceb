/* One-time codes: the vectors of RFC 6238, the window, and no code twice. */
#include "state/node.h"
#include "state/totp.h"

#define SECRET "12345678901234567890"

/* RFC 6238, appendix B, SHA1. */
static void vectors(void **state)
{
    (void)state;
    static const struct {
        int64_t time_s;
        const char *code;
    } known[] = {{59, "94287082"},         {1111111109, "07081804"}, {1111111111, "14050471"},
                 {1234567890, "89005924"}, {2000000000, "69279037"}, {INT64_C(20000000000), "65353130"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char code[9];
        uint64_t step = (uint64_t)known[i].time_s / TOTP_STEP_S;
        totp_code(SPAN_LIT(SECRET), step, 8, code);
        assert_string_equal(code, known[i].code);
        totp_code(SPAN_LIT(SECRET), step, 6, code);
        assert_string_equal(code, known[i].code + 2);
        assert_int_equal(totp_check(SPAN_LIT(SECRET), span_str(code), known[i].time_s * 1000, 0), step);
    }
}

static void window_and_replay(void **state)
{
    (void)state;
    const int64_t now_ms = TIME_MS;
    const uint64_t now = (uint64_t)now_ms / 1000 / TOTP_STEP_S;
    for (int off = -3; off <= 3; off++) {
        char code[9];
        uint64_t step = now + (uint64_t)off, found;
        totp_code(SPAN_LIT(SECRET), step, 6, code);
        found = totp_check(SPAN_LIT(SECRET), span_str(code), now_ms, 0);
        assert_int_equal(found, off >= -1 && off <= 1 ? step : 0);
        /* Neither the same step again nor one before it. */
        assert_int_equal(totp_check(SPAN_LIT(SECRET), span_str(code), now_ms, step), 0);
        assert_int_equal(totp_check(SPAN_LIT(SECRET), span_str(code), now_ms, step + 1), 0);
    }
    static const char *const wrong[] = {"", "12345", "1234567", "abcdef", "      ", "\xff\xff\xff\xff\xff\xff"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(totp_check(SPAN_LIT(SECRET), span_str(wrong[i]), now_ms, 0), 0);
}

static void address_for_programs(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1024);
    totp_uri(SPAN_LIT(SECRET), SPAN_LIT("cert.example"), SPAN_LIT("li@wei&x"), &out);
    assert_string_equal(buf_cstr(&out),
                        "otpauth://totp/cert.example:li%40wei%26x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
                        "&issuer=cert.example&algorithm=SHA1&digits=6&period=30");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(window_and_replay),
                                       cmocka_unit_test(address_for_programs)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

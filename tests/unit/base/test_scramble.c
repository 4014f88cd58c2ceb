#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/scramble.h"

/* There and back, another for everybody, and neighbours far from one another. */
static void round_trip(void **state)
{
    (void)state;
    uint8_t key[SCRAMBLE_KEY], other[SCRAMBLE_KEY];
    random_bytes(key, sizeof key);
    random_bytes(other, sizeof other);
    uint64_t near = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t number = i < 1000 ? i : SCRAMBLE_LIMIT - i + 999;
        uint64_t hidden = scramble_hide(key, SPAN_LIT("alice"), number);
        assert_true(hidden < SCRAMBLE_LIMIT);
        assert_true(scramble_show(key, SPAN_LIT("alice"), hidden) == number);
        assert_true(scramble_show(key, SPAN_LIT("bob"), hidden) != number);
        assert_true(scramble_show(other, SPAN_LIT("alice"), hidden) != number);
        uint64_t next = scramble_hide(key, SPAN_LIT("alice"), number ^ 1);
        near += (hidden > next ? hidden - next : next - hidden) < (UINT64_C(1) << 40);
    }
    assert_true(near < 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

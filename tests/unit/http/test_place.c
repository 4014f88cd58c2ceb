#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "http/place.h"

static uint8_t key[SCRAMBLE_KEY];

static void there_and_back(void **state)
{
    (void)state;
    char who[SCRAMBLE_WHO_MAX + 100];
    memset(who, 'w', sizeof who);
    for (uint64_t i = 0; i < 200; i++) {
        struct place place = {UINT64_MAX - i, i % 2 ? i : SCRAMBLE_LIMIT - 1 - i, i}, again;
        char text[PLACE_LEN + 1];
        struct span name = span_of(who, (size_t)i * 3);
        place_write(key, name, &place, text);
        assert_int_equal(strlen(text), PLACE_LEN);
        assert_true(place_read(key, name, span_str(text), &again));
        assert_memory_equal(&place, &again, sizeof place);
    }
}

/* The same place on two streams, or told to two, has nothing in common, and one's is no place for the other. */
static void says_nothing(void **state)
{
    (void)state;
    struct place one = {1, 5, 6}, other = {2, 5, 6}, read;
    char a[PLACE_LEN + 1], b[PLACE_LEN + 1], c[PLACE_LEN + 1];
    place_write(key, SPAN_LIT("alice"), &one, a);
    place_write(key, SPAN_LIT("alice"), &other, b);
    place_write(key, SPAN_LIT("bob"), &one, c);
    for (size_t at = 16; at < PLACE_LEN; at += 16) {
        assert_memory_not_equal(a + at, b + at, 16);
        assert_memory_not_equal(a + at, c + at, 16);
    }
    assert_true(place_read(key, SPAN_LIT("bob"), span_str(a), &read));
    assert_true(read.record > 1000 && read.notice > 1000); /* out of 2^62 */
}

static void refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "00",
                                      "000000000000000000000000000000000000000000000000ff",
                                      "00000000000000000000000000000000000000000000000g",
                                      "000000000000000040000000000000000000000000000000", /* 2^62 */
                                      "00000000000000000000000000000000ffffffffffffffff"};
    struct place place;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (place_read(key, SPAN_LIT("a"), span_str(bad[i]), &place))
            fail_msg("taken: %s", bad[i]);
    assert_false(place_read(key, (struct span){0}, (struct span){0}, &place));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(says_nothing),
                                       cmocka_unit_test(refuses)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    random_bytes(key, sizeof key);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

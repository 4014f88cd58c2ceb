#include "base/arena.h"

#include <stdalign.h>

#include "base/check.h"

static void allocations_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 22);
    for (int round = 0; round < 3; round++) {
        uint8_t *before = NULL;
        for (size_t size = 0; size < 3000; size += 7) {
            uint8_t *at = arena_alloc(&arena, size);
            assert_non_null(at);
            assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
            assert_ptr_not_equal(at, before);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(at[i], 0);
            memset(at, 0xAA, size);
            before = at;
        }
        arena_clear(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
    arena_done(&arena);
}

static void the_maximum_holds(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    assert_null(arena_alloc(&arena, 4097));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_non_null(arena_alloc(&arena, 4000));
    assert_null(arena_alloc(&arena, 100));
    assert_non_null(arena_alloc(&arena, 90));
    assert_null(arena_alloc(&arena, 1));
    arena_clear(&arena);
    assert_non_null(arena_alloc(&arena, 4096));
    arena_done(&arena);
}

static void arrays_do_not_overflow(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_array(&arena, SIZE_MAX, 1));
    assert_non_null(arena_array(&arena, 100, 24));
    assert_int_equal(arena.used_bytes, 2400);
    arena_done(&arena);
}

static void copies_stand_on_their_own(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char text[] = "harbour";
    struct span copy = arena_copy(&arena, span_str(text));
    char *strz = arena_strz(&arena, span_of(text, 4));
    memset(text, 'x', sizeof(text));
    assert_span(copy, "harbour");
    assert_string_equal(strz, "harb");
    assert_non_null(arena_copy(&arena, (struct span){0}).data);
    assert_string_equal(arena_strz(&arena, (struct span){0}), "");
    arena_done(&arena);
    arena_init(&arena, 4);
    assert_null(arena_copy(&arena, SPAN_LIT("longer than that")).data);
    assert_null(arena_strz(&arena, SPAN_LIT("longer than that")));
    arena_done(&arena);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_zeroed_aligned_and_apart),
        cmocka_unit_test(the_maximum_holds),
        cmocka_unit_test(arrays_do_not_overflow),
        cmocka_unit_test(copies_stand_on_their_own),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}

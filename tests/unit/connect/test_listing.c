/* A peer's /heads that says `more`: an honest one is heard to its end, one without end is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/codec.h"
#include "base/err.h"
#include "connect/heads.h"
#include "connect/listing.h"
#include "index/capability.h"

const struct capability *const capabilities[] = {NULL};

#define KEY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct err err;

/* A page of `count` logs from number `first` on, all of `size`; what listing_page says of it. */
static int page(struct listing *listing, size_t first, size_t count, uint64_t size)
{
    struct buf out;
    buf_init(&out, HEADS_ANSWER_MAX);
    for (size_t i = first; i < first + count; i++) {
        char origin[ORIGIN_MAX + 1], hex[HEX_LEN(32) + 1];
        uint8_t hash[32];
        snprintf(origin, sizeof(origin), "n%zu.example/" KEY, i);
        origin_hash(span_str(origin), hash);
        hex_encode(hash, 32, hex);
        heads_write_line(&out, hex, span_str(origin), size);
    }
    heads_write_end(&out, true, "0123456789abcdef", 1);
    assert_int_equal(buf_check(&out, "page", &err), 0);
    int code = listing_page(listing, buf_view(&out), &err);
    buf_done(&out);
    return code;
}

static void test_honest(void **state)
{
    struct listing listing = {0};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(page(&listing, i * 2000, 2000, 7), 1);
    assert_int_equal(listing.count, 10000);
    assert_int_equal(page(&listing, 0, 2000, 8), 1); /* grew meanwhile */
    assert_int_equal(listing.count, 10000);
    for (size_t i = 0; i < 5; i++) /* the server was restored and begins anew */
        assert_int_equal(page(&listing, i * 2000, 2000, 7), 1);
    assert_int_equal(listing.stale, 5);
    listing_done(&listing);
    assert_int_equal(page(&listing, 0, 1, 7), 1);
    assert_int_equal(listing.fresh, 1);
    listing_done(&listing);
}

static void test_in_circles(void **state)
{
    struct listing listing = {0};
    (void)state;
    assert_int_equal(page(&listing, 0, 0, 0), ERR_VERIFY);
    listing_done(&listing);
    assert_int_equal(page(&listing, 0, 10, 7), 1);
    assert_int_equal(page(&listing, 0, 10, 6), 1); /* smaller is not new */
    assert_int_equal(page(&listing, 0, 10, 7), ERR_VERIFY);
    assert_non_null(strstr(err.text, "nothing new"));
    listing_done(&listing);
}

static void test_ends_by_pages(void **state)
{
    struct listing listing = {0};
    (void)state;
    for (uint64_t size = 1; size < LISTING_PAGES_MAX; size++)
        assert_int_equal(page(&listing, 0, 1, size), 1);
    assert_int_equal(page(&listing, 0, 1, LISTING_PAGES_MAX), 0);
    listing_done(&listing);
}

static void test_ends_by_logs(void **state)
{
    struct listing listing = {0};
    size_t first = 0;
    (void)state;
    while (page(&listing, first, HEADS_PAGE_MAX, 1) > 0)
        first += HEADS_PAGE_MAX;
    assert_int_equal(first + HEADS_PAGE_MAX, LISTING_LOGS_MAX);
    assert_int_equal(listing.count, LISTING_LOGS_MAX);
    listing_done(&listing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest),
        cmocka_unit_test(test_in_circles),
        cmocka_unit_test(test_ends_by_pages),
        cmocka_unit_test(test_ends_by_logs),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

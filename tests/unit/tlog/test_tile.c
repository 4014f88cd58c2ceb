#include "tlog/tile.h"

#include <stdio.h>

#include "base/check.h"

static void paths_and_back(void **state)
{
    (void)state;
    static const struct {
        struct tile tile;
        const char *path;
    } known[] = {
        {{0, 0, 256}, "tile/0/000"},
        {{0, 1234067, 256}, "tile/0/x001/x234/067"},
        {{1, 999, 1}, "tile/1/999.p/1"},
        {{5, 1000, 255}, "tile/5/x001/000.p/255"},
        {{63, 5, 17}, "tile/63/005.p/17"},
        {{10, 1000000, 256}, "tile/10/x001/x000/000"},
        {{TILE_LEVEL_ENTRIES, 42, 256}, "tile/entries/042"},
        {{TILE_LEVEL_ENTRIES, 273, 112}, "tile/entries/273.p/112"},
        {{63, UINT64_MAX, 255}, "tile/63/x018/x446/x744/x073/x709/x551/615.p/255"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        char path[TILE_PATH_MAX];
        struct tile tile;
        tile_path(&known[i].tile, path);
        assert_string_equal(path, known[i].path);
        assert_true(tile_parse(span_str(path), &tile));
        assert_int_equal(tile.level, known[i].tile.level);
        assert_true(tile.index == known[i].tile.index);
        assert_int_equal(tile.width, known[i].tile.width);
    }
}

static void each_tile_has_one_path(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x001",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/X001/002",
        "tile/00/001",
        "tile/01/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/+1/001",
        "tile/999/001",
        "tile/entrie/001",
        "tile/entries/",
        "tile/entries/001/",
        "tile//001",
        "/tile/0/001",
        "tile/0/001.p",
        "tile/0/001.p/",
        "tile/0/001.p/0",
        "tile/0/001.p/00",
        "tile/0/001.p/01",
        "tile/0/001.p/256",
        "tile/0/001.p/257",
        "tile/0/001.p/99999999999999999999999",
        "tile/0/001.p/1/",
        "tile/0/001.p/1/002",
        "tile/0/x001.p/1",
        "tile/0/x001.p/002",
        "tile/0/001.q/1",
        "tile/0/0a1",
        "tile/0/ 01",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
        "tile/0/001?x",
        "tile/0/../../etc/passwd",
        "tile/0/001 ",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct tile tile = {.width = 99};
        if (tile_parse(span_str(bad[i]), &tile))
            fail_msg("%s", bad[i]);
        assert_int_equal(tile.width, 99);
    }
    struct tile tile;
    assert_false(tile_parse(SPAN_LIT("tile/0/001\0"), &tile));
    assert_false(tile_parse(SPAN_LIT("tile/0/0\0"
                                     "1"),
                            &tile));
    assert_false(tile_parse((struct span){0}, &tile));
}

/* The example of 70,000 entries: 273 full and 112, 1 and 17, 0 and 1. */
static void tiles_of_a_tree(void **state)
{
    (void)state;
    assert_int_equal(tile_width(0, 272, 70000), 256);
    assert_int_equal(tile_width(0, 273, 70000), 112);
    assert_int_equal(tile_width(0, 274, 70000), 0);
    assert_int_equal(tile_width(1, 0, 70000), 256);
    assert_int_equal(tile_width(1, 1, 70000), 17);
    assert_int_equal(tile_width(1, 2, 70000), 0);
    assert_int_equal(tile_width(2, 0, 70000), 1);
    assert_int_equal(tile_width(3, 0, 70000), 0);
    assert_int_equal(tile_width(TILE_LEVEL_ENTRIES, 273, 70000), 112);
    assert_int_equal(tile_width(TILE_LEVEL_ENTRIES, 274, 70000), 0);
    assert_int_equal(tile_width(0, 0, 0), 0);
    assert_int_equal(tile_width(1, 0, 256), 1);
    assert_int_equal(tile_width(0, 1, 256), 0);
    assert_int_equal(tile_width(0, UINT64_MAX, UINT64_MAX), 0);
    assert_true(tile_level_count(0, UINT64_MAX) == UINT64_MAX);
    assert_true(tile_level_count(TILE_LEVEL_ENTRIES, 70000) == 70000);
    assert_int_equal(tile_level_count(1, 70000), 273);
    assert_int_equal(tile_level_count(2, 70000), 1);
    assert_int_equal(tile_level_count(7, UINT64_MAX), 255);
    assert_int_equal(tile_level_count(8, UINT64_MAX), 0);
    assert_int_equal(tile_level_count(63, UINT64_MAX), 0);
}

static void bundles_hold_entries(void **state)
{
    (void)state;
    static uint8_t large[ENTRY_MAX + 1];
    memset(large, 'x', sizeof(large));
    struct buf bundle;
    struct err err = {0};
    buf_init(&bundle, BUNDLE_MAX);
    assert_int_equal(bundle_add(&bundle, SPAN_LIT("one"), &err), 0);
    assert_int_equal(bundle_add(&bundle, span_of(large, ENTRY_MAX), &err), 0);
    assert_fails(bundle_add(&bundle, span_of(large, ENTRY_MAX + 1), &err), &err, ERR_LIMIT, "65536 bytes");
    assert_fails(bundle_add(&bundle, (struct span){0}, &err), &err, ERR_LIMIT, "0 bytes");
    assert_int_equal(bundle_add(&bundle, SPAN_LIT("3"), &err), 0);
    assert_int_equal(bundle.len, 2 + 3 + 2 + ENTRY_MAX + 2 + 1);
    assert_memory_equal(bundle.data, "\0\3one\xFF\xFF", 7);

    struct bundle_reader reader = {buf_view(&bundle), 0};
    struct span entry;
    assert_int_equal(bundle_next(&reader, &entry, &err), 1);
    assert_span(entry, "one");
    assert_int_equal(bundle_next(&reader, &entry, &err), 1);
    assert_int_equal(entry.len, ENTRY_MAX);
    assert_int_equal(bundle_next(&reader, &entry, &err), 1);
    assert_span(entry, "3");
    assert_int_equal(bundle_next(&reader, &entry, &err), 0);
    assert_int_equal(bundle_next(&reader, &entry, &err), 0);

    /* Cut anywhere inside an entry, the bundle lies. */
    for (size_t len = 6; len < 200; len++) {
        reader = (struct bundle_reader){span_sub(buf_view(&bundle), 0, len), 0};
        assert_int_equal(bundle_next(&reader, &entry, &err), 1);
        assert_fails(bundle_next(&reader, &entry, &err), &err, ERR_SYNTAX, "entry bundle: byte 5");
    }
    buf_done(&bundle);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_back),
        cmocka_unit_test(each_tile_has_one_path),
        cmocka_unit_test(tiles_of_a_tree),
        cmocka_unit_test(bundles_hold_entries),
    };
    return cmocka_run_group_tests_name("tlog/tile", tests, NULL, NULL);
}

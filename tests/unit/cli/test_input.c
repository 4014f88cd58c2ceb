/* FILE arguments: plain, compressed, empty, cut, none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/input.h"

static char root[80];

static const char *path_of(const char *name)
{
    static char paths[4][160];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static void shell(const char *command)
{
    char line[512];
    snprintf(line, sizeof(line), "cd '%s' && %s", root, command);
    assert_int_equal(system(line), 0);
}

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    snprintf(root, sizeof(root), "%s/tz-input-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[160];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

/* All bytes of an input, read in pieces of `piece`; negative: the error. */
static int64_t drain(const char *path, bool plain, size_t piece, struct buf *out, struct err *err)
{
    struct input *input;
    uint8_t bytes[65536];
    int rc = input_open(path, plain, &input, err);
    if (rc)
        return rc;
    int64_t got;
    buf_clear(out);
    while ((got = input_read(input, bytes, piece, err)) > 0)
        buf_add(out, bytes, (size_t)got);
    assert_true(input_position(input) <= (input_size(input) ? input_size(input) : UINT64_MAX));
    input_close(input);
    return got;
}

static void test_kinds(void **state)
{
    static const char *const names[] = {"text", "text.gz", "text.xz", "text.bz2", "text.zst"};
    static const size_t pieces[] = {1, 7, 4096, 65536};
    struct buf whole, read;
    struct err err = {0};
    (void)state;
    shell("seq 20000 >text; for p in gzip xz bzip2 zstd; do $p -qk text; done");
    buf_init(&whole, 1 << 20);
    buf_init(&read, 1 << 20);
    assert_int_equal(input_slurp(path_of("text"), 1 << 20, &whole, &err), 0);
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 4; j++) {
            assert_int_equal(drain(path_of(names[i]), false, pieces[j], &read, &err), 0);
            assert_true(span_eq(buf_view(&whole), buf_view(&read)));
        }
    assert_int_equal(drain(path_of("text.gz"), true, 4096, &read, &err), 0); /* plain: the bytes as they are */
    assert_true(read.len < whole.len && read.data[0] == 0x1f);
    buf_done(&whole);
    buf_done(&read);
}

static void test_small(void **state)
{
    struct buf read;
    struct err err = {0};
    (void)state;
    buf_init(&read, 1 << 20);
    shell(": >empty; printf x >one; printf '\\037' >half; printf '\\0\\377\\n\\0' >binary; printf x | gzip >one.gz");
    assert_int_equal(drain(path_of("empty"), false, 100, &read, &err), 0);
    assert_int_equal(read.len, 0);
    assert_int_equal(drain(path_of("one"), false, 100, &read, &err), 0);
    assert_int_equal(read.len, 1);
    assert_int_equal(drain(path_of("half"), false, 100, &read, &err), 0); /* the beginning of a magic number */
    assert_int_equal(read.len, 1);
    assert_int_equal(drain(path_of("binary"), false, 100, &read, &err), 0);
    assert_int_equal(read.len, 4);
    assert_int_equal(drain(path_of("one.gz"), false, 100, &read, &err), 0);
    assert_int_equal(read.len, 1);
    buf_done(&read);
}

static void test_wrong(void **state)
{
    struct buf read;
    struct err err = {0};
    (void)state;
    buf_init(&read, 1 << 20);
    assert_int_equal(drain(path_of("none"), false, 100, &read, &err), ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "none"));
    assert_int_equal(drain(root, false, 100, &read, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "is a folder"));
    shell("seq 20000 | gzip >long.gz; head -c 5000 long.gz >cut.gz; seq 20000 | zstd -q | head -c 3000 >cut.zst");
    assert_int_equal(drain(path_of("cut.gz"), false, 4096, &read, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "cannot be unpacked"));
    assert_int_equal(drain(path_of("cut.zst"), false, 4096, &read, &err), ERR_SYNTAX);
    buf_done(&read);
}

static void test_slurp(void **state)
{
    struct buf all;
    struct err err = {0};
    (void)state;
    shell("head -c 100 /dev/zero >hundred");
    buf_init(&all, 1000);
    assert_int_equal(input_slurp(path_of("hundred"), 100, &all, &err), 0);
    assert_int_equal(all.len, 100);
    buf_clear(&all);
    assert_int_equal(input_slurp(path_of("hundred"), 99, &all, &err), ERR_LIMIT);
    assert_non_null(strstr(err.text, "more than 99 bytes"));
    buf_done(&all);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_slurp),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

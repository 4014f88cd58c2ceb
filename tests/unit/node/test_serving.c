/* One running node a folder. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/serving.h"

static char dir[80];

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    snprintf(dir, sizeof(dir), "%s/tz-node-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    char path[160];
    (void)state;
    snprintf(path, sizeof(path), "%s/serving", dir);
    unlink(path);
    return rmdir(dir);
}

static void test_one_only(void **state)
{
    struct err err = {0};
    char own[64];
    int first = -1, second = -1;
    (void)state;
    assert_false(serving_is(dir));
    assert_int_equal(serving_begin(dir, &first, &err), 0);
    assert_true(serving_is(dir));
    assert_int_equal(serving_begin(dir, &second, &err), ERR_STATE);
    snprintf(own, sizeof(own), "(process %ld)", (long)getpid());
    assert_non_null(strstr(err.text, own));
    assert_true(serving_is(dir));
    close(first);
    assert_false(serving_is(dir));
    assert_int_equal(serving_begin(dir, &second, &err), 0);
    close(second);
}

/* Whatever ends a node, the next one may begin. */
static void test_killed(void **state)
{
    struct err err = {0};
    int fd = -1, status, ready[2];
    char byte;
    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int held;
        if (serving_begin(dir, &held, &err) == 0 && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_true(serving_is(dir));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(serving_is(dir));
    assert_int_equal(serving_begin(dir, &fd, &err), 0);
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

static void test_no_folder(void **state)
{
    struct err err = {0};
    int fd = -1;
    char missing[120];
    (void)state;
    snprintf(missing, sizeof(missing), "%s/none", dir);
    assert_int_equal(serving_begin(missing, &fd, &err), ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "none/serving"));
    assert_false(serving_is(missing));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_only),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

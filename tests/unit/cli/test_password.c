/* A passphrase is asked for without showing it, and whatever ends the asking leaves the terminal showing again. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/password.h"

/* A terminal of its own, and a child that asks there. What the child read is its exit status: 0 "open it", 1 another. */
struct asked {
    int terminal; /* the far side's */
    pid_t child;
};

static void child_asks(const char *name)
{
    char line[PASSWORD_MAX + 1] = "";
    struct err err = {0};
    int fd = open(name, O_RDWR);
    if (setsid() < 0 || fd < 0 || ioctl(fd, TIOCSCTTY, 0) != 0)
        _exit(9);
    (void)tcsetpgrp(fd, getpid());
    if (password_of_keys(line, &err))
        _exit(8);
    _exit(strcmp(line, "open it") != 0);
}

static void ask_begin(struct asked *asked)
{
    asked->terminal = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(asked->terminal >= 0);
    assert_int_equal(grantpt(asked->terminal), 0);
    assert_int_equal(unlockpt(asked->terminal), 0);
    const char *name = ptsname(asked->terminal);
    assert_non_null(name);
    int held = open(name, O_RDWR | O_NOCTTY); /* the terminal stays as it is when the child goes */
    assert_true(held >= 0);
    asked->child = fork();
    assert_true(asked->child >= 0);
    if (asked->child == 0)
        child_asks(name);
    struct termios now;
    do /* until it hides */
        assert_int_equal(tcgetattr(held, &now), 0);
    while ((now.c_lflag & ECHO) && waitpid(asked->child, NULL, WNOHANG) == 0 && usleep(1000) == 0);
    assert_false(now.c_lflag & ECHO);
    close(held);
}

static int ask_end(struct asked *asked)
{
    int status;
    struct termios now;
    assert_int_equal(waitpid(asked->child, &status, 0), asked->child);
    assert_int_equal(tcgetattr(asked->terminal, &now), 0);
    assert_true(now.c_lflag & ECHO);
    close(asked->terminal);
    return status;
}

static void asked_and_answered(void **state)
{
    (void)state;
    struct asked asked;
    ask_begin(&asked);
    assert_int_equal(write(asked.terminal, "open it\n", 8), 8);
    int status = ask_end(&asked);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void ended(void **state)
{
    static const struct {
        char key; /* 0: the signal itself */
        int signal;
    } cases[] = {{3, SIGINT}, {28, SIGQUIT}, {0, SIGTERM}, {0, SIGHUP}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct asked asked;
        ask_begin(&asked);
        if (cases[i].key)
            assert_int_equal(write(asked.terminal, &cases[i].key, 1), 1);
        else
            assert_int_equal(kill(asked.child, cases[i].signal), 0);
        int status = ask_end(&asked);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), cases[i].signal);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    alarm(120); /* a child that is never let go would hang it */
    const struct CMUnitTest tests[] = {cmocka_unit_test(asked_and_answered), cmocka_unit_test(ended)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a process in the sandbox cannot do any more, tried out by children; and what it still can. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox/sandbox.h"

static char dir[80], outside[96];

#define DONE 0     /* it did what was asked */
#define DENIED 1   /* it was not let */
#define NOT_HERE 2 /* the kernel (or this build) does not offer that part */
#define BROKEN 3   /* the test itself */
#define KILLED 4   /* by SIGSYS */

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    snprintf(dir, sizeof(dir), "%s/tz-sandbox-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    snprintf(outside, sizeof(outside), "%s.outside", dir);
    int fd = open(outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    unlink(outside);
    return rmdir(dir);
}

static int denied(bool was_done)
{
    return was_done ? DONE : DENIED;
}

/* Run it in a child inside the sandbox. */
static int inside(const struct sandbox_options *options, int (*body)(const struct sandbox_state *state))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err err = {0};
        sandbox_no_dumps();
        _exit(sandbox_enter(options, &err) ? BROKEN : body(sandbox_state()));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? KILLED : BROKEN;
    return WEXITSTATUS(status);
}

static struct sandbox_options node_options(void)
{
    return (struct sandbox_options){.want = SANDBOX_TRY, .dir = dir, .network = true};
}

/* Sanitizers need what it forbids: then there is none, and it says so. */
static int says_sanitized(const struct sandbox_state *state)
{
    char text[SANDBOX_TEXT_MAX];
    (void)state;
    sandbox_describe(text);
    return denied(strcmp(text, "off; not: built with a sanitizer") == 0);
}

static bool is_sanitized(void)
{
    struct sandbox_options node = node_options();
    return inside(&node, says_sanitized) == DONE;
}

/* The child's answer must be `wanted`, unless the kernel does not offer the part: then the test is skipped. */
static void expect(int wanted, const struct sandbox_options *options, int (*body)(const struct sandbox_state *state))
{
    int got = inside(options, body);
    if (got == NOT_HERE && is_sanitized())
        return;
    if (got == NOT_HERE)
        skip();
    assert_int_equal(got, wanted);
}

/* ---- files ---- */

static bool opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int read_passwd(const struct sandbox_state *state)
{
    return state->files ? denied(opens("/etc/passwd", O_RDONLY)) : NOT_HERE;
}

static int read_outside(const struct sandbox_state *state)
{
    return state->files ? denied(opens(outside, O_RDONLY)) : NOT_HERE;
}

static int write_outside(const struct sandbox_state *state)
{
    return state->files ? denied(opens(outside, O_WRONLY) || truncate(outside, 0) == 0 || unlink(outside) == 0)
                        : NOT_HERE;
}

static int make_outside(const struct sandbox_state *state)
{
    char path[128];
    snprintf(path, sizeof(path), "%s.new", dir);
    return state->files ? denied(opens(path, O_WRONLY | O_CREAT) || mkdir(path, 0700) == 0) : NOT_HERE;
}

static int work_in_folder(const struct sandbox_state *state)
{
    char sub[128], first[144], second[144];
    (void)state;
    snprintf(sub, sizeof(sub), "%s/sub", dir);
    snprintf(first, sizeof(first), "%s/a", sub);
    snprintf(second, sizeof(second), "%s/b", dir);
    return denied(mkdir(sub, 0700) == 0 && opens(first, O_RDWR | O_CREAT) && rename(first, second) == 0 &&
                  truncate(second, 10) == 0 && opens(second, O_RDONLY) && unlink(second) == 0 && rmdir(sub) == 0);
}

static int make_link(const struct sandbox_state *state)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/link", dir);
    return state->files ? denied(symlink("/etc/passwd", path) == 0) : NOT_HERE;
}

static void test_files(void **state)
{
    struct sandbox_options node = node_options();
    (void)state;
    expect(DENIED, &node, read_passwd);
    expect(DENIED, &node, read_outside);
    expect(DENIED, &node, write_outside);
    expect(DENIED, &node, make_outside);
    expect(DENIED, &node, make_link);
    expect(DONE, &node, work_in_folder);
}

/* A file that was named may be read, and not be written. */
static void test_named_file(void **state)
{
    struct sandbox_options node = node_options();
    const char *named[] = {outside, "/no/such/file"};
    (void)state;
    node.read = named;
    node.read_count = 2;
    expect(DONE, &node, read_outside);
    expect(DENIED, &node, write_outside);
    expect(DENIED, &node, read_passwd);
}

/* ---- connections ---- */

/* A socket of this process's parent that listens on loopback. */
static uint16_t listening;

static int open_listening(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    listening = ntohs(at.sin_port);
    return fd;
}

static bool connects(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(listening), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
    if (fd >= 0)
        close(fd);
    return is;
}

static int connect_there(const struct sandbox_state *state)
{
    return state->ports ? denied(connects()) : NOT_HERE;
}

static int connect_anywhere(const struct sandbox_state *state)
{
    return state->calls || state->ports ? denied(connects()) : NOT_HERE;
}

static int fast_open(const struct sandbox_state *state)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(listening), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct iovec data = {(char[]){"x"}, 1};
    struct mmsghdr message = {
        .msg_hdr = {.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &data, .msg_iovlen = 1}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return state->calls ? denied(sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to)) >= 0 ||
                                 errno != ENOSYS || sendmsg(fd, &message.msg_hdr, MSG_FASTOPEN) >= 0 ||
                                 errno != ENOSYS || sendmmsg(fd, &message, 1, MSG_FASTOPEN) >= 0 || errno != ENOSYS)
                        : NOT_HERE;
}

static int bind_port(const struct sandbox_state *state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return state->ports ? denied(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 || listen(fd, 1) == 0) : NOT_HERE;
}

static int look_up(const struct sandbox_state *state)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    (void)state;
    int rc = getaddrinfo("localhost", "443", &hints, &found);
    if (found)
        freeaddrinfo(found);
    return denied(rc == 0);
}

static void test_connections(void **state)
{
    struct sandbox_options node = node_options(), command = node_options();
    int fd = open_listening();
    uint16_t other = (uint16_t)(listening == 443 ? 444 : 443);
    (void)state;
    command.network = false;
    expect(DONE, &node, look_up);
    expect(DONE, &node, connect_there);
    expect(DENIED, &command, connect_anywhere);
    node.ports = &other;
    node.port_count = 1;
    expect(DENIED, &node, connect_there);
    expect(DENIED, &node, fast_open);
    node.ports = &listening;
    expect(DONE, &node, connect_there);
    expect(DENIED, &node, bind_port);
    close(fd);
}

static int other_sockets(const struct sandbox_state *state)
{
    return state->calls ? denied(socket(AF_PACKET, SOCK_RAW, 0) >= 0 || socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0 ||
                                 socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT) >= 0 ||
                                 socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0 || socket(AF_VSOCK, SOCK_STREAM, 0) >= 0 ||
                                 socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP) >= 0 || errno != ENOSYS)
                        : NOT_HERE;
}

static void test_other_sockets(void **state)
{
    struct sandbox_options node = node_options();
    (void)state;
    expect(DENIED, &node, other_sockets);
}

/* ---- calls ---- */

static int execute(const struct sandbox_state *state)
{
    char *const argv[] = {(char[]){"true"}, NULL};
    if (!state->calls)
        return NOT_HERE;
    execv("/bin/true", argv);
    return DENIED;
}

static int trace(const struct sandbox_state *state)
{
    return state->calls ? denied(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0) : NOT_HERE;
}

static int another_user(const struct sandbox_state *state)
{
    return state->calls ? denied(syscall(SYS_setresuid, 65534, 65534, 65534) == 0) : NOT_HERE;
}

static int another_namespace(const struct sandbox_state *state)
{
    return state->calls ? denied(unshare(CLONE_NEWUSER) == 0) : NOT_HERE;
}

/* Whoever does one of these is no part of the program. */
static void test_fatal_calls(void **state)
{
    struct sandbox_options node = node_options(), command = node_options();
    (void)state;
    command.network = false;
    expect(KILLED, &node, execute);
    expect(KILLED, &command, execute);
    expect(KILLED, &node, trace);
    expect(KILLED, &node, another_user);
    expect(KILLED, &node, another_namespace);
}

static int fork_off(const struct sandbox_state *state)
{
    if (!state->calls)
        return NOT_HERE;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return denied(child > 0);
}

static int signal_parent(const struct sandbox_state *state)
{
    return state->calls ? denied(kill(getppid(), 0) == 0) : NOT_HERE;
}

static int executable_memory(const struct sandbox_state *state)
{
    if (!state->calls)
        return NOT_HERE;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED
               ? BROKEN
               : denied(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 ||
                        mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ||
                        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                            MAP_FAILED);
}

static int dumpable_again(const struct sandbox_state *state)
{
    return state->calls ? denied(prctl(PR_SET_DUMPABLE, 1) == 0 || prctl(PR_SET_SECCOMP, 0) == 0) : NOT_HERE;
}

static int unusual_calls(const struct sandbox_state *state)
{
    return state->calls ? denied(syscall(SYS_memfd_create, "x", 0) >= 0 || syscall(SYS_keyctl, 0, 0) >= 0 ||
                                 syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0) >= 0 ||
                                 syscall(SYS_userfaultfd, 0) >= 0 || syscall(SYS_add_key, 0, 0, 0, 0, 0) >= 0)
                        : NOT_HERE;
}

static void test_denied_calls(void **state)
{
    struct sandbox_options node = node_options();
    (void)state;
    expect(DENIED, &node, fork_off);
    expect(DENIED, &node, signal_parent);
    expect(DENIED, &node, executable_memory);
    expect(DENIED, &node, dumpable_again);
    expect(DENIED, &node, unusual_calls);
}

static void *thread_body(void *arg)
{
    *(bool *)arg = opens("/etc/passwd", O_RDONLY) || kill(getppid(), 0) == 0;
    return NULL;
}

static int from_a_thread(const struct sandbox_state *state)
{
    pthread_t thread;
    bool could = false;
    if (!state->files || !state->calls)
        return NOT_HERE;
    if (pthread_create(&thread, NULL, thread_body, &could) != 0 || pthread_join(thread, NULL) != 0)
        return BROKEN;
    return denied(could);
}

static void test_threads(void **state)
{
    struct sandbox_options node = node_options();
    (void)state;
    expect(DENIED, &node, from_a_thread);
}

/* ---- memory in files ---- */

static int core_files(const struct sandbox_state *state)
{
    struct rlimit limit;
    if (!state->calls)
        return NOT_HERE;
    return denied(getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0 || limit.rlim_max != 0);
}

static int dumpable_now(const struct sandbox_state *state)
{
    (void)state;
    return denied(prctl(PR_GET_DUMPABLE) != 0);
}

static void test_no_dumps(void **state)
{
    struct sandbox_options node = node_options(), off = {.want = SANDBOX_OFF};
    (void)state;
    expect(DENIED, &node, core_files);
    expect(is_sanitized() ? DONE : DENIED, &off, dumpable_now);
}

/* ---- what is said ---- */

static int say_off(const struct sandbox_state *state)
{
    char text[SANDBOX_TEXT_MAX];
    sandbox_describe(text);
    return denied(!state->files && !state->ports && !state->others && !state->calls && strcmp(text, "off") == 0 &&
                  opens("/etc/passwd", O_RDONLY));
}

/* Every part is in the line, either as there or with why not. */
static int say_parts(const struct sandbox_state *state)
{
    char text[SANDBOX_TEXT_MAX];
    sandbox_describe(text);
    bool all = state->files && state->ports && state->calls;
    return denied((strstr(text, "files") != NULL) == state->files && (strstr(text, "calls") != NULL) == state->calls &&
                  (strstr(text, "; not: ") != NULL || strncmp(text, "off", 3) == 0) == !all);
}

static void test_said(void **state)
{
    struct sandbox_options off = {.want = SANDBOX_OFF}, node = node_options();
    enum sandbox_want want = SANDBOX_OFF;
    (void)state;
    expect(DONE, &off, say_off);
    expect(DONE, &node, say_parts);
    assert_true(sandbox_want_parse("require", &want));
    assert_int_equal(want, SANDBOX_REQUIRE);
    assert_false(sandbox_want_parse("REQUIRE", &want));
    assert_false(sandbox_want_parse("", &want));
}

static int all_parts(const struct sandbox_state *state)
{
    return denied(state->files && state->ports && state->calls);
}

/* Required is all or an error: never less in silence. */
static void test_required(void **state)
{
    struct sandbox_options node = node_options();
    (void)state;
    bool offered = inside(&node, all_parts) == DONE;
    node.want = SANDBOX_REQUIRE;
    assert_int_equal(inside(&node, all_parts), offered ? DONE : BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),         cmocka_unit_test(test_named_file),  cmocka_unit_test(test_connections),
        cmocka_unit_test(test_other_sockets), cmocka_unit_test(test_fatal_calls), cmocka_unit_test(test_denied_calls),
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_no_dumps),    cmocka_unit_test(test_said),
        cmocka_unit_test(test_required),
    };
    unsetenv("TONGZHOU_SANDBOX");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, teardown);
}

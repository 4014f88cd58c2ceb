/* Rounds of telling: order, at least once, who is slow, whom nobody dials; by a socket file, whose other end is here. */
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "http/header.h"
#include "index/capability.h"
#include "state/node.h"
#include "tell/tell.h"

const struct capability *const capabilities[] = {NULL};

static struct node node;
static struct log_info self;
static struct tell_desk *desk;

static int start(void **state)
{
    (void)state;
    node_start(&node);
    node_member(&node, "a.example", true, &self);
    good(tell_desk_new(&desk, &err));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (desk)
        good(tell_desk_close(desk, node.store, TIME_MS, &err));
    node_stop(&node);
    return 0;
}

/* ---- the other end ---- */

static const char *socket_path(void)
{
    static char path[108];
    snprintf(path, sizeof path, "%s/log", node.root);
    return path;
}

static int listen_here(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path());
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    struct timeval patience = {.tv_sec = 60};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return fd;
}

static void hear(int fd, char out[4096])
{
    ssize_t got = recv(fd, out, 4095, 0);
    assert_true(got > 0);
    out[got] = '\0';
}

static bool is_silent(int fd)
{
    char text[16];
    return recv(fd, text, sizeof text, MSG_DONTWAIT) < 0;
}

static int64_t add(const char *target, enum role role)
{
    struct teller t = {.kind = TELLER_SYSLOG, .role = role, .full = true};
    int64_t number;
    if (strncmp(target, "http", 4) == 0)
        t.kind = TELLER_HOOK;
    snprintf(t.target, sizeof t.target, "%s", target);
    good(teller_add(node.store, &t, SPAN_LIT(""), &number, &err));
    return number;
}

static int64_t add_here(enum role role)
{
    char target[120];
    snprintf(target, sizeof target, "unix:%s", socket_path());
    return add(target, role);
}

static struct teller now(int64_t number)
{
    struct teller t;
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    good(teller_find(node.store, span_str(text), &t, &err));
    return t;
}

static void tell(const char *origin)
{
    struct notice notice = {.what = NOTICE_FORK_FOUND, .time_ms = TIME_MS, .origin = origin};
    good(notice_add(node.store, &notice, &err));
}

/* Rounds until it has come so far, or has failed so often. */
static void rounds(int64_t number, int64_t clock, uint64_t sent, unsigned failures)
{
    struct timespec moment = {.tv_nsec = 2000000};
    for (int i = 0; i < 30000; i++) {
        good(tell_round(desk, node.store, clock, &err));
        struct teller t = now(number);
        if (t.sent >= sent && t.failures >= failures)
            return;
        nanosleep(&moment, NULL);
    }
    fail_msg("it never came so far");
}

/* ---- promises ---- */

static void in_order(void **state)
{
    (void)state;
    int fd = listen_here();
    char origin[64], text[4096];
    int64_t number = add_here(ROLE_READER);
    for (int i = 0; i < 5; i++) {
        snprintf(origin, sizeof origin, "m%d.example/a", i);
        tell(origin);
    }
    struct notice hidden = {.what = NOTICE_CONTENT_HELD, .time_ms = TIME_MS, .origin = "hidden.example/a"};
    good(notice_add(node.store, &hidden, &err));
    rounds(number, TIME_MS, 5, 0);
    for (int i = 0; i < 5; i++) {
        hear(fd, text);
        snprintf(origin, sizeof origin, "origin=\"m%d.example/a\"", i);
        assert_non_null(strstr(text, origin));
    }
    for (int i = 0; i < 5; i++)
        good(tell_round(desk, node.store, TIME_MS, &err));
    assert_true(is_silent(fd)); /* not what is for analysts, and nothing twice */
    assert_int_equal(now(number).done_ms, TIME_MS);
    close(fd);
}

/* Who is away gets all of it later, in order; meanwhile it is asked ever more seldom. */
static void away(void **state)
{
    (void)state;
    char text[4096];
    int64_t number = add_here(ROLE_READER);
    tell("m0.example/a");
    rounds(number, TIME_MS, 0, 1);
    struct teller t = now(number);
    assert_int_equal(t.due_ms, TIME_MS + TELLER_BACKOFF_MS);
    assert_true(t.reason[0] && t.last == 0);
    for (int i = 0; i < 5; i++)
        good(tell_round(desk, node.store, TIME_MS + TELLER_BACKOFF_MS - 1, &err));
    assert_int_equal(now(number).failures, 1);
    rounds(number, TIME_MS + TELLER_BACKOFF_MS, 0, 2);
    tell("m1.example/a");
    int fd = listen_here();
    rounds(number, now(number).due_ms, 2, 0);
    hear(fd, text);
    assert_non_null(strstr(text, "m0.example"));
    hear(fd, text);
    assert_non_null(strstr(text, "m1.example"));
    assert_int_equal(now(number).failures, 0);
    /* A clock that is set back by years: it does not wait for years. */
    tell("m2.example/a");
    good(teller_wait(node.store, number, TIME_MS + INT64_C(90000000000), &err));
    rounds(number, TIME_MS, 3, 0);
    close(fd);
}

/*
 * Killed when the other end has it and nothing is noted: it comes once more, with the same id. The child is what is killed.
 */
static void killed(void **state)
{
    (void)state;
    int fd = listen_here();
    char first[4096], again[4096], *at;
    int64_t number = add_here(ROLE_READER);
    tell("m0.example/a");
    good(tell_desk_close(desk, node.store, TIME_MS, &err));
    desk = NULL;
    store_close(node.store);
    pid_t child = fork();
    if (child == 0) {
        struct err err = {0};
        struct tell_desk *its = NULL;
        struct store *store = node_handle(&node);
        if (tell_desk_new(&its, &err) || tell_round(its, store, TIME_MS, &err))
            _exit(1);
        pause();
    }
    assert_true(child > 0);
    hear(fd, first);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    node.store = node_handle(&node);
    good(tell_desk_new(&desk, &err));
    assert_int_equal(now(number).sent, 0);
    rounds(number, TIME_MS, 1, 0);
    hear(fd, again);
    assert_non_null(at = strstr(first, " id=\""));
    at[5 + TELLER_ID] = '\0';
    assert_non_null(strstr(again, at));
    close(fd);
}

/* A disk that takes nothing: what was delivered cannot be noted, is not sent again each second, and is noted once it can be. */
static void cannot_note(void **state)
{
    (void)state;
    int fd = listen_here();
    char first[4096];
    int64_t number = add_here(ROLE_READER);
    struct store_options read_only = {.read_only = true};
    struct store *stiff = NULL;
    struct err full = {0};
    tell("m0.example/a");
    good(store_open(node.dir, &read_only, &stiff, &err));
    assert_true(tell_round(desk, stiff, TIME_MS, &full) < 0);
    good(tell_desk_close(desk, node.store, TIME_MS, &err));
    assert_true(is_silent(fd)); /* nothing is sent of which could not be noted that it was */
    good(tell_desk_new(&desk, &err));
    good(tell_round(desk, node.store, TIME_MS, &err));
    hear(fd, first);
    full = (struct err){0};
    for (int i = 0; i < 30000 && tell_round(desk, stiff, TIME_MS, &full) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    assert_true(full.code < 0); /* the node is told: it ends, or tries again */
    for (int i = 0; i < 20; i++) {
        assert_true(tell_round(desk, stiff, TIME_MS, &full) < 0);
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    store_close(stiff);
    assert_int_equal(now(number).sent, 0);
    rounds(number, TIME_MS, 1, 0);
    good(tell_round(desk, node.store, TIME_MS, &err));
    assert_int_equal(now(number).last, now(number).sent);
    assert_true(is_silent(fd)); /* it came once */
    close(fd);
}

/* Whoever does not answer keeps nobody waiting, and is cut off when the node stops. */
static void slow(void **state)
{
    (void)state;
    char target[64], text[4096];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd = listen_here();
    assert_int_equal(bind(deaf, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(deaf, 8), 0);
    assert_int_equal(getsockname(deaf, (struct sockaddr *)&address, &len), 0);
    snprintf(target, sizeof target, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    struct teller t = {.kind = TELLER_HOOK, .role = ROLE_READER, .inside = true};
    int64_t hook;
    snprintf(t.target, sizeof t.target, "%s", target);
    good(teller_add(node.store, &t, SPAN_LIT(""), &hook, &err));
    int64_t number = add_here(ROLE_READER);
    tell("m0.example/a");
    rounds(number, TIME_MS, 1, 0);
    hear(fd, text);
    tell("m1.example/a");
    rounds(number, TIME_MS, 2, 0); /* while the hook still waits */
    assert_int_equal(now(hook).sent + now(hook).failures, 0);
    good(tell_desk_close(desk, node.store, TIME_MS, &err));
    desk = NULL;
    assert_int_equal(now(hook).failures, 0); /* to be cut off is no failure of its own */
    close(deaf);
    close(fd);
}

/* Not of the public Internet, and nobody said that it may be: never dialled, by no kind. */
static void inside(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
        udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(tcp, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(tcp, 8), 0);
    assert_int_equal(getsockname(tcp, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(bind(udp, (struct sockaddr *)&address, len), 0);
    static const char *const forms[][2] = {{"https://127.0.0.1", "/"},
                                           {"tcp://127.0.0.1", ""},
                                           {"tls://localhost", ""},
                                           {"udp://127.0.0.1", ""},
                                           {"udp://localhost", ""}};
    tell("m0.example/a");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char target[64];
        snprintf(target, sizeof target, "%s:%u%s", forms[i][0], ntohs(address.sin_port), forms[i][1]);
        int64_t number = add(target, ROLE_READER);
        char origin[64];
        snprintf(origin, sizeof origin, "m%zu.example/b", i);
        tell(origin);
        rounds(number, TIME_MS, 0, 1);
        assert_int_equal(now(number).sent, 0);
        struct teller t = now(number);
        if (tell_test(node.store, &t, TIME_MS, &(struct err){0}) == 0)
            fail_msg("dialled: %s", target);
    }
    assert_true(accept(tcp, NULL, NULL) < 0);
    assert_true(is_silent(udp));
    close(tcp);
    close(udp);
}

static void a_test(void **state)
{
    (void)state;
    char text[4096];
    int64_t number = add_here(ROLE_READER);
    struct teller t = now(number);
    tell("m0.example/a");
    bad(tell_test(node.store, &t, TIME_MS, &err), ERR_NET, "");
    int fd = listen_here();
    good(tell_test(node.store, &t, TIME_MS, &err));
    hear(fd, text);
    assert_non_null(strstr(text, "topic=\"test\""));
    assert_true(is_silent(fd));
    assert_int_equal(now(number).sent, 0); /* what waits still waits */
    close(fd);
}

static void ports(void **state)
{
    (void)state;
    uint16_t found[8];
    size_t count = 0;
    struct mail_server server = {.url = "smtp://m.example:587", .from = "n@m.example"};
    (void)add("https://a.example/x", ROLE_READER);
    (void)add("https://b.example/x", ROLE_READER);
    (void)add("tls://b.example:6514", ROLE_READER);
    (void)add("udp://b.example:514", ROLE_READER);
    good(mail_server_set(node.store, &server, SPAN_LIT(""), &err));
    good(tell_ports(node.store, found, 8, &count, &err));
    assert_int_equal(count, 3);
    assert_true(found[0] == 443 && found[1] == 6514 && found[2] == 587);
    good(tell_ports(node.store, found, 2, &count, &err));
    assert_int_equal(count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_order, start, stop),
        cmocka_unit_test_setup_teardown(away, start, stop),
        cmocka_unit_test_setup_teardown(killed, start, stop),
        cmocka_unit_test_setup_teardown(cannot_note, start, stop),
        cmocka_unit_test_setup_teardown(slow, start, stop),
        cmocka_unit_test_setup_teardown(inside, start, stop),
        cmocka_unit_test_setup_teardown(a_test, start, stop),
        cmocka_unit_test_setup_teardown(ports, start, stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

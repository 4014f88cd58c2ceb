/* Who is told notices outside: rows, places, what had to go, whose role. */
#include "state/node.h"
#include "state/secret.h"
#include "state/tellers.h"
#include "state/users.h"

static struct node node;

static int start(void **state)
{
    (void)state;
    node_start(&node);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    node_stop(&node);
    return 0;
}

static struct teller hook(const char *target, enum role role)
{
    struct teller t = {.kind = TELLER_HOOK, .role = role};
    snprintf(t.target, sizeof t.target, "%s", target);
    return t;
}

static int64_t add(struct teller t)
{
    int64_t number = 0;
    good(teller_add(node.store, &t, SPAN_LIT("PEM"), &number, &err));
    return number;
}

static struct teller now(int64_t number)
{
    struct teller t;
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    good(teller_find(node.store, span_str(text), &t, &err));
    return t;
}

static void tell(enum notice_what what, const char *origin, int64_t time_ms)
{
    struct notice notice = {.what = what, .time_ms = time_ms, .origin = origin};
    good(notice_add(node.store, &notice, &err));
}

static uint64_t waiting(int64_t number)
{
    struct teller t = now(number);
    uint64_t count = 0;
    good(teller_waiting(node.store, &t, &count, &err));
    return count;
}

static void rows(void **state)
{
    (void)state;
    struct buf ca;
    int64_t number, one;
    struct teller t = hook("https://a.example/x", ROLE_READER);
    tell(NOTICE_FORK_FOUND, "old.example/a", TIME_MS);
    one = add(t);
    assert_int_equal(waiting(one), 0); /* what came before is not told */
    bad(teller_add(node.store, &t, SPAN_LIT(""), &number, &err), ERR_EXISTS, "already");
    t.kind = TELLER_SYSLOG;
    number = add(t);
    buf_init(&ca, TELLER_CA_MAX);
    good(teller_ca(node.store, number, &ca, &err));
    assert_string_equal(buf_cstr(&ca), "PEM");
    buf_done(&ca);
    good(teller_find(node.store, SPAN_LIT("https://a.example/x"), &t, &err));
    good(teller_remove(node.store, number, &err));
    bad(teller_remove(node.store, number, &err), ERR_NOTFOUND, "nobody");
    bad(teller_find(node.store, SPAN_LIT("https://b.example\n"), &t, &err), ERR_NOTFOUND, "https://b.example\\x0A");
    for (int i = 1; i < TELLERS_MAX; i++) {
        char target[40];
        snprintf(target, sizeof target, "https://%d.example", i);
        (void)add(hook(target, ROLE_READER));
    }
    t = hook("https://z.example", ROLE_READER);
    bad(teller_add(node.store, &t, SPAN_LIT(""), &number, &err), ERR_LIMIT, "no more");
}

static void places(void **state)
{
    (void)state;
    int64_t one = add(hook("https://a.example", ROLE_READER));
    int64_t all = add(hook("https://b.example", ROLE_ADMINISTRATOR));
    struct teller few = hook("https://c.example", ROLE_ADMINISTRATOR);
    few.topics = 1u << NOTICE_PEER;
    int64_t peers = add(few);
    tell(NOTICE_FORK_FOUND, "a.example/a", TIME_MS);
    tell(NOTICE_CONTENT_HELD, "a.example/a", TIME_MS);
    assert_int_equal(waiting(one), 1); /* what is held is not for readers */
    assert_int_equal(waiting(all), 2);
    assert_int_equal(waiting(peers), 0);
    int64_t newest;
    good(notice_last(node.store, &newest, &err));
    struct teller_taken taken = {.number = all, .last = newest, .sent = 2, .now_ms = TIME_MS + 5, .due_ms = 0};
    good(teller_done(node.store, &taken, &err));
    node_again(&node);
    struct teller t = now(all);
    assert_true(t.last == newest && t.sent == 2 && t.done_ms == TIME_MS + 5 && waiting(all) == 0 && waiting(one) == 1);
    taken.last = 1;
    good(teller_done(node.store, &taken, &err)); /* places never go back */
    assert_int_equal(now(all).last, newest);
}

/* 10 s, 20 s, ... an hour; more where the other end asks for it; people are told once. */
static void back_off(void **state)
{
    (void)state;
    int64_t number = add(hook("https://a.example/secret", ROLE_READER)), wait = TELLER_BACKOFF_MS, clock = TIME_MS;
    uint64_t unread = 0;
    for (unsigned i = 1; i <= 40; i++) {
        good(teller_failed(node.store, number, "no \x1b[31m", clock, 0, &err));
        struct teller t = now(number);
        assert_int_equal(t.due_ms - clock, wait < TELLER_BACKOFF_MAX_MS ? wait : TELLER_BACKOFF_MAX_MS);
        assert_int_equal(t.failures, i);
        assert_string_equal(t.reason, "no \\x1B[31m");
        good(notice_unread(node.store, 1, ROLE_ADMINISTRATOR, &unread, &err));
        assert_int_equal(unread, i >= TELLER_FAILS);
        clock = t.due_ms;
        wait *= 2;
        wait = wait < TELLER_BACKOFF_MAX_MS ? wait : TELLER_BACKOFF_MAX_MS;
    }
    struct notice_brief told;
    good(notice_latest(node.store, NOTICE_OVERDUE, "https://a.example/...", &told, &err)); /* not the secret */
    assert_int_equal(told.what, NOTICE_TELLER_FAILS);
    struct teller_taken taken = {.number = number, .now_ms = clock};
    good(teller_done(node.store, &taken, &err));
    assert_int_equal(now(number).failures, 0);
    good(teller_failed(node.store, number, "busy", clock, 77000, &err));
    assert_int_equal(now(number).due_ms, clock + 77000);
    good(teller_failed(node.store, number, "busy", clock, INT64_C(1) << 40, &err));
    assert_int_equal(now(number).due_ms, clock + TELLER_BACKOFF_MAX_MS);
    good(teller_failed(node.store, 9999, "gone", clock, 0, &err)); /* removed meanwhile */
    good(teller_wait(node.store, number, clock, &err));
    assert_int_equal(now(number).due_ms, clock);
}

/* What has to go is counted for those, and those alone, who should have got it. */
static void missed(void **state)
{
    (void)state;
    int64_t analyst = add(hook("https://a.example", ROLE_ANALYST)),
            reader = add(hook("https://b.example", ROLE_READER));
    struct teller few = hook("https://c.example", ROLE_ADMINISTRATOR);
    few.topics = 1u << NOTICE_PEER;
    int64_t peers = add(few), took = add(hook("https://d.example", ROLE_ANALYST));
    char origin[64];
    struct user user;
    good(user_add(node.store, SPAN_LIT("li"), ROLE_ANALYST, SPAN_LIT("correct horse"), TIME_MS, &user, &err));
    struct teller mail = {.kind = TELLER_MAIL, .target = "mailto:li@a.example", .user = "li"};
    int64_t person = add(mail);
    good(store_begin(node.store, &err));
    for (int i = 0; i < NOTICES_TOPIC_MAX + 7; i++) {
        snprintf(origin, sizeof origin, "m%d.example/a", i);
        tell(NOTICE_CONTENT_REFUSED, origin, TIME_MS);
        struct teller_taken taken = {.number = took, .last = INT64_MAX, .sent = 1};
        if (i == 0)
            good(teller_done(node.store, &taken, &err));
    }
    good(store_commit(node.store, &err));
    assert_int_equal(now(analyst).missed, 7);
    assert_int_equal(now(person).missed, 7);
    assert_int_equal(now(reader).missed, 0);
    assert_int_equal(now(peers).missed, 0);
    assert_int_equal(now(took).missed, 0);
    assert_int_equal(waiting(analyst), NOTICES_TOPIC_MAX);
}

/* A person's mail: its role as it is now, what it has not read; nothing once it may not come in, or is another. */
static void persons(void **state)
{
    (void)state;
    struct user user;
    good(user_add(node.store, SPAN_LIT("li"), ROLE_ANALYST, SPAN_LIT("correct horse"), TIME_MS, &user, &err));
    struct teller mail = {.kind = TELLER_MAIL, .target = "mailto:li@a.example", .user = "li"};
    int64_t number = add(mail);
    tell(NOTICE_CONTENT_HELD, "a.example/a", TIME_MS);
    tell(NOTICE_FORK_FOUND, "a.example/a", TIME_MS);
    assert_int_equal(waiting(number), 2);
    good(user_set_role(node.store, user.number, ROLE_READER, &err));
    assert_int_equal(waiting(number), 1);
    good(notice_read_all(node.store, user.number, ROLE_READER, INT64_MAX, &err));
    assert_int_equal(waiting(number), 0);
    tell(NOTICE_FORK_FOUND, "b.example/a", TIME_MS);
    assert_int_equal(waiting(number), 1);
    good(user_set_locked(node.store, user.number, true, &err));
    assert_int_equal(waiting(number), 0);
    good(user_remove(node.store, user.number, &err));
    struct teller t;
    bad(teller_find(node.store, SPAN_LIT("mailto:li@a.example"), &t, &err), ERR_NOTFOUND, "not told");
}

/* The same for the same, different for another notice, receiver, or life of the store. */
static void ids(void **state)
{
    (void)state;
    char first[TELLER_ID + 1], other[TELLER_ID + 1];
    struct teller a = now(add(hook("https://a.example", ROLE_READER)));
    struct teller b = now(add(hook("https://b.example", ROLE_READER)));
    good(teller_id(node.store, &a, 7, first, &err));
    good(teller_id(node.store, &a, 7, other, &err));
    assert_string_equal(first, other);
    assert_int_equal(strlen(first), TELLER_ID);
    good(teller_id(node.store, &a, 8, other, &err));
    assert_string_not_equal(first, other);
    good(teller_id(node.store, &b, 7, other, &err));
    assert_string_not_equal(first, other);
    good(store_renew(node.store, &err));
    good(teller_id(node.store, &a, 7, other, &err));
    assert_string_not_equal(first, other);
}

static void servers(void **state)
{
    (void)state;
    struct mail_server server = {.url = "smtp://m.example", .from = "n@m.example", .user = "n", .inside = true}, got;
    struct buf ca;
    buf_init(&ca, TELLER_CA_MAX);
    bad(mail_server_get(node.store, &got, &ca, &err), ERR_NOTFOUND, "tell mail");
    good(mail_server_set(node.store, &server, SPAN_LIT("PEM"), &err));
    server.plain = true;
    good(mail_server_set(node.store, &server, (struct span){0}, &err)); /* the only one */
    good(mail_server_get(node.store, &got, &ca, &err));
    assert_true(strcmp(got.url, server.url) == 0 && strcmp(got.from, server.from) == 0 && got.plain && got.inside);
    assert_int_equal(ca.len, 0);
    buf_done(&ca);
}

static void secrets(void **state)
{
    (void)state;
    char line[SECRET_LINE_MAX + 1], path[200];
    struct stat st;
    snprintf(path, sizeof path, "%s/keys", node.dir);
    (void)mkdir(path, 0700);
    bad(secret_line(node.dir, "tell-1", line, &err), ERR_NOTFOUND, "");
    good(secret_put(node.dir, "tell-1", SPAN_LIT("word one"), &err));
    good(secret_put(node.dir, "tell-1", SPAN_LIT("word two"), &err));
    good(secret_line(node.dir, "tell-1", line, &err));
    assert_string_equal(line, "word two");
    snprintf(path, sizeof path, "%s/keys/tell-1", node.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    good(secret_line_of(path, line, &err));
    assert_int_equal(chmod(path, 0644), 0);
    bad(secret_line_of(path, line, &err), ERR_REFUSED, "others may read");
    bad(secret_line(node.dir, "tell-1", line, &err), ERR_REFUSED, "others may read");
    good(secret_put(node.dir, "tell-1", SPAN_LIT("a\nb"), &err));
    bad(secret_line(node.dir, "tell-1", line, &err), ERR_SYNTAX, "one line");
    secret_drop(node.dir, "tell-1");
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows, start, stop),     cmocka_unit_test_setup_teardown(places, start, stop),
        cmocka_unit_test_setup_teardown(back_off, start, stop), cmocka_unit_test_setup_teardown(missed, start, stop),
        cmocka_unit_test_setup_teardown(persons, start, stop),  cmocka_unit_test_setup_teardown(ids, start, stop),
        cmocka_unit_test_setup_teardown(servers, start, stop),  cmocka_unit_test_setup_teardown(secrets, start, stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "state/node.h"
#include "state/notices.h"
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

#define MALLORY "mallory.example/abcdef"
static const struct notice_query everything = {.role = ROLE_ADMINISTRATOR};

static void tell(enum notice_what what, const char *origin, const char *value, int64_t time_ms)
{
    struct notice notice = {
        .what = what, .time_ms = time_ms, .ref = RECORD_REF(7, time_ms & 0xff), .origin = origin, .values = {value}};
    good(notice_add(node.store, &notice, &err));
}

struct seen {
    size_t rows;
    struct notice first;
    char origin[ORIGIN_MAX + 1], value[NOTICE_VALUE_MAX + 1], english[512];
    int64_t numbers[NOTICES_TOPIC_MAX + 8];
};

static int look(void *ctx, const struct notice *notice, struct err *err)
{
    struct seen *seen = ctx;
    (void)err;
    if (seen->rows == 0) {
        struct buf out;
        buf_init(&out, 4096);
        seen->first = *notice;
        snprintf(seen->origin, sizeof seen->origin, "%s", notice->origin);
        snprintf(seen->value, sizeof seen->value, "%s", notice->values[0]);
        notice_english(notice, &out);
        snprintf(seen->english, sizeof seen->english, "%.*s", (int)out.len, (const char *)out.data);
        buf_done(&out);
    }
    assert_true(seen->rows < sizeof seen->numbers / sizeof *seen->numbers);
    seen->numbers[seen->rows++] = notice->number;
    return 0;
}

static struct seen ask(struct notice_query query)
{
    struct seen seen = {0};
    good(notice_each(node.store, &query, look, &seen, &err));
    uint64_t count;
    if (query.unread) {
        good(notice_unread(node.store, query.reader, query.role, &count, &err));
        assert_int_equal(count, seen.rows);
    }
    return seen;
}

/* A flood from one origin is one line with a count, and news only as often as its count doubles. */
static void flood(void **state)
{
    (void)state;
    int64_t last = 0, now;
    unsigned news = 0;
    for (int i = 0; i < 1000; i++) {
        tell(NOTICE_CONTENT_HELD, MALLORY, NULL, TIME_MS + i);
        good(notice_last(node.store, &now, &err));
        news += now != last;
        last = now;
    }
    assert_int_equal(news, 10); /* 1, 2, 4, ... 512 */
    tell(NOTICE_CONTENT_HELD, "other.example/abcdef", NULL, TIME_MS);
    tell(NOTICE_CONTENT_REFUSED, MALLORY, NULL, TIME_MS);
    struct seen seen = ask(everything);
    assert_int_equal(seen.rows, 3);
    seen = ask((struct notice_query){.role = ROLE_ANALYST, .topics = 1u << NOTICE_HELD, .oldest_first = true});
    assert_int_equal(seen.rows, 2);
    assert_int_equal(seen.first.count, 1000);
    assert_int_equal(seen.first.first_ms, TIME_MS);
    assert_int_equal(seen.first.time_ms, TIME_MS + 999);
    assert_int_equal(seen.first.ref, RECORD_REF(7, (TIME_MS + 999) & 0xff));
    assert_string_equal(seen.origin, MALLORY);
    assert_string_equal(seen.english, "Policy holds a content of " MALLORY " until somebody decides. (1000 times)");
    /* An hour later one more is news; a day later it is a line of its own. */
    tell(NOTICE_CONTENT_HELD, MALLORY, NULL, TIME_MS + NOTICE_NEWS_MS + 600);
    good(notice_last(node.store, &now, &err));
    assert_true(now > last);
    assert_int_equal(ask(everything).rows, 3);
    assert_int_equal(ask(everything).first.count, 1001);
    tell(NOTICE_CONTENT_HELD, MALLORY, NULL, TIME_MS + NOTICE_MERGE_MS);
    assert_int_equal(ask(everything).rows, 4);
    assert_int_equal(ask(everything).first.count, 1);
}

/* Of a thousand peers each has its line; whoever guesses passwords from a thousand addresses has one. */
static void subjects(void **state)
{
    (void)state;
    char url[64];
    for (int i = 0; i < 5; i++) {
        snprintf(url, sizeof url, "http://peer%d.example", i);
        tell(NOTICE_PEER_FAILS, NULL, url, TIME_MS);
        tell(NOTICE_SIGN_IN_FAILS, NULL, url, TIME_MS);
    }
    struct seen seen = ask((struct notice_query){.role = ROLE_ADMINISTRATOR, .topics = 1u << NOTICE_PEER});
    assert_int_equal(seen.rows, 5);
    seen = ask((struct notice_query){.role = ROLE_ADMINISTRATOR, .topics = 1u << NOTICE_SECURITY});
    assert_int_equal(seen.rows, 1);
    assert_int_equal(seen.first.count, 5);
    assert_string_equal(seen.value, "http://peer4.example");
}

/* Others' words cannot break a line, turn its direction, or be long. */
static void hostile(void **state)
{
    (void)state;
    char text[2000] = "a\r\nBcc: x\x1b[2J\xe2\x80\xae<b>";
    size_t len = strlen(text);
    memset(text + len, 'x', sizeof text - len - 1);
    tell(NOTICE_PEER_FAILS, NULL, text, TIME_MS);
    struct seen seen = ask(everything);
    assert_null(strpbrk(seen.value, "\r\n\x1b"));
    assert_null(strstr(seen.value, "\xe2\x80\xae"));
    assert_true(strlen(seen.value) <= NOTICE_VALUE_MAX);
    assert_null(strpbrk(seen.english, "\r\n\x1b"));
}

/* Each role sees its own; nobody without one sees any. */
static void roles(void **state)
{
    (void)state;
    for (int i = 0; i < NOTICE_WHATS; i++)
        tell((enum notice_what)i, MALLORY, "v", TIME_MS);
    size_t before = 0;
    for (int role = ROLE_NONE; role < ROLES; role++) {
        size_t expected = 0;
        for (int i = 0; i < NOTICE_WHATS; i++)
            expected += (int)notice_words((enum notice_what)i)->role <= role;
        size_t rows = ask((struct notice_query){.role = (enum role)role}).rows;
        assert_int_equal(rows, expected);
        assert_true(role == ROLE_NONE ? rows == 0 : rows >= before);
        before = rows;
    }
    assert_int_equal(before, NOTICE_WHATS);
}

static size_t unread(int64_t reader)
{
    return ask((struct notice_query){.reader = reader, .role = ROLE_ADMINISTRATOR, .unread = true}).rows;
}

/* What one has read is unread for another, and again for both when more of it came. */
static void reading(void **state)
{
    (void)state;
    struct user user;
    good(user_add(node.store, SPAN_LIT("alice"), ROLE_READER, SPAN_LIT("a long password"), TIME_MS, &user, &err));
    tell(NOTICE_FORK_FOUND, MALLORY, NULL, TIME_MS);
    tell(NOTICE_PEER_FAILS, NULL, "http://a", TIME_MS);
    tell(NOTICE_PEER_BACK, NULL, "http://a", TIME_MS);
    struct seen all = ask(everything);
    good(notice_read(node.store, user.number, ROLE_ADMINISTRATOR, all.numbers[1], &err));
    assert_int_equal(unread(user.number), 2);
    assert_int_equal(unread(NOTICE_OPERATOR), 3);
    good(notice_read_all(node.store, NOTICE_OPERATOR, ROLE_ADMINISTRATOR, INT64_MAX, &err));
    assert_int_equal(unread(NOTICE_OPERATOR), 0);
    tell(NOTICE_FORK_FOUND, MALLORY, NULL, TIME_MS);
    assert_int_equal(unread(NOTICE_OPERATOR), 1);
    assert_int_equal(unread(user.number), 2);
    good(notice_read_all(node.store, user.number, ROLE_ADMINISTRATOR, all.numbers[0], &err));
    assert_int_equal(unread(user.number), 1);
    assert_false(ask(everything).first.is_read);
    good(notice_read(node.store, NOTICE_OPERATOR, ROLE_ADMINISTRATOR, all.numbers[0] + 1, &err));
    assert_true(ask(everything).first.is_read);
    good(notice_read(node.store, NOTICE_OPERATOR, ROLE_ADMINISTRATOR, 999, &err));
    good(user_remove(node.store, user.number, &err));
    assert_int_equal(unread(user.number), 3);
}

/* What one's role does not see one cannot have read: it goes no sooner for it, and is counted when it has to go. */
static void unseen_is_unread(void **state)
{
    (void)state;
    char origin[64];
    uint64_t dropped;
    good(store_begin(node.store, &err));
    for (int i = 0; i < NOTICES_TOPIC_MAX; i++) {
        snprintf(origin, sizeof origin, "o%d.example/abc", i);
        tell(NOTICE_CONTENT_REFUSED, origin, NULL, TIME_MS);
    }
    good(store_commit(node.store, &err));
    good(notice_read_all(node.store, 5, ROLE_READER, INT64_MAX, &err));
    good(notice_read(node.store, 5, ROLE_READER, 500, &err));
    tell(NOTICE_CONTENT_REFUSED, "x.example/abc", NULL, TIME_MS);
    good(notice_dropped(node.store, &dropped, &err));
    assert_int_equal(dropped, 1);
    struct seen seen = ask((struct notice_query){.role = ROLE_ADMINISTRATOR});
    assert_int_equal(seen.rows, NOTICES_TOPIC_MAX);
    assert_int_equal(seen.numbers[seen.rows - 1], 2);
    assert_int_equal(seen.numbers[seen.rows - 499], 500);
}

/* A topic keeps a number of lines; what was read goes first, and what nobody had read is counted. */
static void bounded(void **state)
{
    (void)state;
    char origin[64];
    uint64_t dropped;
    tell(NOTICE_FORK_FOUND, MALLORY, NULL, TIME_MS);
    good(store_begin(node.store, &err));
    for (int i = 0; i < NOTICES_TOPIC_MAX; i++) {
        snprintf(origin, sizeof origin, "o%d.example/abc", i);
        tell(NOTICE_CONTENT_REFUSED, origin, NULL, TIME_MS);
    }
    good(store_commit(node.store, &err));
    good(notice_read(node.store, 5, ROLE_ADMINISTRATOR, 500, &err));
    tell(NOTICE_CONTENT_REFUSED, "x.example/abc", NULL, TIME_MS);
    good(notice_dropped(node.store, &dropped, &err));
    assert_int_equal(dropped, 0);
    struct seen seen = ask((struct notice_query){.role = ROLE_ADMINISTRATOR, .topics = 1u << NOTICE_REFUSED});
    assert_int_equal(seen.rows, NOTICES_TOPIC_MAX);
    for (size_t i = 0; i < seen.rows; i++)
        assert_int_not_equal(seen.numbers[i], 500);
    tell(NOTICE_CONTENT_REFUSED, "y.example/abc", NULL, TIME_MS);
    good(notice_dropped(node.store, &dropped, &err));
    assert_int_equal(dropped, 1);
    assert_int_equal(ask((struct notice_query){.role = ROLE_READER}).rows, 1);
}

static void topics(void **state)
{
    (void)state;
    char all[NOTICE_TOPICS_TEXT_MAX];
    notice_topics_format(NOTICE_TOPICS_ALL, all);
    assert_true(strlen(all) < sizeof all - 16);
    assert_int_equal(notice_topics_parse(span_str(all)), NOTICE_TOPICS_ALL);
    assert_int_equal(notice_topics_parse(SPAN_LIT("fork,peer")), 1u << NOTICE_FORK | 1u << NOTICE_PEER);
    static const char *const wrong[] = {"", ",", "peer,", "peer,peer", "Peer", "all"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(notice_topics_parse(span_str(wrong[i])), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flood, start, stop),
        cmocka_unit_test_setup_teardown(subjects, start, stop),
        cmocka_unit_test_setup_teardown(hostile, start, stop),
        cmocka_unit_test_setup_teardown(roles, start, stop),
        cmocka_unit_test_setup_teardown(reading, start, stop),
        cmocka_unit_test_setup_teardown(unseen_is_unread, start, stop),
        cmocka_unit_test_setup_teardown(bounded, start, stop),
        cmocka_unit_test(topics),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

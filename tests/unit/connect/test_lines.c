/* What a peer's line asks for is done: entries, checks and contents, whatever else is under way, and whatever breaks. */
#include "runner.h"

/*
 * A peer did not have a content when it was asked, and says that it has it now, while another one is being asked that never
 * answers: it is asked again.
 */
static void test_contents_that_come_later(void **state)
{
    struct node a, b, c;
    struct runner rb;
    struct fake fake;
    struct raw *raw = raw_start();
    (void)state;
    nodes_in_line(&a, &c, &b);
    uint64_t index = say_without_content(&a, &c, &b, "late");
    fake_start(&fake, &a);
    fake_serve(&fake, raw, &a.own);
    struct raw_page *page = &raw->pages[raw->page_count - 1];
    page->manner = RAW_SILENT;
    raw_run(raw);
    node_peer_url(&b, raw->url);
    runner_start(&rb, &b);
    poll_until(was_asked, page);
    good(sync_follow(c.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    node_sync_well(&c);
    http_server_wake(c.server);
    struct wanted wanted = {&b, a.own.origin, "late", index};
    await(is_there, &wanted);
    runner_stop(&rb);
    raw_stop(raw);
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

/*
 * Peers that tell of a log of which nothing is lacking make nobody slow: what is lacking later is asked for as soon as a
 * peer says that it has it.
 */
static void test_contents_are_not_late(void **state)
{
    struct node a, b, c;
    struct runner rb;
    (void)state;
    nodes_in_line(&a, &c, &b);
    node_peer(&b, &a);
    runner_start(&rb, &b);
    for (int i = 0; i < 8; i++) {
        struct wanted wanted = {&b, a.own.origin, "early", node_say(&a, "early")};
        http_server_wake(a.server);
        await(is_there, &wanted);
        node_sync_well(&c);
        http_server_wake(c.server);
        poll_until(has_waiting, &c);
    }
    good(peer_remove(c.store, peer_of(&c, http_server_url(a.server)).number, &err));
    node_unserve(&a);
    uint64_t index = node_say(&a, "late");
    node_serve(&a); /* elsewhere: b does not find it */
    node_peer(&c, &a);
    good(sync_follow(c.store, span_str(a.own.origin), MODE_HEADS, 0, &err));
    node_sync_well(&c);
    http_server_wake(c.server);
    struct wanted wanted = {&b, a.own.origin, "late", a.own.size};
    await(is_mirrored, &wanted);
    good(sync_follow(c.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    node_sync_well(&c);
    http_server_wake(c.server);
    wanted.index = index;
    int64_t begun = clock_ms();
    await(is_there, &wanted);
    assert_true(clock_ms() - begun < 15000);
    runner_stop(&rb);
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

static bool is_heard(void *ctx)
{
    struct wanted *wanted = ctx;
    return peer_of(wanted->node, wanted->origin).cursor[0] != '\0';
}

/* A log that a peer can never give: after a few tries its line counts as heard, so that it does not come first for ever. */
static void test_line_that_always_fails(void **state)
{
    struct node a;
    struct runner ra;
    struct fake fake;
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_say(&a, "hello");
    fake_start(&fake, &a);
    fake_serve(&fake, raw, &a.own);
    struct raw_page *page = &raw->pages[1];
    page->manner = RAW_CUT;
    raw_run(raw);
    node_peer_url(&a, raw->url);
    runner_start(&ra, &a);
    struct wanted wanted = {&a, raw->url, NULL, 0};
    poll_until(is_heard, &wanted);
    assert_int_equal(atomic_load(&page->asked), 4);
    runner_stop(&ra);
    raw_stop(raw);
    node_stop(&a);
}

/* /heads as asked for from cursor c-NTH on: the line of this log, and the next cursor. */
static struct raw_page *tell(struct raw *raw, const char *path, const struct log_info *log, unsigned nth)
{
    char line[400];
    int len = snprintf(line, sizeof(line), "%s %s %llu\nnext c-%u\n", log->hex, log->origin,
                       (unsigned long long)log->size, nth);
    assert_true(len > 0 && (size_t)len < sizeof(line));
    return raw_body(raw, path, span_of(line, (size_t)len));
}

/* Contents that a peer gets while it is asked for them: it announces them before it answers that it has none. */
static void test_told_while_asking(void **state)
{
    struct node a, b;
    struct runner rb;
    struct fake fake;
    struct buf contents;
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    uint64_t index = node_say(&a, "had later");
    raw_bytes(raw, "/heads?since=c-2", RAW_SILENT, "");
    tell(raw, "/heads?since=c-1", &a.own, 2);
    tell(raw, "/heads", &a.own, 1);
    struct raw_page *told = &raw->pages[0];
    fake_start(&fake, &a);
    buf_init(&contents, PAYLOAD_BUNDLE_MAX);
    buf_span(&contents, buf_view(&fake.payloads));
    buf_clear(&fake.payloads);
    buf_add(&fake.payloads, "\0\0\0\0", 4);
    fake_log(&fake, raw, &a.own);
    struct raw_page *page = &raw->pages[raw->page_count - 1];
    page->after = told;
    raw_decent(&page->second, buf_view(&contents));
    buf_done(&contents);
    raw_run(raw);
    node_peer_url(&b, raw->url);
    runner_start(&rb, &b);
    struct wanted wanted = {&b, a.own.origin, "had later", index};
    await(is_there, &wanted);
    assert_int_equal(atomic_load(&page->asked), 2);
    runner_stop(&rb);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

/* A log grows while its checkpoint is under way: what was announced meanwhile is no promise that this one breaks. */
static void grows_while_asking(bool is_gone)
{
    struct node a, b;
    struct runner rb;
    struct fake before, after;
    char path[200];
    struct raw *raw = raw_start();
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say(&a, "first");
    fake_start(&before, &a);
    raw_bytes(raw, "/heads?since=c-2", RAW_SILENT, "");
    struct log_info log = a.own;
    node_say(&a, "second");
    fake_start(&after, &a);
    tell(raw, "/heads?since=c-1", &a.own, 2);
    tell(raw, "/heads", &log, 1);
    raw_checkpoint(raw, &log, buf_view(&before.note));
    struct raw_page *page = &raw->pages[raw->page_count - 1];
    if (is_gone) {
        buf_clear(&page->answer);
        buf_str(&page->answer, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }
    page->after = &raw->pages[0];
    raw_decent(&page->second, buf_view(&after.note));
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/000.p/2", log.hex);
    raw_body(raw, path, buf_view(&before.bundle));
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/000.p/3", log.hex);
    raw_body(raw, path, buf_view(&after.bundle));
    fake_done(&before);
    fake_done(&after);
    raw_run(raw);
    node_peer_url(&b, raw->url);
    runner_start(&rb, &b);
    struct wanted wanted = {&b, a.own.origin, NULL, a.own.size};
    await(is_mirrored, &wanted);
    runner_stop(&rb);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

static void test_grows_while_asking(void **state)
{
    (void)state;
    grows_while_asking(false);
}

/* Nor is it an end that the peer did not serve the log when it was asked. */
static void test_comes_while_asking(void **state)
{
    (void)state;
    grows_while_asking(true);
}

/* A checkpoint is of more than its line told, and its peer was asked for what it had told: the rest is asked for later. */
static void test_grows_before_asking(void **state)
{
    struct node a, b;
    struct runner rb;
    struct fake between, after;
    struct buf contents;
    char path[200];
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say(&a, "first");
    struct log_info log = a.own;
    uint64_t index = node_say(&a, "second");
    fake_start(&between, &a);
    raw_bytes(raw, "/heads?since=c-3", RAW_SILENT, "");
    node_say(&a, "third");
    fake_start(&after, &a);
    struct raw_page *told = tell(raw, "/heads?since=c-2", &a.own, 3);
    tell(raw, "/heads?since=c-1", &log, 2);
    raw_body(raw, "/heads", SPAN_LIT("next c-1\n")); /* what is lacking when a peer is met is another matter */
    raw_checkpoint(raw, &log, buf_view(&between.note));
    raw_decent(&raw->pages[raw->page_count - 1].second, buf_view(&after.note));
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/000.p/3", log.hex);
    raw_body(raw, path, buf_view(&between.bundle));
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/000.p/4", log.hex);
    raw_body(raw, path, buf_view(&after.bundle));
    snprintf(path, sizeof(path), "/logs/%s/payload/0", log.hex);
    buf_init(&contents, PAYLOAD_BUNDLE_MAX);
    buf_add(&contents, "\0\0\0\0", 4); /* entry 0 has none */
    buf_span(&contents, buf_view(&after.payloads));
    struct raw_page *page = raw_body(raw, path, buf_view(&contents));
    told->after = page;
    buf_done(&contents);
    fake_done(&between);
    fake_done(&after);
    raw_run(raw);
    node_peer_url(&b, raw->url);
    runner_start(&rb, &b);
    struct wanted wanted = {&b, a.own.origin, "second", index};
    await(is_there, &wanted);
    assert_int_equal(atomic_load(&page->asked), 2); /* with what is new, not as one of those asked for in vain */
    runner_stop(&rb);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

/* The same for our own log: a mirror that was behind and is not any more, and has cosigned. */
static void test_catches_up_while_asked(void **state)
{
    struct node a, b;
    struct runner ra;
    struct buf before, after;
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&b);
    node_meets(&a, &b);
    buf_init(&before, NOTE_MAX);
    buf_init(&after, NOTE_MAX);
    good(store_checkpoint(a.store, a.own.number, &before, &err));
    node_say(&a, "more");
    good(store_checkpoint(a.store, a.own.number, &after, &err));
    fake_cosign(&after, &b);
    raw_bytes(raw, "/heads?since=c-2", RAW_SILENT, "");
    tell(raw, "/heads?since=c-1", &a.own, 2);
    struct log_info log = a.own;
    log.size--;
    tell(raw, "/heads", &log, 1);
    raw_checkpoint(raw, &log, buf_view(&before));
    struct raw_page *page = &raw->pages[raw->page_count - 1];
    page->after = &raw->pages[0];
    raw_decent(&page->second, buf_view(&after));
    raw_run(raw);
    node_peer_url(&a, raw->url);
    runner_start(&ra, &a);
    struct wanted wanted = {&a, a.own.origin, NULL, 0};
    poll_until(is_cosigned, &wanted);
    runner_stop(&ra);
    buf_done(&before);
    buf_done(&after);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents_that_come_later), cmocka_unit_test(test_contents_are_not_late),
        cmocka_unit_test(test_line_that_always_fails),   cmocka_unit_test(test_told_while_asking),
        cmocka_unit_test(test_grows_while_asking),       cmocka_unit_test(test_comes_while_asking),
        cmocka_unit_test(test_grows_before_asking),      cmocka_unit_test(test_catches_up_while_asked),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Answers that break off or stall: what has come of them is kept, and one bad request is not a bad peer. */
#include "runner.h"

#include "connect/sync_internal.h"

#define SAID 300 /* records of a's log, behind its profile: one full bundle and a part of the second */

struct scene {
    struct node a, b;
    struct raw *raw;
    struct raw_page *entries, *contents; /* the second bundle's */
    struct buf bundle, items;            /* what they are about */
};

static size_t behind_items(const struct buf *items, size_t count)
{
    struct payload_reader reader = {buf_view(items), 0};
    struct payload_item item;
    for (size_t i = 0; i < count; i++)
        good(payload_next(&reader, &item, &err));
    return reader.pos;
}

static size_t behind_entries(const struct buf *bundle, size_t count)
{
    struct bundle_reader reader = {buf_view(bundle), 0};
    struct span entry;
    for (size_t i = 0; i < count; i++)
        good(bundle_next(&reader, &entry, &err));
    return reader.pos;
}

static struct raw_page *scene_entries(struct scene *s, unsigned bundle, unsigned width)
{
    char path[200], name[TILE_PATH_MAX];
    struct tile tile = {TILE_LEVEL_ENTRIES, bundle, width};
    buf_clear(&s->bundle);
    good(store_read_entries(s->a.store, s->a.own.number, (uint64_t)bundle * TILE_WIDTH, width, &s->bundle, &err));
    tile_path(&tile, name);
    snprintf(path, sizeof(path), "/logs/%s/%s", s->a.own.hex, name);
    return raw_body(s->raw, path, buf_view(&s->bundle));
}

static struct raw_page *scene_contents(struct scene *s, uint64_t from, uint64_t to)
{
    char path[200];
    size_t count;
    buf_clear(&s->items);
    good(payload_read_bundle(s->a.store, s->a.own.number, from, (size_t)(to - from), true, &s->items, &count, &err));
    assert_int_equal(count, to - from);
    snprintf(path, sizeof(path), "/logs/%s/payload/%llu?from=%llu&", s->a.own.hex,
             (unsigned long long)(from / TILE_WIDTH), (unsigned long long)from);
    return raw_body(s->raw, path, buf_view(&s->items));
}

/* The log of `a`, served by a script; nobody asks yet. */
static void scene_start(struct scene *s)
{
    struct buf note;
    *s = (struct scene){.raw = raw_start()};
    node_start(&s->a, "a.example");
    node_start(&s->b, "b.example");
    node_say_many(&s->a, "said", SAID);
    buf_init(&s->bundle, BUNDLE_MAX);
    buf_init(&s->items, PAYLOAD_BUNDLE_MAX);
    buf_init(&note, NOTE_MAX);
    good(store_checkpoint(s->a.store, s->a.own.number, &note, &err));
    raw_checkpoint(s->raw, &s->a.own, buf_view(&note));
    buf_done(&note);
    scene_entries(s, 0, TILE_WIDTH);
    scene_contents(s, 1, TILE_WIDTH);
    s->entries = scene_entries(s, 1, (unsigned)(s->a.own.size - TILE_WIDTH));
    s->contents = scene_contents(s, TILE_WIDTH, s->a.own.size);
}

static void scene_run(struct scene *s)
{
    raw_heads(s->raw, &s->a.own, s->a.own.size);
    raw_run(s->raw);
    node_peer_url(&s->b, s->raw->url);
}

static void scene_end(struct scene *s)
{
    raw_stop(s->raw);
    buf_done(&s->bundle);
    buf_done(&s->items);
    node_stop(&s->a);
    node_stop(&s->b);
}

/* A header that promises all of `body`, and only `len` bytes of it. */
static void promise(struct raw_page *page, struct span body, size_t len)
{
    buf_clear(&page->answer);
    raw_decent(&page->answer, body);
    buf_cut(&page->answer, page->answer.len - body.len + len);
}

/* Ten of the second bundle's contents come and a part of the next, then nothing more. */
static void contents_stall(struct scene *s)
{
    promise(s->contents, buf_view(&s->items), behind_items(&s->items, 10) + 9);
    s->contents->manner = RAW_STALL;
}

static uint64_t contents_of(struct node *node, const char *origin)
{
    return log_of(node, origin).payloads;
}

/* Ten contents and a half of the next: those ten are not asked for again. */
static void test_contents_that_break_off(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    promise(s.contents, buf_view(&s.items), behind_items(&s.items, 10) + 9);
    struct raw_page *rest = scene_contents(&s, TILE_WIDTH + 10, s.a.own.size);
    scene_run(&s);
    struct sync_report *report = node_sync(&s.b);
    assert_int_equal(report->failure_count, 1);
    assert_non_null(strstr(report->failures[0].reason, "payloads from entry 256"));
    assert_false(peer_of(&s.b, s.raw->url).set_aside);
    assert_true(contents_of(&s.b, s.a.own.origin) >= 10); /* the first bundle may have been under way */
    node_sync_well(&s.b);
    assert_int_equal(contents_of(&s.b, s.a.own.origin), SAID);
    assert_int_equal(atomic_load(&s.contents->asked), 1);
    assert_int_equal(atomic_load(&rest->asked), 1);
    scene_end(&s);
}

/* The same of entries: they are staged. */
static void test_entries_that_break_off(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    promise(s.entries, buf_view(&s.bundle), behind_entries(&s.bundle, 10) + 1);
    raw_decent(&s.entries->second, buf_view(&s.bundle));
    scene_run(&s);
    struct sync_report *report = node_sync(&s.b);
    assert_int_equal(report->failure_count, 1);
    assert_non_null(strstr(report->failures[0].reason, "entries from entry 256"));
    uint64_t staged = log_of(&s.b, s.a.own.origin).staged;
    assert_true(staged == TILE_WIDTH + 10 || staged < TILE_WIDTH); /* the first bundle may have been under way */
    assert_int_equal(log_of(&s.b, s.a.own.origin).size, 0);
    node_sync_well(&s.b);
    assert_mirrored(&s.b, &s.a.own);
    assert_int_equal(contents_of(&s.b, s.a.own.origin), SAID);
    scene_end(&s);
}

/* What is no answer at all is not one of no bytes: its peer has failed, and has not lied. */
static void test_answers_that_are_none(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                                          "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n"
                                          "Content-Length: 3\r\n\r\nabc"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct scene s;
        scene_start(&s);
        struct raw_page *page = i < 2 ? s.entries : s.contents;
        buf_clear(&page->answer);
        buf_str(&page->answer, answers[i % 2]);
        raw_decent(&page->second, i < 2 ? buf_view(&s.bundle) : buf_view(&s.items));
        scene_run(&s);
        assert_int_equal(node_sync(&s.b)->failure_count, 1);
        struct peer peer = peer_of(&s.b, s.raw->url);
        if (peer.set_aside || peer.failures != 1)
            fail_msg("%zu: %u failures, set aside %d: %s", i, peer.failures, peer.set_aside, peer.reason);
        node_sync_well(&s.b);
        assert_int_equal(contents_of(&s.b, s.a.own.origin), SAID);
        scene_end(&s);
    }
}

struct awaited {
    struct scene *scene;
    uint64_t contents;
};

static bool has_so_many(void *ctx)
{
    struct awaited *awaited = ctx;
    return has_log(&awaited->scene->b, awaited->scene->a.own.origin) &&
           contents_of(&awaited->scene->b, awaited->scene->a.own.origin) >= awaited->contents;
}

/* One answer stands still while bytes of another come: its rest alone is asked for, and the peer is well. */
static void test_one_that_stalls(void **state)
{
    struct scene s;
    struct runner runner;
    (void)state;
    scene_start(&s);
    contents_stall(&s);
    struct raw_page *rest = scene_contents(&s, TILE_WIDTH + 10, s.a.own.size);
    raw_bytes(s.raw, "/heads?since=", RAW_DRIP, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    scene_run(&s);
    runner_start(&runner, &s.b);
    struct awaited awaited = {&s, SAID};
    await(has_so_many, &awaited);
    assert_int_equal(atomic_load(&s.contents->asked), 1);
    assert_int_equal(atomic_load(&rest->asked), 1);
    struct peer peer = peer_of(&s.b, s.raw->url);
    assert_int_equal(peer.failures, 0);
    assert_string_equal(peer.reason, "");
    runner_stop(&runner);
    scene_end(&s);
}

/* Entries are asked for from the byte on where those end that have come: an answer that begins elsewhere is none. */
static void test_entries_that_stall(void **state)
{
    struct scene s;
    struct runner runner;
    (void)state;
    scene_start(&s);
    size_t whole = behind_entries(&s.bundle, 10);
    promise(s.entries, buf_view(&s.bundle), whole + 1);
    s.entries->manner = RAW_STALL;
    buf_fmt(&s.entries->second,
            "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Length: %zu\r\n"
            "Content-Range: bytes %zu-%zu/%zu\r\n\r\n",
            s.bundle.len - whole, whole, s.bundle.len - 1, s.bundle.len);
    buf_span(&s.entries->second, span_sub(buf_view(&s.bundle), whole, s.bundle.len));
    raw_bytes(s.raw, "/heads?since=", RAW_DRIP, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    scene_run(&s);
    runner_start(&runner, &s.b);
    struct awaited awaited = {&s, SAID};
    await(has_so_many, &awaited);
    assert_int_equal(atomic_load(&s.entries->asked), 2);
    assert_int_equal(peer_of(&s.b, s.raw->url).failures, 0);
    runner_stop(&runner);
    scene_end(&s);
}

static bool has_failed(void *ctx)
{
    struct awaited *awaited = ctx;
    return has_so_many(ctx) && peer_of(&awaited->scene->b, awaited->scene->raw->url).failures > 0;
}

/* Nothing comes any more, as when a link is cut: the peer has failed, and what had come of all answers is here. */
static void test_all_that_stall(void **state)
{
    struct scene s;
    struct runner runner;
    (void)state;
    scene_start(&s);
    contents_stall(&s);
    raw_bytes(s.raw, "/heads?since=", RAW_SILENT, "");
    scene_run(&s);
    runner_start(&runner, &s.b);
    struct awaited awaited = {&s, TILE_WIDTH - 1 + 10};
    await(has_failed, &awaited);
    assert_int_equal(contents_of(&s.b, s.a.own.origin), TILE_WIDTH - 1 + 10);
    runner_stop(&runner);
    scene_end(&s);
}

static bool peer_has_failed(void *ctx)
{
    struct awaited *awaited = ctx;
    return peer_of(&awaited->scene->b, awaited->scene->raw->url).failures > 0;
}

/* A peer that is heard and gives nothing does not keep a log for itself: others may have it. */
static void test_talkative_and_idle(void **state)
{
    struct scene s;
    struct runner runner;
    (void)state;
    scene_start(&s);
    struct raw_page *idle[] = {&s.raw->pages[2], s.contents}; /* the first bundle's contents, and the second's */
    for (size_t i = 0; i < 2; i++) {
        promise(idle[i], buf_view(&s.items), 0);
        idle[i]->manner = RAW_STALL;
    }
    raw_bytes(s.raw, "/heads?since=", RAW_DRIP, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    scene_run(&s);
    runner_start(&runner, &s.b);
    struct awaited awaited = {&s, 0};
    poll_until(peer_has_failed, &awaited);
    unsigned asked = atomic_load(&idle[0]->asked) + atomic_load(&idle[1]->asked);
    assert_true(asked > 2 && asked <= SYNC_STALLS_MAX + 3); /* two at a time */
    runner_stop(&runner);
    scene_end(&s);
}

/* Nor does one that gives a little all the time, just enough not to stall: another has the log, too. */
static void trickle_case(bool is_entries)
{
    struct scene s;
    struct runner runner;
    scene_start(&s);
    struct raw *slow = raw_start();
    struct raw_page *heard;
    for (size_t i = 0; i < s.raw->page_count; i++) {
        const struct raw_page *page = &s.raw->pages[i];
        struct raw_page *copy = raw_bytes(slow, page->path, RAW_WHOLE, "");
        buf_span(&copy->answer, buf_view(&page->answer));
    }
    /* checkpoint, entries and contents of the first bundle, entries and contents of the second */
    struct raw_page *trickling = &slow->pages[is_entries ? 3 : 4];
    struct span body = is_entries ? buf_view(&s.bundle) : buf_view(&s.items);
    promise(trickling, body, is_entries ? behind_entries(&s.bundle, 10) : behind_items(&s.items, 10));
    trickling->manner = RAW_DRIP;
    raw_heads(slow, &s.a.own, s.a.own.size);
    raw_run(slow);
    raw_heads(s.raw, &s.a.own, s.a.own.size);
    heard = &s.raw->pages[s.raw->page_count - 1];
    heard->after = trickling; /* it tells only when the other has the log */
    struct raw_page *rest = is_entries ? NULL : scene_contents(&s, TILE_WIDTH + 10, s.a.own.size);
    raw_run(s.raw);
    node_peer_url(&s.b, slow->url);
    node_peer_url(&s.b, s.raw->url);
    runner_start_with(&runner, &s.b, 1, 5);
    struct awaited awaited = {&s, SAID};
    await(has_so_many, &awaited);
    assert_int_equal(peer_of(&s.b, slow->url).failures, 0);
    assert_string_equal(peer_of(&s.b, slow->url).reason, "");
    if (rest) /* what had come whole is not asked for again */
        assert_true(atomic_load(&rest->asked) > 0);
    runner_stop(&runner);
    raw_stop(slow);
    scene_end(&s);
}

static void test_entries_that_trickle(void **state)
{
    (void)state;
    trickle_case(true);
}

static void test_contents_that_trickle(void **state)
{
    (void)state;
    trickle_case(false);
}

/* The node is stopped in the middle of an answer. */
static void test_stopped_within_an_answer(void **state)
{
    struct scene s;
    struct runner runner;
    (void)state;
    scene_start(&s);
    contents_stall(&s);
    raw_bytes(s.raw, "/heads?since=", RAW_SILENT, "");
    scene_run(&s);
    runner_start(&runner, &s.b);
    struct awaited awaited = {&s, TILE_WIDTH - 1};
    await(has_so_many, &awaited); /* the first bundle's: the second has begun */
    poll_until(was_asked, s.contents);
    runner_stop(&runner);
    uint64_t contents = contents_of(&s.b, s.a.own.origin);
    assert_true(contents == TILE_WIDTH - 1 + 10 || contents == TILE_WIDTH - 1); /* asked, and no byte yet */
    scene_end(&s);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    runner_stalls_s = 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents_that_break_off), cmocka_unit_test(test_entries_that_break_off),
        cmocka_unit_test(test_answers_that_are_none),   cmocka_unit_test(test_one_that_stalls),
        cmocka_unit_test(test_entries_that_stall),      cmocka_unit_test(test_all_that_stall),
        cmocka_unit_test(test_talkative_and_idle),      cmocka_unit_test(test_entries_that_trickle),
        cmocka_unit_test(test_contents_that_trickle),   cmocka_unit_test(test_stopped_within_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

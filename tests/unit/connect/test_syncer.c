/* The running node: long polls bring what is new within moments; peers come and go; it stops at once. */
#include <pthread.h>
#include <time.h>

#include "fake.h"

#define PATIENCE_S 30

/* Anything changed anywhere: the test looks again. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t something = PTHREAD_COND_INITIALIZER;
static unsigned long changes;

struct runner {
    struct node *node;
    struct store *store;
    struct syncer *syncer;
    pthread_t thread;
    int code;
    struct err err;
};

static void on_changed(void *ctx)
{
    struct runner *runner = ctx;
    if (runner->node->server)
        http_server_wake(runner->node->server);
    pthread_mutex_lock(&lock);
    changes++;
    pthread_cond_broadcast(&something);
    pthread_mutex_unlock(&lock);
}

static void *run(void *ctx)
{
    struct runner *runner = ctx;
    runner->code = syncer_run(runner->syncer, &runner->err);
    return NULL;
}

static void runner_start(struct runner *runner, struct node *node)
{
    *runner = (struct runner){.node = node, .store = node_handle(node)};
    author_allow(runner->store);
    struct sync_options options = {.may_sign = true,
                                   .wait_s = 20,
                                   .connect_timeout_ms = 2000,
                                   .low_speed_s = 4,
                                   .changed = on_changed,
                                   .ctx = runner};
    good(syncer_new(runner->store, &options, &runner->syncer, &err));
    assert_int_equal(pthread_create(&runner->thread, NULL, run, runner), 0);
}

static void runner_stop(struct runner *runner)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    syncer_stop(runner->syncer);
    pthread_join(runner->thread, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 5); /* though long polls of 20 s are open */
    if (runner->code < 0)
        fail_msg("%s: %s", runner->node->name, runner->err.text);
    syncer_free(runner->syncer);
    store_close(runner->store);
}

/* Wait until `holds`, looking again whenever something changed. */
static void await(bool (*holds)(void *ctx), void *ctx)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&lock);
    for (;;) {
        unsigned long seen = changes;
        pthread_mutex_unlock(&lock);
        bool is_so = holds(ctx);
        pthread_mutex_lock(&lock);
        if (is_so)
            break;
        int late = 0;
        while (changes == seen && late == 0)
            late = pthread_cond_timedwait(&something, &lock, &deadline);
        if (late != 0) {
            pthread_mutex_unlock(&lock);
            assert_true(holds(ctx));
            return;
        }
    }
    pthread_mutex_unlock(&lock);
}

struct wanted {
    struct node *node;
    const char *origin, *body;
    uint64_t index;
};

static bool is_there(void *ctx)
{
    struct wanted *wanted = ctx;
    return has_log(wanted->node, wanted->origin) &&
           has_payload(wanted->node, wanted->origin, wanted->index, wanted->body);
}

static bool is_cosigned(void *ctx)
{
    struct wanted *wanted = ctx;
    return cosignatures(wanted->node, wanted->origin) > 0;
}

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_news_travel(void **state)
{
    struct node a, b, c;
    struct runner ra, rb, rc;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    node_serve(&a);
    node_serve(&b);
    node_peer(&a, &b);
    node_peer(&b, &a);
    node_peer(&c, &b);
    uint64_t index = node_say(&a, "first");
    runner_start(&ra, &a);
    runner_start(&rb, &b);
    runner_start(&rc, &c);
    struct wanted wanted = {&c, a.own.origin, "first", index};
    await(is_there, &wanted);
    int64_t begun = clock_ms();
    wanted.index = node_say(&a, "second");
    wanted.body = "second";
    http_server_wake(a.server);
    await(is_there, &wanted);
    print_message("# a record through a relay to the third node: %lld ms\n", (long long)(clock_ms() - begun));
    struct wanted cosigned = {&a, a.own.origin, NULL, 0};
    await(is_cosigned, &cosigned);
    runner_stop(&rc);
    runner_stop(&rb);
    runner_stop(&ra);
    struct sync_report totals;
    sync_totals(&totals);
    assert_true(totals.logs >= 4);
    assert_true(totals.collected >= 1);
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

/* A peer that is added while the node runs; and one that says nothing blocks nobody. */
static void test_peers_come(void **state)
{
    struct node a, b;
    struct runner rb;
    struct raw *raw = raw_start();
    (void)state;
    raw_bytes(raw, "/heads", RAW_SILENT, "");
    raw_run(raw);
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    uint64_t index = node_say(&a, "hello");
    node_peer_url(&b, raw->url);
    runner_start(&rb, &b);
    node_peer(&b, &a);
    syncer_wake(rb.syncer);
    struct wanted wanted = {&b, a.own.origin, "hello", index};
    await(is_there, &wanted);
    runner_stop(&rb);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

/* A plain file server answers at once and always the same: it is asked again after a pause, while the others go on. */
static void test_file_server_is_left_in_peace(void **state)
{
    struct node a, b;
    struct runner rb;
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    raw_heads(raw, &a.own, 0);
    raw_run(raw);
    node_peer(&b, &a);
    node_peer_url(&b, raw->url);
    int64_t begun = clock_ms();
    runner_start(&rb, &b);
    for (int i = 0; i < 20; i++) {
        struct wanted wanted = {&b, a.own.origin, "news", node_say(&a, "news")};
        http_server_wake(a.server);
        await(is_there, &wanted);
    }
    int64_t took = clock_ms() - begun;
    unsigned asked = atomic_load(&raw->pages[0].asked);
    print_message("# a file server's heads were asked for %u times in %lld ms\n", asked, (long long)took);
    assert_true(asked <= (unsigned)(took / 900) + 2);
    runner_stop(&rb);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

static bool was_reached(void *ctx)
{
    struct wanted *wanted = ctx;
    return peer_of(wanted->node, wanted->origin).reached_ms > 0;
}

/* A peer that is down is asked again, and what it has comes then; one that was removed is left. */
static void test_peers_go_and_return(void **state)
{
    struct node a, b;
    struct runner rb;
    char url[64], listen_at[64];
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    snprintf(url, sizeof(url), "%s", http_server_url(a.server));
    snprintf(listen_at, sizeof(listen_at), "%s", url + strlen("http://"));
    int64_t number = node_peer_url(&b, url);
    runner_start(&rb, &b);
    struct wanted wanted = {&b, url, NULL, 0};
    await(was_reached, &wanted);
    node_unserve(&a);
    uint64_t index = node_say(&a, "said while unreachable");
    struct http_options options = {.dir = a.dir, .listen = listen_at, .threads = 1};
    good(http_server_start(&options, &a.server, &err));
    struct wanted news = {&b, a.own.origin, "said while unreachable", index};
    await(is_there, &news);
    good(peer_remove(b.store, number, &err));
    syncer_wake(rb.syncer);
    runner_stop(&rb);
    node_stop(&b);
    node_stop(&a);
}

static bool is_mirrored(void *ctx)
{
    struct wanted *wanted = ctx;
    return has_log(wanted->node, wanted->origin) && log_of(wanted->node, wanted->origin).size == wanted->index;
}

/* What no commit announces is looked for every few milliseconds. */
static void poll_until(bool (*holds)(void *ctx), void *ctx)
{
    int64_t begun = clock_ms();
    while (!holds(ctx)) {
        assert_true(clock_ms() - begun < PATIENCE_S * 1000);
        poll(NULL, 0, 10);
    }
}

static bool has_waiting(void *ctx)
{
    struct node *node = ctx;
    struct http_counters counters = {0};
    http_server_counters(node->server, &counters);
    return counters.waiting > 0;
}

static bool was_asked(void *ctx)
{
    struct raw_page *page = ctx;
    return atomic_load(&page->asked) > 0;
}

/* A hunt waits for tiles that never come: the node stops at once all the same. */
static void test_stops_while_hunting(void **state)
{
    struct node a, b;
    struct runner rb;
    struct keys keys;
    struct note_signer signer;
    struct tlog_hash root = {{7}};
    struct buf note;
    char path[128];
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    buf_init(&note, NOTE_MAX);
    good(keys_load(a.dir, span_str(a.own.origin), &keys, &err));
    good(note_signer_make(&signer, span_str(a.own.origin), NOTE_ED25519, keys.log_seed, &err));
    const struct note_signer *signers[] = {&signer};
    good(checkpoint_sign(span_str(a.own.origin), a.own.size, &root, signers, 1, &note, &err));
    keys_wipe(&keys);
    raw_heads(raw, &a.own, a.own.size);
    raw_checkpoint(raw, &a.own, buf_view(&note));
    snprintf(path, sizeof(path), "/logs/%s/tile/0/", a.own.hex);
    struct raw_page *page = raw_bytes(raw, path, RAW_SILENT, "");
    raw_run(raw);
    node_peer_url(&b, raw->url);
    runner_start(&rb, &b);
    poll_until(was_asked, page);
    runner_stop(&rb); /* looks at the time */
    assert_int_equal(log_of(&b, a.own.origin).standing, STANDING_GOOD);
    buf_done(&note);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

/* A command beside the node has seen a peer lie: that is not forgotten when the node writes down how its peers fare. */
static void test_set_aside_by_another(void **state)
{
    struct node a, b;
    struct runner rb;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    runner_start(&rb, &b);
    struct wanted wanted = {&b, http_server_url(a.server), NULL, 0};
    await(was_reached, &wanted);
    struct peer peer = peer_of(&b, http_server_url(a.server));
    peer.set_aside = true;
    peer.failures = 1;
    snprintf(peer.reason, sizeof(peer.reason), "it lied");
    good(peer_update(b.store, &peer, &err));
    runner_stop(&rb);
    peer = peer_of(&b, http_server_url(a.server));
    assert_true(peer.set_aside);
    assert_string_equal(peer.reason, "it lied");
    node_stop(&b);
    node_stop(&a);
}

/* What a person follows comes by itself, whether its peer listed it before or said nothing of it for long. */
static void test_follow_while_running(void **state)
{
    struct node a, b;
    struct log_info hosted;
    struct runner rb;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_member(&a, "hosted.example", false, &hosted);
    node_serve(&a);
    node_peer(&b, &a);
    struct peer peer = peer_of(&b, http_server_url(a.server));
    peer.quota_logs = 1;
    good(peer_update(b.store, &peer, &err));
    runner_start(&rb, &b);
    struct wanted wanted = {&b, a.own.origin, NULL, a.own.size};
    await(is_mirrored, &wanted);
    assert_int_equal(log_of(&b, hosted.origin).role, LOG_LISTED);
    good(sync_follow(b.store, span_str(hosted.origin), MODE_FULL, 0, &err));
    syncer_wake(rb.syncer);
    wanted = (struct wanted){&b, hosted.origin, NULL, hosted.size};
    await(is_mirrored, &wanted);
    runner_stop(&rb);
    node_stop(&b);
    node_stop(&a);
}

static void test_follow_what_nobody_tells(void **state)
{
    struct node a, b;
    struct runner rb;
    char generation[17];
    int64_t seq;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    good(store_seq(a.store, &seq, generation, &err));
    struct peer peer = peer_of(&b, http_server_url(a.server));
    snprintf(peer.cursor, sizeof(peer.cursor), "%s-%lld", generation, (long long)seq);
    good(peer_update(b.store, &peer, &err)); /* its lines were told long ago: the poll waits for others */
    runner_start(&rb, &b);
    poll_until(has_waiting, &a);
    good(sync_follow(b.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    syncer_wake(rb.syncer);
    int64_t begun = clock_ms();
    struct wanted wanted = {&b, a.own.origin, NULL, a.own.size};
    await(is_mirrored, &wanted);
    assert_true(clock_ms() - begun < 15000); /* not when that poll ends */
    runner_stop(&rb);
    node_stop(&b);
    node_stop(&a);
}

static bool was_answered(void *ctx)
{
    struct node *node = ctx;
    struct http_counters counters = {0};
    http_server_counters(node->server, &counters);
    return counters.requests > 0;
}

/* A command follows a member at the moment at which the node hears of it for the first time: both have their way. */
static void test_follow_meanwhile(void **state)
{
    struct node a, b;
    struct runner rb;
    int64_t log;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    good(store_begin(b.store, &err)); /* the command is busy */
    runner_start(&rb, &b);
    poll_until(was_answered, &a);
    poll(NULL, 0, 200); /* by now the node waits for the command with a line that tells of an unknown log */
    struct log_new make = {.origin = span_str(a.own.origin), .role = LOG_MIRROR, .mode = MODE_FULL, .followed = true};
    good(store_log_create(b.store, &make, &log, &err));
    good(store_commit(b.store, &err));
    struct wanted wanted = {&b, a.own.origin, NULL, a.own.size};
    await(is_mirrored, &wanted);
    assert_true(log_of(&b, a.own.origin).followed);
    runner_stop(&rb);
    node_stop(&b);
    node_stop(&a);
}

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
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    node_serve(&a);
    node_serve(&c);
    node_peer(&b, &c);
    node_peer(&c, &a);
    uint64_t index = node_say(&a, "late");
    good(sync_follow(c.store, span_str(a.own.origin), MODE_HEADS, 0, &err));
    node_sync_well(&c);
    node_sync_well(&b);
    assert_mirrored(&b, &a.own);
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
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    node_serve(&a);
    node_serve(&c);
    node_peer(&b, &a);
    node_peer(&b, &c);
    int64_t number = node_peer(&c, &a);
    runner_start(&rb, &b);
    for (int i = 0; i < 8; i++) {
        struct wanted wanted = {&b, a.own.origin, "early", node_say(&a, "early")};
        http_server_wake(a.server);
        await(is_there, &wanted);
        node_sync_well(&c);
        http_server_wake(c.server);
        poll_until(has_waiting, &c);
    }
    node_unserve(&a);
    good(peer_remove(c.store, number, &err));
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

/* From all contents to none and back, while it runs: they come again. */
static void test_modes_while_running(void **state)
{
    struct node a, b;
    struct runner rb;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&a);
    node_peer(&b, &a);
    uint64_t index = node_say(&a, "first");
    runner_start(&rb, &b);
    struct wanted wanted = {&b, a.own.origin, "first", index};
    await(is_there, &wanted);
    index = node_say(&a, "second"); /* all in front of it is known to be here */
    http_server_wake(a.server);
    struct wanted second = {&b, a.own.origin, "second", index};
    await(is_there, &second);
    good(sync_follow(b.store, span_str(a.own.origin), MODE_HEADS, 0, &err));
    assert_false(is_there(&wanted));
    good(sync_follow(b.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    syncer_wake(rb.syncer);
    await(is_there, &wanted);
    await(is_there, &second);
    runner_stop(&rb);
    node_stop(&b);
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
static void test_grows_while_asking(void **state)
{
    struct node a, b;
    struct runner rb;
    struct fake before, after;
    char path[200];
    struct raw *raw = raw_start();
    (void)state;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_news_travel),
        cmocka_unit_test(test_peers_come),
        cmocka_unit_test(test_file_server_is_left_in_peace),
        cmocka_unit_test(test_peers_go_and_return),
        cmocka_unit_test(test_stops_while_hunting),
        cmocka_unit_test(test_set_aside_by_another),
        cmocka_unit_test(test_follow_while_running),
        cmocka_unit_test(test_follow_what_nobody_tells),
        cmocka_unit_test(test_follow_meanwhile),
        cmocka_unit_test(test_contents_that_come_later),
        cmocka_unit_test(test_contents_are_not_late),
        cmocka_unit_test(test_line_that_always_fails),
        cmocka_unit_test(test_modes_while_running),
        cmocka_unit_test(test_told_while_asking),
        cmocka_unit_test(test_grows_while_asking),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

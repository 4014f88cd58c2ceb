/* A log with two truths is found out, proven, frozen; the proof convinces nodes that never saw either branch. */
#include "net.h"

#include "connect/fork_hunt.h"
#include "record/fork.h"

/* The disk of `from` is cloned, and the clone goes on for itself. */
static void node_clone(struct node *clone, struct node *from, const char *name)
{
    char command[256];
    const char *tmp = getenv("TMPDIR");
    *clone = (struct node){.own = from->own};
    snprintf(clone->name, sizeof(clone->name), "%s", name);
    snprintf(clone->root, sizeof(clone->root), "%s/tz-connect-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(clone->root));
    snprintf(clone->dir, sizeof(clone->dir), "%s/node", clone->root);
    store_close(from->store);
    snprintf(command, sizeof(command), "cp -r '%s' '%s'", from->dir, clone->dir);
    shell(command);
    from->store = node_handle(from);
    author_allow(from->store);
    clone->store = node_handle(clone);
    author_allow(clone->store);
}

struct scene {
    struct node a, a2, b, c, d;
};

/* b mirrors one branch, c the other; d will see both. `common` entries beside entry 0. */
static void scene_start(struct scene *s, size_t common, size_t first, size_t second)
{
    node_start(&s->a, "a.example");
    node_start(&s->b, "b.example");
    node_start(&s->c, "c.example");
    node_start(&s->d, "d.example");
    if (common > 0)
        node_say_many(&s->a, "common", common);
    node_clone(&s->a2, &s->a, "a.example cloned");
    node_say_many(&s->a, "one truth", first);
    node_say_many(&s->a2, "another truth", second);
    node_serve(&s->a);
    node_serve(&s->a2);
    node_peer(&s->b, &s->a);
    node_peer(&s->c, &s->a2);
    node_sync_well(&s->b);
    node_sync_well(&s->c);
    node_serve(&s->b);
    node_serve(&s->c);
}

static void scene_stop(struct scene *s)
{
    node_stop(&s->d);
    node_stop(&s->c);
    node_stop(&s->b);
    node_stop(&s->a2);
    node_stop(&s->a);
}

static void assert_frozen(struct node *node, const char *origin, uint64_t from)
{
    struct log_info log = log_of(node, origin);
    assert_int_equal(log.standing, STANDING_FROZEN);
    assert_int_equal(log.frozen_from, from);
}

/* d pulls from b, then from c, and finds the fork at the first entry behind what they have in common. */
static void find_fork(size_t common, size_t first, size_t second)
{
    struct scene s;
    scene_start(&s, common, first, second);
    node_peer(&s.d, &s.b);
    node_sync_well(&s.d);
    assert_mirrored(&s.d, &s.a.own);
    node_peer(&s.d, &s.c);
    struct sync_report *report = node_sync(&s.d);
    assert_int_equal(report->forks, 1);
    assert_frozen(&s.d, s.a.own.origin, common + 1);
    assert_mirrored(&s.d, &s.a.own); /* nothing is lost */
    assert_mirrored(&s.d, &s.c.own); /* and the bearer of the news is no liar */
    assert_false(peer_of(&s.d, http_server_url(s.c.server)).set_aside);
    assert_int_equal(s.d.own.size, 2); /* the proof stands in d's own log */

    struct node e; /* reaches only d, mirrors only d */
    node_start(&e, "e.example");
    node_serve(&s.d);
    node_peer(&e, &s.d);
    struct peer peer = peer_of(&e, http_server_url(s.d.server));
    peer.quota_logs = 0;
    good(peer_update(e.store, &peer, &err));
    good(sync_follow(e.store, span_str(s.d.own.origin), MODE_FULL, 0, &err));
    report = node_sync_well(&e);
    assert_int_equal(report->forks, 1);
    assert_int_equal(log_of(&e, s.a.own.origin).size, 0);
    assert_frozen(&e, s.a.own.origin, common + 1);
    node_stop(&e);
    scene_stop(&s);
}

static void test_longer_branch(void **state)
{
    (void)state;
    find_fork(10, 3, 7);
}

static void test_same_size(void **state)
{
    (void)state;
    find_fork(10, 4, 4);
}

static void test_shorter_branch(void **state)
{
    (void)state;
    find_fork(10, 9, 2);
}

static void test_fork_right_behind_entry0(void **state)
{
    (void)state;
    find_fork(0, 1, 1);
}

static void test_large_trees(void **state)
{
    (void)state;
    find_fork(3000, 700, 2500);
}

/* Once frozen, the branches are not pulled any further, and nobody is asked again. */
static void test_frozen_stays(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s, 5, 2, 3);
    node_peer(&s.d, &s.b);
    node_peer(&s.d, &s.c);
    node_sync(&s.d);
    struct log_info before = log_of(&s.d, s.a.own.origin);
    assert_int_equal(before.standing, STANDING_FROZEN);
    node_say(&s.a, "going on as if nothing had been");
    node_sync_well(&s.b);
    struct sync_report *report = node_sync(&s.d);
    assert_int_equal(report->forks, 0);
    assert_int_equal(log_of(&s.d, s.a.own.origin).size, before.size);
    scene_stop(&s);
}

/* The member itself learns of its clone: it stops, and goes on in a succeeding log. */
static void test_own_fork_and_succession(void **state)
{
    struct scene s;
    struct log_info next;
    char recovery[160], next_recovery[160], old[ORIGIN_MAX + 1];
    (void)state;
    scene_start(&s, 5, 2, 3);
    node_peer(&s.a, &s.c);
    struct sync_report *report = node_sync(&s.a);
    assert_int_equal(report->forks, 1);
    assert_frozen(&s.a, s.a.own.origin, 6);
    struct buf text;
    uint64_t index;
    buf_init(&text, 4096);
    struct record_draft draft = {.kind = KIND, .time_ms = TIME_MS, .tlp = TLP_CLEAR, .body = SPAN_LIT("x")};
    good(record_write(&draft, &text, &err));
    struct author_item item = {buf_view(&text), true};
    bad(author_append(s.a.store, s.a.own.number, &item, 1, TIME_MS, &index, &err), ERR_STATE, "succeeds");
    buf_done(&text);

    snprintf(recovery, sizeof(recovery), "%s/%s.recovery", s.a.root, "a.example");
    snprintf(next_recovery, sizeof(next_recovery), "%s/next.recovery", s.a.root);
    memcpy(old, s.a.own.origin, sizeof(old));
    struct author_new make = {.time_ms = TIME_MS,
                              .role = LOG_OWN,
                              .recovery_path = next_recovery,
                              .succeeds = span_str(old),
                              .old_recovery_path = recovery};
    snprintf(make.profile.name, sizeof(make.profile.name), "a.example");
    make.profile.class = CLASS_CIVIL;
    good(author_create(s.a.store, &make, &next, &err));
    s.a.own = next;
    node_sync(&s.a); /* the proof that could not be signed for before */
    node_sync_well(&s.b);
    assert_mirrored(&s.b, &s.a.own);
    assert_frozen(&s.b, old, 6);
    scene_stop(&s);
}

/* The proof itself, checked as any node would. */
static void test_proof_is_complete(void **state)
{
    struct scene s;
    struct buf text;
    struct arena arena;
    struct record record;
    struct fork_proof proof;
    enum fork_verdict verdict;
    (void)state;
    scene_start(&s, 300, 1, 300);
    node_peer(&s.d, &s.b);
    node_sync_well(&s.d);
    node_peer(&s.d, &s.c);
    node_sync(&s.d);
    buf_init(&text, ENTRY_MAX);
    arena_init(&arena, 8u << 20);
    good(store_read_entry(s.d.store, s.d.own.number, 1, &text, &err));
    good(record_parse(buf_view(&text), &arena, &record, &err));
    good(fork_parse(&record, &arena, &proof, &err));
    good(fork_verify(&proof, &verdict, &err));
    assert_int_equal(verdict, FORK_FREEZES);
    assert_int_equal(proof.index, 301);
    assert_string_equal(proof.origin, s.a.own.origin);
    print_message("# proof of a fork in logs of 302 and 601 entries: %zu bytes\n", text.len);
    arena_done(&arena);
    buf_done(&text);
    scene_stop(&s);
}

/* A fork behind a rotation: the proof carries the rotation. */
static void test_fork_of_a_rotated_log(void **state)
{
    struct node a, a2, d;
    (void)state;
    node_start(&a, "a.example");
    node_start(&d, "d.example");
    node_say_many(&a, "common", 20);
    good(author_rotate(a.store, a.own.number, NULL, NULL, TIME_MS, &err));
    node_say(&a, "common");
    node_clone(&a2, &a, "clone");
    node_say(&a, "one truth");
    node_say_many(&a2, "another truth", 2);
    node_serve(&a);
    node_serve(&a2);
    node_peer(&d, &a);
    node_sync_well(&d);
    node_peer(&d, &a2);
    assert_int_equal(node_sync(&d)->forks, 1);
    assert_frozen(&d, a.own.origin, 23);
    node_stop(&d);
    node_stop(&a2);
    node_stop(&a);
}

/* A thief, or a clone that missed the rotation, signs with the retired key: people see it, and nothing is set aside. */
static void test_retired_key_is_remarked(void **state)
{
    struct node a, old, b;
    char url[64];
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "common", 3);
    node_clone(&old, &a, "a.example, the old key");
    good(author_rotate(a.store, a.own.number, NULL, NULL, TIME_MS, &err));
    node_refresh(&a);
    node_say_many(&old, "with the old key", 10);
    node_serve(&a);
    node_serve(&old);
    snprintf(url, sizeof(url), "%s", http_server_url(old.server));
    node_peer(&b, &a);
    node_sync_well(&b);
    node_peer_url(&b, url);
    for (int round = 0; round < 2; round++) {
        node_sync(&b);
        struct peer peer = peer_of(&b, url);
        assert_false(peer.set_aside);
        assert_int_equal(peer.failures, 0);
        assert_true(peer.reached_ms > 0);
        assert_non_null(strstr(peer.reason, a.own.origin));
        assert_non_null(strstr(peer.reason, "retired"));
        assert_mirrored(&b, &a.own);
        assert_int_equal(log_of(&b, a.own.origin).standing, STANDING_GOOD);
    }
    node_unserve(&old); /* it is mended: the same address tells the truth */
    struct http_options options = {.dir = a.dir, .listen = url + strlen("http://"), .threads = 1};
    good(http_server_start(&options, &old.server, &err));
    node_sync_well(&b);
    assert_string_equal(peer_of(&b, url).reason, "");
    node_stop(&old);
    node_stop(&b);
    node_stop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longer_branch),
        cmocka_unit_test(test_same_size),
        cmocka_unit_test(test_shorter_branch),
        cmocka_unit_test(test_fork_right_behind_entry0),
        cmocka_unit_test(test_large_trees),
        cmocka_unit_test(test_frozen_stays),
        cmocka_unit_test(test_own_fork_and_succession),
        cmocka_unit_test(test_proof_is_complete),
        cmocka_unit_test(test_fork_of_a_rotated_log),
        cmocka_unit_test(test_retired_key_is_remarked),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

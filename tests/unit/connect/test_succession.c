/* A member goes on in a new log: who follows the old one follows the new one, if the recovery key says so. */
#include "net.h"

#include "connect/succession.h"
#include "record/member.h"

/* A log on `node` that says it follows `old`, signed with the recovery key in this file. */
static void succeed(struct node *node, const char *name, const char *old, const char *recovery, struct log_info *ret)
{
    char next[200];
    snprintf(next, sizeof(next), "%s/%s.next.recovery", node->root, name);
    struct author_new make = {.time_ms = TIME_MS,
                              .role = LOG_OWN,
                              .recovery_path = next,
                              .succeeds = span_str(old),
                              .old_recovery_path = recovery};
    snprintf(make.profile.name, sizeof(make.profile.name), "%s", name);
    make.profile.class = CLASS_CIVIL;
    good(author_create(node->store, &make, ret, &err));
}

static enum succession judged(struct node *node, const char *origin, const char *old)
{
    enum succession succession;
    struct log_info found = {0};
    good(succession_of(node->store, log_of(node, origin).number, &succession, &found, &err));
    if (succession > SUCCESSION_UNKNOWN)
        assert_string_equal(found.origin, old);
    return succession;
}

static void freeze(struct node *node, const char *origin, uint64_t from)
{
    good(store_begin(node->store, &err));
    good(mirror_fork(node->store, log_of(node, origin).number, true, from, SPAN_LIT("proof"), &err));
    good(store_commit(node->store, &err));
}

/* No room for anybody unasked. */
static void quota(struct node *node, const struct node *other, uint64_t logs)
{
    struct peer peer = peer_of(node, http_server_url(other->server));
    peer.quota_logs = logs;
    good(peer_update(node->store, &peer, &err));
}

static void test_followed_on(void **state)
{
    struct node a, b;
    struct log_info next, third;
    char recovery[160];
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    snprintf(recovery, sizeof(recovery), "%s/a.example.recovery", a.root);
    node_say(&a, "hello");
    node_serve(&a);
    node_peer(&b, &a);
    good(sync_follow(b.store, span_str(a.own.origin), MODE_RECENT, 7, &err));
    node_sync_well(&b);
    freeze(&b, a.own.origin, 2);
    succeed(&a, "a.example", a.own.origin, recovery, &next);
    node_sync_well(&b);
    assert_mirrored(&b, &next);
    struct log_info heir = log_of(&b, next.origin);
    assert_true(heir.followed);
    assert_int_equal(heir.mode, MODE_RECENT);
    assert_int_equal(heir.recent, 7);
    assert_int_equal(judged(&b, next.origin, a.own.origin), SUCCESSION_TRUE);
    assert_int_equal(judged(&b, a.own.origin, NULL), SUCCESSION_NONE);
    succeed(&a, "another.example", a.own.origin, recovery, &third); /* true as well, but one is enough */
    node_sync_well(&b);
    assert_int_equal(judged(&b, third.origin, a.own.origin), SUCCESSION_TRUE);
    assert_false(log_of(&b, third.origin).followed);
    node_stop(&b);
    node_stop(&a);
}

/* Followed or not: who mirrors the old log just because a peer announced it does the same with the new one. */
static void test_not_followed(void **state)
{
    struct node a, b;
    struct log_info next;
    char recovery[160];
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    snprintf(recovery, sizeof(recovery), "%s/a.example.recovery", a.root);
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    succeed(&a, "a.example", a.own.origin, recovery, &next);
    quota(&b, &a, 1);
    assert_int_equal(node_sync_well(&b)->listed, 1);
    assert_int_equal(log_of(&b, next.origin).role, LOG_LISTED);
    quota(&b, &a, 2);
    good(sync_follow(b.store, span_str(next.origin), MODE_FULL, 0, &err));
    node_sync_well(&b);
    assert_mirrored(&b, &next);
    assert_int_equal(judged(&b, next.origin, a.own.origin), SUCCESSION_TRUE);
    node_stop(&b);
    node_stop(&a);
}

/* Anybody can say that it follows somebody. */
static void test_pretender(void **state)
{
    struct node a, x, b;
    struct log_info next;
    char recovery[160];
    (void)state;
    node_start(&a, "a.example");
    node_start(&x, "x.example");
    node_start(&b, "b.example");
    snprintf(recovery, sizeof(recovery), "%s/x.example.recovery", x.root);
    node_serve(&a);
    node_serve(&x);
    succeed(&x, "a.example", a.own.origin, recovery, &next); /* x does not have a's log, and cannot tell */
    assert_int_equal(judged(&x, next.origin, NULL), SUCCESSION_UNKNOWN);
    node_peer(&b, &a);
    node_sync_well(&b);
    good(sync_follow(b.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    freeze(&b, a.own.origin, 1);
    node_peer(&b, &x);
    node_sync_well(&b);
    assert_mirrored(&b, &next);
    assert_int_equal(judged(&b, next.origin, a.own.origin), SUCCESSION_FALSE);
    assert_false(log_of(&b, next.origin).followed);
    node_stop(&b);
    node_stop(&x);
    node_stop(&a);
}

/* What the forked part of the old log says of recovery keys does not count. */
static void test_only_what_was_before_the_fork(void **state)
{
    struct node a, b;
    struct log_info next;
    char recovery[160], stolen[160];
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    snprintf(recovery, sizeof(recovery), "%s/a.example.recovery", a.root);
    snprintf(stolen, sizeof(stolen), "%s/stolen.recovery", a.root);
    good(author_rotate(a.store, a.own.number, recovery, stolen, TIME_MS, &err));
    node_refresh(&a);
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    succeed(&a, "a.example", a.own.origin, stolen, &next);
    node_sync_well(&b);
    assert_int_equal(judged(&b, next.origin, a.own.origin), SUCCESSION_TRUE);
    freeze(&b, a.own.origin, 1);
    assert_int_equal(judged(&b, next.origin, a.own.origin), SUCCESSION_FALSE);
    node_stop(&b);
    node_stop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_followed_on),
        cmocka_unit_test(test_not_followed),
        cmocka_unit_test(test_pretender),
        cmocka_unit_test(test_only_what_was_before_the_fork),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

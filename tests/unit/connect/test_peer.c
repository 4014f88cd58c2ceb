/* What a node that runs writes down about a peer, while people and other processes write there, too. */
#include "connect/sync_internal.h"
#include "net.h"

struct scene {
    struct node node;
    struct sync *sync;
    struct sync_peer *peer;
};

static void scene_start(struct scene *s)
{
    struct sync_options options = {0};
    node_start(&s->node, "a.example");
    int64_t number = node_peer_url(&s->node, "http://192.0.2.1");
    s->sync = calloc(1, sizeof(*s->sync));
    assert_non_null(s->sync);
    good(sync_init(s->sync, s->node.store, &options, &err));
    good(peers_load(s->sync, &err));
    s->peer = peer_by_number(s->sync, number);
    assert_non_null(s->peer);
}

static void scene_stop(struct scene *s)
{
    sync_done(s->sync);
    free(s->sync);
    node_stop(&s->node);
}

static struct peer row_of(struct scene *s)
{
    return peer_of(&s->node, "http://192.0.2.1");
}

/* What was to be written down anyway does not bring the lie back that a person has just forgiven. */
static void test_forgiven_before_a_save(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    peer_lied(s.peer, "a lie");
    assert_true(row_of(&s).set_aside);
    good(sync_forgive(s.node.store, s.peer->row.number, &err));
    s.peer->new_requests = 3; /* counted while it lied */
    good(peer_save(s.peer, &err));
    struct peer row = row_of(&s);
    assert_false(row.set_aside);
    assert_int_equal(row.failures, 0);
    assert_string_equal(row.reason, "");
    assert_int_equal(row.requests, 3);
    assert_true(peer_usable(s.peer)); /* and is asked again */
    scene_stop(&s);
}

static void test_forgiven_before_the_list_is_read(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    peer_lied(s.peer, "a lie");
    good(peers_load(s.sync, &err));
    assert_false(peer_usable(s.peer));
    good(sync_forgive(s.node.store, s.peer->row.number, &err));
    struct peer row = row_of(&s);
    row.failures = 1; /* `tongzhou sync` beside us could not reach it then */
    good(peer_update(s.node.store, &row, &err));
    good(peers_load(s.sync, &err));
    assert_true(peer_usable(s.peer));
    scene_stop(&s);
}

/* A lie that could not be written down yet, since another process wrote, is none that somebody has forgiven. */
static void test_not_written_down_yet(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    s.peer->row.set_aside = true;
    s.peer->row.failures = 1;
    s.peer->dirty = true;
    good(peers_load(s.sync, &err));
    assert_false(peer_usable(s.peer));
    good(peer_save(s.peer, &err));
    assert_true(row_of(&s).set_aside);
    scene_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forgiven_before_a_save),
        cmocka_unit_test(test_forgiven_before_the_list_is_read),
        cmocka_unit_test(test_not_written_down_yet),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

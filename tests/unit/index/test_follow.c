/* A thread that folds what its maker appends meanwhile. */
#include "index/follow.h"

#include "index/dump.h"
#include "index/made_log.h"
#include "index/words.h"

#include <unistd.h>

/* Until the thread has caught up; this handle folds nothing itself. A test that waits for ever is ended by its runner. */
static void until_folded(struct index *index, struct store *store)
{
    uint64_t behind = 1;
    while (behind > 0) {
        usleep(1000);
        good(index_behind(index, store, &behind, &err));
    }
}

static void folds_what_is_appended(void **state)
{
    (void)state;
    struct node node;
    struct log_info a;
    struct index_follow *follow = NULL;
    node_start(&node);
    node_member(&node, "a.example", true, &a);
    append_many(node.store, a.number, "before", 300, 40, true);
    struct index *index = index_of(&node);
    good(index_follow_start(node.dir, &follow, &err));
    until_folded(index, node.store);
    for (int i = 0; i < 20; i++) {
        append_many(node.store, a.number, "meanwhile", 100, 40, true);
        index_follow_wake(follow);
    }
    until_folded(index, node.store);
    append_many(node.store, a.number, "again", 5, 40, true);
    index_follow_wake(follow);
    until_folded(index, node.store);
    good(index_follow_end(follow, &err));
    assert_int_equal(sql_number(index, "SELECT count(*) FROM test_text"), 2305);
    append_many(node.store, a.number, "after", 7, 40, true);
    assert_int_equal(update(index, node.store), 7);
    index_close(index);
    node_stop(&node);
}

/* Its end does not wait for what is left, and nothing is lost or twice there. */
static void ends_at_once(void **state)
{
    (void)state;
    struct node node, whole;
    struct made_log log;
    node_start(&node);
    node_start(&whole);
    made_begin(&log, "a.example");
    for (int i = 1; i <= 3000; i++) {
        char body[32];
        snprintf(body, sizeof(body), "text %d", i);
        made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, body);
    }
    made_feed(&log, node.store, log.count, true);
    made_feed(&log, whole.store, log.count, true);
    struct index *index = index_of(&node), *other = index_of(&whole);
    for (int i = 0; i < 10; i++) {
        struct index_follow *follow = NULL;
        good(index_follow_start(node.dir, &follow, &err));
        index_follow_wake(follow);
        good(index_follow_end(follow, &err));
    }
    update(index, node.store);
    update(other, whole.store);
    dump_equal(index, node.store, other, whole.store);
    index_close(index);
    index_close(other);
    made_end(&log);
    node_stop(&node);
    node_stop(&whole);
}

static void needs_a_node(void **state)
{
    (void)state;
    struct index_follow *follow = NULL;
    bad(index_follow_start("/nonexistent/node", &follow, &err), ERR_NOTFOUND, "/nonexistent/node");
    assert_null(follow);
    good(index_follow_end(NULL, &err));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_what_is_appended),
        cmocka_unit_test(ends_at_once),
        cmocka_unit_test(needs_a_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What visitors object to: bounded, answered once, and gone when room is needed. */
#include "state/node.h"

#include "state/complaints.h"

static struct visitor_complaint about(int64_t ref)
{
    struct visitor_complaint c = {.ref = ref, .time_ms = TIME_MS};
    snprintf(c.why, sizeof c.why, "why");
    snprintf(c.who, sizeof c.who, "Ada");
    return c;
}

static int count_one(void *ctx, const struct visitor_complaint *complaint, struct err *err)
{
    (void)err;
    ++*(size_t *)ctx;
    assert_string_equal(complaint->why, "why");
    return 0;
}

static size_t count(struct store *store, int64_t ref)
{
    size_t found = 0;
    good(complaint_each(store, ref, 0, COMPLAINTS_MAX, count_one, &found, &err));
    return found;
}

static void answer(struct store *store, int64_t source)
{
    good(store_begin(store, &err));
    good(complaint_set_answer(store, source, 7, &err));
    good(store_commit(store, &err));
}

static void kept_and_answered(void **state)
{
    (void)state;
    struct node node;
    struct visitor_complaint c = about(RECORD_REF(3, 4)), found;
    int64_t decision = 0;
    node_start(&node);
    good(complaint_add(node.store, &c, &err));
    assert_true(c.number > 0);
    good(complaint_find(node.store, c.number, &found, &err));
    assert_string_equal(found.who, "Ada");
    assert_int_equal(found.ref, RECORD_REF(3, 4));
    assert_int_equal(count(node.store, 0), 1);
    assert_int_equal(count(node.store, RECORD_REF(3, 4)), 1);
    assert_int_equal(count(node.store, RECORD_REF(3, 5)), 0);
    bad(complaint_answer(node.store, -c.number, &decision, &err), ERR_NOTFOUND, "");
    bad(complaint_set_answer(node.store, -c.number, 7, &err), ERR_STATE, "");
    answer(node.store, -c.number);
    good(complaint_answer(node.store, -c.number, &decision, &err));
    assert_int_equal(decision, 7);
    assert_int_equal(count(node.store, 0), 0);
    node_stop(&node);
}

static void bounds(void **state)
{
    (void)state;
    struct node node;
    node_start(&node);
    struct visitor_complaint first = about(RECORD_REF(3, 0)), one;
    good(store_begin(node.store, &err));
    good(complaint_add(node.store, &first, &err));
    for (int i = 1; i < COMPLAINTS_RECORD_MAX; i++) {
        one = about(RECORD_REF(3, 0));
        good(complaint_add(node.store, &one, &err));
    }
    one = about(RECORD_REF(3, 0));
    bad(complaint_add(node.store, &one, &err), ERR_LIMIT, "against this record");
    for (int i = COMPLAINTS_RECORD_MAX; i < COMPLAINTS_MAX; i++) {
        one = about(RECORD_REF(4, i));
        good(complaint_add(node.store, &one, &err));
    }
    one = about(RECORD_REF(5, 0));
    bad(complaint_add(node.store, &one, &err), ERR_LIMIT, "2000 objections wait");
    good(store_commit(node.store, &err));
    /* What is answered makes room, and only that. */
    answer(node.store, -first.number);
    one = about(RECORD_REF(5, 0));
    good(complaint_add(node.store, &one, &err));
    bad(complaint_find(node.store, first.number, &one, &err), ERR_NOTFOUND, "");
    assert_int_equal(count(node.store, 0), COMPLAINTS_MAX);
    node_stop(&node);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(kept_and_answered), cmocka_unit_test(bounds)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

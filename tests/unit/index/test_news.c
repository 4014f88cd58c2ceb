/* In which order records came into the index. */
#include "index/news.h"

#include "index/dump.h"
#include "index/made_log.h"
#include "index/words.h"

static struct node node;
static struct log_info a, b;
static struct index *idx;

static int start(void **state)
{
    (void)state;
    node_start(&node);
    node_member(&node, "a.example", true, &a);
    node_member(&node, "b.example", false, &b);
    idx = index_of(&node);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    index_close(idx);
    node_stop(&node);
    return 0;
}

static size_t read_from(int64_t number, int64_t *refs, size_t max)
{
    size_t count;
    good(news_read(idx, number, refs, max, &count, &err));
    return count;
}

/* Each record once, in the order in which they came, whatever the steps; runs are one row. */
static void in_order(void **state)
{
    (void)state;
    int64_t first, end, refs[700], none[2];
    uint8_t key[SCRAMBLE_KEY], again[SCRAMBLE_KEY];
    bad(news_key(idx, key, &err), ERR_NOTFOUND, "");
    good(news_range(idx, &first, &end, &err));
    assert_true(first == 0 && end == 0);
    append_many(node.store, a.number, "a", 300, 40, true);
    update(idx, node.store);
    append_many(node.store, b.number, "b", 20, 40, true);
    update(idx, node.store);
    append_many(node.store, a.number, "a", 3, 40, true);
    update(idx, node.store);
    good(news_range(idx, &first, &end, &err));
    assert_int_equal(end - first, 302 + 20 + 3);
    assert_int_equal(read_from(first, refs, 700), 325);
    for (int64_t i = 1; i < 325; i++)
        if (refs[i] != refs[i - 1] + 1)
            assert_true(RECORD_REF_LOG(refs[i]) != RECORD_REF_LOG(refs[i - 1]));
    assert_true(refs[324] == RECORD_REF(a.number, 303) && refs[321] == RECORD_REF(b.number, 20));
    for (int64_t i = 0; i < 325; i += 13) {
        assert_int_equal(read_from(first + i, none, 1), 1);
        assert_true(none[0] == refs[i]);
    }
    assert_int_equal(read_from(end, none, 2), 0);
    assert_true(sql_number(idx, "SELECT count(*) FROM news") < 8);
    good(news_key(idx, key, &err));
    /* Made again, it is another series under another key. */
    int64_t other_first, other_end;
    good(index_rebuild(idx, node.store, &err));
    good(news_range(idx, &other_first, &other_end, &err));
    assert_true(other_end - other_first == 325 && other_first != first);
    good(news_key(idx, again, &err));
    assert_memory_not_equal(key, again, sizeof key);
}

/* NEWS_MAX of them stay, whether they come in a row or jump. */
static void bounded(void **state)
{
    (void)state;
    int64_t first, end, refs[16], one;
    sqlite3 *db = index_db(idx);
    for (int jump = 1; jump < 3; jump++) {
        assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        for (int64_t i = 0; i < NEWS_MAX * 5 / 4; i += 16) {
            for (int64_t k = 0; k < 16; k++)
                refs[k] = RECORD_REF(1, (i + k) * jump);
            good(news_add(idx, refs, 16, &err));
        }
        assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
        good(news_range(idx, &first, &end, &err));
        assert_in_range(end - first, NEWS_MAX, NEWS_MAX * 5 / 4);
        assert_int_equal(read_from(end - 1, &one, 1), 1);
        assert_true(one == refs[15]);
        assert_int_equal(read_from(first, &one, 1), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_order, start, stop),
        cmocka_unit_test_setup_teardown(bounded, start, stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

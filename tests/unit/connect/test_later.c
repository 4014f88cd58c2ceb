/* What is asked for again after a while: each peer at its own pace, and once a peer and log. */
#include "connect/sync_internal.h"
#include "net.h"

static void test_pace_is_each_peers_own(void **state)
{
    struct log_slot slot = {0};
    int64_t before = sync_clock_ms(), last = 0;
    (void)state;
    assert_int_equal(pace_due(&slot, 1), 0);
    for (int i = 0; i < 2; i++) { /* it tells of an entry, and of its content: no reason to be slow */
        pace_done(&slot, 1);
        assert_int_equal(pace_due(&slot, 1), 0);
    }
    for (int i = 0; i < 12; i++) { /* it repeats its line, and never has anything */
        pace_done(&slot, 1);
        assert_true(pace_due(&slot, 1) > last || last >= before + 600000);
        last = pace_due(&slot, 1);
    }
    assert_true(last >= before + 600000 && last <= sync_clock_ms() + 600000);
    assert_int_equal(pace_due(&slot, 2), 0); /* which keeps nobody from asking peer 2 */
    pace_done(&slot, 2);
    assert_int_equal(pace_due(&slot, 2), 0);
    assert_int_equal(pace_due(&slot, 1), last);
    paces_free(&slot);
    assert_int_equal(pace_due(&slot, 1), 0);
}

static void test_later_goes_as_far_as_was_told(void **state)
{
    struct sync sync = {0};
    (void)state;
    later_add(&sync, &(struct later){.due_ms = 100, .peer = 1, .log = 7, .size = 10});
    later_add(&sync, &(struct later){.due_ms = 200, .peer = 1, .log = 7, .size = 12});
    later_add(&sync, &(struct later){.due_ms = 200, .peer = 1, .log = 7, .size = 11});
    later_add(&sync, &(struct later){.due_ms = 200, .peer = 2, .log = 7, .size = 5});
    assert_int_equal(sync.later_count, 2);
    assert_int_equal(sync.later[0].size, 12); /* not only what there was at the first word */
    assert_int_equal(sync.later[0].due_ms, 100);
    assert_int_equal(sync.later[1].size, 5);
    free(sync.later);
}

/*
 * While a job fetches what a peer told of, what that peer had told before comes again (peers_rescan, of rows that are written
 * later): it must not make the job leave out the contents of what is new.
 */
static void test_an_older_word_takes_nothing_back(void **state)
{
    struct sync sync = {0};
    struct sync_peer peer = {.sync = &sync, .row = {.number = 1}};
    struct log_info log = {.number = 7, .size = 6, .role = LOG_MIRROR};
    (void)state;
    TAILQ_INIT(&peer.waiting);
    struct job *job = job_add(&sync, &peer, &log, 7, false, false);
    assert_non_null(job);
    assert_int_equal(job_announced(job), 7);
    assert_ptr_equal(job_add(&sync, &peer, &log, 6, false, false), job);
    assert_int_equal(job_announced(job), 7);
    assert_ptr_equal(job_add(&sync, &peer, &log, 9, false, false), job);
    assert_int_equal(job_announced(job), 9);
    job_free(job);
    free(sync.slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace_is_each_peers_own),
        cmocka_unit_test(test_later_goes_as_far_as_was_told),
        cmocka_unit_test(test_an_older_word_takes_nothing_back),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

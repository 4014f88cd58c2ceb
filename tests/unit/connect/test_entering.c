/* What policy and persons do to contents: as they come, when the rules change, and when somebody decides; and to whole logs. */
#include "net.h"

#include "connect/entering.h"
#include "connect/mirroring.h"
#include "record/seal.h"

/* `author` speaks, `here` pulls from it by rules; both start anew in each test. */
static struct node author, here;
static struct log_info of_author; /* at here */
static int64_t now_ms;            /* of the world: pulling counts by it */

static int begin(void **state)
{
    (void)state;
    now_ms = (int64_t)time(NULL) * 1000;
    node_start(&author, "author.example");
    node_start(&here, "here.example");
    node_serve(&author);
    node_peer(&here, &author);
    return 0;
}

static int end(void **state)
{
    (void)state;
    node_stop(&author);
    node_stop(&here);
    return 0;
}

static struct entering_report rules(const char *text)
{
    char path[128];
    bool changed = false;
    struct entering_report report;
    snprintf(path, sizeof(path), "%s/policy.conf", here.dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    good(rules_adopt(here.store, now_ms, NULL, &changed, &err));
    assert_true(changed);
    good(entering_follow_policy(here.store, now_ms, &report, &err));
    return report;
}

static void pull(void)
{
    node_sync(&here);
    good(store_log_by_origin(here.store, span_str(author.own.origin), &of_author, &err));
}

static unsigned flags_of(uint64_t index)
{
    unsigned flags = 0;
    good(payload_flags(here.store, of_author.number, index, &flags, &err));
    return flags & (SLOT_HELD | SLOT_WAITING | SLOT_REFUSED | SLOT_ERASED);
}

static struct verdict verdict_of(uint64_t index)
{
    struct verdict verdict;
    good(verdict_find(here.store, RECORD_REF(of_author.number, index), &verdict, &err));
    return verdict;
}

static void no_verdict(uint64_t index)
{
    struct verdict verdict;
    bad(verdict_find(here.store, RECORD_REF(of_author.number, index), &verdict, &err), ERR_NOTFOUND, "");
}

static void decide(uint64_t index, enum policy_act act, const char *reason)
{
    struct decision decision = {.ref = RECORD_REF(of_author.number, index), .act = act, .time_ms = TIME_MS};
    snprintf(decision.reason, sizeof(decision.reason), "%s", reason);
    good(entering_decide(here.store, &decision, &err));
    assert_true(decision.number > 0);
}

static uint64_t count_of(enum policy_act act)
{
    uint64_t count = 0;
    good(verdict_count(here.store, act, &count, &err));
    return count;
}

static void held_and_refused(void **state)
{
    (void)state;
    rules("hold size < 120 reason \"short\"\nrefuse accept size > 300 reason \"long\"\n");
    char longer[400], middle[200];
    snprintf(longer, sizeof(longer), "%0300d", 0);
    snprintf(middle, sizeof(middle), "%0150d", 0);
    uint64_t waits = node_say(&author, "x"), in = node_say(&author, middle), out = node_say(&author, longer);
    pull();
    assert_int_equal(flags_of(waits), SLOT_HELD | SLOT_WAITING);
    assert_int_equal(flags_of(in), SLOT_HELD);
    assert_int_equal(flags_of(out), SLOT_REFUSED);
    no_verdict(in);
    struct verdict v = verdict_of(waits);
    assert_int_equal(v.act, POLICY_HOLD);
    assert_int_equal(v.line, 1);
    assert_int_equal(v.version, 1);
    assert_string_equal(v.reason, "short");
    assert_string_equal(v.kind, KIND);
    assert_int_equal(v.tlp, TLP_CLEAR);
    v = verdict_of(out);
    assert_int_equal(v.act, POLICY_REFUSE);
    assert_int_equal(v.line, 2);
    assert_string_equal(v.kind, KIND);

    /* Other rules: what waits is let in, what was refused is asked for again and waits. */
    struct entering_report report = rules("hold size > 300\n");
    assert_int_equal(report.released, 1);
    assert_int_equal(report.asked_again, 1);
    assert_int_equal(flags_of(waits), SLOT_HELD);
    no_verdict(waits);
    assert_int_equal(flags_of(out), 0);
    pull();
    assert_int_equal(flags_of(out), SLOT_HELD | SLOT_WAITING);

    /* What is refused of what waits leaves nothing, and a row that still says what it was. */
    report = rules("refuse accept size > 300 reason \"too long\"\n");
    assert_int_equal(report.refused, 1);
    assert_int_equal(flags_of(out), SLOT_REFUSED);
    assert_string_equal(verdict_of(out).kind, KIND);
    assert_string_equal(verdict_of(out).reason, "too long");
}

/* A flood that a limit holds does not come in whole with the next change of any rule. */
static void limits(void **state)
{
    (void)state;
    rules("limit 3/day\n");
    for (int i = 0; i < 10; i++)
        node_say(&author, "flood");
    pull();
    assert_int_equal(count_of(POLICY_HOLD), 7);
    struct entering_report report = rules("# another word\nlimit 3/day\n");
    assert_int_equal(report.looked, 7);
    assert_int_equal(report.released, 0);
    assert_int_equal(count_of(POLICY_HOLD), 7);

    /* What is let out counts as brought in: a higher limit lets out what is below it. */
    report = rules("limit 12/day\n");
    assert_int_equal(report.released, 2);
    assert_int_equal(count_of(POLICY_HOLD), 5);

    struct policy_counts counts;
    good(rules_counts(here.store, of_author.number, now_ms, &counts, &err));
    assert_int_equal(counts.records_day, 12);
    report = rules("accept\n");
    assert_int_equal(report.released, 5);
    assert_int_equal(count_of(POLICY_HOLD), 0);
}

static void limits_later(void **state)
{
    (void)state;
    struct entering_report report;
    rules("limit 3/day\n");
    for (int i = 0; i < 10; i++)
        node_say(&author, "flood");
    pull();
    /* Two days later the counters are empty, and the limit holds for what waits all the same. */
    now_ms += INT64_C(48) * 3600000;
    report = rules("# two days later\nlimit 3/day\n");
    assert_int_equal(report.released, 3);
    assert_int_equal(count_of(POLICY_HOLD), 4);
}

static void persons(void **state)
{
    (void)state;
    struct decision found;
    rules("hold\n");
    uint64_t first = node_say(&author, "first"), second = node_say(&author, "second");
    pull();
    decide(first, POLICY_YES, "");
    decide(second, POLICY_REFUSE, "not ours");
    assert_int_equal(flags_of(first), SLOT_HELD);
    assert_int_equal(flags_of(second), SLOT_REFUSED);
    no_verdict(first);
    assert_int_equal(verdict_of(second).line, 0);
    assert_string_equal(verdict_of(second).reason, "not ours");
    assert_string_equal(verdict_of(second).kind, KIND);

    /* No rule goes above that. */
    rules("accept\n");
    pull();
    assert_int_equal(flags_of(second), SLOT_REFUSED);
    rules("refuse accept size > 0 reason \"x\"\n");
    struct entering_report report;
    good(entering_review(here.store, TIME_MS, false, &report, &err));
    assert_int_equal(flags_of(first), SLOT_HELD);

    /* Nor is anything the last word but a person's. */
    decide(second, POLICY_YES, "");
    pull();
    assert_int_equal(flags_of(second), SLOT_HELD);
    good(decision_find(here.store, RECORD_REF(of_author.number, second), &found, &err));
    assert_int_equal(found.act, POLICY_YES);
}

static void what_cannot_be_decided(void **state)
{
    (void)state;
    pull();
    struct decision profile = {.ref = RECORD_REF(of_author.number, 0), .act = POLICY_REFUSE};
    bad(entering_decide(here.store, &profile, &err), ERR_STATE, "stands in its log in full");
    uint64_t own = node_say(&here, "ours");
    struct decision ours = {.ref = RECORD_REF(here.own.number, own), .act = POLICY_REFUSE, .time_ms = TIME_MS};
    bad(entering_decide(here.store, &ours, &err), ERR_STATE, "lives on this node");
    ours.act = POLICY_YES; /* it is kept, whoever objects */
    good(entering_decide(here.store, &ours, &err));
    unsigned flags = 0;
    good(payload_flags(here.store, here.own.number, own, &flags, &err));
    assert_true(flags & SLOT_HELD && !(flags & SLOT_WAITING));
    /* Of whom nothing is fetched nothing can be let in. */
    uint64_t said = node_say(&author, "never fetched");
    rules("refuse accept reason \"nothing of anybody\"\n");
    pull();
    assert_int_equal(flags_of(said), 0);
    struct decision fetched = {.ref = RECORD_REF(of_author.number, said), .act = POLICY_YES};
    bad(entering_decide(here.store, &fetched, &err), ERR_STATE, "by line 1 of the policy");
}

static void reviewed(void **state)
{
    (void)state;
    struct entering_report report;
    uint64_t first = node_say(&author, "first"), second = node_say(&author, "second");
    pull();
    rules("refuse accept size > 0 reason \"none\"\n");
    assert_int_equal(flags_of(first), SLOT_HELD); /* what was accepted stays */
    good(entering_review(here.store, TIME_MS, true, &report, &err));
    assert_int_equal(report.refused, 2);
    assert_int_equal(flags_of(first), SLOT_HELD); /* it was only counted */
    good(entering_review(here.store, TIME_MS, false, &report, &err));
    assert_int_equal(report.refused, 2);
    assert_int_equal(flags_of(first), SLOT_REFUSED);
    assert_int_equal(flags_of(second), SLOT_REFUSED);
    assert_int_equal(verdict_of(first).line, 1);
}

/* Whole logs: what they keep follows the rules, but for those that a person follows. */
static void mirrored(void **state)
{
    (void)state;
    struct policy_verdict said;
    rules("mirror heads\n");
    uint64_t index = node_say(&author, "content");
    pull();
    assert_int_equal(of_author.mode, MODE_HEADS);
    assert_int_equal(flags_of(index), 0);
    good(mirroring_ask(here.store, &of_author, &said, &err));
    assert_int_equal(said.act, POLICY_HEADS);
    assert_int_equal(said.line, 1);
    assert_false(mirroring_mode(&said, &of_author));
    rules("mirror recent 5\n");
    pull();
    assert_int_equal(of_author.mode, MODE_RECENT);
    assert_int_equal(of_author.recent, 5);
    assert_int_equal(flags_of(index), SLOT_HELD);
    rules("mirror heads\n");
    pull();
    assert_int_equal(flags_of(index), 0); /* what is too much goes */
    of_author.followed = true;
    good(mirroring_ask(here.store, &of_author, &said, &err));
    assert_int_equal(said.act, POLICY_OPEN);
    good(mirroring_ask(here.store, &here.own, &said, &err));
    assert_int_equal(said.act, POLICY_OPEN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(held_and_refused, begin, end),
        cmocka_unit_test_setup_teardown(limits, begin, end),
        cmocka_unit_test_setup_teardown(limits_later, begin, end),
        cmocka_unit_test_setup_teardown(persons, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_decided, begin, end),
        cmocka_unit_test_setup_teardown(reviewed, begin, end),
        cmocka_unit_test_setup_teardown(mirrored, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

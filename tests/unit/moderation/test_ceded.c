/* Decisions of those to whom moderating is ceded: which take effect, which do not, and what stays. */
#include "index/made_log.h"

#include "connect/entering.h"
#include "governance/cessions.h"
#include "moderation/ceded.h"
#include "moderation/moderation.h"
#include "state/notices.h"
#include "state/rules.h"

const struct capability *const capabilities[] = {&governance_capability, &moderation_capability, NULL};

#define KIND "test/note"
#define END_MS (TIME_MS + 1000)

/* `author` speaks, `isac` and `other` decide about it, `ours` has ceded; `guest` lives with us. */
static struct node node;
static struct index *tables;
static struct log_info ours, guest;
static struct made_log author, isac, other;
static int64_t author_number;

static int begin(void **state)
{
    (void)state;
    node_start(&node);
    node_member(&node, "ours.example", true, &ours);
    node_member(&node, "guest.example", false, &guest);
    made_begin(&author, "author.example");
    made_begin(&isac, "isac.example");
    made_begin(&other, "other.example");
    for (int i = 0; i < 6; i++)
        made_record(&author, i < 4 ? KIND : "test/picture", TLP_CLEAR, TIME_MS, NULL, "said");
    author_number = made_feed(&author, node.store, author.count, true);
    good(index_open(node.dir, &tables, &err));
    return 0;
}

static int end(void **state)
{
    (void)state;
    index_close(tables);
    made_end(&author);
    made_end(&isac);
    made_end(&other);
    node_stop(&node);
    return 0;
}

/* ---- saying things ---- */

static uint64_t say_cession(const struct log_info *who, const struct cession *cession)
{
    struct buf text;
    uint64_t index = 0;
    buf_init(&text, INLINE_MAX);
    good(cession_write(cession, TIME_MS, &text, &err));
    struct author_item item = {.text = buf_view(&text)};
    good(author_append(node.store, who->number, &item, 1, TIME_MS, &index, &err));
    buf_done(&text);
    return index;
}

static uint64_t cede(const char *to)
{
    struct cession cession = {.power = POWER_MODERATE, .from_ms = TIME_MS + 10, .until_ms = END_MS};
    snprintf(cession.to, sizeof(cession.to), "%s", to);
    return say_cession(&ours, &cession);
}

static void take_back(uint64_t index)
{
    struct cession back = {.revokes = true, .index = index};
    say_cession(&ours, &back);
}

static void group(struct made_log *log, const char *member, int64_t time_ms)
{
    const char *members[] = {member};
    struct group group = {.name = "desk", .members = members, .count = 1};
    struct buf text;
    buf_init(&text, PAYLOAD_MAX);
    good(group_write(&group, TLP_CLEAR, time_ms, &text, &err));
    made_sealed(log, buf_view(&text), true);
    buf_done(&text);
}

/* The decision of a log about an entry of another one. */
static void decides_about(struct made_log *log, const char *whose, uint64_t index, bool refused, int64_t time_ms)
{
    struct reasons reasons = {.index = index,
                              .is_refused = refused,
                              .scope = log->origin,
                              .from_ms = time_ms,
                              .facts = refused ? "spam" : "harmless",
                              .ground = "policy"};
    struct buf body;
    snprintf(reasons.origin, sizeof(reasons.origin), "%s", whose);
    buf_init(&body, INLINE_MAX);
    good(reasons_write(&reasons, &body, &err));
    made_record(log, DECISION_KIND, TLP_CLEAR, time_ms, "application/json", buf_cstr(&body));
    buf_done(&body);
}

static void decides(struct made_log *log, uint64_t index, bool refused, int64_t time_ms)
{
    decides_about(log, author.origin, index, refused, time_ms);
}

/* What takes effect of all that was said, at that time. */
static uint64_t follow(int64_t now_ms)
{
    uint64_t count = 0;
    made_feed(&isac, node.store, isac.count, true);
    made_feed(&other, node.store, other.count, true);
    good(index_update(tables, node.store, 0, NULL, &err));
    good(ceded_follow(node.store, tables, now_ms, &count, &err));
    good(index_update(tables, node.store, 0, NULL, &err));
    uint64_t again = 0;
    good(ceded_follow(node.store, tables, now_ms, &again, &err));
    assert_int_equal(again, 0);
    return count;
}

static bool is_here(uint64_t index)
{
    unsigned flags = 0;
    good(payload_flags(node.store, author_number, index, &flags, &err));
    return flags & SLOT_HELD && !(flags & SLOT_WAITING);
}

static struct decision decision_of(uint64_t index)
{
    struct decision decision = {0};
    good(decision_find(node.store, RECORD_REF(author_number, index), &decision, &err));
    return decision;
}

static uint64_t standing(uint64_t cession)
{
    uint64_t count = 0;
    good(decision_by_cession(node.store, RECORD_REF(ours.number, cession), &count, &err));
    return count;
}

/* ---- which take effect ---- */

static int count_notice(void *ctx, const struct notice *notice, struct err *err)
{
    (void)err;
    *(int *)ctx += notice->what == NOTICE_DECIDED_BY_CESSION && strcmp(notice->origin, isac.origin) == 0;
    return 0;
}

static void it_takes_effect_and_says_by_which(void **state)
{
    (void)state;
    uint64_t cession = cede(isac.origin);
    decides(&isac, 1, true, TIME_MS + 10);
    assert_true(is_here(1));
    assert_int_equal(follow(TIME_MS + 20), 1);
    assert_false(is_here(1));
    struct decision d = decision_of(1);
    assert_int_equal(d.act, POLICY_REFUSE);
    assert_int_equal(d.cession, RECORD_REF(ours.number, cession));
    assert_int_equal(RECORD_REF_INDEX(d.published), isac.count - 1);
    assert_string_equal(d.reason, "spam");
    assert_string_equal(d.who, isac.origin);
    assert_int_equal(d.time_ms, TIME_MS + 10);
    assert_int_equal(standing(cession), 1);
    int told = 0;
    struct notice_query query = {.role = ROLE_ADMINISTRATOR};
    good(notice_each(node.store, &query, count_notice, &told, &err));
    assert_int_equal(told, 1);
    /* The last one counts, in whatever order they came. */
    decides(&isac, 1, false, TIME_MS + 30);
    decides(&isac, 1, true, TIME_MS + 29);
    assert_int_equal(follow(TIME_MS + 40), 1);
    assert_int_equal(decision_of(1).act, POLICY_YES);
    decides(&isac, 1, true, TIME_MS + 28);
    assert_int_equal(follow(TIME_MS + 40), 0);
}

static void not_before_its_begin_nor_behind_its_end(void **state)
{
    (void)state;
    cede(isac.origin);
    decides(&isac, 1, true, TIME_MS + 9);
    decides(&isac, 2, true, TIME_MS + 10);
    decides(&isac, 3, true, END_MS - 1);
    decides(&isac, 4, true, END_MS);
    assert_int_equal(follow(TIME_MS + 9), 0);
    assert_int_equal(follow(TIME_MS + 10), 1); /* what is dated ahead waits for its time */
    assert_false(is_here(2));
    assert_int_equal(follow(END_MS - 2), 0);
    assert_int_equal(follow(END_MS - 1), 1);
    assert_false(is_here(3));
    assert_int_equal(follow(END_MS), 0);
    assert_int_equal(follow(END_MS + 5000), 0);
    assert_true(is_here(1));
    assert_true(is_here(4));
}

/* Dated into the time, but come behind it: nobody can tell when it was made. */
static void what_comes_too_late(void **state)
{
    (void)state;
    cede(isac.origin);
    decides(&isac, 1, true, TIME_MS + 10);
    assert_int_equal(follow(END_MS), 0);
    assert_true(is_here(1));
}

static void revoked_at_once_and_what_was_decided_stays(void **state)
{
    (void)state;
    uint64_t cession = cede(isac.origin);
    decides(&isac, 1, true, TIME_MS + 10);
    assert_int_equal(follow(TIME_MS + 20), 1);
    take_back(cession);
    decides(&isac, 2, true, TIME_MS + 15);
    decides(&isac, 1, false, TIME_MS + 16);
    assert_int_equal(follow(TIME_MS + 20), 0);
    assert_true(is_here(2));
    assert_false(is_here(1));
    assert_int_equal(standing(cession), 1);
    struct decision mine = {.ref = RECORD_REF(author_number, 1), .act = POLICY_YES, .who = "me", .time_ms = TIME_MS};
    good(entering_decide(node.store, &mine, &err));
    assert_int_equal(standing(cession), 0);
}

/* ---- who, about what ---- */

static void nobody_else_decides(void **state)
{
    (void)state;
    cede(isac.origin);
    struct cession by_guest = {.power = POWER_MODERATE, .until_ms = END_MS};
    snprintf(by_guest.to, sizeof(by_guest.to), "%s", other.origin);
    say_cession(&guest, &by_guest); /* what this node shows is its operator's to decide */
    decides(&other, 1, true, TIME_MS + 20);
    assert_int_equal(follow(TIME_MS + 20), 0);
    assert_true(is_here(1));
    /* Whoever signed two histories: who speaks is not known. */
    decides(&isac, 2, true, TIME_MS + 20);
    int64_t number = made_feed(&isac, node.store, isac.count, true);
    good(store_begin(node.store, &err));
    good(mirror_fork(node.store, number, true, isac.count, SPAN_LIT("proof"), &err));
    good(store_commit(node.store, &err));
    uint64_t count = 0;
    good(index_update(tables, node.store, 0, NULL, &err));
    good(ceded_follow(node.store, tables, TIME_MS + 20, &count, &err));
    assert_int_equal(count, 0);
    assert_true(is_here(2));
}

static void people_here_go_above(void **state)
{
    (void)state;
    cede(isac.origin);
    struct decision mine = {.ref = RECORD_REF(author_number, 1), .act = POLICY_YES, .who = "me", .time_ms = TIME_MS};
    good(entering_decide(node.store, &mine, &err));
    decides(&isac, 1, true, TIME_MS + 500);
    assert_int_equal(follow(TIME_MS + 600), 0);
    assert_true(is_here(1));
    assert_int_equal(decision_of(1).cession, 0);
}

/* Its own contents, ours, what there is not, what stands in its log in full, what is erased. */
static void not_about_everything(void **state)
{
    (void)state;
    cede(isac.origin);
    uint64_t own = made_record(&isac, KIND, TLP_CLEAR, TIME_MS, NULL, "of its own");
    decides_about(&isac, isac.origin, own, true, TIME_MS + 20);
    decides_about(&isac, ours.origin, 1, true, TIME_MS + 20);
    decides_about(&isac, guest.origin, 0, true, TIME_MS + 20);
    decides_about(&isac, author.origin, 1000000, true, TIME_MS + 20);
    decides_about(&isac, author.origin, 0, true, TIME_MS + 20);
    decides_about(&isac, "nobody.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1, true, TIME_MS + 20);
    assert_int_equal(follow(TIME_MS + 20), 0);
}

static void within_its_scope(void **state)
{
    (void)state;
    char desk[GROUP_ADDRESS_MAX + 1];
    snprintf(desk, sizeof(desk), "%s#desk", other.origin);
    struct cession cession = {.power = POWER_MODERATE,
                              .until_ms = END_MS,
                              .kinds = {"test/picture"},
                              .kind_count = 1,
                              .members = {desk},
                              .member_count = 1};
    snprintf(cession.to, sizeof(cession.to), "%s", isac.origin);
    say_cession(&ours, &cession);
    decides(&isac, 1, true, TIME_MS + 20); /* a note */
    decides(&isac, 5, true, TIME_MS + 20);
    assert_int_equal(follow(TIME_MS + 20), 0); /* its author is not in the group */
    group(&other, author.origin, TIME_MS);
    assert_int_equal(follow(TIME_MS + 20), 1);
    assert_true(is_here(1));
    assert_false(is_here(5));
    /* What it was is known of what is gone, too. */
    decides(&isac, 5, false, TIME_MS + 30);
    assert_int_equal(follow(TIME_MS + 30), 1);
}

/* Who was on the list when it was said, and is now. */
static void a_group_decides(void **state)
{
    (void)state;
    char desk[GROUP_ADDRESS_MAX + 1];
    snprintf(desk, sizeof(desk), "%s#desk", other.origin);
    group(&other, isac.origin, TIME_MS + 20);
    cede(desk);
    decides(&isac, 1, true, TIME_MS + 19);
    decides(&isac, 2, true, TIME_MS + 20);
    decides(&other, 3, true, TIME_MS + 20); /* it has the list, and is not on it */
    assert_int_equal(follow(TIME_MS + 25), 1);
    assert_true(is_here(1));
    assert_false(is_here(2));
    assert_true(is_here(3));
    group(&other, other.origin, TIME_MS + 30);
    decides(&isac, 3, true, TIME_MS + 29);
    decides(&other, 4, true, TIME_MS + 31);
    assert_int_equal(follow(TIME_MS + 40), 1);
    assert_true(is_here(3));
    assert_false(is_here(4));
}

/* Given twice: one that ends leaves the other; two who decide: the last word counts. */
static void several(void **state)
{
    (void)state;
    uint64_t first = cede(isac.origin), second = cede(isac.origin), third = cede(other.origin);
    decides(&isac, 1, true, TIME_MS + 20);
    assert_int_equal(follow(TIME_MS + 20), 1);
    assert_int_equal(standing(first), 1);
    take_back(first);
    decides(&isac, 2, true, TIME_MS + 21);
    assert_int_equal(follow(TIME_MS + 21), 1);
    assert_int_equal(standing(second), 1);
    decides(&other, 2, false, TIME_MS + 22);
    assert_int_equal(follow(TIME_MS + 22), 1);
    assert_int_equal(decision_of(2).act, POLICY_YES);
    assert_int_equal(standing(second), 0);
    assert_int_equal(standing(third), 1);
    /* The index is made anew: the same again. */
    good(index_rebuild(tables, node.store, &err));
    assert_int_equal(follow(TIME_MS + 23), 0);
}

/* Whoever has much to say keeps nobody waiting for all of it: the rest follows. */
static void some_at_a_time(void **state)
{
    (void)state;
    uint64_t count = 0, first = author.count;
    for (int i = 0; i < CEDED_AT_ONCE + 3; i++)
        made_record(&author, KIND, TLP_CLEAR, TIME_MS, NULL, "more");
    made_feed(&author, node.store, author.count, true);
    cede(isac.origin);
    for (uint64_t i = first; i < author.count; i++)
        decides(&isac, i, false, TIME_MS + 20);
    made_feed(&isac, node.store, isac.count, true);
    good(index_update(tables, node.store, 0, NULL, &err));
    good(ceded_follow(node.store, tables, TIME_MS + 30, &count, &err));
    assert_int_equal(count, CEDED_AT_ONCE);
    good(ceded_follow(node.store, tables, TIME_MS + 30, &count, &err));
    assert_int_equal(count, 3);
    good(ceded_follow(node.store, tables, TIME_MS + 30, &count, &err));
    assert_int_equal(count, 0);
}

/* To whom it is ceded cedes it to nobody. */
static void it_is_not_handed_on(void **state)
{
    (void)state;
    cede(isac.origin);
    struct cession on = {.power = POWER_MODERATE, .until_ms = END_MS};
    struct buf text;
    snprintf(on.to, sizeof(on.to), "%s", other.origin);
    buf_init(&text, INLINE_MAX);
    good(cession_write(&on, TIME_MS, &text, &err));
    made_raw(&isac, buf_view(&text));
    buf_done(&text);
    decides(&other, 1, true, TIME_MS + 20);
    assert_int_equal(follow(TIME_MS + 20), 0);
    assert_true(is_here(1));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_takes_effect_and_says_by_which, begin, end),
        cmocka_unit_test_setup_teardown(not_before_its_begin_nor_behind_its_end, begin, end),
        cmocka_unit_test_setup_teardown(what_comes_too_late, begin, end),
        cmocka_unit_test_setup_teardown(revoked_at_once_and_what_was_decided_stays, begin, end),
        cmocka_unit_test_setup_teardown(nobody_else_decides, begin, end),
        cmocka_unit_test_setup_teardown(people_here_go_above, begin, end),
        cmocka_unit_test_setup_teardown(not_about_everything, begin, end),
        cmocka_unit_test_setup_teardown(within_its_scope, begin, end),
        cmocka_unit_test_setup_teardown(a_group_decides, begin, end),
        cmocka_unit_test_setup_teardown(several, begin, end),
        cmocka_unit_test_setup_teardown(some_at_a_time, begin, end),
        cmocka_unit_test_setup_teardown(it_is_not_handed_on, begin, end),
    };
    return cmocka_run_group_tests_name("moderation/ceded", tests, NULL, NULL);
}

/* Where restricted contents are for whom: told by words, in bundles, apart from what everybody is told. */
#include "state/node.h"
#include "state/reach.h"

#define H "/abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define B "b.example" H
#define C "c.example" H
#define GROUP B "#energy"

static struct node node;
static struct log_info own;

static int begin(void **state)
{
    (void)state;
    node_start(&node);
    node_member(&node, "author.example", true, &own);
    return 0;
}

static int end(void **state)
{
    (void)state;
    node_stop(&node);
    return 0;
}

/* `count` records of one marking and audience ("" nobody, words separated by spaces) in one batch. */
static uint64_t say(enum tlp tlp, const char *to, size_t count)
{
    struct span names[8];
    size_t named = 0;
    uint64_t first = 0;
    struct buf text;
    struct author_item *items = calloc(count, sizeof *items);
    assert_non_null(items);
    for (const char *at = to; *at; at += strcspn(at, " ") + (at[strcspn(at, " ")] != '\0'))
        names[named++] = span_of(at, strcspn(at, " "));
    struct record_draft draft = {.kind = "test/text",
                                 .time_ms = TIME_MS,
                                 .tlp = tlp,
                                 .to = names,
                                 .to_count = named,
                                 .body = SPAN_LIT("something")};
    buf_init(&text, PAYLOAD_MAX);
    good(record_write(&draft, &text, &err));
    for (size_t i = 0; i < count; i++)
        items[i] = (struct author_item){buf_view(&text), tlp == TLP_CLEAR};
    good(author_append(node.store, own.number, items, count, TIME_MS, &first, &err));
    good(store_log(node.store, own.number, &own, &err));
    buf_done(&text);
    free(items);
    return first;
}

static struct reach words(const char *word)
{
    struct reach reach = {.count = 0};
    good(reach_find(node.store, span_str(word), &reach, &err));
    return reach;
}

static bool is_in(const char *word, uint64_t first, size_t count)
{
    struct reach reach = words(word);
    bool there = false;
    good(reach_is_in(node.store, &reach, own.number, first, count, &there, &err));
    return there;
}

static void by_marking(void **state)
{
    (void)state;
    static const struct {
        enum tlp tlp;
        const char *to;
        bool b, c, group, community;
    } cases[] = {
        {TLP_CLEAR, "", false, false, false, false},
        {TLP_GREEN, "", false, false, false, true},
        {TLP_GREEN, B, true, false, false, true},
        {TLP_AMBER, B, true, false, false, false},
        {TLP_AMBER, B " " C, true, true, false, false},
        {TLP_AMBER_STRICT, C, false, true, false, false},
        {TLP_AMBER, GROUP " " C, false, true, true, false},
        {TLP_RED, B, false, false, false, false},
        {TLP_AMBER, "", false, false, false, false},
        {TLP_RED, B "/li", true, false, false, false},
        {TLP_RED, B "/li " C "/wei " C "/li", true, true, false, false},
        {TLP_AMBER, B "/li", false, false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        say(TLP_CLEAR, "", 256 - own.size % 256); /* a bundle for each case */
        uint64_t at = say(cases[i].tlp, cases[i].to, 1);
        assert_int_equal(at % 256, 0);
        assert_int_equal(is_in(B, at, 1), cases[i].b);
        assert_int_equal(is_in(C, at, 1), cases[i].c);
        assert_int_equal(is_in(GROUP, at, 1), cases[i].group);
        assert_int_equal(is_in(REACH_COMMUNITY, at, 1), cases[i].community);
        assert_int_equal(is_in(own.origin, at, 1), cases[i].tlp != TLP_CLEAR);
    }
}

static void across_bundles(void **state)
{
    (void)state;
    uint64_t first = say(TLP_AMBER, B, 600);
    assert_int_equal(first, 1);
    assert_true(is_in(B, 0, 256) && is_in(B, 256, 256) && is_in(B, 512, 1) && is_in(B, 0, 601));
    say(TLP_CLEAR, "", 700);
    assert_false(is_in(B, 768, 256));
    assert_true(is_in(B, 767, 2)); /* the bundle that ends there */
    assert_false(is_in(C, 0, 1301));
}

static int count_heads(void *ctx, const struct log_info *log, struct err *err)
{
    (void)log;
    (void)err;
    ++*(size_t *)ctx;
    return 0;
}

static size_t heads(const char *word, int64_t since, int64_t reached, int64_t *ret)
{
    struct reach reach = words(word);
    size_t count = 0;
    struct reach_told told = {0};
    good(reach_heads(node.store, &reach, since, reached, 100, count_heads, &count, &told, &err));
    assert_false(told.is_cut);
    *ret = told.reached;
    return count;
}

/* What comes after its entry is told to whom it is for; the public's numbers do not move. */
static void told_apart(void **state)
{
    (void)state;
    struct buf item;
    int64_t next = 0, later = 0, seq, seq_after;
    char generation[17];
    buf_init(&item, PAYLOAD_MAX + 64);
    say(TLP_CLEAR, "", 1);
    uint64_t at = say(TLP_AMBER, B, 1);
    good(payload_read(node.store, own.number, at, &item, NULL, &err));
    assert_int_equal(heads(B, 0, 0, &next), 0); /* everybody is told of this log since 0 */
    assert_int_equal(heads(B, INT64_MAX, 0, &next), 1);
    assert_int_equal(heads(B, INT64_MAX, next, &later), 0);
    assert_int_equal(heads(C, INT64_MAX, 0, &later), 0);
    assert_int_equal(later, 0); /* that something came for B does not move what C is told */
    /* Here as if it had been dropped, and comes again. */
    good(payload_drop_before(node.store, own.number, own.size, &err));
    assert_false(is_in(B, 0, 1) && own.size > 256);
    good(store_seq(node.store, &seq, generation, &err));
    good(store_begin(node.store, &err));
    good(payload_put(node.store, own.number, at, span_of(item.data + 4, 32), span_of(item.data + 36, item.len - 36),
                     false, &err));
    good(store_commit(node.store, &err));
    good(store_seq(node.store, &seq_after, generation, &err));
    assert_int_equal(seq, seq_after);
    assert_int_equal(heads(B, INT64_MAX, next, &later), 1);
    assert_true(later > next);
    assert_true(is_in(B, at, 1));
    buf_done(&item);
}

static int note_head(void *ctx, const struct log_info *log, struct err *err)
{
    (void)err;
    *(int64_t *)ctx = log->number;
    return 0;
}

/* Something for B, added to this log within a transaction. */
static void add(const struct log_info *log)
{
    struct buf text;
    struct span to = SPAN_LIT(B);
    uint8_t salt[32] = {7}, hash[32], seal[SEAL_ENTRY_LEN];
    struct record_draft draft = {
        .kind = "test/text", .time_ms = TIME_MS, .tlp = TLP_AMBER, .to = &to, .to_count = 1, .body = SPAN_LIT("x")};
    buf_init(&text, PAYLOAD_MAX);
    good(record_write(&draft, &text, &err));
    seal_hash(span_str(log->origin), salt, buf_view(&text), hash);
    seal_write(hash, seal);
    struct store_entry entry = {span_of(seal, sizeof seal), span_of(salt, 32), buf_view(&text), false};
    good(store_add(node.store, log->number, &entry, 1, &err));
    buf_done(&text);
}

/* Two logs in one commit, one told at a time: each once, and then no more. */
static void told_by_parts(void **state)
{
    (void)state;
    struct log_info other;
    int64_t told[3] = {0}, next;
    node_member(&node, "other.example", false, &other);
    good(reach_count(node.store, &next, &err));
    good(store_begin(node.store, &err));
    add(&own);
    add(&other);
    good(store_commit(node.store, &err));
    struct reach reach = words(B);
    for (size_t i = 0; i < 3; i++) {
        struct reach_told upto = {0};
        good(reach_heads(node.store, &reach, INT64_MAX, next, 1, note_head, &told[i], &upto, &err));
        assert_int_equal(upto.is_cut, i < 2);
        next = upto.reached;
    }
    assert_true(told[0] && told[1] && told[0] != told[1]);
    assert_int_equal(told[2], 0);
}

static int count_group(void *ctx, struct span group, struct err *err)
{
    (void)err;
    assert_true(audience_is_group(group));
    ++*(size_t *)ctx;
    return 0;
}

/* Erased: who it was for goes with it, and what others have in the same bundle stays. */
static void erased(void **state)
{
    (void)state;
    size_t groups = 0;
    uint64_t b = say(TLP_AMBER, B, 1), c = say(TLP_AMBER, C " " GROUP, 1), b2 = say(TLP_AMBER, B, 1);
    good(reach_groups(node.store, count_group, &groups, &err));
    assert_int_equal(groups, 1);
    good(payload_erase(node.store, own.number, c, &err));
    assert_true(is_in(B, b, 1));
    assert_false(is_in(C, c, 1));
    assert_int_equal(words(C).count, 0);
    groups = 0;
    good(reach_groups(node.store, count_group, &groups, &err));
    assert_int_equal(groups, 0);
    good(payload_erase(node.store, own.number, b, &err));
    assert_true(is_in(B, b2, 1));
    good(payload_erase(node.store, own.number, b2, &err));
    assert_int_equal(words(B).count, 0);
}

static int64_t seq_now(void)
{
    char generation[17];
    int64_t seq = 0;
    good(store_seq(node.store, &seq, generation, &err));
    return seq;
}

static void decided(int (*how)(uint64_t index, struct err *err), uint64_t index)
{
    good(store_begin(node.store, &err));
    good(how(index, &err));
    good(store_commit(node.store, &err));
}

static int await(uint64_t index, struct err *err)
{
    return payload_await(node.store, own.number, index, err);
}

static int release(uint64_t index, struct err *err)
{
    return payload_release(node.store, own.number, index, false, err);
}

/* What policy holds reaches nobody; released it comes, and neither is told to those whom it is not for. */
static void waiting(void **state)
{
    (void)state;
    int64_t before, during, after;
    uint64_t b = say(TLP_AMBER, B, 1), c = say(TLP_AMBER, C, 1);
    int64_t seq = seq_now();
    good(reach_count(node.store, &before, &err));
    decided(await, b);
    good(reach_count(node.store, &during, &err));
    assert_true(during > before); /* whoever follows the log looks */
    assert_int_equal(words(B).count, 0);
    assert_true(is_in(C, c, 1));
    good(payload_erase(node.store, own.number, c, &err));
    assert_int_equal(words(B).count, 0); /* made again without it */
    decided(release, b);
    good(reach_count(node.store, &after, &err));
    assert_true(after > during);
    assert_true(is_in(B, b, 1));
    assert_int_equal(seq_now(), seq);
    decided(await, b);
    good(payload_erase(node.store, own.number, b, &err));
    assert_int_equal(words(B).count, 0);
}

static void rolled_back(void **state)
{
    (void)state;
    int64_t before, after;
    good(reach_count(node.store, &before, &err));
    good(store_begin(node.store, &err));
    add(&own);
    store_rollback(node.store);
    good(reach_count(node.store, &after, &err));
    assert_int_equal(before, after);
    assert_int_equal(words(B).count, 0);
    uint64_t at = say(TLP_AMBER, B, 1); /* not taken for written already */
    assert_true(is_in(B, at, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_marking, begin, end),
        cmocka_unit_test_setup_teardown(across_bundles, begin, end),
        cmocka_unit_test_setup_teardown(told_apart, begin, end),
        cmocka_unit_test_setup_teardown(told_by_parts, begin, end),
        cmocka_unit_test_setup_teardown(erased, begin, end),
        cmocka_unit_test_setup_teardown(waiting, begin, end),
        cmocka_unit_test_setup_teardown(rolled_back, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

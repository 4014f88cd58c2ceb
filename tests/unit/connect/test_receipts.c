/* Receipts between nodes: what is confirmed and how often, what the author sees, and whose word is not believed. */
#include "net.h"

#include "connect/receipts.h"
#include "index/index.h"
#include "state/notices.h"
#include "state/rules.h"

#define NOW_MS (TIME_MS + 1000)
#define MINUTE_MS INT64_C(60000)

/* `author` says something to `reader`; `other` is named nowhere. All pull from each other. They are the same in all
 * tests, since a node that was just started believes no request of before: each test looks at what it says itself. */
static struct node author, reader, other;
static struct index *at_author, *at_reader, *at_other;
static struct arena arena;

static uint64_t say(struct node *node, const char *body, enum tlp tlp, const char *to)
{
    struct buf text;
    uint64_t index = 0;
    struct span name = span_str(to);
    buf_init(&text, PAYLOAD_MAX);
    struct record_draft draft = {
        .kind = KIND, .time_ms = TIME_MS, .tlp = tlp, .to = &name, .to_count = to[0] != '\0', .body = span_str(body)};
    good(record_write(&draft, &text, &err));
    struct author_item item = {buf_view(&text), tlp == TLP_CLEAR};
    good(author_append(node->store, node->own.number, &item, 1, TIME_MS, &index, &err));
    buf_done(&text);
    node_refresh(node);
    return index;
}

static void fold(struct node *node, struct index *index)
{
    good(index_update(index, node->store, 0, NULL, &err));
}

static void pull(void)
{
    for (int i = 0; i < 2; i++) { /* whose requests are believed is known after the first */
        node_sync(&author);
        node_sync(&reader);
        node_sync(&other);
    }
    fold(&author, at_author);
    fold(&reader, at_reader);
    fold(&other, at_other);
}

static int begin(void **state)
{
    (void)state;
    struct node *nodes[] = {&author, &reader, &other};
    static const char *const names[] = {"author.example", "reader.example", "other.example"};
    struct index **indexes[] = {&at_author, &at_reader, &at_other};
    arena_init(&arena, 64u << 20);
    for (size_t i = 0; i < 3; i++) {
        node_start(nodes[i], names[i]);
        node_serve(nodes[i]);
        good(index_open(nodes[i]->dir, indexes[i], &err));
    }
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++)
            if (i != k)
                node_peer(nodes[i], nodes[k]);
    pull();
    return 0;
}

static int end(void **state)
{
    (void)state;
    index_close(at_author);
    index_close(at_reader);
    index_close(at_other);
    node_stop(&author);
    node_stop(&reader);
    node_stop(&other);
    arena_done(&arena);
    return 0;
}

static struct receipts_done confirm(struct node *node, struct index *index)
{
    struct receipts_done done;
    good(receipts_send(node->store, index, &node->own, NOW_MS, false, &done, &err));
    node_refresh(node);
    return done;
}

static struct view view_of(struct node *node, struct index *index)
{
    struct view view;
    good(view_open(node->store, index, (struct viewer){.class = VIEWER_OPERATOR}, OUTLET_CLI_LOG, &view, &err));
    return view;
}

static struct receipt_lines lines_of(uint64_t at)
{
    struct view view = view_of(&author, at_author);
    struct view_record record;
    struct receipt_lines lines;
    arena_clear(&arena);
    good(view_record(&view, &author.own, at, &arena, &record, &err));
    good(receipts_of(&view, &record, NOW_MS, &arena, &lines, &err));
    return lines;
}

static enum receipt_state state_of(uint64_t at, const struct node *member)
{
    struct receipt_lines lines = lines_of(at);
    for (size_t i = 0; i < lines.count; i++)
        if (strcmp(lines.lines[i].origin, member->own.origin) == 0)
            return lines.lines[i].state;
    fail_msg("%s is in no line about %llu", member->own.origin, (unsigned long long)at);
    return RECEIPT_NONE;
}

/* ---- notices ---- */

struct found {
    uint64_t count[NOTICE_WHATS];
};

static int count_notice(void *ctx, const struct notice *notice, struct err *err)
{
    (void)err;
    ((struct found *)ctx)->count[notice->what] += notice->count;
    return 0;
}

static struct found all_told(void)
{
    struct found found = {0};
    struct notice_query query = {.role = ROLE_ADMINISTRATOR, .topics = 1u << NOTICE_RECEIPT};
    good(receipts_tell(author.store, at_author, NOW_MS, &err));
    good(notice_each(author.store, &query, count_notice, &found, &err));
    return found;
}

static struct found before;

/* In this test. */
static struct found told(void)
{
    struct found found = all_told();
    for (size_t i = 0; i < NOTICE_WHATS; i++)
        found.count[i] -= before.count[i];
    return found;
}

/* Nothing is left to confirm, or to tell, of the test before. */
static int settle(void **state)
{
    (void)state;
    confirm(&reader, at_reader);
    confirm(&other, at_other);
    pull();
    before = all_told();
    return 0;
}

/* ---- what members say that did not ask our program ---- */

static void forge(struct node *node, uint64_t at, const uint8_t proof[RECEIPT_PROOF])
{
    struct receipt_item item = {.index = at};
    struct receipt receipt = {span_str(author.own.origin), 1, &item};
    struct buf text;
    uint64_t index;
    memcpy(item.proof, proof, RECEIPT_PROOF);
    buf_init(&text, PAYLOAD_MAX);
    good(receipt_write(&receipt, NOW_MS, &text, &err));
    struct author_item new = {.text = buf_view(&text)};
    good(author_append(node->store, node->own.number, &new, 1, NOW_MS, &index, &err));
    buf_done(&text);
    node_refresh(node);
}

/* As whoever has the content, from wherever, would make it. */
static void prove(const struct node *member, uint64_t at, uint8_t out[RECEIPT_PROOF])
{
    struct view view = view_of(&author, at_author);
    struct view_record record;
    arena_clear(&arena);
    good(view_record(&view, &author.own, at, &arena, &record, &err));
    receipt_prove(span_str(member->own.origin), record.salt.data, record.text, out);
}

/* ---- tests ---- */

static void what_arrived_is_confirmed_once(void **state)
{
    (void)state;
    uint64_t first = say(&author, "for reader", TLP_AMBER_STRICT, reader.own.origin);
    uint64_t clear = say(&author, "for all", TLP_CLEAR, "");
    uint64_t second = say(&author, "for reader, too", TLP_AMBER, reader.own.origin);
    pull();
    assert_int_equal(state_of(first, &reader), RECEIPT_NONE);
    assert_int_equal(lines_of(first).expected, 1);
    struct receipts_done done = confirm(&reader, at_reader);
    assert_int_equal(done.receipts, 1); /* a batch is one */
    assert_int_equal(done.contents, 2);
    assert_int_equal(confirm(&reader, at_reader).contents, 0);
    assert_int_equal(confirm(&other, at_other).contents, 0); /* nothing came for it */
    pull();
    assert_int_equal(state_of(first, &reader), RECEIPT_GOOD);
    assert_int_equal(state_of(second, &reader), RECEIPT_GOOD);
    assert_int_equal(lines_of(first).good, 1);
    assert_int_equal(lines_of(clear).good, 0);
    assert_int_equal(told().count[NOTICE_RECEIPT_CAME], 2);
    assert_int_equal(told().count[NOTICE_RECEIPT_CAME], 2);    /* told once */
    assert_int_equal(confirm(&author, at_author).contents, 0); /* a receipt is not confirmed */
    uint64_t size = reader.own.size;
    pull();
    assert_int_equal(confirm(&reader, at_reader).receipts, 0);
    assert_int_equal(reader.own.size, size);
}

/* Another knows that something was said, and neither that it is a receipt nor for whom. */
static void nobody_else_has_the_receipt(void **state)
{
    (void)state;
    say(&author, "for reader", TLP_AMBER_STRICT, reader.own.origin);
    pull();
    confirm(&reader, at_reader);
    uint64_t at = reader.own.size - 1;
    pull();
    unsigned flags = 0;
    struct log_info there = log_of(&author, reader.own.origin), elsewhere = log_of(&other, reader.own.origin);
    good(payload_flags(author.store, there.number, at, &flags, &err));
    assert_true(flags & SLOT_HELD);
    good(payload_flags(other.store, elsewhere.number, at, &flags, &err));
    assert_int_equal(elsewhere.size, at + 1);
    assert_false(flags & SLOT_HELD);
}

static void many_are_few_receipts(void **state)
{
    (void)state;
    struct span to = span_str(reader.own.origin);
    static struct author_item items[RECEIPT_ITEMS_MAX + 10];
    struct buf text;
    uint64_t first;
    buf_init(&text, 4096);
    struct record_draft draft = {
        .kind = KIND, .time_ms = TIME_MS, .tlp = TLP_AMBER_STRICT, .to = &to, .to_count = 1, .body = SPAN_LIT("x")};
    good(record_write(&draft, &text, &err));
    for (size_t i = 0; i < RECEIPT_ITEMS_MAX + 10; i++)
        items[i].text = buf_view(&text);
    good(author_append(author.store, author.own.number, items, RECEIPT_ITEMS_MAX + 10, TIME_MS, &first, &err));
    buf_done(&text);
    node_refresh(&author);
    pull();
    struct receipts_done done = confirm(&reader, at_reader);
    assert_int_equal(done.receipts, 2);
    assert_int_equal(done.contents, RECEIPT_ITEMS_MAX + 10);
    assert_false(done.more);
    pull();
    assert_int_equal(state_of(first + RECEIPT_ITEMS_MAX + 9, &reader), RECEIPT_GOOD);
}

static void who_guesses_is_not_believed(void **state)
{
    (void)state;
    static const uint8_t guess[RECEIPT_PROOF] = {1, 2, 3};
    uint8_t proof[RECEIPT_PROOF];
    uint64_t at = say(&author, "yes", TLP_AMBER_STRICT, reader.own.origin);
    pull();
    confirm(&reader, at_reader);
    forge(&other, at, guess); /* it knows that something was said, by the seal */
    pull();
    assert_int_equal(state_of(at, &reader), RECEIPT_GOOD);
    assert_int_equal(state_of(at, &other), RECEIPT_WRONG);
    prove(&reader, at, proof); /* the same bytes in another's log */
    forge(&other, at, proof);
    forge(&other, 0, guess); /* an entry that is no content */
    forge(&other, UINT64_C(1) << 39, guess);
    pull();
    assert_int_equal(state_of(at, &other), RECEIPT_WRONG);
    struct found found = told();
    assert_int_equal(found.count[NOTICE_RECEIPT_CAME], 1);
    assert_int_equal(found.count[NOTICE_RECEIPT_WRONG], 4);
    assert_int_equal(lines_of(at).good, 1);
}

/* Whoever got it from somebody in the audience can prove so, and the author learns it. */
static void who_should_not_have_it_is_told_of(void **state)
{
    (void)state;
    uint8_t proof[RECEIPT_PROOF];
    uint64_t at = say(&author, "leaked", TLP_AMBER_STRICT, reader.own.origin);
    pull();
    prove(&other, at, proof);
    forge(&other, at, proof);
    pull();
    assert_int_equal(state_of(at, &other), RECEIPT_OUTSIDE);
    assert_int_equal(state_of(at, &reader), RECEIPT_NONE);
    assert_int_equal(lines_of(at).good, 0);
    assert_int_equal(told().count[NOTICE_RECEIPT_OUTSIDE], 1);
}

/* A wrong one in front of the right one takes nothing from it; said again it says nothing new. */
static void the_true_one_counts(void **state)
{
    (void)state;
    static const uint8_t guess[RECEIPT_PROOF] = {0};
    uint8_t proof[RECEIPT_PROOF];
    uint64_t at = say(&author, "for reader", TLP_AMBER_STRICT, reader.own.origin);
    pull();
    forge(&reader, at, guess);
    pull();
    assert_int_equal(state_of(at, &reader), RECEIPT_WRONG);
    prove(&reader, at, proof);
    for (int i = 0; i < 3; i++)
        forge(&reader, at, proof);
    pull();
    assert_int_equal(state_of(at, &reader), RECEIPT_GOOD);
    assert_int_equal(lines_of(at).good, 1);
    assert_int_equal(lines_of(at).count, 1);
}

static void of_what_is_withdrawn_nothing_is_said(void **state)
{
    (void)state;
    uint64_t at = say(&author, "for reader", TLP_AMBER_STRICT, reader.own.origin);
    pull();
    confirm(&reader, at_reader);
    pull();
    good(author_erase(author.store, author.own.number, at, NOW_MS, &err));
    node_refresh(&author);
    fold(&author, at_author);
    assert_int_equal(state_of(at, &reader), RECEIPT_UNKNOWN);
    assert_int_equal(lines_of(at).good, 0);
    assert_int_equal(told().count[NOTICE_RECEIPT_WRONG], 0);
    static const uint8_t guess[RECEIPT_PROOF] = {1};
    before = all_told();
    forge(&other, at, guess); /* nobody can tell that it is none: nobody is told that it has come */
    pull();
    assert_int_equal(state_of(at, &other), RECEIPT_UNKNOWN);
    assert_int_equal(told().count[NOTICE_RECEIPT_CAME], 0);
    assert_int_equal(told().count[NOTICE_RECEIPT_WRONG], 0);
}

/* A receipt that goes from its log, or stands in one that confirms itself, has no effect. */
static void receipts_are_forgotten(void **state)
{
    (void)state;
    uint64_t at = say(&author, "for reader", TLP_AMBER_STRICT, reader.own.origin);
    pull();
    confirm(&reader, at_reader);
    pull();
    assert_int_equal(state_of(at, &reader), RECEIPT_GOOD);
    good(author_erase(reader.store, reader.own.number, reader.own.size - 1, NOW_MS, &err));
    node_refresh(&reader);
    pull();
    assert_int_equal(state_of(at, &reader), RECEIPT_NONE);
    static const uint8_t guess[RECEIPT_PROOF] = {0};
    forge(&author, at, guess);
    fold(&author, at_author);
    assert_int_equal(lines_of(at).count, 1);
}

static void only_its_own_people_see_them(void **state)
{
    (void)state;
    struct view view = view_of(&author, at_author), public;
    struct log_info mirrored = log_of(&author, reader.own.origin);
    good(view_open(author.store, at_author, (struct viewer){.class = VIEWER_PUBLIC}, OUTLET_HTTP_PAGES, &public, &err));
    assert_true(receipts_visible(&view, &author.own));
    assert_false(receipts_visible(&view, &mirrored));
    assert_false(receipts_visible(&public, &author.own));
    struct viewer guest = {
        .class = VIEWER_USER, .name = "g", .role = ROLE_ADMINISTRATOR, .scopes = ~0u, .guest = reader.own.origin};
    struct view stranger;
    good(view_open(author.store, at_author, guest, OUTLET_HTTP_PAGES, &stranger, &err));
    assert_false(receipts_visible(&stranger, &author.own));
}

static void the_switch_has_its_times(void **state)
{
    (void)state;
    struct receipt_switch due[RECEIPT_MEMBERS_MAX], all[RECEIPT_MEMBERS_MAX];
    struct log_info mirrored = log_of(&reader, author.own.origin);
    size_t count = 9;
    good(receipt_switches(reader.store, all, &count, &err));
    assert_int_equal(count, 0); /* off until somebody says so */
    good(receipt_turn(reader.store, &reader.own, 60, NOW_MS, &err));
    good(receipt_due(reader.store, NOW_MS, due, &count, &err));
    assert_int_equal(count, 0);
    /* Within a minute it is due exactly once, and not before its own second. */
    size_t times = 0;
    for (int64_t now = NOW_MS + 1000; now <= NOW_MS + MINUTE_MS; now += 1000) {
        good(receipt_due(reader.store, now, due, &count, &err));
        times += count;
    }
    assert_int_equal(times, 1);
    good(receipt_turn(reader.store, &reader.own, 3600, NOW_MS, &err)); /* another interval, not a second line */
    good(receipt_switches(reader.store, all, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(all[0].each_s, 3600);
    bad(receipt_turn(reader.store, &reader.own, RECEIPT_EACH_MAX_S + 1, NOW_MS, &err), ERR_LIMIT, "seconds");
    bad(receipt_turn(reader.store, &mirrored, 60, NOW_MS, &err), ERR_REFUSED, "does not live");
    good(receipt_turn(reader.store, &reader.own, 0, NOW_MS, &err));
    good(receipt_switches(reader.store, all, &count, &err));
    assert_int_equal(count, 0);
}

static void policy_of(struct node *node, const char *text)
{
    char path[160];
    bool changed;
    snprintf(path, sizeof(path), "%s/policy.conf", node->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    good(rules_adopt(node->store, NOW_MS, NULL, &changed, &err));
}

/* What its author would not get is not written: it would only tell everybody that something had come. */
static void what_policy_keeps_is_not_said(void **state)
{
    (void)state;
    policy_of(&reader, "share kind test/*\nrefuse share kind connect/receipt reason \"ours\"\n");
    uint64_t at = say(&author, "for reader, silently", TLP_AMBER, reader.own.origin);
    pull();
    uint64_t size = reader.own.size;
    struct receipts_done done = confirm(&reader, at_reader);
    assert_int_equal(done.receipts, 0);
    assert_int_equal(done.contents, 0);
    assert_int_equal(done.kept, 1);
    assert_int_equal(done.kept_line, 2);
    assert_string_equal(done.kept_from, author.own.origin);
    assert_int_equal(reader.own.size, size);
    policy_of(&reader, "share kind test/*\n");
    done = confirm(&reader, at_reader);
    assert_int_equal(done.kept, 1);
    assert_int_equal(done.kept_line, 0); /* no rule */
    policy_of(&reader, "share\n");
    assert_int_equal(confirm(&reader, at_reader).contents, 1);
    pull();
    assert_int_equal(state_of(at, &reader), RECEIPT_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_arrived_is_confirmed_once, settle),
        cmocka_unit_test_setup(nobody_else_has_the_receipt, settle),
        cmocka_unit_test_setup(many_are_few_receipts, settle),
        cmocka_unit_test_setup(who_guesses_is_not_believed, settle),
        cmocka_unit_test_setup(who_should_not_have_it_is_told_of, settle),
        cmocka_unit_test_setup(the_true_one_counts, settle),
        cmocka_unit_test_setup(of_what_is_withdrawn_nothing_is_said, settle),
        cmocka_unit_test_setup(receipts_are_forgotten, settle),
        cmocka_unit_test_setup(only_its_own_people_see_them, settle),
        cmocka_unit_test_setup(the_switch_has_its_times, settle),
        cmocka_unit_test_setup(what_policy_keeps_is_not_said, settle),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, begin, end);
}

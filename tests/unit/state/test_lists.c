/* What persons adopt of others' lists: words that stay, items that only a word changes, sets that rules can do with. */
#include "state/node.h"

#include "state/lists.h"

#define ONE "one.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TWO "two.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct list_word a_word(const char *source, const char *name, enum list_act act, const char *set)
{
    struct list_word word = {.act = act, .ref = RECORD_REF(3, 4), .time_ms = TIME_MS, .version = {1, 2, 3}};
    snprintf(word.address.source, sizeof word.address.source, "%s", source);
    snprintf(word.address.name, sizeof word.address.name, "%s", name);
    snprintf(word.set, sizeof word.set, "%s", set);
    snprintf(word.who, sizeof word.who, "ada");
    snprintf(word.reason, sizeof word.reason, "we know them");
    return word;
}

static struct list_item item(enum list_item_type type, const char *subject, const char *label)
{
    return (struct list_item){.type = type, .subject = subject, .label = label, .reason = "why"};
}

static void expect_sets(struct store *store, const char *wanted)
{
    struct buf sets;
    buf_init(&sets, LISTS_SETS_MAX);
    good(lists_sets(store, &sets, &err));
    if (!span_is(buf_view(&sets), wanted))
        fail_msg("\"%s\", expected \"%s\"", buf_cstr(&sets), wanted);
    buf_done(&sets);
}

static size_t items_of(struct store *store, const struct list_address *address)
{
    struct arena arena;
    struct list_item *items;
    size_t count;
    arena_init(&arena, 16u << 20);
    good(lists_items(store, address, &arena, &items, &count, &err));
    for (size_t i = 1; i < count; i++)
        assert_true(list_item_cmp(&items[i - 1], &items[i]) < 0);
    arena_done(&arena);
    return count;
}

static int count_word(void *ctx, const struct list_word *word, struct err *err)
{
    (void)err;
    assert_string_equal(word->who, "ada");
    ++*(size_t *)ctx;
    return 0;
}

static void words_stay(void **state)
{
    (void)state;
    struct node node;
    const struct list_item items[] = {item(LIST_MEMBER, "bad.example", ""), item(LIST_RECORD, TWO "/7", "satire"),
                                      item(LIST_VALUE, "evil.test", "")};
    struct list_word word = a_word(ONE, "spam", LIST_ADOPTED, "spam"), found;
    size_t words = 0;
    node_start(&node);
    bad(lists_word(node.store, &word.address, &found, &err), ERR_NOTFOUND, "nobody here");
    good(lists_say(node.store, &word, 0, items, 3, &err));
    good(lists_word(node.store, &word.address, &found, &err));
    assert_int_equal(found.number, word.number);
    assert_int_equal(found.ref, RECORD_REF(3, 4));
    assert_int_equal(found.advice, LIST_BLOCK);
    assert_string_equal(found.reason, "we know them");
    assert_memory_equal(found.version, word.version, 32);
    assert_int_equal(items_of(node.store, &word.address), 3);
    expect_sets(node.store, "\n" POLICY_LISTS_LINE "\nset list:spam = { bad.example }\n");
    /* A word that leaves it alone changes nothing; one that adopts less takes away. */
    struct list_word no = a_word(ONE, "spam", LIST_DECLINED, "spam");
    good(lists_say(node.store, &no, word.number, NULL, 0, &err));
    assert_int_equal(items_of(node.store, &word.address), 3);
    struct list_word less = a_word(ONE, "spam", LIST_ADOPTED, "spam");
    good(lists_say(node.store, &less, no.number, items + 1, 1, &err));
    assert_int_equal(items_of(node.store, &word.address), 1);
    expect_sets(node.store, "");
    good(lists_words(node.store, &word.address, count_word, &words, &err));
    assert_int_equal(words, 3);
    node_stop(&node);
}

/* Two persons, in two processes, look at one draft: the second is told instead of undoing what the first has done. */
static void two_persons(void **state)
{
    (void)state;
    struct node node;
    const struct list_item first = item(LIST_MEMBER, "a.example", ""), second = item(LIST_MEMBER, "b.example", "");
    struct list_word one = a_word(ONE, "spam", LIST_ADOPTED, "spam"), two = one, no = one;
    node_start(&node);
    struct store *other = node_handle(&node);
    good(lists_say(node.store, &one, 0, &first, 1, &err));
    bad(lists_say(other, &two, 0, &second, 1, &err), ERR_STATE, "meanwhile");
    expect_sets(other, "\n" POLICY_LISTS_LINE "\nset list:spam = { a.example }\n");
    no.act = LIST_DECLINED;
    bad(lists_say(other, &no, one.number + 1, NULL, 0, &err), ERR_STATE, "meanwhile");
    good(lists_say(other, &two, one.number, &second, 1, &err));
    expect_sets(node.store, "\n" POLICY_LISTS_LINE "\nset list:spam = { b.example }\n");
    store_close(other);
    node_stop(&node);
}

/* Whom others advise to block does not get among those whom rules trust. */
static void one_advice_a_set(void **state)
{
    (void)state;
    struct node node;
    const struct list_item friend = item(LIST_MEMBER, "friend.example", ""), foe = item(LIST_MEMBER, "foe.example", ""),
                           label = item(LIST_RECORD, TWO "/7", "satire");
    struct list_word trusted = a_word(ONE, "trusted", LIST_ADOPTED, "trusted"), block;
    node_start(&node);
    trusted.advice = LIST_RECOMMEND;
    good(lists_say(node.store, &trusted, 0, &friend, 1, &err));
    block = a_word(TWO, "trusted", LIST_ADOPTED, "trusted");
    bad(lists_say(node.store, &block, 0, &foe, 1, &err), ERR_STATE, "another advice than to block");
    assert_int_equal(items_of(node.store, &block.address), 0);
    good(lists_say(node.store, &block, 0, &label, 1, &err)); /* no member: no set */
    struct list_word apart = a_word(TWO, "trusted", LIST_ADOPTED, "foes");
    good(lists_say(node.store, &apart, block.number, &foe, 1, &err));
    /* Nor does a list that turns round stay in its set. */
    struct list_word turned = a_word(ONE, "trusted", LIST_ADOPTED, "trusted");
    bad(lists_say(node.store, &turned, trusted.number, &friend, 1, &err), ERR_STATE, "another advice than to block");
    turned = a_word(ONE, "trusted", LIST_ADOPTED, "foes");
    good(lists_say(node.store, &turned, trusted.number, &friend, 1, &err));
    expect_sets(node.store, "\n" POLICY_LISTS_LINE "\nset list:foes = { foe.example friend.example }\n");
    node_stop(&node);
}

static void write_file(const struct node *node, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/policy.conf", node->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A set that the rules in force cannot do with: nothing at all has changed. */
static void all_or_nothing(void **state)
{
    (void)state;
    struct node node;
    bool changed = false;
    const struct list_item member = item(LIST_MEMBER, "a.example", "");
    struct list_word word = a_word(ONE, "odd", LIST_ADOPTED, "odd"), found;
    struct rules_version before, after;
    const struct policy *policy;
    node_start(&node);
    write_file(&node, "refuse accept kind @list:odd reason \"odd\"\n");
    good(rules_adopt(node.store, TIME_MS, NULL, &changed, &err));
    assert_true(changed);
    good(rules_policy(node.store, &policy, &before, &err));
    bad(lists_say(node.store, &word, 0, &member, 1, &err), ERR_SYNTAX, "found");
    bad(lists_word(node.store, &word.address, &found, &err), ERR_NOTFOUND, "");
    assert_int_equal(items_of(node.store, &word.address), 0);
    good(rules_policy(node.store, &policy, &after, &err));
    assert_int_equal(before.number, after.number);
    node_stop(&node);
}

static int count_about(void *ctx, const struct list_word *word, const struct list_item *found, struct err *err)
{
    (void)err;
    assert_true(word->number > 0);
    assert_string_equal(found->reason, "why");
    ++*(size_t *)ctx;
    return 0;
}

static int count_adopted(void *ctx, const struct list_word *word, uint64_t items, struct err *err)
{
    (void)word, (void)err;
    *(uint64_t *)ctx += items;
    return 0;
}

static void questions(void **state)
{
    (void)state;
    struct node node;
    const struct list_item items[] = {item(LIST_MEMBER, "bad.example", ""), item(LIST_RECORD, TWO "/7", "hoax"),
                                      item(LIST_RECORD, TWO "/7", "satire")};
    struct list_word word = a_word(ONE, "marks", LIST_ADOPTED, "marks");
    struct list_word file = a_word(LIST_FILE_SOURCE, "fedi", LIST_ADOPTED, "fedi");
    size_t about = 0, members = 0, set = 0;
    uint64_t all = 0;
    node_start(&node);
    good(lists_say(node.store, &word, 0, items, 3, &err));
    good(lists_say(node.store, &file, 0, items, 1, &err));
    good(lists_about(node.store, LIST_RECORD, TWO "/7", count_about, &about, &err));
    assert_int_equal(about, 2);
    good(lists_about(node.store, LIST_MEMBER, "bad.example", count_about, &members, &err));
    assert_int_equal(members, 2);
    good(lists_set_items(node.store, "marks", count_about, &set, &err));
    assert_int_equal(set, 3);
    good(lists_adopted(node.store, count_adopted, &all, &err));
    assert_int_equal(all, 4);
    node_stop(&node);
}

static int stop_there(void *ctx, const char *name, struct span body, int64_t time_ms, struct err *err)
{
    (void)err;
    assert_string_equal(name, "fedi");
    assert_true(span_is(body, (const char *)ctx));
    assert_int_equal(time_ms, TIME_MS + 1);
    return 0;
}

static void files_are_bounded(void **state)
{
    (void)state;
    struct node node;
    char name[32];
    node_start(&node);
    good(lists_put_file(node.store, "fedi", SPAN_LIT("{}"), TIME_MS, &err));
    good(lists_put_file(node.store, "fedi", SPAN_LIT("{\"a\":1}"), TIME_MS + 1, &err));
    good(lists_files(node.store, "fedi", stop_there, (void *)(uintptr_t) "{\"a\":1}", &err));
    good(lists_files(node.store, NULL, stop_there, (void *)(uintptr_t) "{\"a\":1}", &err));
    for (int i = 1; i < LISTS_MAX; i++) {
        snprintf(name, sizeof name, "f%d", i);
        good(lists_put_file(node.store, name, SPAN_LIT("{}"), TIME_MS, &err));
    }
    bad(lists_put_file(node.store, "more", SPAN_LIT("{}"), TIME_MS, &err), ERR_LIMIT, "256 lists");
    good(lists_put_file(node.store, "fedi", SPAN_LIT("{}"), TIME_MS, &err)); /* one that is there may change */
    node_stop(&node);
}

static void adopting_is_bounded(void **state)
{
    (void)state;
    struct node node;
    char name[32];
    const struct list_item member = item(LIST_MEMBER, "a.example", "");
    node_start(&node);
    for (int i = 0; i < LISTS_MAX; i++) {
        snprintf(name, sizeof name, "l%d", i);
        struct list_word word = a_word(ONE, name, LIST_ADOPTED, "all");
        good(lists_say(node.store, &word, 0, &member, 1, &err));
    }
    struct list_word word = a_word(ONE, "more", LIST_ADOPTED, "all");
    bad(lists_say(node.store, &word, 0, &member, 1, &err), ERR_LIMIT, "more than 256 lists");
    expect_sets(node.store, "\n" POLICY_LISTS_LINE "\nset list:all = { a.example }\n");
    node_stop(&node);
}

static void addresses(void **state)
{
    (void)state;
    struct list_address address;
    assert_true(list_address_parse(span_str(ONE "#spam"), &address));
    assert_string_equal(address.source, ONE);
    assert_true(list_address_parse(SPAN_LIT("file#fedi"), &address));
    static const char *const wrong[] = {"",      "#",        "spam",      "file#",  "file#Spam", "one.example#spam",
                                        ONE "#", ONE "#a b", ONE "#self", "files#x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(list_address_parse(span_str(wrong[i]), &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stay),        cmocka_unit_test(two_persons),         cmocka_unit_test(one_advice_a_set),
        cmocka_unit_test(all_or_nothing),    cmocka_unit_test(questions),           cmocka_unit_test(addresses),
        cmocka_unit_test(files_are_bounded), cmocka_unit_test(adopting_is_bounded),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

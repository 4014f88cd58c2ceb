/* The policy in force, verdicts, decisions and counts, as the store keeps them. */
#include "state/node.h"

#include <sys/stat.h>

#include "state/rules.h"

static void write_file(const struct node *node, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/policy.conf", node->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static bool adopt(struct store *store)
{
    bool changed = false;
    good(rules_adopt(store, TIME_MS, NULL, &changed, &err));
    return changed;
}

static void expect_force(struct store *store, const char *text, int64_t number)
{
    const struct policy *policy;
    struct rules_version version;
    good(rules_policy(store, &policy, &version, &err));
    assert_true(span_is(policy_text(policy), text));
    assert_string_equal(version.version, policy_version(policy));
    assert_int_equal(version.number, number);
}

static void expect_trouble(struct store *store, const char *part)
{
    struct buf trouble;
    buf_init(&trouble, 65536);
    good(rules_trouble(store, &trouble, &err));
    if (!part && trouble.len > 0)
        fail_msg("trouble: %s", buf_cstr(&trouble));
    if (part && !strstr(buf_cstr(&trouble), part))
        fail_msg("trouble: \"%s\", expected \"%s\"", buf_cstr(&trouble), part);
    buf_done(&trouble);
}

static void versions(void **state)
{
    (void)state;
    struct node node;
    struct policy_errors *errors = malloc(sizeof *errors);
    bool changed;
    node_start(&node);
    struct store *other = node_handle(&node);
    expect_force(node.store, policy_builtin, 0);
    assert_false(adopt(node.store));
    write_file(&node, "hold\n");
    assert_true(adopt(node.store));
    assert_false(adopt(node.store));
    assert_false(adopt(other));
    expect_force(node.store, "hold\n", 1);
    expect_force(other, "hold\n", 1); /* another process, another thread: at its next look */
    /* One with errors changes nothing, and is told of until it is mended. */
    write_file(&node, "hold\nallow\n");
    assert_non_null(errors);
    {
        struct err err = {0};
        assert_int_equal(rules_adopt(node.store, TIME_MS, errors, &changed, &err), ERR_SYNTAX);
        assert_int_equal(errors->item[0].line, 2);
        assert_false(changed);
    }
    expect_trouble(other, "policy.conf: 2:1: found `allow`");
    expect_force(node.store, "hold\n", 1);
    node_again(&node);
    expect_force(node.store, "hold\n", 1);
    write_file(&node, "accept\n");
    assert_true(adopt(node.store));
    expect_trouble(node.store, NULL);
    expect_force(other, "accept\n", 2);
    /* What was in force can be read. */
    struct buf text;
    struct rules_version version;
    buf_init(&text, POLICY_TEXT_MAX);
    good(rules_text(node.store, 1, &text, &version, &err));
    assert_true(span_is(buf_view(&text), "hold\n"));
    assert_int_equal(version.since_ms, TIME_MS);
    bad(rules_text(node.store, 9, &text, &version, &err), ERR_NOTFOUND, "no policy version 9");
    buf_done(&text);
    char path[128];
    snprintf(path, sizeof path, "%s/policy.conf", node.dir);
    assert_int_equal(unlink(path), 0);
    assert_true(adopt(node.store));
    expect_force(node.store, policy_builtin, 3);
    assert_int_equal(mkdir(path, 0700), 0);
    bad(rules_adopt(node.store, TIME_MS, NULL, &changed, &err), ERR_REFUSED, "is no file");
    expect_trouble(node.store, "is no file");
    free(errors);
    store_close(other);
    node_stop(&node);
}

/* Whatever stands in the place of the file, or in it: it is told of, nothing waits for it, and what is in force stays. */
static void hostile_files(void **state)
{
    (void)state;
    struct node node;
    char path[128], other[160];
    bool changed;
    node_start(&node);
    write_file(&node, "hold\n");
    assert_true(adopt(node.store));
    snprintf(path, sizeof path, "%s/policy.conf", node.dir);
    snprintf(other, sizeof other, "%s/loop", node.dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    bad(rules_adopt(node.store, TIME_MS, NULL, &changed, &err), ERR_REFUSED, "is no file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/zero", path), 0);
    bad(rules_adopt(node.store, TIME_MS, NULL, &changed, &err), ERR_REFUSED, "is no file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(symlink(path, other), 0);
    bad(rules_adopt(node.store, TIME_MS, NULL, &changed, &err), ERR_IO, "policy.conf");
    expect_trouble(node.store, "policy.conf");
    assert_int_equal(unlink(path), 0);
    write_file(&node, "accept\n");
    assert_int_equal(truncate(path, POLICY_TEXT_MAX + 1), 0);
    bad(rules_adopt(node.store, TIME_MS, NULL, &changed, &err), ERR_LIMIT, "bytes, at most");
    assert_int_equal(truncate(path, 9), 0); /* "accept", a new line, two NULs */
    bad(rules_adopt(node.store, TIME_MS, NULL, &changed, &err), ERR_SYNTAX, "2:1: this character has no meaning");
    expect_force(node.store, "hold\n", 1);
    expect_trouble(node.store, "2:1");
    node_stop(&node);
}

static void applied(void **state)
{
    (void)state;
    struct node node;
    bool is = false;
    node_start(&node);
    good(rules_applied(node.store, &is, &err));
    assert_true(is);
    write_file(&node, "hold\n");
    assert_true(adopt(node.store));
    good(rules_applied(node.store, &is, &err));
    assert_false(is);
    good(store_begin(node.store, &err));
    good(rules_set_applied(node.store, 1, &err));
    good(store_commit(node.store, &err));
    good(rules_applied(node.store, &is, &err));
    assert_true(is);
    node_stop(&node);
}

static void verdicts(void **state)
{
    (void)state;
    struct node node;
    struct verdict v = {.ref = RECORD_REF(3, 7), .act = POLICY_HOLD, .line = 4, .version = 2, .time_ms = TIME_MS},
                   found;
    int64_t refs[4];
    size_t count;
    uint64_t total;
    node_start(&node);
    snprintf(v.reason, sizeof v.reason, "read first");
    bad(verdict_put(node.store, &v, &err), ERR_STATE, "");
    good(store_begin(node.store, &err));
    good(verdict_put(node.store, &v, &err));
    for (uint64_t i = 0; i < 5; i++) {
        struct verdict more = {.ref = RECORD_REF(4, i), .act = POLICY_REFUSE, .version = 2};
        good(verdict_put(node.store, &more, &err));
    }
    good(store_commit(node.store, &err));
    good(verdict_find(node.store, v.ref, &found, &err));
    assert_memory_equal(&v, &found, sizeof v);
    good(verdict_refs(node.store, POLICY_REFUSE, RECORD_REF(4, 1), refs, 2, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(refs[0], RECORD_REF(4, 2));
    good(verdict_count(node.store, POLICY_REFUSE, &total, &err));
    assert_int_equal(total, 5);
    good(store_begin(node.store, &err));
    good(verdict_remove(node.store, v.ref, &err));
    good(store_commit(node.store, &err));
    bad(verdict_find(node.store, v.ref, &found, &err), ERR_NOTFOUND, "");
    node_stop(&node);
}

/* The last word of a person counts; those before it stay. */
static void decisions(void **state)
{
    (void)state;
    struct node node;
    struct decision d = {.ref = RECORD_REF(3, 7), .act = POLICY_REFUSE, .time_ms = TIME_MS}, found;
    bool any = true;
    node_start(&node);
    good(decision_any(node.store, &any, &err));
    assert_false(any);
    snprintf(d.who, sizeof d.who, "ada");
    snprintf(d.reason, sizeof d.reason, "not ours");
    good(store_begin(node.store, &err));
    good(decision_put(node.store, &d, &err));
    d.act = POLICY_YES;
    d.reason[0] = '\0';
    good(decision_put(node.store, &d, &err));
    good(decision_set_published(node.store, d.number, RECORD_REF(1, 9), &err));
    good(store_commit(node.store, &err));
    good(decision_find(node.store, d.ref, &found, &err));
    assert_int_equal(found.act, POLICY_YES);
    assert_string_equal(found.who, "ada");
    assert_int_equal(found.published, RECORD_REF(1, 9));
    assert_int_equal(found.number, 2);
    /* By a cession nobody overrules a person, however it was before this transaction; a person overrules both. */
    d.cession = RECORD_REF(1, 4);
    good(store_begin(node.store, &err));
    bad(decision_put(node.store, &d, &err), ERR_STATE, "ada has decided here");
    d.ref = RECORD_REF(3, 8);
    good(decision_put(node.store, &d, &err));
    good(decision_put(node.store, &d, &err));
    d.cession = 0;
    good(decision_put(node.store, &d, &err));
    good(store_commit(node.store, &err));
    good(decision_any(node.store, &any, &err));
    assert_true(any);
    bad(decision_find(node.store, 5, &found, &err), ERR_NOTFOUND, "");
    node_stop(&node);
}

static void counts(void **state)
{
    (void)state;
    struct node node;
    struct policy_counts c;
    const int64_t hour = 3600000, now = 500000 * hour + 1;
    node_start(&node);
    good(store_begin(node.store, &err));
    good(rules_count(node.store, 3, now - 24 * hour, 100, 1000, &err)); /* a day ago: gone */
    good(rules_count(node.store, 3, now - 23 * hour, 1, 10, &err));
    good(rules_count(node.store, 3, now, 2, 20, &err));
    good(rules_count(node.store, 3, now + 5, 3, 30, &err));
    good(rules_count(node.store, 4, now, 50, 500, &err));
    good(store_commit(node.store, &err));
    good(rules_counts(node.store, 3, now, &c, &err));
    assert_int_equal(c.records_hour, 5);
    assert_int_equal(c.records_day, 6);
    assert_int_equal(c.bytes_hour, 50);
    assert_int_equal(c.bytes_day, 60);
    good(rules_counts(node.store, 3, now + hour, &c, &err));
    assert_int_equal(c.records_hour, 0);
    assert_int_equal(c.records_day, 5);
    good(rules_counts(node.store, 9, now, &c, &err));
    assert_int_equal(c.records_day, 0);
    node_stop(&node);
}

/* A member's row is that of its latest profile. */
static void authors(void **state)
{
    (void)state;
    struct node node;
    struct log_info log;
    const struct policy *policy;
    struct policy_bits bits;
    struct policy_known known;
    struct policy_verdict v;
    node_start(&node);
    node_member(&node, "author.example.org", true, &log);
    write_file(&node,
               "refuse enforce from @self class civil reason \"x\"\nrefuse enforce class unknown reason \"y\"\n");
    assert_true(adopt(node.store));
    good(rules_policy(node.store, &policy, NULL, &err));
    policy_known_nothing(policy, &known);
    for (int i = 0; i < 2; i++) {
        good(rules_author(node.store, policy, &log, &bits, &err));
        policy_decide(policy, POLICY_ENFORCE, &bits, NULL, &known, NULL, &v);
        assert_int_equal(v.line, 1);
    }
    log.role = LOG_MIRROR; /* it does not live here */
    good(rules_author(node.store, policy, &log, &bits, &err));
    policy_decide(policy, POLICY_ENFORCE, &bits, NULL, &known, NULL, &v);
    assert_int_equal(v.line, 0);
    log.size = 0; /* nothing of it is here yet */
    good(rules_author(node.store, policy, &log, &bits, &err));
    policy_decide(policy, POLICY_ENFORCE, &bits, NULL, &known, NULL, &v);
    assert_int_equal(v.line, 2);
    node_stop(&node);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions), cmocka_unit_test(hostile_files), cmocka_unit_test(applied),
        cmocka_unit_test(verdicts), cmocka_unit_test(decisions),     cmocka_unit_test(counts),
        cmocka_unit_test(authors),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

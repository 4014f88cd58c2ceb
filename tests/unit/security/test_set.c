/* The compiled set: only what holds, made again when something changed, safe beside others. */
#include "security/intel.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

#include "security/intel_help.h"
#include "security/set_key.h"

#define NOW_MS INT64_C(1795348800000) /* 2026-11-22T12:00:00Z */

static struct intel_set *set_of(struct index *index, int64_t now_ms)
{
    struct intel_set *set = NULL;
    struct intel_set_options options = {.now_ms = now_ms};
    good(intel_set_open(index, &options, &set, &err));
    return set;
}

/* A node that has folded one.example. */
static struct index *one_domain(struct node *node, struct made_log *a)
{
    node_start(node);
    made_begin(a, "a.example");
    made_domain(a, TLP_CLEAR, TIME_MS, 1, 0, "one.example", NULL);
    made_feed(a, node->store, a->count, true);
    struct index *index = index_of(node);
    update(index, node->store);
    return index;
}

static void keep_progress(void *ctx, uint64_t done, uint64_t total)
{
    uint64_t *last = ctx;
    assert_in_range(done, 0, total);
    last[0]++;
    last[1] = total;
}

/* Who waits for it hears how far it is; who finds it made hears nothing. */
static void tells_how_far_it_is(void **state)
{
    (void)state;
    struct node node;
    struct made_log a;
    node_start(&node);
    made_begin(&a, "a.example");
    made_domain(&a, TLP_CLEAR, TIME_MS, 1, 0, "one.example", NULL);
    made_domain(&a, TLP_CLEAR, TIME_MS, 2, 0, "two.example", NULL);
    made_feed(&a, node.store, a.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    for (int i = 0; i < 2; i++) {
        struct intel_set *set;
        uint64_t last[2] = {0};
        struct intel_set_options options = {.now_ms = NOW_MS, .progress = keep_progress, .ctx = last};
        good(intel_set_open(index, &options, &set, &err));
        assert_int_equal(sweep_set_count(intel_set_sweep(set)), 2);
        assert_int_equal(last[0], i == 0);
        assert_int_equal(last[1], i == 0 ? 2 : 0);
        intel_set_close(set);
    }
    made_end(&a);
    index_close(index);
    node_stop(&node);
}

static bool holds(const struct intel_set *set, const char *domain)
{
    struct sweep_ioc ioc;
    return sweep_set_find(intel_set_sweep(set), IOC_DOMAIN, span_str(domain), &ioc);
}

static ino_t set_inode(const struct node *node)
{
    char path[160];
    struct stat st;
    snprintf(path, sizeof(path), "%s/sweep.set", node->dir);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static void holds_what_holds(void **state)
{
    (void)state;
    struct node node;
    struct made_log a, b;
    node_start(&node);
    made_begin(&a, "a.example");
    made_begin(&b, "b.example");
    made_domain(&a, TLP_CLEAR, TIME_MS, 1, 0, "plain.example", NULL);
    made_domain(&a, TLP_CLEAR, TIME_MS, 2, 0, "revoked.example", NULL);
    made_domain(&a, TLP_CLEAR, TIME_MS, 2, 1, "revoked.example", ",\"revoked\":true");
    made_domain(&a, TLP_CLEAR, TIME_MS, 3, 5, "newer.example", NULL);
    made_domain(&a, TLP_CLEAR, TIME_MS, 3, 4, "older.example", NULL); /* came later, is older */
    made_domain(&a, TLP_CLEAR, TIME_MS, 4, 0, "expired.example", ",\"valid_until\":\"2026-11-22T11:59:59Z\"");
    made_domain(&a, TLP_CLEAR, TIME_MS, 5, 0, "expires.example", ",\"valid_until\":\"2026-11-22T12:00:01Z\"");
    made_domain(&a, TLP_CLEAR, TIME_MS, 6, 7, "same-moment-1.example", NULL);
    made_domain(&a, TLP_CLEAR, TIME_MS, 6, 7, "same-moment-2.example", NULL);
    made_domain(&a, TLP_AMBER, TIME_MS, 7, 0, "amber.example", NULL);
    made_domain(&b, TLP_CLEAR, TIME_MS, 2, 0, "revoked.example", NULL); /* its copy was not taken back */
    made_domain(&b, TLP_CLEAR, TIME_MS, 8, 0, "plain.example", NULL);
    made_feed(&a, node.store, a.count, true);
    made_feed(&b, node.store, b.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    struct intel_set *set = set_of(index, NOW_MS);
    static const struct {
        const char *domain;
        size_t tags;
    } expected[] = {{"plain.example", 2}, {"revoked.example", 1},       {"newer.example", 1},
                    {"older.example", 0}, {"expired.example", 0},       {"expires.example", 1},
                    {"amber.example", 1}, {"same-moment-1.example", 0}, {"same-moment-2.example", 1}};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        struct sweep_ioc ioc = {.tag_count = 0};
        bool found = sweep_set_find(intel_set_sweep(set), IOC_DOMAIN, span_str(expected[i].domain), &ioc);
        if (found != (expected[i].tags > 0) || ioc.tag_count != expected[i].tags)
            fail_msg("%s: %zu tags, expected %zu", expected[i].domain, ioc.tag_count, expected[i].tags);
    }
    assert_int_equal(sweep_set_count(intel_set_sweep(set)), 6);
    intel_set_close(set);
    index_close(index);
    made_end(&a);
    made_end(&b);
    node_stop(&node);
}

/* It says how much the public may see: pages need not count a million rows for that. */
static void counts_what_the_public_sees(void **state)
{
    (void)state;
    struct node node;
    struct made_log a;
    struct set_key key;
    struct intel_counts counted;
    node_start(&node);
    made_begin(&a, "a.example");
    made_domain(&a, TLP_CLEAR, TIME_MS, 1, 0, "one.example", NULL);
    made_domain(&a, TLP_CLEAR, TIME_MS, 1, 1, "one.example", NULL);
    made_domain(&a, TLP_CLEAR, TIME_MS, 2, 0, "two.example", ",\"revoked\":true");
    made_domain(&a, TLP_AMBER, TIME_MS, 3, 0, "amber.example", NULL);
    made_feed(&a, node.store, a.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    assert_false(set_key_read(index, &key));
    intel_set_close(set_of(index, NOW_MS));
    assert_true(set_key_read(index, &key));
    assert_int_equal(key.counts.objects, 2);
    assert_int_equal(key.counts.values, 2);
    assert_int_equal(key.counts.by_type[IOC_DOMAIN], 2);
    struct view everybody = public_view(node.store, index);
    good(intel_counts(&everybody, &counted, &err));
    assert_memory_equal(&counted, &key.counts, sizeof(counted));
    /* Of a small index the next count is exact at once. */
    made_domain(&a, TLP_CLEAR, TIME_MS, 4, 0, "four.example", NULL);
    made_feed(&a, node.store, a.count, true);
    update(index, node.store);
    good(intel_counts(&everybody, &counted, &err));
    assert_int_equal(counted.values, 3);
    index_close(index);
    made_end(&a);
    node_stop(&node);
}

static void is_made_when_something_changed(void **state)
{
    (void)state;
    struct node node;
    struct made_log a;
    node_start(&node);
    made_begin(&a, "a.example");
    made_domain(&a, TLP_CLEAR, TIME_MS, 1, 0, "one.example", ",\"valid_until\":\"2026-11-22T13:00:00Z\"");
    made_feed(&a, node.store, a.count, true);
    struct index *index = index_of(&node);
    struct intel_set *empty = set_of(index, NOW_MS);
    assert_int_equal(sweep_set_count(intel_set_sweep(empty)), 0);
    update(index, node.store);
    struct intel_set *one = set_of(index, NOW_MS);
    assert_true(holds(one, "one.example"));
    assert_false(holds(empty, "one.example")); /* still mapped as it was */
    intel_set_close(empty);
    intel_set_close(one);

    ino_t before = set_inode(&node);
    intel_set_close(set_of(index, NOW_MS));
    made_record(&a, "test/text", TLP_CLEAR, TIME_MS, NULL, "nothing for the set");
    made_feed(&a, node.store, a.count, true);
    update(index, node.store);
    intel_set_close(set_of(index, NOW_MS));
    assert_int_equal(set_inode(&node), before);

    struct intel_set *later = set_of(index, NOW_MS + 3600000);
    assert_false(holds(later, "one.example"));
    assert_int_not_equal(set_inode(&node), before);
    intel_set_close(later);

    /* An index made again has other counters, even if it holds as many changes. */
    before = set_inode(&node);
    good(index_rebuild(index, node.store, &err));
    intel_set_close(set_of(index, NOW_MS));
    assert_int_not_equal(set_inode(&node), before);
    index_close(index);
    made_end(&a);
    node_stop(&node);
}

static void is_made_again_when_damaged(void **state)
{
    (void)state;
    struct node node;
    struct made_log a;
    char path[160];
    struct index *index = one_domain(&node, &a);
    snprintf(path, sizeof(path), "%s/sweep.set", node.dir);
    intel_set_close(set_of(index, NOW_MS));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    static const off_t lengths[] = {0, 1, 8, 47, 48, 96};
    for (size_t i = 0; i <= sizeof(lengths) / sizeof(lengths[0]); i++) {
        int fd = open(path, O_WRONLY);
        assert_true(fd >= 0);
        if (i < sizeof(lengths) / sizeof(lengths[0]))
            assert_int_equal(ftruncate(fd, lengths[i]), 0);
        else
            assert_int_equal(pwrite(fd, "XXXXXXXXXXXXXXXX", 16, 0), 16);
        close(fd);
        struct intel_set *set = set_of(index, NOW_MS);
        assert_true(holds(set, "one.example"));
        intel_set_close(set);
    }
    /* Nothing is left aside. */
    DIR *dir = opendir(node.dir);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        assert_true(strncmp(entry->d_name, "sweep.set.", 10) != 0);
    closedir(dir);
    index_close(index);
    made_end(&a);
    node_stop(&node);
}

/* A writer that was killed leaves a file which an erasure would not reach; one that lives keeps his. */
static void leftovers_go(void **state)
{
    (void)state;
    struct node node;
    char dead[160], alive[160];
    node_start(&node);
    struct index *index = index_of(&node);
    snprintf(dead, sizeof(dead), "%s/sweep.set.aaaaaa", node.dir);
    snprintf(alive, sizeof(alive), "%s/sweep.set.bbbbbb", node.dir);
    int fd = open(dead, O_RDWR | O_CREAT, 0600), lock = open(alive, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0 && lock >= 0 && flock(lock, LOCK_EX) == 0);
    close(fd);
    intel_set_close(set_of(index, NOW_MS));
    assert_int_not_equal(access(dead, F_OK), 0);
    assert_int_equal(access(alive, F_OK), 0);
    close(lock);
    intel_set_close(set_of(index, NOW_MS));
    assert_int_not_equal(access(alive, F_OK), 0);
    index_close(index);
    node_stop(&node);
}

struct other {
    const struct node *node;
    struct made_log *log;
    bool done;
};

/* In the middle of the making another process folds a change, and removes the set as an erasure does. */
static void other_erases(void *ctx, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    struct other *other = ctx;
    char path[160];
    snprintf(path, sizeof(path), "%s/sweep.set", other->node->dir);
    if (other->done)
        return;
    other->done = true;
    struct index *index = index_of(other->node);
    made_domain(other->log, TLP_CLEAR, TIME_MS, 1, 1, "one.example", ",\"revoked\":true");
    made_feed(other->log, other->node->store, other->log->count, true);
    assert_true(update(index, other->node->store) > 0);
    index_close(index);
    unlink(path);
}

/* Whoever asked gets what the index held when it was read; no file with it stays for others. */
static void an_erasure_meanwhile_leaves_no_file(void **state)
{
    (void)state;
    struct node node;
    struct made_log a;
    struct index *index = one_domain(&node, &a);
    struct other other = {.node = &node, .log = &a};
    struct intel_set_options options = {.now_ms = NOW_MS, .progress = other_erases, .ctx = &other};
    struct intel_set *set;
    good(intel_set_open(index, &options, &set, &err));
    assert_true(other.done);
    assert_true(holds(set, "one.example"));
    assert_int_equal(set_inode(&node), 0);
    intel_set_close(set);

    set = set_of(index, NOW_MS);
    assert_false(holds(set, "one.example"));
    assert_int_not_equal(set_inode(&node), 0);
    intel_set_close(set);
    index_close(index);
    made_end(&a);
    node_stop(&node);
}

/* ---- hits ---- */

struct hits {
    const struct view *view;
    struct rows_text rows;
    size_t shown;
};

static int on_hit(void *ctx, const struct sweep_hit *hit, struct err *err)
{
    struct hits *hits = ctx;
    size_t count;
    int rc = intel_hit_rows(hits->view, hit, 10, rows_add_text, &hits->rows, &count, err);
    hits->shown += count > 0;
    return rc;
}

static void hits_are_shown_to_whom_they_may(void **state)
{
    (void)state;
    struct node node;
    struct made_log a, b;
    node_start(&node);
    made_begin(&a, "a.example");
    made_begin(&b, "b.example");
    made_domain(&a, TLP_CLEAR, TIME_MS + 5, 1, 0, "both.example", NULL);
    made_domain(&a, TLP_AMBER, TIME_MS, 2, 0, "amber.example", NULL);
    made_domain(&a, TLP_CLEAR, TIME_MS, 3, 0, "gone.example", NULL);
    made_domain(&b, TLP_CLEAR, TIME_MS, 4, 0, "both.example", NULL);
    int64_t number = made_feed(&a, node.store, a.count, true);
    made_feed(&b, node.store, b.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    struct intel_set *set = set_of(index, NOW_MS);
    good(payload_erase(node.store, number, 3, &err)); /* after the set was made */

    struct view views[] = {public_view(node.store, index), operator_view(node.store, index)};
    static const char *const expected[] = {"b/1 both.example|a/1 both.example|",
                                           "b/1 both.example|a/1 both.example|a/2 amber.example|"};
    for (size_t i = 0; i < 2; i++) {
        struct hits hits = {.view = &views[i]};
        struct sweep *sweep = sweep_new(intel_set_sweep(set), on_hit, &hits);
        assert_non_null(sweep);
        good(sweep_feed(sweep, SPAN_LIT("q www.both.example A\nq amber.example\nq gone.example\nq fine.example\n"),
                        &err));
        good(sweep_end(sweep, &err));
        assert_string_equal(hits.rows.text, expected[i]);
        assert_int_equal(hits.shown, 1 + i);
        sweep_free(sweep);
    }
    intel_set_close(set);
    index_close(index);
    made_end(&a);
    made_end(&b);
    node_stop(&node);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_far_it_is),
        cmocka_unit_test(holds_what_holds),
        cmocka_unit_test(counts_what_the_public_sees),
        cmocka_unit_test(is_made_when_something_changed),
        cmocka_unit_test(is_made_again_when_damaged),
        cmocka_unit_test(leftovers_go),
        cmocka_unit_test(an_erasure_meanwhile_leaves_no_file),
        cmocka_unit_test(hits_are_shown_to_whom_they_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

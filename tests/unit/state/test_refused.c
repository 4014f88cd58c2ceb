/*
 * What the system refuses, the node refuses with a word: no room, no descriptors, a folder that may not be written. Nothing
 * acknowledged is lost, and it goes on once it may again.
 */
#include "state/node.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

enum { DONE = 0, REFUSED = 1, NO_WORD = 2, ACCEPTED_WRONGLY = 3 };

static int in_child(const struct node *node, int64_t number, void (*limit)(const struct node *, unsigned), unsigned how)
{
    int wait_status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store_options options = {0};
        struct store *store = NULL;
        struct err err = {0};
        struct buf text;
        uint64_t first;
        buf_init(&text, PAYLOAD_MAX);
        record_make(&text, "r", 300);
        struct author_item items[600];
        for (size_t i = 0; i < 600; i++)
            items[i] = (struct author_item){buf_view(&text), true};
        limit(node, how);
        int rc = store_open(node->dir, &options, &store, &err);
        if (!rc)
            author_allow(store);
        for (int i = 0; i < 3 && !rc; i++)
            rc = author_append(store, number, items, 600, TIME_MS, &first, &err);
        store_close(store);
        _exit(!rc ? DONE : err.text[0] ? REFUSED : NO_WORD);
    }
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

/* Under each limit in turn; the node is whole after each. */
static void under(void (*limit)(const struct node *, unsigned), void (*lift)(const struct node *), unsigned from,
                  unsigned to, unsigned step)
{
    struct node node;
    struct log_info info, now;
    unsigned refused = 0, done = 0;
    node_start(&node);
    node_member(&node, "refused.example.org", true, &info);
    append_many(node.store, info.number, "r", 300, 60, true);
    uint64_t size = 301;
    for (unsigned how = from; how <= to; how += step) {
        store_close(node.store);
        int result = in_child(&node, info.number, limit, how);
        if (lift)
            lift(&node);
        if (result != DONE && result != REFUSED)
            fail_msg("limit %u: ended with %d", how, result);
        refused += result == REFUSED;
        done += result == DONE;
        node.store = node_handle(&node);
        author_allow(node.store);
        good(store_log(node.store, info.number, &now, &err));
        assert_true(now.size >= size && now.staged == now.size);
        assert_true(result != DONE || now.size >= size + 1800);
        log_verify(node.store, info.number);
        size = now.size;
        size = append_many(node.store, info.number, "r", 1, 60, true) + 1;
    }
    print_message("# %u refused, %u done\n", refused, done);
    assert_true(refused > 0);
    node_stop(&node);
}

/* No file may grow above that many kilobytes: as on a full disk, wherever the writing was. */
static void limit_size(const struct node *node, unsigned kilobytes)
{
    struct rlimit limit = {(rlim_t)kilobytes << 10, (rlim_t)kilobytes << 10};
    (void)node;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void no_room(void **state)
{
    (void)state;
    under(limit_size, NULL, 0, 9000, 300);
}

static void limit_descriptors(const struct node *node, unsigned count)
{
    struct rlimit limit = {count, count};
    (void)node;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void no_descriptors(void **state)
{
    (void)state;
    under(limit_descriptors, NULL, 3, 20, 1);
}

/* Root may write wherever it likes: whoever runs the tests as root runs this as nobody. */
static void limit_folder(const struct node *node, unsigned mode)
{
    char command[300];
    snprintf(command, sizeof command, "find %s -exec chmod a+rX,%s {} +", node->root, mode & 1 ? "a-w" : "a+w");
    shell(command);
    if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0))
        _exit(ACCEPTED_WRONGLY);
}

static void lift_folder(const struct node *node)
{
    char command[300];
    snprintf(command, sizeof command, "chmod -R u+rwX,go-rwx %s", node->root);
    shell(command);
}

static void read_only(void **state)
{
    (void)state;
    under(limit_folder, lift_folder, 1, 1, 1);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_room),
        cmocka_unit_test(no_descriptors),
        cmocka_unit_test(read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whatever was acknowledged survives a process that ends, or a disk that fails, at any step; and nothing else hurts. */
#include "state/node.h"

struct told {
    uint64_t size;
};

/* What the child does with the node; each acknowledged size is told to the parent. */
static int work(const char *dir, int64_t number, int tell)
{
    struct store_options options = {0};
    struct store *store;
    struct err err;
    static const size_t counts[] = {3, 300, 1, 250, 520, 2};
    int rc = store_open(dir, &options, &store, &err);
    if (rc)
        return rc;
    author_allow(store);
    for (size_t c = 0; c < sizeof counts / sizeof *counts && !rc; c++) {
        struct author_item items[520];
        struct buf texts[520];
        struct log_info info;
        uint64_t first = 0;
        rc = store_log(store, number, &info, &err);
        for (size_t i = 0; i < counts[c]; i++) {
            char tag[64];
            snprintf(tag, sizeof tag, "k-%llu", (unsigned long long)(info.size + i));
            buf_init(&texts[i], PAYLOAD_MAX);
            record_make(&texts[i], tag, i == 1 && c == 0 ? PAYLOAD_TAIL_MAX + 100 : 60);
            items[i] = (struct author_item){buf_view(&texts[i]), true};
        }
        if (!rc)
            rc = author_append(store, number, items, counts[c], TIME_MS, &first, &err);
        for (size_t i = 0; i < counts[c]; i++)
            buf_done(&texts[i]);
        struct told told = {first + counts[c]};
        if (!rc && write(tell, &told, sizeof told) != sizeof told)
            return -1;
        if (rc) {
            /* A write failed: nothing more may be written by this handle. */
            struct err again;
            if (store_begin(store, &again) != ERR_IO)
                _exit(8);
        }
    }
    store_close(store);
    return rc;
}

/* Runs `work` in a child that ends at step n. Returns its exit status; *acked is the last size it told. */
static int run_child(const struct node *node, int64_t number, int n, int failure, uint64_t *acked)
{
    int tell[2], wait_status;
    assert_int_equal(pipe(tell), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(tell[0]);
        steps_left = n;
        steps_errno = failure;
        disk_set_hook(step_hook, NULL);
        int rc = work(node->dir, number, tell[1]);
        _exit(rc ? 6 : steps_left <= 0 ? 5 : 0); /* 5: the failure did no harm */
    }
    close(tell[1]);
    struct told told;
    while (read(tell[0], &told, sizeof told) == sizeof told)
        *acked = told.size;
    close(tell[0]);
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_true(WIFEXITED(wait_status));
    return WEXITSTATUS(wait_status);
}

static void check_after(struct node *node, int64_t number, uint64_t acked)
{
    struct log_info info;
    node->store = node_handle(node);
    good(store_log(node->store, number, &info, &err));
    assert_true(info.size >= acked);
    assert_int_equal(info.staged, info.size);
    assert_int_equal(info.payloads, info.size - 1);
    log_verify(node->store, number);
    uint64_t from = info.size > 700 ? info.size - 700 : 1;
    for (uint64_t i = from; i < info.size; i++)
        payload_expect(node->store, number, i, "k");
    store_close(node->store);
    node->store = NULL;
}

static void every_step(int failure)
{
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "crash.example.org", true, &info);
    store_close(node.store);
    node.store = NULL;
    int n = 1, status = -1;
    for (; n < 500; n++) {
        uint64_t acked = 1;
        status = run_child(&node, info.number, n, failure, &acked);
        assert_true(status == 0 || status == (failure ? 6 : 7) || (failure && status == 5));
        check_after(&node, info.number, acked);
        if (status == 0 && acked > 1)
            break;
    }
    assert_int_equal(status, 0);
    assert_true(n > 60);
    print_message("# %d steps\n", n - 1);
    node_stop(&node);
}

static void process_ends(void **state)
{
    (void)state;
    every_step(0);
}

static void disk_fails(void **state)
{
    (void)state;
    every_step(EIO);
}

static void disk_full(void **state)
{
    (void)state;
    every_step(ENOSPC);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process_ends),
        cmocka_unit_test(disk_fails),
        cmocka_unit_test(disk_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

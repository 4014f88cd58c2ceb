/*
 * A commit that was written and not shown: its process was killed while it synced the WAL. Others do not see it as long as one
 * of them keeps the WAL's index; once all are gone whoever comes next does. Nobody may have written over its files meanwhile.
 */
#include "state/node.h"

#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>

enum at_sync { SYNC, DIE_AT_WAL, DIE_AT_FILES };

static enum at_sync at_sync = SYNC;

/* In place of the C library's, for SQLite's library as well. */
int fdatasync(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    path[len < 0 ? 0 : len] = '\0';
    bool is_database = strstr(path, "/state.db") != NULL, is_wal = strstr(path, "/state.db-wal") != NULL;
    if ((at_sync == DIE_AT_WAL && is_wal) || (at_sync == DIE_AT_FILES && !is_database))
        _exit(7);
    return (int)syscall(SYS_fdatasync, fd);
}

#define RECORDS 300 /* more than a bundle: files are written */

/* A process that appends, and ends at that sync. */
static void append_and_die(const struct node *node, int64_t number, const char *tag, enum at_sync at)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = node_handle(node);
        author_allow(store);
        at_sync = at;
        append_many(store, number, tag, RECORDS, 60, true);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

/* One that has the node open all the time, as `serve` has. */
static pid_t keep_open(const struct node *node)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = node_handle(node);
        good(store_begin(store, &err));
        good(store_put(store, "kept", SPAN_LIT("open"), &err));
        good(store_commit(store, &err));
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void whole(struct node *node, uint64_t size)
{
    struct log_info log;
    node->store = node_handle(node);
    author_allow(node->store);
    good(store_log(node->store, 1, &log, &err));
    if (log.size != size)
        fail_msg("%llu entries, expected %llu", (unsigned long long)log.size, (unsigned long long)size);
    append_many(node->store, 1, "later", 2, 60, true); /* looks at the root first */
}

static void goes_on(struct node *node, bool overwritten)
{
    struct log_info log;
    node_start(node);
    node_member(node, "a.example", true, &log);
    append_many(node->store, log.number, "before", 3, 60, true);
    store_close(node->store);
    pid_t keeper = keep_open(node);
    append_and_die(node, log.number, "unshown", DIE_AT_WAL);
    if (overwritten)
        append_and_die(node, log.number, "other", DIE_AT_FILES);
    kill(keeper, SIGKILL);
    assert_int_equal(waitpid(keeper, NULL, 0), keeper);
    whole(node, overwritten ? 4 : 4 + RECORDS);
    node_stop(node);
}

static void is_shown_when_all_are_gone(void **state)
{
    struct node node;
    (void)state;
    goes_on(&node, false);
}

static void is_void_before_its_files_are_written_over(void **state)
{
    struct node node;
    (void)state;
    goes_on(&node, true);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_shown_when_all_are_gone),
        cmocka_unit_test(is_void_before_its_files_are_written_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

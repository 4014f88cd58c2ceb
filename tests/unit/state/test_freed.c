/* What this process freed does not come to stand in a file. */
#include "state/node.h"

#include <fcntl.h>

#define MARK "MARK-of-what-was-erased"
#define BLOCKS 64

/* The heap as after many payloads: free, and full of their text. */
static void dirty_heap(void)
{
    char *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = 8192 + i * 1024;
        blocks[i] = malloc(size);
        assert_non_null(blocks[i]);
        for (size_t at = 0; at + sizeof(MARK) <= size; at += sizeof(MARK))
            memcpy(blocks[i] + at, MARK, sizeof(MARK));
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

static bool file_holds(const char *path, const char *text)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    uint8_t *bytes = malloc((size_t)st.st_size + 1);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    bool found = memmem(bytes, (size_t)st.st_size, text, strlen(text)) != NULL;
    free(bytes);
    return found;
}

/* A child that ends without closing leaves a WAL behind; its first frame is torn. */
static void leave_torn_wal(const struct node *node, const char *wal)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = node_handle(node);
        struct peer peer = {.url = "https://peer.example"};
        int64_t number;
        struct err err;
        _exit(peer_add(store, &peer, &number, &err) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    int fd = open(wal, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "torn", 4, 32 + 24 + 100), 4);
    close(fd);
}

/* SQLite makes an index of no frame, in memory that it takes as it was given, and that becomes DIR/state.db-shm. */
static void the_index_of_a_torn_wal_holds_nothing_freed(void **state)
{
    (void)state;
    struct node node;
    char wal[128], shm[128];
    node_start(&node);
    snprintf(wal, sizeof(wal), "%s/state.db-wal", node.dir);
    snprintf(shm, sizeof(shm), "%s/state.db-shm", node.dir);
    store_close(node.store);
    leave_torn_wal(&node, wal);
    dirty_heap();
    struct store_options options = {.read_only = true};
    good(store_open(node.dir, &options, &node.store, &err));
    assert_false(file_holds(shm, MARK));
    node_stop(&node);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_of_a_torn_wal_holds_nothing_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * A byte of any file is another one: the node says so, or goes on with what is right; it gives no wrong entry, no payload
 * that does not fit its seal, and above all signs no second history.
 */
#include "state/node.h"

#define SAMPLES 40 /* places a file, besides its ends */

static struct node node;
static struct log_info info;
static struct buf entries; /* as they are, in bundle form */
static uint64_t chance = 1;

static uint64_t draw(uint64_t below)
{
    chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (chance >> 33) % below;
}

static int start(void **state)
{
    (void)state;
    node_start(&node);
    node_member(&node, "damage.example.org", true, &info);
    append_many(node.store, info.number, "d", 600, 60, true);
    append_many(node.store, info.number, "d", 1, PAYLOAD_TAIL_MAX + 100, true);
    append_many(node.store, info.number, "d", 20, 60, true);
    good(author_erase(node.store, info.number, 300, TIME_MS, &err));
    good(store_log(node.store, info.number, &info, &err));
    buf_init(&entries, 1u << 20);
    good(store_read_entries(node.store, info.number, 0, (size_t)info.size, &entries, &err));
    store_close(node.store);
    node.store = NULL;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    buf_done(&entries);
    node_stop(&node);
    return 0;
}

/* ---- in a process of its own: 0 all is well, 3 it was noticed; anything else is a broken promise ---- */

enum { WELL = 0, NOTICED = 3, WRONG_ENTRY = 4, WRONG_PAYLOAD = 5, FORKED = 6, NO_WORD = 7 };

static int noticed(const struct err *err)
{
    return err->text[0] ? NOTICED : NO_WORD;
}

static int look_at(struct store *store, uint64_t index, struct span entry)
{
    struct buf got, item;
    struct err err = {0};
    struct payload_item payload;
    int status = WELL;
    buf_init(&got, ENTRY_MAX + 2);
    buf_init(&item, PAYLOAD_MAX + 64);
    if (store_read_entry(store, info.number, index, &got, &err) != 0)
        status = noticed(&err);
    else if (!span_eq(buf_view(&got), entry))
        status = WRONG_ENTRY;
    int rc = payload_read(store, info.number, index, &item, NULL, &err);
    if (rc && rc != ERR_NOTFOUND && status == WELL)
        status = noticed(&err);
    struct payload_reader reader = {buf_view(&item), 0};
    /* Whoever shows a payload compares it with its seal (test_view): here it is enough that the seal tells. */
    if (!rc && payload_next(&reader, &payload, &err) == 1 && !payload.hole &&
        seal_check(span_str(info.origin), entry, payload.salt, payload.payload, &err) != 0 && status == WELL)
        status = NOTICED;
    buf_done(&got);
    buf_done(&item);
    return status;
}

/* What is signed now must be a continuation of what was signed before. */
static int go_on(struct store *store)
{
    struct log_info now;
    struct err err = {0};
    struct buf text, entry;
    uint64_t first;
    buf_init(&text, PAYLOAD_MAX);
    buf_init(&entry, ENTRY_MAX + 2);
    record_make(&text, "d", 50);
    struct author_item item = {.text = buf_view(&text), .clear = true};
    if (author_append(store, info.number, &item, 1, TIME_MS, &first, &err) != 0)
        return noticed(&err);
    struct tlog_edge edge;
    struct tlog_hash leaf, root;
    struct bundle_reader reader = {buf_view(&entries), 0};
    struct span old;
    tlog_edge_init(&edge);
    while (bundle_next(&reader, &old, &err) == 1) {
        tlog_leaf_hash(old, &leaf);
        tlog_edge_append(&edge, &leaf);
    }
    if (store_log(store, info.number, &now, &err) != 0 ||
        store_read_entry(store, info.number, now.size - 1, &entry, &err) != 0)
        return noticed(&err);
    tlog_leaf_hash(buf_view(&entry), &leaf);
    tlog_edge_append(&edge, &leaf);
    tlog_edge_root(&edge, &root);
    buf_done(&text);
    buf_done(&entry);
    return now.size == edge.size && tlog_hash_eq(&root, &now.root) ? WELL : FORKED;
}

static int live(const char *dir)
{
    struct store_options options = {0};
    struct store *store;
    struct err err = {0};
    if (store_open(dir, &options, &store, &err) != 0)
        return noticed(&err);
    author_allow(store);
    struct bundle_reader reader = {buf_view(&entries), 0};
    struct span entry;
    int status = WELL;
    for (uint64_t i = 0; bundle_next(&reader, &entry, &err) == 1; i++) {
        int found = look_at(store, i, entry);
        if (found > NOTICED)
            return found;
        status = found ? found : status;
    }
    int signing = go_on(store);
    store_close(store);
    return signing > NOTICED ? signing : signing || status ? NOTICED : WELL;
}

/* ---- every file ---- */

static void copy_node(const char *to)
{
    char command[400];
    snprintf(command, sizeof command, "rm -rf %s && cp -r %s %s", to, node.dir, to);
    shell(command);
}

static unsigned seen[NOTICED + 1];

static void damage(const char *copy, const char *name, long at, int change)
{
    char path[400];
    copy_node(copy);
    snprintf(path, sizeof path, "%s/%s", copy, name);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    int c = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    fputc(c ^ change, file);
    fclose(file);
    int wait_status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(live(copy));
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) > NOTICED)
        fail_msg("%s, byte %ld ^ %02x: %s %d", name, at, (unsigned)change, WIFEXITED(wait_status) ? "status" : "signal",
                 WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : WTERMSIG(wait_status));
    seen[WEXITSTATUS(wait_status)]++;
}

static void any_byte_of(const char *name)
{
    char path[300], copy[160];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", node.dir, name);
    snprintf(copy, sizeof copy, "%s/copy", node.root);
    assert_int_equal(stat(path, &st), 0);
    memset(seen, 0, sizeof seen);
    damage(copy, name, 0, 1);
    damage(copy, name, st.st_size - 1, 1);
    for (int i = 0; i < SAMPLES; i++)
        damage(copy, name, (long)draw((uint64_t)st.st_size), 1 << draw(8));
    print_message("# %s: %u noticed, %u without effect\n", name, seen[NOTICED], seen[WELL]);
}

static void file_of_log(const char *folder, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s/%s", folder, info.hex, name);
    any_byte_of(path);
}

static void log_files(void **state)
{
    (void)state;
    file_of_log("logs", "entries");
    file_of_log("logs", "bundles");
    file_of_log("logs", "hashes.0");
    file_of_log("logs", "hashes.1");
    assert_true(seen[NOTICED] == 42); /* each of its bytes is part of the root */
}

static void payload_files(void **state)
{
    (void)state;
    file_of_log("payloads", "data");
    file_of_log("payloads", "slots");
    assert_true(seen[NOTICED] == 42); /* the upper byte of each is a sum of all */
}

static void state_db(void **state)
{
    (void)state;
    any_byte_of("state.db");
}

static void key_file(void **state)
{
    (void)state;
    char name[100];
    snprintf(name, sizeof name, "keys/%s.key", info.hex);
    any_byte_of(name);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_files),
        cmocka_unit_test(payload_files),
        cmocka_unit_test(state_db),
        cmocka_unit_test(key_file),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

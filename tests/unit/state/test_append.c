#include "index/made_log.h"

#include "base/random.h"

static void sizes(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 254, 1, 1, 255, 257, 256, 512, 1000, 3};
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "sizes.example.org", true, &info);
    uint64_t size = 1;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint64_t first = append_many(node.store, info.number, "s", counts[i], 40 + 100 * i, i % 2 == 0);
        assert_int_equal(first, size);
        size += counts[i];
        log_verify(node.store, info.number);
        payload_expect(node.store, info.number, first, "s");
        payload_expect(node.store, info.number, size - 1, "s");
        payload_expect(node.store, info.number, size / 2, "s");
    }
    node_again(&node);
    log_verify(node.store, info.number);
    for (uint64_t i = 1; i < size; i += 7)
        payload_expect(node.store, info.number, i, "s");
    good(store_log(node.store, info.number, &info, &err));
    assert_int_equal(info.payloads, size - 1);
    node_stop(&node);
}

/* 70,000 entries of the tree that the standard's text takes as its example, in batches of uneven size. */
static void seventy_thousand(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    struct tlog_edge edge;
    struct tlog_hash root, want, hash;
    node_start(&node);
    node_member(&node, "big.example.org", true, &info);
    struct buf bundle, entry;
    buf_init(&bundle, 64u << 20);
    buf_init(&entry, ENTRY_MAX + 2);
    good(store_read_entry(node.store, info.number, 0, &entry, &err));
    tlog_edge_init(&edge);
    tlog_leaf_hash(buf_view(&entry), &hash);
    tlog_edge_append(&edge, &hash);
    uint64_t size = 1;
    static uint8_t texts[20000][12];
    static struct store_entry entries[20000];
    while (size < 70000) {
        size_t count = size * 7 % 19937 + 1;
        if (count > 70000 - size)
            count = (size_t)(70000 - size);
        for (size_t i = 0; i < count; i++) {
            int len = snprintf((char *)texts[i], sizeof texts[i], "%llu", (unsigned long long)(size + i));
            entries[i] = (struct store_entry){.entry = span_of(texts[i], (size_t)len)};
            tlog_leaf_hash(entries[i].entry, &hash);
            tlog_edge_append(&edge, &hash);
        }
        good(store_begin(node.store, &err));
        good(store_add(node.store, info.number, entries, count, &err));
        good(store_commit(node.store, &err));
        size += count;
    }
    uint64_t staged;
    good(store_staged_root(node.store, info.number, &staged, &root, &err));
    tlog_edge_root(&edge, &want);
    assert_int_equal(staged, 70000);
    assert_memory_equal(root.b, want.b, 32);
    /* Beyond the head nobody reads. */
    bad(store_read_entry(node.store, info.number, 1, &entry, &err), ERR_NOTFOUND, "has 1 entries");
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/logs/%s/hashes.0", node.dir, info.hex);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 273 * 8192);
    snprintf(path, sizeof path, "%s/logs/%s/hashes.1", node.dir, info.hex);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 273 * 32);
    snprintf(path, sizeof path, "%s/logs/%s/hashes.2", node.dir, info.hex);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 32);
    /* A proof at every level. */
    struct tlog_source source;
    struct tlog_proof proof;
    good(store_source(node.store, info.number, &source, &err));
    for (uint64_t i = 1; i < 70000; i += 6999) {
        char text[12];
        int len = snprintf(text, sizeof text, "%llu", (unsigned long long)i);
        tlog_leaf_hash(span_of(text, (size_t)len), &hash);
        good(tlog_prove_inclusion(&source, i, 70000, &proof, &err));
        good(tlog_verify_inclusion(i, 70000, &hash, &proof, &want, &err));
        good(tlog_prove_consistency(&source, i, 70000, &proof, &err));
        good(tlog_root(&source, i, &root, &err));
        good(tlog_verify_consistency(i, 70000, &root, &want, &proof, &err));
    }
    buf_done(&bundle);
    buf_done(&entry);
    node_stop(&node);
}

static void limits(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "limits.example.org", true, &info);
    static uint8_t big[ENTRY_MAX + 1] = {'x'};
    struct store_entry entry = {.entry = span_of(big, sizeof big)};
    bad(store_add(node.store, info.number, &entry, 1, &err), ERR_STATE, "outside of a transaction");
    good(store_begin(node.store, &err));
    bad(store_begin(node.store, &err), ERR_STATE, "open already");
    bad(store_add(node.store, info.number, &entry, 1, &err), ERR_LIMIT, "65536 bytes");
    entry.entry.len = 0;
    bad(store_add(node.store, info.number, &entry, 1, &err), ERR_LIMIT, "0 bytes");
    entry.entry.len = ENTRY_MAX;
    entry.payload = span_str("payload");
    entry.salt = span_of(big, SEAL_SALT);
    bad(store_add(node.store, info.number, &entry, 1, &err), ERR_SYNTAX, "is no seal");
    bad(store_add(node.store, 77, &entry, 1, &err), ERR_NOTFOUND, "number 77");
    entry.payload = (struct span){0};
    good(store_add(node.store, info.number, &entry, 1, &err));
    store_rollback(node.store);
    good(store_log(node.store, info.number, &info, &err));
    assert_int_equal(info.staged, 1);
    node_stop(&node);
}

/* Entries as large as they may be, over a bundle's end: 16 MiB of bundle. */
static void largest(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "largest.example.org", true, &info);
    static uint8_t big[ENTRY_MAX];
    static struct store_entry entries[300];
    random_bytes(big, sizeof big);
    for (size_t i = 0; i < 300; i++)
        entries[i].entry = span_of(big, sizeof big - i % 3);
    good(store_begin(node.store, &err));
    good(store_add(node.store, info.number, entries, 300, &err));
    good(store_commit(node.store, &err));
    uint64_t size;
    struct tlog_hash root;
    good(store_staged_root(node.store, info.number, &size, &root, &err));
    assert_int_equal(size, 301);
    node_again(&node);
    good(store_begin(node.store, &err));
    good(store_unstage(node.store, info.number, &err));
    good(store_commit(node.store, &err));
    log_verify(node.store, info.number);
    node_stop(&node);
}

/* Thrown away is what lies behind the head, wherever the files' border is; then the log goes on as if never there. */
static void unstage(void **state)
{
    (void)state;
    static const size_t heads[] = {0, 100, 254, 255, 256, 300, 600}, ahead[] = {1, 200, 256, 700};
    static struct store_entry junk[700];
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        struct node node;
        struct log_info info, after;
        node_start(&node);
        node_member(&node, "unstage.example.org", true, &info);
        if (heads[h])
            append_many(node.store, info.number, "u", heads[h], 50, true);
        good(store_log(node.store, info.number, &info, &err));
        for (size_t a = 0; a < sizeof ahead / sizeof *ahead; a++) {
            for (size_t i = 0; i < ahead[a]; i++)
                junk[i].entry = SPAN_LIT("a liar's entry");
            good(store_begin(node.store, &err));
            good(store_add(node.store, info.number, junk, ahead[a], &err));
            good(store_commit(node.store, &err));
            good(store_begin(node.store, &err));
            good(store_unstage(node.store, info.number, &err));
            good(store_commit(node.store, &err));
            good(store_log(node.store, info.number, &after, &err));
            assert_int_equal(after.staged, info.size);
            assert_int_equal(after.bytes, info.bytes);
            assert_int_equal(after.payloads, info.payloads);
            log_verify(node.store, info.number);
        }
        append_many(node.store, info.number, "u", 600, 50, true);
        node_again(&node);
        log_verify(node.store, info.number);
        for (uint64_t i = 1; i < info.size + 600; i += 13)
            payload_expect(node.store, info.number, i, "u");
        node_stop(&node);
    }
}

static void tile_files(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    struct buf bundle, bytes;
    struct tile_bytes got = {.out = &bytes};
    node_start(&node);
    node_member(&node, "tiles.example.org", true, &info);
    append_many(node.store, info.number, "t", 599, 50, true);
    good(store_log(node.store, info.number, &info, &err));
    buf_init(&bundle, BUNDLE_MAX);
    buf_init(&bytes, BUNDLE_MAX);
    const struct tile tiles[] = {{TILE_LEVEL_ENTRIES, 1, 256}, {TILE_LEVEL_ENTRIES, 1, 77}};
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&bundle);
        buf_clear(&bytes);
        good(store_read_entries(node.store, info.number, 256, tiles[i].width, &bundle, &err));
        good(store_tile_file(node.store, &info, &tiles[i], &got, &err));
        assert_int_equal(got.fd, -1);
        assert_int_equal(bytes.len, bundle.len);
        assert_memory_equal(bytes.data, bundle.data, bytes.len);
    }
    struct tlog_source source;
    struct tlog_hash hashes[256];
    good(store_source(node.store, info.number, &source, &err));
    const struct tile leaves = {0, 1, 256}, nodes = {1, 0, 2};
    good(source.read(source.ctx, 0, 256, 256, hashes, &err));
    buf_clear(&bytes);
    good(store_tile_file(node.store, &info, &leaves, &got, &err));
    assert_int_equal(bytes.len, 8192);
    assert_memory_equal(hashes, bytes.data, 8192);
    good(source.read(source.ctx, 1, 0, 2, hashes, &err));
    good(store_tile_file(node.store, &info, &nodes, &got, &err));
    assert_int_equal(bytes.len, 8192 + 64);
    assert_memory_equal(hashes, bytes.data + 8192, 64);
    const struct tile missing[] = {{0, 2, 88}, {0, 3, 1}, {TILE_LEVEL_ENTRIES, 2, 3}, {1, 0, 3}, {9, 0, 1}};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        bad(store_tile_file(node.store, &info, &missing[i], &got, &err), ERR_NOTFOUND, "not in a file");
    buf_done(&bundle);
    buf_done(&bytes);
    node_stop(&node);
}

/* A bundle that is large stays in its file until it is sent. */
static void large_bundles(void **state)
{
    (void)state;
    struct node node;
    struct made_log log;
    struct buf bundle, bytes;
    struct tile_bytes got = {.out = &bytes};
    static char text[1001];
    memset(text, 'x', 1000);
    node_start(&node);
    made_begin(&log, "large.example.org");
    for (int i = 0; i < 300; i++)
        made_raw(&log, span_str(text));
    struct log_info info;
    good(store_log(node.store, made_feed(&log, node.store, log.count, true), &info, &err));
    buf_init(&bundle, BUNDLE_MAX);
    buf_init(&bytes, BUNDLE_MAX);
    good(store_read_entries(node.store, info.number, 0, 256, &bundle, &err));
    assert_true(bundle.len > TILE_COPY_MAX);
    good(store_tile_file(node.store, &info, &(struct tile){TILE_LEVEL_ENTRIES, 0, 256}, &got, &err));
    assert_int_equal(bytes.len, 0);
    assert_int_equal(got.len, bundle.len);
    uint8_t *to = buf_room(&bytes, got.len);
    assert_non_null(to);
    assert_int_equal(pread(got.fd, to, got.len, (off_t)got.offset), got.len);
    assert_memory_equal(bundle.data, bytes.data, bundle.len);
    close(got.fd);
    buf_done(&bundle);
    buf_done(&bytes);
    made_end(&log);
    node_stop(&node);
}

/* Every range over the border between files and tail reads as its parts do. */
static void ranges(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "ranges.example.org", true, &info);
    append_many(node.store, info.number, "r", 899, 30, true);
    struct buf all, part;
    buf_init(&all, 1u << 20);
    buf_init(&part, 1u << 20);
    good(store_read_entries(node.store, info.number, 0, 900, &all, &err));
    for (uint64_t first = 0; first < 900; first += 31) {
        for (size_t count = 0; count <= 900 - first; count += 67) {
            buf_clear(&part);
            good(store_read_entries(node.store, info.number, 0, (size_t)first, &part, &err));
            good(store_read_entries(node.store, info.number, first, count, &part, &err));
            good(
                store_read_entries(node.store, info.number, first + count, (size_t)(900 - first - count), &part, &err));
            assert_int_equal(part.len, all.len);
            assert_memory_equal(part.data, all.data, all.len);
        }
    }
    bad(store_read_entries(node.store, info.number, 899, 2, &part, &err), ERR_NOTFOUND, "has 900 entries");
    bad(store_read_entries(node.store, info.number, UINT64_MAX, 1, &part, &err), ERR_NOTFOUND, "has 900 entries");
    buf_done(&all);
    buf_done(&part);
    node_stop(&node);
}

/* A second process reads while this one writes: what it sees is always a whole head. */
static void reader_beside(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    int tell[2], wait_status;
    node_start(&node);
    node_member(&node, "beside.example.org", true, &info);
    append_many(node.store, info.number, "b", 5, 50, true);
    assert_int_equal(pipe(tell), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(tell[1]);
        struct store_options options = {.read_only = true};
        struct store *store;
        struct err err;
        char byte;
        if (store_open(node.dir, &options, &store, &err) != 0)
            _exit(1);
        if (store_begin(store, &err) != ERR_STATE)
            _exit(2);
        /* Until the writer closes its end. */
        for (;;) {
            struct log_info seen;
            if (store_log(store, info.number, &seen, &err) != 0)
                _exit(3);
            log_verify(store, info.number);
            for (uint64_t i = seen.size > 40 ? seen.size - 40 : 1; i < seen.size; i++)
                payload_expect(store, info.number, i, "b");
            if (seen.size >= 2000 && read(tell[0], &byte, 1) == 0)
                break;
        }
        store_close(store);
        _exit(0);
    }
    close(tell[0]);
    for (uint64_t size = 6; size < 2000;) {
        size_t count = size % 61 + 1;
        append_many(node.store, info.number, "b", count, 50, true);
        size += count;
    }
    close(tell[1]);
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_int_equal(wait_status, 0);
    node_stop(&node);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),         cmocka_unit_test(seventy_thousand), cmocka_unit_test(limits),
        cmocka_unit_test(largest),       cmocka_unit_test(unstage),          cmocka_unit_test(tile_files),
        cmocka_unit_test(large_bundles), cmocka_unit_test(ranges),           cmocka_unit_test(reader_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "state/node.h"

#include "base/random.h"

/* A node that holds the log of another without any payload. */
static void mirror_of(struct node *from, int64_t number, struct node *to, struct log_info *ret)
{
    struct log_info info;
    struct buf bundle, note;
    uint64_t count;
    buf_init(&bundle, 64u << 20);
    buf_init(&note, NOTE_MAX);
    good(store_log(from->store, number, &info, &err));
    good(store_read_entries(from->store, number, 0, (size_t)info.size, &bundle, &err));
    good(store_checkpoint(from->store, number, &note, &err));
    struct log_new log = {.origin = span_str(info.origin), .role = LOG_MIRROR, .mode = MODE_FULL};
    int64_t here;
    good(store_begin(to->store, &err));
    good(store_log_create(to->store, &log, &here, &err));
    good(mirror_stage(to->store, here, buf_view(&bundle), &count, &err));
    good(mirror_finish(to->store, here, buf_view(&note), &err));
    good(store_commit(to->store, &err));
    good(store_log(to->store, here, ret, &err));
    buf_done(&bundle);
    buf_done(&note);
}

static void payload_parts(struct store *store, int64_t number, uint64_t index, struct buf *item)
{
    buf_clear(item);
    good(payload_read(store, number, index, item, NULL, &err));
}

#define PARTS(item) span_of((item).data + 4, SEAL_SALT), span_of((item).data + 36, (item).len - 36)

static void arriving_later(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own, mirror, now;
    node_start(&a);
    node_start(&b);
    node_member(&a, "author.example.org", true, &own);
    append_many(a.store, own.number, "p", 700, 200, true);
    mirror_of(&a, own.number, &b, &mirror);
    struct buf item;
    uint64_t wanted;
    unsigned flags;
    buf_init(&item, PAYLOAD_MAX + 64);
    good(payload_next_wanted(b.store, mirror.number, 0, &wanted, &err));
    assert_int_equal(wanted, 1); /* entry 0 stands inline */
    good(payload_flags(b.store, mirror.number, 0, &flags, &err));
    assert_int_equal(flags, SLOT_INLINE);
    bad(payload_read(b.store, mirror.number, 3, &item, &flags, &err), ERR_NOTFOUND, "not held");
    assert_int_equal(flags, 0);
    /* In files and in the tail, small and known to be asked in any order; every second one clear. */
    static const uint64_t order[] = {699, 5, 255, 256, 511, 512, 650, 1, 600, 254};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        payload_parts(a.store, own.number, order[i], &item);
        good(store_begin(b.store, &err));
        good(payload_put(b.store, mirror.number, order[i], PARTS(item), i % 2 == 0, &err));
        payload_expect(b.store, mirror.number, order[i], "p");
        good(payload_put(b.store, mirror.number, order[i], PARTS(item), i % 2 == 0, &err));
        good(store_commit(b.store, &err));
        payload_expect(b.store, mirror.number, order[i], "p");
        good(payload_flags(b.store, mirror.number, order[i], &flags, &err));
        assert_int_equal(flags, SLOT_HELD | (i % 2 == 0 ? SLOT_CLEAR : 0));
    }
    good(store_log(b.store, mirror.number, &now, &err));
    assert_int_equal(now.payloads, 10);
    assert_true(now.seq > mirror.seq);
    good(payload_next_wanted(b.store, mirror.number, 0, &wanted, &err));
    assert_int_equal(wanted, 2);
    good(payload_next_wanted(b.store, mirror.number, 699, &wanted, &err));
    assert_int_equal(wanted, 701 - 1);
    /* What does not fit the seal. */
    payload_parts(a.store, own.number, 7, &item);
    good(store_begin(b.store, &err));
    bad(payload_put(b.store, mirror.number, 8, PARTS(item), true, &err), ERR_VERIFY, "payload of entry 8");
    bad(payload_put(b.store, mirror.number, 0, PARTS(item), true, &err), ERR_SYNTAX, "payload of entry 0");
    bad(payload_put(b.store, mirror.number, 701, PARTS(item), true, &err), ERR_NOTFOUND, "701");
    good(payload_refuse(b.store, mirror.number, 2, &err));
    good(payload_refuse(b.store, mirror.number, 1, &err));
    good(payload_refuse(b.store, mirror.number, 690, &err));
    good(store_commit(b.store, &err));
    good(payload_flags(b.store, mirror.number, 2, &flags, &err));
    assert_int_equal(flags, SLOT_REFUSED);
    good(payload_flags(b.store, mirror.number, 690, &flags, &err));
    assert_int_equal(flags, SLOT_REFUSED);
    payload_expect(b.store, mirror.number, 1, "p");
    good(payload_next_wanted(b.store, mirror.number, 0, &wanted, &err));
    assert_int_equal(wanted, 3);
    buf_done(&item);
    node_stop(&a);
    node_stop(&b);
}

/* The items of [first, first + count): 'x' where there is one, '-' for a hole. */
static void bundle_shape(struct store *store, int64_t number, uint64_t first, size_t count, bool clear_only, char *out)
{
    struct buf items;
    struct payload_item item;
    size_t covered;
    buf_init(&items, PAYLOAD_BUNDLE_MAX);
    good(payload_read_bundle(store, number, first, count, clear_only, &items, &covered, &err));
    assert_int_equal(covered, count);
    struct payload_reader reader = {buf_view(&items), 0};
    struct err ignored;
    while (payload_next(&reader, &item, &ignored) == 1)
        *out++ = item.hole ? '-' : 'x';
    *out = '\0';
    buf_done(&items);
}

/* What policy holds is here, is not wanted, is a hole for everybody and counts for nothing until it is released. */
static void waiting(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own, mirror, before, now;
    char shape[8];
    unsigned flags;
    uint64_t wanted;
    node_start(&a);
    node_start(&b);
    node_member(&a, "author.example.org", true, &own);
    append_many(a.store, own.number, "p", 300, 200, true);
    mirror_of(&a, own.number, &b, &mirror);
    struct buf item;
    buf_init(&item, PAYLOAD_MAX + 64);
    static const uint64_t at[] = {1, 2, 3, 290, 291}; /* in files, and rows of the tail */
    good(store_begin(b.store, &err));
    for (size_t i = 0; i < 5; i++) {
        size_t kept = 0;
        payload_parts(a.store, own.number, at[i], &item);
        struct payload_new one = {at[i], PARTS(item), true, i != 1};
        good(payload_put_many(b.store, mirror.number, &one, 1, &kept, &err));
        assert_int_equal(kept, 1);
    }
    good(store_commit(b.store, &err));
    good(store_log(b.store, mirror.number, &before, &err));
    assert_int_equal(before.payloads, 1);
    assert_int_equal(before.arrived, 1);
    good(payload_flags(b.store, mirror.number, 1, &flags, &err));
    assert_int_equal(flags, SLOT_HELD | SLOT_WAITING);
    for (int clear = 0; clear < 2; clear++) {
        bundle_shape(b.store, mirror.number, 1, 3, clear, shape);
        assert_string_equal(shape, "-x-");
        bundle_shape(b.store, mirror.number, 290, 2, clear, shape);
        assert_string_equal(shape, "--");
    }
    good(payload_next_wanted(b.store, mirror.number, 1, &wanted, &err));
    assert_int_equal(wanted, 4);
    payload_expect(b.store, mirror.number, 3, "p"); /* for whoever decides */
    good(store_begin(b.store, &err));
    bad(payload_release(b.store, mirror.number, 2, true, &err), ERR_NOTFOUND, "does not wait");
    bad(payload_await(b.store, mirror.number, 1, &err), ERR_NOTFOUND, "not held");
    good(payload_release(b.store, mirror.number, 1, true, &err));
    good(payload_release(b.store, mirror.number, 290, false, &err));
    good(payload_await(b.store, mirror.number, 2, &err));
    good(store_commit(b.store, &err));
    bundle_shape(b.store, mirror.number, 1, 3, true, shape);
    assert_string_equal(shape, "x--");
    bundle_shape(b.store, mirror.number, 290, 2, true, shape);
    assert_string_equal(shape, "--");
    bundle_shape(b.store, mirror.number, 290, 2, false, shape);
    assert_string_equal(shape, "x-");
    good(store_log(b.store, mirror.number, &now, &err));
    assert_int_equal(now.payloads, 2);
    assert_int_equal(now.arrived, 3);
    assert_true(now.seq > before.seq);
    buf_done(&item);
    node_stop(&a);
    node_stop(&b);
}

static void expect_nowhere(const struct node *node, const char *text)
{
    char command[256];
    snprintf(command, sizeof command, "! grep -rqaF '%s' %s", text, node->dir);
    shell(command);
}

static int fails(void *ctx, struct err *err)
{
    (void)ctx;
    return err_set(err, ERR_REFUSED, "not now");
}

/* What is turned away leaves no byte, whatever it was before, and may come back once it is forgiven. */
static void turned_away(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own, mirror, now;
    unsigned flags;
    node_start(&a);
    node_start(&b);
    node_member(&a, "author.example.org", true, &own);
    append_many(a.store, own.number, "tag", 300, 200, true);
    mirror_of(&a, own.number, &b, &mirror);
    struct buf item;
    buf_init(&item, PAYLOAD_MAX + 64);
    static const uint64_t at[] = {1, 2, 290, 291, 100};
    int64_t refs[5];
    for (size_t i = 0; i < 5; i++) {
        size_t kept = 0;
        refs[i] = RECORD_REF(mirror.number, at[i]);
        payload_parts(a.store, own.number, at[i], &item);
        struct payload_new one = {at[i], PARTS(item), true, i % 2 == 0};
        good(store_begin(b.store, &err));
        if (i < 4)
            good(payload_put_many(b.store, mirror.number, &one, 1, &kept, &err));
        good(store_commit(b.store, &err));
    }
    struct payload_away all = {refs, 5, fails, NULL};
    bad(payload_turn_away(b.store, &all, &err), ERR_REFUSED, "not now");
    good(payload_flags(b.store, mirror.number, 1, &flags, &err));
    assert_int_equal(flags, SLOT_HELD | SLOT_WAITING); /* what is written with it failed: nothing was done */
    all.with = NULL;
    good(payload_turn_away(b.store, &all, &err));
    good(payload_turn_away(b.store, &all, &err));
    for (size_t i = 0; i < 5; i++) {
        good(payload_flags(b.store, mirror.number, at[i], &flags, &err));
        assert_int_equal(flags, SLOT_REFUSED);
    }
    good(store_log(b.store, mirror.number, &now, &err));
    assert_int_equal(now.payloads, 0);
    assert_int_equal(now.bytes, mirror.bytes);
    expect_nowhere(&b, "tag-");
    good(store_begin(b.store, &err));
    good(payload_forgive(b.store, mirror.number, 1, &err));
    good(payload_forgive(b.store, mirror.number, 3, &err));
    payload_parts(a.store, own.number, 1, &item);
    good(payload_put(b.store, mirror.number, 1, PARTS(item), true, &err));
    good(store_commit(b.store, &err));
    payload_expect(b.store, mirror.number, 1, "tag");
    good(payload_erase(b.store, mirror.number, 1, &err));
    all.count = 1;
    good(payload_turn_away(b.store, &all, &err));
    good(payload_flags(b.store, mirror.number, 1, &flags, &err));
    assert_int_equal(flags, SLOT_ERASED);
    buf_done(&item);
    node_stop(&a);
    node_stop(&b);
}

/* A payload given up in a transaction leaves nothing, in the file neither. */
static void rolled_back(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own, mirror, now;
    node_start(&a);
    node_start(&b);
    node_member(&a, "author.example.org", true, &own);
    append_many(a.store, own.number, "p", 400, 200, true);
    mirror_of(&a, own.number, &b, &mirror);
    struct buf item;
    char path[256];
    struct stat st;
    buf_init(&item, PAYLOAD_MAX + 64);
    payload_parts(a.store, own.number, 9, &item);
    good(store_begin(b.store, &err));
    good(payload_put(b.store, mirror.number, 9, PARTS(item), true, &err));
    store_rollback(b.store);
    snprintf(path, sizeof path, "%s/payloads/%s/data", b.dir, mirror.hex);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
    good(store_log(b.store, mirror.number, &now, &err));
    assert_int_equal(now.payloads, 0);
    assert_int_equal(now.bytes, mirror.bytes);
    assert_null(payload_text(b.store, mirror.number, 9));
    buf_done(&item);
    node_stop(&a);
    node_stop(&b);
}

/* Slots wait in state.db and move to the file by thousands; nobody sees a difference. */
static void settling(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own, mirror;
    node_start(&a);
    node_start(&b);
    node_member(&a, "author.example.org", true, &own);
    append_many(a.store, own.number, "p", 9000, 30, true);
    mirror_of(&a, own.number, &b, &mirror);
    struct buf item;
    buf_init(&item, PAYLOAD_MAX + 64);
    uint64_t index = 1;
    while (index <= 8960) {
        good(store_begin(b.store, &err));
        for (uint64_t end = index + 2000; index < end && index <= 8960; index++) {
            payload_parts(a.store, own.number, index, &item);
            good(payload_put(b.store, mirror.number, index, PARTS(item), true, &err));
        }
        good(store_commit(b.store, &err));
    }
    good(store_begin(b.store, &err));
    good(store_commit(b.store, &err));
    sqlite3_stmt *count;
    assert_int_equal(sqlite3_prepare_v2(store_db(b.store), "SELECT count(*) FROM slot", -1, &count, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(count, 0), 0);
    sqlite3_finalize(count);
    node_again(&b);
    for (uint64_t i = 1; i <= 8960; i += 11)
        payload_expect(b.store, mirror.number, i, "p");
    uint64_t wanted;
    good(payload_next_wanted(b.store, mirror.number, 0, &wanted, &err));
    assert_int_equal(wanted, 8961);
    buf_done(&item);
    node_stop(&a);
    node_stop(&b);
}

/* All at once, over files and tail, with holes between, some held before; a lie among them is named. */
static void many_at_once(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own, mirror, now;
    node_start(&a);
    node_start(&b);
    node_member(&a, "author.example.org", true, &own);
    append_many(a.store, own.number, "p", 700, 200, true);
    append_many(a.store, own.number, "p", 1, PAYLOAD_TAIL_MAX + 5, true);
    mirror_of(&a, own.number, &b, &mirror);
    static struct payload_new items[702];
    static struct buf texts[702];
    size_t count = 0, kept = 0;
    for (uint64_t i = 1; i < 702; i += i % 5 == 0 ? 2 : 1) {
        buf_init(&texts[count], PAYLOAD_MAX + 64);
        good(payload_read(a.store, own.number, i, &texts[count], NULL, &err));
        items[count] = (struct payload_new){i, span_of(texts[count].data + 4, 32),
                                            span_of(texts[count].data + 36, texts[count].len - 36), i % 2 == 0, false};
        count++;
    }
    good(store_begin(b.store, &err));
    items[300].index++;
    bad(payload_put_many(b.store, mirror.number, items, count, &kept, &err), ERR_VERIFY, "payload of entry");
    store_rollback(b.store);
    items[300].index--;
    good(store_log(b.store, mirror.number, &now, &err));
    assert_int_equal(now.payloads, 0);
    good(store_begin(b.store, &err));
    good(payload_put_many(b.store, mirror.number, items + 10, 1, &kept, &err));
    assert_int_equal(kept, 1);
    good(payload_put_many(b.store, mirror.number, items, count, &kept, &err));
    assert_int_equal(kept, count - 1);
    good(payload_put_many(b.store, mirror.number, items, count, &kept, &err));
    assert_int_equal(kept, 0);
    good(store_commit(b.store, &err));
    node_again(&b);
    good(store_log(b.store, mirror.number, &now, &err));
    assert_int_equal(now.payloads, count);
    for (size_t i = 0; i < count; i++) {
        unsigned flags;
        payload_expect(b.store, mirror.number, items[i].index, "p");
        good(payload_flags(b.store, mirror.number, items[i].index, &flags, &err));
        assert_int_equal(flags, SLOT_HELD | (items[i].index % 2 == 0 ? SLOT_CLEAR : 0));
        buf_done(&texts[i]);
    }
    assert_null(payload_text(b.store, mirror.number, 6));
    node_stop(&a);
    node_stop(&b);
}

static void bundles(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "bundles.example.org", true, &info);
    append_many(node.store, info.number, "c", 300, 100, true);
    append_many(node.store, info.number, "n", 300, 100, false);
    struct buf out;
    size_t count;
    buf_init(&out, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 4096);
    for (int clear_only = 0; clear_only < 2; clear_only++) {
        buf_clear(&out);
        good(payload_read_bundle(node.store, info.number, 200, 401, clear_only, &out, &count, &err));
        assert_int_equal(count, 401);
        struct payload_reader reader = {buf_view(&out), 0};
        struct payload_item item;
        struct err reader_err;
        for (uint64_t i = 200; i < 601; i++) {
            assert_int_equal(payload_next(&reader, &item, &reader_err), 1);
            assert_int_equal(item.hole, clear_only && i > 300);
            if (item.hole)
                continue;
            struct buf entry;
            buf_init(&entry, ENTRY_MAX + 2);
            good(store_read_entry(node.store, info.number, i, &entry, &err));
            good(seal_check(span_str(info.origin), buf_view(&entry), item.salt, item.payload, &err));
            buf_done(&entry);
        }
        assert_int_equal(payload_next(&reader, &item, &reader_err), 0);
    }
    bad(payload_read_bundle(node.store, info.number, 600, 2, true, &out, &count, &err), ERR_NOTFOUND, "601");
    buf_done(&out);
    node_stop(&node);
}

/* Large payloads stand in `data` from the start, also of the tail; an answer stops at its maximum. */
static void large(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "large.example.org", true, &info);
    append_many(node.store, info.number, "L", 3, 12u << 20, true);
    append_many(node.store, info.number, "L", 1, PAYLOAD_TAIL_MAX + 1, true);
    append_many(node.store, info.number, "L", 1, 1000, true);
    struct buf out;
    size_t count;
    buf_init(&out, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 4096);
    good(payload_read_bundle(node.store, info.number, 0, 6, true, &out, &count, &err));
    assert_int_equal(count, 3);
    buf_clear(&out);
    good(payload_read_bundle(node.store, info.number, 3, 3, true, &out, &count, &err));
    assert_int_equal(count, 3);
    append_many(node.store, info.number, "L", 300, 10, true);
    node_again(&node);
    log_verify(node.store, info.number);
    for (uint64_t i = 1; i < 306; i++)
        payload_expect(node.store, info.number, i, "L");
    buf_done(&out);
    node_stop(&node);
}

/* Of a long one the beginning alone is read; short ones whole, wherever they stand. */
static void heads_of_payloads(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    struct buf whole, head;
    unsigned flags;
    node_start(&node);
    node_member(&node, "heads.example.org", true, &info);
    append_many(node.store, info.number, "h", 1, 1u << 20, true);
    append_many(node.store, info.number, "h", 300, 100, true);
    buf_init(&whole, PAYLOAD_MAX + 64);
    buf_init(&head, PAYLOAD_MAX + 64);
    for (uint64_t i = 1; i <= 301; i += 100) {
        size_t max = PAYLOAD_TAIL_MAX;
        payload_parts(node.store, info.number, i, &whole);
        buf_clear(&head);
        good(payload_read_head(node.store, info.number, i, max, &head, &flags, &err));
        assert_int_equal(flags, SLOT_HELD | SLOT_CLEAR);
        size_t len = i == 1 ? max : whole.len - 4 - SEAL_SALT;
        assert_int_equal(head.len, 4 + SEAL_SALT + len);
        struct payload_reader reader = {.bundle = buf_view(&head)};
        struct payload_item item;
        good(payload_next(&reader, &item, &err));
        assert_false(item.hole);
        assert_memory_equal(item.salt.data, whole.data + 4, SEAL_SALT);
        assert_int_equal(item.payload.len, len);
        assert_memory_equal(item.payload.data, whole.data + 4 + SEAL_SALT, len);
    }
    bad(payload_read_head(node.store, info.number, 0, PAYLOAD_TAIL_MAX, &head, &flags, &err), ERR_NOTFOUND, "not held");
    buf_done(&whole);
    buf_done(&head);
    node_stop(&node);
}

/* As slots stand in their file: the upper byte is the sum of the others, so that zeros are none. */
static void slot_put(FILE *file, uint64_t index, uint64_t slot)
{
    uint8_t bytes[8], sum = 0xa5;
    for (int i = 0; i < 8; i++) {
        bytes[i] = i == 0 ? 0 : (uint8_t)(slot >> (56 - 8 * i));
        sum ^= bytes[i];
    }
    bytes[0] = sum;
    assert_int_equal(fseek(file, (long)(8 * index), SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, 8, file), 8);
}

static uint64_t slot_get(FILE *file, uint64_t index)
{
    uint8_t bytes[8];
    uint64_t slot = 0;
    assert_int_equal(fseek(file, (long)(8 * index), SEEK_SET), 0);
    assert_int_equal(fread(bytes, 1, 8, file), 8);
    for (int i = 1; i < 8; i++)
        slot = slot << 8 | bytes[i];
    return slot;
}

static void slot_is_refused(struct store *store, int64_t number, uint64_t index)
{
    struct buf item;
    size_t count;
    buf_init(&item, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX);
    bad(payload_read(store, number, index, &item, NULL, &err), ERR_IO, "changed by a disk");
    bad(payload_read_bundle(store, number, index - 2, 5, true, &item, &count, &err), ERR_IO, "sync --heal");
    buf_done(&item);
}

/*
 * A slot that points at another entry's item, or nowhere, holds nothing; it never serves something else. One that a disk
 * has changed is noticed, whichever byte it is.
 */
static void wrong_slots(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "slots.example.org", true, &info);
    append_many(node.store, info.number, "w", 600, 100, true);
    store_close(node.store);
    char path[256];
    snprintf(path, sizeof path, "%s/payloads/%s/slots", node.dir, info.hex);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    uint64_t other = slot_get(file, 10), flags = other & ~((UINT64_C(1) << 48) - 1);
    slot_put(file, 20, other);
    slot_put(file, 21, flags | ((UINT64_C(1) << 48) - 1));
    slot_put(file, 22, flags | 3);
    for (int i = 0; i < 8; i++) {
        uint64_t index = 30 + 10 * (uint64_t)i;
        slot_put(file, index, slot_get(file, index));
        assert_int_equal(fseek(file, (long)(8 * index) + i, SEEK_SET), 0);
        int c = fgetc(file);
        assert_int_equal(fseek(file, (long)(8 * index) + i, SEEK_SET), 0);
        fputc(c ^ 1 << i, file);
    }
    fclose(file);
    node.store = node_handle(&node);
    payload_expect(node.store, info.number, 10, "w");
    assert_null(payload_text(node.store, info.number, 20));
    assert_null(payload_text(node.store, info.number, 21));
    assert_null(payload_text(node.store, info.number, 22));
    payload_expect(node.store, info.number, 23, "w");
    for (uint64_t index = 30; index <= 100; index += 10) {
        slot_is_refused(node.store, info.number, index);
        payload_expect(node.store, info.number, index + 1, "w");
    }
    node_stop(&node);
}

static uint64_t blocks_of(const struct node *node, const struct log_info *log)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/payloads/%s/data", node->dir, log->hex);
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

/* Old payloads go, in files and tail alike; what is newer, refused or erased stays as it is, and they may come again. */
static void dropping(void **state)
{
    (void)state;
    struct node a;
    struct log_info own, now;
    unsigned flags;
    uint64_t wanted;
    node_start(&a);
    node_member(&a, "author.example.org", true, &own);
    append_many(a.store, own.number, "p", 700, 20000, true);
    good(payload_erase(a.store, own.number, 50, &err));
    uint64_t blocks = blocks_of(&a, &own);
    good(store_log(a.store, own.number, &own, &err));
    struct buf item;
    uint64_t gone = 0;
    buf_init(&item, PAYLOAD_MAX + 64);
    for (uint64_t i = 1; i < 690; i++) {
        if (i == 50)
            continue;
        payload_parts(a.store, own.number, i, &item);
        gone += item.len;
    }
    good(payload_drop_before(a.store, own.number, 690, &err));
    good(payload_drop_before(a.store, own.number, 690, &err));
    good(payload_drop_before(a.store, own.number, 3, &err));
    good(store_log(a.store, own.number, &now, &err));
    assert_int_equal(now.payloads, 11);
    assert_int_equal(now.payloads_from, 690);
    assert_int_equal(own.bytes - now.bytes, gone);
    assert_int_equal(now.seq, own.seq);
    assert_true(blocks_of(&a, &own) < blocks / 10);
    for (int again = 0; again < 2; again++, node_again(&a)) {
        for (uint64_t i = 1; i < 690; i++) {
            good(payload_flags(a.store, own.number, i, &flags, &err));
            assert_int_equal(flags, i == 50 ? SLOT_ERASED : 0);
            assert_null(payload_text(a.store, own.number, i));
        }
        for (uint64_t i = 690; i <= 700; i++)
            payload_expect(a.store, own.number, i, "p");
    }
    good(payload_next_wanted(a.store, own.number, 0, &wanted, &err));
    assert_int_equal(wanted, 1);
    log_verify(a.store, own.number);
    good(payload_drop_before(a.store, own.number, 10000, &err)); /* beyond the end: all */
    good(store_log(a.store, own.number, &now, &err));
    assert_int_equal(now.payloads, 0);
    assert_int_equal(now.payloads_from, 701);
    buf_done(&item);
    node_stop(&a);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arriving_later),    cmocka_unit_test(waiting),     cmocka_unit_test(turned_away),
        cmocka_unit_test(rolled_back),       cmocka_unit_test(settling),    cmocka_unit_test(many_at_once),
        cmocka_unit_test(dropping),          cmocka_unit_test(bundles),     cmocka_unit_test(large),
        cmocka_unit_test(heads_of_payloads), cmocka_unit_test(wrong_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a disk has changed is found, and mended so that it is wanted again; nothing of it stays behind in a file. */
#include "state/node.h"

#include "state/heal.h"

static struct node node;
static struct log_info info;
static struct log_damage damage;

static int start(void **state)
{
    (void)state;
    node_start(&node);
    node_member(&node, "heal.example.org", true, &info);
    append_many(node.store, info.number, "h", 600, 60, true);
    append_many(node.store, info.number, "h", 1, PAYLOAD_TAIL_MAX + 100, true);
    append_many(node.store, info.number, "h", 20, 60, true);
    good(store_log(node.store, info.number, &info, &err));
    store_close(node.store);
    node.store = NULL;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    node_stop(&node);
    return 0;
}

/* The byte at `at` of a file of the log becomes another one. */
static void flip(const char *folder, const char *name, long at)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s/%s/%s", node.dir, folder, info.hex, name);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    int c = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    fputc(c ^ 1, file);
    fclose(file);
}

/* Where the item of an entry begins in `data`: its index, eight bytes. */
static long item_of(uint64_t index)
{
    char path[300];
    uint8_t slot[8];
    long place = 0;
    snprintf(path, sizeof path, "%s/payloads/%s/slots", node.dir, info.hex);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)(8 * index), SEEK_SET), 0);
    assert_int_equal(fread(slot, 1, 8, file), 8);
    fclose(file);
    for (int i = 2; i < 8; i++)
        place = place << 8 | slot[i];
    return place - 8;
}

static void find(void)
{
    struct store_options looks = {.read_only = true};
    struct store *store;
    good(store_open(node.dir, &looks, &store, &err));
    good(log_damage_find(store, info.number, &damage, &err));
    store_close(store);
}

static void heal_open(void)
{
    struct store_options options = {.heal = true};
    good(store_open(node.dir, &options, &node.store, &err));
}

static void mend(void)
{
    heal_open();
    good(log_mend(node.store, info.number, &damage, &err));
}

static void close_again(void)
{
    store_close(node.store);
    node.store = NULL;
}

static void nothing(void **state)
{
    (void)state;
    find();
    assert_string_equal(damage.tree, "");
    assert_int_equal(damage.slots + damage.contents, 0);
}

/* The item's index, its length, its salt, its text: four contents that are here no more, and whose text is nowhere. */
static void contents(void **state)
{
    (void)state;
    static const long within[] = {7, 11, 20, 60};
    struct log_info now;
    struct buf item;
    char *text[4];
    buf_init(&item, PAYLOAD_MAX + 64);
    node.store = node_handle(&node);
    for (uint64_t i = 0; i < 4; i++)
        assert_non_null(text[i] = payload_text(node.store, info.number, 50 + 100 * i));
    good(payload_read(node.store, info.number, 50, &item, NULL, &err));
    close_again();
    for (uint64_t i = 0; i < 4; i++)
        flip("payloads", "data", item_of(50 + 100 * i) + within[i]);
    find();
    assert_string_equal(damage.tree, "");
    assert_int_equal(damage.contents, 4);
    assert_int_equal(damage.slots, 0);
    mend();
    assert_int_equal(damage.contents, 4);
    good(store_log(node.store, info.number, &now, &err));
    assert_int_equal(now.payloads, info.payloads - 4);
    uint64_t wanted = 0;
    for (uint64_t i = 0; i < 4; i++, wanted++) {
        assert_null(payload_text(node.store, info.number, 50 + 100 * i));
        good(payload_next_wanted(node.store, info.number, wanted, &wanted, &err));
        assert_int_equal(wanted, 50 + 100 * i);
    }
    good(store_begin(node.store, &err));
    good(payload_put(node.store, info.number, 50, span_of(item.data + 4, SEAL_SALT),
                     span_of(item.data + 36, item.len - 36), true, &err));
    good(store_commit(node.store, &err));
    payload_expect(node.store, info.number, 50, "h");
    payload_expect(node.store, info.number, 51, "h");
    good(payload_erase(node.store, info.number, 50, &err));
    close_again();
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(files_with(&node, strstr(text[i], "\n\n"), 8), 0); /* as "\n\nh-250 " */
        free(text[i]);
    }
    find();
    assert_int_equal(damage.contents, 0);
    buf_done(&item);
}

/* A slot is made again from what `data` and the entry say: held, inline, or nothing known. */
static void slots(void **state)
{
    (void)state;
    struct log_info now;
    flip("payloads", "slots", 8 * 0 + 1);   /* the profile: no seal */
    flip("payloads", "slots", 8 * 100 + 1); /* flags */
    flip("payloads", "slots", 8 * 101 + 6); /* place */
    flip("payloads", "slots", 8 * 102 + 7);
    flip("payloads", "data", item_of(102) + 40); /* and its salt */
    find();
    assert_int_equal(damage.slots, 4);
    mend();
    assert_int_equal(damage.slots, 4);
    good(store_log(node.store, info.number, &now, &err));
    assert_int_equal(now.payloads, info.payloads - 1);
    payload_expect(node.store, info.number, 100, "h");
    payload_expect(node.store, info.number, 101, "h");
    assert_null(payload_text(node.store, info.number, 102));
    unsigned flags;
    good(payload_flags(node.store, info.number, 100, &flags, &err));
    assert_int_equal(flags, SLOT_HELD | SLOT_CLEAR);
    good(payload_flags(node.store, info.number, 0, &flags, &err));
    assert_int_equal(flags, SLOT_INLINE);
    good(payload_flags(node.store, info.number, 102, &flags, &err));
    assert_int_equal(flags, 0);
    close_again();
    find();
    assert_int_equal(damage.slots + damage.contents, 0);
}

static void cut_to(const char *name, long length)
{
    char path[300];
    snprintf(path, sizeof path, "%s/payloads/%s/%s", node.dir, info.hex, name);
    assert_int_equal(truncate(path, length), 0);
}

/* Most of `slots` is gone, or zeros: what `data` has is found again, for each item says whose it is. */
static void slots_gone(bool is_cut)
{
    struct log_info now;
    cut_to("slots", 8 * 20 + 3);
    if (!is_cut)
        cut_to("slots", 8 * 512); /* longer again: a hole */
    find();
    assert_int_equal(damage.cut, is_cut);
    assert_int_equal(damage.slots, is_cut ? 0 : 512 - 20);
    mend();
    assert_int_equal(damage.slots, 512 - 20);
    good(store_log(node.store, info.number, &now, &err));
    assert_int_equal(now.payloads, info.payloads);
    assert_int_equal(now.bytes, info.bytes);
    payload_expect(node.store, info.number, 500, "h");
    close_again();
}

static void slots_cut(void **state)
{
    (void)state;
    slots_gone(true);
}

static void slots_zero(void **state)
{
    (void)state;
    slots_gone(false);
}

/* The end of `data` is gone: contents that stood there are wanted again. */
static void data_gone(void **state)
{
    (void)state;
    struct log_info now;
    long at = item_of(400);
    cut_to("data", at + 30);
    find();
    assert_true(damage.cut);
    mend();
    assert_int_equal(damage.slots, 0);
    assert_true(damage.contents >= 512 - 400);
    good(store_log(node.store, info.number, &now, &err));
    assert_int_equal(now.payloads, info.payloads - damage.contents);
    payload_expect(node.store, info.number, 399, "h");
    assert_null(payload_text(node.store, info.number, 400));
    assert_null(payload_text(node.store, info.number, 511));
    payload_expect(node.store, info.number, 530, "h"); /* in state.db */
    close_again();
    find();
    assert_int_equal(damage.slots + damage.contents, 0);
    assert_false(damage.cut);
}

static void trees(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        long at;
    } places[] = {{"entries", 3000}, {"bundles", 3}, {"hashes.0", 100}, {"hashes.1", 33}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        flip("logs", places[i].name, places[i].at);
        find();
        assert_string_not_equal(damage.tree, "");
        flip("logs", places[i].name, places[i].at);
    }
    find();
    assert_string_equal(damage.tree, "");
    heal_open();
    good(log_begin_anew(node.store, info.number, &err));
    good(store_log(node.store, info.number, &info, &err));
    assert_int_equal(info.size, 0);
    close_again();
}

static void alone(void **state)
{
    (void)state;
    struct store_options options = {.heal = true};
    struct store *other = NULL;
    node.store = node_handle(&node);
    bad(store_open(node.dir, &options, &other, &err), ERR_STATE, "end it first");
    close_again();
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing, start, stop),
        cmocka_unit_test_setup_teardown(contents, start, stop),
        cmocka_unit_test_setup_teardown(slots, start, stop),
        cmocka_unit_test_setup_teardown(trees, start, stop),
        cmocka_unit_test_setup_teardown(alone, start, stop),
        cmocka_unit_test_setup_teardown(slots_cut, start, stop),
        cmocka_unit_test_setup_teardown(slots_zero, start, stop),
        cmocka_unit_test_setup_teardown(data_gone, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

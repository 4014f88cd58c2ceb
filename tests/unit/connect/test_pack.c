/* Logs on a stick: what goes in comes out, and nothing in a pack is believed. */
#include "files.h"

#include "connect/pack.h"
#include "connect/verify.h"
#include "index/view.h"

#define NOW_S (TIME_MS / 1000)

/* ---- packing and unpacking ---- */

static struct pack_result packed(struct node *node, const char *path, struct pack_options options, bool everything)
{
    struct view view;
    struct viewer viewer = {.class = everything ? VIEWER_OPERATOR : VIEWER_PUBLIC};
    struct pack_result result;
    options.now_ms = TIME_MS;
    if (options.payloads_newest == 0)
        options.payloads_newest = UINT64_MAX;
    good(view_open(node->store, NULL, viewer, everything ? OUTLET_LUGGAGE : OUTLET_PACK, &view, &err));
    good(pack_write(&view, path, &options, &result, &err));
    return result;
}

static struct pack_result pack_all(struct node *node, const char *path)
{
    return packed(node, path, (struct pack_options){0}, false);
}

static void luggage(struct node *node, int64_t number, const char *path)
{
    struct pack_options options = {.numbers = &number, .number_count = 1, .keys_dir = node->dir};
    packed(node, path, options, true);
}

struct heard {
    char reasons[4096];
    int64_t arrived;
    bool same_key;
    unsigned arrivals;
};

static void on_report(void *ctx, const char *origin, const char *reason)
{
    struct heard *heard = ctx;
    size_t at = strlen(heard->reasons);
    snprintf(heard->reasons + at, sizeof(heard->reasons) - at, "%s: %s\n", origin, reason);
}

static void on_arrival(void *ctx, int64_t number, bool same_key)
{
    struct heard *heard = ctx;
    heard->arrived = number;
    heard->same_key = same_key;
    heard->arrivals++;
}

static int try_unpack(struct node *node, const char *path, bool is_luggage, struct heard *heard,
                      struct pack_result *result, struct err *err)
{
    struct unpack_options options = {
        .now_s = NOW_S, .luggage = is_luggage, .report = on_report, .arrived = on_arrival, .ctx = heard};
    *heard = (struct heard){0};
    return pack_read(node->store, path, &options, result, err);
}

static struct pack_result unpack_well(struct node *node, const char *path)
{
    struct heard heard;
    struct pack_result result;
    good(try_unpack(node, path, false, &heard, &result, &err));
    if (result.refused > 0)
        fail_msg("turned away: %s", heard.reasons);
    return result;
}

/* One log is turned away for this reason. */
static void refused(struct node *node, const char *path, bool is_luggage, const char *reason)
{
    struct heard heard;
    struct pack_result result;
    good(try_unpack(node, path, is_luggage, &heard, &result, &err));
    if (result.refused != 1 || !strstr(heard.reasons, reason))
        fail_msg("%llu turned away: %s, expected: %s", (unsigned long long)result.refused, heard.reasons, reason);
}

static void verify_all(struct node *node, const char *origin, uint64_t payloads)
{
    struct log_info log = log_of(node, origin);
    struct verify_options options = {0};
    struct verify_result result;
    good(verify_log(node->store, &log, &options, &result, &err));
    assert_int_equal(result.entries, log.size);
    assert_int_equal(result.payloads, payloads);
}

/* ---- what goes in comes out ---- */

static void test_round_trip(void **state)
{
    struct node a, b;
    struct log_info guest;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "said", 600);
    good(author_rotate(a.store, a.own.number, NULL, NULL, TIME_MS, &err));
    uint64_t amber = say_in(&a, a.own.number, "amber secret", TLP_AMBER);
    uint64_t erased = node_say(&a, "to be erased");
    good(author_erase(a.store, a.own.number, erased, TIME_MS, &err));
    node_refresh(&a);
    node_member(&a, "guest.example", false, &guest);
    say_in(&a, guest.number, "guest speaks", TLP_CLEAR);
    const char *path = scratch(&a, "pack");
    struct pack_result result = pack_all(&a, path);
    assert_int_equal(result.logs, 2);
    assert_int_equal(result.payloads, 601);
    result = unpack_well(&b, path);
    assert_int_equal(result.logs, 2);
    assert_int_equal(result.entries, a.own.size + 2);
    assert_int_equal(result.payloads, 601);
    assert_mirrored(&b, &a.own);
    assert_true(has_payload(&b, a.own.origin, 1, "said 0"));
    assert_true(has_payload(&b, a.own.origin, 600, "said 599"));
    assert_true(has_payload(&b, guest.origin, 1, "guest speaks"));
    assert_false(has_payload(&b, a.own.origin, amber, "amber secret"));
    assert_false(has_payload(&b, a.own.origin, erased, "to be erased"));
    verify_all(&b, a.own.origin, 600);
    assert_int_equal(cosignatures(&b, a.own.origin), 1);
    assert_true(log_of(&b, a.own.origin).followed);
    result = unpack_well(&b, path);
    assert_int_equal(result.logs, 0);
    assert_int_equal(result.behind, 2);
    assert_int_equal(result.payloads, 0);
    node_stop(&a);
    node_stop(&b);
}

/* A later pack brings what is new; one that is older than what is here brings nothing and harms nothing. */
static void test_later_and_older(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "first", 300);
    pack_all(&a, scratch(&a, "old"));
    unpack_well(&b, scratch(&a, "old"));
    node_say_many(&a, "second", 300);
    pack_all(&a, scratch(&a, "new"));
    struct pack_result result = unpack_well(&b, scratch(&a, "new"));
    assert_int_equal(result.entries, 300);
    assert_int_equal(result.payloads, 300);
    assert_mirrored(&b, &a.own);
    result = unpack_well(&b, scratch(&a, "old"));
    assert_int_equal(result.behind, 1);
    assert_mirrored(&b, &a.own);
    verify_all(&b, a.own.origin, 600);
    node_stop(&a);
    node_stop(&b);
}

static void test_choice(void **state)
{
    struct node a, b;
    struct log_info guest, local;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "said", 20);
    node_member(&a, "guest.example", false, &guest);
    int64_t twice[] = {a.own.number, a.own.number};
    struct pack_options options = {.numbers = twice, .number_count = 2, .payloads_newest = 5};
    struct pack_result result = packed(&a, scratch(&a, "pack"), options, false);
    assert_int_equal(result.logs, 1);
    assert_int_equal(result.payloads, 5);
    unpack_well(&b, scratch(&a, "pack"));
    assert_false(has_log(&b, guest.origin));
    assert_false(has_payload(&b, a.own.origin, 15, "said 14"));
    assert_true(has_payload(&b, a.own.origin, 16, "said 15"));

    struct author_new make = {.time_ms = TIME_MS, .role = LOG_LOCAL};
    snprintf(make.profile.name, sizeof(make.profile.name), "local");
    make.profile.class = CLASS_UNKNOWN;
    good(author_create(a.store, &make, &local, &err));
    struct view view;
    struct pack_options of_local = {.numbers = &local.number, .number_count = 1, .payloads_newest = UINT64_MAX};
    good(view_open(a.store, NULL, (struct viewer){.class = VIEWER_PUBLIC}, OUTLET_PACK, &view, &err));
    bad(pack_write(&view, scratch(&a, "no"), &of_local, &result, &err), ERR_REFUSED, "never packed");
    assert_false(is_there(scratch(&a, "no")));
    bad(pack_write(&view, a.root, &of_local, &result, &err), ERR_USAGE, "is a folder");
    bad(pack_write(&view, scratch(&a, "no/where"), &of_local, &result, &err), ERR_NOTFOUND, "no/where");
    node_stop(&a);
    node_stop(&b);
}

/* The author takes in a mirror's pack: that is how cosignatures come home without a network. */
static void test_collects_cosignatures(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say(&a, "said");
    pack_all(&a, scratch(&a, "out"));
    pack_all(&b, scratch(&b, "profile"));
    unpack_well(&a, scratch(&b, "profile"));
    unpack_well(&b, scratch(&a, "out"));
    pack_all(&b, scratch(&b, "back"));
    assert_int_equal(cosignatures(&a, a.own.origin), 0);
    struct pack_result result = unpack_well(&a, scratch(&b, "back"));
    assert_int_equal(cosignatures(&a, a.own.origin), 1);
    assert_int_equal(result.collected, 1);
    node_stop(&a);
    node_stop(&b);
}

static void test_erasure_travels(void **state)
{
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    uint64_t index = node_say(&a, "regretted");
    pack_all(&a, scratch(&a, "pack"));
    unpack_well(&b, scratch(&a, "pack"));
    assert_true(has_payload(&b, a.own.origin, index, "regretted"));
    good(author_erase(a.store, a.own.number, index, TIME_MS, &err));
    pack_all(&a, scratch(&a, "after"));
    struct pack_result result = unpack_well(&b, scratch(&a, "after"));
    assert_int_equal(result.erased, 1);
    assert_false(has_payload(&b, a.own.origin, index, "regretted"));
    /* Nor does an older pack bring it back. */
    unpack_well(&b, scratch(&a, "pack"));
    assert_false(has_payload(&b, a.own.origin, index, "regretted"));
    node_stop(&a);
    node_stop(&b);
}

/* ---- nothing is believed ---- */

/* Each byte of each file: turned away, and no log is here afterwards. */
static void test_every_byte(void **state)
{
    struct node a, b;
    struct files files;
    struct heard heard;
    struct pack_result result;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say(&a, "said");
    pack_all(&a, scratch(&a, "pack"));
    files_load(scratch(&a, "pack"), &files);
    assert_int_equal(files.count, 5);
    for (size_t i = 1; i < files.count; i++)
        for (size_t at = 0; at < files.file[i].len; at++) {
            struct err err = {0};
            files.file[i].data[at] ^= 1;
            files_save(scratch(&a, "forged"), &files);
            files.file[i].data[at] ^= 1;
            int rc = try_unpack(&b, scratch(&a, "forged"), false, &heard, &result, &err);
            /* In front of the payloads, which verify on their own, nothing may go in at all. */
            if (i < 4 ? (rc == 0 && result.refused != 1) || has_log(&b, a.own.origin)
                      : has_payload(&b, a.own.origin, 1, "said"))
                fail_msg("%s: byte %zu changed, and it went in", files.file[i].name, at);
        }
    struct log_info own = b.own;
    node_refresh(&b);
    assert_int_equal(own.size, b.own.size);
    files_free(&files);
    node_stop(&a);
    node_stop(&b);
}

/* A bad log in front of a good one does not keep it out. */
static void test_one_of_two(void **state)
{
    struct node a, b;
    struct log_info guest;
    struct files files;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_member(&a, "guest.example", false, &guest);
    say_in(&a, guest.number, "guest speaks", TLP_CLEAR);
    pack_all(&a, scratch(&a, "pack"));
    files_load(scratch(&a, "pack"), &files);
    files.file[files_find(&files, "/checkpoint")].data[2] ^= 1;
    files_save(scratch(&a, "pack"), &files);
    refused(&b, scratch(&a, "pack"), false, "checkpoint of another log");
    assert_false(has_log(&b, a.own.origin));
    assert_true(has_payload(&b, guest.origin, 1, "guest speaks"));
    files_free(&files);
    node_stop(&a);
    node_stop(&b);
}

struct trick {
    const char *what;
    void (*change)(struct files *files);
    int code; /* 0: the log is turned away */
    const char *reason;
};

static void no_change(struct files *files)
{
    (void)files;
}

static void drop_manifest(struct files *files)
{
    files_remove(files, 0);
}

static void newer_manifest(struct files *files)
{
    files_remove(files, 0);
    files_insert(files, 0, "pack.json", "{\"format\":2}", 12);
}

static void no_format(struct files *files)
{
    files_remove(files, 0);
    files_insert(files, 0, "pack.json", "{}", 2);
}

static void climb(struct files *files)
{
    files_insert(files, 1, "../../etc/passwd", "x", 1);
}

static void stranger(struct files *files)
{
    char name[256];
    snprintf(name, sizeof(name), "%.70spassword", files->file[1].name);
    files_insert(files, 2, name, "x", 1);
}

static void upper_case(struct files *files)
{
    for (char *at = files->file[1].name + 5; *at; at++)
        *at = *at >= 'a' && *at <= 'f' && at < files->file[1].name + 69 ? (char)(*at - 32) : *at;
    files->file[1].name[5] = 'A'; /* whatever the hash was */
}

static void link_instead(struct files *files)
{
    files->file[2].is_link = true;
}

static void no_origin(struct files *files)
{
    files_remove(files, files_find(files, "/origin"));
}

static void no_checkpoint(struct files *files)
{
    files_remove(files, files_find(files, "/checkpoint"));
}

static void checkpoint_twice(struct files *files)
{
    size_t at = files_find(files, "/checkpoint");
    files_insert(files, at, files->file[at].name, files->file[at].data, files->file[at].len);
}

static void no_bundle(struct files *files)
{
    files_remove(files, files_find(files, "/tile/entries/001.p/45"));
}

static void no_first_bundle(struct files *files)
{
    files_remove(files, files_find(files, "/tile/entries/000"));
}

static void bundle_again(struct files *files)
{
    size_t at = files_find(files, "/tile/entries/000");
    files_insert(files, at, files->file[at].name, files->file[at].data, files->file[at].len);
}

static void bundle_short(struct files *files)
{
    files->file[files_find(files, "/tile/entries/001.p/45")].len -= 91;
}

static void hash_tile(struct files *files)
{
    char name[256];
    snprintf(name, sizeof(name), "%.70stile/0/000", files->file[1].name);
    files_insert(files, 3, name, "x", 1);
}

static void payload_first(struct files *files)
{
    size_t from = files_find(files, "/payload/0"), to = files_find(files, "/tile/entries/000");
    struct file file = files->file[from];
    files_insert(files, to, file.name, file.data, file.len);
}

static void payload_beyond(struct files *files)
{
    char name[256];
    snprintf(name, sizeof(name), "%.70spayload/301", files->file[1].name);
    files_insert(files, files->count, name, "\0\0\0\0", 4);
}

static void payload_across(struct files *files)
{
    size_t at = files_find(files, "/payload/256");
    char name[256];
    snprintf(name, sizeof(name), "%.70spayload/255", files->file[1].name);
    memcpy(files->file[at].name, name, sizeof(name));
}

static void too_large(struct files *files)
{
    struct file *file = &files->file[2];
    free(file->data);
    file->len = (size_t)PACK_FILE_MAX + 1;
    file->data = calloc(1, file->len);
    assert_non_null(file->data);
}

static void nothing_at_all(struct files *files)
{
    files_free(files);
}

static void test_tricks(void **state)
{
    static const struct trick tricks[] = {
        {"no manifest", drop_manifest, ERR_SYNTAX, "does not begin with pack.json"},
        {"a newer format", newer_manifest, ERR_STATE, "pack format 2"},
        {"no format", no_format, ERR_SYNTAX, "names no format"},
        {"nothing", nothing_at_all, ERR_SYNTAX, ""},
        {"a path that climbs", climb, ERR_SYNTAX, "no place in a pack"},
        {"an unknown file", stranger, ERR_SYNTAX, "no place in a pack"},
        {"an upper-case name", upper_case, ERR_SYNTAX, "no place in a pack"},
        {"a link", link_instead, ERR_SYNTAX, "no plain file"},
        {"a hash tile", hash_tile, ERR_SYNTAX, "no place in a pack"},
        {"a file above the limit", too_large, ERR_LIMIT, "a file of the pack"},
        {"no origin", no_origin, 0, "does not begin with its origin"},
        {"no checkpoint", no_checkpoint, 0, "its checkpoint is missing"},
        {"two checkpoints", checkpoint_twice, 0, "its checkpoint stands behind its checkpoint"},
        {"the last bundle missing", no_bundle, 0, "ends after entry 256, its checkpoint covers 301"},
        {"the first bundle missing", no_first_bundle, 0, "where entry 0 of 301 is next"},
        {"a bundle twice", bundle_again, 0, "where entry 256 of 301 is next"},
        {"a bundle cut", bundle_short, 0, "does not hold the 45 entries"},
        {"payloads before entries", payload_first, 0, "ends after entry 0"},
        {"a payload behind the end", payload_beyond, 0, "the checkpoint covers 301"},
        {"payloads over two bundles", payload_across, 0, "where its file ends"},
        {"nothing changed", no_change, 1, ""},
    };
    struct node a, b;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "said", 300);
    pack_all(&a, scratch(&a, "pack"));
    for (size_t i = 0; i < sizeof(tricks) / sizeof(*tricks); i++) {
        struct files files;
        struct heard heard;
        struct pack_result result;
        files_load(scratch(&a, "pack"), &files);
        tricks[i].change(&files);
        files_save(scratch(&a, "forged"), &files);
        files_free(&files);
        print_message("# %s\n", tricks[i].what);
        if (tricks[i].code < 0)
            bad(try_unpack(&b, scratch(&a, "forged"), false, &heard, &result, &err), tricks[i].code, tricks[i].reason);
        else if (tricks[i].code == 0)
            refused(&b, scratch(&a, "forged"), false, tricks[i].reason);
        else
            unpack_well(&b, scratch(&a, "forged"));
    }
    verify_all(&b, a.own.origin, 300);
    node_stop(&a);
    node_stop(&b);
}

/* Files of two logs in turn: each log's files belong together. */
static void test_interleaved(void **state)
{
    struct node a, b;
    struct log_info guest;
    struct files files;
    struct heard heard;
    struct pack_result result;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_member(&a, "guest.example", false, &guest);
    pack_all(&a, scratch(&a, "pack"));
    files_load(scratch(&a, "pack"), &files);
    assert_int_equal(files.count, 7); /* manifest; origin, checkpoint, bundle of each */
    struct file second = files.file[2];
    files.file[2] = files.file[4];
    files.file[4] = second;
    files_save(scratch(&a, "pack"), &files);
    good(try_unpack(&b, scratch(&a, "pack"), false, &heard, &result, &err));
    assert_true(result.refused >= 2);
    assert_int_equal(result.logs, 0);
    assert_false(has_log(&b, a.own.origin));
    assert_false(has_log(&b, guest.origin));
    files_free(&files);
    node_stop(&a);
    node_stop(&b);
}

static void test_cut(void **state)
{
    struct node a, b;
    char command[512];
    struct heard heard;
    struct pack_result result;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "said", 300);
    pack_all(&a, scratch(&a, "pack"));
    snprintf(command, sizeof(command), "head -c 3000 '%s' >'%s'", scratch(&a, "pack"), scratch(&a, "cut"));
    shell(command);
    bad(try_unpack(&b, scratch(&a, "cut"), false, &heard, &result, &err), ERR_SYNTAX, "cut");
    assert_false(has_log(&b, a.own.origin));
    bad(try_unpack(&b, scratch(&a, "none"), false, &heard, &result, &err), ERR_NOTFOUND, "none");
    bad(try_unpack(&b, a.root, false, &heard, &result, &err), ERR_SYNTAX, a.root);
    node_stop(&a);
    node_stop(&b);
}

/* Entries that a pull left behind, not covered by any head, do not stand in the way. */
static void test_half_pulled(void **state)
{
    struct node a, b;
    struct log_info log;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "said", 300);
    pack_all(&a, scratch(&a, "pack"));
    struct buf bundle;
    uint64_t staged;
    int64_t number;
    struct log_new make = {.origin = span_str(a.own.origin), .role = LOG_MIRROR, .mode = MODE_FULL};
    buf_init(&bundle, BUNDLE_MAX);
    good(store_read_entries(a.store, a.own.number, 0, 256, &bundle, &err));
    good(bundle_add(&bundle, SPAN_LIT("a lie"), &err));
    good(store_begin(b.store, &err));
    good(store_log_create(b.store, &make, &number, &err));
    good(mirror_stage(b.store, number, buf_view(&bundle), &staged, &err));
    good(store_commit(b.store, &err));
    unpack_well(&b, scratch(&a, "pack"));
    log = log_of(&b, a.own.origin);
    assert_int_equal(log.size, 301);
    verify_all(&b, a.own.origin, 300);
    buf_done(&bundle);
    node_stop(&a);
    node_stop(&b);
}

/* ---- what we know already ---- */

/* The same node twice: what was said since the copy was made is a second branch. */
static void clone_node(struct node *from, struct node *to)
{
    char command[512];
    const char *tmp = getenv("TMPDIR");
    store_close(from->store);
    *to = *from;
    snprintf(to->root, sizeof(to->root), "%s/tz-connect-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(to->root));
    snprintf(to->dir, sizeof(to->dir), "%s/node", to->root);
    snprintf(command, sizeof(command), "cp -r '%s' '%s'", from->dir, to->dir);
    shell(command);
    from->store = node_handle(from);
    to->store = node_handle(to);
    author_allow(from->store);
    author_allow(to->store);
}

static void test_own_log_heals(void **state)
{
    struct node a, old;
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "said", 250);
    clone_node(&a, &old);
    node_say_many(&a, "later", 50);
    pack_all(&a, scratch(&a, "pack"));
    struct pack_result result = unpack_well(&old, scratch(&a, "pack"));
    assert_int_equal(result.entries, 50);
    node_refresh(&old);
    assert_int_equal(old.own.role, LOG_OWN);
    assert_true(old.own.is_operator);
    assert_mirrored(&old, &a.own);
    verify_all(&old, a.own.origin, 300);
    assert_int_equal(node_say(&old, "goes on"), 301);
    node_stop(&a);
    node_stop(&old);
}

static void fork_by_pack(struct node *here, const struct node *there, const char *pack, const char *ours)
{
    struct pack_result result;
    struct heard heard;
    struct log_info before = log_of(here, there->own.origin), after;
    good(try_unpack(here, pack, false, &heard, &result, &err));
    assert_int_equal(result.forks, 1);
    assert_int_equal(result.refused, 1);
    if (!strstr(heard.reasons, "two versions of entry 4 are signed") || !strstr(heard.reasons, ours))
        fail_msg("%s", heard.reasons);
    after = log_of(here, there->own.origin);
    assert_int_equal(after.standing, STANDING_FROZEN);
    assert_int_equal(after.frozen_from, 4);
    assert_int_equal(after.size, before.size);
    refused(here, pack, false, "frozen");
}

/* Our own log as somebody else continued it: longer, shorter, of one size; and somebody's log that a third one holds. */
static void test_forks(void **state)
{
    struct node a, twin, third;
    (void)state;
    node_start(&a, "a.example");
    node_start(&third, "c.example");
    node_say_many(&a, "said", 3);
    clone_node(&a, &twin);
    node_say_many(&a, "one", 2);
    node_say_many(&twin, "two", 5);
    pack_all(&a, scratch(&a, "pack"));
    pack_all(&twin, scratch(&twin, "pack"));
    unpack_well(&third, scratch(&a, "pack"));
    fork_by_pack(&third, &a, scratch(&twin, "pack"), "frozen from there on");
    fork_by_pack(&a, &twin, scratch(&twin, "pack"), "It is our own");
    fork_by_pack(&twin, &a, scratch(&a, "pack"), "It is our own");
    node_stop(&a);
    node_stop(&twin);
    node_stop(&third);
}

static void test_fork_of_one_size(void **state)
{
    struct node a, twin;
    (void)state;
    node_start(&a, "a.example");
    node_say_many(&a, "said", 3);
    clone_node(&a, &twin);
    node_say(&a, "one");
    node_say(&twin, "two");
    pack_all(&twin, scratch(&twin, "pack"));
    fork_by_pack(&a, &twin, scratch(&twin, "pack"), "It is our own");
    node_stop(&a);
    node_stop(&twin);
}

/* Longer, other entries than ours, a checkpoint that does not cover them: forged, no fork. */
static void test_forged_branch(void **state)
{
    struct node a, b;
    struct files files;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "said", 3);
    pack_all(&a, scratch(&a, "pack"));
    unpack_well(&b, scratch(&a, "pack"));
    node_say_many(&a, "more", 3);
    pack_all(&a, scratch(&a, "pack"));
    files_load(scratch(&a, "pack"), &files);
    size_t at = files_find(&files, "/tile/entries/000.p/7");
    files.file[at].data[files.file[at].len - 4 * 91 - 10] ^= 1; /* a digit of entry 2's hash: 91 bytes a seal */
    files_save(scratch(&a, "forged"), &files);
    refused(&b, scratch(&a, "forged"), false, "changed on its way, or damaged");
    assert_int_equal(log_of(&b, a.own.origin).standing, STANDING_GOOD);
    assert_int_equal(log_of(&b, a.own.origin).size, 4);
    unpack_well(&b, scratch(&a, "pack"));
    assert_mirrored(&b, &a.own);
    files_free(&files);
    node_stop(&a);
    node_stop(&b);
}

static void test_listed_is_promoted(void **state)
{
    struct node a, b;
    int64_t number;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say(&a, "said");
    struct log_new make = {.origin = span_str(a.own.origin), .role = LOG_LISTED, .mode = MODE_FULL};
    good(store_begin(b.store, &err));
    good(store_log_create(b.store, &make, &number, &err));
    good(store_commit(b.store, &err));
    pack_all(&a, scratch(&a, "pack"));
    unpack_well(&b, scratch(&a, "pack"));
    struct log_info log = log_of(&b, a.own.origin);
    assert_int_equal(log.role, LOG_MIRROR);
    assert_true(log.followed);
    assert_mirrored(&b, &a.own);
    node_stop(&a);
    node_stop(&b);
}

/* A log of which only proofs are kept gets no payloads by pack either. */
static void test_heads_mode(void **state)
{
    struct node a, b;
    int64_t number;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say(&a, "said");
    struct log_new make = {.origin = span_str(a.own.origin), .role = LOG_MIRROR, .mode = MODE_HEADS};
    good(store_begin(b.store, &err));
    good(store_log_create(b.store, &make, &number, &err));
    good(store_commit(b.store, &err));
    pack_all(&a, scratch(&a, "pack"));
    assert_int_equal(unpack_well(&b, scratch(&a, "pack")).payloads, 0);
    assert_mirrored(&b, &a.own);
    assert_false(has_payload(&b, a.own.origin, 1, "said"));
    node_stop(&a);
    node_stop(&b);
}

/* ---- luggage ---- */

static bool has_keys(const struct node *node, const char *origin)
{
    struct keys keys;
    struct err err = {0};
    int rc = keys_load(node->dir, span_str(origin), &keys, &err);
    keys_wipe(&keys);
    return rc == 0;
}

static void test_luggage(void **state)
{
    struct node a, b;
    struct log_info guest;
    struct heard heard;
    struct pack_result result;
    struct stat st;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_member(&a, "guest.example", false, &guest);
    say_in(&a, guest.number, "for everybody", TLP_CLEAR);
    say_in(&a, guest.number, "for few", TLP_AMBER);
    luggage(&a, guest.number, scratch(&a, "luggage"));
    assert_int_equal(stat(scratch(&a, "luggage"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    refused(&b, scratch(&a, "luggage"), false, "it is a member's luggage");
    assert_false(has_log(&b, guest.origin));
    assert_false(has_keys(&b, guest.origin));
    good(try_unpack(&b, scratch(&a, "luggage"), true, &heard, &result, &err));
    assert_int_equal(heard.arrivals, 1);
    assert_true(heard.same_key);
    struct log_info log = log_of(&b, guest.origin);
    assert_int_equal(heard.arrived, log.number);
    assert_int_equal(log.role, LOG_OWN);
    assert_true(has_keys(&b, guest.origin));
    assert_true(has_payload(&b, guest.origin, 2, "for few"));
    /* Cut off before its keys were changed: the same again. */
    good(try_unpack(&b, scratch(&a, "luggage"), true, &heard, &result, &err));
    assert_int_equal(heard.arrivals, 1);
    assert_true(heard.same_key);
    good(author_rotate(b.store, log.number, NULL, NULL, TIME_MS, &err));
    good(try_unpack(&b, scratch(&a, "luggage"), true, &heard, &result, &err));
    assert_int_equal(heard.arrivals, 1);
    assert_false(heard.same_key);
    say_in(&b, log.number, "speaks here", TLP_CLEAR);
    node_stop(&a);
    node_stop(&b);
}

/* A second copy of the luggage, after the member has settled elsewhere. */
static void test_luggage_too_late(void **state)
{
    struct node a, b, c;
    struct log_info guest;
    struct heard heard;
    struct pack_result result;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    node_member(&a, "guest.example", false, &guest);
    luggage(&a, guest.number, scratch(&a, "luggage"));
    good(try_unpack(&b, scratch(&a, "luggage"), true, &heard, &result, &err));
    good(author_rotate(b.store, heard.arrived, NULL, NULL, TIME_MS, &err));
    pack_all(&b, scratch(&b, "pack"));
    unpack_well(&c, scratch(&b, "pack"));
    refused(&c, scratch(&a, "luggage"), true, "not the one in force");
    assert_int_equal(log_of(&c, guest.origin).role, LOG_MIRROR);
    assert_false(has_keys(&c, guest.origin));
    node_stop(&a);
    node_stop(&b);
    node_stop(&c);
}

/* Keys of another log, of nobody, or those of the node's own operator. */
static void test_wrong_keys(void **state)
{
    struct node a, b;
    struct log_info guest, other;
    struct files files;
    struct keys keys;
    struct buf text;
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_member(&a, "guest.example", false, &guest);
    node_member(&a, "other.example", false, &other);
    luggage(&a, guest.number, scratch(&a, "luggage"));
    files_load(scratch(&a, "luggage"), &files);
    size_t at = files_find(&files, "/keys");
    buf_init(&text, 4096);
    keys_make(&keys);
    memcpy(keys.origin, guest.origin, sizeof(keys.origin));
    keys_format(&keys, &text);
    files_remove(&files, at);
    char name[256];
    snprintf(name, sizeof(name), "logs/%s/keys", guest.hex);
    files_insert(&files, at, name, text.data, text.len);
    files_save(scratch(&a, "forged"), &files);
    refused(&b, scratch(&a, "forged"), true, "not the one in force");
    assert_false(has_keys(&b, guest.origin));
    buf_clear(&text);
    memcpy(keys.origin, other.origin, sizeof(keys.origin));
    keys_format(&keys, &text);
    files_remove(&files, at);
    files_insert(&files, at, name, text.data, text.len);
    files_save(scratch(&a, "forged"), &files);
    refused(&b, scratch(&a, "forged"), true, "the keys are those of other.example");
    luggage(&b, b.own.number, scratch(&b, "own"));
    refused(&b, scratch(&b, "own"), true, "is this node's own operator");
    files_free(&files);
    buf_done(&text);
    node_stop(&a);
    node_stop(&b);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_later_and_older),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_collects_cosignatures),
        cmocka_unit_test(test_erasure_travels),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_one_of_two),
        cmocka_unit_test(test_tricks),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_half_pulled),
        cmocka_unit_test(test_own_log_heals),
        cmocka_unit_test(test_forks),
        cmocka_unit_test(test_fork_of_one_size),
        cmocka_unit_test(test_forged_branch),
        cmocka_unit_test(test_listed_is_promoted),
        cmocka_unit_test(test_heads_mode),
        cmocka_unit_test(test_luggage),
        cmocka_unit_test(test_luggage_too_late),
        cmocka_unit_test(test_wrong_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The import: what goes in, what is refused, what is known already. Packed sources: test_archive.c. */
#include <time.h>

#include "index/follow.h"
#include "security/import_help.h"
#include "security/import_map.h"

const struct capability *const capabilities[] = {&security_capability, NULL};

#define RED "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
#define CUSTOM "marking-definition--00000000-0000-4000-8000-000000000009"

static void check_list(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct told told;
    struct import_call call = {
        .text = SPAN_LIT("evil.com\n1.2.3.4\nEVIL.com\nwrong\n"), .number = node->own.number, .tlp = TLP_CLEAR};
    run(node, &call, &result, &told);
    assert_int_equal(result.items, 3);
    assert_int_equal(result.added, 2);
    assert_int_equal(result.duplicates, 1);
    assert_int_equal(result.bad, 1);
    assert_int_equal(result.bytes, call.text.len);
    assert_int_equal(result.first_index, 1);
    assert_non_null(strstr(buf_cstr(&told.text), "bad :4 \"wrong\""));
    assert_int_equal(node_size(node, node->own.number), 3);
    buf_done(&told.text);

    struct arena arena;
    struct buf text;
    struct record record;
    unsigned flags;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    buf_init(&text, 1 << 20);
    node_record(node, node->own.number, 1, &arena, &text, &record);
    assert_true(span_is(record.kind, "security/stix"));
    assert_true(span_is(record.type, STIX_TYPE));
    assert_int_equal(record.tlp, TLP_CLEAR);
    assert_int_equal(record.time_ms, TEST_NOW_MS);
    assert_non_null(strstr(buf_cstr(&text) + 4 + SEAL_SALT, "[domain-name:value = 'evil.com']"));
    node_check(payload_flags(node->store, node->own.number, 1, &flags, &err), &err);
    assert_true(flags & SLOT_CLEAR);
    arena_done(&arena);
    buf_done(&text);
}

static void check_again(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct import_call call = {.text = SPAN_LIT("evil.com\n1.2.3.4\n"), .number = node->own.number, .tlp = TLP_CLEAR};
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 2);
    call.now_ms = TEST_NOW_MS + 1000;
    call.name = "other.txt";
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 0);
    assert_int_equal(result.duplicates, 2);
    assert_int_equal(result.first_index, UINT64_MAX);
    assert_int_equal(node_size(node, node->own.number), 3);
    /* Another log knows nothing of it. */
    call.number = node->local.number;
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 2);
}

/* What was kept in a narrow circle can be shared later; what was shared is not repeated for a narrower circle. */
static void check_widen(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct import_call call = {.text = SPAN_LIT("evil.com\n1.2.3.4\n"), .number = node->own.number, .tlp = TLP_RED};
    static const struct {
        enum tlp tlp;
        uint64_t added;
    } steps[] = {{TLP_RED, 2},   {TLP_RED, 0},   {TLP_AMBER, 2},        {TLP_RED, 0},
                 {TLP_CLEAR, 2}, {TLP_CLEAR, 0}, {TLP_AMBER_STRICT, 0}, {TLP_CLEAR, 0}};
    uint64_t size = 1;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        call.tlp = steps[i].tlp;
        call.now_ms = TEST_NOW_MS + 1000 * (int64_t)i;
        run(node, &call, &result, NULL);
        assert_int_equal(result.added, steps[i].added);
        assert_int_equal(result.updated, i ? steps[i].added : 0);
        assert_int_equal(result.duplicates, 2 - steps[i].added);
        size += steps[i].added;
        assert_int_equal(node_size(node, node->own.number), size);
        unsigned flags;
        struct err err = {0};
        if (result.added) {
            node_check(payload_flags(node->store, node->own.number, result.first_index, &flags, &err), &err);
            assert_int_equal((flags & SLOT_CLEAR) != 0, call.tlp == TLP_CLEAR);
        }
    }
}

static void check_dry_run(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct import_call call = {
        .text = SPAN_LIT("evil.com\n1.2.3.4\nwrong\n"), .number = node->own.number, .tlp = TLP_CLEAR, .dry_run = true};
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 2);
    assert_int_equal(result.bad, 1);
    assert_int_equal(result.first_index, UINT64_MAX);
    assert_int_equal(node_size(node, node->own.number), 1);
}

#define MODIFIED_2 "2017-05-12T08:17:27.000Z"

static void check_marking(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct told told;
    struct import_call call = {
        .text = SPAN_LIT(
            "[" OBJECT(1, MODIFIED_1, ",\"object_marking_refs\":[\"" RED "\"]") "," OBJECT(2, MODIFIED_1, "") "]"),
        .number = node->own.number,
        .tlp = TLP_CLEAR,
        .format = IMPORT_STIX};
    run(node, &call, &result, &told);
    assert_int_equal(result.refused, 1);
    assert_int_equal(result.added, 1);
    assert_string_equal(buf_cstr(&told.text),
                        "refused :1 campaign--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061: marked narrower than "
                        "TLP:CLEAR: TLP:RED by " RED "\n");
    buf_done(&told.text);
    call.tlp = TLP_AMBER_STRICT;
    run(node, &call, &result, NULL);
    assert_int_equal(result.refused, 1);
    call.tlp = TLP_RED;
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);

    /* What is not clear is kept here and is not for the public. */
    struct arena arena;
    struct buf text;
    struct record record;
    unsigned flags;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    buf_init(&text, 1 << 20);
    node_record(node, node->own.number, result.first_index, &arena, &text, &record);
    assert_int_equal(record.tlp, TLP_RED);
    node_check(payload_flags(node->store, node->own.number, result.first_index, &flags, &err), &err);
    assert_int_equal(flags & SLOT_CLEAR, 0);
    arena_done(&arena);
    buf_done(&text);
}

static void check_local(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct err err = {0};
    struct import_call call = {
        .text = SPAN_LIT(
            "[" OBJECT(1, MODIFIED_1, ",\"object_marking_refs\":[\"" RED "\"]") "," OBJECT(2, MODIFIED_1, "") "]"),
        .number = node->own.number,
        .tlp = TLP_NONE};
    assert_int_equal(node_import(node, &call, &result, NULL, &err), ERR_USAGE);
    call.number = node->local.number;
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 2);
    struct arena arena;
    struct buf text;
    struct record record;
    arena_init(&arena, 1 << 20);
    buf_init(&text, 1 << 20);
    node_record(node, node->local.number, 1, &arena, &text, &record);
    assert_int_equal(record.tlp, TLP_RED);
    node_record(node, node->local.number, 2, &arena, &text, &record);
    assert_int_equal(record.tlp, TLP_NONE);
    arena_done(&arena);
    buf_done(&text);
}

static void check_marking_known(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct import_call call = {.text = SPAN_LIT(OBJECT(1, MODIFIED_1, ",\"object_marking_refs\":[\"" CUSTOM "\"]")),
                               .number = node->own.number,
                               .tlp = TLP_GREEN};
    run(node, &call, &result, NULL);
    assert_int_equal(result.refused, 1);
    struct import_call definition = call;
    definition.text = SPAN_LIT("{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"" CUSTOM
                               "\",\"created\":\"2020-01-01T00:00:00.000Z\",\"definition_type\":\"tlp\",\"definition\":"
                               "{\"tlp\":\"green\"}}");
    run(node, &definition, &result, NULL);
    assert_int_equal(result.added, 1);
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);
    call.tlp = TLP_CLEAR;
    run(node, &call, &result, NULL);
    assert_int_equal(result.refused, 1);
}

static void check_versions(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct told told;
    struct import_call call = {
        .text = SPAN_LIT(OBJECT(1, MODIFIED_1, "")), .number = node->own.number, .tlp = TLP_CLEAR};
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.updated, 0);
    run(node, &call, &result, NULL);
    assert_int_equal(result.duplicates, 1);
    call.text = SPAN_LIT(OBJECT(1, MODIFIED_1, ",\"x\":1"));
    run(node, &call, &result, &told);
    assert_int_equal(result.refused, 1);
    assert_non_null(strstr(buf_cstr(&told.text), "conflict :1 campaign--"));
    buf_done(&told.text);
    call.text = SPAN_LIT(OBJECT(1, MODIFIED_2, ",\"x\":1"));
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.updated, 1);
    call.text = SPAN_LIT(OBJECT(1, MODIFIED_1, ""));
    run(node, &call, &result, NULL);
    assert_int_equal(result.duplicates, 1);
    /* Several versions in one file, in any order; the same twice; two that disagree. */
    call.text = SPAN_LIT("[" OBJECT(2, MODIFIED_2, "") "," OBJECT(2, MODIFIED_1, "") "," OBJECT(
        2, MODIFIED_1, "") "," OBJECT(2, MODIFIED_1, ",\"x\":1") "]");
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 2);
    assert_int_equal(result.duplicates, 1);
    assert_int_equal(result.refused, 1);
    /* Two attributes of an event under one UUID: neither is lost without a word. */
#define ATTRIBUTE(value)                                                                                               \
    "{\"uuid\":\"5ede974a-00d8-4bb1-a02e-7a498064ab01\",\"type\":\"domain\",\"to_ids\":true,\"value\":\"" value "\"}"
    call.text =
        SPAN_LIT("{\"Event\":{\"uuid\":\"5ede974a-00d8-4bb1-a02e-7a498064ab00\",\"timestamp\":1591646254,"
                 "\"Attribute\":[" ATTRIBUTE("evil.com") "," ATTRIBUTE("evil.com") "," ATTRIBUTE("bad.com") "]}}");
    run(node, &call, &result, &told);
    assert_int_equal(result.added, 2);
    assert_int_equal(result.duplicates, 1);
    assert_int_equal(result.refused, 1);
    assert_non_null(strstr(buf_cstr(&told.text), "another object under this id"));
    buf_done(&told.text);
}

/* The same bytes for a wider circle; an older version too, as nothing newer is said there; never other bytes. */
static void check_widen_objects(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct import_call call = {.text = SPAN_LIT(OBJECT(1, MODIFIED_1, "")), .number = node->own.number, .tlp = TLP_RED};
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);
    struct import_call newer = call;
    newer.text = SPAN_LIT(OBJECT(1, MODIFIED_2, ",\"name2\":\"secret\""));
    run(node, &newer, &result, NULL);
    assert_int_equal(result.added, 1);
    call.tlp = TLP_CLEAR;
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.updated, 1);
    run(node, &call, &result, NULL);
    assert_int_equal(result.duplicates, 1);
    struct import_call other = call;
    other.text = SPAN_LIT(OBJECT(1, MODIFIED_2, ",\"name2\":\"other\""));
    run(node, &other, &result, NULL);
    assert_int_equal(result.refused, 1);
    newer.tlp = TLP_GREEN;
    run(node, &newer, &result, NULL);
    assert_int_equal(result.added, 1);
    run(node, &newer, &result, NULL);
    assert_int_equal(result.duplicates, 1);
    assert_int_equal(node_size(node, node->own.number), 5);
}

/* What a person revoked for few and reports again for all: the notes of the narrow record stay where they are. */
static void check_widen_withdrawn(void **state)
{
    static const char gone[] =
        "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2016-05-12T08:17:27.000Z\","
        "\"modified\":\"2016-05-12T08:17:27.000Z\",\"valid_from\":\"2016-05-12T08:17:27.000Z\",\"name\":\"secret\","
        "\"pattern_type\":\"stix\",\"pattern\":\"[domain-name:value = 'evil.com']\",\"revoked\":true}";
    struct node *node = *state;
    struct import_result result;
    struct got got;
    struct err err = {0};
    struct buf text;
    struct arena arena;
    struct record record;
    struct import_source source = {.origin = span_str(node->own.origin), .now_ms = TEST_NOW_MS};
    struct import_sink sink = {.item = got_on_item, .bad = got_on_bad, .ctx = &got};
    got = (struct got){0};
    buf_init(&got.dump, 1 << 20);
    buf_init(&text, 1 << 20);
    arena_init(&arena, 1 << 20);
    struct import_reader *reader = import_reader_new(IMPORT_LIST, &source, &sink);
    node_check(import_reader_feed(reader, SPAN_LIT("evil.com\n"), &err), &err);
    node_check(import_reader_end(reader, &err), &err);
    import_reader_free(reader);
    buf_fmt(&text, gone, got.items[0].id);
    struct import_call call = {.text = buf_view(&text), .number = node->own.number, .tlp = TLP_RED};
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);
    call.text = SPAN_LIT("evil.com\n");
    call.tlp = TLP_CLEAR;
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);
    node_record(node, node->own.number, result.first_index, &arena, &text, &record);
    assert_int_equal(record.tlp, TLP_CLEAR);
    assert_true(span_search(record.body, SPAN_LIT("secret")) == record.body.len);
    assert_true(span_search(record.body, SPAN_LIT("revoked")) == record.body.len);
    buf_done(&text);
    arena_done(&arena);
    got_done(&got);
}

/* Every byte of every object comes back as it went in. */
static void check_bytes(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct span text = data_read("attack/ics-attack.json");
    struct got got;
    got_read(&got, IMPORT_STIX, "x", text, 0, SIZE_MAX);
    struct import_call call = {.text = text, .number = node->own.number, .tlp = TLP_CLEAR, .name = "ics-attack.json"};
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1826);
    assert_int_equal(result.bad, 0);
    struct arena arena;
    struct buf payload;
    struct record record;
    arena_init(&arena, 1 << 20);
    buf_init(&payload, PAYLOAD_MAX);
    for (uint64_t i = 0; i < result.added; i++) {
        arena_clear(&arena);
        node_record(node, node->own.number, result.first_index + i, &arena, &payload, &record);
        assert_true(span_eq(record.body, span_str(got.items[i].object)));
    }
    run(node, &call, &result, NULL);
    assert_int_equal(result.duplicates, 1826);
    arena_done(&arena);
    buf_done(&payload);
    got_done(&got);
    data_free(text);
}

static void check_refused_data(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct told told;
    struct span red = data_read("stix/interop-objectmarking-test.json");
    struct span misp = data_read("citizenlab/202006_DarkBasin/misp.json");
    struct import_call call = {.text = red, .number = node->own.number, .tlp = TLP_CLEAR, .name = "red.json"};
    run(node, &call, &result, &told);
    assert_int_equal(result.refused, 1);
    assert_non_null(strstr(buf_cstr(&told.text), "TLP:RED by marking-definition--5e57c739"));
    buf_done(&told.text);
    call.text = misp;
    call.name = "misp.json";
    run(node, &call, &result, &told);
    assert_int_equal(result.added, 0);
    assert_int_equal(result.refused, result.items);
    assert_int_equal(result.items, 462 + 17 + 1); /* domains, e-mail addresses, the event */
    assert_non_null(strstr(buf_cstr(&told.text), "MISP distribution 1 (this community only)"));
    buf_done(&told.text);
    assert_int_equal(node_size(node, node->own.number), 1);
    call.number = node->local.number;
    call.tlp = TLP_NONE;
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, result.items);
    data_free(red);
    data_free(misp);
}

static void check_failures(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct err err = {0};
    struct import_call call = {
        .text = SPAN_LIT("evil.com\nhalf.c"), .number = node->own.number, .tlp = TLP_CLEAR, .fail_code = ERR_IO};
    assert_int_equal(node_import(node, &call, &result, NULL, &err), ERR_IO);
    assert_string_equal(err.text, "the source failed");
    assert_int_equal(node_size(node, node->own.number), 1);
    call.fail_code = 0;
    call.text = SPAN_LIT("\n <!DOCTYPE html><html>");
    call.name = "page.txt";
    assert_int_equal(node_import(node, &call, &result, NULL, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "page.txt: looks like XML or HTML"));
    /* A warning list that somebody calls a list: its values are harmless ones. */
    call.text = SPAN_LIT("\xef\xbb\xbf{\"name\":\"x\",\"list\":[\n\"8.8.8.8\",\n\"harmless.com\"\n]}");
    call.format = IMPORT_LIST;
    assert_int_equal(node_import(node, &call, &result, NULL, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "looks like JSON"));
    assert_int_equal(node_size(node, node->own.number), 1);
    call.text = SPAN_LIT("[2001:db8::1]\n");
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);
    call.number = 99;
    assert_int_equal(node_import(node, &call, &result, NULL, &err), ERR_NOTFOUND);
}

/* Before the start check nothing is signed for others and the result claims nothing; the local log is no concern. */
static void check_start_check(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct err err = {0};
    struct store_options options = {0};
    store_close(node->store);
    node->store = NULL;
    node_check(store_open(node->dir, &options, &node->store, &err), &err);
    struct import_call call = {.text = SPAN_LIT("evil.com\n1.2.3.4\n"), .number = node->own.number, .tlp = TLP_CLEAR};
    assert_int_equal(node_import(node, &call, &result, NULL, &err), ERR_STATE);
    assert_int_equal(result.added, 0);
    assert_int_equal(result.first_index, UINT64_MAX);
    assert_int_equal(node_size(node, node->own.number), 1);
    call.number = node->local.number;
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 2);
    call.text = SPAN_LIT("b.example.com\n");
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);
}

/* The byte and the line of what is no JSON are those of the file. */
static void check_json_place(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct told told;
    static const char text[] = "[\n" OBJECT(1, MODIFIED_1, "") ",\n{\"type\":\"campaign\",\n \"id\": tru }]\n";
    char wanted[64];
    struct import_call call = {
        .text = span_str(text), .number = node->own.number, .tlp = TLP_CLEAR, .format = IMPORT_STIX};
    run(node, &call, &result, &told);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.bad, 1);
    snprintf(wanted, sizeof(wanted), "bad :4 JSON: byte %zu: ", (size_t)(strstr(text, "tru }") - text));
    if (strncmp(buf_cstr(&told.text), wanted, strlen(wanted)) != 0)
        fail_msg("%s, wanted %s", buf_cstr(&told.text), wanted);
    buf_done(&told.text);
}

static int stop_report(void *ctx, const char *what, struct span source, uint64_t line, uint64_t offset,
                       const char *reason)
{
    (void)ctx;
    (void)what;
    (void)source;
    (void)line;
    (void)offset;
    (void)reason;
    return ERR_STATE;
}

static void check_report_ends(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct err err = {0};
    struct memory memory = {.text = SPAN_LIT("a.com\nwrong\nb.com\n"), .piece = 3};
    struct import_options options = {
        .number = node->own.number, .tlp = TLP_CLEAR, .now_ms = TEST_NOW_MS, .report = stop_report};
    assert_int_equal(
        import_run(node->store, node->index, IMPORT_LIST, SPAN_LIT("x"), memory_read, &memory, &options, &result, &err),
        ERR_STATE);
    assert_int_equal(node_size(node, node->own.number), 2); /* what was read before is good */
}

static void check_samples(void **state)
{
    static const struct {
        const char *path;
        uint64_t added, refused, bad;
    } samples[] = {
        {"samples/maltrail/apt_stuxnet.txt", 2, 0, 0},
        {"samples/attack/ics-attack-stuxnet.json", 40, 0, 0},
        {"samples/stix/example-bundle.json", 5, 1, 0},
        {"samples/lists/defanged.txt", 10, 0, 2},
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct import_result result;
        struct import_call call = {.text = sample_read(samples[i].path),
                                   .name = samples[i].path,
                                   .number = node->own.number,
                                   .tlp = TLP_CLEAR};
        run(node, &call, &result, NULL);
        if (result.added != samples[i].added || result.refused != samples[i].refused || result.bad != samples[i].bad)
            fail_msg("%s: %llu, %llu, %llu", samples[i].path, (unsigned long long)result.added,
                     (unsigned long long)result.refused, (unsigned long long)result.bad);
        data_free(call.text);
    }
}

/* ---- many ---- */

static void check_batches(void **state)
{
    enum { COUNT = 20000 };
    struct node *node = *state;
    struct import_result result;
    struct buf text;
    struct timespec begin, end;
    buf_init(&text, 16u << 20);
    for (int i = 0; i < COUNT; i++)
        buf_fmt(&text, "host%d.example.com\n", i);
    struct import_call call = {.text = buf_view(&text), .number = node->own.number, .tlp = TLP_CLEAR};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    run(node, &call, &result, NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_int_equal(result.added, COUNT);
    assert_int_equal(result.first_index, 1);
    assert_int_equal(node_size(node, node->own.number), COUNT + 1);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    print_message("# %d lines in %.2f s, %.0f a second\n", COUNT, seconds, COUNT / seconds);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    run(node, &call, &result, NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_int_equal(result.duplicates, COUNT);
    seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    print_message("# again: %.2f s, %.0f a second\n", seconds, COUNT / seconds);
    buf_done(&text);
}

static int count_value(void *ctx, uint64_t key, uint64_t *value, struct err *err)
{
    uint64_t *sum = ctx;
    (void)key;
    (void)err;
    *sum += *value;
    return 0;
}

static void check_map(void **state)
{
    struct import_map map;
    struct err err = {0};
    uint64_t sum = 0;
    (void)state;
    import_map_init(&map, 10000);
    assert_null(import_map_find(&map, 7));
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal(import_map_put(&map, i * 0x10000, i, &err), 0);
    assert_int_equal(import_map_put(&map, 3, 3, &err), ERR_LIMIT);
    assert_int_equal(import_map_put(&map, 5 * 0x10000, 500, &err), 0);
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal(*import_map_find(&map, i * 0x10000), i == 5 ? 500 : i);
    assert_null(import_map_find(&map, 3));
    assert_int_equal(import_map_each(&map, count_value, &sum, &err), 0);
    assert_int_equal(sum, 9999 * 10000 / 2 + 495);
    import_map_done(&map);
}

static void check_formats(void **state)
{
    static const struct {
        const char *head, *name;
        enum import_format format;
    } cases[] = {
        {"{\"type\":\"bundle\",\"objects\":[", "x", IMPORT_STIX},
        {"  [ {\"type\":\"indicator\"", "x", IMPORT_STIX},
        {"{\"more\":false,\"objects\":[", "x", IMPORT_STIX},
        {"{\"response\":[{\"Event\":{\"type\":1", "x", IMPORT_MISP},
        {"\xef\xbb\xbf{\"Event\":{", "x", IMPORT_MISP},
        {"{\"type\":\"identity\",\"name\":\"an \\\"Event\\\"\"}", "x", IMPORT_STIX},
        {"evil.com\n", "x", IMPORT_LIST},
        {"", "x", IMPORT_LIST},
        {"[Adblock Plus]\n||x.com^", "x", IMPORT_LIST},
        {"evil.com\n", "trails/static/malware/x.txt", IMPORT_MALTRAIL},
        {"# Copyright (c) 2014-2026 Maltrail developers\n", "x", IMPORT_MALTRAIL},
    };
    bool known;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(import_guess(span_str(cases[i].head), span_str(cases[i].name)), cases[i].format);
    static const char *const words[] = {"auto", "stix", "list", "maltrail", "misp"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_int_equal(import_format_parse(span_str(words[i]), &known), i);
        assert_true(known);
    }
    import_format_parse(SPAN_LIT("xml"), &known);
    assert_false(known);
}

/* The pattern that we write and the pattern that is read agree on type and value. */
static int same_value(void *ctx, enum ioc_type type, struct span value, struct err *err)
{
    struct got_item *item = ctx;
    (void)err;
    if (type == item->item.ioc_type && span_is(value, item->value))
        item->item.line = 0;
    return 0;
}

static void check_patterns_back(void **state)
{
    static const char list[] =
        "1.2.3.4\n1.2.3.0/24\n2001:db8::1\n2001:db8::/32\nevil.com\nhttps://evil.com/a'b\\c%20d?e=f&g\n"
        "http://evil.com:8080/\nd41d8cd98f00b204e9800998ecf8427e\nda39a3ee5e6b4b0d3255bfef95601890afd80709\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\na'b@evil.com\n1.2.3.4:443\n"
        "/gate'.php?id=1\nftp://1.2.3.4/x\nhttp://[2001:db8::1]/y\n";
    struct got got;
    struct err err = {0};
    (void)state;
    got_text(&got, IMPORT_LIST, "x.txt", list);
    assert_int_equal(got.bad_count, 0);
    assert_int_equal(got.item_count, 15);
    for (size_t i = 0; i < got.item_count; i++) {
        json_t *object = json_small_load(span_str(got.items[i].object), &err);
        assert_non_null(object);
        const char *pattern = json_string_value(json_object_get(object, "pattern"));
        node_check(stix_pattern_values(span_str(pattern), same_value, &got.items[i], &err), &err);
        if (got.items[i].item.line != 0)
            fail_msg("%s does not give %s back", pattern, got.items[i].value);
        json_decref(object);
    }
    got_done(&got);
}

static void add_campaign(struct buf *text, unsigned long n, const char *modified)
{
    buf_fmt(text,
            "%s{\"type\":\"campaign\",\"spec_version\":\"2.1\",\"id\":\"campaign--%08lx-8ff7-4a4d-aa9d-feb398cd0060\","
            "\"created\":\"2016-05-12T08:17:27.000Z\",\"modified\":\"%s\",\"name\":\"a\"}",
            text->len ? "," : "[", n, modified);
}

/* Whether a thread folds meanwhile, and how fast, changes nothing of what goes in. */
static void check_fold_beside(void **state)
{
    struct node *node = *state;
    struct import_result plain, beside, again;
    struct buf text;
    struct err err = {0};
    uint64_t behind;
    unsigned long count = 3 * IMPORT_BATCH_RECORDS;
    buf_init(&text, 64u << 20);
    for (unsigned long i = 0; i < count; i++)
        add_campaign(&text, i, MODIFIED_2);
    for (unsigned long i = 0; i < 100; i++)
        add_campaign(&text, i, i % 2 ? MODIFIED_1 : MODIFIED_2);
    buf_str(&text, "]");
    struct import_call call = {.text = buf_view(&text), .number = node->local.number, .tlp = TLP_CLEAR};
    run(node, &call, &plain, NULL);
    call.number = node->own.number;
    call.fold_beside = true;
    run(node, &call, &beside, NULL);
    assert_int_equal(beside.added, count + 50);
    assert_int_equal(beside.added, plain.added);
    assert_int_equal(beside.duplicates, plain.duplicates);
    assert_int_equal(node_size(node, node->own.number), node_size(node, node->local.number));
    node_check(index_behind(node->index, node->store, &behind, &err), &err);
    assert_int_equal(behind, 0);
    run(node, &call, &again, NULL);
    assert_int_equal(again.added, 0);
    assert_int_equal(again.duplicates, count + 100);
    buf_done(&text);
}

static bool no_threads;

int __real_index_follow_start(const char *dir, struct index_follow **ret, struct err *err);
int __wrap_index_follow_start(const char *dir, struct index_follow **ret, struct err *err);

int __wrap_index_follow_start(const char *dir, struct index_follow **ret, struct err *err)
{
    return no_threads ? err_set(err, ERR_MEMORY, "no thread for the index") : __real_index_follow_start(dir, ret, err);
}

/* The thread is a convenience: without one all goes in, is counted, and is folded at the end. */
static void check_fold_alone(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct buf text;
    struct err err = {0};
    uint64_t behind;
    buf_init(&text, 4u << 20);
    for (unsigned long i = 0; i < 2 * IMPORT_BATCH_RECORDS + 1; i++)
        buf_fmt(&text, "x%lu.example\n", i);
    struct import_call call = {
        .text = buf_view(&text), .number = node->own.number, .tlp = TLP_CLEAR, .fold_beside = true};
    no_threads = true;
    run(node, &call, &result, NULL);
    no_threads = false;
    assert_int_equal(result.added, 2 * IMPORT_BATCH_RECORDS + 1);
    assert_int_equal(result.first_index, 1);
    node_check(index_behind(node->index, node->store, &behind, &err), &err);
    assert_int_equal(behind, 0);
    buf_done(&text);
}

#define NODE_TEST(test) cmocka_unit_test_setup_teardown(test, node_setup, node_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_map),    cmocka_unit_test(check_formats),  cmocka_unit_test(check_patterns_back),
        NODE_TEST(check_list),          NODE_TEST(check_again),           NODE_TEST(check_widen),
        NODE_TEST(check_widen_objects), NODE_TEST(check_widen_withdrawn), NODE_TEST(check_start_check),
        NODE_TEST(check_json_place),    NODE_TEST(check_dry_run),         NODE_TEST(check_marking),
        NODE_TEST(check_local),         NODE_TEST(check_marking_known),   NODE_TEST(check_versions),
        NODE_TEST(check_failures),      NODE_TEST(check_report_ends),     NODE_TEST(check_samples),

        NODE_TEST(check_batches),       NODE_TEST(check_bytes),           NODE_TEST(check_refused_data),
        NODE_TEST(check_fold_beside),   NODE_TEST(check_fold_alone),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

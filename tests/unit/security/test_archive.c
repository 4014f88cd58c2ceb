/* The import of packed sources: archives, compressed files, broken ones, and what grows without end. */
#include <archive.h>
#include <archive_entry.h>

#include "security/import_help.h"

const struct capability *const capabilities[] = {&security_capability, NULL};

static struct span pack(const char *format, const char *filter, const char *const (*files)[2], size_t count, char *out,
                        size_t max)
{
    size_t used = 0;
    struct archive *archive = archive_write_new();
    assert_non_null(archive);
    assert_int_equal(archive_write_set_format_by_name(archive, format), ARCHIVE_OK);
    if (filter)
        assert_int_equal(archive_write_add_filter_by_name(archive, filter), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(archive, out, max, &used), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, files[i][0]);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, (la_int64_t)strlen(files[i][1]));
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(archive, files[i][1], strlen(files[i][1])),
                         (la_ssize_t)strlen(files[i][1]));
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
    return span_of(out, used);
}

static const char *const members[][2] = {
    {"LICENSE", "a licence is no.indicator\n"},
    {"trails/__init__.py", "import evil.com\n"},
    {"trails/static/malware/wannacry.txt", "# Reference: https://example.com/x\n\nkill.example.com\nfree\n"},
    {"iocs/list.csv", "0.0.0.0 hosts.example.com\n1.2.3.4,x\n"},
    {"iocs/object.json", OBJECT(1, MODIFIED_1, "")},
};

static void check_archives(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct told told;
    static char bytes[1 << 16];
    static const char *const kinds[][2] = {{"pax", "xz"},    {"pax", "gzip"}, {"pax", "zstd"},
                                           {"pax", "bzip2"}, {"pax", NULL},   {"zip", NULL}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct import_call call = {.text = pack(kinds[i][0], kinds[i][1], members, 5, bytes, sizeof(bytes)),
                                   .number = node->own.number,
                                   .tlp = TLP_CLEAR,
                                   .name = "set.tar.x"};
        run(node, &call, &result, &told);
        assert_int_equal(result.items, 4);
        assert_int_equal(i == 0 ? result.added : result.duplicates, 4);
        assert_int_equal(result.bad, 1);
        assert_int_equal(result.bytes, call.text.len);
        assert_non_null(strstr(buf_cstr(&told.text), "bad trails/static/malware/wannacry.txt:4 \"free\""));
        buf_done(&told.text);
    }
    struct arena arena;
    struct buf text;
    struct record record;
    arena_init(&arena, 1 << 20);
    buf_init(&text, 1 << 20);
    node_record(node, node->own.number, 1, &arena, &text, &record);
    buf_byte(&text, 0);
    assert_non_null(strstr((const char *)text.data + 4 + SEAL_SALT, "\"labels\":[\"wannacry\"]"));
    arena_done(&arena);
    buf_done(&text);
}

static void check_compressed(void **state)
{
    struct node *node = *state;
    struct import_result result;
    static char bytes[1 << 16];
    static const char *const file[][2] = {{"data", "evil.com\nwrong\n"}};
    struct import_call call = {.text = pack("raw", "gzip", file, 1, bytes, sizeof(bytes)),
                               .number = node->own.number,
                               .tlp = TLP_CLEAR,
                               .name = "lists/botnet.txt.gz"};
    run(node, &call, &result, NULL);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.bad, 1);
    struct arena arena;
    struct buf text;
    struct record record;
    arena_init(&arena, 1 << 20);
    buf_init(&text, 1 << 20);
    node_record(node, node->own.number, 1, &arena, &text, &record);
    buf_byte(&text, 0);
    assert_non_null(strstr((const char *)text.data + 4 + SEAL_SALT, "\"labels\":[\"botnet\"]"));
    arena_done(&arena);
    buf_done(&text);
}

static void check_broken_archives(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct told told;
    static char bytes[1 << 16];
    struct span whole = pack("pax", "xz", members, 5, bytes, sizeof(bytes));
    for (size_t len = 6; len < whole.len; len += 7) {
        struct import_call call = {
            .text = span_sub(whole, 0, len), .number = node->own.number, .tlp = TLP_CLEAR, .dry_run = true};
        run(node, &call, &result, &told);
        assert_true(result.bad >= 1);
        assert_non_null(strstr(buf_cstr(&told.text), "cannot be unpacked any further"));
        buf_done(&told.text);
    }
}

static void check_bomb(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct told told;
    static char bytes[1 << 20];
    size_t len = 80u << 20;
    char *lines = malloc(len + 1);
    assert_non_null(lines);
    memset(lines, '\n', len);
    lines[len] = 0;
    const char *const file[][2] = {{"a.txt", lines}, {"b.txt", "evil.com\n"}};
    struct import_call call = {
        .text = pack("pax", "zstd", file, 2, bytes, sizeof(bytes)), .number = node->own.number, .tlp = TLP_CLEAR};
    run(node, &call, &result, &told);
    assert_int_equal(result.items, 0);
    assert_int_equal(result.bad, 1);
    assert_non_null(strstr(buf_cstr(&told.text), "1,000 times"));
    buf_done(&told.text);
    free(lines);
}

/* What is passed over has a limit as well: here a read-me, then a page of HTML. */
static void check_bomb_beside(void **state)
{
    struct node *node = *state;
    struct import_result result;
    struct told told;
    static char bytes[1 << 20];
    static const char *const names[] = {"README", "page.txt"};
    size_t len = 80u << 20;
    char *text = malloc(len + 1);
    assert_non_null(text);
    memset(text, '<', len);
    text[len] = 0;
    for (size_t i = 0; i < 2; i++) {
        const char *const file[][2] = {{names[i], text}, {"b.txt", "evil.com\n"}};
        struct import_call call = {
            .text = pack("pax", "zstd", file, 2, bytes, sizeof(bytes)), .number = node->own.number, .tlp = TLP_CLEAR};
        run(node, &call, &result, &told);
        assert_int_equal(result.items, 0);
        assert_non_null(strstr(buf_cstr(&told.text), "1,000 times"));
        buf_done(&told.text);
    }
    free(text);
}

/* Text has a limit of its own where one is asked for, packed or not, and whatever it is. */
static void check_text_max(void **state)
{
    struct node *node = *state;
    struct import_result result;
    static char bytes[1 << 16];
    static const char *const files[][2] = {{"a.txt", "a.com\n"}, {"README", "0123456789"}, {"b.txt", "b.com\n"}};
    static const char *const file[][2] = {{"data", "a.com\nb.com\n"}};
    struct span sources[] = {pack("zip", NULL, files, 3, bytes, 4096), pack("raw", "xz", file, 1, bytes + 4096, 4096),
                             SPAN_LIT("a.com\nb.com\n")};
    static const uint64_t lens[] = {22, 12, 12};
    static const char *const where[] = {"b.txt: more than 21 bytes of text come out of it: that is the limit",
                                        "more than 11 bytes of text come out of it: that is the limit",
                                        "more than 11 bytes of text come out of it: that is the limit"};
    for (size_t i = 0; i < 3; i++) {
        struct err err = {0};
        struct import_call call = {
            .text = sources[i], .number = node->own.number, .tlp = TLP_CLEAR, .name = "x", .dry_run = true};
        call.text_max = lens[i];
        node_check(node_import(node, &call, &result, NULL, &err), &err);
        assert_int_equal(result.items, 2);
        call.text_max = lens[i] - 1;
        assert_int_equal(node_import(node, &call, &result, NULL, &err), ERR_LIMIT);
        assert_string_equal(err.text, where[i]);
    }
}

/* Lines of all trails that are neither empty nor a comment, counted without our readers. */
static size_t count_trail_lines(const char *path)
{
    static char data[1 << 16];
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    size_t lines = 0;
    archive_read_support_filter_xz(archive);
    archive_read_support_format_tar(archive);
    assert_int_equal(archive_read_open_filename(archive, path, 1 << 16), ARCHIVE_OK);
    while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname(entry);
        size_t len = strlen(name);
        if (len < 4 || strcmp(name + len - 4, ".txt") != 0)
            continue;
        bool begun = false;
        la_ssize_t count;
        while ((count = archive_read_data(archive, data, sizeof(data))) > 0) {
            for (la_ssize_t i = 0; i < count; i++) {
                char c = data[i];
                if (c == '\n')
                    begun = false;
                else if (!begun && c != ' ' && c != '\t' && c != '\r') {
                    begun = true;
                    lines += c != '#';
                }
            }
        }
    }
    archive_read_free(archive);
    return lines;
}

/* All of Maltrail: each line is taken in, known already, or named as wrong. */
static void check_maltrail(void **state)
{
    struct node *node = *state;
    struct import_result result;
    char *path = data_path("maltrail/trails.tar.xz");
    if (!path)
        skip();
    struct import_call call = {.text = file_read(path),
                               .name = "trails.tar.xz",
                               .number = node->own.number,
                               .tlp = TLP_CLEAR,
                               .dry_run = true};
    run(node, &call, &result, NULL);
    print_message("# Maltrail: %llu added, %llu known already, %llu wrong\n", (unsigned long long)result.added,
                  (unsigned long long)result.duplicates, (unsigned long long)result.bad);
    assert_int_equal(result.items + result.bad, count_trail_lines(path));
    assert_true(result.added > 1500000);
    assert_true(result.bad < 1000);
    data_free(call.text);
    free(path);
}

#define NODE_TEST(test) cmocka_unit_test_setup_teardown(test, node_setup, node_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NODE_TEST(check_archives),    NODE_TEST(check_compressed), NODE_TEST(check_broken_archives),
        NODE_TEST(check_bomb_beside), NODE_TEST(check_text_max),   NODE_TEST(check_bomb),
        NODE_TEST(check_maltrail),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Lists: bodies, what a version changes, and files of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/list.h"

#define ORIGIN "one.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct frame {
    struct arena arena;
    struct list list;
    struct err err;
};

static int begin(void **state)
{
    static struct frame frame;
    frame = (struct frame){0};
    arena_init(&frame.arena, 64u << 20);
    *state = &frame;
    return 0;
}

static int end(void **state)
{
    arena_done(&((struct frame *)*state)->arena);
    return 0;
}

static void parses(struct frame *f, const char *body)
{
    if (list_parse_body(span_str(body), &f->arena, &f->list, &f->err) != 0)
        fail_msg("%s: %s", body, f->err.text);
}

static void refuses(struct frame *f, const char *body, const char *why)
{
    f->err = (struct err){0};
    assert_true(list_parse_body(span_str(body), &f->arena, &f->list, &f->err) < 0);
    if (!strstr(f->err.text, why))
        fail_msg("%s: \"%s\", expected \"%s\"", body, f->err.text, why);
}

static void bodies(void **state)
{
    struct frame *f = *state;
    parses(f, "{\"name\":\"spam\",\"advice\":\"block\",\"items\":[{\"member\":\"a.example\"},{\"member\":\"b.example\","
              "\"reason\":\"why\"},{\"record\":\"" ORIGIN "/7\",\"label\":\"hoax\"},{\"value\":\"evil.test\"}],"
              "\"retracted\":[{\"member\":\"c.example\",\"reason\":\"mended\"}]}");
    assert_int_equal(f->list.count, 4);
    assert_int_equal(f->list.items[2].type, LIST_RECORD);
    assert_string_equal(f->list.items[2].label, "hoax");
    assert_string_equal(f->list.retracted[0].reason, "mended");
    parses(f, "{\"name\":\"x\",\"advice\":\"recommend\",\"items\":[],\"ended\":true}");
    assert_true(f->list.ended);
}

#define LIST(items) "{\"name\":\"x\",\"advice\":\"block\",\"items\":[" items "]}"

static void hostile(void **state)
{
    struct frame *f = *state;
    refuses(f, "[]", "object");
    refuses(f, "{\"name\":\"Spam\",\"advice\":\"block\",\"items\":[]}", "begins with a letter");
    refuses(f, "{\"name\":\"self\",\"advice\":\"block\",\"items\":[]}", "begins with a letter");
    refuses(f, "{\"name\":\"x } share\",\"advice\":\"block\",\"items\":[]}", "begins with a letter");
    refuses(f, "{\"name\":\"x\",\"advice\":\"obey\",\"items\":[]}", "none of block");
    refuses(f, "{\"name\":\"x\",\"advice\":\"block\",\"items\":{}}", "no array");
    refuses(f, LIST("{}"), "names 0 of");
    refuses(f, LIST("{\"member\":\"a\",\"value\":\"b\"}"), "names 2 of");
    refuses(f, LIST("{\"member\":\"*\"}"), "an origin, or a name");
    refuses(f, LIST("{\"member\":\"@self\"}"), "an origin, or a name");
    refuses(f, LIST("{\"member\":\"a }\\nshare\"}"), "member");
    refuses(f, LIST("{\"member\":\"a.example/short\"}"), "an origin, or a name");
    refuses(f, LIST("{\"record\":\"" ORIGIN "\",\"label\":\"x\"}"), "ORIGIN/INDEX");
    refuses(f, LIST("{\"record\":\"" ORIGIN "/x\",\"label\":\"x\"}"), "ORIGIN/INDEX");
    refuses(f, LIST("{\"record\":\"" ORIGIN "/07\",\"label\":\"x\"}"), "ORIGIN/INDEX");
    refuses(f, LIST("{\"record\":\"" ORIGIN "/9223372036854775807\",\"label\":\"x\"}"), "ORIGIN/INDEX");
    refuses(f, LIST("{\"record\":\"" ORIGIN "/1\"}"), "label");
    refuses(f, LIST("{\"record\":\"" ORIGIN "/1\",\"label\":\"<b>\"}"), "label");
    refuses(f, LIST("{\"member\":\"b\"},{\"member\":\"a\"}"), "does not ascend");
    refuses(f, LIST("{\"member\":\"a\"},{\"member\":\"a\"}"), "does not ascend");
    refuses(f,
            "{\"name\":\"x\",\"advice\":\"block\",\"items\":[{\"member\":\"a\"}],\"retracted\":[{\"member\":\"a\"}]}",
            "is retracted, too");
    refuses(f, "{\"name\":\"x\",\"advice\":\"block\",\"items\":[{\"member\":\"a\"}],\"ended\":true}", "has no items");
}

static void written_and_read(void **state)
{
    struct frame *f = *state;
    struct list_item items[] = {{LIST_VALUE, "v", "", ""},
                                {LIST_MEMBER, "b.example", "", "said \"so\""},
                                {LIST_MEMBER, "a.example", "", ""},
                                {LIST_MEMBER, "a.example", "", ""}};
    struct list list = {.name = "mine", .advice = LIST_RECOMMEND, .about = "use these", .items = items, .count = 4};
    struct buf body;
    buf_init(&body, 65536);
    assert_int_equal(list_write_body(&list, &body, &f->err), 0);
    parses(f, buf_cstr(&body));
    assert_int_equal(f->list.count, 3);
    assert_string_equal(f->list.items[0].subject, "a.example");
    assert_string_equal(f->list.items[1].reason, "said \"so\"");
    assert_string_equal(f->list.about, "use these");
    items[0].subject = "two\nlines";
    items[0].type = LIST_VALUE;
    size_t before = body.len;
    assert_int_equal(list_write_body(&list, &body, &f->err), ERR_SYNTAX);
    assert_int_equal(body.len, before);
    buf_done(&body);
}

static void changes(void **state)
{
    struct frame *f = *state;
    const struct list_item adopted[] = {
        {LIST_MEMBER, "a", "", ""}, {LIST_MEMBER, "b", "", ""}, {LIST_VALUE, "v", "", ""}};
    struct list_change *change;
    size_t count;
    parses(
        f,
        "{\"name\":\"x\",\"advice\":\"block\",\"items\":[{\"member\":\"b\",\"reason\":\"other\"},{\"member\":\"c\"}],"
        "\"retracted\":[{\"member\":\"a\",\"reason\":\"wrong\"}]}");
    assert_int_equal(list_changes(adopted, 3, &f->list, &f->arena, &change, &count, &f->err), 0);
    assert_int_equal(count, 3);
    assert_true(change[0].removes);
    assert_string_equal(change[0].item.subject, "a");
    assert_string_equal(change[0].item.reason, "wrong");
    assert_false(change[1].removes);
    assert_string_equal(change[1].item.subject, "c");
    assert_true(change[2].removes);
    assert_string_equal(change[2].item.subject, "v");
    assert_string_equal(change[2].item.reason, "");
}

static void reads(struct frame *f, const char *text, enum list_item_type type, size_t count, size_t skipped)
{
    struct list_import import;
    f->err = (struct err){0};
    if (list_read_file(span_str(text), type, &f->arena, &f->list, &import, &f->err) != 0)
        fail_msg("%s: %s", text, f->err.text);
    assert_int_equal(f->list.count, count);
    assert_int_equal(import.skipped, skipped);
}

static void domain_blocks(void **state)
{
    struct frame *f = *state;
    struct list_import import;
    reads(f,
          "\xef\xbb\xbf#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\r\n"
          "Spam.example,suspend,False,False,\"spam, and \"\"worse\"\"\",False\r\n"
          "noop.example,noop,False,False,,False\r\n"
          "ma*ed.example,silence,,,,True\r\n"
          "quiet.example,silence,False,False,\"two\nlines\",False\r\n"
          "short.example\r\n",
          LIST_MEMBER, 3, 2);
    assert_string_equal(f->list.items[0].subject, "quiet.example");
    assert_string_equal(f->list.items[0].reason, "silence: two lines");
    assert_string_equal(f->list.items[2].reason, "suspend: spam, and \"worse\"");
    reads(f, "domain,severity\na.example,suspend\na.example,silence\n", LIST_MEMBER, 1, 0);
    assert_int_equal(list_read_file(span_str("domain,severity\n"), LIST_MEMBER, &f->arena, &f->list, &import, &f->err),
                     ERR_SYNTAX);
    /* A quote that never ends, and a row without end. */
    assert_int_equal(
        list_read_file(span_str("domain\n\"a.example"), LIST_MEMBER, &f->arena, &f->list, &import, &f->err), 0);
    struct buf wide;
    buf_init(&wide, 1u << 20);
    buf_str(&wide, "domain,x\na.example");
    for (int i = 0; i < 100000; i++)
        buf_str(&wide, ",x");
    assert_int_equal(list_read_file(buf_view(&wide), LIST_MEMBER, &f->arena, &f->list, &import, &f->err), 0);
    assert_int_equal(f->list.count, 1);
    buf_done(&wide);
}

static void lines(void **state)
{
    struct frame *f = *state;
    reads(f, "# comment\n\na.example why so\n" ORIGIN " # they said\nNot_A_Name\n", LIST_MEMBER, 2, 1);
    assert_string_equal(f->list.items[0].reason, "why so");
    assert_string_equal(f->list.items[1].reason, "they said");
    reads(f, "198.51.100.1\nhttps://evil.test/a\n", LIST_VALUE, 2, 0);
    reads(f, LIST("{\"member\":\"a\"}"), LIST_VALUE, 1, 0);
    assert_int_equal(f->list.items[0].type, LIST_MEMBER);
}

static void too_many(void **state)
{
    struct frame *f = *state;
    struct list_import import;
    struct buf text;
    buf_init(&text, 1u << 20);
    for (int i = 0; i <= LIST_ITEMS_MAX; i++)
        buf_fmt(&text, "m%d.example\n", i);
    assert_int_equal(list_read_file(buf_view(&text), LIST_MEMBER, &f->arena, &f->list, &import, &f->err), ERR_LIMIT);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bodies, begin, end),
        cmocka_unit_test_setup_teardown(hostile, begin, end),
        cmocka_unit_test_setup_teardown(written_and_read, begin, end),
        cmocka_unit_test_setup_teardown(changes, begin, end),
        cmocka_unit_test_setup_teardown(domain_blocks, begin, end),
        cmocka_unit_test_setup_teardown(lines, begin, end),
        cmocka_unit_test_setup_teardown(too_many, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

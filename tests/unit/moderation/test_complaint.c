/* Bodies of notices, counter-notices and statements of reasons: what is read, what is refused, what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "moderation/moderation.h"

const struct capability *const capabilities[] = {&moderation_capability, NULL};

#define ORIGIN "author.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static int parse(const char *kind, const char *body, struct complaint *ret, struct err *err)
{
    struct record record = {.kind = span_str(kind), .body = span_str(body)};
    return complaint_parse(&record, ret, err);
}

static void subjects(void **state)
{
    (void)state;
    char origin[ORIGIN_MAX + 1];
    uint64_t index = 0;
    assert_true(subject_parse(SPAN_LIT(ORIGIN "/12"), origin, &index));
    assert_int_equal(index, 12);
    assert_string_equal(origin, ORIGIN);
    static const char *const wrong[] = {"",
                                        "12",
                                        "/12",
                                        ORIGIN,
                                        ORIGIN "/",
                                        ORIGIN "/01",
                                        ORIGIN "/-1",
                                        ORIGIN "/1/2",
                                        "author.example/12",
                                        ORIGIN "/99999999999999999999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(subject_parse(span_str(wrong[i]), origin, &index));
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *body, *why;
    } cases[] = {
        {"[]", "expected a JSON object"},
        {"{\"subject\":\"" ORIGIN "/1\",\"good_faith\":true}", "\"why\" is missing"},
        {"{\"subject\":\"" ORIGIN "/1\",\"why\":\"x\"}", "\"good_faith\" is not true"},
        {"{\"subject\":\"" ORIGIN "/1\",\"why\":\"x\",\"good_faith\":\"true\"}", "\"good_faith\" is not true"},
        {"{\"subject\":\"elsewhere\",\"why\":\"x\",\"good_faith\":true}", "no record's address"},
        {"{\"subject\":\"" ORIGIN "/1\",\"why\":\"a\\nb\",\"good_faith\":true}", "control characters"},
        {"{\"subject\":\"" ORIGIN "/1\",\"why\":\"x\",\"who\":7,\"good_faith\":true}", "no string"},
        {"{\"subject\":\"" ORIGIN "/1\",\"why\":\"x\",\"why\":\"y\",\"good_faith\":true}", "duplicate"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct complaint complaint;
        struct err err = {0};
        int rc = parse(NOTICE_KIND, cases[i].body, &complaint, &err);
        if (rc != ERR_SYNTAX || !strstr(err.text, cases[i].why))
            fail_msg("%s: %d \"%s\"", cases[i].body, rc, err.text);
    }
    struct complaint complaint;
    struct err err = {0};
    assert_int_equal(parse("culture/note", "{}", &complaint, &err), ERR_SYNTAX);
}

static void written_and_read(void **state)
{
    (void)state;
    struct complaint said = {.is_counter = true, .index = 5}, found;
    struct arena arena;
    struct record record;
    struct buf text;
    struct err err = {0};
    snprintf(said.origin, sizeof(said.origin), ORIGIN);
    snprintf(said.why, sizeof(said.why), "it is \"true\" \xe2\x80\x94 see the file");
    snprintf(said.contact, sizeof(said.contact), "mailto:a@author.example");
    struct complaint_draft draft = {.complaint = &said, .time_ms = 1, .tlp = TLP_CLEAR};
    arena_init(&arena, 1u << 20);
    buf_init(&text, PAYLOAD_MAX);
    assert_int_equal(complaint_write(&draft, &text, &err), 0);
    assert_int_equal(record_parse(buf_view(&text), &arena, &record, &err), 0);
    assert_true(span_is(record.kind, COUNTER_KIND));
    assert_int_equal(complaint_parse(&record, &found, &err), 0);
    assert_memory_equal(&said, &found, sizeof(said));
    buf_clear(&text);
    said.why[0] = '\0'; /* nobody can say what nobody could read */
    assert_int_equal(complaint_write(&draft, &text, &err), ERR_SYNTAX);
    buf_done(&text);
    arena_done(&arena);
}

static void reasons(void **state)
{
    (void)state;
    struct reasons said = {.index = 9,
                           .is_refused = true,
                           .scope = "here.example",
                           .from_ms = 1,
                           .facts = "says \"x\"",
                           .ground = "policy",
                           .line = 3,
                           .version = "0123456789ab",
                           .rule = SPAN_LIT("hold reason \"x\""),
                           .notices = {ORIGIN "/1", ORIGIN "/2"},
                           .notice_count = 2,
                           .unnamed_count = 1};
    struct reasons_brief found;
    struct buf body;
    struct err err = {0};
    snprintf(said.origin, sizeof(said.origin), ORIGIN);
    buf_init(&body, 65536);
    assert_int_equal(reasons_write(&said, &body, &err), 0);
    json_t *object = json_small_load(buf_view(&body), &err);
    assert_non_null(object);
    assert_int_equal(json_array_size(json_object_get(object, "notices")), 2);
    assert_int_equal(json_integer_value(json_object_get(object, "unnamed")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(object, "rule"), "line")), 3);
    assert_true(json_is_null(json_object_get(object, "redress")));
    assert_true(json_is_true(json_object_get(json_object_get(object, "automated"), "found")));
    json_decref(object);
    struct record record = {.kind = SPAN_LIT(DECISION_KIND), .body = buf_view(&body)};
    assert_int_equal(reasons_parse(&record, &found, &err), 0);
    assert_string_equal(found.facts, "says \"x\"");
    assert_string_equal(found.origin, ORIGIN);
    assert_true(found.is_refused);
    record.body = SPAN_LIT("{\"subject\":\"" ORIGIN "/1\",\"action\":\"burnt\"}");
    assert_int_equal(reasons_parse(&record, &found, &err), ERR_SYNTAX);
    record.body = SPAN_LIT("{\"subject\":\"" ORIGIN "/1\",\"action\":\"released\",\"facts\":null}");
    assert_int_equal(reasons_parse(&record, &found, &err), 0);
    assert_string_equal(found.facts, "");
    buf_done(&body);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(subjects), cmocka_unit_test(refused),
                                              cmocka_unit_test(written_and_read), cmocka_unit_test(reasons)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

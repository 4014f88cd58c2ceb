#include "record/sample.h"

static struct err err;

static void the_closed_list(void **state)
{
    (void)state;
    static const char *const listed[] = {
        "connect/attest",         "connect/erase",        "connect/fork",          "connect/profile",
        "connect/rotate",         "governance/cession",   "governance/charter",    "governance/decision",
        "governance/delegation",  "governance/endorse",   "governance/instrument", "governance/join",
        "governance/leave",       "governance/objection", "governance/position",   "governance/proposal",
        "governance/reservation", "governance/roster",    "governance/sponsor",
    };
    for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++) {
        assert_true(record_kind_valid(span_str(listed[i])));
        assert_true(kind_constitutional(span_str(listed[i])));
        assert_string_equal(kind_find(span_str(listed[i]))->name, listed[i]);
    }
    assert_false(kind_constitutional(SPAN_LIT("connect/parcel")));
    assert_false(kind_constitutional(SPAN_LIT("security/stix")));
    assert_false(kind_constitutional(SPAN_LIT("connect/profile2")));
    assert_false(kind_constitutional(SPAN_LIT("seal")));
    assert_false(kind_constitutional((struct span){0}));
}

static void the_kind_of_an_entry(void **state)
{
    (void)state;
    assert_true(span_is(entry_kind(SPAN_LIT("tongzhou/1 connect/profile\nanything")), "connect/profile"));
    assert_true(span_is(entry_kind(SPAN_LIT("tongzhou/1 seal\n")), "seal"));
    assert_int_equal(entry_kind(SPAN_LIT("tongzhou/1 connect/profile")).len, 0);
    assert_int_equal(entry_kind(SPAN_LIT("tongzhou/2 connect/profile\n")).len, 0);
    assert_int_equal(entry_kind(SPAN_LIT("tongzhou/1 Connect/profile\n")).len, 0);
    assert_int_equal(entry_kind(SPAN_LIT("")).len, 0);
    char longest[11 + 65 + 1] = "tongzhou/1 a/";
    memset(longest + 13, 'b', 62);
    longest[11 + 64] = '\n';
    assert_int_equal(entry_kind(span_of(longest, 11 + 65)).len, 64);
    longest[11 + 64] = 'b';
    longest[11 + 65] = '\n';
    assert_int_equal(entry_kind(span_of(longest, 11 + 66)).len, 0);
}

static void classes(void **state)
{
    (void)state;
    uint8_t hash[32] = {1}, seal[SEAL_ENTRY_LEN];
    seal_write(hash, seal);
    assert_int_equal(entry_classify(span_of(seal, sizeof(seal))), ENTRY_SEAL);
    assert_int_equal(entry_classify(span_of(seal, sizeof(seal) - 1)), ENTRY_UNKNOWN);
    assert_int_equal(entry_classify(SPAN_LIT("tongzhou/1 connect/erase\n\n1\n")), ENTRY_INLINE);
    assert_int_equal(entry_classify(SPAN_LIT("tongzhou/1 governance/proposal\n\n")), ENTRY_INLINE);
    assert_int_equal(entry_classify(SPAN_LIT("tongzhou/1 security/stix\n\n{}")), ENTRY_UNKNOWN);
    assert_int_equal(entry_classify(SPAN_LIT("\xff\0\n")), ENTRY_UNKNOWN);
    assert_int_equal(entry_classify((struct span){0}), ENTRY_UNKNOWN);
}

static bool foldable(const char *text)
{
    struct arena arena;
    struct record record;
    arena_init(&arena, 65536);
    assert_int_equal(record_parse(span_str(text), &arena, &record, &err), 0);
    bool yes = payload_foldable(&record);
    arena_done(&arena);
    return yes;
}

static void what_a_payload_may_be(void **state)
{
    (void)state;
    assert_true(foldable("tongzhou/1 security/stix\ntlp clear\n\n{}"));
    assert_true(foldable("tongzhou/1 somebody/new\n\n"));
    assert_false(foldable("tongzhou/1 security/stix\n!until 2027\n\n{}"));
    assert_false(foldable("tongzhou/1 security/stix\ntlp violet\n\n{}"));
    assert_false(foldable("tongzhou/1 connect/profile\n\n{}"));
    assert_false(foldable("tongzhou/1 governance/position\n\n{}"));
    assert_false(foldable("tongzhou/1 seal\n\n"));
}

static int check(const char *text)
{
    struct arena arena;
    struct record record;
    arena_init(&arena, 65536);
    assert_int_equal(record_parse(span_str(text), &arena, &record, &err), 0);
    int rc = kind_check(&record, &err);
    arena_done(&arena);
    return rc;
}

static void checks(void **state)
{
    (void)state;
    assert_int_equal(check("tongzhou/1 somebody/new\n\nanything"), 0);
    assert_int_equal(check("tongzhou/1 governance/charter\n\nanything"), 0);
    assert_int_equal(check("tongzhou/1 connect/erase\n\n7\n"), 0);
    assert_int_equal(check("tongzhou/1 connect/erase\n\n07\n"), ERR_SYNTAX);
    assert_int_equal(check("tongzhou/1 connect/profile\n\n{}"), ERR_SYNTAX);
    assert_int_equal(check("tongzhou/1 connect/rotate\n\n[]"), ERR_SYNTAX);
    assert_int_equal(check("tongzhou/1 connect/fork\n\n{}"), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_closed_list), cmocka_unit_test(the_kind_of_an_entry),
        cmocka_unit_test(classes),         cmocka_unit_test(what_a_payload_may_be),
        cmocka_unit_test(checks),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

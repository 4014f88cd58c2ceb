#include "record/sample.h"

#include <jansson.h>

static struct arena arena;
static struct err err;

static void write_profile(const struct profile *profile, struct buf *out)
{
    buf_init(out, ENTRY_MAX);
    assert_int_equal(profile_write(profile, SAMPLE_TIME, out, &err), 0);
}

static int parse_text(struct span text, struct profile *out)
{
    struct record record;
    arena_clear(&arena);
    assert_int_equal(record_parse(text, &arena, &record, &err), 0);
    return profile_parse(&record, out, &err);
}

static void full_profile(struct profile *p)
{
    sample_profile(p);
    strcpy(p->contact, "联系 soc@cert.example.org");
    strcpy(p->host, "host.example/mtchc34upsfu7u6hi5tf6ubavtnl5plp44mqsecqdwneeaiq2ccq");
    p->endpoints.count = MEMBER_LIST_MAX;
    for (unsigned i = 0; i < MEMBER_LIST_MAX; i++)
        snprintf(p->endpoints.item[i], sizeof(p->endpoints.item[i]), "https://%u.example/", i);
    memset(p->sectors.item[0], 's', MEMBER_WORD_MAX);
    p->has_succeeds = true;
    strcpy(p->succeeds_origin, p->host);
    public_of(SEED_OTHER, p->succeeds_recovery_key);
    memset(p->succeeds_signature, 0x5a, 64);
}

static void a_profile_is_read_back(void **state)
{
    (void)state;
    struct profile given, read;
    struct buf text;
    full_profile(&given);
    write_profile(&given, &text);
    assert_int_equal(parse_text(buf_view(&text), &read), 0);
    assert_memory_equal(&read, &given, sizeof(given));
    buf_done(&text);
}

static void keys_may_be_absent_in_the_form(void **state)
{
    (void)state;
    struct profile given, read;
    struct buf text;
    sample_profile(&given);
    memset(given.log_key, 0, 32);
    memset(given.recovery_hash, 0, 32);
    write_profile(&given, &text);
    assert_null(strstr(buf_cstr(&text), "log_key"));
    assert_int_equal(parse_text(buf_view(&text), &read), 0);
    assert_memory_equal(&read, &given, sizeof(given));
    buf_done(&text);
}

#define K1 "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="

/* A member of the sample's JSON is replaced by another text. */
static const struct {
    const char *member, *with;
    int code;
} changes[] = {
    {"\"class\":\"state\"", "\"class\":\"city\"", 0}, /* a word of a later version */
    {"\"class\":\"state\"", "\"class\":\"state\",\"new\":{\"x\":[1]}", 0},
    {"\"class\":\"state\"", "\"class\":\"state\",\"new\":[-9223372036854775808,9223372036854775807,1e308,1e-999]", 0},
    {"\"class\":\"state\"", "\"class\":\"state\",\"new\":9223372036854775808", ERR_SYNTAX},
    {"\"class\":\"state\"", "\"class\":\"state\",\"new\":-9223372036854775809", ERR_SYNTAX},
    {"\"class\":\"state\"", "\"class\":\"state\",\"new\":1e999", ERR_SYNTAX},
    {"\"class\":\"state\"", "\"class\":\"state\",\"new\":\"\\u0000\"", ERR_SYNTAX},
    {"\"class\":\"state\"", "\"class\":\"state\",\"new\":\"\\ud800\"", ERR_SYNTAX},
    {"\"class\":\"state\"", "\"class\":\"state\",\"new\":\"\\ud83d\\ude00\"", 0},
    {"\"class\":\"state\"", "\"class\":\"state\",\"n\\u0061me\":\"x\"", ERR_SYNTAX}, /* a name twice, once escaped */
    {"\"class\":\"state\"", "\"class\":7", ERR_SYNTAX},
    {"\"class\":\"state\"", "\"clas\":\"state\"", ERR_SYNTAX},
    {"\"class\":\"state\"", "\"class\":\"state\",\"class\":\"civil\"", ERR_SYNTAX},
    {"\"name\":\"cert.example.org\"", "\"name\":\"CERT\"", ERR_SYNTAX},
    {"\"name\":\"cert.example.org\"", "\"name\":\"\"", ERR_SYNTAX},
    {"\"name\":\"cert.example.org\"", "\"name\":null", ERR_SYNTAX},
    {"\"jurisdiction\":\"XX\"", "\"jurisdiction\":\"\"", ERR_SYNTAX},
    {"\"jurisdiction\":\"XX\"", "\"jurisdiction\":\" X\"", ERR_SYNTAX},
    {"\"jurisdiction\":\"XX\"", "\"jurisdiction\":\"X\\nX\"", ERR_SYNTAX},
    {"\"jurisdiction\":\"XX\"", "\"jurisdiction\":\"X\\u0000X\"", ERR_SYNTAX},
    {"\"jurisdiction\":\"XX\"", "\"contact\":[]", ERR_SYNTAX},
    {"\"jurisdiction\":\"XX\"", "\"host\":\"nobody\"", ERR_SYNTAX},
    {"\"jurisdiction\":\"XX\"", "\"succeeds\":true", ERR_SYNTAX},
    {"\"jurisdiction\":\"XX\"", "\"succeeds\":{}", ERR_SYNTAX},
    {"[\"energy\"]", "\"energy\"", ERR_SYNTAX},
    {"[\"energy\"]", "[\"energy\",1]", ERR_SYNTAX},
    {"[\"energy\"]", "[\"\"]", ERR_SYNTAX},
    {"[\"energy\"]", "[]", 0},
    {"[\"energy\"]", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", ERR_LIMIT},
    {"\"recovery_hash\":\"", "\"recovery_hash\":\"A", ERR_SYNTAX},
    {"\"recovery_hash\":\"", "\"recovery_hash\":\"\",\"x\":\"", ERR_SYNTAX},
    {"\"recovery_hash\":\"",
     "\"recovery_hash\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"x\":\"", ERR_SYNTAX},
    {"\"log_key\":\"", "\"log_key\":\"=", ERR_SYNTAX},
    {"\"log_key\":\"", "\"log_key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"x\":\"", ERR_SYNTAX},
    {"\"request_key\":\"", "\"requestkey\":\"", ERR_SYNTAX},
    {"\"cosigner_key\":\"", "\"cosigner_key\":\"" K1 "\",\"x\":\"", ERR_SYNTAX}, /* the log key again */
    {"\"request_key\":\"", "\"request_key\":\"" K1 "\",\"x\":\"", ERR_SYNTAX},
};

static void strict_on_types_blind_to_the_unknown(void **state)
{
    (void)state;
    struct profile profile;
    struct buf text, changed;
    sample_profile(&profile);
    write_profile(&profile, &text);
    assert_non_null(strstr(buf_cstr(&text), "\"log_key\":\"" K1 "\""));
    buf_init(&changed, ENTRY_MAX);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct span all = buf_view(&text), member = span_str(changes[i].member);
        size_t at = span_search(all, member);
        assert_true(at < all.len);
        buf_clear(&changed);
        buf_span(&changed, span_sub(all, 0, at));
        buf_str(&changed, changes[i].with);
        buf_span(&changed, span_sub(all, at + member.len, all.len));
        err = (struct err){0};
        int rc = parse_text(buf_view(&changed), &profile);
        if (rc != changes[i].code)
            fail_msg("change %zu (%s): %d %s", i, changes[i].with, rc, err.text);
    }
    buf_done(&changed);
    buf_done(&text);
}

static void a_body_is_one_object(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "[]", "null", "\"x\"", "{", "{}{}", "{} x", "\xff"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char text[64];
        struct profile profile;
        snprintf(text, sizeof(text), "tongzhou/1 connect/profile\n\n%s", bodies[i]);
        assert_int_equal(parse_text(span_str(text), &profile), ERR_SYNTAX);
    }
    struct profile profile;
    assert_int_equal(parse_text(SPAN_LIT("tongzhou/1 connect/rotate\n\n{}"), &profile), ERR_SYNTAX);
}

static void nothing_out_of_form_is_written(void **state)
{
    (void)state;
    struct profile p;
    struct buf text;
    buf_init(&text, ENTRY_MAX);
    sample_profile(&p);
    strcpy(p.name, "Not A Name");
    assert_int_equal(profile_write(&p, SAMPLE_TIME, &text, &err), ERR_SYNTAX);
    sample_profile(&p);
    strcpy(p.contact, "two\nlines");
    assert_int_equal(profile_write(&p, SAMPLE_TIME, &text, &err), ERR_SYNTAX);
    sample_profile(&p);
    strcpy(p.contact, "\xff");
    assert_int_equal(profile_write(&p, SAMPLE_TIME, &text, &err), ERR_SYNTAX);
    sample_profile(&p);
    strcpy(p.host, "nobody");
    assert_int_equal(profile_write(&p, SAMPLE_TIME, &text, &err), ERR_SYNTAX);
    sample_profile(&p);
    memcpy(p.request_key, p.log_key, 32);
    assert_int_equal(profile_write(&p, SAMPLE_TIME, &text, &err), ERR_SYNTAX);
    assert_int_equal(text.len, 0);
    buf_done(&text);
}

/* ---- no memory for JSON ---- */

static unsigned long allocations_left;

static void *scarce_malloc(size_t size)
{
    return allocations_left > 0 && allocations_left-- > 0 ? malloc(size) : NULL;
}

/* Each allocation fails in turn: an error every time, nothing written, nothing leaked (the sanitizers watch). */
static void without_memory_nothing_is_written_or_read(void **state)
{
    (void)state;
    struct profile given, read;
    struct buf text, whole;
    struct record record;
    unsigned long need = 0;
    full_profile(&given);
    write_profile(&given, &whole);
    arena_clear(&arena);
    assert_int_equal(record_parse(buf_view(&whole), &arena, &record, &err), 0);
    buf_init(&text, ENTRY_MAX);
    int rc = -1;
    for (; rc < 0; need++) {
        allocations_left = need;
        json_set_alloc_funcs(scarce_malloc, free);
        rc = profile_write(&given, SAMPLE_TIME, &text, &err);
        json_set_alloc_funcs(malloc, free);
        assert_true(need < 100000 && (rc == 0 || text.len == 0));
    }
    assert_true(need > 50);
    assert_true(span_eq(buf_view(&text), buf_view(&whole)));
    rc = -1;
    for (need = 0; rc < 0; need++) {
        allocations_left = need;
        json_set_alloc_funcs(scarce_malloc, free);
        rc = profile_parse(&record, &read, &err);
        json_set_alloc_funcs(malloc, free);
        assert_true(need < 100000);
    }
    assert_true(need > 50);
    buf_done(&text);
    buf_done(&whole);
}

static void classes(void **state)
{
    (void)state;
    for (enum member_class c = CLASS_INTERGOVERNMENTAL; c < CLASS_UNKNOWN; c++)
        assert_int_equal(member_class_parse(span_str(member_class_word(c))), c);
    assert_int_equal(member_class_parse(SPAN_LIT("State")), CLASS_UNKNOWN);
    assert_int_equal(member_class_parse(SPAN_LIT("")), CLASS_UNKNOWN);
    assert_string_equal(member_class_word(CLASS_UNKNOWN), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_read_back),
        cmocka_unit_test(keys_may_be_absent_in_the_form),
        cmocka_unit_test(strict_on_types_blind_to_the_unknown),
        cmocka_unit_test(a_body_is_one_object),
        cmocka_unit_test(nothing_out_of_form_is_written),
        cmocka_unit_test(without_memory_nothing_is_written_or_read),
        cmocka_unit_test(classes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    arena_init(&arena, 1u << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}

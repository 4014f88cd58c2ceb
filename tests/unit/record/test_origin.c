#include "record/sample.h"

/* Python: base64.b32encode(hashlib.sha256(b"\0" + entry).digest()).decode().lower().rstrip("=") */
#define KNOWN_ENTRY "tongzhou/1 connect/profile\n\n{}\n"
#define KNOWN_ORIGIN "cert.example.org/mtchc34upsfu7u6hi5tf6ubavtnl5plp44mqsecqdwneeaiq2ccq"
#define KNOWN_HASH "65ae545d0986310e27c1da1e8200b1be9dc99ec0a854290a12d9c03bfc9c3f29"

static struct err err;

static void known_answer(void **state)
{
    (void)state;
    char origin[ORIGIN_MAX + 1], hex[65];
    uint8_t hash[32];
    assert_int_equal(origin_make(SPAN_LIT("cert.example.org"), SPAN_LIT(KNOWN_ENTRY), origin, &err), 0);
    assert_string_equal(origin, KNOWN_ORIGIN);
    origin_hash(span_str(origin), hash);
    hex_encode(hash, 32, hex);
    assert_string_equal(hex, KNOWN_HASH);
    assert_true(origin_valid(span_str(origin)));
}

static void short_form(void **state)
{
    (void)state;
    char shown[ORIGIN_MAX + 1];
    origin_short(SPAN_LIT(KNOWN_ORIGIN), shown);
    assert_string_equal(shown, "cert.example.org/mtch…");
    origin_short(SPAN_LIT("no origin\x1b"), shown);
    assert_null(strchr(shown, 0x1b));
}

static void names(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a", "cert.example.org", "7-eleven.example", "互助.example", "मदद", "ไทย.example", "ß", "é", "مثال", "xn--abc",
        "σ", "a.b-c.d",
    };
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "a.",
        "-a",
        "a-",
        "A",
        "a b",
        "a/b",
        "a+b",
        "a\nb",
        "a_b",
        "É",
        "\xff",
        "e\xcc\x81",
        "\xcc\x81z",
        "a\xe2\x80\x8b",
        "a\xe2\x80\xae",
        "☃",
        "a\xc2\xa0",
        "a:b",
        "Ⅷ",
        "a%b",
        "a\x7f",
        "a\xc2\x85",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!member_name_valid(span_str(good[i])))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (member_name_valid(span_str(bad[i])))
            fail_msg("accepted: %s", bad[i]);
    char longest[ORIGIN_NAME_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    assert_true(member_name_valid(span_of(longest, ORIGIN_NAME_MAX)));
    assert_false(member_name_valid(span_of(longest, ORIGIN_NAME_MAX + 1)));
    assert_false(member_name_valid(span_of("a\0b", 3)));
}

static void the_form_of_origins(void **state)
{
    (void)state;
    struct span good = SPAN_LIT(KNOWN_ORIGIN);
    assert_false(origin_valid(span_sub(good, 0, good.len - 1)));
    assert_false(origin_valid(span_sub(good, 16, good.len)));
    assert_false(origin_valid(SPAN_LIT("cert.example.org/mtchc34upsfu7u6hi5tf6ubavtnl5plp44mqsecqdwneeaiq2ccr")));
    assert_false(origin_valid(SPAN_LIT("cert.example.org/Mtchc34upsfu7u6hi5tf6ubavtnl5plp44mqsecqdwneeaiq2ccq")));
    assert_false(origin_valid(SPAN_LIT("cert.example.org/1tchc34upsfu7u6hi5tf6ubavtnl5plp44mqsecqdwneeaiq2ccq")));
    assert_false(origin_valid(SPAN_LIT("a/b/mtchc34upsfu7u6hi5tf6ubavtnl5plp44mqsecqdwneeaiq2ccq")));
    assert_false(origin_valid(SPAN_LIT("/mtchc34upsfu7u6hi5tf6ubavtnl5plp44mqsecqdwneeaiq2ccq")));
    assert_false(origin_valid(SPAN_LIT("cert.example.org")));
    assert_false(origin_valid((struct span){0}));
}

static void refusals(void **state)
{
    (void)state;
    char origin[ORIGIN_MAX + 1];
    static uint8_t entry[ENTRY0_MAX + 1];
    assert_int_equal(origin_make(SPAN_LIT("A b"), SPAN_LIT(KNOWN_ENTRY), origin, &err), ERR_SYNTAX);
    assert_int_equal(origin_make(SPAN_LIT("a"), span_of(entry, ENTRY0_MAX), origin, &err), 0);
    assert_int_equal(origin_make(SPAN_LIT("a"), span_of(entry, ENTRY0_MAX + 1), origin, &err), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answer),        cmocka_unit_test(short_form), cmocka_unit_test(names),
        cmocka_unit_test(the_form_of_origins), cmocka_unit_test(refusals),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

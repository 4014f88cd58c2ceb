#include "http/text.h"

#include <stdlib.h>

#include "base/buf.h"
#include "http/assets.h"
#include "http/check.h"

const struct capability *const capabilities[] = {NULL};

static void put_u32(struct buf *out, uint32_t value)
{
    buf_add(out, &value, sizeof(value));
}

/* A catalogue of three texts, the second one with a plural. */
static void make_catalogue(struct buf *mo)
{
    static const struct {
        const char *text;
        size_t len;
    } originals[] = {{"", 0}, {"Home", 4}, {"one\0many", 8}, {"untranslated", 12}},
      translations[] = {{"head", 4}, {"首页", 6}, {"一", 3}, {"", 0}};
    const uint32_t count = 4, header = 28;
    uint32_t at = header + 2 * count * 8;
    buf_init(mo, 4096);
    put_u32(mo, 0x950412de);
    put_u32(mo, 0);
    put_u32(mo, count);
    put_u32(mo, header);
    put_u32(mo, header + count * 8);
    put_u32(mo, 0);
    put_u32(mo, 0);
    for (uint32_t i = 0; i < count; at += (uint32_t)originals[i++].len + 1) {
        put_u32(mo, (uint32_t)originals[i].len);
        put_u32(mo, at);
    }
    for (uint32_t i = 0; i < count; at += (uint32_t)translations[i++].len + 1) {
        put_u32(mo, (uint32_t)translations[i].len);
        put_u32(mo, at);
    }
    for (uint32_t i = 0; i < count; i++)
        buf_add(mo, originals[i].text, originals[i].len + 1);
    for (uint32_t i = 0; i < count; i++)
        buf_add(mo, translations[i].text, translations[i].len + 1);
}

static void looks_up(void **state)
{
    (void)state;
    struct buf mo;
    make_catalogue(&mo);
    struct span catalogue = buf_view(&mo);
    assert_string_equal(text_lookup(catalogue, "Home"), "首页");
    assert_string_equal(text_lookup(catalogue, "one"), "一");
    assert_null(text_lookup(catalogue, "untranslated"));
    assert_null(text_lookup(catalogue, "many"));
    assert_null(text_lookup(catalogue, "Hom"));
    assert_null(text_lookup(catalogue, "zzz"));
    assert_null(text_lookup(catalogue, "\x01"));
    buf_done(&mo);
}

/* Every byte changed to several values, and every length: a look-up answers something or nothing, inside the bytes. */
static void survives_damage(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    struct buf mo;
    make_catalogue(&mo);
    for (size_t len = 0; len <= mo.len; len++) {
        uint8_t *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, mo.data, len);
        (void)text_lookup(span_of(exact, len), "Home");
        for (size_t i = 0; len == mo.len && i < len; i++) {
            for (size_t k = 0; k < sizeof(values); k++) {
                exact[i] = values[k];
                (void)text_lookup(span_of(exact, len), "Home");
                (void)text_lookup(span_of(exact, len), "untranslated");
            }
            exact[i] = mo.data[i];
        }
        free(exact);
    }
    buf_done(&mo);
}

static void compiled_in(void **state)
{
    (void)state;
    assert_string_equal(text_translate("en", "Members"), "Members");
    assert_string_equal(text_translate("zh-Hans", "Members"), "成员");
    assert_string_equal(text_translate("zh-Hans", "no such text"), "no such text");
    assert_string_equal(text_translate("zh-Hans", ""), "");
    assert_string_equal(text_translate("xx", "Members"), "Members");
}

static void assets_have_addresses(void **state)
{
    (void)state;
    assert_int_equal(strncmp(asset_url("style.css"), "/assets/style.css?v=", 20), 0);
    assert_int_equal(strlen(asset_url("app.js")), strlen("/assets/app.js?v=") + 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_up),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(compiled_in),
        cmocka_unit_test(assets_have_addresses),
    };
    RUN_TESTS(tests);
}

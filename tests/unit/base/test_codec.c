#include "base/codec.h"

#include "base/check.h"
#include "base/random.h"

/* RFC 4648 section 10, base32 in lower case without padding. */
static void vectors_of_rfc_4648(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *hex, *base32, *base64;
    } vectors[] = {
        {"", "", "", ""},
        {"f", "66", "my", "Zg=="},
        {"fo", "666f", "mzxq", "Zm8="},
        {"foo", "666f6f", "mzxw6", "Zm9v"},
        {"foob", "666f6f62", "mzxw6yq", "Zm9vYg=="},
        {"fooba", "666f6f6261", "mzxw6ytb", "Zm9vYmE="},
        {"foobar", "666f6f626172", "mzxw6ytboi", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        char text[32];
        size_t len = strlen(vectors[i].plain);
        hex_encode(vectors[i].plain, len, text);
        assert_string_equal(text, vectors[i].hex);
        base32_encode(vectors[i].plain, len, text);
        assert_string_equal(text, vectors[i].base32);
        assert_int_equal(strlen(text), BASE32_LEN(len));
        base64_encode(vectors[i].plain, len, text);
        assert_string_equal(text, vectors[i].base64);
        assert_int_equal(strlen(text), BASE64_LEN(len));
    }
}

static void what_was_encoded_comes_back(void **state)
{
    (void)state;
    for (size_t len = 0; len < 200; len++) {
        uint8_t data[200], back[200];
        char text[HEX_LEN(200) + 1];
        size_t got = 0;
        random_bytes(data, len);
        hex_encode(data, len, text);
        assert_true(hex_decode(span_str(text), back, len));
        assert_memory_equal(back, data, len);
        base32_encode(data, len, text);
        assert_true(base32_decode(span_str(text), back, len));
        assert_memory_equal(back, data, len);
        base64_encode(data, len, text);
        assert_true(base64_decode(span_str(text), back, len));
        assert_memory_equal(back, data, len);
        assert_true(base64_check(span_str(text), &got));
        assert_int_equal(got, len);
        assert_true(base64_decode_any(span_str(text), len, back, &got));
        assert_int_equal(got, len);
        if (len > 0) {
            assert_false(base64_decode_any(span_str(text), len - 1, back, &got));
            assert_false(base64_decode(span_str(text), back, len - 1));
            assert_false(hex_decode(span_str(text), back, len - 1));
        }
    }
}

/* Each value has one text: no other one of the same length decodes to the same bytes. */
static void decoders_know_one_text_for_a_value(void **state)
{
    (void)state;
    uint8_t data[2] = {0x5A, 0xC3}, back[2];
    char hex[8], base32[8], base64[8];
    hex_encode(data, 2, hex);
    base32_encode(data, 2, base32);
    base64_encode(data, 2, base64);
    char *const texts[] = {hex, base32, base64};
    for (size_t which = 0; which < 3; which++) {
        char *text = texts[which];
        for (size_t at = 0; at < 4; at++) {
            char right = text[at];
            for (int c = 0; c < 256; c++) {
                text[at] = (char)c;
                struct span span = span_of(text, 4);
                bool good = which == 0   ? hex_decode(span, back, 2)
                            : which == 1 ? base32_decode(span, back, 2)
                                         : base64_decode(span, back, 2);
                if (good && memcmp(back, data, 2) == 0)
                    assert_int_equal(c, (unsigned char)right);
            }
            text[at] = right;
        }
    }
}

static void malformed_text_is_refused(void **state)
{
    (void)state;
    uint8_t out[64];
    size_t len;
    assert_false(hex_decode(SPAN_LIT("0A"), out, 1));
    assert_false(hex_decode(SPAN_LIT("0g"), out, 1));
    assert_false(hex_decode(SPAN_LIT("0"), out, 1));
    assert_false(base32_decode(SPAN_LIT("MY"), out, 1));
    assert_false(base32_decode(SPAN_LIT("mz"), out, 1)); /* unused bits set */
    assert_false(base32_decode(SPAN_LIT("m1"), out, 1));
    assert_false(base32_decode(SPAN_LIT("my=="), out, 1));
    static const char *const bad[] = {"Zg",   "Zg=",    "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====",
                                      "Z=g=", "Zm9v\n", "Zm 9", "Zm-_", "Zg==\n",   "=Zg=", "Zm9vZg=a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_false(base64_decode_any(span_str(bad[i]), sizeof(out), out, &len));
        assert_false(base64_check(span_str(bad[i]), &len));
    }
}

static void text_into_a_buffer(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 20);
    buf_hex(&buf, "\x01\xFE", 2);
    buf_byte(&buf, ' ');
    buf_base64(&buf, "foob", 4);
    assert_span(buf_view(&buf), "01fe Zm9vYg==");
    buf_base64(&buf, "foobar", 6);
    assert_int_equal(buf.failed, ERR_LIMIT);
    assert_int_equal(buf.len, 13);
    buf_done(&buf);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_4648),
        cmocka_unit_test(what_was_encoded_comes_back),
        cmocka_unit_test(decoders_know_one_text_for_a_value),
        cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(text_into_a_buffer),
    };
    return cmocka_run_group_tests_name("base/codec", tests, NULL, NULL);
}

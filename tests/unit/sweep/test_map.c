/* The first pass: the vector code and the portable code see the same; both see what a byte-by-byte look sees. */
#include "sample.h"
#include "sweep/token_map.h"

#define LEN_MAX 4096
#define ALL (TOKEN_WANT_IPV6 | TOKEN_WANT_HASH | TOKEN_WANT_PATH)

static bool bit(const uint64_t *bits, size_t pos)
{
    return bits[pos / 64] >> pos % 64 & 1;
}

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c >= 128;
}

/* Bytes of which many matter; now and then any byte. */
static void random_text(uint64_t *state, uint8_t *text, size_t len)
{
    static const char common[] = "aAfFgGzZ09--..__::::///  \n\n@%[]{},\\\"`^@[/09:;<";
    for (size_t i = 0; i < len; i++) {
        size_t pick = sample_below(state, 100);
        text[i] = pick < 90 ? (uint8_t)common[sample_below(state, sizeof(common) - 1)] : (uint8_t)sample_random(state);
        if (i > 0 && sample_below(state, 3) == 0)
            text[i] = text[i - 1];
    }
}

static void test_equal(void **state)
{
    (void)state;
    struct token_map fast, plain;
    uint64_t seed = 1;
    uint8_t text[LEN_MAX];
    assert_true(token_map_init(&fast, LEN_MAX));
    assert_true(token_map_init(&plain, LEN_MAX));
    for (int round = 0; round < 3000; round++) {
        size_t len = 1 + sample_below(&seed, round % 10 ? 300 : LEN_MAX), blocks = (len + 63) / 64;
        unsigned want = (unsigned)sample_below(&seed, 8);
        random_text(&seed, text, len);
        token_map_fill(&fast, span_of(text, len), want);
        token_map_fill_portable(&plain, span_of(text, len), want);
        assert_memory_equal(fast.word, plain.word, (blocks + 1) * 8);
        assert_memory_equal(fast.dot, plain.dot, (blocks + 1) * 8);
        assert_memory_equal(fast.line, plain.line, (blocks + 1) * 8);
        assert_memory_equal(fast.candidate, plain.candidate, (blocks + 1) * 8);
        assert_memory_equal(fast.lower, plain.lower, len + TOKEN_MAP_PAD);
        assert_int_equal(fast.lines, plain.lines);
        assert_int_equal(fast.foreign, plain.foreign);
    }
    token_map_done(&fast);
    token_map_done(&plain);
}

/* Every byte value in every place of a block. */
static void test_bytes(void **state)
{
    (void)state;
    struct token_map map;
    uint8_t text[64];
    assert_true(token_map_init(&map, sizeof(text)));
    for (unsigned c = 0; c < 256; c++) {
        for (size_t at = 0; at < sizeof(text); at++) {
            memset(text, ' ', sizeof(text));
            text[at] = (uint8_t)c;
            token_map_fill(&map, span_of(text, sizeof(text)), ALL);
            assert_int_equal(bit(map.word, at), is_word((uint8_t)c));
            assert_int_equal(bit(map.dot, at), c == '.');
            assert_int_equal(bit(map.line, at), c == '\n');
            assert_int_equal(map.lower[at], c >= 'A' && c <= 'Z' ? c + 32 : c);
            assert_int_equal(map.foreign, c >= 128);
            assert_int_equal(map.lines, c == '\n');
            assert_true((map.word[0] & ~(UINT64_C(1) << at)) == 0);
        }
    }
    token_map_done(&map);
}

/* Exactly the first dots of words are candidates, across block boundaries too. */
static void test_first_dots(void **state)
{
    (void)state;
    struct token_map map;
    uint64_t seed = 2;
    uint8_t text[LEN_MAX];
    assert_true(token_map_init(&map, LEN_MAX));
    for (int round = 0; round < 1000; round++) {
        size_t len = 1 + sample_below(&seed, LEN_MAX);
        bool seen = false;
        random_text(&seed, text, len);
        if (round % 4 == 0) /* long words */
            for (size_t i = 0; i < len; i++)
                text[i] = is_word(text[i]) || sample_below(&seed, 100)
                              ? (text[i] == '.' || !is_word(text[i]) ? '.' : 'x')
                              : ' ';
        if (round % 8 == 0)
            for (size_t i = 0; i < len; i++)
                text[i] = text[i] == '.' && sample_below(&seed, 150) ? 'x' : text[i];
        token_map_fill(&map, span_of(text, len), 0);
        for (size_t i = 0; i < len; i++) {
            if (!is_word(text[i]))
                seen = false;
            assert_int_equal(bit(map.candidate, i), text[i] == '.' && !seen);
            if (text[i] == '.')
                seen = true;
        }
    }
    token_map_done(&map);
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* A run of 31 hex digits has a candidate wherever it lies, and candidates lie within sixteen of them. */
static void test_hex_runs(void **state)
{
    (void)state;
    struct token_map map;
    uint8_t text[256];
    assert_true(token_map_init(&map, sizeof(text)));
    for (size_t run = 1; run < 140; run++) {
        for (size_t at = 0; at + run <= sizeof(text); at++) {
            memset(text, 'g', sizeof(text));
            for (size_t i = 0; i < run; i++)
                text[at + i] = (uint8_t) "0123456789abcdefABCDEF"[i % 22];
            token_map_fill(&map, span_of(text, sizeof(text)), TOKEN_WANT_HASH);
            bool any = false;
            for (size_t i = 0; i < sizeof(text); i++) {
                if (!bit(map.candidate, i))
                    continue;
                any = true;
                for (size_t j = 0; j < 16; j++)
                    assert_true(is_hex(text[i + j]));
            }
            assert_true(any || run < 31);
            assert_true(!any || run >= 16);
        }
    }
    token_map_done(&map);
}

/* Times and dates are not candidates; every IPv6 address has one, wherever it lies. */
static void test_colons(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool want;
    } cases[] = {{"11:14:26.5", false},
                 {"10.0.0.1:80 a:b", false},
                 {"::1", true},
                 {"2001:db8::1", true},
                 {"1::", true},
                 {"2001:0db8:0000:0000:0000:0000:0000:0001", true},
                 {"1:2:3:4:5:6:7:8", true}};
    struct token_map map;
    uint8_t text[256];
    assert_true(token_map_init(&map, sizeof(text)));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = strlen(cases[i].text);
        for (size_t at = 0; at < 150; at++) {
            bool any = false;
            memset(text, ' ', sizeof(text));
            memcpy(text + at, cases[i].text, len);
            token_map_fill(&map, span_of(text, sizeof(text)), TOKEN_WANT_IPV6);
            for (size_t j = 0; j < sizeof(text); j++)
                any = any || (bit(map.candidate, j) && text[j] == ':');
            assert_int_equal(any, cases[i].want);
        }
    }
    token_map_done(&map);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),    cmocka_unit_test(test_bytes),  cmocka_unit_test(test_first_dots),
        cmocka_unit_test(test_hex_runs), cmocka_unit_test(test_colons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

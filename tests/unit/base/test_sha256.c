#include "base/sha256.h"

#include "base/check.h"
#include "base/codec.h"
#include "base/random.h"

static void assert_hash(const uint8_t hash[SHA256_SIZE], const char *want)
{
    char hex[HEX_LEN(SHA256_SIZE) + 1];
    hex_encode(hash, SHA256_SIZE, hex);
    assert_string_equal(hex, want);
}

/* FIPS 180-2, appendix B, and the empty text. */
static void vectors_of_fips_180(void **state)
{
    (void)state;
    uint8_t hash[SHA256_SIZE];
    sha256_once((struct span){0}, hash);
    assert_hash(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_once(SPAN_LIT("abc"), hash);
    assert_hash(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_once(SPAN_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), hash);
    assert_hash(hash, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    struct sha256 ctx;
    sha256_init(&ctx);
    for (int i = 0; i < 1000000; i += 100) {
        uint8_t part[100];
        memset(part, 'a', sizeof(part));
        sha256_add(&ctx, span_of(part, sizeof(part)));
    }
    sha256_end(&ctx, hash);
    assert_hash(hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void parts_hash_like_the_whole(void **state)
{
    (void)state;
    uint8_t data[300], whole[SHA256_SIZE], parts[SHA256_SIZE];
    random_bytes(data, sizeof(data));
    sha256_once(span_of(data, sizeof(data)), whole);
    for (size_t cut = 0; cut <= sizeof(data); cut += 13) {
        struct sha256 ctx;
        sha256_init(&ctx);
        sha256_add(&ctx, span_of(data, cut));
        sha256_add(&ctx, (struct span){0});
        sha256_add(&ctx, span_of(data + cut, sizeof(data) - cut));
        sha256_end(&ctx, parts);
        assert_memory_equal(parts, whole, SHA256_SIZE);
    }
}

static void random_hash_is_one_function_a_process(void **state)
{
    (void)state;
    assert_true(random_hash(SPAN_LIT("a")) == random_hash(SPAN_LIT("a")));
    assert_true(random_hash((struct span){0}) == random_hash(SPAN_LIT("")));
    /* 10,000 keys in 64 buckets: each holds 156 on average, 7 standard deviations are 88. */
    unsigned buckets[64] = {0};
    for (uint32_t i = 0; i < 10000; i++)
        buckets[random_hash(span_of(&i, sizeof(i))) & 63]++;
    for (size_t i = 0; i < 64; i++)
        assert_in_range(buckets[i], 156 - 88, 156 + 88);
}

static void random_bytes_differ(void **state)
{
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0}, zero[32] = {0};
    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_memory_not_equal(a, zero, sizeof(a));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_fips_180),
        cmocka_unit_test(parts_hash_like_the_whole),
        cmocka_unit_test(random_hash_is_one_function_a_process),
        cmocka_unit_test(random_bytes_differ),
    };
    return cmocka_run_group_tests_name("base/sha256", tests, NULL, NULL);
}

#include "record/sample.h"

static const char payload[] = "tongzhou/1 security/stix\ntlp clear\n\n{}";
static struct err err;

/* By Python's hashlib: sha256(b"tongzhou/1 seal\n" + b"\0\x05" + b"a/bcd" + b"\x08" * 32 + payload). */
#define KNOWN_HEX "2d7034ad5e51b082b98d5755ec8c831641932d47c54d99fafac7f5080ac926b8"

static void known_answer(void **state)
{
    (void)state;
    uint8_t hash[32], entry[SEAL_ENTRY_LEN], back[32];
    char hex[65];
    seal_hash(SPAN_LIT("a/bcd"), seed_of(SEED_SALT), span_str(payload), hash);
    hex_encode(hash, 32, hex);
    assert_string_equal(hex, KNOWN_HEX);
    seal_write(hash, entry);
    assert_memory_equal(entry, "tongzhou/1 seal\nsha256 " KNOWN_HEX "\n\n", SEAL_ENTRY_LEN);
    assert_true(seal_parse(span_of(entry, sizeof(entry)), back));
    assert_memory_equal(back, hash, 32);
}

static void only_exact_seals_are_seals(void **state)
{
    (void)state;
    uint8_t hash[32] = {0xab}, good[SEAL_ENTRY_LEN], bad[SEAL_ENTRY_LEN + 1], out[32];
    seal_write(hash, good);
    for (size_t at = 0; at < SEAL_ENTRY_LEN; at++) {
        memcpy(bad, good, SEAL_ENTRY_LEN);
        bad[at] ^= 0x20; /* also turns hex digits into capitals or signs */
        assert_false(seal_parse(span_of(bad, SEAL_ENTRY_LEN), out));
    }
    memcpy(bad, good, SEAL_ENTRY_LEN);
    bad[SEAL_ENTRY_LEN] = '\n';
    assert_false(seal_parse(span_of(bad, SEAL_ENTRY_LEN + 1), out));
    assert_false(seal_parse(span_of(bad, SEAL_ENTRY_LEN - 1), out));
    assert_false(seal_parse((struct span){0}, out));
}

static void a_seal_binds_origin_salt_and_payload(void **state)
{
    (void)state;
    uint8_t hash[32], entry[SEAL_ENTRY_LEN];
    struct span origin = SPAN_LIT("a/bcd"), salt = span_of(seed_of(SEED_SALT), 32), text = span_str(payload);
    seal_hash(origin, salt.data, text, hash);
    seal_write(hash, entry);
    struct span seal = span_of(entry, sizeof(entry));
    assert_int_equal(seal_check(origin, seal, salt, text, &err), 0);
    assert_int_equal(seal_check(SPAN_LIT("a/bce"), seal, salt, text, &err), ERR_VERIFY);
    assert_int_equal(seal_check(origin, seal, span_of(seed_of(SEED_OTHER), 32), text, &err), ERR_VERIFY);
    assert_int_equal(seal_check(origin, seal, span_sub(salt, 0, 31), text, &err), ERR_VERIFY);
    assert_int_equal(seal_check(origin, seal, salt, span_sub(text, 1, text.len), &err), ERR_VERIFY);
    assert_int_equal(seal_check(origin, SPAN_LIT("tongzhou/1 seal\n\n"), salt, text, &err), ERR_SYNTAX);
    /* The origin's length is part of the hash, so that its end cannot move into the salt. */
    uint8_t moved[32];
    seal_hash(SPAN_LIT("a/bcd\x08"), salt.data, text, moved);
    assert_memory_not_equal(moved, hash, 32);
}

static void bundles_are_read_back(void **state)
{
    (void)state;
    struct buf bundle;
    struct payload_item item;
    struct span salt = span_of(seed_of(SEED_SALT), 32);
    buf_init(&bundle, 4096);
    payload_add_hole(&bundle);
    payload_add(&bundle, salt, span_str(payload));
    payload_add_hole(&bundle);
    struct payload_reader reader = {.bundle = buf_view(&bundle)};
    assert_int_equal(payload_next(&reader, &item, &err), 1);
    assert_true(item.hole && item.raw.len == 4 && item.payload.len == 0 && item.salt.len == 0);
    assert_int_equal(payload_next(&reader, &item, &err), 1);
    assert_false(item.hole);
    assert_true(span_eq(item.salt, salt) && span_is(item.payload, payload));
    assert_int_equal(item.raw.len, 4 + 32 + strlen(payload));
    assert_int_equal(item.raw.data[3], 32 + strlen(payload));
    assert_int_equal(payload_next(&reader, &item, &err), 1);
    assert_true(item.hole);
    assert_int_equal(payload_next(&reader, &item, &err), 0);
    assert_int_equal(payload_next(&reader, &item, &err), 0);
    buf_done(&bundle);
}

static int first_item(const void *data, size_t len)
{
    struct payload_reader reader = {.bundle = span_of(data, len)};
    struct payload_item item;
    return payload_next(&reader, &item, &err);
}

static void lying_lengths_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[4 + 40] = {0, 0, 0, 40};
    assert_int_equal(first_item(bytes, sizeof(bytes)), 1);
    assert_int_equal(first_item(bytes, sizeof(bytes) - 1), ERR_SYNTAX);
    assert_int_equal(first_item(bytes, 3), ERR_SYNTAX);
    bytes[3] = 31;
    assert_int_equal(first_item(bytes, sizeof(bytes)), ERR_SYNTAX);
    bytes[3] = 32; /* a salt and nothing: well formed, though no record is that short */
    assert_int_equal(first_item(bytes, sizeof(bytes)), 1);
    const uint8_t largest[4] = {1, 0, 0, 32}, above[4] = {1, 0, 0, 33}, huge[4] = {255, 255, 255, 255};
    assert_int_equal(first_item(largest, 4), ERR_SYNTAX);
    assert_int_equal(first_item(above, 4), ERR_LIMIT);
    assert_int_equal(first_item(huge, 4), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answer),
        cmocka_unit_test(only_exact_seals_are_seals),
        cmocka_unit_test(a_seal_binds_origin_salt_and_payload),
        cmocka_unit_test(bundles_are_read_back),
        cmocka_unit_test(lying_lengths_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

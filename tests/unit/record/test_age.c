/*
 * age files: the format's own test vectors, what we write, what is refused.
 *
 * tests/unit/record/age holds vectors of C2SP's CCTV (Go module c2sp.org/CCTV/age, v0.0.0-20251208015420-e9274a7bdbfd,
 * which may be copied without attribution): those for X25519 that are not compressed. TONGZHOU_AGE_VECTORS names a folder
 * of others in the same form, unpacked; tests/interop/run gives all of them.
 */
#include "record/age.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/sha256.h"
#include "record/age_parts.h"
#include "record/sample.h"

#define VECTORS "tests/unit/record/age"
#define OUT_MAX (64u << 20) /* the longest vectors have 16 MiB and a little */

static struct err err;

/* ---- vectors ---- */

/* The 32 bytes of a bech32 identity; its checksum is not ours to check. */
static void identity_bytes(struct span text, uint8_t out[32])
{
    static const char alphabet[] = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
    struct span data = span_sub(text, strlen("AGE-SECRET-KEY-1"), 52);
    unsigned bits = 0, have = 0;
    size_t len = 0;
    for (size_t i = 0; i < data.len; i++) {
        const char *at = strchr(alphabet, data.data[i]);
        assert_non_null(at);
        bits = bits << 5 | (unsigned)(at - alphabet);
        have += 5;
        if (have >= 8 && len < 32) {
            have -= 8;
            out[len++] = (uint8_t)(bits >> have);
        }
    }
    assert_int_equal(len, 32);
}

struct vector {
    char expect[32];
    uint8_t hash[32], secrets[4][32];
    size_t secret_count;
    bool has_hash, is_ours; /* not armoured, no passphrase, no other kind of key */
    struct span file;
};

static void vector_line(struct vector *vector, struct span line)
{
    size_t colon = span_find(line, ':');
    struct span name = span_sub(line, 0, colon), value = span_sub(line, colon + 2, SIZE_MAX);
    if (span_is(name, "expect"))
        snprintf(vector->expect, sizeof vector->expect, "%.*s", SPAN_ARGS(value));
    else if (span_is(name, "payload"))
        vector->has_hash = hex_decode(value, vector->hash, 32);
    else if (span_is(name, "identity") && span_starts(value, SPAN_LIT("AGE-SECRET-KEY-1")))
        identity_bytes(value, vector->secrets[vector->secret_count++]);
    else if (!span_is(name, "file key") && !span_is(name, "comment"))
        vector->is_ours = false;
}

static struct vector vector_read(struct span text)
{
    struct vector vector = {.is_ours = true};
    size_t at = 0;
    for (;;) {
        struct span line = span_sub(text, at, span_find(span_sub(text, at, SIZE_MAX), '\n'));
        at += line.len + 1;
        if (line.len == 0)
            break;
        vector_line(&vector, line);
    }
    vector.file = span_sub(text, at, SIZE_MAX);
    return vector;
}

static bool vector_holds(const struct vector *vector)
{
    struct buf out;
    uint8_t hash[32];
    buf_init(&out, OUT_MAX);
    buf_str(&out, "in front");
    int rc = age_decrypt(vector->file, vector->secrets, vector->secret_count, &out, &err);
    bool good;
    if (strcmp(vector->expect, "success") == 0) {
        struct span plain = span_sub(buf_view(&out), 8, SIZE_MAX);
        sha256_once(plain, hash);
        good = rc == 0 && vector->has_hash && memcmp(hash, vector->hash, 32) == 0;
    } else if (strcmp(vector->expect, "no match") == 0) {
        good = rc == ERR_NOTFOUND;
    } else if (strcmp(vector->expect, "HMAC failure") == 0) {
        good = rc == ERR_VERIFY && strstr(err.text, "header");
    } else { /* a form that is wrong may be noticed as such, or by its key */
        good = rc == ERR_SYNTAX || rc == ERR_VERIFY;
    }
    good &= rc == 0 || out.len == 8;
    buf_done(&out);
    return good;
}

static void vectors_of(const char *folder, size_t at_least)
{
    DIR *dir = opendir(folder);
    size_t count = 0, bad = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[4096];
        struct buf text;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        buf_init(&text, OUT_MAX);
        uint8_t *room = buf_room(&text, OUT_MAX / 2);
        buf_cut(&text, fread(room, 1, OUT_MAX / 2, file));
        fclose(file);
        struct vector vector = vector_read(buf_view(&text));
        if (vector.is_ours && !vector_holds(&vector)) {
            print_message("# %s: expected %s, got %s\n", entry->d_name, vector.expect, err.text);
            bad++;
        }
        count += vector.is_ours;
        buf_done(&text);
    }
    closedir(dir);
    assert_int_equal(bad, 0);
    assert_true(count >= at_least);
}

static void the_formats_vectors(void **state)
{
    (void)state;
    vectors_of(VECTORS, 45);
    if (getenv("TONGZHOU_AGE_VECTORS"))
        vectors_of(getenv("TONGZHOU_AGE_VECTORS"), 60);
}

/* RFC 5869, test case 3: no salt, no info, of which the first 32 bytes. */
static void hkdf(void **state)
{
    (void)state;
    uint8_t key[22], want[32], out[32];
    memset(key, 0x0b, sizeof key);
    assert_true(hex_decode(SPAN_LIT("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"), want, 32));
    age_hkdf(span_of(key, sizeof key), SPAN_LIT(""), "", out);
    assert_memory_equal(out, want, 32);
}

/* ---- ours ---- */

static void key_pair(uint8_t fill, uint8_t secret[32], uint8_t public_key[32])
{
    memset(secret, fill, 32);
    crypto_scalarmult_curve25519_base(public_key, secret);
}

static void round_trips(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 100, AGE_CHUNK - 1, AGE_CHUNK, AGE_CHUNK + 1, 3 * AGE_CHUNK, 200001};
    uint8_t secrets[3][32], keys[3][32], stranger[1][32];
    memset(stranger, 9, sizeof stranger);
    for (uint8_t i = 0; i < 3; i++)
        key_pair((uint8_t)(i + 1), secrets[i], keys[i]);
    uint8_t *text = test_malloc(200001);
    for (size_t i = 0; i < 200001; i++)
        text[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct span plain = span_of(text, lengths[i]);
        struct buf file, out;
        buf_init(&file, 1u << 20);
        buf_init(&out, 1u << 20);
        assert_int_equal(age_encrypt((const uint8_t(*)[32])keys, 3, plain, &file, &err), 0);
        assert_int_equal(file.len, age_size(3, plain.len));
        for (size_t k = 0; k < 3; k++) {
            buf_clear(&out);
            assert_int_equal(age_decrypt(buf_view(&file), (const uint8_t(*)[32]) & secrets[k], 1, &out, &err), 0);
            assert_true(span_eq(buf_view(&out), plain));
        }
        assert_int_equal(age_decrypt(buf_view(&file), (const uint8_t(*)[32])stranger, 1, &out, &err), ERR_NOTFOUND);
        assert_int_equal(age_decrypt(buf_view(&file), NULL, 0, &out, &err), ERR_NOTFOUND);
        buf_done(&file);
        buf_done(&out);
    }
    test_free(text);
}

/* Every byte counts: whichever is changed, nothing comes out. */
static void any_change_is_noticed(void **state)
{
    (void)state;
    uint8_t secret[1][32], key[1][32];
    struct buf file, out;
    key_pair(1, secret[0], key[0]);
    buf_init(&file, 1u << 16);
    buf_init(&out, 1u << 16);
    assert_int_equal(age_encrypt((const uint8_t(*)[32])key, 1, SPAN_LIT("what relays must not read"), &file, &err), 0);
    for (size_t i = 0; i < file.len; i++) {
        file.data[i] ^= 1;
        int rc = age_decrypt(buf_view(&file), (const uint8_t(*)[32])secret, 1, &out, &err);
        assert_true(rc == ERR_SYNTAX || rc == ERR_VERIFY || rc == ERR_NOTFOUND);
        assert_int_equal(out.len, 0);
        file.data[i] ^= 1;
    }
    for (size_t len = 0; len < file.len; len++)
        assert_true(age_decrypt(span_of(file.data, len), (const uint8_t(*)[32])secret, 1, &out, &err) < 0);
    assert_int_equal(age_decrypt(buf_view(&file), (const uint8_t(*)[32])secret, 1, &out, &err), 0);
    buf_done(&file);
    buf_done(&out);
}

static void two_files_of_one_text_differ(void **state)
{
    (void)state;
    uint8_t secret[32], key[1][32];
    struct buf a, b;
    key_pair(1, secret, key[0]);
    buf_init(&a, 1u << 16);
    buf_init(&b, 1u << 16);
    assert_int_equal(age_encrypt((const uint8_t(*)[32])key, 1, SPAN_LIT("same"), &a, &err), 0);
    assert_int_equal(age_encrypt((const uint8_t(*)[32])key, 1, SPAN_LIT("same"), &b, &err), 0);
    assert_int_equal(a.len, b.len);
    assert_memory_not_equal(a.data + 32, b.data + 32, 43);                 /* share */
    assert_memory_not_equal(a.data + a.len - 36, b.data + b.len - 36, 36); /* nonce and chunk */
    buf_done(&a);
    buf_done(&b);
}

static void bounds(void **state)
{
    (void)state;
    uint8_t(*keys)[32] = test_calloc(AGE_STANZAS_MAX + 1, 32), secret[1][32];
    const uint8_t file_key[AGE_FILE_KEY] = {5};
    struct buf file, out;
    buf_init(&file, 1u << 17);
    buf_init(&out, 1u << 16);
    assert_int_equal(age_encrypt((const uint8_t(*)[32])keys, 0, SPAN_LIT("x"), &file, &err), ERR_LIMIT);
    assert_int_equal(age_encrypt((const uint8_t(*)[32])keys, 1, SPAN_LIT("x"), &file, &err), ERR_VERIFY);
    assert_int_equal(file.len, 0);
    for (size_t i = 0; i <= AGE_STANZAS_MAX; i++)
        key_pair(1, secret[0], keys[i]);
    assert_int_equal(age_encrypt((const uint8_t(*)[32])keys, AGE_STANZAS_MAX + 1, SPAN_LIT("x"), &file, &err),
                     ERR_LIMIT);
    assert_int_equal(age_encrypt((const uint8_t(*)[32])keys, AGE_STANZAS_MAX, SPAN_LIT("x"), &file, &err), 0);
    assert_int_equal(age_decrypt(buf_view(&file), (const uint8_t(*)[32])secret, 1, &out, &err), 0);
    /* One stanza more than a reader takes, and a header that is longer. */
    buf_clear(&file);
    buf_str(&file, AGE_INTRO);
    for (size_t i = 0; i <= AGE_STANZAS_MAX; i++)
        assert_int_equal(age_add_stanza(&file, keys[0], file_key, &err), 0);
    age_end_header(&file, 0, file_key);
    age_add_payload(&file, SPAN_LIT("x"), file_key);
    assert_int_equal(age_decrypt(buf_view(&file), (const uint8_t(*)[32])secret, 1, &out, &err), ERR_LIMIT);
    buf_clear(&file);
    buf_str(&file, AGE_INTRO "-> ");
    for (size_t i = 0; i < AGE_HEADER_MAX; i++)
        buf_byte(&file, 'a');
    buf_str(&file, "\n\n");
    assert_int_equal(age_add_stanza(&file, keys[0], file_key, &err), 0);
    age_end_header(&file, 0, file_key);
    age_add_payload(&file, SPAN_LIT("x"), file_key);
    assert_int_equal(age_decrypt(buf_view(&file), (const uint8_t(*)[32])secret, 1, &out, &err), ERR_LIMIT);
    /* What does not fit leaves nothing behind. */
    struct buf small;
    buf_init(&small, 20);
    assert_int_equal(age_encrypt((const uint8_t(*)[32])keys, 1, SPAN_LIT("x"), &small, &err), ERR_LIMIT);
    assert_int_equal(small.len, 0);
    buf_done(&small);
    buf_done(&file);
    buf_done(&out);
    test_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_formats_vectors),
        cmocka_unit_test(hkdf),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(any_change_is_noticed),
        cmocka_unit_test(two_files_of_one_text_differ),
        cmocka_unit_test(bounds),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tlog/note.h"

#include <stdio.h>

#include "base/check.h"
#include "base/codec.h"

#define DASH "\xE2\x80\x94"

/* C2SP signed-note, "Verifier keys", example. */
#define EXAMPLE_VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define EXAMPLE_NOTE                                                                                                   \
    "This is an example message.\n\n" DASH " example.com/foo "                                                         \
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"

/* Key ids 4 bytes, then 64 bytes: the form of an Ed25519 signature, by nobody. */
#define UNKNOWN_SIG                                                                                                    \
    "AAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                   \
    "A="

static struct note note;

static struct note_signer signer_of(const char *name, uint8_t type, uint8_t seed_byte)
{
    uint8_t seed[ED25519_SEED];
    struct note_signer signer;
    struct err err = {0};
    memset(seed, seed_byte, sizeof(seed));
    assert_int_equal(note_signer_make(&signer, span_str(name), type, seed, &err), 0);
    return signer;
}

static void the_example_key(void **state)
{
    (void)state;
    struct note_key key, cosigner;
    struct err err = {0};
    char text[VKEY_MAX + 1];
    assert_int_equal(note_vkey_parse(SPAN_LIT(EXAMPLE_VKEY), &key, &err), 0);
    assert_string_equal(key.name, "example.com/foo");
    assert_int_equal(key.id, 0x530d903a);
    assert_int_equal(key.type, NOTE_ED25519);
    note_vkey_format(&key, text);
    assert_string_equal(text, EXAMPLE_VKEY);
    assert_int_equal(note_key_make(&cosigner, SPAN_LIT("example.com/foo"), NOTE_COSIGNATURE, key.public_key, &err), 0);
    assert_int_equal(cosigner.id, 0x7c264079);
    note_vkey_format(&cosigner, text);
    struct note_key again;
    assert_int_equal(note_vkey_parse(span_str(text), &again, &err), 0);
    assert_int_equal(again.type, NOTE_COSIGNATURE);
}

static void the_example_note(void **state)
{
    (void)state;
    struct note_key key;
    struct err err = {0};
    uint64_t time = 99;
    assert_int_equal(note_vkey_parse(SPAN_LIT(EXAMPLE_VKEY), &key, &err), 0);
    assert_int_equal(note_parse(SPAN_LIT(EXAMPLE_NOTE), &note, &err), 0);
    assert_span(note.text, "This is an example message.\n");
    assert_int_equal(note.sig_count, 1);
    assert_span(note.sigs[0].name, "example.com/foo");
    assert_int_equal(note.sigs[0].id, 0x530d903a);
    assert_int_equal(note.sigs[0].len, ED25519_SIG);
    assert_int_equal(note_verify(&note, &key, &time, &err), 1);
    assert_int_equal(time, 0);
    assert_int_equal(note_verify(&note, &key, NULL, &err), 1);
}

/* Every byte of the example's text and signature, changed in each bit: never accepted. */
static void a_changed_note_is_refused(void **state)
{
    (void)state;
    struct note_key key;
    struct err err = {0};
    char text[] = EXAMPLE_NOTE;
    assert_int_equal(note_vkey_parse(SPAN_LIT(EXAMPLE_VKEY), &key, &err), 0);
    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        for (int bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ 1 << bit);
            if (note_parse(span_of(text, sizeof(text) - 1), &note, &err) == 0)
                assert_true(note_verify(&note, &key, NULL, &err) <= 0);
            text[at] = (char)(text[at] ^ 1 << bit);
        }
    }
}

static void verifier_keys_out_of_form(void **state)
{
    (void)state;
    static const struct {
        const char *vkey, *part;
    } bad[] = {
        {"", "expected NAME+"},
        {"example.com/foo", "expected NAME+"},
        {"example.com/foo+530d903a", "expected NAME+"},
        {"example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "expected NAME+"},
        {"example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "expected NAME+"},
        {"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "does not fit"},
        {"example.com/fob+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "does not fit"},
        {"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2", "base64"},
        {"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n", "base64"},
        {"example.com/foo+530d903a+A", "base64"},
        {"example.com/foo+530d903a+", "base64"},
        {"example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "type 0x02"},
        {"+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "key name"},
        {"a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "key name"},
    };
    struct err err = {0};
    struct note_key key;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_fails(note_vkey_parse(span_str(bad[i].vkey), &key, &err), &err, ERR_SYNTAX, bad[i].part);
}

static void names_that_notes_cannot_carry(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          "a b",       "a+b",          "a\nb",         "\t",           "a\x1b",
        "a\xC2\x85", "a\xC2\xA0", "\xE2\x80\xA8", "\xE3\x80\x80", "\xE2\x80\x8A", "a\xFF"};
    uint8_t public_key[ED25519_PUBLIC] = {1};
    struct err err = {0};
    struct note_key key;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_fails(note_key_make(&key, span_str(bad[i]), NOTE_ED25519, public_key, &err), &err, ERR_SYNTAX,
                     "key name");
    char name[ORIGIN_MAX + 2];
    memset(name, 'a', sizeof(name));
    assert_int_equal(note_key_make(&key, span_of(name, ORIGIN_MAX), NOTE_ED25519, public_key, &err), 0);
    assert_int_equal(strlen(key.name), ORIGIN_MAX);
    char vkey[VKEY_MAX + 1];
    note_vkey_format(&key, vkey);
    struct note_key again;
    assert_int_equal(note_vkey_parse(span_str(vkey), &again, &err), 0);
    assert_fails(note_key_make(&key, span_of(name, ORIGIN_MAX + 1), NOTE_ED25519, public_key, &err), &err, ERR_SYNTAX,
                 "allowed 181");
    assert_fails(note_key_make(&key, SPAN_LIT("a"), 0x06, public_key, &err), &err, ERR_SYNTAX, "type 0x06");
    assert_int_equal(note_key_make(&key, SPAN_LIT("\xE5\x90\x8C\xE8\x88\x9F"), NOTE_ED25519, public_key, &err), 0);
}

static void notes_out_of_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "no empty line"},
        {"text\n", "no empty line"},
        {"text\n\n", "no signature"},
        {"\n", "no empty line"},
        {"text\n\n" DASH " a " UNKNOWN_SIG, "with its newline"},
        {"text\n" DASH " a " UNKNOWN_SIG "\n", "no empty line"},
        {"text\n\n- a " UNKNOWN_SIG "\n", "expected a signature line"},
        {"text\n\n" DASH "a " UNKNOWN_SIG "\n", "expected a signature line"},
        {"text\n\n" DASH " a  " UNKNOWN_SIG "\n", "expected a signature line"},
        {"text\n\n" DASH "  " UNKNOWN_SIG "\n", "expected a signature line"},
        {"text\n\n" DASH " a+b " UNKNOWN_SIG "\n", "expected a signature line"},
        {"text\n\n" DASH " a\xC2\xA0"
         "b " UNKNOWN_SIG "\n",
         "expected a signature line"},
        {"text\n\n" DASH " a\n", "expected a signature line"},
        {"text\n\n" DASH " a \n", "expected a signature line"},
        {"text\n\n" DASH " a AAAAAQ==\n", "expected a signature line"},
        {"text\n\n" DASH " a AAAB\n", "expected a signature line"},
        {"text\n\n" DASH " a " UNKNOWN_SIG " \n", "expected a signature line"},
        {"text\n\n" DASH " a " UNKNOWN_SIG "\nmore\n", "expected a signature line"},
        {"text\n\n" DASH " a " UNKNOWN_SIG "\n\n", "no signature"},
        {"te\rxt\n\n" DASH " a " UNKNOWN_SIG "\n", "byte 2: 0x0d"},
        {"te\txt\n\n" DASH " a " UNKNOWN_SIG "\n", "byte 2: 0x09"},
        {"te\xFFxt\n\n" DASH " a " UNKNOWN_SIG "\n", "byte 2: 0xff"},
        {"text\n\n" DASH " a\x01 " UNKNOWN_SIG "\n", "0x01"},
    };
    struct err err = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_fails(note_parse(span_str(bad[i].text), &note, &err), &err, ERR_SYNTAX, bad[i].part);
    assert_fails(note_parse(SPAN_LIT("a\0b\n\n" DASH " a " UNKNOWN_SIG "\n"), &note, &err), &err, ERR_SYNTAX,
                 "byte 1: 0x00");
    assert_int_equal(note_parse(SPAN_LIT("text\n\n" DASH " a " UNKNOWN_SIG "\n"), &note, &err), 0);
}

static void the_text_ends_at_the_last_empty_line(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(
        note_parse(SPAN_LIT("one\n\n" DASH " a " UNKNOWN_SIG "\n\n\n" DASH " b " UNKNOWN_SIG "\n"), &note, &err), 0);
    assert_span(note.text, "one\n\n" DASH " a " UNKNOWN_SIG "\n\n");
    assert_int_equal(note.sig_count, 1);
    assert_span(note.sigs[0].name, "b");
    assert_span(note.sigs[0].line, DASH " b " UNKNOWN_SIG "\n");
    assert_int_equal(note_parse(SPAN_LIT("\n\n" DASH " b " UNKNOWN_SIG "\n"), &note, &err), 0);
    assert_span(note.text, "\n");
}

static void add_sig_line(struct buf *buf, const char *name, const uint8_t *bytes, size_t len)
{
    buf_str(buf, DASH " ");
    buf_str(buf, name);
    buf_byte(buf, ' ');
    buf_base64(buf, bytes, len);
    buf_byte(buf, '\n');
}

/* A signature of 2,428 bytes, as ML-DSA-44 makes them, is passed over; its form is still checked. */
static void signatures_of_unknown_types(void **state)
{
    (void)state;
    static uint8_t bytes[4 + 8 + 2420] = {0xAA, 0xBB, 0xCC, 0xDD};
    struct err err = {0};
    struct buf buf;
    buf_init(&buf, NOTE_MAX);
    buf_str(&buf, "text\n\n");
    add_sig_line(&buf, "pq", bytes, sizeof(bytes));
    add_sig_line(&buf, "short", bytes, 5);
    add_sig_line(&buf, "most", bytes, 4 + sizeof(note.sigs[0].bytes));
    add_sig_line(&buf, "over", bytes, 4 + sizeof(note.sigs[0].bytes) + 1);
    assert_int_equal(note_parse(buf_view(&buf), &note, &err), 0);
    assert_int_equal(note.sig_count, 4);
    assert_int_equal(note.sigs[0].id, 0xAABBCCDD);
    assert_int_equal(note.sigs[0].len, 0);
    assert_int_equal(note.sigs[1].len, 1);
    assert_int_equal(note.sigs[2].len, sizeof(note.sigs[0].bytes));
    assert_int_equal(note.sigs[3].len, 0);
    buf.data[3000] = '!';
    assert_fails(note_parse(buf_view(&buf), &note, &err), &err, ERR_SYNTAX, "byte 6: expected a signature line");
    buf.data[3000] = '=';
    assert_fails(note_parse(buf_view(&buf), &note, &err), &err, ERR_SYNTAX, "byte 6: expected a signature line");
    buf_done(&buf);
}

static void notes_are_bounded(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf buf;
    buf_init(&buf, 2 * NOTE_MAX);
    buf_str(&buf, "text\n\n");
    for (int i = 0; i < NOTE_SIGS_MAX; i++)
        buf_fmt(&buf, DASH " s%d " UNKNOWN_SIG "\n", i);
    assert_int_equal(note_parse(buf_view(&buf), &note, &err), 0);
    assert_int_equal(note.sig_count, NOTE_SIGS_MAX);
    buf_str(&buf, DASH " one-more " UNKNOWN_SIG "\n");
    assert_fails(note_parse(buf_view(&buf), &note, &err), &err, ERR_LIMIT, "more than 64 signature lines");
    buf_clear(&buf);
    memset(buf_room(&buf, NOTE_MAX + 1), 'a', NOTE_MAX + 1);
    assert_fails(note_parse(buf_view(&buf), &note, &err), &err, ERR_LIMIT, "65537 bytes, limit 65536");
    buf_done(&buf);
}

static void signing_and_cosigning(void **state)
{
    (void)state;
    static const char text[] = "example.com/log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    struct note_signer log = signer_of("example.com/log", NOTE_ED25519, 1);
    struct note_signer witness = signer_of("witness.example/w", NOTE_COSIGNATURE, 2);
    struct note_signer stranger = signer_of("example.com/log", NOTE_ED25519, 3);
    struct err err = {0};
    struct buf buf;
    buf_init(&buf, NOTE_MAX);
    buf_str(&buf, text);
    buf_byte(&buf, '\n');
    assert_int_equal(note_sign(span_str(text), &log, 5, &buf, &err), 0);
    assert_int_equal(note_sign(span_str(text), &witness, 1679315147, &buf, &err), 0);
    assert_int_equal(note_parse(buf_view(&buf), &note, &err), 0);
    assert_int_equal(note.sig_count, 2);
    assert_int_equal(note.sigs[1].len, 72);
    uint64_t time = 7;
    assert_int_equal(note_verify(&note, &log.key, &time, &err), 1);
    assert_int_equal(time, 0);
    assert_int_equal(note_verify(&note, &witness.key, &time, &err), 1);
    assert_int_equal(time, 1679315147);
    time = 7;
    assert_int_equal(note_verify(&note, &stranger.key, &time, &err), 0);
    assert_int_equal(time, 7);

    /* What a cosignature covers, written down independently. */
    struct buf message;
    buf_init(&message, 1000);
    buf_fmt(&message, "cosignature/v1\ntime 1679315147\n%s", text);
    assert_true(ed25519_verify(buf_view(&message), witness.key.public_key, note.sigs[1].bytes + 8));
    buf_done(&message);
    buf_done(&buf);
}

/* A cosignature with another time, a name with another key, a known name and id with a broken signature. */
static void forged_signatures(void **state)
{
    (void)state;
    static const char text[] = "text\n";
    struct note_signer log = signer_of("example.com/log", NOTE_ED25519, 1);
    struct note_signer witness = signer_of("witness.example/w", NOTE_COSIGNATURE, 2);
    struct note_signer stranger = signer_of("example.com/log", NOTE_ED25519, 3);
    struct err err = {0};
    struct buf buf;
    buf_init(&buf, NOTE_MAX);
    buf_str(&buf, "text\n\n");
    stranger.key.id = log.key.id; /* a forger can match four bytes */
    assert_int_equal(note_sign(span_str(text), &stranger, 0, &buf, &err), 0);
    assert_int_equal(note_parse(buf_view(&buf), &note, &err), 0);
    assert_fails(note_verify(&note, &log.key, NULL, &err), &err, ERR_VERIFY, "does not hold");

    /* The right signature behind or before the forged one changes nothing. */
    assert_int_equal(note_sign(span_str(text), &log, 0, &buf, &err), 0);
    assert_int_equal(note_parse(buf_view(&buf), &note, &err), 0);
    assert_fails(note_verify(&note, &log.key, NULL, &err), &err, ERR_VERIFY, "two signatures by example.com/log");

    buf_clear(&buf);
    buf_str(&buf, "text\n\n");
    assert_int_equal(note_sign(span_str(text), &witness, 1000, &buf, &err), 0);
    assert_int_equal(note_parse(buf_view(&buf), &note, &err), 0);
    note.sigs[0].bytes[7]++;
    assert_fails(note_verify(&note, &witness.key, NULL, &err), &err, ERR_VERIFY, "does not hold");
    note.sigs[0].bytes[7]--;
    assert_int_equal(note_verify(&note, &witness.key, NULL, &err), 1);
    note.sigs[0].bytes[0] = 0x80; /* beyond 2^63 - 1 seconds */
    assert_fails(note_verify(&note, &witness.key, NULL, &err), &err, ERR_VERIFY, "does not hold");
    note.sigs[0].len = ED25519_SIG;
    assert_fails(note_verify(&note, &witness.key, NULL, &err), &err, ERR_VERIFY, "does not hold");
    buf_done(&buf);
}

static void only_texts_that_can_be_read_are_signed(void **state)
{
    (void)state;
    struct note_signer log = signer_of("example.com/log", NOTE_ED25519, 1);
    struct err err = {0};
    struct buf buf;
    buf_init(&buf, NOTE_MAX);
    static const char *const bad[] = {"", "no newline", "tab\t\n", "\xFF\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_fails(note_sign(span_str(bad[i]), &log, 0, &buf, &err), &err, ERR_SYNTAX, "note text");
    assert_int_equal(buf.len, 0);
    struct buf tiny;
    buf_init(&tiny, 20);
    assert_fails(note_sign(SPAN_LIT("text\n"), &log, 0, &tiny, &err), &err, ERR_LIMIT, "note: longer than 20 bytes");
    buf_done(&tiny);
    buf_done(&buf);
}

/* RFC 8032 section 7.1, tests 1 and 2; keys of small order are no keys. */
static void raw_ed25519(void **state)
{
    (void)state;
    static const struct {
        const char *seed, *public_key, *message, *sig;
    } vectors[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
         "d25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "r",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
         "387b2eaeb4302aeeb00d291612bb0c00"},
    };
    for (size_t i = 0; i < 2; i++) {
        uint8_t seed[ED25519_SEED], want_key[ED25519_PUBLIC], want_sig[ED25519_SIG], key[ED25519_PUBLIC],
            sig[ED25519_SIG];
        assert_true(hex_decode(span_str(vectors[i].seed), seed, sizeof(seed)));
        assert_true(hex_decode(span_str(vectors[i].public_key), want_key, sizeof(want_key)));
        assert_true(hex_decode(span_str(vectors[i].sig), want_sig, sizeof(want_sig)));
        ed25519_keypair(seed, key);
        assert_memory_equal(key, want_key, sizeof(key));
        ed25519_sign(span_str(vectors[i].message), seed, sig);
        assert_memory_equal(sig, want_sig, sizeof(sig));
        assert_true(ed25519_verify(span_str(vectors[i].message), key, sig));
        sig[40] ^= 1;
        assert_false(ed25519_verify(span_str(vectors[i].message), key, sig));
    }
    /* With the neutral element as key, R = B·s would make any message valid. */
    uint8_t neutral[ED25519_PUBLIC] = {1}, zero[ED25519_PUBLIC] = {0}, sig[ED25519_SIG] = {1};
    assert_false(ed25519_verify(SPAN_LIT("any"), neutral, sig));
    assert_false(ed25519_verify(SPAN_LIT("any"), zero, sig));
}

static void wiping_a_signer(void **state)
{
    (void)state;
    struct note_signer signer = signer_of("a", NOTE_ED25519, 9), zero;
    memset(&zero, 0, sizeof(zero));
    note_signer_wipe(&signer);
    assert_memory_equal(&signer, &zero, sizeof(zero));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_key),
        cmocka_unit_test(the_example_note),
        cmocka_unit_test(a_changed_note_is_refused),
        cmocka_unit_test(verifier_keys_out_of_form),
        cmocka_unit_test(names_that_notes_cannot_carry),
        cmocka_unit_test(notes_out_of_form),
        cmocka_unit_test(the_text_ends_at_the_last_empty_line),
        cmocka_unit_test(signatures_of_unknown_types),
        cmocka_unit_test(notes_are_bounded),
        cmocka_unit_test(signing_and_cosigning),
        cmocka_unit_test(forged_signatures),
        cmocka_unit_test(only_texts_that_can_be_read_are_signed),
        cmocka_unit_test(raw_ed25519),
        cmocka_unit_test(wiping_a_signer),
    };
    return cmocka_run_group_tests_name("tlog/note", tests, NULL, NULL);
}

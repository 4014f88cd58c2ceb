#include "tlog/checkpoint.h"

#include "base/check.h"

#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

static struct note note;

static void three_lines(void **state)
{
    (void)state;
    struct err err = {0};
    struct checkpoint cp;
    static const char text[] = "example.com/behind-the-sofa\n20852163\n" ROOT "\n";
    assert_int_equal(checkpoint_parse(span_str(text), &cp, &err), 0);
    assert_span(cp.origin, "example.com/behind-the-sofa");
    assert_int_equal(cp.size, 20852163);
    assert_int_equal(cp.root.b[0], 0x0A);
    struct buf buf;
    buf_init(&buf, 1000);
    checkpoint_text(cp.origin, cp.size, &cp.root, &buf);
    assert_span(buf_view(&buf), text);
    buf_done(&buf);
}

static void checkpoints_out_of_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        int code;
    } bad[] = {
        {"", "expected a line", ERR_SYNTAX},
        {"o\n1\n", "expected a line", ERR_SYNTAX},
        {"o\n1\n" ROOT, "expected a line", ERR_SYNTAX},
        {"\n1\n" ROOT "\n", "empty origin", ERR_SYNTAX},
        {"o\n\n" ROOT "\n", "line 2", ERR_SYNTAX},
        {"o\n01\n" ROOT "\n", "line 2", ERR_SYNTAX},
        {"o\n-1\n" ROOT "\n", "line 2", ERR_SYNTAX},
        {"o\n1 \n" ROOT "\n", "line 2", ERR_SYNTAX},
        {"o\n18446744073709551616\n" ROOT "\n", "line 2", ERR_SYNTAX},
        {"o\n1099511627777\n" ROOT "\n", "size 1099511627777, limit 1099511627776", ERR_LIMIT},
        {"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", "line 3", ERR_SYNTAX},
        {"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n", "line 3", ERR_SYNTAX},
        {"o\n1\n" ROOT "A\n", "shorter line", ERR_SYNTAX},
        {"o\n1\n" ROOT "\nextension\n", "expected the end", ERR_SYNTAX},
        {"o\n1\n" ROOT "\n\n", "expected the end", ERR_SYNTAX},
    };
    struct err err = {0};
    struct checkpoint cp;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_fails(checkpoint_parse(span_str(bad[i].text), &cp, &err), &err, bad[i].code, bad[i].part);
    assert_int_equal(checkpoint_parse(SPAN_LIT("o\n1099511627776\n" ROOT "\n"), &cp, &err), 0);
    assert_int_equal(checkpoint_parse(SPAN_LIT("o\n0\n" ROOT "\n"), &cp, &err), 0);
    char origin[ORIGIN_MAX + 60] = {0};
    memset(origin, 'o', ORIGIN_MAX);
    strcpy(origin + ORIGIN_MAX, "\n1\n" ROOT "\n");
    assert_int_equal(checkpoint_parse(span_str(origin), &cp, &err), 0);
    memset(origin, 'o', ORIGIN_MAX + 1);
    strcpy(origin + ORIGIN_MAX + 1, "\n1\n" ROOT "\n");
    assert_fails(checkpoint_parse(span_str(origin), &cp, &err), &err, ERR_SYNTAX, "shorter line");
}

static struct note_signer signer_of(const char *name, uint8_t type, uint8_t seed_byte)
{
    uint8_t seed[ED25519_SEED];
    struct note_signer signer;
    struct err err = {0};
    memset(seed, seed_byte, sizeof(seed));
    assert_int_equal(note_signer_make(&signer, span_str(name), type, seed, &err), 0);
    return signer;
}

/* A rotation's checkpoint has the signatures of the old key and of the new one. */
static void signed_by_one_and_by_two(void **state)
{
    (void)state;
    struct err err = {0};
    struct note_signer old = signer_of("example.org/log", NOTE_ED25519, 1);
    struct note_signer new = signer_of("example.org/log", NOTE_ED25519, 2);
    const struct note_signer *signers[] = {&old, &new};
    struct tlog_hash root = {{1, 2, 3}};
    for (size_t count = 1; count <= 2; count++) {
        struct buf buf;
        struct checkpoint cp;
        buf_init(&buf, NOTE_MAX);
        assert_int_equal(checkpoint_sign(SPAN_LIT("example.org/log"), 77, &root, signers, count, &buf, &err), 0);
        assert_int_equal(note_parse(buf_view(&buf), &note, &err), 0);
        assert_int_equal(note.sig_count, count);
        assert_int_equal(note_verify(&note, &old.key, NULL, &err), 1);
        assert_int_equal(note_verify(&note, &new.key, NULL, &err), count == 2);
        assert_int_equal(checkpoint_parse(note.text, &cp, &err), 0);
        assert_int_equal(cp.size, 77);
        assert_true(tlog_hash_eq(&cp.root, &root));
        buf_done(&buf);
    }
}

static void nothing_unreadable_is_signed(void **state)
{
    (void)state;
    struct err err = {0};
    struct note_signer log = signer_of("o", NOTE_ED25519, 1);
    const struct note_signer *signers[] = {&log};
    struct tlog_hash root = {{0}};
    struct buf buf;
    buf_init(&buf, NOTE_MAX);
    assert_fails(checkpoint_sign(SPAN_LIT("o\n5"), 1, &root, signers, 1, &buf, &err), &err, ERR_SYNTAX, "checkpoint");
    assert_fails(checkpoint_sign(SPAN_LIT(""), 1, &root, signers, 1, &buf, &err), &err, ERR_SYNTAX, "empty origin");
    assert_fails(checkpoint_sign(SPAN_LIT("o"), LOG_SIZE_MAX + 1, &root, signers, 1, &buf, &err), &err, ERR_LIMIT,
                 "size");
    assert_fails(checkpoint_sign(SPAN_LIT("o\x01"), 1, &root, signers, 1, &buf, &err), &err, ERR_SYNTAX, "note text");
    buf_done(&buf);
}

static void proofs_as_files(void **state)
{
    (void)state;
    struct err err = {0};
    static struct tlog_proof proof, back;
    struct span checkpoint = SPAN_LIT("o\n9\n" ROOT "\n\n\xE2\x80\x94 o AAAAAQA=\n"), rest;
    struct buf buf;
    buf_init(&buf, NOTE_MAX);
    for (size_t count = 0; count <= 3; count++) {
        proof.count = count;
        for (size_t i = 0; i < count; i++)
            memset(proof.h[i].b, (int)i, TLOG_HASH_SIZE);
        buf_clear(&buf);
        assert_int_equal(proof_file_write(73894, &proof, checkpoint, &buf, &err), 0);
        uint64_t index = 0;
        assert_int_equal(proof_file_parse(buf_view(&buf), &index, &back, &rest, &err), 0);
        assert_int_equal(index, 73894);
        assert_int_equal(back.count, count);
        assert_memory_equal(back.h, proof.h, count * TLOG_HASH_SIZE);
        assert_true(span_eq(rest, checkpoint));
    }
    assert_span(span_sub(buf_view(&buf), 0, 81),
                "c2sp.org/tlog-proof@v1\nindex 73894\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nA");
    buf_done(&buf);
}

static void proofs_with_and_without_extra(void **state)
{
    (void)state;
    struct err err = {0};
    static struct tlog_proof proof;
    struct span rest;
    uint64_t index;
    assert_int_equal(
        proof_file_parse(SPAN_LIT("c2sp.org/tlog-proof@v1\nextra YWdl\nindex 0\n\nnote"), &index, &proof, &rest, &err),
        0);
    assert_int_equal(index, 0);
    assert_int_equal(proof.count, 0);
    assert_span(rest, "note");
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "expected c2sp.org/tlog-proof@v1"},
        {"c2sp.org/tlog-proof@v2\nindex 0\n\n", "expected c2sp.org/tlog-proof@v1"},
        {"c2sp.org/tlog-proof@v1\n\nindex 0\n\n", "expected index"},
        {"c2sp.org/tlog-proof@v1\nextra YWd\nindex 0\n\n", "base64"},
        {"c2sp.org/tlog-proof@v1\nextra YWdl\nextra YWdl\nindex 0\n\n", "expected index"},
        {"c2sp.org/tlog-proof@v1\nindex 0\nextra YWdl\n\n", "hash 0"},
        {"c2sp.org/tlog-proof@v1\nextra YWdl", "expected a line"},
        {"c2sp.org/tlog-proof@v1\nindex\n\n", "expected index"},
        {"c2sp.org/tlog-proof@v1\nindex 01\n\n", "decimal number"},
        {"c2sp.org/tlog-proof@v1\nindex \n\n", "decimal number"},
        {"c2sp.org/tlog-proof@v1\nindex 0\n", "expected a line"},
        {"c2sp.org/tlog-proof@v1\nindex 0\n" ROOT, "expected a line"},
        {"c2sp.org/tlog-proof@v1\nindex 0\n" ROOT "\n", "expected a line"},
        {"c2sp.org/tlog-proof@v1\nindex 0\n" ROOT " \n\n", "shorter line"},
        {"c2sp.org/tlog-proof@v1\nindex 0\nCsUY\n\n", "hash 0"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_fails(proof_file_parse(span_str(bad[i].text), &index, &proof, &rest, &err), &err, ERR_SYNTAX,
                     bad[i].part);
    assert_fails(
        proof_file_parse(SPAN_LIT("c2sp.org/tlog-proof@v1\nindex 1099511627776\n\n"), &index, &proof, &rest, &err),
        &err, ERR_LIMIT, "limit 1099511627775");
}

static void too_many_hashes(void **state)
{
    (void)state;
    struct err err = {0};
    static struct tlog_proof proof;
    struct span rest;
    uint64_t index;
    struct buf buf;
    buf_init(&buf, NOTE_MAX);
    buf_str(&buf, "c2sp.org/tlog-proof@v1\nindex 5\n");
    for (int i = 0; i < TLOG_PROOF_MAX; i++)
        buf_str(&buf, ROOT "\n");
    size_t len = buf.len;
    buf_byte(&buf, '\n');
    assert_int_equal(proof_file_parse(buf_view(&buf), &index, &proof, &rest, &err), 0);
    assert_int_equal(proof.count, TLOG_PROOF_MAX);
    buf_cut(&buf, len);
    buf_str(&buf, ROOT "\n\n");
    assert_fails(proof_file_parse(buf_view(&buf), &index, &proof, &rest, &err), &err, ERR_LIMIT,
                 "more than 128 hashes");
    buf_done(&buf);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_lines),
        cmocka_unit_test(checkpoints_out_of_form),
        cmocka_unit_test(signed_by_one_and_by_two),
        cmocka_unit_test(nothing_unreadable_is_signed),
        cmocka_unit_test(proofs_as_files),
        cmocka_unit_test(proofs_with_and_without_extra),
        cmocka_unit_test(too_many_hashes),
    };
    return cmocka_run_group_tests_name("tlog/checkpoint", tests, NULL, NULL);
}

#include "record/sample.h"

static struct arena arena;
static struct err err;

/* Two branches of one log, and a proof about them. */
struct fork_sample {
    struct sample_log a, b;
    struct fork_proof proof;
    struct span entries[4];
    uint64_t indices[4];
    struct tlog_proof proofs_a[4], proofs_b[4];
    struct buf note_a, note_b;
};

static void sample_begin(struct fork_sample *f)
{
    memset(f, 0, sizeof(*f));
    log_sample(&f->a);
    log_append_str(&f->a, "tongzhou/1 somebody/new\n\nshared");
    buf_init(&f->note_a, NOTE_MAX);
    buf_init(&f->note_b, NOTE_MAX);
}

static void sample_end(struct fork_sample *f)
{
    buf_done(&f->note_a);
    buf_done(&f->note_b);
    log_done(&f->a);
    log_done(&f->b);
}

/* Branch b begins as what a is now; then each goes its own way at the next index. */
static void sample_split(struct fork_sample *f)
{
    log_copy(&f->b, &f->a);
    log_append_str(&f->a, "tongzhou/1 somebody/new\n\nyes");
    log_append_str(&f->b, "tongzhou/1 somebody/new\n\nno");
}

/* The proof of the fork at `index` by checkpoints of all of both branches; rotations at `rotations`, ending with 0. */
static void sample_prove(struct fork_sample *f, uint64_t index, const int *rotations, const int *seeds)
{
    struct fork_proof *p = &f->proof;
    strcpy(p->origin, f->a.origin);
    p->entry_count = 1;
    while (rotations[p->entry_count - 1] > 0) {
        f->indices[p->entry_count] = (uint64_t)rotations[p->entry_count - 1];
        p->entry_count++;
    }
    for (size_t i = 0; i < p->entry_count; i++) {
        f->entries[i] = log_entry(&f->a, f->indices[i]);
        log_prove(&f->a, f->indices[i], f->a.count, &f->proofs_a[i]);
        log_prove(&f->b, f->indices[i], f->b.count, &f->proofs_b[i]);
    }
    p->entries = f->entries;
    p->entry_indices = f->indices;
    p->a.proofs = f->proofs_a;
    p->b.proofs = f->proofs_b;
    buf_clear(&f->note_a);
    buf_clear(&f->note_b);
    log_checkpoint(&f->a, f->a.count, seeds, &f->note_a);
    log_checkpoint(&f->b, f->b.count, seeds, &f->note_b);
    p->a.checkpoint = buf_view(&f->note_a);
    p->b.checkpoint = buf_view(&f->note_b);
    p->has_index = true;
    p->index = index;
    p->a.leaf = f->a.leaves[index];
    p->b.leaf = f->b.leaves[index];
    log_prove(&f->a, index, f->a.count, &p->a.leaf_proof);
    log_prove(&f->b, index, f->b.count, &p->b.leaf_proof);
}

static int check(const struct fork_proof *proof)
{
    enum fork_verdict verdict = (enum fork_verdict)99;
    err = (struct err){0};
    int rc = fork_verify(proof, &verdict, &err);
    if (rc == 0)
        assert_int_equal(verdict, proof->has_index ? FORK_FREEZES : FORK_SUSPENDS);
    else
        assert_int_equal(verdict, 99);
    return rc;
}

static void expect_nothing_proven(const struct fork_proof *proof, const char *says)
{
    int rc = check(proof);
    if (rc != ERR_VERIFY || !strstr(err.text, says))
        fail_msg("%d \"%s\", expected \"%s\"", rc, err.text, says);
    assert_int_equal(err.code, ERR_VERIFY);
}

static void plain(struct fork_sample *f)
{
    sample_begin(f);
    sample_split(f);
    log_append_str(&f->b, "tongzhou/1 somebody/new\n\nmore");
    sample_prove(f, 2, SEEDS(0), SEEDS(SEED_LOG));
}

static void a_fork_freezes(void **state)
{
    (void)state;
    struct fork_sample f;
    plain(&f);
    assert_int_equal(check(&f.proof), 0);
    sample_end(&f);
}

static void a_proof_travels(void **state)
{
    (void)state;
    struct fork_sample f;
    struct buf text, cosigned;
    struct record record;
    struct fork_proof read;
    struct note_signer cosigner;
    plain(&f);

    /* The served checkpoint has cosignatures, one of them by the member itself: they stay behind. */
    buf_init(&cosigned, NOTE_MAX);
    buf_span(&cosigned, f.proof.a.checkpoint);
    size_t split = span_search(f.proof.a.checkpoint, SPAN_LIT("\n\n")) + 1;
    assert_int_equal(note_signer_make(&cosigner, span_str(f.a.origin), NOTE_COSIGNATURE, seed_of(SEED_COSIGNER), &err),
                     0);
    assert_int_equal(note_sign(span_sub(f.proof.a.checkpoint, 0, split), &cosigner, 1795346066, &cosigned, &err), 0);
    struct span bare = f.proof.a.checkpoint;
    f.proof.a.checkpoint = buf_view(&cosigned);

    buf_init(&text, ENTRY_MAX);
    assert_int_equal(fork_write(&f.proof, SAMPLE_TIME, &text, &err), 0);
    assert_true(text.len <= INLINE_MAX);
    assert_int_equal(record_parse(buf_view(&text), &arena, &record, &err), 0);
    assert_int_equal(kind_check(&record, &err), 0);
    assert_int_equal(fork_parse(&record, &arena, &read, &err), 0);
    assert_string_equal(read.origin, f.a.origin);
    assert_true(span_eq(read.a.checkpoint, bare));
    assert_int_equal(read.entry_count, 1);
    assert_true(span_eq(read.entries[0], f.entries[0]));
    assert_int_equal(read.index, 2);
    assert_true(tlog_hash_eq(&read.a.leaf, &f.proof.a.leaf));
    assert_true(tlog_hash_eq(&read.b.leaf, &f.proof.b.leaf));
    assert_int_equal(read.b.leaf_proof.count, f.proof.b.leaf_proof.count);
    assert_int_equal(check(&read), 0);
    buf_done(&text);
    buf_done(&cosigned);
    sample_end(&f);
}

static void a_fork_behind_rotations_freezes(void **state)
{
    (void)state;
    struct fork_sample f;
    struct buf text;
    struct record record;
    struct fork_proof read;
    sample_begin(&f);
    log_rotate(&f.a, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY);
    log_append_str(&f.a, "tongzhou/1 somebody/new\n\nshared");
    log_rotate(&f.a, SEED_LOG_2, SEED_LOG_3, SEED_RECOVERY, SEED_RECOVERY_3);
    sample_split(&f);
    sample_prove(&f, 5, SEEDS(2, 4), SEEDS(SEED_LOG_3));
    assert_int_equal(check(&f.proof), 0);
    buf_init(&text, ENTRY_MAX);
    assert_int_equal(fork_write(&f.proof, SAMPLE_TIME, &text, &err), 0);
    assert_int_equal(record_parse(buf_view(&text), &arena, &record, &err), 0);
    assert_int_equal(fork_parse(&record, &arena, &read, &err), 0);
    assert_int_equal(check(&read), 0);
    buf_done(&text);

    /* Without the chain the last key is a stranger's. */
    f.proof.entry_count = 2;
    expect_nothing_proven(&f.proof, "branch a: checkpoint of size 6: no signature by the log's key");
    f.proof.entry_count = 1;
    expect_nothing_proven(&f.proof, "no signature by the log's key");
    sample_end(&f);
}

/* Somebody stole a key that the member has retired. */
static void retired_keys_prove_nothing(void **state)
{
    (void)state;
    struct fork_sample f;
    sample_begin(&f);
    log_rotate(&f.a, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY); /* entry 2 */
    sample_split(&f);
    sample_prove(&f, 3, SEEDS(2), SEEDS(SEED_LOG));
    expect_nothing_proven(&f.proof, "signed by a retired key (retired by entry 2)");

    /* One branch honest, the other by the thief, both beyond the rotation. */
    sample_prove(&f, 3, SEEDS(2), SEEDS(SEED_LOG_2));
    buf_clear(&f.note_b);
    log_checkpoint(&f.b, f.b.count, SEEDS(SEED_LOG), &f.note_b);
    f.proof.b.checkpoint = buf_view(&f.note_b);
    expect_nothing_proven(&f.proof, "branch b: checkpoint of size 4: signed by a retired key");
    sample_end(&f);
}

/* He leaves the retirement out of two branches of his own: the proof alone is sound, what a reader knows is not. */
static void retirement_left_out_does_not_stand(void **state)
{
    (void)state;
    struct fork_sample f;
    struct sample_log honest;
    struct member known;
    plain(&f);
    assert_int_equal(check(&f.proof), 0);

    log_sample(&honest);
    log_append_str(&honest, "tongzhou/1 somebody/new\n\nshared");
    log_fold(&honest, &arena, &known, &err);
    assert_int_equal(fork_stands(&f.proof, &known, &err), 0); /* nothing retired so far: a fork */
    log_append_str(&honest, "x");
    log_rotate(&honest, SEED_LOG, SEED_LOG_2, SEED_RECOVERY, SEED_RECOVERY_2); /* entry 3 */
    log_fold(&honest, &arena, &known, &err);
    assert_int_equal(fork_stands(&f.proof, &known, &err), ERR_VERIFY);
    assert_non_null(strstr(err.text, "relies on a key that entry 3 retired"));
    log_done(&honest);
    sample_end(&f);
}

/* Or he signs a rotation of his own with the retired key, and then two branches with the key it names. */
static void a_chain_through_a_retired_key_does_not_stand(void **state)
{
    (void)state;
    struct fork_sample f;
    struct sample_log honest;
    struct member known;
    sample_begin(&f);
    log_copy(&honest, &f.a);
    log_rotate(&honest, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY);
    log_rotate(&f.a, SEED_LOG, SEED_OTHER, 0, SEED_RECOVERY);
    sample_split(&f);
    sample_prove(&f, 3, SEEDS(2), SEEDS(SEED_OTHER));
    assert_int_equal(check(&f.proof), 0);
    log_fold(&honest, &arena, &known, &err);
    assert_int_equal(fork_stands(&f.proof, &known, &err), ERR_VERIFY);
    assert_non_null(strstr(err.text, "entry 2 retired"));
    log_done(&honest);
    sample_end(&f);
}

static void what_a_reader_has_not_seen_yet_does_not_hinder(void **state)
{
    (void)state;
    struct fork_sample f;
    struct sample_log behind;
    struct member known;
    struct profile profile;
    sample_begin(&f);
    log_copy(&behind, &f.a);
    log_rotate(&f.a, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY);
    sample_split(&f);
    sample_prove(&f, 3, SEEDS(2), SEEDS(SEED_LOG_2));
    log_fold(&behind, &arena, &known, &err);
    assert_int_equal(fork_stands(&f.proof, &known, &err), 0);
    log_fold(&f.b, &arena, &known, &err);
    assert_int_equal(fork_stands(&f.proof, &known, &err), 0);
    log_done(&behind);

    sample_profile(&profile);
    strcpy(profile.contact, "another member");
    log_begin(&behind, &profile);
    log_fold(&behind, &arena, &known, &err);
    assert_int_equal(fork_stands(&f.proof, &known, &err), ERR_VERIFY);
    log_done(&behind);
    sample_end(&f);
}

/* The checkpoint that ends with a rotation carries both signatures: with one of them it is no word of the member. */
static void a_rotations_checkpoint_needs_both_signatures(void **state)
{
    (void)state;
    struct fork_sample f;
    sample_begin(&f);
    log_copy(&f.b, &f.a);
    log_append_str(&f.b, "tongzhou/1 somebody/new\n\nanother past");
    buf_done(&f.a.entries[1]);
    f.a.count = 1;
    log_append_str(&f.a, "tongzhou/1 somebody/new\n\nfirst");
    log_append_str(&f.a, "tongzhou/1 somebody/new\n\nsecond");
    log_rotate(&f.a, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY);
    log_append(&f.b, log_entry(&f.a, 3));
    sample_prove(&f, 1, SEEDS(3), SEEDS(SEED_LOG, SEED_LOG_2));
    assert_int_equal(check(&f.proof), 0);
    sample_prove(&f, 1, SEEDS(3), SEEDS(SEED_LOG_2));
    expect_nothing_proven(&f.proof, "the old log key has not signed");
    sample_end(&f);
}

static void two_checkpoints_of_one_size_suspend(void **state)
{
    (void)state;
    struct fork_sample f;
    sample_begin(&f);
    sample_split(&f);
    sample_prove(&f, 2, SEEDS(0), SEEDS(SEED_LOG));
    f.proof.has_index = false;
    assert_int_equal(check(&f.proof), 0);
    f.proof.b = f.proof.a;
    expect_nothing_proven(&f.proof, "same root");
    sample_end(&f);

    plain(&f);
    f.proof.has_index = false;
    expect_nothing_proven(&f.proof, "sizes 3 and 4 differ");
    sample_end(&f);
}

static void a_log_that_only_grew_is_no_fork(void **state)
{
    (void)state;
    struct fork_sample f;
    sample_begin(&f);
    log_copy(&f.b, &f.a);
    log_append_str(&f.b, "tongzhou/1 somebody/new\n\nmore");
    sample_prove(&f, 1, SEEDS(0), SEEDS(SEED_LOG));
    expect_nothing_proven(&f.proof, "same leaf at index 1");
    f.proof.b.leaf = f.b.leaves[2]; /* another entry of the same branch, passed off as entry 1 */
    log_prove(&f.b, 2, 3, &f.proof.b.leaf_proof);
    expect_nothing_proven(&f.proof, "branch b: leaf");
    sample_end(&f);
}

static void every_part_is_checked(void **state)
{
    (void)state;
    struct fork_sample f;
    struct fork_proof good, bad;
    struct tlog_proof wrong;
    uint8_t entry[ENTRY0_MAX];
    plain(&f);
    good = f.proof;

    bad = good;
    bad.index = 3; /* beyond branch a */
    expect_nothing_proven(&bad, "branch a: leaf: index 3 lies behind the checkpoint's size 3");
    bad = good;
    bad.index = 1;
    expect_nothing_proven(&bad, "branch a: leaf");
    bad = good;
    bad.a.leaf.b[0] ^= 1;
    expect_nothing_proven(&bad, "branch a: leaf");
    bad = good;
    bad.b.leaf_proof.h[0].b[31] ^= 1;
    expect_nothing_proven(&bad, "branch b: leaf");
    bad = good;
    bad.b.leaf_proof.count--;
    expect_nothing_proven(&bad, "branch b: leaf");
    bad = good;
    wrong = f.proofs_b[0];
    wrong.h[0].b[0] ^= 1;
    bad.b.proofs = &wrong;
    expect_nothing_proven(&bad, "branch b: entry 0");
    bad = good;
    bad.a.proofs = f.proofs_b;
    expect_nothing_proven(&bad, "branch a: entry 0");

    struct span changed = span_of(entry, f.entries[0].len);
    memcpy(entry, f.entries[0].data, f.entries[0].len);
    entry[60] ^= 1;
    bad = good;
    bad.entries = &changed;
    expect_nothing_proven(&bad, "entry 0 does not fit the origin");
    bad = good;
    bad.entry_count = 0;
    expect_nothing_proven(&bad, "does not begin with entry 0");
    bad = good;
    bad.origin[strlen(bad.origin) - 2] ^= 1;
    assert_int_equal(check(&bad), ERR_VERIFY);
    bad = good;
    bad.a.checkpoint = SPAN_LIT("nothing\n");
    expect_nothing_proven(&bad, "branch a");
    sample_end(&f);
}

static void only_rotations_stand_in_the_chain(void **state)
{
    (void)state;
    struct fork_sample f;
    plain(&f);
    f.indices[1] = 1;
    f.entries[1] = log_entry(&f.a, 1);
    f.proof.entry_count = 2;
    expect_nothing_proven(&f.proof, "entry 1 is no rotation");
    f.indices[1] = 0;
    expect_nothing_proven(&f.proof, "do not ascend");
    sample_end(&f);
}

/* Flip bits all over the written record: it fails to parse or to verify, or says the same. */
static void damaged_records_prove_nothing_else(void **state)
{
    (void)state;
    struct fork_sample f;
    struct buf text;
    plain(&f);
    buf_init(&text, ENTRY_MAX);
    assert_int_equal(fork_write(&f.proof, SAMPLE_TIME, &text, &err), 0);
    size_t body = span_search(buf_view(&text), SPAN_LIT("\n\n")) + 2;
    for (size_t at = body; at < text.len; at += 3) {
        struct record record;
        struct fork_proof proof;
        text.data[at] ^= 1;
        arena_clear(&arena);
        if (record_parse(buf_view(&text), &arena, &record, &err) == 0 &&
            fork_parse(&record, &arena, &proof, &err) == 0 && check(&proof) == 0) {
            assert_string_equal(proof.origin, f.a.origin);
            assert_true(!proof.has_index || proof.index == 2);
        }
        text.data[at] ^= 1;
    }
    buf_done(&text);
    sample_end(&f);
}

static int parse_body(const char *body)
{
    char text[1024];
    struct record record;
    struct fork_proof proof;
    arena_clear(&arena);
    snprintf(text, sizeof(text), "tongzhou/1 connect/fork\n\n%s", body);
    assert_int_equal(record_parse(span_str(text), &arena, &record, &err), 0);
    return fork_parse(&record, &arena, &proof, &err);
}

#define HEAD "{\"origin\":\"a/mtchc34upsfu7u6hi5tf6ubavtnl5plp44mqsecqdwneeaiq2ccq\""
#define CHAIN ",\"entries\":[\"eA==\"],\"entry_indices\":[0]"
#define BRANCH "{\"checkpoint\":\"x\",\"proofs\":[[]]}"
#define BRANCHES ",\"a\":" BRANCH ",\"b\":" BRANCH

static void bodies_out_of_form_are_refused(void **state)
{
    (void)state;
    assert_int_equal(parse_body(HEAD CHAIN BRANCHES "}"), 0);
    assert_int_equal(parse_body(HEAD CHAIN BRANCHES ",\"more\":1}"), 0);
    static const char *const bad[] = {
        "{}",
        "[]",
        HEAD "}",
        "{\"origin\":\"x\"" CHAIN BRANCHES "}",
        HEAD ",\"entries\":[],\"entry_indices\":[]" BRANCHES "}",
        HEAD ",\"entries\":[\"eA==\"],\"entry_indices\":[1]" BRANCHES "}",
        HEAD ",\"entries\":[\"eA==\"],\"entry_indices\":[0.0]" BRANCHES "}",
        HEAD ",\"entries\":[\"eA==\"],\"entry_indices\":[-1]" BRANCHES "}",
        HEAD ",\"entries\":[\"eA==\"],\"entry_indices\":[0,1]" BRANCHES "}",
        HEAD ",\"entries\":[\"eA==\",\"eA==\"],\"entry_indices\":[0,0]" BRANCHES "}",
        HEAD ",\"entries\":[\"eA\"],\"entry_indices\":[0]" BRANCHES "}",
        HEAD ",\"entries\":[\"\"],\"entry_indices\":[0]" BRANCHES "}",
        HEAD ",\"entries\":[1],\"entry_indices\":[0]" BRANCHES "}",
        HEAD ",\"entries\":\"eA==\",\"entry_indices\":0" BRANCHES "}",
        HEAD CHAIN ",\"a\":" BRANCH "}",
        HEAD CHAIN ",\"a\":" BRANCH ",\"b\":[]}",
        HEAD CHAIN ",\"a\":" BRANCH ",\"b\":{\"checkpoint\":1,\"proofs\":[[]]}}",
        HEAD CHAIN ",\"a\":" BRANCH ",\"b\":{\"checkpoint\":\"x\",\"proofs\":[]}}",
        HEAD CHAIN ",\"a\":" BRANCH ",\"b\":{\"checkpoint\":\"x\",\"proofs\":[[1]]}}",
        HEAD CHAIN ",\"a\":" BRANCH ",\"b\":{\"checkpoint\":\"x\",\"proofs\":[[\"eA==\"]]}}",
        HEAD CHAIN BRANCHES ",\"index\":\"1\"}",
        HEAD CHAIN BRANCHES ",\"index\":1}",
        HEAD CHAIN BRANCHES ",\"index\":-1}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (parse_body(bad[i]) != ERR_SYNTAX)
            fail_msg("accepted or another error: %s: %s", bad[i], err.text);
    assert_int_equal(parse_body(HEAD CHAIN BRANCHES ",\"index\":1099511627776}"), ERR_LIMIT);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct fork_sample f;
    struct buf text;
    static uint8_t large[50000];
    plain(&f);
    f.entries[0] = span_of(large, sizeof(large));
    buf_init(&text, ENTRY_MAX * 4);
    assert_int_equal(fork_write(&f.proof, SAMPLE_TIME, &text, &err), ERR_LIMIT);
    assert_int_equal(text.len, 0);
    buf_done(&text);
    sample_end(&f);
}

static int fresh_arena(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_fork_freezes, fresh_arena),
        cmocka_unit_test_setup(a_proof_travels, fresh_arena),
        cmocka_unit_test_setup(a_fork_behind_rotations_freezes, fresh_arena),
        cmocka_unit_test_setup(retired_keys_prove_nothing, fresh_arena),
        cmocka_unit_test_setup(retirement_left_out_does_not_stand, fresh_arena),
        cmocka_unit_test_setup(a_chain_through_a_retired_key_does_not_stand, fresh_arena),
        cmocka_unit_test_setup(what_a_reader_has_not_seen_yet_does_not_hinder, fresh_arena),
        cmocka_unit_test_setup(a_rotations_checkpoint_needs_both_signatures, fresh_arena),
        cmocka_unit_test_setup(two_checkpoints_of_one_size_suspend, fresh_arena),
        cmocka_unit_test_setup(a_log_that_only_grew_is_no_fork, fresh_arena),
        cmocka_unit_test_setup(every_part_is_checked, fresh_arena),
        cmocka_unit_test_setup(only_rotations_stand_in_the_chain, fresh_arena),
        cmocka_unit_test_setup(damaged_records_prove_nothing_else, fresh_arena),
        cmocka_unit_test_setup(bodies_out_of_form_are_refused, fresh_arena),
        cmocka_unit_test_setup(what_does_not_fit_is_refused, fresh_arena),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    arena_init(&arena, 8u << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}

#include "record/sample.h"

static struct arena arena;
static struct err err;

static int begin(const struct sample_log *log, struct member *out)
{
    return member_begin(span_str(log->origin), log_entry(log, 0), &arena, out, &err);
}

/* A profile as the next entry of the log, applied. */
static int apply_profile(struct sample_log *log, struct member *member, const struct profile *profile)
{
    struct buf text;
    buf_init(&text, ENTRY_MAX);
    assert_int_equal(profile_write(profile, SAMPLE_TIME, &text, &err), 0);
    log_append(log, buf_view(&text));
    buf_done(&text);
    return member_apply(member, log->count - 1, log_entry(log, log->count - 1), &arena, &err);
}

/* ---- entry 0 ---- */

static void entry_0_makes_the_member(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    log_sample(&log);
    assert_int_equal(begin(&log, &member), 0);
    assert_string_equal(member.origin, log.origin);
    assert_string_equal(member.profile.name, "cert.example.org");
    assert_int_equal(member.key_count, 1);
    assert_int_equal(member.keys[0].from_size, 0);
    assert_int_equal(member.seen, 1);
    log_done(&log);
}

static void an_entry_0_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    log_sample(&log);
    struct span entry = log_entry(&log, 0);
    uint8_t bytes[ENTRY0_MAX];
    for (size_t at = 0; at < entry.len; at++) {
        memcpy(bytes, entry.data, entry.len);
        bytes[at] ^= 1;
        assert_int_equal(member_begin(span_str(log.origin), span_of(bytes, entry.len), &arena, &member, &err),
                         ERR_VERIFY);
        assert_non_null(strstr(err.text, "entry 0 does not fit the origin"));
    }
    /* The hash fits, the name is another's: nobody can take a name with his own entry. */
    char origin[ORIGIN_MAX + 1];
    assert_int_equal(origin_make(SPAN_LIT("bank.example"), entry, origin, &err), 0);
    assert_int_equal(member_begin(span_str(origin), entry, &arena, &member, &err), ERR_VERIFY);
    assert_non_null(strstr(err.text, "profile is that of cert.example.org"));
    assert_int_equal(member_begin(SPAN_LIT("cert.example.org"), entry, &arena, &member, &err), ERR_SYNTAX);
    log_done(&log);
}

static int begin_with(const char *entry, struct member *member)
{
    char origin[ORIGIN_MAX + 1];
    assert_int_equal(origin_make(SPAN_LIT("cert.example.org"), span_str(entry), origin, &err), 0);
    return member_begin(span_str(origin), span_str(entry), &arena, member, &err);
}

static void entry_0_is_a_whole_profile(void **state)
{
    (void)state;
    struct member member;
    struct profile profile;
    struct buf text;
    assert_int_equal(begin_with("tongzhou/1 connect/erase\n\n0\n", &member), ERR_SYNTAX);
    assert_int_equal(begin_with("no record", &member), ERR_SYNTAX);
    assert_int_equal(begin_with("tongzhou/1 connect/profile\n\n{}", &member), ERR_SYNTAX);
    buf_init(&text, ENTRY_MAX);
    sample_profile(&profile);
    memset(profile.recovery_hash, 0, 32);
    assert_int_equal(profile_write(&profile, SAMPLE_TIME, &text, &err), 0);
    assert_int_equal(begin_with(buf_cstr(&text), &member), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "\"recovery_hash\" is missing"));
    buf_clear(&text);
    sample_profile(&profile);
    assert_int_equal(profile_write(&profile, SAMPLE_TIME, &text, &err), 0);
    struct span all = buf_view(&text);
    size_t body = span_search(all, SPAN_LIT("\n\n"));
    struct buf held;
    buf_init(&held, ENTRY_MAX);
    buf_span(&held, span_sub(all, 0, body));
    buf_str(&held, "\n!new rule");
    buf_span(&held, span_sub(all, body, all.len));
    assert_int_equal(begin_with(buf_cstr(&held), &member), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "not to be folded"));
    buf_done(&held);
    buf_done(&text);
}

/* ---- later profiles ---- */

static void a_later_profile_replaces_what_may_change(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    struct profile next;
    log_sample(&log);
    assert_int_equal(begin(&log, &member), 0);
    sample_profile(&next);
    memset(next.log_key, 0, 32);
    memset(next.recovery_hash, 0, 32);
    public_of(SEED_OTHER, next.cosigner_key);
    strcpy(next.contact, "soc@example.org");
    next.has_succeeds = true; /* only entry 0 can say this */
    strcpy(next.succeeds_origin, log.origin);
    assert_int_equal(apply_profile(&log, &member, &next), 0);
    assert_string_equal(member.profile.contact, "soc@example.org");
    assert_memory_equal(member.profile.cosigner_key, next.cosigner_key, 32);
    assert_memory_equal(member.profile.log_key, member.keys[0].public_key, 32);
    assert_false(member.profile.has_succeeds);
    assert_int_equal(member.profile_index, 1);
    assert_int_equal(member.seen, 2);
    sample_profile(&next); /* the keys in force may be repeated */
    assert_int_equal(apply_profile(&log, &member, &next), 0);
    assert_string_equal(member.profile.contact, "");
    struct note_key cosigner;
    assert_int_equal(member_cosigner(&member, &cosigner, &err), 0);
    assert_string_equal(cosigner.name, log.origin);
    assert_int_equal(cosigner.type, NOTE_COSIGNATURE);
    assert_memory_equal(cosigner.public_key, next.cosigner_key, 32);
    log_done(&log);
}

static void a_later_profile_cannot_touch_name_and_keys(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member, before;
    struct profile next;
    log_sample(&log);
    assert_int_equal(begin(&log, &member), 0);
    before = member;
    sample_profile(&next);
    strcpy(next.name, "bank.example");
    assert_int_equal(apply_profile(&log, &member, &next), ERR_VERIFY);
    sample_profile(&next);
    public_of(SEED_LOG_2, next.log_key);
    assert_int_equal(apply_profile(&log, &member, &next), ERR_VERIFY);
    sample_profile(&next);
    recovery_hash_of(SEED_RECOVERY_2, next.recovery_hash);
    assert_int_equal(apply_profile(&log, &member, &next), ERR_VERIFY);
    sample_profile(&next);
    memset(next.log_key, 0, 32);
    public_of(SEED_LOG, next.cosigner_key); /* the log key in force, though the profile itself does not show it */
    assert_int_equal(apply_profile(&log, &member, &next), ERR_VERIFY);
    assert_memory_equal(&member, &before, sizeof(member));
    log_done(&log);
}

static void other_entries_say_nothing_of_keys(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    log_sample(&log);
    assert_int_equal(begin(&log, &member), 0);
    assert_int_equal(member_apply(&member, 1, SPAN_LIT("tongzhou/1 seal\n"), &arena, &err), 0);
    assert_int_equal(member_apply(&member, 7, SPAN_LIT("\xff"), &arena, &err), 0);
    assert_int_equal(member.seen, 8);
    assert_int_equal(member_apply(&member, 8, SPAN_LIT("tongzhou/1 connect/profile\nbroken"), &arena, &err),
                     ERR_SYNTAX);
    assert_non_null(strstr(err.text, "entry 8: "));
    assert_int_equal(member.seen, 8);
    log_done(&log);
}

/* ---- rotation ---- */

static void rotation_by_the_log_key(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    uint8_t key[32], hash[32];
    log_sample(&log);
    log_append_str(&log, "tongzhou/1 somebody/new\n\n");
    log_rotate(&log, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY);
    log_fold(&log, &arena, &member, &err);
    assert_int_equal(member.key_count, 2);
    assert_int_equal(member.keys[1].from_size, 3);
    assert_false(member.keys[1].by_recovery);
    assert_memory_equal(member.keys[1].cosigned_by, member.keys[0].public_key, 32);
    public_of(SEED_LOG_2, key);
    recovery_hash_of(SEED_RECOVERY, hash);
    assert_memory_equal(member.profile.log_key, key, 32);
    assert_memory_equal(member.profile.recovery_hash, hash, 32);
    assert_ptr_equal(member_key_at(&member, 1), &member.keys[0]);
    assert_ptr_equal(member_key_at(&member, 2), &member.keys[0]);
    assert_ptr_equal(member_key_at(&member, 3), &member.keys[1]);
    assert_ptr_equal(member_key_at(&member, 1000), &member.keys[1]);
    log_done(&log);
}

static void rotation_by_the_recovery_key(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    uint8_t recovery[32];
    log_sample(&log);
    log_rotate(&log, SEED_LOG, SEED_LOG_2, SEED_RECOVERY, SEED_RECOVERY_2);
    log_rotate(&log, SEED_LOG_2, SEED_LOG_3, SEED_RECOVERY_2, SEED_RECOVERY_3);
    log_fold(&log, &arena, &member, &err);
    assert_int_equal(member.key_count, 3);
    public_of(SEED_RECOVERY, recovery);
    assert_true(member.keys[1].by_recovery);
    assert_memory_equal(member.keys[1].cosigned_by, recovery, 32);
    assert_int_equal(member.keys[2].from_size, 3);
    log_done(&log);
}

/* A rotation that is out of force in this place changes nothing. */
static void expect_no_effect(const struct sample_log *log, size_t keys, const char *says)
{
    struct member member;
    arena_clear(&arena);
    err = (struct err){0};
    log_fold(log, &arena, &member, &err);
    assert_int_equal(member.key_count, keys);
    if (!strstr(err.text, says))
        fail_msg("\"%s\", expected \"%s\"", err.text, says);
}

static void rotations_out_of_place_have_no_effect(void **state)
{
    (void)state;
    struct sample_log log, moved;
    log_sample(&log);
    log_rotate(&log, SEED_LOG_2, SEED_LOG_3, 0, SEED_RECOVERY); /* by a stranger's key */
    expect_no_effect(&log, 1, "old_key is not the log key in force");
    log_rotate(&log, SEED_LOG, SEED_LOG_2, SEED_OTHER, SEED_RECOVERY_2);
    expect_no_effect(&log, 1, "does not have the recovery hash in force");
    log_rotate(&log, SEED_LOG, SEED_LOG_2, SEED_RECOVERY, SEED_RECOVERY_2);
    log_rotate(&log, SEED_LOG_2, SEED_LOG_3, SEED_RECOVERY, SEED_RECOVERY_2); /* that recovery key is used up */
    expect_no_effect(&log, 2, "does not have the recovery hash in force");
    log_rotate(&log, SEED_LOG_2, SEED_LOG, 0, SEED_RECOVERY_2); /* a retired key never comes back */
    expect_no_effect(&log, 2, "has been a key of this log before");

    /* The index is signed: the same rotation one place later is void. */
    log_copy(&moved, &log);
    for (size_t i = 1; i < moved.count; i++)
        buf_done(&moved.entries[i]);
    moved.count = 1;
    log_append_str(&moved, "x");
    log_append(&moved, log_entry(&log, 3));
    expect_no_effect(&moved, 1, "old_signature");
    log_done(&moved);
    log_done(&log);
}

/* The log key is online, the recovery key is not: who steals the one must not take the other's power with it. */
static void the_log_key_names_no_other_recovery_key(void **state)
{
    (void)state;
    static const char reason[] = "only the recovery key may name another recovery key";
    struct sample_log log;
    log_sample(&log);
    log_rotate(&log, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY_2);
    expect_no_effect(&log, 1, reason);
    log_rotate(&log, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY);
    log_rotate(&log, SEED_LOG_2, SEED_LOG_3, 0, SEED_RECOVERY_2);
    expect_no_effect(&log, 2, reason);
    log_rotate(&log, SEED_LOG_2, SEED_LOG_3, SEED_RECOVERY, SEED_RECOVERY_2);
    log_rotate(&log, SEED_LOG_3, SEED_LOG_4, 0, SEED_RECOVERY); /* nor does it bring back an earlier one */
    expect_no_effect(&log, 3, reason);
    log_rotate(&log, SEED_LOG_3, SEED_LOG_4, 0, SEED_RECOVERY_2);
    arena_clear(&arena);
    struct member member;
    log_fold(&log, &arena, &member, &err);
    assert_int_equal(member.key_count, 4);
    log_done(&log);
}

/* Flip each character of the body in turn: no damaged rotation takes effect as another one. */
static void damaged_rotations_have_no_effect(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    log_sample(&log);
    log_rotate(&log, SEED_LOG, SEED_LOG_2, SEED_RECOVERY, SEED_RECOVERY_2);
    struct span entry = log_entry(&log, 1);
    size_t body = span_search(entry, SPAN_LIT("\n\n")) + 2;
    uint8_t bytes[2048];
    assert_true(entry.len < sizeof(bytes));
    for (size_t at = body; at < entry.len - 1; at++) {
        memcpy(bytes, entry.data, entry.len);
        bytes[at] ^= 1;
        arena_clear(&arena);
        assert_int_equal(begin(&log, &member), 0);
        assert_true(member_apply(&member, 1, span_of(bytes, entry.len), &arena, &err) < 0);
        assert_int_equal(member.key_count, 1);
        assert_int_equal(member.seen, 1);
    }
    log_done(&log);
}

/* A later version's condition on a rotation: who does not know it must not act on the rest. */
static void rotations_to_be_held_or_padded_have_no_effect(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    struct buf held;
    log_sample(&log);
    log_rotate(&log, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY);
    struct span entry = log_entry(&log, 1);
    size_t body = span_search(entry, SPAN_LIT("\n\n"));
    buf_init(&held, ENTRY_MAX);
    buf_span(&held, span_sub(entry, 0, body));
    buf_str(&held, "\n!from 2027");
    buf_span(&held, span_sub(entry, body, entry.len));
    assert_int_equal(begin(&log, &member), 0);
    assert_int_equal(member_apply(&member, 1, buf_view(&held), &arena, &err), ERR_SYNTAX);
    assert_int_equal(member.key_count, 1);

    /* Nor has one that is padded so that no fork proof could carry it. */
    buf_clear(&held);
    buf_span(&held, entry);
    while (held.len <= ROTATE_MAX)
        buf_byte(&held, ' ');
    assert_int_equal(member_apply(&member, 1, buf_view(&held), &arena, &err), ERR_LIMIT);
    assert_int_equal(member.key_count, 1);
    buf_cut(&held, ROTATE_MAX);
    assert_int_equal(member_apply(&member, 1, buf_view(&held), &arena, &err), 0);
    assert_int_equal(member.key_count, 2);
    buf_done(&held);
    log_done(&log);
}

static void rotations_are_limited(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    uint8_t seed[2][32] = {{0}}, old_key[32];
    struct buf text;
    log_sample(&log);
    assert_int_equal(begin(&log, &member), 0);
    memcpy(seed[0], seed_of(SEED_LOG), 32);
    buf_init(&text, ENTRY_MAX);
    for (uint64_t i = 1; i <= ROTATIONS_MAX + 1; i++) {
        uint8_t *old = seed[(i - 1) % 2], *new = seed[i % 2];
        memset(new, 0x77, 32);
        memcpy(new, &i, sizeof(i));
        ed25519_keypair(old, old_key);
        struct rotation rotation = {.index = i, .old_seed = old, .new_seed = new};
        memcpy(rotation.old_key, old_key, 32);
        recovery_hash_of(SEED_RECOVERY, rotation.next_recovery_hash);
        buf_clear(&text);
        assert_int_equal(rotate_write(span_str(log.origin), &rotation, SAMPLE_TIME, &text, &err), 0);
        int rc = member_apply(&member, i, buf_view(&text), &arena, &err);
        assert_int_equal(rc, i <= ROTATIONS_MAX ? 0 : ERR_LIMIT);
    }
    assert_int_equal(member.key_count, ROTATIONS_MAX + 1);
    buf_done(&text);
    log_done(&log);
}

static void a_rotation_needs_the_right_secret(void **state)
{
    (void)state;
    struct buf text;
    struct rotation rotation = {.index = 1, .old_seed = seed_of(SEED_OTHER), .new_seed = seed_of(SEED_LOG_2)};
    public_of(SEED_LOG, rotation.old_key);
    buf_init(&text, ENTRY_MAX);
    assert_int_equal(rotate_write(SPAN_LIT("a/b"), &rotation, SAMPLE_TIME, &text, &err), ERR_USAGE);
    rotation.old_seed = seed_of(SEED_LOG);
    rotation.new_seed = seed_of(SEED_LOG);
    assert_int_equal(rotate_write(SPAN_LIT("a/b"), &rotation, SAMPLE_TIME, &text, &err), ERR_USAGE);
    assert_int_equal(text.len, 0);
    buf_done(&text);
}

/* ---- checkpoints ---- */

static int verify_note(const struct member *member, struct span text)
{
    struct note note;
    struct checkpoint checkpoint;
    err = (struct err){0};
    assert_int_equal(note_parse(text, &note, &err), 0);
    assert_int_equal(checkpoint_parse(note.text, &checkpoint, &err), 0);
    return member_verify_checkpoint(member, &note, &checkpoint, &err);
}

static int verify(const struct sample_log *log, const struct member *member, uint64_t size, const int *seeds)
{
    struct buf text;
    buf_init(&text, NOTE_MAX);
    log_checkpoint(log, size, seeds, &text);
    int rc = verify_note(member, buf_view(&text));
    buf_done(&text);
    return rc;
}

static void checkpoints_need_the_key_in_force(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    log_sample(&log);
    log_append_str(&log, "x");
    log_rotate(&log, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY); /* entry 2 */
    log_append_str(&log, "y");
    log_append_str(&log, "z");
    log_fold(&log, &arena, &member, &err);
    assert_int_equal(verify(&log, &member, 1, SEEDS(SEED_LOG)), 0);
    assert_int_equal(verify(&log, &member, 2, SEEDS(SEED_LOG)), 0);
    assert_int_equal(verify(&log, &member, 4, SEEDS(SEED_LOG_2)), 0);
    assert_int_equal(verify(&log, &member, 5, SEEDS(SEED_LOG, SEED_LOG_2)), 0);

    assert_int_equal(verify(&log, &member, 2, SEEDS(SEED_OTHER)), ERR_VERIFY);
    assert_non_null(strstr(err.text, "no signature by the log's key"));
    assert_int_equal(verify(&log, &member, 2, SEEDS(SEED_LOG_2)), ERR_VERIFY);
    assert_non_null(strstr(err.text, "in force only from size 3 on"));
    assert_int_equal(verify(&log, &member, 4, SEEDS(SEED_LOG)), ERR_VERIFY);
    assert_non_null(strstr(err.text, "signed by a retired key (retired by entry 2)"));
    assert_int_equal(verify(&log, &member, 4, SEEDS(SEED_RECOVERY)), ERR_VERIFY);
    log_done(&log);
}

static void the_checkpoint_of_a_rotation_has_both_signatures(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    log_sample(&log);
    log_rotate(&log, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY);                 /* entry 1 */
    log_rotate(&log, SEED_LOG_2, SEED_LOG_3, SEED_RECOVERY, SEED_RECOVERY_3); /* entry 2 */
    log_fold(&log, &arena, &member, &err);
    assert_int_equal(verify(&log, &member, 2, SEEDS(SEED_LOG, SEED_LOG_2)), 0);
    assert_int_equal(verify(&log, &member, 2, SEEDS(SEED_LOG_2, SEED_LOG)), 0);
    assert_int_equal(verify(&log, &member, 2, SEEDS(SEED_LOG_2)), ERR_VERIFY);
    assert_non_null(strstr(err.text, "the old log key has not signed"));
    assert_int_equal(verify(&log, &member, 2, SEEDS(SEED_LOG)), ERR_VERIFY);
    assert_non_null(strstr(err.text, "retired"));
    assert_int_equal(verify(&log, &member, 3, SEEDS(SEED_RECOVERY, SEED_LOG_3)), 0);
    assert_int_equal(verify(&log, &member, 3, SEEDS(SEED_LOG_2, SEED_LOG_3)), ERR_VERIFY);
    assert_non_null(strstr(err.text, "the recovery key has not signed"));
    log_done(&log);
}

static void forged_checkpoints_are_refused(void **state)
{
    (void)state;
    struct sample_log log, other;
    struct member member;
    struct buf text;
    struct profile profile;
    log_sample(&log);
    log_append_str(&log, "x");
    log_fold(&log, &arena, &member, &err);
    buf_init(&text, NOTE_MAX);
    log_checkpoint(&log, 2, SEEDS(SEED_LOG), &text);
    /* Another size or root under the same signature. */
    size_t at = strlen(log.origin) + 1;
    text.data[at] = '3';
    assert_int_equal(verify_note(&member, buf_view(&text)), ERR_VERIFY);
    text.data[at] = '2';
    text.data[at + 2] = text.data[at + 2] == 'A' ? 'B' : 'A';
    assert_int_equal(verify_note(&member, buf_view(&text)), ERR_VERIFY);

    /* Another log's checkpoint, though its key signed. */
    sample_profile(&profile);
    strcpy(profile.contact, "another");
    log_begin(&other, &profile);
    buf_clear(&text);
    log_checkpoint(&other, 1, SEEDS(SEED_LOG), &text);
    assert_int_equal(verify_note(&member, buf_view(&text)), ERR_VERIFY);
    assert_non_null(strstr(err.text, "checkpoint: not of cert.example.org/"));

    buf_clear(&text);
    log_checkpoint(&log, 0, SEEDS(SEED_LOG), &text);
    assert_int_equal(verify_note(&member, buf_view(&text)), ERR_VERIFY);
    buf_done(&text);
    log_done(&other);
    log_done(&log);
}

/* ---- succession and erasure ---- */

static void sign_succession(struct profile *profile, const char *old_origin, int recovery)
{
    struct buf text;
    buf_init(&text, 4096);
    profile->has_succeeds = true;
    strcpy(profile->succeeds_origin, old_origin);
    public_of(recovery, profile->succeeds_recovery_key);
    succeeds_text(span_str(old_origin), span_str(profile->name), profile->log_key, &text);
    ed25519_sign(buf_view(&text), seed_of(recovery), profile->succeeds_signature);
    buf_done(&text);
}

static void succession(void **state)
{
    (void)state;
    struct sample_log log;
    struct member old;
    struct profile next;
    log_sample(&log);
    log_fold(&log, &arena, &old, &err);
    sample_profile(&next);
    strcpy(next.name, "cert2.example.org");
    public_of(SEED_LOG_3, next.log_key);
    assert_int_equal(succeeds_verify(&next, &old, &err), ERR_VERIFY);
    sign_succession(&next, log.origin, SEED_RECOVERY);
    assert_int_equal(succeeds_verify(&next, &old, &err), 0);
    public_of(SEED_LOG_4, next.log_key); /* somebody copies it into an entry 0 of his own */
    assert_int_equal(succeeds_verify(&next, &old, &err), ERR_VERIFY);
    public_of(SEED_LOG_3, next.log_key);
    strcpy(next.name, "cert3.example.org");
    assert_int_equal(succeeds_verify(&next, &old, &err), ERR_VERIFY);
    strcpy(next.name, "cert2.example.org");
    sign_succession(&next, log.origin, SEED_OTHER);
    assert_int_equal(succeeds_verify(&next, &old, &err), ERR_VERIFY);
    sign_succession(&next, "cert.example.org/mtchc34upsfu7u6hi5tf6ubavtnl5plp44mqsecqdwneeaiq2ccq", SEED_RECOVERY);
    assert_int_equal(succeeds_verify(&next, &old, &err), ERR_VERIFY);

    /* A rotation by the log key leaves the recovery key in force, one by the recovery key names the next. */
    log_rotate(&log, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY);
    log_fold(&log, &arena, &old, &err);
    sign_succession(&next, log.origin, SEED_RECOVERY);
    assert_int_equal(succeeds_verify(&next, &old, &err), 0);
    log_rotate(&log, SEED_LOG_2, SEED_LOG_4, SEED_RECOVERY, SEED_RECOVERY_2);
    log_fold(&log, &arena, &old, &err);
    sign_succession(&next, log.origin, SEED_RECOVERY);
    assert_int_equal(succeeds_verify(&next, &old, &err), ERR_VERIFY);
    sign_succession(&next, log.origin, SEED_RECOVERY_2);
    assert_int_equal(succeeds_verify(&next, &old, &err), 0);
    log_done(&log);
}

/* The thief rotates to keys of his own, as often as he likes: the recovery key takes the log back, or succeeds it. */
static void a_stolen_log_key_does_not_lose_the_log(void **state)
{
    (void)state;
    struct sample_log log;
    struct member member;
    struct profile next;
    log_sample(&log);
    log_rotate(&log, SEED_LOG, SEED_OTHER, 0, SEED_RECOVERY);     /* entry 1, by the thief */
    log_rotate(&log, SEED_OTHER, SEED_LOG_4, 0, SEED_RECOVERY_3); /* to no avail */
    log_fold(&log, &arena, &member, &err);
    assert_int_equal(member.key_count, 2);
    sample_profile(&next);
    strcpy(next.name, "cert2.example.org");
    public_of(SEED_LOG_3, next.log_key);
    sign_succession(&next, log.origin, SEED_RECOVERY);
    assert_int_equal(succeeds_verify(&next, &member, &err), 0);
    sign_succession(&next, log.origin, SEED_RECOVERY_3);
    assert_int_equal(succeeds_verify(&next, &member, &err), ERR_VERIFY);

    log_rotate(&log, SEED_OTHER, SEED_LOG_2, SEED_RECOVERY, SEED_RECOVERY_2); /* entry 3, by the owner */
    log_append_str(&log, "x");
    log_fold(&log, &arena, &member, &err);
    assert_int_equal(member.key_count, 3);
    assert_true(member.keys[2].by_recovery);
    assert_int_equal(verify(&log, &member, 4, SEEDS(SEED_RECOVERY, SEED_LOG_2)), 0);
    assert_int_equal(verify(&log, &member, 5, SEEDS(SEED_LOG_2)), 0);
    assert_int_equal(verify(&log, &member, 5, SEEDS(SEED_OTHER)), ERR_VERIFY);
    assert_non_null(strstr(err.text, "signed by a retired key (retired by entry 3)"));
    sign_succession(&next, log.origin, SEED_RECOVERY_2);
    assert_int_equal(succeeds_verify(&next, &member, &err), 0);
    log_done(&log);
}

static int parse_erase(const char *text, uint64_t *ret)
{
    struct record record;
    arena_clear(&arena);
    assert_int_equal(record_parse(span_str(text), &arena, &record, &err), 0);
    return erase_parse(&record, ret, &err);
}

static void erasure(void **state)
{
    (void)state;
    struct buf text;
    uint64_t index = 0;
    buf_init(&text, 4096);
    assert_int_equal(erase_write(18446744, SAMPLE_TIME, &text, &err), 0);
    assert_string_equal(buf_cstr(&text), "tongzhou/1 connect/erase\ntime 2026-11-22T11:14:26.123Z\n\n18446744\n");
    assert_int_equal(parse_erase(buf_cstr(&text), &index), 0);
    assert_int_equal(index, 18446744);
    assert_int_equal(erase_write(LOG_SIZE_MAX, SAMPLE_TIME, &text, &err), ERR_LIMIT);
    static const char *const bad[] = {"", "\n", "1", "1\n\n", "01\n", "-1\n", " 1\n", "x\n", "1099511627776\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char record[64];
        snprintf(record, sizeof(record), "tongzhou/1 connect/erase\n\n%s", bad[i]);
        assert_int_equal(parse_erase(record, &index), ERR_SYNTAX);
    }
    assert_int_equal(parse_erase("tongzhou/1 connect/erase\n\n1099511627775\n", &index), 0);
    assert_int_equal(parse_erase("tongzhou/1 connect/profile\n\n1\n", &index), ERR_SYNTAX);
    buf_done(&text);
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
        cmocka_unit_test_setup(entry_0_makes_the_member, fresh_arena),
        cmocka_unit_test_setup(an_entry_0_that_does_not_fit_is_refused, fresh_arena),
        cmocka_unit_test_setup(entry_0_is_a_whole_profile, fresh_arena),
        cmocka_unit_test_setup(a_later_profile_replaces_what_may_change, fresh_arena),
        cmocka_unit_test_setup(a_later_profile_cannot_touch_name_and_keys, fresh_arena),
        cmocka_unit_test_setup(other_entries_say_nothing_of_keys, fresh_arena),
        cmocka_unit_test_setup(rotation_by_the_log_key, fresh_arena),
        cmocka_unit_test_setup(rotation_by_the_recovery_key, fresh_arena),
        cmocka_unit_test_setup(rotations_out_of_place_have_no_effect, fresh_arena),
        cmocka_unit_test_setup(the_log_key_names_no_other_recovery_key, fresh_arena),
        cmocka_unit_test_setup(damaged_rotations_have_no_effect, fresh_arena),
        cmocka_unit_test_setup(rotations_to_be_held_or_padded_have_no_effect, fresh_arena),
        cmocka_unit_test_setup(rotations_are_limited, fresh_arena),
        cmocka_unit_test_setup(a_rotation_needs_the_right_secret, fresh_arena),
        cmocka_unit_test_setup(checkpoints_need_the_key_in_force, fresh_arena),
        cmocka_unit_test_setup(the_checkpoint_of_a_rotation_has_both_signatures, fresh_arena),
        cmocka_unit_test_setup(forged_checkpoints_are_refused, fresh_arena),
        cmocka_unit_test_setup(succession, fresh_arena),
        cmocka_unit_test_setup(a_stolen_log_key_does_not_lose_the_log, fresh_arena),
        cmocka_unit_test_setup(erasure, fresh_arena),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    arena_init(&arena, 1u << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}

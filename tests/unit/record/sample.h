/*
 * A member with fixed keys and a log in memory, for the tests of this module. Keys: every byte of a seed has the
 * seed's number, so that PROTOCOL.md can name them.
 */
#ifndef TONGZHOU_TESTS_RECORD_SAMPLE_H
#define TONGZHOU_TESTS_RECORD_SAMPLE_H

#include "base/codec.h"
#include "base/sha256.h"
#include "record/fork.h"
#include "record/kind.h"
#include "record/member.h"
#include "record/seal.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))
#define SAMPLE_TIME INT64_C(1795346066123) /* 2026-11-22T11:14:26.123Z */
#define SAMPLE_ENTRIES 200

enum sample_seed {
    SEED_LOG = 1,
    SEED_RECOVERY = 2,
    SEED_COSIGNER = 3,
    SEED_REQUEST = 4,
    SEED_ENCRYPTION = 5,
    SEED_LOG_2 = 6,
    SEED_RECOVERY_2 = 7,
    SEED_SALT = 8,
    SEED_OTHER = 9,
    SEED_LOG_3 = 10,
    SEED_RECOVERY_3 = 11,
    SEED_LOG_4 = 12,
    SEED_COSIGNER_2 = 13,
    SEED_REQUEST_2 = 14,
};

static UNUSED const uint8_t *seed_of(int number)
{
    static uint8_t seeds[16][32];
    memset(seeds[number], number, 32);
    return seeds[number];
}

static UNUSED void public_of(int seed, uint8_t out[32])
{
    ed25519_keypair(seed_of(seed), out);
}

static UNUSED void recovery_hash_of(int seed, uint8_t out[32])
{
    uint8_t key[32];
    public_of(seed, key);
    sha256_once(span_of(key, 32), out);
}

static UNUSED void sample_profile(struct profile *out)
{
    memset(out, 0, sizeof(*out));
    strcpy(out->name, "cert.example.org");
    out->class = CLASS_STATE;
    strcpy(out->jurisdiction, "XX");
    out->sectors.count = 1;
    strcpy(out->sectors.item[0], "energy");
    out->languages.count = 2;
    strcpy(out->languages.item[0], "en");
    strcpy(out->languages.item[1], "zh-Hans");
    public_of(SEED_LOG, out->log_key);
    public_of(SEED_COSIGNER, out->cosigner_key);
    public_of(SEED_REQUEST, out->request_key);
    recovery_hash_of(SEED_RECOVERY, out->recovery_hash);
    assert_int_equal(crypto_scalarmult_base(out->encryption_key, seed_of(SEED_ENCRYPTION)), 0);
}

/* ---- a log in memory ---- */

struct sample_log {
    char origin[ORIGIN_MAX + 1];
    struct buf entries[SAMPLE_ENTRIES];
    struct tlog_hash leaves[SAMPLE_ENTRIES];
    size_t count;
};

static UNUSED struct span log_entry(const struct sample_log *log, size_t index)
{
    return buf_view(&log->entries[index]);
}

static UNUSED void log_append(struct sample_log *log, struct span entry)
{
    assert_true(log->count < SAMPLE_ENTRIES);
    buf_init(&log->entries[log->count], ENTRY_MAX);
    buf_span(&log->entries[log->count], entry);
    tlog_leaf_hash(entry, &log->leaves[log->count]);
    log->count++;
}

static UNUSED void log_append_str(struct sample_log *log, const char *entry)
{
    log_append(log, span_str(entry));
}

/* A log whose entry 0 is this profile. */
static UNUSED void log_begin(struct sample_log *log, const struct profile *profile)
{
    struct buf text;
    struct err err = {0};
    log->count = 0;
    buf_init(&text, ENTRY_MAX);
    assert_int_equal(profile_write(profile, SAMPLE_TIME, &text, &err), 0);
    assert_int_equal(origin_make(span_str(profile->name), buf_view(&text), log->origin, &err), 0);
    log_append(log, buf_view(&text));
    buf_done(&text);
}

static UNUSED void log_sample(struct sample_log *log)
{
    struct profile profile;
    sample_profile(&profile);
    log_begin(log, &profile);
}

static UNUSED void log_done(struct sample_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        buf_done(&log->entries[i]);
    log->count = 0;
}

static UNUSED void log_copy(struct sample_log *to, const struct sample_log *from)
{
    memcpy(to->origin, from->origin, sizeof(to->origin));
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        log_append(to, log_entry(from, i));
}

/*
 * Append a rotation from one seed's key to another's, signed by the old log key, or by `recovery` if not 0. By the log
 * key it has effect only if `next_recovery` is the recovery key in force.
 */
static UNUSED void log_rotate(struct sample_log *log, int old_seed, int new_seed, int recovery, int next_recovery)
{
    struct buf text;
    struct err err = {0};
    struct rotation rotation = {.index = log->count, .new_seed = seed_of(new_seed)};
    public_of(old_seed, rotation.old_key);
    recovery_hash_of(next_recovery, rotation.next_recovery_hash);
    if (recovery)
        rotation.recovery_seed = seed_of(recovery);
    else
        rotation.old_seed = seed_of(old_seed);
    buf_init(&text, ENTRY_MAX);
    assert_int_equal(rotate_write(span_str(log->origin), &rotation, SAMPLE_TIME, &text, &err), 0);
    log_append(log, buf_view(&text));
    buf_done(&text);
}

static UNUSED void log_root(const struct sample_log *log, uint64_t size, struct tlog_hash *out)
{
    struct tlog_edge edge;
    tlog_edge_init(&edge);
    for (uint64_t i = 0; i < size; i++)
        tlog_edge_append(&edge, &log->leaves[i]);
    tlog_edge_root(&edge, out);
}

static int sample_read(void *ctx, unsigned level, uint64_t first, size_t count, struct tlog_hash *out, struct err *err)
{
    const struct sample_log *log = ctx;
    if (level != 0 || first + count > log->count)
        return err_set(err, ERR_USAGE, "beyond the sample");
    memcpy(out, log->leaves + first, count * sizeof(*out));
    return 0;
}

static UNUSED void log_prove(struct sample_log *log, uint64_t index, uint64_t size, struct tlog_proof *out)
{
    struct err err = {0};
    const struct tlog_source source = {sample_read, log};
    assert_int_equal(tlog_prove_inclusion(&source, index, size, out, &err), 0);
}

/* Append the signed checkpoint at `size`; seeds end with 0. */
static UNUSED void log_checkpoint(const struct sample_log *log, uint64_t size, const int *seeds, struct buf *out)
{
    struct note_signer signers[3];
    const struct note_signer *list[3];
    struct tlog_hash root;
    struct err err = {0};
    size_t count = 0;
    for (; seeds[count]; count++) {
        assert_true(count < 3);
        assert_int_equal(
            note_signer_make(&signers[count], span_str(log->origin), NOTE_ED25519, seed_of(seeds[count]), &err), 0);
        list[count] = &signers[count];
    }
    log_root(log, size, &root);
    assert_int_equal(checkpoint_sign(span_str(log->origin), size, &root, list, count, out, &err), 0);
}

#define SEEDS(...) ((const int[]){__VA_ARGS__, 0})

/* Fold all entries; those without effect are passed over, as readers do, and leave the last reason in *why. */
static UNUSED void log_fold(const struct sample_log *log, struct arena *arena, struct member *out, struct err *why)
{
    assert_int_equal(member_begin(span_str(log->origin), log_entry(log, 0), arena, out, why), 0);
    for (size_t i = 1; i < log->count; i++)
        (void)member_apply(out, i, log_entry(log, i), arena, why);
}

#endif

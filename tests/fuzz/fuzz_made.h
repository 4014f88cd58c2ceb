/*
 * A member with fixed keys and the log that a fuzz input makes of it: what a peer or a pack may serve, right in every
 * byte until the target changes some. Keys: every byte of a seed is its number, counted up from the log's first.
 */
#ifndef TONGZHOU_FUZZ_MADE_H
#define TONGZHOU_FUZZ_MADE_H

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/sha256.h"
#include "fuzz_draw.h"
#include "record/kind.h"
#include "record/member.h"
#include "record/seal.h"
#include "tlog/tile.h"

#define MADE_TIME INT64_C(1795346066123)
#define MADE_MAX 700      /* entries: three bundles */
#define MADE_ROTATIONS 24 /* each takes a number for a log key and may take one for a recovery key */
#define MADE_SEEDS (2 * MADE_ROTATIONS + 6)
#define MADE_BYTES 300000

struct made_entry {
    size_t at; /* of its length, in made_log.bundle */
    bool sealed, erased;
    size_t payload_at, payload_len; /* in made_log.payloads, with `sealed` */
    uint8_t salt[SEAL_SALT];
};

struct made_log {
    char origin[ORIGIN_MAX + 1];
    struct profile profile; /* as last written */
    uint8_t first_seed, log_seed, recovery_seed, rotations;
    size_t count;
    struct made_entry entry[MADE_MAX];
    struct buf bundle, payloads;
    struct tlog_edge edge;
    struct tlog_hash root[MADE_MAX + 1];              /* by size, as are the next two */
    uint8_t signer[MADE_MAX + 1], also[MADE_MAX + 1]; /* seeds that sign its checkpoint; also: 0 none */
};

/* What holds, or is a finding. Always evaluated. */
#define made_check(holds) ((holds) ? (void)0 : made_fail(__FILE__, __LINE__, #holds))

/* A call that may not fail; `err` is its own. */
#define made_good(call)                                                                                                \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        if ((call) < 0) {                                                                                              \
            dprintf(STDERR_FILENO, "%s\n", err.text);                                                                  \
            made_fail(__FILE__, __LINE__, #call);                                                                      \
        }                                                                                                              \
    } while (0)

static inline void made_fail(const char *file, int line, const char *what)
{
    dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

static inline void made_seed(uint8_t number, uint8_t out[32])
{
    memset(out, number, 32);
}

static inline void made_public(uint8_t number, uint8_t out[32])
{
    uint8_t seed[32];
    made_seed(number, seed);
    ed25519_keypair(seed, out);
}

static inline void made_recovery_hash(uint8_t number, uint8_t out[32])
{
    uint8_t key[32];
    made_public(number, key);
    sha256_once(span_of(key, 32), out);
}

static inline bool made_has_room(const struct made_log *log)
{
    return log->count < MADE_MAX && log->bundle.len + ENTRY_MAX + 2 < MADE_BYTES &&
           log->payloads.len + ENTRY_MAX < MADE_BYTES;
}

/* Any bytes as the next entry: without effect on the keys unless a function below made them. */
static inline struct made_entry *made_add(struct made_log *log, struct span bytes)
{
    struct tlog_hash leaf;
    struct made_entry *entry = &log->entry[log->count++];
    *entry = (struct made_entry){.at = log->bundle.len};
    made_good(bundle_add(&log->bundle, bytes, &err));
    tlog_leaf_hash(bytes, &leaf);
    tlog_edge_append(&log->edge, &leaf);
    tlog_edge_root(&log->edge, &log->root[log->count]);
    log->signer[log->count] = log->log_seed;
    log->also[log->count] = 0;
    return entry;
}

/* The bundle's bytes of entries [from, to). */
static inline struct span made_part(const struct made_log *log, size_t from, size_t to)
{
    size_t begin = from < log->count ? log->entry[from].at : log->bundle.len;
    size_t end = to < log->count ? log->entry[to].at : log->bundle.len;
    return span_sub(buf_view(&log->bundle), begin, end - begin);
}

static inline struct span made_entry_bytes(const struct made_log *log, size_t index)
{
    struct span part = made_part(log, index, index + 1);
    return span_sub(part, 2, SIZE_MAX);
}

static inline struct span made_payload(const struct made_log *log, size_t index)
{
    return span_sub(buf_view(&log->payloads), log->entry[index].payload_at, log->entry[index].payload_len);
}

/* `first_seed` is 1 or more, and MADE_SEEDS numbers from it on are this log's. */
static inline void made_begin(struct made_log *log, const char *name, uint8_t first_seed)
{
    struct buf text;
    uint8_t seed[32];
    log->first_seed = log->log_seed = first_seed;
    log->recovery_seed = (uint8_t)(first_seed + MADE_ROTATIONS + 5);
    log->rotations = 0;
    log->count = 0;
    buf_clear(&log->bundle);
    buf_clear(&log->payloads);
    log->bundle.max = log->payloads.max = MADE_BYTES;
    tlog_edge_init(&log->edge);
    log->profile = (struct profile){.class = CLASS_CIVIL};
    strcpy(log->profile.name, name);
    made_public(log->log_seed, log->profile.log_key);
    made_public((uint8_t)(first_seed + MADE_ROTATIONS + 1), log->profile.cosigner_key);
    made_public((uint8_t)(first_seed + MADE_ROTATIONS + 3), log->profile.request_key);
    made_seed((uint8_t)(first_seed + MADE_ROTATIONS + 4), seed);
    made_check(crypto_scalarmult_base(log->profile.encryption_key, seed) == 0);
    made_recovery_hash(log->recovery_seed, log->profile.recovery_hash);
    buf_init(&text, ENTRY_MAX);
    made_good(profile_write(&log->profile, MADE_TIME, &text, &err));
    made_good(origin_make(span_str(name), buf_view(&text), log->origin, &err));
    made_add(log, buf_view(&text));
    buf_done(&text);
}

static inline void made_done(struct made_log *log)
{
    buf_done(&log->bundle);
    buf_done(&log->payloads);
}

static inline void made_seal(struct made_log *log, struct span payload)
{
    uint8_t salt[SEAL_SALT], hash[32], entry[SEAL_ENTRY_LEN];
    made_seed((uint8_t)log->count, salt);
    seal_hash(span_str(log->origin), salt, payload, hash);
    seal_write(hash, entry);
    struct made_entry *added = made_add(log, span_of(entry, sizeof(entry)));
    added->sealed = true;
    added->payload_at = log->payloads.len;
    added->payload_len = payload.len;
    memcpy(added->salt, salt, sizeof(salt));
    buf_span(&log->payloads, payload);
}

static inline void made_seal_record(struct made_log *log, enum tlp tlp, struct span body)
{
    struct buf text;
    struct record_draft draft = {.kind = "test/text", .time_ms = MADE_TIME, .tlp = tlp, .body = body};
    buf_init(&text, PAYLOAD_MAX);
    made_good(record_write(&draft, &text, &err));
    made_seal(log, buf_view(&text));
    buf_done(&text);
}

/* With `by_recovery` there is a next recovery key, too. */
static inline void made_rotate(struct made_log *log, bool by_recovery)
{
    struct buf text;
    uint8_t old_seed[32], new_seed[32], recovery[32], now = log->log_seed, kept = log->recovery_seed;
    if (log->rotations == MADE_ROTATIONS)
        return;
    uint8_t next = (uint8_t)(log->first_seed + ++log->rotations);
    struct rotation rotation = {.index = log->count, .new_seed = new_seed};
    made_seed(now, old_seed);
    made_seed(next, new_seed);
    made_seed(kept, recovery);
    made_public(now, rotation.old_key);
    log->recovery_seed = (uint8_t)(kept + by_recovery);
    made_recovery_hash(log->recovery_seed, rotation.next_recovery_hash);
    if (by_recovery)
        rotation.recovery_seed = recovery;
    else
        rotation.old_seed = old_seed;
    buf_init(&text, ENTRY_MAX);
    made_good(rotate_write(span_str(log->origin), &rotation, MADE_TIME, &text, &err));
    log->log_seed = next;
    made_add(log, buf_view(&text));
    log->also[log->count] = by_recovery ? kept : now;
    buf_done(&text);
}

static inline void made_erase(struct made_log *log, size_t index)
{
    struct buf text;
    buf_init(&text, ENTRY_MAX);
    made_good(erase_write(index, MADE_TIME, &text, &err));
    made_add(log, buf_view(&text));
    log->entry[index].erased |= log->entry[index].sealed;
    buf_done(&text);
}

/* A profile that says something else of its contact. */
static inline void made_profile(struct made_log *log, uint8_t contact)
{
    struct buf text;
    snprintf(log->profile.contact, sizeof(log->profile.contact), "desk %d", contact);
    made_public(log->log_seed, log->profile.log_key);
    made_recovery_hash(log->recovery_seed, log->profile.recovery_hash);
    buf_init(&text, ENTRY_MAX);
    made_good(profile_write(&log->profile, MADE_TIME, &text, &err));
    made_add(log, buf_view(&text));
    buf_done(&text);
}

static inline void made_filler(struct made_log *log, size_t count, size_t len)
{
    static uint8_t bytes[ENTRY_MAX];
    for (size_t i = 0; i < count && made_has_room(log); i++) {
        memset(bytes, (int)(i & 0x7f), len);
        made_add(log, span_of(bytes, len));
    }
}

/* An earlier entry once more: a seal keeps its payload, a rotation is without effect the second time. */
static inline void made_repeat(struct made_log *log, size_t index)
{
    static uint8_t bytes[ENTRY_MAX];
    struct span entry = made_entry_bytes(log, index);
    struct made_entry old = log->entry[index];
    memcpy(bytes, entry.data, entry.len);
    struct made_entry *added = made_add(log, span_of(bytes, entry.len));
    size_t at = added->at;
    *added = old;
    added->at = at;
    added->erased = false;
}

#define MADE_STEPS 10

/* One of the steps 0..MADE_STEPS - 1. */
static inline void made_step(struct made_log *log, unsigned step, struct draw *draw)
{
    struct span bytes;
    size_t count;
    if (!made_has_room(log))
        return;
    switch (step) {
    case 0:
        bytes = draw_span(draw);
        /* What withdraws something is step 3's, which remembers it. */
        made_add(log, bytes.len > 0 && !span_is(entry_kind(bytes), "connect/erase") ? bytes : SPAN_LIT("x"));
        break;
    case 1:
        made_rotate(log, false);
        break;
    case 2:
        made_rotate(log, true);
        break;
    case 3:
        made_erase(log, draw_below(draw, log->count));
        break;
    case 4:
        made_profile(log, draw_u8(draw));
        break;
    case 5:
        made_repeat(log, draw_below(draw, log->count));
        break;
    case 6:
        count = draw_u8(draw);
        made_filler(log, count, 1u + draw_u8(draw));
        break;
    case 7:
        count = 1u + draw_u8(draw) / 32;
        made_filler(log, count, ENTRY_MAX - draw_u8(draw));
        break;
    case 8:
        made_seal(log, draw_span(draw));
        break;
    default:
        count = draw_u8(draw);
        made_seal_record(log, count % 2 ? TLP_CLEAR : TLP_GREEN, draw_span(draw));
        break;
    }
}

/* A note of the log about any size and root, signed by one or two seeds (also: 0 none). */
static inline void made_sign(const char *origin, uint64_t size, const struct tlog_hash *root, uint8_t seed,
                             uint8_t also, struct buf *out)
{
    struct note_signer signer[2] = {0};
    const struct note_signer *signers[] = {&signer[0], &signer[1]};
    uint8_t bytes[32];
    made_seed(seed, bytes);
    made_good(note_signer_make(&signer[0], span_str(origin), NOTE_ED25519, bytes, &err));
    made_seed(also, bytes);
    made_good(also ? note_signer_make(&signer[1], span_str(origin), NOTE_ED25519, bytes, &err) : 0);
    made_good(checkpoint_sign(span_str(origin), size, root, signers, also ? 2 : 1, out, &err));
}

/* The right one at a size. */
static inline void made_note(const struct made_log *log, size_t size, struct buf *out)
{
    made_sign(log->origin, size, &log->root[size], log->signer[size], log->also[size], out);
}

/* A line by the log's cosigner about the text of any note. */
static inline void made_cosign(const struct made_log *log, struct span note, uint64_t time_s, struct buf *out)
{
    struct note_signer signer;
    struct note parsed;
    uint8_t seed[32];
    made_seed((uint8_t)(log->first_seed + MADE_ROTATIONS + 1), seed);
    made_good(note_signer_make(&signer, span_str(log->origin), NOTE_COSIGNATURE, seed, &err));
    made_good(note_parse(note, &parsed, &err));
    made_good(note_sign(parsed.text, &signer, time_s, out, &err));
}

#endif

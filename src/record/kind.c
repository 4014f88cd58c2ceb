#include "record/kind.h"

#include "record/fork.h"
#include "record/rotate.h"
#include "record/seal.h"

#define FIRST_LINE "tongzhou/1 "
#define KIND_MAX 64
#define FORK_ARENA_MAX (8u << 20) /* bytes: ROTATIONS_MAX proofs a branch, 4 kB each, twice */

static int check_profile(const struct record *record, struct err *err)
{
    struct profile profile;
    return profile_parse(record, &profile, err);
}

static int check_rotate(const struct record *record, struct err *err)
{
    struct rotate_body body;
    return rotate_parse(record, &body, err);
}

static int check_erase(const struct record *record, struct err *err)
{
    uint64_t index;
    return erase_parse(record, &index, err);
}

static int check_fork(const struct record *record, struct err *err)
{
    struct arena arena;
    struct fork_proof proof;
    enum fork_verdict verdict;
    arena_init(&arena, FORK_ARENA_MAX);
    int rc = fork_parse(record, &arena, &proof, err);
    if (rc == 0)
        rc = fork_verify(&proof, &verdict, err);
    arena_done(&arena);
    return rc;
}

/* PROTOCOL.md's closed list. Without a check: judged by src/governance, or reserved and not folded by this version. */
static const struct kind kinds[] = {
    {"connect/attest", NULL},           {"connect/erase", check_erase},   {"connect/fork", check_fork},
    {"connect/profile", check_profile}, {"connect/rotate", check_rotate}, {"governance/cession", NULL},
    {"governance/charter", NULL},       {"governance/decision", NULL},    {"governance/delegation", NULL},
    {"governance/endorse", NULL},       {"governance/instrument", NULL},  {"governance/join", NULL},
    {"governance/leave", NULL},         {"governance/objection", NULL},   {"governance/position", NULL},
    {"governance/proposal", NULL},      {"governance/reservation", NULL}, {"governance/roster", NULL},
    {"governance/sponsor", NULL},
};

const struct kind *kind_find(struct span name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (span_is(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

int kind_check(const struct record *record, struct err *err)
{
    const struct kind *kind = kind_find(record->kind);
    return kind && kind->check ? kind->check(record, err) : 0;
}

bool kind_constitutional(struct span kind)
{
    return kind_find(kind) != NULL;
}

struct span entry_kind(struct span entry)
{
    if (!span_starts(entry, SPAN_LIT(FIRST_LINE)))
        return (struct span){0};
    struct span rest = span_sub(entry, sizeof(FIRST_LINE) - 1, KIND_MAX + 1);
    size_t end = span_find(rest, '\n');
    struct span kind = span_sub(rest, 0, end);
    return end < rest.len && record_kind_valid(kind) ? kind : (struct span){0};
}

enum entry_class entry_classify(struct span entry)
{
    uint8_t hash[32];
    if (seal_parse(entry, hash))
        return ENTRY_SEAL;
    return kind_constitutional(entry_kind(entry)) ? ENTRY_INLINE : ENTRY_UNKNOWN;
}

bool payload_foldable(const struct record *record)
{
    return !record->hold && !span_is(record->kind, "seal") && !kind_constitutional(record->kind);
}

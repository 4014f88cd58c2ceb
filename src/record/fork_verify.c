#include "record/fork.h"

#include "record/kind.h"

#define CHAIN_ARENA_MAX (256u << 10) /* bytes: ROTATIONS_MAX + 1 keys of 80 bytes, doubled as they grow */

/* ---- the keys that the proof itself names ---- */

/* Fold entry 0 and the rotations. Each must be valid: a proof has no place for entries without effect. */
static int fold_chain(const struct fork_proof *proof, struct arena *arena, struct member *out, struct err *err)
{
    if (proof->entry_count == 0 || proof->entry_indices[0] != 0)
        return err_set(err, ERR_VERIFY, "fork proof: does not begin with entry 0");
    int rc = member_begin(span_str(proof->origin), proof->entries[0], arena, out, err);
    for (size_t i = 1; i < proof->entry_count && rc == 0; i++) {
        if (proof->entry_indices[i] <= proof->entry_indices[i - 1])
            return err_set(err, ERR_VERIFY, "fork proof: its entries do not ascend");
        if (!span_is(entry_kind(proof->entries[i]), "connect/rotate"))
            return err_set(err, ERR_VERIFY, "fork proof: entry %llu is no rotation",
                           (unsigned long long)proof->entry_indices[i]);
        rc = member_apply(out, proof->entry_indices[i], proof->entries[i], arena, err);
    }
    if (rc < 0) {
        err_in(err, "fork proof");
        /* Whatever was wrong with an entry, the proof does not hold. */
        err->code = rc == ERR_MEMORY ? rc : ERR_VERIFY;
    }
    return rc < 0 ? err->code : 0;
}

/* ---- one branch ---- */

static int verify_entries(const struct fork_proof *proof, const struct fork_branch *branch,
                          const struct checkpoint *checkpoint, struct err *err)
{
    for (size_t i = 0; i < proof->entry_count; i++) {
        struct tlog_hash leaf;
        uint64_t index = proof->entry_indices[i];
        if (index >= checkpoint->size)
            return err_set(err, ERR_VERIFY, "entry %llu lies behind the checkpoint's size %llu",
                           (unsigned long long)index, (unsigned long long)checkpoint->size);
        tlog_leaf_hash(proof->entries[i], &leaf);
        int rc = tlog_verify_inclusion(index, checkpoint->size, &leaf, &branch->proofs[i], &checkpoint->root, err);
        if (rc < 0)
            return err_in(err, "entry %llu", (unsigned long long)index);
    }
    return 0;
}

/*
 * The checkpoint is signed as its size demands by the keys that the proof names, and holds all of the proof's
 * entries. Since every rotation of the proof lies before both sizes, the key in force is the same in both
 * branches: the last one. A key that a rotation of the proof retires signs for nothing.
 */
static int verify_branch(const struct fork_proof *proof, const struct fork_branch *branch, const struct member *chain,
                         struct checkpoint *out, struct err *err)
{
    struct note note;
    int rc = note_parse(branch->checkpoint, &note, err);
    if (rc == 0)
        rc = checkpoint_parse(note.text, out, err);
    if (rc == 0)
        rc = member_verify_checkpoint(chain, &note, out, err);
    if (rc == 0)
        rc = verify_entries(proof, branch, out, err);
    return rc;
}

static int verify_leaf(const struct fork_proof *proof, const struct fork_branch *branch,
                       const struct checkpoint *checkpoint, struct err *err)
{
    if (proof->index >= checkpoint->size)
        return err_set(err, ERR_VERIFY, "index %llu lies behind the checkpoint's size %llu",
                       (unsigned long long)proof->index, (unsigned long long)checkpoint->size);
    return tlog_verify_inclusion(proof->index, checkpoint->size, &branch->leaf, &branch->leaf_proof, &checkpoint->root,
                                 err);
}

/* ---- the whole ---- */

static int verify_difference(const struct fork_proof *proof, const struct checkpoint *a, const struct checkpoint *b,
                             enum fork_verdict *ret, struct err *err)
{
    if (!proof->has_index) {
        if (a->size != b->size)
            return err_set(err, ERR_VERIFY, "fork proof: sizes %llu and %llu differ, and no index is given",
                           (unsigned long long)a->size, (unsigned long long)b->size);
        if (tlog_hash_eq(&a->root, &b->root))
            return err_set(err, ERR_VERIFY, "fork proof: both checkpoints have the same root");
        *ret = FORK_SUSPENDS;
        return 0;
    }
    if (tlog_hash_eq(&proof->a.leaf, &proof->b.leaf))
        return err_set(err, ERR_VERIFY, "fork proof: both branches have the same leaf at index %llu",
                       (unsigned long long)proof->index);
    int rc = verify_leaf(proof, &proof->a, a, err);
    if (rc < 0)
        return err_in(err, "fork proof: branch a: leaf");
    rc = verify_leaf(proof, &proof->b, b, err);
    if (rc < 0)
        return err_in(err, "fork proof: branch b: leaf");
    *ret = FORK_FREEZES;
    return 0;
}

int fork_verify(const struct fork_proof *proof, enum fork_verdict *ret, struct err *err)
{
    struct arena arena;
    struct member chain;
    struct checkpoint a = {0}, b = {0};
    const char *where = "fork proof: branch a";
    arena_init(&arena, CHAIN_ARENA_MAX);
    int rc = fold_chain(proof, &arena, &chain, err);
    if (rc < 0)
        goto out;
    rc = verify_branch(proof, &proof->a, &chain, &a, err);
    if (rc == 0) {
        where = "fork proof: branch b";
        rc = verify_branch(proof, &proof->b, &chain, &b, err);
    }
    if (rc < 0) {
        err_in(err, "%s", where);
        rc = err->code = ERR_VERIFY;
        goto out;
    }
    rc = verify_difference(proof, &a, &b, ret, err);
out:
    arena_done(&arena);
    return rc;
}

static bool same_key(const struct log_key *a, const struct log_key *b)
{
    return a->from_size == b->from_size && memcmp(a->public_key, b->public_key, sizeof(a->public_key)) == 0;
}

int fork_stands(const struct fork_proof *proof, const struct member *known, struct err *err)
{
    struct arena arena;
    struct member chain;
    if (strcmp(proof->origin, known->origin) != 0)
        return err_set(err, ERR_VERIFY, "fork proof: about %s, not %s", proof->origin, known->origin);
    arena_init(&arena, CHAIN_ARENA_MAX);
    int rc = fold_chain(proof, &arena, &chain, err);
    if (rc == 0) {
        size_t common = 1; /* entry 0 is the same: the origin is */
        while (common < chain.key_count && common < known->key_count &&
               same_key(&chain.keys[common], &known->keys[common]))
            common++;
        /* The last common key signs the checkpoints or the next rotation; either way it must not be retired. */
        if (common < known->key_count)
            rc = err_set(err, ERR_VERIFY, "fork proof: relies on a key that entry %llu retired",
                         (unsigned long long)(known->keys[common].from_size - 1));
    }
    arena_done(&arena);
    return rc;
}

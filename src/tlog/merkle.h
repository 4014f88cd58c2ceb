/*
 * RFC 6962 section 2.1 Merkle trees: hashes, the right edge, proofs and their verification.
 * Cores only: hashes come from a `struct tlog_source` of the caller.
 */
#ifndef TONGZHOU_TLOG_MERKLE_H
#define TONGZHOU_TLOG_MERKLE_H

#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"

#define TLOG_HASH_SIZE 32
#define TLOG_PROOF_MAX 128 /* hashes: an inclusion proof has ≤ 64, a consistency proof ≤ 65 */

struct tlog_hash {
    uint8_t b[TLOG_HASH_SIZE];
};

static inline bool tlog_hash_eq(const struct tlog_hash *a, const struct tlog_hash *b)
{
    return memcmp(a->b, b->b, TLOG_HASH_SIZE) == 0;
}

void tlog_leaf_hash(struct span entry, struct tlog_hash *out);
void tlog_node_hash(const struct tlog_hash *left, const struct tlog_hash *right, struct tlog_hash *out);
void tlog_empty_root(struct tlog_hash *out);

/* ---- the right edge: roots of the perfect subtrees from left to right, enough to append and to know the root ---- */

struct tlog_edge {
    uint64_t size;
    unsigned count; /* = popcount(size) */
    struct tlog_hash h[64];
};

void tlog_edge_init(struct tlog_edge *edge);
void tlog_edge_append(struct tlog_edge *edge, const struct tlog_hash *leaf);
void tlog_edge_root(const struct tlog_edge *edge, struct tlog_hash *out);

/* ---- stored hashes ---- */

/*
 * Where hashes come from. `read` fills `count` hashes from `first` on of tile level `level`: hash i there is
 * MTH(D[i·256^level : (i+1)·256^level]), perfect subtrees only. The caller never asks beyond the size it works at.
 */
struct tlog_source {
    int (*read)(void *ctx, unsigned level, uint64_t first, size_t count, struct tlog_hash *out, struct err *err);
    void *ctx;
};

/* The root at `size`, which must be covered by the source. */
int tlog_root(const struct tlog_source *source, uint64_t size, struct tlog_hash *out, struct err *err);

/* The right edge at `size`. */
int tlog_edge_load(const struct tlog_source *source, uint64_t size, struct tlog_edge *out, struct err *err);

/* ---- proofs ---- */

struct tlog_proof {
    size_t count;
    struct tlog_hash h[TLOG_PROOF_MAX];
};

/* From the leaf's sibling upward. ERR_USAGE unless index < size. */
int tlog_prove_inclusion(const struct tlog_source *source, uint64_t index, uint64_t size, struct tlog_proof *out,
                         struct err *err);

/* RFC 6962 section 2.1.2; empty for old == size and old == 0. ERR_USAGE unless old ≤ size. */
int tlog_prove_consistency(const struct tlog_source *source, uint64_t old, uint64_t size, struct tlog_proof *out,
                           struct err *err);

/* ERR_VERIFY if the proof does not lead from `leaf` at `index` to `root` at `size`. */
int tlog_verify_inclusion(uint64_t index, uint64_t size, const struct tlog_hash *leaf, const struct tlog_proof *proof,
                          const struct tlog_hash *root, struct err *err);

/* ERR_VERIFY if the proof does not show that the tree at `size` begins with the tree at `old`. */
int tlog_verify_consistency(uint64_t old, uint64_t size, const struct tlog_hash *old_root, const struct tlog_hash *root,
                            const struct tlog_proof *proof, struct err *err);

#endif

#include "tlog/merkle.h"

#include <assert.h>
#include <inttypes.h>

#include "base/sha256.h"

#define LEVEL_BITS 8 /* tree levels in one level of tiles: 256 = 2^8 */

_Static_assert(TLOG_HASH_SIZE == SHA256_SIZE, "RFC 6962 trees here are of SHA-256");
_Static_assert(TILE_WIDTH == 1 << LEVEL_BITS, "a tile is a perfect subtree");

/* ---- hashes (RFC 6962 section 2.1) ---- */

void tlog_leaf_hash(struct span entry, struct tlog_hash *out)
{
    struct sha256 ctx;
    sha256_init(&ctx);
    sha256_add(&ctx, SPAN_LIT("\x00"));
    sha256_add(&ctx, entry);
    sha256_end(&ctx, out->b);
}

void tlog_node_hash(const struct tlog_hash *left, const struct tlog_hash *right, struct tlog_hash *out)
{
    uint8_t both[1 + 2 * TLOG_HASH_SIZE];
    both[0] = 0x01;
    memcpy(both + 1, left->b, TLOG_HASH_SIZE);
    memcpy(both + 1 + TLOG_HASH_SIZE, right->b, TLOG_HASH_SIZE);
    sha256_once(span_of(both, sizeof(both)), out->b);
}

void tlog_empty_root(struct tlog_hash *out)
{
    sha256_once((struct span){0}, out->b);
}

/* ---- the right edge ---- */

void tlog_edge_init(struct tlog_edge *edge)
{
    edge->size = 0;
    edge->count = 0;
}

void tlog_edge_append(struct tlog_edge *edge, const struct tlog_hash *leaf)
{
    assert(edge->size < UINT64_MAX);
    struct tlog_hash hash = *leaf;
    /* As in a binary counter: each trailing 1 of the size is a subtree that becomes complete. */
    for (uint64_t bits = edge->size; bits & 1; bits >>= 1)
        tlog_node_hash(&edge->h[--edge->count], &hash, &hash);
    edge->h[edge->count++] = hash;
    edge->size++;
}

void tlog_edge_root(const struct tlog_edge *edge, struct tlog_hash *out)
{
    if (edge->count == 0) {
        tlog_empty_root(out);
        return;
    }
    struct tlog_hash hash = edge->h[edge->count - 1];
    for (unsigned i = edge->count - 1; i > 0; i--)
        tlog_node_hash(&edge->h[i - 1], &hash, &hash);
    *out = hash;
}

/* ---- stored hashes ---- */

/* In place: the parents of `count` (even) neighbours. */
static void reduce(struct tlog_hash *hashes, size_t count)
{
    for (size_t i = 0; i < count / 2; i++)
        tlog_node_hash(&hashes[2 * i], &hashes[2 * i + 1], &hashes[i]);
}

/*
 * The roots of the perfect subtrees of D[first : first + count], largest first. `first` is a multiple of the
 * largest one's size. One read a level of tiles: what a level contributes stands side by side in one tile.
 */
static int load_edge(const struct tlog_source *source, uint64_t first, uint64_t count, struct tlog_edge *out,
                     struct err *err)
{
    tlog_edge_init(out);
    out->size = count;
    for (int level = 63 / LEVEL_BITS; level >= 0; level--) {
        unsigned shift = (unsigned)level * LEVEL_BITS;
        size_t width = count >> shift & (TILE_WIDTH - 1);
        if (width == 0)
            continue;
        uint64_t above = level == 63 / LEVEL_BITS ? 0 : count >> (shift + LEVEL_BITS) << (shift + LEVEL_BITS);
        struct tlog_hash tile[TILE_WIDTH];
        if (source->read(source->ctx, (unsigned)level, (first + above) >> shift, width, tile, err) < 0)
            return err->code;
        struct tlog_hash *at = tile;
        for (size_t part = TILE_WIDTH / 2; part > 0; part /= 2) {
            if (!(width & part))
                continue;
            for (size_t left = part; left > 1; left /= 2)
                reduce(at, left);
            out->h[out->count++] = *at;
            at += part;
        }
    }
    return 0;
}

int tlog_edge_load(const struct tlog_source *source, uint64_t size, struct tlog_edge *out, struct err *err)
{
    return load_edge(source, 0, size, out, err);
}

int tlog_root(const struct tlog_source *source, uint64_t size, struct tlog_hash *out, struct err *err)
{
    struct tlog_edge edge;
    if (load_edge(source, 0, size, &edge, err) < 0)
        return err->code;
    tlog_edge_root(&edge, out);
    return 0;
}

/* ---- making proofs ---- */

static void push(struct tlog_proof *proof, const struct tlog_hash *hash)
{
    assert(proof->count < TLOG_PROOF_MAX);
    proof->h[proof->count++] = *hash;
}

static unsigned min_unsigned(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/*
 * Siblings on the way from the node of tree level `from` over leaf `index` up to tree level `to`, all inside one
 * perfect subtree: one read a level of tiles.
 */
static int inner_siblings(const struct tlog_source *source, uint64_t index, unsigned from, unsigned to,
                          struct tlog_proof *out, struct err *err)
{
    for (unsigned level = from / LEVEL_BITS; level * LEVEL_BITS < to; level++) {
        unsigned bottom = level * LEVEL_BITS, top = min_unsigned(to, bottom + LEVEL_BITS);
        size_t width = (size_t)1 << (top - bottom);
        uint64_t first = index >> top << (top - bottom);
        struct tlog_hash tile[TILE_WIDTH];
        if (source->read(source->ctx, level, first, width, tile, err) < 0)
            return err->code;
        size_t at = (size_t)((index >> bottom) - first);
        for (unsigned height = bottom; height < top; height++, width /= 2, at /= 2) {
            if (height >= from)
                push(out, &tile[at ^ 1]);
            reduce(tile, width);
        }
    }
    return 0;
}

/* Siblings of the node of tree level `from` over leaf `index` up to the root at `size`. */
static int path(const struct tlog_source *source, uint64_t index, unsigned from, uint64_t size, struct tlog_proof *out,
                struct err *err)
{
    /* The leaf lies in the perfect subtree of the highest bit that is 1 in the size and 0 in the index. */
    unsigned height = 63 - (unsigned)__builtin_clzll(index ^ size);
    uint64_t subtree = UINT64_C(1) << height;
    uint64_t right = size & (subtree - 1), left = size - right - subtree;
    if (inner_siblings(source, index, from, height, out, err) < 0)
        return err->code;

    struct tlog_edge edge;
    if (right > 0) {
        struct tlog_hash hash;
        if (load_edge(source, left + subtree, right, &edge, err) < 0)
            return err->code;
        tlog_edge_root(&edge, &hash);
        push(out, &hash);
    }
    if (load_edge(source, 0, left, &edge, err) < 0)
        return err->code;
    while (edge.count > 0)
        push(out, &edge.h[--edge.count]);
    return 0;
}

int tlog_prove_inclusion(const struct tlog_source *source, uint64_t index, uint64_t size, struct tlog_proof *out,
                         struct err *err)
{
    if (index >= size)
        return err_set(err, ERR_USAGE, "inclusion proof: entry %" PRIu64 " in a log of %" PRIu64, index, size);
    out->count = 0;
    return path(source, index, 0, size, out, err);
}

int tlog_prove_consistency(const struct tlog_source *source, uint64_t old, uint64_t size, struct tlog_proof *out,
                           struct err *err)
{
    if (old > size)
        return err_set(err, ERR_USAGE, "consistency proof: from size %" PRIu64 " back to %" PRIu64, old, size);
    out->count = 0;
    if (old == 0 || old == size)
        return 0;
    /*
     * The last perfect subtree of the old tree is a node of the new one, too. Its path leads to both roots. Where
     * it is the whole old tree, the verifier knows it already.
     */
    unsigned height = (unsigned)__builtin_ctzll(old);
    uint64_t first = old - (UINT64_C(1) << height);
    if (first != 0) {
        struct tlog_edge edge;
        struct tlog_hash hash;
        if (load_edge(source, first, old - first, &edge, err) < 0)
            return err->code;
        tlog_edge_root(&edge, &hash);
        push(out, &hash);
    }
    return path(source, first, height, size, out, err);
}

#include "tlog/merkle.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/codec.h"

#define NAIVE_MAX 600 /* leaves: trees with two levels of tiles, the second one partial */

/* ---- a source over leaves in memory, and one over leaves that are computed ---- */

struct memory {
    struct tlog_hash *level[3]; /* hashes of tile levels 0, 1, 2 */
    uint64_t size;              /* nothing beyond it may be asked for */
    unsigned reads;
};

static int memory_read(void *ctx, unsigned level, uint64_t first, size_t count, struct tlog_hash *out, struct err *err)
{
    (void)err;
    struct memory *memory = ctx;
    assert_in_range(level, 0, 2);
    assert_in_range(count, 1, TILE_WIDTH);
    assert_true(first + count <= memory->size >> (8 * level));
    assert_int_equal(first / TILE_WIDTH, (first + count - 1) / TILE_WIDTH); /* one tile a read */
    memcpy(out, memory->level[level] + first, count * sizeof(*out));
    memory->reads++;
    return 0;
}

static void leaf_at(uint64_t index, struct tlog_hash *out)
{
    uint8_t entry[8];
    for (int i = 0; i < 8; i++)
        entry[i] = (uint8_t)(index >> (8 * i));
    tlog_leaf_hash(span_of(entry, sizeof(entry)), out);
}

static struct tlog_hash perfect(const struct tlog_hash *hashes, size_t count)
{
    if (count == 1)
        return *hashes;
    struct tlog_hash left = perfect(hashes, count / 2), right = perfect(hashes + count / 2, count / 2), node;
    tlog_node_hash(&left, &right, &node);
    return node;
}

static void memory_init(struct memory *memory, uint64_t size)
{
    *memory = (struct memory){.size = size};
    for (size_t level = 0; level < 3; level++) {
        uint64_t count = size >> (8 * level);
        memory->level[level] = calloc(count + 1, sizeof(struct tlog_hash));
        assert_non_null(memory->level[level]);
        for (uint64_t i = 0; i < count; i++) {
            if (level == 0)
                leaf_at(i, &memory->level[0][i]);
            else
                memory->level[level][i] = perfect(memory->level[level - 1] + i * TILE_WIDTH, TILE_WIDTH);
        }
    }
}

static void memory_done(struct memory *memory)
{
    for (size_t level = 0; level < 3; level++)
        free(memory->level[level]);
}

/* ---- RFC 6962 section 2.1, word for word ---- */

static uint64_t split(uint64_t n)
{
    uint64_t k = 1;
    while (2 * k < n)
        k *= 2;
    return k;
}

static struct tlog_hash naive_root(const struct tlog_hash *leaves, uint64_t n)
{
    struct tlog_hash node;
    if (n == 0) {
        tlog_empty_root(&node);
        return node;
    }
    if (n == 1)
        return leaves[0];
    uint64_t k = split(n);
    struct tlog_hash left = naive_root(leaves, k), right = naive_root(leaves + k, n - k);
    tlog_node_hash(&left, &right, &node);
    return node;
}

static void naive_path(const struct tlog_hash *leaves, uint64_t m, uint64_t n, struct tlog_proof *out)
{
    if (n == 1)
        return;
    uint64_t k = split(n);
    if (m < k) {
        naive_path(leaves, m, k, out);
        out->h[out->count++] = naive_root(leaves + k, n - k);
    } else {
        naive_path(leaves + k, m - k, n - k, out);
        out->h[out->count++] = naive_root(leaves, k);
    }
}

static void naive_subproof(const struct tlog_hash *leaves, uint64_t m, uint64_t n, bool whole, struct tlog_proof *out)
{
    if (m == n) {
        if (!whole)
            out->h[out->count++] = naive_root(leaves, n);
        return;
    }
    uint64_t k = split(n);
    if (m <= k) {
        naive_subproof(leaves, m, k, whole, out);
        out->h[out->count++] = naive_root(leaves + k, n - k);
    } else {
        naive_subproof(leaves + k, m - k, n - k, false, out);
        out->h[out->count++] = naive_root(leaves, k);
    }
}

static void assert_proof_eq(const struct tlog_proof *got, const struct tlog_proof *want)
{
    assert_int_equal(got->count, want->count);
    assert_memory_equal(got->h, want->h, want->count * sizeof(struct tlog_hash));
}

/* ---- tests ---- */

static void empty_root_vector(void **state)
{
    (void)state;
    struct tlog_hash root;
    char text[BASE64_LEN(TLOG_HASH_SIZE) + 1];
    tlog_empty_root(&root);
    base64_encode(root.b, sizeof(root.b), text);
    assert_string_equal(text, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

/* The eight leaves and roots that implementations of Certificate Transparency test with. */
static void reference_tree(void **state)
{
    (void)state;
    static const char *const leaves[] = {
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    };
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    struct tlog_edge edge;
    tlog_edge_init(&edge);
    for (size_t i = 0; i < 8; i++) {
        uint8_t entry[16];
        size_t len = strlen(leaves[i]) / 2;
        assert_true(hex_decode(span_str(leaves[i]), entry, len));
        struct tlog_hash leaf, root;
        tlog_leaf_hash(span_of(entry, len), &leaf);
        tlog_edge_append(&edge, &leaf);
        tlog_edge_root(&edge, &root);
        char hex[HEX_LEN(TLOG_HASH_SIZE) + 1];
        hex_encode(root.b, sizeof(root.b), hex);
        assert_string_equal(hex, roots[i]);
    }
}

static void roots_and_edges_of_all_sizes(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory, NAIVE_MAX);
    struct tlog_source source = {memory_read, &memory};
    struct err err = {0};
    struct tlog_edge grown, loaded;
    tlog_edge_init(&grown);
    for (uint64_t size = 0; size <= NAIVE_MAX; size++) {
        struct tlog_hash want = naive_root(memory.level[0], size), root;
        memory.size = size;
        assert_int_equal(tlog_root(&source, size, &root, &err), 0);
        assert_true(tlog_hash_eq(&root, &want));
        assert_int_equal(tlog_edge_load(&source, size, &loaded, &err), 0);
        assert_int_equal(loaded.size, size);
        assert_int_equal(loaded.count, __builtin_popcountll(size));
        assert_int_equal(loaded.count, grown.count);
        assert_memory_equal(loaded.h, grown.h, grown.count * sizeof(struct tlog_hash));
        tlog_edge_root(&grown, &root);
        assert_true(tlog_hash_eq(&root, &want));
        if (size < NAIVE_MAX)
            tlog_edge_append(&grown, &memory.level[0][size]);
    }
    memory_done(&memory);
}

static void check_inclusion(struct memory *memory, uint64_t index, uint64_t size, const struct tlog_hash *root)
{
    struct tlog_source source = {memory_read, memory};
    struct err err = {0};
    struct tlog_proof proof, want = {0};
    memory->size = size;
    memory->reads = 0;
    assert_int_equal(tlog_prove_inclusion(&source, index, size, &proof, &err), 0);
    assert_in_range(memory->reads, 0, 6); /* two levels: inside, to the right, to the left */
    naive_path(memory->level[0], index, size, &want);
    assert_proof_eq(&proof, &want);
    if (tlog_verify_inclusion(index, size, &memory->level[0][index], &proof, root, &err) < 0)
        fail_msg("%s", err.text);
}

static void inclusion_in_all_small_trees(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory, NAIVE_MAX);
    /* All trees up to 80 leaves, then sizes around what matters to tiles. */
    for (uint64_t size = 1; size <= NAIVE_MAX; size++) {
        if (size > 80 && size % 256 > 2 && size % 256 < 254 && size % 97 != 0)
            continue;
        struct tlog_hash root = naive_root(memory.level[0], size);
        for (uint64_t index = 0; index < size; index++)
            check_inclusion(&memory, index, size, &root);
    }
    memory_done(&memory);
}

static void check_consistency(struct memory *memory, uint64_t old, uint64_t size, const struct tlog_hash *roots)
{
    struct tlog_source source = {memory_read, memory};
    struct err err = {0};
    struct tlog_proof proof, want = {0};
    memory->size = size;
    assert_int_equal(tlog_prove_consistency(&source, old, size, &proof, &err), 0);
    if (old > 0)
        naive_subproof(memory->level[0], old, size, true, &want);
    assert_proof_eq(&proof, &want);
    if (tlog_verify_consistency(old, size, &roots[old], &roots[size], &proof, &err) < 0)
        fail_msg("%s", err.text);
}

static void consistency_of_all_small_trees(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory, NAIVE_MAX);
    struct tlog_hash *roots = calloc(NAIVE_MAX + 1, sizeof(*roots));
    assert_non_null(roots);
    for (uint64_t size = 0; size <= NAIVE_MAX; size++)
        roots[size] = naive_root(memory.level[0], size);
    for (uint64_t size = 0; size <= NAIVE_MAX; size++) {
        if (size > 80 && size % 256 > 2 && size % 256 < 254 && size % 97 != 0)
            continue;
        for (uint64_t old = 0; old <= size; old++)
            check_consistency(&memory, old, size, roots);
    }
    free(roots);
    memory_done(&memory);
}

static void flip(struct tlog_hash *hash, uint64_t salt)
{
    hash->b[salt % TLOG_HASH_SIZE] ^= (uint8_t)(1u << salt % 8);
}

/* Changing any hash, leaving one out, adding one, another index, size, leaf or root: refused. */
static void tampered_inclusion_is_refused(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory, 300);
    struct tlog_source source = {memory_read, &memory};
    struct err err = {0};
    for (uint64_t size = 1; size <= 300; size += size < 70 ? 1 : 23) {
        memory.size = size;
        struct tlog_hash root = naive_root(memory.level[0], size);
        for (uint64_t index = 0; index < size; index += 1 + size / 40) {
            struct tlog_proof proof, bad;
            struct tlog_hash leaf = memory.level[0][index];
            assert_int_equal(tlog_prove_inclusion(&source, index, size, &proof, &err), 0);
            for (size_t i = 0; i < proof.count; i++) {
                bad = proof;
                flip(&bad.h[i], size + index + i);
                assert_int_equal(tlog_verify_inclusion(index, size, &leaf, &bad, &root, &err), ERR_VERIFY);
            }
            bad = proof;
            bad.h[bad.count++] = leaf;
            assert_int_equal(tlog_verify_inclusion(index, size, &leaf, &bad, &root, &err), ERR_VERIFY);
            if (proof.count > 0) {
                bad = proof;
                bad.count--;
                assert_int_equal(tlog_verify_inclusion(index, size, &leaf, &bad, &root, &err), ERR_VERIFY);
                assert_int_equal(tlog_verify_inclusion(index ^ 1, size, &leaf, &proof, &root, &err), ERR_VERIFY);
            }
            struct tlog_hash other = leaf;
            flip(&other, index);
            assert_int_equal(tlog_verify_inclusion(index, size, &other, &proof, &root, &err), ERR_VERIFY);
            other = root;
            flip(&other, index);
            assert_int_equal(tlog_verify_inclusion(index, size, &leaf, &proof, &other, &err), ERR_VERIFY);
            assert_int_equal(tlog_verify_inclusion(size + index, size, &leaf, &proof, &root, &err), ERR_VERIFY);
        }
    }
    memory_done(&memory);
}

static void tampered_consistency_is_refused(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory, 300);
    struct tlog_source source = {memory_read, &memory};
    struct err err = {0};
    for (uint64_t size = 2; size <= 300; size += size < 70 ? 1 : 23) {
        memory.size = size;
        struct tlog_hash root = naive_root(memory.level[0], size);
        for (uint64_t old = 1; old < size; old += 1 + size / 40) {
            struct tlog_hash old_root = naive_root(memory.level[0], old), other;
            struct tlog_proof proof, bad;
            assert_int_equal(tlog_prove_consistency(&source, old, size, &proof, &err), 0);
            for (size_t i = 0; i < proof.count; i++) {
                bad = proof;
                flip(&bad.h[i], size + old + i);
                assert_int_equal(tlog_verify_consistency(old, size, &old_root, &root, &bad, &err), ERR_VERIFY);
            }
            bad = proof;
            bad.h[bad.count++] = root;
            assert_int_equal(tlog_verify_consistency(old, size, &old_root, &root, &bad, &err), ERR_VERIFY);
            bad = proof;
            bad.count--;
            assert_int_equal(tlog_verify_consistency(old, size, &old_root, &root, &bad, &err), ERR_VERIFY);
            bad.count = 0;
            assert_int_equal(tlog_verify_consistency(old, size, &old_root, &root, &bad, &err), ERR_VERIFY);
            other = old_root;
            flip(&other, old);
            assert_int_equal(tlog_verify_consistency(old, size, &other, &root, &proof, &err), ERR_VERIFY);
            other = root;
            flip(&other, old);
            assert_int_equal(tlog_verify_consistency(old, size, &old_root, &other, &proof, &err), ERR_VERIFY);
            assert_int_equal(tlog_verify_consistency(size, old, &root, &old_root, &proof, &err), ERR_VERIFY);
        }
    }
    memory_done(&memory);
}

static void edges_of_proofs(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory, 8);
    struct tlog_source source = {memory_read, &memory};
    struct err err = {0};
    struct tlog_proof proof = {0};
    struct tlog_hash root = naive_root(memory.level[0], 8), empty;
    tlog_empty_root(&empty);
    assert_fails(tlog_prove_inclusion(&source, 8, 8, &proof, &err), &err, ERR_USAGE, "entry 8 in a log of 8");
    assert_fails(tlog_prove_inclusion(&source, 0, 0, &proof, &err), &err, ERR_USAGE, "entry 0 in a log of 0");
    assert_fails(tlog_prove_consistency(&source, 9, 8, &proof, &err), &err, ERR_USAGE, "size 9 back to 8");
    proof.count = 0;
    assert_int_equal(tlog_verify_consistency(0, 8, &empty, &root, &proof, &err), 0);
    assert_int_equal(tlog_verify_consistency(0, 0, &empty, &empty, &proof, &err), 0);
    assert_int_equal(tlog_verify_consistency(8, 8, &root, &root, &proof, &err), 0);
    assert_fails(tlog_verify_consistency(0, 8, &root, &root, &proof, &err), &err, ERR_VERIFY, "empty log");
    assert_fails(tlog_verify_consistency(8, 8, &root, &empty, &proof, &err), &err, ERR_VERIFY, "two roots at one size");
    proof.count = 1;
    assert_fails(tlog_verify_consistency(0, 8, &empty, &root, &proof, &err), &err, ERR_VERIFY, "must be empty");
    assert_fails(tlog_verify_consistency(8, 8, &root, &root, &proof, &err), &err, ERR_VERIFY, "must be empty");
    proof.count = TLOG_PROOF_MAX;
    memset(proof.h, 0, sizeof(proof.h));
    assert_fails(tlog_verify_inclusion(0, UINT64_MAX, &root, &proof, &root, &err), &err, ERR_VERIFY, "too long");
    assert_int_equal(tlog_verify_consistency(1, UINT64_MAX, &root, &root, &proof, &err), ERR_VERIFY);
    memory_done(&memory);
}

/* Trees beyond 65,536 leaves have three levels of tiles; the naive functions still answer a few questions. */
static void trees_across_tile_levels(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {255,   256,   257,   511,   512,   65280, 65535,
                                     65536, 65537, 65791, 65792, 65793, 66000, 70000};
    const uint64_t largest = 70000;
    const size_t count = sizeof(sizes) / sizeof(*sizes);
    struct memory memory;
    memory_init(&memory, largest);
    struct tlog_hash *roots = calloc(largest + 1, sizeof(*roots));
    assert_non_null(roots);
    struct tlog_edge edge;
    tlog_edge_init(&edge);
    for (uint64_t size = 0; size <= largest; size++) {
        tlog_edge_root(&edge, &roots[size]);
        if (size < largest)
            tlog_edge_append(&edge, &memory.level[0][size]);
    }
    for (size_t i = 0; i < count; i++) {
        struct tlog_source source = {memory_read, &memory};
        struct tlog_hash root;
        struct err err = {0};
        memory.size = sizes[i];
        assert_int_equal(tlog_root(&source, sizes[i], &root, &err), 0);
        assert_true(tlog_hash_eq(&root, &roots[sizes[i]]));
        static const uint64_t places[] = {0, 1, 255, 256, 65279, 65535, 65536};
        for (size_t j = 0; j < sizeof(places) / sizeof(*places); j++) {
            if (places[j] < sizes[i])
                check_inclusion(&memory, places[j], sizes[i], &root);
        }
        check_inclusion(&memory, sizes[i] - 1, sizes[i], &root);
        for (size_t j = 0; j <= i; j++)
            check_consistency(&memory, sizes[j], sizes[i], roots);
    }
    free(roots);
    memory_done(&memory);
}

/*
 * A log of up to 2^63 equal leaves: all perfect subtrees of one height have one hash, so a source needs no memory.
 * Proofs cannot be compared with naive ones there; that they verify says enough.
 */
static struct tlog_hash equal_subtrees[64];

static int equal_read(void *ctx, unsigned level, uint64_t first, size_t count, struct tlog_hash *out, struct err *err)
{
    (void)err;
    uint64_t size = *(uint64_t *)ctx;
    assert_in_range(level, 0, 7);
    assert_true(first + count <= size >> (8 * level));
    assert_int_equal(first / TILE_WIDTH, (first + count - 1) / TILE_WIDTH);
    for (size_t i = 0; i < count; i++)
        out[i] = equal_subtrees[8 * level];
    return 0;
}

static void trees_of_all_heights(void **state)
{
    (void)state;
    leaf_at(0, &equal_subtrees[0]);
    for (int i = 1; i < 64; i++)
        tlog_node_hash(&equal_subtrees[i - 1], &equal_subtrees[i - 1], &equal_subtrees[i]);
    struct err err = {0};
    uint64_t size;
    struct tlog_source source = {equal_read, &size};
    for (unsigned bit = 1; bit < 64; bit++) {
        const uint64_t power = UINT64_C(1) << bit;
        const uint64_t sizes[] = {power - 1, power, power + 1, power + power / 2, power | power / 4 | 1};
        for (size_t i = 0; i < 5; i++) {
            size = sizes[i];
            struct tlog_hash root;
            assert_int_equal(tlog_root(&source, size, &root, &err), 0);
            if (i == 1)
                assert_true(tlog_hash_eq(&root, &equal_subtrees[bit]));
            const uint64_t at[] = {0, size / 3, size / 2, size - 1};
            for (size_t j = 0; j < 4; j++) {
                struct tlog_proof proof;
                assert_int_equal(tlog_prove_inclusion(&source, at[j], size, &proof, &err), 0);
                assert_in_range(proof.count, 0, 64);
                if (tlog_verify_inclusion(at[j], size, &equal_subtrees[0], &proof, &root, &err) < 0)
                    fail_msg("%s", err.text);
                struct tlog_hash old_root;
                assert_int_equal(tlog_root(&source, at[j], &old_root, &err), 0);
                assert_int_equal(tlog_prove_consistency(&source, at[j], size, &proof, &err), 0);
                assert_in_range(proof.count, 0, 65);
                if (tlog_verify_consistency(at[j], size, &old_root, &root, &proof, &err) < 0)
                    fail_msg("%s", err.text);
            }
        }
    }
}

static int broken_read(void *ctx, unsigned level, uint64_t first, size_t count, struct tlog_hash *out, struct err *err)
{
    (void)level, (void)first;
    unsigned *left = ctx;
    if (*left == 0)
        return err_set(err, ERR_IO, "disk");
    (*left)--;
    memset(out, 0, count * sizeof(*out));
    return 0;
}

static void failed_reads_are_passed_on(void **state)
{
    (void)state;
    struct err err = {0};
    struct tlog_proof proof;
    struct tlog_hash root;
    struct tlog_edge edge;
    unsigned left;
    struct tlog_source source = {broken_read, &left};
    int good = 0;
    for (unsigned reads = 0; reads < 20; reads++) {
        left = reads;
        int root_result = tlog_root(&source, 70001, &root, &err);
        left = reads;
        int edge_result = tlog_edge_load(&source, 70001, &edge, &err);
        left = reads;
        int inclusion = tlog_prove_inclusion(&source, 1234, 70001, &proof, &err);
        left = reads;
        int consistency = tlog_prove_consistency(&source, 65793, 70001, &proof, &err);
        assert_int_equal(root_result, edge_result);
        assert_true(root_result == 0 || root_result == ERR_IO);
        assert_true(inclusion == 0 || inclusion == ERR_IO);
        assert_true(consistency == 0 || consistency == ERR_IO);
        if (reads == 0)
            assert_true(root_result && inclusion && consistency);
        good = !root_result && !inclusion && !consistency;
    }
    assert_true(good);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_root_vector),
        cmocka_unit_test(reference_tree),
        cmocka_unit_test(roots_and_edges_of_all_sizes),
        cmocka_unit_test(inclusion_in_all_small_trees),
        cmocka_unit_test(consistency_of_all_small_trees),
        cmocka_unit_test(tampered_inclusion_is_refused),
        cmocka_unit_test(tampered_consistency_is_refused),
        cmocka_unit_test(edges_of_proofs),
        cmocka_unit_test(trees_across_tile_levels),
        cmocka_unit_test(trees_of_all_heights),
        cmocka_unit_test(failed_reads_are_passed_on),
    };
    return cmocka_run_group_tests_name("tlog/merkle", tests, NULL, NULL);
}

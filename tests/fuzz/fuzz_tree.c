/* fuzz: tlog */
#include "fuzz_draw.h"
#include "tlog/checkpoint.h"
#include "tlog/tile.h"

#include <assert.h>

/*
 * A tree of few different leaves, drawn from the input: its proofs hold, travel in a file under a signed checkpoint, and
 * with a byte of that file changed prove nothing that is not so.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ORIGIN "log.example/a"
#define LEAVES_MAX (2 * TILE_WIDTH + 200)

static struct tlog_hash leaves[LEAVES_MAX], tiles[LEAVES_MAX / TILE_WIDTH], roots[LEAVES_MAX + 1];
static size_t count;

static int read_hashes(void *ctx, unsigned level, uint64_t first, size_t wanted, struct tlog_hash *out, struct err *err)
{
    (void)ctx;
    (void)err;
    assert(level <= 1 && first + wanted <= (level ? count / TILE_WIDTH : count));
    memcpy(out, (level ? tiles : leaves) + first, wanted * sizeof(*out));
    return 0;
}

static const struct tlog_source source = {read_hashes, NULL};

static void grow(struct draw *draw)
{
    struct tlog_edge all, tile;
    tlog_edge_init(&all);
    tlog_edge_init(&tile);
    count = 1 + draw_below(draw, LEAVES_MAX);
    tlog_edge_root(&all, &roots[0]);
    for (size_t i = 0; i < count; i++) {
        uint8_t entry = draw_u8(draw);
        tlog_leaf_hash(span_of(&entry, 1), &leaves[i]);
        tlog_edge_append(&all, &leaves[i]);
        tlog_edge_append(&tile, &leaves[i]);
        tlog_edge_root(&all, &roots[i + 1]);
        if (tile.size < TILE_WIDTH)
            continue;
        tlog_edge_root(&tile, &tiles[i / TILE_WIDTH]);
        tlog_edge_init(&tile);
    }
}

static void try_edge(struct draw *draw)
{
    struct err err;
    struct tlog_edge edge;
    struct tlog_hash root;
    uint64_t at = draw_below(draw, count + 1);
    int rc = tlog_root(&source, at, &root, &err);
    assert(rc == 0 && tlog_hash_eq(&root, &roots[at]));
    rc = tlog_edge_load(&source, at, &edge, &err);
    assert(rc == 0 && edge.size == at);
    for (size_t i = at; i < count; i++)
        tlog_edge_append(&edge, &leaves[i]);
    tlog_edge_root(&edge, &root);
    assert(tlog_hash_eq(&root, &roots[count]));
}

static void try_consistency(struct draw *draw)
{
    static struct tlog_proof proof;
    struct err err;
    struct tlog_hash other;
    uint64_t old = draw_below(draw, count + 1);
    int rc = tlog_prove_consistency(&source, old, count, &proof, &err);
    assert(rc == 0);
    rc = tlog_verify_consistency(old, count, &roots[old], &roots[count], &proof, &err);
    assert(rc == 0);
    if (proof.count == 0)
        return;
    other = roots[old];
    draw_change(draw, other.b, sizeof(other.b));
    rc = tlog_verify_consistency(old, count, &other, &roots[count], &proof, &err);
    assert(rc == ERR_VERIFY);
    size_t at = draw_below(draw, proof.count);
    draw_change(draw, proof.h[at].b, TLOG_HASH_SIZE);
    rc = tlog_verify_consistency(old, count, &roots[old], &roots[count], &proof, &err);
    assert(rc == ERR_VERIFY);
}

/* The whole way of somebody who is handed a proof: 0 and what it proves, if it proves something. */
static int believe(struct span file, const struct note_key *key, const struct tlog_hash *leaf, uint64_t *ret_index,
                   struct checkpoint *ret)
{
    static struct tlog_proof proof;
    static struct note note;
    struct err err;
    struct span text;
    int rc = proof_file_parse(file, ret_index, &proof, &text, &err);
    if (rc == 0)
        rc = note_parse(text, &note, &err);
    if (rc == 0)
        rc = note_verify(&note, key, NULL, &err) == 1 ? 0 : ERR_VERIFY;
    if (rc == 0)
        rc = checkpoint_parse(note.text, ret, &err);
    return rc ? rc : tlog_verify_inclusion(*ret_index, ret->size, leaf, &proof, &ret->root, &err);
}

static void try_file(struct draw *draw)
{
    static struct note_signer signer;
    static struct tlog_proof proof;
    const struct note_signer *signers[] = {&signer};
    struct buf note, file;
    struct err err;
    struct checkpoint got;
    uint64_t index = draw_below(draw, count), found;
    uint8_t seed[ED25519_SEED] = {1};
    buf_init(&note, NOTE_MAX);
    buf_init(&file, NOTE_MAX);
    int rc = signer.key.type ? 0 : note_signer_make(&signer, SPAN_LIT(ORIGIN), NOTE_ED25519, seed, &err);
    assert(rc == 0);
    rc = checkpoint_sign(SPAN_LIT(ORIGIN), count, &roots[count], signers, 1, &note, &err);
    assert(rc == 0);
    rc = tlog_prove_inclusion(&source, index, count, &proof, &err);
    assert(rc == 0);
    rc = proof_file_write(index, &proof, buf_view(&note), &file, &err);
    assert(rc == 0);
    rc = believe(buf_view(&file), &signer.key, &leaves[index], &found, &got);
    assert(rc == 0 && found == index && got.size == count);
    for (int changes = 0; changes < 8; changes++) {
        size_t at = draw_below(draw, file.len);
        uint8_t was = file.data[at];
        file.data[at] ^= (uint8_t)(1 + draw_below(draw, 255));
        /* Equal leaves may stand at several places, and their proofs may be the same. */
        if (believe(buf_view(&file), &signer.key, &leaves[index], &found, &got) == 0)
            assert(span_is(got.origin, ORIGIN) && got.size == count && tlog_hash_eq(&got.root, &roots[count]) &&
                   found < count && tlog_hash_eq(&leaves[found], &leaves[index]));
        file.data[at] = was;
    }
    buf_done(&note);
    buf_done(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw draw = {span_of(data, size)};
    for (int rounds = 0; rounds == 0 || (rounds < 4 && draw.rest.len > 0); rounds++) {
        struct draw changes = {span_sub(draw.rest, 0, 40)};
        draw.rest = span_sub(draw.rest, 40, SIZE_MAX);
        grow(&draw);
        try_edge(&changes);
        try_consistency(&changes);
        try_file(&changes);
    }
    return 0;
}

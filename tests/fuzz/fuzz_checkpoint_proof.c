/* fuzz: tlog */
#include "tlog/checkpoint.h"

#include <assert.h>

/* What parses as a checkpoint or proof file is written back byte for byte (a proof without its "extra" line). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_checkpoint(struct span text)
{
    struct checkpoint cp;
    struct err err;
    if (checkpoint_parse(text, &cp, &err) < 0) {
        assert(err.code == ERR_SYNTAX || err.code == ERR_LIMIT);
        return;
    }
    struct buf buf;
    buf_init(&buf, NOTE_MAX);
    checkpoint_text(cp.origin, cp.size, &cp.root, &buf);
    assert(span_eq(buf_view(&buf), text));
    buf_done(&buf);
}

/* Without "extra" it is the same proof. */
static void check_again(struct span text, uint64_t index, const struct tlog_proof *proof, struct span note)
{
    static struct tlog_proof again;
    struct err err;
    struct span rest;
    uint64_t found;
    int parsed = proof_file_parse(text, &found, &again, &rest, &err);
    assert(parsed == 0 && found == index && again.count == proof->count && span_eq(rest, note));
    assert(memcmp(again.h, proof->h, proof->count * sizeof(proof->h[0])) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tlog_proof proof;
    static struct note note;
    struct span text = span_of(data, size), rest;
    struct err err;
    uint64_t index;
    try_checkpoint(text);
    if (proof_file_parse(text, &index, &proof, &rest, &err) < 0) {
        assert(err.code == ERR_SYNTAX || err.code == ERR_LIMIT);
        return 0;
    }
    struct buf buf;
    buf_init(&buf, 2 * size + 100);
    int written = proof_file_write(index, &proof, rest, &buf, &err);
    assert(written == 0);
    if (span_search(text, SPAN_LIT("\nextra ")) == text.len)
        assert(span_eq(buf_view(&buf), text));
    check_again(buf_view(&buf), index, &proof, rest);
    buf_done(&buf);
    /* Its checkpoint, then the proof against that root: of some leaf, so it cannot hold but in a tree of one leaf. */
    if (note_parse(rest, &note, &err) < 0)
        return 0;
    struct checkpoint cp;
    if (checkpoint_parse(note.text, &cp, &err) < 0)
        return 0;
    int holds = tlog_verify_inclusion(index, cp.size, &cp.root, &proof, &cp.root, &err);
    assert(holds == (index == 0 && cp.size == 1 && proof.count == 0 ? 0 : ERR_VERIFY));
    holds = tlog_verify_consistency(index, cp.size, &cp.root, &cp.root, &proof, &err);
    assert(index == 0 || holds == (index == cp.size && proof.count == 0 ? 0 : ERR_VERIFY));
    return 0;
}

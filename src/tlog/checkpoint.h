/* C2SP tlog-checkpoint v1.0.0 and tlog-proof: "origin\nsize\nroot\n", and a proof that travels as a file. */
#ifndef TONGZHOU_TLOG_CHECKPOINT_H
#define TONGZHOU_TLOG_CHECKPOINT_H

#include "tlog/merkle.h"
#include "tlog/note.h"

struct checkpoint {
    struct span origin; /* borrowed when parsed */
    uint64_t size;
    struct tlog_hash root;
};

/* Append the three lines. */
void checkpoint_text(struct span origin, uint64_t size, const struct tlog_hash *root, struct buf *out);

/*
 * Parse a note's text as a checkpoint: three lines; extension lines are refused as our logs write none.
 * ERR_SYNTAX, ERR_LIMIT (size above LOG_SIZE_MAX).
 */
int checkpoint_parse(struct span text, struct checkpoint *out, struct err *err);

/* Append text, empty line and one signature line a signer (1..3; a rotation's checkpoint has two). */
int checkpoint_sign(struct span origin, uint64_t size, const struct tlog_hash *root,
                    const struct note_signer *const *signers, size_t signer_count, struct buf *out, struct err *err);

/* Append a tlog-proof: header, index, hashes from the leaf's sibling upward, empty line, the signed checkpoint. */
int proof_file_write(uint64_t index, const struct tlog_proof *proof, struct span checkpoint_note, struct buf *out,
                     struct err *err);

/* Parse one; *ret_note borrows. */
int proof_file_parse(struct span text, uint64_t *ret_index, struct tlog_proof *ret_proof, struct span *ret_note,
                     struct err *err);

#endif

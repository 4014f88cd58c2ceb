#include "tlog/checkpoint.h"

#include <inttypes.h>

#include "base/codec.h"
#include "base/reader.h"

#define PROOF_HEADER "c2sp.org/tlog-proof@v1\n"
#define PROOF_EXTRA_MAX 65536 /* bytes of a proof's "extra" line, which we pass over */

static void add_hash_line(struct buf *out, const struct tlog_hash *hash)
{
    buf_base64(out, hash->b, TLOG_HASH_SIZE);
    buf_byte(out, '\n');
}

void checkpoint_text(struct span origin, uint64_t size, const struct tlog_hash *root, struct buf *out)
{
    buf_span(out, origin);
    buf_fmt(out, "\n%" PRIu64 "\n", size);
    add_hash_line(out, root);
}

int checkpoint_parse(struct span text, struct checkpoint *out, struct err *err)
{
    struct reader r;
    reader_init(&r, text);
    struct checkpoint found = {.origin = reader_line(&r, ORIGIN_MAX)};
    struct span size = reader_line(&r, 20), root = reader_line(&r, BASE64_LEN(TLOG_HASH_SIZE));
    if (reader_finish(&r, "checkpoint", err) < 0)
        return err->code;
    if (found.origin.len == 0)
        return err_set(err, ERR_SYNTAX, "checkpoint: empty origin");
    if (!span_u64(size, UINT64_MAX, &found.size))
        return err_set(err, ERR_SYNTAX, "checkpoint: line 2: expected the size as a decimal number");
    if (found.size > LOG_SIZE_MAX)
        return err_set(err, ERR_LIMIT, "checkpoint: size %" PRIu64 ", limit %" PRIu64, found.size, LOG_SIZE_MAX);
    if (!base64_decode(root, found.root.b, TLOG_HASH_SIZE))
        return err_set(err, ERR_SYNTAX, "checkpoint: line 3: expected the base64 of a root hash");
    *out = found;
    return 0;
}

int checkpoint_sign(struct span origin, uint64_t size, const struct tlog_hash *root,
                    const struct note_signer *const *signers, size_t signer_count, struct buf *out, struct err *err)
{
    struct buf text;
    buf_init(&text, NOTE_MAX);
    checkpoint_text(origin, size, root, &text);
    int result = buf_check(&text, "checkpoint", err);
    /* Never sign what a reader would refuse: an origin with a newline, a size beyond the limit. */
    struct checkpoint parsed;
    if (result == 0)
        result = checkpoint_parse(buf_view(&text), &parsed, err);
    if (result == 0) {
        buf_span(out, buf_view(&text));
        buf_byte(out, '\n');
    }
    for (size_t i = 0; result == 0 && i < signer_count; i++)
        result = note_sign(buf_view(&text), signers[i], 0, out, err);
    buf_done(&text);
    return result;
}

/* ---- proofs as files ---- */

int proof_file_write(uint64_t index, const struct tlog_proof *proof, struct span checkpoint_note, struct buf *out,
                     struct err *err)
{
    buf_str(out, PROOF_HEADER);
    buf_fmt(out, "index %" PRIu64 "\n", index);
    for (size_t i = 0; i < proof->count; i++)
        add_hash_line(out, &proof->h[i]);
    buf_byte(out, '\n');
    buf_span(out, checkpoint_note);
    return buf_check(out, "proof", err);
}

/* The optional line: what it says is not authenticated, its form is still checked. */
static int pass_extra(struct reader *r, struct err *err)
{
    if (!span_starts(span_sub(r->all, r->pos, SIZE_MAX), SPAN_LIT("extra ")))
        return 0;
    reader_expect(r, "extra ");
    struct span base64 = reader_line(r, PROOF_EXTRA_MAX);
    size_t len;
    if (!base64_check(base64, &len))
        return err_set(err, ERR_SYNTAX, "proof: line 2: expected base64 behind \"extra\"");
    return 0;
}

int proof_file_parse(struct span text, uint64_t *ret_index, struct tlog_proof *ret_proof, struct span *ret_note,
                     struct err *err)
{
    struct reader r;
    reader_init(&r, text);
    reader_expect(&r, PROOF_HEADER);
    if (pass_extra(&r, err) < 0)
        return err->code;
    reader_expect(&r, "index ");
    struct span number = reader_line(&r, 20);
    if (reader_check(&r, "proof", err) < 0)
        return err->code;
    uint64_t index;
    if (!span_u64(number, UINT64_MAX, &index))
        return err_set(err, ERR_SYNTAX, "proof: expected the index as a decimal number");
    if (index >= LOG_SIZE_MAX)
        return err_set(err, ERR_LIMIT, "proof: index %" PRIu64 ", limit %" PRIu64, index, LOG_SIZE_MAX - 1);

    ret_proof->count = 0;
    for (;;) {
        struct span line = reader_line(&r, BASE64_LEN(TLOG_HASH_SIZE));
        if (reader_check(&r, "proof", err) < 0)
            return err->code;
        if (line.len == 0)
            break;
        if (ret_proof->count == TLOG_PROOF_MAX)
            return err_set(err, ERR_LIMIT, "proof: more than %d hashes", TLOG_PROOF_MAX);
        if (!base64_decode(line, ret_proof->h[ret_proof->count].b, TLOG_HASH_SIZE))
            return err_set(err, ERR_SYNTAX, "proof: hash %zu: expected the base64 of 32 bytes", ret_proof->count);
        ret_proof->count++;
    }
    *ret_index = index;
    *ret_note = reader_rest(&r);
    return 0;
}

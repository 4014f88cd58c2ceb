/* fuzz: tlog */
#include "tlog/note.h"

#include <assert.h>

#include "base/utf8.h"

/*
 * Any note and verifier key: what is accepted has the promised form, and a key reads back as it was written. Then the
 * text is signed anew by fixed keys, so that what lies behind a good signature is reached, too, and a byte is changed:
 * no other text is ever believed.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIGNED_TIME 1795346066u

static void try_vkey(struct span text, struct note_key *key)
{
    struct err err;
    if (note_vkey_parse(text, key, &err) < 0)
        return;
    char again[VKEY_MAX + 1];
    note_vkey_format(key, again);
    assert(span_is(text, again));
}

static void check_form(const struct note *note, size_t size)
{
    size_t lines = 0;
    assert(note->sig_count >= 1 && note->sig_count <= NOTE_SIGS_MAX);
    assert(note->text.len > 0 && note->text.data[note->text.len - 1] == '\n');
    for (size_t i = 0; i < note->sig_count; i++) {
        assert(note->sigs[i].len <= sizeof(note->sigs[i].bytes) && utf8_valid(note->sigs[i].name));
        lines += note->sigs[i].line.len;
    }
    assert(note->text.len + 1 + lines == size);
}

static void make_signers(struct note_signer signers[2])
{
    struct err err;
    uint8_t seed[ED25519_SEED] = {1};
    int made = note_signer_make(&signers[0], SPAN_LIT("log.example/a"), NOTE_ED25519, seed, &err);
    assert(made == 0);
    seed[0] = 2;
    made = note_signer_make(&signers[1], SPAN_LIT("witness.example"), NOTE_COSIGNATURE, seed, &err);
    assert(made == 0);
}

/* Whoever is said to have signed has signed this text. */
static void check_believed(struct span all, struct span text, const struct note_signer signers[2], bool changed)
{
    static struct note note;
    struct err err;
    uint64_t time = 0;
    bool read = note_parse(all, &note, &err) == 0;
    assert(read || changed);
    for (int i = 0; read && i < 2; i++) {
        int by = note_verify(&note, &signers[i].key, &time, &err);
        assert(by == 1 || changed);
        assert(by != 1 || (span_eq(note.text, text) && time == (i == 0 ? 0 : SIGNED_TIME)));
    }
}

/* `text` is one that a note may have. The input itself says which bytes are changed, one after the other. */
static void try_signed(struct span text, struct span input)
{
    static struct note_signer signers[2];
    struct buf all;
    struct err err;
    uint32_t draw = 2166136261u;
    if (!signers[0].key.type)
        make_signers(signers);
    buf_init(&all, NOTE_MAX);
    buf_span(&all, text);
    buf_byte(&all, '\n');
    if (note_sign(text, &signers[0], 0, &all, &err) == 0 &&
        note_sign(text, &signers[1], SIGNED_TIME, &all, &err) == 0) {
        check_believed(buf_view(&all), text, signers, false);
        for (size_t i = 0; i < input.len; i++)
            draw = (draw ^ input.data[i]) * 16777619u;
        for (int changes = 0; changes < 8; changes++) {
            size_t at = (draw >> 8) % all.len;
            uint8_t was = all.data[at];
            all.data[at] ^= (uint8_t)(1 + draw % 255);
            check_believed(buf_view(&all), text, signers, true);
            all.data[at] = was;
            draw = (draw ^ 0x5bu) * 16777619u;
        }
    }
    buf_done(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct note note;
    struct err err;
    struct span text = span_of(data, size);
    struct note_key key;
    struct span example = SPAN_LIT("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    int parsed = note_vkey_parse(example, &key, &err);
    assert(parsed == 0);
    /* The first line may be a verifier key, the note is what follows; or all is the note. */
    struct span first = span_sub(text, 0, span_find(text, '\n'));
    try_vkey(first, &key);
    for (int part = 0; part < 2; part++) {
        struct span all = part ? span_sub(text, first.len + 1, SIZE_MAX) : text;
        if (note_parse(all, &note, &err) < 0) {
            assert(err.code == ERR_SYNTAX || err.code == ERR_LIMIT);
            continue;
        }
        check_form(&note, all.len);
        uint64_t time;
        (void)note_verify(&note, &key, &time, &err);
        try_signed(note.text, text);
    }
    return 0;
}

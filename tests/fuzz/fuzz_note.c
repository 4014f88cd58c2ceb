/* fuzz: tlog */
#include "tlog/note.h"

#include <assert.h>

#include "base/utf8.h"

/* Any note and verifier key: what is accepted has the promised form, and a key reads back as it was written. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_vkey(struct span text, struct note_key *key)
{
    struct err err;
    if (note_vkey_parse(text, key, &err) < 0)
        return;
    char again[VKEY_MAX + 1];
    note_vkey_format(key, again);
    assert(span_is(text, again));
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
        assert(note.sig_count >= 1 && note.sig_count <= NOTE_SIGS_MAX);
        assert(note.text.len > 0 && note.text.data[note.text.len - 1] == '\n');
        size_t lines = 0;
        for (size_t i = 0; i < note.sig_count; i++) {
            assert(note.sigs[i].len <= sizeof(note.sigs[i].bytes) && utf8_valid(note.sigs[i].name));
            lines += note.sigs[i].line.len;
        }
        assert(note.text.len + 1 + lines == all.len);
        uint64_t time;
        (void)note_verify(&note, &key, &time, &err);
    }
    return 0;
}

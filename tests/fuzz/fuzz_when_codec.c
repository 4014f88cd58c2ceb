/* fuzz: base */
#include "base/codec.h"

#include <assert.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/utf8.h"
#include "base/when.h"

/* Small decoders: what is accepted encodes to the same text; what is shown is harmless. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_when(struct span text)
{
    int64_t ms, loose;
    char again[WHEN_TEXT_LEN + 1];
    if (when_parse_loose(text, &loose)) {
        assert(loose >= 0 && loose <= WHEN_MAX_MS);
        when_format(loose, again);
    }
    if (when_parse(text, &ms)) {
        when_format(ms, again);
        assert(span_is(text, again));
        assert(when_parse_loose(text, &loose) && loose == ms);
    }
}

static void try_codecs(struct span text)
{
    uint8_t *bytes = malloc(text.len + 1);
    char *again = malloc(2 * text.len + 8);
    assert(bytes && again);
    size_t len, checked;
    if (base64_decode_any(text, text.len, bytes, &len)) {
        assert(base64_check(text, &checked) && checked == len);
        base64_encode(bytes, len, again);
        assert(span_is(text, again));
    } else {
        assert(!base64_check(text, &checked));
    }
    uint8_t exact[32];
    if (base64_decode(text, exact, sizeof(exact))) {
        base64_encode(exact, sizeof(exact), again);
        assert(span_is(text, again));
    }
    len = text.len / 2;
    if (hex_decode(text, bytes, len)) {
        hex_encode(bytes, len, again);
        assert(span_is(text, again));
    }
    len = text.len * 5 / 8;
    if (base32_decode(text, bytes, len)) {
        base32_encode(bytes, len, again);
        assert(span_is(text, again));
    }
    free(again);
    free(bytes);
}

static void try_text(struct span text)
{
    bool valid = true;
    for (size_t pos = 0, at = 0; pos < text.len; at = pos) {
        if (utf8_next(text, &pos) == 0xFFFD && pos == at + 1)
            valid = false;
    }
    assert(utf8_valid(text) == valid);

    struct buf out;
    buf_init(&out, 16 * text.len + 16);
    text_escape(&out, text, SIZE_MAX);
    assert(!out.failed && utf8_valid(buf_view(&out)));
    for (size_t i = 0; i < out.len; i++)
        assert(out.data[i] >= 0x20 && out.data[i] != 0x7F);
    char into[24];
    text_escape_into(into, sizeof(into), text);
    assert(utf8_valid(span_str(into)));

    /* A literal that we write is one that we read, with the same text in it if that was valid. */
    buf_clear(&out);
    buf_byte(&out, '[');
    buf_json_string(&out, text);
    buf_byte(&out, ']');
    struct json_scanner *scanner = json_scanner_new();
    assert(scanner);
    const struct json_tree *tree;
    struct err err;
    int scanned = json_scan(scanner, buf_view(&out), &tree, &err);
    assert(scanned == 0);
    struct arena arena;
    arena_init(&arena, 16 * text.len + 64);
    if (valid)
        assert(span_eq(json_text(tree, 1, &arena), text));
    arena_done(&arena);
    json_scanner_free(scanner);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    uint64_t number;
    (void)span_u64(text, UINT64_MAX, &number);
    try_when(text);
    try_codecs(text);
    try_text(text);
    return 0;
}

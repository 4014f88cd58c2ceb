/* fuzz: record */
/*
 * age files. The first byte says how the rest is used: as a whole file; as stanzas in front of one for a fixed key, under
 * a MAC that holds, so that what stands behind the header is reached; as chunks behind such a header; as a text to write,
 * of which one byte is changed and must be noticed.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/random.h"
#include "record/age_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t secret[1][32] = {{1, 2, 3}};
static const uint8_t file_key[AGE_FILE_KEY] = {4, 5, 6};

static int open_it(struct span file, struct buf *out)
{
    struct err err;
    buf_clear(out);
    int rc = age_decrypt(file, secret, 1, out, &err);
    if (rc < 0 && out->len > 0)
        abort();
    return rc;
}

static void begin(struct buf *file, struct span stanzas, const uint8_t key[32])
{
    struct err err;
    buf_str(file, AGE_INTRO);
    buf_span(file, stanzas);
    if (age_add_stanza(file, key, file_key, &err) != 0)
        abort();
    age_end_header(file, 0, file_key);
}

static void written_and_changed(struct span rest, const uint8_t key[1][32], struct buf *file, struct buf *out)
{
    struct err err;
    size_t at = rest.len < 3 ? 0 : (size_t)rest.data[0] << 8 | rest.data[1];
    uint8_t change = rest.len < 3 ? 1 : rest.data[2];
    struct span text = span_sub(rest, 3, SIZE_MAX);
    if (age_encrypt(key, 1, text, file, &err) != 0 || file->len != age_size(1, text.len))
        abort();
    if (open_it(buf_view(file), out) != 0 || !span_eq(buf_view(out), text))
        abort();
    file->data[at % file->len] ^= change;
    if (change != 0 && open_it(buf_view(file), out) == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t key[1][32];
    struct buf file, out;
    if (size == 0 || size > (1u << 20))
        return 0;
    random_hash((struct span){0}); /* libsodium is begun */
    crypto_scalarmult_curve25519_base(key[0], secret[0]);
    struct span rest = span_of(data + 1, size - 1);
    buf_init(&file, 4u << 20);
    buf_init(&out, 4u << 20);
    switch (data[0] % 4) {
    case 0:
        (void)open_it(rest, &out);
        break;
    case 1:
        begin(&file, rest, key[0]);
        age_add_payload(&file, SPAN_LIT("text"), file_key);
        if (open_it(buf_view(&file), &out) == 0 && !span_is(buf_view(&out), "text"))
            abort();
        break;
    case 2:
        begin(&file, SPAN_LIT("-> x\n\n"), key[0]);
        buf_span(&file, rest);
        (void)open_it(buf_view(&file), &out);
        break;
    default:
        written_and_changed(rest, key, &file, &out);
    }
    buf_done(&file);
    buf_done(&out);
    return 0;
}

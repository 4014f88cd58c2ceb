/* Reading: the header's form, whose it is, its MAC, the chunks. */
#include "record/age.h"

#include <sodium.h>

#include "base/codec.h"
#include "base/reader.h"
#include "record/age_parts.h"

#define BODY_LINE 64 /* characters of a full line of a stanza's body */

static const uint8_t no_nonce[12];

struct stanza {
    uint8_t share[32], body[AGE_BODY];
};

struct header {
    struct stanza stanza[AGE_STANZAS_MAX]; /* the X25519 ones */
    size_t count;
    struct span signed_part; /* what the MAC covers */
    uint8_t mac[32];
    struct span payload;
};

/* ---- the header's form ---- */

/* 32 bytes in base64 without padding, in the one form that an encoder writes. */
static bool decode_unpadded(struct span text, uint8_t out[32])
{
    char padded[AGE_KEY_TEXT + 1];
    if (text.len != AGE_KEY_TEXT)
        return false;
    memcpy(padded, text.data, AGE_KEY_TEXT);
    padded[AGE_KEY_TEXT] = '=';
    return base64_decode(span_of(padded, sizeof padded), out, 32);
}

/* A line of base64 without padding. */
static bool is_body_line(struct span line)
{
    char padded[BODY_LINE + 4];
    size_t len = line.len, bytes;
    if (len > BODY_LINE || len % 4 == 1 || span_find(line, '=') < len)
        return false;
    if (len == 0)
        return true;
    memcpy(padded, line.data, len);
    while (len % 4 != 0)
        padded[len++] = '=';
    return base64_check(span_of(padded, len), &bytes);
}

/* Words of 1 or more visible ASCII characters, single spaces between them. */
static bool are_arguments(struct span line)
{
    bool in_word = false;
    for (size_t i = 0; i < line.len; i++) {
        bool is_space = line.data[i] == ' ';
        if ((is_space && !in_word) || (!is_space && (line.data[i] < 0x21 || line.data[i] > 0x7e)))
            return false;
        in_word = !is_space;
    }
    return in_word;
}

/* Lines of 64 characters and a shorter one, which may be empty. *ret_first: the first of them. */
static void read_body(struct reader *r, struct span *ret_first, size_t *ret_lines)
{
    struct span line;
    *ret_lines = 0;
    do {
        line = reader_line(r, BODY_LINE);
        if (!r->failed && !is_body_line(line))
            reader_fail(r, "base64 without padding, 64 characters a line");
        if (*ret_lines == 0)
            *ret_first = line;
        ++*ret_lines;
    } while (!r->failed && line.len == BODY_LINE);
}

static void read_stanza(struct reader *r, struct span arguments, struct header *header)
{
    static const char type[] = "X25519";
    struct span first = {0};
    size_t lines;
    if (!are_arguments(arguments)) {
        reader_fail(r, "a stanza's words, single spaces between them");
        return;
    }
    read_body(r, &first, &lines);
    size_t word = span_find(arguments, ' ');
    if (r->failed || !span_is(span_sub(arguments, 0, word), type))
        return;
    struct stanza *stanza = &header->stanza[header->count++];
    if (!decode_unpadded(span_sub(arguments, word + 1, SIZE_MAX), stanza->share) || lines != 1 ||
        !decode_unpadded(first, stanza->body))
        reader_fail(r, "an X25519 stanza of a share and a wrapped key, 32 bytes each");
}

static int read_header(struct span file, struct header *header, struct err *err)
{
    struct reader r;
    size_t stanzas = 0;
    struct span top = span_sub(file, 0, AGE_HEADER_MAX), line;
    header->count = 0;
    reader_init(&r, top);
    reader_expect(&r, AGE_INTRO);
    for (;;) {
        line = reader_line(&r, AGE_HEADER_MAX);
        if (r.failed || !span_starts(line, SPAN_LIT("-> ")))
            break;
        if (++stanzas > AGE_STANZAS_MAX)
            return err_set(err, ERR_LIMIT, "age: more than %d stanzas", AGE_STANZAS_MAX);
        read_stanza(&r, span_sub(line, 3, SIZE_MAX), header);
    }
    if (r.failed && file.len > top.len)
        return err_set(err, ERR_LIMIT, "age: header longer than %d bytes, or not in form", AGE_HEADER_MAX);
    if (!r.failed && (stanzas == 0 || !span_starts(line, SPAN_LIT("--- ")) ||
                      !decode_unpadded(span_sub(line, 4, SIZE_MAX), header->mac)))
        reader_fail(&r, "\"-> \" and a stanza, or \"--- \" and a MAC");
    int rc = reader_check(&r, "age", err);
    if (rc)
        return rc;
    header->signed_part = span_of(file.data, (size_t)(line.data - file.data) + 3);
    header->payload = span_sub(file, r.pos, SIZE_MAX);
    return 0;
}

/* ---- whose it is ---- */

static int unwrap(const struct stanza *stanza, const uint8_t secret[32], const uint8_t recipient[32],
                  uint8_t file_key[AGE_FILE_KEY], bool *ret, struct err *err)
{
    uint8_t shared[32], key[32];
    *ret = false;
    if (crypto_scalarmult_curve25519(shared, secret, stanza->share) != 0)
        return err_set(err, ERR_VERIFY, "age: a share of small order");
    age_wrap_key(shared, stanza->share, recipient, key);
    *ret = crypto_aead_chacha20poly1305_ietf_decrypt(file_key, NULL, NULL, stanza->body, AGE_BODY, NULL, 0, no_nonce,
                                                     key) == 0;
    sodium_memzero(shared, sizeof shared);
    sodium_memzero(key, sizeof key);
    return 0;
}

static int find_key(const struct header *header, const uint8_t (*secrets)[32], size_t count,
                    uint8_t file_key[AGE_FILE_KEY], struct err *err)
{
    if (count > AGE_SECRETS_MAX)
        return err_set(err, ERR_LIMIT, "age: %zu keys to try, at most %d allowed", count, AGE_SECRETS_MAX);
    for (size_t k = 0; k < count; k++) {
        uint8_t recipient[32];
        crypto_scalarmult_curve25519_base(recipient, secrets[k]);
        for (size_t i = 0; i < header->count; i++) {
            bool found;
            int rc = unwrap(&header->stanza[i], secrets[k], recipient, file_key, &found, err);
            if (rc || found)
                return rc;
        }
    }
    return err_set(err, ERR_NOTFOUND, "age: not for any of these %zu keys", count);
}

/* ---- the chunks ---- */

static int open_chunks(struct span chunks, const uint8_t key[32], uint8_t *out, struct err *err)
{
    uint8_t nonce[12];
    uint64_t counter = 0;
    size_t at = 0;
    do {
        struct span chunk = span_sub(chunks, at, AGE_CHUNK + AGE_TAG);
        at += chunk.len;
        bool last = at == chunks.len;
        if (chunk.len == AGE_TAG && counter > 0)
            return err_set(err, ERR_SYNTAX, "age: chunk %llu is empty", (unsigned long long)counter);
        age_chunk_nonce(counter, last, nonce);
        if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, chunk.data, chunk.len, NULL, 0, nonce, key) != 0)
            return err_set(err, ERR_VERIFY, "age: chunk %llu was altered, or is not the last",
                           (unsigned long long)counter);
        out += chunk.len - AGE_TAG;
        counter++;
    } while (at < chunks.len);
    return 0;
}

static int open_payload(struct span payload, const uint8_t file_key[AGE_FILE_KEY], struct buf *out, struct err *err)
{
    size_t full = AGE_CHUNK + AGE_TAG, begin = out->len;
    if (payload.len < AGE_NONCE + AGE_TAG)
        return err_set(err, ERR_SYNTAX, "age: %zu bytes behind the header, at least %d are needed", payload.len,
                       AGE_NONCE + AGE_TAG);
    struct span chunks = span_sub(payload, AGE_NONCE, SIZE_MAX);
    size_t count = (chunks.len + full - 1) / full;
    if (chunks.len - (count - 1) * full < AGE_TAG)
        return err_set(err, ERR_SYNTAX, "age: the last chunk is cut off");
    uint8_t key[32], *room = buf_room(out, chunks.len - count * AGE_TAG);
    int rc = buf_check(out, "age file's content", err);
    if (rc)
        return rc;
    age_hkdf(span_of(file_key, AGE_FILE_KEY), span_sub(payload, 0, AGE_NONCE), "payload", key);
    rc = open_chunks(chunks, key, room, err);
    sodium_memzero(key, sizeof key);
    if (rc) {
        sodium_memzero(out->data + begin, out->len - begin);
        buf_cut(out, begin);
    }
    return rc;
}

int age_decrypt(struct span file, const uint8_t (*secrets)[32], size_t count, struct buf *out, struct err *err)
{
    struct header header;
    uint8_t file_key[AGE_FILE_KEY], mac[32];
    int rc = read_header(file, &header, err);
    if (!rc)
        rc = find_key(&header, secrets, count, file_key, err);
    if (rc)
        return rc;
    age_mac(header.signed_part, file_key, mac);
    if (sodium_memcmp(mac, header.mac, sizeof mac) != 0)
        rc = err_set(err, ERR_VERIFY, "age: the header was altered");
    if (!rc)
        rc = open_payload(header.payload, file_key, out, err);
    sodium_memzero(file_key, sizeof file_key);
    return rc;
}

/* Writing. */
#include "record/age.h"

#include <sodium.h>

#include "base/codec.h"
#include "base/random.h"
#include "record/age_parts.h"

#define STANZA_LEN (sizeof("-> X25519 ") - 1 + 2 * (AGE_KEY_TEXT + 1))
#define MAC_LEN (sizeof("--- ") - 1 + AGE_KEY_TEXT + 1)

static const uint8_t no_nonce[12]; /* each wrapping key is used once */

void age_hkdf(struct span key, struct span salt, const char *info, uint8_t out[32])
{
    crypto_auth_hmacsha256_state state;
    uint8_t extracted[32];
    const uint8_t first = 1;
    crypto_auth_hmacsha256_init(&state, salt.data, salt.len);
    crypto_auth_hmacsha256_update(&state, key.data, key.len);
    crypto_auth_hmacsha256_final(&state, extracted);
    crypto_auth_hmacsha256_init(&state, extracted, sizeof extracted);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)info, strlen(info));
    crypto_auth_hmacsha256_update(&state, &first, 1);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
    sodium_memzero(extracted, sizeof extracted);
}

void age_wrap_key(const uint8_t shared[32], const uint8_t share[32], const uint8_t recipient[32], uint8_t out[32])
{
    uint8_t salt[64];
    memcpy(salt, share, 32);
    memcpy(salt + 32, recipient, 32);
    age_hkdf(span_of(shared, 32), span_of(salt, sizeof salt), "age-encryption.org/v1/X25519", out);
}

void age_mac(struct span header, const uint8_t file_key[AGE_FILE_KEY], uint8_t out[32])
{
    uint8_t key[32];
    crypto_auth_hmacsha256_state state;
    age_hkdf(span_of(file_key, AGE_FILE_KEY), SPAN_LIT(""), "header", key);
    crypto_auth_hmacsha256_init(&state, key, sizeof key);
    crypto_auth_hmacsha256_update(&state, header.data, header.len);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
    sodium_memzero(key, sizeof key);
}

void age_chunk_nonce(uint64_t counter, bool last, uint8_t out[12])
{
    memset(out, 0, 12);
    for (int i = 10; counter > 0; i--, counter >>= 8)
        out[i] = (uint8_t)counter;
    out[11] = last;
}

static void add_unpadded(struct buf *out, const uint8_t bytes[32])
{
    char text[BASE64_LEN(32) + 1];
    base64_encode(bytes, 32, text);
    buf_add(out, text, AGE_KEY_TEXT);
}

int age_add_stanza(struct buf *out, const uint8_t recipient[32], const uint8_t file_key[AGE_FILE_KEY], struct err *err)
{
    uint8_t secret[32], share[32], shared[32], key[32], body[AGE_BODY];
    random_bytes(secret, sizeof secret);
    int rc = crypto_scalarmult_curve25519_base(share, secret) || crypto_scalarmult_curve25519(shared, secret, recipient)
                 ? err_set(err, ERR_VERIFY, "a recipient's key of small order: anybody could read it")
                 : 0;
    if (!rc) {
        age_wrap_key(shared, share, recipient, key);
        crypto_aead_chacha20poly1305_ietf_encrypt(body, NULL, file_key, AGE_FILE_KEY, NULL, 0, NULL, no_nonce, key);
        buf_str(out, "-> X25519 ");
        add_unpadded(out, share);
        buf_byte(out, '\n');
        add_unpadded(out, body);
        buf_byte(out, '\n');
    }
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(shared, sizeof shared);
    sodium_memzero(key, sizeof key);
    return rc;
}

void age_end_header(struct buf *out, size_t begin, const uint8_t file_key[AGE_FILE_KEY])
{
    uint8_t mac[32];
    buf_str(out, "---");
    if (out->failed)
        return;
    age_mac(span_sub(buf_view(out), begin, SIZE_MAX), file_key, mac);
    buf_byte(out, ' ');
    add_unpadded(out, mac);
    buf_byte(out, '\n');
}

void age_add_payload(struct buf *out, struct span plaintext, const uint8_t file_key[AGE_FILE_KEY])
{
    uint8_t nonce[AGE_NONCE], chunk_nonce[12], key[32];
    random_bytes(nonce, sizeof nonce);
    age_hkdf(span_of(file_key, AGE_FILE_KEY), span_of(nonce, sizeof nonce), "payload", key);
    buf_add(out, nonce, sizeof nonce);
    uint64_t counter = 0;
    size_t at = 0;
    do {
        struct span chunk = span_sub(plaintext, at, AGE_CHUNK);
        uint8_t *room = buf_room(out, chunk.len + AGE_TAG);
        at += chunk.len;
        age_chunk_nonce(counter++, at == plaintext.len, chunk_nonce);
        if (room)
            crypto_aead_chacha20poly1305_ietf_encrypt(room, NULL, chunk.data, chunk.len, NULL, 0, NULL, chunk_nonce,
                                                      key);
    } while (at < plaintext.len);
    sodium_memzero(key, sizeof key);
}

size_t age_size(size_t recipients, size_t plaintext)
{
    size_t chunks = plaintext == 0 ? 1 : (plaintext + AGE_CHUNK - 1) / AGE_CHUNK;
    return sizeof(AGE_INTRO) - 1 + recipients * STANZA_LEN + MAC_LEN + AGE_NONCE + plaintext + chunks * AGE_TAG;
}

int age_encrypt(const uint8_t (*recipients)[32], size_t count, struct span plaintext, struct buf *out, struct err *err)
{
    uint8_t file_key[AGE_FILE_KEY];
    size_t begin = out->len;
    if (count < 1 || count > AGE_STANZAS_MAX)
        return err_set(err, ERR_LIMIT, "age: %zu recipients, 1..%d allowed", count, AGE_STANZAS_MAX);
    random_bytes(file_key, sizeof file_key);
    buf_str(out, AGE_INTRO);
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++)
        rc = age_add_stanza(out, recipients[i], file_key, err);
    if (!rc) {
        age_end_header(out, begin, file_key);
        age_add_payload(out, plaintext, file_key);
        rc = buf_check(out, "age file", err);
    }
    sodium_memzero(file_key, sizeof file_key);
    if (rc)
        buf_cut(out, begin < out->len ? begin : out->len);
    return rc;
}

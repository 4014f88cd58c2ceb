/*
 * Files in the format age-encryption.org/v1: encrypted to some X25519 keys by a file key that is drawn anew for each.
 *
 *     age-encryption.org/v1
 *     -> X25519 SHARE              one such stanza a recipient, which wraps the file key
 *     BODY
 *     --- MAC                      HMAC-SHA256 over all that stands in front
 *     16 bytes of nonce, then chunks of 64 KiB by ChaCha20-Poly1305, of which the last is marked
 *
 * The reader is strict: base64 in its one form without padding, lines of 64 characters, nothing behind the last chunk.
 * Stanzas of other types are checked for their form and passed over. Bytes in, bytes out; keys are wiped.
 * Source: https://age-encryption.org/v1 (C2SP age); RFC 5869, RFC 7748, RFC 8439.
 */
#ifndef TONGZHOU_RECORD_AGE_H
#define TONGZHOU_RECORD_AGE_H

#include "base/buf.h"

#define AGE_STANZAS_MAX 256 /* X25519 and others: each costs a reader two scalar multiplications a key, 0.1 ms */
#define AGE_HEADER_MAX 65536
#define AGE_CHUNK 65536
#define AGE_SECRETS_MAX 1024 /* keys that one call tries */

/* Bytes of the file that age_encrypt makes. */
size_t age_size(size_t recipients, size_t plaintext);

/*
 * Append the file for 1..AGE_STANZAS_MAX recipients, whose stanzas stand in this order.
 * ERR_LIMIT the number, or `out`'s maximum; ERR_VERIFY a key of small order, which anybody could open.
 */
int age_encrypt(const uint8_t (*recipients)[32], size_t count, struct span plaintext, struct buf *out, struct err *err);

/*
 * Append the plaintext, by whichever of the secret keys opens it. On failure `out` is as before.
 * ERR_SYNTAX, ERR_LIMIT the form; ERR_NOTFOUND it is for none of these keys; ERR_VERIFY it was altered.
 */
int age_decrypt(struct span file, const uint8_t (*secrets)[32], size_t count, struct buf *out, struct err *err);

#endif

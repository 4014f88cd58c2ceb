/* The parts of which age.c and age_read.c make files; tests make others of them that nobody should write. */
#ifndef TONGZHOU_RECORD_AGE_PARTS_H
#define TONGZHOU_RECORD_AGE_PARTS_H

#include "record/age.h"

#define AGE_INTRO "age-encryption.org/v1\n"
#define AGE_FILE_KEY 16
#define AGE_TAG 16
#define AGE_NONCE 16
#define AGE_BODY (AGE_FILE_KEY + AGE_TAG)
#define AGE_KEY_TEXT 43 /* characters of 32 bytes in base64 without padding */

/* HKDF-SHA256 (RFC 5869) of 32 bytes. */
void age_hkdf(struct span key, struct span salt, const char *info, uint8_t out[32]);

/* The key that wraps the file key between this share and this recipient. */
void age_wrap_key(const uint8_t shared[32], const uint8_t share[32], const uint8_t recipient[32], uint8_t out[32]);

/* Append "-> X25519 SHARE", BODY. ERR_VERIFY a recipient of small order. */
int age_add_stanza(struct buf *out, const uint8_t recipient[32], const uint8_t file_key[AGE_FILE_KEY], struct err *err);

/* Append "--- MAC" of the header that stands in `out` from `begin` on. */
void age_end_header(struct buf *out, size_t begin, const uint8_t file_key[AGE_FILE_KEY]);

void age_mac(struct span header, const uint8_t file_key[AGE_FILE_KEY], uint8_t out[32]);

/* Append nonce and chunks. */
void age_add_payload(struct buf *out, struct span plaintext, const uint8_t file_key[AGE_FILE_KEY]);

/* Nonce of chunk number `counter`. */
void age_chunk_nonce(uint64_t counter, bool last, uint8_t out[12]);

#endif

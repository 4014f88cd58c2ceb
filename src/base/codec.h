/* Texts for bytes: hex, base32 (RFC 4648, lower case, no padding), base64 (RFC 4648 with padding). */
#ifndef TONGZHOU_BASE_CODEC_H
#define TONGZHOU_BASE_CODEC_H

#include "base/buf.h"

#define HEX_LEN(n) (2 * (size_t)(n))
#define BASE32_LEN(n) (((size_t)(n)*8 + 4) / 5)   /* 52 for 32 bytes */
#define BASE64_LEN(n) (((size_t)(n) + 2) / 3 * 4) /* 44 for 32 bytes */

/* Encoders write exactly the length above and a NUL behind it. */
void hex_encode(const void *data, size_t len, char *out);
void base32_encode(const void *data, size_t len, char *out);
void base64_encode(const void *data, size_t len, char *out);

/*
 * Decoders are strict: exact alphabet (hex and base32 in lower case only), padding as the encoder makes it, unused bits zero.
 * They decode exactly `len` bytes, else return false and leave `out` in any state.
 */
bool hex_decode(struct span text, void *out, size_t len);
bool base32_decode(struct span text, void *out, size_t len);
bool base64_decode(struct span text, void *out, size_t len);

/* Any length up to `max`; false if malformed or longer. */
bool base64_decode_any(struct span text, size_t max, uint8_t *out, size_t *ret_len);

/* Whether text of any length is well-formed, and how many bytes it stands for. */
bool base64_check(struct span text, size_t *ret_len);

/* Append encoded text to a buffer. */
void buf_hex(struct buf *buf, const void *data, size_t len);
void buf_base64(struct buf *buf, const void *data, size_t len);

#endif

/* HMAC-SHA-1 (RFC 2104), which one-time codes are made of; for nothing else. */
#ifndef TONGZHOU_BASE_SHA1_H
#define TONGZHOU_BASE_SHA1_H

#include "base/span.h"

#define SHA1_SIZE 20

/* `key` at most 64 bytes. */
void hmac_sha1(struct span key, struct span text, uint8_t out[SHA1_SIZE]);

#endif

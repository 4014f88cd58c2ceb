/*
 * Seals: SHA-256("tongzhou/1 seal\n" ‖ u16 length of origin ‖ origin ‖ 32 random bytes ‖ payload), and payload
 * bundles: for entries in order u32 length of salt plus payload ‖ salt ‖ payload; a hole is the zero length alone.
 */
#ifndef TONGZHOU_RECORD_SEAL_H
#define TONGZHOU_RECORD_SEAL_H

#include "base/buf.h"
#include "tlog/merkle.h"

#define SEAL_SALT 32
#define SEAL_ENTRY_LEN 89 /* "tongzhou/1 seal\nsha256 HEX\n\n" */

void seal_hash(struct span origin, const uint8_t salt[SEAL_SALT], struct span payload, uint8_t out[32]);

/* Exactly SEAL_ENTRY_LEN bytes. */
void seal_write(const uint8_t hash[32], uint8_t out[SEAL_ENTRY_LEN]);

/* True if `entry` is exactly a seal. */
bool seal_parse(struct span entry, uint8_t ret_hash[32]);

/* ERR_VERIFY if salt and payload are not what the entry's seal commits to; ERR_SYNTAX if the entry is no seal. */
int seal_check(struct span origin, struct span entry, struct span salt, struct span payload, struct err *err);

/* `salt` has SEAL_SALT bytes, `payload` at most PAYLOAD_MAX. */
void payload_add(struct buf *out, struct span salt, struct span payload);
void payload_add_hole(struct buf *out);

struct payload_item {
    bool hole;
    struct span salt, payload; /* borrowed */
    struct span raw;           /* the item's bytes with the length, as stored on disk and on the wire */
};

struct payload_reader {
    struct span bundle;
    size_t pos;
};

/* 1 and *ret, 0 at the end, ERR_SYNTAX or ERR_LIMIT (PAYLOAD_MAX) for a length that lies. */
int payload_next(struct payload_reader *reader, struct payload_item *ret, struct err *err);

#endif

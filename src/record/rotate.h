/* connect/rotate as read: what member_apply folds and what pages show. Bodies and texts: record/member.h. */
#ifndef TONGZHOU_RECORD_ROTATE_H
#define TONGZHOU_RECORD_ROTATE_H

#include "record/member.h"

struct rotate_body {
    uint8_t old_key[32], new_key[32], next_recovery_hash[32];
    bool by_recovery;
    uint8_t recovery_key[32]; /* with by_recovery */
    uint8_t old_signature[64], new_signature[64];
};

/* Form only. ERR_SYNTAX. */
int rotate_parse(const struct record *record, struct rotate_body *out, struct err *err);

/*
 * Both signatures, for entry `index` of `origin` where `old_key` and `recovery_hash` are in force, and that the log
 * key names no other recovery key. ERR_VERIFY: the reason.
 */
int rotate_verify(const struct rotate_body *body, struct span origin, uint64_t index, const uint8_t old_key[32],
                  const uint8_t recovery_hash[32], struct err *err);

#endif

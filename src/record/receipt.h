/*
 * Receipts: a member tells an author, and nobody else, which of its contents have arrived. A record of kind "connect/receipt"
 * in the member's own log, TLP:AMBER+STRICT and for the author alone; many contents stand in one. Pure.
 *
 * Each content is named by its index in the author's log, with a proof that whoever signs had it: a hash over the content's
 * salt and text and the name of the member that confirms. The salt is as secret as the text, so nobody who has not had both can
 * make one; another member's proof is of no use to whoever copies it; and once the content is erased and its salt is gone the
 * proof tells nothing of what it said.
 */
#ifndef TONGZHOU_RECORD_RECEIPT_H
#define TONGZHOU_RECORD_RECEIPT_H

#include "record/record.h"
#include "record/seal.h"

#define RECEIPT_KIND "connect/receipt"
#define RECEIPT_ITEMS_MAX 1024 /* contents in one: 42 bytes each at most, so that the body stays below INLINE_MAX */
#define RECEIPT_PROOF 16       /* bytes: 2^-128 for whoever guesses */

struct receipt_item {
    uint64_t index; /* in the author's log */
    uint8_t proof[RECEIPT_PROOF];
};

struct receipt {
    struct span author;               /* origin of the log whose contents are confirmed */
    size_t count;                     /* 1..RECEIPT_ITEMS_MAX, */
    const struct receipt_item *items; /* ascending by index, each once */
};

/* First RECEIPT_PROOF bytes of SHA-256("tongzhou/1 receipt\n" ‖ u16 length of member ‖ member ‖ salt ‖ text). */
void receipt_prove(struct span member, const uint8_t salt[SEAL_SALT], struct span text, uint8_t out[RECEIPT_PROOF]);

/*
 * A record of this kind; spans and items in the arena. ERR_SYNTAX: not for its author alone, no time, a body out of form;
 * ERR_LIMIT.
 */
int receipt_parse(const struct record *record, struct arena *arena, struct receipt *ret, struct err *err);

/* Append the record's text; what it writes, receipt_parse accepts. */
int receipt_write(const struct receipt *receipt, int64_t time_ms, struct buf *out, struct err *err);

#endif

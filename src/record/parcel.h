/*
 * Parcels, kind connect/parcel: restricted contents of a log that travel as a public content of the same log, so that
 * every relay carries them and only whom they are encrypted to can read them. The record is TLP:CLEAR, its body
 *
 *     expires 2026-12-28T00:00:00.000Z
 *     an age file (record/age.h)
 *
 * and the file's plaintext
 *
 *     "tongzhou/1 parcel" LF ‖ u16 length of origin ‖ origin of the log
 *     ‖ for each item, ascending by index: u64 index ‖ u32 length of salt plus payload ‖ salt ‖ payload
 *
 * Whom the contents are for they say themselves (`to`); a parcel is only a way. Source: PROTOCOL.md, "Parcels".
 */
#ifndef TONGZHOU_RECORD_PARCEL_H
#define TONGZHOU_RECORD_PARCEL_H

#include "record/record.h"

#define PARCEL_KIND "connect/parcel"
#define PARCEL_RECIPIENTS_MAX 128                    /* of one parcel: stanzas are filled up to a power of two */
#define PARCEL_STANZAS_MIN 4                         /* one recipient looks like four */
#define PARCEL_ITEMS_MAX 65536                       /* of one parcel */
#define PARCEL_PLAIN_MAX ((16u << 20) - (64u << 10)) /* bytes: the age file around it and a header fit PAYLOAD_MAX */
#define PARCEL_LIFE_MAX_MS (INT64_C(184) * 86400 * 1000) /* half a year; behind it the keys have no more to protect */

struct parcel {
    int64_t expires_ms;
    struct span age; /* borrowed from the record */
};

/* ERR_SYNTAX the form, or not clear; ERR_LIMIT it expires before it was said, or later than PARCEL_LIFE_MAX_MS after. */
int parcel_parse(const struct record *record, struct parcel *out, struct err *err);

/* The kind's check. */
int parcel_check(const struct record *record, struct err *err);

/* ---- contents ---- */

struct parcel_item {
    uint64_t index;
    struct span salt, payload; /* borrowed */
};

/* Begin a parcel's contents in an empty `out`, then add items, ascending. */
void parcel_begin(struct buf *out, struct span origin);
void parcel_add(struct buf *out, const struct parcel_item *item);

/* Bytes that an item takes. */
size_t parcel_item_size(size_t payload);

struct parcel_reader {
    struct span plain;
    size_t pos, count;
    uint64_t next; /* the lowest index that may follow */
    uint64_t end;  /* index of the parcel itself: contents stand in front of it */
};

/* ERR_SYNTAX no parcel's contents, or those of another log. */
int parcel_open(struct span plain, struct span origin, uint64_t index, struct parcel_reader *ret, struct err *err);

/* 1 and *ret, 0 at the end; ERR_SYNTAX, ERR_LIMIT. That it fits its seal is not looked at here. */
int parcel_next(struct parcel_reader *reader, struct parcel_item *ret, struct err *err);

/* ---- writing ---- */

struct parcel_draft {
    int64_t time_ms, expires_ms;
    const uint8_t (*recipients)[32]; /* X25519; each once */
    size_t recipient_count;          /* 1..PARCEL_RECIPIENTS_MAX */
    struct span contents;
};

/* How many stanzas the parcel for so many recipients has. */
size_t parcel_stanzas(size_t recipients);

/*
 * Append the record: encrypted to the recipients and to keys that nobody has, in random order. ERR_LIMIT their number, the
 * expiry; ERR_VERIFY a key of small order.
 */
int parcel_write(const struct parcel_draft *draft, struct buf *out_record, struct err *err);

#endif

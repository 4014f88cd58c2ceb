/*
 * Bodies of constitutional records: JSON objects, strict on the types of the members that we read, blind to those
 * that we do not know. For this module and src/governance.
 */
#ifndef TONGZHOU_RECORD_BODY_H
#define TONGZHOU_RECORD_BODY_H

#include "base/json.h"
#include "record/record.h"

/* The record's body as an object; NULL and *err otherwise. ERR_LIMIT above INLINE_MAX. */
json_t *body_load(const struct record *record, struct err *err);

enum body_need { BODY_REQUIRED, BODY_OPTIONAL };

/*
 * A member that is one line of text of at most `max` bytes, into out[max + 1]; "" if absent and optional.
 */
int body_text(const json_t *object, const char *key, enum body_need need, size_t max, char *out, struct err *err);

/* Exactly `len` bytes in base64; zeros if absent and optional, and then zeros are refused as a value. */
int body_base64(const json_t *object, const char *key, enum body_need need, size_t len, uint8_t *out, struct err *err);

/* The same for 32 bytes in lower-case hex. */
int body_hex32(const json_t *object, const char *key, enum body_need need, uint8_t out[32], struct err *err);

/* A whole number 0..max. */
int body_u64(const json_t *object, const char *key, uint64_t max, uint64_t *ret, struct err *err);

/* Members for a new body. Failures (memory, malformed UTF-8) come back from body_write as a missing `object`. */
void body_put(json_t **object, const char *key, json_t *value);
void body_put_text(json_t **object, const char *key, const char *text);
void body_put_base64(json_t **object, const char *key, const void *data, size_t len);
void body_put_hex(json_t **object, const char *key, const void *data, size_t len);

/* A base64 string value; NULL without memory. */
json_t *body_base64_value(const void *data, size_t len);

/* Append the record `kind` with this body. ERR_LIMIT above INLINE_MAX. */
int body_write(const char *kind, int64_t time_ms, const json_t *object, struct buf *out, struct err *err);

/* The same with a body that is text. */
int body_write_text(const char *kind, int64_t time_ms, struct span body, struct buf *out, struct err *err);

static inline bool bytes_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

#endif

/*
 * A bounded cursor with a sticky failure (as in Knot DNS's wire contexts): decoding reads as a list of
 * fields with one check at the end. After a failure every read returns zeros or empty spans.
 */
#ifndef TONGZHOU_BASE_READER_H
#define TONGZHOU_BASE_READER_H

#include "base/err.h"
#include "base/span.h"

struct reader {
    struct span all;
    size_t pos;
    bool failed;
    const char *expected; /* what the first failing read wanted */
};

void reader_init(struct reader *r, struct span all);
size_t reader_left(const struct reader *r);
bool reader_end(const struct reader *r); /* nothing left, or failed */

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r); /* big-endian, as are the next two */
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);

/* The next `len` bytes, borrowed. */
struct span reader_bytes(struct reader *r, size_t len);

/* Up to and past the next newline; the newline is not in the result. Fails without one within `max` bytes. */
struct span reader_line(struct reader *r, size_t max);

/* Fail unless the next bytes are `literal`, and pass them. */
void reader_expect(struct reader *r, const char *literal);

/* All that is left. */
struct span reader_rest(struct reader *r);

/* Mark failed by the caller's own finding. */
void reader_fail(struct reader *r, const char *expected);

/* 0, or ERR_SYNTAX "WHAT: byte POS: expected EXPECTED". Does not ask that everything was read. */
int reader_check(const struct reader *r, const char *what, struct err *err);

/* As reader_check, and nothing may be left. */
int reader_finish(const struct reader *r, const char *what, struct err *err);

#endif

/*
 * The answer to GET /heads?since=CURSOR: one line a log that changed, then one that ends it.
 *
 *     HEX ORIGIN SIZE\n      HEX: SHA-256 of the origin; SIZE without leading zeros, ≥ 1
 *     next CURSOR\n          ask again with this cursor; or
 *     more CURSOR\n          the same, and there is more to be had at once
 *
 * A cursor is GENERATION-SEQ: 16 hex digits that name the store's life and a decimal number; a member's is
 * GENERATION-SEQ-REACHED, with another that says up to where it was told of what came for it (state/reach.h). That one counts
 * what came for anybody, so it is scrambled, by the member and a key of this process: how much comes for others is not
 * theirs to know. A server that does not know the generation (it was restored) answers as if there were no cursor, one that
 * began since tells again what ever came for the member. Clients keep cursors without reading them.
 * Source: PROTOCOL.md, "Heads".
 */
#ifndef TONGZHOU_CONNECT_HEADS_H
#define TONGZHOU_CONNECT_HEADS_H

#include "base/reader.h"
#include "record/member.h"

#define HEADS_CURSOR_MAX 63 /* bytes */
#define HEADS_ANSWER_MAX ((size_t)HEADS_PAGE_MAX * (HEADS_LINE_MAX + 1) + 128)

struct heads_line {
    uint8_t hash[32];
    struct span origin; /* borrowed; its hash was compared */
    uint64_t size;      /* 1..LOG_SIZE_MAX */
};

/* Append one line, or the end. */
void heads_write_line(struct buf *out, const char *hex, struct span origin, uint64_t size);
void heads_write_end(struct buf *out, bool more, const char *generation, int64_t seq);

/* The same end with a member's cursor. */
void heads_write_end_reached(struct buf *out, bool more, const char *generation, int64_t seq, int64_t reached);

struct heads_reader {
    struct reader reader;
    size_t lines;
    bool more;
    struct span cursor; /* set at the end; 1..HEADS_CURSOR_MAX bytes of [0-9a-z-] */
};

void heads_reader_init(struct heads_reader *reader, struct span answer);

/* 1 and *ret; 0 at a well-formed end; ERR_SYNTAX, ERR_LIMIT (more than HEADS_PAGE_MAX lines). */
int heads_next(struct heads_reader *reader, struct heads_line *ret, struct err *err);

/* What one of our own cursors says; false if it is not in our form. */
bool heads_cursor_parse(struct span cursor, char ret_generation[17], int64_t *ret_seq);

/* REACHED as this member is shown it, and back (base/scramble): any number below 2^62, until this process ends. */
int64_t heads_reached_hide(const char *origin, int64_t reached);
int64_t heads_reached_show(const char *origin, int64_t hidden);

/* Take REACHED off a cursor that has it; 0 if it has none. False: what stands there is not in our form. */
bool heads_cursor_reached(struct span *cursor, int64_t *ret_reached);

#endif

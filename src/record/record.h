/*
 * The record: a text that somebody said. First line, "name value" lines, an empty line, the body as given.
 *
 *     tongzhou/1 KIND
 *     time 2026-11-22T11:14:26.123Z
 *     tlp clear
 *     to ORIGIN-OR-GROUP          any number, each once
 *     ref ORIGIN/INDEX            any number, each once
 *     lang zh-Hans
 *     type application/stix+json;version=2.1
 *     x-anything whatever         unknown names, ascending by bytes, each (name, value) once
 *
 *     BODY
 *
 * Known names come in the order above; names are [a-z][a-z0-9-]* (with one leading '!' for "do not fold what
 * you do not know"); values are 1..RECORD_LINE_MAX bytes of UTF-8 without control characters and without
 * spaces at the ends. Source: PROTOCOL.md, "Records".
 */
#ifndef TONGZHOU_RECORD_RECORD_H
#define TONGZHOU_RECORD_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

/* From the widest to the narrowest audience, so that `>` means narrower. TLP 2.0. */
enum tlp { TLP_NONE, TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED };

/* "clear", "green", "amber", "amber+strict", "red"; NULL for TLP_NONE. */
const char *tlp_word(enum tlp tlp);

/* Those words, any case, also "TLP:..." and TLP 1's "white"; TLP_NONE if none of them. */
enum tlp tlp_parse(struct span word);

struct record_line {
    struct span name, value;
};

struct record {
    struct span kind; /* "security/stix", "connect/profile", "seal" */
    bool has_time;
    int64_t time_ms;
    enum tlp tlp;           /* TLP_NONE when absent or a word that we do not know (then hold is set) */
    struct span lang, type; /* .len 0 when absent */
    const struct span *to, *ref;
    size_t to_count, ref_count;
    const struct record_line *lines; /* every header line in order, unknown ones included */
    size_t line_count;
    bool hold;        /* an unknown name with '!': keep, show raw, do not fold */
    struct span body; /* borrowed from the text */
};

/*
 * Parse a record's text (inline entry or payload). Borrows `text`; arrays live in `arena`.
 * `tlp` lines must use the exact words of tlp_word; anything else is a word that we do not know.
 * Errors: ERR_SYNTAX, ERR_LIMIT: "header line 3: ..." with found and allowed; the first line is line 1.
 */
int record_parse(struct span text, struct arena *arena, struct record *out, struct err *err);

/* What goes into a new record; spans borrowed. */
struct record_draft {
    const char *kind;
    int64_t time_ms; /* 0..WHEN_MAX_MS, always written */
    enum tlp tlp;    /* TLP_NONE: no line (constitutional kinds) */
    struct span lang, type;
    const struct span *to, *ref;
    size_t to_count, ref_count;
    const struct record_line *extra; /* unknown names, must be ascending */
    size_t extra_count;
    struct span body;
};

/*
 * Append the record's text; what it writes, record_parse accepts. On failure `out` is as before (unless its own
 * maximum was hit). ERR_SYNTAX, ERR_LIMIT for values out of form.
 */
int record_write(const struct record_draft *draft, struct buf *out, struct err *err);

/* KIND as PROTOCOL.md allows: "capability/name" of [a-z0-9-], 3..64 bytes, or "seal". */
bool record_kind_valid(struct span kind);

/* One line of text: 1 byte or more of UTF-8, no control characters (C0, DEL, C1), no spaces at the ends. */
bool record_value_valid(struct span value);

#endif

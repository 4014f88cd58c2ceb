/* Text from outside: validity, and what is safe to show. */
#ifndef TONGZHOU_BASE_UTF8_H
#define TONGZHOU_BASE_UTF8_H

#include "base/buf.h"

/* Well-formed UTF-8 (no surrogates, no overlong forms). Vectorised for long inputs. */
bool utf8_valid(struct span text);

/* Does it begin with the byte order mark of UTF-16, as text from Windows may? */
bool utf16_marked(struct span text);

/* Decode one code point at *pos and pass it; U+FFFD and one byte for what is malformed. */
uint32_t utf8_next(struct span text, size_t *pos);

/*
 * Append a peer's text for a terminal or log line: control characters, bidirectional controls (U+202A–202E,
 * U+2066–2069, U+200E/F, U+061C), line separators, what is invisible (U+200B, U+FEFF, fillers, tags...; not the joiners that
 * scripts need) and malformed bytes become \xNN or \u{NNNN}; a backslash stays; cut after `max` bytes of input with "…".
 */
void text_escape(struct buf *out, struct span text, size_t max);

/* The same into the caller's array, always NUL-terminated; returns out. */
char *text_escape_into(char *out, size_t size, struct span text);

#endif

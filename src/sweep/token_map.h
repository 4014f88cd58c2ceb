/*
 * The first pass over a piece of log: which bytes are what, 64 at a time, as bits. Part of the sweep.
 *
 * A *word* is a run of letters, digits, `-`, `.`, `_` and bytes above 127. A name, an IPv4 address, a hash is one
 * word; everything else (IPv6 addresses, URLs, e-mail addresses) is found by looking around one. Only words with a
 * dot need a look, and one addition finds them: adding each word's first bit to the dotless bits makes a carry run
 * up to the first byte that is a dot or no part of the word.
 */
#ifndef TONGZHOU_SWEEP_TOKEN_MAP_H
#define TONGZHOU_SWEEP_TOKEN_MAP_H

#include "base/span.h"

#define TOKEN_MAP_PAD 64 /* bytes around `lower` that may be read: spaces */

enum token_want { TOKEN_WANT_IPV6 = 1, TOKEN_WANT_HASH = 2, TOKEN_WANT_PATH = 4 };

/* Bit i of block b tells about byte 64 b + i. Blocks -1 and the one behind the last exist and are zero. */
struct token_map {
    uint64_t *word, *dot, *line;
    /*
     * Where to look: the first dot of a word that has one; the second of two colons, or one with two more at the
     * distance of IPv6 groups behind it; sixteen aligned hex digits in a row; a slash that begins a path.
     */
    uint64_t *candidate;
    uint8_t *lower; /* the bytes with A-Z as a-z */
    uint64_t lines; /* newlines in all */
    bool foreign;   /* a byte above 127 occurs */
    void *memory;
};

/* Memory for pieces of up to `max` bytes; false if there is none. */
bool token_map_init(struct token_map *map, size_t max);
void token_map_done(struct token_map *map);

/* Map `in`, 1..max bytes. */
void token_map_fill(struct token_map *map, struct span in, unsigned want);

/* The same by the portable code, whatever the processor can do: for tests. */
void token_map_fill_portable(struct token_map *map, struct span in, unsigned want);

#endif

/* What the JSON files of this module share; private to base. json_scan.cc is the only one in C++. */
#ifndef TONGZHOU_BASE_JSON_IMPL_H
#define TONGZHOU_BASE_JSON_IMPL_H

#include "base/err.h"
#include "base/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- json_scan.cc: simdjson ---- */

bool simd_utf8_valid(const char *text, size_t len);

/* Memory of simdjson's first stage, which finds where the tokens of a JSON text begin. */
struct simd_index;

struct simd_index *simd_index_new(void); /* NULL: no memory */
void simd_index_free(struct simd_index *index);

enum simd_result { SIMD_OK, SIMD_MALFORMED, SIMD_NO_MEMORY };

/*
 * Positions of all tokens in `text` (not empty): each bracket, colon and comma outside of strings, each string's
 * opening quote, the first byte of each other run of bytes that are neither whitespace nor one of those.
 *   text  must be readable for simd_padding bytes behind `len`
 * SIMD_OK: all of the text is UTF-8, strings are closed and hold no bytes below 0x20; *ret_at has *ret_count
 * positions and is valid until the next use.
 */
enum simd_result simd_index_run(struct simd_index *index, const uint8_t *text, size_t len, const uint32_t **ret_at,
                                size_t *ret_count);

extern const size_t simd_padding;

/* ---- json_keys.c: duplicate keys ---- */

struct json_node;

/* Reusable memory. All zero is empty. */
struct json_keys {
    struct span *keys;
    size_t keys_cap;
    uint32_t *slots;
    size_t slots_cap;
    uint8_t *plain; /* unescaped keys */
    size_t plain_cap;
};

void json_keys_done(struct json_keys *keys);

/*
 * ERR_SYNTAX if two of the `count` children behind nodes[parent] have one key.
 *   escaped  whether any of these keys holds an escape
 */
int json_keys_check(struct json_keys *keys, struct span text, const struct json_node *nodes, uint32_t parent,
                    size_t count, bool escaped, struct err *err);

/* ---- json_escape.c ---- */

/* Bytes of a string's inside (validated): at most raw.len, written to out; returns how many. */
size_t json_unescape(struct span raw, uint8_t *out);

/* Position of the first malformed escape, or raw.len. A surrogate must be one half of a pair. */
size_t json_bad_escape(struct span raw);

#ifdef __cplusplus
}
#endif

#endif

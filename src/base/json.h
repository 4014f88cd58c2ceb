/*
 * JSON, two ways. Small documents that we read field by field: jansson, strict. The hot path (STIX objects by
 * the million): one walk by simdjson into a flat tree that keeps offsets into the source, so that original
 * bytes survive.
 */
#ifndef TONGZHOU_BASE_JSON_H
#define TONGZHOU_BASE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* ---- small documents (jansson) ---- */

/* Strict: UTF-8, no duplicate keys, nothing behind, depth ≤ JSON_DEPTH_MAX. NULL and *err on failure. */
json_t *json_small_load(struct span text, struct err *err);

/* Compact, keys sorted: one value has one text. */
int json_small_dump(const json_t *value, struct buf *out, struct err *err);

/* A string member, or `fallback` (may be NULL) if absent; ERR_SYNTAX in *err if it is no string. */
int json_small_string(const json_t *object, const char *key, const char *fallback, const char **ret, struct err *err);

/* Append a JSON string literal with its quotes; malformed UTF-8 becomes U+FFFD. */
void buf_json_string(struct buf *out, struct span text);

/* ---- hot path (simdjson) ---- */

enum json_type { JSON_T_OBJECT, JSON_T_ARRAY, JSON_T_STRING, JSON_T_NUMBER, JSON_T_TRUE, JSON_T_FALSE, JSON_T_NULL };

/* One value. Offsets are into the text; a string's span is without its quotes and still escaped. */
struct json_node {
    uint32_t key_at, key_len; /* within an object; 0,0 otherwise */
    uint32_t at, len;         /* of the value; an object's or array's from its opening to its closing bracket */
    uint32_t next;            /* index of the node behind this value and all in it: a sibling or the end */
    uint32_t type;            /* enum json_type */
};

struct json_tree {
    struct span text;
    struct json_node *nodes; /* nodes[0] is the root */
    size_t count, cap;
};

struct json_scanner; /* reusable memory for one thread */

struct json_scanner *json_scanner_new(void); /* NULL: no memory */
void json_scanner_free(struct json_scanner *scanner);

/*
 * Validate `text` (one JSON value, at most JSON_TEXT_MAX bytes) completely and lay out its tree.
 *   tree   owned by the scanner, valid until its next use; borrows `text`
 * Refused: anything RFC 8259 refuses, malformed UTF-8, duplicate keys in one object (compared after unescaping),
 * depth above JSON_DEPTH_MAX, more than JSON_NODES_MAX values, bytes behind the value.
 * Errors: ERR_SYNTAX or ERR_LIMIT naming the byte.
 */
int json_scan(struct json_scanner *scanner, struct span text, const struct json_tree **ret, struct err *err);

/* Child `key` of object node `parent` (an index): its index, or 0 if there is none. */
uint32_t json_get(const struct json_tree *tree, uint32_t parent, const char *key);

/* First child of an object or array, or 0; then tree->nodes[i].next while it is < nodes[parent].next. */
uint32_t json_first(const struct json_tree *tree, uint32_t parent);

/* Raw bytes of a value (for strings without quotes, still escaped). */
struct span json_raw(const struct json_tree *tree, uint32_t node);

/* A string's value, unescaped into the arena only if it has escapes; .data NULL if `node` is 0 or no string. */
struct span json_text(const struct json_tree *tree, uint32_t node, struct arena *arena);

/* The key of an object's member, likewise unescaped; .data NULL: no memory. */
struct span json_key(const struct json_tree *tree, uint32_t node, struct arena *arena);

#endif

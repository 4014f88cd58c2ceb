/* fuzz: base */
#include "base/json.h"

#include <assert.h>
#include <math.h>

#include "base/limits.h"

/*
 * Two readers of one grammar: what json_scan accepts jansson accepts, and the other way round, but for what is
 * known to differ. What both accept has the same values.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct json_scanner *scanner;
static struct arena arena;

static void compare(const struct json_tree *tree, uint32_t node, json_t *value);

static void compare_object(const struct json_tree *tree, uint32_t node, json_t *value)
{
    size_t count = 0;
    for (uint32_t child = json_first(tree, node); child && child < tree->nodes[node].next;
         child = tree->nodes[child].next) {
        /* A key as a string node of its own, so that json_text unescapes it. */
        struct json_node key = tree->nodes[child];
        key.at = key.key_at;
        key.len = key.key_len;
        key.type = JSON_T_STRING;
        struct json_node nodes[2] = {key, key};
        struct json_tree alone = {.text = tree->text, .nodes = nodes, .count = 2};
        struct span name = json_text(&alone, 1, &arena);
        char *name_z = arena_strz(&arena, name);
        json_t *member = name_z ? json_object_get(value, name_z) : NULL;
        assert(member);
        if (name.len <= 256)
            assert(json_get(tree, node, name_z) == child);
        compare(tree, child, member);
        count++;
    }
    assert(count == json_object_size(value));
}

static void compare_array(const struct json_tree *tree, uint32_t node, json_t *value)
{
    size_t count = 0;
    for (uint32_t child = json_first(tree, node); child && child < tree->nodes[node].next;
         child = tree->nodes[child].next)
        compare(tree, child, json_array_get(value, count++));
    assert(count == json_array_size(value));
}

static void compare(const struct json_tree *tree, uint32_t node, json_t *value)
{
    struct span text;
    switch (tree->nodes[node].type) {
    case JSON_T_OBJECT:
        assert(json_is_object(value));
        compare_object(tree, node, value);
        break;
    case JSON_T_ARRAY:
        assert(json_is_array(value));
        compare_array(tree, node, value);
        break;
    case JSON_T_STRING:
        assert(json_is_string(value));
        if (node == 0)
            break;
        text = json_text(tree, node, &arena);
        assert(span_eq(text, span_of(json_string_value(value), json_string_length(value))));
        break;
    case JSON_T_NUMBER:
        assert(json_is_number(value));
        break;
    case JSON_T_TRUE:
        assert(json_is_true(value));
        break;
    case JSON_T_FALSE:
        assert(json_is_false(value));
        break;
    default:
        assert(json_is_null(value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!scanner) {
        scanner = json_scanner_new();
        assert(scanner);
        arena_init(&arena, 1 << 24);
    }
    struct span text = span_of(data, size);
    struct err err = {0};
    const struct json_tree *tree;
    int scanned = json_scan(scanner, text, &tree, &err);
    assert(scanned == 0 || err.code == ERR_SYNTAX || err.code == ERR_LIMIT);

    json_error_t reason;
    json_t *value = json_loadb(size ? (const char *)data : "", size,
                               JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &reason);
    if (scanned == 0 && !value) {
        /* Numbers that no double or 64-bit integer holds, and NUL inside a key. */
        enum json_error_code code = json_error_code(&reason);
        assert(code == json_error_numeric_overflow || code == json_error_null_byte_in_key);
    } else if (value && scanned < 0) {
        assert(err.code == ERR_LIMIT || span_find(text, '\0') != size); /* depth; jansson passes over some NULs */
    } else if (value) {
        compare(tree, 0, value);
        arena_clear(&arena);
    }
    json_decref(value);

    /* The small reader refuses all that the strict one does. */
    value = json_small_load(text, &err);
    assert(!value || scanned == 0);
    json_decref(value);
    return 0;
}

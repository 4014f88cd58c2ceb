#include "base/json.h"

#include <assert.h>

#include "base/json_impl.h"

static bool key_is(struct span raw, struct span key)
{
    if (span_find(raw, '\\') == raw.len)
        return span_eq(raw, key);
    /* An escape takes at most six times the bytes that it stands for. */
    if (raw.len > 6 * key.len || key.len > 256)
        return false;
    uint8_t plain[6 * 256];
    return span_eq(span_of(plain, json_unescape(raw, plain)), key);
}

uint32_t json_first(const struct json_tree *tree, uint32_t parent)
{
    assert(parent < tree->count);
    const struct json_node *node = &tree->nodes[parent];
    bool has = (node->type == JSON_T_OBJECT || node->type == JSON_T_ARRAY) && node->next > parent + 1;
    return has ? parent + 1 : 0;
}

uint32_t json_get(const struct json_tree *tree, uint32_t parent, const char *key)
{
    struct span want = span_str(key);
    assert(want.len <= 256);
    uint32_t child = json_first(tree, parent);
    if (child == 0 || tree->nodes[parent].type != JSON_T_OBJECT)
        return 0;
    for (; child < tree->nodes[parent].next; child = tree->nodes[child].next) {
        const struct json_node *node = &tree->nodes[child];
        if (key_is(span_sub(tree->text, node->key_at, node->key_len), want))
            return child;
    }
    return 0;
}

struct span json_raw(const struct json_tree *tree, uint32_t node)
{
    assert(node < tree->count);
    return span_sub(tree->text, tree->nodes[node].at, tree->nodes[node].len);
}

static struct span unescaped(struct span raw, struct arena *arena)
{
    if (span_find(raw, '\\') == raw.len)
        return raw;
    uint8_t *out = arena_alloc(arena, raw.len);
    return out ? span_of(out, json_unescape(raw, out)) : (struct span){0};
}

struct span json_text(const struct json_tree *tree, uint32_t node, struct arena *arena)
{
    bool is_text = node != 0 && tree->nodes[node].type == JSON_T_STRING;
    return is_text ? unescaped(json_raw(tree, node), arena) : (struct span){0};
}

struct span json_key(const struct json_tree *tree, uint32_t node, struct arena *arena)
{
    assert(node < tree->count);
    return unescaped(span_sub(tree->text, tree->nodes[node].key_at, tree->nodes[node].key_len), arena);
}

#include "base/json_impl.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/random.h"

#define PAIRWISE_MAX 16 /* keys up to which a filter and comparing beat hashing: a STIX object has about 10 */

void json_keys_done(struct json_keys *keys)
{
    free(keys->keys);
    free(keys->slots);
    free(keys->plain);
    *keys = (struct json_keys){0};
}

/* Room for `want` elements of `size` bytes; the content need not survive. */
static void *grow(void *memory, size_t *cap, size_t want, size_t size)
{
    if (want <= *cap)
        return memory;
    free(memory);
    size_t count = *cap ? *cap : 64;
    while (count < want)
        count *= 2;
    memory = calloc(count, size);
    *cap = memory ? count : 0;
    return memory;
}

/* Fill keys->keys with the keys as they read without escapes. */
static int collect(struct json_keys *keys, struct span text, const struct json_node *nodes, uint32_t parent,
                   size_t count, bool escaped, struct err *err)
{
    keys->keys = grow(keys->keys, &keys->keys_cap, count, sizeof(*keys->keys));
    if (!keys->keys)
        return err_memory(err);
    size_t total = 0;
    uint32_t node = parent + 1;
    for (size_t i = 0; i < count; i++, node = nodes[node].next) {
        keys->keys[i] = span_sub(text, nodes[node].key_at, nodes[node].key_len);
        total += nodes[node].key_len;
    }
    if (!escaped || total == 0)
        return 0;
    keys->plain = grow(keys->plain, &keys->plain_cap, total, 1);
    if (!keys->plain)
        return err_memory(err);
    uint8_t *out = keys->plain;
    for (size_t i = 0; i < count; i++) {
        size_t len = json_unescape(keys->keys[i], out);
        keys->keys[i] = span_of(out, len);
        out += len;
    }
    return 0;
}

/* The index of the first key that stands before it too, or `count`. */
static size_t find_pairwise(const struct span *keys, size_t count)
{
    uint64_t seen = 0; /* one bit for length and outer bytes: most keys differ there */
    for (size_t i = 0; i < count; i++) {
        struct span key = keys[i];
        unsigned mix = key.len ? (unsigned)key.len * 7 + key.data[0] * 3u + key.data[key.len - 1] : 0;
        uint64_t bit = UINT64_C(1) << (mix & 63);
        for (size_t j = 0; (seen & bit) && j < i; j++) {
            if (span_eq(keys[j], key))
                return i;
        }
        seen |= bit;
    }
    return count;
}

static int find_hashed(struct json_keys *keys, size_t count, size_t *ret_at, struct err *err)
{
    size_t size = 64;
    while (size < 2 * count)
        size *= 2;
    keys->slots = grow(keys->slots, &keys->slots_cap, size, sizeof(*keys->slots));
    if (!keys->slots)
        return err_memory(err);
    memset(keys->slots, 0, size * sizeof(*keys->slots));
    *ret_at = count;
    for (size_t i = 0; i < count; i++) {
        size_t slot = (size_t)random_hash(keys->keys[i]) & (size - 1);
        for (; keys->slots[slot] != 0; slot = (slot + 1) & (size - 1)) {
            if (span_eq(keys->keys[keys->slots[slot] - 1], keys->keys[i])) {
                *ret_at = i;
                return 0;
            }
        }
        keys->slots[slot] = (uint32_t)i + 1;
    }
    return 0;
}

int json_keys_check(struct json_keys *keys, struct span text, const struct json_node *nodes, uint32_t parent,
                    size_t count, bool escaped, struct err *err)
{
    if (count < 2)
        return 0;
    if (collect(keys, text, nodes, parent, count, escaped, err) < 0)
        return err->code;
    size_t at = count;
    if (count <= PAIRWISE_MAX)
        at = find_pairwise(keys->keys, count);
    else if (find_hashed(keys, count, &at, err) < 0)
        return err->code;
    if (at == count)
        return 0;
    uint32_t node = parent + 1;
    for (size_t i = 0; i < at; i++)
        node = nodes[node].next;
    return err_set(err, ERR_SYNTAX, "JSON: byte %u: this key stands twice in one object", nodes[node].key_at);
}

#include "sweep/key.h"

/* Where the label that ends before `end` begins. */
static size_t label_begin(const uint8_t *name, size_t end)
{
    while (end > 0 && name[end - 1] != '.')
        end--;
    return end;
}

size_t key_domain(uint64_t type_seed, const uint8_t *name, size_t len, uint64_t levels[KEY_LEVELS_MAX])
{
    size_t count = 0;
    size_t start = label_begin(name, len);
    if (start == 0 || start == len)
        return 0;
    uint64_t key = type_seed;
    size_t end = len; /* the first step takes two labels at once: no single label is ever looked up */
    while (start > 0) {
        size_t begin = label_begin(name, start - 1);
        if (begin == start - 1 || count == KEY_LEVELS_MAX)
            return 0;
        key = key_bytes(key, name + begin, end - begin);
        levels[count++] = key;
        end = begin - 1;
        start = begin;
    }
    return count;
}

#include "base/span.h"

int span_cmp(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

size_t span_find(struct span a, uint8_t byte)
{
    const uint8_t *at = a.len ? memchr(a.data, byte, a.len) : NULL;
    return at ? (size_t)(at - a.data) : a.len;
}

size_t span_search(struct span a, struct span what)
{
    if (a.len == 0 || what.len == 0)
        return a.len;
    const uint8_t *at = memmem(a.data, a.len, what.data, what.len);
    return at ? (size_t)(at - a.data) : a.len;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct span span_trim(struct span a)
{
    while (a.len > 0 && is_blank(a.data[0])) {
        a.data++;
        a.len--;
    }
    while (a.len > 0 && is_blank(a.data[a.len - 1]))
        a.len--;
    return a;
}

bool span_u64(struct span a, uint64_t max, uint64_t *ret)
{
    if (a.len == 0 || a.len > 20 || (a.len > 1 && a.data[0] == '0'))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < a.len; i++) {
        if (a.data[i] < '0' || a.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(a.data[i] - '0'), &value))
            return false;
    }
    if (value > max)
        return false;
    *ret = value;
    return true;
}

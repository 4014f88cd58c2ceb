/* Conditions on numbers: ranges, and what is compared. */
#include "policy/internal.h"

#include <stdlib.h>

bool read_amount(struct span word, bool allow_b, uint64_t *ret, bool *ret_bytes)
{
    uint64_t factor = 1;
    *ret_bytes = allow_b && word.len > 0 && word.data[word.len - 1] == 'B';
    if (*ret_bytes)
        word.len--;
    uint8_t unit = word.len > 0 ? word.data[word.len - 1] : 0;
    if (unit == 'k')
        factor = 1000;
    else if (unit == 'M')
        factor = 1000000;
    else if (unit == 'G')
        factor = 1000000000;
    if (factor > 1)
        word.len--;
    if (!span_u64(word, UINT64_C(1000000000000), ret))
        return false;
    *ret *= factor;
    return true;
}

static bool age_value(struct span word, uint64_t *ret)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    for (size_t i = 0; i < 5 && word.len > 0; i++)
        if (word.data[word.len - 1] == (uint8_t)units[i].unit &&
            span_u64(span_sub(word, 0, word.len - 1), 10000000, ret)) {
            *ret *= units[i].seconds;
            return true;
        }
    return false;
}

static bool range_value(enum dimension dimension, struct span word, uint64_t *ret)
{
    bool bytes;
    if (dimension == DIM_AGE)
        return age_value(word, ret);
    if (dimension == DIM_SIZE)
        return read_amount(word, true, ret, &bytes);
    return span_u64(word, POLICY_SCORE_MAX, ret);
}

static bool read_ranges(struct parser *p, enum dimension dimension, const struct token *words, size_t count,
                        struct condition *ret)
{
    char shown[96];
    for (size_t i = 0; i < count; i++) {
        struct span word = words[i].text;
        struct range range;
        size_t dash = span_find(word, '-');
        if (span_is(word, "none") && dimension != DIM_SIZE) {
            ret->absent = true;
            continue;
        }
        if (!range_value(dimension, span_sub(word, 0, dash), &range.low) ||
            !range_value(dimension, dash < word.len ? span_sub(word, dash + 1, word.len) : word, &range.high) ||
            range.low > range.high)
            return parser_error(p, &words[i], "found %s, allowed: %s", token_show(&words[i], shown),
                                dimensions[dimension].allowed);
        if (ret->range_count == POLICY_RANGES_MAX)
            return parser_error(p, &words[i], "more than %d ranges in one condition", POLICY_RANGES_MAX);
        ret->ranges[ret->range_count++] = range;
    }
    return true;
}

static int by_low(const void *x, const void *y)
{
    const struct range *a = x, *b = y;
    return (a->low > b->low) - (a->low < b->low);
}

/* Ascending, and none touches the next. */
static void ranges_settle(struct condition *c)
{
    size_t kept = 0;
    if (c->range_count > 1)
        qsort(c->ranges, c->range_count, sizeof(*c->ranges), by_low);
    for (size_t i = 0; i < c->range_count; i++) {
        struct range *last = kept > 0 ? &c->ranges[kept - 1] : NULL;
        if (last && (last->high == UINT64_MAX || c->ranges[i].low <= last->high + 1))
            last->high = c->ranges[i].high > last->high ? c->ranges[i].high : last->high;
        else
            c->ranges[kept++] = c->ranges[i];
    }
    c->range_count = kept;
}

#define NUMBER_MAX (UINT64_MAX - 1) /* POLICY_NONE is none */

/* What is not in them; `out` has room for one more. */
static size_t ranges_turn(const struct condition *c, struct range *out)
{
    uint64_t next = 0;
    size_t count = 0;
    for (size_t i = 0; i < c->range_count; i++) {
        if (c->ranges[i].low > next)
            out[count++] = (struct range){next, c->ranges[i].low - 1};
        next = c->ranges[i].high + 1;
        if (c->ranges[i].high >= NUMBER_MAX)
            return count;
    }
    out[count++] = (struct range){next, NUMBER_MAX};
    return count;
}

/* What is in both: at most as many as both have. */
static size_t ranges_both(const struct condition *a, const struct condition *b, struct range *out)
{
    size_t count = 0;
    for (size_t i = 0, k = 0; i < a->range_count && k < b->range_count;) {
        uint64_t low = a->ranges[i].low > b->ranges[k].low ? a->ranges[i].low : b->ranges[k].low;
        uint64_t high = a->ranges[i].high < b->ranges[k].high ? a->ranges[i].high : b->ranges[k].high;
        if (low <= high)
            out[count++] = (struct range){low, high};
        if (a->ranges[i].high < b->ranges[k].high)
            i++;
        else
            k++;
    }
    return count;
}

static struct range range_compared(enum token_kind sign, uint64_t value, bool *ret_any)
{
    *ret_any = true;
    if (sign == TOKEN_LESS) {
        *ret_any = value > 0;
        return (struct range){0, value > 0 ? value - 1 : 0};
    }
    if (sign == TOKEN_LESS_EQUAL)
        return (struct range){0, value};
    return (struct range){sign == TOKEN_MORE ? value + 1 : value, NUMBER_MAX};
}

static bool put_ranges(struct parser *p, const struct token *at, const struct range *ranges, size_t count,
                       struct condition *to)
{
    if (count > POLICY_RANGES_MAX + 1)
        return parser_error(p, at, "more than %d ranges in one condition", POLICY_RANGES_MAX);
    to->range_count = count;
    if (count == 0)
        return true;
    to->ranges = arena_array(&p->policy->arena, count, sizeof(*ranges));
    if (!to->ranges) {
        p->failed = ERR_MEMORY;
        return false;
    }
    memcpy(to->ranges, ranges, count * sizeof(*ranges));
    return true;
}

bool parse_ranges(struct parser *p, enum dimension dimension, const struct values *v, struct condition *ret)
{
    struct range room[POLICY_RANGES_MAX + 1], both[2 * POLICY_RANGES_MAX + 2];
    struct condition next = {.ranges = room};
    if (!read_ranges(p, dimension, v->words, v->count, &next))
        return false;
    if (v->compared) {
        bool any = true;
        if (next.absent || next.range_count != 1 || room[0].low != room[0].high)
            return parser_error(p, &v->words[0], "only one number can be compared with");
        room[0] = range_compared(v->sign.kind, room[0].low, &any);
        next.range_count = any;
    }
    ranges_settle(&next);
    if (v->negated) {
        next.range_count = ranges_turn(&next, both);
        next.absent = !next.absent && dimension != DIM_SIZE;
        memcpy(room, both, next.range_count * sizeof(*both));
    }
    if (!ret->given) {
        ret->absent = next.absent;
        return put_ranges(p, &v->name, room, next.range_count, ret);
    }
    ret->absent = ret->absent && next.absent;
    return put_ranges(p, &v->name, both, ranges_both(ret, &next, both), ret);
}

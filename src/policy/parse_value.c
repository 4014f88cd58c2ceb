/* Conditions and their values. */
#include "policy/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMBER_ALLOWED                                                                                                 \
    "a member's name, its origin (NAME/ and 52 characters), an origin's beginning (NAME/abcd…), a set, @self or *"
#define CLASS_ALLOWED "intergovernmental, state, private, civil or unknown"
#define TRUST_ALLOWED "a trust level from 0 to 4"
#define WORD_ALLOWED "a word, a text in quotes, none or *"
#define GROUP_ALLOWED "a group: ORIGIN#name"

const struct dimension_info dimensions[DIMENSIONS] = {
    [DIM_KIND] = {"kind", "a kind (security/stix), all of a capability (culture/*) or *", SHAPE_LIST, 0},
    [DIM_TLP] = {"tlp", "clear, green, amber, amber+strict, red or none", SHAPE_MASK, TLP_RED + 1},
    [DIM_LANGUAGE] = {"language", "a language range (zh, pt-BR), none or *", SHAPE_LIST, 0},
    [DIM_SCORE] = {"score", "a score from 0 to 100, 10-20, or none", SHAPE_RANGE, 0},
    [DIM_SIZE] = {"size", "bytes: 500, 20kB, 1MB, or 1kB-2kB", SHAPE_RANGE, 0},
    [DIM_AGE] = {"age", "an age: 90s, 15m, 12h, 30d, 2w, 1d-2d, or none", SHAPE_RANGE, 0},
    [DIM_FROM] = {"from", MEMBER_ALLOWED, SHAPE_LIST, 0},
    [DIM_CLASS] = {"class", CLASS_ALLOWED, SHAPE_MASK, CLASS_UNKNOWN + 1},
    [DIM_JURISDICTION] = {"jurisdiction", WORD_ALLOWED, SHAPE_LIST, 0},
    [DIM_SECTOR] = {"sector", WORD_ALLOWED, SHAPE_LIST, 0},
    [DIM_GROUP] = {"group", GROUP_ALLOWED, SHAPE_LIST, 0},
    [DIM_TRUST] = {"trust", TRUST_ALLOWED, SHAPE_MASK, POLICY_TRUST_MAX + 1},
    [DIM_TO] = {"to", MEMBER_ALLOWED, SHAPE_LIST, 0},
    [DIM_TO_CLASS] = {"to-class", CLASS_ALLOWED, SHAPE_MASK, CLASS_UNKNOWN + 1},
    [DIM_TO_JURISDICTION] = {"to-jurisdiction", WORD_ALLOWED, SHAPE_LIST, 0},
    [DIM_TO_SECTOR] = {"to-sector", WORD_ALLOWED, SHAPE_LIST, 0},
    [DIM_TO_GROUP] = {"to-group", GROUP_ALLOWED, SHAPE_LIST, 0},
    [DIM_TO_TRUST] = {"to-trust", TRUST_ALLOWED, SHAPE_MASK, POLICY_TRUST_MAX + 1},
};

/* ---- items ---- */

static bool add_item(struct parser *p, struct token **items, size_t *count, size_t *cap)
{
    if (p->items++ == POLICY_ITEMS_MAX)
        return parser_error(p, &p->token, "more than %d items in all sets and lists", POLICY_ITEMS_MAX);
    struct token *grown = parser_grow(p, *items, *count, cap, sizeof(*grown));
    if (!grown)
        return false;
    *items = grown;
    grown[(*count)++] = p->token;
    return true;
}

static bool is_value(const struct token *token)
{
    return token->kind == TOKEN_WORD || token->kind == TOKEN_STRING;
}

bool parse_items(struct parser *p, struct token **ret, size_t *ret_count)
{
    struct token open = p->token;
    size_t cap = 0;
    *ret = NULL;
    *ret_count = 0;
    if (open.kind != TOKEN_OPEN) {
        if (!add_item(p, ret, ret_count, &cap))
            return false;
        parser_next(p);
        return true;
    }
    parser_next(p);
    while (p->token.kind != TOKEN_CLOSE) {
        if (p->token.kind == TOKEN_END)
            return parser_error(p, &open, "this { is never closed");
        if (!is_value(&p->token) && p->token.kind != TOKEN_COMMA)
            return parse_unexpected(p, "an item or }");
        if (p->token.kind != TOKEN_COMMA && !add_item(p, ret, ret_count, &cap))
            return false;
        parser_next(p);
    }
    parser_next(p);
    return *ret_count > 0 || parser_error(p, &open, "an empty list matches nothing");
}

/* ---- values of lists ---- */

static struct span lower(struct parser *p, struct span text)
{
    uint8_t *out = arena_alloc(&p->policy->arena, text.len);
    if (!out) {
        p->failed = ERR_MEMORY;
        return (struct span){0};
    }
    for (size_t i = 0; i < text.len; i++)
        out[i] = (uint8_t)(text.data[i] >= 'A' && text.data[i] <= 'Z' ? text.data[i] + ('a' - 'A') : text.data[i]);
    return span_of(out, text.len);
}

static bool kind_item(struct span text, struct span *ret)
{
    char whole[RECORD_LINE_MAX + 2];
    *ret = text;
    if (span_is(text, ITEM_ANY))
        return true;
    if (text.len < 3 || text.len > 64 || text.data[text.len - 1] != '*')
        return record_kind_valid(text) && !span_is(text, "seal");
    /* CAPABILITY/ and any name make a kind. */
    int len = snprintf(whole, sizeof(whole), "%.*sx", (int)text.len - 1, (const char *)text.data);
    return text.data[text.len - 2] == '/' && record_kind_valid(span_of(whole, (size_t)len));
}

static bool language_item(struct parser *p, struct span text, struct span *ret)
{
    size_t part = 0;
    if (span_is(text, ITEM_ANY)) {
        *ret = text;
        return true;
    }
    if (span_is(text, "none")) {
        *ret = SPAN_LIT(ITEM_ABSENT);
        return true;
    }
    *ret = lower(p, text);
    for (size_t i = 0; i < ret->len; i++) {
        uint8_t c = ret->data[i];
        if (c == '-' ? part == 0 : !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
        part = c == '-' ? 0 : part + 1;
        if (part > 8)
            return false;
    }
    return part > 0 && ret->len <= 64;
}

static size_t without_dots(struct span text)
{
    if (text.len > 3 && memcmp(text.data + text.len - 3, "…", 3) == 0)
        return text.len - 3;
    if (text.len > 3 && memcmp(text.data + text.len - 3, "...", 3) == 0)
        return text.len - 3;
    return text.len;
}

static bool member_item(struct span text, struct span *ret)
{
    *ret = text;
    if (span_is(text, ITEM_ANY) || span_is(text, ITEM_SELF))
        return true;
    size_t slash = span_find(text, '/');
    if (slash == text.len)
        return member_name_valid(text);
    *ret = span_sub(text, 0, without_dots(text));
    struct span hash = span_sub(*ret, slash + 1, ret->len);
    if (hash.len == 52)
        return origin_valid(*ret) && ret->len == text.len;
    for (size_t i = 0; i < hash.len; i++)
        if (!(hash.data[i] >= 'a' && hash.data[i] <= 'z') && !(hash.data[i] >= '2' && hash.data[i] <= '7'))
            return false;
    return hash.len >= 4 && hash.len < 52 && member_name_valid(span_sub(text, 0, slash));
}

static bool group_item(struct span text, struct span *ret)
{
    size_t hash = span_find(text, '#');
    *ret = text;
    for (size_t i = hash + 1; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return hash + 1 < text.len && text.len - hash <= 65 && origin_valid(span_sub(text, 0, hash));
}

static bool word_item(struct parser *p, const struct token *word, struct span *ret)
{
    if (word->kind == TOKEN_WORD && span_is(word->text, "none"))
        *ret = SPAN_LIT(ITEM_ABSENT);
    else
        *ret = lower(p, word->text);
    return word->text.len <= MEMBER_WORD_MAX;
}

bool parse_list_item(struct parser *p, enum dimension dimension, const struct token *word, struct span *ret)
{
    char shown[96];
    bool good = false;
    if (dimension == DIM_KIND)
        good = kind_item(word->text, ret);
    else if (dimension == DIM_LANGUAGE)
        good = language_item(p, word->text, ret);
    else if (dimension == DIM_FROM || dimension == DIM_TO)
        good = member_item(word->text, ret);
    else if (dimension == DIM_GROUP || dimension == DIM_TO_GROUP)
        good = group_item(word->text, ret);
    else
        good = word_item(p, word, ret);
    return good ||
           parser_error(p, word, "found %s, allowed: %s", token_show(word, shown), dimensions[dimension].allowed);
}

/* The items of a set as values of this dimension, read once. */
static bool read_set(struct parser *p, enum dimension dimension, struct named_set *set)
{
    if (set->read[dimension])
        return true;
    struct item *items = arena_array(&p->policy->arena, set->count, sizeof(*items));
    if (!items) {
        p->failed = ERR_MEMORY;
        return false;
    }
    for (size_t i = 0; i < set->count; i++) {
        items[i].line = set->items[i].line;
        if (!parse_list_item(p, dimension, &set->items[i], &items[i].text))
            return false;
    }
    set->read[dimension] = items;
    return true;
}

static bool read_list(struct parser *p, enum dimension dimension, const struct token *words, size_t count,
                      struct condition *ret)
{
    size_t cap = 0;
    struct named_set *set = NULL;
    for (size_t i = 0; i < count; i++) {
        if (token_is_set(&words[i]) && (!(set = parser_set(p, &words[i])) || !read_set(p, dimension, set)))
            return false;
        if (token_is_set(&words[i]) && count == 1) {
            ret->items = set->read[dimension];
            ret->item_count = set->count;
            ret->shared = true;
            continue;
        }
        for (size_t k = 0; k < (token_is_set(&words[i]) ? set->count : 1); k++) {
            struct item *grown = parser_grow(p, ret->items, ret->item_count, &cap, sizeof(*grown));
            if (!grown)
                return false;
            ret->items = grown;
            struct item *item = &ret->items[ret->item_count];
            item->line = words[i].line;
            if (token_is_set(&words[i]))
                *item = set->read[dimension][k];
            else if (!parse_list_item(p, dimension, &words[i], &item->text))
                return false;
            if (token_is_set(&words[i]) && p->items++ == POLICY_ITEMS_MAX)
                return parser_error(p, &words[i], "more than %d items in all sets and lists", POLICY_ITEMS_MAX);
            ret->item_count++;
        }
    }
    p->uses += ret->item_count;
    return p->uses <= POLICY_USES_MAX || parser_error(p, &words[0], "more than %u uses of items", POLICY_USES_MAX);
}

/* ---- masks ---- */

static bool mask_value(enum dimension dimension, struct span word, unsigned *ret)
{
    uint64_t level;
    if (dimension == DIM_TLP) {
        *ret = TLP_NONE;
        if (span_is(word, "none"))
            return true;
        *ret = (unsigned)tlp_parse(word);
        return *ret != TLP_NONE;
    }
    if (dimension == DIM_CLASS || dimension == DIM_TO_CLASS) {
        *ret = (unsigned)member_class_parse(word);
        return *ret != CLASS_UNKNOWN || span_is(word, "unknown");
    }
    bool good = span_u64(word, POLICY_TRUST_MAX, &level);
    *ret = good ? (unsigned)level : 0;
    return good;
}

static bool read_mask(struct parser *p, enum dimension dimension, const struct token *words, size_t count,
                      uint32_t *ret)
{
    char shown[96];
    *ret = 0;
    for (size_t i = 0; i < count; i++) {
        const struct named_set *set = NULL;
        if (token_is_set(&words[i]) && !(set = parser_set(p, &words[i])))
            return false;
        for (size_t k = 0; k < (set ? set->count : 1); k++) {
            const struct token *word = set ? &set->items[k] : &words[i];
            unsigned bit;
            if (!mask_value(dimension, word->text, &bit))
                return parser_error(p, word, "found %s, allowed: %s", token_show(word, shown),
                                    dimensions[dimension].allowed);
            *ret |= 1u << bit;
        }
    }
    return true;
}

/* Those in order with `bit`. TLP `none` is no marking and so in no order with others. */
static uint32_t mask_compared(enum dimension dimension, enum token_kind sign, unsigned bit)
{
    uint32_t all = (1u << dimensions[dimension].bits) - 1, below = (1u << bit) - 1, mask;
    if (dimension == DIM_TLP)
        all &= ~(uint32_t)1;
    if (sign == TOKEN_LESS)
        mask = below;
    else if (sign == TOKEN_LESS_EQUAL)
        mask = below | 1u << bit;
    else if (sign == TOKEN_MORE)
        mask = ~(below | 1u << bit);
    else
        mask = ~below;
    return mask & all;
}

/* ---- ranges ---- */

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

/* ---- conditions ---- */

static bool is_sign(const struct token *token)
{
    return token->kind == TOKEN_LESS || token->kind == TOKEN_LESS_EQUAL || token->kind == TOKEN_MORE ||
           token->kind == TOKEN_MORE_EQUAL;
}

/* The values behind a name: words to be read, and whether they are turned or compared. */
struct values {
    struct token name, sign, *words;
    size_t count;
    bool negated, compared;
};

static bool parse_values(struct parser *p, enum dimension dimension, struct values *v)
{
    *v = (struct values){.name = p->token};
    parser_next(p);
    v->sign = p->token;
    v->compared = is_sign(&p->token);
    v->negated = p->token.kind == TOKEN_NOT;
    if (v->compared && dimensions[dimension].shape == SHAPE_LIST)
        return parse_unexpected(p, dimensions[dimension].allowed);
    if (v->compared && (dimension == DIM_CLASS || dimension == DIM_TO_CLASS))
        return parser_error(p, &p->token, "classes have no order");
    if (v->compared || v->negated)
        parser_next(p);
    if (!is_value(&p->token) && (p->token.kind != TOKEN_OPEN || v->compared))
        return parse_unexpected(p, dimensions[dimension].allowed);
    return parse_items(p, &v->words, &v->count);
}

static bool take_mask(struct parser *p, enum dimension dimension, const struct values *v, struct condition *ret)
{
    uint32_t mask;
    if (!read_mask(p, dimension, v->words, v->count, &mask))
        return false;
    if (v->compared) {
        unsigned bit = 0;
        (void)mask_value(dimension, v->words[0].text, &bit);
        if (token_is_set(&v->words[0]) || (dimension == DIM_TLP && bit == TLP_NONE))
            return parser_error(p, &v->words[0], "only one value that has an order can be compared with");
        mask = mask_compared(dimension, v->sign.kind, bit);
    }
    if (v->negated)
        mask = ~mask & ((1u << dimensions[dimension].bits) - 1);
    ret->mask = ret->given ? ret->mask & mask : mask;
    return true;
}

static bool take_ranges(struct parser *p, enum dimension dimension, const struct values *v, struct condition *ret)
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

bool parse_condition(struct parser *p, enum dimension dimension, struct condition *ret)
{
    struct values values;
    bool good;
    if (!parse_values(p, dimension, &values))
        return false;
    if (dimensions[dimension].shape == SHAPE_LIST) {
        ret->negated = values.negated;
        good = read_list(p, dimension, values.words, values.count, ret);
    } else if (dimensions[dimension].shape == SHAPE_MASK) {
        good = take_mask(p, dimension, &values, ret);
    } else {
        good = take_ranges(p, dimension, &values, ret);
    }
    ret->given = true;
    return good;
}

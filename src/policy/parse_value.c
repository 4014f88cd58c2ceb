/* Conditions and their values. */
#include "policy/internal.h"

#include <stdio.h>

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
    struct item *items = arena_array(&p->policy->arena, set->count + 1, sizeof(*items));
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

/* ---- conditions ---- */

static bool is_sign(const struct token *token)
{
    return token->kind == TOKEN_LESS || token->kind == TOKEN_LESS_EQUAL || token->kind == TOKEN_MORE ||
           token->kind == TOKEN_MORE_EQUAL;
}

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
        good = parse_ranges(p, dimension, &values, ret);
    }
    ret->given = true;
    return good;
}

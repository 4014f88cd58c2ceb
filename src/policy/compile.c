/* Rules into rows of bits. */
#include "policy/internal.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/sha256.h"

static void set_bit(uint64_t *row, size_t bit)
{
    row[bit / POLICY_WORD_BITS] |= UINT64_C(1) << bit % POLICY_WORD_BITS;
}

static uint64_t *new_rows(struct policy *policy, size_t count)
{
    return arena_array(&policy->arena, count * policy->words, sizeof(uint64_t));
}

/* Each question's rules begin a word, so that a question is a range of words. */
static int assign_bits(struct policy *policy, struct err *err)
{
    size_t counts[POLICY_QUESTIONS] = {0};
    for (size_t i = 0; i < policy->rule_count; i++)
        counts[policy->rules[i].question]++;
    for (size_t q = 0; q < POLICY_QUESTIONS; q++)
        policy->first[q + 1] = policy->first[q] + (counts[q] + POLICY_WORD_BITS - 1) / POLICY_WORD_BITS;
    policy->words = policy->first[POLICY_QUESTIONS];
    policy->slot = arena_array(&policy->arena, policy->words * POLICY_WORD_BITS + 1, sizeof(*policy->slot));
    if (!policy->slot)
        return err_memory(err);
    size_t next[POLICY_QUESTIONS];
    for (size_t q = 0; q < POLICY_QUESTIONS; q++)
        next[q] = policy->first[q] * POLICY_WORD_BITS;
    for (size_t i = 0; i < policy->rule_count; i++)
        policy->slot[next[policy->rules[i].question]++] = &policy->rules[i];
    return 0;
}

static bool is_plain(const struct rule *rule, bool but_marking)
{
    for (enum dimension d = 0; d < DIM_CONTENT_END; d++)
        if (rule->when[d].given && !(but_marking && d == DIM_TLP))
            return false;
    return true;
}

static int compile_base(struct policy *policy, struct err *err)
{
    policy->all = new_rows(policy, 1);
    policy->plain = new_rows(policy, 1);
    policy->marked = new_rows(policy, 1);
    if (!policy->all || !policy->plain || !policy->marked)
        return err_memory(err);
    for (size_t bit = 0; bit < policy->words * POLICY_WORD_BITS; bit++) {
        const struct rule *rule = policy->slot[bit];
        if (!rule || rule->is_treaties)
            continue;
        set_bit(policy->all, bit);
        if (is_plain(rule, false))
            set_bit(policy->plain, bit);
        if (is_plain(rule, true))
            set_bit(policy->marked, bit);
    }
    return 0;
}

/* ---- lists ---- */

static int by_text(const void *x, const void *y)
{
    const struct span *a = x, *b = y;
    return span_cmp(*a, *b);
}

uint64_t hash_length_bit(struct span text)
{
    size_t slash = span_find(text, '/'), len = slash < text.len ? text.len - slash - 1 : 0;
    return len > 0 && len < 64 ? UINT64_C(1) << len : 0;
}

static unsigned row_of(const struct text_rows *rows, struct span text)
{
    size_t low = 0, high = rows->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (span_cmp(rows->text[middle], text) <= 0)
            low = middle;
        else
            high = middle;
    }
    return (unsigned)low;
}

/* The texts of all lists, each list once though many rules share it. */
static int collect_texts(struct policy *policy, enum dimension d, struct text_rows *rows, struct err *err)
{
    size_t total = 0, kept = 0;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct condition *c = &policy->rules[i].when[d];
        rows->used |= c->given;
        for (size_t k = 0; k < c->item_count && c->items[0].row != UINT32_MAX; k++)
            total++;
        if (c->item_count > 0)
            c->items[0].row = UINT32_MAX; /* seen */
    }
    rows->text = arena_array(&policy->arena, total + 1, sizeof(*rows->text));
    if (!rows->text)
        return err_memory(err);
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct condition *c = &policy->rules[i].when[d];
        for (size_t k = 0; k < c->item_count && c->items[0].row == UINT32_MAX; k++)
            rows->text[rows->count++] = c->items[k].text;
        if (c->item_count > 0)
            c->items[0].row = 0;
    }
    if (rows->count > 1)
        qsort(rows->text, rows->count, sizeof(*rows->text), by_text);
    for (size_t i = 0; i < rows->count; i++) {
        if (kept == 0 || !span_eq(rows->text[i], rows->text[kept - 1]))
            rows->text[kept++] = rows->text[i];
        rows->lengths |= hash_length_bit(rows->text[i]);
    }
    rows->count = kept;
    return 0;
}

static int compile_list(struct policy *policy, enum dimension d, struct err *err)
{
    struct text_rows *rows = &policy->texts[d];
    int rc = collect_texts(policy, d, rows, err);
    if (rc < 0)
        return rc;
    policy->positive[d] = new_rows(policy, 1);
    policy->negative[d] = new_rows(policy, 1);
    rows->listed = new_rows(policy, rows->count);
    if (!policy->positive[d] || !policy->negative[d] || (rows->count > 0 && !rows->listed))
        return err_memory(err);
    for (size_t bit = 0; bit < policy->words * POLICY_WORD_BITS; bit++) {
        const struct condition *c = policy->slot[bit] ? &policy->slot[bit]->when[d] : NULL;
        if (!c || !c->given)
            continue;
        set_bit(c->negated ? policy->negative[d] : policy->positive[d], bit);
        for (size_t k = 0; k < c->item_count; k++) {
            struct item *item = &c->items[k];
            if (item->row == 0)
                item->row = row_of(rows, item->text) + 1;
            set_bit(rows->listed + (item->row - 1) * policy->words, bit);
        }
    }
    return 0;
}

/* ---- masks ---- */

static int compile_mask(struct policy *policy, enum dimension d, struct err *err)
{
    policy->masks[d] = new_rows(policy, dimensions[d].bits);
    if (!policy->masks[d])
        return err_memory(err);
    for (size_t bit = 0; bit < policy->words * POLICY_WORD_BITS; bit++) {
        const struct condition *c = policy->slot[bit] ? &policy->slot[bit]->when[d] : NULL;
        for (unsigned value = 0; c && value < dimensions[d].bits; value++)
            if (!c->given || (c->mask >> value & 1) != 0)
                set_bit(policy->masks[d] + value * policy->words, bit);
    }
    return 0;
}

/* ---- ranges ---- */

static int by_number(const void *x, const void *y)
{
    uint64_t a, b;
    memcpy(&a, x, sizeof(a));
    memcpy(&b, y, sizeof(b));
    return (a > b) - (a < b);
}

/* Where a range begins or has just ended, a segment begins. */
static int collect_starts(struct policy *policy, enum dimension d, struct range_rows *rows, struct err *err)
{
    size_t total = 1, kept = 0;
    for (size_t i = 0; i < policy->rule_count; i++)
        total += 2 * policy->rules[i].when[d].range_count;
    rows->start = arena_array(&policy->arena, total, sizeof(*rows->start));
    if (!rows->start)
        return err_memory(err);
    rows->count = 1; /* 0 */
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct condition *c = &policy->rules[i].when[d];
        for (size_t k = 0; k < c->range_count; k++) {
            rows->start[rows->count++] = c->ranges[k].low;
            rows->start[rows->count++] = c->ranges[k].high + 1;
        }
    }
    qsort(rows->start, rows->count, sizeof(*rows->start), by_number);
    for (size_t i = 0; i < rows->count; i++)
        if (kept == 0 || rows->start[i] != rows->start[kept - 1])
            rows->start[kept++] = rows->start[i];
    rows->count = kept;
    return 0;
}

/* The segment that begins with this number: ends of ranges are all among them. */
static size_t segment_at(const struct range_rows *rows, uint64_t start)
{
    size_t low = 0, high = rows->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (rows->start[middle] <= start)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Each segment begins with the rules that do not care; the others are added where their ranges are. */
static int compile_range(struct policy *policy, enum dimension d, struct err *err)
{
    struct range_rows *rows = &policy->ranges[d];
    int rc = collect_starts(policy, d, rows, err);
    if (rc < 0)
        return rc;
    uint64_t *free_of_it = new_rows(policy, 1);
    rows->bits = new_rows(policy, rows->count);
    rows->absent = new_rows(policy, 1);
    if (!free_of_it || !rows->bits || !rows->absent)
        return err_memory(err);
    for (size_t bit = 0; bit < policy->words * POLICY_WORD_BITS; bit++) {
        const struct condition *c = policy->slot[bit] ? &policy->slot[bit]->when[d] : NULL;
        if (c && !c->given)
            set_bit(free_of_it, bit);
        if (c && (!c->given || c->absent))
            set_bit(rows->absent, bit);
    }
    for (size_t i = 0; i < rows->count; i++)
        memcpy(rows->bits + i * policy->words, free_of_it, policy->words * sizeof(*free_of_it));
    for (size_t bit = 0; bit < policy->words * POLICY_WORD_BITS; bit++) {
        const struct condition *c = policy->slot[bit] ? &policy->slot[bit]->when[d] : NULL;
        for (size_t k = 0; c && k < c->range_count; k++)
            for (size_t i = segment_at(rows, c->ranges[k].low); i < rows->count && rows->start[i] <= c->ranges[k].high;
                 i++)
                set_bit(rows->bits + i * policy->words, bit);
    }
    return 0;
}

/* ---- all ---- */

static int by_trust(const void *x, const void *y)
{
    const struct trust_line *a = x, *b = y;
    int order = span_cmp(a->item.text, b->item.text);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

static void note_looks(struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        for (enum dimension d = 0; d < DIMENSIONS; d++)
            if (policy->rules[i].when[d].given)
                policy->looks[policy->rules[i].question] |= UINT32_C(1) << d;
}

int policy_compile(struct policy *policy, struct err *err)
{
    note_looks(policy);
    int rc = assign_bits(policy, err);
    if (rc == 0 && policy->words > 0)
        rc = compile_base(policy, err);
    for (enum dimension d = 0; d < DIMENSIONS && rc == 0 && policy->words > 0; d++) {
        if (dimensions[d].shape == SHAPE_LIST)
            rc = compile_list(policy, d, err);
        else if (dimensions[d].shape == SHAPE_MASK)
            rc = compile_mask(policy, d, err);
        else
            rc = compile_range(policy, d, err);
    }
    if (policy->trust_count > 1)
        qsort(policy->trusts, policy->trust_count, sizeof(*policy->trusts), by_trust);
    for (size_t i = 0; i < policy->trust_count; i++)
        policy->trust_lengths |= hash_length_bit(policy->trusts[i].item.text);
    return rc;
}

void policy_version_of(struct span text, char out[POLICY_VERSION_LEN + 1])
{
    uint8_t hash[32];
    char hex[65];
    struct sha256 ctx;
    sha256_init(&ctx);
    sha256_add(&ctx, text);
    sha256_end(&ctx, hash);
    hex_encode(hash, sizeof(hash), hex);
    memcpy(out, hex, POLICY_VERSION_LEN);
    out[POLICY_VERSION_LEN] = '\0';
}

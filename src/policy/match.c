/* Deciding: rows looked up and put together. */
#include "policy/internal.h"

const char policy_builtin[] = "# What holds where there is no policy.conf.\n"
                              "accept\n"
                              "share\n"
                              "enforce\n";

const char *policy_question_word(enum policy_question question)
{
    static const char *const words[POLICY_QUESTIONS] = {"mirror", "accept", "share", "enforce"};
    return words[question];
}

struct span policy_text(const struct policy *policy)
{
    return policy->text;
}

const char *policy_version(const struct policy *policy)
{
    return policy->version;
}

size_t policy_rule_count(const struct policy *policy)
{
    return policy->rule_count;
}

bool policy_decides(const struct policy *policy, enum policy_question question)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (policy->rules[i].question == question && policy->rules[i].act != POLICY_YES &&
            !policy->rules[i].is_treaties)
            return true;
    return false;
}

static bool looks_at(const struct policy *policy, enum policy_question question, enum dimension d)
{
    return (policy->looks[question] >> d & 1) != 0;
}

bool policy_looks_at_profile(const struct policy *policy, bool of_viewer)
{
    enum dimension by = of_viewer ? DIM_OF_MEMBER : 0;
    for (enum policy_question q = 0; q < POLICY_QUESTIONS; q++)
        if (looks_at(policy, q, DIM_CLASS + by) || looks_at(policy, q, DIM_JURISDICTION + by) ||
            looks_at(policy, q, DIM_SECTOR + by))
            return true;
    return false;
}

bool policy_looks_at_groups(const struct policy *policy)
{
    for (enum policy_question q = 0; q < POLICY_QUESTIONS; q++)
        if (looks_at(policy, q, DIM_GROUP) || looks_at(policy, q, DIM_TO_GROUP))
            return true;
    return false;
}

static bool is_unconditional(const struct rule *rule)
{
    for (enum dimension d = 0; d < DIMENSIONS; d++)
        if (rule->when[d].given)
            return false;
    return true;
}

bool policy_shares_all(const struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        if (rule->question == POLICY_SHARE && !rule->is_treaties)
            return rule->act == POLICY_YES && is_unconditional(rule);
    }
    return false;
}

bool policy_looks_at_age(const struct policy *policy, enum policy_question question)
{
    return looks_at(policy, question, DIM_AGE);
}

bool policy_looks_at_score(const struct policy *policy, enum policy_question question)
{
    return looks_at(policy, question, DIM_SCORE);
}

bool policy_counts(const struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (policy->rules[i].is_limit)
            return true;
    return false;
}

/* ---- rows ---- */

static void narrow(const struct policy *policy, const uint64_t *row, struct policy_bits *bits)
{
    for (size_t w = 0; w < policy->words; w++)
        bits->word[w] &= row[w];
}

static void take_all(const struct policy *policy, struct policy_bits *bits)
{
    memset(bits, 0, sizeof(*bits));
    if (policy->words > 0)
        memcpy(bits->word, policy->all, policy->words * sizeof(uint64_t));
}

/* Rules that list what was found so far; what they mean by it is seen to at the end. */
struct listing {
    const struct policy *policy;
    enum dimension dimension;
    uint64_t listed[POLICY_WORDS];
};

static void listing_init(struct listing *l, const struct policy *policy, enum dimension d)
{
    l->policy = policy;
    l->dimension = d;
    memset(l->listed, 0, policy->words * sizeof(uint64_t));
}

static void listing_text(struct listing *l, struct span text)
{
    const struct text_rows *rows = &l->policy->texts[l->dimension];
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = span_cmp(rows->text[middle], text);
        if (order == 0) {
            const uint64_t *row = rows->listed + middle * l->policy->words;
            for (size_t w = 0; w < l->policy->words; w++)
                l->listed[w] |= row[w];
            return;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
}

/* Rules without a list stay; with one if it was found; with a negated one if not. */
static void listing_end(const struct listing *l, struct policy_bits *bits)
{
    const uint64_t *positive = l->policy->positive[l->dimension], *negative = l->policy->negative[l->dimension];
    for (size_t w = 0; w < l->policy->words; w++)
        bits->word[w] &= ~(positive[w] | negative[w]) | (positive[w] & l->listed[w]) | (negative[w] & ~l->listed[w]);
}

static void narrow_range(const struct policy *policy, enum dimension d, uint64_t value, struct policy_bits *bits)
{
    const struct range_rows *rows = &policy->ranges[d];
    size_t low = 0, high = rows->count;
    if (value == POLICY_NONE) {
        narrow(policy, rows->absent, bits);
        return;
    }
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (rows->start[middle] <= value)
            low = middle;
        else
            high = middle;
    }
    narrow(policy, rows->bits + low * policy->words, bits);
}

static void narrow_mask(const struct policy *policy, enum dimension d, unsigned value, struct policy_bits *bits)
{
    narrow(policy, policy->masks[d] + value * policy->words, bits);
}

/* ---- members ---- */

/* Each text by which a member may be listed: its name, beginnings of its origin, @self, *. */
static void each_member_text(const struct policy_member *member, uint64_t lengths,
                             void (*each)(void *ctx, struct span text), void *ctx)
{
    size_t slash = span_find(member->origin, '/');
    each(ctx, span_sub(member->origin, 0, slash));
    for (uint64_t left = lengths; left; left &= left - 1) {
        size_t len = (size_t)__builtin_ctzll(left);
        if (slash + 1 + len <= member->origin.len)
            each(ctx, span_sub(member->origin, 0, slash + 1 + len));
    }
    if (member->is_self)
        each(ctx, SPAN_LIT(ITEM_SELF));
    each(ctx, SPAN_LIT(ITEM_ANY));
}

static void list_member(void *ctx, struct span text)
{
    listing_text(ctx, text);
}

struct trust_search {
    const struct policy *policy;
    const struct trust_line *best;
};

/* The first line of this text; of all texts the first line decides. */
static void search_trust(void *ctx, struct span text)
{
    struct trust_search *search = ctx;
    const struct policy *policy = search->policy;
    size_t low = 0, high = policy->trust_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (span_cmp(policy->trusts[middle].item.text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < policy->trust_count && span_eq(policy->trusts[low].item.text, text) &&
        (!search->best || policy->trusts[low].order < search->best->order))
        search->best = &policy->trusts[low];
}

unsigned policy_trust(const struct policy *policy, const struct policy_member *member)
{
    struct trust_search search = {.policy = policy};
    if (policy->trust_count > 0)
        each_member_text(member, policy->trust_lengths, search_trust, &search);
    return search.best ? search.best->level : member->is_self ? POLICY_TRUST_MAX : 0;
}

static struct span lower_into(struct span text, uint8_t out[MEMBER_WORD_MAX])
{
    text = span_sub(text, 0, MEMBER_WORD_MAX);
    for (size_t i = 0; i < text.len; i++)
        out[i] = (uint8_t)(text.data[i] >= 'A' && text.data[i] <= 'Z' ? text.data[i] + ('a' - 'A') : text.data[i]);
    return span_of(out, text.len);
}

static void narrow_words(const struct policy *policy, enum dimension d, const struct span *words, size_t count,
                         struct policy_bits *bits)
{
    struct listing listing;
    uint8_t room[MEMBER_WORD_MAX];
    if (!policy->texts[d].used)
        return;
    listing_init(&listing, policy, d);
    for (size_t i = 0; i < count; i++)
        listing_text(&listing, lower_into(words[i], room));
    listing_text(&listing, count > 0 ? SPAN_LIT(ITEM_ANY) : SPAN_LIT(ITEM_ABSENT));
    listing_end(&listing, bits);
}

static void narrow_groups(const struct policy *policy, enum dimension d, const struct policy_member *member,
                          struct policy_bits *bits)
{
    struct listing listing;
    const struct text_rows *rows = &policy->texts[d];
    if (!rows->used)
        return;
    listing_init(&listing, policy, d);
    for (size_t i = 0; i < rows->count && member->in_group; i++)
        if (member->in_group(member->ctx, rows->text[i]))
            listing_text(&listing, rows->text[i]);
    listing_end(&listing, bits);
}

/* The six dimensions of a member; `by` is 0 for the author, DIM_OF_MEMBER for the viewer. */
static void narrow_member(const struct policy *policy, unsigned by, const struct policy_member *member,
                          struct policy_bits *bits)
{
    struct span sectors[MEMBER_LIST_MAX];
    struct listing listing;
    size_t count = member->sectors ? member->sectors->count : 0;
    if (policy->texts[DIM_FROM + by].used) {
        listing_init(&listing, policy, DIM_FROM + by);
        each_member_text(member, policy->texts[DIM_FROM + by].lengths, list_member, &listing);
        listing_end(&listing, bits);
    }
    for (size_t i = 0; i < count && i < MEMBER_LIST_MAX; i++)
        sectors[i] = span_str(member->sectors->item[i]);
    narrow_mask(policy, DIM_CLASS + by, (unsigned)member->class, bits);
    narrow_words(policy, DIM_JURISDICTION + by, &member->jurisdiction, member->jurisdiction.len > 0, bits);
    narrow_words(policy, DIM_SECTOR + by, sectors, count, bits);
    narrow_groups(policy, DIM_GROUP + by, member, bits);
    narrow_mask(policy, DIM_TRUST + by, policy_trust(policy, member), bits);
}

void policy_author(const struct policy *policy, const struct policy_member *member, struct policy_bits *ret)
{
    take_all(policy, ret);
    if (policy->words > 0)
        narrow_member(policy, 0, member, ret);
}

/* The public is no member: what asks for one does not hold, what excludes some does. */
static void narrow_public(const struct policy *policy, struct policy_bits *bits)
{
    struct listing listing;
    for (enum dimension d = DIM_TO; d < DIMENSIONS; d++) {
        if (dimensions[d].shape == SHAPE_LIST) {
            listing_init(&listing, policy, d);
            listing_end(&listing, bits);
        }
    }
    narrow_mask(policy, DIM_TO_CLASS, CLASS_UNKNOWN, bits);
    narrow_mask(policy, DIM_TO_TRUST, 0, bits);
}

void policy_viewer(const struct policy *policy, const struct policy_member *member, struct policy_bits *ret)
{
    take_all(policy, ret);
    if (policy->words == 0)
        return;
    if (member)
        narrow_member(policy, DIM_OF_MEMBER, member, ret);
    else
        narrow_public(policy, ret);
}

/* ---- contents ---- */

static void narrow_kind(const struct policy *policy, struct span kind, struct policy_bits *bits)
{
    struct listing listing;
    uint8_t family[66];
    size_t slash = span_find(kind, '/');
    if (!policy->texts[DIM_KIND].used)
        return;
    listing_init(&listing, policy, DIM_KIND);
    listing_text(&listing, kind);
    if (slash < kind.len && slash <= 63) {
        memcpy(family, kind.data, slash + 1);
        family[slash + 1] = '*';
        listing_text(&listing, span_of(family, slash + 2));
    }
    listing_text(&listing, SPAN_LIT(ITEM_ANY));
    listing_end(&listing, bits);
}

/* RFC 4647, basic filtering: a range holds for the tag and for whatever stands behind a hyphen after it. */
static void narrow_language(const struct policy *policy, struct span tag, struct policy_bits *bits)
{
    struct listing listing;
    uint8_t room[MEMBER_WORD_MAX];
    if (!policy->texts[DIM_LANGUAGE].used)
        return;
    listing_init(&listing, policy, DIM_LANGUAGE);
    tag = lower_into(tag, room);
    for (size_t i = 1; i <= tag.len; i++)
        if (i == tag.len || tag.data[i] == '-')
            listing_text(&listing, span_sub(tag, 0, i));
    listing_text(&listing, tag.len > 0 ? SPAN_LIT(ITEM_ANY) : SPAN_LIT(ITEM_ABSENT));
    listing_end(&listing, bits);
}

void policy_known(const struct policy *policy, const struct policy_content *content, struct policy_known *ret)
{
    ret->tlp = content->tlp;
    take_all(policy, &ret->may);
    if (policy->words > 0) {
        narrow_kind(policy, content->kind, &ret->may);
        narrow_mask(policy, DIM_TLP, (unsigned)content->tlp, &ret->may);
        narrow_language(policy, content->language, &ret->may);
        narrow_range(policy, DIM_SCORE, content->score, &ret->may);
        narrow_range(policy, DIM_SIZE, content->size, &ret->may);
        narrow_range(policy, DIM_AGE, content->age_s, &ret->may);
    }
    ret->must = ret->may;
}

void policy_known_tlp(const struct policy *policy, enum tlp tlp, struct policy_known *ret)
{
    ret->tlp = tlp;
    take_all(policy, &ret->may);
    if (policy->words > 0)
        narrow_mask(policy, DIM_TLP, (unsigned)tlp, &ret->may);
    ret->must = ret->may;
    if (policy->words > 0)
        narrow(policy, policy->marked, &ret->must);
}

void policy_known_nothing(const struct policy *policy, struct policy_known *ret)
{
    ret->tlp = TLP_NONE;
    take_all(policy, &ret->may);
    ret->must = ret->may;
    if (policy->words > 0)
        narrow(policy, policy->plain, &ret->must);
}

/* ---- the decision ---- */

static bool is_reached(const struct rule *rule, const struct policy_counts *counts)
{
    if (!counts)
        return rule->limit == 0;
    if (rule->limit_bytes)
        return (rule->limit_day ? counts->bytes_day : counts->bytes_hour) >= rule->limit;
    return (rule->limit_day ? counts->records_day : counts->records_hour) >= rule->limit;
}

static void verdict_of(const struct rule *rule, struct policy_verdict *ret)
{
    *ret = (struct policy_verdict){
        .act = rule->act, .line = rule->line, .rule = rule->text, .reason = rule->reason, .recent = rule->recent};
}

static enum policy_act without_rule(enum policy_question question, enum tlp tlp)
{
    if (question == POLICY_MIRROR)
        return POLICY_OPEN;
    if (question == POLICY_SHARE && tlp != TLP_CLEAR)
        return POLICY_REFUSE;
    return POLICY_YES;
}

void policy_decide(const struct policy *policy, enum policy_question question, const struct policy_bits *author,
                   const struct policy_bits *viewer, const struct policy_known *known,
                   const struct policy_counts *counts, struct policy_verdict *ret)
{
    for (size_t w = policy->first[question]; w < policy->first[question + 1]; w++) {
        uint64_t may = author->word[w] & known->may.word[w];
        if (question == POLICY_SHARE)
            may &= viewer->word[w];
        for (; may; may &= may - 1) {
            size_t bit = w * POLICY_WORD_BITS + (size_t)__builtin_ctzll(may);
            const struct rule *rule = policy->slot[bit];
            if (rule->is_limit && !is_reached(rule, counts))
                continue;
            verdict_of(rule, ret);
            if ((known->must.word[w] >> bit % POLICY_WORD_BITS & 1) == 0)
                ret->act = POLICY_OPEN;
            return;
        }
    }
    *ret = (struct policy_verdict){.act = without_rule(question, known->tlp)};
}

bool policy_rule_at(const struct policy *policy, unsigned line, struct policy_verdict *ret)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (policy->rules[i].line == line) {
            verdict_of(&policy->rules[i], ret);
            return true;
        }
    return false;
}

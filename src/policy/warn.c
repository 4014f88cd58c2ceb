/* What can hardly be meant. */
#include "policy/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "record/kind.h"

#define COMPARISONS_MAX 50000000 /* of items: about a second; behind that nothing is certain any more */
#define WARNINGS_MAX 500
#define BEGINNING_SAFE 12 /* characters of a hash: 60 bits, which nobody makes at will */

struct warner {
    const struct policy *policy;
    struct span *origins; /* of known members, ascending */
    size_t origin_count;
    bool groups_known;
    size_t compared;
    uint64_t told[WARNINGS_MAX]; /* hashes of what was told: a set's items are looked at wherever it is used */
    size_t told_count;
    void (*each)(void *ctx, unsigned line, const char *text);
    void *ctx;
};

static void warn(struct warner *w, unsigned line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void warn(struct warner *w, unsigned line, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    uint64_t hash = line + UINT64_C(0xcbf29ce484222325);
    for (const char *c = text; *c; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < w->told_count; i++)
        if (w->told[i] == hash)
            return;
    if (w->told_count == WARNINGS_MAX)
        return;
    w->told[w->told_count++] = hash;
    w->each(w->ctx, line, text);
}

/* ---- does one condition include another? ---- */

static bool begins(struct span text, struct span with, uint8_t then)
{
    return text.len > with.len && span_starts(text, with) && text.data[with.len] == then;
}

static bool is_family(struct span kind)
{
    return kind.len > 1 && kind.data[kind.len - 1] == '*';
}

static bool has_slash(struct span text)
{
    return span_find(text, '/') < text.len;
}

/* Whatever `b` matches `a` matches. */
static bool item_covers(enum dimension d, struct span a, struct span b)
{
    if (span_eq(a, b))
        return true;
    if (span_is(a, ITEM_ANY))
        return b.len > 0;
    if (a.len == 0 || b.len == 0 || span_is(b, ITEM_ANY))
        return false;
    if (d == DIM_KIND)
        return is_family(a) && !is_family(b) && span_starts(b, span_sub(a, 0, a.len - 1));
    if (d == DIM_LANGUAGE)
        return begins(b, a, '-');
    if (d == DIM_FROM || d == DIM_TO)
        return has_slash(a) ? span_starts(b, a) : begins(b, a, '/');
    return false;
}

/* Nothing matches both. Of dimensions with one value only. */
static bool items_apart(enum dimension d, struct span a, struct span b)
{
    if (span_is(a, ITEM_ANY) || span_is(b, ITEM_ANY) || span_is(a, ITEM_SELF) || span_is(b, ITEM_SELF))
        return false;
    bool single = d == DIM_KIND || d == DIM_LANGUAGE || d == DIM_FROM || d == DIM_TO || d == DIM_JURISDICTION ||
                  d == DIM_TO_JURISDICTION;
    return single && !item_covers(d, a, b) && !item_covers(d, b, a);
}

static bool listed(struct warner *w, enum dimension d, const struct condition *in, struct span text)
{
    w->compared += in->item_count;
    for (size_t i = 0; i < in->item_count; i++)
        if (item_covers(d, in->items[i].text, text))
            return true;
    return false;
}

static bool all_listed(struct warner *w, enum dimension d, const struct condition *in, const struct condition *items)
{
    if (in->items == items->items)
        return true;
    for (size_t i = 0; i < items->item_count; i++)
        if (w->compared > COMPARISONS_MAX || !listed(w, d, in, items->items[i].text))
            return false;
    return true;
}

static bool all_apart(struct warner *w, enum dimension d, const struct condition *a, const struct condition *b)
{
    for (size_t i = 0; i < a->item_count; i++) {
        w->compared += b->item_count;
        for (size_t k = 0; k < b->item_count; k++)
            if (w->compared > COMPARISONS_MAX || !items_apart(d, a->items[i].text, b->items[k].text))
                return false;
    }
    return true;
}

static bool list_covers(struct warner *w, enum dimension d, const struct condition *a, const struct condition *b)
{
    if (!a->negated && (d == DIM_KIND || d == DIM_FROM))
        for (size_t i = 0; i < a->item_count; i++)
            if (span_is(a->items[i].text, ITEM_ANY)) /* every content has a kind and an author */
                return true;
    if (!b->given)
        return false;
    if (!a->negated)
        return !b->negated && all_listed(w, d, a, b);
    return b->negated ? all_listed(w, d, b, a) : all_apart(w, d, a, b);
}

static bool mask_covers(enum dimension d, const struct condition *a, const struct condition *b)
{
    uint32_t all = (1u << dimensions[d].bits) - 1;
    return ((b->given ? b->mask : all) & ~a->mask) == 0;
}

static bool range_covers(const struct condition *a, const struct condition *b)
{
    if (!b->given || (b->absent && !a->absent))
        return false;
    for (size_t i = 0; i < b->range_count; i++) {
        size_t k = 0;
        while (k < a->range_count && !(a->ranges[k].low <= b->ranges[i].low && b->ranges[i].high <= a->ranges[k].high))
            k++;
        if (k == a->range_count)
            return false;
    }
    return true;
}

static bool rule_covers(struct warner *w, const struct rule *a, const struct rule *b)
{
    for (enum dimension d = 0; d < DIMENSIONS; d++) {
        const struct condition *x = &a->when[d], *y = &b->when[d];
        if (!x->given)
            continue;
        bool covers = dimensions[d].shape == SHAPE_LIST   ? list_covers(w, d, x, y)
                      : dimensions[d].shape == SHAPE_MASK ? mask_covers(d, x, y)
                                                          : range_covers(x, y);
        if (!covers)
            return false;
    }
    return true;
}

/* ---- rules ---- */

static const char *impossible(const struct rule *rule)
{
    for (enum dimension d = 0; d < DIMENSIONS; d++) {
        const struct condition *c = &rule->when[d];
        if (c->given && ((dimensions[d].shape == SHAPE_MASK && c->mask == 0) ||
                         (dimensions[d].shape == SHAPE_RANGE && c->range_count == 0 && !c->absent)))
            return dimensions[d].name;
    }
    return NULL;
}

static bool only_constitutional(const struct rule *rule)
{
    const struct condition *c = &rule->when[DIM_KIND];
    for (size_t i = 0; i < c->item_count; i++)
        if (!kind_constitutional(c->items[i].text))
            return false;
    return c->given && !c->negated;
}

/* A rule never matches if one above it about the same question matches whenever it does. A limit lets through. */
static void warn_shadowed(struct warner *w, size_t at)
{
    const struct rule *rule = &w->policy->rules[at];
    for (size_t i = 0; i < at; i++) {
        const struct rule *above = &w->policy->rules[i];
        if (above->question != rule->question || above->is_limit || above->is_treaties || !rule_covers(w, above, rule))
            continue;
        warn(w, rule->line, "never matches: whatever it is about, line %u has decided already", above->line);
        return;
    }
}

static void warn_rule(struct warner *w, size_t at)
{
    const struct rule *rule = &w->policy->rules[at];
    const char *name = impossible(rule);
    if (rule->is_treaties) {
        warn(w, rule->line, "there are no treaties here: nothing is included");
        return;
    }
    if (name)
        warn(w, rule->line, "never matches: its conditions on %s exclude each other", name);
    else if (only_constitutional(rule))
        warn(w, rule->line,
             "never matches: records of this kind stand in their log in full, and no rule acts upon them");
    else
        warn_shadowed(w, at);
    if (!w->groups_known && (rule->when[DIM_GROUP].given || rule->when[DIM_TO_GROUP].given))
        warn(w, rule->line, "this node knows no groups: nobody is in one");
}

/* ---- names ---- */

static bool is_known(const struct warner *w, struct span text)
{
    size_t low = 0, high = w->origin_count;
    char wanted[ORIGIN_MAX + 2];
    int len =
        snprintf(wanted, sizeof(wanted), "%.*s%s", (int)text.len, (const char *)text.data, has_slash(text) ? "" : "/");
    struct span begin = span_of(wanted, len < (int)sizeof(wanted) ? (size_t)len : 0);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (span_cmp(w->origins[middle], begin) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < w->origin_count && span_starts(w->origins[low], begin);
}

static bool is_member_text(struct span text)
{
    return !span_is(text, ITEM_ANY) && !span_is(text, ITEM_SELF);
}

static void warn_unknown(struct warner *w, const struct item *item)
{
    char shown[ORIGIN_MAX * 4];
    if (w->origins && is_member_text(item->text) && !is_known(w, item->text))
        warn(w, item->line, "nobody known here is %s", text_escape_into(shown, sizeof(shown), item->text));
}

/* Whom power is given to by a text that somebody else may come to fit as well. */
static void warn_loose(struct warner *w, unsigned line, const struct item *items, size_t count)
{
    char shown[ORIGIN_MAX * 4];
    for (size_t i = 0; i < count; i++) {
        struct span text = items[i].text;
        size_t slash = span_find(text, '/');
        if (!is_member_text(text) || (slash < text.len && text.len - slash - 1 >= BEGINNING_SAFE))
            continue;
        warn(w, line, "%s is %s: write the origin, which only its owner can have (`tongzhou members` shows it)",
             text_escape_into(shown, sizeof(shown), text),
             slash < text.len ? "a beginning that others can make theirs" : "only a name, which anybody may take");
        return;
    }
}

static void warn_members(struct warner *w, const struct rule *rule, enum dimension d)
{
    const struct condition *c = &rule->when[d];
    bool gives = rule->act == POLICY_YES || rule->act == POLICY_FULL || rule->act == POLICY_RECENT;
    for (size_t i = 0; i < c->item_count && !c->shared; i++)
        warn_unknown(w, &c->items[i]);
    if (gives != c->negated)
        warn_loose(w, rule->line, c->items, c->item_count);
}

static void warn_names(struct warner *w)
{
    const struct policy *policy = w->policy;
    for (size_t i = 0; i < policy->set_count; i++) {
        const struct named_set *set = &policy->sets[i];
        const struct item *items = set->read[DIM_FROM] ? set->read[DIM_FROM] : set->read[DIM_TO];
        bool is_list = span_starts(set->name, SPAN_LIT(POLICY_LIST_PREFIX));
        if (!set->used)
            warn(w, set->line, is_list ? "%.*s was adopted, and no rule names it" : "set %.*s is used nowhere",
                 SPAN_ARGS(set->name));
        if (is_list && set->count == 0)
            warn(w, set->line, "nothing is adopted as %.*s: it is empty (`tongzhou list adopted`)",
                 SPAN_ARGS(set->name));
        if (is_list) /* whom others name need not be known here */
            continue;
        for (size_t k = 0; items && k < set->count; k++)
            warn_unknown(w, &items[k]);
    }
    for (size_t i = 0; i < policy->trust_count; i++) {
        warn_unknown(w, &policy->trusts[i].item);
        if (policy->trusts[i].level > 0)
            warn_loose(w, policy->trusts[i].item.line, &policy->trusts[i].item, 1);
    }
}

/* ---- all ---- */

static int by_bytes(const void *x, const void *y)
{
    const struct span *a = x, *b = y;
    return span_cmp(*a, *b);
}

void policy_warn(const struct policy *policy, const struct policy_member *members, size_t count, bool groups_known,
                 void (*each)(void *ctx, unsigned line, const char *text), void *ctx)
{
    struct warner w = {.policy = policy, .groups_known = groups_known, .each = each, .ctx = ctx};
    w.origins = calloc(count + 1, sizeof(*w.origins));
    for (size_t i = 0; i < count && w.origins; i++)
        w.origins[w.origin_count++] = members[i].origin;
    if (w.origin_count > 1)
        qsort(w.origins, w.origin_count, sizeof(*w.origins), by_bytes);
    warn_names(&w);
    for (size_t i = 0; i < policy->rule_count; i++) {
        warn_rule(&w, i);
        warn_members(&w, &policy->rules[i], DIM_FROM);
        warn_members(&w, &policy->rules[i], DIM_TO);
    }
    free(w.origins);
}

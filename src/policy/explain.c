/* Rules in sentences. */
#include "policy/internal.h"

#define LISTED_MAX 4 /* items said one by one; of longer lists the number */

static void say_text(struct span text, struct buf *out)
{
    if (text.len == 0)
        buf_str(out, "none");
    else if (span_is(text, ITEM_ANY))
        buf_str(out, "any");
    else
        buf_span(out, text);
}

static void say_list(const struct condition *c, struct buf *out)
{
    for (size_t i = 0; i < c->item_count && i < LISTED_MAX; i++) {
        buf_str(out, i == 0 ? "" : i + 1 == c->item_count ? " or " : ", ");
        say_text(c->items[i].text, out);
    }
    if (c->item_count == 0)
        buf_str(out, "nobody (an empty list)");
    if (c->item_count > LISTED_MAX)
        buf_fmt(out, " or %zu others", c->item_count - LISTED_MAX);
}

static const char *mask_word(enum dimension d, unsigned value)
{
    static const char *const levels[] = {"0", "1", "2", "3", "4"};
    if (d == DIM_TLP)
        return value == TLP_NONE ? "none" : tlp_word((enum tlp)value);
    if (d == DIM_CLASS || d == DIM_TO_CLASS)
        return value == CLASS_UNKNOWN ? "unknown" : member_class_word((enum member_class)value);
    return levels[value];
}

static void say_mask(enum dimension d, uint32_t mask, struct buf *out)
{
    bool first = true;
    for (unsigned value = 0; value < dimensions[d].bits; value++)
        if (mask >> value & 1) {
            buf_fmt(out, "%s%s", first ? "" : " or ", mask_word(d, value));
            first = false;
        }
    if (first)
        buf_str(out, "nothing that there is");
}

struct unit {
    uint64_t size;
    const char *name;
};

/* The largest without a rest. */
static const struct unit *unit_of(enum dimension d, uint64_t value)
{
    static const struct unit bytes[] = {{1000000000, " GB"}, {1000000, " MB"}, {1000, " kB"}, {1, " bytes"}},
                             times[] = {{604800, "w"}, {86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}},
                             plain[] = {{1, ""}};
    const struct unit *unit = d == DIM_SIZE ? bytes : d == DIM_AGE ? times : plain;
    while (unit->size > 1 && (value == 0 || value % unit->size != 0))
        unit++;
    return unit;
}

static void say_number(enum dimension d, uint64_t value, struct buf *out)
{
    const struct unit *unit = unit_of(d, value);
    buf_fmt(out, "%llu%s", (unsigned long long)(value / unit->size), unit->name);
}

/* Or the number beside it, if that is the rounder one: `> 1MB` was written, not `>= 1000001`. */
static void say_end(enum dimension d, uint64_t value, uint64_t beside, const char *with, const char *without,
                    struct buf *out)
{
    bool rounder = unit_of(d, beside)->size > unit_of(d, value)->size;
    buf_str(out, rounder ? without : with);
    say_number(d, rounder ? beside : value, out);
}

static void say_ranges(enum dimension d, const struct condition *c, struct buf *out)
{
    for (size_t i = 0; i < c->range_count; i++) {
        const struct range *r = &c->ranges[i];
        buf_str(out, i > 0 ? " or " : "");
        if (r->low == 0 && r->high >= UINT64_MAX - 1) {
            buf_str(out, "any");
        } else if (r->low == r->high) {
            say_number(d, r->low, out);
        } else if (r->high >= UINT64_MAX - 1) {
            say_end(d, r->low, r->low - 1, "at least ", "more than ", out);
        } else if (r->low == 0) {
            say_end(d, r->high, r->high + 1, "at most ", "less than ", out);
        } else {
            say_number(d, r->low, out);
            buf_str(out, " to ");
            say_number(d, r->high, out);
        }
    }
    if (c->absent)
        buf_fmt(out, "%snone stated", c->range_count > 0 ? " or " : "");
    if (!c->absent && c->range_count == 0)
        buf_str(out, "nothing that there is");
}

static void say_condition(enum dimension d, const struct condition *c, struct buf *out)
{
    static const char *const said[DIMENSIONS] = {
        [DIM_KIND] = " of kind ",
        [DIM_TLP] = " with TLP ",
        [DIM_LANGUAGE] = " in language ",
        [DIM_SCORE] = " with a score of ",
        [DIM_SIZE] = " of a size of ",
        [DIM_AGE] = " of an age of ",
        [DIM_FROM] = " from ",
        [DIM_CLASS] = " from members of class ",
        [DIM_JURISDICTION] = " from jurisdiction ",
        [DIM_SECTOR] = " from sector ",
        [DIM_GROUP] = " from members of group ",
        [DIM_TRUST] = " from members of trust ",
        [DIM_TO] = " to ",
        [DIM_TO_CLASS] = " to members of class ",
        [DIM_TO_JURISDICTION] = " to jurisdiction ",
        [DIM_TO_SECTOR] = " to sector ",
        [DIM_TO_GROUP] = " to members of group ",
        [DIM_TO_TRUST] = " to members of trust ",
    };
    buf_str(out, said[d]);
    if (c->negated)
        buf_str(out, d == DIM_FROM || d == DIM_TO ? "anybody but " : "anything but ");
    if (dimensions[d].shape == SHAPE_LIST)
        say_list(c, out);
    else if (dimensions[d].shape == SHAPE_MASK)
        say_mask(d, c->mask, out);
    else
        say_ranges(d, c, out);
}

static void say_act(const struct rule *rule, struct buf *out)
{
    static const char *const yes[POLICY_QUESTIONS] = {"", "is accepted", "is shared", "takes effect"};
    static const char *const no[POLICY_QUESTIONS] = {"", "is refused", "is not shared", "takes no effect"};
    if (rule->is_limit) {
        buf_str(out, " is held once its author has brought in ");
        if (rule->limit_bytes)
            say_number(DIM_SIZE, rule->limit, out);
        else
            buf_fmt(out, "%llu record%s", (unsigned long long)rule->limit, rule->limit == 1 ? "" : "s");
        buf_str(out, rule->limit_day ? " within a day" : " within an hour");
    } else if (rule->act == POLICY_HOLD) {
        buf_str(out, " is held until a person decides");
    } else if (rule->act == POLICY_FULL) {
        buf_str(out, " is mirrored with all contents");
    } else if (rule->act == POLICY_RECENT) {
        buf_fmt(out, " is mirrored with the contents of its newest %llu entries", (unsigned long long)rule->recent);
    } else if (rule->act == POLICY_HEADS) {
        buf_str(out, " is mirrored without contents");
    } else if (rule->act == POLICY_LEAVE) {
        buf_str(out, " is not mirrored");
    } else {
        buf_fmt(out, " %s", rule->act == POLICY_YES ? yes[rule->question] : no[rule->question]);
    }
}

void explain_rule(const struct rule *rule, struct buf *out)
{
    if (rule->is_treaties) {
        buf_str(out, "here clauses of treaties would stand; there are none");
        return;
    }
    buf_str(out, rule->question == POLICY_MIRROR ? "a log" : "a content");
    for (enum dimension d = 0; d < DIMENSIONS; d++)
        if (rule->when[d].given)
            say_condition(d, &rule->when[d], out);
    say_act(rule, out);
    if (rule->reason.len > 0) {
        buf_str(out, ": ");
        buf_span(out, rule->reason);
    }
}

void policy_explain(const struct policy *policy, struct buf *out)
{
    for (size_t q = 0; q < POLICY_QUESTIONS; q++)
        for (size_t i = 0; i < policy->rule_count; i++) {
            if (policy->rules[i].question != q)
                continue;
            buf_fmt(out, "line %u: %s: ", policy->rules[i].line, policy_question_word((enum policy_question)q));
            explain_rule(&policy->rules[i], out);
            buf_byte(out, '\n');
        }
}

void policy_naming(const struct policy *policy, const char *set,
                   void (*each)(void *ctx, unsigned line, struct span text), void *ctx)
{
    struct span text = policy_file_part(policy_text(policy));
    struct arena arena;
    struct lexer lexer;
    struct token token = {0};
    unsigned told = 0;
    arena_init(&arena, 2 * POLICY_FILE_MAX); /* reasons; without room for one it is passed */
    lexer_init(&lexer, text, &arena);
    for (lexer_next(&lexer, &token); token.kind != TOKEN_END; lexer_next(&lexer, &token)) {
        bool names = token_is_set(&token) && span_is(span_sub(token.text, 1, token.text.len), set);
        if (!names || token.line == told)
            continue;
        size_t begin = token.begin;
        while (begin > 0 && text.data[begin - 1] != '\n')
            begin--;
        struct span rest = span_sub(text, begin, text.len);
        told = token.line;
        each(ctx, token.line, span_trim(span_sub(rest, 0, span_find(rest, '\n'))));
    }
    arena_done(&arena);
}

/*
 * STIX patterns: what an indicator says. A recursive descent over the grammar of STIX 2.1 section 9, one pass, bounded
 * depth, no evaluation. It accepts what 2.0 wrote, too.
 *
 * Values are collected as they are read; whatever joins them to a second condition cuts the collection back to
 * where its first operand began. What is left at the end is what alone makes the pattern match.
 */
#include "security/intel.h"

#include <stdlib.h>

#include "security/pattern_path.h"
#include "security/pattern_token.h"

#define DEPTH_MAX 64        /* parentheses within each other; the grammar sets no limit */
#define VALUES_MAX 65536    /* of one pattern */
#define IN_PLACE 8          /* values without an allocation: nearly all patterns have one */
#define VALUE_TEXT_MAX 4096 /* bytes of a literal that can be a value */

/* A comparison that alone makes the pattern match. */
struct candidate {
    struct span literal; /* inside of the quotes, still escaped */
    struct path path;
    int32_t port; /* with an address: -1 none */
};

struct parser {
    struct pattern_lexer lexer;
    unsigned depth;
    struct candidate in_place[IN_PLACE], *found;
    size_t count, cap;
};

/* What one comparison says, as far as it matters when several are joined by AND. */
struct meaning {
    enum { SAYS_OTHER, SAYS_VALUES, SAYS_TYPE, SAYS_PORT } says;
    struct path path;
    struct span type; /* SAYS_TYPE: 'ipv4-addr' */
    int32_t port;     /* SAYS_PORT */
};

static int add_candidate(struct parser *p, const struct candidate *candidate, struct err *err)
{
    if (p->count == VALUES_MAX)
        return err_set(err, ERR_LIMIT, "pattern: more than %d values", VALUES_MAX);
    if (p->count == p->cap) {
        struct candidate *grown = malloc(2 * p->cap * sizeof(*grown));
        if (!grown)
            return err_memory(err);
        memcpy(grown, p->found, p->count * sizeof(*grown));
        if (p->found != p->in_place)
            free(p->found);
        p->found = grown;
        p->cap *= 2;
    }
    p->found[p->count++] = *candidate;
    return 0;
}

static int advance(struct parser *p, struct err *err)
{
    return pattern_advance(&p->lexer, err);
}

static int expect_mark(struct parser *p, char mark, const char *what, struct err *err)
{
    return pattern_at_mark(&p->lexer, mark) ? advance(p, err) : pattern_expected(&p->lexer, what, err);
}

static int expect_word(struct parser *p, const char *word, struct err *err)
{
    return pattern_at_word(&p->lexer, word) ? advance(p, err) : pattern_expected(&p->lexer, word, err);
}

static int deeper(struct parser *p, struct err *err)
{
    if (++p->depth > DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "pattern: byte %zu: more than %d parentheses within each other",
                       p->lexer.token.at, DEPTH_MAX);
    return 0;
}

/* ---- one comparison ---- */

static bool at_literal(const struct parser *p)
{
    switch (p->lexer.token.type) {
    case TOKEN_STRING:
    case TOKEN_INTEGER:
    case TOKEN_FLOAT:
    case TOKEN_TYPED:
        return true;
    case TOKEN_WORD:
        return pattern_at_word(&p->lexer, "true") || pattern_at_word(&p->lexer, "false") ||
               pattern_at_word(&p->lexer, "TRUE") || pattern_at_word(&p->lexer, "FALSE");
    default:
        return false;
    }
}

/* A literal behind = or in a list: keep it if it can be a value. */
static int take_literal(struct parser *p, const struct path *path, bool keep, struct err *err)
{
    if (!at_literal(p))
        return pattern_expected(&p->lexer, "a literal", err);
    struct candidate candidate = {.literal = p->lexer.token.text, .path = *path, .port = -1};
    keep = keep && path->role == PATH_VALUE && p->lexer.token.type == TOKEN_STRING;
    int rc = keep ? add_candidate(p, &candidate, err) : 0;
    return rc < 0 ? rc : advance(p, err);
}

static int take_set(struct parser *p, const struct path *path, bool keep, struct err *err)
{
    int rc = expect_mark(p, '(', "(", err);
    if (rc < 0 || pattern_at_mark(&p->lexer, ')'))
        return rc < 0 ? rc : advance(p, err);
    while ((rc = take_literal(p, path, keep, err)) == 0 && pattern_at_mark(&p->lexer, ','))
        if ((rc = advance(p, err)) < 0)
            return rc;
    return rc < 0 ? rc : expect_mark(p, ')', ", or )", err);
}

/* =, and what it means besides values: a type, or a port. */
static int take_equal(struct parser *p, const struct path *path, bool negated, struct meaning *out, struct err *err)
{
    const struct pattern_token *token = &p->lexer.token;
    if (!negated && path->role == PATH_TYPE && token->type == TOKEN_STRING) {
        out->says = SAYS_TYPE;
        out->type = token->text;
    } else if (!negated && path->role == PATH_PORT && token->type == TOKEN_INTEGER && token->text.len <= 5) {
        out->says = SAYS_PORT;
        out->port = 0;
        for (size_t i = 0; i < token->text.len; i++)
            out->port = 10 * out->port + (token->text.data[i] - '0');
        if (token->text.data[0] < '0' || out->port > 65535)
            out->says = SAYS_OTHER;
    }
    return take_literal(p, path, !negated, err);
}

static int take_test(struct parser *p, const struct path *path, bool negated, struct meaning *out, struct err *err)
{
    struct span text = p->lexer.token.text;
    bool string_only = span_is(text, "LIKE") || span_is(text, "MATCHES") || span_is(text, "ISSUPERSET");
    bool subset = span_is(text, "ISSUBSET");
    int rc;
    if (p->lexer.token.type == TOKEN_OPERATOR) {
        bool equal = span_is(text, "=") || span_is(text, "==");
        if ((rc = advance(p, err)) < 0)
            return rc;
        return equal ? take_equal(p, path, negated, out, err) : take_literal(p, path, false, err);
    }
    if (p->lexer.token.type != TOKEN_WORD || (!string_only && !subset && !span_is(text, "IN")))
        return pattern_expected(&p->lexer, "a comparison (=, IN, LIKE, ...)", err);
    if ((rc = advance(p, err)) < 0)
        return rc;
    if (!string_only && !subset)
        return take_set(p, path, !negated, err);
    if (p->lexer.token.type != TOKEN_STRING)
        return pattern_expected(&p->lexer, "a string", err);
    return take_literal(p, path, subset && !negated, err);
}

static int take_comparison(struct parser *p, struct meaning *out, struct err *err)
{
    size_t mark = p->count;
    bool exists = pattern_at_word(&p->lexer, "EXISTS");
    int rc = exists ? advance(p, err) : 0;
    if (rc == 0)
        rc = path_take(&p->lexer, &out->path, err);
    if (rc < 0 || exists)
        return rc;
    bool negated = pattern_at_word(&p->lexer, "NOT");
    if (negated && (rc = advance(p, err)) < 0)
        return rc;
    rc = take_test(p, &out->path, negated, out, err);
    if (rc == 0 && p->count > mark)
        out->says = SAYS_VALUES;
    return rc;
}

/* ---- comparisons joined ---- */

/* What nests is counted by deeper(). NOLINTBEGIN(misc-no-recursion) */

static int take_or(struct parser *p, struct meaning *out, struct err *err);

static int take_operand(struct parser *p, struct meaning *out, struct err *err)
{
    *out = (struct meaning){.says = SAYS_OTHER};
    if (!pattern_at_mark(&p->lexer, '('))
        return take_comparison(p, out, err);
    int rc = deeper(p, err);
    if (rc == 0)
        rc = advance(p, err);
    if (rc == 0)
        rc = take_or(p, out, err);
    if (rc == 0)
        rc = expect_mark(p, ')', "AND, OR or )", err);
    p->depth--;
    return rc;
}

/* Does "…_ref.type = 'ipv4-addr'" say of the value only what the value shows itself? */
static bool type_fits(struct span type, struct span literal)
{
    bool colon = span_find(literal, ':') < literal.len;
    bool letters = false;
    for (size_t i = 0; i < literal.len; i++)
        letters = letters || (literal.data[i] | 0x20) > '9' + 0x20;
    if (span_is(type, "ipv4-addr"))
        return !colon && !letters;
    if (span_is(type, "ipv6-addr"))
        return colon;
    return span_is(type, "domain-name") && !colon && letters;
}

/*
 * One value, joined by AND to `other`: true if both together still are one indicator. That is so if the other only
 * repeats the value's type, or is the port at the same end.
 */
static bool stays_one(struct candidate *candidate, const struct meaning *other)
{
    if (candidate->path.end == PATH_NO_END || other->path.end != candidate->path.end)
        return false;
    if (other->says == SAYS_TYPE)
        return type_fits(other->type, candidate->literal);
    if (other->says != SAYS_PORT || candidate->port >= 0)
        return false;
    candidate->port = other->port;
    return true;
}

/* Up to this many conditions can still be one indicator: type, value, port. */
#define JOINED_MAX 3

static int take_and(struct parser *p, struct meaning *out, struct err *err)
{
    struct meaning joined[JOINED_MAX];
    size_t mark = p->count, operands = 0;
    int rc;
    for (;;) {
        struct meaning one;
        if ((rc = take_operand(p, &one, err)) < 0)
            return rc;
        if (operands < JOINED_MAX)
            joined[operands] = one;
        operands++;
        if (!pattern_at_word(&p->lexer, "AND"))
            break;
        if ((rc = advance(p, err)) < 0)
            return rc;
    }
    *out = joined[0];
    if (operands == 1)
        return 0;
    bool one = operands <= JOINED_MAX && p->count == mark + 1;
    for (size_t i = 0; one && i < operands; i++)
        one = joined[i].says == SAYS_VALUES || stays_one(&p->found[mark], &joined[i]);
    if (!one)
        p->count = mark;
    out->says = one ? SAYS_VALUES : SAYS_OTHER;
    return 0;
}

static int take_or(struct parser *p, struct meaning *out, struct err *err)
{
    size_t mark = p->count, operands = 1;
    int rc = take_and(p, out, err);
    while (rc == 0 && pattern_at_word(&p->lexer, "OR")) {
        struct meaning one;
        operands++;
        if ((rc = advance(p, err)) == 0)
            rc = take_and(p, &one, err);
    }
    if (operands > 1)
        out->says = p->count > mark ? SAYS_VALUES : SAYS_OTHER;
    return rc;
}

/* ---- observations ---- */

static int take_observations(struct parser *p, struct err *err);

static int take_integer_word(struct parser *p, bool fraction_allowed, const char *word, struct err *err)
{
    enum pattern_token_type type = p->lexer.token.type;
    if (type != TOKEN_INTEGER && !(fraction_allowed && type == TOKEN_FLOAT))
        return pattern_expected(&p->lexer, "a number", err);
    int rc = advance(p, err);
    return rc < 0 ? rc : expect_word(p, word, err);
}

static int take_instant(struct parser *p, struct err *err)
{
    const struct pattern_token *token = &p->lexer.token;
    bool timestamp = token->type == TOKEN_TYPED && token->prefix == 't';
    if (!timestamp && token->type != TOKEN_STRING) /* 2.0 wrote plain strings */
        return pattern_expected(&p->lexer, "t'...'", err);
    return advance(p, err);
}

/* 1 if there was a qualifier. */
static int take_qualifier(struct parser *p, struct err *err)
{
    int rc;
    if (pattern_at_word(&p->lexer, "WITHIN")) {
        if ((rc = advance(p, err)) == 0)
            rc = take_integer_word(p, true, "SECONDS", err);
    } else if (pattern_at_word(&p->lexer, "REPEATS")) {
        if ((rc = advance(p, err)) == 0)
            rc = take_integer_word(p, false, "TIMES", err);
    } else if (pattern_at_word(&p->lexer, "START")) {
        if ((rc = advance(p, err)) == 0 && (rc = take_instant(p, err)) == 0 && (rc = expect_word(p, "STOP", err)) == 0)
            rc = take_instant(p, err);
    } else {
        return 0;
    }
    return rc < 0 ? rc : 1;
}

static int take_observation(struct parser *p, struct err *err)
{
    size_t mark = p->count;
    struct meaning ignored;
    bool nested = pattern_at_mark(&p->lexer, '(');
    if (!nested && !pattern_at_mark(&p->lexer, '['))
        return pattern_expected(&p->lexer, "[ or (", err);
    int rc = deeper(p, err);
    if (rc == 0)
        rc = advance(p, err);
    if (rc == 0)
        rc = nested ? take_observations(p, err) : take_or(p, &ignored, err);
    if (rc == 0)
        rc = nested ? expect_mark(p, ')', ")", err) : expect_mark(p, ']', "AND, OR or ]", err);
    p->depth--;
    while (rc == 0 && (rc = take_qualifier(p, err)) > 0) {
        p->count = mark;
        rc = 0;
    }
    return rc;
}

/* The operators from the tightest to the loosest: AND, OR, FOLLOWEDBY. Only OR leaves single values. */
static int take_level(struct parser *p, unsigned level, struct err *err)
{
    static const char *const words[] = {"AND", "OR", "FOLLOWEDBY"};
    if (level == 0)
        return take_observation(p, err);
    size_t mark = p->count;
    int rc = take_level(p, level - 1, err);
    while (rc == 0 && pattern_at_word(&p->lexer, words[level - 1])) {
        if ((rc = advance(p, err)) == 0)
            rc = take_level(p, level - 1, err);
        if (level != 2)
            p->count = mark;
    }
    return rc;
}

static int take_observations(struct parser *p, struct err *err)
{
    return take_level(p, 3, err);
}

/* NOLINTEND(misc-no-recursion) */

/* ---- values ---- */

static bool end_type(enum ioc_type type)
{
    return type == IOC_IPV4 || type == IOC_IPV6 || type == IOC_DOMAIN;
}

/* The canonical value, or false: what is not one (an address out of form) is no indicator. */
static bool canonical(const struct candidate *candidate, struct buf *plain, struct buf *out, enum ioc_type *ret)
{
    struct err ignored;
    buf_clear(plain);
    pattern_unescape(candidate->literal, plain);
    if (plain->failed || ioc_canonical(candidate->path.ioc, buf_view(plain), out, ret, &ignored) < 0)
        return false;
    if (candidate->path.end != PATH_NO_END && !end_type(*ret))
        return false;
    if (candidate->port < 0)
        return true;
    if (*ret != IOC_IPV4 || span_find(buf_view(out), '/') < out->len)
        return false;
    buf_clear(plain);
    buf_span(plain, buf_view(out));
    buf_fmt(plain, ":%d", (int)candidate->port);
    return ioc_canonical(IOC_IPV4_PORT, buf_view(plain), out, ret, &ignored) == 0;
}

static int give_values(const struct parser *p,
                       int (*each)(void *ctx, enum ioc_type type, struct span value, struct err *err), void *ctx,
                       struct err *err)
{
    struct buf plain, value;
    buf_init(&plain, VALUE_TEXT_MAX);
    buf_init(&value, VALUE_TEXT_MAX);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->count; i++) {
        enum ioc_type type = IOC_NONE;
        if (canonical(&p->found[i], &plain, &value, &type))
            rc = each(ctx, type, buf_view(&value), err);
    }
    buf_done(&plain);
    buf_done(&value);
    return rc;
}

int stix_pattern_values(struct span pattern,
                        int (*each)(void *ctx, enum ioc_type type, struct span value, struct err *err), void *ctx,
                        struct err *err)
{
    struct parser p = {.cap = IN_PLACE};
    p.found = p.in_place;
    int rc = pattern_begin(&p.lexer, pattern, err);
    if (rc == 0)
        rc = take_observations(&p, err);
    if (rc == 0 && p.lexer.token.type != TOKEN_END)
        rc = pattern_expected(&p.lexer, "AND, OR, FOLLOWEDBY or the end", err);
    if (rc == 0)
        rc = give_values(&p, each, ctx, err);
    if (p.found != p.in_place)
        free(p.found);
    return rc;
}

/* Statements of a policy file. */
#include "policy/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

/* ---- errors ---- */

bool parser_error(struct parser *p, const struct token *at, const char *fmt, ...)
{
    struct policy_errors *errors = p->errors;
    va_list ap;
    if (errors->count == POLICY_ERRORS_MAX) {
        errors->more = true;
        return false;
    }
    struct policy_error *error = &errors->item[errors->count++];
    error->line = at->line;
    error->column = at->column;
    va_start(ap, fmt);
    vsnprintf(error->text, sizeof(error->text), fmt, ap);
    va_end(ap);
    return false;
}

const char *token_show(const struct token *token, char out[96])
{
    char text[64];
    switch (token->kind) {
    case TOKEN_LINE_END:
        return "the end of the line";
    case TOKEN_END:
        return "the end of the file";
    case TOKEN_STRING:
        return "a text";
    default:
        text_escape_into(text, sizeof(text), span_sub(token->text, 0, 48));
        snprintf(out, 96, "`%s%s`", text, token->text.len > 48 ? "…" : "");
        return out;
    }
}

/* A word that cannot be read says itself what is wrong with it. */
bool parse_unexpected(struct parser *p, const char *allowed)
{
    char shown[96];
    if (p->token.kind == TOKEN_BAD)
        return parser_error(p, &p->token, "%.*s", SPAN_ARGS(p->token.text));
    return parser_error(p, &p->token, "found %s, expected %s", token_show(&p->token, shown), allowed);
}

void parser_next(struct parser *p)
{
    p->last_end = p->token.end;
    lexer_next(&p->lexer, &p->token);
}

void *parser_grow(struct parser *p, void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    size_t grown = *cap ? 2 * *cap : 8;
    void *copy = arena_array(&p->policy->arena, grown, size);
    if (!copy) {
        p->failed = ERR_MEMORY;
        return NULL;
    }
    if (count > 0)
        memcpy(copy, array, count * size);
    *cap = grown;
    return copy;
}

static bool is_word(const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && span_is(token->text, word);
}

static bool at_end(const struct token *token)
{
    return token->kind == TOKEN_LINE_END || token->kind == TOKEN_END;
}

/* ---- set NAME = { ... } ---- */

bool policy_set_name_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9' && i > 0) && !(c == '-' && i > 0))
            return false;
    }
    return name.len > 0 && name.len <= 64 && !span_is(name, "self");
}

/* list:NAME */
static bool is_list_name(struct span name)
{
    return span_starts(name, SPAN_LIT(POLICY_LIST_PREFIX)) &&
           policy_set_name_valid(span_sub(name, sizeof(POLICY_LIST_PREFIX) - 1, name.len));
}

static struct named_set *add_set(struct parser *p, const struct named_set *set)
{
    struct named_set *grown =
        parser_grow(p, p->policy->sets, p->policy->set_count, &p->set_cap, sizeof(*p->policy->sets));
    if (!grown)
        return NULL;
    p->policy->sets = grown;
    grown[p->policy->set_count] = *set;
    return &grown[p->policy->set_count++];
}

/* A list of which nothing was adopted: nobody. */
static struct named_set *empty_list(struct parser *p, const struct token *word, struct span name)
{
    const struct named_set set = {.name = name, .line = word->line, .depth = 1, .used = true};
    if (p->policy->set_count < POLICY_SETS_MAX)
        return add_set(p, &set);
    parser_error(p, word, "more than %d sets", POLICY_SETS_MAX);
    return NULL;
}

struct named_set *parser_set(struct parser *p, const struct token *word)
{
    struct span name = span_sub(word->text, 1, word->text.len);
    char shown[96];
    for (size_t i = 0; i < p->policy->set_count; i++)
        if (span_eq(p->policy->sets[i].name, name)) {
            p->policy->sets[i].used = true;
            return &p->policy->sets[i];
        }
    if (is_list_name(name))
        return empty_list(p, word, name);
    parser_error(p, word, "no set %s above this line: `set %.*s = { ... }` makes one", token_show(word, shown),
                 (int)(name.len < 64 ? name.len : 64), (const char *)name.data);
    return NULL;
}

bool token_is_set(const struct token *token)
{
    return token->kind == TOKEN_WORD && token->text.data[0] == '@' && !span_is(token->text, ITEM_SELF);
}

static bool set_is_known(const struct policy *policy, struct span name, unsigned *ret_line)
{
    for (size_t i = 0; i < policy->set_count; i++)
        if (span_eq(policy->sets[i].name, name)) {
            *ret_line = policy->sets[i].line;
            return true;
        }
    return false;
}

/* Sets within the set stand in full from here on. */
static bool flatten(struct parser *p, const struct token *items, size_t count, struct named_set *set)
{
    size_t cap = 0;
    for (size_t i = 0; i < count; i++) {
        const struct named_set *inner = NULL;
        if (token_is_set(&items[i]) && !(inner = parser_set(p, &items[i])))
            return false;
        if (inner && inner->depth >= POLICY_NESTING_MAX)
            return parser_error(p, &items[i], "sets within sets go %d deep at most", POLICY_NESTING_MAX);
        if (inner && inner->depth + 1 > set->depth)
            set->depth = inner->depth + 1;
        for (size_t k = 0; k < (inner ? inner->count : 1); k++) {
            if (p->items++ == POLICY_ITEMS_MAX)
                return parser_error(p, &items[i], "more than %d items in all sets and lists", POLICY_ITEMS_MAX);
            struct token *grown = parser_grow(p, set->items, set->count, &cap, sizeof(*grown));
            if (!grown)
                return false;
            set->items = grown;
            set->items[set->count++] = inner ? inner->items[k] : items[i];
        }
    }
    return true;
}

static bool parse_set(struct parser *p)
{
    struct token name = p->token;
    struct token *items;
    size_t count;
    unsigned before = 0;
    if (name.kind != TOKEN_WORD || !(p->in_lists ? is_list_name(name.text) : policy_set_name_valid(name.text)))
        return parse_unexpected(p, "a set's name: a-z, 0-9 and -, beginning with a letter (not \"self\")");
    if (set_is_known(p->policy, name.text, &before))
        return parser_error(p, &name, "this set was made in line %u already", before);
    if (p->policy->set_count == POLICY_SETS_MAX)
        return parser_error(p, &name, "more than %d sets", POLICY_SETS_MAX);
    parser_next(p);
    if (p->token.kind != TOKEN_EQUALS)
        return parse_unexpected(p, "`=`, as in `set partners = { cert.example.org }`");
    parser_next(p);
    if (p->token.kind != TOKEN_OPEN)
        return parse_unexpected(p, "`{`, as in `set partners = { cert.example.org }`");
    if (!parse_items(p, &items, &count))
        return false;
    struct named_set set = {.name = name.text, .line = name.line, .depth = 1};
    if (!flatten(p, items, count, &set))
        return false;
    return add_set(p, &set) != NULL;
}

/* ---- trust MEMBER = N ---- */

static bool add_trust(struct parser *p, const struct token *word, unsigned level)
{
    struct trust_line line = {.item.line = word->line, .level = level, .order = (unsigned)p->policy->trust_count};
    if (!parse_list_item(p, DIM_FROM, word, &line.item.text))
        return false;
    if (p->items++ == POLICY_ITEMS_MAX)
        return parser_error(p, word, "more than %d items in all sets and lists", POLICY_ITEMS_MAX);
    struct trust_line *grown = parser_grow(p, p->policy->trusts, p->policy->trust_count, &p->trust_cap, sizeof(*grown));
    if (!grown)
        return false;
    p->policy->trusts = grown;
    p->policy->trusts[p->policy->trust_count++] = line;
    return true;
}

static bool parse_trust(struct parser *p)
{
    struct token *items;
    size_t count;
    uint64_t level;
    if (p->token.kind != TOKEN_OPEN && p->token.kind != TOKEN_WORD)
        return parse_unexpected(p, "a member, a set or a list, as in `trust @partners = 3`");
    if (!parse_items(p, &items, &count))
        return false;
    if (p->token.kind != TOKEN_EQUALS)
        return parse_unexpected(p, "`=` and a trust level, as in `trust @partners = 3`");
    parser_next(p);
    if (p->token.kind != TOKEN_WORD || !span_u64(p->token.text, POLICY_TRUST_MAX, &level))
        return parse_unexpected(p, "a trust level from 0 to 4");
    parser_next(p);
    for (size_t i = 0; i < count; i++) {
        const struct named_set *set = NULL;
        if (token_is_set(&items[i]) && !(set = parser_set(p, &items[i])))
            return false;
        for (size_t k = 0; k < (set ? set->count : 1); k++)
            if (!add_trust(p, set ? &set->items[k] : &items[i], (unsigned)level))
                return false;
    }
    return true;
}

/* ---- rules ---- */

static bool parse_mirror(struct parser *p, struct rule *rule)
{
    static const struct {
        const char *word;
        enum policy_act act;
    } modes[] = {{"full", POLICY_FULL}, {"recent", POLICY_RECENT}, {"heads", POLICY_HEADS}, {"none", POLICY_LEAVE}};
    size_t i = 0;
    while (i < 4 && !is_word(&p->token, modes[i].word))
        i++;
    if (i == 4)
        return parse_unexpected(p, "full, recent N, heads or none");
    rule->act = modes[i].act;
    parser_next(p);
    if (rule->act != POLICY_RECENT)
        return true;
    if (p->token.kind != TOKEN_WORD || !span_u64(p->token.text, LOG_SIZE_MAX, &rule->recent) || rule->recent == 0)
        return parse_unexpected(p, "a number of entries, as in `mirror recent 10000`");
    parser_next(p);
    return true;
}

static bool parse_refuse(struct parser *p, struct rule *rule)
{
    static const char *const words[] = {
        [POLICY_ACCEPT] = "accept", [POLICY_SHARE] = "share", [POLICY_ENFORCE] = "enforce"};
    for (enum policy_question q = POLICY_ACCEPT; q < POLICY_QUESTIONS; q++)
        if (is_word(&p->token, words[q])) {
            rule->question = q;
            parser_next(p);
            return true;
        }
    return parse_unexpected(p, "accept, share or enforce: what is refused (a whole log is left out by `mirror none`)");
}

/* N/day, N/hour: records; NB/day, with k, M, G: bytes. */
static bool parse_limit(struct parser *p, struct rule *rule)
{
    struct span word = p->token.kind == TOKEN_WORD ? p->token.text : (struct span){0};
    size_t slash = span_find(word, '/');
    struct span unit = span_sub(word, slash + 1, word.len);
    rule->is_limit = true;
    rule->limit_day = span_is(unit, "day");
    if ((!rule->limit_day && !span_is(unit, "hour")) ||
        !read_amount(span_sub(word, 0, slash), true, &rule->limit, &rule->limit_bytes))
        return parse_unexpected(p, "a rate: 1000/day or 50/hour counts records, 20MB/day bytes");
    parser_next(p);
    return true;
}

static bool parse_reason(struct parser *p, struct rule *rule)
{
    bool may = rule->act == POLICY_REFUSE || rule->act == POLICY_HOLD || rule->act == POLICY_LEAVE;
    if (!may)
        return parser_error(p, &p->token, "a reason stands behind refuse, hold, limit and mirror none only");
    if (rule->reason.len > 0)
        return parser_error(p, &p->token, "a second reason");
    parser_next(p);
    if (p->token.kind != TOKEN_STRING)
        return parse_unexpected(p, "the reason in quotes, as in `reason \"too long\"`");
    rule->reason = p->token.text;
    parser_next(p);
    return true;
}

static const char condition_names[] =
    "a condition (kind, tlp, language, score, size, age, from, class, jurisdiction, sector, group, trust; of a viewer "
    "to, "
    "to-class, to-jurisdiction, to-sector, to-group, to-trust) or the end of the line";

/* May rules about this question look at this? A whole log has no kind; only what leaves has a viewer. */
static bool dimension_fits(struct parser *p, const struct rule *rule, enum dimension dimension)
{
    const char *name = dimensions[dimension].name;
    if (rule->question == POLICY_MIRROR && dimension < DIM_CONTENT_END)
        return parser_error(p, &p->token, "`%s` is of a content; mirror is about whole logs", name);
    if (rule->question != POLICY_SHARE && dimension >= DIM_TO)
        return parser_error(p, &p->token, "`%s` is of who looks, which only rules that share have", name);
    return true;
}

static bool parse_conditions(struct parser *p, struct rule *rule)
{
    while (!at_end(&p->token)) {
        enum dimension dimension = 0;
        if (is_word(&p->token, "reason")) {
            if (!parse_reason(p, rule))
                return false;
            continue;
        }
        while (dimension < DIMENSIONS && !is_word(&p->token, dimensions[dimension].name))
            dimension++;
        if (dimension == DIMENSIONS)
            return parse_unexpected(p, condition_names);
        if (!dimension_fits(p, rule, dimension))
            return false;
        if (rule->when[dimension].given && dimensions[dimension].shape == SHAPE_LIST)
            return parser_error(p, &p->token, "a second condition on %s: put both into one list",
                                dimensions[dimension].name);
        if (!parse_condition(p, dimension, &rule->when[dimension]))
            return false;
    }
    return true;
}

static bool add_rule(struct parser *p, const struct rule *rule, const struct token *verb)
{
    if (p->policy->rule_count == POLICY_RULES_MAX)
        return parser_error(p, verb, "more than %d rules", POLICY_RULES_MAX);
    struct rule *grown = parser_grow(p, p->policy->rules, p->policy->rule_count, &p->rule_cap, sizeof(*grown));
    if (!grown)
        return false;
    p->policy->rules = grown;
    p->policy->rules[p->policy->rule_count++] = *rule;
    return true;
}

static bool parse_include(struct parser *p, const struct token *verb)
{
    struct rule rule = {.question = POLICY_ACCEPT, .act = POLICY_REFUSE, .is_treaties = true, .line = verb->line};
    if (!is_word(&p->token, "treaties"))
        return parse_unexpected(p, "treaties");
    rule.text = span_sub(p->policy->text, verb->begin, p->token.end - verb->begin);
    parser_next(p);
    return add_rule(p, &rule, verb);
}

static bool parse_rule(struct parser *p, const struct token *verb)
{
    struct rule rule = {.line = verb->line};
    bool good = true;
    if (is_word(verb, "mirror")) {
        rule.question = POLICY_MIRROR;
        good = parse_mirror(p, &rule);
    } else if (is_word(verb, "accept")) {
        rule.question = POLICY_ACCEPT;
    } else if (is_word(verb, "hold")) {
        rule.question = POLICY_ACCEPT;
        rule.act = POLICY_HOLD;
    } else if (is_word(verb, "limit")) {
        rule.question = POLICY_ACCEPT;
        rule.act = POLICY_HOLD;
        good = parse_limit(p, &rule);
    } else if (is_word(verb, "refuse")) {
        rule.act = POLICY_REFUSE;
        good = parse_refuse(p, &rule);
    } else if (is_word(verb, "share")) {
        rule.question = POLICY_SHARE;
    } else {
        rule.question = POLICY_ENFORCE;
    }
    if (!good || !parse_conditions(p, &rule))
        return false;
    if (rule.act == POLICY_REFUSE && rule.reason.len == 0)
        return parser_error(p, verb, "what is refused is told why: `reason \"...\"` is missing");
    rule.text = span_sub(p->policy->text, verb->begin, p->last_end - verb->begin);
    return add_rule(p, &rule, verb);
}

/* ---- the file ---- */

static bool is_verb(const struct token *token)
{
    static const char *const verbs[] = {"set",  "trust", "include", "mirror", "accept",
                                        "hold", "limit", "refuse",  "share",  "enforce"};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (is_word(token, verbs[i]))
            return true;
    return false;
}

static bool parse_statement(struct parser *p)
{
    struct token verb = p->token;
    if (!is_verb(&verb) || (p->in_lists && !is_word(&verb, "set")))
        return parse_unexpected(p,
                                "a rule (mirror, accept, hold, limit, refuse, share, enforce), set, trust or include");
    parser_next(p);
    bool good;
    if (is_word(&verb, "set"))
        good = parse_set(p);
    else if (is_word(&verb, "trust"))
        good = parse_trust(p);
    else if (is_word(&verb, "include"))
        good = parse_include(p, &verb);
    else
        return parse_rule(p, &verb);
    return good && (at_end(&p->token) || parse_unexpected(p, "the end of the line"));
}

/*
 * Behind an error: to the end of the statement. Within braces that is behind the closing one, unless a line begins like a
 * statement before: then it was forgotten.
 */
static void recover(struct parser *p, const struct token *begin)
{
    unsigned line = p->token.line;
    while (p->token.kind != TOKEN_END && (p->lexer.depth > 0 || p->token.kind != TOKEN_LINE_END)) {
        if (p->token.line != line && p->lexer.depth > 0 && is_verb(&p->token)) {
            p->lexer.depth = 0;
            return;
        }
        line = p->token.line;
        parser_next(p);
    }
    if (p->token.kind == TOKEN_END && p->lexer.depth > 0) {
        lexer_skip(&p->lexer, begin);
        parser_next(p);
    }
}

static void parse_all(struct parser *p)
{
    parser_next(p);
    while (p->token.kind != TOKEN_END && !p->failed && !p->errors->more) {
        struct token begin = p->token;
        if (p->token.kind == TOKEN_LINE_END)
            parser_next(p);
        else if (!parse_statement(p) && !p->failed)
            recover(p, &begin);
    }
}

struct span policy_file_part(struct span text)
{
    static const char line[] = "\n" POLICY_LISTS_LINE "\n";
    const size_t len = sizeof(line) - 1;
    for (size_t at = text.len; at >= len; at--)
        if (memcmp(text.data + at - len, line, len) == 0)
            return span_sub(text, 0, at - len);
    return text;
}

/* Lists first, since rules name them; lines and columns count through. */
static void parse_parts(struct parser *p)
{
    const struct span text = p->policy->text, file = policy_file_part(text);
    lexer_init(&p->lexer, text, &p->policy->arena);
    p->lexer.pos = p->lexer.line_begin = p->lexer.counted = file.len;
    for (size_t i = 0; i < file.len; i++)
        p->lexer.line += file.data[i] == '\n';
    p->in_lists = true;
    parse_all(p);
    p->in_lists = false;
    lexer_init(&p->lexer, file, &p->policy->arena);
    if (!p->failed)
        parse_all(p);
}

int policy_parse(struct span text, struct policy **ret, struct policy_errors *errors, struct err *err)
{
    *errors = (struct policy_errors){0};
    if (text.len > POLICY_TEXT_MAX)
        return err_set(err, ERR_LIMIT, "%zu bytes, at most %u allowed", text.len, POLICY_TEXT_MAX);
    struct policy *policy = calloc(1, sizeof(*policy));
    if (!policy)
        return err_memory(err);
    arena_init(&policy->arena, POLICY_MEMORY_MAX);
    policy->text = arena_copy(&policy->arena, text);
    policy_version_of(text, policy->version);
    struct parser parser = {.policy = policy, .errors = errors};
    int rc = text.len > 0 && !policy->text.data ? err_memory(err) : 0;
    if (rc == 0) {
        parse_parts(&parser);
        rc = parser.failed ? err_memory(err) : 0;
    }
    if (rc == 0 && errors->count > 0)
        rc = err_set(err, ERR_SYNTAX, "%u:%u: %s", errors->item[0].line, errors->item[0].column, errors->item[0].text);
    if (rc == 0)
        rc = policy_compile(policy, err);
    if (rc < 0)
        policy_free(policy);
    else
        *ret = policy;
    return rc;
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    arena_done(&policy->arena);
    free(policy);
}

/* What the files of src/policy share. Nobody else includes this. */
#ifndef TONGZHOU_POLICY_INTERNAL_H
#define TONGZHOU_POLICY_INTERNAL_H

#include "base/arena.h"
#include "policy/policy.h"

#define POLICY_MEMORY_MAX ((size_t)256 << 20) /* bytes of one compiled policy: 36 words a rule and item at most */

/* ---- tokens (lexer.c) ---- */

enum token_kind {
    TOKEN_WORD,
    TOKEN_STRING, /* text without its quotes, escapes resolved */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_EQUALS,
    TOKEN_NOT,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_MORE,
    TOKEN_MORE_EQUAL,
    TOKEN_LINE_END, /* not within braces, nor behind a backslash */
    TOKEN_END,
    TOKEN_BAD, /* `text` is what is wrong with it */
};

struct token {
    enum token_kind kind;
    struct span text;
    unsigned line, column;
    size_t begin, end; /* bytes of the file */
};

struct lexer {
    struct span all;
    struct arena *arena;
    size_t pos, line_begin;
    unsigned line, depth; /* depth: of open braces */
    size_t counted;       /* up to here `column` counts */
    unsigned column;
};

void lexer_init(struct lexer *lexer, struct span text, struct arena *arena);
void lexer_next(struct lexer *lexer, struct token *ret);

/* To the line behind the one where this token stands, with no brace open. */
void lexer_skip(struct lexer *lexer, const struct token *from);

/* ---- rules ---- */

enum dimension {
    DIM_KIND,
    DIM_TLP,
    DIM_LANGUAGE,
    DIM_SCORE,
    DIM_SIZE,
    DIM_AGE,
    DIM_FROM,
    DIM_CLASS,
    DIM_JURISDICTION,
    DIM_SECTOR,
    DIM_GROUP,
    DIM_TRUST,
    DIM_TO,
    DIM_TO_CLASS,
    DIM_TO_JURISDICTION,
    DIM_TO_SECTOR,
    DIM_TO_GROUP,
    DIM_TO_TRUST,
    DIMENSIONS
};
#define DIM_CONTENT_END DIM_FROM /* dimensions of the content are in front, those of the viewer at the end */
#define DIM_AUTHOR_END DIM_TO
#define DIM_OF_MEMBER (DIM_TO - DIM_FROM) /* from one of the author to the same of the viewer */

enum shape { SHAPE_LIST, SHAPE_MASK, SHAPE_RANGE };

struct dimension_info {
    const char *name, *allowed; /* what a value is, for messages */
    enum shape shape;
    unsigned bits; /* of a mask */
};
extern const struct dimension_info dimensions[DIMENSIONS];

#define ITEM_ANY "*"   /* whatever is stated */
#define ITEM_ABSENT "" /* `none`: nothing is stated */
#define ITEM_SELF "@self"

struct item {
    struct span text; /* in the form in which it is looked up */
    unsigned line;
    unsigned row; /* in text_rows, once compiled */
};

struct range {
    uint64_t low, high; /* both included */
};

struct condition {
    bool given;
    bool negated;       /* of a list; masks and ranges are turned instead */
    bool shared;        /* `items` are a named set's */
    struct item *items; /* SHAPE_LIST */
    size_t item_count;
    uint32_t mask;        /* SHAPE_MASK: a bit a value */
    struct range *ranges; /* SHAPE_RANGE: ascending, apart */
    size_t range_count;
    bool absent; /* SHAPE_RANGE: holds where nothing is stated */
};

struct rule {
    enum policy_question question;
    enum policy_act act;
    bool is_limit, is_treaties;
    unsigned line;
    struct span text, reason;
    uint64_t recent, limit;
    bool limit_bytes, limit_day;
    struct condition when[DIMENSIONS];
};

struct named_set {
    struct span name;
    struct token *items; /* as they were written; sets within it stand in full */
    size_t count;
    struct item *read[DIMENSIONS]; /* as values of a dimension, once they are used so */
    unsigned line, depth;
    bool used;
};

struct trust_line {
    struct item item;
    unsigned level, order;
};

/* ---- rows of bits ---- */

/* Of one list dimension: its texts, ascending, and for each the rules that list it. */
struct text_rows {
    struct span *text;
    size_t count;
    bool used;        /* some rule lists, be it nothing */
    uint64_t *listed; /* count × words */
    uint64_t lengths; /* of members: a bit for each length of a hash part that is in use */
};

/* Of one range dimension: segment i begins at start[i] and ends in front of the next; start[0] is 0. */
struct range_rows {
    uint64_t *start;
    size_t count;
    uint64_t *bits;   /* count × words */
    uint64_t *absent; /* words */
};

struct policy {
    struct arena arena;
    struct span text;
    char version[POLICY_VERSION_LEN + 1];
    struct rule *rules; /* as they stand in the file */
    size_t rule_count;
    struct named_set *sets;
    size_t set_count;
    struct trust_line *trusts; /* by text, then by order */
    size_t trust_count;
    uint64_t trust_lengths;
    uint32_t looks[POLICY_QUESTIONS]; /* at these dimensions rules about it look, a bit each */
    /* Compiled. Bit b of all rows is rule slot[b]; those of question q stand in words first[q] .. first[q + 1] - 1. */
    size_t first[POLICY_QUESTIONS + 1], words;
    const struct rule **slot;
    uint64_t *all;            /* rules that can match at all */
    uint64_t *plain, *marked; /* without conditions on contents; with none but on the marking */
    uint64_t *positive[DIMENSIONS], *negative[DIMENSIONS]; /* rules with a list, with a negated one */
    struct text_rows texts[DIMENSIONS];
    uint64_t *masks[DIMENSIONS]; /* bits × words */
    struct range_rows ranges[DIMENSIONS];
};

/* ---- parse.c, parse_value.c ---- */

struct parser {
    struct policy *policy;
    struct lexer lexer;
    struct token token; /* the next one */
    size_t last_end;    /* where the one before ended */
    struct policy_errors *errors;
    size_t items, uses; /* counted against POLICY_ITEMS_MAX and POLICY_USES_MAX */
    size_t rule_cap, set_cap, trust_cap;
    bool in_lists; /* what is read are adopted lists, and no file */
    int failed;    /* ERR_MEMORY */
};

/* Tell an error about a token; always false. */
bool parser_error(struct parser *p, const struct token *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void parser_next(struct parser *p);

/* The token as a message shows it. */
const char *token_show(const struct token *token, char out[96]);

/* Room for one more in an array in the policy's arena. */
void *parser_grow(struct parser *p, void *array, size_t count, size_t *cap, size_t size);

bool parse_condition(struct parser *p, enum dimension dimension, struct condition *ret);
bool parse_items(struct parser *p, struct token **ret, size_t *ret_count);
struct named_set *parser_set(struct parser *p, const struct token *word);
bool token_is_set(const struct token *token);                 /* @NAME, but not @self */
bool parse_unexpected(struct parser *p, const char *allowed); /* about the next token; always false */
bool parse_list_item(struct parser *p, enum dimension dimension, const struct token *word, struct span *ret);

/* The values behind a name: words to be read, and whether they are turned or compared. */
struct values {
    struct token name, sign, *words;
    size_t count;
    bool negated, compared;
};
bool parse_ranges(struct parser *p, enum dimension dimension, const struct values *values, struct condition *ret);

/* Digits with k, M, G (thousands) behind; `allow_b` a B behind those. False: it is none. */
bool read_amount(struct span word, bool allow_b, uint64_t *ret, bool *ret_bytes);

/* ---- compile.c ---- */

int policy_compile(struct policy *policy, struct err *err);

/* Length of the hash part of a member's text as a bit; 0 for a name. */
uint64_t hash_length_bit(struct span text);

/* ---- explain.c, warn.c ---- */

void explain_rule(const struct rule *rule, struct buf *out);

#endif

/* Tokens of STIX patterns; private to security. Source: STIX 2.1 section 9 and its ANTLR grammar. */
#ifndef TONGZHOU_SECURITY_PATTERN_TOKEN_H
#define TONGZHOU_SECURITY_PATTERN_TOKEN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum pattern_token_type {
    TOKEN_END,
    TOKEN_WORD,    /* keyword, object type, property; may hold hyphens */
    TOKEN_STRING,  /* '...'; text is the inside, still escaped */
    TOKEN_INTEGER, /* with a sign or without */
    TOKEN_FLOAT,
    TOKEN_TYPED,    /* t'...', h'...', b'...' */
    TOKEN_OPERATOR, /* = == != <> < <= > >= */
    TOKEN_MARK,     /* one of ( ) [ ] : . , * */
};

struct pattern_token {
    enum pattern_token_type type;
    struct span text; /* borrowed */
    size_t at;        /* byte of the pattern */
    char prefix;      /* of TOKEN_TYPED */
};

struct pattern_lexer {
    struct span pattern;
    size_t pos;
    struct pattern_token token; /* the present one */
};

/* Read the first token. */
int pattern_begin(struct pattern_lexer *lexer, struct span pattern, struct err *err);

/* Go on to the next token. ERR_SYNTAX naming the byte. */
int pattern_advance(struct pattern_lexer *lexer, struct err *err);

bool pattern_at_word(const struct pattern_lexer *lexer, const char *word);
bool pattern_at_mark(const struct pattern_lexer *lexer, char mark);

/* ERR_SYNTAX "pattern: byte N: expected WHAT, found TOKEN". */
int pattern_expected(const struct pattern_lexer *lexer, const char *what, struct err *err);

/* The inside of a string without its escapes, appended. */
void pattern_unescape(struct span inside, struct buf *out);

#endif

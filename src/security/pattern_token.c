#include "security/pattern_token.h"

#include <assert.h>

#include "base/utf8.h"

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Hyphens belong to object types and, strictly, only in quotes to properties; hashes.SHA-256 is written, too. */
static bool is_word_part(uint8_t c)
{
    return is_word_start(c) || is_digit(c) || c == '-';
}

/* Byte `ahead` of the present one, 0 behind the end. */
static uint8_t peek(const struct pattern_lexer *lexer, size_t ahead)
{
    size_t at = lexer->pos + ahead;
    return at < lexer->pattern.len ? lexer->pattern.data[at] : 0;
}

static int fail_at(size_t at, const char *what, struct err *err)
{
    return err_set(err, ERR_SYNTAX, "pattern: byte %zu: %s", at, what);
}

int pattern_expected(const struct pattern_lexer *lexer, const char *what, struct err *err)
{
    char shown[48];
    if (lexer->token.type == TOKEN_END)
        return err_set(err, ERR_SYNTAX, "pattern: expected %s, found its end", what);
    return err_set(err, ERR_SYNTAX, "pattern: byte %zu: expected %s, found %s", lexer->token.at, what,
                   text_escape_into(shown, sizeof(shown), span_sub(lexer->token.text, 0, 32)));
}

/* White space and comments (the grammar has both kinds). */
static int skip_blank(struct pattern_lexer *lexer, struct err *err)
{
    for (;;) {
        while (is_space(peek(lexer, 0)))
            lexer->pos++;
        if (peek(lexer, 0) != '/')
            return 0;
        struct span rest = span_sub(lexer->pattern, lexer->pos, lexer->pattern.len);
        if (peek(lexer, 1) == '/') {
            lexer->pos += span_find(rest, '\n');
        } else if (peek(lexer, 1) == '*') {
            size_t end = span_search(span_sub(rest, 2, rest.len), SPAN_LIT("*/"));
            if (end + 2 == rest.len)
                return fail_at(lexer->pos, "a comment without end", err);
            lexer->pos += end + 4;
        } else {
            return 0;
        }
    }
}

static void take(struct pattern_lexer *lexer, enum pattern_token_type type, size_t len)
{
    lexer->token.type = type;
    lexer->token.text = span_sub(lexer->pattern, lexer->pos, len);
    lexer->pos += len;
}

/* From the opening quote on. */
static int take_string(struct pattern_lexer *lexer, enum pattern_token_type type, struct err *err)
{
    size_t start = ++lexer->pos;
    while (lexer->pos < lexer->pattern.len && peek(lexer, 0) != '\'')
        lexer->pos += peek(lexer, 0) == '\\' ? 2 : 1;
    if (lexer->pos >= lexer->pattern.len)
        return fail_at(lexer->token.at, "a string without end", err);
    lexer->token.type = type;
    lexer->token.text = span_sub(lexer->pattern, start, lexer->pos - start);
    lexer->pos++;
    return 0;
}

static int take_number(struct pattern_lexer *lexer, struct err *err)
{
    size_t len = peek(lexer, 0) == '-' || peek(lexer, 0) == '+' ? 1 : 0, digits = 0;
    enum pattern_token_type type = TOKEN_INTEGER;
    while (is_digit(peek(lexer, len)))
        len++, digits++;
    if (peek(lexer, len) == '.' && is_digit(peek(lexer, len + 1))) {
        type = TOKEN_FLOAT;
        for (len++; is_digit(peek(lexer, len)); len++)
            digits++;
    }
    if (digits == 0 || is_word_part(peek(lexer, len)))
        return fail_at(lexer->token.at, "a number out of form", err);
    take(lexer, type, len);
    return 0;
}

static int take_word(struct pattern_lexer *lexer, struct err *err)
{
    size_t len = 1;
    while (is_word_part(peek(lexer, len)))
        len++;
    uint8_t first = peek(lexer, 0);
    if (len == 1 && peek(lexer, 1) == '\'' && (first == 't' || first == 'h' || first == 'b')) {
        lexer->token.prefix = (char)first;
        lexer->pos++;
        return take_string(lexer, TOKEN_TYPED, err);
    }
    take(lexer, TOKEN_WORD, len);
    return 0;
}

static size_t operator_length(const struct pattern_lexer *lexer)
{
    uint8_t a = peek(lexer, 0), b = peek(lexer, 1);
    switch (a) {
    case '=':
        return b == '=' ? 2 : 1;
    case '!':
        return b == '=' ? 2 : 0;
    case '<':
        return b == '=' || b == '>' ? 2 : 1;
    case '>':
        return b == '=' ? 2 : 1;
    default:
        return 0;
    }
}

int pattern_advance(struct pattern_lexer *lexer, struct err *err)
{
    int rc = skip_blank(lexer, err);
    if (rc < 0)
        return rc;
    lexer->token = (struct pattern_token){.at = lexer->pos};
    if (lexer->pos >= lexer->pattern.len)
        return 0;
    uint8_t c = peek(lexer, 0);
    if (is_word_start(c))
        return take_word(lexer, err);
    if (is_digit(c) || c == '-' || c == '+')
        return take_number(lexer, err);
    if (c == '\'')
        return take_string(lexer, TOKEN_STRING, err);
    size_t len = operator_length(lexer);
    if (len > 0) {
        take(lexer, TOKEN_OPERATOR, len);
        return 0;
    }
    if (c == 0 || !strchr("()[]:.,*", c))
        return fail_at(lexer->pos, "a character that means nothing here", err);
    take(lexer, TOKEN_MARK, 1);
    return 0;
}

int pattern_begin(struct pattern_lexer *lexer, struct span pattern, struct err *err)
{
    assert(pattern.data || pattern.len == 0);
    *lexer = (struct pattern_lexer){.pattern = pattern};
    if (!utf8_valid(pattern))
        return err_set(err, ERR_SYNTAX, "pattern: is not UTF-8");
    return pattern_advance(lexer, err);
}

bool pattern_at_word(const struct pattern_lexer *lexer, const char *word)
{
    return lexer->token.type == TOKEN_WORD && span_is(lexer->token.text, word);
}

bool pattern_at_mark(const struct pattern_lexer *lexer, char mark)
{
    return lexer->token.type == TOKEN_MARK && lexer->token.text.data[0] == (uint8_t)mark;
}

void pattern_unescape(struct span inside, struct buf *out)
{
    for (size_t i = 0; i < inside.len; i++) {
        if (inside.data[i] == '\\' && i + 1 < inside.len)
            i++;
        buf_byte(out, inside.data[i]);
    }
}

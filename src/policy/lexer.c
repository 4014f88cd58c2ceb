#include "policy/internal.h"

#include "base/utf8.h"

void lexer_init(struct lexer *lexer, struct span text, struct arena *arena)
{
    *lexer = (struct lexer){.all = text, .arena = arena, .line = 1, .column = 1};
}

static int peek(const struct lexer *lexer, size_t ahead)
{
    return lexer->pos + ahead < lexer->all.len ? lexer->all.data[lexer->pos + ahead] : -1;
}

static void new_line(struct lexer *lexer)
{
    lexer->pos++;
    lexer->line++;
    lexer->line_begin = lexer->pos;
}

/* Blanks, comments, ends of lines that do not count. */
static void skip_blanks(struct lexer *lexer)
{
    for (;;) {
        int c = peek(lexer, 0), next = peek(lexer, 1);
        if (c == ' ' || c == '\t' || c == '\r') {
            lexer->pos++;
        } else if (c == '#') {
            while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n')
                lexer->pos++;
        } else if (c == '\n' && lexer->depth > 0) {
            new_line(lexer);
        } else if (c == '\\' && (next == '\n' || (next == '\r' && peek(lexer, 2) == '\n'))) {
            lexer->pos += next == '\r' ? 2 : 1;
            new_line(lexer);
        } else {
            return;
        }
    }
}

static bool ends_word(int c)
{
    return c <= ' ' || c == 0x7f || strchr("{},=!<>\"\\", c) != NULL;
}

/* Counted on from the last token, so that a long line is not gone through for each of its words. */
static unsigned column_here(struct lexer *lexer)
{
    if (lexer->counted < lexer->line_begin || lexer->counted > lexer->pos) {
        lexer->counted = lexer->line_begin;
        lexer->column = 1;
    }
    for (; lexer->counted < lexer->pos; lexer->counted++)
        lexer->column += (lexer->all.data[lexer->counted] & 0xc0) != 0x80;
    return lexer->column;
}

static void bad(struct token *token, const char *why)
{
    token->kind = TOKEN_BAD;
    token->text = span_str(why);
}

/* Behind the opening quote. */
static void read_string(struct lexer *lexer, struct token *token)
{
    uint8_t *out = arena_alloc(lexer->arena, POLICY_REASON_MAX + 1);
    size_t len = 0;
    if (!out) {
        bad(token, "out of memory");
        return;
    }
    lexer->pos++;
    for (;;) {
        int c = peek(lexer, 0);
        if (c < 0 || c == '\n') {
            bad(token, "a text ends with \" in the line where it begins");
            return;
        }
        lexer->pos++;
        if (c == '"')
            break;
        if (c == '\\') {
            c = peek(lexer, 0);
            if (c != '"' && c != '\\') {
                bad(token, "behind a backslash in a text stands \" or \\");
                return;
            }
            lexer->pos++;
        }
        if (len == POLICY_REASON_MAX) {
            bad(token, "a text has 256 bytes at most");
            return;
        }
        out[len++] = (uint8_t)c;
    }
    token->kind = TOKEN_STRING;
    token->text = span_of(out, len);
    if (!record_value_valid(token->text))
        bad(token, "a text is one line of UTF-8, without blanks at its ends and not empty");
}

static void read_word(struct lexer *lexer, struct token *token)
{
    size_t begin = lexer->pos;
    while (!ends_word(peek(lexer, 0)))
        lexer->pos++;
    token->text = span_sub(lexer->all, begin, lexer->pos - begin);
    token->kind = TOKEN_WORD;
    if (token->text.len == 0) {
        lexer->pos++;
        bad(token, "this character has no meaning here");
    } else if (token->text.len > RECORD_LINE_MAX) {
        bad(token, "a word has 1024 bytes at most");
    } else if (!record_value_valid(token->text)) {
        bad(token, "not UTF-8, or with control characters");
    }
}

static void read_sign(struct lexer *lexer, struct token *token, enum token_kind kind, size_t len)
{
    token->text = span_sub(lexer->all, lexer->pos, len);
    lexer->pos += len;
    token->kind = kind;
}

void lexer_next(struct lexer *lexer, struct token *ret)
{
    skip_blanks(lexer);
    int c = peek(lexer, 0);
    bool equals = peek(lexer, 1) == '=';
    *ret = (struct token){.line = lexer->line, .column = column_here(lexer), .begin = lexer->pos};
    if (c < 0) {
        ret->kind = TOKEN_END;
    } else if (c == '\n') {
        ret->kind = TOKEN_LINE_END;
        new_line(lexer);
    } else if (c == '{') {
        read_sign(lexer, ret, TOKEN_OPEN, 1);
        lexer->depth++;
    } else if (c == '}') {
        read_sign(lexer, ret, TOKEN_CLOSE, 1);
        lexer->depth -= lexer->depth > 0;
    } else if (c == ',') {
        read_sign(lexer, ret, TOKEN_COMMA, 1);
    } else if (c == '=') {
        read_sign(lexer, ret, TOKEN_EQUALS, 1);
    } else if (c == '!') {
        read_sign(lexer, ret, TOKEN_NOT, 1);
    } else if (c == '<') {
        read_sign(lexer, ret, equals ? TOKEN_LESS_EQUAL : TOKEN_LESS, equals ? 2 : 1);
    } else if (c == '>') {
        read_sign(lexer, ret, equals ? TOKEN_MORE_EQUAL : TOKEN_MORE, equals ? 2 : 1);
    } else if (c == '"') {
        read_string(lexer, ret);
    } else {
        read_word(lexer, ret);
    }
    ret->end = lexer->pos;
}

void lexer_skip(struct lexer *lexer, const struct token *from)
{
    lexer->pos = lexer->line_begin = from->begin;
    lexer->line = from->line;
    lexer->depth = 0;
    while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n')
        lexer->pos++;
    if (peek(lexer, 0) == '\n')
        new_line(lexer);
}

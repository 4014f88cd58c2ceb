/*
 * The hot path: simdjson says where tokens begin, the walk below checks that they form one JSON value and lays
 * out the tree. Everything between two tokens is the first one and whitespace behind it, nothing else.
 */
#include "base/json.h"

#include <stdlib.h>

#include "base/json_impl.h"
#include "base/limits.h"
#include "base/utf8.h"

struct json_scanner {
    struct simd_index *index;
    uint8_t *text; /* the caller's text with simdjson's padding behind it */
    size_t text_cap;
    struct json_tree tree;
    struct json_keys keys;
};

/* A container that is still open. */
struct level {
    uint32_t node;
    uint32_t children;
    bool is_object, escaped_keys;
};

enum expect { EXPECT_VALUE, EXPECT_VALUE_OR_END, EXPECT_KEY, EXPECT_KEY_OR_END, EXPECT_COMMA_OR_END, EXPECT_NOTHING };

struct walk {
    struct json_scanner *scanner;
    const uint8_t *text;
    size_t len;
    const uint32_t *tokens;
    size_t token_count, next;
    struct level levels[JSON_DEPTH_MAX];
    unsigned depth;
    uint32_t key_at, key_len;
    enum expect expect;
    struct err *err;
};

struct json_scanner *json_scanner_new(void)
{
    struct json_scanner *scanner = calloc(1, sizeof(*scanner));
    if (!scanner)
        return NULL;
    scanner->index = simd_index_new();
    if (!scanner->index) {
        free(scanner);
        return NULL;
    }
    return scanner;
}

void json_scanner_free(struct json_scanner *scanner)
{
    if (!scanner)
        return;
    simd_index_free(scanner->index);
    json_keys_done(&scanner->keys);
    free(scanner->tree.nodes);
    free(scanner->text);
    free(scanner);
}

static int fail(struct walk *w, size_t at, const char *what)
{
    return err_set(w->err, ERR_SYNTAX, "JSON: byte %zu: %s", at, what);
}

/* Append a node for the value at `at`, with the key that was read before it. */
static int add_node(struct walk *w, size_t at, size_t len, enum json_type type)
{
    struct json_tree *tree = &w->scanner->tree;
    if (tree->count == tree->cap) {
        if (tree->count >= JSON_NODES_MAX)
            return err_set(w->err, ERR_LIMIT, "JSON: byte %zu: more than %u values", at, JSON_NODES_MAX);
        size_t cap = tree->cap ? 2 * tree->cap : 256;
        struct json_node *nodes = realloc(tree->nodes, cap * sizeof(*nodes));
        if (!nodes)
            return err_memory(w->err);
        tree->nodes = nodes;
        tree->cap = cap;
    }
    struct json_node *node = &tree->nodes[tree->count++];
    *node = (struct json_node){.key_at = w->key_at,
                               .key_len = w->key_len,
                               .at = (uint32_t)at,
                               .len = (uint32_t)len,
                               .next = (uint32_t)tree->count,
                               .type = type};
    w->key_at = w->key_len = 0;
    if (w->depth > 0)
        w->levels[w->depth - 1].children++;
    return 0;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The inside of the string whose opening quote is the token at `at`: only space follows its closing quote. */
static int string_at(struct walk *w, size_t at, size_t *ret_len, bool *ret_escaped)
{
    size_t end = w->next < w->token_count ? w->tokens[w->next] : w->len;
    while (is_space(w->text[end - 1]))
        end--;
    if (end < at + 2 || w->text[end - 1] != '"')
        return fail(w, at, "string without an end");
    struct span raw = span_of(w->text + at + 1, end - at - 2);
    *ret_len = raw.len;
    *ret_escaped = memchr(raw.data, '\\', raw.len) != NULL;
    if (*ret_escaped) {
        size_t bad = json_bad_escape(raw);
        if (bad != raw.len)
            return fail(w, at + 1 + bad, "escape that JSON does not know, or half of a surrogate pair");
    }
    return 0;
}

/* Behind a literal or number comes space, a token of punctuation, or the end. */
static bool ends_at(const struct walk *w, size_t at)
{
    uint8_t c = w->text[at];
    return at == w->len || is_space(c) || c == ',' || c == '}' || c == ']' || c == ':';
}

static int add_literal(struct walk *w, size_t at, const char *word, enum json_type type)
{
    size_t len = strlen(word);
    if (memcmp(w->text + at, word, len) != 0 || !ends_at(w, at + len))
        return fail(w, at, "expected a value");
    return add_node(w, at, len, type);
}

static size_t skip_digits(const uint8_t *text, size_t at)
{
    while (text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

/* RFC 8259 section 6. The padding ends every run of digits. */
static int add_number(struct walk *w, size_t at)
{
    const uint8_t *text = w->text;
    size_t start = text[at] == '-' ? at + 1 : at;
    size_t end = skip_digits(text, start);
    bool good = end > start && (text[start] != '0' || end == start + 1);
    if (text[end] == '.') {
        start = end + 1;
        end = skip_digits(text, start);
        good = good && end > start;
    }
    if (text[end] == 'e' || text[end] == 'E') {
        start = end + (text[end + 1] == '+' || text[end + 1] == '-' ? 2 : 1);
        end = skip_digits(text, start);
        good = good && end > start;
    }
    if (!good || !ends_at(w, end))
        return fail(w, at, "malformed number");
    return add_node(w, at, end - at, JSON_T_NUMBER);
}

static int open_container(struct walk *w, size_t at, bool is_object)
{
    if (w->depth == JSON_DEPTH_MAX)
        return err_set(w->err, ERR_LIMIT, "JSON: byte %zu: nested deeper than %d levels", at, JSON_DEPTH_MAX);
    if (add_node(w, at, 0, is_object ? JSON_T_OBJECT : JSON_T_ARRAY) < 0)
        return w->err->code;
    w->levels[w->depth++] = (struct level){.node = (uint32_t)(w->scanner->tree.count - 1), .is_object = is_object};
    w->expect = is_object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    return 0;
}

static void after_value(struct walk *w)
{
    w->expect = w->depth > 0 ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
}

static int close_container(struct walk *w, size_t at)
{
    struct level *level = &w->levels[--w->depth];
    struct json_tree *tree = &w->scanner->tree;
    struct json_node *node = &tree->nodes[level->node];
    node->len = (uint32_t)(at + 1 - node->at);
    node->next = (uint32_t)tree->count;
    after_value(w);
    if (!level->is_object)
        return 0;
    return json_keys_check(&w->scanner->keys, span_of(w->text, w->len), tree->nodes, level->node, level->children,
                           level->escaped_keys, w->err);
}

static int value_at(struct walk *w, size_t at)
{
    size_t len = 0;
    bool escaped = false;
    int result;
    switch (w->text[at]) {
    case '{':
    case '[':
        return open_container(w, at, w->text[at] == '{');
    case '"':
        result = string_at(w, at, &len, &escaped);
        if (result == 0)
            result = add_node(w, at + 1, len, JSON_T_STRING);
        break;
    case 't':
        result = add_literal(w, at, "true", JSON_T_TRUE);
        break;
    case 'f':
        result = add_literal(w, at, "false", JSON_T_FALSE);
        break;
    case 'n':
        result = add_literal(w, at, "null", JSON_T_NULL);
        break;
    default:
        if (w->text[at] != '-' && (w->text[at] < '0' || w->text[at] > '9'))
            return fail(w, at, "expected a value");
        result = add_number(w, at);
    }
    after_value(w);
    return result;
}

static int key_at(struct walk *w, size_t at)
{
    if (w->text[at] != '"')
        return fail(w, at, "expected a key");
    size_t len = 0;
    bool escaped = false;
    if (string_at(w, at, &len, &escaped) < 0)
        return w->err->code;
    if (w->next == w->token_count || w->text[w->tokens[w->next]] != ':')
        return fail(w, at + len + 2, "expected a colon behind the key");
    w->next++;
    w->key_at = (uint32_t)(at + 1);
    w->key_len = (uint32_t)len;
    w->levels[w->depth - 1].escaped_keys |= escaped;
    w->expect = EXPECT_VALUE;
    return 0;
}

static int comma_or_end(struct walk *w, size_t at)
{
    bool is_object = w->levels[w->depth - 1].is_object;
    if (w->text[at] == (is_object ? '}' : ']'))
        return close_container(w, at);
    if (w->text[at] != ',')
        return fail(w, at, is_object ? "expected , or }" : "expected , or ]");
    w->expect = is_object ? EXPECT_KEY : EXPECT_VALUE;
    return 0;
}

static int step(struct walk *w, size_t at)
{
    switch (w->expect) {
    case EXPECT_VALUE_OR_END:
        return w->text[at] == ']' ? close_container(w, at) : value_at(w, at);
    case EXPECT_VALUE:
        return value_at(w, at);
    case EXPECT_KEY_OR_END:
        return w->text[at] == '}' ? close_container(w, at) : key_at(w, at);
    case EXPECT_KEY:
        return key_at(w, at);
    case EXPECT_COMMA_OR_END:
        return comma_or_end(w, at);
    case EXPECT_NOTHING:
        break;
    }
    return fail(w, at, "expected the end behind the value");
}

static int walk_all(struct walk *w)
{
    while (w->next < w->token_count) {
        size_t at = w->tokens[w->next++];
        if (step(w, at) < 0)
            return w->err->code;
    }
    return w->expect == EXPECT_NOTHING ? 0 : fail(w, w->len, "the text ends inside a value");
}

/* simdjson refused the text as a whole: find the byte. */
static int name_malformed(struct span text, struct err *err)
{
    for (size_t pos = 0, before = 0; pos < text.len; before = pos) {
        if (utf8_next(text, &pos) == 0xFFFD && pos == before + 1)
            return err_set(err, ERR_SYNTAX, "JSON: byte %zu: malformed UTF-8", before);
    }
    size_t opened = 0;
    bool inside = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"') {
            inside = !inside;
            opened = i;
        } else if (inside && c < 0x20) {
            return err_set(err, ERR_SYNTAX, "JSON: byte %zu: control character 0x%02X inside a string", i, c);
        } else if (c == '\\') {
            if (!inside)
                return err_set(err, ERR_SYNTAX, "JSON: byte %zu: backslash outside of a string", i);
            i++;
        }
    }
    if (inside)
        return err_set(err, ERR_SYNTAX, "JSON: byte %zu: string without an end", opened);
    return err_set(err, ERR_SYNTAX, "JSON: no value");
}

static int copy_padded(struct json_scanner *scanner, struct span text, struct err *err)
{
    size_t want = text.len + simd_padding;
    if (want > scanner->text_cap) {
        size_t cap = scanner->text_cap ? scanner->text_cap : 4096;
        while (cap < want)
            cap *= 2;
        free(scanner->text);
        scanner->text = malloc(cap);
        scanner->text_cap = scanner->text ? cap : 0;
        if (!scanner->text)
            return err_memory(err);
    }
    memcpy(scanner->text, text.data, text.len);
    memset(scanner->text + text.len, 0, simd_padding);
    return 0;
}

int json_scan(struct json_scanner *scanner, struct span text, const struct json_tree **ret, struct err *err)
{
    if (text.len > JSON_TEXT_MAX)
        return err_set(err, ERR_LIMIT, "JSON: %zu bytes, limit %u", text.len, JSON_TEXT_MAX);
    if (text.len == 0)
        return err_set(err, ERR_SYNTAX, "JSON: empty text");
    if (copy_padded(scanner, text, err) < 0)
        return err->code;
    struct walk w = {.scanner = scanner, .text = scanner->text, .len = text.len, .err = err};
    switch (simd_index_run(scanner->index, scanner->text, text.len, &w.tokens, &w.token_count)) {
    case SIMD_NO_MEMORY:
        return err_memory(err);
    case SIMD_MALFORMED:
        return name_malformed(text, err);
    case SIMD_OK:
        break;
    }
    scanner->tree.text = text;
    scanner->tree.count = 0;
    if (walk_all(&w) < 0)
        return err->code;
    *ret = &scanner->tree;
    return 0;
}

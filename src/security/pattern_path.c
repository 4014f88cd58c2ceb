#include "security/pattern_path.h"

#define PATH_TEXT_MAX 96 /* bytes: longer paths than those below mean nothing to us */

/* Paths in the form that path_take makes: quotes gone, [*] and [N] as []. */
static const struct {
    const char *text;
    struct path path;
} known_paths[] = {
    {"domain-name:value", {PATH_VALUE, IOC_DOMAIN, PATH_NO_END}},
    {"ipv4-addr:value", {PATH_VALUE, IOC_IPV4, PATH_NO_END}},
    {"ipv6-addr:value", {PATH_VALUE, IOC_IPV6, PATH_NO_END}},
    {"url:value", {PATH_VALUE, IOC_URL, PATH_NO_END}},
    {"email-addr:value", {PATH_VALUE, IOC_EMAIL, PATH_NO_END}},
    {"email-message:from_ref.value", {PATH_VALUE, IOC_EMAIL, PATH_NO_END}},
    {"email-message:sender_ref.value", {PATH_VALUE, IOC_EMAIL, PATH_NO_END}},
    {"network-traffic:dst_ref.value", {PATH_VALUE, IOC_NONE, PATH_DESTINATION}},
    {"network-traffic:dst_ref.type", {PATH_TYPE, IOC_NONE, PATH_DESTINATION}},
    {"network-traffic:dst_port", {PATH_PORT, IOC_NONE, PATH_DESTINATION}},
    {"network-traffic:src_ref.value", {PATH_VALUE, IOC_NONE, PATH_SOURCE}},
    {"network-traffic:src_ref.type", {PATH_TYPE, IOC_NONE, PATH_SOURCE}},
    {"network-traffic:src_port", {PATH_PORT, IOC_NONE, PATH_SOURCE}},
    {"network-traffic:extensions.http-request-ext.request_value", {PATH_VALUE, IOC_URL_PATH, PATH_NO_END}},
};

/* Types that have hashes, and what the algorithms are called; with and without hyphens, as people write them. */
static const char *const hashed_types[] = {"file:hashes.", "artifact:hashes.", "x509-certificate:hashes."};
static const struct {
    const char *name;
    enum ioc_type ioc;
} algorithms[] = {
    {"MD5", IOC_MD5},       {"SHA-1", IOC_SHA1},     {"SHA1", IOC_SHA1},     {"SHA-256", IOC_SHA256},
    {"SHA256", IOC_SHA256}, {"SHA-512", IOC_SHA512}, {"SHA512", IOC_SHA512},
};

/* The path's text without quotes; what does not fit is cut, and then is none of the known ones. */
struct path_text {
    char text[PATH_TEXT_MAX + 1];
    size_t len;
};

static void text_add(struct path_text *path, struct span part)
{
    size_t room = PATH_TEXT_MAX - path->len, len = part.len < room ? part.len : room;
    memcpy(path->text + path->len, part.data, len);
    path->len += len;
    path->text[path->len] = 0;
}

static bool equal_nocase(struct span a, const char *b)
{
    if (a.len != strlen(b))
        return false;
    for (size_t i = 0; i < a.len; i++) {
        uint8_t c = a.data[i] >= 'a' && a.data[i] <= 'z' ? (uint8_t)(a.data[i] - 0x20) : a.data[i];
        if (c != (uint8_t)b[i])
            return false;
    }
    return true;
}

static struct path path_meaning(const struct path_text *text)
{
    struct span all = span_of(text->text, text->len);
    for (size_t i = 0; i < sizeof(known_paths) / sizeof(known_paths[0]); i++)
        if (span_is(all, known_paths[i].text))
            return known_paths[i].path;
    for (size_t i = 0; i < sizeof(hashed_types) / sizeof(hashed_types[0]); i++) {
        struct span prefix = span_str(hashed_types[i]);
        if (!span_starts(all, prefix))
            continue;
        struct span name = span_sub(all, prefix.len, all.len);
        for (size_t k = 0; k < sizeof(algorithms) / sizeof(algorithms[0]); k++)
            if (equal_nocase(name, algorithms[k].name))
                return (struct path){PATH_VALUE, algorithms[k].ioc, PATH_NO_END};
    }
    return (struct path){PATH_OTHER, IOC_NONE, PATH_NO_END};
}

static int take_property(struct pattern_lexer *lexer, struct path_text *text, struct err *err)
{
    if (lexer->token.type != TOKEN_WORD && lexer->token.type != TOKEN_STRING)
        return pattern_expected(lexer, "a property", err);
    text_add(text, lexer->token.text);
    return pattern_advance(lexer, err);
}

/* "[*]", "[0]", "[-1]" */
static int take_element(struct pattern_lexer *lexer, struct path_text *text, struct err *err)
{
    int rc = pattern_advance(lexer, err);
    if (rc < 0)
        return rc;
    if (!pattern_at_mark(lexer, '*') && lexer->token.type != TOKEN_INTEGER)
        return pattern_expected(lexer, "* or a number", err);
    text_add(text, SPAN_LIT("[]"));
    if ((rc = pattern_advance(lexer, err)) < 0)
        return rc;
    return pattern_at_mark(lexer, ']') ? pattern_advance(lexer, err) : pattern_expected(lexer, "]", err);
}

int path_take(struct pattern_lexer *lexer, struct path *ret, struct err *err)
{
    struct path_text text = {.len = 0};
    if (lexer->token.type != TOKEN_WORD)
        return pattern_expected(lexer, "an object type", err);
    text_add(&text, lexer->token.text);
    int rc = pattern_advance(lexer, err);
    if (rc < 0)
        return rc;
    if (!pattern_at_mark(lexer, ':'))
        return pattern_expected(lexer, ":", err);
    text_add(&text, SPAN_LIT(":"));
    if ((rc = pattern_advance(lexer, err)) == 0)
        rc = take_property(lexer, &text, err);
    while (rc == 0 && (pattern_at_mark(lexer, '.') || pattern_at_mark(lexer, '['))) {
        if (pattern_at_mark(lexer, '[')) {
            rc = take_element(lexer, &text, err);
        } else if ((rc = pattern_advance(lexer, err)) == 0) {
            text_add(&text, SPAN_LIT("."));
            rc = take_property(lexer, &text, err);
        }
    }
    *ret = path_meaning(&text);
    return rc;
}

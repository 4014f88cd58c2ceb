/* fuzz: http */
/* Headers and forms that say who somebody is, or where to go on. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "http/visitor.h"
#include "state/role.h"

const struct capability *const capabilities[] = {NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct span part, struct span whole)
{
    return part.len == 0 || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void try_headers(struct span input)
{
    char address[ADDRESS_MAX];
    struct in6_addr ignored;
    if (!is_within(http_bearer(input), input))
        abort();
    if (http_forwarded(input, address) && inet_pton(AF_INET, address, &ignored) != 1 &&
        inet_pton(AF_INET6, address, &ignored) != 1)
        abort();
    if (http_path_is_ours(input) && (input.data[0] != '/' || memchr(input.data, '\n', input.len)))
        abort();
}

/* A content type up to the first new line, a form behind it: a field is found, or it is not, but nothing else is. */
static void try_form(struct span input)
{
    struct arena arena;
    size_t line = span_find(input, '\n');
    arena_init(&arena, 1 << 20);
    struct http_visitor visitor = {.how = VISITOR_SESSION};
    struct http_request request = {.arena = &arena,
                                   .content_type = span_sub(input, 0, line),
                                   .body = span_sub(input, line + 1, input.len),
                                   .visitor = &visitor};
    if (http_form_value(&request, FORM_TOKEN).len > input.len)
        abort();
    if (visitor_form_fits(&request)) /* there is no token that would */
        abort();
    memset(visitor.form, 'a', SESSION_TEXT);
    if (visitor_form_fits(&request) && span_search(input, SPAN_LIT("aaaa")) == input.len &&
        span_search(input, SPAN_LIT("%61")) == input.len)
        abort();
    arena_done(&arena);
}

static void try_words(struct span input)
{
    char text[SCOPES_TEXT_MAX];
    unsigned scopes = scopes_parse(input);
    enum role role = role_parse(input);
    if (scopes > SCOPES_ALL || (role != ROLE_NONE && !span_is(input, role_word(role))))
        abort();
    scopes_format(scopes, text);
    if (scopes != 0 && (scopes_parse(span_str(text)) != scopes || strlen(text) != input.len))
        abort();
    if (user_name_valid(input) && (input.len > USER_NAME_MAX || memchr(input.data, 0, input.len)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span input = span_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        try_headers(input);
        break;
    case 1:
        try_form(input);
        break;
    default:
        try_words(input);
        break;
    }
    return 0;
}

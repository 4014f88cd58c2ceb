/* fuzz: http */
/* What strangers send before anybody looks at it: targets, forms, headers; and catalogues, which only we make. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "http/header.h"
#include "http/multipart.h"
#include "http/target.h"
#include "http/text.h"

const struct capability *const capabilities[] = {NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte as %XX. */
static void encode(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_fmt(out, "%%%02x", text.data[i]);
}

/* The parameters, encoded once more, are the same parameters. */
static void try_again(const struct http_request *request, struct arena *arena)
{
    struct http_param again[HTTP_PARAMS_MAX];
    struct err err;
    struct buf text;
    size_t count;
    buf_init(&text, 8 * HTTP_URL_MAX);
    for (size_t i = 0; i < request->query_count; i++) {
        encode(&text, request->query[i].name);
        buf_byte(&text, '=');
        encode(&text, request->query[i].value);
        buf_byte(&text, '&');
    }
    if (http_params_parse(buf_view(&text), arena, again, &count, &err) != 0 || count != request->query_count)
        abort();
    for (size_t i = 0; i < count; i++)
        if (!span_eq(again[i].name, request->query[i].name) || !span_eq(again[i].value, request->query[i].value))
            abort();
    buf_done(&text);
}

/* A part of the path, encoded once more in its place, is the same part. */
static void try_path(const char *pattern, const char *prefix, struct http_request *request)
{
    struct http_request again = {.arena = request->arena};
    struct err err;
    struct buf path;
    size_t literal;
    if (http_pattern_match(pattern, request->path, request->arena, request, &literal, &err) != 1)
        return;
    buf_init(&path, 8 * HTTP_URL_MAX);
    buf_str(&path, prefix);
    for (size_t i = 0; i < request->part_count; i++) {
        buf_byte(&path, '/');
        encode(&path, request->part[i]);
    }
    if (http_pattern_match(pattern, buf_view(&path), request->arena, &again, &literal, &err) != 1 ||
        again.part_count != request->part_count || literal != strlen(prefix))
        abort();
    for (size_t i = 0; i < again.part_count; i++)
        if (!span_eq(again.part[i], request->part[i]))
            abort();
    buf_done(&path);
}

static void try_target(struct span input)
{
    struct arena arena;
    struct err err;
    struct http_request request = {.arena = &arena};
    arena_init(&arena, 1 << 20);
    if (http_target_parse(input, &arena, &request, &err) == 0) {
        try_again(&request, &arena);
        try_path("/members/{name}/{hash}", "/members", &request);
        try_path("/logs/{hash}/{rest}", "/logs", &request);
        if (http_query(&request, "q").len > input.len)
            abort();
    }
    arena_done(&arena);
}

static void try_header(struct span input)
{
    uint64_t from = 0, len = 0;
    bool is_explicit = false;
    if (http_range_parse(input, 1000, &from, &len) == HTTP_RANGE_PART &&
        (from >= 1000 || len == 0 || len > 1000 - from))
        abort();
    (void)http_etag_listed(input, "\"etag\"");
    (void)http_host_is_loopback(input);
    (void)http_same_origin(SPAN_LIT("localhost:80"), input, SPAN_LIT(""));
    (void)http_accepts_html(input);
    if (http_prefer_wait(input, HTTP_WAIT_MAX_S) > HTTP_WAIT_MAX_S)
        abort();
    struct span cookie = http_cookie(input, "lang");
    if (cookie.len > 0 && (cookie.data < input.data || cookie.data + cookie.len > input.data + input.len))
        abort();
    const char *lang = http_language_choose(input, input, input, &is_explicit);
    if (!lang || http_language_for(span_str(lang)) != lang)
        abort();
}

/* A content type up to the first new line, a body behind it. */
static void try_form(struct span input)
{
    size_t line = span_find(input, '\n');
    struct http_multipart form;
    struct http_form_part part;
    struct err err;
    int rc = http_multipart_init(&form, span_sub(input, 0, line), span_sub(input, line + 1, input.len), &err);
    const uint8_t *at = input.data;
    while (rc == 0 && (rc = http_multipart_next(&form, &part, &err)) == 1) {
        if (part.content.data < at || part.content.data + part.content.len > input.data + input.len)
            abort();
        at = part.content.data + part.content.len;
        rc = 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span input = span_of(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        try_target(input);
        break;
    case 1:
        try_header(input);
        break;
    case 2:
        try_form(input);
        break;
    default:
        (void)text_lookup(input, "Home");
        break;
    }
    return 0;
}

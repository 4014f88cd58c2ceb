/* fuzz: http */
/* What strangers send before anybody looks at it: targets, forms, headers; and catalogues, which only we make. */
#include <stdlib.h>

#include "http/header.h"
#include "http/multipart.h"
#include "http/target.h"
#include "http/text.h"

const struct capability *const capabilities[] = {NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_target(struct span input)
{
    struct arena arena;
    struct err err;
    struct http_request request = {.arena = &arena};
    size_t literal;
    arena_init(&arena, 1 << 20);
    if (http_target_parse(input, &arena, &request, &err) == 0) {
        (void)http_pattern_match("/members/{name}/{hash}", request.path, &arena, &request, &literal, &err);
        (void)http_pattern_match("/logs/{hash}/{rest}", request.path, &arena, &request, &literal, &err);
        (void)http_query(&request, "q");
    }
    arena_done(&arena);
}

static void try_header(struct span input)
{
    uint64_t from = 0, len = 0;
    bool is_explicit;
    if (http_range_parse(input, 1000, &from, &len) == HTTP_RANGE_PART &&
        (from >= 1000 || len == 0 || len > 1000 - from))
        abort();
    (void)http_etag_listed(input, "\"etag\"");
    (void)http_host_is_loopback(input);
    (void)http_same_origin(SPAN_LIT("localhost:80"), input, SPAN_LIT(""));
    (void)http_accepts_html(input);
    (void)http_prefer_wait(input, 60);
    (void)http_language_choose(input, input, input, &is_explicit);
}

/* A content type up to the first new line, a body behind it. */
static void try_form(struct span input)
{
    size_t line = span_find(input, '\n');
    struct http_multipart form;
    struct http_form_part part;
    struct err err;
    int rc = http_multipart_init(&form, span_sub(input, 0, line), span_sub(input, line + 1, input.len), &err);
    while (rc == 0 && (rc = http_multipart_next(&form, &part, &err)) == 1) {
        if (part.content.len > input.len)
            abort();
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

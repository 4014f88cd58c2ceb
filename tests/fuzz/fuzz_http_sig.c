/* fuzz: record */
/* Signature-Input, a line, Signature: what is read stands within the fields, and is signed as it stands. */
#include <stdlib.h>

#include "base/limits.h"
#include "record/http_sig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct span part, struct span all)
{
    return !part.data || (part.data >= all.data && part.data + part.len <= all.data + all.len);
}

static bool no_field(void *ctx, struct span name, struct buf *out)
{
    (void)ctx;
    buf_span(out, name);
    return name.len > 0;
}

static void try_sig(const struct http_sig *sig, struct span input)
{
    struct http_sig_message message = {.method = SPAN_LIT("GET"),
                                       .scheme = SPAN_LIT("http"),
                                       .authority = SPAN_LIT("a.example"),
                                       .path = SPAN_LIT("/"),
                                       .field = no_field};
    struct http_sig again;
    struct err err;
    struct buf text;
    buf_init(&text, HTTP_SIG_BASE_MAX);
    for (size_t i = 0; i < sig->component_count; i++)
        if (!within(sig->component[i], input))
            abort();
    if (!within(sig->params, input) || !within(sig->nonce, input) || !within(sig->keyid, input) ||
        !within(sig->alg, input) || !within(sig->tag, input))
        abort();
    (void)http_sig_base(sig, &message, &text, &err);
    /* Alone under its label it is the same signature. */
    buf_clear(&text);
    buf_span(&text, sig->label);
    buf_byte(&text, '=');
    buf_span(&text, sig->params);
    struct buf signature;
    buf_init(&signature, HTTP_SIG_FIELD_MAX);
    buf_span(&signature, sig->label);
    buf_str(&signature, "=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==:");
    if (text.len <= HTTP_SIG_FIELD_MAX && !signature.failed &&
        (http_sig_find(buf_view(&text), buf_view(&signature), (struct span){0}, &again, &err) != 1 ||
         !span_eq(again.params, sig->params) || again.component_count != sig->component_count))
        abort();
    buf_done(&signature);
    buf_done(&text);
}

/* A keyid that names an origin is that origin's keyid. */
static void try_keyid(struct span keyid)
{
    struct buf origin, again;
    buf_init(&origin, HTTP_URL_MAX);
    buf_init(&again, 3 * HTTP_URL_MAX);
    if (keyid.len < HTTP_URL_MAX && http_sig_origin(keyid, &origin)) {
        http_sig_keyid(buf_view(&origin), &again);
        bool ascii = true;
        for (size_t i = 0; i < keyid.len; i++)
            ascii &= keyid.data[i] < 0x80;
        if (ascii && !span_eq(buf_view(&again), keyid))
            abort();
    }
    buf_done(&origin);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size), input = span_sub(all, 0, span_find(all, '\n'));
    struct span signature = span_sub(all, input.len + 1, all.len);
    struct http_sig sig;
    struct http_sig_message url = {0};
    struct err err;
    char authority[HTTP_SIG_AUTHORITY_MAX + 1];
    if (http_sig_find(input, signature, (struct span){0}, &sig, &err) == 1)
        try_sig(&sig, input);
    (void)http_sig_find(input, signature, SPAN_LIT(HTTP_SIG_TAG), &sig, &err);
    try_keyid(input);
    if (http_sig_url(input, authority, &url) && (!within(url.query, input) || url.path.len == 0))
        abort();
    (void)http_digest_holds(input, signature);
    return 0;
}

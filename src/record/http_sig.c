#include "record/http_sig.h"

#include "base/codec.h"
#include "base/limits.h"
#include "base/sha256.h"

bool http_sig_covers(const struct http_sig *sig, const char *component)
{
    for (size_t i = 0; i < sig->component_count; i++)
        if (span_is(sig->component[i], component))
            return true;
    return false;
}

/* ---- the bytes that are signed: RFC 9421 section 2.5 ---- */

static void add_query(const struct http_sig_message *message, struct buf *out)
{
    buf_byte(out, '?');
    buf_span(out, message->query);
}

static void add_target(const struct http_sig_message *message, struct buf *out)
{
    buf_span(out, message->path);
    if (message->has_query)
        add_query(message, out);
}

/* Section 2.2. False: there is no such component of a request, or none that we know. */
static bool add_derived(struct span name, const struct http_sig_message *message, struct buf *out)
{
    if (span_is(name, "@method")) {
        buf_span(out, message->method);
    } else if (span_is(name, "@scheme")) {
        buf_span(out, message->scheme);
    } else if (span_is(name, "@authority")) {
        buf_span(out, message->authority);
    } else if (span_is(name, "@path")) {
        buf_span(out, message->path);
    } else if (span_is(name, "@query")) {
        add_query(message, out);
    } else if (span_is(name, "@request-target")) {
        add_target(message, out);
    } else if (span_is(name, "@target-uri")) {
        buf_span(out, message->scheme);
        buf_str(out, "://");
        buf_span(out, message->authority);
        add_target(message, out);
    } else {
        return false;
    }
    return true;
}

int http_sig_base(const struct http_sig *sig, const struct http_sig_message *message, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < sig->component_count; i++) {
        struct span name = sig->component[i];
        buf_byte(out, '"');
        buf_span(out, name);
        buf_str(out, "\": ");
        bool known = name.len > 0 && name.data[0] == '@' ? add_derived(name, message, out)
                                                         : message->field && message->field(message->ctx, name, out);
        if (!known)
            return err_set(err, ERR_SYNTAX, "signature: it covers \"%.*s\", which this request does not have",
                           (int)(name.len < 64 ? name.len : 64), (const char *)name.data);
        buf_byte(out, '\n');
    }
    buf_str(out, "\"@signature-params\": ");
    buf_span(out, sig->params);
    return buf_check(out, "signature", err);
}

int http_sig_prepare(const struct http_sig_draft *draft, const struct http_sig_message *message, struct buf *out_input,
                     struct buf *out_base, struct err *err)
{
    static const char *const own[] = {"@method", "@authority", "@path", "@query", "tongzhou-to"};
    static const char *const hook[] = {"@method", "@authority", "@path", "@query", "content-type", "content-digest"};
    const char *const *components = draft->is_hook ? hook : own;
    size_t count = draft->is_hook ? sizeof(hook) / sizeof(*hook) : sizeof(own) / sizeof(*own);
    struct http_sig sig = {0};
    size_t from = out_input->len + strlen(HTTP_SIG_TAG "=");
    buf_str(out_input, HTTP_SIG_TAG "=(");
    for (size_t i = 0; i < count; i++) {
        sig.component[sig.component_count++] = span_str(components[i]);
        buf_fmt(out_input, "%s\"%s\"", i ? " " : "", components[i]);
    }
    buf_fmt(out_input, ");created=%lld;expires=%lld;nonce=\"", (long long)draft->created, (long long)draft->expires);
    buf_span(out_input, draft->nonce);
    buf_str(out_input, "\";keyid=\"");
    buf_span(out_input, draft->keyid);
    buf_fmt(out_input, "\";alg=\"ed25519\";tag=\"%s\"", draft->is_hook ? HTTP_SIG_HOOK : HTTP_SIG_TAG);
    int rc = buf_check(out_input, "signature", err);
    sig.params = span_sub(buf_view(out_input), from, out_input->len);
    return rc ? rc : http_sig_base(&sig, message, out_base, err);
}

/* ---- keyid ---- */

void http_sig_keyid(struct span origin, struct buf *out)
{
    for (size_t i = 0; i < origin.len; i++)
        if (origin.data[i] < 0x80)
            buf_byte(out, origin.data[i]);
        else
            buf_fmt(out, "%%%02X", origin.data[i]);
}

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool http_sig_origin(struct span keyid, struct buf *out)
{
    for (size_t i = 0; i < keyid.len; i++) {
        if (keyid.data[i] != '%') {
            buf_byte(out, keyid.data[i]);
            continue;
        }
        int high = i + 2 < keyid.len ? hex_value(keyid.data[i + 1]) : -1;
        int low = i + 2 < keyid.len ? hex_value(keyid.data[i + 2]) : -1;
        if (high < 8 || low < 0) /* what is ASCII stands as it is */
            return false;
        buf_byte(out, (uint8_t)(high * 16 + low));
        i += 2;
    }
    return out->failed == 0;
}

/* ---- authority ---- */

bool http_sig_authority(struct span scheme, struct span host, char out[HTTP_SIG_AUTHORITY_MAX + 1])
{
    struct span port = span_is(scheme, "https") ? SPAN_LIT(":443") : SPAN_LIT(":80");
    if (host.len > port.len && span_eq(span_sub(host, host.len - port.len, port.len), port))
        host.len -= port.len;
    if (host.len < 1 || host.len > HTTP_SIG_AUTHORITY_MAX)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("/?#@\\\"", c))
            return false;
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out[host.len] = '\0';
    return true;
}

bool http_sig_url(struct span url, char authority[HTTP_SIG_AUTHORITY_MAX + 1], struct http_sig_message *ret)
{
    bool https = span_starts(url, SPAN_LIT("https://"));
    if (!https && !span_starts(url, SPAN_LIT("http://")))
        return false;
    struct span rest = span_sub(url, https ? 8 : 7, url.len);
    size_t end = 0;
    while (end < rest.len && !strchr("/?#", rest.data[end]))
        end++;
    struct span scheme = https ? SPAN_LIT("https") : SPAN_LIT("http");
    if (!http_sig_authority(scheme, span_sub(rest, 0, end), authority))
        return false;
    struct span target = span_sub(rest, end, rest.len);
    target.len = span_find(target, '#');
    size_t mark = span_find(target, '?');
    ret->scheme = scheme;
    ret->authority = span_str(authority);
    ret->path = mark > 0 ? span_sub(target, 0, mark) : SPAN_LIT("/");
    ret->has_query = mark < target.len;
    ret->query = span_sub(target, mark + 1, target.len);
    return true;
}

/* ---- content digest ---- */

void http_digest_write(struct span body, struct buf *out)
{
    uint8_t hash[32];
    char text[BASE64_LEN(32) + 1];
    sha256_once(body, hash);
    base64_encode(hash, sizeof(hash), text);
    buf_fmt(out, "sha-256=:%s:", text);
}

bool http_digest_holds(struct span field, struct span body)
{
    static const char prefix[] = "sha-256=:";
    uint8_t hash[32];
    char text[BASE64_LEN(32) + 1];
    sha256_once(body, hash);
    base64_encode(hash, sizeof(hash), text);
    while (field.len > 0) {
        size_t comma = span_find(field, ',');
        struct span one = span_trim(span_sub(field, 0, comma));
        if (span_starts(one, span_str(prefix)))
            return one.len == strlen(prefix) + strlen(text) + 1 && one.data[one.len - 1] == ':' &&
                   span_is(span_sub(one, strlen(prefix), strlen(text)), text);
        field = span_sub(field, comma + 1, field.len);
    }
    return false;
}

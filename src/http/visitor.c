#include "http/visitor.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/random.h"
#include "base/sha256.h"
#include "http/header.h"
#include "http/multipart.h"
#include "http/target.h"

/* RFC 6265bis section 4.1.3: a browser takes "__Host-" only over TLS, from this host and for all of it. */
#define COOKIE_PLAIN "tongzhou"
#define COOKIE_SECURE "__Host-tongzhou"
#define COOKIE_FORM_PLAIN "tongzhou-form"
#define COOKIE_FORM_SECURE "__Host-tongzhou-form"
#define COOKIE_FLOW_PLAIN "tongzhou-oidc"
#define COOKIE_FLOW_SECURE "__Host-tongzhou-oidc"
#define TELL_EACH_S 60 /* between two lines about headers that were ignored */

struct signing {
    struct signing_options options;
    char proxy_header[HEADER_NAME_MAX + 1], proxy_address[ADDRESS_MAX];
    struct attempts *attempts;
    struct writer {
        pthread_mutex_t lock;
        struct store *store; /* NULL until it is needed */
    } writers[SIGNING_USES];
    uint8_t key[32]; /* for the forms of those whom a proxy names: they have no session */
    atomic_int_fast64_t told_s;
};

/* ---- headers ---- */

struct span http_bearer(struct span authorization)
{
    size_t space = span_find(authorization, ' ');
    if (!http_same_word(span_sub(authorization, 0, space), "bearer"))
        return SPAN_LIT("");
    return span_trim(span_sub(authorization, space + 1, authorization.len));
}

static bool address_normal(struct span text, char out[ADDRESS_MAX])
{
    struct in6_addr v6;
    struct in_addr v4;
    char copy[ADDRESS_MAX];
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, 0, text.len))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1)
        return inet_ntop(AF_INET, &v4, out, ADDRESS_MAX) != NULL;
    if (inet_pton(AF_INET6, copy, &v6) != 1)
        return false;
    return inet_ntop(AF_INET6, &v6, out, ADDRESS_MAX) != NULL;
}

bool http_forwarded(struct span forwarded_for, char out[ADDRESS_MAX])
{
    size_t at = forwarded_for.len;
    while (at > 0 && forwarded_for.data[at - 1] != ',')
        at--;
    return address_normal(span_trim(span_sub(forwarded_for, at, forwarded_for.len)), out);
}

bool http_path_is_ours(struct span path)
{
    if (path.len == 0 || path.data[0] != '/' || (path.len > 1 && (path.data[1] == '/' || path.data[1] == '\\')))
        return false;
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] <= ' ' || path.data[i] >= 0x7f || path.data[i] == '\\' || path.data[i] == '"')
            return false;
    return true;
}

bool http_is_form(struct span content_type)
{
    return http_same_word(span_trim(span_sub(content_type, 0, span_find(content_type, ';'))),
                          "application/x-www-form-urlencoded");
}

static struct span multipart_value(const struct http_request *request, const char *name)
{
    struct http_multipart form;
    struct http_form_part part;
    struct err ignored;
    if (http_multipart_init(&form, request->content_type, request->body, &ignored) < 0)
        return SPAN_LIT("");
    while (http_multipart_next(&form, &part, &ignored) == 1)
        if (span_is(part.name, name) && !part.filename.data)
            return part.content;
    return SPAN_LIT("");
}

struct span http_form_value(const struct http_request *request, const char *name)
{
    struct http_param params[HTTP_PARAMS_MAX];
    struct err ignored;
    size_t count = 0;
    if (http_is_multipart(request->content_type))
        return multipart_value(request, name);
    if (!http_is_form(request->content_type) || request->body.len > HTTP_FORM_MAX ||
        http_params_parse(request->body, request->arena, params, &count, &ignored) < 0)
        return SPAN_LIT("");
    for (size_t i = 0; i < count; i++)
        if (span_is(params[i].name, name))
            return params[i].value;
    return SPAN_LIT("");
}

/* ---- the server's part ---- */

static int read_trust(struct signing *signing, const char *trust, struct err *err)
{
    struct span text = span_str(trust);
    size_t at = span_find(text, '@');
    bool right =
        at > 0 && at <= HEADER_NAME_MAX && address_normal(span_sub(text, at + 1, text.len), signing->proxy_address);
    for (size_t i = 0; i < at && right; i++) {
        uint8_t c = text.data[i];
        right =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9' && i > 0) || (c == '-' && i > 0);
        signing->proxy_header[i] = (char)c;
    }
    return right ? 0
                 : err_set(err, ERR_USAGE,
                           "trust-proxy \"%s\": expected HEADER@ADDRESS, such as Remote-User@192.0.2.10", trust);
}

int signing_new(const struct signing_options *options, struct signing **ret, struct err *err)
{
    struct signing *signing = calloc(1, sizeof(*signing));
    if (!signing)
        return err_memory(err);
    signing->options = *options;
    signing->attempts = attempts_new();
    for (size_t i = 0; i < SIGNING_USES; i++)
        pthread_mutex_init(&signing->writers[i].lock, NULL);
    random_bytes(signing->key, sizeof(signing->key));
    int rc = signing->attempts ? 0 : err_memory(err);
    if (rc == 0 && options->trust)
        rc = read_trust(signing, options->trust, err);
    if (rc < 0)
        signing_free(signing);
    else
        *ret = signing;
    return rc;
}

void signing_free(struct signing *signing)
{
    if (!signing)
        return;
    attempts_free(signing->attempts);
    for (size_t i = 0; i < SIGNING_USES; i++) {
        if (signing->writers[i].store)
            store_close(signing->writers[i].store);
        pthread_mutex_destroy(&signing->writers[i].lock);
    }
    sodium_memzero(signing->key, sizeof(signing->key));
    free(signing);
}

struct attempts *signing_attempts(struct signing *signing)
{
    return signing->attempts;
}

const struct signing_options *signing_settings(const struct signing *signing)
{
    return &signing->options;
}

struct oidc *signing_oidc(const struct signing *signing)
{
    return signing->options.oidc;
}

const char *signing_oidc_name(const struct signing *signing)
{
    return signing->options.oidc ? signing->options.oidc_name : NULL;
}

int signing_take(struct signing *signing, enum signing_use use, struct store **ret, struct err *err)
{
    struct writer *writer = &signing->writers[use];
    struct store_options options = {0};
    if (use != SIGNING_PASSWORD)
        pthread_mutex_lock(&writer->lock);
    else if (pthread_mutex_trylock(&writer->lock) != 0)
        return err_set(err, ERR_STATE, "another password is being looked at");
    int rc = writer->store ? 0 : store_open(signing->options.dir, &options, &writer->store, err);
    if (rc == 0) {
        *ret = writer->store;
        return 0;
    }
    writer->store = NULL;
    pthread_mutex_unlock(&writer->lock);
    return rc;
}

void signing_give(struct signing *signing, enum signing_use use, int rc)
{
    struct writer *writer = &signing->writers[use];
    if (rc < 0) {
        store_close(writer->store);
        writer->store = NULL;
    }
    pthread_mutex_unlock(&writer->lock);
}

const char *signing_proxy_header(const struct signing *signing)
{
    return signing->options.trust ? signing->proxy_header : NULL;
}

/* ---- who is it? ---- */

/* Only a hash of what is secret stands in a page: whoever sees one cannot make the cookie of it. */
static void make_form_token(struct span secret, char out[SESSION_TEXT + 1])
{
    struct sha256 ctx;
    uint8_t hash[SHA256_SIZE];
    sha256_init(&ctx);
    sha256_add(&ctx, SPAN_LIT("tongzhou form\n"));
    sha256_add(&ctx, secret);
    sha256_end(&ctx, hash);
    base32_encode(hash, sizeof(hash), out);
}

static void tell_ignored(struct signing *signing, const char *address, int64_t now_ms)
{
    char line[256];
    int64_t now_s = now_ms / 1000, told_s = atomic_load(&signing->told_s);
    if (!signing->options.tell || now_s - told_s < TELL_EACH_S ||
        !atomic_compare_exchange_strong(&signing->told_s, &told_s, now_s))
        return;
    snprintf(line, sizeof(line), "%s sent the header %s, which is believed from %s only: ignored", address,
             signing->proxy_header, signing->proxy_address);
    signing->options.tell(signing->options.tell_ctx, line);
}

/* From whom, and how safe is the way? True: from the proxy. */
static bool read_way(struct signing *signing, const struct visitor_headers *headers, int64_t now_ms,
                     struct http_visitor *ret)
{
    char address[ADDRESS_MAX] = "";
    (void)address_normal(span_str(headers->address), address);
    bool by_proxy = signing->options.trust && strcmp(address, signing->proxy_address) == 0;
    memcpy(ret->address, address, sizeof(address));
    ret->is_secure = signing->options.is_tls;
    if (by_proxy) {
        if (http_forwarded(headers->forwarded_for, address))
            memcpy(ret->address, address, sizeof(address));
        ret->is_secure |= http_same_word(headers->forwarded_proto, "https");
    } else if (headers->proxy_users > 0) {
        tell_ignored(signing, ret->address, now_ms);
    }
    ret->is_offered = signing->options.is_offered || by_proxy;
    return by_proxy;
}

static int find_by_proxy(struct signing *signing, struct store *store, struct span name, struct http_visitor *ret,
                         struct err *err)
{
    uint8_t secret[32 + USER_NAME_MAX];
    int rc = user_find(store, name, &ret->user, err);
    if (rc < 0 || ret->user.locked)
        return rc == ERR_NOTFOUND ? 0 : rc;
    ret->how = VISITOR_PROXY;
    ret->scopes = SCOPES_ALL;
    memcpy(secret, signing->key, 32);
    size_t len = strlen(ret->user.name);
    memcpy(secret + 32, ret->user.name, len);
    make_form_token(span_of(secret, 32 + len), ret->form);
    sodium_memzero(secret, sizeof(secret));
    return 0;
}

/* That it was used, by session_touch or token_touch. */
static int touch(struct signing *signing, int (*how)(struct store *, struct span, int64_t, struct err *),
                 struct span token, int64_t now_ms, struct err *err)
{
    struct store *store = NULL;
    int rc = signing_take(signing, SIGNING_QUICK, &store, err);
    if (rc < 0)
        return rc;
    rc = how(store, token, now_ms, err);
    signing_give(signing, SIGNING_QUICK, rc);
    return rc;
}

static int find_by_token(struct store *store, struct span token, int64_t now_ms, struct http_visitor *ret,
                         struct err *err)
{
    bool due = false;
    int rc = token_find(store, token, now_ms, &ret->user, &ret->scopes, &due, err);
    if (rc == ERR_NOTFOUND)
        return err_set(err, ERR_VERIFY, "no such token");
    if (rc < 0)
        return rc;
    ret->how = VISITOR_TOKEN;
    return due ? touch(ret->signing, token_touch, token, now_ms, err) : 0;
}

static int find_by_cookie(struct store *store, struct span cookie, int64_t now_ms, struct http_visitor *ret,
                          struct err *err)
{
    struct span token = http_cookie(cookie, ret->is_secure ? COOKIE_SECURE : COOKIE_PLAIN);
    struct span form = http_cookie(cookie, ret->is_secure ? COOKIE_FORM_SECURE : COOKIE_FORM_PLAIN);
    if (token.len == SESSION_TEXT) {
        bool due = false;
        int rc = session_find(store, token, now_ms, &ret->user, &due, err);
        if (rc < 0 && rc != ERR_NOTFOUND)
            return rc;
        memcpy(ret->session, token.data, token.len);
        if (rc == 0) {
            ret->how = VISITOR_SESSION;
            ret->scopes = SCOPES_ALL;
            make_form_token(token, ret->form);
            return due ? touch(ret->signing, session_touch, token, now_ms, err) : 0;
        }
    }
    if (form.len == SESSION_TEXT)
        make_form_token(form, ret->form);
    return 0;
}

static int find(struct signing *signing, struct store *store, const struct visitor_headers *headers, int64_t now_ms,
                struct http_visitor *ret, struct err *err)
{
    bool by_proxy = read_way(signing, headers, now_ms, ret);
    if (!ret->is_offered)
        return 0;
    if (headers->authorizations > 1 || (by_proxy && headers->proxy_users > 1))
        return err_set(err, ERR_SYNTAX, "a header twice that says who it is");
    if (by_proxy && headers->proxy_user.len > 0)
        return find_by_proxy(signing, store, headers->proxy_user, ret, err);
    struct span bearer = http_bearer(headers->authorization);
    if (headers->authorizations > 0 && bearer.len > 0)
        return find_by_token(store, bearer, now_ms, ret, err);
    return find_by_cookie(store, headers->cookie, now_ms, ret, err);
}

int visitor_find(struct signing *signing, struct store *store, const struct visitor_headers *headers, int64_t now_ms,
                 struct http_visitor *ret, struct err *err)
{
    *ret = (struct http_visitor){.signing = signing};
    int rc = find(signing, store, headers, now_ms, ret, err);
    if (rc == 0 && ret->how != VISITOR_NOBODY)
        snprintf(ret->person, sizeof(ret->person), "%s/%s", ret->user.member, ret->user.name);
    return rc;
}

bool visitor_may(const struct http_visitor *visitor, enum role_action action)
{
    return visitor && visitor->how != VISITOR_NOBODY && (!visitor->user.is_guest || role_guests_may(action)) &&
           role_may(visitor->user.role, visitor->scopes, action);
}

bool visitor_form_fits(const struct http_request *request)
{
    const struct http_visitor *visitor = request->visitor;
    struct span sent = http_form_value(request, FORM_TOKEN);
    return visitor && visitor->form[0] && sent.len == SESSION_TEXT &&
           sodium_memcmp(sent.data, visitor->form, SESSION_TEXT) == 0;
}

/* ---- cookies ---- */

static const char *write_cookie(struct arena *arena, bool is_secure, const char *name, const char *value,
                                const char *site)
{
    char text[1024];
    int len = snprintf(text, sizeof(text), "%s=%.512s; Path=/; HttpOnly; SameSite=%s%s%s", name, value, site,
                       is_secure ? "; Secure" : "", value[0] ? "" : "; Max-Age=0");
    return arena_strz(arena, span_of(text, (size_t)len));
}

const char *visitor_cookie(const struct http_visitor *visitor, struct arena *arena, const char *token)
{
    return write_cookie(arena, visitor->is_secure, visitor->is_secure ? COOKIE_SECURE : COOKIE_PLAIN, token, "Strict");
}

const char *visitor_form_cookie(struct http_visitor *visitor, struct arena *arena)
{
    uint8_t random[32];
    char token[SESSION_TEXT + 1];
    random_bytes(random, sizeof(random));
    base32_encode(random, sizeof(random), token);
    make_form_token(span_str(token), visitor->form);
    return write_cookie(arena, visitor->is_secure, visitor->is_secure ? COOKIE_FORM_SECURE : COOKIE_FORM_PLAIN, token,
                        "Strict");
}

static const char *flow_name(const struct http_visitor *visitor)
{
    return visitor->is_secure ? COOKIE_FLOW_SECURE : COOKIE_FLOW_PLAIN;
}

const char *visitor_flow_cookie(const struct http_visitor *visitor, struct arena *arena, const char *value)
{
    return write_cookie(arena, visitor->is_secure, flow_name(visitor), value, "Lax");
}

struct span visitor_flow(const struct http_request *request)
{
    return http_cookie(request->cookie, flow_name(request->visitor));
}

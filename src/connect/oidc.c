#include "connect/oidc.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/random.h"
#include "base/sha256.h"
#include "connect/fetch.h"
#include "connect/oidc_internal.h"

#define OIDC_ASK_MS 5000                        /* a question to the provider */
#define OIDC_PROVIDER_MS (INT64_C(3600) * 1000) /* what it says of itself is good for */
#define OIDC_KEYS_MS (INT64_C(3600) * 1000)     /* and its keys, if all tokens are signed by one of them */
#define OIDC_KEYS_AGAIN_MS (INT64_C(30) * 1000) /* after which a token by an unknown key makes us look again */
#define OIDC_FAILED_MS (INT64_C(10) * 1000)     /* in which it is not asked again after it failed */
#define OIDC_WELL_KNOWN "/.well-known/openid-configuration"

/* ---- the object ---- */

int oidc_set_base(struct oidc *oidc, const char *base, struct err *err)
{
    size_t len = strlen(base);
    if (!oidc_url_valid(span_str(base)) || len + sizeof(OIDC_BACK) > OIDC_URL_MAX)
        return err_set(err, ERR_USAGE,
                       "oidc-base \"%.200s\": the address that browsers know this node by is needed: https, or http to "
                       "this machine itself",
                       base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    pthread_mutex_lock(&oidc->lock);
    snprintf(oidc->base, sizeof(oidc->base), "%.*s", (int)len, base);
    pthread_mutex_unlock(&oidc->lock);
    return 0;
}

static int read_options(struct oidc *oidc, const struct oidc_options *options, struct err *err)
{
    if (!oidc_url_valid(span_str(options->issuer)) || strlen(options->issuer) > IDENTITY_ISSUER_MAX)
        return err_set(err, ERR_USAGE, "oidc \"%.200s\": an https address of at most %d bytes is needed",
                       options->issuer, IDENTITY_ISSUER_MAX);
    if (options->client[0] == '\0' || strlen(options->client) >= sizeof(oidc->client))
        return err_set(err, ERR_USAGE, "oidc-client: 1 to %zu bytes are needed", sizeof(oidc->client) - 1);
    snprintf(oidc->issuer, sizeof(oidc->issuer), "%s", options->issuer);
    snprintf(oidc->client, sizeof(oidc->client), "%s", options->client);
    int rc = options->base ? oidc_set_base(oidc, options->base, err) : 0;
    if (rc == 0)
        rc = secret_line(options->dir, OIDC_SECRET, oidc->secret, err);
    return rc == ERR_NOTFOUND ? 0 : rc;
}

int oidc_new(const struct oidc_options *options, struct oidc **ret, struct err *err)
{
    struct err refused = {0};
    struct oidc *oidc = calloc(1, sizeof(*oidc));
    if (!oidc)
        return err_memory(err);
    oidc->tell = options->tell;
    oidc->tell_ctx = options->tell_ctx;
    pthread_mutex_init(&oidc->busy, NULL);
    pthread_mutex_init(&oidc->lock, NULL);
    buf_init(&oidc->keys, OIDC_DOCUMENT_MAX);
    random_bytes(oidc->key, sizeof(oidc->key));
    int rc = read_options(oidc, options, &refused);
    if (rc) {
        *err = refused;
        oidc_free(oidc);
        return rc;
    }
    *ret = oidc;
    return 0;
}

void oidc_free(struct oidc *oidc)
{
    if (!oidc)
        return;
    buf_done(&oidc->keys);
    pthread_mutex_destroy(&oidc->busy);
    pthread_mutex_destroy(&oidc->lock);
    sodium_memzero(oidc, sizeof(*oidc));
    free(oidc);
}

const char *oidc_issuer(const struct oidc *oidc)
{
    return oidc->issuer;
}

/* ---- asking it ---- */

/* `ret_reach`: where it was; may be NULL. */
static int ask(const char *url, const struct fetch_request *more, struct buf *out, enum address_reach *ret_reach,
               struct err *err)
{
    struct fetch_request request = *more;
    struct fetch_reply reply;
    request.url = url;
    request.body_max = OIDC_DOCUMENT_MAX;
    request.total_ms = OIDC_ASK_MS;
    request.connect_timeout_ms = OIDC_ASK_MS;
    request.accept = "application/json";
    int rc = fetch_once(&request, &reply, err);
    if (rc == 0 && reply.status != 200)
        rc = err_set(err, ERR_NET, "status %d", reply.status);
    if (rc == 0) {
        buf_clear(out);
        buf_span(out, buf_view(&reply.body));
        rc = buf_check(out, "answer", err);
    }
    if (ret_reach)
        *ret_reach = reply.reach;
    if (reply.body.data)
        sodium_memzero(reply.body.data, reply.body.cap);
    fetch_reply_done(&reply);
    return rc ? err_in(err, "%s", url) : 0;
}

/* With `busy` held. */
static int ask_provider(struct oidc *oidc, int64_t now_ms, struct oidc_provider *ret, struct err *err)
{
    char url[IDENTITY_ISSUER_MAX + sizeof(OIDC_WELL_KNOWN) + 1];
    struct buf text;
    size_t len = strlen(oidc->issuer);
    while (len > 0 && oidc->issuer[len - 1] == '/') /* Discovery section 4.1 */
        len--;
    snprintf(url, sizeof(url), "%.*s" OIDC_WELL_KNOWN, (int)len, oidc->issuer);
    buf_init(&text, OIDC_DOCUMENT_MAX);
    enum address_reach reach;
    int rc = ask(url, &(struct fetch_request){0}, &text, &reach, err);
    if (rc == 0)
        rc = oidc_provider_parse(buf_view(&text), oidc->issuer, ret, err);
    if (rc == 0)
        ret->reach = reach;
    buf_done(&text);
    pthread_mutex_lock(&oidc->lock);
    if (rc == 0) {
        oidc->provider = *ret;
        oidc->provider_until_ms = now_ms + OIDC_PROVIDER_MS;
    } else {
        oidc->failed_until_ms = now_ms + OIDC_FAILED_MS;
    }
    pthread_mutex_unlock(&oidc->lock);
    return rc;
}

/* 1: *ret is what it said not long ago. 0: it has to be asked. ERR_STATE: it failed just now. */
static int known_provider(struct oidc *oidc, int64_t now_ms, struct oidc_provider *ret, struct err *err)
{
    pthread_mutex_lock(&oidc->lock);
    bool is_known = oidc->provider_until_ms > now_ms, failed = oidc->failed_until_ms > now_ms;
    if (is_known)
        *ret = oidc->provider;
    pthread_mutex_unlock(&oidc->lock);
    if (is_known)
        return 1;
    return failed ? err_set(err, ERR_STATE, "the provider did not answer well a moment ago") : 0;
}

static int take_turn(struct oidc *oidc, struct err *err)
{
    return pthread_mutex_trylock(&oidc->busy) == 0 ? 0 : err_set(err, ERR_STATE, "the provider is being asked already");
}

static void tell_failure(struct oidc *oidc, const struct err *err)
{
    char line[ERR_TEXT_MAX + IDENTITY_ISSUER_MAX + 64];
    if (!oidc->tell || err->code == ERR_STATE)
        return;
    snprintf(line, sizeof(line), "signing in by %s: %s", oidc->issuer, err->text);
    oidc->tell(oidc->tell_ctx, line);
}

static void add_encoded(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (plain || c == '-' || c == '.' || c == '_')
            buf_byte(out, c);
        else
            buf_fmt(out, "%%%02X", c);
    }
}

static void add_field(struct buf *out, const char *name, struct span text)
{
    buf_fmt(out, "&%s=", name);
    add_encoded(out, text);
}

static void add_redirect(struct oidc *oidc, struct buf *out)
{
    pthread_mutex_lock(&oidc->lock);
    add_field(out, "redirect_uri", span_str(oidc->base));
    pthread_mutex_unlock(&oidc->lock);
    add_encoded(out, SPAN_LIT(OIDC_BACK));
}

/* RFC 7636 section 4.2: BASE64URL(SHA256(verifier)). */
static void add_challenge(const char *verifier, struct buf *out)
{
    uint8_t hash[SHA256_SIZE];
    char text[BASE64_LEN(SHA256_SIZE) + 1];
    sha256_once(span_str(verifier), hash);
    base64_encode(hash, sizeof(hash), text);
    for (char *c = text; *c; c++)
        *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c);
    buf_fmt(out, "&code_challenge_method=S256&code_challenge=%s", text);
}

int oidc_address(struct oidc *oidc, const struct oidc_flow *flow, int64_t now_ms, struct buf *out, struct err *err)
{
    struct oidc_provider provider;
    int rc = known_provider(oidc, now_ms, &provider, err);
    if (rc == 0) {
        rc = take_turn(oidc, err);
        if (rc < 0)
            return rc;
        rc = ask_provider(oidc, now_ms, &provider, err);
        pthread_mutex_unlock(&oidc->busy);
        if (rc < 0)
            tell_failure(oidc, err);
    }
    if (rc < 0)
        return rc;
    buf_fmt(out, "%s?response_type=code&scope=openid", provider.authorize);
    add_field(out, "client_id", span_str(oidc->client));
    add_redirect(oidc, out);
    buf_fmt(out, "&state=%s&nonce=%s", flow->state, flow->nonce);
    add_challenge(flow->verifier, out);
    return buf_check(out, "address", err);
}

/* ---- the exchange ---- */

#define AUTHORIZATION_MAX 1000 /* bytes */

/* RFC 6749 section 2.3.1: both halves are encoded as in a form. */
static int make_authorization(const struct oidc *oidc, struct buf *out, struct err *err)
{
    struct buf pair;
    buf_init(&pair, AUTHORIZATION_MAX);
    add_encoded(&pair, span_str(oidc->client));
    buf_byte(&pair, ':');
    add_encoded(&pair, span_str(oidc->secret));
    buf_str(out, "Basic ");
    buf_base64(out, pair.data, pair.len);
    int rc = buf_check(&pair, OIDC_SECRET, err);
    if (pair.data)
        sodium_memzero(pair.data, pair.cap);
    buf_done(&pair);
    return rc ? rc : buf_check(out, OIDC_SECRET, err);
}

static void write_question(struct oidc *oidc, const struct oidc_flow *flow, struct span code, bool post_secret,
                           struct buf *out)
{
    buf_str(out, "grant_type=authorization_code");
    add_field(out, "code", code);
    add_redirect(oidc, out);
    add_field(out, "client_id", span_str(oidc->client));
    add_field(out, "code_verifier", span_str(flow->verifier));
    if (post_secret && oidc->secret[0])
        add_field(out, "client_secret", span_str(oidc->secret));
}

/* The answer of the token endpoint, JSON. */
static int ask_token(struct oidc *oidc, const struct oidc_flow *flow, struct span code,
                     const struct oidc_provider *provider, struct buf *out, struct err *err)
{
    struct buf question, authorization;
    int rc = 0;
    buf_init(&question, 4 * OIDC_CODE_MAX + 4 * OIDC_URL_MAX + 4 * SECRET_LINE_MAX);
    buf_init(&authorization, AUTHORIZATION_MAX);
    write_question(oidc, flow, code, provider->post_secret, &question);
    if (oidc->secret[0] && !provider->post_secret)
        rc = make_authorization(oidc, &authorization, err);
    if (rc == 0)
        rc = buf_check(&question, "question", err);
    struct fetch_request request = {.post_type = "application/x-www-form-urlencoded",
                                    .post = buf_view(&question),
                                    .authorization = authorization.len > 0 ? buf_cstr(&authorization) : NULL,
                                    .reach = provider->reach};
    if (rc == 0)
        rc = ask(provider->token, &request, out, NULL, err);
    if (question.data)
        sodium_memzero(question.data, question.cap);
    if (authorization.data)
        sodium_memzero(authorization.data, authorization.cap);
    buf_done(&question);
    buf_done(&authorization);
    return rc;
}

static int refresh_keys(struct oidc *oidc, const struct oidc_provider *provider, int64_t now_ms, struct err *err)
{
    int rc = ask(provider->keys, &(struct fetch_request){.reach = provider->reach}, &oidc->keys, NULL, err);
    oidc->keys_ms = rc == 0 ? now_ms : 0;
    return rc;
}

/* By the keys that are known; those of the provider are looked at anew if they are old or none of them made it. */
static int check(struct oidc *oidc, const struct oidc_provider *provider, struct span token,
                 const struct oidc_expected *expected, int64_t now_ms, char *ret_subject, struct err *err)
{
    bool are_old = oidc->keys_ms == 0 || now_ms - oidc->keys_ms > OIDC_KEYS_MS;
    int rc = are_old ? refresh_keys(oidc, provider, now_ms, err) : 0;
    if (rc == 0)
        rc = oidc_token_check(buf_view(&oidc->keys), token, expected, ret_subject, err);
    if (rc != ERR_NOTFOUND)
        return rc;
    if (are_old || now_ms - oidc->keys_ms < OIDC_KEYS_AGAIN_MS)
        return err_set(err, ERR_VERIFY, "ID token: its key is not among the provider's");
    rc = refresh_keys(oidc, provider, now_ms, err);
    if (rc == 0)
        rc = oidc_token_check(buf_view(&oidc->keys), token, expected, ret_subject, err);
    return rc == ERR_NOTFOUND ? err_set(err, ERR_VERIFY, "ID token: its key is not among the provider's") : rc;
}

static int check_answer(struct oidc *oidc, const struct oidc_flow *flow, const struct oidc_provider *provider,
                        struct span answer, int64_t now_ms, char *ret_subject, struct err *err)
{
    struct oidc_expected expected = {oidc->issuer, oidc->client, flow->nonce, now_ms / 1000};
    const char *token = NULL;
    json_t *object = json_small_load(answer, err);
    if (!object)
        return err_set(err, ERR_VERIFY, "%s: no strict JSON", provider->token);
    int rc = json_small_string(object, "id_token", NULL, &token, err);
    if (rc == 0 && !token)
        rc = err_set(err, ERR_VERIFY, "%s: no ID token", provider->token);
    if (rc == 0)
        rc = check(oidc, provider, span_str(token), &expected, now_ms, ret_subject, err);
    json_decref(object);
    return rc;
}

static int exchange(struct oidc *oidc, const struct oidc_flow *flow, struct span code, struct span issuer,
                    int64_t now_ms, char *ret_subject, struct err *err)
{
    struct oidc_provider provider;
    struct buf answer;
    int rc = known_provider(oidc, now_ms, &provider, err);
    if (rc == 0)
        rc = ask_provider(oidc, now_ms, &provider, err);
    if (rc < 0)
        return rc;
    /* RFC 9207 section 2.4 */
    if (issuer.len > 0 ? !span_is(issuer, oidc->issuer) : provider.says_issuer)
        return err_set(err, ERR_VERIFY, "this answer is not this provider's");
    if (!oidc_flow_use(oidc, flow, now_ms)) /* only now: whoever was sent away before may come again */
        return err_set(err, ERR_VERIFY, "this sign-in has been used");
    buf_init(&answer, OIDC_DOCUMENT_MAX);
    rc = ask_token(oidc, flow, code, &provider, &answer, err);
    if (rc == 0)
        rc = check_answer(oidc, flow, &provider, buf_view(&answer), now_ms, ret_subject, err);
    if (answer.data)
        sodium_memzero(answer.data, answer.cap);
    buf_done(&answer);
    return rc;
}

int oidc_exchange(struct oidc *oidc, const struct oidc_flow *flow, struct span code, struct span issuer, int64_t now_ms,
                  char ret_subject[IDENTITY_SUBJECT_MAX + 1], struct err *err)
{
    if (code.len == 0 || code.len > OIDC_CODE_MAX)
        return err_set(err, ERR_VERIFY, "a code of %zu bytes; 1..%d are allowed", code.len, OIDC_CODE_MAX);
    int rc = take_turn(oidc, err);
    if (rc < 0)
        return rc;
    rc = exchange(oidc, flow, code, issuer, now_ms, ret_subject, err);
    pthread_mutex_unlock(&oidc->busy);
    if (rc < 0)
        tell_failure(oidc, err);
    return rc;
}

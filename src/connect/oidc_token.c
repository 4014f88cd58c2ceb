#include "connect/oidc_token.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/json.h"
#include "connect/jose.h"
#include "http/header.h"

/* ---- the provider ---- */

/* Behind the scheme, up to the path. */
static struct span url_host(struct span url)
{
    struct span host = span_sub(url, span_search(url, SPAN_LIT("://")) + 3, url.len);
    return span_sub(host, 0, span_find(host, '/'));
}

bool oidc_url_valid(struct span url)
{
    struct span https = SPAN_LIT("https://"), http = SPAN_LIT("http://");
    bool is_https = span_starts(url, https);
    if (url.len > OIDC_URL_MAX || (!is_https && !span_starts(url, http)))
        return false;
    for (size_t i = 0; i < url.len; i++)
        if (url.data[i] <= ' ' || url.data[i] >= 0x7f || strchr("?#@\\\"<>", url.data[i]))
            return false;
    struct span host = url_host(url);
    return host.len > 0 && (is_https || http_host_is_loopback(host));
}

static int read_url(const json_t *document, const char *key, const char *issuer, char out[OIDC_URL_MAX + 1],
                    struct err *err)
{
    const char *url = NULL;
    int rc = json_small_string(document, key, NULL, &url, err);
    if (rc < 0)
        return rc;
    if (!url)
        return err_set(err, ERR_SYNTAX, "the provider names no %s", key);
    if (!oidc_url_valid(span_str(url)))
        return err_set(err, ERR_REFUSED, "%s of the provider: no https address", key);
    if (http_host_is_loopback(url_host(span_str(url))) && !http_host_is_loopback(url_host(span_str(issuer))))
        return err_set(err, ERR_REFUSED, "%s of the provider: on this machine, where it is not itself", key);
    memcpy(out, url, strlen(url) + 1);
    return 0;
}

/* Is it said, and without this word among it? */
static bool lacks(const json_t *document, const char *key, const char *word)
{
    const json_t *list = json_object_get(document, key), *item;
    size_t i;
    json_array_foreach(list, i,
                       item) if (json_is_string(item) && strcmp(json_string_value(item), word) == 0) return false;
    return json_is_array(list);
}

static int read_provider(const json_t *document, const char *issuer, struct oidc_provider *ret, struct err *err)
{
    const char *said = NULL;
    int rc = json_small_string(document, "issuer", "", &said, err);
    if (rc < 0)
        return rc;
    if (strcmp(said, issuer) != 0)
        return err_set(err, ERR_VERIFY, "this is what another provider says of itself");
    if (lacks(document, "code_challenge_methods_supported", "S256"))
        return err_set(err, ERR_REFUSED, "the provider does not know PKCE with S256");
    ret->post_secret = lacks(document, "token_endpoint_auth_methods_supported", "client_secret_basic");
    ret->says_issuer = json_is_true(json_object_get(document, "authorization_response_iss_parameter_supported"));
    rc = read_url(document, "authorization_endpoint", issuer, ret->authorize, err);
    if (rc == 0)
        rc = read_url(document, "token_endpoint", issuer, ret->token, err);
    return rc ? rc : read_url(document, "jwks_uri", issuer, ret->keys, err);
}

int oidc_provider_parse(struct span json, const char *issuer, struct oidc_provider *ret, struct err *err)
{
    json_t *document = json_small_load(json, err);
    if (!document)
        return err_in(err, "what the provider says of itself");
    int rc = read_provider(document, issuer, ret, err);
    json_decref(document);
    return rc;
}

/* ---- what an ID token says ---- */

static int refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_VERIFY, "ID token: %s", why);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool is_for(const json_t *claims, const char *client)
{
    const json_t *aud = json_object_get(claims, "aud"), *item;
    const json_t *azp = json_object_get(claims, "azp");
    bool is_named = json_is_string(aud) && strcmp(json_string_value(aud), client) == 0;
    size_t i;
    json_array_foreach(aud, i, item) is_named |= json_is_string(item) && strcmp(json_string_value(item), client) == 0;
    /* OpenID Connect Core section 3.1.3.7, 4 and 5: of several, the one whom it was made for is named. */
    if (json_is_array(aud) && json_array_size(aud) > 1 && !azp)
        return false;
    return is_named && (!azp || (json_is_string(azp) && strcmp(json_string_value(azp), client) == 0));
}

static bool read_time(const json_t *claims, const char *key, int64_t *ret)
{
    const json_t *value = json_object_get(claims, key);
    if (json_is_integer(value))
        *ret = json_integer_value(value);
    else if (json_is_real(value) && json_real_value(value) > 0 && json_real_value(value) < 1e12)
        *ret = (int64_t)json_real_value(value);
    else
        return false;
    return *ret > 0 && *ret < INT64_C(1000000000000);
}

static int check_times(const json_t *claims, int64_t now_s, struct err *err)
{
    int64_t expires_s, made_s, not_before_s;
    if (!read_time(claims, "exp", &expires_s) || !read_time(claims, "iat", &made_s))
        return refuse(err, "without the times of its making and its end");
    if (now_s >= expires_s + OIDC_SKEW_S || now_s > made_s + OIDC_AGE_S)
        return refuse(err, "expired");
    if (made_s > now_s + OIDC_SKEW_S)
        return refuse(err, "made in the future");
    if (json_object_get(claims, "nbf") &&
        (!read_time(claims, "nbf", &not_before_s) || not_before_s > now_s + OIDC_SKEW_S))
        return refuse(err, "not good yet");
    return 0;
}

static bool same_secret(const char *said, const char *wanted)
{
    return said && strlen(said) == strlen(wanted) && sodium_memcmp(said, wanted, strlen(wanted)) == 0;
}

static int check_claims(const json_t *claims, const struct oidc_expected *expected,
                        char ret_subject[IDENTITY_SUBJECT_MAX + 1], struct err *err)
{
    const char *issuer = text_of(claims, "iss"), *subject = text_of(claims, "sub");
    if (!issuer || strcmp(issuer, expected->issuer) != 0)
        return refuse(err, "by another provider");
    if (!is_for(claims, expected->client))
        return refuse(err, "for somebody else");
    int rc = check_times(claims, expected->now_s, err);
    if (rc)
        return rc;
    if (!same_secret(text_of(claims, "nonce"), expected->nonce))
        return refuse(err, "of another sign-in");
    if (!subject || subject[0] == '\0' || strlen(subject) > IDENTITY_SUBJECT_MAX)
        return refuse(err, "without a subject");
    for (const char *c = subject; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return refuse(err, "a subject with control characters");
    memcpy(ret_subject, subject, strlen(subject) + 1);
    return 0;
}

int oidc_token_check(struct span keys, struct span token, const struct oidc_expected *expected,
                     char ret_subject[IDENTITY_SUBJECT_MAX + 1], struct err *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    json_t *set = json_small_load(keys, err);
    if (!set)
        return err_set(err, ERR_VERIFY, "the provider's keys: no strict JSON");
    enum jose_verdict verdict = token.len <= OIDC_TOKEN_MAX ? jose_verify(set, token, &text, &len) : JOSE_FORM;
    json_decref(set);
    if (verdict != JOSE_GOOD) {
        (void)refuse(err, jose_verdict_words(verdict));
        return err->code = verdict == JOSE_NO_KEY ? ERR_NOTFOUND : ERR_VERIFY;
    }
    json_t *claims = json_small_load(span_of(text, len), err);
    free(text);
    int rc = claims ? check_claims(claims, expected, ret_subject, err) : refuse(err, "no strict JSON");
    json_decref(claims);
    return rc;
}

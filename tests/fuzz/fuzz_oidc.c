/* fuzz: connect */
/*
 * What a provider says. First byte: 0 the document about itself; 1 claims, signed by its key, so that they are looked at; 2 a
 * token as it comes; 3 a line of keys and a token behind it. Whoever is let in is somebody, of this provider, for us, by a
 * signature that fits.
 */
#define ERR_STATE openssl_err_state /* base/err.h has one of its own */
#include <cjose/cjose.h>
#undef ERR_STATE

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "connect/oidc_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ISSUER "https://sso.example.org/realm"
#define NOW_S INT64_C(1790000000)

/* RFC 7515, appendix A.3, with its secret half for signing here. */
#define PUBLIC                                                                                                         \
    "{\"kty\":\"EC\",\"kid\":\"a3\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","          \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define KEYS "{\"keys\":[" PUBLIC "}]}"
#define SECRET PUBLIC ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}"

static const struct oidc_expected expected = {ISSUER, "tongzhou", "n1", NOW_S};

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* ---- itself ---- */

static void write_url(char *out, size_t size, const char *key, const char *url, const char *behind)
{
    size_t at = strlen(out);
    snprintf(out + at, size - at, "\"%s\":\"%s\"%s", key, url, behind);
}

static void try_document(struct span text)
{
    static char again[4 * OIDC_URL_MAX];
    struct oidc_provider found = {0}, second = {0};
    struct err err = {0};
    int rc = oidc_provider_parse(text, ISSUER, &found, &err);
    check(rc == 0 || err.text[0]);
    if (rc)
        return;
    const char *const urls[] = {found.authorize, found.token, found.keys};
    for (size_t i = 0; i < 3; i++)
        check(oidc_url_valid(span_str(urls[i])) && strncmp(urls[i], "https://", 8) == 0); /* as the issuer's is */
    snprintf(again, sizeof(again), "{\"issuer\":\"" ISSUER "\",");
    write_url(again, sizeof(again), "authorization_endpoint", found.authorize, ",");
    write_url(again, sizeof(again), "token_endpoint", found.token, ",");
    write_url(again, sizeof(again), "jwks_uri", found.keys, "}");
    check(oidc_provider_parse(span_str(again), ISSUER, &second, &err) == 0);
    check(strcmp(found.authorize, second.authorize) == 0 && strcmp(found.token, second.token) == 0 &&
          strcmp(found.keys, second.keys) == 0);
    check(oidc_provider_parse(text, "https://another.example", &second, &err) < 0);
}

/* ---- a person ---- */

static void is_somebody(const char *subject)
{
    check(subject[0] != '\0' && strlen(subject) <= IDENTITY_SUBJECT_MAX);
    for (const char *c = subject; *c; c++)
        check((unsigned char)*c >= ' ' && *c != 0x7f);
}

/* Read by another hand: by whom, for whom, for which sign-in. */
static void is_ours(struct span claims, const char *subject)
{
    json_t *object = json_loadb((const char *)claims.data, claims.len, 0, NULL);
    check(object != NULL);
    check(strcmp(json_string_value(json_object_get(object, "iss")), ISSUER) == 0);
    check(strcmp(json_string_value(json_object_get(object, "sub")), subject) == 0);
    check(strcmp(json_string_value(json_object_get(object, "nonce")), "n1") == 0);
    check(json_number_value(json_object_get(object, "exp")) > (double)(NOW_S - OIDC_SKEW_S));
    json_decref(object);
}

static void try_claims(struct span claims)
{
    char subject[IDENTITY_SUBJECT_MAX + 1] = "untouched";
    struct err err = {0};
    cjose_err failed = {0};
    const char *token = NULL;
    cjose_jwk_t *key = cjose_jwk_import(SECRET, strlen(SECRET), &failed);
    cjose_header_t *header = cjose_header_new(&failed);
    check(key && header && cjose_header_set(header, CJOSE_HDR_ALG, CJOSE_HDR_ALG_ES256, &failed));
    cjose_jws_t *jws = cjose_jws_sign(key, header, claims.data, claims.len, &failed);
    check(jws && cjose_jws_export(jws, &token, &failed));
    int rc = oidc_token_check(SPAN_LIT(KEYS), span_str(token), &expected, subject, &err);
    check(rc == 0 || rc == ERR_VERIFY);
    check(rc == 0 || strcmp(subject, "untouched") == 0);
    if (rc == 0) {
        is_somebody(subject);
        is_ours(claims, subject);
    }
    cjose_jws_release(jws);
    cjose_header_release(header);
    cjose_jwk_release(key);
}

/* Nobody can make one for a key whose secret half it has not. */
static void try_token(struct span keys, struct span token, bool are_known)
{
    char subject[IDENTITY_SUBJECT_MAX + 1] = "untouched";
    struct err err = {0};
    int rc = oidc_token_check(keys, token, &expected, subject, &err);
    check(rc == 0 || rc == ERR_VERIFY || rc == ERR_NOTFOUND);
    check(rc == 0 || (err.text[0] && strcmp(subject, "untouched") == 0));
    check(rc != 0 || !are_known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct span text = span_of(data + 1, size - 1);
    size_t line = span_find(text, '\n');
    switch (data[0] % 4) {
    case 0:
        try_document(text);
        break;
    case 1:
        if (text.len > 0 && text.len < OIDC_TOKEN_MAX / 2)
            try_claims(text);
        break;
    case 2:
        try_token(SPAN_LIT(KEYS), text, true);
        break;
    default:
        try_token(span_sub(text, 0, line), span_sub(text, line + 1, text.len), false);
    }
    return 0;
}

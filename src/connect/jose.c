#include "connect/jose.h"

#include <cjose/cjose.h>
#include <stdlib.h>
#include <string.h>

/* "none" is not among them, nor what both sides know the secret of: who can check it could have made it. */
static const struct algorithm {
    const char *name;
    cjose_jwk_kty_t kind;
    size_t least_bits, most_bits; /* of a curve it is one */
} algorithms[] = {
    {"RS256", CJOSE_JWK_KTY_RSA, 2048, 16384}, {"RS384", CJOSE_JWK_KTY_RSA, 2048, 16384},
    {"RS512", CJOSE_JWK_KTY_RSA, 2048, 16384}, {"PS256", CJOSE_JWK_KTY_RSA, 2048, 16384},
    {"PS384", CJOSE_JWK_KTY_RSA, 2048, 16384}, {"PS512", CJOSE_JWK_KTY_RSA, 2048, 16384},
    {"ES256", CJOSE_JWK_KTY_EC, 256, 256},     {"ES384", CJOSE_JWK_KTY_EC, 384, 384},
    {"ES512", CJOSE_JWK_KTY_EC, 521, 521},
};

static const struct algorithm *algorithm_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof(algorithms) / sizeof(*algorithms); i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* May this key have made it? Which one did is said by `kid`, or there is one only. */
static bool is_candidate(const json_t *key, const char *kid, const char *alg)
{
    const char *use = text_of(key, "use"), *for_alg = text_of(key, "alg"), *id = text_of(key, "kid");
    if ((use && strcmp(use, "sig") != 0) || (for_alg && strcmp(for_alg, alg) != 0))
        return false;
    return !kid || (id && strcmp(id, kid) == 0);
}

static const json_t *find_key(const json_t *keys, const char *kid, const char *alg)
{
    const json_t *list = json_object_get(keys, "keys"), *found = NULL;
    for (size_t i = 0; i < json_array_size(list) && i < JOSE_KEYS_MAX; i++) {
        const json_t *key = json_array_get(list, i);
        if (!is_candidate(key, kid, alg))
            continue;
        if (found)
            return NULL;
        found = key;
    }
    return found;
}

static enum jose_verdict verify_with(cjose_jws_t *jws, const json_t *json, const struct algorithm *algorithm)
{
    cjose_err failed = {0};
    char *text = json_dumps(json, JSON_COMPACT);
    cjose_jwk_t *key = text ? cjose_jwk_import(text, strlen(text), &failed) : NULL;
    free(text);
    if (!key)
        return JOSE_KEY;
    size_t bits = cjose_jwk_get_keysize(key, &failed);
    enum jose_verdict verdict = JOSE_GOOD;
    if (cjose_jwk_get_kty(key, &failed) != algorithm->kind || bits < algorithm->least_bits ||
        bits > algorithm->most_bits)
        verdict = JOSE_KEY;
    else if (!cjose_jws_verify(jws, key, &failed))
        verdict = JOSE_SIGNATURE;
    cjose_jwk_release(key);
    return verdict;
}

static enum jose_verdict verify(const json_t *keys, cjose_jws_t *jws)
{
    cjose_header_t *header = cjose_jws_get_protected(jws);
    const char *alg = text_of(header, "alg");
    const struct algorithm *algorithm = algorithm_of(alg);
    if (!algorithm)
        return JOSE_ALGORITHM;
    if (json_object_get(header, "crit"))
        return JOSE_EXTENSION;
    const json_t *key = find_key(keys, text_of(header, "kid"), alg);
    return key ? verify_with(jws, key, algorithm) : JOSE_NO_KEY;
}

static bool is_compact(struct span token)
{
    size_t dots = 0;
    for (size_t i = 0; i < token.len; i++) {
        uint8_t c = token.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        dots += c == '.';
        if (!plain && c != '.')
            return false;
    }
    return dots == 2;
}

enum jose_verdict jose_verify(const json_t *keys, struct span token, uint8_t **ret_text, size_t *ret_len)
{
    cjose_err failed = {0};
    uint8_t *text = NULL; /* the token's */
    size_t len = 0;
    cjose_jws_t *jws = is_compact(token) ? cjose_jws_import((const char *)token.data, token.len, &failed) : NULL;
    if (!jws)
        return JOSE_FORM;
    enum jose_verdict verdict = verify(keys, jws);
    if (verdict == JOSE_GOOD) {
        *ret_text = cjose_jws_get_plaintext(jws, &text, &len, &failed) && len > 0 ? malloc(len) : NULL;
        if (*ret_text)
            memcpy(*ret_text, text, *ret_len = len);
        else
            verdict = JOSE_FORM;
    }
    cjose_jws_release(jws);
    return verdict;
}

const char *jose_verdict_words(enum jose_verdict verdict)
{
    static const char *const words[] = {[JOSE_GOOD] = "good",
                                        [JOSE_FORM] = "not in the form of one",
                                        [JOSE_ALGORITHM] = "signed by an algorithm that is not taken",
                                        [JOSE_EXTENSION] = "an extension that has to be understood",
                                        [JOSE_NO_KEY] = "its key is not among the provider's",
                                        [JOSE_KEY] = "its key is of another kind, or too short",
                                        [JOSE_SIGNATURE] = "the signature does not fit"};
    return words[verdict];
}

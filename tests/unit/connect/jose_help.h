/* A provider's keys and tokens, made by OpenSSL: libcjose is what is tested. */
#ifndef TONGZHOU_TESTS_CONNECT_JOSE_HELP_H
#define TONGZHOU_TESTS_CONNECT_JOSE_HELP_H

#define ERR_STATE openssl_err_state /* base/err.h has one of its own */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#undef ERR_STATE

#include <stdio.h>
#include <stdlib.h>

#include "../base/check.h"

struct jose_key {
    EVP_PKEY *pair;
    const char *kid;
    char public[1024];
};

/* Without padding (RFC 7515 section 2). */
static inline void base64url(const void *data, size_t len, char *out)
{
    EVP_EncodeBlock((unsigned char *)out, data, (int)len);
    for (; *out; out++)
        *out = (char)(*out == '+' ? '-' : *out == '/' ? '_' : *out == '=' ? '\0' : *out);
}

static inline struct jose_key *jose_key_new(unsigned bits, const char *kid)
{
    unsigned char bytes[512];
    char n[700];
    BIGNUM *modulus = NULL;
    struct jose_key *key = calloc(1, sizeof(*key));
    assert_non_null(key);
    key->kid = kid;
    key->pair = EVP_RSA_gen(bits);
    assert_non_null(key->pair);
    assert_int_equal(EVP_PKEY_get_bn_param(key->pair, OSSL_PKEY_PARAM_RSA_N, &modulus), 1);
    base64url(bytes, (size_t)BN_bn2bin(modulus, bytes), n);
    BN_free(modulus);
    snprintf(key->public, sizeof(key->public),
             "{\"kty\":\"RSA\",\"kid\":\"%s\",\"use\":\"sig\",\"n\":\"%s\",\"e\":\"AQAB\"}", kid, n);
    return key;
}

static inline void jose_key_free(struct jose_key *key)
{
    EVP_PKEY_free(key->pair);
    free(key);
}

/* RS256; `critical`: a header that has to be understood, or NULL. free() it. */
static inline char *jose_sign(const struct jose_key *key, const char *claims, const char *critical)
{
    char header[256], *token = calloc(1, 8192);
    unsigned char signature[512];
    size_t len = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    snprintf(header, sizeof(header),
             critical ? "{\"alg\":\"RS256\",\"kid\":\"%s\",\"crit\":[\"%s\"]}" : "{\"alg\":\"RS256\",\"kid\":\"%s\"}",
             key->kid, critical);
    assert_true(token && ctx && strlen(claims) < 2000);
    base64url(header, strlen(header), token);
    strcat(token, ".");
    base64url(claims, strlen(claims), token + strlen(token));
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pair), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)token, strlen(token)), 1);
    EVP_MD_CTX_free(ctx);
    strcat(token, ".");
    base64url(signature, len, token + strlen(token));
    return token;
}

#endif

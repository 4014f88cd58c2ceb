/*
 * What an OpenID Connect provider says of itself and of a person (OpenID Connect Core 1.0, Discovery 1.0), checked. Pure:
 * bytes in, a subject out. Signatures are verified by libcjose.
 */
#ifndef TONGZHOU_CONNECT_OIDC_TOKEN_H
#define TONGZHOU_CONNECT_OIDC_TOKEN_H

#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"
#include "connect/public.h"
#include "state/users.h"

#define OIDC_TOKEN_MAX (16u << 10)     /* bytes of an ID token */
#define OIDC_DOCUMENT_MAX (256u << 10) /* bytes of what a provider says of itself, or of its keys */
#define OIDC_URL_MAX 1024              /* bytes */
#define OIDC_SKEW_S 60                 /* seconds that its clock may be off */
#define OIDC_AGE_S 600                 /* and an ID token be old: it was made for this sign-in */

struct oidc_provider {
    char authorize[OIDC_URL_MAX + 1], token[OIDC_URL_MAX + 1], keys[OIDC_URL_MAX + 1];
    bool post_secret;         /* the secret goes into the form; else into the header */
    bool says_issuer;         /* answers name the issuer (RFC 9207) */
    enum address_reach reach; /* where it was asked; its other addresses may not be nearer to this machine */
};

/* https, or http to this machine itself (tests, a provider beside the node); without query and fragment. */
bool oidc_url_valid(struct span url);

/* The document of .well-known/openid-configuration, without `reach`. ERR_SYNTAX; ERR_VERIFY another issuer's; ERR_REFUSED not
 * encrypted, or on this machine while the issuer is not. */
int oidc_provider_parse(struct span json, const char *issuer, struct oidc_provider *ret, struct err *err);

struct oidc_expected {
    const char *issuer, *client, *nonce;
    int64_t now_s;
};

/*
 * Who is it? Signed by one of `keys` (a JWK set) with RSA or ECDSA, by this issuer, for us, for this sign-in, now.
 *   ret_subject  set only on success
 * Errors: ERR_NOTFOUND signed by a key that is not among `keys`; ERR_VERIFY anything else.
 */
int oidc_token_check(struct span keys, struct span token, const struct oidc_expected *expected,
                     char ret_subject[IDENTITY_SUBJECT_MAX + 1], struct err *err);

#endif

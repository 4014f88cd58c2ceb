/*
 * Signing in at an OpenID Connect provider: authorization code flow with PKCE (RFC 7636). A person is sent there and comes
 * back with a code, which this node exchanges for an ID token; users are known by issuer and subject (state/users.h).
 *
 * What a sign-in under way needs stands in the browser's cookie alone, bound to this process by a MAC, so that strangers who
 * begin many fill no table here; state, nonce and PKCE's verifier are hashes of one secret in it.
 */
#ifndef TONGZHOU_CONNECT_OIDC_H
#define TONGZHOU_CONNECT_OIDC_H

#include "connect/oidc_token.h"

#define OIDC_FLOW_MS (INT64_C(10) * 60 * 1000) /* for signing in over there */
#define OIDC_NEXT_MAX 192                      /* bytes of the path to go on to; longer ones are left out */
#define OIDC_COOKIE_MAX 512                    /* bytes with the end */
#define OIDC_CODE_MAX 2048                     /* bytes */
#define OIDC_SECRET "oidc-secret" /* the client's: a credential, or a file in DIR/keys; none: a public client */
#define OIDC_PATH "/sign-in/oidc"
#define OIDC_BACK "/sign-in/oidc/back"

struct oidc;

struct oidc_options {
    const char *dir, *issuer, *client; /* copied */
    const char *base; /* where browsers reach this node: "https://n.example"; copied; NULL: oidc_set_base tells it */
    void (*tell)(void *ctx, const char *line);
    void *tell_ctx;
};

/* Asks nobody yet. ERR_USAGE an address or name out of form; ERR_REFUSED others may read the secret. */
int oidc_new(const struct oidc_options *options, struct oidc **ret, struct err *err);
void oidc_free(struct oidc *oidc);
/* Before anybody is sent there; ERR_USAGE as oidc_new. */
int oidc_set_base(struct oidc *oidc, const char *base, struct err *err);
const char *oidc_issuer(const struct oidc *oidc);

/* ---- one sign-in ---- */

struct oidc_flow {
    char secret[53], state[53], nonce[53], verifier[53]; /* base32 */
    char next[OIDC_NEXT_MAX + 1];                        /* "": Home */
    int64_t expires_ms;
};

void oidc_flow_begin(struct oidc *oidc, struct span next, int64_t now_ms, struct oidc_flow *ret,
                     char ret_cookie[OIDC_COOKIE_MAX]);
/* ERR_VERIFY it is not one of this process, or expired. */
int oidc_flow_read(struct oidc *oidc, struct span cookie, int64_t now_ms, struct oidc_flow *ret, struct err *err);
/* A sign-in counts once: oidc_exchange asks. False: it did, or so many did of late that this is not known. */
bool oidc_flow_use(struct oidc *oidc, const struct oidc_flow *flow, int64_t now_ms);

/* Where to send the browser. May ask the provider: ERR_NET; ERR_STATE another thread does, or it failed just now. */
int oidc_address(struct oidc *oidc, const struct oidc_flow *flow, int64_t now_ms, struct buf *out, struct err *err);

/*
 * What came back for a code. `issuer`: as the answer named it, .len 0: it did not. Blocks while the provider is asked, within
 * OIDC_ASK_MS a question; one at a time: ERR_STATE another is under way, or the provider failed just now, and the sign-in may
 * come again. ERR_NET; ERR_VERIFY what it said does not hold, or the sign-in has been used.
 */
int oidc_exchange(struct oidc *oidc, const struct oidc_flow *flow, struct span code, struct span issuer, int64_t now_ms,
                  char ret_subject[IDENTITY_SUBJECT_MAX + 1], struct err *err);

#endif

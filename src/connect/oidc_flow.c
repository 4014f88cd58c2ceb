/* One sign-in at a provider, as it stands in the browser's cookie: SECRET.EXPIRES.NEXT.MAC, the second in decimal, the third
 * in hex. */
#include <sodium.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/random.h"
#include "base/sha256.h"
#include "connect/oidc_internal.h"
#include "http/visitor.h"

static void derive(const char *what, const char *secret, char out[53])
{
    struct sha256 ctx;
    uint8_t hash[SHA256_SIZE];
    sha256_init(&ctx);
    sha256_add(&ctx, SPAN_LIT("tongzhou oidc "));
    sha256_add(&ctx, span_str(what));
    sha256_add(&ctx, SPAN_LIT("\n"));
    sha256_add(&ctx, span_str(secret));
    sha256_end(&ctx, hash);
    base32_encode(hash, sizeof(hash), out);
}

static void derive_all(struct oidc_flow *flow)
{
    derive("state", flow->secret, flow->state);
    derive("nonce", flow->secret, flow->nonce);
    derive("verifier", flow->secret, flow->verifier);
}

static void make_mac(const struct oidc *oidc, struct span text, char out[53])
{
    uint8_t mac[32];
    crypto_generichash(mac, sizeof(mac), text.data, text.len, oidc->key, sizeof(oidc->key));
    base32_encode(mac, sizeof(mac), out);
}

void oidc_flow_begin(struct oidc *oidc, struct span next, int64_t now_ms, struct oidc_flow *ret,
                     char ret_cookie[OIDC_COOKIE_MAX])
{
    uint8_t random[32];
    char hex[HEX_LEN(OIDC_NEXT_MAX) + 1], mac[53];
    *ret = (struct oidc_flow){.expires_ms = now_ms + OIDC_FLOW_MS};
    random_bytes(random, sizeof(random));
    base32_encode(random, sizeof(random), ret->secret);
    sodium_memzero(random, sizeof(random));
    derive_all(ret);
    if (next.len > OIDC_NEXT_MAX || !http_path_is_ours(next))
        next = SPAN_LIT("");
    memcpy(ret->next, next.data, next.len);
    hex_encode(next.data, next.len, hex);
    int len = snprintf(ret_cookie, OIDC_COOKIE_MAX, "%s.%lld.%s", ret->secret, (long long)ret->expires_ms, hex);
    make_mac(oidc, span_of(ret_cookie, (size_t)len), mac);
    snprintf(ret_cookie + len, OIDC_COOKIE_MAX - (size_t)len, ".%s", mac);
}

static struct span next_part(struct span *text)
{
    size_t at = span_find(*text, '.');
    struct span part = span_sub(*text, 0, at);
    *text = span_sub(*text, at + 1, text->len);
    return part;
}

int oidc_flow_read(struct oidc *oidc, struct span cookie, int64_t now_ms, struct oidc_flow *ret, struct err *err)
{
    char mac[53];
    uint64_t expires;
    if (cookie.len < 54 || cookie.len >= OIDC_COOKIE_MAX || cookie.data[cookie.len - 53] != '.')
        return err_set(err, ERR_VERIFY, "no sign-in is under way in this browser");
    struct span said = span_sub(cookie, 0, cookie.len - 53);
    make_mac(oidc, said, mac);
    if (sodium_memcmp(mac, cookie.data + cookie.len - 52, 52) != 0)
        return err_set(err, ERR_VERIFY, "no sign-in of this node is under way in this browser");
    struct span secret = next_part(&said), when = next_part(&said), next = next_part(&said);
    if (secret.len != 52 || !span_u64(when, INT64_MAX, &expires) || next.len > HEX_LEN(OIDC_NEXT_MAX))
        return err_set(err, ERR_VERIFY, "no sign-in of this node");
    *ret = (struct oidc_flow){.expires_ms = (int64_t)expires};
    memcpy(ret->secret, secret.data, secret.len);
    if (!hex_decode(next, ret->next, next.len / 2))
        ret->next[0] = '\0';
    derive_all(ret);
    return now_ms < ret->expires_ms ? 0 : err_set(err, ERR_VERIFY, "signing in took too long");
}

bool oidc_flow_use(struct oidc *oidc, const struct oidc_flow *flow, int64_t now_ms)
{
    bool is_new = true;
    pthread_mutex_lock(&oidc->lock);
    struct oidc_used *oldest = &oidc->used[0];
    for (size_t i = 0; i < OIDC_USED_MAX; i++) {
        struct oidc_used *used = &oidc->used[i];
        if (used->expires_ms > now_ms && memcmp(used->state, flow->state, sizeof(used->state)) == 0)
            is_new = false;
        if (used->expires_ms < oldest->expires_ms)
            oldest = used;
    }
    is_new = is_new && oldest->expires_ms <= now_ms;
    if (is_new) {
        memcpy(oldest->state, flow->state, sizeof(oldest->state));
        oldest->expires_ms = flow->expires_ms;
    }
    pthread_mutex_unlock(&oidc->lock);
    return is_new;
}

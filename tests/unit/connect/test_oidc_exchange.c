/* What comes back from a provider is exchanged once, and nothing but what a provider may name is asked for it. */
#include "raw.h"

#include "connect/oidc_internal.h"

#define NOW_MS INT64_C(1790000000000)

static char told[2000];

static void tell(void *ctx, const char *line)
{
    (void)ctx;
    snprintf(told, sizeof(told), "%s", line);
}

struct provider {
    struct raw *raw;
    struct raw_page *discovery, *token;
    struct oidc *oidc;
    struct oidc_flow flow;
};

static void provider_start(struct provider *p)
{
    char cookie[OIDC_COOKIE_MAX], json[1000];
    p->raw = raw_start();
    snprintf(json, sizeof(json),
             "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/authorize\",\"token_endpoint\":\"%s/token\","
             "\"jwks_uri\":\"%s/keys\"}",
             p->raw->url, p->raw->url, p->raw->url, p->raw->url);
    p->discovery = raw_body(p->raw, "/.well-known/openid-configuration", span_str(json));
    p->token = raw_body(p->raw, "/token", SPAN_LIT("{\"error\":\"invalid_grant\"}"));
    raw_run(p->raw);
    struct oidc_options options = {
        .dir = "/nowhere", .issuer = p->raw->url, .client = "tongzhou", .base = "https://n.example", .tell = tell};
    good(oidc_new(&options, &p->oidc, &err));
    oidc_flow_begin(p->oidc, SPAN_LIT(""), NOW_MS, &p->flow, cookie);
}

static void provider_stop(struct provider *p)
{
    oidc_free(p->oidc);
    raw_stop(p->raw);
}

static int come_back(struct provider *p, int64_t now_ms, struct err *err)
{
    char subject[IDENTITY_SUBJECT_MAX + 1];
    return oidc_exchange(p->oidc, &p->flow, SPAN_LIT("code"), (struct span){0}, now_ms, subject, err);
}

/* Who comes back while another sign-in is under way may come again, and then once. */
static void busy_uses_nothing(void **state)
{
    (void)state;
    struct provider p;
    provider_start(&p);
    assert_int_equal(pthread_mutex_lock(&p.oidc->busy), 0);
    bad(come_back(&p, NOW_MS, &err), ERR_STATE, "being asked already");
    assert_int_equal(pthread_mutex_unlock(&p.oidc->busy), 0);
    assert_int_equal(atomic_load(&p.token->asked), 0);
    bad(come_back(&p, NOW_MS, &err), ERR_VERIFY, "no ID token");
    assert_int_equal(atomic_load(&p.token->asked), 1);
    bad(come_back(&p, NOW_MS, &err), ERR_VERIFY, "has been used");
    assert_int_equal(atomic_load(&p.token->asked), 1);
    assert_int_equal(pthread_mutex_trylock(&p.oidc->busy), 0); /* the turn was given back each time */
    assert_int_equal(pthread_mutex_unlock(&p.oidc->busy), 0);
    provider_stop(&p);
}

/* Nor does a provider that does not answer. */
static void silence_uses_nothing(void **state)
{
    (void)state;
    struct provider p;
    provider_start(&p);
    atomic_store(&p.discovery->manner, RAW_CUT);
    assert_true(come_back(&p, NOW_MS, &(struct err){0}) < 0);
    bad(come_back(&p, NOW_MS + 1, &err), ERR_STATE, "a moment ago");
    atomic_store(&p.discovery->manner, RAW_WHOLE);
    bad(come_back(&p, NOW_MS + 60000, &err), ERR_VERIFY, "no ID token");
    bad(come_back(&p, NOW_MS + 60001, &err), ERR_VERIFY, "has been used");
    provider_stop(&p);
}

/* A provider of the Internet, or of a network beside, whose names lead to this machine. */
static void nothing_nearer_is_asked(void **state)
{
    (void)state;
    static const enum address_reach further[] = {ADDRESS_PUBLIC, ADDRESS_INSIDE};
    for (size_t i = 0; i < 2; i++) {
        struct provider p;
        char cookie[OIDC_COOKIE_MAX];
        provider_start(&p);
        bad(come_back(&p, NOW_MS, &err), ERR_VERIFY, "no ID token"); /* it is on this machine, and so may all be */
        assert_int_equal(p.oidc->provider.reach, ADDRESS_NEAR);
        p.oidc->provider.reach = further[i];
        oidc_flow_begin(p.oidc, SPAN_LIT(""), NOW_MS, &p.flow, cookie);
        told[0] = '\0';
        bad(come_back(&p, NOW_MS, &err), ERR_NET, "/token");
        assert_non_null(strstr(told, "/token"));
        assert_int_equal(atomic_load(&p.token->asked), 1); /* as before */
        provider_stop(&p);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(busy_uses_nothing), cmocka_unit_test(silence_uses_nothing),
                                       cmocka_unit_test(nothing_nearer_is_asked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

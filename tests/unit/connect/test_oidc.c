/* Signing in at a provider: what it says is believed only if it is its own, for us, for this sign-in, and now. */
#include "jose_help.h"

#include "connect/jose.h"
#include "connect/oidc.h"
#include "index/capability.h"

const struct capability *const capabilities[] = {NULL};

#define ISSUER "https://sso.example.org/realm"
#define NOW_S INT64_C(1790000000)

/* ---- signatures ---- */

/* RFC 7515, appendices A.2 and A.3. */
static const char standard_keys[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a2\",\"alg\":\"RS256\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"
    "wWJcyQoTbji9k0l8W26mPddxHm"
    "fHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpa"
    "SHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWN"
    "moudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"},{\"kty\":\"EC\",\"kid\":\"a3\","
    "\"alg\":\"ES256\","
    "\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_"
    "tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
#define STANDARD_PAYLOAD                                                                                               \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
static const char *const standard_tokens[] = {
    "eyJhbGciOiJSUzI1NiJ9." STANDARD_PAYLOAD
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t"
    "1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12j"
    "zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ"
    "Ge77Rw",
    "eyJhbGciOiJFUzI1NiJ9." STANDARD_PAYLOAD
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"};

static enum jose_verdict verdict_of(const char *keys, const char *token)
{
    uint8_t *text = NULL;
    size_t len = 0;
    json_t *set = json_loads(keys, 0, NULL);
    assert_non_null(set);
    enum jose_verdict verdict = jose_verify(set, span_str(token), &text, &len);
    if (verdict == JOSE_GOOD)
        assert_true(span_starts(span_of(text, len), SPAN_LIT("{\"iss\":\"joe\"")));
    free(text);
    json_decref(set);
    return verdict;
}

static void the_standards_examples(void **state)
{
    (void)state;
    char bent[1024];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(verdict_of(standard_keys, standard_tokens[i]), JOSE_GOOD);
        for (size_t at = 0; at < strlen(standard_tokens[i]); at += 7) { /* any letter bent */
            snprintf(bent, sizeof(bent), "%s", standard_tokens[i]);
            bent[at] = bent[at] == 'A' ? 'B' : 'A';
            if (at == strlen(standard_tokens[i]) - 1)
                continue; /* its last bits say nothing */
            assert_int_not_equal(verdict_of(standard_keys, bent), JOSE_GOOD);
        }
        snprintf(bent, sizeof(bent), "%s=", standard_tokens[i]);
        assert_int_equal(verdict_of(standard_keys, bent), JOSE_FORM);
        snprintf(bent, sizeof(bent), "%s.x", standard_tokens[i]);
        assert_int_equal(verdict_of(standard_keys, bent), JOSE_FORM);
    }
    assert_int_equal(verdict_of("{\"keys\":[]}", standard_tokens[0]), JOSE_NO_KEY);
    assert_int_equal(verdict_of("{}", standard_tokens[0]), JOSE_NO_KEY);
    assert_int_equal(verdict_of("[1,2]", standard_tokens[0]), JOSE_NO_KEY);
}

/* RFC 7515, A.5 "none", and A.1 made with the public key as a shared secret. */
static void algorithms_that_prove_nothing(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"HS256\"}", "{\"alg\":\"HS512\",\"kid\":\"a2\"}",
        "{\"alg\":1}",        "{\"alg\":\"\"}",     "{\"alg\":\"dir\"}",
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        char token[1024], header[128];
        base64url(headers[i], strlen(headers[i]), header);
        snprintf(token, sizeof(token), "%s." STANDARD_PAYLOAD ".", header);
        assert_int_not_equal(verdict_of(standard_keys, token), JOSE_GOOD);
        snprintf(token, sizeof(token), "%s." STANDARD_PAYLOAD ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", header);
        assert_int_not_equal(verdict_of(standard_keys, token), JOSE_GOOD);
    }
    assert_int_not_equal(verdict_of(standard_keys, "." STANDARD_PAYLOAD "."), JOSE_GOOD);
    assert_int_not_equal(verdict_of(standard_keys, ".."), JOSE_GOOD);
    assert_int_not_equal(verdict_of(standard_keys, ""), JOSE_GOOD);
}

/* ---- tokens ---- */

struct provider {
    char keys[4096];
    struct jose_key *key, *weak, *other;
} provider;

#define good(call)                                                                                                     \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        if ((call) != 0)                                                                                               \
            fail_msg("%s: %s", #call, err.text);                                                                       \
    } while (0)
#define bad(call, code, part)                                                                                          \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        assert_fails(call, &err, code, part);                                                                          \
    } while (0)

static void provider_make(void)
{
    provider.key = jose_key_new(2048, "k1");
    provider.weak = jose_key_new(1024, "weak");
    provider.other = jose_key_new(2048, "k1"); /* another's of the same name */
    snprintf(provider.keys, sizeof(provider.keys), "{\"keys\":[%s,%s]}", provider.key->public, provider.weak->public);
}

static const char good_claims[] =
    "{\"iss\":\"" ISSUER "\",\"aud\":\"tongzhou\",\"sub\":\"248289761001\",\"nonce\":\"n1\","
    "\"iat\":1790000000,\"exp\":1790000300}";

static int check(struct jose_key *key, const char *claims, const char *more_header, char *subject, struct err *err)
{
    struct oidc_expected expected = {ISSUER, "tongzhou", "n1", NOW_S};
    char *token = jose_sign(key, claims, more_header);
    int rc = oidc_token_check(span_str(provider.keys), span_str(token), &expected, subject, err);
    free(token);
    return rc;
}

static void good_tokens(void **state)
{
    (void)state;
    char subject[IDENTITY_SUBJECT_MAX + 1];
    struct err err = {0};
    static const char *const claims[] = {
        good_claims,
        "{\"iss\":\"" ISSUER
        "\",\"aud\":[\"tongzhou\"],\"sub\":\"248289761001\",\"nonce\":\"n1\",\"iat\":1790000050,\"exp\":1790000300,"
        "\"email\":\"x@y\"}",
        "{\"iss\":\"" ISSUER
        "\",\"aud\":[\"else\",\"tongzhou\"],\"azp\":\"tongzhou\",\"sub\":\"248289761001\",\"nonce\":\"n1\","
        "\"iat\":1789999500,\"exp\":1789999950,\"nbf\":1789999500}",
    };
    for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
        if (check(provider.key, claims[i], NULL, subject, &err) != 0)
            fail_msg("%s: %s", claims[i], err.text);
        assert_string_equal(subject, "248289761001");
    }
}

#define CLAIMS(iss, aud, sub, nonce, rest) "{\"iss\":" iss ",\"aud\":" aud ",\"sub\":" sub ",\"nonce\":" nonce rest "}"
#define TIMES ",\"iat\":1790000000,\"exp\":1790000300"
#define OURS "\"" ISSUER "\""

static void claims_that_are_not_ours(void **state)
{
    (void)state;
    char subject[IDENTITY_SUBJECT_MAX + 1] = "untouched";
    static const struct {
        const char *claims, *why;
    } cases[] = {
        {CLAIMS("\"https://evil.example\"", "\"tongzhou\"", "\"s\"", "\"n1\"", TIMES), "another provider"},
        {CLAIMS("\"" ISSUER "/\"", "\"tongzhou\"", "\"s\"", "\"n1\"", TIMES), "another provider"},
        {CLAIMS("[" OURS "]", "\"tongzhou\"", "\"s\"", "\"n1\"", TIMES), "another provider"},
        {CLAIMS(OURS, "\"somebody\"", "\"s\"", "\"n1\"", TIMES), "somebody else"},
        {CLAIMS(OURS, "[]", "\"s\"", "\"n1\"", TIMES), "somebody else"},
        {CLAIMS(OURS, "[\"tongzhou\",\"else\"]", "\"s\"", "\"n1\"", TIMES), "somebody else"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", ",\"azp\":\"else\"" TIMES), "somebody else"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n2\"", TIMES), "another sign-in"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "null", TIMES), "another sign-in"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", ",\"iat\":1789999000,\"exp\":1789999900"), "expired"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", ",\"iat\":1789990000,\"exp\":1799990000"), "expired"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", ",\"iat\":1790000100,\"exp\":1790000300"), "future"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", TIMES ",\"nbf\":1790000200"), "not good yet"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", TIMES ",\"nbf\":\"now\""), "not good yet"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", ",\"iat\":1790000000"), "without the times"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", ",\"exp\":1790000300"), "without the times"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", ",\"iat\":1790000000,\"exp\":\"1790000300\""),
         "without the times"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", ",\"iat\":1790000000,\"exp\":1e300"), "without the times"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"\"", "\"n1\"", TIMES), "without a subject"},
        {CLAIMS(OURS, "\"tongzhou\"", "7", "\"n1\"", TIMES), "without a subject"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"a\\nb\"", "\"n1\"", TIMES), "control"},
        {CLAIMS(OURS, "\"tongzhou\"", "\"s\"", "\"n1\"", TIMES ",\"iss\":" OURS), "JSON"},
        {"[]", "another provider"},
        {"no json", "JSON"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct err err = {0};
        int rc = check(provider.key, cases[i].claims, NULL, subject, &err);
        if (rc != ERR_VERIFY || !strstr(err.text, cases[i].why))
            fail_msg("%s: %d \"%s\", expected \"%s\"", cases[i].claims, rc, err.text, cases[i].why);
        assert_string_equal(subject, "untouched");
    }
}

static void keys_that_are_not_its(void **state)
{
    (void)state;
    char subject[IDENTITY_SUBJECT_MAX + 1];
    bad(check(provider.other, good_claims, NULL, subject, &err), ERR_VERIFY, "does not fit");
    bad(check(provider.weak, good_claims, NULL, subject, &err), ERR_VERIFY, "too short");
    bad(check(provider.key, good_claims, "crit", subject, &err), ERR_VERIFY, "extension");
    struct jose_key *stranger = jose_key_new(2048, "k9");
    bad(check(stranger, good_claims, NULL, subject, &err), ERR_NOTFOUND, "not among"); /* it may have new ones */
    jose_key_free(stranger);
}

/* ---- the provider itself ---- */

#define ENDPOINTS                                                                                                      \
    "\"authorization_endpoint\":\"https://sso.example.org/a\",\"token_endpoint\":\"https://sso.example.org/t\","
static void providers(void **state)
{
    (void)state;
    struct oidc_provider found;
    static const struct {
        const char *json;
        int code;
    } cases[] = {
        {"{\"issuer\":" OURS "," ENDPOINTS "\"jwks_uri\":\"https://keys.example.org/k\"}", 0},
        {"{\"issuer\":\"https://evil.example\"," ENDPOINTS "\"jwks_uri\":\"https://keys.example.org/k\"}", ERR_VERIFY},
        {"{" ENDPOINTS "\"jwks_uri\":\"https://keys.example.org/k\"}", ERR_VERIFY},
        {"{\"issuer\":" OURS "," ENDPOINTS "\"jwks_uri\":\"http://keys.example.org/k\"}", ERR_REFUSED},
        {"{\"issuer\":" OURS "," ENDPOINTS "\"jwks_uri\":\"file:///etc/passwd\"}", ERR_REFUSED},
        {"{\"issuer\":" OURS "," ENDPOINTS "\"jwks_uri\":\"https://u:p@keys.example.org/k\"}", ERR_REFUSED},
        {"{\"issuer\":" OURS "," ENDPOINTS "\"jwks_uri\":\"https:///k\"}", ERR_REFUSED},
        {"{\"issuer\":" OURS "," ENDPOINTS "\"jwks_uri\":7}", ERR_SYNTAX},
        {"{\"issuer\":" OURS "," ENDPOINTS "\"x\":1}", ERR_SYNTAX},
        {"{\"issuer\":" OURS "," ENDPOINTS
         "\"jwks_uri\":\"https://k.example/k\",\"code_challenge_methods_supported\":[\"plain\"]}",
         ERR_REFUSED},
        {"{\"issuer\":" OURS "," ENDPOINTS "\"jwks_uri\":\"http://127.0.0.1:9/k\"}", ERR_REFUSED},
        {"{\"issuer\":" OURS "," ENDPOINTS "\"jwks_uri\":\"https://localhost/k\"}", ERR_REFUSED},
        {"{\"issuer\":" OURS "," ENDPOINTS "\"jwks_uri\":\"https://[::1]:8443/k\"}", ERR_REFUSED},
        {"[]", ERR_VERIFY},
        {"{", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct err err = {0};
        int rc = oidc_provider_parse(span_str(cases[i].json), ISSUER, &found, &err);
        if (rc != cases[i].code)
            fail_msg("%s: %d \"%s\"", cases[i].json, rc, err.text);
    }
    static const char *const urls[] = {"https://a.example", "https://a.example:8443/x", "http://127.0.0.1:1/x",
                                       "http://localhost"};
    static const char *const others[] = {"http://a.example",
                                         "https://",
                                         "https://a b",
                                         "https://a?x",
                                         "https://a#x",
                                         "ftp://a",
                                         "",
                                         "http://localhost.evil.example"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
        assert_true(oidc_url_valid(span_str(urls[i])));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_false(oidc_url_valid(span_str(others[i])));
}

/* ---- one sign-in ---- */

static void flows(void **state)
{
    (void)state;
    struct oidc_options options = {
        .dir = "/nowhere", .issuer = ISSUER, .client = "tongzhou", .base = "https://n.example/"};
    struct oidc *ours = NULL, *others = NULL;
    struct oidc_flow flow, again;
    char cookie[OIDC_COOKIE_MAX], bent[OIDC_COOKIE_MAX];
    good(oidc_new(&options, &ours, &err));
    good(oidc_new(&options, &others, &err));
    oidc_flow_begin(ours, SPAN_LIT("/record/a;b"), 1000, &flow, cookie);
    assert_string_not_equal(flow.state, flow.nonce);
    assert_string_not_equal(flow.nonce, flow.verifier);
    assert_null(strstr(cookie, flow.state));
    good(oidc_flow_read(ours, span_str(cookie), 1001, &again, &err));
    assert_memory_equal(&again, &flow, sizeof(flow));
    bad(oidc_flow_read(ours, span_str(cookie), 1000 + OIDC_FLOW_MS, &again, &err), ERR_VERIFY, "too long");
    bad(oidc_flow_read(others, span_str(cookie), 1001, &again, &err), ERR_VERIFY, "of this node");
    for (size_t i = 0; cookie[i]; i++) {
        memcpy(bent, cookie, sizeof(bent));
        bent[i] = bent[i] == 'b' ? 'c' : 'b';
        assert_int_equal(oidc_flow_read(ours, span_str(bent), 1001, &again, &(struct err){0}), ERR_VERIFY);
        bent[i] = '\0'; /* cut */
        assert_int_equal(oidc_flow_read(ours, span_str(bent), 1001, &again, &(struct err){0}), ERR_VERIFY);
    }
    oidc_flow_begin(ours, SPAN_LIT("//evil.example"), 1000, &again, bent);
    assert_string_equal(again.next, "");
    assert_true(oidc_flow_use(ours, &flow, 1001));
    assert_false(oidc_flow_use(ours, &flow, 1002)); /* once */
    for (int i = 0; i < 1023; i++) {
        oidc_flow_begin(ours, SPAN_LIT(""), 1003, &again, bent);
        assert_true(oidc_flow_use(ours, &again, 1003));
    }
    oidc_flow_begin(ours, SPAN_LIT(""), 1003, &again, bent);
    assert_false(oidc_flow_use(ours, &again, 1003)); /* rather than forgetting one that could come again */
    assert_true(oidc_flow_use(ours, &again, 1003 + OIDC_FLOW_MS));
    oidc_free(ours);
    oidc_free(others);
}

static void options_are_read_strictly(void **state)
{
    (void)state;
    static const struct oidc_options wrong[] = {
        {.dir = "/nowhere", .issuer = "http://sso.example.org", .client = "c", .base = "https://n.example"},
        {.dir = "/nowhere", .issuer = ISSUER, .client = "", .base = "https://n.example"},
        {.dir = "/nowhere", .issuer = ISSUER, .client = "c", .base = "http://n.example"},
        {.dir = "/nowhere", .issuer = ISSUER, .client = "c", .base = "n.example"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct oidc *oidc = NULL;
        assert_int_equal(oidc_new(&wrong[i], &oidc, &(struct err){0}), ERR_USAGE);
        assert_null(oidc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standards_examples),
        cmocka_unit_test(algorithms_that_prove_nothing),
        cmocka_unit_test(good_tokens),
        cmocka_unit_test(claims_that_are_not_ours),
        cmocka_unit_test(keys_that_are_not_its),
        cmocka_unit_test(providers),
        cmocka_unit_test(flows),
        cmocka_unit_test(options_are_read_strictly),
    };
    provider_make();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    jose_key_free(provider.key);
    jose_key_free(provider.weak);
    jose_key_free(provider.other);
    return failed;
}

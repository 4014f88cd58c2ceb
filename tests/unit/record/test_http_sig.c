/* HTTP message signatures: RFC 9421's own vector, what we write, what is refused. */
#include "record/http_sig.h"

#include "record/sample.h"

static struct err err;

/* RFC 9421 appendix B.2: the request, and its key test-key-ed25519. */
#define B26_INPUT                                                                                                      \
    "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;"  \
    "keyid=\"test-key-ed25519\""
#define B26_SIGNATURE                                                                                                  \
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
#define B26_PUBLIC "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
#define B26_SECRET "n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU="

static bool b26_field(void *ctx, struct span name, struct buf *out)
{
    (void)ctx;
    static const char *const fields[][2] = {
        {"date", "Tue, 20 Apr 2021 02:07:55 GMT"}, {"content-type", "application/json"}, {"content-length", "18"}};
    for (size_t i = 0; i < 3; i++)
        if (span_is(name, fields[i][0])) {
            buf_str(out, fields[i][1]);
            return true;
        }
    return false;
}

static struct http_sig_message b26_message(void)
{
    return (struct http_sig_message){.method = SPAN_LIT("POST"),
                                     .scheme = SPAN_LIT("http"),
                                     .authority = SPAN_LIT("example.com"),
                                     .path = SPAN_LIT("/foo"),
                                     .query = SPAN_LIT("param=Value&Pet=dog"),
                                     .has_query = true,
                                     .field = b26_field};
}

static void the_standards_vector(void **state)
{
    (void)state;
    struct http_sig sig;
    struct http_sig_message message = b26_message();
    struct buf base;
    uint8_t key[32], seed[32], again[64];
    buf_init(&base, HTTP_SIG_BASE_MAX);
    assert_int_equal(http_sig_find(span_str(B26_INPUT), span_str(B26_SIGNATURE), (struct span){0}, &sig, &err), 1);
    assert_int_equal(http_sig_base(&sig, &message, &base, &err), 0);
    assert_string_equal(buf_cstr(&base),
                        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n"
                        "\"@authority\": example.com\n\"content-type\": application/json\n"
                        "\"content-length\": 18\n\"@signature-params\": (\"date\" \"@method\" \"@path\" "
                        "\"@authority\" \"content-type\" \"content-length\");created=1618884473;"
                        "keyid=\"test-key-ed25519\"");
    assert_true(base64_decode(span_str(B26_PUBLIC), key, 32));
    assert_true(base64_decode(span_str(B26_SECRET), seed, 32));
    assert_true(ed25519_verify(buf_view(&base), key, sig.signature));
    ed25519_sign(buf_view(&base), seed, again);
    assert_memory_equal(again, sig.signature, 64);
    assert_true(sig.has_created && !sig.has_expires && sig.created == 1618884473);
    assert_true(http_sig_covers(&sig, "@path") && !http_sig_covers(&sig, "@query"));
    buf_done(&base);
}

/* The digest of RFC 9421's test request: {"hello": "world"} (its sha-512; by Python's hashlib for sha-256). */
static void digests(void **state)
{
    (void)state;
    struct span body = SPAN_LIT("{\"hello\": \"world\"}");
#define WORLD "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    assert_true(http_digest_holds(SPAN_LIT(WORLD), body));
    assert_true(http_digest_holds(SPAN_LIT("sha-512=:AAAA:, " WORLD), body));
    assert_false(http_digest_holds(SPAN_LIT(WORLD), SPAN_LIT("{\"hello\": \"wor1d\"}")));
    assert_false(http_digest_holds(SPAN_LIT("sha-512=:AAAA:"), body));
    assert_false(http_digest_holds(SPAN_LIT("sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="), body));
    assert_false(http_digest_holds(SPAN_LIT(""), body));
}

static bool to_field(void *ctx, struct span name, struct buf *out)
{
    (void)ctx;
    buf_str(out, "node.example/xyz");
    return span_is(name, "tongzhou-to");
}

static void what_we_write_is_read(void **state)
{
    (void)state;
    struct http_sig_draft draft = {SPAN_LIT("cert.example/abc"), 1700000000, 1700000120, SPAN_LIT("q83v"), false};
    struct http_sig_message message = {.method = SPAN_LIT("GET"), .field = to_field};
    char authority[HTTP_SIG_AUTHORITY_MAX + 1], text[BASE64_LEN(64) + 1];
    uint8_t bytes[64], key[32];
    struct http_sig sig;
    struct buf input, base, signature;
    buf_init(&input, HTTP_SIG_FIELD_MAX);
    buf_init(&base, HTTP_SIG_BASE_MAX);
    buf_init(&signature, HTTP_SIG_FIELD_MAX);
    assert_true(http_sig_url(SPAN_LIT("http://node.example:8080/heads?since=1"), authority, &message));
    buf_str(&input, "other=(\"@method\");tag=\"other\", ");
    assert_int_equal(http_sig_prepare(&draft, &message, &input, &base, &err), 0);
    assert_string_equal(buf_cstr(&base),
                        "\"@method\": GET\n\"@authority\": node.example:8080\n\"@path\": /heads\n"
                        "\"@query\": ?since=1\n\"tongzhou-to\": node.example/xyz\n\"@signature-params\": (\"@method\" "
                        "\"@authority\" \"@path\" \"@query\" \"tongzhou-to\");created=1700000000;expires=1700000120;"
                        "nonce=\"q83v\";keyid=\"cert.example/abc\";alg=\"ed25519\";tag=\"tongzhou\"");
    ed25519_sign(buf_view(&base), seed_of(SEED_REQUEST), bytes);
    base64_encode(bytes, 64, text);
    buf_fmt(&signature, "other=:AA==:, tongzhou=:%s:", text);
    assert_int_equal(http_sig_find(buf_view(&input), buf_view(&signature), SPAN_LIT(HTTP_SIG_TAG), &sig, &err), 1);
    assert_true(span_is(sig.label, "tongzhou") && span_is(sig.keyid, "cert.example/abc"));
    assert_true(span_is(sig.nonce, "q83v") && span_is(sig.alg, "ed25519") && sig.expires - sig.created == 120);
    assert_int_equal(sig.component_count, 5);
    buf_clear(&base);
    assert_int_equal(http_sig_base(&sig, &message, &base, &err), 0);
    public_of(SEED_REQUEST, key);
    assert_true(ed25519_verify(buf_view(&base), key, sig.signature));
    assert_int_equal(http_sig_find(buf_view(&input), buf_view(&signature), SPAN_LIT("nobody"), &sig, &err), 0);
    buf_done(&input);
    buf_done(&base);
    buf_done(&signature);
}

static bool hook_field(void *ctx, struct span name, struct buf *out)
{
    buf_str(out, span_is(name, "content-type") ? "application/json" : ctx);
    return span_is(name, "content-type") || span_is(name, "content-digest");
}

/* What a hook is sent covers its content, and is no member's request, for its tag is another. */
static void a_hook_is_no_members_request(void **state)
{
    (void)state;
    struct http_sig_draft draft = {SPAN_LIT("cert.example/abc"), 1700000000, 1700000300, SPAN_LIT("q83v"), true};
    char digest[] = "sha-256=:AA=:", authority[HTTP_SIG_AUTHORITY_MAX + 1];
    struct http_sig_message message = {.method = SPAN_LIT("POST"), .field = hook_field, .ctx = digest};
    struct http_sig sig;
    struct buf input, base;
    static const char signature[] =
        "tongzhou=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==:";
    buf_init(&input, HTTP_SIG_FIELD_MAX);
    buf_init(&base, HTTP_SIG_BASE_MAX);
    assert_true(http_sig_url(SPAN_LIT("https://soar.example/hook"), authority, &message));
    assert_int_equal(http_sig_prepare(&draft, &message, &input, &base, &err), 0);
    assert_int_equal(http_sig_find(buf_view(&input), span_str(signature), SPAN_LIT(HTTP_SIG_TAG), &sig, &err), 0);
    assert_int_equal(http_sig_find(buf_view(&input), span_str(signature), SPAN_LIT(HTTP_SIG_HOOK), &sig, &err), 1);
    static const char *const covered[] = {"@method", "@authority", "@path", "@query", "content-type", "content-digest"};
    for (size_t i = 0; i < sizeof(covered) / sizeof(*covered); i++)
        assert_true(http_sig_covers(&sig, covered[i]));
    assert_false(http_sig_covers(&sig, "tongzhou-to"));
    assert_true(span_search(buf_view(&base), SPAN_LIT("\"@query\": ?\n")) < base.len);
    buf_done(&input);
    buf_done(&base);
}

static int find(const char *input)
{
    struct http_sig sig;
    return http_sig_find(span_str(input), span_str(B26_SIGNATURE), (struct span){0}, &sig, &err);
}

static void what_is_out_of_form(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "sig-b26",
        "sig-b26=",
        "sig-b26=(",
        "sig-b26=(\"date\"",
        "Sig=(\"date\")",
        "sig-b26=(date)",
        "sig-b26=(\"date\"  \"@path\")",
        "sig-b26=(\"date\"\"@path\")",
        "sig-b26=( \"date\")",
        "sig-b26=(\"date\" )",
        "sig-b26=(\"date\" \"date\")",
        "sig-b26=(\"date\";sf)",
        "sig-b26=(\"da\\\"te\")",
        "sig-b26=(\"date\");created",
        "sig-b26=(\"date\");created=\"1\"",
        "sig-b26=(\"date\");created=1;created=2",
        "sig-b26=(\"date\");created=-0",
        "sig-b26=(\"date\");created=1234567890123456",
        "sig-b26=(\"date\");created=1.5",
        "sig-b26=(\"date\");nonce=\"a\";nonce=\"b\"",
        "sig-b26=(\"date\");keyid=abc",
        "sig-b26=(\"date\"); created=1",
        "sig-b26=(\"date\"),",
        "sig-b26=(\"date\");x=",
        "sig-b26=(\"date\");x=?2",
        "sig-b26=(\"date\");x=:a:",
        "sig-b26=(\"date\") sig2=(\"date\")",
        "sig-b26=(\"date\"), sig-b26=(\"date\")",
        "x=(\"date\"",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (find(wrong[i]) != ERR_SYNTAX)
            fail_msg("accepted: %s", wrong[i]);
    assert_int_equal(find("sig-b26=();x;y=1;z=token/a*;b=?1;c=:AA==:;d=\"text\""), 1);
    assert_int_equal(find("sig-b26=(\"date\")\t , other=()"), 1);
    assert_int_equal(find("sig-c=(\"date\")"), ERR_SYNTAX); /* no signature of that label */
}

static void too_much(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_str(&text, "sig-b26=(");
    for (int i = 0; i < HTTP_SIG_COMPONENTS_MAX + 1; i++)
        buf_fmt(&text, "%s\"x%d\"", i ? " " : "", i);
    buf_str(&text, ")");
    assert_int_equal(find(buf_cstr(&text)), ERR_SYNTAX);
    buf_clear(&text);
    for (int i = 0; i < HTTP_SIG_LABELS_MAX + 1; i++)
        buf_fmt(&text, "%ssig%d=()", i ? ", " : "", i);
    assert_int_equal(find(buf_cstr(&text)), ERR_SYNTAX);
    buf_clear(&text);
    while (text.len <= HTTP_SIG_FIELD_MAX)
        buf_str(&text, "sig=()     ");
    assert_int_equal(find(buf_cstr(&text)), ERR_LIMIT);
    buf_done(&text);
}

static void signatures_have_64_bytes(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "sig-b26=AAAA",
                                        "sig-b26=:AAAA:",
                                        "sig-b26=:AAAA",
                                        "sig-b26=::",
                                        "sig=:AAAA:",
                                        B26_SIGNATURE "," B26_SIGNATURE,
                                        B26_SIGNATURE " x"};
    struct http_sig sig;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(http_sig_find(SPAN_LIT(B26_INPUT), span_str(wrong[i]), (struct span){0}, &sig, &err),
                         ERR_SYNTAX);
}

static void components_that_are_not_there(void **state)
{
    (void)state;
    static const char *const wrong[] = {"@status", "@query-param", "x-not-there", "", "@", "@Path"};
    struct http_sig_message message = b26_message();
    struct http_sig sig = {.component_count = 1};
    struct buf base;
    buf_init(&base, HTTP_SIG_BASE_MAX);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        sig.component[0] = span_str(wrong[i]);
        assert_int_equal(http_sig_base(&sig, &message, &base, &err), ERR_SYNTAX);
    }
    buf_done(&base);
}

static const char *component(const char *name, const struct http_sig_message *message)
{
    static struct buf base;
    struct http_sig sig = {.component_count = 1, .params = SPAN_LIT("()")};
    sig.component[0] = span_str(name);
    buf_done(&base);
    buf_init(&base, HTTP_SIG_BASE_MAX);
    assert_int_equal(http_sig_base(&sig, message, &base, &err), 0);
    return buf_cstr(&base);
}

/* RFC 9421 section 2.2's examples. */
static void derived_components(void **state)
{
    (void)state;
    struct http_sig_message message = {.method = SPAN_LIT("GET")};
    char authority[HTTP_SIG_AUTHORITY_MAX + 1];
    assert_true(http_sig_url(SPAN_LIT("https://WWW.example.com:443/path?param=value"), authority, &message));
    assert_string_equal(component("@target-uri", &message),
                        "\"@target-uri\": https://www.example.com/path?param=value\n\"@signature-params\": ()");
    assert_string_equal(component("@request-target", &message),
                        "\"@request-target\": /path?param=value\n\"@signature-params\": ()");
    assert_string_equal(component("@query", &message), "\"@query\": ?param=value\n\"@signature-params\": ()");
    assert_true(http_sig_url(SPAN_LIT("http://[::1]:8080"), authority, &message));
    assert_string_equal(component("@authority", &message), "\"@authority\": [::1]:8080\n\"@signature-params\": ()");
    assert_string_equal(component("@path", &message), "\"@path\": /\n\"@signature-params\": ()");
    assert_string_equal(component("@query", &message), "\"@query\": ?\n\"@signature-params\": ()");
    assert_true(http_sig_url(SPAN_LIT("http://a.example?x#y"), authority, &message));
    assert_string_equal(component("@target-uri", &message),
                        "\"@target-uri\": http://a.example/?x\n\"@signature-params\": ()");
    assert_false(http_sig_url(SPAN_LIT("ftp://a.example/"), authority, &message));
    assert_false(http_sig_url(SPAN_LIT("http:///path"), authority, &message));
    assert_false(http_sig_url(SPAN_LIT("http://user@a.example/"), authority, &message));
    component("@method", &message);
}

static void keyids(void **state)
{
    (void)state;
    struct buf text, back;
    buf_init(&text, 1024);
    buf_init(&back, 1024);
    http_sig_keyid(SPAN_LIT("\xe6\x97\xa5.example/abc"), &text);
    assert_string_equal(buf_cstr(&text), "%E6%97%A5.example/abc");
    assert_true(http_sig_origin(buf_view(&text), &back));
    assert_string_equal(buf_cstr(&back), "\xe6\x97\xa5.example/abc");
    static const char *const wrong[] = {"%", "%e6", "%E", "%41", "a%G0", "%E6%9"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(http_sig_origin(span_str(wrong[i]), &back));
    buf_done(&text);
    buf_done(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standards_vector),     cmocka_unit_test(digests),
        cmocka_unit_test(what_we_write_is_read),    cmocka_unit_test(a_hook_is_no_members_request),
        cmocka_unit_test(what_is_out_of_form),      cmocka_unit_test(too_much),
        cmocka_unit_test(signatures_have_64_bytes), cmocka_unit_test(components_that_are_not_there),
        cmocka_unit_test(derived_components),       cmocka_unit_test(keyids),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

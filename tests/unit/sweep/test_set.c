/* The compiled set: what went in is found, in order, with its tags; damage is refused or harmless. */
#include "sample.h"

static const char *const names[] = {"evil.com",
                                    "a.evil.com",
                                    "bad.example.net",
                                    "evil.com",
                                    "evil.company",
                                    "zebra.org",
                                    "1.2.3.4",
                                    "1.2.3.0/24",
                                    "2001:db8::/32",
                                    "1.2.3.4:80",
                                    "http://x.example/a",
                                    "user@evil.com",
                                    "d41d8cd98f00b204e9800998ecf8427e",
                                    "/gate.php?id=1",
                                    NULL};

static void test_find(void **state)
{
    (void)state;
    struct sample_set sample;
    struct sweep_ioc ioc;
    struct sweep_set *set = sample_list(&sample, names);
    assert_int_equal(sweep_set_count(set), 13);
    assert_int_equal(sweep_set_count_type(set, IOC_DOMAIN), 5);
    assert_int_equal(sweep_set_count_type(set, IOC_SHA512), 0);
    assert_int_equal(sweep_set_count_type(set, IOC_NONE), 0);
    assert_true(sweep_set_find(set, IOC_DOMAIN, span_str("evil.com"), &ioc));
    assert_int_equal(ioc.type, IOC_DOMAIN);
    assert_true(span_is(ioc.value, "evil.com"));
    assert_int_equal(ioc.tag_count, 2);
    assert_int_equal(ioc.tags[0], 0);
    assert_int_equal(ioc.tags[1], 3);
    assert_true(sweep_set_find(set, IOC_IPV4, span_str("1.2.3.0/24"), &ioc));
    assert_int_equal(ioc.tags[0], 7);
    assert_true(sweep_set_find(set, IOC_URL, span_str("x.example/a"), &ioc));
    assert_true(sweep_set_find(set, IOC_EMAIL, span_str("user@evil.com"), &ioc));
    assert_true(sweep_set_find(set, IOC_URL_PATH, span_str("/gate.php?id=1"), &ioc));
    assert_false(sweep_set_find(set, IOC_DOMAIN, span_str("b.evil.com"), &ioc));
    assert_false(sweep_set_find(set, IOC_DOMAIN, span_str("com"), &ioc));
    assert_false(sweep_set_find(set, IOC_DOMAIN, span_str(""), &ioc));
    assert_false(sweep_set_find(set, IOC_URL, span_str("evil.com"), &ioc));
    assert_false(sweep_set_find(set, IOC_IPV4, span_str("evil.com"), &ioc));
    assert_false(sweep_set_find(set, IOC_NONE, span_str("evil.com"), &ioc));
    sample_done(&sample);
}

static void test_prefix(void **state)
{
    (void)state;
    struct sample_set sample;
    struct sweep_ioc found[8];
    struct sweep_set *set = sample_list(&sample, names);
    assert_int_equal(sweep_set_prefix(set, IOC_DOMAIN, span_str("evil.com"), found, 8), 2);
    assert_true(span_is(found[0].value, "evil.com"));
    assert_true(span_is(found[1].value, "evil.company"));
    assert_int_equal(sweep_set_prefix(set, IOC_DOMAIN, span_str("evil.com"), found, 1), 1);
    assert_int_equal(sweep_set_prefix(set, IOC_DOMAIN, span_str(""), found, 8), 5);
    assert_true(span_is(found[0].value, "a.evil.com"));
    assert_true(span_is(found[4].value, "zebra.org"));
    assert_int_equal(sweep_set_prefix(set, IOC_DOMAIN, span_str("zzz"), found, 8), 0);
    assert_int_equal(sweep_set_prefix(set, IOC_SHA1, span_str(""), found, 8), 0);
    assert_int_equal(sweep_set_prefix(set, IOC_TYPES, span_str(""), found, 8), 0);
    sample_done(&sample);
}

static void test_empty(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    struct sample_set sample;
    struct sweep_ioc ioc;
    struct buf hits;
    struct sweep_set *set = sample_list(&sample, none);
    assert_int_equal(sweep_set_count(set), 0);
    assert_false(sweep_set_find(set, IOC_DOMAIN, span_str("evil.com"), &ioc));
    assert_int_equal(sweep_set_prefix(set, IOC_DOMAIN, span_str(""), &ioc, 1), 0);
    buf_init(&hits, 4096);
    sample_sweep(set, SPAN_LIT("evil.com 1.2.3.4 2001:db8::1 http://a.b/c\n"), 0, &hits);
    assert_int_equal(hits.len, 0);
    buf_done(&hits);
    sample_done(&sample);
}

/* The same tag twice for the same value is one tag; tags come in ascending order whatever the order of adding. */
static void test_tags(void **state)
{
    (void)state;
    static const uint64_t tags[] = {UINT64_MAX, 7, 0, 7, UINT64_C(1) << 40};
    struct sweep_builder *builder = sweep_builder_new(1);
    struct sample_set sample;
    struct sweep_ioc ioc;
    struct err err = {0};
    assert_non_null(builder);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(sweep_builder_add(builder, IOC_DOMAIN, span_str("evil.com"), tags[i], &err), 0);
    struct sweep_set *set = sample_open(&sample, builder);
    assert_int_equal(sweep_set_count(set), 1);
    assert_true(sweep_set_find(set, IOC_DOMAIN, span_str("evil.com"), &ioc));
    assert_int_equal(ioc.tag_count, 4);
    assert_int_equal(ioc.tags[0], 0);
    assert_int_equal(ioc.tags[1], 7);
    assert_int_equal(ioc.tags[2], UINT64_C(1) << 40);
    assert_true(ioc.tags[3] == UINT64_MAX);
    sample_done(&sample);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        enum ioc_type type;
        const char *value;
    } bad[] = {{IOC_DOMAIN, "com"},   {IOC_DOMAIN, ""},       {IOC_DOMAIN, "a..b"},
               {IOC_IPV4, "1.2.3"},   {IOC_IPV6, "1.2.3.4"},  {IOC_IPV4_PORT, "1.2.3.4"},
               {IOC_URL, "evil.com"}, {IOC_NONE, "evil.com"}, {IOC_TYPES, "evil.com"}};
    struct sweep_builder *builder = sweep_builder_new(0);
    assert_non_null(builder);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = {0};
        assert_int_equal(sweep_builder_add(builder, bad[i].type, span_str(bad[i].value), 0, &err), ERR_SYNTAX);
    }
    char huge[SWEEP_TOKEN_MAX + 1];
    struct err err = {0};
    memset(huge, '/', sizeof(huge));
    assert_int_equal(sweep_builder_add(builder, IOC_URL_PATH, span_of(huge, sizeof(huge)), 0, &err), ERR_LIMIT);
    sweep_builder_free(builder);
    sweep_builder_free(NULL);
}

static int refuse(void *ctx, struct span bytes, struct err *err)
{
    (void)bytes;
    int *left = ctx;
    return (*left)-- > 0 ? 0 : err_set(err, ERR_IO, "disk full");
}

/* A disk that fills at any write. */
static void test_full_disk(void **state)
{
    (void)state;
    for (int writes = 0;; writes++) {
        struct sweep_builder *builder = sweep_builder_new(0);
        struct err err = {0};
        int left = writes;
        assert_non_null(builder);
        assert_int_equal(sweep_builder_add(builder, IOC_DOMAIN, span_str("evil.com"), 1, &err), 0);
        int failed = sweep_builder_write(builder, refuse, &left, &err);
        sweep_builder_free(builder);
        if (failed == 0) {
            assert_true(writes >= 8);
            return;
        }
        assert_int_equal(failed, ERR_IO);
    }
}

/* Use everything a set offers; the answers may be wrong, the reads must stay inside (a sanitizer watches). */
static void use(const struct sweep_set *set, struct buf *hits)
{
    struct sweep_ioc found[8];
    buf_clear(hits);
    sample_sweep(set,
                 SPAN_LIT("evil.com 1.2.3.4:80 2001:db8::1 http://x.example/a user@evil.com "
                          "d41d8cd98f00b204e9800998ecf8427e GET /gate.php?id=1 zebra.org evil[.]com\n"),
                 0, hits);
    for (int type = IOC_NONE; type <= IOC_TYPES; type++)
        sweep_set_prefix(set, (enum ioc_type)type, span_str(""), found, 8);
    for (size_t i = 0; names[i]; i++)
        sweep_set_find(set, IOC_DOMAIN, span_str(names[i]), found);
}

/* Flip each byte of a set in turn. The header notices; the tables are read within their bounds. */
static void test_damage(void **state)
{
    (void)state;
    struct sample_set sample;
    struct buf hits;
    struct err err = {0};
    sample_list(&sample, names);
    buf_init(&hits, 1 << 20);
    size_t opened = 0, len = sample.bytes.len;
    for (size_t at = 0; at < len; at++) {
        struct sweep_set *set;
        if (at > 4096 && at % 16 && sample.copy[at] == 0)
            continue; /* the IPv4 map's zeros: one in sixteen will do */
        for (int flip = 0; flip < 2; flip++) {
            uint8_t was = sample.copy[at];
            sample.copy[at] = (uint8_t)(flip ? was ^ 0x80 : was ^ 0x01);
            if (sweep_set_open(span_of(sample.copy, len), &set, &err) == 0) {
                opened++;
                use(set, &hits);
                sweep_set_close(set);
            }
            sample.copy[at] = was;
        }
    }
    assert_true(opened > 0);
    buf_done(&hits);
    sample_done(&sample);
}

static void test_cut(void **state)
{
    (void)state;
    struct sample_set sample;
    sample_list(&sample, names);
    for (size_t len = 0; len < sample.bytes.len; len += len < 1024 ? 1 : 61) {
        struct sweep_set *set;
        struct err err = {0};
        uint8_t *exact = aligned_alloc(64, (len + 64) / 64 * 64);
        assert_non_null(exact);
        memcpy(exact, sample.copy, len);
        assert_int_equal(sweep_set_open(span_of(exact, len), &set, &err), ERR_SYNTAX);
        free(exact);
    }
    sample_done(&sample);
}

/* Many values: each is found, none that was not added. */
static void test_many(void **state)
{
    (void)state;
    struct sweep_builder *builder = sweep_builder_new(20000);
    struct sample_set sample;
    struct err err = {0};
    char text[64];
    assert_non_null(builder);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(text, sizeof(text), "h%u.z%u.example", i, i % 97);
        assert_int_equal(sweep_builder_add(builder, IOC_DOMAIN, span_str(text), i, &err), 0);
        snprintf(text, sizeof(text), "10.%u.%u.7", i / 256, i % 256);
        assert_int_equal(sweep_builder_add(builder, IOC_IPV4, span_str(text), i, &err), 0);
    }
    struct sweep_set *set = sample_open(&sample, builder);
    assert_int_equal(sweep_set_count(set), 40000);
    for (unsigned i = 0; i < 20000; i++) {
        struct sweep_ioc ioc;
        snprintf(text, sizeof(text), "h%u.z%u.example", i, i % 97);
        assert_true(sweep_set_find(set, IOC_DOMAIN, span_str(text), &ioc));
        assert_true(span_is(ioc.value, text));
        assert_int_equal(ioc.tags[0], i);
        snprintf(text, sizeof(text), "h%u.z%u.example", i, i % 97 + 1);
        assert_false(sweep_set_find(set, IOC_DOMAIN, span_str(text), &ioc));
        snprintf(text, sizeof(text), "10.%u.%u.7", i / 256, i % 256);
        assert_true(sweep_set_find(set, IOC_IPV4, span_str(text), &ioc));
        assert_int_equal(ioc.tags[0], i);
    }
    sample_done(&sample);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),   cmocka_unit_test(test_prefix),  cmocka_unit_test(test_empty),
        cmocka_unit_test(test_tags),   cmocka_unit_test(test_refused), cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_damage), cmocka_unit_test(test_cut),     cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Exports: values that hold, each once, in forms that others' programs read without stumbling. */
#include "security/intel.h"

#include "security/intel_help.h"

#define NOW_MS INT64_C(1795348800000) /* 2026-11-22T12:00:00Z */

struct exported {
    struct buf text;
    uint64_t count;
};

static int take(void *ctx, struct span bytes, struct err *err)
{
    (void)err;
    buf_span(ctx, bytes);
    return 0;
}

static void run_export(const struct view *view, const char *format, struct exported *out)
{
    buf_init(&out->text, 256u << 20);
    good(intel_export(view, format, NOW_MS, take, &out->text, &out->count, &err));
    assert_int_equal(out->text.failed, 0);
}

static void expect_export(const struct view *view, const char *format, uint64_t count, const char *expected)
{
    struct exported out;
    run_export(view, format, &out);
    if (strcmp(buf_cstr(&out.text), expected) != 0)
        fail_msg("%s:\n%s---\n%s", format, buf_cstr(&out.text), expected);
    assert_int_equal(out.count, count);
    buf_done(&out.text);
}

struct community {
    struct node node;
    struct made_log a, b;
    struct index *index;
    struct view everybody, ours;
};

static void add(struct made_log *log, enum tlp tlp, unsigned id, const char *pattern, const char *more)
{
    struct sample sample = {.id = id, .name = "n", .pattern = pattern, .more = more};
    made_sample(log, tlp, TIME_MS + id, &sample);
}

static void community_begin(struct community *c)
{
    node_start(&c->node);
    made_begin(&c->a, "a.example");
    made_begin(&c->b, "b.example");
    add(&c->a, TLP_CLEAR, 2, "[domain-name:value = 'evil.example.com']", NULL);
    add(&c->b, TLP_CLEAR, 1, "[domain-name:value = 'evil.example.com']", NULL);
    add(&c->a, TLP_CLEAR, 3, "[ipv4-addr:value = '192.0.2.7']", NULL);
    add(&c->a, TLP_CLEAR, 4, "[ipv4-addr:value = '192.0.2.0/24']", NULL);
    add(&c->a, TLP_CLEAR, 5, "[ipv6-addr:value = '2001:db8::/32']", NULL);
    add(&c->a, TLP_CLEAR, 6, "[ipv6-addr:value = '2001:db8:0:1::5']", NULL);
    add(&c->a, TLP_CLEAR, 7, "[url:value = 'http://evil.example.com/=cmd']", NULL);
    add(&c->a, TLP_CLEAR, 8, "[file:hashes.MD5 = '79054025255fb1a26e4bc422aef54eb4']", NULL);
    add(&c->a, TLP_AMBER, 9, "[domain-name:value = 'amber.example.com']", NULL);
    add(&c->a, TLP_CLEAR, 10, "[domain-name:value = 'revoked.example.com']", ",\"revoked\":true");
    add(&c->a, TLP_CLEAR, 11, "[domain-name:value = 'expired.example.com']",
        ",\"valid_until\":\"2026-11-22T11:59:00Z\"");
    /* A rule in the clothes of a name, and a page in those of a network. */
    add(&c->a, TLP_CLEAR, 12, "[domain-name:value = '1.0.0.0.0.rpz-ip']", NULL);
    add(&c->a, TLP_CLEAR, 13, "[url:value = 'http://192.0.2.9/24']", NULL);
    made_feed(&c->a, c->node.store, c->a.count, true);
    made_feed(&c->b, c->node.store, c->b.count, true);
    c->index = index_of(&c->node);
    update(c->index, c->node.store);
    c->everybody = public_view(c->node.store, c->index);
    c->ours = operator_view(c->node.store, c->index);
}

static void community_end(struct community *c)
{
    index_close(c->index);
    made_end(&c->a);
    made_end(&c->b);
    node_stop(&c->node);
}

static void plain_formats(void **state)
{
    (void)state;
    struct community c;
    community_begin(&c);
    expect_export(&c.everybody, "list", 9,
                  "192.0.2.0/24\n192.0.2.7\n2001:db8:0:1::5\n2001:db8::/32\n1.0.0.0.0.rpz-ip\nevil.example.com\n"
                  "http://192.0.2.9/24\nevil.example.com/=cmd\n79054025255fb1a26e4bc422aef54eb4\n");
    struct exported out;
    run_export(&c.ours, "list", &out);
    assert_non_null(strstr(buf_cstr(&out.text), "amber.example.com\n"));
    assert_null(strstr(buf_cstr(&out.text), "revoked"));
    assert_null(strstr(buf_cstr(&out.text), "expired"));
    assert_int_equal(out.count, 10);
    buf_done(&out.text);

    run_export(&c.everybody, "hosts", &out);
    assert_int_equal(out.count, 2);
    assert_non_null(strstr(buf_cstr(&out.text), "\n0.0.0.0 evil.example.com\n"));
    buf_done(&out.text);

    expect_export(&c.everybody, "rpz", 5,
                  "$TTL 300\n"
                  "@ IN SOA localhost. hostmaster.localhost. 1795348800 3600 600 86400 300\n"
                  "@ IN NS localhost.\n"
                  "24.0.2.0.192.rpz-ip CNAME .\n"
                  "32.7.2.0.192.rpz-ip CNAME .\n"
                  "128.5.zz.1.0.db8.2001.rpz-ip CNAME .\n"
                  "32.zz.db8.2001.rpz-ip CNAME .\n"
                  "evil.example.com CNAME .\n"
                  "*.evil.example.com CNAME .\n");
    community_end(&c);
}

static void tables(void **state)
{
    (void)state;
    struct community c;
    struct exported out;
    char line[512];
    community_begin(&c);
    run_export(&c.everybody, "csv", &out);
    assert_int_equal(out.count, 9);
    const char *text = buf_cstr(&out.text);
    assert_int_equal(strncmp(text, "type,value,reporter,time,record\r\n", 33), 0);
    /* The first report in canonical order: b's. */
    snprintf(line, sizeof(line), "\r\n\"domain\",\"evil.example.com\",\"%s\",\"2026-11-18T11:06:40.001Z\",\"%s/1\"\r\n",
             c.b.origin, c.b.origin);
    if (!strstr(text, line))
        fail_msg("%s---\n%s", text, line);
    assert_non_null(strstr(text, "\"url\",\"evil.example.com/=cmd\""));
    buf_done(&out.text);
    struct err err = {0};
    uint64_t count;
    assert_int_equal(intel_export(&c.everybody, "xml", NOW_MS, take, &out.text, &count, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "list, hosts, rpz, csv, stix"));
    community_end(&c);
}

/* Values that a spreadsheet or a zone file would take for more than they are. */
static void hostile_values(void **state)
{
    (void)state;
    struct node node;
    struct made_log a;
    node_start(&node);
    made_begin(&a, "a.example");
    add(&a, TLP_CLEAR, 1, "[email-addr:value = '=cmd@example.com']", NULL);
    add(&a, TLP_CLEAR, 2, "[url:value = 'http://example.com/a\\\"b,c']", NULL);
    add(&a, TLP_CLEAR, 3, "[url:value = 'http://example.com/x\\\\nexample.org']", NULL);
    add(&a, TLP_CLEAR, 4, "[network-traffic:extensions.'http-request-ext'.request_value = '/+1;x']", NULL);
    char name[260] = "[domain-name:value = '";
    for (int i = 0; i < 4; i++)
        strcat(name, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.");
    strcat(name, "com']");
    add(&a, TLP_CLEAR, 5, name, NULL);
    made_feed(&a, node.store, a.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    struct view view = public_view(node.store, index);
    for (size_t i = 0; intel_export_formats[i]; i++) {
        struct exported out;
        run_export(&view, intel_export_formats[i], &out);
        const char *text = buf_cstr(&out.text);
        assert_int_equal(strlen(text), out.text.len);
        for (const char *line = text; *line; line = strchr(line, '\n') + 1)
            assert_false(strncmp(line, "example.org", 11) == 0);
        if (strcmp(intel_export_formats[i], "rpz") == 0)
            assert_int_equal(out.count, 0); /* the name leaves no room for a zone's */
        if (strcmp(intel_export_formats[i], "hosts") == 0)
            assert_int_equal(out.count, 1);
        if (strcmp(intel_export_formats[i], "csv") == 0) {
            assert_null(strstr(text, "\"=cmd"));
            if (strstr(text, "cmd@"))
                assert_non_null(strstr(text, "\"'=cmd@example.com\""));
        }
        buf_done(&out.text);
    }
    index_close(index);
    made_end(&a);
    node_stop(&node);
}

/* ---- STIX ---- */

static json_t *parse_bundle(struct exported *out)
{
    json_t *bundle = NULL;
    struct err err = {0};
    bundle = json_small_load(buf_view(&out->text), &err);
    if (!bundle)
        fail_msg("%s", err.text);
    assert_string_equal(json_string_value(json_object_get(bundle, "type")), "bundle");
    assert_int_equal(strncmp(json_string_value(json_object_get(bundle, "id")), "bundle--", 8), 0);
    return bundle;
}

static void bundle_of_objects(void **state)
{
    (void)state;
    struct community c;
    struct exported out, again;
    community_begin(&c);
    /* Two members carry one object; the newer version counts. And one that is no indicator. */
    struct sample older = {.id = 50, .version = 1, .name = "old", .pattern = "[file:name = 'x']"}, newer = older;
    newer.version = 2;
    newer.name = "new  spacing is kept ";
    made_sample(&c.a, TLP_CLEAR, TIME_MS, &newer);
    made_sample(&c.b, TLP_CLEAR, TIME_MS, &older);
    made_record(&c.b, STIX_KIND, TLP_CLEAR, TIME_MS, STIX_TYPE,
                "{ \"type\" : \"domain-name\",\n\"id\":\"domain-name--aaaaaaaa-0000-4000-8000-000000000000\","
                "\"value\":\"a.com\" }\n");
    made_feed(&c.a, c.node.store, c.a.count, true);
    made_feed(&c.b, c.node.store, c.b.count, true);
    update(c.index, c.node.store);
    struct view view = public_view(c.node.store, c.index);
    run_export(&view, "stix", &out);
    assert_int_equal(out.count, 10 + 2);
    json_t *bundle = parse_bundle(&out);
    assert_int_equal(json_array_size(json_object_get(bundle, "objects")), 12);
    const char *text = buf_cstr(&out.text);
    assert_non_null(strstr(text, "{ \"type\" : \"domain-name\",\n\"id\""));
    assert_non_null(strstr(text, "new  spacing is kept "));
    assert_null(strstr(text, "\"old\""));
    assert_null(strstr(text, "amber"));
    json_decref(bundle);

    /* The same bytes from another node that learnt of the logs in another order. */
    struct node other;
    node_start(&other);
    made_feed(&c.b, other.store, c.b.count, true);
    made_feed(&c.a, other.store, c.a.count, true);
    struct index *index = index_of(&other);
    update(index, other.store);
    struct view far = public_view(other.store, index);
    run_export(&far, "stix", &again);
    assert_string_equal(buf_cstr(&again.text), text);
    index_close(index);
    node_stop(&other);
    buf_done(&out.text);
    buf_done(&again.text);
    community_end(&c);
}

static void bundle_of_nothing(void **state)
{
    (void)state;
    struct node node;
    struct exported out;
    node_start(&node);
    struct index *index = index_of(&node);
    struct view view = public_view(node.store, index);
    run_export(&view, "stix", &out);
    json_t *bundle = parse_bundle(&out);
    assert_null(json_object_get(bundle, "objects"));
    json_decref(bundle);
    assert_int_equal(out.count, 0);
    buf_done(&out.text);
    index_close(index);
    node_stop(&node);
}

static int refuse(void *ctx, struct span bytes, struct err *err)
{
    (void)ctx;
    (void)bytes;
    return err_set(err, ERR_IO, "the disk is full");
}

static void a_full_disk_ends_it(void **state)
{
    (void)state;
    struct community c;
    uint64_t count;
    community_begin(&c);
    for (size_t i = 0; intel_export_formats[i]; i++)
        bad(intel_export(&c.everybody, intel_export_formats[i], NOW_MS, refuse, NULL, &count, &err), ERR_IO, "full");
    /* No snapshot stays open: the index goes on. */
    made_domain(&c.a, TLP_CLEAR, TIME_MS, 90, 0, "later.example", NULL);
    made_feed(&c.a, c.node.store, c.a.count, true);
    assert_int_equal(update(c.index, c.node.store), 1);
    community_end(&c);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_formats),     cmocka_unit_test(tables),
        cmocka_unit_test(hostile_values),    cmocka_unit_test(bundle_of_objects),
        cmocka_unit_test(bundle_of_nothing), cmocka_unit_test(a_full_disk_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

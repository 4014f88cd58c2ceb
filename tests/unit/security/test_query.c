/* Asking: search as one types, one value's provenance, counts; and who gets to see which rows. */
#include "security/intel.h"

#include "security/intel_help.h"

struct community {
    struct node node;
    struct made_log a, b;
    struct index *index;
    struct view everybody, ours;
};

#define CHINESE_NAME "\\u5173\\u952e\\u57fa\\u7840\\u8bbe\\u65bd\\u653b\\u51fb" /* attack on critical infrastructure */

static void community_begin(struct community *c)
{
    node_start(&c->node);
    made_begin(&c->a, "a.example");
    made_begin(&c->b, "b.example");
    /* a: 1 */ made_domain(&c->a, TLP_CLEAR, TIME_MS + 20, 1, 0, "evil.example.com", ",\"labels\":[\"WannaCry\"]");
    /* b: 1 */ made_domain(&c->b, TLP_CLEAR, TIME_MS + 10, 1, 0, "evil.example.com", NULL);
    /* a: 2 */ made_domain(&c->a, TLP_GREEN, TIME_MS + 30, 2, 0, "evil.example.org", NULL);
    /* a: 3 */ made_domain(&c->a, TLP_CLEAR, TIME_MS + 30, 3, 0, "example.net", ",\"revoked\":true");
    struct sample net = {.id = 4, .name = "net", .pattern = "[ipv4-addr:value ISSUBSET '198.51.100.0/24']"};
    /* a: 4 */ made_sample(&c->a, TLP_CLEAR, TIME_MS, &net);
    struct sample host = {.id = 5, .name = "host", .pattern = "[ipv4-addr:value = '198.51.100.7']"};
    /* b: 2 */ made_sample(&c->b, TLP_CLEAR, TIME_MS, &host);
    struct sample url = {.id = 6, .name = "url", .pattern = "[url:value = 'http://evil.example.com/drop/a.exe']"};
    /* b: 3 */ made_sample(&c->b, TLP_CLEAR, TIME_MS, &url);
    struct sample text = {.id = 7,
                          .name = CHINESE_NAME,
                          .pattern = "[file:name = 'x']",
                          .more = ",\"description\":\"Sandworm, \\u6076\\u610f\\u8f6f\\u4ef6 CVE-2021-44228\","
                                  "\"external_references\":[{\"source_name\":\"m\",\"external_id\":\"T0806\"}]"};
    /* b: 4 */ made_sample(&c->b, TLP_CLEAR, TIME_MS, &text);
    struct sample hidden = {.id = 8, .name = "Sandworm tools", .pattern = "[file:name = 'y']"};
    /* b: 5 */ made_sample(&c->b, TLP_AMBER, TIME_MS, &hidden);
    /* a: 5, a newer version of a: 1 */
    made_domain(&c->a, TLP_CLEAR, TIME_MS + 40, 1, 9, "evil.example.com", ",\"labels\":[\"WannaCry\"]");
    made_feed(&c->b, c->node.store, c->b.count, true);
    made_feed(&c->a, c->node.store, c->a.count, true);
    c->index = index_of(&c->node);
    update(c->index, c->node.store);
    c->everybody = public_view(c->node.store, c->index);
    c->ours = operator_view(c->node.store, c->index);
}

static bool passed_over;

static void community_end(struct community *c)
{
    index_close(c->index);
    made_end(&c->a);
    made_end(&c->b);
    node_stop(&c->node);
}

static void expect_search(const struct view *view, const char *text, size_t max, const char *expected)
{
    struct rows_text rows = {.text = ""};
    passed_over = true;
    good(intel_search(view, span_str(text), max, rows_add_text, &rows, &passed_over, &err));
    assert_false(passed_over);
    if (strcmp(rows.text, expected) != 0)
        fail_msg("search \"%s\": \"%s\", expected \"%s\"", text, rows.text, expected);
}

#define EVIL "b/1 evil.example.com|a/5 evil.example.com|"
#define DROP "b/3 evil.example.com/drop/a.exe|"

static void search_by_value(void **state)
{
    (void)state;
    struct community c;
    community_begin(&c);
    const struct view *v = &c.everybody;
    expect_search(v, "evil.example.com", 99, EVIL DROP);
    expect_search(v, "  EVIL[.]example.com ", 99, EVIL DROP);
    expect_search(v, "www.evil.example.com", 99, EVIL);
    expect_search(v, "hxxp://evil.example.com/drop/a.exe", 99, DROP EVIL);
    expect_search(v, "198.51.100.7", 99, "b/2 198.51.100.7|a/4 198.51.100.0/24|");
    expect_search(v, "198.51.100.9", 99, "a/4 198.51.100.0/24|");
    expect_search(v, "198.51.100.0/24", 99, "a/4 198.51.100.0/24|");
    expect_search(v, "198.51.1", 99, "a/4 198.51.100.0/24|b/2 198.51.100.7|");
    expect_search(v, "evi", 99, EVIL DROP);
    expect_search(v, "evi", 1, "b/1 evil.example.com|");
    expect_search(v, "evi", 0, "");
    expect_search(v, "http://evil.ex", 99, EVIL DROP);
    expect_search(v, "example.net", 99, "a/3 example.net!|");
    expect_search(v, "vil.example.com", 99, "");
    expect_search(v, "", 99, "");
    expect_search(v, "   ", 99, "");
    expect_search(v, "e", 99, "");
    expect_search(v, "wannac", 99, "a/5 evil.example.com|");
    expect_search(&c.ours, "evi", 99, EVIL "a/2 evil.example.org|" DROP);
    community_end(&c);
}

static void search_by_word(void **state)
{
    (void)state;
    struct community c;
    community_begin(&c);
    const struct view *v = &c.everybody;
    const char *chinese =
        "b/4 \xe5\x85\xb3\xe9\x94\xae\xe5\x9f\xba\xe7\xa1\x80\xe8\xae\xbe\xe6\x96\xbd\xe6\x94\xbb\xe5\x87\xbb|";
    expect_search(v, "sandworm", 99, chinese);
    expect_search(v, "Sandw", 99, chinese);
    expect_search(
        &c.ours, "sandworm", 99,
        "b/4 \xe5\x85\xb3\xe9\x94\xae\xe5\x9f\xba\xe7\xa1\x80\xe8\xae\xbe\xe6\x96\xbd\xe6\x94\xbb\xe5\x87\xbb|"
        "b/5 Sandworm tools|");
    /* Two characters in the middle of a name, and of a sentence; characters in another order are no word. */
    expect_search(v, "\xe5\x9f\xba\xe7\xa1\x80", 99, chinese);
    expect_search(v, "\xe8\xbd\xaf\xe4\xbb\xb6 sandworm", 99, chinese);
    expect_search(v, "\xe7\xa1\x80\xe5\x9f\xba", 99, "");
    expect_search(v, "T0806", 99, chinese);
    expect_search(v, "cve-2021-44228", 99, chinese);
    /* Nothing that is typed is syntax. */
    static const char *const odd[] = {
        "\"",  "sandworm\" OR \"x", "NEAR(a b)",    "name:sandworm x", "-", "*", "a AND", "^sandworm",
        "( )", "\xff\xfe",          "'; DROP TABLE"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct rows_text rows = {.text = ""};
        good(intel_search(v, span_str(odd[i]), 99, rows_add_text, &rows, &passed_over, &err));
    }
    char id[64], uuid[40];
    make_uuid(uuid, '4', 1);
    snprintf(id, sizeof(id), "indicator--%s", uuid);
    expect_search(v, id, 99, "b/1 evil.example.com|");
    make_uuid(uuid, '4', 8);
    snprintf(id, sizeof(id), "indicator--%s", uuid);
    expect_search(v, id, 99, "");
    expect_search(&c.ours, id, 99, "b/5 Sandworm tools|");
    community_end(&c);
}

static void one_value_in_canonical_order(void **state)
{
    (void)state;
    struct community c;
    community_begin(&c);
    struct rows_text rows = {.text = ""};
    good(intel_value(&c.everybody, IOC_DOMAIN, SPAN_LIT("evil.example.com"), rows_add_text, &rows, &passed_over, &err));
    assert_string_equal(rows.text, "b/1 evil.example.com|a/1 evil.example.com!|a/5 evil.example.com|");
    rows = (struct rows_text){.text = ""};
    good(intel_value(&c.everybody, IOC_DOMAIN, SPAN_LIT("evil.example.org"), rows_add_text, &rows, &passed_over, &err));
    assert_string_equal(rows.text, "");
    good(intel_value(&c.ours, IOC_DOMAIN, SPAN_LIT("evil.example.org"), rows_add_text, &rows, &passed_over, &err));
    assert_string_equal(rows.text, "a/2 evil.example.org|");
    community_end(&c);
}

static void counts_by_viewer(void **state)
{
    (void)state;
    struct community c;
    struct intel_counts counts;
    community_begin(&c);
    for (int pass = 0; pass < 2; pass++) {
        good(intel_counts(&c.everybody, &counts, &err));
        assert_int_equal(counts.objects, 6); /* ids: 1 (of both, in two versions), 3, 4, 5, 6, 7 */
        assert_int_equal(counts.indicators, 6);
        assert_int_equal(counts.values, 5);
        assert_int_equal(counts.by_type[IOC_DOMAIN], 2);
        assert_int_equal(counts.by_type[IOC_IPV4], 2);
        assert_int_equal(counts.by_type[IOC_URL], 1);
        good(intel_counts(&c.ours, &counts, &err));
        assert_int_equal(counts.objects, 8);
        assert_int_equal(counts.by_type[IOC_DOMAIN], 3);
    }
    made_domain(&c.a, TLP_CLEAR, TIME_MS, 99, 0, "new.example", NULL);
    made_feed(&c.a, c.node.store, c.a.count, true);
    update(c.index, c.node.store);
    good(intel_counts(&c.everybody, &counts, &err));
    assert_int_equal(counts.objects, 7);
    assert_int_equal(counts.values, 6);
    struct view without = public_view(c.node.store, NULL);
    struct rows_text rows = {.text = ""};
    bad(intel_counts(&without, &counts, &err), ERR_USAGE, "index");
    bad(intel_search(&without, SPAN_LIT("x.example"), 9, rows_add_text, &rows, &passed_over, &err), ERR_USAGE, "index");
    community_end(&c);
}

/* Erased, but the index has not heard of it: no row. */
static void erased_is_not_found(void **state)
{
    (void)state;
    struct community c;
    struct log_info log;
    community_begin(&c);
    good(store_log_by_origin(c.node.store, span_str(c.b.origin), &log, &err));
    good(payload_erase(c.node.store, log.number, 1, &err));
    struct view later = public_view(c.node.store, c.index);
    expect_search(&later, "evil.example.com", 99, "a/5 evil.example.com|" DROP);
    community_end(&c);
}

static void values_of_the_operator_s_logs_stay(void **state)
{
    (void)state;
    struct node node;
    struct log_info local;
    struct author_new make = {.time_ms = TIME_MS, .role = LOG_LOCAL};
    uint64_t first;
    char body[4096];
    node_start(&node);
    snprintf(make.profile.name, sizeof(make.profile.name), "local.example");
    make.profile.class = CLASS_CIVIL;
    good(author_create(node.store, &make, &local, &err));
    struct sample sample = {.id = 1, .name = "bought.example", .pattern = "[domain-name:value = 'bought.example']"};
    sample_json(&sample, body, sizeof(body));
    struct buf text;
    buf_init(&text, PAYLOAD_MAX);
    struct record_draft draft = {
        .kind = STIX_KIND, .time_ms = TIME_MS, .tlp = TLP_CLEAR, .type = SPAN_LIT(STIX_TYPE), .body = span_str(body)};
    good(record_write(&draft, &text, &err));
    struct author_item item = {.text = buf_view(&text), .clear = true};
    good(author_append(node.store, local.number, &item, 1, TIME_MS, &first, &err));
    buf_done(&text);
    struct index *index = index_of(&node);
    update(index, node.store);
    struct view everybody = public_view(node.store, index), ours = operator_view(node.store, index);
    struct intel_counts counts;
    expect_search(&everybody, "bought", 9, "");
    expect_search(&ours, "bought", 9, "l/1 bought.example|");
    good(intel_counts(&everybody, &counts, &err));
    assert_int_equal(counts.objects + counts.values, 0);
    index_close(index);
    node_stop(&node);
}

static void expect_name(const struct view *view, const char *id, const char *expected)
{
    struct arena arena;
    struct span name;
    arena_init(&arena, 1u << 20);
    good(intel_name(view, span_str(id), &arena, &name, &err));
    assert_int_equal(name.len, strlen(expected));
    if (name.len > 0)
        assert_memory_equal(name.data, expected, name.len);
    arena_done(&arena);
}

static void names_by_id(void **state)
{
    (void)state;
    struct community c;
    char uuid[40], id[64];
    community_begin(&c);
    make_uuid(uuid, '4', 4);
    snprintf(id, sizeof(id), "indicator--%s", uuid);
    expect_name(&c.everybody, id, "net");
    make_uuid(uuid, '4', 8);
    snprintf(id, sizeof(id), "indicator--%s", uuid);
    expect_name(&c.everybody, id, "");
    expect_name(&c.ours, id, "Sandworm tools");
    expect_name(&c.ours, "net", "");
    community_end(&c);
}

#define LONG_RECORDS 10
#define LONG_BYTES (15u << 20)

/* Whoever says long things makes no question slow: beyond so many bytes they are passed over, the short ones are not. */
static void long_records_have_an_end(void **state)
{
    (void)state;
    struct node node;
    struct made_log made;
    struct rows_text rows = {.text = ""};
    char *body = malloc(LONG_BYTES + 4096), json[2048];
    assert_non_null(body);
    node_start(&node);
    made_begin(&made, "l.example");
    for (unsigned i = 0; i <= LONG_RECORDS; i++) {
        struct sample sample = {.id = 100 + i, .name = "lengthy", .pattern = "[file:name = 'z']"};
        sample_json(&sample, json, sizeof(json));
        size_t blanks = i < LONG_RECORDS ? LONG_BYTES : 0;
        memset(body, ' ', blanks);
        body[0] = '{';
        strcpy(body + (blanks ? blanks : 1), json + 1);
        made_record(&made, STIX_KIND, TLP_CLEAR, TIME_MS + (int64_t)i, STIX_TYPE, body);
    }
    made_feed(&made, node.store, made.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    struct view view = public_view(node.store, index);
    good(intel_search(&view, SPAN_LIT("lengthy"), 200, rows_add_text, &rows, &passed_over, &err));
    assert_true(passed_over);
    assert_int_equal(rows.count, (128u / 15) + 1 + 1); /* the last one that is begun in time, and the short one */
    assert_non_null(strstr(rows.text, "l/11 "));
    char uuid[40], id[64];
    make_uuid(uuid, '4', 100);
    snprintf(id, sizeof(id), "indicator--%s", uuid);
    expect_name(&view, id, "");
    make_uuid(uuid, '4', 100 + LONG_RECORDS);
    snprintf(id, sizeof(id), "indicator--%s", uuid);
    expect_name(&view, id, "lengthy");
    free(body);
    index_close(index);
    made_end(&made);
    node_stop(&node);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_by_value),
        cmocka_unit_test(search_by_word),
        cmocka_unit_test(one_value_in_canonical_order),
        cmocka_unit_test(counts_by_viewer),
        cmocka_unit_test(erased_is_not_found),
        cmocka_unit_test(names_by_id),
        cmocka_unit_test(long_records_have_an_end),
        cmocka_unit_test(values_of_the_operator_s_logs_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Maltrail's trails: families, references, comments, and the lines that are no indicator. */
#include "security/read_help.h"

static const char trail[] = "# Copyright (c) somebody\n"
                            "# See the file 'LICENSE' for copying permission\n"
                            "\n"
                            "# Aliases: MyRTUs, other\n"
                            "\n"
                            "# Reference: http://www.example.org/dossier.pdf\n"
                            "# Reference: https://example.net/two (# said so)\n"
                            "\n"
                            "mypremierfutbol.com\n"
                            "1.2.3.4:8080\n"
                            "\n"
                            "# Reference: https://example.com/three\n"
                            "\n"
                            "http://5.6.7.8\n"
                            "167.99.165.0/24 # binaryedge.ninja\n"
                            "/wp-includes/7gySgTg/\n"
                            "2604:a880:cad:d0::bd1:1001\n"
                            ".co.example\n"
                            ".cc\n"
                            "free\n"
                            "security[a-z]{3}\\-[a-z]{3,5}\\.top\n"
                            "161.35.41.9:53:53\n"
                            "support\xc2\xac"
                            "forum.org\n"
                            "neurotonix-buy.us    # was: neurotonix\xe2\x80\x93"
                            "buy.us\n";

static void test_trail(void **state)
{
    (void)state;
    static const struct {
        enum ioc_type type;
        const char *value;
        uint64_t line;
    } want[] = {
        {IOC_DOMAIN, "mypremierfutbol.com", 9},
        {IOC_IPV4_PORT, "1.2.3.4:8080", 10},
        {IOC_URL, "5.6.7.8/", 14},
        {IOC_IPV4, "167.99.165.0/24", 15},
        {IOC_URL_PATH, "/wp-includes/7gySgTg/", 16},
        {IOC_IPV6, "2604:a880:cad:d0::bd1:1001", 17},
        {IOC_DOMAIN, "co.example", 18},
        {IOC_DOMAIN, "neurotonix-buy.us", 24},
    };
    struct got got;
    got_text(&got, IMPORT_MALTRAIL, "trails.tar.xz:trails/static/malware/apt_stuxnet.txt", trail);
    assert_int_equal(got.item_count, sizeof(want) / sizeof(want[0]));
    for (size_t i = 0; i < got.item_count; i++) {
        assert_int_equal(got.items[i].item.ioc_type, want[i].type);
        assert_string_equal(got.items[i].value, want[i].value);
        assert_int_equal(got.items[i].item.line, want[i].line);
        assert_non_null(strstr(got.items[i].object, "\"labels\":[\"apt stuxnet\"]"));
    }
    static const uint64_t bad[] = {19, 20, 21, 22, 23};
    assert_int_equal(got.bad_count, 5);
    for (size_t i = 0; i < got.bad_count; i++)
        assert_int_equal(got.bads[i].line, bad[i]);
    got_done(&got);
}

static void test_notes(void **state)
{
    (void)state;
    struct got got;
    got_text(&got, IMPORT_MALTRAIL, "apt_stuxnet.txt", trail);
    const char *first = got.items[0].object, *second = got.items[1].object, *third = got.items[2].object;
    assert_non_null(strstr(first, "\"external_references\":[{\"source_name\":\"Maltrail\",\"url\":"
                                  "\"http://www.example.org/dossier.pdf\"},{\"source_name\":\"Maltrail\",\"url\":"
                                  "\"https://example.net/two\"}]"));
    assert_non_null(strstr(second, "dossier.pdf"));
    assert_null(strstr(third, "dossier.pdf"));
    assert_non_null(strstr(third, "https://example.com/three"));
    check_member(first, "description", "aliases: MyRTUs, other");
    check_member(got.items[3].object, "description", "binaryedge.ninja; aliases: MyRTUs, other");
    got_done(&got);
}

static void test_many_references(void **state)
{
    (void)state;
    struct got got;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 100; i++)
        buf_fmt(&text, "# Reference: https://example.com/%d\n", i);
    buf_str(&text, "# Reference: ");
    for (int i = 0; i < 60000; i++)
        buf_byte(&text, 'x');
    buf_str(&text, "\nevil.com\n");
    got_read(&got, IMPORT_MALTRAIL, "x.txt", buf_view(&text), 0, 777);
    assert_int_equal(got.item_count, 1);
    assert_int_equal(got.bad_count, 0);
    assert_true(strlen(got.items[0].object) < 2000);
    got_done(&got);
    buf_done(&text);
}

static void test_cuts(void **state)
{
    (void)state;
    check_every_cut(IMPORT_MALTRAIL, "apt_stuxnet.txt", span_str(trail));
}

/* The samples that we ship: every line that is neither empty nor a comment is an indicator. */
static void test_samples(void **state)
{
    static const char *const paths[] = {"samples/maltrail/wannacry.txt", "samples/maltrail/apt_stuxnet.txt"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct got got;
        struct span text = sample_read(paths[i]);
        size_t values = 0;
        for (size_t at = 0; at < text.len; at++)
            values += (at == 0 || text.data[at - 1] == '\n') && text.data[at] != '#' && text.data[at] != '\n';
        got_read(&got, IMPORT_MALTRAIL, paths[i], text, 0, 4096);
        assert_true(values >= 2);
        assert_int_equal(got.item_count, values);
        assert_int_equal(got.bad_count, 0);
        got_done(&got);
        data_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trail), cmocka_unit_test(test_notes),   cmocka_unit_test(test_many_references),
        cmocka_unit_test(test_cuts),  cmocka_unit_test(test_samples),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

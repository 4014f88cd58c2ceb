/* Where notices are told: what an operator writes, and what nobody should be able to make of it. */
#include "tell/target.h"

#include "state/node.h"

static struct target parsed(const char *text, bool inside, const char *wanted_form)
{
    struct target target;
    char form[PEER_URL_MAX + 1];
    good(target_parse(span_str(text), inside, &target, form, &err));
    assert_string_equal(form, wanted_form);
    return target;
}

static void taken(void **state)
{
    (void)state;
    struct target t =
        parsed("https://Hooks.Example.org/services/T0/x?key=1", false, "https://hooks.example.org/services/T0/x?key=1");
    assert_true(target_kind(&t) == TELLER_HOOK && t.port == 443 && target_port(&t) == 443);
    assert_string_equal(t.host, "hooks.example.org");
    t = parsed("http://127.0.0.1:8080/", true, "http://127.0.0.1:8080/");
    assert_int_equal(target_port(&t), 8080);
    t = parsed("mailto:a.b+c@example.org", false, "mailto:a.b+c@example.org");
    assert_true(target_kind(&t) == TELLER_MAIL && target_port(&t) == 0);
    t = parsed("local", false, "local");
    assert_true(target_kind(&t) == TELLER_SYSLOG && t.way == TARGET_FILE);
    assert_string_equal(t.path, "/dev/log");
    (void)parsed("unix:/dev/log", false, "local"); /* the same one would be told twice */
    t = parsed("unix:/run/log", false, "unix:/run/log");
    assert_string_equal(t.path, "/run/log");
    t = parsed("udp://log.example.org:514", false, "udp://log.example.org:514");
    assert_true(t.way == TARGET_UDP && t.port == 514 && target_port(&t) == 0); /* Landlock knows TCP alone */
    t = parsed("tls://[2001:db8::1]:6514", false, "tls://[2001:db8::1]:6514");
    assert_string_equal(t.host, "2001:db8::1");
    assert_int_equal(target_port(&t), 6514);
    good(target_parse_server(SPAN_LIT("smtp://mail.example.org:587"), &t, &err));
    assert_int_equal(target_port(&t), 587);
    good(target_parse_server(SPAN_LIT("smtps://mail.example.org"), &t, &err));
    assert_int_equal(target_port(&t), 465);
}

static void refused(void **state)
{
    (void)state;
    static const char a_long_path[] = "unix:/01234567890123456789012345678901234567890123456789"
                                      "0123456789012345678901234567890123456789012345678901234567";
    static const char *const wrong[] = {
        "",
        "x",
        "https://",
        "https:///x",
        "https://u:p@h.example/",
        "https://h.example/a b",
        "https://h.example/\r\nX: y",
        "http://h.example/", /* without TLS, and not inside */
        "ftp://h.example/",
        "file:///etc/passwd",
        "gopher://h.example:25/",
        "smtp://h.example",
        "mailto:",
        "mailto:a",
        "mailto:@b.example",
        "mailto:a@",
        "mailto:a@b.example,c@d.example",
        "mailto:a@b.example\r\nBcc: x@y.example",
        "mailto:\"a\"@b.example",
        "mailto:a..b@c.example",
        "mailto:.a@b.example",
        "mailto:a@b..example",
        "mailto:a b@c.example",
        "mailto:a@b.example?cc=x@y.example",
        "mailto:a@b@c.example",
        "mailto:<a@b.example>",
        "mailto:\xc3\xa9@b.example",
        "unix:",
        "unix:run/log",
        "unix:/a\nb",
        "udp://h.example",
        "udp://h.example:0",
        "udp://h.example:65536",
        "udp://:514",
        "tcp://h.example:514/x",
        "tcp://u@h.example:514",
        "tls://[::1]",
        "tls://[::1:6514",
        "tls://h.example:6514\r\nx",
        "tcp://-oProxyCommand:22",
        "tcp://h.example:5 14",
        "udp://h%2eexample:514",
        a_long_path,
    };
    struct target target;
    char form[PEER_URL_MAX + 1], long_one[PEER_URL_MAX + 64];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        if (target_parse(span_str(wrong[i]), false, &target, form, &err) != ERR_USAGE)
            fail_msg("taken: %s", wrong[i]);
        for (const char *c = err.text; *c; c++)
            assert_true((unsigned char)*c >= ' ');
    }
    memset(long_one, 'a', sizeof long_one);
    memcpy(long_one, "https://", 8);
    long_one[sizeof long_one - 1] = '\0';
    bad(target_parse(span_str(long_one), false, &target, form, &err), ERR_USAGE, "");
    memcpy(long_one, "tcp:////", 6);
    bad(target_parse(span_str(long_one), false, &target, form, &err), ERR_USAGE, "must be");
    bad(target_parse(SPAN_LIT("mailto:a\0b@c.example"), false, &target, form, &err), ERR_USAGE, "must be");
    static const char *const servers[] = {"",
                                          "smtp://",
                                          "http://h.example",
                                          "smtp://h.example/path",
                                          "smtp://u:p@h.example",
                                          "smtp://h.example:0",
                                          "smtp://h.example\r\n",
                                          "smtp://h.example:25 "};
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++)
        bad(target_parse_server(span_str(servers[i]), &target, &err), ERR_USAGE, "must be smtp://");
}

static void shown(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"https://hooks.example.org/services/T0/secret", "https://hooks.example.org/..."},
        {"https://hooks.example.org:8443?key=secret", "https://hooks.example.org:8443/..."},
        {"https://hooks.example.org/", "https://hooks.example.org"},
        {"https://hooks.example.org", "https://hooks.example.org"}};
    struct teller teller = {.kind = TELLER_HOOK};
    char out[TELLER_SHOWN_MAX];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        snprintf(teller.target, sizeof teller.target, "%s", pairs[i][0]);
        teller_shown(&teller, out);
        assert_string_equal(out, pairs[i][1]);
    }
    teller.kind = TELLER_SYSLOG;
    snprintf(teller.target, sizeof teller.target, "unix:/run/log");
    teller_shown(&teller, out);
    assert_string_equal(out, "unix:/run/log");
    teller.kind = TELLER_HOOK;
    memset(teller.target, 'h', sizeof teller.target - 1);
    memcpy(teller.target, "https://", 8);
    teller_shown(&teller, out);
    assert_true(strlen(out) < sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(taken), cmocka_unit_test(refused), cmocka_unit_test(shown)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tokens of real logs, wherever they stand and however the input is cut. */
#include "sample.h"
#include "sweep/token.h"

static const char *const indicators[] = {"evil.com",
                                         "deep.sub.other.net",
                                         "b\xc3\xbc"
                                         "cher.example",
                                         "6.6.6.6",
                                         "7.7.0.0/16",
                                         "7.7.7.0/24",
                                         "9.9.9.9:4444",
                                         "2001:db8:bad::/48",
                                         "2001:db8:bad::66",
                                         "http://files.example/a/b.exe",
                                         "http://files.example/dir/",
                                         "http://files.example:8080/p?x=1",
                                         "http://5.5.5.5",
                                         "http://[2001:db8::5]/x",
                                         "d41d8cd98f00b204e9800998ecf8427e",
                                         "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                                         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                         "boss@mail.example",
                                         "o'neil@mail.example",
                                         "/gate.php",
                                         "/panel/five/fre.php?id=1",
                                         "http://port.example:444/",
                                         NULL};

/* A line and the values it must yield, in order. */
static const struct {
    const char *line, *want;
} lines[] = {
    /* BIND query log */
    {"22-Nov-2026 11:14:26.123 queries: info: client @0x7f1c2c0b3a68 6.6.6.6#53211 (www.evil.com): query: www.evil.com "
     "IN A +E(0)K (10.0.0.53)",
     "6.6.6.6 evil.com evil.com"},
    {"client 9.9.9.9#4444: query: notevil.com IN A + (6.6.6.60)", "9.9.9.9:4444"},
    /* dnsmasq */
    {"Nov 22 11:14:26 dnsmasq[812]: query[A] EVIL.com from 192.168.1.17", "evil.com"},
    {"Nov 22 11:14:26 dnsmasq[812]: reply cdn.example is 7.7.7.1", "7.7.7.0/24"},
    {"Nov 22 11:14:26 dnsmasq[812]: reply cdn.example is 7.7.9.1", "7.7.0.0/16"},
    /* Zeek dns.log, TSV and JSON */
    {"1795340066.123456\tCHhAvVGS1DHFjwGM9\t10.0.0.1\t53211\t10.0.0.53\t53\tudp\t1\t-\tx.evil.com\t1\tC_"
     "INTERNET\t1\tA\t0\t"
     "NOERROR\tF\tF\tT\tT\t0\t6.6.6.6,2001:db8:bad::66\t60.0\tF",
     "evil.com 6.6.6.6 2001:db8:bad::66"},
    {"{\"ts\":1795340066.1,\"id.resp_h\":\"10.0.0.53\",\"query\":\"evil.com\",\"answers\":[\"6.6.6.6\",\"::ffff:7.7.7."
     "7\"]}",
     "evil.com 6.6.6.6 7.7.7.0/24"},
    {"::FFFF:707:707 [::ffff:606:606]:53 ::ffff:707:707.53 ::ffff:808:808", "7.7.7.0/24 6.6.6.6 7.7.7.0/24"},
    /* Apache combined */
    {"6.6.6.6 - - [22/Nov/2026:11:14:26 +0000] \"GET /gate.php HTTP/1.1\" 200 5 \"http://files.example/a/b.exe\" "
     "\"Mozilla/5.0\"",
     "6.6.6.6 /gate.php files.example/a/b.exe"},
    {"1.1.1.1 - - [22/Nov/2026:11:14:26 +0000] \"POST /panel/five/fre.php?id=1&x=2 HTTP/1.0\" 404 5 \"-\" \"-\"",
     "/panel/five/fre.php?id=1"},
    {"\"GET /gate.phpx HTTP/1.1\" \"GET /x/gate.php HTTP/1.1\" \"GET /gate.php/x HTTP/1.1\"", ""},
    {"\"GET /gate.php?a=1 HTTP/1.1\"", "/gate.php"},
    {"\"GET /g%61te.php#x\"", "/gate.php"},
    /* Suricata EVE */
    {"{\"dest_ip\":\"2001:0db8:0bad:0000:0000:0000:0000:0066\",\"http\":{\"hostname\":\"evil.com\",\"http_refer\":"
     "\"http:\\/\\/files.example\\/a\\/b.exe\"},\"fileinfo\":{\"md5\":\"d41d8cd98f00b204e9800998ecf8427e\"}}",
     "2001:db8:bad::66 evil.com files.example/a/b.exe d41d8cd98f00b204e9800998ecf8427e"},
    {"\"msg\":\"line one\\nevil.com\\tevil.com \\u003cevil.com\\u003e\"", "evil.com evil.com evil.com"},
    {"\"u\":\"http:\\/\\/files.example:8080\\/p?x=1\\u0026y=2\"", "files.example:8080/p?x=1"},
    /* Windows CSV */
    {"\"11/22/2026 11:14:26 AM\",\"PC\\bob\",\"C:\\Windows\\evil.com.exe\",\"6.6.6.6\",\"DNS;evil.com;\"",
     "6.6.6.6 evil.com"},
    {"a,http://files.example/a/b.exe,200", "files.example/a/b.exe"},
    {"\\\\share.evil.com\\c$ hash DA39A3EE5E6B4B0D3255BFEF95601890AFD80709;",
     "evil.com da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    /* syslog, firewall */
    {"<134>1 2026-11-22T11:14:26.123Z fw kernel: SRC=6.6.6.6 DST=10.0.0.1 PROTO=TCP SPT=1 DPT=443", "6.6.6.6"},
    {"%ASA-6-302013: Built outbound TCP for outside:9.9.9.9/4444 (9.9.9.9/4444) to inside:10.0.0.1/80",
     "9.9.9.9:4444 9.9.9.9:4444"},
    {"allowed range 6.6.6.1-6.6.6.6 and 6.6.6.6-6.6.6.9", "6.6.6.6 6.6.6.6"},
    /* tcpdump */
    {"11:14:26.123456 IP 10.0.0.1.53211 > 6.6.6.6.53: 1+ A? evil.com. (26)", "6.6.6.6 evil.com"},
    {"IP 9.9.9.9.4444 > 10.0.0.1.80: Flags [S]", "9.9.9.9:4444"},
    {"IP6 2001:db8:bad::1.53 > fe80::1.5353: UDP", "2001:db8:bad::/48"},
    /* Postfix */
    {"postfix/smtpd[9]: NOQUEUE: reject: RCPT from mx.evil.com[6.6.6.6]: from=<boss@mail.example> to=<a@b.example> "
     "helo=<[6.6.6.6]>",
     "evil.com 6.6.6.6 boss@mail.example 6.6.6.6"},
    {"from=BOSS@Mail.Example, 'o'neil@mail.example' mailto:boss@mail.example.",
     "boss@mail.example o'neil@mail.example boss@mail.example"},
    {"{\"from\":\"\\u003cboss@mail.example\\u003e\",\"msg\":\"\\nboss@mail.example\\tboss@mail.example\"}",
     "boss@mail.example boss@mail.example boss@mail.example"},
    {"GET /?to=%3Cboss@mail.example%3E&cc=boss%40mail.example&bcc=%20boss%40mail.example",
     "boss@mail.example boss@mail.example boss@mail.example"},
    {"xboss%40mail.example %3xboss@mail.example \\\\nboss@mail.example boss%41mail.example", ""},
    {"xboss@mail.example boss@mail.example.com boss@amail.example", ""},
    {"who@evil.com", "evil.com"},
    /* names */
    {"_dmarc.evil.com *.evil.com evil.com. (evil.com) 'evil.com' evil.com:443 evil.com,",
     "evil.com evil.com evil.com evil.com evil.com evil.com evil.com"},
    {"evil.com.example notevil.com evil.co evil-com evilxcom evil.comx -evil.com evil.com_x", ""},
    {"deep.sub.other.net x.deep.sub.other.net sub.other.net other.net", "deep.sub.other.net deep.sub.other.net"},
    {"..evil.com.. x..evil.com a.b.c.d.e.f.evil.com", "evil.com evil.com evil.com"},
    {"redirect=http%3A%2F%2Fevil.com%2Fx&b", "evil.com"},
    {"10.0.0.1->6.6.6.6, 6.6.6.6->10.0.0.1 evil.com->x 2001:db8:bad::66->fe80::1 fe80::1->2001:db8:bad::66",
     "6.6.6.6 6.6.6.6 evil.com 2001:db8:bad::66 2001:db8:bad::66"},
    {"hxxp://files[.]example:8080/p?x=1, boss@mail[.]example. hxxp://files[.]example/dir/",
     "files.example:8080/p?x=1 boss@mail.example files.example/dir/"},
    {"hxxp://evil[.]com/x www.evil[.]com evil(.)com 6[.]6[.]6[.]6 6.6.6[.]6",
     "evil.com evil.com evil.com 6.6.6.6 6.6.6.6"},
    {"B\xc3\x9c"
     "CHER.example www.b\xc3\xbc"
     "cher.example xn--bcher-kva.example",
     "xn--bcher-kva.example xn--bcher-kva.example xn--bcher-kva.example"},
    {"\xe8\xae\xbf\xe9\x97\xae\xef\xbc\x88"
     "evil.com\xef\xbc\x89\xe3\x80\x82",
     "evil.com"},
    /* A byte order mark is no part of what stands behind it. */
    {"\xef\xbb\xbf"
     "evil.com 6.6.6.6",
     "evil.com 6.6.6.6"},
    {"\xef\xbb\xbf"
     "6.6.6.6,evil.com",
     "6.6.6.6 evil.com"},
    {"\xe2\x80\x9c"
     "evil.com\xe2\x80\x9d",
     "evil.com"},
    /* addresses */
    {"6.6.6.66 66.6.6.6 6.6.6.6.6.6 06.6.6.6 6.6.6.06 6.6.6 256.6.6.6 x6.6.6.6", ""},
    {"9.9.9.9:4444 9.9.9.9:44444 9.9.9.9:443 9.9.9.9 9.9.9.9:4444/x", "9.9.9.9:4444 9.9.9.9:4444"},
    {"2001:DB8:BAD::66 [2001:db8:bad::66]:443 2001:db8:bad:0:0:0:0:66 2001:db8:bad::66%eth0",
     "2001:db8:bad::66 2001:db8:bad::66 2001:db8:bad::66 2001:db8:bad::66"},
    {"src:2001:db8:bad::7 2001:db8:bad::7: x", "2001:db8:bad::/48 2001:db8:bad::/48"},
    {"2001:db8:bae::66 00:11:22:33:44:55 11:14:26 std::vector a::b::c", ""},
    /* URLs */
    {"http://files.example/dir/x/y https://files.example:443/dir/ http://files.example/dir http://files.example/dirx",
     "files.example/dir/ files.example/dir/"},
    {"http://files.example/a/b.exe?q http://files.example/a/b.exe/c http://files.example/a/b.exex",
     "files.example/a/b.exe files.example/a/b.exe"},
    {"http://files.example/a/b.exe. (http://files.example/a/b.exe) http://files.example/a/b.exe, x",
     "files.example/a/b.exe files.example/a/b.exe files.example/a/b.exe"},
    {"http://FILES.example/a/b.exe http://files.example/A/b.exe", "files.example/a/b.exe"},
    {"http://u:p@files.example/%61/b%2Eexe", "files.example/a/b.exe"},
    {"http://5.5.5.5/x http://5.5.5.5 http://5.5.5.5:80 http://5.5.5.5:81/ 5.5.5.5", "5.5.5.5/ 5.5.5.5/ 5.5.5.5/"},
    {"u=http%3A%2F%2Ffiles.example%3A8080%2Fp%3Fx%3D1&y http%3a%2f%2ffiles.example%2fa%2fb.exe%22 "
     "https%3A%2F%2Ffiles.example%2Fa%2Fb%252Eexe x%2F%2Fport.example:444",
     "files.example:8080/p?x=1 files.example/a/b.exe port.example:444/"},
    {"x%2F5.5.5.5 y//files.example%2Fa%2Fb.exe", ""},
    {"http://[2001:db8::5]/x [2001:db8::5]/y", "[2001:db8::5]/x"},
    {"CONNECT port.example:444 HTTP/1.1 CONNECT port.example:443 HTTP/1.1", "port.example:444/"},
    {"http://benign.example/gate.php http://benign.example:8080/gate.php?x http://1.1.1.1:81/gate.php",
     "/gate.php /gate.php /gate.php"},
    {"http:\\/\\/benign.example\\/gate.php http:\\/\\/benign.example\\/x\\/gate.php", "/gate.php"},
    /* hashes */
    {"md5=d41d8cd98f00b204e9800998ecf8427e, d41d8cd98f00b204e9800998ecf8427e.exe",
     "d41d8cd98f00b204e9800998ecf8427e d41d8cd98f00b204e9800998ecf8427e"},
    {"{\"h\":\"\\nd41d8cd98f00b204e9800998ecf8427e\\u003cD41D8CD98F00B204E9800998ECF8427E\"} "
     "?h%3Dd41d8cd98f00b204e9800998ecf8427e%20",
     "d41d8cd98f00b204e9800998ecf8427e d41d8cd98f00b204e9800998ecf8427e d41d8cd98f00b204e9800998ecf8427e"},
    {"\\\\nd41d8cd98f00b204e9800998ecf8427e ad41d8cd98f00b204e9800998ecf8427e %3ad41d8cd98f00b204e9800998ecf8427ea",
     ""},
    {"d41d8cd98f00b204e9800998ecf8427ea xd41d8cd98f00b204e9800998ecf8427e d41d8cd98f00b204e9800998ecf8427z", ""},
    {"SHA256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"", ""},
    {".", ""},
    {". .. ... : :: ::: / // [.] @ @. a@.b", ""},
};
#define LINES (sizeof(lines) / sizeof(lines[0]))

struct values {
    const struct sweep_set *set;
    struct buf *out;
};

static int collect_value(void *ctx, size_t at, size_t len, uint32_t number, struct err *err)
{
    struct values *values = ctx;
    struct sweep_ioc ioc;
    (void)at, (void)len, (void)err;
    assert_true(set_entry(values->set, number, &ioc));
    if (values->out->len)
        buf_byte(values->out, ' ');
    buf_span(values->out, ioc.value);
    return 0;
}

/* What every token matches, also those that the sweep reports only once a line. */
static void values_of(const struct sweep_set *set, struct span text, struct buf *out)
{
    struct values values = {set, out};
    struct token_scan scan;
    struct err err = {0};
    buf_clear(out);
    if (text.len == 0)
        return;
    assert_int_equal(token_scan_init(&scan, set, text.len, &err), 0);
    scan.found = collect_value;
    scan.ctx = &values;
    assert_int_equal(token_scan_lines(&scan, text, &err), 0);
    token_scan_done(&scan);
}

static void test_lines(void **state)
{
    (void)state;
    struct sample_set sample;
    struct buf out;
    struct sweep_set *set = sample_list(&sample, indicators);
    int bad = 0;
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < LINES; i++) {
        values_of(set, span_str(lines[i].line), &out);
        if (strcmp(buf_cstr(&out), lines[i].want) != 0) {
            print_error("%s\n  found  %s\n  wanted %s\n", lines[i].line, buf_cstr(&out), lines[i].want);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
    buf_done(&out);
    sample_done(&sample);
}

/* Every line at every place relative to the 64-byte blocks. */
static void test_shifted(void **state)
{
    (void)state;
    struct sample_set sample;
    struct buf text, out;
    struct sweep_set *set = sample_list(&sample, indicators);
    buf_init(&text, 1 << 16);
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < LINES; i++) {
        for (size_t shift = 0; shift < 130; shift++) {
            buf_clear(&text);
            for (size_t j = 0; j < shift; j++)
                buf_byte(&text, j % 7 == 6 ? ' ' : 'x');
            buf_byte(&text, shift % 2 ? '\n' : ' ');
            buf_str(&text, lines[i].line);
            values_of(set, buf_view(&text), &out);
            if (strcmp(buf_cstr(&out), lines[i].want) != 0)
                fail_msg("%s shifted by %zu: found %s", lines[i].line, shift, buf_cstr(&out));
        }
    }
    buf_done(&text);
    buf_done(&out);
    sample_done(&sample);
}

/* All lines as one input, fed in pieces of every small size and cut in two at every byte: the same hits. */
static void test_pieces(void **state)
{
    (void)state;
    struct sample_set sample;
    struct buf text, whole, out;
    struct err err = {0};
    struct sweep_set *set = sample_list(&sample, indicators);
    buf_init(&text, 1 << 20);
    buf_init(&whole, 1 << 20);
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < LINES; i++)
        buf_fmt(&text, "%s%s", lines[i].line, i + 1 == LINES ? "" : i % 3 ? "\n" : "\r\n");
    sample_sweep(set, buf_view(&text), 0, &whole);
    assert_true(whole.len > 1000);
    for (size_t piece = 1; piece < 300; piece += piece < 70 ? 1 : 37) {
        buf_clear(&out);
        sample_sweep(set, buf_view(&text), piece, &out);
        assert_string_equal(buf_cstr(&out), buf_cstr(&whole));
    }
    for (size_t cut = 0; cut <= text.len; cut++) {
        struct sweep *sweep = sweep_new(set, sample_hit, &out);
        assert_non_null(sweep);
        buf_clear(&out);
        assert_int_equal(sweep_feed(sweep, span_sub(buf_view(&text), 0, cut), &err), 0);
        assert_int_equal(sweep_feed(sweep, span_sub(buf_view(&text), cut, text.len), &err), 0);
        assert_int_equal(sweep_end(sweep, &err), 0);
        sweep_free(sweep);
        assert_true(span_eq(buf_view(&out), buf_view(&whole)));
    }
    buf_done(&text);
    buf_done(&whole);
    buf_done(&out);
    sample_done(&sample);
}

/* Networks larger than those of the maps that dismiss addresses, and enough addresses for the finest map. */
static void test_networks(void **state)
{
    (void)state;
    static const struct {
        const char *line, *want;
    } cases[] = {{"127.255.255.255 128.0.0.0 255.255.255.255", "128.0.0.0/1 128.0.0.0/1"},
                 {"63.255.255.255 64.0.0.0 64.63.255.255 64.64.0.0", "64.0.0.0/10 64.0.0.0/10"},
                 {"10.0.0.7 10.0.1.7 10.0.0.8 10.0.255.7 11.0.0.7", "10.0.0.7 10.0.1.7 10.0.255.7"},
                 {"8000:: 7fff::", "8000::/1"}};
    for (unsigned extra = 0; extra <= 70000; extra += 35000) {
        struct sweep_builder *builder = sweep_builder_new(0);
        struct sample_set sample;
        struct buf out;
        struct err err = {0};
        char text[32];
        assert_non_null(builder);
        for (unsigned i = 0; i < 256 + extra; i++) {
            snprintf(text, sizeof(text), "10.%u.%u.7", i / 256 % 256, i % 256);
            assert_int_equal(sweep_builder_add(builder, IOC_IPV4, span_str(text), 1, &err), 0);
        }
        assert_int_equal(sweep_builder_add(builder, IOC_IPV4, SPAN_LIT("128.0.0.0/1"), 1, &err), 0);
        assert_int_equal(sweep_builder_add(builder, IOC_IPV4, SPAN_LIT("64.0.0.0/10"), 1, &err), 0);
        assert_int_equal(sweep_builder_add(builder, IOC_IPV6, SPAN_LIT("8000::/1"), 1, &err), 0);
        sample_open(&sample, builder);
        buf_init(&out, 4096);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            values_of(sample.set, span_str(cases[i].line), &out);
            assert_string_equal(buf_cstr(&out), cases[i].want);
        }
        buf_done(&out);
        sample_done(&sample);
    }
}

/* An indicator is reported once a line, at its first place. */
static void test_once_a_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"query: www.evil.com IN A (evil.com)", "1 7 www.evil.com=evil.com\n"},
        {"evil.com evil.com\nevil.com evil.com", "1 0 evil.com=evil.com\n2 0 evil.com=evil.com\n"},
        {"evil.com 6.6.6.6 evil.com 6.6.6.6", "1 0 evil.com=evil.com\n1 9 6.6.6.6=6.6.6.6\n"},
        {"9.9.9.9:4444 9.9.9.9:4444", "1 0 9.9.9.9:4444=9.9.9.9:4444\n"},
    };
    struct sample_set sample;
    struct buf out;
    struct sweep_set *set = sample_list(&sample, indicators);
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t piece = 0; piece < 20; piece++) {
            buf_clear(&out);
            sample_sweep(set, span_str(cases[i].text), piece, &out);
            assert_string_equal(buf_cstr(&out), cases[i].want);
        }
    }
    buf_done(&out);
    sample_done(&sample);
}

/* Sixteen indicators of a line are remembered; the oldest is forgotten first. */
static void test_many_a_line(void **state)
{
    (void)state;
    static const struct {
        unsigned different;
        uint64_t hits;
    } cases[] = {{1, 1}, {15, 15}, {16, 16}, {17, 34}};
    struct sweep_builder *builder = sweep_builder_new(0);
    struct sample_set sample;
    struct err err = {0};
    assert_non_null(builder);
    for (unsigned i = 0; i < 17; i++) {
        char text[32];
        snprintf(text, sizeof(text), "n%u.example", i);
        assert_int_equal(sweep_builder_add(builder, IOC_DOMAIN, span_str(text), i, &err), 0);
    }
    struct sweep_set *set = sample_open(&sample, builder);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf log, out;
        buf_init(&log, 4096);
        buf_init(&out, 4096);
        for (unsigned j = 0; j < 2 * cases[i].different; j++)
            buf_fmt(&log, "n%u.example ", j % cases[i].different);
        struct sweep *sweep = sweep_new(set, sample_hit, &out);
        assert_non_null(sweep);
        assert_int_equal(sweep_feed(sweep, buf_view(&log), &err), 0);
        assert_int_equal(sweep_end(sweep, &err), 0);
        assert_int_equal(sweep_stats(sweep)->hits, cases[i].hits);
        assert_int_equal(sweep_stats(sweep)->lines_hit, 1);
        sweep_free(sweep);
        buf_done(&log);
        buf_done(&out);
    }
    sample_done(&sample);
}

struct place {
    uint64_t line, offset, before;
    size_t at, len, text_len, calls;
    int fail;
};

static int note_place(void *ctx, const struct sweep_hit *hit, struct err *err)
{
    struct place *place = ctx;
    place->line = hit->line;
    place->offset = hit->offset;
    place->before = hit->before;
    place->at = hit->at;
    place->len = hit->len;
    place->text_len = hit->text.len;
    place->calls++;
    assert_int_equal(hit->ioc->tag_count, 1);
    return place->fail ? err_set(err, ERR_IO, "stop") : 0;
}

static void test_place(void **state)
{
    (void)state;
    struct sample_set sample;
    struct err err = {0};
    struct place place = {0};
    struct sweep_set *set = sample_list(&sample, indicators);
    struct sweep *sweep = sweep_new(set, note_place, &place);
    assert_non_null(sweep);
    assert_int_equal(sweep_feed(sweep, SPAN_LIT("one\n\ntwo www.evil.com x\r\nfour\nevil.com"), &err), 0);
    assert_int_equal(place.calls, 1);
    assert_int_equal(place.line, 3);
    assert_int_equal(place.offset, 5);
    assert_int_equal(place.at, 4);
    assert_int_equal(place.len, 12);
    assert_int_equal(place.text_len, 18);
    assert_int_equal(sweep_end(sweep, &err), 0);
    assert_int_equal(place.calls, 2);
    assert_int_equal(place.line, 5);
    assert_int_equal(place.offset, 30);
    const struct sweep_stats *stats = sweep_stats(sweep);
    assert_int_equal(stats->bytes, 38);
    assert_int_equal(stats->lines, 5);
    assert_int_equal(stats->hits, 2);
    assert_int_equal(stats->lines_hit, 2);
    sweep_free(sweep);
    sample_done(&sample);
}

/* An error from the caller ends the sweep with it. */
static void test_stop(void **state)
{
    (void)state;
    struct sample_set sample;
    struct err err = {0};
    struct place place = {.fail = 1};
    struct sweep_set *set = sample_list(&sample, indicators);
    struct sweep *sweep = sweep_new(set, note_place, &place);
    assert_non_null(sweep);
    assert_int_equal(sweep_feed(sweep, SPAN_LIT("evil.com evil.com\nevil.com\n"), &err), ERR_IO);
    assert_int_equal(place.calls, 1);
    assert_string_equal(err.text, "stop");
    sweep_free(sweep);
    sample_done(&sample);
}

/* Lines longer than the limit are swept in parts; offsets stay true. */
static void test_long_line(void **state)
{
    (void)state;
    struct sample_set sample;
    struct err err = {0};
    struct sweep_set *set = sample_list(&sample, indicators);
    size_t len = 3 * (size_t)SWEEP_LINE_MAX;
    uint8_t *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    size_t at = 2 * (size_t)SWEEP_LINE_MAX + 100;
    memcpy(text + at, " evil.com\nevil.com ", 19);
    memcpy(text + 100, " evil.com ", 10); /* the same line, in another part */
    static const size_t pieces[] = {1000, 65536, SWEEP_LINE_MAX - 1, SWEEP_LINE_MAX, 4 * (size_t)SWEEP_LINE_MAX};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct place place = {0};
        struct sweep *sweep = sweep_new(set, note_place, &place);
        assert_non_null(sweep);
        for (size_t pos = 0; pos < len; pos += pieces[i])
            assert_int_equal(sweep_feed(sweep, span_sub(span_of(text, len), pos, pieces[i]), &err), 0);
        assert_int_equal(sweep_end(sweep, &err), 0);
        assert_int_equal(place.calls, 2);
        assert_int_equal(place.line, 2);
        assert_int_equal(place.offset + place.at, at + 10);
        assert_int_equal(place.before, 0);
        assert_int_equal(sweep_stats(sweep)->lines, 2);
        sweep_free(sweep);
    }
    free(text);
    sample_done(&sample);
}

/* A part ends between two tokens, and says where in the line it stands: neither half of notevil.com is an indicator. */
static void test_cut(void **state)
{
    (void)state;
    static const char *const ends[] = {" notevil.com evil.com.br evil.com\n", ",notevil.com,evil.com.br,evil.com\n"};
    struct sample_set sample;
    struct err err = {0};
    struct sweep_set *set = sample_list(&sample, indicators);
    uint8_t *text = malloc(SWEEP_LINE_MAX + 64);
    assert_non_null(text);
    for (size_t kind = 0; kind < 2; kind++) {
        size_t end_len = strlen(ends[kind]);
        for (size_t at = SWEEP_LINE_MAX - end_len - 2; at <= SWEEP_LINE_MAX + 2; at++) {
            struct place place = {0};
            struct sweep *sweep = sweep_new(set, note_place, &place);
            assert_non_null(sweep);
            memset(text, 'x', at);
            memcpy(text + at, ends[kind], end_len);
            size_t first = at % 2 ? at / 3 : 0; /* whole, or put together */
            assert_int_equal(sweep_feed(sweep, span_of(text, first), &err), 0);
            assert_int_equal(sweep_feed(sweep, span_of(text + first, at + end_len - first), &err), 0);
            assert_int_equal(sweep_end(sweep, &err), 0);
            assert_int_equal(place.calls, 1);
            assert_int_equal(place.line, 1);
            assert_int_equal(place.offset, place.before);
            assert_int_equal(place.before + place.at, at + end_len - 9);
            sweep_free(sweep);
        }
    }
    free(text);
    sample_done(&sample);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_shifted),     cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_networks),  cmocka_unit_test(test_place),       cmocka_unit_test(test_stop),
        cmocka_unit_test(test_long_line), cmocka_unit_test(test_once_a_line), cmocka_unit_test(test_many_a_line),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

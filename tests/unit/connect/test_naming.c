/* Is a name its member's own: what DNS and the website say, truly, falsely, or not at all; and what is never dialled. */
#include "raw.h"

#include "connect/fetch.h"
#include "connect/naming.h"
#include "connect/public.h"

#define HASH "332ywbahbnhhvlqxl63i3bqjued4b6mamojpmcmr3rehsxar25xa"
#define ORIGIN "cert.example.org/" HASH
#define OTHER "cert.example.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* ---- a DNS server with one answer ---- */

struct dns {
    pthread_mutex_t lock; /* of what it says and was asked */
    int socket;
    struct sockaddr_in address;
    pthread_t thread;
    atomic_bool stop;
    const char *said[3]; /* TXT records; NULL at the end; none: no such name */
    char asked[300];     /* the name of the last question, with dots */
};

static size_t put_txt(uint8_t *out, const char *text)
{
    size_t len = strlen(text), cut = len > 255 ? 255 : len;
    static const uint8_t head[] = {0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 60};
    memcpy(out, head, sizeof(head));
    out[10] = 0;
    out[11] = (uint8_t)(cut + 1);
    out[12] = (uint8_t)cut;
    memcpy(out + 13, text, cut);
    return 13 + cut;
}

static size_t dns_answer(struct dns *dns, uint8_t *message, size_t len)
{
    size_t at = 12, count = 0, name = 0;
    pthread_mutex_lock(&dns->lock);
    while (at < len && message[at] != 0 && name + message[at] + 1 < sizeof(dns->asked)) {
        memcpy(dns->asked + name, message + at + 1, message[at]);
        name += message[at];
        dns->asked[name++] = '.';
        at += 1u + message[at];
    }
    dns->asked[name > 0 ? name - 1 : 0] = '\0';
    at += 5; /* the root, type, class */
    while (dns->said[count])
        at += put_txt(message + at, dns->said[count++]);
    pthread_mutex_unlock(&dns->lock);
    message[2] = 0x81;
    message[3] = count > 0 ? 0x80 : 0x83; /* NXDOMAIN */
    message[7] = (uint8_t)count;
    memset(message + 8, 0, 4);
    return at;
}

static void *dns_run(void *ctx)
{
    struct dns *dns = ctx;
    while (!atomic_load(&dns->stop)) {
        uint8_t message[4096];
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        struct pollfd poll_fd = {dns->socket, POLLIN, 0};
        if (poll(&poll_fd, 1, 50) <= 0)
            continue;
        ssize_t len = recvfrom(dns->socket, message, 512, 0, (struct sockaddr *)&from, &size);
        if (len > 17)
            sendto(dns->socket, message, dns_answer(dns, message, (size_t)len), 0, (struct sockaddr *)&from, size);
    }
    return NULL;
}

static void dns_start(struct dns *dns)
{
    socklen_t len = sizeof(dns->address);
    memset(dns, 0, sizeof(*dns));
    assert_int_equal(pthread_mutex_init(&dns->lock, NULL), 0);
    dns->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    dns->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(dns->socket, (struct sockaddr *)&dns->address, len), 0);
    assert_int_equal(getsockname(dns->socket, (struct sockaddr *)&dns->address, &len), 0);
    assert_int_equal(pthread_create(&dns->thread, NULL, dns_run, dns), 0);
}

static void dns_stop(struct dns *dns)
{
    atomic_store(&dns->stop, true);
    pthread_join(dns->thread, NULL);
    close(dns->socket);
    pthread_mutex_destroy(&dns->lock);
}

/* From now on it says these, NULL: nothing. */
static void dns_says(struct dns *dns, const char *first, const char *second)
{
    pthread_mutex_lock(&dns->lock);
    dns->said[0] = first;
    dns->said[1] = second;
    pthread_mutex_unlock(&dns->lock);
}

static void dns_was_asked(struct dns *dns, const char *name)
{
    pthread_mutex_lock(&dns->lock);
    bool is_it = strcmp(dns->asked, name) == 0;
    pthread_mutex_unlock(&dns->lock);
    assert_true(is_it);
}

/* ---- tests ---- */

static void domains(void **state)
{
    (void)state;
    char out[256];
    assert_true(naming_domain(ORIGIN, out));
    assert_string_equal(out, "cert.example.org");
    assert_true(naming_domain("b\xC3\xBC"
                              "cher.example/" HASH,
                              out));
    assert_string_equal(out, "xn--bcher-kva.example");
    assert_false(naming_domain("localhost/" HASH, out));
    assert_false(naming_domain("127.0.0.1/" HASH, out));
    assert_false(naming_domain("10.1/" HASH, out));
}

static void texts(void **state)
{
    (void)state;
    assert_int_equal(naming_text(SPAN_LIT("origin=" ORIGIN "\n"), ORIGIN), NAMING_THIS);
    assert_int_equal(naming_text(SPAN_LIT("# ours\r\norigin=" OTHER "\r\norigin=" ORIGIN), ORIGIN), NAMING_THIS);
    assert_int_equal(naming_text(SPAN_LIT("origin=" OTHER "\n"), ORIGIN), NAMING_ANOTHER);
    assert_int_equal(naming_text(SPAN_LIT("origin=" ORIGIN "x\n"), ORIGIN), NAMING_NOTHING);
    assert_int_equal(naming_text(SPAN_LIT("the origin=" ORIGIN "\n"), ORIGIN), NAMING_NOTHING);
    assert_int_equal(naming_text(SPAN_LIT("<html>\n"), ORIGIN), NAMING_NOTHING);
    assert_int_equal(naming_text((struct span){0}, ORIGIN), NAMING_NOTHING);
}

static void what_dns_says(void **state)
{
    (void)state;
    struct dns dns;
    struct name_check check;
    dns_start(&dns);
    struct naming_options options = {.dns = &dns.address, .site = "http://127.0.0.1:1", .now_ms = 7};
    dns_says(&dns, "v=spf1 -all", "origin=" ORIGIN);
    good(naming_check(&options, ORIGIN, &check, &err));
    dns_was_asked(&dns, "_tongzhou.cert.example.org");
    assert_int_equal(check.method, NAME_DNS);
    assert_int_equal(check.checked_ms, 7);
    assert_string_equal(check.detail, "");
    dns_says(&dns, "origin=" OTHER, NULL);
    good(naming_check(&options, ORIGIN, &check, &err));
    assert_int_equal(check.method, NAME_NOWHERE);
    assert_non_null(strstr(check.detail, "DNS: names another origin"));
    dns_says(&dns, NULL, NULL);
    good(naming_check(&options, ORIGIN, &check, &err));
    assert_int_equal(check.method, NAME_NOWHERE);
    assert_non_null(strstr(check.detail, "DNS: no such record; website: "));
    good(naming_check(&options, "localhost/" HASH, &check, &err));
    assert_string_equal(check.detail, "the name is no domain name");
    bad(naming_check(&options, "nobody", &check, &err), ERR_USAGE, "no origin");
    dns_stop(&dns);
}

static void what_the_website_says(void **state)
{
    (void)state;
    struct dns dns;
    struct name_check check;
    struct raw *raw = raw_start();
    dns_start(&dns);
    raw_body(raw, NAMING_PATH, SPAN_LIT("origin=" OTHER "\norigin=" ORIGIN "\n"));
    raw_run(raw);
    struct naming_options options = {.dns = &dns.address, .site = raw->url, .now_ms = 8};
    good(naming_check(&options, ORIGIN, &check, &err));
    assert_int_equal(check.method, NAME_HTTPS);
    /* A name that somebody else chose is not followed to this machine. */
    struct fetch_reply reply;
    struct fetch_request request = {.url = raw->url, .body_max = 1000, .reach = ADDRESS_PUBLIC};
    bad(fetch_once(&request, &reply, &err), ERR_NET, "");
    fetch_reply_done(&reply);
    raw_stop(raw);
    dns_stop(&dns);
}

static bool public4(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return address_is_public((struct sockaddr *)&address);
}

static bool public6(const char *text)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
    return address_is_public((struct sockaddr *)&address);
}

static void public_addresses(void **state)
{
    (void)state;
    static const char *const inside[] = {"0.0.0.0",     "10.255.0.1",  "100.64.0.1",     "100.127.255.255",
                                         "127.0.0.1",   "169.254.1.1", "172.16.0.1",     "172.31.9.9",
                                         "192.0.2.1",   "192.168.0.1", "198.18.0.1",     "198.51.100.1",
                                         "203.0.113.9", "224.0.0.1",   "255.255.255.255"};
    static const char *const outside[] = {"1.1.1.1",    "9.9.9.9",   "100.63.0.1", "100.128.0.1",
                                          "172.32.0.1", "192.0.1.1", "223.1.1.1"};
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
        assert_false(public4(inside[i]));
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
        assert_true(public4(outside[i]));
    assert_false(public6("::1"));
    assert_false(public6("::ffff:127.0.0.1"));
    assert_false(public6("fe80::1"));
    assert_false(public6("fd00::1"));
    assert_false(public6("2001:db8::1"));
    assert_false(public6("2002:7f00:1::"));
    assert_false(public6("3fff:abc::1"));
    assert_false(public6("64:ff9b::7f00:1"));
    assert_true(public6("2606:4700::1111"));
    assert_true(public6("3fff:1000::1"));
}

/* Nearer than a network beside: this machine, and what its link alone reaches, as the addresses by which clouds tell secrets. */
static void near_addresses(void **state)
{
    (void)state;
    static const char *const near[] = {
        "0.0.0.0", "127.9.9.9",        "169.254.169.254",        "::",         "::1", "fe80::1",
        "febf::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "no address", ""};
    static const char *const beside[] = {"10.0.0.1", "192.168.1.1", "192.88.99.1",   "fd00::1",
                                         "fec0::1",  "::2",         "::ffff:8.8.8.8"};
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
        assert_int_equal(address_text_reach(near[i]), ADDRESS_NEAR);
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
        assert_int_equal(address_text_reach(beside[i]), ADDRESS_INSIDE);
    assert_int_equal(address_text_reach("8.8.8.8"), ADDRESS_PUBLIC);
}

/* What a website may do to whoever looks: lead elsewhere, never end, never begin. It is looked at within bounds and not believed. */
static void websites_that_mislead(void **state)
{
    (void)state;
    struct dns dns;
    struct name_check check;
    struct raw *raw = raw_start(), *inside = raw_start();
    struct raw_page *secret = raw_body(inside, NAMING_PATH, SPAN_LIT("origin=" ORIGIN "\n"));
    struct raw_page *page = raw_bytes(raw, NAMING_PATH, RAW_WHOLE, "");
    char *large = malloc(NAMING_TEXT_MAX + 200);
    assert_non_null(large);
    dns_start(&dns);
    buf_fmt(&page->answer, "HTTP/1.1 302 Found\r\nLocation: %s" NAMING_PATH "\r\nContent-Length: 0\r\n\r\n",
            inside->url);
    raw_run(inside);
    raw_run(raw);
    struct naming_options options = {.dns = &dns.address, .site = raw->url, .timeout_ms = 700, .now_ms = 8};
    good(naming_check(&options, ORIGIN, &check, &err));
    assert_int_equal(check.method, NAME_NOWHERE);
    assert_non_null(strstr(check.detail, "a redirect to http://127.0.0.1"));
    assert_int_equal(atomic_load(&secret->asked), 0);
    static const enum raw_manner slow[] = {RAW_SILENT, RAW_DRIP, RAW_ENDLESS};
    for (size_t i = 0; i < 3; i++) {
        atomic_store(&page->manner, slow[i]);
        good(naming_check(&options, ORIGIN, &check, &err));
        assert_int_equal(check.method, NAME_NOWHERE);
        assert_non_null(strstr(check.detail, "website: "));
    }
    raw_stop(raw);
    raw_stop(inside);
    /* The right line, behind more than is read. */
    memset(large, '#', NAMING_TEXT_MAX + 100);
    memcpy(large + NAMING_TEXT_MAX, "\norigin=" ORIGIN "\n", sizeof("\norigin=" ORIGIN "\n"));
    raw = raw_start();
    raw_body(raw, NAMING_PATH, span_str(large));
    raw_run(raw);
    options.site = raw->url;
    good(naming_check(&options, ORIGIN, &check, &err));
    assert_int_equal(check.method, NAME_NOWHERE);
    assert_non_null(strstr(check.detail, "answer longer than 16384 bytes"));
    free(large);
    raw_stop(raw);
    dns_stop(&dns);
}

/* Somebody else's name that leads here: DNS is asked by curl itself, and the address that it would dial is the one that is looked
 * at, so an answer that changes between a look and a call changes nothing. */
static void a_name_that_leads_here(void **state)
{
    (void)state;
    struct raw *raw = raw_start();
    struct raw_page *page = raw_body(raw, NAMING_PATH, SPAN_LIT("origin=" ORIGIN "\n"));
    struct fetch_reply reply;
    char url[200];
    raw_run(raw);
    snprintf(url, sizeof(url), "http://localhost%s" NAMING_PATH, strrchr(raw->url, ':'));
    struct fetch_request request = {.url = url, .body_max = 1000, .reach = ADDRESS_INSIDE};
    bad(fetch_once(&request, &reply, &err), ERR_NET, "");
    fetch_reply_done(&reply);
    assert_int_equal(atomic_load(&page->asked), 0);
    request.reach = ADDRESS_NEAR;
    good(fetch_once(&request, &reply, &err));
    assert_int_equal(reply.reach, ADDRESS_NEAR);
    fetch_reply_done(&reply);
    assert_int_equal(atomic_load(&page->asked), 1);
    raw_stop(raw);
}

static void servers(void **state)
{
    (void)state;
    struct sockaddr_in server;
    assert_true(naming_server("192.0.2.1", &server));
    assert_int_equal(ntohs(server.sin_port), 53);
    assert_true(naming_server("192.0.2.1:5353", &server));
    assert_int_equal(ntohs(server.sin_port), 5353);
    assert_false(naming_server("192.0.2.1:0", &server));
    assert_false(naming_server("192.0.2.1:65536", &server));
    assert_false(naming_server("dns.example", &server));
    assert_false(naming_server("", &server));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains),
        cmocka_unit_test(texts),
        cmocka_unit_test(what_dns_says),
        cmocka_unit_test(what_the_website_says),
        cmocka_unit_test(public_addresses),
        cmocka_unit_test(servers),
        cmocka_unit_test(near_addresses),
        cmocka_unit_test(websites_that_mislead),
        cmocka_unit_test(a_name_that_leads_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Lists, hosts files, response policy zones, tables. */
#include "security/export_impl.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/when.h"
#include "sweep/address.h"

/* ---- list: a value a line, as sweeps and import read it ---- */

/* One line, nothing in it that a terminal or a parser would act on. */
static bool is_plain_line(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] <= ' ' || value.data[i] == 0x7f)
            return false;
    return value.len > 0;
}

/* "1.2.3.4/24" is the URL of one page, but a program that reads a list would block a network. */
static bool reads_as_network(struct span value)
{
    uint32_t address;
    unsigned bits;
    return ipv4_network_parse(value, &address, &bits);
}

static int list_value(struct export *e, enum ioc_type type, struct span value, const struct found *reported,
                      struct err *err)
{
    (void)reported;
    (void)err;
    if (!is_plain_line(value))
        return 0;
    buf_str(&e->out, type == IOC_URL && reads_as_network(value) ? "http://" : "");
    buf_span(&e->out, value);
    buf_byte(&e->out, '\n');
    return 1;
}

const struct export_format export_list = {.name = "list", .value = list_value};

/* ---- hosts ---- */

static void hosts_begin(struct export *e)
{
    buf_str(&e->out, "# Domains that members of the community report as malicious. Each line blocks the name itself\n"
                     "# only; a resolver with a response policy zone (export rpz) blocks what is under it, too.\n");
}

static int hosts_value(struct export *e, enum ioc_type type, struct span value, const struct found *reported,
                       struct err *err)
{
    (void)reported;
    (void)err;
    if (type != IOC_DOMAIN || !export_is_name(value))
        return 0;
    buf_str(&e->out, "0.0.0.0 ");
    buf_span(&e->out, value);
    buf_byte(&e->out, '\n');
    return 1;
}

const struct export_format export_hosts = {.name = "hosts", .begin = hosts_begin, .value = hosts_value};

/* ---- rpz: a response policy zone ---- */

/* A name of the zone is "*." NAME "." ZONE, at most 255 bytes on the wire (RFC 1035): this leaves 50 for the zone's.
 * One name that is too long would make the resolver refuse all of them. */
#define RPZ_NAME_MAX 200

static void rpz_begin(struct export *e)
{
    /* A serial number has 32 bits (RFC 1982 compares them around the end): seconds fit until 2106. */
    buf_fmt(&e->out,
            "$TTL 300\n"
            "@ IN SOA localhost. hostmaster.localhost. %llu 3600 600 86400 300\n"
            "@ IN NS localhost.\n",
            (unsigned long long)(uint32_t)(e->now_ms / 1000));
}

/*
 * Does the name end in "rpz-ip", "rpz-client-ip", "rpz-nsdname" or another word of that kind? To a resolver it is then no
 * name but a rule on addresses or clients: whoever reports "1.0.0.0.0.rpz-ip" as a domain would block half the Internet.
 */
static bool is_rpz_rule(struct span value)
{
    size_t label = value.len;
    while (label > 0 && value.data[label - 1] != '.')
        label--;
    return span_starts(span_sub(value, label, value.len), SPAN_LIT("rpz-"));
}

static bool rpz_domain(struct export *e, struct span value)
{
    if (!export_is_name(value) || value.len > RPZ_NAME_MAX || is_rpz_rule(value))
        return false;
    buf_span(&e->out, value);
    buf_str(&e->out, " CNAME .\n*.");
    buf_span(&e->out, value);
    buf_str(&e->out, " CNAME .\n");
    return true;
}

/* Address and prefix length of a canonical value; false if it is none. */
static bool parse_prefix(struct span value, int family, uint8_t address[16], unsigned *ret_bits)
{
    char text[64];
    size_t slash = span_find(value, '/');
    if (slash >= sizeof(text))
        return false;
    memcpy(text, value.data, slash);
    text[slash] = 0;
    unsigned max = family == AF_INET ? 32 : 128, bits = 0;
    for (size_t i = slash + 1; i < value.len && bits <= max; i++)
        bits = 10 * bits + (unsigned)(value.data[i] - '0');
    *ret_bits = slash < value.len ? bits : max;
    return *ret_bits <= max && inet_pton(family, text, address) == 1;
}

/* "24.0.2.0.192.rpz-ip": prefix length, then the bytes backwards. */
static bool rpz_ipv4(struct export *e, struct span value)
{
    uint8_t a[16];
    unsigned bits;
    if (!parse_prefix(value, AF_INET, a, &bits))
        return false;
    buf_fmt(&e->out, "%u.%u.%u.%u.%u.rpz-ip CNAME .\n", bits, a[3], a[2], a[1], a[0]);
    return true;
}

#define GROUPS 8

/* The longest run of two zero groups or more: where it begins, and *ret_len; GROUPS if there is none. */
static size_t longest_zeros(const unsigned group[GROUPS], size_t *ret_len)
{
    size_t best = GROUPS;
    *ret_len = 1;
    for (size_t i = 0; i < GROUPS; i++) {
        size_t len = 0;
        while (i + len < GROUPS && group[i + len] == 0)
            len++;
        if (len > *ret_len) {
            best = i;
            *ret_len = len;
        }
    }
    return best;
}

/* "48.zz.2.2001.rpz-ip": the groups backwards, the longest run of zeros as "zz". */
static bool rpz_ipv6(struct export *e, struct span value)
{
    uint8_t a[16];
    unsigned bits, group[GROUPS];
    size_t len;
    if (!parse_prefix(value, AF_INET6, a, &bits))
        return false;
    for (size_t i = 0; i < GROUPS; i++)
        group[i] = (unsigned)a[2 * i] << 8 | a[2 * i + 1];
    size_t zeros = longest_zeros(group, &len);
    buf_fmt(&e->out, "%u", bits);
    for (size_t i = GROUPS; i-- > 0;) {
        if (zeros < GROUPS && i == zeros + len - 1) {
            buf_str(&e->out, ".zz");
            i = zeros;
        } else {
            buf_fmt(&e->out, ".%x", group[i]);
        }
    }
    buf_str(&e->out, ".rpz-ip CNAME .\n");
    return true;
}

static int rpz_value(struct export *e, enum ioc_type type, struct span value, const struct found *reported,
                     struct err *err)
{
    (void)reported;
    (void)err;
    switch (type) {
    case IOC_DOMAIN:
        return rpz_domain(e, value);
    case IOC_IPV4:
        return rpz_ipv4(e, value);
    case IOC_IPV6:
        return rpz_ipv6(e, value);
    default:
        return 0;
    }
}

const struct export_format export_rpz = {.name = "rpz", .begin = rpz_begin, .value = rpz_value};

/* ---- csv ---- */

/* RFC 4180, always quoted. A field that a spreadsheet would take as a formula gets an apostrophe in front; control
 * characters become spaces. */
static void csv_field(struct buf *out, struct span text)
{
    buf_byte(out, '"');
    if (text.len > 0 && strchr("=+-@\t\r", text.data[0]) && text.data[0] != 0)
        buf_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"')
            buf_byte(out, '"');
        buf_byte(out, c < ' ' || c == 0x7f ? ' ' : c);
    }
    buf_byte(out, '"');
}

static void csv_begin(struct export *e)
{
    buf_str(&e->out, "type,value,reporter,time,record\r\n");
}

/* Nothing but what the index has: a million rows without reading a million records. */
static int csv_value(struct export *e, enum ioc_type type, struct span value, const struct found *reported,
                     struct err *err)
{
    (void)err;
    char when[WHEN_TEXT_LEN + 1], record[ORIGIN_MAX + 32];
    when_format(reported->time_ms, when);
    int len = snprintf(record, sizeof(record), "%s/%llu", reported->origin,
                       (unsigned long long)RECORD_REF_INDEX(reported->ref));
    const struct span fields[] = {span_str(ioc_type_word(type)), value, span_str(reported->origin), span_str(when),
                                  span_of(record, (size_t)len)};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (i > 0)
            buf_byte(&e->out, ',');
        csv_field(&e->out, fields[i]);
    }
    buf_str(&e->out, "\r\n");
    return 1;
}

const struct export_format export_csv = {.name = "csv", .wants_report = true, .begin = csv_begin, .value = csv_value};

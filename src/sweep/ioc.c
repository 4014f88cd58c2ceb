/* Types of indicators and their canonical form. */
#include "sweep/sweep.h"

#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "sweep/address.h"
#include "sweep/url.h"

#define DOMAIN_MAX 253   /* bytes; RFC 1035 section 2.3.4 without the root's dot */
#define LABEL_MAX 63     /* bytes */
#define LOCAL_MAX 64     /* bytes of an e-mail address before the @; RFC 5321 section 4.5.3.1.1 */
#define URL_PATH_MIN 3   /* bytes: "/" or "/a" on any host would be everywhere */
#define IPV4_BITS_MIN 8  /* a wider network is a part of the Internet: one member could block it at all others */
#define IPV6_BITS_MIN 19 /* as wide as the largest networks of single operators */
#define REASON_MAX 96

static const char *const type_words[IOC_TYPES] = {
    [IOC_NONE] = "indicator", [IOC_IPV4] = "ipv4",   [IOC_IPV6] = "ipv6",           [IOC_DOMAIN] = "domain",
    [IOC_URL] = "url",        [IOC_MD5] = "md5",     [IOC_SHA1] = "sha1",           [IOC_SHA256] = "sha256",
    [IOC_SHA512] = "sha512",  [IOC_EMAIL] = "email", [IOC_IPV4_PORT] = "ipv4-port", [IOC_URL_PATH] = "url-path",
};

/* What one type's parser made of the text: NULL, or the reason why not. */
typedef const char *verdict;

/* Room for a reason with a number in it. */
struct reason {
    char text[REASON_MAX];
};

const char *ioc_type_word(enum ioc_type type)
{
    return type > IOC_NONE && type < IOC_TYPES ? type_words[type] : "none";
}

enum ioc_type ioc_type_parse(struct span word)
{
    for (int type = IOC_NONE + 1; type < IOC_TYPES; type++)
        if (span_is(word, type_words[type]))
            return (enum ioc_type)type;
    return IOC_NONE;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool is_alnum(uint8_t c)
{
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_hex(uint8_t c)
{
    c = lower(c);
    return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9');
}

static bool has(struct span text, const char *what)
{
    return span_search(text, span_str(what)) < text.len;
}

static void buf_lower(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_byte(out, lower(text.data[i]));
}

/* ---- defanged text ---- */

/* The ways in which people take the teeth out of an indicator so that nobody clicks on it. */
static const struct {
    const char *fanged, *plain;
} defanged[] = {
    {"[.]", "."},     {"(.)", "."}, {"{.}", "."},  {"[dot]", "."}, {"(dot)", "."}, {"[:]", ":"},
    {"[://]", "://"}, {"[/]", "/"}, {"[at]", "@"}, {"(at)", "@"},  {"[@]", "@"},   {"(@)", "@"},
};

static bool starts_nocase(struct span text, const char *what)
{
    size_t len = strlen(what);
    if (text.len < len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (lower(text.data[i]) != (uint8_t)what[i])
            return false;
    return true;
}

/* "hxxp" or "h**p", as the scheme that it was: with a colon, perhaps in brackets, behind it or behind an s. */
static bool starts_scheme(struct span text)
{
    if (!starts_nocase(text, "hxxp") && !starts_nocase(text, "h**p"))
        return false;
    size_t end = text.len > 4 && lower(text.data[4]) == 's' ? 5 : 4;
    return text.len > end && memchr(":[(", text.data[end], 3);
}

static void refang(struct span text, struct buf *out)
{
    for (size_t pos = 0; pos < text.len;) {
        struct span rest = span_sub(text, pos, text.len);
        size_t used = 0;
        if (strchr("[({", rest.data[0])) {
            for (size_t i = 0; i < sizeof(defanged) / sizeof(defanged[0]) && !used; i++) {
                if (starts_nocase(rest, defanged[i].fanged)) {
                    buf_str(out, defanged[i].plain);
                    used = strlen(defanged[i].fanged);
                }
            }
        } else if (pos == 0 && starts_scheme(rest)) {
            buf_str(out, "http");
            used = 4;
        }
        if (!used)
            buf_byte(out, rest.data[used++]);
        pos += used;
    }
}

/* ---- one parser a type ---- */

static verdict check_labels(struct span name)
{
    size_t labels = 0, start = 0;
    bool numeric = true;
    if (name.len > DOMAIN_MAX)
        return "longer than 253 bytes";
    for (size_t i = 0; i <= name.len; i++) {
        if (i < name.len && name.data[i] != '.') {
            if (!is_alnum(name.data[i]) && name.data[i] != '-' && name.data[i] != '_')
                return "a character that no name has";
            continue;
        }
        if (i == start)
            return "an empty label";
        if (i - start > LABEL_MAX)
            return "a label longer than 63 bytes";
        numeric = true;
        for (size_t j = start; j < i; j++)
            numeric = numeric && name.data[j] >= '0' && name.data[j] <= '9';
        start = i + 1;
        labels++;
    }
    if (labels < 2)
        return "a single label";
    return numeric ? "the last label is a number" : NULL;
}

/* Append the A-labels of a name in any script. */
static verdict parse_idn(struct span text, struct buf *out)
{
    char source[4 * DOMAIN_MAX + 1];
    uint8_t *ascii = NULL;
    if (text.len >= sizeof(source) || memchr(text.data, 0, text.len))
        return "longer than 253 characters";
    memcpy(source, text.data, text.len);
    source[text.len] = 0;
    if (idn2_lookup_u8((const uint8_t *)source, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return "no internationalised name (IDNA)";
    size_t at = out->len;
    buf_lower(out, span_str((const char *)ascii));
    idn2_free(ascii);
    return out->failed ? "too long" : check_labels(span_sub(buf_view(out), at, SIZE_MAX));
}

static verdict parse_domain(struct span text, struct buf *out)
{
    if (text.len >= 2 && text.data[0] == '*' && text.data[1] == '.')
        text = span_sub(text, 2, text.len);
    else if (text.len && text.data[0] == '.')
        text = span_sub(text, 1, text.len);
    if (text.len && text.data[text.len - 1] == '.')
        text.len--;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] >= 0x80)
            return parse_idn(text, out);
    verdict bad = check_labels(text);
    if (!bad)
        buf_lower(out, text);
    return bad;
}

static verdict check_width(unsigned bits, unsigned widest, struct reason *reason)
{
    if (bits >= widest)
        return NULL;
    snprintf(reason->text, sizeof(reason->text),
             "a network of /%u is too wide to be an indicator: /%u is the widest accepted", bits, widest);
    return reason->text;
}

static verdict add_ipv4(uint32_t address, unsigned bits, struct buf *out, struct reason *reason)
{
    char formatted[ADDRESS_TEXT_MAX];
    buf_add(out, formatted, ipv4_format(address, bits, formatted));
    return check_width(bits, IPV4_BITS_MIN, reason);
}

static verdict parse_ipv4(struct span text, struct buf *out, struct reason *reason)
{
    uint32_t address;
    unsigned bits;
    if (!ipv4_network_parse(text, &address, &bits))
        return "no dotted quad of 0 to 255 without leading zeros, or a prefix longer than 32";
    return add_ipv4(address, bits, out, reason);
}

/*
 * [v6]:port becomes the address: sets know no IPv6 address with its port. An IPv4 address in IPv6 clothes
 * (::ffff:1.2.3.4) becomes what it is; *type tells.
 */
static verdict parse_ipv6(struct span text, struct buf *out, enum ioc_type *type, struct reason *reason)
{
    char formatted[ADDRESS_TEXT_MAX];
    struct ipv6 address;
    unsigned bits = 128, port = 0;
    if (text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
        text = span_sub(text, 1, text.len - 2);
    if (!ipv6_port_parse(text, &address, &port) && !ipv6_network_parse(text, &address, &bits))
        return "no IPv6 address, a prefix longer than 128, or a port outside 1 to 65535";
    if (ipv6_is_mapped(address) && bits >= 96) {
        verdict bad = add_ipv4((uint32_t)address.low, bits - 96, out, reason);
        if (port)
            buf_fmt(out, ":%u", port);
        *type = port ? IOC_IPV4_PORT : IOC_IPV4;
        return bad;
    }
    buf_add(out, formatted, ipv6_format(address, bits, formatted));
    *type = IOC_IPV6;
    return check_width(bits, IPV6_BITS_MIN, reason);
}

static verdict parse_ipv4_port(struct span text, struct buf *out)
{
    char formatted[ADDRESS_TEXT_MAX];
    uint32_t address;
    unsigned port;
    if (!ipv4_port_parse(text, &address, &port))
        return "no address with a port of 1 to 65535";
    buf_add(out, formatted, ipv4_format(address, 32, formatted));
    buf_fmt(out, ":%u", port);
    return NULL;
}

static size_t hash_digits(enum ioc_type type)
{
    return type == IOC_MD5 ? 32 : type == IOC_SHA1 ? 40 : type == IOC_SHA256 ? 64 : 128;
}

static enum ioc_type hash_type(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_hex(text.data[i]))
            return IOC_NONE;
    for (enum ioc_type type = IOC_MD5; type <= IOC_SHA512; type++)
        if (text.len == hash_digits(type))
            return type;
    return IOC_NONE;
}

static verdict parse_hash(enum ioc_type type, struct span text, struct buf *out)
{
    if (hash_type(text) != type)
        return "not hexadecimal digits of this length";
    buf_lower(out, text);
    return NULL;
}

static verdict parse_email(struct span text, struct buf *out)
{
    size_t at = text.len;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '@')
            at = i;
    if (at == text.len || at == 0 || at > LOCAL_MAX)
        return "no 1 to 64 bytes before an @";
    for (size_t i = 0; i < at; i++) {
        uint8_t c = text.data[i];
        if (c < 0x80 && !is_alnum(c) && (c == 0 || !strchr(".!#$%&'*+/=?^_`{|}~-", c)))
            return "a character that no address has";
    }
    buf_lower(out, span_sub(text, 0, at + 1));
    return parse_domain(span_sub(text, at + 1, text.len), out);
}

/* Path and query up to the fragment; an empty query goes. */
static verdict parse_path(struct span text, struct buf *out)
{
    text = span_sub(text, 0, span_find(text, '#'));
    if (text.len && span_find(text, '?') == text.len - 1)
        text.len--;
    if (text.len == 0 || text.data[0] != '/')
        buf_byte(out, '/');
    for (size_t pos = 0; pos < text.len;) {
        uint8_t unit[3];
        size_t len, used = url_unit(text, pos, unit, &len);
        if (used == 0)
            return "a control character";
        buf_add(out, unit, len);
        pos += used;
    }
    return NULL;
}

static verdict parse_url_path(struct span text, struct buf *out)
{
    if (text.len == 0 || text.data[0] != '/')
        return "a path begins with /";
    verdict bad = parse_path(text, out);
    return bad ? bad : out->len < URL_PATH_MIN ? "too short to mean anything" : NULL;
}

/* How many bytes "scheme://" or "//" takes, or 0. */
static size_t scheme_len(struct span text)
{
    size_t pos = 0;
    while (pos < text.len && pos < 16 && (is_alnum(text.data[pos]) || strchr("+-.", text.data[pos])))
        pos++;
    if (pos > 0 && pos < text.len && text.data[pos] == ':')
        pos++;
    else if (pos > 0)
        return 0;
    return span_starts(span_sub(text, pos, text.len), SPAN_LIT("//")) ? pos + 2 : 0;
}

/* ":443" behind a host. Both default ports go, since the scheme does. */
static verdict parse_port(struct span text, struct buf *out)
{
    uint64_t port;
    if (text.len == 0 || (text.len == 1 && text.data[0] == ':'))
        return NULL;
    if (text.data[0] != ':' || !span_u64(span_sub(text, 1, text.len), 65535, &port) || port == 0)
        return "a port is 1 to 65535";
    if (port != 80 && port != 443)
        buf_fmt(out, ":%u", (unsigned)port);
    return NULL;
}

static verdict parse_url_host(struct span text, struct buf *out)
{
    char formatted[ADDRESS_TEXT_MAX];
    struct ipv6 address6;
    uint32_t address;
    size_t end;
    if (text.len && text.data[0] == '[') {
        end = span_find(text, ']');
        if (end == text.len || !ipv6_parse(span_sub(text, 1, end - 1), &address6))
            return "no IPv6 address in brackets";
        buf_byte(out, '[');
        buf_add(out, formatted, ipv6_format(address6, 128, formatted));
        buf_byte(out, ']');
        return parse_port(span_sub(text, end + 1, text.len), out);
    }
    end = span_find(text, ':');
    struct span name = span_sub(text, 0, end);
    verdict bad = NULL;
    if (ipv4_parse(name, &address))
        buf_add(out, formatted, ipv4_format(address, 32, formatted));
    else
        bad = parse_domain(name, out);
    return bad ? bad : parse_port(span_sub(text, end, text.len), out);
}

static verdict parse_url(struct span text, struct buf *out)
{
    text = span_sub(text, scheme_len(text), text.len);
    size_t end = 0, user = 0;
    while (end < text.len && !strchr("/?#\\", text.data[end])) {
        if (text.data[end++] == '@')
            user = end;
    }
    verdict bad = parse_url_host(span_sub(text, user, end - user), out);
    return bad ? bad : parse_path(span_sub(text, end, text.len), out);
}

/* ---- recognition ---- */

/* Meant as an IPv6 address or network, rightly written or not: two colons at least among hex digits. */
static bool looks_like_ipv6(struct span text)
{
    size_t colons = 0, end = 0;
    while (end < text.len && (is_hex(text.data[end]) || text.data[end] == ':'))
        colons += text.data[end++] == ':';
    return colons >= 2 && (end == text.len || strchr("./%", text.data[end]));
}

static enum ioc_type recognise(struct span text)
{
    uint32_t address;
    unsigned number;
    struct ipv6 address6;
    if (text.len && text.data[0] == '/' && scheme_len(text) == 0)
        return IOC_URL_PATH;
    if (scheme_len(text))
        return IOC_URL;
    if (ipv4_network_parse(text, &address, &number))
        return IOC_IPV4;
    if (ipv4_port_parse(text, &address, &number))
        return IOC_IPV4_PORT;
    if (ipv6_network_parse(text, &address6, &number) || ipv6_port_parse(text, &address6, &number) ||
        (text.len && text.data[0] == '[' && text.data[text.len - 1] == ']') || looks_like_ipv6(text))
        return IOC_IPV6;
    enum ioc_type hash = hash_type(text);
    if (hash != IOC_NONE)
        return hash;
    if (has(text, "@") && !has(text, "/"))
        return IOC_EMAIL;
    return has(text, "/") || has(text, "?") || has(text, ":") ? IOC_URL : IOC_DOMAIN;
}

static verdict parse_as(enum ioc_type *type, struct span text, struct buf *out, struct reason *reason)
{
    switch (*type) {
    case IOC_IPV4:
        return parse_ipv4(text, out, reason);
    case IOC_IPV6:
        return parse_ipv6(text, out, type, reason);
    case IOC_DOMAIN:
        return parse_domain(text, out);
    case IOC_URL:
        return parse_url(text, out);
    case IOC_MD5:
    case IOC_SHA1:
    case IOC_SHA256:
    case IOC_SHA512:
        return parse_hash(*type, text, out);
    case IOC_EMAIL:
        return parse_email(text, out);
    case IOC_IPV4_PORT:
        return parse_ipv4_port(text, out);
    case IOC_URL_PATH:
        return parse_url_path(text, out);
    case IOC_NONE:
    case IOC_TYPES:
        break;
    }
    return "no such type";
}

int ioc_canonical(enum ioc_type type, struct span text, struct buf *out, enum ioc_type *ret_type, struct err *err)
{
    __attribute__((cleanup(buf_done))) struct buf plain;
    enum ioc_type wanted = type;
    struct reason reason;
    buf_clear(out);
    text = span_trim(text);
    buf_init(&plain, SWEEP_TOKEN_MAX);
    refang(text, &plain);
    verdict bad = "empty";
    if (plain.failed == ERR_MEMORY)
        return err_memory(err);
    if (plain.failed) {
        bad = "longer than 2048 bytes";
    } else if (plain.len) {
        if (type == IOC_NONE)
            type = recognise(buf_view(&plain));
        bad = parse_as(&type, buf_view(&plain), out, &reason);
    }
    if (out->failed == ERR_MEMORY)
        return err_memory(err);
    if (!bad && (out->failed || out->len > SWEEP_TOKEN_MAX))
        bad = "longer than 2048 bytes";
    if (bad) {
        char shown[128];
        return err_set(err, ERR_SYNTAX, "\"%s\" is no %s: %s", text_escape_into(shown, sizeof(shown), text),
                       wanted == IOC_NONE ? "domain, address, URL, hash or e-mail address" : ioc_type_word(wanted),
                       bad);
    }
    *ret_type = type;
    return 0;
}

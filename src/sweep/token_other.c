/* Tokens that are rarer or not one plain word: IPv6 addresses, hashes, defanged names, names in other scripts. */
#include "base/utf8.h"
#include "sweep/token.h"
#include "sweep/url.h"

#define IPV6_TEXT_MAX 45 /* bytes of an address without zone */
#define HASH_DIGITS_MAX 128
#define IDN_MAX 1012 /* bytes of a name in UTF-8: four for each of 253 characters */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Of a byte already in lower case. */
static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z');
}

static bool is_word(const struct token_scan *scan, size_t pos)
{
    return scan->map.word[pos / 64] >> pos % 64 & 1;
}

/* ---- IPv6 ---- */

static bool is_ipv6(uint8_t c)
{
    return is_hex(c) || c == ':' || c == '.';
}

/* Cut [*start, *end) down to what may be an address: no half word at either end, no punctuation around it. */
static void trim_ipv6(const struct token_scan *scan, size_t *start, size_t *end)
{
    const uint8_t *lower = scan->map.lower;
    if (*start > 0 && is_word(scan, *start - 1)) { /* src:2001:db8::1 */
        while (*start < *end && lower[*start] != ':')
            ++*start;
        *start += *start < *end;
    }
    bool is_arrow = lower[*end] == '-' && lower[*end + 1] == '>';
    if (is_word(scan, *end) && !is_arrow) { /* 2001:db8::1:query */
        while (*end > *start && lower[*end - 1] != ':')
            --*end;
        *end -= *end > *start;
    }
    while (*end > *start && lower[*end - 1] == '.')
        --*end;
    if (*end - *start >= 2 && lower[*start] == ':' && lower[*start + 1] != ':')
        ++*start;
    if (*end - *start >= 2 && lower[*end - 1] == ':' && lower[*end - 2] != ':')
        --*end;
}

/* The address, or the address before tcpdump's ".53"; *end follows. */
static bool parse_ipv6(const struct token_scan *scan, size_t start, size_t *end, struct ipv6 *ret)
{
    struct span text = span_of(scan->map.lower + start, *end - start);
    if (ipv6_parse(text, ret))
        return true;
    size_t len = text.len;
    while (len > 0 && is_digit(text.data[len - 1]))
        len--;
    if (len == 0 || len == text.len || text.data[len - 1] != '.' || !ipv6_parse(span_sub(text, 0, len - 1), ret))
        return false;
    *end = start + len - 1;
    return true;
}

/* A URL whose host is this address in brackets. */
static struct token_match ipv6_url(struct token_scan *scan, struct ipv6 address, size_t start, size_t end)
{
    char host[ADDRESS_TEXT_MAX + 2] = "[";
    if (!(scan->set->head.flags & SET_HAS_IPV6_URL) || start == 0 || scan->map.lower[start - 1] != '[' ||
        scan->map.lower[end] != ']')
        return (struct token_match){SET_NO_ENTRY, start, end};
    size_t len = 1 + ipv6_format(address, 128, host + 1);
    host[len++] = ']';
    return token_url(scan, span_of(host, len), start - 1, end + 1);
}

int token_scan_ipv6(struct token_scan *scan, size_t colon)
{
    const uint8_t *lower = scan->map.lower;
    size_t start = colon, end = colon;
    struct ipv6 address;
    if (colon < scan->ipv6_end)
        return 0;
    while (start > 0 && colon - start <= IPV6_TEXT_MAX + 8 && is_ipv6(lower[start - 1]))
        start--;
    while (end - colon <= IPV6_TEXT_MAX + 8 && is_ipv6(lower[end]))
        end++;
    scan->ipv6_end = end;
    trim_ipv6(scan, &start, &end);
    if (end <= start || !parse_ipv6(scan, start, &end, &address))
        return 0;
    bool is_mapped = ipv6_is_mapped(address);
    if (is_mapped && memchr(lower + start, '.', end - start))
        return 0; /* ::ffff:1.2.3.4: its IPv4 address is a word of its own; that of ::ffff:102:304 is not */
    scan->tokens++;
    struct token_match match = ipv6_url(scan, address, start, end);
    if (match.entry == SET_NO_ENTRY && is_mapped)
        match = (struct token_match){token_ask_ipv4(scan, (uint32_t)address.low), start, end};
    else if (match.entry == SET_NO_ENTRY)
        match = (struct token_match){token_ask_ipv6(scan, address), start, end};
    return match.entry == SET_NO_ENTRY ? 0 : token_report(scan, match);
}

/* ---- hashes ---- */

static enum ioc_type hash_type(size_t digits)
{
    return digits == 32    ? IOC_MD5
           : digits == 40  ? IOC_SHA1
           : digits == 64  ? IOC_SHA256
           : digits == 128 ? IOC_SHA512
                           : IOC_NONE;
}

/*
 * Pass the escape that a run of digits begins with or stands behind: %3D and \u003c end in digits, \n in a letter.
 * False if the run is the end of something longer.
 */
static bool pass_escape(const struct token_scan *scan, size_t *start, size_t end)
{
    bool glued = *start > 0 && is_alnum(scan->map.lower[*start - 1]);
    if (!glued && hash_type(end - *start) != IOC_NONE)
        return true;
    size_t word = *start - glued, len = token_escape_len(scan, word, end);
    if (len == 0 || word + len < *start)
        return !glued;
    *start = word + len;
    return true;
}

int token_scan_hash(struct token_scan *scan, size_t digit)
{
    const uint8_t *lower = scan->map.lower;
    size_t start = digit, end = digit;
    if (digit < scan->hash_end)
        return 0;
    while (start > 0 && digit - start <= HASH_DIGITS_MAX && is_hex(lower[start - 1]))
        start--;
    while (is_hex(lower[end]))
        end++;
    scan->hash_end = end;
    if (is_alnum(lower[end]) || !pass_escape(scan, &start, end))
        return 0;
    enum ioc_type type = hash_type(end - start);
    if (type == IOC_NONE)
        return 0;
    scan->tokens++;
    struct span value = span_of(lower + start, end - start);
    uint64_t key = key_bytes(scan->set->seeds[type], value.data, value.len);
    struct token_match match = {token_ask(scan, key, type, value, NULL), start, end};
    return match.entry == SET_NO_ENTRY ? 0 : token_report(scan, match);
}

/* ---- text that needs rewriting first ---- */

/* Look up what ioc_canonical() made of a token: the whole, then its host. */
static uint32_t ask_canonical(struct token_scan *scan, enum ioc_type type, struct span value)
{
    uint32_t address;
    uint64_t key;
    if (type == IOC_DOMAIN)
        return token_ask_name(scan, value);
    if (type == IOC_IPV4)
        return ipv4_parse(value, &address) ? token_ask_ipv4(scan, address) : SET_NO_ENTRY;
    if (type != IOC_URL && type != IOC_IPV4_PORT && type != IOC_EMAIL)
        return SET_NO_ENTRY;
    uint8_t padded[SWEEP_TOKEN_MAX + KEY_PAD];
    memcpy(padded, value.data, value.len);
    memset(padded + value.len, 0, KEY_PAD);
    if (!set_key(scan->set->seeds, type, span_of(padded, value.len), &key))
        return SET_NO_ENTRY;
    uint32_t entry = token_ask(scan, key, type, value, NULL);
    if (entry != SET_NO_ENTRY)
        return entry;
    struct span host = type == IOC_EMAIL ? span_sub(value, span_find(value, '@') + 1, value.len) : url_host(value);
    return ipv4_parse(host, &address) ? token_ask_ipv4(scan, address) : token_ask_name(scan, host);
}

static int scan_rewritten(struct token_scan *scan, enum ioc_type type, size_t start, size_t end)
{
    __attribute__((cleanup(buf_done))) struct buf text;
    struct err ignored;
    buf_init(&text, SWEEP_TOKEN_MAX);
    scan->tokens++;
    if (ioc_canonical(type, span_sub(scan->in, start, end - start), &text, &type, &ignored) < 0)
        return 0;
    struct token_match match = {ask_canonical(scan, type, buf_view(&text)), start, end};
    return match.entry == SET_NO_ENTRY ? 0 : token_report(scan, match);
}

/* Is there a dot in brackets around `pos`? */
static bool is_bracketed_dot(const uint8_t *lower, size_t pos)
{
    return lower[pos] == '.' &&
           ((lower[pos - 1] == '[' && lower[pos + 1] == ']') || (lower[pos - 1] == '(' && lower[pos + 1] == ')') ||
            (lower[pos - 1] == '{' && lower[pos + 1] == '}'));
}

/* Of a path or a query; what may also be punctuation behind a URL ends it here. */
static bool is_path_byte(uint8_t c)
{
    return c != 0 && strchr("/:?&=%~+@$", c);
}

/* evil[.]com, 1.2.3[.]4, a@evil[.]com, evil[.]com/path?x: from the word before the first such dot to the token's end. */
int token_scan_defanged(struct token_scan *scan, size_t dot)
{
    const uint8_t *lower = scan->map.lower;
    size_t start = dot - 1, end = dot + 2;
    if (dot < scan->plain_end || !is_bracketed_dot(lower, dot))
        return 0;
    while (start > 0 && dot - start < SWEEP_TOKEN_MAX && is_word(scan, start - 1))
        start--;
    if (start > 1 && lower[start - 1] == '@' && token_is_local(lower[start - 2]))
        for (start--; start > 0 && dot - start < SWEEP_TOKEN_MAX && token_is_local(lower[start - 1]);)
            start--;
    for (bool in_path = false; end < scan->in.len && end - start < SWEEP_TOKEN_MAX; end++) {
        in_path = in_path || lower[end] == '/' || lower[end] == '?';
        if (!is_word(scan, end) && lower[end] != ':' && !(in_path && is_path_byte(lower[end])) &&
            !is_bracketed_dot(lower, end + 1) && !is_bracketed_dot(lower, end - 1))
            break;
    }
    while (end > start && (lower[end - 1] == '.' || lower[end - 1] == ':'))
        end--;
    scan->plain_end = end;
    return scan_rewritten(scan, IOC_NONE, start, end);
}

/* Punctuation of other scripts that ends a name: general, CJK and full-width punctuation, no-break space,
 * byte order mark. */
static bool is_separator(uint32_t c)
{
    return c == 0xfffd || c == 0xfeff || c == 0xa0 || c == 0xab || c == 0xbb || (c >= 0x2000 && c <= 0x206f) ||
           (c >= 0x3000 && c <= 0x303f) || (c >= 0xff00 && c <= 0xff0f) || (c >= 0xff1a && c <= 0xff20) ||
           (c >= 0xff3b && c <= 0xff40) || (c >= 0xff5b && c <= 0xff65);
}

static int scan_segment(struct token_scan *scan, size_t start, size_t end, bool foreign)
{
    if (!foreign)
        return token_scan_part(scan, start, end);
    if (!(scan->set->head.flags & SET_HAS_IDN) || end - start > IDN_MAX ||
        !memchr(scan->map.lower + start, '.', end - start))
        return 0;
    return scan_rewritten(scan, IOC_DOMAIN, start, end);
}

int token_scan_foreign(struct token_scan *scan, size_t start, size_t end)
{
    bool foreign = false;
    size_t segment = start;
    for (size_t pos = start; pos < end;) {
        size_t before = pos;
        uint32_t c = utf8_next(span_sub(scan->in, 0, end), &pos);
        foreign = foreign || (c >= 0x80 && !is_separator(c));
        if (!is_separator(c))
            continue;
        int failed = scan_segment(scan, segment, before, foreign);
        if (failed)
            return failed;
        segment = pos;
        foreign = false;
    }
    return scan_segment(scan, segment, end, foreign);
}

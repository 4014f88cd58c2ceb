/* Names and IPv4 addresses, and what hangs under them. */
#include "sweep/token.h"

#define NOWHERE SIZE_MAX
#define RANGE_MIN 15 /* bytes of 1.1.1.1-2.2.2.2 */

int token_scan_init(struct token_scan *scan, const struct sweep_set *set, size_t max, struct err *err)
{
    *scan = (struct token_scan){.set = set};
    if (!token_map_init(&scan->map, max))
        return err_memory(err);
    if (set_has_type(set, IOC_IPV6) || set_has_type(set, IOC_IPV4) || set->head.flags & SET_HAS_IPV6_URL)
        scan->want |= TOKEN_WANT_IPV6;
    for (enum ioc_type type = IOC_MD5; type <= IOC_SHA512; type++)
        if (set_has_type(set, type))
            scan->want |= TOKEN_WANT_HASH;
    if (set_has_type(set, IOC_URL_PATH))
        scan->want |= TOKEN_WANT_PATH;
    return 0;
}

void token_scan_done(struct token_scan *scan)
{
    token_map_done(&scan->map);
}

int token_report(struct token_scan *scan, struct token_match match)
{
    return scan->found(scan->ctx, match.at, match.end - match.at, match.entry, scan->err);
}

/* ---- asking ---- */

uint32_t token_ask(struct token_scan *scan, uint64_t key, enum ioc_type type, struct span value, bool *ret_below)
{
    struct set_answer answer = set_ask(scan->set, key);
    scan->lookups++;
    if (ret_below)
        *ret_below = answer.below;
    return answer.exact ? set_lookup(scan->set, key, type, value) : SET_NO_ENTRY;
}

uint32_t token_ask_ipv4(struct token_scan *scan, uint32_t address)
{
    const struct sweep_set *set = scan->set;
    for (uint32_t left = set->head.ipv4_bits; left;) {
        unsigned bits = 32 - (unsigned)__builtin_clz(left);
        uint32_t prefix = address & ipv4_mask(bits);
        uint64_t key = key_ipv4(set->seeds[IOC_IPV4], prefix, bits);
        scan->lookups++;
        if (set_ask(set, key).exact) {
            char text[ADDRESS_TEXT_MAX];
            uint32_t entry = set_lookup(set, key, IOC_IPV4, span_of(text, ipv4_format(prefix, bits, text)));
            if (entry != SET_NO_ENTRY)
                return entry;
        }
        left &= ~(UINT32_C(1) << (bits - 1));
    }
    return SET_NO_ENTRY;
}

uint32_t token_ask_ipv6(struct token_scan *scan, struct ipv6 address)
{
    const struct sweep_set *set = scan->set;
    for (int half = 1; half >= 0; half--) {
        for (uint64_t left = set->head.ipv6_bits[half]; left;) {
            unsigned bit = 63 - (unsigned)__builtin_clzll(left), bits = 64 * (unsigned)half + bit + 1;
            struct ipv6 prefix = ipv6_masked(address, bits);
            uint64_t key = key_ipv6(set->seeds[IOC_IPV6], prefix, bits);
            char text[ADDRESS_TEXT_MAX];
            scan->lookups++;
            if (set_ask(set, key).exact) {
                uint32_t entry = set_lookup(set, key, IOC_IPV6, span_of(text, ipv6_format(prefix, bits, text)));
                if (entry != SET_NO_ENTRY)
                    return entry;
            }
            left &= ~(UINT64_C(1) << bit);
        }
    }
    return SET_NO_ENTRY;
}

uint32_t token_ask_name(struct token_scan *scan, struct span name)
{
    uint8_t padded[SWEEP_TOKEN_MAX + KEY_PAD];
    uint64_t levels[KEY_LEVELS_MAX];
    if (name.len > SWEEP_TOKEN_MAX)
        return SET_NO_ENTRY;
    memcpy(padded, name.data, name.len);
    memset(padded + name.len, 0, KEY_PAD);
    size_t count = key_domain(scan->set->seeds[IOC_DOMAIN], padded, name.len, levels), start = 0;
    while (count-- > 0) {
        uint32_t entry = token_ask(scan, levels[count], IOC_DOMAIN, span_sub(name, start, name.len), NULL);
        if (entry != SET_NO_ENTRY)
            return entry;
        start += span_find(span_sub(name, start, name.len), '.') + 1;
    }
    return SET_NO_ENTRY;
}

/* ---- words ---- */

static size_t word_start(const uint64_t *word, size_t pos)
{
    size_t block = pos / 64;
    uint64_t others = ~word[block] & ((UINT64_C(1) << pos % 64) - 1);
    while (!others) {
        if (block == 0)
            return 0;
        others = ~word[--block];
    }
    return block * 64 + 64 - (size_t)__builtin_clzll(others);
}

static size_t word_end(const uint64_t *word, size_t pos)
{
    size_t block = pos / 64;
    uint64_t others = ~word[block] & UINT64_MAX << pos % 64;
    while (!others)
        others = ~word[++block];
    return block * 64 + (size_t)__builtin_ctzll(others);
}

/* The last dot among the 64 bytes before `pos`, or NOWHERE: a longer label is in no set. */
static inline size_t dot_before(const uint64_t *dot, size_t pos)
{
    const uint64_t *block = dot + pos / 64;
    unsigned shift = pos % 64;
    uint64_t window = shift ? block[0] << (64 - shift) | block[-1] >> shift : block[-1];
    return window ? pos - 1 - (size_t)__builtin_clzll(window) : NOWHERE;
}

static inline size_t label_start(const uint64_t *dot, size_t start, size_t end)
{
    size_t before = dot_before(dot, end);
    return before == NOWHERE || before < start ? start : before + 1;
}

/* ---- names ---- */

struct walk {
    uint32_t entry; /* of the longest suffix */
    bool below;     /* something hangs under the whole name */
};

/* From the last two labels on, which begin at `begin`, leftwards while something lies below. */
static inline struct walk walk_name(struct token_scan *scan, size_t start, size_t begin, size_t end)
{
    const struct sweep_set *set = scan->set;
    const uint8_t *lower = scan->map.lower;
    struct walk walk = {SET_NO_ENTRY, false};
    uint64_t key = key_bytes(set->seeds[IOC_DOMAIN], lower + begin, end - begin);
    for (;;) {
        struct set_answer answer = set_ask(set, key);
        scan->lookups++;
        if (answer.exact) {
            uint32_t entry = set_lookup(set, key, IOC_DOMAIN, span_of(lower + begin, end - begin));
            if (entry != SET_NO_ENTRY)
                walk.entry = entry;
        }
        if (!answer.below)
            return walk;
        if (begin == start) {
            walk.below = true;
            return walk;
        }
        size_t label = label_start(scan->map.dot, start, begin - 1);
        if (label == begin - 1)
            return walk; /* an empty label: what stands before it is no part of the name */
        key = key_bytes(key, lower + label, begin - 1 - label);
        begin = label;
    }
}

static inline bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9;
}

/* Does a path begin at `pos`, as / or as JSON's \/? */
static inline bool is_slash(const uint8_t *lower, size_t pos)
{
    return lower[pos] == '/' || (lower[pos] == '\\' && lower[pos + 1] == '/');
}

static inline bool may_precede_path(uint8_t c)
{
    return c == '/' || c == ':' || c == '\\';
}

/* The path behind a host that ends before `pos`, perhaps with a port between. */
static int scan_path_behind(struct token_scan *scan, size_t pos)
{
    const uint8_t *lower = scan->map.lower;
    if (!(scan->want & TOKEN_WANT_PATH) || !may_precede_path(lower[pos]))
        return 0;
    if (lower[pos] == ':')
        for (size_t most = pos + 6; ++pos < most && is_digit(lower[pos]);)
            ;
    if (!is_slash(lower, pos))
        return 0;
    struct token_match match = token_path(scan, pos);
    return match.entry == SET_NO_ENTRY ? 0 : token_report(scan, match);
}

/* [start, end) is a name with a dot whose last two labels begin at `begin`; the word goes on to `after`. */
static int scan_name(struct token_scan *scan, size_t start, size_t begin, size_t end, size_t after)
{
    struct walk walk = walk_name(scan, start, begin, end);
    struct token_match match = {SET_NO_ENTRY, start, end};
    if (walk.below) {
        match = token_url(scan, span_of(scan->map.lower + start, end - start), start, after);
        if (match.entry == SET_NO_ENTRY && token_at_sign(scan, start))
            match = token_email(scan, start, end);
    }
    if (match.entry == SET_NO_ENTRY)
        match = (struct token_match){walk.entry, start, end};
    return match.entry == SET_NO_ENTRY ? scan_path_behind(scan, after) : token_report(scan, match);
}

/* ---- IPv4 ---- */

static inline bool is_word(const struct token_scan *scan, size_t pos)
{
    return scan->map.word[pos / 64] >> pos % 64 & 1;
}

/* The first two numbers decide for nearly all addresses: does the set know any in a.b.0.0/16? */
static inline bool half_known(const struct sweep_set *set, const uint8_t *p)
{
    uint32_t half = 0;
    for (int i = 0; i < 2; i++) {
        uint32_t value = 0;
        int digits = 0;
        while (digits < 3 && is_digit(*p)) {
            value = value * 10 + (uint32_t)(*p++ - '0');
            digits++;
        }
        if (digits == 0 || value > 255 || *p++ != '.')
            return false;
        half = half << 8 | value;
    }
    return set_knows_half(set, half);
}

/* One to five digits at `pos` that end where no letter or digit follows; 0 if there is no port. */
static unsigned port_at(const struct token_scan *scan, size_t pos)
{
    const uint8_t *lower = scan->map.lower;
    unsigned port = 0;
    size_t i = pos;
    while (i < pos + 5 && is_digit(lower[i]))
        port = port * 10 + (unsigned)(lower[i++] - '0');
    if (i == pos || lower[pos] == '0' || port > 65535)
        return 0;
    return is_word(scan, i) && lower[i] != '.' ? 0 : port;
}

/* The address and its port, if one follows: 1.2.3.4:53, .53 (tcpdump), #53 (BIND), /53 (Cisco). */
static uint32_t ask_port(struct token_scan *scan, uint64_t key, size_t start, size_t end)
{
    uint8_t c = scan->map.lower[end];
    if ((c != ':' && c != '.' && c != '#' && c != '/') || !set_has_type(scan->set, IOC_IPV4_PORT))
        return SET_NO_ENTRY;
    unsigned port = port_at(scan, end + 1);
    uint8_t text[ADDRESS_TEXT_MAX];
    if (port == 0)
        return SET_NO_ENTRY;
    size_t len = end - start, pos = end + 1;
    memcpy(text, scan->map.lower + start, len);
    text[len++] = ':';
    while (is_digit(scan->map.lower[pos]))
        text[len++] = scan->map.lower[pos++];
    return token_ask(scan, key_port(key, port), IOC_IPV4_PORT, span_of(text, len), NULL);
}

/* The address at [start, end), nothing but digits and dots, and what hangs under it. */
static int scan_address(struct token_scan *scan, uint32_t address, size_t start, size_t end)
{
    struct token_match match = {SET_NO_ENTRY, start, end};
    uint64_t key = key_ipv4(scan->set->seeds[IOC_IPV4], address, 32);
    scan->lookups++;
    if (set_ask(scan->set, key).below) {
        match = token_url(scan, span_of(scan->map.lower + start, end - start), start, end);
        if (match.entry == SET_NO_ENTRY) {
            match = (struct token_match){ask_port(scan, key, start, end), start, end + 1};
            while (is_digit(scan->map.lower[match.end]))
                match.end++;
        }
    }
    if (match.entry == SET_NO_ENTRY)
        match = (struct token_match){token_ask_ipv4(scan, address), start, end};
    return match.entry == SET_NO_ENTRY ? scan_path_behind(scan, end) : token_report(scan, match);
}

static bool is_number(const uint8_t *p, const uint8_t *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p == end;
}

/* A word that ends in a number: an address, one with a port behind a dot, or a range of two. */
static int scan_numbers(struct token_scan *scan, size_t start, size_t end)
{
    const uint8_t *lower = scan->map.lower;
    while (start < end) {
        uint32_t address;
        bool known = half_known(scan->set, lower + start);
        if (!known && end - start < RANGE_MIN && (!(scan->want & TOKEN_WANT_PATH) || !may_precede_path(lower[end])))
            return 0;
        size_t len = ipv4_begin(span_of(lower + start, end - start), &address);
        size_t next = start + len;
        if (len == 0)
            return 0;
        if (next < end && lower[next] == '.' && (end - next > 6 || !is_number(lower + next + 1, lower + end)))
            return 0; /* 1.2.3.4.5.6 */
        if (next < end && lower[next] != '.' && lower[next] != '-')
            return 0;
        known = known && set_knows_network(scan->set, address);
        int failed = known ? scan_address(scan, address, start, next) : scan_path_behind(scan, next);
        if (failed || next == end || lower[next] == '.')
            return failed;
        start = next + 1;
    }
    return 0;
}

static int scan_part(struct token_scan *scan, size_t start, size_t end, size_t after)
{
    const uint64_t *dot = scan->map.dot;
    if (end - start < 4)
        return 0;
    size_t last = dot_before(dot, end);
    if (last == NOWHERE || last <= start)
        return 0;
    scan->tokens++;
    const uint8_t *lower = scan->map.lower;
    if (is_digit(lower[last + 1]) && is_number(lower + last + 2, lower + end))
        return scan_numbers(scan, start, end);
    size_t begin = label_start(dot, start, last);
    return begin == last ? 0 : scan_name(scan, start, begin, end, after);
}

int token_scan_part(struct token_scan *scan, size_t start, size_t end)
{
    const uint8_t *lower = scan->map.lower;
    if (end > start && lower[end - 1] == '-' && lower[end] == '>')
        end--; /* the arrow of 1.2.3.4->5.6.7.8 */
    size_t after = end;
    while (end > start && lower[end - 1] == '.')
        end--;
    while (start < end && lower[start] == '.')
        start++;
    return scan_part(scan, start, end, after);
}

/* ---- what stands before a word and does not belong to it ---- */

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

size_t token_escape_len(const struct token_scan *scan, size_t start, size_t end)
{
    const uint8_t *p = scan->map.lower + start;
    if (start == 0 || end - start < 3)
        return 0;
    if (p[-1] == '%')
        return is_hex(p[0]) && is_hex(p[1]) ? 2 : 0;
    size_t slashes = 0;
    while (slashes < start && slashes < 64 && p[-1 - (ptrdiff_t)slashes] == '\\')
        slashes++;
    if (slashes % 2 == 0)
        return 0;
    if (memchr("bfnrt", p[0], 5))
        return 1;
    bool unicode = p[0] == 'u' && end - start > 5 && is_hex(p[1]) && is_hex(p[2]) && is_hex(p[3]) && is_hex(p[4]);
    return unicode ? 5 : 0;
}

static bool has_foreign(const uint8_t *p, const uint8_t *end)
{
    for (; p < end; p++)
        if (*p >= 0x80)
            return true;
    return false;
}

static int scan_word(struct token_scan *scan, size_t dot)
{
    const struct token_map *map = &scan->map;
    size_t start = word_start(map->word, dot), end = word_end(map->word, dot);
    uint8_t before = map->lower[(ptrdiff_t)start - 1];
    if (before == '%' || before == '\\')
        start += token_escape_len(scan, start, end);
    if (map->foreign && has_foreign(map->lower + start, map->lower + end))
        return token_scan_foreign(scan, start, end);
    if (end - start == 1 && memchr("[({", before, 3))
        return token_scan_defanged(scan, dot);
    return token_scan_part(scan, start, end);
}

/* JSON's \/ within a URL is a candidate, since a backslash is no part of a word. */
static bool begins_path(const struct token_scan *scan, size_t pos)
{
    const uint8_t *lower = scan->map.lower;
    if (lower[(ptrdiff_t)pos - 1] != '\\' || pos < 2)
        return true;
    return !is_word(scan, pos - 2) && lower[pos - 2] != '/' && lower[pos - 2] != ':';
}

static int scan_candidate(struct token_scan *scan, size_t pos)
{
    struct token_match match;
    switch (scan->map.lower[pos]) {
    case '.':
        return scan_word(scan, pos);
    case ':':
        return token_scan_ipv6(scan, pos);
    case '/':
        if (!begins_path(scan, pos))
            return 0;
        scan->tokens++;
        match = token_path(scan, pos);
        return match.entry == SET_NO_ENTRY ? 0 : token_report(scan, match);
    default:
        return token_scan_hash(scan, pos);
    }
}

int token_scan_lines(struct token_scan *scan, struct span in, struct err *err)
{
    scan->in = in;
    scan->err = err;
    scan->hash_end = scan->ipv6_end = scan->plain_end = 0;
    token_map_fill(&scan->map, in, scan->want);
    for (size_t block = 0; block <= (in.len - 1) / 64; block++) {
        for (uint64_t left = scan->map.candidate[block]; left; left &= left - 1) {
            int failed = scan_candidate(scan, block * 64 + (size_t)__builtin_ctzll(left));
            if (failed)
                return failed;
        }
    }
    return 0;
}

/* What hangs under a name or an address: URLs, paths, e-mail addresses. */
#include "sweep/token.h"
#include "sweep/url.h"

#define LOCAL_MAX 64 /* bytes of an e-mail address before the @ */
#define NAME_MAX 253 /* bytes of a name in a set */

/* A URL or path of the log on its way into canonical form, with the key of what is there so far. */
struct trace {
    struct token_scan *scan;
    enum ioc_type type;
    uint64_t key;
    size_t pos; /* in the piece of log */
    size_t len;
    bool encoded; /* the URL is a value in another one: its / and ? are %2F and %3F */
    struct token_match match;
    uint8_t text[SWEEP_TOKEN_MAX + 3];
};

static uint8_t byte_at(const struct token_scan *scan, size_t pos)
{
    return pos < scan->in.len ? scan->in.data[pos] : '\n';
}

static void trace_add(struct trace *trace, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len && trace->len < sizeof(trace->text); i++) {
        trace->text[trace->len++] = p[i];
        trace->key = key_roll(trace->key, p[i]);
    }
}

/* Is what is there so far an indicator? The last yes is the longest. */
static void trace_ask(struct trace *trace)
{
    if (trace->len > SWEEP_TOKEN_MAX)
        return;
    struct span value = span_of(trace->text, trace->len);
    uint32_t entry = token_ask(trace->scan, key_roll_end(trace->key), trace->type, value, NULL);
    if (entry != SET_NO_ENTRY) {
        trace->match.entry = entry;
        trace->match.end = trace->pos;
    }
}

/* Bytes that end every URL in a log. */
static const bool ending_bytes[256] = {
    [0 ... ' '] = true, [0x7f] = true, ['"'] = true, ['<'] = true, ['>'] = true, ['`'] = true, ['#'] = true,
};

/* Bytes before which a URL may have ended: see sweep.h. */
static const bool pausing_bytes[256] = {
    ['/'] = true, ['?'] = true, ['&'] = true, [','] = true,  [';'] = true, ['|'] = true,
    [')'] = true, [']'] = true, ['}'] = true, ['\''] = true, ['*'] = true, [128 ... 255] = true,
};

static bool ends_url(uint8_t c)
{
    return ending_bytes[c];
}

/* The byte that the escape at `pos` stands for; negative: there is none, or it ends a URL. */
static int escaped_byte(const struct token_scan *scan, size_t pos)
{
    int value = byte_at(scan, pos) == '%' ? url_hex_pair(scan->in, pos + 1) : -1;
    return value >= 0 && !ends_url((uint8_t)value) ? value : -1;
}

/* The next character, JSON's \/ and \u0026 taken apart; how many bytes it has, 0 at the end of the URL. */
static size_t next_char(const struct trace *trace, size_t pos, uint8_t *ret)
{
    const struct token_scan *scan = trace->scan;
    uint8_t c = byte_at(scan, pos);
    *ret = c;
    if (trace->encoded && c == '%') {
        int escaped = escaped_byte(scan, pos);
        *ret = (uint8_t)escaped;
        return escaped < 0 ? 0 : 3;
    }
    if (c != '\\')
        return ends_url(c) ? 0 : 1;
    c = byte_at(scan, pos + 1);
    *ret = '/';
    if (c == '/')
        return 2;
    if (c != 'u' || byte_at(scan, pos + 2) != '0' || byte_at(scan, pos + 3) != '0')
        return 0;
    int value = url_hex_pair(scan->in, pos + 4);
    if (value < 0 || value >= 0x80 || ends_url((uint8_t)value))
        return 0;
    *ret = (uint8_t)value;
    return 6;
}

/* May a URL have ended before this character? See sweep.h. */
static bool may_end_before(const struct trace *trace, uint8_t c, size_t after)
{
    uint8_t ignored;
    if (pausing_bytes[c])
        return true;
    return (c == '.' || c == ':' || c == '!') && next_char(trace, after, &ignored) == 0;
}

/* One canonical unit for the character at `pos` (or the %XX there). */
static size_t trace_unit(struct trace *trace, uint8_t c, size_t used)
{
    uint8_t unit[3];
    size_t unit_len;
    if (used == 1) {
        used = url_unit(trace->scan->in, trace->pos, unit, &unit_len);
    } else if (url_unit(span_of(&c, 1), 0, unit, &unit_len) == 0) {
        return 0;
    }
    trace_add(trace, unit, unit_len);
    return used;
}

/* A path's segment ends here: does any indicator go on? */
static bool goes_on(struct trace *trace)
{
    bool below;
    token_ask(trace->scan, key_roll_end(trace->key), trace->type, span_of(trace->text, trace->len), &below);
    return below;
}

static void trace_path(struct trace *trace)
{
    size_t start = trace->len, used;
    bool is_path = trace->type == IOC_URL_PATH;
    uint8_t c;
    while ((used = next_char(trace, trace->pos, &c)) > 0 && trace->len <= SWEEP_TOKEN_MAX) {
        if (is_path && trace->len > start && c == '/' && !goes_on(trace))
            return;
        if (trace->len > start && ((!is_path && trace->text[trace->len - 1] == '/') ||
                                   (may_end_before(trace, c, trace->pos + used) && !(is_path && c == '/'))))
            trace_ask(trace);
        used = trace_unit(trace, c, used);
        if (used == 0)
            break;
        trace->pos += used;
    }
    if (trace->len > start)
        trace_ask(trace);
}

/* ":8080" behind the host: into the text unless it is a default. False if there is none. */
static bool trace_port(struct trace *trace)
{
    const struct token_scan *scan = trace->scan;
    uint8_t colon;
    size_t start = trace->pos + next_char(trace, trace->pos, &colon), pos = start;
    unsigned port = 0;
    if (start == trace->pos || colon != ':')
        return false;
    for (; pos < start + 5 && byte_at(scan, pos) >= '0' && byte_at(scan, pos) <= '9'; pos++)
        port = port * 10 + (unsigned)(byte_at(scan, pos) - '0');
    if (port == 0 || port > 65535 || byte_at(scan, start) == '0' ||
        (byte_at(scan, pos) >= '0' && byte_at(scan, pos) <= '9'))
        return false;
    if (port != 80 && port != 443) {
        trace_add(trace, ":", 1);
        trace_add(trace, scan->in.data + start, pos - start);
    }
    trace->pos = pos;
    return true;
}

/* Does "%2F%2F" stand before the host? */
static bool is_encoded(const struct token_scan *scan, size_t at)
{
    return at >= 6 && escaped_byte(scan, at - 6) == '/' && escaped_byte(scan, at - 3) == '/';
}

/* Do "//", JSON's "\/\/" or a URL's "%2F%2F" stand before the host? */
static bool has_scheme(const struct token_scan *scan, size_t at)
{
    if (is_encoded(scan, at))
        return true;
    if (at < 2 || scan->in.data[at - 1] != '/')
        return false;
    return scan->in.data[at - 2] == '/' || (at >= 4 && scan->in.data[at - 2] == '\\' && scan->in.data[at - 3] == '/');
}

struct token_match token_url(struct token_scan *scan, struct span host, size_t at, size_t pos)
{
    struct trace trace;
    uint8_t c;
    trace.scan = scan;
    trace.type = IOC_URL;
    trace.key = scan->set->seeds[IOC_URL];
    trace.pos = pos;
    trace.len = 0;
    trace.encoded = is_encoded(scan, at);
    trace.match = (struct token_match){SET_NO_ENTRY, at, pos};
    if (host.len > SWEEP_TOKEN_MAX / 2 || !set_has_type(scan->set, IOC_URL))
        return trace.match;
    trace_add(&trace, host.data, host.len);
    bool has_port = trace_port(&trace);
    size_t used = next_char(&trace, trace.pos, &c);
    if (used && c == '/') {
        trace_path(&trace);
        return trace.match;
    }
    if (!has_port && !has_scheme(scan, at) && !(used && c == '?'))
        return trace.match;
    trace_add(&trace, "/", 1);
    trace_ask(&trace);
    if (used && c == '?')
        trace_path(&trace);
    return trace.match;
}

/* Bytes that stand for themselves in a path and cannot end it: all of RFC 3986's unreserved and some others. */
static const bool plain_bytes[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true, ['_'] = true, ['~'] = true,
    ['@'] = true,         ['='] = true,         ['+'] = true,         ['('] = true, ['$'] = true, ['['] = true,
};

/*
 * Can the path that begins at `pos` be in the set? Its first segments decide, and nearly always say no. A segment
 * that is not plain is left to the full look.
 */
static bool may_be_path(struct token_scan *scan, size_t pos)
{
    const uint8_t *p = scan->in.data + pos, *end = scan->in.data + scan->in.len;
    uint64_t key = scan->set->seeds[IOC_URL_PATH];
    for (;;) {
        if (*p == '\\')
            p++;
        key = key_roll(key, '/');
        for (p++; p < end && (plain_bytes[*p] || (*p == '.' && p + 1 < end && plain_bytes[p[1]])); p++)
            key = key_roll(key, *p);
        const uint8_t *next = p + (end - p >= 2 && p[0] == '\\' && p[1] == '/');
        if (p == end || (*next != '/' && *p != ' ' && *p != '"' && *p != '?'))
            return true;
        struct set_answer answer = set_ask(scan->set, key_roll_end(key));
        scan->lookups++;
        if (*next != '/')
            return answer.exact || (*p == '?' && answer.below);
        if (!answer.below)
            return false;
    }
}

struct token_match token_path(struct token_scan *scan, size_t pos)
{
    struct trace trace;
    if (!may_be_path(scan, pos))
        return (struct token_match){SET_NO_ENTRY, pos, pos};
    trace.scan = scan;
    trace.type = IOC_URL_PATH;
    trace.key = scan->set->seeds[IOC_URL_PATH];
    trace.pos = pos;
    trace.len = 0;
    trace.encoded = false;
    trace.match = (struct token_match){SET_NO_ENTRY, pos, pos};
    trace_path(&trace);
    return trace.match;
}

/* ---- e-mail ---- */

static bool is_local(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80 ||
           (c != 0 && strchr(".!#$%&'*+/=?^_`{|}~-", c));
}

/* Allowed in an address, but more often what stands before one in a log: from=<a@b>, 'a@b'. */
static bool is_ambiguous(uint8_t c)
{
    return c != 0 && strchr("'=/&{|}!#$*?^`", c);
}

bool token_is_local(uint8_t c)
{
    return is_local(c) && !is_ambiguous(c) && c < 0x80;
}

size_t token_at_sign(const struct token_scan *scan, size_t name)
{
    const uint8_t *before = scan->map.lower + name; /* there is room in front of the first byte */
    if (before[-1] == '@')
        return 1;
    return before[-3] == '%' && before[-2] == '4' && before[-1] == '0' ? 3 : 0;
}

/* May an address begin at `at`, in a run of bytes of such that begins at `first`? */
static bool may_begin_local(const struct token_scan *scan, size_t first, size_t at, size_t end)
{
    const uint8_t *lower = scan->map.lower;
    if (at == first)
        return at == 0 || !is_local(lower[at - 1]);
    if (is_ambiguous(lower[at - 1]) || at == first + token_escape_len(scan, first, end))
        return true;
    return at >= first + 3 && lower[at - 3] == '%' && url_hex_pair(scan->in, at - 2) >= 0;
}

struct token_match token_email(struct token_scan *scan, size_t name, size_t end)
{
    const uint8_t *lower = scan->map.lower;
    uint8_t text[LOCAL_MAX + 1 + NAME_MAX];
    size_t local = name - token_at_sign(scan, name), first = local;
    struct token_match match = {SET_NO_ENTRY, name, end};
    if (!set_has_type(scan->set, IOC_EMAIL) || end - name > NAME_MAX)
        return match;
    while (first > 0 && local - first < LOCAL_MAX && is_local(lower[first - 1]))
        first--;
    for (size_t at = first; at < local && match.entry == SET_NO_ENTRY; at++) {
        if (!may_begin_local(scan, first, at, local))
            continue;
        size_t len = local - at;
        uint64_t key = scan->set->seeds[IOC_EMAIL];
        memcpy(text, lower + at, len);
        text[len++] = '@';
        memcpy(text + len, lower + name, end - name);
        len += end - name;
        for (size_t i = 0; i < len; i++)
            key = key_roll(key, text[i]);
        match.entry = token_ask(scan, key_roll_end(key), IOC_EMAIL, span_of(text, len), NULL);
        match.at = at;
    }
    return match;
}

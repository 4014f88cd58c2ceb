/*
 * Random logs against random sets: the sweep finds what a naive matcher finds that knows sweep.h's rules and nothing
 * of bitmaps, filters, keys or tables: it compares every token with every indicator.
 */
#include "sample.h"

#include <ctype.h>

#define VALUES_MAX 64
#ifndef ROUNDS
#define ROUNDS 20000 /* about a second; a million were run once */
#endif

struct oracle {
    enum ioc_type type[VALUES_MAX];
    char value[VALUES_MAX][128];
    size_t count;
    const char *line; /* NUL-terminated */
    uint64_t number;
    char found[256][256]; /* in the form of sample_hit() */
    size_t found_count;
    uint64_t reported[VALUES_MAX]; /* the last line in which this value was found */
};

static bool word_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_';
}

static void report(struct oracle *oracle, const char *at, size_t len, size_t value)
{
    char text[256];
    assert_true(oracle->found_count < 256);
    if (oracle->reported[value] == oracle->number)
        return; /* once a line */
    oracle->reported[value] = oracle->number;
    snprintf(text, sizeof(text), "%llu %zu %.*s=%s", (unsigned long long)oracle->number, (size_t)(at - oracle->line),
             (int)len, at, oracle->value[value]);
    memcpy(oracle->found[oracle->found_count++], text, sizeof(text));
}

static bool equal_nocase(const char *text, size_t len, const char *value)
{
    return strlen(value) == len && strncasecmp(text, value, len) == 0;
}

/* Index of an indicator, or -1. */
static int find(const struct oracle *oracle, enum ioc_type type, const char *text, size_t len)
{
    for (size_t i = 0; i < oracle->count; i++)
        if (oracle->type[i] == type && equal_nocase(text, len, oracle->value[i]))
            return (int)i;
    return -1;
}

/* ---- addresses ---- */

/* A dotted quad without leading zeros at `p`; its length or 0. */
static size_t quad(const char *p, uint32_t *ret)
{
    unsigned part[4];
    int len = 0;
    char again[32];
    if (sscanf(p, "%3u.%3u.%3u.%3u%n", &part[0], &part[1], &part[2], &part[3], &len) != 4)
        return 0;
    for (int i = 0; i < 4; i++)
        if (part[i] > 255)
            return 0;
    snprintf(again, sizeof(again), "%u.%u.%u.%u", part[0], part[1], part[2], part[3]);
    if (strlen(again) != (size_t)len || memcmp(again, p, (size_t)len) != 0 || isdigit((unsigned char)p[len]))
        return 0;
    *ret = part[0] << 24 | part[1] << 16 | part[2] << 8 | part[3];
    return (size_t)len;
}

static int longest_prefix(const struct oracle *oracle, uint32_t address)
{
    int best = -1;
    unsigned best_bits = 0;
    for (size_t i = 0; i < oracle->count; i++) {
        uint32_t value;
        if (oracle->type[i] != IOC_IPV4)
            continue;
        size_t len = quad(oracle->value[i], &value);
        unsigned bits = oracle->value[i][len] == '/' ? (unsigned)atoi(oracle->value[i] + len + 1) : 32;
        if ((address ^ value) >> (32 - bits) == 0 && bits > best_bits) {
            best = (int)i;
            best_bits = bits;
        }
    }
    return best;
}

/* ---- URLs, paths, e-mail: this grammar writes them canonically, apart from letter case of the host ---- */

static bool may_end(const char *p)
{
    if (*p == 0 || strchr(" \t\"<>/?&#,;|)]}'*", *p))
        return true;
    return strchr(".:!", *p) && (p[1] == 0 || strchr(" \t\"<>#", p[1]));
}

/* The longest URL indicator for a host of `len` bytes; *ret_end is where the match ends. */
static int find_url(const struct oracle *oracle, const char *host, size_t len, const char *after, const char **ret_end)
{
    int best = -1;
    bool scheme = host - oracle->line >= 2 && host[-1] == '/' && host[-2] == '/';
    for (size_t i = 0; i < oracle->count; i++) {
        const char *value = oracle->value[i], *p = after;
        if (oracle->type[i] != IOC_URL || strncasecmp(host, value, len) != 0)
            continue;
        value += len;
        size_t port = 0;
        if (*p == ':' && p[1] >= '1' && p[1] <= '9') {
            for (port = 1; isdigit((unsigned char)p[port]); port++)
                ;
            if (port > 6 || atoi(p + 1) > 65535)
                port = 0;
        }
        bool standard = port && (atoi(p + 1) == 80 || atoi(p + 1) == 443);
        if (port && !standard) {
            if (strncmp(p, value, port) != 0)
                continue;
            value += port;
        }
        if (*value != '/')
            continue;
        p += port;
        if (*p != '/') { /* an empty path */
            if (!port && !scheme && *p != '?')
                continue;
            value++;
        }
        size_t rest = strlen(value);
        bool slash = oracle->value[i][strlen(oracle->value[i]) - 1] == '/';
        if (strncmp(p, value, rest) != 0 || !(slash || may_end(p + rest)))
            continue;
        if (best < 0 || strlen(oracle->value[i]) > strlen(oracle->value[best])) {
            best = (int)i;
            *ret_end = p + rest;
        }
    }
    return best;
}

static int find_path(const struct oracle *oracle, const char *p, const char **ret_end)
{
    int best = -1;
    for (size_t i = 0; i < oracle->count; i++) {
        size_t len = strlen(oracle->value[i]);
        if (oracle->type[i] != IOC_URL_PATH || strncmp(p, oracle->value[i], len) != 0)
            continue;
        if (p[len] == '/' || !may_end(p + len))
            continue;
        if (best < 0 || len > strlen(oracle->value[best])) {
            best = (int)i;
            *ret_end = p + len;
        }
    }
    return best;
}

static bool local_char(char c)
{
    return c && (isalnum((unsigned char)c) || strchr(".!#$%&'*+/=?^_`{|}~-", c));
}

static int find_email(const struct oracle *oracle, const char *name, size_t len, const char **ret_at)
{
    int best = -1;
    for (size_t i = 0; i < oracle->count; i++) {
        const char *at = strchr(oracle->value[i], '@');
        if (oracle->type[i] != IOC_EMAIL || !equal_nocase(name, len, at + 1))
            continue;
        size_t local = (size_t)(at - oracle->value[i]);
        const char *begin = name - 1 - local;
        if (begin < oracle->line || strncasecmp(begin, oracle->value[i], local) != 0)
            continue;
        if (begin > oracle->line && local_char(begin[-1]) && !strchr("'=/&{|}!#$*?^`", begin[-1]))
            continue;
        if (best < 0 || strlen(oracle->value[i]) > strlen(oracle->value[best])) {
            best = (int)i;
            *ret_at = begin;
        }
    }
    return best;
}

/* ---- tokens ---- */

static void path_behind(struct oracle *oracle, const char *after)
{
    const char *end;
    size_t digits = 0;
    if (*after == ':') {
        while (digits < 5 && isdigit((unsigned char)after[1 + digits]))
            digits++;
        after += 1 + digits;
    }
    int value = *after == '/' ? find_path(oracle, after, &end) : -1;
    if (value >= 0)
        report(oracle, after, (size_t)(end - after), (size_t)value);
}

static void check_name(struct oracle *oracle, const char *start, const char *end, const char *after)
{
    const char *url_end, *at = start;
    size_t len = (size_t)(end - start);
    int value = find_url(oracle, start, len, after, &url_end);
    if (value >= 0) {
        report(oracle, start, (size_t)(url_end - start), (size_t)value);
        return;
    }
    if (start > oracle->line && start[-1] == '@' && (value = find_email(oracle, start, len, &at)) >= 0) {
        report(oracle, at, (size_t)(end - at), (size_t)value);
        return;
    }
    /* Names to the right of the last empty label. */
    const char *p = start;
    for (const char *q = start; q + 1 < end; q++)
        if (q[0] == '.' && q[1] == '.')
            p = q + 2;
    for (; p < end; p = memchr(p, '.', (size_t)(end - p)) ? (const char *)memchr(p, '.', (size_t)(end - p)) + 1 : end) {
        if ((value = find(oracle, IOC_DOMAIN, p, (size_t)(end - p))) >= 0) {
            report(oracle, start, len, (size_t)value);
            return;
        }
    }
    path_behind(oracle, after);
}

static void check_address(struct oracle *oracle, const char *start, size_t len, uint32_t address)
{
    const char *after = start + len, *end;
    char text[64];
    int value = find_url(oracle, start, len, after, &end);
    if (value >= 0) {
        report(oracle, start, (size_t)(end - start), (size_t)value);
        return;
    }
    size_t digits = 0;
    if (*after && strchr(":.#/", *after))
        while (digits < 6 && isdigit((unsigned char)after[1 + digits]))
            digits++;
    const char *behind = after + 1 + digits;
    if (digits > 0 && digits < 6 && after[1] != '0' && atoi(after + 1) <= 65535 &&
        !(word_char(*behind) && *behind != '.')) {
        snprintf(text, sizeof(text), "%.*s:%.*s", (int)len, start, (int)digits, after + 1);
        if ((value = find(oracle, IOC_IPV4_PORT, text, strlen(text))) >= 0) {
            report(oracle, start, len + 1 + digits, (size_t)value);
            return;
        }
    }
    if ((value = longest_prefix(oracle, address)) >= 0)
        report(oracle, start, len, (size_t)value);
    else
        path_behind(oracle, after);
}

static void check_numbers(struct oracle *oracle, const char *start, const char *end)
{
    uint32_t address;
    while (start < end) {
        size_t len = quad(start, &address);
        const char *next = start + len;
        if (len == 0 || next > end)
            return;
        if (next < end && *next == '.') {
            if (end - next > 6)
                return;
            for (const char *p = next + 1; p < end; p++)
                if (!isdigit((unsigned char)*p))
                    return;
        } else if (next < end && *next != '-') {
            return;
        }
        check_address(oracle, start, len, address);
        if (next == end || *next == '.')
            return;
        start = next + 1;
    }
}

static void check_word(struct oracle *oracle, const char *start, const char *end)
{
    if (end[-1] == '-' && *end == '>')
        end--;
    const char *after = end, *last = NULL;
    bool number = true;
    while (end > start && end[-1] == '.')
        end--;
    while (start < end && *start == '.')
        start++;
    for (const char *p = start; p < end; p++)
        if (*p == '.')
            last = p;
    if (!last || end - start < 4 || end - last > 64) /* no label has more than 63 bytes */
        return;
    for (const char *p = last + 1; p < end; p++)
        number = number && isdigit((unsigned char)*p);
    if (number)
        check_numbers(oracle, start, end);
    else if (last[-1] != '.')
        check_name(oracle, start, end, after);
}

static void check_hashes(struct oracle *oracle)
{
    for (const char *p = oracle->line; *p;) {
        const char *start = p;
        while (isalnum((unsigned char)*p))
            p++;
        int value = -1;
        for (enum ioc_type type = IOC_MD5; type <= IOC_SHA512 && value < 0; type++)
            value = find(oracle, type, start, (size_t)(p - start));
        if (value >= 0)
            report(oracle, start, (size_t)(p - start), (size_t)value);
        p += *p && p == start;
    }
}

static void check_line(struct oracle *oracle)
{
    for (const char *p = oracle->line; *p;) {
        const char *start = p, *end;
        while (word_char(*p))
            p++;
        if (p > start) {
            check_word(oracle, start, p);
            continue;
        }
        char before = p > oracle->line ? p[-1] : ' ';
        int value = -1;
        if (*p == '/' && !word_char(before) && before != '/' && before != ':')
            value = find_path(oracle, p, &end);
        if (value >= 0)
            report(oracle, p, (size_t)(end - p), (size_t)value);
        p++;
    }
    check_hashes(oracle);
}

/* ---- random sets and logs ---- */

static uint64_t seed;

static const char *pick(const char *const *list, size_t count)
{
    return list[sample_below(&seed, count)];
}
#define PICK(list) pick(list, sizeof(list) / sizeof((list)[0]))

static void random_name(char *out, size_t size)
{
    static const char *const labels[] = {
        "a", "b", "www", "evil", "x1", "9", "long-label-of-more-bytes", "_s", "seventeen-letters"};
    static const char *const zones[] = {"com", "net", "co.uk", "x"};
    size_t len = 0;
    for (size_t n = 1 + sample_below(&seed, 3); n > 0; n--)
        len += (size_t)snprintf(out + len, size - len, "%s.", PICK(labels));
    snprintf(out + len, size - len, "%s", PICK(zones));
}

static void random_address(char *out, size_t size)
{
    static const unsigned numbers[] = {1, 2, 10, 127, 128, 200, 255};
    unsigned part[4];
    for (int i = 0; i < 4; i++)
        part[i] = numbers[sample_below(&seed, 7)];
    snprintf(out, size, "%u.%u.%u.%u", part[0], part[1] & 3, part[2] & 129, part[3]);
}

static void random_path(char *out, size_t size)
{
    static const char *const parts[] = {"/a", "/b.php", "/c", "/", "?q=1", "&r", "/~x", "/gate"};
    size_t len = (size_t)snprintf(out, size, "/%c", "abc"[sample_below(&seed, 3)]);
    for (size_t n = sample_below(&seed, 3); n > 0; n--)
        len += (size_t)snprintf(out + len, size - len, "%s", PICK(parts));
}

static void random_host(char *out, size_t size)
{
    if (sample_below(&seed, 3))
        random_name(out, size);
    else
        random_address(out, size);
}

static void random_hex(char *out)
{
    static const size_t lengths[] = {31, 32, 33, 40, 64, 65, 128};
    size_t len = lengths[sample_below(&seed, 7)];
    char digit = "0a7"[sample_below(&seed, 3)];
    memset(out, digit, len);
    out[len] = 0;
}

/* Something that may be an indicator. */
static void random_value(char *out, size_t size)
{
    char host[128], path[64];
    static const char *const users[] = {"boss", "a", "x.y", "o'neil"};
    random_host(host, sizeof(host));
    random_path(path, sizeof(path));
    switch (sample_below(&seed, 10)) {
    case 0:
        snprintf(out, size, "%s%s%s", host, sample_below(&seed, 3) ? "" : ":8080", path);
        return;
    case 1:
        random_address(host, sizeof(host));
        snprintf(out, size, "%s:%u", host, (unsigned)(1 + sample_below(&seed, 3)));
        return;
    case 2:
        random_address(host, sizeof(host));
        snprintf(out, size, "%s/%u", host, (unsigned)(8 + sample_below(&seed, 25)));
        return;
    case 3:
        random_name(host, sizeof(host));
        snprintf(out, size, "%s@%s", PICK(users), host);
        return;
    case 4:
        snprintf(out, size, "%s", path);
        return;
    case 5:
        random_hex(out);
        return;
    default:
        snprintf(out, size, "%s", host);
    }
}

static void random_set(struct oracle *oracle, struct sample_set *sample)
{
    struct sweep_builder *builder = sweep_builder_new(0);
    struct err err = {0};
    struct buf value;
    assert_non_null(builder);
    buf_init(&value, SWEEP_TOKEN_MAX);
    oracle->count = 0;
    for (size_t n = 1 + sample_below(&seed, VALUES_MAX); n > 0; n--) {
        char text[512];
        enum ioc_type type;
        random_value(text, sizeof(text));
        if (ioc_canonical(IOC_NONE, span_str(text), &value, &type, &err) || value.len >= 128)
            continue;
        if (strchr(buf_cstr(&value), '%'))
            continue;
        assert_int_equal(sweep_builder_add(builder, type, buf_view(&value), n, &err), 0);
        oracle->type[oracle->count] = type;
        snprintf(oracle->value[oracle->count++], 128, "%s", buf_cstr(&value));
    }
    buf_done(&value);
    sample_open(sample, builder);
}

/* Pieces glued by separators that mean something; no escapes, which the table of lines covers. */
static void random_line(const struct oracle *oracle, struct buf *line)
{
    static const char *const glue[] = {" ", " ",    " ",       "\t",   ",",  "\"",  "'",   "(",  ")",     "[",
                                       "]", "=",    "|",       ";",    ":",  ".",   "..",  "-",  "_",     "x",
                                       "/", "//",   "http://", "@",    "#",  "?",   "&",   "*",  "!",     "<",
                                       ">", ":80/", ":8080",   ".53 ", "#1", "/1 ", ":2 ", "a@", "boss@", "0"};
    buf_clear(line);
    for (size_t n = sample_below(&seed, 12); n > 0; n--) {
        char text[512];
        if (oracle->count && sample_below(&seed, 3))
            snprintf(text, sizeof(text), "%s", oracle->value[sample_below(&seed, oracle->count)]);
        else
            random_value(text, sizeof(text));
        for (char *p = text; *p && sample_below(&seed, 4) == 0; p++)
            *p = (char)toupper((unsigned char)*p);
        buf_str(line, text);
        for (size_t g = 1 + sample_below(&seed, 2); g > 0; g--)
            buf_str(line, PICK(glue));
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int collect(void *ctx, const struct sweep_hit *hit, struct err *err)
{
    struct oracle *got = ctx;
    (void)err;
    assert_true(got->found_count < 256);
    snprintf(got->found[got->found_count++], sizeof(got->found[0]), "%llu %zu %.*s=%.*s", (unsigned long long)hit->line,
             hit->at, (int)hit->len, (const char *)hit->text.data + hit->at, SPAN_ARGS(hit->ioc->value));
    return 0;
}

static void explain(const struct oracle *wanted, const struct oracle *got, const struct buf *log)
{
    print_error("log:\n%.*s\n", (int)log->len, (const char *)log->data);
    for (size_t i = 0; i < wanted->count; i++)
        print_error("  indicator %s %s\n", ioc_type_word(wanted->type[i]), wanted->value[i]);
    for (size_t i = 0; i < wanted->found_count; i++)
        print_error("  wanted %s\n", wanted->found[i]);
    for (size_t i = 0; i < got->found_count; i++)
        print_error("  found  %s\n", got->found[i]);
}

static void one_round(struct oracle *wanted, struct oracle *got)
{
    struct sample_set sample;
    struct buf log, line;
    struct err err = {0};
    buf_init(&log, 1 << 20);
    buf_init(&line, 1 << 20);
    random_set(wanted, &sample);
    wanted->found_count = got->found_count = 0;
    memset(wanted->reported, 0, sizeof(wanted->reported));
    for (wanted->number = 1; wanted->number <= 4; wanted->number++) {
        random_line(wanted, &line);
        wanted->line = buf_cstr(&line);
        check_line(wanted);
        buf_span(&log, buf_view(&line));
        buf_byte(&log, '\n');
    }
    struct sweep *sweep = sweep_new(sample.set, collect, got);
    assert_non_null(sweep);
    assert_int_equal(sweep_feed(sweep, buf_view(&log), &err), 0);
    assert_int_equal(sweep_end(sweep, &err), 0);
    sweep_free(sweep);
    qsort(wanted->found, wanted->found_count, sizeof(wanted->found[0]), compare);
    qsort(got->found, got->found_count, sizeof(got->found[0]), compare);
    bool same = wanted->found_count == got->found_count;
    for (size_t i = 0; same && i < got->found_count; i++)
        same = strcmp(wanted->found[i], got->found[i]) == 0;
    if (!same) {
        explain(wanted, got, &log);
        fail_msg("the sweep and the naive matcher disagree");
    }
    buf_done(&log);
    buf_done(&line);
    sample_done(&sample);
}

static void test_oracle(void **state)
{
    (void)state;
    struct oracle *wanted = calloc(1, sizeof(*wanted)), *got = calloc(1, sizeof(*got));
    size_t found = 0;
    assert_non_null(wanted);
    assert_non_null(got);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        seed = round;
        one_round(wanted, got);
        found += got->found_count;
    }
    assert_true(found > ROUNDS);
    free(wanted);
    free(got);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_oracle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

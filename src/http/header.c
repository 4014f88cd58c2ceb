#include "http/header.h"

#include <strings.h>

bool http_same_word(struct span a, const char *b)
{
    return a.len == strlen(b) && strncasecmp((const char *)a.data, b, a.len) == 0;
}

/* Cut the next item off a list; the separator is passed. False when nothing is left. */
static bool next_item(struct span *list, uint8_t separator, struct span *ret)
{
    if (list->len == 0)
        return false;
    size_t at = span_find(*list, separator);
    *ret = span_trim(span_sub(*list, 0, at));
    *list = span_sub(*list, at + 1, list->len);
    return true;
}

enum http_range http_range_parse(struct span range, uint64_t size, uint64_t *ret_from, uint64_t *ret_len)
{
    struct span unit = SPAN_LIT("bytes=");
    if (!span_starts(range, unit) || span_find(range, ',') < range.len)
        return HTTP_RANGE_NONE;
    struct span spec = span_trim(span_sub(range, unit.len, range.len));
    size_t dash = span_find(spec, '-');
    if (dash == spec.len)
        return HTTP_RANGE_NONE;
    struct span first = span_sub(spec, 0, dash), last = span_sub(spec, dash + 1, spec.len);
    uint64_t from = 0, to = UINT64_MAX;
    if ((first.len > 0 && !span_u64(first, UINT64_MAX, &from)) || (last.len > 0 && !span_u64(last, UINT64_MAX, &to)))
        return HTTP_RANGE_NONE;
    if (first.len == 0) { /* the last N bytes */
        if (last.len == 0)
            return HTTP_RANGE_NONE;
        if (to == 0 || size == 0)
            return HTTP_RANGE_UNSATISFIABLE;
        *ret_len = to < size ? to : size;
        *ret_from = size - *ret_len;
        return HTTP_RANGE_PART;
    }
    if (to < from)
        return HTTP_RANGE_NONE;
    if (from >= size)
        return HTTP_RANGE_UNSATISFIABLE;
    *ret_from = from;
    *ret_len = (to < size - 1 ? to : size - 1) - from + 1;
    return HTTP_RANGE_PART;
}

bool http_etag_listed(struct span if_none_match, const char *etag)
{
    struct span item;
    if (etag[0] == '\0')
        return false;
    if (span_is(span_trim(if_none_match), "*"))
        return true;
    while (next_item(&if_none_match, ',', &item)) {
        if (span_starts(item, SPAN_LIT("W/")))
            item = span_sub(item, 2, item.len);
        if (span_is(item, etag))
            return true;
    }
    return false;
}

/* "host:port" or "[address]:port" without the port; what is no port stays. */
static struct span without_port(struct span host)
{
    bool bracketed = host.len > 0 && host.data[0] == '[';
    size_t end = bracketed ? span_find(host, ']') + 1 : span_find(host, ':');
    uint64_t port;
    if (end >= host.len || host.data[end] != ':' || !span_u64(span_sub(host, end + 1, host.len), 65535, &port))
        return host;
    return span_sub(host, 0, end);
}

bool http_host_is_loopback(struct span host)
{
    struct span name = without_port(host);
    if (http_same_word(name, "localhost") || http_same_word(name, "[::1]"))
        return true;
    if (!span_starts(name, SPAN_LIT("127.")))
        return false;
    unsigned dots = 0;
    for (size_t i = 0; i < name.len; i++) {
        dots += name.data[i] == '.';
        if (name.data[i] != '.' && (name.data[i] < '0' || name.data[i] > '9'))
            return false;
    }
    return dots == 3; /* "127.evil.example" has letters, "127.1" is not what browsers send */
}

bool http_same_origin(struct span host, struct span origin, struct span site)
{
    if (site.len > 0)
        return http_same_word(site, "same-origin") || http_same_word(site, "none");
    if (origin.len == 0)
        return true;
    struct span scheme = SPAN_LIT("://");
    size_t at = span_search(origin, scheme);
    return at < origin.len && host.len > 0 && span_cmp(span_sub(origin, at + scheme.len, origin.len), host) == 0;
}

bool http_accepts_html(struct span accept)
{
    struct span item, type;
    while (next_item(&accept, ',', &item)) {
        if (next_item(&item, ';', &type) &&
            (http_same_word(type, "text/html") || http_same_word(type, "application/xhtml+xml")))
            return true;
    }
    return false;
}

unsigned http_prefer_wait(struct span prefer, unsigned max)
{
    struct span item;
    while (next_item(&prefer, ',', &item)) {
        struct span name;
        uint64_t seconds;
        if (next_item(&item, '=', &name) && http_same_word(name, "wait") &&
            span_u64(span_trim(span_sub(item, 0, span_find(item, ';'))), UINT32_MAX, &seconds))
            return seconds < max ? (unsigned)seconds : max;
    }
    return 0;
}

struct span http_cookie(struct span cookie, const char *name)
{
    struct span item, key;
    while (next_item(&cookie, ';', &item)) {
        if (next_item(&item, '=', &key) && span_is(key, name))
            return span_trim(item);
    }
    return SPAN_LIT("");
}

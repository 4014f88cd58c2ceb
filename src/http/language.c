/* Languages of the pages: which one a reader gets. */
#include <strings.h>

#include "http/header.h"

const char *const http_languages[] = {"en", "zh-Hans", NULL};

#define QUALITY_MAX 1000 /* thousandths: RFC 9110 section 12.4.2 */

const char *http_language_for(struct span tag)
{
    /* Lookup drops subtags from the end until something fits. With one written form a language that we have, what is
     * left is to compare the first subtag; a reader of zh-Hant is served better by zh-Hans than by English. */
    size_t end = span_find(tag, '-');
    for (size_t i = 0; end > 0 && http_languages[i]; i++) {
        struct span ours = span_str(http_languages[i]);
        if (span_find(ours, '-') == end && strncasecmp((const char *)ours.data, (const char *)tag.data, end) == 0)
            return http_languages[i];
    }
    return NULL;
}

/* "0.8" in thousandths; a malformed weight counts as 0: not wanted. */
static unsigned parse_quality(struct span text)
{
    if (text.len == 0 || (text.data[0] != '0' && text.data[0] != '1') || (text.len > 1 && text.data[1] != '.') ||
        text.len > 5)
        return 0;
    unsigned quality = (unsigned)(text.data[0] - '0') * QUALITY_MAX, unit = QUALITY_MAX / 10;
    for (size_t i = 2; i < text.len; i++, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        quality += (unsigned)(text.data[i] - '0') * unit;
    }
    return quality > QUALITY_MAX ? QUALITY_MAX : quality;
}

/* One "tag;q=0.8" of Accept-Language. */
static unsigned split_range(struct span item, struct span *ret_tag)
{
    size_t at = span_find(item, ';');
    *ret_tag = span_trim(span_sub(item, 0, at));
    if (at == item.len)
        return QUALITY_MAX;
    struct span weight = span_trim(span_sub(item, at + 1, item.len));
    if (!span_starts(weight, SPAN_LIT("q=")))
        return QUALITY_MAX;
    return parse_quality(span_sub(weight, 2, weight.len));
}

static const char *best_accepted(struct span accept)
{
    const char *best = NULL;
    unsigned best_quality = 0;
    while (accept.len > 0) {
        size_t at = span_find(accept, ',');
        struct span tag;
        unsigned quality = split_range(span_sub(accept, 0, at), &tag);
        accept = span_sub(accept, at + 1, accept.len);
        const char *language = span_is(tag, "*") ? http_languages[0] : http_language_for(tag);
        if (language && quality > best_quality) {
            best = language;
            best_quality = quality;
        }
    }
    return best;
}

const char *http_language_choose(struct span query, struct span cookie, struct span accept_language, bool *ret_explicit)
{
    const char *language = http_language_for(query);
    *ret_explicit = language != NULL;
    if (!language)
        language = http_language_for(http_cookie(cookie, "lang"));
    if (!language)
        language = best_accepted(accept_language);
    return language ? language : http_languages[0];
}

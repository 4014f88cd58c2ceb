/* Which format a source has. */
#include "security/import_impl.h"

static const char *const format_words[] = {
    [IMPORT_AUTO] = "auto", [IMPORT_STIX] = "stix",         [IMPORT_LIST] = "list",
    [IMPORT_MISP] = "misp", [IMPORT_MALTRAIL] = "maltrail",
};
#define FORMATS (sizeof(format_words) / sizeof(format_words[0]))

enum import_format import_format_parse(struct span word, bool *ret_known)
{
    for (size_t i = 0; i < FORMATS; i++) {
        if (span_is(word, format_words[i])) {
            *ret_known = true;
            return (enum import_format)i;
        }
    }
    *ret_known = false;
    return IMPORT_AUTO;
}

bool import_looks_like_json(struct span text)
{
    if (text.len == 0 || (text.data[0] != '{' && text.data[0] != '['))
        return false;
    if (text.data[0] == '{')
        return true;
    text = span_trim(span_sub(text, 1, text.len));
    return text.len == 0 || text.data[0] == '{' || text.data[0] == ']' || text.data[0] == '[';
}

/* The earliest place of any of the keys, or the text's length. */
static size_t earliest(struct span text, const char *const *keys, size_t count)
{
    size_t first = text.len;
    for (size_t i = 0; i < count; i++) {
        size_t at = span_search(text, span_str(keys[i]));
        first = at < first ? at : first;
    }
    return first;
}

enum import_format import_guess(struct span head, struct span filename)
{
    static const char *const stix[] = {"\"type\"", "\"objects\"", "\"spec_version\""};
    static const char *const misp[] = {"\"response\"", "\"Event\"", "\"Attribute\"", "\"orgc_id\"", "\"Orgc\""};
    if (span_starts(head, SPAN_LIT("\xef\xbb\xbf")))
        head = span_sub(head, 3, head.len);
    head = span_trim(head);
    if (import_looks_like_json(head))
        return earliest(head, misp, sizeof(misp) / sizeof(misp[0])) <
                       earliest(head, stix, sizeof(stix) / sizeof(stix[0]))
                   ? IMPORT_MISP
                   : IMPORT_STIX;
    bool trails = span_search(filename, SPAN_LIT("maltrail")) < filename.len ||
                  span_search(filename, SPAN_LIT("trails/")) < filename.len ||
                  span_search(head, SPAN_LIT("Maltrail developers")) < head.len;
    return trails ? IMPORT_MALTRAIL : IMPORT_LIST;
}

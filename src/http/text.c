#include "http/text.h"

#include "http/assets.h"

#define MO_MAGIC 0x950412deu /* GNU gettext manual, "The Format of GNU MO Files" */
#define MO_HEADER 28         /* bytes */

/* The catalogue is made on the machine that compiles: its byte order is ours. False if the bytes are not all there. */
static bool read_u32(struct span mo, uint64_t at, uint32_t *ret)
{
    if (at > mo.len || mo.len - at < sizeof(*ret))
        return false;
    memcpy(ret, mo.data + at, sizeof(*ret));
    return true;
}

/* String `n` of the table at `table`: a length, an offset; the bytes end with a NUL that the length does not count. */
static const char *mo_string(struct span mo, uint32_t table, uint32_t n)
{
    uint32_t len, at;
    uint64_t row = (uint64_t)table + 8 * (uint64_t)n;
    if (!read_u32(mo, row, &len) || !read_u32(mo, row + 4, &at))
        return NULL;
    if (at >= mo.len || mo.len - at <= len || mo.data[(uint64_t)at + len] != '\0')
        return NULL;
    return (const char *)mo.data + at;
}

const char *text_lookup(struct span catalogue, const char *english)
{
    uint32_t magic, count, originals, translations;
    if (catalogue.len < MO_HEADER || !read_u32(catalogue, 0, &magic) || magic != MO_MAGIC ||
        !read_u32(catalogue, 8, &count) || !read_u32(catalogue, 12, &originals) ||
        !read_u32(catalogue, 16, &translations))
        return NULL;
    uint32_t low = 0, high = count;
    while (low < high) { /* originals are in ascending order of bytes; one with a plural is "one NUL many" */
        uint32_t middle = low + (high - low) / 2;
        const char *text = mo_string(catalogue, originals, middle);
        if (!text)
            return NULL;
        int order = strcmp(english, text);
        if (order == 0) {
            const char *found = mo_string(catalogue, translations, middle);
            return found && found[0] != '\0' ? found : NULL;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *text_translate(const char *lang, const char *english)
{
    struct span catalogue = asset_catalogue(lang);
    /* The empty text's translation is the catalogue's own header. */
    const char *found = catalogue.len > 0 && english[0] != '\0' ? text_lookup(catalogue, english) : NULL;
    return found ? found : english;
}

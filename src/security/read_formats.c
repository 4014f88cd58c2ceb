/* Readers by format. */
#include "security/import.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "security/read_impl.h"

struct import_reader *import_reader_new(enum import_format format, const struct import_source *source,
                                        const struct import_sink *sink)
{
    struct import_reader *reader = NULL;
    assert(format != IMPORT_AUTO);
    switch (format) {
    case IMPORT_STIX:
        reader = read_stix_new();
        break;
    case IMPORT_LIST:
        reader = read_list_new();
        break;
    case IMPORT_MALTRAIL:
        reader = read_maltrail_new();
        break;
    case IMPORT_MISP:
        reader = read_misp_new();
        break;
    case IMPORT_AUTO:
        break;
    }
    if (reader) {
        reader->source = *source;
        reader->sink = *sink;
    }
    return reader;
}

int import_reader_feed(struct import_reader *reader, struct span bytes, struct err *err)
{
    return bytes.len ? reader->class->feed(reader, bytes, err) : 0;
}

int import_reader_end(struct import_reader *reader, struct err *err)
{
    return reader->class->end(reader, err);
}

bool import_reader_cut(const struct import_reader *reader)
{
    return reader->cut;
}

void import_reader_free(struct import_reader *reader)
{
    if (reader)
        reader->class->free(reader);
}

int reader_bad(struct import_reader *reader, uint64_t line, uint64_t offset, struct err *err, const char *fmt, ...)
{
    char reason[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(reason, sizeof(reason), fmt, args);
    va_end(args);
    return reader->sink.bad(reader->sink.ctx, line, offset, reason, err);
}

int reader_bad_json(struct import_reader *reader, struct span object, uint64_t line, uint64_t offset,
                    const struct err *why, struct err *err)
{
    static const char head[] = "JSON: byte ";
    const char *digits = why->text + sizeof(head) - 1;
    size_t count = strncmp(why->text, head, sizeof(head) - 1) == 0 ? strspn(digits, "0123456789") : 0;
    uint64_t at;
    if (count == 0 || !span_u64(span_of(digits, count), object.len, &at))
        return reader_bad(reader, line, offset, err, "%s", why->text);
    for (size_t i = 0; i < at; i++)
        line += object.data[i] == '\n';
    offset += at;
    return reader_bad(reader, line, offset, err, "%s%llu%s", head, (unsigned long long)offset, digits + count);
}

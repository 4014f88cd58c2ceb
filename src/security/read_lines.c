/* Lines out of pieces of any size. */
#include "security/read_impl.h"

#include "base/utf8.h"

void lines_init(struct lines *lines, struct import_reader *reader,
                int (*each)(struct import_reader *reader, struct span line, struct err *err))
{
    *lines = (struct lines){.reader = reader, .each = each, .line = 1};
    buf_init(&lines->partial, IMPORT_LINE_MAX);
}

void lines_done(struct lines *lines)
{
    buf_done(&lines->partial);
}

/* Position of the first control character other than a tab, or line.len. */
static size_t find_control(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((line.data[i] < 0x20 && line.data[i] != '\t') || line.data[i] == 0x7f)
            return i;
    return line.len;
}

/* One whole line without its newline. */
static int take_line(struct lines *lines, struct span line, struct err *err)
{
    if (lines->offset == 0 && span_starts(line, SPAN_LIT("\xef\xbb\xbf")))
        line = span_sub(line, 3, line.len);
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    size_t control = find_control(line);
    if (control < line.len)
        return reader_bad(lines->reader, lines->line, lines->offset, err,
                          "byte 0x%02x at position %zu of the line: no text", line.data[control], control);
    if (!utf8_valid(line))
        return reader_bad(lines->reader, lines->line, lines->offset, err, "no UTF-8 text");
    return lines->each(lines->reader, line, err);
}

/* Part of a line, the last one or not; a line may come in any number of parts. */
static int take_part(struct lines *lines, struct span part, bool last, struct err *err)
{
    int rc = 0;
    if (lines->skipping) {
        lines->skipping = !last;
        return 0;
    }
    if (lines->partial.len + part.len > IMPORT_LINE_MAX) {
        buf_clear(&lines->partial);
        lines->skipping = !last;
        return reader_bad(lines->reader, lines->line, lines->offset, err, "line longer than %d bytes", IMPORT_LINE_MAX);
    }
    if (last && lines->partial.len == 0)
        return take_line(lines, part, err);
    buf_span(&lines->partial, part);
    rc = buf_check(&lines->partial, "line", err);
    if (rc == 0 && last) {
        rc = take_line(lines, buf_view(&lines->partial), err);
        buf_clear(&lines->partial);
    }
    return rc;
}

int lines_feed(struct lines *lines, struct span bytes, struct err *err)
{
    int rc = 0;
    for (size_t pos = 0; pos < bytes.len && rc == 0;) {
        size_t len = span_find(span_sub(bytes, pos, bytes.len), '\n');
        bool last = pos + len < bytes.len;
        rc = take_part(lines, span_sub(bytes, pos, len), last, err);
        pos += len + last;
        lines->fed += len + last;
        if (last) {
            lines->line++;
            lines->offset = lines->fed;
        }
    }
    return rc;
}

int lines_end(struct lines *lines, struct err *err)
{
    return lines->fed > lines->offset ? take_part(lines, (struct span){0}, true, err) : 0;
}

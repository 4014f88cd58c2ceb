#include "http/multipart.h"

#include <assert.h>
#include <strings.h>

static bool starts_nocase(struct span text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && strncasecmp((const char *)text.data, prefix, len) == 0;
}

/* `name=value` or `name="value"` among the parameters behind a header's first word. */
static bool parameter(struct span header, const char *name, struct span *ret)
{
    size_t pos = span_find(header, ';');
    while (pos < header.len) {
        struct span rest = span_trim(span_sub(header, pos + 1, header.len));
        size_t equals = span_find(rest, '=');
        if (equals == rest.len)
            return false;
        struct span key = span_trim(span_sub(rest, 0, equals)), value = span_sub(rest, equals + 1, rest.len);
        bool quoted = value.len > 0 && span_find(value, '"') == 0;
        if (quoted)
            value = span_sub(value, 1, value.len);
        size_t end = span_find(value, quoted ? '"' : ';');
        if (quoted && end == value.len)
            return false;
        if (key.len == strlen(name) && starts_nocase(key, name)) {
            *ret = quoted ? span_sub(value, 0, end) : span_trim(span_sub(value, 0, end));
            return true;
        }
        size_t passed = (size_t)(value.data - header.data) + end;
        pos = quoted ? passed + span_find(span_sub(header, passed, header.len), ';') : passed;
    }
    return false;
}

bool http_is_multipart(struct span content_type)
{
    return starts_nocase(content_type, "multipart/form-data");
}

int http_multipart_init(struct http_multipart *reader, struct span content_type, struct span body, struct err *err)
{
    struct span boundary;
    if (!http_is_multipart(content_type) || !parameter(content_type, "boundary", &boundary))
        return err_set(err, ERR_SYNTAX, "form: the content type names no boundary");
    if (boundary.len == 0 || boundary.len > HTTP_BOUNDARY_MAX || memchr(boundary.data, '\0', boundary.len))
        return err_set(err, ERR_SYNTAX, "form: boundary of %zu bytes, 1 to %d are allowed", boundary.len,
                       HTTP_BOUNDARY_MAX);
    memcpy(reader->delimiter, "\r\n--", 4);
    memcpy(reader->delimiter + 4, boundary.data, boundary.len);
    reader->delimiter_len = 4 + boundary.len;
    reader->delimiter[reader->delimiter_len] = '\0';
    reader->body = body;
    struct span first = span_of(reader->delimiter + 2, reader->delimiter_len - 2);
    if (span_cmp(span_sub(body, 0, first.len), first) != 0)
        return err_set(err, ERR_SYNTAX, "form: the body does not begin with its boundary");
    reader->pos = first.len;
    return 0;
}

static void read_header(struct span line, struct http_form_part *part)
{
    assert(line.data);
    size_t colon = span_find(line, ':');
    struct span name = span_sub(line, 0, colon);
    if (name.len != strlen("content-disposition") || !starts_nocase(name, "content-disposition"))
        return;
    struct span value = span_trim(span_sub(line, colon + 1, line.len));
    (void)parameter(value, "name", &part->name);
    (void)parameter(value, "filename", &part->filename);
}

int http_multipart_next(struct http_multipart *reader, struct http_form_part *ret, struct err *err)
{
    assert(reader->body.data);
    struct span rest = span_sub(reader->body, reader->pos, reader->body.len);
    if (span_starts(rest, SPAN_LIT("--")))
        return 0;
    if (!span_starts(rest, SPAN_LIT("\r\n")))
        return err_set(err, ERR_SYNTAX, "form: byte %zu: expected a new line behind the boundary", reader->pos);
    struct http_form_part part = {0};
    rest = span_sub(rest, 2, rest.len);
    struct span header = span_sub(rest, 0, HTTP_PART_HEADER_MAX);
    bool is_whole = header.len == rest.len;
    for (;;) {
        size_t end = span_search(header, SPAN_LIT("\r\n"));
        if (end == header.len)
            return err_set(err, is_whole ? ERR_SYNTAX : ERR_LIMIT,
                           "form: byte %zu: a part's headers do not end within %d bytes", reader->pos,
                           HTTP_PART_HEADER_MAX);
        struct span line = span_sub(header, 0, end);
        header = span_sub(header, end + 2, header.len);
        if (line.len == 0)
            break;
        read_header(line, &part);
    }
    size_t from = (size_t)(header.data - reader->body.data);
    rest = span_sub(reader->body, from, reader->body.len);
    size_t len = span_search(rest, span_of(reader->delimiter, reader->delimiter_len));
    if (len == rest.len)
        return err_set(err, ERR_SYNTAX, "form: cut off: no boundary behind byte %zu", from);
    part.content = span_sub(rest, 0, len);
    reader->pos = from + len + reader->delimiter_len;
    *ret = part;
    return 1;
}

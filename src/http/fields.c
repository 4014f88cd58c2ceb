#include "http/fields.h"

#include <strings.h>

#include "http/header.h"

struct span fields_first(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value ? span_str(value) : SPAN_LIT("");
}

struct count {
    const char *name;
    unsigned found;
};

static enum MHD_Result count_field(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    (void)value;
    struct count *count = cls;
    count->found += strcasecmp(name, count->name) == 0;
    return MHD_YES;
}

unsigned fields_count(struct MHD_Connection *connection, const char *name)
{
    struct count count = {.name = name};
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count_field, &count);
    return count.found;
}

static bool is_token(const char *name)
{
    for (const char *c = name; *c; c++)
        if (*c <= ' ' || *c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", *c))
            return false;
    return name[0] != '\0';
}

static enum MHD_Result look_at_field(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    bool *is_plain = cls;
    *is_plain = is_token(name);
    for (const char *c = value ? value : ""; *c && *is_plain; c++)
        *is_plain = (*c < 0 || *c >= ' ' || *c == '\t') && *c != 0x7f;
    return *is_plain ? MHD_YES : MHD_NO;
}

bool fields_are_plain(struct MHD_Connection *connection)
{
    bool is_plain = true;
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at_field, &is_plain);
    return is_plain;
}

bool fields_end_body(struct MHD_Connection *connection, const char *version, uint64_t *ret_bytes, bool *ret_chunked)
{
    struct span length = fields_first(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    struct span coding = fields_first(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    unsigned lengths = fields_count(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    unsigned codings = fields_count(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    *ret_chunked = codings == 1 && http_same_word(coding, "chunked");
    *ret_bytes = 0;
    if (codings > 0)
        return *ret_chunked && lengths == 0 && strcmp(version, MHD_HTTP_VERSION_1_0) != 0;
    return lengths == 0 || (lengths == 1 && span_u64(length, UINT64_MAX, ret_bytes));
}

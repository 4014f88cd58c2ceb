/* STIX objects that we make from single values. */
#include <stdio.h>
#include <strings.h>

#include "base/json.h"
#include "base/when.h"
#include "security/read_impl.h"
#include "security/read_uuid.h"

/* Bytes of text in an object, before escapes, which take at most six times as many; longer text is cut. */
#define NAME_MAX_BYTES 2048
#define DESCRIPTION_MAX_BYTES 4096
#define LABEL_MAX_BYTES 1024
#define OBJECT_MAX (128u << 10) /* bytes of one such object: those three, a pattern and a few references */

void indicator_maker_init(struct indicator_maker *maker)
{
    *maker = (struct indicator_maker){0};
    buf_init(&maker->object, OBJECT_MAX);
    buf_init(&maker->pattern, OBJECT_MAX);
    buf_init(&maker->value, SWEEP_TOKEN_MAX);
}

void indicator_maker_done(struct indicator_maker *maker)
{
    buf_done(&maker->object);
    buf_done(&maker->pattern);
    buf_done(&maker->value);
}

const char *indicator_scheme(struct span text)
{
    static const struct {
        const char *begins, *scheme;
    } schemes[] = {{"https:", "https"}, {"hxxps:", "https"}, {"hxxps[", "https"}, {"https[", "https"}, {"ftp:", "ftp"}};
    text = span_trim(text);
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t len = strlen(schemes[i].begins);
        if (text.len > len && strncasecmp((const char *)text.data, schemes[i].begins, len) == 0)
            return schemes[i].scheme;
    }
    return "http";
}

/* ---- patterns ---- */

/* A string literal of the pattern language: STIX 2.1 section 9.3 escapes the quote and the backslash. */
static void pattern_literal(struct span value, const char *prefix, struct buf *out)
{
    buf_byte(out, '\'');
    buf_str(out, prefix);
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '\'' || value.data[i] == '\\')
            buf_byte(out, '\\');
        buf_byte(out, value.data[i]);
    }
    buf_byte(out, '\'');
}

static void compare(const char *path, const char *operator, struct span value, struct buf *out)
{
    buf_byte(out, '[');
    buf_str(out, path);
    buf_str(out, operator);
    pattern_literal(value, "", out);
    buf_byte(out, ']');
}

static void address_port(struct span value, struct buf *out)
{
    size_t colon = span_find(value, ':');
    buf_str(out, "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = ");
    pattern_literal(span_sub(value, 0, colon), "", out);
    buf_str(out, " AND network-traffic:dst_port = ");
    buf_span(out, span_sub(value, colon + 1, value.len));
    buf_byte(out, ']');
}

void indicator_pattern(enum ioc_type type, struct span value, const char *scheme, struct buf *out)
{
    char prefix[16];
    bool range = span_find(value, '/') < value.len;
    switch (type) {
    case IOC_IPV4:
        compare("ipv4-addr:value", range ? " ISSUBSET " : " = ", value, out);
        break;
    case IOC_IPV6:
        compare("ipv6-addr:value", range ? " ISSUBSET " : " = ", value, out);
        break;
    case IOC_DOMAIN:
        compare("domain-name:value", " = ", value, out);
        break;
    case IOC_URL:
        snprintf(prefix, sizeof(prefix), "%s://", scheme);
        buf_str(out, "[url:value = ");
        pattern_literal(value, prefix, out);
        buf_byte(out, ']');
        break;
    case IOC_URL_PATH:
        compare("network-traffic:extensions.'http-request-ext'.request_value", " = ", value, out);
        break;
    case IOC_MD5:
        compare("file:hashes.MD5", " = ", value, out);
        break;
    case IOC_SHA1:
        compare("file:hashes.'SHA-1'", " = ", value, out);
        break;
    case IOC_SHA256:
        compare("file:hashes.'SHA-256'", " = ", value, out);
        break;
    case IOC_SHA512:
        compare("file:hashes.'SHA-512'", " = ", value, out);
        break;
    case IOC_EMAIL:
        compare("email-addr:value", " = ", value, out);
        break;
    case IOC_IPV4_PORT:
        address_port(value, out);
        break;
    case IOC_NONE:
    case IOC_TYPES:
        break;
    }
}

/* ---- the object ---- */

/* A JSON string. Nearly all of ours need no escape and are copied as they are: a million of them go through here. */
static void quote(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            buf_json_string(out, text);
            return;
        }
    }
    buf_byte(out, '"');
    buf_span(out, text);
    buf_byte(out, '"');
}

static void text_member(struct buf *out, const char *key, struct span text)
{
    if (text.len == 0)
        return;
    buf_str(out, ",\"");
    buf_str(out, key);
    buf_str(out, "\":");
    quote(out, text);
}

/* At most `max` bytes, cut at a character. */
static struct span clip(struct span text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max > 0 && (text.data[max] & 0xc0) == 0x80)
        max--;
    return span_sub(text, 0, max);
}

static void time_member(struct buf *out, const char *key, const char *when)
{
    buf_str(out, ",\"");
    buf_str(out, key);
    buf_str(out, "\":\"");
    buf_str(out, when);
    buf_byte(out, '"');
}

static void references_member(struct buf *out, const struct indicator_notes *notes)
{
    size_t count = notes->reference_count + (notes->external_id.len > 0);
    if (count == 0)
        return;
    buf_str(out, ",\"external_references\":[");
    for (size_t i = 0; i < count; i++) {
        buf_str(out, i ? ",{\"source_name\":" : "{\"source_name\":");
        quote(out, notes->source_name);
        if (i < notes->reference_count)
            text_member(out, "url", notes->references[i]);
        else
            text_member(out, "external_id", notes->external_id);
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
}

/* All objects of a list have one time, so the last text is kept. */
static void when_text(struct indicator_maker *maker, int64_t when_ms, char out[WHEN_TEXT_LEN + 1])
{
    if (maker->when[0] == 0 || maker->when_ms != when_ms)
        when_format(when_ms, maker->when);
    maker->when_ms = when_ms;
    memcpy(out, maker->when, WHEN_TEXT_LEN + 1);
}

int indicator_write(struct indicator_maker *maker, struct span name, const struct indicator_notes *notes,
                    int64_t created_ms, int64_t modified_ms, struct err *err)
{
    char created[WHEN_TEXT_LEN + 1], modified[WHEN_TEXT_LEN + 1];
    struct buf *out = &maker->object;
    when_text(maker, created_ms, created);
    when_text(maker, modified_ms, modified);
    buf_clear(out);
    buf_str(out, "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"");
    buf_str(out, maker->id);
    buf_byte(out, '"');
    time_member(out, "created", created);
    time_member(out, "modified", modified);
    text_member(out, "name", clip(name, NAME_MAX_BYTES));
    text_member(out, "description", clip(notes->description, DESCRIPTION_MAX_BYTES));
    buf_str(out, ",\"indicator_types\":[\"malicious-activity\"]");
    text_member(out, "pattern", buf_view(&maker->pattern));
    buf_str(out, ",\"pattern_type\":\"stix\"");
    time_member(out, "valid_from", created);
    if (notes->label.len) {
        buf_str(out, ",\"labels\":[");
        quote(out, clip(notes->label, LABEL_MAX_BYTES));
        buf_byte(out, ']');
    }
    references_member(out, notes);
    buf_byte(out, '}');
    if (maker->pattern.failed)
        return buf_check(&maker->pattern, "pattern", err);
    return buf_check(out, "indicator", err);
}

/* ---- observables ---- */

/* The namespace that STIX 2.1 section 2.9 sets for observables: 00abedb4-aa42-466c-9c01-fed23315a9b7. */
static const uint8_t observable_space[16] = {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c,
                                             0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7};

static const char *observable_type(enum ioc_type type, const char **ret_hash)
{
    *ret_hash = type == IOC_MD5      ? "MD5"
                : type == IOC_SHA1   ? "SHA-1"
                : type == IOC_SHA256 ? "SHA-256"
                : type == IOC_SHA512 ? "SHA-512"
                                     : NULL;
    switch (type) {
    case IOC_IPV4:
        return "ipv4-addr";
    case IOC_IPV6:
        return "ipv6-addr";
    case IOC_DOMAIN:
        return "domain-name";
    case IOC_URL:
        return "url";
    case IOC_EMAIL:
        return "email-addr";
    default:
        return *ret_hash ? "file" : NULL;
    }
}

bool observable_write(enum ioc_type type, struct span value, const char *scheme, struct indicator_maker *maker)
{
    const char *hash, *word = observable_type(type, &hash);
    struct buf *out = &maker->object, *named = &maker->pattern;
    char uuid[37];
    if (!word)
        return false;
    /* The canonical JSON (RFC 8785) of what identifies it stands in both the name of its id and the object. */
    buf_clear(named);
    buf_clear(out);
    buf_str(out, type == IOC_URL ? scheme : "");
    buf_str(out, type == IOC_URL ? "://" : "");
    buf_span(out, value);
    buf_str(named, hash ? "\"hashes\":{\"" : "\"value");
    buf_str(named, hash ? hash : "");
    buf_str(named, "\":");
    quote(named, buf_view(out));
    buf_str(named, hash ? "}" : "");
    buf_clear(out);
    buf_byte(out, '{');
    buf_span(out, buf_view(named));
    buf_byte(out, '}');
    uuid5(observable_space, buf_view(out), uuid);
    snprintf(maker->id, sizeof(maker->id), "%s--%s", word, uuid);
    buf_clear(out);
    buf_fmt(out, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\",", word, maker->id);
    buf_span(out, buf_view(named));
    buf_byte(out, '}');
    return out->failed == 0 && named->failed == 0;
}

/* ---- names ---- */

void source_label(struct span name, struct buf *out)
{
    size_t begin = 0;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] == '/' || name.data[i] == ':')
            begin = i + 1;
    name = span_sub(name, begin, name.len);
    if (name.len > 4 && strchr("tcl", name.data[name.len - 3]) && name.data[name.len - 4] == '.')
        name.len -= 4;
    if (span_is(name, "-"))
        return;
    for (size_t i = 0; i < name.len; i++)
        buf_byte(out, name.data[i] == '_' ? ' ' : name.data[i]);
}

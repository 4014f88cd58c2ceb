/* MISP attributes: which of their types hold values that we know, and what becomes of them. */
#include <stdio.h>

#include "base/random.h"
#include "base/utf8.h"
#include "security/read_misp.h"

/* Which part of "a|b" holds the value. */
enum part { PART_WHOLE, PART_FIRST, PART_SECOND, PART_BOTH, PART_PORT };

#define ANY_ADDRESS (1u << IOC_IPV4 | 1u << IOC_IPV6)
#define ANY_URL (1u << IOC_URL | 1u << IOC_URL_PATH)

static const struct misp_type {
    const char *name;
    enum part part;
    unsigned types; /* bits 1 << enum ioc_type that the value may have */
} misp_types[] = {
    {"ip-src", PART_WHOLE, ANY_ADDRESS},
    {"ip-dst", PART_WHOLE, ANY_ADDRESS},
    {"ip-src|port", PART_PORT, 1u << IOC_IPV4_PORT | 1u << IOC_IPV6},
    {"ip-dst|port", PART_PORT, 1u << IOC_IPV4_PORT | 1u << IOC_IPV6},
    {"domain", PART_WHOLE, 1u << IOC_DOMAIN},
    {"hostname", PART_WHOLE, 1u << IOC_DOMAIN},
    {"domain|ip", PART_BOTH, 1u << IOC_DOMAIN | ANY_ADDRESS},
    {"hostname|port", PART_FIRST, 1u << IOC_DOMAIN},
    {"url", PART_WHOLE, ANY_URL},
    {"uri", PART_WHOLE, ANY_URL},
    {"md5", PART_WHOLE, 1u << IOC_MD5},
    {"sha1", PART_WHOLE, 1u << IOC_SHA1},
    {"sha256", PART_WHOLE, 1u << IOC_SHA256},
    {"sha512", PART_WHOLE, 1u << IOC_SHA512},
    {"filename|md5", PART_SECOND, 1u << IOC_MD5},
    {"filename|sha1", PART_SECOND, 1u << IOC_SHA1},
    {"filename|sha256", PART_SECOND, 1u << IOC_SHA256},
    {"filename|sha512", PART_SECOND, 1u << IOC_SHA512},
    {"malware-sample", PART_SECOND, 1u << IOC_MD5},
    {"email", PART_WHOLE, 1u << IOC_EMAIL},
    {"email-src", PART_WHOLE, 1u << IOC_EMAIL},
    {"email-dst", PART_WHOLE, 1u << IOC_EMAIL},
    {"email-reply-to", PART_WHOLE, 1u << IOC_EMAIL},
    {"whois-registrant-email", PART_WHOLE, 1u << IOC_EMAIL},
    {"dns-soa-email", PART_WHOLE, 1u << IOC_EMAIL},
};

static const struct misp_type *find_type(struct span name)
{
    for (size_t i = 0; i < sizeof(misp_types) / sizeof(misp_types[0]); i++)
        if (span_is(name, misp_types[i].name))
            return &misp_types[i];
    return NULL;
}

/* An attribute on its way. */
struct attribute {
    struct span uuid, type, value;
    const struct misp_type *known;
    struct misp_marking marking;
    int64_t time_ms;
};

/* ---- references of the grouping ---- */

/* What is narrower than its event stays out of it: the event must not tell that it exists. */
static int add_ref(struct misp_reader *misp, const struct attribute *attribute, const char *id, struct err *err)
{
    uint64_t key = random_hash(span_str(id));
    if (attribute->marking.tlp > misp->event_marking.tlp || import_map_find(&misp->named, key))
        return 0;
    if (misp->refs.len)
        buf_byte(&misp->refs, ',');
    buf_json_string(&misp->refs, span_str(id));
    return import_map_put(&misp->named, key, 1, err);
}

static void add_link(struct misp_reader *misp, struct span url)
{
    size_t before = misp->links.len;
    if (misp->links.failed)
        return;
    buf_str(&misp->links, ",{\"source_name\":\"MISP\",\"url\":");
    buf_json_string(&misp->links, url);
    buf_byte(&misp->links, '}');
    if (misp->links.failed) { /* as many as there is room for */
        misp->links.failed = 0;
        buf_cut(&misp->links, before);
    }
}

/* ---- values ---- */

/* One value in canonical form, in maker->value. ERR_SYNTAX with the reason. */
static int canonical(struct misp_reader *misp, const struct attribute *attribute, struct span text, enum ioc_type *ret,
                     struct err *why)
{
    unsigned types = attribute->known->types;
    enum ioc_type only = IOC_NONE;
    char shown[128];
    for (enum ioc_type type = IOC_NONE + 1; type < IOC_TYPES; type++)
        if (types == 1u << type)
            only = type;
    int rc = ioc_canonical(only, text, &misp->maker.value, ret, why);
    if (rc == 0 && !(types & 1u << *ret))
        return err_set(why, ERR_SYNTAX, "\"%s\" is a value of type %s", text_escape_into(shown, sizeof(shown), text),
                       ioc_type_word(*ret));
    return rc;
}

static int emit(struct misp_reader *misp, const struct attribute *attribute, enum ioc_type ioc_type, bool has_modified,
                struct err *err)
{
    struct span id = span_str(misp->maker.id);
    struct import_item item = {
        .object = buf_view(&misp->maker.object),
        .generated = true,
        .type = span_sub(id, 0, span_search(id, SPAN_LIT("--"))),
        .id = id,
        .has_modified = has_modified,
        .modified_ms = attribute->time_ms,
        .marking = attribute->marking.tlp,
        .marking_why = attribute->marking.why,
        .ioc_type = ioc_type,
        .value = buf_view(&misp->maker.value),
        .line = misp->line,
        .offset = misp->start + misp->at,
    };
    int rc = misp->base.sink.item(misp->base.sink.ctx, &item, err);
    return rc == 0 ? add_ref(misp, attribute, misp->maker.id, err) : rc;
}

/* One part of the value as a context that detects nothing. */
static int take_observable(struct misp_reader *misp, const struct attribute *attribute, struct span text,
                           struct err *err)
{
    enum ioc_type type;
    struct err why;
    int rc = canonical(misp, attribute, text, &type, &why);
    if (rc == ERR_MEMORY)
        return err_memory(err);
    if (rc < 0)
        return misp_bad(misp, attribute->uuid, err, why.text);
    if (type == IOC_IPV4_PORT) { /* the address; STIX has no observable for the pair alone */
        misp->maker.value.len = span_find(buf_view(&misp->maker.value), ':');
        type = IOC_IPV4;
    }
    if (!observable_write(type, buf_view(&misp->maker.value), indicator_scheme(text), &misp->maker))
        return misp_bad(misp, attribute->uuid, err, "context of a type that STIX has no observable for");
    return emit(misp, attribute, IOC_NONE, false, err);
}

/* Append the pattern of one part; several parts are alternatives. */
static int add_pattern(struct misp_reader *misp, const struct attribute *attribute, struct span text,
                       enum ioc_type *type, struct err *why)
{
    int rc = canonical(misp, attribute, text, type, why);
    if (rc < 0)
        return rc;
    if (misp->maker.pattern.len)
        buf_str(&misp->maker.pattern, " OR ");
    indicator_pattern(*type, buf_view(&misp->maker.value), indicator_scheme(text), &misp->maker.pattern);
    return 0;
}

static int take_indicator(struct misp_reader *misp, const struct attribute *attribute, uint32_t node,
                          const struct span *parts, size_t count, struct err *err)
{
    enum ioc_type type = IOC_NONE;
    struct err why;
    int rc = 0;
    buf_clear(&misp->maker.pattern);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = add_pattern(misp, attribute, parts[i], &type, &why);
    if (rc == ERR_MEMORY)
        return err_memory(err);
    if (rc < 0)
        return misp_bad(misp, attribute->uuid, err, why.text);
    char uuid[UUID_TEXT + 1];
    uuid_lower(attribute->uuid, uuid);
    snprintf(misp->maker.id, sizeof(misp->maker.id), "indicator--%s", uuid);
    struct indicator_notes notes = {
        .description = misp_text(misp, node, "comment"),
        .label = misp->event_info,
        .source_name = SPAN_LIT("MISP"),
        .external_id = span_str(misp->event_uuid),
    };
    rc = indicator_write(&misp->maker, attribute->value, &notes, attribute->time_ms, attribute->time_ms, &why);
    if (rc == ERR_LIMIT)
        return misp_bad(misp, attribute->uuid, err, why.text);
    if (rc < 0)
        return err_memory(err);
    return emit(misp, attribute, count == 1 ? type : IOC_NONE, true, err);
}

/* The parts of the value that are indicators, at most two; 0 if it lacks what its type promises. */
static size_t split_value(struct misp_reader *misp, const struct attribute *attribute, struct span parts[2])
{
    enum part part = attribute->known->part;
    size_t bar = span_find(attribute->value, '|');
    for (size_t i = bar; part == PART_SECOND && i < attribute->value.len; i++) /* a file's name may have bars */
        bar = attribute->value.data[i] == '|' ? i : bar;
    struct span first = span_trim(span_sub(attribute->value, 0, bar));
    struct span second = span_trim(span_sub(attribute->value, bar + 1, attribute->value.len));
    parts[0] = part == PART_WHOLE ? attribute->value : part == PART_SECOND ? second : first;
    parts[1] = second;
    if (part == PART_WHOLE)
        return 1;
    if (bar == attribute->value.len)
        return 0;
    if (part == PART_PORT) {
        bool is_ipv6 = span_find(first, ':') < first.len;
        size_t size = attribute->value.len + sizeof("[]");
        char *joined = arena_alloc(&misp->arena, size);
        if (!joined)
            return 0;
        int len = snprintf(joined, size, is_ipv6 ? "[%.*s]:%.*s" : "%.*s:%.*s", SPAN_ARGS(first), SPAN_ARGS(second));
        parts[0] = span_of(joined, (size_t)len);
    }
    return part == PART_BOTH ? 2 : 1;
}

int misp_attribute(struct misp_reader *misp, uint32_t node, const struct misp_marking *parent, struct err *err)
{
    struct span parts[2];
    char shown[64], reason[128];
    struct attribute attribute = {
        .uuid = misp_text(misp, node, "uuid"),
        .type = misp_text(misp, node, "type"),
        .value = misp_text(misp, node, "value"),
        .marking = *parent,
        .time_ms = misp_time(misp, node, "timestamp", misp->event_ms),
    };
    misp_seek(misp, node);
    if (misp_flag(misp, node, "deleted"))
        return 0;
    if (!uuid_valid(attribute.uuid))
        return misp_bad(misp, attribute.uuid, err, "its uuid is none");
    misp_narrow(misp, node, &attribute.marking);
    attribute.known = find_type(attribute.type);
    if (span_is(attribute.type, "link")) {
        if (attribute.marking.tlp <= misp->event_marking.tlp)
            add_link(misp, attribute.value);
        return 0;
    }
    if (!attribute.known) {
        snprintf(reason, sizeof(reason), "MISP type \"%s\" has no counterpart here",
                 text_escape_into(shown, sizeof(shown), attribute.type));
        return misp_bad(misp, attribute.uuid, err, reason);
    }
    size_t count = split_value(misp, &attribute, parts);
    if (count == 0)
        return misp_bad(misp, attribute.uuid, err, "a value of two parts without | between them");
    if (misp_flag(misp, node, "to_ids"))
        return take_indicator(misp, &attribute, node, parts, count, err);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = take_observable(misp, &attribute, parts[i], err);
    return rc;
}

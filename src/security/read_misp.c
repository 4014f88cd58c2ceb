/*
 * MISP event JSON: {"response":[{"Event":...}]}, {"Event":...}, or an array of those. An attribute for detection
 * (to_ids) becomes an indicator under its own UUID, any other one an observable; the event becomes a grouping of them.
 */
#include "security/read_misp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "base/when.h"
#include "security/read_uuid.h"

/* ---- values as MISP writes them: numbers and booleans also as strings ---- */

struct span misp_text(struct misp_reader *misp, uint32_t object, const char *key)
{
    uint32_t node = json_get(misp->tree, object, key);
    return span_trim(json_text(misp->tree, node, &misp->arena));
}

bool misp_number(struct misp_reader *misp, uint32_t object, const char *key, uint64_t *ret)
{
    uint32_t node = json_get(misp->tree, object, key);
    if (node == 0)
        return false;
    uint32_t type = misp->tree->nodes[node].type;
    return (type == JSON_T_NUMBER || type == JSON_T_STRING) && span_u64(json_raw(misp->tree, node), UINT64_MAX, ret);
}

bool misp_flag(struct misp_reader *misp, uint32_t object, const char *key)
{
    uint64_t number;
    uint32_t node = json_get(misp->tree, object, key);
    if (node && (misp->tree->nodes[node].type == JSON_T_TRUE || span_is(misp_text(misp, object, key), "true")))
        return true;
    return misp_number(misp, object, key, &number) && number != 0;
}

int64_t misp_time(struct misp_reader *misp, uint32_t object, const char *key, int64_t fallback)
{
    uint64_t seconds;
    if (!misp_number(misp, object, key, &seconds) || seconds == 0 || seconds > WHEN_MAX_MS / 1000)
        return fallback;
    return (int64_t)seconds * 1000;
}

/* ---- markings ---- */

static const struct {
    const char *what;
    enum tlp tlp;
} distributions[] = {
    [0] = {"your organisation only", TLP_AMBER_STRICT}, [1] = {"this community only", TLP_AMBER},
    [2] = {"connected communities", TLP_AMBER},         [3] = {"all communities", TLP_NONE},
    [4] = {"a sharing group", TLP_AMBER_STRICT},        [5] = {"as its event", TLP_NONE},
};

static void narrow(struct misp_marking *marking, enum tlp tlp, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void narrow(struct misp_marking *marking, enum tlp tlp, const char *fmt, ...)
{
    va_list args;
    if (tlp <= marking->tlp)
        return;
    marking->tlp = tlp;
    va_start(args, fmt);
    vsnprintf(marking->why, sizeof(marking->why), fmt, args);
    va_end(args);
}

static void narrow_by_tag(struct misp_marking *marking, struct span tag)
{
    char shown[64];
    if (tag.len < 4 || strncasecmp((const char *)tag.data, "tlp:", 4) != 0)
        return;
    enum tlp tlp = tlp_parse(tag);
    text_escape_into(shown, sizeof(shown), tag);
    if (tlp == TLP_NONE)
        narrow(marking, TLP_RED, "MISP tag \"%s\" is no TLP that we know", shown);
    else
        narrow(marking, tlp, "MISP tag \"%s\"", shown);
}

/* A tag's name: {"name":..}, or {"Tag":{"name":..}} as older versions of MISP write it. No data: it is none. */
static struct span tag_name(struct misp_reader *misp, uint32_t tag)
{
    if (misp->tree->nodes[tag].type == JSON_T_STRING)
        return span_trim(json_text(misp->tree, tag, &misp->arena));
    uint32_t inner = json_get(misp->tree, tag, "Tag");
    return misp_text(misp, inner ? inner : tag, "name");
}

/* Tags that cannot be read may be any: what they stand at stays in the narrowest circle. */
static void narrow_by_tags(struct misp_reader *misp, uint32_t object, const char *key, struct misp_marking *marking)
{
    const struct json_tree *tree = misp->tree;
    uint32_t tags = json_get(tree, object, key);
    if (tags == 0 || tree->nodes[tags].type == JSON_T_NULL)
        return;
    if (tree->nodes[tags].type != JSON_T_ARRAY)
        narrow(marking, TLP_RED, "MISP \"%s\" is no list", key);
    for (uint32_t i = json_first(tree, tags); i && i < tree->nodes[tags].next; i = tree->nodes[i].next) {
        struct span name = tag_name(misp, i);
        if (name.len == 0)
            narrow(marking, TLP_RED, "MISP \"%s\" holds something without a name", key);
        narrow_by_tag(marking, name);
    }
}

void misp_narrow(struct misp_reader *misp, uint32_t object, struct misp_marking *marking)
{
    static const char *const tag_lists[] = {"Tag", "EventTag", "AttributeTag"};
    const struct json_tree *tree = misp->tree;
    uint32_t node = json_get(tree, object, "distribution");
    uint64_t number;
    /* Feeds leave the distribution out: then nothing is said. */
    if (node && (!misp_number(misp, object, "distribution", &number) || number > 5))
        narrow(marking, TLP_RED, "MISP distribution of an unknown number");
    else if (node)
        narrow(marking, distributions[number].tlp, "MISP distribution %u (%s)", (unsigned)number,
               distributions[number].what);
    for (size_t i = 0; i < sizeof(tag_lists) / sizeof(tag_lists[0]); i++)
        narrow_by_tags(misp, object, tag_lists[i], marking);
}

/* ---- positions ---- */

void misp_seek(struct misp_reader *misp, uint32_t node)
{
    size_t at = misp->tree->nodes[node].at;
    struct span passed = span_sub(misp->tree->text, misp->at, at > misp->at ? at - misp->at : 0);
    for (size_t i = 0; i < passed.len; i++)
        misp->line += passed.data[i] == '\n';
    misp->at += passed.len;
}

int misp_bad(struct misp_reader *misp, struct span uuid, struct err *err, const char *reason)
{
    char shown[64];
    return reader_bad(&misp->base, misp->line, misp->start + misp->at, err, "attribute %s: %s",
                      uuid.len ? text_escape_into(shown, sizeof(shown), uuid) : "without uuid", reason);
}

/* ---- the event ---- */

static void text_member(struct buf *out, const char *key, struct span text)
{
    buf_fmt(out, ",\"%s\":", key);
    buf_json_string(out, text);
}

static void add_tags(struct misp_reader *misp, uint32_t event, struct buf *out)
{
    const struct json_tree *tree = misp->tree;
    uint32_t tags = json_get(tree, event, "Tag");
    size_t count = 0;
    for (uint32_t i = tags ? json_first(tree, tags) : 0; i && i < tree->nodes[tags].next; i = tree->nodes[i].next) {
        struct span name = misp_text(misp, i, "name");
        if (name.len == 0)
            continue;
        buf_str(out, count++ ? "," : ",\"labels\":[");
        buf_json_string(out, name);
    }
    if (count)
        buf_byte(out, ']');
}

static int write_grouping(struct misp_reader *misp, struct err *err)
{
    char when[WHEN_TEXT_LEN + 1];
    struct buf *out = &misp->grouping;
    int64_t created_ms = misp->event_ms;
    struct span date = misp_text(misp, misp->event, "date");
    if (!when_parse_loose(date, &created_ms) || created_ms < 0 || created_ms > misp->event_ms)
        created_ms = misp->event_ms;
    buf_clear(out);
    buf_fmt(out, "{\"type\":\"grouping\",\"spec_version\":\"2.1\",\"id\":\"grouping--%s\"", misp->event_uuid);
    when_format(created_ms, when);
    text_member(out, "created", span_str(when));
    when_format(misp->event_ms, when);
    text_member(out, "modified", span_str(when));
    if (misp->event_info.len)
        text_member(out, "name", misp->event_info);
    uint32_t reporter = json_get(misp->tree, misp->event, "Orgc");
    struct span name = reporter ? misp_text(misp, reporter, "name") : (struct span){0};
    if (name.len) {
        buf_clear(&misp->maker.object);
        buf_str(&misp->maker.object, "MISP event of ");
        buf_span(&misp->maker.object, name);
        text_member(out, "description", buf_view(&misp->maker.object));
    }
    buf_str(out, ",\"context\":\"suspicious-activity\"");
    add_tags(misp, misp->event, out);
    buf_str(out, ",\"object_refs\":[");
    buf_span(out, buf_view(&misp->refs));
    buf_fmt(out, "],\"external_references\":[{\"source_name\":\"MISP\",\"external_id\":\"%s\"}", misp->event_uuid);
    buf_span(out, buf_view(&misp->links));
    buf_str(out, "]}");
    return buf_check(out, "event", err);
}

/* The event itself, behind what it groups. */
static int emit_grouping(struct misp_reader *misp, uint64_t line, struct err *err)
{
    char id[64];
    struct err why;
    if (misp->refs.len == 0)
        return reader_bad(&misp->base, line, misp->start, err, "event %s: holds no attribute that could be taken in",
                          misp->event_uuid);
    int rc = write_grouping(misp, &why);
    if (rc == ERR_LIMIT)
        return reader_bad(&misp->base, line, misp->start, err, "event %s: %s", misp->event_uuid, why.text);
    if (rc < 0)
        return err_memory(err);
    snprintf(id, sizeof(id), "grouping--%s", misp->event_uuid);
    struct import_item item = {
        .object = buf_view(&misp->grouping),
        .generated = true,
        .type = SPAN_LIT("grouping"),
        .id = span_str(id),
        .has_modified = true,
        .modified_ms = misp->event_ms,
        .marking = misp->event_marking.tlp,
        .marking_why = misp->event_marking.why,
        .line = line,
        .offset = misp->start,
    };
    return misp->base.sink.item(misp->base.sink.ctx, &item, err);
}

static int take_attributes(struct misp_reader *misp, uint32_t parent, const struct misp_marking *marking,
                           struct err *err)
{
    const struct json_tree *tree = misp->tree;
    uint32_t list = json_get(tree, parent, "Attribute");
    int rc = 0;
    for (uint32_t i = list ? json_first(tree, list) : 0; i && i < tree->nodes[list].next && rc == 0;
         i = tree->nodes[i].next)
        rc = misp_attribute(misp, i, marking, err);
    return rc;
}

/* Attributes of the event, then those of its objects. */
static int take_content(struct misp_reader *misp, struct err *err)
{
    const struct json_tree *tree = misp->tree;
    int rc = take_attributes(misp, misp->event, &misp->event_marking, err);
    uint32_t list = json_get(tree, misp->event, "Object");
    for (uint32_t i = list ? json_first(tree, list) : 0; i && i < tree->nodes[list].next && rc == 0;
         i = tree->nodes[i].next) {
        struct misp_marking marking = misp->event_marking;
        misp_narrow(misp, i, &marking);
        if (!misp_flag(misp, i, "deleted"))
            rc = take_attributes(misp, i, &marking, err);
    }
    return rc;
}

static int take_event(struct misp_reader *misp, uint32_t event, uint64_t line, struct err *err)
{
    struct span uuid = misp_text(misp, event, "uuid");
    misp->event = event;
    if (!uuid_valid(uuid))
        return reader_bad(&misp->base, line, misp->start, err, "an event without a UUID");
    uuid_lower(uuid, misp->event_uuid);
    misp->event_info = misp_text(misp, event, "info");
    misp->event_ms = misp_time(misp, event, "timestamp", misp->base.source.now_ms);
    misp->event_marking = (struct misp_marking){.tlp = TLP_NONE};
    misp_narrow(misp, event, &misp->event_marking);
    buf_clear(&misp->refs);
    buf_clear(&misp->links);
    import_map_done(&misp->named);
    import_map_init(&misp->named, JSON_NODES_MAX);
    int rc = take_content(misp, err);
    return rc == 0 ? emit_grouping(misp, line, err) : rc;
}

static int on_object(void *ctx, enum split_kind kind, struct span bytes, uint64_t line, uint64_t offset,
                     struct err *err)
{
    struct misp_reader *misp = ctx;
    struct err why;
    arena_clear(&misp->arena);
    int rc = json_scan(misp->scanner, bytes, &misp->tree, &why);
    if (rc == ERR_MEMORY)
        return err_memory(err);
    if (rc < 0)
        return kind == SPLIT_FRAME ? reader_bad(&misp->base, line, offset, err,
                                                "the answer around the events (without them): %s", why.text)
                                   : reader_bad_json(&misp->base, bytes, line, offset, &why, err);
    if (kind == SPLIT_FRAME)
        return 0;
    uint32_t event = json_get(misp->tree, 0, "Event");
    if (event == 0 && !json_get(misp->tree, 0, "Attribute") && !json_get(misp->tree, 0, "info"))
        return reader_bad(&misp->base, line, offset, err, "no MISP event: it has no \"Event\"");
    if (event && misp->tree->nodes[event].type != JSON_T_OBJECT)
        return reader_bad(&misp->base, line, offset, err, "\"Event\" is no object");
    misp->start = offset;
    misp->at = 0;
    misp->line = line;
    return take_event(misp, event, line, err);
}

static int on_bad(void *ctx, uint64_t line, uint64_t offset, const char *reason, struct err *err)
{
    struct misp_reader *misp = ctx;
    return reader_bad(&misp->base, line, offset, err, "%s", reason);
}

/* ---- the reader ---- */

static int misp_feed(struct import_reader *reader, struct span bytes, struct err *err)
{
    return split_feed(&((struct misp_reader *)reader)->split, bytes, err);
}

static int misp_end(struct import_reader *reader, struct err *err)
{
    struct split *split = &((struct misp_reader *)reader)->split;
    int rc = split_end(split, err);
    reader->cut = split->cut;
    return rc;
}

static void misp_free(struct import_reader *reader)
{
    struct misp_reader *misp = (struct misp_reader *)reader;
    split_done(&misp->split);
    json_scanner_free(misp->scanner);
    arena_done(&misp->arena);
    indicator_maker_done(&misp->maker);
    buf_done(&misp->refs);
    buf_done(&misp->links);
    buf_done(&misp->grouping);
    import_map_done(&misp->named);
    free(misp);
}

struct import_reader *read_misp_new(void)
{
    static const struct reader_class class = {misp_feed, misp_end, misp_free};
    struct err err;
    struct misp_reader *misp = calloc(1, sizeof(*misp));
    if (!misp)
        return NULL;
    misp->base.class = &class;
    misp->split = (struct split){
        .member = "response", .object_max = JSON_TEXT_MAX, .object = on_object, .bad = on_bad, .ctx = misp};
    arena_init(&misp->arena, JSON_TEXT_MAX);
    indicator_maker_init(&misp->maker);
    buf_init(&misp->refs, IMPORT_OBJECT_MAX);
    buf_init(&misp->links, LINKS_MAX);
    buf_init(&misp->grouping, IMPORT_OBJECT_MAX);
    misp->scanner = json_scanner_new();
    if (!misp->scanner || split_init(&misp->split, &err) < 0) {
        misp_free(&misp->base);
        return NULL;
    }
    return &misp->base;
}

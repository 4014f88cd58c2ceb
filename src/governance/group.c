#include "governance/group.h"

#include <stdlib.h>

#include "record/body.h"

#define GROUP_BODY_MAX (4u << 20) /* bytes: GROUP_MEMBERS_MAX origins of ORIGIN_MAX bytes and their quotes */

bool group_name_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && (c != '-' || i == 0 || i + 1 == name.len))
            return false;
    }
    return name.len > 0 && name.len <= GROUP_NAME_MAX;
}

bool group_address(struct span text, struct span *ret_origin, struct span *ret_name)
{
    size_t at = span_find(text, '#');
    *ret_origin = span_sub(text, 0, at);
    *ret_name = span_sub(text, at + 1, text.len);
    return at < text.len && origin_valid(*ret_origin) && group_name_valid(*ret_name);
}

/* ---- reading ---- */

static int read_members(const json_t *object, struct arena *arena, struct group *out, struct err *err)
{
    const json_t *list = json_object_get(object, "members");
    if (!json_is_array(list))
        return err_set(err, ERR_SYNTAX, "body: \"members\" is missing or no array");
    if (json_array_size(list) > GROUP_MEMBERS_MAX)
        return err_set(err, ERR_LIMIT, "body: \"members\" has %zu items, limit %d", json_array_size(list),
                       GROUP_MEMBERS_MAX);
    out->count = json_array_size(list);
    out->members = arena_array(arena, out->count + 1, sizeof(*out->members));
    if (!out->members)
        return err_memory(err);
    for (size_t i = 0; i < out->count; i++) {
        const json_t *item = json_array_get(list, i);
        struct span text =
            json_is_string(item) ? span_of(json_string_value(item), json_string_length(item)) : (struct span){0};
        if (!origin_valid(text))
            return err_set(err, ERR_SYNTAX, "body: \"members\" item %zu is no origin", i);
        if (!(out->members[i] = arena_strz(arena, text)))
            return err_memory(err);
        if (i > 0 && strcmp(out->members[i - 1], out->members[i]) >= 0)
            return err_set(err, ERR_SYNTAX, "body: \"members\" item %zu does not ascend", i);
    }
    return 0;
}

static int read_group(const json_t *object, struct arena *arena, struct group *out, struct err *err)
{
    const json_t *ended = json_object_get(object, "ended");
    struct span owner, name;
    int rc = body_text(object, "name", BODY_REQUIRED, GROUP_ADDRESS_MAX, out->name, err);
    if (rc == 0 && !group_name_valid(span_str(out->name)) && !group_address(span_str(out->name), &owner, &name))
        rc = err_set(err, ERR_SYNTAX,
                     "body: \"name\" may have a to z, 0 to 9 and inner -, or is ORIGIN#NAME, another member's group");
    if (rc == 0 && ended && !json_is_boolean(ended))
        rc = err_set(err, ERR_SYNTAX, "body: \"ended\" is neither true nor false");
    out->ended = json_is_true(ended);
    if (rc == 0)
        rc = read_members(object, arena, out, err);
    if (rc == 0 && out->ended && out->count > 0)
        rc = err_set(err, ERR_SYNTAX, "body: a group that ended has no members");
    return rc;
}

int group_parse(const struct record *record, struct arena *arena, struct group *out, struct err *err)
{
    memset(out, 0, sizeof(*out));
    if (!span_is(record->kind, GROUP_KIND))
        return err_set(err, ERR_SYNTAX, "the record is no " GROUP_KIND);
    if (record->body.len > GROUP_BODY_MAX)
        return err_set(err, ERR_LIMIT, "group: body of %zu bytes, limit %u", record->body.len, GROUP_BODY_MAX);
    json_t *object = json_small_load(record->body, err);
    if (!object)
        return err_in(err, "group: body");
    int rc = json_is_object(object) ? read_group(object, arena, out, err)
                                    : err_set(err, ERR_SYNTAX, "body: expected a JSON object");
    json_decref(object);
    if (rc == 0 && group_admits(out->name) && record->tlp != TLP_CLEAR)
        rc = err_set(err, ERR_SYNTAX, "whom one admits to another's group is for everybody to read: TLP:CLEAR");
    return rc < 0 ? err_in(err, "group") : 0;
}

/* ---- writing ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *group_object(const struct group *group)
{
    json_t *object = json_object(), *members = json_array();
    for (size_t i = 0; i < group->count && members; i++)
        if (json_array_append_new(members, json_string(group->members[i])) != 0) {
            json_decref(members);
            members = NULL;
        }
    body_put_text(&object, "name", group->name);
    body_put(&object, "members", members);
    if (group->ended)
        body_put(&object, "ended", json_true());
    return object;
}

/* What may stand in one has one judge: group_parse. */
static int check_body(struct span body, enum tlp tlp, struct err *err)
{
    struct arena arena;
    struct group group;
    struct record record = {.kind = SPAN_LIT(GROUP_KIND), .tlp = tlp, .body = body};
    arena_init(&arena, 2 * GROUP_BODY_MAX);
    int rc = group_parse(&record, &arena, &group, err);
    arena_done(&arena);
    return rc;
}

int group_write(struct group *group, enum tlp tlp, int64_t time_ms, struct buf *out_record, struct err *err)
{
    struct buf body;
    if (group->count > 1)
        qsort(group->members, group->count, sizeof(*group->members), compare_texts);
    json_t *object = group_object(group);
    buf_init(&body, GROUP_BODY_MAX);
    int rc = object ? json_small_dump(object, &body, err) : err_memory(err);
    json_decref(object);
    buf_byte(&body, '\n');
    if (rc == 0)
        rc = buf_check(&body, "group", err);
    if (rc == 0)
        rc = check_body(buf_view(&body), tlp, err);
    const struct record_draft draft = {.kind = GROUP_KIND,
                                       .time_ms = time_ms,
                                       .tlp = tlp,
                                       .type = SPAN_LIT("application/json"),
                                       .body = buf_view(&body)};
    if (rc == 0)
        rc = record_write(&draft, out_record, err);
    buf_done(&body);
    return rc;
}

#include "governance/roster.h"

#include <stdlib.h>

#include "record/body.h"

/* ---- reading ---- */

static int read_origin(const json_t *object, const char *key, struct arena *arena, const char **ret, struct err *err)
{
    char origin[ORIGIN_MAX + 1];
    int rc = body_text(object, key, BODY_REQUIRED, ORIGIN_MAX, origin, err);
    if (rc < 0)
        return rc;
    if (!origin_valid(span_str(origin)))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is no origin", key);
    *ret = arena_strz(arena, span_str(origin));
    return *ret ? 0 : err_memory(err);
}

/* An array of at most `max` items; absent: none. */
static int read_array(const json_t *object, const char *key, size_t max, const json_t **ret, size_t *ret_count,
                      struct err *err)
{
    *ret = json_object_get(object, key);
    *ret_count = json_array_size(*ret);
    if (*ret && !json_is_array(*ret))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is no array", key);
    if (*ret_count > max)
        return err_set(err, ERR_LIMIT, "body: \"%s\" has %zu items, limit %zu", key, *ret_count, max);
    return 0;
}

static int read_sponsors(const json_t *object, struct arena *arena, struct roster_addition *out, struct err *err)
{
    const json_t *list;
    int rc = read_array(object, "sponsors", ROSTER_SPONSORS_MAX, &list, &out->sponsor_count, err);
    for (size_t i = 0; rc == 0 && i < out->sponsor_count; i++) {
        const json_t *item = json_array_get(list, i);
        struct span text =
            json_is_string(item) ? span_of(json_string_value(item), json_string_length(item)) : (struct span){0};
        if (!origin_valid(text))
            return err_set(err, ERR_SYNTAX, "body: \"sponsors\" item %zu is no origin", i);
        if (!(out->sponsors[i] = arena_strz(arena, text)))
            return err_memory(err);
        if (i > 0 && strcmp(out->sponsors[i - 1], out->sponsors[i]) >= 0)
            return err_set(err, ERR_SYNTAX, "body: \"sponsors\" do not ascend");
    }
    return rc;
}

static int read_addition(const json_t *object, struct arena *arena, struct roster_addition *out, struct err *err)
{
    char class[MEMBER_WORD_MAX + 1];
    if (!json_is_object(object))
        return err_set(err, ERR_SYNTAX, "body: is no object");
    int rc = read_origin(object, "origin", arena, &out->origin, err);
    if (rc == 0)
        rc = read_origin(object, "operator", arena, &out->operator, err);
    if (rc == 0)
        rc = body_text(object, "class", BODY_REQUIRED, MEMBER_WORD_MAX, class, err);
    if (rc == 0)
        out->class = member_class_parse(span_str(class));
    return rc == 0 ? read_sponsors(object, arena, out, err) : rc;
}

static int read_additions(const json_t *object, struct arena *arena, struct roster_version *out, struct err *err)
{
    const json_t *list;
    int rc = read_array(object, "additions", ROSTER_CHANGES_MAX, &list, &out->addition_count, err);
    if (rc < 0)
        return rc;
    out->additions = arena_array(arena, out->addition_count + 1, sizeof(*out->additions));
    if (!out->additions)
        return err_memory(err);
    for (size_t i = 0; i < out->addition_count; i++) {
        struct roster_addition *addition = &out->additions[i];
        rc = read_addition(json_array_get(list, i), arena, addition, err);
        if (rc == 0 && i > 0 && strcmp(out->additions[i - 1].origin, addition->origin) >= 0)
            rc = err_set(err, ERR_SYNTAX, "body: does not ascend by origin");
        if (rc < 0)
            return err_in(err, "addition %zu", i);
    }
    return 0;
}

static int read_removal(const json_t *object, struct arena *arena, struct roster_removal *out, struct err *err)
{
    char reason[16], because[ROSTER_BECAUSE_MAX + 1];
    if (!json_is_object(object))
        return err_set(err, ERR_SYNTAX, "body: is no object");
    int rc = read_origin(object, "origin", arena, &out->origin, err);
    if (rc == 0)
        rc = body_text(object, "reason", BODY_REQUIRED, sizeof(reason) - 1, reason, err);
    if (rc == 0 && strcmp(reason, "left") != 0 && strcmp(reason, "excluded") != 0)
        rc = err_set(err, ERR_SYNTAX, "body: \"reason\" is neither left nor excluded");
    if (rc == 0)
        rc = body_text(object, "because", BODY_OPTIONAL, ROSTER_BECAUSE_MAX, because, err);
    if (rc < 0)
        return rc;
    out->excluded = reason[0] == 'e';
    if (because[0] != '\0' && !(out->because = arena_strz(arena, span_str(because))))
        return err_memory(err);
    return 0;
}

static int read_removals(const json_t *object, struct arena *arena, struct roster_version *out, struct err *err)
{
    const json_t *list;
    int rc = read_array(object, "removals", ROSTER_CHANGES_MAX, &list, &out->removal_count, err);
    if (rc < 0)
        return rc;
    out->removals = arena_array(arena, out->removal_count + 1, sizeof(*out->removals));
    if (!out->removals)
        return err_memory(err);
    for (size_t i = 0; i < out->removal_count; i++) {
        struct roster_removal *removal = &out->removals[i];
        rc = read_removal(json_array_get(list, i), arena, removal, err);
        if (rc == 0 && i > 0 && strcmp(out->removals[i - 1].origin, removal->origin) >= 0)
            rc = err_set(err, ERR_SYNTAX, "body: does not ascend by origin");
        if (rc < 0)
            return err_in(err, "removal %zu", i);
    }
    return 0;
}

static int read_hashes(const json_t *object, struct roster_version *out, struct err *err)
{
    int rc = body_u64(object, "version", ROSTER_VERSIONS_MAX, &out->version, err);
    if (rc == 0 && out->version == 0)
        rc = err_set(err, ERR_SYNTAX, "body: \"version\" is 0; the first is 1");
    if (rc == 0)
        rc = body_hex32(object, "charter", BODY_REQUIRED, out->charter, err);
    if (rc == 0)
        rc = body_hex32(object, "parent", BODY_OPTIONAL, out->parent, err);
    if (rc == 0)
        rc = body_hex32(object, "refounds", BODY_OPTIONAL, out->refounds, err);
    out->has_parent = json_object_get(object, "parent") != NULL;
    out->has_refounds = json_object_get(object, "refounds") != NULL;
    return rc;
}

/* What holds of the parts together. Both lists ascend. */
static int check_form(const struct roster_version *version, struct err *err)
{
    if (version->has_parent != (version->version > 1))
        return err_set(err, ERR_SYNTAX, "body: \"parent\" stands in every version but the first");
    for (size_t a = 0, r = 0; a < version->addition_count && r < version->removal_count;) {
        int order = strcmp(version->additions[a].origin, version->removals[r].origin);
        if (order == 0)
            return err_set(err, ERR_SYNTAX, "body: an origin is both added and removed");
        if (order < 0)
            a++;
        else
            r++;
    }
    if (version->version > 1)
        return version->has_refounds ? err_set(err, ERR_SYNTAX, "body: \"refounds\" stands in a first version only")
                                     : 0;
    if (version->addition_count == 0 || version->removal_count > 0)
        return err_set(err, ERR_SYNTAX, "body: a first version adds its founders and removes nobody");
    for (size_t i = 0; i < version->addition_count; i++)
        if (version->additions[i].sponsor_count > 0)
            return err_set(err, ERR_SYNTAX, "body: founders have no sponsors");
    return 0;
}

int roster_parse(const struct record *record, struct arena *arena, struct roster_version *out, struct err *err)
{
    if (!span_is(record->kind, ROSTER_KIND))
        return err_set(err, ERR_SYNTAX, "the record is no " ROSTER_KIND);
    json_t *object = body_load(record, err);
    if (!object)
        return err_in(err, "roster");
    memset(out, 0, sizeof(*out));
    int rc = read_hashes(object, out, err);
    if (rc == 0)
        rc = read_additions(object, arena, out, err);
    if (rc == 0)
        rc = read_removals(object, arena, out, err);
    json_decref(object);
    if (rc == 0)
        rc = check_form(out, err);
    return rc < 0 ? err_in(err, "roster") : 0;
}

/* ---- writing ---- */

static int compare_additions(const void *a, const void *b)
{
    return strcmp(((const struct roster_addition *)a)->origin, ((const struct roster_addition *)b)->origin);
}

static int compare_removals(const void *a, const void *b)
{
    return strcmp(((const struct roster_removal *)a)->origin, ((const struct roster_removal *)b)->origin);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_item(json_t **list, json_t *item)
{
    if (*list && json_array_append_new(*list, item) == 0)
        return;
    if (*list)
        json_decref(*list);
    *list = NULL;
}

static json_t *addition_object(const struct roster_addition *addition)
{
    json_t *object = json_object(), *sponsors = json_array();
    body_put_text(&object, "origin", addition->origin);
    body_put_text(&object, "operator", addition->operator);
    body_put_text(&object, "class", member_class_word(addition->class));
    for (size_t i = 0; i < addition->sponsor_count; i++)
        put_item(&sponsors, json_string(addition->sponsors[i]));
    if (addition->sponsor_count > 0)
        body_put(&object, "sponsors", sponsors);
    else if (sponsors)
        json_decref(sponsors);
    return object;
}

static json_t *removal_object(const struct roster_removal *removal)
{
    json_t *object = json_object();
    body_put_text(&object, "origin", removal->origin);
    body_put_text(&object, "reason", removal->excluded ? "excluded" : "left");
    if (removal->because)
        body_put_text(&object, "because", removal->because);
    return object;
}

static json_t *version_object(const struct roster_version *version)
{
    json_t *object = json_object(), *additions = json_array(), *removals = json_array();
    for (size_t i = 0; i < version->addition_count; i++)
        put_item(&additions, addition_object(&version->additions[i]));
    for (size_t i = 0; i < version->removal_count; i++)
        put_item(&removals, removal_object(&version->removals[i]));
    body_put(&object, "version", json_integer((json_int_t)version->version));
    body_put_hex(&object, "charter", version->charter, 32);
    if (version->has_parent)
        body_put_hex(&object, "parent", version->parent, 32);
    if (version->has_refounds)
        body_put_hex(&object, "refounds", version->refounds, 32);
    body_put(&object, "additions", additions);
    if (version->removal_count > 0)
        body_put(&object, "removals", removals);
    else if (removals)
        json_decref(removals);
    return object;
}

/* What may stand in a roster has one judge: roster_parse. */
static int check_written(struct span text, struct err *err)
{
    struct arena arena;
    struct record record;
    struct roster_version version;
    arena_init(&arena, 4u << 20);
    int rc = record_parse(text, &arena, &record, err);
    if (rc == 0)
        rc = roster_parse(&record, &arena, &version, err);
    arena_done(&arena);
    return rc;
}

int roster_write(struct roster_version *version, int64_t time_ms, struct buf *out_record, struct err *err)
{
    size_t start = out_record->len;
    for (size_t i = 0; i < version->addition_count; i++)
        if (version->additions[i].sponsor_count > 1)
            qsort(version->additions[i].sponsors, version->additions[i].sponsor_count, sizeof(char *), compare_texts);
    if (version->addition_count > 1)
        qsort(version->additions, version->addition_count, sizeof(*version->additions), compare_additions);
    if (version->removal_count > 1)
        qsort(version->removals, version->removal_count, sizeof(*version->removals), compare_removals);
    json_t *object = version_object(version);
    int rc = body_write(ROSTER_KIND, time_ms, object, out_record, err);
    json_decref(object);
    if (rc == 0 && (rc = check_written(span_sub(buf_view(out_record), start, out_record->len), err)) < 0)
        buf_cut(out_record, start);
    return rc;
}

#include "policy/list.h"

#include <stdlib.h>

#include "policy/policy.h"
#include "record/body.h"

static const char *const advices[] = {[LIST_BLOCK] = "block", [LIST_LABEL] = "label", [LIST_RECOMMEND] = "recommend"};
static const char *const types[] = {[LIST_MEMBER] = "member", [LIST_RECORD] = "record", [LIST_VALUE] = "value"};

static bool find_word(const char *const *words, size_t count, struct span word, unsigned *ret)
{
    for (unsigned i = 0; i < count; i++)
        if (span_is(word, words[i])) {
            *ret = i;
            return true;
        }
    return false;
}

const char *list_advice_word(enum list_advice advice)
{
    return advices[advice];
}

bool list_advice_parse(struct span word, enum list_advice *ret)
{
    unsigned found = 0;
    bool ok = find_word(advices, sizeof(advices) / sizeof(advices[0]), word, &found);
    *ret = (enum list_advice)found;
    return ok;
}

const char *list_item_word(enum list_item_type type)
{
    return types[type];
}

bool list_item_parse(struct span word, enum list_item_type *ret)
{
    unsigned found = 0;
    bool ok = find_word(types, sizeof(types) / sizeof(types[0]), word, &found);
    *ret = (enum list_item_type)found;
    return ok;
}

/* ---- items ---- */

int list_item_cmp(const struct list_item *a, const struct list_item *b)
{
    int order = a->type < b->type ? -1 : a->type > b->type;
    if (order == 0)
        order = strcmp(a->subject, b->subject);
    return order ? order : strcmp(a->label, b->label);
}

static bool label_valid(struct span label)
{
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = label.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return label.len > 0 && label.len <= LIST_LABEL_MAX;
}

/* ORIGIN/INDEX */
static bool record_valid(struct span text)
{
    size_t slash = text.len;
    uint64_t index;
    while (slash > 0 && text.data[slash - 1] != '/')
        slash--;
    struct span digits = span_sub(text, slash, text.len);
    bool is_canonical = digits.len == 1 || (digits.len > 0 && digits.data[0] != '0');
    return slash > 1 && is_canonical && origin_valid(span_sub(text, 0, slash - 1)) &&
           span_u64(digits, LOG_SIZE_MAX - 1, &index);
}

int list_item_check(const struct list_item *item, struct err *err)
{
    struct span subject = span_str(item->subject);
    if (subject.len == 0 || subject.len > LIST_SUBJECT_MAX || strlen(item->reason) > LIST_REASON_MAX)
        return err_set(err, ERR_LIMIT, "a %s of %zu bytes with a reason of %zu: 1 to %d and at most %d allowed",
                       types[item->type], subject.len, strlen(item->reason), LIST_SUBJECT_MAX, LIST_REASON_MAX);
    if (!record_value_valid(subject) || (item->reason[0] && !record_value_valid(span_str(item->reason))))
        return err_set(err, ERR_SYNTAX, "a %s and its reason are one line each", types[item->type]);
    if (item->type == LIST_MEMBER && !origin_valid(subject) && !member_name_valid(subject))
        return err_set(err, ERR_SYNTAX, "a member is an origin, or a name");
    if (item->type == LIST_RECORD && (!record_valid(subject) || !label_valid(span_str(item->label))))
        return err_set(err, ERR_SYNTAX, "a record is ORIGIN/INDEX, with a label of a to z, 0 to 9 and -");
    if (item->type != LIST_RECORD && item->label[0])
        return err_set(err, ERR_SYNTAX, "only records have a label");
    return 0;
}

static int compare(const void *a, const void *b)
{
    return list_item_cmp(a, b);
}

size_t list_items_sort(struct list_item *items, size_t count)
{
    size_t kept = 0;
    if (count > 1)
        qsort(items, count, sizeof(*items), compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || list_item_cmp(&items[kept - 1], &items[i]) != 0)
            items[kept++] = items[i];
    return kept;
}

/* ---- reading ---- */

static int read_text(const json_t *object, const char *key, enum body_need need, size_t max, struct arena *arena,
                     const char **ret, struct err *err)
{
    char text[LIST_SUBJECT_MAX + 1];
    int rc = body_text(object, key, need, max, text, err);
    if (rc < 0)
        return rc;
    *ret = text[0] ? arena_strz(arena, span_str(text)) : "";
    return *ret ? 0 : err_memory(err);
}

static int read_item(const json_t *object, struct arena *arena, struct list_item *out, struct err *err)
{
    unsigned found = 0, named = 0;
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (json_object_get(object, types[i])) {
            named++;
            found = i;
        }
    if (named != 1)
        return err_set(err, ERR_SYNTAX, "names %u of member, record, value: exactly one allowed", named);
    *out = (struct list_item){.type = (enum list_item_type)found, .label = ""};
    int rc = read_text(object, types[found], BODY_REQUIRED, LIST_SUBJECT_MAX, arena, &out->subject, err);
    if (rc == 0 && out->type == LIST_RECORD)
        rc = read_text(object, "label", BODY_REQUIRED, LIST_LABEL_MAX, arena, &out->label, err);
    if (rc == 0)
        rc = read_text(object, "reason", BODY_OPTIONAL, LIST_REASON_MAX, arena, &out->reason, err);
    return rc == 0 ? list_item_check(out, err) : rc;
}

static int read_items(const json_t *object, const char *key, struct arena *arena, struct list_item **ret,
                      size_t *ret_count, struct err *err)
{
    const json_t *list = json_object_get(object, key);
    size_t count = json_array_size(list);
    if (list && !json_is_array(list))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is no array", key);
    if (count > LIST_ITEMS_MAX)
        return err_set(err, ERR_LIMIT, "body: \"%s\" has %zu items, limit %d", key, count, LIST_ITEMS_MAX);
    if (!(*ret = arena_array(arena, count + 1, sizeof(**ret))))
        return err_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (read_item(json_array_get(list, i), arena, &(*ret)[i], err) < 0)
            return err_in(err, "body: \"%s\" item %zu", key, i);
        if (i > 0 && list_item_cmp(&(*ret)[i - 1], &(*ret)[i]) >= 0)
            return err_set(err, ERR_SYNTAX, "body: \"%s\" item %zu does not ascend", key, i);
    }
    *ret_count = count;
    return 0;
}

/* What stands in it is not retracted. Both ascend. */
static int check_apart(const struct list *list, struct err *err)
{
    for (size_t i = 0, r = 0; i < list->count && r < list->retracted_count;) {
        int order = list_item_cmp(&list->items[i], &list->retracted[r]);
        if (order == 0)
            return err_set(err, ERR_SYNTAX, "body: item %zu is retracted, too", i);
        if (order < 0)
            i++;
        else
            r++;
    }
    return 0;
}

static int read_list(const json_t *object, struct arena *arena, struct list *out, struct err *err)
{
    char advice[16];
    const json_t *ended = json_object_get(object, "ended");
    int rc = body_text(object, "name", BODY_REQUIRED, LIST_NAME_MAX, out->name, err);
    if (rc == 0 && !policy_set_name_valid(span_str(out->name)))
        rc = err_set(err, ERR_SYNTAX, "body: \"name\" may have a to z, 0 to 9 and -, and begins with a letter");
    if (rc == 0)
        rc = body_text(object, "advice", BODY_REQUIRED, sizeof(advice) - 1, advice, err);
    if (rc == 0 && !list_advice_parse(span_str(advice), &out->advice))
        rc = err_set(err, ERR_SYNTAX, "body: \"advice\" is none of block, label, recommend");
    if (rc == 0)
        rc = body_text(object, "about", BODY_OPTIONAL, LIST_REASON_MAX, out->about, err);
    if (rc == 0 && ended && !json_is_boolean(ended))
        rc = err_set(err, ERR_SYNTAX, "body: \"ended\" is neither true nor false");
    out->ended = json_is_true(ended);
    if (rc == 0)
        rc = read_items(object, "items", arena, &out->items, &out->count, err);
    if (rc == 0)
        rc = read_items(object, "retracted", arena, &out->retracted, &out->retracted_count, err);
    if (rc == 0 && out->ended && out->count > 0)
        rc = err_set(err, ERR_SYNTAX, "body: a list that ended has no items");
    return rc == 0 ? check_apart(out, err) : rc;
}

int list_parse_body(struct span body, struct arena *arena, struct list *out, struct err *err)
{
    memset(out, 0, sizeof(*out));
    if (body.len > LIST_BODY_MAX)
        return err_set(err, ERR_LIMIT, "list: body of %zu bytes, limit %u", body.len, LIST_BODY_MAX);
    json_t *object = json_small_load(body, err);
    if (!object)
        return err_in(err, "list: body");
    int rc = json_is_object(object) ? read_list(object, arena, out, err)
                                    : err_set(err, ERR_SYNTAX, "body: expected a JSON object");
    json_decref(object);
    return rc < 0 ? err_in(err, "list") : 0;
}

int list_parse(const struct record *record, struct arena *arena, struct list *out, struct err *err)
{
    if (!span_is(record->kind, LIST_KIND))
        return err_set(err, ERR_SYNTAX, "the record is no " LIST_KIND);
    return list_parse_body(record->body, arena, out, err);
}

/* ---- writing ---- */

static void put_items(struct buf *out, const char *key, const struct list_item *items, size_t count)
{
    buf_fmt(out, ",\"%s\":[", key);
    for (size_t i = 0; i < count; i++) {
        buf_fmt(out, "%s{\"%s\":", i > 0 ? "," : "", types[items[i].type]);
        buf_json_string(out, span_str(items[i].subject));
        if (items[i].label[0])
            buf_fmt(out, ",\"label\":\"%s\"", items[i].label);
        if (items[i].reason[0]) {
            buf_str(out, ",\"reason\":");
            buf_json_string(out, span_str(items[i].reason));
        }
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
}

/* What may stand in one has one judge: list_parse_body. */
static int check_written(struct span body, struct err *err)
{
    struct arena arena;
    struct list list;
    arena_init(&arena, 4 * LIST_BODY_MAX);
    int rc = list_parse_body(body, &arena, &list, err);
    arena_done(&arena);
    return rc;
}

int list_write_body(struct list *list, struct buf *out, struct err *err)
{
    size_t start = out->len;
    list->count = list_items_sort(list->items, list->count);
    list->retracted_count = list_items_sort(list->retracted, list->retracted_count);
    buf_str(out, "{\"name\":");
    buf_json_string(out, span_str(list->name));
    buf_fmt(out, ",\"advice\":\"%s\"", advices[list->advice]);
    if (list->about[0]) {
        buf_str(out, ",\"about\":");
        buf_json_string(out, span_str(list->about));
    }
    put_items(out, "items", list->items, list->count);
    if (list->retracted_count > 0)
        put_items(out, "retracted", list->retracted, list->retracted_count);
    buf_str(out, list->ended ? ",\"ended\":true}" : "}");
    int rc = buf_check(out, "list", err);
    if (rc == 0 && (rc = check_written(span_sub(buf_view(out), start, out->len), err)) < 0)
        buf_cut(out, start);
    return rc;
}

int list_write(struct list *list, const struct record_draft *how, struct buf *out_record, struct err *err)
{
    struct buf body;
    buf_init(&body, LIST_BODY_MAX);
    int rc = list_write_body(list, &body, err);
    struct record_draft draft = {.kind = LIST_KIND,
                                 .time_ms = how->time_ms,
                                 .tlp = how->tlp,
                                 .to = how->to,
                                 .to_count = how->to_count,
                                 .type = SPAN_LIT("application/json"),
                                 .body = buf_view(&body)};
    if (rc == 0)
        rc = record_write(&draft, out_record, err);
    buf_done(&body);
    return rc;
}

/* ---- changes ---- */

static const char *retracted_because(const struct list *list, const struct list_item *item)
{
    const struct list_item *found = NULL;
    if (list->retracted_count > 0)
        found = bsearch(item, list->retracted, list->retracted_count, sizeof(*item), compare);
    return found ? found->reason : "";
}

int list_changes(const struct list_item *adopted, size_t adopted_count, const struct list *offered, struct arena *arena,
                 struct list_change **ret, size_t *ret_count, struct err *err)
{
    size_t a = 0, b = 0, count = 0;
    struct list_change *out = arena_array(arena, adopted_count + offered->count + 1, sizeof(*out));
    if (!out)
        return err_memory(err);
    while (a < adopted_count || b < offered->count) {
        int order = a == adopted_count ? 1 : b == offered->count ? -1 : list_item_cmp(&adopted[a], &offered->items[b]);
        if (order < 0) {
            out[count] = (struct list_change){.removes = true, .item = adopted[a++]};
            out[count].item.reason = retracted_because(offered, &out[count].item);
            count++;
        } else if (order > 0) {
            out[count++] = (struct list_change){.item = offered->items[b++]};
        } else {
            a++;
            b++;
        }
    }
    *ret = out;
    *ret_count = count;
    return 0;
}

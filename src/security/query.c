#include "security/query.h"

#include <stdlib.h>
#include <time.h>

#define ASKER_ARENA_MAX (64u << 20) /* bytes: VALUE_ROWS_MAX keys and some values */
#define ROW_ARENA_MAX (6 * (size_t)PAYLOAD_MAX)
#define VALUE_ROWS_MAX 4096 /* records about one value that are looked at */

int64_t security_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int asker_init(struct asker *asker, const struct view *view, struct err *err)
{
    *asker = (struct asker){.view = view, .now_ms = security_now_ms()};
    arena_init(&asker->arena, ASKER_ARENA_MAX);
    arena_init(&asker->row, ROW_ARENA_MAX);
    arena_init(&asker->names, ASKER_ARENA_MAX);
    if (!view->index)
        return err_set(err, ERR_USAGE, "questions about threat intelligence need the index");
    asker->scanner = json_scanner_new();
    return asker->scanner ? 0 : err_memory(err);
}

void asker_done(struct asker *asker)
{
    json_scanner_free(asker->scanner);
    arena_done(&asker->arena);
    arena_done(&asker->row);
    arena_done(&asker->names);
    free(asker->origins);
}

/* ---- lists of records ---- */

static int add_origin(struct asker *asker, size_t at, int64_t number, struct err *err)
{
    struct log_info log;
    int rc = view_log_by_number(asker->view, number, &log, err);
    if (rc < 0)
        return rc;
    if (asker->origin_count == asker->origin_cap) {
        size_t cap = asker->origin_cap ? 2 * asker->origin_cap : 16;
        struct asker_origin *grown = reallocarray(asker->origins, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        asker->origins = grown;
        asker->origin_cap = cap;
    }
    const char *origin = arena_strz(&asker->names, span_str(log.origin));
    if (!origin)
        return err_memory(err);
    memmove(&asker->origins[at + 1], &asker->origins[at], (asker->origin_count - at) * sizeof(asker->origins[0]));
    asker->origins[at] = (struct asker_origin){number, origin};
    asker->origin_count++;
    return 0;
}

static int origin_of(struct asker *asker, int64_t number, const char **ret, struct err *err)
{
    size_t low = 0, high = asker->origin_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (asker->origins[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == asker->origin_count || asker->origins[low].number != number) {
        int rc = add_origin(asker, low, number, err);
        if (rc < 0)
            return rc;
    }
    *ret = asker->origins[low].origin;
    return 0;
}

static int time_of(struct asker *asker, int64_t ref, int64_t *ret, struct err *err)
{
    struct index *index = asker->view->index;
    sqlite3_stmt *statement = index_statement(index, "SELECT time_ms FROM record WHERE ref = ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, ref);
    int rc = index_step(index, statement, err);
    *ret = rc > 0 ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

int asker_find(struct asker *asker, int64_t ref, struct found *ret, struct err *err)
{
    if (!view_sees_ref(asker->view, ref))
        return 0;
    *ret = (struct found){.ref = ref};
    int rc = time_of(asker, ref, &ret->time_ms, err);
    if (rc == 0)
        rc = origin_of(asker, RECORD_REF_LOG(ref), &ret->origin, err);
    return rc < 0 ? rc : 1;
}

int asker_add(struct asker *asker, struct found_list *list, int64_t ref, struct err *err)
{
    struct found found;
    int rc = asker_find(asker, ref, &found, err);
    if (rc <= 0)
        return rc;
    if (list->count == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        struct found *grown = arena_array(&asker->arena, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        if (list->count > 0)
            memcpy(grown, list->items, list->count * sizeof(*grown));
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->count++] = found;
    return 1;
}

static int cmp_found(const void *x, const void *y)
{
    const struct found *a = x, *b = y;
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    int order = strcmp(a->origin, b->origin);
    if (order != 0)
        return order;
    return (a->ref > b->ref) - (a->ref < b->ref); /* the same log, so by index */
}

bool found_before(const struct found *a, const struct found *b)
{
    return cmp_found(a, b) < 0;
}

void found_sort(struct found_list *list)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), cmp_found);
}

/* ---- rows ---- */

/* The newest version is that of the latest modification; of two of one moment the one that stands later in the log. */
static int version_state(struct asker *asker, struct intel_row *row, struct err *err)
{
    struct index *index = asker->view->index;
    sqlite3_stmt *statement =
        index_statement(index,
                        "SELECT ref, revoked, valid_until_ms FROM security_object WHERE id_hash = ?1 AND ref >= ?2 AND "
                        "ref < ?3 ORDER BY version_ms DESC, ref DESC LIMIT 1",
                        err);
    if (!statement)
        return err->code;
    int64_t number = RECORD_REF_LOG(row->ref);
    sqlite3_bind_int64(statement, 1, index_hash(HASH_STIX_ID, span_str(row->stix_id)));
    sqlite3_bind_int64(statement, 2, RECORD_REF(number, 0));
    sqlite3_bind_int64(statement, 3, RECORD_REF(number + 1, 0));
    int rc = index_step(index, statement, err);
    bool revoked = rc > 0 && sqlite3_column_int(statement, 1) != 0;
    bool ends = rc > 0 && sqlite3_column_type(statement, 2) != SQLITE_NULL;
    bool ended = ends && sqlite3_column_int64(statement, 2) <= asker->now_ms;
    row->superseded = rc > 0 && sqlite3_column_int64(statement, 0) != row->ref;
    row->current = rc > 0 && !row->superseded && !revoked && !ended;
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

struct first_value {
    struct arena *arena;
    enum ioc_type type;
    const char *value;
};

static int keep_first(void *ctx, enum ioc_type type, struct span value, struct err *err)
{
    struct first_value *first = ctx;
    if (first->value)
        return 0;
    first->type = type;
    first->value = arena_strz(first->arena, value);
    return first->value ? 0 : err_memory(err);
}

/* The value asked for, or the first that the object's pattern gives. */
static int row_value(struct asker *asker, const struct stix_object *object, enum ioc_type type, struct span value,
                     struct intel_row *row, struct err *err)
{
    struct first_value first = {.arena = &asker->row, .type = type};
    struct err refused;
    bool has_pattern = span_is(object->type, "indicator") && object->pattern.data &&
                       (!object->pattern_type.data || span_is(object->pattern_type, "stix"));
    if (type != IOC_NONE)
        first.value = arena_strz(&asker->row, value);
    else if (has_pattern && stix_pattern_values(object->pattern, keep_first, &first, &refused) == ERR_MEMORY)
        return err_memory(err);
    if (type != IOC_NONE && !first.value)
        return err_memory(err);
    row->ioc_type = first.value ? first.type : IOC_NONE;
    row->value = first.value ? first.value : "";
    return 0;
}

static int fill_row(struct asker *asker, const struct found *found, const struct stix_object *object,
                    struct intel_row *row, struct err *err)
{
    row->ref = found->ref;
    row->time_ms = found->time_ms;
    row->origin = found->origin;
    row->modified_ms = object->has_modified ? object->modified_ms : object->created_ms;
    row->stix_type = arena_strz(&asker->row, object->type);
    row->stix_id = arena_strz(&asker->row, object->id);
    row->name = object->name.len > 0 ? arena_strz(&asker->row, object->name) : row->value;
    if (!row->stix_type || !row->stix_id || !row->name)
        return err_memory(err);
    return version_state(asker, row, err);
}

int asker_row(struct asker *asker, const struct found *found, enum ioc_type type, struct span value,
              struct intel_row *ret, struct err *err)
{
    struct view_record record;
    const struct json_tree *tree;
    struct stix_object object;
    struct err refused;
    arena_clear(&asker->row);
    *ret = (struct intel_row){0};
    int rc = asker->read < ASKER_READ_MAX ? view_record_ref(asker->view, found->ref, &asker->row, &record, err)
                                          : view_record_brief(asker->view, found->ref, &asker->row, &record, err);
    if (rc < 0 || !record.parsed)
        return rc == ERR_NOTFOUND ? 0 : rc;
    asker->read += record.text.len;
    if (record.cut) {
        asker->passed_over = true;
        return 0;
    }
    if (json_scan(asker->scanner, record.record.body, &tree, &refused) < 0 ||
        stix_read(tree, &asker->row, &object, &refused) < 0)
        return 0;
    if ((rc = row_value(asker, &object, type, value, ret, err)) == 0)
        rc = fill_row(asker, found, &object, ret, err);
    return rc < 0 ? rc : 1;
}

/* ---- one value ---- */

int asker_value(struct asker *asker, enum ioc_type type, struct span value, size_t max, struct found_list *ret,
                struct err *err)
{
    struct index *index = asker->view->index;
    sqlite3_stmt *statement =
        index_statement(index, "SELECT ref FROM security_ioc WHERE type = ?1 AND value = ?2 ORDER BY ref", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int(statement, 1, (int)type);
    sqlite3_bind_text64(statement, 2, (const char *)value.data, value.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    int rc;
    while ((rc = index_step(index, statement, err)) > 0) {
        if ((rc = asker_add(asker, ret, sqlite3_column_int64(statement, 0), err)) < 0 || ret->count == max)
            break;
    }
    sqlite3_reset(statement);
    found_sort(ret);
    return rc < 0 ? rc : 0;
}

int intel_value(const struct view *view, enum ioc_type type, struct span value,
                int (*each)(void *ctx, const struct intel_row *row, struct err *err), void *ctx, bool *ret_passed_over,
                struct err *err)
{
    struct asker asker;
    struct found_list list = {0};
    int rc = asker_init(&asker, view, err);
    if (rc == 0)
        rc = asker_value(&asker, type, value, VALUE_ROWS_MAX, &list, err);
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        struct intel_row row;
        if ((rc = asker_row(&asker, &list.items[i], type, value, &row, err)) > 0)
            rc = each(ctx, &row, err);
    }
    *ret_passed_over = asker.passed_over;
    asker_done(&asker);
    return rc;
}

/* ---- by id ---- */

#define NAMES_TRIED 4 /* of an object that many report */

int intel_name(const struct view *view, struct span stix_id, struct arena *arena, struct span *ret, struct err *err)
{
    struct asker asker;
    struct found_list list = {0};
    *ret = (struct span){0};
    int rc = asker_init(&asker, view, err);
    asker.read = ASKER_READ_MAX; /* for a name alone nothing long is read */
    sqlite3_stmt *statement =
        rc < 0
            ? NULL
            : index_statement(view->index,
                              "SELECT ref FROM security_object WHERE id_hash = ?1 ORDER BY version_ms DESC, ref", err);
    if (statement) {
        sqlite3_bind_int64(statement, 1, index_hash(HASH_STIX_ID, stix_id));
        while (list.count < NAMES_TRIED && (rc = index_step(view->index, statement, err)) > 0)
            if ((rc = asker_add(&asker, &list, sqlite3_column_int64(statement, 0), err)) < 0)
                break;
        sqlite3_reset(statement);
    } else if (rc == 0) {
        rc = err->code;
    }
    for (size_t i = 0; rc >= 0 && i < list.count && ret->len == 0; i++) {
        struct intel_row row;
        if ((rc = asker_row(&asker, &list.items[i], IOC_NONE, (struct span){0}, &row, err)) > 0 &&
            span_is(stix_id, row.stix_id))
            *ret = arena_copy(arena, span_str(row.name));
    }
    asker_done(&asker);
    return rc < 0 ? rc : 0;
}

int intel_by_id(struct index *index, int64_t number, struct span stix_id, int64_t *ret_ref, int64_t *ret_modified_ms,
                uint8_t ret_body_hash[8], struct err *err)
{
    sqlite3_stmt *statement =
        index_statement(index,
                        "SELECT ref, version_ms, body_hash FROM security_object WHERE id_hash = ?1 AND ref >= ?2 AND "
                        "ref < ?3 ORDER BY version_ms DESC, ref DESC LIMIT 1",
                        err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, index_hash(HASH_STIX_ID, stix_id));
    sqlite3_bind_int64(statement, 2, RECORD_REF(number, 0));
    sqlite3_bind_int64(statement, 3, RECORD_REF(number + 1, 0));
    int rc = index_step(index, statement, err);
    if (rc > 0) {
        int64_t hash = sqlite3_column_int64(statement, 2);
        *ret_ref = sqlite3_column_int64(statement, 0);
        *ret_modified_ms = sqlite3_column_int64(statement, 1);
        memcpy(ret_body_hash, &hash, sizeof(hash));
    }
    sqlite3_reset(statement);
    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "no object of this id in the log");
    return rc < 0 ? rc : 0;
}

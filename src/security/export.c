#include "security/export_impl.h"

#define OUT_PIECE (256u << 10) /* bytes handed to the writer at a time */
#define OUT_MAX (4 * (size_t)PAYLOAD_MAX)

static const struct export_format *const formats[] = {&export_list, &export_hosts, &export_rpz, &export_csv,
                                                      &export_stix};
const char *const intel_export_formats[] = {"list", "hosts", "rpz", "csv", "stix", NULL};

int export_flush(struct export *e, bool all, struct err *err)
{
    int rc = buf_check(&e->out, "export", err);
    if (rc < 0 || e->out.len == 0 || (!all && e->out.len < OUT_PIECE))
        return rc;
    rc = e->write(e->ctx, buf_view(&e->out), err);
    buf_clear(&e->out);
    return rc;
}

bool export_is_name(struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_')
            return false;
    }
    return value.len > 0;
}

/* ---- walking over values ---- */

/* One value: is there a record of it that holds and that the viewer sees? The first in canonical order, if wanted. */
struct value_group {
    enum ioc_type type;
    struct buf value;
    bool any;
    struct found first;
};

static int group_end(struct export *e, const struct export_format *format, struct value_group *group, struct err *err)
{
    if (!group->any)
        return 0;
    int rc = format->value(e, group->type, buf_view(&group->value), &group->first, err);
    if (rc > 0)
        e->count++;
    return rc < 0 ? rc : export_flush(e, false, err);
}

static void group_begin(struct value_group *group, enum ioc_type type, struct span value)
{
    group->type = type;
    group->any = false;
    buf_clear(&group->value);
    buf_span(&group->value, value);
}

static int group_add(struct export *e, const struct export_format *format, struct value_group *group, int64_t ref,
                     struct err *err)
{
    struct found found;
    if (!current_holds(&e->current, ref) || (group->any && !format->wants_report))
        return 0;
    int rc = format->wants_report ? asker_find(&e->asker, ref, &found, err) : view_sees_ref(e->view, ref);
    if (rc <= 0)
        return rc;
    if (format->wants_report && (!group->any || found_before(&found, &group->first)))
        group->first = found;
    group->any = true;
    return 0;
}

static int walk_values(struct export *e, const struct export_format *format, struct err *err)
{
    struct index *index = e->view->index;
    sqlite3_stmt *statement =
        index_statement(index, "SELECT type, value, ref FROM security_ioc ORDER BY type, value, ref", err);
    if (!statement)
        return err->code;
    struct value_group group = {.type = IOC_NONE};
    buf_init(&group.value, 2 * (size_t)SWEEP_TOKEN_MAX);
    int rc;
    while ((rc = index_step(index, statement, err)) > 0) {
        enum ioc_type type = (enum ioc_type)sqlite3_column_int(statement, 0);
        struct span value = span_of(sqlite3_column_text(statement, 1), (size_t)sqlite3_column_bytes(statement, 1));
        rc = 0;
        if (type != group.type || !span_eq(value, buf_view(&group.value))) {
            rc = group_end(e, format, &group, err);
            group_begin(&group, type, value);
        }
        if (rc == 0)
            rc = group_add(e, format, &group, sqlite3_column_int64(statement, 2), err);
        if (rc < 0)
            break;
    }
    sqlite3_reset(statement);
    if (rc == 0)
        rc = group_end(e, format, &group, err);
    buf_done(&group.value);
    return rc;
}

/* ---- all ---- */

static const struct export_format *find_format(const char *name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

static int run(struct export *e, const struct export_format *format, struct err *err)
{
    int rc = current_load(e->view->index, e->view->store, e->now_ms, &e->current, err);
    if (rc == 0 && format->begin)
        format->begin(e);
    if (rc == 0)
        rc = format->all ? format->all(e, err) : walk_values(e, format, err);
    return rc < 0 ? rc : export_flush(e, true, err);
}

int intel_export(const struct view *view, const char *format, int64_t now_ms,
                 int (*write)(void *ctx, struct span bytes, struct err *err), void *ctx, uint64_t *ret_count,
                 struct err *err)
{
    const struct export_format *found = find_format(format);
    if (!found)
        return err_set(err, ERR_USAGE, "format \"%.32s\" is none of: list, hosts, rpz, csv, stix", format);
    struct export e = {.view = view, .now_ms = now_ms, .write = write, .ctx = ctx};
    buf_init(&e.out, OUT_MAX);
    int rc = asker_init(&e.asker, view, err);
    if (rc == 0 && (rc = snapshot_begin(view->index, err)) == 0) {
        rc = run(&e, found, err);
        snapshot_end(view->index);
    }
    current_done(&e.current);
    asker_done(&e.asker);
    buf_done(&e.out);
    *ret_count = e.count;
    return rc;
}

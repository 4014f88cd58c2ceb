/*
 * A STIX bundle of all objects that hold, each id once: its newest version over all logs, of two of one moment the
 * one first in canonical order. Objects are the reporters' own bytes. The bundle's id is made of their hashes, so it
 * stands behind them: the same objects give the same bundle.
 */
#include "security/export_impl.h"

#include "base/sha256.h"

/* Versions of one id, over all logs. */
struct id_group {
    int64_t id_hash, version_ms;
    bool any;
    struct found best;
};

static int write_object(struct export *e, struct sha256 *hash, const struct found *found, struct err *err)
{
    struct view_record record;
    arena_clear(&e->asker.row);
    int rc = view_record_ref(e->view, found->ref, &e->asker.row, &record, err);
    if (rc < 0 || !record.parsed)
        return rc == ERR_NOTFOUND ? 0 : rc;
    uint8_t digest[SHA256_SIZE];
    sha256_once(record.record.body, digest);
    sha256_add(hash, span_of(digest, sizeof(digest)));
    buf_str(&e->out, e->count++ > 0 ? ",\n" : ",\"objects\":[\n");
    buf_span(&e->out, record.record.body);
    return export_flush(e, false, err);
}

static int group_end(struct export *e, struct sha256 *hash, struct id_group *group, struct err *err)
{
    return group->any ? write_object(e, hash, &group->best, err) : 0;
}

static int group_add(struct export *e, struct id_group *group, int64_t ref, int64_t version_ms, struct err *err)
{
    struct found found;
    int rc = current_holds(&e->current, ref) ? asker_find(&e->asker, ref, &found, err) : 0;
    if (rc <= 0)
        return rc;
    if (group->any && version_ms == group->version_ms ? found_before(&found, &group->best)
                                                      : !group->any || version_ms > group->version_ms) {
        group->any = true;
        group->best = found;
        group->version_ms = version_ms;
    }
    return 0;
}

static int walk_objects(struct export *e, struct sha256 *hash, struct err *err)
{
    struct index *index = e->view->index;
    sqlite3_stmt *statement =
        index_statement(index, "SELECT id_hash, ref, version_ms FROM security_object ORDER BY id_hash, ref", err);
    if (!statement)
        return err->code;
    struct id_group group = {0};
    int rc;
    while ((rc = index_step(index, statement, err)) > 0) {
        int64_t id_hash = sqlite3_column_int64(statement, 0);
        rc = 0;
        if (group.any && id_hash != group.id_hash)
            rc = group_end(e, hash, &group, err);
        if (id_hash != group.id_hash)
            group = (struct id_group){.id_hash = id_hash};
        if (rc == 0)
            rc = group_add(e, &group, sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 2), err);
        if (rc < 0)
            break;
    }
    sqlite3_reset(statement);
    return rc < 0 ? rc : group_end(e, hash, &group, err);
}

static int stix_all(struct export *e, struct err *err)
{
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    char id[STIX_ID_MAX];
    sha256_init(&hash);
    buf_str(&e->out, "{\"type\":\"bundle\"");
    int rc = walk_objects(e, &hash, err);
    sha256_end(&hash, digest);
    stix_bundle_id(digest, id);
    buf_str(&e->out, e->count > 0 ? "\n]" : ""); /* a list without objects is not allowed, none at all is */
    buf_fmt(&e->out, ",\"id\":\"%s\"}\n", id);
    return rc;
}

const struct export_format export_stix = {.name = "stix", .all = stix_all};

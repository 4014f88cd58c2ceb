#include "security/set_current.h"

#include <stdlib.h>

int snapshot_begin(struct index *index, struct err *err)
{
    if (sqlite3_exec(index_db(index), "SAVEPOINT security_snapshot", NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return err_set(err, ERR_IO, "%s/index.db: begin a snapshot: %s", index_dir(index), sqlite3_errmsg(index_db(index)));
}

void snapshot_end(struct index *index)
{
    sqlite3_exec(index_db(index), "RELEASE security_snapshot", NULL, NULL, NULL);
}

int current_add_past(struct current *current, int64_t ref, struct err *err)
{
    if (current->past_count == current->past_cap) {
        size_t cap = current->past_cap ? 2 * current->past_cap : 1024;
        int64_t *grown = reallocarray(current->past, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        current->past = grown;
        current->past_cap = cap;
    }
    current->past[current->past_count++] = ref;
    return 0;
}

/* A version of an object as the table has it. */
struct version {
    int64_t id_hash, ref, version_ms, valid_until_ms;
    bool revoked;
};

static void read_version(sqlite3_stmt *statement, struct version *out)
{
    out->id_hash = sqlite3_column_int64(statement, 0);
    out->ref = sqlite3_column_int64(statement, 1);
    out->version_ms = sqlite3_column_int64(statement, 2);
    out->revoked = sqlite3_column_int(statement, 3) != 0;
    bool ends = sqlite3_column_type(statement, 4) != SQLITE_NULL;
    out->valid_until_ms = ends ? sqlite3_column_int64(statement, 4) : INT64_MAX;
}

/* The newest version of an id in a log is known: does it hold? */
static int settle(struct current *current, const struct version *newest, int64_t now_ms, struct err *err)
{
    if (newest->revoked || newest->valid_until_ms <= now_ms)
        return current_add_past(current, newest->ref, err);
    if (newest->valid_until_ms < current->next_change_ms)
        current->next_change_ms = newest->valid_until_ms;
    return 0;
}

static int cmp_ref(const void *x, const void *y)
{
    int64_t a, b;
    memcpy(&a, x, sizeof(a));
    memcpy(&b, y, sizeof(b));
    return (a > b) - (a < b);
}

/* Versions of one id in one log stand together, in the order of the log; of two of one moment the later one counts. */
static int load(struct index *index, int64_t now_ms, struct current *ret, struct err *err)
{
    sqlite3_stmt *statement = index_statement(index,
                                              "SELECT id_hash, ref, version_ms, revoked, valid_until_ms "
                                              "FROM security_object ORDER BY id_hash, ref",
                                              err);
    if (!statement)
        return err->code;
    struct version newest = {0};
    bool any = false;
    int rc;
    while ((rc = index_step(index, statement, err)) > 0) {
        struct version next;
        read_version(statement, &next);
        bool same = any && next.id_hash == newest.id_hash && RECORD_REF_LOG(next.ref) == RECORD_REF_LOG(newest.ref);
        if (same && next.version_ms < newest.version_ms) {
            rc = current_add_past(ret, next.ref, err);
        } else {
            rc = same ? current_add_past(ret, newest.ref, err) : any ? settle(ret, &newest, now_ms, err) : 0;
            newest = next;
        }
        any = true;
        if (rc < 0)
            break;
    }
    sqlite3_reset(statement);
    return rc == 0 && any ? settle(ret, &newest, now_ms, err) : rc;
}

int current_load(struct index *index, struct store *store, int64_t now_ms, struct current *ret, struct err *err)
{
    *ret = (struct current){.next_change_ms = INT64_MAX};
    int rc = load(index, now_ms, ret, err);
    if (rc == 0 && store)
        rc = current_enforce(ret, index, store, now_ms, err);
    if (rc == 0 && ret->past_count > 1)
        qsort(ret->past, ret->past_count, sizeof(*ret->past), cmp_ref);
    return rc;
}

void current_done(struct current *current)
{
    free(current->past);
    *current = (struct current){0};
}

bool current_holds(const struct current *current, int64_t ref)
{
    return current->past_count == 0 ||
           !bsearch(&ref, current->past, current->past_count, sizeof(*current->past), cmp_ref);
}

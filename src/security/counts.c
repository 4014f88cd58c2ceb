/* How much there is. Exact where that is quick, and of the last compiled set where it is not. */
#include "security/query.h"
#include "security/set_key.h"

/*
 * Counting distinct ids and values goes through both tables in key order: 0.5 s a million. Beyond that many objects a page
 * shows what was counted when the sweep set was last compiled, half a minute ago at most while a node runs.
 */
#define EXACT_MAX 100000

#define OF_LOGS " AND (?3 IS NULL OR ref >> 40 IN (SELECT value FROM json_each(?3)))"
#define LOGS_TEXT_MAX (256u << 10) /* bytes: 10,000 numbers */

/* What is public by its marking, and what is held back and has a marking in this range; of these logs, NULL: of all. */
struct counted {
    int least, most;
    const char *logs; /* a JSON list of numbers */
};

#define COUNTED(table) "(shown OR (SELECT tlp FROM record WHERE record.ref = " table ".ref) BETWEEN ?1 AND ?2)" OF_LOGS

static int count(struct index *index, const char *sql, struct counted range,
                 int (*each)(struct intel_counts *, sqlite3_stmt *), struct intel_counts *counts, struct err *err)
{
    sqlite3_stmt *statement = index_statement(index, sql, err);
    if (!statement)
        return err->code;
    sqlite3_bind_int(statement, 1, range.least);
    sqlite3_bind_int(statement, 2, range.most);
    sqlite3_bind_text(statement, 3, range.logs, -1, SQLITE_STATIC);
    int rc;
    while ((rc = index_step(index, statement, err)) > 0)
        each(counts, statement);
    return rc;
}

static int take_objects(struct intel_counts *counts, sqlite3_stmt *statement)
{
    counts->objects = (uint64_t)sqlite3_column_int64(statement, 0);
    counts->indicators = (uint64_t)sqlite3_column_int64(statement, 1);
    return 0;
}

static int take_values(struct intel_counts *counts, sqlite3_stmt *statement)
{
    int type = sqlite3_column_int(statement, 0);
    uint64_t number = (uint64_t)sqlite3_column_int64(statement, 1);
    counts->values += number;
    if (type > IOC_NONE && type < IOC_TYPES)
        counts->by_type[type] = number;
    return 0;
}

static int counts_of(struct index *index, struct counted range, struct intel_counts *ret, struct err *err)
{
    struct intel_counts counts = {0};
    int rc = count(index,
                   "SELECT count(*), total(indicator) FROM (SELECT max(type = 1) AS indicator FROM security_object "
                   "WHERE " COUNTED("security_object") " GROUP BY id_hash)",
                   range, take_objects, &counts, err);
    if (rc == 0)
        rc = count(index,
                   "SELECT type, count(*) FROM (SELECT DISTINCT type, value FROM security_ioc WHERE " COUNTED(
                       "security_ioc") ") GROUP BY type",
                   range, take_values, &counts, err);
    if (rc == 0)
        *ret = counts;
    return rc;
}

int counts_read(struct index *index, const char *logs, struct intel_counts *ret, struct err *err)
{
    return counts_of(index, (struct counted){TLP_RED + 1, TLP_NONE, logs}, ret, err);
}

/* Each thread remembers what it counted until something changes. */
static _Thread_local struct {
    const struct index *index;
    int64_t counter;
    int64_t policy; /* by which something was left out; 0: nothing was */
    struct counted range;
    bool known;
    struct intel_counts counts;
} remembered;

/* Logs of which policy lets everything leave: of the others it is not told how much there is. */
struct shared_logs {
    const struct view *view;
    struct buf list;
};

static int list_shared(void *ctx, const struct log_info *log, struct err *err)
{
    struct shared_logs *shared = ctx;
    (void)err;
    if (view_sharing(shared->view, log) == SHARING_ALL)
        buf_fmt(&shared->list, "%s%lld", shared->list.len > 1 ? "," : "", (long long)log->number);
    return 0;
}

static int count_shared(const struct view *view, struct intel_counts *ret, struct err *err)
{
    struct shared_logs shared = {.view = view};
    buf_init(&shared.list, LOGS_TEXT_MAX);
    buf_byte(&shared.list, '[');
    int rc = view_logs(view, list_shared, &shared, err);
    buf_byte(&shared.list, ']');
    if (rc == 0)
        rc = buf_check(&shared.list, "logs", err);
    if (rc == 0)
        rc = counts_read(view->index, buf_cstr(&shared.list), ret, err);
    buf_done(&shared.list);
    return rc;
}

int intel_counts(const struct view *view, struct intel_counts *ret, struct err *err)
{
    if (!view->index)
        return err_set(err, ERR_USAGE, "counting threat intelligence needs the index");
    struct counted range = {.logs = NULL};
    struct view_held held = view_held(view); /* what is for one person alone is not counted */
    range.least = held.least;
    range.most = held.most;
    struct set_key key;
    int64_t counter = 0, policy = !view_asks(view) ? 0 : view->judge.policy ? view->judge.version.number : -1;
    int rc = index_counter(view->index, INDICATOR_COUNTER, 0, &counter, err);
    if (rc < 0)
        return rc;
    if (remembered.known && remembered.index == view->index && remembered.counter == counter &&
        remembered.range.least == range.least && remembered.range.most == range.most && remembered.policy == policy) {
        *ret = remembered.counts;
        return 0;
    }
    if (!view_is_inside(view) && !policy && set_key_read(view->index, &key) &&
        (key.counter == counter || key.counts.objects > EXACT_MAX)) {
        *ret = key.counts;
        return 0;
    }
    rc = policy ? count_shared(view, ret, err) : counts_of(view->index, range, ret, err);
    if (rc < 0)
        return rc;
    remembered.index = view->index;
    remembered.counter = counter;
    remembered.range = range;
    remembered.policy = policy;
    remembered.counts = *ret;
    remembered.known = true;
    return 0;
}

/* How much there is. Exact where that is quick, and of the last compiled set where it is not. */
#include "security/query.h"
#include "security/set_key.h"

/*
 * Counting distinct ids and values goes through both tables in key order: 0.5 s a million. Beyond that many objects a page
 * shows what was counted when the sweep set was last compiled, half a minute ago at most while a node runs.
 */
#define EXACT_MAX 100000

/* What the public sees, and what is held back from it and has a marking in this range. */
struct counted {
    int least, most;
};

#define COUNTED(table) "(shown OR (SELECT tlp FROM record WHERE record.ref = " table ".ref) BETWEEN ?1 AND ?2)"

static int count(struct index *index, const char *sql, struct counted range,
                 int (*each)(struct intel_counts *, sqlite3_stmt *), struct intel_counts *counts, struct err *err)
{
    sqlite3_stmt *statement = index_statement(index, sql, err);
    if (!statement)
        return err->code;
    sqlite3_bind_int(statement, 1, range.least);
    sqlite3_bind_int(statement, 2, range.most);
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

int counts_read(struct index *index, struct intel_counts *ret, struct err *err)
{
    return counts_of(index, (struct counted){TLP_RED + 1, TLP_NONE}, ret, err);
}

/* Each thread remembers what it counted until something changes. */
static _Thread_local struct {
    const struct index *index;
    int64_t counter;
    struct counted range;
    bool known;
    struct intel_counts counts;
} remembered;

int intel_counts(const struct view *view, struct intel_counts *ret, struct err *err)
{
    if (!view->index)
        return err_set(err, ERR_USAGE, "counting threat intelligence needs the index");
    struct counted range;
    view_tlp_range(view, &range.least, &range.most);
    struct set_key key;
    int64_t counter = 0;
    int rc = index_counter(view->index, INDICATOR_COUNTER, 0, &counter, err);
    if (rc < 0)
        return rc;
    if (remembered.known && remembered.index == view->index && remembered.counter == counter &&
        remembered.range.least == range.least && remembered.range.most == range.most) {
        *ret = remembered.counts;
        return 0;
    }
    if (!view_is_inside(view) && set_key_read(view->index, &key) &&
        (key.counter == counter || key.counts.objects > EXACT_MAX)) {
        *ret = key.counts;
        return 0;
    }
    rc = counts_of(view->index, range, ret, err);
    if (rc < 0)
        return rc;
    remembered.index = view->index;
    remembered.counter = counter;
    remembered.range = range;
    remembered.counts = *ret;
    remembered.known = true;
    return 0;
}

/* What policy and persons decided about contents, and what members have brought in. */
#include "state/internal.h"
#include "state/rules.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_HOURS 24

/* ---- verdicts ---- */

int verdict_put(struct store *store, const struct verdict *v, struct err *err)
{
    int rc = store_writable(store, err);
    return rc ? rc
              : db_run(store, err,
                       "INSERT INTO verdict(ref, act, line, version, reason, time_ms, kind, lang, tlp)"
                       " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(ref) DO UPDATE SET act = excluded.act,"
                       " line = excluded.line, version = excluded.version, reason = excluded.reason,"
                       " time_ms = excluded.time_ms,"
                       " lang = iif(excluded.kind = '', lang, excluded.lang),"
                       " tlp = iif(excluded.kind = '', tlp, excluded.tlp),"
                       " kind = iif(excluded.kind = '', kind, excluded.kind)",
                       "iiiisissi", v->ref, (int64_t)v->act, (int64_t)v->line, v->version, v->reason, v->time_ms,
                       v->kind, v->lang, (int64_t)v->tlp);
}

int verdict_remove(struct store *store, int64_t ref, struct err *err)
{
    int rc = store_writable(store, err);
    return rc ? rc : db_run(store, err, "DELETE FROM verdict WHERE ref = ?", "i", ref);
}

int verdict_find(struct store *store, int64_t ref, struct verdict *ret, struct err *err)
{
    sqlite3_stmt *stmt = db_query(
        store, err, "SELECT act, line, version, reason, time_ms, kind, lang, tlp FROM verdict WHERE ref = ?", "i", ref);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1) {
        *ret = (struct verdict){.ref = ref,
                                .act = (enum policy_act)sqlite3_column_int(stmt, 0),
                                .line = (unsigned)sqlite3_column_int64(stmt, 1),
                                .version = sqlite3_column_int64(stmt, 2),
                                .time_ms = sqlite3_column_int64(stmt, 4),
                                .tlp = (enum tlp)sqlite3_column_int(stmt, 7)};
        db_text(stmt, 3, ret->reason, sizeof ret->reason);
        db_text(stmt, 5, ret->kind, sizeof ret->kind);
        db_text(stmt, 6, ret->lang, sizeof ret->lang);
    }
    db_end(stmt);
    return rc == 1 ? 0 : rc == 0 ? err_set(err, ERR_NOTFOUND, "no verdict about it") : rc;
}

int verdict_refs(struct store *store, enum policy_act act, int64_t after, int64_t *out, size_t max, size_t *ret_count,
                 struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err, "SELECT ref FROM verdict WHERE act = ? AND ref > ? ORDER BY ref LIMIT ?",
                                  "iii", (int64_t)act, after, (int64_t)max);
    *ret_count = 0;
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1)
        out[(*ret_count)++] = sqlite3_column_int64(stmt, 0);
    db_end(stmt);
    return rc;
}

int verdict_count(struct store *store, enum policy_act act, uint64_t *ret, struct err *err)
{
    int64_t count = 0;
    int rc = db_int(store, &count, err, "SELECT count(*) FROM verdict WHERE act = ?", "i", (int64_t)act);
    *ret = (uint64_t)count;
    return rc;
}

int verdict_lines(struct store *store, int64_t version, int64_t since_ms, uint64_t *io, size_t count, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT line, count(*) FROM verdict WHERE act = ? AND version = ? AND time_ms >= ?"
                                  " GROUP BY line",
                                  "iii", (int64_t)POLICY_REFUSE, version, since_ms);
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        uint64_t line = (uint64_t)sqlite3_column_int64(stmt, 0);
        if (line < count)
            io[line] += (uint64_t)sqlite3_column_int64(stmt, 1);
    }
    db_end(stmt);
    return rc;
}

/* A person's verdict is the last decision's, and no rule's. */
int verdict_sums(struct store *store, int (*each)(void *ctx, const struct verdict_sum *sum, struct err *err), void *ctx,
                 struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT ref >> 40, lang, act, line = 0 AND EXISTS(SELECT 1 FROM decision d WHERE"
                                  " d.ref = verdict.ref) AS person, count(*), sum(tlp = ?) FROM verdict"
                                  " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
                                  "i", (int64_t)TLP_CLEAR);
    char lang[VERDICT_LANG_MAX + 1];
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        struct verdict_sum sum = {.log = sqlite3_column_int64(stmt, 0),
                                  .lang = lang,
                                  .act = (enum policy_act)sqlite3_column_int(stmt, 2),
                                  .by_person = sqlite3_column_int(stmt, 3) != 0,
                                  .count = (uint64_t)sqlite3_column_int64(stmt, 4),
                                  .clear = (uint64_t)sqlite3_column_int64(stmt, 5)};
        db_text(stmt, 1, lang, sizeof lang);
        if ((rc = each(ctx, &sum, err)) < 0)
            break;
    }
    db_end(stmt);
    return rc;
}

/* ---- decisions ---- */

/* Whoever was ceded a power looked before this transaction: a person may have decided since. */
static int check_above(struct store *store, const struct decision *d, struct err *err)
{
    struct decision last;
    struct err none = {0};
    int rc = d->cession ? decision_find(store, d->ref, &last, &none) : ERR_NOTFOUND;
    if (rc == ERR_NOTFOUND)
        return 0;
    if (rc < 0)
        return err_set(err, rc, "%s", none.text);
    return last.cession ? 0 : err_set(err, ERR_STATE, "%s has decided here, which goes above what is ceded", last.who);
}

int decision_put(struct store *store, struct decision *d, struct err *err)
{
    int rc = store_writable(store, err);
    if (!rc)
        rc = check_above(store, d, err);
    if (!rc)
        rc = db_run(store, err,
                    "INSERT INTO decision(ref, act, who, reason, time_ms, published) VALUES(?, ?, ?, ?, ?, ?)",
                    "iissii", d->ref, (int64_t)d->act, d->who, d->reason, d->time_ms, d->published);
    if (rc)
        return rc;
    d->number = sqlite3_last_insert_rowid(store->db);
    return d->cession ? db_run(store, err, "INSERT INTO decision_ceded(number, cession) VALUES(?, ?)", "ii", d->number,
                               d->cession)
                      : 0;
}

int decision_find(struct store *store, int64_t ref, struct decision *ret, struct err *err)
{
    sqlite3_stmt *stmt = db_query(
        store, err,
        "SELECT number, act, who, reason, time_ms, published, coalesce((SELECT cession FROM decision_ceded AS c"
        " WHERE c.number = decision.number), 0) FROM decision WHERE ref = ? ORDER BY number DESC LIMIT 1",
        "i", ref);
    if (!stmt)
        return err->code;
    int rc = db_step(store, stmt, err);
    if (rc == 1) {
        *ret = (struct decision){.number = sqlite3_column_int64(stmt, 0),
                                 .ref = ref,
                                 .act = (enum policy_act)sqlite3_column_int(stmt, 1),
                                 .time_ms = sqlite3_column_int64(stmt, 4),
                                 .published = sqlite3_column_int64(stmt, 5),
                                 .cession = sqlite3_column_int64(stmt, 6)};
        db_text(stmt, 2, ret->who, sizeof ret->who);
        db_text(stmt, 3, ret->reason, sizeof ret->reason);
    }
    db_end(stmt);
    return rc == 1 ? 0 : rc == 0 ? err_set(err, ERR_NOTFOUND, "nobody decided about it") : rc;
}

int decision_any(struct store *store, bool *ret, struct err *err)
{
    int64_t any = 0;
    int rc = db_int(store, &any, err, "SELECT count(*) FROM (SELECT 1 FROM decision LIMIT 1)", "");
    *ret = any != 0;
    return rc;
}

int decision_count(struct store *store, uint64_t *ret, struct err *err)
{
    int64_t count = 0;
    int rc = db_int(store, &count, err, "SELECT coalesce(max(number), 0) FROM decision", "");
    *ret = (uint64_t)count;
    return rc;
}

int decision_by_cession(struct store *store, int64_t cession, uint64_t *ret, struct err *err)
{
    int64_t count = 0;
    int rc =
        db_int(store, &count, err,
               "SELECT count(*) FROM decision_ceded AS c JOIN decision AS d ON d.number = c.number WHERE c.cession ="
               " ? AND NOT EXISTS(SELECT 1 FROM decision WHERE ref = d.ref AND number > d.number)",
               "i", cession);
    *ret = (uint64_t)count;
    return rc;
}

int decision_set_published(struct store *store, int64_t number, int64_t ref, struct err *err)
{
    int rc = store_writable(store, err);
    return rc ? rc : db_run(store, err, "UPDATE decision SET published = ? WHERE number = ?", "ii", ref, number);
}

/* ---- counts ---- */

int rules_count(struct store *store, int64_t log, int64_t now_ms, uint64_t records, uint64_t bytes, struct err *err)
{
    int64_t hour = now_ms / HOUR_MS;
    int rc = store_writable(store, err);
    if (!rc)
        rc = db_run(store, err, "DELETE FROM policy_count WHERE log = ? AND hour <= ?", "ii", log, hour - DAY_HOURS);
    if (!rc)
        rc = db_run(store, err,
                    "INSERT INTO policy_count(log, hour, records, bytes) VALUES(?, ?, ?, ?) ON CONFLICT(log, hour) DO"
                    " UPDATE SET records = records + excluded.records, bytes = bytes + excluded.bytes",
                    "iiii", log, hour, (int64_t)records, (int64_t)bytes);
    return rc;
}

int rules_counts(struct store *store, int64_t log, int64_t now_ms, struct policy_counts *ret, struct err *err)
{
    int64_t hour = now_ms / HOUR_MS;
    sqlite3_stmt *stmt =
        db_query(store, err, "SELECT hour, records, bytes FROM policy_count WHERE log = ? AND hour > ?", "ii", log,
                 hour - DAY_HOURS);
    *ret = (struct policy_counts){0};
    if (!stmt)
        return err->code;
    int rc;
    while ((rc = db_step(store, stmt, err)) == 1) {
        uint64_t records = (uint64_t)sqlite3_column_int64(stmt, 1), bytes = (uint64_t)sqlite3_column_int64(stmt, 2);
        bool now = sqlite3_column_int64(stmt, 0) == hour;
        ret->records_day += records;
        ret->bytes_day += bytes;
        ret->records_hour += now ? records : 0;
        ret->bytes_hour += now ? bytes : 0;
    }
    db_end(stmt);
    return rc;
}

/* Parcels that are over: their bytes go from this node; and what came of all that ever came here, in numbers. */
#include <stdio.h>

#include "connect/parcels.h"
#include "state/mirror.h"

#define FACT_PARCELS "parcels"
#define EXPIRE_BATCH 256 /* parcels that are erased together */

/* ---- counting ---- */

int parcel_counts_get(struct store *store, struct parcel_counts *ret, struct err *err)
{
    struct buf text;
    struct err none;
    uint64_t n[4] = {0};
    buf_init(&text, 256);
    int rc = store_get(store, FACT_PARCELS, &text, &none);
    struct span left = rc == 0 ? buf_view(&text) : (struct span){0};
    for (size_t i = 0; i < 4; i++) {
        size_t end = span_find(left, ' ');
        (void)span_u64(span_sub(left, 0, end), UINT64_MAX, &n[i]); /* one that is no number stays 0 */
        left = span_sub(left, end + 1, left.len);
    }
    buf_done(&text);
    *ret = (struct parcel_counts){n[0], n[1], n[2], n[3], 0};
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", none.text);
}

int parcel_counts_add(struct store *store, const struct parcel_counts *more, struct err *err)
{
    struct parcel_counts counts;
    char text[96];
    int rc = parcel_counts_get(store, &counts, err);
    if (rc)
        return rc;
    snprintf(text, sizeof text, "%llu %llu %llu %llu", (unsigned long long)(counts.opened + more->opened),
             (unsigned long long)(counts.kept + more->kept), (unsigned long long)(counts.refused + more->refused),
             (unsigned long long)(counts.expired + more->expired));
    return store_put(store, FACT_PARCELS, span_str(text), err);
}

/* ---- erasing ---- */

static int list_expired(struct index *index, int64_t now_ms, int64_t out[EXPIRE_BATCH], size_t *ret, struct err *err)
{
    sqlite3_stmt *select = index_statement(
        index, "SELECT ref FROM connect_parcel WHERE expires_ms <= ?1 ORDER BY expires_ms LIMIT ?2", err);
    int rc;
    *ret = 0;
    if (!select)
        return err->code;
    sqlite3_bind_int64(select, 1, now_ms);
    sqlite3_bind_int64(select, 2, EXPIRE_BATCH);
    while ((rc = index_step(index, select, err)) > 0)
        out[(*ret)++] = sqlite3_column_int64(select, 0);
    return rc;
}

/* Erased by this node's own rule: nobody is asked for it any more. The index forgets last, so that this can be repeated. */
static int expire(struct store *store, struct index *index, const int64_t *refs, size_t count, struct err *err)
{
    struct parcel_counts counts = {.expired = count};
    size_t erased;
    int rc = store_begin(store, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count && !rc; i++)
        rc = payload_erase_later(store, RECORD_REF_LOG(refs[i]), RECORD_REF_INDEX(refs[i]), err);
    if (!rc)
        rc = parcel_counts_add(store, &counts, err);
    if (rc)
        store_rollback(store);
    else
        rc = store_commit(store, err);
    if (!rc)
        rc = mirror_erase_queued(store, &erased, err);
    for (size_t i = 0; i < count && !rc; i++)
        rc = index_forget(index, refs[i], err);
    return rc;
}

int parcels_expire(struct store *store, struct index *index, int64_t now_ms, uint64_t *ret_count, struct err *err)
{
    int64_t refs[EXPIRE_BATCH];
    size_t count = EXPIRE_BATCH;
    int rc = 0;
    while (!rc && count == EXPIRE_BATCH) {
        rc = list_expired(index, now_ms, refs, &count, err);
        if (!rc && count > 0)
            rc = expire(store, index, refs, count, err);
        *ret_count += rc ? 0 : count;
    }
    return rc;
}

#include "state/internal.h"

#include <stdlib.h>

/*
 * Folds of the logs asked for last. A log below its head never changes while a handle is open, so a fold up to some
 * size stays true, and a later one goes on from it: the log's profile entries are read once, not once a record.
 */
struct folded {
    int64_t number; /* 0: free */
    uint64_t limit, used;
    struct member member;
    struct log_key *keys;
};

void members_forget(struct store *store)
{
    for (size_t i = 0; store->folded && i < FOLDED_MAX; i++)
        free(store->folded[i].keys);
    free(store->folded);
    store->folded = NULL;
}

static struct folded *folded_find(struct store *store, int64_t number, uint64_t limit)
{
    for (size_t i = 0; store->folded && i < FOLDED_MAX; i++)
        if (store->folded[i].number == number)
            return store->folded[i].limit <= limit ? &store->folded[i] : NULL;
    return NULL;
}

/* Without memory there is just no fold kept. */
static void folded_keep(struct store *store, int64_t number, uint64_t limit, const struct member *member)
{
    if (!store->folded)
        store->folded = calloc(FOLDED_MAX, sizeof *store->folded);
    struct log_key *keys = calloc(member->key_count, sizeof *keys);
    if (!store->folded || !keys) {
        free(keys);
        return;
    }
    struct folded *place = &store->folded[0];
    for (size_t i = 0; i < FOLDED_MAX; i++) {
        struct folded *f = &store->folded[i];
        if (f->number == number) {
            place = f;
            break;
        }
        if (f->used < place->used)
            place = f;
    }
    free(place->keys);
    memcpy(keys, member->keys, member->key_count * sizeof *keys);
    place->number = number;
    place->limit = limit;
    place->used = ++store->clock;
    place->member = *member;
    place->keys = keys;
}

static int folded_copy(struct store *store, struct folded *from, struct arena *arena, struct member *ret,
                       struct err *err)
{
    struct log_key *keys = arena_array(arena, from->member.key_count, sizeof *keys);
    if (!keys)
        return err_memory(err);
    memcpy(keys, from->keys, from->member.key_count * sizeof *keys);
    *ret = from->member;
    ret->keys = keys;
    ret->key_cap = ret->key_count;
    from->used = ++store->clock;
    return 0;
}

/* Up to `max` refs of constitutional entries in [first, limit), those of `sort` or all (sort < 0). */
static int constitution_some(struct store *store, int64_t number, uint64_t first, uint64_t limit, int64_t sort,
                             uint64_t *out, size_t max, size_t *ret_count, struct err *err)
{
    sqlite3_stmt *stmt = db_query(store, err,
                                  "SELECT ref FROM constitution WHERE ref >= ? AND ref < ? AND (?3 < 0 OR sort = ?3)"
                                  " ORDER BY ref LIMIT ?4",
                                  "iiii", RECORD_REF(number, first), RECORD_REF(number, limit), sort, (int64_t)max);
    if (!stmt)
        return err->code;
    int rc;
    size_t count = 0;
    while ((rc = db_step(store, stmt, err)) == 1 && count < max)
        out[count++] = RECORD_REF_INDEX(sqlite3_column_int64(stmt, 0));
    db_end(stmt);
    *ret_count = count;
    return rc < 0 ? rc : 0;
}

/* One entry into the member; a later one that says nothing valid is without effect. */
static int fold_entry(struct store *store, const struct log_row *row, uint64_t index, uint64_t limit, struct buf *entry,
                      struct arena *arena, struct member *ret, struct err *err)
{
    buf_clear(entry);
    int rc = entry_read(store, row, index, limit, entry, err);
    if (rc)
        return rc;
    if (index == 0)
        return member_begin(span_str(row->info.origin), buf_view(entry), arena, ret, err);
    struct err without;
    return member_apply(ret, index, buf_view(entry), arena, &without) == ERR_MEMORY ? err_memory(err) : 0;
}

#define FOLD_PART 64

int row_member(struct store *store, const struct log_row *row, uint64_t limit, struct arena *arena, struct member *ret,
               struct err *err)
{
    struct folded *base = folded_find(store, row->info.number, limit);
    uint64_t list[FOLD_PART], next = base ? base->limit : 0;
    size_t count = FOLD_PART;
    struct buf entry;
    buf_init(&entry, ENTRY_MAX + 2);
    int rc = base ? folded_copy(store, base, arena, ret, err) : 0;
    while (!rc && count == FOLD_PART) {
        rc = constitution_some(store, row->info.number, next, limit, CONSTITUTION_KEYS, list, FOLD_PART, &count, err);
        if (!rc && next == 0 && !base && (count == 0 || list[0] != 0))
            rc = err_set(err, ERR_NOTFOUND, "log %s: its profile is not here yet", row->info.origin);
        for (size_t i = 0; i < count && !rc; i++)
            rc = fold_entry(store, row, list[i], limit, &entry, arena, ret, err);
        if (count > 0)
            next = list[count - 1] + 1;
    }
    buf_done(&entry);
    if (!rc && limit == row->info.size && (!base || base->limit < limit))
        folded_keep(store, row->info.number, limit, ret);
    return rc;
}

int store_member(struct store *store, int64_t number, struct arena *arena, struct member *ret, struct err *err)
{
    struct log_row row;
    int rc = row_load(store, number, &row, err);
    return rc ? rc : row_member(store, &row, row.info.size, arena, ret, err);
}

int store_member_before(struct store *store, int64_t number, uint64_t limit, struct arena *arena, struct member *ret,
                        struct err *err)
{
    struct log_row row;
    int rc = row_load(store, number, &row, err);
    return rc ? rc : row_member(store, &row, limit < row.info.size ? limit : row.info.size, arena, ret, err);
}

int store_constitution(struct store *store, int64_t number, uint64_t from, uint64_t *out, size_t max, size_t *ret_count,
                       struct err *err)
{
    struct log_row row;
    int rc = row_load(store, number, &row, err);
    return rc ? rc : constitution_some(store, number, from, row.info.size, -1, out, max, ret_count, err);
}

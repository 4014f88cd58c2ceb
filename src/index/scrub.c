#include "index/index.h"

#include "index/internal.h"
#include "state/wal.h"

#define CHECKPOINT_WAIT_MS 15000 /* for readers of other processes: a page or an export is done by then */

/* Kinds and media types of erased records are text of theirs, too. */
static const char *const drop_words = "DELETE FROM word WHERE number NOT IN (SELECT kind FROM record UNION"
                                      " SELECT lang FROM record UNION SELECT type FROM record)";

static int truncate_wal(struct index *index, struct err *err)
{
    int rc = wal_truncate(index->db, CHECKPOINT_WAIT_MS, INDEX_BUSY_MS);
    if (rc == SQLITE_OK)
        return 0;
    if ((rc & 0xff) == SQLITE_BUSY)
        return err_set(err, ERR_STATE,
                       "%s/index.db-wal: another process is reading it; erased text may still stand there", index->dir);
    return index_fail(index, "truncate the WAL", err);
}

int index_scrub_due(struct index *index, bool *ret, struct err *err)
{
    int64_t forgotten, scrubbed = 0;
    int rc = index_counter(index, INDEX_FORGOTTEN, 0, &forgotten, err);
    if (rc == 0)
        rc = index_counter(index, INDEX_SCRUBBED, 0, &scrubbed, err);
    *ret = rc == 0 && forgotten != scrubbed;
    return rc;
}

static int note_scrubbed(struct index *index, int64_t forgotten, struct err *err)
{
    sqlite3_stmt *statement = index_statement(
        index, "INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, INDEX_SCRUBBED, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, forgotten);
    return index_run(index, statement, err);
}

/*
 * VACUUM, although secure_delete is on: SQLite overwrites cells where they are deleted, but when a page is split,
 * copies of cells that moved may stay behind in its unused part (seen: 1 of 1,000 deleted values was still in the
 * file). Measured: 1 s for an index of a million indicators.
 */
int index_scrub(struct index *index, struct err *err)
{
    int64_t forgotten = 0;
    int rc = index_refresh(index, err);
    if (rc == 0)
        rc = index_counter(index, INDEX_FORGOTTEN, 0, &forgotten, err);
    for (size_t i = 0; rc == 0 && capabilities[i]; i++)
        if (capabilities[i]->scrub && (rc = capabilities[i]->scrub(index, err)) < 0)
            err_in(err, "%s", capabilities[i]->name);
    if (rc == 0)
        rc = index_exec(index, drop_words, "drop unused words", err);
    if (rc == 0)
        rc = index_spill(index, true, err);
    if (rc == 0)
        rc = index_exec(index, "VACUUM", "rewrite the file", err);
    if (rc == 0)
        rc = index_spill(index, false, err);
    if (rc == 0)
        rc = truncate_wal(index, err);
    return rc < 0 || forgotten == 0 ? rc : note_scrubbed(index, forgotten, err);
}

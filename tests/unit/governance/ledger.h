/* Governance's fold without a node: records go straight into an index, from as many logs as a test likes. */
#ifndef TONGZHOU_TESTS_GOVERNANCE_LEDGER_H
#define TONGZHOU_TESTS_GOVERNANCE_LEDGER_H

#include "plain.h"

#include <unistd.h>

#include "governance/fold.h"
#include "index/index.h"

const struct capability *const capabilities[] = {&governance_capability, NULL};

struct ledger {
    char dir[256];
    struct index *index;
    struct arena batch, scratch;
    struct fold fold;
};

static inline void ledger_run(const struct ledger *ledger, const char *sql)
{
    char *text = NULL;
    if (sqlite3_exec(index_db(ledger->index), sql, NULL, NULL, &text) != SQLITE_OK)
        fail_msg("%s: %s", sql, text);
}

static inline void ledger_open(struct ledger *ledger)
{
    const char *tmp = getenv("TMPDIR");
    *ledger = (struct ledger){0};
    snprintf(ledger->dir, sizeof(ledger->dir), "%s/tongzhou-ledger-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(ledger->dir));
    good(index_open(ledger->dir, &ledger->index, &err));
    ledger_run(ledger, "PRAGMA synchronous = OFF");
    arena_init(&ledger->batch, 64u << 20);
    arena_init(&ledger->scratch, 64u << 20);
    ledger->fold = (struct fold){.index = ledger->index, .db = index_db(ledger->index), .arena = &ledger->batch};
}

static inline void ledger_close(struct ledger *ledger)
{
    static const char *const files[] = {"index.db", "index.db-wal", "index.db-shm"};
    char path[300];
    index_close(ledger->index);
    arena_done(&ledger->batch);
    arena_done(&ledger->scratch);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", ledger->dir, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(ledger->dir), 0);
}

/* One record, as the index hands it over. What is refused is not in the tables, as in a node. */
static inline void ledger_take(struct ledger *ledger, int64_t number, const char *origin, uint64_t at, struct span text)
{
    struct record record;
    struct err refused = {0};
    arena_clear(&ledger->scratch);
    good(record_parse(text, &ledger->scratch, &record, &err));
    struct fold_record fold_record = {.number = number,
                                      .origin = origin,
                                      .role = LOG_MIRROR,
                                      .index = at,
                                      .ref = RECORD_REF(number, at),
                                      .is_inline = true,
                                      .shown = true,
                                      .text = text,
                                      .record = &record,
                                      .arena = &ledger->scratch};
    int rc = governance_apply(&ledger->fold, &fold_record, &refused);
    if (rc != 0 && rc != ERR_SYNTAX && rc != ERR_LIMIT)
        fail_msg("%s", refused.text);
}

static inline void ledger_say(struct ledger *ledger, int64_t number, const char *origin, uint64_t at,
                              const struct statement *statement)
{
    struct buf text;
    buf_init(&text, INLINE_MAX);
    good(statement_write(statement, PLAIN_TIME_MS, &text, &err));
    ledger_take(ledger, number, origin, at, buf_view(&text));
    buf_done(&text);
}

static inline void ledger_endorse(struct ledger *ledger, int64_t number, const char *origin, uint64_t at,
                                  const uint8_t roster[32], const uint8_t *parent)
{
    struct statement said = {.type = STATEMENT_ENDORSE, .has_parent = parent != NULL};
    memcpy(said.target, roster, 32);
    if (parent)
        memcpy(said.parent, parent, 32);
    ledger_say(ledger, number, origin, at, &said);
}

/* The end of a batch. */
static inline void ledger_flush(struct ledger *ledger)
{
    good(governance_flush(&ledger->fold, &err));
    arena_clear(&ledger->batch);
    ledger->fold.state[0] = NULL;
}

/* What holds, as text; the caller frees. */
static inline char *ledger_rows(const struct ledger *ledger)
{
    static const char *const queries[] = {
        "SELECT 'community', hex(community), name, number, hex(tip), hex(charter) FROM governance_community ORDER BY 2",
        "SELECT 'version', hex(community), hex(hash) FROM governance_version ORDER BY 2, 3",
        ("SELECT 'belongs', hex(community), origin, belongs, operator, class, since FROM governance_belongs"
         " ORDER BY 2, 3"),
        "SELECT 'wants', hex(community), hex(hash) FROM governance_wants ORDER BY 2, 3",
        "SELECT 'poll', hex(community), hex(parent), needed FROM governance_poll ORDER BY 2",
        "SELECT 'voter', hex(community), origin FROM governance_voter ORDER BY 2, 3",
        "SELECT 'tally', hex(community), hex(roster), voices FROM governance_tally ORDER BY 2, 3"};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        sqlite3_stmt *statement;
        assert_int_equal(sqlite3_prepare_v2(index_db(ledger->index), queries[i], -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            for (int k = 0; k < sqlite3_column_count(statement); k++)
                fprintf(out, "%s%s", k > 0 ? " " : "", (const char *)sqlite3_column_text(statement, k));
            fprintf(out, "\n");
        }
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    }
    fclose(out);
    return text;
}

/* ---- work, counted: a machine's speed is no part of it ---- */

static uint64_t ledger_steps;

static inline int ledger_step(void *ctx)
{
    (void)ctx;
    ledger_steps++;
    return 0;
}

/* From here on each instruction of SQLite's machine counts. */
static inline void ledger_count(struct ledger *ledger)
{
    ledger_steps = 0;
    sqlite3_progress_handler(index_db(ledger->index), 1, ledger_step, NULL);
}

static inline uint64_t ledger_counted(struct ledger *ledger)
{
    sqlite3_progress_handler(index_db(ledger->index), 0, NULL, NULL);
    return ledger_steps;
}

#endif

/*
 * Following is folding anew: whatever arrives, in whatever order and batches, concurrent admissions, lies and logs that turn
 * out to be forked included, the rows are those that a walk from version 1 over the same records makes, and say what the
 * pure fold says of them.
 */
#include "ledger.h"
#include "play.h"

struct reader {
    struct play *play;
    struct plain_view view; /* what was read so far */
    bool frozen[PLAIN_LOGS];
    struct ledger ledger;
};

static void take(struct reader *reader, size_t log, size_t at)
{
    const struct plain_log *from = &reader->play->world->log[log];
    const struct plain_entry *entry = &from->branch[reader->view.branch[log]][at];
    if (entry->text)
        ledger_take(&reader->ledger, (int64_t)log + 1, from->origin, at, span_of(entry->text, entry->len));
    else
        ledger_say(&reader->ledger, (int64_t)log + 1, from->origin, at, &entry->statement);
}

/* The log turns out to be forked there. */
static void cut(struct reader *reader, size_t log, size_t at)
{
    for (size_t i = at; i < reader->view.len[log]; i++)
        good(governance_forget(&reader->ledger.fold, RECORD_REF((int64_t)log + 1, i), &err));
    reader->view.len[log] = at < reader->view.len[log] ? at : reader->view.len[log];
    reader->frozen[log] = true;
}

/* ---- what must hold ---- */

static void same_as_anew(struct reader *reader)
{
    char *followed = ledger_rows(&reader->ledger);
    ledger_run(&reader->ledger, "BEGIN");
    good(governance_refold_all(reader->ledger.index, &err));
    char *anew = ledger_rows(&reader->ledger);
    ledger_run(&reader->ledger, "ROLLBACK");
    if (strcmp(followed, anew) != 0)
        fail_msg("following:\n%s---\nanew:\n%s", followed, anew);
    free(followed);
    free(anew);
}

static int64_t number_of(const struct ledger *ledger, const char *sql, const uint8_t hash[32], const char *origin)
{
    sqlite3_stmt *query;
    assert_int_equal(sqlite3_prepare_v2(index_db(ledger->index), sql, -1, &query, NULL), SQLITE_OK);
    sqlite3_bind_blob(query, 1, hash, 32, SQLITE_STATIC);
    if (origin)
        sqlite3_bind_text(query, 2, origin, -1, SQLITE_STATIC);
    int64_t number = sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_int64(query, 0) : -1;
    sqlite3_finalize(query);
    return number;
}

/* The pure fold over plain memory knows nothing of rows. */
static void same_as_walked(struct reader *reader)
{
    struct community walked, by_index;
    struct community_source source = governance_source(reader->ledger.index);
    const uint8_t *first = reader->play->first;
    uint8_t a[32], b[32];
    arena_clear(&reader->play->arena);
    plain_walk(&reader->view, first, &reader->play->arena, &walked);
    good(community_walk(&source, first, &reader->play->arena, &by_index, &err));
    community_digest(&walked, a);
    community_digest(&by_index, b);
    assert_memory_equal(a, b, 32);
    const struct ledger *ledger = &reader->ledger;
    assert_int_equal(number_of(ledger, "SELECT number FROM governance_community WHERE community = ?1", first, NULL),
                     walked.founded ? (int64_t)walked.number : -1);
    if (!walked.founded)
        return;
    assert_int_equal(number_of(ledger, "SELECT count(*) FROM governance_community WHERE tip = ?1", walked.tip, NULL),
                     1);
    assert_int_equal(number_of(ledger, "SELECT count(*) FROM governance_version WHERE community = ?1", first, NULL),
                     (int64_t)walked.number);
    assert_int_equal(number_of(ledger, "SELECT count(*) FROM governance_belongs WHERE community = ?1", first, NULL),
                     (int64_t)walked.member_count);
    for (size_t i = 0; i < walked.member_count; i++)
        assert_int_equal(number_of(ledger,
                                   "SELECT belongs FROM governance_belongs WHERE community = ?1 AND origin = ?2", first,
                                   walked.members[i].origin),
                         community_belongs(&walked.members[i]));
    for (size_t i = 0; i < walked.version_count; i++) {
        const struct community_version *version = &walked.versions[i];
        if (walked.number == ROSTER_VERSIONS_MAX || version->number <= walked.number)
            continue;
        assert_int_equal(
            number_of(ledger, "SELECT voices FROM governance_tally WHERE roster = ?1", version->hash, NULL),
            (int64_t)version->endorser_count);
    }
}

/* ---- readers ---- */

static void reader_begin(struct reader *reader, struct play *play)
{
    *reader = (struct reader){.play = play, .view = {.world = play->world}};
    ledger_open(&reader->ledger);
    for (size_t i = 0; i < play->world->logs; i++) {
        reader->view.order[i] = i;
        reader->view.branch[i] = play->world->log[i].shared == SIZE_MAX ? 0 : (unsigned char)roll(2);
    }
}

static size_t left_in(const struct reader *reader, size_t log)
{
    const struct plain_log *from = &reader->play->world->log[log];
    return reader->frozen[log] ? 0 : from->count[reader->view.branch[log]] - reader->view.len[log];
}

/* A batch: pieces of some logs, now and then the news that one is forked. */
static bool batch(struct reader *reader)
{
    size_t left = 0;
    for (unsigned pieces = (unsigned)roll(6) + 1; pieces > 0; pieces--) {
        size_t log = (size_t)roll(reader->play->world->logs), more = left_in(reader, log);
        more = more > 0 ? 1 + (size_t)roll(roll(2) ? more : 1) : 0;
        for (; more > 0; more--)
            take(reader, log, reader->view.len[log]++);
    }
    if (roll(60) == 0) {
        size_t log = (size_t)roll(reader->play->world->logs);
        if (!reader->frozen[log])
            cut(reader, log, (size_t)roll(reader->view.len[log] + 1));
    }
    ledger_flush(&reader->ledger);
    for (size_t i = 0; i < reader->play->world->logs; i++)
        left += left_in(reader, i);
    return left > 0;
}

static struct {
    uint64_t founded, versions, frozen;
} seen;

/* All that this reader has read, at once, in another order. */
static void same_at_once(struct reader *reader)
{
    struct reader other;
    reader_begin(&other, reader->play);
    memcpy(other.view.branch, reader->view.branch, sizeof(other.view.branch));
    for (size_t k = reader->play->world->logs; k-- > 0;)
        for (size_t i = 0; i < reader->view.len[k]; i++)
            take(&other, k, i);
    ledger_flush(&other.ledger);
    char *a = ledger_rows(&reader->ledger), *b = ledger_rows(&other.ledger);
    if (strcmp(a, b) != 0)
        fail_msg("piece by piece:\n%s---\nat once:\n%s", a, b);
    free(a);
    free(b);
    ledger_close(&other.ledger);
}

static void follow_one(uint64_t seed)
{
    struct play play;
    struct reader reader;
    play_begin(&play, seed);
    reader_begin(&reader, &play);
    bool more = true;
    while (more) {
        more = batch(&reader);
        if (roll(4) == 0 || !more) {
            same_as_anew(&reader);
            same_as_walked(&reader);
        }
    }
    same_at_once(&reader);
    int64_t number =
        number_of(&reader.ledger, "SELECT number FROM governance_community WHERE community = ?1", play.first, NULL);
    seen.founded += number > 0;
    seen.versions += number > 0 ? (uint64_t)number : 0;
    for (size_t i = 0; i < play.world->logs; i++)
        seen.frozen += reader.frozen[i];
    ledger_close(&reader.ledger);
    play_end(&play);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HISTORIES 40
#else
#define HISTORIES 150
#endif

static void following_is_folding_anew(void **state)
{
    (void)state;
    const char *more = getenv("HISTORIES");
    uint64_t count = more ? strtoull(more, NULL, 10) : HISTORIES;
    for (uint64_t seed = 1; seed <= count; seed++)
        follow_one(seed);
    printf("# founded %llu, versions in force %llu, frozen logs %llu\n", (unsigned long long)seen.founded,
           (unsigned long long)seen.versions, (unsigned long long)seen.frozen);
    /* A test that never met what it is about would pass, too. */
    assert_true(seen.founded > count / 4 && seen.versions > count / 2 && seen.frozen > 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(following_is_folding_anew)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

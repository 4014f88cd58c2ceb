/*
 * What large communities cost, counted in instructions of SQLite's machine where a database is asked, and how large they may be:
 * a machine's speed is no part of it, but for the walk over the largest roster, which took half a minute when it compared
 * each operator with each voice.
 */
#include "chain.h"
#include "ledger.h"

/* ---- the largest roster, in plain memory ---- */

struct crowd {
    struct chain *chain;
    uint8_t one_more_hash[32]; /* a child of the last version */
    struct span one_more_text;
    size_t said; /* so many operators, every second one, endorsed it */
};

static int crowd_text(struct span text, struct arena *arena, struct record *ret, struct err *err)
{
    return record_parse(text, arena, ret, err);
}

static int crowd_version(void *ctx, const uint8_t hash[32], struct arena *arena, struct roster_version *ret,
                         struct err *err)
{
    struct crowd *crowd = ctx;
    struct record record;
    struct span text = {0};
    for (size_t i = 0; i < crowd->chain->versions; i++)
        if (memcmp(crowd->chain->hash[i], hash, 32) == 0)
            text = crowd->chain->text[i];
    if (memcmp(crowd->one_more_hash, hash, 32) == 0)
        text = crowd->one_more_text;
    if (!text.data)
        return err_set(err, ERR_NOTFOUND, "no such text");
    int rc = crowd_text(text, arena, &record, err);
    return rc == 0 ? roster_parse(&record, arena, ret, err) : rc;
}

static int crowd_charter(void *ctx, const uint8_t hash[32], struct arena *arena, struct charter *ret, struct err *err)
{
    struct crowd *crowd = ctx;
    struct record record;
    (void)hash;
    int rc = crowd_text(crowd->chain->charter_text, arena, &record, err);
    return rc == 0 ? charter_parse(&record, arena, ret, err) : rc;
}

/* All of a version's parent endorse it; of one more as many as `said`. */
static int crowd_endorsements(void *ctx, const uint8_t community[32], const uint8_t *parent,
                              int (*each)(void *each_ctx, const uint8_t roster[32], const char *origin,
                                          struct err *err),
                              void *each_ctx, struct err *err)
{
    struct crowd *crowd = ctx;
    struct chain *chain = crowd->chain;
    size_t at = 0; /* of the parent, from 1 */
    int rc = 0;
    (void)community;
    for (size_t i = 0; parent && i < chain->versions; i++)
        if (memcmp(chain->hash[i], parent, 32) == 0)
            at = i + 1;
    bool last = at == chain->versions;
    size_t voices = last ? crowd->said : chain_members(chain, at > 0 ? at : 1);
    for (size_t i = 0; rc == 0 && i < voices; i++)
        rc = each(each_ctx, last ? crowd->one_more_hash : chain->hash[at], chain->origin[last ? 2 * i : i], err);
    return rc;
}

static int crowd_word(void *ctx, const uint8_t community[32], const char *origin, enum community_word *ret,
                      struct err *err)
{
    (void)ctx, (void)community, (void)origin, (void)err;
    *ret = WORD_IN;
    return 0;
}

static void crowd_walk(struct crowd *crowd, struct arena *arena, struct community *ret)
{
    struct community_source source = {crowd, crowd_version, crowd_charter, crowd_endorsements, crowd_word};
    good(community_walk(&source, crowd->chain->hash[0], arena, ret, &err));
}

/* As many operators as a roster may list; then one more. */
static void the_largest_roster(void **state)
{
    (void)state;
    static struct chain chain;
    struct roster_addition addition;
    struct arena arena;
    struct community now;
    arena_init(&arena, 256u << 20);
    chain_make(&chain, COMMUNITY_MEMBERS_MAX, 1);
    struct crowd crowd = {.chain = &chain};
    crowd_walk(&crowd, &arena, &now);
    assert_int_equal(now.number, COMMUNITY_MEMBERS_MAX / ROSTER_CHANGES_MAX);
    assert_int_equal(now.member_count, COMMUNITY_MEMBERS_MAX);
    assert_int_equal(now.silent_count, COMMUNITY_MEMBERS_MAX);
    struct roster_version one_more = chain_child(&chain, &addition, COMMUNITY_MEMBERS_MAX, COMMUNITY_MEMBERS_MAX + 1);
    bad(community_check_child(&now, &one_more, &arena, &err), ERR_VERIFY, "lists 16385 members, limit 16384");
    crowd.one_more_text = chain_text(&chain, &one_more, crowd.one_more_hash);
    crowd.said = COMMUNITY_MEMBERS_MAX / 2;
    arena_clear(&arena);
    crowd_walk(&crowd, &arena, &now);
    assert_int_equal(now.number, COMMUNITY_MEMBERS_MAX / ROSTER_CHANGES_MAX);
    struct community_version *refused = &now.versions[now.version_count - 1];
    assert_int_equal(refused->state, VERSION_INVALID);
    assert_int_equal(refused->endorser_count, COMMUNITY_MEMBERS_MAX / 2);
    assert_string_equal(refused->why, "lists 16385 members, limit 16384");
    /* The silent ones are those that have not spoken, in order. */
    assert_int_equal(now.silent_count, COMMUNITY_MEMBERS_MAX / 2);
    for (size_t i = 0; i < now.silent_count; i++)
        assert_string_equal(now.silent[i], chain.origin[2 * i + 1]);
    chain_done(&chain);
    arena_done(&arena);
}

/* Who fits: 10,000, in tables and out of them. */
static size_t feed_chain(struct ledger *ledger, const struct chain *chain, uint64_t *at, size_t until)
{
    size_t said = 0;
    ledger_take(ledger, 1, chain->origin[0], at[0]++, chain->charter_text);
    for (size_t v = 0; v < until; v++)
        ledger_take(ledger, 1, chain->origin[0], at[0]++, chain->text[v]);
    for (size_t v = 0; v < until; v++) {
        size_t voices = community_quorum(chain_members(chain, v > 0 ? v : 1));
        for (size_t i = 0; i < voices; i++, said++)
            ledger_endorse(ledger, (int64_t)i + 1, chain->origin[i], at[i]++, chain->hash[v],
                           v > 0 ? chain->hash[v - 1] : NULL);
    }
    ledger_flush(ledger);
    return said;
}

static int64_t one(const struct ledger *ledger, const char *sql)
{
    sqlite3_stmt *query;
    assert_int_equal(sqlite3_prepare_v2(index_db(ledger->index), sql, -1, &query, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(query), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return number;
}

static void ten_thousand_members(void **state)
{
    (void)state;
    static struct chain chain;
    static uint64_t at[10000];
    struct ledger ledger;
    memset(at, 0, sizeof(at));
    chain_make(&chain, 10000, 0);
    ledger_open(&ledger);
    ledger_run(&ledger, "BEGIN");
    feed_chain(&ledger, &chain, at, chain.versions);
    ledger_run(&ledger, "COMMIT");
    assert_int_equal(one(&ledger, "SELECT number FROM governance_community"), 40);
    assert_int_equal(one(&ledger, "SELECT count(*) FROM governance_belongs"), 10000);
    assert_int_equal(one(&ledger, "SELECT count(*) FROM governance_voter"), 10000);
    assert_int_equal(one(&ledger, "SELECT needed FROM governance_poll"), 6667);
    char *followed = ledger_rows(&ledger);
    ledger_run(&ledger, "BEGIN");
    good(governance_refold_all(ledger.index, &err));
    ledger_run(&ledger, "COMMIT");
    char *anew = ledger_rows(&ledger);
    assert_string_equal(followed, anew);
    free(followed);
    free(anew);
    ledger_close(&ledger);
    chain_done(&chain);
}

/* ---- what a record costs ---- */

#define ENDORSEMENT_STEPS 400 /* some statements of a few rows each: 140 to 210 were counted */

/* The most that one of `count` endorsements of a child of the last version costs, each in a batch of its own. */
static uint64_t cost_of_voices(struct ledger *ledger, const struct chain *chain, uint64_t *at, const uint8_t roster[32],
                               const uint8_t *parent, size_t from, size_t count)
{
    uint64_t most = 0;
    for (size_t i = from; i < from + count; i++) {
        ledger_count(ledger);
        ledger_endorse(ledger, (int64_t)i + 1, chain->origin[i], at[i]++, roster, parent);
        ledger_flush(ledger);
        uint64_t steps = ledger_counted(ledger);
        most = steps > most ? steps : most;
    }
    return most;
}

/* An endorsement that decides nothing costs the same in a community of 200 and of 2,000 with ten versions behind it. */
static void a_voice_costs_the_same(void **state)
{
    (void)state;
    static const size_t sizes[] = {200, 2000};
    static uint64_t at[2400];
    for (size_t k = 0; k < 2; k++) {
        static struct chain chain;
        struct roster_addition addition;
        struct ledger ledger;
        uint8_t next[32];
        memset(at, 0, sizeof(at));
        chain_make(&chain, sizes[k], 300);
        ledger_open(&ledger);
        feed_chain(&ledger, &chain, at, chain.versions);
        struct roster_version version = chain_child(&chain, &addition, sizes[k], sizes[k] + 1);
        struct span text = chain_text(&chain, &version, next);
        ledger_take(&ledger, 1, chain.origin[0], at[0]++, text);
        ledger_flush(&ledger);
        const uint8_t *tip = chain.hash[chain.versions - 1];
        size_t needed = community_quorum(sizes[k]);
        uint64_t child = cost_of_voices(&ledger, &chain, at, next, tip, 0, needed - 1);
        uint64_t late = cost_of_voices(&ledger, &chain, at, chain.hash[0], NULL, 0, 100);
        uint64_t strange = cost_of_voices(&ledger, &chain, at, chain.hash[0], NULL, sizes[k] + 1, 299);
        printf("# %zu members: an endorsement %llu, a late one of version 1 %llu, a stranger's %llu\n", sizes[k],
               (unsigned long long)child, (unsigned long long)late, (unsigned long long)strange);
        assert_true(child > 0 && child < ENDORSEMENT_STEPS);
        assert_true(late > 0 && late < ENDORSEMENT_STEPS);
        assert_true(strange > 0 && strange < ENDORSEMENT_STEPS);
        assert_int_equal(one(&ledger, "SELECT number FROM governance_community"), (int64_t)chain.versions);
        cost_of_voices(&ledger, &chain, at, next, tip, needed - 1, 1); /* the one that decides */
        assert_int_equal(one(&ledger, "SELECT number FROM governance_community"), (int64_t)chain.versions + 1);
        assert_int_equal(one(&ledger, "SELECT count(*) FROM governance_belongs"), (int64_t)sizes[k] + 1);
        ledger_close(&ledger);
        chain_done(&chain);
    }
}

/* A version in force writes what it changed, not the roster. */
static void a_version_writes_its_changes(void **state)
{
    (void)state;
    static struct chain chain;
    static uint64_t at[2001];
    struct roster_addition addition;
    struct ledger ledger;
    uint8_t next[32];
    memset(at, 0, sizeof(at));
    chain_make(&chain, 2000, 1);
    ledger_open(&ledger);
    feed_chain(&ledger, &chain, at, chain.versions);
    struct roster_version version = chain_child(&chain, &addition, 2000, 2001);
    ledger_take(&ledger, 1, chain.origin[0], at[0]++, chain_text(&chain, &version, next));
    const uint8_t *tip = chain.hash[chain.versions - 1];
    for (size_t i = 0; i + 1 < community_quorum(2000); i++)
        ledger_endorse(&ledger, (int64_t)i + 1, chain.origin[i], at[i]++, next, tip);
    ledger_flush(&ledger);
    int before = sqlite3_total_changes(index_db(ledger.index));
    size_t last = community_quorum(2000) - 1;
    ledger_endorse(&ledger, (int64_t)last + 1, chain.origin[last], at[last]++, next, tip);
    ledger_flush(&ledger);
    assert_int_equal(one(&ledger, "SELECT number FROM governance_community"), (int64_t)chain.versions + 1);
    assert_in_range(sqlite3_total_changes(index_db(ledger.index)) - before, 1, 20);
    ledger_close(&ledger);
    chain_done(&chain);
}

/* ---- who lists whom ---- */

static int count_others(void *ctx, struct span other, struct err *err)
{
    (void)other, (void)err;
    ++*(size_t *)ctx;
    return 0;
}

static int count_communities(void *ctx, const struct governance_summary *summary, struct err *err)
{
    (void)err;
    assert_string_equal(summary->name, "Crowd");
    assert_true(summary->members >= 2 && summary->belonging >= 1);
    ++*(size_t *)ctx;
    return 0;
}

static size_t communities(const struct view *view, uint64_t first, uint64_t max)
{
    size_t count = 0;
    good(governance_communities(view, first, max, count_communities, &count, &err));
    return count;
}

/* Hundreds of communities list a member that belongs to one: asking about it does not pass over the others. */
static void listed_everywhere(void **state)
{
    (void)state;
    static struct chain chain;
    static uint64_t at[400];
    struct roster_addition additions[200];
    struct ledger ledger;
    struct view view = {0};
    size_t others = 0;
    memset(at, 0, sizeof(at));
    chain_make(&chain, 2, 0);
    ledger_open(&ledger);
    feed_chain(&ledger, &chain, at, 1);
    /* The community of two is real; in others a third founds alone and lists both and 197 more. */
    static struct chain theirs;
    chain_make(&theirs, 200, 0);
    const char *victim = chain.origin[0];
    uint64_t alone = 1000;
    for (uint64_t i = 0; i < 300; i++) {
        uint8_t hash[32];
        char name[32], lone[ORIGIN_MAX + 1];
        snprintf(name, sizeof(name), "z%05llu.example", (unsigned long long)i);
        plain_origin(name, lone);
        theirs.versions = 0;
        struct roster_version version = chain_child(&theirs, additions, 0, 20);
        for (size_t k = 0; k < 20; k++)
            additions[k].operator= lone;
        additions[version.addition_count++] = (struct roster_addition){.origin = lone, .operator= lone };
        struct span text = chain_text(&theirs, &version, hash);
        ledger_take(&ledger, (int64_t)(alone + i), lone, 0, text);
        ledger_endorse(&ledger, (int64_t)(alone + i), lone, 1, hash, NULL);
    }
    ledger_flush(&ledger);
    assert_int_equal(one(&ledger, "SELECT count(*) FROM governance_community"), 301);
    view.index = ledger.index;
    assert_true(governance_same_community(&view, span_str(victim), span_str(chain.origin[1]))); /* prepares it */
    ledger_count(&ledger);
    assert_true(governance_same_community(&view, span_str(victim), span_str(chain.origin[1])));
    assert_false(governance_same_community(&view, span_str(victim), span_str(theirs.origin[5])));
    good(governance_each_of_community(&view, span_str(victim), count_others, &others, &err));
    assert_in_range(ledger_counted(&ledger), 1, 400);
    assert_int_equal(others, 2);
    assert_int_equal(governance_community_count(&view), 301);
    assert_int_equal(communities(&view, 0, 100), 100);
    assert_int_equal(communities(&view, 300, 100), 1);
    assert_int_equal(communities(&view, 0, INT64_MAX), 301);
    /* And it is told of what it can say something about, once. */
    uint8_t unspoken[4][32];
    good(governance_unspoken(&view, victim, 4, unspoken, &others, &err));
    assert_int_equal(others, 1);
    assert_memory_equal(unspoken[0], chain.hash[0], 32);
    good(governance_unspoken(&view, theirs.origin[5], 4, unspoken, &others, &err));
    assert_int_equal(others, 0);
    ledger_endorse(&ledger, 1, victim, at[0]++, theirs.hash[0], chain.hash[0]);
    ledger_flush(&ledger);
    good(governance_unspoken(&view, victim, 4, unspoken, &others, &err));
    assert_int_equal(others, 0);
    ledger_close(&ledger);
    chain_done(&chain);
    chain_done(&theirs);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_roster),     cmocka_unit_test(ten_thousand_members),
        cmocka_unit_test(a_voice_costs_the_same), cmocka_unit_test(a_version_writes_its_changes),
        cmocka_unit_test(listed_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

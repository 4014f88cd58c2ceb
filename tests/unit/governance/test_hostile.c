/*
 * Rosters by people who do not mean well: what they claim of versions, numbers, parents and voices changes nothing that the rules
 * do not give them. Each story is told twice: to the pure fold, and to the rows that follow it record by record.
 */
#include "ledger.h"

#define LOGS 12

struct town {
    struct ledger ledger;
    struct plain_world *world;
    struct arena arena;
    struct charter charter;
    uint8_t charter_hash[32], first[32];
    struct community now;
};

/* Everything that was said since, in log order; rows follow after each record. */
static void follow(struct town *town, size_t taken[LOGS])
{
    for (size_t i = 0; i < town->world->logs; i++)
        for (; taken[i] < town->world->log[i].count[0]; taken[i]++) {
            const struct plain_log *log = &town->world->log[i];
            const struct plain_entry *entry = &log->branch[0][taken[i]];
            if (entry->text)
                ledger_take(&town->ledger, (int64_t)i + 1, log->origin, taken[i], span_of(entry->text, entry->len));
            else
                ledger_say(&town->ledger, (int64_t)i + 1, log->origin, taken[i], &entry->statement);
            ledger_flush(&town->ledger);
        }
}

static int64_t number(struct town *town, const char *sql)
{
    sqlite3_stmt *query;
    assert_int_equal(sqlite3_prepare_v2(index_db(town->ledger.index), sql, -1, &query, NULL), SQLITE_OK);
    sqlite3_bind_blob(query, 1, town->first, 32, SQLITE_STATIC);
    int64_t found = sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_int64(query, 0) : -1;
    sqlite3_finalize(query);
    return found;
}

static size_t taken[LOGS];

/* What holds now, by both. */
static void look(struct town *town)
{
    struct plain_view view = plain_all(town->world);
    arena_clear(&town->arena);
    plain_walk(&view, town->first, &town->arena, &town->now);
    follow(town, taken);
    assert_int_equal(number(town, "SELECT number FROM governance_community WHERE community = ?1"),
                     town->now.founded ? (int64_t)town->now.number : -1);
    assert_int_equal(number(town, "SELECT count(*) FROM governance_belongs WHERE community = ?1"),
                     town->now.founded ? (int64_t)town->now.member_count : 0);
}

static const char *origin_of(const struct town *town, size_t who)
{
    return town->world->log[who].origin;
}

/* `count` of the LOGS logs found it; the charter asks for one endorsement at least and one sponsor. */
static void begin(struct town *town, size_t count)
{
    struct roster_addition additions[LOGS] = {0};
    struct roster_version version = {.version = 1, .additions = additions, .addition_count = count};
    *town = (struct town){.world = plain_world_new()};
    memset(taken, 0, sizeof(taken));
    ledger_open(&town->ledger);
    arena_init(&town->arena, 64u << 20);
    for (size_t i = 0; i < LOGS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%c.example", (char)('a' + i));
        plain_log_new(town->world, name);
    }
    for (size_t i = 0; i < count; i++)
        additions[i] =
            (struct roster_addition){.origin = origin_of(town, i), .operator= origin_of(town, i), .class = CLASS_CIVIL};
    charter_default("Town", &town->charter);
    town->charter.endorsements = 1;
    town->charter.sponsors = 1;
    plain_charter(town->world, &town->world->log[0], &town->charter, town->charter_hash);
    memcpy(version.charter, town->charter_hash, 32);
    plain_roster(town->world, &town->world->log[0], 0, &version, PLAIN_TIME_MS, town->first);
    for (size_t i = 0; i < count; i++)
        plain_say(&town->world->log[i], 0, STATEMENT_ENDORSE, town->first, NULL);
    look(town);
    assert_true(town->now.founded);
}

static void end(struct town *town)
{
    ledger_close(&town->ledger);
    arena_done(&town->arena);
    plain_world_free(town->world);
}

/* A version under this parent that adds log `who`, sponsored by the first founder; LOGS: nobody. */
static struct roster_version child(const struct town *town, uint64_t of_number, const uint8_t parent[32], size_t who,
                                   struct roster_addition *addition)
{
    struct roster_version version = {.version = of_number, .has_parent = true};
    memcpy(version.charter, town->charter_hash, 32);
    memcpy(version.parent, parent, 32);
    if (who < LOGS) {
        *addition = (struct roster_addition){.origin = origin_of(town, who),
                                             .operator= origin_of(town, who),
                                             .class = CLASS_CIVIL,
                                             .sponsors = {origin_of(town, 0)},
                                             .sponsor_count = 1};
        version.additions = addition;
        version.addition_count = 1;
    }
    return version;
}

static void state_version(struct town *town, size_t by, struct roster_version *version, uint8_t ret[32])
{
    plain_roster(town->world, &town->world->log[by], 0, version, PLAIN_TIME_MS, ret);
}

static void endorse(struct town *town, size_t by, const uint8_t roster[32], const uint8_t *parent)
{
    plain_say(&town->world->log[by], 0, STATEMENT_ENDORSE, roster, parent);
}

static const struct community_version *version_of(const struct town *town, const uint8_t hash[32])
{
    for (size_t i = 0; i < town->now.version_count; i++)
        if (memcmp(town->now.versions[i].hash, hash, 32) == 0)
            return &town->now.versions[i];
    return NULL;
}

/* ---- versions ---- */

/* Numbers that jump, stay or go back, endorsed by everybody. */
static void numbers_that_jump_or_repeat(void **state)
{
    (void)state;
    static const uint64_t wrong[] = {3, 1024, 1};
    for (size_t i = 0; i < 3; i++) {
        struct town town;
        struct roster_addition addition;
        uint8_t jump[32], right[32];
        begin(&town, 4);
        struct roster_version version = child(&town, wrong[i], town.first, 5, &addition);
        struct buf text;
        buf_init(&text, INLINE_MAX);
        if (wrong[i] == 1) { /* has no parent: no such record can be */
            bad(roster_write(&version, PLAIN_TIME_MS, &text, &err), ERR_SYNTAX, "parent");
        } else {
            state_version(&town, 1, &version, jump);
            for (size_t k = 0; k < 3; k++)
                endorse(&town, k, jump, town.first);
            look(&town);
            assert_int_equal(town.now.number, 1);
            assert_int_equal(version_of(&town, jump)->state, VERSION_INVALID);
            assert_non_null(strstr(version_of(&town, jump)->why, "and would be 2"));
            assert_int_equal(version_of(&town, jump)->endorser_count, 3);
        }
        buf_done(&text);
        /* Repeated: under the second version another that calls itself the second. */
        end(&town);
        begin(&town, 4);
        version = child(&town, 2, town.first, 5, &addition);
        state_version(&town, 1, &version, right);
        for (size_t k = 0; k < 4; k++)
            endorse(&town, k, right, town.first);
        look(&town);
        assert_int_equal(town.now.number, 2);
        version = child(&town, 2, right, 6, &addition);
        state_version(&town, 1, &version, jump);
        for (size_t k = 0; k < 4; k++)
            endorse(&town, k, jump, right);
        look(&town);
        assert_int_equal(town.now.number, 2);
        assert_int_equal(version_of(&town, jump)->state, VERSION_INVALID);
        end(&town);
    }
}

/* A hash cannot be chosen before its text, so versions cannot go round; what is said of them can, and leads nowhere. */
static void versions_that_go_round(void **state)
{
    (void)state;
    struct town town;
    struct roster_addition addition;
    uint8_t second[32], third[32], community[32], found[32];
    char hex[65];
    begin(&town, 4);
    struct roster_version version = child(&town, 2, town.first, 5, &addition);
    state_version(&town, 1, &version, second);
    version = child(&town, 3, second, 6, &addition);
    state_version(&town, 1, &version, third);
    for (size_t k = 0; k < 4; k++) {
        endorse(&town, k, second, third);     /* each the other's child */
        endorse(&town, k, third, second);     /* this one is true, and waits for its parent */
        endorse(&town, k, third, third);      /* its own */
        endorse(&town, k, town.first, third); /* back to the beginning */
        endorse(&town, k, town.first, town.first);
    }
    look(&town);
    assert_int_equal(town.now.number, 1);
    assert_true(town.now.stuck); /* their one voice under version 1 went to version 1 */
    assert_int_equal(number(&town, "SELECT count(*) FROM governance_version WHERE community = ?1"), 1);
    /* Up the parents it is a line still. */
    struct view view = {.index = town.ledger.index};
    hex_encode(third, 32, hex);
    good(governance_find_version(&view, span_of(hex, 64), found, community, &err));
    assert_memory_equal(community, town.first, 32);
    end(&town);
}

/* Under one parent one operator is in two minds: the first word counts, of either text. */
static void two_rosters_of_one_operator(void **state)
{
    (void)state;
    struct town town;
    struct roster_addition addition;
    uint8_t one[32], other[32];
    begin(&town, 4);
    struct roster_version version = child(&town, 2, town.first, 5, &addition);
    state_version(&town, 0, &version, one);
    version = child(&town, 2, town.first, 6, &addition);
    state_version(&town, 0, &version, other);
    endorse(&town, 0, one, town.first);
    endorse(&town, 0, other, town.first);
    endorse(&town, 1, other, town.first);
    endorse(&town, 1, one, town.first);
    look(&town);
    assert_int_equal(version_of(&town, one)->endorser_count, 1);
    assert_int_equal(version_of(&town, other)->endorser_count, 1);
    endorse(&town, 2, one, town.first);
    endorse(&town, 3, one, town.first);
    look(&town);
    assert_int_equal(town.now.number, 2);
    assert_memory_equal(town.now.tip, one, 32);
    assert_null(community_find(&town.now, origin_of(&town, 6)));
    end(&town);
}

/* Two admissions at once: one is overtaken, and is proposed again under the other. */
static void admissions_at_once(void **state)
{
    (void)state;
    struct town town;
    struct roster_addition addition;
    uint8_t one[32], other[32], again[32];
    begin(&town, 4);
    struct roster_version version = child(&town, 2, town.first, 5, &addition);
    state_version(&town, 0, &version, one);
    version = child(&town, 2, town.first, 6, &addition);
    state_version(&town, 3, &version, other);
    for (size_t k = 0; k < 3; k++)
        endorse(&town, k, one, town.first);
    endorse(&town, 3, other, town.first);
    look(&town);
    assert_int_equal(version_of(&town, other)->state, VERSION_OVERTAKEN);
    version = child(&town, 3, one, 6, &addition);
    state_version(&town, 3, &version, again);
    for (size_t k = 1; k < 4; k++)
        endorse(&town, k, again, one);
    look(&town);
    assert_int_equal(town.now.number, 2); /* five operators now: four are needed */
    endorse(&town, 5, again, one);
    look(&town);
    assert_int_equal(town.now.number, 3);
    assert_non_null(community_find(&town.now, origin_of(&town, 5)));
    assert_non_null(community_find(&town.now, origin_of(&town, 6)));
    end(&town);
}

/* ---- voices ---- */

/* Whoever is no operator now has no voice: strangers, who lives with another, who was expelled, who comes later. */
static void voices_of_others(void **state)
{
    (void)state;
    struct town town;
    struct roster_addition addition;
    struct roster_removal removal;
    uint8_t without[32], next[32];
    begin(&town, 4);
    struct roster_version version = child(&town, 2, town.first, 5, &addition);
    addition.operator= origin_of(&town, 0); /* lives with the first */
    removal = (struct roster_removal){.origin = origin_of(&town, 3), .excluded = true, .because = "two histories"};
    version.removals = &removal;
    version.removal_count = 1;
    state_version(&town, 1, &version, without);
    for (size_t k = 0; k < 3; k++)
        endorse(&town, k, without, town.first);
    look(&town);
    assert_int_equal(town.now.number, 2);
    assert_null(community_find(&town.now, origin_of(&town, 3)));
    version = child(&town, 3, without, 6, &addition);
    state_version(&town, 6, &version, next);
    static const size_t others[] = {3, 5, 6, 7, 8, 9, 10, 11}; /* expelled, hosted, the newcomer itself, strangers */
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        endorse(&town, others[i], next, without);
    look(&town);
    assert_int_equal(town.now.number, 2);
    assert_null(version_of(&town, next)); /* nobody who counts has chosen it */
    endorse(&town, 0, next, without);
    look(&town);
    assert_int_equal(version_of(&town, next)->endorser_count, 1);
    endorse(&town, 1, next, without);
    look(&town);
    assert_int_equal(town.now.number, 3);
    end(&town);
}

/* An operator whose log is frozen keeps the voice that it had before, and has none behind. */
static void voices_of_forked_logs(void **state)
{
    (void)state;
    struct town town;
    struct roster_addition addition;
    uint8_t next[32];
    begin(&town, 4);
    struct roster_version version = child(&town, 2, town.first, 5, &addition);
    state_version(&town, 1, &version, next);
    size_t before = town.world->log[2].count[0];
    for (size_t k = 0; k < 3; k++)
        endorse(&town, k, next, town.first);
    look(&town);
    assert_int_equal(town.now.number, 2);
    /* With the key that it retired somebody made another history: the log is frozen in front of its endorsement. */
    good(governance_forget(&town.ledger.fold, RECORD_REF(3, before), &err));
    ledger_flush(&town.ledger);
    town.world->log[2].count[0] = before;
    taken[2] = before;
    look(&town);
    assert_int_equal(town.now.number, 1);
    assert_int_equal(version_of(&town, next)->endorser_count, 2);
    endorse(&town, 3, next, town.first);
    look(&town);
    assert_int_equal(town.now.number, 2);
    end(&town);
}

/* ---- charters ---- */

/* A charter with easier rules holds when the old one's rules have let it in, and not before. */
static void a_charter_changed_by_too_few(void **state)
{
    (void)state;
    struct town town;
    struct roster_addition addition;
    uint8_t next[32], easy_hash[32], later[32];
    struct charter easy;
    begin(&town, 5);
    easy = town.charter;
    easy.endorsements = 0;
    easy.sponsors = 0;
    plain_charter(town.world, &town.world->log[1], &easy, easy_hash);
    /* The change and a member without sponsors at once: the parent's charter asks for one. */
    struct roster_version version = child(&town, 2, town.first, 6, &addition);
    addition.sponsor_count = 0;
    memcpy(version.charter, easy_hash, 32);
    state_version(&town, 1, &version, later);
    endorse(&town, 4, later, town.first);
    version = child(&town, 2, town.first, LOGS, NULL);
    memcpy(version.charter, easy_hash, 32);
    state_version(&town, 1, &version, next);
    for (size_t k = 0; k < 3; k++)
        endorse(&town, k, next, town.first);
    look(&town);
    assert_int_equal(town.now.number, 1);
    assert_int_equal(town.now.charter->sponsors, 1);
    assert_int_equal(version_of(&town, next)->state, VERSION_OPEN);
    assert_int_equal(version_of(&town, later)->state, VERSION_INVALID);
    assert_non_null(strstr(version_of(&town, later)->why, "the charter asks for 1"));
    assert_int_equal(version_of(&town, next)->needed, 4);
    endorse(&town, 3, next, town.first);
    look(&town);
    assert_int_equal(town.now.number, 2);
    assert_int_equal(town.now.charter->sponsors, 0);
    /* Never fewer than the quorum, whatever it says. */
    version = child(&town, 3, next, 6, &addition);
    addition.sponsor_count = 0;
    memcpy(version.charter, easy_hash, 32);
    state_version(&town, 1, &version, later);
    for (size_t k = 0; k < 3; k++)
        endorse(&town, k, later, next);
    look(&town);
    assert_int_equal(town.now.number, 2);
    endorse(&town, 4, later, next);
    look(&town);
    assert_int_equal(town.now.number, 3);
    end(&town);
}

/* A charter that comes last, and one that never comes. */
static void a_charter_that_is_not_here(void **state)
{
    (void)state;
    struct town town;
    uint8_t next[32], hash[32];
    struct charter other;
    struct buf text;
    begin(&town, 4);
    other = town.charter;
    other.notice_days = 7;
    buf_init(&text, INLINE_MAX);
    good(charter_write(&other, PLAIN_TIME_MS, &text, &err));
    sha256_once(buf_view(&text), hash);
    struct roster_version version = child(&town, 2, town.first, LOGS, NULL);
    memcpy(version.charter, hash, 32);
    state_version(&town, 1, &version, next);
    for (size_t k = 0; k < 4; k++)
        endorse(&town, k, next, town.first);
    look(&town);
    assert_int_equal(town.now.number, 1);
    assert_int_equal(version_of(&town, next)->state, VERSION_UNKNOWN);
    assert_memory_equal(version_of(&town, next)->wanted, hash, 32);
    plain_charter(town.world, &town.world->log[9], &other, hash); /* from a stranger: it is the hash that counts */
    look(&town);
    assert_int_equal(town.now.number, 2);
    assert_int_equal(town.now.charter->notice_days, 7);
    buf_done(&text);
    end(&town);
}

/* ---- names ---- */

/* Another founds a community of the same name: nobody is taken for a member of the other one, and the name alone is refused. */
static void two_of_one_name(void **state)
{
    (void)state;
    struct town town;
    uint8_t theirs[32], found[32];
    char hex[65];
    begin(&town, 4);
    struct roster_addition additions[2] = {
        {.origin = origin_of(&town, 0), .operator= origin_of(&town, 9), .class = CLASS_STATE},
        {.origin = origin_of(&town, 9), .operator= origin_of(&town, 9), .class = CLASS_STATE}};
    struct roster_version version = {.version = 1, .additions = additions, .addition_count = 2};
    memcpy(version.charter, town.charter_hash, 32);
    state_version(&town, 9, &version, theirs);
    endorse(&town, 9, theirs, NULL);
    look(&town);
    assert_int_equal(number(&town, "SELECT count(*) FROM governance_community WHERE name = 'Town'"), 2);
    struct view view = {.index = town.ledger.index};
    bad(governance_find(&view, SPAN_LIT("Town"), found, &err), ERR_USAGE, "more than one community fits");
    hex_encode(theirs, 32, hex);
    good(governance_find(&view, span_of(hex, 16), found, &err));
    assert_memory_equal(found, theirs, 32);
    good(governance_only(&view, origin_of(&town, 0), found, &err));
    assert_memory_equal(found, town.first, 32);
    assert_false(governance_same_community(&view, span_str(origin_of(&town, 0)), span_str(origin_of(&town, 9))));
    end(&town);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_that_jump_or_repeat),
        cmocka_unit_test(versions_that_go_round),
        cmocka_unit_test(two_rosters_of_one_operator),
        cmocka_unit_test(admissions_at_once),
        cmocka_unit_test(voices_of_others),
        cmocka_unit_test(voices_of_forked_logs),
        cmocka_unit_test(a_charter_changed_by_too_few),
        cmocka_unit_test(a_charter_that_is_not_here),
        cmocka_unit_test(two_of_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

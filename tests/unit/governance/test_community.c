/* The rules of rosters, one by one, with known answers. Random histories: test_histories.c. */
#include "plain.h"

struct town {
    struct plain_world *world;
    struct arena arena;
    struct charter charter;
    uint8_t charter_hash[32], first[32];
    struct community now;
};

static void town_walk(struct town *town)
{
    struct plain_view view = plain_all(town->world);
    arena_clear(&town->arena);
    plain_walk(&view, town->first, &town->arena, &town->now);
}

/* `count` operators named a.example, b.example, ...; all but the last `silent` found it. */
static void town_begin(struct town *town, size_t count, size_t silent, uint64_t k, uint64_t sponsors)
{
    struct roster_addition additions[PLAIN_LOGS] = {0};
    struct roster_version version = {.version = 1, .additions = additions, .addition_count = count};
    *town = (struct town){.world = plain_world_new()};
    arena_init(&town->arena, 64u << 20);
    for (size_t i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%c.example", (char)('a' + i));
        const char *origin = plain_log_new(town->world, name)->origin;
        additions[i] = (struct roster_addition){.origin = origin, .operator= origin, .class = CLASS_CIVIL};
    }
    charter_default("Town", &town->charter);
    town->charter.endorsements = k;
    town->charter.sponsors = sponsors;
    plain_charter(town->world, &town->world->log[0], &town->charter, town->charter_hash);
    memcpy(version.charter, town->charter_hash, 32);
    plain_roster(town->world, &town->world->log[0], 0, &version, PLAIN_TIME_MS, town->first);
    for (size_t i = 0; i + silent < count; i++)
        plain_say(&town->world->log[i], 0, STATEMENT_ENDORSE, town->first, NULL);
    town_walk(town);
}

static void town_end(struct town *town)
{
    arena_done(&town->arena);
    plain_world_free(town->world);
}

/* A child of the tip that adds `origin`, sponsored by the first `sponsors` operators, in the log of member `by`. */
static void town_propose(struct town *town, size_t by, const char *origin, size_t sponsors, uint8_t ret[32])
{
    struct roster_addition addition = {.origin = origin, .operator= origin, .class = CLASS_STATE};
    struct roster_version version = {
        .version = town->now.number + 1, .has_parent = true, .additions = &addition, .addition_count = 1};
    memcpy(version.parent, town->now.tip, 32);
    memcpy(version.charter, town->charter_hash, 32);
    for (; addition.sponsor_count < sponsors; addition.sponsor_count++)
        addition.sponsors[addition.sponsor_count] = town->world->log[addition.sponsor_count].origin;
    plain_roster(town->world, &town->world->log[by], 0, &version, PLAIN_TIME_MS, ret);
}

static void endorse(struct town *town, size_t by, const uint8_t version[32])
{
    plain_say(&town->world->log[by], 0, STATEMENT_ENDORSE, version, town->now.tip);
}

static const struct community_version *version_of(const struct town *town, const uint8_t hash[32])
{
    for (size_t i = 0; i < town->now.version_count; i++)
        if (memcmp(town->now.versions[i].hash, hash, 32) == 0)
            return &town->now.versions[i];
    fail_msg("the version was not seen");
    return NULL;
}

static void numbers(void **state)
{
    (void)state;
    static const uint64_t known[][3] = {{1, 0, 1}, {2, 0, 2}, {3, 0, 2},  {4, 1, 3},     {5, 1, 4},          {6, 1, 4},
                                        {7, 2, 5}, {8, 2, 6}, {10, 3, 7}, {100, 33, 67}, {10000, 3333, 6667}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint64_t n = known[i][0], f = community_faults(n), q = community_quorum(n);
        assert_int_equal(f, known[i][1]);
        assert_int_equal(q, known[i][2]);
        assert_true(2 * q > n + f);       /* two quorums share more than f */
        assert_true(q <= n - f || n < 4); /* and the honest reach one by themselves */
    }
    assert_int_equal(community_needed(5, 0), 4);
    assert_int_equal(community_needed(5, 5), 5);
    assert_int_equal(community_needed(5, 9), 5);
}

static void founding_needs_its_own_quorum(void **state)
{
    (void)state;
    struct town town;
    town_begin(&town, 4, 2, 1, 1);
    assert_false(town.now.founded);
    assert_int_equal(town.now.versions[0].state, VERSION_OPEN);
    assert_int_equal(town.now.versions[0].endorser_count, 2);
    assert_int_equal(town.now.needed, 3);
    assert_int_equal(town.now.silent_count, 2);
    plain_say(&town.world->log[0], 0, STATEMENT_ENDORSE, town.first, NULL); /* twice is once */
    town_walk(&town);
    assert_false(town.now.founded);
    plain_say(&town.world->log[3], 0, STATEMENT_ENDORSE, town.first, NULL);
    town_walk(&town);
    assert_true(town.now.founded);
    assert_int_equal(town.now.member_count, 4);
    size_t belonging = 0;
    for (size_t i = 0; i < 4; i++)
        belonging += community_belongs(&town.now.members[i]);
    assert_int_equal(belonging, 3); /* whoever has not said so itself is listed and not bound */
    town_end(&town);
}

static void admission(void **state)
{
    (void)state;
    struct town town;
    uint8_t next[32], without[32];
    town_begin(&town, 4, 0, 1, 2);
    struct plain_log *joiner = plain_log_new(town.world, "y.example");
    town_propose(&town, 0, joiner->origin, 1, without);
    town_propose(&town, 0, joiner->origin, 2, next);
    endorse(&town, 0, next);
    endorse(&town, 1, next);
    endorse(&town, 3, without);
    town_walk(&town);
    assert_int_equal(town.now.number, 1);
    assert_int_equal(version_of(&town, next)->state, VERSION_OPEN);
    assert_int_equal(version_of(&town, without)->state, VERSION_INVALID);
    assert_non_null(strstr(version_of(&town, without)->why, "the charter asks for 2"));
    assert_false(town.now.stuck);
    plain_say(&town.world->log[4], 0, STATEMENT_ENDORSE, next, town.now.tip); /* no member yet: no voice */
    town_walk(&town);
    assert_int_equal(version_of(&town, next)->endorser_count, 2);
    endorse(&town, 2, next);
    town_walk(&town);
    assert_int_equal(town.now.number, 2);
    assert_int_equal(town.now.operator_count, 5);
    struct community_member *line = community_find(&town.now, joiner->origin);
    assert_non_null(line);
    assert_int_equal(line->class, CLASS_STATE);
    assert_int_equal(line->since, 2);
    assert_false(community_belongs(line)); /* it has not asked */
    plain_say(joiner, 0, STATEMENT_JOIN, town.first, NULL);
    town_walk(&town);
    assert_true(community_belongs(community_find(&town.now, joiner->origin)));
    plain_say(joiner, 0, STATEMENT_LEAVE, town.first, NULL);
    town_walk(&town);
    assert_non_null(community_find(&town.now, joiner->origin));
    assert_false(community_belongs(community_find(&town.now, joiner->origin)));
    town_end(&town);
}

/* Two admissions at once: the first endorsement of an operator counts; one child can win, or none. */
static void concurrent_admissions(void **state)
{
    (void)state;
    struct town town;
    uint8_t one[32], other[32];
    town_begin(&town, 4, 0, 1, 1);
    struct plain_log *y = plain_log_new(town.world, "y.example"), *z = plain_log_new(town.world, "z.example");
    town_propose(&town, 0, y->origin, 1, one);
    town_propose(&town, 1, z->origin, 1, other);
    endorse(&town, 0, one);
    endorse(&town, 1, other);
    endorse(&town, 1, one); /* too late: it has spoken under this parent */
    endorse(&town, 2, one);
    town_walk(&town);
    assert_int_equal(version_of(&town, one)->endorser_count, 2);
    assert_int_equal(version_of(&town, one)->state, VERSION_OPEN);
    assert_int_equal(version_of(&town, other)->state, VERSION_OVERTAKEN); /* 1 and 1 silent is less than 3 */
    assert_int_equal(town.now.silent_count, 1);
    endorse(&town, 3, one);
    town_walk(&town);
    assert_int_equal(town.now.number, 2);
    assert_memory_equal(town.now.tip, one, 32);
    assert_int_equal(version_of(&town, other)->state, VERSION_OVERTAKEN);
    assert_null(community_find(&town.now, z->origin));
    town_end(&town);
}

static void a_split_is_stuck(void **state)
{
    (void)state;
    struct town town;
    uint8_t one[32], other[32], fresh[32];
    struct roster_addition additions[4];
    struct roster_version again = {.version = 1, .has_refounds = true, .additions = additions, .addition_count = 4};
    town_begin(&town, 4, 0, 1, 1);
    struct plain_log *y = plain_log_new(town.world, "y.example"), *z = plain_log_new(town.world, "z.example");
    town_propose(&town, 0, y->origin, 1, one);
    town_propose(&town, 1, z->origin, 1, other);
    endorse(&town, 0, one);
    endorse(&town, 1, one);
    endorse(&town, 2, other);
    town_walk(&town);
    assert_false(town.now.stuck);
    endorse(&town, 3, other);
    town_walk(&town);
    assert_true(town.now.stuck);
    assert_int_equal(version_of(&town, one)->state, VERSION_OVERTAKEN);
    assert_int_equal(version_of(&town, other)->state, VERSION_OVERTAKEN);
    assert_int_equal(town.now.number, 1);
    /* Out of it: a new first version, which each ratifies for itself. */
    for (size_t i = 0; i < 4; i++)
        additions[i] = (struct roster_addition){
            .origin = town.world->log[i].origin, .operator= town.world->log[i].origin, .class = CLASS_CIVIL};
    memcpy(again.refounds, town.now.tip, 32);
    memcpy(again.charter, town.charter_hash, 32);
    plain_roster(town.world, &town.world->log[0], 0, &again, PLAIN_TIME_MS + 1, fresh);
    for (size_t i = 0; i < 3; i++)
        plain_say(&town.world->log[i], 0, STATEMENT_ENDORSE, fresh, NULL);
    memcpy(town.first, fresh, 32);
    town_walk(&town);
    assert_true(town.now.founded);
    assert_true(town.now.has_refounds);
    assert_false(community_belongs(community_find(&town.now, town.world->log[3].origin)));
    assert_true(community_belongs(community_find(&town.now, town.world->log[2].origin)));
    town_end(&town);
}

/* Hosted members have a line and no voice; an operator without a line of its own is refused. */
static void operators(void **state)
{
    (void)state;
    struct town town;
    uint8_t next[32], wrong[32];
    town_begin(&town, 3, 0, 1, 1);
    struct plain_log *hosted = plain_log_new(town.world, "h.example"),
                     *stranger = plain_log_new(town.world, "s.example");
    struct roster_addition addition = {.origin = hosted->origin,
                                       .operator= town.world->log[0].origin,
                                       .class = CLASS_PRIVATE,
                                       .sponsors = {town.world->log[0].origin},
                                       .sponsor_count = 1};
    struct roster_version version = {.version = 2, .has_parent = true, .additions = &addition, .addition_count = 1};
    memcpy(version.parent, town.now.tip, 32);
    memcpy(version.charter, town.charter_hash, 32);
    plain_roster(town.world, &town.world->log[0], 0, &version, PLAIN_TIME_MS, next);
    addition.operator= stranger->origin;
    plain_roster(town.world, &town.world->log[0], 0, &version, PLAIN_TIME_MS, wrong);
    endorse(&town, 2, wrong);
    endorse(&town, 0, next);
    endorse(&town, 1, next);
    town_walk(&town);
    assert_int_equal(version_of(&town, wrong)->state, VERSION_INVALID);
    assert_int_equal(town.now.number, 2);
    assert_int_equal(town.now.member_count, 4);
    assert_int_equal(town.now.operator_count, 3);
    assert_false(community_is_operator(&town.now, hosted->origin));
    /* Whoever operates others cannot go alone. */
    struct roster_removal removal = {.origin = town.world->log[0].origin};
    struct err told = {0};
    version = (struct roster_version){.version = 3, .has_parent = true, .removals = &removal, .removal_count = 1};
    memcpy(version.parent, town.now.tip, 32);
    memcpy(version.charter, town.charter_hash, 32);
    assert_int_equal(community_check_child(&town.now, &version, &town.arena, &told), ERR_VERIFY);
    assert_non_null(strstr(told.text, "listed as an operator and is no member"));
    addition = (struct roster_addition){
        .origin = hosted->origin, .operator= town.world->log[1].origin, .class = CLASS_PRIVATE};
    version.additions = &addition;
    version.addition_count = 1;
    good(community_check_child(&town.now, &version, &town.arena, &err));
    version.version = 4;
    bad(community_check_child(&town.now, &version, &town.arena, &err), ERR_VERIFY, "would be 3");
    town_end(&town);
}

/* A text that is not here decides nothing, and says what is missing. */
static void missing_texts(void **state)
{
    (void)state;
    struct town town;
    uint8_t next[32];
    town_begin(&town, 3, 0, 1, 1);
    memset(next, 7, 32);
    endorse(&town, 0, next);
    endorse(&town, 1, next);
    town_walk(&town);
    assert_int_equal(town.now.number, 1);
    assert_int_equal(version_of(&town, next)->state, VERSION_UNKNOWN);
    assert_memory_equal(version_of(&town, next)->wanted, next, 32);
    assert_false(town.now.stuck);
    memset(town.first, 9, 32);
    town_walk(&town);
    assert_false(town.now.founded);
    assert_null(town.now.charter);
    assert_int_equal(town.now.versions[0].state, VERSION_UNKNOWN);
    town_end(&town);
}

/* A log founds as many communities as others are ready to look at. */
static void foundings_are_bounded(void **state)
{
    (void)state;
    struct town town;
    town_begin(&town, 1, 1, 1, 1);
    for (int i = 0; i < COMMUNITY_FOUNDINGS_MAX; i++) {
        uint8_t other[32] = {(uint8_t)(i + 1)};
        plain_say(&town.world->log[0], 0, STATEMENT_ENDORSE, other, NULL);
    }
    plain_say(&town.world->log[0], 0, STATEMENT_ENDORSE, town.first, NULL);
    town_walk(&town);
    assert_false(town.now.founded);
    town_end(&town);
}

/* The example of PROTOCOL.md. */
static void the_digest(void **state)
{
    (void)state;
    struct town town;
    uint8_t digest[32];
    char hex[65];
    town_begin(&town, 2, 0, 1, 1);
    plain_say(&town.world->log[1], 0, STATEMENT_LEAVE, town.first, NULL);
    town_walk(&town);
    community_digest(&town.now, digest);
    hex_encode(digest, 32, hex);
    char text[2048], community[65];
    hex_encode(town.first, 32, community);
    int len = snprintf(text, sizeof(text), "tongzhou/1 roster\n%s\n%s\n1\n%s %s civil in\n%s %s civil left\n",
                       community, community, town.world->log[0].origin, town.world->log[0].origin,
                       town.world->log[1].origin, town.world->log[1].origin);
    uint8_t expected[32];
    sha256_once(span_of(text, (size_t)len), expected);
    assert_memory_equal(digest, expected, 32);
    town_end(&town);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),          cmocka_unit_test(founding_needs_its_own_quorum),
        cmocka_unit_test(admission),        cmocka_unit_test(concurrent_admissions),
        cmocka_unit_test(a_split_is_stuck), cmocka_unit_test(operators),
        cmocka_unit_test(missing_texts),    cmocka_unit_test(foundings_are_bounded),
        cmocka_unit_test(the_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

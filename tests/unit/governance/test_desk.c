/* What waits for a roster version, and whether one that somebody proposes says the truth. */
#include "story.h"

const struct capability *const capabilities[] = {&governance_capability, NULL};

#define DAY_MS INT64_C(86400000)

struct hall {
    struct story story;
    struct town town;
    struct arena arena;
    struct community now;
};

/* After the founding: log 4 has asked and 0 vouches for it, log 5 has asked and nobody does, log 3 has left. */
static void hall_open(struct hall *hall)
{
    struct made_log *logs = hall->story.logs;
    const uint8_t *first = hall->story.first;
    *hall = (struct hall){0};
    story_founding(&hall->story);
    said(&logs[4], STATEMENT_JOIN, first, NULL, NULL);
    said(&logs[5], STATEMENT_JOIN, first, NULL, NULL);
    said(&logs[0], STATEMENT_SPONSOR, first, NULL, logs[4].origin);
    said(&logs[0], STATEMENT_SPONSOR, first, NULL, logs[4].origin);
    said(&logs[5], STATEMENT_SPONSOR, first, NULL, logs[4].origin); /* no member: its word is none */
    said(&logs[3], STATEMENT_LEAVE, first, NULL, NULL);
    said(&logs[3], STATEMENT_SPONSOR, first, NULL, logs[5].origin); /* and it has left */
    town_open(&hall->town, &hall->story);
    arena_init(&hall->arena, GOVERNANCE_ARENA_MAX);
    struct community_source source = governance_source(hall->town.index);
    good(community_walk(&source, first, &hall->arena, &hall->now, &err));
}

static void hall_close(struct hall *hall)
{
    arena_done(&hall->arena);
    town_close(&hall->town);
    story_end(&hall->story);
}

static void what_waits(void **state)
{
    (void)state;
    static struct hall hall;
    struct desk desk;
    hall_open(&hall);
    good(desk_read(&hall.town.view, &hall.now, TIME_MS, &hall.arena, &desk, &err));
    assert_int_equal(desk.request_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct desk_request *request = &desk.requests[i];
        bool vouched = strcmp(request->origin, hall.story.logs[4].origin) == 0;
        assert_int_equal(request->voices, vouched);
        assert_int_equal(request->needed, 1);
        assert_true(request->known && request->operator_listed);
        assert_string_equal(request->operator, request->origin);
        assert_int_equal(request->class, CLASS_CIVIL);
        assert_int_equal(desk_ready(request), vouched);
    }
    assert_int_equal(desk.departure_count, 1);
    assert_string_equal(desk.departures[0].origin, hall.story.logs[3].origin);
    assert_int_equal(desk.departures[0].until_ms, TIME_MS + 30 * DAY_MS);
    assert_false(desk.departures[0].due);
    good(desk_read(&hall.town.view, &hall.now, TIME_MS + 30 * DAY_MS, &hall.arena, &desk, &err));
    assert_true(desk.departures[0].due);
    hall_close(&hall);
}

static int check(struct hall *hall, struct roster_version *version, int64_t now_ms, struct err *err)
{
    return desk_check(&hall->town.view, &hall->now, version, now_ms, &hall->arena, err);
}

static void what_is_true(void **state)
{
    (void)state;
    static struct hall hall;
    hall_open(&hall);
    struct made_log *logs = hall.story.logs;
    struct roster_addition addition = {.origin = logs[4].origin,
                                       .operator= logs[4].origin,
                                       .class = CLASS_CIVIL,
                                       .sponsors = {logs[0].origin},
                                       .sponsor_count = 1};
    struct roster_version version = child(&hall.story, 2, hall.story.first, &addition);
    good(check(&hall, &version, TIME_MS, &err));
    addition.class = CLASS_STATE;
    bad(check(&hall, &version, TIME_MS, &err), ERR_VERIFY, "its profile says operator");
    addition.class = CLASS_CIVIL;
    addition.sponsors[0] = logs[1].origin;
    bad(check(&hall, &version, TIME_MS, &err), ERR_VERIFY, "whose log does not say so");
    addition.sponsor_count = 0;
    bad(check(&hall, &version, TIME_MS, &err), ERR_VERIFY, "the charter asks for 1");
    char stranger[ORIGIN_MAX + 1];
    snprintf(stranger, sizeof(stranger), "z.example/%s", strchr(logs[0].origin, '/') + 1);
    addition = (struct roster_addition){.origin = stranger,
                                        .operator= stranger,
                                        .class = CLASS_CIVIL,
                                        .sponsors = {logs[0].origin},
                                        .sponsor_count = 1};
    bad(check(&hall, &version, TIME_MS, &err), ERR_VERIFY, "has not asked to join");
    struct roster_removal removal = {.origin = logs[3].origin};
    version = child(&hall.story, 2, hall.story.first, NULL);
    version.removals = &removal;
    version.removal_count = 1;
    bad(check(&hall, &version, TIME_MS, &err), ERR_VERIFY, "its notice is not over");
    good(check(&hall, &version, TIME_MS + 30 * DAY_MS, &err));
    removal.origin = logs[1].origin;
    bad(check(&hall, &version, TIME_MS, &err), ERR_VERIFY, "has not left");
    removal.excluded = true;
    good(check(&hall, &version, TIME_MS, &err));
    version.parent[0] ^= 1;
    bad(check(&hall, &version, TIME_MS, &err), ERR_VERIFY, "parent");
    hall_close(&hall);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_waits), cmocka_unit_test(what_is_true)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

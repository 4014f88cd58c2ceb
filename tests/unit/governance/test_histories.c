/*
 * Thousands of random histories: operators, hosted members and joiners who found, propose, endorse, sponsor, join and leave by
 * what they happen to have read; up to f of them show two histories and endorse whatever comes. Whoever reads the same
 * logs computes the same, in whatever order; one who reads more goes on where another stood; and under one parent two
 * children are never in force, not even at readers who were shown different histories.
 */
#include "play.h"

/* ---- what must hold ---- */

static void shuffle(struct plain_view *view)
{
    for (size_t i = view->world->logs; i-- > 1;) {
        size_t k = (size_t)roll(i + 1), kept = view->order[i];
        view->order[i] = view->order[k];
        view->order[k] = kept;
    }
}

static void same_in_any_order(struct play *play, struct plain_view view)
{
    struct community one, other;
    uint8_t a[32], b[32];
    walk(play, &view, &one);
    shuffle(&view);
    walk(play, &view, &other);
    community_digest(&one, a);
    community_digest(&other, b);
    assert_memory_equal(a, b, 32);
    assert_int_equal(one.version_count, other.version_count);
    assert_int_equal(one.stuck, other.stuck);
    for (size_t i = 0; i < one.version_count; i++) {
        assert_memory_equal(one.versions[i].hash, other.versions[i].hash, 32);
        assert_int_equal(one.versions[i].state, other.versions[i].state);
        assert_int_equal(one.versions[i].endorser_count, other.versions[i].endorser_count);
    }
}

/* Counted without the fold's code: who endorsed first under this parent, version by version. */
static void at_most_one_in_force(struct play *play, struct plain_view *view)
{
    struct community now;
    walk(play, view, &now);
    for (size_t i = 0; i < now.version_count; i++) {
        const struct community_version *version = &now.versions[i];
        size_t in_force = 0;
        uint64_t voices = 0;
        for (size_t k = 0; k < now.version_count; k++) {
            in_force += now.versions[k].number == version->number && now.versions[k].state == VERSION_IN_FORCE;
            voices += now.versions[k].number == version->number ? now.versions[k].endorser_count : 0;
        }
        assert_true(in_force <= 1);
        assert_true(voices <= play->world->logs);
        if (version->state == VERSION_IN_FORCE)
            assert_true(version->endorser_count >= version->needed && 2 * version->needed > voices);
        for (size_t k = 1; k < version->endorser_count; k++)
            assert_true(strcmp(version->endorsers[k - 1], version->endorsers[k]) < 0);
    }
    if (now.stuck) {
        /* Whatever the silent ones say: one version that all of them endorse does not come into force either. */
        uint64_t best = 0;
        for (size_t i = 0; i < now.version_count; i++)
            if (now.versions[i].number == now.number + 1 && now.versions[i].state != VERSION_INVALID &&
                now.versions[i].endorser_count > best)
                best = now.versions[i].endorser_count;
        assert_true(best + now.silent_count < now.needed);
    }
}

static const uint8_t *in_force(const struct community *community, uint64_t number)
{
    for (size_t i = 0; i < community->version_count; i++)
        if (community->versions[i].number == number && community->versions[i].state == VERSION_IN_FORCE)
            return community->versions[i].hash;
    return NULL;
}

/* Readers who were shown different histories agree as far as both have come, while at most f of those listed lie. */
static void readers_agree(struct play *play)
{
    struct community all[PLAIN_LOGS];
    if (!play->gentle)
        return;
    for (size_t i = 0; i < play->world->logs; i++)
        walk(play, &play->reads[i], &all[i]);
    for (size_t i = 0; i < play->world->logs; i++)
        for (size_t k = 0; k < i; k++) {
            uint64_t both = all[i].number < all[k].number ? all[i].number : all[k].number;
            for (uint64_t n = 1; all[i].founded && all[k].founded && n <= both; n++)
                assert_memory_equal(in_force(&all[i], n), in_force(&all[k], n), 32);
        }
}

/* Whoever reads on keeps what was in force. */
static void reading_on_keeps(struct play *play, size_t who)
{
    struct plain_view before = play->reads[who];
    struct community now, later;
    for (size_t i = 0; i < before.world->logs; i++)
        before.len[i] = (size_t)roll(before.len[i] + 1);
    walk(play, &before, &now);
    walk(play, &play->reads[who], &later);
    if (!now.founded)
        return;
    assert_true(later.founded && later.number >= now.number);
    for (uint64_t n = 1; n <= now.number; n++)
        assert_memory_equal(in_force(&now, n), in_force(&later, n), 32);
}

static struct {
    uint64_t founded, versions, invalid, overtaken, stuck, lies;
} seen;

static void play_one(uint64_t seed)
{
    struct play play;
    struct community end;
    play_begin(&play, seed);
    struct plain_view all = plain_all(play.world);
    same_in_any_order(&play, all);
    for (unsigned i = 0; i < 3; i++) {
        size_t who = (size_t)roll(play.world->logs);
        same_in_any_order(&play, play.reads[who]);
        at_most_one_in_force(&play, &play.reads[who]);
        reading_on_keeps(&play, who);
    }
    at_most_one_in_force(&play, &all);
    readers_agree(&play);
    walk(&play, &all, &end);
    seen.founded += end.founded;
    seen.stuck += end.stuck;
    seen.versions += end.founded ? end.number : 0;
    for (size_t i = 0; i < play.faulty; i++)
        seen.lies += play.world->log[i].shared != SIZE_MAX;
    for (size_t i = 0; i < end.version_count; i++) {
        seen.invalid += end.versions[i].state == VERSION_INVALID;
        seen.overtaken += end.versions[i].state == VERSION_OVERTAKEN;
    }
    play_end(&play);
}

/* Under the sanitizers a history takes four times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HISTORIES 500
#else
#define HISTORIES 2000
#endif

static void histories(void **state)
{
    (void)state;
    const char *more = getenv("HISTORIES");
    uint64_t count = more ? strtoull(more, NULL, 10) : HISTORIES;
    for (uint64_t seed = 1; seed <= count; seed++)
        play_one(seed);
    printf("# founded %llu, versions in force %llu, invalid %llu, overtaken %llu, stuck %llu, logs with two histories "
           "%llu\n",
           (unsigned long long)seen.founded, (unsigned long long)seen.versions, (unsigned long long)seen.invalid,
           (unsigned long long)seen.overtaken, (unsigned long long)seen.stuck, (unsigned long long)seen.lies);
    /* A test that never met what it is about would pass, too. */
    assert_true(seen.founded > count / 4 && seen.versions > count && seen.invalid > 0 && seen.overtaken > 0 &&
                seen.stuck > 0 && seen.lies > 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

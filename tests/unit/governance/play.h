/*
 * Random histories: operators, hosted members and joiners who found, propose, endorse, join and leave by what they happen to
 * have read; up to f of them show two histories and endorse whatever comes.
 */
#ifndef TONGZHOU_TESTS_GOVERNANCE_PLAY_H
#define TONGZHOU_TESTS_GOVERNANCE_PLAY_H

#include "plain.h"

/* ---- numbers that a seed gives (xorshift) ---- */

static uint64_t dice;

static inline uint64_t roll(uint64_t sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (dice >> 11) % sides;
}

/* ---- the world ---- */

#define OPERATORS_MAX 7
#define ROUNDS 90
#define TEXTS_MAX 256

struct play {
    struct plain_world *world;
    struct arena arena;
    size_t operators, faulty; /* log i < operators; the first `faulty` of them lie */
    bool gentle;              /* no honest operator is removed, so that never more than f of those listed lie */
    struct plain_view reads[PLAIN_LOGS];
    uint8_t charter[32], first[32];
    uint8_t versions[TEXTS_MAX][32], parents[TEXTS_MAX][32];
    size_t version_count;
};

static inline void play_found(struct play *play)
{
    static struct charter charter;
    struct roster_addition additions[PLAIN_LOGS] = {0};
    struct roster_version version = {.version = 1, .additions = additions};
    play->operators = 1 + (size_t)roll(OPERATORS_MAX);
    play->faulty = (size_t)roll(community_faults(play->operators) + 1);
    play->gentle = roll(2) == 0;
    for (size_t i = 0; i < play->operators + 6; i++) {
        char name[32];
        snprintf(name, sizeof(name), "m%02zu.example", i);
        plain_log_new(play->world, name);
    }
    for (size_t i = 0; i < play->operators + 1; i++) /* and one hosted member */
        additions[version.addition_count++] =
            (struct roster_addition){.origin = play->world->log[i].origin,
                                     .operator= play->world->log[i < play->operators ? i : 0].origin,
                                     .class = (enum member_class)roll(5)};
    charter_default("Play", &charter);
    charter.endorsements = roll(play->operators + 2);
    charter.sponsors = roll(3);
    plain_charter(play->world, &play->world->log[0], &charter, play->charter);
    memcpy(version.charter, play->charter, 32);
    plain_roster(play->world, &play->world->log[0], 0, &version, PLAIN_TIME_MS, play->first);
    for (size_t i = 0; i < play->world->logs; i++) {
        play->reads[i] = plain_all(play->world);
        if (i < play->operators && roll(8) > 0)
            plain_say(&play->world->log[i], 0, STATEMENT_ENDORSE, play->first, NULL);
    }
}

/* Reads on in somebody's log; of one who lies, the history that it was shown first. */
static inline void read_on(struct play *play, size_t who)
{
    size_t other = (size_t)roll(play->world->logs);
    struct plain_log *log = &play->world->log[other];
    struct plain_view *view = &play->reads[who];
    if (view->len[other] <= log->shared && log->shared != SIZE_MAX)
        view->branch[other] = (unsigned char)roll(2);
    size_t count = log->count[view->branch[other]];
    if (count > view->len[other])
        view->len[other] += 1 + (size_t)roll(count - view->len[other]);
}

static inline void walk(struct play *play, struct plain_view *view, struct community *ret)
{
    plain_walk(view, play->first, &play->arena, ret);
}

/* Someone who lies writes into either of its histories. */
static inline unsigned branch_of(const struct play *play, size_t who)
{
    return play->world->log[who].shared == SIZE_MAX ? 0 : (unsigned)roll(2);
}

/* What most have endorsed of what is open, as people do who want to come to an end. */
static inline const struct community_version *most_endorsed(const struct community *now)
{
    const struct community_version *best = NULL;
    for (size_t i = 0; i < now->version_count; i++)
        if (now->versions[i].state == VERSION_OPEN && (!best || now->versions[i].endorser_count > best->endorser_count))
            best = &now->versions[i];
    return best;
}

/* Does a version that takes this member's voice break what a gentle history promises? */
static inline bool is_kept(const struct play *play, const struct community *now, const char *origin)
{
    for (size_t i = 0; i < play->faulty; i++)
        if (strcmp(play->world->log[i].origin, origin) == 0)
            return false;
    return play->gentle && community_is_operator(now, origin);
}

static inline void propose(struct play *play, size_t who)
{
    struct community now;
    struct roster_addition addition[2] = {0};
    struct roster_removal removal = {0};
    struct roster_version version = {.has_parent = true, .additions = addition, .removals = &removal};
    walk(play, &play->reads[who], &now);
    if (!now.founded || play->version_count == TEXTS_MAX || (most_endorsed(&now) && roll(3) > 0))
        return;
    version.version = now.number + 1;
    memcpy(version.parent, now.tip, 32);
    memcpy(version.charter, play->charter, 32);
    size_t joiner = (size_t)roll(play->world->logs);
    const char *origin = play->world->log[joiner].origin;
    bool hosted = roll(3) == 0;
    addition[0] = (struct roster_addition){.origin = origin,
                                           .operator= hosted ? play->world->log[who].origin : origin,
                                           .class = (enum member_class)roll(5)};
    bool listed = community_find(&now, origin) != NULL;
    for (size_t i = 0; !listed && i < now.operator_count && addition[0].sponsor_count < 2; i++)
        if (roll(2) == 0)
            addition[0].sponsors[addition[0].sponsor_count++] = now.operators[i];
    version.addition_count = roll(5) > 0 && !is_kept(play, &now, origin);
    const char *gone = now.members[roll(now.member_count)].origin;
    if (roll(4) == 0 && strcmp(gone, origin) != 0 && !is_kept(play, &now, gone)) {
        removal = (struct roster_removal){.origin = gone, .excluded = roll(2) == 0};
        version.removal_count = 1;
    }
    uint8_t hash[32];
    unsigned branch = branch_of(play, who);
    plain_roster(play->world, &play->world->log[who], branch, &version, PLAIN_TIME_MS + (int64_t)roll(3), hash);
    memcpy(play->versions[play->version_count], hash, 32);
    memcpy(play->parents[play->version_count++], now.tip, 32);
    if (roll(3) > 0)
        plain_say(&play->world->log[who], branch, STATEMENT_ENDORSE, hash, now.tip);
}

/* The honest endorse children of what is in force for them; others anything, also under wrong parents. */
static inline void endorse(struct play *play, size_t who)
{
    struct community now;
    if (play->version_count == 0)
        return;
    size_t pick = (size_t)roll(play->version_count), parent = pick;
    walk(play, &play->reads[who], &now);
    const struct community_version *open = most_endorsed(&now);
    if (open && roll(4) > 0) {
        plain_say(&play->world->log[who], branch_of(play, who), STATEMENT_ENDORSE, open->hash, now.tip);
        return;
    }
    for (size_t i = 0; i < play->version_count && memcmp(play->parents[pick], now.tip, 32) != 0; i++)
        parent = pick = (pick + 1) % play->version_count;
    if (who < play->faulty && roll(3) == 0)
        parent = (size_t)roll(play->version_count);
    plain_say(&play->world->log[who], branch_of(play, who), STATEMENT_ENDORSE, play->versions[pick],
              play->parents[parent]);
}

static inline void act(struct play *play)
{
    size_t who = (size_t)roll(roll(4) > 0 ? play->operators : play->world->logs);
    struct plain_log *log = &play->world->log[who];
    if (who < play->faulty && log->shared == SIZE_MAX && roll(4) == 0)
        log->shared = log->count[0];
    for (unsigned i = 0; i < 12; i++)
        read_on(play, who);
    arena_clear(&play->arena);
    switch (roll(5)) {
    case 0:
        propose(play, who);
        break;
    case 1:
    case 2:
        endorse(play, who);
        break;
    case 3:
        plain_say(log, branch_of(play, who), roll(3) > 0 ? STATEMENT_JOIN : STATEMENT_LEAVE, play->first, NULL);
        break;
    default:
        plain_say(log, branch_of(play, who), STATEMENT_ENDORSE, play->first, NULL);
        break;
    }
}

static inline void play_begin(struct play *play, uint64_t seed)
{
    *play = (struct play){.world = plain_world_new()};
    dice = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    arena_init(&play->arena, 256u << 20);
    play_found(play);
    for (unsigned i = 0; i < ROUNDS; i++)
        act(play);
    arena_clear(&play->arena);
    for (size_t i = 0; i < play->world->logs; i++)
        play->reads[i].order[i] = i;
}

static inline void play_end(struct play *play)
{
    arena_done(&play->arena);
    plain_world_free(play->world);
}

#endif

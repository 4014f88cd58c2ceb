#include "governance/community.h"

#include <stdlib.h>

#include "governance/community_rules.h"

#define WHY_MAX 512 /* bytes kept of a reason */
#define WALK_ARENA_MAX                                                                                                 \
    (64u << 20) /* bytes: a text of 64 kB as parsed, a list of COMMUNITY_MEMBERS_MAX, or a voice a log */

const char *version_state_word(enum version_state state)
{
    static const char *const words[] = {[VERSION_IN_FORCE] = "in force",
                                        [VERSION_OPEN] = "open",
                                        [VERSION_OVERTAKEN] = "overtaken",
                                        [VERSION_INVALID] = "invalid",
                                        [VERSION_UNKNOWN] = "not here"};
    return words[state];
}

uint64_t community_faults(uint64_t operators)
{
    return operators > 0 ? (operators - 1) / 3 : 0;
}

uint64_t community_quorum(uint64_t operators)
{
    return (operators + community_faults(operators)) / 2 + 1;
}

uint64_t community_needed(uint64_t operators, uint64_t k)
{
    uint64_t quorum = community_quorum(operators);
    k = k < operators ? k : operators;
    return k > quorum ? k : quorum;
}

/* ---- endorsements under one parent ---- */

struct voice {
    const char *origin; /* the one of the list */
    size_t place;       /* its place among the operators of the list */
    uint8_t roster[32];
};

struct voices {
    const struct member_list_state *list; /* who is asked */
    struct arena *arena;
    struct voice *voice;
    size_t count, cap;
};

static int hear(void *ctx, const uint8_t roster[32], const char *origin, struct err *err)
{
    struct voices *all = ctx;
    size_t place = rules_operator_place(all->list, origin);
    if (place == SIZE_MAX)
        return 0;
    if (all->count == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 16;
        struct voice *grown = arena_array(all->arena, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        if (all->count > 0)
            memcpy(grown, all->voice, all->count * sizeof(*grown));
        all->voice = grown;
        all->cap = cap;
    }
    struct voice *voice = &all->voice[all->count++];
    memcpy(voice->roster, roster, 32);
    voice->origin = all->list->operators[place];
    voice->place = place;
    return 0;
}

static int compare_voices(const void *a, const void *b)
{
    const struct voice *x = a, *y = b;
    int order = memcmp(x->roster, y->roster, 32);
    return order ? order : strcmp(x->origin, y->origin);
}

/* ---- the walk ---- */

/*
 * What a version does to the list is tried in `scratch`, which each candidate begins anew. Once one is in force it is done
 * again for good: its texts into the caller's arena, the list into one of two arenas that take turns, so that a chain of a
 * thousand versions over ten thousand members keeps two lists and not a thousand.
 */
struct walk {
    const struct community_source *source;
    struct arena *arena;
    struct arena scratch, voices, lists[2];
    unsigned turn;
    bool brief; /* only what is in force, and how often each child of the tip is endorsed */
    struct community *out;
    struct member_list_state list; /* of the tip */
};

static struct community_version *add_version(struct walk *walk, const uint8_t hash[32], struct err *err)
{
    struct community *out = walk->out;
    if (out->version_count == out->version_cap) {
        size_t cap = out->version_cap ? 2 * out->version_cap : 16;
        struct community_version *grown = arena_array(walk->arena, cap, sizeof(*grown));
        if (!grown) {
            err_memory(err);
            return NULL;
        }
        if (out->version_count > 0)
            memcpy(grown, out->versions, out->version_count * sizeof(*grown));
        out->versions = grown;
        out->version_cap = cap;
    }
    struct community_version *version = &out->versions[out->version_count++];
    *version = (struct community_version){.number = out->number + (out->founded ? 1 : 0)};
    memcpy(version->hash, hash, 32);
    if (!out->founded)
        version->number = 1;
    return version;
}

static int mark(struct walk *walk, struct community_version *version, enum version_state state, const char *why,
                struct err *err)
{
    version->state = state;
    version->why = arena_strz(walk->arena, span_sub(span_str(why), 0, WHY_MAX));
    return version->why ? 0 : err_memory(err);
}

static int unknown(struct walk *walk, struct community_version *version, const uint8_t hash[32], const char *why,
                   struct err *err)
{
    memcpy(version->wanted, hash, 32);
    return mark(walk, version, VERSION_UNKNOWN, why, err);
}

/* Where a candidate is read into, and what would hold if it came into force. */
struct candidate {
    struct arena *arena;
    struct arena *strings; /* where origins are kept that outlive it; NULL: it is only tried */
    struct roster_version version;
    struct charter *charter;
    struct member_list_state list;
};

static int read_charter(struct walk *walk, struct candidate *out, struct err *err)
{
    out->charter = arena_alloc(out->arena, sizeof(*out->charter));
    if (!out->charter)
        return err_memory(err);
    return walk->source->charter(walk->source->ctx, out->version.charter, out->arena, out->charter, err);
}

static int apply_rules(struct walk *walk, uint64_t number, struct candidate *out, struct err *err)
{
    const struct community *community = walk->out;
    bool first = !community->founded;
    if (out->version.has_parent == first || (!first && memcmp(out->version.parent, community->tip, 32) != 0))
        return err_set(err, ERR_VERIFY, "its parent is another than the endorsements say");
    return rules_apply(first ? NULL : &walk->list, number, first ? 0 : community->charter->sponsors, &out->version,
                       out->arena, &out->list, err);
}

/* The lines of a list point to these strings for as long as the walk goes on. */
static int keep_strings(struct candidate *out, struct err *err)
{
    for (size_t i = 0; i < out->version.addition_count; i++) {
        struct roster_addition *addition = &out->version.additions[i];
        bool own = strcmp(addition->origin, addition->operator) == 0;
        addition->origin = arena_strz(out->strings, span_str(addition->origin));
        addition->operator= own ? addition->origin : arena_strz(out->strings, span_str(addition->operator));
        if (!addition->origin || !addition->operator)
            return err_memory(err);
    }
    return 0;
}

/* Fetch texts, apply the rules. 0 with version->state VERSION_OPEN: it may be counted. */
static int judge(struct walk *walk, struct community_version *version, struct candidate *out, struct err *err)
{
    struct err told = {0};
    version->state = VERSION_OPEN;
    int rc = walk->source->version(walk->source->ctx, version->hash, out->arena, &out->version, &told);
    if (rc == ERR_NOTFOUND)
        return unknown(walk, version, version->hash, "its text is not here", err);
    if (rc == 0 && out->strings)
        rc = keep_strings(out, &told);
    if (rc == 0) {
        memcpy(version->charter, out->version.charter, 32);
        rc = apply_rules(walk, version->number, out, &told);
    }
    if (rc == ERR_VERIFY)
        return mark(walk, version, VERSION_INVALID, told.text, err);
    if (rc == 0)
        rc = read_charter(walk, out, &told);
    if (rc == ERR_NOTFOUND)
        return unknown(walk, version, out->version.charter, "its charter's text is not here", err);
    if (rc < 0)
        *err = told;
    return rc;
}

/* Only whether it holds. */
static int try_version(struct walk *walk, struct community_version *version, struct err *err)
{
    struct candidate candidate = {.arena = &walk->scratch};
    arena_clear(&walk->scratch);
    return judge(walk, version, &candidate, err);
}

static void set_quorum(struct community *out, size_t operators)
{
    out->operator_count = operators;
    out->quorum = community_quorum(operators);
    out->needed = community_needed(operators, out->charter->endorsements);
}

/* What was tried and holds becomes the tip. */
static int set_tip(struct walk *walk, struct community_version *version, struct err *err)
{
    struct community *out = walk->out;
    struct candidate candidate = {.arena = &walk->lists[walk->turn ^= 1], .strings = walk->arena};
    arena_clear(candidate.arena);
    int rc = judge(walk, version, &candidate, err);
    if (rc < 0)
        return rc;
    walk->list = candidate.list;
    out->has_refounds |= candidate.version.has_refounds;
    if (candidate.version.has_refounds)
        memcpy(out->refounds, candidate.version.refounds, 32);
    out->charter = candidate.charter;
    memcpy(out->charter_hash, candidate.version.charter, 32);
    out->number = version->number;
    memcpy(out->tip, version->hash, 32);
    set_quorum(out, walk->list.operator_count);
    return 0;
}

static int take_endorsers(struct walk *walk, struct community_version *version, const struct voice *voice, size_t count,
                          struct err *err)
{
    version->endorser_count = count;
    if (walk->brief)
        return 0;
    version->endorsers = arena_array(walk->arena, count + 1, sizeof(char *));
    if (!version->endorsers)
        return err_memory(err);
    for (size_t i = 0; i < count; i++)
        version->endorsers[i] = voice[i].origin;
    return 0;
}

static int take_silent(struct walk *walk, const struct voices *voices, struct err *err)
{
    struct community *out = walk->out;
    out->silent = arena_array(&walk->voices, walk->list.operator_count + 1, sizeof(char *)); /* kept at the end */
    bool *spoke = arena_array(&walk->voices, walk->list.operator_count + 1, sizeof(*spoke));
    if (!out->silent || !spoke)
        return err_memory(err);
    memset(spoke, 0, walk->list.operator_count * sizeof(*spoke));
    out->silent_count = 0;
    for (size_t i = 0; i < voices->count; i++)
        spoke[voices->voice[i].place] = true;
    for (size_t i = 0; i < walk->list.operator_count; i++)
        if (!spoke[i])
            out->silent[out->silent_count++] = walk->list.operators[i];
    return 0;
}

/* Version 1 is judged by what it lists itself. */
static int found(struct walk *walk, bool *ret_on, struct err *err)
{
    struct community *out = walk->out;
    struct voices voices = {.list = &walk->list, .arena = &walk->voices};
    struct community_version *version = add_version(walk, out->hash, err);
    int rc = version ? try_version(walk, version, err) : err->code;
    *ret_on = false;
    if (rc < 0 || version->state != VERSION_OPEN)
        return rc;
    rc = set_tip(walk, version, err);
    if (rc == 0)
        rc = walk->source->endorsements(walk->source->ctx, out->hash, NULL, hear, &voices, err);
    if (rc < 0)
        return rc;
    if (voices.count > 1)
        qsort(voices.voice, voices.count, sizeof(*voices.voice), compare_voices);
    size_t distinct = 0; /* an operator may have said so twice */
    for (size_t i = 0; i < voices.count; i++)
        if (i == 0 || voices.voice[distinct - 1].origin != voices.voice[i].origin)
            voices.voice[distinct++] = voices.voice[i];
    voices.count = distinct;
    rc = take_endorsers(walk, version, voices.voice, distinct, err);
    if (rc == 0)
        rc = take_silent(walk, &voices, err);
    version->needed = out->needed;
    if (rc == 0 && distinct >= out->needed) {
        version->state = VERSION_IN_FORCE;
        out->founded = *ret_on = true;
    }
    return rc;
}

/* Judge and count the children of the tip that somebody endorsed. *ret_won: which is in force, or SIZE_MAX. */
static int count_children(struct walk *walk, const struct voices *voices, size_t *ret_won, struct err *err)
{
    struct community *out = walk->out;
    size_t best = 0;
    int rc = 0;
    *ret_won = SIZE_MAX;
    for (size_t i = 0, end; rc == 0 && i < voices->count; i = end) {
        for (end = i + 1; end < voices->count && memcmp(voices->voice[i].roster, voices->voice[end].roster, 32) == 0;)
            end++;
        struct community_version *version = add_version(walk, voices->voice[i].roster, err);
        if (!version)
            return err->code;
        version->state = VERSION_OPEN;
        /* What too few endorse is not in force whatever it says. */
        rc = walk->brief && end - i < out->needed ? 0 : try_version(walk, version, err);
        if (rc == 0)
            rc = take_endorsers(walk, version, &voices->voice[i], end - i, err);
        if (rc < 0)
            break;
        version->needed = out->needed;
        if (version->state != VERSION_INVALID && end - i > best)
            best = end - i;
        if (version->state == VERSION_OPEN && end - i >= out->needed)
            *ret_won = out->version_count - 1;
    }
    out->stuck = best + out->silent_count < out->needed;
    return rc;
}

/* Those that cannot come into force any more, now or ever at this parent. */
static void overtake(struct community *out, size_t first, size_t won)
{
    for (size_t i = first; i < out->version_count; i++)
        if (i != won && out->versions[i].state == VERSION_OPEN &&
            (won != SIZE_MAX || out->versions[i].endorser_count + out->silent_count < out->needed))
            out->versions[i].state = VERSION_OVERTAKEN;
}

/* One version further, if a child of the tip is in force: *ret_on. */
static int step(struct walk *walk, bool *ret_on, struct err *err)
{
    struct community *out = walk->out;
    struct voices voices = {.list = &walk->list, .arena = &walk->voices};
    size_t first = out->version_count, won = SIZE_MAX;
    *ret_on = false;
    arena_clear(&walk->voices);
    int rc = walk->source->endorsements(walk->source->ctx, out->hash, out->tip, hear, &voices, err);
    if (rc == 0 && voices.count > 1)
        qsort(voices.voice, voices.count, sizeof(*voices.voice), compare_voices);
    if (rc == 0)
        rc = take_silent(walk, &voices, err);
    if (rc == 0 && out->number == ROSTER_VERSIONS_MAX)
        out->stuck = true; /* there is no number for a child */
    else if (rc == 0)
        rc = count_children(walk, &voices, &won, err);
    if (rc < 0)
        return rc;
    overtake(out, first, won);
    if (won == SIZE_MAX)
        return 0;
    struct community_version moved = out->versions[won]; /* the one in force stands first among its siblings */
    out->versions[won] = out->versions[first];
    if ((rc = set_tip(walk, &moved, err)) < 0)
        return rc;
    moved.state = VERSION_IN_FORCE;
    out->versions[first] = moved;
    if (walk->brief)
        out->version_count = first + 1;
    *ret_on = true;
    return 0;
}

/* List and charter as they are at the end, and the members' own words. */
static int take_members(struct walk *walk, struct err *err)
{
    struct community *out = walk->out;
    out->members = arena_array(walk->arena, walk->list.count + 1, sizeof(*out->members));
    out->operators = arena_array(walk->arena, walk->list.operator_count + 1, sizeof(char *));
    const char **silent = arena_array(walk->arena, out->silent_count + 1, sizeof(char *));
    if (!out->members || !out->operators || !silent)
        return err_memory(err);
    if (out->silent_count > 0)
        memcpy(silent, out->silent, out->silent_count * sizeof(char *));
    out->silent = silent;
    if (walk->list.count > 0) {
        memcpy(out->members, walk->list.members, walk->list.count * sizeof(*out->members));
        memcpy(out->operators, walk->list.operators, walk->list.operator_count * sizeof(char *));
    }
    if (out->charter) {
        out->charter = arena_alloc(walk->arena, sizeof(*out->charter));
        int rc = out->charter
                     ? walk->source->charter(walk->source->ctx, out->charter_hash, walk->arena, out->charter, err)
                     : err_memory(err);
        if (rc < 0)
            return rc;
    }
    out->member_count = walk->list.count;
    int rc = 0;
    for (size_t i = 0; rc == 0 && !walk->brief && i < out->member_count; i++)
        rc = walk->source->word(walk->source->ctx, out->hash, out->members[i].origin, &out->members[i].word, err);
    return rc;
}

/* Where an earlier walk ended becomes the tip. */
static int stand(struct walk *walk, const struct community_stand *from, struct err *err)
{
    struct community *out = walk->out;
    struct arena *arena = &walk->lists[walk->turn];
    struct candidate candidate = {.arena = arena};
    memcpy(candidate.version.charter, from->charter, 32);
    int rc = read_charter(walk, &candidate, err);
    if (rc < 0)
        return rc;
    walk->list = (struct member_list_state){.members = from->members, .count = from->member_count};
    if ((rc = rules_operators(&walk->list, arena, err)) < 0)
        return rc;
    out->founded = true;
    out->charter = candidate.charter;
    memcpy(out->charter_hash, from->charter, 32);
    memcpy(out->tip, from->tip, 32);
    out->number = from->number;
    set_quorum(out, walk->list.operator_count);
    return 0;
}

static int walk_from(struct walk *walk, const uint8_t community[32], const struct community_stand *from,
                     struct err *err)
{
    struct community *out = walk->out;
    struct arena *const own[] = {&walk->scratch, &walk->voices, &walk->lists[0], &walk->lists[1]};
    bool on = true;
    *out = (struct community){0};
    memcpy(out->hash, community, 32);
    memcpy(out->tip, community, 32);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        arena_init(own[i], WALK_ARENA_MAX);
    int rc = from ? stand(walk, from, err) : found(walk, &on, err);
    while (rc == 0 && on)
        rc = step(walk, &on, err);
    if (rc == 0)
        rc = take_members(walk, err);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        arena_done(own[i]);
    return rc;
}

int community_walk(const struct community_source *source, const uint8_t community[32], struct arena *arena,
                   struct community *ret, struct err *err)
{
    struct walk walk = {.source = source, .arena = arena, .out = ret};
    return walk_from(&walk, community, NULL, err);
}

int community_follow(const struct community_source *source, const uint8_t community[32],
                     const struct community_stand *from, struct arena *arena, struct community *ret, struct err *err)
{
    struct walk walk = {.source = source, .arena = arena, .out = ret, .brief = true};
    return walk_from(&walk, community, from, err);
}

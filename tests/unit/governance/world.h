/*
 * A node with an author, a hosted member and a dozen others' logs, of which much is drawn: who they are, in which groups and
 * communities, what the policy says. By seed, so that what went wrong can be had again.
 */
#ifndef TONGZHOU_TESTS_GOVERNANCE_WORLD_H
#define TONGZHOU_TESTS_GOVERNANCE_WORLD_H

#include "story.h"

#include <time.h>

#include "base/codec.h"
#include "connect/capability.h"
#include "connect/parcels.h"
#include "connect/preview.h"
#include "connect/publishing.h"
#include "connect/routes.h"
#include "governance/cessions.h"
#include "http/signed.h"
#include "index/capability.h"
#include "record/http_sig.h"
#include "security/intel.h"
#include "state/rules.h"

#define MADE 9            /* others' logs; the last is forked */
#define PEOPLE (MADE + 4) /* and the operator, the hosted member, one that is only announced, and a stranger */
#define WHO_OWN MADE
#define WHO_HOSTED (MADE + 1)
#define WHO_LISTED (MADE + 2)
#define WHO_STRANGER (MADE + 3)
#define COMMUNITIES 16
#define HOST_NAME "author.example:8843"

struct world {
    struct node node;
    struct index *index;
    struct view view; /* the operator's */
    struct signed_state *heard;
    struct log_info own, hosted;
    struct made_log made[MADE];
    char origin[PEOPLE][ORIGIN_MAX + 1];
    uint8_t community[COMMUNITIES][32];
    size_t communities;
    uint64_t own_cession; /* entry of the last one in the author's log */
    uint64_t seed;
    int64_t now_ms;
    char policy[8192];
};

/* ---- drawing ---- */

static inline size_t draw(struct world *w, size_t below)
{
    w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(w->seed >> 33) % below;
}

static inline bool chance(struct world *w, size_t percent)
{
    return draw(w, 100) < percent;
}

static inline int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *const countries[] = {"DE", "FR", "CN", "KE"};
static const char *const sectors[] = {"energy", "health", "finance"};
static const char *const kinds_said[] = {"culture/note", "security/note", "economy/offer"};
static const char *const languages_said[] = {"", "en", "zh-Hans", "pt-BR"};
static const char *const group_names[] = {"desk", "north", "weekly"};

/* ---- the members ---- */

static inline void draw_profile(struct world *w, struct profile *profile)
{
    profile->class = (enum member_class)draw(w, 4);
    if (chance(w, 60))
        snprintf(profile->jurisdiction, sizeof(profile->jurisdiction), "%s", countries[draw(w, 4)]);
    for (size_t i = draw(w, 3); i > 0; i--)
        snprintf(profile->sectors.item[profile->sectors.count++], MEMBER_WORD_MAX, "%s", sectors[i - 1]);
}

static inline void draw_made(struct world *w, size_t who)
{
    struct made_log *log = &w->made[who];
    struct profile profile = {0};
    struct buf text;
    char name[32];
    memset(log, 0, sizeof(*log));
    buf_init(&text, INLINE_MAX);
    keys_make(&log->keys);
    snprintf(name, sizeof(name), "m%zu.example", who);
    draw_profile(w, &profile);
    if (who > 2 && chance(w, 50)) /* lives with one of those before, or with the author */
        snprintf(profile.host, sizeof(profile.host), "%s", chance(w, 20) ? w->origin[WHO_OWN] : w->origin[draw(w, 3)]);
    keys_publish(&log->keys, &profile);
    snprintf(profile.name, sizeof(profile.name), "%s", name);
    memset(profile.recovery_hash, 7, sizeof(profile.recovery_hash));
    good(profile_write(&profile, TIME_MS, &text, &err));
    good(origin_make(span_str(name), buf_view(&text), log->origin, &err));
    made_raw(log, buf_view(&text));
    buf_done(&text);
    snprintf(w->origin[who], sizeof(w->origin[who]), "%s", log->origin);
}

static inline void make_own(struct world *w, const char *name, bool is_operator, struct log_info *ret)
{
    struct author_new make = {.time_ms = TIME_MS, .role = LOG_OWN, .is_operator = is_operator};
    make.recovery_path = node_path(&w->node, name);
    draw_profile(w, &make.profile);
    snprintf(make.profile.name, sizeof(make.profile.name), "%s", name);
    if (!is_operator)
        snprintf(make.profile.host, sizeof(make.profile.host), "%s", w->own.origin);
    good(author_create(w->node.store, &make, ret, &err));
}

static inline void feed(struct world *w, size_t who)
{
    made_feed(&w->made[who], w->node.store, w->made[who].count, true);
}

static inline void announce(struct world *w)
{
    struct log_new make = {.origin = span_str(w->origin[WHO_LISTED]), .role = LOG_LISTED, .mode = MODE_FULL};
    int64_t number;
    good(store_begin(w->node.store, &err));
    good(store_log_create(w->node.store, &make, &number, &err));
    good(store_commit(w->node.store, &err));
}

static inline void fold(struct world *w)
{
    good(index_update(w->index, w->node.store, 0, NULL, &err));
}

static inline void world_open(struct world *w, uint64_t seed)
{
    static const char hash[] = "/abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa";
    *w = (struct world){.seed = seed, .now_ms = clock_ms()};
    for (int i = 0; i < 8; i++)
        (void)draw(w, 2);
    node_start(&w->node);
    make_own(w, "author.example", true, &w->own);
    make_own(w, "guest.example", false, &w->hosted);
    snprintf(w->origin[WHO_OWN], ORIGIN_MAX + 1, "%s", w->own.origin);
    snprintf(w->origin[WHO_HOSTED], ORIGIN_MAX + 1, "%s", w->hosted.origin);
    snprintf(w->origin[WHO_LISTED], ORIGIN_MAX + 1, "listed.example%s", hash);
    snprintf(w->origin[WHO_STRANGER], ORIGIN_MAX + 1, "stranger.example%s", hash);
    for (size_t i = 0; i < MADE; i++) {
        draw_made(w, i);
        feed(w, i);
    }
    announce(w);
    freeze(&w->node, &w->made[MADE - 1], 1);
    good(index_open(w->node.dir, &w->index, &err));
    fold(w);
    good(view_open(w->node.store, w->index, (struct viewer){.class = VIEWER_OPERATOR}, OUTLET_PREVIEW, &w->view, &err));
    good(signed_new(w->node.dir, w->now_ms - 60000, &w->heard, &err));
    good(signed_endpoint(w->heard, "http://" HOST_NAME, &err));
}

static inline void world_close(struct world *w)
{
    signed_free(w->heard);
    index_close(w->index);
    for (size_t i = 0; i < MADE; i++)
        made_end(&w->made[i]);
    node_stop(&w->node);
}

/* ---- what happens in it ---- */

/* In the author's own log: inline, or sealed. */
static inline void own_say(struct world *w, struct span text, bool clear)
{
    struct author_item item = {text, clear};
    uint64_t index;
    good(author_append(w->node.store, w->own.number, &item, 1, w->now_ms, &index, &err));
}

static inline void state_word(struct world *w, size_t who, enum statement_type type, const uint8_t target[32])
{
    struct statement statement = {.type = type};
    struct buf text;
    if (who != WHO_OWN) {
        said(&w->made[who], type, target, NULL, NULL);
        feed(w, who);
        return;
    }
    memcpy(statement.target, target, 32);
    buf_init(&text, INLINE_MAX);
    good(statement_write(&statement, w->now_ms, &text, &err));
    own_say(w, buf_view(&text), false);
    buf_done(&text);
}

/* Some of them found a community. The forked one is left out: it says nothing any more. */
static inline void happen_founding(struct world *w)
{
    struct roster_addition founders[MADE];
    struct roster_version version = {.version = 1, .additions = founders};
    size_t who[MADE], count = 0, first = draw(w, MADE - 1);
    char name[32];
    if (w->communities == COMMUNITIES)
        return;
    for (size_t i = 0; i < MADE - 1; i++)
        if (i == first || chance(w, 30))
            who[count++] = i;
    if (count < 2 || chance(w, 70))
        who[count++] = WHO_OWN;
    for (size_t i = 0; i < count; i++)
        founders[i] =
            (struct roster_addition){.origin = w->origin[who[i]], .operator= w->origin[who[i]], .class = CLASS_CIVIL};
    version.addition_count = count;
    snprintf(name, sizeof(name), "Circle %zu", w->communities);
    chartered(&w->made[first], name, 0, version.charter);
    stated(&w->made[first], &version, w->community[w->communities]);
    feed(w, first);
    for (size_t i = 0; i < count; i++)
        state_word(w, who[i], STATEMENT_ENDORSE, w->community[w->communities]);
    w->communities++;
}

static inline void happen_leaving(struct world *w)
{
    size_t who = chance(w, 20) ? WHO_OWN : draw(w, MADE - 1);
    if (w->communities > 0)
        state_word(w, who, STATEMENT_LEAVE, w->community[draw(w, w->communities)]);
}

/* Somebody publishes a group: of a few, of nobody, of tomorrow. */
static inline void happen_group(struct world *w)
{
    const char *members[PEOPLE];
    struct group group = {.members = members};
    size_t owner = chance(w, 50) ? WHO_OWN : draw(w, MADE - 1), percent = draw(w, 60);
    int64_t time_ms = chance(w, 8) ? w->now_ms + 86400000 : w->now_ms - 1;
    struct buf text;
    for (size_t i = 0; i < PEOPLE && percent > 5; i++)
        if (chance(w, percent))
            members[group.count++] = w->origin[i];
    group.ended = group.count == 0;
    snprintf(group.name, sizeof(group.name), "%s", group_names[draw(w, 3)]);
    buf_init(&text, PAYLOAD_MAX);
    bool clear = owner != WHO_OWN || chance(w, 70);
    good(group_write(&group, clear ? TLP_CLEAR : TLP_AMBER, time_ms, &text, &err));
    if (owner == WHO_OWN) {
        own_say(w, buf_view(&text), clear);
    } else {
        made_sealed(&w->made[owner], buf_view(&text), true);
        feed(w, owner);
    }
    buf_done(&text);
}

/* The owner of some group lends somebody to admit to it, from now on or from tomorrow on, or takes back what it said last. */
static inline void happen_cession(struct world *w, size_t owner, size_t delegate, const char *name)
{
    uint64_t last = owner == WHO_OWN ? w->own_cession : w->made[owner].count - 1;
    struct cession cession = {.revokes = chance(w, 25),
                              .index = last,
                              .power = POWER_ADMIT,
                              .from_ms = chance(w, 15) ? w->now_ms + 86400000 : 0,
                              .until_ms = w->now_ms + 3 * INT64_C(86400000)};
    struct buf text;
    snprintf(cession.to, sizeof(cession.to), "%s", w->origin[delegate]);
    snprintf(cession.group, sizeof(cession.group), "%s", name);
    buf_init(&text, INLINE_MAX);
    good(cession_write(&cession, w->now_ms, &text, &err));
    if (owner == WHO_OWN) {
        struct author_item item = {buf_view(&text), false};
        good(author_append(w->node.store, w->own.number, &item, 1, w->now_ms, &w->own_cession, &err));
    } else {
        made_raw(&w->made[owner], buf_view(&text));
        feed(w, owner);
    }
    buf_done(&text);
}

/* Somebody admits to a group of somebody else's; often that one has lent him to do so. */
static inline void happen_admission(struct world *w)
{
    const char *members[PEOPLE], *name = group_names[draw(w, 3)];
    struct group group = {.members = members};
    size_t owner = chance(w, 70) ? WHO_OWN : draw(w, MADE - 1), delegate = draw(w, MADE - 1);
    struct buf text;
    if (owner == delegate)
        return;
    if (chance(w, 80))
        happen_cession(w, owner, delegate, name);
    for (size_t i = 0; i < PEOPLE; i++)
        if (chance(w, 20))
            members[group.count++] = w->origin[i];
    group.ended = group.count == 0;
    snprintf(group.name, sizeof(group.name), "%s#%s", w->origin[owner], name);
    buf_init(&text, PAYLOAD_MAX);
    good(group_write(&group, TLP_CLEAR, w->now_ms - 1, &text, &err));
    made_sealed(&w->made[delegate], buf_view(&text), true);
    feed(w, delegate);
    buf_done(&text);
}

/* ---- policies ---- */

__attribute__((format(printf, 2, 3))) static inline void put(struct world *w, const char *fmt, ...)
{
    size_t len = strlen(w->policy);
    va_list args;
    va_start(args, fmt);
    vsnprintf(w->policy + len, sizeof(w->policy) - len, fmt, args);
    va_end(args);
}

static inline void put_who(struct world *w)
{
    size_t who = draw(w, PEOPLE);
    switch (draw(w, 4)) {
    case 0:
        put(w, " @near");
        break;
    case 1:
        put(w, " ! %s", w->origin[who]);
        break;
    case 2: /* by name alone */
        put(w, " { %.*s %s }", (int)strcspn(w->origin[who], "/"), w->origin[who], w->origin[draw(w, PEOPLE)]);
        break;
    default:
        put(w, " %s", w->origin[who]);
    }
}

static inline void put_group(struct world *w)
{
    put(w, " %s%s#%s", chance(w, 20) ? "! " : "", w->origin[chance(w, 60) ? WHO_OWN : draw(w, MADE)],
        group_names[draw(w, 3)]);
}

static inline void put_condition(struct world *w, size_t which)
{
    static const char *const tlps[] = {"clear", "green", "amber", "amber+strict", "red"};
    static const char *const classes[] = {"state", "private", "civil", "intergovernmental"};
    switch (which) {
    case 0:
        put(w, " kind %s", chance(w, 30) ? "culture/*" : kinds_said[draw(w, 3)]);
        break;
    case 1:
        put(w, " tlp %s %s", chance(w, 50) ? "<=" : ">=", tlps[draw(w, 5)]);
        break;
    case 2:
        put(w, " to");
        put_who(w);
        break;
    case 3:
        put(w, " to-class %s%s", chance(w, 30) ? "! " : "", classes[draw(w, 4)]);
        break;
    case 4:
        put(w, " to-jurisdiction %s%s", chance(w, 30) ? "! " : "", countries[draw(w, 4)]);
        break;
    case 5:
        put(w, " to-sector %s%s", chance(w, 30) ? "! " : "", chance(w, 20) ? "none" : sectors[draw(w, 3)]);
        break;
    case 6:
        put(w, " to-group");
        put_group(w);
        break;
    case 7:
        put(w, " to-trust >= %zu", draw(w, 5));
        break;
    case 8:
        put(w, " from");
        put_who(w);
        break;
    case 9:
        put(w, " group");
        put_group(w);
        break;
    case 10:
        put(w, " language %s", chance(w, 30) ? "none" : languages_said[1 + draw(w, 3)]);
        break;
    case 11:
        put(w, " size > %zu", draw(w, 500));
        break;
    default:
        put(w, " age %s 1h", chance(w, 50) ? "<" : ">");
    }
}

static inline void put_rule(struct world *w)
{
    bool refuses = chance(w, 50), used[13] = {false};
    put(w, refuses ? "refuse share" : "share");
    for (size_t i = draw(w, 3); i > 0; i--) {
        size_t which = draw(w, 13);
        if (!used[which])
            put_condition(w, which);
        used[which] = true;
    }
    put(w, refuses ? " reason \"drawn\"\n" : "\n");
}

static inline void happen_policy(struct world *w)
{
    static struct policy_errors errors;
    char path[256];
    bool changed;
    w->policy[0] = '\0';
    put(w, "set near = { %s %s %s }\n", w->origin[draw(w, MADE)], w->origin[draw(w, PEOPLE)], w->origin[draw(w, MADE)]);
    put(w, "trust %s = %zu\ntrust @near = %zu\n", w->origin[draw(w, MADE)], draw(w, 5), draw(w, 5));
    for (size_t i = draw(w, 7); i > 0; i--)
        put_rule(w);
    if (chance(w, 70))
        put(w, "share\n");
    snprintf(path, sizeof(path), "%s/policy.conf", w->node.dir);
    if (chance(w, 10)) { /* none: what is built in */
        unlink(path);
        w->policy[0] = '\0';
    } else {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(w->policy, file);
        assert_int_equal(fclose(file), 0);
    }
    struct err err = {0};
    if (rules_adopt(w->node.store, w->now_ms, &errors, &changed, &err) < 0)
        fail_msg("%s\n%s", err.text, w->policy);
}

#endif

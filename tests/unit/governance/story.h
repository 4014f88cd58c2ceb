/* Logs made outside of any node that tell a community's story: four found it, the fifth joins, the sixth is overtaken. */
#ifndef TONGZHOU_TESTS_GOVERNANCE_STORY_H
#define TONGZHOU_TESTS_GOVERNANCE_STORY_H

#include "index/made_log.h"

#include "base/codec.h"
#include "base/sha256.h"
#include "governance/desk.h"

#define LOGS 6
#define FORKED 2 /* this one turns out to have two histories */

/* ---- saying things ---- */

static inline void said(struct made_log *log, enum statement_type type, const uint8_t target[32], const uint8_t *parent,
                        const char *origin)
{
    struct statement statement = {.type = type, .has_parent = parent != NULL};
    struct buf text;
    memcpy(statement.target, target, 32);
    if (parent)
        memcpy(statement.parent, parent, 32);
    if (origin)
        snprintf(statement.origin, sizeof(statement.origin), "%s", origin);
    buf_init(&text, INLINE_MAX);
    good(statement_write(&statement, TIME_MS, &text, &err));
    made_raw(log, buf_view(&text));
    buf_done(&text);
}

static inline void stated(struct made_log *log, struct roster_version *version, uint8_t ret[32])
{
    struct buf text;
    buf_init(&text, INLINE_MAX);
    good(roster_write(version, TIME_MS, &text, &err));
    sha256_once(buf_view(&text), ret);
    made_raw(log, buf_view(&text));
    buf_done(&text);
}

static inline void chartered(struct made_log *log, const char *name, uint64_t sponsors, uint8_t ret[32])
{
    static struct charter charter;
    struct buf text;
    buf_init(&text, INLINE_MAX);
    charter_default(name, &charter);
    charter.sponsors = sponsors;
    good(charter_write(&charter, TIME_MS, &text, &err));
    sha256_once(buf_view(&text), ret);
    made_raw(log, buf_view(&text));
    buf_done(&text);
}

static inline void grouped(struct made_log *log, const char *name, const char **members, size_t count, int64_t time_ms)
{
    struct group group = {.members = members, .count = count, .ended = count == 0};
    struct buf text;
    snprintf(group.name, sizeof(group.name), "%s", name);
    buf_init(&text, PAYLOAD_MAX);
    good(group_write(&group, TLP_CLEAR, time_ms, &text, &err));
    made_sealed(log, buf_view(&text), true);
    buf_done(&text);
}

/* ---- a community of six: four found it, the fifth joins, the sixth is proposed at the same time ---- */

struct story {
    struct made_log logs[LOGS];
    uint8_t charter[32], first[32], second[32], rival[32], third[32];
    size_t fork_at;
};

static inline struct roster_version child(const struct story *story, uint64_t number, const uint8_t parent[32],
                                          struct roster_addition *addition)
{
    struct roster_version version = {
        .version = number, .has_parent = true, .additions = addition, .addition_count = addition ? 1 : 0};
    memcpy(version.charter, story->charter, 32);
    memcpy(version.parent, parent, 32);
    return version;
}

static inline void story_founding(struct story *story)
{
    struct roster_addition founders[4];
    struct roster_version version = {.version = 1, .additions = founders, .addition_count = 4};
    for (size_t i = 0; i < LOGS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%c.example", (char)('a' + i));
        made_begin(&story->logs[i], name);
    }
    for (size_t i = 0; i < 4; i++)
        founders[i] = (struct roster_addition){
            .origin = story->logs[i].origin, .operator= story->logs[i].origin, .class = CLASS_CIVIL};
    chartered(&story->logs[0], "Harbour", 1, story->charter);
    memcpy(version.charter, story->charter, 32);
    stated(&story->logs[0], &version, story->first);
    for (size_t i = 0; i < 4; i++)
        said(&story->logs[i], STATEMENT_ENDORSE, story->first, NULL, NULL);
}

static inline void story_growth(struct story *story)
{
    struct made_log *logs = story->logs;
    struct roster_addition addition = {.origin = logs[4].origin,
                                       .operator= logs[4].origin,
                                       .class = CLASS_STATE,
                                       .sponsors = {logs[0].origin},
                                       .sponsor_count = 1};
    struct roster_version version = child(story, 2, story->first, &addition);
    said(&logs[4], STATEMENT_JOIN, story->first, NULL, NULL);
    said(&logs[5], STATEMENT_JOIN, story->first, NULL, NULL);
    said(&logs[0], STATEMENT_SPONSOR, story->first, NULL, logs[4].origin);
    stated(&logs[1], &version, story->second);
    addition.origin = addition.operator= logs[5].origin;
    stated(&logs[3], &version, story->rival);
    said(&logs[3], STATEMENT_ENDORSE, story->rival, story->first, NULL);
    for (size_t i = 0; i < 4; i++)
        said(&logs[i], STATEMENT_ENDORSE, story->second, story->first, NULL);
    /* Five operators now, four needed: the third version hangs on the log that turns out to have two histories. */
    version = child(story, 3, story->second, NULL);
    struct roster_removal removal = {.origin = logs[3].origin};
    version.removals = &removal;
    version.removal_count = 1;
    said(&logs[3], STATEMENT_LEAVE, story->first, NULL, NULL);
    stated(&logs[4], &version, story->third);
    story->fork_at = logs[FORKED].count;
    for (size_t i = 0; i < 5; i++)
        if (i != 3)
            said(&logs[i], STATEMENT_ENDORSE, story->third, story->second, NULL);
    const char *members[] = {logs[4].origin, logs[5].origin};
    grouped(&logs[0], "desk", members, 2, TIME_MS);
    grouped(&logs[0], "desk", members, 1, TIME_MS + 1000);
}

static inline void story_end(struct story *story)
{
    for (size_t i = 0; i < LOGS; i++)
        made_end(&story->logs[i]);
}

static inline void freeze(struct node *node, const struct made_log *log, size_t at)
{
    struct log_info info;
    good(store_log_by_origin(node->store, span_str(log->origin), &info, &err));
    good(store_begin(node->store, &err));
    good(mirror_fork(node->store, info.number, true, at, SPAN_LIT("proof"), &err));
    good(store_commit(node->store, &err));
}

/* ---- a node that has read it ---- */

struct town {
    struct node node;
    struct index *index;
    struct view view;
};

static inline void town_open(struct town *town, const struct story *story)
{
    node_start(&town->node);
    for (size_t i = 0; i < LOGS; i++)
        made_feed(&story->logs[i], town->node.store, story->logs[i].count, true);
    good(index_open(town->node.dir, &town->index, &err));
    good(index_update(town->index, town->node.store, 0, NULL, &err));
    good(view_open(town->node.store, town->index, (struct viewer){.class = VIEWER_PUBLIC}, OUTLET_HTTP_PAGES,
                   &town->view, &err));
}

static inline void town_close(struct town *town)
{
    index_close(town->index);
    node_stop(&town->node);
}

#endif

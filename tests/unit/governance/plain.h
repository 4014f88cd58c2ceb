/* Communities without a node: logs of statements in memory, texts by their hash, and views of how far somebody has read. */
#ifndef TONGZHOU_TESTS_GOVERNANCE_PLAIN_H
#define TONGZHOU_TESTS_GOVERNANCE_PLAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/codec.h"
#include "base/sha256.h"
#include "governance/community.h"
#include "governance/grant.h"
#include "governance/group.h"
#include "governance/statement.h"
#include "record/kind.h"

#define PLAIN_TIME_MS INT64_C(1795000000000)
#define PLAIN_LOGS 24
#define PLAIN_ENTRIES 400

#define good(call)                                                                                                     \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        if ((call) < 0)                                                                                                \
            fail_msg("%s: %s", #call, err.text);                                                                       \
    } while (0)

#define bad(call, wanted, text_part)                                                                                   \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        int bad_rc = (call);                                                                                           \
        if (bad_rc != (wanted) || !strstr(err.text, (text_part)))                                                      \
            fail_msg("%s: %d \"%s\", expected %d \"%s\"", #call, bad_rc, err.text, (int)(wanted), (text_part));        \
    } while (0)

static inline void plain_origin(const char *name, char out[ORIGIN_MAX + 1])
{
    uint8_t hash[32];
    char text[64];
    sha256_once(span_str(name), hash);
    base32_encode(hash, 32, text);
    snprintf(out, ORIGIN_MAX + 1, "%s/%s", name, text);
}

/* An entry: a statement, or the text of a roster version or charter. */
struct plain_entry {
    struct statement statement;
    const char *text; /* NULL: a statement */
    size_t len;
    uint8_t hash[32];
};

/* branch[1] is what an operator with two histories shows to others; it has branch[0]'s first `shared` entries. */
struct plain_log {
    char origin[ORIGIN_MAX + 1];
    struct plain_entry branch[2][PLAIN_ENTRIES];
    size_t count[2], shared;
};

struct plain_world {
    struct plain_log log[PLAIN_LOGS];
    size_t logs;
    struct arena arena; /* texts */
};

/* How far a reader has come in each log, and which history of it he was shown. */
struct plain_view {
    struct plain_world *world;
    unsigned char branch[PLAIN_LOGS];
    size_t len[PLAIN_LOGS];
    size_t order[PLAIN_LOGS]; /* in which logs are gone through: must not matter */
};

static inline struct plain_world *plain_world_new(void)
{
    struct plain_world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    arena_init(&world->arena, 64u << 20);
    return world;
}

static inline void plain_world_free(struct plain_world *world)
{
    arena_done(&world->arena);
    free(world);
}

static inline struct plain_log *plain_log_new(struct plain_world *world, const char *name)
{
    assert_true(world->logs < PLAIN_LOGS);
    struct plain_log *log = &world->log[world->logs++];
    plain_origin(name, log->origin);
    log->shared = SIZE_MAX;
    return log;
}

/* Add to one branch; to both as long as the log has one history. */
static inline void plain_add(struct plain_log *log, unsigned branch, const struct plain_entry *entry)
{
    for (unsigned b = 0; b < 2; b++) {
        if (b != branch && log->shared != SIZE_MAX)
            continue;
        assert_true(log->count[b] < PLAIN_ENTRIES);
        log->branch[b][log->count[b]++] = *entry;
    }
}

static inline void plain_text(struct plain_world *world, struct plain_log *log, unsigned branch, struct span text,
                              uint8_t ret_hash[32])
{
    struct plain_entry entry = {.len = text.len};
    entry.text = arena_strz(&world->arena, text);
    assert_non_null(entry.text);
    sha256_once(text, entry.hash);
    memcpy(ret_hash, entry.hash, 32);
    plain_add(log, branch, &entry);
}

static inline void plain_charter(struct plain_world *world, struct plain_log *log, const struct charter *charter,
                                 uint8_t ret_hash[32])
{
    struct buf text;
    buf_init(&text, INLINE_MAX);
    good(charter_write(charter, PLAIN_TIME_MS, &text, &err));
    plain_text(world, log, 0, buf_view(&text), ret_hash);
    buf_done(&text);
}

static inline void plain_roster(struct plain_world *world, struct plain_log *log, unsigned branch,
                                struct roster_version *version, int64_t time_ms, uint8_t ret_hash[32])
{
    struct buf text;
    buf_init(&text, INLINE_MAX);
    good(roster_write(version, time_ms, &text, &err));
    plain_text(world, log, branch, buf_view(&text), ret_hash);
    buf_done(&text);
}

static inline void plain_say(struct plain_log *log, unsigned branch, enum statement_type type, const uint8_t target[32],
                             const uint8_t *parent)
{
    struct plain_entry entry = {.statement = {.type = type, .has_parent = parent != NULL}};
    memcpy(entry.statement.target, target, 32);
    if (parent)
        memcpy(entry.statement.parent, parent, 32);
    plain_add(log, branch, &entry);
}

/* All of it, first history. */
static inline struct plain_view plain_all(struct plain_world *world)
{
    struct plain_view view = {.world = world};
    for (size_t i = 0; i < world->logs; i++) {
        view.len[i] = world->log[i].count[0];
        view.order[i] = i;
    }
    return view;
}

/* ---- as a source ---- */

static inline int plain_load(struct plain_view *view, const uint8_t hash[32], struct arena *arena, struct record *ret,
                             struct err *err)
{
    for (size_t k = 0; k < view->world->logs; k++) {
        size_t i = view->order[k];
        for (size_t e = 0; e < view->len[i]; e++) {
            const struct plain_entry *entry = &view->world->log[i].branch[view->branch[i]][e];
            if (entry->text && memcmp(entry->hash, hash, 32) == 0)
                return record_parse(span_of(entry->text, entry->len), arena, ret, err);
        }
    }
    return err_set(err, ERR_NOTFOUND, "no such text");
}

static inline int plain_get_version(void *ctx, const uint8_t hash[32], struct arena *arena, struct roster_version *ret,
                                    struct err *err)
{
    struct record record;
    int rc = plain_load(ctx, hash, arena, &record, err);
    return rc == 0 ? roster_parse(&record, arena, ret, err) : rc;
}

static inline int plain_get_charter(void *ctx, const uint8_t hash[32], struct arena *arena, struct charter *ret,
                                    struct err *err)
{
    struct record record;
    int rc = plain_load(ctx, hash, arena, &record, err);
    return rc == 0 ? charter_parse(&record, arena, ret, err) : rc;
}

static inline int plain_get_endorsements(void *ctx, const uint8_t community[32], const uint8_t *parent,
                                         int (*each)(void *each_ctx, const uint8_t roster[32], const char *origin,
                                                     struct err *err),
                                         void *each_ctx, struct err *err)
{
    struct plain_view *view = ctx;
    for (size_t k = 0; k < view->world->logs; k++) {
        struct plain_log *log = &view->world->log[view->order[k]];
        size_t seen = 0, max = parent ? 1 : COMMUNITY_FOUNDINGS_MAX;
        for (size_t e = 0; e < view->len[view->order[k]] && seen < max; e++) {
            const struct plain_entry *entry = &log->branch[view->branch[view->order[k]]][e];
            const struct statement *said = &entry->statement;
            if (entry->text || said->type != STATEMENT_ENDORSE || said->has_parent != (parent != NULL) ||
                (parent && memcmp(said->parent, parent, 32) != 0))
                continue;
            seen++;
            if (!parent && memcmp(said->target, community, 32) != 0)
                continue;
            int rc = each(each_ctx, said->target, log->origin, err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static inline int plain_get_word(void *ctx, const uint8_t community[32], const char *origin, enum community_word *ret,
                                 struct err *err)
{
    struct plain_view *view = ctx;
    (void)err;
    *ret = WORD_NONE;
    for (size_t i = 0; i < view->world->logs; i++) {
        struct plain_log *log = &view->world->log[i];
        if (strcmp(log->origin, origin) != 0)
            continue;
        for (size_t e = 0; e < view->len[i]; e++) {
            const struct plain_entry *entry = &log->branch[view->branch[i]][e];
            const struct statement *said = &entry->statement;
            if (entry->text || memcmp(said->target, community, 32) != 0 || said->type == STATEMENT_SPONSOR ||
                (said->type == STATEMENT_ENDORSE && said->has_parent))
                continue;
            *ret = said->type == STATEMENT_LEAVE ? WORD_LEFT : WORD_IN;
        }
    }
    return 0;
}

static inline void plain_walk(struct plain_view *view, const uint8_t community[32], struct arena *arena,
                              struct community *ret)
{
    struct community_source source = {view, plain_get_version, plain_get_charter, plain_get_endorsements,
                                      plain_get_word};
    good(community_walk(&source, community, arena, ret, &err));
}

#endif

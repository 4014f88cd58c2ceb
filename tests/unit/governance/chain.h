/* A large community: a chain of versions, each of which adds as many operators as fit. */
#ifndef TONGZHOU_TESTS_GOVERNANCE_CHAIN_H
#define TONGZHOU_TESTS_GOVERNANCE_CHAIN_H

#include "plain.h"

#define CHAIN_VERSIONS 66

struct chain {
    struct arena arena;
    const char **origin; /* ascending; 0..members_of(version): those of that version */
    size_t count;
    uint8_t charter[32], hash[CHAIN_VERSIONS][32]; /* hash[0] is that of version 1 */
    struct span charter_text, text[CHAIN_VERSIONS];
    size_t versions;
};

static inline size_t chain_members(const struct chain *chain, size_t version)
{
    size_t members = version * ROSTER_CHANGES_MAX;
    return members < chain->count ? members : chain->count;
}

/* A text of its own, not in the chain. */
static inline struct span chain_text(struct chain *chain, struct roster_version *version, uint8_t ret[32])
{
    struct buf text;
    buf_init(&text, INLINE_MAX);
    good(roster_write(version, PLAIN_TIME_MS, &text, &err));
    struct span kept = arena_copy(&chain->arena, buf_view(&text));
    assert_non_null(kept.data);
    sha256_once(kept, ret);
    buf_done(&text);
    return kept;
}

/* The next version, which adds the operators [from, to). */
static inline struct roster_version chain_child(const struct chain *chain, struct roster_addition *additions,
                                                size_t from, size_t to)
{
    struct roster_version version = {.version = chain->versions + 1, .additions = additions};
    memcpy(version.charter, chain->charter, 32);
    version.has_parent = chain->versions > 0;
    if (version.has_parent)
        memcpy(version.parent, chain->hash[chain->versions - 1], 32);
    for (size_t i = from; i < to; i++)
        additions[version.addition_count++] = (struct roster_addition){
            .origin = chain->origin[i], .operator= chain->origin[i], .class = (enum member_class)(i % 4)};
    return version;
}

/* Names ascend as bytes. `extra` more that no version lists. */
static inline void chain_make(struct chain *chain, size_t count, size_t extra)
{
    static struct charter charter;
    static struct roster_addition additions[ROSTER_CHANGES_MAX];
    struct buf text;
    *chain = (struct chain){.count = count};
    arena_init(&chain->arena, 128u << 20);
    chain->origin = arena_array(&chain->arena, count + extra, sizeof(char *));
    assert_non_null(chain->origin);
    for (size_t i = 0; i < count + extra; i++) {
        char name[32], origin[ORIGIN_MAX + 1];
        snprintf(name, sizeof(name), "m%05zu.example", i);
        plain_origin(name, origin);
        chain->origin[i] = arena_strz(&chain->arena, span_str(origin));
    }
    charter_default("Crowd", &charter);
    charter.endorsements = 0;
    charter.sponsors = 0;
    buf_init(&text, INLINE_MAX);
    good(charter_write(&charter, PLAIN_TIME_MS, &text, &err));
    chain->charter_text = arena_copy(&chain->arena, buf_view(&text));
    sha256_once(buf_view(&text), chain->charter);
    buf_done(&text);
    for (size_t from = 0; from < count; from += ROSTER_CHANGES_MAX) {
        size_t to = from + ROSTER_CHANGES_MAX < count ? from + ROSTER_CHANGES_MAX : count;
        struct roster_version version = chain_child(chain, additions, from, to);
        chain->text[chain->versions] = chain_text(chain, &version, chain->hash[chain->versions]);
        chain->versions++;
    }
}

static inline void chain_done(struct chain *chain)
{
    arena_done(&chain->arena);
}

#endif

/*
 * The fold over a community's records: which roster versions are in force, who belongs, what is open and what would
 * decide it. Pure: the same records give the same answer in whatever order they arrived. No clock, no database: records
 * come through a `struct community_source`, which stands over the index, or over plain memory in the tests.
 *
 * A version 1 is judged by itself, every other by its parent, which must be in force: n = distinct operators that it
 * lists, f = ⌊(n−1)/3⌋, q = ⌊(n+f)/2⌋+1, needed = max(q, min(k, n)) endorsements of distinct operators. An operator
 * speaks through its own member's log, and there its first endorsement under a parent counts. Since 2q > n at any one
 * cut at most one child of a parent is in force; since 2q − n > f the same holds across cuts while at most f operators
 * keep two histories. PROTOCOL.md, "Communities".
 */
#ifndef TONGZHOU_GOVERNANCE_COMMUNITY_H
#define TONGZHOU_GOVERNANCE_COMMUNITY_H

#include "governance/charter.h"
#include "governance/roster.h"

#define COMMUNITY_MEMBERS_MAX 16384 /* lines of a roster: a blueprint's community of 10,000, and room */
#define COMMUNITY_FOUNDINGS_MAX 16  /* endorsements of first versions that count in one log */

/* What a member's own log says last of a community. */
enum community_word { WORD_NONE, WORD_IN, WORD_LEFT };

/*
 * Where records come from. All answers are as of one cut; what a log holds behind the index at which it is frozen is
 * not among them.
 *   version, charter  the record with this hash, in the arena; ERR_NOTFOUND: its text is not here
 *   endorsements      calls `each` for every endorsement that has effect. parent NULL: those of the version 1 `community`
 *                     that are among the first COMMUNITY_FOUNDINGS_MAX endorsements of first versions in their log. Else:
 *                     of each log the first that names this parent, whatever version it endorses.
 *   word              the last in this log among: endorsing the version 1 `community` or joining it (WORD_IN), leaving it
 */
struct community_source {
    void *ctx;
    int (*version)(void *ctx, const uint8_t hash[32], struct arena *arena, struct roster_version *ret, struct err *err);
    int (*charter)(void *ctx, const uint8_t hash[32], struct arena *arena, struct charter *ret, struct err *err);
    int (*endorsements)(void *ctx, const uint8_t community[32], const uint8_t *parent,
                        int (*each)(void *each_ctx, const uint8_t roster[32], const char *origin, struct err *err),
                        void *each_ctx, struct err *err);
    int (*word)(void *ctx, const uint8_t community[32], const char *origin, enum community_word *ret, struct err *err);
};

struct community_member {
    const char *origin, *operator;
    enum member_class class;
    uint64_t since; /* the version that added it, or changed its line last */
    enum community_word word;
};

/* Listed, and its own log says so last. */
static inline bool community_belongs(const struct community_member *member)
{
    return member->word == WORD_IN;
}

enum version_state {
    VERSION_IN_FORCE,
    VERSION_OPEN,      /* enough operators have not spoken yet */
    VERSION_OVERTAKEN, /* a sibling is in force, or so many chose siblings that too few are left */
    VERSION_INVALID,   /* breaks a rule: `why` */
    VERSION_UNKNOWN,   /* its text, or its charter's, is not here */
};
const char *version_state_word(enum version_state state);

struct community_version {
    uint8_t hash[32], charter[32];
    uint64_t number;
    enum version_state state;
    const char **endorsers; /* operators whose endorsement counts, ascending */
    size_t endorser_count;
    uint64_t needed;
    const char *why;    /* VERSION_INVALID, VERSION_UNKNOWN */
    uint8_t wanted[32]; /* VERSION_UNKNOWN: the text that is not here */
};

struct community {
    uint8_t hash[32]; /* = that of version 1 */
    bool founded;     /* version 1 is in force */
    bool has_refounds;
    uint8_t refounds[32];
    struct community_version *versions; /* seen: by number, those in force first, then by hash */
    size_t version_count, version_cap;
    /* The last version in force; before the founding what version 1 lists. */
    uint64_t number;
    uint8_t tip[32], charter_hash[32];
    struct charter *charter;          /* NULL if version 1 or its charter is not here */
    struct community_member *members; /* ascending by origin */
    size_t member_count;
    const char **operators; /* ascending */
    size_t operator_count;
    uint64_t quorum, needed; /* for a child of the tip; before the founding for version 1 itself */
    const char **silent;     /* operators with no endorsement under the tip (before the founding: of version 1) */
    size_t silent_count;
    bool stuck; /* whatever the silent ones say, no child of the tip that is known or new can come into force */
};

/* Walk from version 1 along what is in force. Everything in `ret` lives in the arena. */
int community_walk(const struct community_source *source, const uint8_t community[32], struct arena *arena,
                   struct community *ret, struct err *err);

/* A version in force, as a walk over some of the same records left it: more records never undo it. */
struct community_stand {
    uint64_t number;
    uint8_t tip[32], charter[32];
    struct community_member *members; /* ascending by origin, and they outlive `ret`; `word` is not looked at */
    size_t member_count;
};

/*
 * Only what is in force, for those who keep it: from version 1 (`from` NULL), or on from where they stand. As community_walk,
 * but `versions` are those in force from there on, and of the last one every child that an operator endorses, with its
 * `endorser_count`; of these only what enough endorse is judged (VERSION_INVALID, VERSION_UNKNOWN), the others are
 * VERSION_OPEN or VERSION_OVERTAKEN unread. No `endorsers`, nobody's `word`, and `stuck` only as far as this tells.
 */
int community_follow(const struct community_source *source, const uint8_t community[32],
                     const struct community_stand *from, struct arena *arena, struct community *ret, struct err *err);

/* The numbers of n operators under a charter that asks for k endorsements. */
uint64_t community_faults(uint64_t operators);
uint64_t community_quorum(uint64_t operators);
uint64_t community_needed(uint64_t operators, uint64_t k);

/* The member's line, or NULL. */
struct community_member *community_find(const struct community *community, const char *origin);
bool community_is_operator(const struct community *community, const char *origin);

/* Would this version be valid as a child of the tip? ERR_VERIFY says which rule it breaks. */
int community_check_child(const struct community *community, const struct roster_version *version, struct arena *arena,
                          struct err *err);

/*
 * SHA-256 over the roster as text, to be compared between nodes: "tongzhou/1 roster⏎", then community, tip and number,
 * then a line a member: origin, operator, class, "in", "left" or "listed".
 */
void community_digest(const struct community *community, uint8_t out[32]);

#endif

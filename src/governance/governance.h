/*
 * governance: communities and their rosters, and groups. Over index.db:
 *
 *   governance_charter, _roster, _endorse, _word, _sponsor   constitutional records, a row each
 *   governance_group, _group_member                          groups, a row a record and one a name in it
 *   governance_grant                                         what was said to groups before, given to newcomers
 *   governance_cession, _cession_end                         powers that members cede, and take back (cessions.h)
 *   governance_community, _version, _belongs, _wants         what holds: of each community that is founded here its name
 *                          and version in force, all versions that were, whom it lists and who belongs, and which texts are
 *                          waited for
 *   governance_poll, _voter, _tally                          voices as they come in (governance/tally.h)
 *
 * The last two lines follow the others as records arrive, and are a function of them: the tables are the same in any order
 * of arrival.
 */
#ifndef TONGZHOU_GOVERNANCE_GOVERNANCE_H
#define TONGZHOU_GOVERNANCE_GOVERNANCE_H

#include "governance/community.h"
#include "governance/grant.h"
#include "governance/group.h"
#include "governance/statement.h"
#include "index/view.h"

extern const struct capability governance_capability;

/* ---- source.c: the records in an index, for community_walk ---- */

struct community_source governance_source(struct index *index);

/* Text of the roster version or charter with this hash, and in whose log it stands; in the arena. ERR_NOTFOUND. */
int governance_text(struct index *index, const char *kind, const uint8_t hash[32], struct arena *arena,
                    struct span *ret_text, const char **ret_origin, struct err *err);

/* ---- query.c ---- */

#define GOVERNANCE_ARENA_MAX (192u << 20) /* bytes: the strings of 1,024 versions of 64 kB, each rounded up */

struct governance_summary {
    uint8_t hash[32];
    const char *name;
    uint64_t number, members, belonging; /* of the version in force; how many of its members say that they belong */
};

/* Communities that are founded as far as is known here, by name and hash: from the `first`, at most `max`. */
int governance_communities(const struct view *view, uint64_t first, uint64_t max,
                           int (*each)(void *ctx, const struct governance_summary *one, struct err *err), void *ctx,
                           struct err *err);

uint64_t governance_community_count(const struct view *view);

/* Hashes of first versions that somebody stated or endorsed and that are not in force. At most `max`. */
int governance_foundings(const struct view *view, size_t max, uint8_t (*ret)[32], size_t *ret_count, struct err *err);

/* By hash, beginning of it (8 hex digits or more), or name; among foundings too. ERR_NOTFOUND, ERR_USAGE: several. */
int governance_find(const struct view *view, struct span text, uint8_t ret[32], struct err *err);

/* The only community to which this member belongs. ERR_NOTFOUND none, ERR_USAGE several. */
int governance_only(const struct view *view, const char *origin, uint8_t ret[32], struct err *err);

/* To which one does a version belong: hash, or beginning of it. Also of versions that are not in force. */
int governance_find_version(const struct view *view, struct span text, uint8_t ret[32], uint8_t ret_community[32],
                            struct err *err);

/* Who asks to be added, or has left, that is, whose last word it is. */
struct governance_word {
    const char *origin, *message;
    int64_t time_ms;
    bool left;
};
int governance_words(const struct view *view, const uint8_t community[32],
                     int (*each)(void *ctx, const struct governance_word *word, struct err *err), void *ctx,
                     struct err *err);

/* Who vouches for this one, each once. */
int governance_sponsors(const struct view *view, const uint8_t community[32], const char *subject,
                        int (*each)(void *ctx, const char *origin, struct err *err), void *ctx, struct err *err);

/* What this log says of children of `parent` (NULL: of first versions), in order; `effect`: it counts. */
struct governance_endorsement {
    const char *origin;
    uint8_t roster[32];
    uint64_t index;
    bool effect;
};
int governance_endorsements(const struct view *view, const uint8_t *parent, const char *origin,
                            int (*each)(void *ctx, const struct governance_endorsement *one, struct err *err),
                            void *ctx, struct err *err);

/* Endorsements of this community's versions that have no effect, since their log had endorsed another first. At most `max`. */
int governance_idle(const struct view *view, const uint8_t community[32], size_t max,
                    int (*each)(void *ctx, const struct governance_endorsement *one, struct err *err), void *ctx,
                    struct err *err);

/* Communities that this operator belongs to and where it can say something now that counts: it has not spoken under the tip. */
int governance_unspoken(const struct view *view, const char *origin, size_t max, uint8_t (*ret)[32], size_t *ret_count,
                        struct err *err);

/* Versions stated under `parent` that nobody's endorsement counts for, by members of the tip; at most `max`. */
int governance_proposed(const struct view *view, const struct community *community, size_t max, uint8_t (*ret)[32],
                        size_t *ret_count, struct err *err);

/* Bytes of all texts that a walk of it may read: what it costs to show it. */
int governance_weight(const struct view *view, const uint8_t community[32], uint64_t *ret_bytes, struct err *err);

/*
 * Which logs the roster depends on, as far as they are here: SHA-256 of "tongzhou/1 cut⏎", then "ORIGIN SIZE ROOT-HEX⏎" for
 * each member's log, ascending.
 */
int governance_cut(const struct view *view, const struct community *community, uint8_t ret[32], struct err *err);

/* ---- group.c's records, as folded ---- */

struct governance_group {
    const char *origin, *name;
    int64_t ref, time_ms;
    uint64_t count;
    bool ended;
};
int governance_groups(const struct view *view,
                      int (*each)(void *ctx, const struct governance_group *group, struct err *err), void *ctx,
                      struct err *err);
int governance_group_members(const struct view *view, int64_t ref,
                             int (*each)(void *ctx, const char *origin, struct err *err), void *ctx, struct err *err);

bool governance_same_community(const struct view *view, struct span a, struct span b);
int governance_each_of_community(const struct view *view, struct span member,
                                 int (*each)(void *ctx, struct span other, struct err *err), void *ctx,
                                 struct err *err);
int governance_each_in_group(const struct view *view, struct span group, int64_t time_ms,
                             int (*each)(void *ctx, struct span member, int64_t since_ms, struct err *err), void *ctx,
                             struct err *err);
bool governance_in_group(const struct view *view, struct span group, struct span member, int64_t time_ms);
int64_t governance_group_record(const struct view *view, struct span group, int64_t time_ms);
enum group_state governance_group_state(const struct view *view, struct span group);
bool governance_in_group_since(const struct view *view, struct span author, struct span group, struct span member,
                               int64_t time_ms, int64_t *ret_since_ms);
uint64_t governance_audience_mark(const struct view *view, struct span group);
uint64_t governance_membership_mark(const struct view *view, struct span member);

/* For cessions.c: one list of a log, by its name; whose lists count at all. */
int64_t governance_list_then(const struct view *view, struct span owner, struct span name, int64_t time_ms);
bool governance_list_has(const struct view *view, int64_t list, struct span member);
int64_t governance_list_since(const struct view *view, struct span owner, struct span name, struct span member,
                              int64_t time_ms);
int governance_list_each(const struct view *view, struct span owner, struct span name, int64_t time_ms,
                         int (*each)(void *ctx, struct span member, int64_t since_ms, struct err *err), void *ctx,
                         struct err *err);
bool governance_owner_stands(const struct view *view, struct span owner);

#endif

/* What a version does to the list of members, and whether it may. Private to the core. */
#ifndef TONGZHOU_GOVERNANCE_COMMUNITY_RULES_H
#define TONGZHOU_GOVERNANCE_COMMUNITY_RULES_H

#include "governance/community.h"

struct member_list_state {
    struct community_member *members;
    size_t count;
    const char **operators;
    size_t operator_count;
};

/*
 * The list behind `version`, made in the arena. `before` NULL: version 1. `sponsors`: how many the parent's charter asks for.
 * ERR_VERIFY: the rule that it breaks.
 */
int rules_apply(const struct member_list_state *before, uint64_t number, uint64_t sponsors,
                const struct roster_version *version, struct arena *arena, struct member_list_state *ret,
                struct err *err);

/* Sets the list's operators, in the arena, from its members. */
int rules_operators(struct member_list_state *list, struct arena *arena, struct err *err);

/* By binary search; NULL if it is not there. */
struct community_member *rules_find(const struct member_list_state *list, const char *origin);
/* The list's own string for this operator; NULL if it is none. */
const char *rules_operator(const struct member_list_state *list, const char *origin);
/* Its place in list->operators; SIZE_MAX: it is none. */
size_t rules_operator_place(const struct member_list_state *list, const char *origin);

#endif

#include "governance/community_rules.h"

#include <stdlib.h>

static int compare_key_member(const void *key, const void *member)
{
    return strcmp(key, ((const struct community_member *)member)->origin);
}

static int compare_key_text(const void *key, const void *text)
{
    return strcmp(key, *(const char *const *)text);
}

struct community_member *rules_find(const struct member_list_state *list, const char *origin)
{
    if (list->count == 0)
        return NULL;
    return bsearch(origin, list->members, list->count, sizeof(*list->members), compare_key_member);
}

size_t rules_operator_place(const struct member_list_state *list, const char *origin)
{
    const char **found = NULL;
    if (list->operator_count > 0)
        found = bsearch(origin, list->operators, list->operator_count, sizeof(char *), compare_key_text);
    return found ? (size_t)(found - list->operators) : SIZE_MAX;
}

const char *rules_operator(const struct member_list_state *list, const char *origin)
{
    size_t place = rules_operator_place(list, origin);
    return place == SIZE_MAX ? NULL : list->operators[place];
}

/* ---- sponsors ---- */

static bool removed(const struct roster_version *version, const char *origin)
{
    for (size_t i = 0; i < version->removal_count; i++)
        if (strcmp(version->removals[i].origin, origin) == 0)
            return true;
    return false;
}

/* Those who vouch are listed before and after, and speak for different operators: one node is one voice. */
static int check_sponsors(const struct member_list_state *before, uint64_t wanted, const struct roster_version *version,
                          const struct roster_addition *addition, struct err *err)
{
    const char *operators[ROSTER_SPONSORS_MAX];
    uint64_t distinct = 0;
    for (size_t i = 0; i < addition->sponsor_count; i++) {
        const struct community_member *sponsor = rules_find(before, addition->sponsors[i]);
        if (!sponsor || removed(version, addition->sponsors[i]))
            return err_set(err, ERR_VERIFY, "%s: its sponsor %s is no member", addition->origin, addition->sponsors[i]);
        bool known = false;
        for (size_t k = 0; k < distinct; k++)
            known |= strcmp(operators[k], sponsor->operator) == 0;
        if (!known)
            operators[distinct++] = sponsor->operator;
    }
    if (wanted > before->operator_count)
        wanted = before->operator_count;
    if (distinct < wanted)
        return err_set(err, ERR_VERIFY, "%s: sponsored by %llu operators, the charter asks for %llu", addition->origin,
                       (unsigned long long)distinct, (unsigned long long)wanted);
    return 0;
}

static int check_additions(const struct member_list_state *before, uint64_t sponsors,
                           const struct roster_version *version, struct err *err)
{
    for (size_t i = 0; i < version->addition_count; i++) {
        const struct roster_addition *addition = &version->additions[i];
        bool listed = rules_find(before, addition->origin) != NULL;
        if (listed && addition->sponsor_count > 0)
            return err_set(err, ERR_VERIFY, "%s: is a member already and needs no sponsors", addition->origin);
        int rc = listed ? 0 : check_sponsors(before, sponsors, version, addition, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_removals(const struct member_list_state *before, const struct roster_version *version, struct err *err)
{
    for (size_t i = 0; i < version->removal_count; i++)
        if (!rules_find(before, version->removals[i].origin))
            return err_set(err, ERR_VERIFY, "%s: is to be removed and is no member", version->removals[i].origin);
    return 0;
}

/* ---- the list behind it ---- */

static struct community_member line_of(const struct roster_addition *addition, uint64_t number)
{
    return (struct community_member){
        .origin = addition->origin, .operator= addition->operator, .class = addition->class, .since = number};
}

/* Both ascend: one pass. `out` has room for all. */
static size_t merge(const struct member_list_state *before, const struct roster_version *version, uint64_t number,
                    struct community_member *out)
{
    size_t a = 0, b = 0, r = 0, count = 0;
    while (a < version->addition_count || b < before->count) {
        int order = a == version->addition_count ? 1
                    : b == before->count         ? -1
                                                 : strcmp(version->additions[a].origin, before->members[b].origin);
        if (order <= 0) {
            out[count++] = line_of(&version->additions[a++], number);
            b += order == 0;
            continue;
        }
        while (r < version->removal_count && strcmp(version->removals[r].origin, before->members[b].origin) < 0)
            r++;
        if (r == version->removal_count || strcmp(version->removals[r].origin, before->members[b].origin) != 0)
            out[count++] = before->members[b];
        b++;
    }
    return count;
}

/* Operators are the members that operate themselves: they ascend as the list does. */
int rules_operators(struct member_list_state *list, struct arena *arena, struct err *err)
{
    list->operators = arena_array(arena, list->count + 1, sizeof(char *));
    if (!list->operators)
        return err_memory(err);
    list->operator_count = 0;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->members[i].operator, list->members[i].origin) == 0)
            list->operators[list->operator_count++] = list->members[i].origin;
    return 0;
}

/* An operator has a voice through its own member, so that member must be listed, as its own operator. */
static int check_operators(const struct member_list_state *list, struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *operator= list->members[i].operator;
        if (rules_operator(list, operator))
            continue;
        const struct community_member *own = rules_find(list, operator);
        if (!own)
            return err_set(err, ERR_VERIFY, "%s: is listed as an operator and is no member", operator);
        return err_set(err, ERR_VERIFY, "%s: operates others and is itself listed under %s", own->origin,
                       own->operator);
    }
    return 0;
}

int rules_apply(const struct member_list_state *before, uint64_t number, uint64_t sponsors,
                const struct roster_version *version, struct arena *arena, struct member_list_state *ret,
                struct err *err)
{
    static const struct member_list_state nobody;
    if (version->version != number)
        return err_set(err, ERR_VERIFY, "calls itself version %llu and would be %llu",
                       (unsigned long long)version->version, (unsigned long long)number);
    int rc = before ? check_additions(before, sponsors, version, err) : 0;
    if (rc == 0 && before)
        rc = check_removals(before, version, err);
    if (rc < 0)
        return rc;
    before = before ? before : &nobody;
    ret->members = arena_array(arena, before->count + version->addition_count + 1, sizeof(*ret->members));
    if (!ret->members)
        return err_memory(err);
    ret->count = merge(before, version, number, ret->members);
    if (ret->count == 0)
        return err_set(err, ERR_VERIFY, "leaves nobody on the roster");
    if (ret->count > COMMUNITY_MEMBERS_MAX)
        return err_set(err, ERR_VERIFY, "lists %zu members, limit %d", ret->count, COMMUNITY_MEMBERS_MAX);
    rc = rules_operators(ret, arena, err);
    return rc == 0 ? check_operators(ret, err) : rc;
}

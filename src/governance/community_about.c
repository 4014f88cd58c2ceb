/* Questions about a community that was walked. */
#include "governance/community.h"

#include "base/codec.h"
#include "base/sha256.h"
#include "governance/community_rules.h"

static struct member_list_state list_of(const struct community *community)
{
    return (struct member_list_state){.members = community->members,
                                      .count = community->member_count,
                                      .operators = community->operators,
                                      .operator_count = community->operator_count};
}

struct community_member *community_find(const struct community *community, const char *origin)
{
    struct member_list_state list = list_of(community);
    return rules_find(&list, origin);
}

bool community_is_operator(const struct community *community, const char *origin)
{
    struct member_list_state list = list_of(community);
    return rules_operator(&list, origin) != NULL;
}

int community_check_child(const struct community *community, const struct roster_version *version, struct arena *arena,
                          struct err *err)
{
    struct member_list_state list = list_of(community), next;
    if (!community->founded || !version->has_parent || memcmp(version->parent, community->tip, 32) != 0)
        return err_set(err, ERR_VERIFY, "its parent is not the version in force");
    return rules_apply(&list, community->number + 1, community->charter->sponsors, version, arena, &next, err);
}

static void add_text(struct sha256 *hash, const char *text, const char *behind)
{
    sha256_add(hash, span_str(text));
    sha256_add(hash, span_str(behind));
}

void community_digest(const struct community *community, uint8_t out[32])
{
    static const char *const words[] = {[WORD_NONE] = "listed", [WORD_IN] = "in", [WORD_LEFT] = "left"};
    struct sha256 hash;
    char hex[65], number[24];
    size_t at = sizeof(number) - 1;
    number[at] = '\0';
    for (uint64_t rest = community->founded ? community->number : 0; at == sizeof(number) - 1 || rest > 0; rest /= 10)
        number[--at] = (char)('0' + rest % 10);
    sha256_init(&hash);
    add_text(&hash, "tongzhou/1 roster", "\n");
    hex_encode(community->hash, 32, hex);
    add_text(&hash, hex, "\n");
    hex_encode(community->tip, 32, hex);
    add_text(&hash, hex, "\n");
    add_text(&hash, number + at, "\n");
    for (size_t i = 0; i < community->member_count; i++) {
        const struct community_member *member = &community->members[i];
        add_text(&hash, member->origin, " ");
        add_text(&hash, member->operator, " ");
        add_text(&hash, member_class_word(member->class), " ");
        add_text(&hash, words[member->word], "\n");
    }
    sha256_end(&hash, out);
}

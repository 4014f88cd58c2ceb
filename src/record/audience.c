#include "record/audience.h"

#include "record/member.h"

#define GROUP_NAME_MAX 64 /* bytes */

static bool listed(const struct span *list, size_t count, struct span word)
{
    for (size_t i = 0; i < count; i++)
        if (span_eq(list[i], word))
            return true;
    return false;
}

/* How `to` reaches this viewer: the directest way first. */
static enum audience_verdict named(const struct audience *audience, const struct audience_who *who)
{
    enum audience_verdict best = audience->to_count > 0 ? AUDIENCE_NOT_NAMED : AUDIENCE_EMPTY;
    for (size_t i = 0; i < audience->to_count; i++) {
        struct span to = audience->to[i];
        if (span_eq(to, who->origin))
            return AUDIENCE_NAMED;
        if (audience_is_group(to) && listed(who->groups, who->group_count, to))
            best = AUDIENCE_GROUP;
        else if (best != AUDIENCE_GROUP && audience->tlp == TLP_AMBER && listed(who->guests, who->guest_count, to))
            best = AUDIENCE_HOST;
    }
    return best == AUDIENCE_NOT_NAMED && who->came_later ? AUDIENCE_LATER : best;
}

enum audience_verdict audience_admits(const struct audience *audience, const struct audience_who *who)
{
    if (audience->tlp == TLP_CLEAR)
        return AUDIENCE_PUBLIC;
    if (who->origin.len > 0 && span_eq(who->origin, audience->author))
        return AUDIENCE_AUTHOR;
    if (audience->tlp == TLP_NONE)
        return AUDIENCE_UNMARKED;
    if (audience->tlp == TLP_RED)
        return AUDIENCE_PERSONS;
    if (who->origin.len == 0)
        return audience->to_count > 0 || audience->tlp == TLP_GREEN ? AUDIENCE_NOT_NAMED : AUDIENCE_EMPTY;
    enum audience_verdict verdict = named(audience, who);
    if (audience->tlp != TLP_GREEN || audience_is_in(verdict))
        return verdict;
    return who->same_community ? AUDIENCE_COMMUNITY : verdict == AUDIENCE_EMPTY ? AUDIENCE_NOT_NAMED : verdict;
}

bool audience_admits_user(enum tlp tlp)
{
    return tlp >= TLP_CLEAR && tlp <= AUDIENCE_USER_TLP_MAX;
}

const char *audience_why(enum audience_verdict verdict)
{
    static const char *const words[] = {
        [AUDIENCE_UNMARKED] = "no TLP word that is known here",
        [AUDIENCE_EMPTY] = "for nobody but its author",
        [AUDIENCE_NOT_NAMED] = "not named",
        [AUDIENCE_LATER] = "in a group that is named, but not yet when this was said",
        [AUDIENCE_PERSONS] = "TLP:RED is for named persons",
        [AUDIENCE_PUBLIC] = "TLP:CLEAR is for everybody",
        [AUDIENCE_AUTHOR] = "its author",
        [AUDIENCE_COMMUNITY] = "of the author's community",
        [AUDIENCE_NAMED] = "named",
        [AUDIENCE_GROUP] = "in a group that is named",
        [AUDIENCE_HOST] = "host of a member that is named",
    };
    return words[verdict];
}

static bool group_name_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return name.len > 0 && name.len <= GROUP_NAME_MAX;
}

struct span audience_group_origin(struct span group)
{
    return span_sub(group, 0, span_find(group, '#'));
}

bool audience_is_group(struct span to)
{
    size_t at = span_find(to, '#');
    return at < to.len && origin_valid(span_sub(to, 0, at)) && group_name_valid(span_sub(to, at + 1, to.len));
}

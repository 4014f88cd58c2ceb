#include "record/audience.h"

#include <stdio.h>
#include <string.h>

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

/* What is for persons goes to members of whom one is named, and to nobody for any other reason. */
static enum audience_verdict persons(const struct audience *audience, const struct audience_who *who)
{
    for (size_t i = 0; i < audience->to_count; i++)
        if (who->origin.len > 0 && audience_is_person(audience->to[i]) &&
            span_eq(audience_person_origin(audience->to[i]), who->origin))
            return AUDIENCE_PERSON;
    return audience->to_count > 0 ? AUDIENCE_PERSONS : AUDIENCE_EMPTY;
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
        return persons(audience, who);
    if (who->origin.len == 0)
        return audience->to_count > 0 || audience->tlp == TLP_GREEN ? AUDIENCE_NOT_NAMED : AUDIENCE_EMPTY;
    enum audience_verdict verdict = named(audience, who);
    if (audience->tlp != TLP_GREEN || audience_is_in(verdict))
        return verdict;
    return who->same_community ? AUDIENCE_COMMUNITY : verdict == AUDIENCE_EMPTY ? AUDIENCE_NOT_NAMED : verdict;
}

bool audience_admits_user(const struct audience *audience, struct span person)
{
    if (audience->tlp == TLP_RED)
        return audience_is_person(person) && listed(audience->to, audience->to_count, person);
    return audience->tlp >= TLP_CLEAR && audience->tlp <= AUDIENCE_USER_TLP_MAX;
}

const char *audience_why(enum audience_verdict verdict)
{
    static const char *const words[] = {
        [AUDIENCE_UNMARKED] = "no TLP word that is known here",
        [AUDIENCE_EMPTY] = "for nobody but its author",
        [AUDIENCE_NOT_NAMED] = "not named",
        [AUDIENCE_LATER] = "in a group that is named, but not yet when this was said",
        [AUDIENCE_PERSONS] = "TLP:RED is for named persons, of others",
        [AUDIENCE_PUBLIC] = "TLP:CLEAR is for everybody",
        [AUDIENCE_AUTHOR] = "its author",
        [AUDIENCE_COMMUNITY] = "of the author's community",
        [AUDIENCE_NAMED] = "named",
        [AUDIENCE_GROUP] = "in a group that is named",
        [AUDIENCE_HOST] = "host of a member that is named",
        [AUDIENCE_PERSON] = "a person of it is named",
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

/* ---- persons ---- */

bool audience_person_name_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (i == 0 || c == 0 || !strchr("._-@", c)))
            return false;
    }
    return name.len > 0 && name.len <= USER_NAME_MAX;
}

/* Where the second slash stands, or the end. */
static size_t person_mark(struct span to)
{
    size_t slash = span_find(to, '/');
    return slash < to.len ? slash + 1 + span_find(span_sub(to, slash + 1, to.len), '/') : to.len;
}

struct span audience_person_origin(struct span person)
{
    return span_sub(person, 0, person_mark(person));
}

bool audience_is_person(struct span to)
{
    size_t at = person_mark(to);
    return at < to.len && origin_valid(span_sub(to, 0, at)) && audience_person_name_valid(span_sub(to, at + 1, to.len));
}

void audience_short(struct span to, char *out)
{
    struct span origin = audience_is_person(to)  ? audience_person_origin(to)
                         : audience_is_group(to) ? audience_group_origin(to)
                                                 : to;
    if (!origin_valid(origin)) {
        snprintf(out, RECORD_LINE_MAX + 1, "%.*s", SPAN_ARGS(to));
        return;
    }
    origin_short(origin, out);
    size_t len = strlen(out);
    snprintf(out + len, RECORD_LINE_MAX + 1 - len, "%.*s", SPAN_ARGS(span_sub(to, origin.len, to.len)));
}

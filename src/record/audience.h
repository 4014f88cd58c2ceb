/*
 * Who may see a content: the one place where `tlp` and `to` decide. Pure; whoever asks has found out before which groups
 * a member is in and whose community it shares.
 *
 *   clear         everybody
 *   green         members of a community of which the author is one, too; and whom `to` names
 *   amber         whom `to` names, directly or by a group, and the members on whose nodes those live
 *   amber+strict  whom `to` names, directly or by a group
 *   red           named persons of members: whom `to` names so. Their member's node may hold it, for them
 *
 * Directly or by a group: who is in the group and was when it was said, or to whom its author granted it since. The
 * author always; an empty audience is nobody. Source: PROTOCOL.md, "Audiences".
 */
#ifndef TONGZHOU_RECORD_AUDIENCE_H
#define TONGZHOU_RECORD_AUDIENCE_H

#include "record/member.h"
#include "record/record.h"

struct audience {
    enum tlp tlp;
    struct span author;    /* origin of the log in which it stands */
    const struct span *to; /* origins, groups ORIGIN#NAME, persons ORIGIN/NAME */
    size_t to_count;
};

/* Who looks. What does not belong to the question may be left out: then it admits nobody. */
struct audience_who {
    struct span origin;  /* .len 0: the public */
    bool same_community; /* the author's, by a roster in force */
    const struct span *groups;
    size_t group_count; /* those of `to` of which it is a member */
    const struct span *guests;
    size_t guest_count; /* those of `to` that say of themselves that they live on its node */
    bool came_later; /* it is in a group of `to`, but was not when this was said, and its author has not granted it */
};

enum audience_verdict {
    AUDIENCE_UNMARKED,  /* no `tlp`, or a word that we do not know */
    AUDIENCE_EMPTY,     /* names nobody */
    AUDIENCE_NOT_NAMED, /* others are named */
    AUDIENCE_LATER,     /* it came into a named group later */
    AUDIENCE_PERSONS,   /* for persons of others */
    /* From here on it is admitted. */
    AUDIENCE_PUBLIC,
    AUDIENCE_AUTHOR,
    AUDIENCE_COMMUNITY,
    AUDIENCE_NAMED,
    AUDIENCE_GROUP,
    AUDIENCE_HOST,
    AUDIENCE_PERSON, /* of a person who is named: the node may hold it, and shows it to that person alone */
};

enum audience_verdict audience_admits(const struct audience *audience, const struct audience_who *who);

static inline bool audience_is_in(enum audience_verdict verdict)
{
    return verdict >= AUDIENCE_PUBLIC;
}

/*
 * A user who is signed in on a node that holds the content: what the node's own command line shows, but for what bears no
 * marking that is known here, and TLP:RED that does not name this very person.
 *   person  ORIGIN/NAME: the member whose person it is and the name of the account; .len 0: nobody's
 */
#define AUDIENCE_USER_TLP_MAX TLP_AMBER_STRICT
bool audience_admits_user(const struct audience *audience, struct span person);

/* "named by `to`", a few words for people. */
const char *audience_why(enum audience_verdict verdict);

/* ORIGIN#NAME with a well-formed origin and name (1..64 of a-z, 0-9 and '-'): a group's name. */
bool audience_is_group(struct span to);

/* The member that publishes the group. */
struct span audience_group_origin(struct span group);

/* 1..64 of a-z, 0-9 and . _ - @, beginning with a letter or digit: a person's name, which is that of an account. */
bool audience_person_name_valid(struct span name);

/* ORIGIN/NAME with a well-formed origin and person's name. No origin has this form: it has one slash alone. */
bool audience_is_person(struct span to);

/* The member whose person it is. */
struct span audience_person_origin(struct span person);
#define PERSON_MAX (ORIGIN_MAX + 1 + USER_NAME_MAX) /* bytes of ORIGIN/NAME */

/* One of `to` for people: a whole origin in it shortened, "NAME/k5xq…"; out has room for RECORD_LINE_MAX + 1. */
void audience_short(struct span to, char *out);

#endif

/*
 * What people who sign in on this node may do: the one table of roles and actions. Pure. The operator at the command line
 * is not among them, and may everything.
 */
#ifndef TONGZHOU_STATE_ROLE_H
#define TONGZHOU_STATE_ROLE_H

#include "base/span.h"

enum role { ROLE_NONE, ROLE_READER, ROLE_ANALYST, ROLE_PUBLISHER, ROLE_ADMINISTRATOR, ROLES };

enum role_action {
    ACTION_NONE,    /* what nobody may because of a role */
    ACTION_READ,    /* contents that are not for everybody (record/audience.h: audience_admits_user) */
    ACTION_SEARCH,  /* search in them */
    ACTION_SWEEP,   /* sweep a file for what they name */
    ACTION_PUBLISH, /* say something under the name of one's member */
    ACTION_USERS,   /* see who may sign in, lock and unlock them, read the trail */
    ACTION_DECIDE,  /* see what policy holds, let it in or turn it away, try another policy */
    ACTION_INBOX,   /* what this node has to tell its people */
    ACTION_METRICS, /* figures about what is not for everybody */
    ACTIONS
};

/* What a token of a user is for: never more than its user may. */
enum role_scope { SCOPE_READ = 1, SCOPE_PUBLISH = 2, SCOPE_ADMIN = 4, SCOPE_METRICS = 8 };
#define SCOPES_ALL ((unsigned)SCOPE_READ | SCOPE_PUBLISH | SCOPE_ADMIN | SCOPE_METRICS)
#define SCOPES_TEXT_MAX 32 /* bytes of "read,publish,admin,metrics" and its end */

bool role_may(enum role role, unsigned scopes, enum role_action action);
/* May persons of hosted members do that, too, if their role allows it? What concerns the node is its operator's. */
bool role_guests_may(enum role_action action);

/* "reader"; ROLE_NONE for another word. */
const char *role_word(enum role role);
enum role role_parse(struct span word);

/* "read,publish" in any order, each once; 0 for anything else. */
unsigned scopes_parse(struct span text);
void scopes_format(unsigned scopes, char out[SCOPES_TEXT_MAX]);

#endif

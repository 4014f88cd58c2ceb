/* What the commands about lists share. */
#ifndef TONGZHOU_CLI_LISTS_H
#define TONGZHOU_CLI_LISTS_H

#include "cli/session.h"
#include "governance/drafts.h"

#define LISTS_ARENA_MAX (128u << 20) /* bytes: a list of LIST_BODY_MAX, what is adopted, and the changes */

struct list_session {
    struct invocation *inv;
    struct session session;
    struct arena arena;
};

/* Open store and index. 0, or an exit status after having said why. */
int list_session(struct invocation *inv, struct list_session *l, unsigned flags);
void list_session_end(struct list_session *l);

/* The list that a person names, with what it would change; in the session's arena. */
int list_named(struct list_session *l, const char *text, struct draft *ret);

/* "offered", "withdrawn": for programs. */
const char *draft_state_word(enum draft_state state);

void put_list_address(FILE *out, const struct list_address *address);
/* What adopted lists say of a record and its author, a line each. */
int put_lists_about(struct session *session, const char *origin, uint64_t index, struct err *err);

void put_list_item(FILE *out, const struct list_item *item);

#endif

/* Whether a member's name was found to be its own: what this node looked up, when, and how. True only here. */
#ifndef TONGZHOU_STATE_NAMES_H
#define TONGZHOU_STATE_NAMES_H

#include "state/store.h"

#define NAME_DETAIL_MAX 512

enum name_method { NAME_NOWHERE = 0, NAME_DNS = 1, NAME_HTTPS = 2 };

struct name_check {
    char origin[ORIGIN_MAX + 1];
    enum name_method method; /* where it was found; NAME_NOWHERE: the name is claimed only */
    int64_t checked_ms;
    char detail[NAME_DETAIL_MAX + 1]; /* what was found instead, escaped text */
};

/* "dns", "https"; "claimed" for NAME_NOWHERE. */
const char *name_method_word(enum name_method method);

/* Replaces an earlier one of this origin. */
int name_check_put(struct store *store, const struct name_check *check, struct err *err);

/* ERR_NOTFOUND: never looked up. */
int name_check_get(struct store *store, const char *origin, struct name_check *ret, struct err *err);

#endif

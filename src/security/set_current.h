/* Which objects hold now and take effect here, for a pass over all of them; private to security. */
#ifndef TONGZHOU_SECURITY_SET_CURRENT_H
#define TONGZHOU_SECURITY_SET_CURRENT_H

#include "security/fold.h"

struct current {
    int64_t *past; /* refs of objects that do not: superseded, revoked, expired, not enforced by policy; ascending */
    size_t past_count, past_cap;
    int64_t next_change_ms; /* when the next one expires, or rules may say otherwise; INT64_MAX never */
    int64_t policy;         /* rules_version.number by which it was decided */
};

/*
 * One snapshot of the tables for as long as several statements are read; end it in any case once begun.
 */
int snapshot_begin(struct index *index, struct err *err);
void snapshot_end(struct index *index);

/* One pass over security_object, two if policy decides what takes effect. current_done is needed in any case. */
int current_load(struct index *index, struct store *store, int64_t now_ms, struct current *ret, struct err *err);
int current_add_past(struct current *current, int64_t ref, struct err *err);
int current_enforce(struct current *current, struct index *index, struct store *store, int64_t now_ms, struct err *err);
void current_done(struct current *current);
bool current_holds(const struct current *current, int64_t ref);

#endif

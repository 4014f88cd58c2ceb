/*
 * What policy says of whole logs: `mirror full`, `recent N`, `heads`, `none`. A person's `follow` goes above it. What no rule
 * is about stays as it is. Class, jurisdiction and sectors of a member are known once its first entry is here.
 */
#ifndef TONGZHOU_CONNECT_MIRRORING_H
#define TONGZHOU_CONNECT_MIRRORING_H

#include "state/rules.h"

/*
 * POLICY_OPEN: no rule is about it, or a person follows it, or it lives here.
 *   log  only `origin` need be set of one that is not here yet
 */
int mirroring_ask(struct store *store, const struct log_info *log, struct policy_verdict *ret, struct err *err);

/* Mode and recent of *log as the verdict says; true: they were others. */
bool mirroring_mode(const struct policy_verdict *verdict, struct log_info *log);

/* Another policy is in force: all mirrored logs. Commits; safe to be called again. */
int mirroring_follow_policy(struct store *store, struct err *err);

#endif

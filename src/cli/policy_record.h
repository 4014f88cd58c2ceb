/* A person's decision about a content, said in the open: kind "policy/decision" (PROTOCOL.md, section 4). */
#ifndef TONGZHOU_CLI_POLICY_RECORD_H
#define TONGZHOU_CLI_POLICY_RECORD_H

#include "cli/session.h"
#include "state/rules.h"

#define POLICY_DECISION_KIND "policy/decision"

struct policy_record {
    const struct decision *decision;
    const struct verdict *before; /* what rules had decided; NULL: nothing */
    const char *ground;           /* "policy", or what law or contract demands it */
    const char *redress;          /* where to turn to against it */
    enum tlp tlp;
};

/* Append the record's text. */
int policy_record_write(struct session *session, const struct log_info *operator, const struct policy_record * record,
                        struct buf *out, struct err *err);

#endif

/* For whom something is said: --tlp, --to and --keep of `publish` and `import`. What contradicts itself is refused first. */
#ifndef TONGZHOU_CLI_AUDIENCE_H
#define TONGZHOU_CLI_AUDIENCE_H

#include "cli/command.h"
#include "cli/session.h"
#include "connect/publishing.h"

/* Before anything is opened: do marking and audience fit each other? EXIT_USAGE, with the reason, or 0. */
int audience_check(struct invocation *inv, enum tlp tlp);

/*
 * Whole origins and groups for what a person typed. Refused: who is not known here, a local log, the author alone.
 *   author  the log that speaks
 */
int audience_resolve(struct invocation *inv, struct session *session, enum tlp tlp, const struct log_info *author,
                     struct named_audience *ret);

/* After it was said: who gets it, and how. Nothing for TLP:CLEAR and local logs. */
void audience_tell(const struct session *session, const struct named_audience *audience, const struct log_info *author);

/* "TLP:AMBER+STRICT" */
const char *audience_marking(enum tlp tlp);

#endif

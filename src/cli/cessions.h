/* What the commands about ceded powers share. */
#ifndef TONGZHOU_CLI_CESSIONS_H
#define TONGZHOU_CLI_CESSIONS_H

#include "cli/community.h"
#include "governance/cessions.h"

/* "active until 2026-12-24", "revoked 2026-11-28: no longer needed", ... */
void put_cession_state(FILE *out, const struct governance_cession *cession);

#endif

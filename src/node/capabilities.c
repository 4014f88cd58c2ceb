/* Every capability, once. The order is that of the page navigation and of fold.state[]. */
#include "connect/capability.h"
#include "governance/governance.h"
#include "index/capability.h"
#include "moderation/moderation.h"
#include "security/intel.h"

const struct capability *const capabilities[] = {
    &connect_capability, &security_capability, &governance_capability, &moderation_capability, NULL,
};

/* The options that describe a member, shared by `init` and `member add`. */
#ifndef TONGZHOU_CLI_PROFILE_H
#define TONGZHOU_CLI_PROFILE_H

#include "cli/command.h"
#include "record/member.h"

#define PROFILE_OPTIONS                                                                                                \
    {"name", "N", "the member's name, best a domain it holds", ONCE},                                                  \
        {"class", "C", "intergovernmental, state, private or civil", ONCE},                                            \
        {"lang", "L", "a language it works in, BCP 47: en, zh-Hans", ANY_NUMBER},                                      \
        {"jurisdiction", "J", "the law it stands under: a country code, EU, international", AT_MOST_ONCE},             \
        {"sector", "S", "finance, power, transport, health, research, ...", ANY_NUMBER},                               \
        {"contact", "TEXT", "how people reach it", AT_MOST_ONCE},                                                      \
    {                                                                                                                  \
        "endpoint", "URL", "where its node is reached", ANY_NUMBER                                                     \
    }

/* 0, or an exit status after having said what is wrong. */
int profile_options(struct invocation *inv, struct profile *out);

/* Where the new recovery key goes: --recovery-out, or NAME.recovery here. Looked at before anything is made: it must not
 * exist, and its folder must take it. 0, or an exit status after having said what is wrong. */
#define PROFILE_RECOVERY_MAX 4096
int profile_recovery(struct invocation *inv, const struct profile *profile, char out[PROFILE_RECOVERY_MAX]);

#endif

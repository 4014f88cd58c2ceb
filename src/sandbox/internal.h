/* Between the files of this module. */
#ifndef TONGZHOU_SANDBOX_INTERNAL_H
#define TONGZHOU_SANDBOX_INTERNAL_H

#include "sandbox/sandbox.h"

/* Files, ports, others: fills in what came into force. ERR_STATE: the kernel does not offer it; the text says so. */
int landlock_enter(const struct sandbox_options *options, struct sandbox_state *state, struct err *err);

/* Calls: for all threads of the process. ERR_STATE: the kernel does not offer it. */
int seccomp_enter(const struct sandbox_options *options, struct err *err);

#endif

/* Policy files as commands read and judge them. */
#ifndef TONGZHOU_CLI_POLICY_FILE_H
#define TONGZHOU_CLI_POLICY_FILE_H

#include "cli/session.h"
#include "policy/policy.h"

/*
 * Read and compile FILE, or the node's policy.conf, with what is adopted from lists here. Every error is told on standard error as FILE:LINE:COLUMN. 0, or an exit
 * status after having said why.
 */
int policy_file_load(struct invocation *inv, struct session *session, const char *path, struct policy **ret);

/* Everybody whose log is here, as rules see them; in the session's arena. 0, or an exit status. */
int policy_file_members(struct invocation *inv, struct session *session, struct policy_member **ret, size_t *ret_count);

/* DIR/policy.conf. */
void policy_file_path(const struct invocation *inv, char out[4096]);

#endif

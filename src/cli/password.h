/* A password for a user: asked at the terminal without showing it, read from standard input, or drawn. */
#ifndef TONGZHOU_CLI_PASSWORD_H
#define TONGZHOU_CLI_PASSWORD_H

#include "base/limits.h"
#include "cli/command.h"

#define PASSWORD_OPTIONS                                                                                               \
    {"password-stdin", NULL, "read it from standard input, one line", AT_MOST_ONCE},                                   \
    {                                                                                                                  \
        "generate", NULL, "draw one and show it, this once", AT_MOST_ONCE                                              \
    }

/* 0, or an exit status after having said why. */
int password_ask(struct invocation *inv, const char *name, char out[PASSWORD_MAX + 1]);

/* For vault_set_ask: the passphrase of the keys, asked for at the terminal. */
int password_of_keys(char out[PASSWORD_MAX + 1], struct err *err);
/* A new one: the credential NAME, or asked for twice. */
int password_new_of_keys(const char *name, char out[PASSWORD_MAX + 1], struct err *err);

/* After it was stored: shows one that was drawn. */
void password_show(const struct invocation *inv, const char *password);

#endif

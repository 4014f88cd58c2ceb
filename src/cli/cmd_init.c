/* tongzhou init: a new node with its operator's member; or a member that goes on after its log was lost or forked. */
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/password.h"
#include "cli/profile.h"
#include "cli/session.h"
#include "connect/startcheck.h"
#include "state/author.h"
#include "state/vault.h"

static const struct option options[] = {
    PROFILE_OPTIONS,
    {"recovery-out", "FILE", "where the new recovery key goes (default NAME.recovery in this folder)", AT_MOST_ONCE},
    {"succeeds", "ORIGIN", "go on after ORIGIN, a log of ours that was lost or forked", AT_MOST_ONCE},
    {"recovery", "FILE", "with --succeeds: the old log's recovery key", AT_MOST_ONCE},
    {"passphrase", NULL, "keep the keys under a passphrase, which is asked for (keys encrypt)", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

static bool has_operator(struct session *session, struct log_info *ret)
{
    struct err ignored = {0};
    return store_operator(session->store, ret, &ignored) == 0;
}

/* The option as a shell takes it. */
static void print_dir(const struct invocation *inv)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+,@%:=";
    if (!inv->dir_given)
        return;
    if (inv->dir[strspn(inv->dir, plain)] == '\0') {
        printf(" -C %s", inv->dir);
        return;
    }
    fputs(" -C '", stdout);
    for (const char *at = inv->dir; *at; at++)
        if (*at == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*at);
    putchar('\'');
}

static void print_result(const struct invocation *inv, const struct log_info *log, const char *recovery)
{
    printf("This node now speaks for %s.\n\n", log->origin);
    printf("  folder        %s\n", inv->dir);
    fputs("  fingerprint  ", stdout);
    for (const char *at = strrchr(log->origin, '/') + 1; *at; at += 4)
        printf(" %.4s", at); /* in groups, as people compare it by telephone */
    putchar('\n');
    printf("  recovery key  %s\n\n", recovery);
    printf("Move the recovery key to a safe place off this machine: whoever holds it can take the log over,\n"
           "and without it a lost log key cannot be replaced.\n\n");
    fputs("Next: tongzhou", stdout);
    print_dir(inv);
    fputs(" import --tlp clear FILE   or   tongzhou", stdout);
    print_dir(inv);
    fputs(" serve\n", stdout);
}

/* Before there is a key: none is ever written in plain text. */
static int keys_vault(struct invocation *inv)
{
    char passphrase[PASSWORD_MAX + 1], folder[PATH_MAX];
    int rc = password_new_of_keys(VAULT_CREDENTIAL, passphrase, &inv->err);
    if (!rc && snprintf(folder, sizeof(folder), "%s/keys", inv->dir) >= (int)sizeof(folder))
        rc = err_set(&inv->err, ERR_LIMIT, "%s: folder name too long", inv->dir);
    if (!rc && mkdir(folder, 0700) < 0 && errno != EEXIST)
        rc = err_sys(&inv->err, "%s", folder);
    if (!rc && !vault_is_here(inv->dir))
        rc = vault_create(inv->dir, span_str(passphrase), &inv->err);
    sodium_memzero(passphrase, sizeof(passphrase));
    return rc;
}

static int create(struct invocation *inv, struct session *session, const struct profile *profile, const char *recovery)
{
    struct log_info old, log;
    struct author_new make = {.profile = *profile, .time_ms = cli_now_ms(), .role = LOG_OWN, .is_operator = true};
    const char *succeeds = cli_option(inv, "succeeds", NULL);
    if (has_operator(session, &old) && !succeeds) {
        err_set(&inv->err, ERR_EXISTS,
                "%s is already a node: it speaks for %s. Another member on it: `tongzhou member add`", inv->dir,
                old.origin);
        return cli_fail(inv);
    }
    if (cli_flag(inv, "passphrase") && keys_vault(inv))
        return cli_fail(inv);
    make.recovery_path = recovery;
    if (succeeds) {
        make.succeeds = span_str(succeeds);
        make.old_recovery_path = cli_option(inv, "recovery", NULL);
    }
    if (author_create(session->store, &make, &log, &inv->err))
        return cli_fail(inv);
    print_result(inv, &log, make.recovery_path);
    return EXIT_DONE;
}

static int run(struct invocation *inv)
{
    struct session session;
    struct profile profile = {0};
    const char *succeeds = cli_option(inv, "succeeds", NULL), *old_key = cli_option(inv, "recovery", NULL);
    char recovery[PROFILE_RECOVERY_MAX];
    /* Before anything is made: a mistyped word leaves no folder behind. */
    int status = profile_options(inv, &profile);
    if (status)
        return status;
    if (!succeeds != !old_key)
        return cli_usage(inv,
                         "--succeeds and --recovery belong together: the old log's recovery key signs for the new log");
    if (succeeds && !origin_valid(span_str(succeeds)))
        return cli_usage(inv, "--succeeds %s: the old log's whole origin is needed, NAME/ and 52 characters", succeeds);
    if (old_key && access(old_key, R_OK) != 0) {
        err_sys(&inv->err, "the old log's recovery key: %s", old_key);
        return cli_fail(inv);
    }
    status = profile_recovery(inv, &profile, recovery);
    if (status)
        return status;
    status = session_open(inv, &session, SESSION_WRITE | SESSION_CREATE | SESSION_SIGN, OUTLET_CLI_LOG);
    if (!status)
        status = create(inv, &session, &profile, recovery);
    session_close(&session);
    return status;
}

const struct command cmd_init = {
    .name = "init",
    .arguments = "",
    .summary = "Make a node: a folder, keys, and the first entry of our log",
    .details = "The name is how others will know us, best a domain that we hold: cert.example.org. Together with the\n"
               "hash of the first entry it becomes our origin, which nobody else can claim.\n\n"
               "  tongzhou init --name cert.example.org --class state --jurisdiction EX --lang en\n",
    .options = options,
    .max_args = 0,
    .run = run,
};

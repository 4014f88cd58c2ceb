/* tongzhou rotate: a new log key, signed for by the old one or by the recovery key. */
#include "cli/commands.h"
#include "cli/session.h"
#include "state/author.h"

static const struct option options[] = {
    {"recovery", "FILE", "sign with this recovery key: the log key is lost or stolen", AT_MOST_ONCE},
    {"recovery-out", "FILE", "with --recovery: where the next one goes (default NAME.recovery-2, -3, ...)",
     AT_MOST_ONCE},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

/* NAME.recovery is the first; each rotation that a recovery key signed used one up. */
static void name_next(const struct member *member, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < member->key_count; i++)
        used += member->keys[i].by_recovery;
    snprintf(out, size, "%s.recovery-%zu", member->profile.name, used + 2);
}

static int rotate(struct invocation *inv, struct session *session)
{
    struct log_info log;
    struct member member;
    char path[ORIGIN_NAME_MAX + 32];
    const char *recovery = cli_option(inv, "recovery", NULL), *next = NULL;
    int rc = session_author(inv, session, &log);
    if (rc)
        return rc;
    if (store_member(session->store, log.number, &session->arena, &member, &inv->err))
        return cli_fail(inv);
    if (recovery) {
        name_next(&member, path, sizeof(path));
        next = cli_option(inv, "recovery-out", path);
    }
    if (author_rotate(session->store, log.number, recovery, next, cli_now_ms(), &inv->err))
        return cli_fail(inv);
    printf("%s signs with a new key from entry %llu on.\n", log.origin, (unsigned long long)log.size);
    if (next)
        printf("The next recovery key is in %s: move it off this machine, and destroy the one before.\n", next);
    else
        printf("The recovery key stays as it is.\n");
    return EXIT_DONE;
}

static int run(struct invocation *inv)
{
    struct session session;
    if (cli_option(inv, "recovery-out", NULL) && !cli_option(inv, "recovery", NULL))
        return cli_usage(inv, "--recovery-out belongs to --recovery: only the recovery key names the next one");
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_SIGN, OUTLET_CLI_LOG);
    if (!status)
        status = rotate(inv, &session);
    session_close(&session);
    return status;
}

const struct command cmd_rotate = {
    .name = "rotate",
    .arguments = "",
    .summary = "Replace the log key",
    .details =
        "The rotation is an entry of the log, signed by the old key and the new one; everybody who mirrors the\n"
        "log follows by itself. Without --recovery the log key in force signs, and the recovery key stays as it\n"
        "is. If the log key is lost, or if others may have it, sign with the recovery key: a next one is made.\n",
    .options = options,
    .max_args = 0,
    .run = run,
};

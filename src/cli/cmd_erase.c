/* tongzhou erase: take one's own word back. */
#include "cli/commands.h"
#include "cli/session.h"
#include "record/seal.h"
#include "state/author.h"

static const struct option options[] = {
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

static int erase(struct invocation *inv, struct session *session)
{
    struct log_info log;
    uint64_t index, folded;
    unsigned flags = 0;
    int rc = session_record(inv, session, inv->args[0], &log, &index);
    if (rc)
        return rc;
    if (log.role != LOG_OWN && log.role != LOG_LOCAL) {
        err_set(&inv->err, ERR_REFUSED, "%s does not live on this node: only its own node takes its words back",
                log.origin);
        return cli_fail(inv);
    }
    if (payload_flags(session->store, log.number, index, &flags, &inv->err))
        return cli_fail(inv);
    if (flags & SLOT_ERASED) {
        printf("%s/%llu was erased before: nothing more to do.\n", log.origin, (unsigned long long)index);
        return EXIT_DONE;
    }
    if (author_erase(session->store, log.number, index, cli_now_ms(), &inv->err) ||
        index_update(session->index, session->store, 0, &folded, &inv->err))
        return cli_fail(inv);
    rc = session_forget(inv, session);
    if (rc)
        return rc;
    printf("%s/%llu is erased here. Every proof still holds%s.\n", log.origin, (unsigned long long)index,
           log.role == LOG_LOCAL ? "" : "; nodes that obey erase it when they hear of it");
    return EXIT_DONE;
}

static int run(struct invocation *inv)
{
    struct session session;
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX | SESSION_SIGN, OUTLET_CLI_LOG);
    if (!status)
        status = erase(inv, &session);
    session_close(&session);
    return status;
}

const struct command cmd_erase = {
    .name = "erase",
    .arguments = "MEMBER/INDEX",
    .summary = "Withdraw the content of one of our records",
    .details = "Content and salt are overwritten on this node and a public record asks everybody else to do the same.\n"
               "The entry stays, and so does every proof over the log.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};

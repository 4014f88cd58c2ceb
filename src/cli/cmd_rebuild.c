/* tongzhou rebuild: the index is a fold over the logs; make it again. */
#include "cli/commands.h"
#include "cli/session.h"

static int run(struct invocation *inv)
{
    struct session session;
    int64_t begun = cli_now_ms();
    int status = session_open(inv, &session, 0, OUTLET_CLI_LOG);
    if (!status) {
        if (index_open(inv->dir, &session.index, &inv->err) || index_restart(session.index, &inv->err))
            status = cli_fail(inv);
        else
            status = session_fold(inv, &session);
        if (!status)
            printf("index.db made again in %.1f s\n", (double)(cli_now_ms() - begun) / 1000.0);
    }
    session_close(&session);
    return status;
}

const struct command cmd_rebuild = {
    .name = "rebuild",
    .arguments = "",
    .summary = "Make the index again from the logs",
    .details = "Nothing true is in the index: deleting index.db loses nothing but time.\n",
    .max_args = 0,
    .run = run,
};
